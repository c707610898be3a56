/* onnx/rewrite/fused_attention.c -- attention as one operator, which is products, Softmax and
 * layout:
 *
 *     Attention (sets 23 to 25)           queries, keys and values, with heads as an axis or not
 *     com.microsoft.Attention             one matrix makes all three
 *     com.microsoft.MultiHeadAttention    three maps, or one that holds all
 *     com.microsoft.GroupQueryAttention   fewer heads of keys and values; causal
 *     com.microsoft.RotaryEmbedding       RotaryEmbedding of set 23
 *
 * Scores are MatMul (1 x heads x tokens x tokens), Mul by the scale, a soft cap, what is added or
 * masked, then Softmax; the cap comes first since onnx 1.22, for behind it no mask would hide a
 * key. Heads of keys and values that several heads of queries read are repeated by Expand. A mask
 * of ones says nothing; keys and values of tokens before are refused.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "onnx/rewrite/rewrite.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name
#define ATTR(name) ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##name

static const float masked = -3.4028234663852886e38F; // a score that takes no part

struct job { // one node becoming others
    struct onnx_rewriting *w;
    const Onnx__NodeProto *node;
};

struct name {
    char text[ONNX_NAME];
};

static bool is_of_runtime(const Onnx__NodeProto *node, const char *type)
{
    return strcmp(onnx_text(node->domain), "com.microsoft") == 0 &&
           strcmp(onnx_text(node->op_type), type) == 0;
}

static const char *input(const struct job *j, size_t i)
{
    return i < j->node->n_input && *onnx_text(j->node->input[i]) ? j->node->input[i] : NULL;
}

static const char *output(const struct job *j, size_t i)
{
    return i < j->node->n_output ? onnx_text(j->node->output[i]) : "";
}

/* ---- Nodes, each of one result "output.what" ---- */

static struct name named(const struct job *j, const char *what)
{
    struct name n;

    onnx_put_name(n.text, j->node, what);
    return n;
}

static struct name put(const struct job *j, const char *type, const char *a, const char *b,
                       const char *what)
{
    struct name out = named(j, what);

    onnx_put_node(j->w, j->node, type, (const char *const[]){a, b, NULL}, out.text);
    return out;
}

static struct name put_list(const struct job *j, const char *what, const char *list, uint32_t n,
                            const int64_t *v)
{
    char whole[64];
    struct name out;

    snprintf(whole, sizeof whole, "%s.%s", what, list);
    out = named(j, whole);
    onnx_put_integers(j->w, out.text, n, v);
    return out;
}

static struct name reshape(const struct job *j, const char *x, uint32_t n, const int64_t *dim,
                           const char *what)
{
    return put(j, "Reshape", x, put_list(j, what, "shape", n, dim).text, what);
}

static struct name transpose(const struct job *j, const char *x, uint32_t n, const int64_t *perm,
                             const char *what)
{
    struct name out = named(j, what);
    Onnx__NodeProto *t =
        onnx_put_node(j->w, j->node, "Transpose", (const char *const[]){x, NULL, NULL}, out.text);

    onnx_put_attribute(j->w, t, "perm", n, perm, ATTR(INTS));
    return out;
}

/* Places start .. end - 1 along an axis. */
static struct name slice(const struct job *j, const char *x, int64_t start, int64_t end,
                         int64_t axis, const char *what)
{
    struct name out = named(j, what), first = put_list(j, what, "start", 1, &start);
    struct name last = put_list(j, what, "end", 1, &end);
    Onnx__NodeProto *s = onnx_put_node(j->w, j->node, "Slice",
                                       (const char *const[]){x, first.text, last.text}, out.text);

    onnx_put_input(j->w, s, put_list(j, what, "axis", 1, &axis).text);
    return out;
}

static struct name put_float(const struct job *j, double v, const char *what)
{
    struct name out = named(j, what);

    onnx_put_float(j->w, out.text, v);
    return out;
}

/* ---- What is told of attention ---- */

