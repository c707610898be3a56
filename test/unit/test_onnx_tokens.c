/* Quantised transformers from files: small ones, written in the styles of exporters, beside what
 * their files mean in doubles; and an encoder whose every code was made elsewhere. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory/registers.h"
#include "onnx/float/graph.h"
#include "onnx/file.h"
#include "onnx/read/read.h"
#include "onnx/rewrite/rewrite.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"
#include "network/precision.h"
#include "network/values/plain.h"
#include "study/inputs.h"
#include "study/outputs.h"
#include "test/cli_rig.h"
#include "test/naive_onnx.h"
#include "test/onnx_make.h"
#include "test/random_transformer.h"
#include "test/shared.h"
#include "test/tmpdir.h"
#include "traces/npy.h"
#include "traces/zip.h"

/* ---- comparing ---- */

enum { N_INPUT = 3, MOST_VALUES = 1024 };

static void read_model(const Onnx__ModelProto *m, struct network *n)
{
    struct err_msg msg;
    size_t size;
    uint8_t *data = make_packed(m, &size);

    if (network_decode_onnx(n, "drawn", data, size, &msg))
        fail_msg("%s", msg.text);
    free(data);
}

/* Values of the file's input, and the image that they are. */
static void draw_input(const struct network *n, struct random *r, double *input, uint8_t *byte)
{
    const struct shape s = n->layer[0].out;
    const size_t values = (size_t)s.height * s.width * s.channels;

    assert_in_range(values, 1, MOST_VALUES);
    for (size_t i = 0; n->table && i < s.width; i++) {
        const uint32_t id = random_below(r, n->table->rows);
        input[i] = id;
        memcpy(byte + i * s.channels, n->table->code + (size_t)id * s.channels, s.channels);
        for (size_t c = i * s.channels; network_is_wide(n) && c < (i + 1) * s.channels; c++)
            byte[values + c] = n->layer[0].out_signed && byte[c] > INT8_MAX ? UINT8_MAX : 0;
    }
    const bool wide = network_is_wide(n);
    for (size_t i = 0; !n->table && i < values; i++) { // a row: token by token, as the file has it
        const size_t c = i % s.channels, row = i / s.channels % s.height;
        const size_t column = i / s.channels / s.height;
        const int code = (int)random_below(r, 256) - 128;
        byte[i] = (uint8_t)code;
        if (wide)
            byte[values + i] = (uint8_t)((uint32_t)code >> 8);
        input[s.height == 1 ? i : (c * s.height + row) * s.width + column] = ldexp(code, -5);
    }
}

/* What the file's output i is for each input, in the file's order. */
static void compare_output(const struct outputs *o, uint32_t i, const Onnx__ModelProto *m,
                           double input[N_INPUT][MOST_VALUES])
{
    size_t n;
    const double *got = outputs_values(o, i, &n);
    const char *name = outputs_name(o, i);
    struct npy a;

    outputs_shape(o, i, &a);
    for (size_t k = 0; k < N_INPUT; k++) {
        struct naive_onnx naive;
        naive_onnx_run(&naive, m, input[k]);
        const struct naive_tensor *want = naive_onnx_find(&naive, name);
        assert_int_equal(n, N_INPUT * want->n);
        assert_int_equal(a.n_dim, want->n_dim);
        for (uint32_t d = 0; d < a.n_dim; d++)
            assert_int_equal(a.dim[d], want->dim[d]);
        for (size_t v = 0; v < want->n; v++)
            if (got[k * want->n + v] != want->v[v])
                fail_msg("input %zu, value %zu of %s is %g, want %g", k, v, name,
                         got[k * want->n + v], want->v[v]);
        naive_onnx_release(&naive);
    }
}

/* Ids from an array are the rows that were drawn. */
static void compare_rows(const char *dir, const struct network *n,
                         double input[N_INPUT][MOST_VALUES], const uint8_t *byte)
{
    const size_t size = network_image_bytes(n);
    const uint32_t tokens = n->layer[0].out.width;
    struct npy head = { .type = NPY_INT64, .n_dim = 2, .dim = { N_INPUT, tokens },
                        .n = (size_t)N_INPUT * tokens };
    char path[TMPDIR_PATH_MAX];
    uint8_t *row = malloc(size);
    struct inputs *in;
    struct err_msg m;
    FILE *f = fopen(tmpdir_path(path, dir, "ids.npy"), "wb");

    assert_non_null(row);
    assert_non_null(f);
    npy_write_head(f, &head);
    for (size_t i = 0; i < head.n; i++) {
        const int64_t id = (int64_t)input[i / tokens][i % tokens];
        fwrite(&id, sizeof id, 1, f);
    }
    fclose(f);
    if (inputs_open(&in, path, n, &m))
        fail_msg("%s", m.text);
    for (uint32_t k = 0; k < N_INPUT; k++) {
        inputs_take(in, k, row);
        assert_memory_equal(row, byte + k * size, size);
    }
    inputs_close(in);
    free(row);
}

