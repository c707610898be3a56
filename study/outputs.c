/* study/outputs.c -- see outputs.h. */
#include "study/outputs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "network/precision.h"
#include "network/values/values.h"
#include "onnx/float/graph.h"
#include "onnx/rewrite/model.h"
#include "study/values.h"

#define MOST_VALUES (UINT64_C(1) << 28) // of the host, an image
#define MOST_WORK   (UINT64_C(1) << 36)

struct output {
    uint32_t value; // of the graph
    uint32_t n_dim, dim[ONNX_MOST_DIMS]; // of one image
    bool     real;
    double  *data; // owned; of the images of a run
    size_t   n, room;
};

struct outputs {
    const struct network *network;
    struct onnx_model     model;
    struct onnx_graph     graph;
    struct values        *values; // owned, as the next three; made for the first run
    struct value_lanes   *lanes;
    int64_t              *result; // [VALUE_LANES][classes]
    uint32_t             *class_of; // [n_image]
    struct array         *value;  // owned; per value of the graph: of the present image
    bool                 *needed; // owned; per node: the host computes it
    struct output        *output; // owned
    uint32_t              n_output;
    size_t                n_image; // of the latest run
};

/* ---- What the host computes ---- */

static const struct network_end *end_of(const struct outputs *o, uint32_t value)
{
    for (uint32_t i = 0; i < o->network->n_end; i++)
        if (strcmp(o->network->end[i].value, o->graph.value[value].name) == 0)
            return &o->network->end[i];
    return NULL;
}

/* Nodes between what leaves the network and the file's outputs, and the values that they, and
 * these, are: wanted[n_value], of zeros. */
static void find_needed(struct outputs *o, bool *wanted)
{
    for (uint32_t i = 0; i < o->n_output; i++)
        wanted[o->output[i].value] = true;
    for (uint32_t i = o->graph.n_node; i-- > 0;) {
        const struct onnx_node *node = &o->graph.node[i];
        for (uint32_t k = 0; k < node->n_output; k++)
            o->needed[i] |= node->output[k] != ONNX_ABSENT && wanted[node->output[k]] &&
                            !end_of(o, node->output[k]);
        for (uint32_t k = 0; k < node->n_input && o->needed[i]; k++)
            if (node->input[k] != ONNX_ABSENT)
                wanted[node->input[k]] = true;
    }
}

static enum err read_constants(struct outputs *o, const bool *wanted, struct err_msg *m)
{
    for (uint32_t i = 0; i < o->graph.n_value; i++) {
        const struct onnx_value *v = &o->graph.value[i];
        struct onnx_tensor t;
        if (v->maker != ONNX_CONSTANT || !wanted[i])
            continue;
        enum err e = onnx_tensor_view(&t, o->graph.proto->initializer[v->index], m);
        if (e)
            return e;
        if (!array_from_tensor(&o->value[i], &t))
            return err_set(m, ERR_MEMORY, "no memory for a constant of %zu values", t.n);
    }
    return ERR_NONE;
}

enum err outputs_new(struct outputs **out, const struct network_cfg *cfg, const struct network *n,
                     struct err_msg *m)
{
    const struct network_onnx_cfg open = {cfg->input_shape, &cfg->axes, cfg->input_type,
                                          cfg->random_weights};
    struct outputs *o = calloc(1, sizeof *o);
    enum err e = o ? onnx_model_load(&o->model, cfg->onnx, &open, m)
                   : err_set(m, ERR_MEMORY, "no memory for outputs");

