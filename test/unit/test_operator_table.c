/* The operators that files of transformers have, a row each: what becomes of it behind a rounded
 * map of tokens in a quantised file, behind a sum that is not rounded, and in a float file under
 * import: read or refused with a cure; and what those mean that others do not test.
 * Values: test_onnx_tokens, test_import_transformers, test_float_attention. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "import/import.h"
#include "network/step_function.h"
#include "network/values/plain.h"
#include "onnx/file.h"
#include "onnx/read/read.h"
#include "onnx/rewrite/prepare.h"
#include "test/dice.h"
#include "test/naive_onnx.h"
#include "test/onnx_make.h"

enum { TOKENS = 3, HIDDEN = 4 };

enum file { QUANTISED, FLOATS, UNROUNDED }; // the last: x is a sum that is not rounded

#define MS "com.microsoft"

/* Cures. */
#define QL          "QuantizeLinear"
#define FLOAT_MODEL "want the float model"
#define CODES       "want what QuantizeLinear makes, or the float model"
#define SAME        "want a graph that is the same for every input"
#define TWO_MAPS    "want a product of two maps"

struct row {
    const char *nodes; // of x, a map, or the sum before it was rounded, and of store()
    int         opset;
    const char *quantised, *floats; // NULL: read; else what the refusal holds
    const char *unrounded;          // likewise, of a quantised file where x is not rounded
};

