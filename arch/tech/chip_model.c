/* arch/tech/chip_model.c -- see chip_model.h. */
#include "arch/tech/chip_model.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/tech/adder.h"
#include "arch/tech/cco_adc.h"
#include "arch/tech/composed.h"
#include "arch/tech/dff.h"
#include "arch/tech/facts.h"
#include "arch/tech/pulse_driver.h"
#include "arch/tech/sar_adc.h"
#include "arch/tech/sram.h"
#include "arch/tech/wire.h"
#include "core/datadir.h"

enum { CITED = 1 << PRICE_CONVERTER_CITED,
       CHIP = CITED | 1 << PRICE_CONVERTER_SAR | 1 << PRICE_CONVERTER_CCO, // factors were fitted
       ANY = CHIP | 1 << PRICE_CONVERTER_CIRCUITS };

#define ROW(field, unit, least, most, when, doc) \
    { #field, unit, offsetof(struct chip_facts, field), least, most, doc, when }

static const struct fact_row rows[] = {
    ROW(converter_pj,       "pJ",  1e-6, 1e6, CITED, "energy of a conversion"),
    ROW(converter_um2,      "um2", 1e-3, 1e7, CITED, "area of a converter"),
    ROW(converter_ns,       "ns",  1e-3, 1e6, CITED, "time of a conversion"),
    ROW(converter_bits,     "bit", 1,    16,  ANY,   "resolution of a converter"),
    ROW(pulse_ns,           "ns",  0.01, 1e6, CHIP,  "longest input pulse"),
    ROW(mean_input,         "",    0,    1,   ANY,   "mean pulse over the longest, without values"),
    ROW(cell_energy,        "",    1e-3, 1e3, CHIP,  "energy of a cell over V_supply V_read G t"),
    ROW(column_pj,          "pJ",  0,    1e6, CHIP,  "regulator of a column"),
    ROW(cited_node_nm,      "nm",  1,    130, CHIP,  "node of the cited and fitted figures"),
    ROW(devices_per_weight, "",    1,    64,  CHIP,  "devices of a weight, of which two are read"),
    ROW(line_um2,           "um2", 0,    1e6, CHIP,  "periphery of a row and a column"),
    ROW(streams,            "",    1,    64,  ANY,   "pixel streams that a controller buffers"),
    ROW(pointers,           "",    1,    1024, ANY,  "pointers and addresses"),
    ROW(pointer_bits,       "bit", 1,    64,  ANY,   "bits of a pointer"),
    ROW(register_activity,  "",    0,    1,   ANY,   "registers that change in a clock"),
    ROW(register_energy,    "",    1e-3, 1e3, CHIP,  "energy of registers over the circuit's"),
    ROW(selection_activity, "",    0,    1,   CHIP,  "selection gates that switch in a clock"),
    ROW(control_area,       "",    1e-3, 1e3, CHIP,  "area of the controller over its gates"),
    ROW(control_leakage,    "",    1e-3, 1e6, CHIP,  "leakage of logic over the circuits'"),
    ROW(control_idle,       "",    0,    1,   ANY,   "energy of an idle clock over a busy one"),
    ROW(tree_fanout,        "",    2,    64,  ANY,   "fan-out of a clock buffer"),
    ROW(sram_area,          "",    1e-3, 1e3, CHIP,  "area of the SRAM over the circuit's"),
    ROW(sram_energy,        "",    1e-3, 1e3, CHIP,  "energy of the SRAM over the circuit's"),
    ROW(sram_leakage,       "",    1e-3, 1e6, CHIP,  "leakage of the SRAM over the circuit's"),
    ROW(adder_activity,     "",    1e-3, 1,   ANY,   "adder gates that switch"),
    ROW(link_latch,         "",    0,    1e3, CHIP,  "energy of a bit's latches over theirs"),
    ROW(link_wire,          "",    1e-3, 1e3, CHIP,  "energy of a wire over the circuit's"),
    ROW(link_toggle,        "",    0,    1,   ANY,   "bits that change on a link"),
    FACT_END
};

const char *price_block_name(enum price_block b)
{
    static const char *const names[N_PRICE_BLOCK] = {
        "crossbar", "input_drivers", "adc", "digital", "input_memory", "dataflow_controller",
        "links", "clock",
    };

    assert(b < N_PRICE_BLOCK);
    return names[b];
}

/* Factors that were or could be fitted, and the block whose energy they scale; N_PRICE_BLOCK:
 * area or leakage only. */
static const struct {
    const char      *key;
    size_t           offset;
    enum price_block block;
    double           neutral;
} factors[] = {
#define FACTOR(field, block, neutral) { #field, offsetof(struct chip_facts, field), block, neutral }
    FACTOR(cell_energy,        PRICE_CROSSBAR,      1),
    FACTOR(column_pj,          PRICE_CROSSBAR,      0),
    FACTOR(converter_pj,       PRICE_ADC,          -1),
    FACTOR(adder_activity,     PRICE_DIGITAL,      -1),
    FACTOR(sram_energy,        PRICE_INPUT_MEMORY,  1),
    FACTOR(register_energy,    PRICE_CONTROLLER,    1),
    FACTOR(selection_activity, PRICE_CONTROLLER,    1),
    FACTOR(link_latch,         PRICE_LINKS,         1),
    FACTOR(link_wire,          PRICE_LINKS,         1),
    FACTOR(control_area,       N_PRICE_BLOCK,       1),
    FACTOR(control_leakage,    N_PRICE_BLOCK,       1),
    FACTOR(sram_area,          N_PRICE_BLOCK,       1),
    FACTOR(sram_leakage,       N_PRICE_BLOCK,       1),
    FACTOR(line_um2,           N_PRICE_BLOCK,       0),
};
enum { N_FACTOR = sizeof factors / sizeof *factors };

const char *price_basis(const struct chip_model *c, enum price_block b)
{
    bool cited = b == PRICE_ADC && c->converter == PRICE_CONVERTER_CITED;

    if (c->away && (c->fitted[b] || cited))
        return "scaled";
    return c->fitted[b] ? "calibrated" : cited ? "cited" : "predicted";
}

static void without_factors(struct chip_model *c)
{
    for (unsigned i = 0; i < N_FACTOR; i++) {
        double *value = (double *)(void *)((char *)&c->fact + factors[i].offset);
        if (factors[i].neutral >= 0) // -1: not a factor of this chip's own
            *value = factors[i].neutral;
        if (factors[i].block < N_PRICE_BLOCK)
            c->fitted[factors[i].block] = false;
    }
}

struct chip_model chip_model_predicted(const struct chip_model *c)
{
    struct chip_model p = *c;

    without_factors(&p);
    return p;
}

/* What a file said once and the machine and the network say now. */
#define DERIVED "input_bits", "weight_levels", "stream_channels", "kernel_columns"
static const char *const derived[] = { DERIVED };
enum { N_DERIVED = sizeof derived / sizeof *derived };

static void note_derived(const struct yaml *root, struct chip_model *c)
{
    size_t used = strlen(c->warning);

    for (unsigned i = 0; i < N_DERIVED; i++)
        if (yaml_get(root, derived[i]) && used < sizeof c->warning)
            used += (size_t)snprintf(c->warning + used, sizeof c->warning - used,
                                     "%s%s has no effect: it follows from machine and network",
                                     used > 0 ? "; " : "", derived[i]);
}

static const char *const others[] = { "format", "converter", "technology", "device", DERIVED,
                                      NULL };
static const char *const converters[] = { "cited", "sar", "cco", "circuits" };
enum { N_CONVERTER = sizeof converters / sizeof *converters };

/* All that the file lacks: which numbers depends on its converter. */
static enum err check_missing(const struct yaml *root, struct err_msg *m)
{
    static const char *const wanted[] = { "format", "converter", NULL };
    const struct yaml *kind = yaml_get(root, "converter");
    struct facts_missing missing = { 0 };
    unsigned mask = 0;

    for (unsigned i = 0; kind && kind->kind == YAML_SCALAR && i < N_CONVERTER; i++)
        mask |= strcmp(kind->text, converters[i]) == 0 ? 1u << i : 0;
    enum err e = mask ? facts_check_known(root, "", rows, mask, others, m) : ERR_NONE;
    facts_missing_add(&missing, root, "", rows, mask, wanted);
    return e ? e : facts_missing_check(&missing, root, m);
}

static enum err read_chip(const struct yaml *root, struct chip_model *c, struct err_msg *m)
{
    const struct yaml *format = yaml_get(root, "format"), *kind = yaml_get(root, "converter");
    const char *text;
    enum err e = check_missing(root, m);

    if (e || (e = yaml_text(format, "format", &text, m)))
        return e;
    if (strcmp(text, "imcsim-chip/1") != 0)
        return yaml_error(format, m, "format = %s: want imcsim-chip/1", text);
    if ((e = yaml_text(kind, "converter", &text, m)))
        return e;
    for (unsigned i = 0; i < N_CONVERTER; i++)
        if (strcmp(text, converters[i]) == 0) {
            c->converter = (enum price_converter)i;
            c->adc = CONVERTER_SAR;
            without_factors(c);
            for (unsigned k = 0; k < N_FACTOR; k++)
                if (factors[k].block < N_PRICE_BLOCK && facts_fitted(root, factors[k].key))
                    c->fitted[factors[k].block] = true;
            return facts_read(root, "", rows, 1u << i, others, &c->fact, m);
        }
    return yaml_error(kind, m, "converter = %s: want cited, sar, cco or circuits", text);
}

/* Where its figures hold: one node, type and temperature, one device. */
static enum err read_home(const struct yaml *root, struct chip_model *c, struct err_msg *m)
{
    const struct yaml *technology = yaml_get(root, "technology");
    const struct yaml *device = yaml_get(root, "device");
    const char *text;
    enum err e;

    snprintf(c->home_technology, sizeof c->home_technology, "%gnm_lp", c->fact.cited_node_nm);
    snprintf(c->home_device, sizeof c->home_device, "%s", c->device.name);
    if (technology) {
        if ((e = yaml_text(technology, "technology", &text, m)))
            return e;
        snprintf(c->home_technology, sizeof c->home_technology, "%s", text);
    }
    if (device) {
        if ((e = yaml_text(device, "device", &text, m)))
            return e;
        snprintf(c->home_device, sizeof c->home_device, "%s", text);
    }
    return ERR_NONE;
}

static void note(struct chip_model *c, const char *format, ...)
{
    size_t used = strlen(c->warning);
    va_list arguments;

    if (used > 0 && used < sizeof c->warning)
        used += (size_t)snprintf(c->warning + used, sizeof c->warning - used, "; ");
    if (used >= sizeof c->warning)
        return;
    va_start(arguments, format);
    vsnprintf(c->warning + used, sizeof c->warning - used, format, arguments);
    va_end(arguments);
}

/* A factor between a chip's transistors and the model's of one type says nothing of another type:
 * there the circuits' own leakage counts. A cell's factor is of its device. */
static void drop_factors(struct chip_model *c, const struct technology *home)
{
    struct chip_facts *f = &c->fact;

    bool leaks = f->control_leakage != 1 || f->sram_leakage != 1;

    if (home->flavour != c->technology.flavour && leaks) {
        note(c, "its factors of leakage are of %s and left out", c->home_technology);
        f->control_leakage = f->sram_leakage = 1;
    }
    if (strcmp(c->home_device, c->device.name) != 0) {
        c->away = true;
        if (f->cell_energy != 1)
            note(c, "its factor of the cells' energy is of %s and left out", c->home_device);
        f->cell_energy = 1;
    }
}

/* What its figures become elsewhere. Cited and absolute ones scale as the SAR converter of the same
 * resolution does; ratios to circuits follow the circuits, but for those that cannot hold. */
static enum err scale_figures(struct chip_model *c, struct err_msg *m)
{
    struct technology home;
    struct technology_warning w;
    unsigned bits = (unsigned)c->fact.converter_bits;
    const double any_kohm = 1e3;
    enum err e;

    c->cited_energy = c->cited_area = 1;
    if (c->converter == PRICE_CONVERTER_CIRCUITS)
        return ERR_NONE;
    if ((e = technology_load_name(&home, NULL, c->home_technology, &w, m))) {
        err_prefix(m, "technology");
        return e;
    }
    drop_factors(c, &home);
    if (strcmp(home.name, c->technology.name) == 0)
        return ERR_NONE;
    c->away = true;
    struct circuit here = sar_adc(&c->technology, bits, any_kohm);
    struct circuit there = sar_adc(&home, bits, any_kohm);
    c->cited_energy = here.energy_pj / there.energy_pj;
    c->cited_area = here.area_um2 / there.area_um2;
    note(c, "figures of %g nm scaled to %s: energy by %.3g, area by %.3g", c->fact.cited_node_nm,
         c->technology.name, c->cited_energy, c->cited_area);
    return ERR_NONE;
}

/* The file that a word means; a mistake names what was wanted of it. */
static enum err find(char path[DATADIR_BYTE], const char *what, const char *word, struct err_msg *m)
{
    char folder[32];

    snprintf(folder, sizeof folder, "%ss", what);
    enum err e = datadir_find(path, folder, word, m);
    if (e)
        err_prefix(m, what);
    return e;
}

enum err chip_model_load(struct chip_model *c, const char *technology, const char *device,
                         const char *chip, struct err_msg *m)
{
    char device_path[DATADIR_BYTE], chip_path[DATADIR_BYTE];
    struct technology_warning w;
    struct yaml root;
    enum err e;

    *c = (struct chip_model){ 0 };
    if ((e = find(device_path, "device", device, m)) || (e = find(chip_path, "chip", chip, m)) ||
        (e = technology_load_name(&c->technology, NULL, technology, &w, m)) ||
        (e = device_load(&c->device, device_path, m)) || (e = yaml_load(&root, chip_path, m)))
        return e;
    snprintf(c->warning, sizeof c->warning, "%s", w.text);
    e = read_chip(&root, c, m);
    if (!e)
        e = read_home(&root, c, m);
    note_derived(&root, c);
    yaml_release(&root);
    if (e || (e = scale_figures(c, m)))
        return e;
    if (c->device.sram && c->converter != PRICE_CONVERTER_CIRCUITS)
        return err_set(m, ERR_INPUT, "%s: cell = sram: this chip multiplies in resistive cells: "
                       "want another energy.device, such as pcm", device_path);
    return ERR_NONE;
}

static enum err convert(const struct chip_model *c, const struct core_hardware *h,
                        struct core_unit *u, struct err_msg *m)
{
    const struct chip_facts *f = &c->fact;
    struct circuit adc = { .area_um2 = f->converter_um2 * c->cited_area,
                           .delay_ns = f->converter_ns,
                           .energy_pj = f->converter_pj * c->cited_energy };

    if (c->converter == PRICE_CONVERTER_SAR) // of a column that all rows drive
        adc = sar_adc(&c->technology, (unsigned)f->converter_bits,
                      1e3 / (2 * c->device.mean_us * h->rows));
    if (c->converter == PRICE_CONVERTER_CCO)
        adc = cco_adc(&c->technology, (unsigned)f->converter_bits, f->mean_input);
    if (f->pulse_ns + adc.delay_ns > h->mvm_ns)
        return err_set(m, ERR_INPUT, "pulse of %g ns and conversion of %.4g ns: want at most the "
                       "crossbar's mvm_ns = %g", f->pulse_ns, adc.delay_ns, h->mvm_ns);
    u->conversion = adc.energy_pj;
    u->area_um2[PRICE_ADC] = h->columns * adc.area_um2;
    u->leakage_uw[PRICE_ADC] = h->columns * adc.leakage_uw * f->control_leakage;
    u->latency_ns[PRICE_ADC] = adc.delay_ns;
    return ERR_NONE;
}

/* The regulator holds V_read on the column and takes its current from the supply. */
static void crossbar(const struct chip_model *c, const struct core_hardware *h, struct core_unit *u)
{
    const struct chip_facts *f = &c->fact;
    const struct technology *t = &c->technology;
    double F = t->feature_um, v = c->device.read_v;
    double weight_um2 = f->devices_per_weight *
                        c->device.cell_height_f * F * c->device.cell_width_f * F;
    /* V V uS ns = fJ */
    double pair_pj = t->supply_v * v * 2 * c->device.mean_us * f->pulse_ns * 1e-3;
    double largest_us = 1e3 / c->device.on_kohm, codes = exp2(h->value_bits) - 1;
    double levels = fmax(exp2(h->weight_bits - 1.0) - 1, 1); // the largest |w|

    u->cell = f->cell_energy * pair_pj * f->mean_input;
    u->cell_lsb2 = f->cell_energy * t->supply_v * v * (largest_us / levels) *
                   (f->pulse_ns / codes) * 1e-3;
    u->row = h->columns * sqrt(weight_um2) * t->wire_pf_um * v * v;
    u->column = f->column_pj * c->cited_energy;
    u->area_um2[PRICE_CROSSBAR] = (double)h->rows * h->columns * weight_um2 +
                                  c->cited_area * f->line_um2 * (h->rows + h->columns) / 2;
    u->latency_ns[PRICE_CROSSBAR] = f->pulse_ns;
}

static void input_drivers(const struct chip_model *c, const struct core_hardware *h,
                          struct core_unit *u)
{
    const struct chip_facts *f = &c->fact;
    struct circuit mean = pulse_driver(&c->technology, h->value_bits, f->mean_input);
    struct circuit full = pulse_driver(&c->technology, h->value_bits, 1);

    u->row_pulse = mean.energy_pj;
    u->row_lsb = full.energy_pj / (exp2(h->value_bits) - 1);
    u->area_um2[PRICE_INPUT_DRIVERS] = h->rows * full.area_um2;
    u->leakage_uw[PRICE_INPUT_DRIVERS] = h->rows * full.leakage_uw * f->control_leakage;
}

/* t = acc * M + B: an array multiplier of 16 rows, then 64-bit additions (arch/units/digital.h). */
static void digital(const struct chip_model *c, const struct core_hardware *h, struct core_unit *u)
{
    const unsigned acc_bits = 24, scale_bits = 16, sum_bits = 64;
    const struct technology *t = &c->technology;
    struct activity a = { c->fact.adder_activity, c->fact.register_activity, 1 };
    struct circuit row = adder(t, acc_bits, 0, &a), sum = adder(t, sum_bits, 0, &a);
    struct circuit reg = dff(t, sum_bits, sum_bits, a.dff);
    double um2 = scale_bits * row.area_um2 + 3 * (sum.area_um2 + reg.area_um2);

    u->add = sum.energy_pj + reg.energy_pj;
    u->scale = scale_bits * row.energy_pj + u->add;
    u->round = u->add;
    u->area_um2[PRICE_DIGITAL] += h->lanes * um2 * c->fact.control_area;
    u->leakage_uw[PRICE_DIGITAL] += h->lanes * c->fact.control_leakage *
                                    (scale_bits * row.leakage_uw +
                                     3 * (sum.leakage_uw + reg.leakage_uw));
}

static void input_memory(const struct chip_model *c, const struct core_hardware *h,
                         struct core_unit *u)
{
    struct sram_cfg cfg = { h->words, h->word_bits };
    struct activity all = ACTIVITY_ALL;
    struct sram s = sram_complete(sram(&c->technology, &cfg, &all));

    u->read_word = c->fact.sram_energy * s.macro.energy_pj;
    u->write_word = c->fact.sram_energy * s.write_pj;
    u->area_um2[PRICE_INPUT_MEMORY] = c->fact.sram_area * s.macro.area_um2;
    u->leakage_uw[PRICE_INPUT_MEMORY] = c->fact.sram_leakage * s.macro.leakage_uw;
    u->latency_ns[PRICE_INPUT_MEMORY] = s.macro.delay_ns;
}

static double control_registers(const struct chip_facts *f, const struct core_hardware *h)
{
    double pixel_bits = (double)h->pixel_channels * h->value_bits;

    return 2.0 * h->rows * h->value_bits    // the crossbar's inputs: in use, and being filled
           + h->kernel_columns * pixel_bits // the kernel row being read
           + f->streams * pixel_bits        // a pixel of every stream
           + f->pointers * f->pointer_bits;
}

static void controller(const struct chip_model *c, const struct core_hardware *h,
                       struct core_unit *u)
{
    const struct technology *t = &c->technology;
    const struct chip_facts *f = &c->fact;
    double n = control_registers(f, h), v2 = t->supply_v * t->supply_v;
    struct gate inv = gate_standard(t, GATE_INV, 1, gate_widths(t, 1, 1));
    struct gate nand = gate_standard(t, GATE_NAND, 2, gate_widths(t, 2, 1));
    struct circuit reg = dff(t, n, n * f->register_activity, 1);
    double select_um2 = n * 3 * gate_area_um2(&nand);
    double um2 = f->control_area * (reg.area_um2 + select_um2);
    /* Sinks and the buffers before them; wire of a tree over n sinks in that area. */
    double tree_pf = n * inv.in_pf * f->tree_fanout / (f->tree_fanout - 1) +
                     t->wire_pf_um * sqrt(n * um2);

    u->control_dff = n;
    u->register_leakage_uw = f->control_leakage * reg.leakage_uw;
    u->control_registers = f->register_energy * reg.energy_pj;
    u->control_selection = f->selection_activity * n * 3 * (nand.in_pf + nand.out_pf) * v2;
    u->tree = tree_pf * v2;
    u->area_um2[PRICE_CONTROLLER] = um2;
    u->leakage_uw[PRICE_CONTROLLER] = u->register_leakage_uw +
                                      f->control_leakage * n * 3 * nand.leakage_uw;
    u->leakage_uw[PRICE_CLOCK] = f->control_leakage * n * inv.leakage_uw / (f->tree_fanout - 1);
}

static enum err array(const struct chip_model *c, const struct core_hardware *h,
                      struct core_unit *u, struct err_msg *m)
{
    if (c->converter == PRICE_CONVERTER_CIRCUITS)
        return composed_array(c, h, u, m);
    enum err e = convert(c, h, u, m);
    if (e)
        return e;
    crossbar(c, h, u);
    input_drivers(c, h, u);
    return ERR_NONE;
}

enum err core_unit(const struct chip_model *c, const struct core_hardware *h, struct core_unit *u,
                   struct err_msg *m)
{
    enum err e;

    *u = (struct core_unit){ 0 };
    if (h->words < 4)
        return err_set(m, ERR_INPUT, "input memory of %u words: want at least 4", h->words);
    if ((e = array(c, h, u, m)))
        return e;
    digital(c, h, u);
    input_memory(c, h, u);
    controller(c, h, u);
    return ERR_NONE;
}

static double area_um2(const struct core_unit *u)
{
    double um2 = 0;

    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        um2 += u->area_um2[b];
    return um2;
}

double link_bit_pj(const struct chip_model *c, const struct core_unit *u, double pitches)
{
    struct repeated_wire w = repeated_wire(&c->technology, 0, SHRINK_HALVE);
    double pitch_um = sqrt(area_um2(u));

    return c->fact.link_latch * dff(&c->technology, 2, 2, 1).energy_pj +
           c->fact.link_wire * c->fact.link_toggle * pitches * pitch_um * w.pj_per_bit_um;
}

struct link_cost link_cost(const struct chip_model *c, const struct core_unit *u, unsigned wires,
                           double pitches)
{
    struct repeated_wire w = repeated_wire(&c->technology, 0, SHRINK_HALVE);
    struct bus_cfg cfg = { wires, pitches * sqrt(area_um2(u)), 1, 1 };
    struct circuit wire = bus(&c->technology, &w, &cfg), latch = dff(&c->technology, 2, 2, 1);

    if (c->converter != PRICE_CONVERTER_CIRCUITS)
        return (struct link_cost){ 0, 0 };
    return (struct link_cost){ wire.area_um2 + wires * latch.area_um2,
                               wire.leakage_uw + wires * latch.leakage_uw };
}

struct core_peak core_peak(const struct core_hardware *h, const struct core_unit *u)
{
    const struct array_hardware *a = &h->array;
    double cells = (double)h->rows * h->columns, slices = a->slices ? a->slices : 1;
    double ops = 2 * cells / (a->columns_per_weight ? a->columns_per_weight : 1);
    double groups = a->rows_at_once ? ceil((double)h->rows / a->rows_at_once) : 1;
    double outputs = ops / 2 / h->rows, codes = h->columns * slices * groups;
    struct core_peak p = { .area_um2 = area_um2(u) };

    p.energy_pj[PRICE_CROSSBAR] = cells * slices * u->cell + h->rows * (u->row + u->row_on) +
                                  h->columns * u->column;
    p.energy_pj[PRICE_INPUT_DRIVERS] = h->rows *
                                       (u->row_pulse + u->row_clocked + u->row_switched);
    p.energy_pj[PRICE_ADC] = codes * u->conversion;
    p.energy_pj[PRICE_DIGITAL] = outputs * (u->scale + u->round) +
                                 (codes - outputs) * u->shift_add;
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        p.total_pj += p.energy_pj[b];
    p.tops = ops / h->mvm_ns * 1e-3;
    p.tops_per_w = ops / p.total_pj;
    p.tops_per_mm2 = p.tops / (p.area_um2 * 1e-6);
    return p;
}

struct control_power control_power(const struct core_hardware *h, const struct core_unit *u)
{
    double register_uw = u->register_leakage_uw; // pJ / ns = mW
    struct control_power p = {
        .sequential_mw = u->control_registers / h->clock_ns + register_uw * 1e-3,
        .sram_mw = u->read_word / h->clock_ns + u->leakage_uw[PRICE_INPUT_MEMORY] * 1e-3,
        .combinational_mw = u->control_selection / h->clock_ns +
                            (u->leakage_uw[PRICE_CONTROLLER] - register_uw) * 1e-3,
        .clock_mw = u->tree / h->clock_ns + u->leakage_uw[PRICE_CLOCK] * 1e-3,
    };

    p.total_mw = p.sequential_mw + p.sram_mw + p.combinational_mw + p.clock_mw;
    return p;
}
