/* network/float/gemm.c -- see gemm.h. */
#include "network/float/gemm.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#define HAS_AVX2 1
#else
#define HAS_AVX2 0
#endif

enum { ROWS = 4, LANES = 8 };

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

/* c[ROWS][GEMM_PANEL] = a[k][ROWS] transposed, times b[k][GEMM_PANEL]. */
typedef void tile_fn(const float *a, const float *b, size_t k, float *c);

static inline __attribute__((always_inline)) void tile_body(const float *a, const float *b,
                                                            size_t k, float *c)
{
    lanes left0 = {0}, left1 = {0}, left2 = {0}, left3 = {0}; // unrolled: they stay in registers
    lanes right0 = {0}, right1 = {0}, right2 = {0}, right3 = {0};

    for (size_t i = 0; i < k; i++, a += ROWS, b += GEMM_PANEL) {
        lanes left, right;
        memcpy(&left, b, sizeof left);
        memcpy(&right, b + LANES, sizeof right);
        left0 += a[0] * left;
        left1 += a[1] * left;
        left2 += a[2] * left;
        left3 += a[3] * left;
        right0 += a[0] * right;
        right1 += a[1] * right;
        right2 += a[2] * right;
        right3 += a[3] * right;
    }
    const lanes sums[ROWS][GEMM_PANEL / LANES] = {
        {left0, right0}, {left1, right1}, {left2, right2}, {left3, right3}};
    memcpy(c, sums, sizeof sums);
}

static void tile_portable(const float *a, const float *b, size_t k, float *c)
{
    tile_body(a, b, k, c);
}

#if HAS_AVX2
/* Without fused multiply-add, which rounds once and so differently. */
__attribute__((target("avx2"))) static void tile_avx2(const float *a, const float *b, size_t k,
                                                      float *c)
{
    tile_body(a, b, k, c);
}
#endif

static tile_fn *fastest(void)
{
#if HAS_AVX2
    if (__builtin_cpu_supports("avx2"))
        return tile_avx2;
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
