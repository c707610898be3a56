/* network/values/bits_prepare.c -- which layers are counted, and their bits; see bits.h. */
#include <stdlib.h>

#include "core/util.h"
#include "network/precision.h"
#include "network/values/prepared.h"

/* Whether a map has no bytes but 0 and 1, and 0 or 1 around it. */
static bool has_bits(const struct layer *l)
{
    int32_t low, high;

    layer_range(l, &low, &high);
    return !l->raw_output && !l->out_signed && low >= 0 && high <= 1 && l->out_zero <= 1;
}

bool value_counts(const struct network *n, const struct layer *l)
{
    size_t weights = (size_t)layer_kernel_rows(l) * l->out.channels;

    if (!l->weight || l->groups > 1 || layer_kernel_rows(l) >= INT16_MAX)
        return false;
    for (uint32_t i = 0; i < l->n_input; i++)
        if (!has_bits(&n->layer[l->input[i]]))
            return false;
    for (size_t i = 0; i < weights; i++)
        if (l->weight[i] != 1 && l->weight[i] != -1)
            return false;
    return true;
}

/* Sets the bits of the weights +1 of output o. */
static void fill_words(const struct value_counter *c, const struct layer *l, uint32_t quads,
                       uint32_t o, uint32_t apart, uint32_t *word)
{
    const uint32_t *kernel = l->window.kernel, positions = kernel[0] * kernel[1];
    const int8_t *w = l->weight + (size_t)o * layer_kernel_rows(l);

    for (uint32_t p = 0; p < positions; p++)
        for (uint32_t ch = 0; ch < l->in.channels; ch++) {
            uint32_t row = p % kernel[0] * kernel[1] + p / kernel[0]; // of the layer's weights
            struct value_bit_place at = c->place(positions, quads, p, ch);
            if (w[ch * positions + row] > 0)
                word[(size_t)at.word * apart] |= UINT32_C(1) << at.bit;
        }
}

bool value_bits_prepare(struct values *v, uint32_t index)
{
    const struct layer *l = &v->network->layer[index];
    struct value_layer *own = &v->layer[index];
    struct value_bits *b = &own->bits;
    uint32_t positions = l->window.kernel[0] * l->window.kernel[1];

    if (!value_counts(v->network, l))
        return true;
    b->quads = own->quads;
    b->words = v->counter->place(positions, b->quads, positions - 1, l->in.channels - 1).word + 1;
    b->plus = calloc((size_t)b->words * value_outputs(v, l), sizeof *b->plus);
    b->above = calloc(value_outputs(v, l), sizeof *b->above);
    if (!b->plus || !b->above)
        return false;
    for (uint32_t k = 0; k < own->n_block; k++) {
        uint32_t first = own->block[k].first, n = own->block[k].quads * VALUE_QUAD;
        for (uint32_t o = 0; o < n && first + o < l->out.channels; o++)
            fill_words(v->counter, l, b->quads, first + o, n,
                       b->plus + (size_t)first * b->words + o);
    }
    if (v->counter->gather)
        v->most_bits = max_u64(v->most_bits, value_bits_ints(b, l->out.height));
    value_bits_scale(v, index);
    return true;
}

void value_bits_release(struct value_bits *b)
{
    free(b->plus);
    free(b->above);
    *b = (struct value_bits){ 0 };
}

/* What sums of output o are more than to become the higher value, `most` where none does: scales do
 * not fall. */
static int32_t most_below(const struct value_scale *s, uint32_t o, int32_t most)
{
    int32_t below = -most - 1, from = most + 1;

    while (from - below > 1) {
        int32_t sum = below + (from - below) / 2;
        if (value_stored(s, o, sum, 0) == s->high)
            from = sum;
        else
            below = sum;
    }
    return below;
}

void value_bits_scale(struct values *v, uint32_t index)
{
    const struct layer *l = &v->network->layer[index];
    struct value_layer *own = &v->layer[index];
    const struct value_scale *s = &own->scale;
    int32_t rows = (int32_t)layer_kernel_rows(l), most = UINT8_MAX * rows; // doubles are exact

    own->bits.two = s->in_doubles && s->high == s->low + 1 && !l->has_residual;
    for (uint32_t o = 0; own->bits.two && o < l->out.channels; o++)
        own->bits.above[o] = (int16_t)max_i32(
            -rows - 1, min_i32(rows, most_below(s, o, most) - own->start[o]));
}
