/* arch/cost/composed.c -- see composed.h. */
#include "arch/cost/composed.h"

#include <math.h>

#include "arch/circuits/pulse_driver.h"

struct reading { // how the array is read, with the defaults of a plain one
    uint32_t rows_at_once, groups, slices, slice_bits;
    uint32_t columns_per_adc, adc_bits, columns_per_weight, devices; // devices: of a column
    bool     serial; // one bit of the inputs in a read
    double   density; // bits that are 1, or mean pulse over the longest
};

static struct reading reading_of(const struct chip_model *c, const struct core_hardware *h)
{
    const struct array_hardware *a = &h->array;
    bool read = a->slices > 0;
    struct reading r = {
        .rows_at_once = a->rows_at_once > 0 && a->rows_at_once < h->rows ? a->rows_at_once
                                                                        : h->rows,
        .slices = read ? a->slices : 1,
        .slice_bits = read ? a->slice_bits : h->value_bits,
        .columns_per_adc = a->adc_bits > 0 ? a->columns_per_adc : 1,
        .adc_bits = a->adc_bits > 0 ? a->adc_bits : (uint32_t)c->fact.converter_bits,
        .columns_per_weight = a->columns_per_weight > 0 ? a->columns_per_weight : 1,
        .devices = a->devices > 0 ? a->devices : 2,
        .density = fmax(h->density > 0 ? h->density : c->fact.mean_input, 1e-3),
    };

    r.groups = (h->rows + r.rows_at_once - 1) / r.rows_at_once;
    if (c->adc == CONVERTER_TREE)
        r.adc_bits = (uint32_t)ceil(log2(r.rows_at_once + 1.0));
    r.serial = r.slice_bits == 1;
    return r;
}

static enum err check(const struct chip_model *c, const struct reading *r, struct err_msg *m)
{
    bool flash = c->adc == CONVERTER_CSA || c->adc == CONVERTER_VSA;

    if (!r->serial && c->device.sram)
        return err_set(m, ERR_INPUT, "%s: an SRAM cell is on or off, and a read has %u bits of the "
                       "inputs: want core.crossbar.input_slice_bits = 1", c->device.name,
                       r->slice_bits);
    if (!r->serial && flash)
        return err_set(m, ERR_INPUT, "energy.converter = %s: sense amplifiers want a steady "
                       "current, and a read has pulses of %u bits: want "
                       "core.crossbar.input_slice_bits = 1, or energy.converter = sar",
                       c->adc == CONVERTER_CSA ? "csa" : "vsa", r->slice_bits);
    if (r->adc_bits > (flash ? 12u : 16u))
        return err_set(m, ERR_INPUT, "converters of %u bits: want core.readout.bits of at most %u",
                       r->adc_bits, flash ? 12 : 16);
    return ERR_NONE;
}

/* Devices that side by side make a column stand in one wide cell. */
static struct device column_cell(const struct chip_model *c, const struct reading *r)
{
    struct device d = c->device;

    d.cell_width_f *= r->devices;
    return d;
}

/* Cells in their most conducting state that give the device's mean conductance. */
static double on_share(const struct device *d)
{
    double on_us, off_us;

    if (d->sram)
        return 0.5;
    on_us = 1e6 / d->r_on_ohm;
    off_us = 1e6 / d->r_off_ohm;
    return fmin(1, fmax(0, (d->mean_us - off_us) / (on_us - off_us)));
}

static struct sub_array_cfg sub_array_of(const struct chip_model *c, const struct core_hardware *h,
                                         const struct reading *r)
{
    uint32_t cell_bits = h->array.cell_bits > 0 ? h->array.cell_bits : 1; // 0: analog

    return (struct sub_array_cfg){
        .rows = h->rows, .columns = h->columns, .rows_at_once = r->rows_at_once,
        .columns_per_adc = r->columns_per_adc, .levels = 1u << r->adc_bits, .converter = c->adc,
        .weight_bits = r->columns_per_weight * cell_bits,
        .cells_per_weight = r->columns_per_weight, .input_bits = r->slices,
        .sum_bits = r->adc_bits + (uint32_t)ceil(log2(r->groups)),
        .active = r->density, .on_share = on_share(&c->device),
    };
}

