/* arch/elastic/repeat.c -- images that repeat one another are run once.
 *
 * What a chip does from a clock on follows from its state alone. Where that is, as an image's
 * result is there, what it was `period` images before, counted from that image and clock, all until
 * the last image has come is as in that period. So the images between are left out: the chip runs
 * as many fewer, what the period has counted counts as often as it fits, and results between come a
 * period's clocks after one another. Periods are whole rotations of the memories in which pixels
 * share words, as columns come to other slots; up to MOST_ROTATIONS of them, as routers have turns
 * of their own. Where the state was the same after some images of the period too, but for the
 * slots, as many are left out beyond whole periods, and the memories are turned by them. */
#include <stdlib.h>
#include <string.h>

#include "arch/elastic/site.h"

enum { MOST_PERIOD = 64, MOST_ROTATIONS = 12 };

struct numbers {
    uint64_t *at; // owned
    size_t    n, room;
};

struct moment { // as an image ended
    uint64_t       clk, image;
    struct numbers state; // what decides all that follows
    uint64_t      *sum;   // owned; what adds up
};

struct repeat {
    struct elastic_chip *chip;
    uint64_t   rotation;    // images
    uint64_t   n_moment;
    uint64_t   image;       // the last that has ended
    uint64_t   n_result;    // of the chip, as looked at last
    struct moment *moment;  // owned; [n_moment]: of image i at i % n_moment
    uint64_t **sum;         // owned; what adds up
    size_t     n_sum, sum_room;
    struct numbers state;   // as it is now
    bool       done;
};

/* ---- what the state is ---- */

/* Without memory for it nothing is left out. */
static void put(void *repeat, uint64_t number)
{
    struct repeat *r = repeat;
    struct numbers *s = &r->state;

    if (s->n == s->room) {
        size_t room = 2 * s->room + 1024;
        uint64_t *at = realloc(s->at, room * sizeof *at);
        if (!at) {
            r->done = true;
            return;
        }
        s->at = at;
        s->room = room;
    }
    s->at[s->n++] = number;
}

static void put_pixels(struct repeat *r, uint64_t pixels, const struct order *o)
{
    put(r, pixels - r->image * o->n);
}

static void put_clk(struct repeat *r, bool counts, uint64_t clk, uint64_t now)
{
    put(r, counts ? clk - now : 0);
}

/* What is known by now is as good as taken. Returns how much that is. */
static uint32_t put_mail(struct repeat *r, const struct mail *m, uint64_t now)
{
    uint32_t known = 0;

    for (uint32_t i = 0; r->chip->ahead && i < m->n; i++) { // when is still to be counted
        put(r, mail_peek(m, i)->n);
        put(r, mail_peek(m, i)->cyc - now);
    }
    if (r->chip->ahead)
        return m->n;

    for (uint32_t i = 0; i < m->n; i++) {
        const struct letter *l = mail_peek(m, i);
        if (l->cyc <= now) {
            known += l->n;
            continue;
        }
        put(r, l->n);
        put(r, l->cyc - now);
    }
    return known;
}

static void put_fill(struct repeat *r, const struct fill *f, bool ahead, uint64_t now)
{
    put(r, f->used);
    put_clk(r, ahead && f->used >= f->size, f->since_clk, now);
}

static void put_buffer(struct repeat *r, const struct send_buffer *b, bool ahead, uint64_t now)
{
    put_fill(r, &b->fill, ahead, now);
    put(r, b->end - b->first);
    for (uint64_t i = b->first; i < b->end; i++) {
        const struct token_out *t = send_buffer_token(b, i);
        put(r, t->n);
        put(r, t->left);
        put_clk(r, ahead, t->clk, now);
        put_clk(r, ahead, t->free_clk, now);
    }
}

static void put_link(struct repeat *r, const struct link *l, uint64_t now)
{
    if (!l->tokens)
        return;
    put(r, l->from->end - l->next);
    put(r, l->n);
    put_clk(r, l->n > 0, l->end_clk, now);
    put_pixels(r, l->pixels, l->order);
    put(r, l->credit + put_mail(r, l->credits, now));
    put(r, put_mail(r, l->tokens, now));
}

static void put_intake(struct repeat *r, const struct intake *in, uint64_t now)
{
    if (!in->tokens)
        return;
    put_pixels(r, in->arrived, in->order);
    put_pixels(r, in->taken, in->order);
    put_fill(r, &in->fill, r->chip->ahead, now);
    put(r, in->token_n);
    put(r, in->token_done);
    for (uint32_t i = 0; in->token && i < in->token_n; i++)
        put(r, in->token[(in->token_first + i) % in->fill.size]);
}

