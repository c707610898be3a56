/* arch/units/array.h -- what multiplies in a core: arrays of any kind behind one interface.
 *
 * An array holds a matrix of weights, with a row for each input value and a column for each sum. A
 * product applies the values of a patch to the rows and reads the columns, in every plane:
 *
 *     sum[c] = sum_r w[r][c] * x[r]        as the kind's cells and readouts have it
 *
 * A kind is one file and one row of imc_arrays[]. It says what a product gives and what it takes in
 * actions; when the product is done is the core's business. A core drives only the rows that the
 * outputs of the firing see; the others carry 0.
 *
 * Values and weights have up to 8 bits and sums fit 32, or (wide) up to 16 and 64, in two planes
 * each (core/planes.h).
 */
#ifndef ARCH_UNITS_ARRAY_H
#define ARCH_UNITS_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/units/crossbar.h"
#include "core/pixel.h"
#include "core/planes.h"
#include "dataflow/crossbar/array_spec.h"

struct analog_weights;
struct ranges;

struct array_matrix { // what an array is programmed with; borrowed for the call
    const struct imc_array_kind *kind; // that is programmed
    const struct array_spec *spec; // borrowed for the array's life
    const struct ranges *ranges; // of calibrated converters (ranges.h); NULL where none is
    uint32_t      core;          // of the plan: keys what is drawn
    uint32_t      rows, columns; // column q * outputs + o is output o of replica q
    uint32_t      outputs;
    const int8_t *weight;        // [rows][columns]; NULL in a timing run, and if
    const int16_t *wide_weight;  // there are wide ones; else NULL
    bool          in_signed;     // inputs are int8, else uint8
    uint32_t      value_bits, weight_bits;
    uint32_t      planes;        // streams of values; 0: a timing run
    const struct analog_weights *const *analog; // [planes]: instead of weight; borrowed; NULL: not
    const char   *simd;          // the instruction set to compute with; NULL: the fastest
};

struct imc_array { // first in each kind's own struct
    const struct imc_array_kind *kind;
    uint32_t rows, columns;
    uint32_t n_read;  // bytes of an input that a product may read; those behind `rows` are anything
    uint32_t n_write; // ints that a product may write; those behind `columns` are garbage
};

struct array_product { // one firing of an array, or a part of it: outputs of one patch
    const struct pixel   *output;  // [n_output]
    const uint32_t       *replica; // [n_output]: that computes it
    uint32_t              n_output;
    uint32_t              driven_rows;
    uint32_t              planes; // streams of values
    const uint8_t *const *in;   // [planes]: a byte for each row; NULL in a timing run
    int32_t              *sum;  // plane p's go to sum + p * apart
    size_t                apart; // wide: of stream p, low and high, are 2p and 2p + 1
};

struct array_counts { // actions of products
    uint64_t            driven_rows;
    uint64_t            conversions; // columns read by a converter
    uint64_t            reads, shift_adds;
    uint64_t            clipped;     // codes; 0 in a timing run
    struct input_counts in;          // of the values; 0 in a timing run
    uint64_t            sum_digits;  // of the inputs' slices; 0 in a timing run
};

struct imc_array_kind {
    const char *name; // "ideal"
    const char *doc;

    /* Whether a machine's arrays are of this kind. */
    bool (*takes)(const struct array_spec *s);

    /* Makes an array that holds the matrix. NULL when the host has no memory or lacks the
     * instruction set. */
    struct imc_array *(*program)(const struct array_matrix *m);

    /* The sums of every plane. Needs values: planes > 0. */
    void (*multiply)(struct imc_array *a, const struct array_product *p);

    /* Adds what the product did in a plane. In a timing run, plane 0 stands for the product. */
    void (*count)(const struct imc_array *a, const struct array_product *p, uint32_t plane,
                  struct array_counts *n);

    void (*release)(struct imc_array *a);
};

/* A new kind is its file and a row here. */
#define IMC_ARRAYS(X) X(array_ideal) X(array_sliced) X(array_analog)
#define IMC_ARRAY(name) extern const struct imc_array_kind name;
IMC_ARRAYS(IMC_ARRAY)
#undef IMC_ARRAY
extern const struct imc_array_kind *const imc_arrays[]; // ends with NULL

/* The first kind of the table that takes the machine's. */
const struct imc_array_kind *imc_array_of(const struct array_spec *s);

/* Exact products of a matrix, for the kinds. */
struct exact_matrix {
    struct crossbar crossbar; // zero if wide
    int16_t  *wide;    // owned; [rows][columns]; NULL: bytes
    uint32_t *row_abs; // owned; [rows]: sum of |w|; likewise
    int64_t  *acc;     // owned; [columns]; likewise
    uint32_t  rows, columns;
    bool      in_signed;
};

/* False when the host has no memory or lacks the instruction set; then *x is zero. Sets what the
 * array's products read and write. */
bool exact_matrix_program(struct exact_matrix *x, const struct array_matrix *m,
                          struct imc_array *array);
void exact_matrix_release(struct exact_matrix *x); // takes a zeroed one

/* The sums of a stream; and what its inputs did. */
void exact_matrix_multiply(const struct exact_matrix *x, const struct array_product *p,
                           uint32_t stream);
void exact_matrix_count(const struct exact_matrix *x, const struct array_product *p,
                        uint32_t stream, struct input_counts *n);

/* Input of a row in a stream. */
static inline int32_t exact_matrix_input(const struct exact_matrix *x,
                                         const struct array_product *p, uint32_t stream,
                                         uint32_t row)
{
    if (!x->wide)
        return x->in_signed ? (int8_t)p->in[stream][row] : p->in[stream][row];
    return wide_value(p->in[2 * stream] + row, p->in[2 * stream + 1] + row, x->in_signed);
}

/* Takes NULL. */
static inline void imc_array_release(struct imc_array *a)
{
    if (a)
        a->kind->release(a);
}

#endif
