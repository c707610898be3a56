/* nir/op_shape.c -- Input, Output, Flatten, pools, Scale and Delay. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nir/build.h"
#include "network/precision.h"

enum { US_PER_S = 1000000, MOST_DELAY = 65535 };

/* [channels], [channels, columns] or [channels, rows, columns]. */
static enum err read_shape(const struct nir_build *b, uint32_t node, struct shape *s)
{
    const struct nir_dataset *d = nir_field(b->graph, node, "shape");
    uint32_t v[3];

    if (!d || !d->number || d->n < 1 || d->n > 3)
        return nir_refuse(b, node, "has no shape of 1 to 3 dimensions",
                          "channels, channels and columns, or channels, rows and columns");
    enum err e = nir_wholes(b, node, "shape", (uint32_t)d->n, 1, 65536, -1, v);
    if (!e)
        *s = (struct shape){ d->n == 3 ? v[1] : 1, d->n > 1 ? v[d->n - 1] : 1, v[0] };
    return e;
}

enum err nir_take_input(struct nir_build *b, uint32_t node, const struct nir_kind *self)
{
    struct nir_signal *to = &b->signal[node];

    (void)self;
    if (b->graph->node[node].n_from == 1) // of a graph in the graph
        return nir_pass(b, node, &b->signal[b->graph->node[node].from[0]]);
    if (b->network->n_layer > 0)
        return nir_refuse(b, node, "a second Input", "one");
    enum err e = read_shape(b, node, &to->shape);
    if (e)
        return e;
    struct layer *l = nir_add_layer(b, node, NULL);
    if (!l)
        return nir_no_memory(b);
    l->kind = LAYER_IMAGE;
    l->out = to->shape;
    l->value_bits = b->cfg->image_bits;
    return ERR_NONE;
}

static bool is_read(const struct nir_build *b, uint32_t node)
{
    for (uint32_t i = 0; i < b->graph->n_node; i++)
        for (uint32_t k = 0; k < b->graph->node[i].n_from; k++)
            if (b->graph->node[i].from[k] == node)
                return true;
    return false;
}

/* Currents that nobody takes are added up, as by an integrator. */
static enum err add_up(struct nir_build *b, uint32_t node, struct nir_signal *from)
{
    const size_t n = from->shape.channels;
    double *one = malloc(n * sizeof *one), *none = calloc(n, sizeof *none);
    const struct nir_dynamics d = { .beta = one, .gain = one, .leak = none };
    enum err e = one && none ? ERR_NONE : nir_no_memory(b);

    for (size_t o = 0; !e && o < n; o++)
        one[o] = 1;
    if (!e)
        e = nir_give_neurons(b, node, &d);
    free(one);
    free(none);
    return e;
}

enum err nir_take_output(struct nir_build *b, uint32_t node, const struct nir_kind *self)
{
    struct nir_signal *from;
    enum err e = nir_one_source(b, node, &from);

    (void)self;
    if (e)
        return e;
    if (is_read(b, node)) // of a graph in the graph
        return nir_pass(b, node, from);
    if (from->factor)
        return nir_refuse(b, node, "reads a pool or a Scale", "neurons, or weights");
    return from->current ? add_up(b, node, from) : ERR_NONE;
}

enum err nir_take_flatten(struct nir_build *b, uint32_t node, const struct nir_kind *self)
{
    struct nir_signal *from;
    uint32_t start;
    enum err e = nir_one_source(b, node, &from);

    (void)self;
    if (!e)
        e = nir_wholes(b, node, "start_dim", 1, 0, 1, 0, &start);
    if (!e && from->current)
        e = nir_refuse(b, node, "reads currents", "neurons in front of it");
    if (!e)
        e = nir_pass(b, node, from);
    if (!e)
        b->signal[node].flat = true;
    return e;
}

/* ---- pools ---- */

