/* dataflow/plan/streams.c -- every link between two cores, and what is read back when. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/util.h"
#include "dataflow/plan/passes.h"

struct builder {
    struct plan           *p;
    const struct schedule *s;
    uint32_t               room; // streams allocated
    bool                   no_memory;
};

static struct plan_stream *add_stream(struct builder *b, const struct plan_stream *stream)
{
    struct plan *p = b->p;

    if (p->n_stream == b->room) {
        uint32_t room = b->room ? 2 * b->room : 64;
        struct plan_stream *more = realloc(p->stream, room * sizeof *more);
        if (!more) {
            b->no_memory = true;
            return NULL;
        }
        p->stream = more;
        b->room = room;
    }
    p->stream[p->n_stream] = *stream;
    return &p->stream[p->n_stream++];
}

/* Channels that both [a, a + na) and [b, b + nb) hold. */
static uint32_t overlap(uint32_t a, uint32_t na, uint32_t b, uint32_t nb, uint32_t *first)
{
    uint32_t end = min_u32(a + na, b + nb);

    *first = max_u32(a, b);
    return end > *first ? end - *first : 0;
}

/* Whether any output column goes from one copy of a layer to one copy of another. */
static bool share_columns(const struct plan *p, uint32_t from, uint32_t from_copy, uint32_t to,
                          uint32_t to_copy)
{
    uint32_t width = plan_network_layer(p, from)->out.width;

    for (uint32_t y = 0; y < width; y++)
        if (plan_owner(p, from, y) == from_copy && plan_owner(p, to, y) == to_copy)
            return true;
    return false;
}

/* From the cores that finish a layer's outputs to one core: the channels [need, need + n_need) of
 * `offset` plus the sender's own numbering. */
static void from_layer(struct builder *b, enum stream_kind kind, uint32_t from, uint32_t from_copy,
                       uint32_t offset, uint32_t to, uint32_t need, uint32_t n_need)
{
    const struct plan *p = b->p;
    const struct plan_layer *pl = &p->layer[from];

    for (uint32_t g = 0; g < pl->groups; g++) {
        uint32_t sender = plan_core_of(p, from, from_copy, g, pl->parts - 1), first;
        const struct plan_core *c = &p->core[sender];
        uint32_t n = overlap(offset + c->out_first, c->out_n, need, n_need, &first);
        if (n > 0)
            add_stream(b, &(struct plan_stream){ .kind = kind,
                                                 .from = sender,
                                                 .to = to,
                                                 .first = first - offset,
                                                 .n = n,
                                                 .to_first = first,
                                                 .value_bits = 8 });
    }
}

static void valid_stream(struct builder *b, uint32_t from, uint32_t copy, uint32_t to)
{
    const struct plan *p = b->p;
    uint32_t sender = plan_core_of(p, from, copy, 0, p->layer[from].parts - 1);

    add_stream(b, &(struct plan_stream){ .kind = STREAM_VALID,
                                         .from = sender,
                                         .to = to,
                                         .first = p->core[sender].out_first,
                                         .to_first = p->core[to].in_first,
                                         .value_bits = 8 });
}

static void forward_streams(struct builder *b, uint32_t layer)
{
    const struct plan *p = b->p;
    const struct layer *l = plan_network_layer(p, layer);

    for (uint32_t k = 0; k < p->layer[layer].n_core; k++) {
        uint32_t to = p->layer[layer].first_core + k, offset = 0;
        for (uint32_t i = 0; i < l->n_input; i++) {
            uint32_t from = l->input[i] - 1;
            uint32_t channels = p->network->layer[l->input[i]].out.channels;
            bool lacks = plan_lacks(&p->core[to], offset, channels);
            for (uint32_t copy = 0; copy < p->layer[from].copies; copy++)
                if (lacks)
                    valid_stream(b, from, copy, to);
                else
                    from_layer(b, STREAM_FORWARD, from, copy, offset, to, p->core[to].in_first,
                               p->core[to].in_n);
            offset += channels;
        }
    }
}

static void partial_sum_streams(struct builder *b, uint32_t layer)
{
    const struct plan *p = b->p;
    const struct plan_layer *pl = &p->layer[layer];

    for (uint32_t k = 0; k < pl->n_core; k++) {
        const struct plan_core *c = &p->core[pl->first_core + k];
        if (c->part + 1 < pl->parts)
            add_stream(b, &(struct plan_stream){ .kind = STREAM_PARTIAL_SUM,
                                                 .from = pl->first_core + k,
                                                 .to = pl->first_core + k + 1,
                                                 .first = c->out_first,
                                                 .n = c->out_n,
                                                 .to_first = c->out_first,
                                                 .value_bits = 32 });
    }
}

