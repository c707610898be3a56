/* cli/circuit_bench.c -- see circuit_bench.h. */
#include "cli/circuit_bench.h"

#include <math.h>
#include <stdio.h>

#include "arch/circuits/adder.h"
#include "arch/circuits/cco_adc.h"
#include "arch/cost/core_cost.h"
#include "arch/circuits/comparator.h"
#include "arch/circuits/decoder.h"
#include "arch/circuits/dff.h"
#include "arch/circuits/flash_adc.h"
#include "arch/circuits/pulse_driver.h"
#include "arch/circuits/register_file.h"
#include "arch/circuits/sar_adc.h"
#include "arch/circuits/shift_add.h"
#include "arch/circuits/sram.h"
#include "arch/circuits/sub_array.h"
#include "arch/circuits/switches.h"
#include "arch/circuits/wire.h"

static void add(struct bench *b, const char *name, const struct circuit *c)
{
    struct result_row *r = &b->row[b->n_row++];

    *r = (struct result_row){ .um2 = c->area_um2, .ns = c->delay_ns, .pj = c->energy_pj,
                              .uw = c->leakage_uw };
    snprintf(r->name, sizeof r->name, "%s", name);
}

static unsigned whole(const struct bench *b, unsigned i)
{
    return (unsigned)b->value[i];
}

/* Series transistors are as many times wider, so that the gate is as strong as an inverter. */
static enum err make_gate(struct bench *b, struct err_msg *m)
{
    static const char *const names[] = { "inverter", "NAND", "NOR" };
    const struct technology *t = &b->technology;
    enum gate_kind kind = (enum gate_kind)whole(b, 0);
    unsigned inputs = kind == GATE_INV ? 1 : whole(b, 1);
    unsigned n_series = kind == GATE_NAND ? inputs : 1, p_series = kind == GATE_NOR ? inputs : 1;
    struct gate g = gate_standard(t, kind, inputs, gate_widths(t, n_series, p_series));
    double pf = g.out_pf + b->value[2] * 1e-3;
    struct edge fall = { 0, 0 }, rise = { 0, 0 };

    (void)m;
    edge_stage(&fall, n_series * g.down_kohm, pf);
    edge_stage(&rise, p_series * g.up_kohm, pf);
    struct circuit c = { .area_um2 = gate_area_um2(&g),
                         .delay_ns = fmax(fall.delay_ns, rise.delay_ns),
                         .energy_pj = (g.in_pf + pf) * t->supply_v * t->supply_v,
                         .leakage_uw = g.leakage_uw };
    add(b, names[kind], &c);
    return ERR_NONE;
}

static enum err make_adder(struct bench *b, struct err_msg *m)
{
    struct circuit c = adder(&b->technology, whole(b, 0), dff_in_pf(&b->technology), &b->activity);

    (void)m;
    add(b, "adder", &c);
    return ERR_NONE;
}

static enum err make_dff(struct bench *b, struct err_msg *m)
{
    struct circuit c = dff(&b->technology, b->value[0], b->value[0], b->calibration.dff_activity);

    (void)m;
    add(b, "flip-flops", &c);
    return ERR_NONE;
}

static enum err make_adder_tree(struct bench *b, struct err_msg *m)
{
    struct circuit c = adder_tree(&b->technology, whole(b, 0), whole(b, 1), 0, &b->activity);

    (void)m;
    add(b, "adder tree", &c);
    return ERR_NONE;
}

static enum err make_max_pool(struct bench *b, struct err_msg *m)
{
    struct circuit c = max_pool(&b->technology, whole(b, 0), whole(b, 1), &b->activity);

    (void)m;
    add(b, "maximum pooling", &c);
    return ERR_NONE;
}

static enum err make_decoder(struct bench *b, struct err_msg *m)
{
    struct decoder_cfg cfg = { .bits = whole(b, 0), .driver_ratio = 1,
                               .load_pf = b->value[1] * 1e-3, .line_cells = 1 };
    struct circuit c = decoder(&b->technology, &cfg, &b->activity);

    (void)m;
    add(b, "row decoder", &c);
    return ERR_NONE;
}

static enum err make_sram(struct bench *b, struct err_msg *m)
{
    struct sram_cfg cfg = { whole(b, 0), whole(b, 1) };
    struct sram s = sram(&b->technology, &cfg, &b->activity), all = sram_complete(s);
    struct circuit write = { .energy_pj = s.write_pj }, write_all = { .energy_pj = all.write_pj };

