/* arch/chip.c -- see chip.h. */
#include "arch/chip.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "arch/core/port.h"
#include "core/util.h"

enum { IMAGES_WAITING = 2 }; // the queue of a core that takes images

struct chip {
    struct chip_cfg cfg;
    uint32_t        n_site;
    struct core   **core;   // owned; one per site
    char          **path;   // owned; of the cores
    struct fabric_wire *stream; // one per stream of the plan
    struct fabric_net net;  // of their channels
    struct chan    *images; // one per site; unused where the core takes none
    uint64_t       *stream_bits;
    struct block  **block; // the cores, and what the fabric adds
    struct chan   **chan;  // all that there are
    struct design   design;
    struct kernel  *kernel;
    struct fault    fault;
    uint64_t        injected, returned; // images
    uint8_t        *image;  // one payload
    uint8_t        *token;  // the latest of each stream of results, token_size apart
    size_t          token_size;
    uint32_t       *taken;  // per such stream: pixels of its token that are where they belong
    int64_t        *value;  // one result
    uint32_t       *result; // streams that carry it
    uint32_t        n_result;
    uint32_t       *received; // per such stream: pixels of the image whose result is coming
    uint32_t        n_pixel;  // of a result
    int64_t         newest;   // timestep of what has come of it
    uint64_t        result_image;
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

/* Of the values of an image in every plane. */
static size_t image_bytes(const struct chip *c)
{
    const struct shape *s = &c->cfg.plan->network->layer[0].out;

    return (size_t)c->cfg.planes.n * s->height * s->width * s->channels;
}

static bool connect_images(struct chip *c, uint32_t site)
{
    struct chan *images = &c->images[site];

    return chan_init(images, c->path[site], NULL, &c->core[site]->base, IMAGES_WAITING,
                     sizeof(struct image_head) + image_bytes(c)) &&
           c->core[site]->kind->connect_in(c->core[site], CORE_IMAGES, images);
}

static bool make_core(struct chip *c, uint32_t site)
{
    const struct plan *p = c->cfg.plan;
    const struct core_kind *kind = core_kind_of(p, site);
    const struct core_cfg cfg = {
        .planes = c->cfg.planes,
        .first_image = c->cfg.first_image,
        .simd = c->cfg.simd,
        .array = c->cfg.array,
        .analog = c->cfg.analog,
        .ranges = c->cfg.ranges,
        .proof = c->cfg.proof,
        .stream_bits = c->stream_bits,
    };
    struct core *core = calloc(1, kind->bytes);

    c->core[site] = core;
    c->path[site] = join(kind->path, core_site_name(p, site));
    if (!core || !c->path[site])
        return false;
    *core = (struct core){
        .base = { .ops = &kind->ops, .path = c->path[site] },
        .kind = kind,
        .plan = p,
        .site = site,
        .fault = &c->fault,
        .probe = site < p->n_core ? c->cfg.probe : NULL,
    };
    return kind->init(core, &cfg) && (!kind->takes_images || connect_images(c, site));
}

static struct fabric_wire wire_of(const struct chip *c, uint32_t stream)
{
    const struct plan *p = c->cfg.plan;
    struct core *from = c->core[core_stream_from(p, stream)];
    uint32_t end = core_stream_to(p, stream);

