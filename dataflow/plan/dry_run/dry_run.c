/* dataflow/plan/dry_run/dry_run.c -- when outputs fire and pixels are stored, see dry_run.h. */
#include "dataflow/plan/dry_run/dry_run.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataflow/plan/dry_run/dry_run_internal.h"
#include "memory/registers.h"

enum { MOST_TRANSIENT_IMAGES = 256 }; // before a stream that does not settle is given up

/* ---- what has been timed ---- */

static struct column_times delayed(struct column_times c, int64_t later)
{
    c.later += later;
    return c;
}

struct column_times dry_run_fired(const struct dry_run *s, uint32_t layer, uint64_t image,
                                  uint32_t column)
{
    return map_times_at(&s->layer[layer].fired, image, column, s->plan->interval);
}

int64_t dry_run_longer(const struct dry_run *s, uint32_t layer, uint32_t column)
{
    return s->layer[layer].longer ? s->layer[layer].longer[column] : 0;
}

struct column_times dry_run_summed(const struct dry_run *s, uint32_t layer, uint64_t image,
                                   uint32_t column)
{
    if (s->plan->layer[layer].residual == RESIDUAL_NONE)
        return delayed(dry_run_fired(s, layer, image, column),
                       plan_sum_latency(s->plan, layer) + dry_run_longer(s, layer, column));
    return map_times_at(&s->layer[layer].summed, image, column, s->plan->interval);
}

struct column_times dry_run_done(const struct dry_run *s, uint32_t layer, uint64_t image,
                                 uint32_t column)
{
    const struct layer *l = plan_network_layer(s->plan, layer);

    if (!l->pooled)
        return dry_run_summed(s, layer, image, column);
    struct column_times last = dry_run_summed(s, layer, image, l->out.width - 1);
    last.row += l->out.height - 1;
    return last;
}

struct column_times dry_run_stored(const struct dry_run *s, uint32_t layer, uint64_t image,
                                   uint32_t column)
{
    const struct plan *p = s->plan;
    const struct layer *l = plan_network_layer(p, layer);

    if (p->layer[layer].feed != FEED_PRODUCER || l->n_input > 1)
        return map_times_at(&s->layer[layer].stored, image, column, p->interval);
    const uint32_t folds = plan_folds(p, layer);
    if (folds > 0) {
        struct column_times c = dry_run_done(s, l->input[0] - 1, image, column / folds);
        c.row += column % folds;
        return delayed(c, p->hops[layer].pixels);
    }
    return delayed(dry_run_done(s, l->input[0] - 1, image, column), p->hops[layer].pixels);
}

struct column_times dry_run_begun(const struct dry_run *s, uint32_t layer, uint64_t image,
                                  uint32_t column)
{
    const struct layer *l = plan_network_layer(s->plan, layer);

    if (s->plan->layer[layer].feed != FEED_PRODUCER || l->n_input == 1)
        return dry_run_stored(s, layer, image, column);
    return map_times_at(&s->layer[layer].begun, image, column, s->plan->interval);
}

/* ---- what the outputs of a strip wait for ---- */

struct firer { // of a layer's images
    struct dry_run           *s;
    uint32_t                  layer;
    const struct strip_form  *form; // of the strip: its first column is `left`
    uint32_t                  image, left;
    struct column_times      *source;   // owned; n_source of it: what a column's outputs see
    uint32_t                 *n_source; // owned
    struct column_times      *residual; // owned; of each column, if there are residuals
    int64_t                  *ready;    // owned; of the strip's outputs: when they may fire
    int64_t                  *complete; // owned; and when their residuals can be there
    int64_t                  *key, *last_key;   // owned; see make_key()
    size_t                    n_key, n_last_key;
    struct firing_run         last_begin, last_end; // of the strip before
    uint32_t                  last_image, last_left;
};

/* Within a column pixels arrive from the first row on; of columns in scan order the last
 * decides. */
static uint32_t list_patch(const struct firer *f, uint32_t column, struct column_times *list)
{
    const struct plan_layer *pl = &f->s->plan->layer[f->layer];
    uint32_t to = window_last(&pl->window, 1, column, pl->in_width);
    uint32_t from = f->s->layer[f->layer].in_order
                        ? to
                        : window_first(&pl->window, 1, column, pl->in_width);

    for (uint32_t k = from; k <= to; k++)
        list[k - from] = dry_run_stored(f->s, f->layer, f->image, k);
    return to - from + 1;
}

