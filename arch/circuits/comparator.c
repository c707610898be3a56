/* arch/circuits/comparator.c -- see comparator.h. */
#include "arch/circuits/comparator.h"

#include <assert.h>
#include <math.h>

#include "arch/circuits/dff.h"

static struct gate enlarged(const struct technology *t, enum gate_kind kind, unsigned inputs,
                            double n_factor)
{
    return gate_standard(t, kind, inputs, gate_enlarge(t, gate_widths(t, n_factor, 1)));
}

static double delay_ns(const struct gate *nand2, const struct gate *nand3, unsigned bits,
                       double load_pf)
{
    struct edge e = { 0, 0 };

    for (unsigned i = 0; i < bits; i++) {
        edge_stage(&e, 2 * nand2->down_kohm, nand2->out_pf + nand3->in_pf);
        edge_stage(&e, nand3->up_kohm, nand3->out_pf + (i + 1 < bits ? nand2->in_pf : load_pf));
    }
    return e.delay_ns;
}

struct circuit comparator(const struct technology *t, unsigned bits,
                          const struct activity *activity)
{
    struct gate inv = enlarged(t, GATE_INV, 1, 1), nand2 = enlarged(t, GATE_NAND, 2, 2);
    struct gate nand3 = enlarged(t, GATE_NAND, 3, 3);
    double pf = 4 * (inv.in_pf + inv.out_pf) + 4 * (nand2.in_pf + nand2.out_pf) +
                3 * (nand3.in_pf + nand3.out_pf);
    double width_um = 4 * inv.width_um + 4 * nand2.width_um + 3 * nand3.width_um;

    return (struct circuit){
        .area_um2 = bits * width_um * inv.height_um,
        .width_um = bits * width_um,
        .height_um = inv.height_um,
        .delay_ns = delay_ns(&nand2, &nand3, bits, 2 * inv.out_pf),
        .energy_pj = activity->control * bits * pf * t->supply_v * t->supply_v,
        .leakage_uw = bits * (4 * inv.leakage_uw + 4 * nand2.leakage_uw + 3 * nand3.leakage_uw),
    };
}

struct circuit max_pool(const struct technology *t, unsigned bits, unsigned window,
                        const struct activity *activity)
{
    assert(bits >= 2 && window >= 2);
    struct gate inv = enlarged(t, GATE_INV, 1, 1), nand = enlarged(t, GATE_NAND, 2, 2);
    struct gate nor = enlarged(t, GATE_NOR, 2, 4), all = enlarged(t, GATE_NOR, bits, bits * 2.0);
    struct circuit bit = comparator(t, 1, activity);
    double v2 = t->supply_v * t->supply_v, n = window - 1;
    double select_pf = nand.in_pf + inv.out_pf + nor.in_pf + inv.out_pf +
                       2 * (inv.in_pf + inv.out_pf) + all.in_pf + inv.out_pf;
    double width_um = bits * (bit.width_um + 5 * inv.width_um) + 7 * inv.width_um +
                      nand.width_um + nor.width_um + all.width_um;

    return (struct circuit){
        .area_um2 = n * width_um * inv.height_um,
        .width_um = n * width_um,
        .height_um = inv.height_um,
        .delay_ns = ceil(log2(window)) * bits / 2.0 * bit.delay_ns,
        .energy_pj = n * (activity->control * select_pf * v2 + bits / 2.0 * bit.energy_pj),
        .leakage_uw = n * (bits * (bit.leakage_uw + 5 * inv.leakage_uw) + 7 * inv.leakage_uw +
                           nand.leakage_uw + nor.leakage_uw + all.leakage_uw),
    };
}

struct circuit relu(const struct technology *t, unsigned bits, unsigned units)
{
    double n = (double)bits * units;

    return dff(t, n, n, 1);
}
