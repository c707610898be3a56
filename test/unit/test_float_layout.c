/* Values that move: Transpose, Slice, Pad, Expand and Concat of one to eight axes against loops
 * that take each index apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/float/graph.h"
#include "test/onnx_make.h"

enum { N_SEED = 400, MOST_DIMS = 8, CHANNELS = 8, SIDE = 6, N_VALUE = CHANNELS * SIDE * SIDE };

static uint32_t state_of;

static uint32_t below(uint32_t n)
{
    state_of = state_of * 1664525 + 1013904223;
    return (state_of >> 16) % n;
}

struct shape_of { // of up to eight axes
    uint32_t n;
    int64_t  dim[MOST_DIMS];
};

static size_t size_of(const struct shape_of *s)
{
    size_t n = 1;

    for (uint32_t k = 0; k < s->n; k++)
        n *= (size_t)s->dim[k];
    return n;
}

static void take_apart(const struct shape_of *s, size_t i, int64_t at[MOST_DIMS])
{
    for (uint32_t k = s->n; k-- > 0; i /= (size_t)s->dim[k])
        at[k] = (int64_t)(i % (size_t)s->dim[k]);
}

static size_t put_together(const struct shape_of *s, const int64_t at[MOST_DIMS])
{
    size_t i = 0;

    for (uint32_t k = 0; k < s->n; k++)
        i = i * (size_t)s->dim[k] + (size_t)at[k];
    return i;
}

static void int_list(Onnx__ModelProto *m, const char *name, uint32_t n, const int64_t *v)
{
    make_tensor(m, name, ONNX_TYPE(INT64), (const int64_t[]){n, -1}, v, n * sizeof *v);
}

/* The image in a random shape of n axes, as "x": prime factors of its size dealt out. */
static Onnx__ModelProto *begin(struct shape_of *s, uint32_t n)
{
    static const int64_t primes[] = {2, 2, 2, 2, 2, 3, 3};
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);

    m->opset_import[0]->version = 13;
    s->n = n;
    for (uint32_t k = 0; k < n; k++)
        s->dim[k] = 1;
    for (size_t i = 0; i < sizeof primes / sizeof *primes; i++)
        s->dim[below(n)] *= primes[i];
    int_list(m, "shape", n, s->dim);
    make_node(m, "Reshape", "r", "image shape", "x");
    return m;
}

/* The values of "out" where value i of the image is i + 1; the caller frees them, and the model is
 * freed. */
static float *values_of(Onnx__ModelProto *model, size_t *n)
{
    struct float_graph g;
    struct float_run run;
    struct array image;
    struct err_msg m;

    if (float_graph_init(&g, model, &m) || float_run_init(&run, &g, &m))
        fail_msg("%s", m.text);
    assert_true(array_init(&image, ONNX_TYPE(FLOAT), 4, (uint32_t[]){1, CHANNELS, SIDE, SIDE}));
    for (size_t i = 0; i < N_VALUE; i++)
        image.real[i] = (float)(i + 1);
    float_run_set(&run, g.graph.image, &image);
    if (float_run_all(&run, &m))
        fail_msg("%s", m.text);
    const struct array *out = &run.value[g.graph.result];
    float *v = malloc(out->n * sizeof *v + 1);
    assert_non_null(v);
    memcpy(v, out->real, out->n * sizeof *v);
    *n = out->n;
    float_run_release(&run);
    float_graph_release(&g);
    make_free(model);
    return v;
}

static void assert_value(const char *op, uint32_t seed, size_t i, float got, size_t from)
{
    if (got != (float)from)
        fail_msg("seed %u, %s: value %zu is %g, want %zu", seed, op, i, (double)got, from);
}

static void axes_change_places(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < N_SEED; seed++) {
        struct shape_of in, out = {0};
        int64_t perm[MOST_DIMS], at[MOST_DIMS], from[MOST_DIMS];
        size_t n;
        state_of = seed;
        Onnx__ModelProto *m = begin(&in, 1 + seed % MOST_DIMS);
        for (uint32_t k = 0; k < in.n; k++) {
            uint32_t other = below(k + 1);
            perm[k] = perm[other];
            perm[other] = k;
        }
        make_ints(make_node(m, "Transpose", "t", "x", "out"), "perm", in.n, perm);
        out.n = in.n;
        for (uint32_t k = 0; k < in.n; k++)
            out.dim[k] = in.dim[perm[k]];
        float *v = values_of(m, &n);
        assert_int_equal(n, N_VALUE);
        for (size_t i = 0; i < n; i++) {
            take_apart(&out, i, at);
            for (uint32_t k = 0; k < in.n; k++)
                from[perm[k]] = at[k];
            assert_value("Transpose", seed, i, v[i], put_together(&in, from) + 1);
        }
        free(v);
    }
}

