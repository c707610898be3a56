/* arch/watch/tracks.c -- see tracks.h. */
#include "arch/watch/tracks.h"

#include <stdlib.h>

#include "core/util.h"
#include "memory/registers.h"
#include "traces/timeline.h"

enum {
    CHIP = 1, // process of the counters; those of the cores follow
    FIRST_CORE,
    FLOWS_PER_IMAGE = 16,
    MOST_FLOWS = 4 * FLOWS_PER_IMAGE // at a time
};

struct flow { // one pixel on its way
    uint64_t            id; // counted from 1; 0: the place is free
    uint32_t            layer;
    enum { WAITS_STORED, WAITS_FIRED, WAITS_RESULT } waits;
    struct pixel pixel;
};

struct tracks {
    const struct plan *plan;
    struct timeline    line;
    uint64_t         (*idle_cyc)[N_STAGE]; // owned; [n_core] the end of each track's last slice
    uint32_t          *follower;           // owned; [n_layer] n_layer: none
    struct flow        flow[MOST_FLOWS];
    uint64_t           n_flow; // begun so far

    uint64_t timestep, active, words;    // of the timestep that is counted
    uint64_t shown_active, shown_words;  // by the counters
};

/* ---- slices ---- */

static struct timeline_track track_of(uint32_t core, enum stage stage)
{
    return (struct timeline_track){ FIRST_CORE + core, (uint32_t)stage + 1 };
}

static void show_stage(struct tracks *t, const struct core_cycle *a, enum stage stage,
                       uint64_t cyc)
{
    static const char *const name[N_STAGE] = {
        [STAGE_MEMORY] = "words", [STAGE_CROSSBAR] = "fire", [STAGE_DIGITAL] = "finish",
        [STAGE_LINK] = "send", [STAGE_PARTIAL_SUM] = "send sums",
    };
    const struct pixel *px = stage == STAGE_DIGITAL ? a->result : a->fired;
    const struct timeline_number place[] = {
        { "image", px->image }, { "x", px->row }, { "y", px->column },
        { "outputs", stage == STAGE_DIGITAL ? a->n_result : a->n_fired },
    };
    const struct timeline_number memory[] = {
        { "words", a->words }, { "stored", a->n_stored }, { "read_back", a->n_read_back },
    };
    uint64_t begin = max_u64(cyc, t->idle_cyc[a->core][stage]);

    if (a->used_clk[stage] == 0)
        return;
    t->idle_cyc[a->core][stage] = begin + a->used_clk[stage];
    timeline_slice(&t->line, track_of(a->core, stage), name[stage], begin, a->used_clk[stage],
                   stage == STAGE_MEMORY ? memory : place,
                   stage == STAGE_MEMORY                                  ? 3
                   : stage == STAGE_CROSSBAR || stage == STAGE_DIGITAL ? 4
                                                                          : 0);
}

/* ---- flows ---- */

static void point(struct tracks *t, const struct flow *f, enum timeline_flow phase, uint32_t core,
                  enum stage stage, uint64_t cyc)
{
    timeline_flow(&t->line, phase, f->id, track_of(core, stage), cyc);
}

/* The slice that stands for a firing: some layers leave their crossbar idle. */
static enum stage firing_stage(const struct core_cycle *a)
{
    return a->used_clk[STAGE_CROSSBAR] ? STAGE_CROSSBAR
           : a->used_clk[STAGE_DIGITAL] ? STAGE_DIGITAL
                                        : STAGE_MEMORY;
}

static bool holds(const struct pixel *list, uint32_t n, const struct pixel *px)
{
    for (uint32_t i = 0; i < n; i++)
        if (list[i].image == px->image && list[i].row == px->row && list[i].column == px->column)
            return true;
    return false;
}

/* The first output of a firing whose patch holds the pixel; NULL when none does. */
static const struct pixel *user_of(const struct plan_layer *pl,
                                          const struct core_cycle *a,
                                          const struct pixel *px)
{
    for (uint32_t i = 0; i < a->n_fired; i++) {
        const struct pixel *o = &a->fired[i];
        if (o->image == px->image &&
            window_first(&pl->window, 0, o->row, pl->in_height) <= px->row &&
            px->row <= window_last(&pl->window, 0, o->row, pl->in_height) &&
            window_first(&pl->window, 1, o->column, pl->in_width) <= px->column &&
            px->column <= window_last(&pl->window, 1, o->column, pl->in_width))
            return o;
    }
    return NULL;
}

/* Follows a pixel through what a core of its layer did in a cycle. */
static void follow(struct tracks *t, struct flow *f, const struct core_cycle *a, uint64_t cyc)
{
    const struct plan *p = t->plan;
    const struct plan_layer *pl = &p->layer[f->layer];

    if (f->waits == WAITS_STORED && holds(a->stored, a->n_stored, &f->pixel)) {
        point(t, f, FLOW_STEP, a->core, STAGE_MEMORY, cyc);
        f->waits = WAITS_FIRED;
    }
    const struct pixel *user = user_of(pl, a, &f->pixel);
    if (f->waits == WAITS_FIRED && user) {
        point(t, f, FLOW_STEP, a->core, firing_stage(a), cyc);
        f->pixel = *user;
        f->waits = WAITS_RESULT;
    } else if (f->waits == WAITS_FIRED && a->n_fired && a->fired[0].image > f->pixel.image) {
        f->id = 0; // nobody read it
    }
    if (f->waits != WAITS_RESULT || !holds(a->result, a->n_result, &f->pixel))
        return;
    bool last = t->follower[f->layer] == p->n_layer;
    point(t, f, last ? FLOW_END : FLOW_STEP, a->core, STAGE_DIGITAL, cyc);
    if (plan_network_layer(p, f->layer)->pooled)
        f->pixel.row = f->pixel.column = 0; // the pooled one
    f->layer = t->follower[f->layer];
    f->waits = WAITS_STORED;
    if (last)
        f->id = 0;
}

