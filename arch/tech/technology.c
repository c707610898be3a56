/* arch/tech/technology.c -- see technology.h. */
#include "arch/tech/technology.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/tech/facts.h"
#include "core/datadir.h"

static const double nodes_nm[] = { 130, 90, 65, 45, 32, 22, 14, 10, 7, 5, 3, 2, 1 };
enum { N_NODE = sizeof nodes_nm / sizeof *nodes_nm };

enum { BULK = 1 << TRANSISTOR_BULK, FIN = 1 << TRANSISTOR_FINFET | 1 << TRANSISTOR_GAA,
       ANY = BULK | FIN, GAA = 1 << TRANSISTOR_GAA, HP = 1 << 8 };

/* Currents are known at 300 K and, in bulk, every step above it. */
static const double cool_k = 300, step_k = 10;

/* The numbers of a file, in its units. X(key, unit, least, most, when, doc) */
#define NODE_FACTS(X)                                                                           \
    X(cell_height_f,          "F",      1, 1000,  ANY,  "height of a standard cell")            \
    X(gate_pitch_f,           "F",      1, 1000,  ANY,  "contacted gate pitch")                 \
    X(gate_width_f,           "F",      0.1, 100, ANY,  "drawn gate length")                    \
    X(np_gap_f,               "F",      0.1, 100, ANY,  "gap between N and P diffusion")        \
    X(cell_margin_f,          "F",      0.1, 100, ANY,  "cell height outside the diffusions")   \
    X(track_pitch_f,          "F",      0.1, 100, ANY,  "pitch of the third metal")             \
    X(gate_length_nm,         "nm",     1, 1000,  ANY,  "physical gate length")                 \
    X(fin_pitch_nm,           "nm",     1, 1000,  FIN,  "pitch of fins")                        \
    X(fin_width_nm,           "nm",     1, 1000,  FIN,  "width of a fin or sheet")              \
    X(fins_most,              "",       1, 100,   FIN,  "fins per polarity in a cell")          \
    X(fin_height_nm,          "nm",     1, 1000,  FIN,  "height of a fin or sheet")             \
    X(sheets,                 "",       1, 10,    FIN,  "sheets per stack, 1 for fins")         \
    X(wire_m0_nm,             "nm",     1, 1000,  ANY,  "width of a column wire")               \
    X(wire_m0_ohm_um,         "ohm/um", 1e-3, 1e5, ANY, "resistance of a column wire")          \
    X(wire_m1_nm,             "nm",     1, 1000,  ANY,  "width of a row wire")                  \
    X(wire_m1_ohm_um,         "ohm/um", 1e-3, 1e5, ANY, "resistance of a row wire")             \
    X(wire_x2_ohm_um,         "ohm/um", 1e-3, 1e5, ANY, "resistance of a wire twice as wide")    \
    X(wire_x4_ohm_um,         "ohm/um", 1e-3, 1e5, ANY, "resistance of a wire 4 times as wide") \
    X(wire_ff_um,             "fF/um",  1e-3, 10, ANY,  "capacitance of a wire")                \
    X(read_v,                 "V",      0.01, 5,  ANY,  "read voltage of the converter fits")   \
    X(sram_cell_height_f,     "F",      1, 1000,  ANY,  "height of an SRAM cell")               \
    X(sram_cell_width_f,      "F",      1, 1000,  ANY,  "width of an SRAM cell")                \
    X(row_switch_ratio,       "",       0.01, 1000, ANY, "width of a row switch")               \
    X(column_switch_ratio,    "",       1e-3, 10, ANY,  "resistance of a column switch")        \
    X(mux_driver_ratio,       "",       0.01, 1e4, ANY, "width of a multiplexer driver")        \
    X(sar_bit_uw,             "uW",     1e-6, 1e6, ANY, "power of a SAR converter per bit")     \
    X(sar_base_uw,            "uW",     1e-6, 1e6, ANY, "power of a SAR converter at 0 bit")    \
    X(sar_uw_kohm,            "uW*kohm", 0, 1e6,  ANY,  "power of a SAR converter's input")     \
    X(junction_ff_um2,        "fF/um2", 1e-3, 1e3, ANY, "junction bottom")                      \
    X(junction_side_ff_um,    "fF/um",  0, 100,   BULK, "junction sidewall")                    \
    X(junction_channel_ff_um, "fF/um",  0, 100,   BULK, "junction to the channel")              \
    X(bit_line_drain_af,      "aF",     0, 1000,  FIN,  "drain of an SRAM access transistor")   \
    X(least_share,            "",       0.01, 1,  GAA,  "smallest transistor, over a stack")    \
    X(word_line_parts,        "",       1, 100,   GAA,  "of a word line, between repeaters")    \
    X(repeater_stacks,        "",       1, 1000,  GAA,  "width of a word line's repeater")      \
    X(repeater_pw,            "pW",     0, 1e6,   GAA,  "leakage of such a repeater")           \
    X(encoder_load_stacks,    "",       1, 1000,  GAA,  "gates that an encoder's input drives")

