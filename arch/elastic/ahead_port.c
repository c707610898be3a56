/* arch/elastic/ahead_port.c -- the memory port of a core that works ahead of the clock.
 *
 * The port does what can begin first: store, else read back, else load the registers. What it does
 * next is certain as soon as nothing that is still unknown can begin before: a pixel on its way, of
 * which nobody knows yet, comes at the earliest behind the operations that are still to make it;
 * a place that somebody is to free behind those that free it (conservative lookahead: Chandy and
 * Misra, "Distributed simulation", 1979).
 */
#include "arch/elastic/ahead.h"

struct choice { // what the port begins next
    uint64_t          clk;
    struct gate      *gate; // to store of, if not NULL; else
    struct returning *back; // to read back, if not NULL; else registers are loaded
};


/* ---- columns ---- */

/* The column of the next pixel; whether it is another than that of the one before. */
static inline bool column_turns(const struct site *s, struct column *c, uint64_t image,
                                uint32_t column, const uint32_t *words)
{
    if (column == c->at && image == c->image)
        return false;
    const uint64_t all = (image + s->chip->left_out.images) * s->pl->in_width + column;
    const uint64_t slot = remainder_of(all, &s->layout->columns);
    *c = (struct column){ image, column, words + slot * s->layout->shape.height };
    return true;
}

/* Pixels of which column of which image were in the slots of the next pixel's column. */
static void turn(const struct site *s, struct gate *g)
{
    const uint64_t c = g->next.image * s->pl->in_width + g->column.at;
    const uint64_t k = s->layout->shape.columns;

    g->reused = c >= k;
    if (!g->reused)
        return;
    g->old_image = quotient(c - k, &s->width);
    g->old = (size_t)(c - k - g->old_image * s->width.d) * s->pl->in_height;
}

static inline void find_column(const struct site *s, struct gate *g)
{
    const struct place *at = &g->in->order->at[g->next.at];

    if (column_turns(s, &g->column, g->next.image, at->column, g->write_words))
        turn(s, g);
}

void ahead_turn(struct site *s)
{
    for (struct gate *g = s->ahead->gate; g < s->ahead->gate_end; g++) {
        g->column.at = NOWHERE;
        find_column(s, g);
    }
    for (struct returning *r = s->ahead->back; r < s->ahead->back_end; r++)
        r->column.at = NOWHERE;
}

/* ---- what can begin, and when ---- */

/* When a buffer has room for a pixel read back; CYC_NEVER: nobody knows. */
static inline uint64_t back_room(const struct back *b)
{
    const struct token_out *t = send_buffer_token(&b->out, b->out.first);

    if (b->out.end - b->out.first < b->out.fill.size)
        return 0;
    return t->left == 0 ? t->free_clk : CYC_NEVER;
}

static inline bool back_is_visible(const struct site *s, const struct returning *r)
{
    const uint32_t *need = r->back->need + (size_t)r->next.at * s->n_in;

    for (uint32_t i = 0; i < s->n_in; i++)
        if (need[i] > 0 && s->in[i].visible < r->next.image * s->in[i].order->n + need[i])
            return false;
    return true;
}

static inline bool back_has_more(const struct site *s, const struct returning *r)
{
    return r->next.image < s->chip->n_image;
}

/* Whether the slot of the next pixel is free as the port is idle; if not, *who is still to read the
 * one there, or the registers. */
static inline bool slot_is_free(const struct site *s, struct gate *g, const struct returning **who)
{
    const struct place *at = &g->in->order->at[g->next.at];

    find_column(s, g);
    *who = NULL;
    if (!g->reused)
        return true;
    const size_t there = g->old + at->row;
    for (const struct returning *r = s->ahead->back; r < s->ahead->back_end; r++) {
        const struct back *b = r->back;
        *who = r;
        if (b->index[there] != NOWHERE &&
            b->begun <= g->old_image * b->order->n + b->index[there])
            return false;
    }
    *who = NULL;
    return s->last_read[there] == NOWHERE ||
           g->old_image * s->own->n + s->last_read[there] < s->load_next;
}

/* When the oldest pixel that is not stored has come; CYC_NEVER: nobody knows. */
static inline uint64_t pixel_comes(const struct intake *in)
{
    if (in->arrived > in->taken)
        return 0;
    in->tokens->asked = in->tokens->n == 0;
    return mail_cyc(in->tokens);
}

/* What the next firing, of one output, needs of a stream. */
static inline uint64_t wants(const struct site *s, uint32_t k)
{
    const struct cursor *at = &s->ahead->load;
    const uint32_t need = s->need[(size_t)at->at * s->n_in + k];

    return need > 0 ? at->image * s->in[k].order->n + need : 0;
}

