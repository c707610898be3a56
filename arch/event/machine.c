/* arch/event/machine.c -- see machine.h. */
#include "arch/event/machine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct event_machine {
    struct event_timing  timing;
    uint32_t             n;
    struct event_core   *core;  // owned; [n]
    struct chan         *chan;  // owned; [n]: in front of each core
    struct block       **block; // owned; [n]
    struct chan        **link;  // owned; [n]
    char               (*name)[16]; // owned; [n]
    bool                 has_run;
};

enum { INPUT_DEPTH = 256, MOST_HOPS = 1024 };

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the event cores");
}

/* ---- what cores can be made of ---- */

/* The least time between two rows: edges are up to 1 ns late. */
static uint64_t least_service(const struct event_timing *t)
{
    return t->service_ns > 0 ? t->service_ns : event_edge_ns(t->arbiter_khz, t->service_cycles) - 1;
}

static enum err check_timing(const struct event_timing *t, struct err_msg *m)
{
    uint64_t service_ns = t->service_ns;

    if (t->hop_ns == 0)
        return err_set(m, ERR_INPUT, "core.event.hop_ns = 0: a spike is at the next core later: "
                       "want at least 1");
    if (service_ns == 0 && (t->service_cycles == 0 || t->arbiter_khz == 0 ||
                            t->arbiter_khz > EVENT_MOST_KHZ))
        return err_set(m, ERR_INPUT, "core.event.service_ns = 0: want the time of a row, or "
                       "core.event.service_cycles and core.event.arbiter_clock_khz, at most %d",
                       EVENT_MOST_KHZ);
    if (t->neuron_khz > EVENT_MOST_KHZ)
        return err_set(m, ERR_INPUT, "core.event.neuron_clock_khz = %" PRIu32 ": want at most %d",
                       t->neuron_khz, EVENT_MOST_KHZ);
    service_ns = least_service(t);
    if (t->hop_ns / service_ns > MOST_HOPS)
        return err_set(m, ERR_INPUT, "core.event.hop_ns = %" PRIu64 ": want at most %" PRIu64
                       ", %d rows", t->hop_ns, service_ns * MOST_HOPS, MOST_HOPS);
    if (t->neuron_khz > 0 && event_edge_ns(t->neuron_khz, 1) > service_ns)
        return err_set(m, ERR_INPUT, "core.event.neuron_clock_khz = %" PRIu32 ": neurons act once "
                       "a cycle, and a row comes every %" PRIu64 " ns: want a faster clock",
                       t->neuron_khz, service_ns);
    return ERR_NONE;
}

static enum err check_neurons(const struct event_layer *l, uint32_t i, struct err_msg *m)
{
    bool leaks = l->neuron->synapse.alpha || l->neuron->delay;

    for (uint32_t o = 0; o < l->outputs; o++)
        leaks |= l->neuron->beta[o] != NEURON_NO_LEAK;
    if (leaks)
        return err_set(m, ERR_INPUT, "layer %" PRIu32 ": its neurons leak, or wait, in every step, "
                       "and an event core has none: want neuron.kind = if", i);
    for (uint32_t o = 0; o < l->outputs; o++)
        if (l->neuron->b[o] != 0)
            return err_set(m, ERR_INPUT, "layer %" PRIu32 ": output %" PRIu32 " has a bias, which "
                           "is added in every step, and an event core has none: want no biases",
                           i, o);
    return ERR_NONE;
}

static enum err check(const struct event_layer *layer, uint32_t n, const struct event_timing *t,
                      struct err_msg *m)
{
    enum err e = check_timing(t, m);

    for (uint32_t i = 0; !e && i < n; i++) {
        e = check_neurons(&layer[i], i, m);
        if (!e && i > 0 && layer[i].sources != layer[i - 1].outputs)
            e = err_set(m, ERR_INPUT, "layer %" PRIu32 ": has %" PRIu32 " sources: want %" PRIu32
                        ", the outputs of the one before", i, layer[i].sources,
                        layer[i - 1].outputs);
    }
    return e;
}

/* ---- made ---- */

void event_machine_free(struct event_machine *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; m->core && m->chan && i < m->n; i++) {
        event_core_release(&m->core[i]);
        chan_release(&m->chan[i]);
    }
    free(m->core);
    free(m->chan);
    free(m->block);
    free(m->link);
    free(m->name);
    free(m);
}

