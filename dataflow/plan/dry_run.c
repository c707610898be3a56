/* dataflow/plan/dry_run.c -- when outputs fire and pixels are stored, see dry_run.h. */
#include "dataflow/plan/dry_run.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "dataflow/plan/dry_run_internal.h"
#include "memory/registers.h"

#define NEVER_USED (INT64_MAX / 2) // first use of a pixel that no window sees

enum { MOST_TRANSIENT_IMAGES = 256 }; // before a stream that does not settle is given up

/* An entry of a table of outputs, for any image: behind the last one kept they repeat. */
static int64_t look_up(const struct dry_run *s, uint32_t layer, const int64_t *table,
                       uint64_t image, uint32_t row, uint32_t column)
{
    uint64_t kept = min_u64(image, s->n_image - 1);
    struct pixel at = { kept, row, column };

    return table[dry_run_output_index(s, layer, &at)] +
           (int64_t)((image - kept) * s->plan->interval);
}

int64_t dry_run_fired(const struct dry_run *s, uint32_t layer, uint64_t image, uint32_t row,
                       uint32_t column)
{
    return look_up(s, layer, s->fired[layer], image, row, column);
}

int64_t dry_run_summed(const struct dry_run *s, uint32_t layer, uint64_t image, uint32_t row,
                        uint32_t column)
{
    if (s->plan->layer[layer].residual == RESIDUAL_NONE)
        return dry_run_fired(s, layer, image, row, column) + plan_sum_latency(s->plan, layer);
    return look_up(s, layer, s->summed[layer], image, row, column);
}

int64_t dry_run_done(const struct dry_run *s, uint32_t layer, uint64_t image, uint32_t row,
                      uint32_t column)
{
    const struct layer *l = plan_network_layer(s->plan, layer);

    if (!l->pooled)
        return dry_run_summed(s, layer, image, row, column);
    return dry_run_summed(s, layer, image, l->out.height - 1, l->out.width - 1); // the last one
}

int64_t dry_run_stored(const struct dry_run *s, uint32_t layer, uint64_t image, uint32_t row,
                        uint32_t column)
{
    const struct plan *p = s->plan;
    const struct plan_layer *pl = &p->layer[layer];
    const struct layer *l = plan_network_layer(p, layer);
    const struct dry_run_source *source = &s->source[layer];
    int64_t hop = p->hops[layer].pixels, last = INT64_MIN;

    if (source->table) { // the usual case, and the hottest: as below
        uint64_t kept = min_u64(image, s->n_image - 1);
        return (*source->table)[kept * source->size + (size_t)column * source->height + row] +
               source->delay + (int64_t)((image - kept) * p->interval);
    }
    switch (pl->feed) {
    case FEED_SCRATCHPAD:
        return s->stored[layer][(size_t)column * pl->in_height + row] +
               (int64_t)(image * p->interval);
    case FEED_READ_BACK:
        return look_up(s, layer, s->stored[layer], image, row, column);
    case FEED_PRODUCER:
        for (uint32_t i = 0; i < l->n_input; i++) {
            int64_t t = dry_run_done(s, l->input[i] - 1, image, row, column) + hop;
            last = t > last ? t : last;
        }
        return last;
    }
    assert(!"unknown feed");
    return 0;
}

int64_t dry_run_begun(const struct dry_run *s, uint32_t layer, uint64_t image, uint32_t row,
                       uint32_t column)
{
    const struct layer *l = plan_network_layer(s->plan, layer);
    int64_t first = INT64_MAX;

    if (s->plan->layer[layer].feed != FEED_PRODUCER || l->n_input == 1)
        return dry_run_stored(s, layer, image, row, column);
    for (uint32_t i = 0; i < l->n_input; i++) {
        int64_t t = dry_run_done(s, l->input[i] - 1, image, row, column);
        first = t < first ? t : first;
    }
    return first + s->plan->hops[layer].pixels;
}

/* Within a column pixels arrive from the first row on, so the last row of each column
 * decides; of columns in scan order the last. */
