/* onnx/float/op_elementwise.c -- value by value: arithmetic with broadcasting, Relu, Clip,
 * Cast, BatchNormalization, and what is nothing at inference: Identity, Dropout. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "onnx/float/op.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* ---- Two operands ---- */

enum arithmetic { ADD, SUB, MUL, DIV, MAX, MIN, POW, PRELU };

static float on_reals(enum arithmetic op, float a, float b)
{
    switch (op) {
    case ADD:
        return a + b;
    case SUB:
        return a - b;
    case MUL:
        return a * b;
    case DIV:
        return a / b;
    case MAX:
        return isnan(a) || a > b ? a : b;
    case MIN:
        return isnan(a) || a < b ? a : b;
    case POW:
        return (float)pow((double)a, (double)b);
    case PRELU:
        return a < 0 ? a * b : a;
    }
    return NAN;
}

static int64_t power(uint64_t a, int64_t n)
{
    uint64_t v = 1;

    if (n < 0) // of whole numbers, only 1 and -1 have one
        return a == 1 ? 1 : a == UINT64_MAX ? (n % 2 ? -1 : 1) : 0;
    for (; n > 0; n /= 2, a *= a)
        v *= n % 2 ? a : 1;
    return (int64_t)v;
}

/* In 64 bits that wrap; the caller has checked that b is not 0 where it divides. */
static int64_t on_integers(enum arithmetic op, int64_t a, int64_t b)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b;

    switch (op) {
    case ADD:
        return (int64_t)(x + y);
    case SUB:
        return (int64_t)(x - y);
    case MUL:
        return (int64_t)(x * y);
    case DIV:
        return b == -1 ? (int64_t)(0 - x) : a / b;
    case MAX:
        return a > b ? a : b;
    case MIN:
        return a < b ? a : b;
    case POW:
        return power(x, b);
    case PRELU:
        return a < 0 ? (int64_t)(x * y) : a;
    }
    return 0;
}

/* Steps of an operand for each dim of the result; 0 where it is repeated. */
static void steps_of(const struct array *a, const struct array *out, size_t step[ONNX_MOST_DIMS])
{
    size_t size = 1;
    uint32_t skip = out->n_dim - a->n_dim;

    memset(step, 0, ONNX_MOST_DIMS * sizeof *step);
    for (uint32_t i = a->n_dim; i-- > 0; size *= a->dim[i])
        step[skip + i] = a->dim[i] == 1 ? 0 : size;
}

static enum err broadcast(struct float_call *c, const struct array *a, const struct array *b)
{
    uint32_t n_dim = a->n_dim > b->n_dim ? a->n_dim : b->n_dim, dim[ONNX_MOST_DIMS];

    for (uint32_t i = 0; i < n_dim; i++) {
        uint32_t x = i + a->n_dim < n_dim ? 1 : a->dim[i + a->n_dim - n_dim];
        uint32_t y = i + b->n_dim < n_dim ? 1 : b->dim[i + b->n_dim - n_dim];
        if (x != y && x != 1 && y != 1)
            return FLOAT_REFUSE(c, "operands of length %" PRIu32 " and %" PRIu32 " along one axis: "
                                "want the same, or 1", x, y);
        dim[i] = x == 1 ? y : x;
    }
    return float_out(c, a->type, n_dim, dim);
}

static void compute(struct array *out, enum arithmetic op, size_t i, const struct array *a,
                    size_t at_a, const struct array *b, size_t at_b)
{
    if (out->real)
        out->real[i] = on_reals(op, a->real[at_a], b->real[at_b]);
    else
        out->integer[i] =
            array_wrap(out->type, on_integers(op, a->integer[at_a], b->integer[at_b]));
}

static enum err combine_two(struct float_call *c, enum arithmetic op, const struct array *a,
                            const struct array *b)
{
    size_t step_a[ONNX_MOST_DIMS], step_b[ONNX_MOST_DIMS], place[ONNX_MOST_DIMS] = {0};

    if (a->type != b->type && !(a->real && b->real)) // floats of any size are one
        return FLOAT_REFUSE(c, "operands of types %s and %s: want the same",
                            onnx_type_name(a->type), onnx_type_name(b->type));
    for (size_t i = 0; op == DIV && b->integer && i < b->n; i++)
        if (b->integer[i] == 0)
            return FLOAT_REFUSE(c, "divides integers by 0: want another divisor");
    enum err e = broadcast(c, a, b);
    if (e)
        return e;
    steps_of(a, &c->out, step_a);
    steps_of(b, &c->out, step_b);
    for (size_t i = 0, at_a = 0, at_b = 0; i < c->out.n; i++) {
        compute(&c->out, op, i, a, at_a, b, at_b);
        for (uint32_t k = c->out.n_dim; k-- > 0;) { // on to the next place, carrying
            at_a += step_a[k];
            at_b += step_b[k];
            if (++place[k] < c->out.dim[k])
                break;
            at_a -= step_a[k] * place[k];
            at_b -= step_b[k] * place[k];
            place[k] = 0;
        }
    }
    return ERR_NONE;
}

