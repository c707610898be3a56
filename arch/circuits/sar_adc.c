/* arch/circuits/sar_adc.c -- see sar_adc.h. */
#include "arch/circuits/sar_adc.h"

#include <assert.h>

struct circuit sar_adc(const struct technology *t, unsigned bits, double column_kohm)
{
    assert(bits >= 1 && column_kohm > 0);
    struct gate n = gate_standard(t, GATE_INV, 1, gate_widths(t, 1, 0));
    struct gate p = gate_standard(t, GATE_INV, 1, gate_widths(t, 0, 1));
    double more = bits - 1, clock_ns = 1;
    double uw = sar_power_uw(t, bits, column_kohm);
    struct circuit c = {
        .area_um2 = gate_area_um2(&n) * (269 + 109 * more) + gate_area_um2(&p) * (209 + 73 * more),
        .delay_ns = (bits + 1) * clock_ns,
        .height_um = t->cell_height_um,
    };

    c.energy_pj = uw * c.delay_ns * 1e-3; // uW ns = fJ
    c.width_um = c.area_um2 / c.height_um;
    return c;
}
