/* dataflow/mapper/times.c -- see times.h. */
#include "dataflow/mapper/times.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "memory/registers.h"

enum { MOST_PORT = 1 << 20 }; // timesteps of an image that are looked at

struct mapper_times {
    const struct mapper *mp;
    uint32_t            *last_reader; // owned; [n_layer]
    uint32_t             layer;       // of the tables below
    int64_t             *stored;      // owned; of one input map
    int64_t             *ready, *residual, *fired; // owned; of its outputs
    int64_t            **done;        // owned; of whole mappings: [layer]
    uint32_t            *port;        // owned; [n_port]: words of the memory by timestep
    size_t               n_port;
};

static const struct layer *layer_of(const struct mapper *mp, uint32_t layer)
{
    return plan_network_layer(&mp->plan, layer);
}

uint32_t mapper_times_size(const struct mapper *mp, uint32_t layer)
{
    const struct shape out = layer_delivers(layer_of(mp, layer));

    return out.height * out.width;
}

uint32_t mapper_times_last_reader(const struct mapper_times *t, uint32_t layer)
{
    return t->last_reader[layer];
}

/* `reader` needs the times of what feeds the memories of `memory`. */
static void reads_inputs_of(struct mapper_times *t, uint32_t reader, uint32_t memory)
{
    const struct layer *l = layer_of(t->mp, memory);

    for (uint32_t k = 0; k < l->n_input; k++)
        if (l->input[k] > 0)
            t->last_reader[l->input[k] - 1] = max_u32(t->last_reader[l->input[k] - 1], reader);
}

static enum err find_readers(struct mapper_times *t, struct err_msg *m)
{
    const struct plan *p = &t->mp->plan;

    for (uint32_t i = 0; i < t->mp->n_layer; i++)
        t->last_reader[i] = i;
    for (uint32_t i = 0; i < t->mp->n_layer; i++) {
        const struct plan_layer *pl = &p->layer[i];
        reads_inputs_of(t, i, pl->feed == FEED_READ_BACK ? pl->feeder : i);
        if (pl->residual == RESIDUAL_DIRECT)
            t->last_reader[pl->residual_from] = max_u32(t->last_reader[pl->residual_from], i);
        if (pl->residual != RESIDUAL_READ_BACK && pl->residual != RESIDUAL_IMAGE)
            continue;
        if (p->layer[pl->residual_from].feed == FEED_SCRATCHPAD)
            return err_set(m, ERR_INPUT, "layer %s adds the image: the mapper does not time that "
                           "yet: want mapping.optimize = none", plan_layer_name(p, i));
        reads_inputs_of(t, i, pl->residual_from);
    }
    return ERR_NONE;
}

enum err mapper_times_new(struct mapper_times **t, const struct mapper *mp, struct err_msg *m)
{
    size_t most = 1;

    for (uint32_t i = 0; i < mp->n_layer; i++) {
        const struct layer *l = layer_of(mp, i);
        size_t in = (size_t)l->in.height * l->in.width, out = (size_t)l->out.height * l->out.width;
        most = in > most ? in : most;
        most = out > most ? out : most;
    }
    *t = calloc(1, sizeof **t);
    if (!*t)
        return err_set(m, ERR_MEMORY, "no memory for the mapper");
    (*t)->mp = mp;
    (*t)->last_reader = calloc(mp->n_layer, sizeof *(*t)->last_reader);
    (*t)->stored = calloc(most, sizeof *(*t)->stored);
    (*t)->ready = calloc(most, sizeof *(*t)->ready);
    (*t)->residual = calloc(most, sizeof *(*t)->residual);
    (*t)->fired = calloc(most, sizeof *(*t)->fired);
    (*t)->done = calloc(mp->n_layer, sizeof *(*t)->done);
    bool there = (*t)->last_reader && (*t)->stored && (*t)->ready && (*t)->residual &&
                 (*t)->fired && (*t)->done;
    for (uint32_t i = 0; there && i < mp->n_layer; i++) {
        (*t)->done[i] = calloc(mapper_times_size(mp, i), sizeof *(*t)->done[i]);
        there = (*t)->done[i] != NULL;
    }
    enum err e = there ? find_readers(*t, m) : err_set(m, ERR_MEMORY, "no memory for the mapper");
    if (e) {
        mapper_times_free(*t);
        *t = NULL;
    }
    return e;
}