struct attention {
    int64_t heads, kv_heads;
    double  scale;     // 0: 1 / sqrt(channels of a head)
    double  softcap;   // 0: none
    bool    causal;
    double  masked;    // the score of a key that is masked
    int64_t head;      // channels of one, 0: not known here
    const char *bias;  // added to scores; NULL: none
    const char *mask;  // bool, of scores; NULL: none
};

static enum err read_int(const struct job *j, const char *name, int64_t *v)
{
    const struct onnx_node node = {.proto = j->node};

    return onnx_attr_int(&node, name, v, j->w->msg);
}

static enum err read_float(const struct job *j, const char *name, double *v)
{
    const struct onnx_node node = {.proto = j->node};

    return onnx_attr_float(&node, name, v, j->w->msg);
}

static enum err check_heads(const struct job *j, const struct attention *a)
{
    if (a->heads < 1 || a->heads > INT16_MAX || a->kv_heads < 1 || a->kv_heads > a->heads ||
        a->heads % a->kv_heads != 0)
        return onnx_refuse(j->w, j->node, "%" PRId64 " heads, %" PRId64 " of keys and values: want "
                           "1 or more, the former a multiple of the latter", a->heads, a->kv_heads);
    return ERR_NONE;
}

/* Refuses an attribute that is not 0. */
static enum err refuse_set(const struct job *j, const char *name, const char *cure)
{
    int64_t v = 0;
    enum err e = read_int(j, name, &v);

    if (!e && v != 0 && v != -1)
        e = onnx_refuse(j->w, j->node, "%s is %" PRId64 ": want %s", name, v, cure);
    return e;
}

static enum err refuse_past(const struct job *j, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        if (input(j, i))
            return onnx_refuse(j->w, j->node, "input %zu holds keys and values of tokens before: "
                               "want a model exported without a cache; network.family = "
                               "transformer with decode.tokens decodes one by one", i);
    return ERR_NONE;
}

/* ---- Masks ---- */

/* Whether a value is made of nothing but constants of ones: a mask that leaves every key in. Sums
 * of them count tokens. */
static bool is_of_ones(const struct job *j, const char *value, int *left)
{
    static const char *const keep[] = {"Cast", "Expand", "Identity", "ReduceSum", "Reshape",
                                       "Squeeze", "Unsqueeze"};
    const Onnx__NodeProto key = {.n_input = 1, .input = (char *[]){(char *)value}};
    const Onnx__NodeProto *maker = onnx_rewrite_maker(j->w, value);
    struct onnx_tensor t;

    if (onnx_rewrite_constant(j->w, &key, 0, &t)) {
        for (size_t i = 0; i < t.n; i++)
            if (onnx_type_is_real(t.type) ? onnx_tensor_real(&t, i) != 1
                                          : onnx_tensor_integer(&t, i) != 1)
                return false;
        return true;
    }
    for (size_t k = 0; maker && maker->n_input > 0 && k < sizeof keep / sizeof *keep; k++)
        if (strcmp(onnx_text(maker->op_type), keep[k]) == 0 && (*left)-- > 0)
            return is_of_ones(j, onnx_text(maker->input[0]), left);
    return false;
}

/* Keys that are padding. */
static enum err check_padding(const struct job *j, size_t i)
{
    int left = 16;

    if (!input(j, i) || is_of_ones(j, input(j, i), &left))
        return ERR_NONE;
    return onnx_refuse(j->w, j->node, "input %zu masks keys and is not made of ones alone: want a "
                       "mask of all tokens, which the input attention_mask stands for", i);
}

/* Scores beside the lower triangle, or beside a mask, become a number that Softmax makes 0. */
static struct name keep_where(const struct job *j, const char *mask, struct name scores,
                              double value, const char *what)
{
    char number[40];
    struct name out = named(j, what);

    snprintf(number, sizeof number, "%s.value", what);
    const struct name v = put_float(j, value, number);
    onnx_put_node(j->w, j->node, "Where", (const char *const[]){mask, scores.text, v.text},
                  out.text);
    return out;
}

/* bool, tokens x tokens, as large as the last two dimensions of the scores. */
static struct name lower_triangle(const struct job *j, const char *scores)
{
    struct name shape = put(j, "Shape", scores, NULL, "scores.shape");
    struct name square = slice(j, shape.text, -2, INT32_MAX, 0, "square");
    struct name ones = put(j, "Expand", named(j, "true").text, square.text, "ones");
    struct name out = named(j, "triangle");

