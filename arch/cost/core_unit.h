/* arch/cost/core_unit.h -- an IMC core as circuits see it: its sizes, and what its actions cost.
 * core_cost.h makes the second of the first; composed.h does so for an array from circuits alone.
 */
#ifndef ARCH_COST_CORE_UNIT_H
#define ARCH_COST_CORE_UNIT_H

#include <stdint.h>

#include "arch/cost/chip_model.h"

struct array_hardware { // how the array is read; all 0: a plain one
    uint32_t slices, slice_bits;          // of the inputs, a read each
    uint32_t rows_at_once;                // 0: all
    uint32_t columns_per_adc, adc_bits;   // adc_bits = 0: sums are exact
    uint32_t columns_per_weight, devices; // devices: of a column
    uint32_t cell_bits;                   // 0: analog
    double   read_ns;                     // without conversions; 0: mvm_ns is a whole product
};

struct core_hardware {
    uint32_t rows, columns; // of the crossbar
    uint32_t words, word_bits;
    uint32_t lanes;
    double mvm_ns, clock_ns;
    double density; // of inputs, 0 to 1: bits that are 1, or the mean pulse over the longest;
                    // 0: as the chip's file states
    uint32_t value_bits, weight_bits; // of an input and of a signed weight
    uint32_t kernel_columns, pixel_channels; // what the controller buffers: a kernel row, a pixel
    struct array_hardware array;
};

struct core_unit { // costs of one core; energies in pJ
    double area_um2[N_PRICE_ALL], leakage_uw[N_PRICE_ALL];
    double cell;             // a cell in the mean, in one firing
    double cell_lsb2;        // per |x| |w|, in units of their last places
    double row;              // a driven row: its wire
    double row_clocked;      // its switch, whatever its input
    double row_digits;       // in the mean: its input, in units of the last place of a digit
    double driver_digit;     // driver or switch per such unit: time of a pulse, or a bit that is 1
    double line_digit;       // word line per bit that is 1
    double program;          // a cell, once; 0: not known
    double column;           // a column's regulator
    double conversion;
    double shift_add;        // of a read's code to others
    double scale, add, round; // one operation of the digital processor
    double read_word, write_word;
    double control_registers, control_selection; // of the controller, in one clock
    double tree;             // clock tree, in one clock
    double control_dff;      // registers of the controller
    double register_leakage_uw; // their part of the controller's leakage
    double mac, exp, division, root, multiply, look_up; // of tokens
    double kv_read_word, kv_write_word;                  // of their memory, and of queries
    double latency_ns[N_PRICE_ALL]; // of one action; 0: a clock's business
    double array_ns;         // that its circuits take for a product; 0: not known
};

#endif