void mapper_times_free(struct mapper_times *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; t->done && i < t->mp->n_layer; i++)
        free(t->done[i]);
    free(t->last_reader);
    free(t->port);
    free(t->stored);
    free(t->ready);
    free(t->residual);
    free(t->fired);
    free(t->done);
    free(t);
}

/* When every pixel is stored in the memories of a layer that its producers feed. */
static void store_pixels(struct mapper_times *t, uint32_t memory, const int64_t *const *done)
{
    const struct layer *l = layer_of(t->mp, memory);
    int64_t hop = t->mp->pixels.hops;
    size_t n = (size_t)l->in.height * l->in.width;

    for (uint32_t k = 0; k < l->n_input; k++) {
        const int64_t *from = done[l->input[k] - 1];
        for (size_t i = 0; i < n; i++)
            t->stored[i] = k == 0 || from[i] + hop > t->stored[i] ? from[i] + hop : t->stored[i];
    }
}

/* Pixels of a column come from the first row on: the last row of a patch decides. */
static void patches_ready(struct mapper_times *t, uint32_t layer)
{
    const struct layer *l = layer_of(t->mp, layer);
    int64_t *ready = t->ready;

    for (uint32_t column = 0; column < l->out.width; column++) {
        uint32_t from = window_first(&l->window, 1, column, l->in.width);
        uint32_t to = window_last(&l->window, 1, column, l->in.width);
        for (uint32_t row = 0; row < l->out.height; row++, ready++) {
            const int64_t *last = t->stored + window_last(&l->window, 0, row, l->in.height);
            *ready = last[(size_t)from * l->in.height];
            for (uint32_t k = from + 1; k <= to; k++)
                if (last[(size_t)k * l->in.height] > *ready)
                    *ready = last[(size_t)k * l->in.height];
        }
    }
}

/* What a resampling layer is sent, at the earliest. */
static void pixels_sent(struct mapper_times *t, uint32_t layer)
{
    const struct layer *l = layer_of(t->mp, layer);
    int64_t hop = t->mp->pixels.hops, *ready = t->ready;

    for (uint32_t column = 0; column < l->out.width; column++)
        for (uint32_t row = 0; row < l->out.height; row++)
            *ready++ = hop + t->stored[(size_t)column * l->window.stride[1] * l->in.height +
                                       row * l->window.stride[0]];
}

void mapper_times_inputs(struct mapper_times *t, uint32_t layer, const int64_t *const *done)
{
    const struct plan_layer *pl = &t->mp->plan.layer[layer];
    const struct layer *l = layer_of(t->mp, layer);
    int64_t hop = t->mp->pixels.hops;
    size_t n = (size_t)l->out.height * l->out.width;

    t->layer = layer;
    if (pl->residual == RESIDUAL_READ_BACK)
        store_pixels(t, pl->residual_from, done);
    for (size_t i = 0; i < n && pl->residual != RESIDUAL_NONE; i++)
        t->residual[i] =
            hop + (pl->residual == RESIDUAL_READ_BACK ? t->stored[i] : done[pl->residual_from][i]);

    switch (pl->feed) {
    case FEED_SCRATCHPAD:
        for (size_t i = 0; i < n; i++)
            t->ready[i] = 0;
        return;
    case FEED_PRODUCER:
        store_pixels(t, layer, done);
        patches_ready(t, layer);
        return;
    case FEED_READ_BACK:
        store_pixels(t, pl->feeder, done);
        pixels_sent(t, layer);
        return;
    }
}

/* One copy, output after output: docs/accelerator.md, section 4. */
static bool time_copy(struct mapper_times *t, const struct mapper_option *o,
                      const struct firing_shape *shape, uint32_t copy, bool relaxed, int64_t *done)
{
    const struct mapper *mp = t->mp;
    bool sums = mp->plan.layer[t->layer].residual != RESIDUAL_NONE, waited = false;
    bool pooled = layer_of(mp, t->layer)->pooled;
    int64_t chain = (int64_t)(o->parts - 1) * mp->sums.hops;
    struct firing_run run = { 0 };
    struct pixel at = firing_first(o->firing, shape, copy, 0);

    for (; at.image == 0; o->firing->next(shape, copy, &at)) {
        size_t i = (size_t)at.column * shape->height + at.row;
        firing_run_add(&run, o->firing, shape, &at, t->ready[i]);
        waited |= run.timestep > t->ready[i];
        t->fired[i] = run.timestep;
        int64_t sum = run.timestep + chain;
        if (sums) {
            int64_t complete = t->residual[i] > sum ? t->residual[i] : sum;
            firing_run_sum(&run, complete, relaxed);
            waited |= run.summed > complete;
            sum = run.summed;
        }
        if (!pooled)
            done[i] = sum;
        else
            done[0] = sum > done[0] ? sum : done[0];
    }
    return waited;
}

