/* arch/circuits/sram.c -- see sram.h. */
#include "arch/circuits/sram.h"

#include <assert.h>
#include <math.h>

#include "arch/circuits/decoder.h"
#include "arch/circuits/dff.h"

static const double sense_v = 0.1; // a sense amplifier tells apart

/* All six transistors are of the smallest size. */
struct sram_cell sram_cell(const struct technology *t)
{
    double um = transistor_least_um(t);
    double n_pf = transistor_drain_pf(t, (struct widths){ um, 0 }, t->cell_height_um);
    double p_pf = transistor_drain_pf(t, (struct widths){ 0, um }, t->cell_height_um);
    struct gate inv = gate_standard(t, GATE_INV, 1, (struct widths){ um, um });

    return (struct sram_cell){
        .access_kohm = transistor_n_kohm(t, um),
        .pull_down_kohm = transistor_n_kohm(t, um),
        .access_gate_pf = transistor_gate_pf(t, um),
        .access_drain_pf = n_pf,
        .bit_line_pf = t->transistor == TRANSISTOR_BULK ? n_pf : t->bit_line_drain_pf,
        .flip_pf = 2 * n_pf + p_pf + inv.in_pf,
        .leakage_uw = 2 * inv.leakage_uw,
    };
}

struct circuit sram_precharge(const struct technology *t, unsigned columns, double column_pf,
                              double column_kohm, double width_um)
{
    struct widths pull = gate_enlarge(t, (struct widths){ 0, 6 * t->feature_um });
    struct widths equal = gate_enlarge(t, (struct widths){ 0, 2 * t->feature_um });
    struct gate p = gate_standard(t, GATE_INV, 1, pull), e = gate_standard(t, GATE_INV, 1, equal);
    double v = t->supply_v;
    struct edge edge = { 0, 0 };
    struct circuit c;

    edge_stage(&edge, 1, p.up_kohm * (column_pf + p.out_pf + e.out_pf) +
               column_kohm * column_pf / 2);
    circuit_in_rows(&c, columns, fmax(p.width_um, e.width_um), 2 * p.height_um + e.height_um,
                    width_um);
    c.delay_ns = edge.delay_ns;
    c.energy_pj = columns * column_pf * v * v;
    c.leakage_uw = columns * 2 * p.leakage_uw;
    return c;
}

struct circuit sram_write_driver(const struct technology *t, unsigned columns, double width_um)
{
    struct gate inv = gate_standard(t, GATE_INV, 1, gate_enlarge(t, gate_widths(t, 1, 1)));
    double v = t->supply_v;
    struct circuit c;

    circuit_in_rows(&c, columns, inv.width_um, 3 * inv.height_um, width_um);
    c.delay_ns = 0;
    c.energy_pj = columns * (inv.out_pf + inv.in_pf) * v * v;
    c.leakage_uw = columns * 3 * inv.leakage_uw;
    return c;
}

struct circuit sram_row_switch(const struct technology *t, const struct row_switch_cfg *cfg)
{
    const double linear_region = 0.2;
    struct widths w = pass_gate_widths(t, cfg->row_kohm / t->word_line_parts *
                                             t->column_switch_ratio / linear_region);
    struct circuit reg = dff(t, 1, 1, 1), c;
    double per_column = fmax(1, floor(cfg->height_um / t->cell_height_um + 1e-9));
    double columns = ceil(cfg->rows / per_column);
    double gate_height_um = cfg->height_um / ceil(cfg->rows / columns);
    struct gate g = gate_make(t, GATE_INV, 1, w, pass_cell_um(t, gate_height_um));
    double kohm = pass_gate_kohm(t, w), v = t->supply_v, r = cfg->read_v;
    double part_pf = word_line_part_pf(t, cfg->row_pf);

    circuit_in_columns(&c, cfg->rows, reg.width_um, reg.height_um, cfg->height_um);
    c.width_um += 2 * g.width_um * columns;
    return (struct circuit){
        .area_um2 = c.width_um * cfg->height_um,
        .width_um = c.width_um,
        .height_um = cfg->height_um,
        /* distributed wire behind a driver: 0.69 R C + 0.38 r c */
        .delay_ns = 0.69 * kohm * (2 * g.out_pf + 0.5 * g.in_pf) +
                    part_pf * (0.69 * kohm + 0.38 * cfg->row_kohm / t->word_line_parts),
        .energy_pj = cfg->rows * cfg->active * (3 * g.out_pf * r * r + g.in_pf * v * v) +
                     cfg->rows * reg.energy_pj,
        .leakage_uw = cfg->rows * reg.leakage_uw,
    };
}

