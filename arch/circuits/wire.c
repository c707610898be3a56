/* arch/circuits/wire.c -- see wire.h. */
#include "arch/circuits/wire.h"

#include <assert.h>
#include <math.h>

static double repeater_kohm(const struct gate *g)
{
    return (g->down_kohm + g->up_kohm) / 2;
}

static double delay_per_um(const struct technology *t, double r, const struct gate *g, double d)
{
    double c = t->wire_pf_um;

    return 0.7 * (repeater_kohm(g) * (g->in_pf + g->out_pf + c * d) + 0.54 * r * d * c * d +
                  r * d * g->in_pf) / d;
}

static struct gate repeater(const struct technology *t, double size)
{
    return gate_standard(t, GATE_INV, 1, gate_widths(t, size, size));
}

struct repeated_wire repeated_wire(const struct technology *t, double tolerance, enum shrink how)
{
    struct gate least = repeater(t, 1);
    double r = t->wire_m0_kohm_um, c = t->wire_pf_um, v = t->supply_v;
    struct repeated_wire w = {
        .size = fmax(1, floor(sqrt(repeater_kohm(&least) * c / least.in_pf / r))),
        .spacing_um = sqrt(2 * repeater_kohm(&least) * (least.in_pf + least.out_pf) / (r * c)),
    };

    w.repeater = repeater(t, w.size);
    double best = delay_per_um(t, r, &w.repeater, w.spacing_um);
    if (tolerance > 0)
        while (w.size >= 1 &&
               delay_per_um(t, r, &w.repeater, w.spacing_um) < best * (1 + tolerance)) {
            w.size = how == SHRINK_HALVE ? floor(w.size / 2) : w.size - 1;
            w.spacing_um *= 0.9;
            w.repeater = repeater(t, fmax(1, w.size));
        }
    w.size = fmax(1, w.size);
    w.ns_per_um = delay_per_um(t, r, &w.repeater, w.spacing_um);
    w.pj_per_bit_um = 0.5 * v * v * (w.repeater.in_pf + w.repeater.out_pf + c * w.spacing_um) /
                      w.spacing_um;
    w.leakage_uw_per_um = w.repeater.leakage_uw / w.spacing_um;
    return w;
}

double repeated_wire_ns(const struct technology *t, const struct repeated_wire *w,
                        double length_um)
{
    const double wide_f = 1e4, wider_f = 1e5;
    double r = length_um >= wider_f * t->feature_um  ? t->wire_x4_kohm_um
               : length_um >= wide_f * t->feature_um ? t->wire_x2_kohm_um
                                                     : t->wire_m0_kohm_um;

    return length_um * delay_per_um(t, r, &w->repeater, w->spacing_um);
}

struct circuit bus(const struct technology *t, const struct repeated_wire *w,
                   const struct bus_cfg *cfg)
{
    double width_um = cfg->bits * w->repeater.width_um / cfg->folding;

    return (struct circuit){
        .area_um2 = width_um * cfg->length_um,
        .width_um = width_um,
        .height_um = cfg->length_um,
        .delay_ns = repeated_wire_ns(t, w, cfg->length_um),
        .energy_pj = w->pj_per_bit_um * cfg->length_um * cfg->bits * cfg->toggle,
        .leakage_uw = w->leakage_uw_per_um * cfg->length_um * cfg->bits,
    };
}

struct circuit h_tree(const struct technology *t, const struct repeated_wire *w, unsigned n,
                      double leaf_width_um, double leaf_height_um, unsigned bits, double toggle)
{
    assert(n >= 1);
    double levels = ceil(log2(n)), side = exp2(levels), path_um = 0, total_um = 0;
    double step = side / 2; // in leaves; halves at every level

    for (unsigned i = 0; i < levels; i++, step /= 2) {
        path_um += step / 2 * (leaf_width_um + leaf_height_um);
        /* at each of 4^i nodes two arms across, and from the ends of each two along */
        total_um += step / 2 * (2 * leaf_width_um + 4 * leaf_height_um) * exp2(2 * i);
    }
    struct bus_cfg one = { bits, path_um + side / 2 * leaf_width_um, toggle, 1 };
    struct circuit c = bus(t, w, &one);
    double length_um = total_um + side / 2 * leaf_width_um;
    c.area_um2 = bits * w->repeater.width_um * length_um;
    c.height_um = c.area_um2 / c.width_um;
    c.leakage_uw = w->leakage_uw_per_um * length_um * bits;
    return c;
}