#define FLAVOUR_FACTS(X)                                                                        \
    X(supply_v,               "V",      0.1, 5,   ANY,  "supply")                               \
    X(threshold_v,            "V",      0.01, 2,  BULK, "threshold")                            \
    X(gate_ideal_ff_um,       "fF/um",  1e-3, 100, ANY, "gate capacitance")                     \
    X(gate_overlap_ff_um,     "fF/um",  0, 100,   ANY,  "gate overlap capacitance")             \
    X(gate_fringe_ff_um,      "fF/um",  0, 100,   ANY,  "gate fringe capacitance")              \
    X(resistance_factor,      "",       0.1, 10,  ANY,  "switching resistance over V / I_on")   \
    X(sense_n_ua_um,          "uA/um",  1e-3, 1e5, BULK, "N current at 0.7 of the supply")      \
    X(sense_p_ua_um,          "uA/um",  1e-3, 1e5, BULK, "P current at 0.7 of the supply")      \
    X(gm_us_um,               "uS/um",  1e-3, 1e5, FIN, "transconductance, N and P")            \
    X(on_n_ua_um,             "uA/um",  1e-3, 1e5, ANY, "N on-current")                         \
    X(on_p_ua_um,             "uA/um",  1e-3, 1e5, ANY, "P on-current")                         \
    X(off_n_pa_um,            "pA/um",  1e-3, 1e9, ANY, "N off-current")                        \
    X(off_p_pa_um,            "pA/um",  1e-3, 1e9, ANY, "P off-current")                         \
    X(csa_amplifier_uw,       "uW",     1e-6, 1e6, HP,  "power of a current-mode amplifier")    \
    X(csa_column_w_ohm,       "W",      0,    1e3, HP,  "and of a column, times its resistance") \
    X(csa_column_exponent,    "",       0.1,  10,  HP,  "whose fall goes with exp(-this log10)") \
    X(sar_hp_bit_uw,          "uW",     1e-6, 1e6, HP,  "power of a SAR converter per bit")     \
    X(sar_hp_base_uw,         "uW",     1e-6, 1e6, HP,  "power of a SAR converter at 0 bit")    \
    X(sar_hp_column_w_ohm,    "W",      0,    1e3, HP,  "and of its column, as above")