/* Every output, of several inputs side by side. */
static void compare(const char *dir, const Onnx__ModelProto *m, struct random *r)
{
    double input[N_INPUT][MOST_VALUES];
    uint8_t byte[2 * N_INPUT * MOST_VALUES];
    struct network_cfg cfg = { 0 };
    char path[TMPDIR_PATH_MAX];
    struct network n;
    struct outputs *o;
    struct err_msg msg;
    size_t size;
    uint8_t *data = make_packed(m, &size);

    tmpdir_write(dir, "m.onnx", data, size);
    free(data);
    snprintf(cfg.onnx, sizeof cfg.onnx, "%s", tmpdir_path(path, dir, "m.onnx"));
    if (network_load_onnx(&n, cfg.onnx, &msg) || outputs_new(&o, &cfg, &n, &msg))
        fail_msg("%s", msg.text);
    for (int k = 0; k < N_INPUT; k++)
        draw_input(&n, r, input[k], byte + (size_t)k * network_image_bytes(&n));
    if (n.table)
        compare_rows(dir, &n, input, byte);
    if (outputs_run(o, byte, N_INPUT, &msg))
        fail_msg("%s", msg.text);
    for (uint32_t i = 0; i < outputs_count(o); i++)
        compare_output(o, i, m, input);
    outputs_free(o);
    network_release(&n);
}

static void random_transformers_in_the_styles_of_exporters_are_what_their_files_mean(void **state)
{
    uint32_t seen[N_CUT][N_MASKED] = { { 0 } }, ids[N_IDS] = { 0 };
    uint32_t turned[N_TURNED] = { 0 }, delivered[N_DELIVERED][N_LAID] = { { 0 } };
    uint32_t unrounded[2] = { 0 }, normed[2] = { 0 };

    for (uint32_t seed = 1; seed <= 1000; seed++) {
        struct random r = { seed * UINT64_C(0x9e3779b97f4a7c15) };
        struct style s = random_style(&r);
        Onnx__ModelProto *m = make_transformer(&r, &s);
        seen[s.cut][s.masked]++;
        ids[s.ids]++;
        turned[s.turned]++;
        unrounded[s.function_unrounded]++;
        normed[s.bare] += s.weighted_unrounded;
        delivered[s.delivered][s.laid]++;
        compare(*state, m, &r);
        make_free(m);
    }
    for (int i = 0; i < N_CUT; i++)
        for (int k = 0; k < N_MASKED; k++)
            assert_in_range(seen[i][k], 20, 100);
    for (int i = 0; i < N_IDS; i++)
        assert_in_range(ids[i], 40, 1000);
    for (int i = 0; i < N_TURNED; i++)
        assert_in_range(turned[i], 40, 1000);
    for (int i = 0; i < 2; i++)
        assert_in_range(unrounded[i], 300, 700);
    for (int i = 0; i < 2; i++)
        assert_in_range(normed[i], 20, 200);
    for (int i = TOKENS; i < N_DELIVERED; i++)
        for (int k = 0; k < N_LAID; k++)
            assert_in_range(delivered[i][k], 20, 1000);
}

/* Whatever the way to heads is, it makes no layer: queries, keys and values of one matrix are one
 * layer, and attention reads it. */
/* ---- patches ---- */

/* Patches of a map that Reshape and Transpose cut out and a matrix multiplies. */
struct patching {
    int64_t channels, rows, in_row, columns, in_column, outputs; // rows of patches, and in each
    int64_t perm[6];
    bool    gemm, rounds, real; // QDQ around each node; no node rounds
    bool    norm; // of patches, in front of the matrix
};

static struct patching random_patching(struct random *r)
{
    struct patching p = { 0 };
    int64_t *const side[] = { &p.channels, &p.rows, &p.in_row, &p.columns, &p.in_column,
                              &p.outputs };

    for (size_t i = 0; i < sizeof side / sizeof *side; i++)
        *side[i] = 1 + random_below(r, 4);
    p.rows += p.rows * p.in_row == 1; // draw_input() takes one row for tokens
    const bool turned = random_below(r, 4) == 0;
    int64_t in[] = { 1, 3, 5 };
    for (uint32_t i = 2; i > 0; i--) {
        const uint32_t k = random_below(r, i + 1);
        const int64_t v = in[i];
        in[i] = in[k];
        in[k] = v;
    }
    p.perm[1] = turned ? 4 : 2;
    p.perm[2] = turned ? 2 : 4;
    memcpy(p.perm + 3, in, sizeof in);
    p.gemm = random_below(r, 2) == 0;
    p.rounds = random_below(r, 2) == 0;
    p.norm = random_below(r, 3) == 0;
    return p;
}

