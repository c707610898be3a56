/* arch/core/scratchpad.c -- the kind of core that hands the pixels of images to a layer that reads
 * them.
 *
 * One scratchpad feeds the cores of one layer. It sends the pixels of each image in scan order, by
 * the timetable of the plan (image_feed): as late as the layer's firings allow, so that the layer
 * never waits and never runs ahead. Pixels for the first firings leave before timestep 0, the
 * plan's lead earlier. Images must be there in time: one that comes late is a fault.
 *
 *     images  one payload per image: struct image_head, then each plane's pixels in scan order
 *     out     tokens of pixels, one channel per core of the layer
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arch/core/port.h"

struct scratchpad {
    struct core              base; // first
    const struct image_times *times; // borrowed
    struct planes            planes;
    uint64_t                 first_image;
    uint32_t                 height, width, channels;
    uint64_t                *stream_bits; // borrowed
    struct chan             *images;
    struct port             *out; // owned
    uint32_t                 n_out;
    uint8_t                 *image; // owned; [planes]: pixels of the image being sent
    bool                     sending;
    uint64_t                 number; // of that image
    size_t                   at;     // next pixel, in scan order
};

/* Of one plane. */
static size_t image_bytes(const struct scratchpad *s)
{
    return (size_t)s->height * s->width * s->channels;
}

/* Timestep in which a pixel of the image being sent is to be stored. */
static uint64_t stored_timestep(const struct scratchpad *s)
{
    const struct plan *p = s->base.plan;
    int64_t start = (int64_t)(p->time.lead + (s->number - s->first_image) * p->interval);

    return (uint64_t)(start + s->times->stored[s->at]);
}

static void came_late(const struct scratchpad *s, uint64_t now_cyc)
{
    struct err_msg *m = core_fault(&s->base, now_cyc);

    if (m)
        err_set(m, ERR_RUN, "%s: image %" PRIu64 " came too late: want one every %" PRIu64
                " timesteps", s->base.base.path, s->number, s->base.plan->interval);
}

static void take_image(struct scratchpad *s, uint64_t now_cyc)
{
    const struct image_head *head = chan_pop(s->images, now_cyc);

    s->number = head->image;
    s->at = 0;
    s->sending = true;
    if (s->planes.n > 0)
        memcpy(s->image, head + 1, s->planes.n * image_bytes(s));
}

static void add_pixel(const struct scratchpad *s, const struct port *port, const struct pixel *px)
{
    struct token *t = port->token;
    uint8_t *to = token_values(t, t->n, port->value_bytes);
    size_t from = s->at * s->channels + port->first;

    for (uint32_t p = 0; p < s->planes.n; p++)
        memcpy(to + p * port->n, s->image + p * image_bytes(s) + from, port->n);
    t->pixel[t->n++] = *px;
    if (stream_carries(port->st, s->width, px->row, px->column))
        port_count(port, &s->base, t->timestep, planes_counting(&s->planes, s->number));
}

/* The next pixel, on every link, in the token of timestep `due`, which begins with it when
 * `first`. */
static void send_pixel(struct scratchpad *s, uint64_t now_cyc, uint64_t due, bool first)
{
    const struct pixel px = { s->number, (uint32_t)(s->at % s->height),
                              (uint32_t)(s->at / s->height) };

    for (uint32_t i = 0; i < s->n_out; i++) {
        struct port *port = &s->out[i];
        if (first)
            port->token = port_begin(port, due * s->base.plan->timestep_clk, due - 1);
        if (port->token)
            add_pixel(s, port, &px);
        else
            core_fail(&s->base, now_cyc, "no room on the link for", &px);
    }
}

/* Sends what is to be stored in timestep `due`, in one token; an image may end in it. */
static void send_pixels(struct scratchpad *s, uint64_t now_cyc, uint64_t due)
{
    bool first = true;

    while (s->sending || chan_can_pop(s->images, now_cyc)) {
        if (!s->sending)
            take_image(s, now_cyc);
        if (stored_timestep(s) > due)
            return;
        if (stored_timestep(s) < due) {
            came_late(s, now_cyc);
            return;
        }
        send_pixel(s, now_cyc, due, first);
        first = false;
        s->sending = ++s->at < (size_t)s->height * s->width;
    }
}

static uint64_t step(struct block *b, uint64_t now_cyc)
{
    struct scratchpad *s = (struct scratchpad *)b;
    uint64_t clk = s->base.plan->timestep_clk, timestep = now_cyc / clk;

    if (now_cyc % clk == 0)
        send_pixels(s, now_cyc, timestep + 1);
    if (!s->sending)
        return chan_count(s->images) > 0 ? (timestep + 1) * clk : CYC_NEVER;
    return s->base.fault->set ? CYC_NEVER : (stored_timestep(s) - 1) * clk;
}

static void describe(const struct block *b, FILE *out)
{
    const struct scratchpad *s = (const struct scratchpad *)b;

    if (s->sending)
        fprintf(out, "%s: pixel %zu of image %" PRIu64 " is next\n", b->path, s->at, s->number);
    else
        fprintf(out, "%s: waits for an image\n", b->path);
}

static bool takes(const struct plan *p, uint32_t site)
{
    return site >= p->n_core;
}

static bool init(struct core *core, const struct core_cfg *cfg)
{
    struct scratchpad *s = (struct scratchpad *)core;
    const struct plan *p = core->plan;
    const struct shape *shape = &p->network->layer[0].out;

    s->times = &p->time.image_feed[core->site - p->n_core];
    s->height = shape->height;
    s->width = shape->width;
    s->channels = shape->channels;
    s->planes = cfg->planes;
    s->first_image = cfg->first_image;
    s->stream_bits = cfg->stream_bits;
    s->image = malloc(1 + s->planes.n * image_bytes(s)); // 1: no failure in a timing run
    return s->image != NULL;
}

static bool connect_in(struct core *core, uint32_t stream, struct chan *chan)
{
    struct scratchpad *s = (struct scratchpad *)core;

    if (stream == CORE_IMAGES)
        s->images = chan;
    return stream == CORE_IMAGES;
}

static bool connect_out(struct core *core, uint32_t stream, struct chan *chan)
{
    struct scratchpad *s = (struct scratchpad *)core;
    const struct port port = port_of(core->plan, stream, chan, core->plan->stream[stream].first,
                                     s->planes.n, s->stream_bits);

    return port_append(&s->out, &s->n_out, &port);
}

static void release(struct core *core)
{
    struct scratchpad *s = (struct scratchpad *)core;

    free(s->out);
    free(s->image);
}

const struct core_kind core_scratchpad = {
    .name = "scratchpad",
    .path = "chip.scratchpad.",
    .bytes = sizeof(struct scratchpad),
    .takes_images = true,
    .ops = { .type = "scratchpad", .step = step, .describe = describe },
    .takes = takes,
    .init = init,
    .connect_in = connect_in,
    .connect_out = connect_out,
    .release = release,
};
