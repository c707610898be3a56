/* dataflow/plan/dry_run/alike.c -- layers that do the same as one before them, later; see
 * dry_run.h. */
#include <stddef.h>
#include <string.h>

#include "dataflow/plan/dry_run/dry_run_internal.h"

enum { LAYERS_LOOKED_AT = 32 }; // before one

/* ---- what they are ---- */

static bool same_window(const struct window *a, const struct window *b)
{
    return memcmp(a, b, offsetof(struct window, apart)) == 0 && a->apart == b->apart;
}

/* Whether outputs of both are shared out and fired alike. */
static bool same_firing(const struct plan *p, uint32_t a, uint32_t b)
{
    const struct firing_shape x = plan_firing_shape(p, a), y = plan_firing_shape(p, b);

    return p->layer[a].firing == p->layer[b].firing && memcmp(&x, &y, sizeof x) == 0;
}

static uint32_t strip_width(const struct plan *p, uint32_t layer)
{
    const struct firing_shape shape = plan_firing_shape(p, layer);

    return p->layer[layer].firing->strip_width(&shape);
}

/* Whether their pixels come from one layer, cut and shared out alike. */
static bool same_feed(const struct plan *p, uint32_t a, uint32_t b)
{
    const struct layer *x = plan_network_layer(p, a), *y = plan_network_layer(p, b);

    if (p->layer[a].feed != FEED_PRODUCER || p->layer[b].feed != FEED_PRODUCER ||
        x->n_input != 1 || y->n_input != 1)
        return false;
    uint32_t u = x->input[0] - 1, v = y->input[0] - 1;
    return !plan_network_layer(p, u)->pooled && !plan_network_layer(p, v)->pooled &&
           p->layer[u].copies == p->layer[v].copies &&
           strip_width(p, u) == strip_width(p, v) &&
           plan_in_scan_order(p, a) == plan_in_scan_order(p, b) &&
           dry_run_comes_in_slices(p, a) == dry_run_comes_in_slices(p, b);
}

static bool same_work(const struct plan *p, uint32_t a, uint32_t b)
{
    const struct plan_layer *x = &p->layer[a], *y = &p->layer[b];

    return x->in_height == y->in_height && x->in_width == y->in_width &&
           x->residual == y->residual && same_window(&x->window, &y->window) &&
           plan_sum_latency(p, a) == plan_sum_latency(p, b) && same_firing(p, a, b) &&
           same_feed(p, a, b);
}

/* ---- when they do it ---- */

struct view { // of when columns come: those of a map, later; NULL: no map's
    const struct map_times *map;
    int64_t                 later;
};

/* Whether outputs of both take as long. */
static bool same_longer(const struct dry_run *s, uint32_t a, uint32_t b)
{
    const uint32_t *x = s->layer[a].longer, *y = s->layer[b].longer;

    if (!x || !y)
        return x == y;
    return memcmp(x, y, plan_network_layer(s->plan, a)->out.width * sizeof *x) == 0;
}

/* By how much they are longer than one timestep, all alike. */
static bool alike_longer(const struct dry_run *s, uint32_t layer, int64_t *longer)
{
    const uint32_t *of = s->layer[layer].longer;

    *longer = of ? of[0] : 0;
    for (uint32_t c = 0; of && c < s->layer[layer].fired.width; c++)
        if (of[c] != of[0])
            return false;
    return true;
}

static struct view summed_view(const struct dry_run *s, uint32_t layer)
{
    int64_t longer;

    if (s->plan->layer[layer].residual == RESIDUAL_NONE)
        return alike_longer(s, layer, &longer)
                   ? (struct view){ &s->layer[layer].fired,
                                    plan_sum_latency(s->plan, layer) + longer }
                   : (struct view){ NULL, 0 };
    return (struct view){ &s->layer[layer].summed, 0 };
}

static struct view done_view(const struct dry_run *s, uint32_t layer, int64_t hop)
{
    struct view v = summed_view(s, layer);

    v.later += hop;
    return plan_network_layer(s->plan, layer)->pooled ? (struct view){ NULL, 0 } : v;
}