static const char *rounded(Onnx__ModelProto *m, const struct patching *p, bool here,
                           const char *value, char name[16])
{
    snprintf(name, 16, "%s.d", value);
    if (p->real || !here)
        return value;
    make_qdq(m, value, name, 0.03125F, ONNX_TYPE(INT8), 0);
    return name;
}

static void put_matrix(Onnx__ModelProto *m, struct random *r, const char *name, int64_t rows,
                       int64_t columns, bool real, int64_t axis)
{
    const int64_t dims[] = { rows, columns, -1 };
    int8_t code[4 * 4 * 4 * 4];
    float value[4 * 4 * 4 * 4], scale[64];

    for (int64_t i = 0; i < rows * columns; i++) {
        code[i] = (int8_t)((int)random_below(r, 255) - 127);
        value[i] = ldexpf(code[i], -7);
    }
    for (int64_t i = 0; i < (axis == 0 ? rows : columns); i++)
        scale[i] = ldexpf(1, -7 - (int)random_below(r, 3));
    if (real)
        make_tensor(m, name, ONNX_TYPE(FLOAT), dims, value,
                    (size_t)(rows * columns) * sizeof *value);
    else
        make_weights(m, name, dims, code, (size_t)(axis == 0 ? rows : columns), scale, axis);
}

static Onnx__ModelProto *make_patches(struct random *r, const struct patching *p)
{
    const int64_t n = p->rows * p->columns, of = p->channels * p->in_row * p->in_column;
    const int64_t cut[] = { 1, p->channels, p->rows, p->in_row, -1, p->in_column };
    const int64_t all[] = { 1, n, of }, rows[] = { p->gemm ? 2 : 3, -1 };
    const int64_t vector[] = { p->outputs, -1 }, six[] = { 6, -1 };
    Onnx__ModelProto *m = make_model(p->channels, p->rows * p->in_row, p->columns * p->in_column);
    char name[16], inputs[64];
    float bias[4];

    for (int i = 0; i < 4; i++)
        bias[i] = ldexpf((float)random_below(r, 64) - 32, -12);
    make_tensor(m, "cut", ONNX_TYPE(INT64), six, cut, sizeof cut);
    make_tensor(m, "all", ONNX_TYPE(INT64), rows, all + p->gemm,
                sizeof all - p->gemm * sizeof *all);
    make_tensor(m, "bias", ONNX_TYPE(FLOAT), vector, bias, (size_t)p->outputs * sizeof *bias);
    put_matrix(m, r, "w", p->gemm ? p->outputs : of, p->gemm ? of : p->outputs, p->real, !p->gemm);
    snprintf(inputs, sizeof inputs, "%s cut", rounded(m, p, true, "image", name));
    make_node(m, "Reshape", "cutting", inputs, "c");
    make_ints(make_node(m, "Transpose", "turning", rounded(m, p, p->rounds, "c", name), "t"),
              "perm", 6, p->perm);
    snprintf(inputs, sizeof inputs, "%s all", rounded(m, p, p->rounds, "t", name));
    make_node(m, "Reshape", "laying", inputs, "l");
    const char *x = rounded(m, p, p->rounds, "l", name);
    if (p->norm) {
        float gain[64];
        for (int i = 0; i < 64; i++)
            gain[i] = ldexpf((float)random_below(r, 16) - 4, -4);
        make_tensor(m, "gain", ONNX_TYPE(FLOAT), (const int64_t[]){ of, -1 }, gain,
                    (size_t)of * sizeof *gain);
        snprintf(inputs, sizeof inputs, "%s gain gain", x);
        make_node(m, "LayerNormalization", "norm", inputs, "n");
        x = rounded(m, p, true, "n", name);
    }
    snprintf(inputs, sizeof inputs, p->gemm ? "%s w bias" : "%s w", x);
    if (p->gemm) {
        make_int(make_node(m, "Gemm", "embed", inputs, "s"), "transB", 1);
    } else {
        make_node(m, "MatMul", "embed", inputs, "p");
        make_node(m, "Add", "add", "bias p", "s");
    }
    x = rounded(m, p, true, "s", name);
    put_matrix(m, r, "v", p->outputs, 3, p->real, 1);
    snprintf(inputs, sizeof inputs, "%s v", x);
    make_node(m, "MatMul", "last", inputs, p->real ? "out" : "o");
    if (!p->real)
        make_qdq(m, "o", "out", 0.0625F, ONNX_TYPE(INT8), 0);
    make_output(m, NULL, 3 - p->gemm, (const int64_t[]){ 1, n, 3 } + p->gemm);
    return m;
}

