/* arch/units/kernel_matrix.c -- see kernel_matrix.h. */
#include "arch/units/kernel_matrix.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

enum { OVERREAD = 64 }; // bytes behind a vector that a crossbar kernel may read

/* Numbers the positions that any replica sees, row by row; [height][width], UINT32_MAX: none. */
static uint32_t number_positions(const struct kernel_matrix *k, uint32_t *number, uint32_t height,
                                 uint32_t width)
{
    const struct window *w = &k->layer->window;
    uint32_t block_w = k->layer->replicas.width, n = 0;
    size_t size = (size_t)height * width;

    memset(number, 0xff, size * sizeof *number);
    for (uint32_t q = 0; q < k->replicas; q++)
        for (uint32_t i = 0; i < w->kernel[0]; i++)
            for (uint32_t j = 0; j < w->kernel[1]; j++) {
                size_t dx = (size_t)(q / block_w) * w->stride[0] + (size_t)i * w->dilation[0];
                size_t dy = (size_t)(q % block_w) * w->stride[1] + (size_t)j * w->dilation[1];
                number[dx * width + dy] = 0;
            }
    for (size_t i = 0; i < size; i++)
        if (number[i] == 0)
            number[i] = n++;
    return n;
}

static bool place_patches(struct kernel_matrix *k)
{
    const struct window *w = &k->layer->window;
    uint32_t block_w = k->layer->replicas.width;
    uint32_t blocks = (uint32_t)ceil_div(k->replicas, block_w);
    uint32_t height = (blocks - 1) * w->stride[0] + (w->kernel[0] - 1) * w->dilation[0] + 1;
    uint32_t width = (block_w - 1) * w->stride[1] + (w->kernel[1] - 1) * w->dilation[1] + 1;
    uint32_t *number = calloc((size_t)height * width, sizeof *number);

    if (!number)
        return false;
    k->n_position = number_positions(k, number, height, width);
    k->width = width;
    k->row_bytes = width * k->channels;
    k->contiguous = block_w == 1 && k->n_position == height * width;
    for (uint32_t q = 0, at = 0; q < k->replicas; q++)
        for (uint32_t i = 0; i < w->kernel[0]; i++)
            for (uint32_t j = 0; j < w->kernel[1]; j++, at++) {
                uint32_t dx = q / block_w * w->stride[0] + i * w->dilation[0];
                uint32_t dy = q % block_w * w->stride[1] + j * w->dilation[1];
                k->patch[at] = number[(size_t)dx * width + dy];
                k->from[at] = dx * k->row_bytes + dy * k->channels;
            }
    free(number);
    return true;
}

/* Channel, from the core's first, of the row at a position that a part cut inside channels has; its
 * n_channels where it has none. `slot` is where the channel's byte lies in a pixel. */
static uint32_t channel_at(const struct plan_layer *pl, const struct plan_core *c,
                           uint32_t position, uint32_t slot)
{
    uint32_t positions = pl->window.kernel[0] * pl->window.kernel[1];
    uint32_t before = c->row_first / positions;

    for (uint32_t ch = pl->flat ? 0 : slot; ch < c->in_n; ch++) {
        uint32_t row = (before + ch) * positions + position;
        if (row >= c->row_first && row - c->row_first < c->row_n)
            return ch;
        if (!pl->flat)
            break;
    }
    return c->in_n;
}

/* Lists the rows of a part that is cut inside channels. */
static bool pick_rows(struct kernel_matrix *k, const struct plan *p, const struct plan_core *c)
{
    const struct plan_layer *pl = &p->layer[c->plan_layer];

    if (!pl->inside)
        return true;
    k->pick = calloc(c->rows, sizeof *k->pick);
    for (uint32_t i = 0; k->pick && i < k->n_position * k->channels; i++)
        if (channel_at(pl, c, i / k->channels, i % k->channels) < c->in_n)
            k->pick[k->n_pick++] = i;
    assert(!k->pick || k->n_pick == c->rows);
    return k->pick != NULL;
}

/* n bytes of a plane become those of padding pixels. */
static void pad(const struct kernel_matrix *k, uint32_t plane, uint8_t *to, size_t n)
{
    memset(to, k->zero[plane % 2], n);
}

static void pad_strips(const struct kernel_matrix *k)
{
    for (uint32_t p = 0; p < k->planes; p++)
        pad(k, p, k->strip + p * k->strip_bytes, k->strip_bytes);
}

