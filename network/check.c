/* network/check.c -- what every stage after the importer takes for granted.
 *
 * Sizes first, so that no later product of them overflows; then the graph; then, where there are
 * values, the widths of docs/accelerator.md, section 4a: sums in 32 bits, t in 64.
 */
#include "network/network.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "network/precision.h"
#include "network/spiking/neuron.h"
#include "network/step_function.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"

enum {
    MOST_SIDE = 65536,    // rows, columns, channels, kernel sides
    MOST_VALUES = 1 << 30 // of one feature map, of one weight matrix
};

/* Every sum before rounding stays below this: rounding adds half a unit of shift 62 at most. */
#define MOST_SUM (INT64_C(1) << 61)

struct check {
    const struct network *network;
    const struct layer   *layer; // under check, and its index
    uint32_t              index;
    struct err_msg       *msg;
};

/* Layers have good names by the time this is used. */
#define REFUSE(c, ...)                                                                             \
    (err_set((c)->msg, ERR_INPUT, __VA_ARGS__), refused_in((c)->msg, (c)->layer->name))

static enum err refused_in(struct err_msg *m, const char *name)
{
    char place[256];

    strcpy(place, "layer ");
    strncat(place, name, sizeof place - sizeof "layer ");
    err_prefix(m, place);
    return ERR_INPUT;
}

static bool good_name(const char *s)
{
    if (!isalpha((unsigned char)*s) && *s != '_')
        return false; // a number would be taken for an output height by mapping keys
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '_' && *s != '-' && *s != '.')
            return false;
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum err check_names(const struct network *n, struct err_msg *m)
{
    enum err e = ERR_NONE;
    const char **name = malloc(n->n_layer * sizeof *name);

    if (!name)
        return err_set(m, ERR_MEMORY, "no memory for the names of %" PRIu32 " layers", n->n_layer);
    for (uint32_t i = 0; i < n->n_layer && !e; i++) {
        name[i] = n->layer[i].name;
        if (!good_name(name[i]))
            e = err_set(m, ERR_INPUT,
                        "layer %" PRIu32 " is called \"%.200s\": want a letter or _, then letters, "
                        "digits, _, - or .", i, name[i]);
    }
    if (!e)
        qsort(name, n->n_layer, sizeof *name, by_text);
    for (uint32_t i = 1; i < n->n_layer && !e; i++)
        if (strcmp(name[i - 1], name[i]) == 0)
            e = err_set(m, ERR_INPUT, "two layers are called %.200s: want unique names", name[i]);
    free(name);
    return e;
}

static bool good_shape(struct shape s)
{
    return s.height >= 1 && s.height <= MOST_SIDE && s.width >= 1 && s.width <= MOST_SIDE &&
           s.channels >= 1 && s.channels <= MOST_SIDE &&
           (uint64_t)s.height * s.width <= MOST_VALUES / s.channels;
}

static enum err check_shape(const struct check *c, struct shape s)
{
    if (good_shape(s))
        return ERR_NONE;
    return REFUSE(c, "a map of %" PRIu32 "x%" PRIu32 "x%" PRIu32 ": want sides of 1 to %d and at "
                  "most %d values", s.height, s.width, s.channels, MOST_SIDE, MOST_VALUES);
}

/* A layer of tokens makes one row of any map. */
static bool same_map(const struct layer *l, struct shape s)
{
    if (l->kind == LAYER_TOKENS && l->in.height == 1)
        return (uint64_t)s.height * s.width == l->in.width;
    return s.height == l->in.height && s.width == l->in.width;
}

static enum err check_inputs(const struct check *c)
{
    const struct layer *l = c->layer;
    uint64_t channels = 0;

