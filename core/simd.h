/* core/simd.h -- which of the instruction sets that kernels are written for this machine has.
 *
 * Crossbar, digital processor and values by layer have one kernel per set, named alike. The sets
 * are nested: what runs a faster one runs every slower one. All kernels of a model give the same
 * bits.
 */
#ifndef CORE_SIMD_H
#define CORE_SIMD_H

#if defined(__x86_64__)
#define SIMD_X86 1
#else
#define SIMD_X86 0
#endif

enum simd { // fastest first
    SIMD_AVX512VNNI,
    SIMD_AVX2,
    SIMD_PORTABLE,
    N_SIMD
};

/* The set called `name`, or the fastest when name is NULL; N_SIMD when this machine lacks it. */
enum simd simd_find(const char *name);

/* Names of the sets this machine has, fastest first; ends with NULL. */
const char *const *simd_names(void);

#endif
