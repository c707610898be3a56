/* onnx/rewrite/patches.c -- patches that Reshape and Transpose cut out of a map and a matrix
 * multiplies, as the convolution that they are: kernel and strides are a patch's, its weights the
 * matrix's in another order.
 *
 *     [1, C, H, W] -> [1, C, h, p1, w, p2] -> [1, h, w, p1, p2, C] -> [1, h w, p1 p2 C] -> MatMul
 *
 * The three of a patch may lie in any order, and h and w. A vector that Add puts behind becomes the
 * bias. QuantizeLinear and DequantizeLinear between, all alike, become one pair in front.
 *
 * Patches that something else reads, such as a norm, are the outputs of a convolution whose kernel
 * is 0 and 1, as SpaceToDepth is.
 */
#include <stdlib.h>
#include <string.h>

#include "onnx/rewrite/rewrite.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name
#define INT        ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT
#define INTS       ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS

enum { AXIS_SINCE = 13, // set of DequantizeLinear
       MOST_FEATURES = 1 << 13 }; // of patches that no matrix multiplies

enum { BATCH, CHANNEL, ROW, IN_ROW, COLUMN, IN_COLUMN, N_SIDE }; // of the map in six dimensions

static bool is(const Onnx__NodeProto *node, const char *type)
{
    return node && onnx_is_own_domain(node->domain) &&
           strcmp(onnx_text(node->op_type), type) == 0 && node->n_input > 0 && node->n_output == 1;
}

struct patches {
    const char            *map;       // what they are cut out of
    const Onnx__NodeProto *quantise;  // its rounding on the way, the last; NULL: there is none
    uint32_t               size[N_SIDE];
    uint32_t               order[N_SIDE]; // sides in the order in which they are multiplied
    bool                   as_they_are; // no matrix multiplies them
    struct onnx_tensor     matrix;
    const Onnx__NodeProto *dequantise; // of the matrix; NULL: it is real
    bool                   transposed; // outputs first
    uint32_t               outputs;
    bool                   batch; // the product has one, of 1
};

/* ---- What is there ---- */

static bool same_constant(struct onnx_rewriting *w, const Onnx__NodeProto *a,
                          const Onnx__NodeProto *b, size_t i)
{
    struct onnx_tensor x, y;

    if (a->n_input <= i || b->n_input <= i)
        return a->n_input <= i && b->n_input <= i;
    return strcmp(a->input[i], b->input[i]) == 0 ||
           (onnx_rewrite_constant(w, a, i, &x) && onnx_rewrite_constant(w, b, i, &y) && x.n == 1 &&
            y.n == 1 && x.type == y.type && onnx_tensor_real(&x, 0) == onnx_tensor_real(&y, 0));
}

/* What is rounded to make a value, by QuantizeLinear and DequantizeLinear that say the same as
 * those seen before; the value itself where it is not. */
static bool before_rounding(struct onnx_rewriting *w, struct patches *p, const char **value)
{
    const Onnx__NodeProto *d = onnx_rewrite_maker(w, *value);
    const Onnx__NodeProto *q = is(d, "DequantizeLinear") ? onnx_rewrite_maker(w, d->input[0])
                                                         : NULL;

    if (!is(q, "QuantizeLinear") || q->n_input < 2)
        return true;
    const Onnx__NodeProto *as = p->quantise ? p->quantise : q;
    for (size_t i = 1; i < 3; i++)
        if (!same_constant(w, q, d, i) || !same_constant(w, q, as, i))
            return false;
    p->quantise = as;
    *value = q->input[0];
    return true;
}

/* The node of this type that makes a value, rounded or not. */
static const Onnx__NodeProto *made_by(struct onnx_rewriting *w, struct patches *p,
                                      const char *value, const char *type)
{
    if (!before_rounding(w, p, &value))
        return NULL;
    const Onnx__NodeProto *node = onnx_rewrite_maker(w, value);
    return is(node, type) ? node : NULL;
}

/* The constant list of a Reshape, of n dimensions. */
static bool read_list(struct onnx_rewriting *w, const Onnx__NodeProto *node, struct onnx_tensor *t)
{
    return onnx_rewrite_constant(w, node, 1, t) && t->type == TYPE(INT64) && t->n_dim == 1;
}

