/* arch/analog/reads.h -- products of a core that are made of reads, or that no matrix gives: digits
 * of the inputs, some rows at a time (dataflow/crossbar/reads.h), weights in digits
 * (dataflow/crossbar/cell.h), inputs on gates (gate.h), noise of every read.
 *
 *     y[c]   = rne(k[c] / 128 (sum_g sum_i f_i sum_j factor_j code(v_gij[c])
 *                                          + 128 ones sum_r x_r))
 *     v_gij  = sum over the rows r of group g of a_j[r] X_i[r]          exact; or
 *     v_gij  = rne(unit charge_j(X_i))                                  with inputs on gates
 *     v_gij += rne(N sqrt(sum_r X_i[r]^2 variance_j[r]))                with noise of every read
 *
 * X_i are the digits of an input, f_i what they count, a_j the devices of digit j of the weights in
 * 1/128 of one. The column of ones is taken to be exact. Each N is drawn for itself: a function of
 * seed, chip, layer, group, part, digit j, time, image, output and read.
 */
#ifndef ARCH_ANALOG_READS_H
#define ARCH_ANALOG_READS_H

#include "arch/analog/matrix.h"
#include "arch/analog/product.h"
#include "arch/analog/readout.h"

enum { READS_MOST_DIGITS = 16 };

struct reads_digit { // of the inputs
    uint32_t first, n;   // bits
    bool     both_signs; // the top bit counts negative
    int64_t  factor;     // of its codes
};

struct analog_reads {
    const struct analog_matrix  *matrix;  // borrowed, and so are the next
    const struct analog_readout *readout;
    const struct array_spec     *spec;
    bool     in_signed;
    uint32_t rows_at_once, n_digit;
    struct reads_digit     digit[READS_MOST_DIGITS];
    struct analog_product *product; // owned; [parts]; NULL with gates
    int16_t  *x;      // owned; [rows]: a digit of the rows of a group
    uint16_t *pulse;  // owned; [rows]
    int32_t  *sum;    // owned; packed columns of a product
    int64_t  *v;      // owned; [parts][columns]
    int64_t  *total;  // owned; [columns]
    double   *real;   // owned; [2][columns]
};

/* Whether the products of an array are such. */
bool analog_reads_wanted(const struct array_spec *spec, const struct analog_matrix *m);

/* False when the host has no memory or lacks the instruction set; then *r is zero. */
bool analog_reads_init(struct analog_reads *r, const struct array_spec *spec,
                       const struct analog_matrix *m, const struct analog_readout *readout,
                       bool in_signed, const char *simd);
void analog_reads_release(struct analog_reads *r); // takes a zeroed one

/* The outputs at[n] that replicas replica[n] compute of inputs in[rows]: y of all columns into
 * sum[columns]. Returns how many codes were clipped. */
uint64_t analog_reads_product(struct analog_reads *r, const uint8_t *in, const struct pixel *at,
                              const uint32_t *replica, uint32_t n, int32_t *sum);

#endif
