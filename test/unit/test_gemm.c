/* Products of matrices in single precision against three loops. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/float/gemm.h"

enum { N_CASE = 300, MOST = 70 };

static uint32_t state_of = 7;
static float    a[MOST * MOST], b[MOST * MOST], c[MOST * MOST];

static uint32_t below(uint32_t n)
{
    state_of = state_of * 1664525 + 1013904223;
    return (state_of >> 8) % n;
}

struct source {
    size_t n, k;
};

static void fill(const void *source, size_t first, size_t n, float *panel)
{
    const struct source *s = source;

    for (size_t k = 0; k < s->k; k++)
        memcpy(panel + k * GEMM_PANEL, b + k * s->n + first, n * sizeof *b);
}

static void draw(float *v)
{
    for (size_t i = 0; i < (size_t)MOST * MOST; i++) {
        v[i] = (float)below(1 << 24) / (1 << 12) - 2048;
        if (below(4) == 0)
            v[i] *= 1e-6f;
    }
}

static void equal_by_hand(size_t m, size_t n, size_t k, bool transposed)
{
    const struct source s = { n, k };
    const struct gemm g = {
        .m = m, .n = n, .k = k, .a = a, .a_row = transposed ? 1 : k,
        .a_column = transposed ? m : 1, .fill = fill, .source = &s, .c = c,
    };

    assert_true(gemm_run(&g));
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            float sum = 0;
            for (size_t l = 0; l < k; l++)
                sum = fmaf(a[i * g.a_row + l * g.a_column], b[l * n + j], sum);
            assert_memory_equal(&sum, &c[i * n + j], sizeof sum);
        }
}

static void each_sum_is_of_fused_steps_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASE; i++) {
        const size_t m = 1 + below(MOST);
        const size_t n = 1 + below(MOST);
        const size_t k = 1 + below(MOST);
        draw(a);
        draw(b);
        equal_by_hand(m, n, k, below(2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sum_is_of_fused_steps_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
