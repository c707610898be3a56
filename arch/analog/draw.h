/* arch/analog/draw.h -- what chance does to devices: many numbers of a place at once.
 *
 * Each draw is a function of a place (core/rng.h: seed, what, where ...) and of a device's number
 * there, and of nothing else. Devices come in pairs, the two of a differential cell: pair i takes
 * number i of the place, whose 128 bits are two uniform numbers, or two normal ones (Box and
 * Muller). The first of a uniform pair is rng_double(r, i).
 *
 * Logarithm, exponential, sine and cosine are made here of additions, multiplications and divisions
 * in a fixed order: the same bits on every machine, for every instruction set. They are within
 * 2 units in the last place of what is asked of them.
 */
#ifndef ARCH_ANALOG_DRAW_H
#define ARCH_ANALOG_DRAW_H

#include <stddef.h>
#include <stdint.h>

#include "core/rng.h"

/* out[2 * n]: pairs `first` to first + n - 1 of the place. */
void draw_uniforms(struct rng r, uint64_t first, size_t n, double *out); // in [0, 1)
void draw_normals(struct rng r, uint64_t first, size_t n, double *out);  // mean 0, variance 1

/* out[n], which may be x[]: e^x for x within +-700, beyond which x is cut; and the natural
 * logarithm of normal numbers above 0. */
void draw_exp(size_t n, const double *x, double *out);
void draw_log(size_t n, const double *x, double *out);

#endif