/* Beside the file's own operators, and one layer for the first three of them and the matrix. */
static void a_matrix_of_patches_is_a_convolution(void **state)
{
    for (uint32_t seed = 1; seed <= 300; seed++) {
        struct random r = { seed * UINT64_C(0x9e3779b97f4a7c15) };
        const struct patching p = random_patching(&r);
        Onnx__ModelProto *m = make_patches(&r, &p);
        struct network n;
        compare(*state, m, &r);
        read_model(m, &n);
        const uint32_t i = network_find(&n, p.norm ? "laying" : "embed");
        assert_in_range(i, 0, n.n_layer - 1);
        assert_int_equal(n.layer[i].window.kernel[0], p.in_row);
        assert_int_equal(n.layer[i].window.kernel[1], p.in_column);
        network_release(&n);
        make_free(m);
    }
}

/* What is rounded to other codes on the way is no convolution, nor are patches among patches. */
static void other_patches_are_refused(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct random r = { 7 };
        const struct patching p = { .channels = 2, .rows = 2, .in_row = 3, .columns = 3,
                                    .in_column = 2, .outputs = 4, .rounds = true,
                                    .perm = { 0, 2, kind == 1 ? 3 : 4, 1, kind == 1 ? 4 : 3, 5 } };
        Onnx__ModelProto *m = make_patches(&r, &p);
        struct network n;
        struct err_msg msg;
        size_t size;
        if (kind == 2)
            for (size_t i = 0; i < m->graph->n_initializer; i++) {
                Onnx__TensorProto *t = m->graph->initializer[i];
                if (strncmp(t->name, "t.d", 3) == 0 && t->data_type == ONNX_TYPE(FLOAT))
                    *(float *)(void *)t->raw_data.data *= 2;
            }
        uint8_t *data = make_packed(m, &size);
        const enum err e = network_decode_onnx(&n, "drawn", data, size, &msg);
        assert_int_equal(e, kind == 0 ? ERR_NONE : ERR_INPUT);
        if (e)
            assert_non_null(strstr(msg.text, "last dimension is not its channels"));
        else
            network_release(&n);
        free(data);
        make_free(m);
    }
}

/* A file's own convolution under the name that ours would have, laid out in four dimensions, in
 * three, and in three with pixels last: a vector added to channels alone is its bias. Patches that
 * nothing reads have the file rewritten. */
static void a_convolution_of_that_name_keeps_its_meaning(void **state)
{
    static const int64_t perm[][4] = { { 0, 2, 3, 1 }, { 0, 2, 3, 1 }, { 0, 1, 2, 3 } };
    static const int64_t kernel[] = { 4, 2, 2, 2, -1 }, vector[] = { 4, -1 }, six[] = { 6, -1 };
    static const int64_t cut[] = { 1, 2, 2, 2, 2, 2 }, order[] = { 0, 2, 4, 3, 5, 1 };
    static const float bias[] = { 0.5F, -0.25F, 0.125F, 1 }, scale = 0.0625F;
    static const int8_t weights[4 * 2 * 2 * 2] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        const int64_t list[] = { 1, 1, 4, 4 }, n[] = { kind == 0 ? 4 : 3, -1 };
        const int64_t *dims = list + (kind > 0);
        Onnx__ModelProto *m = make_model(2, 4, 4);
        struct network read;
        struct err_msg msg;
        size_t size;
        make_qdq(m, "image", "x", 1, ONNX_TYPE(UINT8), 0);
        make_weights(m, "w", kernel, weights, 1, &scale, 0);
        make_tensor(m, "list", ONNX_TYPE(INT64), n, dims, (size_t)n[0] * sizeof *dims);
        make_tensor(m, "bias", ONNX_TYPE(FLOAT), vector, bias, sizeof bias);
        make_ints(make_node(m, "Conv", "conv", "x w", "y.patches"), "strides", 2,
                  (const int64_t[]){ 2, 2 });
        make_ints(make_node(m, "Transpose", "turn", "y.patches", "y.turned"), "perm", 4,
                  perm[kind]);
        make_node(m, "Reshape", "lay", "y.turned list", "y");
        make_node(m, "Add", "add", "y bias", "s");
        make_tensor(m, "cut", ONNX_TYPE(INT64), six, cut, sizeof cut);
        make_node(m, "Reshape", "cutting", "x cut", "c");
        make_ints(make_node(m, "Transpose", "turning", "c", "t"), "perm", 6, order);
        make_qdq(m, "s", "out", 0.0625F, ONNX_TYPE(INT8), 0);
        make_output(m, "out", (size_t)n[0], dims);
        uint8_t *data = make_packed(m, &size);
        const enum err e = network_decode_onnx(&read, "own", data, size, &msg);
        if (kind == 1)
            assert_int_equal(e, ERR_NONE);
        else if (e)
            assert_non_null(strstr(msg.text, ": want"));
        assert_true(kind < 2 || e);
        if (!e)
            network_release(&read);
        free(data);
        make_free(m);
    }
}

