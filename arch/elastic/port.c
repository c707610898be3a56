/* arch/elastic/port.c -- the memory port of a core: what comes is stored, read back and read for
 * firings, in this order (rule 5 of elastic.h). */
#include "arch/elastic/site.h"

/* Outputs for which all has been read: keys and values as long as lanes work on them. */
static uint64_t n_read(const struct site *s)
{
    return s->layer->kind == LAYER_ATTENTION ? s->made : s->load_done;
}

/* ---- what comes ---- */

/* Pixels of the last n that no output adds: beyond the sum's map, or another copy's. */
static uint32_t n_dropped(const struct intake *in, uint32_t n)
{
    uint32_t dropped = 0;

    for (uint64_t i = in->arrived - n; in->used && i < in->arrived; i++)
        dropped += !in->used[order_at(in->order, i)];
    return dropped;
}

void intake_take(struct site *s, struct intake *in, uint64_t now)
{
    s->look |= in->token ? LOOK_PORT : LOOK_DIGITAL;
    uint32_t n = mail_take(in->tokens);
    in->arrived += n;
    fill_add(&in->fill, now, n);
    assert(in->fill.used <= in->fill.size);
    if (in->token)
        intake_put(in, n);
    if (in->used && (n = n_dropped(in, n)) > 0) {
        intake_free(in, now, n);
        intake_credit(in, now, n);
    }
}

/* ---- what ends ---- */

static void stored(struct intake *in, uint64_t now)
{
    intake_free(in, now, 1);
    port_stored(in);
}

void port_ends(struct site *s, uint64_t now)
{
    if (s->port == PORT_STORES)
        stored(&s->in[s->port_of], now);
    if (s->port == PORT_READS_BACK) {
        struct back *b = &s->back[s->port_of];
        b->done++;
        send_buffer_put(&b->out, 1, now);
        s->look |= LOOK_LINKS;
        if (b->out.n_link == 0) { // nobody wants it
            b->out.first++;
            fill_take(&b->out.fill, now, 1);
        }
    }
    s->port = PORT_IDLE;
    s->look |= LOOK_PORT;
}

void port_load_ends(struct site *s)
{
    s->loaded = REGISTERS_FULL;
    s->load_done += s->load_n;
    s->look |= LOOK_ARRAY | LOOK_PORT;
    if (s->load_uses_port)
        s->port = PORT_IDLE;
}

/* ---- what starts ---- */

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
uint64_t port_store_words(const struct site *s, const struct intake *in, const struct pixel *at)
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
        uint64_t words = port_store_words(s, in, &at), clk = port_clocks(s, words);
        if (clk > 0 && s->port != PORT_IDLE)
            return false;
        s->count.words_written += words;
        s->count.pixels_stored += words > 0 || (s->tokens && s->chip->plan->stream[in->stream].n);
        if (clk > 0) {
            s->port = PORT_STORES;
            s->port_of = (uint32_t)(in - s->in);
            s->port_end = now + clk;
            intake_credit(in, s->port_end, 1);
            return true;
        }
        intake_credit(in, now, 1);
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

bool port_back_is_visible(const struct site *s, const struct back *b)
{
    return all_visible(s, b->need + (size_t)order_at(b->order, b->begun) * s->n_in,
                       order_image(b->order, b->begun));
}

static bool back_has_room(const struct back *b)
{
    return b->out.fill.used < b->out.fill.size;
}

uint64_t port_back_words(const struct site *s, const struct back *b)
{
    const struct place *at = &b->order->at[order_at(b->order, b->begun)];
    const uint64_t image = order_image(b->order, b->begun);

    return s->tokens ? 0 : memory_read_words(s->layout, at->row * b->who->stride[0],
                                             column_of(s, image, at->column * b->who->stride[1]),
                                             1);
}

