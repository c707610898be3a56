/* network/step_function.h -- a function of a sum that has not been rounded: what a digital
 * processor makes of it at once, and gives its code.
 *
 * A sum x is a real number in steps of the result, t / 2^shift of network/network.h. The code is
 *
 *     code[k]      k the number of thresholds that are at most x
 *
 * so that any function whose result is rounded is one, whatever it is made of, and each host finds
 * the same code. Quantised networks know it as multi-threshold.
 *
 * Source: Y. Umuroglu et al., "FINN: A Framework for Fast, Scalable Binarized Neural Network
 * Inference", FPGA 2017, section 4.2.2: an activation as a threshold, here of any code.
 */
#ifndef NETWORK_STEP_FUNCTION_H
#define NETWORK_STEP_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

enum { MOST_THRESHOLDS = 1 << 16 };

struct step_function {
    uint32_t n;         // thresholds, at most MOST_THRESHOLDS
    double  *threshold; // owned; [n], finite and ascending
    int32_t *code;      // owned; [n + 1], less the zero point of the result
};

/* Room for n thresholds, all 0. NULL when the host has no memory. */
struct step_function *step_function_new(uint32_t n);
void                  step_function_free(struct step_function *f); // takes NULL

/* Whether thresholds are finite and ascend. */
bool step_function_is_sound(const struct step_function *f);

/* Of x = t / 2^shift; shift 0 to 62. */
static inline int32_t step_function_code(const struct step_function *f, int64_t t, unsigned shift)
{
    const double x = (double)t * (1.0 / (double)(UINT64_C(1) << shift));
    uint32_t first = 0;

    for (uint32_t n = f->n; n > 0;) { // of n thresholds from `first` on, some are at most x
        const uint32_t half = n - n / 2;
        first += f->threshold[first + half - 1] <= x ? half : 0;
        n /= 2;
    }
    return f->code[first];
}

#endif
