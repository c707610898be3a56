/* dataflow/plan/waits.c -- see waits.h. */
#include "dataflow/plan/waits.h"

#include "core/util.h"
#include "memory/registers.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t fired(const struct plan *p, uint32_t layer, uint32_t row, uint32_t column)
{
    const struct column_times c =
        map_times_at(&p->time.layer[layer].fired, 0, column, p->interval);

    return column_time(&c, row);
}

/* Timestep in which the last slice of a pixel of the layer's input is stored. */
static int64_t stored(const struct plan *p, uint32_t layer, uint32_t row, uint32_t column)
{
    const struct layer *l = plan_network_layer(p, layer);
    int64_t last = INT64_MIN;

    for (uint32_t k = 0; k < l->n_input; k++) {
        if (l->input[k] == 0) // as it is used
            continue;
        const uint32_t from = l->input[k] - 1;
        last = later(last, fired(p, from, row, column) + plan_sum_latency(p, from) - 1 +
                               (int64_t)plan_lasts(p, from, row, column) + p->hops[layer].pixels);
    }
    return last;
}

struct token_wait token_wait(const struct plan *p, uint32_t layer, uint32_t row, uint32_t column)
{
    const struct plan_layer *pl = &p->layer[layer];
    struct token_wait w = { .begins = fired(p, layer, row, column) };

    w.ends = w.begins + (int64_t)plan_lasts(p, layer, row, column);
    w.stored = w.ready = w.begins;
    if (plan_network_layer(p, layer)->kind != LAYER_ATTENTION)
        return w; // others see what lies elsewhere in their inputs
    w.stored = stored(p, layer, row, column);
    w.ready = later(w.stored, stored(p, layer, window_last(&pl->window, 0, row, pl->in_height),
                                     window_last(&pl->window, 1, column, pl->in_width)));
    if (w.stored == INT64_MIN) // the image's
        w.stored = w.ready = w.begins;
    return w;
}

static void add(struct waits *s, const struct token_wait *w)
{
    s->first_stored = s->n == 0 ? w->stored : s->first_stored;
    s->last_stored = w->stored;
    s->last_end = w->ends;
    s->barrier += (uint64_t)(w->ready - w->stored);
    s->lanes += (uint64_t)(w->begins - w->ready);
    s->longest = max_u64(s->longest, (uint64_t)(w->begins - w->stored));
    s->busy += (uint64_t)(w->ends - w->begins);
    s->n++;
}

static struct token_wait number(const struct plan *p, uint32_t layer, uint64_t i)
{
    const uint32_t height = plan_network_layer(p, layer)->out.height;

    return token_wait(p, layer, (uint32_t)(i % height), (uint32_t)(i / height));
}

struct waits waits_of(const struct plan *p, uint32_t layer)
{
    const struct shape *out = &plan_network_layer(p, layer)->out;
    const uint64_t all = (uint64_t)out->height * out->width;
    struct waits s = { .n = 0 };
    uint64_t there = 0; // that have been stored when query i begins

    for (uint64_t i = 0; i < all; i++) {
        const struct token_wait w = number(p, layer, i);
        add(&s, &w);
        while (there < all && number(p, layer, there).stored <= w.begins)
            there++;
        s.most = max_u64(s.most, there - i);
    }
    return s;
}
