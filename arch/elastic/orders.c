/* arch/elastic/orders.c -- in which order pixels come, and what an output needs of them: how many
 * pixels of each stream must have come, whose residual it adds, for which output a pixel is read
 * last. All of it follows from the plan, so that time needs no more than counts. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "arch/elastic/site.h"

enum { MOST_ROTATION = 8 }; // images whose words are kept

static bool order_make(struct order *o, uint32_t n, uint32_t height, uint32_t width)
{
    size_t size = (size_t)height * width;

    *o = (struct order){ .n = n, .height = height, .width = width,
                         .by = divisor_of(max_u32(n, 1)), .at = calloc(n + 1, sizeof *o->at),
                         .index = malloc(size * sizeof *o->index) };
    if (o->index)
        memset(o->index, 0xff, size * sizeof *o->index); // NOWHERE
    return o->at && o->index;
}

static void order_put(struct order *o, uint32_t i, uint32_t row, uint32_t column)
{
    o->at[i] = (struct place){ row, column };
    o->index[(size_t)column * o->height + row] = i;
}

static void find_scan(struct order *o)
{
    o->scans = o->n == o->height * o->width;
    for (uint32_t i = 0; o->scans && i < o->n; i++)
        o->scans = o->index[i] == i;
}

bool order_of_outputs(struct order *o, const struct plan *p, uint32_t layer, uint32_t copy)
{
    const struct firing_shape shape = plan_firing_shape(p, layer);
    const struct firing_policy *f = p->layer[layer].firing;
    struct pixel at = firing_first(f, &shape, copy, 0);
    uint32_t n = 0;

    for (; at.image == 0; f->next(&shape, copy, &at))
        n++;
    if (!order_make(o, n, shape.height, shape.width))
        return false;
    at = firing_first(f, &shape, copy, 0);
    for (uint32_t i = 0; i < n; i++, f->next(&shape, copy, &at))
        order_put(o, i, at.row, at.column);
    find_scan(o);
    return true;
}

bool order_of_map(struct order *o, uint32_t height, uint32_t width)
{
    if (!order_make(o, height * width, height, width))
        return false;
    for (uint32_t i = 0; i < o->n; i++)
        order_put(o, i, i % height, i / height);
    find_scan(o);
    return true;
}

bool order_of_folded(struct order *o, const struct order *map, uint32_t rows)
{
    if (!order_make(o, map->n, 1, rows * map->width))
        return false;
    for (uint32_t i = 0; i < o->n; i++)
        order_put(o, i, 0, map->at[i].column * rows + map->at[i].row);
    find_scan(o);
    return true;
}

void order_release(struct order *o)
{
    free(o->at);
    free(o->index);
    *o = (struct order){ 0 };
}

/* ---- what outputs need ---- */

/* A pixel of the memory's map: need[i] at least what makes it visible in stream i. */
static void need_pixel(const struct site *s, uint32_t row, uint32_t column, uint32_t *need)
{
    for (uint32_t i = 0; i < s->n_in; i++) {
        uint32_t at = order_index(s->in[i].order, row, column);
        if (at != NOWHERE)
            need[i] = max_u32(need[i], at + 1);
    }
}

/* Rows or columns of the map that a window sees. */
struct seen {
    uint32_t first, last, step;
};

static struct seen seen(const struct window *w, int axis, uint32_t at, uint32_t size)
{
    uint32_t first = window_first(w, axis, at, size), last = window_last(w, axis, at, size);
    uint32_t step = w->dilation[axis];

    return (struct seen){ first, last > first ? last - (last - first) % step : first, step };
}

static bool all_scan(const struct site *s)
{
    for (uint32_t i = 0; i < s->n_in; i++)
        if (!s->in[i].order->scans)
            return false;
    return true;
}

/* Where pixels come column by column the last one of the window comes last. */
static void need_window(const struct site *s, bool scans, const struct place *at, uint32_t *need)
{
    struct seen rows = seen(&s->pl->window, 0, at->row, s->pl->in_height);
    struct seen columns = seen(&s->pl->window, 1, at->column, s->pl->in_width);

    if (scans) {
        rows.first = rows.last;
        columns.first = columns.last;
    }
    for (uint32_t column = columns.first; column <= columns.last; column += columns.step)
        for (uint32_t row = rows.first; row <= rows.last; row += rows.step)
            need_pixel(s, row, column, need);
}

/* Of a core of tokens, whose lanes read all that an output sees: the last output that sees it. */
static void find_last_seen(struct site *s)
{
    const struct window *w = &s->pl->window;
    size_t left = (size_t)s->pl->in_height * s->pl->in_width;

    for (uint32_t i = s->own->n; i-- > 0 && left > 0;) {
        const struct seen rows = seen(w, 0, s->own->at[i].row, s->pl->in_height);
        const struct seen columns = seen(w, 1, s->own->at[i].column, s->pl->in_width);
        for (uint32_t c = columns.first; c <= columns.last; c += columns.step)
            for (uint32_t r = rows.first; r <= rows.last; r += rows.step) {
                uint32_t *last = &s->last_read[(size_t)c * s->pl->in_height + r];
                left -= *last == NOWHERE;
                *last = *last == NOWHERE ? i : *last;
            }
    }
}

/* The output for which each pixel of the map is read last: what the registers load, in order. */
static void find_last_reads(struct site *s)
{
    struct input_registers *r = &s->registers;

    for (uint32_t i = 0; i < s->own->n; i++) {
        const struct pixel at = { 0, s->own->at[i].row, s->own->at[i].column };
        registers_begin(r, &at);
        registers_need(r, &at);
        s->reads[i] = r->n_read > 0;
        for (uint32_t k = 0; k < r->n_read; k++)
            for (uint32_t c = 0; c < r->read[k].columns; c++)
                s->last_read[(size_t)(r->read[k].first_column + c) * s->pl->in_height +
                             r->read[k].row] = i;
    }
    registers_reset(r);
}

