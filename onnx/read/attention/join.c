/* onnx/read/attention/join.c -- queries, keys and values as the one map that a layer of attention
 * reads: the parts of one already, outputs of a layer of weights that come in another order, or
 * several layers one behind the other.
 */
#include "onnx/read/attention/scores.h"

#include <stdlib.h>
#include <string.h>

static bool same_layers(const struct onnx_meaning *a, const struct onnx_meaning *b)
{
    return a->n_layer == b->n_layer &&
           memcmp(a->layer, b->layer, a->n_layer * sizeof *a->layer) == 0 && !a->view.some &&
           !b->view.some;
}

/* Whether the operands are the parts of one map, queries, keys, values. */
static bool are_one(const struct onnx_heads *o)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < 3; i++) {
        if (!same_layers(o[0].x, o[i].x))
            return false;
        for (uint32_t c = 0; c < o[i].n; c++)
            if (o[i].channel[c] != at++)
                return false;
    }
    return at == o[0].x->shape.channels;
}

static bool is_whole(const struct onnx_heads *o)
{
    bool whole = o->n == o->x->shape.channels;

    for (uint32_t c = 0; c < o->n && whole; c++)
        whole = o->channel[c] == c;
    return whole;
}

/* Whether a node reads the bytes of one map, and nothing else does. */
static enum err reads_alone(const struct onnx_reader *r, const struct onnx_node *node, bool *alone)
{
    uint32_t *reads = calloc(r->graph.n_value + 1, sizeof *reads), bytes = 0;

    if (!reads)
        return no_memory(r);
    for (uint32_t i = 0; i < node->n_input; i++)
        onnx_count_reads(r, node->input[i], reads);
    *alone = true;
    for (uint32_t i = 0; i < r->graph.n_value; i++) {
        if (reads[i] == 0 || onnx_is_constant(&r->meaning[i]))
            continue;
        bytes += r->meaning[i].means == ONNX_BYTES;
        *alone &= reads[i] == r->graph.value[i].n_reader;
    }
    *alone &= bytes == 1;
    free(reads);
    return ERR_NONE;
}

/* Whether the operands are all outputs of one layer of weights, each once: order[] is then theirs,
 * queries, keys, values. seen[]: zeros. */
static bool are_outputs(const struct onnx_reader *r, const struct onnx_heads *o, uint32_t *order,
                        uint32_t *seen)
{
    const struct layer *l = &r->network->layer[o[0].x->layer[0]];
    const uint32_t n = o[0].x->shape.channels;
    uint32_t at = 0;

    if (o[0].x->n_layer != 1 || !layer_has_weights(l) || l->groups != 1 || l->has_residual ||
        l->pooled || l->raw_output || o[0].n + o[1].n + o[2].n != n)
        return false;
    for (uint32_t i = 0; i < 3; i++) {
        if (!same_layers(o[0].x, o[i].x))
            return false;
        for (uint32_t c = 0; c < o[i].n; c++)
            if (seen[order[at++] = o[i].channel[c]]++ > 0)
                return false;
    }
    return true;
}

/* Entry o of a list of n becomes what order[o] was. */
static bool reorder(void *list, size_t size, uint32_t n, const uint32_t *order)
{
    uint8_t *copy = list ? malloc(n * size) : NULL;

    for (uint32_t o = 0; copy && o < n; o++)
        memcpy(copy + o * size, (uint8_t *)list + order[o] * size, size);
    if (copy)
        memcpy(list, copy, n * size);
    free(copy);
    return !list || copy;
}

/* The layer's outputs in another order. */
static enum err order_outputs(const struct onnx_reader *r, struct layer *l, const uint32_t *order)
{
    const uint32_t n = l->out.channels, rows = layer_kernel_rows(l);
    struct requant *q = &l->requant;
    bool done = reorder(l->weight, rows * sizeof *l->weight, n, order) &&
                reorder(l->wide_weight, rows * sizeof *l->wide_weight, n, order) &&
                reorder(q->m, sizeof *q->m, n, order) && reorder(q->b, sizeof *q->b, n, order) &&
                reorder(q->shift, sizeof *q->shift, n, order) &&
                (l->n_table <= 1 || reorder(l->table, 256, n, order));

    return done ? ERR_NONE : no_memory(r);
}

enum err onnx_join_heads(struct onnx_reader *r, const struct onnx_node *node, struct onnx_heads *o,
                         struct onnx_meaning *all)
{
    uint32_t *list, *order, *seen = NULL, n = 0;
    bool alone = false;
    enum err e = onnx_new_list(r, node, o[0].n + o[1].n + o[2].n, &order);

    if (!e)
        e = onnx_new_list(r, node, o[0].x->shape.channels, &seen);
    *all = *o[0].x;
    if (e || are_one(o))
        return e ? e : onnx_settle(r, node, all);
    if (are_outputs(r, o, order, seen))
        e = reads_alone(r, node, &alone);
    if (!e && alone)
        return order_outputs(r, &r->network->layer[all->layer[0]], order);
    for (uint32_t i = 0; i < 3 && !e; i++) {
        if (!is_whole(&o[i]))
            e = onnx_pick_channels(r, node, o[i].x, o[i].channel, o[i].n);
        if (!e)
            e = onnx_settle(r, node, o[i].x);
        n += o[i].x->n_layer;
    }
    if (!e)
        e = onnx_new_list(r, node, n, &list);
    if (e)
        return e;
    *all = *o[0].x;
    all->layer = list;
    all->n_layer = 0;
    all->shape.channels = 0;
    for (uint32_t i = 0; i < 3; i++) {
        memcpy(list + all->n_layer, o[i].x->layer, o[i].x->n_layer * sizeof *list);
        all->n_layer += o[i].x->n_layer;
        all->shape.channels += o[i].n;
    }
    return ERR_NONE;
}