static const struct row rows[] = {
    /* linear */
    { "b MatMul x matrix", 17, NULL, NULL, QL },
    { "b ms.FusedMatMul x matrix", 17, NULL, NULL, QL },
    { "b Add x each", 17, NULL, NULL, NULL },
    { "b Sub x each", 17, NULL, NULL, NULL },
    /* norms */
    { "b LayerNormalization x each each", 17, NULL, NULL, NULL },
    { "b LayerNormalization x each each", 13, NULL, NULL, NULL },
    { "b RMSNormalization x each", 23, NULL, NULL, NULL },
    { "b SimplifiedLayerNormalization x each", 17, NULL, NULL, NULL },
    { "b ms.SkipLayerNormalization x x each each", 17, NULL, NULL, QL },
    { "b ms.SkipSimplifiedLayerNormalization x x each", 17, NULL, NULL, QL },
    /* functions */
    { "b Gelu x", 20, NULL, NULL, NULL },
    { "b ms.Gelu x", 17, NULL, NULL, NULL },
    { "b ms.BiasGelu x each", 17, NULL, NULL, NULL },
    { "b ms.FastGelu x", 17, NULL, NULL, NULL },
    { "b ms.FastGelu x each", 17, NULL, NULL, NULL },
    { "b ms.QuickGelu x", 17, NULL, NULL, NULL },
    { "b Erf x", 17, NULL, NULL, NULL },
    { "b Tanh x", 17, NULL, NULL, NULL },
    { "b Sigmoid x", 17, NULL, NULL, NULL },
    { "b Swish x", 24, NULL, NULL, NULL },
    { "b HardSwish x", 17, NULL, NULL, NULL },
    { "b HardSigmoid x", 17, NULL, NULL, NULL },
    { "b Exp x", 17, NULL, NULL, NULL },
    { "b Pow x three", 17, NULL, NULL, NULL },
    { "b Relu x", 17, NULL, NULL, NULL },
    { "b Mul x x", 17, NULL, NULL, NULL },
    /* positions, tokens, layout */
    { "b Add x places", 17, NULL, NULL, QL },
    { "b Reshape x shape", 17, NULL, NULL, NULL },
    { "b Identity x", 17, NULL, NULL, NULL },
    { "b Expand x shape", 17, NULL, NULL, QL },
    { "b Dropout x", 17, NULL, NULL, NULL },
    /* attention */
    { "b Attention x x x q_num_heads=2 kv_num_heads=2", 23, NULL, NULL, QL },
    { "b Attention x x x q_num_heads=2 kv_num_heads=2 is_causal=1", 24, NULL, NULL, QL },
    { "b ms.Attention x wide each3 num_heads=2", 17, FLOAT_MODEL, NULL, FLOAT_MODEL },
    { "b ms.Attention x wide each3 num_heads=2 unidirectional=1", 17, FLOAT_MODEL, NULL,
      FLOAT_MODEL },
    { "b ms.MultiHeadAttention x x x num_heads=2", 17, NULL, NULL, QL },
    { "b ms.GroupQueryAttention x x x - - last tokens num_heads=2 kv_num_heads=2", 17, NULL, NULL,
      QL },
    { "s Einsum x x equation=bqc,bkc->bqk; p Softmax s; b Einsum p x equation=bqk,bkc->bqc", 17,
      NULL, NULL, QL },
    { "b Einsum x matrix equation=btc,co->bto", 17, NULL, NULL, QL },
    { "b Einsum x x equation=btc,btc->bt", 17, TWO_MAPS, TWO_MAPS, TWO_MAPS },
    { "t Transpose x perm=[0,2,1]; s MatMul x t; p Softmax s; b MatMul p x", 17, NULL, NULL, QL },
    { "t Transpose x perm=[0,2,1]; s MatMul x t; m Where triangle s -1e9; p Softmax m; "
      "b MatMul p x", 17, NULL, NULL, QL },
    { "l Trilu triangle upper=0; t Transpose x perm=[0,2,1]; s MatMul x t; m Where l s -1e9; "
      "p Softmax m; b MatMul p x", 17, NULL, NULL, QL },
    { "r RotaryEmbedding x turns turns num_heads=2; b Attention r r x q_num_heads=2 "
      "kv_num_heads=2", 23, "not rounded since", NULL, QL },
    { "b ms.MatMulNBits x blocks each K=4 N=4 bits=4 block_size=16", 17, "passed Dequant",
      NULL, QL },
    { "w DequantizeLinear codes pairs axis=0 block_size=2; b MatMul x w", 21,
      "a scale for each block", NULL, "a scale for each block" },
    { "b ms.EmbedLayerNormalization image - places places - each each", 17, QL, NULL, QL },
    { "e Gather places image; b Add e places", 17, QL, NULL, QL },
    { "s,t Split x axis=2 num_outputs=2; b Concat t s axis=2", 18, NULL, NULL, QL },
    { "s Slice x 0 2 2; t Slice x 2 4 2; b Concat t s axis=2", 17, NULL, NULL, QL },
    { "u Slice x 0 1 1; v Slice x 1 2 1; j Concat u v axis=2; b Slice j 1 5 2", 17,
      "want Concat of the maps", "want Concat of the maps", QL },
    { "u Slice x 0 2 1; b Concat u x axis=2", 17, "in another order: want", "want", QL },
    { "s Slice x 1 4 1; b ReduceMean s axes=[1]", 17, NULL, NULL, QL },
    { "s Slice x 1 4 1; b ReduceMean s axes=[1] keepdims=0", 17, NULL, NULL, QL },
    { "b Concat x x axis=1", 17, "want 2, the channels", "want 2, the channels", QL },
    { "z ConstantOfShape shape; b Add x z", 17, NULL, NULL, QL },
    /* refused */
    { "b MatMulInteger x matrix", 17, CODES, "want", CODES },
    { "b MatMulInteger map.q codes three8", 17, "takes 3 off codes", "want", "takes 3 off codes" },
    { "b DynamicQuantizeLinear x", 17, FLOAT_MODEL, "want", FLOAT_MODEL },
    { "b ms.QAttention x matrix", 17, FLOAT_MODEL, "want", FLOAT_MODEL },
    { "b If x", 17, SAME, "want", SAME },
    { "b Loop x", 17, SAME, "want", SAME },
    { "b Scan x", 17, SAME, "want", SAME },
    { "b own.iSoftmax x", 17, "want", "want", "want" },
};