    return (struct fabric_wire){
        .route = p->stream[stream].route,
        .path = from->base.path,
        .from = &from->base,
        .to = end < c->n_site ? &c->core[end]->base : NULL,
        .bytes = token_bytes(p->time.stream[stream].most_pixels,
                             (size_t)c->cfg.planes.n * stream_value_bytes(p, stream)),
        /* Nobody takes results before an interval is over. */
        .more = end < c->n_site ? 0 : 2 * (c->n_pixel - 1),
    };
}

static bool connect(struct chip *c, uint32_t i)
{
    const struct plan *p = c->cfg.plan;
    const struct fabric_wire *w = &c->stream[i];
    struct core *from = c->core[core_stream_from(p, i)];
    uint32_t end = core_stream_to(p, i);
    struct core *to = end < c->n_site ? c->core[end] : NULL;

    if (!to)
        c->result[c->n_result++] = i;
    return from->kind->connect_out(from, i, w->tx) &&
           (!to || to->kind->connect_in(to, i, w->rx));
}

static bool make_streams(struct chip *c)
{
    const struct plan *p = c->cfg.plan;

    for (uint32_t i = 0; i < p->n_stream; i++)
        c->stream[i] = wire_of(c, i);
    if (!p->fabric->build(&c->net, c->stream, p->n_stream))
        return false;
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (!connect(c, i))
            return false;
    return true;
}

/* Blocks are cores and what the fabric adds, channels those of images and of the fabric. */
static bool make_design(struct chip *c)
{
    size_t n_block = (size_t)c->n_site + c->net.n_block, n_chan = c->net.n_chan;

    c->block = calloc(n_block, sizeof(struct block *));
    c->chan = calloc(n_chan + c->n_site, sizeof(struct chan *));
    if (!c->block || !c->chan)
        return false;
    for (uint32_t i = 0; i < c->n_site; i++)
        c->block[i] = &c->core[i]->base;
    for (uint32_t i = 0; i < c->net.n_block; i++)
        c->block[c->n_site + i] = c->net.block[i];
    for (uint32_t i = 0; i < n_chan; i++)
        c->chan[i] = &c->net.chan[i];
    for (uint32_t i = 0; i < c->n_site; i++)
        if (c->core[i]->kind->takes_images)
            c->chan[n_chan++] = &c->images[i];
    c->design = (struct design){ c->block, n_block, c->chan, n_chan };
    return true;
}

/* Of one token. */
static uint32_t most_result_pixels(const struct plan *p)
{
    uint32_t most = 1;

    for (uint32_t i = 0; i < p->n_stream; i++)
        if (p->stream[i].kind == STREAM_RESULT)
            most = max_u32(most, p->time.stream[i].most_pixels);
    return most;
}

static bool allocate(struct chip *c)
{
    const struct plan *p = c->cfg.plan;
    const struct shape result = layer_delivers(network_result(p->network));
    const size_t planes = c->cfg.planes.n;

    c->n_pixel = result.height * result.width;
    c->newest = INT64_MIN;
    c->n_site = core_n_site(p);
    c->core = calloc(c->n_site, sizeof(struct core *));
    c->path = calloc(c->n_site, sizeof *c->path);
    c->stream = calloc(p->n_stream, sizeof *c->stream);
    c->images = calloc(c->n_site, sizeof *c->images);
    c->stream_bits = calloc(p->n_stream, sizeof *c->stream_bits);
    c->result = calloc(p->n_stream, sizeof *c->result);
    c->image = calloc(1, sizeof(struct image_head) + image_bytes(c));
    c->token_size = round_up(token_bytes(most_result_pixels(p), 4 * planes * result.channels), 16);
    c->token = calloc(p->n_stream, c->token_size);
    c->taken = calloc(p->n_stream, sizeof *c->taken);
    c->received = calloc(p->n_stream, sizeof *c->received);
    c->value = calloc(max_u64(1, planes) * c->n_pixel * result.channels, sizeof *c->value);
    return c->core && c->path && c->stream && c->images && c->stream_bits && c->result &&
           c->received && c->image && c->token && c->taken && c->value;
}

static bool make_all(struct chip *c)
{
    if (!allocate(c))
        return false;
    for (uint32_t i = 0; i < c->n_site; i++)
        if (!make_core(c, i))
            return false;
    if (!make_streams(c) || !make_design(c))
        return false;
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
    if (c->kernel)
        kernel_free(c->kernel);
    for (uint32_t i = 0; c->core && i < c->n_site; i++) {
        if (c->core[i] && c->core[i]->kind)
            c->core[i]->kind->release(c->core[i]);
        free(c->core[i]);
    }
    for (uint32_t i = 0; c->path && i < c->n_site; i++)
        free(c->path[i]);
    for (uint32_t i = 0; c->images && i < c->n_site; i++)
        chan_release(&c->images[i]);
    fabric_net_release(&c->net);
    free(c->core);
    free(c->path);
    free(c->stream);
    free(c->images);
    free(c->stream_bits);
    free(c->block);
    free(c->chan);
    free(c->result);
    free(c->received);
    free(c->image);
    free(c->token);
    free(c->taken);
    free(c->value);
    free(c);
}

bool chip_inject(struct chip *c, const int8_t *pixels)
{
    const struct image_head head = { .image = c->cfg.first_image + c->injected };

    for (uint32_t i = 0; i < c->n_site; i++)
        if (c->core[i]->kind->takes_images && !chan_can_push(&c->images[i]))
            return false;
    memcpy(c->image, &head, sizeof head);
    if (c->cfg.planes.n > 0)
        memcpy(c->image + sizeof head, pixels, image_bytes(c));
    for (uint32_t i = 0; i < c->n_site; i++) {
        bool in = !c->core[i]->kind->takes_images ||
                  kernel_inject(c->kernel, &c->images[i], 0, c->image);
        assert(in);
        (void)in;
    }
    c->injected++;
    return true;
}

enum err chip_run(struct chip *c, int64_t until_timestep, struct err_msg *m)
{
    const struct plan *p = c->cfg.plan;
    int64_t until = until_timestep + (int64_t)p->time.lead + 1;

