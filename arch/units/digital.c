/* arch/units/digital.c -- see digital.h. */
#include "arch/units/digital.h"

#include <stddef.h>

#include "arch/units/digital_kernel.h"
#include "core/simd.h"
#include "network/output.h"

static uint8_t clamp_byte(int64_t v, int32_t low, int32_t high)
{
    return (uint8_t)(v < low ? low : v > high ? high : v);
}

static void process(const struct digital *d, const int32_t *acc, const uint8_t *residual,
                    uint8_t *out)
{
    for (uint32_t i = 0; i < d->n; i++) {
        uint64_t t = (uint64_t)((int64_t)acc[i] * d->m[i]) + (uint64_t)d->b[i]; // wraps, no UB

        if (residual) {
            int64_t r = (d->r_signed ? (int8_t)residual[i] : residual[i]) - (int64_t)d->r_zero;
            t += (uint64_t)r * (uint64_t)d->mr[i];
        }
        out[i] = clamp_byte(output_rounded(d->function, (int64_t)t, d->shift[i]) + d->zero,
                            d->low, d->high);
    }
}

const struct digital_kernel digital_portable = { process, .in_doubles = false };

static const struct digital_kernel *const kernels[N_SIMD] = {
#if SIMD_X86
    [SIMD_AVX512VNNI] = &digital_avx512vnni,
    [SIMD_AVX2]       = &digital_avx2,
#endif
    [SIMD_PORTABLE]   = &digital_portable,
};

/* Whether |t| < 2^53 for all sums and residuals: |acc * m| < 2^47, |r - r_zero| < 2^9. */
static bool fits_double(const struct digital *d)
{
    const int64_t b_most = INT64_C(1) << 51, mr_most = INT64_C(1) << 42;

    for (uint32_t i = 0; i < d->n; i++)
        if ((d->m && d->m[i] > UINT16_MAX) || d->b[i] < -b_most || d->b[i] > b_most ||
            (d->mr && (d->mr[i] < -mr_most || d->mr[i] > mr_most)))
            return false;
    return true;
}

bool digital_select(struct digital *d, const char *kernel_name)
{
    enum simd simd = simd_find(kernel_name);

    d->kernel = simd < N_SIMD ? kernels[simd] : NULL;
    if (d->kernel && (d->function || (d->kernel->in_doubles && !fits_double(d))))
        d->kernel = &digital_portable; // which alone knows functions
    return d->kernel;
}

void digital_process(const struct digital *d, const int32_t *acc, const uint8_t *residual,
                     uint8_t *out)
{
    d->kernel->process(d, acc, residual, out);
}

void digital_multiply(const struct digital *d, const int32_t *acc, const uint8_t *residual,
                      int32_t *product)
{
    for (uint32_t o = 0; o < d->n; o++)
        product[o] = acc[o] * ((d->r_signed ? (int8_t)residual[o] : residual[o]) - d->r_zero);
}

static int32_t value_of(uint8_t byte, bool is_signed)
{
    return is_signed ? (int8_t)byte : byte;
}

void digital_max(uint32_t n, const uint8_t *const *pixel, uint32_t n_pixel, bool is_signed,
                 int32_t zero, int32_t *acc)
{
    for (uint32_t o = 0; o < n; o++) {
        int32_t most = INT32_MIN;
        for (uint32_t i = 0; i < n_pixel; i++) {
            int32_t v = value_of(pixel[i][o], is_signed);
            most = v > most ? v : most;
        }
        acc[o] = most - zero;
    }
}

void digital_sum(uint32_t n, const uint8_t *const *pixel, uint32_t n_pixel, bool is_signed,
                 int32_t zero, int32_t *acc)
{
    for (uint32_t o = 0; o < n; o++) {
        acc[o] = 0;
        for (uint32_t i = 0; i < n_pixel; i++)
            acc[o] += value_of(pixel[i][o], is_signed) - zero;
    }
}

void digital_pool_add(uint32_t n, int32_t *sum, const uint8_t *out, bool is_signed)
{
    for (uint32_t i = 0; i < n; i++)
        sum[i] += value_of(out[i], is_signed);
}

void digital_pool_finish(const struct pool_requant *p, uint32_t n, const int32_t *sum, uint8_t *out)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t t = (uint64_t)sum[i] * p->m + (uint64_t)p->b; // wraps, no UB

        out[i] = clamp_byte(round_nearest_even((int64_t)t, p->shift) + p->zero, p->low, p->high);
    }
}
