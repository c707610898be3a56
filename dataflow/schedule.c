/* dataflow/schedule.c -- see schedule.h. */
#include "dataflow/schedule.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/util.h"
#include "dataflow/registers.h"

#define NEVER_USED (INT64_MAX / 2) // first use of a pixel that no window sees

enum {
    MOST_TRANSIENT_IMAGES = 256, // before a stream that does not settle is given up
    MOST_TRANSIENT_IMAGES_OF_RESAMPLING = 4
};

/* A firing in the making: the state of one copy of a layer. */
struct copy_state {
    struct firing_place head;
    int64_t             timestep;
    uint32_t            n; // outputs in it; 0 before the first firing
    int64_t             summed; // of the latest output
};

static size_t map_size(const struct plan *p, uint32_t layer)
{
    const struct shape *out = &plan_network_layer(p, layer)->out;

    return (size_t)out->height * out->width;
}

static size_t output_index(const struct schedule *s, uint32_t layer, const struct firing_place *at)
{
    uint32_t height = plan_network_layer(s->plan, layer)->out.height;

    return at->image * map_size(s->plan, layer) + (size_t)at->y * height + at->x;
}

/* An entry of a table of outputs, for any image: behind the last row kept they repeat. */
static int64_t look_up(const struct schedule *s, uint32_t layer, const int64_t *table,
                       uint64_t image, uint32_t x, uint32_t y)
{
    uint64_t row = min_u64(image, s->n_image - 1);
    struct firing_place at = { row, x, y };

    return table[output_index(s, layer, &at)] + (int64_t)((image - row) * s->plan->interval);
}

int64_t schedule_fired(const struct schedule *s, uint32_t layer, uint64_t image, uint32_t x,
                       uint32_t y)
{
    return look_up(s, layer, s->fired[layer], image, x, y);
}

int64_t schedule_summed(const struct schedule *s, uint32_t layer, uint64_t image, uint32_t x,
                        uint32_t y)
{
    if (s->plan->layer[layer].residual == RESIDUAL_NONE)
        return schedule_fired(s, layer, image, x, y) + plan_sum_latency(s->plan, layer);
    return look_up(s, layer, s->summed[layer], image, x, y);
}

int64_t schedule_done(const struct schedule *s, uint32_t layer, uint64_t image, uint32_t x,
                      uint32_t y)
{
    const struct layer *l = plan_network_layer(s->plan, layer);

    if (!l->pooled)
        return schedule_summed(s, layer, image, x, y);
    return schedule_summed(s, layer, image, l->out.height - 1, l->out.width - 1); // the last one
}

int64_t schedule_stored(const struct schedule *s, uint32_t layer, uint64_t image, uint32_t x,
                        uint32_t y)
{
    const struct plan *p = s->plan;
    const struct plan_layer *pl = &p->layer[layer];
    const struct layer *l = plan_network_layer(p, layer);
    const struct schedule_source *source = &s->source[layer];
    int64_t hop = p->config->fabric.hop_timesteps, last = INT64_MIN;

    if (source->table) { // the usual case, and the hottest: as below
        uint64_t row = min_u64(image, s->n_image - 1);
        return (*source->table)[row * source->size + (size_t)y * source->height + x] +
               source->delay + (int64_t)((image - row) * p->interval);
    }
    switch (pl->feed) {
    case FEED_SCRATCHPAD:
        return s->stored[layer][(size_t)y * pl->in_height + x] + (int64_t)(image * p->interval);
    case FEED_READ_BACK:
        return look_up(s, layer, s->stored[layer], image, x, y);
    case FEED_PRODUCER:
        for (uint32_t i = 0; i < l->n_input; i++) {
            int64_t t = schedule_done(s, l->input[i] - 1, image, x, y) + hop;
            last = t > last ? t : last;
        }
        return last;
    }
    assert(!"unknown feed");
    return 0;
}