    onnx_put_integer(j->w, named(j, "true").text, TYPE(BOOL), 1);
    Onnx__NodeProto *t = onnx_put_node(j->w, j->node, "Trilu",
                                       (const char *const[]){ones.text, NULL, NULL}, out.text);
    onnx_put_attribute(j->w, t, "upper", 1, (const int64_t[]){0}, ATTR(INT));
    return out;
}

/* ---- Attention itself ---- */

/* 1 x tokens x channels to 1 x heads x tokens x channels of a head; keys x tokens last. Several
 * heads of queries may read one. */
static struct name by_heads(const struct job *j, const struct attention *a, const char *x,
                            int64_t heads, bool last, const char *what)
{
    static const int64_t perms[2][4] = {{0, 2, 1, 3}, {0, 2, 3, 1}};
    const int64_t times = a->heads / heads;
    char part[3][40];

    snprintf(part[0], sizeof part[0], "%s.split", what);
    snprintf(part[1], sizeof part[1], "%s.repeated", what);
    snprintf(part[2], sizeof part[2], "%s.joined", what);
    if (times == 1) {
        struct name r = reshape(j, x, 4, (const int64_t[]){0, 0, heads, -1}, part[0]);
        return transpose(j, r.text, 4, perms[last], what);
    }
    struct name r = reshape(j, x, 5, (const int64_t[]){0, 0, heads, 1, -1}, part[0]);
    struct name times_name = put_list(j, part[1], "shape", 5, (const int64_t[]){1, 1, 1, times, 1});
    struct name more = put(j, "Expand", r.text, times_name.text, part[1]);
    struct name all = reshape(j, more.text, 4, (const int64_t[]){0, 0, a->heads, -1}, part[2]);
    return transpose(j, all.text, 4, perms[last], what);
}

/* The scale as a constant, or made of the queries' shape where no constant says it. */
static struct name scale_of(const struct job *j, const struct attention *a, const char *queries)
{
    static const int64_t last = 3;

    if (a->scale > 0 || a->head > 0)
        return put_float(j, a->scale > 0 ? a->scale : 1 / sqrt((double)a->head), "scale");
    struct name shape = put(j, "Shape", queries, NULL, "queries.shape");
    struct name n = put(j, "Gather", shape.text, put_list(j, "scale", "axis", 1, &last).text,
                        "channels");
    struct name real = named(j, "channels.real");
    Onnx__NodeProto *cast =
        onnx_put_node(j->w, j->node, "Cast", (const char *const[]){n.text, NULL, NULL}, real.text);
    onnx_put_attribute(j->w, cast, "to", 1, (const int64_t[]){TYPE(FLOAT)}, ATTR(INT));
    struct name root = put(j, "Sqrt", real.text, NULL, "channels.root");
    return put(j, "Reciprocal", root.text, NULL, "scale");
}

/* q, v: 1 x heads x tokens x channels; k: channels before tokens. The result is as q. */
static struct name attend(const struct job *j, const struct attention *a, const char *q,
                          const char *k, const char *v)
{
    struct name s = put(j, "MatMul", q, k, "products");
    struct name softmax = named(j, "weights");

    s = put(j, "Mul", s.text, scale_of(j, a, q).text, "scores");
    if (a->softcap > 0) {
        struct name cap = put_float(j, a->softcap, "softcap");
        s = put(j, "Div", s.text, cap.text, "capped.divided");
        s = put(j, "Tanh", s.text, NULL, "capped.tanh");
        s = put(j, "Mul", s.text, cap.text, "capped");
    }
    if (a->bias)
        s = put(j, "Add", s.text, a->bias, "biased");
    if (a->mask)
        s = keep_where(j, a->mask, s, (double)masked, "unmasked");
    if (a->causal)
        s = keep_where(j, lower_triangle(j, s.text).text, s, a->masked, "causal");
    Onnx__NodeProto *p = onnx_put_node(j->w, j->node, "Softmax",
                                       (const char *const[]){s.text, NULL, NULL}, softmax.text);
    onnx_put_attribute(j->w, p, "axis", 1, (const int64_t[]){-1}, ATTR(INT));
    return put(j, "MatMul", softmax.text, v, "mixed");
}

