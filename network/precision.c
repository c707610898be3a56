/* network/precision.c -- see precision.h. */
#include "network/precision.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

#include "core/util.h"

enum { BYTE_BITS = 8, SUM_BITS = 32, LONG_SUM_BITS = 64 };

void value_limits(uint32_t bits, bool is_signed, int32_t *least, int32_t *most)
{
    assert(bits >= 1 && bits - is_signed < 32);
    *least = (int32_t)(is_signed ? -(INT64_C(1) << (bits - 1)) : 0);
    *most = (int32_t)((INT64_C(1) << (bits - is_signed)) - 1);
}

uint32_t value_bits_for(int64_t least, int64_t most, bool is_signed)
{
    uint32_t bits = is_signed ? 2 : 1; // one bit alone holds no sign
    int64_t below = least < 0 ? ~least : 0, above = most > 0 ? most : 0;

    assert(least <= most && (is_signed || least >= 0));
    while (bits < 63 && (above >> (bits - is_signed) > 0 || below >> (bits - 1) > 0))
        bits++;
    return bits;
}

uint32_t layer_value_bits(const struct layer *l)
{
    return l->value_bits ? l->value_bits : BYTE_BITS;
}

uint32_t layer_weight_bits(const struct layer *l)
{
    return l->weight_bits ? l->weight_bits : BYTE_BITS;
}

/* Values that a layer makes before they are pooled may be of other bits than what it delivers. */
static bool makes_bytes(const struct layer *l)
{
    const struct requant *q = &l->requant;
    int32_t least = l->out_signed ? INT8_MIN : 0, most = l->out_signed ? INT8_MAX : UINT8_MAX;

    return !l->pooled || l->table || (q->low >= least && q->high <= most);
}

bool layer_is_wide(const struct layer *l)
{
    return (!l->raw_output && layer_value_bits(l) > BYTE_BITS) || l->wide_weight || !makes_bytes(l);
}

bool network_is_spiking(const struct network *n)
{
    bool spiking = false;

    for (uint32_t i = 1; i < n->n_layer; i++)
        spiking |= n->layer[i].neuron != NULL;
    return spiking;
}

bool network_is_wide(const struct network *n)
{
    bool wide = false;

    if (network_is_spiking(n))
        return false;
    for (uint32_t i = 0; i < n->n_layer && n->has_values; i++)
        wide |= layer_is_wide(&n->layer[i]);
    return wide;
}

size_t network_image_values(const struct network *n)
{
    const struct shape *s = &n->layer[0].out;

    return (size_t)s->height * s->width * s->channels;
}

size_t network_image_bytes(const struct network *n)
{
    const struct presentation *p = &n->present;
    const size_t maps = p->coding && p->coding->recorded ? presentation_steps(p) : 1;

    return network_image_values(n) * (network_is_wide(n) ? 2 : 1) * maps;
}

/* Of what stands in a table for the bytes low .. high. */
static void table_range(const struct layer *l, int32_t *low, int32_t *high)
{
    int32_t least = INT32_MAX, most = INT32_MIN;

    for (uint32_t o = 0; o < l->n_table; o++)
        for (int32_t v = *low; v <= *high; v++) {
            uint8_t byte = layer_look_up(l, o, (uint8_t)v);
            int32_t to = l->out_signed ? (int8_t)byte : byte;
            least = to < least ? to : least;
            most = to > most ? to : most;
        }
    *low = least;
    *high = most;
}

void layer_range(const struct layer *l, int32_t *low, int32_t *high)
{
    value_limits(layer_value_bits(l), l->out_signed, low, high);
    if (l->kind == LAYER_IMAGE)
        return;
    *low = l->pooled ? l->pool.low : l->requant.low;
    *high = l->pooled ? l->pool.high : l->requant.high;
    if (l->table && !l->pooled)
        table_range(l, low, high);
}

void network_image_range(const struct network *n, int32_t *low, int32_t *high)
{
    layer_range(&n->layer[0], low, high);
    if (presentation_is_coded(&n->present) && !n->present.coding->once) {
        *low = 0;
        *high = UINT8_MAX;
    }
}

