/* network/tokens/norm.c -- normalisation of a token over its channels; see tokens.h.
 *
 * Three passes: sums of x and x^2; n * x - sum x; times gain by root, plus offset. Where x is the
 * sum of two maps it is one in the first pass. */
#include <inttypes.h>
#include <math.h>

#include "network/tokens/norm_values.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"

static uint32_t parts(const struct layer *l)
{
    return l->n_input == 2 ? 2 : 1;
}

static enum err check_values(const struct layer *l, struct err_msg *m)
{
    const struct token_values *v = l->token->values;
    enum err e = token_check_parts(l, 0, parts(l), m);

    if (e)
        return e;
    if (!v->gain || !(v->eps >= 0) || !isfinite(v->eps) || l->out.channels > 32768)
        return err_set(m, ERR_INPUT, "normalises %" PRIu32 " channels with eps of %g%s: want at "
                       "most 32768, a gain for each and eps of 0 or more", l->out.channels, v->eps,
                       v->gain ? "" : " and no gain");
    for (uint32_t c = 0; c < l->out.channels; c++)
        if (!isfinite(v->gain[c]) || (v->offset && !isfinite(v->offset[c])) ||
            (v->steps && !isfinite(v->steps[c])) || (v->shift && !isfinite(v->shift[c])))
            return err_set(m, ERR_INPUT, "has a gain, offset, step or shift of channel %" PRIu32
                           " that is no number", c);
    return ERR_NONE;
}

static enum err check(const struct layer *l, struct err_msg *m)
{
    if (l->n_input <= 2 && l->in.channels == parts(l) * (uint64_t)l->out.channels &&
        token_by_token(l))
        return l->token->values ? check_values(l, m) : ERR_NONE;
    return err_set(m, ERR_INPUT, "normalises %" PRIu32 " channels of %" PRIu32 " layers to %" PRIu32
                   ": want one map or two, token by token, with all channels", l->in.channels,
                   l->n_input, l->out.channels);
}

static void compute(const struct layer *l, const struct token_window *w, void *room, int32_t *out)
{
    const struct token_values *v = l->token->values;
    const struct token_part *p = v->part;
    const int32_t *code = w->code[0];
    const uint32_t n = l->out.channels;
    struct norm_values f = {
        .n = n, .rms = l->token->rms, .gain = v->gain, .offset = v->offset, .eps = v->eps,
        .zero = l->requant.zero, .low = l->requant.low, .high = l->requant.high,
        .numbers = v->numbers,
    };
    double *real = room;
    int32_t *whole = room;

    if (parts(l) == 1 && !v->steps) {
        for (uint32_t c = 0; c < n; c++)
            whole[c] = code[c] - p->zero;
        f.eps /= p->step * p->step;
        norm_of_token(&f, whole, out);
        return;
    }
    for (uint32_t c = 0; c < n; c++) {
        real[c] = token_real(v, code[c] - p[0].zero, v->steps ? v->steps[c] : p[0].step);
        if (v->shift)
            real[c] = number_in(v->numbers, real[c] + v->shift[c]);
        if (parts(l) > 1)
            real[c] = number_in(v->numbers,
                                real[c] + token_real(v, code[n + c] - p[1].zero, p[1].step));
    }
    norm_of_reals(&f, real, out);
}

static struct token_work work(const struct layer *l, const struct token_share *s, uint64_t seen)
{
    const uint64_t n = s->channels, more = (parts(l) - 1) * n;

    (void)seen;
    return (struct token_work){ .adds = (l->token->rms ? 1 : 4) * n + more, .multiplies = 2 * n,
                                .roots = 1, .divisions = 1, .lane_ops = 3 * n };
}

const struct token_kind token_norm = { "norm", check, work, compute };
