/* onnx/read/norm_pieces.c -- normalisation as exporters write it without an operator of its own:
 *
 *     ReduceMean over channels            mean
 *     Sub of the map and it               centred
 *     Pow 2, or Mul by itself             square, of the centred or of the map
 *     ReduceMean                          mean square
 *     Add of a number                     with epsilon
 *     Sqrt                                root; Reciprocal, or 1 by it: its inverse
 *     Div, or Mul by the inverse          a draft of LAYER_NORM; gain and offset join it
 *
 * A piece is a meaning that only the next one reads.
 */
#include <math.h>
#include <stdlib.h>

#include "onnx/read/tokens.h"

enum stage { MEAN, CENTRED, SQUARE, MEAN_SQUARE, WITH_EPSILON, ROOT, INVERSE };

struct onnx_piece {
    enum stage          stage;
    uint32_t            value;  // of the graph: the map
    struct onnx_meaning x;      // which is what it was
    bool                centred; // else the root mean square
    double              eps;
};

static const struct onnx_piece *piece_of(const struct onnx_reader *r, const struct onnx_node *node,
                                         uint32_t i)
{
    if (i >= node->n_input || !onnx_has_input(node, i) ||
        onnx_input(r, node, i)->means != ONNX_PIECE)
        return NULL;
    return onnx_input(r, node, i)->piece;
}

static enum err put(struct onnx_reader *r, const struct onnx_node *node, struct onnx_piece piece,
                    enum stage stage)
{
    struct onnx_piece *kept = onnx_keep(r, 1, sizeof *kept);

    if (!kept)
        return err_set(r->msg, ERR_MEMORY, "no memory for a norm");
    piece.stage = stage;
    *kept = piece;
    onnx_output(r, node, (struct onnx_meaning){.means = ONNX_PIECE, .piece = kept});
    return ERR_NONE;
}

/* Whether a mean is over the last of n_dim dimensions, which stays. */
static bool is_over_last(const struct onnx_reader *r, const struct onnx_node *node, uint32_t n_dim)
{
    int64_t axis[ONNX_MOST_DIMS], keep = 1;
    uint32_t n = 0;
    bool given;
    struct err_msg ignored;

    if (onnx_attr_int(node, "keepdims", &keep, &ignored) || !keep)
        return false;
    if (onnx_has_input(node, 1)) {
        const struct onnx_meaning *m = onnx_input(r, node, 1);
        if (m->means != ONNX_STORED || m->tensor.n != 1 || onnx_type_is_real(m->tensor.type))
            return false;
        axis[0] = onnx_tensor_integer(&m->tensor, 0);
        n = 1;
    } else if (onnx_attr_list(node, "axes", axis, ONNX_MOST_DIMS, &n, &given, &ignored)) {
        return false;
    }
    return n == 1 && (axis[0] == -1 || axis[0] == (int64_t)n_dim - 1);
}

/* A map whose last dimension is its channels, rounded or a sum that is not. */
static bool is_of_tokens(const struct onnx_reader *r, const struct onnx_meaning *x)
{
    struct onnx_axes a;

    if ((x->means != ONNX_PIXELS && !onnx_is_plain_sum(x) && !onnx_is_weighted_sum(r, x)) ||
        x->layout != ONNX_AXES ||
        !onnx_axes_of(r, x, &a))
        return false;
    return axes_whole(&a, a.n_dim - 1, ONNX_CHANNEL, x->shape.channels);
}

/* Whether a value is the square of a map, and of which. */
static bool is_square(const struct onnx_reader *r, uint32_t value, uint32_t *of)
{
    const struct onnx_value *v = &r->graph.value[value];
    const struct onnx_node *node = v->maker == ONNX_NODE ? &r->graph.node[v->index] : NULL;

    if (!node || node->n_input != 2 || !onnx_has_input(node, 0) || !onnx_has_input(node, 1))
        return false;
    const struct onnx_meaning *by = onnx_input(r, node, 1);
    *of = node->input[0];
    return (onnx_node_is(node, "Mul") && node->input[0] == node->input[1]) ||
           (onnx_node_is(node, "Pow") && onnx_is_constant(by) && by->tensor.n == 1 &&
            onnx_constant(by, 0) == 2);
}

/* ReduceMean of a map, or of its squares. */
static bool begins(const struct onnx_reader *r, const struct onnx_node *node,
                   struct onnx_piece *piece, enum stage *stage)
{
    if (!onnx_node_is(node, "ReduceMean") || node->n_input < 1 || !onnx_has_input(node, 0))
        return false;
    piece->value = node->input[0];
    *stage = MEAN;
    const enum onnx_means of = onnx_input(r, node, 0)->means;
    if ((of == ONNX_CURVE || of == ONNX_FUNCTION) && is_square(r, node->input[0], &piece->value))
        *stage = MEAN_SQUARE;
    piece->x = r->meaning[piece->value];
    return is_of_tokens(r, &piece->x) && is_over_last(r, node, piece->x.axes.n_dim);
}

bool onnx_is_of_norm(const struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_piece piece = {0};
    enum stage stage;

    for (uint32_t i = 0; i < node->n_input; i++)
        if (piece_of(r, node, i))
            return true;
    return begins(r, node, &piece, &stage);
}

