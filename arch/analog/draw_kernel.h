/* arch/analog/draw_kernel.h -- the functions of draw.h for each instruction set, for draw.c and its
 * tests: all give the same bits. n is a multiple of 8. */
#ifndef ARCH_ANALOG_DRAW_KERNEL_H
#define ARCH_ANALOG_DRAW_KERNEL_H

#include "arch/analog/draw.h"
#include "core/simd.h"

struct draw_kernel {
    void (*uniforms)(uint64_t key, uint64_t first, size_t n, double *out);
    void (*normals)(uint64_t key, uint64_t first, size_t n, double *out);
    void (*exponentials)(size_t n, const double *x, double *out);
    void (*logarithms)(size_t n, const double *x, double *out);
};

extern const struct draw_kernel *const draw_kernels[N_SIMD];

#endif
