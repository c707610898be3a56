/* arch/circuits/adder.c -- see adder.h. */
#include "arch/circuits/adder.h"

#include <assert.h>

static double delay_ns(const struct gate *g, unsigned bits, double load_pf)
{
    double fall_kohm = 2 * g->down_kohm, rise_kohm = g->up_kohm;
    struct edge first = { 0, 0 }, e;

    edge_stage(&first, fall_kohm, g->out_pf + 3 * g->in_pf);
    edge_stage(&first, rise_kohm, g->out_pf + 2 * g->in_pf);
    e = first;
    edge_stage(&e, fall_kohm, g->out_pf + 3 * g->in_pf);
    edge_stage(&e, rise_kohm, g->out_pf + 2 * g->in_pf);
    double carry_ns = e.delay_ns - first.delay_ns;
    e.delay_ns = first.delay_ns + (bits > 2 ? (bits - 2) * carry_ns : 0);
    edge_stage(&e, fall_kohm, g->out_pf + 3 * g->in_pf);
    edge_stage(&e, rise_kohm, g->out_pf + g->in_pf);
    edge_stage(&e, fall_kohm, g->out_pf + load_pf);
    return e.delay_ns;
}

/* Inputs and outputs of the NAND2 that charge in the first bit and in every further one. */
static double switched_pf(const struct gate *g, unsigned bits)
{
    double first_pf = 14 * g->in_pf + 7 * g->out_pf;
    double next_pf = 13 * g->in_pf + 7 * g->out_pf;

    return first_pf + (bits - 1) * next_pf;
}

/* Of stacked sheets the two of a cell are shared out 2 to 1: N transistors of 4/3 of a stack, P of
 * 2/3. */
static struct gate adder_gate(const struct technology *t)
{
    if (t->transistor != TRANSISTOR_GAA)
        return gate_standard(t, GATE_NAND, 2, gate_enlarge(t, gate_widths(t, 2, 1)));
    struct gate g = gate_standard(t, GATE_NAND, 2, gate_widths(t, 1, 1));

    g.down_kohm /= 4. / 3;
    g.up_kohm /= 2. / 3;
    return g;
}

struct circuit adder(const struct technology *t, unsigned bits, double load_pf,
                     const struct activity *activity)
{
    assert(bits >= 1);
    struct gate nand = adder_gate(t);
    double gates = 9.0 * bits, v = t->supply_v;

    return (struct circuit){
        .area_um2 = gates * gate_area_um2(&nand),
        .width_um = gates * nand.width_um,
        .height_um = nand.height_um,
        .delay_ns = delay_ns(&nand, bits, load_pf),
        .energy_pj = activity->adder * switched_pf(&nand, bits) * v * v,
        .leakage_uw = gates * nand.leakage_uw,
    };
}

struct circuit adder_tree(const struct technology *t, unsigned n, unsigned bits, double load_pf,
                          const struct activity *activity)
{
    assert(n >= 2);
    struct circuit tree = { .delay_ns = adder(t, bits, load_pf, activity).delay_ns };
    double stage_ns = adder(t, 2, load_pf, activity).delay_ns;

    for (unsigned left = n; left > 1; left -= left / 2, bits++) {
        struct circuit stage = circuit_times(adder(t, bits, load_pf, activity), left / 2);

        tree.area_um2 += stage.area_um2;
        tree.width_um += stage.width_um;
        tree.height_um = stage.height_um;
        tree.energy_pj += stage.energy_pj;
        tree.leakage_uw += stage.leakage_uw;
        if (left != n)
            tree.delay_ns += stage_ns;
    }
    return tree;
}
