/* test/naive_elastic.c -- see naive_elastic.h. */
#include "test/naive_elastic.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "memory/registers.h"
#include "network/tokens/tokens.h"
#include "noc/fabric.h"
#include "test/naive_router.h"

struct meter { // clocks of a stage by state; and since it worked last
    uint64_t clk[N_ELASTIC_STATE], since[N_ELASTIC_STATE];
    bool     worked;
};

struct filled {
    uint32_t most;
    uint64_t full_clk;
};

struct moved { // a pixel on a stream
    struct pixel at;
    uint64_t     come, freed; // clocks; UINT64_MAX: not yet
    bool         ends_token;
};

struct stream {
    const struct plan_stream *st;
    struct moved *px;              // owned
    uint32_t n_px, size, taken;    // sent; of the buffer; stored or added
    uint32_t n_gone;               // the first ones, whose places are known to be free
    uint32_t token_from;           // stored pixels that are not visible yet begin here
    uint64_t busy_until;           // of its link
    bool     busy;
    uint32_t next;                 // token of its buffer
    const struct buffer *from;
    uint32_t served;               // of the first to its core: who was served last, + 1
    uint32_t credit_clk;
    struct elastic_stream count;
    struct meter  meter;
    struct filled filled;
    uint32_t lead;                 // of those that are one packet, the first
    struct naive_packet *packet;   // owned; of a lead, each token's; NULL: has a link of its own
    uint32_t n_packet, handed, hops; // handed: tokens of it that have come
    uint64_t handed_clk;           // the last of them
};

struct token {
    struct pixel px[64];
    uint32_t     n, left;
};

enum { MOST_STREAMS = 1024 }; // of a core

struct buffer {
    struct token *token; // owned
    uint32_t      n, used, size;
    uint32_t      to[MOST_STREAMS], n_to;
    struct filled filled;
};

struct back {
    uint32_t      which; // of plan->read_back
    struct pixel *order; // owned
    uint32_t      n, begun, done;
    struct buffer out;
};

struct own_core {
    uint32_t       index, n_out; // outputs of all images
    struct pixel  *out;          // owned; in order
    bool          *loaded;       // owned; [n_out]: read
    uint8_t       *visible;      // owned; [image][column][row]: slices
    uint8_t       *slices;       // owned; [column][row]
    uint32_t      *reader;       // owned; [image][column][row][strip]: output + 1 that reads it
    uint32_t       n_strip;
    struct input_registers registers;
    struct pixel   wanted;
    uint32_t       in[MOST_STREAMS], n_in, added[MOST_STREAMS], n_added;
    uint32_t       sums; // a stream; UINT32_MAX: the first of its chain
    struct back    back[16];
    uint32_t       n_back;
    struct buffer  results; // tokens
    uint32_t       there; // an output + 1: of its firing the port lacks nothing
    uint32_t       load_next, load_n, array_n, array_next, digital_next, digital_n, made;
    uint32_t       result[1024], n_result, digital_places;
    int            port; // 0 idle, 1 stores, 2 reads back, 3 reads
    uint32_t       port_of;
    uint64_t       port_end, load_end, array_end, digital_end;
    int            regs; // 0 empty, 1 loading, 2 full, 3 in use
    bool           array_busy, digital_busy;
    struct meter   meter[ELASTIC_LINK];
    struct elastic_core count;
};

struct machine {
    const struct plan        *p;
    const struct elastic_cfg *e;
    const struct naive_array *array; // or NULL
    uint32_t       n_image;
    const uint64_t *there_clk; // [n_image]; NULL: all are there
    struct stream *stream;
    struct own_core *core;
    struct buffer *pad; // of each image feed
    uint32_t      *pad_next;
    uint64_t       now, changed;
    uint64_t      *result;
    uint64_t       start[NAIVE_ELASTIC_IMAGES];
    const struct elastic_places *places; // NULL: a link for every stream
    struct naive_routers *routers;
    uint32_t      *node; // owned; of each stream's sender
};

static uint32_t outputs_of(const struct plan *p, uint32_t layer, uint32_t copy, uint32_t n_image,
                           struct pixel **list)
{
    const struct firing_shape shape = plan_firing_shape(p, layer);
    struct pixel at = firing_first(p->layer[layer].firing, &shape, copy, 0);
    uint32_t n = 0;

    *list = calloc((size_t)n_image * shape.height * shape.width + 1, sizeof **list);
    for (; at.image < n_image; p->layer[layer].firing->next(&shape, copy, &at))
        (*list)[n++] = at;
    return n;
}

static size_t map_at(const struct own_core *c, const struct plan *p, uint64_t image, uint32_t row,
                     uint32_t column)
{
    const struct plan_layer *pl = &p->layer[p->core[c->index].plan_layer];

    return ((size_t)image * pl->in_width + column) * pl->in_height + row;
}

/* ---- streams ---- */

static uint32_t room(const struct machine *m, const struct stream *s)
{
    uint32_t known = s->n_gone;

    for (uint32_t i = s->n_gone; i < s->n_px; i++)
        known += s->px[i].freed != UINT64_MAX && s->px[i].freed + s->credit_clk <= m->now;
    return s->size - (s->n_px - known);
}

static bool has_come(const struct machine *m, const struct stream *s, uint32_t i)
{
    return i < s->n_px && s->px[i].come <= m->now;
}

/* A residual pixel that no output adds is let go as it comes. */
static bool is_dropped(const struct machine *m, const struct stream *s, const struct pixel *px)
{
    if (s->st->kind != STREAM_RESIDUAL && s->st->kind != STREAM_FROM_RESAMPLING &&
        s->st->kind != STREAM_IMAGE_RESIDUAL)
        return false;
    const struct own_core *to = &m->core[s->st->to];
    for (uint32_t i = 0; i < to->n_out; i++)
        if (to->out[i].row == px->row && to->out[i].column == px->column)
            return false;
    return true;
}

static bool has_token(const struct stream *s)
{
    return !s->busy && s->from && s->next < s->from->n;
}

/* Who gets it has room, and all others that get the same packet. */
static bool can_start(const struct machine *m, const struct stream *s)
{
    if (!has_token(s) || room(m, s) < s->from->token[s->next].n)
        return false;
    for (uint32_t i = 0; s->packet && i < m->p->n_stream; i++)
        if (m->stream[i].lead == s->lead && room(m, &m->stream[i]) < s->from->token[s->next].n)
            return false;
    return true;
}

/* Of streams that share a link: whether nobody sends, and all that come between the one served last
 * and this one cannot. */
static bool has_turn(struct machine *m, uint32_t stream)
{
    const struct plan_stream *st = m->stream[stream].st;
    uint32_t same[MOST_STREAMS], n = 0, at = 0, after = 0;

    if (strcmp(m->p->fabric->name, "adjacent") != 0 || st->kind == STREAM_IMAGE)
        return true;
    for (uint32_t i = 0; i < m->p->n_stream; i++) {
        const struct plan_stream *other = &m->p->stream[i];
        if (other->kind != STREAM_IMAGE && other->kind != STREAM_RESULT &&
            other->from == st->from && other->to == st->to)
            same[n++] = i;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (m->stream[same[i]].busy)
            return false;
        at = same[i] == stream ? i : at;
        after = m->stream[same[0]].served == same[i] + 1 ? i + 1 : after;
    }
    for (uint32_t i = after % n; i != at; i = (i + 1) % n)
        if (can_start(m, &m->stream[same[i]]))
            return false;
    m->stream[same[0]].served = stream + 1;
    return true;
}