static struct view stored_view(const struct dry_run *s, uint32_t layer)
{
    const struct layer *l = plan_network_layer(s->plan, layer);

    if (s->plan->layer[layer].feed != FEED_PRODUCER || l->n_input > 1)
        return (struct view){ &s->layer[layer].stored, 0 };
    return done_view(s, l->input[0] - 1, s->plan->hops[layer].pixels);
}

/* When residuals can be at the summing core at the earliest, if they are sent; and of those read
 * back when the memory has them. */
static struct view residual_view(const struct dry_run *s, uint32_t layer)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    int64_t hop = s->plan->hops[layer].residual;

    if (pl->residual == RESIDUAL_DIRECT)
        return done_view(s, pl->residual_from, hop);
    struct view v = stored_view(s, pl->residual_from);
    v.later += hop;
    return v;
}

/* Whether a's images [from, end) are those of b, `later`; both have them. */
static bool same_images(struct view a, struct view b, uint32_t from, uint32_t end, int64_t later)
{
    if (!a.map || !b.map || a.map->width != b.map->width || a.map->n_image < end ||
        b.map->n_image < end)
        return false;
    const struct column_times *x = a.map->column, *y = b.map->column;
    later += b.later - a.later;
    for (size_t i = (size_t)from * a.map->width; i < (size_t)end * a.map->width; i++)
        if (x[i].row != y[i].row || x[i].later != y[i].later + later)
            return false;
    return true;
}

static bool same_map(struct view a, struct view b, int64_t later)
{
    return a.map && b.map && a.map->n_image == b.map->n_image &&
           same_images(a, b, 0, a.map->n_image, later);
}

/* ---- an image ---- */

static bool same_run(const struct firing_run *a, const struct firing_run *b, uint32_t n,
                     int64_t later)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i].n != b[i].n ||
            (a[i].n > 0 &&
             (a[i].head.image != b[i].head.image || a[i].head.row != b[i].head.row ||
              a[i].head.column != b[i].head.column || a[i].longer != b[i].longer ||
              a[i].timestep != b[i].timestep + later || a[i].summed != b[i].summed + later)))
            return false;
    return true;
}

/* Whether all that the image's firings depend on is what it is for layer b, `later`. */
static bool same_image(const struct dry_run *s, uint32_t layer, uint32_t b, uint32_t image,
                       int64_t later)
{
    const struct plan *p = s->plan;
    return same_run(s->layer[layer].before, s->layer[b].before, p->layer[layer].copies, later) &&
           same_images(stored_view(s, layer), stored_view(s, b), image, image + 1, later) &&
           (p->layer[layer].residual == RESIDUAL_NONE ||
            same_images(residual_view(s, layer), residual_view(s, b), image, image + 1, later));
}

static void repeat_columns(struct map_times *to, const struct map_times *from, uint32_t image,
                           int64_t later)
{
    for (uint32_t c = 0; c < to->width; c++) {
        struct column_times t = from->column[(size_t)image * to->width + c];
        t.later += later;
        map_times_repeat(to, image, c, t);
    }
}

static void repeat_layer(struct dry_run *s, uint32_t layer, uint32_t b, uint32_t image,
                         int64_t later)
{
    struct dry_run_layer *x = &s->layer[layer];
    const struct dry_run_layer *y = &s->layer[b];

    repeat_columns(&x->fired, &y->fired, image, later);
    if (x->summed.n_image > 0)
        repeat_columns(&x->summed, &y->summed, image, later);
    for (uint32_t i = 0; i < s->plan->layer[layer].copies; i++) {
        x->run[i] = y->run[i];
        x->run[i].timestep += later;
        x->run[i].summed += later;
    }
}

/* Whether two layers do the same work, and their pixels come as those of a map, later. */
static bool is_comparable(const struct dry_run *s, uint32_t a, uint32_t b)
{
    return same_work(s->plan, a, b) && same_longer(s, a, b) && stored_view(s, a).map &&
           stored_view(s, b).map;
}

