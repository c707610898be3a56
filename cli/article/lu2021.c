/* cli/article/lu2021.c -- Table 7 of Lu et al. 2021: VGG-8 on six machines of NeuroSim V1.3; what
 * that program takes module by module, and our circuits with its counts.
 *
 * Its modules were measured: the public source of V1.3 as it stood on 31 May 2021, built and run,
 * with weights and inputs at random, 3/16 of the inputs' bits set (docs/validation.md, D24). The
 * article's own weights and inputs are not published. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/article/article.h"
#include "cli/article/neurosim_counts.h"

enum { N_DEVICE = 6 };

enum part { CONVERTERS, LINES, ACCUMULATION, SWITCHES, WIRES, BUFFERS, N_PART };

static const struct benchmark {
    const char *name, *technology, *device;
    unsigned    cells, levels;
    const char *uj, *clock_ns, *ms, *mm2, *mw, *tops_per_w; // printed
    double      mm2_of_chip;
    const char *part[N_PART]; // measured, uJ
    const char *run_uj, *run_clock_ns, *run_ms, *run_mm2, *run_mw, *run_tops_per_w;
} benchmarks[N_DEVICE] = {
    { "SRAM 7 nm", "7nm_lp", "sram", 8, 16, "31.27", "2.98", "2.09", "13.34", "2.71", "31.87",
      13.34, { "10.60", "5.13", "3.00", "3.20", "3.33", "0.20" },
      "25.45", "2.97", "2.04", "8.90", "2.71", "37.75" },
    { "SRAM 22 nm", "22nm_lp", "sram", 8, 16, "58.69", "4.87", "3.60", "61.92", "1.73", "18.48",
      61.92, { "10.03", "14.87", "9.47", "10.14", "12.57", "0.61" },
      "57.68", "4.87", "3.60", "61.92", "1.73", "18.76" },
    { "RRAM 2 bit", "22nm_lp", "rram_2bit", 4, 32, "37.75", "2.05", "1.46", "45.55", "0.63",
      "31.63", 45.55, { "17.52", "6.63", "5.17", "5.02", "8.94", "0.43" },
      "43.71", "2.05", "1.46", "45.55", "0.63", "27.43" },
    { "RRAM 4 bit", "22nm_lp", "rram_4bit", 2, 32, "16.73", "2.02", "1.30", "25.57", "0.33",
      "71.25", 25.57, { "3.55", "0.62", "2.65", "2.51", "7.40", "0.36" },
      "17.09", "2.01", "1.29", "26.00", "0.33", "69.80" },
    { "PCM 4 bit", "22nm_lp", "pcm_4bit", 2, 32, "17.32", "2.22", "1.43", "25.57", "0.33", "68.69",
      25.57, { "4.12", "0.88", "2.65", "2.51", "7.40", "0.36" },
      "17.92", "2.21", "1.42", "26.00", "0.33", "66.47" },
    { "FeFET 4 bit", "22nm_lp", "fefet_4bit", 2, 32, "16.07", "2.30", "1.48", "25.52", "0.33",
      "73.72", 25.52, { "3.33", "0.52", "2.65", "2.51", "7.40", "0.36" },
      "16.77", "2.30", "1.48", "26.00", "0.33", "70.76" },
};

enum lu_row { LU_PART, LU_OURS = LU_PART + N_PART, LU_RUN, LU_SHARE, LU_CLOCK, LU_MS, LU_AREA,
              LU_LEAKAGE, LU_EFFICIENCY, LU_OUR_CLOCK, LU_OUR_AREA, N_LU };

static const char *const lu_names[N_LU] = {
    [LU_PART + CONVERTERS] = "converters uJ", [LU_PART + LINES] = "word or bit lines",
    [LU_PART + ACCUMULATION] = "accumulation", [LU_PART + SWITCHES] = "switches, multiplexers",
    [LU_PART + WIRES] = "wires between arrays", [LU_PART + BUFFERS] = "buffers, pools",
    [LU_OURS] = "our circuits (its)", [LU_RUN] = "its run uJ (printed)",
    [LU_SHARE] = "its run of printed, %", [LU_CLOCK] = "its clock ns (printed)",
    [LU_MS] = "its latency ms (printed)", [LU_AREA] = "its chip mm2 (printed)",
    [LU_LEAKAGE] = "its leakage mW (printed)", [LU_EFFICIENCY] = "its TOPS/W (printed)",
    [LU_OUR_CLOCK] = "our clock ns (its)", [LU_OUR_AREA] = "our arrays mm2 (its chip)",
};

/* Figures of ours beside its: all of them differ, which D24 explains. */
static void put_ours(struct figure_row *rows, enum lu_row i, const struct benchmark *b,
                     double value, const char *its)
{
    struct figure_row *r = &rows[i];
    struct figure *f = &r->figure[r->n_figure++];

    snprintf(r->name, sizeof r->name, "%s", lu_names[i]);
    *f = (struct figure){ .quantity = b->name, .printed = its, .deviation = its ? "D24" : NULL };
    snprintf(f->ours, sizeof f->ours, i == LU_SHARE ? "%.0f" : "%.2f", value);
}