/* Of a core that is stepped clock by clock. */
static void put_stages(struct repeat *r, const struct site *s, uint64_t now)
{
    const uint64_t outputs[] = { s->array_next, s->digital_next };
    const uint64_t number[] = { s->look, s->array_busy, s->array_n, s->digital_busy, s->digital_n,
                                s->digital_out, s->result_n };

    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        put_pixels(r, outputs[i], s->own);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        put(r, number[i]);
    for (uint32_t i = 0; i < s->result_n; i++)
        put(r, s->result[(s->result_first + i) % s->chip->cfg->results]);
    put_clk(r, s->array_busy, s->array_end, now);
    put_clk(r, s->digital_busy, s->digital_end, now);
}

static void put_core(struct repeat *r, const struct site *s, uint64_t now)
{
    const bool moves = s->port == PORT_STORES || s->port == PORT_READS_BACK;
    const uint64_t outputs[] = { s->load_next, s->load_done, s->made };
    const uint64_t number[] = { s->port, moves ? s->port_of : 0, s->loaded, s->load_uses_port,
                                s->load_n, s->group_n };

    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        put_pixels(r, outputs[i], s->own);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        put(r, number[i]);
    put_clk(r, moves, s->port_end, now);
    put_clk(r, s->loaded == REGISTERS_LOAD, s->load_end, now);
    if (s->ahead)
        ahead_state(s, r->image, now, put, r);
    else
        put_stages(r, s, now);
    for (uint32_t i = 0; i < s->n_in; i++)
        put_intake(r, &s->in[i], now);
    for (uint32_t i = 0; i < s->n_added; i++)
        put_intake(r, &s->added[i], now);
    put_intake(r, &s->sums, now);
    for (uint32_t i = 0; i < s->n_back; i++) {
        put_pixels(r, s->back[i].begun, s->back[i].order);
        put_pixels(r, s->back[i].done, s->back[i].order);
        put_buffer(r, &s->back[i].out, s->ahead, now);
    }
}

/* An image is paced by the clocks from when the first one came. */
static void put_state(struct repeat *r, uint64_t now)
{
    const struct elastic_chip *c = r->chip;

    r->state.n = 0;
    put(r, c->cfg->image_period_clk ? now - r->image * c->cfg->image_period_clk : 0);
    for (uint32_t i = 0; i < c->n_site; i++) {
        const struct site *s = &c->site[i];
        put_buffer(r, &s->out, s->ahead, now);
        for (uint32_t k = 0; k < s->n_link; k++)
            put_link(r, &s->link[k], now);
        for (uint32_t k = 0; k < s->n_wire; k++)
            put(r, s->wire[k].turn);
        if (i < c->plan->n_core)
            put_core(r, s, now);
        else
            put_pixels(r, s->pixels, &c->image);
    }
    if (c->net)
        net_state(c->net, now, put, r);
}

/* ---- what adds up ---- */

static void add(void *repeat, uint64_t *sum)
{
    struct repeat *r = repeat;

    if (r->n_sum < r->sum_room)
        r->sum[r->n_sum] = sum;
    r->n_sum++;
}

static void add_meter(struct repeat *r, struct meter *m)
{
    add(r, &m->busy_clk);
    for (uint32_t i = 0; i < m->room; i++) {
        add(r, &m->cause[i].cause.clk);
        add(r, &m->cause[i].late_clk);
    }
}

static void add_core(struct repeat *r, struct site *s)
{
    struct elastic_core *n = &s->count;
    uint64_t *const sum[] = { &n->firings, &n->outputs, &n->words_written, &n->words_read,
                              &n->words_read_back, &n->pixels_stored, &n->busy_clk };

    for (size_t i = 0; i < sizeof sum / sizeof *sum; i++)
        add(r, sum[i]);
    add_meter(r, &s->port_meter);
    add_meter(r, &s->array_meter);
    add_meter(r, &s->digital_meter);
    for (uint32_t i = 0; i < s->n_in; i++)
        add(r, &s->in[i].fill.full_clk);
    for (uint32_t i = 0; i < s->n_added; i++)
        add(r, &s->added[i].fill.full_clk);
    add(r, &s->sums.fill.full_clk);
    for (uint32_t i = 0; i < s->n_back; i++)
        add(r, &s->back[i].out.fill.full_clk);
}

static void find_sums(struct repeat *r)
{
    struct elastic_chip *c = r->chip;

    r->n_sum = 0;
    for (uint32_t i = 0; i < c->n_site; i++) {
        struct site *s = &c->site[i];
        add(r, &s->out.fill.full_clk);
        for (uint32_t k = 0; k < s->n_link; k++) {
            add(r, &s->link[k].count.tokens);
            add(r, &s->link[k].count.bits);
            add(r, &s->link[k].count.busy_clk);
            add_meter(r, &s->link[k].meter);
        }
        if (i < c->plan->n_core)
            add_core(r, s);
    }
    if (c->net)
        net_sums(c->net, add, r);
}

