/* arch/circuits/sub_array.c -- see sub_array.h. */
#include "arch/circuits/sub_array.h"

#include <assert.h>
#include <math.h>

#include "arch/circuits/adder.h"
#include "arch/circuits/cco_adc.h"
#include "arch/circuits/decoder.h"
#include "arch/circuits/dff.h"
#include "arch/circuits/flash_adc.h"
#include "arch/circuits/sar_adc.h"
#include "arch/circuits/shift_add.h"
#include "arch/circuits/sram.h"
#include "arch/circuits/switches.h"
#include "core/util.h"

static const double level_shifter_above_v = 1.5;

struct wires { // of the array
    double width_um, height_um;
    double row_pf, row_kohm, column_pf, column_kohm;
    double access_kohm; // of a cell's transistor
};

const char *sub_array_block_name(enum sub_array_block b)
{
    static const char *const names[N_SUB_ARRAY_BLOCK] = {
        "array", "row switch", "column switch", "multiplexer", "multiplexer decoder", "converter",
        "encoder", "partial sums", "shift-add weight", "shift-add input", "level shifter row",
        "level shifter bit line", "level shifter source line", "precharge", "write driver",
    };

    assert(b < N_SUB_ARRAY_BLOCK);
    return names[b];
}

static enum err check(const struct sub_array_cfg *c, struct err_msg *m)
{
    if (c->rows < 2 || c->rows > 8192 || c->columns < 2 || c->columns > 8192)
        return err_set(m, ERR_INPUT, "array of %u x %u: want 2 to 8192 rows and columns", c->rows,
                       c->columns);
    if (c->rows_at_once < 1 || c->rows_at_once > c->rows)
        return err_set(m, ERR_INPUT, "%u rows at once: want 1 to %u", c->rows_at_once, c->rows);
    if (c->columns_per_adc < 1 || c->columns % c->columns_per_adc != 0)
        return err_set(m, ERR_INPUT, "%u columns per converter: want a divisor of %u columns",
                       c->columns_per_adc, c->columns);
    if (c->levels < 2 || c->levels > 65536 || (c->levels & (c->levels - 1)) != 0)
        return err_set(m, ERR_INPUT, "%u levels: want a power of two, 2 to 65536", c->levels);
    if (c->cells_per_weight < 1 || c->cells_per_weight > 64 || c->input_bits < 1 ||
        c->input_bits > 64 || c->weight_bits < 1 || c->weight_bits > 64)
        return err_set(m, ERR_INPUT, "%u weight bits, %u cells per weight, %u input bits: want 1 "
                       "to 64", c->weight_bits, c->cells_per_weight, c->input_bits);
    if (c->sum_bits && (double)c->levels > ldexp(1, (int)c->sum_bits))
        return err_set(m, ERR_INPUT, "sum_bits = %u: want 0 (usual) or at least the converter's %g",
                       c->sum_bits, log2(c->levels));
    if (!(c->active >= 0 && c->active <= 1 && c->on_share >= 0 && c->on_share <= 1))
        return err_set(m, ERR_INPUT, "active = %g, on_share = %g: want 0 to 1", c->active,
                       c->on_share);
    return ERR_NONE;
}

/* One transistor per cell, a quarter of the cell's resistance, in the linear region. */
static enum err resistive_wires(const struct technology *t, const struct device *d,
                                const struct sub_array_cfg *c, struct wires *w, struct err_msg *m)
{
    const double ir_drop = 0.25, linear_region = 0.2;
    double least_um = transistor_least_um(t);
    double access_kohm = ir_drop * device_on_kohm(d);
    double sizes = transistor_n_kohm(t, least_um) * linear_region / access_kohm;
    double access_um = sizes * least_um;
    double drawn_um = t->transistor == TRANSISTOR_BULK
                          ? access_um
                          : (sizes - 1) * t->fin_pitch_um + t->fin_width_um;

    if (drawn_um > d->cell_width_f * t->feature_um)
        return err_set(m, ERR_INPUT, "%s, %s: r_on_ohm = %g needs an access transistor %.3g F "
                       "wide: want at most the cell's %g F", t->name, d->name, d->r_on_ohm,
                       drawn_um / t->feature_um, d->cell_width_f);
    w->width_um = c->columns * d->cell_width_f * t->feature_um;
    w->height_um = c->rows * d->cell_height_f * t->feature_um;
    w->row_pf = w->width_um * t->wire_pf_um + c->columns * transistor_gate_pf(t, access_um);
    w->column_pf = w->height_um * t->wire_pf_um +
                   c->rows * transistor_drain_pf(t, (struct widths){ access_um, 0 },
                                                 t->cell_height_um);
    w->access_kohm = access_kohm;
    return ERR_NONE;
}

