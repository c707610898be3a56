/* network/values/plain.c -- see plain.h.
 *
 * Products are of int16: an input less what brings it there, mostly its zero point. As many of them
 * are added in 32 bits as these can hold, by the weights of the layer.
 */
#include "network/values/plain.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "network/output.h"
#include "network/precision.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"

enum { FEW = 16 }; // products that 32 bits hold, which are not worth adding up there

struct plain_layer {
    int32_t *value;  // owned; map delivered; NULL: sums
    int32_t *input;  // owned; several maps concatenated; NULL: one is read
    int16_t *weight; // owned; [outputs][rows]; NULL: a digital layer
    int64_t *start;  // owned; [outputs]: what `offset` takes of their sums
    int32_t  offset; // taken off an input
    uint32_t block;  // products that 32 bits hold
};

struct plain {
    const struct network *network;
    struct plain_layer   *layer; // owned; [n_layer]
    int32_t *whole; // owned; map of a layer before it is pooled
    int16_t *patch; // owned; [channel][position] of one output, less the offset
    int64_t *acc;   // owned; [outputs], of one output pixel
    int64_t *sum;   // owned; the result of a network that delivers sums, as a map
    uint32_t       *number; // owned; [most tokens]: those that a window sees
    const int32_t **code;   // owned; likewise
    void           *room;   // owned; of a layer of tokens
};

static size_t values_of(struct shape s)
{
    return (size_t)s.height * s.width * s.channels;
}

/* ---- weights ---- */

/* Chooses the offset; returns the largest |input - offset|. */
static int32_t choose_offset(const struct plain *p, uint32_t index)
{
    const struct layer *l = &p->network->layer[index];
    bool is_signed = p->network->layer[l->input[0]].out_signed;
    uint32_t bits = 8;
    int32_t least, most, *offset = &p->layer[index].offset;

    for (uint32_t i = 0; i < l->n_input; i++)
        bits = max_u32(bits, layer_value_bits(&p->network->layer[l->input[i]]));
    value_limits(bits, is_signed, &least, &most);
    bool fits = least - l->in_zero >= INT16_MIN && most - l->in_zero <= INT16_MAX;
    *offset = fits ? l->in_zero : is_signed ? 0 : -INT16_MIN;
    return max_i32(*offset - least, most - *offset);
}

static bool make_weights(struct plain *p, uint32_t index)
{
    const struct layer *l = &p->network->layer[index];
    struct plain_layer *own = &p->layer[index];
    size_t rows = layer_kernel_rows(l);
    int64_t most_x = choose_offset(p, index), most_abs = 0, most_w = 1;

    own->weight = calloc(rows * l->out.channels, sizeof *own->weight);
    own->start = calloc(l->out.channels, sizeof *own->start);
    if (!own->weight || !own->start)
        return false;
    for (uint32_t o = 0; o < l->out.channels; o++) {
        int64_t sum = 0, abs_sum = 0;
        for (size_t i = o * rows; i < (o + 1) * rows; i++) {
            int32_t w = layer_weight(l, i);
            own->weight[i] = (int16_t)w;
            sum += w;
            abs_sum += abs(w);
            most_w = max_i32((int32_t)most_w, abs(w));
        }
        own->start[o] = sum * (own->offset - l->in_zero);
        most_abs = abs_sum > most_abs ? abs_sum : most_abs;
    }
    own->block = most_abs * most_x <= INT32_MAX ? (uint32_t)rows
                                                : (uint32_t)(INT32_MAX / (most_w * most_x));
    return true;
}

/* ---- maps ---- */

static bool make_layer(struct plain *p, uint32_t index)
{
    const struct layer *l = &p->network->layer[index];
    struct plain_layer *own = &p->layer[index];

    const bool result = l->raw_output && index + 1 == p->network->n_layer;

    if (result)
        p->sum = calloc(values_of(l->out), sizeof *p->sum);
    else
        own->value = calloc(values_of(layer_delivers(l)), sizeof *own->value);
    if (l->n_input > 1)
        own->input = calloc(values_of(l->in), sizeof *own->input);
    return (result ? p->sum != NULL : own->value != NULL) &&
           (l->n_input <= 1 || own->input) &&
           (!layer_has_weights(l) || make_weights(p, index));
}

