/* test/naive_onnx.c -- see naive_onnx.h. */
#include "test/naive_onnx.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/tensor.h"

typedef struct naive_tensor tensor;

/* ---- values ---- */

static tensor make(uint32_t n_dim, const int64_t *dim)
{
    tensor t = { .n_dim = n_dim, .n = 1 };

    for (uint32_t k = 0; k < n_dim; k++) {
        t.dim[k] = dim[k];
        t.n *= (size_t)dim[k];
    }
    t.v = calloc(t.n + 1, sizeof *t.v);
    assert_non_null(t.v);
    return t;
}

static void keep(struct naive_onnx *o, const char *name, tensor t)
{
    o->tensor = realloc(o->tensor, (o->n + 1) * sizeof *o->tensor);
    assert_non_null(o->tensor);
    t.name = name;
    o->tensor[o->n++] = t;
}

const struct naive_tensor *naive_onnx_find(const struct naive_onnx *o, const char *name)
{
    for (size_t i = 0; i < o->n; i++)
        if (strcmp(o->tensor[i].name, name) == 0)
            return &o->tensor[i];
    fail_msg("no value %s", name);
    return NULL;
}

void naive_onnx_release(struct naive_onnx *o)
{
    for (size_t i = 0; i < o->n; i++) {
        free(o->tensor[i].v);
        free(o->tensor[i].divisor);
    }
    free(o->tensor);
    *o = (struct naive_onnx){ 0 };
}

static const tensor *in(const struct naive_onnx *o, const Onnx__NodeProto *node, size_t i)
{
    return naive_onnx_find(o, node->input[i]);
}

/* ---- attributes ---- */

static const Onnx__AttributeProto *attribute(const Onnx__NodeProto *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(node->attribute[i]->name, name) == 0)
            return node->attribute[i];
    return NULL;
}

static int64_t whole(const Onnx__NodeProto *node, const char *name, int64_t otherwise)
{
    const Onnx__AttributeProto *a = attribute(node, name);

    return a ? a->i : otherwise;
}

/* A list that is input i, or else an attribute. Returns how many. */
static size_t list(const struct naive_onnx *o, const Onnx__NodeProto *node, size_t i,
                   const char *name, int64_t v[NAIVE_DIMS])
{
    const Onnx__AttributeProto *a = attribute(node, name);
    size_t n = 0;

    if (i < node->n_input && *node->input[i]) {
        const tensor *t = in(o, node, i);
        for (; n < t->n; n++)
            v[n] = (int64_t)t->v[n];
    }
    for (size_t k = 0; a && k < a->n_ints; k++)
        v[n++] = a->ints[k];
    return n;
}

/* ---- indices ---- */

static size_t flat(const tensor *t, const int64_t *index)
{
    size_t at = 0;

    for (uint32_t k = 0; k < t->n_dim; k++)
        at = at * (size_t)t->dim[k] + (size_t)index[k];
    return at;
}

static void index_of(const tensor *t, size_t at, int64_t *index)
{
    for (uint32_t k = t->n_dim; k-- > 0;) {
        index[k] = (int64_t)(at % (size_t)t->dim[k]);
        at /= (size_t)t->dim[k];
    }
}

/* What stands at an index of a larger tensor over which t is spread. */
static double spread(const tensor *t, uint32_t n_dim, const int64_t *index)
{
    int64_t own[NAIVE_DIMS];

    for (uint32_t k = 0; k < t->n_dim; k++)
        own[k] = t->dim[k] == 1 ? 0 : index[n_dim - t->n_dim + k];
    return t->v[flat(t, own)];
}

static tensor common(const tensor *a, const tensor *b)
{
    uint32_t n = a->n_dim > b->n_dim ? a->n_dim : b->n_dim;
    int64_t dim[NAIVE_DIMS];

    for (uint32_t k = 0; k < n; k++) {
        int64_t x = k + a->n_dim >= n ? a->dim[k + a->n_dim - n] : 1;
        int64_t y = k + b->n_dim >= n ? b->dim[k + b->n_dim - n] : 1;
        assert_true(x == y || x == 1 || y == 1);
        dim[k] = x > y ? x : y;
    }
    return make(n, dim);
}

/* ---- operators ---- */

static bool is(const Onnx__NodeProto *node, const char *type)
{
    return strcmp(node->op_type, type) == 0;
}

