/* onnx/read/op_norm.c -- LayerNormalization, RMSNormalization: a token's channels less their
 * mean, by their root mean square, times a gain, plus an offset. A LAYER_NORM; of the sum of two
 * rounded maps that is not rounded itself it reads both. The sums of a layer of weights that are
 * not rounded it reads as they are, in 32 bits, and a map that was added to them beside them. */
#include "onnx/read/tokens.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Stored numbers, one for each channel. */
static enum err check_list(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           uint32_t n)
{
    const struct onnx_meaning *c = onnx_input(r, node, i);

    if (!onnx_is_constant(c))
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want stored numbers", i,
                                onnx_means_text(c->means));
    if (c->tensor.n != n || c->tensor.dim[c->tensor.n_dim - 1] != n)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " has %zu numbers: want %" PRIu32
                                ", one for each channel", i, c->tensor.n, n);
    for (uint32_t o = 0; o < n; o++)
        if (!isfinite(onnx_constant(c, o)))
            return onnx_node_refuse(node, r->msg, "number %" PRIu32 " of input %" PRIu32
                                    " is %g: want finite numbers", o, i, onnx_constant(c, o));
    return ERR_NONE;
}

bool onnx_is_plain_sum(const struct onnx_meaning *m)
{
    const struct onnx_draft *d = m->draft;
    const struct layer *l = m->means == ONNX_DRAFT ? &d->layer : NULL;
    bool plain = l && l->kind == LAYER_SCALE && l->has_residual && !l->multiplies && !d->bounded &&
                 !d->largest && !l->negated && l->n_input == 1 && d->residual_scale > 0;

    for (uint32_t o = 0; plain && o < d->n; o++)
        plain = d->unit[o] == d->unit[0] && d->bias[o] == 0;
    return plain;
}

bool onnx_is_weighted_sum(const struct onnx_reader *r, const struct onnx_meaning *m)
{
    const struct onnx_draft *d = m->draft;

    return m->means == ONNX_DRAFT && !r->integers && layer_has_weights(&d->layer) &&
           !d->bounded && !d->bound && !d->largest && !d->function && !d->whole && !d->floored &&
           !d->truncated && (!d->layer.has_residual || d->residual_scale > 0);
}

/* A layer that hands on its sums, and a draft of a norm that reads them. */
static enum err norm_of_sums(struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_meaning *x, struct onnx_tokens *t,
                             struct onnx_draft **d)
{
    struct onnx_draft *sum = x->draft;
    const bool adds = sum->layer.has_residual;
    struct onnx_meaning all = *x;
    uint32_t *list;
    enum err e = onnx_new_list(r, node, 2, &list);

    if (e)
        return e;
    list[1] = sum->layer.residual;
    sum->layer.out_signed = adds ? r->network->layer[list[1]].out_signed : true;
    e = onnx_draft_hand_on(r, sum, &list[0]);
    all.means = ONNX_PIXELS;
    all.layer = list;
    all.n_layer = 1;
    if (!e)
        e = onnx_see_tokens(r, node, &all, t);
    if (!e && t->x.layer != list)
        e = onnx_node_refuse(node, r->msg, "normalises a part of an unrounded sum: want "
                             "QuantizeLinear in front of it");
    if (e)
        return e;
    all = t->x;
    all.n_layer = adds ? 2 : 1;
    all.shape.channels *= all.n_layer;
    e = onnx_draft_tokens(r, node, &all, LAYER_NORM, d);
    if (e)
        return e;
    struct token_values *v = (*d)->layer.token->values;
    v->steps = calloc(sum->n, sizeof *v->steps);
    v->shift = calloc(sum->n, sizeof *v->shift);
    if (!v->steps || !v->shift)
        return err_set(r->msg, ERR_MEMORY, "no memory for the steps of sums");
    memcpy(v->steps, sum->unit, sum->n * sizeof *v->steps);
    memcpy(v->shift, sum->bias, sum->n * sizeof *v->shift);
    if (adds) {
        v->part[1] = onnx_part_of(&r->network->layer[list[1]]);
        v->part[1].step = sum->residual_scale;
    }
    (*d)->layer.out.channels = (*d)->n = sum->n;
    return ERR_NONE;
}

enum err onnx_draft_norm(struct onnx_reader *r, const struct onnx_node *node,
                         const struct onnx_meaning *x, struct onnx_tokens *t,
                         struct onnx_draft **d)
{
    const struct onnx_draft *sum = onnx_is_plain_sum(x) ? x->draft : NULL;
    struct onnx_meaning both = *x;
    enum err e;