    if (l->n_input < 1)
        return REFUSE(c, "reads no layer: want at least one input");
    for (uint32_t i = 0; i < l->n_input; i++) {
        if (l->input[i] >= c->index)
            return REFUSE(c, "reads layer %" PRIu32 ", itself layer %" PRIu32 ": want an earlier "
                          "one", l->input[i], c->index);
        const struct layer *from = &c->network->layer[l->input[i]];
        struct shape s = layer_delivers(from);
        if (!same_map(l, s))
            return REFUSE(c, "reads maps of %" PRIu32 "x%" PRIu32 ", %s delivers %" PRIu32 "x%"
                          PRIu32 ": want the same", l->in.height, l->in.width, from->name,
                          s.height, s.width);
        if (from->raw_output && (l->kind != LAYER_NORM || i > 0))
            return REFUSE(c, "reads the 32-bit sums of %s: want values that are rounded, or a norm "
                          "that reads sums first", from->name);
        bool as_stated = layer_is_of_tokens(l) || from->out_zero == l->in_zero; // of its part
        if (from->out_signed != c->network->layer[l->input[0]].out_signed || !as_stated)
            return REFUSE(c, "and its input %s differ in sign or zero point: want the same for "
                          "all inputs", from->name);
        channels += s.channels;
    }
    if (channels != l->in.channels)
        return REFUSE(c, "reads %" PRIu32 " channels, its inputs deliver %" PRIu64 ": want the "
                      "same", l->in.channels, channels);
    return ERR_NONE;
}

static enum err check_axis(const struct check *c, int axis, uint32_t in, uint32_t out)
{
    const struct window *w = &c->layer->window;
    uint32_t k = w->kernel[axis], d = w->dilation[axis], s = w->stride[axis];
    static const char *const along[] = {"rows", "columns"};

    if (k < 1 || k > MOST_SIDE || d < 1 || d > MOST_SIDE || s < 1 || s > MOST_SIDE)
        return REFUSE(c, "kernel %" PRIu32 ", dilation %" PRIu32 ", stride %" PRIu32 " along %s: "
                      "want 1 to %d", k, d, s, along[axis], MOST_SIDE);
    uint64_t reach = (uint64_t)(k - 1) * d + 1;
    if (w->pad_before[axis] > MOST_SIDE || w->pad_after[axis] > MOST_SIDE)
        return REFUSE(c, "padding %" PRIu32 " and %" PRIu32 " along %s: want at most %d",
                      w->pad_before[axis], w->pad_after[axis], along[axis], MOST_SIDE);
    if (w->again[axis] && (c->layer->kind != LAYER_SCALE || w->again[axis] >= MOST_SIDE || k > 1 ||
                           s > 1 || w->pad_before[axis] || w->pad_after[axis]))
        return REFUSE(c, "sees %s again %" PRIu32 " times: want a scaling layer whose window is "
                      "one pixel and steps by 1", along[axis], w->again[axis]);
    if (w->skip[axis] >= in || (w->skip[axis] && w->again[axis]))
        return REFUSE(c, "begins behind %" PRIu32 " %s of %" PRIu32 ": want fewer, and none where "
                      "they are seen again", w->skip[axis], along[axis], in);
    uint64_t padded = (uint64_t)in * (w->again[axis] + 1) - (w->apart ? w->again[axis] : 0);
    padded -= w->skip[axis];
    padded += (uint64_t)w->pad_before[axis] + w->pad_after[axis];
    if (padded < reach)
        return REFUSE(c, "a kernel that reaches over %" PRIu64 " %s of a padded map of %" PRIu64
                      ": want a larger map", reach, along[axis], padded);
    if ((padded - reach) / s + 1 != out)
        return REFUSE(c, "%" PRIu32 " %s delivered: want %" PRIu64, out, along[axis],
                      (padded - reach) / s + 1);
    return ERR_NONE;
}

/* Whether the window of every output has a position inside the map along an axis. */
static bool always_inside(const struct window *w, int axis, uint32_t in, uint32_t out)
{
    int64_t reach = (int64_t)(w->kernel[axis] - 1) * w->dilation[axis];

    if (w->again[axis]) // no padding
        return true;
    for (uint32_t at = 0; at < out; at++) {
        int64_t x = window_begin(w, axis, at), last = x + reach;
        if (x < 0)
            x += (int64_t)round_up((uint64_t)-x, w->dilation[axis]);
        if (x > last || x >= in)
            return false;
    }
    return true;
}

