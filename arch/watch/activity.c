/* arch/watch/activity.c -- see activity.h. */
#include "arch/watch/activity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "noc/fabric.h"

struct activity {
    const struct plan          *plan;
    const struct activity_sink *sink;
    uint32_t                    n_sink;
    uint64_t                    clock_hz;
    struct core_probe           probe;

    uint64_t              cyc;  // of core[0 .. n - 1]
    struct core_activity *core; // [n_core + 1]; core[n] is stepping
    uint32_t              n;
    struct pixel  *place;  // of all of them, one after the other
    uint32_t              n_place, room;
    uint64_t             *words; // [n_core] memory words that have been seen
    uint64_t             *bits;  // [n_stream]
};

/* Places that a cycle can bring: a core stores, fires, finishes, and reads back. */
static uint32_t most_places(const struct plan *p)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->n_core; i++)
        n += 2 * p->layer[p->core[i].plan_layer].replicas.n;
    for (uint32_t i = 0; i < p->n_stream; i++)
        n += 2 * p->stream[i].most_pixels; // sent and stored
    return n;
}

/* Order within a step: stored, fired, read back, results. */
static void on_event(void *user, const struct imc_core *core, const struct core_event *e)
{
    struct activity *a = user;
    struct core_activity *c = &a->core[a->n];
    uint32_t *const count[] = {
        [CORE_STORED] = &c->n_stored,
        [CORE_FIRED] = &c->n_fired,
        [CORE_RESULT] = &c->n_result,
        [CORE_READ_BACK] = &c->n_read_back,
    };

    (void)core;
    assert(a->n_place + e->n <= a->room);
    memcpy(a->place + a->n_place, e->pixel, e->n * sizeof *e->pixel);
    a->n_place += e->n;
    *count[e->kind] += e->n;
}

static uint32_t places(const struct core_activity *c)
{
    return c->n_stored + c->n_fired + c->n_read_back + c->n_result;
}

static void hand_on(struct activity *a)
{
    const struct pixel *at = a->place;

    for (uint32_t i = 0; i < a->n; i++) {
        struct core_activity *c = &a->core[i];
        c->stored = at;
        c->fired = c->stored + c->n_stored;
        c->read_back = c->fired + c->n_fired;
        c->result = c->read_back + c->n_read_back;
        at = c->result + c->n_result;
    }
    for (uint32_t i = 1; i < a->n; i++) { // nearly sorted
        struct core_activity c = a->core[i];
        uint32_t k = i;
        for (; k > 0 && a->core[k - 1].core > c.core; k--)
            a->core[k] = a->core[k - 1];
        a->core[k] = c;
    }
    for (uint32_t i = 0; i < a->n_sink && a->n > 0; i++)
        a->sink[i].cycle(a->sink[i].user, a->cyc, a->core, a->n);
}

/* Another cycle begins with the core that is stepping. */
static void begin_cycle(struct activity *a, uint64_t cyc)
{
    struct core_activity first = a->core[a->n];
    uint32_t n = places(&first);

    hand_on(a);
    memmove(a->place, a->place + a->n_place - n, n * sizeof *a->place);
    a->core[0] = first;
    a->n = 0;
    a->n_place = n;
    a->cyc = cyc;
}

static void look_at_port(struct activity *a, const struct core_port *port, uint64_t *used_clk)
{
    const struct plan_stream *st = &a->plan->stream[port->stream];
    uint64_t bits = port->bits - a->bits[port->stream];

    a->bits[port->stream] = port->bits;
    if (bits > 0 && st->kind != STREAM_RESULT) // that one leaves the chip
        *used_clk = max_u64(*used_clk, fabric_clocks(bits, a->clock_hz, st->rate_bps));
}

static void look_at_stages(struct activity *a, const struct imc_core *core,
                           struct core_activity *c)
{
    const struct core_counters *n = &core->counters;
    uint64_t words = n->words_written + n->words_read + n->words_read_back;

    c->words = c->used_clk[STAGE_MEMORY] = words - a->words[core->index];
    a->words[core->index] = words;
    if (c->n_fired)
        c->used_clk[STAGE_CROSSBAR] = core->pc->used_clk[STAGE_CROSSBAR];
    const struct window *w = &core->pl->window;
    uint64_t pixels = core->is_digital ? (uint64_t)w->kernel[0] * w->kernel[1] : 1; // an output
    c->used_clk[STAGE_DIGITAL] =
        ceil_div(c->n_result * pixels * core->pc->out_n, core->pc->digital.lanes);
    for (uint32_t i = 0; i < core->n_out; i++)
        look_at_port(a, &core->out[i], &c->used_clk[STAGE_LINK]);
    for (uint32_t i = 0; i < core->n_read_back; i++)
        for (uint32_t k = 0; k < core->read_back[i].n_out; k++)
            look_at_port(a, &core->read_back[i].out[k], &c->used_clk[STAGE_LINK]);
    if (core->partial_out.chan)
        look_at_port(a, &core->partial_out, &c->used_clk[STAGE_PARTIAL_SUM]);
}

static void on_step(void *user, const struct imc_core *core, uint64_t cyc)
{
    struct activity *a = user;

    if (cyc != a->cyc)
        begin_cycle(a, cyc);
    struct core_activity *c = &a->core[a->n];
    c->core = core->index;
    c->next = core->controller.next;
    look_at_stages(a, core, c);
    bool moved = places(c) > 0;
    for (uint32_t i = 0; i < N_STAGE; i++)
        moved = moved || c->used_clk[i] > 0;
    a->n += moved;
    a->core[a->n] = (struct core_activity){ 0 };
}

struct activity *activity_new(const struct plan *p, const struct activity_sink *sink,
                              uint32_t n_sink)
{
    struct activity *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    *a = (struct activity){
        .plan = p,
        .sink = sink,
        .n_sink = n_sink,
        .clock_hz = (uint64_t)p->config->clock_mhz * 1000000,
        .probe = { on_event, on_step, a },
        .core = calloc(p->n_core + 1, sizeof *a->core),
        .room = 2 * most_places(p), // of two cycles, when the next begins
        .words = calloc(p->n_core, sizeof *a->words),
        .bits = calloc(p->n_stream, sizeof *a->bits),
    };
    a->place = calloc(a->room, sizeof *a->place);
    if (a->core && a->words && a->bits && a->place)
        return a;
    activity_free(a);
    return NULL;
}

void activity_free(struct activity *a)
{
    if (!a)
        return;
    free(a->core);
    free(a->place);
    free(a->words);
    free(a->bits);
    free(a);
}

const struct core_probe *activity_probe(const struct activity *a)
{
    return &a->probe;
}

void activity_end(struct activity *a)
{
    hand_on(a);
    a->core[0] = a->core[a->n]; // nothing, as between two steps
    a->n = 0;
}