static double area_of(const struct sub_array *s, unsigned first, unsigned last)
{
    double um2 = 0;

    for (unsigned b = first; b <= last; b++)
        um2 += s->block[b].area_um2;
    return um2;
}

static double leakage_of(const struct sub_array *s, unsigned first, unsigned last)
{
    double uw = 0;

    for (unsigned b = first; b <= last; b++)
        uw += s->block[b].leakage_uw;
    return uw;
}

/* White space, level shifters and what writes count with the array. */
static void place(const struct sub_array *s, struct core_unit *u)
{
    double drivers = s->block[BLOCK_ROW_SWITCH].area_um2;
    double converters = area_of(s, BLOCK_MUX, BLOCK_ENCODER);
    double adders = area_of(s, BLOCK_PARTIAL_ADD, BLOCK_SHIFT_ADD_INPUT);

    u->area_um2[PRICE_INPUT_DRIVERS] += drivers;
    u->area_um2[PRICE_ADC] = converters;
    u->area_um2[PRICE_DIGITAL] = adders;
    u->area_um2[PRICE_CROSSBAR] = s->box_um2 - drivers - converters - adders;
    u->leakage_uw[PRICE_INPUT_DRIVERS] += s->block[BLOCK_ROW_SWITCH].leakage_uw;
    u->leakage_uw[PRICE_ADC] = leakage_of(s, BLOCK_MUX, BLOCK_ENCODER);
    u->leakage_uw[PRICE_DIGITAL] = leakage_of(s, BLOCK_PARTIAL_ADD, BLOCK_SHIFT_ADD_INPUT);
    u->leakage_uw[PRICE_CROSSBAR] = s->leakage_uw - u->leakage_uw[PRICE_ADC] -
                                    u->leakage_uw[PRICE_DIGITAL] -
                                    s->block[BLOCK_ROW_SWITCH].leakage_uw;
}

/* Of a word line and its switch: what the reads take of a row, and what a bit of 1 adds. */
static void serial_rows(const struct sub_array *at, const struct sub_array *half,
                        const struct core_hardware *h, const struct reading *r,
                        struct core_unit *u)
{
    double rows = h->rows, turns = r->columns_per_adc, ones = rows * r->density;
    double idle = 2 * half->block[BLOCK_ROW_SWITCH].energy_pj -
                  at->block[BLOCK_ROW_SWITCH].energy_pj; // a line through two shares of bits
    double on = at->block[BLOCK_ROW_SWITCH].energy_pj - idle;

    u->row_clocked = r->slices * idle / turns / rows;
    u->driver_digit = on / turns / ones;
    u->line_digit = at->block[BLOCK_ARRAY].energy_pj / turns / ones;
    u->latency_ns[PRICE_INPUT_DRIVERS] = at->block[BLOCK_ROW_SWITCH].delay_ns;
    u->latency_ns[PRICE_CROSSBAR] = at->block[BLOCK_ARRAY].delay_ns;
}

static enum err pulse_time(const struct core_hardware *h, const struct reading *r, double adc_ns,
                           double *pulse_ns, struct err_msg *m)
{
    double turns_ns = r->columns_per_adc * adc_ns;
    bool timed = h->array.read_ns > 0; // a read without its conversions

    *pulse_ns = timed ? h->array.read_ns : h->mvm_ns - turns_ns;
    if (*pulse_ns > 0)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "conversions of %.4g ns leave no time for pulses: want "
                   "core.crossbar.mvm_ns above %.4g", turns_ns, turns_ns);
}

static enum err pulsed_rows(const struct chip_model *c, const struct core_hardware *h,
                            const struct reading *r, const struct sub_array *s,
                            struct core_unit *u, struct err_msg *m)
{
    struct circuit full = pulse_driver(&c->technology, r->slice_bits, 1);
    double v = c->technology.supply_v * c->device.read_v, ns;
    double largest_us = 1e6 / c->device.r_on_ohm, levels = fmax(exp2(h->weight_bits - 1.0) - 1, 1);
    double codes = exp2(r->slice_bits) - 1;
    enum err e = pulse_time(h, r, s->block[BLOCK_ADC].delay_ns, &ns, m);

