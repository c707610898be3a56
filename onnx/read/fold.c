/* onnx/read/fold.c -- what exporters leave to be computed from constants: the float evaluator
 * computes it, and its result is one more stored tensor. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/float/graph.h"
#include "onnx/read/reader.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* Short floats, whose values a float holds, and integers of 4 bits become wider ones. */
static int32_t stored_type(int32_t type)
{
    if (type == TYPE(FLOAT16) || type == TYPE(BFLOAT16))
        return TYPE(FLOAT);
    return type == ONNX_INT4 ? TYPE(INT8) : type == ONNX_UINT4 ? TYPE(UINT8) : type;
}

static size_t width_of(int32_t type)
{
    switch (type) {
    case TYPE(INT16):
    case TYPE(UINT16):
        return 2;
    case TYPE(FLOAT):
    case TYPE(INT32):
        return 4;
    case TYPE(DOUBLE):
    case TYPE(INT64):
        return 8;
    }
    return 1; // uint8, int8, bool
}

/* Value i as the file would have it. */
static void put(const struct array *a, size_t i, uint8_t *to)
{
    int32_t type = stored_type(a->type);
    size_t width = width_of(type);
    uint64_t bits;

    if (type == TYPE(FLOAT)) {
        memcpy(to, &a->real[i], sizeof a->real[i]); // the host's order: little-endian throughout
        return;
    }
    if (a->real) {
        double v = (double)a->real[i];
        memcpy(&bits, &v, sizeof bits);
    } else {
        bits = (uint64_t)a->integer[i];
    }
    for (size_t k = 0; k < width; k++)
        to[k] = (uint8_t)(bits >> (8 * k));
}

enum err onnx_keep_array(struct onnx_reader *r, const struct array *a, struct onnx_tensor *view)
{
    size_t width = width_of(stored_type(a->type));
    Onnx__TensorProto *t = onnx_keep(r, 1, sizeof *t);
    int64_t *dims = onnx_keep(r, a->n_dim, sizeof *dims);
    uint8_t *data = onnx_keep(r, a->n, width);

    if (!t || !dims || !data)
        return err_set(r->msg, ERR_MEMORY, "no memory for a constant of %zu values", a->n);
    onnx__tensor_proto__init(t);
    t->data_type = stored_type(a->type);
    t->has_data_type = 1;
    t->n_dims = a->n_dim;
    t->dims = dims;
    for (uint32_t k = 0; k < a->n_dim; k++)
        dims[k] = a->dim[k];
    for (size_t i = 0; i < a->n; i++)
        put(a, i, data + i * width);
    t->has_raw_data = 1;
    t->raw_data = (ProtobufCBinaryData){a->n * width, data};
    return onnx_tensor_view(view, t, r->msg);
}

/* The array as the node's output. */
static enum err store(struct onnx_reader *r, const struct onnx_node *node, const struct array *a)
{
    struct onnx_meaning m = {.means = ONNX_STORED};
    enum err e = onnx_keep_array(r, a, &m.tensor);

    if (!e)
        onnx_output(r, node, m);
    return e;
}

enum err onnx_evaluate(struct onnx_reader *r, const struct onnx_node *node, onnx_operand *operand,
                       void *context, struct array *out)
{
    struct array *array = calloc(node->n_input + 1, sizeof *array);
    const struct array **in = calloc(node->n_input + 1, sizeof *in);
    enum err e = array && in ? ERR_NONE
                             : err_set(r->msg, ERR_MEMORY, "no memory for what a node reads");

    for (uint32_t i = 0; i < node->n_input && !e; i++)
        if (onnx_has_input(node, i)) {
            e = operand(context, node, i, &array[i]);
            in[i] = &array[i];
        }
    if (!e)
        e = float_eval(&(struct float_eval){.node = node, .opset = r->graph.opset, .in = in,
                                            .values_left = &r->values_left,
                                            .work_left = &r->work_left}, out, r->msg);
    for (uint32_t i = 0; array && i < node->n_input; i++)
        array_release(&array[i]);
    free(array);
    free(in);
    return e;
}

static enum err stored(void *context, const struct onnx_node *node, uint32_t i, struct array *out)
{
    struct onnx_reader *r = context;
    const struct onnx_tensor *t = &onnx_input(r, node, i)->tensor;

    if (t->n > r->values_left)
        return onnx_node_refuse(node, r->msg, "reads %zu constants: want them folded", t->n);
    r->values_left -= t->n;
    if (!array_from_tensor(out, t))
        return err_set(r->msg, ERR_MEMORY, "no memory for a constant of %zu values", t->n);
    return ERR_NONE;
}

enum err onnx_fold(struct onnx_reader *r, const struct onnx_node *node)
{
    struct array out = {0};
    enum err e = onnx_evaluate(r, node, stored, r, &out);

    if (!e)
        e = store(r, node, &out);
    array_release(&out);
    return e;
}

enum err onnx_store_list(struct onnx_reader *r, const struct onnx_node *node, uint32_t n,
                         const int64_t *v)
{
    int64_t values[ONNX_MOST_DIMS];
    const struct array list = {.type = TYPE(INT64), .n_dim = 1, .dim = {n}, .n = n,
                               .integer = values};

    memcpy(values, v, n * sizeof *v);
    return store(r, node, &list);
}

enum err onnx_stored_list(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          uint32_t most, int64_t *v, uint32_t *n)
{
    const struct onnx_meaning *m = onnx_input(r, node, i);

    if (m->means != ONNX_STORED || onnx_type_is_real(m->tensor.type))
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want stored integers", i,
                                onnx_means_text(m->means));
    if (m->tensor.n_dim > 1 || m->tensor.n > most)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " has %zu values: want a list of at "
                                "most %" PRIu32, i, m->tensor.n, most);
    *n = (uint32_t)m->tensor.n;
    for (uint32_t k = 0; k < *n; k++)
        v[k] = onnx_tensor_integer(&m->tensor, k);
    return ERR_NONE;
}
