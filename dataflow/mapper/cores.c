/* dataflow/mapper/cores.c -- see cores.h. */
#include "dataflow/mapper/cores.h"

#include <stdlib.h>

#include "core/util.h"

uint32_t mapper_read_by(const struct mapper *mp, uint32_t layer)
{
    const struct layer *l = plan_network_layer(&mp->plan, layer);

    if (mp->plan.layer[layer].feed != FEED_PRODUCER || l->n_input > 1 || l->groups > 1)
        return mp->n_layer;
    return l->input[0] - 1;
}

static uint64_t add(uint64_t a, uint64_t b)
{
    return a == UINT64_MAX || b == UINT64_MAX ? UINT64_MAX : a + b;
}

/* Cores of the layers that read this one, and of what follows them. */
static uint64_t readers(const struct mapper_cores *c, uint32_t layer, uint32_t need)
{
    uint64_t cores = 0;

    for (uint32_t i = layer + 1; i < c->mp->n_layer; i++)
        if (mapper_read_by(c->mp, i) == layer)
            cores = add(cores, c->least[i][need - 1].cores);
    return cores;
}

static bool counts(const struct mapper_option *o, uint64_t firings, enum cores_of of)
{
    return o->least_interval <= firings && !o->doubtful &&
           (of == CORES_OF_ANY || (!o->unsure && !o->refused));
}

/* The readers of the layer have theirs. */
static bool fill(struct mapper_cores *c, uint32_t layer, uint64_t firings, enum cores_of of)
{
    const struct mapper_layer *l = &c->mp->layer[layer];
    struct mapper_fewest *least = c->least[layer];
    uint64_t *after = calloc(l->most_need + 1, sizeof *after);

    for (uint32_t need = 1; after && need <= l->most_need; need++)
        after[need] = readers(c, layer, need);
    for (uint32_t p = 0; p < c->n[layer]; p++)
        least[p].cores = UINT64_MAX;
    for (uint32_t i = 0; after && i < l->n_option; i++) {
        const struct mapper_option *o = &l->option[i];
        struct mapper_fewest *at = &least[min_u32(o->parts, c->n[layer]) - 1];
        uint64_t cores = add(o->cores, after[o->need_parts]);
        if (counts(o, firings, of) && cores < at->cores)
            *at = (struct mapper_fewest){ cores, i };
    }
    for (uint32_t p = c->n[layer] - 1; p-- > 0;) // more parts do, too
        if (least[p + 1].cores < least[p].cores)
            least[p] = least[p + 1];
    bool done = after != NULL;
    free(after);
    return done;
}

enum err mapper_cores_init(struct mapper_cores *c, const struct mapper *mp, uint64_t firings,
                           enum cores_of of, struct err_msg *m)
{
    *c = (struct mapper_cores){ .mp = mp, .n = calloc(mp->n_layer, sizeof *c->n),
                                .least = calloc(mp->n_layer, sizeof *c->least) };
    bool there = c->n && c->least;

    for (uint32_t i = mp->n_layer; there && i-- > 0;) {
        uint32_t from = mapper_read_by(mp, i);
        c->n[i] = from < mp->n_layer ? mp->layer[from].most_need : 1;
        c->least[i] = calloc(c->n[i], sizeof *c->least[i]);
        there = c->least[i] && fill(c, i, firings, of);
    }
    if (there)
        return ERR_NONE;
    mapper_cores_release(c);
    return err_set(m, ERR_MEMORY, "no memory for the mapper");
}

void mapper_cores_release(struct mapper_cores *c)
{
    for (uint32_t i = 0; c->least && i < c->mp->n_layer; i++)
        free(c->least[i]);
    free(c->least);
    free(c->n);
    *c = (struct mapper_cores){ 0 };
}

uint64_t mapper_cores_after(const struct mapper_cores *c, uint32_t layer)
{
    uint64_t cores = 0;

    for (uint32_t i = layer + 1; i < c->mp->n_layer; i++) {
        uint32_t from = mapper_read_by(c->mp, i);
        if (from <= layer || from == c->mp->n_layer)
            cores = add(cores, c->least[i][0].cores);
    }
    return cores;
}

uint64_t mapper_cores_forced(const struct mapper_cores *c, uint32_t layer,
                             const struct mapper_option *o)
{
    uint64_t with = readers(c, layer, o->need_parts), without = readers(c, layer, 1);

    return with == UINT64_MAX ? UINT64_MAX : with - without;
}

uint64_t mapper_cores_all(const struct mapper_cores *c, uint32_t *choice)
{
    const struct mapper *mp = c->mp;
    uint64_t cores = 0;

    for (uint32_t i = 0; i < mp->n_layer; i++)
        if (mapper_read_by(mp, i) == mp->n_layer)
            cores = add(cores, c->least[i][0].cores);
    for (uint32_t i = 0; choice && cores < UINT64_MAX && i < mp->n_layer; i++) {
        uint32_t from = mapper_read_by(mp, i);
        uint32_t need = from < mp->n_layer ? mp->layer[from].option[choice[from]].need_parts : 1;
        choice[i] = c->least[i][need - 1].option;
    }
    return cores;
}

uint64_t mapper_fewest_cores(const struct mapper *mp, uint64_t firings, enum cores_of of,
                             uint32_t *choice)
{
    struct mapper_cores c;
    struct err_msg m;

    if (mapper_cores_init(&c, mp, firings, of, &m))
        return UINT64_MAX;
    uint64_t cores = mapper_cores_all(&c, choice);
    mapper_cores_release(&c);
    return cores;
}

bool mapper_all_cheapest(const struct mapper *mp, uint64_t firings, uint32_t *choice)
{
    return mapper_fewest_cores(mp, firings, CORES_OF_SURE, choice) <= mp->config->chip_cores;
}

uint32_t mapper_least_interval(const struct mapper *mp, const uint64_t *interval, uint32_t n)
{
    uint32_t low = 0, high = n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t cores = mapper_fewest_cores(mp, interval[middle], CORES_OF_ANY, NULL);
        if (cores <= mp->config->chip_cores)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
