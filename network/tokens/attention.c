/* network/tokens/attention.c -- heads of queries, keys and values; see tokens.h. */
#include <inttypes.h>

#include "core/util.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"

static enum err check(const struct layer *l, struct err_msg *m)
{
    const struct token_op *t = l->token;
    const struct window *w = &l->window;
    uint64_t in = (uint64_t)t->heads * t->head + (uint64_t)t->kv_heads * t->head +
                  (uint64_t)t->kv_heads * t->value_head;

    if (t->kv_heads == 0 || t->heads % t->kv_heads)
        return err_set(m, ERR_INPUT, "%" PRIu32 " heads of queries and %" PRIu32 " of keys: want "
                       "a divisor of the first", t->heads, t->kv_heads);
    if (in != l->in.channels || (uint64_t)t->heads * t->value_head != l->out.channels)
        return err_set(m, ERR_INPUT, "%" PRIu32 " heads of %" PRIu32 " channels, %" PRIu32 " of "
                       "keys and values of %" PRIu32 ": reads %" PRIu32 " and delivers %" PRIu32
                       ": want %" PRIu64 " and %" PRIu64, t->heads, t->head, t->kv_heads,
                       t->value_head, l->in.channels, l->out.channels, in,
                       (uint64_t)t->heads * t->value_head);
    if (l->in.height != l->out.height || l->in.width != l->out.width)
        return err_set(m, ERR_INPUT, "answers %" PRIu32 "x%" PRIu32 " of %" PRIu32 "x%" PRIu32
                       " queries: want all", l->out.height, l->out.width, l->in.height,
                       l->in.width);
    if (t->causal && (w->pad_after[1] > 0 || (l->in.height > 1 && w->kernel[0] > 1)))
        return err_set(m, ERR_INPUT, "is causal and waits for %" PRIu32 " tokens behind a query, "
                       "a barrier: want a window that ends with the query, or no causal mask",
                       w->pad_after[1]);
    for (int axis = 0; axis < 2; axis++)
        if (w->stride[axis] != 1 || w->dilation[axis] != 1 || w->skip[axis] != 0 ||
            w->pad_before[axis] >= w->kernel[axis])
            return err_set(m, ERR_INPUT, "has queries that do not see themselves: want a window "
                           "of neighbours that holds the query");
    return t->values ? token_check_softmax(l, t->heads, m) : ERR_NONE;
}

static void compute(const struct layer *l, const struct token_window *w, void *room, int32_t *out)
{
    const struct token_op *t = l->token;
    const struct token_heads *h = &w->heads;
    const uint32_t keys = h->n * t->head, values = keys + h->kv * t->head;
    const uint32_t group = t->heads / t->kv_heads;
    uint32_t own = 0;

    while (w->number[own] != w->at)
        own++;
    for (uint32_t i = 0; i < h->n; i++) {
        const uint32_t kv = (h->first + i) / group - h->first / group;
        const struct token_query q = {
            .head = h->first + i, .query = i * t->head, .key = keys + kv * t->head,
            .value = values + kv * t->value_head, .head_n = t->head, .value_n = t->value_head,
            .code = w->code[own], .number = w->at,
        };
        token_attend(l, w, &q, room, out + i * t->value_head);
    }
}

/* Pairs of channels that turn by their token's place: queries as they answer, keys once, as they
 * come. What a core's heads share it turns for all of them. */
static uint64_t turned_pairs(const struct layer *l, uint32_t heads)
{
    const struct token_op *t = l->token;
    const uint64_t kv = ceil_div((uint64_t)heads * t->kv_heads, t->heads);

    return !t->values ? 0
                      : (uint64_t)heads * t->values->rotation[TOKEN_QUERIES].n +
                            kv * t->values->rotation[TOKEN_KEYS].n;
}

static struct token_work work(const struct layer *l, const struct token_share *s, uint64_t seen)
{
    const uint64_t pairs = turned_pairs(l, s->heads);

    return (struct token_work){
        .adds = 2 * pairs,
        .multiplies = 4 * pairs,
        .qk_macs = s->heads * seen * l->token->head,
        .pv_macs = s->heads * seen * l->token->value_head,
        .exps = s->heads * seen,
        .divisions = s->channels, // the sum of the rounded e, behind p.v
    };
}

const struct token_kind token_attention = { "attention", check, work, compute };