static enum err combine(struct float_call *c, enum arithmetic op)
{
    return combine_two(c, op, c->in[0], c->in[1]);
}

/* Any number of operands, from the first on. */
static enum err combine_all(struct float_call *c, enum arithmetic op)
{
    struct array so_far = {0};
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < c->n_in && !e; i++)
        if (!c->in[i])
            e = FLOAT_REFUSE(c, "input %" PRIu32 " is left out: want it", i);
    if (!e && c->n_in == 1)
        return float_call_operator(c, "Identity", c->in, 1);
    for (uint32_t i = 1; i < c->n_in && !e; i++) {
        e = combine_two(c, op, i == 1 ? c->in[0] : &so_far, c->in[i]);
        array_release(&so_far);
        so_far = c->out;
        c->out = (struct array){0};
    }
    c->out = so_far;
    return e;
}

/* The exponent may be of another type. */
static enum err eval_pow(struct float_call *c)
{
    struct array b = {0};

    if (c->in[0]->type == c->in[1]->type)
        return combine(c, POW);
    if (!array_init(&b, c->in[0]->type, c->in[1]->n_dim, c->in[1]->dim))
        return float_no_memory(c);
    for (size_t i = 0; i < b.n; i++)
        array_set(&b, i, array_get(c->in[1], i));
    enum err e = combine_two(c, POW, c->in[0], &b);
    array_release(&b);
    return e;
}

static enum err eval_max(struct float_call *c) { return combine_all(c, MAX); }
static enum err eval_min(struct float_call *c) { return combine_all(c, MIN); }
static enum err eval_sum(struct float_call *c) { return combine_all(c, ADD); }

/* Before set 7 a list of slopes was one for each channel. */
static enum err eval_prelu(struct float_call *c)
{
    struct array slope = *c->in[1]; // a view, with other dimensions

    if (c->opset < 7 && slope.n_dim == 1 && c->in[0]->n_dim >= 2)
        for (slope.n_dim = 1; slope.n_dim < c->in[0]->n_dim - 1; slope.n_dim++)
            slope.dim[slope.n_dim] = 1;
    return combine_two(c, PRELU, c->in[0], &slope);
}

static enum err eval_add(struct float_call *c) { return combine(c, ADD); }
static enum err eval_sub(struct float_call *c) { return combine(c, SUB); }
static enum err eval_mul(struct float_call *c) { return combine(c, MUL); }
static enum err eval_div(struct float_call *c) { return combine(c, DIV); }

/* ---- One operand ---- */

static enum err copy_input(struct float_call *c)
{
    const struct array *x = c->in[0];
    enum err e = float_out(c, x->type, x->n_dim, x->dim);

    if (!e && x->real)
        memcpy(c->out.real, x->real, x->n * sizeof *x->real);
    else if (!e)
        memcpy(c->out.integer, x->integer, x->n * sizeof *x->integer);
    return e;
}

/* Relu and Clip keep NaN. */
static enum err clip(struct float_call *c, double low, double high)
{
    enum err e = copy_input(c);

    for (size_t i = 0; i < c->out.n && !e; i++) {
        double v = array_get(&c->out, i), cut = v < low ? low : v;
        if (cut > high) // all of them, where low is above high
            cut = high;
        if (cut < v || cut > v)
            array_set(&c->out, i, cut);
    }
    return e;
}

static enum err eval_relu(struct float_call *c)
{
    return clip(c, 0, INFINITY);
}

static enum err bound(const struct float_call *c, uint32_t i, double *v)
{
    if (!float_has(c, i))
        return ERR_NONE;
    if (c->in[i]->n != 1)
        return FLOAT_REFUSE(c, "a bound of %zu values: want one", c->in[i]->n);
    *v = array_get(c->in[i], 0);
    return ERR_NONE;
}

/* Bounds are attributes up to set 10, inputs later. */
static enum err eval_clip(struct float_call *c)
{
    double low = -INFINITY, high = INFINITY;
    enum err e = onnx_attr_float(c->node, "min", &low, c->msg);

    if (!e)
        e = onnx_attr_float(c->node, "max", &high, c->msg);
    if (!e)
        e = bound(c, 1, &low);
    if (!e)
        e = bound(c, 2, &high);
    return e ? e : clip(c, low, high);
}

static enum err eval_dropout(struct float_call *c)
{
    double ratio = 0;
    int64_t seed = 0;