/* Where the receiver stores it: a layer of tokens makes one row of a map, column after column. */
static struct pixel stored_at(const struct machine *m, const struct stream *s,
                              const struct pixel *px)
{
    const struct plan_layer *to = &m->p->layer[m->p->core[s->st->to].plan_layer];
    const struct layer *l = &m->p->network->layer[to->layer];
    const struct shape *from = &m->p->network->layer[l->input[0]].out;
    const bool stores = s->st->kind == STREAM_FORWARD || s->st->kind == STREAM_IMAGE;

    if (!stores || l->kind != LAYER_TOKENS || l->in.height > 1)
        return *px;
    return (struct pixel){ px->image, 0, px->column * from->height + px->row };
}

/* Of the token that it sends next, without pixels that are dropped. */
static uint64_t bits_of(const struct machine *m, const struct stream *s)
{
    const struct plan_stream *st = s->st;
    const struct token *t = &s->from->token[s->next];
    uint32_t width = 0;
    uint64_t bits = 0;

    if (st->pos_n > 0)
        width = m->p->layer[m->p->core[st->to].plan_layer].in_width;
    for (uint32_t i = 0; i < t->n; i++)
        if ((st->pos_n == 0 || stream_carries(st, width, t->px[i].row, t->px[i].column)) &&
            !is_dropped(m, s, &t->px[i]))
            bits += (uint64_t)st->n * st->value_bits;
    return bits;
}

static void note_start(struct machine *m, const struct stream *s, const struct token *t)
{
    const bool image = s->st->kind == STREAM_IMAGE || s->st->kind == STREAM_IMAGE_RESIDUAL;

    if (image && t->px[0].row == 0 && t->px[0].column == 0)
        m->start[t->px[0].image] = min_u64(m->start[t->px[0].image], m->now);
}

/* Sends its next token, which is there in clock `come`. */
static void begin(struct machine *m, struct stream *s, uint64_t bits, uint64_t come)
{
    const struct token *t = &s->from->token[s->next];

    for (uint32_t i = 0; i < t->n; i++)
        s->px[s->n_px++] = (struct moved){ stored_at(m, s, &t->px[i]), come,
                                           is_dropped(m, s, &t->px[i]) ? come : UINT64_MAX,
                                           i + 1 == t->n };
    s->busy = true;
    s->count.tokens++;
    s->count.bits += bits;
    note_start(m, s, t);
    m->changed = m->now;
}

/* One packet for all streams that it leads, offered now. */
static void packet_starts(struct machine *m, struct stream *s)
{
    const struct fabric_cfg *f = &m->p->config->fabric;
    const uint64_t bits = bits_of(m, s);
    struct naive_packet *p = &s->packet[s->n_packet++];

    *p = (struct naive_packet){ .source = s->lead, .to = m->places->node[s->st->to],
                                .from_clk = m->now };
    while (p->n_flit == 0 || (uint64_t)p->n_flit * f->flit_bits < f->header_bits + bits)
        p->n_flit++;
    for (uint32_t i = 0; i < m->p->n_stream; i++) {
        if (m->stream[i].lead != s->lead)
            continue;
        begin(m, &m->stream[i], bits_of(m, &m->stream[i]), UINT64_MAX);
        assert(p->n_end < NAIVE_MOST_ENDS);
        p->end[p->n_end++] = m->places->node[m->p->stream[i].to];
    }
    p->n_end = p->n_end > 1 ? p->n_end : 0;
    naive_routers_offer(m->routers, p);
}

static void link_starts(struct machine *m, uint32_t stream)
{
    struct stream *s = &m->stream[stream];
    const struct plan_stream *st = s->st;

    if (s->lead != stream || !can_start(m, s) || !has_turn(m, stream))
        return;
    if (s->packet) {
        packet_starts(m, s);
        return;
    }
    const uint64_t bits = bits_of(m, s);
    uint64_t clk = max_u64(1, (bits * m->p->config->clock_mhz * 1000000 + st->route.rate_bps - 1) /
                                  st->route.rate_bps);
    uint64_t hop = st->kind == STREAM_PARTIAL_SUM && m->e->partial_sum_hop_clk != HOP_SAME
                       ? m->e->partial_sum_hop_clk : m->e->hop_clk;
    begin(m, s, bits, m->now + clk + hop);
    s->busy_until = m->now + clk;
}

static bool is_sent(const struct machine *m, const struct stream *s)
{
    return m->stream[s->lead].packet ? !naive_routers_sends(m->routers, s->lead)
                                     : s->busy_until == m->now;
}

static void links_end(struct machine *m, struct buffer *b)
{
    for (uint32_t k = 0; k < b->n_to; k++) {
        struct stream *s = &m->stream[b->to[k]];
        if (!s->busy || !is_sent(m, s))
            continue;
        s->busy = false;
        struct token *t = &b->token[s->next++];
        if (--t->left == 0)
            b->used -= t->n;
        m->changed = m->now;
    }
}

static uint64_t taken_clk(const struct naive_packet *p, uint32_t node)
{
    for (uint32_t i = 0; i < p->n_end; i++)
        if (p->end[i] == node)
            return p->end_clk[i];
    return p->taken_clk;
}

/* The next token of a stream comes as its packet is taken: in order, and one in a clock. */
static void hand_over(struct machine *m, struct stream *s)
{
    const struct stream *lead = &m->stream[s->lead];
    uint32_t i = 0;

    if (!lead->packet || s->handed == lead->n_packet || (s->handed && s->handed_clk == m->now))
        return;
    if (taken_clk(&lead->packet[s->handed], m->places->node[s->st->to]) == 0)
        return;
    while (s->px[i].come != UINT64_MAX)
        i++;
    do {
        s->px[i].come = m->now;
        if (s->px[i].freed == UINT64_MAX && is_dropped(m, s, &s->px[i].at))
            s->px[i].freed = m->now;
    } while (!s->px[i++].ends_token);
    s->handed++;
    s->handed_clk = m->now;
    m->changed = m->now;
}

static void put(struct machine *m, struct buffer *b, const struct pixel *px, uint32_t n)
{
    struct token *t = &b->token[b->n++];

    memcpy(t->px, px, n * sizeof *px);
    t->n = n;
    t->left = b->n_to;
    if (t->left == 0)
        b->used -= n;
    m->changed = m->now;
}

/* ---- a core ---- */

static const struct plan_layer *layer_of(const struct machine *m, const struct own_core *c)
{
    return &m->p->layer[m->p->core[c->index].plan_layer];
}

static bool of_tokens(const struct machine *m, const struct own_core *c)
{
    return layer_is_of_tokens(&m->p->network->layer[layer_of(m, c)->layer]);
}

static uint64_t words_clk(const struct machine *m, const struct own_core *c, uint64_t words)
{
    const struct plan_layer *pl = layer_of(m, c);
    if (of_tokens(m, c)) // lanes read it
        return 0;
    bool latched = m->p->config->memory.kind == MEMORY_REGISTERS &&
                   pl->in_height * pl->in_width == 1;

    return latched ? 0 : words;
}