/* Back to 1 x tokens x channels, the node's result. */
static void join_heads(const struct job *j, const char *x)
{
    struct name t = transpose(j, x, 4, (const int64_t[]){0, 2, 1, 3}, "mixed.tokens");
    struct name shape = put_list(j, "mixed", "shape", 3, (const int64_t[]){0, 0, -1});

    onnx_put_node(j->w, j->node, "Reshape", (const char *const[]){t.text, shape.text, NULL},
                  j->node->output[0]);
}

static void put_attention(const struct job *j, const struct attention *a, const char *q,
                          const char *k, const char *v)
{
    struct name qh = by_heads(j, a, q, a->heads, false, "queries");
    struct name kh = by_heads(j, a, k, a->kv_heads, true, "keys");
    struct name vh = by_heads(j, a, v, a->kv_heads, false, "values");

    join_heads(j, attend(j, a, qh.text, kh.text, vh.text).text);
}

/* ---- com.microsoft.Attention ---- */

static bool takes_fused(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return is_of_runtime(node, "Attention");
}

/* Sizes of queries, keys and values: a list, or thirds of the matrix's columns. */
static enum err read_sizes(const struct job *j, int64_t size[3])
{
    const struct onnx_node node = {.proto = j->node};
    uint32_t n = 0, columns = onnx_rewrite_last(j->w, input(j, 1));
    bool given = false;
    enum err e = onnx_attr_list(&node, "qkv_hidden_sizes", size, 3, &n, &given, j->w->msg);

    if (e)
        return e;
    if (!given)
        size[0] = size[1] = size[2] = columns / 3;
    if ((given && n != 3) || size[0] < 1 || size[0] != size[1] || size[2] < 1 ||
        size[2] > UINT16_MAX || size[0] > UINT16_MAX ||
        (columns > 0 && 2 * size[0] + size[2] != columns))
        return onnx_refuse(j->w, j->node, "a matrix of %" PRIu32 " columns: want those of queries, "
                           "keys and values, as many of each or as qkv_hidden_sizes says", columns);
    return ERR_NONE;
}

static enum err read_fused(const struct job *j, struct attention *a)
{
    int64_t causal = 0;
    enum err e = ERR_NONE;

    *a = (struct attention){.masked = (double)masked};
    for (size_t i = 0; i < 2 && !e; i++)
        if (!input(j, i))
            e = onnx_refuse(j->w, j->node, "input %zu is left out: want it", i);
    if (!e)
        e = read_int(j, "num_heads", &a->heads);
    if (!e)
        e = read_int(j, "unidirectional", &causal);
    if (!e)
        e = read_float(j, "scale", &a->scale);
    if (!e)
        e = refuse_set(j, "do_rotary", "0, and RotaryEmbedding before it");
    a->kv_heads = a->heads;
    a->causal = causal != 0;
    a->bias = input(j, 5);
    if (!e)
        e = check_heads(j, a);
    if (!e)
        e = check_padding(j, 3);
    return e ? e : refuse_past(j, 4, 5);
}

static enum err rewrite_fused(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const struct job j = {w, *own};
    struct attention a;
    int64_t size[3] = {0};
    enum err e = read_fused(&j, &a);

    if (!e && !w->is_float)
        e = onnx_refuse(w, *own, "queries, keys and values are not rounded in it: want the float "
                        "model, which imcsim import quantises, or MatMul, QuantizeLinear and "
                        "DequantizeLinear in front of MultiHeadAttention");
    if (!e)
        e = read_sizes(&j, size);
    if (!e && (size[0] % a.heads != 0 || size[2] % a.heads != 0))
        e = onnx_refuse(w, *own, "%" PRId64 " channels of queries, %" PRId64 " of values, %" PRId64
                        " heads: want as many channels in each head", size[0], size[2], a.heads);
    if (e)
        return e;
    a.head = size[0] / a.heads;
    struct name x = put(&j, "MatMul", input(&j, 0), input(&j, 1), "qkv");
    if (input(&j, 2))
        x = put(&j, "Add", x.text, input(&j, 2), "qkv.biased");
    struct name q = slice(&j, x.text, 0, size[0], -1, "q");
    struct name k = slice(&j, x.text, size[0], 2 * size[0], -1, "k");
    struct name v = slice(&j, x.text, 2 * size[0], 2 * size[0] + size[2], -1, "v");
    put_attention(&j, &a, q.text, k.text, v.text);
    return ERR_NONE;
}