static void store(Onnx__ModelProto *m, bool quantised)
{
    static const int64_t matrix[] = { HIDDEN, HIDDEN, -1 }, wide[] = { HIDDEN, 3 * HIDDEN, -1 };
    static const int64_t places[] = { TOKENS, HIDDEN, -1 }, shape[] = { 1, TOKENS, HIDDEN };
    static const int64_t scores[] = { TOKENS, TOKENS, -1 }, turns[] = { TOKENS, HIDDEN / 4, -1 };
    static const int64_t blocks[] = { HIDDEN, 1, 8, -1 }, list[] = { 3, -1 }, one[] = { 1, -1 };
    static const int64_t pairs[] = { HIDDEN / 2, HIDDEN, -1 };
    static const int64_t numbers[] = { 0, 1, 2, 4, 5 };
    static const int32_t tokens = TOKENS, last = TOKENS - 1;
    static const uint8_t triangle[TOKENS * TOKENS] = { 1, 0, 0, 1, 1, 0, 1, 1, 1 };
    static const uint8_t block[HIDDEN * 8] = { 0x17, 0x92, 0x3a, 0xf1 };
    const float three = 3, half = 0.5F, scale = 1.0F / 64, hidden = -1e9F;
    const float step16 = 1.0F / 4096; // that of a sum
    const float unit = 1, two = 2, quick = 1.702F, root = sqrtf(2), a = 2 + 0x1p-8F;
    const float top = 1 + 0x1p-8F + 0x1p-18F - 0x1p-7F - 0x1p-19F;
    const int16_t zero16 = 0;
    static const int8_t nothing8 = 0, three8 = 3, two8[HIDDEN] = { 2, 2, 2, 2 };
    int8_t byte[3 * HIDDEN * HIDDEN], moved[HIDDEN * HIDDEN];
    float v[3 * HIDDEN * HIDDEN];

    for (int i = 0; i < 3 * HIDDEN * HIDDEN; i++) {
        byte[i] = (int8_t)(i * 7 % 19 - 9);
        v[i] = (float)(i % 5 + 1) / 4;
    }
    if (quantised) {
        make_weights(m, "matrix", matrix, byte, 1, &scale, 1);
        make_weights(m, "wide", wide, byte, 1, &scale, 1);
    } else {
        make_tensor(m, "matrix", ONNX_TYPE(FLOAT), matrix, v, HIDDEN * HIDDEN * sizeof *v);
        make_tensor(m, "wide", ONNX_TYPE(FLOAT), wide, v, sizeof v);
    }
    make_tensor(m, "places", ONNX_TYPE(FLOAT), places, v, TOKENS * HIDDEN * sizeof *v);
    make_tensor(m, "turns", ONNX_TYPE(FLOAT), turns, v, TOKENS * HIDDEN / 4 * sizeof *v);
    make_tensor(m, "triangle", ONNX_TYPE(BOOL), scores, triangle, sizeof triangle);
    make_tensor(m, "blocks", ONNX_TYPE(UINT8), blocks, block, sizeof block);
    make_tensor(m, "codes", ONNX_TYPE(INT8), matrix, byte, HIDDEN * HIDDEN);
    make_tensor(m, "pairs", ONNX_TYPE(FLOAT), pairs, v, HIDDEN / 2 * HIDDEN * sizeof *v);
    for (int i = 0; i < HIDDEN * HIDDEN; i++)
        moved[i] = (int8_t)(byte[i] + 2);
    make_tensor(m, "moved8", ONNX_TYPE(INT8), matrix, moved, sizeof moved);
    make_tensor(m, "nothing8", ONNX_TYPE(INT8), one + 1, &nothing8, 1);
    make_tensor(m, "two8", ONNX_TYPE(INT8), one + 1, two8, 1);
    make_tensor(m, "twos8", ONNX_TYPE(INT8), (const int64_t[]){ HIDDEN, -1 }, two8, HIDDEN);
    make_tensor(m, "three8", ONNX_TYPE(INT8), one + 1, &three8, 1);
    make_float_list(m, "each", HIDDEN, v);
    make_float_list(m, "each3", 3 * HIDDEN, v);
    make_float_list(m, "three", 1, &three);
    make_float_list(m, "half", 1, &half);
    make_float_list(m, "one", 1, &unit);
    make_float_list(m, "two", 1, &two);
    make_float_list(m, "1.702", 1, &quick);
    make_float_list(m, "root", 1, &root);
    make_float_list(m, "top", 1, &top);
    make_float_list(m, "2a", 1, &a);
    make_tensor(m, "step16", ONNX_TYPE(FLOAT), one + 1, &step16, sizeof step16);
    make_tensor(m, "zero16", ONNX_TYPE(INT16), one + 1, &zero16, sizeof zero16);
    make_float_list(m, "-1e9", 1, &hidden);
    make_tensor(m, "shape", ONNX_TYPE(INT64), list, shape, sizeof shape);
    make_tensor(m, "tokens", ONNX_TYPE(INT32), one, &tokens, sizeof tokens);
    make_tensor(m, "last", ONNX_TYPE(INT32), one, &last, sizeof last);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char name[8];
        snprintf(name, sizeof name, "%" PRId64, numbers[i]);
        make_tensor(m, name, ONNX_TYPE(INT64), one, &numbers[i], sizeof *numbers);
    }
}

