/* onnx/float/op_transposed.c -- ConvTranspose, along one or two axes: each value of the map,
 * times the kernel, is added where it falls. One axis is the second of two. */
#include <inttypes.h>

#include "onnx/float/op.h"
#include "onnx/transposed.h"

struct scatter { // of one input channel to one output channel
    const struct transposed *t;
    const float *in, *kernel;
    float       *out;
};

/* Outputs first .. first + (n - 1) * step, of which [*skip, *end) lie in a map of `length`. */
static void inside(int64_t first, uint32_t step, uint32_t n, uint32_t length, int64_t *skip,
                   int64_t *end)
{
    *skip = first < 0 ? (-first + step - 1) / step : 0;
    *end = first < length ? (length - 1 - first) / step + 1 : 0;
    *end = *end < n ? *end : n;
}

/* Where output of weight 0 of input 0 falls along an axis. */
static int64_t begin(const struct transposed *t, uint32_t axis)
{
    return t->before[axis] - (int64_t)(t->kernel[axis] - 1) * t->dilation[axis];
}

/* One row of the map, times one weight. */
static void add_row(const struct scatter *s, const float *in, float *out, uint32_t column,
                    float weight)
{
    const struct transposed *t = s->t;
    uint32_t last = t->n_axis - 1, step = t->stride[last];
    int64_t skip, end, first = begin(t, last) + (int64_t)column * t->dilation[last];

    inside(first, step, t->in[last], t->out[last], &skip, &end);
    for (int64_t x = skip; x < end; x++)
        out[first + x * step] += weight * in[x];
}

static void scatter(const struct scatter *s)
{
    const struct transposed *t = s->t;
    bool flat = t->n_axis == 1;
    uint32_t rows = flat ? 1 : t->in[0], k = flat ? 1 : t->kernel[0], last = t->n_axis - 1;

    for (uint32_t i = 0; i < k; i++)
        for (uint32_t y = 0; y < rows; y++) {
            int64_t row = flat ? 0
                               : begin(t, 0) + (int64_t)i * t->dilation[0] +
                                     (int64_t)y * t->stride[0];
            if (row < 0 || (!flat && row >= t->out[0]))
                continue;
            for (uint32_t j = 0; j < t->kernel[last]; j++)
                add_row(s, s->in + (size_t)y * t->in[last], s->out + (size_t)row * t->out[last], j,
                        s->kernel[(size_t)i * t->kernel[last] + j]);
        }
}

static void fill(float *out, size_t n, float v)
{
    for (size_t i = 0; i < n; i++)
        out[i] = v;
}

static void scatter_all(const struct float_call *c, const struct transposed *t)
{
    const struct array *x = c->in[0], *w = c->in[1], *bias = float_has(c, 2) ? c->in[2] : NULL;
    size_t in_n = x->n / ((size_t)x->dim[0] * x->dim[1]), kernel_n = 1, out_n = 1;
    uint32_t outputs = t->groups * t->outputs;

    for (uint32_t i = 0; i < t->n_axis; i++) {
        kernel_n *= t->kernel[i];
        out_n *= t->out[i];
    }
    for (size_t image = 0; image < x->dim[0]; image++)
        for (uint32_t o = 0; o < outputs; o++) {
            uint32_t group = o / t->outputs;
            float *out = c->out.real + (image * outputs + o) * out_n;
            fill(out, out_n, bias ? bias->real[o] : 0);
            for (uint32_t i = group * t->inputs; i < (group + 1) * t->inputs; i++)
                scatter(&(struct scatter){
                    .t = t, .in = x->real + (image * x->dim[1] + i) * in_n, .out = out,
                    .kernel = w->real + ((size_t)i * t->outputs + o % t->outputs) * kernel_n });
        }
}

static enum err eval_conv_transpose(struct float_call *c)
{
    const struct array *x = c->in[0], *w = c->in[1], *bias = float_has(c, 2) ? c->in[2] : NULL;
    uint32_t dim[4];
    struct transposed t;

    if (!x->real || !w->real || w->n_dim != x->n_dim || x->n_dim < 3 || x->n_dim > 4 ||
        w->n == 0 || x->n == 0)
        return FLOAT_REFUSE(c, "a map of %" PRIu32 " and weights of %" PRIu32 " dimensions: want "
                            "float values and 3 or 4 of both, none empty", x->n_dim, w->n_dim);
    enum err e = transposed_read(c->node, x->n_dim - 2, x->dim[1], x->dim + 2, w->dim, &t, c->msg);
    if (e)
        return e;
    if (bias && (!bias->real || bias->n != t.groups * t.outputs))
        return FLOAT_REFUSE(c, "%zu biases for %" PRIu32 " outputs: want one float each", bias->n,
                            t.groups * t.outputs);
    dim[0] = x->dim[0];
    dim[1] = t.groups * t.outputs;
    for (uint32_t i = 0; i < t.n_axis; i++)
        dim[2 + i] = t.out[i];
    e = float_out(c, x->type, x->n_dim, dim);
    if (!e)
        e = float_work(c, c->out.n + (uint64_t)x->n * (w->n / x->dim[1]));
    if (!e)
        scatter_all(c, &t);
    return e;
}

const struct float_operator float_ops_transposed[] = {
    {"ConvTranspose", 2, 3, "auto_pad dilations group kernel_shape output_padding output_shape "
                            "pads strides", eval_conv_transpose},
    {0},
};
