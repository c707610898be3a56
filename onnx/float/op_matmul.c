/* onnx/float/op_matmul.c -- products of matrices: Gemm, MatMul, FusedMatMul,
 * QLinearMatMul. */
#include <inttypes.h>
#include <string.h>

#include "onnx/float/gemm.h"
#include "onnx/float/op.h"

struct matrix { // b[k][j] at value[k * row + j * column]
    const float *value;
    size_t       n_row, row, column;
};

static void fill_columns(const void *source, size_t first, size_t n, float *panel)
{
    const struct matrix *b = source;

    for (size_t k = 0; k < b->n_row; k++)
        for (size_t j = 0; j < n; j++)
            panel[k * GEMM_PANEL + j] = b->value[k * b->row + (first + j) * b->column];
}

/* ---- Gemm ---- */

struct gemm_attributes {
    double  alpha, beta;
    int64_t trans_a, trans_b;
};

static enum err read_gemm(const struct float_call *c, struct gemm_attributes *a)
{
    *a = (struct gemm_attributes){.alpha = 1, .beta = 1};
    enum err e = onnx_attr_float(c->node, "alpha", &a->alpha, c->msg);
    if (!e)
        e = onnx_attr_float(c->node, "beta", &a->beta, c->msg);
    if (!e)
        e = onnx_attr_int(c->node, "transA", &a->trans_a, c->msg);
    return e ? e : onnx_attr_int(c->node, "transB", &a->trans_b, c->msg);
}

/* out = alpha * out + beta * C, C spread over rows, columns or both. */
static enum err add_scaled(struct float_call *c, const struct gemm_attributes *a)
{
    const struct array *s = float_has(c, 2) ? c->in[2] : NULL;
    size_t columns = c->out.dim[1], s_columns = 1, s_rows = 1;

    if (s && s->n_dim > 0)
        s_columns = s->dim[s->n_dim - 1];
    if (s && s->n_dim > 1)
        s_rows = s->dim[s->n_dim - 2];
    if (s && (!s->real || s->n_dim > 2 || (s_columns != 1 && s_columns != columns) ||
              (s_rows != 1 && s_rows != c->out.dim[0])))
        return FLOAT_REFUSE(c, "adds %zu values: want as many as there are results, rows, columns "
                            "or one", s->n);
    for (size_t i = 0; i < c->out.n; i++) {
        size_t row = s_rows == 1 ? 0 : i / columns, column = s_columns == 1 ? 0 : i % columns;
        float sum = (float)a->alpha * c->out.real[i];
        c->out.real[i] = s ? sum + (float)a->beta * s->real[row * s_columns + column] : sum;
    }
    return ERR_NONE;
}

static enum err eval_gemm(struct float_call *c)
{
    const struct array *a = c->in[0], *b = c->in[1];
    struct gemm_attributes attr;
    enum err e = read_gemm(c, &attr);

    if (e)
        return e;
    bool ta = attr.trans_a != 0, tb = attr.trans_b != 0;
    if (!a->real || !b->real || a->n_dim != 2 || b->n_dim != 2 ||
        a->dim[ta ? 0 : 1] != b->dim[tb ? 1 : 0])
        return FLOAT_REFUSE(c, "factors of %" PRIu32 " and %" PRIu32 " dimensions: want two float "
                            "matrices whose sizes agree", a->n_dim, b->n_dim);
    const uint32_t dim[] = {a->dim[ta ? 1 : 0], b->dim[tb ? 0 : 1]};
    const struct matrix columns = {b->real, b->dim[tb ? 1 : 0], tb ? 1 : b->dim[1],
                                   tb ? b->dim[1] : 1};
    e = float_out(c, a->type, 2, dim);
    if (!e)
        e = float_work(c, c->out.n * columns.n_row + a->n + b->n);
    if (e)
        return e;
    const struct gemm g = {.m = dim[0], .n = dim[1], .k = columns.n_row, .a = a->real,
                           .a_row = ta ? 1 : a->dim[1], .a_column = ta ? a->dim[1] : 1,
                           .fill = fill_columns, .source = &columns, .c = c->out.real};
    return gemm_run(&g) ? add_scaled(c, &attr) : float_no_memory(c);
}

/* ---- MatMul ---- */

/* Sizes as if both had two dimensions; what is before them is spread to one shape. */
struct product {
    size_t   m, k, n, n_batch;
    uint32_t n_dim, dim[ONNX_MOST_DIMS]; // of the result
    uint32_t n_outer;                    // of them, those before the matrices
};

/* How a factor is read: its last two dimensions may be taken the other way round. */
struct factor {
    const struct array *a;
    bool                turned;
    size_t              rows, columns;
};

/* A list is a matrix of one row (the first) or of one column. */
static struct factor factor_of(const struct array *a, bool turned, bool second)
{
    const size_t last = a->dim[a->n_dim - 1];

    if (a->n_dim == 1)
        return (struct factor){a, false, second ? last : 1, second ? 1 : last};
    const size_t before = a->dim[a->n_dim - 2];
    return (struct factor){a, turned, turned ? last : before, turned ? before : last};
}

/* Length k, counted from the last of those before the matrix; 1 where there is none. */
static uint32_t outer_length(const struct array *a, uint32_t k)
{
    return k + 2 < a->n_dim ? a->dim[a->n_dim - 3 - k] : 1;
}

