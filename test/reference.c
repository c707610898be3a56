/* test/reference.c -- see reference.h. */
#include "test/reference.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "network/precision.h"
#include "test/random_function.h"

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (!p)
        abort();
    return p;
}

static size_t values(struct shape s)
{
    return (size_t)s.height * s.width * s.channels;
}

static size_t at(struct shape s, uint32_t x, uint32_t y, uint32_t ch)
{
    assert(x < s.height && y < s.width && ch < s.channels);
    return ((size_t)y * s.height + x) * s.channels + ch;
}

void reference_init(struct reference *r, const struct network *n)
{
    *r = (struct reference){ .network = n };
    r->sum = allocate(n->n_layer, sizeof *r->sum);
    r->map = allocate(n->n_layer, sizeof *r->map);
    r->pooled = allocate(n->n_layer, sizeof *r->pooled);
    for (uint32_t i = 0; i < n->n_layer; i++) {
        const struct layer *l = &n->layer[i];
        r->sum[i] = allocate(values(l->out), sizeof **r->sum);
        r->map[i] = allocate(values(l->out), sizeof **r->map);
        r->pooled[i] = l->pooled ? allocate(l->out.channels, sizeof **r->pooled) : NULL;
    }
}

void reference_release(struct reference *r)
{
    for (uint32_t i = 0; i < r->network->n_layer; i++) {
        free(r->sum[i]);
        free(r->map[i]);
        free(r->pooled[i]);
    }
    free(r->sum);
    free(r->map);
    free(r->pooled);
}

/* t / 2^shift to the nearest integer, to the even one when two are as near. */
static int64_t rounded(int64_t t, unsigned shift)
{
    int64_t unit = INT64_C(1) << shift;
    int64_t below = t / unit - (t % unit < 0); // floor
    int64_t rest = t - below * unit;           // 0 <= rest < unit

    if (2 * rest > unit || (2 * rest == unit && below % 2 != 0))
        return below + 1;
    return below;
}

