/* study/evaluate.c -- see evaluate.h. */
#include "study/evaluate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "arch/units/crossbar.h"
#include "arch/units/digital.h"
#include "core/util.h"
#include "memory/registers.h"

enum { SLACK = 64 }; // bytes and sums that the kernels may touch behind the last

struct stage { // one layer
    struct crossbar *crossbar; // owned; [group][part of its rows]
    uint32_t         n_part;
    int32_t         *zero_sum; // owned; per output: in_zero * sum of its weights
    struct requant   average;  // owned; an average's entries, spread over the outputs
    struct digital   digital;
    uint8_t         *value;    // owned; what it delivers
};

struct evaluator {
    const struct network *network;
    struct stage         *stage; // owned
    uint8_t              *patch, *out, *residual; // owned; of one pixel
    const uint8_t       **window;
    int32_t              *acc, *part, *pool;
};

static size_t bytes_of(const struct layer *l)
{
    struct shape s = layer_delivers(l);
    return (size_t)s.height * s.width * s.channels * (l->raw_output ? sizeof(int32_t) : 1);
}

/* ---- Programming ---- */

/* Rows first .. first + n of a group's weights, as a crossbar has them. */
static bool program_part(const struct evaluator *e, const struct layer *l, uint32_t group,
                         uint32_t first, uint32_t n, struct crossbar *x)
{
    uint32_t columns = l->out.channels / l->groups, rows = layer_kernel_rows(l);
    int8_t *weight = malloc((size_t)n * columns);
    bool done = weight != NULL;

    for (size_t o = 0; done && o < columns; o++)
        for (size_t i = 0; i < n; i++)
            weight[i * columns + o] = l->weight[(group * (size_t)columns + o) * rows + first + i];
    done = done && crossbar_init(x, n, columns, weight,
                                 e->network->layer[l->input[0]].out_signed, NULL);
    free(weight);
    return done;
}

static bool program_crossbars(const struct evaluator *e, const struct layer *l, struct stage *s)
{
    uint32_t rows = layer_kernel_rows(l);

    s->n_part = (uint32_t)ceil_div(rows, CROSSBAR_MAX_ROWS);
    s->crossbar = calloc((size_t)l->groups * s->n_part, sizeof *s->crossbar);
    s->zero_sum = calloc(l->out.channels, sizeof *s->zero_sum);
    if (!s->crossbar || !s->zero_sum)
        return false;
    for (uint32_t g = 0; g < l->groups; g++)
        for (uint32_t k = 0; k < s->n_part; k++) {
            uint32_t first = k * CROSSBAR_MAX_ROWS, n = min_u32(rows - first, CROSSBAR_MAX_ROWS);
            if (!program_part(e, l, g, first, n, &s->crossbar[g * s->n_part + k]))
                return false;
        }
    for (size_t o = 0; o < l->out.channels; o++)
        for (size_t i = 0; i < rows; i++)
            s->zero_sum[o] += l->in_zero * l->weight[o * rows + i];
    return true;
}

static bool program_average(const struct layer *l, struct stage *s)
{
    size_t n = l->out.channels, entries = n * layer_n_scale(l);
    struct requant *q = &s->average;

    *q = (struct requant){.m = calloc(entries, sizeof *q->m), .b = calloc(entries, sizeof *q->b),
                          .mr = calloc(entries, sizeof *q->mr), .shift = calloc(entries, 1)};
    if (!q->m || !q->b || !q->mr || !q->shift)
        return false;
    for (size_t i = 0; i < entries; i++) {
        q->m[i] = l->requant.m[i / n];
        q->b[i] = l->requant.b[i / n];
        q->mr[i] = l->requant.mr ? l->requant.mr[i / n] : 0;
        q->shift[i] = l->requant.shift[i / n];
    }
    return true;
}

static bool program(const struct evaluator *e, const struct layer *l, struct stage *s)
{
    const struct requant *q = &l->requant;

    s->value = calloc(bytes_of(l) + SLACK, 1);
    if (!s->value || l->kind == LAYER_IMAGE)
        return s->value != NULL;
    if (!layer_is_digital(l) && !program_crossbars(e, l, s))
        return false;
    if (l->kind == LAYER_AVERAGE_POOL) {
        if (!program_average(l, s))
            return false;
        q = &s->average;
    }
    s->digital = (struct digital){
        .n = l->out.channels * (q == &s->average ? layer_n_scale(l) : 1),
        .m = q->m,
        .b = q->b,
        .mr = q->mr,
        .shift = q->shift,
        .r_zero = l->requant.r_zero,
        .r_signed = l->has_residual && e->network->layer[l->residual].out_signed,
        .zero = l->requant.zero,
        .low = l->requant.low,
        .high = l->requant.high,
    };
    bool found = digital_select(&s->digital, NULL);
    s->digital.n = l->out.channels;
    return found;
}

