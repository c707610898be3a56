/* onnx/read/attention.c -- from products of two maps to layers of attention.
 *
 *     MatMul of queries and keys      scores: heads in common, channels of a head contracted
 *     Mul, Div, QuantizeLinear...     of scores: factors, codes, a stored bias, a mask
 *     Softmax                         weights
 *     MatMul of weights and values    a draft of LAYER_ATTENTION
 *
 * What are queries, keys and values follows from axes alone: the last dimension of the first
 * operand and the one before the last of the second are channels, and are contracted; what is left
 * are tokens, the same ones in all three maps; the dimensions in front are heads. Maps may be the
 * parts of one map, in any order, and heads of keys and values may be repeated for several of
 * queries. Where pixels stand in front as well, they are windows: a query sees the tokens of its
 * own, and a mask hides the others that are as near.
 *
 * Softmax over the tokens of a map of one channel, and its product with another, is a weighted sum
 * of tokens: attention of one query of 1.
 */
#include "onnx/read/tokens.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/array.h"

enum { PIXELS = 1 << ONNX_ROW | 1 << ONNX_COLUMN, CHANNELS = 1 << ONNX_CHANNEL };

#define MASKED (-1e4) // what a mask adds at most to a score that takes no part

struct onnx_scores {
    struct onnx_meaning map[2];  // queries and keys, dequantised
    struct onnx_axes    axes[2]; // theirs; of keys the last two dimensions as those of queries
    double factor[2];            // of each, real
    bool     sums;               // of one query of 1: map[1] is of one channel
    uint32_t heads, tokens;      // all tokens
    uint32_t windows, seen;      // of as many tokens each
    uint32_t n_dim, dim[ONNX_MAP_DIMS]; // of the tensor of scores
    bool    rounded;             // codes: what reads them wants DequantizeLinear
    bool    weights;             // what Softmax made
    bool    weights_rounded;
    uint32_t n_score;            // steps, the last of them open while it has no codes
    struct token_score score[TOKEN_SCORES]; // biases in numbers of tokens, the reader's
    bool     only_masks[TOKEN_SCORES];      // its bias, which counts where it is rounded
    double   put;                // the largest number that Where puts in place of a score
    struct code_range weight_codes;
    uint8_t *masked; // [n_masked][queries][keys] in numbers of tokens; NULL: none; the reader's
    uint32_t n_masked;
};

static enum err no_memory(const struct onnx_reader *r)
{
    return err_set(r->msg, ERR_MEMORY, "no memory for attention");
}

static enum err refuse_product(const struct onnx_reader *r, const struct onnx_node *node,
                               const char *why)
{
    return onnx_node_refuse(node, r->msg, "multiplies two maps, and %s: want attention (heads x "
                            "tokens x channels by heads x channels x tokens, Softmax, by heads x "
                            "tokens x channels), or maps of equal shapes by Mul", why);
}

/* ---- Operands ---- */

/* A draft that is a rounded map times one number. */
static bool is_scaled(const struct onnx_meaning *m, double *factor)
{
    const struct onnx_draft *d = m->draft;
    const struct layer *l = m->means == ONNX_DRAFT ? &d->layer : NULL;
    bool plain = l && l->kind == LAYER_SCALE && !l->has_residual && !d->bounded && !d->largest;

    for (uint32_t o = 0; plain && o < d->n; o++) {
        const double sign = l->negated && l->negated[o] ? -1 : 1;
        *factor = o == 0 ? sign * d->unit[0] : *factor;
        plain = sign * d->unit[o] == *factor && d->bias[o] == 0;
    }
    return plain;
}

/* Input i: a dequantised map, or one times a number, and its axes. */
static enum err take_operand(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                             struct onnx_meaning *x, struct onnx_axes *axes, double *factor)
{
    *x = onnx_passed_on(r, node, i);
    *factor = 1;
    if (is_scaled(x, factor)) {
        const struct onnx_draft *d = x->draft;
        *factor /= r->network->layer[d->layer.input[0]].out_scale;
        x->means = ONNX_PIXELS;
        x->layer = d->layer.input;
        x->n_layer = d->layer.n_input;
        x->view = (struct onnx_view){0};
    }
    if (x->means != ONNX_PIXELS)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want a map that has passed "
                                "QuantizeLinear and DequantizeLinear", i,
                                onnx_means_text(x->means));
    if (!onnx_axes_of(r, x, axes))
        return refuse_product(r, node, "of several images, or with zeros around them");
    if (x->turn && x->turn->rotation.sum.step == 0)
        return refuse_product(r, node, "one has turned by its place and is not rounded since");
    *factor = x->turn ? x->turn->factor : *factor;
    return axes->n_dim < 2 ? refuse_product(r, node, "one has less than two dimensions") : ERR_NONE;
}

/* Axes in front of the last two dimensions that are of channels, heads, or of pixels, windows. */
static bool is_in_front(const struct onnx_axes *a, uint32_t k, uint32_t sides)
{
    return a->axis[k].dim + 2 < a->n_dim && sides & 1U << a->axis[k].side;
}

static uint32_t count_front(const struct onnx_axes *a, uint32_t sides)
{
    uint32_t n = 1;

    for (uint32_t k = 0; k < a->n; k++)
        n *= is_in_front(a, k, sides) ? a->axis[k].size : 1;
    return n;
}

/* Where number i of those is: adds to at[side]. */
static void locate_front(const struct onnx_axes *a, uint32_t sides, uint32_t i,
                         uint32_t at[ONNX_SIDES])
{
    for (uint32_t k = a->n; k-- > 0;)
        if (is_in_front(a, k, sides)) {
            const struct onnx_axis *x = &a->axis[k];
            at[x->side] += x->order ? x->order[i % x->size] : i % x->size * x->step;
            i /= x->size;
        }
}

static uint32_t count_heads(const struct onnx_axes *a)
{
    return count_front(a, CHANNELS);
}

/* First channel of a head. */
static uint32_t head_channel(const struct onnx_axes *a, uint32_t head)
{
    uint32_t at[ONNX_SIDES] = {0};

    locate_front(a, CHANNELS, head, at);
    return a->first[ONNX_CHANNEL] + at[ONNX_CHANNEL];
}

/* What is contracted are the channels that turned, in their order. */
static enum err check_turn(const struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_turn *turn, const struct onnx_axes *a)
{
    const struct onnx_axis *x = NULL;
    uint32_t n = 0;

    for (uint32_t k = 0; k < a->n; k++)
        if (a->axis[k].dim + 1 == a->n_dim) {
            x = &a->axis[k];
            n++;
        }
    if (n == 1 && x->size == turn->head && x->step == turn->axis.step &&
        x->order == turn->axis.order)
        return ERR_NONE;
    return refuse_product(r, node, "channels that turned in pairs are taken apart");
}