/* Sizes of the six sides: rows and columns in the map's own, whole patches. */
static bool read_sizes(const struct onnx_tensor *list, const uint32_t dim[4], struct patches *p)
{
    uint64_t known = 1;
    uint32_t open = N_SIDE;

    for (uint32_t i = 0; i < N_SIDE; i++) {
        const int64_t v = onnx_tensor_integer(list, i);
        p->size[i] = v == 0 && i < 2 ? dim[i] : v > 0 && v <= INT32_MAX ? (uint32_t)v : 0;
        if (v == -1 && open == N_SIDE)
            open = i;
        else if (p->size[i] == 0)
            return false;
        else
            known *= p->size[i];
        if (known > INT32_MAX)
            return false;
    }
    if (open < N_SIDE)
        p->size[open] = (uint32_t)((uint64_t)dim[1] * dim[2] * dim[3] / known);
    return p->size[BATCH] == 1 && p->size[CHANNEL] == dim[1] &&
           (uint64_t)p->size[ROW] * p->size[IN_ROW] == dim[2] &&
           (uint64_t)p->size[COLUMN] * p->size[IN_COLUMN] == dim[3];
}

/* The batch first, then both that count patches, then the three of a patch. */
static bool read_order(const Onnx__NodeProto *node, struct patches *p)
{
    const struct onnx_node n = { .proto = node };
    struct err_msg ignored;
    int64_t perm[N_SIDE];
    uint32_t n_perm = 0, seen = 0;
    bool given = false;

    if (onnx_attr_list(&n, "perm", perm, N_SIDE, &n_perm, &given, &ignored) || n_perm != N_SIDE)
        return false;
    for (uint32_t i = 0; i < N_SIDE; i++) {
        if (perm[i] < 0 || perm[i] >= N_SIDE)
            return false;
        p->order[i] = (uint32_t)perm[i];
        seen |= 1U << perm[i];
    }
    return seen == (1U << N_SIDE) - 1 && p->order[0] == BATCH &&
           (p->order[1] == ROW || p->order[1] == COLUMN) &&
           (p->order[2] == ROW || p->order[2] == COLUMN);
}

static uint64_t features(const struct patches *p) // may be more than any matrix has rows
{
    return (uint64_t)p->size[CHANNEL] * p->size[IN_ROW] * p->size[IN_COLUMN];
}

/* Patches in rows, with or without a batch of 1. */
static bool read_rows(const struct onnx_tensor *list, struct patches *p)
{
    const int64_t want[] = { 1, (int64_t)p->size[ROW] * p->size[COLUMN],
                             (int64_t)features(p) };
    bool same = list->n == 2 || list->n == 3;

    for (size_t i = 0; same && i < list->n; i++) {
        const int64_t v = onnx_tensor_integer(list, i);
        same = v == want[i + 3 - list->n] || v == -1 || (v == 0 && i == 0 && list->n == 3);
    }
    p->batch = list->n == 3;
    return same;
}

/* The matrix, one value for each output and each of a patch. */
static bool read_matrix(struct onnx_rewriting *w, const Onnx__NodeProto *node, struct patches *p)
{
    const Onnx__NodeProto *d = onnx_rewrite_maker(w, node->input[1]);
    const struct onnx_node own = { .proto = node }, of = { .proto = d };
    struct onnx_tensor scale;
    struct err_msg ignored;
    double alpha = 1, beta = 1;
    int64_t trans_a = 0, trans_b = 0, axis = 1;

    if (is(node, "Gemm") && (onnx_attr_float(&own, "alpha", &alpha, &ignored) ||
                             onnx_attr_float(&own, "beta", &beta, &ignored) ||
                             onnx_attr_int(&own, "transA", &trans_a, &ignored) ||
                             onnx_attr_int(&own, "transB", &trans_b, &ignored)))
        return false;
    p->transposed = trans_b != 0;
    p->dequantise = is(d, "DequantizeLinear") ? d : NULL;
    if (!onnx_rewrite_constant(w, d ? d : node, d ? 0 : 1, &p->matrix) || (d && !p->dequantise) ||
        p->matrix.n_dim != 2 || p->matrix.dim[p->transposed ? 1 : 0] != features(p) || alpha != 1 ||
        beta != 1 || trans_a != 0)
        return false;
    p->outputs = p->matrix.dim[p->transposed ? 0 : 1];
    if (!d)
        return onnx_type_is_real(p->matrix.type);
    if ((p->matrix.type != TYPE(INT8) && p->matrix.type != TYPE(UINT8)) ||
        !onnx_rewrite_constant(w, d, 1, &scale) || onnx_attr_int(&of, "axis", &axis, &ignored))
        return false;
    return scale.n == 1 || (scale.n_dim == 1 && scale.n == p->outputs &&
                            (axis < 0 ? axis + 2 : axis) == (p->transposed ? 0 : 1));
}

