/* network/spiking/convert.c -- see convert.h. */
#include "network/spiking/convert.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "core/param.h"
#include "core/round.h"
#include "core/util.h"
#include "network/precision.h"

enum { MOST_GAIN = 1 << 20, MOST_POTENTIAL_BITS = 62, MOST_FRACTION = 24 };

/* A leak multiplies a potential by 2^16. */
enum { MOST_LEAKING_BITS = MOST_POTENTIAL_BITS - NEURON_LEAK_BITS };

struct convert {
    struct network          *network;
    const struct neuron_cfg *cfg;  // by layer
    uint32_t                *gain; // owned; [n_layer]: a layer delivers as many times its value
    struct err_msg          *msg;
};

static enum err refuse(const struct convert *c, uint32_t index, const char *what, const char *cure)
{
    return err_set(c->msg, ERR_INPUT, "layer %.100s: %s: want %s", c->network->layer[index].name,
                   what, cure);
}

/* Whether values below the zero point are cut off, so that spikes can stand for the rest. */
static bool is_rectified(const struct convert *c, const struct layer *l)
{
    return c->network->has_values ? l->requant.low >= l->requant.zero : l->relu;
}

static bool is_current(const struct layer *l)
{
    return l->neuron && l->neuron->kind->delivers_current;
}

static bool is_last(const struct convert *c, uint32_t index)
{
    return index + 1 == c->network->n_layer;
}

/* ---- what can be made neurons ---- */

static enum err check_kind(const struct convert *c, uint32_t index)
{
    const struct layer *l = &c->network->layer[index];

    if (l->kind == LAYER_MAX_POOL)
        return refuse(c, index, "a maximum of spikes is not the spikes of a maximum",
                      "an average pool, or a stride, in the network");
    if (l->multiplies || layer_looks_up(l))
        return refuse(c, index,
                      layer_looks_up(l) ? "looks values up in a table" : "multiplies two maps",
                      "ReLU, sums and products with weights alone, or neuron.kind = requantize");
    if (l->window.again[0] || l->window.again[1])
        return refuse(c, index, "repeats pixels", "no Resize, or neuron.kind = requantize");
    return ERR_NONE;
}

/* Currents reach residuals alone. */
static enum err check_readers(const struct convert *c, uint32_t index)
{
    const struct layer *l = &c->network->layer[index];

    for (uint32_t i = 0; i < l->n_input; i++) {
        if (is_current(&c->network->layer[l->input[i]]))
            return refuse(c, l->input[i], "has no ReLU and is read by another layer's weights",
                          "a ReLU behind it, or neuron.kind = requantize");
    }
    return ERR_NONE;
}

static enum err find_gain(const struct convert *c, uint32_t index, uint32_t *gain)
{
    const struct layer *l = &c->network->layer[index];

    *gain = c->gain[l->input[0]];
    for (uint32_t i = 1; i < l->n_input; i++)
        if (c->gain[l->input[i]] != *gain)
            return refuse(c, index, "reads sums of different numbers of spikes",
                          "the same pools before a concatenation");
    return ERR_NONE;
}

/* How many times its value a sum of n values is, which is rounded with m, shift. */
static uint32_t gain_of_mean(uint64_t m, uint32_t shift)
{
    uint64_t one = UINT64_C(1) << shift;
    uint64_t gain = m > 0 ? (one + m / 2) / m : 0;

    /* m has 16 bits: the quotient is the divisor to that precision. */
    return gain >= 1 && gain <= MOST_GAIN && gain * m <= one + gain && gain * m + gain >= one
               ? (uint32_t)gain
               : 0;
}

/* ---- a layer ---- */

/* Sum of the weights of output o. */
static int64_t weight_sum(const struct layer *l, uint32_t o)
{
    size_t rows = layer_kernel_rows(l);
    int64_t sum = 0;

    if (layer_is_digital(l))
        return l->negated && l->negated[o] ? -1 : 1;
    for (size_t i = 0; i < rows; i++)
        sum += layer_weight(l, o * rows + i);
    return sum;
}

/* The zero point of the image alone: other layers deliver what is above theirs. */
static int64_t zero_of(const struct layer *l)
{
    return l->input[0] == 0 ? l->in_zero : 0;
}