/* Heads and windows in front, then tokens, then channels: each token once. */
static enum err check_operand(const struct onnx_reader *r, const struct onnx_node *node,
                              const struct onnx_meaning *x, const struct onnx_axes *a)
{
    const uint32_t n = a->n_dim;

    if (!axes_within(a, n - 2, n - 1, PIXELS) || !axes_within(a, n - 1, n, CHANNELS))
        return refuse_product(r, node, "what is contracted are not the channels of heads");
    if (!axes_cover(a, 0, n - 1, ONNX_ROW, x->shape.height) ||
        !axes_cover(a, 0, n - 1, ONNX_COLUMN, x->shape.width))
        return refuse_product(r, node, "some of the tokens are missing");
    return x->turn ? check_turn(r, node, x->turn, a) : ERR_NONE;
}

/* Whether two maps have the same windows in front. */
static bool same_windows(const struct onnx_axes *a, const struct onnx_axes *b)
{
    uint32_t i = 0, k = 0;

    for (; i < a->n || k < b->n; i++, k++) {
        while (i < a->n && !is_in_front(a, i, PIXELS))
            i++;
        while (k < b->n && !is_in_front(b, k, PIXELS))
            k++;
        if (i == a->n || k == b->n)
            return i == a->n && k == b->n;
        const struct onnx_axis *x = &a->axis[i], *y = &b->axis[k];
        if (x->dim != y->dim || x->side != y->side || x->size != y->size || x->step != y->step ||
            x->order != y->order)
            return false;
    }
    return true;
}

static bool same_pixels(const struct onnx_meaning *a, const struct onnx_meaning *b)
{
    return a->shape.height == b->shape.height && a->shape.width == b->shape.width;
}

static void swap_last(struct onnx_axes *a)
{
    int64_t perm[ONNX_MAP_DIMS];

    for (uint32_t k = 0; k < a->n_dim; k++)
        perm[k] = k;
    perm[a->n_dim - 2] = a->n_dim - 1;
    perm[a->n_dim - 1] = a->n_dim - 2;
    axes_transpose(a, perm);
}

static void put_scores(struct onnx_reader *r, const struct onnx_node *node,
                       const struct onnx_scores *s)
{
    onnx_output(r, node, (struct onnx_meaning){.means = ONNX_SCORES, .scores = s});
}

/* The number of token i of a window. */
static uint32_t number_of(const struct onnx_scores *s, uint32_t window, uint32_t i)
{
    const struct onnx_axes *a = s->sums ? &s->axes[1] : &s->axes[0];
    uint32_t at[ONNX_SIDES] = {0};

    locate_front(a, PIXELS, window, at);
    axes_locate(a, a->n_dim - 2, i, at);
    return onnx_token_number(&s->map[1].shape, at);
}

static enum err new_table(struct onnx_reader *r, const struct onnx_node *node,
                          const struct onnx_scores *s, uint32_t heads, size_t size, uint32_t *n,
                          void **table)
{
    const uint64_t each = (uint64_t)s->tokens * s->tokens;
    uint8_t *new;
    enum err e = onnx_take_room(r, node, heads * each / 8);

    if (e || (*table && *n >= heads))
        return e;
    new = onnx_keep(r, heads * each, size);
    if (!new)
        return no_memory(r);
    for (uint32_t h = 0; *table && h < heads; h++) // of one head, for all
        memcpy(new + h * each * size, *table, each * size);
    *table = new;
    *n = heads;
    return ERR_NONE;
}

static enum err hide_other_windows(struct onnx_reader *r, const struct onnx_node *node,
                                   struct onnx_scores *s)
{
    void *masked = NULL;
    enum err e = new_table(r, node, s, 1, 1, &s->n_masked, &masked);

    if (e)
        return e;
    s->masked = masked;
    memset(s->masked, 1, (size_t)s->tokens * s->tokens);
    for (uint32_t w = 0; w < s->windows; w++)
        for (uint32_t i = 0; i < s->seen; i++)
            for (uint32_t j = 0; j < s->seen; j++)
                s->masked[(size_t)number_of(s, w, i) * s->tokens + number_of(s, w, j)] = 0;
    return ERR_NONE;
}

static void begin_scores(struct onnx_scores *s, double scale)
{
    s->n_score = 1;
    s->score[0].scale = scale;
    s->put = -INFINITY;
}

enum err onnx_read_scores(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_scores *s = onnx_keep(r, 1, sizeof *s);
    enum err e = s ? ERR_NONE : no_memory(r);

    for (uint32_t i = 0; i < 2 && !e; i++)
        e = take_operand(r, node, i, &s->map[i], &s->axes[i], &s->factor[i]);
    if (e)
        return e;
    swap_last(&s->axes[1]);
    for (uint32_t i = 0; i < 2 && !e; i++)
        e = check_operand(r, node, &s->map[i], &s->axes[i]);
    if (e)
        return e;
    const struct onnx_axes *q = &s->axes[0], *k = &s->axes[1];
    const uint32_t n = q->n_dim;
    s->heads = count_heads(q);
    s->windows = count_front(q, PIXELS);
    s->seen = axes_length(q, n - 2);
    s->tokens = s->windows * s->seen;
    const uint32_t kv = count_heads(k);
    if (kv != s->heads && kv != 1)
        return onnx_node_refuse(node, r->msg, "%" PRIu32 " heads of queries by %" PRIu32 " of "
                                "keys: want as many, by Expand or Reshape of the keys", s->heads,
                                kv);
    if (axes_length(q, n - 1) != axes_length(k, k->n_dim - 1))
        return onnx_node_refuse(node, r->msg, "queries of %" PRIu32 " channels by keys of %" PRIu32
                                ": want as many", axes_length(q, n - 1),
                                axes_length(k, k->n_dim - 1));
    if (!same_pixels(&s->map[0], &s->map[1]) || !axes_alike(q, n - 2, k, k->n_dim - 2) ||
        !same_windows(q, k))
        return refuse_product(r, node, "queries and keys are of other tokens, or in another order");
    s->n_dim = n;
    for (uint32_t d = 0; d < n; d++)
        s->dim[d] = d + 1 < n ? axes_length(q, d) : s->seen;
    begin_scores(s, s->factor[0] * s->factor[1]);
    e = s->windows > 1 ? hide_other_windows(r, node, s) : ERR_NONE;
    if (!e)
        put_scores(r, node, s);
    return e;
}

/* ---- What is done with scores ---- */

