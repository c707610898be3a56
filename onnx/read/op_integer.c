/* onnx/read/op_integer.c -- networks of whole numbers: Floor, Cast to integers, RequantShift.
 *
 * Quantisers for microcontrollers (NEMO and DORY, Quantlab, Deeploy) write networks without
 * QuantizeLinear: weights are whole numbers, stored as floats, and a layer's sums become whole
 * numbers again by Mul, Add, Div, Floor and Clip, in one node (RequantShift) or in several. All
 * scales are 1; the image is uint8 unless its type, or the user, says int8. So a draft that has
 * been rounded down is a layer's map as soon as something reads it but for its bounds, which say
 * what type its bytes have. A sum of maps without Clip is cut to 0 .. 255: the kernels that run
 * such networks (PULP-NN's add) saturate there.
 *
 * Values before Floor, and 1/2, are multiples of some 1 / n (struct onnx_draft.steps). Then
 *
 *     floor(v) = rne(v - 1/2 + 1/(2n))
 *
 * because no value lies at a tie of the right side: the offset joins the bias.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/util.h"
#include "network/precision.h"
#include "onnx/read/reader.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

bool onnx_node_is(const struct onnx_node *node, const char *type)
{
    return node->proto->op_type && strcmp(node->proto->op_type, type) == 0;
}

/* ---- Rounding ---- */

double onnx_common_divisor(double a, double b)
{
    while (b > 0) {
        double rest = fmod(a, b);
        a = b;
        b = rest;
    }
    return a;
}

enum err onnx_draft_floor(struct onnx_reader *r, const struct onnx_node *node,
                          struct onnx_draft *d, double added)
{
    static const double one = 1;
    double positions = 1, low = d->low, high = d->high;

    for (uint64_t k = 0; d->divisor && k < (uint64_t)d->layer.window.kernel[0] *
                                               d->layer.window.kernel[1]; k++)
        positions = fmax(positions, d->divisor[k]);
    double steps = 2 * d->steps * positions; // 1/2 is a multiple of 1 / steps
    double grain = onnx_common_divisor(fmax(2 * d->grain, 1), steps / 2);
    double offset = added - 0.5 + 0.5 * grain / steps;
    enum err e = onnx_draft_scale(r, node, d, 1, &one, &offset);
    for (uint32_t o = 0; o < d->n && !e; o++)
        if (d->unit[o] == 0 && !d->layer.has_residual) // no sum: the number itself
            d->bias[o] = floor(d->bias[o] - offset + added);
    d->low = floor(low + added);
    d->high = floor(high + added);
    d->grain = d->steps = 1;
    d->floored = true;
    return e;
}

static void widen(const struct layer *from, double unit, double *low, double *high)
{
    int32_t least, most;

    layer_range(from, &least, &most);
    double a = unit * (least - from->out_zero), b = unit * (most - from->out_zero);
    *low += fmin(a, b);
    *high += fmax(a, b);
}

/* Bounds of a draft's values, from those of the maps that it scales; infinite for sums. */
static void find_range(const struct onnx_reader *r, const struct onnx_draft *d, double *low,
                       double *high)
{
    const struct layer *l = &d->layer;

    *low = d->low;
    *high = d->high;
    if ((l->kind != LAYER_SCALE && l->kind != LAYER_AVERAGE_POOL) || l->multiplies)
        return;
    double all_low = INFINITY, all_high = -INFINITY;
    for (uint32_t o = 0; o < d->n; o++) {
        double a = d->bias[o], b = a, sign = l->negated && l->negated[o] ? -1 : 1;
        for (uint32_t i = 0; i < l->n_input; i++) {
            double x = d->bias[o], y = x;
            widen(&r->network->layer[l->input[i]], sign * d->unit[o], &x, &y);
            a = fmin(a, x);
            b = fmax(b, y);
        }
        if (l->has_residual)
            widen(&r->network->layer[l->residual], d->residual_scale, &a, &b);
        all_low = fmin(all_low, a);
        all_high = fmax(all_high, b);
    }
    *low = fmax(*low, rint(all_low));
    *high = fmin(*high, rint(all_high));
}

