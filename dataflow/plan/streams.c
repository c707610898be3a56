/* dataflow/plan/streams.c -- every link between two cores, and who reads back for whom. */
#include <stdlib.h>

#include "core/util.h"
#include "dataflow/plan/structure.h"
#include "dataflow/plan/tokens.h"

struct builder {
    const struct plan       *p; // layers and cores
    struct structure_streams out;
    uint32_t                 room; // streams allocated
    bool                     no_memory;
};

static void add_stream(struct builder *b, const struct plan_stream *stream)
{
    struct structure_streams *out = &b->out;

    if (out->n == b->room) {
        uint32_t room = b->room ? 2 * b->room : 64;
        struct plan_stream *more = realloc(out->stream, room * sizeof *more);
        if (!more) {
            b->no_memory = true;
            return;
        }
        out->stream = more;
        b->room = room;
    }
    out->stream[out->n++] = *stream;
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

    for (uint32_t column = 0; column < width; column++)
        if (plan_owner(p, from, column) == from_copy && plan_owner(p, to, column) == to_copy)
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

    for (uint32_t g = 0; g < pl->splits; g++) {
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
                                                 .value_bits = plan_delivered_bits(p, from) });
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
                                         .value_bits = plan_delivered_bits(p, from) });
}

/* The values that a flat layer's part multiplies: those of its positions, of each of its channels
 * in streams of their own. */
static void flat_streams(struct builder *b, uint32_t from, uint32_t copy, uint32_t offset,
                         uint32_t to)
{
    const struct plan_core *c = &b->p->core[to];

    for (uint32_t i = 0; i < c->in_n; i++) {
        uint32_t begin = b->out.n, first, end;
        from_layer(b, STREAM_FORWARD, from, copy, offset, to, c->in_first + i, 1);
        plan_flat_positions(b->p, c, i, &first, &end);
        for (uint32_t k = begin; k < b->out.n; k++) {
            b->out.stream[k].pos_first = first;
            b->out.stream[k].pos_n = end - first;
        }
    }
}

/* The channels that a core of a layer of tokens stores of one of its inputs, side by side. */
static void token_streams(struct builder *b, uint32_t from, uint32_t copy, uint32_t offset,
                          uint32_t to)
{
    const struct plan_core *c = &b->p->core[to];
    struct token_range range[TOKEN_RANGES];
    const uint32_t n = tokens_ranges(b->p, c->plan_layer, c->split, range);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t begin = b->out.n;
        from_layer(b, STREAM_FORWARD, from, copy, offset, to, range[i].first, range[i].n);
        for (uint32_t k = begin; k < b->out.n; k++)
            b->out.stream[k].to_first += range[i].at - range[i].first;
    }
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
            bool tokens = layer_is_of_tokens(l);
            bool lacks = !tokens && plan_lacks(&p->core[to], offset, channels);
            for (uint32_t copy = 0; copy < p->layer[from].copies; copy++)
                if (tokens)
                    token_streams(b, from, copy, offset, to);
                else if (lacks)
                    valid_stream(b, from, copy, to);
                else if (p->layer[layer].flat)
                    flat_streams(b, from, copy, offset, to);
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
                                                 .value_bits = plan_sum_bits(p, layer) });
    }
}

static void direct_residual_streams(struct builder *b, uint32_t layer)
{
    const struct plan *p = b->p;
    const struct plan_layer *pl = &p->layer[layer];

    for (uint32_t copy = 0; copy < pl->copies; copy++)
        for (uint32_t g = 0; g < pl->splits; g++) {
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
    const struct read_back *rb = &b->out.read_back[read_back];
    uint32_t bits = plan_input_bits(p, rb->reader);

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
                                                 .value_bits = bits,
                                                 .read_back = read_back });
    }
}

