/* dataflow/import.c -- what of a float graph becomes what of a quantised one; see import.h.
 *
 * Nodes are visited once, in order. A value is a draft as long as a core's digital processor may do
 * more to it before it is rounded; reading it as a map rounds it.
 */
#include "dataflow/import.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct walk { // of the node being visited
    struct import          *im;
    const struct float_run *sample;
    const struct onnx_node *node;
    struct err_msg         *msg;
};

#define REFUSE(w, ...) onnx_node_refuse((w)->node, (w)->msg, __VA_ARGS__)

static enum err no_memory(const struct walk *w)
{
    return err_set(w->msg, ERR_MEMORY, "no memory for an import");
}

/* ---- Values ---- */

static struct import_value *source_of(const struct walk *w, uint32_t i)
{
    return &w->im->value[w->im->value[w->node->input[i]].source];
}

static uint32_t index_of(const struct walk *w, const struct import_value *v)
{
    return (uint32_t)(v - w->im->value);
}

static const struct array *shape_of(const struct walk *w, uint32_t value)
{
    return &w->sample->value[value];
}

/* A constant of floats; NULL when it is none. */
static const struct array *constant(const struct walk *w, uint32_t i)
{
    if (i >= w->node->n_input || w->node->input[i] == ONNX_ABSENT)
        return NULL;
    const struct array *a = &w->im->graph->constant[w->node->input[i]];
    return a->real ? a : NULL;
}

static enum err round_value(const struct walk *w, struct import_value *v)
{
    if (!v->draft)
        return ERR_NONE;
    v->draft = false;
    v->rounded = true;
    v->seen = calloc(IMPORT_BINS, sizeof *v->seen);
    return v->seen ? ERR_NONE : no_memory(w);
}

/* Input i as a map that is rounded. */
static enum err take_map(const struct walk *w, uint32_t i, struct import_value **v)
{
    *v = source_of(w, i);
    if (!(*v)->known)
        return REFUSE(w, "input %" PRIu32 " is not a map of the network: want one made by the "
                      "nodes before", i);
    return round_value(w, *v);
}

/* Whether sums are still open: a residual or bias may join them. */
static bool is_open(const struct import_value *v)
{
    return v->draft && v->maker != ONNX_ABSENT && !v->summed && !v->cut && v->n_reader == 1;
}

/* The node's output takes the place of draft v. */
static struct import_value *replace(const struct walk *w, struct import_value *v)
{
    uint32_t out = w->node->output[0];
    struct import_value *new = &w->im->value[out], old = *v;

    old.source = out;
    old.n_reader = new->n_reader;
    *v = (struct import_value){.source = v->source};
    *new = old;
    return new;
}

static struct import_node *add_node(const struct walk *w, enum import_kind kind,
                                    const struct import_value *a, const struct import_value *b)
{
    struct import_node *n = &w->im->node[w->im->n_node++];

    *n = (struct import_node){.kind = kind, .node = w->node,
                              .in = {index_of(w, a), b ? index_of(w, b) : ONNX_ABSENT},
                              .out = w->node->output[0]};
    return n;
}

static struct import_value *new_value(const struct walk *w)
{
    struct import_value *v = &w->im->value[w->node->output[0]];

    v->known = true;
    return v;
}

/* ---- Conv, Gemm, MatMul ---- */

static enum err start_affine(const struct walk *w, struct import_node *n, uint32_t outputs)
{
    struct import_value *v = new_value(w);

    v->draft = true;
    v->maker = (uint32_t)(n - w->im->node);
    n->bias = calloc(outputs, sizeof *n->bias);
    return n->bias ? ERR_NONE : no_memory(w);
}

static enum err take_bias(const struct walk *w, struct import_node *n, double beta)
{
    const struct array *bias = constant(w, 2);
    uint32_t outputs = n->weight.dim[0];

    if (w->node->n_input < 3 || w->node->input[2] == ONNX_ABSENT)
        return ERR_NONE;
    if (!bias || (bias->n != outputs && bias->n != 1))
        return REFUSE(w, "its bias is not %" PRIu32 " constants: want one for each output",
                      outputs);
    for (uint32_t o = 0; o < outputs; o++)
        n->bias[o] = (float)(beta * (double)bias->real[bias->n == 1 ? 0 : o]);
    return ERR_NONE;
}

static enum err visit_conv(const struct walk *w)
{
    const struct array *weight = constant(w, 1);
    struct import_value *x;

    if (!weight || weight->n_dim != 4 || weight->n == 0)
        return REFUSE(w, "its weights are not constant or not of two dimensions: want outputs x "
                      "channels x rows x columns");
    enum err e = take_map(w, 0, &x);
    if (e)
        return e;
    struct import_node *n = add_node(w, IMPORT_CONV, x, NULL);
    if (!array_init(&n->weight, weight->type, weight->n_dim, weight->dim))
        return no_memory(w);
    memcpy(n->weight.real, weight->real, weight->n * sizeof *weight->real);
    e = start_affine(w, n, weight->dim[0]);
    return e ? e : take_bias(w, n, 1);
}

