/* test/random_function.h -- functions of sums that are not rounded (network/step_function.h), at
 * random, and what they are.
 */
#ifndef TEST_RANDOM_FUNCTION_H
#define TEST_RANDOM_FUNCTION_H

#include "network/network.h"
#include "test/dice.h"

/* Some layers' own, a third of those that round sums in a quarter of the networks: thresholds
 * within the bytes, codes that may rise and fall, beyond what the layer delivers too. */
void random_functions(unsigned seed, struct network *n);

/* The code of a sum t / 2^shift. */
int64_t naive_function(const struct step_function *f, int64_t t, unsigned shift);

#endif
