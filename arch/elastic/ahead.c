/* arch/elastic/ahead.c -- a core under elastic clocking that works ahead of the clock.
 *
 * Array, digital processor and links serve one after another in a fixed order, and no values
 * travel: when an operation starts is the latest of when its causes are there,
 *
 *     array    registers loaded; array free; digital start of the firing `elastic.results` before
 *     digital  product there; processor free; places of tokens before free; sums; residual pixels
 *     link     token there; link free; credits for its pixels
 *
 * (a recurrence of maxima and sums: Baccelli, Cohen, Olsder and Quadrat, "Synchronization and
 * linearity", 1992). So each is known, and told, as soon as the last of its causes is, mostly when
 * the registers begin to load. Only the memory's port chooses between what waits: it is stepped in
 * clocks in which something begins. Of where time goes each cause is the reason until it is there,
 * in the order in which a clock looks at them (core.c). What buffers hold, and whether the core
 * works, is counted behind the clock.
 *
 * Not for cores of tokens, pixels that are dropped or take no time as they come, groups of what
 * is there (`elastic.group: any`), links that are shared or routed, nor where each clock is told,
 * zeros skip reads or images come while the chip runs: these are stepped clock by clock, as is once
 * more a run that stands still, to say why.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "arch/core/core.h"
#include "arch/elastic/site.h"

struct flight { // a firing, from its registers to its token
    uint32_t n, out; // outputs; places of their token
    uint64_t load_end, array_start, array_end, digital_start, digital_end;
};

enum phase { LACKS_RESULT, LACKS_ROOM, LACKS_SUMS, LACKS_RESIDUAL }; // of stream 0, 1 ..

struct choice { // what the port begins next
    uint64_t       clk;
    struct intake *in;   // to store of, if not NULL; else
    struct back   *back; // to read back, if not NULL; else registers are loaded
};

struct ahead {
    struct flight *flight; // owned; ring
    uint32_t       mask;
    uint64_t       n_load, n_array, n_digital;  // firings whose start of this is known
    uint64_t       seen_array, seen_digital;    // that have started by the clock
    uint64_t       seen;                        // outputs of the latter
    unsigned       phase;                       // of the next digital operation
    uint32_t       held;  // places of the output buffer that are not known to be free
    uint64_t       freed; // the first token that holds some
    uint64_t       works_clk;                   // until then it is counted to work
    bool           asks;  // to be told of credits or pixels that something waits for
    uint64_t       idle_clk;  // of the port, from then on
    struct choice  sure;      // nothing unknown can change it; its clk CYC_NEVER: none
    uint64_t       ready_clk; // what the next firing reads was there; CYC_NEVER: it is not
};

static struct flight *flight(const struct ahead *a, uint64_t i)
{
    return &a->flight[i & a->mask];
}

/* ---- what starts, as soon as it is known ---- */

static void take_credit(struct link *l)
{
    uint32_t n = mail_take(l->credits);

    l->credit += n;
    l->got += n;
}

static bool send(struct site *s, struct link *l)
{
    struct token_out *t = send_buffer_token(l->from, l->next);
    uint64_t bits, from = max_u64(l->meter.since_clk, t->clk);

    meter_spend(&l->meter, from, ELASTIC_STARVED, ON_TOKEN, l->stream);
    while (l->credit < t->n) {
        if (l->credits->n == 0) {
            l->credits->asked = s->ahead->asks = true;
            return false;
        }
        from = max_u64(from, mail_cyc(l->credits)); // those taken before were known before
        take_credit(l);
    }
    meter_spend(&l->meter, from, ELASTIC_BLOCKED, ON_CREDIT, l->stream);
    l->end_clk = from + link_clocks(s, l, t->n, &bits);
    mail_put(l->tokens, l->end_clk + l->hop_clk, t->n);
    meter_work(&l->meter, from, l->end_clk);
    l->credit -= t->n;
    l->pixels += t->n;
    l->count.tokens++;
    l->count.bits += bits;
    l->sent_clk[l->next++ % l->from->room] = l->end_clk;
    t->left--;
    t->free_clk = max_u64(t->free_clk, l->end_clk);
    return true;
}

