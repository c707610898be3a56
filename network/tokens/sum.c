/* network/tokens/sum.c -- the mean of the tokens of a window; see tokens.h. */
#include <inttypes.h>

#include "network/tokens/tokens.h"

static enum err check(const struct layer *l, struct err_msg *m)
{
    if (l->n_input == 1 && l->in.channels == l->out.channels && token_seen(l, 0, 0) > 0)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "sums %" PRIu32 " channels of %" PRIu32 " layers up to %" PRIu32
                   ": want the channels of one map", l->in.channels, l->n_input, l->out.channels);
}

/* Each token is added as it comes: the last one is left when the sum is due. */
static struct token_work work(const struct layer *l, const struct token_share *s, uint64_t seen)
{
    (void)l;
    return (struct token_work){ .adds = (seen - 1) * s->channels, .multiplies = s->channels,
                                .lane_ops = 2 * (uint64_t)s->channels };
}

const struct token_kind token_sum = { "sum_tokens", check, work };
