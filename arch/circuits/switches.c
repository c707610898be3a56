/* arch/circuits/switches.c -- see switches.h. */
#include "arch/circuits/switches.h"

#include <assert.h>
#include <math.h>

#include "arch/circuits/dff.h"

double pass_cell_um(const struct technology *t, double height_um)
{
    const double bulk_cell_f = 28;

    return fmax(height_um, t->cell_height_um) * t->cell_height_um / (bulk_cell_f * t->feature_um);
}

/* Two inverters. */
static struct gate repeater_half(const struct technology *t)
{
    double um = t->repeater_stacks * transistor_least_um(t);

    return gate_standard(t, GATE_INV, 1, (struct widths){ um, um });
}

double word_line_part_pf(const struct technology *t, double row_pf)
{
    return row_pf / t->word_line_parts + (t->word_line_parts > 1 ? repeater_half(t).in_pf : 0);
}

struct circuit word_line_repeaters(const struct technology *t, double row_pf, double row_kohm)
{
    double n = t->word_line_parts - 1, v = t->supply_v;
    double ns = 0;

    if (n == 0)
        return (struct circuit){ 0 };
    struct gate g = repeater_half(t);

    for (unsigned i = 1; i <= n; i++) {
        double part_pf = row_pf / (n + 1) + (i < n ? g.in_pf : 0);

        ns += log(2) * (g.down_kohm * (g.out_pf + g.in_pf) + g.up_kohm * (g.out_pf + part_pf) +
                        row_kohm / (n + 1) * part_pf / 2);
    }
    return (struct circuit){
        .area_um2 = n * 2 * gate_area_um2(&g),
        .width_um = n * 2 * g.width_um,
        .height_um = g.height_um,
        .delay_ns = ns,
        .energy_pj = n * 2 * (g.in_pf + g.out_pf) * v * v,
        .leakage_uw = n * t->repeater_uw,
    };
}

/* Three gates side by side with their flip-flop, in as few columns as the height allows. Gates grow
 * into the height that is left. */
struct circuit row_switch(const struct technology *t, const struct row_switch_cfg *cfg)
{
    struct widths w = gate_widths(t, t->row_switch_ratio, t->row_switch_ratio);
    struct circuit reg = dff(t, 1, 1, 1), c;
    double per_column = fmax(1, floor(cfg->height_um / t->cell_height_um + 1e-9));
    double columns = ceil(cfg->rows / per_column);
    double gate_height_um = cfg->height_um / ceil(cfg->rows / columns);
    struct gate g = gate_make(t, GATE_INV, 1, w, pass_cell_um(t, gate_height_um));
    /* both halves pass: the P transistor counted as an N, as in the program of the model */
    double kohm = 1 / (1 / transistor_n_pass_kohm(t, w.n_um) +
                       1 / transistor_n_pass_kohm(t, w.p_um));
    double own_pf = 2 * g.out_pf + 0.5 * g.in_pf;
    struct edge e = { 0, 0 };

    /* up to the first repeater, where there are any */
    double part_pf = word_line_part_pf(t, cfg->row_pf);

    edge_stage(&e, 1, kohm * (own_pf + part_pf) +
               cfg->row_kohm / t->word_line_parts * part_pf / 2);
    circuit_in_columns(&c, cfg->rows, reg.width_um, reg.height_um, cfg->height_um);
    double width_um = c.width_um + 4 * g.width_um * columns;
    double v = t->supply_v, s = cfg->select_v, r = cfg->read_v;
    double active_rows = cfg->rows * cfg->active;
    return (struct circuit){
        .area_um2 = width_um * cfg->height_um,
        .width_um = width_um,
        .height_um = cfg->height_um,
        .delay_ns = e.delay_ns,
        .energy_pj = active_rows * (2 * g.out_pf * s * s + 3 * g.out_pf * r * r +
                                    3 * g.in_pf * v * v) + cfg->rows * reg.energy_pj,
        .leakage_uw = cfg->rows * reg.leakage_uw,
    };
}

/* Transmission gates under the columns of an array: as many rows of them as the pitch asks for,
 * each gate folded into the width it has. *gate_h_um: height of one row. */
static double rows_height_um(const struct technology *t, double n, unsigned gates,
                             struct widths w, double width_um, double *gate_h_um)
{
    double cell_um = 2 * t->gate_pitch_um;
    double per_row = fmax(1, floor(width_um / (gates * cell_um) + 1e-9));
    double rows = ceil(n / per_row), gate_w_um;
    double room_um = width_um / ceil(n / rows) / gates;
    double folds = fmax(1, floor(room_um / t->gate_pitch_um + 1e-9) - 1);