static tensor two(const Onnx__NodeProto *node, const tensor *a, const tensor *b)
{
    tensor y = common(a, b);
    int64_t index[NAIVE_DIMS];

    for (size_t i = 0; i < y.n; i++) {
        index_of(&y, i, index);
        double p = spread(a, y.n_dim, index), q = spread(b, y.n_dim, index);
        y.v[i] = is(node, "Add") ? p + q : is(node, "Sub") ? p - q : is(node, "Mul") ? p * q
                 : is(node, "Pow") ? pow(p, q) : p / q;
    }
    return y;
}

static tensor where(const tensor *c, const tensor *a, const tensor *b)
{
    tensor y = common(a, b), z = common(&y, c);
    int64_t index[NAIVE_DIMS];

    free(y.v);
    for (size_t i = 0; i < z.n; i++) {
        index_of(&z, i, index);
        z.v[i] = spread(spread(c, z.n_dim, index) != 0 ? a : b, z.n_dim, index);
    }
    return z;
}

static tensor one(const Onnx__NodeProto *node, const tensor *a)
{
    const Onnx__AttributeProto *how = attribute(node, "approximate");
    tensor y = make(a->n_dim, a->dim);

    for (size_t i = 0; i < y.n; i++) {
        double x = a->v[i];
        if (is(node, "Relu"))
            x = x > 0 ? x : 0;
        else if (is(node, "Neg"))
            x = -x;
        else if (is(node, "Sqrt") || is(node, "Reciprocal"))
            x = is(node, "Sqrt") ? sqrt(x) : 1 / x;
        else if (is(node, "Gelu"))
            x = how && memcmp(how->s.data, "tanh", how->s.len) == 0
                    ? x * .5 * (1 + tanh(.7978845608028654 * (x + .044715 * x * x * x)))
                    : x * .5 * (1 + erf(x / sqrt(2)));
        else if (is(node, "Erf") || is(node, "Tanh"))
            x = is(node, "Erf") ? erf(x) : tanh(x);
        else if (is(node, "Exp") || is(node, "Sigmoid"))
            x = is(node, "Exp") ? exp(x) : 1 / (1 + exp(-x));
        else if (is(node, "HardSigmoid"))
            x = fmin(fmax(.2 * x + .5, 0), 1);
        else if (is(node, "HardSwish"))
            x = x * fmin(fmax(x / 6 + .5, 0), 1);
        y.v[i] = x;
    }
    return y;
}

static tensor quantise(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0);
    const double step = in(o, node, 1)->v[0], zero = in(o, node, 2)->v[0];
    double low = 0, high = 255;
    tensor y = make(x->n_dim, x->dim);

    for (size_t i = 0; i < o->model->graph->n_initializer; i++) {
        const Onnx__TensorProto *t = o->model->graph->initializer[i];
        if (strcmp(t->name, node->input[2]) == 0 &&
            t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT8) {
            low = -128;
            high = 127;
        }
        if (strcmp(t->name, node->input[2]) == 0 &&
            t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT16) {
            low = INT16_MIN;
            high = INT16_MAX;
        }
    }
    for (size_t i = 0; i < y.n; i++)
        y.v[i] = fmin(fmax(nearbyint(x->v[i] / step) + zero, low), high);
    return y;
}

static tensor dequantise(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0), *step = in(o, node, 1);
    const tensor *zero = node->n_input > 2 ? in(o, node, 2) : NULL;
    int64_t axis = whole(node, "axis", 1), index[NAIVE_DIMS];
    tensor y = make(x->n_dim, x->dim);

    axis = axis < 0 ? axis + x->n_dim : axis;
    for (size_t i = 0; i < y.n; i++) {
        index_of(x, i, index);
        size_t s = step->n > 1 ? (size_t)index[axis] : 0;
        size_t z = zero && zero->n > 1 ? (size_t)index[axis] : 0;
        y.v[i] = (x->v[i] - (zero ? zero->v[z] : 0)) * step->v[s];
    }
    return y;
}

