/* dataflow/crossbar/array_spec.h -- what a machine's arrays are, from its configuration's keys.
 *
 * One description that time, values and prices read: how weights are kept (cell.h), how many reads
 * make a product and how long they take (reads.h), and what a read's sum becomes (converter.h).
 * Where nothing of it is configured an array is *plain*: one read, exact sums, a weight in one
 * column.
 */
#ifndef DATAFLOW_CROSSBAR_ARRAY_SPEC_H
#define DATAFLOW_CROSSBAR_ARRAY_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "dataflow/config.h"
#include "dataflow/crossbar/cell.h"
#include "dataflow/crossbar/converter.h"
#include "dataflow/crossbar/readout.h"
#include "dataflow/crossbar/reads.h"

struct array_spec {
    bool               plain;
    const struct cell *cell;
    const struct readout *readout;
    struct cell_cfg    weights;
    struct cell_layout layout;
    struct reads_cfg   reads;
    bool               timed;    // a product takes the time of its reads, else mvm_ns
    bool               skip_rows, skip_products; // of 0: reads go with values
    uint32_t           rows;     // for weights: of all arrays that may be joined
    uint32_t           array_rows; // of one array
    uint32_t           outputs;  // that the columns have room for
    uint32_t           adc_bits; // 0: sums are exact
    int64_t            range;    // that a code reaches; 0: what calibration images say
    bool               calibrated, per_column;
    uint64_t           percentile; // then, of their sums; as core.readout.percentile
};

struct array_load { // of a layer, or of the most of all
    uint32_t value_bits, weight_bits;
    uint32_t train;       // inputs of a product, one after the other; 0: 1
    uint32_t kernel_rows; // inputs of an output; 0: as many as an array has
    const char *whose;    // begins a sentence that goes on with its weights; NULL: nobody's
};

enum { MOST_JOINED_ROWS = 65536 };

/* ERR_INPUT names key, value and cure. */
enum err array_spec_of(struct array_spec *s, const struct config *c, const struct array_load *load,
                       struct err_msg *m);

/* Arrays that a core of so many rows has: parts that are joined before they are read. */
uint32_t array_count(const struct array_spec *s, uint32_t rows);

/* Why outputs of so many bits, in so many parts, cannot be read out, without a place; the key that
 * is to blame is put into *key. sums: they leave the chip as they are. */
enum err array_check_readout(const struct array_spec *s, const struct array_load *load,
                             uint32_t out_bits, bool sums, uint32_t parts, const char **key,
                             struct err_msg *m);

/* Whether products are made of reads that somebody will want to see. */
static inline bool array_is_read(const struct array_spec *s)
{
    return !s->plain || s->timed;
}

/* Whether a weight is cut into digits that are read apart, whatever the readout. */
static inline bool array_is_cut(const struct array_spec *s)
{
    return s->cell->cut;
}

/* Whether what is read depends on values. */
static inline bool array_skips(const struct array_spec *s)
{
    return s->skip_rows || s->skip_products;
}

/* Rows of `rows` that a read drives. */
uint32_t array_rows_at_once(const struct array_spec *s, uint32_t rows);

/* The reads of a product of `rows` rows and `outputs` outputs. */
struct reads array_reads(const struct array_spec *s, uint32_t rows, uint32_t outputs);

/* How many of them a step of a train makes: all, where there is none. */
uint64_t array_reads_of_step(const struct array_spec *s, uint32_t rows);

/* Bits of a code that no sum of a read of `rows` rows can pass; of columns that subtract one more,
 * for the sign. */
uint32_t array_exact_bits(const struct array_spec *s, uint32_t rows);

/* Largest sum of a read of `rows` rows, whatever weights and inputs are. */
int64_t array_most_sum(const struct array_spec *s, uint32_t rows);

/* What stands behind a column whose sums may be negative or not; range: that its code reaches. */
struct converter array_converter(const struct array_spec *s, int64_t range, bool both_signs);

/* Whether every code is its sum, whatever weights and inputs are. `most_rows`: of the array. */
bool array_is_exact(const struct array_spec *s, uint32_t most_rows, bool in_signed);

#endif
