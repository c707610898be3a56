/* onnx/rewrite/fused.c -- operators of ONNX Runtime's own domain that are several of ONNX's:
 *
 *     BiasGelu, FastGelu             Add, Gelu by erf or by tanh
 *     QuickGelu                      Swish
 *     SkipLayerNormalization         Add, Add, LayerNormalization; the sum is its fourth result
 *     SkipSimplifiedLayerNormalization  likewise, without mean
 *     EmbedLayerNormalization        Gather of words, positions and segments, LayerNormalization
 *     FusedMatMul                    Transpose, MatMul, Mul, where dimensions are known
 *     MatMulNBits                    MatMul by what the blocks of 2 to 8 bits stand for
 *
 * and Einsum of two maps, or of a map and a matrix, which is Transpose, MatMul, Transpose.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "onnx/rewrite/rewrite.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name
#define ATTR(name) ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##name

static bool is_of_runtime(const Onnx__NodeProto *node, const char *type)
{
    return strcmp(onnx_text(node->domain), "com.microsoft") == 0 &&
           strcmp(onnx_text(node->op_type), type) == 0;
}

#define TAKES(function, type)                                                                      \
    static bool function(const struct onnx_rewriting *w, const Onnx__NodeProto *node)              \
    {                                                                                              \
        (void)w;                                                                                   \
        return is_of_runtime(node, type);                                                          \
    }
TAKES(takes_bias_gelu, "BiasGelu")
TAKES(takes_fast_gelu, "FastGelu")
TAKES(takes_quick_gelu, "QuickGelu")
TAKES(takes_skip_layer, "SkipLayerNormalization")
TAKES(takes_skip_simplified, "SkipSimplifiedLayerNormalization")
TAKES(takes_embed, "EmbedLayerNormalization")
TAKES(takes_blocks, "MatMulNBits")

static const char *input(const Onnx__NodeProto *node, size_t i)
{
    return i < node->n_input && *onnx_text(node->input[i]) ? node->input[i] : NULL;
}

static const char *output(const Onnx__NodeProto *node, size_t i)
{
    return i < node->n_output ? onnx_text(node->output[i]) : "";
}

static enum err need(struct onnx_rewriting *w, const Onnx__NodeProto *node, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!input(node, i))
            return onnx_refuse(w, node, "input %zu is left out: want it", i);
    return ERR_NONE;
}

/* A node of one or two inputs that makes "output.what"; `what` NULL: the node's own output. */
static const char *put(struct onnx_rewriting *w, const Onnx__NodeProto *node, const char *type,
                       const char *a, const char *b, const char *what, char name[ONNX_NAME])
{
    if (what)
        onnx_put_name(name, node, what);
    else
        snprintf(name, ONNX_NAME, "%s", node->output[0]);
    onnx_put_node(w, node, type, (const char *const[]){a, b, NULL}, name);
    return name;
}

/* ---- Gelu ---- */

static enum err rewrite_bias_gelu(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const Onnx__NodeProto *node = *own;
    const bool fast = is_of_runtime(node, "FastGelu");
    char sum[ONNX_NAME];
    enum err e = need(w, node, fast ? 1 : 2);

    if (e)
        return e;
    const char *x = node->input[0];
    if (input(node, 1))
        x = put(w, node, "Add", x, input(node, 1), "sum", sum);
    Onnx__NodeProto *gelu = onnx_put_node(w, node, "Gelu", (const char *const[]){x, NULL, NULL},
                                          node->output[0]);
    if (fast)
        onnx_put_text_attribute(w, gelu, "approximate", "tanh");
    return ERR_NONE;
}

static enum err rewrite_quick_gelu(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const struct onnx_node node = {.proto = *own};
    double alpha = 1.702;
    enum err e = need(w, *own, 1);

    if (!e)
        e = onnx_attr_float(&node, "alpha", &alpha, w->msg);
    if (e)
        return e;
    Onnx__NodeProto *swish = onnx_put_node(
        w, *own, "Swish", (const char *const[]){input(*own, 0), NULL, NULL}, (*own)->output[0]);
    onnx_put_real_attribute(w, swish, "alpha", alpha);
    return ERR_NONE;
}

/* ---- Normalisation of a sum ---- */