static tensor multiply(const tensor *a, const tensor *b)
{
    const int64_t m = a->dim[a->n_dim - 2], n = a->dim[a->n_dim - 1], p = b->dim[b->n_dim - 1];
    tensor left = *a, right = *b, y;
    int64_t index[NAIVE_DIMS];

    left.dim[a->n_dim - 1] = right.dim[b->n_dim - 1] = 1; // the dimensions in front are spread
    left.dim[a->n_dim - 2] = right.dim[b->n_dim - 2] = 1;
    y = common(&left, &right);
    y.dim[y.n_dim - 2] = m;
    y.dim[y.n_dim - 1] = p;
    y.n *= (size_t)(m * p);
    y.v = realloc(y.v, (y.n + 1) * sizeof *y.v);
    assert_non_null(y.v);
    assert_int_equal(n, b->dim[b->n_dim - 2]);
    for (size_t i = 0; i < y.n; i++) {
        double sum = 0;
        index_of(&y, i, index);
        const int64_t row = index[y.n_dim - 2], column = index[y.n_dim - 1];
        for (int64_t k = 0; k < n; k++) {
            index[y.n_dim - 2] = row;
            index[y.n_dim - 1] = k;
            double x = spread(a, y.n_dim, index);
            index[y.n_dim - 2] = k;
            index[y.n_dim - 1] = column;
            sum += x * spread(b, y.n_dim, index);
        }
        y.v[i] = a->divisor ? sum / a->divisor[i / (size_t)p] : sum;
    }
    return y;
}

static bool is_rounded(const struct naive_onnx *o, const char *value)
{
    const Onnx__GraphProto *g = o->model->graph;

    for (size_t i = 0; i < g->n_node; i++)
        if (strcmp(g->node[i]->input[0], value) == 0 && is(g->node[i], "QuantizeLinear"))
            return true;
    return false;
}

/* Over the last axis, or one whose followers are of length 1. */
static tensor softmax(const tensor *x, int64_t axis, bool rounded)
{
    const size_t n = (size_t)x->dim[axis < 0 ? axis + x->n_dim : axis];
    tensor y = make(x->n_dim, x->dim);

    y.divisor = rounded ? NULL : calloc(y.n / n, sizeof *y.divisor);

    for (size_t i = 0; i < y.n; i += n) {
        double most = -INFINITY, sum = 0;
        for (size_t k = 0; k < n; k++)
            most = fmax(most, x->v[i + k]);
        for (size_t k = 0; k < n; k++) {
            y.v[i + k] = exp(x->v[i + k] - most);
            y.v[i + k] = rounded ? y.v[i + k] : nearbyint(y.v[i + k] * 255);
            sum += y.v[i + k];
        }
        for (size_t k = 0; k < n && rounded; k++)
            y.v[i + k] /= sum;
        if (!rounded)
            y.divisor[i / n] = sum;
    }
    return y;
}

static tensor norm(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0), *gain = in(o, node, 1);
    const tensor *offset = node->n_input > 2 ? in(o, node, 2) : NULL;
    const Onnx__AttributeProto *eps = attribute(node, "epsilon");
    const size_t n = (size_t)x->dim[x->n_dim - 1];
    tensor y = make(x->n_dim, x->dim);

    for (size_t i = 0; i < y.n; i += n) {
        double mean = 0, square = 0;
        for (size_t k = 0; k < n && is(node, "LayerNormalization"); k++)
            mean += x->v[i + k]; // of steps: exact, and so is a value less the mean that it is
        mean /= (double)n;
        for (size_t k = 0; k < n; k++)
            square += (x->v[i + k] - mean) * (x->v[i + k] - mean) / (double)n;
        for (size_t k = 0; k < n; k++)
            y.v[i + k] = (x->v[i + k] - mean) / sqrt(square + (eps ? (double)eps->f : 1e-5)) *
                             gain->v[k] + (offset ? offset->v[k] : 0);
    }
    return y;
}

static tensor mean(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0);
    int64_t axis[NAIVE_DIMS], dim[NAIVE_DIMS], index[NAIVE_DIMS];
    const size_t n = list(o, node, 1, "axes", axis);
    bool gone[NAIVE_DIMS] = { false };
    tensor full, y;

    memcpy(dim, x->dim, sizeof dim);
    for (size_t k = 0; k < n; k++) {
        gone[axis[k] < 0 ? axis[k] + x->n_dim : axis[k]] = true;
        dim[axis[k] < 0 ? axis[k] + x->n_dim : axis[k]] = 1;
    }
    full = make(x->n_dim, dim);
    for (size_t i = 0; i < x->n; i++) {
        index_of(x, i, index);
        for (uint32_t k = 0; k < x->n_dim; k++)
            index[k] = gone[k] ? 0 : index[k];
        full.v[flat(&full, index)] += x->v[i];
    }
    for (size_t i = 0; i < full.n; i++)
        full.v[i] /= (double)x->n / (double)full.n;
    y = full;
    y.n_dim = 0;
    for (uint32_t k = 0; k < x->n_dim; k++)
        if (!gone[k] || whole(node, "keepdims", 1))
            y.dim[y.n_dim++] = dim[k];
    return y;
}