/* ---- com.microsoft.MultiHeadAttention ---- */

static bool takes_heads(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return is_of_runtime(node, "MultiHeadAttention");
}

/* One of the parts of a map tokens x heads x parts x channels, as tokens x channels. */
static struct name part_of(const struct job *j, const char *x, int64_t at, const char *what)
{
    char cut[40];

    snprintf(cut, sizeof cut, "%s.cut", what);
    struct name s = slice(j, x, at, at + 1, 3, cut);
    return reshape(j, s.text, 3, (const int64_t[]){0, 0, -1}, what);
}

/* q, k and v with their shares of the bias. */
static void add_bias(const struct job *j, struct name part[3], const int64_t size[3])
{
    static const char *const whats[3] = {"q.biased", "k.biased", "v.biased"};
    static const char *const shares[3] = {"q.bias", "k.bias", "v.bias"};
    int64_t at = 0;

    for (int i = 0; i < 3; i++) {
        struct name share = slice(j, input(j, 3), at, at + size[i], 0, shares[i]);
        part[i] = put(j, "Add", part[i].text, share.text, whats[i]);
        at += size[i];
    }
}

static enum err rewrite_heads(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const struct job j = {w, *own};
    struct attention a = {.masked = (double)masked};
    struct name part[3];
    int64_t causal = 0, size[3];
    enum err e = input(&j, 0) ? read_int(&j, "num_heads", &a.heads)
                              : onnx_refuse(w, *own, "input 0 is left out: want it");

    if (!e)
        e = read_int(&j, "unidirectional", &causal);
    if (!e)
        e = read_float(&j, "scale", &a.scale);
    a.kv_heads = a.heads;
    a.causal = causal != 0;
    a.bias = input(&j, 5);
    if (!e)
        e = check_heads(&j, &a);
    if (!e)
        e = check_padding(&j, 4);
    if (!e)
        e = refuse_past(&j, 6, 8);
    if (e)
        return e;
    const uint32_t queries = onnx_rewrite_last(w, input(&j, 0));
    const bool packed = !input(&j, 1), pairs = !packed && !input(&j, 2);
    for (int i = 0; i < 3; i++) {
        static const char *const whats[3] = {"q", "k", "v"};
        if (packed)
            part[i] = part_of(&j, input(&j, 0), i, whats[i]);
        else if (pairs && i > 0)
            part[i] = part_of(&j, input(&j, 1), i - 1, whats[i]);
        else
            snprintf(part[i].text, ONNX_NAME, "%s", input(&j, (size_t)i));
    }
    if (!packed && queries % (uint64_t)a.heads == 0)
        a.head = queries / a.heads;
    if (input(&j, 3)) {
        const uint32_t all = onnx_rewrite_last(w, input(&j, 3));
        size[0] = size[1] = packed || queries == 0 ? all / 3 : queries;
        size[2] = (int64_t)all - 2 * size[0];
        if (all == 0 || size[2] < 1)
            return onnx_refuse(w, *own, "its bias is no constant as long as queries, keys and "
                               "values together: want that");
        a.head = size[0] / a.heads;
        add_bias(&j, part, size);
    }
    put_attention(&j, &a, part[0].text, part[1].text, part[2].text);
    return ERR_NONE;
}

/* ---- RotaryEmbedding ---- */

static bool takes_rotary(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return is_of_runtime(node, "RotaryEmbedding");
}

/* ONNX's, with `heads` heads unless they are an axis, and the first rows of the caches where
 * `positions` are NULL. */
