/* arch/values/firing_log.c -- which outputs fired together; see tally.h. */
#include <stdlib.h>
#include <string.h>

#include "arch/values/firing_groups.h"

struct groups { // of one copy of a layer and one image
    struct firing_group *group; // owned
    uint32_t             n, room;
};

struct firing_log {
    const struct plan *plan;
    uint64_t           first_image, n_image; // that have fired
    struct groups     *groups;               // owned; [n_image][n_core], of part 0 of split 0
    bool               failed;
    struct core_probe  probe;
};

static bool can_share(const struct plan *p, uint32_t layer)
{
    return p->layer[layer].replicas.n > 1 && !layer_is_digital(plan_network_layer(p, layer));
}

bool firing_log_needed(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_layer; i++)
        if (can_share(p, i))
            return true;
    return false;
}

static struct groups *groups_of(struct firing_log *l, uint64_t image, uint32_t core)
{
    uint64_t i = image - l->first_image;

    if (i >= l->n_image) {
        struct groups *more = realloc(l->groups, (i + 1) * l->plan->n_core * sizeof *more);
        if (!more)
            return NULL;
        memset(more + l->n_image * l->plan->n_core, 0,
               (i + 1 - l->n_image) * l->plan->n_core * sizeof *more);
        l->groups = more;
        l->n_image = i + 1;
    }
    return &l->groups[i * l->plan->n_core + core];
}

static bool append(struct firing_log *l, uint32_t core, const struct pixel *head, uint32_t n)
{
    struct groups *g = groups_of(l, head->image, core);

    if (!g)
        return false;
    if (g->n == g->room) {
        uint32_t room = g->room ? 2 * g->room : 64;
        struct firing_group *more = realloc(g->group, room * sizeof *more);
        if (!more)
            return false;
        g->group = more;
        g->room = room;
    }
    g->group[g->n++] = (struct firing_group){ head->row, head->column, n };
    return true;
}

/* A firing's outputs are multiplied together as far as replicas of one place compute them. */
static void on_event(void *user, uint32_t core, const struct core_event *e)
{
    struct firing_log *l = user;
    const struct plan_core *c = &l->plan->core[core];
    const struct plan_layer *pl = &l->plan->layer[c->plan_layer];

    if (e->kind != CORE_FIRED || c->part > 0 || c->split > 0 || !can_share(l->plan, c->plan_layer))
        return;
    struct firing_shape shape = plan_firing_shape(l->plan, c->plan_layer);
    for (uint32_t from = 0, to; from < e->n; from = to) {
        to = from + 1;
        while (to < e->n &&
               firing_replica(pl->firing, &shape, &e->pixel[from], &e->pixel[to]) < shape.n)
            to++;
        l->failed = l->failed || !append(l, core, &e->pixel[from], to - from);
    }
}

struct firing_log *firing_log_new(const struct plan *p, uint64_t first_image)
{
    struct firing_log *l = calloc(1, sizeof *l);

    if (l)
        *l = (struct firing_log){ .plan = p, .first_image = first_image };
    if (l)
        l->probe = (struct core_probe){ .event = on_event, .user = l };
    return l;
}

void firing_log_free(struct firing_log *l)
{
    if (!l)
        return;
    for (uint64_t i = 0; i < l->n_image * l->plan->n_core; i++)
        free(l->groups[i].group);
    free(l->groups);
    free(l);
}

const struct core_probe *firing_log_probe(const struct firing_log *l)
{
    return &l->probe;
}

bool firing_log_complete(const struct firing_log *l)
{
    return !l->failed;
}

static const struct groups *logged(const struct firing_log *l, uint64_t image, uint32_t core)
{
    static const struct groups none;
    uint64_t i = image - l->first_image;

    return i < l->n_image ? &l->groups[i * l->plan->n_core + core] : &none;
}

bool firing_log_same(const struct firing_log *l, uint64_t image_a, uint64_t image_b)
{
    for (uint32_t i = 0; i < l->plan->n_core; i++) {
        const struct groups *a = logged(l, image_a, i), *b = logged(l, image_b, i);
        if (a->n != b->n || (a->n > 0 && memcmp(a->group, b->group, a->n * sizeof *a->group) != 0))
            return false;
    }
    return true;
}

void firing_groups_each(const struct plan *p, const struct firing_log *l, uint64_t image,
                        uint32_t layer, uint32_t copy,
                        void (*group)(void *user, const struct firing_group *g), void *user)
{
    struct firing_shape shape = plan_firing_shape(p, layer);
    const struct firing_policy *f = p->layer[layer].firing;

    if (can_share(p, layer)) {
        const struct groups *g = logged(l, image, plan_core_of(p, layer, copy, 0, 0));
        for (uint32_t i = 0; i < g->n; i++)
            group(user, &g->group[i]);
        return;
    }
    for (struct pixel at = firing_first(f, &shape, copy, 0); at.image == 0;
         f->next(&shape, copy, &at))
        group(user, &(struct firing_group){ at.row, at.column, 1 });
}
