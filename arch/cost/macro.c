/* arch/cost/macro.c -- see macro.h. */
#include "arch/cost/macro.h"

#include <assert.h>
#include <sys/stat.h>

#include "arch/circuits/adder.h"
#include "arch/circuits/dff.h"
#include "arch/circuits/switches.h"
#include "arch/tech/facts.h"
#include "core/datadir.h"

/* Gates of each block, Lu et al. 2021, Tables 4 and 5 (control registers: its area over that of
 * one). */
static const struct {
    double dff, adder_bits, inverters;
    unsigned adders, busy_bits; // of the adders, those that one precision uses
} shift = { 176, 144, 2133, 16, 3 }, accum = { 1216, 672, 10869, 16, 15 },
  control = { 1895, 0, 10485, 0, 0 };

/* Inverters of that design kit are as much higher than standard cells (Lu et al. 2021, section
 * 4.2). */
static const double inverter_height = 1.84;

/* Simulated by the authors: mux, converter, array, and the delays of Table 3. */
static const double cited_mux_um2 = 459, cited_adc_um2 = 4271, cited_cell_f2 = 75;
static const double cited_shifter_pj = 1.02, cited_mux_pj = 0.07, cited_adc_pj = 74.50;
static const double cited_array_pj = 4.99, cited_stages_ns = 1.12 + 0.06 + 5 + 0.19 + 0.37 + 0.02;

/* How often analog and digital modules work to use the whole array once: Table 6 over Tables 3 and
 * 5. */
static const double evaluations = 3177.75 / (80.58 + 15.41);

const char *macro_module_name(enum macro_module m)
{
    static const char *const names[N_MACRO_MODULE] = {
        "level shifter", "mux and ADC", "array", "analog", "shift-add DFF", "shift-add adder",
        "shift-add inverter", "accumulator DFF", "accumulator adder", "accumulator inverter",
        "control DFF", "control inverter", "digital",
    };

    assert(m < N_MACRO_MODULE);
    return names[m];
}

struct macro_facts {
    double supply_v, size_ratio, gate_ff_um, junction_ff_um2, junction_side_ff_um,
        junction_channel_ff_um;
};

