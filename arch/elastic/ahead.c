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
 * the registers begin to load. Only the memory's port chooses between what waits: it runs ahead of
 * the clock as far as nothing that is still unknown can come before (ahead_port.c). Of where time
 * goes each cause is the reason until it is there, in the order in which a clock looks at them
 * (core.c). What buffers hold, and whether the core works, is counted behind the clock.
 *
 * Not for cores of tokens, pixels that are dropped or take no time as they come, groups of what
 * is there (`elastic.group: any`), links that are shared or routed, nor where each clock is told,
 * zeros skip reads or images come while the chip runs: these are stepped clock by clock, as is once
 * more a run that stands still, to say why.
 */
#include "arch/elastic/ahead.h"

#include <inttypes.h>
#include <stdlib.h>

#include "arch/core/core.h"

enum { LEAST_FLIGHTS = 16 }; // a power of two: how far the port may run ahead

/* ---- what starts, as soon as it is known ---- */

static inline void take_credit(struct link *l)
{
    uint32_t n = mail_take(l->credits);

    l->credit += n;
    l->got += n;
}

static inline bool send(struct site *s, struct link *l)
{
    struct token_out *t = send_buffer_token(l->from, l->next);
    uint64_t bits, from = max_u64(l->meter.since_clk, t->clk);

    meter_spend(&l->meter, from, &l->by_token, ELASTIC_STARVED, ON_TOKEN, l->stream);
    while (l->credit < t->n) {
        if (l->credits->n == 0) {
            l->credits->asked = s->ahead->asks = true;
            return false;
        }
        from = max_u64(from, mail_cyc(l->credits)); // those taken before were known before
        take_credit(l);
    }
    meter_spend(&l->meter, from, &l->by_credit, ELASTIC_BLOCKED, ON_CREDIT, l->stream);
    l->end_clk = from + link_clocks(s, l, t->n, &bits);
    mail_put(l->tokens, l->end_clk + l->hop_clk, t->n);
    meter_work(&l->meter, from, l->end_clk);
    l->credit -= t->n;
    l->pixels += t->n;
    l->count.tokens++;
    l->count.bits += bits;
    l->sent_clk[l->next++ & l->from->mask] = l->end_clk;
    t->left--;
    t->free_clk = max_u64(t->free_clk, l->end_clk);
    return true;
}

/* By all links of a buffer. */
static inline bool send_from(struct site *s, const struct send_buffer *b)
{
    bool sent = false;

    for (uint32_t i = 0; i < b->n_link; i++)
        while (b->link[i]->next < b->end && send(s, b->link[i]))
            sent = true;
    return sent;
}

static inline bool multiply(struct site *s)
{
    struct ahead *a = s->ahead;
    const uint32_t results = a->results;
    struct flight *f = flight(a, a->n_array);

    meter_spend(&s->array_meter, f->load_end, &a->by_port, ELASTIC_STARVED, ON_PORT, 0);
    if (a->n_array >= a->n_digital + results)
        return false;
    uint64_t from = s->array_meter.since_clk;
    if (a->n_array >= results)
        from = max_u64(from, flight(a, a->n_array - results)->digital_start);
    meter_spend(&s->array_meter, from, &a->by_digital, ELASTIC_BLOCKED, ON_DIGITAL, 0);
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
    a->registers_clk = a->shadow ? from : f->array_end;
    return true;
}

uint64_t ahead_comes(const struct intake *in, uint64_t pixels)
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

/* When all pixels of an added stream are there for the next n outputs; *used of them are. */
static inline uint64_t residual_comes(const struct site *s, uint32_t k, uint32_t n, uint32_t *used)
{
    const struct intake *in = &s->added[k];
    struct cursor at = s->ahead->digital;
    uint64_t pixels = 0;

    *used = 0;
    for (uint32_t i = 0; i < n; i++, cursor_pass(&at, s->own, 1)) {
        uint32_t added = s->adds[(size_t)at.at * s->n_added + k];
        if (added == NOWHERE)
            continue;
        ++*used;
        pixels = max_u64(pixels, at.image * in->order->n + added + 1);
    }
    if (*used == 0 || in->arrived >= pixels)
        return 0;
    const uint64_t i = pixels - in->arrived - 1; // of those that come
    if (s->ahead->single[k] && i < in->tokens->n)
        return mail_peek(in->tokens, (uint32_t)i)->cyc;
    return ahead_comes(in, pixels);
}

/* Tokens that a link has sent by a clock: all but some of those whose places are held then. */
static uint64_t n_sent(const struct link *l, uint64_t now)
{
    uint64_t n = l->next;

    while (n > 0 && l->sent_clk[(n - 1) & l->from->mask] > now)
        n--;
    return n;
}

