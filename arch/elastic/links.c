/* arch/elastic/links.c -- links, their credits and the buffers that they send from. */
#include <stdlib.h>

#include "arch/elastic/site.h"

bool send_buffer_init(struct send_buffer *b, uint32_t size, uint32_t least, uint32_t n_link)
{
    *b = (struct send_buffer){ .fill = { .size = max_u32(size, least), .raised = least > size },
                               .n_link = n_link };
    return send_buffer_room(b, b->fill.size);
}

bool send_buffer_room(struct send_buffer *b, uint32_t n)
{
    uint32_t room = 1;

    while (room < n)
        room *= 2;
    free(b->token);
    b->token = calloc(room, sizeof *b->token);
    b->mask = room - 1;
    return b->token != NULL;
}

/* A link has finished sending the token. */
static void sent(struct send_buffer *b, uint64_t token, uint64_t now)
{
    struct token_out *t = send_buffer_token(b, token);

    if (--t->left > 0)
        return;
    assert(token == b->first); // every link sends in order
    fill_take(&b->fill, now, t->n);
    b->first++;
}

/* A token that carries no bits takes a clock: a link sends no more than one in a clock. */
uint64_t link_find_clocks(const struct site *s, struct link *l, uint32_t n, uint64_t *bits)
{
    const struct plan *p = s->chip->plan;
    const struct plan_stream *st = &p->stream[l->stream];
    const struct intake *in = s->chip->intake_of[l->stream];
    uint32_t values = n;

    for (uint32_t i = 0; st->pos_n > 0 && i < n; i++) {
        const struct place *at = &l->order->at[order_at(l->order, l->pixels + i)];
        values -= !stream_carries(st, l->order->width, at->row, at->column);
    }
    for (uint32_t i = 0; in->used && i < n; i++) // what is dropped where it comes has no values
        values -= !in->used[order_at(l->order, l->pixels + i)];
    *bits = (uint64_t)values * st->n * st->value_bits;
    if (*bits != l->last_bits || l->last_clk == 0) {
        l->last_bits = *bits;
        l->last_clk = max_u64(1, stage_link_clocks(p->config, p->fabric, &st->route, *bits));
        l->last_clk = l->fast ? 1 : l->last_clk;
    }
    return l->last_clk;
}

/* All that are known. */
static void take_credits(struct link *l, uint64_t now)
{
    while (mail_cyc(l->credits) <= now && l->credits->n > 0) {
        uint32_t n = mail_take(l->credits);
        l->credit += n;
        l->got += n;
    }
}

static void set_waits(struct site *s, struct link *l, bool waits)
{
    s->n_waiting += waits;
    s->n_waiting -= l->waits;
    l->waits = waits;
}

