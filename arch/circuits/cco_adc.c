/* arch/circuits/cco_adc.c -- see cco_adc.h. */
#include "arch/circuits/cco_adc.h"

#include <assert.h>
#include <math.h>

#include "arch/circuits/dff.h"

struct circuit cco_adc(const struct technology *t, unsigned bits, double mean_code)
{
    assert(bits >= 1 && bits <= 16 && mean_code >= 0 && mean_code <= 1);
    const double stages = 5;
    struct gate inv = gate_standard(t, GATE_INV, 1, gate_enlarge(t, gate_widths(t, 1, 1)));
    struct circuit counter = dff(t, bits, 2, 1); // a binary count changes two bits in the mean
    double stage_ns = log(2) * inv.down_kohm * (inv.in_pf + inv.out_pf);
    double ring_pj = stages * (inv.in_pf + inv.out_pf) * t->supply_v * t->supply_v;
    double codes = ldexp(1, (int)bits);

    return (struct circuit){
        .area_um2 = stages * gate_area_um2(&inv) + counter.area_um2,
        .width_um = stages * inv.width_um + counter.width_um,
        .height_um = inv.height_um,
        .delay_ns = codes * 2 * stages * stage_ns,
        .energy_pj = mean_code * codes * (ring_pj + counter.energy_pj),
        .leakage_uw = stages * inv.leakage_uw + counter.leakage_uw,
    };
}
