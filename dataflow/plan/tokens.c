/* dataflow/plan/tokens.c -- see tokens.h. */
#include "dataflow/plan/tokens.h"

#include <inttypes.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/plan/structure.h"

enum { BYTE_BITS = 8 };

/* Of a layer before its cores are placed: heads of each attention core. */
static uint32_t heads_each(const struct plan_layer *pl, const struct layer *l)
{
    return l->token->heads / pl->splits;
}

/* Heads of keys and values that a core stores, and the first of them. */
static uint32_t kv_heads(const struct plan *p, uint32_t layer, uint32_t split, uint32_t *first)
{
    const struct layer *l = plan_network_layer(p, layer);
    const uint32_t group = l->token->heads / l->token->kv_heads;
    const uint32_t each = heads_each(&p->layer[layer], l);

    *first = split * each / group;
    return (uint32_t)ceil_div(each, group);
}

uint32_t tokens_ranges(const struct plan *p, uint32_t layer, uint32_t split,
                       struct token_range range[TOKEN_RANGES])
{
    const struct layer *l = plan_network_layer(p, layer);
    const struct token_op *t = l->token;

    if (l->kind != LAYER_ATTENTION) {
        range[0] = (struct token_range){ 0, l->in.channels, 0 };
        return 1;
    }
    const uint32_t each = heads_each(&p->layer[layer], l);
    uint32_t first, n = kv_heads(p, layer, split, &first);
    range[0] = (struct token_range){ split * each * t->head, each * t->head, 0 };
    range[1] = (struct token_range){ attention_queries(t) + first * t->head, n * t->head,
                                     range[0].n };
    range[2] = (struct token_range){
        attention_queries(t) + attention_keys(t) + first * t->value_head, n * t->value_head,
        range[0].n + range[1].n
    };
    return 3;
}

struct token_heads tokens_heads(const struct plan *p, uint32_t layer, uint32_t split)
{
    const struct layer *l = plan_network_layer(p, layer);
    uint32_t first;

    if (l->kind != LAYER_ATTENTION)
        return token_heads_all(l);
    const uint32_t each = heads_each(&p->layer[layer], l);
    return (struct token_heads){ split * each, each, kv_heads(p, layer, split, &first) };
}

struct slice tokens_slice(const struct plan *p, uint32_t layer, uint32_t split)
{
    const struct layer *l = plan_network_layer(p, layer);
    const uint32_t out_n = l->out.channels / p->layer[layer].splits;
    struct token_range range[TOKEN_RANGES];
    const uint32_t n = tokens_ranges(p, layer, split, range);

    return (struct slice){ .in_n = range[n - 1].at + range[n - 1].n, .out_first = split * out_n,
                           .out_n = out_n };
}

struct token_work tokens_work(const struct plan *p, uint32_t layer, uint32_t split, uint32_t row,
                              uint32_t column)
{
    const struct layer *l = plan_network_layer(p, layer);
    const struct token_share share = {
        l->kind == LAYER_ATTENTION ? heads_each(&p->layer[layer], l) : 0,
        tokens_slice(p, layer, split).out_n,
    };

    return token_kind_of(l)->work(l, &share, token_seen(l, row, column));
}

uint64_t tokens_clocks(const struct plan *p, uint32_t layer, const struct token_work *work)
{
    const struct attention_cfg *c = &p->config->attention;

    if (plan_network_layer(p, layer)->kind != LAYER_ATTENTION)
        return ceil_div(work->lane_ops, p->config->digital_core.lanes);
    return max_u64(ceil_div(work->qk_macs, c->lanes) + ceil_div(work->pv_macs, c->lanes),
                   ceil_div(work->exps, c->exp_lanes));
}

uint64_t plan_lasts(const struct plan *p, uint32_t layer, uint32_t row, uint32_t column)
{
    if (!layer_is_of_tokens(plan_network_layer(p, layer)))
        return 1;
    const struct token_work work = tokens_work(p, layer, 0, row, column);
    return max_u64(1, ceil_div(tokens_clocks(p, layer, &work), p->timestep_clk));
}

uint32_t plan_folds(const struct plan *p, uint32_t layer)
{
    const struct layer *l = plan_network_layer(p, layer);
    const struct shape from = layer_delivers(&p->network->layer[l->input[0]]);

    return l->kind == LAYER_TOKENS && from.height > l->in.height ? from.height : 0;
}

