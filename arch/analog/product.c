/* arch/analog/product.c -- see product.h. */
#include "arch/analog/product.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/simd.h"
#include "core/util.h"

typedef void multiply(const struct analog_product *p, const int16_t *x, int32_t *v);

/* The meaning of the others. */
static void multiply_portable(const struct analog_product *p, const int16_t *x, int32_t *v)
{
    const int16_t *a = p->packed;

    for (uint32_t c = 0; c < p->packed_columns; c += PRODUCT_COLUMNS, v += PRODUCT_COLUMNS) {
        memset(v, 0, PRODUCT_COLUMNS * sizeof *v);
        for (uint32_t i = 0; i < p->pairs; i++)
            for (uint32_t k = 0; k < PRODUCT_COLUMNS; k++, a += 2)
                v[k] += a[0] * x[2 * i] + a[1] * x[2 * i + 1];
    }
}

#if SIMD_X86
#include <immintrin.h>

__attribute__((target("avx2")))
static void multiply_avx2(const struct analog_product *p, const int16_t *x, int32_t *v)
{
    const __m256i *a = (const __m256i *)(const void *)p->packed;
    __m256i *to = (__m256i *)(void *)v;

    for (uint32_t c = 0; c < p->packed_columns; c += PRODUCT_COLUMNS, to += 2) {
        __m256i low = _mm256_setzero_si256(), high = low;
        for (uint32_t i = 0; i < p->pairs; i++, a += 2) {
            int32_t two;
            memcpy(&two, x + 2 * i, sizeof two);
            __m256i pair = _mm256_set1_epi32(two);
            low = _mm256_add_epi32(low, _mm256_madd_epi16(pair, _mm256_load_si256(a)));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(pair, _mm256_load_si256(a + 1)));
        }
        _mm256_storeu_si256(to, low);
        _mm256_storeu_si256(to + 1, high);
    }
}

/* Four blocks at a time, so that one product need not wait for the last. */
__attribute__((target("avx512f,avx512bw,avx512vnni")))
static void multiply_avx512(const struct analog_product *p, const int16_t *x, int32_t *v)
{
    const size_t block = (size_t)p->pairs * 2 * PRODUCT_COLUMNS;
    const int16_t *a = p->packed;
    uint32_t c = 0;

    for (; c + 4 * PRODUCT_COLUMNS <= p->packed_columns; c += 4 * PRODUCT_COLUMNS, a += 4 * block) {
        __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
        for (uint32_t i = 0; i < p->pairs; i++) {
            const int16_t *at = a + (size_t)i * 2 * PRODUCT_COLUMNS;
            int32_t two;
            memcpy(&two, x + 2 * i, sizeof two);
            __m512i pair = _mm512_set1_epi32(two);
            s0 = _mm512_dpwssd_epi32(s0, pair, _mm512_load_si512(at));
            s1 = _mm512_dpwssd_epi32(s1, pair, _mm512_load_si512(at + block));
            s2 = _mm512_dpwssd_epi32(s2, pair, _mm512_load_si512(at + 2 * block));
            s3 = _mm512_dpwssd_epi32(s3, pair, _mm512_load_si512(at + 3 * block));
        }
        _mm512_storeu_si512(v + c, s0);
        _mm512_storeu_si512(v + c + PRODUCT_COLUMNS, s1);
        _mm512_storeu_si512(v + c + 2 * PRODUCT_COLUMNS, s2);
        _mm512_storeu_si512(v + c + 3 * PRODUCT_COLUMNS, s3);
    }
    for (; c < p->packed_columns; c += PRODUCT_COLUMNS, a += block) {
        __m512i s = _mm512_setzero_si512();
        for (uint32_t i = 0; i < p->pairs; i++) {
            int32_t two;
            memcpy(&two, x + 2 * i, sizeof two);
            s = _mm512_dpwssd_epi32(s, _mm512_set1_epi32(two),
                                    _mm512_load_si512(a + (size_t)i * 2 * PRODUCT_COLUMNS));
        }
        _mm512_storeu_si512(v + c, s);
    }
}
#endif

static multiply *const kernels[N_SIMD] = {
#if SIMD_X86
    [SIMD_AVX512VNNI] = multiply_avx512,
    [SIMD_AVX2]       = multiply_avx2,
#endif
    [SIMD_PORTABLE]   = multiply_portable,
};

static void pack(struct analog_product *p, const int16_t *a)
{
    for (uint32_t r = 0; r < p->rows; r++)
        for (uint32_t c = 0; c < p->columns; c++) {
            size_t pair = (size_t)(c / PRODUCT_COLUMNS) * p->pairs + r / 2;
            p->packed[(pair * PRODUCT_COLUMNS + c % PRODUCT_COLUMNS) * 2 + r % 2] =
                a[(size_t)r * p->columns + c];
        }
}

bool analog_product_init(struct analog_product *p, uint32_t rows, uint32_t columns,
                         const int16_t *a, bool in_signed, const char *simd)
{
    enum simd set = simd_find(simd);

    assert(rows >= 1 && rows <= PRODUCT_MOST_ROWS);
    *p = (struct analog_product){ 0 };
    if (set == N_SIMD)
        return false;
    *p = (struct analog_product){
        .rows = rows, .columns = columns, .in_signed = in_signed,
        .pairs = (uint32_t)ceil_div(rows, 2),
        .packed_columns = (uint32_t)round_up(columns, PRODUCT_COLUMNS),
        .multiply = kernels[set],
    };
    size_t bytes = (size_t)p->pairs * 2 * p->packed_columns * sizeof *p->packed;
    p->packed = aligned_alloc(64, bytes); // whole blocks: a multiple of 64
    if (!p->packed) {
        *p = (struct analog_product){ 0 };
        return false;
    }
    memset(p->packed, 0, bytes);
    pack(p, a);
    return true;
}

void analog_product_release(struct analog_product *p)
{
    free(p->packed);
    *p = (struct analog_product){ 0 };
}

void analog_product_of(const struct analog_product *p, const uint8_t *x, int32_t *v)
{
    int16_t wide[PRODUCT_MOST_ROWS + 1]; // in whole pairs

    if (p->in_signed)
        for (uint32_t r = 0; r < p->rows; r++)
            wide[r] = (int8_t)x[r];
    else
        for (uint32_t r = 0; r < p->rows; r++)
            wide[r] = x[r];
    wide[p->rows] = 0;
    p->multiply(p, wide, v);
}
