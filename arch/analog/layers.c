/* arch/analog/layers.c -- see layers.h. */
#include "arch/analog/layers.h"

#include <assert.h>
#include <stdlib.h>

#include "arch/units/kernel_matrix.h"

bool analog_by_layer(const struct plan *p)
{
    bool alone = true;

    for (uint32_t i = 0; i < p->n_layer; i++)
        alone &= p->layer[i].replicas.n == 1 && p->layer[i].copies == 1;
    return alone;
}

/* Weights of a core's kernels, with zeros where parts are cut inside channels. */
static size_t kernel_size(const struct plan *p, const struct plan_core *c)
{
    const struct window *w = &p->layer[c->plan_layer].window;

    return (size_t)c->out_n * c->in_n * w->kernel[0] * w->kernel[1];
}

static bool take_core(const struct analog_state *s, uint32_t core, struct value_core *to,
                      int16_t *weight)
{
    const struct plan_core *c = &s->plan->core[core];
    struct kernel_matrix k;

    if (!kernel_matrix_init(&k, s->plan, core, 0))
        return false;
    kernel_matrix_kernels(&k, s->plan, core, s->core[core].matrix.a, weight);
    kernel_matrix_release(&k);
    *to = (struct value_core){ c->out_first, c->out_n, c->in_first, c->in_n, weight,
                               s->core[core].k };
    return true;
}

bool analog_layers_init(struct analog_layers *l, const struct analog_state *s)
{
    const struct plan *p = s->plan;
    size_t size = 0;

    assert(analog_by_layer(p) && ANALOG_WEIGHT_BIT + ANALOG_SCALE_BIT == VALUE_SCALE_BIT);
    for (uint32_t i = 0; i < p->n_core; i++)
        size += kernel_size(p, &p->core[i]);
    *l = (struct analog_layers){ calloc(p->network->n_layer, sizeof *l->layer),
                                 calloc(p->n_core, sizeof *l->core),
                                 malloc((size + 1) * sizeof *l->weight) };
    bool done = l->layer && l->core && l->weight;
    int16_t *at = l->weight;
    for (uint32_t i = 0; done && i < p->n_core; i++) {
        struct value_cores *layer = &l->layer[p->layer[p->core[i].plan_layer].layer];
        if (!s->core[i].matrix.a)
            continue;
        if (layer->n == 0)
            layer->core = &l->core[i]; // those of a layer stand together
        layer->n++;
        done = take_core(s, i, &l->core[i], at);
        at += kernel_size(p, &p->core[i]);
    }
    if (!done)
        analog_layers_release(l);
    return done;
}

void analog_layers_release(struct analog_layers *l)
{
    free(l->layer);
    free(l->core);
    free(l->weight);
    *l = (struct analog_layers){ 0 };
}
