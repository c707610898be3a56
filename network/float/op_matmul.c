/* network/float/op_matmul.c -- products of matrices: Gemm, MatMul, QLinearMatMul. */
#include <inttypes.h>
#include <string.h>

#include "network/float/gemm.h"
#include "network/float/op.h"

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

/* Sizes as if both had two dimensions and what they share before them. */
struct product {
    size_t   m, k, n, n_batch;
    bool     a_repeats, b_repeats; // one matrix for every batch
    uint32_t n_dim, dim[ONNX_MOST_DIMS];
};

/* All dims but the last two; a list is a matrix of one row (a) or one column (b). */
static size_t batches(const struct array *a)
{
    size_t n = 1;

    for (uint32_t i = 0; i + 2 < a->n_dim; i++)
        n *= a->dim[i];
    return n;
}

static bool same_batches(const struct array *a, const struct array *b)
{
    for (uint32_t i = 0; a->n_dim == b->n_dim && i + 2 < a->n_dim; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return a->n_dim == b->n_dim;
}

static enum err find_product(const struct float_call *c, const struct array *a,
                             const struct array *b, struct product *p)
{
    *p = (struct product){.m = 1, .n = 1};
    if (a->n_dim < 1 || b->n_dim < 1 || !a->real || !b->real)
        return FLOAT_REFUSE(c, "factors of %" PRIu32 " and %" PRIu32 " dimensions: want float "
                            "lists or matrices", a->n_dim, b->n_dim);
    p->k = a->dim[a->n_dim - 1];
    if (a->n_dim > 1)
        p->m = a->dim[a->n_dim - 2];
    if (b->n_dim > 1)
        p->n = b->dim[b->n_dim - 1];
    bool a_outer = a->n_dim > b->n_dim || (a->n_dim == b->n_dim && batches(a) > batches(b));
    const struct array *outer = a_outer ? a : b, *inner = a_outer ? b : a;
    p->a_repeats = batches(a) == 1;
    p->b_repeats = batches(b) == 1;
    p->n_batch = batches(outer);
    if (b->dim[b->n_dim > 1 ? b->n_dim - 2 : 0] != p->k ||
        (batches(inner) != 1 && !same_batches(a, b)))
        return FLOAT_REFUSE(c, "factors whose sizes do not agree: want rows of the second as many "
                            "as columns of the first, and batches of one of them or of the same "
                            "sizes");
    for (uint32_t i = 0; i + 2 < outer->n_dim; i++)
        p->dim[p->n_dim++] = outer->dim[i];
    if (a->n_dim > 1)
        p->dim[p->n_dim++] = (uint32_t)p->m;
    if (b->n_dim > 1)
        p->dim[p->n_dim++] = (uint32_t)p->n;
    return ERR_NONE;
}

static enum err multiply(struct float_call *c, const struct array *a, const struct array *b)
{
    struct product p;
    enum err e = find_product(c, a, b, &p);

    if (!e)
        e = float_out(c, a->type, p.n_dim, p.dim);
    if (!e)
        e = float_work(c, c->out.n * p.k + a->n + b->n);
    for (size_t i = 0; i < p.n_batch && c->out.n > 0 && !e; i++) {
        const struct matrix columns = {b->real + (p.b_repeats ? 0 : i) * p.k * p.n, p.k, p.n, 1};
        const struct gemm g = {.m = p.m, .n = p.n, .k = p.k,
                               .a = a->real + (p.a_repeats ? 0 : i) * p.m * p.k, .a_row = p.k,
                               .a_column = 1, .fill = fill_columns, .source = &columns,
                               .c = c->out.real + i * p.m * p.n};
        e = gemm_run(&g) ? ERR_NONE : float_no_memory(c);
    }
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
    enum err e = float_dequantise(c, &(struct float_quantised){0, 1, 2, -2}, &a);

    if (!e)
        e = float_dequantise(c, &(struct float_quantised){3, 4, 5, -1}, &b);
    if (!e)
        e = multiply(c, &a, &b);
    if (!e)
        e = float_requantise(c, 6, 7);
    array_release(&a);
    array_release(&b);
    return e;
}

const struct float_operator float_ops_matmul[] = {
    {"Gemm",          2, 3, "alpha beta broadcast transA transB", eval_gemm},
    {"MatMul",        2, 2, "", eval_matmul},
    {"QLinearMatMul", 8, 8, "", eval_qlinear_matmul},
    {0},
};
