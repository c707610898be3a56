/* network/tokens/norm.c -- normalisation of a token over its channels; see tokens.h.
 *
 * Three passes: sums of x and x^2; n * x - sum x; times gain by root, plus offset. */
#include <inttypes.h>

#include "network/tokens/tokens.h"

static enum err check(const struct layer *l, struct err_msg *m)
{
    if (l->n_input == 1 && l->in.channels == l->out.channels && token_seen(l, 0, 0) == 1)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "normalises %" PRIu32 " channels of %" PRIu32 " layers to %" PRIu32
                   ": want one map, token by token, with all its channels", l->in.channels,
                   l->n_input, l->out.channels);
}

static struct token_work work(const struct layer *l, const struct token_share *s, uint64_t seen)
{
    const uint64_t n = s->channels;

    (void)seen;
    if (l->token->rms)
        return (struct token_work){ .adds = n, .multiplies = 2 * n, .roots = 1, .divisions = 1,
                                    .lane_ops = 3 * n };
    return (struct token_work){ .adds = 4 * n, .multiplies = 2 * n, .roots = 1, .divisions = 1,
                                .lane_ops = 3 * n };
}

const struct token_kind token_norm = { "norm", check, work };
