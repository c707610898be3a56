/* arch/chip.c -- see chip.h. */
#include "arch/chip.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

enum { IMAGES_WAITING = 2 }; // a scratchpad's queue

struct chip {
    struct chip_cfg    cfg;
    struct imc_core   *core;
    struct scratchpad *scratchpad; // one per image feed
    struct chan       *stream;     // one per stream of the plan
    struct chan       *images;     // one per scratchpad
    char             **path;       // of the blocks, cores first
    struct block     **block;
    struct chan      **chan;
    struct design      design;
    struct kernel     *kernel;
    struct fault       fault;
    uint64_t           injected, returned; // images
    uint8_t           *image;  // one payload
    uint8_t           *token;  // one result's payload
    int32_t           *value;  // one result
    uint32_t          *result; // streams that carry it
    uint32_t           n_result;
    uint32_t          *received; // per such stream: pixels of the image whose result is coming
    uint32_t           n_pixel;  // of a result
    int64_t            newest;   // timestep of what has come of it
    uint64_t           result_image;
};

static char *join(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    char *s = malloc(na + nb + 1);

    if (s) {
        memcpy(s, a, na);
        memcpy(s + na, b, nb + 1);
    }
    return s;
}

static bool make_cores(struct chip *c)
{
    const struct plan *p = c->cfg.plan;

    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct imc_core_cfg cfg = {
            .plan = p,
            .index = i,
            .planes = c->cfg.planes,
            .first_image = c->cfg.first_image,
            .array = c->cfg.array,
            .crossbar_kernel = c->cfg.crossbar_kernel,
            .fault = &c->fault,
            .probe = c->cfg.probe,
        };
        c->path[i] = join("chip.", p->core[i].name);
        if (!c->path[i] || !imc_core_init(&c->core[i], c->path[i], &cfg))
            return false;
        c->block[i] = &c->core[i].base;
    }
    return true;
}

static bool make_scratchpads(struct chip *c)
{
    const struct plan *p = c->cfg.plan;
    size_t bytes = scratchpad_image_bytes(p, c->cfg.planes.n);

    for (uint32_t i = 0; i < p->n_image_feed; i++) {
        uint32_t b = p->n_core + i;
        c->path[b] = join("chip.scratchpad.", plan_layer_name(p, p->image_feed[i].layer));
        if (!c->path[b] ||
            !scratchpad_init(&c->scratchpad[i], c->path[b], p, &p->image_feed[i],
                             &c->cfg.planes, c->cfg.first_image, &c->fault) ||
            !chan_init(&c->images[i], c->path[b], NULL, &c->scratchpad[i].base, IMAGES_WAITING,
                       bytes))
            return false;
        c->scratchpad[i].images = &c->images[i];
        c->block[b] = &c->scratchpad[i].base;
        c->chan[p->n_stream + i] = &c->images[i];
    }
    return true;
}

static struct scratchpad *scratchpad_of(struct chip *c, uint32_t core)
{
    const struct plan *p = c->cfg.plan;
    uint32_t i = 0;

    while (p->image_feed[i].layer != p->core[core].plan_layer)
        i++;
    return &c->scratchpad[i];
}

static bool make_stream(struct chip *c, uint32_t i)
{
    const struct plan *p = c->cfg.plan;
    const struct plan_stream *st = &p->stream[i];
    uint32_t hops = st->kind == STREAM_PARTIAL_SUM ? p->config->fabric.partial_sum_hops
                                                   : p->config->fabric.hop_timesteps;
    struct scratchpad *pad = st->kind == STREAM_IMAGE ? scratchpad_of(c, st->to) : NULL;
    struct block *from = pad ? &pad->base : &c->core[st->from].base;
    struct block *to = st->kind == STREAM_RESULT ? NULL : &c->core[st->to].base;
    size_t bytes =
        token_bytes(st->most_pixels, (size_t)c->cfg.planes.n * stream_value_bytes(p, i));
    /* Nobody takes results before an interval is over. */
    uint32_t room = st->kind == STREAM_RESULT ? 2 * c->n_pixel : 2;
    bool done = chan_init(&c->stream[i], from->path, from, to, hops + room, bytes);

    c->chan[i] = &c->stream[i];
    if (done && pad)
        done = scratchpad_connect(pad, i, &c->stream[i]);
    else if (done)
        done = imc_core_connect_out(&c->core[st->from], i, &c->stream[i]);
    if (done && to)
        return imc_core_connect_in(&c->core[st->to], i, &c->stream[i]);
    if (done)
        c->result[c->n_result++] = i;
    return done;
}

