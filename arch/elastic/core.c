/* arch/elastic/core.c -- a core under elastic clocking, clock by clock; the order of its rules is
 * that of elastic.h. */
#include <inttypes.h>

#include "arch/elastic/site.h"
#include "dataflow/plan/tokens.h"

static void take_all(struct site *s, uint64_t now)
{
    for (uint32_t i = 0; i < s->n_in; i++)
        if (mail_cyc(s->in[i].tokens) <= now)
            intake_take(s, &s->in[i], now);
    for (uint32_t i = 0; i < s->n_added; i++)
        if (mail_cyc(s->added[i].tokens) <= now)
            intake_take(s, &s->added[i], now);
    if (s->sums.tokens && mail_cyc(s->sums.tokens) <= now)
        intake_take(s, &s->sums, now);
}

/* ---- 1. ends ---- */

static void array_ends(struct site *s)
{
    s->array_busy = false;
    s->look |= LOOK_DIGITAL | LOOK_ARRAY;
    s->result[(s->result_first + s->result_n++) % s->chip->cfg->results] = s->array_n;
    if (s->loaded == REGISTERS_IN_USE) {
        s->loaded = REGISTERS_EMPTY;
        s->look |= LOOK_PORT;
    }
}

/* Outputs of the chip's result are made. */
void site_deliver(struct site *s, uint64_t now)
{
    struct elastic_chip *c = s->chip;

    for (uint64_t i = s->made; i < s->made + s->digital_n; i++)
        if (order_at(s->own, i + 1) == 0) {
            uint64_t *result_clk = &c->result_clk[order_image(s->own, i)];
            *result_clk = max_u64(*result_clk, now);
        }
    c->n_result += s->digital_n;
    for (uint32_t k = 0; s->digital_out > 0 && k < s->n_link; k++) {
        struct link *l = &s->link[k];
        if (l->tokens)
            continue;
        const struct plan_stream *st = &c->plan->stream[l->stream];
        uint64_t bits = (uint64_t)s->digital_out * st->n * st->value_bits;
        l->count.tokens++;
        l->count.bits += bits;
        l->count.busy_clk +=
            stage_link_clocks(c->plan->config, c->plan->fabric, &st->route, bits);
    }
}

static void digital_ends(struct site *s, uint64_t now)
{
    s->digital_busy = false;
    s->look |= LOOK_DIGITAL | LOOK_LINKS;
    if (s->delivers) {
        fill_take(&s->out.fill, now, s->digital_out);
        site_deliver(s, now);
    } else if (s->digital_out > 0)
        send_buffer_put(&s->out, s->digital_out, now);
    s->made += s->digital_n;
    if (s->tokens)
        s->look |= LOOK_PORT;
}

static void end_all(struct site *s, uint64_t now)
{
    if ((s->port == PORT_STORES || s->port == PORT_READS_BACK) && s->port_end == now)
        port_ends(s, now);
    if (s->loaded == REGISTERS_LOAD && s->load_end == now)
        port_load_ends(s);
    if (s->array_busy && s->array_end == now)
        array_ends(s);
    if (s->digital_busy && s->digital_end == now)
        digital_ends(s, now);
}

/* ---- 3. digital ---- */

/* The stream whose pixel is missing to add to n outputs from `first` on; NULL: none is. */
static const struct intake *residual_missing(const struct site *s, uint64_t first, uint32_t n)
{
    for (uint32_t k = 0; k < s->n_added; k++) {
        const struct intake *in = &s->added[k];
        for (uint64_t i = first + n; i-- > first;) { // the last one mostly decides
            uint32_t at = s->adds[(size_t)order_at(s->own, i) * s->n_added + k];
            if (at != NOWHERE && in->arrived <= order_image(s->own, i) * in->order->n + at)
                return in;
        }
    }
    return NULL;
}

static void take_residual(struct site *s, uint64_t first, uint32_t n, uint64_t now)
{
    for (uint32_t k = 0; k < s->n_added; k++) {
        uint32_t used = 0;
        for (uint64_t i = first; i < first + n; i++)
            used += s->adds[(size_t)order_at(s->own, i) * s->n_added + k] != NOWHERE;
        if (used == 0)
            continue;
        intake_free(&s->added[k], now, used);
        intake_credit(&s->added[k], now, used);
    }
}

/* Of a core of tokens: what its lanes take for the next one. */
static uint64_t token_clocks(const struct site *s)
{
    const struct plan *p = s->chip->plan;
    const struct pixel at = site_output(s, s->digital_next);
    const struct token_work work =
        tokens_work(p, s->pc->plan_layer, s->pc->split, at.row, at.column);

    return max_u64(1, tokens_clocks(p, s->pc->plan_layer, &work));
}