static enum err put_norm(struct onnx_rewriting *w, const Onnx__NodeProto *node, const char *type,
                         const char *x, const char *gain, const char *offset)
{
    const struct onnx_node of = {.proto = node};
    double epsilon = strcmp(type, "LayerNormalization") == 0 && takes_embed(w, node) ? 1e-12 : 1e-5;
    enum err e = onnx_attr_float(&of, "epsilon", &epsilon, w->msg);

    if (e)
        return e;
    Onnx__NodeProto *norm =
        onnx_put_node(w, node, type, (const char *const[]){x, gain, offset}, node->output[0]);
    onnx_put_real_attribute(w, norm, "epsilon", epsilon);
    onnx_put_attribute(w, norm, "axis", 1, (const int64_t[]){-1}, ATTR(INT));
    const bool statistics = *output(node, 1) || *output(node, 2);
    for (size_t i = 1; i < 3 && statistics && !takes_embed(w, node); i++)
        onnx_put_output(w, norm, output(node, i));
    return ERR_NONE;
}

/* input, skip, gain, [offset,] bias; normalised, mean, 1 / root, sum. */
static enum err rewrite_skip(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const Onnx__NodeProto *node = *own;
    const bool simple = takes_skip_simplified(w, node);
    const char *bias = input(node, simple ? 3 : 4);
    char sums[2][ONNX_NAME], whole[ONNX_NAME];
    enum err e = need(w, node, 3);

    if (!e && simple && (onnx_rewrite_is_read(w, output(node, 1)) ||
                         onnx_rewrite_is_read(w, output(node, 2))))
        e = onnx_refuse(w, node, "its mean or root is read: want the first and the fourth result "
                        "only");
    if (e)
        return e;
    snprintf(whole, sizeof whole, "%s", output(node, 3));
    if (!*whole)
        onnx_put_name(whole, node, "sum");
    const char *x = node->input[0];
    if (bias)
        x = put(w, node, "Add", x, bias, "biased", sums[0]);
    onnx_put_node(w, node, "Add", (const char *const[]){x, node->input[1], NULL}, whole);
    return put_norm(w, node, simple ? "SimplifiedLayerNormalization" : "LayerNormalization", whole,
                    node->input[2], simple ? NULL : input(node, 3));
}

/* ---- Embeddings ---- */

/* Rows 0 .. tokens - 1 of a table. */
static const char *first_rows(struct onnx_rewriting *w, const Onnx__NodeProto *node,
                              const char *table, const char *ids, char name[ONNX_NAME])
{
    static const int64_t zero = 0, one = 1;
    char shape[ONNX_NAME], tokens[ONNX_NAME], first[ONNX_NAME], second[ONNX_NAME];

    onnx_put_integers(w, onnx_put_name(first, node, "zero"), 1, &zero);
    onnx_put_integers(w, onnx_put_name(second, node, "one"), 1, &one);
    put(w, node, "Shape", ids, NULL, "shape", shape);
    put(w, node, "Gather", shape, second, "tokens", tokens);
    onnx_put_name(name, node, "positions");
    Onnx__NodeProto *slice =
        onnx_put_node(w, node, "Slice", (const char *const[]){table, first, tokens}, name);
    onnx_put_input(w, slice, first); // the axis
    return name;
}

/* ids, segments, words, positions, segments' table, gain, offset, mask, positions' ids. */
static enum err rewrite_embed(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const Onnx__NodeProto *node = *own;
    char names[6][ONNX_NAME];

    for (size_t i = 0; i < 7; i++)
        if (i != 1 && i != 4 && !input(node, i))
            return onnx_refuse(w, node, "input %zu is left out: want it", i);
    if (onnx_rewrite_is_read(w, output(node, 1)) && *output(node, 1))
        return onnx_refuse(w, node, "its mask is read: want a mask of all tokens that are there, "
                           "and the input attention_mask for it");
    const char *sum = put(w, node, "Gather", input(node, 2), input(node, 0), "words", names[0]);
    const char *places = input(node, 8) ? put(w, node, "Gather", input(node, 3), input(node, 8),
                                              "positions", names[1])
                                        : first_rows(w, node, input(node, 3), input(node, 0),
                                                     names[1]);
    const bool segments = input(node, 1) && input(node, 4);
    snprintf(names[2], ONNX_NAME, "%s", output(node, 2));
    if (!*names[2])
        onnx_put_name(names[2], node, "sum");
    onnx_put_name(names[3], node, "placed");
    onnx_put_node(w, node, "Add", (const char *const[]){sum, places, NULL},
                  segments ? names[3] : names[2]);
    if (segments) {
        put(w, node, "Gather", input(node, 4), input(node, 1), "segments", names[4]);
        onnx_put_node(w, node, "Add", (const char *const[]){names[3], names[4], NULL}, names[2]);
    }
    return put_norm(w, node, "LayerNormalization", names[2], input(node, 5), input(node, 6));
}

