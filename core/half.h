/* core/half.h -- floats of 16 bits. */
#ifndef CORE_HALF_H
#define CORE_HALF_H

#include <math.h>
#include <stdint.h>

/* Of IEEE 754's binary16: sign, 5 bits of exponent, 10 of fraction. */
static inline double half_real(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double v = exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
               : exponent     ? ldexp(1024 + fraction, exponent - 25)
                              : ldexp(fraction, -24);

    return bits >> 15 ? -v : v;
}

#endif
