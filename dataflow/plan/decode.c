/* dataflow/plan/decode.c -- see decode.h. */
#include "dataflow/plan/decode.h"

#include <inttypes.h>
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

/* ---- token by token ---- */

#define NO_COLUMN UINT32_MAX

struct way { // of the token at hand through the layers; arrays by layer of the network
    const struct plan  *plan;
    struct firing_run **run;    // owned, as each; by layer of the plan, [copies]: latest firings
    int64_t            *stored; // owned; timestep in which the layer has stored it,
    int64_t            *done;   // owned; and in which it delivers
    uint32_t           *column; // owned; of its output, or NO_COLUMN: it does not see the token
};

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void way_release(struct way *w)
{
    for (uint32_t i = 0; w->run && i < w->plan->n_layer; i++)
        free(w->run[i]);
    free(w->run);
    free(w->stored);
    free(w->done);
    free(w->column);
}

static bool way_init(struct way *w, const struct plan *p)
{
    const size_t n = p->network->n_layer;

    *w = (struct way){ .plan = p, .run = calloc(n, sizeof *w->run),
                       .stored = calloc(n, sizeof *w->stored), .done = calloc(n, sizeof *w->done),
                       .column = calloc(n, sizeof *w->column) };
    bool there = w->run && w->stored && w->done && w->column;
    for (uint32_t i = 0; there && i < p->n_layer; i++) {
        w->run[i] = calloc(p->layer[i].copies, sizeof *w->run[i]);
        there = w->run[i] != NULL;
    }
    return there;
}

/* Timestep in which what is added can be at the layer's summing core. */
static int64_t residual_comes(const struct way *w, uint32_t layer)
{
    const struct plan_layer *pl = &w->plan->layer[layer];
    const uint32_t from = w->plan->layer[pl->residual_from].layer;
    const int64_t *there = pl->residual == RESIDUAL_DIRECT ? w->done : w->stored;

    return there[from] + w->plan->hops[layer].residual;
}

static void pass_layer(struct way *w, uint32_t layer, uint32_t row)
{
    const struct plan *p = w->plan;
    const struct layer *l = plan_network_layer(p, layer);
    const uint32_t own = p->layer[layer].layer, column = w->column[l->input[0]];

    w->column[own] = NO_COLUMN;
    if (column == NO_COLUMN || column < l->window.skip[1])
        return;
    int64_t stored = INT64_MIN;
    for (uint32_t k = 0; k < l->n_input; k++)
        stored = later(stored, w->done[l->input[k]] +
                                   (l->input[k] > 0 ? p->hops[layer].pixels : 0));
    const struct pixel at = { 0, row, column - l->window.skip[1] };
    const struct firing_shape shape = plan_firing_shape(p, layer);
    struct firing_run *run = &w->run[layer][plan_owner(p, layer, at.column)];
    firing_run_add(run, p->layer[layer].firing, &shape, &at, stored);
    run->longer = (int64_t)plan_lasts(p, layer, row, at.column) - 1;
    int64_t sum = run->timestep + plan_sum_latency(p, layer);
    if (p->layer[layer].residual != RESIDUAL_NONE) {
        firing_run_sum(run, later(sum, residual_comes(w, layer)), false);
        sum = run->summed;
    }
    w->column[own] = at.column;
    w->stored[own] = stored;
    w->done[own] = sum + run->longer;
}

/* Timestep of the answer to a token that comes in one. */
static int64_t answer(struct way *w, uint32_t row, uint32_t column, int64_t comes)
{
    w->done[0] = comes;
    w->column[0] = column;
    for (uint32_t i = 0; i < w->plan->n_layer; i++)
        pass_layer(w, i, row);
    return w->done[w->plan->n_layer];
}

/* Returns when the last answer has left. */
static int64_t pace(struct way *w, int64_t *comes)
{
    const struct plan *p = w->plan;
    const struct shape *in = &p->network->layer[0].out;
    const int64_t sample = (int64_t)ceil_div(p->config->decode.sample_ns, p->config->timestep_ns);
    int64_t *next = comes, last = 0;

    for (uint32_t column = 0; column < in->width; column++)
        for (uint32_t row = 0; row < in->height; row++, next++) {
            if (column < p->network->decoded_from) // else it was set with the answer before it
                *next = 0;
            last = answer(w, row, column, *next) + 1;
            if (column + 1 < in->width)
                next[in->height] = last + sample;
        }
    return last;
}

/* The same from the beginning; -1 without memory. */
static int64_t pace_all(const struct plan *p, int64_t *comes)
{
    struct way w;
    const int64_t last = way_init(&w, p) ? pace(&w, comes) : -1;

    way_release(&w);
    return last;
}

static enum err no_memory(const struct plan *p, struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the times of %" PRIu32 " tokens",
                   p->network->layer[0].out.width);
}

enum err decode_pace(struct plan *p, struct err_msg *m)
{
    const struct shape *in = &p->network->layer[0].out;

    p->comes = calloc((size_t)in->height * in->width, sizeof *p->comes);
    const int64_t last = p->comes ? pace_all(p, p->comes) : -1;
    if (last < 0)
        return no_memory(p, m);
    p->interval = max_u64(p->interval, (uint64_t)last);
    return ERR_NONE;
}

enum err decode_check(const struct plan *p, struct err_msg *m)
{
    const int64_t last = pace_all(p, p->comes); // which are what they were

    if (last < 0)
        return no_memory(p, m);
    if (p->time.first_result == (uint64_t)last)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "tokens that are decoded: outputs do not fire in their order: "
                   "want mapping.firing = column, without mapping.replicas and mapping.copies");
}