static bool is_operator(const struct onnx_node *node, const char *name)
{
    return node->proto->op_type && strcmp(node->proto->op_type, name) == 0;
}

bool onnx_reads_scores(const struct onnx_reader *r, const struct onnx_node *node)
{
    for (uint32_t i = 0; i < node->n_input; i++)
        if (onnx_has_input(node, i) && onnx_input(r, node, i)->means == ONNX_SCORES)
            return !is_operator(node, "Shape");
    return false;
}

uint32_t onnx_scores_dims(const struct onnx_scores *s, uint32_t dim[ONNX_MAP_DIMS])
{
    memcpy(dim, s->dim, s->n_dim * sizeof *dim);
    return s->n_dim;
}

static enum err refuse_scores(const struct onnx_reader *r, const struct onnx_node *node,
                              const char *why)
{
    return onnx_node_refuse(node, r->msg, "%s: want scores of queries and keys times a number, "
                            "plus a stored bias or mask, rounded or not, into Softmax of the last "
                            "axis", why);
}

/* The step that what comes belongs to: the last, or one more behind codes; NULL: too many. */
static struct token_score *open_step(const struct onnx_reader *r, const struct onnx_node *node,
                                     struct onnx_scores *s)
{
    if (s->score[s->n_score - 1].codes.step != 0) {
        if (s->n_score == TOKEN_SCORES) {
            onnx_node_refuse(node, r->msg, "goes on with scores that were rounded %d times: want "
                             "fewer QuantizeLinear between the two products of attention",
                             TOKEN_SCORES);
            return NULL;
        }
        s->score[s->n_score++].scale = 1;
    }
    return &s->score[s->n_score - 1];
}

static enum err scale_scores(const struct onnx_reader *r, const struct onnx_node *node,
                             struct onnx_scores *s, double factor)
{
    if (s->weights || !isfinite(factor) || factor == 0)
        return refuse_scores(r, node, s->weights ? "scales the weights of attention"
                                                 : "scales scores by no number");
    struct token_score *step = open_step(r, node, s);
    if (!step)
        return ERR_INPUT;
    step->scale *= factor;
    s->put = isfinite(s->put) ? s->put * factor : s->put;
    for (size_t i = 0; step->bias && i < (size_t)step->n_bias * s->tokens * s->tokens; i++)
        step->bias[i] *= factor;
    return ERR_NONE;
}

/* Whether a constant is spread over scores: at most as many dimensions, each as long or 1. How many
 * of heads it tells apart. */
static bool spreads(const struct onnx_scores *s, const struct onnx_tensor *t, uint32_t *heads)
{
    bool fits = t->n_dim <= s->n_dim;

    *heads = 1;
    for (uint32_t k = 0; k < t->n_dim && fits; k++) {
        const uint32_t at = s->n_dim - t->n_dim + k;
        fits = t->dim[k] == 1 || t->dim[k] == s->dim[at];
        if (at + 2 < s->n_dim && t->dim[k] > 1)
            *heads = s->heads;
    }
    return fits;
}

struct score { // one of them
    uint32_t head, window, query, key;
};

static size_t spread_index(const struct onnx_scores *s, const struct onnx_tensor *t,
                           const struct score *c)
{
    const struct onnx_axes *q = &s->axes[0];
    uint32_t index[ONNX_MAP_DIMS] = {0}, times[ONNX_MAP_DIMS];
    uint32_t head = c->head, window = c->window;
    size_t at = 0;

    index[s->n_dim - 1] = c->key;
    index[s->n_dim - 2] = c->query;
    for (uint32_t k = 0; k < s->n_dim; k++)
        times[k] = 1;
    for (uint32_t k = q->n; k-- > 0;) {
        const uint32_t dim = q->axis[k].dim, size = q->axis[k].size;
        if (!is_in_front(q, k, CHANNELS | PIXELS))
            continue;
        uint32_t *number = q->axis[k].side == ONNX_CHANNEL ? &head : &window;
        index[dim] += *number % size * times[dim];
        times[dim] *= size;
        *number /= size;
    }
    for (uint32_t k = 0; k < t->n_dim; k++)
        at = at * t->dim[k] + (t->dim[k] == 1 ? 0 : index[s->n_dim - t->n_dim + k]);
    return at;
}

struct spread { // what a constant does to each score
    const struct onnx_meaning *c;
    double factor;
    bool   masks; // where it is not 0; else it is added
};

/* What a constant does to the scores of a head and window. */
static void join_window(struct onnx_scores *s, const struct spread *c, uint32_t head,
                        uint32_t window)
{
    struct token_score *step = &s->score[s->n_score - 1];
    const size_t first = (size_t)head * s->tokens * s->tokens;

    for (uint32_t i = 0; i < s->seen; i++)
        for (uint32_t j = 0; j < s->seen; j++) {
            const struct score score = {head, window, i, j};
            const double v =
                c->factor * onnx_constant(c->c, spread_index(s, &c->c->tensor, &score));
            const size_t at = first + (size_t)number_of(s, window, i) * s->tokens +
                              number_of(s, window, j);
            const bool out = c->masks ? v != 0 : v <= MASKED;
            if (out && head < s->n_masked)
                s->masked[at] = 1;
            if (head < step->n_bias)
                step->bias[at] += c->masks ? (out ? -FLT_MAX : 0) : fmax(v, -FLT_MAX);
        }
}

static enum err spread(struct onnx_reader *r, const struct onnx_node *node, struct onnx_scores *s,
                       const struct spread *c)
{
    const struct onnx_tensor *t = &c->c->tensor;
    void *bias, *masked = s->masked;
    uint32_t heads;

    if (s->weights || s->sums || !spreads(s, t, &heads))
        return refuse_scores(r, node, s->weights ? "adds to the weights of attention"
                                                 : "joins scores with constants of another shape");
    struct token_score *step = open_step(r, node, s);
    if (!step)
        return ERR_INPUT;
    bool some = false, real = false, only = !step->bias; // masks some, is a bias
    bias = step->bias;
    for (size_t i = 0; i < t->n; i++) {
        const double v = c->factor * onnx_constant(c->c, i);
        if (isnan(v) || v == INFINITY)
            return refuse_scores(r, node, "adds what is no number to scores");
        some |= c->masks ? v != 0 : v <= MASKED;
        real |= !c->masks && v > MASKED && v != 0;
    }
    enum err e = some ? new_table(r, node, s, heads, 1, &s->n_masked, &masked) : ERR_NONE;
    if (!e && (some || real))
        e = new_table(r, node, s, heads, sizeof(double), &step->n_bias, &bias);
    if (e)
        return e;
    step->bias = bias;
    s->only_masks[s->n_score - 1] = !real && (only || s->only_masks[s->n_score - 1]);
    s->masked = masked;
    for (uint32_t h = 0; h < s->heads; h++)
        for (uint32_t w = 0; w < s->windows; w++)
            join_window(s, c, h, w);
    return ERR_NONE;
}