static enum err refuse(const struct onnx_reader *r, const struct onnx_node *node)
{
    return onnx_node_refuse(node, r->msg, "reads a part of what is no normalisation: want "
                            "ReduceMean over channels, Sub, Pow 2, ReduceMean, Add, Sqrt and Div "
                            "of one map, as LayerNormalization is, or QuantizeLinear between");
}

static bool is_number(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                      double *v)
{
    const struct onnx_meaning *m = i < node->n_input && onnx_has_input(node, i)
                                       ? onnx_input(r, node, i) : NULL;

    if (!m || !onnx_is_constant(m) || m->tensor.n != 1)
        return false;
    *v = onnx_constant(m, 0);
    return true;
}

/* Whether nothing but the norm that `last` ends reads a sum. */
static bool reads_alone(const struct onnx_reader *r, const struct onnx_node *last, uint32_t value)
{
    bool alone = !r->meaning[value].shared;

    for (uint32_t k = 0; k < r->graph.n_node; k++) {
        const struct onnx_node *node = &r->graph.node[k];
        for (uint32_t i = 0; i < node->n_input; i++)
            if (node != last && onnx_has_input(node, i) && node->input[i] == value)
                alone &= r->meaning[node->output[0]].means == ONNX_PIECE ||
                         (is_square(r, node->output[0], &(uint32_t){0}) &&
                          r->graph.value[node->output[0]].n_reader == 1);
    }
    return alone;
}

/* What is divided by the root: the same map, centred or not. */
static enum err divide(struct onnx_reader *r, const struct onnx_node *node,
                       const struct onnx_piece *root, uint32_t i)
{
    const struct onnx_piece *top = piece_of(r, node, i);
    struct onnx_tokens t;
    struct onnx_draft *d;
    const bool same = root->centred
                          ? top && top->stage == CENTRED && top->value == root->value
                          : onnx_has_input(node, i) && node->input[i] == root->value;

    if (!same)
        return refuse(r, node);
    if (onnx_is_weighted_sum(r, &root->x) && !reads_alone(r, node, root->value))
        return onnx_node_refuse(node, r->msg, "normalises an unrounded sum that others read too: "
                                "want QuantizeLinear in front of the fork");
    enum err e = onnx_draft_norm(r, node, &root->x, &t, &d);
    if (e)
        return e;
    d->layer.token->rms = !root->centred;
    d->layer.token->values->eps = root->eps;
    onnx_window_tokens(&t, &d->layer);
    onnx_output(r, node, onnx_draft_of_tokens(r, &t, d));
    return ERR_NONE;
}

static enum err join(struct onnx_reader *r, const struct onnx_node *node,
                     const struct onnx_piece *a, uint32_t at)
{
    const uint32_t other = 1 - at;
    double v;

    if (onnx_node_is(node, "Sub") && a->stage == MEAN && at == 1 &&
        node->input[0] == a->value) {
        struct onnx_piece centred = *a;
        centred.centred = true;
        return put(r, node, centred, CENTRED);
    }
    if (a->stage == CENTRED && ((onnx_node_is(node, "Mul") && node->input[0] == node->input[1]) ||
                                (onnx_node_is(node, "Pow") && is_number(r, node, 1, &v) && v == 2)))
        return put(r, node, *a, SQUARE);
    if (onnx_node_is(node, "Add") && a->stage == MEAN_SQUARE && is_number(r, node, other, &v) &&
        v >= 0 && isfinite(v)) {
        struct onnx_piece with = *a;
        with.eps = v;
        return put(r, node, with, WITH_EPSILON);
    }
    if (onnx_node_is(node, "Div") && a->stage == ROOT && at == 1 && is_number(r, node, 0, &v) &&
        v == 1)
        return put(r, node, *a, INVERSE);
    if (onnx_node_is(node, "Div") && piece_of(r, node, 1) && piece_of(r, node, 1)->stage == ROOT)
        return divide(r, node, piece_of(r, node, 1), 0);
    for (uint32_t i = 0; i < 2 && onnx_node_is(node, "Mul"); i++)
        if (piece_of(r, node, i) && piece_of(r, node, i)->stage == INVERSE)
            return divide(r, node, piece_of(r, node, i), 1 - i);
    return refuse(r, node);
}

enum err onnx_read_norm_piece(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_piece piece = {0};
    enum stage stage;

    if (begins(r, node, &piece, &stage))
        return put(r, node, piece, stage);
    const uint32_t at = piece_of(r, node, 0) ? 0 : 1;
    const struct onnx_piece *a = piece_of(r, node, at);
    if (onnx_node_is(node, "ReduceMean") && a && a->stage == SQUARE &&
        is_over_last(r, node, a->x.axes.n_dim))
        return put(r, node, *a, MEAN_SQUARE);
    if (onnx_node_is(node, "Sqrt") && a && (a->stage == WITH_EPSILON || a->stage == MEAN_SQUARE))
        return put(r, node, *a, ROOT);
    if (onnx_node_is(node, "Reciprocal") && a && a->stage == ROOT)
        return put(r, node, *a, INVERSE);
    return a && node->n_input == 2 ? join(r, node, a, at) : refuse(r, node);
}
