/* arch/reckon.c -- see reckon.h. */
#include "arch/reckon.h"

#include <stdlib.h>
#include <string.h>

#include "arch/core/token_counts.h"
#include "arch/units/array.h"
#include "arch/units/kernel_matrix.h"
#include "core/util.h"
#include "memory/registers.h"
#include "network/precision.h"

struct reckoner { // of a core
    const struct plan          *plan;
    const struct plan_core     *pc;
    const struct plan_layer    *pl;
    const struct layer         *layer;
    const struct memory_layout *layout;
    uint32_t                    index;
    uint64_t                    n_image;
    uint32_t                    rotation;
    uint32_t                    pixel_words; // where pixels begin with words; else 0
    struct core_counters       *count;
};

struct images { // that do the same: n of them, from `first` on
    uint64_t first, n;
};

/* ---- words ---- */

static struct image_row image_row(const struct reckoner *k, const struct images *i)
{
    return (struct image_row){ k->pl->in_width, k->rotation, i->n };
}

/* Of pixels (row, column) .. (row, column + n - 1), in all of the images. */
static uint64_t words_read(const struct reckoner *k, const struct images *i, uint32_t row,
                           uint32_t column, uint32_t n)
{
    const struct image_row images = image_row(k, i);

    if (k->pixel_words > 0)
        return i->n * n * k->pixel_words;
    return memory_read_words_in(k->layout, &images, row, i->first * k->pl->in_width + column, n);
}

static uint64_t words_written(const struct reckoner *k, uint32_t row, uint32_t column,
                              uint32_t first, uint32_t n)
{
    const struct images all = { 0, k->n_image };
    const struct image_row images = image_row(k, &all);

    return memory_write_words_in(k->layout, &images, row, column, first, n);
}

/* ---- pixels that streams carry ---- */

/* The map whose pixels a stream carries. */
static struct shape sent_map(const struct plan *p, const struct plan_stream *st)
{
    if (stream_is_of_image(st->kind))
        return p->network->layer[0].out;
    if (st->kind == STREAM_RESIDUAL || st->kind == STREAM_TO_RESAMPLING)
        return plan_network_layer(p, p->read_back[st->read_back].receiver)->out;
    return layer_delivers(plan_network_layer(p, p->core[st->from].plan_layer));
}

/* Whether a column of that map goes through the stream. */
static bool sends_column(const struct plan *p, const struct plan_stream *st, uint32_t column)
{
    const struct plan_core *from = &p->core[st->from];

    switch (st->kind) {
    case STREAM_IMAGE:
        return true;
    case STREAM_IMAGE_RESIDUAL:
        return plan_owner(p, p->core[st->to].plan_layer, column) == p->core[st->to].copy;
    case STREAM_RESIDUAL:
    case STREAM_TO_RESAMPLING:
        return plan_owner(p, p->read_back[st->read_back].receiver, column) ==
               p->read_back[st->read_back].receiver_copy;
    case STREAM_FROM_RESAMPLING:
        if (plan_owner(p, p->core[st->to].plan_layer, column) != p->core[st->to].copy)
            return false;
        break;
    default:
        break;
    }
    return plan_network_layer(p, from->plan_layer)->pooled ||
           plan_owner(p, from->plan_layer, column) == from->copy;
}

/* Calls one() for each pixel whose values an image sends. */
static uint64_t each_sent(const struct plan *p, const struct plan_stream *st,
                          void (*one)(void *user, uint32_t row, uint32_t column), void *user)
{
    const struct shape map = sent_map(p, st);
    uint64_t n = 0;

    for (uint32_t column = 0; column < map.width; column++) {
        if (!sends_column(p, st, column))
            continue;
        if (!one && st->pos_n == 0) {
            n += map.height;
            continue;
        }
        for (uint32_t row = 0; row < map.height; row++)
            if (stream_carries(st, map.width, row, column)) {
                n++;
                if (one)
                    one(user, row, column);
            }
    }
    return n;
}