/* Where(condition, a, b): scores where the condition says so, else a number below all scores. */
static enum err read_where(struct onnx_reader *r, const struct onnx_node *node,
                           struct onnx_scores *s)
{
    const uint32_t at = onnx_input(r, node, 1)->means == ONNX_SCORES ? 1 : 2;
    const struct onnx_meaning *condition = onnx_input(r, node, 0), *other;
    struct array flags;

    other = onnx_input(r, node, 3 - at);
    if (condition->means != ONNX_STORED)
        return onnx_node_refuse(node, r->msg, "its mask is %s: want a stored one, that does not "
                                "depend on data", onnx_means_text(condition->means));
    bool least = onnx_is_constant(other) && other->tensor.n > 0;
    for (size_t i = 0; least && i < other->tensor.n; i++) {
        s->put = fmax(s->put, onnx_constant(other, i));
        least = onnx_constant(other, i) <= MASKED;
    }
    if (!least)
        return onnx_node_refuse(node, r->msg, "puts %s in place of scores: want a stored number of "
                                "at most %g", onnx_means_text(other->means), MASKED);
    if (!array_from_tensor(&flags, &condition->tensor))
        return no_memory(r);
    for (size_t i = 0; i < flags.n; i++) // 1: takes no part
        array_set(&flags, i, (array_get(&flags, i) != 0) == (at == 2));
    struct onnx_meaning turned = {.means = ONNX_STORED};
    enum err e = onnx_keep_array(r, &flags, &turned.tensor);
    array_release(&flags);
    return e ? e : spread(r, node, s, &(struct spread){&turned, 1, true});
}

static struct code_range range_of(const struct onnx_quantisation *q)
{
    return (struct code_range){.step = q->scale, .zero = q->zero, .low = q->least, .high = q->most};
}

static bool same_range(const struct code_range *a, const struct code_range *b)
{
    return a->step == b->step && a->zero == b->zero && a->low == b->low && a->high == b->high;
}

/* Scores that a mask was added to take part once they are rounded: as the least code, mostly. */
static enum err round_masked(struct onnx_reader *r, const struct onnx_node *node,
                             struct onnx_scores *s, const struct code_range *c)
{
    if (s->put > c->step * ((double)c->low - c->zero - 1))
        return onnx_node_refuse(node, r->msg, "rounds %g, which Where put in place of scores, to a "
                                "code between others: want a number below the least code, %g",
                                s->put, c->step * (c->low - c->zero));
    s->put = -INFINITY;
    s->only_masks[s->n_score - 1] = false;
    s->masked = NULL;
    s->n_masked = 0;
    return s->windows > 1 ? hide_other_windows(r, node, s) : ERR_NONE;
}

static enum err round_scores(struct onnx_reader *r, const struct onnx_node *node,
                             struct onnx_scores *s)
{
    struct onnx_quantisation q;
    enum err e = onnx_read_quantisation(r, node, 1, &q);

    if (e)
        return e;
    const struct code_range c = range_of(&q), *last = &s->score[s->n_score - 1].codes;
    const bool again = s->weights ? s->weights_rounded : last->step != 0;
    s->rounded = true;
    if (again && same_range(&c, s->weights ? &s->weight_codes : last))
        return ERR_NONE;
    if (again && s->weights)
        return refuse_scores(r, node, "rounds weights a second time, to other codes");
    s->weights_rounded = s->weights;
    if (s->weights) {
        s->weight_codes = c;
        return ERR_NONE;
    }
    struct token_score *step = open_step(r, node, s);
    if (!step)
        return ERR_INPUT;
    step->codes = c;
    return s->masked ? round_masked(r, node, s, &c) : ERR_NONE;
}

static enum err unround_scores(const struct onnx_reader *r, const struct onnx_node *node,
                               struct onnx_scores *s)
{
    const struct code_range *last = &s->score[s->n_score - 1].codes;
    const struct code_range *c = s->weights ? &s->weight_codes : last;
    struct onnx_quantisation q;
    enum err e = onnx_read_quantisation(r, node, 1, &q);

    if (e)
        return e;
    if (!s->rounded || q.scale != c->step || q.zero != c->zero)
        return onnx_node_refuse(node, r->msg, "reads codes of scale %g and zero point %" PRId32
                                " as %g and %" PRId32 ": want the same", c->step, c->zero, q.scale,
                                q.zero);
    s->rounded = false;
    return ERR_NONE;
}

/* Before set 13 Softmax joined all axes from its own on; of the last it is the same. */
static enum err read_softmax(const struct onnx_reader *r, const struct onnx_node *node,
                             struct onnx_scores *s)
{
    int64_t axis = r->graph.opset < 13 ? 1 : -1;
    enum err e = onnx_attr_int(node, "axis", &axis, r->msg);

    if (!e && (s->weights || s->rounded))
        e = refuse_scores(r, node, "is of codes, or of weights");
    if (!e && axis != -1 && axis != (int64_t)s->n_dim - 1)
        e = onnx_node_refuse(node, r->msg, "goes over axis %" PRId64 " of scores: want the last, "
                             "keys", axis);
    s->weights = true;
    return e;
}

/* ---- The layer ---- */

/* Channels of heads as they stand in the map: n heads of `size`. */
static enum err list_channels(struct onnx_reader *r, const struct onnx_node *node,
                              const struct onnx_axes *a, uint32_t n, const uint32_t *head,
                              uint32_t **list)
{
    const uint32_t size = axes_length(a, a->n_dim - 1);
    enum err e = onnx_new_list(r, node, n * size, list);

    for (uint32_t h = 0; h < n && !e; h++)
        for (uint32_t c = 0; c < size; c++) {
            uint32_t at[ONNX_SIDES] = {0};
            axes_locate(a, a->n_dim - 1, c, at);
            (*list)[h * size + c] = head_channel(a, head[h]) + at[ONNX_CHANNEL];
        }
    return e;
}

struct operand { // queries, keys or values
    struct onnx_meaning     *x;
    const struct onnx_axes  *axes;
    uint32_t *channel, n; // in the map
};