/* x times a constant matrix, kept as outputs x inputs. */
static enum err product(const struct walk *w, bool trans_b, double alpha, double beta)
{
    const struct array *b = constant(w, 1);
    struct import_value *x;

    if (!b || b->n_dim != 2 || b->n == 0 || shape_of(w, w->node->input[0])->n_dim != 2)
        return REFUSE(w, "its second factor is not a constant matrix, or its first not of two "
                      "dimensions: want a flattened map times weights");
    enum err e = take_map(w, 0, &x);
    if (e)
        return e;
    struct import_node *n = add_node(w, IMPORT_GEMM, x, NULL);
    const uint32_t dim[] = {b->dim[trans_b ? 0 : 1], b->dim[trans_b ? 1 : 0]};
    if (!array_init(&n->weight, b->type, 2, dim))
        return no_memory(w);
    for (size_t o = 0; o < dim[0]; o++)
        for (size_t i = 0; i < dim[1]; i++)
            n->weight.real[o * dim[1] + i] =
                (float)alpha * b->real[trans_b ? o * dim[1] + i : i * dim[0] + o];
    e = start_affine(w, n, dim[0]);
    return e ? e : take_bias(w, n, beta);
}

static enum err visit_gemm(const struct walk *w)
{
    double alpha = 1, beta = 1;
    int64_t trans_a = 0, trans_b = 0;
    enum err e = onnx_attr_float(w->node, "alpha", &alpha, w->msg);

    if (!e)
        e = onnx_attr_float(w->node, "beta", &beta, w->msg);
    if (!e)
        e = onnx_attr_int(w->node, "transA", &trans_a, w->msg);
    if (!e)
        e = onnx_attr_int(w->node, "transB", &trans_b, w->msg);
    if (!e && trans_a)
        e = REFUSE(w, "transA is %" PRId64 ": want 0", trans_a);
    return e ? e : product(w, trans_b, alpha, beta);
}

static enum err visit_matmul(const struct walk *w)
{
    return product(w, false, 1, 1);
}

/* ---- What is folded into them ---- */

/* Output o becomes output * factor + offset. */
static void fold(struct import_node *n, uint32_t o, double factor, double offset)
{
    size_t rows = n->weight.n / n->weight.dim[0];

    for (size_t i = 0; i < rows; i++)
        n->weight.real[o * rows + i] = (float)((double)n->weight.real[o * rows + i] * factor);
    n->bias[o] = (float)((double)n->bias[o] * factor + offset);
}

static void continue_draft(const struct walk *w, struct import_value *x)
{
    struct import_value *v = replace(w, x);

    w->im->node[v->maker].out = index_of(w, v);
}

static enum err visit_batch_normalization(const struct walk *w)
{
    struct import_value *x = source_of(w, 0);
    double epsilon = 1e-5;
    enum err e = onnx_attr_float(w->node, "epsilon", &epsilon, w->msg);

    if (!e && !is_open(x))
        e = REFUSE(w, "does not follow a Conv or Gemm that only it reads: want one to fold it "
                   "into");
    for (uint32_t i = 1; i < 5 && !e; i++)
        if (!constant(w, i))
            e = REFUSE(w, "input %" PRIu32 " is not constant: want a model for inference", i);
    if (e)
        return e;
    struct import_node *n = &w->im->node[x->maker];
    for (uint32_t o = 0; o < n->weight.dim[0]; o++) {
        double factor = (double)constant(w, 1)->real[o] /
                        sqrt((double)constant(w, 4)->real[o] + epsilon);
        fold(n, o, factor,
             (double)constant(w, 2)->real[o] - (double)constant(w, 3)->real[o] * factor);
    }
    continue_draft(w, x);
    return ERR_NONE;
}

/* A constant for each output: it lies along axis 1 of the sum's shape. */
static enum err add_constant(const struct walk *w, struct import_value *x, const struct array *c)
{
    const struct array *sum = shape_of(w, w->node->output[0]);

    if (!is_open(x))
        return REFUSE(w, "adds constants to what no Conv or Gemm has just made: want a bias");
    struct import_node *n = &w->im->node[x->maker];
    uint32_t outputs = n->weight.dim[0], behind = sum->n_dim - 2;
    bool along = c->n_dim > behind && c->dim[c->n_dim - 1 - behind] == outputs;
    if (c->n != 1 && (c->n != outputs || !along))
        return REFUSE(w, "adds %zu constants: want %" PRIu32 ", one for each output", c->n,
                      outputs);
    for (uint32_t o = 0; o < outputs; o++)
        fold(n, o, 1, (double)c->real[c->n == 1 ? 0 : o]);
    continue_draft(w, x);
    return ERR_NONE;
}

