/* cli/article/lu2021.c -- Table 7 of Lu et al. 2021: VGG-8 on six machines of NeuroSim V1.3, and
 * our circuits with that program's counts.
 *
 * Inferred, for the six figures agree so and not otherwise (docs/validation.md, D24): a word line
 * goes up once a read, not for each column as in V1.4, and a column that is converted takes a
 * capacitance more, the same on all six machines. What that is, nothing says. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/article/article.h"
#include "cli/article/neurosim_counts.h"

enum { N_DEVICE = 6 };

static const struct benchmark {
    const char *name, *technology, *device;
    unsigned    cells, levels;
    const char *uj, *clock_ns, *tops_per_w, *mm2;
} benchmarks[N_DEVICE] = {
    { "SRAM 7 nm", "7nm_lp", "sram", 8, 16, "31.27", "2.98", "31.87", "13.34" },
    { "SRAM 22 nm", "22nm_lp", "sram", 8, 16, "58.69", "4.87", "18.48", "61.92" },
    { "RRAM 2 bit", "22nm_lp", "rram_2bit", 4, 32, "37.75", "2.05", "31.63", "45.55" },
    { "RRAM 4 bit", "22nm_lp", "rram_4bit", 2, 32, "16.73", "2.02", "71.25", "25.57" },
    { "PCM 4 bit", "22nm_lp", "pcm_4bit", 2, 32, "17.32", "2.22", "68.69", "25.57" },
    { "FeFET 4 bit", "22nm_lp", "fefet_4bit", 2, 32, "16.07", "2.30", "73.72", "25.52" },
};

#define MORE_PJ 0.16 // of a converted column, at MORE_V: what the four resistive machines lack
#define MORE_V  0.85

enum lu_row { LU_CLOCK, LU_CONVERTERS, LU_LINES, LU_ACCUMULATION, LU_SWITCHES, LU_BUSES, LU_OURS,
              LU_OURS_SHARE, LU_MORE, LU_ALL, LU_SHARE, LU_EFFICIENCY, LU_AREA, N_LU };

static const char *const lu_names[N_LU] = {
    [LU_CLOCK] = "clock ns", [LU_CONVERTERS] = "converters uJ",
    [LU_LINES] = "word lines, once a read", [LU_ACCUMULATION] = "accumulation",
    [LU_SWITCHES] = "switches, multiplexers", [LU_BUSES] = "buses", [LU_OURS] = "our circuits",
    [LU_OURS_SHARE] = "of its figure, %", [LU_MORE] = "a column takes more, inferred",
    [LU_ALL] = "all", [LU_SHARE] = "all of its figure, %",
    [LU_EFFICIENCY] = "TOPS/W, dynamic",
    [LU_AREA] = "mm2 of arrays, no white space",
};

static void put_lu(struct figure_row *rows, enum lu_row i, const struct benchmark *b, double value,
                   const char *printed)
{
    struct figure_row *r = &rows[i];
    struct figure *f = &r->figure[r->n_figure++];

    snprintf(r->name, sizeof r->name, "%s", lu_names[i]);
    *f = (struct figure){ .quantity = b->name, .printed = printed,
                          .deviation = printed ? "D24" : NULL };
    snprintf(f->ours, sizeof f->ours, i == LU_SHARE || i == LU_OURS_SHARE ? "%.0f" : "%.2f", value);
}

static enum err put_benchmark(struct figure_row *rows, const struct benchmark *b,
                              struct err_msg *m)
{
    struct neurosim_machine k = { .side = 128, .cells = b->cells, .levels = b->levels,
                                  .ones = 0.5 };
    const double operations = 2 * 615917568.; // of its 615.9 million products
    struct neurosim_parts p;
    struct sub_array s;
    enum err e = neurosim_load(&k, b->technology, b->device, m);

    k.half_side_um = sqrt(strtod(b->mm2, NULL)) * 1e3 / 2;
    if (e || (e = neurosim_network(&k, neurosim_vgg8, 0, &p, m)) ||
        (e = neurosim_array(&k, k.side, &s, m)))
        return e;
    p.lines /= NEUROSIM_TURNS;
    p.switches /= NEUROSIM_TURNS;
    double its = strtod(b->uj, NULL), ours = neurosim_sum(&p);
    double more = p.columns * MORE_PJ * 1e-6 * pow(k.technology.supply_v / MORE_V, 2);

    put_lu(rows, LU_CLOCK, b, s.clock_ns, b->clock_ns);
    put_lu(rows, LU_CONVERTERS, b, p.converters, NULL);
    put_lu(rows, LU_LINES, b, p.lines, NULL);
    put_lu(rows, LU_ACCUMULATION, b, p.accumulation, NULL);
    put_lu(rows, LU_SWITCHES, b, p.switches + p.mux, NULL);
    put_lu(rows, LU_BUSES, b, p.buses, NULL);
    put_lu(rows, LU_OURS, b, ours, NULL);
    put_lu(rows, LU_OURS_SHARE, b, 100 * ours / its, NULL);
    put_lu(rows, LU_MORE, b, more, NULL);
    put_lu(rows, LU_ALL, b, ours + more, b->uj);
    put_lu(rows, LU_SHARE, b, 100 * (ours + more) / its, NULL);
    put_lu(rows, LU_EFFICIENCY, b, operations / (ours + more) * 1e-6, b->tops_per_w);
    put_lu(rows, LU_AREA, b, p.arrays * s.used_um2 * 1e-6, b->mm2);
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