/* Heads of keys and values that differ, and are each for as many of queries: their numbers. */
static enum err find_kv_heads(struct onnx_reader *r, const struct onnx_node *node, uint32_t heads,
                              const struct onnx_axes *k, const struct onnx_axes *v, uint32_t **head,
                              uint32_t *n)
{
    const bool one_k = count_heads(k) == 1, one_v = count_heads(v) == 1;
    enum err e = onnx_new_list(r, node, heads, head);

    *n = 0;
    for (uint32_t h = 0; h < heads && !e; h++) {
        const uint32_t last = *n > 0 ? (*head)[*n - 1] : 0;
        bool same = *n > 0 && (one_k || head_channel(k, h) == head_channel(k, last)) &&
                    (one_v || head_channel(v, h) == head_channel(v, last));
        if (!same)
            (*head)[(*n)++] = h;
    }
    for (uint32_t i = 0; i < *n && !e; i++)
        if (heads % *n || (*head)[i] != i * (heads / *n))
            e = onnx_node_refuse(node, r->msg, "%" PRIu32 " heads of keys and values for %" PRIu32
                                 " of queries, not the same number for each: want a divisor", *n,
                                 heads);
    return e;
}

static bool same_layers(const struct onnx_meaning *a, const struct onnx_meaning *b)
{
    return a->n_layer == b->n_layer &&
           memcmp(a->layer, b->layer, a->n_layer * sizeof *a->layer) == 0 && !a->view.some &&
           !b->view.some;
}

/* Whether the operands are the parts of one map, queries, keys, values. */
static bool are_one(const struct operand *o)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < 3; i++) {
        if (!same_layers(o[0].x, o[i].x))
            return false;
        for (uint32_t c = 0; c < o[i].n; c++)
            if (o[i].channel[c] != at++)
                return false;
    }
    return at == o[0].x->shape.channels;
}

static bool is_whole(const struct operand *o)
{
    bool whole = o->n == o->x->shape.channels;

    for (uint32_t c = 0; c < o->n && whole; c++)
        whole = o->channel[c] == c;
    return whole;
}

/* Whether a node reads the bytes of one map, and nothing else does. */
static enum err reads_alone(const struct onnx_reader *r, const struct onnx_node *node, bool *alone)
{
    uint32_t *reads = calloc(r->graph.n_value + 1, sizeof *reads), bytes = 0;

    if (!reads)
        return no_memory(r);
    for (uint32_t i = 0; i < node->n_input; i++)
        onnx_count_reads(r, node->input[i], reads);
    *alone = true;
    for (uint32_t i = 0; i < r->graph.n_value; i++) {
        if (reads[i] == 0 || onnx_is_constant(&r->meaning[i]))
            continue;
        bytes += r->meaning[i].means == ONNX_BYTES;
        *alone &= reads[i] == r->graph.value[i].n_reader;
    }
    *alone &= bytes == 1;
    free(reads);
    return ERR_NONE;
}

/* Whether the operands are all outputs of one layer of weights, each once: order[] is then theirs,
 * queries, keys, values. seen[]: zeros. */
static bool are_outputs(const struct onnx_reader *r, const struct operand *o, uint32_t *order,
                        uint32_t *seen)
{
    const struct layer *l = &r->network->layer[o[0].x->layer[0]];
    const uint32_t n = o[0].x->shape.channels;
    uint32_t at = 0;

    if (o[0].x->n_layer != 1 || !layer_has_weights(l) || l->groups != 1 || l->has_residual ||
        l->pooled || l->raw_output || o[0].n + o[1].n + o[2].n != n)
        return false;
    for (uint32_t i = 0; i < 3; i++) {
        if (!same_layers(o[0].x, o[i].x))
            return false;
        for (uint32_t c = 0; c < o[i].n; c++)
            if (seen[order[at++] = o[i].channel[c]]++ > 0)
                return false;
    }
    return true;
}

/* Entry o of a list of n becomes what order[o] was. */
static bool reorder(void *list, size_t size, uint32_t n, const uint32_t *order)
{
    uint8_t *copy = list ? malloc(n * size) : NULL;

    for (uint32_t o = 0; copy && o < n; o++)
        memcpy(copy + o * size, (uint8_t *)list + order[o] * size, size);
    if (copy)
        memcpy(list, copy, n * size);
    free(copy);
    return !list || copy;
}

/* The layer's outputs in another order. */
static enum err order_outputs(const struct onnx_reader *r, struct layer *l, const uint32_t *order)
{
    const uint32_t n = l->out.channels, rows = layer_kernel_rows(l);
    struct requant *q = &l->requant;
    bool done = reorder(l->weight, rows * sizeof *l->weight, n, order) &&
                reorder(l->wide_weight, rows * sizeof *l->wide_weight, n, order) &&
                reorder(q->m, sizeof *q->m, n, order) && reorder(q->b, sizeof *q->b, n, order) &&
                reorder(q->shift, sizeof *q->shift, n, order) &&
                (l->n_table <= 1 || reorder(l->table, 256, n, order));

    return done ? ERR_NONE : no_memory(r);
}

/* One map of all operands' channels, in `all`. */
static enum err join(struct onnx_reader *r, const struct onnx_node *node, struct operand *o,
                     struct onnx_meaning *all)
{
    uint32_t *list, *order, *seen = NULL, n = 0;
    bool alone = false;
    enum err e = onnx_new_list(r, node, o[0].n + o[1].n + o[2].n, &order);

    if (!e)
        e = onnx_new_list(r, node, o[0].x->shape.channels, &seen);
    *all = *o[0].x;
    if (e || are_one(o))
        return e ? e : onnx_settle(r, node, all);
    if (are_outputs(r, o, order, seen))
        e = reads_alone(r, node, &alone);
    if (!e && alone)
        return order_outputs(r, &r->network->layer[all->layer[0]], order);
    for (uint32_t i = 0; i < 3 && !e; i++) {
        if (!is_whole(&o[i]))
            e = onnx_pick_channels(r, node, o[i].x, o[i].channel, o[i].n);
        if (!e)
            e = onnx_settle(r, node, o[i].x);
        n += o[i].x->n_layer;
    }
    if (!e)
        e = onnx_new_list(r, node, n, &list);
    if (e)
        return e;
    *all = *o[0].x;
    all->layer = list;
    all->n_layer = 0;
    all->shape.channels = 0;
    for (uint32_t i = 0; i < 3; i++) {
        memcpy(list + all->n_layer, o[i].x->layer, o[i].x->n_layer * sizeof *list);
        all->n_layer += o[i].x->n_layer;
        all->shape.channels += o[i].n;
    }
    return ERR_NONE;
}

/* Whether the mask is that of a decoder: no key behind the query, and no other. */
static bool is_causal(const struct onnx_scores *s)
{
    bool causal = s->masked && s->windows == 1 && s->map[0].shape.height == 1;

    for (uint32_t h = 0; h < s->n_masked && causal; h++)
        for (uint32_t i = 0; i < s->tokens && causal; i++)
            for (uint32_t j = 0; j < s->tokens && causal; j++)
                causal = s->masked[((size_t)h * s->tokens + i) * s->tokens + j] == (j > i);
    return causal;
}