static enum err find_product(const struct float_call *c, const struct factor *a,
                             const struct factor *b, struct product *p)
{
    const uint32_t longest = a->a->n_dim > b->a->n_dim ? a->a->n_dim : b->a->n_dim;
    bool agree = a->columns == b->rows;

    *p = (struct product){.m = a->rows, .k = b->rows, .n = b->columns, .n_batch = 1,
                          .n_outer = longest > 2 ? longest - 2 : 0};
    for (uint32_t i = p->n_outer; i-- > 0 && agree;) {
        uint32_t x = outer_length(a->a, i), y = outer_length(b->a, i);
        agree = x == y || x == 1 || y == 1;
        p->dim[p->n_dim++] = x == 1 ? y : x;
        p->n_batch *= x == 1 ? y : x;
        if (p->n_batch > INT32_MAX)
            return FLOAT_REFUSE(c, "2^31 matrices or more: want fewer");
    }
    if (!agree)
        return FLOAT_REFUSE(c, "factors whose sizes do not agree: want rows of the second as many "
                            "as columns of the first, and batches of one of them or of the same "
                            "sizes");
    if (a->a->n_dim > 1)
        p->dim[p->n_dim++] = (uint32_t)p->m;
    if (b->a->n_dim > 1)
        p->dim[p->n_dim++] = (uint32_t)p->n;
    return ERR_NONE;
}

/* Which of its matrices a factor has at batch i of the product. */
static size_t matrix_of(const struct array *a, const struct product *p, size_t i)
{
    size_t at = 0, size = 1;

    for (uint32_t k = 0; k < p->n_outer; k++) {
        const uint32_t length = outer_length(a, k), whole = p->dim[p->n_outer - 1 - k];
        at += (length == 1 ? 0 : i % whole) * size;
        size *= length;
        i /= whole;
    }
    return at;
}

static bool multiply_matrix(struct float_call *c, const struct factor *a, const struct factor *b,
                            const struct product *p, size_t i)
{
    const float *x = a->a->real + matrix_of(a->a, p, i) * p->m * p->k;
    const struct matrix columns = {b->a->real + matrix_of(b->a, p, i) * p->k * p->n, p->k,
                                   b->turned ? 1 : p->n, b->turned ? p->k : 1};
    const struct gemm g = {.m = p->m, .n = p->n, .k = p->k, .a = x, .a_row = a->turned ? 1 : p->k,
                           .a_column = a->turned ? p->m : 1, .fill = fill_columns,
                           .source = &columns, .c = c->out.real + i * p->m * p->n};
    return gemm_run(&g);
}

static enum err multiply_as(struct float_call *c, const struct array *a, bool a_turned,
                            const struct array *b, bool b_turned)
{
    struct product p;

    if (a->n_dim < 1 || b->n_dim < 1 || !a->real || !b->real)
        return FLOAT_REFUSE(c, "factors of %" PRIu32 " and %" PRIu32 " dimensions: want float "
                            "lists or matrices", a->n_dim, b->n_dim);
    const struct factor x = factor_of(a, a_turned, false), y = factor_of(b, b_turned, true);
    enum err e = find_product(c, &x, &y, &p);
    if (!e)
        e = float_out(c, a->type, p.n_dim, p.dim);
    if (!e)
        e = float_work(c, c->out.n * p.k + a->n + b->n);
    for (size_t i = 0; i < p.n_batch && c->out.n > 0 && !e; i++)
        e = multiply_matrix(c, &x, &y, &p, i) ? ERR_NONE : float_no_memory(c);
    return e;
}

static enum err multiply(struct float_call *c, const struct array *a, const struct array *b)
{
    return multiply_as(c, a, false, b, false);
}

/* ONNX Runtime's MatMul with factors turned and one number behind it. */
static enum err eval_fused_matmul(struct float_call *c)
{
    int64_t turned_a = 0, turned_b = 0, batch_a = 0, batch_b = 0;
    double alpha = 1;
    enum err e = onnx_attr_int(c->node, "transA", &turned_a, c->msg);

    if (!e)
        e = onnx_attr_int(c->node, "transB", &turned_b, c->msg);
    if (!e)
        e = onnx_attr_int(c->node, "transBatchA", &batch_a, c->msg);
    if (!e)
        e = onnx_attr_int(c->node, "transBatchB", &batch_b, c->msg);
    if (!e)
        e = onnx_attr_float(c->node, "alpha", &alpha, c->msg);
    if (!e && (batch_a || batch_b))
        e = FLOAT_REFUSE(c, "transBatchA or transBatchB is 1: want 0, and Transpose before it");
    if (!e)
        e = multiply_as(c, c->in[0], turned_a != 0, c->in[1], turned_b != 0);
    for (size_t i = 0; i < c->out.n && alpha != 1 && !e; i++)
        c->out.real[i] *= (float)alpha;
    return e;
}

static enum err eval_matmul(struct float_call *c)
{
    return multiply(c, c->in[0], c->in[1]);
}

/* a, its scale and zero point; b, the same; y's scale and zero point. */
static enum err eval_qlinear_matmul(struct float_call *c)
{
    struct array a = {0}, b = {0};
    enum err e = float_dequantise(c, &(struct float_quantised){0, 1, 2, -2, 0, 0}, &a);

    if (!e)
        e = float_dequantise(c, &(struct float_quantised){3, 4, 5, -1, 0, 0}, &b);
    if (!e)
        e = multiply(c, &a, &b);
    if (!e)
        e = float_requantise(c, 6, 7);
    array_release(&a);
    array_release(&b);
    return e;
}

const struct float_operator float_ops_matmul[] = {
    {"FusedMatMul",   2, 2, "alpha transA transB transBatchA transBatchB", eval_fused_matmul},
    {"Gemm",          2, 3, "alpha beta broadcast transA transB", eval_gemm},
    {"MatMul",        2, 2, "", eval_matmul},
    {"QLinearMatMul", 8, 8, "", eval_qlinear_matmul},
    {0},
};