bool kernel_matrix_init(struct kernel_matrix *k, const struct plan *p, uint32_t core,
                        uint32_t planes, bool wide)
{
    const struct plan_core *c = &p->core[core];
    const struct plan_layer *pl = &p->layer[c->plan_layer];
    const struct layer *l = plan_network_layer(p, c->plan_layer);
    const struct window *w = &pl->window;

    *k = (struct kernel_matrix){
        .layer = pl,
        .channels = plan_pixel_values(p, c),
        .outputs = c->out_n,
        .replicas = pl->replicas.n,
        .patch_n = w->kernel[0] * w->kernel[1],
        .zero = { (uint8_t)l->in_zero, (uint8_t)(wide ? l->in_zero >> 8 : l->in_zero) },
        .n_row = (l->out.height - 1) * w->stride[0] + (w->kernel[0] - 1) * w->dilation[0] + 1,
    };
    k->patch = calloc((size_t)k->replicas * k->patch_n, sizeof *k->patch);
    k->from = calloc((size_t)k->replicas * k->patch_n, sizeof *k->from);
    if (!k->patch || !k->from || !place_patches(k) || !pick_rows(k, p, c)) {
        kernel_matrix_release(k);
        return false;
    }
    assert(k->n_position == pl->replicas.positions);
    k->seen = calloc(k->n_position, sizeof *k->seen);
    if (planes > 0) {
        k->strip_bytes = (size_t)k->n_row * k->row_bytes + OVERREAD;
        k->vector_bytes = (size_t)k->n_position * k->channels + OVERREAD;
        k->strip = calloc(planes, k->strip_bytes);
        k->vector = calloc(planes, k->vector_bytes);
    }
    if (!k->seen || (planes > 0 && (!k->strip || !k->vector))) {
        kernel_matrix_release(k);
        return false;
    }
    k->planes = planes;
    pad_strips(k);
    return true;
}

void kernel_matrix_release(struct kernel_matrix *k)
{
    free(k->patch);
    free(k->from);
    free(k->seen);
    free(k->pick);
    free(k->strip);
    free(k->vector);
    *k = (struct kernel_matrix){ 0 };
}

struct weights { // of a matrix; one of them
    int8_t  *byte;
    int16_t *wide;
};

static void put(const struct weights *to, size_t at, const struct layer *l, size_t from)
{
    if (to->wide)
        to->wide[at] = (int16_t)layer_weight(l, from);
    else
        to->byte[at] = l->weight[from];
}

/* Of a part that is cut inside channels; it has no replicas. */
static void picked_weights(const struct kernel_matrix *k, const struct plan *p,
                           const struct plan_core *c, const struct weights *to)
{
    const struct layer *l = plan_network_layer(p, c->plan_layer);
    uint32_t in = l->in.channels / l->groups;

    for (uint32_t i = 0; i < k->n_pick; i++) {
        uint32_t position = k->pick[i] / k->channels;
        uint32_t ch = channel_at(k->layer, c, position, k->pick[i] % k->channels);
        for (uint32_t o = 0; o < k->outputs; o++)
            put(to, (size_t)i * k->outputs + o, l,
                ((size_t)(c->out_first + o) * in + (c->in_first + ch) % in) * k->patch_n +
                    position);
    }
}

/* Of a matrix that is 0. */
static void fill_weights(const struct kernel_matrix *k, const struct plan *p, uint32_t core,
                         const struct weights *to)
{
    const struct plan_core *c = &p->core[core];
    const struct layer *l = plan_network_layer(p, c->plan_layer);
    size_t columns = (size_t)k->replicas * k->outputs;
    uint32_t in = l->in.channels / l->groups, out = l->out.channels / l->groups;

    if (k->pick) {
        picked_weights(k, p, c, to);
        return;
    }
    for (uint32_t o = 0; o < k->outputs; o++)
        for (uint32_t ch = 0; ch < k->channels; ch++) {
            uint32_t input = c->in_first + ch, output = c->out_first + o;
            if (input / in != output / out)
                continue; // of another group
            size_t kernel = ((size_t)output * in + input % in) * k->patch_n;
            for (uint32_t q = 0; q < k->replicas; q++)
                for (uint32_t i = 0; i < k->patch_n; i++) {
                    size_t row = (size_t)k->patch[q * k->patch_n + i] * k->channels + ch;
                    put(to, row * columns + q * k->outputs + o, l, kernel + i);
                }
        }
}

