/* arch/event/core.c -- see core.h. */
#include "arch/event/core.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

#define NS_KHZ UINT64_C(1000000) // a cycle of 1 kHz, in ns

const struct counter event_counter_rows[] = {
#define ROW(...) COUNTER_ROW(struct event_counts, __VA_ARGS__)
    EVENT_COUNTERS(ROW) COUNTER_END
};

uint64_t event_edge_ns(uint32_t khz, uint64_t k)
{
    assert(khz >= 1 && khz <= EVENT_MOST_KHZ);
    return k / khz * NS_KHZ + ceil_div(k % khz * NS_KHZ, khz);
}

/* ceil(k 10^6 / f) >= t where k 10^6 / f > t - 1. */
uint64_t event_edge_from(uint32_t khz, uint64_t t_ns)
{
    assert(khz >= 1 && khz <= EVENT_MOST_KHZ);
    if (t_ns == 0)
        return 0;
    t_ns--;
    return t_ns / NS_KHZ * khz + t_ns % NS_KHZ * khz / NS_KHZ + 1;
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

/* Spikes of a position, whose neurons begin at `at`. */
static void hand_on(struct event_core *c, uint32_t at, uint64_t now_ns)
{
    uint32_t n = 0;

    for (uint32_t o = 0; o < c->channels; o++)
        n += c->fired[at + o] > 0;
    c->counts.spikes += n;
    for (uint32_t i = 0; i < c->n_out && n > 0; i++) {
        assert(chan_can_push(c->out[i])); // a row takes longer than a push
        struct event_spikes *s = chan_push(c->out[i], now_ns + c->timing->hop_ns);
        s->n = 0;
        for (uint32_t o = 0; o < c->channels; o++)
            if (c->fired[at + o] > 0)
                s->source[s->n++] = event_core_output(c, at + o);
    }
}

/* The neurons take the row that was read. */
static void act(struct event_core *c, uint64_t now_ns)
{
    const uint32_t at = c->acting_row.position * c->channels;
    const struct neuron_step step = {
        .n = c->channels, .current = c->weight + (size_t)c->acting_row.row * c->channels,
        .v = c->v + at, .spikes = c->fired + at,
    };

    c->neuron.kind->step(&c->neuron, &step);
    for (uint32_t o = at; o < at + c->channels; o++)
        c->n_fired[o] += c->fired[o] > 0;
    c->counts.rows++;
    c->counts.rows_in_time += now_ns <= c->end_ns;
    c->counts.synapses += c->channels;
    c->last_ns = now_ns;
    c->acting = false;
    hand_on(c, at, now_ns);
}

/* ---- requests ---- */

static uint32_t rows_of(const struct event_layer *l, uint32_t source)
{
    return l->visit ? l->begin[source + 1] - l->begin[source] : 1;
}

static void raise_request(struct event_core *c, uint32_t source, uint64_t now_ns)
{
    assert(source < c->layer->sources);
    c->counts.arrived++;
    if (rows_of(c->layer, source) == 0) {
        c->counts.unseen++;
        return;
    }
    c->counts.merged += c->up[source];
    c->since_ns[source] = c->up[source] ? c->since_ns[source] : now_ns;
    c->n_up += !c->up[source];
    c->up[source] = 1;
}

static void take_spikes(struct event_core *c, uint64_t now_ns)
{
    for (uint32_t i = 0; i < c->n_in; i++) {
        if (!chan_can_pop(c->in[i], now_ns))
            continue;
        const struct event_spikes *s = chan_pop(c->in[i], now_ns);
        for (uint32_t k = 0; k < s->n; k++)
            raise_request(c, s->source[k], now_ns);
    }
}

/* The next row of the source that is served. */
static void begin_row(struct event_core *c, uint64_t now_ns)
{
    const struct event_layer *l = c->layer;

    c->row = l->visit ? l->visit[c->at] : (struct event_visit){ c->at, 0 };
    c->at++;
    c->serving = true;
    c->served_ns = end_of_service(c->timing, now_ns);
    c->counts.busy_ns += c->served_ns - now_ns;
}

static void choose(struct event_core *c, uint64_t now_ns)
{
    const struct event_layer *l = c->layer;
    uint32_t source = c->timing->arbiter->choose(c->up, l->sources, c->last);
    uint64_t wait_ns = now_ns - c->since_ns[source];

    c->last = source;
    c->up[source] = 0;
    c->n_up--;
    c->counts.requests++;
    c->counts.wait_ns += wait_ns;
    c->longest_wait_ns = max_u64(c->longest_wait_ns, wait_ns);
    c->at = l->visit ? l->begin[source] : source;
    c->at_end = l->visit ? l->begin[source + 1] : source + 1;
    begin_row(c, now_ns);
}

/* ---- the block ---- */

static void finish(struct event_core *c, uint64_t now_ns)
{
    if (c->acting && now_ns >= c->act_ns)
        act(c, now_ns);
    if (!c->serving || now_ns < c->served_ns)
        return;
    assert(!c->acting); // the neurons' clock is no slower than service
    c->acting = true;
    c->acting_row = c->row;
    c->act_ns = next_act(c->timing, now_ns);
    c->counts.late_ns += c->act_ns - now_ns;
    c->serving = false;
    if (c->at < c->at_end)
        begin_row(c, now_ns);
    if (c->act_ns == now_ns)
        act(c, now_ns);
}

static uint64_t step(struct block *b, uint64_t now_ns)
{
    struct event_core *c = (struct event_core *)b;
    uint64_t next = CYC_NEVER;

    finish(c, now_ns);
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

/* The neurons of some channels; arrays stay the layer's. */
static struct neuron part_of(const struct neuron *all, uint32_t first, uint32_t n)
{
    struct neuron part = *all;

    part.n = n;
    part.beta += first;
    part.theta += first;
    part.m += first;
    part.b += first;
    part.reset_to = all->reset_to ? all->reset_to + first : NULL;
    return part;
}

static void place_weights(struct event_core *c)
{
    const struct event_layer *l = c->layer;

    for (size_t o = 0; o < c->channels; o++)
        for (size_t i = 0; i < l->rows; i++)
            c->weight[i * c->channels + o] = l->weight[(c->first + o) * l->rows + i] *
                                             c->neuron.m[o];
}

void event_core_begin(struct event_core *c, uint64_t end_ns)
{
    memset(c->v, 0, c->outputs * sizeof *c->v);
    memset(c->fired, 0, c->outputs * sizeof *c->fired);
    memset(c->n_fired, 0, c->outputs * sizeof *c->n_fired);
    memset(c->up, 0, c->layer->sources * sizeof *c->up);
    c->counts = (struct event_counts){ 0 };
    c->longest_wait_ns = c->last_ns = 0;
    c->serving = c->acting = false;
    c->n_up = 0;
    c->last = c->layer->sources - 1;
    c->end_ns = end_ns;
}

bool event_core_init(struct event_core *c, const char *path, const struct event_layer *layer,
                     uint32_t core, const struct event_timing *timing)
{
    const uint32_t cores = max_u32(layer->cores, 1),
                   first = share_begin(layer->channels, cores, core);

    *c = (struct event_core){ .block = { .ops = &ops, .path = path }, .timing = timing,
                              .layer = layer, .first = first,
                              .channels = share_begin(layer->channels, cores, core + 1) - first };
    c->outputs = layer->outputs / layer->channels * c->channels;
    c->neuron = part_of(layer->neuron, c->first, c->channels);
    c->weight = calloc((size_t)layer->rows * c->channels, sizeof *c->weight);
    c->v = calloc(c->outputs, sizeof *c->v);
    c->fired = calloc(c->outputs, sizeof *c->fired);
    c->n_fired = calloc(c->outputs, sizeof *c->n_fired);
    c->up = calloc(layer->sources, sizeof *c->up);
    c->since_ns = calloc(layer->sources, sizeof *c->since_ns);
    if (!c->weight || !c->v || !c->fired || !c->n_fired || !c->up || !c->since_ns) {
        event_core_release(c);
        return false;
    }
    place_weights(c);
    return true;
}
