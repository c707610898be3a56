/* arch/tech/chip_model.h -- what an IMC core costs per action: the composition of this project's
 * chip.
 *
 * A core is a crossbar of differential pairs, a pulse-width driver per row, a converter per column,
 * a digital processor, an SRAM, a dataflow controller and its clock tree; links leave it. Energies
 * come from the circuits of arch/tech where a circuit is known, from a cited figure, or from a
 * factor that was fitted; configs/chips/<name>.yaml holds the last two, each with its origin.
 *
 *     cell        V_supply V_read G t           what a regulator draws for the read current
 *     row         8-bit down-counter for one pulse
 *     column      converter, regulator (fitted), scale-round-saturate
 *     controller  registers: crossbar input, one kernel row, one pixel per stream, pointers; per
 *                 register three NAND2 of selection; clock tree V^2 (sinks + wire)
 *     bit         latch + wire * pitches between the cores
 *
 * A chip file with `converter: circuits` (configs/chips/composed.yaml) has the array with drivers
 * and converters from circuits too, as the configuration states it (arch/tech/composed.h); nothing
 * of it is cited or fitted.
 *
 * A file's figures hold at the node, type, temperature and device that it names. Elsewhere the
 * cited converter and the fitted regulator scale as the SAR converter's fits do, ratios to circuits
 * follow the circuits, factors of leakage are left out for another type of transistor and the cells'
 * for another device; a warning says each. docs/models/chip.md derives every figure and says which
 * are predicted and which fitted.
 */
#ifndef ARCH_TECH_CHIP_MODEL_H
#define ARCH_TECH_CHIP_MODEL_H

#include <stdint.h>

#include "arch/tech/circuit.h"
#include "arch/tech/device.h"
#include "arch/tech/sub_array.h"
#include "arch/tech/technology.h"
#include "core/err.h"

enum price_block {
    PRICE_CROSSBAR, PRICE_INPUT_DRIVERS, PRICE_ADC, PRICE_DIGITAL, PRICE_INPUT_MEMORY,
    PRICE_CONTROLLER, PRICE_LINKS, PRICE_CLOCK,
    N_PRICE_BLOCK
};
const char *price_block_name(enum price_block b); // "input_memory"

enum price_converter { PRICE_CONVERTER_CITED, PRICE_CONVERTER_SAR, PRICE_CONVERTER_CCO,
                       PRICE_CONVERTER_CIRCUITS };

struct chip_facts { // of configs/chips/<name>.yaml
    double converter_pj, converter_um2, converter_ns; // cited only
    double converter_bits;
    double pulse_ns, mean_input;
    double cell_energy, column_pj, devices_per_weight, line_um2;
    double cited_node_nm; // where converter and column_pj hold
    double streams, pointers, pointer_bits;
    double register_activity, register_energy, selection_activity, control_area;
    double control_leakage, control_idle, tree_fanout;
    double sram_area, sram_energy, sram_leakage;
    double adder_activity;
    double link_latch, link_wire, link_toggle;
};

struct chip_model {
    struct technology    technology;
    struct device        device;
    enum price_converter converter;
    enum adc_kind       adc; // of PRICE_CONVERTER_CIRCUITS
    struct chip_facts    fact;
    char                 home_technology[40], home_device[32]; // of its figures
    bool                 away;                     // priced elsewhere
    double               cited_energy, cited_area; // what scales cited figures to this node
    bool                 fitted[N_PRICE_BLOCK];    // a factor of its energy was fitted
    char                 warning[512]; // interpolated or scaled; empty: none
};

/* Device and chip are words for core/datadir.h: names, or paths. ERR_INPUT: a file, a key, a
 * missing cost. */
enum err chip_model_load(struct chip_model *c, const char *technology, const char *device,
                         const char *chip, struct err_msg *m);

/* What its energy rests on: "calibrated" (a factor was fitted to figures of this chip), "cited" or
 * "predicted" (from circuits and stated sizes alone); "scaled" where figures that were fitted or
 * cited are of another node, type, temperature or device. */
const char *price_basis(const struct chip_model *c, enum price_block b);

/* The chip with every fitted factor at 1 and every fitted cost at 0: what the circuits say. */
struct chip_model chip_model_predicted(const struct chip_model *c);

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
    double   mvm_ns, clock_ns;
    uint32_t value_bits, weight_bits; // of an input and of a signed weight
    uint32_t kernel_columns, pixel_channels; // what the controller buffers: a kernel row, a pixel
    struct array_hardware array;
};

struct core_unit { // costs of one core; energies in pJ
    double area_um2[N_PRICE_BLOCK], leakage_uw[N_PRICE_BLOCK];
    double cell;             // a cell in the mean, in one firing
    double cell_lsb2;        // per |x| |w|, in units of their last places
    double row;              // a driven row: its wire
    double row_pulse;        // its driver, a pulse in the mean
    double row_lsb;          // the same per |x|, in units of its last place
    double row_clocked;      // switch of a driven row, whatever its input
    double row_switched;     // the same of a row whose input is not 0, on top
    double row_on;           // word line of such a row
    double column;           // a column's regulator
    double conversion;
    double shift_add;        // of a read's code to others
    double scale, add, round; // one operation of the digital processor
    double read_word, write_word;
    double control_registers, control_selection; // of the controller, in one clock
    double tree;             // clock tree, in one clock
    double control_dff;      // registers of the controller
    double register_leakage_uw; // their part of the controller's leakage
    double latency_ns[N_PRICE_BLOCK]; // of one action; 0: a clock's business
    double array_ns;         // that its circuits take for a product; 0: not known
};

/* ERR_INPUT with value and limit: pulse and conversion longer than mvm_ns, memory of less than 4
 * words. */
enum err core_unit(const struct chip_model *c, const struct core_hardware *h, struct core_unit *u,
                   struct err_msg *m);

/* Energy of a bit over so many pitches between cores, in pJ. */
double link_bit_pj(const struct chip_model *c, const struct core_unit *u, double pitches);

/* Area and leakage of a link so many wires wide: repeaters and latches at both ends. Those of a
 * chip file's core are in its figures, and 0. */
struct link_cost {
    double area_um2, leakage_uw;
};
struct link_cost link_cost(const struct chip_model *c, const struct core_unit *u, unsigned wires,
                           double pitches);

/* One core that multiplies all the time with all rows and columns. */
struct core_peak {
    double tops, tops_per_w, tops_per_mm2; // an operation is a multiplication or an addition
    double energy_pj[N_PRICE_BLOCK];       // of one product: crossbar, drivers, converters, digital
    double total_pj, area_um2;
};
struct core_peak core_peak(const struct core_hardware *h, const struct core_unit *u);

/* Dataflow controller and input memory while every clock does its work and reads a word: Table 4 of
 * Dazzi et al. 2021. Leakage is in each. */
struct control_power {
    double sequential_mw, sram_mw, combinational_mw, clock_mw, total_mw;
};
struct control_power control_power(const struct core_hardware *h, const struct core_unit *u);

#endif