/* Figures of its run beside those of the article: chip, clock and leakage are the same machine's,
 * energy is that of other inputs. */
static void put_run(struct figure_row *rows, enum lu_row i, const struct benchmark *b,
                    const char *run, const char *printed, bool exact)
{
    struct figure_row *r = &rows[i];
    struct figure *f = &r->figure[r->n_figure++];

    snprintf(r->name, sizeof r->name, "%s", lu_names[i]);
    *f = (struct figure){ .quantity = b->name, .printed = printed,
                          .deviation = exact ? NULL : "D24", .tolerance = exact ? 0.03 : 0 };
    snprintf(f->ours, sizeof f->ours, "%s", run);
}

static void put_its_run(struct figure_row *rows, const struct benchmark *b)
{
    put_run(rows, LU_RUN, b, b->run_uj, b->uj, false);
    put_ours(rows, LU_SHARE, b, 100 * strtod(b->run_uj, NULL) / strtod(b->uj, NULL), NULL);
    put_run(rows, LU_CLOCK, b, b->run_clock_ns, b->clock_ns, true);
    put_run(rows, LU_MS, b, b->run_ms, b->ms, true);
    put_run(rows, LU_AREA, b, b->run_mm2, b->mm2, b != benchmarks);
    put_run(rows, LU_LEAKAGE, b, b->run_mw, b->mw, true);
    put_run(rows, LU_EFFICIENCY, b, b->run_tops_per_w, b->tops_per_w, false);
}

static enum err put_benchmark(struct figure_row *rows, const struct benchmark *b,
                              struct err_msg *m)
{
    struct neurosim_machine k = { .side = 128, .cells = b->cells, .levels = b->levels,
                                  .ones = 3. / 16, .half_side_um = sqrt(b->mm2_of_chip) * 500 };
    struct neurosim_parts p;
    struct sub_array s;
    enum err e = neurosim_load(&k, b->technology, b->device, m);

    if (e || (e = neurosim_network(&k, neurosim_vgg8, 0, &p, m)) ||
        (e = neurosim_array(&k, k.side, &s, m)))
        return e;
    const double ours[N_PART] = { p.converters, p.lines / NEUROSIM_TURNS, p.accumulation,
                                  p.switches / NEUROSIM_TURNS + p.mux, p.buses, 0 };
    double sum = 0;

    for (unsigned i = 0; i < N_PART; i++) {
        put_ours(rows, LU_PART + i, b, ours[i], b->part[i]);
        sum += ours[i];
    }
    put_ours(rows, LU_OURS, b, sum, b->run_uj);
    put_its_run(rows, b);
    put_ours(rows, LU_OUR_CLOCK, b, s.clock_ns, b->run_clock_ns);
    put_ours(rows, LU_OUR_AREA, b, p.arrays * s.used_um2 * 1e-6, b->run_mm2);
    return ERR_NONE;
}

enum err article_lu2021(struct figure_table *t, struct err_msg *m)
{
    enum err e = ERR_NONE;

    *t = (struct figure_table){
        .name = "lu2021", .row_title = "VGG-8, 3/16 of the bits set",
        .title = "Lu et al. 2021, Table 7: our circuits with that program's counts, V1.3 as run "
                 "in brackets",
        .row = calloc(N_LU, sizeof *t->row), .n_row = N_LU };
    if (!t->row)
        return err_set(m, ERR_MEMORY, "no memory for the article's tables");
    for (size_t i = 0; i < N_DEVICE && !e; i++)
        e = put_benchmark(t->row, &benchmarks[i], m);
    if (e)
        figure_table_release(t);
    return e;
}
