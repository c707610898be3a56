/* arch/cost/chip_model.h -- what an IMC core costs per action: the composition of this project's
 * chip.
 *
 * A core is a crossbar of differential pairs, a pulse-width driver per row, a converter per column,
 * a digital processor, an SRAM, a dataflow controller and its clock tree; links leave it. Energies
 * come from the circuits of arch/circuits where a circuit is known, from a cited figure, or from a
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
 * and converters from circuits too, as the configuration states it (arch/cost/composed.h); nothing
 * of it is cited or fitted.
 *
 * A file's figures hold at the node, type, temperature and device that it names. Elsewhere the
 * cited converter and the fitted regulator scale as the SAR converter's fits do, ratios to circuits
 * follow the circuits, factors of leakage are left out for another type of transistor and the
 * cells' for another device; a warning says each. docs/models/chip.md derives every figure and
 * says which are predicted and which fitted.
 */
#ifndef ARCH_COST_CHIP_MODEL_H
#define ARCH_COST_CHIP_MODEL_H

#include <stdint.h>

#include "arch/circuits/sub_array.h"
#include "arch/tech/circuit.h"
#include "arch/tech/device.h"
#include "arch/tech/technology.h"
#include "core/err.h"

enum price_block {
    PRICE_CROSSBAR, PRICE_INPUT_DRIVERS, PRICE_ADC, PRICE_DIGITAL, PRICE_INPUT_MEMORY,
    PRICE_CONTROLLER, PRICE_LINKS, PRICE_CLOCK,
    N_PRICE_BLOCK, // and of chips with routers, and of machines of tokens, besides:
    PRICE_ROUTERS = N_PRICE_BLOCK,
    PRICE_ATTENTION, PRICE_KV_MEMORY, PRICE_NORM, PRICE_OFF_CHIP,
    N_PRICE_ALL
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

struct token_facts { // of the file's section `tokens` (arch/cost/token_unit.h); else all 0
    double exp_steps, division_steps, root_steps; // multiply-adds of one
    double macro_words; // of K/V memories: of those, a word lies in one
    double off_chip_pj_byte;
    double float_mac_pj, float_mac_um2;
};

struct router_facts { // of the file's section `routers` (arch/cost/router_unit.h); else 0
    double arbiter_gates;
};

struct chip_model {
    struct technology    technology;
    struct device        device;
    enum price_converter converter;
    enum adc_kind       adc; // of PRICE_CONVERTER_CIRCUITS
    struct chip_facts    fact;
    struct token_facts   token;
    struct router_facts  router;
    char                 home_technology[40], home_device[32]; // of its figures
    bool                 away;                     // priced elsewhere
    double               cited_energy, cited_area; // what scales cited figures to this node
    bool                 registers_gated; // each takes a clock when it is written, no other
    bool                 fitted[N_PRICE_ALL];      // a factor of its energy was fitted
    char                 warning[512]; // interpolated or scaled; empty: none
};

/* Words: the device's for device_read(), the chip's for core/datadir.h. ERR_INPUT: a file, a key, a
 * missing cost. */
enum err chip_model_load(struct chip_model *c, const char *technology, const char *device,
                         const char *chip, struct err_msg *m);

/* What its energy rests on: "calibrated" (a factor was fitted to figures of this chip), "cited" or
 * "predicted" (from circuits and stated sizes alone); "scaled" where figures that were fitted or
 * cited are of another node, type, temperature or device. */
const char *price_basis(const struct chip_model *c, enum price_block b);

/* The chip with every fitted factor at 1 and every fitted cost at 0: what the circuits say. */
struct chip_model chip_model_predicted(const struct chip_model *c);

#endif