/* ---- Add, Relu, pooling, layout ---- */

static enum err visit_add(const struct walk *w)
{
    struct import_value *a = source_of(w, 0), *b = source_of(w, 1);

    if (constant(w, 0) || constant(w, 1))
        return add_constant(w, constant(w, 0) ? b : a, constant(w, constant(w, 0) ? 0 : 1));
    if (!a->known || !b->known ||
        !array_same_shape(shape_of(w, index_of(w, a)), shape_of(w, index_of(w, b))))
        return REFUSE(w, "adds maps of different shapes: want the same");
    struct import_value *sum = is_open(a) ? a : b, *residual = sum == a ? b : a;
    if (!is_open(sum))
        return REFUSE(w, "adds two maps of which none comes straight from a Conv that only it "
                      "reads: want one that does");
    enum err e = round_value(w, residual);
    if (e)
        return e;
    add_node(w, IMPORT_ADD, sum, residual);
    replace(w, sum)->summed = true;
    return ERR_NONE;
}

static enum err cut(const struct walk *w)
{
    struct import_value *x = source_of(w, 0);

    if (!x->draft || x->cut || x->n_reader != 1)
        return REFUSE(w, "does not follow a Conv, Gemm, Add or pooling that only it reads: want "
                      "one");
    add_node(w, IMPORT_RELU, x, NULL);
    struct import_value *v = replace(w, x);
    v->positive |= v->maker != ONNX_ABSENT; // a mean keeps the type of its map
    v->cut = true;
    return ERR_NONE;
}

static enum err visit_relu(const struct walk *w)
{
    return cut(w);
}

/* From 0 to a bound: Relu, as bytes whose scale comes from clipped values end at the bound or
 * below. A scale rounded up would not. */
static enum err visit_clip(const struct walk *w)
{
    double low = -INFINITY, high = INFINITY;
    enum err e = onnx_attr_float(w->node, "min", &low, w->msg);

    if (!e)
        e = onnx_attr_float(w->node, "max", &high, w->msg);
    if (e)
        return e;
    if (constant(w, 1))
        low = (double)constant(w, 1)->real[0]; // one value: it has been evaluated
    if (constant(w, 2))
        high = (double)constant(w, 2)->real[0];
    if (low != 0 || !(high > 0) || w->im->cfg.power_of_two ||
        source_of(w, 0)->maker == ONNX_ABSENT)
        return REFUSE(w, "clips to %g .. %g: want 0 to a positive bound, behind a Conv or Gemm, "
                      "and free scales of activations", low, high);
    return cut(w);
}

/* Mean over rows and columns; flat: which are gone then. */
static enum err visit_pool(const struct walk *w)
{
    const struct array *in = shape_of(w, w->node->input[0]);
    const struct array *out = shape_of(w, w->node->output[0]);
    struct import_value *x;
    enum err e = take_map(w, 0, &x);

    if (e)
        return e;
    bool flat = out->n_dim == 2;
    if (in->n_dim != 4 || out->n != in->dim[1] || (!flat && out->n_dim != 4) ||
        out->dim[1] != in->dim[1])
        return REFUSE(w, "does not average whole maps: want the mean over rows and columns");
    if (x->maker == ONNX_ABSENT || x->n_reader != 1)
        return REFUSE(w, "averages what no Conv has made or others read, too: want it to be the "
                      "only reader of a Conv's result");
    add_node(w, IMPORT_POOL, x, NULL)->flat = flat;
    struct import_value *v = new_value(w);
    v->draft = true;
    v->positive = x->positive;
    return ERR_NONE;
}

/* Another name, or all but the batch made one dimension. */
static enum err visit_layout(const struct walk *w)
{
    const struct array *in = shape_of(w, w->node->input[0]);
    const struct array *out = shape_of(w, w->node->output[0]);
    struct import_value *x = source_of(w, 0), *v = &w->im->value[w->node->output[0]];

    if (x->known && array_same_shape(in, out)) {
        v->source = index_of(w, x);
        x->n_reader += v->n_reader - 1;
        return ERR_NONE;
    }
    if (out->n_dim != 2 || out->dim[0] != in->dim[0])
        return REFUSE(w, "changes a shape otherwise than Flatten does: want all dimensions but the "
                      "batch made one");
    enum err e = take_map(w, 0, &x);
    if (e)
        return e;
    add_node(w, IMPORT_FLATTEN, x, NULL);
    new_value(w);
    return ERR_NONE;
}

/* ---- The graph ---- */