int32_t network_image_code(const struct network *n, double v, double *uncut)
{
    const struct layer *l = &n->layer[0];
    int32_t low, high;

    if (!n->image_is_bytes)
        v = (double)rintf((float)v / (float)l->out_scale) + l->out_zero;
    if (uncut)
        *uncut = v;
    network_image_range(n, &low, &high);
    return (int32_t)fmin(fmax(v, low), high);
}

uint32_t network_value_bits(const struct network *n, uint32_t index)
{
    return max_u32(layer_value_bits(&n->layer[index]), n->least.value_bits);
}

uint32_t network_delivered_bits(const struct network *n, uint32_t index)
{
    return n->layer[index].raw_output ? network_sum_bits(n, index) : network_value_bits(n, index);
}

uint32_t network_input_bits(const struct network *n, uint32_t index)
{
    const struct layer *l = &n->layer[index];
    uint32_t most = 0;

    assert(l->n_input > 0);
    for (uint32_t i = 0; i < l->n_input; i++)
        most = max_u32(most, network_delivered_bits(n, l->input[i]));
    return most;
}

uint32_t network_weight_bits(const struct network *n, uint32_t index)
{
    const struct layer *l = &n->layer[index];

    if (layer_kernel_rows(l) == 0)
        return 1;
    return max_u32(layer_weight_bits(l), n->least.weight_bits);
}

/* |sum| <= rows * 2^values * 2^(weights - 1), of values that are not signed. Where both are bytes
 * the network's check has seen to 32 bits. */
uint32_t network_sum_bits(const struct network *n, uint32_t index)
{
    uint32_t values = network_input_bits(n, index), weights = network_weight_bits(n, index);
    uint64_t rows = layer_kernel_rows(&n->layer[index]);

    if (rows == 0 || (values <= BYTE_BITS && weights <= BYTE_BITS))
        return SUM_BITS;
    return (rows << values) << (weights - 1) > INT32_MAX ? LONG_SUM_BITS : SUM_BITS;
}

struct precision network_precision(const struct network *n)
{
    struct precision most = { .value_bits = network_value_bits(n, 0) };

    for (uint32_t i = 1; i < n->n_layer; i++) {
        if (!n->layer[i].raw_output)
            most.value_bits = max_u32(most.value_bits, network_value_bits(n, i));
        most.weight_bits = max_u32(most.weight_bits, network_weight_bits(n, i));
        most.sum_bits = max_u32(most.sum_bits, network_sum_bits(n, i));
    }
    return most;
}

static bool states_widths(const struct network *n)
{
    for (uint32_t i = 0; i < n->n_layer; i++)
        if (n->layer[i].value_bits || n->layer[i].weight_bits)
            return true;
    return n->has_values;
}

static void state_widths(struct network *n, uint32_t value_bits, uint32_t weight_bits)
{
    for (uint32_t i = 0; i < n->n_layer; i++) {
        struct layer *l = &n->layer[i];
        l->weight_bits = weight_bits;
        if (l->raw_output)
            continue;
        l->value_bits = value_bits;
        l->out_signed &= value_bits != 1; // one bit alone holds no sign
    }
}

static enum err refuse_narrow(const char *key, uint32_t bits, const char *layer, const char *what,
                              uint32_t want, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "network.%s = %" PRIu32 ": layer %.100s has %s of %" PRIu32
                   " bits: want at least as many, or own", key, bits, layer, what, want);
}

enum err network_carry(struct network *n, uint32_t value_bits, uint32_t weight_bits,
                       struct err_msg *m)
{
    if (!states_widths(n)) {
        state_widths(n, value_bits, weight_bits);
        return ERR_NONE;
    }
    for (uint32_t i = 0; i < n->n_layer; i++) {
        const struct layer *l = &n->layer[i];
        uint32_t values = layer_value_bits(l), weights = layer_weight_bits(l);
        if (value_bits && !l->raw_output && values > value_bits)
            return refuse_narrow("value_bits", value_bits, l->name, "values", values, m);
        if (weight_bits && i > 0 && layer_kernel_rows(l) && weights > weight_bits)
            return refuse_narrow("weight_bits", weight_bits, l->name, "weights", weights, m);
    }
    n->least.value_bits = value_bits;
    n->least.weight_bits = weight_bits;
    return ERR_NONE;
}
