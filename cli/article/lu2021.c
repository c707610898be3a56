/* cli/article/lu2021.c -- Table 7 of Lu et al. 2021: VGG-8 on six machines of NeuroSim V1.3, and
 * our circuits with that program's counts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/article/article.h"
#include "cli/article/neurosim_counts.h"

enum { N_DEVICE = 6 };

static const struct benchmark {
    const char *name, *technology, *device;
    unsigned    cells, levels;
    const char *uj, *clock_ns;
    double      mm2;
} benchmarks[N_DEVICE] = {
    { "SRAM 7 nm", "7nm_lp", "sram", 8, 16, "31.27", "2.98", 13.34 },
    { "SRAM 22 nm", "22nm_lp", "sram", 8, 16, "58.69", "4.87", 61.92 },
    { "RRAM 2 bit", "22nm_lp", "rram_2bit", 4, 32, "37.75", "2.05", 45.55 },
    { "RRAM 4 bit", "22nm_lp", "rram_4bit", 2, 32, "16.73", "2.02", 25.57 },
    { "PCM 4 bit", "22nm_lp", "pcm_4bit", 2, 32, "17.32", "2.22", 25.57 },
    { "FeFET 4 bit", "22nm_lp", "fefet_4bit", 2, 32, "16.07", "2.30", 25.52 },
};

enum lu_row { LU_CLOCK, LU_CONVERTERS, LU_LINES, LU_ACCUMULATION, LU_SWITCHES, LU_BUSES, LU_ALL,
              LU_SHARE, N_LU };

static const char *const lu_names[N_LU] = {
    [LU_CLOCK] = "clock ns", [LU_CONVERTERS] = "converters uJ", [LU_LINES] = "word lines",
    [LU_ACCUMULATION] = "accumulation", [LU_SWITCHES] = "switches, multiplexers",
    [LU_BUSES] = "buses", [LU_ALL] = "all", [LU_SHARE] = "of its figure, %",
};

static void put_lu(struct figure_row *rows, enum lu_row i, const struct benchmark *b, double value,
                   const char *printed)
{
    struct figure_row *r = &rows[i];
    struct figure *f = &r->figure[r->n_figure++];

    snprintf(r->name, sizeof r->name, "%s", lu_names[i]);
    *f = (struct figure){ .quantity = b->name, .printed = printed,
                          .deviation = printed ? "D24" : NULL };
    snprintf(f->ours, sizeof f->ours, i == LU_SHARE ? "%.0f" : "%.2f", value);
}

static enum err put_benchmark(struct figure_row *rows, const struct benchmark *b,
                              struct err_msg *m)
{
    struct neurosim_machine k = { .side = 128, .cells = b->cells, .levels = b->levels,
                                  .ones = 0.5, .half_side_um = sqrt(b->mm2) * 1e3 / 2 };
    struct neurosim_parts p;
    struct sub_array s;
    enum err e = neurosim_load(&k, b->technology, b->device, m);

    if (e || (e = neurosim_network(&k, neurosim_vgg8, 2, &p, m)) ||
        (e = neurosim_array(&k, k.side, &s, m)))
        return e;
    put_lu(rows, LU_CLOCK, b, s.clock_ns, b->clock_ns);
    put_lu(rows, LU_CONVERTERS, b, p.converters, NULL);
    put_lu(rows, LU_LINES, b, p.lines, NULL);
    put_lu(rows, LU_ACCUMULATION, b, p.accumulation, NULL);
    put_lu(rows, LU_SWITCHES, b, p.switches + p.mux, NULL);
    put_lu(rows, LU_BUSES, b, p.buses, NULL);
    put_lu(rows, LU_ALL, b, neurosim_sum(&p), b->uj);
    put_lu(rows, LU_SHARE, b, 100 * neurosim_sum(&p) / strtod(b->uj, NULL), NULL);
    return ERR_NONE;
}

enum err article_lu2021(struct figure_table *t, struct err_msg *m)
{
    enum err e = ERR_NONE;

    *t = (struct figure_table){
        .name = "lu2021", .row_title = "VGG-8, half of the bits set",
        .title = "Lu et al. 2021, Table 7: our circuits with that program's counts, V1.3 in "
                 "brackets",
        .row = calloc(N_LU, sizeof *t->row), .n_row = N_LU };
    if (!t->row)
        return err_set(m, ERR_MEMORY, "no memory for the article's tables");
    for (size_t i = 0; i < N_DEVICE && !e; i++)
        e = put_benchmark(t->row, &benchmarks[i], m);
    if (e)
        figure_table_release(t);
    return e;
}