static int64_t patch_stored(const struct dry_run *s, uint32_t layer, const struct pixel *at)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    uint32_t row = window_last(&pl->window, 0, at->row, pl->in_height);
    uint32_t to = window_last(&pl->window, 1, at->column, pl->in_width);
    uint32_t column = s->source[layer].in_order
                          ? to
                          : window_first(&pl->window, 1, at->column, pl->in_width);
    int64_t last = INT64_MIN;

    for (; column <= to; column++) {
        int64_t t = dry_run_stored(s, layer, at->image, row, column);
        last = t > last ? t : last;
    }
    return last;
}

/* When the pixels of an output are there. */
static int64_t output_ready(const struct dry_run *s, uint32_t layer, const struct pixel *at)
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
            return look_up(s, layer, s->stored[layer], at->image, at->row, at->column);
        return p->hops[layer].pixels + // as early as it could be
               dry_run_stored(s, pl->feeder, at->image, at->row * l->window.stride[0],
                               at->column * l->window.stride[1]);
    }
    assert(!"unknown feed");
    return 0;
}

/* When the residual of an output can be at the summing core at the earliest. */
static int64_t residual_ready(const struct dry_run *s, uint32_t layer,
                              const struct pixel *at)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    int64_t hop = s->plan->hops[layer].residual;

    if (pl->residual == RESIDUAL_READ_BACK)
        return dry_run_stored(s, pl->residual_from, at->image, at->row, at->column) + hop;
    return dry_run_done(s, pl->residual_from, at->image, at->row, at->column) + hop;
}

static void fire_output(struct dry_run *s, uint32_t layer, const struct firing_shape *shape,
                        const struct pixel *at, struct firing_run *run)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    size_t i = dry_run_output_index(s, layer, at);

    firing_run_add(run, pl->firing, shape, at, output_ready(s, layer, at));
    s->fired[layer][i] = run->timestep;
    if (pl->residual == RESIDUAL_NONE)
        return;
    int64_t sum = run->timestep + plan_sum_latency(s->plan, layer);
    int64_t residual = residual_ready(s, layer, at);
    firing_run_sum(run, residual > sum ? residual : sum, false);
    s->summed[layer][i] = run->summed;
}

void dry_run_fire_image(struct dry_run *s, uint32_t layer, uint64_t image,
                         struct firing_run *state)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    struct firing_shape shape = plan_firing_shape(s->plan, layer);

    for (uint32_t copy = 0; copy < pl->copies; copy++) {
        struct pixel at = firing_first(pl->firing, &shape, copy, image);
        for (; at.image == image; pl->firing->next(&shape, copy, &at))
            fire_output(s, layer, &shape, &at, &state[copy]);
    }
}

bool dry_run_row_repeats(const int64_t *table, size_t n, uint64_t image, uint64_t interval)
{
    const int64_t *now = table + image * n, *before = now - n;

    for (size_t i = 0; i < n; i++)
        if (now[i] != before[i] + (int64_t)interval)
            return false;
    return true;
}

/* Whether every output of an image comes one interval after that of the image before. */
static bool repeats(const struct dry_run *s, uint64_t image)
{
    const struct plan *p = s->plan;

    for (uint32_t i = 0; i < p->n_layer; i++)
        if (!dry_run_row_repeats(s->fired[i], dry_run_map_size(p, i), image, p->interval) ||
            (s->summed[i] &&
             !dry_run_row_repeats(s->summed[i], dry_run_map_size(p, i), image, p->interval)))
            return false;
    return true;
}

bool dry_run_grow_table(int64_t **table, size_t n)
{
    int64_t *more = realloc(*table, n * sizeof *more);

    if (!more)
        return false;
    *table = more;
    return true;
}

