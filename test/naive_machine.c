/* test/naive_machine.c -- see naive_machine.h. */
#include "test/naive_machine.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER INT64_MAX

struct spot { // an output of a layer
    uint32_t image, x, y;
    int64_t  group; // a firing holds outputs of one group
    uint32_t strip; // the buffers in front of the crossbar keep pixels along a strip
};

struct access { // to a memory; of one timestep, pixels are stored before any is read
    int64_t  t;
    bool     read;
    uint32_t image, x, y;
};

struct buffered { // a pixel that the buffers in front of the crossbar hold
    uint32_t strip, image;
    int64_t  x, y;
};

struct copy {
    struct spot     *order; // all outputs that it computes
    int64_t         *fired; // when it has
    size_t           n, done, summed;
    struct buffered *buffer;
    size_t           n_buffer;
};

struct layer {
    struct naive_layer *report;
    uint32_t            kernel, stride, pad;
    uint32_t            in_size, out_size, in_channels, out_channels;
    uint32_t            n, width, height; // replicas, of a block
    bool                pooled;           // its last pixel sends one to the next layer
    bool                resampling;
    struct layer       *next;   // that takes its pixels; NULL for the last and for resampling
    struct layer       *second; // convolution of the block whose first one this is
    struct layer       *first;  // and the other way round
    struct copy        *copy;
    int64_t            *stored; // [image][x][y] when an input pixel is there
    int64_t            *sum;    // [image][x][y] when an output's sum is complete
    struct access      *access;
    size_t              n_access;
};

struct machine {
    const struct naive_case *c;
    struct naive_result     *r;
    struct layer             layer[NAIVE_LAYERS];
};

