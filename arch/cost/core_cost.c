/* arch/cost/core_cost.c -- see core_cost.h. */
#include "arch/cost/core_cost.h"

#include <math.h>

#include "arch/circuits/adder.h"
#include "arch/circuits/cco_adc.h"
#include "arch/circuits/dff.h"
#include "arch/circuits/pulse_driver.h"
#include "arch/circuits/sar_adc.h"
#include "arch/circuits/sram.h"
#include "arch/circuits/wire.h"
#include "arch/cost/composed.h"

static enum err convert(const struct chip_model *c, const struct core_hardware *h,
                        struct core_unit *u, struct err_msg *m)
{
    const struct chip_facts *f = &c->fact;
    struct circuit adc = { .area_um2 = f->converter_um2 * c->cited_area,
                           .delay_ns = f->converter_ns,
                           .energy_pj = f->converter_pj * c->cited_energy };

    if (c->converter == PRICE_CONVERTER_SAR) // of a column that all rows drive
        adc = sar_adc(&c->technology, (unsigned)f->converter_bits,
                      1e3 / (2 * c->device.mean_us * h->rows));
    if (c->converter == PRICE_CONVERTER_CCO)
        adc = cco_adc(&c->technology, (unsigned)f->converter_bits, f->mean_input);
    if (f->pulse_ns + adc.delay_ns > h->mvm_ns)
        return err_set(m, ERR_INPUT, "pulse of %g ns and conversion of %.4g ns: want at most the "
                       "crossbar's mvm_ns = %g", f->pulse_ns, adc.delay_ns, h->mvm_ns);
    u->conversion = adc.energy_pj;
    u->area_um2[PRICE_ADC] = h->columns * adc.area_um2;
    u->leakage_uw[PRICE_ADC] = h->columns * adc.leakage_uw * f->control_leakage;
    u->latency_ns[PRICE_ADC] = adc.delay_ns;
    return ERR_NONE;
}

/* The regulator holds V_read on the column and takes its current from the supply. */
static void crossbar(const struct chip_model *c, const struct core_hardware *h, struct core_unit *u)
{
    const struct chip_facts *f = &c->fact;
    const struct technology *t = &c->technology;
    double F = t->feature_um, v = c->device.read_v;
    double weight_um2 = f->devices_per_weight *
                        c->device.cell_height_f * F * c->device.cell_width_f * F;
    /* V V uS ns = fJ */
    double pair_pj = t->supply_v * v * 2 * c->device.mean_us * f->pulse_ns * 1e-3;
    double largest_us = 1e6 / c->device.r_on_ohm, codes = exp2(h->value_bits) - 1;
    double levels = fmax(exp2(h->weight_bits - 1.0) - 1, 1); // the largest |w|

    u->cell = f->cell_energy * pair_pj * f->mean_input;
    u->cell_lsb2 = f->cell_energy * t->supply_v * v * (largest_us / levels) *
                   (f->pulse_ns / codes) * 1e-3;
    u->row = h->columns * sqrt(weight_um2) * t->wire_pf_um * v * v;
    u->column = f->column_pj * c->cited_energy;
    u->area_um2[PRICE_CROSSBAR] = (double)h->rows * h->columns * weight_um2 +
                                  c->cited_area * f->line_um2 * (h->rows + h->columns) / 2;
    u->latency_ns[PRICE_CROSSBAR] = f->pulse_ns;
}

static void input_drivers(const struct chip_model *c, const struct core_hardware *h,
                          struct core_unit *u)
{
    const struct chip_facts *f = &c->fact;
    struct circuit full = pulse_driver(&c->technology, h->value_bits, 1);
    double codes = exp2(h->value_bits) - 1;

    u->row_digits = f->mean_input * codes;
    u->driver_digit = full.energy_pj / codes;
    u->area_um2[PRICE_INPUT_DRIVERS] = h->rows * full.area_um2;
    u->leakage_uw[PRICE_INPUT_DRIVERS] = h->rows * full.leakage_uw * f->control_leakage;
}

