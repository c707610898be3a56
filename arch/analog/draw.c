/* arch/analog/draw.c -- see draw.h.
 *
 * All is written once, for vectors of eight numbers, which the compiler makes for each instruction
 * set. A product and a sum are never fused, so that all give the same bits.
 */
#include "arch/analog/draw_kernel.h"

#include <math.h>
#include <string.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF // gcc: -std=c11 does it
#endif

enum { LANES = 8, ROUNDS = 10, MANTISSA_BIT = 52, BIAS = 1023 };

typedef uint64_t words __attribute__((vector_size(8 * LANES)));
typedef double reals __attribute__((vector_size(8 * LANES)));

#define INLINE __attribute__((always_inline)) static inline

static const double ln2_high = 0x1.62e42fefa38p-1; // of 43 bits: times an exponent it is exact
static const double ln2_low  = 0x1.ef35793c7673p-45;
static const double log2_e   = 0x1.71547652b82fep+0;
static const double two_pi   = 0x1.921fb54442d18p+2;
static const double sqrt_2   = 0x1.6a09e667f3bcdp+0;
static const double two_52   = 0x1p52;

/* ---- bits ---- */

INLINE void bits_of(const reals *x, words *bits)
{
    memcpy(bits, x, sizeof *bits);
}

INLINE void real_of_bits(const words *bits, reals *x)
{
    memcpy(x, bits, sizeof *x);
}

/* Integers below 2^52. */
INLINE void real_of(const words *n, reals *x)
{
    words bits = *n | (uint64_t)(BIAS + MANTISSA_BIT) << MANTISSA_BIT;

    real_of_bits(&bits, x);
    *x -= two_52;
}

/* x where the mask is 0, y where it is all ones. */
INLINE void choose(const words *mask, const reals *y, reals *x)
{
    words a, b;

    bits_of(x, &a);
    bits_of(y, &b);
    a = (a & ~*mask) | (b & *mask);
    real_of_bits(&a, x);
}

INLINE void flip_sign(const words *sign, reals *x) // of its lowest bits
{
    words bits;

    bits_of(x, &bits);
    bits ^= *sign << 63;
    real_of_bits(&bits, x);
}

/* ---- functions ---- */

/* sum of c[i] y^i. */
INLINE void polynomial(const double *c, int n, const reals *y, reals *sum)
{
    reals s = c[n - 1] + (reals){ 0 };

#pragma GCC unroll 16
    for (int i = n - 2; i >= 0; i--)
        s = s * *y + c[i];
    *sum = s;
}

/* With x = 2^e m, m within a factor sqrt 2 of 1: e ln 2 + 2 artanh((m - 1) / (m + 1)). */
INLINE void log_lanes(reals *x)
{
    static const double c[] = { 1. / 3,  1. / 5,  1. / 7,  1. / 9,  1. / 11,
                                1. / 13, 1. / 15, 1. / 17, 1. / 19, 1. / 21 };
    const words one = BIAS * (UINT64_C(1) << MANTISSA_BIT) + (words){ 0 };
    words bits, n;
    reals m, e, sum;

    bits_of(x, &bits);
    n = (bits >> MANTISSA_BIT) + 1;
    bits = (bits & ((UINT64_C(1) << MANTISSA_BIT) - 1)) | one;
    real_of_bits(&bits, &m);
    words large = (words)(m > sqrt_2);
    bits -= large & UINT64_C(1) << MANTISSA_BIT;
    n -= large;
    real_of_bits(&bits, &m);
    real_of(&n, &e);
    e -= BIAS + 1;
    reals s = (m - 1) / (m + 1), s2 = s * s;
    polynomial(c, sizeof c / sizeof *c, &s2, &sum);
    *x = e * ln2_high + (2 * s + (2 * s * s2 * sum + e * ln2_low));
}