    if (until > 0)
        kernel_run(c->kernel, (uint64_t)until * p->timestep_clk - 1);
    if (!c->fault.set)
        return ERR_NONE;
    *m = c->fault.msg;
    return ERR_RUN;
}

static int32_t result_value(const struct layer *l, const uint8_t *value, uint32_t i)
{
    if (l->raw_output)
        return ((const int32_t *)(const void *)value)[i];
    return l->out_signed ? (int8_t)value[i] : value[i];
}

/* The same in two planes, `bytes` apart. */
static int64_t wide_result(const struct layer *l, const uint8_t *value, size_t bytes, uint32_t i)
{
    if (l->raw_output)
        return wide_sum((const int32_t *)(const void *)value + i, bytes / sizeof(int32_t));
    return wide_value(value + i, value + bytes + i, l->out_signed);
}

/* Pixels [first, end) of a token to where they lie in the result. */
static void take_pixels(struct chip *c, uint32_t stream, const struct token *t, uint32_t first,
                        uint32_t end)
{
    const struct plan *p = c->cfg.plan;
    const struct plan_stream *st = &p->stream[stream];
    const struct layer *result = network_result(p->network);
    const struct shape s = layer_delivers(result);
    const size_t bytes = stream_value_bytes(p, stream);

    for (uint32_t i = first; i < end; i++) {
        size_t pixel = (size_t)t->pixel[i].column * s.height + t->pixel[i].row;
        const uint8_t *value = token_values_const(t, i, c->cfg.planes.n * bytes);
        for (uint32_t n = 0; n < planes_streams(&c->cfg.planes); n++, value += bytes) {
            int64_t *to = c->value + (n * (size_t)c->n_pixel + pixel) * s.channels + st->first;
            for (uint32_t k = 0; k < st->n; k++)
                to[k] = c->cfg.planes.wide ? wide_result(result, value, bytes, k)
                                           : result_value(result, value, k);
            value += c->cfg.planes.wide ? bytes : 0;
        }
    }
}

/* Takes what has come of the result of `image` on its i-th stream; true once that is all. The last
 * pixels of a token may be of the next image, and then wait for it. */
static bool take_stream(struct chip *c, uint32_t i, uint64_t *image)
{
    struct token *t = (struct token *)(void *)(c->token + i * c->token_size);
    struct chan *rx = c->stream[c->result[i]].rx;

    while (c->received[i] < c->n_pixel) {
        if (c->taken[i] == t->n) {
            if (chan_count(rx) == 0 || !kernel_drain(c->kernel, rx, t))
                break;
            c->taken[i] = 0;
        }
        const uint32_t first = c->taken[i];
        const uint32_t n = min_u32(t->n - first, c->n_pixel - c->received[i]);
        take_pixels(c, c->result[i], t, first, first + n);
        c->received[i] += n;
        c->taken[i] += n;
        *image = t->pixel[first].image;
        c->newest = max_i64(c->newest, (int64_t)t->timestep - (int64_t)c->cfg.plan->time.lead);
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
        if (chan_count(c->stream[c->result[i]].rx) > 0)
            return false; // on its way out
    return kernel_next_cyc(c->kernel) == CYC_NEVER;
}

void chip_describe(const struct chip *c, FILE *out)
{
    kernel_describe(c->kernel, out);
}

const struct core_counters *chip_counters(const struct chip *c, uint32_t core)
{
    return &c->core[core]->report.counters;
}

bool chip_fired(const struct chip *c, uint32_t core, int64_t *first, int64_t *last)
{
    const struct core_report *r = &c->core[core]->report;
    const int64_t lead = (int64_t)c->cfg.plan->time.lead;

    *first = (int64_t)r->first_fired - lead;
    *last = (int64_t)r->last_fired - lead;
    return r->any_fired;
}

uint64_t chip_stream_bits(const struct chip *c, uint32_t stream)
{
    return c->stream_bits[stream];
}
