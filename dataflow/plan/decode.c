/* dataflow/plan/decode.c -- see decode.h. */
#include "dataflow/plan/decode.h"

#include <stdlib.h>

#include "core/util.h"
#include "dataflow/plan/tokens.h"

/* Timesteps that a core of the layer takes for a token. */
static uint64_t lasts(const struct plan *p, uint32_t layer, uint64_t keys)
{
    const struct layer *l = plan_network_layer(p, layer);

    if (!layer_is_of_tokens(l))
        return 1;
    const struct token_share share = { l->token->heads / p->layer[layer].splits,
                                       l->out.channels / p->layer[layer].splits };
    const struct token_work work =
        token_kind_of(l)->work(l, &share, l->kind == LAYER_ATTENTION ? keys : 1);
    return max_u64(1, ceil_div(tokens_clocks(p, layer, &work), p->timestep_clk));
}

/* Elapsed timesteps until layers have delivered, done[layer of the network]. */
static uint64_t walk(const struct plan *p, uint64_t keys, uint64_t *done)
{
    for (uint32_t i = 0; i < p->n_layer; i++) {
        const struct layer *l = plan_network_layer(p, i);
        uint64_t begin = 0;
        for (uint32_t k = 0; k < l->n_input; k++)
            if (l->input[k] > 0) // else it comes
                begin = max_u64(begin, done[l->input[k]] - 1 + p->hops[i].pixels);
        uint64_t sum = begin + (uint64_t)plan_sum_latency(p, i);
        if (l->has_residual && l->residual > 0)
            sum = max_u64(sum, done[l->residual] - 1 + p->hops[i].residual);
        done[i + 1] = sum + lasts(p, i, keys);
    }
    return done[p->n_layer];
}

uint64_t decode_way(const struct plan *p, uint64_t keys)
{
    uint64_t *done = calloc(p->network->n_layer, sizeof *done);
    uint64_t way = done ? walk(p, keys, done) : UINT64_MAX;

    free(done);
    return way;
}

uint64_t decode_timesteps(const struct plan *p, uint64_t keys)
{
    const struct decode_cfg *c = &p->config->decode;
    uint64_t most = 1, way = decode_way(p, keys);

    if (way == UINT64_MAX)
        return way;
    for (uint32_t i = 0; i < p->n_layer; i++)
        most = max_u64(most, lasts(p, i, keys));
    return max_u64(way + ceil_div(c->sample_ns, p->config->timestep_ns), c->streams * most);
}

struct decoding decode_of(const struct plan *p)
{
    const struct decode_cfg *c = &p->config->decode;
    struct decoding d = { 0 };

    for (uint32_t t = 1; t <= c->tokens; t++) {
        d.last_token = decode_timesteps(p, (uint64_t)c->prompt + t);
        d.all += d.last_token;
    }
    if (d.last_token > 0)
        d.tokens_per_s = 1e9 * c->streams / ((double)d.last_token * (double)p->config->timestep_ns);
    return d;
}