    *out = o;
    if (!e)
        e = onnx_graph_init(&o->graph, o->model.proto, 1, m);
    if (!e) {
        o->network = n;
        o->n_output = (uint32_t)o->graph.proto->n_output;
        o->value = calloc(o->graph.n_value + 1, sizeof *o->value);
        o->needed = calloc(o->graph.n_node + 1, sizeof *o->needed);
        o->output = calloc(o->n_output + 1, sizeof *o->output);
        e = o->value && o->needed && o->output ? ERR_NONE
                                               : err_set(m, ERR_MEMORY, "no memory for outputs");
    }
    for (uint32_t i = 0; !e && i < o->n_output; i++)
        o->output[i].value = onnx_graph_find(&o->graph, o->graph.proto->output[i]->name);
    bool *wanted = e ? NULL : calloc(o->graph.n_value + 1, sizeof *wanted);
    if (!e && !wanted)
        e = err_set(m, ERR_MEMORY, "no memory for outputs");
    if (!e) {
        find_needed(o, wanted);
        e = read_constants(o, wanted, m);
    }
    free(wanted);
    if (e) {
        outputs_free(o);
        *out = NULL;
    }
    return e;
}

void outputs_free(struct outputs *o)
{
    if (!o)
        return;
    for (uint32_t i = 0; o->value && i < o->graph.n_value; i++)
        array_release(&o->value[i]);
    for (uint32_t i = 0; o->output && i < o->n_output; i++)
        free(o->output[i].data);
    free(o->value);
    free(o->needed);
    free(o->output);
    value_lanes_free(o->lanes);
    values_free(o->values);
    free(o->result);
    free(o->class_of);
    onnx_graph_release(&o->graph);
    onnx_model_release(&o->model);
    free(o);
}

/* ---- One image ---- */

/* The file's type of what a layer delivers, as integers. */
static int32_t type_of(const struct layer *l)
{
    if (layer_value_bits(l) > 8)
        return l->out_signed ? ONNX__TENSOR_PROTO__DATA_TYPE__INT16
                             : ONNX__TENSOR_PROTO__DATA_TYPE__UINT16;
    return l->out_signed ? ONNX__TENSOR_PROTO__DATA_TYPE__INT8
                         : ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
}

/* Where value i of an end stands in what its layer delivers, [column][row][channel]. */
static size_t place_of(const struct network_end *e, const struct shape *s, size_t i)
{
    const size_t pixels = (size_t)s->height * s->width;

    if (e->place)
        return e->place[i];
    const size_t pixel = e->channels_last ? i / s->channels : i % pixels;
    const size_t channel = e->channels_last ? i % s->channels : i / pixels;
    return (pixel % s->width * s->height + pixel / s->width) * s->channels + channel;
}

/* An end of an image in the order of the file. */
static enum err take_end(struct outputs *o, const struct network_end *e, uint32_t lane,
                         struct err_msg *m)
{
    const struct layer *l = &o->network->layer[e->layer];
    const struct shape s = layer_delivers(l);
    struct array *a = &o->value[onnx_graph_find(&o->graph, e->value)];
    int32_t type = e->real ? ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT : type_of(l);

    array_release(a);
    if (!array_init(a, type, e->n_dim, e->dim))
        return err_set(m, ERR_MEMORY, "no memory for a result");
    for (size_t i = 0; i < a->n; i++) {
        const int64_t q = value_lanes_delivered(o->lanes, e->layer, place_of(e, &s, i), lane);
        if (e->real)
            a->real[i] = (float)(q - l->out_zero) * (float)l->out_scale;
        else
            a->integer[i] = q;
    }
    return ERR_NONE;
}

static enum err evaluate(struct outputs *o, uint32_t i, uint64_t *values, uint64_t *work,
                         struct err_msg *m)
{
    const struct onnx_node *node = &o->graph.node[i];
    const struct array **in = calloc(node->n_input + 1, sizeof *in);
    struct array out = {0};
    enum err e = in ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for a node");

    for (uint32_t k = 0; k < node->n_input && !e; k++) {
        in[k] = node->input[k] == ONNX_ABSENT ? NULL : &o->value[node->input[k]];
        if (in[k] && !in[k]->real && !in[k]->integer)
            e = onnx_node_refuse(node, m, "input %" PRIu32 " is the second output of a node: want "
                                 "the first", k);
    }
    if (!e)
        e = float_eval(&(struct float_eval){.node = node, .opset = o->graph.opset, .in = in,
                                            .values_left = values, .work_left = work}, &out, m);
    if (!e) {
        array_release(&o->value[node->output[0]]);
        o->value[node->output[0]] = out;
    }
    free(in);
    return e;
}