static bool send_all(struct site *s)
{
    bool sent = false;

    for (uint32_t i = 0; i < s->n_link; i++) {
        struct link *l = &s->link[i];
        while (l->tokens && l->next < l->from->end && send(s, l))
            sent = true;
    }
    return sent;
}

static bool multiply(struct site *s)
{
    struct ahead *a = s->ahead;
    const uint32_t results = s->chip->cfg->results;

    if (a->n_array == a->n_load)
        return false;
    struct flight *f = flight(a, a->n_array);
    meter_spend(&s->array_meter, f->load_end, ELASTIC_STARVED, ON_PORT, 0);
    if (a->n_array >= a->n_digital + results)
        return false;
    uint64_t from = s->array_meter.since_clk;
    if (a->n_array >= results)
        from = max_u64(from, flight(a, a->n_array - results)->digital_start);
    meter_spend(&s->array_meter, from, ELASTIC_BLOCKED, ON_DIGITAL, 0);
    if (s->array_next == 0)
        s->count.first_clk = from;
    if (s->array_next < s->own->n)
        s->count.last_clk = from;
    s->array_next += f->n;
    s->count.firings += s->is_array;
    s->count.outputs += f->n;
    f->array_start = from;
    s->array_end = f->array_end = from + s->array_clk;
    meter_work(&s->array_meter, from, f->array_end);
    a->n_array++;
    return true;
}

/* When so many pixels of a stream have come; CYC_NEVER: it asks to be told. */
static uint64_t comes(const struct intake *in, uint64_t pixels)
{
    uint64_t n = in->arrived;

    if (n >= pixels)
        return 0;
    for (uint32_t i = 0; i < in->tokens->n; i++) {
        const struct letter *l = mail_peek(in->tokens, i);
        if ((n += l->n) >= pixels)
            return l->cyc;
    }
    in->tokens->asked = true;
    return CYC_NEVER;
}

/* When all pixels of an added stream are there for n outputs from `first` on; *used of them are. */
static uint64_t residual_comes(const struct site *s, uint32_t k, uint64_t first, uint32_t n,
                               uint32_t *used)
{
    const struct intake *in = &s->added[k];
    uint64_t pixels = 0;

    *used = 0;
    for (uint64_t i = first; i < first + n; i++) {
        uint32_t at = s->adds[(size_t)order_at(s->own, i) * s->n_added + k];
        if (at == NOWHERE)
            continue;
        ++*used;
        pixels = max_u64(pixels, order_image(s->own, i) * in->order->n + at + 1);
    }
    return *used > 0 ? comes(in, pixels) : 0;
}

/* Tokens that a link has sent by a clock: all but some of those whose places are held then. */
static uint64_t n_sent(const struct link *l, uint64_t now)
{
    uint64_t n = l->next;

    while (n > 0 && l->sent_clk[(n - 1) % l->from->room] > now)
        n--;
    return n;
}

/* The link that has sent least keeps the places; which one that is changes as links end. */
static void wait_for_room(struct site *s, uint64_t until)
{
    struct meter *m = &s->digital_meter;

    while (m->since_clk < until) {
        uint64_t least = UINT64_MAX, next = until;
        uint32_t slow = 0; // stream
        for (uint32_t i = 0; i < s->n_link; i++) {
            const struct link *l = &s->link[i];
            if (l->from != &s->out)
                continue;
            uint64_t n = n_sent(l, m->since_clk);
            slow = n < least ? l->stream : slow;
            least = min_u64(least, n);
            if (n < l->next)
                next = min_u64(next, l->sent_clk[n % l->from->room]);
        }
        meter_spend(m, next, ELASTIC_BLOCKED, ON_OUTPUT, slow);
    }
}

