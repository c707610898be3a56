/* onnx/float/op_softmax.c -- Softmax and LogSoftmax. */
#include <math.h>
#include <stddef.h>

#include "onnx/float/op.h"

/* Of n values, each `step` behind the last: exp(x - largest) / their sum, or its logarithm. */
static void normalise(const float *x, size_t n, size_t step, bool logarithm, float *out)
{
    double most = -INFINITY, sum = 0;

    for (size_t i = 0; i < n; i++)
        most = fmax(most, (double)x[i * step]);
    for (size_t i = 0; i < n; i++)
        sum += exp((double)x[i * step] - most);
    for (size_t i = 0; i < n; i++) {
        double v = (double)x[i * step] - most;
        out[i * step] = (float)(logarithm ? v - log(sum) : exp(v) / sum);
    }
}

/* Along an axis, the last by default; before set 13 over all dimensions from the second on. */
static enum err softmax(struct float_call *c, bool logarithm)
{
    const struct array *x = c->in[0];
    int64_t axis = c->opset < 13 ? 1 : -1;
    uint32_t k = 0;
    enum err e = onnx_attr_int(c->node, "axis", &axis, c->msg);

    if (!e)
        e = float_axis(c, axis, x->n_dim, &k);
    if (!e && !x->real)
        e = FLOAT_REFUSE(c, "reads %s: want float", onnx_type_name(x->type));
    if (!e)
        e = float_out(c, x->type, x->n_dim, x->dim);
    if (e)
        return e;
    struct float_split s = float_split(x, k);
    if (c->opset < 13)
        s = (struct float_split){s.before, s.at * s.behind, 1};
    for (size_t i = 0; i < s.before; i++)
        for (size_t j = 0; j < s.behind; j++) {
            size_t at = i * s.at * s.behind + j;
            normalise(x->real + at, s.at, s.behind, logarithm, c->out.real + at);
        }
    return ERR_NONE;
}

static enum err eval_softmax(struct float_call *c)
{
    return softmax(c, false);
}

static enum err eval_log_softmax(struct float_call *c)
{
    return softmax(c, true);
}

const struct float_operator float_ops_softmax[] = {
    {"LogSoftmax", 1, 1, "axis", eval_log_softmax},
    {"Softmax",    1, 1, "axis", eval_softmax},
    {0},
};