/* Calls for each pixel inside the map that an output sees. */
static bool sees_all(const struct machine *m, const struct own_core *c, const struct pixel *o,
                     bool (*ok)(const struct machine *m, struct own_core *c, const struct pixel *o,
                                uint32_t row, uint32_t column))
{
    const struct plan_layer *pl = layer_of(m, c);
    const struct window *w = &pl->window;
    uint32_t r0 = window_first(w, 0, o->row, pl->in_height);
    uint32_t r1 = window_last(w, 0, o->row, pl->in_height);
    uint32_t c0 = window_first(w, 1, o->column, pl->in_width);
    uint32_t c1 = window_last(w, 1, o->column, pl->in_width);

    for (uint32_t column = c0; column <= max_u32(c0, c1); column += w->dilation[1])
        for (uint32_t row = r0; row <= max_u32(r0, r1); row += w->dilation[0])
            if (!ok(m, (struct own_core *)c, o, row, column))
                return false;
    return true;
}

static bool is_visible(const struct machine *m, struct own_core *c, const struct pixel *o,
                       uint32_t row, uint32_t column)
{
    const struct plan_layer *pl = layer_of(m, c);

    return c->visible[map_at(c, m->p, o->image, row, column)] ==
           c->slices[(size_t)column * pl->in_height + row];
}

static bool output_ready(const struct machine *m, const struct own_core *c, uint32_t i)
{
    return sees_all(m, c, &c->out[i], is_visible);
}

static void store_done(struct machine *m, struct own_core *c, struct stream *s)
{
    s->px[s->taken].freed = m->now;
    m->changed = m->now;
    if (!s->px[s->taken++].ends_token)
        return;
    for (; s->token_from < s->taken; s->token_from++) {
        const struct pixel *at = &s->px[s->token_from].at;
        c->visible[map_at(c, m->p, at->image, at->row, at->column)]++;
    }
}

static bool is_other(const struct machine *m, struct own_core *c, const struct pixel *o,
                     uint32_t row, uint32_t column)
{
    (void)m;
    (void)o;
    return row != c->wanted.row || column != c->wanted.column;
}

/* Whether all outputs of a core of tokens that see a pixel are read, or made where it attends. */
static bool all_seen(const struct machine *m, struct own_core *c, uint64_t image, uint32_t row,
                     uint32_t column)
{
    const enum layer_kind kind = m->p->network->layer[layer_of(m, c)->layer].kind;

    c->wanted = (struct pixel){ image, row, column };
    for (uint32_t i = c->made; i < c->n_out; i++)
        if ((kind == LAYER_ATTENTION || !c->loaded[i]) && c->out[i].image == image &&
            !sees_all(m, c, &c->out[i], is_other))
            return false;
    return true;
}

/* Whether the pixel in whose place it goes is read for the last time. */
static bool slot_free(const struct machine *m, const struct own_core *c, const struct pixel *at)
{
    const struct plan_layer *pl = layer_of(m, c);
    uint64_t g = at->image * pl->in_width + at->column;
    uint32_t k = m->p->time.core[c->index].layout.shape.columns;

    if (g < k)
        return true;
    uint64_t image = (g - k) / pl->in_width;
    uint32_t column = (uint32_t)((g - k) % pl->in_width);
    const uint32_t *reader =
        &c->reader[map_at(c, m->p, image, at->row, column) * c->n_strip];
    if (of_tokens(m, c) && !all_seen(m, (struct own_core *)c, image, at->row, column))
        return false;
    for (uint32_t s = 0; s < c->n_strip && !of_tokens(m, c); s++)
        if (reader[s] > 0 && !c->loaded[reader[s] - 1])
            return false;
    for (uint32_t i = 0; i < c->n_back; i++) {
        const struct back *b = &c->back[i];
        const uint32_t *stride = m->p->read_back[b->which].stride;
        for (uint32_t n = b->done; n < b->n; n++)
            if (b->order[n].image == image && b->order[n].row * stride[0] == at->row &&
                b->order[n].column * stride[1] == column)
                return false;
    }
    return true;
}

static void stores(struct machine *m, struct own_core *c, uint32_t stream)
{
    struct stream *s = &m->stream[stream];
    const struct plan_core *pc = &m->p->core[c->index];
    const struct plan_layer *pl = layer_of(m, c);

    while (has_come(m, s, s->taken) && slot_free(m, c, &s->px[s->taken].at)) {
        const struct pixel *at = &s->px[s->taken].at;
        uint64_t words = 0;
        if (s->st->n > 0 && stream_carries(s->st, pl->in_width, at->row, at->column))
            words = memory_write_words(&m->p->time.core[c->index].layout, at->row,
                                       at->image * pl->in_width + at->column,
                                       s->st->pos_n > 0 ? 0 : s->st->to_first - pc->in_first,
                                       s->st->n);
        if (words_clk(m, c, words) > 0) {
            if (c->port == 0) {
                c->port = 1;
                c->port_of = stream;
                c->port_end = m->now + words;
                c->count.words_written += words;
                c->count.pixels_stored++;
                m->changed = m->now;
            }
            return;
        }
        c->count.words_written += of_tokens(m, c) ? 0 : words;
        c->count.pixels_stored += words > 0;
        store_done(m, c, s);
    }
}

static void reads_back(struct machine *m, struct own_core *c, uint32_t i)
{
    struct back *b = &c->back[i];
    const uint32_t *stride = m->p->read_back[b->which].stride;

    if (c->port != 0 || b->begun == b->n || b->out.used == b->out.size)
        return;
    const struct pixel *at = &b->order[b->begun];
    uint32_t row = at->row * stride[0], column = at->column * stride[1];
    if (!is_visible(m, c, at, row, column))
        return;
    uint64_t words = memory_read_words(&m->p->time.core[c->index].layout, row,
                                       at->image * layer_of(m, c)->in_width + column, 1);
    b->begun++;
    b->out.used++;
    c->port = 2;
    c->port_of = i;
    c->port_end = m->now + max_u64(1, words_clk(m, c, words));
    c->count.words_read_back += of_tokens(m, c) ? 0 : words;
    m->changed = m->now;
}

static uint32_t group(const struct machine *m, const struct own_core *c)
{
    const struct plan_layer *pl = layer_of(m, c);
    const struct firing_shape shape = plan_firing_shape(m->p, m->p->core[c->index].plan_layer);
    uint32_t n = 1, ready = 0;

    while (c->load_next + n < c->n_out &&
           firing_joins(pl->firing, &shape, &c->out[c->load_next], n, &c->out[c->load_next + n]))
        n++;
    while (ready < n && output_ready(m, c, c->load_next + ready))
        ready++;
    return m->e->group == GROUP_ANY || ready == n ? ready : 0;
}

static uint64_t read_words(struct machine *m, struct own_core *c, uint32_t n)
{
    const struct plan_core *pc = &m->p->core[c->index];
    const struct plan_layer *pl = layer_of(m, c);
    const struct firing_shape shape = plan_firing_shape(m->p, pc->plan_layer);
    uint64_t words = 0;

    for (uint32_t i = 0; i < n;) {
        const struct pixel *head = &c->out[c->load_next + i];
        registers_begin(&c->registers, head);
        do
            registers_need(&c->registers, &c->out[c->load_next + i++]);
        while (i < n && firing_replica(pl->firing, &shape, head, &c->out[c->load_next + i]) <
                            shape.n);
        for (uint32_t k = 0; k < c->registers.n_read; k++) {
            struct row_read r = c->registers.read[k];
            if (pl->flat && !plan_flat_read(m->p, pc, r.row, &r.first_column, &r.columns))
                continue;
            words += memory_read_words(&m->p->time.core[c->index].layout, r.row,
                                       head->image * pl->in_width + r.first_column, r.columns);
        }
    }
    return words;
}

