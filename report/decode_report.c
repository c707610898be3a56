/* report/decode_report.c -- see decode_report.h. */
#include "report/decode_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/counter.h"
#include "report/json.h"
#include "report/price_report.h"
#include "study/decode_price.h"

/* All cores of a layer of the decoder's plan. */
static struct core_counters layer_counters(const struct report *r, uint32_t layer)
{
    const struct plan_layer *pl = &r->decoder->plan.layer[layer];
    struct core_counters sum = { 0 };

    for (uint32_t i = pl->first_core; i < pl->first_core + pl->n_core; i++)
        counter_add(core_counter_rows, &sum, &r->decoded->core[i]);
    return sum;
}

static void put_row(struct table *t, const struct plan *p, uint32_t layer,
                    const struct core_counters *n)
{
    table_text(t, plan_layer_name(p, layer));
    table_count(t, n->qk_macs);
    table_count(t, n->pv_macs);
    table_count(t, n->exps);
    table_count(t, n->kv_words_written);
    table_count(t, n->kv_words_read);
    table_count(t, n->queue_words);
}

struct price_text {
    char text[160];
};

static struct price_text price_text(const struct decode_price *p)
{
    struct price_text t = { "" };
    unsigned most = 0;

    for (unsigned b = 1; p && b < N_PRICE_ALL; b++)
        most = p->token_block[b] > p->token_block[most] ? b : most;
    if (p)
        snprintf(t.text, sizeof t.text, " A decoded token takes %.3f nJ, %.1f %% in the %s, "
                 "%.1f %% in K/V memories, %.1f %% in attention.", p->token * 1e-3,
                 100 * p->token_block[most] / p->token, price_block_title((enum price_block)most),
                 100 * p->token_block[PRICE_KV_MEMORY] / p->token,
                 100 * p->token_block[PRICE_ATTENTION] / p->token);
    return t;
}

static void put_times(struct table *t, const struct report *r)
{
    const struct decode_cfg *c = &r->decoder->config.decode;
    const struct decoder_times times = decoder_times(r->decoder);

    table_note(t, "%s %s behind a prompt of %s, of %s %s, %s: prompts have their answers after %s "
               "timesteps, the last token takes %s, and all is done after %s: %s tokens/s.%s",
               format_count(c->tokens).text, c->tokens == 1 ? "token" : "tokens",
               format_count(c->prompt).text, format_count(c->streams).text,
               c->streams == 1 ? "sequence" : "sequences in turn",
               r->decoded->stepped ? "on a chip that was stepped" : "by the plan",
               format_count(times.prompt).text, format_count(times.last_token).text,
               format_count(times.all).text,
               format_count((uint64_t)(times.tokens_per_s + .5)).text,
               price_text(r->decode_price).text);
}

struct table *decode_table(const void *report)
{
    static const struct table_column columns[] = {
        { "layer", "layer" }, { "q.k", "qk_macs" }, { "p.v", "pv_macs" }, { "exp", "exps" },
        { "K/V words written", "kv_words_written" }, { "read", "kv_words_read" },
        { "words of queries", "queue_words" }, { 0 },
    };
    const struct report *r = report;
    struct table *t = table_new(columns);

    if (!r->decoder)
        return t;
    const struct plan *p = &r->decoder->plan;
    table_title(t, "Attention of what is decoded");
    for (uint32_t i = 0; i < p->n_layer; i++) {
        if (plan_network_layer(p, i)->kind != LAYER_ATTENTION)
            continue;
        const struct core_counters n = layer_counters(r, i);
        put_row(t, p, i, &n);
    }
    put_times(t, r);
    return t;
}

static json_t *json_counters(const struct report *r)
{
    const struct plan *p = &r->decoder->plan;
    struct core_counters sum = { 0 };
    json_t *o = json_object();

    for (uint32_t i = 0; i < p->n_core; i++)
        counter_add(core_counter_rows, &sum, &r->decoded->core[i]);
    for (const struct counter *row = core_counter_rows; row->name; row++)
        if (core_counter_shown(p, row))
            json_put_count(&o, row->name, counter_get(row, &sum));
    return o;
}

static json_t *json_price(const struct decode_price *p)
{
    json_t *o = json_object(), *blocks = json_object();

    json_put_real(&o, "nj", p->all * 1e-3);
    json_put_real(&o, "nj_per_token", p->token * 1e-3);
    for (unsigned b = 0; b < N_PRICE_ALL; b++)
        if (p->has_block[b])
            json_put_real(&blocks, price_block_name((enum price_block)b),
                          p->token_block[b] * 1e-3);
    json_put(&o, "token_blocks_nj", blocks);
    return o;
}

json_t *json_decode(const struct report *r)
{
    const struct decode_cfg *c = &r->decoder->config.decode;
    const struct decoder_times t = decoder_times(r->decoder);
    json_t *o = json_object();

    json_put_count(&o, "prompt", c->prompt);
    json_put_count(&o, "tokens", c->tokens);
    json_put_count(&o, "streams", c->streams);
    json_put_text(&o, "timing", r->decoded->stepped ? "chip" : "plan");
    json_put_count(&o, "prompt_timesteps", t.prompt);
    json_put_count(&o, "last_token_timesteps", t.last_token);
    json_put_count(&o, "timesteps", t.all);
    json_put_real(&o, "tokens_per_s", t.tokens_per_s);
    json_put(&o, "counters", json_counters(r));
    if (r->decode_price)
        json_put(&o, "energy", json_price(r->decode_price));
    return o;
}
