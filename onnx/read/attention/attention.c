/* onnx/read/attention/attention.c -- weights times values: the draft of a layer of attention, or
 * that of a weighted sum of tokens where there is one query of 1.
 */
#include "onnx/read/attention/scores.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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
            (*list)[h * size + c] = onnx_head_channel(a, head[h]) + at[ONNX_CHANNEL];
        }
    return e;
}

/* Heads of keys and values that differ, and are each for as many of queries: their numbers. */
static enum err find_kv_heads(struct onnx_reader *r, const struct onnx_node *node, uint32_t heads,
                              const struct onnx_axes *k, const struct onnx_axes *v, uint32_t **head,
                              uint32_t *n)
{
    const bool one_k = onnx_count_heads(k) == 1, one_v = onnx_count_heads(v) == 1;
    enum err e = onnx_new_list(r, node, heads, head);

    *n = 0;
    for (uint32_t h = 0; h < heads && !e; h++) {
        const uint32_t last = *n > 0 ? (*head)[*n - 1] : 0;
        bool same = *n > 0 && (one_k || onnx_head_channel(k, h) == onnx_head_channel(k, last)) &&
                    (one_v || onnx_head_channel(v, h) == onnx_head_channel(v, last));
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

/* ---- What the layer computes ---- */

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
                            const struct onnx_heads *o, struct token_op *t)
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
    struct onnx_heads o[3] = {{&s->map[0], &s->axes[0], NULL, 0},
                              {&s->map[1], &s->axes[1], NULL, 0},
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
        e = onnx_join_heads(r, node, o, &all);
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
        e = onnx_refuse_product(r, node, "values are a part of a map");
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

enum err onnx_read_mixed(struct onnx_reader *r, const struct onnx_node *node,
                         struct onnx_scores *s)
{
    struct onnx_meaning values;
    struct onnx_axes v;
    double factor;

    if (onnx_input(r, node, 0)->means != ONNX_SCORES)
        return onnx_refuse_product(r, node, "the second is scores of queries and keys");
    if (!s->weights)
        return onnx_node_refuse(node, r->msg, "multiplies scores by values before Softmax: want "
                                "Softmax over keys between the two products");
    if (s->rounded)
        return onnx_refuse_product(r, node, "the first has not passed DequantizeLinear");
    if (s->sums && s->dim[s->n_dim - 1] != s->tokens)
        return onnx_refuse_product(r, node, "what is contracted are not tokens");
    enum err e = onnx_take_operand(r, node, 1, &values, &v, &factor);
    if (!e)
        e = onnx_check_operand(r, node, &values, &v);
    if (e)
        return e;
    const uint32_t heads = onnx_count_heads(&v);
    if (values.turn)
        return onnx_refuse_product(r, node, "values have turned by their place");
    if (factor != 1)
        return onnx_refuse_product(r, node, "values are scaled: want that behind them");
    if (heads != s->heads && heads != 1)
        return onnx_node_refuse(node, r->msg, "%" PRIu32 " heads of weights by %" PRIu32 " of "
                                "values: want as many", s->heads, heads);
    if (!onnx_same_tokens(&s->map[1], &s->axes[1], &values, &v))
        return onnx_refuse_product(r, node, "keys and values are of other tokens, or in another "
                                   "order");
    if (s->sums)
        return draft_sum(r, node, s, &values, &v);
    return draft_attention(r, node, s, &values, &v);
}