/* Multiplies a bit of the input by the cell's. */
static struct gate product_gate(const struct technology *t)
{
    return gate_standard(t, GATE_NOR, 2, gate_widths(t, 1, 1));
}

static void sram_wires(const struct technology *t, const struct sub_array_cfg *c, struct wires *w)
{
    struct sram_cell cell = sram_cell(t);
    struct gate product = product_gate(t);
    bool tree = c->converter == CONVERTER_TREE;
    double product_um = tree ? gate_area_um2(&product) / t->sram_height_um : 0;

    w->width_um = c->columns * (t->sram_width_um + product_um);
    w->height_um = c->rows * t->sram_height_um;
    /* of a cell's two access transistors one is selected */
    w->row_pf = w->width_um * t->wire_pf_um +
                c->columns * (tree ? product.in_pf : cell.access_gate_pf);
    w->column_pf = w->height_um * t->wire_pf_um + c->rows * cell.bit_line_pf;
    w->access_kohm = cell.access_kohm;
}

/* 1 / (x + 1) + .. + 1 / (x + n), by Stirling's series where x is large. */
static double harmonic(double x, unsigned n)
{
    const double large = 1000;
    double sum = 0;

    for (; n > 0 && x < large; n--)
        sum += 1 / ++x;
    if (n == 0)
        return sum;
    double y[2] = { x + 1, x + n + 1.0 }, tail[2];
    for (unsigned i = 0; i < 2; i++) {
        double r = 1 / y[i];

        tail[i] = -r / 2 - r * r / 12; // and r^4 / 120, below 1e-14
    }
    return sum + log1p(n / y[0]) + tail[1] - tail[0];
}

/* What cells of so many kohm conduct down a column: the wire has a step more for each. */
static double column_ms(double cell_kohm, double step_kohm, unsigned rows)
{
    return step_kohm > 0 ? harmonic(cell_kohm / step_kohm, rows) / step_kohm : rows / cell_kohm;
}

/* What a read column conducts: each driven cell in series with its transistor and the wires to it.
 */
static double column_kohm(const struct device *d, const struct sub_array_cfg *c,
                          const struct wires *w)
{
    double row_kohm = w->row_kohm / c->columns, step_kohm = w->column_kohm / c->rows, sum = 0;
    double on_kohm = d->sram ? w->access_kohm : device_on_kohm(d) + w->access_kohm;
    double on_share = d->sram ? 1 : c->on_share; // a latch discharges one line or the other

    for (unsigned j = 1; j <= c->columns; j++) {
        double ms = on_share * column_ms(on_kohm + j * row_kohm, step_kohm, c->rows);

        if (!d->sram)
            ms += (1 - on_share) * column_ms(device_off_kohm(d) + w->access_kohm + j * row_kohm,
                                             step_kohm, c->rows);
        sum += 1 / (ms * c->active * c->rows_at_once / c->rows);
    }
    return sum / c->columns;
}

static double mean_cell_kohm(const struct device *d, const struct wires *w)
{
    if (d->sram)
        return w->access_kohm;
    return 2 / (1 / (device_on_kohm(d) + w->access_kohm) +
                1 / (device_off_kohm(d) + w->access_kohm));
}

static void drive(const struct technology *t, const struct device *d,
                  const struct sub_array_cfg *c, const struct wires *w, struct sub_array *s)
{
    struct row_switch_cfg rows = { .rows = c->rows, .active = c->active, .select_v = d->select_v,
                                   .read_v = t->read_v, .row_pf = w->row_pf,
                                   .row_kohm = w->row_kohm, .height_um = w->height_um };
    double v2 = t->supply_v * t->supply_v;

    struct circuit repeaters = word_line_repeaters(t, w->row_pf, w->row_kohm);
    struct circuit *array = &s->block[BLOCK_ARRAY];

    *array = (struct circuit){
        .area_um2 = w->width_um * w->height_um + c->rows * repeaters.area_um2,
        .height_um = w->height_um,
        .delay_ns = repeaters.delay_ns,
        .energy_pj = (w->row_pf * v2 + repeaters.energy_pj) * c->rows * c->active *
                     c->columns_per_adc,
        .leakage_uw = c->rows * repeaters.leakage_uw,
    };
    array->width_um = array->area_um2 / array->height_um;
    if (d->sram) {
        s->block[BLOCK_ROW_SWITCH] = sram_row_switch(t, &rows);
        array->leakage_uw += (double)c->rows * c->columns * sram_cell(t).leakage_uw;
    } else {
        s->block[BLOCK_ROW_SWITCH] = row_switch(t, &rows);
    }
    s->block[BLOCK_ROW_SWITCH].energy_pj *= c->columns_per_adc;
}

