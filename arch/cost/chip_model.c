/* arch/cost/chip_model.c -- see chip_model.h. */
#include "arch/cost/chip_model.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/circuits/sar_adc.h"
#include "arch/tech/facts.h"
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
    static const char *const names[N_PRICE_ALL] = {
        "crossbar", "input_drivers", "adc", "digital", "input_memory", "dataflow_controller",
        "links", "clock", "routers", "attention", "kv_memory", "norm", "off_chip",
    };

    assert(b < N_PRICE_ALL);
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

    if (b == PRICE_OFF_CHIP || (b == PRICE_ATTENTION && c->token.float_mac_pj > 0))
        return "cited"; // of no circuit here
    if (b == PRICE_ROUTERS)
        return "predicted";
    if (b >= N_PRICE_BLOCK)
        b = b == PRICE_KV_MEMORY ? PRICE_INPUT_MEMORY : PRICE_DIGITAL; // what they are made of

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

static const char *const others[] = { "format", "converter", "technology", "device", "tokens",
                                      "routers", DERIVED, NULL };
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
    enum err e;

    if (format && format->kind == YAML_SCALAR && strcmp(format->text, "imcsim-event-chip/1") == 0)
        return yaml_error(format, m, "format = %s: figures of event cores: want core.kind = event, "
                          "or another energy.chip, such as composed", format->text);
    e = check_missing(root, m);
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

static enum err find_chip(char path[DATADIR_BYTE], const char *word, struct err_msg *m)
{
    enum err e = datadir_find(path, "chips", word, m);

    if (e)
        err_prefix(m, "chip");
    return e;
}

enum err chip_model_load(struct chip_model *c, const char *technology, const char *device,
                         const char *chip, struct err_msg *m)
{
    char chip_path[DATADIR_BYTE];
    struct technology_warning w;
    struct yaml root;
    enum err e;

    *c = (struct chip_model){ 0 };
    if ((e = device_read(&c->device, device, "device", m)) || (e = find_chip(chip_path, chip, m)) ||
        (e = technology_load_name(&c->technology, NULL, technology, &w, m)) ||
        (e = yaml_load(&root, chip_path, m)))
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
                       "want another energy.device, such as pcm", c->device.name);
    return ERR_NONE;
}
