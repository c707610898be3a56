/* study/decode.c -- see decode.h. */
#include "study/decode.h"

#include <inttypes.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/plan/decode.h"
#include "network/family.h"

bool decoder_wanted(const struct study *s)
{
    return s->config.decode.tokens > 0 && network_has_tokens(&s->network);
}

static enum err check(const struct study *s, struct err_msg *m)
{
    const struct config *c = &s->config;
    const char *where = config_where(c, "decode.tokens");
    const uint64_t tokens = (uint64_t)c->decode.prompt + c->decode.tokens;

    if (strcmp(c->network.family, "transformer") != 0 || c->network.transformer.patch > 0)
        return err_set(m, ERR_INPUT, "%.400s: decode.tokens = %" PRIu32 ": network %s is no "
                       "built-in one of texts: want network.family = transformer with "
                       "network.patch = 0, or decode.tokens = 0", where,
                       c->decode.tokens, s->network.name);
    if (tokens > 32768 || tokens * c->decode.streams > 1 << 20)
        return err_set(m, ERR_INPUT, "%.400s: decode.tokens = %" PRIu32 ": %" PRIu32 " sequences "
                       "of %" PRIu64 " tokens: want at most 32768 of each, and 1048576 of all",
                       where, c->decode.tokens, c->decode.streams, tokens);
    return ERR_NONE;
}

enum err decoder_make(struct decoder *d, const struct study *s, struct err_msg *m)
{
    const struct decode_cfg *c = &s->config.decode;
    enum err e = check(s, m);

    memset(d, 0, sizeof *d);
    if (e)
        return e;
    struct transformer_cfg t = s->config.network.transformer;
    t.size = s->config.network.size;
    t.classes = s->config.network.classes;
    t.sequence = c->prompt + c->tokens;
    t.streams = c->streams;
    t.prompt = c->prompt;
    d->config = s->config;
    if (!(e = network_transformer(&d->network, &t, m)))
        e = plan_make(&d->plan, &d->network, &d->config, m);
    if (!e)
        e = decode_check(&d->plan, m);
    if (e)
        decoder_release(d);
    return e;
}

void decoder_release(struct decoder *d)
{
    plan_release(&d->plan);
    network_release(&d->network);
    memset(d, 0, sizeof *d);
}

struct decoder_times decoder_times(const struct decoder *d)
{
    const struct decode_cfg *c = &d->config.decode;
    const int64_t *comes = d->plan.comes;
    const uint64_t all = d->plan.time.first_result, last = (uint64_t)(c->prompt + c->tokens);
    const uint64_t sample = ceil_div(c->sample_ns, d->config.timestep_ns);
    struct decoder_times t = { .all = all };

    t.first = (uint64_t)comes[(uint64_t)c->prompt * c->streams];
    t.prompt = c->prompt > 0 ? (uint64_t)comes[(uint64_t)(c->prompt + 1) * c->streams - 1] - sample
                             : 0;
    t.last_token = all - (uint64_t)comes[last * c->streams - 1] + sample;
    t.tokens_per_s = 1e9 * c->tokens * c->streams /
                     ((double)(all - t.first + sample) * (double)d->config.timestep_ns);
    return t;
}
