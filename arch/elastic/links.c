/* arch/elastic/links.c -- links, their credits and the buffers that they send from. */
#include <stdlib.h>

#include "arch/elastic/site.h"

void fill_add(struct fill *f, uint64_t now, uint32_t n)
{
    bool was = f->used >= f->size;

    f->used += n;
    f->most = max_u32(f->most, f->used);
    if (!was && f->used >= f->size)
        f->since_clk = now;
}

void fill_take(struct fill *f, uint64_t now, uint32_t n)
{
    bool was = f->used >= f->size;

    assert(f->used >= n);
    f->used -= n;
    if (was && f->used < f->size)
        f->full_clk += now - f->since_clk;
}

void fill_settle(struct fill *f, uint64_t now)
{
    if (f->used >= f->size)
        f->full_clk += now - f->since_clk;
    f->since_clk = now;
}

bool send_buffer_init(struct send_buffer *b, uint32_t size, uint32_t least, uint32_t n_link)
{
    *b = (struct send_buffer){ .fill = { .size = max_u32(size, least), .raised = least > size },
                               .n_link = n_link };
    b->room = b->fill.size;
    b->token = calloc(b->room, sizeof *b->token);
    return b->token != NULL;
}

void send_buffer_put(struct send_buffer *b, uint32_t n)
{
    assert(b->end - b->first < b->room);
    b->token[b->end++ % b->room] = (struct token_out){ n, b->n_link };
}

/* A link has finished sending the token. */
static void sent(struct send_buffer *b, uint64_t token, uint64_t now)
{
    struct token_out *t = &b->token[token % b->room];

    if (--t->left > 0)
        return;
    assert(token == b->first); // every link sends in order
    fill_take(&b->fill, now, t->n);
    b->first++;
}

/* A token that carries no bits takes a clock: a link sends no more than one in a clock. */
static uint64_t send_clocks(const struct site *s, struct link *l, uint32_t n, uint64_t *bits)
{
    const struct plan *p = s->chip->plan;
    const struct plan_stream *st = &p->stream[l->stream];
    const struct intake *in = s->chip->intake_of[l->stream];
    uint32_t values = n;

    for (uint32_t i = 0; st->pos_n > 0 && i < n; i++) {
        const struct place *at = &l->order->at[(l->pixels + i) % l->order->n];
        values -= !stream_carries(st, l->order->width, at->row, at->column);
    }
    for (uint32_t i = 0; in->used && i < n; i++) // what is dropped where it comes has no values
        values -= !in->used[(l->pixels + i) % l->order->n];
    *bits = (uint64_t)values * st->n * st->value_bits;
    if (*bits != l->last_bits || l->last_clk == 0) { // mostly they are as many
        l->last_bits = *bits;
        l->last_clk = max_u64(1, stage_link_clocks(p->config, p->fabric, &st->route, *bits));
    }
    return l->last_clk;
}

/* The stage that fills its buffer may have room now. */
static void finish(struct site *s, struct link *l, uint64_t now)
{
    l->n = 0;
    sent(l->from, l->next++, now);
    s->look |= LOOK_LINKS | (l->from == &s->out ? LOOK_DIGITAL : LOOK_PORT);
}

/* A packet is asked for in every clock whether its tail has gone. */
static bool is_sent(struct site *s, struct link *l, uint64_t now)
{
    if (!l->routed || net_has_sent(s->chip->net, l->stream, now))
        return true;
    l->end_clk = now + 1;
    return false;
}

static void end_sending(struct site *s, uint64_t now)
{
    s->link_end = CYC_NEVER;
    for (uint32_t i = 0; i < s->n_link; i++) {
        struct link *l = &s->link[i];
        if (l->n > 0 && l->end_clk == now && is_sent(s, l, now))
            finish(s, l, now);
        else if (l->n > 0)
            s->link_end = min_u64(s->link_end, l->end_clk);
    }
}

void links_end(struct site *s, uint64_t now)
{
    for (uint32_t i = 0; i < s->n_link; i++) {
        struct link *l = &s->link[i];
        if (!l->credits || !chan_can_pop(l->credits, now))
            continue;
        uint32_t n = *(const uint32_t *)chan_pop(l->credits, now);
        l->credit += n;
        l->got += n;
        s->look |= LOOK_LINKS;
    }
    if (s->link_end == now)
        end_sending(s, now);
}

static void start(struct site *s, struct link *l, uint64_t now)
{
    uint64_t bits, clk;
    uint32_t n = l->from->token[l->next % l->from->room].n;

    if (l->credit < n)
        return;
    clk = send_clocks(s, l, n, &bits);
    l->credit -= n;
    l->pixels += n;
    l->count.tokens++;
    l->count.bits += bits;
    if (l->routed) {
        net_send(s->chip->net, l->stream, n, bits, now);
        clk = 1;
        *(uint32_t *)chan_push(l->tokens, now + 1) = n; // wakes the net
    } else {
        *(uint32_t *)chan_push(l->tokens, now + clk + l->hop_clk) = n;
    }
    l->n = n;
    l->end_clk = now + clk;
    s->link_end = min_u64(s->link_end, l->end_clk);
}

static bool has_token(const struct link *l)
{
    return l->n == 0 && l->next < l->from->end;
}

static void watch(struct link *l, uint64_t now)
{
    if (l->n > 0)
        meter_set(&l->meter, now, ELASTIC_BUSY, ON_NOTHING, 0);
    else if (!has_token(l))
        meter_set(&l->meter, now, ELASTIC_STARVED, ON_TOKEN, l->stream);
    else
        meter_set(&l->meter, now, ELASTIC_BLOCKED, ON_CREDIT, l->stream);
}

void links_start(struct site *s, uint64_t now)
{
    for (uint32_t i = 0; i < s->n_link; i++) {
        struct link *l = &s->link[i];
        if (!l->tokens)
            continue; // leaves the chip: reported by itself
        if (has_token(l))
            start(s, l, now);
        watch(l, now);
    }
}

void links_check(const struct site *s)
{
    for (uint32_t i = 0; i < s->n_link; i++) {
        const struct link *l = &s->link[i];
        const struct intake *in = s->chip->intake_of[l->stream];
        if (!in)
            continue;
        uint64_t under_way = l->pixels - in->arrived, back = in->returned - l->got;
        assert(l->pixels >= in->arrived && in->arrived >= in->taken && in->returned >= l->got);
        assert(in->fill.used == in->arrived - in->taken);
        assert(l->credit + under_way + in->fill.used + in->freed + back == l->size);
    }
}
