/* dataflow/plan/timestep.c -- `timestep` clocking: every core acts at multiples of a timestep, in
 * which each of its stages fits. Times come from a dry run (dataflow/plan/dry_run/dry_run.h). */
#include <stdlib.h>

#include "core/util.h"
#include "dataflow/plan/clocking.h"
#include "dataflow/plan/tokens.h"
#include "dataflow/plan/timestep.h"

/* Memory columns, and the resampling layers that depend on them: one that would have to send a
 * pixel before it is there gets it from a memory with one more column. */
static enum err columns(struct timetable *t, const struct plan *p, struct dry_run *s,
                        struct err_msg *m)
{
    enum err e = ERR_NONE;

    dry_run_find_alike(s);
    for (uint32_t i = 0; !e && i < p->n_layer; i++) {
        uint32_t like = s->layer[i].like;
        if (like != i)
            t->layer[i].memory_columns = t->layer[like].memory_columns;
        else if (p->layer[i].feed != FEED_READ_BACK)
            e = dry_run_memory_columns(s, i, &t->layer[i].memory_columns, m);
    }
    for (uint32_t i = 0; !e && i < p->n_layer; i++) {
        bool in_time = p->layer[i].feed != FEED_READ_BACK;
        while (!e && !in_time) {
            uint32_t feeder = p->layer[i].feeder, *kept = &t->layer[feeder].memory_columns;
            e = dry_run_resampling(s, i, *kept, &in_time, m);
            if (e || in_time)
                break;
            if ((*kept)++ > p->layer[feeder].in_width)
                e = err_set(m, ERR_RUN,
                            "layer %s: its memory cannot keep pixels long enough for %s",
                            plan_layer_name(p, feeder), plan_layer_name(p, i));
            else // one more may be one too many for copies that race for a slot
                e = dry_run_memory_columns(s, feeder, kept, m);
        }
        if (!e && p->layer[i].feed == FEED_READ_BACK)
            e = dry_run_memory_columns(s, i, &t->layer[i].memory_columns, m);
        if (!e && plan_network_layer(p, i)->kind == LAYER_ATTENTION)
            e = tokens_banks(p, i, &t->layer[i].memory_columns, m);
    }
    return e;
}

/* What else layers need room for. */
static enum err rooms(struct timetable *t, const struct plan *p, const struct dry_run *s,
                      struct err_msg *m)
{
    enum err e = ERR_NONE;

    for (uint32_t i = 0; !e && i < p->n_layer; i++) {
        struct layer_times *l = &t->layer[i];
        const struct layer_times *like = &t->layer[s->layer[i].like];
        l->tracked_columns = like != l && like->memory_columns == l->memory_columns
                                 ? like->tracked_columns
                                 : dry_run_tracked_columns(s, i, l->memory_columns);
        if (like != l) {
            l->residual_fifo = like->residual_fifo;
            l->sums_waiting = like->sums_waiting;
        } else if (p->layer[i].residual != RESIDUAL_NONE) {
            e = dry_run_waiting(s, i, &l->residual_fifo, &l->sums_waiting, m);
        }
    }
    return e;
}

/* Outputs of a copy that come one after another in the same timestep are one firing. */
static void time_strip(struct layer_times *times, const struct dry_run *s, uint32_t layer,
                       uint32_t left, int64_t *before)
{
    const struct strip_form *form = strip_at(&s->layer[layer].strips, left);
    struct column_times fired = { 0 };

    for (uint32_t i = 0; i < form->n_place; i++) {
        const struct strip_place *at = &form->place[i];
        if (i == 0 || at->column != form->place[i - 1].column)
            fired = dry_run_fired(s, layer, 0, left + at->column);
        int64_t t = column_time(&fired, at->row);
        times->firings += t != *before;
        times->last_timestep = max_u64(times->last_timestep, (uint64_t)t);
        times->first_timestep = min_u64(times->first_timestep, (uint64_t)t);
        *before = t;
    }
}

static void time_layer(struct layer_times *times, const struct dry_run *s, uint32_t layer)
{
    const struct strips *strips = &s->layer[layer].strips;

    times->first_timestep = UINT64_MAX;
    for (uint32_t copy = 0; copy < strips->shape.copies; copy++) {
        int64_t before = INT64_MIN;
        for (uint32_t left = copy * strips->width; left < strips->shape.width;
             left += strips_apart(strips))
            time_strip(times, s, layer, left, &before);
    }
}

static void time_layer_like(struct layer_times *times, const struct layer_times *like,
                            int64_t later)
{
    times->firings = like->firings;
    times->first_timestep = like->first_timestep + (uint64_t)later;
    times->last_timestep = like->last_timestep + (uint64_t)later;
}

/* Timestep in which all pixels are there that a layer delivers of an image. */
static int64_t all_done(const struct plan *p, const struct dry_run *s, uint32_t last,
                        uint64_t image)
{
    const struct shape map = layer_delivers(plan_network_layer(p, last));
    int64_t done = INT64_MIN;

    for (uint32_t y = 0; y < map.width; y++) {
        struct column_times c = dry_run_done(s, last, image, y);
        for (uint32_t x = 0; x < map.height; x++) {
            int64_t t = column_time(&c, x);
            done = t > done ? t : done;
        }
    }
    return done;
}

