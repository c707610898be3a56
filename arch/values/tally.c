/* arch/values/tally.c -- value counters from maps; see tally.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "arch/values/firing_groups.h"
#include "arch/values/rows_on.h"
#include "arch/values/skipped.h"
#include "core/util.h"
#include "network/precision.h"

/* ---- classes ---- */

struct drive { // of a pixel: rows of one position, counted from a firing's origin, of one copy
    uint32_t key, times; // key: copy * positions of the box + position
};

struct pixel_class {
    uint32_t begin, n; // of drive[]
};

struct pixel_run {
    uint32_t class, x, y, n; // neighbours in a column
};

struct layer_classes {
    uint32_t            box[2];   // rows and columns that the patches of a firing span
    uint32_t            step[2];  // of the layer's map from one pixel of its memories to the next
    struct drive       *drive;    // owned
    size_t              n_drive, room;
    struct pixel_class *class;    // owned; the first is the padding
    uint32_t            n_class, class_room;
    struct pixel_run   *run;      // owned
    uint32_t            n_run;    // in the order of columns
    bool                in_digits; // inputs are read in several; else their sum is |x|
    uint32_t            digits[256]; // sum of them, of a byte as maps store it
    bool                by_halves;   // the same as this
    struct value_function function;
};

struct tally_plan {
    const struct plan    *plan;
    const struct firing_log *log; // borrowed; may be NULL
    uint64_t              image;
    struct layer_classes *layer; // owned; [plan->n_layer]; empty where digital
};

struct place { // of a box
    uint32_t position, i, j; // position = j * rows of the box + i
};

/* Collects what the firings of one layer drive: first how much of each pixel, then what. */
struct collector {
    const struct plan       *plan;
    const struct plan_layer *pl;
    struct firing_shape      shape;
    struct layer_classes    *own;
    uint32_t                 copy, layer, pixels;
    size_t                  *begin; // owned; [pixels + 2]: of each pixel's keys, the padding's, all
    uint32_t                *key; // owned; [pixel][key]; NULL: they are counted
    bool                    *seen;  // owned; [box]
    struct place            *place; // owned; [n_place of box]: those that a firing's patches cover
    uint32_t                 n_place;
};

/* Pixels of the memories' map, in scan order; one behind them all for the padding. */
static uint32_t pixel_of(const struct plan_layer *pl, int64_t x, int64_t y)
{
    if (x < 0 || y < 0 || x >= pl->in_height || y >= pl->in_width)
        return pl->in_height * pl->in_width;
    return (uint32_t)(y * pl->in_height + x);
}

/* Marks the positions, from the origin on, that replica q's patch covers. */
static void mark_patch(struct collector *k, uint32_t q)
{
    const struct window *w = &k->pl->window;
    uint32_t dx = q / k->shape.block_w * w->stride[0], dy = q % k->shape.block_w * w->stride[1];

    for (uint32_t j = 0; j < w->kernel[1]; j++)
        for (uint32_t i = 0; i < w->kernel[0]; i++)
            k->seen[(dy + j * w->dilation[1]) * k->own->box[0] + dx + i * w->dilation[0]] = true;
}

static void find_places(struct collector *k, const struct firing_group *g)
{
    const uint32_t *box = k->own->box;
    const struct pixel head = { .row = g->x, .column = g->y };
    struct pixel at = head;

    memset(k->seen, 0, (size_t)box[0] * box[1] * sizeof *k->seen);
    for (uint32_t i = 0; i < g->n; i++, k->pl->firing->next(&k->shape, k->copy, &at))
        mark_patch(k, firing_replica(k->pl->firing, &k->shape, &head, &at));
    k->n_place = 0;
    for (uint32_t j = 0, p = 0; j < box[1]; j++)
        for (uint32_t i = 0; i < box[0]; i++, p++)
            if (k->seen[p])
                k->place[k->n_place++] = (struct place){ p, i, j };
}

static void add_key(struct collector *k, uint32_t pixel, uint32_t position)
{
    if (k->key)
        k->key[--k->begin[pixel]] = k->copy * k->own->box[0] * k->own->box[1] + position;
    else
        k->begin[pixel]++;
}

