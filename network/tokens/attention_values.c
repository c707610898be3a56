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
static double coded(const struct number_format *f, const struct code_range *c, double real)
{
    const double code = nearbyint(number_in(f, real / number_in(f, c->step)));

    return clamped(code + c->zero, c->low, c->high) - c->zero;
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

/* A score of acc, by the steps. */
static double score(const struct attention_values *a, const struct attention_keys *keys, uint32_t j,
                    double acc)
{
    const struct number_format *f = a->numbers;

    acc = number_in(f, acc);
    for (uint32_t k = 0; k < a->n_step; k++) {
        const struct score_step *step = &a->step[k];
        acc = number_in(f, acc * number_in(f, step->scale));
        if (keys->bias[k])
            acc = number_in(f, acc + number_in(f, keys->bias[k][j]));
        if (step->codes.step != 0)
            acc = coded(f, &step->codes, acc);
    }
    return acc;
}

/* weight[j] = e_j, 0 of what takes no part; returns their sum. */
static double softmax(const struct attention_values *a, const struct attention_keys *keys,
                      const int16_t *query, double *weight)
{
    const struct number_format *f = a->numbers;
    double most = -INFINITY, sum = 0;

    for (uint32_t j = 0; j < keys->n; j++) {
        weight[j] = score(a, keys, j, product(query, keys->key + j * keys->key_step, a->head));
        most = takes_part(keys, j) && weight[j] > most ? weight[j] : most;
    }
    for (uint32_t j = 0; j < keys->n; j++) {
        weight[j] = takes_part(keys, j)
                        ? number_in(f, exponential(number_in(f, weight[j] - most)))
                        : 0;
        sum = number_in(f, sum + weight[j]);
    }
    return sum;
}

/* Whole weights in place of those; returns what divides the sum of products. */
static double round_weights(const struct attention_values *a, const struct attention_keys *keys,
                            double sum, double *weight)
{
    const struct number_format *f = a->numbers;
    const double most = number_in(f, (double)((1u << a->bits) - 1));
    double whole = 0;

    if (a->weights == ATTENTION_REAL)
        return sum;
    for (uint32_t j = 0; j < keys->n; j++) {
        weight[j] = a->weights == ATTENTION_GRID
                        ? nearbyint(number_in(f, weight[j] * most))
                        : coded(f, &a->weight_codes, number_in(f, weight[j] / sum));
        whole += weight[j];
    }
    return a->weights == ATTENTION_GRID ? whole : 1;
}

void attention_of_query(const struct attention_values *a, const struct attention_keys *keys,
                        const int16_t *query, double *weight, int32_t *out)
{
    const double sum = softmax(a, keys, query, weight);
    const struct number_format *f = a->numbers, *each = a->weights == ATTENTION_REAL ? f : NULL;
    const double divisor = number_in(f, round_weights(a, keys, sum, weight));
    const double unit = number_in(f, a->unit);

    for (uint32_t c = 0; c < a->value_head; c++) {
        double acc = 0; // exact of whole weights: below 2^53
        for (uint32_t j = 0; j < keys->n; j++)
            acc = number_in(each, acc + number_in(each, weight[j] *
                                                            keys->value[j * keys->value_step + c]));
        acc = number_in(f, number_in(f, acc) * unit);
        out[c] = (int32_t)clamped(nearbyint(number_in(f, acc / divisor)) + a->zero, a->low,
                                  a->high);
    }
}

int32_t attention_narrowed(int32_t v, uint32_t bits)
{
    const int32_t most = (1 << (bits - 1)) - 1;
    const int32_t r = (int32_t)round_nearest_even(v, 8 - bits);

    return r > most ? most : r < -most ? -most : r;
}