/* "name=1", a list in brackets, or text. */
static void put_attribute(Onnx__NodeProto *node, char *word)
{
    char *name = strtok_r(word, "=", &word), *end;
    int64_t list[8];
    size_t n = 0;

    if (*word == '[') {
        for (char *at = word + 1; *at && *at != ']'; at = *end == ',' ? end + 1 : end)
            list[n++] = strtoll(at, &end, 10);
        make_ints(node, name, n, list);
        return;
    }
    const int64_t v = strtoll(word, &end, 10);
    if (*end)
        make_text(node, name, word);
    else
        make_int(node, name, v);
}

/* "out[,out] [domain.]Operator in .. name=value ..", which may take a word for another. */
static void put_node(Onnx__ModelProto *m, char *text, const char *x)
{
    char *out = strtok_r(text, " ", &text), *op = strtok_r(text, " ", &text);
    char *dot = strchr(op, '.'), in[256] = "", *attribute[8];
    size_t used = 0, n = 0;

    for (char *word; (word = strtok_r(text, " ", &text));) {
        if (strchr(word, '='))
            attribute[n++] = word;
        else
            used += (size_t)snprintf(in + used, sizeof in - used, "%s ",
                                     strcmp(word, "x") == 0     ? x
                                     : strcmp(word, "sum") == 0 ? "a"
                                     : strcmp(word, "map") == 0 ? "image_q"
                                     : strcmp(word, "map.q") == 0 ? "image_q.q"
                                                                : word);
    }
    Onnx__NodeProto *node = make_node(m, dot ? dot + 1 : op, out, in, strtok_r(out, ",", &out));
    if (dot) {
        *dot = '\0';
        make_rename(&node->domain, strcmp(op, "ms") == 0 ? MS : op);
    }
    for (char *more; (more = strtok_r(out, ",", &out));) {
        node->output = realloc(node->output, (node->n_output + 1) * sizeof *node->output);
        node->output[node->n_output++] = strdup(more);
    }
    for (size_t i = 0; i < n; i++)
        put_attribute(node, attribute[i]);
}

static void put_nodes(Onnx__ModelProto *m, const char *nodes, const char *x)
{
    char *text = strdup(nodes), *rest = text;

    for (char *node; (node = strtok_r(rest, ";", &rest));)
        put_node(m, node, x);
    free(text);
}

/* Tokens, a matrix, the operator, a matrix; rounded between, or a float file. An operator that
 * reads the image reads ids. */
static Onnx__ModelProto *make(const struct row *row, enum file file)
{
    Onnx__ModelProto *m = make_model(1, TOKENS, HIDDEN);
    Onnx__TypeProto__Tensor *image = m->graph->input[0]->type->tensor_type;
    const bool ids = strstr(row->nodes, "image"), quantised = file != FLOATS;
    const float scale = 1.0F / 64;

    image->shape->n_dim = 3 - ids;
    for (size_t i = image->shape->n_dim; i < 4; i++)
        free(image->shape->dim[i]);
    if (ids)
        image->elem_type = ONNX_TYPE(INT32);
    image->shape->dim[1]->dim_value = TOKENS;
    if (!ids)
        image->shape->dim[2]->dim_value = HIDDEN;
    m->opset_import[0]->version = row->opset;
    make_opset(m, MS, 1);
    make_opset(m, "own", 1);
    store(m, quantised);
    if (quantised && !ids)
        make_qdq(m, "image", "image_q", scale, ONNX_TYPE(INT8), 0);
    if (!ids)
        make_node(m, "MatMul", "first", quantised ? "image_q matrix" : "image matrix", "a");
    if (file == QUANTISED && !ids)
        make_qdq(m, "a", "x", scale, ONNX_TYPE(INT8), 0);
    put_nodes(m, row->nodes, file == QUANTISED ? "x" : "a");
    if (quantised)
        make_qdq(m, "b", "y", scale, ONNX_TYPE(INT8), 0);
    make_node(m, "MatMul", "last", quantised ? "y matrix" : "b matrix", "c");
    if (quantised)
        make_qdq(m, "c", "out", scale, ONNX_TYPE(INT8), 0);
    else
        make_node(m, "Identity", "end", "c", "out");
    make_output(m, NULL, 3, (const int64_t[]){ 1, TOKENS, HIDDEN });
    return m;
}