static bool make(struct plain *p)
{
    size_t whole = 1, patch = 1, outputs = 1, room = 1, tokens = 1;

    p->layer = calloc(p->network->n_layer, sizeof *p->layer);
    for (uint32_t i = 0; i < p->network->n_layer; i++) {
        const struct layer *l = &p->network->layer[i];
        size_t positions = (size_t)l->window.kernel[0] * l->window.kernel[1];
        if (!p->layer || !make_layer(p, i))
            return false;
        whole = max_u64(whole, l->pooled ? values_of(l->out) : 0);
        patch = max_u64(patch, layer_has_weights(l) ? positions * l->in.channels : 0);
        outputs = max_u64(outputs, l->out.channels);
        if (!layer_is_of_tokens(l))
            continue;
        tokens = max_u64(tokens, (size_t)l->in.height * l->in.width);
        room = max_u64(room, token_room(l, l->in.height * l->in.width));
    }
    p->number = calloc(tokens, sizeof *p->number);
    p->code = calloc(tokens, sizeof *p->code);
    p->room = malloc(room);
    p->whole = calloc(whole, sizeof *p->whole);
    p->patch = calloc(patch, sizeof *p->patch);
    p->acc = calloc(outputs, sizeof *p->acc);
    return p->whole && p->patch && p->acc && p->number && p->code && p->room;
}

struct plain *plain_new(const struct network *n)
{
    struct plain *p = calloc(1, sizeof *p);

    assert(n->has_values);
    if (!p)
        return NULL;
    p->network = n;
    if (make(p))
        return p;
    plain_free(p);
    return NULL;
}

void plain_free(struct plain *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; p->layer && i < p->network->n_layer; i++) {
        free(p->layer[i].value);
        free(p->layer[i].input);
        free(p->layer[i].weight);
        free(p->layer[i].start);
    }
    free(p->layer);
    free(p->whole);
    free(p->patch);
    free(p->acc);
    free(p->sum);
    free(p->number);
    free(p->code);
    free(p->room);
    free(p);
}

int64_t plain_delivered(const struct plain *p, uint32_t layer, size_t i)
{
    return p->layer[layer].value ? p->layer[layer].value[i] : p->sum[i];
}

uint32_t plain_class(const struct plain *p)
{
    uint32_t last = p->network->n_layer - 1, best = 0;

    for (uint32_t i = 1; i < layer_delivers(&p->network->layer[last]).channels; i++)
        if (plain_delivered(p, last, i) > plain_delivered(p, last, best))
            best = i;
    return best;
}

static void take_image(struct plain *p, const uint8_t *image)
{
    const bool is_signed = p->network->layer[0].out_signed, wide = network_is_wide(p->network);
    size_t n = network_image_values(p->network);

    for (size_t i = 0; i < n; i++)
        p->layer[0].value[i] = wide        ? value_of_bytes(image[i], image[n + i], is_signed)
                               : is_signed ? (int8_t)image[i]
                                           : image[i];
}

/* What a layer reads, its inputs' channels one behind the other. */
static const int32_t *take_inputs(struct plain *p, uint32_t index)
{
    const struct layer *l = &p->network->layer[index];
    int32_t *all = p->layer[index].input;
    size_t first = 0, pixels = (size_t)l->in.height * l->in.width;

    if (l->n_input == 1)
        return p->layer[l->input[0]].value;
    for (uint32_t k = 0; k < l->n_input; k++) {
        const int32_t *from = p->layer[l->input[k]].value;
        size_t n = layer_delivers(&p->network->layer[l->input[k]]).channels;
        for (size_t i = 0; i < pixels; i++)
            memcpy(&all[i * l->in.channels + first], &from[i * n], n * sizeof *all);
        first += n;
    }
    return all;
}