/* ---- pixels that come ---- */

struct writing {
    const struct reckoner    *core;
    const struct plan_stream *stream;
    uint32_t                  first; // value of a pixel from which on it is written
};

static void write_pixel(void *user, uint32_t row, uint32_t column)
{
    const struct writing *w = user;

    w->core->count->words_written +=
        words_written(w->core, row, column, w->first, w->stream->n);
}

static bool into_memory(const struct plan_stream *st)
{
    return st->n > 0 && (st->kind == STREAM_IMAGE || st->kind == STREAM_FORWARD ||
                         st->kind == STREAM_TO_RESAMPLING);
}

static void count_stored(const struct reckoner *k, const struct plan_stream *st)
{
    const bool tokens = layer_is_of_tokens(k->layer), apart = k->pixel_words > 0 || tokens;
    struct writing w = { k, st, st->pos_n > 0 ? 0 : st->to_first - k->pc->in_first };
    uint64_t n = k->n_image * each_sent(k->plan, st, apart ? NULL : write_pixel, &w);

    k->count->pixels_stored += n;
    if (tokens)
        token_count_stored(k->plan, k->index, w.first, st->n, n, k->count);
    else if (apart)
        k->count->words_written += n * memory_write_words(k->layout, 0, 0, w.first, st->n);
}

/* ---- pixels that are read back ---- */

static void count_read_back(const struct reckoner *k, uint32_t read_back)
{
    const struct read_back_times *times = &k->plan->time.read_back[read_back];
    const uint32_t *stride = k->plan->read_back[read_back].stride;
    const struct images all = { 0, k->n_image };

    if (k->pixel_words > 0) {
        k->count->words_read_back += k->n_image * times->n * k->pixel_words;
        return;
    }
    for (uint32_t i = 0; i < times->n; i++) // of the first image, as of every other
        k->count->words_read_back += words_read(k, &all, times->send[i].row * stride[0],
                                                times->send[i].column * stride[1], 1);
}

/* ---- firings ---- */

struct patch_read { // `first` from where the strip's first window begins
    uint32_t row, columns;
    int64_t  first;
};

/* Columns of the output map that a copy computes. */
static uint32_t own_columns(const struct reckoner *k)
{
    uint32_t n = 0;

    for (uint32_t column = 0; column < k->layer->out.width; column++)
        n += plan_owner(k->plan, k->pc->plan_layer, column) == k->pc->copy;
    return n;
}

struct strip_work { // what a strip of outputs takes
    bool                any;
    uint64_t            image;
    uint32_t            left;   // its first column
    uint32_t            behind; // outputs of its first firing that lie before it (outputs_behind())
    uint64_t            firings; // of which each may hold several products
    struct array_counts product;
    struct patch_read  *read;   // owned; n_read of room
    size_t              n_read, room;
    uint64_t            columns_read; // pixels of all reads
};

struct firings { // of a core
    const struct reckoner  *core;
    struct firing_shape     shape;
    uint32_t                strip_width;
    uint64_t                outputs; // of an image
    bool                    grouped; // else every output by itself
    const struct map_times *fired;   // NULL: groups are those of the policy, whole
    struct input_registers  registers;
    struct kernel_matrix    matrix; // of replicas
    struct imc_array       *array;  // NULL: a digital layer
    struct pixel           *place;  // owned; outputs of a strip,
    int64_t                *time;   // owned; their timesteps,
    uint32_t               *used;   // owned; and the replicas of those that multiply together
    struct strip_work       strip;  // the latest
    int64_t                 before; // timestep of the latest output
    bool                    no_memory;
};

static uint32_t strip_columns(const struct firings *f, uint32_t left)
{
    return min_u32(f->strip_width, f->shape.width - left);
}