static double select_columns(const struct technology *t, const struct device *d,
                             const struct sub_array_cfg *c, const struct wires *w,
                             const struct activity *a, struct sub_array *s)
{
    double cell_kohm = mean_cell_kohm(d, w);
    struct mux_cfg cfg = { .columns = c->columns, .outputs = c->columns / c->columns_per_adc,
                           .column_kohm = cell_kohm / (d->sram ? floor(c->rows_at_once / 2.0)
                                                               : c->rows_at_once),
                           .read_v = t->read_v, .width_um = w->width_um };

    if (!d->sram)
        s->block[BLOCK_COLUMN_SWITCH] =
            column_switch(t, c->columns, cell_kohm * c->rows / c->rows_at_once, w->width_um);
    if (c->columns_per_adc == 1)
        return 0;
    struct mux mux = column_mux(t, &cfg);
    struct decoder_cfg lines = { .bits = (unsigned)ceil(log2(c->columns_per_adc)), .mux = true,
                                 .driver_ratio = t->mux_driver_ratio,
                                 .load_pf = mux.n_pf * cfg.outputs,
                                 .load_p_pf = mux.p_pf * cfg.outputs };
    struct circuit dec = decoder(t, &lines, a);

    mux.circuit.height_um = fmax(mux.circuit.height_um, dec.height_um);
    mux.circuit.area_um2 = mux.circuit.height_um * mux.circuit.width_um;
    mux.circuit.energy_pj *= c->columns_per_adc;
    dec.energy_pj *= c->columns_per_adc;
    s->block[BLOCK_MUX] = mux.circuit;
    s->block[BLOCK_MUX_DECODER] = dec;
    return mux.circuit.delay_ns + dec.delay_ns;
}

/* On the pitch of the metal, as in the program of the model. */
static double reference_cell_um2(const struct technology *t, const struct device *d)
{
    double m = t->wire_m0_um;

    return d->sram ? t->sram_height_um * t->sram_width_um * m / t->feature_um
                   : d->cell_height_f * d->cell_width_f * m * m;
}

/* Share of sums of n products that are not 0, each product with a probability. */
static double some_of(double probability, double n)
{
    return -expm1(n * log1p(-probability));
}

/* Of a column: an adder of stage k toggles where one of its 2^k products is 1. *a holds for reads
 * in which some product is. */
static double tree_pj(const struct technology *t, const struct sub_array_cfg *c,
                      const struct activity *a)
{
    double p = c->active * c->on_share, all = some_of(p, c->rows_at_once), pj = 0;
    unsigned bits = 1;

    for (unsigned left = c->rows_at_once; left > 1 && all > 0; left -= left / 2, bits++) {
        struct activity of = *a;
        of.adder *= fmin(1, some_of(p, exp2(bits)) / all);
        pj += left / 2 * adder(t, bits, dff_in_pf(t), &of).energy_pj;
    }
    return pj;
}

/* Products of a column's driven cells are added; of one row at a time they are the sum. A product
 * that is 1 charges its gate and three of an adder. */
static void add_products(const struct technology *t, const struct sub_array_cfg *c,
                         const struct wires *w, const struct activity *a, struct sub_array *s)
{
    struct circuit tree = { 0 }, *all = &s->block[BLOCK_ADC];
    struct gate product = product_gate(t);
    double load_pf = product.out_pf + 3 * product.in_pf, v2 = t->supply_v * t->supply_v;
    double ones = c->rows * c->active * c->on_share * c->columns;
    struct edge edge = { 0, 0 };

    if (c->rows_at_once > 1)
        tree = adder_tree(t, c->rows_at_once, 1, dff_in_pf(t), a);
    edge_stage(&edge, product.up_kohm, load_pf);
    *all = circuit_times(tree, c->columns / c->columns_per_adc);
    circuit_at_width(all, w->width_um);
    all->delay_ns = edge.delay_ns + tree.delay_ns;
    all->energy_pj = tree_pj(t, c, a) * c->columns * (double)ceil_div(c->rows, c->rows_at_once) +
                     ones * load_pf * v2;
    s->block[BLOCK_ARRAY].leakage_uw += (double)c->rows * c->columns * product.leakage_uw;
}