void chip_settle(struct elastic_chip *c, uint64_t now, bool done)
{
    if (c->net)
        net_settle(c->net, now);
    for (uint32_t i = 0; i < c->n_site; i++) {
        struct site *s = &c->site[i];
        if (s->ahead && !done)
            continue;
        fill_settle(&s->out.fill, now);
        for (uint32_t k = 0; k < s->n_link; k++)
            meter_settle(&s->link[k].meter, now);
        if (i >= c->plan->n_core)
            continue;
        meter_settle(&s->port_meter, now);
        meter_settle(&s->array_meter, now);
        meter_settle(&s->digital_meter, now);
        for (uint32_t k = 0; k < s->n_in; k++)
            fill_settle(&s->in[k].fill, now);
        for (uint32_t k = 0; k < s->n_added; k++)
            fill_settle(&s->added[k].fill, now);
        fill_settle(&s->sums.fill, now);
        for (uint32_t k = 0; k < s->n_back; k++)
            fill_settle(&s->back[k].out.fill, now);
        if (s->works)
            s->count.busy_clk += now - s->works_clk;
        s->works_clk = now;
    }
}

/* ---- from image to image ---- */

static uint64_t gcd(uint64_t a, uint64_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

/* Images until all memories have their columns where they had them; 0: too many. */
static uint64_t rotation(const struct elastic_chip *c)
{
    uint64_t n = 1;

    for (uint32_t i = 0; i < c->plan->n_core && n <= MOST_PERIOD; i++) {
        uint32_t own = memory_rotation(c->site[i].layout, c->site[i].pl->in_width);
        n = n / gcd(n, own) * own;
    }
    return n <= MOST_PERIOD ? n : 0;
}

static bool make_moments(struct repeat *r)
{
    r->moment = calloc(r->n_moment, sizeof *r->moment);
    for (uint64_t i = 0; r->moment && i < r->n_moment; i++) {
        struct moment *m = &r->moment[i];
        m->image = UINT64_MAX;
        m->sum = calloc(r->sum_room, sizeof *m->sum);
        if (!m->sum)
            return false;
    }
    return r->moment != NULL;
}

void repeat_free(struct repeat *r)
{
    for (uint64_t i = 0; r && r->moment && i < r->n_moment; i++) {
        free(r->moment[i].state.at);
        free(r->moment[i].sum);
    }
    if (r) {
        free(r->moment);
        free(r->state.at);
        free(r->sum);
    }
    free(r);
}

struct repeat *repeat_new(struct elastic_chip *c)
{
    struct repeat *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    *r = (struct repeat){ .chip = c, .rotation = rotation(c), .image = UINT64_MAX };
    r->n_moment = r->rotation * MOST_ROTATIONS;
    r->done = r->rotation == 0 || c->n_image < r->rotation + 2; // nothing to be left out
    if (r->done)
        return r;
    find_sums(r);
    r->sum_room = r->n_sum;
    r->sum = calloc(r->sum_room, sizeof(uint64_t *));
    if (!r->sum || !make_moments(r)) {
        repeat_free(r);
        return NULL;
    }
    find_sums(r);
    return r;
}

/* Whether pixels come to places from now on in which others were before. */
static bool reuses_slots(const struct site *s)
{
    for (uint32_t i = 0; i < s->n_in; i++) {
        const struct order *o = s->in[i].order;
        uint64_t column = s->in[i].taken / o->n * s->pl->in_width, least = s->pl->in_width;
        for (uint64_t k = s->in[i].taken % o->n; k < o->n; k++)
            least = min_u64(least, o->at[k].column);
        if (column + least < s->layout->shape.columns)
            return false;
    }
    return true;
}

static bool all_reuse_slots(const struct elastic_chip *c)
{
    for (uint32_t i = 0; i < c->plan->n_core; i++)
        if (!reuses_slots(&c->site[i]))
            return false;
    return true;
}

uint64_t chip_images_ended(const struct elastic_chip *c)
{
    uint64_t n = UINT64_MAX;

    for (uint32_t i = 0; i < c->plan->n_core; i++)
        if (c->site[i].delivers)
            n = min_u64(n, c->site[i].made / c->site[i].own->n);
    return n;
}

static uint64_t images_begun(const struct elastic_chip *c)
{
    uint64_t n = 0;

    while (n < c->n_image && c->start_clk[n] != UINT64_MAX)
        n++;
    return n;
}

static bool is_same(const struct repeat *r, const struct moment *m)
{
    return m->state.n == r->state.n &&
           !memcmp(m->state.at, r->state.at, r->state.n * sizeof *r->state.at);
}

static const struct moment *moment_of(const struct repeat *r, uint64_t image)
{
    const struct moment *m = &r->moment[image % r->n_moment];

    return m->image == image ? m : NULL;
}

/* Images that anybody knows to come: those of the next pixels and of the next firings. */
static uint64_t images_known(const struct elastic_chip *c)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < c->n_site; i++) {
        const struct site *s = &c->site[i];
        bool feeds = i >= c->plan->n_core;
        uint64_t at = feeds ? s->pixels : s->load_next + max_u32(s->group_n, 1) - 1;
        n = max_u64(n, order_image(feeds ? &c->image : s->own, at) + 1);
    }
    return n;
}

