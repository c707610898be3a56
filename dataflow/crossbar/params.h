/* dataflow/crossbar/params.h -- the array and its readout as the configuration states them. */
#ifndef DATAFLOW_CROSSBAR_PARAMS_H
#define DATAFLOW_CROSSBAR_PARAMS_H

#include <stdint.h>

#include "core/param.h"
#include "dataflow/crossbar/cell.h"

enum no_yes { NO, YES };
enum { DEVICE_BYTE = 1024, CODE_MOST_BITS = 32 };

struct crossbar_cfg {
    uint32_t rows, columns; // devices; a weight takes one (differential) device
    uint32_t mvm_ns;        // from input pulses to codes, all columns in parallel; or MVM_AUTO:
                            // from the reads (dataflow/crossbar/reads.h)

    uint32_t input_slice_bits; // of a read
    uint32_t rows_at_once;     // 0: all
    uint64_t read_as;          // a read, attoseconds
    char     cell[32];         // a row of the table in dataflow/crossbar/cell.c
    uint32_t cell_bits;
    enum cell_scheme scheme;
    uint32_t reserved_rows;
    enum input_order { ORDER_LSB, ORDER_MSB } input_order; // of slices: the sum is the same

    enum no_yes skip_zero_rows, skip_zero_patches, dummy_column;

    char     device[DEVICE_BYTE]; // "ideal", or as energy.device
    uint32_t w_max;          // weight of the largest conductance; or W_MAX_LAYER
    uint64_t g_max_us;       // that conductance in billionths; 0: the device's
    uint32_t levels, on_off; // 0: any, endless
};

#define MVM_AUTO    PARAM_WORD(0)
#define W_MAX_LAYER PARAM_WORD(0)

struct readout_cfg {
    char     kind[32];      // a row of the table in dataflow/crossbar/readout.c
    uint32_t bits;
    uint32_t range;         // of a code, in units of weight times input; or a RANGE_
    uint64_t percentile;    // of sums that it reaches, in billionths of a percent
    enum range_per { PER_CORE, PER_COLUMN } per; // which sums that are
    enum no_yes separate;   // the currents of a cell's two devices are converted apart
    uint32_t columns_per_adc;
    uint64_t conversion_as; // attoseconds
    enum no_yes pipelined;  // a read goes on while the columns of the last are converted
};

#define RANGE_FULL       PARAM_WORD(0)
#define RANGE_PERCENTILE PARAM_WORD(1) // of what calibration images make of the ideal network

struct calibration_cfg { // images that readouts, and what makes up for drift, are set with
    char     images[1024]; // empty: none
    uint32_t first, count;
};

enum wires_kind { WIRES_OFF, WIRES_FAST, WIRES_EXACT };
enum wires_input { WIRES_ROW, WIRES_GATE };
enum wires_layout { WIRES_COLUMNS, WIRES_ROWS };
enum wires_place { WIRES_NEAR, WIRES_FAR };

struct wires_cfg { // arch/analog/wires.h
    enum wires_kind   model;
    enum wires_input  input;
    uint64_t          r_row, r_column, r_driver, r_sense; // billionths of an ohm
    enum wires_layout layout; // of the two devices of a weight
    enum wires_place  place;  // of the matrix, as seen from driver and sense
};

#define AS_PER_FS 1000                       // attoseconds
#define AS_PER_MS UINT64_C(1000000000000000)