    (void)m;
    add(b, "macro, read", &s.macro);
    add(b, "write", &write);
    add(b, "complete macro, read", &all.macro);
    add(b, "complete, write", &write_all);
    return ERR_NONE;
}

static enum err make_register_file(struct bench *b, struct err_msg *m)
{
    struct circuit c = register_file(&b->technology, whole(b, 0), whole(b, 1), &b->activity);

    (void)m;
    add(b, "register file, read", &c);
    c = (struct circuit){
        .energy_pj = register_file_write_pj(&b->technology, whole(b, 0), whole(b, 1), &b->activity),
    };
    add(b, "write", &c);
    return ERR_NONE;
}

static enum err make_sar(struct bench *b, struct err_msg *m)
{
    struct circuit c = sar_adc(&b->technology, whole(b, 0), b->value[1]);

    (void)m;
    add(b, "SAR converter", &c);
    return ERR_NONE;
}

static enum err make_cco(struct bench *b, struct err_msg *m)
{
    struct circuit c = cco_adc(&b->technology, whole(b, 0), b->value[1]);

    (void)m;
    add(b, "CCO converter", &c);
    return ERR_NONE;
}

static enum err make_wire(struct bench *b, struct err_msg *m)
{
    struct repeated_wire w = repeated_wire(&b->technology, b->value[2], SHRINK_HALVE);
    struct bus_cfg cfg = { whole(b, 0), b->value[1], b->value[3], 1 };
    struct circuit c = bus(&b->technology, &w, &cfg);

    (void)m;
    add(b, "bus, a transfer", &c);
    return ERR_NONE;
}

static enum err make_sub_array(struct bench *b, struct err_msg *m)
{
    struct sub_array_cfg cfg = {
        .rows = whole(b, 0), .columns = whole(b, 1), .rows_at_once = whole(b, 2),
        .columns_per_adc = whole(b, 3), .levels = whole(b, 4),
        .converter = (enum adc_kind)whole(b, 5),
        .cells_per_weight = whole(b, 6), .input_bits = whole(b, 7), .active = b->value[8],
        .on_share = b->value[9], .weight_bits = whole(b, 10), .sum_bits = whole(b, 11) };
    struct sub_array s;
    enum err e;

    if (cfg.rows_at_once == 0)
        cfg.rows_at_once = cfg.rows;
    if ((e = sub_array(&b->technology, &b->device, &cfg, &b->calibration, &s, m)))
        return e;
    for (unsigned i = 0; i < N_SUB_ARRAY_BLOCK; i++)
        if (s.block[i].area_um2 > 0)
            add(b, sub_array_block_name((enum sub_array_block)i), &s.block[i]);
    struct circuit sum = { .area_um2 = s.used_um2, .delay_ns = s.clock_ns, .energy_pj = s.energy_pj,
                           .leakage_uw = s.leakage_uw };
    add(b, "sum; clock; an input bit", &sum);
    add(b, "box around it", &(struct circuit){ .area_um2 = s.box_um2 });
    return ERR_NONE;
}

/* An inverter of so many times the smallest transistors. */
static enum err make_driver(struct bench *b, struct err_msg *m)
{
    const struct technology *t = &b->technology;
    struct gate g = gate_standard(t, GATE_INV, 1, gate_widths(t, b->value[0], b->value[0]));
    struct edge fall = { 0, 0 }, rise = { 0, 0 };
    double pf = g.out_pf + b->value[1] * 1e-3;

    (void)m;
    edge_stage(&fall, g.down_kohm, pf);
    edge_stage(&rise, g.up_kohm, pf);
    struct circuit c = { .area_um2 = gate_area_um2(&g),
                         .delay_ns = fmax(fall.delay_ns, rise.delay_ns),
                         .energy_pj = (g.in_pf + pf) * t->supply_v * t->supply_v,
                         .leakage_uw = g.leakage_uw };
    add(b, "driver", &c);
    return ERR_NONE;
}

static enum err make_comparator(struct bench *b, struct err_msg *m)
{
    struct circuit c = comparator(&b->technology, whole(b, 0), &b->activity);

    (void)m;
    add(b, "comparator", &c);
    return ERR_NONE;
}