static int64_t clamped(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* Value of channel ch of the concatenated inputs; outside the map, the zero point. */
static int64_t input(const struct reference *r, const struct layer *l, int64_t x, int64_t y,
                     uint32_t ch)
{
    const uint32_t by[] = {l->window.again[0] + 1, l->window.again[1] + 1};

    if (l->window.apart && (x % by[0] > 0 || y % by[1] > 0))
        return l->in_zero;
    x = x < 0 ? x : x / by[0];
    y = y < 0 ? y : y / by[1];
    if (x < 0 || y < 0 || x >= l->in.height || y >= l->in.width)
        return l->in_zero;
    for (uint32_t i = 0; i < l->n_input; i++) {
        uint32_t n = r->network->layer[l->input[i]].out.channels;
        if (ch < n)
            return reference_delivered(r, l->input[i], (uint32_t)x, (uint32_t)y, ch);
        ch -= n;
    }
    assert(!"channel beyond the inputs");
    return 0;
}

/* What the kernel covers for output (x, y), less the zero point: [channel][kernel 0][kernel 1]. */
static void gather_patch(const struct reference *r, const struct layer *l, uint32_t x, uint32_t y,
                         int64_t *patch)
{
    const struct window *w = &l->window;

    for (uint32_t c = 0; c < l->in.channels; c++)
        for (uint32_t i = 0; i < w->kernel[0]; i++)
            for (uint32_t j = 0; j < w->kernel[1]; j++) {
                int64_t row = (int64_t)x * w->stride[0] + (int64_t)i * w->dilation[0];
                int64_t column = (int64_t)y * w->stride[1] + (int64_t)j * w->dilation[1];
                *patch++ = input(r, l, row - w->pad_before[0], column - w->pad_before[1], c) -
                           l->in_zero;
            }
}

static int64_t sum_of(const struct layer *l, uint32_t o, const int64_t *patch)
{
    size_t rows = (size_t)l->in.channels / l->groups * l->window.kernel[0] * l->window.kernel[1];
    uint32_t group = o / (l->out.channels / l->groups);
    int64_t sum = 0;

    patch += group * rows;
    for (size_t i = 0; i < rows; i++)
        sum += (l->wide_weight ? l->wide_weight[o * rows + i] : l->weight[o * rows + i]) * patch[i];
    return sum;
}

static bool inside(const struct layer *l, uint32_t x, uint32_t y, uint32_t i, uint32_t j)
{
    const struct window *w = &l->window;
    int64_t row = (int64_t)x * w->stride[0] + (int64_t)i * w->dilation[0] - w->pad_before[0];
    int64_t column = (int64_t)y * w->stride[1] + (int64_t)j * w->dilation[1] - w->pad_before[1];

    return row >= 0 && column >= 0 && row < (int64_t)l->in.height * (w->again[0] + 1) &&
           column < (int64_t)l->in.width * (w->again[1] + 1);
}

/* Positions of the window of (x, y) inside the map; *sum is theirs and *most their largest value,
 * of channel o. */
static uint32_t pooled_window(const struct layer *l, uint32_t x, uint32_t y, uint32_t o,
                              const int64_t *patch, int64_t *sum, int64_t *most)
{
    uint32_t n = 0;

    patch += (size_t)o * l->window.kernel[0] * l->window.kernel[1];
    *sum = 0;
    *most = INT64_MIN;
    for (uint32_t i = 0; i < l->window.kernel[0]; i++)
        for (uint32_t j = 0; j < l->window.kernel[1]; j++, patch++)
            if (inside(l, x, y, i, j)) {
                n++;
                *sum += *patch;
                *most = *patch > *most ? *patch : *most;
            }
    return n;
}

/* Sum of output o before scaling; *entry says which scale is its own. */
static int64_t output_sum(const struct reference *r, uint32_t index, uint32_t x, uint32_t y,
                          uint32_t o, const int64_t *patch, uint32_t *entry)
{
    const struct layer *l = &r->network->layer[index];
    int64_t sum, most;

    *entry = o;
    if (l->kind == LAYER_CONV || l->kind == LAYER_GEMM)
        return r->product ? r->product(r->user, index, x, y, o, patch) : sum_of(l, o, patch);
    uint32_t n = pooled_window(l, x, y, o, patch, &sum, &most);
    if (l->kind == LAYER_MAX_POOL)
        return most;
    if (l->kind == LAYER_AVERAGE_POOL)
        *entry = n - 1;
    return l->negated && l->negated[o] ? -sum : sum;
}

static int64_t result_of(const struct reference *r, const struct layer *l, uint32_t x, uint32_t y,
                         uint32_t o, int64_t sum, uint32_t entry)
{
    const struct requant *q = &l->requant;

    if (l->raw_output)
        return sum + q->b[o];
    int64_t t = sum * q->m[entry] + q->b[entry];
    int64_t other =
        l->has_residual ? reference_delivered(r, l->residual, x, y, o) - q->r_zero : 0;
    if (l->multiplies)
        t = sum * other * q->m[entry] + q->b[entry];
    else if (l->has_residual)
        t += other * q->mr[entry];
    int64_t byte = clamped((l->function ? naive_function(l->function, t, q->shift[entry])
                                        : rounded(t, q->shift[entry])) + q->zero, q->low, q->high);
    if (!l->table)
        return byte;
    uint8_t found = l->table[(l->n_table > 1 ? o * 256 : 0) + (uint8_t)byte];
    return l->out_signed ? (int8_t)found : found;
}

static void run_layer(const struct reference *r, uint32_t index)
{
    const struct layer *l = &r->network->layer[index];
    size_t n = (size_t)l->in.channels * l->window.kernel[0] * l->window.kernel[1];
    int64_t *patch = allocate(n, sizeof *patch);

    for (uint32_t y = 0; y < l->out.width; y++)
        for (uint32_t x = 0; x < l->out.height; x++) {
            gather_patch(r, l, x, y, patch);
            for (uint32_t o = 0; o < l->out.channels; o++) {
                size_t k = at(l->out, x, y, o);
                uint32_t entry;
                r->sum[index][k] = output_sum(r, index, x, y, o, patch, &entry);
                r->map[index][k] = result_of(r, l, x, y, o, r->sum[index][k], entry);
            }
        }
    free(patch);
}

static void pool(const struct reference *r, uint32_t index)
{
    const struct layer *l = &r->network->layer[index];
    const struct pool_requant *p = &l->pool;

    for (uint32_t ch = 0; ch < l->out.channels; ch++) {
        int64_t sum = 0;
        for (uint32_t y = 0; y < l->out.width; y++)
            for (uint32_t x = 0; x < l->out.height; x++)
                sum += reference_map(r, index, x, y, ch);
        r->pooled[index][ch] = clamped(rounded(sum * p->m + p->b, p->shift) + p->zero, p->low,
                                        p->high);
    }
}

void reference_run(struct reference *r, const void *image)
{
    const struct layer *first = &r->network->layer[0];
    const bool wide = network_is_wide(r->network);
    const uint8_t *low = image, *high = low + values(first->out);

    for (size_t i = 0; i < values(first->out); i++) {
        int64_t v = low[i] + (wide ? 256 * high[i] : 0), codes = wide ? 65536 : 256;
        r->map[0][i] = first->out_signed && v >= codes / 2 ? v - codes : v;
    }
    for (uint32_t i = 1; i < r->network->n_layer; i++) {
        run_layer(r, i);
        if (r->network->layer[i].pooled)
            pool(r, i);
    }
}

int64_t reference_sum(const struct reference *r, uint32_t l, uint32_t x, uint32_t y, uint32_t ch)
{
    return r->sum[l][at(r->network->layer[l].out, x, y, ch)];
}

int64_t reference_map(const struct reference *r, uint32_t l, uint32_t x, uint32_t y, uint32_t ch)
{
    return r->map[l][at(r->network->layer[l].out, x, y, ch)];
}

int64_t reference_delivered(const struct reference *r, uint32_t l, uint32_t x, uint32_t y,
                            uint32_t ch)
{
    if (!r->pooled[l])
        return reference_map(r, l, x, y, ch);
    assert(x == 0 && y == 0 && ch < r->network->layer[l].out.channels);
    return r->pooled[l][ch];
}

uint32_t reference_class(const struct reference *r)
{
    uint32_t last = r->network->n_layer - 1, best = 0;

    for (uint32_t ch = 1; ch < r->network->layer[last].out.channels; ch++)
        if (reference_delivered(r, last, 0, 0, ch) > reference_delivered(r, last, 0, 0, best))
            best = ch;
    return best;
}