/* Values of all channels times v. */
static enum err scale_all(struct nir_build *b, struct nir_signal *s, double v)
{
    const size_t n = s->shape.channels;
    bool fresh = !s->factor;

    if (fresh)
        s->factor = malloc(n * sizeof *s->factor);
    if (!s->factor)
        return nir_no_memory(b);
    for (size_t o = 0; o < n; o++)
        s->factor[o] = (fresh ? 1 : s->factor[o]) * v;
    return ERR_NONE;
}

static enum err pool_window(const struct nir_build *b, uint32_t node, struct layer *l)
{
    struct window *w = &l->window;
    enum err e = nir_wholes(b, node, "kernel_size", 2, 1, 65536, -1, w->kernel);

    if (!e)
        e = nir_wholes(b, node, "stride", 2, 1, 65536, -1, w->stride);
    if (!e)
        e = nir_wholes(b, node, "padding", 2, 0, 65535, 0, w->pad_before);
    for (int a = 0; a < 2 && !e; a++) {
        uint32_t side = a == 0 ? l->in.height : l->in.width, padded = side + 2 * w->pad_before[a];
        w->pad_after[a] = w->pad_before[a];
        if (padded < w->kernel[a])
            return nir_refuse(b, node, "its window is larger than its map", "a smaller one");
        *(a == 0 ? &l->out.height : &l->out.width) = (padded - w->kernel[a]) / w->stride[a] + 1;
    }
    l->out.channels = l->in.channels;
    return e;
}

/* Currents stay what they are: neurons behind the pool take those of a whole window, of all of
 * whose positions the bias comes. */
static enum err pool_currents(struct nir_build *b, uint32_t node, const struct nir_signal *from,
                              struct layer *l, bool mean)
{
    const struct nir_real *of = &b->real[from->layer];
    struct nir_real *real = &b->real[b->network->n_layer - 1];
    const uint32_t k = l->window.kernel[0] * l->window.kernel[1];
    const double share = mean ? 1.0 / k : 1;

    if (l->window.pad_before[0] + l->window.pad_before[1] > 0)
        return nir_refuse(b, node, "pads currents", "padding = 0, or neurons in front of a pool");
    if (of->pooled)
        return nir_refuse(b, node, "pools currents that are pooled", "one pool");
    enum err e = nir_make_current(b, node, from->layer);
    if (e)
        return e;
    real->bias = calloc(l->out.channels, sizeof *real->bias);
    if (!real->bias)
        return nir_no_memory(b);
    real->pooled = true;
    real->unit = of->unit * share;
    real->error = of->error;
    for (uint32_t o = 0; o < l->out.channels; o++)
        real->bias[o] = of->bias[o] * k * share;
    b->signal[node] = (struct nir_signal){ .layer = b->network->n_layer - 1, .shape = l->out,
                                           .current = true };
    return ERR_NONE;
}

enum err nir_take_pool(struct nir_build *b, uint32_t node, const struct nir_kind *self)
{
    struct nir_signal *from, *to = &b->signal[node];
    const bool mean = strcmp(self->type, "AvgPool2d") == 0;
    enum err e = nir_one_source(b, node, &from);

    if (e)
        return e;
    if (from->flat)
        return nir_refuse(b, node, "pools a vector", "maps");
    struct layer *l = nir_add_layer(b, node, from);
    if (!l)
        return nir_no_memory(b);
    l->kind = LAYER_AVERAGE_POOL;
    l->groups = l->in.channels;
    e = pool_window(b, node, l);
    if (!e && from->current)
        return pool_currents(b, node, from, l, mean);
    if (!e)
        e = nir_pass(b, node, from);
    if (!e && !nir_state_rounding(l))
        e = nir_no_memory(b);
    if (e)
        return e;
    const uint32_t k = l->window.kernel[0] * l->window.kernel[1];
    int32_t least, most;
    layer_range(&b->network->layer[from->layer], &least, &most);
    to->layer = b->network->n_layer - 1;
    to->shape = l->out;
    l->value_bits = value_bits_for(0, (int64_t)most * k, false);
    if (l->value_bits > MOST_VALUE_BITS)
        return nir_refuse(b, node, "sums of more than 16 bits", "a smaller window");
    l->requant.high = most * (int32_t)k;
    return mean ? scale_all(b, to, 1.0 / k) : ERR_NONE;
}