static enum err make_relu(struct bench *b, struct err_msg *m)
{
    struct circuit c = relu(&b->technology, whole(b, 0), whole(b, 1));

    (void)m;
    add(b, "ReLU", &c);
    return ERR_NONE;
}

/* Width of so many columns of the device's cells. */
static double columns_um(const struct bench *b, double columns)
{
    const struct technology *t = &b->technology;

    return columns * (b->device.sram ? t->sram_width_um : b->device.cell_width_f * t->feature_um);
}

static double rows_um(const struct bench *b, double rows)
{
    const struct technology *t = &b->technology;

    return rows * (b->device.sram ? t->sram_height_um : b->device.cell_height_f * t->feature_um);
}

static enum err make_mux(struct bench *b, struct err_msg *m)
{
    const struct technology *t = &b->technology;
    unsigned columns = whole(b, 0), share = whole(b, 1);

    if (share < 2 || columns % share != 0)
        return err_set(m, ERR_INPUT, "columns_per_adc = %u: want a divisor of columns = %u, at "
                       "least 2", share, columns);
    struct mux_cfg cfg = { columns, columns / share, b->value[2], t->read_v,
                           columns_um(b, columns) };
    struct mux mux = column_mux(t, &cfg);
    struct decoder_cfg lines = { .bits = (unsigned)ceil(log2(share)), .mux = true,
                                 .driver_ratio = t->mux_driver_ratio,
                                 .load_pf = mux.n_pf * cfg.outputs,
                                 .load_p_pf = mux.p_pf * cfg.outputs };
    struct circuit dec = decoder(t, &lines, &b->activity);
    add(b, "multiplexer, connecting", &mux.circuit);
    add(b, "its decoder", &dec);
    return ERR_NONE;
}

static enum err make_row_switch(struct bench *b, struct err_msg *m)
{
    struct row_switch_cfg cfg = { .rows = whole(b, 0), .active = b->value[1],
                                  .select_v = b->device.sram ? b->technology.supply_v
                                                             : b->device.select_v,
                                  .read_v = b->technology.read_v, .row_pf = b->value[2] * 1e-3,
                                  .row_kohm = b->value[3], .height_um = rows_um(b, b->value[0]) };
    struct circuit c = b->device.sram ? sram_row_switch(&b->technology, &cfg)
                                      : row_switch(&b->technology, &cfg);

    (void)m;
    add(b, "row switches, an input bit", &c);
    return ERR_NONE;
}

static enum err make_column_switch(struct bench *b, struct err_msg *m)
{
    struct circuit c = column_switch(&b->technology, whole(b, 0), b->value[1],
                                     columns_um(b, b->value[0]));

    (void)m;
    add(b, "column switches", &c);
    return ERR_NONE;
}

static enum err make_pulse_driver(struct bench *b, struct err_msg *m)
{
    struct circuit c = pulse_driver(&b->technology, b->value[0], b->value[1]);

    (void)m;
    add(b, "pulse driver, a pulse", &c);
    return ERR_NONE;
}

static enum err make_level_shifter(struct bench *b, struct err_msg *m)
{
    struct circuit c = level_shifter(&b->technology, whole(b, 0),
                                     b->calibration.level_shifter_wiring, b->value[1]);

    (void)m;
    add(b, "level shifters, up and down", &c);
    return ERR_NONE;
}

/* One amplifier is a flash converter of two levels, whose reference is the whole column. */
static enum err flash(struct bench *b, struct flash_adc_cfg cfg, bool encoder, struct err_msg *m)
{
    struct flash_adc adc;
    enum err e = flash_adc(&b->technology, &cfg, &adc, m);

    if (e)
        return e;
    add(b, encoder ? "sense amplifiers, a conversion" : "sense amplifier, a decision",
        &adc.amplifiers);
    if (encoder)
        add(b, "encoder", &adc.encoder);
    return ERR_NONE;
}

static enum err make_sense_amplifier(struct bench *b, struct err_msg *m)
{
    return flash(b, (struct flash_adc_cfg){
        .sense = whole(b, 0) == 0 ? SENSE_CURRENT : SENSE_VOLTAGE, .levels = 2, .converters = 1,
        .columns = 1, .rows_at_once = 1, .on_kohm = b->value[1], .column_kohm = b->value[1],
        .column_pf = b->value[2] * 1e-3, .width_um = columns_um(b, 1) }, false, m);
}

