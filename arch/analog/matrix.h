/* arch/analog/matrix.h -- what a core multiplies with at a time: integers.
 *
 *     a = rne(2^7 w_max (T+ - T-) / (G_max - G_min)), saturated to 16 bits
 *
 * with T the conductances of its devices (arch/analog/devices.h) as wires let them be seen: the
 * weight in units of 1/128. Without effects it is exactly 128 w. Everything behind it is integer,
 * so that no sum depends on order, threads or instruction set:
 *
 *     v = sum_r a[r] x[r]        exact
 *     y = rne(v k / 128)         k: the digital scale of the core
 *
 * Where a weight is +1 or -1 in one device, T is that less a fixed reference in the middle,
 *
 *     a = rne(2^7 (2 T - G_max - G_min) / (G_max - G_min))
 *
 * Where devices are read apart, or weights are cut into digits, a column has several parts, each
 * such a matrix: of T alone, in 1/128 of a digit; with a dummy column (core.crossbar.dummy_column)
 * of T less G_min, the conductance of all of its devices.
 */
#ifndef ARCH_ANALOG_MATRIX_H
#define ARCH_ANALOG_MATRIX_H

#include "arch/analog/devices.h"
#include "core/round.h"

enum { ANALOG_WEIGHT_BIT = 7, ANALOG_SCALE_BIT = 30 };

struct analog_matrix {
    uint32_t  rows, columns;
    uint32_t  parts;     // of a column
    uint32_t  devices;   // of a weight: those of a single part are subtracted
    int16_t  *a;         // owned; [parts][rows][columns]
    uint64_t  saturated; // of them
    double   *seen;      // owned; [devices][columns]: sums of T of a column, in uS
    double    seen_us;   // of all devices
    double    drop;      // share that wires take of the current when all rows are driven alike
    double    unit;      // 1/128 of a weight, or of a digit, per uS
    double    reference_us; // that every row's T is read less, where a weight has one device
    double   *g;         // owned; [devices][rows][columns]: what gates connect, in uS; or NULL
    struct wires wires;  // then, of the columns
    double   *variance;  // owned; [parts][rows][columns]: of a read with an input of 1; or NULL
};

/* Of the n sets of devices of a core's weights. False when the host has no memory; then *m is
 * zero. */
bool analog_matrix_init(struct analog_matrix *m, const struct analog_devices *d, uint32_t n,
                        double t_s);
void analog_matrix_release(struct analog_matrix *m); // takes a zeroed one

/* 1/128 of a weight, or of a digit, per uS. */
double analog_unit(const struct analog_devices *d);

static inline const int16_t *analog_part(const struct analog_matrix *m, uint32_t part)
{
    return m->a + (size_t)part * m->rows * m->columns;
}

/* What becomes of a sum v; k is in 1 / 2^ANALOG_SCALE_BIT, below 4. */
static inline int64_t analog_scaled(int32_t v, uint32_t k)
{
    return round_nearest_even((int64_t)v * k, ANALOG_WEIGHT_BIT + ANALOG_SCALE_BIT);
}

/* The scale that makes what is seen now what was seen at a reference; at most just below 4. 1
 * where both are the same. */
uint32_t analog_scale(double reference_us, double seen_us);

#endif
