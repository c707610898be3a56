/* network/tokens/sum.c -- the mean of a window's tokens, or their weighted sum; see tokens.h. */
#include <inttypes.h>

#include "network/tokens/tokens.h"
#include "network/tokens/values.h"

static enum err check_values(const struct layer *l, struct err_msg *m)
{
    return l->token->weighted ? token_check_softmax(l, 1, m) : token_check_parts(l, 0, 1, m);
}

static enum err check(const struct layer *l, struct err_msg *m)
{
    const bool weighted = l->token->weighted;

    if (l->n_input == 1u + weighted && l->in.channels == l->out.channels + weighted &&
        token_seen(l, 0, 0) > 0 && token_seen(l, l->out.height - 1, l->out.width - 1) > 0)
        return l->token->values ? check_values(l, m) : ERR_NONE;
    return err_set(m, ERR_INPUT, "sums %" PRIu32 " channels of %" PRIu32 " layers up to %" PRIu32
                   ": want the channels of one map%s", l->in.channels, l->n_input, l->out.channels,
                   weighted ? ", and a weight of another" : "");
}

/* Each token is added as it comes: the last one is left when the sum is due. */
static struct token_work work(const struct layer *l, const struct token_share *s, uint64_t seen)
{
    if (l->token->weighted)
        return (struct token_work){ .pv_macs = seen * s->channels, .exps = seen,
                                    .divisions = s->channels,
                                    .lane_ops = (1 + seen) * s->channels };
    return (struct token_work){ .adds = (seen - 1) * s->channels, .multiplies = s->channels,
                                .lane_ops = 2 * (uint64_t)s->channels };
}

static void compute(const struct layer *l, const struct token_window *w, void *room, int32_t *out)
{
    const struct token_values *v = l->token->values;
    const uint32_t n = l->out.channels;
    const double unit = v->part[0].step / v->step;

    if (l->token->weighted) {
        const struct token_query q = { .key = n, .head_n = 1, .value_n = n };
        token_attend(l, w, &q, room, out);
        return;
    }
    for (uint32_t c = 0; c < n; c++) {
        int64_t sum = 0;
        for (uint32_t i = 0; i < w->n; i++)
            sum += w->code[i][c] - v->part[0].zero;
        out[c] = token_code(l, number_in(v->numbers, token_real(v, (double)sum, unit) /
                                                         number_in(v->numbers, w->n)));
    }
}

const struct token_kind token_sum = { "sum_tokens", check, work, compute };
