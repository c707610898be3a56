/* arch/units/array.c -- the kinds of arrays. */
#include "arch/units/array.h"

const struct imc_array_kind *const imc_arrays[] = { &array_ideal, NULL };
