/* arch/analog/readout.h -- what the digital processor gets of the sums of a core's columns.
 *
 *     y[c] = rne(k[c] v[c] / 128)                         where sums are exact
 *     y[c] = rne(k[c] code(v[c]) step[c] / 128)           behind converters (converter.h)
 *     y[c] = rne(k[c] (code(v+[c]) step+[c] - code(v-[c]) step-[c]) / 128)
 *                                                         where each of a weight's two devices
 *                                                         has a column and a converter
 *
 * v are sums in 1/128 of a weight times an input. Gain and offset of a converter belong to the chip
 * for ever, its noise is drawn for each conversion: a function of seed, chip, layer, group, part
 * and image, and of which output of the layer it is,
 *
 *     number = ((column quads + channel / 4) height + row) 4 + channel % 4
 *
 * so that nothing depends on what is computed beside it.
 */
#ifndef ARCH_ANALOG_READOUT_H
#define ARCH_ANALOG_READOUT_H

#include <stdint.h>

#include "arch/analog/converter.h"
#include "arch/analog/matrix.h"
#include "core/pixel.h"
#include "dataflow/crossbar/cell.h"
#include "dataflow/plan/plan.h"

enum { ANALOG_PAIR = 2, ANALOG_QUAD = 4 }; // devices that are read apart

struct analog_readout { // of a core at a time
    uint32_t  columns, outputs; // column q * outputs + o is output o of replica q
    int64_t   most;             // |y| that all parts of the layer can still add up in 31 bits
    uint32_t  parts;            // converters of a column: 1, or 2 that are subtracted; or those of
                                // its digits (reads.h)
    uint32_t  k;                // of all columns
    uint32_t *column_k;         // owned; [columns]: instead; or NULL
    struct analog_converter *converter; // owned; [parts][columns]; NULL: sums are exact
    struct analog_converter *either;    // owned; the same, of reads with inputs of either sign
                                        // where others have none; or NULL
    double    noise;            // of a conversion, in steps
    double    full;             // input of all rows when conductances are read through the
                                // converters, times 1/128 of a weight per uS; 0: not through them
    struct rng place[CELL_MOST_SLICES];  // of each part: where it is drawn,
    struct rng each[CELL_MOST_SLICES];   // and the noise of reads
    uint32_t  out_first, height, quads;  // of the core in its layer, and the layer's outputs
    struct analog_count *clipped; // owned: codes, of all threads
};

/* Whoever reads adds the codes that were clipped, on any thread. Takes them off again: how many. */
void     analog_readout_add_clipped(const struct analog_readout *r, uint64_t n);
uint64_t analog_readout_take_clipped(const struct analog_readout *r);

/* Of core `core` of a plan at a time, whose devices are *d, columns in so many parts; k is 1. False
 * when the host has no memory; then *r is zero. */
bool analog_readout_init(struct analog_readout *r, const struct plan *p, uint32_t core,
                         const struct analog_devices *d, uint32_t parts, double t_s);
void analog_readout_release(struct analog_readout *r); // takes a zeroed one

/* Whether y = rne(k v / 128) with one k, and nothing else. */
static inline bool analog_readout_is_plain(const struct analog_readout *r)
{
    return !r->converter && !r->column_k;
}

/* seen[columns]: what a read of T+ + T- with all rows at full input gives, in uS; through the
 * converters where the spec says so, without their noise. */
void analog_readout_see(const struct analog_readout *r, const struct analog_matrix *m,
                        double *seen);

/* Scales of columns that make what is seen now what was seen at the reference. False when the host
 * has no memory. */
bool analog_readout_scale_columns(struct analog_readout *r, const double *reference,
                                  const double *seen);

struct analog_read { // of a column, one of those that make an output
    const struct pixel *at;
    uint32_t output, column, part;
    uint64_t read;
    bool     both_signs; // inputs
};

/* The code of v, times step, or v where sums are exact. Counts it if it is clipped. */
int64_t analog_readout_code(const struct analog_readout *r, const struct analog_read *one,
                            int64_t v, uint64_t *n_clipped);

/* A normal number of this read: of the conversion's noise, or of the array's. */
double analog_readout_draw(const struct analog_readout *r, const struct analog_read *one,
                           bool of_array);

/* rne(k v / 128) of a column. */
int64_t analog_readout_scaled(const struct analog_readout *r, uint32_t column, int64_t v);

/* What |y| is at most; 0 without converters, where weights say it. */
int64_t analog_readout_most(const struct analog_readout *r);

/* The n outputs of output pixel `at` that replica `replica` computes: sum[n] of its columns becomes
 * y[n]; minus[n]: of the second part, or anything. Returns how many codes were clipped. */
uint64_t analog_readout_pixel(const struct analog_readout *r, const struct pixel *at,
                              uint32_t replica, int32_t *sum, const int32_t *minus);

enum { ANALOG_LANES = 16 };

struct analog_lanes { // outputs of a stretch of a layer's column, of several images
    uint32_t first, outputs; // channels of the layer in whole quads, some of them not the core's
    uint32_t column, n;      // rows 0 to n - 1
    uint64_t image;          // the first of n_lane that follow each other
    uint32_t n_lane;
    int32_t       *sum;      // [n][outputs][ANALOG_LANES]: becomes y, 0 where it is not the core's
    const int32_t *minus;
};

/* The same of a core without replicas. */
uint64_t analog_readout_lanes(const struct analog_readout *r, const struct analog_lanes *l);

#endif