/* clang-format off */
#define CROSSBAR_PARAMS(type, at)                                                                  \
    PARAM_U32(type, at.rows, "core.crossbar.rows", "", "256", 1, 8192,                             \
              "inputs of an array"),                                                               \
    PARAM_U32(type, at.columns, "core.crossbar.columns", "", "256", 1, 8192,                       \
              "outputs of an array"),                                                              \
    PARAM_U32_OR(type, at.mvm_ns, "core.crossbar.mvm_ns", "ns", "100", 1, 1000000,                 \
                 PARAM_NAMES("auto"),                                                              \
                 "a matrix-vector product, from input pulses to codes; whole clocks; auto: of "    \
                 "its reads"),                                                                     \
    PARAM_DECIMAL(type, at.read_as, "core.crossbar.read_ns", "ns", "100", AS_PER_FS, AS_PER_MS,    \
                  AS_PER_FS, "a read of the array, without conversions"),                          \
    PARAM_U32(type, at.input_slice_bits, "core.crossbar.input_slice_bits", "bit", "8", 1, 16,      \
              "of the inputs in a read: 8 is a pulse of a length, 1 bit after bit"),               \
    PARAM_U32(type, at.rows_at_once, "core.crossbar.rows_at_once", "", "0", 0, 8192,               \
              "rows that a read drives; 0: all"),                                                  \
    PARAM_NAME(type, at.cell, "core.crossbar.cell", "differential",                                \
               "how a weight is kept: differential, pair, reference, sliced or sram"),             \
    PARAM_U32(type, at.cell_bits, "core.crossbar.cell_bits", "bit", "0", 0, 16,                    \
              "of a device of a sliced cell; 0: the whole magnitude"),                             \
    PARAM_ENUM(type, at.scheme, "core.crossbar.scheme", "signed",                                  \
               PARAM_NAMES("signed", "offset"), NULL,                                              \
               "sign of a sliced cell: columns of either sign, or an offset and a column of ones"),\
    PARAM_U32(type, at.reserved_rows, "core.crossbar.reserved_rows", "", "0", 0, 8191,             \
              "rows of an array that hold no weights"),                                            \
    PARAM_ENUM(type, at.input_order, "core.crossbar.input_order", "lsb",                           \
               PARAM_NAMES("lsb", "msb"), NULL,                                                    \
               "slice of the inputs that is read first; the sum is the same"),                     \
    PARAM_ENUM(type, at.skip_zero_rows, "core.crossbar.skip_zero_rows", "no",                      \
               PARAM_NAMES("no", "yes"), NULL,                                                     \
               "whether a read drives the next rows_at_once rows that are not 0 in its slice"),    \
    PARAM_ENUM(type, at.skip_zero_patches, "core.crossbar.skip_zero_patches", "no",                \
               PARAM_NAMES("no", "yes"), NULL,                                                     \
               "whether a product of inputs that are all 0 takes no reads"),                       \
    PARAM_ENUM(type, at.dummy_column, "core.crossbar.dummy_column", "no",                          \
               PARAM_NAMES("no", "yes"), NULL,                                                     \
               "of offset, sram cells with on_off: whether what devices of 0 draw is taken off"),  \
    PARAM_FACTS(type, at.device, "core.crossbar.device", "ideal",                                  \
                "memory device, as energy.device: its model, if it has one, makes values analog; " \
                "ideal: none in particular"),                                                      \
    PARAM_U32_OR(type, at.w_max, "core.crossbar.w_max", "", "127", 1, 255,                         \
                 PARAM_NAMES("layer"),                                                             \
                 "weight that a device's largest conductance stands for; layer: each one's "       \
                 "largest"),                                                                       \
    PARAM_DECIMAL(type, at.g_max_us, "core.crossbar.g_max_us", "uS", "0", 0,                       \
                  UINT64_C(1000000000000000), 1,                                                   \
                  "largest conductance; 0: of core.crossbar.device; for levels of energy.device"), \
    PARAM_U32(type, at.levels, "core.crossbar.levels", "", "0", 0, 65536,                          \
              "conductances that a device is programmed to; 0: any"),                              \
    PARAM_U32(type, at.on_off, "core.crossbar.on_off", "", "0", 0, 1000000000,                     \
              "ratio of a device's largest to least conductance; 0: endless")