/* The same of floats, to their precision. */
static void a_real_matrix_of_patches_is_one_too(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        struct random r = { seed * UINT64_C(0x9e3779b97f4a7c15) };
        struct patching p = random_patching(&r);
        p.real = true;
        Onnx__ModelProto *m = make_patches(&r, &p);
        double input[4 * 16 * 16];
        struct array image;
        struct float_graph g;
        struct float_run run;
        struct naive_onnx naive;
        struct err_msg msg;
        const uint32_t dim[] = { 1, (uint32_t)p.channels, (uint32_t)(p.rows * p.in_row),
                                 (uint32_t)(p.columns * p.in_column) };
        assert_true(array_init(&image, ONNX_TYPE(FLOAT), 4, dim));
        for (size_t i = 0; i < image.n; i++)
            image.real[i] = (float)(input[i] = ldexp((int)random_below(&r, 256) - 128, -7));
        naive_onnx_run(&naive, m, input);
        const struct naive_tensor *want = naive_onnx_find(&naive, "out");
        if (onnx_rewrite(m, &msg) || float_graph_init(&g, m, &msg) ||
            float_run_init(&run, &g, &msg))
            fail_msg("%s", msg.text);
        assert_string_equal(find_node(m, p.norm ? "laying" : "embed")->op_type, "Conv");
        assert_null(find_node(m, "turning"));
        float_run_set(&run, g.graph.image, &image);
        if (float_run_all(&run, &msg))
            fail_msg("%s", msg.text);
        const struct array *got = &run.value[onnx_graph_find(&g.graph, "out")];
        assert_int_equal(got->n, want->n);
        for (size_t i = 0; i < got->n; i++)
            assert_true(fabs((double)got->real[i] - want->v[i]) < 1e-4);
        float_run_release(&run);
        float_graph_release(&g);
        naive_onnx_release(&naive);
        make_free(m);
    }
}

static void layout_makes_no_layer(void **state)
{
    (void)state;
    for (int cut = 0; cut < N_CUT; cut++) {
        struct random r = { 5 };
        struct style s = { .tokens = 4, .windows = 1, .heads = 2, .kv = 2, .head = 3, .ffn = 5,
                           .classes = 3, .pre = true, .mean = true, .cut = (enum cut)cut };
        Onnx__ModelProto *m = make_transformer(&r, &s);
        uint32_t linear = 0, attention = 0;
        struct network n;

        read_model(m, &n);
        for (uint32_t i = 0; i < n.n_layer && n.layer[i].kind != LAYER_ATTENTION; i++)
            linear += n.layer[i].kind == LAYER_CONV;
        for (uint32_t i = 0; i < n.n_layer; i++)
            if (n.layer[i].kind == LAYER_ATTENTION) {
                attention++;
                assert_int_equal(n.layer[i].n_input, cut == APART ? 3 : 1);
            }
        assert_in_range(attention, 1, 2);
        assert_int_equal(linear, cut == APART ? 1 + 3 : 1 + 1); // and the first
        network_release(&n);
        make_free(m);
    }
}

static void a_mask_of_a_decoder_makes_the_layer_causal(void **state)
{
    (void)state;
    for (int masked = 0; masked < N_MASKED; masked++) {
        struct random r = { 6 };
        struct style s = { .tokens = 4, .windows = 1, .heads = 2, .kv = 2, .head = 3, .ffn = 5,
                           .classes = 3, .mean = true, .masked = (enum masked)masked };
        const bool causal = masked == CAUSAL || masked == CAUSAL_WHERE;
        Onnx__ModelProto *m = make_transformer(&r, &s);
        struct network n;

        read_model(m, &n);
        for (uint32_t i = 0; i < n.n_layer; i++) {
            const struct layer *l = &n.layer[i];
            if (l->kind != LAYER_ATTENTION)
                continue;
            assert_int_equal(l->token->causal, causal);
            assert_int_equal(l->window.kernel[1], causal ? 4 : 7);
            assert_int_equal(l->window.pad_after[1], causal ? 0 : 3);
            assert_null(l->token->values->masked);
            assert_int_equal(l->token->values->score[0].bias != NULL, masked == BIAS);
        }
        network_release(&n);
        make_free(m);
    }
}