#define FIELD(key, unit, least, most, when, doc) double key;
#define ROW(key, unit, least, most, when, doc) \
    { #key, unit, offsetof(struct node_facts, key), least, most, doc, when },

struct node_facts { NODE_FACTS(FIELD) FLAVOUR_FACTS(FIELD) };

static const struct fact_row node_rows[] = { NODE_FACTS(ROW) FACT_END };
static const struct fact_row flavour_rows[] = { FLAVOUR_FACTS(ROW) FACT_END };

struct node { // one file, one flavour
    enum transistor   transistor;
    struct node_facts fact;
    bool              hot; // has currents above 300 K
    struct channels   at[N_HOT];
    bool              has_csa;
    struct csa_fit    csa;
};

static const char *flavour_name(enum flavour f)
{
    return f == FLAVOUR_LP ? "lp" : "hp";
}

static enum err read_fit(const struct yaml *csa, const char *key, struct fit *f, struct err_msg *m)
{
    const struct yaml *list = yaml_get(csa, key);
    enum err e;

    if (!list || list->kind != YAML_LIST || list->n_item < 1 || list->n_item > MOST_FIT_PIECES)
        return yaml_error(list ? list : csa, m, "csa.%s: want a list of 1 to %d pieces", key,
                          MOST_FIT_PIECES);
    f->n = (unsigned)list->n_item;
    for (unsigned i = 0; i < f->n; i++) {
        const struct yaml *item = &list->item[i];
        const struct yaml *below = yaml_get(item, "below"), *shape = yaml_get(item, "shape");
        const struct yaml *a = yaml_get(item, "a"), *b = yaml_get(item, "b");
        const char *text;

        if (!below || !shape || !a || !b || item->n_item != 4)
            return yaml_error(item, m, "csa.%s: want {below, shape, a, b}", key);
        if ((e = yaml_double(below, "below", 1, 1e30, "ohm", &f->piece[i].below_ohm, m)) ||
            (e = yaml_double(a, "a", -1e6, 1e6, "", &f->piece[i].a, m)) ||
            (e = yaml_double(b, "b", -1e6, 1e6, "", &f->piece[i].b, m)) ||
            (e = yaml_text(shape, "shape", &text, m)))
            return e;
        f->piece[i].log = strcmp(text, "log") == 0;
        if (!f->piece[i].log && strcmp(text, "linear") != 0)
            return yaml_error(shape, m, "shape = %s: want log or linear", text);
    }
    return ERR_NONE;
}

static enum err read_csa(const struct yaml *root, struct node *n, struct err_msg *m)
{
    const struct yaml *csa = yaml_get(root, "csa");
    static const char *const keys[] = { "reference_ff", "slope_ns", "full_ohm", "knee_ohm" };
    double *const out[] = { &n->csa.reference_ff, &n->csa.slope_ns, &n->csa.full_ohm,
                            &n->csa.knee_ohm };
    enum err e;

    n->has_csa = csa != NULL;
    if (!csa)
        return ERR_NONE;
    if (csa->kind != YAML_MAP || !yaml_get(csa, "source") || csa->n_item != 7)
        return yaml_error(csa, m, "csa: want source, delay_ns, power_uw, reference_ff, slope_ns, "
                          "full_ohm and knee_ohm");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct yaml *value = yaml_get(csa, keys[i]);

        if (!value)
            return yaml_error(csa, m, "csa.%s is missing", keys[i]);
        if ((e = yaml_double(value, keys[i], 1e-3, 1e9, "", out[i], m)))
            return e;
    }
    if ((e = read_fit(csa, "delay_ns", &n->csa.delay_ns, m)) ||
        (e = read_fit(csa, "power_uw", &n->csa.power_uw, m)))
        return e;
    return ERR_NONE;
}

/* One list of the section's `hot`: a number per step above 300 K. */
static enum err read_hot_list(const struct yaml *hot, const char *key, double most,
                              double value[N_HOT], struct err_msg *m)
{
    const struct yaml *list = yaml_get(hot, key);
    enum err e = ERR_NONE;

    if (!list || list->kind != YAML_LIST || list->n_item != N_HOT)
        return yaml_error(list ? list : hot, m, "hot.%s: want a list of %d numbers, one every %g K "
                          "above %g K", key, N_HOT, step_k, cool_k);
    for (unsigned i = 0; !e && i < N_HOT; i++)
        e = yaml_double(&list->item[i], key, 1e-3, most, "", &value[i], m);
    return e;
}

static enum err read_hot(const struct yaml *section, struct node *n, struct err_msg *m)
{
    const struct yaml *hot = yaml_get(section, "hot");
    double on_n[N_HOT], on_p[N_HOT], off_n[N_HOT], off_p[N_HOT];
    enum err e;

    n->hot = hot != NULL;
    if (!hot)
        return ERR_NONE;
    if (hot->kind != YAML_MAP || !yaml_get(hot, "source") || hot->n_item != 5)
        return yaml_error(hot, m, "hot: want source, on_n_ua_um, on_p_ua_um, off_n_pa_um and "
                          "off_p_pa_um");
    if ((e = read_hot_list(hot, "on_n_ua_um", 1e5, on_n, m)) ||
        (e = read_hot_list(hot, "on_p_ua_um", 1e5, on_p, m)) ||
        (e = read_hot_list(hot, "off_n_pa_um", 1e9, off_n, m)) ||
        (e = read_hot_list(hot, "off_p_pa_um", 1e9, off_p, m)))
        return e;
    for (unsigned i = 0; i < N_HOT; i++)
        n->at[i] = (struct channels){ { on_n[i] * 1e-3, off_n[i] * 1e-6, 0 },
                                      { on_p[i] * 1e-3, off_p[i] * 1e-6, 0 } };
    return ERR_NONE;
}

static const char *const others[] = { "format", "node_nm", "transistor", "csa", "lp", "hp", NULL };
static const char *const flavour_others[] = { "hot", NULL };
static const char *const transistors[] = { "bulk", "finfet", "gaa" };
enum { N_TRANSISTOR = sizeof transistors / sizeof *transistors };

