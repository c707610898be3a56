/* arch/elastic/state.c -- see state.h. */
#include "arch/elastic/state.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the state is ---- */

void numbers_put(void *numbers, uint64_t number)
{
    struct numbers *s = numbers;

    if (s->n == s->room) {
        size_t room = 2 * s->room + 1024;
        uint64_t *at = realloc(s->at, room * sizeof *at);
        if (!at) {
            s->lacks = true;
            return;
        }
        s->at = at;
        s->room = room;
    }
    s->at[s->n++] = number;
}

bool numbers_same(const struct numbers *a, const struct numbers *b)
{
    assert(!a->lacks && !b->lacks);
    return a->n == b->n && (a->n == 0 || !memcmp(a->at, b->at, a->n * sizeof *a->at));
}

struct view { // of a site
    struct numbers *to;
    uint64_t        image, now; // that are counted from
    bool            ahead;      // its chip's cores work ahead
};

static void put(const struct view *v, uint64_t number)
{
    numbers_put(v->to, number);
}

static void put_pixels(const struct view *v, uint64_t pixels, const struct order *o)
{
    put(v, pixels - v->image * o->n);
}

static void put_clk(const struct view *v, bool counts, uint64_t clk)
{
    put(v, counts ? clk - v->now : 0);
}

/* What is known by now is as good as taken. Returns how much that is. */
static uint32_t put_mail(const struct view *v, const struct mail *m)
{
    uint32_t known = 0;

    for (uint32_t i = 0; v->ahead && i < m->n; i++) { // when is still to be counted
        put(v, mail_peek(m, i)->n);
        put(v, mail_peek(m, i)->cyc - v->now);
    }
    if (v->ahead)
        return m->n;

    for (uint32_t i = 0; i < m->n; i++) {
        const struct letter *l = mail_peek(m, i);
        if (l->cyc <= v->now) {
            known += l->n;
            continue;
        }
        put(v, l->n);
        put(v, l->cyc - v->now);
    }
    return known;
}

static void put_fill(const struct view *v, const struct fill *f)
{
    put(v, f->used);
    put_clk(v, v->ahead && f->used >= f->size, f->since_clk);
}

static void put_buffer(const struct view *v, const struct send_buffer *b)
{
    put_fill(v, &b->fill);
    put(v, b->end - b->first);
    for (uint64_t i = b->first; i < b->end; i++) {
        const struct token_out *t = send_buffer_token(b, i);
        put(v, t->n);
        put(v, t->left);
        put_clk(v, v->ahead, t->clk);
        put_clk(v, v->ahead, t->free_clk);
    }
}

static void put_link(const struct view *v, const struct link *l)
{
    if (!l->tokens)
        return;
    put(v, l->from->end - l->next);
    put(v, l->n);
    put_clk(v, l->n > 0, l->end_clk);
    put_pixels(v, l->pixels, l->order);
    put(v, l->credit + put_mail(v, l->credits));
    put(v, put_mail(v, l->tokens));
}

static void put_intake(const struct view *v, const struct intake *in)
{
    if (!in->tokens)
        return;
    put_pixels(v, in->arrived, in->order);
    put_pixels(v, in->taken, in->order);
    put_fill(v, &in->fill);
    put(v, in->token_n);
    put(v, in->token_done);
    for (uint32_t i = 0; in->token && i < in->token_n; i++)
        put(v, in->token[(in->token_first + i) % in->fill.size]);
}

/* Of a core that is stepped clock by clock. */
static void put_stages(const struct view *v, const struct site *s)
{
    const uint64_t outputs[] = { s->array_next, s->digital_next };
    const uint64_t number[] = { s->look, s->array_busy, s->array_n, s->digital_busy, s->digital_n,
                                s->digital_out, s->result_n };

    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        put_pixels(v, outputs[i], s->own);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        put(v, number[i]);
    for (uint32_t i = 0; i < s->result_n; i++)
        put(v, s->result[(s->result_first + i) % s->chip->cfg->results]);
    put_clk(v, s->array_busy, s->array_end);
    put_clk(v, s->digital_busy, s->digital_end);
}

static void put_core(const struct view *v, const struct site *s)
{
    const bool moves = s->port == PORT_STORES || s->port == PORT_READS_BACK;
    const uint64_t outputs[] = { s->load_next, s->load_done, s->made };
    const uint64_t number[] = { s->port, moves ? s->port_of : 0, s->loaded, s->load_uses_port,
                                s->load_n, s->group_n };

    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        put_pixels(v, outputs[i], s->own);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        put(v, number[i]);
    put_clk(v, moves, s->port_end);
    put_clk(v, s->loaded == REGISTERS_LOAD, s->load_end);
    if (s->ahead)
        ahead_state(s, v->image, v->now, numbers_put, v->to);
    else
        put_stages(v, s);
    for (uint32_t i = 0; i < s->n_in; i++)
        put_intake(v, &s->in[i]);
    for (uint32_t i = 0; i < s->n_added; i++)
        put_intake(v, &s->added[i]);
    put_intake(v, &s->sums);
    for (uint32_t i = 0; i < s->n_back; i++) {
        put_pixels(v, s->back[i].begun, s->back[i].order);
        put_pixels(v, s->back[i].done, s->back[i].order);
        put_buffer(v, &s->back[i].out);
    }
}