static void on_group(void *user, const struct firing_group *g)
{
    struct collector *k = user;
    const struct window *w = &k->pl->window;
    const struct pixel head = { .row = g->x, .column = g->y };
    uint32_t x, y;

    if (k->shape.n > 1 || k->n_place == 0) // firings of one output are all alike
        find_places(k, g);
    k->pl->firing->origin(&k->shape, &head, &x, &y);
    const int64_t row = (int64_t)x * w->stride[0] + w->skip[0] - w->pad_before[0];
    const int64_t column = (int64_t)y * w->stride[1] + w->skip[1] - w->pad_before[1];
    const uint32_t height = k->pl->in_height;
    bool inside = row >= 0 && row + k->own->box[0] <= height && column >= 0 &&
                  column + k->own->box[1] <= k->pl->in_width;
    for (uint32_t i = 0; i < k->n_place; i++) {
        const struct place *p = &k->place[i];
        add_key(k, inside ? (uint32_t)(column + p->j) * height + (uint32_t)row + p->i
                          : pixel_of(k->pl, row + p->i, column + p->j), p->position);
    }
}

static int by_key(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void sort_keys(uint32_t *key, size_t n)
{
    enum { FEW = 64 };

    if (n > FEW) {
        qsort(key, n, sizeof *key, by_key);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        uint32_t one = key[i];
        size_t at = i;
        for (; at > 0 && key[at - 1] > one; at--)
            key[at] = key[at - 1];
        key[at] = one;
    }
}

static void each_group(struct collector *k, const struct firing_log *l, uint64_t image)
{
    for (k->copy = k->pl->copies; k->copy-- > 0;)
        firing_groups_each(k->plan, l, image, k->layer, k->copy, on_group, k);
}

/* Keys of every pixel, one behind the other, in order: a pixel's come from large to small, mostly,
 * and are written from the end on. */
static bool collect(struct collector *k, const struct firing_log *l, uint64_t image)
{
    size_t positions = (size_t)k->own->box[0] * k->own->box[1], all = 0;

    k->seen = calloc(positions, sizeof *k->seen);
    k->place = calloc(positions, sizeof *k->place);
    k->begin = calloc((size_t)k->pixels + 2, sizeof *k->begin);
    if (!k->seen || !k->place || !k->begin)
        return false;
    each_group(k, l, image);
    for (uint32_t i = 0; i <= k->pixels; i++)
        k->begin[i] = all += k->begin[i]; // so far: where they end
    k->begin[k->pixels + 1] = all;
    k->key = malloc(max_u64(all, 1) * sizeof *k->key);
    if (!k->key)
        return false;
    each_group(k, l, image);
    for (uint32_t i = 0; i <= k->pixels; i++)
        sort_keys(k->key + k->begin[i], k->begin[i + 1] - k->begin[i]);
    return true;
}

/* Appends drive[] of one pixel, of key[n]. */
static bool append_drives(struct layer_classes *own, const uint32_t *key, size_t n)
{
    if (own->n_drive + n > own->room) {
        size_t room = max_u64(2 * own->room, own->n_drive + n);
        struct drive *more = realloc(own->drive, room * sizeof *more);
        if (!more)
            return false;
        own->drive = more;
        own->room = room;
    }
    size_t begin = own->n_drive;
    for (size_t i = 0; i < n; i++) {
        if (own->n_drive > begin && own->drive[own->n_drive - 1].key == key[i])
            own->drive[own->n_drive - 1].times++;
        else
            own->drive[own->n_drive++] = (struct drive){ key[i], 1 };
    }
    return true;
}

static uint64_t hash_of(const struct drive *d, size_t n)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ d[i].key ^ (uint64_t)d[i].times << 32) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

struct class_table { // from drives to classes
    uint32_t *class; // owned; [size], one more than it; 0: free
    size_t    size;  // a power of two
};