static void *get(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);

    if (!p)
        abort();
    return p;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t divide_up(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

/* ---- the network and its place on the arrays ---- */

static struct layer *add_layer(struct machine *m, const char *name, struct layer l)
{
    struct layer *new = &m->layer[m->r->n_layer];

    assert(m->r->n_layer < NAIVE_LAYERS);
    *new = l;
    new->report = &m->r->layer[m->r->n_layer++];
    snprintf(new->report->name, sizeof new->report->name, "%s", name);
    new->pad = new->kernel / 2;
    new->out_size = (new->in_size + 2 * new->pad - new->kernel) / new->stride + 1;
    return new;
}

/* Two convolutions and, where the map halves, the resampling layer before them. */
static void add_block(struct machine *m, struct layer l, uint32_t n_conv, uint32_t n_rs)
{
    char name[16];

    if (l.stride == 2) {
        struct layer rs = l;

        rs.kernel = 1;
        rs.resampling = true;
        snprintf(name, sizeof name, "rs%u", n_rs);
        add_layer(m, name, rs);
    }
    snprintf(name, sizeof name, "conv%u", n_conv + 1);
    struct layer *first = add_layer(m, name, l);

    l.stride = 1;
    l.in_size = first->out_size;
    l.in_channels = l.out_channels;
    snprintf(name, sizeof name, "conv%u", n_conv + 2);
    first->second = add_layer(m, name, l);
    first->second->first = first;
}

static void build_network(struct machine *m)
{
    const struct naive_case *c = m->c;
    uint32_t n_block = (c->depth - 2) / 6;

    add_layer(m, "conv1",
              (struct layer){ .kernel = 3,
                              .stride = 1,
                              .in_size = c->size,
                              .in_channels = 3,
                              .out_channels = c->channels[0] });
    for (uint32_t b = 0; b < NAIVE_STAGES * n_block; b++) {
        const struct layer *before = &m->layer[m->r->n_layer - 1];
        uint32_t stage = b / n_block;

        add_block(m,
                  (struct layer){ .kernel = 3,
                                  .stride = stage > 0 && b % n_block == 0 ? 2 : 1,
                                  .in_size = before->out_size,
                                  .in_channels = before->out_channels,
                                  .out_channels = c->channels[stage] },
                  1 + 2 * b, stage);
    }
    m->layer[m->r->n_layer - 1].pooled = true;
    add_layer(m, "fc",
              (struct layer){ .kernel = 1,
                              .stride = 1,
                              .in_size = 1,
                              .in_channels = c->channels[NAIVE_STAGES - 1],
                              .out_channels = c->classes });
    for (uint32_t i = 0; i + 1 < m->r->n_layer; i++) {
        struct layer *l = &m->layer[i];

        l->next = l->resampling ? NULL : l[1].resampling ? l + 2 : l + 1;
    }
}

/* Positions that the patches of n neighbouring outputs cover together. */
static uint32_t positions(const struct layer *l)
{
    uint32_t side = l->stride * (l->n + 1) + l->kernel, count = 0;
    bool *covered = get((size_t)side * side, 1);

    for (uint32_t i = 0; i < l->n; i++)
        for (uint32_t a = 0; a < l->kernel; a++)
            for (uint32_t b = 0; b < l->kernel; b++) {
                uint32_t x = l->stride * (i / l->width) + a, y = l->stride * (i % l->width) + b;

                count += !covered[x * side + y];
                covered[x * side + y] = true;
            }
    free(covered);
    return count;
}

static bool place_layer(struct machine *m, struct layer *l, uint32_t stage)
{
    const struct naive_case *c = m->c;
    bool fc = l == &m->layer[m->r->n_layer - 1];

    l->n = fc ? 1 : c->replicas[stage];
    if (l->resampling && c->resampling[stage] > 0)
        l->n = c->resampling[stage];
    l->width = fc ? 1 : least(c->block_width[stage], l->n);
    l->height = l->n / l->width;
    l->report->copies = fc || l->pooled ? 1 : c->copies[stage];

    uint32_t covered = positions(l);
    uint32_t channels_in = c->rows / covered, channels_out = c->columns / l->n;
    uint32_t strips = divide_up(l->out_size, c->firing == NAIVE_BLOCK ? l->width : 1);
    if (channels_in == 0 || channels_out == 0 || l->report->copies > strips)
        return false;
    l->report->rows = covered * l->in_channels;
    l->report->columns = l->n * l->out_channels;
    l->report->parts = divide_up(l->in_channels, channels_in);
    l->report->groups = divide_up(l->out_channels, channels_out);
    m->r->n_core += l->report->parts * l->report->groups * l->report->copies;
    return true;
}

static bool place_network(struct machine *m)
{
    uint32_t stage = 0;

    for (uint32_t i = 0; i < m->r->n_layer; i++) {
        stage += m->layer[i].resampling;
        if (!place_layer(m, &m->layer[i], stage))
            return false;
    }
    return true;
}

static int64_t interval(const struct machine *m)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < m->r->n_layer; i++) {
        const struct layer *l = &m->layer[i];
        uint32_t size = l->out_size, copies = l->report->copies;
        uint32_t columns = divide_up(size, copies);
        uint32_t strips = divide_up(divide_up(size, l->width), copies);
        uint32_t need = m->c->firing == NAIVE_FREE     ? divide_up(columns * size, l->n)
                        : m->c->firing == NAIVE_COLUMN ? columns * divide_up(size, l->n)
                                                       : strips * divide_up(size, l->height);

        most = need > most ? need : most;
    }
    return most;
}

/* ---- the order in which a copy computes ---- */

static void add_spot(struct copy *k, struct spot s)
{
    k->order[k->n++] = s;
}

/* across: a firing may hold outputs of several columns and images. */
static void order_columns(const struct layer *l, struct copy *k, uint32_t index, uint32_t image,
                          bool across)
{
    for (uint32_t y = index; y < l->out_size; y += l->report->copies)
        for (uint32_t x = 0; x < l->out_size; x++)
            add_spot(k, (struct spot){ image, x, y, across ? 0 : image * l->out_size + y, y });
}

static void order_blocks(const struct layer *l, struct copy *k, uint32_t index, uint32_t image)
{
    uint32_t size = l->out_size, w = l->width, h = l->height;

    for (uint32_t strip = index; strip * w < size; strip += l->report->copies)
        for (uint32_t top = 0; top < size; top += h)
            for (uint32_t x = top; x < least(top + h, size); x++)
                for (uint32_t y = strip * w; y < least((strip + 1) * w, size); y++)
                    add_spot(k,
                             (struct spot){ image, x, y,
                                            ((int64_t)image * size + strip) * size + top, strip });
}

static int64_t *new_times(const struct machine *m, uint32_t size)
{
    size_t n = (size_t)m->c->n_image * size * size;
    int64_t *t = get(n, sizeof *t);

    for (size_t i = 0; i < n; i++)
        t[i] = NEVER;
    return t;
}

