/* core/simd.c -- see simd.h. */
#include "core/simd.h"

#include <stdbool.h>
#include <string.h>

static const char *const names[N_SIMD + 1] = {
    [SIMD_AVX512VNNI] = "avx512vnni",
    [SIMD_AVX2]       = "avx2",
    [SIMD_PORTABLE]   = "portable",
};

static enum simd fastest(void)
{
#if SIMD_X86
    bool avx2 = __builtin_cpu_supports("avx2");
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");

    if (avx2 && avx512 && __builtin_cpu_supports("avx512vnni"))
        return SIMD_AVX512VNNI;
    if (avx2)
        return SIMD_AVX2;
#endif
    return SIMD_PORTABLE;
}

enum simd simd_find(const char *name)
{
    enum simd s = fastest();

    if (name)
        while (s < N_SIMD && strcmp(names[s], name) != 0)
            s++;
    return s;
}

const char *const *simd_names(void)
{
    return names + fastest();
}