/* t = acc * M + B: an array multiplier of 16 rows, then 64-bit additions (arch/units/digital.h). */
void core_unit_digital(const struct chip_model *c, const struct core_hardware *h,
                       struct core_unit *u)
{
    const unsigned acc_bits = 24, scale_bits = 16, sum_bits = 64;
    const struct technology *t = &c->technology;
    struct activity a = { c->fact.adder_activity, c->fact.register_activity, 1 };
    struct circuit row = adder(t, acc_bits, 0, &a), sum = adder(t, sum_bits, 0, &a);
    struct circuit reg = dff(t, sum_bits, sum_bits, a.dff);
    double um2 = scale_bits * row.area_um2 + 3 * (sum.area_um2 + reg.area_um2);

    u->add = sum.energy_pj + reg.energy_pj;
    u->scale = scale_bits * row.energy_pj + u->add;
    u->round = u->add;
    u->area_um2[PRICE_DIGITAL] += h->lanes * um2 * c->fact.control_area;
    u->leakage_uw[PRICE_DIGITAL] += h->lanes * c->fact.control_leakage *
                                    (scale_bits * row.leakage_uw +
                                     3 * (sum.leakage_uw + reg.leakage_uw));
}

static void input_memory(const struct chip_model *c, const struct core_hardware *h,
                         struct core_unit *u)
{
    struct sram_cfg cfg = { h->words, h->word_bits };
    struct activity all = ACTIVITY_ALL;
    struct sram s = sram_complete(sram(&c->technology, &cfg, &all));

    u->read_word = c->fact.sram_energy * s.macro.energy_pj;
    u->write_word = c->fact.sram_energy * s.write_pj;
    u->area_um2[PRICE_INPUT_MEMORY] = c->fact.sram_area * s.macro.area_um2;
    u->leakage_uw[PRICE_INPUT_MEMORY] = c->fact.sram_leakage * s.macro.leakage_uw;
    u->latency_ns[PRICE_INPUT_MEMORY] = s.macro.delay_ns;
}

/* Bits of SRAM are written a row at a time. */
static double program_pj(const struct chip_model *c, const struct core_hardware *h)
{
    struct sram_cfg cfg = { h->rows < 4 ? 4 : h->rows, h->columns };
    struct activity all = ACTIVITY_ALL;

    if (!c->device.sram)
        return c->device.program_pj;
    return sram_complete(sram(&c->technology, &cfg, &all)).write_pj / h->columns;
}

static double control_registers(const struct chip_facts *f, const struct core_hardware *h)
{
    double pixel_bits = (double)h->pixel_channels * h->value_bits;

    return 2.0 * h->rows * h->value_bits    // the crossbar's inputs: in use, and being filled
           + h->kernel_columns * pixel_bits // the kernel row being read
           + f->streams * pixel_bits        // a pixel of every stream
           + f->pointers * f->pointer_bits;
}

void core_unit_controller(const struct chip_model *c, const struct core_hardware *h,
                          struct core_unit *u)
{
    const struct technology *t = &c->technology;
    const struct chip_facts *f = &c->fact;
    double n = control_registers(f, h), v2 = t->supply_v * t->supply_v;
    struct gate inv = gate_standard(t, GATE_INV, 1, gate_widths(t, 1, 1));
    struct gate nand = gate_standard(t, GATE_NAND, 2, gate_widths(t, 2, 1));
    struct circuit reg = dff(t, n, n * f->register_activity, 1);
    double select_um2 = n * 3 * gate_area_um2(&nand);
    double um2 = f->control_area * (reg.area_um2 + select_um2);
    /* Sinks and the buffers before them; wire of a tree over n sinks in that area. */
    double tree_pf = n * inv.in_pf * f->tree_fanout / (f->tree_fanout - 1) +
                     t->wire_pf_um * sqrt(n * um2);

    u->control_dff = n;
    u->register_leakage_uw = f->control_leakage * reg.leakage_uw;
    u->control_registers = f->register_energy * reg.energy_pj;
    u->control_selection = f->selection_activity * n * 3 * (nand.in_pf + nand.out_pf) * v2;
    u->tree = tree_pf * v2;
    u->area_um2[PRICE_CONTROLLER] = um2;
    u->leakage_uw[PRICE_CONTROLLER] = u->register_leakage_uw +
                                      f->control_leakage * n * 3 * nand.leakage_uw;
    u->leakage_uw[PRICE_CLOCK] = f->control_leakage * n * inv.leakage_uw / (f->tree_fanout - 1);
}

static enum err array(const struct chip_model *c, const struct core_hardware *h,
                      struct core_unit *u, struct err_msg *m)
{
    if (c->converter == PRICE_CONVERTER_CIRCUITS)
        return composed_array(c, h, u, m);
    enum err e = convert(c, h, u, m);
    if (e)
        return e;
    crossbar(c, h, u);
    input_drivers(c, h, u);
    return ERR_NONE;
}