/* Whether any of the outputs is the first of its strip to see some pixel. */
static bool reads_any(const struct machine *m, const struct own_core *c, uint32_t n)
{
    const struct plan_layer *pl = layer_of(m, c);
    size_t size = (size_t)m->n_image * pl->in_height * pl->in_width * c->n_strip;

    for (size_t k = 0; k < size; k++)
        if (c->reader[k] > c->load_next && c->reader[k] <= c->load_next + n)
            return true;
    return false;
}

static void loads(struct machine *m, struct own_core *c)
{
    if (c->regs != 0 || c->load_next == c->n_out)
        return;
    uint32_t n = group(m, c);
    if (n == 0 || (c->port != 0 && words_clk(m, c, 1) > 0 && reads_any(m, c, n)))
        return;
    const uint64_t words = read_words(m, c, n), clk = words_clk(m, c, words);
    c->count.words_read += of_tokens(m, c) ? 0 : words;
    c->regs = 1;
    c->load_n = n;
    c->load_next += n;
    c->load_end = m->now + max_u64(1, clk);
    if (clk > 0)
        c->port = 3;
    m->changed = m->now;
}

/* By a link at the chip's edge that nobody waits for. */
static void result_leaves(struct machine *m, const struct own_core *c)
{
    for (uint32_t i = 0; i < m->p->n_stream; i++) {
        const struct plan_stream *st = &m->p->stream[i];
        if (st->kind != STREAM_RESULT || st->from != c->index || c->digital_places == 0)
            continue;
        const uint64_t bits = (uint64_t)c->digital_places * st->n * st->value_bits;
        struct elastic_stream *count = &m->stream[i].count;
        count->tokens++;
        count->bits += bits;
        count->busy_clk += (bits * m->p->config->clock_mhz * 1000000 + st->route.rate_bps - 1) /
                           st->route.rate_bps;
    }
}

static void ends(struct machine *m, struct own_core *c)
{
    const struct plan_core *pc = &m->p->core[c->index];
    const struct plan_layer *pl = layer_of(m, c);
    const struct layer *l = plan_network_layer(m->p, pc->plan_layer);

    if (c->port == 1 && c->port_end == m->now) {
        c->port = 0;
        store_done(m, c, &m->stream[c->port_of]);
    }
    if (c->port == 2 && c->port_end == m->now) {
        struct back *b = &c->back[c->port_of];
        c->port = 0;
        put(m, &b->out, &b->order[b->done++], 1);
    }
    if (c->regs == 1 && c->load_end == m->now) {
        c->regs = 2;
        for (uint32_t i = 1; i <= c->load_n; i++)
            c->loaded[c->load_next - i] = true;
        c->port = c->port == 3 ? 0 : c->port;
        m->changed = m->now;
    }
    if (c->array_busy && c->array_end == m->now) {
        c->array_busy = false;
        c->result[c->n_result++] = c->array_n;
        c->regs = c->regs == 3 ? 0 : c->regs;
        m->changed = m->now;
    }
    if (c->digital_busy && c->digital_end == m->now) {
        bool last = pc->part + 1 == pl->parts;
        c->digital_busy = false;
        m->changed = m->now;
        if (last && pc->plan_layer + 1 == m->p->n_layer) {
            for (uint32_t i = c->made; i < c->made + c->digital_n; i++)
                m->result[c->out[i].image] = max_u64(m->result[c->out[i].image], m->now);
            c->results.used -= c->digital_places;
            result_leaves(m, c);
        } else if (last && l->pooled) {
            struct pixel whole[64] = { { 0, 0, 0 } };
            for (uint32_t i = 0; i < c->digital_places; i++)
                whole[i].image = c->out[c->made].image + i;
            if (c->digital_places > 0)
                put(m, &c->results, whole, c->digital_places);
        } else {
            put(m, &c->results, &c->out[c->made], c->digital_n);
        }
        c->made += c->digital_n;
    }
    links_end(m, &c->results);
    for (uint32_t i = 0; i < c->n_back; i++)
        links_end(m, &c->back[i].out);
}

/* The pixel of a stream that is added to an output. */
static struct moved *residual_of(struct stream *s, const struct pixel *o)
{
    for (uint32_t i = 0; i < s->n_px; i++)
        if (s->px[i].at.image == o->image && s->px[i].at.row == o->row &&
            s->px[i].at.column == o->column)
            return &s->px[i];
    return NULL;
}

/* Whether the stream brings the residual of an output at all. */
static bool brings(const struct machine *m, const struct stream *s, const struct pixel *o)
{
    const struct plan_core *from = &m->p->core[s->st->from];

    return s->st->kind == STREAM_RESIDUAL || s->st->kind == STREAM_IMAGE_RESIDUAL ||
           plan_owner(m->p, from->plan_layer, o->column) == from->copy;
}

/* Clocks of a core of tokens for its next one, as the machine's documentation has them. */
static uint64_t lanes_clk(const struct machine *m, const struct own_core *c)
{
    const struct config *cfg = m->p->config;
    const struct plan_layer *pl = layer_of(m, c);
    const struct layer *l = &m->p->network->layer[pl->layer];
    const struct pixel *o = &c->out[c->digital_next];
    const uint64_t channels = l->out.channels / pl->splits;
    uint64_t passes = l->kind == LAYER_NORM ? 3 : 1;
    if (l->kind == LAYER_SUM_TOKENS) // all of a map, with or without weights
        passes = l->token->weighted ? 1 + (uint64_t)l->in.height * l->in.width : 2;

    if (l->kind != LAYER_ATTENTION)
        return ceil_div(passes * channels, cfg->digital_core.lanes);
    const uint64_t keys = l->token->causal ? (uint64_t)o->column * l->in.height + o->row + 1
                                           : (uint64_t)l->in.height * l->in.width;
    const uint64_t heads = l->token->heads / pl->splits, lanes = cfg->attention.lanes;
    return max_u64(ceil_div(heads * keys * l->token->head, lanes) +
                       ceil_div(heads * keys * l->token->value_head, lanes),
                   ceil_div(heads * keys, cfg->attention.exp_lanes));
}

/* Of the output buffer, for its next n outputs: of a pool where that completes it. */
static uint32_t places_for(const struct machine *m, const struct own_core *c, uint32_t n)
{
    const struct plan_core *pc = &m->p->core[c->index];
    const struct plan_layer *pl = layer_of(m, c);
    uint32_t places = 0, per_image = c->n_out / m->n_image;

    if (!plan_network_layer(m->p, pc->plan_layer)->pooled || pc->part + 1 < pl->parts)
        return n;
    for (uint32_t i = c->digital_next; i < c->digital_next + n; i++)
        places += (i + 1) % per_image == 0;
    return places;
}