#define ROW(field, unit, least, most, when, doc) \
    { #field, unit, offsetof(struct macro_facts, field), least, most, doc, when }

static enum err read_facts(struct macro_facts *f, const char **calibration, struct yaml *root,
                           struct err_msg *m)
{
    static const struct fact_row rows[] = {
        ROW(supply_v,               "V",      0.1,  5,   1, "supply"),
        ROW(size_ratio,             "",       0.1,  10,  1, "P over N width of equal strength"),
        ROW(gate_ff_um,             "fF/um",  1e-3, 100, 1, "gate capacitance"),
        ROW(junction_ff_um2,        "fF/um2", 0,    100, 1, "junction bottom at the supply"),
        ROW(junction_side_ff_um,    "fF/um",  0,    100, 1, "junction sidewall at the supply"),
        ROW(junction_channel_ff_um, "fF/um",  0,    100, 1, "junction to the channel"),
        FACT_END
    };
    static const char *const none[] = { NULL }, *const wanted[] = { "calibration", "macro", NULL };
    const struct yaml *map = yaml_get(root, "macro"), *cal = yaml_get(root, "calibration");
    struct facts_missing missing = { 0 };

    for (size_t i = 0; root->kind == YAML_MAP && i < root->n_item; i++)
        if (&root->item[i] != map && &root->item[i] != cal)
            return yaml_error(&root->item[i], m, "unknown key %.40s: want macro, calibration",
                              root->item[i].key);
    facts_missing_add(&missing, root, "", rows, 0, wanted);
    if (map)
        facts_missing_add(&missing, map, "macro.", rows, 1, NULL);
    enum err e = facts_missing_check(&missing, root, m);
    if (!e)
        e = yaml_text(cal, "calibration", calibration, m);
    return e ? e : facts_read(map, "macro.", rows, 1, none, f, m);
}

static void fit(struct technology *t, const struct macro_facts *f)
{
    t->size_ratio = f->size_ratio;
    t->gate_pf_um = f->gate_ff_um * 1e-3;
    t->junction_pf_um2 = f->junction_ff_um2 * 1e-3;
    t->junction_side_pf_um = f->junction_side_ff_um * 1e-3;
    t->junction_channel_pf_um = f->junction_channel_ff_um * 1e-3;
}

bool macro_is(const char *name)
{
    char path[DATADIR_BYTE];
    struct err_msg m;
    struct yaml root;
    struct stat st;

    datadir_open_name(path, name);
    if (stat(path, &st) || !S_ISREG(st.st_mode)) // a pipe can be read only once
        return false;
    bool is = !yaml_load(&root, path, &m) && yaml_get(&root, "macro");
    yaml_release(&root);
    return is;
}

/* Of a macro's file; a path is as seen from there. */
static enum err load_calibration(struct calibration *c, const char *word, const char *macro,
                                 struct err_msg *m)
{
    char path[DATADIR_BYTE], found[DATADIR_BYTE], directory[DATADIR_BYTE];
    enum err e = datadir_find(found, "calibration", word, m);

    datadir_of(directory, macro);
    if (!e && !datadir_join(path, datadir_is_path(word) ? directory : ".", found))
        e = err_set(m, ERR_INPUT, "%.64s...: the file name is too long", found);
    if (e)
        err_prefix(m, "calibration");
    return e ? e : calibration_load(c, path, m);
}

enum err macro_load(struct macro_preset *p, const char *name, struct err_msg *m)
{
    char path[DATADIR_BYTE];
    struct technology_warning w;
    struct macro_facts f;
    const char *calibration;
    struct yaml root;
    enum err e;

    datadir_open_name(path, name);
    if ((e = technology_load(&p->plain, NULL, 40, FLAVOUR_LP, &w, m)) ||
        (e = yaml_load(&root, path, m)))
        return e;
    if (!(e = read_facts(&f, &calibration, &root, m)))
        e = load_calibration(&p->factors, calibration, path, m);
    yaml_release(&root);
    if (e)
        return e;
    p->plain.supply_v = f.supply_v;
    p->fitted = p->plain;
    fit(&p->fitted, &f);
    return ERR_NONE;
}

/* Of a flip-flop of the largest transistors, all switching. */
static double dff_pj(const struct technology *t)
{
    struct gate inv = gate_standard(t, GATE_INV, 1, gate_enlarge(t, gate_widths(t, 1, 1)));

    return (8 * inv.in_pf + 10 * inv.out_pf) * t->supply_v * t->supply_v;
}

static double inverter_pj(const struct technology *t)
{
    struct gate inv = gate_standard(t, GATE_INV, 1, gate_enlarge(t, gate_widths(t, 1, 1)));

    return (inv.in_pf + inv.out_pf) * t->supply_v * t->supply_v;
}

static double inverter_um2(const struct technology *t)
{
    struct gate inv = gate_standard(t, GATE_INV, 1, gate_widths(t, 1, 1));

    return gate_area_um2(&inv) * inverter_height;
}

static struct macro_cell cell(double ours, double chip, double article)
{
    return (struct macro_cell){ ours, chip, article, false };
}

static struct macro_cell cited(double ours, double chip, double article)
{
    return (struct macro_cell){ ours, chip, article, true };
}

static void analog(const struct technology *t, const struct calibration *c, struct macro *m)
{
    double F2 = t->feature_um * t->feature_um;

    m->module[MACRO_LEVEL_SHIFTER].area_um2 =
        cell(level_shifter(t, 3 * 256, c->level_shifter_wiring, 2).area_um2, 31589, 30966);
    m->module[MACRO_LEVEL_SHIFTER].energy_pj = cited(cited_shifter_pj, 0.99, 1.02);
    m->module[MACRO_MUX_ADC].area_um2 = cited(cited_mux_um2 + cited_adc_um2, 5400, 4730);
    m->module[MACRO_MUX_ADC].energy_pj = cited(cited_mux_pj + cited_adc_pj, 0, 74.57);
    m->module[MACRO_ARRAY].area_um2 = cell(256 * 256 * cited_cell_f2 * F2, 7864, 7864);
    m->module[MACRO_ARRAY].energy_pj = cited(cited_array_pj, 0, 4.99);
    m->module[MACRO_ANALOG].area_um2 = cell(0, 44853, 43560);
    m->module[MACRO_ANALOG].energy_pj = cited(0, 86.79, 80.58);
    m->sensing_ns = cited(cited_stages_ns * c->sensing_delay, 10, 9.46);
}

static void digital(const struct technology *t, const struct calibration *c, struct macro *m)
{
    struct activity all = ACTIVITY_ALL;
    double dff_um2 = dff(t, 1, 1, 1).area_um2, bit_um2 = adder(t, 1, 0, &all).area_um2;
    double inv_um2 = inverter_um2(t), inv_pj = inverter_pj(t) * c->control_activity;
    double reg_pj = dff_pj(t);
    double shift_pj = shift.adders * adder(t, shift.busy_bits, 0, &all).energy_pj;
    double accum_pj = accum.adders * adder(t, accum.busy_bits, 0, &all).energy_pj;
    const struct { enum macro_module module; struct macro_cell area, energy; } rows[] = {
        { MACRO_SHIFT_DFF, cell(shift.dff * dff_um2, 681, 719),
          cell(shift.dff * reg_pj * c->dff_activity, 1.25, 1.25) },
        { MACRO_SHIFT_ADDER, cell(shift.adder_bits * bit_um2, 663, 662),
          cell(shift_pj * c->adder_activity, 0.15, 0.12) },
        { MACRO_SHIFT_INV, cell(shift.inverters * inv_um2, 1334, 1336),
          cell(shift.inverters * inv_pj, 0.33, 0.17) },
        { MACRO_ACCUM_DFF, cell(accum.dff * dff_um2, 4706, 4968),
          cell(accum.dff * reg_pj * c->dff_activity, 8.37, 8.65) },
        { MACRO_ACCUM_ADDER, cell(accum.adder_bits * bit_um2, 3291, 3089),
          cell(accum_pj * c->adder_activity, 0.60, 0.60) },
        { MACRO_ACCUM_INV, cell(accum.inverters * inv_um2, 6797, 6808),
          cell(accum.inverters * inv_pj, 0.80, 0.84) },
        { MACRO_CONTROL_DFF, cell(control.dff * dff_um2, 7334, 7742),
          cell(control.dff * reg_pj * c->control_dff_activity, 3.01, 2.97) },
        { MACRO_CONTROL_INV, cell(control.inverters * inv_um2, 6558, 6569),
          cell(control.inverters * inv_pj, 0.75, 0.81) },
        { MACRO_DIGITAL, cell(0, 31386, 31893), cell(0, 15.26, 15.41) },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        m->module[rows[i].module].area_um2 = rows[i].area;
        m->module[rows[i].module].energy_pj = rows[i].energy;
    }
}

static void add_up(struct macro *m, enum macro_module first, enum macro_module sum)
{
    for (unsigned i = first; i < sum; i++) {
        m->module[sum].area_um2.ours += m->module[i].area_um2.ours;
        m->module[sum].energy_pj.ours += m->module[i].energy_pj.ours;
    }
}

struct macro macro(const struct technology *t, const struct calibration *cal)
{
    struct macro m;

    analog(t, cal, &m);
    digital(t, cal, &m);
    add_up(&m, MACRO_LEVEL_SHIFTER, MACRO_ANALOG);
    add_up(&m, MACRO_SHIFT_DFF, MACRO_DIGITAL);
    double pj = evaluations * (m.module[MACRO_ANALOG].energy_pj.ours +
                               m.module[MACRO_DIGITAL].energy_pj.ours);
    m.pre_layout_pj = cell(pj, 3150.8, 3177.75);
    m.post_layout_pj = cell(pj * cal->post_layout_energy, 3864.2, 3876.9);
    return m;
}