static void start_layer(struct machine *m, struct layer *l)
{
    size_t outputs = (size_t)m->c->n_image * l->out_size * l->out_size;
    size_t inputs = (size_t)m->c->n_image * l->in_size * l->in_size;
    size_t patch = (size_t)l->kernel * l->kernel;

    l->stored = new_times(m, l->in_size);
    l->sum = new_times(m, l->out_size);
    l->copy = get(l->report->copies, sizeof *l->copy);
    l->access = get(inputs * 2 + outputs * patch, sizeof *l->access);
    for (uint32_t j = 0; j < l->report->copies; j++) {
        l->copy[j].order = get(outputs, sizeof *l->copy[j].order);
        l->copy[j].fired = get(outputs, sizeof *l->copy[j].fired);
        l->copy[j].buffer = get(inputs, sizeof *l->copy[j].buffer);
        for (uint32_t image = 0; image < m->c->n_image; image++) {
            if (m->c->firing == NAIVE_BLOCK)
                order_blocks(l, &l->copy[j], j, image);
            else
                order_columns(l, &l->copy[j], j, image, m->c->firing == NAIVE_FREE);
        }
    }
}

static void stop_layer(struct layer *l)
{
    for (uint32_t j = 0; l->copy && j < l->report->copies; j++) {
        free(l->copy[j].order);
        free(l->copy[j].fired);
        free(l->copy[j].buffer);
    }
    free(l->copy);
    free(l->stored);
    free(l->sum);
    free(l->access);
}

/* ---- one timestep ---- */

static int64_t *at(int64_t *times, uint32_t size, uint32_t image, uint32_t x, uint32_t y)
{
    return &times[((size_t)image * size + x) * size + y];
}

/* Pixel (a, b) of an output's patch; false in the padding. */
static bool patch_pixel(const struct layer *l, const struct spot *o, uint32_t a, uint32_t b,
                        uint32_t *x, uint32_t *y)
{
    *x = l->stride * o->x + a - l->pad; // wraps in the padding
    *y = l->stride * o->y + b - l->pad;
    return *x < l->in_size && *y < l->in_size;
}

static bool patch_is_stored(const struct machine *m, const struct layer *l, const struct spot *o,
                            int64_t t)
{
    uint32_t x, y;

    if (l == &m->layer[0])
        return t >= o->image * m->r->interval;
    for (uint32_t a = 0; a < l->kernel; a++)
        for (uint32_t b = 0; b < l->kernel; b++)
            if (patch_pixel(l, o, a, b, &x, &y) && *at(l->stored, l->in_size, o->image, x, y) > t)
                return false;
    return true;
}

static void add_access(struct layer *l, int64_t t, bool read, uint32_t image, uint32_t x,
                       uint32_t y)
{
    l->access[l->n_access++] = (struct access){ t, read, image, x, y };
}

static bool holds(const struct buffered *p, size_t n, struct buffered what)
{
    for (size_t i = 0; i < n; i++)
        if (p[i].strip == what.strip && p[i].image == what.image && p[i].x == what.x &&
            p[i].y == what.y)
            return true;
    return false;
}

/* Reads the patches of n outputs, apart from what the buffers hold: all that was read for outputs
 * of the same strip. */
static void read_patches(const struct machine *m, struct layer *l, struct copy *k, size_t n,
                         int64_t t)
{
    if (m->c->whole_patches)
        k->n_buffer = 0;
    for (const struct spot *o = &k->order[k->done]; o < &k->order[k->done + n]; o++) {
        if (k->n_buffer > 0 && (k->buffer->strip != o->strip || k->buffer->image != o->image))
            k->n_buffer = 0;
        for (uint32_t a = 0; a < l->kernel; a++)
            for (uint32_t b = 0; b < l->kernel; b++) {
                struct buffered p = { .strip = o->strip, .image = o->image };
                uint32_t        x, y;

                if (!patch_pixel(l, o, a, b, &x, &y))
                    continue;
                p.x = x;
                p.y = y;
                if (holds(k->buffer, k->n_buffer, p))
                    continue;
                k->buffer[k->n_buffer++] = p;
                add_access(l, t, true, o->image, x, y);
            }
    }
}

static bool map_is_done(const struct layer *l, uint32_t image)
{
    for (uint32_t i = 0; i < l->out_size * l->out_size; i++)
        if (l->sum[(size_t)image * l->out_size * l->out_size + i] == NEVER)
            return false;
    return true;
}

