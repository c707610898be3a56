/* cli/article/neurosim.c -- whole chips of DNN+NeuroSim: its figures, our circuits with its counts,
 * and our chip as composed, with the size of each difference.
 *
 * Its counts: a layer of K x K kernels lies in K K groups of arrays, one for each position, if its
 * K is the network's most frequent one and its rows fill an array; others as one matrix. Each bit
 * of the inputs drives every array of a layer once an output pixel, of which there are without
 * padding ((H - K) / s + 1)^2; only rows with weights take energy, of columns only those with
 * weights are converted. Inputs travel half of the chip's width, results half of its height, over
 * wires with repeaters; K K positions of a kernel are fetched as K, and what is pooled returns as
 * a quarter. Not counted: its adder trees, buffers and the trees of wires inside its tiles.
 *
 * Inferred, for the figures agree with them and not without: that only used rows and columns count,
 * and the way of inputs and results. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/tech/sub_array.h"
#include "arch/tech/wire.h"
#include "cli/article/article.h"
#include "core/datadir.h"
#include "study/pricing.h"
#include "study/run.h"

#define CLOCK       0.005 // within which its figures are met with its counts
#define CONVERTERS  0.03
#define THE_REST    0.10

struct conv { // n layers alike; a pool of 2 x 2 behind, or none
    unsigned n, size, channels, kernel, stride, outputs;
    bool     pooled;
};

static const struct conv vgg8[] = {
    { 1, 32, 3, 3, 1, 128, false },   { 1, 32, 128, 3, 1, 128, true },
    { 1, 16, 128, 3, 1, 256, false }, { 1, 16, 256, 3, 1, 256, true },
    { 1, 8, 256, 3, 1, 512, false },  { 1, 8, 512, 3, 1, 512, true },
    { 1, 1, 8192, 1, 1, 1024, false }, { 1, 1, 1024, 1, 1, 10, false }, { 0 } };

/* Its maps came padded. With 34, 18 and 10 that program counts 83.2 M products, 1.42 times those
 * that there are, as it did. */
static const struct conv resnet32[] = {
    { 1, 34, 3, 3, 1, 16, false }, { 10, 34, 16, 3, 1, 16, false },
    { 1, 34, 16, 3, 2, 28, false }, { 1, 32, 16, 1, 2, 28, false },
    { 9, 18, 28, 3, 1, 28, false }, { 1, 18, 28, 3, 2, 56, false },
    { 1, 16, 28, 1, 2, 56, false }, { 9, 10, 56, 3, 1, 56, false },
    { 1, 1, 56, 1, 1, 10, false }, { 0 } };

struct machine { // arrays of so many rows and columns, cells of an 8-bit weight, levels of a code
    struct technology  technology;
    struct device      device;
    struct calibration calibration;
    unsigned           side, cells, levels;
    double             ones;         // of the inputs' bits
    double             half_side_um; // of the chip
};

enum { TURNS = 8 }; // columns of a converter
static const double bits = 8;

struct parts { // of an image, uJ
    double lines, converters, accumulation, switches, mux, buses;
};

static double sum(const struct parts *p)
{
    return p->lines + p->converters + p->accumulation + p->switches + p->mux + p->buses;
}

static enum err array_of(const struct machine *k, unsigned rows, struct sub_array *s,
                         struct err_msg *m)
{
    const struct sub_array_cfg cfg = {
        .rows = k->side, .columns = k->side, .rows_at_once = k->side, .columns_per_adc = TURNS,
        .levels = k->levels, .converter = CONVERTER_CSA, .weight_bits = 8,
        .cells_per_weight = k->cells, .input_bits = 8, .active = k->ones * rows / k->side,
        .on_share = 0.5 };

    return sub_array(&k->technology, &k->device, &cfg, &k->calibration, s, m);
}

/* What the arrays of a row of blocks take, `rows` of which hold weights, in `reads` reads of all
 * columns. */
static enum err read_arrays(const struct machine *k, unsigned rows, double columns, double reads,
                            struct parts *p, struct err_msg *m)
{
    double arrays = ceil(columns / k->side) * reads * 1e-6, used = columns / k->side * reads * 1e-6;
    struct sub_array s;
    const struct circuit *b = s.block;
    enum err e = array_of(k, rows, &s, m);

    if (e)
        return e;
    p->lines += arrays * b[BLOCK_ARRAY].energy_pj;
    p->converters += used * (b[BLOCK_ADC].energy_pj + b[BLOCK_ENCODER].energy_pj);
    p->accumulation += arrays * (b[BLOCK_SHIFT_ADD_WEIGHT].energy_pj +
                                 b[BLOCK_SHIFT_ADD_INPUT].energy_pj);
    p->switches += arrays * b[BLOCK_ROW_SWITCH].energy_pj;
    p->mux += arrays * (b[BLOCK_MUX].energy_pj + b[BLOCK_MUX_DECODER].energy_pj);
    return ERR_NONE;
}