/* By how much layer a's pixels come later than b's. */
static int64_t apart(const struct dry_run *s, uint32_t a, uint32_t b)
{
    struct view x = stored_view(s, a), y = stored_view(s, b);

    return x.map->column[0].later + x.later - y.map->column[0].later - y.later;
}

static uint32_t first_looked_at(uint32_t layer)
{
    return layer > LAYERS_LOOKED_AT ? layer - LAYERS_LOOKED_AT : 0;
}

bool dry_run_repeat_image(struct dry_run *s, uint32_t layer, uint32_t image)
{
    for (uint32_t b = layer; b-- > first_looked_at(layer);) {
        if (!is_comparable(s, layer, b))
            continue;
        int64_t later = apart(s, layer, b);
        if (!same_image(s, layer, b, image, later))
            continue;
        repeat_layer(s, layer, b, image, later);
        return true;
    }
    return false;
}

/* ---- all images ---- */

void dry_run_find_readers(struct dry_run *s, uint32_t layer)
{
    const struct plan *p = s->plan;
    struct dry_run_layer *l = &s->layer[layer];

    l->n_reader = 0;
    for (uint32_t i = 0; i < p->n_layer; i++) {
        const struct plan_layer *pl = &p->layer[i];
        if ((pl->residual == RESIDUAL_READ_BACK && pl->residual_from == layer) ||
            (pl->feed == FEED_READ_BACK && pl->feeder == layer)) {
            if (l->n_reader < DRY_RUN_READERS)
                l->reader[l->n_reader] = i;
            l->n_reader++;
        }
    }
}

/* When a layer uses what is read for it, less the hops; of a resampling layer, once it is timed. */
static struct view read_view(const struct dry_run *s, uint32_t reader)
{
    struct view v;

    if (s->plan->layer[reader].feed == FEED_READ_BACK) {
        v = stored_view(s, reader);
        v.later -= s->plan->hops[reader].pixels;
    } else {
        v = summed_view(s, reader);
        v.later -= s->plan->hops[reader].residual;
    }
    return v;
}

/* Whether the memories of both are read for others alike. */
static bool same_readers(const struct dry_run *s, uint32_t a, uint32_t b, int64_t later)
{
    const struct plan *p = s->plan;
    const struct dry_run_layer *x = &s->layer[a], *y = &s->layer[b];

    if (x->n_reader != y->n_reader || x->n_reader > DRY_RUN_READERS)
        return false;
    for (uint32_t i = 0; i < x->n_reader; i++) {
        uint32_t u = x->reader[i], v = y->reader[i];
        if (p->layer[u].feed != p->layer[v].feed || !same_firing(p, u, v) ||
            !same_window(&plan_network_layer(p, u)->window, &plan_network_layer(p, v)->window) ||
            !same_map(read_view(s, u), read_view(s, v), later))
            return false;
    }
    return true;
}

static bool is_like(const struct dry_run *s, uint32_t a, uint32_t b)
{
    if (!is_comparable(s, a, b))
        return false;
    const struct dry_run_layer *x = &s->layer[a], *y = &s->layer[b];
    const struct view fired = { &x->fired, 0 }, others = { &y->fired, 0 };
    int64_t later = apart(s, a, b);
    return same_map(fired, others, later) &&
           same_map(stored_view(s, a), stored_view(s, b), later) &&
           same_map(summed_view(s, a), summed_view(s, b), later) &&
           (s->plan->layer[a].residual == RESIDUAL_NONE ||
            s->plan->layer[a].residual == RESIDUAL_READ_BACK ||
            same_map(residual_view(s, a), residual_view(s, b), later)) &&
           same_readers(s, a, b, later);
}

void dry_run_find_alike(struct dry_run *s)
{
    for (uint32_t i = 0; i < s->plan->n_layer; i++) {
        s->layer[i].like = i;
        for (uint32_t b = i; s->layer[i].like == i && b-- > first_looked_at(i);)
            if (is_like(s, i, b))
                s->layer[i].like = s->layer[b].like;
    }
}

int64_t dry_run_later(const struct dry_run *s, uint32_t layer)
{
    uint32_t like = s->layer[layer].like;

    return like == layer ? 0 : apart(s, layer, like);
}
