/* cli/article/power.c -- Tables 3 and 4 of the article and its efficiencies, from arch/tech.
 *
 * "calibrated": with the factors of configs/chips/dazzi2021_14nm.yaml, each of which names the
 * figure it was fitted to. "predicted": the same circuits with no factor fitted to this chip.
 */
#include <stdio.h>
#include <stdlib.h>

#include "arch/cost/core_cost.h"
#include "cli/article/article.h"

#define WITHIN 0.10     // what is asked of areas and powers
#define EFFICIENCY 0.05 // and of efficiencies

static const struct core_hardware hermes = { .rows = 256, .columns = 256, .words = 512,
                                             .word_bits = 128, .lanes = 64, .mvm_ns = 130,
                                             .clock_ns = 2, .value_bits = 8,
                                             .weight_bits = 8, .kernel_columns = 3,
                                             .pixel_channels = 56 }; // of ResNet-32

static enum err load(struct core_unit unit[2], uint32_t n, struct err_msg *m)
{
    struct core_hardware h = hermes;
    struct chip_model c;
    enum err e = chip_model_load(&c, "14nm_lp", "pcm", "dazzi2021_14nm", m);

    h.rows = h.columns = n;
    if (e || (e = core_unit(&c, &h, &unit[0], m)))
        return e;
    c = chip_model_predicted(&c);
    return core_unit(&c, &h, &unit[1], m);
}

/* ours[0] calibrated, ours[1] predicted. */
static void fill(struct figure_row *r, const char *name, const char *printed, const double ours[2],
                 double tolerance, const char *basis)
{
    snprintf(r->name, sizeof r->name, "%s", name);
    r->n_figure = 3;
    r->figure[0] = (struct figure){ .quantity = "calibrated", .printed = printed,
                                    .tolerance = tolerance };
    r->figure[1] = (struct figure){ .quantity = "predicted" };
    r->figure[2] = (struct figure){ .quantity = "basis" };
    snprintf(r->figure[0].ours, sizeof r->figure[0].ours, "%.4g", ours[0]);
    snprintf(r->figure[1].ours, sizeof r->figure[1].ours, "%.4g", ours[1]);
    snprintf(r->figure[2].ours, sizeof r->figure[2].ours, "%s", basis);
}

static enum err new_table(struct figure_table *t, size_t n, struct err_msg *m)
{
    t->row = calloc(n, sizeof *t->row);
    t->n_row = t->row ? n : 0;
    return t->row ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for the article's tables");
}

enum err article_table_3(struct figure_table *t, struct err_msg *m)
{
    const double rate_gbps = 4.48, mean_pitches = 16.0 / 3; // eq. 7; two cores of an 8-by-8 array
    double dfc[2], sram[2], power[2], links[2];
    struct core_unit unit[2];
    struct chip_model c[2];
    enum err e = load(unit, 256, m);

    *t = (struct figure_table){ .name = "table3", .row_title = "block",
                                .title = "Table 3: area and power of controller, memory, links" };
    if (!e)
        e = chip_model_load(&c[0], "14nm_lp", "pcm", "dazzi2021_14nm", m);
    if (e || (e = new_table(t, 4, m)))
        return e;
    c[1] = chip_model_predicted(&c[0]);
    for (unsigned i = 0; i < 2; i++) {
        dfc[i] = unit[i].area_um2[PRICE_CONTROLLER] * 1e-6;
        sram[i] = unit[i].area_um2[PRICE_INPUT_MEMORY] * 1e-6;
        power[i] = control_power(&hermes, &unit[i]).total_mw;
        links[i] = link_bit_pj(&c[i], &unit[0], mean_pitches) * rate_gbps; // pJ Gb/s = mW
    }
    fill(&t->row[0], "area DFC [mm^2]", "0.0132", dfc, WITHIN, "calibrated");
    fill(&t->row[1], "area SRAM [mm^2]", "0.0091", sram, WITHIN, "calibrated");
    fill(&t->row[2], "power DFC+SRAM [mW]", "10.544", power, WITHIN, "calibrated");
    fill(&t->row[3], "power links [mW]", "0.775", links, WITHIN, "calibrated");
    return ERR_NONE;
}

enum err article_table_4(struct figure_table *t, struct err_msg *m)
{
    static const struct {
        const char *name, *mw, *share, *basis;
    } rows[] = {
        { "sequential", "4.455", "42.25", "calibrated" },
        { "SRAM macro", "2.604", "24.7", "calibrated" },
        { "combinational", "2.225", "21.1", "calibrated" },
        { "clock", "1.261", "11.96", "predicted" },
        { "total", "10.54", "100", "calibrated" },
    };
    struct core_unit unit[2];
    enum err e = load(unit, 256, m);

    *t = (struct figure_table){ .name = "table4", .row_title = "part",
                                .title = "Table 4: power of controller and memory [mW]" };
    if (e || (e = new_table(t, 5, m)))
        return e;
    struct control_power p[2] = { control_power(&hermes, &unit[0]),
                                  control_power(&hermes, &unit[1]) };
    const double mw[5][2] = { { p[0].sequential_mw, p[1].sequential_mw },
                              { p[0].sram_mw, p[1].sram_mw },
                              { p[0].combinational_mw, p[1].combinational_mw },
                              { p[0].clock_mw, p[1].clock_mw },
                              { p[0].total_mw, p[1].total_mw } };
    for (size_t i = 0; i < 5; i++) {
        struct figure_row *r = &t->row[i];

        fill(r, rows[i].name, rows[i].mw, mw[i], WITHIN, rows[i].basis);
        struct figure *share = &r->figure[r->n_figure++];
        *share = (struct figure){ .quantity = "share %", .printed = rows[i].share,
                                  .tolerance = WITHIN };
        snprintf(share->ours, sizeof share->ours, "%.4g", 100 * mw[i][0] / p[0].total_mw);
    }
    return ERR_NONE;
}

enum err article_efficiency(struct figure_table *t, struct err_msg *m)
{
    struct core_hardware h512 = hermes;
    struct core_unit unit[2], unit512[2];
    enum err e = load(unit, 256, m);

    *t = (struct figure_table){ .name = "efficiency", .row_title = "figure of one core",
                                .title = "Section 3.2: efficiency of a core at 130 ns" };
    h512.rows = h512.columns = 512;
    if (e || (e = load(unit512, 512, m)) || (e = new_table(t, 4, m)))
        return e;
    struct core_peak p[2] = { core_peak(&hermes, &unit[0]), core_peak(&hermes, &unit[1]) };
    struct core_peak q[2] = { core_peak(&h512, &unit512[0]), core_peak(&h512, &unit512[1]) };
    fill(&t->row[0], "TOPS/W, 256x256", "10.5", (double[]){ p[0].tops_per_w, p[1].tops_per_w },
         EFFICIENCY, "calibrated");
    fill(&t->row[1], "TOPS/W, 512x512", "16.3", (double[]){ q[0].tops_per_w, q[1].tops_per_w },
         EFFICIENCY, "calibrated");
    fill(&t->row[2], "TOPS", "1.008", (double[]){ p[0].tops, p[1].tops }, EFFICIENCY, "predicted");
    fill(&t->row[3], "TOPS/mm^2", "1.59", (double[]){ p[0].tops_per_mm2, p[1].tops_per_mm2 },
         EFFICIENCY, "calibrated");
    return ERR_NONE;
}