/* The link that has sent least keeps the places; which one that is changes as links end. */
static void wait_for_room(struct site *s, uint64_t until)
{
    struct meter *m = &s->digital_meter;

    while (m->since_clk < until) {
        uint64_t least = UINT64_MAX, next = until;
        uint32_t slow = 0, by = 0; // stream
        for (uint32_t i = 0; i < s->n_link; i++) {
            const struct link *l = &s->link[i];
            if (l->from != &s->out)
                continue;
            uint64_t n = n_sent(l, m->since_clk);
            slow = n < least ? l->stream : slow;
            least = min_u64(least, n);
            if (n < l->next)
                next = min_u64(next, l->sent_clk[n & l->from->mask]);
        }
        meter_spend(m, next, &by, ELASTIC_BLOCKED, ON_OUTPUT, slow);
    }
}

/* Whether it is known when the next operation's places are free, and there until then. */
static inline bool has_room(struct site *s)
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
static inline bool may_digital(struct site *s, struct flight *f)
{
    struct ahead *a = s->ahead;
    struct meter *m = &s->digital_meter;
    uint64_t clk;

    if (a->phase == LACKS_RESULT) {
        meter_spend(m, f->array_end, &a->by_crossbar, ELASTIC_STARVED, ON_CROSSBAR, 0);
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
        clk = s->sums.tokens ? ahead_comes(&s->sums, s->digital_next + f->n) : 0;
        if (clk == CYC_NEVER)
            return !(a->asks = true);
        meter_spend(m, clk, &a->by_sums, ELASTIC_WAITING, ON_SUMS, s->sums.stream);
        a->phase = LACKS_RESIDUAL;
    }
    for (uint32_t k; (k = a->phase - LACKS_RESIDUAL) < s->n_added; a->phase++) {
        clk = residual_comes(s, k, f->n, flight_used(s, a->n_digital) + k);
        if (clk == CYC_NEVER)
            return !(a->asks = true);
        meter_spend(m, clk, &a->by_added[k], ELASTIC_WAITING, ON_RESIDUAL, s->added[k].stream);
    }
    a->phase = LACKS_RESULT;
    return true;
}

static inline bool process(struct site *s)
{
    struct ahead *a = s->ahead;
    struct flight *f = flight(a, a->n_digital);

    if (!may_digital(s, f))
        return false;
    const uint64_t from = s->digital_meter.since_clk;
    const uint32_t *used = flight_used(s, a->n_digital);
    if (s->sums.tokens)
        intake_credit(&s->sums, from, f->n);
    for (uint32_t k = 0; k < s->n_added; k++)
        if (used[k] > 0)
            intake_credit(&s->added[k], from, used[k]);
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
    cursor_pass(&a->digital, s->own, f->n);
    a->n_digital++;
    send_from(s, &s->out);
    return true;
}

static bool work(struct site *s)
{
    const struct ahead *a = s->ahead;

    for (bool any = false, more;; any = true) {
        more = a->n_array < a->n_load && multiply(s);
        more |= a->n_digital < a->n_array && process(s);
        if (!more)
            return any;
    }
}

bool ahead_look(struct site *s)
{
    bool any = false;

    s->ahead->asks = false;
    for (uint32_t i = 0; i < s->n_back; i++)
        any |= send_from(s, &s->back[i].out);
    any |= send_from(s, &s->out);
    return work(s) || any;
}

void ahead_send(struct site *s, const struct send_buffer *b)
{
    send_from(s, b);
}

void ahead_fire(struct site *s)
{
    work(s);
}

/* ---- what has started by the clock ---- */

