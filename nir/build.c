/* nir/build.c -- see build.h. */
#include "nir/build.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct nir_kind nir_kinds[] = {
    { .type = "Input", .take = nir_take_input },
    { .type = "Output", .take = nir_take_output },
    { .type = "Flatten", .take = nir_take_flatten },
    { .type = "SumPool2d", .take = nir_take_pool },
    { .type = "AvgPool2d", .take = nir_take_pool },
    { .type = "Scale", .take = nir_take_scale },
    { .type = "Delay", .take = nir_take_delay },
    { .type = "Conv1d", .take = nir_take_conv, .dims = 1 },
    { .type = "Conv2d", .take = nir_take_conv, .dims = 2 },
    { .type = "Linear", .take = nir_take_linear },
    { .type = "Affine", .take = nir_take_linear },
    { .type = "IF", .take = nir_take_neuron, .fires = true },
    { .type = "LIF", .take = nir_take_neuron, .leaks = true, .fires = true },
    { .type = "CubaLIF", .take = nir_take_neuron, .leaks = true, .synapse = true, .fires = true },
    { .type = "I", .take = nir_take_neuron },
    { .type = "LI", .take = nir_take_neuron, .leaks = true },
    { .type = "CubaLI", .take = nir_take_neuron, .leaks = true, .synapse = true },
    { .type = "Threshold", .take = nir_take_threshold },
    { 0 }
};

enum err nir_refuse(const struct nir_build *b, uint32_t node, const char *what, const char *cure)
{
    const struct nir_node *n = &b->graph->node[node];

    return err_set(b->msg, ERR_INPUT, "node %.100s (%.40s): %s: want %s", n->name, n->type, what,
                   cure);
}

enum err nir_no_memory(const struct nir_build *b)
{
    return err_set(b->msg, ERR_MEMORY, "no memory for the network");
}

enum err nir_one_source(const struct nir_build *b, uint32_t node, struct nir_signal **from)
{
    const struct nir_node *n = &b->graph->node[node];

    if (n->n_from != 1)
        return nir_refuse(b, node, n->n_from == 0 ? "reads no node" : "reads several nodes",
                          "one, or a sum in front of a neuron");
    *from = &b->signal[n->from[0]];
    return ERR_NONE;
}

enum err nir_wholes(const struct nir_build *b, uint32_t node, const char *name, uint32_t n,
                    int64_t least, int64_t most, int64_t otherwise, uint32_t *v)
{
    const struct nir_dataset *d = nir_field(b->graph, node, name);
    char what[160];

    for (uint32_t i = 0; !d && otherwise >= 0 && i < n; i++)
        v[i] = (uint32_t)otherwise;
    if (!d && otherwise >= 0)
        return ERR_NONE;
    if (!d || !d->number || (d->n != 1 && d->n != n)) {
        snprintf(what, sizeof what, "field %s has not %" PRIu32 " numbers", name, n);
        return nir_refuse(b, node, what, "a file that nir.write() wrote");
    }
    for (uint32_t i = 0; i < n; i++) {
        double x = d->number[d->n == 1 ? 0 : i];
        if (!(x >= (double)least && x <= (double)most && x == floor(x))) {
            snprintf(what, sizeof what, "%s = %g: is no whole number of %" PRId64 " to %" PRId64,
                     name, x, least, most);
            return nir_refuse(b, node, what, "one");
        }
        v[i] = (uint32_t)x;
    }
    return ERR_NONE;
}

static size_t values_of(struct shape s)
{
    return (size_t)s.height * s.width * s.channels;
}

/* Value of output i of channel o, in the file's order: channel by channel. */
static double value_of(const struct nir_dataset *d, struct shape s, uint32_t o, size_t i)
{
    if (d->n == 1)
        return d->number[0];
    return d->n == s.channels ? d->number[o] : d->number[o * (values_of(s) / s.channels) + i];
}

enum err nir_parameter(const struct nir_build *b, uint32_t node, const char *name,
                       struct shape shape, double otherwise, double *v)
{
    const struct nir_dataset *d = nir_field(b->graph, node, name);
    const size_t pixels = (size_t)shape.height * shape.width;
    char what[160];

    for (uint32_t o = 0; !d && !isnan(otherwise) && o < shape.channels; o++)
        v[o] = otherwise;
    if (!d && !isnan(otherwise))
        return ERR_NONE;
    if (!d || !d->number ||
        (d->n != 1 && d->n != shape.channels && d->n != values_of(shape))) {
        snprintf(what, sizeof what, "field %s has %zu numbers for %zu neurons of %" PRIu32
                 " channels", name, d && d->number ? d->n : 0, values_of(shape), shape.channels);
        return nir_refuse(b, node, what, "one, or one for each channel or neuron");
    }
    for (uint32_t o = 0; o < shape.channels; o++) {
        v[o] = value_of(d, shape, o, 0);
        if (!isfinite(v[o])) {
            snprintf(what, sizeof what, "%s of channel %" PRIu32 " is %g", name, o, v[o]);
            return nir_refuse(b, node, what, "a finite number");
        }
        for (size_t i = 1; i < pixels; i++)
            if (value_of(d, shape, o, i) != v[o]) {
                snprintf(what, sizeof what, "%s differs within channel %" PRIu32, name, o);
                return nir_refuse(b, node, what, "one value for all neurons of a channel, which "
                                  "share their digital processor's constants");
            }
    }
    return ERR_NONE;
}