static void digital_starts(struct machine *m, struct own_core *c)
{
    const struct plan_core *pc = &m->p->core[c->index];
    const struct layer *l = plan_network_layer(m->p, pc->plan_layer);
    const struct config *cfg = m->p->config;

    if (c->digital_busy || c->n_result == 0)
        return;
    uint32_t n = c->result[0], places = places_for(m, c, n);
    if (c->results.used + places > c->results.size)
        return;
    struct stream *sums = c->sums == UINT32_MAX ? NULL : &m->stream[c->sums];
    if (sums && !has_come(m, sums, sums->taken + n - 1))
        return;
    for (uint32_t k = 0; k < c->n_added; k++)
        for (uint32_t i = c->digital_next; i < c->digital_next + n; i++) {
            struct stream *s = &m->stream[c->added[k]];
            struct moved *px = residual_of(s, &c->out[i]);
            if (brings(m, s, &c->out[i]) && (!px || px->come > m->now))
                return;
        }
    for (uint32_t i = 0; sums && i < n; i++)
        sums->px[sums->taken++].freed = m->now;
    for (uint32_t k = 0; k < c->n_added; k++)
        for (uint32_t i = c->digital_next; i < c->digital_next + n; i++)
            if (brings(m, &m->stream[c->added[k]], &c->out[i]))
                residual_of(&m->stream[c->added[k]], &c->out[i])->freed = m->now;
    uint64_t window = layer_is_digital(l) ? (uint64_t)l->window.kernel[0] * l->window.kernel[1] : 1;
    uint64_t clk = ceil_div(n * window * pc->out_n, cfg->digital.lanes);
    uint64_t mhz = cfg->digital.clock_mhz == DIGITAL_CLOCK_SAME ? cfg->clock_mhz
                                                                : cfg->digital.clock_mhz;
    c->digital_end = m->now + (of_tokens(m, c) ? lanes_clk(m, c)
                                               : ceil_div(clk * cfg->clock_mhz, mhz));
    c->digital_busy = true;
    c->results.used += places;
    c->digital_places = places;
    c->digital_n = n;
    c->digital_next += n;
    memmove(c->result, c->result + 1, --c->n_result * sizeof *c->result);
    m->changed = m->now;
}

static void array_starts(struct machine *m, struct own_core *c)
{
    const struct plan_core *pc = &m->p->core[c->index];
    const struct layer *l = plan_network_layer(m->p, pc->plan_layer);

    if (c->array_busy || c->regs != 2 || c->n_result >= m->e->results)
        return;
    uint64_t clk = layer_is_digital(l) || of_tokens(m, c)
                       ? 1 : stage_array_clocks(m->p->config, &layer_of(m, c)->array, pc->rows,
                                                pc->columns);
    if (m->array && !layer_is_digital(l) && !of_tokens(m, c))
        clk = m->array->clocks(m->array->user, c->index, &c->out[c->load_next - c->load_n],
                               c->load_n);
    c->array_busy = true;
    c->array_end = m->now + max_u64(1, clk);
    c->array_n = c->load_n;
    c->regs = m->e->registers == 2 ? 0 : 3;
    c->count.first_clk = c->array_next == 0 ? m->now : c->count.first_clk;
    c->count.last_clk = c->array_next < c->n_out / m->n_image ? m->now : c->count.last_clk;
    c->count.firings += !layer_is_digital(l) && !of_tokens(m, c);
    c->count.outputs += c->load_n;
    c->array_next += c->load_n;
    m->changed = m->now;
}

/* ---- where time goes ---- */

/* What it waits for since its last work, or before its first, is idleness if nothing follows. */
static void note(struct meter *t, enum elastic_state state)
{
    if (state != ELASTIC_BUSY) {
        t->since[state]++;
        return;
    }
    for (int k = 0; k < N_ELASTIC_STATE; k++) {
        t->clk[t->worked ? k : ELASTIC_IDLE] += t->since[k];
        t->since[k] = 0;
    }
    t->clk[ELASTIC_BUSY]++;
    t->worked = true;
}

static void note_fill(struct filled *f, uint32_t used, uint32_t most, uint32_t size)
{
    f->most = max_u32(f->most, most);
    f->full_clk += used >= size;
}

/* A place that is freed in this clock was taken when others came. */
static void note_stream(struct machine *m, struct stream *s)
{
    uint32_t used = 0, most = 0;

    if (s->st->kind == STREAM_RESULT)
        return;
    enum elastic_state state = ELASTIC_BUSY; // or waits: others send over its wire
    if (!s->busy)
        state = can_start(m, &m->stream[s->lead]) ? ELASTIC_WAITING
                : has_token(s) ? ELASTIC_BLOCKED : ELASTIC_STARVED;
    note(&s->meter, state);
    s->count.busy_clk += s->busy;
    for (uint32_t i = s->n_gone; i < s->n_px; i++) {
        used += s->px[i].come <= m->now && s->px[i].freed > m->now;
        most += s->px[i].come <= m->now && s->px[i].freed >= m->now;
    }
    note_fill(&s->filled, used, most, s->size);
}

/* Whether the port has something to do that it cannot: what comes has no place, what it reads back
 * has none, the registers are not free. */
static bool port_has_work(const struct machine *m, struct own_core *c)
{
    for (uint32_t i = 0; i < c->n_in; i++)
        if (has_come(m, &m->stream[c->in[i]], m->stream[c->in[i]].taken))
            return true;
    for (uint32_t i = 0; i < c->n_back; i++) {
        const struct back *b = &c->back[i];
        const uint32_t *stride = m->p->read_back[b->which].stride;
        const struct pixel *at = &b->order[b->begun];
        if (b->begun < b->n &&
            is_visible(m, c, at, at->row * stride[0], at->column * stride[1]))
            return true;
    }
    if (c->load_next < c->n_out && c->there <= c->load_next && c->regs != 0 && group(m, c) > 0)
        c->there = c->load_next + 1;
    return c->there > c->load_next; // what is there stays
}

static void note_core(struct machine *m, struct own_core *c)
{
    enum elastic_state port = ELASTIC_BUSY, array = ELASTIC_BUSY, digital = ELASTIC_BUSY;

    if (c->port == 0)
        port = port_has_work(m, c) ? ELASTIC_BLOCKED : ELASTIC_STARVED;
    if (!c->array_busy)
        array = c->regs == 2 ? ELASTIC_BLOCKED : ELASTIC_STARVED;
    if (!c->digital_busy && c->n_result == 0)
        digital = ELASTIC_STARVED;
    else if (!c->digital_busy)
        digital = c->results.used + places_for(m, c, c->result[0]) > c->results.size
                      ? ELASTIC_BLOCKED : ELASTIC_WAITING;
    note(&c->meter[ELASTIC_PORT], port);
    note(&c->meter[ELASTIC_CROSSBAR], array);
    note(&c->meter[ELASTIC_DIGITAL], digital);
    c->count.busy_clk += c->port != 0 || c->regs == 1 || c->array_busy || c->digital_busy;
    note_fill(&c->results.filled, c->results.used, c->results.used, c->results.size);
    for (uint32_t i = 0; i < c->n_back; i++) {
        struct buffer *b = &c->back[i].out;
        note_fill(&b->filled, b->used, b->used, b->size);
    }
}

static void note_clock(struct machine *m)
{
    for (uint32_t i = 0; i < m->p->n_stream; i++)
        note_stream(m, &m->stream[i]);
    for (uint32_t i = 0; i < m->p->n_core; i++)
        note_core(m, &m->core[i]);
}

/* ---- a clock ---- */

