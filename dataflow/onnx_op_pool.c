/* dataflow/onnx_op_pool.c -- GlobalAveragePool: runs in the digital processor of the layer whose
 * map it averages, and so must be the only reader of that map. */
#include <inttypes.h>
#include <stdlib.h>

#include "dataflow/onnx_read.h"

static enum err check_pool(const struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_meaning *x, bool already_read)
{
    const struct layer *l = &r->network->layer[x->layer];

    if (l->kind == LAYER_IMAGE)
        return onnx_node_refuse(node, r->msg, "pools the image: want a Conv before it");
    if (l->pooled || x->flat)
        return onnx_node_refuse(node, r->msg, "pools what is %s: want a map",
                                l->pooled ? "pooled" : "flat");
    if (already_read)
        return onnx_node_refuse(node, r->msg, "pools %s, which another node reads unpooled: want "
                                "it to be the only reader", l->name);
    return ERR_NONE;
}

static enum err read_pool(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning *x = onnx_input(r, node, 0);
    bool already_read = x->means == ONNX_PIXELS && r->read[x->layer];

    enum err e = onnx_take_pixels(r, node, 0, &x);
    if (!e)
        e = check_pool(r, node, x, already_read);
    if (e)
        return e;
    struct onnx_draft *d = calloc(1, sizeof *d);
    if (!d)
        return err_set(r->msg, ERR_MEMORY, "no memory for a pooling");
    *d = (struct onnx_draft){.next = r->draft, .node = node->proto, .pools = true,
                             .pooled = x->layer};
    r->draft = d;
    r->network->layer[x->layer].pooled = true;
    onnx_output(r, node, (struct onnx_meaning){.means = ONNX_DRAFT, .draft = d,
                                               .shape = {1, 1, x->shape.channels}});
    return ERR_NONE;
}

static const char *const attributes[] = {NULL};

const struct onnx_operator onnx_op_global_average_pool = {"GlobalAveragePool", 1, 1, 1, attributes,
                                                          read_pool};