static void direct_residual_streams(struct builder *b, uint32_t layer)
{
    const struct plan *p = b->p;
    const struct plan_layer *pl = &p->layer[layer];

    for (uint32_t copy = 0; copy < pl->copies; copy++)
        for (uint32_t g = 0; g < pl->groups; g++) {
            uint32_t to = plan_core_of(p, layer, copy, g, pl->parts - 1), from = pl->residual_from;
            for (uint32_t k = 0; k < p->layer[from].copies; k++)
                if (share_columns(p, from, k, layer, copy))
                    from_layer(b, STREAM_FROM_RESAMPLING, from, k, 0, to, p->core[to].out_first,
                               p->core[to].out_n);
        }
}

/* From the memories of one copy of a layer, part by part, to one core. */
static void from_memory(struct builder *b, enum stream_kind kind, uint32_t read_back, uint32_t to,
                        uint32_t need, uint32_t n_need)
{
    const struct plan *p = b->p;
    const struct read_back *rb = &p->read_back[read_back];

    for (uint32_t part = 0; part < p->layer[rb->reader].parts; part++) {
        uint32_t from = plan_core_of(p, rb->reader, rb->reader_copy, 0, part), first;
        const struct plan_core *c = &p->core[from];
        uint32_t n = overlap(c->in_first, c->in_n, need, n_need, &first);
        if (n > 0)
            add_stream(b, &(struct plan_stream){ .kind = kind,
                                                 .from = from,
                                                 .to = to,
                                                 .first = first,
                                                 .n = n,
                                                 .to_first = first,
                                                 .value_bits = 8,
                                                 .read_back = read_back });
    }
}

/* One row of the timetable: what a receiver's copy gets of one image, in the order of its sums. */
static uint32_t fill_row(const struct builder *b, const struct read_back *rb, uint32_t image,
                         struct read_back_send *send)
{
    const struct plan *p = b->p;
    struct firing_shape shape = plan_firing_shape(p, rb->receiver);
    const struct firing_policy *f = p->layer[rb->receiver].firing;
    struct pixel at = firing_first(f, &shape, rb->receiver_copy, image);
    int64_t hop = p->config->fabric.hop_timesteps, start = (int64_t)(image * p->interval);
    uint32_t n = 0;

    for (; at.image == image; f->next(&shape, rb->receiver_copy, &at)) {
        int64_t t = p->layer[rb->receiver].feed == FEED_READ_BACK
                        ? schedule_stored(b->s, rb->receiver, image, at.x, at.y)
                        : schedule_summed(b->s, rb->receiver, image, at.x, at.y);
        send[n++] = (struct read_back_send){ at.x, at.y, t - hop - start };
    }
    return n;
}

/* The last pixels of an image and the first of the next may go together; the row behind the last
 * repeats it. */
static void count_most(struct read_back *rb, uint64_t interval)
{
    int64_t before = INT64_MIN;
    uint32_t run = 0;

    for (uint32_t image = 0; image <= rb->n_image; image++)
        for (uint32_t i = 0; i < rb->n; i++) {
            size_t row = min_u32(image, rb->n_image - 1);
            int64_t t = rb->send[row * rb->n + i].timestep + (int64_t)(image * interval);
            run = t == before ? run + 1 : 1;
            rb->most_pixels = max_u32(rb->most_pixels, run);
            before = t;
        }
}