static enum err check_digital(const struct check *c)
{
    const struct layer *l = c->layer;
    const struct window *w = &l->window;

    if (l->groups != l->in.channels || l->out.channels != l->in.channels)
        return REFUSE(c, "makes %" PRIu32 " channels of %" PRIu32 " in %" PRIu32 " groups: want "
                      "pooling and scaling channel by channel", l->out.channels, l->in.channels,
                      l->groups);
    if (l->kind == LAYER_SCALE && (w->kernel[0] != 1 || w->kernel[1] != 1))
        return REFUSE(c, "scales windows of %" PRIu32 "x%" PRIu32 ": want one pixel", w->kernel[0],
                      w->kernel[1]);
    if (!always_inside(w, 0, l->in.height, l->out.height) ||
        !always_inside(w, 1, l->in.width, l->out.width))
        return REFUSE(c, "pools windows that lie in the padding altogether: want less padding");
    return ERR_NONE;
}

static enum err check_tokens(const struct check *c)
{
    if (!c->layer->token)
        return REFUSE(c, "is a layer of tokens and says nothing of them: want struct token_op");
    enum err e = token_kind_of(c->layer)->check(c->layer, c->msg);

    return e ? refused_in(c->msg, c->layer->name) : ERR_NONE;
}

/* The first and the last of a block see one another: with them every token sees its block. */
static enum err check_block(const struct check *c, int axis, uint32_t in)
{
    const struct window *w = &c->layer->window;
    const uint32_t own = min_u32(w->block[axis], in);
    static const char *const along[] = {"rows", "columns"};

    if (own == 0)
        return ERR_NONE;
    if (!layer_is_of_tokens(c->layer) || w->stride[axis] != 1 || w->dilation[axis] != 1 ||
        w->skip[axis] != 0)
        return REFUSE(c, "sees its own block of %" PRIu32 " %s alone: want a layer of tokens whose "
                      "window is of neighbours and steps by 1", w->block[axis], along[axis]);
    const uint64_t before = w->pad_before[axis], after = w->kernel[axis] - 1 - before;
    if (before >= w->kernel[axis] || before < own - 1 || after < own - 1)
        return REFUSE(c, "sees %" PRIu32 " %s from %" PRIu64 " before its own, which do not cover "
                      "its block of %" PRIu32 ": want at least %" PRIu32 ", %" PRIu32 " of them "
                      "before", w->kernel[axis], along[axis], before, own, 2 * own - 1, own - 1);
    return ERR_NONE;
}

static enum err check_window(const struct check *c)
{
    const struct layer *l = c->layer;
    enum err e = check_axis(c, 0, l->in.height, l->out.height);

    if (!e)
        e = check_axis(c, 1, l->in.width, l->out.width);
    if (!e)
        e = check_block(c, 0, l->in.height);
    if (!e)
        e = check_block(c, 1, l->in.width);
    if (e)
        return e;
    if (l->kind == LAYER_GEMM &&
        (l->window.kernel[0] != l->in.height || l->window.kernel[1] != l->in.width ||
         l->out.height != 1 || l->out.width != 1))
        return REFUSE(c, "is fully connected, its kernel of %" PRIu32 "x%" PRIu32 " does not cover "
                      "its map of %" PRIu32 "x%" PRIu32 " once: want a convolution",
                      l->window.kernel[0], l->window.kernel[1], l->in.height, l->in.width);
    if (l->groups < 1 || l->in.channels % l->groups || l->out.channels % l->groups)
        return REFUSE(c, "%" PRIu32 " groups of %" PRIu32 " inputs and %" PRIu32 " outputs: want a "
                      "divisor of both", l->groups, l->in.channels, l->out.channels);
    if (layer_is_of_tokens(l))
        return check_tokens(c);