/* When the residual of an output can be there; before any sum for layers that have none. */
static int64_t residual_comes(const struct machine *m, const struct layer *l, const struct spot *o)
{
    const struct layer *first = l->first;

    if (!first)
        return 0;
    int64_t t = first[-1].resampling ? *at(first[-1].sum, l->out_size, o->image, o->x, o->y)
                                     : *at(first->stored, l->out_size, o->image, o->x, o->y);
    return t == NEVER ? NEVER : t + m->c->hop;
}

/* A pixel goes to the next layer, and from its memory to the resampling layer that branches off. */
static void deliver(const struct machine *m, struct layer *l, const struct spot *o, int64_t t)
{
    struct layer *next = l->next;
    int64_t       stored = t + m->c->hop;

    *at(l->sum, l->out_size, o->image, o->x, o->y) = t;
    if (next && !l->pooled) {
        *at(next->stored, l->out_size, o->image, o->x, o->y) = stored;
        if (next[-1].resampling && o->x % 2 == 0 && o->y % 2 == 0)
            *at(next[-1].stored, l->out_size, o->image, o->x, o->y) = stored + m->c->hop;
    } else if (next && map_is_done(l, o->image)) {
        next->stored[o->image] = stored;
    }
}

/* Sums are complete when their parts are and their residual has come: in order, and in a timestep
 * those of one firing. */
static void complete_sums(const struct machine *m, struct layer *l, struct copy *k, int64_t t)
{
    int64_t way = (int64_t)(l->report->parts - 1) * m->c->partial_sum_hop;

    if (k->summed == k->done)
        return;
    int64_t firing = k->fired[k->summed];
    while (k->summed < k->done && k->fired[k->summed] == firing && firing + way <= t &&
           residual_comes(m, l, &k->order[k->summed]) <= t)
        deliver(m, l, &k->order[k->summed++], t);
}

static void fire(const struct machine *m, struct layer *l, struct copy *k, int64_t t)
{
    const struct spot  *o = &k->order[k->done];
    struct naive_layer *r = l->report;
    size_t              n = 0;

    while (n < l->n && k->done + n < k->n && o[n].group == o[0].group &&
           patch_is_stored(m, l, &o[n], t))
        n++;
    if (n == 0)
        return;
    read_patches(m, l, k, n, t);
    r->firings[o->image]++;
    for (size_t i = 0; i < n; i++) {
        k->fired[k->done++] = t;
        r->first[o[i].image] = r->first[o[i].image] < t ? r->first[o[i].image] : t;
        r->last[o[i].image] = t;
    }
}

static void step(const struct machine *m, struct layer *l, struct copy *k, int64_t t)
{
    fire(m, l, k, t);
    complete_sums(m, l, k, t);
}

static bool is_done(const struct layer *l)
{
    for (uint32_t j = 0; j < l->report->copies; j++)
        if (l->copy[j].summed < l->copy[j].n)
            return false;
    return true;
}

/* ---- memories ---- */

/* When the first layer's pixels are stored: in scan order, none after it is first needed, and no
 * more in a timestep than come on average, rounded up. */
static void store_image(struct machine *m)
{
    struct layer *l = &m->layer[0];
    uint32_t      size = l->in_size, rate = divide_up(size * size, (uint32_t)m->r->interval), n = 0;
    int64_t       latest = NEVER;

    for (size_t i = 0; i < l->n_access; i++) {
        const struct access *a = &l->access[i];
        int64_t             *t = at(l->stored, size, a->image, a->x, a->y);

        *t = a->t < *t ? a->t : *t;
    }
    for (uint32_t image = m->c->n_image; image-- > 0;)
        for (uint32_t y = size; y-- > 0;)
            for (uint32_t x = size; x-- > 0;) {
                int64_t *t = at(l->stored, size, image, x, y);

                if (*t < latest || n == rate) {
                    latest = *t < latest ? *t : latest - 1;
                    n = 0;
                }
                n += latest < NEVER;
                *t = latest;
            }
}

static int by_time(const void *pa, const void *pb)
{
    const struct access *a = pa, *b = pb;

    if (a->t != b->t)
        return a->t < b->t ? -1 : 1;
    if (a->read != b->read)
        return (int)a->read - (int)b->read;
    if (a->image != b->image)
        return a->image < b->image ? -1 : 1;
    return a->y < b->y ? -1 : a->y > b->y;
}