/* Of an image's result. */
static int64_t result_done(const struct plan *p, const struct dry_run *s, uint64_t image)
{
    return all_done(p, s, p->n_layer - 1, image);
}

/* Elapsed timesteps to the last token of the last layer with more than one, else of the result. */
static uint64_t tokens_done(const struct plan *p, const struct dry_run *s)
{
    uint32_t last = p->n_layer;

    if (!network_has_tokens(p->network))
        return 0;
    while (last > 0 && plan_network_layer(p, last - 1)->out.width == 1)
        last--;
    return (uint64_t)all_done(p, s, last > 0 ? last - 1 : p->n_layer - 1, 0) + 1;
}

void timestep_firings(struct timetable *t, const struct plan *p, const struct dry_run *s)
{
    for (uint32_t i = 0; i < p->n_layer; i++) {
        uint32_t like = s->layer[i].like;
        if (like != i)
            time_layer_like(&t->layer[i], &t->layer[like], dry_run_later(s, i));
        else
            time_layer(&t->layer[i], s, i);
    }
}

static enum err times(struct timetable *t, const struct plan *p, const struct dry_run *s,
                      struct err_msg *m)
{
    timestep_firings(t, p, s);
    t->first_result = (uint64_t)result_done(p, s, 0) + 1; // elapsed
    t->last_tokens = tokens_done(p, s);
    t->last_conv = t->layer[plan_last_convolution(p)].last_timestep + 1;
    t->transient_images = s->n_image;
    t->late = calloc(s->n_image, sizeof *t->late);
    if (!t->late)
        return err_set(m, ERR_MEMORY, "no memory for the times of %u images", s->n_image);
    for (uint32_t i = 0; i < s->n_image; i++)
        t->late[i] = result_done(p, s, i) + 1 -
                     (int64_t)(t->first_result + i * p->interval);
    return ERR_NONE;
}

void timestep_keep_firings(struct timetable *t, struct dry_run *s)
{
    for (uint32_t i = 0; i < t->n_layer; i++) {
        t->layer[i].fired = s->layer[i].fired;
        s->layer[i].fired = (struct map_times){ 0 };
    }
    t->kinds = s->kinds;
    s->kinds = (struct column_kinds){ 0 };
}

bool timestep_allocate(struct timetable *t, const struct plan *p)
{
    *t = (struct timetable){
        .layer = calloc(p->n_layer, sizeof *t->layer),
        .core = calloc(p->n_core, sizeof *t->core),
        .stream = calloc(p->n_stream, sizeof *t->stream),
        .read_back = calloc(max_u32(p->n_read_back, 1), sizeof *t->read_back),
        .image_feed = calloc(max_u32(p->n_image_feed, 1), sizeof *t->image_feed),
        .n_layer = p->n_layer,
        .n_read_back = p->n_read_back,
        .n_image_feed = p->n_image_feed,
    };
    return t->layer && t->core && t->stream && t->read_back && t->image_feed;
}

enum { MOST_OUTPUTS_AT_ONCE = 1 << 18 }; // whose dry run takes no time that a user notices

static uint64_t n_outputs(const struct plan *p)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < p->n_layer; i++) {
        const struct shape *out = &plan_network_layer(p, i)->out;
        n += (uint64_t)out->height * out->width;
    }
    return n;
}

/* Sets the columns that a memory keeps at the least, those under one kernel. Where the dry run is
 * long, memories that are too small even for these are refused before it. */
static enum err least_columns(struct timetable *t, const struct plan *p, struct err_msg *m)
{
    for (uint32_t i = 0; i < p->n_layer; i++)
        t->layer[i].memory_columns = t->layer[i].tracked_columns = plan_kernel_columns(p, i);
    return n_outputs(p) > MOST_OUTPUTS_AT_ONCE ? timestep_memories(t, p, "want at least", m)
                                               : ERR_NONE;
}

enum err timestep_columns(struct timetable *t, const struct plan *p, struct dry_run *s,
                          struct err_msg *m)
{
    enum err e = least_columns(t, p, m);

    if (!e)
        e = dry_run_make(s, p, m);
    if (!e)
        e = columns(t, p, s, m);
    if (!e) {
        dry_run_find_alike(s);
        e = rooms(t, p, s, m);
    }
    return e ? e : timestep_memories(t, p, "want", m);
}

static enum err timetable(struct timetable *t, const struct plan *p, enum thorough thorough,
                          struct err_msg *m)
{
    struct dry_run s = { 0 };
    enum err e = timestep_allocate(t, p)
                     ? timestep_columns(t, p, &s, m)
                     : err_set(m, ERR_MEMORY, "no memory for the plan's times");

    if (!e)
        e = times(t, p, &s, m);
    if (!e)
        e = timestep_feeds(t, p, &s, m);
    if (!e)
        e = timestep_budget(t, p, &s, thorough, m);
    if (!e)
        timestep_keep_firings(t, &s);
    dry_run_release(&s);
    return e;
}

const struct clocking_policy clocking_timestep = {
    .name = "timestep",
    .doc = "at multiples of a timestep, the article's machine",
    .in_timesteps = true,
    .timetable = timetable,
};