/* How many of at most `most` images can be left out: whole periods and the first images of one. */
static uint64_t how_many(const struct repeat *r, uint64_t first, uint64_t period, uint64_t most)
{
    uint64_t n = most;

    for (const struct moment *m; n % period > 0; n--)
        if ((m = moment_of(r, first + n % period)) && is_same(r, m))
            break;
    return n;
}

static void leave_out(struct repeat *r, const struct moment *before, uint64_t now)
{
    struct elastic_chip *c = r->chip;
    const uint64_t period = r->image - before->image, known = images_known(c);
    const uint64_t most = c->n_image > known ? c->n_image - known : 0;
    const uint64_t images = how_many(r, before->image, period, most);
    const struct moment *rest = moment_of(r, before->image + images % period);
    const uint64_t times = images / period;

    for (size_t i = 0; i < r->n_sum; i++)
        *r->sum[i] += times * (*r->sum[i] - before->sum[i]) + rest->sum[i] - before->sum[i];
    c->left_out = (struct left_out){
        .images = images, .period = period, .period_clk = now - before->clk,
        .clk = times * (now - before->clk) + rest->clk - before->clk,
        .begun = images_begun(c), .ended = r->image + 1 };
    c->n_image -= images;
}

/* Keeps the moment for later ones, to which it gives its room. */
static void keep(struct repeat *r, struct moment *m, uint64_t now)
{
    struct numbers other = m->state;

    m->clk = now;
    m->image = all_reuse_slots(r->chip) ? r->image : UINT64_MAX;
    m->state = r->state;
    r->state = other;
    for (size_t i = 0; i < r->n_sum; i++)
        m->sum[i] = *r->sum[i];
}

/* All that can be known, whatever order cores were stepped in. */
static void find_out(struct elastic_chip *c, uint64_t now)
{
    bool any;

    do {
        any = false;
        for (uint32_t i = 0; i < c->n_site; i++)
            site_settle(&c->site[i], now + 1);
        for (uint32_t i = 0; c->ahead && i < c->plan->n_core; i++)
            any |= ahead_run(&c->site[i], now);
    } while (any);
}

/* An image has ended. */
static void look(struct repeat *r, uint64_t now)
{
    find_out(r->chip, now);
    chip_settle(r->chip, now, false);
    put_state(r, now);
    for (uint64_t ago = r->rotation; !r->done && ago <= r->n_moment && ago <= r->image;
         ago += r->rotation) {
        const struct moment *m = moment_of(r, r->image - ago);
        if (!m || !is_same(r, m))
            continue;
        leave_out(r, m, now);
        r->done = true;
    }
    if (!r->done)
        keep(r, &r->moment[r->image % r->n_moment], now);
}

bool repeat_step(struct repeat *r, uint64_t now)
{
    const struct elastic_chip *c = r->chip;

    if (r->done || c->n_result == r->n_result)
        return !r->done;
    r->n_result = c->n_result;
    uint64_t ended = chip_images_ended(c);
    if (ended > r->image + 1) {
        r->image = ended - 1;
        look(r, now);
    }
    return !r->done;
}

/* The clocks of all images, from those of the images that were run. */
static void spread(uint64_t *clk, const struct left_out *l, uint64_t n_image, uint64_t known)
{
    memmove(clk + known + l->images, clk + known, (n_image - known) * sizeof *clk);
    for (uint64_t i = known + l->images; i < n_image + l->images; i++)
        clk[i] += l->clk;
    for (uint64_t i = known; i < known + l->images; i++)
        clk[i] = clk[i - l->period] + l->period_clk;
}

void repeat_spread(struct elastic_chip *c)
{
    const struct left_out *l = &c->left_out;

    if (l->images == 0)
        return;
    spread(c->start_clk, l, c->n_image, l->begun);
    spread(c->result_clk, l, c->n_image, l->ended);
}