static enum err make_flash_adc(struct bench *b, struct err_msg *m)
{
    unsigned levels = whole(b, 1);

    if ((levels & (levels - 1)) != 0)
        return err_set(m, ERR_INPUT, "levels = %u: want a power of two", levels);
    return flash(b, (struct flash_adc_cfg){
        .sense = whole(b, 0) == 0 ? SENSE_CURRENT : SENSE_VOLTAGE, .levels = levels,
        .converters = 1, .columns = 1, .rows_at_once = 1, .on_kohm = b->value[2],
        .column_kohm = b->value[3], .column_pf = b->value[4] * 1e-3,
        .width_um = columns_um(b, b->value[5]) }, true, m);
}

static enum err make_shift_add(struct bench *b, struct err_msg *m)
{
    struct shift_add_cfg cfg = { whole(b, 0), whole(b, 1), whole(b, 2),
                                 columns_um(b, b->value[3]) };
    struct circuit c = shift_add(&b->technology, &cfg, &b->activity);

    (void)m;
    add(b, "shift-and-add", &c);
    return ERR_NONE;
}

static enum err make_accumulator(struct bench *b, struct err_msg *m)
{
    struct shift_add_cfg cfg = { whole(b, 0), whole(b, 1), whole(b, 2),
                                 columns_um(b, b->value[3]) };
    struct circuit c = accumulator(&b->technology, &cfg, &b->activity);

    (void)m;
    add(b, "accumulator", &c);
    return ERR_NONE;
}

static enum err make_h_tree(struct bench *b, struct err_msg *m)
{
    struct repeated_wire w = repeated_wire(&b->technology, b->value[4], SHRINK_HALVE);
    struct circuit c = h_tree(&b->technology, &w, whole(b, 0), b->value[1], b->value[2],
                              whole(b, 3), b->value[5]);

    (void)m;
    add(b, "H-tree, root to a leaf", &c);
    return ERR_NONE;
}

/* The blocks of a core, each with what one of its actions takes. */
static enum err make_core(struct bench *b, struct err_msg *m)
{
    const struct core_hardware h = { .rows = whole(b, 0), .columns = whole(b, 1),
                                     .words = whole(b, 2), .word_bits = whole(b, 3),
                                     .lanes = whole(b, 4), .mvm_ns = b->value[5],
                                     .clock_ns = 1e3 / b->value[6], .value_bits = 8,
                                     .weight_bits = 8, .kernel_columns = whole(b, 7),
                                     .pixel_channels = whole(b, 8) };
    struct chip_model c;
    struct core_unit u;
    enum err e;

    if ((e = chip_model_load(&c, b->technology_name, b->device_name, b->chip_name, m)) ||
        (e = core_unit(&c, &h, &u, m)))
        return e;
    snprintf(b->warning, sizeof b->warning, "%s", c.warning);
    const struct { const char *name; int block; double pj; } rows[] = {
        { "crossbar, a cell in a product", PRICE_CROSSBAR, u.cell },
        { "  wire of a row", -1, u.row },
        { "  regulator of a column", -1, u.column },
        { "input drivers, a mean pulse", PRICE_INPUT_DRIVERS,
          u.row_digits * u.driver_digit },
        { "converters, a conversion", PRICE_ADC, u.conversion },
        { "digital processor, scaling an output", PRICE_DIGITAL, u.scale },
        { "  adding a residual or partial sum", -1, u.add },
        { "  rounding", -1, u.round },
        { "input memory, reading a word", PRICE_INPUT_MEMORY, u.read_word },
        { "  writing a word", -1, u.write_word },
        { "dataflow controller, registers, a clock", PRICE_CONTROLLER, u.control_registers },
        { "  selection, a clock", -1, u.control_selection },
        { "clock tree, a clock", PRICE_CLOCK, u.tree },
        { "links, a bit to the next core", PRICE_LINKS, link_bit_pj(&c, &u, 1) },
        { "  a bit over ten cores", -1, link_bit_pj(&c, &u, 10) },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct circuit r = { .energy_pj = rows[i].pj };

        if (rows[i].block >= 0) {
            r.area_um2 = u.area_um2[rows[i].block];
            r.delay_ns = u.latency_ns[rows[i].block];
            r.leakage_uw = u.leakage_uw[rows[i].block];
        }
        add(b, rows[i].name, &r);
    }
    return ERR_NONE;
}