/* All that the file lacks: which numbers depends on its transistor. */
static enum err check_missing(const struct yaml *root, enum flavour flavour, struct err_msg *m)
{
    static const char *const wanted[] = { "format", "transistor", NULL };
    const struct yaml *kind = yaml_get(root, "transistor");
    const struct yaml *section = yaml_get(root, flavour_name(flavour));
    struct facts_missing missing = { 0 };
    unsigned mask = 0;
    char path[8];

    for (unsigned i = 0; kind && kind->kind == YAML_SCALAR && i < N_TRANSISTOR; i++)
        mask |= strcmp(kind->text, transistors[i]) == 0 ? 1u << i : 0;
    enum err e = mask ? facts_check_known(root, "", node_rows, mask, others, m) : ERR_NONE;
    facts_missing_add(&missing, root, "", node_rows, mask, wanted);
    snprintf(path, sizeof path, "%s.", flavour_name(flavour));
    mask |= mask && flavour == FLAVOUR_HP ? HP : 0;
    if (section && mask && !e)
        e = facts_check_known(section, path, flavour_rows, mask, flavour_others, m);
    if (section && mask)
        facts_missing_add(&missing, section, path, flavour_rows, mask, NULL);
    return e ? e : facts_missing_check(&missing, root, m);
}

static enum err read_kind(const struct yaml *root, struct node *n, struct err_msg *m)
{
    const struct yaml *format = yaml_get(root, "format"), *kind = yaml_get(root, "transistor");
    const char *text;
    enum err e;

    if ((e = yaml_text(format, "format", &text, m)))
        return e;
    if (strcmp(text, "imcsim-technology/1") != 0)
        return yaml_error(format, m, "format = %s: want imcsim-technology/1", text);
    if ((e = yaml_text(kind, "transistor", &text, m)))
        return e;
    for (unsigned i = 0; i < N_TRANSISTOR; i++)
        if (strcmp(text, transistors[i]) == 0) {
            n->transistor = (enum transistor)i;
            return ERR_NONE;
        }
    return yaml_error(kind, m, "transistor = %s: want bulk, finfet or gaa", text);
}

static enum err read_node(const struct yaml *root, enum flavour flavour, struct node *n,
                          struct err_msg *m)
{
    const struct yaml *section = yaml_get(root, flavour_name(flavour));
    unsigned mask;
    char path[8];
    enum err e;

    *n = (struct node){ 0 };
    if ((e = check_missing(root, flavour, m)) || (e = read_kind(root, n, m)) ||
        (e = read_csa(root, n, m)))
        return e;
    mask = 1u << n->transistor;
    if (!section)
        return yaml_error(root, m, "no section %s: want lp; hp is known down to 22 nm",
                          flavour_name(flavour));
    snprintf(path, sizeof path, "%s.", flavour_name(flavour));
    if ((e = facts_read(root, "", node_rows, mask, others, &n->fact, m)))
        return e;
    if ((e = read_hot(section, n, m)))
        return e;
    if (flavour == FLAVOUR_HP)
        mask |= HP;
    return facts_read(section, path, flavour_rows, mask, flavour_others, &n->fact, m);
}

static enum err load_node(const char *directory, double node_nm, enum flavour flavour,
                          struct node *n, struct err_msg *m)
{
    struct yaml root;
    char path[1024];
    enum err e;

    if (snprintf(path, sizeof path, "%s/%gnm.yaml", directory, node_nm) >= (int)sizeof path)
        return err_set(m, ERR_INPUT, "%.64s...: path too long", directory);
    if ((e = yaml_load(&root, path, m)))
        return e;
    e = read_node(&root, flavour, n, m);
    yaml_release(&root);
    return e;
}

/* Geometric where both are positive, so that scaling keeps sign and order. */
static double between(double a, double b, double weight)
{
    return a > 0 && b > 0 ? a * pow(b / a, weight) : a + weight * (b - a);
}

static void interpolate_rows(struct node_facts *f, const struct node *large, unsigned mask,
                             const struct fact_row *rows, double weight)
{
    for (const struct fact_row *r = rows; r->key; r++) {
        double *out = (double *)(void *)((char *)f + r->offset);
        const double *a = (const double *)(const void *)((const char *)&large->fact + r->offset);

        if (r->when & mask)
            *out = between(*a, *out, weight);
    }
}

