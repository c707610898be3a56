/* Arithmetic of attention and norms: beside the same in long doubles, by properties, and beside the
 * codes of a quantised encoder that were made elsewhere. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "network/tokens/attention_values.h"
#include "network/tokens/exponential.h"
#include "network/tokens/norm_values.h"
#include "onnx/file.h"
#include "onnx/tensor.h"
#include "test/shared.h"
#include "traces/npy.h"
#include "traces/zip.h"

enum { MOST_KEYS = 40, MOST_HEAD = 24 };

static int32_t drawn(struct rng r, uint32_t *at, int32_t least, int32_t most)
{
    return least + (int32_t)(rng_u64(r, (*at)++) % (uint64_t)(most - least + 1));
}

static void the_exponential_is_that_of_long_doubles(void **state)
{
    const struct rng r = rng_at(1, "exponential");

    (void)state;
    for (uint32_t i = 0; i < 200000; i++) {
        double x = -700 * pow((double)(rng_u64(r, i) >> 11) * 0x1p-53, i % 2 ? 8 : 1);
        long double want = expl(x);
        if (fabsl(exponential(x) - want) > 0x1p-52L * want)
            fail_msg("exponential(%a) = %a, want %La", x, exponential(x), want);
    }
    assert_true(exponential(0) == 1);
    assert_true(exponential(-709) == 0 && exponential(-INFINITY) == 0 && exponential(NAN) == 0);
}

/* ---- attention beside long doubles ---- */

struct drawn_head {
    struct attention_values values;
    struct attention_keys   keys;
    int16_t  query[MOST_HEAD], key[MOST_KEYS * MOST_HEAD], value[MOST_KEYS * MOST_HEAD];
    double   bias[MOST_KEYS];
    uint8_t  masked[MOST_KEYS];
};

static void draw_head(struct drawn_head *h, struct rng r)
{
    static const uint32_t bits[] = { 6, 8, 10 };
    struct attention_values *a = &h->values;
    uint32_t at = 0;

    *a = (struct attention_values){ .low = -128, .high = 127, .zero = drawn(r, &at, -20, 20) };
    a->head = (uint32_t)drawn(r, &at, 1, MOST_HEAD);
    a->value_head = (uint32_t)drawn(r, &at, 1, MOST_HEAD);
    double score = 1e-5 * drawn(r, &at, 1, 200);
    a->weights = (enum attention_weights)drawn(r, &at, 0, 2);
    a->bits = bits[drawn(r, &at, 0, 2)];
    a->weight_codes = (struct code_range){ drawn(r, &at, 50, 100) / 16384.0, 0, 0, 255 };
    if (drawn(r, &at, 0, 1))
        a->weight_codes = (struct code_range){ drawn(r, &at, 50, 100) / 16384.0, -128, -128, 127 };
    a->unit = drawn(r, &at, 1, 300) / 256.0;
    if (a->weights == ATTENTION_CODES)
        a->unit *= a->weight_codes.step;
    for (; a->n_step < 3 && drawn(r, &at, 0, 1); a->n_step++) { // the next with 1 of codes
        struct score_step *s = &a->step[a->n_step];
        const double step = drawn(r, &at, 100, 4000);
        s->scale = a->n_step == 0 ? 1 : step * drawn(r, &at, 77, 179) / 128; // exact: ties too
        s->codes = (struct code_range){ step, drawn(r, &at, -9, 9), -128, 127 };
        score *= step / s->scale;
    }
    a->step[a->n_step++].scale = score;
    h->keys = (struct attention_keys){ .n = (uint32_t)drawn(r, &at, 1, MOST_KEYS), .key = h->key,
                                       .value = h->value, .key_step = MOST_HEAD,
                                       .value_step = MOST_HEAD };
    for (uint32_t i = 0; i < MOST_HEAD; i++)
        h->query[i] = (int16_t)drawn(r, &at, -255, 255);
    for (uint32_t i = 0; i < MOST_KEYS * MOST_HEAD; i++) {
        h->key[i] = (int16_t)drawn(r, &at, -255, 255);
        h->value[i] = (int16_t)drawn(r, &at, -255, 255);
    }
    for (uint32_t j = 0; j < MOST_KEYS; j++) {
        h->bias[j] = drawn(r, &at, -300, 300) / 128.0;
        h->masked[j] = j > 0 && drawn(r, &at, 0, 2) == 0;
    }
    for (uint32_t k = 0; k < a->n_step; k++)
        h->keys.bias[k] = drawn(r, &at, 0, 1) ? h->bias : NULL;
    h->keys.masked = drawn(r, &at, 0, 1) ? h->masked : NULL;
}