/* Begins flows with some of the outputs that the layer at the image fires. */
static void begin_flows(struct tracks *t, const struct core_cycle *a, uint64_t cyc)
{
    const struct plan *p = t->plan;
    uint32_t layer = p->core[a->core].plan_layer, at = 0;
    const struct shape *out = &plan_network_layer(p, layer)->out;
    uint32_t every = max_u32(out->height * out->width / FLOWS_PER_IMAGE, 1);

    if (layer != p->image_feed[0].layer || p->core[a->core].part + p->core[a->core].split > 0)
        return;
    for (uint32_t i = 0; i < a->n_fired; i++) {
        if ((a->fired[i].column * out->height + a->fired[i].row) % every != every / 2)
            continue;
        while (at < MOST_FLOWS && t->flow[at].id)
            at++;
        if (at == MOST_FLOWS)
            return;
        t->flow[at] = (struct flow){ ++t->n_flow, layer, WAITS_RESULT, a->fired[i] };
        point(t, &t->flow[at], FLOW_START, a->core, firing_stage(a), cyc);
    }
}

/* ---- counters ---- */

static void show_counters(struct tracks *t)
{
    uint64_t cyc = t->timestep * t->plan->timestep_clk;

    if (t->active != t->shown_active)
        timeline_counter(&t->line, CHIP, "active cores", cyc, t->active);
    if (t->words != t->shown_words)
        timeline_counter(&t->line, CHIP, "memory words", cyc, t->words);
    t->shown_active = t->active;
    t->shown_words = t->words;
    t->active = t->words = 0;
}

/* Counts up to a timestep; between two in which something moved there are zeros. */
static void count_until(struct tracks *t, uint64_t timestep)
{
    if (timestep == t->timestep)
        return;
    show_counters(t);
    if (timestep > t->timestep + 1) {
        t->timestep++;
        show_counters(t);
    }
    t->timestep = timestep;
}

/* ---- the sink ---- */

static void on_cycle(void *user, uint64_t cyc, const struct core_cycle *core, uint32_t n)
{
    struct tracks *t = user;

    count_until(t, cyc / t->plan->timestep_clk);
    for (uint32_t i = 0; i < n; i++) {
        const struct core_cycle *a = &core[i];
        t->active += a->n_fired > 0;
        t->words += a->words;
        for (uint32_t k = 0; k < N_STAGE; k++)
            show_stage(t, a, (enum stage)k, cyc);
        begin_flows(t, a, cyc);
        for (uint32_t k = 0; k < MOST_FLOWS; k++)
            if (t->flow[k].id && t->flow[k].layer == t->plan->core[a->core].plan_layer)
                follow(t, &t->flow[k], a, cyc);
    }
}

static void name_tracks(struct tracks *t)
{
    const struct plan *p = t->plan;

    timeline_name_process(&t->line, CHIP, "chip");
    for (uint32_t i = 0; i < p->n_core; i++) {
        timeline_name_process(&t->line, FIRST_CORE + i, p->core[i].name);
        for (uint32_t k = 0; k < N_STAGE; k++)
            if (p->time.core[i].used_clk[k] > 0)
                timeline_name_thread(&t->line, track_of(i, (enum stage)k),
                                     stage_name((enum stage)k));
    }
}

static void find_followers(struct tracks *t)
{
    const struct plan *p = t->plan;

    for (uint32_t i = 0; i < p->n_layer; i++)
        t->follower[i] = p->n_layer;
    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *st = &p->stream[i];
        if (st->kind != STREAM_FORWARD)
            continue;
        uint32_t *follower = &t->follower[p->core[st->from].plan_layer];
        *follower = min_u32(*follower, p->core[st->to].plan_layer);
    }
}

struct tracks *tracks_new(const struct plan *p, FILE *out)
{
    struct tracks *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->plan = p;
    t->idle_cyc = calloc(p->n_core, sizeof *t->idle_cyc);
    t->follower = calloc(p->n_layer, sizeof *t->follower);
    if (!t->idle_cyc || !t->follower) {
        tracks_free(t);
        return NULL;
    }
    find_followers(t);
    timeline_begin(&t->line, out, p->config->clock_mhz);
    name_tracks(t);
    return t;
}

void tracks_free(struct tracks *t)
{
    if (!t)
        return;
    free(t->idle_cyc);
    free(t->follower);
    free(t);
}

struct journal_sink tracks_sink(struct tracks *t)
{
    return (struct journal_sink){ on_cycle, t };
}

void tracks_end(struct tracks *t)
{
    show_counters(t);
    t->timestep++;
    show_counters(t);
    timeline_end(&t->line);
}