/* ---- one output ---- */

/* Where position k of the window of output `at` lies along an axis; false: outside the map. */
static bool inside(const struct layer *l, int axis, uint32_t at, uint32_t k, size_t *where)
{
    const struct window *w = &l->window;
    uint32_t size = axis == 0 ? l->in.height : l->in.width;
    int64_t place = window_begin(w, axis, at) + (int64_t)k * w->dilation[axis];

    *where = (size_t)place;
    return place >= 0 && place < size;
}

/* The pixel at position (i, j) of the window of output (x, y); NULL: padding. */
static const int32_t *pixel_under(const struct layer *l, const int32_t *in, uint32_t x, uint32_t y,
                                  uint32_t i, uint32_t j)
{
    size_t row, column;

    if (!inside(l, 0, x, i, &row) || !inside(l, 1, y, j, &column) ||
        window_between(&l->window, x, y))
        return NULL;
    return in + (column * l->in.height + row) * l->in.channels;
}

static void gather(struct plain *p, uint32_t index, const int32_t *in, uint32_t x, uint32_t y)
{
    const struct layer *l = &p->network->layer[index];
    const uint32_t *kernel = l->window.kernel, positions = kernel[0] * kernel[1];
    int32_t offset = p->layer[index].offset;

    for (uint32_t i = 0; i < kernel[0]; i++)
        for (uint32_t j = 0; j < kernel[1]; j++) {
            const int32_t *pixel = pixel_under(l, in, x, y, i, j);
            int16_t *to = p->patch + i * kernel[1] + j;
            for (uint32_t c = 0; c < l->in.channels; c++, to += positions)
                *to = (int16_t)((pixel ? pixel[c] : l->in_zero) - offset);
        }
}

/* Sum of n products, which 32 bits hold. */
static int32_t short_sum(const int16_t *w, const int16_t *x, uint32_t n)
{
    int32_t sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += w[i] * x[i];
    return sum;
}

static int64_t long_sum(const int16_t *w, const int16_t *x, uint32_t n, uint32_t block)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < n && block < FEW; i++)
        sum += w[i] * x[i];
    for (uint32_t i = 0; i < n && block >= FEW; i += block)
        sum += short_sum(w + i, x + i, min_u32(n - i, block));
    return sum;
}

static void multiply(struct plain *p, uint32_t index, const int32_t *in, uint32_t x, uint32_t y)
{
    const struct layer *l = &p->network->layer[index];
    const struct plain_layer *own = &p->layer[index];
    uint32_t rows = layer_kernel_rows(l), outputs = l->out.channels / l->groups;

    gather(p, index, in, x, y);
    for (uint32_t o = 0; o < l->out.channels; o++) {
        const int16_t *patch = p->patch + (size_t)(o / outputs) * rows;
        const int16_t *w = own->weight + (size_t)o * rows;
        p->acc[o] = own->start[o] + (own->block >= rows ? short_sum(w, patch, rows)
                                                        : long_sum(w, patch, rows, own->block));
    }
}

/* Of a digital layer. Returns how many positions of the window lie inside the map. */
static uint32_t reduce(struct plain *p, const struct layer *l, const int32_t *in, uint32_t x,
                       uint32_t y)
{
    uint32_t n = 0;

    memset(p->acc, 0, l->in.channels * sizeof *p->acc); // what is between pixels set apart
    for (uint32_t i = 0; i < l->window.kernel[0]; i++)
        for (uint32_t j = 0; j < l->window.kernel[1]; j++) {
            const int32_t *pixel = pixel_under(l, in, x, y, i, j);
            if (!pixel)
                continue;
            for (uint32_t c = 0; c < l->in.channels; c++) {
                int64_t v = (int64_t)pixel[c] - l->in_zero, *acc = &p->acc[c];
                if (n == 0 || (l->kind == LAYER_MAX_POOL && v > *acc))
                    *acc = v;
                else if (l->kind != LAYER_MAX_POOL)
                    *acc += v;
            }
            n++;
        }
    for (uint32_t c = 0; l->negated && c < l->out.channels; c++)
        p->acc[c] = l->negated[c] ? -p->acc[c] : p->acc[c];
    return n;
}