int64_t schedule_begun(const struct schedule *s, uint32_t layer, uint64_t image, uint32_t x,
                       uint32_t y)
{
    const struct layer *l = plan_network_layer(s->plan, layer);
    int64_t first = INT64_MAX;

    if (s->plan->layer[layer].feed != FEED_PRODUCER || l->n_input == 1)
        return schedule_stored(s, layer, image, x, y);
    for (uint32_t i = 0; i < l->n_input; i++) {
        int64_t t = schedule_done(s, l->input[i] - 1, image, x, y);
        first = t < first ? t : first;
    }
    return first + s->plan->config->fabric.hop_timesteps;
}

/* Within a column pixels arrive in order of x, so the last row of each column decides; of columns
 * in scan order the last. */
static int64_t patch_stored(const struct schedule *s, uint32_t layer,
                            const struct firing_place *at)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    uint32_t row = window_last(&pl->window, 0, at->x, pl->in_height);
    uint32_t to = window_last(&pl->window, 1, at->y, pl->in_width);
    uint32_t y = plan_in_scan_order(s->plan, layer)
                     ? to
                     : window_first(&pl->window, 1, at->y, pl->in_width);
    int64_t last = INT64_MIN;

    for (; y <= to; y++) {
        int64_t t = schedule_stored(s, layer, at->image, row, y);
        last = t > last ? t : last;
    }
    return last;
}

/* When the pixels of an output are there. */
static int64_t output_ready(const struct schedule *s, uint32_t layer,
                            const struct firing_place *at)
{
    const struct plan *p = s->plan;
    const struct plan_layer *pl = &p->layer[layer];
    const struct layer *l = plan_network_layer(p, layer);

    switch (pl->feed) {
    case FEED_SCRATCHPAD: // docs/accelerator.md, section 4: goes on from i * interval without a gap
        return (int64_t)(at->image * p->interval);
    case FEED_PRODUCER:
        return patch_stored(s, layer, at);
    case FEED_READ_BACK:
        if (s->stored[layer])
            return look_up(s, layer, s->stored[layer], at->image, at->x, at->y);
        return p->config->fabric.hop_timesteps + // as early as it could be
               schedule_stored(s, pl->feeder, at->image, at->x * l->window.stride[0],
                               at->y * l->window.stride[1]);
    }
    assert(!"unknown feed");
    return 0;
}

/* When the residual of an output can be at the summing core at the earliest. */
static int64_t residual_ready(const struct schedule *s, uint32_t layer,
                              const struct firing_place *at)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    int64_t hop = s->plan->config->fabric.hop_timesteps;

    if (pl->residual == RESIDUAL_READ_BACK)
        return schedule_stored(s, pl->residual_from, at->image, at->x, at->y) + hop;
    return schedule_done(s, pl->residual_from, at->image, at->x, at->y) + hop;
}

/* A sum is complete when its parts are, its residual has come, and those before it are: in order,
 * and of one firing a timestep. */
static void sum_output(struct schedule *s, uint32_t layer, const struct firing_place *at,
                       struct copy_state *c)
{
    int64_t t = c->timestep + plan_sum_latency(s->plan, layer);
    int64_t residual = residual_ready(s, layer, at);
    int64_t after = c->summed + (c->n == 1); // the first of a firing follows the one before

    t = residual > t ? residual : t;
    c->summed = after > t ? after : t;
    s->summed[layer][output_index(s, layer, at)] = c->summed;
}

static void fire_output(struct schedule *s, uint32_t layer, const struct firing_shape *shape,
                        const struct firing_place *at, struct copy_state *c)
{
    const struct firing_policy *f = s->plan->layer[layer].firing;
    int64_t ready = output_ready(s, layer, at);

    if (c->n > 0 && c->n < shape->n && ready <= c->timestep && f->joins(shape, &c->head, at)) {
        c->n++;
    } else {
        int64_t next = c->n > 0 ? c->timestep + 1 : ready;
        c->head = *at;
        c->timestep = next > ready ? next : ready;
        c->n = 1;
    }
    s->fired[layer][output_index(s, layer, at)] = c->timestep;
}