/* Whether it is known when the next operation's places are free, and there until then. */
static bool has_room(struct site *s)
{
    struct ahead *a = s->ahead;
    uint64_t from = s->digital_meter.since_clk;

    for (; a->held > s->out.fill.size; a->freed++) {
        const struct token_out *t = send_buffer_token(&s->out, a->freed);
        if (a->freed == s->out.end || t->left > 0)
            return false;
        from = max_u64(from, t->free_clk);
        a->held -= t->n;
    }
    wait_for_room(s, from);
    return true;
}

/* Goes from cause to cause of the next digital operation, as far as they are known. */
static bool may_digital(struct site *s, struct flight *f)
{
    struct ahead *a = s->ahead;
    struct meter *m = &s->digital_meter;
    uint64_t clk;

    if (a->phase == LACKS_RESULT) {
        meter_spend(m, f->array_end, ELASTIC_STARVED, ON_CROSSBAR, 0);
        f->out = site_places(s, s->digital_next, f->n);
        a->held = s->delivers ? f->out : a->held + f->out;
        a->phase = LACKS_ROOM;
    }
    if (a->phase == LACKS_ROOM) {
        if (!has_room(s))
            return false;
        a->phase = LACKS_SUMS;
    }
    if (a->phase == LACKS_SUMS) {
        clk = s->sums.tokens ? comes(&s->sums, s->digital_next + f->n) : 0;
        if (clk == CYC_NEVER)
            return !(a->asks = true);
        meter_spend(m, clk, ELASTIC_WAITING, ON_SUMS, s->sums.stream);
        a->phase = LACKS_RESIDUAL;
    }
    for (uint32_t k; (k = a->phase - LACKS_RESIDUAL) < s->n_added; a->phase++) {
        uint32_t used;
        clk = residual_comes(s, k, s->digital_next, f->n, &used);
        if (clk == CYC_NEVER)
            return !(a->asks = true);
        meter_spend(m, clk, ELASTIC_WAITING, ON_RESIDUAL, s->added[k].stream);
    }
    a->phase = LACKS_RESULT;
    return true;
}

static bool process(struct site *s)
{
    struct ahead *a = s->ahead;

    if (a->n_digital == a->n_array)
        return false;
    struct flight *f = flight(a, a->n_digital);
    if (!may_digital(s, f))
        return false;
    const uint64_t from = s->digital_meter.since_clk;
    if (s->sums.tokens)
        intake_credit(&s->sums, from, f->n);
    for (uint32_t k = 0; k < s->n_added; k++) {
        uint32_t used;
        residual_comes(s, k, s->digital_next, f->n, &used);
        if (used > 0)
            intake_credit(&s->added[k], from, used);
    }
    f->digital_start = from;
    s->digital_end = f->digital_end = from + site_digital_clocks(s, f->n);
    s->digital_n = f->n;
    s->digital_out = f->out;
    meter_work(&s->digital_meter, from, f->digital_end);
    if (s->delivers)
        site_deliver(s, f->digital_end);
    else if (f->out > 0)
        send_buffer_put(&s->out, f->out, f->digital_end);
    s->digital_next += f->n;
    s->made += f->n;
    a->n_digital++;
    return true;
}

bool ahead_look(struct site *s)
{
    bool any = false, more;

    s->ahead->asks = false;
    do {
        any |= send_all(s);
        more = multiply(s);
        more |= process(s);
        any |= more;
    } while (more);
    return any;
}

/* ---- what has started by the clock ---- */

/* Clocks in which the core is at work, from starts that never fall. */
static void works(struct site *s, uint64_t from, uint64_t to)
{
    struct ahead *a = s->ahead;

    from = max_u64(from, a->works_clk);
    if (to <= from)
        return;
    s->count.busy_clk += to - from;
    a->works_clk = to;
}

static void see_freed(struct send_buffer *b, uint64_t now)
{
    for (; b->first < b->end; b->first++) {
        const struct token_out *t = send_buffer_token(b, b->first);
        if (t->left > 0 || t->free_clk > now)
            return;
        fill_take(&b->fill, t->free_clk, t->n);
    }
}