/* The class of the drives from `begin` on, which are dropped when there was one like them. */
static uint32_t class_of(struct layer_classes *own, struct class_table *t, size_t begin)
{
    size_t n = own->n_drive - begin, at = hash_of(own->drive + begin, n) & (t->size - 1);

    for (; t->class[at] != 0; at = (at + 1) & (t->size - 1)) {
        const struct pixel_class *c = &own->class[t->class[at] - 1];
        if (c->n == n && memcmp(own->drive + c->begin, own->drive + begin,
                                n * sizeof *own->drive) == 0) {
            own->n_drive = begin;
            return t->class[at] - 1;
        }
    }
    own->class[own->n_class] = (struct pixel_class){ (uint32_t)begin, (uint32_t)n };
    t->class[at] = own->n_class + 1;
    return own->n_class++;
}

/* Neighbours of one class in a column are one run. */
static void add_pixel(struct layer_classes *own, uint32_t class, uint32_t x, uint32_t y)
{
    struct pixel_run *last = own->n_run ? &own->run[own->n_run - 1] : NULL;

    if (last && last->class == class && last->y == y && last->x + last->n == x &&
        own->step[0] == 1 && last->n < VALUE_MOST_PIXELS)
        last->n++;
    else
        own->run[own->n_run++] = (struct pixel_run){ class, x, y, 1 };
}

static bool classify(struct collector *k)
{
    struct layer_classes *own = k->own;
    struct class_table t = { .size = 2 };

    while (t.size < 2 * ((size_t)k->pixels + 1))
        t.size *= 2;
    t.class = calloc(t.size, sizeof *t.class); // hardly touched: there are few classes
    own->class = calloc((size_t)k->pixels + 1, sizeof *own->class);
    own->run = calloc((size_t)k->pixels + 1, sizeof *own->run);
    bool done = t.class && own->class && own->run;
    own->n_class = 1; // the padding's
    for (uint32_t i = 0; done && i <= k->pixels; i++) {
        size_t begin = own->n_drive, n = k->begin[i + 1] - k->begin[i];
        if (n == 0)
            continue;
        done = append_drives(own, k->key + k->begin[i], n);
        if (done && i == k->pixels)
            own->class[0] = (struct pixel_class){ (uint32_t)begin,
                                                  (uint32_t)(own->n_drive - begin) };
        else if (done)
            add_pixel(own, class_of(own, &t, begin), i % k->pl->in_height * own->step[0],
                      i / k->pl->in_height * own->step[1]);
    }
    free(t.class);
    return done;
}

static bool make_classes(struct tally_plan *t, const struct firing_log *l, uint64_t image,
                         uint32_t layer)
{
    const struct plan_layer *pl = &t->plan->layer[layer];
    const struct layer *n = plan_network_layer(t->plan, layer);
    const struct window *w = &pl->window;
    struct collector k = { .plan = t->plan,
                           .pl = pl,
                           .shape = plan_firing_shape(t->plan, layer),
                           .own = &t->layer[layer],
                           .layer = layer,
                           .pixels = pl->in_height * pl->in_width };

    for (int a = 0; a < 2; a++) {
        uint32_t width = k.shape.block_w;
        uint32_t outputs = a == 1 ? width : (uint32_t)ceil_div(k.shape.n, width);
        k.own->box[a] = (outputs - 1) * w->stride[a] + (w->kernel[a] - 1) * w->dilation[a] + 1;
        k.own->step[a] = n->window.stride[a] / w->stride[a];
    }
    bool done = collect(&k, l, image) && classify(&k);
    free(k.seen);
    free(k.place);
    free(k.begin);
    free(k.key);
    return done;
}

/* Of the maps that a layer reads. */
static bool in_signed(const struct plan *p, uint32_t layer)
{
    return p->network->layer[plan_network_layer(p, layer)->input[0]].out_signed;
}