    uint64_t rows = (uint64_t)l->window.kernel[0] * l->window.kernel[1];
    rows *= l->in.channels / l->groups; // at most 2^48
    if (rows > MOST_VALUES / l->out.channels)
        return REFUSE(c, "%" PRIu64 " x %" PRIu32 " weights: want at most %d", rows,
                      l->out.channels, MOST_VALUES);
    return layer_is_digital(l) ? check_digital(c) : ERR_NONE;
}

static enum err check_result(const struct check *c)
{
    const struct layer *l = c->layer;

    if (l->raw_output && (l->has_residual || l->pooled || l->relu || layer_is_digital(l)))
        return REFUSE(c, "delivers 32-bit sums: want that of a layer with weights and without "
                      "residual, ReLU or pooling");
    if (layer_is_of_tokens(l) && (l->has_residual || l->pooled || l->relu))
        return REFUSE(c, "adds, pools or applies ReLU behind tokens: want that in the layer "
                      "before");
    if (l->multiplies && (!l->has_residual || l->kind != LAYER_SCALE))
        return REFUSE(c, "multiplies by a residual: want one, and a scaling layer");
    if (!l->has_residual)
        return ERR_NONE;
    if (l->residual >= c->index)
        return REFUSE(c, "adds layer %" PRIu32 ", itself layer %" PRIu32 ": want an earlier one",
                      l->residual, c->index);
    const struct layer *from = &c->network->layer[l->residual];
    if (from->raw_output)
        return REFUSE(c, "adds the 32-bit sums of %s: want values that are rounded", from->name);
    struct shape r = layer_delivers(from);
    if (r.height != l->out.height || r.width != l->out.width ||
        r.channels != l->out.channels)
        return REFUSE(c, "adds a map of %" PRIu32 "x%" PRIu32 "x%" PRIu32 " from %s to its own of %"
                      PRIu32 "x%" PRIu32 "x%" PRIu32 ": want the same shape", r.height, r.width,
                      r.channels, from->name, l->out.height, l->out.width, l->out.channels);
    return ERR_NONE;
}

static bool good_range(const struct layer *l, int32_t low, int32_t high)
{
    int32_t least, most;

    value_limits(layer_value_bits(l), l->out_signed, &least, &most);
    return low <= high && low >= least && high <= most;
}

static bool lies_in(const struct requant *q, int32_t least, int32_t most)
{
    return min_i32(q->low, q->zero) >= least && max_i32(q->high, q->zero) <= most;
}

/* The range of `out` before a look-up: bytes of either type. Before pooling: of the sign of what is
 * delivered. */
static bool good_rounding(const struct layer *l)
{
    const struct requant *q = &l->requant;

    if (!l->table && !l->pooled)
        return good_range(l, q->low, q->high) && good_range(l, q->zero, q->zero);
    if (q->low > q->high)
        return false;
    if (l->table)
        return lies_in(q, INT8_MIN, INT8_MAX) || lies_in(q, 0, UINT8_MAX);
    return l->out_signed ? lies_in(q, INT16_MIN, INT16_MAX) : lies_in(q, 0, UINT16_MAX);
}

/* Largest |byte - zero| of what a layer delivers. */
static int64_t most_distance(const struct layer *l, int32_t zero)
{
    int32_t least, most;

    value_limits(max_u32(layer_value_bits(l), 8), l->out_signed, &least, &most);
    int64_t below = (int64_t)zero - least, above = (int64_t)most - zero;
    return below > above ? below : above;
}

static int64_t magnitude(int64_t v) // INT64_MAX for what has none
{
    return v == INT64_MIN ? INT64_MAX : v < 0 ? -v : v;
}

/* Whether a + b * c, all at least 0, stays below MOST_SUM. */
static bool sum_fits(int64_t a, int64_t b, int64_t c)
{
    return a < MOST_SUM && (b == 0 || c <= (MOST_SUM - 1 - a) / b);
}