static struct column_times fired(const struct firings *f, uint64_t image, uint32_t column)
{
    return map_times_at(f->fired, image, column, f->core->plan->interval);
}

/* Of groups that are whole whatever the time and go on from column to column and image to image:
 * those of the one that a strip begins in that lie before it. */
static uint32_t outputs_behind(const struct firings *f, uint64_t image, uint32_t left)
{
    if (!f->grouped || f->fired || !f->core->pl->firing->across_columns)
        return 0;
    const uint64_t strips = left / f->strip_width / f->shape.copies; // of this copy, before it
    return (uint32_t)((image * f->outputs + strips * f->strip_width * f->shape.height) %
                      f->shape.n);
}

/* Whether all that the windows of a strip see lies in the map's columns. */
static bool sees_the_map(const struct firings *f, uint32_t left)
{
    const struct plan_layer *pl = f->core->pl;
    const struct window *w = &pl->window;
    int64_t reach = (int64_t)(w->kernel[1] - 1) * w->dilation[1] + 1;
    uint32_t last = left + strip_columns(f, left) - 1;

    return window_begin(w, 1, left) >= 0 && window_begin(w, 1, last) + reach <= pl->in_width;
}

/* Whether a strip is the latest one, elsewhere and at another time. */
static bool is_alike(const struct firings *f, uint64_t image, uint32_t left)
{
    const struct strip_work *s = &f->strip;
    const uint32_t columns = strip_columns(f, left);

    if (!s->any || f->core->pl->flat || columns != strip_columns(f, s->left) ||
        outputs_behind(f, image, left) != s->behind ||
        (left != s->left && (!sees_the_map(f, left) || !sees_the_map(f, s->left))))
        return false;
    for (uint32_t i = 0; f->fired && i < columns; i++) {
        struct column_times a = fired(f, image, left + i), b = fired(f, s->image, s->left + i);
        struct column_times a0 = fired(f, image, left), b0 = fired(f, s->image, s->left);
        if (a.row != b.row || a.later - a0.later != b.later - b0.later)
            return false;
    }
    return true;
}

static void keep_reads(struct firings *f)
{
    const struct input_registers *r = &f->registers;
    struct strip_work *s = &f->strip;
    int64_t begin = window_begin(&r->window, 1, s->left);

    if (s->n_read + r->n_read > s->room) {
        size_t room = 2 * s->room + r->n_read;
        struct patch_read *more = realloc(s->read, room * sizeof *more);
        f->no_memory |= !more;
        if (!more)
            return;
        s->read = more;
        s->room = room;
    }
    for (uint32_t i = 0; i < r->n_read; i++) {
        struct row_read read = r->read[i];
        if (f->core->pl->flat && !plan_flat_read(f->core->plan, f->core->pc, read.row,
                                                 &read.first_column, &read.columns))
            continue;
        s->read[s->n_read++] = (struct patch_read){ read.row, read.columns,
                                                    read.first_column - begin };
        s->columns_read += read.columns;
    }
}

/* The product of n outputs that fire together from place[0] on. */
static void count_product(struct firings *f, const struct pixel *place, uint32_t n)
{
    const struct array_product product = {
        .output = place, .replica = f->used, .n_output = n,
        .driven_rows = f->grouped ? kernel_matrix_driven(&f->matrix, f->used, n)
                                  : f->core->pc->rows,
    };

    f->array->kind->count(f->array, &product, 0, &f->strip.product);
}

/* Writes the outputs of a strip in order, and their timesteps or the numbers of their firings.
 * Returns how many. */
static uint32_t list_outputs(struct firings *f, uint64_t image, uint32_t left)
{
    const struct firing_policy *policy = f->core->pl->firing;
    struct pixel at = { image, 0, left };
    const uint32_t n = f->shape.height * strip_columns(f, left);
    uint32_t behind = outputs_behind(f, image, left), head = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (i > 0 && (!f->grouped || !firing_joins(policy, &f->shape, &f->place[head],
                                                   i - head + behind, &at))) {
            head = i;
            behind = 0;
        }
        f->time[i] = head;
        if (f->fired) {
            struct column_times c = fired(f, image, at.column);
            f->time[i] = column_time(&c, at.row);
        }
        f->place[i] = at;
        policy->next(&f->shape, f->core->pc->copy, &at);
    }
    return n;
}

