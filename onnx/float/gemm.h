/* onnx/float/gemm.h -- c = a * b in single precision.
 *
 * Each c[i][j] begins with 0 and is summed in the order of k by fused multiply-adds, which round
 * once, so that the result has the same bits on every host. One that has no such instruction works
 * them out, slowly.
 */
#ifndef ONNX_FLOAT_GEMM_H
#define ONNX_FLOAT_GEMM_H

#include <stdbool.h>
#include <stddef.h>

enum { GEMM_PANEL = 16 }; // columns of b that are worked on together

/* Writes columns first .. first + n - 1 of b, n at most GEMM_PANEL, to panel[k][GEMM_PANEL]. What
 * it leaves in the other columns is computed with and thrown away. */
typedef void gemm_fill(const void *source, size_t first, size_t n, float *panel);

struct gemm {
    size_t       m, n, k; // c is m x n, a is m x k
    const float *a;       // a[i][k] at a[i * a_row + k * a_column]
    size_t       a_row, a_column;
    gemm_fill   *fill; // b
    const void  *source;
    float       *c; // c[i][j] at c[i * n + j]
};

bool gemm_run(const struct gemm *g); // false: no memory

#endif
