/* test/token_machine.c -- see token_machine.h. */
#include "test/token_machine.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "test/dice.h"
#include "test/random_tokens.h"

struct token_machine token_machine_plain(void)
{
    return (struct token_machine){ .layers = 12, .hidden = 768, .heads = 12, .kv_heads = 12,
                                   .ffn = 3072, .sequence = 128, .rows = 512, .cores = 1,
                                   .lanes = 3933, .exp_lanes = 31, .banks = 2,
                                   .norm_lanes = 1000000 };
}

void token_set(struct token_settings *s, const char *key, uint64_t value)
{
    assert_true(s->n < TOKEN_MOST_SET);
    snprintf(s->text[s->n], TOKEN_TEXT, "%s=%" PRIu64, key, value);
    s->set[s->n] = s->text[s->n];
    s->n++;
}

void token_set_word(struct token_settings *s, const char *key, const char *word)
{
    assert_true(s->n < TOKEN_MOST_SET);
    snprintf(s->text[s->n], TOKEN_TEXT, "%s=%s", key, word);
    s->set[s->n] = s->text[s->n];
    s->n++;
}

void token_machine_settings(struct token_settings *s, const struct token_machine *m)
{
    *s = (struct token_settings){ .n = 0 };
    token_set_word(s, "network.family", "transformer");
    token_set(s, "network.layers", m->layers);
    token_set(s, "network.hidden", m->hidden);
    token_set(s, "network.heads", m->heads);
    token_set(s, "network.kv_heads", m->kv_heads);
    token_set(s, "network.ffn", m->ffn);
    token_set(s, "network.sequence", m->sequence);
    token_set_word(s, "network.causal", m->causal ? "true" : "false");
    token_set_word(s, "network.norm", m->pre ? "pre" : "post");
    token_set_word(s, "network.gated", m->gated ? "true" : "false");
    token_set_word(s, "network.qkv", m->fused ? "fused" : "separate");
    token_set(s, "network.classes", m->classes);
    token_set(s, "network.vocabulary", m->vocabulary);
    token_set(s, "network.patch", m->patch);
    token_set(s, "network.size", m->patch ? m->size : 32);
    token_set(s, "core.crossbar.rows", m->rows);
    token_set(s, "core.crossbar.columns", m->rows);
    token_set(s, "core.input_memory.word_bits", 8192);
    token_set(s, "core.input_memory.words", 4096);
    token_set(s, "core.digital.lanes", 65536);
    token_set(s, "fabric.link_gbps", 10000);
    token_set(s, "fabric.partial_sum_gbps", 10000);
    token_set(s, "chip.cores", 65536);
    if (m->cores > 0)
        token_set(s, "attention.cores", m->cores);
    token_set(s, "attention.lanes", m->lanes);
    token_set(s, "attention.exp_lanes", m->exp_lanes);
    token_set(s, "attention.banks", m->banks);
    token_set(s, "attention.memory_bytes", UINT64_C(1) << 40);
    token_set(s, "digital_core.lanes", m->norm_lanes);
    token_set(s, "digital_core.timesteps", 65536);
}

void token_machine_load(struct study *s, const struct token_machine *m)
{
    struct token_settings set;
    struct err_msg msg;

    token_machine_settings(&set, m);
    if (study_load(s, NULL, set.set, set.n, &msg))
        fail_msg("%s", msg.text);
}

/* ---- random ones ---- */

struct token_machine token_machine_random(uint64_t seed)
{
    struct token_machine m = { .norm_lanes = 1000000 };
    struct dice d = { seed };

    m.layers = pick(&d, 1, 4);
    m.heads = pick(&d, 1, 6);
    m.sequence = pick(&d, 1, 30);
    m.rows = pick(&d, 8, 64);
    m.causal = chance(&d, 2);
    m.pre = chance(&d, 2);
    m.fused = chance(&d, 2);
    m.ffn = pick(&d, 1, 160);
    m.lanes = pick(&d, 1, 8);
    m.exp_lanes = pick(&d, 1, 8);
    m.banks = pick(&d, 1, 3);
    m.hidden = m.heads * pick(&d, 1, 16);
    m.kv_heads = m.heads;
    if (m.causal || chance(&d, 3)) // A = 1, and with that one that does not grow
        m.lanes = m.exp_lanes = 1000000;
    m.cores = chance(&d, 2) ? 1 : m.heads;
    return m;
}

struct token_machine token_machine_odd(uint64_t seed)
{
    struct token_machine m = token_machine_random(seed);
    struct dice d = { seed + 1000003 };

    m.gated = chance(&d, 2);
    m.kv_heads = chance(&d, 2) ? 1 : m.heads;
    m.norm_lanes = chance(&d, 3) ? 1 : 1000000;
    m.lanes = pick(&d, 1, 12);
    m.exp_lanes = pick(&d, 1, 8);
    m.banks = pick(&d, 2, 3);
    m.classes = chance(&d, 2) ? pick(&d, 1, 40) : 0;
    if (chance(&d, 4)) {
        m.patch = pick(&d, 1, 3);
        m.size = m.patch * pick(&d, 1, 4);
    } else if (chance(&d, 4)) {
        m.vocabulary = pick(&d, 1, 100);
    }
    return m;
}

void token_study_make(struct random_study *s, unsigned seed)
{
    struct token_machine m = token_machine_odd(seed);
    struct token_settings set;
    struct study study;
    struct err_msg msg;

    m.layers = 1 + seed % 2;
    m.sequence = 1 + m.sequence % 12;
    m.banks = m.causal || m.norm_lanes == 1 ? 2 : 1 + seed % 2; // where A alone sets the pace, 1
    token_machine_settings(&set, &m);
    token_set(&set, "core.input_memory.word_bits", 64);
    token_set(&set, "fabric.link_gbps", 20);
    token_set(&set, "fabric.partial_sum_gbps", 40);
    if (study_load(&study, NULL, set.set, set.n, &msg))
        fail_msg("seed %u: %s", seed, msg.text);
    *s = (struct random_study){ .seed = seed, .network = study.network, .config = study.config };
    plan_release(&study.plan);
    if (plan_make(&s->plan, &s->network, &s->config, &msg))
        fail_msg("seed %u: %s", seed, msg.text);
}

static void take_study(struct random_study *s, struct random_tokens *t)
{
    *s = (struct random_study){ .seed = t->seed, .network = t->rig.network,
                                .config = t->rig.config };
    free(t->image);
    if (plan_make(&s->plan, &s->network, &s->config, &t->rig.msg))
        fail_msg("seed %u: %s", t->seed, t->rig.msg.text);
}

void token_map_study_make(struct random_study *s, unsigned seed)
{
    struct random_tokens t;

    random_tokens_make(&t, seed, false);
    take_study(s, &t);
}

void token_sums_study_make(struct random_study *s, unsigned seed)
{
    struct random_tokens t;

    while (!random_tokens_of_sums_make(&t, seed, false))
        seed += 1000;
    take_study(s, &t);
}
