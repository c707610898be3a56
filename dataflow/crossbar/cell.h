/* dataflow/crossbar/cell.h -- how a weight is kept in the devices of an array.
 *
 * A weight is a sum of digits, each of which a column of devices holds:
 *
 *     w = ones + sum_j factor_j * digit_j(w)
 *
 * so that a product of weights and inputs is the same sum over what the columns read:
 *
 *     sum_r w_r x_r = ones * sum_r x_r + sum_j factor_j * (sum_r digit_j(w_r) x_r)
 *
 * Where `ones` is not 0 the array has one column more, whose devices are all on: it reads
 * sum_r x_r. Time, values and prices of an array all come from the layout that a cell gives.
 *
 * Cells: differential, pair, reference, sliced, sram; each is one file and one row of cell_kinds[].
 */
#ifndef DATAFLOW_CROSSBAR_CELL_H
#define DATAFLOW_CROSSBAR_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

enum { CELL_MOST_WEIGHT_BITS = 16, CELL_MOST_SLICES = 32 };

enum cell_scheme { CELL_SIGNED, CELL_OFFSET };

struct cell_cfg {
    uint32_t         weight_bits; // w, 1 to CELL_MOST_WEIGHT_BITS; signed 1-bit weights are +-1
    bool             weight_signed;
    uint32_t         cell_bits;   // c of the sliced cell; 0: the whole magnitude in one device
    enum cell_scheme scheme;      // of the sliced cell
    bool             separate;    // devices that are subtracted have a column and a code each
};

struct cell_slice {
    int32_t  factor;      // of its sum in the output
    int32_t  least, most; // of a digit; least < 0 where the sum is one of differences
    uint32_t columns;     // of the array that it takes
};

struct cell_layout {
    struct cell_slice slice[CELL_MOST_SLICES];
    uint32_t n_slice;
    uint32_t columns;         // of one output, without the column of ones
    uint32_t devices;         // of one weight
    int32_t  ones;            // 0: no column of ones
    int32_t  least, most;     // weights that it can keep
    bool     zero;            // 0 among them: +-1 in one device has none
};

struct cell {
    const char *name; // "sliced"
    const char *doc;
    bool cut;         // into digits that are read apart
    bool takes_bits;  // core.crossbar.cell_bits and scheme
    bool divided;     // two devices are subtracted, which may have a column and a code each

    /* Fills *l but for `columns`. ERR_INPUT says which weights the cell keeps, without a place. */
    enum err (*layout)(const struct cell_cfg *cfg, struct cell_layout *l, struct err_msg *m);

    /* What slice j holds of a weight from layout.least to layout.most. */
    int32_t (*digit)(const struct cell_cfg *cfg, uint32_t j, int32_t weight);
};

/* A new cell is its file and a row here. */
#define CELLS(X) X(cell_differential) X(cell_pair) X(cell_reference) X(cell_sliced) X(cell_sram)
#define CELL(name) extern const struct cell name;
CELLS(CELL)
#undef CELL
extern const struct cell *const cell_kinds[]; // ends with NULL

const struct cell *cell_find(const char *name); // NULL when unknown

/* cell->layout() with `columns` added up and `zero` found. On error *l is zero. */
enum err cell_layout(const struct cell *cell, const struct cell_cfg *cfg, struct cell_layout *l,
                     struct err_msg *m);

/* Two columns of either sign, for a cell whose devices are converted apart. */
static inline void cell_lay_apart(struct cell_layout *l)
{
    l->n_slice = l->devices = 2;
    l->slice[0] = (struct cell_slice){ 1, 0, l->most, 1 };
    l->slice[1] = (struct cell_slice){ -1, 0, -l->least, 1 };
}
static inline int32_t cell_digit_apart(uint32_t j, int32_t weight)
{
    return (j == 0) == (weight > 0) ? (j == 0 ? weight : -weight) : 0;
}

/* Range of the weights that have so many bits: two's complement, or from 0; +-1 of one bit. */
static inline int32_t weight_least(const struct cell_cfg *c)
{
    if (!c->weight_signed)
        return 0;
    return c->weight_bits == 1 ? -1 : -(INT32_C(1) << (c->weight_bits - 1));
}
static inline int32_t weight_most(const struct cell_cfg *c)
{
    if (!c->weight_signed)
        return (INT32_C(1) << c->weight_bits) - 1;
    return c->weight_bits == 1 ? 1 : (INT32_C(1) << (c->weight_bits - 1)) - 1;
}

#endif