static void fire_image(struct schedule *s, uint32_t layer, uint64_t image, struct copy_state *state)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    struct firing_shape shape = plan_firing_shape(s->plan, layer);

    for (uint32_t copy = 0; copy < pl->copies; copy++) {
        struct firing_place at = firing_first(pl->firing, &shape, copy, image);
        for (; at.image == image; pl->firing->next(&shape, copy, &at)) {
            fire_output(s, layer, &shape, &at, &state[copy]);
            if (pl->residual != RESIDUAL_NONE)
                sum_output(s, layer, &at, &state[copy]);
        }
    }
}

static bool row_repeats(const int64_t *table, size_t n, uint64_t image, uint64_t interval)
{
    const int64_t *now = table + image * n, *before = now - n;

    for (size_t i = 0; i < n; i++)
        if (now[i] != before[i] + (int64_t)interval)
            return false;
    return true;
}

/* Whether every output of an image comes one interval after that of the image before. */
static bool repeats(const struct schedule *s, uint64_t image)
{
    const struct plan *p = s->plan;

    for (uint32_t i = 0; i < p->n_layer; i++)
        if (!row_repeats(s->fired[i], map_size(p, i), image, p->interval) ||
            (s->summed[i] && !row_repeats(s->summed[i], map_size(p, i), image, p->interval)))
            return false;
    return true;
}

static bool grow_table(int64_t **table, size_t n)
{
    int64_t *more = realloc(*table, n * sizeof *more);

    if (!more)
        return false;
    *table = more;
    return true;
}

static bool grow(struct schedule *s, uint32_t n_image)
{
    const struct plan *p = s->plan;

    for (uint32_t i = 0; i < p->n_layer; i++) {
        size_t n = n_image * map_size(p, i);
        if (!grow_table(&s->fired[i], n) ||
            (p->layer[i].residual != RESIDUAL_NONE && !grow_table(&s->summed[i], n)) ||
            (p->layer[i].feed == FEED_READ_BACK && s->stored[i] && !grow_table(&s->stored[i], n)))
            return false;
    }
    s->n_image = n_image;
    return true;
}

static void use_by(int64_t *slot, int64_t t)
{
    *slot = t < *slot ? t : *slot;
}

/* First use of every pixel of the image, relative to the image's first timestep: when it is read,
 * or waited for as the last of a patch that lies in the padding. */
static void first_uses(const struct schedule *s, uint32_t layer, struct input_registers *reg)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    struct firing_shape shape = plan_firing_shape(s->plan, layer);
    int64_t *use = s->stored[layer];

    for (uint32_t copy = 0; copy < pl->copies; copy++) {
        struct firing_place at = firing_first(pl->firing, &shape, copy, 0);
        for (registers_reset(reg); at.image == 0; pl->firing->next(&shape, copy, &at)) {
            int64_t t = s->fired[layer][output_index(s, layer, &at)];
            registers_begin(reg, &at);
            registers_need(reg, &at);
            for (const struct row_read *r = reg->read; r < reg->read + reg->n_read; r++)
                for (uint32_t y = r->y; y < r->y + r->columns; y++)
                    use_by(&use[(size_t)y * pl->in_height + r->x], t);
            uint32_t x = window_last(&pl->window, 0, at.x, pl->in_height);
            uint32_t y = window_last(&pl->window, 1, at.y, pl->in_width);
            use_by(&use[(size_t)y * pl->in_height + x], t);
        }
    }
}

/* Time of pixel i, counted on into the image that follows an interval later. */
static int64_t next_images(const int64_t *time, size_t n, size_t i, uint64_t interval)
{
    return i < n ? time[i] : time[i - n] + (int64_t)interval;
}

/* The scratchpad stores pixels in scan order, each as late as its first use and the pixels behind
 * it allow, and no more in a timestep than an image has pixels per timestep of its interval. */