/* What the outputs of a column wait for: for rows `last_row[]` of as many columns as it returns. */
static uint32_t list_sources(const struct firer *f, uint32_t column, struct column_times *list)
{
    const struct plan *p = f->s->plan;
    const struct plan_layer *pl = &p->layer[f->layer];

    switch (pl->feed) {
    case FEED_SCRATCHPAD:
        return 0;
    case FEED_PRODUCER:
        return list_patch(f, column, list);
    case FEED_READ_BACK:
        if (f->s->layer[f->layer].stored.n_image > 0) {
            list[0] = dry_run_stored(f->s, f->layer, f->image, column);
        } else { // as early as it could be
            uint32_t stride = plan_network_layer(p, f->layer)->window.stride[1];
            list[0] = delayed(dry_run_stored(f->s, pl->feeder, f->image, column * stride),
                              p->hops[f->layer].pixels);
        }
        return 1;
    }
    assert(!"unknown feed");
    return 0;
}

/* When the residuals of a column can be at the summing core at the earliest. Of an image that
 * the layer itself keeps, that is when its output fires: the map is as large, so that no window
 * ends before the pixel that is added; no rows, of no waiting. */
static struct column_times residual_ready(const struct firer *f, uint32_t column)
{
    const struct plan *p = f->s->plan;
    const struct plan_layer *pl = &p->layer[f->layer];
    int64_t hop = p->hops[f->layer].residual;

    if (dry_run_adds_its_image(p, f->layer))
        return (struct column_times){ .row = NULL };
    if (pl->residual != RESIDUAL_DIRECT) // of an image without hops
        return delayed(dry_run_stored(f->s, pl->residual_from, f->image, column), hop);
    return delayed(dry_run_done(f->s, pl->residual_from, f->image, column), hop);
}

static void list_strip(struct firer *f)
{
    struct column_times *list = f->source;

    for (uint32_t i = 0; i < f->form->columns; i++, list += f->n_source[i - 1]) {
        f->n_source[i] = list_sources(f, f->left + i, list);
        if (f->residual)
            f->residual[i] = residual_ready(f, f->left + i);
    }
}

/* docs/accelerator.md, section 4: an image begins with its interval and goes on without a gap. */
static int64_t image_begins(const struct firer *f)
{
    return (int64_t)(f->image * f->s->plan->interval);
}

/* All that the strip's times depend on, as far from the latest firing as it is. Strips with the
 * same key have the same times from there on. */
static void make_key(struct firer *f, const struct firing_run *run)
{
    const struct column_times *source = f->source;
    bool image = f->s->plan->layer[f->layer].feed == FEED_SCRATCHPAD;
    int64_t begins = image ? image_begins(f) - run->timestep : 0, *key = f->key;

    *key++ = f->form->columns;
    *key++ = run->longer;
    *key++ = dry_run_longer(f->s, f->layer, (uint32_t)f->left);
    *key++ = run->n;
    *key++ = (int64_t)run->head.image - (int64_t)f->image;
    *key++ = run->n > 0 ? run->head.row : 0;
    *key++ = (int64_t)run->head.column - f->left;
    *key++ = f->residual ? run->summed - run->timestep : 0;
    *key++ = begins > 0 ? begins : 0; // before the next firing it makes no difference when
    for (uint32_t i = 0; i < f->form->columns; i++) {
        *key++ = f->n_source[i];
        for (uint32_t k = 0; k < f->n_source[i]; k++, source++) {
            *key++ = (int64_t)(intptr_t)source->row;
            *key++ = source->later - run->timestep;
        }
        if (f->residual) {
            *key++ = (int64_t)(intptr_t)f->residual[i].row;
            *key++ = f->residual[i].row ? f->residual[i].later - run->timestep : 0;
        }
    }
    f->n_key = (size_t)(key - f->key);
}

static bool same_key(const struct firer *f)
{
    const struct plan *p = f->s->plan;

    if (f->n_key != f->n_last_key || (p->comes && p->layer[f->layer].feed == FEED_SCRATCHPAD))
        return false;
    for (size_t i = 0; i < f->n_key; i++)
        if (f->key[i] != f->last_key[i])
            return false;
    return true;
}

/* ---- firings ---- */