uint64_t site_find_digital_clocks(struct site *s, uint32_t n)
{
    const struct config *c = s->chip->plan->config;

    if (s->tokens) {
        s->digital_clk = token_clocks(s);
    } else {
        uint64_t ops = stage_digital_ops(s->layer, n, s->pc->out_n) * s->chip->plan->train;
        uint64_t clk = stage_clocks(c, STAGE_DIGITAL, ops);
        s->digital_of = n;
        s->digital_clk = ceil_div(clk * c->clock_mhz, digital_mhz(c));
    }
    return s->fast[ELASTIC_DIGITAL] ? 1 : s->digital_clk;
}

static void digital_starts(struct site *s, uint64_t now)
{
    if (s->digital_busy || s->result_n == 0)
        return;
    uint32_t n = s->result[s->result_first], out = site_places(s, s->digital_next, n);
    if (s->out.fill.used + out > s->out.fill.size ||
        (s->sums.tokens && s->sums.arrived - s->sums.taken < n) ||
        residual_missing(s, s->digital_next, n))
        return;
    if (s->sums.tokens) {
        intake_free(&s->sums, now, n);
        intake_credit(&s->sums, now, n);
    }
    take_residual(s, s->digital_next, n, now);
    if (out > 0)
        fill_add(&s->out.fill, now, out);
    s->result_first = (s->result_first + 1) % s->chip->cfg->results;
    s->result_n--;
    s->digital_busy = true;
    s->look |= LOOK_ARRAY;
    s->digital_end = now + site_digital_clocks(s, n);
    s->digital_n = n;
    s->digital_out = out;
    s->digital_next += n;
}

/* ---- 4. array ---- */

static void tell(struct site *s, uint64_t now)
{
    const struct core_probe *probe = s->chip->probe;
    const struct core_event e = { .kind = CORE_FIRED, .timestep = now, .n = s->load_n,
                                  .pixel = s->fired };

    for (uint32_t i = 0; i < s->load_n; i++)
        s->fired[i] = site_output(s, s->array_next + i);
    probe->event(probe->user, s->index, &e);
}

static void array_starts(struct site *s, uint64_t now)
{
    if (s->array_busy || s->loaded != REGISTERS_FULL || s->result_n >= s->chip->cfg->results)
        return;
    if (s->array_next == 0)
        s->count.first_clk = now;
    if (s->array_next < s->own->n)
        s->count.last_clk = now;
    if (s->fired)
        tell(s, now);
    s->array_n = s->load_n;
    s->array_next += s->load_n;
    s->count.firings += s->is_array;
    s->count.outputs += s->load_n;
    s->array_busy = true;
    s->look |= LOOK_PORT;
    s->array_end = site_array_end(s, now);
    s->loaded = s->chip->cfg->registers > 1 ? REGISTERS_EMPTY : REGISTERS_IN_USE;
}

/* ---- where time goes ---- */

static void watch_digital(struct site *s, uint64_t now)
{
    struct meter *m = &s->digital_meter;

    if (s->digital_busy) {
        meter_set(m, now, ELASTIC_BUSY, ON_NOTHING, 0);
        return;
    }
    if (s->result_n == 0) {
        meter_set(m, now, ELASTIC_STARVED, ON_CROSSBAR, 0);
        return;
    }
    uint32_t n = s->result[s->result_first];
    const struct intake *in;
    if (s->out.fill.used + site_places(s, s->digital_next, n) > s->out.fill.size) {
        uint64_t least = UINT64_MAX;
        uint32_t slow = 0; // stream that has sent least
        for (const struct link *l = s->link; l < s->link + s->n_link; l++) {
            slow = l->from == &s->out && l->next < least ? l->stream : slow;
            least = l->from == &s->out ? min_u64(least, l->next) : least;
        }
        meter_set(m, now, ELASTIC_BLOCKED, ON_OUTPUT, slow);
    } else if (s->sums.tokens && s->sums.arrived - s->sums.taken < n) {
        meter_set(m, now, ELASTIC_WAITING, ON_SUMS, s->sums.stream);
    } else if ((in = residual_missing(s, s->digital_next, n))) {
        meter_set(m, now, ELASTIC_WAITING, ON_RESIDUAL, in->stream);
    }
}

static void watch_array(struct site *s, uint64_t now)
{
    struct meter *m = &s->array_meter;

    if (s->array_busy)
        meter_set(m, now, ELASTIC_BUSY, ON_NOTHING, 0);
    else if (s->loaded != REGISTERS_FULL)
        meter_set(m, now, ELASTIC_STARVED, ON_PORT, 0);
    else
        meter_set(m, now, ELASTIC_BLOCKED, ON_DIGITAL, 0);
}

/* Clocks in which the core is at work. */
static void watch_core(struct site *s, uint64_t now)
{
    bool works = s->port != PORT_IDLE || s->loaded == REGISTERS_LOAD || s->array_busy ||
                 s->digital_busy;

    if (works == s->works)
        return;
    if (s->works)
        s->count.busy_clk += now - s->works_clk;
    s->works = works;
    s->works_clk = now;
}

/* ---- a clock ---- */

