/* network/tokens/attention_values.c -- see attention_values.h. */
#include "network/tokens/attention_values.h"

#include <math.h>
#include <stdbool.h>

#include "core/round.h"
#include "network/tokens/exponential.h"

static double clamped(double v, int32_t low, int32_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* A real number as a code, less its zero point. */
static double coded(const struct code_range *c, double real)
{
    return clamped(nearbyint(real / c->step) + c->zero, c->low, c->high) - c->zero;
}

static int32_t product(const int16_t *a, const int16_t *b, uint32_t n)
{
    int32_t sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static bool takes_part(const struct attention_keys *keys, uint32_t j)
{
    return !keys->masked || !keys->masked[j];
}

/* weight[j] = e_j, 0 of what takes no part; returns their sum. */
static double softmax(const struct attention_values *a, const struct attention_keys *keys,
                      const int16_t *query, double *weight)
{
    double most = -INFINITY, sum = 0;

    for (uint32_t j = 0; j < keys->n; j++) {
        double acc = product(query, keys->key + j * keys->key_step, a->head);
        if (a->score_codes.step != 0)
            acc = coded(&a->score_codes, acc);
        weight[j] = acc * a->score + (keys->bias ? keys->bias[j] : 0);
        most = takes_part(keys, j) && weight[j] > most ? weight[j] : most;
    }
    for (uint32_t j = 0; j < keys->n; j++) {
        weight[j] = takes_part(keys, j) ? exponential(weight[j] - most) : 0;
        sum += weight[j];
    }
    return sum;
}

/* Whole weights in place of those; returns what divides the sum of products. */
static double round_weights(const struct attention_values *a, const struct attention_keys *keys,
                            double sum, double *weight)
{
    const double most = (double)((1u << a->bits) - 1);
    double whole = 0;

    if (a->weights == ATTENTION_REAL)
        return sum;
    for (uint32_t j = 0; j < keys->n; j++) {
        weight[j] = a->weights == ATTENTION_GRID ? nearbyint(weight[j] * most)
                                                 : coded(&a->weight_codes, weight[j] / sum);
        whole += weight[j];
    }
    return a->weights == ATTENTION_GRID ? whole : 1;
}

void attention_of_query(const struct attention_values *a, const struct attention_keys *keys,
                        const int16_t *query, double *weight, int32_t *out)
{
    const double sum = softmax(a, keys, query, weight);
    const double divisor = round_weights(a, keys, sum, weight);

    for (uint32_t c = 0; c < a->value_head; c++) {
        double acc = 0; // exact of whole weights: below 2^53
        for (uint32_t j = 0; j < keys->n; j++)
            acc += weight[j] * keys->value[j * keys->value_step + c];
        out[c] = (int32_t)clamped(nearbyint(acc * a->unit / divisor) + a->zero, a->low, a->high);
    }
}

int32_t attention_narrowed(int32_t v, uint32_t bits)
{
    const int32_t most = (1 << (bits - 1)) - 1;
    const int32_t r = (int32_t)round_nearest_even(v, 8 - bits);

    return r > most ? most : r < -most ? -most : r;
}