/* When the outputs of a column of the strip may fire. */
static void wait_for_sources(const struct firer *f, uint32_t column,
                             const struct column_times *source, uint32_t n, int64_t *ready)
{
    const struct plan *p = f->s->plan;
    const size_t before = (size_t)(f->left + column) * f->s->layer[f->layer].strips.shape.height;
    const int64_t *comes = p->comes ? p->comes + before : NULL;
    const struct dry_run_layer *l = &f->s->layer[f->layer];
    const uint32_t stride = plan_network_layer(f->s->plan, f->layer)->window.stride[0];
    const bool read_back = f->s->plan->layer[f->layer].feed == FEED_READ_BACK;

    for (uint32_t r = 0; r < l->strips.shape.height; r++)
        ready[r] = n > 0 ? INT64_MIN : image_begins(f) + (comes ? comes[r] : 0);
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t r = 0; r < l->strips.shape.height; r++) {
            uint32_t row = !read_back ? l->last_row[r] : l->stored.n_image > 0 ? r : r * stride;
            int64_t t = column_time(&source[k], row);
            ready[r] = t > ready[r] ? t : ready[r];
        }
}

/* Fires the outputs of a strip in order: in ready[] and complete[] are then their times. */
static void fire_outputs(struct firer *f, struct firing_run *run)
{
    const struct firing_policy *policy = f->s->plan->layer[f->layer].firing;
    const struct firing_shape *shape = &f->s->layer[f->layer].strips.shape;
    int64_t chain = plan_sum_latency(f->s->plan, f->layer);

    for (uint32_t i = 0; i < f->form->n_place; i++) {
        const struct strip_place *place = &f->form->place[i];
        struct pixel at = { f->image, place->row, f->left + place->column };
        size_t k = (size_t)place->column * shape->height + place->row;
        firing_run_add(run, policy, shape, &at, f->ready[k]);
        run->longer = dry_run_longer(f->s, f->layer, at.column);
        f->ready[k] = run->timestep;
        if (!f->residual)
            continue;
        int64_t sum = run->timestep + chain;
        firing_run_sum(run, f->complete[k] > sum ? f->complete[k] : sum, false);
        f->complete[k] = run->summed;
    }
}

static bool fire_strip(struct firer *f, struct firing_run *run)
{
    struct dry_run_layer *l = &f->s->layer[f->layer];
    struct column_kinds *kinds = &f->s->kinds;
    const uint32_t height = l->strips.shape.height;
    const struct column_times *source = f->source;
    bool done = true;

    for (uint32_t i = 0; i < f->form->columns; source += f->n_source[i++]) {
        wait_for_sources(f, i, source, f->n_source[i], f->ready + (size_t)i * height);
        for (uint32_t r = 0; f->residual && r < height; r++)
            f->complete[(size_t)i * height + r] =
                f->residual[i].row ? column_time(&f->residual[i], r) : INT64_MIN;
    }
    f->last_begin = *run;
    fire_outputs(f, run);
    for (uint32_t i = 0; done && i < f->form->columns; i++) {
        done = map_times_put(&l->fired, kinds, f->image, f->left + i,
                             f->ready + (size_t)i * height);
        if (done && f->residual)
            done = map_times_put(&l->summed, kinds, f->image, f->left + i,
                                 f->complete + (size_t)i * height);
    }
    int64_t *key = f->last_key;
    f->last_key = f->key;
    f->key = key;
    f->n_last_key = f->n_key;
    f->last_end = *run;
    f->last_image = f->image;
    f->last_left = f->left;
    return done;
}

/* The strip is the last one that was fired, later. */
static void repeat_strip(struct firer *f, struct firing_run *run)
{
    struct dry_run_layer *l = &f->s->layer[f->layer];
    int64_t later = run->timestep - f->last_begin.timestep;

    for (uint32_t i = 0; i < f->form->columns; i++) {
        size_t from = (size_t)f->last_image * l->fired.width + f->last_left + i;
        map_times_repeat(&l->fired, f->image, f->left + i, delayed(l->fired.column[from], later));
        if (f->residual)
            map_times_repeat(&l->summed, f->image, f->left + i,
                             delayed(l->summed.column[from], later));
    }
    *run = f->last_end;
    run->timestep += later;
    run->summed += later;
    run->head.image += f->image - f->last_image;
    run->head.column += f->left - f->last_left;
}

static void firer_release(struct firer *f)
{
    free(f->source);
    free(f->n_source);
    free(f->residual);
    free(f->ready);
    free(f->complete);
    free(f->key);
    free(f->last_key);
}