/* ---- Scale and Delay ---- */

static void scale_weights(struct nir_build *b, const struct nir_signal *s, const double *v)
{
    const struct nir_real *real = &b->real[s->layer];
    const struct layer *l = &b->network->layer[s->layer];
    const size_t rows = layer_kernel_rows(l);

    for (uint32_t o = 0; o < l->out.channels; o++) {
        real->bias[o] *= v[o];
        for (size_t i = 0; i < rows; i++)
            real->weight[o * rows + i] *= v[o];
    }
}

enum err nir_take_scale(struct nir_build *b, uint32_t node, const struct nir_kind *self)
{
    struct nir_signal *from, *to = &b->signal[node];
    enum err e = nir_one_source(b, node, &from);
    double *v;

    (void)self;
    if (!e && from->current && b->real[from->layer].pooled)
        e = nir_refuse(b, node, "scales pooled currents", "it in front of the pool");
    if (e)
        return e;
    v = calloc(from->shape.channels, sizeof *v);
    if (!v)
        return nir_no_memory(b);
    e = nir_parameter(b, node, "scale", from->shape, NAN, v);
    if (!e)
        e = nir_pass(b, node, from);
    if (!e && from->current)
        scale_weights(b, from, v);
    else if (!e)
        e = scale_all(b, to, 1);
    for (uint32_t o = 0; !e && !from->current && o < from->shape.channels; o++)
        to->factor[o] *= v[o];
    free(v);
    return e;
}

static uint32_t readers_of(const struct nir_build *b, uint32_t node)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < b->graph->n_node; i++)
        for (uint32_t k = 0; k < b->graph->node[i].n_from; k++)
            n += b->graph->node[i].from[k] == node;
    return n;
}

static enum err whole_steps(const struct nir_build *b, uint32_t node, const double *seconds,
                            uint32_t *steps, uint32_t n)
{
    for (uint32_t o = 0; o < n; o++) {
        double step = seconds[o] * US_PER_S / b->cfg->dt_us;
        if (!(step >= 0 && step <= MOST_DELAY && fabs(step - rint(step)) < 1e-6))
            return nir_refuse(b, node, "a delay that is not 0 to 65,535 whole steps of nir.dt_us",
                              "such delays");
        steps[o] = (uint32_t)rint(step);
    }
    return ERR_NONE;
}

enum err nir_take_delay(struct nir_build *b, uint32_t node, const struct nir_kind *self)
{
    struct nir_signal *from;
    enum err e = nir_one_source(b, node, &from);

    (void)self;
    if (e)
        return e;
    struct neuron *neuron = b->network->layer[from->layer].neuron;
    if (from->current || !neuron || neuron->delay ||
        readers_of(b, b->graph->node[node].from[0]) > 1)
        return nir_refuse(b, node, "does not stand behind neurons that it alone reads",
                          "one there");
    if (b->cfg->dt_us <= 0)
        return nir_refuse(b, node, "its delays are times", "nir.dt_us, how long a step is");
    const uint32_t n = from->shape.channels;
    double *seconds = calloc(n, sizeof *seconds);
    neuron->delay = calloc(n, sizeof *neuron->delay);
    e = seconds && neuron->delay ? nir_parameter(b, node, "delay", from->shape, NAN, seconds)
                                 : nir_no_memory(b);
    if (!e)
        e = whole_steps(b, node, seconds, neuron->delay, n);
    free(seconds);
    return e ? e : nir_pass(b, node, from);
}