static bool program_all(struct evaluator *e)
{
    size_t patch = 0, channels = 0, window = 0;

    for (uint32_t i = 0; i < e->network->n_layer; i++) {
        const struct layer *l = &e->network->layer[i];
        size_t positions = (size_t)l->window.kernel[0] * l->window.kernel[1];
        patch = max_u64(patch, positions * l->in.channels);
        window = max_u64(window, positions);
        channels = max_u64(channels, l->out.channels);
        if (!program(e, l, &e->stage[i]))
            return false;
    }
    e->patch = calloc(patch + SLACK, 1);
    e->out = calloc(channels + SLACK, 1);
    e->residual = calloc(channels + SLACK, 1);
    e->window = calloc(window + 1, sizeof *e->window);
    e->acc = calloc(channels + SLACK, sizeof *e->acc);
    e->part = calloc(channels + SLACK, sizeof *e->part);
    e->pool = calloc(channels + SLACK, sizeof *e->pool);
    return e->patch && e->out && e->residual && e->window && e->acc && e->part && e->pool;
}

enum err evaluator_new(struct evaluator **out, const struct network *n, struct err_msg *m)
{
    struct evaluator *e = calloc(1, sizeof *e);

    assert(n->has_values);
    *out = e;
    if (e) {
        e->network = n;
        e->stage = calloc(n->n_layer, sizeof *e->stage);
    }
    if (e && e->stage && program_all(e))
        return ERR_NONE;
    evaluator_free(e);
    *out = NULL;
    return err_set(m, ERR_MEMORY, "no memory to evaluate network %s", n->name);
}

static void release(const struct layer *l, struct stage *s)
{
    for (size_t i = 0; s->crossbar && i < (size_t)l->groups * s->n_part; i++)
        crossbar_release(&s->crossbar[i]);
    free(s->crossbar);
    free(s->zero_sum);
    requant_release(&s->average);
    free(s->value);
}

void evaluator_free(struct evaluator *e)
{
    if (!e)
        return;
    for (uint32_t i = 0; e->stage && i < e->network->n_layer; i++)
        release(&e->network->layer[i], &e->stage[i]);
    free(e->stage);
    free(e->patch);
    free(e->out);
    free(e->residual);
    free(e->window);
    free(e->acc);
    free(e->part);
    free(e->pool);
    free(e);
}

/* ---- One image ---- */

struct place { // an output of a layer
    const struct layer *layer;
    uint32_t            x, y;
};

/* Pixel (x, y) of what a layer delivers. */
static uint8_t *pixel_of(const struct evaluator *e, uint32_t layer, uint32_t x, uint32_t y)
{
    struct shape s = layer_delivers(&e->network->layer[layer]);
    return e->stage[layer].value + ((size_t)y * s.height + x) * s.channels;
}

/* Whether position (i, j) of the window lies inside the map, and where. */
static bool inside(const struct place *p, uint32_t i, uint32_t j, uint32_t *x, uint32_t *y)
{
    const struct window *w = &p->layer->window;
    int64_t at_x = window_begin(w, 0, p->x) + (int64_t)i * w->dilation[0];
    int64_t at_y = window_begin(w, 1, p->y) + (int64_t)j * w->dilation[1];

    *x = (uint32_t)at_x;
    *y = (uint32_t)at_y;
    if (window_between(w, p->x, p->y))
        return false;
    return at_x >= 0 && at_x < p->layer->in.height && at_y >= 0 && at_y < p->layer->in.width;
}

/* The bytes under the kernel, [channel][row][column] as weights have them. */
static void gather_patch(const struct evaluator *e, const struct place *p)
{
    const struct layer *l = p->layer;
    const uint32_t rows = l->window.kernel[0], columns = l->window.kernel[1];
    const size_t positions = (size_t)rows * columns;
    uint32_t x, y;

    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t j = 0; j < columns; j++) {
            uint8_t *to = e->patch + (size_t)i * columns + j;
            if (!inside(p, i, j, &x, &y)) {
                for (size_t c = 0; c < l->in.channels; c++)
                    to[c * positions] = (uint8_t)l->in_zero;
                continue;
            }
            for (uint32_t k = 0; k < l->n_input; k++) {
                const uint8_t *from = pixel_of(e, l->input[k], x, y);
                uint32_t n = layer_delivers(&e->network->layer[l->input[k]]).channels;
                for (uint32_t c = 0; c < n; c++, to += positions)
                    *to = from[c];
            }
        }
}

static void multiply(const struct evaluator *e, const struct place *p, const struct stage *s)
{
    const struct layer *l = p->layer;
    uint32_t columns = l->out.channels / l->groups, rows = layer_kernel_rows(l);

    gather_patch(e, p);
    for (uint32_t g = 0; g < l->groups; g++)
        for (uint32_t k = 0; k < s->n_part; k++) {
            crossbar_mvm(&s->crossbar[g * s->n_part + k],
                         e->patch + (size_t)g * rows + (size_t)k * CROSSBAR_MAX_ROWS, e->part);
            for (uint32_t o = 0; o < columns; o++)
                e->acc[g * columns + o] = (k ? e->acc[g * columns + o] : 0) + e->part[o];
        }
    for (uint32_t o = 0; o < l->out.channels; o++)
        e->acc[o] -= s->zero_sum[o];
}