static void see_come(struct intake *in, uint64_t now)
{
    while (mail_cyc(in->tokens) <= now && in->tokens->n > 0) {
        uint64_t clk = mail_cyc(in->tokens);
        uint32_t n = mail_take(in->tokens);
        in->arrived += n;
        fill_add(&in->fill, clk, n);
        if (in->token)
            in->token[(in->token_first + in->token_n++) % in->fill.size] = n;
    }
}

/* What is delivered is free as soon as it is made. */
static void see_delivered(struct site *s, uint64_t now)
{
    const struct ahead *a = s->ahead;

    if (s->out.fill.used == 0 || a->seen_digital == 0)
        return;
    uint64_t clk = flight(a, a->seen_digital - 1)->digital_end;
    if (clk <= now)
        fill_take(&s->out.fill, clk, s->out.fill.used);
}

static void see_out(struct site *s, uint64_t now)
{
    if (s->delivers)
        see_delivered(s, now);
    else
        see_freed(&s->out, now);
}

static void see_digital(struct site *s, const struct flight *f)
{
    struct ahead *a = s->ahead;
    const uint64_t clk = f->digital_start;

    works(s, clk, f->digital_end);
    see_out(s, clk);
    if (f->out > 0)
        fill_add(&s->out.fill, clk, f->out);
    if (s->sums.tokens) {
        see_come(&s->sums, clk);
        intake_free(&s->sums, clk, f->n);
    }
    for (uint32_t k = 0; k < s->n_added; k++) {
        uint32_t used;
        see_come(&s->added[k], clk);
        residual_comes(s, k, a->seen, f->n, &used);
        if (used > 0)
            intake_free(&s->added[k], clk, used);
    }
    a->seen += f->n;
    a->seen_digital++;
}

static void see(struct site *s, uint64_t now)
{
    struct ahead *a = s->ahead;

    for (;;) {
        const struct flight *array = flight(a, a->seen_array);
        const struct flight *digital = flight(a, a->seen_digital);
        uint64_t array_clk = a->seen_array < a->n_array ? array->array_start : CYC_NEVER;
        uint64_t digital_clk = a->seen_digital < a->n_digital ? digital->digital_start : CYC_NEVER;
        if (min_u64(array_clk, digital_clk) > now || min_u64(array_clk, digital_clk) == CYC_NEVER)
            return;
        if (array_clk <= digital_clk) {
            works(s, array_clk, array->array_end);
            a->seen_array++;
        } else {
            see_digital(s, digital);
        }
    }
}

/* ---- the port ---- */

/* Counts what has come by a clock, and the pixel that was stored last if its place is free. */
static void see_in(struct intake *in, uint64_t now)
{
    if (in->stored_clk <= now) {
        see_come(in, in->stored_clk);
        fill_take(&in->fill, in->stored_clk, 1);
        in->stored_clk = CYC_NEVER;
    }
    see_come(in, now);
}

/* When the registers take the next firing's pixels; CYC_NEVER: nobody knows. */
static uint64_t registers_free(const struct site *s)
{
    const struct ahead *a = s->ahead;

    if (a->n_array < a->n_load)
        return CYC_NEVER;
    if (a->n_load == 0)
        return 0;
    const struct flight *f = flight(a, a->n_load - 1);
    return s->chip->cfg->registers > 1 ? f->array_start : f->array_end;
}

/* When a buffer has room for a pixel read back; CYC_NEVER: nobody knows. */
static uint64_t back_room(const struct back *b)
{
    const struct token_out *t = send_buffer_token(&b->out, b->out.first);

    if (b->out.end - b->out.first < b->out.fill.size)
        return 0;
    return t->left == 0 ? t->free_clk : CYC_NEVER;
}

/* 0 where the slot of a pixel that comes is free as the port is idle; CYC_NEVER: the one there is
 * still to be read, maybe by *who. */