/* Weights of a matrix. */
static size_t n_weight(const struct kernel_matrix *k)
{
    size_t rows = k->pick ? k->n_pick : (size_t)k->n_position * k->channels;

    return rows * k->replicas * k->outputs;
}

void kernel_matrix_weights(const struct kernel_matrix *k, const struct plan *p, uint32_t core,
                           int8_t *weight)
{
    memset(weight, 0, n_weight(k));
    fill_weights(k, p, core, &(struct weights){ .byte = weight });
}

void kernel_matrix_wide_weights(const struct kernel_matrix *k, const struct plan *p, uint32_t core,
                                int16_t *weight)
{
    memset(weight, 0, n_weight(k) * sizeof *weight);
    fill_weights(k, p, core, &(struct weights){ .wide = weight });
}

/* Channel of the layer's input that a position's slot holds. */
static uint32_t input_of(const struct kernel_matrix *k, const struct plan_core *c,
                         uint32_t position, uint32_t slot)
{
    return c->in_first + (k->pick ? channel_at(k->layer, c, position, slot) : slot);
}

void kernel_matrix_names(const struct kernel_matrix *k, const struct plan *p, uint32_t core,
                         uint64_t *row, uint64_t *replica)
{
    enum { PLACE_BIT = 20, CHANNEL_BIT = 24, OUTPUT_BIT = 32, BLOCK_BIT = 16 };
    const struct plan_core *c = &p->core[core];
    uint32_t width = k->layer->replicas.width;

    for (uint32_t q = 0; q < k->replicas; q++) {
        replica[q] = ((uint64_t)(q / width) << BLOCK_BIT | q % width) << OUTPUT_BIT | c->out_first;
        for (uint32_t i = 0; !k->pick && i < k->patch_n; i++) {
            uint64_t x = k->from[q * k->patch_n + i] / k->row_bytes;
            uint64_t y = k->from[q * k->patch_n + i] % k->row_bytes / k->channels;
            uint32_t position = k->patch[q * k->patch_n + i];
            for (uint32_t s = 0; s < k->channels; s++)
                row[(size_t)position * k->channels + s] =
                    (x << PLACE_BIT | y) << CHANNEL_BIT | input_of(k, c, position, s);
        }
    }
    for (uint32_t i = 0; i < k->n_pick; i++) {
        uint32_t position = k->pick[i] / k->channels; // of the kernel: there is one replica
        uint64_t x = k->from[position] / k->row_bytes;
        uint64_t y = k->from[position] % k->row_bytes / k->channels;
        row[i] = (x << PLACE_BIT | y) << CHANNEL_BIT |
                 input_of(k, c, position, k->pick[i] % k->channels);
    }
}

void kernel_matrix_kernels(const struct kernel_matrix *k, const struct plan *p, uint32_t core,
                           const int16_t *matrix, int16_t *kernel)
{
    const struct plan_core *c = &p->core[core];
    size_t size = (size_t)c->in_n * k->patch_n, columns = (size_t)k->replicas * k->outputs;

    memset(kernel, 0, k->outputs * size * sizeof *kernel);
    for (uint32_t i = 0; i < (k->pick ? k->n_pick : k->patch_n * k->channels); i++) {
        uint32_t at = k->pick ? k->pick[i] : i, position = at / k->channels;
        size_t row = k->pick ? i : (size_t)k->patch[position] * k->channels + at % k->channels;
        size_t ch = input_of(k, c, position, at % k->channels) - c->in_first;
        for (uint32_t o = 0; o < k->outputs; o++)
            kernel[o * size + ch * k->patch_n + position] = matrix[row * columns + o];
    }
}

uint32_t kernel_matrix_driven(struct kernel_matrix *k, const uint32_t *used, uint32_t n_used)
{
    uint32_t n = 0;

    if (k->pick)
        return k->n_pick;
    if (n_used == k->replicas)
        return k->n_position * k->channels;
    k->n_count++;
    for (uint32_t i = 0; i < n_used; i++)
        for (uint32_t j = 0; j < k->patch_n; j++) {
            uint64_t *seen = &k->seen[k->patch[(size_t)used[i] * k->patch_n + j]];
            n += *seen != k->n_count;
            *seen = k->n_count;
        }
    return n * k->channels;
}

