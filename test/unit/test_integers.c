/* Networks of whole numbers without QuantizeLinear, in the spellings of DORY, NEMO and Deeploy:
 * what the reader makes of them against their own integers, computed here. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/kind.h"
#include "onnx/read/read.h"
#include "test/onnx_make.h"
#include "test/reference.h"

enum { N = 6, N_IMAGE = 40, N_NETWORK = 80, N_EXACT = 60 }; // channels; maps of one pixel

static uint32_t random_state = 1;

static int64_t random_in(int64_t least, int64_t most)
{
    random_state = random_state * 1103515245 + 12345;
    return least + (int64_t)((random_state >> 8) % (uint32_t)(most - least + 1));
}

enum spelling { FLOOR, SHIFT, CAST, N_SPELLING };

struct rounding { // clip((sum * mul + add) / div), down or (SHIFT) to the nearest, ties up
    enum spelling spelling;
    int64_t       mul[N], again, add[N], div, low, high;
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t rounded(const struct rounding *q, int64_t sum, int c)
{
    int64_t v = (sum * q->mul[c] + q->add[c]) * q->again;

    v = q->spelling == SHIFT ? floor_div(2 * v + q->div, 2 * q->div) : floor_div(v, q->div);
    return v < q->low ? q->low : v > q->high ? q->high : v;
}

/* Factors of at most 14 bits in all, as M and its offset hold exactly. */
static void draw(struct rounding *q, enum spelling spelling)
{
    *q = (struct rounding){.spelling = spelling, .high = 255, .again = 1};
    q->again = spelling == CAST ? random_in(1, 60) : 1;
    int64_t bits = random_in(spelling == CAST ? 12 : 8, 18);
    q->div = (int64_t)1 << bits;
    int64_t common = random_in(0, 1) ? 1 : (int64_t)1 << (bits < 13 ? bits - 4 : 8); // for ties
    for (int c = 0; c < N; c++) {
        q->mul[c] = random_in(1, 16384 / q->again / common) * common;
        q->add[c] = q->div / 8 * random_in(-80, 80) + random_in(0, 1) * 77;
    }
    if (spelling != CAST && random_in(0, 1)) {
        q->low = -(1 << random_in(0, 7));
        q->high = -q->low - 1;
    } else if (random_in(0, 1)) {
        q->high = (1 << random_in(1, 7)) - 1;
    }
}

/* ---- The model ---- */

static void floats(Onnx__ModelProto *m, const char *name, const int64_t *dims, size_t n,
                   const int64_t *v)
{
    float f[N * N];

    for (size_t i = 0; i < n; i++)
        f[i] = (float)v[i];
    make_tensor(m, name, ONNX_TYPE(FLOAT), dims, f, n * sizeof *f);
}

static void number(Onnx__ModelProto *m, const char *name, int32_t type, int64_t v)
{
    if (type == ONNX_TYPE(INT64))
        make_tensor(m, name, type, (const int64_t[]){-1}, &v, sizeof v);
    else
        floats(m, name, (const int64_t[]){-1}, 1, &v);
}

/* A pattern whose @ is `name` and whose $ is `in`. */
static char *spelled(char text[96], const char *pattern, const char *name, const char *in)
{
    size_t n = 0;

    for (const char *p = pattern; *p && n < 60; p++)
        n += (size_t)snprintf(text + n, 96 - n, *p == '@' || *p == '$' ? "%s" : "%.1s",
                              *p == '@' ? name : *p == '$' ? in : p);
    text[n] = '\0';
    return text;
}

static Onnx__NodeProto *put(Onnx__ModelProto *m, const char *op, const char *name, const char *in,
                            const char *inputs, const char *output)
{
    char i[96], o[96];

    spelled(o, output, name, in);
    return make_node(m, op, o, spelled(i, inputs, name, in), o);
}

static void put_number(Onnx__ModelProto *m, const char *pattern, const char *name, int32_t type,
                       int64_t v)
{
    char text[96];

    number(m, spelled(text, pattern, name, ""), type, v);
}

static void put_channels(Onnx__ModelProto *m, const char *pattern, const char *name,
                         const int64_t v[N])
{
    char text[96];

    floats(m, spelled(text, pattern, name, ""), (const int64_t[]){1, N, 1, 1, -1}, N, v);
}

