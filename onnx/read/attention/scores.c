/* onnx/read/attention/scores.c -- scores, from the product that makes them to that with values.
 *
 *     MatMul of queries and keys      scores: heads in common, channels of a head contracted
 *     Mul, Div, QuantizeLinear...     of scores: factors, codes, a stored bias, a mask
 *     Softmax                         weights
 *     MatMul of weights and values    attention.c
 *
 * Softmax over the tokens of a map of one channel makes weights too: of one query of 1.
 */
#include "onnx/read/attention/scores.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum err onnx_refuse_scores(const struct onnx_reader *r, const struct onnx_node *node,
                            const char *why)
{
    return onnx_node_refuse(node, r->msg, "%s: want scores of queries and keys times a number, "
                            "plus a stored bias or mask, rounded or not, into Softmax of the last "
                            "axis", why);
}

/* ---- Where they begin ---- */

static void put_scores(struct onnx_reader *r, const struct onnx_node *node,
                       const struct onnx_scores *s)
{
    onnx_output(r, node, (struct onnx_meaning){.means = ONNX_SCORES, .scores = s});
}

static void begin_scores(struct onnx_scores *s, double scale)
{
    s->n_score = 1;
    s->score[0].scale = scale;
    s->put = -INFINITY;
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

enum err onnx_read_scores(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_scores *s = onnx_keep(r, 1, sizeof *s);
    enum err e = s ? ERR_NONE : no_memory(r);

    for (uint32_t i = 0; i < 2 && !e; i++)
        e = onnx_take_operand(r, node, i, &s->map[i], &s->axes[i], &s->factor[i]);
    if (e)
        return e;
    swap_last(&s->axes[1]);
    for (uint32_t i = 0; i < 2 && !e; i++)
        e = onnx_check_operand(r, node, &s->map[i], &s->axes[i]);
    if (e)
        return e;
    const struct onnx_axes *q = &s->axes[0], *k = &s->axes[1];
    const uint32_t n = q->n_dim;
    s->heads = onnx_count_heads(q);
    s->windows = onnx_count_windows(q);
    s->seen = axes_length(q, n - 2);
    s->tokens = s->windows * s->seen;
    const uint32_t kv = onnx_count_heads(k);
    if (kv != s->heads && kv != 1)
        return onnx_node_refuse(node, r->msg, "%" PRIu32 " heads of queries by %" PRIu32 " of "
                                "keys: want as many, by Expand or Reshape of the keys", s->heads,
                                kv);
    if (axes_length(q, n - 1) != axes_length(k, k->n_dim - 1))
        return onnx_node_refuse(node, r->msg, "queries of %" PRIu32 " channels by keys of %" PRIu32
                                ": want as many", axes_length(q, n - 1),
                                axes_length(k, k->n_dim - 1));
    if (!onnx_same_tokens(&s->map[0], q, &s->map[1], k))
        return onnx_refuse_product(r, node, "queries and keys are of other tokens, or in another "
                                   "order");
    s->n_dim = n;
    for (uint32_t d = 0; d < n; d++)
        s->dim[d] = d + 1 < n ? axes_length(q, d) : s->seen;
    begin_scores(s, s->factor[0] * s->factor[1]);
    e = s->windows > 1 ? onnx_hide_windows(r, node, s) : ERR_NONE;
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

/* ---- What is done with them ---- */

bool onnx_reads_scores(const struct onnx_reader *r, const struct onnx_node *node)
{
    for (uint32_t i = 0; i < node->n_input; i++)
        if (onnx_has_input(node, i) && onnx_input(r, node, i)->means == ONNX_SCORES)
            return !onnx_node_is(node, "Shape");
    return false;
}

uint32_t onnx_scores_dims(const struct onnx_scores *s, uint32_t dim[ONNX_MAP_DIMS])
{
    memcpy(dim, s->dim, s->n_dim * sizeof *dim);
    return s->n_dim;
}

struct token_score *onnx_open_step(const struct onnx_reader *r, const struct onnx_node *node,
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
        return onnx_refuse_scores(r, node, s->weights ? "scales the weights of attention"
                                                      : "scales scores by no number");
    struct token_score *step = onnx_open_step(r, node, s);
    if (!step)
        return ERR_INPUT;
    step->scale *= factor;
    s->put = isfinite(s->put) ? s->put * factor : s->put;
    for (size_t i = 0; step->bias && i < (size_t)step->n_bias * s->tokens * s->tokens; i++)
        step->bias[i] *= factor;
    return ERR_NONE;
}

static struct code_range range_of(const struct onnx_quantisation *q)
{
    return (struct code_range){.step = q->scale, .zero = q->zero, .low = q->least, .high = q->most};
}

static bool same_range(const struct code_range *a, const struct code_range *b)
{
    return a->step == b->step && a->zero == b->zero && a->low == b->low && a->high == b->high;
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
        return onnx_refuse_scores(r, node, "rounds weights a second time, to other codes");
    s->weights_rounded = s->weights;
    if (s->weights) {
        s->weight_codes = c;
        return ERR_NONE;
    }
    struct token_score *step = onnx_open_step(r, node, s);
    if (!step)
        return ERR_INPUT;
    step->codes = c;
    return s->masked ? onnx_round_masked(r, node, s, &c) : ERR_NONE;
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
        e = onnx_refuse_scores(r, node, "is of codes, or of weights");
    if (!e && axis != -1 && axis != (int64_t)s->n_dim - 1)
        e = onnx_node_refuse(node, r->msg, "goes over axis %" PRId64 " of scores: want the last, "
                             "keys", axis);
    s->weights = true;
    return e;
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
    return e || same ? e : onnx_refuse_scores(r, node, "takes scores apart (windows)");
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
            return onnx_refuse_scores(r, node, "moves dimensions of scores");
        s->dim[k] = old[perm[k]];
    }
    return e || given ? e : onnx_refuse_scores(r, node, "moves dimensions of scores");
}

static enum err read_factor(const struct onnx_reader *r, const struct onnx_node *node,
                            struct onnx_scores *s, uint32_t other)
{
    const struct onnx_meaning *c = onnx_input(r, node, other);
    const bool divides = onnx_node_is(node, "Div");

    if (!onnx_is_constant(c) || c->tensor.n != 1 || (divides && other == 0))
        return onnx_refuse_scores(r, node, "joins scores with more than one number");
    const double v = onnx_constant(c, 0);
    return scale_scores(r, node, s, divides ? 1 / v : v);
}

static enum err read_sum(struct onnx_reader *r, const struct onnx_node *node, struct onnx_scores *s,
                         uint32_t other)
{
    const struct onnx_meaning *c = onnx_input(r, node, other);
    const bool less = onnx_node_is(node, "Sub");

    if (!onnx_is_constant(c))
        return onnx_node_refuse(node, r->msg, "adds %s to scores: want a stored bias or mask, that "
                                "does not depend on data", onnx_means_text(c->means));
    if (less && other == 0)
        return onnx_refuse_scores(r, node, "takes scores from a constant");
    return onnx_spread_over(r, node, s, &(struct onnx_spread){c, less ? -1 : 1, false});
}

static enum err check_codes(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_scores *s)
{
    if (!s->rounded || onnx_node_is(node, "DequantizeLinear") || onnx_node_is(node, "Reshape") ||
        onnx_node_is(node, "Identity") || onnx_node_is(node, "Transpose"))
        return ERR_NONE;
    return onnx_refuse_scores(r, node, "reads codes");
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
    bool adds = onnx_node_is(node, "Add") || onnx_node_is(node, "Sub") ||
                onnx_node_is(node, "Where") || onnx_node_is(node, "Mul") ||
                onnx_node_is(node, "Div");
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
    if (onnx_node_is(node, "MatMul"))
        return onnx_read_mixed(r, node, s);
    if (onnx_node_is(node, "Mul") || onnx_node_is(node, "Div"))
        e = read_factor(r, node, s, other);
    else if (onnx_node_is(node, "Add") || onnx_node_is(node, "Sub"))
        e = read_sum(r, node, s, other);
    else if (onnx_node_is(node, "Where") && node->n_input == 3 && onnx_has_input(node, 0) &&
             onnx_has_input(node, 1) && onnx_has_input(node, 2))
        e = onnx_read_where(r, node, s);
    else if (onnx_node_is(node, "QuantizeLinear"))
        e = round_scores(r, node, s);
    else if (onnx_node_is(node, "DequantizeLinear"))
        e = unround_scores(r, node, s);
    else if (onnx_node_is(node, "Softmax"))
        e = read_softmax(r, node, s);
    else if (onnx_node_is(node, "Reshape"))
        e = read_reshape(r, node, s);
    else if (onnx_node_is(node, "Transpose"))
        e = read_transpose(r, node, s);
    else if (!onnx_node_is(node, "Cast") && !onnx_node_is(node, "Identity") &&
             !onnx_node_is(node, "Dropout"))
        e = onnx_refuse_scores(r, node, "reads scores");
    if (!e)
        put_scores(r, node, s);
    return e;
}

const struct onnx_operator onnx_ops_attention[] = {
    {"Softmax", 1, 1, 1, "axis", read_softmax_of_map},
    {0},
};