/* Whether digits of a byte are those of its halves, and then which. */
static bool split_digits(const uint32_t digits[256], struct value_function *f)
{
    for (uint32_t i = 0; i < 256; i++)
        if (digits[i] > UINT8_MAX || digits[i] + digits[0] != digits[i % 16] + digits[i - i % 16])
            return false;
    for (uint32_t i = 0; i < 16; i++) {
        if (digits[i] < digits[0])
            return false;
        f->low[i] = (uint8_t)(digits[i] - digits[0]);
        f->high[i] = (uint8_t)digits[16 * i];
    }
    return true;
}

/* Digits count where arrays are read: maps of signed bytes store 128 more. */
static void find_digits(const struct tally_plan *t, uint32_t layer)
{
    struct layer_classes *own = &t->layer[layer];
    const struct reads_cfg *reads = &t->plan->layer[layer].array.reads;
    bool is_signed = in_signed(t->plan, layer);
    uint32_t sum[256];

    own->in_digits = plan_is_read(t->plan) && reads->input_slice_bits < reads->input_bits;
    reads_digit_sums(reads, is_signed, sum);
    for (uint32_t i = 0; i < 256; i++)
        own->digits[i] = sum[is_signed ? i ^ 0x80 : i];
    own->by_halves = split_digits(own->digits, &own->function);
}

struct tally_plan *tally_plan_new(const struct plan *p, const struct firing_log *l, uint64_t image)
{
    struct tally_plan *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    *t = (struct tally_plan){ .plan = p, .log = l, .image = image,
                              .layer = calloc(p->n_layer, sizeof *t->layer) };
    bool done = t->layer;
    for (uint32_t i = 0; done && i < p->n_layer; i++) {
        if (layer_is_digital(plan_network_layer(p, i)))
            continue;
        find_digits(t, i);
        done = make_classes(t, l, image, i);
    }
    if (done)
        return t;
    tally_plan_free(t);
    return NULL;
}

void tally_plan_free(struct tally_plan *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; t->layer && i < t->plan->n_layer; i++) {
        free(t->layer[i].drive);
        free(t->layer[i].class);
        free(t->layer[i].run);
    }
    free(t->layer);
    free(t);
}

/* ---- sums of a thread ---- */

struct layer_sums {
    uint32_t            quads;
    struct value_sums  *sums;  // owned; [n_class][quads]
    uint32_t           *held;  // owned; [n_class]: pixels in them
    struct value_total *total; // owned; [n_class][4 * quads]
    struct value_function_sums *held_digits; // owned; [n_class][quads]; NULL: those are |x|
    uint64_t           *digits; // owned; [n_class][4 * quads]; likewise
    uint32_t            next_run;
};

struct tally {
    const struct tally_plan *plan;
    const struct values     *values;
    struct layer_sums       *layer; // owned; [n_layer]
    uint32_t                 n_lane; // of those held
    uint64_t                 n_image;
    uint64_t                 outside; // spikes of padding, of all steps seen
    int32_t                  padding; // of the present step
    struct skipped          *skipped; // owned; NULL: no reads are skipped, or a chip counts them
    struct value_watch       watch;
};

static void take_class(struct layer_sums *s, uint32_t class, uint32_t n_lane)
{
    for (uint32_t q = 0; q < s->quads && s->held[class] > 0; q++) {
        size_t at = (size_t)class * s->quads + q;
        value_sums_take(&s->sums[at], n_lane, &s->total[at * VALUE_QUAD]);
        if (s->digits)
            value_function_sums_take(&s->held_digits[at], n_lane, &s->digits[at * VALUE_QUAD]);
    }
    s->held[class] = 0;
}

static void take_all(struct tally *t)
{
    for (uint32_t i = 0; i < t->plan->plan->n_layer; i++)
        for (uint32_t k = 0; k < t->plan->layer[i].n_class; k++)
            take_class(&t->layer[i], k, t->n_lane);
}