/* A query of a window sees its 2 x 2 tokens, whatever is around: as many keys, and no later than
 * the last of them. */
static void a_windows_query_sees_its_window(void **state)
{
    struct random r = { 9 };
    struct style s = { .tokens = 4, .windows = 4, .square = true, .heads = 2, .kv = 2, .head = 3,
                       .ffn = 5, .classes = 3, .mean = true };
    Onnx__ModelProto *m = make_transformer(&r, &s);
    uint32_t number[16], layers = 0;
    struct network n;

    (void)state;
    read_model(m, &n);
    for (uint32_t i = 0; i < n.n_layer; i++) {
        const struct layer *l = &n.layer[i];
        if (l->kind != LAYER_ATTENTION)
            continue;
        layers++;
        for (uint32_t at = 0; at < 16; at++) {
            const uint32_t row = at % 4, column = at / 4, top = row & 2, left = column & 2;
            const uint32_t want[] = { left * 4 + top, left * 4 + top + 1, (left + 1) * 4 + top,
                                      (left + 1) * 4 + top + 1 };
            assert_int_equal(token_seen(l, row, column), 4);
            assert_int_equal(token_numbers(l, row, column, number), 4);
            assert_memory_equal(number, want, sizeof want);
            assert_int_equal(window_first(&l->window, 0, row, 4), top);
            assert_int_equal(window_last(&l->window, 0, row, 4), top + 1);
            assert_int_equal(window_first(&l->window, 1, column, 4), left);
            assert_int_equal(window_last(&l->window, 1, column, 4), left + 1);
        }
    }
    assert_int_equal(network_attention_macs(&n), layers * 16 * 4 * 2 * (2 * 3));
    network_release(&n);
    make_free(m);
}

/* ---- what is refused ---- */

static struct style plain_style(enum wrong wrong)
{
    return (struct style){ .wrong = wrong, .tokens = 4, .windows = 1, .heads = 2, .kv = 2,
                           .head = 3, .ffn = 5, .classes = 3, .pre = true, .mean = true };
}

