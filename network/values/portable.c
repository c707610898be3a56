/* network/values/portable.c -- see kernel.h; plain C, the meaning of the other kernels. */
#include <string.h>

#include "core/round.h"
#include "network/output.h"
#include "network/values/kernel.h"
#include "network/values/steps.h"
#include "network/values/token_kernel.h"

static uint8_t clamped(int64_t v, uint8_t low, uint8_t high)
{
    return v < low ? low : v > high ? high : (uint8_t)v;
}

uint8_t value_stored(const struct value_scale *s, uint32_t o, int32_t sum, uint64_t residual)
{
    uint64_t t = (uint64_t)((int64_t)sum * s->m[o]) + s->b[o] + residual; // wraps, no UB
    int64_t v = output_rounded(s->function, (int64_t)t, s->shift[o]);

    v = v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : v;
    return clamped(v + s->offset, s->low, s->high);
}

void value_finish_exact(const struct value_scale *s, uint32_t channel,
                        const int32_t (*sum)[VALUE_LANES], const uint8_t *residual, uint8_t *out)
{
    for (uint32_t c = 0; c < VALUE_QUAD; c++)
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++) {
            uint32_t at = lane * VALUE_QUAD + c, o = channel + c;
            out[at] = value_stored(s, o, sum[c][lane], residual ? residual[at] * s->mr[o] : 0);
        }
}

static uint32_t product(const uint8_t *x, const int8_t *w)
{
    return (uint32_t)(x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + x[3] * w[3]);
}

/* acc[outputs][lanes] of one output pixel; sums on their way may wrap. */
static void multiply(const struct value_column *j, const uint8_t *in,
                     uint32_t (*acc)[VALUE_LANES])
{
    const int8_t *w = j->weight;
    uint32_t outputs = j->quads * VALUE_QUAD;

    for (uint32_t o = 0; o < outputs; o++)
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            acc[o][lane] = (uint32_t)j->start[o];
    for (uint32_t r = 0; r < j->n_run; r++) {
        const uint8_t *x = in + j->run[r];
        for (uint32_t k = 0; k < j->steps; k++, x += VALUE_BYTES)
            for (uint32_t o = 0; o < outputs; o++, w += VALUE_QUAD)
                for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
                    acc[o][lane] += product(x + VALUE_QUAD * lane, w);
    }
}

static void column(const struct value_column *j)
{
    uint32_t sums[MOST_OUTPUTS][VALUE_LANES];
    const int32_t(*acc)[VALUE_LANES] = (const int32_t(*)[VALUE_LANES])sums;

    for (uint32_t i = 0; i < j->n; i++) {
        multiply(j, j->in + i * j->in_step, sums);
        if (j->sums) {
            size_t n = (size_t)j->quads * VALUE_BYTES;
            memcpy(j->sums + i * n, acc, n * sizeof *j->sums);
            continue;
        }
        for (uint32_t q = 0; q < j->quads; q++)
            value_finish_exact(j->scale, j->channel + q * VALUE_QUAD, acc + q * VALUE_QUAD,
                               j->residual ? j->residual + i * j->residual_step + q * VALUE_BYTES
                                           : NULL,
                               j->out + i * j->out_step + q * VALUE_BYTES);
    }
}

static void look_up(const struct value_scale *s, uint32_t channel,
                    const int32_t (*sum)[VALUE_LANES], const uint8_t *residual, uint8_t *out)
{
    value_look_up(s, channel, sum, residual, out);
}

static void most(const struct value_window *w, uint32_t quads, uint8_t *out)
{
    size_t bytes = (size_t)quads * VALUE_BYTES;

    memset(out, 0, bytes);
    for (uint32_t j = 0; j < w->columns; j++)
        for (uint32_t i = 0; i < w->rows; i++) {
            const uint8_t *v = w->column[j] + w->first + i * w->row_bytes;
            for (size_t k = 0; k < bytes; k++)
                out[k] = v[k] > out[k] ? v[k] : out[k];
        }
}

static void sum(const uint8_t *pixel, size_t pixel_bytes, uint32_t n, uint8_t zero,
                struct value_sums *s)
{
    for (uint32_t i = 0; i < n; i++, pixel += pixel_bytes)
        for (uint32_t k = 0; k < VALUE_BYTES; k += 2) {
            uint8_t a = pixel[k], b = pixel[k + 1];
            s->even[k / 2] = (uint16_t)(s->even[k / 2] + (a < zero ? zero - a : a - zero));
            s->odd[k / 2] = (uint16_t)(s->odd[k / 2] + (b < zero ? zero - b : b - zero));
            s->nonzero[k] = (uint8_t)(s->nonzero[k] + (a != zero));
            s->nonzero[k + 1] = (uint8_t)(s->nonzero[k + 1] + (b != zero));
        }
}

static void sum_function(const uint8_t *pixel, size_t pixel_bytes, uint32_t n,
                         const struct value_function *f, struct value_function_sums *s)
{
    for (uint32_t i = 0; i < n; i++, pixel += pixel_bytes)
        for (uint32_t k = 0; k < VALUE_BYTES; k += 2) {
            uint8_t a = pixel[k], b = pixel[k + 1];
            s->even[k / 2] = (uint16_t)(s->even[k / 2] + f->low[a % 16] + f->high[a / 16]);
            s->odd[k / 2] = (uint16_t)(s->odd[k / 2] + f->low[b % 16] + f->high[b / 16]);
        }
}

/* acc[outputs][lanes] of one output pixel, by weights of 16 bits. */
static void multiply_wide(const struct value_column *j, const uint8_t *in, const int16_t *w,
                          uint32_t (*acc)[VALUE_LANES])
{
    uint32_t outputs = j->quads * VALUE_QUAD;

    for (uint32_t o = 0; o < outputs; o++)
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            acc[o][lane] = (uint32_t)j->start[o];
    for (uint32_t r = 0; r < j->n_run; r++) {
        const uint8_t *x = in + j->run[r];
        for (uint32_t k = 0; k < j->steps; k++, x += VALUE_BYTES)
            for (uint32_t o = 0; o < outputs; o++, w += VALUE_QUAD)
                for (uint32_t lane = 0; lane < VALUE_LANES; lane++) {
                    const uint8_t *v = x + VALUE_QUAD * lane;
                    acc[o][lane] += (uint32_t)(v[0] * w[0] + v[2] * w[1]);
                    acc[o][lane] += (uint32_t)(v[1] * w[2] + v[3] * w[3]);
                }
    }
}

static void wide_column(const struct value_column *j, const int16_t *weight)
{
    size_t n = (size_t)j->quads * VALUE_BYTES;

    for (uint32_t i = 0; i < j->n; i++)
        multiply_wide(j, j->in + i * j->in_step, weight,
                      (uint32_t(*)[VALUE_LANES])(void *)(j->sums + i * n));
}

void value_read_exact(const struct value_reading *r)
{
    const int32_t *sum = r->sum;
    int32_t *total = r->total;

    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t o = 0; o < r->outputs; o++)
            for (uint32_t lane = 0; lane < VALUE_LANES; lane++, total++) {
                int64_t y = round_nearest_even((int64_t)*sum++ * r->scale, VALUE_SCALE_BIT);
                *total = (int32_t)y + (r->start ? r->start[o] : *total);
            }
}

const struct value_kernel value_portable = {
    MOST_OUTPUTS, NULL, column, wide_column, value_read_exact,
    value_finish_exact, look_up, most, sum, sum_function,
    &value_tokens_portable,
};