static uint64_t next_end(const struct site *s)
{
    uint64_t next = CYC_NEVER;

    if (s->port == PORT_STORES || s->port == PORT_READS_BACK)
        next = min_u64(next, s->port_end);
    if (s->loaded == REGISTERS_LOAD)
        next = min_u64(next, s->load_end);
    if (s->array_busy)
        next = min_u64(next, s->array_end);
    if (s->digital_busy)
        next = min_u64(next, s->digital_end);
    return next;
}

/* Whether it is to be looked at in this clock, which is then done. */
static bool looks(struct site *s, unsigned at)
{
    bool look = s->look & at;

    s->look &= ~at;
    return look;
}

/* Rules 3 to 5, and where time goes. */
static void core_starts(struct site *s, uint64_t now)
{
    if (looks(s, LOOK_DIGITAL)) {
        digital_starts(s, now);
        watch_digital(s, now);
    }
    if (looks(s, LOOK_ARRAY)) {
        array_starts(s, now);
        watch_array(s, now);
    }
    if (looks(s, LOOK_PORT)) {
        port_starts(s, now);
        port_watch(s, now);
    }
    watch_core(s, now);
    s->core_end = next_end(s);
}

static uint64_t load_wake(const struct site *s)
{
    bool awaited = !s->array_busy && s->result_n < s->chip->cfg->results;

    for (uint32_t i = 0; i < s->n_in; i++) // for a slot
        awaited |= s->in[i].arrived > s->in[i].taken;
    return awaited ? s->load_end : CYC_NEVER;
}

static uint64_t added_wake(const struct site *s)
{
    const bool waits = !s->digital_busy && s->result_n > 0;
    uint64_t wake = CYC_NEVER;

    if (!waits && !s->prompt)
        return wake;
    for (uint32_t i = 0; i < s->n_added; i++)
        if (waits || s->added[i].prompt)
            wake = min_u64(wake, mail_wait(s->added[i].tokens));
    if (waits && s->sums.tokens)
        wake = min_u64(wake, mail_wait(s->sums.tokens));
    return wake;
}

/* The next clock in which a token comes. */
static uint64_t next_token(const struct site *s)
{
    uint64_t next = CYC_NEVER;

    for (uint32_t i = 0; i < s->n_in; i++)
        next = min_u64(next, mail_cyc(s->in[i].tokens));
    for (uint32_t i = 0; i < s->n_added; i++)
        next = min_u64(next, mail_cyc(s->added[i].tokens));
    return s->sums.tokens ? min_u64(next, mail_cyc(s->sums.tokens)) : next;
}

/* The next clock in which anything ends or comes, of which it asks to be told: who watches is told
 * of each clock in its turn. */
static uint64_t watched_wake(const struct site *s)
{
    for (uint32_t i = 0; i < s->n_in; i++)
        mail_wait(s->in[i].tokens);
    for (uint32_t i = 0; i < s->n_added; i++)
        mail_wait(s->added[i].tokens);
    if (s->sums.tokens)
        mail_wait(s->sums.tokens);
    return min_u64(next_token(s), min_u64(s->core_end, s->link_end));
}

static uint64_t next_wake(struct site *s)
{
    uint64_t wake = min_u64(links_wake(s), min_u64(port_wake(s), added_wake(s)));

    if (s->loaded == REGISTERS_LOAD)
        wake = min_u64(wake, load_wake(s));
    if (s->array_busy)
        wake = min_u64(wake, s->array_end);
    if (s->digital_busy)
        wake = min_u64(wake, s->digital_end);
    return s->chip->watch ? min_u64(wake, watched_wake(s)) : wake;
}

/* A stage is looked at where something has changed that it depends on; the first time, and in every
 * clock where all is checked. */
static void do_clock(struct site *s, uint64_t now, bool comes)
{
    if (comes)
        take_all(s, now);
    if (s->core_end == now)
        end_all(s, now);
    if (s->link_end == now || s->n_waiting > 0)
        links_end(s, now);
    if (looks(s, LOOK_LINKS))
        links_start(s, now);
    if (s->look)
        core_starts(s, now);
    assert(s->look == 0);
}

uint64_t site_settle(struct site *s, uint64_t before)
{
    uint64_t last = 0, next, token;

    if (s->ahead)
        return ahead_settle(s, before);
    while ((next = min_u64(token = next_token(s), min_u64(s->core_end, s->link_end))) < before)
        do_clock(s, last = next, token == next);
    return last;
}

static uint64_t step(struct block *b, uint64_t now)
{
    struct site *s = (struct site *)b;

    site_settle(s, now);
    if (s->chip->checks)
        s->look = LOOK_ALL;
    do_clock(s, now, next_token(s) == now);
    if (s->chip->checks)
        links_check(s, now);
    return next_wake(s);
}

static void describe(const struct block *b, FILE *out)
{
    const struct site *s = (const struct site *)b;

    fprintf(out, "%s has made %" PRIu64 " of %" PRIu64 " outputs\n", b->path, s->made,
            site_n_output(s));
}

const struct block_ops elastic_core_ops = { "elastic_core", step, describe };