enum err core_unit(const struct chip_model *c, const struct core_hardware *h, struct core_unit *u,
                   struct err_msg *m)
{
    enum err e;

    *u = (struct core_unit){ 0 };
    if (h->words < 4)
        return err_set(m, ERR_INPUT, "input memory of %u words: want at least 4", h->words);
    if ((e = array(c, h, u, m)))
        return e;
    u->program = program_pj(c, h);
    core_unit_digital(c, h, u);
    input_memory(c, h, u);
    core_unit_controller(c, h, u);
    return ERR_NONE;
}

static double area_um2(const struct core_unit *u)
{
    double um2 = 0;

    for (unsigned b = 0; b < N_PRICE_ALL; b++)
        um2 += u->area_um2[b];
    return um2;
}

double link_bit_pj(const struct chip_model *c, const struct core_unit *u, double pitches)
{
    struct repeated_wire w = repeated_wire(&c->technology, 0, SHRINK_HALVE);
    double pitch_um = sqrt(area_um2(u));

    return c->fact.link_latch * dff(&c->technology, 2, 2, 1).energy_pj +
           c->fact.link_wire * c->fact.link_toggle * pitches * pitch_um * w.pj_per_bit_um;
}

struct link_cost link_cost(const struct chip_model *c, const struct core_unit *u, unsigned wires,
                           double pitches)
{
    struct repeated_wire w = repeated_wire(&c->technology, 0, SHRINK_HALVE);
    struct bus_cfg cfg = { wires, pitches * sqrt(area_um2(u)), 1, 1 };
    struct circuit wire = bus(&c->technology, &w, &cfg), latch = dff(&c->technology, 2, 2, 1);

    if (c->converter != PRICE_CONVERTER_CIRCUITS)
        return (struct link_cost){ 0, 0 };
    return (struct link_cost){ wire.area_um2 + wires * latch.area_um2,
                               wire.leakage_uw + wires * latch.leakage_uw };
}

struct core_peak core_peak(const struct core_hardware *h, const struct core_unit *u)
{
    const struct array_hardware *a = &h->array;
    double cells = (double)h->rows * h->columns, slices = a->slices ? a->slices : 1;
    double ops = 2 * cells / (a->columns_per_weight ? a->columns_per_weight : 1);
    double groups = a->rows_at_once ? ceil((double)h->rows / a->rows_at_once) : 1;
    double outputs = ops / 2 / h->rows, codes = h->columns * slices * groups;
    struct core_peak p = { .area_um2 = area_um2(u) };

    p.energy_pj[PRICE_CROSSBAR] = cells * slices * u->cell + h->columns * u->column +
                                  h->rows * (u->row + u->row_digits * u->line_digit);
    p.energy_pj[PRICE_INPUT_DRIVERS] = h->rows *
                                       (u->row_clocked + u->row_digits * u->driver_digit);
    p.energy_pj[PRICE_ADC] = codes * u->conversion;
    p.energy_pj[PRICE_DIGITAL] = outputs * (u->scale + u->round) +
                                 (codes - outputs) * u->shift_add;
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        p.total_pj += p.energy_pj[b];
    p.tops = ops / h->mvm_ns * 1e-3;
    p.tops_per_w = ops / p.total_pj;
    p.tops_per_mm2 = p.tops / (p.area_um2 * 1e-6);
    return p;
}

struct control_power control_power(const struct core_hardware *h, const struct core_unit *u)
{
    double register_uw = u->register_leakage_uw; // pJ / ns = mW
    struct control_power p = {
        .sequential_mw = u->control_registers / h->clock_ns + register_uw * 1e-3,
        .sram_mw = u->read_word / h->clock_ns + u->leakage_uw[PRICE_INPUT_MEMORY] * 1e-3,
        .combinational_mw = u->control_selection / h->clock_ns +
                            (u->leakage_uw[PRICE_CONTROLLER] - register_uw) * 1e-3,
        .clock_mw = u->tree / h->clock_ns + u->leakage_uw[PRICE_CLOCK] * 1e-3,
    };

    p.total_mw = p.sequential_mw + p.sram_mw + p.combinational_mw + p.clock_mw;
    return p;
}