/* Mul, Add, Div, Floor; with CAST Mul, Add, Cast, Mul, Div of integers, Cast. */
static void make_floor(Onnx__ModelProto *m, const char *in, const char *name,
                       const struct rounding *q)
{
    put(m, "Mul", name, in, "@.mul $", "@.m");
    put(m, "Add", name, in, "@.m @.add", "@.a");
    if (q->spelling == CAST) {
        make_int(put(m, "Cast", name, in, "@.a", "@.i"), "to", ONNX_TYPE(INT64));
        put_number(m, "@.again", name, ONNX_TYPE(INT64), q->again);
        put(m, "Mul", name, in, "@.i @.again", "@.t");
        put_number(m, "@.div", name, ONNX_TYPE(INT64), q->div);
        put(m, "Div", name, in, "@.t @.div", "@.p");
        make_int(put(m, "Cast", name, in, "@.p", "@.f"), "to", ONNX_TYPE(FLOAT));
    } else {
        put_number(m, "@.div", name, ONNX_TYPE(FLOAT), q->div);
        put(m, "Div", name, in, "@.a @.div", "@.p");
        put(m, "Floor", name, in, "@.p", "@.f");
    }
    put_number(m, "@.low", name, ONNX_TYPE(FLOAT), q->low);
    put_number(m, "@.high", name, ONNX_TYPE(FLOAT), q->high);
    put(m, "Clip", name, in, "@.f @.low @.high", "@");
}

static void make_rounding(Onnx__ModelProto *m, const char *in, const char *name,
                          const struct rounding *q)
{
    put_channels(m, "@.mul", name, q->mul);
    put_channels(m, "@.add", name, q->add);
    if (q->spelling != SHIFT) {
        make_floor(m, in, name, q);
        return;
    }
    Onnx__NodeProto *n = put(m, "RequantShift", name, in, "$ @.mul @.add", "@");
    make_int(n, "div", q->div);
    make_int(n, "n_levels_out", q->high - q->low + 1);
    make_int(n, "signed", q->low < 0);
}

static void make_conv(Onnx__ModelProto *m, const char *in, const char *name, int64_t w[N * N])
{
    char text[96];

    for (int i = 0; i < N * N; i++)
        w[i] = random_in(-127, 127);
    floats(m, spelled(text, "@.w", name, in), (const int64_t[]){N, N, 1, 1, -1}, N * N, w);
    put(m, "Conv", name, in, "$ @.w", "@.sums");
}

static void convolve(const int64_t *w, const int64_t *in, const struct rounding *q, int64_t *out)
{
    for (int c = 0; c < N; c++) {
        int64_t sum = 0;
        for (int k = 0; k < N; k++)
            sum += w[c * N + k] * in[k];
        out[c] = rounded(q, sum, c);
    }
}

static void read_model(struct network *n, Onnx__ModelProto *m)
{
    size_t size;
    struct err_msg msg;
    uint8_t *file = make_packed(m, &size);

    assert_true(onnx_model_is_quantised(m));
    if (network_decode_onnx(n, "integers", file, size, &msg))
        fail_msg("%s", msg.text);
    free(file);
    make_free(m);
}

static void run(const struct network *n, struct reference *r, int64_t in[N], int64_t out[N])
{
    uint8_t bytes[N];

    for (int c = 0; c < N; c++) {
        in[c] = n->layer[0].out_signed ? random_in(-128, 127) : random_in(0, 255);
        bytes[c] = (uint8_t)in[c];
    }
    reference_run(r, bytes);
    for (uint32_t c = 0; c < N; c++)
        out[c] = reference_delivered(r, n->n_layer - 1, 0, 0, c);
}

static void each_spelling_gives_its_own_integers(void **state)
{
    (void)state;
    for (int k = 0; k < N_NETWORK; k++) {
        Onnx__ModelProto *m = make_model(N, 1, 1);
        int64_t w[2][N * N], in[N], map[N], want[N], got[N];
        struct rounding one, two;
        struct network n;
        struct reference r;
        if (k % 4 == 3)
            m->graph->input[0]->type->tensor_type->elem_type = ONNX_TYPE(INT8);
        draw(&one, (enum spelling)(k % N_SPELLING));
        draw(&two, (enum spelling)(k / N_SPELLING % N_SPELLING));
        int64_t slack = k < N_EXACT ? 0 : 1;
        two.div -= slack; // no M is 1 / (2^n - 1), so that a byte may be one off
        make_conv(m, "image", "a", w[0]);
        make_rounding(m, "a.sums", "a", &one);
        make_conv(m, "a", "b", w[1]);
        make_rounding(m, "b.sums", "out", &two);
        read_model(&n, m);
        reference_init(&r, &n);
        for (int i = 0; i < N_IMAGE; i++) {
            run(&n, &r, in, got);
            convolve(w[0], in, &one, map);
            convolve(w[1], map, &two, want);
            for (int c = 0; c < N; c++)
                if (labs(got[c] - want[c]) > slack)
                    fail_msg("network %d, image %d: output %d is %" PRId64 ", want %" PRId64, k, i,
                             c, got[c], want[c]);
        }
        reference_release(&r);
        network_release(&n);
    }
}