/* The type whose bytes hold a draft's whole numbers. */
static enum err find_type(const struct onnx_reader *r, const struct onnx_node *maker,
                          const struct onnx_draft *d, struct onnx_quantisation *q)
{
    double low, high;

    find_range(r, d, &low, &high);
    if (d->truncated && low < 0)
        return onnx_node_refuse(maker, r->msg, "rounds negative numbers towards zero: want Clip at "
                                "0 behind it, or Floor");
    if (low >= 0 && high <= UINT8_MAX)
        *q = (struct onnx_quantisation){1, 0, false, 0, (int32_t)high};
    else if (low >= INT8_MIN && high <= INT8_MAX)
        *q = (struct onnx_quantisation){1, 0, true, (int32_t)low, max_i32((int32_t)high, 0)};
    else if (low >= 0 && isfinite(high))
        *q = (struct onnx_quantisation){1, 0, false, 0, UINT8_MAX}; // cut, as the kernels do
    else
        return onnx_node_refuse(maker, r->msg, "makes whole numbers from %g to %g: want Clip "
                                "behind it, to 0 .. 255 or -128 .. 127", low, high);
    return ERR_NONE;
}

static bool keeps_open(const struct onnx_node *node)
{
    static const char *const names[] = {"Cast", "Clip", "Floor", "Identity", "Max", "Min", "Relu"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (onnx_node_is(node, names[i]))
            return true;
    return false;
}

static enum err settle_draft(struct onnx_reader *r, uint32_t value)
{
    struct onnx_meaning *m = &r->meaning[value];
    const struct onnx_node *maker = &r->graph.node[r->graph.value[value].index];
    struct onnx_quantisation q;
    uint32_t *list = NULL;
    enum err e = find_type(r, maker, m->draft, &q);

    if (!e)
        e = onnx_new_list(r, maker, 1, &list);
    if (!e)
        e = onnx_draft_quantise(r, maker, m->draft, &q, list);
    if (e)
        return e;
    *m = (struct onnx_meaning){.means = ONNX_PIXELS, .layer = list, .n_layer = 1,
                               .shape = m->shape, .layout = m->layout, .axes = m->axes,
                               .integer = m->integer};
    return ERR_NONE;
}

/* The image as bytes that are its values; unsigned where the file has floats. */
static enum err settle_image(struct onnx_reader *r, struct onnx_meaning *m)
{
    static const uint32_t image = 0;
    int64_t least, most;

    if (!onnx_type_limits(r->image_type, &least, &most))
        onnx_type_limits(TYPE(UINT8), &least, &most);
    const struct onnx_quantisation q = {1, 0, least < 0, (int32_t)least, (int32_t)most};
    enum err e = r->network->n_layer ? ERR_NONE : onnx_add_image(r, m->shape, &q);

    m->means = ONNX_PIXELS;
    m->layer = &image;
    m->n_layer = 1;
    return e;
}

/* Stored floats that are whole numbers, as weights of scale 1. */
static enum err settle_weights(struct onnx_reader *r, const struct onnx_node *node, uint32_t value)
{
    struct onnx_meaning *m = &r->meaning[value];
    struct array scale = {0}, bytes = {0};
    const struct onnx_tensor *t = &m->tensor;
    uint32_t one = 1;
    int32_t type = TYPE(INT8);

    if (m->means != ONNX_STORED || !onnx_type_is_real(t->type) || t->n_dim < 2)
        return ERR_NONE;
    for (size_t i = 0; i < t->n; i++) {
        double w = onnx_tensor_real(t, i);
        if (w != rint(w) || w < INT16_MIN || w > INT16_MAX)
            return onnx_node_refuse(node, r->msg, "weight %zu is %g: want whole numbers from "
                                    "-32768 to 32767, as all the network has", i, w);
        type = w < INT8_MIN || w > INT8_MAX ? TYPE(INT16) : type;
    }
    if (t->n > r->values_left)
        return onnx_node_refuse(node, r->msg, "reads %zu weights: want a smaller network", t->n);
    r->values_left -= t->n;
    enum err e = array_init(&bytes, type, t->n_dim, t->dim) &&
                         array_init(&scale, TYPE(FLOAT), 1, &one)
                     ? ERR_NONE
                     : err_set(r->msg, ERR_MEMORY, "no memory for weights");
    for (size_t i = 0; i < t->n && !e; i++)
        bytes.integer[i] = (int64_t)onnx_tensor_real(t, i);
    struct onnx_meaning w = {.means = ONNX_WEIGHTS};
    if (!e) {
        scale.real[0] = 1;
        e = onnx_keep_array(r, &bytes, &w.tensor);
    }
    if (!e)
        e = onnx_keep_array(r, &scale, &w.scale);
    if (!e)
        *m = w;
    array_release(&bytes);
    array_release(&scale);
    return e;
}

static bool is_product(const struct onnx_node *node)
{
    return onnx_node_is(node, "Conv") || onnx_node_is(node, "Gemm") || onnx_node_is(node, "MatMul");
}

enum err onnx_integer_settle(struct onnx_reader *r, const struct onnx_node *node, uint32_t i)
{
    uint32_t value = node->input[i];
    struct onnx_meaning *m = &r->meaning[value];

    if (m->means == ONNX_DRAFT && m->draft->floored && !keeps_open(node))
        return settle_draft(r, value);
    if (r->integers && m->means == ONNX_IMAGE && !onnx_node_is(node, "Shape"))
        return settle_image(r, m);
    if (r->integers && i < 2 && is_product(node))
        return settle_weights(r, node, value);
    return ERR_NONE;
}

enum err onnx_integer_settle_end(struct onnx_reader *r, uint32_t value)
{
    const struct onnx_meaning *m = &r->meaning[value];

    return m->means == ONNX_DRAFT && m->draft->floored ? settle_draft(r, value) : ERR_NONE;
}

/* ---- Operators ---- */

/* Of whole numbers it does nothing. */
static enum err read_floor(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x = onnx_passed_on(r, node, 0);
    enum err e = ERR_NONE;

    if (x.means != ONNX_DRAFT || !x.draft->floored) {
        e = onnx_take_open(r, node, 0, &x);
        if (!e)
            e = onnx_draft_floor(r, node, x.draft, 0);
    }
    if (!e)
        onnx_output(r, node, x);
    return e;
}

/* Attribute `name`, a number or a tensor of one. */
static enum err read_number(const struct onnx_reader *r, const struct onnx_node *node,
                            const char *name, double *v)
{
    for (size_t i = 0; i < node->proto->n_attribute; i++) {
        const Onnx__AttributeProto *a = node->proto->attribute[i];
        struct onnx_tensor t;
        if (strcmp(a->name ? a->name : "", name) != 0)
            continue;
        if (a->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT)
            *v = (double)a->i;
        else if (a->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT)
            *v = (double)a->f;
        else if (a->t && !onnx_tensor_view(&t, a->t, r->msg) && t.n == 1)
            *v = onnx_tensor_real(&t, 0);
        else
            return onnx_node_refuse(node, r->msg, "attribute %s is no number: want one", name);
    }
    return ERR_NONE;
}

/* Clip(floor((x * mul + add) / div + 1/2)) to n_levels_out numbers, signed or not. */
static enum err read_requant_shift(struct onnx_reader *r, const struct onnx_node *node)
{
    double div = 0, levels = 256, is_signed = 1;
    struct onnx_meaning x;
    enum err e = read_number(r, node, "div", &div);

    if (!e)
        e = read_number(r, node, "n_levels", &levels);
    if (!e)
        e = read_number(r, node, "n_levels_out", &levels);
    if (!e)
        e = read_number(r, node, "signed", &is_signed);
    if (!e && (!(div >= 1) || div != rint(div) || div > 0x1p31 || !(levels >= 2) ||
               levels > 256 || levels != rint(levels)))
        e = onnx_node_refuse(node, r->msg, "divides by %g to %g levels: want a whole number, and "
                             "2 to 256 levels", div, levels);
    if (!e)
        e = onnx_take_open(r, node, 0, &x);
    if (!e)
        e = onnx_scale_open(r, node, &x, div);
    if (!e)
        e = onnx_draft_floor(r, node, x.draft, 0.5);
    double low = is_signed != 0 ? -floor(levels / 2) : 0;
    if (!e)
        e = onnx_draft_clip(r, node, x.draft, low, low + levels - 1);
    if (!e)
        onnx_output(r, node, x);
    return e;
}

const struct onnx_operator onnx_ops_integer[] = {
    {"Floor",        1, 1, 1, "", read_floor},
    {"RequantShift", 0, 3, 3, "div n_levels n_levels_out signed", read_requant_shift},
    {0},
};