static double transistor_um(const struct technology *t, double size)
{
    return size * transistor_least_um(t);
}

/* A latch with isolation, enable and column transistors; sizes as in NVSim. */
static struct circuit sense_amplifier(const struct technology *t)
{
    double n = transistor_um(t, 3.75), p = transistor_um(t, 7.5), iso = transistor_um(t, 12.5);
    double enable = transistor_um(t, 5), column = transistor_um(t, 9), height_um = t->sram_width_um;
    double pf = transistor_gate_pf(t, n + p) +
                transistor_drain_pf(t, (struct widths){ n, 0 }, height_um) +
                transistor_drain_pf(t, (struct widths){ 0, p }, height_um) +
                transistor_drain_pf(t, (struct widths){ 0, iso }, height_um) +
                transistor_drain_pf(t, (struct widths){ column, 0 }, height_um);
    struct gate tail = gate_standard(t, GATE_INV, 1, (struct widths){ enable, 0 });

    return (struct circuit){
        .delay_ns = pf / transistor_gm_ms(t, (struct widths){ n, p }) * log(t->supply_v / sense_v),
        .energy_pj = pf * t->supply_v * t->supply_v,
        .leakage_uw = tail.leakage_uw,
    };
}

struct sram sram(const struct technology *t, const struct sram_cfg *cfg,
                 const struct activity *activity)
{
    assert(cfg->words >= 4 && cfg->word_bits >= 1);
    struct sram_cell cell = sram_cell(t);
    double words = cfg->words, bits = cfg->word_bits, v2 = t->supply_v * t->supply_v;
    double width_um = bits * t->sram_width_um, height_um = words * t->sram_height_um;
    double wire_pf = height_um * t->wire_pf_um;
    double word_pf = width_um * t->wire_pf_um + 2 * bits * cell.access_gate_pf;
    double bit_pf = wire_pf + words * cell.bit_line_pf;
    double bit_kohm = height_um * t->wire_m1_kohm_um;
    struct decoder_cfg lines = { .bits = (unsigned)ceil(log2(words)), .driver_ratio = 1,
                                 .load_pf = width_um * t->wire_pf_um,
                                 .load_kohm = width_um * t->wire_m0_kohm_um,
                                 .line_cells = bits, .height_um = height_um };
    /* The program lets decoder and precharge drive the wire alone. */
    struct circuit dec = decoder(t, &lines, activity);
    struct circuit pre = sram_precharge(t, cfg->word_bits, wire_pf, height_um * t->wire_m0_kohm_um,
                                        width_um);
    struct circuit write = sram_write_driver(t, cfg->word_bits, width_um);
    double elmore_ns = (cell.access_kohm + cell.pull_down_kohm) * bit_pf +
                       bit_pf * bit_kohm * (words + 1) / words / 2;
    double bit_ns = elmore_ns * log(t->supply_v / (t->supply_v - sense_v / 2));
    struct sram s = {
        .sense = circuit_times(sense_amplifier(t), bits),
        .flip_pj = bits * cell.flip_pf * v2,
        .cells_leakage_uw = words * bits * cell.leakage_uw,
    };

    s.macro = (struct circuit){
        .area_um2 = width_um * height_um + dec.area_um2 + pre.area_um2 + write.area_um2,
        .delay_ns = dec.delay_ns + pre.delay_ns + bit_ns,
        .energy_pj = dec.energy_pj + pre.energy_pj + word_pf * v2,
        .leakage_uw = dec.leakage_uw + pre.leakage_uw + write.leakage_uw,
    };
    s.write_pj = dec.energy_pj / activity->control + pre.energy_pj + write.energy_pj + word_pf * v2;
    circuit_at_width(&s.macro, width_um);
    return s;
}

struct sram sram_complete(struct sram s)
{
    s.macro.delay_ns += s.sense.delay_ns;
    s.macro.energy_pj += s.sense.energy_pj;
    s.macro.leakage_uw += s.sense.leakage_uw + s.cells_leakage_uw;
    s.write_pj += s.flip_pj / 2;
    s.sense = (struct circuit){ 0 };
    s.flip_pj = s.cells_leakage_uw = 0;
    return s;
}
