/* dataflow/onnx_read.c -- see onnx_read.h. */
#include "dataflow/onnx_read.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataflow/onnx_file.h"

enum { LEAST_OPSET = 7 };

static const struct onnx_operator *const operators[] = {
    &onnx_op_add,  &onnx_op_conv,                &onnx_op_dequantize, &onnx_op_flatten,
    &onnx_op_gemm, &onnx_op_global_average_pool, &onnx_op_quantize,   &onnx_op_relu,
};

enum { N_OPERATOR = sizeof operators / sizeof *operators };

/* ---- What nodes ask for ---- */

bool onnx_has_input(const struct onnx_node *node, uint32_t i)
{
    return i < node->n_input && node->input[i] != ONNX_ABSENT;
}

const struct onnx_meaning *onnx_input(const struct onnx_reader *r, const struct onnx_node *node,
                                      uint32_t i)
{
    assert(onnx_has_input(node, i));
    return &r->meaning[node->input[i]];
}

void onnx_output(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning m)
{
    r->meaning[node->output[0]] = m;
}

const char *onnx_means_text(enum onnx_means means)
{
    switch (means) {
    case ONNX_NOTHING:
        return "a second output";
    case ONNX_STORED:
        return "a stored tensor";
    case ONNX_WEIGHTS:
        return "a dequantised constant";
    case ONNX_IMAGE:
        return "the unquantised image";
    case ONNX_BYTES:
        return "a quantised map";
    case ONNX_PIXELS:
        return "a dequantised map";
    case ONNX_DRAFT:
        return "an unquantised result";
    }
    assert(!"unknown meaning");
    return "";
}

enum err onnx_take_pixels(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          const struct onnx_meaning **x)
{
    *x = onnx_input(r, node, i);
    if ((*x)->means != ONNX_PIXELS)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want a map that has passed "
                                "QuantizeLinear and DequantizeLinear", i,
                                onnx_means_text((*x)->means));
    if (r->network->layer[(*x)->layer].pooled && !(*x)->pooled)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is pooled elsewhere, and read "
                                "unpooled here: want GlobalAveragePool to be its only reader", i);
    r->read[(*x)->layer] = true;
    return ERR_NONE;
}

enum err onnx_take_draft(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                         const struct onnx_meaning **x)
{
    const struct onnx_value *v = &r->graph.value[node->input[i]];

    *x = onnx_input(r, node, i);
    if ((*x)->means != ONNX_DRAFT)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want the result of a "
                                "Conv, Gemm or GlobalAveragePool, straight", i,
                                onnx_means_text((*x)->means));
    if (v->n_reader != 1)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is read %" PRIu32 " times before "
                                "it is quantised: want QuantizeLinear in front of the fork", i,
                                v->n_reader);
    return ERR_NONE;
}

enum err onnx_check_weights(const struct onnx_reader *r, const struct onnx_node *node,
                            uint32_t n_dim, bool flat)
{
    const struct onnx_meaning *x = onnx_input(r, node, 0), *w = onnx_input(r, node, 1);

    if (w->means != ONNX_WEIGHTS)
        return onnx_node_refuse(node, r->msg, "its weights are %s: want int8 ones that have passed "
                                "DequantizeLinear", onnx_means_text(w->means));
    if (w->tensor.type != ONNX__TENSOR_PROTO__DATA_TYPE__INT8)
        return onnx_node_refuse(node, r->msg, "its weights are %s: want int8",
                                onnx_type_name(w->tensor.type));
    if (w->tensor.n_dim != n_dim || x->flat != flat)
        return onnx_node_refuse(node, r->msg, "weights of %" PRIu32 " dimensions on a map of %d: "
                                "want %" PRIu32 " and %d", w->tensor.n_dim, x->flat ? 2 : 4, n_dim,
                                flat ? 2 : 4);
    if (w->tensor.n == 0)
        return onnx_node_refuse(node, r->msg, "its weights are empty: want at least one");
    return ERR_NONE;
}

/* ---- Nodes ---- */

static enum err refuse_operator(const struct onnx_reader *r, const struct onnx_node *node)
{
    char list[sizeof r->msg->text] = "";

    for (size_t i = 0, used = 0; i < N_OPERATOR && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                                 operators[i]->name);
    return onnx_node_refuse(node, r->msg, "no such operator here: want one of %s", list);
}

static enum err check_node(const struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_operator *op)
{
    if (r->graph.opset < op->since)
        return onnx_node_refuse(node, r->msg, "not in operator set %" PRId64 ": want %d or later",
                                r->graph.opset, op->since);
    if (node->n_input < op->least_input || node->n_input > op->most_input)
        return onnx_node_refuse(node, r->msg, "%" PRIu32 " inputs: want %" PRIu32 " to %" PRIu32,
                                node->n_input, op->least_input, op->most_input);
    for (uint32_t i = 0; i < op->least_input; i++)
        if (!onnx_has_input(node, i))
            return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is left out: want it", i);
    if (node->n_output != 1 || node->output[0] == ONNX_ABSENT)
        return onnx_node_refuse(node, r->msg, "%" PRIu32 " outputs: want one", node->n_output);
    for (size_t i = 0; i < node->proto->n_attribute; i++) {
        const char *name = node->proto->attribute[i]->name, *const *known = op->attribute;
        while (*known && (!name || strcmp(*known, name) != 0))
            known++;
        if (!*known)
            return onnx_node_refuse(node, r->msg, "attribute \"%.100s\" is not understood: want a "
                                    "model without it", name ? name : "");
    }
    return ERR_NONE;
}

