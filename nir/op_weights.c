/* nir/op_weights.c -- Conv1d, Conv2d, Linear and Affine: the weights of a layer, kept real
 * until its neurons come. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nir/build.h"

enum { MOST_WEIGHTS = 1 << 28 };

/* Spikes that weights can multiply. */
static enum err spikes_read(const struct nir_build *b, uint32_t node, struct nir_signal **from)
{
    enum err e = nir_one_source(b, node, from);

    if (e)
        return e;
    const struct layer *l = &b->network->layer[(*from)->layer];
    if ((*from)->current)
        return nir_refuse(b, node, "reads the sums of other weights",
                          "neurons between them, or the product of both matrices");
    if (l->neuron && !l->neuron->kind->fires)
        return nir_refuse(b, node, "reads potentials", "neurons that fire");
    return ERR_NONE;
}

static enum err read_weights(const struct nir_build *b, uint32_t node, uint32_t rank,
                             const struct nir_dataset **weight)
{
    const struct nir_dataset *w = nir_field(b->graph, node, "weight");
    uint64_t n = 1;

    if (!w || !w->number || w->n_dim != rank)
        return nir_refuse(b, node, "has no weights of the dimensions of its kind",
                          "a file that nir.write() wrote");
    for (uint32_t i = 0; i < rank; i++) {
        if (w->dim[i] < 1 || w->dim[i] > 65536)
            return nir_refuse(b, node, "a dimension of its weights is not 1 to 65536", "such");
        n *= w->dim[i];
        if (n > MOST_WEIGHTS)
            return nir_refuse(b, node, "has more than 2^28 weights", "fewer");
    }
    for (size_t i = 0; i < w->n; i++)
        if (!isfinite(w->number[i]))
            return nir_refuse(b, node, "a weight is not finite", "finite ones");
    *weight = w;
    return ERR_NONE;
}

/* Takes weights, each times what a spike of its input is worth, and biases. */
static enum err take_values(struct nir_build *b, uint32_t node, const struct nir_dataset *w,
                            const struct nir_signal *from, const struct layer *l)
{
    struct nir_real *real = &b->real[b->network->n_layer - 1];
    const uint32_t in = l->in.channels / l->groups, out = l->out.channels / l->groups;
    const size_t positions = (size_t)l->window.kernel[0] * l->window.kernel[1];

    real->weight = malloc(w->n * sizeof *real->weight);
    real->bias = calloc(l->out.channels, sizeof *real->bias);
    if (!real->weight || !real->bias)
        return nir_no_memory(b);
    for (size_t i = 0; i < w->n; i++) {
        size_t c = i / positions % in, o = i / positions / in;
        real->weight[i] = w->number[i] * (from->factor ? from->factor[o / out * in + c] : 1);
    }
    const struct shape one = { 1, 1, l->out.channels };
    return nir_parameter(b, node, "bias", one, 0, real->bias);
}

static void hand_on(struct nir_build *b, uint32_t node, const struct layer *l)
{
    b->signal[node] = (struct nir_signal){ .current = true, .layer = b->network->n_layer - 1,
                                           .shape = l->out };
}

/* ---- convolutions ---- */

/* Whether padding is a word; then w has it. */
static bool pads_by_word(const struct nir_build *b, uint32_t node, struct window *w)
{
    const struct nir_dataset *d = nir_field(b->graph, node, "padding");

    if (!d || !d->text || d->n != 1)
        return false;
    for (int a = 0; a < 2; a++) { // "same": of stride 1, the odd one behind
        uint32_t all = strcmp(d->text[0], "same") == 0 ? (w->kernel[a] - 1) * w->dilation[a] : 0;
        w->pad_before[a] = all / 2;
        w->pad_after[a] = all - all / 2;
    }
    return strcmp(d->text[0], "same") == 0 || strcmp(d->text[0], "valid") == 0;
}

/* Fields of one axis or two; of one the rows stay as they are. */
static enum err read_axes(const struct nir_build *b, uint32_t node, const char *name,
                          uint32_t dims, int64_t least, int64_t otherwise, uint32_t v[2])
{
    return nir_wholes(b, node, name, dims, least, 65535, otherwise, v + 2 - dims);
}

static enum err read_window(const struct nir_build *b, uint32_t node, uint32_t dims,
                            struct window *w)
{
    enum err e = read_axes(b, node, "stride", dims, 1, 1, w->stride);

