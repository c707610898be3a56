/* arch/simd.c -- see simd.h. */
#include "arch/simd.h"

#include <string.h>

static const char *const names[N_SIMD + 1] = {
    [SIMD_AVX512VNNI] = "avx512vnni",
    [SIMD_AVX2]       = "avx2",
    [SIMD_PORTABLE]   = "portable",
};

static enum simd fastest(void)
{
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