static long double code_of(const struct code_range *c, long double v)
{
    return fminl(fmaxl(rintl(v / c->step) + c->zero, c->low), c->high) - c->zero;
}

/* The result before it is rounded. */
static long double naive_attention(const struct drawn_head *h, uint32_t c)
{
    const struct attention_values *a = &h->values;
    const struct attention_keys *k = &h->keys;
    long double s[MOST_KEYS], most = -INFINITY, sum = 0, out = 0, whole = 0;

    for (uint32_t j = 0; j < k->n; j++) {
        s[j] = 0;
        for (uint32_t i = 0; i < a->head; i++)
            s[j] += (long double)h->query[i] * h->key[j * MOST_HEAD + i];
        for (uint32_t i = 0; i < a->n_step; i++) {
            s[j] = s[j] * a->step[i].scale + (k->bias[i] ? h->bias[j] : 0);
            if (a->step[i].codes.step != 0)
                s[j] = code_of(&a->step[i].codes, s[j]);
        }
        most = k->masked && h->masked[j] ? most : fmaxl(most, s[j]);
    }
    for (uint32_t j = 0; j < k->n; j++) {
        s[j] = k->masked && h->masked[j] ? 0 : expl(s[j] - most);
        sum += s[j];
    }
    for (uint32_t j = 0; j < k->n; j++) {
        long double p = a->weights == ATTENTION_REAL ? s[j]
                        : a->weights == ATTENTION_GRID
                            ? rintl(s[j] * (powl(2, a->bits) - 1))
                            : code_of(&a->weight_codes, s[j] / sum);
        whole += p;
        out += p * h->value[j * MOST_HEAD + c];
    }
    return out * a->unit / (a->weights == ATTENTION_CODES ? 1 : whole) + a->zero;
}

static void heads_are_those_of_long_doubles(void **state)
{
    uint32_t ties = 0, ends = 0, n = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct drawn_head h;
        double weight[MOST_KEYS];
        int32_t out[MOST_HEAD];

        draw_head(&h, rng_at(seed, "head"));
        attention_of_query(&h.values, &h.keys, h.query, weight, out);
        for (uint32_t c = 0; c < h.values.value_head; c++, n++) {
            long double v = naive_attention(&h, c), want = fminl(fmaxl(rintl(v), -128), 127);
            ends += fabsl(v) > 128;
            if (fabsl(fabsl(v - floorl(v)) - 0.5L) < 1e-9L)
                ties++;
            else if (out[c] != (int32_t)want)
                fail_msg("seed %d, value %u: %d, want %Lg", (int)seed, c, out[c], v);
        }
    }
    assert_true(ties < n / 100);
    assert_true(ends < n / 2);
}

/* ---- properties ---- */

static void what_sees_one_key_delivers_its_value(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct drawn_head h;
        double weight[MOST_KEYS];
        int32_t out[MOST_HEAD];

        draw_head(&h, rng_at(seed, "one key"));
        h.values.weights = seed % 2 ? ATTENTION_GRID : ATTENTION_REAL;
        h.values.unit = 0.25;
        h.values.zero = 3;
        h.keys.n = 1;
        attention_of_query(&h.values, &h.keys, h.query, weight, out);
        for (uint32_t c = 0; c < h.values.value_head; c++)
            assert_int_equal(out[c], (int32_t)nearbyint(h.value[c] / 4.0) + 3);
    }
}

static void keys_that_are_alike_deliver_the_mean(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct drawn_head h;
        double weight[MOST_KEYS];
        int32_t out[MOST_HEAD];

        draw_head(&h, rng_at(seed, "mean"));
        h.values.weights = ATTENTION_GRID;
        h.values.unit = 0.5;
        h.values.zero = 0;
        h.keys.n = 32;
        memset(h.keys.bias, 0, sizeof h.keys.bias);
        h.keys.masked = NULL;
        h.keys.key_step = 0;
        attention_of_query(&h.values, &h.keys, h.query, weight, out);
        for (uint32_t c = 0; c < h.values.value_head; c++) {
            int32_t sum = 0;
            for (uint32_t j = 0; j < 32; j++)
                sum += h.value[j * MOST_HEAD + c];
            assert_int_equal(out[c], (int32_t)nearbyint(sum / 64.0));
        }
    }
}