/* Of one token. */
static uint32_t most_result_pixels(const struct plan *p)
{
    uint32_t most = 1;

    for (uint32_t i = 0; i < p->n_stream; i++)
        if (p->stream[i].kind == STREAM_RESULT)
            most = max_u32(most, p->stream[i].most_pixels);
    return most;
}

static bool make_all(struct chip *c)
{
    const struct plan *p = c->cfg.plan;
    size_t n_block = (size_t)p->n_core + p->n_image_feed;
    size_t n_chan = (size_t)p->n_stream + p->n_image_feed;
    struct shape result = layer_delivers(network_result(p->network));
    size_t planes = c->cfg.planes.n;

    c->n_pixel = result.height * result.width;
    c->newest = INT64_MIN;
    c->core = calloc(p->n_core, sizeof *c->core);
    c->scratchpad = calloc(p->n_image_feed, sizeof *c->scratchpad);
    c->stream = calloc(p->n_stream, sizeof *c->stream);
    c->images = calloc(p->n_image_feed, sizeof *c->images);
    c->path = calloc(n_block, sizeof *c->path);
    c->block = calloc(n_block, sizeof(struct block *));
    c->chan = calloc(n_chan, sizeof(struct chan *));
    c->result = calloc(p->n_stream, sizeof *c->result);
    c->image = calloc(1, scratchpad_image_bytes(p, c->cfg.planes.n));
    c->token = calloc(1, token_bytes(most_result_pixels(p), 4 * planes * result.channels));
    c->received = calloc(p->n_stream, sizeof *c->received);
    c->value = calloc(max_u64(1, planes) * c->n_pixel * result.channels, sizeof *c->value);
    if (!c->core || !c->scratchpad || !c->stream || !c->images || !c->path || !c->block ||
        !c->chan || !c->result || !c->received || !c->image || !c->token || !c->value || !make_cores(c) ||
        !make_scratchpads(c))
        return false;
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (!make_stream(c, i))
            return false;
    c->design = (struct design){ c->block, n_block, c->chan, n_chan };
    c->kernel = kernel_new(c->cfg.kernel, &c->design, c->cfg.mode);
    return c->kernel != NULL;
}

struct chip *chip_new(const struct chip_cfg *cfg)
{
    struct chip *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->cfg = *cfg;
    if (make_all(c))
        return c;
    chip_free(c);
    return NULL;
}

void chip_free(struct chip *c)
{
    if (!c)
        return;
    const struct plan *p = c->cfg.plan;
    if (c->kernel)
        kernel_free(c->kernel);
    for (uint32_t i = 0; c->core && i < p->n_core; i++)
        imc_core_release(&c->core[i]);
    for (uint32_t i = 0; c->scratchpad && i < p->n_image_feed; i++)
        scratchpad_release(&c->scratchpad[i]);
    for (uint32_t i = 0; c->stream && i < p->n_stream; i++)
        chan_release(&c->stream[i]);
    for (uint32_t i = 0; c->images && i < p->n_image_feed; i++)
        chan_release(&c->images[i]);
    for (uint32_t i = 0; c->path && i < p->n_core + p->n_image_feed; i++)
        free(c->path[i]);
    free(c->core);
    free(c->scratchpad);
    free(c->stream);
    free(c->images);
    free(c->path);
    free(c->block);
    free(c->chan);
    free(c->result);
    free(c->received);
    free(c->image);
    free(c->token);
    free(c->value);
    free(c);
}

bool chip_inject(struct chip *c, const int8_t *pixels)
{
    const struct plan *p = c->cfg.plan;
    const struct image_head head = { .image = c->cfg.first_image + c->injected };

    for (uint32_t i = 0; i < p->n_image_feed; i++)
        if (!chan_can_push(&c->images[i]))
            return false;
    memcpy(c->image, &head, sizeof head);
    if (c->cfg.planes.n > 0)
        memcpy(c->image + sizeof head, pixels,
               scratchpad_image_bytes(p, c->cfg.planes.n) - sizeof head);
    for (uint32_t i = 0; i < p->n_image_feed; i++) {
        bool in = kernel_inject(c->kernel, &c->images[i], 0, c->image);
        assert(in);
        (void)in;
    }
    c->injected++;
    return true;
}

enum err chip_run(struct chip *c, int64_t until_timestep, struct err_msg *m)
{
    const struct plan *p = c->cfg.plan;
    int64_t until = until_timestep + (int64_t)p->lead + 1;