static void step_core(struct machine *m, struct own_core *c)
{
    ends(m, c);
    for (uint32_t k = 0; k < c->results.n_to; k++)
        link_starts(m, c->results.to[k]);
    for (uint32_t i = 0; i < c->n_back; i++)
        for (uint32_t k = 0; k < c->back[i].out.n_to; k++)
            link_starts(m, c->back[i].out.to[k]);
    digital_starts(m, c);
    array_starts(m, c);
    for (uint32_t i = 0; i < c->n_in; i++)
        stores(m, c, c->in[i]);
    for (uint32_t i = 0; i < c->n_back; i++)
        reads_back(m, c, i);
    loads(m, c);
}

static void step_pad(struct machine *m, uint32_t feed)
{
    const struct shape *s = &m->p->network->layer[0].out;
    struct buffer *b = &m->pad[feed];
    uint32_t n = s->height * s->width, at = m->pad_next[feed];

    links_end(m, b);
    if (at < n * m->n_image && b->used == 0 &&
        (at % n > 0 || (m->now >= at / n * m->e->image_period_clk &&
                        (!m->there_clk || m->now >= m->there_clk[at / n])))) {
        struct pixel px = { at / n, at % n % s->height, at % n / s->height };
        b->used++;
        put(m, b, &px, 1);
        m->pad_next[feed]++;
    }
    if (at < n * m->n_image && (m->now < m->n_image * m->e->image_period_clk ||
                                (m->there_clk && m->now < m->there_clk[m->n_image - 1])))
        m->changed = m->now; // waits for its image
    for (uint32_t k = 0; k < b->n_to; k++)
        link_starts(m, b->to[k]);
}

/* ---- made and released ---- */

static bool buffer_make(struct buffer *b, uint32_t size, uint32_t n_token)
{
    b->size = size;
    b->token = calloc((size_t)n_token + 1, sizeof *b->token);
    return b->token != NULL;
}

static uint32_t most(const struct plan *p, uint32_t core)
{
    const struct firing_shape shape = plan_firing_shape(p, p->core[core].plan_layer);

    return p->layer[p->core[core].plan_layer].firing->most_outputs(&shape);
}

static uint32_t most_sent(const struct machine *m, uint32_t core)
{
    const struct plan_core *c = &m->p->core[core];
    uint32_t n = most(m->p, core), each = m->core[core].n_out / m->n_image;

    if (plan_network_layer(m->p, c->plan_layer)->pooled &&
        c->part + 1 == m->p->layer[c->plan_layer].parts)
        return 1 + (n - 1) / each;
    return n;
}

static void make_core(struct machine *m, uint32_t index)
{
    const struct plan *p = m->p;
    const struct plan_core *pc = &p->core[index];
    const struct plan_layer *pl = &p->layer[pc->plan_layer];
    const struct firing_shape shape = plan_firing_shape(p, pc->plan_layer);
    struct own_core *c = &m->core[index];
    size_t map = (size_t)pl->in_height * pl->in_width;
    uint32_t strip = pl->firing->strip_width(&shape);

    c->index = index;
    c->sums = UINT32_MAX;
    c->n_out = outputs_of(p, pc->plan_layer, pc->copy, m->n_image, &c->out);
    c->loaded = calloc(c->n_out + 1, sizeof *c->loaded);
    c->visible = calloc(m->n_image * map, 1);
    c->slices = calloc(map, 1);
    c->n_strip = (shape.width + strip - 1) / strip;
    c->reader = calloc(m->n_image * map * c->n_strip, sizeof *c->reader);
    registers_init(&c->registers, &pl->window, pl->in_height, pl->in_width, strip);
}

/* The first output of a strip that sees a pixel reads it; what lies in the padding is not read. */
static void note_readers(const struct machine *m, struct own_core *c, uint32_t i)
{
    const struct plan_layer *pl = layer_of(m, c);
    const struct window *w = &pl->window;
    const struct firing_shape shape = plan_firing_shape(m->p, m->p->core[c->index].plan_layer);
    const struct pixel *o = &c->out[i];
    uint32_t strip = o->column / pl->firing->strip_width(&shape);

    for (uint32_t k = 0; k < w->kernel[1]; k++)
        for (uint32_t j = 0; j < w->kernel[0]; j++) {
            int64_t row = window_begin(w, 0, o->row) + (int64_t)j * w->dilation[0];
            int64_t column = window_begin(w, 1, o->column) + (int64_t)k * w->dilation[1];
            if (row < 0 || column < 0 || row >= pl->in_height || column >= pl->in_width)
                continue;
            uint32_t *r = &c->reader[map_at(c, m->p, o->image, (uint32_t)row, (uint32_t)column) *
                                     c->n_strip + strip];
            if (*r == 0)
                *r = i + 1;
        }
}

/* Whether two streams carry the same tokens from the same buffer, all of which their receivers
 * keep. */
static bool are_same(const struct machine *m, const struct stream *a, const struct stream *b)
{
    const struct plan_stream *s = a->st, *t = b->st;
    const struct stream *const both[] = { a, b };

    if (a->from != b->from || s->first != t->first || s->n != t->n || s->pos_n != t->pos_n ||
        s->pos_first != t->pos_first || s->value_bits != t->value_bits)
        return false;
    for (int k = 0; k < 2; k++) {
        const struct own_core *from = &m->core[s->from];
        if (both[k]->st->kind != STREAM_FROM_RESAMPLING)
            continue; // else what is added is read back in the order in which it is
        const struct pixel whole = { 0, 0, 0 };
        bool pooled = m->p->network->layer[layer_of(m, from)->layer].pooled;
        for (uint32_t i = 0; i < from->n_out; i++)
            if (is_dropped(m, both[k], pooled ? &whole : &from->out[i]))
                return false;
    }
    return true;
}

/* The first stream with the same tokens whose packet does not go to this one's core yet. */
static uint32_t lead_of(const struct machine *m, uint32_t stream)
{
    for (uint32_t i = 0; i < stream; i++) {
        bool joins = m->stream[i].packet && are_same(m, &m->stream[i], &m->stream[stream]);
        for (uint32_t k = i; k < stream; k++)
            joins &= m->stream[k].lead != i || m->stream[k].st->to != m->stream[stream].st->to;
        if (joins)
            return i;
    }
    return stream;
}

static void put_on_routers(struct machine *m, uint32_t stream, size_t most)
{
    const struct graph *g = m->places->graph;
    struct stream *s = &m->stream[stream];
    const uint32_t to = m->places->node[s->st->to];
    uint32_t at;

    m->node[stream] = m->places->node[s->st->from];
    at = g->at[m->node[stream]];
    for (;; s->hops++) { // as noc/ routes
        at = at / g->n_port * g->n_port + g->exit(g, at / g->n_port, to);
        if (!graph_is_router(g->peer[at]))
            break;
        at = g->peer[at];
    }
    s->credit_clk = max_u32(1, s->hops);
    if (m->p->config->fabric.multicast == MULTICAST_TREE)
        s->lead = lead_of(m, stream);
    s->packet = s->lead == stream ? calloc(most, sizeof *s->packet) : NULL;
}