    pass_gate_size(t, w, (unsigned)folds, &gate_w_um, gate_h_um);
    return rows * *gate_h_um;
}

struct circuit column_switch(const struct technology *t, unsigned columns, double cell_kohm,
                             double width_um)
{
    const double linear_region = 0.2; // a passing transistor conducts better than V / I_on
    struct widths w = pass_gate_widths(t, cell_kohm * t->column_switch_ratio / linear_region);
    struct circuit reg = dff(t, 1, 1, 1), c;
    double gate_h_um;

    circuit_in_rows(&c, columns, reg.width_um, reg.height_um, width_um);
    c.height_um += rows_height_um(t, columns, 2, w, width_um, &gate_h_um);
    return (struct circuit){
        .area_um2 = c.height_um * width_um,
        .width_um = width_um,
        .height_um = c.height_um,
        .leakage_uw = columns * reg.leakage_uw,
    };
}

/* Height in which a gate stands unfolded. */
static double unfolded_um(const struct technology *t, struct widths w)
{
    double width_um, height_um;

    pass_gate_size(t, w, 1, &width_um, &height_um);
    return 2 * height_um;
}

struct mux column_mux(const struct technology *t, const struct mux_cfg *cfg)
{
    assert(cfg->outputs >= 1 && cfg->columns >= cfg->outputs);
    const double ir_drop = 0.25, to_90_percent = 2.3;
    struct widths w = pass_gate_widths(t, cfg->column_kohm * ir_drop);
    double gate_h_um, height_um = rows_height_um(t, cfg->columns, 1, w, cfg->width_um, &gate_h_um);
    struct mux m = { .n_pf = transistor_gate_pf(t, w.n_um), .p_pf = transistor_gate_pf(t, w.p_um) };
    double room_um = t->transistor == TRANSISTOR_GAA ? t->cell_height_um : unfolded_um(t, w);
    double drain_pf = transistor_drain_pf(t, w, room_um);

    m.circuit = (struct circuit){
        .area_um2 = height_um * cfg->width_um,
        .width_um = cfg->width_um,
        .height_um = height_um,
        .delay_ns = to_90_percent * pass_gate_kohm(t, w) * (drain_pf + 0.5 * (m.n_pf + m.p_pf)),
        .energy_pj = cfg->outputs * (m.n_pf * t->supply_v * t->supply_v +
                                     2 * drain_pf * cfg->read_v * cfg->read_v),
    };
    return m;
}

/* Four inverters of I/O transistors, 2.5 times as high as standard cells; the latch and the output
 * are also 2.5 times as wide for their long gates (Lu et al. 2021, Fig. 8). */
struct circuit level_shifter(const struct technology *t, unsigned n, double wiring,
                             double write_v)
{
    const double io = 2.5, height_um = io * t->cell_height_um;
    struct gate low = gate_make(t, GATE_INV, 1, gate_widths(t, 15 * 2, 20 * 2), height_um);
    struct gate latch = gate_make(t, GATE_INV, 1, gate_widths(t, 32 * 2, 10 * 2), height_um);
    struct gate high = gate_make(t, GATE_INV, 1, gate_widths(t, 64 * 2, 82 * 2), height_um);
    double width_um = low.width_um + io * (2 * latch.width_um + high.width_um);
    double low_pf = low.in_pf + low.out_pf, latch_pf = io * latch.in_pf + latch.out_pf;
    double high_pf = io * high.in_pf + high.out_pf;
    struct edge e = { 0, 0 };

    edge_stage(&e, low.up_kohm, low.out_pf + io * latch.in_pf);
    edge_stage(&e, io * latch.down_kohm, latch_pf + io * high.in_pf); // drives its other half too
    edge_stage(&e, io * high.up_kohm, high.out_pf);
    return (struct circuit){
        .area_um2 = n * width_um * height_um * wiring,
        .width_um = n * width_um * wiring,
        .height_um = height_um,
        .delay_ns = e.delay_ns,
        .energy_pj = n * (low_pf * t->supply_v * t->supply_v +
                          (2 * latch_pf + high_pf) * write_v * write_v),
        .leakage_uw = n * (low.leakage_uw + 2 * latch.leakage_uw + high.leakage_uw),
    };
}