/* Largest sum of output o in units of the input. */
static int64_t most_weight(const struct layer *l, uint32_t o)
{
    uint32_t rows = layer_kernel_rows(l);
    int64_t sum = 0;

    if (layer_is_digital(l))
        return l->kind == LAYER_AVERAGE_POOL ? layer_n_scale(l) : 1;
    for (uint32_t i = 0; i < rows; i++)
        sum += abs(layer_weight(l, (size_t)o * rows + i));
    return sum;
}

/* Whether sums are of bytes times bytes, which have 32 bits. */
static bool sees_bytes(const struct check *c)
{
    bool bytes = !c->layer->wide_weight;

    for (uint32_t i = 0; i < c->layer->n_input; i++)
        bytes &= layer_value_bits(&c->network->layer[c->layer->input[i]]) <= 8;
    return bytes;
}

static enum err check_sums(const struct check *c, uint32_t o)
{
    const struct layer *l = c->layer;
    const struct requant *q = &l->requant;
    int64_t acc = most_weight(l, o), residual = 0, b = magnitude(q->b[o]);

    acc *= most_distance(&c->network->layer[l->input[0]], l->in_zero);
    int64_t most_acc = sees_bytes(c) ? INT32_MAX : MOST_SUM;
    if (acc > most_acc || (l->raw_output && b > most_acc - acc))
        return REFUSE(c, "output %" PRIu32 " may reach a sum of %" PRId64 ": want %s bits", o, acc,
                      most_acc == INT32_MAX ? "32" : "62");
    if (l->raw_output)
        return ERR_NONE;
    if (q->shift[o] > 62)
        return REFUSE(c, "shifts output %" PRIu32 " by %d: want at most 62", o, q->shift[o]);
    if (l->has_residual)
        residual = most_distance(&c->network->layer[l->residual], q->r_zero);
    if (l->multiplies)
        acc *= residual; // at most 2^34
    if (!sum_fits(b, acc, q->m[o]) ||
        !sum_fits(b + acc * q->m[o], residual, q->mr ? magnitude(q->mr[o]) : 0))
        return REFUSE(c, "output %" PRIu32 " may overflow 64 bits before rounding: want smaller "
                      "scales or offsets", o);
    return ERR_NONE;
}

static enum err check_pool(const struct check *c)
{
    const struct layer *l = c->layer;
    const struct pool_requant *p = &l->pool;
    int64_t most = max_i32(-l->requant.low, l->requant.high);
    if (!layer_is_wide(l))
        most = most_distance(l, 0);
    int64_t sum = (int64_t)l->out.height * l->out.width * most; // at most 2^47

    if (!layer_is_wide(l) && sum > INT32_MAX)
        return REFUSE(c, "pools %" PRIu32 "x%" PRIu32 " values, sums up to %" PRId64 ": want 32 "
                      "bits", l->out.height, l->out.width, sum);
    if (p->shift > 62 || !good_range(l, p->low, p->high) || !good_range(l, p->zero, p->zero) ||
        !sum_fits(magnitude(p->b), sum, p->m))
        return REFUSE(c, "pooling shifts by %d and clamps to %" PRId32 "..%" PRId32 ": want at "
                      "most 62, a range inside its values and sums of 64 bits", p->shift, p->low,
                      p->high);
    return ERR_NONE;
}

/* Zero points and widths of the layers that it reads. */
static enum err check_token_inputs(const struct check *c)
{
    const struct layer *l = c->layer;
    const uint32_t most = l->kind == LAYER_NORM ? MOST_VALUE_BITS : 8;
    const struct token_values *v = l->token->values;
    uint32_t channel = 0;