static enum err read_node(struct onnx_reader *r, const struct onnx_node *node)
{
    const char *type = node->proto->op_type;

    if (type && onnx_is_own_domain(node->proto->domain))
        for (size_t i = 0; i < N_OPERATOR; i++)
            if (strcmp(type, operators[i]->name) == 0) {
                enum err e = check_node(r, node, operators[i]);
                return e ? e : operators[i]->read(r, node);
            }
    return refuse_operator(r, node);
}

/* ---- Ends ---- */

static enum err read_image(struct onnx_reader *r)
{
    struct onnx_meaning *image = &r->meaning[r->graph.image];

    image->means = ONNX_IMAGE;
    return onnx_graph_image_shape(&r->graph, &image->shape, r->msg);
}

static enum err read_constants(struct onnx_reader *r)
{
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < r->graph.n_value && !e; i++) {
        const struct onnx_value *v = &r->graph.value[i];
        if (v->maker != ONNX_CONSTANT || v->n_reader == 0)
            continue;
        r->meaning[i].means = ONNX_STORED;
        e = onnx_tensor_view(&r->meaning[i].tensor, r->graph.proto->initializer[v->index], r->msg);
    }
    return e;
}

static enum err read_result(struct onnx_reader *r)
{
    const struct onnx_meaning *x = &r->meaning[r->graph.result];
    const char *name = r->graph.value[r->graph.result].name;

    /* Every node's result is read, and this is the one that no node reads: all lead to it. */
    if (x->means == ONNX_DRAFT && !x->draft->pools && !x->draft->layer.has_residual &&
        !x->draft->layer.relu)
        return onnx_draft_finish_raw(r, x->draft);
    if (x->means != ONNX_BYTES && x->means != ONNX_PIXELS)
        return err_set(r->msg, ERR_INPUT, "graph output \"%.100s\" is %s: want the sums of a Conv "
                       "or Gemm, or a quantised map", name, onnx_means_text(x->means));
    assert(x->layer + 1 == r->network->n_layer);
    return ERR_NONE;
}

static enum err read_graph(struct onnx_reader *r)
{
    size_t most_layers = (size_t)r->graph.n_node + 1; // the image, and at most one for each node
    enum err e;

    r->meaning = calloc(r->graph.n_value, sizeof *r->meaning);
    r->read = calloc(most_layers, sizeof *r->read);
    r->network->layer = calloc(most_layers, sizeof *r->network->layer);
    if (!r->meaning || !r->read || !r->network->layer)
        return err_set(r->msg, ERR_MEMORY, "no memory for %zu layers", most_layers);
    e = read_constants(r);
    if (!e)
        e = read_image(r);
    for (uint32_t i = 0; i < r->graph.n_node && !e; i++)
        e = read_node(r, &r->graph.node[i]);
    if (!e) // so late, because a node that misreads its input says more
        e = onnx_graph_check_readers(&r->graph, r->msg);
    if (!e)
        e = read_result(r);
    r->network->has_values = true;
    return e ? e : network_check(r->network, r->msg);
}

enum err network_decode_onnx(struct network *n, const char *name, const uint8_t *data, size_t size,
                             struct err_msg *m)
{
    /* Nodes that share weights each get a copy: eight of the whole file are enough. */
    struct onnx_reader r = {.network = n, .weights_left = (UINT64_C(1) << 20) + 8 * size, .msg = m};
    Onnx__ModelProto *model;

    *n = (struct network){0};
    enum err e = onnx_decode(data, size, &model, m);
    if (!e)
        e = onnx_graph_init(&r.graph, model, LEAST_OPSET, m);
    if (!e)
        e = onnx_graph_check_ends(&r.graph, m);
    if (!e) {
        n->name = strdup(name);
        e = n->name ? read_graph(&r) : err_set(m, ERR_MEMORY, "no memory for a name");
    }
    onnx_draft_free_all(&r);
    onnx_graph_release(&r.graph);
    free(r.meaning);
    free(r.read);
    onnx_free_model(model);
    if (e)
        network_release(n);
    return e;
}

/* "models/resnet32.onnx" is called resnet32. */
static enum err name_of_path(const char *path, char **name, struct err_msg *m)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base);

    if (n > 5 && strcmp(base + n - 5, ".onnx") == 0)
        n -= 5;
    *name = strndup(base, n);
    return *name ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for a name");
}

enum err network_load_onnx(struct network *n, const char *path, struct err_msg *m)
{
    uint8_t *data = NULL;
    char *name = NULL;
    size_t size;

    *n = (struct network){0};
    enum err e = onnx_read_file(path, &data, &size, m);
    if (!e)
        e = name_of_path(path, &name, m);
    if (!e)
        e = network_decode_onnx(n, name, data, size, m);
    if (e)
        err_prefix(m, path);
    free(name);
    free(data);
    return e;
}
