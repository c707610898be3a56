/* arch/event/machine.c -- see machine.h. */
#include "arch/event/machine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/util.h"

/* Channels lead from every core of a layer to every one of the next; the first ones, of the cores
 * of layer 0, come from outside. */
struct event_machine {
    struct event_timing  timing;
    uint32_t             n, n_chan; // cores
    struct event_core   *core;  // owned; [n]
    struct chan         *chan;  // owned; [n_chan]: those into a core beside one another
    struct block       **block; // owned; [n]
    struct chan        **link;  // owned; [n_chan], as chan[]
    struct chan        **out;   // owned; [n_chan]: those out of a core beside one another
    char               (*name)[32]; // owned; [n]
};

enum { INPUT_DEPTH = 256, MOST_HOPS = 1024 };

static uint32_t cores_of(const struct event_layer *l)
{
    return max_u32(l->cores, 1);
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the event cores");
}

/* ---- what cores can be made of ---- */

/* The least time between two rows: that between two edges, rounded down. */
static uint64_t least_service(const struct event_timing *t)
{
    return t->service_ns > 0 ? t->service_ns
                             : t->service_cycles * UINT64_C(1000000) / t->arbiter_khz;
}

enum err event_timing_check(const struct event_timing *t, struct err_msg *m)
{
    uint64_t service_ns = t->service_ns;

    if (t->hop_ns == 0)
        return err_set(m, ERR_INPUT, "core.event.hop_ns = 0: a spike is at the next core later: "
                       "want at least 1");
    if (service_ns == 0 && (t->service_cycles == 0 || t->arbiter_khz == 0 ||
                            t->arbiter_khz > EVENT_MOST_KHZ))
        return err_set(m, ERR_INPUT, "core.event.service_cycles = %" PRIu32 ": of "
                       "core.event.arbiter_clock_khz = %" PRIu32 ": want cycles of a clock of 1 to "
                       "%d kHz, or core.event.service_ns alone", t->service_cycles, t->arbiter_khz,
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

static enum err refuse(const struct event_layer *l, const char *what, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "layer %.100s: %s", l->name, what);
}

enum err event_neurons_check(const struct event_layer *l, struct err_msg *m)
{
    const struct neuron *n = l->neuron;
    bool leaks = n->synapse.alpha || n->delay || n->reset == NEURON_DELAYED;

    for (uint32_t o = 0; o < l->channels; o++)
        leaks |= n->beta[o] != NEURON_NO_LEAK;
    if (leaks)
        return refuse(l, "its neurons leak, or wait, in every step, and an event core has none: "
                      "want neuron.kind = if, and neuron.reset = subtract or zero", m);
    if (n->kind->delivers_current || n->mr)
        return refuse(l, "hands currents on, or adds them, and only spikes come to an event core: "
                      "want neurons in each layer, and no residuals", m);
    if (n->most > 1)
        return refuse(l, "its neurons may fire several times at once, and a request is up or not: "
                      "want neuron.most = 1", m);
    for (uint32_t o = 0; o < l->channels; o++)
        if (n->b[o] != 0)
            return err_set(m, ERR_INPUT, "layer %.100s: output %" PRIu32 " has a bias, which "
                           "is added in every step, and an event core has none: want no biases",
                           l->name, o);
    return ERR_NONE;
}

static enum err check(const struct event_layer *layer, uint32_t n, const struct event_timing *t,
                      struct err_msg *m)
{
    enum err e = event_timing_check(t, m);

    for (uint32_t i = 0; !e && i < n; i++) {
        e = event_neurons_check(&layer[i], m);
        if (!e && i > 0 && layer[i].sources != layer[i - 1].outputs)
            e = err_set(m, ERR_INPUT, "layer %.100s: has %" PRIu32 " sources: want %" PRIu32
                        ", the outputs of the one before", layer[i].name, layer[i].sources,
                        layer[i - 1].outputs);
    }
    return e;
}

/* ---- made ---- */

void event_machine_free(struct event_machine *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; m->core && i < m->n; i++)
        event_core_release(&m->core[i]);
    for (uint32_t i = 0; m->chan && i < m->n_chan; i++)
        chan_release(&m->chan[i]);
    free(m->core);
    free(m->chan);
    free(m->block);
    free(m->link);
    free(m->out);
    free(m->name);
    free(m);
}

static bool allocate(struct event_machine *m, const struct event_layer *layer, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        m->n += cores_of(&layer[i]);
        m->n_chan += cores_of(&layer[i]) * (i > 0 ? cores_of(&layer[i - 1]) : 1);
    }
    m->core = calloc(m->n, sizeof *m->core);
    m->chan = calloc(m->n_chan, sizeof *m->chan);
    m->block = calloc(m->n, sizeof *m->block);
    m->link = calloc(m->n_chan, sizeof *m->link);
    m->out = calloc(m->n_chan, sizeof *m->out);
    m->name = calloc(m->n, sizeof *m->name);
    return m->core && m->chan && m->block && m->link && m->out && m->name;
}