static bool store_image(const struct schedule *s, uint32_t layer)
{
    const struct plan *p = s->plan;
    const struct plan_layer *pl = &p->layer[layer];
    struct firing_shape shape = plan_firing_shape(p, layer);
    size_t n = (size_t)pl->in_height * pl->in_width, rate = ceil_div(n, p->interval);
    int64_t *time = s->stored[layer];
    struct input_registers reg;

    if (!registers_init(&reg, &pl->window, pl->in_height, pl->in_width,
                        pl->firing->strip_width(&shape)))
        return false;
    for (size_t i = 0; i < n; i++)
        time[i] = NEVER_USED;
    first_uses(s, layer, &reg);
    registers_release(&reg);
    time[n - 1] = time[n - 1] < (int64_t)p->interval ? time[n - 1] : (int64_t)p->interval - 1;
    for (bool changed = true; changed;) { // again, until the next image's first pixels agree
        changed = false;
        for (size_t i = n; i-- > 0;) {
            int64_t latest = next_images(time, n, i + rate, p->interval) - 1;
            int64_t next = next_images(time, n, i + 1, p->interval);
            latest = next < latest ? next : latest;
            changed |= time[i] > latest;
            time[i] = time[i] < latest ? time[i] : latest;
        }
    }
    return true;
}

static enum err no_memory(struct schedule *s, struct err_msg *m)
{
    schedule_release(s);
    return err_set(m, ERR_MEMORY, "no memory for the dry timing run");
}

/* Pixels of one layer that does not pool are stored a fixed time after its table says. */
static void find_sources(struct schedule *s)
{
    const struct plan *p = s->plan;

    for (uint32_t i = 0; i < p->n_layer; i++) {
        const struct layer *l = plan_network_layer(p, i);
        if (p->layer[i].feed != FEED_PRODUCER || l->n_input > 1)
            continue;
        uint32_t from = l->input[0] - 1;
        bool adds = p->layer[from].residual != RESIDUAL_NONE;
        if (plan_network_layer(p, from)->pooled)
            continue;
        s->source[i] = (struct schedule_source){
            .table = adds ? &s->summed[from] : &s->fired[from],
            .delay = p->config->fabric.hop_timesteps + (adds ? 0 : plan_sum_latency(p, from)),
            .height = l->in.height,
            .size = map_size(p, from),
        };
    }
}

static bool allocate(struct schedule *s)
{
    const struct plan *p = s->plan;

    s->fired = calloc(p->n_layer, sizeof *s->fired);
    s->summed = calloc(p->n_layer, sizeof *s->summed);
    s->stored = calloc(p->n_layer, sizeof *s->stored);
    s->source = calloc(p->n_layer, sizeof *s->source);
    if (!s->fired || !s->summed || !s->stored || !s->source)
        return false;
    find_sources(s);
    for (uint32_t i = 0; i < p->n_layer; i++) {
        const struct plan_layer *pl = &p->layer[i];
        if (pl->feed != FEED_SCRATCHPAD)
            continue;
        s->stored[i] = calloc((size_t)pl->in_height * pl->in_width, sizeof *s->stored[i]);
        if (!s->stored[i])
            return false;
    }
    return true;
}

enum err schedule_make(struct schedule *s, const struct plan *p, struct err_msg *m)
{
    *s = (struct schedule){ .plan = p };
    uint32_t n_copy = 0;
    for (uint32_t i = 0; i < p->n_layer; i++)
        n_copy += p->layer[i].copies;
    struct copy_state *state = calloc(n_copy, sizeof *state);
    if (!state || !allocate(s)) {
        free(state);
        return no_memory(s, m);
    }
    for (uint32_t image = 0; image < 2 || !repeats(s, image - 1); image++) {
        if (image == MOST_TRANSIENT_IMAGES || !grow(s, image + 1)) {
            free(state);
            if (image < MOST_TRANSIENT_IMAGES)
                return no_memory(s, m);
            schedule_release(s);
            return err_set(m, ERR_RUN,
                           "the pipeline does not settle within %d images: an interval of %" PRIu64
                           " timesteps is too short for it",
                           MOST_TRANSIENT_IMAGES, p->interval);
        }
        uint32_t first = 0;
        for (uint32_t i = 0; i < p->n_layer; first += p->layer[i].copies, i++) {
            fire_image(s, i, image, state + first);
            if (image > 0 || p->layer[i].feed != FEED_SCRATCHPAD || store_image(s, i))
                continue;
            free(state);
            return no_memory(s, m);
        }
    }
    free(state);
    s->n_image--; // the last row repeats the one before it
    return ERR_NONE;
}