static enum err read(Onnx__ModelProto *m, bool quantised, struct network *n, struct err_msg *msg)
{
    size_t size;
    uint8_t *data = make_packed(m, &size);
    Onnx__ModelProto *model = NULL;
    struct onnx_ids ids = { 0 };
    bool complete;
    enum err e;

    if (quantised) {
        e = network_decode_onnx(n, "row", data, size, msg);
    } else {
        e = onnx_decode(data, size, &model, msg);
        if (!e)
            e = onnx_prepare(model, &(struct onnx_surroundings){ 0 }, &complete, &ids, msg);
        if (!e)
            e = import_network(n, "row", model, msg);
        onnx_ids_release(&ids);
        onnx_free_model(model);
    }
    free(data);
    return e;
}

static void check(const struct row *row, enum file file, const char *want)
{
    static const char *const names[] = { "quantised", "float", "quantised, unrounded" };
    const char *what = names[file];
    Onnx__ModelProto *m = make(row, file);
    struct err_msg msg = { "" };
    struct network n = { 0 };
    const enum err e = read(m, file != FLOATS, &n, &msg);

    if (!want && e)
        fail_msg("%s in a %s file: %s", row->nodes, what, msg.text);
    if (want && e != ERR_INPUT)
        fail_msg("%s in a %s file is read", row->nodes, what);
    if (want && (!strstr(msg.text, want) || !strstr(msg.text, ": want")))
        fail_msg("%s in a %s file: \"%s\", want \"%s\"", row->nodes, what, msg.text, want);
    if (!e)
        assert_true(n.n_layer >= 2); // the image and the last matrix
    network_release(&n);
    make_free(m);
}

static void each_operator_is_read_or_refused_with_a_cure(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(&rows[i], QUANTISED, rows[i].quantised);
        check(&rows[i], FLOATS, rows[i].floats);
        check(&rows[i], UNROUNDED, rows[i].unrounded);
    }
}

/* ---- values ---- */

struct meaning {
    const char *nodes;
    int         opset;
    const char *pieces; // what they mean, in operators that naive_onnx.h has; NULL: themselves
};

#define PRODUCTS "t Transpose x perm=[0,2,1]; s MatMul x t; h Mul s half; "
#define WEIGHTED "p Softmax h; b MatMul p x"
#define CAUSAL   "m Where triangle h -1e9; p Softmax m; b MatMul p x"