static inline void find_wants(struct site *s)
{
    for (uint32_t k = 0; k < s->n_in; k++)
        s->want[k] = wants(s, k);
}

static inline bool output_comes(const struct site *s)
{
    for (uint32_t k = 0; k < s->n_in; k++)
        if (s->in[k].visible < s->want[k])
            return false;
    return true;
}

/* When all is stored that the next firing reads; CYC_NEVER: it is not yet. */
static inline uint64_t group_comes(struct site *s)
{
    uint64_t clk = 0;

    if (s->ahead->load.image == s->chip->n_image ||
        !(s->shape.n > 1 ? port_group_is_there(s) : output_comes(s)))
        return CYC_NEVER;
    for (uint32_t k = 0; k < s->n_in; k++)
        if (s->ahead->gate[k].seen_before < s->want[k])
            clk = max_u64(clk, s->ahead->gate[k].visible_clk);
    return clk;
}

static inline void find_store(struct site *s, struct gate *g)
{
    const struct returning *who;
    const uint64_t clk = pixel_comes(g->in);

    g->clk = clk < CYC_NEVER && slot_is_free(s, g, &who) ? clk : CYC_NEVER;
}

static inline void find_stores(struct site *s)
{
    for (struct gate *g = s->ahead->gate; g < s->ahead->gate_end; g++)
        if (g->clk == CYC_NEVER)
            find_store(s, g);
}

static inline void find_read_backs(struct site *s)
{
    for (struct returning *r = s->ahead->back; r < s->ahead->back_end; r++)
        if (r->clk == CYC_NEVER && back_has_more(s, r) && back_is_visible(s, r))
            r->clk = back_room(r->back);
}

static inline void find_load(struct site *s)
{
    struct ahead *a = s->ahead;

    if (a->ready_clk < CYC_NEVER || (a->ready_clk = group_comes(s)) == CYC_NEVER)
        return;
    a->needs_port = s->shape.n > 1 ? port_is_needed(s, s->group_n)
                                   : s->reads[a->load.at] && port_clocks(s, 1) > 0;
}

/* Of what can begin in the same clock the first; but registers that need no words are loaded
 * whatever the port does. */
static inline struct choice choose(const struct site *s)
{
    struct ahead *a = s->ahead;
    struct choice c = { CYC_NEVER, NULL, NULL };
    uint64_t clk;

    for (struct gate *g = a->gate; g < a->gate_end; g++)
        if ((clk = max_u64(g->clk, a->idle_clk)) < c.clk)
            c = (struct choice){ clk, g, NULL };
    for (struct returning *r = a->back; r < a->back_end; r++)
        if ((clk = max_u64(r->clk, a->idle_clk)) < c.clk)
            c = (struct choice){ clk, NULL, r };
    clk = max_u64(a->ready_clk, a->registers_clk);
    if (clk == CYC_NEVER)
        return c;
    if (a->needs_port)
        clk = max_u64(clk, a->idle_clk);
    if (clk < c.clk || (clk == c.clk && !a->needs_port))
        c = (struct choice){ clk, NULL, NULL };
    return c;
}

/* ---- what is unknown, and cannot be before ---- */

/* No digital operation of which nobody knows yet starts before. */
static uint64_t digital_after(const struct site *s, uint64_t now)
{
    const struct ahead *a = s->ahead;

    if (a->n_digital < a->n_array)
        return max_u64(now, flight(a, a->n_digital)->array_end);
    return max_u64(max_u64(now, a->registers_clk) + 1, s->array_end) + s->array_clk;
}

/* No place of which nobody knows yet is known to be free before. */
static uint64_t credit_after(const struct site *s, const struct link *l, uint64_t now)
{
    const struct elastic_chip *c = s->chip;
    const struct intake *in = c->intake_of[l->stream];
    const struct site *to = &c->site[c->plan->stream[l->stream].to];

    if (in->token)
        return max_u64(now, to->ahead->idle_clk) + 1 + in->credit_clk;
    return digital_after(to, now) + in->credit_clk;
}

/* No pixel of which nobody knows yet comes before. One that waits for a place is sent behind the
 * store that frees it, which is known. */
static inline uint64_t pixel_after(const struct gate *g, uint64_t now)
{
    const struct link *l = g->link;

    if (!g->sender->ahead)
        return max_u64(now, l->n > 0 ? l->end_clk : 0) + 1 + l->hop_clk;
    if (l->next < l->from->end)
        return l->credits->n > 0 ? now + 1 + l->hop_clk : CYC_NEVER;
    if (l->from != &g->sender->out)
        return now + 2 + l->hop_clk;
    return digital_after(g->sender, now) + 2 + l->hop_clk;
}