static bool read_back(struct site *s, struct back *b, uint64_t now)
{
    if (b->begun == s->chip->n_image * b->order->n || !back_has_room(b) ||
        !port_back_is_visible(s, b))
        return false;
    const uint64_t words = port_back_words(s, b);
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
    const uint64_t left = min_u64(site_n_output(s) - s->load_next, s->shape.n);
    uint32_t n = 1;

    if (left == 1)
        return 1;
    const struct pixel head = site_output(s, s->load_next);
    while (n < left) {
        const struct pixel next = site_output(s, s->load_next + n);
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

static bool find_group(struct site *s)
{
    if (s->load_next == site_n_output(s))
        return false;
    if (s->group_n == 0) {
        s->group_n = whole_group(s);
        find_wants(s);
    }
    return true;
}

bool port_group_is_there(struct site *s)
{
    bool there = find_group(s);

    for (uint32_t k = 0; there && k < s->n_in; k++)
        there = s->in[k].visible >= s->want[k];
    return there;
}

/* Outputs of the next firing that are there; 0: it cannot be read yet. */
static uint32_t outputs_ready(struct site *s)
{
    uint32_t n = 0;

    if (!find_group(s))
        return 0;
    if (s->chip->cfg->group == GROUP_ANY) {
        while (n < s->group_n && output_is_visible(s, s->load_next + n))
            n++;
        return n;
    }
    return port_group_is_there(s) ? s->group_n : 0;
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

void port_find_words(struct site *s, uint64_t image, uint32_t *words)
{
    for (uint32_t i = 0; i < s->own->n; i++) {
        const struct pixel at = { image, s->own->at[i].row, s->own->at[i].column };
        registers_begin(&s->registers, &at);
        registers_need(&s->registers, &at);
        words[i] = (uint32_t)registers_words(s, image);
    }
    registers_reset(&s->registers);
}

/* Words of a firing of the next n outputs, those that share the registers at a time. */
uint64_t port_firing_words(struct site *s, uint32_t n)
{
    uint64_t words = 0;

    if (s->words)
        return port_words(s, order_image(s->own, s->load_next))[order_at(s->own, s->load_next)];

    for (uint32_t from = 0, k; from < n && !s->tokens; from += k) {
        const struct pixel head = site_output(s, s->load_next + from);
        struct pixel next = head;
        registers_begin(&s->registers, &head);
        k = 0;
        do {
            registers_need(&s->registers, &next);
            if (from + ++k == n)
                break;
            next = site_output(s, s->load_next + from + k);
        } while (firing_replica(s->pl->firing, &s->shape, &head, &next) < s->shape.n);
        words += registers_words(s, head.image);
    }
    return words;
}

/* Whether a firing of the next n outputs reads anything: if not, it needs no port. */
bool port_is_needed(const struct site *s, uint32_t n)
{
    bool reads = false;

    for (uint64_t i = s->load_next; i < s->load_next + n; i++)
        reads |= s->reads[order_at(s->own, i)];
    return reads && port_clocks(s, 1) > 0;
}

static void load(struct site *s, uint64_t now)
{
    uint32_t n = s->loaded == REGISTERS_EMPTY ? outputs_ready(s) : 0;

    if (n == 0 || (s->port != PORT_IDLE && port_is_needed(s, n)))
        return;
    uint64_t words = port_firing_words(s, n), clk = port_clocks(s, words);
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

void port_starts(struct site *s, uint64_t now)
{
    for (uint32_t i = 0; i < s->n_in; i++)
        store(s, &s->in[i], now);
    for (uint32_t i = 0; i < s->n_back && s->port == PORT_IDLE; i++)
        read_back(s, &s->back[i], now);
    load(s, now);
}

/* ---- where its time goes ---- */

const struct intake *port_missing(const struct site *s)
{
    if (s->load_next == site_n_output(s))
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

void port_watch(struct site *s, uint64_t now)
{
    struct meter *m = &s->port_meter;

    if (s->port != PORT_IDLE) {
        meter_set(m, now, ELASTIC_BUSY, ON_NOTHING, 0);
        return;
    }
    const struct intake *in = port_missing(s);
    if (in && in->taken < in->arrived)
        watch_slot(s, in, now);
    else if (in || s->load_next == site_n_output(s))
        meter_set(m, now, ELASTIC_STARVED, ON_PIXELS, in ? in->stream : s->in[0].stream);
    else
        meter_set(m, now, ELASTIC_BLOCKED, ON_CROSSBAR, 0);
}

/* ---- when to look again ---- */

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
            (s->port == PORT_STORES || port_back_is_visible(s, b)))
            return true;
    }
    return false;
}

/* When the port's end lets something start, or a pixel comes while it is idle. */
uint64_t port_wake(struct site *s)
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
