/* arch/units/array.c -- the kinds of arrays. */
#include "arch/units/array.h"

#include <assert.h>

const struct imc_array_kind *const imc_arrays[] = { &array_ideal, &array_sliced, &array_analog,
                                                     NULL };

const struct imc_array_kind *imc_array_of(const struct array_spec *s)
{
    const struct imc_array_kind *const *k = imc_arrays;

    while (*k && !(*k)->takes(s))
        k++;
    assert(*k); // the sliced array takes all
    return *k;
}