/* A buffer has no room before of which nobody knows yet, nor is it known what it holds from then
 * on: the oldest pixel that is not sent by all links goes first, as soon as those that are behind
 * have sent it. */
static uint64_t room_after(const struct site *s, const struct back *b, uint64_t now)
{
    uint64_t pixel = b->out.first, clk = 0;

    while (pixel < b->out.end && send_buffer_token(&b->out, pixel)->left == 0)
        pixel++;
    if (pixel == b->out.end)
        return CYC_NEVER;
    for (uint32_t i = 0; i < b->out.n_link; i++)
        if (b->out.link[i]->next <= pixel)
            clk = max_u64(clk, credit_after(s, b->out.link[i], now) + 1);
    return clk;
}

static inline bool is_sure(const struct site *s, const struct choice *c, uint64_t now)
{
    const struct ahead *a = s->ahead;

    if (s->stays)
        return false;
    if (a->registers_clk == CYC_NEVER && (a->ready_clk < CYC_NEVER || s->shape.n > 1) &&
        digital_after(s, now) <= c->clk) // a group is looked for as they are free
        return false;
    for (const struct gate *g = a->gate; g < a->gate_end; g++) {
        const bool knows = g->in->arrived > g->in->taken || g->in->tokens->n > 0;
        if ((g == c->gate || !knows) && pixel_after(g, now) <= c->clk)
            return false; // it would be the next, or is in the buffer as the next is stored
    }
    for (const struct returning *r = a->back; r < a->back_end; r++)
        if ((r == c->back || (r->clk == CYC_NEVER && back_has_more(s, r) &&
                              back_is_visible(s, r))) &&
            room_after(s, r->back, now) <= c->clk)
            return false;
    return true;
}

/* ---- where its time goes ---- */

/* The first stream of which the next firing lacks a pixel; NULL: it lacks none, or is none. */
static inline struct gate *missing(const struct site *s)
{
    struct ahead *a = s->ahead;

    if (s->shape.n > 1) {
        const struct intake *in = port_missing(s);
        return in ? &a->gate[in - s->in] : NULL;
    }
    for (uint32_t k = 0; a->load.image < s->chip->n_image && k < s->n_in; k++)
        if (s->in[k].visible < s->want[k])
            return &a->gate[k];
    return NULL;
}

/* What the idle port does until a clock, of which nothing but the pixel that comes next changes. */
static void wait_in_vain(struct site *s, uint64_t until)
{
    struct meter *m = &s->port_meter;
    struct ahead *a = s->ahead;
    struct gate *g = missing(s);
    const struct returning *who;
    uint32_t by = 0;

    if (!g && a->load.image < s->chip->n_image) {
        meter_spend(m, until, &a->by_array, ELASTIC_BLOCKED, ON_CROSSBAR, 0);
        return;
    }
    if (!g) {
        meter_spend(m, until, &a->by_nothing, ELASTIC_STARVED, ON_PIXELS, s->in[0].stream);
        return;
    }
    const uint64_t clk = pixel_comes(g->in);
    meter_spend(m, min_u64(clk, until), &g->by_pixels, ELASTIC_STARVED, ON_PIXELS, g->in->stream);
    if (clk >= until)
        return;
    slot_is_free(s, g, &who);
    if (who)
        meter_spend(m, min_u64(back_room(who->back), until), &by, ELASTIC_BLOCKED, ON_READ_BACK,
                    who->back->stream);
    meter_spend(m, until, &g->by_slot, ELASTIC_BLOCKED, ON_SLOT, g->in->stream);
}

/* A group is looked for as the registers are free; until then its first output is what it waits
 * for. */
static inline void port_waits(struct site *s, uint64_t until)
{
    const uint32_t group_n = s->group_n;

    if (until <= s->port_meter.since_clk)
        return;
    if (s->ahead->ready_clk < CYC_NEVER && s->shape.n == 1) {
        meter_spend(&s->port_meter, until, &s->ahead->by_array, ELASTIC_BLOCKED, ON_CROSSBAR, 0);
        return;
    }
    if (s->shape.n > 1) {
        s->group_n = 0;
        wait_in_vain(s, min_u64(until, s->ahead->registers_clk));
        s->group_n = group_n;
    }
    if (s->port_meter.since_clk < until)
        wait_in_vain(s, until);
}

/* ---- what begins ---- */

/* The core works; while its array does so too there is nothing to count. What follows without a
 * break is one span. */