/* With x = k ln 2 + r: 2^k times the series of e^r. */
INLINE void exp_lanes(reals *x)
{
    static const double c[] = { 1.,        1.,         1. / 2,       1. / 6,        1. / 24,
                                1. / 120,  1. / 720,   1. / 5040,    1. / 40320,    1. / 362880,
                                1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800 };
    const reals most = 700 + (reals){ 0 }, least = -most;
    words beyond = (words)(*x > most), bits;
    reals r, scale;

    choose(&beyond, &most, x);
    beyond = (words)(*x < least);
    choose(&beyond, &least, x);
    reals k = *x * log2_e + (two_52 + two_52 / 2);
    bits_of(&k, &bits);
    k -= two_52 + two_52 / 2;
    r = (*x - k * ln2_high) - k * ln2_low;
    bits = (bits + BIAS) << MANTISSA_BIT;
    real_of_bits(&bits, &scale);
    polynomial(c, sizeof c / sizeof *c, &r, x);
    *x *= scale;
}

/* Cosine and sine of a turn's part, 0 to 1: of what is left beside the nearest quarter. */
INLINE void turn_lanes(const reals *part, reals *cosine, reals *sine)
{
    static const double s[] = { 1.,           -1. / 6,       1. / 120,        -1. / 5040,
                                1. / 362880,  -1. / 39916800, 1. / 6227020800,
                                -1. / 1307674368000 };
    static const double c[] = { 1.,           -1. / 2,       1. / 24,         -1. / 720,
                                1. / 40320,   -1. / 3628800, 1. / 479001600,
                                -1. / 87178291200, 1. / 20922789888000 };
    reals q = 4 * *part + two_52, a, a2, x, y;
    words quarter;

    bits_of(&q, &quarter);
    q -= two_52;
    a = (*part - q / 4) * two_pi;
    a2 = a * a;
    polynomial(s, sizeof s / sizeof *s, &a2, &y);
    polynomial(c, sizeof c / sizeof *c, &a2, &x);
    y *= a;
    words odd = -(quarter & 1), back = (quarter + 1) >> 1, down = quarter >> 1;
    *cosine = x;
    *sine = y;
    choose(&odd, &y, cosine);
    choose(&odd, &x, sine);
    flip_sign(&back, cosine);
    flip_sign(&down, sine);
}

/* ---- numbers ---- */

/* The numbers first + lane of a place: 128 bits each, as core/rng.h has them. */
INLINE void random_bits(uint64_t key, uint64_t first, words *low, words *high)
{
    const uint64_t word = UINT32_MAX;
    const words i = first + (words){ 0, 1, 2, 3, 4, 5, 6, 7 };
    words c0 = i & word, c1 = i >> 32, c2 = { 0 }, c3 = { 0 };
    uint64_t k0 = key & word, k1 = key >> 32;

#pragma GCC unroll 10
    for (int round = 0; round < ROUNDS; round++) {
        const words a = UINT64_C(0xd2511f53) * c0, b = UINT64_C(0xcd9e8d57) * c2;
        c0 = (b >> 32) ^ c1 ^ k0;
        c1 = b & word;
        c2 = (a >> 32) ^ c3 ^ k1;
        c3 = a & word;
        k0 = (k0 + 0x9e3779b9) & word;
        k1 = (k1 + 0xbb67ae85) & word;
    }
    *low = c0 | c1 << 32;
    *high = c2 | c3 << 32;
}

/* The upper 53 bits, as a fraction: exact. */
INLINE void uniform_of(const words *bits, reals *x)
{
    words high = *bits >> 32, low = *bits >> 11 & ((1 << 21) - 1);
    reals rest;

    real_of(&high, x);
    real_of(&low, &rest);
    *x = *x * 0x1p-32 + rest * 0x1p-53;
}

INLINE void put_pairs(const reals *a, const reals *b, double *out)
{
    for (int i = 0; i < LANES; i++) {
        out[2 * i] = (*a)[i];
        out[2 * i + 1] = (*b)[i];
    }
}

INLINE void uniform_pairs(uint64_t key, uint64_t first, double *out)
{
    words low, high;
    reals a, b;

    random_bits(key, first, &low, &high);
    uniform_of(&low, &a);
    uniform_of(&high, &b);
    put_pairs(&a, &b, out);
}