/* ---- FusedMatMul ---- */

static bool is_set(const Onnx__NodeProto *proto, const char *name)
{
    const struct onnx_node node = {.proto = proto};
    struct err_msg ignored;
    int64_t v = 0;

    return !onnx_attr_int(&node, name, &v, &ignored) && v != 0;
}

static bool takes_fused(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return is_of_runtime(node, "FusedMatMul") && input(node, 0) && input(node, 1) &&
           !is_set(node, "transBatchA") && !is_set(node, "transBatchB");
}

/* The last two dimensions the other way round. */
static void turn(struct onnx_rewriting *w, const Onnx__NodeProto *node, const char *x,
                 uint32_t rank, const char *name)
{
    int64_t perm[ONNX_MOST_DIMS];

    for (uint32_t k = 0; k < rank; k++)
        perm[k] = k + 2 < rank ? k : k + 2 == rank ? k + 1 : k - 1;
    Onnx__NodeProto *t =
        onnx_put_node(w, node, "Transpose", (const char *const[]){x, NULL, NULL}, name);
    onnx_put_attribute(w, t, "perm", rank, perm, ATTR(INTS));
}

static enum err rewrite_fused(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    static const char *const flags[] = {"transA", "transB"}, *const whats[] = {"turned", "other"};
    const struct onnx_node of = {.proto = *own};
    Onnx__NodeProto *node = *own;
    char names[4][ONNX_NAME];
    const char *x[2];
    uint32_t rank[2];
    double alpha = 1;
    enum err e = onnx_attr_float(&of, "alpha", &alpha, w->msg);

    if (e)
        return e;
    for (int i = 0; i < 2; i++) {
        x[i] = node->input[i];
        rank[i] = is_set(node, flags[i]) ? onnx_rewrite_rank(w, x[i]) : 1;
        if (rank[i] == 0 || rank[i] > ONNX_MOST_DIMS) { // the evaluator has it as it is
            *own = NULL;
            onnx_put(w, node);
            return ERR_NONE;
        }
    }
    for (int i = 0; i < 2; i++)
        if (rank[i] > 1) {
            turn(w, node, x[i], rank[i], onnx_put_name(names[i], node, whats[i]));
            x[i] = names[i];
        }
    if (alpha == 1) {
        put(w, node, "MatMul", x[0], x[1], NULL, names[2]);
        return ERR_NONE;
    }
    onnx_put_float(w, onnx_put_name(names[3], node, "alpha"), alpha);
    const char *product = put(w, node, "MatMul", x[0], x[1], "product", names[2]);
    char last[ONNX_NAME];
    put(w, node, "Mul", product, names[3], NULL, last);
    return ERR_NONE;
}

/* ---- MatMulNBits ---- */

struct blocks {
    int64_t rows, columns, bits, block, n_block; // columns: outputs
    struct onnx_tensor code, scale, zero;
    bool    has_zero;
};

static enum err read_blocks(struct onnx_rewriting *w, const Onnx__NodeProto *proto,
                            struct blocks *b)
{
    const struct onnx_node node = {.proto = proto};
    enum err e = onnx_attr_int(&node, "K", &b->rows, w->msg);

    b->bits = 4;
    if (!e)
        e = onnx_attr_int(&node, "N", &b->columns, w->msg);
    if (!e)
        e = onnx_attr_int(&node, "bits", &b->bits, w->msg);
    if (!e)
        e = onnx_attr_int(&node, "block_size", &b->block, w->msg);
    if (e)
        return e;
    if (b->rows < 1 || b->columns < 1 || b->rows > INT32_MAX / b->columns ||
        (b->bits != 2 && b->bits != 4 && b->bits != 8) || b->block < 16 || b->block > 4096 ||
        b->block % 16 != 0)
        return onnx_refuse(w, proto, "K = %" PRId64 ", N = %" PRId64 ", bits = %" PRId64
                           ", block_size = %" PRId64 ": want sizes, 2, 4 or 8 bits, and blocks of "
                           "16 to 4096", b->rows, b->columns, b->bits, b->block);
    b->n_block = (b->rows + b->block - 1) / b->block;
    const uint64_t scales = (uint64_t)(b->columns * b->n_block);
    if (!onnx_rewrite_constant(w, proto, 1, &b->code) || b->code.type != TYPE(UINT8) ||
        b->code.n != scales * (uint64_t)(b->block * b->bits / 8) ||
        !onnx_rewrite_constant(w, proto, 2, &b->scale) || !onnx_type_is_real(b->scale.type) ||
        b->scale.n != scales)
        return onnx_refuse(w, proto, "its weights are no constant of %" PRIu64 " bytes with %"
                           PRIu64 " scales: want both",
                           scales * (uint64_t)(b->block * b->bits / 8), scales);
    b->has_zero = input(proto, 3) != NULL;
    const uint64_t row = (uint64_t)(b->n_block * b->bits + 7) / 8; // bytes of an output
    const bool known = b->has_zero && onnx_rewrite_constant(w, proto, 3, &b->zero);
    const bool real = known && onnx_type_is_real(b->zero.type);
    if (b->has_zero && (!known || (!real && b->zero.type != TYPE(UINT8)) ||
                        b->zero.n != (real ? scales : row * (uint64_t)b->columns)))
        return onnx_refuse(w, proto, "its zero points are no constant of %" PRIu64 " bytes: want "
                           "that, or none", row * (uint64_t)b->columns);
    if (input(proto, 4) && *onnx_text(input(proto, 4)))
        return onnx_refuse(w, proto, "its rows have an order of their own, g_idx: want none");
    return ERR_NONE;
}

