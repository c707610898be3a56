/* network/tokens/exponential.c -- see exponential.h. */
#include "network/tokens/exponential.h"

#include <math.h>

/* ln 2 in two parts, the first of 32 bits, so that k times it is exact. */
static const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
static const double per_ln2 = 0x1.71547652b82fep0;

double exponential(double x)
{
    static const double inverse_factorial[] = { // of 13 down to 0
        0x1.6124613a86d09p-33, 0x1.1eed8eff8d898p-29, 0x1.ae64567f544e4p-26,
        0x1.27e4fb7789f5cp-22, 0x1.71de3a556c734p-19, 0x1.a01a01a01a01ap-16,
        0x1.a01a01a01a01ap-13, 0x1.6c16c16c16c17p-10, 0x1.1111111111111p-7,
        0x1.5555555555555p-5,  0x1.5555555555555p-3,  0.5, 1, 1,
    };
    if (!(x >= -708))
        return 0;
    const double k = nearbyint(x * per_ln2);
    const double r = (x - k * ln2_high) - k * ln2_low;
    double p = inverse_factorial[0];

    for (int i = 1; i < 14; i++)
        p = p * r + inverse_factorial[i];
    return ldexp(p, (int)k);
}