/* The stage that fills its buffer may have room now. */
static void finish(struct site *s, struct link *l, uint64_t now)
{
    l->n = 0;
    l->end_clk = CYC_NEVER;
    if (l->wire)
        l->wire->busy = NULL;
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

static void find_end(struct site *s)
{
    s->link_end = CYC_NEVER;
    for (uint32_t i = 0; i < s->n_link; i++)
        s->link_end = min_u64(s->link_end, s->link[i].end_clk);
}

void links_end(struct site *s, uint64_t now)
{
    for (uint32_t i = 0; s->n_waiting > 0 && i < s->n_link; i++)
        if (s->link[i].waits && mail_cyc(s->link[i].credits) <= now)
            s->look |= LOOK_LINKS;
    if (s->link_end != now)
        return;
    for (uint32_t i = 0; i < s->n_link; i++)
        if (s->link[i].end_clk == now && is_sent(s, &s->link[i], now))
            finish(s, &s->link[i], now);
    find_end(s);
}

/* Whether the stage that fills a link's buffer has something to put there. */
static bool filler_waits(const struct site *s, const struct link *l)
{
    return l->from != &s->out || (!s->digital_busy && s->result_n > 0);
}

uint64_t links_wake(const struct site *s)
{
    uint64_t wake = CYC_NEVER;

    for (uint32_t i = 0; i < s->n_link; i++) {
        const struct link *l = &s->link[i];
        if (l->waits)
            wake = min_u64(wake, mail_wait(l->credits));
        else if (l->routed || link_is_shared(l) || l->next + 1 < l->from->end || filler_waits(s, l))
            wake = min_u64(wake, l->end_clk);
    }
    return wake;
}

uint64_t links_drain(struct site *s)
{
    uint64_t last = 0;

    for (uint32_t i = 0; i < s->n_link; i++) {
        struct link *l = &s->link[i];
        if (!l->credits || l->credits->n == 0)
            continue;
        last = max_u64(last, mail_peek(l->credits, l->credits->n - 1)->cyc);
        take_credits(l, CYC_NEVER);
    }
    return last;
}

static bool has_token(const struct link *l)
{
    return l->n == 0 && l->next < l->from->end;
}

static uint32_t next_pixels(const struct link *l)
{
    return send_buffer_token(l->from, l->next)->n;
}

/* Takes the credits that a token wants. */
static void want_credits(struct site *s, struct link *l, uint64_t now)
{
    uint32_t n = next_pixels(l);

    if (l->credit < n)
        take_credits(l, now);
    set_waits(s, l, l->credit < n);
}

static void begin(struct link *l, uint32_t n, uint64_t bits, uint64_t end_clk)
{
    l->credit -= n;
    l->pixels += n;
    l->count.tokens++;
    l->count.bits += bits;
    l->n = n;
    l->end_clk = end_clk;
}

static void start(struct site *s, struct link *l, uint64_t now)
{
    uint64_t bits, clk;
    uint32_t n = next_pixels(l);

    if (link_short_of(l, n) || !link_has_turn(l))
        return;
    clk = link_clocks(s, l, n, &bits);
    if (l->routed) {
        net_send(s->chip->net, l->stream, n, bits, now);
        clk = 1;
    } else {
        mail_put(l->tokens, now + clk + l->hop_clk, n);
    }
    if (l->wire)
        link_takes_wire(l);
    begin(l, n, bits, now + clk);
    for (uint32_t i = 1; i < l->n_with; i++)
        begin(l->with[i], n, bits, now + clk);
}

static void watch(struct link *l, uint64_t now)
{
    const struct link *of = has_token(l) ? link_short_of(l->lead, next_pixels(l)) : NULL;

    if (l->n > 0)
        meter_set(&l->meter, now, ELASTIC_BUSY, ON_NOTHING, 0);
    else if (!has_token(l))
        meter_set(&l->meter, now, ELASTIC_STARVED, ON_TOKEN, l->stream);
    else if (of)
        meter_set(&l->meter, now, ELASTIC_BLOCKED, ON_CREDIT, of->stream);
    else
        meter_set(&l->meter, now, ELASTIC_WAITING, ON_WIRE, l->wire->busy->stream);
}

void links_start(struct site *s, uint64_t now)
{
    for (uint32_t i = 0; i < s->n_link; i++) {
        struct link *l = &s->link[i];
        if (l->tokens && has_token(l))
            want_credits(s, l, now);
    }
    for (uint32_t i = 0; i < s->n_link; i++) {
        struct link *l = &s->link[i];
        if (l->tokens && has_token(l) && l->lead == l) // without, it leaves the chip
            start(s, l, now);
    }
    find_end(s);
    for (uint32_t i = 0; i < s->n_link; i++)
        if (s->link[i].tokens)
            watch(&s->link[i], now);
}

void links_check(struct site *s, uint64_t now)
{
    for (uint32_t i = 0; i < s->n_link; i++) {
        struct link *l = &s->link[i];
        const struct intake *in = s->chip->intake_of[l->stream];
        if (!in)
            continue;
        take_credits(l, now);
        uint64_t under_way = l->pixels - in->arrived, back = in->taken - l->got;
        assert(l->pixels >= in->arrived && in->arrived >= in->taken && in->taken >= l->got);
        assert(in->fill.used == in->arrived - in->taken);
        assert(l->credit + under_way + in->fill.used + back == l->size);
    }
}
