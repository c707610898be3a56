/* onnx/read/op_transposed.c -- ConvTranspose, as transposed.h has it: a scaling layer whose
 * window sets pixels apart, then a convolution that steps by 1. Where pads cut the map, zeros that
 * are added to the kernel do it. */
#include <inttypes.h>
#include <string.h>

#include "onnx/read/reader.h"
#include "onnx/transposed.h"

/* The node under another name: "up" becomes "up_apart". */
static enum err name_apart(struct onnx_reader *r, const struct onnx_node *node,
                           struct onnx_node *own)
{
    const Onnx__NodeProto *from = node->proto;
    const char *name = from->name && *from->name ? from->name : from->output[0];
    Onnx__NodeProto *proto = onnx_keep(r, 1, sizeof *proto);
    char *text = onnx_keep(r, strlen(name) + sizeof "_apart", 1);

    if (!proto || !text)
        return err_set(r->msg, ERR_MEMORY, "no memory for a name");
    strcpy(text, name);
    strcat(text, "_apart");
    *proto = *from;
    proto->name = text;
    *own = *node;
    own->proto = proto;
    return ERR_NONE;
}

/* x with zeros between its pixels, as a layer of its own. */
static enum err set_apart(struct onnx_reader *r, const struct onnx_node *node,
                          const struct window *w, struct onnx_meaning *x)
{
    const struct onnx_quantisation q = onnx_quantisation_of_all(r, x);
    struct onnx_node own;
    struct onnx_draft *d;
    uint32_t *list;
    enum err e = name_apart(r, node, &own);

    if (!e)
        e = onnx_new_list(r, node, 1, &list);
    if (!e)
        e = onnx_draft_digital(r, &own, x, LAYER_SCALE, &d);
    if (e)
        return e;
    d->layer.window = *w;
    d->layer.out.height = (x->shape.height - 1) * (w->again[0] + 1) + 1;
    d->layer.out.width = (x->shape.width - 1) * (w->again[1] + 1) + 1;
    x->shape = d->layer.out;
    x->layer = list;
    x->n_layer = 1;
    return onnx_draft_quantise(r, node, d, &q, list);
}

/* How far the kernel is lengthened before and behind along an axis, in whole steps; the padding
 * that is left is the window's. */
static enum err find_window(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct transposed *t, uint32_t k, int axis, uint32_t more[2],
                            struct window *w)
{
    const int64_t step = t->dilation[k], pad[] = {t->before[k], t->behind[k]};
    int64_t length = t->kernel[k];

    for (int end = 0; end < 2; end++) {
        int64_t n = pad[end] < 0 ? (-pad[end] + step - 1) / step : 0;
        int64_t left = pad[end] + n * step;
        length += n;
        if (length > UINT16_MAX || left > UINT16_MAX)
            return onnx_node_refuse(node, r->msg, "pads that lengthen its kernel to %" PRId64
                                    ", or leave %" PRId64 ": want at most %d", length, left,
                                    UINT16_MAX);
        more[end] = (uint32_t)n;
        (end == 0 ? w->pad_before : w->pad_after)[axis] = (uint32_t)left;
    }
    w->kernel[axis] = (uint32_t)length;
    w->dilation[axis] = t->dilation[k];
    return ERR_NONE;
}

/* Entry of a list of scales or zero points that is weight i's. */
static size_t entry_of(const struct onnx_meaning *w, const struct onnx_tensor *list, size_t i)
{
    size_t behind = w->tensor.n / w->tensor.dim[0];

    if (list->n == 1)
        return 0;
    return w->axis == 0 ? i / behind : i / (behind / w->tensor.dim[1]) % w->tensor.dim[1];
}

/* Whether all weights of an output have one entry. */
static bool is_one_per_output(const struct onnx_meaning *w, const struct onnx_tensor *list,
                              const struct transposed *t)
{
    return list->n <= 1 || (w->axis == 1 && list->n == t->outputs) ||
           (w->axis == 0 && list->n == w->tensor.dim[0] && t->inputs == 1);
}

/* Weights as a convolution has them, less their zero points, and their scales. */
struct turned {
    struct array weight, scale;
};

static enum err turn(const struct onnx_reader *r, const struct onnx_node *node,
                     const struct onnx_meaning *w, const struct transposed *t,
                     const uint32_t more[2][2], struct turned *to)
{
    const uint32_t *dim = to->weight.dim, rows = t->n_axis > 1 ? t->kernel[0] : 1;
    const uint32_t columns = t->kernel[t->n_axis - 1];
    const size_t n = transposed_weights(t), wide = dim[to->weight.n_dim - 1];
    const size_t high = to->weight.n_dim > 3 ? dim[2] : 1;

    for (size_t i = 0; i < n; i++) {
        size_t place = transposed_place(t, i), at = place % ((size_t)rows * columns);
        size_t kernel = place / ((size_t)rows * columns); // of one input, one output
        size_t row = rows - 1 - at / columns + more[0][0], output = kernel / t->inputs;
        size_t column = columns - 1 - at % columns + more[1][0];
        int64_t v = onnx_tensor_integer(&w->tensor, i);
        if (w->zero.n)
            v -= onnx_tensor_integer(&w->zero, entry_of(w, &w->zero, i));
        if (v < INT8_MIN || v > INT8_MAX)
            return onnx_node_refuse(node, r->msg, "weight %zu less its zero point is %" PRId64
                                    ": want int8, -128 to 127", i, v);
        to->weight.integer[(kernel * high + row) * wide + column] = v;
        to->scale.real[output] =
            (float)onnx_tensor_real(&w->scale, entry_of(w, &w->scale, i));
    }
    return ERR_NONE;
}