void kernel_matrix_begin_strip(struct kernel_matrix *k, uint32_t column, uint32_t strip_width)
{
    const struct window *w = &k->layer->window;
    uint32_t reach = (w->kernel[1] - 1) * w->dilation[1] + 1;
    bool sees_padding_alone = w->pad_before[1] >= reach || w->pad_after[1] >= reach;

    k->first_column = window_begin(w, 1, column - column % strip_width);

    /* A row in which all positions that an output sees are padding is not read for it, and so may
     * not be set. */
    if (w->dilation[1] > 1 || sees_padding_alone || k->first_column + (int64_t)k->width <= 0 ||
        k->first_column >= (int64_t)k->layer->in_width)
        pad_strips(k);
}

uint8_t *kernel_matrix_row(struct kernel_matrix *k, const struct row_read *read)
{
    uint8_t *row = k->strip + (size_t)(read->row + k->layer->window.pad_before[0]) * k->row_bytes;
    int64_t width = k->width;
    int64_t before = -k->first_column, inside = k->layer->in_width - k->first_column;

    for (uint32_t p = 0; (before > 0 || inside < width) && p < k->planes; p++) {
        uint8_t *to = row + p * k->strip_bytes;
        if (before > 0)
            pad(k, p, to, (size_t)(before < width ? before : width) * k->channels);
        if (inside < width)
            pad(k, p, to + (size_t)inside * k->channels, (size_t)(width - inside) * k->channels);
    }
    return row + (size_t)(read->first_column - k->first_column) * k->channels;
}

/* First byte of the patch of output (row, column) in a plane's strip. */
static const uint8_t *patch_of(const struct kernel_matrix *k, uint32_t row, uint32_t column,
                               uint32_t plane)
{
    const struct window *w = &k->layer->window;
    size_t left = (size_t)(window_begin(w, 1, column) - k->first_column);
    size_t top = (size_t)(window_begin(w, 0, row) + w->pad_before[0]);

    return k->strip + plane * k->strip_bytes + top * k->row_bytes + left * k->channels;
}

/* All rows of the firing's patches. */
static const uint8_t *whole_vector(struct kernel_matrix *k, uint32_t row, uint32_t column,
                                    const uint32_t *used, uint32_t n_used, uint32_t plane)
{
    const uint8_t *origin = patch_of(k, row, column, plane);
    uint8_t *vector = k->vector + plane * k->vector_bytes;

    if (k->contiguous && n_used == k->replicas)
        return origin;
    memset(vector, 0, (size_t)k->n_position * k->channels);
    for (uint32_t i = 0; i < n_used; i++) {
        const uint32_t *patch = k->patch + (size_t)used[i] * k->patch_n;
        const uint32_t *from = k->from + (size_t)used[i] * k->patch_n;
        for (uint32_t j = 0; j < k->patch_n; j++)
            memcpy(vector + (size_t)patch[j] * k->channels, origin + from[j], k->channels);
    }
    return vector;
}

const uint8_t *kernel_matrix_vector(struct kernel_matrix *k, uint32_t row, uint32_t column,
                                    const uint32_t *used, uint32_t n_used, uint32_t plane)
{
    const uint8_t *whole = whole_vector(k, row, column, used, n_used, plane);
    uint8_t *vector = k->vector + plane * k->vector_bytes;

    if (!k->pick)
        return whole;
    for (uint32_t i = 0; i < k->n_pick; i++) // which ascend: also where they stand already
        vector[i] = whole[k->pick[i]];
    return vector;
}

uint32_t kernel_matrix_pixels(const struct kernel_matrix *k, uint32_t row, uint32_t column,
                              uint32_t q, uint32_t plane, const uint8_t **pixel)
{
    const struct window *w = &k->layer->window;
    const uint32_t *from = k->from + (size_t)q * k->patch_n;
    int64_t at_row = window_begin(w, 0, row + q / k->layer->replicas.width);
    int64_t left = window_begin(w, 1, column + q % k->layer->replicas.width);
    const uint8_t *origin = patch_of(k, row, column, plane);
    uint32_t n = 0, width = k->layer->replicas.width;

    if (window_between(w, row + q / width, column + q % width))
        return 0;
    for (uint32_t i = 0; i < w->kernel[0]; i++, at_row += w->dilation[0])
        for (uint32_t j = 0; j < w->kernel[1]; j++) {
            int64_t at = left + (int64_t)j * w->dilation[1];
            if (at_row >= 0 && at_row < k->layer->in_height && at >= 0 && at < k->layer->in_width)
                pixel[n++] = origin + from[i * w->kernel[1] + j];
        }
    return n;
}
