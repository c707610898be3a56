/* import/op_tokens.c -- what transformers have besides: norms, Softmax between two products,
 * Where, RotaryEmbedding. */
#include <inttypes.h>
#include <string.h>

#include "import/walk.h"

/* The attribute `axis`, counted from the first dimension. */
static enum err read_axis(const struct import_walk *w, int64_t by_default, int64_t *axis)
{
    *axis = by_default;
    enum err e = onnx_attr_int(w->node, "axis", axis, w->msg);

    *axis += *axis < 0 ? import_in_shape(w, 0)->n_dim : 0; // it has been evaluated
    return e;
}

static enum err visit_norm(const struct import_walk *w)
{
    const int64_t last = (int64_t)import_in_shape(w, 0)->n_dim - 1;
    int64_t axis;
    enum err e = read_axis(w, -1, &axis);

    if (!e && w->node->part > 0)
        e = IMPORT_REFUSE(w, "its mean or root is read: want its first result only");
    if (!e && (axis != last || !import_constant(w, 1) ||
               import_constant(w, 1)->n != import_in_shape(w, 0)->dim[last]))
        e = IMPORT_REFUSE(w, "is not over the channels of each token, the last axis, with a "
                          "constant gain for each: want that");
    for (uint32_t i = 1; i < w->node->n_input && !e; i++)
        if (w->node->input[i] != ONNX_ABSENT && !import_constant(w, i))
            e = IMPORT_REFUSE(w, "input %" PRIu32 " is not constant: want stored numbers", i);
        else if (w->node->input[i] != ONNX_ABSENT)
            e = import_check_finite(w, "number", import_constant(w, i));
    return e ? e : import_visit_whole(w, false);
}

/* Of scores, into a product; elsewhere the host computes it. */
static enum err visit_softmax(const struct import_walk *w)
{
    int64_t last = (int64_t)import_in_shape(w, 0)->n_dim - 1, axis;
    enum err e = read_axis(w, w->im->graph->graph.opset < 13 ? 1 : -1, &axis);

    if (!e && !import_leads_to_product(w))
        e = IMPORT_REFUSE(w, "cannot be quantised: want those operators that docs/onnx.md lists "
                          "for imcsim import");
    while (last > axis && import_in_shape(w, 0)->dim[last] == 1)
        last--;
    if (!e && axis != last)
        e = IMPORT_REFUSE(w, "is over axis %" PRId64 " of %" PRIu32 ": want the last that is "
                          "longer than 1", axis, import_in_shape(w, 0)->n_dim);
    if (!e)
        e = import_visit_whole(w, true);
    if (!e)
        w->im->node[w->im->n_node - 1].axis = axis;
    return e;
}

/* A mask of scores. */
static enum err visit_where(const struct import_walk *w)
{
    if (!import_integers(w, 0))
        return IMPORT_REFUSE(w, "its mask depends on the input: want one that is stored");
    return import_leads_to_scores(w) ? import_visit_loose(w) : import_visit_whole(w, false);
}

/* Queries and keys that turn are rounded. */
static enum err visit_rotary(const struct import_walk *w)
{
    for (uint32_t i = 1; i < w->node->n_input; i++)
        if (w->node->input[i] != ONNX_ABSENT && !import_constant(w, i) && !import_integers(w, i))
            return IMPORT_REFUSE(w, "input %" PRIu32 " is not constant: want stored cosines, sines "
                                 "and positions", i);
    return import_visit_whole(w, false);
}

static enum err visit_fused(const struct import_walk *w)
{
    return IMPORT_REFUSE(w, "nothing near says how many dimensions its factors have: want their "
                         "shapes in value_info, as ONNX's shape inference writes them");
}

const struct import_operator import_ops_tokens[] = {
    {"FusedMatMul",                  visit_fused},
    {"LayerNormalization",           visit_norm},
    {"RMSNormalization",             visit_norm},
    {"RotaryEmbedding",              visit_rotary},
    {"SimplifiedLayerNormalization", visit_norm},
    {"Softmax",                      visit_softmax},
    {"Where",                        visit_where},
    {0},
};