/* A mask is the same as a shorter sequence, wherever what is masked stands. */
static void later_keys_that_are_masked_might_not_be_there(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct drawn_head h;
        double weight[MOST_KEYS];
        int32_t few[MOST_HEAD], out[MOST_HEAD];
        uint32_t n = 1 + (uint32_t)(seed % (MOST_KEYS - 1));

        draw_head(&h, rng_at(seed, "mask"));
        h.keys.masked = NULL;
        h.keys.n = n;
        attention_of_query(&h.values, &h.keys, h.query, weight, few);
        for (uint32_t j = 0; j < MOST_KEYS; j++)
            h.masked[j] = j >= n;
        h.keys.masked = h.masked;
        h.keys.n = MOST_KEYS;
        attention_of_query(&h.values, &h.keys, h.query, weight, out);
        if (h.values.weights != ATTENTION_CODES || h.values.weight_codes.zero == 0)
            assert_memory_equal(out, few, h.values.value_head * sizeof *out);
    }
}

static void values_of_six_bits_reach_as_far_on_either_side(void **state)
{
    static const struct { int32_t v; uint32_t bits; int32_t want; } rows[] = {
        { 127, 6, 31 }, { -128, 6, -31 }, { 2, 6, 0 },  { 6, 6, 2 },   { -6, 6, -2 },
        { 3, 6, 1 },    { -124, 6, -31 }, { 10, 6, 2 }, { 127, 8, 127 }, { -128, 8, -127 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(attention_narrowed(rows[i].v, rows[i].bits), rows[i].want);
}

/* ---- norms ---- */

enum { MOST_CHANNELS = 900 };

static void norms_are_those_of_long_doubles(void **state)
{
    uint32_t ties = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        const struct rng r = rng_at(seed, "norm");
        uint32_t at = 0;
        double gain[MOST_CHANNELS], offset[MOST_CHANNELS], real[MOST_CHANNELS];
        int32_t x[MOST_CHANNELS], out[MOST_CHANNELS], reals[MOST_CHANNELS];
        struct norm_values f = { .gain = gain, .low = -128, .high = 127 };
        long double mean = 0, variance = 0;

        f.n = (uint32_t)drawn(r, &at, 1, MOST_CHANNELS);
        f.rms = drawn(r, &at, 0, 1);
        f.offset = drawn(r, &at, 0, 1) ? offset : NULL;
        f.eps = drawn(r, &at, 1, 1000) * 1e-4;
        f.zero = drawn(r, &at, -30, 30);
        for (uint32_t c = 0; c < f.n; c++) {
            gain[c] = drawn(r, &at, -400, 400) / 8.0;
            offset[c] = drawn(r, &at, -400, 400) / 16.0;
            real[c] = x[c] = drawn(r, &at, -255, 255);
            mean += x[c];
        }
        mean = f.rms ? 0 : mean / f.n;
        for (uint32_t c = 0; c < f.n; c++)
            variance += (x[c] - mean) * (x[c] - mean) / f.n;
        norm_of_token(&f, x, out);
        norm_of_reals(&f, real, reals);
        for (uint32_t c = 0; c < f.n; c++) {
            long double v = (x[c] - mean) / sqrtl(variance + f.eps) * gain[c] +
                            (f.offset ? offset[c] : 0);
            if (fabsl(fabsl(v - floorl(v)) - 0.5L) < 1e-9L) {
                ties++;
                continue;
            }
            assert_int_equal(out[c], (int32_t)fminl(fmaxl(rintl(v) + f.zero, -128), 127));
            assert_int_equal(reals[c], out[c]);
        }
    }
    assert_true(ties < 400);
}

static void a_token_whose_channels_are_alike_gives_its_offset(void **state)
{
    const double gain[] = { 5, 6, 7 }, offset[] = { 1, -2, 200 };
    const int32_t x[] = { 9, 9, 9 };
    const struct norm_values f = { .n = 3, .gain = gain, .offset = offset, .low = -128,
                                   .high = 127 };
    int32_t out[3];

    (void)state;
    norm_of_token(&f, x, out);
    assert_int_equal(out[0], 1);
    assert_int_equal(out[1], -2);
    assert_int_equal(out[2], 127);
}

/* Whatever its gain: it is as far from either code. */
static void a_value_that_is_the_mean_and_has_half_a_code_goes_to_the_even(void **state)
{
    const double gain[] = { 9.7, 9.7, 9.7, 9.7, 9.7, 9.7, 9.7 };

    (void)state;
    for (int32_t code = -100; code < 100; code++) {
        const int32_t x[] = { code, code + 3, code - 1, code + 1, code - 2, code + 2, code - 3 };
        const double offset[] = { code + 0.5, 0, 0, 0, 0, 0, 0 };
        const struct norm_values f = { .n = 7, .eps = 1e-5, .gain = gain, .offset = offset,
                                       .low = -128, .high = 127 };
        double real[7];
        int32_t out[7], reals[7];
        for (uint32_t c = 0; c < 7; c++)
            real[c] = x[c];
        norm_of_token(&f, x, out);
        norm_of_reals(&f, real, reals);
        assert_int_equal(out[0], code % 2 == 0 ? code : code + 1);
        assert_int_equal(reals[0], out[0]);
    }
}

/* ---- a quantised encoder, the code of whose every edge is known ---- */

enum { TOKENS = 16, CHANNELS = 64, HEADS = 4 };

struct encoder {
    Onnx__ModelProto *model;
    struct zip        codes;
    char             *path; // of the codes
};

static void open_encoder(struct encoder *e)
{
    char *model = shared_path("transformers/qdq_enc.onnx");
    struct err_msg m;
    uint8_t *data;
    size_t size;

    e->path = shared_path("transformers/qdq_enc_ref.npz");
    if (!model || !e->path)
        skip();
    if (onnx_read_file(model, &data, &size, &m) || onnx_decode(data, size, &e->model, &m) ||
        zip_read(&e->codes, e->path, &m))
        fail_msg("%s", m.text);
    free(data);
    free(model);
}

static void close_encoder(struct encoder *e)
{
    onnx_free_model(e->model);
    zip_release(&e->codes);
    free(e->path);
}

/* Input `i` of the node that makes an edge, a stored tensor. */
static struct onnx_tensor stored(const struct encoder *e, const char *edge, size_t i)
{
    const Onnx__GraphProto *g = e->model->graph;
    struct onnx_tensor t;
    struct err_msg m;

    for (size_t n = 0; n < g->n_node; n++)
        for (size_t k = 0; strcmp(g->node[n]->output[0], edge) == 0 && k < g->n_initializer; k++)
            if (strcmp(g->initializer[k]->name, g->node[n]->input[i]) == 0) {
                assert_int_equal(onnx_tensor_view(&t, g->initializer[k], &m), ERR_NONE);
                return t;
            }
    fail_msg("nothing stored at %s", edge);
    return (struct onnx_tensor){ 0 };
}

static double step_of(const struct encoder *e, const char *edge)
{
    struct onnx_tensor t = stored(e, edge, 1);

    return onnx_tensor_real(&t, 0);
}

/* Codes of TOKENS x CHANNELS values. */
static void read_codes(const struct encoder *e, const char *edge, int32_t *code)
{
    char name[64];

    snprintf(name, sizeof name, "code_%s.npy", edge);
    for (size_t i = 0; i < e->codes.n; i++) {
        struct infile *f;
        struct err_msg m;
        struct npy a;
        int64_t v[TOKENS * CHANNELS];

        if (strcmp(e->codes.member[i].name, name) != 0)
            continue;
        if (infile_open_part(&f, e->path, &e->codes.member[i].part, &m) ||
            npy_read_head(&a, f, &m))
            fail_msg("%s", m.text);
        assert_int_equal(a.type, NPY_INT64);
        assert_int_equal(a.n, TOKENS * CHANNELS);
        assert_int_equal(infile_read(f, v, sizeof v, "codes", &m), ERR_NONE);
        for (size_t k = 0; k < a.n; k++)
            code[k] = (int32_t)v[k];
        infile_close(f);
        return;
    }
    fail_msg("no codes %s", name);
}

static void name_edge(char *name, size_t n, uint32_t layer, const char *edge)
{
    snprintf(name, n, "l%u_%s", layer, edge);
}

static void codes_of(const struct encoder *e, uint32_t layer, const char *edge, int32_t *code)
{
    char name[32];

    name_edge(name, sizeof name, layer, edge);
    read_codes(e, name, code);
}

static double layer_step(const struct encoder *e, uint32_t layer, const char *edge)
{
    char name[32];

    snprintf(name, sizeof name, "l%u_%s_q", layer, edge);
    return step_of(e, name);
}

static void check_attention(const struct encoder *e, uint32_t layer)
{
    int32_t q[TOKENS * CHANNELS], k[TOKENS * CHANNELS], v[TOKENS * CHANNELS];
    int32_t want[TOKENS * CHANNELS];
    int16_t query[TOKENS * CHANNELS], key[TOKENS * CHANNELS], value[TOKENS * CHANNELS];
    const double score = layer_step(e, layer, "a_qkq"), p = layer_step(e, layer, "a_p");
    const struct attention_values a = {
        .head = CHANNELS / HEADS, .value_head = CHANNELS / HEADS, .n_step = 2,
        .step = { { 1, { score / (layer_step(e, layer, "qq") * layer_step(e, layer, "kq")), 0, -128,
                         127 } },
                  { .scale = score * 0.25 } },
        .weights = ATTENTION_CODES, .weight_codes = { p, 0, 0, 255 },
        .unit = p * layer_step(e, layer, "vq") / layer_step(e, layer, "a_o"), .low = -128,
        .high = 127,
    };

    codes_of(e, layer, "qq", q);
    codes_of(e, layer, "kq", k);
    codes_of(e, layer, "vq", v);
    codes_of(e, layer, "a_o", want); // [head][token][channel]
    for (size_t i = 0; i < TOKENS * CHANNELS; i++) {
        query[i] = (int16_t)q[i];
        key[i] = (int16_t)k[i];
        value[i] = (int16_t)v[i];
    }
    for (uint32_t h = 0; h < HEADS; h++)
        for (uint32_t t = 0; t < TOKENS; t++) {
            const struct attention_keys keys = { .n = TOKENS, .key = key + h * a.head,
                                                 .value = value + h * a.head,
                                                 .key_step = CHANNELS, .value_step = CHANNELS };
            double weight[TOKENS];
            int32_t out[CHANNELS / HEADS];
            attention_of_query(&a, &keys, query + t * CHANNELS + h * a.head, weight, out);
            for (uint32_t c = 0; c < a.head; c++)
                assert_int_equal(out[c], want[(h * TOKENS + t) * a.head + c]);
        }
}

static void check_norm(const struct encoder *e, uint32_t layer, const char *from, const char *to)
{
    int32_t x[TOKENS * CHANNELS], want[TOKENS * CHANNELS], out[CHANNELS];
    double gain[CHANNELS], offset[CHANNELS];
    const double in = layer_step(e, layer, from), step = layer_step(e, layer, to);
    char made[32];

    snprintf(made, sizeof made, "l%u_%.3s", layer, to);
    const struct onnx_tensor g = stored(e, made, 1), b = stored(e, made, 2);
    for (uint32_t c = 0; c < CHANNELS; c++) {
        gain[c] = onnx_tensor_real(&g, c) / step;
        offset[c] = onnx_tensor_real(&b, c) / step;
    }
    const struct norm_values f = { .n = CHANNELS, .eps = 1e-5F / (in * in), .gain = gain,
                                   .offset = offset, .low = -128, .high = 127 };
    codes_of(e, layer, from, x);
    codes_of(e, layer, to, want);
    for (uint32_t t = 0; t < TOKENS; t++) {
        norm_of_token(&f, x + t * CHANNELS, out);
        assert_memory_equal(out, want + t * CHANNELS, sizeof out);
    }
}

static void every_code_of_a_quantised_encoders_attention_and_norms_is_met(void **state)
{
    struct encoder e;

    (void)state;
    open_encoder(&e);
    for (uint32_t layer = 0; layer < 2; layer++) {
        check_attention(&e, layer);
        check_norm(&e, layer, "r1q", "ln2q");
        check_norm(&e, layer, "r2q", "ln3q");
    }
    close_encoder(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exponential_is_that_of_long_doubles),
        cmocka_unit_test(heads_are_those_of_long_doubles),
        cmocka_unit_test(what_sees_one_key_delivers_its_value),
        cmocka_unit_test(keys_that_are_alike_deliver_the_mean),
        cmocka_unit_test(later_keys_that_are_masked_might_not_be_there),
        cmocka_unit_test(values_of_six_bits_reach_as_far_on_either_side),
        cmocka_unit_test(norms_are_those_of_long_doubles),
        cmocka_unit_test(a_token_whose_channels_are_alike_gives_its_offset),
        cmocka_unit_test(a_value_that_is_the_mean_and_has_half_a_code_goes_to_the_even),
        cmocka_unit_test(every_code_of_a_quantised_encoders_attention_and_norms_is_met),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