bool mapper_times_layer(struct mapper_times *t, const struct mapper_option *o, bool relaxed,
                        int64_t *done)
{
    const struct layer *l = layer_of(t->mp, t->layer);
    const struct firing_shape shape = mapper_firing_shape(l, o);
    bool waited = false;

    done[0] = -1;
    for (uint32_t copy = 0; copy < o->copies; copy++)
        waited |= time_copy(t, o, &shape, copy, relaxed, done);
    return waited;
}

void mapper_times_least(struct mapper_times *t, int64_t *done)
{
    const struct mapper *mp = t->mp;
    const struct layer *l = layer_of(mp, t->layer);
    size_t n = (size_t)l->out.height * l->out.width;
    bool sums = mp->plan.layer[t->layer].residual != RESIDUAL_NONE;
    uint32_t parts = UINT32_MAX;

    for (uint32_t k = 0; k < mp->layer[t->layer].n_option; k++)
        parts = min_u32(parts, mp->layer[t->layer].option[k].parts);
    int64_t chain = (int64_t)(parts - 1) * mp->sums.hops, last = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        int64_t sum = t->ready[i] + chain;
        sum = sums && t->residual[i] > sum ? t->residual[i] : sum;
        last = sum > last ? sum : last;
        if (!l->pooled)
            done[i] = sum;
    }
    if (l->pooled)
        done[0] = last;
}

/* Of the outputs in one column that see a row the first reads it. */
static uint32_t first_output(const struct layer *l, uint32_t row)
{
    uint32_t at = 0;

    while (at + 1 < l->out.height && window_last(&l->window, 0, at, l->in.height) < row)
        at++;
    return at;
}

static bool keeps_pixels(const struct mapper_times *t, const struct mapper_option *o)
{
    const struct layer *l = layer_of(t->mp, t->layer);
    uint32_t height = l->in.height, width = l->in.width;

    if (o->memory_columns >= width)
        return true;
    for (uint32_t row = 0; row < height; row++) {
        const int64_t *stored = t->stored + row, *fired = t->fired + first_output(l, row);
        for (uint32_t column = 0; column < l->out.width; column++) {
            uint32_t from = window_first(&l->window, 1, column, width);
            uint32_t to = window_last(&l->window, 1, column, width);
            for (uint32_t k = from; k <= to && k + o->memory_columns < width; k++)
                if (stored[(size_t)(k + o->memory_columns) * height] <=
                    fired[(size_t)column * l->out.height])
                    return false;
        }
    }
    return true;
}

/* Words that n pixels take at least, side by side. */
static uint32_t least_words(const struct mapper_option *o, uint32_t n)
{
    return o->pixel_words > 0 ? n * o->pixel_words : 1;
}

static void read_patches(struct mapper_times *t, const struct mapper_option *o, uint32_t copy,
                         struct input_registers *reg, int64_t base)
{
    const struct layer *l = layer_of(t->mp, t->layer);
    const struct firing_shape shape = mapper_firing_shape(l, o);
    struct pixel at = firing_first(o->firing, &shape, copy, 0);

    for (registers_reset(reg); at.image == 0; o->firing->next(&shape, copy, &at)) {
        uint32_t *port = &t->port[t->fired[(size_t)at.column * shape.height + at.row] - base];
        registers_begin(reg, &at);
        registers_need(reg, &at);
        for (const struct row_read *r = reg->read; r < reg->read + reg->n_read; r++)
            *port += least_words(o, r->columns);
    }
}

static bool grow_port(struct mapper_times *t, size_t n)
{
    if (n > t->n_port) {
        uint32_t *more = realloc(t->port, n * sizeof *more);
        if (!more)
            return false;
        t->port = more;
        t->n_port = n;
    }
    memset(t->port, 0, n * sizeof *t->port);
    return true;
}