static struct name put_rotary(const struct job *j, const char *x, const char *cosines,
                              const char *sines, const char *positions, int64_t heads,
                              int64_t interleaved, int64_t turned, const char *out)
{
    struct name made;

    snprintf(made.text, ONNX_NAME, "%s", out);
    Onnx__NodeProto *r = onnx_put_node(j->w, j->node, "RotaryEmbedding",
                                       (const char *const[]){x, cosines, sines}, made.text);
    if (positions)
        onnx_put_input(j->w, r, positions);
    if (heads > 0)
        onnx_put_attribute(j->w, r, "num_heads", 1, &heads, ATTR(INT));
    onnx_put_attribute(j->w, r, "interleaved", 1, &interleaved, ATTR(INT));
    onnx_put_attribute(j->w, r, "rotary_embedding_dim", 1, &turned, ATTR(INT));
    return made;
}

static enum err rewrite_rotary(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const struct job j = {w, *own};
    int64_t interleaved = 0, heads = 0, turned = 0;
    double scale = 1;
    enum err e = ERR_NONE;

    for (size_t i = 0; i < 4 && !e; i++)
        if (!input(&j, i))
            e = onnx_refuse(w, *own, "input %zu is left out: want it", i);
    if (!e)
        e = read_int(&j, "interleaved", &interleaved);
    if (!e)
        e = read_int(&j, "num_heads", &heads);
    if (!e)
        e = read_int(&j, "rotary_embedding_dim", &turned);
    if (!e)
        e = read_float(&j, "scale", &scale);
    if (!e)
        e = refuse_set(&j, "is_packed_batching", "0");
    if (!e && scale != 1)
        e = onnx_refuse(w, *own, "scale is %g: want 1", scale);
    if (e)
        return e;
    uint32_t channels = onnx_rewrite_last(w, input(&j, 0));
    uint32_t half = onnx_rewrite_last(w, input(&j, 2));
    if (heads == 0 && onnx_rewrite_rank(w, input(&j, 0)) == 3) { // heads as wide as the caches
        if (channels == 0 || half == 0 || channels % (2 * half) != 0)
            return onnx_refuse(w, *own, "nothing near says how many heads there are: want "
                               "num_heads");
        heads = channels / (2 * half);
    }
    put_rotary(&j, input(&j, 0), input(&j, 2), input(&j, 3), input(&j, 1), heads, interleaved,
               turned, output(&j, 0));
    return ERR_NONE;
}

/* ---- com.microsoft.GroupQueryAttention ---- */

static bool takes_groups(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return is_of_runtime(node, "GroupQueryAttention");
}

/* Positions of the tokens, 1 x tokens. */
static struct name count_tokens(const struct job *j, const char *x)
{
    static const int64_t axis = 1, zero = 0, one = 1;
    struct name shape = put(j, "Shape", x, NULL, "tokens.shape"), at = named(j, "tokens.axis");
    struct name first = named(j, "tokens.first"), step = named(j, "tokens.step");
    struct name out = named(j, "tokens.range");

    onnx_put_integer(j->w, at.text, TYPE(INT64), axis);
    onnx_put_integer(j->w, first.text, TYPE(INT64), zero);
    onnx_put_integer(j->w, step.text, TYPE(INT64), one);
    struct name n = put(j, "Gather", shape.text, at.text, "tokens");
    onnx_put_node(j->w, j->node, "Range", (const char *const[]){first.text, n.text, step.text},
                  out.text);
    return reshape(j, out.text, 2, (const int64_t[]){1, -1}, "positions");
}

static enum err read_groups(const struct job *j, struct attention *a)
{
    static const char *const none = "none, and every key in sight";
    enum err e = input(j, 0) ? read_int(j, "num_heads", &a->heads)
                             : onnx_refuse(j->w, j->node, "input 0 is left out: want it");

