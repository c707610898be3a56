/* arch/event/layers.c -- see layers.h. */
#include "arch/event/layers.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "arch/event/machine.h"
#include "core/util.h"

enum { MOST_VISITS = 1 << 28 }; // of a layer's sources

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the event cores");
}

struct event_timing event_timing_of(const struct config *c)
{
    const struct event_cfg *e = &c->event;

    return (struct event_timing){
        .arbiter = arbiter_find(e->arbiter),
        .service_ns = e->service_cycles > 0 ? 0 : e->service_ns,
        .service_cycles = e->service_cycles, .arbiter_khz = e->arbiter_khz,
        .neuron_khz = e->neuron_khz, .hop_ns = e->hop_ns,
    };
}

/* ---- who sees a source ---- */

static bool is_pool(const struct layer *l)
{
    return l->kind == LAYER_AVERAGE_POOL;
}

static uint64_t outputs_of(const struct layer *l)
{
    return (uint64_t)l->out.height * l->out.width * l->out.channels;
}

/* A pixel's channel of the map that a layer reads. */
struct place {
    uint32_t row, column, channel;
};

struct visits { // of all sources of a layer, as they are found
    const struct network *network;
    uint32_t            last; // the layer with weights
    struct event_visit *visit; // owned; or NULL: they are counted
    uint64_t            n;
};

/* Along an axis: the first output of a window that sees position i, and the last; none where the
 * first is behind it. */
static void seen_by(const struct window *w, int axis, uint32_t outputs, uint32_t i, uint32_t *first,
                    uint32_t *last)
{
    const uint32_t reach = (w->kernel[axis] - 1) * w->dilation[axis], at = i + w->pad_before[axis];

    *first = at > reach ? (at - reach + w->stride[axis] - 1) / w->stride[axis] : 0;
    *last = min_u32(at / w->stride[axis], outputs - 1);
}

/* Which kernel position of output o sees position i; false where it lies between two. */
static bool tap(const struct window *w, int axis, uint32_t o, uint32_t i, uint32_t *k)
{
    const uint32_t off = i + w->pad_before[axis] - o * w->stride[axis];

    *k = off / w->dilation[axis];
    return off % w->dilation[axis] == 0 && *k < w->kernel[axis];
}

static void add(struct visits *v, const struct layer *l, struct place at, uint32_t row,
                uint32_t column, const uint32_t k[2])
{
    if (v->visit)
        v->visit[v->n] = (struct event_visit){
            (at.channel * l->window.kernel[0] + k[0]) * l->window.kernel[1] + k[1],
            column * l->out.height + row,
        };
    v->n++;
}

/* All rows of the last layer that a place of layer i's input is, through pools. */
static void find_visits(struct visits *v, uint32_t i, struct place at)
{
    const struct layer *l = &v->network->layer[i];
    uint32_t row, last_row, column, first_column, last_column, k[2];

    seen_by(&l->window, 0, l->out.height, at.row, &row, &last_row);
    seen_by(&l->window, 1, l->out.width, at.column, &first_column, &last_column);
    for (; row <= last_row; row++)
        for (column = first_column; column <= last_column; column++) {
            if (!tap(&l->window, 0, row, at.row, &k[0]) ||
                !tap(&l->window, 1, column, at.column, &k[1]))
                continue;
            if (i == v->last)
                add(v, l, at, row, column, k);
            else
                find_visits(v, i + 1, (struct place){ row, column, at.channel });
        }
}

/* Sources in the order in which pixels travel, [column][row][channel]; begin[] of each, or NULL. */
static void all_visits(struct visits *v, uint32_t first, uint32_t *begin)
{
    const struct shape in = v->network->layer[first].in;
    uint32_t s = 0;

    v->n = 0;
    for (uint32_t column = 0; column < in.width; column++)
        for (uint32_t row = 0; row < in.height; row++)
            for (uint32_t ch = 0; ch < in.channels && v->n <= MOST_VISITS; ch++) {
                if (begin)
                    begin[s++] = (uint32_t)v->n;
                find_visits(v, first, (struct place){ row, column, ch });
            }
    if (begin)
        begin[s] = (uint32_t)v->n;
}

static enum err take_visits(struct event_layer *e, struct visits *v, uint32_t first,
                            struct err_msg *m)
{
    uint32_t *begin;

    all_visits(v, first, NULL);
    if (v->n > MOST_VISITS)
        return err_set(m, ERR_INPUT, "layer %s: its sources are seen by more than %d windows: want "
                       "a smaller map, or core.kind = imc", e->name, MOST_VISITS);
    e->begin = begin = calloc((size_t)e->sources + 1, sizeof *begin);
    e->visit = v->visit = calloc(v->n + 1, sizeof *v->visit);
    if (!begin || !v->visit)
        return no_memory(m);
    all_visits(v, first, begin);
    return ERR_NONE;
}