static const struct {
    const char *op;
    enum err  (*visit)(const struct walk *w);
} visits[] = {
    {"Add",       visit_add},
    {"BatchNormalization", visit_batch_normalization},
    {"Clip",      visit_clip},
    {"Conv",      visit_conv},
    {"Dropout",   visit_layout},
    {"Flatten",   visit_layout},
    {"Gemm",      visit_gemm},
    {"GlobalAveragePool",  visit_pool},
    {"Identity",  visit_layout},
    {"MatMul",    visit_matmul},
    {"ReduceMean", visit_pool},
    {"Relu",      visit_relu},
    {"Reshape",   visit_layout},
    {"Squeeze",   visit_layout},
};

static enum err visit(const struct walk *w)
{
    for (size_t i = 0; i < sizeof visits / sizeof *visits; i++)
        if (strcmp(visits[i].op, w->node->proto->op_type) == 0)
            return visits[i].visit(w);
    return REFUSE(w, "cannot be quantised yet: want Add, BatchNormalization, Clip, Conv, Dropout, "
                  "Flatten, Gemm, GlobalAveragePool, Identity, MatMul, ReduceMean, Relu, Reshape "
                  "or Squeeze");
}

static void count_readers(struct import *im)
{
    const struct onnx_graph *g = &im->graph->graph;

    for (uint32_t i = 0; i < g->n_value; i++)
        im->value[i] = (struct import_value){.source = i, .maker = ONNX_ABSENT};
    for (uint32_t i = 0; i < g->n_node; i++)
        for (uint32_t k = 0; im->graph->op[i] && k < g->node[i].n_input; k++)
            if (g->node[i].input[k] != ONNX_ABSENT)
                im->value[g->node[i].input[k]].n_reader++;
    im->value[g->result].n_reader++;
}

static enum err finish(struct walk *w)
{
    struct import *im = w->im;
    struct import_value *v = &im->value[im->value[im->graph->graph.result].source];

    im->result = index_of(w, v);
    im->n_result_dim = shape_of(w, im->result)->n_dim;
    memcpy(im->result_dim, shape_of(w, im->result)->dim, sizeof im->result_dim);
    if (!v->known || im->n_node == 0)
        return err_set(w->msg, ERR_INPUT, "no Conv or Gemm leads to the output: want a network");
    return v->draft && !is_open(v) ? round_value(w, v) : ERR_NONE; // open ones are the raw sums
}

enum err import_init(struct import *im, const struct float_graph *g, const struct float_run *sample,
                     const struct import_cfg *cfg, struct err_msg *m)
{
    struct walk w = {im, sample, NULL, m};

    *im = (struct import){.graph = g, .cfg = *cfg};
    im->value = calloc(g->graph.n_value + 1, sizeof *im->value);
    im->node = calloc(g->graph.n_node + 1, sizeof *im->node);
    enum err e = im->value && im->node ? onnx_graph_check_ends(&g->graph, m) : no_memory(&w);
    if (!e)
        e = onnx_graph_image_shape(&g->graph, &im->image, m);
    if (!e) {
        count_readers(im);
        im->value[g->graph.image].known = true;
        im->value[g->graph.image].rounded = true;
    }
    for (uint32_t i = 0; i < g->graph.n_node && !e; i++) {
        w.node = &g->graph.node[i];
        if (g->op[i])
            e = visit(&w);
    }
    if (!e)
        e = finish(&w);
    if (e)
        import_release(im);
    return e;
}

void import_release(struct import *im)
{
    for (uint32_t i = 0; im->value && i < im->graph->graph.n_value; i++)
        free(im->value[i].seen);
    for (uint32_t i = 0; i < im->n_node; i++) {
        array_release(&im->node[i].weight);
        free(im->node[i].bias);
    }
    free(im->value);
    free(im->node);
    *im = (struct import){0};
}

/* ---- Images and activations ---- */

void import_image(const struct import *im, const int8_t *pixels, struct array *image)
{
    struct shape s = im->image;

    assert(image->n == (size_t)s.height * s.width * s.channels);
    for (size_t x = 0; x < s.height; x++)
        for (size_t y = 0; y < s.width; y++)
            for (size_t ch = 0; ch < s.channels; ch++) {
                int pixel = pixels[(y * s.height + x) * s.channels + ch] + 128;
                image->real[(ch * s.height + x) * s.width + y] =
                    (float)((pixel - im->cfg.mean) * im->cfg.scale);
            }
}

void import_observe(struct import *im, const struct float_run *run)
{
    for (uint32_t i = 0; i < im->graph->graph.n_value; i++) {
        struct import_value *v = &im->value[i];
        const struct array *a = &run->value[i];
        for (size_t k = 0; v->seen && k < a->n; k++) {
            float magnitude = fabsf(a->real[k]);
            uint32_t bits;
            memcpy(&bits, &magnitude, sizeof bits);
            v->seen[bits >> 16]++;
            v->largest = magnitude > v->largest || isnan(magnitude) ? magnitude : v->largest;
        }
    }
}