    if (!e)
        e = read_int(j, "kv_num_heads", &a->kv_heads);
    if (!e)
        e = read_float(j, "scale", &a->scale);
    if (!e)
        e = read_float(j, "softcap", &a->softcap);
    if (!e)
        e = refuse_set(j, "local_window_size", none);
    if (!e)
        e = refuse_set(j, "smooth_softmax", "0");
    if (!e)
        e = check_heads(j, a);
    if (!e)
        e = refuse_past(j, 3, 5);
    if (!e && input(j, 11))
        e = onnx_refuse(j->w, j->node, "input 11, a sink for each head: want none");
    a->bias = input(j, 10);
    return e;
}

/* Keys, or values, as they would be kept for later tokens. */
static void put_present(const struct job *j, const struct attention *a, const char *x, size_t i,
                        const char *what)
{
    static const int64_t perm[4] = {0, 2, 1, 3};
    const int64_t dim[4] = {0, 0, a->kv_heads, -1};

    if (!*output(j, i) || !onnx_rewrite_is_read(j->w, output(j, i)))
        return;
    struct name r = reshape(j, x, 4, dim, what);
    Onnx__NodeProto *t = onnx_put_node(j->w, j->node, "Transpose",
                                       (const char *const[]){r.text, NULL, NULL}, output(j, i));
    onnx_put_attribute(j->w, t, "perm", 4, perm, ATTR(INTS));
}

static enum err rewrite_groups(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const struct job j = {w, *own};
    struct attention a = {.masked = (double)masked, .causal = true};
    int64_t rotary = 0, interleaved = 0;
    struct name part[3];
    enum err e = read_groups(&j, &a);

    if (!e)
        e = read_int(&j, "do_rotary", &rotary);
    if (!e)
        e = read_int(&j, "rotary_interleaved", &interleaved);
    if (!e && rotary && (!input(&j, 7) || !input(&j, 8)))
        e = onnx_refuse(w, *own, "do_rotary without caches: want inputs 7 and 8");
    if (e)
        return e;
    const uint32_t last = onnx_rewrite_last(w, input(&j, 0));
    const int64_t in_all = input(&j, 1) ? a.heads : a.heads + 2 * a.kv_heads;
    a.head = last % in_all == 0 ? last / in_all : 0;
    if (!input(&j, 1) && a.head == 0)
        return onnx_refuse(w, *own, "nothing near says how many channels its map has: want "
                           "queries, keys and values as three inputs");
    const int64_t cut[4] = {0, a.heads * a.head, (a.heads + a.kv_heads) * a.head, in_all * a.head};
    for (int i = 0; i < 3; i++) {
        static const char *const whats[3] = {"q", "k", "v"}, *const turns[2] = {"q.turned",
                                                                                "k.turned"};
        if (input(&j, 1))
            snprintf(part[i].text, ONNX_NAME, "%s", input(&j, (size_t)i));
        else
            part[i] = slice(&j, input(&j, 0), cut[i], cut[i + 1], -1, whats[i]);
        if (rotary && i == 0 && !input(&j, 9))
            (void)count_tokens(&j, part[0].text);
        if (rotary && i < 2)
            part[i] = put_rotary(&j, part[i].text, input(&j, 7), input(&j, 8),
                                 input(&j, 9) ? input(&j, 9) : named(&j, "positions").text,
                                 i == 0 ? a.heads : a.kv_heads, interleaved, 0,
                                 named(&j, turns[i]).text);
    }
    put_present(&j, &a, part[1].text, 1, "present.keys");
    put_present(&j, &a, part[2].text, 2, "present.values");
    put_attention(&j, &a, part[0].text, part[1].text, part[2].text);
    return ERR_NONE;
}

/* ---- Attention of sets 23 to 25 ---- */

static bool takes_attention(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return onnx_is_own_domain(node->domain) && strcmp(onnx_text(node->op_type), "Attention") == 0;
}