static bool make_core(struct event_machine *m, const struct event_layer *layer, uint32_t i)
{
    struct event_core *c = &m->core[i];
    uint32_t depth = (uint32_t)(m->timing.hop_ns / least_service(&m->timing)) + 2; // on their way

    snprintf(m->name[i], sizeof m->name[i], "core%" PRIu32, i);
    if (!event_core_init(c, m->name[i], &layer[i], &m->timing))
        return false;
    m->block[i] = &c->block;
    m->link[i] = &m->chan[i];
    c->in = &m->chan[i];
    if (i > 0)
        m->core[i - 1].out = c->in;
    return i == 0 || chan_init(c->in, m->name[i], &m->core[i - 1].block, &c->block, depth,
                               event_spikes_bytes(layer[i].sources));
}

enum err event_machine_new(struct event_machine **machine, const struct event_layer *layer,
                           uint32_t n, const struct event_timing *timing, struct err_msg *m)
{
    enum err e = check(layer, n, timing, m);

    *machine = NULL;
    if (e)
        return e;
    struct event_machine *new = calloc(1, sizeof *new);
    if (!new)
        return no_memory(m);
    new->timing = *timing;
    new->n = n;
    new->core = calloc(n, sizeof *new->core);
    new->chan = calloc(n, sizeof *new->chan);
    new->block = calloc(n, sizeof *new->block);
    new->link = calloc(n, sizeof *new->link);
    new->name = calloc(n, sizeof *new->name);
    bool done = new->core && new->chan && new->block && new->link && new->name;
    for (uint32_t i = 0; done && i < n; i++)
        done = make_core(new, layer, i);
    if (done) {
        *machine = new;
        return ERR_NONE;
    }
    event_machine_free(new);
    return no_memory(m);
}

const struct event_core *event_machine_core(const struct event_machine *m, uint32_t i)
{
    return &m->core[i];
}

/* ---- run ---- */

static enum err check_events(const struct event_machine *machine, const struct event *event,
                             size_t n, struct err_msg *m)
{
    for (size_t i = 0; i < n; i++) {
        if (event[i].source >= machine->core[0].sources)
            return err_set(m, ERR_INPUT, "event %zu: of source %" PRIu32 ": want 0 to %" PRIu32, i,
                           event[i].source, machine->core[0].sources - 1);
        if (i > 0 && event[i].t_ns < event[i - 1].t_ns)
            return err_set(m, ERR_INPUT, "event %zu: at %" PRIu64 " ns, %" PRIu64 " ns before the "
                           "one in front of it: want events in order of time", i, event[i].t_ns,
                           event[i - 1].t_ns - event[i].t_ns);
    }
    return ERR_NONE;
}

/* Events from `first` on that come at the time of the first. */
static uint32_t batch_of(const struct event *event, size_t n, size_t first)
{
    uint32_t size = 1;

    while (first + size < n && event[first + size].t_ns == event[first].t_ns)
        size++;
    return size;
}

static uint32_t largest_batch(const struct event *event, size_t n)
{
    uint32_t most = 1;

    for (size_t i = 0, size; i < n; i += size) {
        size = batch_of(event, n, i);
        most = size > most ? (uint32_t)size : most;
    }
    return most;
}

/* All events that come until then; each run ends where as many as the channel holds have come. */
static void run_events(struct kernel *k, struct chan *in, struct event_spikes *s,
                       const struct event *event, size_t n, uint64_t until_ns)
{
    for (size_t i = 0; i < n && event[i].t_ns <= until_ns;) {
        s->n = batch_of(event, n, i);
        for (uint32_t j = 0; j < s->n; j++)
            s->source[j] = event[i + j].source;
        if (kernel_inject(k, in, event[i].t_ns, s))
            i += s->n;
        else
            kernel_run(k, event[i].t_ns - 1);
    }
    kernel_run(k, until_ns);
}

enum err event_machine_run(struct event_machine *machine, enum kernel_kind kind,
                           enum kernel_mode mode, const struct event *event, size_t n,
                           uint64_t until_ns, struct err_msg *m)
{
    const struct design d = { machine->block, machine->n, machine->link, machine->n };
    struct chan *in = &machine->chan[0];
    enum err e = check_events(machine, event, n, m);

    assert(!machine->has_run);
    if (e)
        return e;
    machine->has_run = true;
    size_t bytes = event_spikes_bytes(largest_batch(event, n));
    struct event_spikes *s = malloc(bytes);
    bool done = s && chan_init(in, "events", NULL, &machine->core[0].block, INPUT_DEPTH, bytes);
    struct kernel *k = done ? kernel_new(kind, &d, mode) : NULL;
    if (k)
        run_events(k, in, s, event, n, until_ns);
    kernel_free(k);
    free(s);
    return k ? ERR_NONE : no_memory(m);
}