    if (until > 0)
        kernel_run(c->kernel, (uint64_t)until * p->timestep_clk - 1);
    if (!c->fault.set)
        return ERR_NONE;
    *m = c->fault.msg;
    return ERR_RUN;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int32_t result_value(const struct layer *l, const uint8_t *value, uint32_t i)
{
    if (l->raw_output)
        return ((const int32_t *)(const void *)value)[i];
    return l->out_signed ? (int8_t)value[i] : value[i];
}

/* A token's pixels to where they lie in the result. */
static void take_token(struct chip *c, uint32_t stream, const struct token *t)
{
    const struct plan *p = c->cfg.plan;
    const struct plan_stream *st = &p->stream[stream];
    const struct layer *result = network_result(p->network);
    const struct shape s = layer_delivers(result);
    const size_t bytes = stream_value_bytes(p, stream);

    for (uint32_t i = 0; i < t->n; i++) {
        size_t pixel = (size_t)t->pixel[i].y * s.height + t->pixel[i].x;
        const uint8_t *value = token_values_const(t, i, c->cfg.planes.n * bytes);
        for (uint32_t n = 0; n < c->cfg.planes.n; n++, value += bytes) {
            int32_t *to = c->value + (n * (size_t)c->n_pixel + pixel) * s.channels + st->first;
            for (uint32_t k = 0; k < st->n; k++)
                to[k] = result_value(result, value, k);
        }
    }
}

/* Takes what has come of the result of `image` on its i-th stream; true once that is all. */
static bool take_stream(struct chip *c, uint32_t i, uint64_t *image)
{
    struct token *t = (struct token *)(void *)c->token;

    while (c->received[i] < c->n_pixel && chan_count(&c->stream[c->result[i]]) > 0 &&
           kernel_drain(c->kernel, &c->stream[c->result[i]], c->token)) {
        take_token(c, c->result[i], t);
        c->received[i] += t->n;
        *image = t->pixel[0].image;
        c->newest = max_i64(c->newest, (int64_t)t->timestep - (int64_t)c->cfg.plan->lead);
    }
    return c->received[i] == c->n_pixel;
}

/* The slices of a result come in as many streams, pixel by pixel. */
bool chip_result(struct chip *c, struct chip_result *r)
{
    bool all = true;

    for (uint32_t i = 0; i < c->n_result; i++)
        all &= take_stream(c, i, &c->result_image);
    if (!all)
        return false;
    *r = (struct chip_result){ .value = c->cfg.planes.n > 0 ? c->value : NULL,
                               .image = c->result_image,
                               .timestep = c->newest };
    memset(c->received, 0, c->n_result * sizeof *c->received);
    c->newest = INT64_MIN;
    c->returned++;
    return true;
}

bool chip_stands_still(const struct chip *c)
{
    for (uint32_t i = 0; i < c->n_result; i++)
        if (chan_count(&c->stream[c->result[i]]) > 0)
            return false; // on its way out
    return kernel_next_cyc(c->kernel) == CYC_NEVER;
}

void chip_describe(const struct chip *c, FILE *out)
{
    kernel_describe(c->kernel, out);
}

const struct core_counters *chip_counters(const struct chip *c, uint32_t core)
{
    return &c->core[core].counters;
}

bool chip_fired(const struct chip *c, uint32_t core, int64_t *first, int64_t *last)
{
    const int64_t lead = (int64_t)c->cfg.plan->lead;

    *first = (int64_t)c->core[core].first_fired - lead;
    *last = (int64_t)c->core[core].last_fired - lead;
    return c->core[core].any_fired;
}

uint64_t chip_stream_bits(const struct chip *c, uint32_t stream)
{
    const struct plan *p = c->cfg.plan;
    const struct plan_stream *st = &p->stream[stream];
    uint64_t bits = 0;

    for (uint32_t i = 0; st->kind == STREAM_IMAGE && i < p->n_image_feed; i++)
        for (uint32_t k = 0; k < c->scratchpad[i].n_out; k++)
            if (c->scratchpad[i].out[k].stream == stream)
                bits += c->scratchpad[i].out[k].bits;
    if (st->kind == STREAM_IMAGE)
        return bits;
    const struct imc_core *core = &c->core[st->from];
    if (st->kind == STREAM_PARTIAL_SUM)
        return core->partial_out.bits;
    for (uint32_t i = 0; i < core->n_out; i++)
        bits += core->out[i].stream == stream ? core->out[i].bits : 0;
    for (uint32_t i = 0; i < core->n_read_back; i++)
        for (uint32_t k = 0; k < core->read_back[i].n_out; k++)
            bits += core->read_back[i].out[k].stream == stream ? core->read_back[i].out[k].bits : 0;
    return bits;
}