bool dry_run_grow(struct dry_run *s, uint32_t n_image)
{
    const struct plan *p = s->plan;

    for (uint32_t i = 0; i < p->n_layer; i++) {
        size_t n = n_image * dry_run_map_size(p, i);
        if (!dry_run_grow_table(&s->fired[i], n) ||
            (p->layer[i].residual != RESIDUAL_NONE && !dry_run_grow_table(&s->summed[i], n)) ||
            (p->layer[i].feed == FEED_READ_BACK && s->stored[i] &&
             !dry_run_grow_table(&s->stored[i], n)))
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
static void first_uses(const struct dry_run *s, uint32_t layer, struct input_registers *reg)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    struct firing_shape shape = plan_firing_shape(s->plan, layer);
    int64_t *use = s->stored[layer];

    for (uint32_t copy = 0; copy < pl->copies; copy++) {
        struct pixel at = firing_first(pl->firing, &shape, copy, 0);
        for (registers_reset(reg); at.image == 0; pl->firing->next(&shape, copy, &at)) {
            int64_t t = s->fired[layer][dry_run_output_index(s, layer, &at)];
            registers_begin(reg, &at);
            registers_need(reg, &at);
            for (const struct row_read *r = reg->read; r < reg->read + reg->n_read; r++)
                for (uint32_t i = 0; i < r->columns; i++)
                    use_by(&use[(size_t)(r->first_column + i) * pl->in_height + r->row], t);
            uint32_t row = window_last(&pl->window, 0, at.row, pl->in_height);
            uint32_t column = window_last(&pl->window, 1, at.column, pl->in_width);
            use_by(&use[(size_t)column * pl->in_height + row], t);
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
static bool store_image(const struct dry_run *s, uint32_t layer)
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

static enum err no_memory(struct dry_run *s, struct err_msg *m)
{
    dry_run_release(s);
    return err_set(m, ERR_MEMORY, "no memory for the dry timing run");
}

/* Pixels of one layer that does not pool are stored a fixed time after its table says. */
static void find_sources(struct dry_run *s)
{
    const struct plan *p = s->plan;

    for (uint32_t i = 0; i < p->n_layer; i++) {
        const struct layer *l = plan_network_layer(p, i);
        s->source[i].in_order = plan_in_scan_order(p, i);
        if (p->layer[i].feed != FEED_PRODUCER || l->n_input > 1)
            continue;
        uint32_t from = l->input[0] - 1;
        bool adds = p->layer[from].residual != RESIDUAL_NONE;
        if (plan_network_layer(p, from)->pooled)
            continue;
        s->source[i] = (struct dry_run_source){
            .table = adds ? &s->summed[from] : &s->fired[from],
            .delay = p->hops[i].pixels + (adds ? 0 : plan_sum_latency(p, from)),
            .height = l->in.height,
            .size = dry_run_map_size(p, from),
            .in_order = s->source[i].in_order,
        };
    }
}

static bool allocate(struct dry_run *s)
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

enum err dry_run_make(struct dry_run *s, const struct plan *p, struct err_msg *m)
{
    *s = (struct dry_run){ .plan = p };
    uint32_t n_copy = 0;
    for (uint32_t i = 0; i < p->n_layer; i++)
        n_copy += p->layer[i].copies;
    struct firing_run *state = calloc(n_copy, sizeof *state);
    if (!state || !allocate(s)) {
        free(state);
        return no_memory(s, m);
    }
    for (uint32_t image = 0; image < 2 || !repeats(s, image - 1); image++) {
        if (image == MOST_TRANSIENT_IMAGES || !dry_run_grow(s, image + 1)) {
            free(state);
            if (image < MOST_TRANSIENT_IMAGES)
                return no_memory(s, m);
            dry_run_release(s);
            return err_set(m, ERR_RUN,
                           "the pipeline does not settle within %d images: an interval of %" PRIu64
                           " timesteps is too short for it",
                           MOST_TRANSIENT_IMAGES, p->interval);
        }
        uint32_t first = 0;
        for (uint32_t i = 0; i < p->n_layer; first += p->layer[i].copies, i++) {
            dry_run_fire_image(s, i, image, state + first);
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

void dry_run_release(struct dry_run *s)
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
    *s = (struct dry_run){ 0 };
}