/* Of a digital layer: the pixels of its window. Returns how many lie inside the map. */
static uint32_t gather_window(const struct evaluator *e, const struct place *p, uint32_t input)
{
    uint32_t n = 0, x, y;

    for (uint32_t i = 0; i < p->layer->window.kernel[0]; i++)
        for (uint32_t j = 0; j < p->layer->window.kernel[1]; j++)
            if (inside(p, i, j, &x, &y))
                e->window[n++] = pixel_of(e, input, x, y);
    return n;
}

static uint32_t reduce(const struct evaluator *e, const struct place *p)
{
    const struct layer *l = p->layer;
    uint32_t n = 0, first = 0;

    for (uint32_t k = 0; k < l->n_input; k++) {
        const struct layer *from = &e->network->layer[l->input[k]];
        uint32_t channels = layer_delivers(from).channels;
        n = gather_window(e, p, l->input[k]);
        if (l->kind == LAYER_MAX_POOL)
            digital_max(channels, e->window, n, from->out_signed, l->in_zero, e->acc + first);
        else
            digital_sum(channels, e->window, n, from->out_signed, l->in_zero, e->acc + first);
        first += channels;
    }
    for (uint32_t o = 0; l->negated && o < l->out.channels; o++)
        e->acc[o] = l->negated[o] ? -e->acc[o] : e->acc[o];
    return n;
}

static void finish(const struct evaluator *e, const struct place *p, const struct stage *s,
                   uint32_t n_pixel)
{
    const struct layer *l = p->layer;
    struct digital d = s->digital;
    const uint8_t *residual = l->has_residual ? pixel_of(e, l->residual, p->x, p->y) : NULL;

    if (l->kind == LAYER_AVERAGE_POOL) {
        size_t at = (size_t)(n_pixel - 1) * l->out.channels;
        d.m += at;
        d.b += at;
        d.mr += at;
        d.shift += at;
    }
    if (l->multiplies)
        digital_multiply(&d, e->acc, residual, e->acc);
    digital_process(&d, e->acc, l->multiplies ? NULL : residual, e->out);
    for (uint32_t o = 0; l->table && o < l->out.channels; o++)
        e->out[o] = layer_look_up(l, o, e->out[o]);
}

static void deliver(const struct evaluator *e, const struct place *p, const struct stage *s)
{
    const struct layer *l = p->layer;
    size_t at = ((size_t)p->y * l->out.height + p->x) * l->out.channels;

    if (l->pooled)
        digital_pool_add(l->out.channels, e->pool, e->out, l->out_signed);
    else
        memcpy(s->value + at, e->out, l->out.channels);
}

static void deliver_raw(const struct evaluator *e, const struct place *p, const struct stage *s)
{
    const struct layer *l = p->layer;
    size_t at = ((size_t)p->y * l->out.height + p->x) * l->out.channels;

    for (uint32_t o = 0; o < l->out.channels; o++) {
        int32_t v = (int32_t)(e->acc[o] + l->requant.b[o]);
        memcpy(s->value + (at + o) * sizeof v, &v, sizeof v);
    }
}

static void run_layer(const struct evaluator *e, uint32_t index)
{
    const struct layer *l = &e->network->layer[index];
    const struct stage *s = &e->stage[index];
    struct place p = {.layer = l};

    memset(e->pool, 0, l->out.channels * sizeof *e->pool);
    for (p.y = 0; p.y < l->out.width; p.y++)
        for (p.x = 0; p.x < l->out.height; p.x++) {
            uint32_t n_pixel = 0;
            if (layer_is_digital(l))
                n_pixel = reduce(e, &p);
            else
                multiply(e, &p, s);
            if (l->raw_output) {
                deliver_raw(e, &p, s);
                continue;
            }
            finish(e, &p, s, n_pixel);
            deliver(e, &p, s);
        }
    if (l->pooled)
        digital_pool_finish(&l->pool, l->out.channels, e->pool, s->value);
}

void evaluator_run(struct evaluator *e, const uint8_t *image)
{
    memcpy(e->stage[0].value, image, bytes_of(&e->network->layer[0]));
    for (uint32_t i = 1; i < e->network->n_layer; i++)
        run_layer(e, i);
}

const void *evaluator_delivered(const struct evaluator *e, uint32_t layer)
{
    return e->stage[layer].value;
}

static int32_t value_at(const struct layer *l, const uint8_t *value, uint32_t i)
{
    int32_t v;

    if (!l->raw_output)
        return l->out_signed ? (int8_t)value[i] : value[i];
    memcpy(&v, value + i * sizeof v, sizeof v);
    return v;
}

uint32_t evaluator_class(const struct evaluator *e)
{
    uint32_t last = e->network->n_layer - 1, best = 0;
    const struct layer *l = &e->network->layer[last];
    const uint8_t *value = e->stage[last].value;

    for (uint32_t i = 1; i < layer_delivers(l).channels; i++)
        if (value_at(l, value, i) > value_at(l, value, best))
            best = i;
    return best;
}