/* ---- layers ---- */

static enum err refuse(const struct layer *l, const char *what, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "layer %s: %s", l->name, what);
}

/* What the rest relies on: a chain of layers with weights and pools. */
static enum err check_layer(const struct network *n, uint32_t i, struct err_msg *m)
{
    const struct layer *l = &n->layer[i];

    if (l->n_input != 1 || l->input[0] != i - 1 || l->has_residual)
        return refuse(l, "reads other layers than the one before, and event cores stand in a row: "
                      "want a chain of layers, or core.kind = imc", m);
    if (!l->neuron && !is_pool(l))
        return refuse(l, "has no neurons, and event cores carry spikes: want a spiking network: "
                      "network.nir, or neuron.kind = if", m);
    if ((layer_is_digital(l) && !is_pool(l)) || l->pooled || (is_pool(l) && i + 1 == n->n_layer))
        return refuse(l, "is no layer of weights with neurons behind it: want Linear or "
                      "convolution, or core.kind = imc", m);
    if (l->groups != 1 && !is_pool(l))
        return refuse(l, "its channels are dealt to groups: want groups = 1, or core.kind = imc",
                      m);
    const struct event_layer neurons = { .name = l->name, .channels = l->out.channels,
                                         .neuron = l->neuron };
    return is_pool(l) && !l->neuron ? ERR_NONE : event_neurons_check(&neurons, m);
}

enum err event_layers_check(const struct network *n, struct err_msg *m)
{
    enum err e = ERR_NONE;

    for (uint32_t i = 1; !e && i < n->n_layer; i++)
        e = check_layer(n, i, m);
    return e;
}

uint64_t event_sources(const struct network *n, uint32_t layer)
{
    while (layer > 1 && is_pool(&n->layer[layer - 1]))
        layer--;
    const struct shape *in = &n->layer[layer].in;
    return (uint64_t)in->height * in->width * in->channels;
}

static enum err take_weights(struct event_layer *e, const struct layer *l, struct err_msg *m)
{
    const size_t n = (size_t)e->rows * e->channels;
    int32_t *weight = calloc(n, sizeof *weight);

    e->weight = weight;
    for (size_t i = 0; weight && i < n; i++)
        weight[i] = layer_weight(l, i);
    return weight ? ERR_NONE : no_memory(m);
}

/* Layer `last` with the pools in front of it, from `first` on. */
static enum err take_layer(struct event_layer *e, const struct plan *p, uint32_t first,
                           uint32_t last, struct err_msg *m)
{
    const struct layer *l = &p->network->layer[last];
    const uint64_t sources = event_sources(p->network, last);
    struct visits v = { .network = p->network, .last = last };

    if (sources > MOST_VISITS || outputs_of(l) > MOST_VISITS)
        return refuse(l, "its maps are too large for event cores: want smaller ones", m);
    *e = (struct event_layer){ .name = l->name, .sources = (uint32_t)sources,
                               .outputs = (uint32_t)outputs_of(l),
                               .rows = layer_kernel_rows(l), .channels = l->out.channels,
                               .neuron = l->neuron, .cores = p->layer[last - 1].splits };
    enum err err = take_weights(e, l, m);
    return err ? err : take_visits(e, &v, first, m);
}

enum err event_layers_of(struct event_layers *l, const struct plan *p, struct err_msg *m)
{
    const struct network *n = p->network;
    enum err e = event_layers_check(n, m);

    *l = (struct event_layers){ 0 };
    if (e)
        return e;
    *l = (struct event_layers){ .layer = calloc(n->n_layer, sizeof *l->layer),
                                .plan_layer = calloc(n->n_layer, sizeof *l->plan_layer) };
    if (!l->layer || !l->plan_layer)
        e = no_memory(m);
    for (uint32_t i = 1, first = 1; !e && i < n->n_layer; i++) {
        if (is_pool(&n->layer[i]))
            continue;
        l->plan_layer[l->n] = i - 1;
        e = take_layer(&l->layer[l->n++], p, first, i, m);
        first = i + 1;
    }
    if (e)
        event_layers_release(l);
    return e;
}

void event_layers_release(struct event_layers *l)
{
    for (uint32_t i = 0; l->layer && i < l->n; i++) {
        free((void *)l->layer[i].weight);
        free((void *)l->layer[i].begin);
        free((void *)l->layer[i].visit);
    }
    free(l->layer);
    free(l->plan_layer);
    *l = (struct event_layers){ 0 };
}
