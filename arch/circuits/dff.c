/* arch/circuits/dff.c -- see dff.h. */
#include "arch/circuits/dff.h"

static struct gate inverter(const struct technology *t)
{
    return gate_least(t, gate_widths(t, 1, 1));
}

double dff_in_pf(const struct technology *t)
{
    return inverter(t).out_pf; // the drains of its first transmission gate
}

struct circuit dff(const struct technology *t, double n, double n_switching, double activity)
{
    struct gate inv = inverter(t); // as large as the transmission gates
    double v = t->supply_v;
    double clock_pf = 4 * (inv.in_pf + inv.out_pf) + 2 * inv.in_pf;
    double data_pf = 6 * inv.out_pf + 2 * inv.in_pf;

    return (struct circuit){
        .area_um2 = n * 12 * gate_area_um2(&inv),
        .width_um = n * 12 * inv.width_um,
        .height_um = inv.height_um,
        .energy_pj = activity * v * v * (n * clock_pf + n_switching * data_pf),
        .leakage_uw = n * 8 * inv.leakage_uw,
    };
}