/* The weights of the convolution, of dimensions dim[n_dim]. */
static enum err turn_weights(struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_meaning *w, const struct transposed *t,
                             uint32_t n_dim, const uint32_t *dim, const uint32_t more[2][2],
                             struct onnx_meaning *out)
{
    uint64_t n = 1;
    struct turned to = {0};
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < n_dim; i++) {
        if (n * dim[i] > r->weights_left)
            return onnx_node_refuse(node, r->msg, "pads that lengthen its kernel to %" PRIu32
                                    ": want at most 8 times the file's size in all", dim[i]);
        n *= dim[i];
    }
    if (!is_one_per_output(w, &w->scale, t) || !is_one_per_output(w, &w->zero, t))
        return onnx_node_refuse(node, r->msg, "the scales of its weights run along axis %" PRIu32
                                ": want one for each output, axis 1", w->axis);
    if (!array_init(&to.weight, ONNX__TENSOR_PROTO__DATA_TYPE__INT8, n_dim, dim) ||
        !array_init(&to.scale, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 1, dim))
        e = err_set(r->msg, ERR_MEMORY, "no memory for weights");
    *out = (struct onnx_meaning){.means = ONNX_WEIGHTS};
    if (!e)
        e = turn(r, node, w, t, more, &to);
    if (!e)
        e = onnx_keep_array(r, &to.weight, &out->tensor);
    if (!e)
        e = onnx_keep_array(r, &to.scale, &out->scale);
    array_release(&to.weight);
    array_release(&to.scale);
    return e;
}

/* A convolution of x that steps by 1. */
static enum err convolve(struct onnx_reader *r, const struct onnx_node *node,
                         const struct onnx_meaning *x, const struct transposed *t)
{
    const struct onnx_meaning *bias = onnx_has_input(node, 2) ? onnx_input(r, node, 2) : NULL;
    const bool flat = t->n_axis == 1;
    const uint32_t outputs = t->groups * t->outputs;
    struct window w = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    uint32_t more[2][2] = {{0}};
    struct onnx_meaning weights;
    struct onnx_draft *d;
    enum err e = ERR_NONE;

    for (uint32_t k = 0; k < t->n_axis && !e; k++)
        e = find_window(r, node, t, k, (int)k + flat, more[k + flat], &w);
    const uint32_t dim[] = {outputs, t->inputs, w.kernel[flat], w.kernel[1]};
    if (!e)
        e = turn_weights(r, node, onnx_input(r, node, 1), t, flat ? 3 : 4, dim,
                         (const uint32_t(*)[2])more, &weights);
    const struct onnx_affine affine = {.weights = &weights, .bias = bias, .alpha = 1, .beta = 1};
    if (!e)
        e = onnx_draft_affine(r, node, x, &affine, &d);
    if (e)
        return e;
    d->layer.kind = LAYER_CONV;
    d->layer.groups = t->groups;
    d->layer.window = w;
    d->layer.out = (struct shape){flat ? 1 : t->out[0], t->out[t->n_axis - 1], outputs};
    onnx_output(r, node, (struct onnx_meaning){.means = ONNX_DRAFT, .draft = d,
                                               .shape = d->layer.out, .layout = x->layout});
    return ERR_NONE;
}

static enum err read_conv_transpose(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning *weights = onnx_input(r, node, 1);
    struct window apart = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .apart = true};
    struct onnx_meaning x;
    struct transposed t;
    enum err e = onnx_take_pixels(r, node, 0, &x);

    if (!e)
        e = onnx_check_layout(r, node, &x);
    if (e)
        return e;
    const bool flat = x.layout == ONNX_NCW;
    e = onnx_check_weights(r, node, weights, flat ? 3 : 4);
    const uint32_t in[] = {flat ? x.shape.width : x.shape.height, x.shape.width};
    if (!e)
        e = transposed_read(node, flat ? 1 : 2, x.shape.channels, in, weights->tensor.dim, &t,
                            r->msg);
    for (uint32_t k = 0; !e && k < t.n_axis; k++)
        apart.again[k + flat] = t.stride[k] - 1;
    if (!e && (apart.again[0] || apart.again[1]))
        e = set_apart(r, node, &apart, &x);
    return e ? e : convolve(r, node, &x, &t);
}

const struct onnx_operator onnx_ops_transposed[] = {
    {"ConvTranspose", 1, 2, 3, "auto_pad dilations group kernel_shape output_padding output_shape "
                               "pads strides", read_conv_transpose},
    {0},
};