static tensor reshape(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0);
    int64_t dim[NAIVE_DIMS], rest = (int64_t)x->n;
    const size_t n = list(o, node, 1, "shape", dim);

    for (size_t k = 0; k < n; k++) {
        dim[k] = dim[k] == 0 ? x->dim[k] : dim[k];
        rest /= dim[k] > 0 ? dim[k] : 1;
    }
    for (size_t k = 0; k < n; k++)
        dim[k] = dim[k] < 0 ? rest : dim[k];
    tensor y = make((uint32_t)n, dim);
    assert_int_equal(y.n, x->n);
    memcpy(y.v, x->v, x->n * sizeof *y.v);
    return y;
}

/* Dimensions of 1 that go, or come. */
static tensor squeeze(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0);
    int64_t axis[NAIVE_DIMS], dim[NAIVE_DIMS];
    const size_t n = list(o, node, 1, "axes", axis);
    const bool more = is(node, "Unsqueeze");
    const uint32_t all = more ? x->n_dim + (uint32_t)n : x->n_dim;
    uint32_t n_dim = 0, at = 0;

    for (uint32_t k = 0; k < all; k++) {
        bool named = false;
        for (size_t i = 0; i < n; i++)
            named |= (axis[i] < 0 ? axis[i] + all : axis[i]) == k;
        if (more)
            dim[n_dim++] = named ? 1 : x->dim[at++];
        else if (!named)
            dim[n_dim++] = x->dim[k];
    }
    tensor y = make(n_dim, dim);
    memcpy(y.v, x->v, x->n * sizeof *y.v);
    return y;
}

static tensor transpose(const Onnx__NodeProto *node, const tensor *x)
{
    const Onnx__AttributeProto *perm = attribute(node, "perm");
    int64_t dim[NAIVE_DIMS], index[NAIVE_DIMS], from[NAIVE_DIMS];

    for (uint32_t k = 0; k < x->n_dim; k++)
        dim[k] = x->dim[perm->ints[k]];
    tensor y = make(x->n_dim, dim);
    if (x->divisor) { // of one row, which stays one
        y.divisor = malloc(sizeof *y.divisor);
        *y.divisor = *x->divisor;
    }
    for (size_t i = 0; i < y.n; i++) {
        index_of(&y, i, index);
        for (uint32_t k = 0; k < x->n_dim; k++)
            from[perm->ints[k]] = index[k];
        y.v[i] = x->v[flat(x, from)];
    }
    return y;
}

/* n places of an axis, from `start` on. */
static tensor part(const tensor *x, int64_t axis, int64_t start, int64_t n, int64_t step)
{
    int64_t dim[NAIVE_DIMS], index[NAIVE_DIMS];

    axis = axis < 0 ? axis + x->n_dim : axis;
    memcpy(dim, x->dim, sizeof dim);
    dim[axis] = n;
    tensor y = make(x->n_dim, dim);
    for (size_t i = 0; i < y.n; i++) {
        index_of(&y, i, index);
        index[axis] = start + step * index[axis];
        y.v[i] = x->v[flat(x, index)];
    }
    return y;
}

/* Of one axis, forwards. */
static tensor slice(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0);
    const int64_t axis = (int64_t)in(o, node, 3)->v[0];
    const int64_t length = x->dim[axis < 0 ? axis + x->n_dim : axis];
    const int64_t start = (int64_t)in(o, node, 1)->v[0];
    const int64_t step = node->n_input > 4 ? (int64_t)in(o, node, 4)->v[0] : 1;
    const double end = fmin(in(o, node, 2)->v[0], (double)length);

    return part(x, axis, start, ((int64_t)end - start + step - 1) / step, step);
}

/* One place. */
/* 1 x heads x tokens x channels; cosines and sines of each token's pairs. */
static tensor rotate(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0), *cosine = in(o, node, 1), *sine = in(o, node, 2);
    const size_t tokens = (size_t)x->dim[2], head = (size_t)x->dim[3], half = head / 2;
    const bool apart = whole(node, "interleaved", 0) == 0;
    tensor y = make(4, x->dim);

    for (size_t i = 0; i < y.n; i += head)
        for (size_t k = 0; k < half; k++) {
            const size_t a = i + (apart ? k : 2 * k), b = i + (apart ? k + half : 2 * k + 1);
            const size_t token = i / head % tokens;
            const size_t row = node->n_input > 3 ? (size_t)in(o, node, 3)->v[token] : token;
            const size_t at = row * half + k;
            y.v[a] = x->v[a] * cosine->v[at] - x->v[b] * sine->v[at];
            y.v[b] = x->v[b] * cosine->v[at] + x->v[a] * sine->v[at];
        }
    return y;
}