/* border: pixels around the maps of 3 x 3 kernels, on both sides together. */
static enum err layer(const struct machine *k, const struct conv *c, unsigned border,
                      struct parts *p, struct err_msg *m)
{
    const struct repeated_wire w = repeated_wire(&k->technology, 0.1, SHRINK_HALVE);
    unsigned positions = c->kernel * c->kernel, all_rows = c->channels * positions;
    unsigned size = c->size + (c->kernel == 3 ? border : 0);
    bool apart = positions == 9 && all_rows >= k->side;
    double n = floor((double)(size - c->kernel + c->stride) / c->stride), pixels = n * n;
    double reads = c->n * pixels * bits * (apart ? positions : 1);
    unsigned rows = apart ? c->channels : all_rows;
    enum err e = ERR_NONE;

    for (; !e && rows > k->side; rows -= k->side)
        e = read_arrays(k, k->side, c->outputs * k->cells, reads, p, m);
    if (!e)
        e = read_arrays(k, rows, c->outputs * k->cells, reads, p, m);
    double in = all_rows * bits * pixels / (apart ? c->kernel : 1);
    double out = c->outputs * bits * pixels / (c->pooled ? 4 : 1);
    p->buses += c->n * (in + out) * k->half_side_um * w.pj_per_bit_um * 1e-6;
    return e;
}

static enum err network(const struct machine *k, const struct conv *c, unsigned border,
                        struct parts *p, struct err_msg *m)
{
    enum err e = ERR_NONE;

    *p = (struct parts){ 0 };
    for (; c->n > 0 && !e; c++)
        e = layer(k, c, border, p, m);
    return e;
}

static enum err load(struct machine *k, const char *technology, const char *device,
                     struct err_msg *m)
{
    struct technology_warning w;
    char path[DATADIR_BYTE];
    enum err e = technology_load_name(&k->technology, NULL, technology, &w, m);

    if (!e)
        e = device_read(&k->device, device, "device", m);
    if (!e)
        e = datadir_find(path, "calibration", "rram40_macro", m);
    return e ? e : calibration_load(&k->calibration, path, m);
}

/* ---- its chips and ours ---- */

enum { N_CHIP = 3 };

static const struct chip {
    const char        *name, *config, *technology, *device;
    const struct conv *network;
    unsigned           side, border; // border: that our maps have and its have not
    const char        *clock_ns, *converters_uj, *accumulation_uj, *other_uj, *all_uj, *mm2;
    double             side_mm2;
} chips[N_CHIP] = {
    { "VGG-8, 22 nm", "neurosim_vgg8_22nm", "22nm_lp", "{file: rram_4bit, r_off_ohm: 1700000}",
      vgg8, 128, 2, "1.663", "18.3", "3.82", "11.8", "33.92", "358", 358 },
    { "VGG-8, 7 nm", "neurosim_vgg8_7nm", "7nm_lp", "sram",
      vgg8, 256, 2, "1.682", "9.5", "1.27", "3.58", "14.35", "19.6", 19.6 },
    { "ResNet-32", "neurosim_resnet32_22nm", "22nm_lp", "sram",
      resnet32, 128, 0, "1.697", "13.4", "2.89", "4.89", "21.18", "43.8", 43.8 },
};

enum row {
    CLOCK_NS, CONVERTERS_UJ, ACCUMULATION_UJ, OTHER_UJ,
    ITS_UJ, CIRCUITS, ONCE, BORDERS, PACKING, BUSES, DIGITAL, MEMORIES, LINKS, CONTROL, LEAKAGE,
    OURS_UJ, OURS_MM2, ARRAYS_MM2, DIGITAL_MM2, MEMORIES_MM2, CONTROL_MM2, LINKS_MM2,
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
    [PACKING] = "  other reads: kernels as one matrix",
    [BUSES] = "  its buses",
    [DIGITAL] = "  scaling, rounding, partial sums, pools",
    [MEMORIES] = "  input memories",
    [LINKS] = "  links of each core",
    [CONTROL] = "  controllers and clock",
    [LEAKAGE] = "  leakage",
    [OURS_UJ] = "our image uJ",
    [OURS_MM2] = "area mm2",
    [ARRAYS_MM2] = "  arrays, drivers, converters",
    [DIGITAL_MM2] = "  digital processors",
    [MEMORIES_MM2] = "  input memories",
    [CONTROL_MM2] = "  controllers",
    [LINKS_MM2] = "  links",
};

static enum err compose(const struct chip *chip, struct price_report *r, struct err_msg *m)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1 };
    struct run_result result;
    struct study s;
    enum err e = study_load(&s, chip->config, NULL, 0, m);

    if (e)
        return e;
    e = run(&s.plan, &cfg, &result, m);
    if (!e) {
        e = pricing(r, &s, &result, m);
        run_result_release(&result);
    }
    study_release(&s);
    return e;
}