static uint64_t slot_free(const struct site *s, const struct intake *in, uint64_t i,
                          const struct back **who)
{
    const struct place *at = &in->order->at[order_at(in->order, i)];
    uint64_t c = order_image(in->order, i) * s->pl->in_width + at->column;
    const uint64_t k = s->layout->shape.columns;

    *who = NULL;
    if (c < k)
        return 0;
    const uint64_t before = quotient(c - k, &s->width);
    const size_t there = (size_t)(c - k - before * s->width.d) * s->pl->in_height + at->row;
    for (uint32_t b = 0; b < s->n_back; b++) {
        *who = &s->back[b];
        if ((*who)->index[there] != NOWHERE &&
            (*who)->begun <= before * (*who)->order->n + (*who)->index[there])
            return CYC_NEVER;
    }
    *who = NULL;
    return s->last_read[there] == NOWHERE ||
           before * s->own->n + s->last_read[there] < s->load_next ? 0 : CYC_NEVER;
}

/* What the idle port does until a clock, of which nothing but the pixel that comes next changes. */
static void wait_in_vain(struct site *s, uint64_t until)
{
    struct meter *m = &s->port_meter;
    const struct intake *in = port_missing(s);
    const struct back *who;

    if (!in && s->load_next < site_n_output(s)) {
        meter_spend(m, until, ELASTIC_BLOCKED, ON_CROSSBAR, 0);
        return;
    }
    const uint64_t clk = in ? comes(in, in->taken + 1) : CYC_NEVER;
    meter_spend(m, min_u64(clk, until), ELASTIC_STARVED, ON_PIXELS,
                in ? in->stream : s->in[0].stream);
    if (clk >= until)
        return;
    slot_free(s, in, in->taken, &who);
    if (who)
        meter_spend(m, min_u64(back_room(who), until), ELASTIC_BLOCKED, ON_READ_BACK,
                    who->stream);
    meter_spend(m, until, ELASTIC_BLOCKED, ON_SLOT, in->stream);
}

/* A group is looked for as the registers are free; until then its first output is what it waits
 * for. */
static void port_waits(struct site *s, uint64_t until)
{
    const uint32_t group_n = s->group_n;

    if (until <= s->port_meter.since_clk)
        return;
    if (s->shape.n > 1) {
        s->group_n = 0;
        wait_in_vain(s, min_u64(until, registers_free(s)));
        s->group_n = group_n;
    }
    if (s->port_meter.since_clk < until)
        wait_in_vain(s, until);
}

static void port_works(struct site *s, uint64_t from, uint64_t to)
{
    see(s, from);
    works(s, from, to);
    meter_work(&s->port_meter, from, to);
}

static void store(struct site *s, struct intake *in, uint64_t from)
{
    const struct place *place = &in->order->at[order_at(in->order, in->taken)];
    const struct pixel at = { order_image(in->order, in->taken), place->row, place->column };
    const uint64_t words = port_store_words(s, in, &at), to = from + port_clocks(s, words);

    see_in(in, from);
    s->count.words_written += words;
    s->count.pixels_stored++;
    intake_credit(in, to, 1);
    in->stored_clk = to;
    in->taken++;
    const uint64_t visible = in->visible;
    port_stored(in);
    if (in->visible > visible) {
        in->seen_before = visible;
        in->visible_clk = to;
    }
    port_works(s, from, to);
}

static void read_back(struct site *s, struct back *b, uint64_t from)
{
    const uint64_t words = port_back_words(s, b);
    const uint64_t to = from + max_u64(1, port_clocks(s, words));

    see_freed(&b->out, from);
    fill_add(&b->out.fill, from, 1);
    send_buffer_put(&b->out, 1, to);
    s->count.words_read_back += words;
    b->done = ++b->begun;
    port_works(s, from, to);
    ahead_look(s);
}