/* One row by a matrix, turned round or not, plus a bias. */
static tensor gemm(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0), *w = in(o, node, 1), *b = in(o, node, 2);
    const bool turned = whole(node, "transB", 0) == 1;
    const int64_t dim[] = { x->dim[0], w->dim[turned ? 0 : 1] };
    const size_t n = (size_t)x->dim[1], outputs = (size_t)dim[1];
    tensor y = make(2, dim);

    for (size_t i = 0; i < y.n; i++) {
        const size_t row = i / outputs, c = i % outputs;
        y.v[i] = b->v[c];
        for (size_t k = 0; k < n; k++)
            y.v[i] += x->v[row * n + k] * w->v[turned ? c * n + k : k * outputs + c];
    }
    return y;
}

static tensor rows_of(const tensor *table, const tensor *ids)
{
    const int64_t dim[] = { ids->dim[0], ids->dim[1], table->dim[1] };
    const size_t n = (size_t)table->dim[1];
    tensor y = make(3, dim);

    for (size_t i = 0; i < y.n; i++)
        y.v[i] = table->v[(size_t)ids->v[i / n] * n + i % n];
    return y;
}

static tensor gather(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0);
    int64_t axis = whole(node, "axis", 0);

    if (in(o, node, 1)->n_dim == 2) // ids: 1 x tokens rows
        return rows_of(x, in(o, node, 1));
    tensor y = part(x, axis, (int64_t)in(o, node, 1)->v[0], 1, 1);

    axis = axis < 0 ? axis + x->n_dim : axis;
    memmove(y.dim + axis, y.dim + axis + 1, (size_t)(NAIVE_DIMS - axis - 1) * sizeof *y.dim);
    y.n_dim--;
    return y;
}

static tensor concat(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *first = in(o, node, 0);
    int64_t axis = whole(node, "axis", 0), dim[NAIVE_DIMS], index[NAIVE_DIMS], at = 0;

    axis = axis < 0 ? axis + first->n_dim : axis;
    memcpy(dim, first->dim, sizeof dim);
    for (size_t i = 1; i < node->n_input; i++)
        dim[axis] += in(o, node, i)->dim[axis];
    tensor y = make(first->n_dim, dim);
    for (size_t i = 0; i < node->n_input; i++) {
        const tensor *x = in(o, node, i);
        for (size_t k = 0; k < x->n; k++) {
            index_of(x, k, index);
            index[axis] += at;
            y.v[flat(&y, index)] = x->v[k];
        }
        at += x->dim[axis];
    }
    return y;
}

static tensor expand(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0);
    int64_t dim[NAIVE_DIMS], index[NAIVE_DIMS];
    const size_t n = list(o, node, 1, "shape", dim);
    tensor shape = make((uint32_t)n, dim), y = common(x, &shape);

    free(shape.v);
    for (size_t i = 0; i < y.n; i++) {
        index_of(&y, i, index);
        y.v[i] = spread(x, y.n_dim, index);
    }
    return y;
}

static tensor convolve(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0), *w = in(o, node, 1);
    const Onnx__AttributeProto *strides = attribute(node, "strides");
    const Onnx__AttributeProto *pads = attribute(node, "pads");
    int64_t s[2], p[2], size[4] = { 1, w->dim[0] };

    for (int k = 0; k < 2; k++) {
        s[k] = strides ? strides->ints[k] : 1;
        p[k] = pads ? pads->ints[k] : 0;
        size[2 + k] = (x->dim[2 + k] + p[k] + (pads ? pads->ints[2 + k] : 0) - w->dim[2 + k]) /
                          s[k] + 1;
    }
    tensor y = make(4, size);
    for (size_t i = 0; i < y.n; i++) {
        int64_t at[NAIVE_DIMS], from[4] = { 0 }, of[4];
        index_of(&y, i, at);
        y.v[i] = node->n_input > 2 ? in(o, node, 2)->v[at[1]] : 0;
        of[0] = at[1];
        for (of[1] = 0; of[1] < w->dim[1]; of[1]++)
            for (of[2] = 0; of[2] < w->dim[2]; of[2]++)
                for (of[3] = 0; of[3] < w->dim[3]; of[3]++) {
                    bool inside = true;
                    from[1] = of[1];
                    for (int k = 2; k < 4; k++) {
                        from[k] = at[k] * s[k - 2] - p[k - 2] + of[k];
                        inside &= from[k] >= 0 && from[k] < x->dim[k];
                    }
                    if (inside)
                        y.v[i] += x->v[flat(x, from)] * w->v[flat(w, of)];
                }
    }
    return y;
}