static void compute_token(struct plain *p, const struct layer *l, const int32_t *in, uint32_t x,
                          uint32_t y, int32_t *out)
{
    const struct token_window w = { .heads = token_heads_all(l), .at = y * l->out.height + x,
                                    .n = token_numbers(l, x, y, p->number),
                                    .number = p->number, .code = p->code };

    for (uint32_t i = 0; i < w.n; i++)
        p->code[i] = in + (size_t)p->number[i] * l->in.channels;
    token_kind_of(l)->compute(l, &w, p->room, out + (size_t)w.at * l->out.channels);
}

static void compute_pixel(struct plain *p, uint32_t index, const int32_t *in, uint32_t x,
                          uint32_t y, int32_t *out)
{
    const struct layer *l = &p->network->layer[index];
    size_t at = ((size_t)y * l->out.height + x) * l->out.channels;
    const int32_t *residual = l->has_residual ? p->layer[l->residual].value + at : NULL;
    uint32_t n = 1;

    if (layer_is_of_tokens(l)) {
        compute_token(p, l, in, x, y, out);
        return;
    }
    if (layer_is_digital(l))
        n = reduce(p, l, in, x, y);
    else
        multiply(p, index, in, x, y);
    for (uint32_t o = 0; o < l->out.channels; o++)
        if (l->raw_output && !out)
            p->sum[at + o] = p->acc[o] + l->requant.b[o];
        else if (l->raw_output)
            out[at + o] = (int32_t)(p->acc[o] + l->requant.b[o]);
        else
            out[at + o] = layer_output(l, o, l->kind == LAYER_AVERAGE_POOL ? n - 1 : o, p->acc[o],
                                       residual ? residual[o] : 0);
}

/* ---- a layer, a network ---- */

static void pool(const struct layer *l, const int32_t *in, int32_t *out)
{
    size_t channels = l->out.channels, n = values_of(l->out);

    for (size_t o = 0; o < channels; o++) {
        int64_t sum = 0;
        for (size_t i = o; i < n; i += channels)
            sum += in[i];
        out[o] = layer_pool_output(l, sum);
    }
}

static struct value_map map_of(const struct shape *s, bool is_signed, const int32_t *value)
{
    return (struct value_map){ .shape = *s, .kept = s->width, .is_signed = is_signed,
                               .value = value };
}

static void run_layer(struct plain *p, uint32_t index, const struct value_watch *watch)
{
    const struct layer *l = &p->network->layer[index];
    const int32_t *in = take_inputs(p, index);
    int32_t *out = l->pooled ? p->whole : p->layer[index].value;
    const struct value_map read = map_of(&l->in, p->network->layer[l->input[0]].out_signed, in);
    const struct value_map made = map_of(&l->out, l->out_signed, out);

    for (uint32_t y = 0; watch && watch->input && y < l->in.width; y++)
        watch->input(watch->user, index, &read, y, 1);
    for (uint32_t y = 0; y < l->out.width; y++) {
        for (uint32_t x = 0; x < l->out.height; x++)
            compute_pixel(p, index, in, x, y, out);
        if (watch && watch->output && !l->raw_output)
            watch->output(watch->user, index, &made, y, 1);
    }
    if (l->pooled)
        pool(l, out, p->layer[index].value);
}

void plain_run(struct plain *p, const uint8_t *image, const struct value_watch *watch)
{
    take_image(p, image);
    for (uint32_t i = 1; i < p->network->n_layer; i++)
        run_layer(p, i, watch);
}