/* Appends an image's value to an output. */
static enum err keep(struct outputs *o, struct output *out, struct err_msg *m)
{
    const struct array *a = &o->value[out->value];

    if (!a->real && !a->integer)
        return err_set(m, ERR_INPUT, "graph output \"%.100s\" is the second of its node: want the "
                       "first", o->graph.value[out->value].name);
    if (out->n + a->n > out->room) {
        size_t room = 2 * (out->n + a->n);
        double *longer = realloc(out->data, room * sizeof *longer);
        if (!longer)
            return err_set(m, ERR_MEMORY, "no memory for outputs");
        out->data = longer;
        out->room = room;
    }
    out->real = a->real != NULL;
    out->n_dim = a->n_dim;
    memcpy(out->dim, a->dim, sizeof out->dim);
    for (size_t i = 0; i < a->n; i++)
        out->data[out->n++] = array_get(a, i);
    return ERR_NONE;
}

/* The outputs of a lane's image, one more. */
static enum err take_image(struct outputs *o, uint32_t lane, struct err_msg *m)
{
    uint64_t values = MOST_VALUES, work = MOST_WORK;
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < o->network->n_end && !e; i++)
        e = take_end(o, &o->network->end[i], lane, m);
    for (uint32_t i = 0; i < o->graph.n_node && !e; i++)
        if (o->needed[i])
            e = evaluate(o, i, &values, &work, m);
    for (uint32_t i = 0; i < o->n_output && !e; i++)
        e = keep(o, &o->output[i], m);
    return e;
}

/* ---- A run ---- */

static uint32_t n_classes(const struct outputs *o)
{
    return layer_delivers(network_result(o->network)).channels;
}

static bool prepare(struct outputs *o, size_t n)
{
    if (!o->values)
        o->values = values_new_ends(o->network, NULL);
    if (o->values && !o->lanes)
        o->lanes = value_lanes_new(o->values);
    if (!o->result)
        o->result = calloc((size_t)VALUE_LANES * n_classes(o), sizeof *o->result);
    free(o->class_of);
    o->class_of = calloc(n, sizeof *o->class_of);
    return o->values && o->lanes && o->result && o->class_of;
}

enum err outputs_run(struct outputs *o, const uint8_t *image, size_t n, struct err_msg *m)
{
    enum err e = prepare(o, n) ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for outputs");
    const uint32_t together = e ? 1 : values_together(o->values), classes = n_classes(o);

    for (uint32_t i = 0; i < o->n_output; i++)
        o->output[i].n = 0;
    o->n_image = n;
    for (size_t i = 0; i < n && !e; i += together) {
        const uint32_t lanes = (uint32_t)min_u64(together, n - i);
        value_lanes_run(o->lanes, image + i * values_image_bytes(o->values), lanes, o->result,
                        NULL);
        for (uint32_t k = 0; k < lanes && !e; k++) {
            o->class_of[i + k] = largest_value(o->result + k * (size_t)classes, classes);
            e = take_image(o, k, m);
        }
    }
    return e;
}

uint32_t outputs_class(const struct outputs *o, size_t image)
{
    return o->class_of[image];
}

uint32_t outputs_count(const struct outputs *o)
{
    return o->n_output;
}

const char *outputs_name(const struct outputs *o, uint32_t i)
{
    return o->graph.value[o->output[i].value].name;
}

const double *outputs_values(const struct outputs *o, uint32_t i, size_t *n)
{
    *n = o->output[i].n;
    return o->output[i].data;
}

void outputs_shape(const struct outputs *o, uint32_t i, struct npy *a)
{
    const struct output *out = &o->output[i];

    *a = (struct npy){ .type = out->real ? NPY_FLOAT32 : NPY_INT64, .n_dim = out->n_dim,
                       .n = out->n / o->n_image };
    memcpy(a->dim, out->dim, sizeof a->dim);
    if (a->n_dim == 0)
        a->dim[a->n_dim++] = 1;
}
