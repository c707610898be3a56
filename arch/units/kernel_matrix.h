/* arch/units/kernel_matrix.h -- collective kernel matrix of one core, and the input vector of a
 * firing, or the pixels of a digital layer's window.
 *
 * Replica q computes the output (q / block_w) rows below and (q % block_w) columns right of the
 * firing's origin. Replicas share the rows of input positions that their patches have in common
 * (Dazzi et al. 2021, Figs. 4 and 5):
 *
 *     row     position * channels + channel
 *     column  q * outputs + output
 *
 * Of a part that is cut inside channels only some of these rows are there, in the same order; in a
 * flat layer the strip holds the one byte of each position that the part stores.
 *
 * Groups of channels of a grouped convolution stand on the diagonal, zeros beside them. Positions
 * are numbered row by row of the map. The strip is the crossbar's input registers: the
 * rows of the padded map, as wide as the patches of a strip of outputs; a vector of Method 1 is a
 * stretch of it as it stands, others are gathered.
 */
#ifndef ARCH_UNITS_KERNEL_MATRIX_H
#define ARCH_UNITS_KERNEL_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

#include "dataflow/plan/plan.h"
#include "memory/registers.h"

struct kernel_matrix {
    const struct plan_layer *layer; // borrowed
    uint32_t  channels, outputs, replicas;
    uint32_t  n_position;
    uint32_t  patch_n;    // positions of one replica
    uint32_t *patch;      // owned; [replica][patch_n]: position, in the order of the kernel
    uint32_t *from;       // owned; [replica][patch_n]: byte of the strip, from the origin's patch
    bool      contiguous; // the vector of a full firing stands in the strip as it is

    uint32_t *pick;       // owned; [n_pick]: rows that a part has which is cut inside channels;
    uint32_t  n_pick;     // NULL: all

    uint64_t *seen;       // owned; [n_position]: the count in which it was last driven
    uint64_t  n_count;

    uint32_t  planes;     // of values, as in the memory
    uint8_t  *strip;      // owned; [planes], strip_bytes apart: [n_row][row_bytes]; or NULL
    size_t    strip_bytes, vector_bytes;
    uint32_t  n_row, width, row_bytes; // width: positions
    int64_t   first_column; // of the input map, at the strip's left edge; may be in the padding
    uint8_t   zero[2];      // byte of a padding pixel; of odd planes, where they hold high bytes
    uint8_t  *vector;       // owned; [planes], vector_bytes apart: gathered input
};

/* For core `core` of a plan; strips and vectors of as many planes, 0 in a timing run; wide: every
 * other holds high bytes. False when the host has no memory; then *k is zero. */
bool kernel_matrix_init(struct kernel_matrix *k, const struct plan *p, uint32_t core,
                        uint32_t planes, bool wide);
void kernel_matrix_release(struct kernel_matrix *k); // takes a zeroed one

/* Writes weight[rows of the core][replicas * outputs]: 0 where a replica does not look. */
void kernel_matrix_weights(const struct kernel_matrix *k, const struct plan *p, uint32_t core,
                           int8_t *weight);
void kernel_matrix_wide_weights(const struct kernel_matrix *k, const struct plan *p, uint32_t core,
                                int16_t *weight);

/* Names that rows and replicas keep whatever else the core has: row[rows], by place in the window
 * and channel of the layer's input; replica[replicas], by place and first output, with a number to
 * spare for each output. For a core without values too. */
void kernel_matrix_names(const struct kernel_matrix *k, const struct plan *p, uint32_t core,
                         uint64_t *row, uint64_t *replica);

/* The other way round, of the first replica: kernel[outputs][in_n][window], 0 where the core has no
 * row, of a matrix[rows][replicas * outputs]. */
void kernel_matrix_kernels(const struct kernel_matrix *k, const struct plan *p, uint32_t core,
                           const int16_t *matrix, int16_t *kernel);

/* Rows that the replicas used[] drive together. */
uint32_t kernel_matrix_driven(struct kernel_matrix *k, const uint32_t *used, uint32_t n_used);

/* Moves the strip to the outputs of a column: what it held is no longer needed. */
void kernel_matrix_begin_strip(struct kernel_matrix *k, uint32_t column, uint32_t strip_width);

/* Where the pixels of a row go, which must be read there next, those of the other planes
 * strip_bytes apart; sets the row's padding columns. */
uint8_t *kernel_matrix_row(struct kernel_matrix *k, const struct row_read *read);

/* A plane's input vector for n_used replicas used[], origin at output (row, column); rows that only
 * other replicas see are 0. Valid until the plane's next; 64 bytes behind it may be read. */
const uint8_t *kernel_matrix_vector(struct kernel_matrix *k, uint32_t row, uint32_t column,
                                    const uint32_t *used, uint32_t n_used, uint32_t plane);

/* A plane's pixels of replica q's window that lie inside the map, origin at output (row, column):
 * writes pixel[patch_n], each its channels, and returns how many there are; 0 between pixels that
 * are set apart. */
uint32_t kernel_matrix_pixels(const struct kernel_matrix *k, uint32_t row, uint32_t column,
                              uint32_t q, uint32_t plane, const uint8_t **pixel);

#endif