/* Number i of `bits` bits each, the lowest first, from byte `from` on. */
static int64_t unpacked(const struct onnx_tensor *t, uint64_t from, uint64_t i, int64_t bits)
{
    const uint64_t bit = i * (uint64_t)bits;

    return onnx_tensor_integer(t, from + bit / 8) >> bit % 8 & ((1 << bits) - 1);
}

static float weight_of(const struct blocks *b, int64_t o, int64_t k)
{
    const int64_t at = o * b->n_block + k / b->block; // its block
    const uint64_t bytes = (uint64_t)(b->block * b->bits / 8);
    const uint64_t row = (uint64_t)(b->n_block * b->bits + 7) / 8;
    double zero = (double)(1 << (b->bits - 1));

    if (b->has_zero)
        zero = onnx_type_is_real(b->zero.type)
                   ? onnx_tensor_real(&b->zero, (size_t)at)
                   : (double)unpacked(&b->zero, (uint64_t)o * row, (uint64_t)(k / b->block),
                                      b->bits);
    double code = (double)unpacked(&b->code, (uint64_t)at * bytes, (uint64_t)(k % b->block),
                                   b->bits);
    return (float)((code - zero) * onnx_tensor_real(&b->scale, (size_t)at));
}

static enum err rewrite_blocks(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const Onnx__NodeProto *node = *own;
    char name[ONNX_NAME], product[ONNX_NAME];
    struct blocks b = {0};
    enum err e = need(w, node, 3);

    if (!e)
        e = read_blocks(w, node, &b);
    if (e)
        return e;
    const uint32_t dim[] = {(uint32_t)b.rows, (uint32_t)b.columns};
    const size_t n = (size_t)b.rows * (size_t)b.columns;
    Onnx__TensorProto *t = onnx_put_tensor(w, onnx_put_name(name, node, "weights"), TYPE(FLOAT), 2,
                                           dim, n * sizeof(float));
    for (size_t i = 0; t && i < n; i++) {
        float v = weight_of(&b, (int64_t)i % b.columns, (int64_t)i / b.columns);
        memcpy(t->raw_data.data + i * sizeof v, &v, sizeof v);
    }
    put(w, node, "MatMul", node->input[0], name, input(node, 5) ? "product" : NULL, product);
    if (input(node, 5))
        onnx_put_node(w, node, "Add", (const char *const[]){product, input(node, 5), NULL},
                      node->output[0]);
    return ERR_NONE;
}

/* ---- Einsum ---- */

static bool takes_einsum(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return onnx_is_own_domain(node->domain) && strcmp(onnx_text(node->op_type), "Einsum") == 0;
}

/* A result that the equation does not name has the letters that come once, in their order. */
static bool name_result(char part[3][ONNX_MOST_DIMS + 1])
{
    size_t n = 0;

    for (char l = 'A'; l <= 'z'; l++)
        if (!strchr(part[0], l) != !strchr(part[1], l)) {
            if (n == ONNX_MOST_DIMS)
                return false;
            part[2][n++] = l;
        }
    return true;
}

