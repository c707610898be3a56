/* arch/elastic/core.c -- a core under elastic clocking, clock by clock; the order of its rules is
 * that of elastic.h. */
#include <inttypes.h>

#include "arch/elastic/site.h"
#include "dataflow/plan/tokens.h"

/* ---- which pixel is which ---- */

static struct pixel output_at(const struct site *s, uint64_t i)
{
    const struct place *at = &s->own->at[order_at(s->own, i)];

    return (struct pixel){ order_image(s->own, i), at->row, at->column };
}

static uint64_t n_output(const struct site *s)
{
    return s->chip->n_image * s->own->n;
}

static uint64_t port_clocks(const struct site *s, uint64_t words)
{
    uint64_t clk = words * s->word_clk;

    return s->fast[ELASTIC_PORT] ? min_u64(clk, 1) : clk;
}

/* Outputs for which all has been read: keys and values as long as lanes work on them. */
static uint64_t n_read(const struct site *s)
{
    return s->layer->kind == LAYER_ATTENTION ? s->made : s->load_done;
}

/* ---- what comes ---- */

/* Places are free from a clock on. */
static void give_credit(struct intake *in, uint64_t clk, uint32_t n)
{
    mail_put(in->credits, clk + in->credit_clk, n);
}

static void free_places(struct intake *in, uint64_t now, uint32_t n)
{
    fill_take(&in->fill, now, n);
    in->taken += n;
}

/* Pixels of the last n that no output adds: beyond the sum's map, or another copy's. */
static uint32_t n_dropped(const struct intake *in, uint32_t n)
{
    uint32_t dropped = 0;

    for (uint64_t i = in->arrived - n; in->used && i < in->arrived; i++)
        dropped += !in->used[order_at(in->order, i)];
    return dropped;
}

static void take_in(struct site *s, struct intake *in, uint64_t now)
{
    s->look |= in->token ? LOOK_PORT : LOOK_DIGITAL;
    uint32_t n = mail_take(in->tokens);
    in->arrived += n;
    fill_add(&in->fill, now, n);
    assert(in->fill.used <= in->fill.size);
    if (in->token)
        in->token[(in->token_first + in->token_n++) % in->fill.size] = n;
    if (in->used && (n = n_dropped(in, n)) > 0) {
        free_places(in, now, n);
        give_credit(in, now, n);
    }
}

static void take_all(struct site *s, uint64_t now)
{
    for (uint32_t i = 0; i < s->n_in; i++)
        if (mail_cyc(s->in[i].tokens) <= now)
            take_in(s, &s->in[i], now);
    for (uint32_t i = 0; i < s->n_added; i++)
        if (mail_cyc(s->added[i].tokens) <= now)
            take_in(s, &s->added[i], now);
    if (s->sums.tokens && mail_cyc(s->sums.tokens) <= now)
        take_in(s, &s->sums, now);
}

/* ---- 1. ends ---- */

static void stored(struct intake *in, uint64_t now)
{
    free_places(in, now, 1);
    if (++in->token_done < in->token[in->token_first])
        return;
    in->visible += in->token_done;
    in->token_done = 0;
    in->token_first = (in->token_first + 1) % in->fill.size;
    in->token_n--;
}

static void port_ends(struct site *s, uint64_t now)
{
    if (s->port == PORT_STORES)
        stored(&s->in[s->port_of], now);
    if (s->port == PORT_READS_BACK) {
        struct back *b = &s->back[s->port_of];
        b->done++;
        send_buffer_put(&b->out, 1);
        s->look |= LOOK_LINKS;
        if (b->out.n_link == 0) { // nobody wants it
            b->out.first++;
            fill_take(&b->out.fill, now, 1);
        }
    }
    s->port = PORT_IDLE;
    s->look |= LOOK_PORT;
}

