/* dataflow/crossbar/reads.h -- the reads of one product: how many, how long, what is converted.
 *
 *     reads = train * ceil(input bits / input_slice_bits) * ceil(rows / rows_at_once)
 *     conv  = columns_per_adc * conversion, 0 where nothing is converted
 *     time  = reads * (read + conv), or pipelined
 *             reads * max(read, conv) + min(read, conv)
 *     conversions = reads * columns
 *
 * Columns are those of the slices of every output and, where the cell has one, the column of ones,
 * which stands beside the array's columns and has a converter of its own.
 */
#ifndef DATAFLOW_CROSSBAR_READS_H
#define DATAFLOW_CROSSBAR_READS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataflow/crossbar/cell.h"

struct reads_cfg {
    uint32_t input_bits;       // of the layer, at least 1
    uint32_t train;            // inputs one after the other; 0: 1
    uint32_t input_slice_bits; // more than input_bits: all in one
    uint32_t rows_at_once;     // 0: all
    uint64_t read_fs;          // a read, without conversions
    bool     converted;
    uint64_t conversion_fs;    // one conversion
    uint32_t columns_per_adc;  // that share a converter
    bool     pipelined;        // a read goes on while the last one's columns are converted
};

struct reads {
    uint32_t slices;      // digits of the inputs
    uint32_t groups;      // of rows
    uint64_t n;           // slices * groups, of a whole train
    uint32_t columns;     // that are read
    uint32_t converters;  // 0 where nothing is converted
    uint64_t conversions; // of one product
    uint64_t time_fs;     // UINT64_MAX where it does not fit
};

/* Of a product of `rows` rows and `outputs` outputs, each at least 1. */
struct reads reads_of(const struct reads_cfg *cfg, const struct cell_layout *cell, uint32_t rows,
                      uint32_t outputs);

/* The time of so many reads of a product; of none 0. UINT64_MAX where it does not fit. */
uint64_t reads_time_fs(const struct reads_cfg *cfg, uint64_t n);

/* Bits of an unsigned code that passes every sum of a read: rows driven at once, digits of the
 * inputs and of the weights. */
uint32_t reads_exact_bits(uint32_t rows, uint32_t input_digit_bits, int32_t most_digit);

/* What an input takes of drivers and cells: its digits, summed over the slices, those that count
 * negative by their magnitude. Digits of one bit: how many are set. And of each byte that it may
 * be. */
uint32_t reads_digit_sum(const struct reads_cfg *cfg, int32_t x);
void reads_digit_sums(const struct reads_cfg *cfg, bool is_signed, uint32_t sum[256]);

#endif