/* Between a larger and a smaller node. Fins and sheets are the smaller node's. So are the
 * transistors, with their supply and the drivers that are counted in them, where one node is bulk
 * and the other not, for their widths do not compare: the first FinFETs came below 22 nm. */
static struct node_facts interpolate(const struct node *large, const struct node *small,
                                     double weight)
{
    struct node_facts f = small->fact;

    interpolate_rows(&f, large, 1u << small->transistor, node_rows, weight);
    if (large->transistor == small->transistor) {
        interpolate_rows(&f, large, 1u << small->transistor | HP, flavour_rows, weight);
    } else {
        f.junction_ff_um2 = small->fact.junction_ff_um2;
        f.bit_line_drain_af = small->fact.bit_line_drain_af;
        f.fin_pitch_nm = small->fact.fin_pitch_nm;
        f.fin_width_nm = small->fact.fin_width_nm;
        f.fin_height_nm = small->fact.fin_height_nm;
        f.row_switch_ratio = small->fact.row_switch_ratio; // multiples of its smallest ones
        f.column_switch_ratio = small->fact.column_switch_ratio;
        f.mux_driver_ratio = small->fact.mux_driver_ratio;
        f.least_share = small->fact.least_share;
        f.word_line_parts = small->fact.word_line_parts;
        f.repeater_stacks = small->fact.repeater_stacks;
        f.repeater_pw = small->fact.repeater_pw;
        f.encoder_load_stacks = small->fact.encoder_load_stacks;
    }
    f.fins_most = small->fact.fins_most;
    f.sheets = small->fact.sheets;
    return f;
}

/* A bulk junction narrows with its reverse voltage (PTM, built-in 0.9 V). */
static double junction_at(double zero_bias, double v, double grading)
{
    const double built_in_v = 0.9;

    return zero_bias / pow(1 + v / built_in_v, grading);
}

/* A gate wraps a fin on three sides and a sheet on four. */
static double gated_um(enum transistor transistor, double width_um, double height_um)
{
    return transistor == TRANSISTOR_GAA ? 2 * (width_um + height_um) : width_um + 2 * height_um;
}