/* Outputs of the strip from number i of n on that multiply together: how many. */
static uint32_t take_group(struct firings *f, uint32_t i, uint32_t n)
{
    const struct firing_policy *policy = f->core->pl->firing;
    const struct pixel *place = f->place + i;
    uint32_t k = 0;

    registers_begin(&f->registers, place);
    do {
        f->used[k] = f->grouped ? firing_replica(policy, &f->shape, place, &place[k]) : 0;
        if (f->used[k] == f->shape.n)
            break;
        registers_need(&f->registers, &place[k++]);
    } while (i + k < n && f->time[i + k] == f->time[i]);
    keep_reads(f);
    if (f->array)
        count_product(f, place, k);
    return k;
}

static void look_at_strip(struct firings *f, uint64_t image, uint32_t left)
{
    struct strip_work *s = &f->strip;
    uint32_t n = list_outputs(f, image, left);

    *s = (struct strip_work){ .any = true, .image = image, .left = left, .read = s->read,
                              .room = s->room, .behind = outputs_behind(f, image, left) };
    for (uint32_t i = 0, k; i < n && !f->no_memory; i += k) {
        s->firings += i == 0 || f->time[i] != f->time[i - 1];
        k = take_group(f, i, n);
    }
}

/* Words that the latest strip's reads take where it begins with column `left`. */
static uint64_t strip_words(const struct firings *f, const struct images *images, uint32_t left)
{
    const struct reckoner *k = f->core;
    const struct strip_work *s = &f->strip;
    int64_t begin = window_begin(&k->pl->window, 1, left);
    uint64_t words = 0;

    if (k->pixel_words > 0)
        return images->n * s->columns_read * k->pixel_words;
    for (size_t i = 0; i < s->n_read; i++)
        words += words_read(k, images, s->read[i].row, (uint32_t)(begin + s->read[i].first),
                            s->read[i].columns);
    return words;
}

/* Whether the first output of a strip shares the firing of the one before it. */
static bool goes_on(struct firings *f, uint64_t image, uint32_t left)
{
    if (!f->fired)
        return outputs_behind(f, image, left) > 0;
    const uint32_t last = left + strip_columns(f, left) - 1;
    struct column_times begin = fired(f, image, left), end = fired(f, image, last);
    bool same = column_time(&begin, 0) == f->before;

    f->before = column_time(&end, f->shape.height - 1);
    return same;
}

static void count_strip(struct firings *f, const struct images *images, uint32_t left)
{
    const struct strip_work *s = &f->strip;
    struct core_counters *n = f->core->count;
    const struct array_counts *p = &s->product;

    if (!is_alike(f, images->first, left))
        look_at_strip(f, images->first, left);
    uint64_t firings = images->n * (s->firings - goes_on(f, images->first, left));
    n->firings += f->array ? firings : 0;
    n->busy_timesteps += firings;
    n->driven_rows += images->n * p->driven_rows;
    n->conversions += images->n * p->conversions;
    n->reads += images->n * p->reads;
    n->shift_adds += images->n * p->shift_adds;
    n->words_read += strip_words(f, images, left);
}

static void count_strips(struct firings *f, struct images images)
{
    const uint32_t apart = f->strip_width * f->shape.copies;

    for (uint32_t left = f->core->pc->copy * f->strip_width; left < f->shape.width; left += apart)
        count_strip(f, &images, left);
}