/* sum[channels] += digits of n neighbours in a column, whatever digits are. */
static void look_up_digits(const uint32_t *digits, const struct value_map *map,
                           const uint8_t *pixel, uint32_t n, uint32_t n_lane, uint64_t *sum)
{
    for (uint32_t i = 0; i < n; i++, pixel += map->pixel_bytes)
        for (uint32_t q = 0; q < map->quads; q++) {
            const uint8_t *byte = pixel + (size_t)q * VALUE_BYTES;
            uint32_t of[VALUE_QUAD] = { 0 };

            for (uint32_t b = 0; b < n_lane * VALUE_QUAD; b += VALUE_QUAD)
                for (uint32_t c = 0; c < VALUE_QUAD; c++)
                    of[c] += digits[byte[b + c]];
            for (uint32_t c = 0; c < VALUE_QUAD; c++)
                sum[q * VALUE_QUAD + c] += of[c];
        }
}

/* The same of |x| and of how often x is not 0, one by one, of values of more than a byte; channels
 * have no quads there. */
static void sum_values(const struct tally *t, uint32_t layer, const struct value_map *map,
                       const struct pixel_run *r, uint32_t lane)
{
    const struct plan_layer *pl = &t->plan->plan->layer[layer];
    const struct layer_sums *s = &t->layer[layer];
    size_t at = (size_t)r->class * s->quads * VALUE_QUAD;

    for (uint32_t x = r->x; x < r->x + r->n; x++) {
        if (map->any && !map->any[(size_t)r->y * map->shape.height + x])
            continue;
        for (uint32_t c = 0; c < map->shape.channels; c++) {
            int32_t v = value_get(map, x, r->y, c, lane);
            s->total[at + c].abs += (uint32_t)abs(v);
            s->total[at + c].nonzero += v != 0;
            if (s->digits)
                s->digits[at + c] += reads_digit_sum(&pl->array.reads, v);
        }
    }
}

static void see_input(void *user, uint32_t layer, const struct value_map *map, uint32_t column,
                      uint32_t n_lane)
{
    struct tally *t = user;
    const struct layer_classes *c = &t->plan->layer[layer - 1]; // plan layers have no image
    struct layer_sums *s = &t->layer[layer - 1];

    if (n_lane != t->n_lane)
        take_all(t);
    t->n_lane = n_lane;
    if (column == 0) {
        t->n_image += layer == 1 ? n_lane : 0;
        s->next_run = 0;
    }
    for (; s->next_run < c->n_run && c->run[s->next_run].y == column; s->next_run++) {
        const struct pixel_run *r = &c->run[s->next_run];
        for (uint32_t i = 0; i < n_lane && (map->value || map->sums); i++)
            sum_values(t, layer - 1, map, r, i);
        if (map->value || map->sums)
            continue;
        if (s->held[r->class] + r->n > VALUE_MOST_PIXELS)
            take_class(s, r->class, n_lane);
        s->held[r->class] += r->n;
        values_sum(t->values, map, value_pixel(map, r->x, r->y), r->n,
                   &s->sums[(size_t)r->class * s->quads]);
        if (s->digits && c->by_halves)
            values_sum_function(t->values, map, value_pixel(map, r->x, r->y), r->n, &c->function,
                                &s->held_digits[(size_t)r->class * s->quads]);
        else if (s->digits)
            look_up_digits(c->digits, map, value_pixel(map, r->x, r->y), r->n, n_lane,
                           &s->digits[(size_t)r->class * s->quads * VALUE_QUAD]);
    }
    if (t->skipped)
        skipped_see(t->skipped, layer - 1, map, column, n_lane, t->padding);
}

static void begin_step(void *user, uint64_t image, uint32_t step)
{
    struct tally *t = user;

    t->padding = rows_on_outside(t->plan->plan, image, step);
    t->outside += (uint32_t)t->padding;
}