void schedule_release(struct schedule *s)
{
    for (uint32_t i = 0; s->plan && i < s->plan->n_layer; i++) {
        if (s->fired)
            free(s->fired[i]);
        if (s->summed)
            free(s->summed[i]);
        if (s->stored)
            free(s->stored[i]);
    }
    free(s->fired);
    free(s->summed);
    free(s->source);
    free(s->stored);
    *s = (struct schedule){ 0 };
}

/* Latest read of every pixel of an image in the memories of a layer, for the crossbar and as a
 * residual; INT64_MIN where none is. Resampling pixels are sent before they are overwritten,
 * whatever K is, and do not count. */
static void last_uses(const struct schedule *s, uint32_t layer, uint64_t image,
                      struct input_registers *reg, int64_t *use)
{
    const struct plan *p = s->plan;
    const struct plan_layer *pl = &p->layer[layer];
    struct firing_shape shape = plan_firing_shape(p, layer);
    int64_t hop = p->config->fabric.hop_timesteps;

    for (uint32_t y = 0; y < pl->in_width; y++)
        for (uint32_t x = 0; x < pl->in_height; x++)
            use[(size_t)y * pl->in_height + x] = INT64_MIN;
    for (uint32_t copy = 0; copy < pl->copies; copy++) {
        struct firing_place at = firing_first(pl->firing, &shape, copy, image);
        for (registers_reset(reg); at.image == image; pl->firing->next(&shape, copy, &at)) {
            int64_t t = schedule_fired(s, layer, image, at.x, at.y);
            registers_begin(reg, &at);
            registers_need(reg, &at);
            for (const struct row_read *r = reg->read; r < reg->read + reg->n_read; r++)
                for (uint32_t y = r->y; y < r->y + r->columns; y++) {
                    int64_t *slot = &use[(size_t)y * pl->in_height + r->x];
                    *slot = t > *slot ? t : *slot;
                }
        }
    }
    for (uint32_t i = 0; i < p->n_layer; i++) {
        if (p->layer[i].residual != RESIDUAL_READ_BACK || p->layer[i].residual_from != layer)
            continue;
        for (uint32_t y = 0; y < pl->in_width; y++)
            for (uint32_t x = 0; x < pl->in_height; x++) {
                int64_t *slot = &use[(size_t)y * pl->in_height + x];
                int64_t t = schedule_summed(s, i, image, x, y) - hop;
                *slot = t > *slot ? t : *slot;
            }
    }
}

/* Timestep in which pixel (x, column) has come, or begins to: columns counted on from image to
 * image. */
typedef int64_t pixel_time(const struct schedule *s, uint32_t layer, uint64_t image, uint32_t x,
                           uint32_t y);
static int64_t column_time(const struct schedule *s, pixel_time *time, uint32_t layer, uint32_t x,
                           uint64_t column)
{
    uint32_t width = s->plan->layer[layer].in_width;

    return time(s, layer, column / width, x, (uint32_t)(column % width));
}

/* Whether a column may begin to come, from one copy or layer, before the one before is complete. */
static bool columns_overlap(const struct plan *p, uint32_t layer)
{
    return !plan_in_scan_order(p, layer) || plan_network_layer(p, layer)->n_input > 1;
}