static void load(struct site *s, uint64_t from)
{
    struct ahead *a = s->ahead;
    const uint64_t words = port_firing_words(s, s->group_n), clk = port_clocks(s, words);

    s->count.words_read += words;
    s->load_n = s->group_n;
    s->load_next += s->group_n;
    s->load_done = s->load_next;
    s->load_end = from + max_u64(1, clk);
    if (clk > 0) {
        port_works(s, from, s->load_end);
    } else {
        see(s, from);
        works(s, from, s->load_end);
    }
    *flight(a, a->n_load++) = (struct flight){ .n = s->group_n, .load_end = s->load_end };
    s->group_n = 0;
    a->ready_clk = CYC_NEVER;
    ahead_look(s);
}

static void choose_store(struct site *s, uint64_t idle_clk, struct choice *c)
{
    const struct back *who;

    for (struct intake *in = s->in; in < s->in + s->n_in; in++) {
        uint64_t clk = max_u64(comes(in, in->taken + 1), idle_clk);
        if (clk < c->clk && (clk = max_u64(clk, slot_free(s, in, in->taken, &who))) < c->clk)
            *c = (struct choice){ clk, in, NULL };
    }
}

static void choose_read_back(struct site *s, uint64_t idle_clk, struct choice *c)
{
    for (struct back *b = s->back; b < s->back + s->n_back; b++) {
        uint64_t clk = max_u64(back_room(b), idle_clk);
        if (clk < c->clk && b->begun < s->chip->n_image * b->order->n && port_back_is_visible(s, b))
            *c = (struct choice){ clk, NULL, b };
    }
}

/* When all is stored that the next firing reads; CYC_NEVER: it is not yet. */
static uint64_t group_comes(struct site *s)
{
    uint64_t clk = 0;

    if (!port_group_is_there(s))
        return CYC_NEVER;
    for (uint32_t k = 0; k < s->n_in; k++)
        if (s->in[k].seen_before < s->want[k])
            clk = max_u64(clk, s->in[k].visible_clk);
    return clk;
}

/* Registers that need no words are loaded whatever the port does. */
static void choose_load(struct site *s, uint64_t idle_clk, struct choice *c)
{
    struct ahead *a = s->ahead;

    if (a->ready_clk == CYC_NEVER)
        a->ready_clk = group_comes(s);
    if (a->ready_clk == CYC_NEVER)
        return;
    const bool needs = port_is_needed(s, s->group_n);
    uint64_t clk = max_u64(a->ready_clk, registers_free(s));
    if (needs)
        clk = max_u64(clk, idle_clk);
    if (clk < c->clk || (!needs && clk == c->clk))
        *c = (struct choice){ clk, NULL, NULL };
}

/* The first clock in which a token may come of which nobody knows: behind one that waits to be sent
 * or processed; else its firing is still to be loaded, and comes behind a product and three more
 * operations of a clock at least. */
static uint64_t token_may_come(const struct intake *in, uint64_t now)
{
    const struct ahead *a = in->sender->ahead;
    const uint64_t hop = in->link->hop_clk;

    if (in->tokens->n > 0)
        return CYC_NEVER;
    if (in->link->from != &in->sender->out || !a || a->n_digital < a->n_load ||
        in->link->next < in->link->from->end)
        return now + 1 + hop;
    return now + in->sender->array_clk + 3 + hop;
}

/* The first clock in which what nobody knows may change what the port does. */
static uint64_t unknown_clk(const struct site *s, uint64_t now)
{
    uint64_t clk = CYC_NEVER;

    if (registers_free(s) == CYC_NEVER)
        return now + 1;
    for (uint32_t i = 0; i < s->n_back; i++)
        if (back_room(&s->back[i]) == CYC_NEVER)
            return now + 1;
    for (uint32_t i = 0; i < s->n_in; i++)
        clk = min_u64(clk, token_may_come(&s->in[i], now));
    return clk;
}

static struct choice choose(struct site *s)
{
    const uint64_t idle_clk = s->ahead->idle_clk;
    struct choice c = { CYC_NEVER, NULL, NULL };

    choose_store(s, idle_clk, &c);
    choose_read_back(s, idle_clk, &c);
    choose_load(s, idle_clk, &c);
    return c;
}

