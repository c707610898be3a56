/* study/outputs.c -- see outputs.h. */
#include "study/outputs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "network/float/graph.h"
#include "network/onnx/read.h"
#include "network/precision.h"
#include "network/values/plain.h"
#include "traces/npy.h"

#define MOST_VALUES (UINT64_C(1) << 28) // of the host, an image
#define MOST_WORK   (UINT64_C(1) << 36)

struct output {
    uint32_t value; // of the graph
    uint32_t n_dim, dim[ONNX_MOST_DIMS]; // of one image
    bool     real;
    double  *data; // owned; of all images
    size_t   n, room;
};

struct outputs {
    const struct network *network;
    struct onnx_model     model;
    struct onnx_graph     graph;
    struct plain         *plain;
    struct array         *value;  // owned; per value of the graph: of the present image
    bool                 *needed; // owned; per node: the host computes it
    struct output        *output; // owned
    uint32_t              n_output, n_image;
};

/* ---- What the host computes ---- */

static const struct network_end *end_of(const struct outputs *o, uint32_t value)
{
    for (uint32_t i = 0; i < o->network->n_end; i++)
        if (strcmp(o->network->end[i].value, o->graph.value[value].name) == 0)
            return &o->network->end[i];
    return NULL;
}

/* Nodes between what leaves the network and the file's outputs. */
static bool find_needed(struct outputs *o)
{
    bool *wanted = calloc(o->graph.n_value + 1, sizeof *wanted);

    if (!wanted)
        return false;
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
    free(wanted);
    return true;
}

static enum err read_constants(struct outputs *o, struct err_msg *m)
{
    for (uint32_t i = 0; i < o->graph.n_value; i++) {
        const struct onnx_value *v = &o->graph.value[i];
        struct onnx_tensor t;
        if (v->maker != ONNX_CONSTANT || v->n_reader == 0)
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
    if (!e && !find_needed(o))
        e = err_set(m, ERR_MEMORY, "no memory for outputs");
    if (!e)
        e = read_constants(o, m);
    if (!e && !(o->plain = plain_new(n)))
        e = err_set(m, ERR_MEMORY, "no memory for outputs");
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
    plain_free(o->plain);
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

/* An end in the order of the file. */
static enum err take_end(struct outputs *o, const struct network_end *e, struct err_msg *m)
{
    const struct layer *l = &o->network->layer[e->layer];
    const struct shape s = layer_delivers(l);
    struct array *a = &o->value[onnx_graph_find(&o->graph, e->value)];
    int32_t type = e->real ? ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT : type_of(l);

    array_release(a);
    if (!array_init(a, type, e->n_dim, e->dim))
        return err_set(m, ERR_MEMORY, "no memory for a result");
    for (size_t column = 0; column < s.width; column++)
        for (size_t row = 0; row < s.height; row++)
            for (size_t c = 0; c < s.channels; c++) {
                size_t to = e->channels_last ? (row * s.width + column) * s.channels + c
                                             : (c * s.height + row) * s.width + column;
                int64_t q = plain_delivered(o->plain, e->layer,
                                            (column * s.height + row) * s.channels + c);
                if (e->real)
                    a->real[to] = (float)(q - l->out_zero) * (float)l->out_scale;
                else
                    a->integer[to] = q;
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

enum err outputs_add(struct outputs *o, const uint8_t *image, struct err_msg *m)
{
    uint64_t values = MOST_VALUES, work = MOST_WORK;
    enum err e = ERR_NONE;

    plain_run(o->plain, image, NULL);
    for (uint32_t i = 0; i < o->network->n_end && !e; i++)
        e = take_end(o, &o->network->end[i], m);
    for (uint32_t i = 0; i < o->graph.n_node && !e; i++)
        if (o->needed[i])
            e = evaluate(o, i, &values, &work, m);
    for (uint32_t i = 0; i < o->n_output && !e; i++)
        e = keep(o, &o->output[i], m);
    o->n_image += !e;
    return e;
}

/* ---- All ---- */

uint32_t outputs_class(const struct outputs *o)
{
    return plain_class(o->plain);
}

uint32_t outputs_count(const struct outputs *o)
{
    return o->n_output;
}

const double *outputs_values(const struct outputs *o, uint32_t i, size_t *n)
{
    *n = o->output[i].n;
    return o->output[i].data;
}

/* As float32, or as int64 what are integers. The array is the caller's. */
static bool as_array(const struct outputs *o, const struct output *out, struct npy *a)
{
    size_t size = out->real ? sizeof(float) : sizeof(int64_t);

    *a = (struct npy){.type = out->real ? NPY_FLOAT32 : NPY_INT64, .n_dim = out->n_dim, .n = out->n,
                      .data = malloc(out->n * size + 1)};
    memcpy(a->dim, out->dim, sizeof a->dim);
    if (a->n_dim == 0)
        a->dim[a->n_dim++] = 1;
    a->dim[0] *= o->n_image;
    for (size_t i = 0; a->data && i < out->n; i++) {
        float f = (float)out->data[i];
        int64_t v = (int64_t)out->data[i];
        memcpy(a->data + i * size, out->real ? (const void *)&f : (const void *)&v, size);
    }
    return a->data != NULL;
}

enum err outputs_write(const struct outputs *o, FILE *out, struct err_msg *m)
{
    struct npz_member *member = calloc(o->n_output + 1, sizeof *member);
    enum err e = member ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for outputs");

    for (uint32_t i = 0; i < o->n_output && !e; i++) {
        member[i].name = o->graph.value[o->output[i].value].name;
        if (!as_array(o, &o->output[i], &member[i].array))
            e = err_set(m, ERR_MEMORY, "no memory for outputs");
    }
    if (!e)
        e = npz_write(out, member, o->n_output, m);
    for (uint32_t i = 0; member && i < o->n_output; i++)
        npy_release(&member[i].array);
    free(member);
    return e;
}