static void connect(struct machine *m, uint32_t stream)
{
    const struct plan *p = m->p;
    const struct plan_stream *st = &p->stream[stream];
    struct stream *s = &m->stream[stream];
    const struct elastic_cfg *e = m->e;
    bool back = st->kind == STREAM_RESIDUAL || st->kind == STREAM_TO_RESAMPLING;

    s->st = st;
    s->lead = stream;
    s->credit_clk = e->credit_clk;
    if (st->kind == STREAM_RESULT)
        return;
    struct own_core *to = &m->core[st->to];
    const struct plan_layer *pl = &p->layer[p->core[st->to].plan_layer];
    size_t px = m->n_image * max_u64((uint64_t)pl->in_height * pl->in_width, to->n_out) + 1;
    if (st->kind != STREAM_IMAGE) // some that it sends are dropped
        px = max_u64(px, m->core[st->from].n_out);
    s->px = calloc(px, sizeof *s->px);
    uint32_t own = most(p, st->to);
    if (st->kind == STREAM_PARTIAL_SUM) {
        to->sums = stream;
        s->size = max_u32(e->partial_sum_pixels, max_u32(own, most(p, st->from)));
    } else if (st->kind == STREAM_RESIDUAL || st->kind == STREAM_FROM_RESAMPLING ||
               st->kind == STREAM_IMAGE_RESIDUAL) {
        to->added[to->n_added++] = stream;
        s->size = max_u32(e->residual_pixels, own);
        if (st->kind == STREAM_FROM_RESAMPLING)
            s->size = max_u32(s->size, most_sent(m, st->from));
    } else {
        to->in[to->n_in++] = stream;
        s->size = e->input_pixels;
        if (st->kind == STREAM_FORWARD || st->kind == STREAM_VALID)
            s->size = max_u32(s->size, most_sent(m, st->from));
        for (uint32_t column = 0; column < pl->in_width; column++)
            for (uint32_t row = 0; row < pl->in_height; row++) {
                bool comes = true;
                if (st->kind == STREAM_TO_RESAMPLING)
                    comes = plan_owner(p, p->core[st->to].plan_layer, column) ==
                            p->core[st->to].copy;
                else if (st->kind != STREAM_IMAGE &&
                         !plan_network_layer(p, p->core[st->from].plan_layer)->pooled)
                    comes = plan_owner(p, p->core[st->from].plan_layer, column) ==
                            p->core[st->from].copy;
                to->slices[(size_t)column * pl->in_height + row] += comes;
            }
    }
    struct buffer *from = NULL;
    if (st->kind == STREAM_IMAGE || st->kind == STREAM_IMAGE_RESIDUAL) {
        for (uint32_t i = 0; i < p->n_image_feed; i++)
            if (p->image_feed[i].layer == p->core[st->to].plan_layer)
                from = &m->pad[i];
    } else if (back) {
        struct own_core *c = &m->core[st->from];
        for (uint32_t i = 0; i < c->n_back; i++)
            if (c->back[i].which == st->read_back)
                from = &c->back[i].out;
    } else {
        from = &m->core[st->from].results;
    }
    assert(from && from->n_to < MOST_STREAMS && to->n_in < MOST_STREAMS);
    from->to[from->n_to++] = stream;
    s->from = from;
    if (m->places && st->kind != STREAM_IMAGE && st->kind != STREAM_IMAGE_RESIDUAL)
        put_on_routers(m, stream, px);
}

static void make(struct machine *m)
{
    const struct plan *p = m->p;
    const struct shape *image = &p->network->layer[0].out;

    m->stream = calloc(p->n_stream, sizeof *m->stream);
    m->core = calloc(p->n_core, sizeof *m->core);
    m->pad = calloc(p->n_image_feed + 1, sizeof *m->pad);
    m->pad_next = calloc(p->n_image_feed + 1, sizeof *m->pad_next);
    m->node = calloc(p->n_stream, sizeof *m->node);
    memset(m->start, 0xff, sizeof m->start);
    for (uint32_t i = 0; i < p->n_core; i++)
        make_core(m, i);
    for (uint32_t i = 0; i < p->n_image_feed; i++)
        buffer_make(&m->pad[i], 1, m->n_image * image->height * image->width);
    for (uint32_t i = 0; i < p->n_core; i++) {
        struct own_core *c = &m->core[i];
        buffer_make(&c->results, max_u32(m->e->output_pixels, most_sent(m, i)), c->n_out);
        for (uint32_t k = 0; p->core[i].split == 0 && k < p->n_read_back; k++) {
            const struct read_back *rb = &p->read_back[k];
            if (rb->reader != p->core[i].plan_layer || rb->reader_copy != p->core[i].copy)
                continue;
            struct back *b = &c->back[c->n_back++];
            b->which = k;
            b->n = outputs_of(p, rb->receiver, rb->receiver_copy, m->n_image, &b->order);
            buffer_make(&b->out, m->e->read_back_pixels, b->n);
        }
        for (uint32_t o = 0; o < c->n_out && !of_tokens(m, c); o++)
            note_readers(m, c, o);
    }
    for (uint32_t i = 0; i < p->n_stream; i++)
        connect(m, i);
    if (m->places) {
        const struct router_spec spec = fabric_router_spec(&p->config->fabric);
        m->routers = naive_routers_new(m->places->graph, &spec, m->node, p->n_stream);
    }
}

static void release(struct machine *m)
{
    for (uint32_t i = 0; i < m->p->n_stream; i++) {
        free(m->stream[i].px);
        free(m->stream[i].packet);
    }
    for (uint32_t i = 0; i < m->p->n_core; i++) {
        struct own_core *c = &m->core[i];
        for (uint32_t k = 0; k < c->n_back; k++) {
            free(c->back[k].order);
            free(c->back[k].out.token);
        }
        free(c->results.token);
        free(c->out);
        free(c->loaded);
        free(c->visible);
        free(c->slices);
        free(c->reader);
        registers_release(&c->registers);
    }
    for (uint32_t i = 0; i < m->p->n_image_feed; i++)
        free(m->pad[i].token);
    free(m->stream);
    free(m->core);
    free(m->pad);
    free(m->pad_next);
    free(m->node);
    if (m->routers)
        naive_routers_free(m->routers);
}

static bool all_made(const struct machine *m)
{
    for (uint32_t i = 0; i < m->p->n_core; i++)
        if (m->core[i].made < m->core[i].n_out)
            return false;
    return true;
}

static void step_all(struct machine *m)
{
    const struct plan *p = m->p;
    uint32_t first = (uint32_t)(m->now * 2654435761u % p->n_core); // in another order each clock

    for (uint32_t i = 0; i < p->n_stream; i++) {
        struct stream *s = &m->stream[i];
        const uint64_t known = m->now - min_u64(m->now, s->credit_clk);
        while (s->n_gone < s->n_px && s->px[s->n_gone].freed < known)
            s->n_gone++;
    }
    if (m->routers)
        naive_routers_arrive(m->routers, m->now);
    for (uint32_t i = 0; m->routers && i < p->n_stream; i++)
        hand_over(m, &m->stream[i]);
    for (uint32_t i = 0; i < p->n_image_feed; i++)
        step_pad(m, i);
    for (uint32_t i = 0; i < p->n_core; i++)
        step_core(m, &m->core[(first + i) % p->n_core]);
    if (m->routers)
        naive_routers_go(m->routers, m->now);
}