/* All that begins by a clock; returns when the next begins, as far as that is known. */
static uint64_t serve(struct site *s, uint64_t now)
{
    struct ahead *a = s->ahead;

    for (;;) {
        const struct choice c = a->sure.clk < CYC_NEVER ? a->sure : choose(s);
        a->sure.clk = CYC_NEVER;
        if (c.clk > now || c.clk == CYC_NEVER) {
            if (c.clk < unknown_clk(s, now))
                a->sure = c;
            return c.clk;
        }
        port_waits(s, c.clk);
        if (c.in)
            store(s, c.in, c.clk);
        else if (c.back)
            read_back(s, c.back, c.clk);
        else
            load(s, c.clk);
        a->idle_clk = max_u64(a->idle_clk, s->port_meter.since_clk);
    }
}

static uint64_t step(struct block *b, uint64_t now)
{
    struct site *s = (struct site *)b;

    if (s->ahead->asks)
        ahead_look(s);
    return serve(s, now);
}

static void see_credits(struct site *s, uint64_t now)
{
    for (struct link *l = s->link; l < s->link + s->n_link; l++)
        while (l->tokens && l->credits->n > 0 && mail_cyc(l->credits) <= now)
            take_credit(l);
}

uint64_t ahead_settle(struct site *s, uint64_t before)
{
    const uint64_t now = before - 1;
    const bool done = before == CYC_NEVER;

    if (s->ahead->asks)
        ahead_look(s);
    serve(s, now);
    see(s, now);
    see_out(s, now);
    for (uint32_t i = 0; i < s->n_in; i++) // what has come since is still a cause
        see_in(&s->in[i], done ? now : s->port_meter.since_clk);
    for (uint32_t i = 0; i < s->n_back; i++)
        see_freed(&s->back[i].out, now);
    if (!done) {
        see_credits(s, now);
        return 0;
    }
    uint64_t last = max_u64(max_u64(s->ahead->idle_clk, s->load_end),
                            max_u64(s->array_end, s->digital_end));
    for (uint32_t i = 0; i < s->n_link; i++)
        last = max_u64(last, s->link[i].end_clk);
    return last;
}

static void describe(const struct block *b, FILE *out)
{
    const struct site *s = (const struct site *)b;

    fprintf(out, "%s will have made %" PRIu64 " of %" PRIu64 " outputs\n", b->path, s->made,
            site_n_output(s));
}

const struct block_ops elastic_ahead_ops = { "elastic_ahead", step, describe };

/* ---- images that repeat others ---- */

/* Places that are known to be free before the next operation may start are. */
static void put_held(const struct site *s, void (*put)(void *user, uint64_t number), void *user)
{
    uint64_t freed = s->ahead->freed, held = s->ahead->held;

    for (; !s->delivers && freed < s->out.end; freed++) {
        const struct token_out *t = send_buffer_token(&s->out, freed);
        if (t->left > 0 || t->free_clk > s->digital_meter.since_clk)
            break;
        held -= t->n;
    }
    put(user, held);
    put(user, s->out.end - freed);
}

