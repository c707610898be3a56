/* arch/circuits/flash_adc.c -- see flash_adc.h. */
#include "arch/circuits/flash_adc.h"

#include <assert.h>
#include <math.h>

static const double vsa_ns = 1;

static double reference_ohm(const struct flash_adc_cfg *cfg, unsigned i)
{
    double first_ohm = cfg->on_kohm * 1e3 / cfg->rows_at_once;

    return first_ohm / (1 - (double)i / cfg->levels);
}

static double amplifier_in_pf(const struct technology *t)
{
    return gate_least(t, gate_widths(t, 1, 0)).in_pf;
}

/* The slower of the two extreme references. */
static double delay_ns(const struct technology *t, const struct flash_adc_cfg *cfg)
{
    unsigned last = cfg->levels - 2, second = cfg->levels > 2 ? 1 : 0;
    double pf = cfg->column_pf + (last > 0 ? last - 1 : 0) * amplifier_in_pf(t);

    if (cfg->sense == SENSE_VOLTAGE)
        return vsa_ns;
    return fmax(csa_delay_ns(t, reference_ohm(cfg, last), pf),
                csa_delay_ns(t, reference_ohm(cfg, second), pf));
}

/* What one amplifier switches in a conversion: column, input and mirror, latch, encoder input. */
static double switching_pj(const struct technology *t, const struct flash_adc_cfg *cfg)
{
    struct gate n = gate_least(t, gate_widths(t, 1, 0)), p = gate_least(t, gate_widths(t, 0, 1));
    double gn = n.in_pf, gp = p.in_pf, jn = n.out_pf, jp = p.out_pf;
    double mirror = cfg->sense == SENSE_CURRENT ? jn + gn : jn;
    double l = cfg->levels, v2 = t->supply_v * t->supply_v, r2 = t->read_v * t->read_v;
    /* Each amplifier has its share of the reference column; one alone also charges the column,
     * which many share with the read. */
    double column_pf = cfg->column_pf * (l == 2 ? 1.5 : 1 / l);

    return cfg->reference_pj / l + (column_pf + 2 * gn + mirror * (1 / (l - 1) + 1 / l)) * r2 +
           (2 * gp + gn + 3 * gp + 3 * gn + 3 * (jp + jn) + jp + gp + gn) * v2;
}

/* Static, of all amplifiers of one column and their share of the reference columns. */
static double static_uw(const struct technology *t, const struct flash_adc_cfg *cfg)
{
    double l = cfg->levels, uw = 0;

    if (cfg->sense == SENSE_VOLTAGE)
        return 0;
    for (unsigned i = 1; i + 2 < cfg->levels; i++)
        uw += csa_power_uw(t, cfg->levels - 1, reference_ohm(cfg, i)) / l;
    return fmax(0, uw + csa_power_uw(t, cfg->levels - 1, cfg->column_kohm * 1e3));
}

static struct circuit amplifiers(const struct technology *t, const struct flash_adc_cfg *cfg)
{
    struct gate n = gate_standard(t, GATE_INV, 1, gate_widths(t, 1, 0));
    double amps = (cfg->levels - 1.0) * cfg->converters;
    double ns = delay_ns(t, cfg);
    struct circuit c = {
        .area_um2 = amps * (9 * gate_area_um2(&n) + cfg->reference_um2 / cfg->levels),
        .delay_ns = ns,
        .energy_pj = cfg->columns * ((cfg->levels - 1) * switching_pj(t, cfg) +
                                     static_uw(t, cfg) * ns * 1e-3), // uW ns = fJ
    };

    circuit_at_width(&c, cfg->width_um);
    return c;
}

/* Per amplifier an INV and a NAND2 find the edge of the thermometer code; per bit a NAND of L / 2
 * inputs collects it. Its energy is small against the amplifiers' and left out, as in the program
 * of the model. */
static struct circuit encoder(const struct technology *t, const struct flash_adc_cfg *cfg)
{
    unsigned inputs = cfg->levels / 2;
    double bits = ceil(log2(cfg->levels)), amps = cfg->levels - 1;
    struct gate inv = gate_least(t, gate_widths(t, 1, 1));
    struct gate nand = gate_standard(t, GATE_NAND, 2, gate_widths(t, 4, 2));
    struct gate wide = gate_standard(t, GATE_NAND, inputs, gate_widths(t, 4, 2));

    if (t->transistor == TRANSISTOR_GAA) { // one stack pulls down
        struct gate one = gate_standard(t, GATE_NAND, 2, gate_widths(t, 1, 1));

        nand.width_um = one.width_um;
        nand.down_kohm = one.down_kohm;
        nand.out_pf = one.out_pf;
        nand.in_pf = one.in_pf;
        wide.in_pf = t->encoder_load_pf;
    }
    double unit_um = inv.width_um + nand.width_um + wide.width_um;
    double unit_um2 = amps * (gate_area_um2(&inv) + gate_area_um2(&nand)) +
                      bits * gate_area_um2(&wide);
    double per_row = fmin(cfg->converters, ceil(cfg->width_um / unit_um));
    struct edge e = { 0, 0 };
    struct circuit c;

    edge_stage(&e, inv.down_kohm, inv.out_pf + 2 * nand.in_pf);
    edge_stage(&e, 2 * nand.down_kohm, nand.out_pf + inputs * wide.in_pf);
    c = (struct circuit){
        .width_um = fmax(cfg->width_um, unit_um),
        .height_um = unit_um2 / unit_um * ceil(cfg->converters / per_row),
        .delay_ns = e.delay_ns,
        .leakage_uw = cfg->converters * (amps * (nand.leakage_uw + 5 * inv.leakage_uw) +
                                         bits * wide.leakage_uw),
    };
    c.area_um2 = c.width_um * c.height_um;
    return c;
}

enum err flash_adc(const struct technology *t, const struct flash_adc_cfg *cfg,
                   struct flash_adc *adc, struct err_msg *m)
{
    assert(cfg->levels >= 2 && cfg->converters >= 1);
    if (cfg->sense == SENSE_CURRENT && t->n_csa == 0)
        return err_set(m, ERR_INPUT, "%s: csa is missing: a current-mode flash converter has no "
                       "cost at this node", t->name);
    *adc = (struct flash_adc){ amplifiers(t, cfg), encoder(t, cfg) };
    return ERR_NONE;
}
