/* onnx/read/op_add.c -- Add and Sub: of two maps, one of which is the residual, summed with the
 * other before it is rounded; or of a map and constants. */
#include "onnx/read/tokens.h"

/* Whether a draft is a rounded map times one factor, which Add may be to another. */
static bool is_scaled_map(const struct onnx_reader *r, uint32_t value)
{
    const struct onnx_draft *d = r->meaning[value].draft;
    bool plain = d->layer.kind == LAYER_SCALE && !d->layer.has_residual && !d->bounded &&
                 !d->largest && !d->layer.negated && d->layer.n_input == 1 &&
                 r->graph.value[value].n_reader == 1;

    for (uint32_t o = 0; o < d->n && plain; o++)
        plain = d->unit[o] == d->unit[0] && d->bias[o] == 0;
    return plain;
}

/* Two drafts, one of which is a rounded map times one factor: that is the residual. */
static enum err add_drafts(struct onnx_reader *r, const struct onnx_node *node, const int sign[2])
{
    static const double minus = -1, nothing = 0;
    uint32_t other = is_scaled_map(r, node->input[1]) ? 1 : 0;
    const struct onnx_meaning *scaled = onnx_input(r, node, other), *sum;

    if (!is_scaled_map(r, node->input[other]))
        return onnx_node_refuse(node, r->msg, "adds two unquantised results: want QuantizeLinear "
                                "behind one of them");
    enum err e = onnx_take_draft(r, node, 1 - other, &sum);
    if (!e && sign[1 - other] < 0)
        e = onnx_draft_scale(r, node, sum->draft, 1, &minus, &nothing);
    const struct onnx_draft *d = scaled->draft;
    const struct onnx_meaning map = {.means = ONNX_PIXELS, .layer = d->layer.input, .n_layer = 1,
                                     .shape = scaled->shape, .layout = scaled->layout,
                                     .axes = scaled->axes};
    if (!e)
        e = onnx_draft_add(r, node, sum, &map, sign[other]);
    if (e)
        return e;
    sum->draft->residual_scale = sign[other] * d->unit[0];
    if (sum->draft->steps == d->steps) {
        sum->draft->grain = onnx_common_divisor(sum->draft->grain, d->grain);
    } else {
        sum->draft->grain = 1;
        sum->draft->steps *= d->steps;
    }
    onnx_output(r, node, *sum);
    return ERR_NONE;
}

/* sign[i] * input i, summed: one a draft, or made one; the other rounded, and of one layer. */
static enum err add_maps(struct onnx_reader *r, const struct onnx_node *node, const int sign[2])
{
    static const double minus = -1, nothing = 0;
    uint32_t open = onnx_input(r, node, 1)->means == ONNX_DRAFT ? 1 : 0;
    struct onnx_meaning sum, residual;

    if (open == 1 && onnx_input(r, node, 0)->means == ONNX_DRAFT)
        return add_drafts(r, node, sign);
    enum err e = onnx_take_open(r, node, open, &sum);
    if (!e && sign[open] < 0)
        e = onnx_draft_scale(r, node, sum.draft, 1, &minus, &nothing);
    if (!e)
        e = onnx_take_pixels(r, node, 1 - open, &residual);
    if (!e)
        e = onnx_single(r, node, &residual);
    if (!e)
        e = onnx_draft_add(r, node, &sum, &residual, sign[1 - open]);
    if (!e)
        onnx_output(r, node, sum);
    return e;
}
static enum err read_sum(struct onnx_reader *r, const struct onnx_node *node, int second)
{
    const int sign[] = {1, second};

    for (uint32_t i = 0; i < 2; i++)
        if (onnx_is_constant(onnx_input(r, node, i)))
            return onnx_tells_tokens(r, onnx_input(r, node, 1 - i), onnx_input(r, node, i))
                       ? onnx_add_stored(r, node, i, sign)
                       : onnx_add_constant(r, node, i, sign);
    return add_maps(r, node, sign);
}

static enum err read_add(struct onnx_reader *r, const struct onnx_node *node)
{
    return read_sum(r, node, 1);
}

static enum err read_sub(struct onnx_reader *r, const struct onnx_node *node)
{
    return read_sum(r, node, -1);
}

const struct onnx_operator onnx_ops_add[] = {
    {"Add", 7, 2, 2, "", read_add},
    {"Sub", 7, 2, 2, "", read_sub},
    {0},
};