#define COUNT(name, dflt, least, most) { name, dflt, least, most, true, NULL }
#define REAL(name, dflt, least, most)  { name, dflt, least, most, false, NULL }
#define CHOICE(name, names) { name, 0, 0, sizeof names / sizeof *names - 2, true, names }

static const char *const gates[] = { "inverter", "nand", "nor", NULL };
static const char *const sensing[] = { "csa", "vsa", NULL }; // current, voltage
static const char *const converters[] = { "csa", "vsa", "sar", "cco", "tree", NULL };
#define USUAL "22nm_lp", "pcm_4bit"

const struct circuit_row circuits[] = {
    { "gate", "standard gate, a switching output", USUAL,
      { CHOICE("kind", gates), COUNT("inputs", 2, 2, 8), REAL("load_ff", 0, 0, 1e6) }, make_gate },
    { "driver", "inverter of `size` times the smallest transistors", USUAL,
      { REAL("size", 8, 1, 1e4), REAL("load_ff", 10, 0, 1e6) }, make_driver },
    { "adder", "ripple-carry adder", USUAL, { COUNT("bits", 8, 1, 256) }, make_adder },
    { "dff", "flip-flops that all switch", USUAL, { COUNT("n", 1, 1, 1e6) }, make_dff },
    { "adder_tree", "tree of adders", USUAL,
      { COUNT("n", 4, 2, 4096), COUNT("bits", 16, 1, 256) }, make_adder_tree },
    { "shift_add", "units that shift and add, as wide as `columns` cells", USUAL,
      { COUNT("units", 32, 1, 8192), COUNT("bits", 5, 1, 256), COUNT("growth_bits", 2, 0, 256),
        COUNT("columns", 256, 1, 8192) }, make_shift_add },
    { "accumulator", "units that add in place, as wide as `columns` cells", USUAL,
      { COUNT("units", 32, 1, 8192), COUNT("bits", 5, 2, 256), COUNT("growth_bits", 2, 0, 256),
        COUNT("columns", 256, 1, 8192) }, make_accumulator },
    { "comparator", "magnitude comparator", USUAL, { COUNT("bits", 8, 1, 256) }, make_comparator },
    { "max_pool", "maximum of a window", USUAL,
      { COUNT("bits", 8, 2, 64), COUNT("window", 4, 2, 256) }, make_max_pool },
    { "relu", "registers that clear by the sign", USUAL,
      { COUNT("bits", 8, 1, 64), COUNT("units", 1, 1, 65536) }, make_relu },
    { "decoder", "row decoder", USUAL, { COUNT("bits", 8, 1, 20), REAL("load_ff", 10, 0, 1e6) },
      make_decoder },
    { "mux", "multiplexer of columns that share a converter", USUAL,
      { COUNT("columns", 256, 2, 8192), COUNT("columns_per_adc", 8, 2, 8192),
        REAL("column_kohm", 0.4, 1e-3, 1e6) }, make_mux },
    { "row_switch", "bit-serial input drivers, a bit", USUAL,
      { COUNT("rows", 256, 2, 8192), REAL("active", 0.5, 0, 1), REAL("row_ff", 50, 0, 1e6),
        REAL("row_kohm", 1, 0, 1e6) }, make_row_switch },
    { "pulse_driver", "pulse-width input driver of a row", USUAL,
      { COUNT("bits", 8, 1, 16), REAL("mean", 0.5, 0, 1) }, make_pulse_driver },
    { "column_switch", "column switches for programming", USUAL,
      { COUNT("columns", 256, 2, 8192), REAL("cell_kohm", 90, 1e-2, 1e6) }, make_column_switch },
    { "level_shifter", "level shifters to the write voltage", USUAL,
      { COUNT("n", 1, 1, 8192), REAL("write_v", 2, 0.1, 20) }, make_level_shifter },
    { "sense_amplifier", "one on a column, of current (csa) or voltage (vsa)", USUAL,
      { CHOICE("kind", sensing), REAL("column_kohm", 10, 1e-3, 1e6),
        REAL("column_ff", 50, 0, 1e6) },
      make_sense_amplifier },
    { "flash_adc", "flash converter of sense amplifiers on a column; lowest reference_kohm", USUAL,
      { CHOICE("kind", sensing), COUNT("levels", 32, 2, 4096),
        REAL("reference_kohm", 0.15625, 1e-3, 1e6), REAL("column_kohm", 0.74, 1e-3, 1e6),
        REAL("column_ff", 50, 0, 1e6), COUNT("columns", 8, 1, 8192) }, make_flash_adc },
    { "sar_adc", "SAR converter", USUAL,
      { COUNT("bits", 8, 1, 16), REAL("column_kohm", 100, 1e-3, 1e9) }, make_sar },
    { "cco_adc", "converter of oscillator and counter", USUAL,
      { COUNT("bits", 8, 1, 16), REAL("mean_code", 0.5, 0, 1) }, make_cco },
    { "sram", "SRAM macro", USUAL,
      { COUNT("words", 512, 4, 65536), COUNT("word_bits", 128, 1, 8192) }, make_sram },
    { "register_file", "buffer of flip-flops", USUAL,
      { COUNT("words", 128, 4, 65536), COUNT("word_bits", 128, 1, 8192) }, make_register_file },
    { "wire", "bus of repeated wires", USUAL,
      { COUNT("bits", 1, 1, 65536), REAL("length_um", 1000, 1e-3, 1e6),
        REAL("tolerance", 0, 0, 10), REAL("toggle", 1, 0, 1) }, make_wire },
    { "h_tree", "H-tree to n x n leaves", USUAL,
      { COUNT("n", 4, 1, 1024), REAL("leaf_width_um", 100, 1e-3, 1e5),
        REAL("leaf_height_um", 100, 1e-3, 1e5), COUNT("bits", 1, 1, 65536),
        REAL("tolerance", 0, 0, 10), REAL("toggle", 1, 0, 1) }, make_h_tree },
    { "sub_array", "crossbar with periphery, bit-serial; rows_at_once 0: all", USUAL,
      { COUNT("rows", 256, 2, 8192), COUNT("columns", 256, 2, 8192),
        COUNT("rows_at_once", 0, 0, 8192), COUNT("columns_per_adc", 8, 1, 8192),
        COUNT("levels", 32, 2, 65536), CHOICE("converter", converters),
        COUNT("cells_per_weight", 2, 1, 64), COUNT("input_bits", 8, 1, 64),
        REAL("active", 0.5, 0, 1), REAL("on_share", 0.5, 0, 1), COUNT("weight_bits", 8, 1, 64),
        COUNT("sum_bits", 0, 0, 64) },
      make_sub_array },
    { "core", "a core of the accelerator, each block with its actions", "14nm_lp", "pcm",
      { COUNT("rows", 256, 1, 8192), COUNT("columns", 256, 1, 8192), COUNT("words", 512, 4, 65536),
        COUNT("word_bits", 128, 8, 8192), COUNT("lanes", 64, 1, 65536), REAL("mvm_ns", 130, 1, 1e6),
        REAL("clock_mhz", 500, 1, 1e4), COUNT("kernel_columns", 3, 1, 64),
        COUNT("pixel_channels", 56, 1, 65536) }, make_core },
    { NULL, NULL, NULL, NULL, { { 0 } }, NULL },
};

struct circuit_text circuit_accepts(const struct param_row *p)
{
    struct circuit_text t = { "" };
    size_t n = 0;

    if (!p->names)
        snprintf(t.text, sizeof t.text, "%g to %g", p->least, p->most);
    for (unsigned i = 0; p->names && p->names[i] && n < sizeof t.text; i++)
        n += (size_t)snprintf(t.text + n, sizeof t.text - n, "%s%s",
                              i == 0 ? "" : p->names[i + 1] ? ", " : " or ", p->names[i]);
    return t;
}

void circuit_describe(const struct circuit_row *c, FILE *out)
{
    fprintf(out, "%-16s %s\n", c->name, c->doc);
    for (const struct param_row *p = c->param; p->name; p++)
        if (p->names)
            fprintf(out, "    %-18s %s (%s)\n", p->name, p->names[(unsigned)p->dflt],
                    circuit_accepts(p).text);
        else
            fprintf(out, "    %-18s %g (%s)\n", p->name, p->dflt, circuit_accepts(p).text);
    fprintf(out, "    %-18s %s, %s\n", "technology, device", c->technology, c->device);
}