    for (uint32_t i = 0; i < l->n_input; i++) {
        const struct layer *from = &c->network->layer[l->input[i]];
        if (from->raw_output && v && !v->steps)
            return REFUSE(c, "normalises the sums of %s without their steps: want one for each "
                          "channel", from->name);
        if (layer_value_bits(from) > most)
            return REFUSE(c, "reads values of %" PRIu32 " bits from %s: want at most %" PRIu32,
                          layer_value_bits(from), from->name, most);
        for (uint32_t k = 0; v && k < layer_delivers(from).channels; k++, channel++) {
            const struct token_part *p = &v->part[token_part_of(l, channel)];
            if (p->zero != from->out_zero)
                return REFUSE(c, "takes the zero point of %s for %" PRId32 ": want %" PRId32,
                              from->name, p->zero, from->out_zero);
        }
    }
    return ERR_NONE;
}

static enum err check_token_values(const struct check *c)
{
    const struct layer *l = c->layer;
    const bool table = l->kind == LAYER_MAP && !l->token->product;

    if (table ? !l->table || l->token->values : !l->token->values || l->table)
        return REFUSE(c, "has no values of its tokens, or a table: want values, and a table only "
                      "where it is looked up");
    if (table && l->n_table != 1 && l->n_table != l->out.channels)
        return REFUSE(c, "has %" PRIu32 " tables: want one, or one for each output", l->n_table);
    if (l->requant.m || l->requant.b || l->requant.mr || l->requant.shift || l->function)
        return REFUSE(c, "has scales of channels, or a function of sums: want steps");
    if (!good_rounding(l) || (!table && l->requant.zero != l->out_zero))
        return REFUSE(c, "clamps to %" PRId32 "..%" PRId32 " around %" PRId32 ": want its values",
                      l->requant.low, l->requant.high, l->requant.zero);
    return check_token_inputs(c);
}

static enum err check_values(const struct check *c)
{
    const struct layer *l = c->layer;
    const struct requant *q = &l->requant;

    if (layer_is_of_tokens(l))
        return check_token_values(c);

    bool adds = l->has_residual && !l->multiplies;
    bool scales = q->b && (l->raw_output || (q->m && q->shift && !q->mr == !adds));

    if (layer_has_weights(l) == layer_is_digital(l) || !scales)
        return REFUSE(c, "has no weights or scales: want values for all layers or for none");
    if (l->has_residual && q->r_zero != c->network->layer[l->residual].out_zero)
        return REFUSE(c, "takes the zero point of its residual for %" PRId32 ": want %" PRId32,
                      q->r_zero, c->network->layer[l->residual].out_zero);
    if (l->raw_output && c->index + 1 < c->network->n_layer && !sees_bytes(c))
        return REFUSE(c, "hands on sums of more than 32 bits: want bytes and weights of 8 bits, or "
                      "the sums rounded");
    if (l->table && (l->raw_output || (l->n_table != 1 && l->n_table != l->out.channels)))
        return REFUSE(c, "has %" PRIu32 " tables: want one, or one for each output, and bytes to "
                      "look up", l->n_table);
    if (l->table && layer_value_bits(l) > 8)
        return REFUSE(c, "looks up values of %" PRIu32 " bits: want bytes", layer_value_bits(l));
    if (l->function && (l->raw_output || !step_function_is_sound(l->function)))
        return REFUSE(c, "has a function of %" PRIu32 " thresholds: want them finite, ascending "
                      "and at most %d, and a rounded result", l->function->n, MOST_THRESHOLDS);
    if (!l->raw_output && !good_rounding(l))
        return REFUSE(c, "clamps to %" PRId32 "..%" PRId32 " around %" PRId32 ": want its values",
                      q->low, q->high, q->zero);
    for (uint32_t o = 0; o < layer_n_scale(l); o++) {
        enum err e = check_sums(c, o);
        if (e)
            return e;
    }
    return l->pooled ? check_pool(c) : ERR_NONE;
}

/* Currents are sums. */
static uint32_t most_value_bits(const struct layer *l)
{
    return l->neuron && l->neuron->kind->delivers_current ? 32 : MOST_VALUE_BITS;
}

static enum err check_layer(const struct check *c)
{
    const struct layer *l = c->layer;
    enum err e = check_shape(c, l->out);