    if (!e)
        e = read_axes(b, node, "dilation", dims, 1, 1, w->dilation);
    if (e || pads_by_word(b, node, w))
        return e;
    e = read_axes(b, node, "padding", dims, 0, 0, w->pad_before);
    memcpy(w->pad_after, w->pad_before, sizeof w->pad_after);
    return e;
}

static enum err find_output(const struct nir_build *b, uint32_t node, struct layer *l)
{
    const struct window *w = &l->window;

    for (int a = 0; a < 2; a++) {
        uint64_t side = a == 0 ? l->in.height : l->in.width;
        uint64_t padded = side + w->pad_before[a] + w->pad_after[a];
        uint64_t reach = (uint64_t)(w->kernel[a] - 1) * w->dilation[a] + 1;
        if (padded < reach)
            return nir_refuse(b, node, "its kernel is larger than its padded map",
                              "a smaller one");
        uint32_t outputs = (uint32_t)((padded - reach) / w->stride[a] + 1);
        *(a == 0 ? &l->out.height : &l->out.width) = outputs;
    }
    return ERR_NONE;
}

/* input_shape states the map once more. */
static enum err check_map(const struct nir_build *b, uint32_t node, uint32_t dims,
                          const struct shape *map)
{
    const struct nir_dataset *d = nir_field(b->graph, node, "input_shape");
    const double side[2] = { map->height, map->width };
    char what[160];

    if (!d || !d->number || d->n != dims)
        return ERR_NONE;
    for (uint32_t i = 0; i < dims; i++)
        if (d->number[i] != side[2 - dims + i]) {
            snprintf(what, sizeof what, "input_shape says %g, its map has %g", d->number[i],
                     side[2 - dims + i]);
            return nir_refuse(b, node, what, "the same");
        }
    return ERR_NONE;
}

enum err nir_take_conv(struct nir_build *b, uint32_t node, const struct nir_kind *self)
{
    const struct nir_dataset *w = NULL;
    struct nir_signal *from;
    uint32_t groups = 1;
    enum err e = spikes_read(b, node, &from);

    if (!e && from->flat)
        e = nir_refuse(b, node, "reads a vector", "a map");
    if (!e)
        e = read_weights(b, node, self->dims + 2, &w);
    if (!e)
        e = nir_wholes(b, node, "groups", 1, 1, 65536, 1, &groups);
    if (!e)
        e = check_map(b, node, self->dims, &from->shape);
    if (!e && (w->dim[1] * groups != from->shape.channels || w->dim[0] % groups != 0))
        e = nir_refuse(b, node, "its weights are for other channels or groups",
                       "weights of the channels that it reads");
    struct layer *l = e ? NULL : nir_add_layer(b, node, from);
    if (!l)
        return e ? e : nir_no_memory(b);
    l->kind = LAYER_CONV;
    l->groups = groups;
    l->out.channels = (uint32_t)w->dim[0];
    for (uint32_t i = 0; i < self->dims; i++)
        l->window.kernel[2 - self->dims + i] = (uint32_t)w->dim[2 + i];
    e = read_window(b, node, self->dims, &l->window);
    if (!e)
        e = find_output(b, node, l);
    if (!e)
        e = take_values(b, node, w, from, l);
    if (!e)
        hand_on(b, node, l);
    return e;
}

/* ---- vectors ---- */

enum err nir_take_linear(struct nir_build *b, uint32_t node, const struct nir_kind *self)
{
    const struct nir_dataset *w = NULL;
    struct nir_signal *from;
    char what[160];
    enum err e = spikes_read(b, node, &from);

    (void)self;
    if (!e)
        e = read_weights(b, node, 2, &w);
    if (e)
        return e;
    const struct shape *s = &from->shape;
    const uint64_t n = (uint64_t)s->height * s->width * s->channels;
    if (n > s->channels && !from->flat)
        return nir_refuse(b, node, "reads a map", "a Flatten in front of it");
    if (w->dim[1] != n) {
        snprintf(what, sizeof what, "weights of %" PRIu64 " inputs, it reads %" PRIu64,
                 w->dim[1], n);
        return nir_refuse(b, node, what, "as many");
    }
    struct layer *l = nir_add_layer(b, node, from);
    if (!l)
        return nir_no_memory(b);
    l->kind = LAYER_GEMM;
    l->window.kernel[0] = l->in.height;
    l->window.kernel[1] = l->in.width;
    l->out = (struct shape){ 1, 1, (uint32_t)w->dim[0] };
    e = take_values(b, node, w, from, l);
    if (!e)
        hand_on(b, node, l);
    return e;
}