    if (!sum && onnx_is_weighted_sum(r, x))
        return norm_of_sums(r, node, x, t, d);
    if (!sum && x->means != ONNX_PIXELS)
        return onnx_node_refuse(node, r->msg, "normalises %s: want a map that has passed "
                                "QuantizeLinear and DequantizeLinear, the sum of two such, or the "
                                "sums of a layer of weights, straight",
                                onnx_means_text(x->means));
    if (!sum) {
        e = onnx_see_tokens(r, node, x, t);
        if (!e)
            e = onnx_single(r, node, &t->x);
        return e ? e : onnx_draft_tokens(r, node, &t->x, LAYER_NORM, d);
    }
    uint32_t *list;
    e = onnx_new_list(r, node, 2, &list);
    if (e)
        return e;
    list[0] = sum->layer.input[0];
    list[1] = sum->layer.residual;
    both.means = ONNX_PIXELS;
    both.layer = list;
    both.n_layer = 1;
    e = onnx_see_tokens(r, node, &both, t);
    if (!e && t->x.layer != list)
        e = onnx_node_refuse(node, r->msg, "normalises a part of an unrounded sum: want "
                             "QuantizeLinear behind Add");
    struct onnx_meaning all = t->x;
    all.n_layer = 2;
    all.shape.channels *= 2;
    if (!e)
        e = onnx_draft_tokens(r, node, &all, LAYER_NORM, d);
    if (e)
        return e;
    struct token_values *v = (*d)->layer.token->values;
    v->part[0] = onnx_part_of(&r->network->layer[list[0]]);
    v->part[1] = onnx_part_of(&r->network->layer[list[1]]);
    v->part[0].step = sum->unit[0];
    v->part[1].step = sum->residual_scale;
    (*d)->layer.out.channels = t->x.shape.channels;
    (*d)->n = t->x.shape.channels;
    return ERR_NONE;
}

static enum err read_axis(const struct onnx_reader *r, const struct onnx_node *node,
                          const struct onnx_tokens *t)
{
    int64_t axis = -1, type = 1;
    enum err e = onnx_attr_int(node, "axis", &axis, r->msg);

    if (!e)
        e = onnx_attr_int(node, "stash_type", &type, r->msg);
    if (!e && axis != -1 && axis != (int64_t)t->axes.n_dim - 1)
        e = onnx_node_refuse(node, r->msg, "normalises over axes from %" PRId64 " on: want the "
                             "last, channels", axis);
    return e;
}

static enum err read_norm(struct onnx_reader *r, const struct onnx_node *node, bool rms)
{
    struct onnx_tokens t;
    struct onnx_draft *d;
    double eps = 1e-5;
    const struct onnx_meaning x = onnx_passed_on(r, node, 0);
    if (onnx_is_weighted_sum(r, &x) && x.shared)
        return onnx_node_refuse(node, r->msg, "normalises an unrounded sum that others read too: "
                                "want QuantizeLinear in front of the fork");
    enum err e = onnx_draft_norm(r, node, &x, &t, &d);

    if (!e)
        e = read_axis(r, node, &t);
    if (!e)
        e = onnx_attr_float(node, "epsilon", &eps, r->msg);
    if (!e && (!isfinite(eps) || eps < 0))
        e = onnx_node_refuse(node, r->msg, "epsilon is %g: want 0 or more", eps);
    if (!e)
        e = check_list(r, node, 1, d->n);
    if (!e && onnx_has_input(node, 2))
        e = check_list(r, node, 2, d->n);
    if (e)
        return e;
    for (uint32_t o = 0; o < d->n; o++) {
        d->unit[o] = onnx_constant(onnx_input(r, node, 1), o);
        d->bias[o] = onnx_has_input(node, 2) ? onnx_constant(onnx_input(r, node, 2), o) : 0;
    }
    d->layer.token->rms = rms;
    d->layer.token->values->eps = eps;
    onnx_window_tokens(&t, &d->layer);
    onnx_output(r, node, onnx_draft_of_tokens(r, &t, d));
    return ERR_NONE;
}

static enum err read_layer_normalization(struct onnx_reader *r, const struct onnx_node *node)
{
    return read_norm(r, node, false);
}

static enum err read_rms_normalization(struct onnx_reader *r, const struct onnx_node *node)
{
    return read_norm(r, node, true);
}

/* LayerNormalization stands in files of sets before its own, 17. */
const struct onnx_operator onnx_ops_norm[] = {
    {"LayerNormalization",           1, 2, 3, "axis epsilon stash_type", read_layer_normalization},
    {"RMSNormalization",             1, 2, 2, "axis epsilon stash_type", read_rms_normalization},
    {"SimplifiedLayerNormalization", 1, 2, 2, "axis epsilon stash_type", read_rms_normalization},
    {0},
};
