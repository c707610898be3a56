/* arch/event/core.c -- see core.h. */
#include "arch/event/core.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/util.h"

#define NS_KHZ UINT64_C(1000000) // a cycle of 1 kHz, in ns

uint64_t event_edge_ns(uint32_t khz, uint64_t k)
{
    assert(khz >= 1 && khz <= EVENT_MOST_KHZ && k < UINT64_MAX / NS_KHZ - khz);
    return ceil_div(k * NS_KHZ, khz);
}

/* ceil(k 10^6 / f) >= t where k 10^6 / f > t - 1. */
uint64_t event_edge_from(uint32_t khz, uint64_t t_ns)
{
    assert(khz >= 1 && khz <= EVENT_MOST_KHZ && t_ns < UINT64_MAX / EVENT_MOST_KHZ);
    return t_ns == 0 ? 0 : (t_ns - 1) * khz / NS_KHZ + 1;
}

/* ---- a row ---- */

static uint64_t end_of_service(const struct event_timing *t, uint64_t now_ns)
{
    if (t->service_ns > 0)
        return now_ns + t->service_ns;
    return event_edge_ns(t->arbiter_khz, event_edge_from(t->arbiter_khz, now_ns) +
                                             t->service_cycles);
}

/* The first time from now on at which the arbiter can choose. */
static uint64_t next_choice(const struct event_timing *t, uint64_t now_ns)
{
    return t->service_ns > 0 ? now_ns
                             : event_edge_ns(t->arbiter_khz,
                                             event_edge_from(t->arbiter_khz, now_ns));
}

static uint64_t next_act(const struct event_timing *t, uint64_t now_ns)
{
    return t->neuron_khz == 0 ? now_ns
                              : event_edge_ns(t->neuron_khz,
                                              event_edge_from(t->neuron_khz, now_ns));
}

static void hand_on(struct event_core *c, uint64_t now_ns)
{
    uint32_t n = 0;

    for (uint32_t o = 0; o < c->outputs; o++)
        n += c->fired[o] > 0;
    c->counts.spikes += n;
    if (n == 0 || !c->out)
        return;
    assert(chan_can_push(c->out)); // a row takes longer than a push
    struct event_spikes *s = chan_push(c->out, now_ns + c->timing->hop_ns);
    s->n = 0;
    for (uint32_t o = 0; o < c->outputs; o++)
        if (c->fired[o] > 0)
            s->source[s->n++] = o;
}

/* The neurons take the row that was read. */
static void act(struct event_core *c, uint64_t now_ns)
{
    const struct neuron_step step = {
        .n = c->outputs, .current = c->weight + (size_t)c->acting_row * c->outputs,
        .v = c->v, .spikes = c->fired,
    };

    c->neuron->kind->step(c->neuron, &step);
    for (uint32_t o = 0; o < c->outputs; o++)
        c->n_fired[o] += c->fired[o] > 0;
    c->counts.rows++;
    c->counts.synapses += c->outputs;
    c->counts.last_ns = now_ns;
    c->acting = false;
    hand_on(c, now_ns);
}

/* ---- requests ---- */

static void take_spikes(struct event_core *c, uint64_t now_ns)
{
    const struct event_spikes *s = chan_pop(c->in, now_ns);

    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t k = s->source[i];
        assert(k < c->sources);
        c->counts.arrived++;
        c->counts.merged += c->up[k];
        c->since_ns[k] = c->up[k] ? c->since_ns[k] : now_ns;
        c->n_up += !c->up[k];
        c->up[k] = 1;
    }
}

static void choose(struct event_core *c, uint64_t now_ns)
{
    c->row = c->last = c->timing->arbiter->choose(c->up, c->sources, c->last);
    c->up[c->row] = 0;
    c->n_up--;
    uint64_t wait_ns = now_ns - c->since_ns[c->row];
    c->counts.wait_ns += wait_ns;
    c->counts.longest_wait_ns = max_u64(c->counts.longest_wait_ns, wait_ns);
    c->serving = true;
    c->served_ns = end_of_service(c->timing, now_ns);
}

/* ---- the block ---- */

static void finish(struct event_core *c, uint64_t now_ns)
{
    if (c->acting && now_ns >= c->act_ns)
        act(c, now_ns);
    if (!c->serving || now_ns < c->served_ns)
        return;
    assert(!c->acting); // the neurons' clock is no slower than service
    c->serving = false;
    c->acting = true;
    c->acting_row = c->row;
    c->act_ns = next_act(c->timing, now_ns);
    if (c->act_ns == now_ns)
        act(c, now_ns);
}

static uint64_t step(struct block *b, uint64_t now_ns)
{
    struct event_core *c = (struct event_core *)b;
    uint64_t next = CYC_NEVER;

    finish(c, now_ns);
    if (chan_can_pop(c->in, now_ns))
        take_spikes(c, now_ns);
    if (!c->serving && c->n_up > 0 && next_choice(c->timing, now_ns) == now_ns)
        choose(c, now_ns);
    if (c->acting)
        next = c->act_ns;
    if (c->serving)
        next = min_u64(next, c->served_ns);
    else if (c->n_up > 0)
        next = min_u64(next, next_choice(c->timing, now_ns));
    return next;
}

static void describe(const struct block *b, FILE *out)
{
    const struct event_core *c = (const struct event_core *)b;

    fprintf(out, "%s: %" PRIu32 " requests are up\n", b->path, c->n_up);
}

static const struct block_ops ops = { "event_core", step, describe };

void event_core_release(struct event_core *c)
{
    free(c->weight);
    free(c->v);
    free(c->fired);
    free(c->n_fired);
    free(c->up);
    free(c->since_ns);
    *c = (struct event_core){ 0 };
}

bool event_core_init(struct event_core *c, const char *path, const struct event_layer *layer,
                     const struct event_timing *timing)
{
    size_t sources = layer->sources, outputs = layer->outputs;

    *c = (struct event_core){ .block = { &ops, path, NULL }, .timing = timing,
                              .neuron = layer->neuron, .sources = layer->sources,
                              .outputs = layer->outputs, .last = layer->sources - 1 };
    c->weight = calloc(sources * outputs, sizeof *c->weight);
    c->v = calloc(outputs, sizeof *c->v);
    c->fired = calloc(outputs, sizeof *c->fired);
    c->n_fired = calloc(outputs, sizeof *c->n_fired);
    c->up = calloc(sources, sizeof *c->up);
    c->since_ns = calloc(sources, sizeof *c->since_ns);
    if (!c->weight || !c->v || !c->fired || !c->n_fired || !c->up || !c->since_ns) {
        event_core_release(c);
        return false;
    }
    for (size_t o = 0; o < outputs; o++)
        for (size_t i = 0; i < sources; i++)
            c->weight[i * outputs + o] = layer->weight[o * sources + i] * layer->neuron->m[o];
    return true;
}