/* Whether the Reshape `rows` lays patches in rows. */
static bool find_rows(struct onnx_rewriting *w, const Onnx__NodeProto *rows, struct patches *p)
{
    struct onnx_tensor list;
    uint32_t dim[4];
    const Onnx__NodeProto *turn = rows ? made_by(w, p, rows->input[0], "Transpose") : NULL;
    const Onnx__NodeProto *cut = turn ? made_by(w, p, turn->input[0], "Reshape") : NULL;

    if (!cut || !read_list(w, cut, &list) || list.n != N_SIDE)
        return false;
    p->map = cut->input[0];
    return before_rounding(w, p, &p->map) && onnx_rewrite_map(w, p->map, dim) &&
           read_sizes(&list, dim, p) && read_order(turn, p) && read_list(w, rows, &list) &&
           read_rows(&list, p);
}

static bool find_patches(struct onnx_rewriting *w, const Onnx__NodeProto *node, struct patches *p)
{
    *p = (struct patches){ 0 };
    if ((!is(node, "MatMul") && !is(node, "Gemm")) || node->n_input < 2)
        return false;
    return find_rows(w, made_by(w, p, node->input[0], "Reshape"), p) && read_matrix(w, node, p);
}

/* ---- What becomes of it ---- */

/* What a matrix has for one of a patch, in the file's order, and an output. */
static double weight_at(const struct patches *p, size_t row, uint32_t output)
{
    const size_t rows = (size_t)features(p);

    if (p->as_they_are)
        return row == output;
    const size_t at = p->transposed ? output * rows + row : row * p->outputs + output;
    return onnx_type_is_real(p->matrix.type) ? onnx_tensor_real(&p->matrix, at)
                                             : (double)onnx_tensor_integer(&p->matrix, at);
}

/* The kernel [outputs][C][p1][p2] of a type, called `name`. */
static void put_kernel(struct onnx_rewriting *w, const struct patches *p, int32_t type,
                       const char *name)
{
    const uint32_t dim[] = { p->outputs, p->size[CHANNEL], p->size[IN_ROW], p->size[IN_COLUMN] };
    const uint32_t n = (uint32_t)features(p); // rows of the matrix
    const size_t all = (size_t)n * p->outputs;
    const bool real = type == TYPE(FLOAT);
    Onnx__TensorProto *t =
        onnx_put_tensor(w, name, type, 4, dim, all * (real ? sizeof(float) : 1));
    uint32_t step[N_SIDE] = { 0 }, of[N_SIDE] = { 0 }, behind = 1;

    for (uint32_t i = N_SIDE; i-- > 3;) { // steps in a patch
        step[p->order[i]] = behind;
        behind *= p->size[p->order[i]];
    }
    of[IN_COLUMN] = 1;
    of[IN_ROW] = dim[3];
    of[CHANNEL] = dim[2] * dim[3];
    for (size_t i = 0; t && i < all; i++) {
        const uint32_t o = (uint32_t)(i / n), k = (uint32_t)(i % n); // in the kernel
        size_t row = 0;
        for (uint32_t s = CHANNEL; s < N_SIDE; s++)
            row += of[s] > 0 ? (size_t)(k / of[s] % p->size[s]) * step[s] : 0;
        const double v = weight_at(p, row, o);
        if (real)
            ((float *)(void *)t->raw_data.data)[i] = (float)v;
        else
            t->raw_data.data[i] = (uint8_t)(int)v;
    }
}