/* An array that is never multiplied with. */
static bool make_array(struct firings *f)
{
    const struct reckoner *k = f->core;
    const struct precision bits = network_precision(k->plan->network);
    const struct imc_array_kind *kind = imc_array_of(&k->pl->array);
    const struct array_matrix matrix = {
        .kind = kind, .spec = &k->pl->array, .core = k->index,
        .rows = k->pc->rows, .columns = k->pc->columns, .outputs = k->pc->out_n,
        .in_signed = k->plan->network->layer[k->layer->input[0]].out_signed,
        .value_bits = bits.value_bits, .weight_bits = bits.weight_bits,
    };

    f->array = kind->program(&matrix);
    return f->array && (!f->grouped || kernel_matrix_init(&f->matrix, k->plan, k->index, 0, false));
}

static bool firings_init(struct firings *f, const struct reckoner *k)
{
    const uint32_t layer = k->pc->plan_layer;

    *f = (struct firings){ .core = k, .shape = plan_firing_shape(k->plan, layer),
                           .before = INT64_MIN };
    f->strip_width = k->pl->firing->strip_width(&f->shape);
    f->outputs = (uint64_t)own_columns(k) * k->layer->out.height;
    f->grouped = f->shape.n > 1;
    if (f->grouped && config_clocking(k->plan->config) != CLOCKING_ELASTIC)
        f->fired = &k->plan->time.layer[layer].fired;
    size_t most = (size_t)f->shape.height * strip_columns(f, 0);
    f->place = calloc(most, sizeof *f->place);
    f->time = calloc(most, sizeof *f->time);
    f->used = calloc(most, sizeof *f->used);
    return f->place && f->time && f->used &&
           registers_init(&f->registers, &k->pl->window, k->pl->in_height, k->pl->in_width,
                          f->strip_width) &&
           (layer_is_digital(k->layer) || make_array(f));
}

static void firings_release(struct firings *f)
{
    registers_release(&f->registers);
    kernel_matrix_release(&f->matrix);
    imc_array_release(f->array);
    free(f->place);
    free(f->time);
    free(f->used);
    free(f->strip.read);
}

/* Images after which a group begins with an image again. */
static uint64_t images_of_groups(const struct firings *f)
{
    uint64_t n = 1;

    while (outputs_behind(f, n, 0) > 0)
        n++;
    return n;
}

/* Outputs that fire one by one do so in every image alike; others once one image repeats the one
 * before it, which it may share a firing with, or one some images before. */
static bool count_firings(const struct reckoner *k)
{
    struct firings f;
    bool done = firings_init(&f, k);
    uint64_t settled = f.fired ? min_u64(k->plan->time.transient_images, k->n_image - 1) : 0;
    const uint64_t period = done ? images_of_groups(&f) : 1;

    for (uint64_t i = 0; done && i < settled; i++)
        count_strips(&f, (struct images){ i, 1 });
    if (done && period == 1)
        count_strips(&f, (struct images){ settled, k->n_image - settled });
    for (uint64_t i = 0; done && period > 1 && i < period && i < k->n_image; i++)
        count_strips(&f, (struct images){ i, (k->n_image - 1 - i) / period + 1 });
    done = done && !f.no_memory;
    firings_release(&f);
    return done;
}

/* ---- outputs ---- */

/* Additions and comparisons of a digital layer's windows, of one image and channel. */
static uint64_t window_ops(const struct reckoner *k)
{
    const struct shape *out = &k->layer->out;
    const struct window *w = &k->pl->window;
    uint64_t rows = 0, columns = 0;

    if (!layer_is_digital(k->layer) || k->layer->kind == LAYER_SCALE)
        return 0;
    for (uint32_t r = 0; r < out->height; r++)
        rows += window_inside(w, 0, r, k->pl->in_height);
    for (uint32_t c = 0; c < out->width; c++)
        if (plan_owner(k->plan, k->pc->plan_layer, c) == k->pc->copy)
            columns += window_inside(w, 1, c, k->pl->in_width);
    return rows * columns;
}