    if (e)
        return e;
    if (l->value_bits > most_value_bits(l) || l->weight_bits > MOST_VALUE_BITS ||
        (l->out_signed && l->value_bits == 1))
        return REFUSE(c, "states values of %" PRIu32 " bits%s and weights of %" PRIu32 ": want 1 "
                      "to %d, signed values of 2 or more", l->value_bits,
                      l->out_signed ? ", signed," : "", l->weight_bits, MOST_VALUE_BITS);
    bool coded = c->index == 0 && presentation_is_coded(&c->network->present); // of its pixels
    if (coded ? l->out_zero < 0 || l->out_zero > UINT8_MAX
              : !good_range(l, l->out_zero, l->out_zero))
        return REFUSE(c, "zero point %" PRId32 ": want a value of its bytes", l->out_zero);
    if ((l->kind == LAYER_IMAGE) != (c->index == 0))
        return REFUSE(c, "is layer %" PRIu32 ": want the image, and only it, as layer 0", c->index);
    if (l->kind == LAYER_IMAGE)
        return l->n_input || l->has_residual || l->pooled || l->raw_output
                   ? REFUSE(c, "is the image and computes: want no inputs, sums or pooling")
                   : ERR_NONE;
    e = check_shape(c, l->in);
    if (!e)
        e = check_inputs(c);
    if (!e)
        e = check_window(c);
    if (!e)
        e = check_result(c);
    if (!e && c->network->has_values)
        e = check_values(c);
    return e;
}

static enum err check_ends(const struct network *n, struct err_msg *m)
{
    for (uint32_t i = 0; i < n->n_end; i++)
        if (n->end[i].layer >= n->n_layer)
            return err_set(m, ERR_INPUT, "result %.200s: is delivered by layer %" PRIu32
                           ": want one of 0 to %" PRIu32, n->end[i].value, n->end[i].layer,
                           n->n_layer - 1);
    return ERR_NONE;
}

/* Every layer but the last is read by a later one, or leaves the network as well. */
static enum err check_readers(const struct network *n, struct err_msg *m)
{
    bool *read = calloc(n->n_layer, sizeof *read);
    enum err e = ERR_NONE;

    if (!read)
        return err_set(m, ERR_MEMORY, "no memory for a network of %" PRIu32 " layers", n->n_layer);
    for (uint32_t i = 1; i < n->n_layer; i++) {
        for (uint32_t j = 0; j < n->layer[i].n_input; j++)
            read[n->layer[i].input[j]] = true;
        if (n->layer[i].has_residual)
            read[n->layer[i].residual] = true;
    }
    for (uint32_t i = 0; i < n->n_end; i++)
        read[n->end[i].layer] = true;
    for (uint32_t i = 0; i + 1 < n->n_layer && !e; i++)
        if (!read[i])
            e = err_set(m, ERR_INPUT, "layer %.200s: no layer reads it: want it read, or a result "
                        "of the network", n->layer[i].name);
    free(read);
    return e;
}

enum err network_check(const struct network *n, struct err_msg *m)
{
    uint64_t macs = 0;

    if (n->n_layer < 2)
        return err_set(m, ERR_INPUT, "%" PRIu32 " layers: want the image and at least one that "
                       "holds weights", n->n_layer);
    enum err e = check_names(n, m);
    for (uint32_t i = 0; i < n->n_layer && !e; i++) {
        struct check c = {n, &n->layer[i], i, m};
        e = check_layer(&c);
        if (e || i == 0)
            continue;
        uint64_t weights = (uint64_t)layer_kernel_rows(c.layer) * c.layer->out.channels;
        macs += weights * c.layer->out.height * c.layer->out.width; // at most 2^60 a layer
        if (macs > INT64_MAX)
            e = REFUSE(&c, "%" PRIu64 " multiply-accumulates up to here: want below 2^63", macs);
    }
    if (!e)
        e = check_ends(n, m);
    return e ? e : check_readers(n, m);
}