static bool make_core(struct event_machine *m, const struct event_layer *layer, uint32_t core,
                      uint32_t index)
{
    snprintf(m->name[index], sizeof m->name[index], "core%" PRIu32, index);
    m->block[index] = &m->core[index].block;
    return event_core_init(&m->core[index], m->name[index], layer, core, &m->timing);
}

/* Who reads and who writes the channels between `from` cores, of which the first is from[0], and
 * `to`; NULL: outside. */
static void join(struct event_machine *m, struct event_core *from, uint32_t n_from,
                 struct event_core *to, uint32_t n_to, uint32_t first)
{
    for (uint32_t k = 0; k < n_to; k++) {
        to[k].in = &m->link[first + k * n_from];
        to[k].n_in = n_from;
        for (uint32_t i = 0; i < n_from; i++) {
            to[k].in[i] = &m->chan[first + k * n_from + i];
            if (!from)
                continue;
            from[i].out = &m->out[first + i * n_to];
            from[i].n_out = n_to;
            from[i].out[k] = to[k].in[i];
        }
    }
}

static bool make_machine(struct event_machine *m, const struct event_layer *layer, uint32_t n)
{
    uint32_t core = 0, chan = 0, n_before = 1;

    if (!allocate(m, layer, n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t here = cores_of(&layer[i]);
        for (uint32_t k = 0; k < here; k++)
            if (!make_core(m, &layer[i], k, core + k))
                return false;
        join(m, i > 0 ? &m->core[core - n_before] : NULL, n_before, &m->core[core], here, chan);
        chan += n_before * here;
        core += here;
        n_before = here;
    }
    return true;
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
    if (make_machine(new, layer, n)) {
        *machine = new;
        return ERR_NONE;
    }
    event_machine_free(new);
    return no_memory(m);
}

uint32_t event_machine_cores(const struct event_machine *m)
{
    return m->n;
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
        if (event[i].source >= machine->core[0].layer->sources)
            return err_set(m, ERR_INPUT, "event %zu: of source %" PRIu32 ": want 0 to %" PRIu32, i,
                           event[i].source, machine->core[0].layer->sources - 1);
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

/* The cores of layer 0, which all see what comes from outside. */
static uint32_t first_cores(const struct event_machine *m)
{
    return cores_of(m->core[0].layer);
}

/* The core that channel c leads to: those into a core are beside one another. */
static struct block *reader_of(const struct event_machine *m, const struct chan *c)
{
    uint32_t i = 0;

    while (c < m->core[i].in[0] || c > m->core[i].in[m->core[i].n_in - 1])
        i++;
    return m->block[i];
}

/* Empty channels, those from outside with room for batches of so many bytes. */
static bool open_channels(struct event_machine *m, size_t batch_bytes)
{
    const uint32_t depth = (uint32_t)(m->timing.hop_ns / least_service(&m->timing)) + 2;
    bool done = true;

    for (uint32_t i = 0; i < m->n_chan; i++)
        chan_release(&m->chan[i]);
    for (uint32_t i = 0; i < first_cores(m); i++)
        done &= chan_init(&m->chan[i], "events", NULL, m->block[i], INPUT_DEPTH, batch_bytes);
    for (uint32_t i = 0; i < m->n; i++)
        for (uint32_t k = 0; k < m->core[i].n_out; k++) {
            struct chan *c = m->core[i].out[k];
            done &= chan_init(c, m->name[i], m->block[i], reader_of(m, c), depth,
                              event_spikes_bytes(m->core[i].channels));
        }
    return done;
}

/* All events that come until then; each run ends where as many as the channels hold have come:
 * all are as full, since what came is taken at once. */
static void run_events(struct event_machine *m, struct kernel *k, struct event_spikes *s,
                       const struct event *event, size_t n, uint64_t until_ns)
{
    for (size_t i = 0; i < n && event[i].t_ns <= until_ns;) {
        s->n = batch_of(event, n, i);
        for (uint32_t j = 0; j < s->n; j++)
            s->source[j] = event[i + j].source;
        if (!kernel_inject(k, &m->chan[0], event[i].t_ns, s)) {
            kernel_run(k, event[i].t_ns - 1);
            continue;
        }
        for (uint32_t c = 1; c < first_cores(m); c++)
            if (!kernel_inject(k, &m->chan[c], event[i].t_ns, s))
                assert(!"a channel that is fuller than its neighbour");
        i += s->n;
    }
    kernel_run(k, until_ns);
}

enum err event_machine_run(struct event_machine *machine, const struct event_run *run,
                           struct err_msg *m)
{
    const struct design d = { machine->block, machine->n, machine->link, machine->n_chan };
    enum err e = check_events(machine, run->event, run->n, m);

    if (e)
        return e;
    for (uint32_t i = 0; i < machine->n; i++)
        event_core_begin(&machine->core[i], run->end_ns);
    size_t bytes = event_spikes_bytes(largest_batch(run->event, run->n));
    struct event_spikes *s = malloc(bytes);
    bool done = s && open_channels(machine, bytes);
    struct kernel *k = done ? kernel_new(run->kind, &d, run->mode) : NULL;
    if (k)
        run_events(machine, k, s, run->event, run->n, run->until_ns);
    kernel_free(k);
    free(s);
    return k ? ERR_NONE : no_memory(m);
}