struct tally *tally_new(const struct tally_plan *p, const struct values *v)
{
    struct tally *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    *t = (struct tally){ .plan = p, .values = v, .watch = { begin_step, see_input, NULL, NULL, t },
                         .layer = calloc(p->plan->n_layer, sizeof *t->layer) };
    const bool skips = plan_skips(p->plan);
    if (skips)
        t->skipped = skipped_new(p->plan, p->log, p->image);
    bool done = t->layer && (t->skipped || !skips);
    for (uint32_t i = 0; done && i < p->plan->n_layer; i++) {
        const struct layer *l = plan_network_layer(p->plan, i);
        struct layer_sums *s = &t->layer[i];
        size_t n = p->layer[i].n_class;
        if (n == 0)
            continue;
        s->quads = (uint32_t)ceil_div(l->in.channels, VALUE_QUAD);
        s->sums = calloc(n * s->quads, sizeof *s->sums);
        s->held = calloc(n, sizeof *s->held);
        s->total = calloc(n * s->quads * VALUE_QUAD, sizeof *s->total);
        done = s->sums && s->held && s->total;
        if (!p->layer[i].in_digits)
            continue;
        s->held_digits = calloc(n * s->quads, sizeof *s->held_digits);
        s->digits = calloc(n * s->quads * VALUE_QUAD, sizeof *s->digits);
        done = done && s->held_digits && s->digits;
    }
    if (done)
        return t;
    tally_free(t);
    return NULL;
}

void tally_free(struct tally *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; t->layer && i < t->plan->plan->n_layer; i++) {
        free(t->layer[i].sums);
        free(t->layer[i].held);
        free(t->layer[i].total);
        free(t->layer[i].held_digits);
        free(t->layer[i].digits);
    }
    skipped_free(t->skipped);
    free(t->layer);
    free(t);
}

const struct value_watch *tally_watch(const struct tally *t)
{
    return &t->watch;
}

/* ---- counters ---- */

/* The padding's values are all the zero point. */
static void total_padding(const struct tally *t, uint32_t layer)
{
    int32_t zero = plan_network_layer(t->plan->plan, layer)->in_zero;
    const struct reads_cfg *reads = &t->plan->plan->layer[layer].array.reads;
    const struct layer_sums *s = &t->layer[layer];

    if (network_is_spiking(t->plan->plan->network)) {
        for (uint32_t c = 0; c < s->quads * VALUE_QUAD && zero != 0; c++)
            s->total[c] = (struct value_total){ t->outside, t->outside };
        return;
    }
    for (uint32_t c = 0; c < s->quads * VALUE_QUAD; c++)
        s->total[c] = (struct value_total){ t->n_image * (uint64_t)abs(zero),
                                            zero != 0 ? t->n_image : 0 };
    for (uint32_t c = 0; s->digits && c < s->quads * VALUE_QUAD; c++)
        s->digits[c] = t->n_image * reads_digit_sum(reads, zero);
}

/* abs[channel of the layer][kernel position]: sum of |w| over a core's outputs. */
static void sum_weights(const struct layer *l, const struct plan_core *c, uint32_t *abs_sum)
{
    uint32_t out = l->out.channels / l->groups;
    size_t positions = (size_t)l->window.kernel[0] * l->window.kernel[1];
    size_t rows = l->in.channels / l->groups * positions;

    memset(abs_sum, 0, l->in.channels * positions * sizeof *abs_sum);
    for (uint32_t o = c->out_first; o < c->out_first + c->out_n; o++) {
        uint32_t *sum = abs_sum + o / out * rows;
        for (size_t r = 0; r < rows; r++)
            sum[r] += (uint32_t)abs(layer_weight(l, o * rows + r));
    }
}

/* Which kernel positions of which replicas drive a position of the box: times[kernel position]
 * goes up for each. */
static void add_positions(const struct plan_layer *pl, const struct layer_classes *c,
                          const struct drive *d, uint64_t *times)
{
    const struct window *w = &pl->window;
    uint32_t p = d->key % (c->box[0] * c->box[1]);
    uint32_t px = p % c->box[0], py = p / c->box[0];

    for (uint32_t q = 0; q < pl->replicas.n; q++)
        for (uint32_t i = 0; i < w->kernel[0]; i++)
            for (uint32_t j = 0; j < w->kernel[1]; j++)
                if (q / pl->replicas.width * w->stride[0] + i * w->dilation[0] == px &&
                    q % pl->replicas.width * w->stride[1] + j * w->dilation[1] == py)
                    times[i * w->kernel[1] + j] += d->times;
}