/* ---- layers ---- */

/* "conv2d_0" of a Conv2d called 0; its own name where that is one. */
static char *name_of(const struct nir_build *b, uint32_t node)
{
    const struct nir_node *n = &b->graph->node[node];
    char text[NIR_MOST_TYPE + NIR_MOST_PATH + 16], *at = text;

    if (isalpha((unsigned char)n->name[0]))
        snprintf(text, sizeof text, "%s", n->name);
    else
        snprintf(text, sizeof text, "%s_%s", n->type, n->name);
    for (; *at; at++)
        *at = isalnum((unsigned char)*at) || *at == '-' ? (char)tolower((unsigned char)*at) : '_';
    for (uint32_t i = 0; i < b->network->n_layer; i++)
        if (strcmp(b->network->layer[i].name, text) == 0) {
            snprintf(at, sizeof text - (size_t)(at - text), "_%" PRIu32, b->network->n_layer);
            break;
        }
    return strdup(text);
}

struct layer *nir_add_layer(struct nir_build *b, uint32_t node, const struct nir_signal *from)
{
    struct network *n = b->network;
    struct layer *l = &n->layer[n->n_layer];

    *l = (struct layer){ .name = name_of(b, node), .n_input = from ? 1 : 0, .groups = 1,
                         .window = { .kernel = { 1, 1 }, .stride = { 1, 1 },
                                     .dilation = { 1, 1 } },
                         .value_bits = 1 };
    n->n_layer++;
    if (from) {
        l->input = malloc(sizeof *l->input);
        l->in = layer_delivers(&n->layer[from->layer]);
    }
    if (l->input)
        l->input[0] = from->layer;
    return l->name && (l->input || !from) ? l : NULL;
}

bool nir_state_rounding(struct layer *l)
{
    struct requant *q = &l->requant;
    const uint32_t n = layer_n_scale(l);

    q->m = calloc(n, sizeof *q->m);
    q->b = calloc(n, sizeof *q->b);
    q->shift = calloc(n, sizeof *q->shift);
    q->mr = l->has_residual ? calloc(n, sizeof *q->mr) : NULL;
    return q->m && q->b && q->shift && (q->mr || !l->has_residual);
}

enum err nir_pass(struct nir_build *b, uint32_t node, const struct nir_signal *from)
{
    struct nir_signal *to = &b->signal[node];
    const size_t n = from->shape.channels;

    *to = *from;
    to->factor = from->factor ? malloc(n * sizeof *to->factor) : NULL;
    if (to->factor)
        memcpy(to->factor, from->factor, n * sizeof *to->factor);
    return from->factor && !to->factor ? nir_no_memory(b) : ERR_NONE;
}

/* ---- all of it ---- */

static enum err take(struct nir_build *b, uint32_t node)
{
    const struct nir_node *n = &b->graph->node[node];
    const struct nir_kind *k = nir_kinds;

    while (k->type && strcmp(k->type, n->type) != 0)
        k++;
    if (!k->type)
        return nir_refuse(b, node, "its type is not read",
                          "Input, Output, Conv1d, Conv2d, Linear, Affine, Scale, Flatten, "
                          "SumPool2d, AvgPool2d, Delay, IF, LIF, CubaLIF, I, LI, CubaLI or "
                          "Threshold");
    for (uint32_t i = 0; i < n->n_from; i++)
        if (!b->signal[n->from[i]].is_there)
            return nir_refuse(b, node, "reads an Output", "a node that computes");
    enum err e = k->take(b, node, k);
    if (!e)
        b->signal[node].is_there = b->signal[node].shape.channels > 0;
    return e;
}

static enum err begin(struct nir_build *b, const char *name)
{
    const uint32_t n = b->graph->n_node + 1;

    *b->network = (struct network){ .name = strdup(name), .has_values = true,
                                    .layer = calloc(n, sizeof *b->network->layer) };
    b->signal = calloc(n, sizeof *b->signal);
    b->real = calloc(n, sizeof *b->real);
    return b->network->name && b->network->layer && b->signal && b->real ? ERR_NONE
                                                                         : nir_no_memory(b);
}

static void end(struct nir_build *b)
{
    for (uint32_t i = 0; b->signal && i < b->graph->n_node; i++)
        free(b->signal[i].factor);
    for (uint32_t i = 0; b->real && i < b->graph->n_node; i++) {
        free(b->real[i].weight);
        free(b->real[i].bias);
    }
    free(b->signal);
    free(b->real);
}

static enum err check_result(const struct nir_build *b)
{
    const struct network *n = b->network;

    if (n->n_layer < 2 || !n->layer[n->n_layer - 1].neuron)
        return err_set(b->msg, ERR_INPUT, "the graph's Output is not the last that computes: want "
                       "one Input, one Output and neurons between them");
    return ERR_NONE;
}

enum err nir_network(struct network *n, const char *name, const struct nir_graph *g,
                     const struct nir_cfg *cfg, struct err_msg *m)
{
    struct nir_build b = { .graph = g, .cfg = cfg, .network = n, .msg = m };
    enum err e = begin(&b, name);

    for (uint32_t i = 0; i < g->n_node && !e; i++)
        e = take(&b, i);
    if (!e)
        e = check_result(&b);
    end(&b);
    if (e)
        network_release(n);
    return e;
}