/* "bqhd,bkhd->bhqk" without spaces: letters of both operands and of the result. */
static bool split_equation(const char *text, char part[3][ONNX_MOST_DIMS + 1])
{
    int at = 0;
    size_t n = 0;

    memset(part, 0, 3 * (ONNX_MOST_DIMS + 1));
    for (; *text; text++) {
        bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
        if (*text == ' ')
            continue;
        if (*text == ',' && at == 0) {
            at = 1;
            n = 0;
        } else if (text[0] == '-' && text[1] == '>' && at == 1) {
            at = 2;
            n = 0;
            text++;
        } else if (!letter || n == ONNX_MOST_DIMS || strchr(part[at], *text)) {
            return false;
        } else {
            part[at][n++] = *text;
        }
    }
    return at == 2 || (at == 1 && name_result(part));
}

/* x with its letters in another order. */
static const char *order(struct onnx_rewriting *w, const Onnx__NodeProto *node, const char *x,
                         const char *have, const char *want, const char *name)
{
    int64_t perm[ONNX_MOST_DIMS];

    if (strcmp(have, want) == 0)
        return x;
    for (size_t k = 0; want[k]; k++)
        perm[k] = strchr(have, want[k]) - have;
    Onnx__NodeProto *t =
        onnx_put_node(w, node, "Transpose", (const char *const[]){x, NULL, NULL}, name);
    onnx_put_attribute(w, t, "perm", strlen(want), perm, ATTR(INTS));
    return name;
}

static void add_letter(char *list, char letter)
{
    size_t n = strlen(list);

    list[n] = letter;
    list[n + 1] = '\0';
}

/* Of letters in both operands those that the result has are batches and the other is contracted;
 * what only one of them has is a row or a column. */
static enum err rewrite_einsum(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const struct onnx_node of = {.proto = *own};
    const Onnx__NodeProto *node = *own;
    char text[64] = "", part[3][ONNX_MOST_DIMS + 1];
    char batch[ONNX_MOST_DIMS + 4] = "", row[ONNX_MOST_DIMS + 4] = "";
    char column[ONNX_MOST_DIMS + 4] = "", sum[ONNX_MOST_DIMS + 4] = "", names[3][ONNX_NAME];
    enum err e = onnx_attr_text(&of, "equation", text, sizeof text, w->msg);

    if (e)
        return e;
    bool fits = node->n_input == 2 && input(node, 0) && input(node, 1) &&
                split_equation(text, part);
    for (size_t k = 0; fits && part[0][k]; k++) {
        char l = part[0][k];
        bool other = strchr(part[1], l), result = strchr(part[2], l);
        fits = other || result;
        add_letter(other && result ? batch : other ? sum : row, l);
    }
    for (size_t k = 0; fits && part[1][k]; k++)
        if (!strchr(part[0], part[1][k])) {
            fits = strchr(part[2], part[1][k]) != NULL;
            add_letter(column, part[1][k]);
        }
    const bool rows = strlen(row) == 1 || (*row && !*batch); // several: of a map and a matrix
    if (!fits || !rows || strlen(column) != 1 || strlen(sum) != 1 ||
        strlen(part[2]) != strlen(batch) + strlen(row) + 1)
        return onnx_refuse(w, node, "equation is \"%.60s\": want a product of two maps such as "
                           "bhqd,bhkd->bhqk, or of a map and a matrix, with one letter summed over",
                           text);
    char first[ONNX_MOST_DIMS * 2], second[ONNX_MOST_DIMS * 2], made[ONNX_MOST_DIMS * 2];
    snprintf(first, sizeof first, "%s%s%s", batch, row, sum);
    snprintf(second, sizeof second, "%s%s%s", batch, sum, column);
    snprintf(made, sizeof made, "%s%s%s", batch, row, column);
    const char *a = order(w, node, node->input[0], part[0], first,
                          onnx_put_name(names[0], node, "first"));
    const char *b = order(w, node, node->input[1], part[1], second,
                          onnx_put_name(names[1], node, "second"));
    if (strcmp(made, part[2]) == 0) {
        put(w, node, "MatMul", a, b, NULL, names[2]);
        return ERR_NONE;
    }
    order(w, node, put(w, node, "MatMul", a, b, "product", names[2]), made, part[2],
          node->output[0]);
    return ERR_NONE;
}

const struct onnx_rewriter onnx_rewrites_fused[] = {
    {takes_bias_gelu,       rewrite_bias_gelu, false},
    {takes_fast_gelu,       rewrite_bias_gelu, false},
    {takes_quick_gelu,      rewrite_quick_gelu, false},
    {takes_skip_layer,      rewrite_skip, true},
    {takes_skip_simplified, rewrite_skip, true},
    {takes_embed,           rewrite_embed, true},
    {takes_fused,           rewrite_fused, false},
    {takes_blocks,          rewrite_blocks, false},
    {takes_einsum,          rewrite_einsum, false},
    {0},
};