INLINE void normal_pairs(uint64_t key, uint64_t first, double *out)
{
    words low, high;
    reals a, b, cosine, sine;

    random_bits(key, first, &low, &high);
    uniform_of(&low, &a);
    uniform_of(&high, &b);
    a = 1 - a; // of (0, 1]: no infinity
    log_lanes(&a);
    a *= -2;
    for (int i = 0; i < LANES; i++)
        a[i] = sqrt(a[i]);
    turn_lanes(&b, &cosine, &sine);
    cosine *= a;
    sine *= a;
    put_pairs(&cosine, &sine, out);
}

INLINE void exp_at(const double *x, double *out)
{
    reals v;

    memcpy(&v, x, sizeof v);
    exp_lanes(&v);
    memcpy(out, &v, sizeof v);
}

INLINE void log_at(const double *x, double *out)
{
    reals v;

    memcpy(&v, x, sizeof v);
    log_lanes(&v);
    memcpy(out, &v, sizeof v);
}

/* ---- for each instruction set: whole vectors ---- */

#define KERNEL(name, target)                                                                       \
    target static void uniforms_##name(uint64_t key, uint64_t first, size_t n, double *out)        \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES)                                                      \
            uniform_pairs(key, first + i, out + 2 * i);                                            \
    }                                                                                              \
    target static void normals_##name(uint64_t key, uint64_t first, size_t n, double *out)         \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES)                                                      \
            normal_pairs(key, first + i, out + 2 * i);                                             \
    }                                                                                              \
    target static void exponentials_##name(size_t n, const double *x, double *out)                 \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES)                                                      \
            exp_at(x + i, out + i);                                                                \
    }                                                                                              \
    target static void logarithms_##name(size_t n, const double *x, double *out)                   \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES)                                                      \
            log_at(x + i, out + i);                                                                \
    }                                                                                              \
    static const struct draw_kernel kernel_##name = { uniforms_##name, normals_##name,             \
                                                      exponentials_##name, logarithms_##name };

KERNEL(portable, )
#if SIMD_X86
KERNEL(avx2, __attribute__((target("avx2"))))
KERNEL(avx512, __attribute__((target("avx512f,avx512dq,avx512vl"))))
#endif

const struct draw_kernel *const draw_kernels[N_SIMD] = {
#if SIMD_X86
    [SIMD_AVX512VNNI] = &kernel_avx512,
    [SIMD_AVX2]       = &kernel_avx2,
#endif
    [SIMD_PORTABLE]   = &kernel_portable,
};

static const struct draw_kernel *kernel(void)
{
    return draw_kernels[simd_find(NULL)];
}

typedef void draw_pairs(uint64_t key, uint64_t first, size_t n, double *out);
typedef void map_numbers(size_t n, const double *x, double *out);

static void draw(draw_pairs *pairs, struct rng r, uint64_t first, size_t n, double *out)
{
    size_t whole = n - n % LANES;
    double rest[2 * LANES];

    pairs(r.key, first, whole, out);
    if (whole == n)
        return;
    pairs(r.key, first + whole, LANES, rest);
    memcpy(out + 2 * whole, rest, 2 * (n - whole) * sizeof *out);
}

static void map(map_numbers *f, size_t n, const double *x, double *out)
{
    size_t whole = n - n % LANES;
    double rest[LANES] = { 1, 1, 1, 1, 1, 1, 1, 1 };

    f(whole, x, out);
    if (whole == n)
        return;
    memcpy(rest, x + whole, (n - whole) * sizeof *rest);
    f(LANES, rest, rest);
    memcpy(out + whole, rest, (n - whole) * sizeof *out);
}

void draw_uniforms(struct rng r, uint64_t first, size_t n, double *out)
{
    draw(kernel()->uniforms, r, first, n, out);
}

void draw_normals(struct rng r, uint64_t first, size_t n, double *out)
{
    draw(kernel()->normals, r, first, n, out);
}

void draw_exp(size_t n, const double *x, double *out)
{
    map(kernel()->exponentials, n, x, out);
}

void draw_log(size_t n, const double *x, double *out)
{
    map(kernel()->logarithms, n, x, out);
}