static void *copy_of(const void *from, size_t size)
{
    void *copy = from ? malloc(size) : NULL;

    return copy ? memcpy(copy, from, size) : NULL;
}

static enum err fill_values(const struct onnx_reader *r, const struct onnx_scores *s,
                            const struct operand *o, struct token_op *t)
{
    const size_t each = (size_t)s->tokens * s->tokens;
    struct token_values *v = t->values;
    bool some_left = false;

    for (uint32_t i = 0; i < 3; i++)
        v->part[i] = onnx_part_of(&r->network->layer[o[i].x->layer[0]]);
    for (uint32_t i = 0; i < TOKEN_VALUES; i++) {
        const struct onnx_turn *turn = o[i].x->turn;
        struct token_rotation *to = &v->rotation[i];
        if (!turn)
            continue;
        *to = turn->rotation;
        to->turn = copy_of(to->turn, (size_t)s->tokens * to->n * 2 * sizeof *to->turn);
        some_left |= !to->turn;
    }
    v->n_score = s->n_score;
    for (uint32_t k = 0; k < s->n_score; k++) {
        struct token_score *to = &v->score[k];
        *to = s->score[k];
        to->bias = s->only_masks[k] ? NULL
                                    : copy_of(to->bias, to->n_bias * each * sizeof *to->bias);
        some_left |= s->score[k].bias && !s->only_masks[k] && !to->bias;
        to->n_bias = to->bias ? to->n_bias : 0;
    }
    v->weights = s->weights_rounded ? ATTENTION_CODES : ATTENTION_GRID;
    v->weight_codes = s->weight_codes;
    v->bits = 8;
    v->n_masked = t->causal ? 0 : s->n_masked;
    v->masked = t->causal ? NULL : copy_of(s->masked, s->n_masked * each);
    return some_left || (s->masked && !t->causal && !v->masked) ? no_memory(r) : ERR_NONE;
}

/* Places of a side in a window, if they are neighbours and windows begin at multiples of them; 0
 * otherwise. */
static uint32_t block_of(const struct onnx_axes *a, int side, uint32_t reach)
{
    uint32_t size = 1, n = 0;

    for (uint32_t k = 0; k < a->n; k++)
        if (a->axis[k].dim + 2 == a->n_dim && (int)a->axis[k].side == side) {
            size *= a->axis[k].order || a->axis[k].step != 1 ? 0 : a->axis[k].size;
            n++;
        }
    return n <= 1 && size == reach && a->first[side] == 0 ? size : 0;
}

/* Every token of the map, or itself and those before it; or those of its window; or those as near
 * as any of that, where its places are apart. */
static void set_window(const struct onnx_scores *s, struct layer *l)
{
    const struct onnx_axes *a = &s->axes[0];
    struct window *w = &l->window;
    uint32_t reach[] = {l->in.height, l->in.width};

    for (int side = 0; side < 2 && s->windows > 1; side++) {
        reach[side] = 1;
        for (uint32_t k = 0; k < a->n; k++)
            if (a->axis[k].dim + 2 == a->n_dim && (int)a->axis[k].side == side)
                reach[side] += (a->axis[k].size - 1) * a->axis[k].step;
    }
    for (int side = 0; side < 2; side++) {
        w->kernel[side] = l->token->causal ? reach[side] : 2 * reach[side] - 1;
        w->pad_before[side] = reach[side] - 1;
        w->pad_after[side] = l->token->causal ? 0 : reach[side] - 1;
        w->block[side] = s->windows > 1 ? block_of(a, side, reach[side]) : 0;
    }
}

/* heads x tokens x channels, as the product has them. */
static struct onnx_axes axes_of_result(const struct onnx_scores *s, uint32_t value_head)
{
    const struct onnx_axes *q = &s->axes[0];
    struct onnx_axes a = {0};
    uint32_t step = s->heads * value_head;

    for (uint32_t k = 0; k < q->n_dim; k++) {
        axes_add_dim(&a);
        for (uint32_t i = 0; i < q->n && k + 1 < q->n_dim; i++) {
            struct onnx_axis axis = q->axis[i];
            if (axis.dim != k)
                continue;
            if (axis.side == ONNX_CHANNEL) {
                step /= axis.size;
                axis = (struct onnx_axis){.side = ONNX_CHANNEL, .size = axis.size, .step = step};
            }
            axes_add(&a, axis);
        }
    }
    axes_add(&a, (struct onnx_axis){.side = ONNX_CHANNEL, .size = value_head, .step = 1});
    return a;
}

static enum err draft_attention(struct onnx_reader *r, const struct onnx_node *node,
                                struct onnx_scores *s, struct onnx_meaning *values,
                                const struct onnx_axes *v)
{
    struct operand o[3] = {{&s->map[0], &s->axes[0], NULL, 0}, {&s->map[1], &s->axes[1], NULL, 0},
                           {values, v, NULL, 0}};
    const uint32_t size = axes_length(v, v->n_dim - 1);
    uint32_t *all_heads, *kv_head, kv = 0;
    struct onnx_meaning all;
    struct onnx_draft *d;
    enum err e = find_kv_heads(r, node, s->heads, o[1].axes, v, &kv_head, &kv);

    if (!e)
        e = onnx_new_list(r, node, s->heads, &all_heads);
    for (uint32_t h = 0; h < s->heads && !e; h++)
        all_heads[h] = h;
    for (uint32_t i = 0; i < 3 && !e; i++) {
        const uint32_t n = i == 0 ? s->heads : kv;
        o[i].n = n * axes_length(o[i].axes, o[i].axes->n_dim - 1);
        e = list_channels(r, node, o[i].axes, n, i == 0 ? all_heads : kv_head, &o[i].channel);
    }
    if (!e)
        e = join(r, node, o, &all);
    if (!e)
        e = onnx_draft_tokens(r, node, &all, LAYER_ATTENTION, &d);
    if (e)
        return e;
    struct layer *l = &d->layer;
    l->token->heads = s->heads;
    l->token->kv_heads = kv;
    l->token->head = o[0].n / s->heads;
    l->token->value_head = size;
    l->token->causal = is_causal(s);
    l->out.channels = s->heads * size;
    set_window(s, l);
    const struct onnx_axes axes = axes_of_result(s, size);
    struct onnx_meaning out = {.means = ONNX_DRAFT, .draft = d, .shape = l->out};
    onnx_set_axes(r, &out, &axes);
    e = fill_values(r, s, o, l->token);
    if (!e)
        onnx_output(r, node, out);
    return e;
}