static bool firer_init(struct firer *f, struct dry_run *s, uint32_t layer)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    const struct strips *strips = &s->layer[layer].strips;
    size_t columns = min_u32(strips->width, strips->shape.width);
    size_t patch = (size_t)(pl->window.kernel[1] - 1) * pl->window.dilation[1] + 1;
    size_t seen = s->layer[layer].in_order ? 1 : min_u64(patch, pl->in_width);
    size_t n_key = 9 + columns * (1 + 2 * seen + 2);

    *f = (struct firer){ .s = s, .layer = layer,
                         .source = calloc(columns * seen, sizeof *f->source),
                         .n_source = calloc(columns, sizeof *f->n_source),
                         .ready = calloc(columns * strips->shape.height, sizeof *f->ready),
                         .key = calloc(n_key, sizeof *f->key),
                         .last_key = calloc(n_key, sizeof *f->last_key) };
    bool there = f->source && f->n_source && f->ready && f->key && f->last_key;
    if (pl->residual != RESIDUAL_NONE) {
        f->residual = calloc(columns, sizeof *f->residual);
        f->complete = calloc(columns * strips->shape.height, sizeof *f->complete);
        there = there && f->residual && f->complete;
    }
    return there;
}

/* Pixels of several inputs have come with the last, and begun with the first. */
static bool join_inputs(struct dry_run *s, uint32_t layer, uint32_t image)
{
    const struct layer *l = plan_network_layer(s->plan, layer);
    struct dry_run_layer *own = &s->layer[layer];
    int64_t hop = s->plan->hops[layer].pixels;
    int64_t *last = calloc(2 * (size_t)l->in.height, sizeof *last), *first = last + l->in.height;
    bool done = last != NULL;

    for (uint32_t column = 0; done && column < l->in.width; column++) {
        for (uint32_t i = 0; i < l->n_input; i++) {
            struct column_times c = dry_run_done(s, l->input[i] - 1, image, column);
            for (uint32_t r = 0; r < l->in.height; r++) {
                int64_t t = column_time(&c, r) + hop;
                last[r] = i == 0 || t > last[r] ? t : last[r];
                first[r] = i == 0 || t < first[r] ? t : first[r];
            }
        }
        done = map_times_put(&own->stored, &s->kinds, image, column, last) &&
               map_times_put(&own->begun, &s->kinds, image, column, first);
    }
    free(last);
    return done;
}

bool dry_run_fire_images(struct dry_run *s, uint32_t layer, uint32_t from, uint32_t to,
                         struct firing_run *state)
{
    const struct strips *strips = &s->layer[layer].strips;
    struct firer f;
    bool done = firer_init(&f, s, layer);

    for (f.image = from; done && f.image < to; f.image++)
        for (uint32_t copy = 0; done && copy < strips->shape.copies; copy++)
            for (f.left = copy * strips->width; done && f.left < strips->shape.width;
                 f.left += strips_apart(strips)) {
                f.form = strip_at(strips, f.left);
                list_strip(&f);
                make_key(&f, &state[copy]);
                if (same_key(&f))
                    repeat_strip(&f, &state[copy]);
                else
                    done = fire_strip(&f, &state[copy]);
            }
    firer_release(&f);
    return done;
}

/* ---- image after image ---- */

static bool grow(struct dry_run *s, uint32_t layer, uint32_t n_image)
{
    struct dry_run_layer *l = &s->layer[layer];

    return map_times_grow(&l->fired, n_image) &&
           (s->plan->layer[layer].residual == RESIDUAL_NONE ||
            map_times_grow(&l->summed, n_image)) &&
           (plan_network_layer(s->plan, layer)->n_input == 1 ||
            (map_times_grow(&l->stored, n_image) && map_times_grow(&l->begun, n_image)));
}

static bool fire_image(struct dry_run *s, uint32_t layer, uint32_t image)
{
    struct dry_run_layer *l = &s->layer[layer];

    memcpy(l->before, l->run, s->plan->layer[layer].copies * sizeof *l->before);
    return dry_run_repeat_image(s, layer, image) ||
           dry_run_fire_images(s, layer, image, image + 1, l->run);
}

/* Times an image of every layer. */
static bool time_image(struct dry_run *s, uint32_t image)
{
    const struct plan *p = s->plan;
    bool done = true;

    for (uint32_t i = 0; done && i < p->n_layer; i++) {
        done = grow(s, i, image + 1);
        if (done && plan_network_layer(p, i)->n_input > 1)
            done = join_inputs(s, i, image);
        done = done && fire_image(s, i, image);
        if (done && image == 0 && p->layer[i].feed == FEED_SCRATCHPAD)
            done = dry_run_store_image(s, i);
    }
    s->n_image = image + 1;
    return done;
}