    if (float_has(c, 2) && c->in[2]->n == 1 && array_get(c->in[2], 0) != 0)
        return FLOAT_REFUSE(c, "is in training mode: want a model exported for inference");
    enum err e = onnx_attr_float(c->node, "ratio", &ratio, c->msg);
    if (!e)
        e = onnx_attr_int(c->node, "seed", &seed, c->msg);
    return e ? e : copy_input(c);
}

static enum err eval_cast(struct float_call *c)
{
    const struct array *x = c->in[0];
    int64_t to = 0;
    enum err e = onnx_attr_int(c->node, "to", &to, c->msg);

    int64_t least, most;
    if (!e && (to < 0 || to > INT32_MAX ||
               (!onnx_type_is_real((int32_t)to) && !onnx_type_limits((int32_t)to, &least, &most))))
        e = FLOAT_REFUSE(c, "casts to type %" PRId64 ": want floats, integers of 4, 8, 32 or 64 "
                         "bits, or bool", to);
    if (!e)
        e = float_out(c, (int32_t)to, x->n_dim, x->dim);
    for (size_t i = 0; i < x->n && !e; i++)
        if (c->out.real)
            c->out.real[i] = array_rounded((int32_t)to, (float)array_get(x, i));
        else if (to == TYPE(BOOL))
            c->out.integer[i] = array_get(x, i) != 0;
        else if (x->integer)
            c->out.integer[i] = array_wrap((int32_t)to, x->integer[i]);
        else
            array_set(&c->out, i, array_get(x, i));
    return e;
}

/* (x - mean) / sqrt(variance + epsilon) * scale + bias, one of each for every channel. */
static enum err eval_batch_normalization(struct float_call *c)
{
    const struct array *x = c->in[0];
    double epsilon = 1e-5, momentum = 0;
    int64_t spatial = 1, training = 0, testing = 1; // set 6 has is_test, which is 0 by default
    enum err e = onnx_attr_float(c->node, "epsilon", &epsilon, c->msg);

    if (!e)
        e = onnx_attr_float(c->node, "momentum", &momentum, c->msg);
    if (!e)
        e = onnx_attr_int(c->node, "spatial", &spatial, c->msg);
    if (!e)
        e = onnx_attr_int(c->node, "training_mode", &training, c->msg);
    if (!e)
        e = onnx_attr_int(c->node, "is_test", &testing, c->msg);
    if (!e && (training || !testing || !spatial))
        e = FLOAT_REFUSE(c, "is in training mode or not spatial: want a model exported for "
                         "inference");
    if (!e && (x->n_dim < 2 || !x->real))
        e = FLOAT_REFUSE(c, "a map of %" PRIu32 " dimensions: want 2 or more, of float", x->n_dim);
    for (int i = 1; i < 5 && !e; i++)
        if (!c->in[i]->real || c->in[i]->n != x->dim[1])
            e = FLOAT_REFUSE(c, "input %d has %zu values: want %" PRIu32 ", one for each channel",
                             i, c->in[i]->n, x->dim[1]);
    if (!e)
        e = copy_input(c);
    if (e)
        return e;
    struct float_split s = float_split(x, 1);
    for (size_t i = 0; i < x->n; i++) {
        size_t ch = i / s.behind % s.at;
        double factor = (double)c->in[1]->real[ch] / sqrt((double)c->in[4]->real[ch] + epsilon);
        c->out.real[i] = (float)(((double)x->real[i] - (double)c->in[3]->real[ch]) * factor +
                                 (double)c->in[2]->real[ch]);
    }
    return ERR_NONE;
}

const struct float_operator float_ops_elementwise[] = {
    {"Add",      2, 2, "broadcast", eval_add},
    {"Sub",      2, 2, "broadcast", eval_sub},
    {"Mul",      2, 2, "broadcast", eval_mul},
    {"Div",      2, 2, "broadcast", eval_div},
    {"Max",      1, UINT32_MAX, "", eval_max},
    {"Min",      1, UINT32_MAX, "", eval_min},
    {"Sum",      1, UINT32_MAX, "", eval_sum},
    {"Pow",      2, 2, "broadcast", eval_pow},
    {"PRelu",    2, 2, "", eval_prelu},
    {"Relu",     1, 1, "", eval_relu},
    {"Clip",     1, 3, "min max", eval_clip},
    {"Cast",     1, 1, "round_mode:24 saturate:19 to", eval_cast},
    {"Identity", 1, 1, "", copy_input},
    {"Dropout",  1, 3, "is_test ratio seed:12", eval_dropout},
    {"BatchNormalization", 5, 5, "epsilon is_test momentum spatial training_mode:14",
     eval_batch_normalization},
    {0},
};
