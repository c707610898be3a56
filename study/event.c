/* study/event.c -- see event.h. */
#include "study/event.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "network/spiking/coding.h"

#define NS_PER_US 1000u

struct event_study {
    const struct plan    *plan;
    enum kernel_kind      kernel;
    enum kernel_mode      mode;
    struct event_layers   layers;
    struct event_timing   timing;
    struct event_machine *machine; // owned
    uint32_t             *core;    // owned; plan core of each of the machine's
    struct event         *event;   // owned
    size_t                n, room;
    int32_t              *step;    // owned; what is presented in one
    int64_t              *result;  // owned; [outputs of the last layer]
};

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the event cores");
}

/* ---- results ---- */

bool event_result_init(struct event_result *r, const struct plan *p)
{
    *r = (struct event_result){ .n_core = p->n_core, .n_layer = p->n_layer,
                                .core = calloc(p->n_core, sizeof *r->core) };
    for (uint32_t i = 0; r->core && i < p->n_core; i++)
        r->core[i].holds = p->core[i].rows > 0;
    return r->core != NULL;
}

void event_result_release(struct event_result *r)
{
    free(r->core);
    *r = (struct event_result){ 0 };
}

void event_result_add(struct event_result *a, const struct event_result *b)
{
    for (uint32_t i = 0; i < a->n_core; i++) {
        struct event_core_result *c = &a->core[i];
        counter_add(event_counter_rows, &c->counts, &b->core[i].counts);
        c->longest_wait_ns = max_u64(c->longest_wait_ns, b->core[i].longest_wait_ns);
        c->last_ns = max_u64(c->last_ns, b->core[i].last_ns);
    }
    a->events += b->events;
    a->recorded_ns += b->recorded_ns;
    a->active_ns += b->active_ns;
    a->longest_ns = max_u64(a->longest_ns, b->longest_ns);
    a->elapsed_ns += b->elapsed_ns;
}

uint64_t event_recording_ns(const struct plan *p)
{
    const struct presentation *present = &p->network->present;

    return (uint64_t)presentation_steps(present) * present->bin_us * NS_PER_US;
}

/* ---- machines ---- */

void event_study_free(struct event_study *s)
{
    if (!s)
        return;
    event_machine_free(s->machine);
    event_layers_release(&s->layers);
    free(s->core);
    free(s->event);
    free(s->step);
    free(s->result);
    free(s);
}

static bool make_room(struct event_study *s)
{
    const struct event_layer *last = &s->layers.layer[s->layers.n - 1];
    uint32_t n = 0;

    s->core = calloc(event_machine_cores(s->machine), sizeof *s->core);
    s->step = calloc(s->layers.layer[0].sources, sizeof *s->step);
    s->result = calloc(last->outputs, sizeof *s->result);
    for (uint32_t i = 0; s->core && i < s->layers.n; i++)
        for (uint32_t k = 0; k < s->layers.layer[i].cores; k++)
            s->core[n++] = plan_core_of(s->plan, s->layers.plan_layer[i], 0, k, 0);
    return s->core && s->step && s->result;
}

enum err event_study_new(struct event_study **out, const struct plan *p, enum kernel_kind kernel,
                         enum kernel_mode mode, struct err_msg *m)
{
    struct event_study *s = calloc(1, sizeof *s);

    *out = NULL;
    if (!s)
        return no_memory(m);
    s->plan = p;
    s->kernel = kernel;
    s->mode = mode;
    s->timing = event_timing_of(p->config);
    enum err e = event_layers_of(&s->layers, p, m);
    if (!e)
        e = event_machine_new(&s->machine, s->layers.layer, s->layers.n, &s->timing, m);
    if (!e && !make_room(s))
        e = no_memory(m);
    if (e)
        event_study_free(s);
    else
        *out = s;
    return e;
}

/* ---- spikes from outside ---- */

static bool add(struct event_study *s, uint64_t t_ns, uint32_t source)
{
    if (s->n == s->room) {
        size_t room = s->room ? 2 * s->room : 1024;
        struct event *more = realloc(s->event, room * sizeof *more);
        if (!more)
            return false;
        s->event = more;
        s->room = room;
    }
    s->event[s->n++] = (struct event){ t_ns, source };
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;

    if (x->t_ns != y->t_ns)
        return x->t_ns < y->t_ns ? -1 : 1;
    return (x->source > y->source) - (x->source < y->source);
}

static bool take_events(struct event_study *s, const struct image_events *events)
{
    for (size_t i = 0; i < events->n; i++)
        if (!add(s, events->event[i].t_ns, events->event[i].at))
            return false;
    if (s->n > 0)
        qsort(s->event, s->n, sizeof *s->event, by_time);
    return true;
}

static bool take_image(struct event_study *s, uint64_t number, const uint8_t *image)
{
    const struct presentation *p = &s->plan->network->present;
    const uint32_t n = s->layers.layer[0].sources;

    for (uint32_t t = 0; t < presentation_steps(p); t++) {
        p->coding->code(p, number, t, image, n, s->step);
        for (uint32_t i = 0; i < n; i++)
            for (int32_t k = 0; k < s->step[i]; k++)
                if (!add(s, (uint64_t)t * p->bin_us * NS_PER_US, i))
                    return false;
    }
    return true;
}

/* ---- a recording ---- */

static uint32_t class_of(struct event_study *s)
{
    const struct event_layer *l = &s->layers.layer[s->layers.n - 1];
    const uint32_t n = event_machine_cores(s->machine);
    uint32_t best = 0;

    for (uint32_t i = n - l->cores; i < n; i++) {
        const struct event_core *c = event_machine_core(s->machine, i);
        for (uint32_t o = 0; o < c->outputs; o++)
            s->result[event_core_output(c, o)] = c->neuron.kind->fires ? (int64_t)c->n_fired[o]
                                                                       : c->v[o];
    }
    for (uint32_t o = 1; o < l->outputs; o++)
        if (s->result[o] > s->result[best])
            best = o;
    return best;
}

static void count(struct event_study *s, struct event_result *r, uint64_t end_ns)
{
    uint64_t last_ns = 0;

    for (uint32_t i = 0; i < event_machine_cores(s->machine); i++) {
        const struct event_core *c = event_machine_core(s->machine, i);
        struct event_core_result *to = &r->core[s->core[i]];
        counter_add(event_counter_rows, &to->counts, &c->counts);
        to->longest_wait_ns = max_u64(to->longest_wait_ns, c->longest_wait_ns);
        to->last_ns = max_u64(to->last_ns, c->last_ns);
        last_ns = max_u64(last_ns, c->last_ns);
    }
    r->events += s->n;
    r->recorded_ns += end_ns;
    r->active_ns += last_ns;
    r->longest_ns = max_u64(r->longest_ns, last_ns);
    r->elapsed_ns += max_u64(last_ns, end_ns);
}

enum err event_study_run(struct event_study *s, uint64_t number, struct image_events *events,
                         const uint8_t *image, struct event_result *r, uint32_t *class_,
                         struct err_msg *m)
{
    const uint64_t end_ns = event_recording_ns(s->plan);
    struct event_run run = { .kind = s->kernel, .mode = s->mode, .end_ns = end_ns,
                             .until_ns = CYC_NEVER };

    s->n = 0;
    if (!(events ? take_events(s, events) : take_image(s, number, image)))
        return no_memory(m);
    run.event = s->event;
    run.n = s->n;
    enum err e = event_machine_run(s->machine, &run, m);
    if (e)
        return e;
    count(s, r, end_ns);
    *class_ = class_of(s);
    return ERR_NONE;
}