static void put(struct figure_row *rows, enum row i, const struct chip *chip, double value,
                const char *printed)
{
    struct figure_row *r = &rows[i];
    struct figure *f = &r->figure[r->n_figure++];

    snprintf(r->name, sizeof r->name, "%s", row_names[i]);
    *f = (struct figure){ .quantity = chip->name, .printed = printed };
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

static double uj(int64_t pj)
{
    return (double)pj * 1e-6;
}

/* From its figure to ours, a difference a row. bare, padded: our circuits with its counts, maps
 * without and with borders. */
static void put_differences(struct figure_row *rows, const struct chip *chip,
                            const struct parts *bare, const struct parts *padded,
                            const struct price_report *r)
{
    const int64_t *pj = r->total.energy_pj;
    const double its = strtod(chip->all_uj, NULL), again = 1 - 1. / TURNS;
    double once = again * (bare->lines + bare->switches);
    double of_padded = sum(padded) - padded->buses - again * (padded->lines + padded->switches);
    double of_bare = sum(bare) - bare->buses - once;
    double arrays = uj(pj[PRICE_CROSSBAR] + pj[PRICE_INPUT_DRIVERS] + pj[PRICE_ADC] +
                       r->total.shift_add_pj);

    put(rows, ITS_UJ, chip, its, NULL);
    put(rows, CIRCUITS, chip, sum(bare) - its, NULL);
    put(rows, ONCE, chip, -once, NULL);
    put(rows, BORDERS, chip, of_padded - of_bare, NULL);
    put(rows, PACKING, chip, arrays - of_padded, NULL);
    put(rows, BUSES, chip, -bare->buses, NULL);
    put(rows, DIGITAL, chip, uj(pj[PRICE_DIGITAL] - r->total.shift_add_pj), NULL);
    put(rows, MEMORIES, chip, uj(pj[PRICE_INPUT_MEMORY]), NULL);
    put(rows, LINKS, chip, uj(pj[PRICE_LINKS]), NULL);
    put(rows, CONTROL, chip, uj(pj[PRICE_CONTROLLER] + pj[PRICE_CLOCK]), NULL);
    put(rows, LEAKAGE, chip, uj(price_row_leakage_pj(&r->total)), NULL);
    put(rows, OURS_UJ, chip, uj(price_row_energy_pj(&r->total) + price_row_leakage_pj(&r->total)),
        chip->all_uj);
    deviates(rows, OURS_UJ);
}

static void put_areas(struct figure_row *rows, const struct chip *chip,
                      const struct price_report *r)
{
    const int64_t *um2 = r->total.area_um2;

    put(rows, OURS_MM2, chip, uj(price_row_area_um2(&r->total)), chip->mm2);
    deviates(rows, OURS_MM2);
    put(rows, ARRAYS_MM2, chip,
        uj(um2[PRICE_CROSSBAR] + um2[PRICE_INPUT_DRIVERS] + um2[PRICE_ADC]), NULL);
    put(rows, DIGITAL_MM2, chip, uj(um2[PRICE_DIGITAL]), NULL);
    put(rows, MEMORIES_MM2, chip, uj(um2[PRICE_INPUT_MEMORY]), NULL);
    put(rows, CONTROL_MM2, chip, uj(um2[PRICE_CONTROLLER] + um2[PRICE_CLOCK]), NULL);
    put(rows, LINKS_MM2, chip, uj(um2[PRICE_LINKS]), NULL);
}

static void put_counts(struct figure_row *rows, const struct chip *chip, double clock_ns,
                       const struct parts *p)
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
    struct machine k = { .side = chip->side, .cells = 8, .levels = 32, .ones = 3. / 16,
                         .half_side_um = sqrt(chip->side_mm2) * 1e3 / 2 };
    struct parts bare, padded;
    struct price_report r;
    struct sub_array s;
    enum err e = load(&k, chip->technology, chip->device, m);

    if (e || (e = network(&k, chip->network, 0, &bare, m)) ||
        (e = network(&k, chip->network, chip->border, &padded, m)) ||
        (e = array_of(&k, k.side, &s, m)) || (e = compose(chip, &r, m)))
        return e;
    put_counts(rows, chip, s.clock_ns, &bare);
    put_differences(rows, chip, &bare, &padded, &r);
    put_areas(rows, chip, &r);
    price_report_release(&r);
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

/* ---- Lu et al. 2021, Table 7 ---- */

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
    struct machine k = { .side = 128, .cells = b->cells, .levels = b->levels, .ones = 0.5,
                         .half_side_um = sqrt(b->mm2) * 1e3 / 2 };
    struct sub_array s;
    struct parts p;
    enum err e = load(&k, b->technology, b->device, m);

    if (e || (e = network(&k, vgg8, 2, &p, m)) || (e = array_of(&k, k.side, &s, m)))
        return e;
    put_lu(rows, LU_CLOCK, b, s.clock_ns, b->clock_ns);
    put_lu(rows, LU_CONVERTERS, b, p.converters, NULL);
    put_lu(rows, LU_LINES, b, p.lines, NULL);
    put_lu(rows, LU_ACCUMULATION, b, p.accumulation, NULL);
    put_lu(rows, LU_SWITCHES, b, p.switches + p.mux, NULL);
    put_lu(rows, LU_BUSES, b, p.buses, NULL);
    put_lu(rows, LU_ALL, b, sum(&p), b->uj);
    put_lu(rows, LU_SHARE, b, 100 * sum(&p) / strtod(b->uj, NULL), NULL);
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