/* Values and, behind them, the one channel of keys. */
static enum err draft_sum(struct onnx_reader *r, const struct onnx_node *node,
                          struct onnx_scores *s, struct onnx_meaning *values,
                          const struct onnx_axes *v)
{
    const uint32_t last = v->n_dim - 1, channels = values->shape.channels;
    struct onnx_meaning all, out;
    struct onnx_draft *d;
    uint32_t *list;
    enum err e = onnx_new_list(r, node, 2, &list);

    if (!e && !axes_whole(v, last, ONNX_CHANNEL, channels))
        e = refuse_product(r, node, "values are a part of a map");
    if (!e)
        e = onnx_settle(r, node, values);
    if (!e)
        e = onnx_single(r, node, values);
    if (!e)
        e = onnx_settle(r, node, &s->map[1]);
    if (!e)
        e = onnx_single(r, node, &s->map[1]);
    if (e)
        return e;
    list[0] = values->layer[0];
    list[1] = s->map[1].layer[0];
    all = *values;
    all.layer = list;
    all.n_layer = 2;
    all.shape.channels = channels + 1;
    e = onnx_draft_tokens(r, node, &all, LAYER_SUM_TOKENS, &d);
    if (e)
        return e;
    struct layer *l = &d->layer;
    struct token_values *t = l->token->values;
    l->token->weighted = true;
    l->window.kernel[0] = l->in.height;
    l->window.kernel[1] = l->in.width;
    l->out = (struct shape){1, 1, channels};
    t->part[TOKEN_QUERIES] = (struct token_part){.zero = 0, .step = 1};
    t->part[TOKEN_KEYS] = onnx_part_of(&r->network->layer[list[1]]);
    t->part[TOKEN_VALUES] = onnx_part_of(&r->network->layer[list[0]]);
    t->n_score = 1;
    t->score[0].scale = 1;
    t->weights = s->weights_rounded ? ATTENTION_CODES : ATTENTION_GRID;
    t->weight_codes = s->weight_codes;
    t->bits = 8;
    out = (struct onnx_meaning){.means = ONNX_DRAFT, .draft = d, .shape = l->out};
    struct onnx_axes axes = {0};
    for (uint32_t k = 0; k <= last; k++)
        axes_add_dim(&axes);
    axes_end_with_channels(&axes, channels);
    onnx_set_axes(r, &out, &axes);
    onnx_output(r, node, out);
    return ERR_NONE;
}

/* Weights of attention by values. */
static enum err read_mixed(struct onnx_reader *r, const struct onnx_node *node,
                           struct onnx_scores *s)
{
    struct onnx_meaning values;
    struct onnx_axes v;
    double factor;

    if (onnx_input(r, node, 0)->means != ONNX_SCORES)
        return refuse_product(r, node, "the second is scores of queries and keys");
    if (!s->weights)
        return onnx_node_refuse(node, r->msg, "multiplies scores by values before Softmax: want "
                                "Softmax over keys between the two products");
    if (s->rounded)
        return refuse_product(r, node, "the first has not passed DequantizeLinear");
    if (s->sums && s->dim[s->n_dim - 1] != s->tokens)
        return refuse_product(r, node, "what is contracted are not tokens");
    enum err e = take_operand(r, node, 1, &values, &v, &factor);
    if (!e)
        e = check_operand(r, node, &values, &v);
    if (e)
        return e;
    const uint32_t heads = count_heads(&v);
    if (values.turn)
        return refuse_product(r, node, "values have turned by their place");
    if (factor != 1)
        return refuse_product(r, node, "values are scaled: want that behind them");
    if (heads != s->heads && heads != 1)
        return onnx_node_refuse(node, r->msg, "%" PRIu32 " heads of weights by %" PRIu32 " of "
                                "values: want as many", s->heads, heads);
    if (!same_pixels(&s->map[1], &values) || !same_windows(&s->axes[1], &v) ||
        !axes_alike(&s->axes[1], s->axes[1].n_dim - 2, &v, v.n_dim - 2))
        return refuse_product(r, node, "keys and values are of other tokens, or in another order");
    if (s->sums)
        return draft_sum(r, node, s, &values, &v);
    return draft_attention(r, node, s, &values, &v);
}

/* A shape that scores have already. */
static enum err read_reshape(const struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_scores *s)
{
    int64_t want[ONNX_MOST_DIMS];
    uint32_t n = 0;
    enum err e = onnx_stored_list(r, node, 1, ONNX_MOST_DIMS, want, &n);

    bool same = !e && n == s->n_dim;
    for (uint32_t k = 0; k < n && same; k++)
        same = want[k] == s->dim[k] || want[k] <= 0;
    return e || same ? e : refuse_scores(r, node, "takes scores apart (windows)");
}

/* Of one query: the tokens change places with dimensions of 1. */
static enum err read_transpose(const struct onnx_reader *r, const struct onnx_node *node,
                               struct onnx_scores *s)
{
    uint32_t old[ONNX_MAP_DIMS], n = 0;
    int64_t perm[ONNX_MOST_DIMS];
    bool given = false;
    enum err e = onnx_attr_list(node, "perm", perm, ONNX_MOST_DIMS, &n, &given, r->msg);

    memcpy(old, s->dim, sizeof old);
    for (uint32_t k = 0; k < n && !e; k++) {
        if (!s->sums || n != s->n_dim || perm[k] < 0 || perm[k] >= n)
            return refuse_scores(r, node, "moves dimensions of scores");
        s->dim[k] = old[perm[k]];
    }
    return e || given ? e : refuse_scores(r, node, "moves dimensions of scores");
}

static enum err read_factor(const struct onnx_reader *r, const struct onnx_node *node,
                            struct onnx_scores *s, uint32_t other)
{
    const struct onnx_meaning *c = onnx_input(r, node, other);
    const bool divides = is_operator(node, "Div");

    if (!onnx_is_constant(c) || c->tensor.n != 1 || (divides && other == 0))
        return refuse_scores(r, node, "joins scores with more than one number");
    const double v = onnx_constant(c, 0);
    return scale_scores(r, node, s, divides ? 1 / v : v);
}

static enum err read_sum(struct onnx_reader *r, const struct onnx_node *node, struct onnx_scores *s,
                         uint32_t other)
{
    const struct onnx_meaning *c = onnx_input(r, node, other);
    const bool less = is_operator(node, "Sub");

    if (!onnx_is_constant(c))
        return onnx_node_refuse(node, r->msg, "adds %s to scores: want a stored bias or mask, that "
                                "does not depend on data", onnx_means_text(c->means));
    if (less && other == 0)
        return refuse_scores(r, node, "takes scores from a constant");
    return spread(r, node, s, &(struct spread){c, less ? -1 : 1, false});
}

