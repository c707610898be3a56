/* arch/scratchpad.c -- see scratchpad.h. */
#include "arch/scratchpad.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of one plane. */
static size_t pixel_bytes(const struct shape *s)
{
    return (size_t)s->height * s->width * s->channels;
}

size_t scratchpad_image_bytes(const struct plan *p, uint32_t planes)
{
    return sizeof(struct image_head) + planes * pixel_bytes(&p->network->layer[0].out);
}

/* Timestep in which a pixel of the image being sent is to be stored. */
static uint64_t stored_timestep(const struct scratchpad *s)
{
    uint64_t nth = s->number - s->first_image;
    int64_t start = (int64_t)(s->plan->time.lead + nth * s->plan->interval);

    return (uint64_t)(start + s->times->stored[s->at]);
}

static void fail(const struct scratchpad *s, uint64_t now_cyc)
{
    struct fault *f = s->fault;

    if (f->set && f->cyc <= now_cyc)
        return;
    f->set = true;
    f->cyc = now_cyc;
    f->core = UINT32_MAX;
    err_set(&f->msg, ERR_RUN, "%s: image %" PRIu64 " came too late: want one every %" PRIu64
            " timesteps", s->base.path, s->number, s->plan->interval);
}

static void take_image(struct scratchpad *s, uint64_t now_cyc)
{
    const struct image_head *head = chan_pop(s->images, now_cyc);

    s->number = head->image;
    s->at = 0;
    s->sending = true;
    if (s->planes.n > 0)
        memcpy(s->image, head + 1, scratchpad_image_bytes(s->plan, s->planes.n) - sizeof *head);
}

static void add_pixel(struct scratchpad *s, struct core_port *port, struct token *t)
{
    const struct pixel px = { s->number, (uint32_t)(s->at % s->height),
                                    (uint32_t)(s->at / s->height) };

    uint8_t *to = token_values(t, t->n, port->value_bytes);
    size_t from = s->at * s->channels + port->first;
    size_t apart = (size_t)s->height * s->width * s->channels;

    for (uint32_t p = 0; p < s->planes.n; p++)
        memcpy(to + p * port->n, s->image + p * apart + from, port->n);
    t->pixel[t->n++] = px;
    if (stream_carries(&s->plan->stream[port->stream], s->width, px.x, px.y))
        port->bits += (uint64_t)planes_counting(&s->planes, s->number) * port->n * 8;
}

/* Sends what is to be stored in timestep `due`, in one token; an image may end in it. */
static void send_pixels(struct scratchpad *s, uint64_t now_cyc, uint64_t due)
{
    bool open = false;

    while (s->sending || chan_can_pop(s->images, now_cyc)) {
        if (!s->sending)
            take_image(s, now_cyc);
        if (stored_timestep(s) > due)
            return;
        if (stored_timestep(s) < due) {
            fail(s, now_cyc);
            return;
        }
        for (uint32_t i = 0; i < s->n_out; i++) {
            struct core_port *port = &s->out[i];
            if (!open)
                port->token = token_begin(chan_push(port->chan, due * s->plan->timestep_clk),
                                          due - 1, s->plan->time.stream[port->stream].most_pixels);
            add_pixel(s, port, port->token);
        }
        open = true;
        s->sending = ++s->at < (size_t)s->height * s->width;
    }
}

static uint64_t scratchpad_step(struct block *b, uint64_t now_cyc)
{
    struct scratchpad *s = (struct scratchpad *)b;
    uint64_t clk = s->plan->timestep_clk, timestep = now_cyc / clk;

    if (now_cyc % clk == 0)
        send_pixels(s, now_cyc, timestep + 1);
    if (!s->sending)
        return chan_count(s->images) > 0 ? (timestep + 1) * clk : CYC_NEVER;
    return s->fault->set ? CYC_NEVER : (stored_timestep(s) - 1) * clk;
}

static void scratchpad_describe(const struct block *b, FILE *out)
{
    const struct scratchpad *s = (const struct scratchpad *)b;

    if (s->sending)
        fprintf(out, "%s: pixel %zu of image %" PRIu64 " is next\n", b->path, s->at, s->number);
    else
        fprintf(out, "%s: waits for an image\n", b->path);
}

static const struct block_ops scratchpad_ops = {
    .type = "scratchpad", .step = scratchpad_step, .describe = scratchpad_describe,
};

bool scratchpad_init(struct scratchpad *s, const char *path, const struct plan *p,
                     uint32_t feed, const struct planes *planes,
                     uint64_t first_image, struct fault *fault)
{
    const struct shape *shape = &p->network->layer[0].out;

    *s = (struct scratchpad){
        .base = { .ops = &scratchpad_ops, .path = path },
        .plan = p,
        .times = &p->time.image_feed[feed],
        .height = shape->height,
        .width = shape->width,
        .channels = shape->channels,
        .planes = *planes,
        .first_image = first_image,
        .fault = fault,
    };
    s->image = malloc(scratchpad_image_bytes(p, planes->n));
    return s->image != NULL;
}

void scratchpad_release(struct scratchpad *s)
{
    free(s->out);
    free(s->image);
    *s = (struct scratchpad){ 0 };
}

bool scratchpad_connect(struct scratchpad *s, uint32_t stream, struct chan *chan)
{
    const struct plan_stream *st = &s->plan->stream[stream];
    struct core_port *more = realloc(s->out, (s->n_out + 1) * sizeof *more);

    if (!more)
        return false;
    s->out = more;
    more[s->n_out++] = (struct core_port){
        .chan = chan,
        .stream = stream,
        .first = st->first,
        .n = st->n,
        .value_bytes = s->planes.n * stream_value_bytes(s->plan, stream),
    };
    return true;
}