static void count_outputs(const struct reckoner *k)
{
    const struct layer *l = k->layer;
    struct core_counters *n = k->count;
    const uint64_t outputs = k->n_image * own_columns(k) * l->out.height;
    const uint64_t values = outputs * k->pc->out_n;

    n->outputs += outputs;
    n->pool_ops += k->n_image * window_ops(k) * k->pc->out_n;
    n->partial_sum_ops += k->pc->part > 0 ? values : 0;
    if (k->pc->part + 1 < k->pl->parts)
        return;
    n->scale_ops += values;
    if (l->raw_output)
        return;
    n->residual_ops += l->has_residual ? values : 0;
    n->relu_ops += l->relu || layer_looks_up(l) ? values : 0;
    n->round_ops += values;
    n->pool_ops += l->pooled ? values : 0;
}

/* Outputs of a layer of tokens. */
static void count_tokens(const struct reckoner *k)
{
    const struct shape *out = &k->layer->out;
    const uint64_t outputs = (uint64_t)out->height * out->width;
    uint64_t most;

    k->count->outputs += k->n_image * outputs;
    k->count->round_ops += k->n_image * outputs * k->pc->out_n;
    k->count->busy_timesteps += k->n_image * tokens_timesteps(k->plan, k->pc->plan_layer, &most);
    for (uint32_t column = 0; column < out->width; column++)
        for (uint32_t row = 0; row < out->height; row++)
            token_count(k->plan, k->index, token_seen(k->layer, row, column), k->n_image,
                        k->count);
}

/* ---- cores and streams ---- */

static struct reckoner reckoner_of(const struct plan *p, uint32_t core, uint64_t n_image,
                                   struct core_counters *count)
{
    const struct plan_core *pc = &p->core[core];
    const struct plan_layer *pl = &p->layer[pc->plan_layer];
    const struct memory_layout *layout = &p->time.core[core].layout;

    return (struct reckoner){
        .plan = p, .pc = pc, .pl = pl, .layer = plan_network_layer(p, pc->plan_layer),
        .layout = layout, .index = core, .n_image = n_image,
        .rotation = memory_rotation(layout, pl->in_width),
        .pixel_words = memory_words_apart(layout) ? memory_read_words(layout, 0, 0, 1) : 0,
        .count = count,
    };
}

static bool reckon_core(const struct reckoner *k)
{
    const struct plan *p = k->plan;

    if (layer_is_of_tokens(k->layer)) {
        count_tokens(k);
        return true;
    }
    count_outputs(k);
    for (uint32_t i = 0; k->pc->split == 0 && i < p->n_read_back; i++)
        if (p->read_back[i].reader == k->pc->plan_layer &&
            p->read_back[i].reader_copy == k->pc->copy)
            count_read_back(k, i);
    return count_firings(k);
}

uint64_t reckon_stream_bits(const struct plan *p, const struct plan_stream *st)
{
    uint64_t pixels = 0;

    if (st->kind == STREAM_PARTIAL_SUM) {
        const struct reckoner from = reckoner_of(p, st->from, 1, NULL);
        pixels = (uint64_t)own_columns(&from) * from.layer->out.height;
    } else if (st->n > 0) {
        pixels = each_sent(p, st, NULL, NULL);
    }
    return pixels * st->n * st->value_bits;
}

bool reckon_images(const struct plan *p, uint64_t n_image, struct core_counters *core,
                   uint64_t *stream_bits)
{
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct reckoner k = reckoner_of(p, i, n_image, &core[i]);
        if (!reckon_core(&k))
            return false;
    }
    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *st = &p->stream[i];
        stream_bits[i] += n_image * reckon_stream_bits(p, st);
        if (!into_memory(st))
            continue;
        const struct reckoner k = reckoner_of(p, st->to, n_image, &core[st->to]);
        count_stored(&k, st);
    }
    return true;
}