static void load_ends(struct site *s)
{
    s->loaded = REGISTERS_FULL;
    s->load_done += s->load_n;
    s->look |= LOOK_ARRAY | LOOK_PORT;
    if (s->load_uses_port)
        s->port = PORT_IDLE;
}

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
static void deliver(struct site *s, uint64_t now)
{
    struct elastic_chip *c = s->chip;

    fill_take(&s->out.fill, now, s->digital_out);
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
    if (s->delivers)
        deliver(s, now);
    else if (s->digital_out > 0)
        send_buffer_put(&s->out, s->digital_out);
    s->made += s->digital_n;
    if (s->tokens)
        s->look |= LOOK_PORT;
}

static void end_all(struct site *s, uint64_t now)
{
    if ((s->port == PORT_STORES || s->port == PORT_READS_BACK) && s->port_end == now)
        port_ends(s, now);
    if (s->loaded == REGISTERS_LOAD && s->load_end == now)
        load_ends(s);
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
        free_places(&s->added[k], now, used);
        give_credit(&s->added[k], now, used);
    }
}

/* Places that n outputs from `first` on take in the output buffer. */
static uint32_t places(const struct site *s, uint64_t first, uint32_t n)
{
    if (!s->ends || !s->layer->pooled)
        return n;
    return (uint32_t)(order_image(s->own, first + n) - order_image(s->own, first));
}

/* Of a core of tokens: what its lanes take for the next one. */
static uint64_t token_clocks(const struct site *s)
{
    const struct plan *p = s->chip->plan;
    const struct pixel at = output_at(s, s->digital_next);
    const struct token_work work =
        tokens_work(p, s->pc->plan_layer, s->pc->split, at.row, at.column);

    return max_u64(1, tokens_clocks(p, s->pc->plan_layer, &work));
}