struct counting { // of one core
    const struct plan_core     *core;
    const struct plan_layer    *pl;
    const struct layer         *layer;
    const struct layer_classes *classes;
    const uint32_t             *abs_sum;
    uint64_t                   *times; // [kernel positions]
};

/* Whether the core has the row of a channel at a kernel position: a part may begin and end inside
 * channels (struct plan_core). */
static bool has_row(const struct counting *k, uint32_t channel, uint32_t position)
{
    uint32_t positions = k->layer->window.kernel[0] * k->layer->window.kernel[1];
    uint32_t before = k->core->row_first / positions;
    uint32_t row = (before + channel - k->core->in_first) * positions + position;

    return row >= k->core->row_first && row - k->core->row_first < k->core->row_n;
}

/* digits: of each channel; NULL: one of each value, all of it. */
static void count_class(const struct counting *k, const struct pixel_class *c,
                        const struct value_total *total, const uint64_t *digits,
                        struct core_counters *count)
{
    uint32_t box = k->classes->box[0] * k->classes->box[1];
    uint32_t positions = k->layer->window.kernel[0] * k->layer->window.kernel[1];
    uint64_t driven = 0;

    memset(k->times, 0, positions * sizeof *k->times);
    for (uint32_t i = 0; i < c->n; i++) {
        const struct drive *d = &k->classes->drive[c->begin + i];
        if (d->key / box != k->core->copy)
            continue;
        driven += d->times;
        add_positions(k->pl, k->classes, d, k->times);
    }
    if (driven == 0)
        return;
    for (uint32_t ch = k->core->in_first; ch < k->core->in_first + k->core->in_n; ch++) {
        uint64_t weight = 0, missing = 0; // where rows are missing there are no replicas
        for (uint32_t i = 0; i < positions; i++) {
            if (!k->pl->inside || has_row(k, ch, i))
                weight += k->times[i] * k->abs_sum[(size_t)ch * positions + i];
            else
                missing += k->times[i];
        }
        count->active_rows += (driven - missing) * total[ch].nonzero;
        count->sum_abs_x += (driven - missing) * total[ch].abs;
        count->sum_abs_xw += weight * total[ch].abs;
        count->sum_digits += (driven - missing) * (digits ? digits[ch] : total[ch].abs);
    }
}

static bool count_layer(const struct tally *t, uint32_t layer, struct core_counters *core)
{
    const struct plan *p = t->plan->plan;
    const struct layer *l = plan_network_layer(p, layer);
    const struct layer_classes *c = &t->plan->layer[layer];
    const struct layer_sums *s = &t->layer[layer];
    size_t positions = (size_t)l->window.kernel[0] * l->window.kernel[1];
    uint32_t *abs_sum = calloc(positions * l->in.channels, sizeof *abs_sum);
    uint64_t *times = calloc(positions, sizeof *times);
    uint32_t out_first = UINT32_MAX;

    for (uint32_t i = 0; abs_sum && times && i < p->layer[layer].n_core; i++) {
        uint32_t index = p->layer[layer].first_core + i;
        const struct counting k = { .core = &p->core[index], .pl = &p->layer[layer], .layer = l,
                                    .classes = c, .abs_sum = abs_sum, .times = times };
        if (k.core->out_first != out_first)
            sum_weights(l, k.core, abs_sum);
        out_first = k.core->out_first;
        for (uint32_t j = 0; j < c->n_class; j++) {
            size_t at = (size_t)j * s->quads * VALUE_QUAD;
            count_class(&k, &c->class[j], &s->total[at], s->digits ? &s->digits[at] : NULL,
                        &core[index]);
        }
    }
    free(abs_sum);
    free(times);
    return abs_sum && times;
}

bool tally_count(struct tally *t, struct core_counters *core)
{
    const struct plan *p = t->plan->plan;
    bool done = true;

    take_all(t);
    for (uint32_t i = 0; done && i < p->n_layer; i++) {
        if (t->plan->layer[i].n_class == 0)
            continue;
        total_padding(t, i);
        done = count_layer(t, i, core);
    }
    if (done && t->skipped)
        skipped_count(t->skipped, core);
    return done;
}