bool naive_elastic_run(const struct plan *p, const struct elastic_cfg *e, uint32_t n_image,
                       const uint64_t *there_clk, uint64_t patience,
                       const struct naive_array *array, uint64_t *result_clk)
{
    struct machine m = { .p = p, .e = e, .array = array, .n_image = n_image, .there_clk = there_clk,
                         .result = result_clk };

    make(&m);
    memset(result_clk, 0, n_image * sizeof *result_clk);
    for (; !all_made(&m) && m.now <= m.changed + patience; m.now++)
        step_all(&m);
    bool made = all_made(&m);
    release(&m);
    return made;
}

/* ---- what there is to tell ---- */

/* Whether nothing moves any more: places that are free are known to be, too. */
static bool rests(const struct machine *m)
{
    if (!all_made(m) || (m->routers && !naive_routers_rest(m->routers)))
        return false;
    for (uint32_t i = 0; i < m->p->n_stream; i++) {
        const struct stream *s = &m->stream[i];
        if (s->st->kind != STREAM_RESULT && (s->busy || room(m, s) < s->size))
            return false;
    }
    return true;
}

static void put_stage(struct elastic_result *r, enum elastic_kind kind, uint32_t core,
                      uint32_t stream, const struct meter *t)
{
    struct elastic_stage *s = &r->stage[r->n_stage++];

    *s = (struct elastic_stage){ .kind = kind, .core = core, .stream = stream };
    memcpy(s->clk, t->clk, sizeof s->clk);
    for (int k = 0; k < N_ELASTIC_STATE; k++)
        s->clk[ELASTIC_IDLE] += t->since[k];
}

static void put_buffer(struct elastic_result *r, enum elastic_buffer_kind kind, uint32_t core,
                       uint32_t stream, uint32_t size, const struct filled *f)
{
    r->buffer[r->n_buffer++] = (struct elastic_buffer){
        .kind = kind, .core = core, .stream = stream, .size = size, .most = f->most,
        .full_clk = f->full_clk };
}

static void put_stream(const struct machine *m, struct elastic_result *r, uint32_t stream)
{
    const struct stream *s = &m->stream[stream];
    enum elastic_buffer_kind kind = BUFFER_INPUT;

    r->stream[stream] = s->count;
    if (s->st->kind == STREAM_RESULT)
        return;
    if (s->st->kind == STREAM_PARTIAL_SUM)
        kind = BUFFER_PARTIAL_SUM;
    if (s->st->kind == STREAM_RESIDUAL || s->st->kind == STREAM_FROM_RESAMPLING ||
        s->st->kind == STREAM_IMAGE_RESIDUAL)
        kind = BUFFER_RESIDUAL;
    put_stage(r, ELASTIC_LINK, UINT32_MAX, stream, &s->meter);
    put_buffer(r, kind, s->st->to, stream, s->size, &s->filled);
}

static void put_core(const struct machine *m, struct elastic_result *r, uint32_t core)
{
    const struct own_core *c = &m->core[core];

    r->core[core] = c->count;
    for (int k = 0; k < ELASTIC_LINK; k++)
        put_stage(r, (enum elastic_kind)k, core, UINT32_MAX, &c->meter[k]);
    put_buffer(r, BUFFER_OUTPUT, core, UINT32_MAX, c->results.size, &c->results.filled);
    for (uint32_t i = 0; i < c->n_back; i++)
        for (uint32_t k = 0; k < c->back[i].out.n_to; k++)
            put_buffer(r, BUFFER_READ_BACK, core, c->back[i].out.to[k], c->back[i].out.size,
                       &c->back[i].out.filled);
    if (m->p->core[core].plan_layer == 0)
        r->first_firing_clk = min_u64(r->first_firing_clk, c->count.first_clk);
}

/* Every copy by itself. */
static void put_packet(const struct machine *m, struct elastic_packets *t, const struct stream *s,
                       const struct naive_packet *p, uint64_t *latency)
{
    const uint64_t clk = taken_clk(p, m->places->node[s->st->to]) - p->from_clk;
    const struct fabric_cfg *f = &m->p->config->fabric;

    latency[t->n++] = clk;
    t->flits += p->n_flit;
    t->latency_sum += clk;
    t->latency_min = t->n == 1 ? clk : min_u64(t->latency_min, clk);
    t->latency_max = max_u64(t->latency_max, clk);
    t->zero_load_sum += (s->hops + 1) * (uint64_t)(f->routing_clk + f->vc_clk + f->switch_clk +
                                                   f->crossbar_clk) +
                        (uint64_t)s->hops * f->link_clk + 2 + p->n_flit;
}

static int by_clocks(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void put_packets(const struct machine *m, struct elastic_packets *t)
{
    const uint32_t n_port = m->places->graph->n_router * m->places->graph->n_port;
    size_t most = 1;

    for (uint32_t i = 0; i < m->p->n_stream; i++)
        most += m->stream[i].count.tokens;
    uint64_t *latency = calloc(most, sizeof *latency);
    for (uint32_t i = 0; i < m->p->n_stream; i++) {
        const struct stream *s = &m->stream[i], *lead = &m->stream[s->lead];
        for (uint32_t k = 0; lead->packet && k < lead->n_packet; k++)
            put_packet(m, t, s, &lead->packet[k], latency);
    }
    qsort(latency, t->n, sizeof *latency, by_clocks);
    t->latency_p95 = t->n > 0 ? latency[(t->n * 95 + 99) / 100 - 1] : 0;
    free(latency);
    t->counts = naive_routers_counts(m->routers);
    t->channel = calloc(n_port, sizeof *t->channel);
    for (uint32_t i = 0; i < n_port; i++)
        t->channel[i] = naive_routers_channel(m->routers, i);
}

static void put_all(const struct machine *m, struct elastic_result *r)
{
    const struct plan *p = m->p;

    r->n_run = r->n_image = m->n_image;
    r->elapsed = m->now;
    r->first_firing_clk = UINT64_MAX;
    r->start_clk = calloc(m->n_image, sizeof *r->start_clk);
    memcpy(r->start_clk, m->start, m->n_image * sizeof *r->start_clk);
    r->stage = calloc((size_t)3 * p->n_core + p->n_stream, sizeof *r->stage);
    r->buffer = calloc((size_t)p->n_core + 2 * p->n_stream, sizeof *r->buffer);
    r->core = calloc(p->n_core, sizeof *r->core);
    r->stream = calloc(p->n_stream, sizeof *r->stream);
    for (uint32_t i = 0; i < p->n_stream; i++)
        put_stream(m, r, i);
    for (uint32_t i = 0; i < p->n_core; i++)
        put_core(m, r, i);
    if (m->routers)
        put_packets(m, &r->packets);
}

bool naive_elastic_tell(const struct plan *p, const struct elastic_cfg_run *cfg, uint64_t patience,
                        const struct naive_array *array, struct elastic_result *r)
{
    assert(cfg->n_image <= NAIVE_ELASTIC_IMAGES);
    *r = (struct elastic_result){ .result_clk = calloc(cfg->n_image, sizeof *r->result_clk) };
    struct machine m = { .p = p, .e = &p->config->elastic, .array = array,
                         .n_image = (uint32_t)cfg->n_image, .result = r->result_clk,
                         .places = p->fabric->direct ? NULL : cfg->places };

    make(&m);
    for (;; m.now++) {
        step_all(&m);
        if (rests(&m) || m.now > m.changed + patience)
            break;
        note_clock(&m);
    }
    const bool made = all_made(&m);
    if (made)
        put_all(&m, r);
    else
        elastic_result_release(r);
    release(&m);
    return made;
}
