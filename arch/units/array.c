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

bool array_program_crossbar(struct crossbar *x, const struct array_matrix *m)
{
    bool bits = m->spec->reads.input_bits == 1 && !m->in_signed;

    if (!crossbar_init(x, m->rows, m->columns, m->weight, m->in_signed, m->simd))
        return false;
    if (!bits || crossbar_take_bits(x, m->weight, m->simd))
        return true;
    crossbar_release(x);
    return false;
}
