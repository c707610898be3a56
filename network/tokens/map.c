/* network/tokens/map.c -- a table for each value, or the product of two maps; see tokens.h. */
#include <inttypes.h>

#include "network/tokens/tokens.h"
#include "network/tokens/values.h"

static enum err check(const struct layer *l, struct err_msg *m)
{
    const bool product = l->token->product;

    if (l->in.channels == (product ? 2 : 1) * (uint64_t)l->out.channels &&
        l->n_input == (product ? 2 : 1) && token_by_token(l))
        return product && l->token->values ? token_check_parts(l, 0, 2, m) : ERR_NONE;
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

static void compute(const struct layer *l, const struct token_window *w, void *room, int32_t *out)
{
    const struct token_values *v = l->token->values;
    const int32_t *code = w->code[0];
    const uint32_t n = l->out.channels;

    (void)room;
    for (uint32_t c = 0; c < n && !v; c++) {
        const uint8_t byte = layer_look_up(l, c, (uint8_t)code[c]);
        out[c] = l->out_signed ? (int8_t)byte : byte;
    }
    for (uint32_t c = 0; c < n && v; c++) {
        const struct token_part *p = v->part;
        const int64_t product = (int64_t)(code[c] - p[0].zero) * (code[n + c] - p[1].zero);
        out[c] = token_code(l, token_real(v, (double)product, p[0].step * p[1].step / v->step));
    }
}

const struct token_kind token_map = { "map", check, work, compute };