static enum err check_codes(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_scores *s)
{
    if (!s->rounded || is_operator(node, "DequantizeLinear") || is_operator(node, "Reshape") ||
        is_operator(node, "Identity") || is_operator(node, "Transpose"))
        return ERR_NONE;
    return refuse_scores(r, node, "reads codes");
}

static const struct onnx_scores *scores_of(const struct onnx_reader *r,
                                           const struct onnx_node *node, uint32_t *other)
{
    const struct onnx_scores *s = NULL;

    for (uint32_t i = 0; i < node->n_input; i++)
        if (onnx_has_input(node, i) && onnx_input(r, node, i)->means == ONNX_SCORES) {
            s = onnx_input(r, node, i)->scores;
            *other = i == 0 ? 1 : 0;
        }
    return s;
}

/* Scores with tables of their own, which others may have as they were. */
static enum err copy_scores(struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_scores *from, struct onnx_scores **s)
{
    const size_t each = (size_t)from->tokens * from->tokens;

    *s = onnx_keep(r, 1, sizeof **s);
    if (!*s)
        return no_memory(r);
    **s = *from;
    bool adds = is_operator(node, "Add") || is_operator(node, "Sub") ||
                is_operator(node, "Where") || is_operator(node, "Mul") || is_operator(node, "Div");
    struct token_score *last = &(*s)->score[from->n_score - 1]; // others stay as they are
    if (adds && last->bias) {
        const double *old = last->bias;
        last->bias = onnx_keep(r, last->n_bias * each, sizeof *old);
        if (!last->bias)
            return no_memory(r);
        memcpy(last->bias, old, last->n_bias * each * sizeof *old);
    }
    if (adds && from->masked) {
        (*s)->masked = onnx_keep(r, from->n_masked * each, 1);
        if (!(*s)->masked)
            return no_memory(r);
        memcpy((*s)->masked, from->masked, from->n_masked * each);
    }
    return ERR_NONE;
}

enum err onnx_go_on_with_scores(struct onnx_reader *r, const struct onnx_node *node)
{
    uint32_t other = 0;
    const struct onnx_scores *from = scores_of(r, node, &other);
    struct onnx_scores *s;
    enum err e = copy_scores(r, node, from, &s);

    if (!e)
        e = check_codes(r, node, s);
    if (e)
        return e;
    if (is_operator(node, "MatMul"))
        return read_mixed(r, node, s);
    if (is_operator(node, "Mul") || is_operator(node, "Div"))
        e = read_factor(r, node, s, other);
    else if (is_operator(node, "Add") || is_operator(node, "Sub"))
        e = read_sum(r, node, s, other);
    else if (is_operator(node, "Where") && node->n_input == 3 && onnx_has_input(node, 0) &&
             onnx_has_input(node, 1) && onnx_has_input(node, 2))
        e = read_where(r, node, s);
    else if (is_operator(node, "QuantizeLinear"))
        e = round_scores(r, node, s);
    else if (is_operator(node, "DequantizeLinear"))
        e = unround_scores(r, node, s);
    else if (is_operator(node, "Softmax"))
        e = read_softmax(r, node, s);
    else if (is_operator(node, "Reshape"))
        e = read_reshape(r, node, s);
    else if (is_operator(node, "Transpose"))
        e = read_transpose(r, node, s);
    else if (!is_operator(node, "Cast") && !is_operator(node, "Identity") &&
             !is_operator(node, "Dropout"))
        e = refuse_scores(r, node, "reads scores");
    if (!e)
        put_scores(r, node, s);
    return e;
}

/* The axis of Softmax, as one of a's; a->n_dim where it is none. Before set 13 those behind it were
 * joined, which are 1 here. */
static enum err read_axis_of_map(const struct onnx_reader *r, const struct onnx_node *node,
                                 const struct onnx_axes *a, uint32_t *axis)
{
    int64_t v = r->graph.opset < 13 ? 1 : -1;
    enum err e = onnx_attr_int(node, "axis", &v, r->msg);

    v = v < 0 ? v + a->n_dim : v;
    *axis = v < 0 || v > a->n_dim ? a->n_dim : (uint32_t)v;
    return e;
}

/* Whether a dimension is all tokens, and every other is 1 long. */
static bool is_all_tokens(const struct onnx_meaning *x, const struct onnx_axes *a, uint32_t axis)
{
    const uint32_t n = x->shape.height * x->shape.width;

    for (uint32_t k = 0; k < a->n_dim; k++)
        if (axes_length(a, k) != (k == axis ? n : 1))
            return false;
    return x->shape.channels == 1 && axis < a->n_dim &&
           axes_cover(a, axis, axis + 1, ONNX_ROW, x->shape.height) &&
           axes_cover(a, axis, axis + 1, ONNX_COLUMN, x->shape.width);
}

/* Softmax of a map: over the tokens of one channel, whose product with another is a sum. */
static enum err read_softmax_of_map(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_scores *s = onnx_keep(r, 1, sizeof *s);
    const struct onnx_meaning x = onnx_passed_on(r, node, 0);
    struct onnx_axes a;
    uint32_t axis = 0;
    enum err e = s ? ERR_NONE : no_memory(r);
    const bool is_map = !e && x.means == ONNX_PIXELS && onnx_axes_of(r, &x, &a) && a.n_dim >= 2;

    if (is_map)
        e = read_axis_of_map(r, node, &a, &axis);
    if (!e && (!is_map || !is_all_tokens(&x, &a, axis)))
        e = onnx_node_refuse(node, r->msg, "is not the end of the network: want it there, where "
                             "the host computes it, or between the two products of attention, "
                             "or over the tokens of a map of one channel");
    if (e)
        return e;
    for (uint32_t k = 0; k < a.n_dim; k++)
        s->dim[k] = axes_length(&a, k);
    s->n_dim = a.n_dim;
    for (uint32_t k = 0; k < a.n; k++) // tokens, and the channel behind them
        a.axis[k].dim = a.n_dim - 2;
    s->map[0] = s->map[1] = x;
    s->axes[0] = s->axes[1] = a;
    s->sums = s->weights = true;
    s->heads = s->windows = 1;
    s->seen = s->tokens = x.shape.height * x.shape.width;
    begin_scores(s, 1);
    put_scores(r, node, s);
    return ERR_NONE;
}

const struct onnx_operator onnx_ops_attention[] = {
    {"Softmax", 1, 1, 1, "axis", read_softmax_of_map},
    {0},
};