/* b of output o, for inputs as they are coded. */
static int64_t bias_of(const struct layer *l, uint32_t o)
{
    const int64_t m = l->raw_output ? 1 : l->requant.m[o];

    return l->requant.b[o] - m * zero_of(l) * weight_sum(l, o);
}

static uint32_t trailing_zeros(uint64_t v)
{
    uint32_t n = 0;

    while (n < 63 && !(v >> n & 1))
        n++;
    return n;
}

/* Bits that V has behind the point so that the parts of a residual's sums are whole. */
static uint32_t fraction_for(const struct layer *l, const struct layer *residual)
{
    uint32_t most = 0;

    for (uint32_t o = 0; o < l->out.channels; o++) {
        uint32_t shift = residual->requant.shift[o];
        uint32_t zeros = trailing_zeros((uint64_t)l->requant.mr[o]);
        most = max_u32(most, zeros < shift ? shift - zeros : 0);
    }
    return most;
}

/* A residual of sums is scaled here, and not where it comes from. */
static void scale_residual(struct neuron *n, const struct layer *l, const struct layer *residual,
                           uint32_t fraction, uint32_t gain)
{
    const struct requant *q = &residual->requant;

    for (uint32_t o = 0; o < l->out.channels; o++) {
        int64_t one = l->requant.mr[o] * (INT64_C(1) << fraction) / (INT64_C(1) << q->shift[o]);
        n->mr[o] = one * q->m[o] * gain;
        n->b[o] += one * bias_of(residual, o) * gain;
    }
}

static uint32_t positions_of(const struct layer *l)
{
    return l->window.kernel[0] * l->window.kernel[1];
}

/* Whether V of an output keeps to its bits: of all steps, whose 2^w are 2^8 at most. `of` has the
 * weights, whose sums at so many positions come together. */
static bool fits(const struct convert *c, const struct layer *of, uint32_t positions,
                 const struct neuron *n, uint32_t o)
{
    const double step = 1 << CODING_PERIOD;
    const int bits = n->beta[o] == NEURON_NO_LEAK ? MOST_POTENTIAL_BITS : MOST_LEAKING_BITS;
    size_t rows = layer_is_digital(of) ? 0 : layer_kernel_rows(of);
    double weight = 1, residual = n->mr ? (double)llabs(n->mr[o]) : 0;
    int32_t least, most;

    layer_range(&c->network->layer[of->input[0]], &least, &most);
    for (size_t i = 0; i < rows; i++)
        weight += abs(layer_weight(of, o * rows + i));
    weight *= positions;
    double sum = (weight * most * (double)n->m[o] + residual * most) * step;
    sum = (sum + (double)llabs(n->b[o])) * presentation_steps(&c->network->present);
    return sum + (double)n->theta[o] * step < (double)(INT64_C(1) << bits);
}

static enum err refuse_bits(const struct convert *c, uint32_t index)
{
    return refuse(c, index, "its potentials leave 62 bits (46 that leak), or its threshold is 0",
                  "fewer input.steps or neuron.fraction_bits, or another neuron.theta");
}

static enum err fill(const struct convert *c, uint32_t index, uint32_t gain, struct neuron *n)
{
    const struct layer *l = &c->network->layer[index];
    const struct layer *r = l->has_residual ? &c->network->layer[l->residual] : NULL;
    const bool sums = r && is_current(r);
    const struct neuron_cfg *cfg = &c->cfg[index];
    uint32_t fraction = cfg->fraction_bits + (sums ? fraction_for(l, r) : 0);

    if (fraction > MOST_FRACTION)
        return refuse(c, index, "adds a residual of a much finer scale, or has many fraction bits",
                      "scales nearer one another, fewer neuron.fraction_bits");
    const int64_t one = INT64_C(1) << fraction;
    for (uint32_t o = 0; o < l->out.channels; o++) {
        const double step = l->raw_output ? 1 : ldexp(1, l->requant.shift[o]);
        n->m[o] = (l->raw_output ? 1 : l->requant.m[o]) * one;
        n->b[o] = bias_of(l, o) * gain * one;
        n->theta[o] = (int64_t)rint((double)cfg->theta / (double)PARAM_BILLION * step * gain *
                                    (double)one);
        if (r && !sums)
            n->mr[o] = l->requant.mr[o] * gain * one;
    }
    if (sums)
        scale_residual(n, l, r, fraction, gain);
    for (uint32_t o = 0; o < l->out.channels; o++)
        if (n->theta[o] < 1 || !fits(c, l, 1, n, o))
            return refuse_bits(c, index);
    return ERR_NONE;
}