static enum err convert(const struct technology *t, const struct device *d,
                        const struct sub_array_cfg *c, const struct wires *w,
                        const struct activity *a, struct sub_array *s, struct err_msg *m)
{
    double reads = (double)ceil_div(c->rows, c->rows_at_once);
    double converters = c->columns / c->columns_per_adc;

    if (c->converter == CONVERTER_TREE) {
        add_products(t, c, w, a, s);
        return ERR_NONE;
    }
    if (c->converter == CONVERTER_SAR || c->converter == CONVERTER_CCO) {
        struct circuit *adc = &s->block[BLOCK_ADC];
        double each_pj;

        *adc = c->converter == CONVERTER_SAR
                   ? sar_adc(t, (unsigned)log2(c->levels), s->column_kohm)
                   : cco_adc(t, (unsigned)log2(c->levels), c->active);
        each_pj = adc->energy_pj;
        *adc = circuit_times(*adc, converters);
        adc->energy_pj = each_pj * c->columns * reads;
        circuit_at_width(adc, w->width_um);
        return ERR_NONE;
    }
    struct flash_adc_cfg cfg = {
        .sense = c->converter == CONVERTER_CSA ? SENSE_CURRENT : SENSE_VOLTAGE,
        .levels = c->levels, .converters = c->columns / c->columns_per_adc, .columns = c->columns,
        .rows_at_once = c->rows_at_once,
        .on_kohm = d->sram ? w->access_kohm : device_on_kohm(d),
        .column_kohm = s->column_kohm, .column_pf = w->column_pf,
        .reference_um2 = c->rows * reference_cell_um2(t, d),
        .reference_pj = d->sram ? c->rows * w->row_pf / c->columns * t->supply_v * t->supply_v : 0,
        .width_um = w->width_um };
    struct flash_adc adc;
    enum err e = flash_adc(t, &cfg, &adc, m);

    adc.amplifiers.energy_pj *= reads;
    s->block[BLOCK_ADC] = adc.amplifiers;
    s->block[BLOCK_ENCODER] = adc.encoder;
    return e;
}

static void accumulate(const struct technology *t, const struct device *d,
                       const struct sub_array_cfg *c,
                       const struct wires *w, const struct activity *a, struct sub_array *s)
{
    unsigned units = c->columns / c->columns_per_adc, bits = (unsigned)log2(c->levels);
    unsigned groups = (unsigned)ceil_div(c->columns_per_adc, c->cells_per_weight);
    unsigned reads = (unsigned)ceil_div(c->rows, c->rows_at_once);
    unsigned all_bits = bits + (unsigned)ceil(log2(reads)); // of all groups of rows
    unsigned sum_bits = c->sum_bits ? c->sum_bits : d->sram ? all_bits : bits;
    sum_bits = sum_bits < all_bits ? sum_bits : all_bits;
    struct shift_add_cfg weight = { units, sum_bits, c->cells_per_weight, w->width_um };
    struct shift_add_cfg input = { units, sum_bits + c->cells_per_weight, c->input_bits,
                                   w->width_um };

    if (reads > 1) { // partial sums of the groups of rows
        struct shift_add_cfg sum = { units, bits, (unsigned)ceil(log2(reads)), w->width_um };

        s->block[BLOCK_PARTIAL_ADD] = accumulator(t, &sum, a);
        s->block[BLOCK_PARTIAL_ADD].energy_pj *= c->columns_per_adc * (reads - 1);
    }
    if (c->cells_per_weight > 1) {
        s->block[BLOCK_SHIFT_ADD_WEIGHT] = shift_add(t, &weight, a);
        s->block[BLOCK_SHIFT_ADD_WEIGHT].energy_pj *= (c->cells_per_weight - 1) * groups;
    }
    if (c->input_bits > 1) {
        s->block[BLOCK_SHIFT_ADD_INPUT] = shift_add(t, &input, a);
        s->block[BLOCK_SHIFT_ADD_INPUT].energy_pj *= groups;
    }
}

static void shift_levels(const struct technology *t, const struct device *d,
                         const struct sub_array_cfg *c, const struct wires *w, double wiring,
                         struct sub_array *s)
{
    if (d->write_v <= level_shifter_above_v)
        return;
    struct circuit row = level_shifter(t, c->rows, wiring, d->write_v);
    struct circuit source = level_shifter(t, c->columns, wiring, d->write_v);