static void what_no_layer_computes_is_refused_with_a_cure(void **state)
{
    static const struct {
        enum wrong  wrong;
        const char *want;
    } rows[] = {
        { DYNAMIC, "(DynamicQuantizeLinear): no such operator here: its scale is found at run "
                   "time: want the float model, which imcsim import quantises" },
        { RUN_TIME, "(com.microsoft.QAttention): no such operator here: its scales are found at "
                    "run time: want the float model" },
        { BRANCH, "(If): no such operator here: want a graph that is the same for every input" },
        { DATA_MASK, "(Add): adds a dequantised map to scores: want a stored bias or mask, that "
                     "does not depend on data" },
        { NO_SOFTMAX, "(MatMul): multiplies scores by values before Softmax: want Softmax" },
        { TOKENS_BY_TOKENS, "(MatMul): multiplies two maps, and what is contracted are not the "
                            "channels of heads: want attention" },
        { HEADS_LEFT_OVER, "(Reshape): changes a map of 1x4x6 (rows x columns x channels) to 4 "
                           "dimensions that take rows, columns and channels apart" },
        { OPEN_IDS, "graph input \"image\": axis sequence_length is left open: want its length" },
        { COMPARED_IDS, "node \"equal\" (Equal): reads ids otherwise than Gather of a table: want "
                        "ids that Gather of axis 0 looks up in one stored table" },
        { MADE_TABLE, "node \"made\" (Relu): makes the table of ids of what is not stored: want" },
        { TURNED_FREELY, "(MatMul): multiplies two maps, and one has turned by its place and is "
                         "not rounded since: want attention" },
        { TURNED_TO_NORM, "(Relu): reads what has turned: want queries or keys" },
        { ODD_PAIRS, "(Add): turns channels that are no pairs, or pairs that turn differently: "
                     "want queries or keys" },
        { BETWEEN_CODES, "(QuantizeLinear): rounds -1e+09, which Where put in place of scores, to "
                         "a code between others: want a number below the least code, -3.15" },
        { FIRST_AXIS, "(Softmax): goes over axis 1 of scores: want the last, keys" },
        { OPEN_TOKENS, "graph input \"image\": dimension 1 is 0 (left open): want 1 to 65536" },
        { PAST, "past_key_values.0" },
        { SECOND_INPUT, "other" },
        { STACKED_WEIGHTS, "(MatMul): weights of 3 dimensions, 2 along axis 0: want one matrix" },
        { SCALED_VALUES, "(MatMul): multiplies two maps, and values are scaled: want" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct random r = { 77 };
        struct style s = plain_style(rows[i].wrong);
        struct network n;
        struct err_msg m = { "accepted" };
        size_t size;
        s.turned = rows[i].wrong >= TURNED_FREELY ? BY_PIECES : STILL;
        s.head += s.turned != STILL;
        s.ids = rows[i].wrong >= OPEN_IDS && rows[i].wrong < TURNED_FREELY ? REAL_TABLE : NO_IDS;
        s.rounded = 4;
        s.masked = rows[i].wrong == BETWEEN_CODES ? CAUSAL_WHERE : FREE;
        Onnx__ModelProto *model = make_transformer(&r, &s);
        uint8_t *data = make_packed(model, &size);
        const enum err e = network_decode_onnx(&n, "wrong", data, size, &m);
        if (e != ERR_INPUT || !strstr(m.text, rows[i].want) || !strstr(m.text, "want"))
            fail_msg("\"%s\", want \"...%s...\"", m.text, rows[i].want);
        free(data);
        make_free(model);
    }
}

/* A norm reads a sum alone: where another reads it too, in either order, both want it rounded. */
static void a_sum_that_others_read_too_is_not_normalised(void **state)
{
    (void)state;
    for (int pieces = 0; pieces < 2; pieces++)
        for (int rounded = 0; rounded < 2; rounded++) {
            struct random r = { 77 };
            struct style s = plain_style(NOTHING);
            struct err_msg m = { "accepted" };
            struct network n;
            size_t size;
            s.pre = true;
            s.pieces = pieces;
            s.weighted_unrounded = !rounded;
            Onnx__ModelProto *model = make_transformer(&r, &s);
            uint8_t *data = make_packed(model, &size);
            const enum err e = network_decode_onnx(&n, "forked", data, size, &m);
            if (rounded && e)
                fail_msg("%s", m.text);
            if (!rounded && (!e || !strstr(m.text, "unrounded sum that others read too: want "
                                                   "QuantizeLinear in front of the fork")))
                fail_msg("%d: %s", pieces, m.text);
            if (!e)
                network_release(&n);
            free(data);
            make_free(model);
        }
}

/* ---- an encoder whose codes were made elsewhere ---- */

enum { ENCODER_LAYERS = 2, ENCODER_TOKENS = 16 };

/* Codes of an edge; the caller frees. */
static int64_t *read_codes(const struct zip *z, const char *path, const char *edge, size_t *n)
{
    char name[64];

    snprintf(name, sizeof name, "code_%s.npy", edge);
    for (size_t i = 0; i < z->n; i++) {
        struct infile *f;
        struct err_msg m;
        struct npy a;
        if (strcmp(z->member[i].name, name) != 0)
            continue;
        if (infile_open_part(&f, path, &z->member[i].part, &m) || npy_read_head(&a, f, &m))
            fail_msg("%s", m.text);
        int64_t *v = malloc(a.n * sizeof *v);
        assert_int_equal(a.type, NPY_INT64);
        assert_int_equal(infile_read(f, v, a.n * sizeof *v, "codes", &m), ERR_NONE);
        infile_close(f);
        *n = a.n;
        return v;
    }
    fail_msg("no codes %s", name);
    return NULL;
}

/* A layer by its name: every value is the edge's. Of heads the file has each one's tokens. */
static void compare_codes(const struct plain *p, const struct network *n, const char *layer,
                          const int64_t *want, size_t n_want, bool heads)
{
    const uint32_t at = network_find(n, layer);

    assert_true(at < n->n_layer);
    const size_t channels = n->layer[at].out.channels, tokens = n_want / channels;
    for (size_t i = 0; i < n_want; i++) {
        size_t token = i / channels, c = i % channels, head = c / 16;
        size_t from = heads ? (head * tokens + token) * 16 + c % 16 : i;
        if (plain_delivered(p, at, i) != want[from])
            fail_msg("%s, token %zu, channel %zu: %lld, want %lld", layer, token, c,
                     (long long)plain_delivered(p, at, i), (long long)want[from]);
    }
}

static void every_code_of_a_quantised_encoder_is_the_one_that_was_made_elsewhere(void **state)
{
    static const struct {
        const char *layer, *edge;
        bool heads;
    } edges[] = { { "q_mm", "qq", false }, { "k_mm", "kq", false }, { "v_mm", "vq", false },
                  { "a_pv", "a_o", true }, { "o_mm", "oq", false }, { "r1", "r1q", false },
                  { "ln2", "ln2q", false }, { "f1_mm", "gq", false }, { "f2_mm", "f2q", false },
                  { "r2", "r2q", false }, { "ln3", "ln3q", false } };
    char *path = shared_path("transformers/qdq_enc.onnx");
    char *codes = shared_path("transformers/qdq_enc_ref.npz");
    uint8_t image[ENCODER_TOKENS * 64];
    struct network n;
    struct err_msg m;
    struct zip z;
    size_t size;

    (void)state;
    if (!path || !codes)
        skip();
    if (network_load_onnx(&n, path, &m) || zip_read(&z, codes, &m))
        fail_msg("%s", m.text);
    int64_t *in = read_codes(&z, codes, "in", &size);
    for (size_t i = 0; i < size; i++)
        image[i] = (uint8_t)in[i];
    struct plain *p = plain_new(&n);
    plain_run(p, image, NULL);
    for (int l = 0; l < ENCODER_LAYERS; l++)
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
            char layer[32], edge[32];
            snprintf(layer, sizeof layer, "l%d_%s", l, edges[i].layer);
            snprintf(edge, sizeof edge, "l%d_%s", l, edges[i].edge);
            int64_t *want = read_codes(&z, codes, edge, &size);
            compare_codes(p, &n, layer, want, size, edges[i].heads);
            free(want);
        }
    int64_t *want = read_codes(&z, codes, "poolq", &size);
    compare_codes(p, &n, "pool", want, size, false);
    free(want);
    free(in);
    plain_free(p);
    network_release(&n);
    zip_release(&z);
    free(path);
    free(codes);
}

