/* network/tokens/attention_values.h -- what a head of attention computes for a query, value by
 * value.
 *
 *     acc_j = sum over channels of q k_j                  exact
 *     s_j   = acc_j, and of each step of scores in turn   s_j * scale + bias_j, where there is one,
 *                                                         in codes, where they have a step
 *     e_j   = e^(s_j - largest s)                         network/tokens/exponential.h
 *     out   = clamp(rne(sum of weight_j v_j * unit [/ sum of weights]) + zero)
 *
 * Keys come in order, and so do sums of doubles. A key that is masked takes no part. Weights are
 *
 *     ATTENTION_GRID    rne(e_j (2^bits - 1)): the largest is all ones, whatever the sequence is
 *                       long; both sums are exact, and their quotient comes last
 *     ATTENTION_CODES   rne(e_j / sum of e / step) + zero, as a file states it; the sum of
 *                       products is exact and nothing is divided
 *     ATTENTION_REAL    e_j as it is
 *
 * q, k and v are less their zero points. Values are whole numbers, so that the result is the same
 * on every host; a double's error moves it only within 2^-45 of a tie.
 *
 * Source: K. Spoon et al., Front. Comput. Neurosci. 15:675741 (2021), section 2: attention is
 * digital, in integers of a few bits.
 */
#ifndef NETWORK_TOKENS_ATTENTION_VALUES_H
#define NETWORK_TOKENS_ATTENTION_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "network/tokens/numbers.h"

struct code_range { // of whole numbers: rne(real / step) + zero, in low to high
    double  step;   // 0: none, the real number stays
    int32_t zero, low, high;
};

enum { ATTENTION_STEPS = 8 }; // at most

struct score_step { // what is done to a score: s * scale + bias, then rounded
    double            scale;
    struct code_range codes; // of that
};

enum attention_weights { ATTENTION_GRID, ATTENTION_CODES, ATTENTION_REAL };

struct attention_values { // of a head
    uint32_t head, value_head; // channels of queries and keys, of values; head up to 32,768
    uint32_t n_step;           // of scores, from acc to what is in the exponent
    struct score_step step[ATTENTION_STEPS];
    enum attention_weights weights;
    uint32_t bits;               // of the grid, 2 to 16
    struct code_range weight_codes; // of ATTENTION_CODES
    const struct number_format *numbers; // of each operation on real numbers; NULL: double
    double   unit; // what 1 of weight * v (of v, where the weights' sum divides) is worth in codes
                   // of the result
    int32_t  zero, low, high; // of the result
};

struct attention_keys { // what a query sees; entries are less their zero points
    uint32_t       n;
    const int16_t *key, *value; // of the first; within -255..255
    size_t         key_step, value_step; // entries from one to the next
    const double  *bias[ATTENTION_STEPS]; // [n] of each step; NULL: none
    const uint8_t *masked; // [n], not 0: takes no part; NULL: none is. One at least is not
};

/* Of one query: value_head values. `weight`: n doubles of scratch. */
void attention_of_query(const struct attention_values *a, const struct attention_keys *keys,
                        const int16_t *query, double *weight, int32_t *out);

/* A value of 8 bits in fewer: rne(v / 2^(8 - bits)), as far from 0 on either side. */
int32_t attention_narrowed(int32_t v, uint32_t bits);

#endif
