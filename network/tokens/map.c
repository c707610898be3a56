/* network/tokens/map.c -- a table for each value, or the product of two maps; see tokens.h. */
#include <inttypes.h>

#include "network/tokens/tokens.h"

static enum err check(const struct layer *l, struct err_msg *m)
{
    const bool product = l->token->product;

    if (l->in.channels == (product ? 2 : 1) * (uint64_t)l->out.channels &&
        l->n_input == (product ? 2 : 1) && token_seen(l, 0, 0) == 1)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "makes %" PRIu32 " channels of %" PRIu32 " in %" PRIu32 " layers: "
                   "LAYER_MAP wants equal shapes", l->out.channels, l->in.channels, l->n_input);
}

static struct token_work work(const struct layer *l, const struct token_share *s, uint64_t seen)
{
    (void)seen;
    return (struct token_work){ .multiplies = l->token->product ? s->channels : 0,
                                .look_ups = l->token->product ? 0 : s->channels,
                                .lane_ops = s->channels };
}

const struct token_kind token_map = { "map", check, work };
