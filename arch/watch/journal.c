/* arch/watch/journal.c -- see journal.h. */
#include "arch/watch/journal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "noc/fabric.h"

struct journal {
    const struct plan         *plan;
    const struct journal_sink *sink;
    uint32_t                   n_sink;
    uint64_t                   clock_hz;
    struct core_probe          probe;

    uint64_t           cyc;  // of core[0 .. n - 1]
    struct core_cycle *core; // [n_core + 1]; core[n] is stepping
    uint32_t           n;
    struct pixel      *place; // of all of them, one after the other
    uint32_t           n_place, room;
    uint64_t          *bits; // [n_stream]: sent by the core that is stepping
    uint32_t          *sent; // the streams of which there are any
    uint32_t           n_sent;
};

/* Places that a cycle can bring: a core stores, fires, finishes, and reads back. */
static uint32_t most_places(const struct plan *p)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->n_core; i++)
        n += 2 * p->layer[p->core[i].plan_layer].replicas.n;
    for (uint32_t i = 0; i < p->n_stream; i++)
        n += 2 * p->time.stream[i].most_pixels; // sent and stored
    return n;
}

static void on_sent(struct journal *j, const struct core_event *e)
{
    if (j->bits[e->stream] == 0)
        j->sent[j->n_sent++] = e->stream;
    j->bits[e->stream] += e->bits;
}

/* Order within a step: stored, fired, read back, results. */
static void on_event(void *user, uint32_t core, const struct core_event *e)
{
    struct journal *j = user;
    struct core_cycle *c = &j->core[j->n];
    uint32_t *const count[] = {
        [CORE_STORED] = &c->n_stored,
        [CORE_FIRED] = &c->n_fired,
        [CORE_RESULT] = &c->n_result,
        [CORE_READ_BACK] = &c->n_read_back,
    };

    (void)core;
    if (e->kind == CORE_SENT) {
        on_sent(j, e);
        return;
    }
    assert(j->n_place + e->n <= j->room);
    memcpy(j->place + j->n_place, e->pixel, e->n * sizeof *e->pixel);
    j->n_place += e->n;
    *count[e->kind] += e->n;
    c->words += e->words;
}

static uint32_t places(const struct core_cycle *c)
{
    return c->n_stored + c->n_fired + c->n_read_back + c->n_result;
}

static void hand_on(struct journal *j)
{
    const struct pixel *at = j->place;

    for (uint32_t i = 0; i < j->n; i++) {
        struct core_cycle *c = &j->core[i];
        c->stored = at;
        c->fired = c->stored + c->n_stored;
        c->read_back = c->fired + c->n_fired;
        c->result = c->read_back + c->n_read_back;
        at = c->result + c->n_result;
    }
    for (uint32_t i = 1; i < j->n; i++) { // nearly sorted
        struct core_cycle c = j->core[i];
        uint32_t k = i;
        for (; k > 0 && j->core[k - 1].core > c.core; k--)
            j->core[k] = j->core[k - 1];
        j->core[k] = c;
    }
    for (uint32_t i = 0; i < j->n_sink && j->n > 0; i++)
        j->sink[i].cycle(j->sink[i].user, j->cyc, j->core, j->n);
}

/* Another cycle begins with the core that is stepping. */
static void begin_cycle(struct journal *j, uint64_t cyc)
{
    struct core_cycle first = j->core[j->n];
    uint32_t n = places(&first);

    hand_on(j);
    memmove(j->place, j->place + j->n_place - n, n * sizeof *j->place);
    j->core[0] = first;
    j->n = 0;
    j->n_place = n;
    j->cyc = cyc;
}

/* Clocks of the links that the core has sent on, each in its stage; the result's link leaves the
 * chip. */
static void look_at_links(struct journal *j, uint64_t *used_clk)
{
    const struct plan *p = j->plan;

    for (uint32_t i = 0; i < j->n_sent; i++) {
        const struct plan_stream *st = &p->stream[j->sent[i]];
        enum stage stage = stream_stage(st->kind);
        uint64_t bits = j->bits[j->sent[i]];
        j->bits[j->sent[i]] = 0;
        if (st->kind != STREAM_RESULT)
            used_clk[stage] = max_u64(used_clk[stage],
                                      stage_link_clocks(p->config, p->fabric, &st->route, bits));
    }
    j->n_sent = 0;
}

static void look_at_stages(struct journal *j, struct core_cycle *c)
{
    const struct plan_core *pc = &j->plan->core[c->core];
    const struct layer *l = plan_network_layer(j->plan, pc->plan_layer);
    const struct config *machine = j->plan->config;

    const struct plan_layer *pl = &j->plan->layer[pc->plan_layer];

    c->used_clk[STAGE_MEMORY] =
        stage_memory_clocks(machine, pl->in_height * pl->in_width, c->words);
    if (c->n_fired && pc->rows > 0)
        c->used_clk[STAGE_CROSSBAR] =
            stage_array_clocks(machine, &pl->array, pc->rows, pc->columns);
    c->used_clk[STAGE_DIGITAL] =
        stage_clocks(machine, STAGE_DIGITAL,
                     stage_digital_ops(l, c->n_result, pc->out_n) * j->plan->train);
    look_at_links(j, c->used_clk);
}

static void on_step(void *user, uint32_t core, const struct pixel *next, uint64_t cyc)
{
    struct journal *j = user;

    if (cyc != j->cyc)
        begin_cycle(j, cyc);
    struct core_cycle *c = &j->core[j->n];
    c->core = core;
    c->next = *next;
    look_at_stages(j, c);
    bool moved = places(c) > 0;
    for (uint32_t i = 0; i < N_STAGE; i++)
        moved = moved || c->used_clk[i] > 0;
    j->n += moved;
    j->core[j->n] = (struct core_cycle){ 0 };
}

struct journal *journal_new(const struct plan *p, const struct journal_sink *sink, uint32_t n_sink)
{
    struct journal *j = calloc(1, sizeof *j);

    if (!j)
        return NULL;
    *j = (struct journal){
        .plan = p,
        .sink = sink,
        .n_sink = n_sink,
        .clock_hz = (uint64_t)p->config->clock_mhz * 1000000,
        .probe = { on_event, on_step, j },
        .core = calloc(p->n_core + 1, sizeof *j->core),
        .room = 2 * most_places(p), // of two cycles, when the next begins
        .bits = calloc(p->n_stream, sizeof *j->bits),
        .sent = calloc(p->n_stream, sizeof *j->sent),
    };
    j->place = calloc(j->room, sizeof *j->place);
    if (j->core && j->bits && j->sent && j->place)
        return j;
    journal_free(j);
    return NULL;
}

void journal_free(struct journal *j)
{
    if (!j)
        return;
    free(j->core);
    free(j->place);
    free(j->bits);
    free(j->sent);
    free(j);
}

const struct core_probe *journal_probe(const struct journal *j)
{
    return &j->probe;
}

void journal_end(struct journal *j)
{
    hand_on(j);
    j->core[0] = j->core[j->n]; // nothing, as between two steps
    j->n = 0;
}