/* Clocks in which the core is at work, from starts that never fall. */
static inline void works(struct ahead *a, struct elastic_core *count, uint64_t from, uint64_t to)
{
    from = max_u64(from, a->works_clk);
    if (to <= from)
        return;
    count->busy_clk += to - from;
    a->works_clk = to;
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

static inline void see_out(struct site *s, uint64_t now)
{
    if (s->delivers)
        see_delivered(s, now);
    else
        ahead_see_freed(&s->out, now);
}

static inline void see_digital(struct site *s, const struct flight *f)
{
    struct ahead *a = s->ahead;
    const uint64_t clk = f->digital_start;
    const uint32_t *used = flight_used(s, a->seen_digital);

    works(a, &s->count, clk, f->digital_end);
    see_out(s, clk);
    if (f->out > 0)
        fill_add(&s->out.fill, clk, f->out);
    if (s->sums.tokens) {
        ahead_see_come(&s->sums, clk);
        intake_free(&s->sums, clk, f->n);
    }
    for (uint32_t k = 0; k < s->n_added; k++) {
        ahead_see_come(&s->added[k], clk);
        if (used[k] > 0)
            intake_free(&s->added[k], clk, used[k]);
    }
    a->seen_digital++;
}

void ahead_see(struct site *s, uint64_t now)
{
    struct ahead *a = s->ahead;

    for (;;) {
        const struct flight *f = flight(a, a->seen_array);
        const struct span *span = &a->span[a->first_span & a->mask];
        const uint64_t array_clk = a->seen_array < a->n_array ? f->array_start : CYC_NEVER;
        const uint64_t span_clk = a->first_span < a->n_span ? span->from : CYC_NEVER;
        const uint64_t clk = min_u64(array_clk, span_clk);
        while (a->seen_digital < a->n_digital) {
            const struct flight *d = flight(a, a->seen_digital);
            if (d->digital_start > now || d->digital_start >= clk)
                break;
            see_digital(s, d);
        }
        if (clk > now)
            return;
        works(a, &s->count, clk, clk == span_clk ? span->to : f->array_end);
        *(clk == span_clk ? &a->first_span : &a->seen_array) += 1;
    }
}

/* ---- a clock ---- */

bool ahead_run(struct site *s, uint64_t now)
{
    uint64_t next;
    bool any = s->ahead->asks && ahead_look(s);

    return ahead_serve(s, now, &next) || any;
}

static uint64_t step(struct block *b, uint64_t now)
{
    struct site *s = (struct site *)b;
    uint64_t next;

    if (s->ahead->asks)
        ahead_look(s);
    ahead_serve(s, now, &next);
    if (s->ahead->n_load - s->ahead->seen_digital > (s->ahead->mask + 1) / 2)
        ahead_see(s, now);
    return next;
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

    ahead_run(s, now);
    ahead_see(s, now);
    see_out(s, now);
    for (uint32_t i = 0; i < s->n_in; i++) // what has come since is still a cause
        ahead_see_gate(&s->ahead->gate[i], done ? now : min_u64(now, s->port_meter.since_clk));
    for (uint32_t i = 0; i < s->n_back; i++)
        ahead_see_freed(&s->back[i].out, now);
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

static void put_clk(uint64_t clk, uint64_t now, void (*put)(void *user, uint64_t number),
                    void *user)
{
    put(user, clk == CYC_NEVER ? clk : clk - now);
}

static void put_flights(const struct site *s, uint64_t now,
                        void (*put)(void *user, uint64_t number), void *user)
{
    const struct ahead *a = s->ahead;
    const uint64_t first = min_u64(min_u64(a->seen_array, a->seen_digital),
                                   a->n_array - min_u64(a->n_array, s->chip->cfg->results));

    put(user, a->n_load - first);
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
}

void ahead_state(const struct site *s, uint64_t image, uint64_t now,
                 void (*put)(void *user, uint64_t number), void *user)
{
    const struct ahead *a = s->ahead;

    put(user, s->digital_next - image * s->own->n);
    put(user, a->n_load - a->n_array);
    put(user, a->n_load - a->n_digital);
    put(user, a->n_load - a->seen_array);
    put(user, a->n_load - a->seen_digital);
    put(user, a->phase);
    put_held(s, put, user);
    put(user, a->works_clk - now);
    put(user, a->idle_clk - now);
    put_clk(a->registers_clk, now, put, user);
    put_clk(a->ready_clk == CYC_NEVER ? a->ready_clk : max_u64(a->ready_clk, s->load_end), now,
            put, user);
    put(user, s->load_end - now);
    put(user, s->port_meter.since_clk - now);
    put(user, s->array_meter.since_clk - now);
    put(user, s->digital_meter.since_clk - now);
    put_flights(s, now, put, user);
    put(user, a->n_span - a->first_span);
    for (uint64_t i = a->first_span; i < a->n_span; i++) {
        put(user, a->span[i & a->mask].from - now);
        put(user, a->span[i & a->mask].to - now);
    }
    for (uint32_t i = 0; i < s->n_in; i++) {
        const struct gate *g = &a->gate[i];
        put_clk(g->stored_clk, now, put, user);
        put(user, g->in->visible - g->seen_before);
        put(user, g->visible_clk - now);
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

static bool find_links(struct site *s, struct send_buffer *b)
{
    uint32_t n = 0;

    b->link = calloc(b->n_link + (size_t)1, sizeof(struct link *));
    for (struct link *l = s->link; b->link && l < s->link + s->n_link; l++)
        if (l->from == b && l->tokens)
            b->link[n++] = l;
    assert(!b->link || n == b->n_link);
    return b->link != NULL;
}

static bool all_links(struct site *s)
{
    bool found = find_links(s, &s->out);

    for (uint32_t i = 0; i < s->n_back; i++)
        found = find_links(s, &s->back[i].out) && found;
    return found;
}

/* Whether a stream's tokens are of one pixel each. */
static bool is_single(const struct elastic_chip *c, uint32_t stream)
{
    const struct site *from = &c->site[core_stream_from(c->plan, stream)];

    return from->index >= c->plan->n_core || c->link_of[stream]->from != &from->out ||
           from->pl->firing->most_outputs(&from->shape) == 1;
}

static bool make_rings(struct site *s, uint32_t n)
{
    struct ahead *a = s->ahead;
    const uint32_t most = s->pl->firing->most_outputs(&s->shape);
    bool made = send_buffer_room(&s->out, s->out.fill.size + n);

    a->mask = n - 1;
    a->flight = calloc(n, sizeof *a->flight);
    a->used = calloc((size_t)n * (s->n_added + 1), sizeof *a->used);
    a->span = calloc(n, sizeof *a->span);
    if (s->sums.tokens)
        made = made && more_mail(&s->sums, n * most);
    for (uint32_t i = 0; made && i < s->n_added; i++)
        made = more_mail(&s->added[i], n * most);
    for (uint32_t i = 0; made && i < s->n_link; i++) {
        struct link *l = &s->link[i];
        l->end_clk = 0;
        l->sent_clk = calloc((size_t)l->from->mask + 1, sizeof *l->sent_clk);
        made = l->sent_clk != NULL;
    }
    return made && a->flight && a->used && a->span;
}

/* Words of a pixel, by slot and row of the memory. */
static bool find_words(struct site *s)
{
    const struct memory_layout *l = s->layout;
    const uint32_t rows = l->shape.height, columns = l->shape.columns;
    struct ahead *a = s->ahead;

    if (s->n_back > 0 && !(a->read_words = malloc((size_t)rows * columns * sizeof(uint32_t))))
        return false;
    for (size_t i = 0; a->read_words && i < (size_t)rows * columns; i++)
        a->read_words[i] = memory_read_words(l, (uint32_t)(i % rows), i / rows, 1);
    for (struct gate *g = a->gate; g < a->gate_end; g++) {
        g->write_words = malloc((size_t)rows * columns * sizeof(uint32_t));
        if (!g->write_words)
            return false;
        for (size_t i = 0; i < (size_t)rows * columns; i++)
            g->write_words[i] = memory_write_words(l, (uint32_t)(i % rows), i / rows,
                                                   g->in->first, g->in->n);
    }
    return true;
}

bool ahead_new(struct site *s)
{
    struct ahead *a = s->ahead = calloc(1, sizeof *s->ahead);
    uint32_t n = LEAST_FLIGHTS;

    if (!a)
        return false;
    while (n < s->chip->cfg->results + LEAST_FLIGHTS / 2)
        n *= 2;
    a->gate = calloc(s->n_in + (size_t)1, sizeof *a->gate);
    a->back = calloc(s->n_back + (size_t)1, sizeof *a->back);
    a->by_added = calloc(s->n_added + (size_t)1, sizeof *a->by_added);
    a->single = calloc(s->n_added + (size_t)1, sizeof *a->single);
    a->ready_clk = CYC_NEVER;
    for (uint32_t i = 0; a->gate && i < s->n_in; i++) {
        struct intake *in = &s->in[i];
        a->gate[i] = (struct gate){
            .in = in, .link = s->chip->link_of[in->stream], .stored_clk = CYC_NEVER,
            .sender = &s->chip->site[core_stream_from(s->chip->plan, in->stream)],
            .column.at = NOWHERE, .clk = CYC_NEVER };
    }
    for (uint32_t i = 0; a->back && i < s->n_back; i++)
        a->back[i] = (struct returning){ .back = &s->back[i], .column.at = NOWHERE,
                                           .clk = CYC_NEVER };
    a->results = s->chip->cfg->results;
    a->shadow = s->chip->cfg->registers > 1;
    a->gate_end = a->gate + s->n_in;
    a->back_end = a->back + s->n_back;
    s->base.ops = &elastic_ahead_ops;
    for (uint32_t i = 0; a->single && i < s->n_added; i++)
        a->single[i] = is_single(s->chip, s->added[i].stream);
    return a->gate && a->back && a->by_added && a->single && make_rings(s, n) && all_links(s) &&
           find_words(s);
}

void ahead_free(struct site *s)
{
    struct ahead *a = s->ahead;

    if (a) {
        for (uint32_t i = 0; a->gate && i < s->n_in; i++)
            free(a->gate[i].write_words);
        free(a->read_words);
        free(a->flight);
        free(a->used);
        free(a->span);
        free(a->gate);
        free(a->back);
        free(a->by_added);
        free(a->single);
    }
    free(a);
    s->ahead = NULL;
    free(s->out.link);
    for (uint32_t i = 0; s->back && i < s->n_back; i++)
        free(s->back[i].out.link);
    for (uint32_t i = 0; s->link && i < s->n_link; i++)
        free(s->link[i].sent_clk);
}
