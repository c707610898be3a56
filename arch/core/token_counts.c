/* arch/core/token_counts.c -- see token_counts.h. */
#include "arch/core/token_counts.h"

#include "core/util.h"

static struct token_work work_of(const struct plan *p, const struct plan_core *core, uint64_t seen)
{
    const struct layer *l = plan_network_layer(p, core->plan_layer);
    const struct token_share share = {
        l->kind == LAYER_ATTENTION ? l->token->heads / p->layer[core->plan_layer].splits : 0,
        core->out_n,
    };

    return token_kind_of(l)->work(l, &share, seen);
}

/* Words of a query, which begins one. */
static uint64_t query_words(const struct plan *p, const struct plan_core *core)
{
    struct token_range range[TOKEN_RANGES];

    tokens_ranges(p, core->plan_layer, core->split, range);
    return ceil_div((uint64_t)range[0].n * plan_input_bits(p, core->plan_layer),
                    p->config->memory.word_bits);
}

void token_count(const struct plan *p, uint32_t core, uint64_t seen, uint64_t weight,
                 struct core_counters *n)
{
    const struct plan_core *pc = &p->core[core];
    const struct layer *l = plan_network_layer(p, pc->plan_layer);
    const struct token_work w = work_of(p, pc, seen);

    n->tokens += weight;
    n->qk_macs += weight * w.qk_macs;
    n->pv_macs += weight * w.pv_macs;
    n->exps += weight * w.exps;
    n->divisions += weight * w.divisions;
    n->roots += weight * w.roots;
    n->adds += weight * w.adds;
    n->multiplies += weight * w.multiplies;
    n->look_ups += weight * w.look_ups;
    if (l->kind != LAYER_ATTENTION)
        return;
    const struct kv_memory kv = tokens_kv(p, pc->plan_layer);
    n->kv_words_read += weight * seen * (kv.key_words + kv.value_words);
    n->queue_words += weight * query_words(p, pc);
}

/* Words that channels [first, end) of a range of `bits` each lie in. */
static uint64_t words_between(uint64_t first, uint64_t end, uint64_t bits, uint64_t word)
{
    return first < end ? ceil_div(end * bits, word) - first * bits / word : 0;
}

void token_count_stored(const struct plan *p, uint32_t core, uint32_t first, uint32_t n_channel,
                        uint64_t weight, struct core_counters *n)
{
    const struct plan_core *pc = &p->core[core];
    const uint32_t word = p->config->memory.word_bits, end = first + n_channel;
    struct token_range range[TOKEN_RANGES];

    if (plan_network_layer(p, pc->plan_layer)->kind != LAYER_ATTENTION)
        return;
    tokens_ranges(p, pc->plan_layer, pc->split, range);
    const uint32_t keys = range[1].at; // keys and values come behind the queries
    n->queue_words += weight * words_between(first, min_u32(end, keys),
                                             plan_input_bits(p, pc->plan_layer), word);
    n->kv_words_written += weight * words_between(max_u32(first, keys) - keys,
                                                  max_u32(end, keys) - keys,
                                                  tokens_kv(p, pc->plan_layer).bits, word);
}
