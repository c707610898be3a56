/* study/relative_price.c -- see relative_price.h. */
#include "study/relative_price.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dataflow/plan/tokens.h"

bool relative_price_wanted(const struct config *c)
{
    return relative_is(c->energy.technology);
}

static struct relative_row row_of(const struct plan *p, uint32_t layer,
                                  const struct run_result *result)
{
    const struct plan_layer *pl = &p->layer[layer];
    struct relative_row row = { .layer = layer };

    for (uint32_t i = pl->first_core; i < pl->first_core + pl->n_core; i++)
        row.macs += result->core[i].qk_macs + result->core[i].pv_macs;
    row.macs /= result->n_image;
    row.lanes = (uint64_t)pl->n_core * p->config->attention.lanes;
    return row;
}

static enum err check(const struct study *s, struct err_msg *m)
{
    const struct config *c = &s->config;

    if (network_attention_macs(&s->network) == 0)
        return err_set(m, ERR_INPUT, "%.400s: energy.technology = %.40s: is of ratios between "
                       "multiply-adds of attention, of which network %s has none: want a name such "
                       "as 14nm_lp", config_where(c, "energy.technology"), c->energy.technology,
                       s->network.name);
    if (c->attention.bits == ATTENTION_FP32)
        return err_set(m, ERR_INPUT, "%.400s: attention.bits = fp32: energy.technology = %.40s has "
                       "ratios of integers to bfloat16: want attention.bits = 6",
                       config_where(c, "attention.bits"), c->energy.technology);
    return ERR_NONE;
}

/* That of integers, or where it is not stated. */
static enum err load_ratio(struct relative_price *r, const struct config *c, struct err_msg *m)
{
    static const uint32_t bits[] = { [ATTENTION_6] = 6, [ATTENTION_8] = 8, [ATTENTION_10] = 10 };
    struct err_msg lacks;

    r->bits = bits[c->attention.bits];
    enum err e = relative_load(&r->ratio, c->energy.technology, r->bits, &lacks);
    if (e)
        err_set(m, e, "%.400s: attention.bits = %" PRIu32 ": has no price: %.500s; or "
                "attention.bits = 6", config_where(c, "attention.bits"), r->bits, lacks.text);
    return e;
}

enum err relative_price(struct relative_price *r, const struct study *s,
                        const struct run_result *result, struct err_msg *m)
{
    const struct plan *p = &s->plan;

    *r = (struct relative_price){ .all.layer = p->n_layer };
    enum err e = check(s, m);
    if (!e)
        e = load_ratio(r, &s->config, m);
    if (e)
        return e;
    r->row = calloc(p->n_layer, sizeof *r->row);
    if (!r->row)
        return err_set(m, ERR_MEMORY, "no memory for the prices of %" PRIu32 " layers",
                       p->n_layer);
    for (uint32_t i = 0; i < p->n_layer; i++) {
        if (plan_network_layer(p, i)->kind != LAYER_ATTENTION)
            continue;
        const struct relative_row row = row_of(p, i, result);
        r->row[r->n_row++] = row;
        r->all.macs += row.macs;
        r->all.lanes += row.lanes;
    }
    return ERR_NONE;
}

void relative_price_release(struct relative_price *r)
{
    free(r->row);
    *r = (struct relative_price){ 0 };
}