static inline void add_span(struct ahead *a, uint64_t from, uint64_t to)
{
    struct span *last = &a->span[(a->n_span - 1) & a->mask];
    const struct flight *f = flight(a, a->n_array - 1);

    if (a->n_array > 0 && f->array_start <= from && to <= f->array_end)
        return;
    if (a->first_span < a->n_span && from <= last->to)
        last->to = max_u64(last->to, to);
    else
        a->span[a->n_span++ & a->mask] = (struct span){ from, to };
}

static inline void port_works(struct site *s, uint64_t from, uint64_t to)
{
    add_span(s->ahead, from, to);
    meter_work(&s->port_meter, from, to);
    s->ahead->idle_clk = max_u64(s->ahead->idle_clk, to);
}

static inline void store(struct site *s, struct gate *g, uint64_t from)
{
    struct intake *in = g->in;
    const struct place *at = &in->order->at[g->next.at];

    const uint64_t words = g->column.words[at->row], to = from + port_clocks(s, words);

    ahead_see_gate(g, from);
    s->count.words_written += words;
    s->count.pixels_stored++;
    intake_credit(in, to, 1);
    g->stored_clk = to;
    in->taken++;
    cursor_pass(&g->next, in->order, 1);
    const uint64_t visible = in->visible;
    port_stored(in);
    if (in->visible > visible) {
        g->seen_before = visible;
        g->visible_clk = to;
        find_load(s);
        find_read_backs(s);
    }
    port_works(s, from, to);
    find_store(s, g);
}

static uint64_t back_words(const struct site *s, struct returning *r)
{
    const struct place *at = &r->back->order->at[r->next.at];
    const uint32_t *stride = r->back->who->stride;

    column_turns(s, &r->column, r->next.image, at->column * stride[1], s->ahead->read_words);
    return r->column.words[at->row * stride[0]];
}

static void read_back(struct site *s, struct returning *r, uint64_t from)
{
    struct back *b = r->back;
    const uint64_t words = back_words(s, r);
    const uint64_t to = from + max_u64(1, port_clocks(s, words));

    ahead_see_freed(&b->out, from);
    fill_add(&b->out.fill, from, 1);
    send_buffer_put(&b->out, 1, to);
    s->count.words_read_back += words;
    b->done = ++b->begun;
    cursor_pass(&r->next, b->order, 1);
    port_works(s, from, to);
    ahead_send(s, &b->out);
    r->clk = CYC_NEVER;
    find_read_backs(s);
    find_stores(s); // whose slot is free now
}

static inline uint64_t load_words(struct site *s, uint32_t n)
{
    return s->words ? port_words(s, s->ahead->load.image)[s->ahead->load.at]
                    : port_firing_words(s, n);
}

static inline void load(struct site *s, uint64_t from)
{
    struct ahead *a = s->ahead;
    const uint32_t n = s->shape.n > 1 ? s->group_n : 1;
    const uint64_t words = load_words(s, n), clk = port_clocks(s, words);

    s->count.words_read += words;
    s->load_n = n;
    s->load_next += n;
    s->load_done = s->load_next;
    s->load_end = from + max_u64(1, clk);
    if (clk > 0)
        port_works(s, from, s->load_end);
    else
        add_span(a, from, s->load_end);
    struct flight *f = flight(a, a->n_load++);
    f->n = n;
    f->load_end = s->load_end;
    cursor_pass(&a->load, s->own, n);
    if (s->shape.n == 1)
        find_wants(s);
    s->group_n = 0;
    a->registers_clk = a->ready_clk = CYC_NEVER;
    ahead_fire(s);
    find_load(s);
    find_stores(s); // whose slot is free now
}

/* Whether no more can be begun until some of it is counted. */
static inline bool is_full(const struct ahead *a)
{
    return a->n_load - a->seen_digital > a->mask || a->n_span - a->first_span > a->mask;
}

bool ahead_serve(struct site *s, uint64_t now, uint64_t *next)
{
    find_stores(s);
    find_read_backs(s);
    if (s->load_next == 0 && s->ahead->ready_clk == CYC_NEVER) {
        if (s->shape.n == 1)
            find_wants(s);
        find_load(s);
    }
    for (bool any = false;; any = true) {
        const struct choice c = choose(s);
        *next = c.clk;
        if (c.clk == CYC_NEVER || (c.clk > now && !is_sure(s, &c, now)))
            return any;
        if (is_full(s->ahead) && c.clk > now)
            return any;
        if (is_full(s->ahead))
            ahead_see(s, c.clk);
        port_waits(s, c.clk);
        if (c.gate)
            store(s, c.gate, c.clk);
        else if (c.back)
            read_back(s, c.back, c.clk);
        else
            load(s, c.clk);
    }
}