uint64_t tokens_timesteps(const struct plan *p, uint32_t layer, uint64_t *most)
{
    const struct layer *l = plan_network_layer(p, layer);
    uint64_t sum = 0;

    *most = 0;
    for (uint32_t column = 0; column < l->out.width; column++)
        for (uint32_t row = 0; row < l->out.height; row++) {
            uint64_t t = plan_lasts(p, layer, row, column);
            *most = max_u64(*most, t);
            sum += t;
        }
    return sum;
}

uint32_t tokens_n_bank(const struct plan *p)
{
    return p->network->decoded_from > 0 ? 1 : p->config->attention.banks; // whose tokens are all
}

uint64_t tokens_interval(const struct plan *p, uint32_t layer)
{
    const struct layer *l = plan_network_layer(p, layer);
    uint64_t most, sum = tokens_timesteps(p, layer, &most);

    if (l->kind != LAYER_ATTENTION || tokens_n_bank(p) > 1)
        return sum;
    return sum + ((uint64_t)l->out.height * l->out.width - 1) * most;
}

/* Words that n bits lie in, from bit `first` of some word on. */
static uint32_t words_of(uint64_t first, uint64_t n, uint32_t word)
{
    return (uint32_t)(ceil_div(first + n, word) - first / word);
}

static uint32_t kv_bits(const struct plan *p, uint32_t layer)
{
    static const uint32_t bits[] = { [ATTENTION_6] = 6, [ATTENTION_8] = 8, [ATTENTION_10] = 10 };

    if (p->config->attention.bits == ATTENTION_FP32) // as they come
        return plan_input_bits(p, layer);
    return bits[p->config->attention.bits];
}

struct kv_memory tokens_kv(const struct plan *p, uint32_t layer)
{
    const struct layer *l = plan_network_layer(p, layer);
    const uint32_t word = p->config->memory.word_bits;
    const uint64_t tokens = (uint64_t)l->in.height * l->in.width;
    struct token_range range[TOKEN_RANGES];
    struct kv_memory m = { .bits = kv_bits(p, layer) };

    tokens_ranges(p, layer, 0, range);
    const uint64_t keys = (uint64_t)range[1].n * m.bits, values = (uint64_t)range[2].n * m.bits;
    m.key_words = words_of(0, keys, word);
    m.value_words = words_of(keys, values, word);
    m.token_words = words_of(0, keys + values, word);
    m.bank_words = tokens * m.token_words;
    m.bank_bytes = ceil_div(tokens * (keys + values), BYTE_BITS);
    m.key_bytes = ceil_div(tokens * keys, BYTE_BITS);
    m.queue_bytes = ceil_div(tokens * range[0].n * plan_input_bits(p, layer), BYTE_BITS);
    return m;
}

/* ---- on cores ---- */

static enum err place_heads(const struct plan *p, struct plan_layer *pl, struct err_msg *m)
{
    const struct layer *l = &p->network->layer[pl->layer];
    const struct token_op *t = l->token;
    const uint32_t cores = p->config->attention.cores, group = t->heads / t->kv_heads;

    pl->splits = cores == ATTENTION_PER_HEAD ? t->heads : cores;
    if (t->heads % pl->splits)
        return PLAN_REFUSE(p, "attention.cores", m, "attention.cores = %u: they do not divide the "
                           "%u heads of layer %s: want a divisor, or per_head", cores, t->heads,
                           l->name);
    const uint32_t each = t->heads / pl->splits;
    if (each % group && group % each)
        return PLAN_REFUSE(p, "attention.cores", m, "attention.cores = %u: %u heads each, of which "
                           "%u share keys in layer %s: want %u, or per_head", cores, each, group,
                           l->name, t->kv_heads);
    return ERR_NONE;
}

/* What sequences take in the words of an attention core's memory: as they come, or as they are
 * decoded, each of a bank. */
static enum err check_memory(const struct plan *p, uint32_t layer, struct err_msg *m)
{
    const struct attention_cfg *c = &p->config->attention;
    const struct decode_cfg *d = &p->config->decode;
    const struct layer *l = plan_network_layer(p, layer);
    const struct kv_memory kv = tokens_kv(p, layer);
    const uint64_t word = p->config->memory.word_bits / BYTE_BITS;
    const bool to_decode = d->tokens > 0 && p->network->decoded_from == 0; // or they are in `l`
    const uint64_t decoded = to_decode ? (uint64_t)d->prompt + d->tokens : 0;
    const uint64_t tokens = max_u64((uint64_t)l->in.height * l->in.width, decoded);
    const uint32_t banks = to_decode ? max_u32(c->banks, d->streams) : tokens_n_bank(p);
    const uint64_t need = banks * tokens * kv.token_words * word;