/* Columns are counted on from image to image; a resampling layer gets every other one. */
static uint32_t column_of(const struct layer *l, uint32_t image, uint32_t y)
{
    return l->resampling ? image * l->out_size + y / l->stride : image * l->in_size + y;
}

/* Whether K columns serve: every pixel read is the one last stored in its place. */
static bool columns_serve(const struct layer *l, uint32_t columns)
{
    uint32_t *holder = get((size_t)columns * l->in_size, sizeof *holder); // column + 1
    bool      right = true;

    for (size_t i = 0; i < l->n_access && right; i++) {
        const struct access *a = &l->access[i];
        uint32_t  column = column_of(l, a->image, a->y);
        uint32_t *place = &holder[column % columns * l->in_size + a->x];

        if (a->read)
            right = *place == column + 1;
        else
            *place = column + 1;
    }
    free(holder);
    return right;
}

/* The last image of several is not like the others for a resampling memory: as none follows it, its
 * pixels stay longer in the memory that sends them. */
static void forget_last_image(const struct machine *m, struct layer *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n_access; i++)
        if (l->access[i].image + 1 < m->c->n_image)
            l->access[n++] = l->access[i];
    l->n_access = n;
}

static void find_columns(const struct machine *m, struct layer *l)
{
    uint32_t columns = least(l->kernel, l->in_size);

    for (uint32_t image = 0; image < m->c->n_image; image++)
        for (uint32_t y = 0; y < l->in_size; y++)
            for (uint32_t x = 0; x < l->in_size; x++)
                if (*at(l->stored, l->in_size, image, x, y) != NEVER)
                    add_access(l, *at(l->stored, l->in_size, image, x, y), false, image, x, y);
    if (l->resampling && m->c->n_image > 1)
        forget_last_image(m, l);
    qsort(l->access, l->n_access, sizeof *l->access, by_time);
    while (!columns_serve(l, columns))
        columns++;
    l->report->memory_columns = columns;
}

/* The block's input, read one hop before its sum. */
static void read_residuals(const struct machine *m, struct layer *first)
{
    const struct layer *second = first->second;

    for (uint32_t image = 0; image < m->c->n_image; image++)
        for (uint32_t x = 0; x < second->out_size; x++)
            for (uint32_t y = 0; y < second->out_size; y++)
                add_access(first, *at(second->sum, second->out_size, image, x, y) - m->c->hop, true,
                           image, x, y);
}

/* ---- resampling ---- */

/* When the place of a pixel is taken by another one. */
static int64_t overwritten(const struct machine *m, const struct layer *l, uint32_t image,
                           uint32_t x, uint32_t y)
{
    uint32_t column = image * l->in_size + y, n = m->c->n_image * l->in_size;
    int64_t mine = *at(l->stored, l->in_size, image, x, y), then = NEVER;

    for (uint32_t c = column % l->report->memory_columns; c < n; c += l->report->memory_columns) {
        int64_t t = *at(l->stored, l->in_size, c / l->in_size, x, c % l->in_size);

        if (c != column && t > mine && t < then)
            then = t;
    }
    return then;
}

/* Latest timesteps in which a copy can compute its outputs so that every result is there with its
 * sum: backwards, up to n of a group at a time. */
static void latest_firings(const struct machine *m, const struct layer *rs, const struct copy *k,
                           int64_t *latest)
{
    const struct layer *second = rs[1].second;
    int64_t way = m->c->hop + (int64_t)(rs->report->parts - 1) * m->c->partial_sum_hop;

    for (size_t i = k->n, n = 0; i-- > 0;) {
        const struct spot *o = &k->order[i];
        int64_t due = *at(second->sum, rs->out_size, o->image, o->x, o->y) - way;
        bool    join = n > 0 && n < rs->n && o[0].group == o[1].group && due >= latest[i + 1];

        latest[i] = n == 0 || due < latest[i + 1] ? due : join ? latest[i + 1] : latest[i + 1] - 1;
        n = join ? n + 1 : 1;
    }
}