/* Where units change: from those of the files to um, pF, kohm, ns, V, mA, uA. */
static void derive(struct technology *t, const struct node_facts *f)
{
    const double pf = 1e-3, um = 1e-3, F = t->node_nm * um;
    bool bulk = t->transistor == TRANSISTOR_BULK;

    t->feature_um = F;
    t->supply_v = f->supply_v;
    t->n = (struct channel){ f->on_n_ua_um * 1e-3, f->off_n_pa_um * 1e-6, f->gm_us_um * 1e-3 };
    t->p = (struct channel){ f->on_p_ua_um * 1e-3, f->off_p_pa_um * 1e-6, f->gm_us_um * 1e-3 };
    if (bulk) { // square law around 0.7 of the supply
        double overdrive_v = 0.7 * f->supply_v - f->threshold_v;

        t->n.gm_ms = 2 * f->sense_n_ua_um * 1e-3 / overdrive_v;
        t->p.gm_ms = 2 * f->sense_p_ua_um * 1e-3 / overdrive_v;
    }
    t->size_ratio = bulk ? f->on_n_ua_um / f->on_p_ua_um : 1;
    t->resistance_factor = f->resistance_factor;
    t->gate_pf_um = (f->gate_ideal_ff_um + f->gate_overlap_ff_um + f->gate_fringe_ff_um) * pf;
    t->junction_pf_um2 = f->junction_ff_um2 * pf;
    if (bulk) {
        t->junction_pf_um2 = junction_at(f->junction_ff_um2, f->supply_v, 0.5) * pf;
        t->junction_side_pf_um = junction_at(f->junction_side_ff_um, f->supply_v, 0.33) * pf;
        t->junction_channel_pf_um = junction_at(f->junction_channel_ff_um, f->supply_v, 0.33) * pf;
    }
    t->cell_height_um = f->cell_height_f * F;
    t->gate_pitch_um = f->gate_pitch_f * F;
    t->drain_um = (f->gate_pitch_f - f->gate_width_f) * F;
    t->np_gap_um = f->np_gap_f * F;
    t->cell_margin_um = f->cell_margin_f * F;
    t->track_pitch_um = f->track_pitch_f * F;
    t->gate_length_um = f->gate_length_nm * um;
    t->fin_pitch_um = f->fin_pitch_nm * um;
    t->fin_width_um = f->fin_width_nm * um;
    t->fin_effective_um = gated_um(t->transistor, f->fin_width_nm * um, f->fin_height_nm * um) *
                          f->sheets;
    t->fins_most = (unsigned)f->fins_most;
    t->wire_m0_um = f->wire_m0_nm * um;
    t->wire_m0_kohm_um = f->wire_m0_ohm_um * 1e-3;
    t->wire_m1_um = f->wire_m1_nm * um;
    t->wire_m1_kohm_um = f->wire_m1_ohm_um * 1e-3;
    t->wire_x2_kohm_um = f->wire_x2_ohm_um * 1e-3;
    t->wire_x4_kohm_um = f->wire_x4_ohm_um * 1e-3;
    t->wire_pf_um = f->wire_ff_um * pf;
    t->read_v = f->read_v;
    t->sram_height_um = f->sram_cell_height_f * F;
    t->sram_width_um = f->sram_cell_width_f * F;
    t->bit_line_drain_pf = f->bit_line_drain_af * 1e-6;
    t->row_switch_ratio = f->row_switch_ratio;
    t->least_share = t->word_line_parts = 1;
    if (t->transistor == TRANSISTOR_GAA) {
        t->least_share = f->least_share;
        t->word_line_parts = round(f->word_line_parts);
        t->repeater_stacks = round(f->repeater_stacks);
        t->encoder_load_pf = f->encoder_load_stacks * t->fin_effective_um * t->gate_pf_um;
        t->repeater_uw = f->repeater_pw * 1e-6;
    }
    t->column_switch_ratio = f->column_switch_ratio;
    t->mux_driver_ratio = f->mux_driver_ratio;
    t->sar_bit_uw = f->sar_bit_uw;
    t->sar_base_uw = f->sar_base_uw;
    t->sar_uw_kohm = f->sar_uw_kohm;
    if (t->flavour == FLAVOUR_HP) {
        t->sar_bit_uw = f->sar_hp_bit_uw;
        t->sar_base_uw = f->sar_hp_base_uw;
        t->sar_column_w_ohm = f->sar_hp_column_w_ohm;
    }
    t->csa_amplifier_uw = f->csa_amplifier_uw;
    t->csa_column_w_ohm = f->csa_column_w_ohm;
    t->csa_column_exponent = f->csa_column_exponent;
}

static enum err check_physics(const struct technology *t, const struct node_facts *f,
                              struct err_msg *m)
{
    if (t->transistor == TRANSISTOR_BULK && f->threshold_v >= 0.7 * f->supply_v)
        return err_set(m, ERR_INPUT, "%s: threshold_v = %g: want less than 0.7 * supply_v = %g",
                       t->name, f->threshold_v, 0.7 * f->supply_v);
    if (f->gate_width_f >= f->gate_pitch_f)
        return err_set(m, ERR_INPUT, "%s: gate_width_f = %g: want less than gate_pitch_f = %g",
                       t->name, f->gate_width_f, f->gate_pitch_f);
    if (f->np_gap_f + f->cell_margin_f >= f->cell_height_f)
        return err_set(m, ERR_INPUT, "%s: np_gap_f + cell_margin_f = %g: want less than "
                       "cell_height_f = %g", t->name, f->np_gap_f + f->cell_margin_f,
                       f->cell_height_f);
    return ERR_NONE;
}

static void add_csa(struct technology *t, const struct node *n)
{
    if (n->has_csa)
        t->csa[t->n_csa++] = n->csa;
}

static struct channel channel_between(struct channel a, struct channel b, double weight)
{
    return (struct channel){ between(a.on_ma, b.on_ma, weight), between(a.off_ua, b.off_ua, weight),
                             between(a.gm_ms, b.gm_ms, weight) };
}

static void add_hot(struct technology *t, const struct node *large, const struct node *small,
                    double weight)
{
    t->hot = large->hot && small->hot;
    for (unsigned i = 0; t->hot && i < N_HOT; i++)
        t->at[i] = (struct channels){
            channel_between(large->at[i].n, small->at[i].n, weight),
            channel_between(large->at[i].p, small->at[i].p, weight),
        };
}