/* The mask as one that chooses or one that is added: by the type of what makes it. */
static void read_mask(const struct job *j, struct attention *a)
{
    static const char *const choose[] = {"Equal", "Greater", "GreaterOrEqual", "Less",
                                         "LessOrEqual", "Not", "And", "Or"};
    const char *mask = input(j, 3);
    const Onnx__NodeProto *maker = mask ? onnx_rewrite_maker(j->w, mask) : NULL;
    struct onnx_tensor t;
    bool by_choice = mask && onnx_rewrite_constant(j->w, j->node, 3, &t) && t.type == TYPE(BOOL);

    for (int back = 0; maker && maker->n_input > 0 && back < 8; back++) {
        const char *type = onnx_text(maker->op_type);
        const Onnx__NodeProto key = {.n_input = 1, .input = maker->input};
        for (size_t i = 0; i < sizeof choose / sizeof *choose; i++)
            by_choice |= strcmp(type, choose[i]) == 0;
        if (strcmp(type, "Unsqueeze") != 0 && strcmp(type, "Expand") != 0 &&
            strcmp(type, "Reshape") != 0 && strcmp(type, "Trilu") != 0)
            break;
        by_choice |= onnx_rewrite_constant(j->w, &key, 0, &t) && t.type == TYPE(BOOL);
        maker = onnx_rewrite_maker(j->w, maker->input[0]);
    }
    a->mask = by_choice ? mask : NULL;
    a->bias = by_choice ? NULL : mask;
}

static enum err read_attention(const struct job *j, struct attention *a)
{
    int64_t causal = 0;
    enum err e = ERR_NONE;

    for (size_t i = 0; i < 3 && !e; i++)
        if (!input(j, i))
            e = onnx_refuse(j->w, j->node, "input %zu is left out: want it", i);
    if (!e)
        e = read_int(j, "q_num_heads", &a->heads);
    if (!e)
        e = read_int(j, "kv_num_heads", &a->kv_heads);
    if (!e)
        e = read_int(j, "is_causal", &causal);
    if (!e)
        e = read_float(j, "scale", &a->scale);
    if (!e)
        e = read_float(j, "softcap", &a->softcap);
    if (!e)
        e = refuse_past(j, 4, 6);
    if (!e && input(j, 6))
        e = onnx_refuse(j->w, j->node, "input 6, lengths without padding: want a sequence of whole "
                        "length");
    for (size_t i = 1; i < 4 && !e; i++)
        if (*output(j, i) && onnx_rewrite_is_read(j->w, output(j, i)))
            e = onnx_refuse(j->w, j->node, "output %zu is read: want the first only", i);
    a->causal = causal != 0;
    return e;
}

/* Heads are an axis of every map: 1 x heads x tokens x channels. */
static enum err rewrite_axes(const struct job *j, struct attention *a)
{
    static const int64_t keys[4] = {0, 1, 3, 2};
    const uint32_t rank = onnx_rewrite_rank(j->w, input(j, 0));

    if (rank != 4 && rank != 0)
        return onnx_refuse(j->w, j->node, "%" PRIu32 " dimensions and no q_num_heads: want it, or "
                           "heads as an axis", rank);
    a->head = onnx_rewrite_last(j->w, input(j, 0));
    struct name k = transpose(j, input(j, 1), 4, keys, "keys");
    struct name mixed = attend(j, a, input(j, 0), k.text, input(j, 2));
    onnx_put_node(j->w, j->node, "Identity", (const char *const[]){mixed.text, NULL, NULL},
                  j->node->output[0]);
    return ERR_NONE;
}

static enum err rewrite_attention(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const struct job j = {w, *own};
    struct attention a = {.masked = (double)masked};
    enum err e = read_attention(&j, &a);

    if (e)
        return e;
    read_mask(&j, &a);
    if (a.heads == 0 && a.kv_heads == 0)
        return rewrite_axes(&j, &a);
    e = check_heads(&j, &a);
    if (e)
        return e;
    const uint32_t queries = onnx_rewrite_last(w, input(&j, 0));
    a.head = queries % a.heads == 0 ? queries / a.heads : 0;
    put_attention(&j, &a, input(&j, 0), input(&j, 1), input(&j, 2));
    return ERR_NONE;
}

const struct onnx_rewriter onnx_rewrites_attention[] = {
    {takes_attention, rewrite_attention, true},
    {takes_fused,     rewrite_fused, true},
    {takes_heads,     rewrite_heads, true},
    {takes_groups,    rewrite_groups, true},
    {takes_rotary,    rewrite_rotary, false},
    {0},
};
