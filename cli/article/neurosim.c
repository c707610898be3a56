/* cli/article/neurosim.c -- whole chips of DNN+NeuroSim: its figures, our circuits with its counts
 * (cli/article/neurosim_counts.h), and our chip as composed, with the size of each difference.
 *
 * A difference is computed by itself, from what a run counted and what an action costs; none is
 * what the others leave. That they lead from its figure to what the price of the run says is for a
 * test to show. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/cost/composed.h"
#include "arch/cost/core_cost.h"
#include "cli/article/article.h"
#include "cli/article/neurosim_counts.h"
#include "study/pricing.h"
#include "study/run.h"

#define CLOCK       0.005 // within which its figures are met with its counts
#define CONVERTERS  0.03
#define THE_REST    0.10

enum { N_CHIP = 3 };

static const struct chip {
    const char                  *name, *config, *technology, *device;
    const struct neurosim_layer *network;
    unsigned                     side, border; // border: that our maps have and its have not
    const char *clock_ns, *converters_uj, *accumulation_uj, *other_uj, *all_uj, *mm2;
    double                       side_mm2;
} chips[N_CHIP] = {
    { "VGG-8, 22 nm", "neurosim_vgg8_22nm", "22nm_lp", "{file: rram_4bit, r_off_ohm: 1700000}",
      neurosim_vgg8, 128, 2, "1.663", "18.3", "3.82", "11.8", "33.92", "358", 358 },
    { "VGG-8, 7 nm", "neurosim_vgg8_7nm", "7nm_lp", "sram",
      neurosim_vgg8, 256, 2, "1.682", "9.5", "1.27", "3.58", "14.35", "19.6", 19.6 },
    { "ResNet-32", "neurosim_resnet32_22nm", "22nm_lp", "sram",
      neurosim_resnet32, 128, 0, "1.697", "13.4", "2.89", "4.89", "21.18", "43.8", 43.8 },
};

enum row {
    CLOCK_NS, CONVERTERS_UJ, ACCUMULATION_UJ, OTHER_UJ,
    ITS_UJ, CIRCUITS, ONCE, BORDERS, ROWS, COLUMNS, A_ROW, A_COLUMN, A_CODE, BUSES,
    DIGITAL, MEMORIES, LINKS, CONTROL, LEAKAGE, OURS_UJ,
    ITS_MM2, NO_ARRAYS, ARRAYS, AN_ARRAY, DIGITAL_MM2, MEMORIES_MM2, CONTROL_MM2, LINKS_MM2,
    OURS_MM2,
    N_ROW
};

static const char *const row_names[N_ROW] = {
    [CLOCK_NS] = "clock ns, our circuits",
    [CONVERTERS_UJ] = "converters uJ, its counts",
    [ACCUMULATION_UJ] = "accumulation uJ, its counts",
    [OTHER_UJ] = "other uJ, its counts",
    [ITS_UJ] = "its image uJ",
    [CIRCUITS] = "  our circuits",
    [ONCE] = "  lines up once a read, not a column",
    [BORDERS] = "  borders of maps computed",
    [ROWS] = "  rows driven: their number",
    [COLUMNS] = "  columns converted: their number",
    [A_ROW] = "  a row: unused rows take no clock",
    [A_COLUMN] = "  a conversion: select lines all switch",
    [A_CODE] = "  a code: the column of ones is added",
    [BUSES] = "  its buses",
    [DIGITAL] = "  scaling, rounding, partial sums, pools",
    [MEMORIES] = "  input memories",
    [LINKS] = "  links of each core",
    [CONTROL] = "  controllers and clock",
    [LEAKAGE] = "  leakage",
    [OURS_UJ] = "our image uJ",
    [ITS_MM2] = "its area mm2",
    [NO_ARRAYS] = "  its chip beside arrays with weights",
    [ARRAYS] = "  arrays: their number",
    [AN_ARRAY] = "  an array: no factor of level shifters",
    [DIGITAL_MM2] = "  scaling, rounding",
    [MEMORIES_MM2] = "  input memories",
    [CONTROL_MM2] = "  controllers",
    [LINKS_MM2] = "  links",
    [OURS_MM2] = "our area mm2",
};

static void put(struct figure_row *rows, enum row i, const struct chip *chip, double value,
                const char *printed)
{
    struct figure_row *r = &rows[i];
    struct figure *f = &r->figure[r->n_figure++];

    snprintf(r->name, sizeof r->name, "%s", row_names[i]);
    *f = (struct figure){ .quantity = chip->name, .printed = printed };
    if (fabs(value) < 0.005)
        value = 0; // no -0.00
    snprintf(f->ours, sizeof f->ours, i == CLOCK_NS ? "%.3f" : "%.2f", value);
}

static void expect(struct figure_row *rows, enum row i, double tolerance)
{
    struct figure_row *r = &rows[i];

    r->figure[r->n_figure - 1].tolerance = tolerance;
}

static void deviates(struct figure_row *rows, enum row i)
{
    struct figure_row *r = &rows[i];

    r->figure[r->n_figure - 1].deviation = "D23";
}

static double micro(double pj)
{
    return pj * 1e-6;
}

/* ---- our chip ---- */