/* Last timestep in which a pixel must be in its slot, of `columns` in all. Where columns overlap it
 * must also have come before the next one in the slot, if either is used. */
static int64_t kept_until(const struct schedule *s, uint32_t layer, uint64_t image, uint32_t x,
                          uint32_t y, uint32_t columns, const int64_t *use)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    int64_t t = use[(size_t)y * pl->in_height + x];
    int64_t next = use[(size_t)((y + columns) % pl->in_width) * pl->in_height + x];

    if (!columns_overlap(s->plan, layer) || (t == INT64_MIN && next == INT64_MIN))
        return t;
    int64_t stored = schedule_stored(s, layer, image, x, y);
    return stored > t ? stored : t;
}

uint32_t schedule_tracked_columns(const struct schedule *s, uint32_t layer)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    uint32_t rows = plan_network_layer(s->plan, layer)->out.height;
    uint32_t last = window_last(&pl->window, 0, rows - 1, pl->in_height);
    uint32_t n = plan_kernel_columns(s->plan, layer), before = 0;

    while (columns_overlap(s->plan, layer) && before != n) {
        before = n;
        for (uint64_t c = 0; c < (uint64_t)s->n_image * pl->in_width; c++)
            while (column_time(s, schedule_stored, layer, 0, c + n) <
                   column_time(s, schedule_stored, layer, last, c))
                n++;
    }
    return n;
}

/* Raises *columns until no pixel of an image is overwritten too early. */
static void keep_columns(const struct schedule *s, uint32_t layer, uint32_t image,
                         const int64_t *use, uint32_t *columns)
{
    const struct plan_layer *pl = &s->plan->layer[layer];

    for (uint32_t y = 0; y < pl->in_width; y++)
        for (uint32_t x = 0; x < pl->in_height; x++) {
            uint64_t c = (uint64_t)image * pl->in_width + y;
            while (column_time(s, schedule_begun, layer, x, c + *columns) <=
                   kept_until(s, layer, image, x, y, *columns, use))
                ++*columns;
        }
}

enum err schedule_memory_columns(const struct schedule *s, uint32_t layer, uint32_t *columns,
                                 struct err_msg *m)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    struct firing_shape shape = plan_firing_shape(s->plan, layer);
    struct input_registers reg;
    int64_t *use = calloc((size_t)pl->in_height * pl->in_width, sizeof *use);

    *columns = plan_kernel_columns(s->plan, layer);
    if (!use || !registers_init(&reg, &pl->window, pl->in_height, pl->in_width,
                                pl->firing->strip_width(&shape))) {
        free(use);
        return err_set(m, ERR_MEMORY, "no memory for the dry timing run");
    }
    for (uint32_t before = 0; before != *columns;) { // a new number has new neighbours
        before = *columns;
        for (uint32_t image = 0; image < s->n_image; image++) {
            last_uses(s, layer, image, &reg, use);
            keep_columns(s, layer, image, use, columns);
        }
        if (!columns_overlap(s->plan, layer))
            break;
    }
    registers_release(&reg);
    free(use);
    return ERR_NONE;
}

/* Latest firings of one copy of a resampling layer with which every result is there for its sum:
 * backwards from the last of all images kept. Writes late[image][y * height + x] and the copy's
 * outputs in order; returns their number. */
static size_t latest_firings(const struct schedule *s, uint32_t layer, uint32_t copy,
                             struct firing_place *order, int64_t *late)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    struct firing_shape shape = plan_firing_shape(s->plan, layer);
    struct firing_place at = firing_first(pl->firing, &shape, copy, 0), last = at;
    int64_t way = s->plan->config->fabric.hop_timesteps + plan_sum_latency(s->plan, layer);
    int64_t t = INT64_MAX;
    uint32_t sum = plan_sum_of(s->plan, layer), held = 0;
    size_t n = 0;

    for (; at.image < s->n_image; pl->firing->next(&shape, copy, &at))
        order[n++] = at;
    for (size_t i = n; i-- > 0;) {
        const struct firing_place *o = &order[i];
        int64_t deadline = schedule_summed(s, sum, o->image, o->x, o->y) - way;
        if (held > 0 && held < shape.n && deadline >= t && pl->firing->joins(&shape, o, &last)) {
            held++;
        } else {
            t = deadline < t ? deadline : t - 1;
            last = *o;
            held = 1;
        }
        late[output_index(s, layer, o)] = t;
    }
    return n;
}