static const struct meaning meanings[] = {
    { "b Attention x x x q_num_heads=1 kv_num_heads=1", 23, PRODUCTS WEIGHTED },
    { "b Attention x x x q_num_heads=1 kv_num_heads=1 is_causal=1", 24, PRODUCTS CAUSAL },
    { "b ms.MultiHeadAttention x x x num_heads=1", 17, PRODUCTS WEIGHTED },
    { "b ms.MultiHeadAttention x x x num_heads=1 unidirectional=1", 17, PRODUCTS CAUSAL },
    { "b ms.GroupQueryAttention x x x - - last tokens num_heads=1 kv_num_heads=1", 17,
      PRODUCTS CAUSAL },
    { "s Einsum x x equation=bqc,bkc->bqk; h Mul s half; p Softmax h; "
      "b Einsum p x equation=bqk,bkc->bqc", 17, PRODUCTS WEIGHTED },
    { "b Einsum x matrix equation=btc,co->bto", 17, "b MatMul x matrix" },
    { "b Einsum x matrix equation=btc,oc->bto", 17, "w Transpose matrix perm=[1,0]; b MatMul x w" },
    { "b Einsum x matrix equation=abc,cd", 17, "b MatMul x matrix" }, // -> abd
    { "b Einsum x matrix equation=Bac,dc", 17, "w Transpose matrix perm=[1,0]; b MatMul x w" },
    { "l Trilu triangle upper=0; " PRODUCTS "m Where l h -1e9; p Softmax m; b MatMul p x", 17,
      PRODUCTS CAUSAL },
    { "s,t Split x axis=2 num_outputs=2; b Concat t s axis=2", 18, NULL },
    { "s Slice x 0 2 2; t Slice x 2 4 2; b Concat t s axis=-1", 17, NULL },
    { "j Concat x x axis=2; b Slice j 1 5 2", 17, NULL },
    { "q QuantizeLinear sum step16 zero16; d DequantizeLinear q step16 zero16; "
      "b LayerNormalization d each each", 21, NULL },
    { "q QuantizeLinear sum step16 zero16; d DequantizeLinear q step16 zero16; "
      "b RMSNormalization d each", 23, NULL },
    { "u Slice x 1 4 1; s Slice u 0 2 2; t Slice u 2 4 2; b Concat t s axis=2", 17, NULL },
    { "s Slice x 1 4 1; b ReduceMean s axes=[1]", 17, NULL }, // without the class token
    { "s Slice x 0 4 1 2; b ReduceMean s axes=[1]", 17, NULL },
    { "s Slice x 0 2 1; b ReduceMean s axes=[1] keepdims=0", 17, NULL },
    /* of sums that are not rounded */
    { "b Gelu sum", 20, NULL },
    { "b Gelu sum approximate=tanh", 20, NULL },
    { "i Add sum each; b Gelu i", 20, NULL },
    { "b ms.BiasGelu sum each", 17, "i Add sum each; b Gelu i" },
    { "b ms.FastGelu sum each", 17, "i Add sum each; b Gelu i approximate=tanh" },
    { "b ms.QuickGelu sum", 17, "i Mul sum 1.702; s Sigmoid i; b Mul sum s" },
    { "b Swish sum", 24, "s Sigmoid sum; b Mul sum s" },
    { "s Sigmoid sum; b Mul s sum", 17, NULL },
    { "i Div sum root; e Erf i; f Add e one; g Mul f sum; b Mul half g", 17, "b Gelu sum" },
    { "i Mul sum sum; d Mul i sum; e Mul d three; b Sub e sum", 17, NULL }, // falls in between
    { "b Erf sum", 17, NULL },
    { "b Tanh sum", 17, NULL },
    { "b Sigmoid sum", 17, NULL },
    { "b HardSwish sum", 17, NULL },
    { "b HardSigmoid sum", 17, NULL },
    { "b Exp sum", 17, NULL },
    { "i Relu sum; b Tanh i", 17, NULL },
    { "i Add sum map; b Gelu i", 20, NULL }, // of a sum with a residual
    { "i Sub map sum; b Tanh i", 20, NULL },
    { "b LayerNormalization sum each each", 17, NULL },
    { "i Add sum map; b LayerNormalization i each each", 17, NULL },
    { "b RMSNormalization sum each", 23, NULL },
    { "b SimplifiedLayerNormalization sum each", 17, "b RMSNormalization sum each" },
    { "i Mul sum half; d Add i each; e Neg d; b Gelu e", 20, NULL },
    /* sums of codes, which are worth 2^-12 */
    { "i MatMulInteger map.q codes; d Cast i to=1; e Mul d step16; b Relu e", 17, "b Relu sum" },
    { "i MatMulInteger map.q codes nothing8; d Cast i to=1; e Mul d step16; j Add e each; "
      "b Gelu j", 20, "i Add sum each; b Gelu i" },
    { "i MatMulInteger map.q moved8 nothing8 two8; d Cast i to=1; e Mul step16 d; "
      "b Tanh e", 17, "b Tanh sum" },
    { "i MatMulInteger map.q moved8 nothing8 twos8; d Cast i to=1; e Mul step16 d; "
      "b Add e each", 17, "b Add sum each" },
};

