/* onnx/float/gemm.c -- see gemm.h. */
#include "onnx/float/gemm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/simd.h"

enum { ROWS = 4 };

/* c[ROWS][GEMM_PANEL] = a[k][ROWS] transposed, times b[k][GEMM_PANEL]. */
typedef void tile_fn(const float *a, const float *b, size_t k, float *c);

static void tile_portable(const float *a, const float *b, size_t k, float *c)
{
    for (size_t i = 0; i < ROWS * GEMM_PANEL; i++)
        c[i] = 0;
    for (size_t i = 0; i < k; i++, a += ROWS, b += GEMM_PANEL)
        for (size_t r = 0; r < ROWS; r++)
            for (size_t j = 0; j < GEMM_PANEL; j++)
                c[r * GEMM_PANEL + j] = fmaf(a[r], b[j], c[r * GEMM_PANEL + j]);
}

#if SIMD_X86
#include <immintrin.h>

enum { LANES = 8 };

__attribute__((target("avx2,fma"))) static void tile_fma(const float *a, const float *b, size_t k,
                                                         float *c)
{
    __m256 sum[ROWS][GEMM_PANEL / LANES]; // in registers

#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++)
        sum[r][0] = sum[r][1] = _mm256_setzero_ps();
    for (size_t i = 0; i < k; i++, a += ROWS, b += GEMM_PANEL) {
        const __m256 left = _mm256_loadu_ps(b), right = _mm256_loadu_ps(b + LANES);
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) {
            const __m256 times = _mm256_set1_ps(a[r]);
            sum[r][0] = _mm256_fmadd_ps(times, left, sum[r][0]);
            sum[r][1] = _mm256_fmadd_ps(times, right, sum[r][1]);
        }
    }
    memcpy(c, sum, sizeof sum);
}
#endif

static tile_fn *fastest(void)
{
#if SIMD_X86
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return tile_fma;
#endif
    return tile_portable;
}

/* a in the order that tiles read it, rows beyond m zero. */
static void pack(const struct gemm *g, float *packed)
{
    for (size_t i = 0; i < g->m; i += ROWS)
        for (size_t k = 0; k < g->k; k++)
            for (size_t r = i; r < i + ROWS; r++)
                *packed++ = r < g->m ? g->a[r * g->a_row + k * g->a_column] : 0;
}

static void run_panel(const struct gemm *g, tile_fn *tile, const float *a, const float *panel,
                      size_t first, size_t n)
{
    float c[ROWS][GEMM_PANEL];

    for (size_t i = 0; i < g->m; i += ROWS, a += ROWS * g->k) {
        tile(a, panel, g->k, c[0]);
        for (size_t r = i; r < g->m && r < i + ROWS; r++)
            memcpy(g->c + r * g->n + first, c[r - i], n * sizeof **c);
    }
}

bool gemm_run(const struct gemm *g)
{
    tile_fn *tile = fastest();
    float *a = malloc(((g->m + ROWS) * g->k + 1) * sizeof *a);
    float *panel = calloc(g->k * GEMM_PANEL + 1, sizeof *panel);

    if (a && panel) {
        pack(g, a);
        for (size_t first = 0; first < g->n; first += GEMM_PANEL) {
            size_t n = g->n - first < GEMM_PANEL ? g->n - first : GEMM_PANEL;
            g->fill(g->source, first, n, panel);
            run_panel(g, tile, a, panel, first, n);
        }
    }
    bool done = a && panel;
    free(a);
    free(panel);
    return done;
}
