/* arch/circuits/shift_add.c -- see shift_add.h. */
#include "arch/circuits/shift_add.h"

#include <assert.h>
#include <math.h>

#include "arch/circuits/adder.h"
#include "arch/circuits/dff.h"

struct circuit shift_add(const struct technology *t, const struct shift_add_cfg *cfg,
                         const struct activity *activity)
{
    double n_dff = (double)cfg->units * (cfg->bits + cfg->growth_bits);
    struct circuit add = circuit_times(adder(t, cfg->bits, dff_in_pf(t), activity), cfg->units);
    struct circuit one = dff(t, 1, 1, activity->dff), reg = circuit_times(one, n_dff);

    circuit_at_width(&add, cfg->width_um);
    circuit_in_rows(&reg, n_dff, one.width_um, one.height_um, cfg->width_um);
    double select_um = t->cell_height_um; // a row of gates
    double height_um = add.height_um + reg.height_um + select_um;
    return (struct circuit){
        .area_um2 = height_um * cfg->width_um,
        .width_um = cfg->width_um,
        .height_um = height_um,
        .delay_ns = add.delay_ns,
        .energy_pj = add.energy_pj + reg.energy_pj,
        .leakage_uw = add.leakage_uw + reg.leakage_uw,
    };
}

struct circuit accumulator(const struct technology *t, const struct shift_add_cfg *cfg,
                           const struct activity *activity)
{
    unsigned sum_bits = cfg->bits + cfg->growth_bits;
    double n_dff = (double)cfg->units * sum_bits;
    double switching = cfg->units * (cfg->bits + floor(cfg->growth_bits / 2.0));

    assert(sum_bits >= 2);
    struct circuit add = circuit_times(adder(t, sum_bits - 1, dff_in_pf(t), activity), cfg->units);
    struct circuit one = dff(t, 1, 1, activity->dff);
    struct circuit reg = dff(t, n_dff, switching, activity->dff);

    circuit_at_width(&add, cfg->width_um);
    circuit_in_rows(&reg, n_dff, one.width_um, one.height_um, cfg->width_um);
    return (struct circuit){
        .area_um2 = add.area_um2 + reg.area_um2,
        .width_um = cfg->width_um,
        .height_um = add.height_um + reg.height_um,
        .delay_ns = add.delay_ns,
        .energy_pj = add.energy_pj + reg.energy_pj,
        .leakage_uw = add.leakage_uw + reg.leakage_uw,
    };
}
