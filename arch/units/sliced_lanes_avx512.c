/* arch/units/sliced_lanes_avx512.c -- see sliced_lanes.h; vectors of 256 bits, whose instructions
 * take three of them. */
#include "core/simd.h"

#if SIMD_X86
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512vl,popcnt")))

#define SUM3(a, b, c)   TERNARY(a, b, c, 0x96)
#define CARRY3(a, b, c) TERNARY(a, b, c, 0xe8)
#define TERNARY(a, b, c, table) \
    (vec)_mm256_ternarylogic_epi64((__m256i)(a), (__m256i)(b), (__m256i)(c), table)

#include "arch/units/sliced_lanes.inc"

const struct sliced_lanes_kernel sliced_lanes_avx512 = { sliced_lanes_bits_avx2, column };
#endif