static void add_read_back(struct builder *b, uint32_t receiver, uint32_t copy, uint32_t reader)
{
    struct plan *p = b->p;
    const struct layer *l = plan_network_layer(p, receiver);
    bool resampling = p->layer[receiver].feed == FEED_READ_BACK;
    struct read_back *rb = &p->read_back[p->n_read_back];
    size_t outputs = (size_t)l->out.height * l->out.width;

    *rb = (struct read_back){
        .reader = reader,
        .reader_copy = copy % p->layer[reader].copies,
        .receiver = receiver,
        .receiver_copy = copy,
        .stride = { resampling ? l->window.stride[0] : 1, resampling ? l->window.stride[1] : 1 },
        .n_image = b->s->n_image,
    };
    rb->send = calloc(rb->n_image * outputs, sizeof *rb->send);
    if (!rb->send) {
        b->no_memory = true;
        return;
    }
    for (uint32_t image = 0; image < rb->n_image; image++)
        rb->n = fill_row(b, rb, image, rb->send + (size_t)image * rb->n);
    count_most(rb, p->interval);
    p->n_read_back++;

    const struct plan_layer *pl = &p->layer[receiver];
    for (uint32_t k = 0; k < pl->groups * pl->parts; k++) {
        uint32_t to = plan_core_of(p, receiver, copy, k / pl->parts, k % pl->parts);
        const struct plan_core *c = &p->core[to];
        if (resampling)
            from_memory(b, STREAM_TO_RESAMPLING, p->n_read_back - 1, to, c->in_first, c->in_n);
        else if (c->part + 1 == pl->parts)
            from_memory(b, STREAM_RESIDUAL, p->n_read_back - 1, to, c->out_first, c->out_n);
    }
}

static void read_back_streams(struct builder *b, uint32_t layer)
{
    const struct plan_layer *pl = &b->p->layer[layer];

    for (uint32_t copy = 0; !b->no_memory && copy < pl->copies; copy++) {
        if (pl->feed == FEED_READ_BACK)
            add_read_back(b, layer, copy, pl->feeder);
        else if (pl->residual == RESIDUAL_READ_BACK)
            add_read_back(b, layer, copy, pl->residual_from);
    }
}

static void image_streams(struct builder *b, uint32_t layer)
{
    struct plan *p = b->p;
    const struct plan_layer *pl = &p->layer[layer];
    size_t n = (size_t)pl->in_height * pl->in_width;
    struct image_feed *feed = &p->image_feed[p->n_image_feed++];

    *feed = (struct image_feed){ .layer = layer, .stored = calloc(n, sizeof *feed->stored) };
    if (!feed->stored) {
        b->no_memory = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        feed->stored[i] = b->s->stored[layer][i];
    if (feed->stored[0] <= 0) // pixels come in order: the first is the earliest
        p->lead = max_u64(p->lead, (uint64_t)(1 - feed->stored[0]));
    for (uint32_t k = 0; k < pl->n_core; k++) {
        const struct plan_core *c = &p->core[pl->first_core + k];
        add_stream(b, &(struct plan_stream){ .kind = STREAM_IMAGE,
                                             .to = pl->first_core + k,
                                             .first = c->in_first,
                                             .n = c->in_n,
                                             .to_first = c->in_first,
                                             .value_bits = 8,
                                             .most_pixels = (uint32_t)ceil_div(n, p->interval) });
    }
}

static void result_streams(struct builder *b)
{
    const struct plan *p = b->p;
    uint32_t layer = p->n_layer - 1;
    const struct plan_layer *pl = &p->layer[layer];

    for (uint32_t copy = 0; copy < pl->copies; copy++)
        for (uint32_t g = 0; g < pl->groups; g++) {
            uint32_t from = plan_core_of(p, layer, copy, g, pl->parts - 1);
            add_stream(b, &(struct plan_stream){
                              .kind = STREAM_RESULT,
                              .from = from,
                              .first = p->core[from].out_first,
                              .n = p->core[from].out_n,
                              .to_first = p->core[from].out_first,
                              .value_bits = plan_network_layer(p, layer)->raw_output ? 32 : 8 });
        }
}

enum err plan_streams(struct plan *p, const struct schedule *s, struct err_msg *m)
{
    struct builder b = { .p = p, .s = s };
    uint32_t n_copy = 0;

    for (uint32_t i = 0; i < p->n_layer; i++)
        n_copy += p->layer[i].copies;
    p->read_back = calloc(n_copy, sizeof *p->read_back);
    p->image_feed = calloc(p->n_layer, sizeof *p->image_feed);
    b.no_memory = !p->read_back || !p->image_feed;
    for (uint32_t i = 0; !b.no_memory && i < p->n_layer; i++) {
        if (p->layer[i].feed == FEED_SCRATCHPAD)
            image_streams(&b, i);
        if (p->layer[i].feed == FEED_PRODUCER)
            forward_streams(&b, i);
        partial_sum_streams(&b, i);
        if (p->layer[i].residual == RESIDUAL_DIRECT)
            direct_residual_streams(&b, i);
        read_back_streams(&b, i);
    }
    if (!b.no_memory)
        result_streams(&b);
    return b.no_memory ? err_set(m, ERR_MEMORY, "no memory for the plan's streams") : ERR_NONE;
}