/* Of a pool of currents: its mean is the sum of its window times m / 2^shift. */
static enum err fill_pool(const struct convert *c, uint32_t index, struct neuron *n)
{
    const struct layer *l = &c->network->layer[index];
    const struct layer *from = &c->network->layer[l->input[0]];
    const struct neuron_cfg *cfg = &c->cfg[index];
    const uint32_t k = positions_of(l), gain = c->gain[l->input[0]];
    const uint64_t m = l->requant.m[k - 1];
    const uint32_t shift = l->requant.shift[k - 1];
    const int64_t one = INT64_C(1) << min_u32(cfg->fraction_bits, MOST_FRACTION);
    const uint32_t whole = gain_of_mean(m, shift);
    const double divisor = whole || m == 0 ? whole : ldexp(1, (int)shift) / (double)m;

    for (uint32_t o = 0; o < l->out.channels; o++) {
        n->m[o] = from->requant.m[o] * one;
        n->b[o] = bias_of(from, o) * k * gain * one;
        n->theta[o] = (int64_t)rint((double)cfg->theta / (double)PARAM_BILLION * divisor * gain *
                                    ldexp((double)one, from->requant.shift[o]));
        if (n->theta[o] < 1 || !fits(c, from, k, n, o))
            return refuse_bits(c, index);
    }
    return ERR_NONE;
}

static const struct neuron_kind *kind_of(const struct convert *c, uint32_t index)
{
    const struct layer *l = &c->network->layer[index];

    if (is_last(c, index))
        return neuron_kind_find("accumulate");
    if (!is_rectified(c, l))
        return neuron_kind_find("current");
    return c->cfg[index].kind;
}

/* Bits of the largest sum of any output. */
static uint32_t sum_bits(const struct convert *c, const struct layer *l)
{
    size_t rows = layer_kernel_rows(l);
    int64_t all = 0;
    int32_t least, most;

    if (!c->network->has_values)
        return 8;
    layer_range(&c->network->layer[l->input[0]], &least, &most);
    for (uint32_t o = 0; o < l->out.channels; o++) {
        int64_t sum = layer_is_digital(l);
        for (size_t i = 0; i < rows; i++)
            sum += abs(layer_weight(l, o * rows + i));
        all = sum > all ? sum : all;
    }
    return value_bits_for(-all * most, all * most, true);
}

/* What it delivers, as links and memories carry it. */
static void state_width(const struct convert *c, struct layer *l, bool current)
{
    const struct neuron_cfg *cfg = &c->cfg[l - c->network->layer];
    int64_t most = (int64_t)cfg->most * (l->pooled ? (int64_t)l->out.height * l->out.width : 1);

    l->out_signed = current;
    l->value_bits = current ? sum_bits(c, l) : value_bits_for(0, most, false);
    l->out_zero = 0;
    l->in_zero = l->input[0] == 0 ? l->in_zero : 0;
    l->requant.zero = l->requant.r_zero = 0;
    l->requant.low = 0;
    l->requant.high = cfg->most;
    l->pool.zero = l->pool.low = 0;
    l->pool.high = (int32_t)most;
}

static void set_rule(struct neuron *n, const struct neuron_cfg *cfg)
{
    n->reset = cfg->reset;
    n->most = cfg->most;
    n->floor = cfg->floor;
    n->ceiling = cfg->ceiling;
    n->skip = cfg->skip;
}

static enum err make_neurons(struct convert *c, uint32_t index)
{
    struct layer *l = &c->network->layer[index];
    const struct neuron_cfg *cfg = &c->cfg[index];
    const struct neuron_kind *kind = kind_of(c, index);
    uint32_t gain;
    enum err e = find_gain(c, index, &gain);

