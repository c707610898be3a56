/* arch/circuits/pulse_driver.c -- see pulse_driver.h. */
#include "arch/circuits/pulse_driver.h"

#include <assert.h>
#include <math.h>

#include "arch/circuits/dff.h"

struct circuit pulse_driver(const struct technology *t, double bits, double mean)
{
    assert(bits >= 1 && mean >= 0 && mean <= 1);
    struct circuit counter = dff(t, bits, 2, 1);

    counter.energy_pj *= mean * exp2(bits);
    return counter;
}