/* ---- our own vision transformer ---- */

static void the_trained_vision_transformer_is_what_its_file_means(void **state)
{
    enum { SIDE = 28, CLASSES = 10 };
    struct random r = { 12345 };
    double input[SIDE * SIDE];
    uint8_t image[SIDE * SIDE], *data;
    Onnx__ModelProto *model;
    struct naive_onnx o;
    struct network n;
    struct err_msg m;
    size_t size;

    (void)state;
    if (network_load_onnx(&n, "models/vit_fmnist.onnx", &m) ||
        onnx_read_file("models/vit_fmnist.onnx", &data, &size, &m) ||
        onnx_decode(data, size, &model, &m))
        fail_msg("%s", m.text);
    assert_int_equal(network_weights(&n), 178520);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) { // a bright square, and noise
            int code = (x - 14) * (x - 14) + (y - 14) * (y - 14) < 64 ? 60 : -128;
            code += (int)random_below(&r, 40);
            input[y * SIDE + x] = ldexp(code, -7);
            image[x * SIDE + y] = (uint8_t)code;
        }
    struct plain *p = plain_new(&n);
    plain_run(p, image, NULL);
    naive_onnx_run(&o, model, input);
    const struct naive_tensor *want = naive_onnx_find(&o, "out");
    for (size_t i = 0; i < CLASSES; i++) {
        const double sum = (double)plain_delivered(p, n.n_layer - 1, i);
        assert_true(fabs(sum * network_result(&n)->out_scale - want->v[i]) < 1e-6);
    }
    naive_onnx_release(&o);
    plain_free(p);
    network_release(&n);
    onnx_free_model(model);
    free(data);
}

#define FASHION "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

/* models/vit_fmnist.md: what the program that trained it counted with plain integers. */
static void it_is_right_as_often_as_the_training_programs_integers(void **state)
{
    static const struct {
        const char *bits;
        int         right;
    } rows[] = { { "8", 9243 }, { "6", 9231 } };

    if (access(FASHION, R_OK) != 0)
        skip();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "run configs/vit_fmnist.yaml --set attention.bits=%s "
                 "--jobs 2 --json - --images " FASHION, rows[i].bits);
        json_t *doc = json_of(*state, arguments);
        assert_int_equal(integer_at(doc, "accuracy.images"), 10000);
        assert_int_equal(integer_at(doc, "accuracy.correct"), rows[i].right);
        json_decref(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            random_transformers_in_the_styles_of_exporters_are_what_their_files_mean, tmpdir_make,
            tmpdir_remove),
        cmocka_unit_test_setup_teardown(a_matrix_of_patches_is_a_convolution, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test(a_real_matrix_of_patches_is_one_too),
        cmocka_unit_test(other_patches_are_refused),
        cmocka_unit_test(a_convolution_of_that_name_keeps_its_meaning),
        cmocka_unit_test(layout_makes_no_layer),
        cmocka_unit_test(a_mask_of_a_decoder_makes_the_layer_causal),
        cmocka_unit_test(a_windows_query_sees_its_window),
        cmocka_unit_test(what_no_layer_computes_is_refused_with_a_cure),
        cmocka_unit_test(a_sum_that_others_read_too_is_not_normalised),
        cmocka_unit_test(every_code_of_a_quantised_encoder_is_the_one_that_was_made_elsewhere),
        cmocka_unit_test(the_trained_vision_transformer_is_what_its_file_means),
        cmocka_unit_test_setup_teardown(it_is_right_as_often_as_the_training_programs_integers,
                                        tmpdir_make, tmpdir_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