/* Turns the latest firings of a copy into the timesteps in which its pixels are stored, a hop after
 * they are sent: in order, and before they are overwritten. False when one would have to be sent
 * before it is there. The last image has none behind it and is not looked at. */
static bool store_sent(const struct schedule *s, uint32_t layer, const struct firing_place *order,
                       size_t n, int64_t *stored)
{
    const struct plan_layer *pl = &s->plan->layer[layer], *from = &s->plan->layer[pl->feeder];
    const struct window *w = &plan_network_layer(s->plan, layer)->window;
    int64_t hop = s->plan->config->fabric.hop_timesteps, next = INT64_MAX;
    bool in_time = true;

    while (n-- > 0) {
        const struct firing_place *o = &order[n];
        uint32_t x = o->x * w->stride[0], y = o->y * w->stride[1];
        uint64_t column = o->image * from->in_width + y;
        int64_t overwritten =
            column_time(s, schedule_begun, pl->feeder, x, column + from->memory_columns);
        int64_t *t = &stored[output_index(s, layer, o)];
        next = overwritten - 1 + hop < next ? overwritten - 1 + hop : next;
        next = *t = *t < next ? *t : next;
        if (o->image + 1 < s->n_image)
            in_time &= *t - hop >= schedule_stored(s, pl->feeder, o->image, x, y);
    }
    return in_time;
}

static void extend_table(int64_t *table, size_t n, uint32_t from, uint32_t to, uint64_t interval)
{
    for (size_t i = from * n; i < to * n; i++)
        table[i] = table[i - n] + (int64_t)interval;
}

static bool extend(struct schedule *s, uint32_t n_image)
{
    const struct plan *p = s->plan;
    uint32_t old = s->n_image;

    if (n_image <= old)
        return true;
    if (!grow(s, n_image))
        return false;
    for (uint32_t i = 0; i < p->n_layer; i++) {
        extend_table(s->fired[i], map_size(p, i), old, n_image, p->interval);
        if (s->summed[i])
            extend_table(s->summed[i], map_size(p, i), old, n_image, p->interval);
        if (p->layer[i].feed == FEED_READ_BACK && s->stored[i])
            extend_table(s->stored[i], map_size(p, i), old, n_image, p->interval);
    }
    return true;
}

enum err schedule_resampling(struct schedule *s, uint32_t layer, bool *in_time, struct err_msg *m)
{
    const struct plan *p = s->plan;
    uint32_t kept = s->n_image, n_image = kept + MOST_TRANSIENT_IMAGES_OF_RESAMPLING, row = kept;
    size_t n = map_size(p, layer);
    struct firing_place *order = calloc(n_image * n, sizeof *order);
    struct copy_state *state = calloc(p->layer[layer].copies, sizeof *state);