struct ours {
    struct price_report report;
    struct core_unit    array, core; // what an array costs, and all of a core
    double n_core, rows, columns, shift_adds; // of an image; rows: driven with a bit
};

/* A core of the chip: bits of 8-bit inputs one by one, cells of a bit, converters of 8 columns. */
static struct core_hardware hardware(const struct chip *chip, const struct config *c)
{
    return (struct core_hardware){
        .rows = chip->side, .columns = chip->side, .words = c->memory.words,
        .word_bits = c->memory.word_bits, .lanes = c->digital.lanes,
        .clock_ns = 1e3 / c->clock_mhz, .value_bits = 8, .weight_bits = 8,
        .array = { .slices = 8, .slice_bits = 1, .columns_per_adc = NEUROSIM_TURNS, .adc_bits = 5,
                   .columns_per_weight = 8, .devices = 1, .cell_bits = 1 } };
}

static void count(const struct run_result *r, uint32_t n_core, unsigned slices, struct ours *o)
{
    double images = (double)r->n_image;

    o->n_core = n_core;
    for (uint32_t i = 0; i < n_core; i++) {
        o->rows += (double)r->core[i].driven_rows * slices / images;
        o->columns += (double)r->core[i].conversions / images;
        o->shift_adds += (double)r->core[i].shift_adds / images;
    }
}

static enum err of_study(const struct chip *chip, const struct study *s, struct ours *o,
                         struct err_msg *m)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1 };
    const struct core_hardware h = hardware(chip, &s->config);
    struct chip_model model;
    struct run_result result;
    enum err e = pricing_load(&model, &s->config, &s->network, m);

    if (e || (e = composed_array(&model, &h, &o->array, m)) ||
        (e = core_unit(&model, &h, &o->core, m)) || (e = run(&s->plan, &cfg, &result, m)))
        return e;
    count(&result, s->plan.n_core, h.array.slices, o);
    e = pricing(&o->report, s, &result, m);
    run_result_release(&result);
    return e;
}

static enum err compose(const struct chip *chip, struct ours *o, struct err_msg *m)
{
    struct study s;
    enum err e = study_load(&s, chip->config, NULL, 0, m);

    *o = (struct ours){ .n_core = 0 };
    if (e)
        return e;
    e = of_study(chip, &s, o, m);
    study_release(&s);
    return e;
}

/* ---- differences ---- */

/* What an action takes, in uJ. Additions are those of a column's code to others. */
struct costs {
    double row, column, code;
};

/* There a word line goes up for each column of a converter. */
static struct costs its_costs(const struct neurosim_parts *p)
{
    return (struct costs){ (p->lines + p->switches) / NEUROSIM_TURNS / p->rows,
                           (p->converters + p->mux) / p->columns, p->accumulation / p->columns };
}

static struct costs our_costs(const struct ours *o, double ones)
{
    const struct core_unit *u = &o->array;
    double slices = u->row_digits / ones;

    return (struct costs){
        micro(u->row_clocked / slices + ones * (u->driver_digit + u->line_digit)),
        micro(u->conversion), micro(o->shift_adds * u->shift_add / o->columns) };
}

/* Reads as that program makes them, its word lines once. */
static double reads_once(const struct neurosim_parts *p)
{
    return (p->lines + p->switches) / NEUROSIM_TURNS + p->converters + p->mux + p->accumulation;
}

/* bare, padded: our circuits with its counts, maps without and with borders. */
static void put_reads(struct figure_row *rows, const struct chip *chip, double ones,
                      const struct neurosim_parts *bare, const struct neurosim_parts *padded,
                      const struct ours *o)
{
    const struct costs its = its_costs(padded), our = our_costs(o, ones);
    double again = 1 - 1. / NEUROSIM_TURNS;

    put(rows, ONCE, chip, -again * (bare->lines + bare->switches), NULL);
    put(rows, BORDERS, chip, reads_once(padded) - reads_once(bare), NULL);
    put(rows, ROWS, chip, (o->rows - padded->rows) * its.row, NULL);
    put(rows, COLUMNS, chip, (o->columns - padded->columns) * (its.column + its.code), NULL);
    put(rows, A_ROW, chip, o->rows * (our.row - its.row), NULL);
    put(rows, A_COLUMN, chip, o->columns * (our.column - its.column), NULL);
    put(rows, A_CODE, chip, o->columns * (our.code - its.code), NULL);
    put(rows, BUSES, chip, -bare->buses, NULL);
}