/* Without memory for it nothing is claimed. */
static bool port_keeps_up(struct mapper_times *t, const struct mapper_option *o, uint32_t spare)
{
    const struct plan_layer *pl = &t->mp->plan.layer[t->layer];
    const struct layer *l = layer_of(t->mp, t->layer);
    const struct firing_shape shape = mapper_firing_shape(l, o);
    size_t in = (size_t)l->in.height * l->in.width, out = (size_t)l->out.height * l->out.width;
    int64_t base = t->stored[0], end = base;
    struct input_registers reg;

    for (size_t i = 0; i < in; i++) {
        base = t->stored[i] < base ? t->stored[i] : base;
        end = t->stored[i] > end ? t->stored[i] : end;
    }
    for (size_t i = 0; i < out; i++)
        end = t->fired[i] > end ? t->fired[i] : end;
    if (end - base > MOST_PORT || !grow_port(t, (size_t)(end - base + 1)) ||
        !registers_init(&reg, &pl->window, pl->in_height, pl->in_width,
                        o->firing->strip_width(&shape)))
        return true;
    bool keeps = true;
    for (size_t i = 0; i < in; i++)
        t->port[t->stored[i] - base] += least_words(o, 1);
    read_patches(t, o, 0, &reg, base); // every copy has a memory of its own
    for (size_t i = 0; i <= (size_t)(end - base); i++)
        keeps &= t->port[i] + spare <= t->mp->plan.timestep_clk;
    registers_release(&reg);
    return keeps;
}

/* Outputs of the layer that come in one timestep at most, from all its copies. */
static uint32_t most_delivered(struct mapper_times *t)
{
    const struct layer *l = layer_of(t->mp, t->layer);
    size_t n = (size_t)l->out.height * l->out.width;
    int64_t first = t->fired[0], last = first;
    uint32_t most = 0;

    for (size_t i = 0; i < n; i++) {
        first = t->fired[i] < first ? t->fired[i] : first;
        last = t->fired[i] > last ? t->fired[i] : last;
    }
    if (last - first > MOST_PORT || !grow_port(t, (size_t)(last - first + 1)))
        return 0;
    for (size_t i = 0; i < n; i++)
        most = max_u32(most, ++t->port[t->fired[i] - first]);
    return most;
}

/* Whether the memories of those that read the layer's outputs can write them, and read a patch. */
static bool readers_keep_up(struct mapper_times *t, bool careful)
{
    const struct mapper *mp = t->mp;
    const struct layer *l = layer_of(mp, t->layer);
    uint32_t most = l->pooled ? 1 : most_delivered(t);

    for (uint32_t i = t->layer + 1; i <= t->last_reader[t->layer]; i++) {
        const struct layer *reader = layer_of(mp, i);
        const struct mapper_option *o = &mp->layer[i].option[0];
        uint32_t patch = reader->window.kernel[0] * reader->window.kernel[1];
        if (mp->plan.layer[i].feed == FEED_PRODUCER && reader->input[0] == t->layer + 1 &&
            o->pixel_words > 0 && most + (careful ? patch : 0) > t->mp->plan.timestep_clk)
            return false;
    }
    return true;
}

/* Whether pixels are read back from the layer's memory: as residuals, or for resampling. */
static bool is_read_back(const struct plan *p, uint32_t layer)
{
    for (uint32_t i = 0; i < p->n_layer; i++)
        if ((p->layer[i].residual == RESIDUAL_READ_BACK && p->layer[i].residual_from == layer) ||
            (p->layer[i].feed == FEED_READ_BACK && p->layer[i].feeder == layer))
            return true;
    return false;
}

bool mapper_times_fits(struct mapper_times *t, const struct mapper_option *o, bool careful)
{
    const struct plan *p = &t->mp->plan;
    uint32_t spare = careful && is_read_back(p, t->layer) ? least_words(o, o->replicas.n) : 0;

    if (!readers_keep_up(t, careful))
        return false;
    return p->layer[t->layer].feed != FEED_PRODUCER ||
           (keeps_pixels(t, o) && port_keeps_up(t, o, spare));
}

uint64_t mapper_times_result(const struct mapper *mp, const int64_t *done)
{
    int64_t most = 0;

    for (uint32_t i = 0; i < mapper_times_size(mp, mp->n_layer - 1); i++)
        most = done[i] > most ? done[i] : most;
    return (uint64_t)most + 1;
}

uint64_t mapper_times_first_result(struct mapper_times *t, const uint32_t *choice)
{
    const struct mapper *mp = t->mp;

    for (uint32_t i = 0; i < mp->n_layer; i++) {
        mapper_times_inputs(t, i, (const int64_t *const *)t->done);
        mapper_times_layer(t, &mp->layer[i].option[choice[i]], false, t->done[i]);
    }
    return mapper_times_result(mp, t->done[mp->n_layer - 1]);
}