    if (!order || !state || !grow_table(&s->stored[layer], n_image * n) || !extend(s, n_image)) {
        free(order);
        free(state);
        return err_set(m, ERR_MEMORY, "no memory for the dry timing run");
    }
    *in_time = true;
    for (uint32_t copy = 0; copy < p->layer[layer].copies; copy++) {
        size_t outputs = latest_firings(s, layer, copy, order, s->stored[layer]);
        *in_time &= store_sent(s, layer, order, outputs, s->stored[layer]);
    }
    for (uint32_t image = 0; image < n_image; image++)
        fire_image(s, layer, image, state);
    free(order);
    free(state);
    while (row + 1 < n_image && !(row_repeats(s->fired[layer], n, row, p->interval) &&
                                  row_repeats(s->stored[layer], n, row, p->interval)))
        row++;
    s->n_image = row; // it and all that follow repeat the one before
    if (*in_time && row + 1 == n_image)
        return err_set(m, ERR_RUN, "resampling layer %s does not settle from image to image",
                       plan_layer_name(p, layer));
    return ERR_NONE;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void sort_times(int64_t *time, size_t n)
{
    size_t i = 1;

    while (i < n && time[i - 1] <= time[i])
        i++;
    if (i < n)
        qsort(time, n, sizeof *time, by_time);
}

/* Most items there at once, of n that come and go; one that goes is there in that timestep. */
static uint32_t most_at_once(int64_t *come, int64_t *go, size_t n)
{
    size_t gone = 0, most = 0;

    sort_times(come, n);
    sort_times(go, n);
    for (size_t i = 0; i < n; i++) {
        while (go[gone] < come[i])
            gone++;
        if (i + 1 - gone > most)
            most = i + 1 - gone;
    }
    return (uint32_t)most;
}

/* When the residual of an output comes. */
static int64_t residual_comes(const struct schedule *s, uint32_t layer, uint64_t image, uint32_t x,
                              uint32_t y)
{
    const struct plan_layer *pl = &s->plan->layer[layer];

    if (pl->residual == RESIDUAL_READ_BACK) // sent to be there just then
        return schedule_summed(s, layer, image, x, y);
    return schedule_done(s, pl->residual_from, image, x, y) + s->plan->config->fabric.hop_timesteps;
}

/* Images that can wait at the same time, beyond those kept. */
static uint32_t images_waiting(const struct schedule *s, uint32_t layer)
{
    const struct shape *out = &plan_network_layer(s->plan, layer)->out;
    int64_t longest = 0;

    for (uint32_t image = 0; image < s->n_image; image++)
        for (uint32_t y = 0; y < out->width; y++)
            for (uint32_t x = 0; x < out->height; x++) {
                int64_t since = schedule_fired(s, layer, image, x, y);
                int64_t come = residual_comes(s, layer, image, x, y);
                since = come < since ? come : since;
                int64_t wait = schedule_summed(s, layer, image, x, y) - since;
                longest = wait > longest ? wait : longest;
            }
    return 1 + (uint32_t)((uint64_t)longest / s->plan->interval);
}

enum err schedule_waiting(const struct schedule *s, uint32_t layer, uint32_t *pixels,
                          uint32_t *firings, struct err_msg *m)
{
    const struct plan *p = s->plan;
    const struct plan_layer *pl = &p->layer[layer];
    struct firing_shape shape = plan_firing_shape(p, layer);
    uint32_t n_image = s->n_image + images_waiting(s, layer);
    size_t most = n_image * map_size(p, layer);
    int64_t *come = calloc(most, sizeof *come), *go = calloc(most, sizeof *go);
    int64_t *fired = calloc(most, sizeof *fired), *summed = calloc(most, sizeof *summed);
    bool done = come && go && fired && summed;

    *pixels = *firings = 0;
    for (uint32_t copy = 0; done && copy < pl->copies; copy++) {
        struct firing_place at = firing_first(pl->firing, &shape, copy, 0);
        size_t n = 0, n_firing = 0;
        for (; at.image < n_image; pl->firing->next(&shape, copy, &at), n++) {
            int64_t t = schedule_fired(s, layer, at.image, at.x, at.y);
            go[n] = schedule_summed(s, layer, at.image, at.x, at.y);
            come[n] = residual_comes(s, layer, at.image, at.x, at.y);
            if (n_firing == 0 || fired[n_firing - 1] != t)
                fired[n_firing++] = t;
            summed[n_firing - 1] = go[n];
        }
        *pixels = max_u32(*pixels, most_at_once(come, go, n));
        *firings = max_u32(*firings, most_at_once(fired, summed, n_firing));
    }
    free(come);
    free(go);
    free(fired);
    free(summed);
    return done ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for the dry timing run");
}
