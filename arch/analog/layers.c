/* arch/analog/layers.c -- see layers.h. */
#include "arch/analog/layers.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "arch/units/kernel_matrix.h"

/* Whether products of a core are one read of one matrix, or of two. */
static bool is_matrix(const struct plan *p, const struct plan_core *c)
{
    const struct array_spec *s = &p->layer[c->plan_layer].array;

    return layer_is_digital(plan_network_layer(p, c->plan_layer)) ||
           (!array_is_cut(s) && array_reads(s, c->rows, 1).n == 1);
}

bool analog_by_layer(const struct plan *p)
{
    const struct config *c = p->config;
    bool alone = true;

    for (uint32_t i = 0; i < p->n_layer; i++)
        alone &= p->layer[i].replicas.n == 1 && p->layer[i].copies == 1;
    for (uint32_t i = 0; i < p->n_core; i++)
        alone &= is_matrix(p, &p->core[i]);
    return alone && !(c->wires.input == WIRES_GATE && c->wires.model != WIRES_OFF) &&
           c->analog.read_noise != READ_NOISE_PER_MVM;
}

/* Weights of a core's kernels, with zeros where parts are cut inside channels. */
static size_t kernel_size(const struct plan *p, const struct plan_core *c)
{
    const struct window *w = &p->layer[c->plan_layer].window;

    return (size_t)c->out_n * c->in_n * w->kernel[0] * w->kernel[1];
}

static struct analog_lanes lanes_of(const struct value_sums_read *s)
{
    return (struct analog_lanes){ s->first, s->outputs, s->column, s->n, s->image, s->n_lane,
                                  s->sum[0], s->sum[1] };
}

static void read_lanes(void *user, const struct value_sums_read *s)
{
    const struct analog_readout *r = user;
    const struct analog_lanes lanes = lanes_of(s);

    analog_readout_add_clipped(r, analog_readout_lanes(r, &lanes));
}

static void measure_lanes(void *user, const struct value_sums_read *s)
{
    struct analog_meter *m = user;
    const struct analog_readout *r = m->readout;
    const struct analog_lanes lanes = lanes_of(s);
    const int32_t *y = s->sum[0], *exact = s->sum[m->exact];
    const double unit = ldexp(1, -ANALOG_WEIGHT_BIT);

    analog_readout_lanes(r, &lanes);
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t o = 0; o < s->outputs; o++, y += VALUE_LANES, exact += VALUE_LANES)
            for (uint32_t lane = 0; lane < s->n_lane; lane++) {
                double want = exact[lane] * unit, error = y[lane] - want;
                m->error += error * error; // 0 where the output is not the core's
                m->square += want * want;
            }
}

/* The matrices of a core, exact ones of a meter behind them. */
struct matrices {
    uint32_t       n;
    const int16_t *a[VALUE_MOST_MATRICES];
};

static struct matrices matrices_of(const struct analog_state *s, const struct analog_state *exact,
                                   uint32_t core)
{
    const struct analog_matrix *w = &s->core[core].matrix;
    struct matrices m = { 1, { w->a } };

    for (uint32_t i = 1; i < w->parts; i++)
        m.a[m.n++] = analog_part(w, i);
    if (exact)
        m.a[m.n++] = exact->core[core].matrix.a;
    return m;
}

static bool take_core(struct analog_layers *l, const struct analog_state *s, uint32_t core,
                      const struct matrices *from, int16_t *weight)
{
    const struct plan_core *c = &s->plan->core[core];
    const struct analog_readout *r = &s->core[core].readout;
    struct value_core *to = &l->core[core];
    struct kernel_matrix k;

    if (!kernel_matrix_init(&k, s->plan, core, 0, false))
        return false;
    *to = (struct value_core){ c->out_first, c->out_n, c->in_first, c->in_n, weight, r->k, NULL,
                               { NULL } };
    for (uint32_t i = 0; i < from->n; i++, weight += kernel_size(s->plan, c)) {
        kernel_matrix_kernels(&k, s->plan, core, from->a[i], weight);
        if (i > 0)
            to->more[i - 1] = weight;
    }
    kernel_matrix_release(&k);
    if (analog_readout_is_plain(r) && !l->meter)
        return true;
    l->reader[core] = (struct value_reader){ .read = read_lanes,
                                             .user = (void *)r, // which it only reads
                                             .most = analog_readout_most(r) };
    if (l->meter) {
        l->meter[core] = (struct analog_meter){ .readout = r, .exact = from->n - 1 };
        l->reader[core].read = measure_lanes;
        l->reader[core].user = &l->meter[core];
    }
    to->reader = &l->reader[core];
    return true;
}

static bool alloc(struct analog_layers *l, const struct plan *p, uint32_t matrices, bool measured)
{
    size_t size = 0;

    for (uint32_t i = 0; i < p->n_core; i++)
        size += kernel_size(p, &p->core[i]) * matrices;
    *l = (struct analog_layers){
        .layer = calloc(p->network->n_layer, sizeof *l->layer),
        .core = calloc(p->n_core, sizeof *l->core),
        .reader = calloc(p->n_core, sizeof *l->reader),
        .weight = malloc((size + 1) * sizeof *l->weight),
        .meter = measured ? calloc(p->n_core, sizeof *l->meter) : NULL,
    };
    return l->layer && l->core && l->reader && l->weight && (l->meter || !measured);
}

bool analog_layers_measured(struct analog_layers *l, const struct analog_state *s,
                            const struct analog_state *exact)
{
    const struct plan *p = s->plan;
    bool done = alloc(l, p, VALUE_MOST_MATRICES, exact);
    int16_t *at = l->weight;

    assert(analog_by_layer(p) && ANALOG_WEIGHT_BIT + ANALOG_SCALE_BIT == VALUE_SCALE_BIT);
    static_assert((int)ANALOG_LANES == (int)VALUE_LANES && (int)ANALOG_QUAD == (int)VALUE_QUAD &&
                  ANALOG_PAIR + 1 == VALUE_MOST_MATRICES, "the same lanes");
    for (uint32_t i = 0; done && i < p->n_core; i++) {
        struct value_cores *layer = &l->layer[p->layer[p->core[i].plan_layer].layer];
        const struct matrices from = matrices_of(s, exact, i);
        if (!s->core[i].matrix.a)
            continue;
        if (layer->n == 0)
            layer->core = &l->core[i]; // those of a layer stand together
        layer->n++;
        done = take_core(l, s, i, &from, at);
        at += kernel_size(p, &p->core[i]) * from.n;
    }
    if (!done)
        analog_layers_release(l);
    return done;
}

bool analog_layers_init(struct analog_layers *l, const struct analog_state *s)
{
    return analog_layers_measured(l, s, NULL);
}

void analog_layers_release(struct analog_layers *l)
{
    free(l->layer);
    free(l->core);
    free(l->reader);
    free(l->meter);
    free(l->weight);
    *l = (struct analog_layers){ 0 };
}