    /* they work in writes, and like in the program of the model only their area counts in a read */
    row.delay_ns = row.energy_pj = row.leakage_uw = 0;
    source.delay_ns = source.energy_pj = source.leakage_uw = 0;
    circuit_at_height(&row, w->height_um);
    circuit_at_width(&source, w->width_um);
    s->block[BLOCK_LEVEL_SHIFTER_ROW] = row;
    s->block[BLOCK_LEVEL_SHIFTER_BIT] = row;
    s->block[BLOCK_LEVEL_SHIFTER_SOURCE] = source;
}

/* Blocks stand beside the array or above and below it; the rectangle around them counts. */
static void add_up(struct sub_array *s)
{
    const struct circuit *b = s->block;
    double rows_um = b[BLOCK_LEVEL_SHIFTER_ROW].width_um + b[BLOCK_LEVEL_SHIFTER_BIT].width_um +
                     b[BLOCK_ROW_SWITCH].width_um;
    double side_um = fmax(rows_um, b[BLOCK_MUX_DECODER].width_um);
    double height_um = 0;

    for (unsigned i = 0; i < N_SUB_ARRAY_BLOCK; i++) {
        bool beside = i == BLOCK_ROW_SWITCH || i == BLOCK_MUX_DECODER ||
                      i == BLOCK_LEVEL_SHIFTER_ROW || i == BLOCK_LEVEL_SHIFTER_BIT;

        s->used_um2 += b[i].area_um2;
        s->energy_pj += b[i].energy_pj;
        s->leakage_uw += b[i].leakage_uw;
        height_um += beside ? 0 : b[i].height_um;
    }
    s->box_um2 = height_um * (b[BLOCK_ARRAY].width_um + side_um);
}

enum err sub_array(const struct technology *t, const struct device *d,
                   const struct sub_array_cfg *cfg, const struct calibration *cal,
                   struct sub_array *s, struct err_msg *m)
{
    struct activity a = calibration_activity(cal);
    struct wires w = { 0 };
    enum err e;

    *s = (struct sub_array){ 0 };
    if (cfg->converter == CONVERTER_TREE && !d->sram)
        return err_set(m, ERR_INPUT, "%s: an adder tree adds bits of SRAM cells: want device sram",
                       d->name);
    if ((e = check(cfg, m)) ||
        (e = device_check_bits(d, (double)ceil_div(cfg->weight_bits, cfg->cells_per_weight), m)) ||
        (!d->sram && (e = resistive_wires(t, d, cfg, &w, m))))
        return e;
    if (d->sram)
        sram_wires(t, cfg, &w);
    w.row_kohm = w.width_um * t->wire_m1_kohm_um;
    w.column_kohm = w.height_um * t->wire_m0_kohm_um;
    s->column_kohm = column_kohm(d, cfg, &w);
    drive(t, d, cfg, &w, s);
    double select_ns = select_columns(t, d, cfg, &w, &a, s);
    if ((e = convert(t, d, cfg, &w, &a, s, m)))
        return e;
    accumulate(t, d, cfg, &w, &a, s);
    if (d->sram) {
        s->block[BLOCK_PRECHARGE] = sram_precharge(t, cfg->columns, w.column_pf, w.column_kohm,
                                                   w.width_um);
        s->block[BLOCK_PRECHARGE].energy_pj = 0; // columns are read as currents, not recharged
        if (cfg->converter == CONVERTER_TREE)
            s->block[BLOCK_PRECHARGE].delay_ns = 0; // nor used at all
        s->block[BLOCK_WRITE_DRIVER] = sram_write_driver(t, cfg->columns, w.width_um);
        s->block[BLOCK_WRITE_DRIVER].energy_pj = 0;
    } else {
        shift_levels(t, d, cfg, &w, cal->level_shifter_wiring, s);
    }
    s->clocks = cfg->columns_per_adc * (unsigned)ceil_div(cfg->rows, cfg->rows_at_once);
    s->clock_ns = cal->sensing_delay *
                  (fmax(s->block[BLOCK_ROW_SWITCH].delay_ns + s->block[BLOCK_ARRAY].delay_ns,
                        select_ns) +
                   s->block[BLOCK_PRECHARGE].delay_ns + s->block[BLOCK_ADC].delay_ns +
                   s->block[BLOCK_ENCODER].delay_ns);
    add_up(s);
    return ERR_NONE;
}