static enum err load_between(struct technology *t, const char *directory, double large_nm,
                             double small_nm, struct technology_warning *w, struct err_msg *m)
{
    double weight = log(large_nm / t->node_nm) / log(large_nm / small_nm);
    struct node large, small;
    enum err e;

    if ((e = load_node(directory, large_nm, t->flavour, &large, m)) ||
        (e = load_node(directory, small_nm, t->flavour, &small, m)))
        return e;
    struct node_facts f = interpolate(&large, &small, weight);
    t->transistor = small.transistor;
    add_hot(t, &large, &small, weight);
    derive(t, &f);
    add_csa(t, &large);
    add_csa(t, &small);
    t->csa_weight = weight;
    if (t->n_csa == 1) // only one neighbour has it
        t->n_csa = 0;
    snprintf(w->text, sizeof w->text, "%s: no such node; interpolated between %g nm and %g nm",
             t->name, large_nm, small_nm);
    return check_physics(t, &f, m);
}

/* configs/tech of the files that come with imcsim. */
static enum err own_nodes(char path[DATADIR_BYTE], struct err_msg *m)
{
    char root[DATADIR_BYTE];
    enum err e = datadir(root, m);

    if (!e && snprintf(path, DATADIR_BYTE, "%s/configs/tech", root) >= DATADIR_BYTE)
        e = err_set(m, ERR_INPUT, "%.64s...: the directory's name is too long", root);
    return e;
}

enum err technology_load(struct technology *t, const char *directory, double node_nm,
                         enum flavour flavour, struct technology_warning *w, struct err_msg *m)
{
    char own[DATADIR_BYTE];
    enum err e = directory ? ERR_NONE : own_nodes(own, m);

    if (e)
        return e;
    directory = directory ? directory : own;
    w->text[0] = '\0';
    *t = (struct technology){ .node_nm = node_nm, .flavour = flavour };
    if (!(node_nm >= nodes_nm[N_NODE - 1] && node_nm <= nodes_nm[0]))
        return err_set(m, ERR_INPUT, "node = %g nm: want %g to %g nm", node_nm,
                       nodes_nm[N_NODE - 1], nodes_nm[0]);
    snprintf(t->name, sizeof t->name, "%gnm_%s", node_nm, flavour_name(flavour));
    for (unsigned i = 0; i < N_NODE; i++) {
        struct node n;

        if (node_nm > nodes_nm[i])
            return load_between(t, directory, nodes_nm[i - 1], nodes_nm[i], w, m);
        if (node_nm < nodes_nm[i])
            continue;
        if ((e = load_node(directory, node_nm, flavour, &n, m)))
            return e;
        t->transistor = n.transistor;
        add_hot(t, &n, &n, 0);
        derive(t, &n.fact);
        add_csa(t, &n);
        return check_physics(t, &n.fact, m);
    }
    assert(!"the loop covers the range");
    return ERR_INPUT;
}

/* Currents between two steps are geometric, as between nodes; gm stays that of 300 K. */
static void warm(struct technology *t, double above_k)
{
    unsigned upper = (unsigned)ceil(above_k / step_k);

    if (upper == 0)
        return;
    struct channels cool = { t->n, t->p };
    struct channels low = upper == 1 ? cool : t->at[upper - 2], high = t->at[upper - 1];
    double weight = above_k / step_k - (upper - 1);

    t->n = channel_between(low.n, high.n, weight);
    t->p = channel_between(low.p, high.p, weight);
    t->n.gm_ms = cool.n.gm_ms;
    t->p.gm_ms = cool.p.gm_ms;
}

enum err technology_heat(struct technology *t, double kelvin, struct err_msg *m)
{
    const double wire_per_k = 0.00451, sar_per_k = 1.3e-3;
    double above_k = kelvin - cool_k, hot_k = cool_k + N_HOT * step_k;
    double wire = 1 + wire_per_k * above_k, sar = 1 + sar_per_k * above_k;

    if (!(kelvin >= cool_k && kelvin <= hot_k))
        return err_set(m, ERR_INPUT, "%s: %g K: want %g to %g K", t->name, kelvin, cool_k, hot_k);
    if (above_k > 0 && !t->hot)
        return err_set(m, ERR_INPUT, "%s: %g K: want %g K; currents of hotter transistors are "
                       "known from 130 to 22 nm", t->name, kelvin, cool_k);
    warm(t, above_k);
    t->wire_m0_kohm_um *= wire;
    t->wire_m1_kohm_um *= wire;
    t->wire_x2_kohm_um *= wire;
    t->wire_x4_kohm_um *= wire;
    t->sar_bit_uw *= sar;
    t->sar_base_uw *= sar;
    t->sar_uw_kohm *= sar;
    t->sar_column_w_ohm *= sar;
    if (above_k > 0)
        snprintf(t->name, sizeof t->name, "%gnm_%s_%gk", t->node_nm, flavour_name(t->flavour),
                 kelvin);
    return ERR_NONE;
}

