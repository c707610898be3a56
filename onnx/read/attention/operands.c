/* onnx/read/attention/operands.c -- maps as the operands of attention's two products.
 *
 * What are queries, keys and values follows from axes alone: the last dimension of the first
 * operand and the one before the last of the second are channels, and are contracted; what is left
 * are tokens, the same ones in all three maps; the dimensions in front are heads. Maps may be the
 * parts of one map, in any order, and heads of keys and values may be repeated for several of
 * queries. Where pixels stand in front as well, they are windows: a query sees the tokens of its
 * own, and a mask hides the others that are as near.
 */
#include "onnx/read/attention/scores.h"

#include <inttypes.h>

enum { PIXELS = 1 << ONNX_ROW | 1 << ONNX_COLUMN, CHANNELS = 1 << ONNX_CHANNEL };

enum err onnx_refuse_product(const struct onnx_reader *r, const struct onnx_node *node,
                             const char *why)
{
    return onnx_node_refuse(node, r->msg, "multiplies two maps, and %s: want attention (heads x "
                            "tokens x channels by heads x channels x tokens, Softmax, by heads x "
                            "tokens x channels), or maps of equal shapes by Mul", why);
}

/* A draft that is a rounded map times one number. */
static bool is_scaled(const struct onnx_meaning *m, double *factor)
{
    const struct onnx_draft *d = m->draft;
    const struct layer *l = m->means == ONNX_DRAFT ? &d->layer : NULL;
    bool plain = l && l->kind == LAYER_SCALE && !l->has_residual && !d->bounded && !d->largest;

    for (uint32_t o = 0; plain && o < d->n; o++) {
        const double sign = l->negated && l->negated[o] ? -1 : 1;
        *factor = o == 0 ? sign * d->unit[0] : *factor;
        plain = sign * d->unit[o] == *factor && d->bias[o] == 0;
    }
    return plain;
}

enum err onnx_take_operand(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           struct onnx_meaning *x, struct onnx_axes *axes, double *factor)
{
    *x = onnx_passed_on(r, node, i);
    *factor = 1;
    if (is_scaled(x, factor)) {
        const struct onnx_draft *d = x->draft;
        *factor /= r->network->layer[d->layer.input[0]].out_scale;
        x->means = ONNX_PIXELS;
        x->layer = d->layer.input;
        x->n_layer = d->layer.n_input;
        x->view = (struct onnx_view){0};
    }
    if (x->means != ONNX_PIXELS)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want a map that has passed "
                                "QuantizeLinear and DequantizeLinear", i,
                                onnx_means_text(x->means));
    if (!onnx_axes_of(r, x, axes))
        return onnx_refuse_product(r, node, "of several images, or with zeros around them");
    if (x->turn && x->turn->rotation.sum.step == 0)
        return onnx_refuse_product(r, node, "one has turned by its place and is not rounded since");
    *factor = x->turn ? x->turn->factor : *factor;
    if (axes->n_dim < 2)
        return onnx_refuse_product(r, node, "one has less than two dimensions");
    return ERR_NONE;
}

/* ---- Dimensions in front ---- */

/* Axes in front of the last two dimensions that are of channels, heads, or of pixels, windows. */
static bool is_in_front(const struct onnx_axes *a, uint32_t k, uint32_t sides)
{
    return a->axis[k].dim + 2 < a->n_dim && sides & 1U << a->axis[k].side;
}

static uint32_t count_front(const struct onnx_axes *a, uint32_t sides)
{
    uint32_t n = 1;

    for (uint32_t k = 0; k < a->n; k++)
        n *= is_in_front(a, k, sides) ? a->axis[k].size : 1;
    return n;
}

/* Where number i of those is: adds to at[side]. */
static void locate_front(const struct onnx_axes *a, uint32_t sides, uint32_t i,
                         uint32_t at[ONNX_SIDES])
{
    for (uint32_t k = a->n; k-- > 0;)
        if (is_in_front(a, k, sides)) {
            const struct onnx_axis *x = &a->axis[k];
            at[x->side] += x->order ? x->order[i % x->size] : i % x->size * x->step;
            i /= x->size;
        }
}

uint32_t onnx_count_heads(const struct onnx_axes *a)
{
    return count_front(a, CHANNELS);
}

uint32_t onnx_count_windows(const struct onnx_axes *a)
{
    return count_front(a, PIXELS);
}

uint32_t onnx_head_channel(const struct onnx_axes *a, uint32_t head)
{
    uint32_t at[ONNX_SIDES] = {0};

    locate_front(a, CHANNELS, head, at);
    return a->first[ONNX_CHANNEL] + at[ONNX_CHANNEL];
}

void onnx_locate_window(const struct onnx_axes *a, uint32_t window, uint32_t at[ONNX_SIDES])
{
    locate_front(a, PIXELS, window, at);
}

/* ---- Whether they fit ---- */

/* What is contracted are the channels that turned, in their order. */
static enum err check_turn(const struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_turn *turn, const struct onnx_axes *a)
{
    const struct onnx_axis *x = NULL;
    uint32_t n = 0;

    for (uint32_t k = 0; k < a->n; k++)
        if (a->axis[k].dim + 1 == a->n_dim) {
            x = &a->axis[k];
            n++;
        }
    if (n == 1 && x->size == turn->head && x->step == turn->axis.step &&
        x->order == turn->axis.order)
        return ERR_NONE;
    return onnx_refuse_product(r, node, "channels that turned in pairs are taken apart");
}

enum err onnx_check_operand(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_meaning *x, const struct onnx_axes *a)
{
    const uint32_t n = a->n_dim;

    if (!axes_within(a, n - 2, n - 1, PIXELS) || !axes_within(a, n - 1, n, CHANNELS))
        return onnx_refuse_product(r, node, "what is contracted are not the channels of heads");
    if (!axes_cover(a, 0, n - 1, ONNX_ROW, x->shape.height) ||
        !axes_cover(a, 0, n - 1, ONNX_COLUMN, x->shape.width))
        return onnx_refuse_product(r, node, "some of the tokens are missing");
    return x->turn ? check_turn(r, node, x->turn, a) : ERR_NONE;
}

/* Whether two maps have the same windows in front. */
static bool same_windows(const struct onnx_axes *a, const struct onnx_axes *b)
{
    uint32_t i = 0, k = 0;

    for (; i < a->n || k < b->n; i++, k++) {
        while (i < a->n && !is_in_front(a, i, PIXELS))
            i++;
        while (k < b->n && !is_in_front(b, k, PIXELS))
            k++;
        if (i == a->n || k == b->n)
            return i == a->n && k == b->n;
        const struct onnx_axis *x = &a->axis[i], *y = &b->axis[k];
        if (x->dim != y->dim || x->side != y->side || x->size != y->size || x->step != y->step ||
            x->order != y->order)
            return false;
    }
    return true;
}

static bool same_pixels(const struct onnx_meaning *a, const struct onnx_meaning *b)
{
    return a->shape.height == b->shape.height && a->shape.width == b->shape.width;
}

bool onnx_same_tokens(const struct onnx_meaning *x, const struct onnx_axes *a,
                      const struct onnx_meaning *y, const struct onnx_axes *b)
{
    return same_pixels(x, y) && axes_alike(a, a->n_dim - 2, b, b->n_dim - 2) && same_windows(a, b);
}