/* Whether every output of the last image comes one interval after that of the image before. */
static bool repeats(const struct dry_run *s)
{
    for (uint32_t i = 0; i < s->plan->n_layer; i++)
        if (!map_times_repeats(&s->layer[i].fired, s->n_image - 1, s->plan->interval) ||
            (s->layer[i].summed.n_image > 0 &&
             !map_times_repeats(&s->layer[i].summed, s->n_image - 1, s->plan->interval)))
            return false;
    return true;
}

/* It repeats the one before it, and so do all that follow. */
static void forget_last_image(struct dry_run *s)
{
    s->n_image--;
    for (uint32_t i = 0; i < s->plan->n_layer; i++) {
        struct dry_run_layer *l = &s->layer[i];
        struct map_times *maps[] = { &l->fired, &l->summed, &l->stored, &l->begun };
        for (int k = 0; k < 4; k++)
            maps[k]->n_image = min_u32(maps[k]->n_image, s->n_image);
    }
}

/* NULL where every output takes one timestep, and without memory. */
static uint32_t *make_longer(const struct plan *p, uint32_t layer)
{
    const struct shape *out = &plan_network_layer(p, layer)->out;
    uint32_t *longer = NULL;

    if (layer_is_of_tokens(plan_network_layer(p, layer)))
        longer = calloc(out->width, sizeof *longer);
    for (uint32_t c = 0; longer && c < out->width; c++)
        longer[c] = (uint32_t)plan_lasts(p, layer, 0, c) - 1;
    return longer;
}

static bool init_layer(struct dry_run *s, uint32_t layer)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    const struct shape *out = &plan_network_layer(s->plan, layer)->out;
    struct dry_run_layer *l = &s->layer[layer];

    map_times_init(&l->fired, out->height, out->width);
    map_times_init(&l->summed, out->height, out->width);
    map_times_init(&l->stored, pl->in_height, pl->in_width);
    map_times_init(&l->begun, pl->in_height, pl->in_width);
    l->in_order = plan_in_scan_order(s->plan, layer);
    l->last_row = calloc(out->height, sizeof *l->last_row);
    for (uint32_t r = 0; l->last_row && r < out->height; r++)
        l->last_row[r] = window_last(&pl->window, 0, r, pl->in_height);
    l->longer = make_longer(s->plan, layer);
    if (!l->longer && layer_is_of_tokens(plan_network_layer(s->plan, layer)))
        return false;
    l->run = calloc(2 * (size_t)pl->copies, sizeof *l->run);
    l->before = l->run + pl->copies;
    dry_run_find_readers(s, layer);
    return l->run && l->last_row && strips_init(&l->strips, s->plan, layer);
}

static enum err no_memory(struct dry_run *s, struct err_msg *m)
{
    dry_run_release(s);
    return err_set(m, ERR_MEMORY, "no memory for the dry timing run");
}

static enum err does_not_settle(struct dry_run *s, struct err_msg *m)
{
    uint64_t interval = s->plan->interval;

    dry_run_release(s);
    return err_set(m, ERR_RUN,
                   "the pipeline does not settle within %d images: an interval of %" PRIu64
                   " timesteps is too short for it",
                   MOST_TRANSIENT_IMAGES, interval);
}

enum err dry_run_make(struct dry_run *s, const struct plan *p, struct err_msg *m)
{
    *s = (struct dry_run){ .plan = p, .layer = calloc(p->n_layer, sizeof *s->layer) };
    bool done = s->layer, settled = false;

    for (uint32_t i = 0; done && i < p->n_layer; i++)
        done = init_layer(s, i);
    for (uint32_t image = 0; done && !settled && image < MOST_TRANSIENT_IMAGES; image++) {
        done = time_image(s, image);
        settled = done && image > 0 && repeats(s);
    }
    if (!done)
        return no_memory(s, m);
    if (!settled)
        return does_not_settle(s, m);
    forget_last_image(s);
    return ERR_NONE;
}

void dry_run_release(struct dry_run *s)
{
    for (uint32_t i = 0; s->layer && i < s->plan->n_layer; i++) {
        struct dry_run_layer *l = &s->layer[i];
        strips_release(&l->strips);
        map_times_release(&l->fired);
        map_times_release(&l->summed);
        map_times_release(&l->stored);
        map_times_release(&l->begun);
        free(l->last_row);
        free(l->longer);
        free(l->run);
    }
    free(s->layer);
    column_kinds_release(&s->kinds);
    *s = (struct dry_run){ 0 };
}