static void split(struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const int64_t axis = whole(node, "axis", 0);
    int64_t at = 0;

    for (size_t i = 0; i < node->n_output; i++) {
        const tensor *x = in(o, node, 0);
        int64_t n = x->dim[axis < 0 ? axis + x->n_dim : axis] / (int64_t)node->n_output;
        if (node->n_input > 1)
            n = (int64_t)in(o, node, 1)->v[i];
        keep(o, node->output[i], part(x, axis, at, n, 1));
        at += n;
    }
}

static tensor evaluate(const struct naive_onnx *o, const Onnx__NodeProto *node)
{
    const tensor *x = in(o, node, 0);

    if (is(node, "Add") || is(node, "Sub") || is(node, "Mul") || is(node, "Div") ||
        is(node, "Pow"))
        return two(node, x, in(o, node, 1));
    if (is(node, "Where"))
        return where(x, in(o, node, 1), in(o, node, 2));
    if (is(node, "Relu") || is(node, "Gelu") || is(node, "Identity") ||
        is(node, "Sqrt") || is(node, "Reciprocal") || is(node, "Neg") || is(node, "Erf") ||
        is(node, "Tanh") || is(node, "Exp") || is(node, "Sigmoid") || is(node, "HardSigmoid") ||
        is(node, "HardSwish"))
        return one(node, x);
    if (is(node, "QuantizeLinear"))
        return quantise(o, node);
    if (is(node, "DequantizeLinear"))
        return dequantise(o, node);
    if (is(node, "RotaryEmbedding"))
        return rotate(o, node);
    if (is(node, "Gemm"))
        return gemm(o, node);
    if (is(node, "MatMul"))
        return multiply(x, in(o, node, 1));
    if (is(node, "Softmax"))
        return softmax(x, whole(node, "axis", -1), is_rounded(o, node->output[0]));
    if (is(node, "LayerNormalization") || is(node, "RMSNormalization"))
        return norm(o, node);
    if (is(node, "ReduceMean"))
        return mean(o, node);
    if (is(node, "Reshape"))
        return reshape(o, node);
    if (is(node, "Squeeze") || is(node, "Unsqueeze"))
        return squeeze(o, node);
    if (is(node, "Transpose"))
        return transpose(node, x);
    if (is(node, "Slice"))
        return slice(o, node);
    if (is(node, "Gather"))
        return gather(o, node);
    if (is(node, "Concat"))
        return concat(o, node);
    if (is(node, "Expand"))
        return expand(o, node);
    if (is(node, "Conv"))
        return convolve(o, node);
    fail_msg("operator %s", node->op_type);
    return make(0, NULL);
}

void naive_onnx_run(struct naive_onnx *o, const Onnx__ModelProto *model, const double *input)
{
    const Onnx__GraphProto *g = model->graph;
    const Onnx__TensorShapeProto *shape = g->input[0]->type->tensor_type->shape;
    int64_t dim[NAIVE_DIMS];

    *o = (struct naive_onnx){ .model = model };
    for (size_t k = 0; k < shape->n_dim; k++)
        dim[k] = shape->dim[k]->dim_value;
    tensor x = make((uint32_t)shape->n_dim, dim);
    memcpy(x.v, input, x.n * sizeof *x.v);
    keep(o, g->input[0]->name, x);
    for (size_t i = 0; i < g->n_initializer; i++) {
        struct onnx_tensor t;
        struct err_msg m;
        if (onnx_tensor_view(&t, g->initializer[i], &m))
            fail_msg("%s", m.text);
        for (uint32_t k = 0; k < t.n_dim; k++)
            dim[k] = t.dim[k];
        tensor c = make(t.n_dim, dim);
        for (size_t k = 0; k < c.n; k++)
            c.v[k] = onnx_tensor_real(&t, k);
        keep(o, g->initializer[i]->name, c);
    }
    for (size_t i = 0; i < g->n_node; i++)
        if (is(g->node[i], "Split"))
            split(o, g->node[i]);
        else
            keep(o, g->node[i]->output[0], evaluate(o, g->node[i]));
}