static void put_energy(struct figure_row *rows, const struct chip *chip, double ones,
                       const struct neurosim_parts *bare, const struct neurosim_parts *padded,
                       const struct ours *o)
{
    const struct price_row *all = &o->report.total;
    const int64_t *pj = all->energy_pj;
    double its = strtod(chip->all_uj, NULL);

    put(rows, ITS_UJ, chip, its, NULL);
    put(rows, CIRCUITS, chip, neurosim_sum(bare) - its, NULL);
    put_reads(rows, chip, ones, bare, padded, o);
    put(rows, DIGITAL, chip, micro((double)(pj[PRICE_DIGITAL] - all->shift_add_pj)), NULL);
    put(rows, MEMORIES, chip, micro((double)pj[PRICE_INPUT_MEMORY]), NULL);
    put(rows, LINKS, chip, micro((double)pj[PRICE_LINKS]), NULL);
    put(rows, CONTROL, chip, micro((double)(pj[PRICE_CONTROLLER] + pj[PRICE_CLOCK])), NULL);
    put(rows, LEAKAGE, chip, micro((double)price_row_leakage_pj(all)), NULL);
    put(rows, OURS_UJ, chip,
        micro((double)(price_row_energy_pj(all) + price_row_leakage_pj(all))), chip->all_uj);
    deviates(rows, OURS_UJ);
}

static double area_um2(const struct core_unit *u)
{
    double um2 = 0;

    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        um2 += u->area_um2[b];
    return um2;
}

/* box: an array of that program, with its periphery. */
static void put_area(struct figure_row *rows, const struct chip *chip, double box_um2,
                     const struct neurosim_parts *p, const struct ours *o)
{
    const double *core = o->core.area_um2, *array = o->array.area_um2;
    const struct price_row *all = &o->report.total;
    double box = micro(box_um2), our_box = micro(area_um2(&o->array));
    double its = strtod(chip->mm2, NULL);

    put(rows, ITS_MM2, chip, its, NULL);
    put(rows, NO_ARRAYS, chip, p->arrays * box - its, NULL);
    put(rows, ARRAYS, chip, (o->n_core - p->arrays) * box, NULL);
    put(rows, AN_ARRAY, chip, o->n_core * (our_box - box), NULL);
    put(rows, DIGITAL_MM2, chip,
        micro(o->n_core * (core[PRICE_DIGITAL] - array[PRICE_DIGITAL])), NULL);
    put(rows, MEMORIES_MM2, chip, micro(o->n_core * core[PRICE_INPUT_MEMORY]), NULL);
    put(rows, CONTROL_MM2, chip,
        micro((double)(all->area_um2[PRICE_CONTROLLER] + all->area_um2[PRICE_CLOCK])), NULL);
    put(rows, LINKS_MM2, chip, micro((double)all->area_um2[PRICE_LINKS]), NULL);
    put(rows, OURS_MM2, chip, micro((double)price_row_area_um2(all)), chip->mm2);
    deviates(rows, OURS_MM2);
}

static void put_counts(struct figure_row *rows, const struct chip *chip, double clock_ns,
                       const struct neurosim_parts *p)
{
    put(rows, CLOCK_NS, chip, clock_ns, chip->clock_ns);
    expect(rows, CLOCK_NS, CLOCK);
    put(rows, CONVERTERS_UJ, chip, p->lines + p->converters, chip->converters_uj);
    expect(rows, CONVERTERS_UJ, CONVERTERS);
    put(rows, ACCUMULATION_UJ, chip, p->accumulation, chip->accumulation_uj);
    expect(rows, ACCUMULATION_UJ, THE_REST);
    put(rows, OTHER_UJ, chip, p->switches + p->mux + p->buses, chip->other_uj);
    expect(rows, OTHER_UJ, THE_REST);
}

static enum err put_chip(struct figure_row *rows, const struct chip *chip, struct err_msg *m)
{
    struct neurosim_machine k = { .side = chip->side, .cells = 8, .levels = 32, .ones = 3. / 16,
                                  .half_side_um = sqrt(chip->side_mm2) * 1e3 / 2 };
    struct neurosim_parts bare, padded;
    struct sub_array s;
    struct ours o;
    enum err e = neurosim_load(&k, chip->technology, chip->device, m);

    if (e || (e = neurosim_network(&k, chip->network, 0, &bare, m)) ||
        (e = neurosim_network(&k, chip->network, chip->border, &padded, m)) ||
        (e = neurosim_array(&k, k.side, &s, m)) || (e = compose(chip, &o, m)))
        return e;
    put_counts(rows, chip, s.clock_ns, &bare);
    put_energy(rows, chip, k.ones, &bare, &padded, &o);
    put_area(rows, chip, s.box_um2, &bare, &o);
    price_report_release(&o.report);
    return ERR_NONE;
}

enum err article_neurosim(struct figure_table *t, struct err_msg *m)
{
    enum err e = ERR_NONE;

    *t = (struct figure_table){
        .name = "neurosim", .row_title = "an image, its figures in brackets",
        .title = "Whole chips of DNN+NeuroSim V1.4 and ours of the same arrays: RRAM at 22 nm, "
                 "SRAM at 7 and 22 nm",
        .row = calloc(N_ROW, sizeof *t->row), .n_row = N_ROW };
    if (!t->row)
        return err_set(m, ERR_MEMORY, "no memory for the article's tables");
    for (size_t i = 0; i < N_CHIP && !e; i++)
        e = put_chip(t->row, &chips[i], m);
    if (e)
        figure_table_release(t);
    return e;
}
