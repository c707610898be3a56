/* network/tokens/kinds.c -- the kinds of layers of tokens; see tokens.h. */
#include <assert.h>

#include "core/util.h"
#include "network/tokens/tokens.h"

static const struct token_kind *const token_kinds[] = {
    [LAYER_ATTENTION] = &token_attention, [LAYER_NORM] = &token_norm, [LAYER_MAP] = &token_map,
    [LAYER_TOKENS] = &token_stored,       [LAYER_SUM_TOKENS] = &token_sum,
};

const struct token_kind *token_kind_of(const struct layer *l)
{
    assert(layer_is_of_tokens(l) && l->token);
    return token_kinds[l->kind];
}

struct token_share token_share_all(const struct layer *l)
{
    return (struct token_share){ l->token->heads, l->out.channels };
}

/* Places of the window of output `at` inside the map, along an axis. */
static uint64_t seen_along(const struct window *w, int axis, uint32_t at, uint32_t size)
{
    const int64_t d = w->dilation[axis];
    const uint32_t block = w->block[axis] ? at - at % w->block[axis] : 0;
    if (w->block[axis])
        return min_u32(w->block[axis], size - block);
    int64_t first = window_begin(w, axis, at);
    int64_t last = first + (int64_t)(w->kernel[axis] - 1) * d;

    if (first < 0)
        first += (int64_t)round_up((uint64_t)-first, (uint64_t)d);
    if (last >= size)
        last -= (int64_t)round_up((uint64_t)(last - size + 1), (uint64_t)d);
    return last < first ? 0 : (uint64_t)((last - first) / d + 1);
}

uint64_t token_seen(const struct layer *l, uint32_t row, uint32_t column)
{
    return seen_along(&l->window, 0, row, l->in.height) *
           seen_along(&l->window, 1, column, l->in.width);
}

bool token_by_token(const struct layer *l)
{
    const struct window *w = &l->window;
    bool one = true;

    for (int a = 0; a < 2; a++)
        one &= w->kernel[a] == 1 && w->pad_before[a] == 0 && w->pad_after[a] == 0;
    return one;
}

bool token_sees(const struct window *w, int axis, uint32_t at, uint32_t place)
{
    const int64_t from = place - window_begin(w, axis, at);

    if (w->block[axis])
        return place / w->block[axis] == at / w->block[axis];
    return from >= 0 && from % w->dilation[axis] == 0 &&
           from / w->dilation[axis] < w->kernel[axis];
}

uint32_t token_numbers(const struct layer *l, uint32_t row, uint32_t column, uint32_t *number)
{
    uint32_t n = 0;

    for (uint32_t y = 0; y < l->in.width; y++)
        for (uint32_t x = 0; x < l->in.height && token_sees(&l->window, 1, column, y); x++)
            if (token_sees(&l->window, 0, row, x))
                number[n++] = y * l->in.height + x;
    return n;
}

uint64_t network_attention_macs(const struct network *n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < n->n_layer; i++) {
        const struct layer *l = &n->layer[i];
        if (l->kind != LAYER_ATTENTION)
            continue;
        const struct token_share all = token_share_all(l);
        for (uint32_t column = 0; column < l->out.width; column++)
            for (uint32_t row = 0; row < l->out.height; row++) {
                struct token_work w = token_attention.work(l, &all, token_seen(l, row, column));
                sum += w.qk_macs + w.pv_macs;
            }
    }
    return sum;
}