void state_of_site(struct numbers *n, const struct site *s, uint64_t image, uint64_t now)
{
    const struct elastic_chip *c = s->chip;
    const struct view v = { .to = n, .image = image, .now = now, .ahead = c->ahead };

    put_buffer(&v, &s->out);
    for (uint32_t k = 0; k < s->n_link; k++)
        put_link(&v, &s->link[k]);
    for (uint32_t k = 0; k < s->n_wire; k++)
        put(&v, s->wire[k].turn);
    if (s->index < c->plan->n_core)
        put_core(&v, s);
    else
        put_pixels(&v, s->pixels, &c->image);
}

/* ---- what adds up ---- */

void sums_add(void *sums, uint64_t *sum)
{
    struct sums *s = sums;

    if (s->n == s->room) {
        size_t room = 2 * s->room + 1024;
        uint64_t **at = realloc(s->at, room * sizeof(uint64_t *));
        if (!at) {
            s->lacks = true;
            return;
        }
        s->at = at;
        s->room = room;
    }
    s->at[s->n++] = sum;
}

static void add_meter(struct sums *sums, struct meter *m)
{
    sums_add(sums, &m->busy_clk);
    for (uint32_t i = 0; i < m->room; i++) {
        sums_add(sums, &m->time[i].clk);
        sums_add(sums, &m->time[i].late_clk);
    }
}

static void add_core(struct sums *sums, struct site *s)
{
    struct elastic_core *n = &s->count;
    uint64_t *const sum[] = { &n->firings, &n->outputs, &n->words_written, &n->words_read,
                              &n->words_read_back, &n->pixels_stored, &n->busy_clk };

    for (size_t i = 0; i < sizeof sum / sizeof *sum; i++)
        sums_add(sums, sum[i]);
    add_meter(sums, &s->port_meter);
    add_meter(sums, &s->array_meter);
    add_meter(sums, &s->digital_meter);
    for (uint32_t i = 0; i < s->n_in; i++)
        sums_add(sums, &s->in[i].fill.full_clk);
    for (uint32_t i = 0; i < s->n_added; i++)
        sums_add(sums, &s->added[i].fill.full_clk);
    sums_add(sums, &s->sums.fill.full_clk);
    for (uint32_t i = 0; i < s->n_back; i++)
        sums_add(sums, &s->back[i].out.fill.full_clk);
}

void sums_of_site(struct sums *sums, struct site *s)
{
    sums_add(sums, &s->out.fill.full_clk);
    for (uint32_t k = 0; k < s->n_link; k++) {
        sums_add(sums, &s->link[k].count.tokens);
        sums_add(sums, &s->link[k].count.bits);
        sums_add(sums, &s->link[k].count.busy_clk);
        add_meter(sums, &s->link[k].meter);
    }
    if (s->index < s->chip->plan->n_core)
        add_core(sums, s);
}

/* ---- two runs of a site ---- */

static void most_of(struct fill *f, const struct fill *other)
{
    f->most = max_u32(f->most, other->most);
}

void most_of_site(struct site *s, const struct site *other)
{
    for (uint32_t i = 0; i < s->n_in; i++)
        most_of(&s->in[i].fill, &other->in[i].fill);
    for (uint32_t i = 0; i < s->n_added; i++)
        most_of(&s->added[i].fill, &other->added[i].fill);
    most_of(&s->sums.fill, &other->sums.fill);
    most_of(&s->out.fill, &other->out.fill);
    for (uint32_t i = 0; i < s->n_back; i++)
        most_of(&s->back[i].out.fill, &other->back[i].out.fill);
}

static bool has_causes(const struct meter *a, const struct meter *b)
{
    if (b->n > a->n)
        return false;
    for (uint32_t i = 1; i < b->n; i++) {
        const struct elastic_cause *x = &a->cause[i], *y = &b->cause[i];
        if (x->state != y->state || x->on != y->on || x->stream != y->stream)
            return false;
    }
    return true;
}

bool site_has_causes(const struct site *s, const struct site *other)
{
    for (uint32_t i = 0; i < s->n_link; i++)
        if (!has_causes(&s->link[i].meter, &other->link[i].meter))
            return false;
    return has_causes(&s->port_meter, &other->port_meter) &&
           has_causes(&s->array_meter, &other->array_meter) &&
           has_causes(&s->digital_meter, &other->digital_meter);
}