void ahead_state(const struct site *s, uint64_t image, uint64_t now,
                 void (*put)(void *user, uint64_t number), void *user)
{
    const struct ahead *a = s->ahead;
    const uint64_t first = min_u64(min_u64(a->seen_array, a->seen_digital),
                                   a->n_array - min_u64(a->n_array, s->chip->cfg->results));

    put(user, s->digital_next - image * s->own->n);
    put(user, a->seen - image * s->own->n);
    put(user, a->n_load - first);
    put(user, a->n_load - a->n_array);
    put(user, a->n_load - a->n_digital);
    put(user, a->n_load - a->seen_array);
    put(user, a->n_load - a->seen_digital);
    put(user, a->phase);
    put_held(s, put, user);
    put(user, a->works_clk - now);
    put(user, a->idle_clk - now);
    put(user, a->ready_clk == CYC_NEVER ? a->ready_clk : max_u64(a->ready_clk, s->load_end) - now);
    put(user, s->load_end - now);
    put(user, s->port_meter.since_clk - now);
    put(user, s->array_meter.since_clk - now);
    put(user, s->digital_meter.since_clk - now);
    for (uint64_t i = first; i < a->n_load; i++) {
        const struct flight *f = flight(a, i);
        put(user, f->n);
        put(user, f->load_end - now);
        if (i < a->n_array) {
            put(user, f->array_start - now);
            put(user, f->array_end - now);
        }
        if (i < a->n_digital) {
            put(user, f->out);
            put(user, f->digital_start - now);
            put(user, f->digital_end - now);
        }
    }
    for (uint32_t i = 0; i < s->n_in; i++) {
        const struct intake *in = &s->in[i];
        put(user, in->stored_clk == CYC_NEVER ? CYC_NEVER : in->stored_clk - now);
        put(user, in->visible - in->seen_before);
        put(user, in->visible_clk - now);
    }
    for (uint32_t i = 0; i < s->n_link; i++) {
        if (!s->link[i].tokens)
            continue;
        put(user, s->link[i].meter.since_clk - now);
        put(user, s->link[i].end_clk - now);
    }
}

/* ---- life ---- */

bool ahead_may(const struct elastic_chip *c)
{
    if (c->probe || c->watch || c->reads || c->checks || c->net)
        return false;
    for (uint32_t i = 0; i < c->plan->n_core; i++) {
        const struct site *s = &c->site[i];
        if (s->tokens || s->prompt || s->n_wire > 0 ||
            (s->shape.n > 1 && c->cfg->group == GROUP_ANY))
            return false;
        for (uint32_t k = 0; k < s->n_in; k++)
            if (s->in[k].prompt)
                return false;
    }
    return true;
}

/* Digital operations are known to take pixels, and send buffers to have tokens, that the clock has
 * not come to: of those firings that are between port and processor. */
static bool more_mail(struct intake *in, uint32_t n)
{
    struct block *reader = in->tokens->reader;

    mail_release(in->tokens);
    return mail_init(in->tokens, reader, in->fill.size + n);
}

bool ahead_new(struct site *s)
{
    const uint32_t results = s->chip->cfg->results;
    const uint32_t most = s->pl->firing->most_outputs(&s->shape);
    struct ahead *a = s->ahead = calloc(1, sizeof *s->ahead);
    uint32_t room = 1, n = results + 4;
    bool made = true;

    while (room < n)
        room *= 2;
    if (!a)
        return false;
    a->flight = calloc(room, sizeof *a->flight);
    a->mask = room - 1;
    if (s->sums.tokens)
        made = more_mail(&s->sums, n * most);
    for (uint32_t i = 0; made && i < s->n_added; i++)
        made = more_mail(&s->added[i], n * most);
    free(s->out.token);
    s->out.room += n;
    s->out.by = divisor_of(s->out.room);
    s->out.token = calloc(s->out.room, sizeof *s->out.token);
    for (uint32_t i = 0; made && i < s->n_link; i++) {
        struct link *l = &s->link[i];
        l->end_clk = 0;
        l->sent_clk = calloc(l->from->room, sizeof *l->sent_clk);
        made = l->sent_clk != NULL;
    }
    for (struct intake *in = s->in; in < s->in + s->n_in; in++) {
        in->stored_clk = CYC_NEVER;
        in->link = s->chip->link_of[in->stream];
        in->sender = &s->chip->site[core_stream_from(s->chip->plan, in->stream)];
    }
    a->ready_clk = a->sure.clk = CYC_NEVER;
    s->base.ops = &elastic_ahead_ops;
    return made && a->flight && s->out.token;
}

void ahead_free(struct site *s)
{
    if (s->ahead)
        free(s->ahead->flight);
    free(s->ahead);
    s->ahead = NULL;
    for (uint32_t i = 0; s->link && i < s->n_link; i++)
        free(s->link[i].sent_clk);
}
