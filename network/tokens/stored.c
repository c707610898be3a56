/* network/tokens/stored.c -- stored tokens beside those that come; see tokens.h. */
#include <inttypes.h>

#include "network/tokens/tokens.h"

static enum err check(const struct layer *l, struct err_msg *m)
{
    if (l->n_input == 1 && l->in.channels == l->out.channels && l->out.height == 1)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "makes %" PRIu32 " rows of %" PRIu32 " channels of %" PRIu32
                   " channels in %" PRIu32 " layers: want one row, and the channels of one map",
                   l->out.height, l->out.channels, l->in.channels, l->n_input);
}

static struct token_work work(const struct layer *l, const struct token_share *s, uint64_t seen)
{
    (void)l;
    return (struct token_work){ .adds = seen > 0 ? s->channels : 0, .lane_ops = s->channels };
}

const struct token_kind token_stored = { "tokens", check, work };