#define READOUT_PARAMS(type, at)                                                                   \
    PARAM_NAME(type, at.kind, "core.readout.kind", "exact",                                        \
               "what a read's sum becomes: exact is the sum, adc its code, sign one bit of it, "   \
               "charge the sum without a conversion"),                                             \
    PARAM_U32(type, at.bits, "core.readout.bits", "bit", "8", 1, CODE_MOST_BITS,                   \
              "of a code"),                                                                        \
    PARAM_U32_OR(type, at.range, "core.readout.range", "", "full", 1, 2147483647,                  \
                 PARAM_NAMES("full", "percentile"),                                                \
                 "largest sum that a code reaches, weight times input; full: of all rows at "      \
                 "once; percentile: of what comes of calibration.images"),                         \
    PARAM_DECIMAL(type, at.percentile, "core.readout.percentile", "%", "99.995", 0,                \
                  UINT64_C(100000000000), 1, "of sums that range = percentile reaches"),           \
    PARAM_ENUM(type, at.per, "core.readout.per", "core", PARAM_NAMES("core", "column"), NULL,      \
               "whose sums those are: a core's together, or each column's"),                       \
    PARAM_ENUM(type, at.separate, "core.readout.separate", "no", PARAM_NAMES("no", "yes"), NULL,   \
               "whether the two devices of a differential cell or a pair are converted apart"),    \
    PARAM_U32(type, at.columns_per_adc, "core.readout.columns_per_adc", "", "1", 1, 8192,          \
              "columns that share a converter"),                                                   \
    PARAM_DECIMAL(type, at.conversion_as, "core.readout.conversion_ns", "ns", "1", 0, AS_PER_MS,   \
                  AS_PER_FS, "a conversion; 0: a read's time has it"),                             \
    PARAM_ENUM(type, at.pipelined, "core.readout.pipelined", "no", PARAM_NAMES("no", "yes"), NULL, \
               "whether an array reads on while the last read is converted")

#define WIRES_MOST_OHM UINT64_C(1000000000000000) // a megohm

#define WIRES_PARAMS(type, at)                                                                     \
    PARAM_ENUM(type, at.model, "core.wires.model", "off", PARAM_NAMES("off", "fast", "exact"),     \
               NULL, "drop along an array's wires: off, from the conductances alone, or solved"),  \
    PARAM_ENUM(type, at.input, "core.wires.input", "row", PARAM_NAMES("row", "gate"), NULL,        \
               "what inputs drive: the row wires, or the gates of a row's cells"),                 \
    PARAM_DECIMAL(type, at.r_row, "core.wires.r_row_ohm", "ohm", "0", 0, WIRES_MOST_OHM, 1,        \
                  "of a row wire from device to device"),                                          \
    PARAM_DECIMAL(type, at.r_column, "core.wires.r_column_ohm", "ohm", "0", 0, WIRES_MOST_OHM, 1,  \
                  "of a column wire from device to device"),                                       \
    PARAM_DECIMAL(type, at.r_driver, "core.wires.r_driver_ohm", "ohm", "0", 0, WIRES_MOST_OHM, 1,  \
                  "between a row's driver and its wire"),                                          \
    PARAM_DECIMAL(type, at.r_sense, "core.wires.r_sense_ohm", "ohm", "0", 0, WIRES_MOST_OHM, 1,    \
                  "between a column's wire and virtual ground"),                                   \
    PARAM_ENUM(type, at.layout, "core.wires.layout", "columns", PARAM_NAMES("columns", "rows"),    \
               NULL, "of a weight's two devices: in two columns, or in two rows of a column"),     \
    PARAM_ENUM(type, at.place, "core.wires.place", "near", PARAM_NAMES("near", "far"), NULL,       \
               "of the weights in the array: at the corner of driver and sense, or away from it")

#define CALIBRATION_PARAMS(type, at)                                                               \
    PARAM_PATH(type, at.images, "calibration.images",                                              \
               "image set that readouts and scales are calibrated with, none of whose images are " \
               "run; empty: that of the run"),                                                     \
    PARAM_U32(type, at.first, "calibration.first", "", "0", 0, 1000000000,                         \
              "first image of it, counted from 0"),                                                \
    PARAM_U32(type, at.count, "calibration.count", "", "64", 1, 1000000,                           \
              "images of it")
/* clang-format on */

#endif
