/* onnx/read/attention/masks.c -- what stored tensors do to scores: biases, which are added, and
 * masks, which leave keys out: by Add, by Where, or because a key is of another window.
 */
#include "onnx/read/attention/scores.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "onnx/array.h"

#define MASKED (-1e4) // what a mask adds at most to a score that takes no part

/* The number of token i of a window. */
static uint32_t number_of(const struct onnx_scores *s, uint32_t window, uint32_t i)
{
    const struct onnx_axes *a = s->sums ? &s->axes[1] : &s->axes[0];
    uint32_t at[ONNX_SIDES] = {0};

    onnx_locate_window(a, window, at);
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

enum err onnx_hide_windows(struct onnx_reader *r, const struct onnx_node *node,
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
        if (dim + 2 >= q->n_dim)
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

/* What a constant does to the scores of a head and window. */
static void join_window(struct onnx_scores *s, const struct onnx_spread *c, uint32_t head,
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

enum err onnx_spread_over(struct onnx_reader *r, const struct onnx_node *node,
                          struct onnx_scores *s, const struct onnx_spread *c)
{
    const struct onnx_tensor *t = &c->c->tensor;
    void *bias, *masked = s->masked;
    uint32_t heads;

    if (s->weights || s->sums || !spreads(s, t, &heads))
        return onnx_refuse_scores(r, node, s->weights
                                               ? "adds to the weights of attention"
                                               : "joins scores with constants of another shape");
    struct token_score *step = onnx_open_step(r, node, s);
    if (!step)
        return ERR_INPUT;
    bool some = false, real = false, only = !step->bias; // masks some, is a bias
    bias = step->bias;
    for (size_t i = 0; i < t->n; i++) {
        const double v = c->factor * onnx_constant(c->c, i);
        if (isnan(v) || v == INFINITY)
            return onnx_refuse_scores(r, node, "adds what is no number to scores");
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

enum err onnx_read_where(struct onnx_reader *r, const struct onnx_node *node,
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
    return e ? e : onnx_spread_over(r, node, s, &(struct onnx_spread){&turned, 1, true});
}

enum err onnx_round_masked(struct onnx_reader *r, const struct onnx_node *node,
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
    return s->windows > 1 ? onnx_hide_windows(r, node, s) : ERR_NONE;
}