static void compare(const struct meaning *of, uint64_t seed)
{
    const struct row row = { of->nodes, of->opset, NULL, NULL, NULL };
    const struct row twin = { of->pieces ? of->pieces : of->nodes, of->opset, NULL, NULL, NULL };
    Onnx__ModelProto *m = make(&row, QUANTISED), *naive = make(&twin, QUANTISED);
    struct dice dice = { seed };
    double input[TOKENS * HIDDEN];
    uint8_t byte[2 * TOKENS * HIDDEN]; // the upper ones count in networks of wide values
    struct err_msg msg;
    struct network n = { 0 };
    struct naive_onnx o;

    if (read(m, true, &n, &msg))
        fail_msg("%s: %s", of->nodes, msg.text);
    for (size_t i = 0; i < TOKENS * HIDDEN; i++) {
        const int code = (int)pick(&dice, 0, 255) - 128;
        byte[i] = (uint8_t)code;
        byte[TOKENS * HIDDEN + i] = code < 0 ? UINT8_MAX : 0;
        input[i] = ldexp(code, -6);
    }
    struct plain *p = plain_new(&n);
    assert_non_null(p);
    plain_run(p, byte, NULL);
    naive_onnx_run(&o, naive, input);
    const struct naive_tensor *want = naive_onnx_find(&o, "out");
    for (size_t i = 0; i < want->n; i++)
        if (plain_delivered(p, n.n_layer - 1, i) != (int64_t)(want->v[i] * 64))
            fail_msg("%s: result %zu is %lld, want %g", of->nodes, i,
                     (long long)plain_delivered(p, n.n_layer - 1, i), want->v[i] * 64);
    naive_onnx_release(&o);
    plain_free(p);
    network_release(&n);
    make_free(m);
    make_free(naive);
}

static void what_is_read_gives_what_its_operators_mean(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        for (uint64_t seed = 1; seed <= 20; seed++)
            compare(&meanings[i], seed);
}

static const struct step_function *function_of(const struct network *n, double *unit)
{
    for (uint32_t i = 0; i < n->n_layer; i++)
        if (n->layer[i].function) {
            *unit = n->layer[i].out_scale;
            return n->layer[i].function;
        }
    fail_msg("no layer has a function");
    return NULL;
}

/* Of (x - a)^2, half-way between two samples, which passes the tie between 0 and 1 by 2^-13 codes,
 * for x within 2^-9.5 of a. */
static void a_peak_between_samples_is_found(void **state)
{
    const double a = 1 + 0x1p-9, c = a * a - 0x1p-7 - 0x1p-19;

    (void)state;
    for (int s = 0; s < 2; s++) {
        const struct row row = {
            s == 0 ? "i Mul sum sum; j Mul sum 2a; k Sub j i; b Sub k top"
                   : "i Mul sum sum; j Mul sum 2a; k Sub i j; b Add k top", 17, NULL, NULL, NULL };
        Onnx__ModelProto *m = make(&row, QUANTISED);
        struct network n = { 0 };
        struct err_msg msg;
        double unit = 0;
        int ones = 0;

        if (read(m, true, &n, &msg))
            fail_msg("%s", msg.text);
        const struct step_function *f = function_of(&n, &unit);
        for (int i = -1000; i <= 1000; i++) {
            const double x = a + i * 0x1p-17, y = (x * x - 2 * a * x + c) / unit;
            if (fabs(fabs(y) - 0.5) < 2e-5)
                continue;
            const int32_t code = step_function_code(f, (int64_t)ldexp(x / unit, 30), 30);
            assert_int_equal(code, nearbyint(s == 0 ? -y : y));
            ones += code != 0;
        }
        assert_in_range(ones, 300, 380); // 2 * 2^7.5
        network_release(&n);
        make_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peak_between_samples_is_found),
        cmocka_unit_test(what_is_read_gives_what_its_operators_mean),
        cmocka_unit_test(each_operator_is_read_or_refused_with_a_cure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