/* A plain decimal number, which may have a point. */
static bool number(const char **text, double *value)
{
    size_t n = strspn(*text, "0123456789.");
    char *end;

    *value = strtod(*text, &end);
    if (n == 0 || end != *text + n)
        return false;
    *text = end;
    return true;
}

static bool read_name(const char *text, double *node_nm, enum flavour *flavour, double *kelvin)
{
    *kelvin = cool_k;
    if (!number(&text, node_nm) || (strncmp(text, "nm_lp", 5) && strncmp(text, "nm_hp", 5)))
        return false;
    *flavour = text[3] == 'l' ? FLAVOUR_LP : FLAVOUR_HP;
    text += 5;
    if (*text == '\0')
        return true;
    return *text++ == '_' && number(&text, kelvin) && strcmp(text, "k") == 0;
}

enum err technology_load_name(struct technology *t, const char *directory, const char *name,
                              struct technology_warning *w, struct err_msg *m)
{
    double node_nm, kelvin;
    enum flavour flavour;

    const char *slash = strrchr(name, '/');
    char of_name[DATADIR_BYTE];
    if (slash && strlen(name) < DATADIR_BYTE) {
        datadir_of(of_name, name);
        directory = of_name;
        name = slash + 1;
    }
    if (!read_name(name, &node_nm, &flavour, &kelvin))
        return err_set(m, ERR_INPUT, "technology = %.40s: want a name such as 22nm_lp, 32nm_hp or "
                       "22nm_lp_350k", name);
    enum err e = technology_load(t, directory, node_nm, flavour, w, m);
    return e ? e : technology_heat(t, kelvin, m);
}

/* Power was simulated with half a volt on the column: less voltage is as good as more resistance.
 */
static const double fit_read_v = 0.5;

/* High-performance transistors: what a column's current takes of a converter. */
static double column_uw(const struct technology *t, double w_ohm, double ohm)
{
    const double uw_per_w = 1e6;

    return uw_per_w * w_ohm * exp(-t->csa_column_exponent * log10(ohm));
}

double sar_power_uw(const struct technology *t, unsigned bits, double kohm)
{
    kohm *= fit_read_v / t->read_v;
    return t->sar_bit_uw * bits + t->sar_base_uw +
           (t->flavour == FLAVOUR_HP ? column_uw(t, t->sar_column_w_ohm, 1e3 * kohm)
                                     : t->sar_uw_kohm / kohm);
}

static double fit_at(const struct fit *f, double ohm)
{
    unsigned i = 0;

    while (i + 1 < f->n && ohm >= f->piece[i].below_ohm)
        i++;
    return f->piece[i].a * (f->piece[i].log ? log(ohm) : ohm) + f->piece[i].b;
}

static double csa_delay_at(const struct csa_fit *c, double ohm, double column_pf)
{
    double ns = fit_at(&c->delay_ns, ohm);

    if (ohm > c->knee_ohm)
        ns += c->slope_ns * (ohm - c->knee_ohm) / (c->full_ohm - c->knee_ohm) *
              (column_pf * 1e3 - c->reference_ff) / c->reference_ff;
    return ns;
}

double csa_delay_ns(const struct technology *t, double ohm, double column_pf)
{
    assert(t->n_csa > 0);
    double ns = csa_delay_at(&t->csa[0], ohm, column_pf);

    return t->n_csa == 1 ? ns : between(ns, csa_delay_at(&t->csa[1], ohm, column_pf),
                                        t->csa_weight);
}

double csa_power_uw(const struct technology *t, unsigned amplifiers, double ohm)
{
    assert(t->n_csa > 0);
    ohm *= fit_read_v / t->read_v;
    if (t->flavour == FLAVOUR_HP)
        return amplifiers * t->csa_amplifier_uw + column_uw(t, t->csa_column_w_ohm, ohm);
    double uw = fit_at(&t->csa[0].power_uw, ohm);

    return amplifiers * (t->n_csa == 1 ? uw : between(uw, fit_at(&t->csa[1].power_uw, ohm),
                                                      t->csa_weight));
}
