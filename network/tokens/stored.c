/* network/tokens/stored.c -- stored tokens beside those that come; see tokens.h. */
#include <inttypes.h>
#include <math.h>

#include "network/tokens/tokens.h"
#include "network/tokens/values.h"

static enum err check_values(const struct layer *l, struct err_msg *m)
{
    const struct token_values *v = l->token->values;
    enum err e = token_check_parts(l, 0, 1, m);

    for (size_t i = 0; !e && i < (size_t)l->out.width * l->out.channels; i++)
        if (!v->stored || !isfinite(v->stored[i]))
            e = err_set(m, ERR_INPUT, "stores no number for channel %zu of token %zu: want one for "
                        "each", i % l->out.channels, i / l->out.channels);
    return e;
}

static enum err check(const struct layer *l, struct err_msg *m)
{
    if (l->n_input == 1 && l->in.channels == l->out.channels && l->out.height == 1 &&
        l->window.kernel[1] == 1)
        return l->token->values ? check_values(l, m) : ERR_NONE;
    return err_set(m, ERR_INPUT, "makes %" PRIu32 " rows of %" PRIu32 " channels of %" PRIu32
                   " channels in %" PRIu32 " layers: want one row, and the channels of one map",
                   l->out.height, l->out.channels, l->in.channels, l->n_input);
}

static struct token_work work(const struct layer *l, const struct token_share *s, uint64_t seen)
{
    (void)l;
    return (struct token_work){ .adds = seen > 0 ? s->channels : 0, .lane_ops = s->channels };
}

static void compute(const struct layer *l, const struct token_window *w, void *room, int32_t *out)
{
    const struct token_values *v = l->token->values;
    const double *stored = v->stored + (size_t)w->at * l->out.channels;
    const double unit = v->part[0].step / v->step;

    (void)room;
    for (uint32_t c = 0; c < l->out.channels; c++) {
        double sum = number_in(v->numbers, stored[c]);
        if (w->n > 0)
            sum = number_in(v->numbers,
                            token_real(v, w->code[0][c] - v->part[0].zero, unit) + sum);
        out[c] = token_code(l, sum);
    }
}

const struct token_kind token_stored = { "tokens", check, work, compute };