/* Floor((a * p + b * q) / d), cut to bytes. */
static void sums_of_scaled_maps_are_rounded_down_and_cut(void **state)
{
    (void)state;
    for (int k = 0; k < N_NETWORK; k++) {
        Onnx__ModelProto *m = make_model(N, 1, 1);
        int64_t w[2][N * N], in[N], a[N], b[N], got[N];
        int64_t p = random_in(1, 16384), q = random_in(1, 16384), d = 1 << random_in(8, 15);
        struct rounding one, two;
        struct network n;
        struct reference r;
        do
            draw(&one, (enum spelling)(k % N_SPELLING));
        while (one.low < 0);
        do
            draw(&two, SHIFT);
        while (two.low < 0);
        make_conv(m, "image", "a", w[0]);
        make_rounding(m, "a.sums", "a", &one);
        make_conv(m, "a", "b", w[1]);
        make_rounding(m, "b.sums", "b", &two);
        number(m, "p", ONNX_TYPE(FLOAT), p);
        number(m, "q", ONNX_TYPE(FLOAT), q);
        number(m, "d", ONNX_TYPE(FLOAT), d);
        make_node(m, "Mul", "ap", "a p", "ap");
        make_node(m, "Mul", "bq", "q b", "bq");
        make_node(m, "Add", "s", "bq ap", "s");
        make_node(m, "Div", "sd", "s d", "sd");
        make_node(m, "Floor", "out", "sd", "out");
        read_model(&n, m);
        reference_init(&r, &n);
        for (int i = 0; i < N_IMAGE; i++) {
            run(&n, &r, in, got);
            convolve(w[0], in, &one, a);
            convolve(w[1], a, &two, b);
            for (int c = 0; c < N; c++) {
                int64_t want = (a[c] * p + b[c] * q) / d;
                want = want > 255 ? 255 : want;
                if (got[c] != want)
                    fail_msg("network %d: %" PRId64 " * %" PRId64 " + %" PRId64 " * %" PRId64
                             " is %" PRId64 ", want %" PRId64, k, a[c], p, b[c], q, got[c], want);
            }
        }
        reference_release(&r);
        network_release(&n);
    }
}

/* ---- Refusals ---- */

static void refuse(Onnx__ModelProto *m, const char *want)
{
    size_t size;
    struct err_msg msg;
    struct network n;
    uint8_t *file = make_packed(m, &size);

    assert_int_equal(network_decode_onnx(&n, "integers", file, size, &msg), ERR_INPUT);
    if (!strstr(msg.text, want))
        fail_msg("\"%s\": want \"%s\" in it", msg.text, want);
    free(file);
    make_free(m);
}

static void what_no_byte_holds_is_refused_by_name_and_cure(void **state)
{
    Onnx__ModelProto *m = make_model(N, 1, 1);
    int64_t w[N * N];
    struct rounding q;
    (void)state;

    make_conv(m, "image", "a", w);
    make_node(m, "Floor", "f", "a.sums", "f");
    make_conv(m, "f", "b", w);
    make_node(m, "Identity", "out", "b.sums", "out");
    refuse(m, "node \"f\" (Floor): makes whole numbers from -inf to inf: want Clip behind it");

    m = make_model(N, 1, 1);
    draw(&q, CAST);
    q.low = -8;
    make_conv(m, "image", "a", w);
    make_rounding(m, "a.sums", "out", &q);
    refuse(m, "rounds negative numbers towards zero: want Clip at 0 behind it, or Floor");

    m = make_model(N, 1, 1);
    make_conv(m, "image", "a", w);
    draw(&q, SHIFT);
    make_rounding(m, "a.sums", "out", &q);
    find_attribute(find_node(m, "out"), "div")->i = 0;
    refuse(m, "node \"out\" (RequantShift): divides by 0 to");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_spelling_gives_its_own_integers),
        cmocka_unit_test(sums_of_scaled_maps_are_rounded_down_and_cut),
        cmocka_unit_test(what_no_byte_holds_is_refused_by_name_and_cure),
    };
    return cmocka_run_group_tests_name("integers", tests, NULL, NULL);
}