static void add_read_back(struct builder *b, uint32_t receiver, uint32_t copy, uint32_t reader)
{
    const struct plan *p = b->p;
    const struct plan_layer *pl = &p->layer[receiver];
    const uint32_t *stride = plan_network_layer(p, receiver)->window.stride;
    bool resampling = pl->feed == FEED_READ_BACK;
    uint32_t index = b->out.n_read_back++;

    b->out.read_back[index] = (struct read_back){
        .reader = reader,
        .reader_copy = copy % p->layer[reader].copies,
        .receiver = receiver,
        .receiver_copy = copy,
        .stride = { resampling ? stride[0] : 1, resampling ? stride[1] : 1 },
    };
    for (uint32_t k = 0; k < pl->splits * pl->parts; k++) {
        uint32_t to = plan_core_of(p, receiver, copy, k / pl->parts, k % pl->parts);
        const struct plan_core *c = &p->core[to];
        if (resampling)
            from_memory(b, STREAM_TO_RESAMPLING, index, to, c->in_first, c->in_n);
        else if (c->part + 1 == pl->parts)
            from_memory(b, STREAM_RESIDUAL, index, to, c->out_first, c->out_n);
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
    const struct plan *p = b->p;
    const struct plan_layer *pl = &p->layer[layer];

    for (uint32_t k = 0; k < pl->n_core; k++) {
        const struct plan_core *c = &p->core[pl->first_core + k];
        uint32_t each = pl->flat ? 1 : c->in_n, first = 0, end = 0;
        for (uint32_t i = 0; i < c->in_n; i += each) {
            if (pl->flat)
                plan_flat_positions(p, c, i, &first, &end);
            add_stream(b, &(struct plan_stream){ .kind = STREAM_IMAGE,
                                                 .to = pl->first_core + k,
                                                 .first = c->in_first + i,
                                                 .n = each,
                                                 .to_first = c->in_first + i,
                                                 .value_bits = plan_input_bits(p, layer),
                                                 .pos_first = first,
                                                 .pos_n = end - first });
        }
    }
}

/* Of a layer that adds the image. */
static void image_residual_streams(struct builder *b, uint32_t layer)
{
    const struct plan *p = b->p;
    const struct plan_layer *pl = &p->layer[layer];

    for (uint32_t k = 0; k < pl->n_core; k++) {
        const struct plan_core *c = &p->core[pl->first_core + k];
        if (c->part + 1 == pl->parts)
            add_stream(b, &(struct plan_stream){ .kind = STREAM_IMAGE_RESIDUAL,
                                                 .to = pl->first_core + k,
                                                 .first = c->out_first,
                                                 .n = c->out_n,
                                                 .to_first = c->out_first,
                                                 .value_bits = network_value_bits(p->network, 0) *
                                                               p->train });
    }
}

static void result_streams(struct builder *b)
{
    const struct plan *p = b->p;
    uint32_t layer = p->n_layer - 1;
    const struct plan_layer *pl = &p->layer[layer];
    uint32_t bits = network_delivered_bits(p->network, pl->layer);
    bits *= p->network->layer[pl->layer].raw_output ? 1 : p->train; // sums of all steps

    for (uint32_t copy = 0; copy < pl->copies; copy++)
        for (uint32_t g = 0; g < pl->splits; g++) {
            uint32_t from = plan_core_of(p, layer, copy, g, pl->parts - 1);
            add_stream(b, &(struct plan_stream){ .kind = STREAM_RESULT,
                                                 .from = from,
                                                 .first = p->core[from].out_first,
                                                 .n = p->core[from].out_n,
                                                 .to_first = p->core[from].out_first,
                                                 .value_bits = bits });
        }
}

enum err structure_streams(const struct plan *p, struct structure_streams *out, struct err_msg *m)
{
    struct builder b = { .p = p };
    uint32_t n_copy = 0;

    for (uint32_t i = 0; i < p->n_layer; i++)
        n_copy += p->layer[i].copies;
    b.out.read_back = calloc(n_copy, sizeof *b.out.read_back);
    b.out.image_feed = calloc(p->n_layer, sizeof *b.out.image_feed);
    b.no_memory = !b.out.read_back || !b.out.image_feed;
    for (uint32_t i = 0; !b.no_memory && i < p->n_layer; i++) {
        if (p->layer[i].feed == FEED_SCRATCHPAD || p->layer[i].residual == RESIDUAL_IMAGE)
            b.out.image_feed[b.out.n_image_feed++].layer = i; // one, even if it does both
        if (p->layer[i].feed == FEED_SCRATCHPAD)
            image_streams(&b, i);
        if (p->layer[i].feed == FEED_PRODUCER)
            forward_streams(&b, i);
        partial_sum_streams(&b, i);
        if (p->layer[i].residual == RESIDUAL_DIRECT)
            direct_residual_streams(&b, i);
        if (p->layer[i].residual == RESIDUAL_IMAGE)
            image_residual_streams(&b, i);
        read_back_streams(&b, i);
    }
    if (!b.no_memory)
        result_streams(&b);
    *out = b.out;
    return b.no_memory ? err_set(m, ERR_MEMORY, "no memory for the plan's streams") : ERR_NONE;
}