    if (d->tokens > 0 && !l->token->causal)
        return PLAN_REFUSE(p, "decode.tokens", m, "decode.tokens = %u: in layer %s a token sees "
                           "those behind it, which are not there yet: want network.causal = true, "
                           "or decode.tokens = 0", d->tokens, l->name);
    if (need <= c->memory_bytes)
        return ERR_NONE;
    return PLAN_REFUSE(p, "attention.memory_bytes", m, "attention.memory_bytes = %" PRIu64
                       ": layer %s keeps keys and values of %u sequences in each core, %" PRIu64
                       " B: want attention.memory_bytes = %" PRIu64, c->memory_bytes,
                       plan_layer_name(p, layer), banks, need, need);
}

/* A core that normalises or looks up takes as many timesteps as it is given, if there are any. */
static enum err check_time(const struct plan *p, uint32_t layer, struct err_msg *m)
{
    const struct token_core_cfg *c = &p->config->digital_core;
    const struct token_work work = tokens_work(p, layer, 0, 0, 0);
    const uint64_t timesteps = plan_lasts(p, layer, 0, 0);

    if (timesteps <= c->timesteps || p->config->clocking == CLOCKING_ELASTIC)
        return ERR_NONE;
    return PLAN_REFUSE(p, "digital_core.lanes", m, "digital_core.lanes = %u: layer %s takes "
                       "%" PRIu64 " clocks for a token, a timestep has %" PRIu64 ": want "
                       "digital_core.lanes = %" PRIu64 ", or digital_core.timesteps = %" PRIu64,
                       c->lanes,
                       plan_layer_name(p, layer), tokens_clocks(p, layer, &work), p->timestep_clk,
                       ceil_div(work.lane_ops, p->timestep_clk * c->timesteps), timesteps);
}

/* Keys of the mapping tables that name it. */
static enum err check_entry(const char *table, const struct count_map *map, const struct layer *l,
                            struct err_msg *m)
{
    for (uint32_t i = 0; i < map->n_entry; i++)
        if (strcmp(map->entry[i].key, l->name) == 0 && map->entry[i].value > 1)
            return err_set(m, ERR_INPUT, "%s: mapping.%s.%s = %u: a layer of tokens has no array "
                           "and one core for each share of its heads: want 1", map->entry[i].where,
                           table, l->name, map->entry[i].value);
    return ERR_NONE;
}

enum err tokens_place(const struct plan *p, struct plan_layer *pl, struct err_msg *m)
{
    const uint32_t layer = pl->layer - 1;
    const struct layer *l = &p->network->layer[pl->layer];
    const bool attends = l->kind == LAYER_ATTENTION;
    enum err e = check_entry("replicas", &p->config->mapping.replicas, l, m);

    if (!e)
        e = check_entry("copies", &p->config->mapping.copies, l, m);
    pl->firing = &fire_column;
    pl->replicas = (struct replicas){ .n = 1, .width = 1, .height = 1, .positions = 1 };
    pl->parts = pl->splits = pl->copies = 1;
    if (!e && attends)
        e = place_heads(p, pl, m);
    pl->n_core = pl->splits;
    if (!e)
        e = attends ? check_memory(p, layer, m) : check_time(p, layer, m);
    return e;
}

enum err tokens_banks(const struct plan *p, uint32_t layer, uint32_t *columns, struct err_msg *m)
{
    const struct layer *l = plan_network_layer(p, layer);
    const uint64_t tokens = (uint64_t)l->in.height * l->in.width, kept = *columns * l->in.height;
    const uint32_t banks = tokens_n_bank(p);

    if (kept > banks * tokens && p->config->clocking != CLOCKING_ELASTIC) // there they stall
        return PLAN_REFUSE(p, "attention.banks", m, "attention.banks = %u: layer %s keeps %" PRIu64
                           " tokens of sequences of %" PRIu64 ": want attention.banks = %" PRIu64,
                           banks, l->name, kept, tokens, ceil_div(kept, tokens));
    *columns = banks * l->in.width;
    return ERR_NONE;
}

uint32_t plan_digital_cores(const struct plan *p)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->n_layer; i++)
        n += layer_is_of_tokens(plan_network_layer(p, i)) ? p->layer[i].n_core : 0;
    return n;
}