/* In the order in which they are computed. */
static void send_to_resampling(const struct machine *m, struct layer *rs, const struct copy *k)
{
    int64_t *latest = get(k->n, sizeof *latest), send = NEVER;

    latest_firings(m, rs, k, latest);
    for (size_t i = k->n; i-- > 0;) {
        const struct spot *o = &k->order[i];
        int64_t            gone = overwritten(m, rs + 1, o->image, 2 * o->x, 2 * o->y);

        send = gone - 1 < send ? gone - 1 : send;
        send = latest[i] - m->c->hop < send ? latest[i] - m->c->hop : send;
        *at(rs->stored, rs->in_size, o->image, 2 * o->x, 2 * o->y) = send + m->c->hop;
    }
    free(latest);
}

/* As if it had not run. */
static void restart(const struct machine *m, struct layer *l)
{
    for (uint32_t image = 0; image < m->c->n_image; image++) {
        l->report->first[image] = NEVER;
        l->report->firings[image] = 0;
    }
    l->n_access = 0;
    for (uint32_t j = 0; j < l->report->copies; j++)
        l->copy[j].done = l->copy[j].summed = l->copy[j].n_buffer = 0;
}

/* Most results that have arrived and wait for a sum of one copy. */
static uint32_t most_waiting(const struct machine *m, struct layer *rs, int64_t end)
{
    const struct layer *second = rs[1].second;
    uint32_t most = 0;

    for (uint32_t j = 0; j < second->report->copies; j++)
        for (int64_t t = 0; t < end; t++) {
            uint32_t waiting = 0;

            for (size_t i = 0; i < second->copy[j].n; i++) {
                const struct spot *o = &second->copy[j].order[i];
                int64_t arrives = *at(rs->sum, rs->out_size, o->image, o->x, o->y) + m->c->hop;
                int64_t sum = *at(second->sum, rs->out_size, o->image, o->x, o->y);

                assert(arrives <= sum);
                waiting += arrives <= t && t <= sum;
            }
            most = waiting > most ? waiting : most;
        }
    return most;
}

static void run_resampling(const struct machine *m, struct layer *rs, int64_t end)
{
    restart(m, rs);
    for (uint32_t j = 0; j < rs->report->copies; j++)
        send_to_resampling(m, rs, &rs->copy[j]);
    for (int64_t t = 0; t < end; t++)
        for (uint32_t j = 0; j < rs->report->copies; j++)
            step(m, rs, &rs->copy[j], t);
    assert(is_done(rs));
    find_columns(m, rs);
    rs->report->fifo = most_waiting(m, rs, end);
}

/* ---- all of it ---- */

/* Returns the number of timesteps. */
static int64_t run_cores(struct machine *m)
{
    const struct layer *fc = &m->layer[m->r->n_layer - 1];
    int64_t t;

    for (t = 0; !is_done(fc); t++)
        for (uint32_t i = 0; i < m->r->n_layer; i++)
            for (uint32_t j = 0; j < m->layer[i].report->copies; j++)
                step(m, &m->layer[i], &m->layer[i].copy[j], t);
    return t;
}

static void find_memories(struct machine *m, int64_t end)
{
    struct layer *behind = &m->layer[m->r->n_layer];

    store_image(m);
    for (struct layer *l = m->layer; l < behind; l++)
        if (l->second && !l[-1].resampling)
            read_residuals(m, l);
    for (struct layer *l = m->layer; l < behind; l++)
        if (!l->resampling)
            find_columns(m, l);
    for (struct layer *l = m->layer; l < behind; l++)
        if (l->resampling)
            run_resampling(m, l, end);
}

bool naive_run(const struct naive_case *c, struct naive_result *r)
{
    struct machine *m = get(1, sizeof *m);

    assert(c->n_image >= 1 && c->n_image <= NAIVE_IMAGES && c->hop >= 1 && c->depth % 6 == 2);
    memset(r, 0, sizeof *r);
    m->c = c;
    m->r = r;
    build_network(m);
    bool fits = place_network(m);
    if (fits) {
        r->interval = interval(m);
        for (uint32_t i = 0; i < r->n_layer; i++) {
            for (uint32_t image = 0; image < c->n_image; image++)
                r->layer[i].first[image] = NEVER;
            start_layer(m, &m->layer[i]);
        }
        find_memories(m, run_cores(m));
        r->last_conv = r->layer[r->n_layer - 2].last[0] + 1;
        r->fc_result = m->layer[r->n_layer - 1].sum[0] + 1;
    }
    for (uint32_t i = 0; i < r->n_layer; i++)
        stop_layer(&m->layer[i]);
    free(m);
    return fits;
}