/* A rounding node with the scale and zero point of `as`. */
static void put_rounding(struct onnx_rewriting *w, const Onnx__NodeProto *node,
                         const Onnx__NodeProto *as, const char *type, const char *in,
                         const char *out)
{
    onnx_put_node(w, node, type,
                  (const char *const[]){ in, as->input[1], as->n_input > 2 ? as->input[2] : NULL },
                  out);
}

/* A convolution, and its pixels as tokens. */
static void put_tokens(struct onnx_rewriting *w, const Onnx__NodeProto *like, const char *out,
                       const char *const in[3], const int64_t perm[4], const int64_t strides[2],
                       const int64_t *rows, uint32_t n_row)
{
    const Onnx__NodeProto named = { .output = (char *[]){ (char *)out } };
    char sums[ONNX_NAME], turned[ONNX_NAME], list[ONNX_NAME];

    onnx_put_name(sums, &named, "patches");
    onnx_put_name(turned, &named, "turned");
    onnx_put_integers(w, onnx_put_name(list, &named, "rows"), n_row, rows);
    Onnx__NodeProto *conv = onnx_put_node(w, like, "Conv", in, sums);
    onnx_put_attribute(w, conv, "strides", 2, strides, INTS);
    Onnx__NodeProto *turn = onnx_put_node(
        w, like, "Transpose", (const char *const[]){ sums, NULL, NULL }, turned);
    onnx_put_attribute(w, turn, "perm", 4, perm, INTS);
    onnx_put_node(w, like, "Reshape", (const char *const[]){ turned, list, NULL }, out);
}

static bool is_read(const struct onnx_rewriting *w, const char *value)
{
    for (size_t i = 0; i < w->n_node; i++)
        for (size_t k = 0; k < w->node[i]->n_input; k++)
            if (strcmp(w->node[i]->input[k], value) == 0)
                return true;
    return onnx_rewrite_is_read(w, value);
}

/* Takes out what makes a value that nothing reads any more; the last node stays. */
static void drop(struct onnx_rewriting *w, const char *value)
{
    const Onnx__NodeProto *maker = is_read(w, value) ? NULL : onnx_rewrite_maker(w, value);
    size_t at = 0;

    if (!maker || maker->n_output != 1)
        return;
    while (w->node[at] != maker)
        at++;
    Onnx__NodeProto *gone = w->node[at];
    for (size_t i = w->n_constant; i-- > 0;)
        if (w->constant[i].name == gone->output[0])
            memmove(w->constant + i, w->constant + i + 1,
                    (--w->n_constant - i) * sizeof *w->constant);
    memmove(w->node + at, w->node + at + 1, (--w->n_node - at) * sizeof(Onnx__NodeProto *));
    for (size_t k = 0; k < gone->n_input; k++)
        drop(w, gone->input[k]);
    onnx__node_proto__free_unpacked(gone, NULL);
}

static void drop_inputs(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    Onnx__NodeProto *node = *own;

    *own = NULL;
    for (size_t k = 0; k < node->n_input && !w->failed; k++)
        drop(w, node->input[k]);
    onnx__node_proto__free_unpacked(node, NULL);
}

static enum err keep(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    Onnx__NodeProto *node = *own;

    *own = NULL;
    onnx_put(w, node);
    return ERR_NONE;
}

/* ---- MatMul and Gemm ---- */

static bool takes_product(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    if (!is(node, "MatMul") && !is(node, "Gemm"))
        return false;
    const Onnx__NodeProto *maker = onnx_rewrite_maker(w, node->input[0]);
    return is(maker, "Reshape") || is(maker, "DequantizeLinear");
}

/* A value rounded as patches were on their way, if they were; its name, of the node's. */
static const char *put_rounded(struct onnx_rewriting *w, const Onnx__NodeProto *node,
                               const struct patches *p, const char *value, const char *codes,
                               const char *real)
{
    if (!p->quantise)
        return value;
    put_rounding(w, node, p->quantise, "QuantizeLinear", value, codes);
    put_rounding(w, node, p->quantise, "DequantizeLinear", codes, real);
    return real;
}