static void parts_are_taken_in_steps_and_backwards(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < N_SEED; seed++) {
        struct shape_of in, out = {0};
        int64_t start[MOST_DIMS], end[MOST_DIMS], step[MOST_DIMS], axes[MOST_DIMS], at[MOST_DIMS];
        size_t n;
        state_of = seed;
        Onnx__ModelProto *m = begin(&in, 1 + seed % MOST_DIMS);
        out.n = in.n;
        for (uint32_t k = 0; k < in.n; k++) {
            uint32_t length = 1 + below((uint32_t)in.dim[k]), more = (uint32_t)in.dim[k] - length;
            bool back = below(3) == 0;
            step[k] = (int64_t)(1 + below(2)) * (back ? -1 : 1);
            start[k] = back ? in.dim[k] - 1 - below(more + 1) : below(more + 1);
            end[k] = back ? start[k] - length : start[k] + length;
            out.dim[k] = (length + (step[k] * step[k] > 1)) / (step[k] * step[k] > 1 ? 2 : 1);
            if (back && end[k] < 0)
                end[k] = INT64_MIN;
            axes[k] = below(2) ? k : (int64_t)k - in.n;
        }
        int_list(m, "s", in.n, start);
        int_list(m, "e", in.n, end);
        int_list(m, "a", in.n, axes);
        int_list(m, "t", in.n, step);
        make_node(m, "Slice", "c", "x s e a t", "out");
        float *v = values_of(m, &n);
        assert_int_equal(n, size_of(&out));
        for (size_t i = 0; i < n; i++) {
            take_apart(&out, i, at);
            for (uint32_t k = 0; k < in.n; k++)
                at[k] = start[k] + at[k] * step[k];
            assert_value("Slice", seed, i, v[i], put_together(&in, at) + 1);
        }
        free(v);
    }
}

/* Ones become longer by Expand; then zeros around it all; then that behind itself. */
static void arrays_grow(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < N_SEED; seed++) {
        struct shape_of in, wide, out;
        int64_t pads[2 * MOST_DIMS], at[MOST_DIMS];
        size_t n;
        state_of = seed;
        Onnx__ModelProto *m = begin(&in, 1 + seed % MOST_DIMS);
        wide = in;
        for (uint32_t k = 0; k < in.n; k++) {
            wide.dim[k] = in.dim[k] == 1 ? 1 + below(2) : in.dim[k];
            pads[k] = below(3) == 0;
            pads[in.n + k] = below(3) == 0;
        }
        uint32_t axis = below(in.n), skip = 0; // leading axes that stay may be left out
        while (skip + 1 < in.n && wide.dim[skip] == in.dim[skip])
            skip++;
        int_list(m, "w", in.n - skip, wide.dim + skip);
        int_list(m, "p", 2 * in.n, pads);
        make_node(m, "Expand", "e", "x w", "wide");
        make_node(m, "Pad", "p", "wide p", "padded");
        make_int(make_node(m, "Concat", "c", "padded padded", "out"), "axis", axis);
        struct shape_of padded = wide;
        for (uint32_t k = 0; k < in.n; k++)
            padded.dim[k] += pads[k] + pads[in.n + k];
        out = padded;
        out.dim[axis] *= 2;
        float *v = values_of(m, &n);
        assert_int_equal(n, size_of(&out));
        for (size_t i = 0; i < n; i++) {
            bool inside = true;
            take_apart(&out, i, at);
            at[axis] %= padded.dim[axis];
            for (uint32_t k = 0; k < in.n; k++) {
                at[k] -= pads[k];
                inside &= at[k] >= 0 && at[k] < wide.dim[k];
                at[k] = in.dim[k] == 1 ? 0 : at[k];
            }
            assert_value("Expand, Pad, Concat", seed, i, v[i],
                         inside ? put_together(&in, at) + 1 : 0);
        }
        free(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_change_places),
        cmocka_unit_test(parts_are_taken_in_steps_and_backwards),
        cmocka_unit_test(arrays_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