    if (e)
        return e;
    /* V V uS ns = fJ */
    u->cell = v * r->devices * c->device.mean_us * ns * r->density * 1e-3;
    if (r->slices == 1 && r->columns_per_weight == 1)
        u->cell_lsb2 = v * (largest_us / levels) * (ns / codes) * 1e-3;
    u->row = r->slices * s->block[BLOCK_ARRAY].energy_pj / r->columns_per_adc / r->density /
             h->rows; // up and down once in each read
    u->driver_digit = full.energy_pj / codes;
    u->area_um2[PRICE_INPUT_DRIVERS] += h->rows * full.area_um2;
    u->leakage_uw[PRICE_INPUT_DRIVERS] += h->rows * full.leakage_uw;
    u->latency_ns[PRICE_CROSSBAR] = ns;
    return ERR_NONE;
}

/* Units add a code to the other groups of rows, a sum to the other cells of the weight, and a
 * weight's to the other bits of the input: what all of that takes, over its additions. */
static double shift_add_pj(const struct sub_array *s, const struct core_hardware *h,
                           const struct reading *r)
{
    double units = h->columns / r->columns_per_adc, cells = r->columns_per_weight;
    double weights = ceil(r->columns_per_adc / cells); // of a unit
    double additions = r->slices * cells * r->groups - 1, pj = 0;

    if (additions < 1)
        return 0;
    if (r->groups > 1)
        pj += s->block[BLOCK_PARTIAL_ADD].energy_pj / h->columns * r->slices * cells;
    if (cells > 1)
        pj += s->block[BLOCK_SHIFT_ADD_WEIGHT].energy_pj / (weights * units) * r->slices;
    if (r->slices > 1)
        pj += s->block[BLOCK_SHIFT_ADD_INPUT].energy_pj / (weights * units) * r->slices;
    return pj / additions;
}

/* An adder whose code is 0 does not toggle: no row of the read has both a bit and a cell that
 * conducts. */
static struct calibration activities(const struct chip_model *c, const struct reading *r)
{
    struct calibration cal = calibration_none();
    double silent = pow(1 - r->density * on_share(&c->device), r->rows_at_once);

    cal.adder_activity = c->fact.adder_activity * (1 - silent);
    cal.dff_activity = c->fact.register_activity;
    return cal;
}

enum err composed_array(const struct chip_model *c, const struct core_hardware *h,
                        struct core_unit *u, struct err_msg *m)
{
    const struct reading r = reading_of(c, h);
    const struct device d = column_cell(c, &r);
    const struct calibration cal = activities(c, &r);
    struct sub_array_cfg cfg;
    struct sub_array s, half;
    enum err e = check(c, &r, m);

    if (e)
        return e;
    cfg = sub_array_of(c, h, &r);
    if ((e = sub_array(&c->technology, &d, &cfg, &cal, &s, m)))
        return e;
    cfg.active /= 2;
    if (r.serial && (e = sub_array(&c->technology, &d, &cfg, &cal, &half, m)))
        return e;
    u->row_digits = r.slices * r.density * (exp2(r.slice_bits) - 1);
    if (r.serial)
        serial_rows(&s, &half, h, &r, u);
    else if ((e = pulsed_rows(c, h, &r, &s, u, m)))
        return e;
    place(&s, u);
    u->conversion = s.block[BLOCK_ADC].energy_pj / h->columns / r.groups +
                    (s.block[BLOCK_MUX].energy_pj + s.block[BLOCK_MUX_DECODER].energy_pj) /
                        h->columns;
    u->shift_add = shift_add_pj(&s, h, &r);
    u->latency_ns[PRICE_ADC] = r.columns_per_adc * (s.block[BLOCK_ADC].delay_ns +
                                                    s.block[BLOCK_ENCODER].delay_ns +
                                                    s.block[BLOCK_MUX].delay_ns +
                                                    s.block[BLOCK_MUX_DECODER].delay_ns);
    u->array_ns = r.serial ? s.clock_ns * s.clocks * r.slices
                           : (u->latency_ns[PRICE_CROSSBAR] + u->latency_ns[PRICE_ADC]) *
                                 r.slices * r.groups;
    return ERR_NONE;
}