static bool back_needs(const struct site *s, struct back *b)
{
    const uint32_t *stride = b->who->stride;
    size_t map = (size_t)s->pl->in_height * s->pl->in_width;

    b->need = calloc((size_t)b->order->n * s->n_in + 1, sizeof *b->need);
    b->index = malloc(map * sizeof *b->index);
    if (!b->need || !b->index)
        return false;
    memset(b->index, 0xff, map * sizeof *b->index); // NOWHERE
    for (uint32_t i = 0; i < b->order->n; i++) {
        uint32_t row = b->order->at[i].row * stride[0];
        uint32_t column = b->order->at[i].column * stride[1];
        need_pixel(s, row, column, b->need + (size_t)i * s->n_in);
        b->index[(size_t)column * s->pl->in_height + row] = i;
    }
    return true;
}

static bool find_added(struct site *s)
{
    for (uint32_t k = 0; k < s->n_added; k++) {
        s->added[k].used = calloc(s->added[k].order->n, sizeof *s->added[k].used);
        if (!s->added[k].used)
            return false;
    }
    for (uint32_t i = 0; i < s->own->n; i++)
        for (uint32_t k = 0; k < s->n_added; k++) {
            uint32_t at = order_index(s->added[k].order, s->own->at[i].row, s->own->at[i].column);
            s->adds[(size_t)i * s->n_added + k] = at;
            if (at != NOWHERE)
                s->added[k].used[at] = true;
        }
    for (uint32_t k = 0; k < s->n_added; k++)
        for (uint32_t i = 0; i < s->added[k].order->n; i++)
            s->added[k].prompt |= !s->added[k].used[i];
    for (uint32_t k = 0; k < s->n_added; k++)
        s->prompt |= s->added[k].prompt;
    return true;
}

static bool same_order(const struct order *a, const struct order *b)
{
    return a == b || (a->n == b->n && a->height == b->height && a->width == b->width &&
                      memcmp(a->at, b->at, a->n * sizeof *a->at) == 0);
}

static bool same_window(const struct window *a, const struct window *b)
{
    return memcmp(a, b, offsetof(struct window, apart)) == 0 && a->apart == b->apart;
}

/* Whether they read the same pixels for the same outputs, in as many words. */
static bool reads_like(const struct site *a, const struct site *b)
{
    const struct plan_layer *x = a->pl, *y = b->pl;
    const struct memory_layout *p = a->layout, *q = b->layout;

    if (a->tokens || b->tokens || x->flat || y->flat || x->firing != y->firing ||
        a->shape.n > 1 || b->shape.n > 1 || a->n_in != b->n_in || x->in_height != y->in_height ||
        x->in_width != y->in_width || !same_window(&x->window, &y->window) ||
        !same_order(a->own, b->own) || p->delta_kernel != q->delta_kernel ||
        p->delta_pix != q->delta_pix || p->word.d != q->word.d || p->columns.d != q->columns.d ||
        p->shape.pixel_values != q->shape.pixel_values)
        return false;
    for (uint32_t i = 0; i < a->n_in; i++)
        if (!same_order(a->in[i].order, b->in[i].order))
            return false;
    return true;
}

static const struct site *find_like(const struct site *s)
{
    for (uint32_t i = 0; i < s->index; i++)
        if (site_is_run(&s->chip->site[i]) && !s->chip->site[i].like &&
            reads_like(&s->chip->site[i], s))
            return &s->chip->site[i];
    return NULL;
}

/* What its outputs read. */
static bool find_reads(struct site *s)
{
    size_t n = s->own->n, map = (size_t)s->pl->in_height * s->pl->in_width;

    s->rotation = memory_rotation(s->layout, s->pl->in_width);
    s->like = find_like(s);
    if (s->like) {
        s->need = s->like->need;
        s->reads = s->like->reads;
        s->last_read = s->like->last_read;
        s->words = s->like->words;
        return true;
    }
    s->need = calloc(n * s->n_in + 1, sizeof *s->need);
    s->reads = calloc(n + 1, sizeof *s->reads);
    s->last_read = malloc(map * sizeof *s->last_read);
    if (!s->need || !s->reads || !s->last_read)
        return false;
    memset(s->last_read, 0xff, map * sizeof *s->last_read); // NOWHERE
    if (s->shape.n == 1 && !s->tokens && s->rotation <= MOST_ROTATION) {
        s->words = malloc(n * s->rotation * sizeof *s->words);
        if (!s->words)
            return false;
        memset(s->words, 0xff, n * s->rotation * sizeof *s->words); // NOWHERE
    }
    const bool scans = all_scan(s);
    for (uint32_t i = 0; i < s->own->n; i++)
        need_window(s, scans, &s->own->at[i], s->need + (size_t)i * s->n_in);
    if (s->tokens)
        find_last_seen(s);
    else
        find_last_reads(s);
    return true;
}

void site_needs_release(struct site *s)
{
    if (!s->like) {
        free(s->need);
        free(s->reads);
        free(s->last_read);
        free(s->words);
    }
    free(s->adds);
    free(s->want);
}

bool site_needs(struct site *s)
{
    s->adds = calloc((size_t)s->own->n * s->n_added + 1, sizeof *s->adds);
    s->want = calloc(s->n_in + 1, sizeof *s->want);
    if (!s->adds || !s->want || !find_reads(s) || !find_added(s))
        return false;
    for (uint32_t i = 0; i < s->n_back; i++)
        if (!back_needs(s, &s->back[i]))
            return false;
    return true;
}
