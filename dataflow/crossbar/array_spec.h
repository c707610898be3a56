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
#include "dataflow/crossbar/reads.h"

struct array_spec {
    bool               plain;
    const struct cell *cell;
    struct cell_cfg    weights;
    struct cell_layout layout;
    struct reads_cfg   reads;
    bool               timed;    // a product takes the time of its reads, else mvm_ns
    uint32_t           rows;     // for weights
    uint32_t           outputs;  // that the columns have room for
    uint32_t           adc_bits; // 0: sums are exact
    int64_t            range;    // that a code reaches
};

/* For values and weights of so many bits. ERR_INPUT names key, value and cure. */
enum err array_spec_of(struct array_spec *s, const struct config *c, uint32_t value_bits,
                       uint32_t weight_bits, struct err_msg *m);

/* Whether products are made of reads that somebody will want to see. */
static inline bool array_is_read(const struct array_spec *s)
{
    return !s->plain || s->timed;
}

/* The reads of a product of `rows` rows and `outputs` outputs. */
static inline struct reads array_reads(const struct array_spec *s, uint32_t rows, uint32_t outputs)
{
    return reads_of(&s->reads, &s->layout, rows, outputs);
}

/* What stands behind a column, whose sums may be negative or not. */
struct converter array_converter(const struct array_spec *s, bool both_signs);

/* Whether every code is its sum, whatever weights and inputs are. `most_rows`: of the array. */
bool array_is_exact(const struct array_spec *s, uint32_t most_rows, bool in_signed);

#endif
