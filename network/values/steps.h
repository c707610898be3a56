/* network/values/steps.h -- functions of sums (network/step_function.h) in lanes.
 *
 * Numbers are dealt to buckets of one width, from the first threshold to the last one. A threshold
 * is dealt as a number is, so that those of the buckets in front are at most x, and
 *
 *     k = first[bucket of x] + how many thresholds of that bucket are at most x
 *
 * counts all that are, however a bucket's number was rounded. Of each bucket a few are compared.
 */
#ifndef NETWORK_VALUES_STEPS_H
#define NETWORK_VALUES_STEPS_H

#include "network/values/kernel.h"

struct value_steps {
    double    low, per, last; // the first threshold; buckets by 1; the last bucket
    uint32_t  most;           // thresholds of a bucket
    uint32_t *first;          // owned; [last + 1]
    double   *threshold;      // owned; those of the function, and `most` that no number reaches
    uint8_t  *stored;         // owned; [thresholds + 1], within the scale's range
};

/* Of a scale in doubles, whose function and range stand: *steps is NULL where a bucket would hold
 * too many. False when the host has no memory. */
bool value_steps_new(const struct value_scale *s, struct value_steps **steps);
void value_steps_free(struct value_steps *s); // takes NULL

/* The bucket of x, as a whole number. */
static inline double value_bucket(const struct value_steps *s, double x)
{
    double at = (x - s->low) * s->per;

    at = at < 0 ? 0 : at;
    return at > s->last ? s->last : at;
}

/* As kernel.h has finish(), of a scale with steps. */
__attribute__((always_inline)) static inline void
value_look_up(const struct value_scale *s, uint32_t channel, const int32_t (*sum)[VALUE_LANES],
              const uint8_t *residual, uint8_t *out)
{
    const struct value_steps f = *s->steps;

    for (uint32_t c = 0; c < VALUE_QUAD; c++) {
        const double m = s->m_real[channel + c], b = s->b_real[channel + c];
        const double mr = s->mr_real[channel + c];
        double x[VALUE_LANES];
        int32_t at[VALUE_LANES];
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            x[lane] = sum[c][lane] * m + b;
        for (uint32_t lane = 0; residual && lane < VALUE_LANES; lane++)
            x[lane] += residual[lane * VALUE_QUAD + c] * mr;
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            at[lane] = (int32_t)value_bucket(&f, x[lane]);
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++) {
            uint32_t k = f.first[at[lane]];
            for (uint32_t i = 0; i < f.most; i++)
                k += f.threshold[k] <= x[lane];
            out[lane * VALUE_QUAD + c] = f.stored[k];
        }
    }
}

#endif