static uint64_t digital_clocks(struct site *s, uint32_t n)
{
    const struct config *c = s->chip->plan->config;

    if (s->tokens) {
        s->digital_clk = token_clocks(s);
    } else if (n != s->digital_of) { // mostly they are as many
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
    uint32_t n = s->result[s->result_first], out = places(s, s->digital_next, n);
    if (s->out.fill.used + out > s->out.fill.size ||
        (s->sums.tokens && s->sums.arrived - s->sums.taken < n) ||
        residual_missing(s, s->digital_next, n))
        return;
    if (s->sums.tokens) {
        free_places(&s->sums, now, n);
        give_credit(&s->sums, now, n);
    }
    take_residual(s, s->digital_next, n, now);
    if (out > 0)
        fill_add(&s->out.fill, now, out);
    s->result_first = (s->result_first + 1) % s->chip->cfg->results;
    s->result_n--;
    s->digital_busy = true;
    s->look |= LOOK_ARRAY;
    s->digital_end = now + digital_clocks(s, n);
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
        s->fired[i] = output_at(s, s->array_next + i);
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

/* ---- 5. port ---- */

/* Whether the pixel that would be in the slot of one that comes is still to be read. */
static bool slot_is_free(const struct site *s, uint64_t image, const struct place *at,
                         const struct back **who)
{
    uint64_t c = image * s->pl->in_width + at->column, k = s->layout->shape.columns;

    *who = NULL;
    if (c < k)
        return true;
    uint64_t before = quotient(c - k, &s->width);
    size_t there = (size_t)remainder_of(c - k, &s->width) * s->pl->in_height + at->row;
    for (uint32_t i = 0; i < s->n_back; i++) {
        const struct back *b = &s->back[i];
        *who = b;
        if (b->index[there] != NOWHERE && b->done <= before * b->order->n + b->index[there])
            return false;
    }
    *who = NULL;
    return s->last_read[there] == NOWHERE ||
           n_read(s) > before * s->own->n + s->last_read[there];
}

/* The oldest pixel that has come in a stream: whether there is one with a free slot. */
static bool next_pixel(const struct site *s, const struct intake *in, struct pixel *at)
{
    const struct back *who;
    uint64_t i = in->taken;

    if (i == in->arrived)
        return false;
    const struct place *place = &in->order->at[order_at(in->order, i)];
    *at = (struct pixel){ order_image(in->order, i), place->row, place->column };
    return slot_is_free(s, at->image, place, &who);
}

/* A column of an image, as the memory counts them, those of images left out too. */
static uint64_t column_of(const struct site *s, uint64_t image, uint32_t column)
{
    return (image + s->chip->left_out.images) * s->pl->in_width + column;
}

/* Tokens take none: they lie in registers of their cores, or in banks without this port. */
static uint64_t store_words(const struct site *s, const struct intake *in, const struct pixel *at)
{
    const struct plan_stream *st = &s->chip->plan->stream[in->stream];

    if (st->n == 0 || !stream_carries(st, s->pl->in_width, at->row, at->column) || s->tokens)
        return 0; // tells that it has come
    return memory_write_words(s->layout, at->row, column_of(s, at->image, at->column), in->first,
                              in->n);
}

/* Stores a pixel of the stream, if there is one; in no time where it takes no words. */
static bool store(struct site *s, struct intake *in, uint64_t now)
{
    struct pixel at;

    while (next_pixel(s, in, &at)) {
        uint64_t words = store_words(s, in, &at), clk = port_clocks(s, words);
        if (clk > 0 && s->port != PORT_IDLE)
            return false;
        s->count.words_written += words;
        s->count.pixels_stored += words > 0 || (s->tokens && s->chip->plan->stream[in->stream].n);
        if (clk > 0) {
            s->port = PORT_STORES;
            s->port_of = (uint32_t)(in - s->in);
            s->port_end = now + clk;
            give_credit(in, s->port_end, 1);
            return true;
        }
        give_credit(in, now, 1);
        stored(in, now);
    }
    return false;
}

static bool all_visible(const struct site *s, const uint32_t *need, uint64_t image)
{
    for (uint32_t i = 0; i < s->n_in; i++)
        if (need[i] > 0 && s->in[i].visible < image * s->in[i].order->n + need[i])
            return false;
    return true;
}

static bool back_is_visible(const struct site *s, const struct back *b)
{
    return all_visible(s, b->need + (size_t)order_at(b->order, b->begun) * s->n_in,
                       order_image(b->order, b->begun));
}

static bool back_has_room(const struct back *b)
{
    return b->out.fill.used < b->out.fill.size;
}

static bool read_back(struct site *s, struct back *b, uint64_t now)
{
    if (b->begun == s->chip->n_image * b->order->n || !back_has_room(b) || !back_is_visible(s, b))
        return false;
    const struct place *place = &b->order->at[order_at(b->order, b->begun)];
    uint64_t column = column_of(s, order_image(b->order, b->begun),
                                place->column * b->who->stride[1]);
    uint64_t words = s->tokens ? 0 : memory_read_words(s->layout, place->row * b->who->stride[0],
                                                       column, 1);
    b->begun++;
    fill_add(&b->out.fill, now, 1);
    s->count.words_read_back += words;
    s->port = PORT_READS_BACK;
    s->port_of = (uint32_t)(b - s->back);
    s->port_end = now + max_u64(1, port_clocks(s, words));
    return true;
}

/* The outputs of the next firing that its policy allows. */
static uint32_t whole_group(const struct site *s)
{
    const uint64_t left = min_u64(n_output(s) - s->load_next, s->shape.n);
    uint32_t n = 1;

    if (left == 1)
        return 1;
    const struct pixel head = output_at(s, s->load_next);
    while (n < left) {
        const struct pixel next = output_at(s, s->load_next + n);
        if (!firing_joins(s->pl->firing, &s->shape, &head, n, &next))
            break;
        n++;
    }
    return n;
}

static bool output_is_visible(const struct site *s, uint64_t i)
{
    return all_visible(s, s->need + (size_t)order_at(s->own, i) * s->n_in, order_image(s->own, i));
}

/* What the whole group needs of every stream. */
static void find_wants(struct site *s)
{
    for (uint32_t k = 0; k < s->n_in; k++)
        s->want[k] = 0;
    for (uint64_t i = s->load_next; i < s->load_next + s->group_n; i++) {
        const uint32_t *need = s->need + (size_t)order_at(s->own, i) * s->n_in;
        uint64_t image = order_image(s->own, i);
        for (uint32_t k = 0; k < s->n_in; k++)
            if (need[k] > 0)
                s->want[k] = max_u64(s->want[k], image * s->in[k].order->n + need[k]);
    }
}

/* Outputs of the next firing that are there; 0: it cannot be read yet. */
static uint32_t outputs_ready(struct site *s)
{
    uint32_t n = 0;

    if (s->load_next == n_output(s))
        return 0;
    if (s->group_n == 0) {
        s->group_n = whole_group(s);
        find_wants(s);
    }
    if (s->chip->cfg->group == GROUP_ANY) {
        while (n < s->group_n && output_is_visible(s, s->load_next + n))
            n++;
        return n;
    }
    for (uint32_t k = 0; k < s->n_in; k++)
        if (s->in[k].visible < s->want[k])
            return 0;
    return s->group_n;
}

static uint64_t registers_words(const struct site *s, uint64_t image)
{
    const struct input_registers *r = &s->registers;
    uint64_t words = 0;

    for (uint32_t i = 0; i < r->n_read; i++) {
        struct row_read read = r->read[i];
        if (s->pl->flat && !plan_flat_read(s->chip->plan, s->pc, read.row, &read.first_column,
                                           &read.columns))
            continue;
        words += memory_read_words(s->layout, read.row, column_of(s, image, read.first_column),
                                   read.columns);
    }
    return words;
}

/* Words of a firing of the next n outputs, those that share the registers at a time. */
static uint64_t firing_words(struct site *s, uint32_t n)
{
    uint64_t words = 0;

    for (uint32_t from = 0, k; from < n && !s->tokens; from += k) {
        const struct pixel head = output_at(s, s->load_next + from);
        struct pixel next = head;
        registers_begin(&s->registers, &head);
        k = 0;
        do {
            registers_need(&s->registers, &next);
            if (from + ++k == n)
                break;
            next = output_at(s, s->load_next + from + k);
        } while (firing_replica(s->pl->firing, &s->shape, &head, &next) < s->shape.n);
        words += registers_words(s, head.image);
    }
    return words;
}

/* Whether a firing of the next n outputs reads anything: if not, it needs no port. */
static bool needs_port(const struct site *s, uint32_t n)
{
    bool reads = false;

    for (uint64_t i = s->load_next; i < s->load_next + n; i++)
        reads |= s->reads[order_at(s->own, i)];
    return reads && port_clocks(s, 1) > 0;
}

static void load(struct site *s, uint64_t now)
{
    uint32_t n = s->loaded == REGISTERS_EMPTY ? outputs_ready(s) : 0;

    if (n == 0 || (s->port != PORT_IDLE && needs_port(s, n)))
        return;
    uint64_t words = firing_words(s, n), clk = port_clocks(s, words);
    s->count.words_read += words;
    s->load_uses_port = clk > 0;
    s->load_n = n;
    s->load_next += n;
    s->group_n = 0;
    s->loaded = REGISTERS_LOAD;
    s->load_end = now + max_u64(1, clk);
    if (clk > 0)
        s->port = PORT_READS;
}

static void port_starts(struct site *s, uint64_t now)
{
    for (uint32_t i = 0; i < s->n_in; i++)
        store(s, &s->in[i], now);
    for (uint32_t i = 0; i < s->n_back && s->port == PORT_IDLE; i++)
        read_back(s, &s->back[i], now);
    load(s, now);
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
    if (s->out.fill.used + places(s, s->digital_next, n) > s->out.fill.size) {
        uint32_t slow = 0; // the link that has sent least
        for (uint32_t i = 1; i < s->n_link; i++)
            if (s->link[i].from == &s->out && s->link[i].next < s->link[slow].next)
                slow = i;
        meter_set(m, now, ELASTIC_BLOCKED, ON_OUTPUT, s->link[slow].stream);
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

/* The first stream of which the next firing lacks a pixel; NULL: it lacks none, or is none. */
static const struct intake *missing(const struct site *s)
{
    if (s->load_next == n_output(s))
        return NULL;
    const bool whole = s->chip->cfg->group == GROUP_FULL && s->group_n > 0;
    const uint32_t *need = s->need + (size_t)order_at(s->own, s->load_next) * s->n_in;
    const uint64_t image = order_image(s->own, s->load_next);
    for (uint32_t k = 0; k < s->n_in; k++) {
        uint64_t want = whole ? s->want[k] : image * s->in[k].order->n + need[k];
        if ((need[k] > 0 || s->group_n > 1) && s->in[k].visible < want)
            return &s->in[k];
    }
    return NULL;
}

/* A pixel has come whose place another holds. */
static void watch_slot(struct site *s, const struct intake *in, uint64_t now)
{
    const struct place *place = &in->order->at[order_at(in->order, in->taken)];
    const struct back *who;

    slot_is_free(s, order_image(in->order, in->taken), place, &who);
    if (who && !back_has_room(who))
        meter_set(&s->port_meter, now, ELASTIC_BLOCKED, ON_READ_BACK, who->stream);
    else
        meter_set(&s->port_meter, now, ELASTIC_BLOCKED, ON_SLOT, in->stream);
}

static void watch_port(struct site *s, uint64_t now)
{
    struct meter *m = &s->port_meter;

    if (s->port != PORT_IDLE) {
        meter_set(m, now, ELASTIC_BUSY, ON_NOTHING, 0);
        return;
    }
    const struct intake *in = missing(s);
    if (in && in->taken < in->arrived)
        watch_slot(s, in, now);
    else if (in || s->load_next == n_output(s))
        meter_set(m, now, ELASTIC_STARVED, ON_PIXELS, in ? in->stream : s->in[0].stream);
    else
        meter_set(m, now, ELASTIC_BLOCKED, ON_CROSSBAR, 0);
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
        watch_port(s, now);
    }
    watch_core(s, now);
    s->core_end = next_end(s);
}

/* A clock from which on the port has something to store from a stream; CYC_NEVER: it asks to be
 * told. */
static uint64_t pixel_comes(const struct site *s, const struct intake *in)
{
    bool stores = s->port == PORT_STORES && &s->in[s->port_of] == in;

    return in->arrived > in->taken + stores ? 0 : mail_wait(in->tokens);
}

static bool may_read_back(const struct site *s)
{
    for (uint32_t i = 0; i < s->n_back; i++) {
        const struct back *b = &s->back[i];
        if (b->begun < s->chip->n_image * b->order->n && back_has_room(b) &&
            (s->port == PORT_STORES || back_is_visible(s, b)))
            return true;
    }
    return false;
}

/* When the port's end lets something start, or a pixel comes while it is idle. */
static uint64_t port_wake(struct site *s)
{
    const bool reads = s->port == PORT_READS, idle = s->port == PORT_IDLE;
    const uint64_t end = idle ? 0 : reads ? s->load_end : s->port_end;
    uint64_t wake = CYC_NEVER;

    for (uint32_t i = 0; i < s->n_in; i++) {
        const struct intake *in = &s->in[i];
        uint64_t clk = pixel_comes(s, in);
        if (in->prompt)
            wake = min_u64(wake, mail_wait(in->tokens));
        if (clk > 0 || !idle) // else its slot is taken
            wake = min_u64(wake, max_u64(clk, end));
    }
    if (!idle && (s->port == PORT_READS_BACK || may_read_back(s) ||
                  (!reads && s->loaded == REGISTERS_EMPTY)))
        wake = min_u64(wake, end);
    return wake;
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
            n_output(s));
}

const struct block_ops elastic_core_ops = { "elastic_core", step, describe };