/* The convolution by a kernel, with a bias or NULL, and what it makes as tokens called `out`. */
static void put_convolution(struct onnx_rewriting *w, const Onnx__NodeProto *node,
                            const struct patches *p, const char *kernel, const char *bias,
                            const char *out)
{
    const bool turned = p->order[1] == COLUMN;
    const int64_t perm[] = { 0, turned ? 3 : 2, turned ? 2 : 3, 1 };
    const int64_t strides[] = { p->size[IN_ROW], p->size[IN_COLUMN] };
    const int64_t rows[] = { 1, (int64_t)p->size[ROW] * p->size[COLUMN], p->outputs };
    char codes[ONNX_NAME], real[ONNX_NAME];

    onnx_put_name(codes, node, "codes");
    onnx_put_name(real, node, "map");
    const char *map = put_rounded(w, node, p, p->map, codes, real);
    put_tokens(w, node, out, (const char *const[]){ map, kernel, bias }, perm, strides,
               rows + !p->batch, 2 + p->batch);
}

static enum err rewrite_product(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const Onnx__NodeProto *node = *own;
    char name[2][ONNX_NAME];
    struct patches p;

    if (!find_patches(w, node, &p))
        return keep(w, own);
    const char *kernel = onnx_put_name(name[0], node, "kernel");
    put_kernel(w, &p, p.dequantise ? p.matrix.type : TYPE(FLOAT), kernel);
    if (p.dequantise) {
        kernel = onnx_put_name(name[1], node, "weights");
        put_rounding(w, node, p.dequantise, "DequantizeLinear", name[0], kernel);
        if (!w->failed && onnx_rewrite_opset(w) >= AXIS_SINCE)
            onnx_put_attribute(w, w->node[w->n_node - 1], "axis", 1, &(int64_t){ 0 }, INT);
    }
    put_convolution(w, node, &p, kernel,
                    node->n_input > 2 && *node->input[2] ? node->input[2] : NULL, node->output[0]);
    drop_inputs(w, own);
    return ERR_NONE;
}

/* ---- Reshape ---- */

/* Whether products alone read a value of the file, rounded or not. */
static bool feeds_products(const struct onnx_rewriting *w, const char *value)
{
    const Onnx__GraphProto *g = w->model->graph;
    bool only = true;

    for (size_t i = 0; i < g->n_node && only; i++)
        for (size_t k = 0; g->node[i] && k < g->node[i]->n_input && only; k++) {
            const Onnx__NodeProto *node = g->node[i];
            if (strcmp(onnx_text(node->input[k]), value) != 0)
                continue;
            only = is(node, "QuantizeLinear") || is(node, "DequantizeLinear")
                       ? k == 0 && feeds_products(w, node->output[0])
                       : k == 0 && (is(node, "MatMul") || is(node, "Gemm"));
        }
    return only;
}

static bool takes_rows(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    const Onnx__NodeProto *maker = is(node, "Reshape") ? onnx_rewrite_maker(w, node->input[0])
                                                       : NULL;

    return (is(maker, "Transpose") || is(maker, "DequantizeLinear")) &&
           !feeds_products(w, node->output[0]);
}

static enum err rewrite_rows(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    static const char *const parts[] = { "kernel", "scale", "zero", "weights", "rows", "rounded" };
    const Onnx__NodeProto *node = *own;
    char name[6][ONNX_NAME];
    struct patches p = { .as_they_are = true };

    if (!find_rows(w, node, &p) || features(&p) > MOST_FEATURES)
        return keep(w, own);
    p.outputs = (uint32_t)features(&p);
    for (int i = 0; i < 6; i++)
        onnx_put_name(name[i], node, parts[i]);
    put_kernel(w, &p, w->is_float ? TYPE(FLOAT) : TYPE(INT8), name[0]);
    if (!w->is_float) {
        onnx_put_float(w, name[1], 1);
        onnx_put_integer(w, name[2], TYPE(INT8), 0);
        onnx_put_node(w, node, "DequantizeLinear",
                      (const char *const[]){ name[0], name[1], name[2] }, name[3]);
    }
    put_convolution(w, node, &p, w->is_float ? name[0] : name[3], NULL,
                    p.quantise ? name[4] : node->output[0]);
    put_rounded(w, node, &p, name[4], name[5], node->output[0]);
    drop_inputs(w, own);
    return ERR_NONE;
}