    if (!e)
        e = check_readers(c, index);
    if (e)
        return e;
    if (kind->delivers_current && l->has_residual)
        return refuse(c, index, "adds a map and has no ReLU", "a ReLU behind the sum");
    struct neuron *n = neuron_new(kind, l->out.channels, l->has_residual);
    if (!n)
        return err_set(c->msg, ERR_MEMORY, "no memory for neurons");
    l->neuron = n;
    if (!kind->delivers_current)
        neuron_set_leak(n, cfg->beta);
    set_rule(n, cfg);
    if (c->network->has_values && !kind->delivers_current)
        e = fill(c, index, gain, n);
    c->gain[index] = kind->delivers_current ? gain : 1;
    if (!e && l->pooled && kind->fires && c->network->has_values) {
        c->gain[index] = gain_of_mean(l->pool.m, l->pool.shift);
        if (c->gain[index] == 0)
            e = refuse(c, index, "pools with another scale before and behind",
                       "the same scale, so that a mean divides by a whole number");
    }
    if (!e && l->has_residual && c->gain[l->residual] != gain)
        e = refuse(c, index, "adds sums of different numbers of spikes",
                   "the same pools before both");
    return e;
}

static enum err make_sum(struct convert *c, uint32_t index)
{
    struct layer *l = &c->network->layer[index];
    uint32_t k = positions_of(l), gain;
    enum err e = find_gain(c, index, &gain);

    if (e || !c->network->has_values)
        return e;
    c->gain[index] = gain * gain_of_mean(l->requant.m[k - 1], l->requant.shift[k - 1]);
    if (c->gain[index] == 0 || c->gain[index] > MOST_GAIN)
        return refuse(c, index, "averages with another scale before and behind",
                      "the same scale, so that a mean divides by a whole number");
    return ERR_NONE;
}

/* Neurons behind a pool of currents, which act when the last of their window has come. */
static enum err make_pooled_neurons(struct convert *c, uint32_t index)
{
    struct layer *l = &c->network->layer[index];
    const struct window *w = &l->window;

    if (l->n_input > 1 || w->pad_before[0] + w->pad_before[1] + w->pad_after[0] +
                                  w->pad_after[1] > 0)
        return refuse(c, index, "pools currents of several layers, or pads them",
                      "a ReLU in front of the pool, or one layer and no padding");
    if (!is_rectified(c, l) || is_last(c, index))
        return refuse(c, index, "pools currents and has no ReLU", "a ReLU behind or before it");
    l->neuron = neuron_new(c->cfg[index].kind, l->out.channels, false);
    if (!l->neuron)
        return err_set(c->msg, ERR_MEMORY, "no memory for neurons");
    neuron_set_leak(l->neuron, c->cfg[index].beta);
    set_rule(l->neuron, &c->cfg[index]);
    c->gain[index] = 1;
    return c->network->has_values ? fill_pool(c, index, l->neuron) : ERR_NONE;
}

static enum err convert_layer(struct convert *c, uint32_t index)
{
    struct layer *l = &c->network->layer[index];
    bool pools = l->kind == LAYER_AVERAGE_POOL;
    bool sums = pools && !is_current(&c->network->layer[l->input[0]]);
    enum err e = check_kind(c, index);

    if (!e)
        e = sums ? make_sum(c, index)
                 : pools ? make_pooled_neurons(c, index) : make_neurons(c, index);
    if (e)
        return e;
    state_width(c, l, is_current(l));
    if (sums) {
        uint32_t k = positions_of(l);
        int32_t before, most;
        layer_range(&c->network->layer[l->input[0]], &before, &most);
        l->requant.high = most * (int32_t)k;
        l->value_bits = value_bits_for(0, l->requant.high, false);
    }
    return ERR_NONE;
}

/* The image: pixels of 0 to 255 that a step codes. */
static void convert_image(struct convert *c)
{
    struct layer *image = &c->network->layer[0];
    bool recorded = c->network->present.coding->recorded; // events have no zero point
    int32_t zero = recorded ? 0 : image->out_zero + (image->out_signed ? 128 : 0);

    for (uint32_t i = 1; i < c->network->n_layer; i++)
        if (c->network->layer[i].input[0] == 0)
            c->network->layer[i].in_zero = zero;
    image->out_signed = false;
    image->out_zero = zero;
    image->value_bits = recorded ? 8 : 1;
    c->gain[0] = 1;
}

enum err network_make_spiking(struct network *n, const struct neuron_cfg *cfg, struct err_msg *m)
{
    struct convert c = { n, cfg, calloc(n->n_layer, sizeof *c.gain), m };
    enum err e = c.gain ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for neurons");

    if (!e)
        convert_image(&c);
    for (uint32_t i = 1; i < n->n_layer && !e; i++)
        e = convert_layer(&c, i);
    free(c.gain);
    return e;
}
