/* arch/circuits/sub_array.h -- one crossbar with its periphery, bits of the input one after
 * another.
 *
 * The sub-array of DNN+NeuroSim V1.4, to be compared with it: rows are driven by their input bit,
 * all at once or in groups of rows_at_once; columns_per_adc columns share a converter;
 * shift-and-add units weigh the cells of a weight, then the bits of the input. One input bit takes
 * columns_per_adc * ceil(rows / rows_at_once) clocks, a clock being
 *
 *     sensing_delay * (max(row switch, multiplexer and its decoder) + converter + encoder)
 *
 * The accelerator of this project is composed otherwise (study/price.h). Docs and measured
 * errors: docs/models/sub_array.md.
 */
#ifndef ARCH_CIRCUITS_SUB_ARRAY_H
#define ARCH_CIRCUITS_SUB_ARRAY_H

#include "arch/tech/calibration.h"
#include "arch/tech/circuit.h"
#include "arch/tech/device.h"
#include "core/err.h"

enum adc_kind {
    CONVERTER_CSA, CONVERTER_VSA, CONVERTER_SAR, CONVERTER_CCO,
    CONVERTER_TREE // none: a NOR2 at every SRAM cell, adders of the products of a column
};

struct sub_array_cfg {
    unsigned       rows, columns;
    unsigned       rows_at_once; // driven at once, 1 to rows
    unsigned       columns_per_adc; // that share a converter; columns is a multiple
    unsigned       levels;        // of a converter, a power of two
    enum adc_kind  converter;
    unsigned       weight_bits, cells_per_weight, input_bits; // bits spread evenly over cells
    unsigned       sum_bits; // of a saturating sum of groups of rows, at least the converter's;
                             // 0: the converter's for resistive cells, all there can be for SRAM
    double         active;        // share of rows whose input bit is 1
    double         on_share;      // share of cells in their most conducting state, the others least
};

enum sub_array_block {
    BLOCK_ARRAY, BLOCK_ROW_SWITCH, BLOCK_COLUMN_SWITCH, BLOCK_MUX, BLOCK_MUX_DECODER,
    BLOCK_ADC, BLOCK_ENCODER, BLOCK_PARTIAL_ADD, BLOCK_SHIFT_ADD_WEIGHT, BLOCK_SHIFT_ADD_INPUT,
    BLOCK_LEVEL_SHIFTER_ROW, BLOCK_LEVEL_SHIFTER_BIT, BLOCK_LEVEL_SHIFTER_SOURCE,
    BLOCK_PRECHARGE, BLOCK_WRITE_DRIVER,
    N_SUB_ARRAY_BLOCK
};

struct sub_array {
    struct circuit block[N_SUB_ARRAY_BLOCK]; // energy_pj: of one input bit; a zero area: not there
    double         clock_ns;
    unsigned       clocks;     // of one input bit
    double         box_um2;    // of the rectangle around all, white space included
    double         used_um2;   // sum of the blocks
    double         energy_pj;  // of one input bit, sum of the blocks
    double         leakage_uw;
    double         column_kohm; // mean of a column while read
};

const char *sub_array_block_name(enum sub_array_block b);

/* ERR_INPUT names value and limit: columns_per_adc that does not divide, bits that the device
 * cannot hold, a converter without cost, an access transistor wider than its cell. */
enum err sub_array(const struct technology *t, const struct device *d,
                   const struct sub_array_cfg *cfg, const struct calibration *cal,
                   struct sub_array *s, struct err_msg *m);

#endif