/* ---- Add ---- */

static bool has_list(const Onnx__NodeProto *node, const char *name, size_t n)
{
    return node->n_attribute == 1 && node->attribute[0]->n_ints == n &&
           strcmp(onnx_text(node->attribute[0]->name), name) == 0;
}

/* The convolution that makes input k as put_tokens() makes it, so far without a bias; a file may
 * have one of its own. */
static const Onnx__NodeProto *bare(const struct onnx_rewriting *w, const Onnx__NodeProto *node,
                                   size_t k)
{
    static const char *const types[] = { "Reshape", "Transpose", "Conv" };
    const Onnx__NodeProto *n = k < node->n_input ? onnx_rewrite_maker(w, node->input[k]) : NULL;
    char name[ONNX_NAME];

    if (!is(n, types[0]))
        return NULL;
    onnx_put_name(name, n, "patches");
    for (int i = 1; i < 3 && n; i++) {
        n = onnx_rewrite_maker(w, n->input[0]);
        n = is(n, types[i]) && has_list(n, i == 1 ? "perm" : "strides", i == 1 ? 4 : 2) ? n : NULL;
        if (n && i == 1 && n->attribute[0]->ints[3] != 1) // channels last
            return NULL;
    }
    return n && n->n_input == 2 && strcmp(n->output[0], name) == 0 ? n : NULL;
}

static bool takes_bias(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    return is(node, "Add") && (bare(w, node, 0) || bare(w, node, 1));
}

/* The tensor behind input i, which may be dequantised. */
static bool stored(struct onnx_rewriting *w, const Onnx__NodeProto *node, size_t i,
                   struct onnx_tensor *t)
{
    const Onnx__NodeProto *d = onnx_rewrite_maker(w, node->input[i]);

    return is(d, "DequantizeLinear") ? onnx_rewrite_constant(w, d, 0, t)
                                     : onnx_rewrite_constant(w, node, i, t);
}

static enum err rewrite_bias(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    Onnx__NodeProto *node = *own;
    const size_t k = bare(w, node, 0) ? 0 : 1;
    const Onnx__NodeProto *conv = bare(w, node, k);
    const Onnx__NodeProto *rows = onnx_rewrite_maker(w, node->input[k]);
    const Onnx__NodeProto *turn = onnx_rewrite_maker(w, rows->input[0]);
    struct onnx_tensor bias, weights, list;

    *own = NULL;
    if (node->n_input != 2 || is_read(w, node->input[k]) || !stored(w, node, 1 - k, &bias) ||
        !stored(w, conv, 1, &weights) || bias.n_dim != 1 || weights.n_dim != 4 ||
        bias.n != weights.dim[0] || !onnx_rewrite_constant(w, rows, 1, &list) || list.n < 2 ||
        list.n > 3 || onnx_tensor_integer(&list, list.n - 1) != (int64_t)bias.n) {
        onnx_put(w, node);
        return ERR_NONE;
    }
    *own = node;
    int64_t row[3];
    for (size_t i = 0; i < list.n; i++)
        row[i] = onnx_tensor_integer(&list, i);
    put_tokens(w, conv, node->output[0],
               (const char *const[]){ conv->input[0], conv->input[1], node->input[1 - k] },
               turn->attribute[0]->ints, conv->attribute[0]->ints, row, (uint32_t)list.n);
    drop_inputs(w, own);
    return ERR_NONE;
}

/* ---- Transpose ---- */

/* Of six dimensions: behind it there may be patches. */
static bool takes_turn(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    struct patches p;

    return w->n_node == 0 && is(node, "Transpose") && read_order(node, &p);
}

const struct onnx_rewriter onnx_rewrites_patches[] = {
    { takes_turn, keep, false },
    { takes_product, rewrite_product, false },
    { takes_rows, rewrite_rows, false },
    { takes_bias, rewrite_bias, false },
    { 0 },
};
