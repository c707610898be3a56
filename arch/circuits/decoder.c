/* arch/circuits/decoder.c -- see decoder.h. */
#include "arch/circuits/decoder.h"

#include <assert.h>
#include <math.h>

struct parts {
    struct gate inv, nand, nor, driver;
    double      n_inv, n_nand, n_nor; // n_nor 0: the NAND2 are the lines
    double      tracks;               // wires between NAND2 and NOR
};

static struct parts parts_of(const struct technology *t, const struct decoder_cfg *cfg)
{
    unsigned k = cfg->bits, inputs = (k + 1) / 2;
    double pairs = k / 2;
    struct parts p = {
        .inv = gate_standard(t, GATE_INV, 1, gate_enlarge(t, gate_widths(t, 1, 1))),
        .nand = gate_standard(t, GATE_NAND, 2, gate_enlarge(t, gate_widths(t, 2, 1))),
        .nor = gate_standard(t, GATE_NOR, inputs, gate_enlarge(t, gate_widths(t, 1, inputs))),
        .driver = gate_standard(t, GATE_INV, 1,
                                gate_widths(t, 2 * cfg->driver_ratio, 2 * cfg->driver_ratio)),
        .n_inv = k,
        .n_nand = 4 * pairs,
        .n_nor = k > 2 ? ldexp(1, (int)k) : 0,
    };

    if (p.n_nor > 0)
        p.tracks = p.n_nand + (k % 2) * 2;
    else
        p.nor.in_pf = p.nor.out_pf = 0;
    return p;
}

static double columns(double n, double h_um, double height_um)
{
    double per_column = fmin(n, floor(height_um / h_um + 1e-9));

    return per_column > 0 ? ceil(n / per_column) : 0;
}

/* In columns of a given height the inverters find room beside the other gates. */
static void lay_out(const struct technology *t, const struct decoder_cfg *cfg,
                    const struct parts *p, struct circuit *c)
{
    double nor_columns = 1, nand_columns = 1, inv_columns = 1;

    if (cfg->height_um > 0) {
        nor_columns = columns(p->n_nor, p->nor.height_um, cfg->height_um);
        nand_columns = columns(p->n_nand, p->nand.height_um, cfg->height_um);
        inv_columns = 0;
        c->height_um = cfg->height_um;
    } else {
        c->height_um = fmax(2, fmax(p->n_nor, p->n_nand)) * t->cell_height_um;
    }
    c->width_um = inv_columns * p->inv.width_um + nand_columns * p->nand.width_um +
                  p->tracks * t->track_pitch_um + nor_columns * p->nor.width_um +
                  nor_columns * (2 * p->driver.width_um + (cfg->mux ? p->nand.width_um : 0));
    c->area_um2 = c->width_um * c->height_um;
}

static double delay_ns(const struct decoder_cfg *cfg, const struct parts *p)
{
    struct edge e = { 0, 0 };

    edge_stage(&e, p->inv.down_kohm,
               p->inv.out_pf + (p->n_nand > 0 ? 2 * p->nand.in_pf : cfg->load_pf));
    if (p->n_nand > 0)
        edge_stage(&e, 2 * p->nand.down_kohm, p->nand.out_pf +
                   (p->n_nor > 0 ? p->nor.in_pf * p->n_nor / 4 : cfg->load_pf));
    if (p->n_nor > 0)
        edge_stage(&e, 2 * p->nor.up_kohm,
                   p->nor.out_pf + (cfg->mux ? p->nand.in_pf : p->inv.in_pf));
    if (cfg->mux) {
        edge_stage(&e, p->nand.down_kohm, p->nand.out_pf + p->inv.in_pf);
        edge_stage(&e, p->driver.up_kohm, p->driver.out_pf + p->driver.in_pf + cfg->load_pf);
        edge_stage(&e, p->driver.down_kohm, p->driver.out_pf + cfg->load_p_pf);
        return e.delay_ns;
    }
    edge_stage(&e, p->driver.down_kohm, p->driver.out_pf + p->driver.in_pf);
    double line_kohm = cfg->load_kohm * (1 + 1 / cfg->line_cells) / 2;
    /* R C of the driver, and of the line behind it: its own capacitance half way along */
    edge_stage(&e, 1, p->driver.up_kohm * (p->driver.out_pf + cfg->load_pf) +
               line_kohm * cfg->load_pf);
    return e.delay_ns;
}

/* One line of 2^k rises: one NAND2 of every four, one NOR, the drivers. */
static double switched_pf(const struct decoder_cfg *cfg, const struct parts *p)
{
    unsigned k = cfg->bits;
    double pf = (k / 2) * 2 * (p->inv.in_pf + 2 * p->nand.in_pf) +
                (k % 2) * (p->inv.in_pf + p->nor.in_pf * p->n_nor / 2) +
                p->n_nand / 4 * (p->nand.out_pf + p->nor.in_pf * p->n_nor / 4);

    if (!cfg->mux)
        return pf + p->nor.out_pf + p->inv.in_pf + 2 * (p->driver.in_pf + p->driver.out_pf);
    return pf + p->nor.out_pf + p->nand.in_pf + p->nand.out_pf + 2 * p->driver.in_pf +
           2 * p->driver.out_pf;
}

struct circuit decoder(const struct technology *t, const struct decoder_cfg *cfg,
                       const struct activity *activity)
{
    assert(cfg->bits >= 1 && cfg->bits <= 20 && (cfg->mux || cfg->line_cells > 0));
    struct parts p = parts_of(t, cfg);
    struct circuit c = {
        .delay_ns = delay_ns(cfg, &p),
        .energy_pj = activity->control * switched_pf(cfg, &p) * t->supply_v * t->supply_v,
        .leakage_uw = p.n_inv * p.inv.leakage_uw + p.n_nand * p.nand.leakage_uw +
                      p.n_nor * p.nor.leakage_uw,
    };

    c.leakage_uw += cfg->mux ? p.n_nor * (p.nand.leakage_uw + 2 * p.inv.leakage_uw)
                             : p.n_nor * 2 * p.driver.leakage_uw;
    lay_out(t, cfg, &p, &c);
    return c;
}
