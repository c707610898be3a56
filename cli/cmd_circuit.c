/* cli/cmd_circuit.c -- imcsim circuit: one circuit of arch/tech by itself, with any sizes.
 *
 * A circuit is a row of circuits[]: a name, its parameters with defaults, and a function that adds
 * rows to the table. --set NAME=VALUE changes a parameter; technology, device and calibration are
 * words.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/tech/adder.h"
#include "arch/tech/calibration.h"
#include "arch/tech/cco_adc.h"
#include "arch/tech/comparator.h"
#include "arch/tech/decoder.h"
#include "arch/tech/device.h"
#include "arch/tech/dff.h"
#include "arch/tech/register_file.h"
#include "arch/tech/sar_adc.h"
#include "arch/tech/sram.h"
#include "arch/tech/sub_array.h"
#include "arch/tech/wire.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/log.h"
#include "cli/output.h"
#include "cli/table.h"

enum { MOST_PARAM = 12, MOST_ROW = 24 };

struct param_row {
    const char *name;
    double      dflt, least, most;
    bool        is_count;
};

struct result_row {
    char   name[48];
    double um2, ns, pj, uw;
};

struct bench { // what a circuit is asked and answers
    struct technology   technology;
    struct device       device;
    struct calibration  calibration;
    struct activity     activity;
    char                technology_name[32], device_name[64], calibration_name[64];
    double              value[MOST_PARAM]; // of its parameters, in their order
    struct result_row   row[MOST_ROW];
    unsigned            n_row;
    const char         *circuit;
};

struct circuit_row {
    const char *name, *doc;
    struct param_row param[MOST_PARAM]; // ends with a NULL name
    enum err (*make)(struct bench *b, struct err_msg *m);
};

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
        .rows = whole(b, 0), .columns = whole(b, 1), .rows_parallel = whole(b, 2),
        .mux = whole(b, 3), .levels = whole(b, 4), .converter = (enum converter)whole(b, 5),
        .cells_per_weight = whole(b, 6), .input_bits = whole(b, 7), .active = b->value[8],
        .on_share = b->value[9], .weight_bits = whole(b, 10) };
    struct sub_array s;
    enum err e;

    if (cfg.rows_parallel == 0)
        cfg.rows_parallel = cfg.rows;
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

#define COUNT(name, dflt, least, most) { name, dflt, least, most, true }
#define REAL(name, dflt, least, most)  { name, dflt, least, most, false }

static const struct circuit_row circuits[] = {
    { "gate", "standard gate, a switching output; kind 0 inverter, 1 NAND, 2 NOR",
      { COUNT("kind", 0, 0, 2), COUNT("inputs", 2, 2, 8), REAL("load_ff", 0, 0, 1e6) }, make_gate },
    { "adder", "ripple-carry adder", { COUNT("bits", 8, 1, 256) }, make_adder },
    { "dff", "flip-flops that all switch", { COUNT("n", 1, 1, 1e6) }, make_dff },
    { "adder_tree", "tree of adders", { COUNT("n", 4, 2, 4096), COUNT("bits", 16, 1, 256) },
      make_adder_tree },
    { "max_pool", "maximum of a window", { COUNT("bits", 8, 2, 64), COUNT("window", 4, 2, 256) },
      make_max_pool },
    { "decoder", "row decoder", { COUNT("bits", 8, 1, 20), REAL("load_ff", 10, 0, 1e6) },
      make_decoder },
    { "sram", "SRAM macro", { COUNT("words", 512, 4, 65536), COUNT("word_bits", 128, 1, 8192) },
      make_sram },
    { "register_file", "buffer of flip-flops",
      { COUNT("words", 128, 4, 65536), COUNT("word_bits", 128, 1, 8192) }, make_register_file },
    { "sar_adc", "SAR converter", { COUNT("bits", 8, 1, 16), REAL("column_kohm", 100, 1e-3, 1e9) },
      make_sar },
    { "cco_adc", "converter of oscillator and counter",
      { COUNT("bits", 8, 1, 16), REAL("mean_code", 0.5, 0, 1) }, make_cco },
    { "wire", "bus of repeated wires",
      { COUNT("bits", 1, 1, 65536), REAL("length_um", 1000, 1e-3, 1e6),
        REAL("tolerance", 0, 0, 10), REAL("toggle", 1, 0, 1) }, make_wire },
    { "sub_array", "crossbar with periphery, bit-serial; converter 0 CSA, 1 VSA, 2 SAR; "
      "rows_parallel 0: all",
      { COUNT("rows", 256, 2, 8192), COUNT("columns", 256, 2, 8192),
        COUNT("rows_parallel", 0, 0, 8192), COUNT("mux", 8, 1, 8192),
        COUNT("levels", 32, 2, 65536), COUNT("converter", 0, 0, 2),
        COUNT("cells_per_weight", 2, 1, 64), COUNT("input_bits", 8, 1, 64),
        REAL("active", 0.5, 0, 1), REAL("on_share", 0.5, 0, 1), COUNT("weight_bits", 8, 1, 64) },
      make_sub_array },
};
enum { N_CIRCUIT = sizeof circuits / sizeof *circuits };

/* ---- parameters ---- */

static enum err set_word(char *to, size_t n, const char *value, struct err_msg *m)
{
    if (strlen(value) < n) {
        strcpy(to, value);
        return ERR_NONE;
    }
    return err_set(m, ERR_INPUT, "--set: %.40s...: want at most %zu letters", value, n - 1);
}

static enum err set_number(struct bench *b, const struct circuit_row *c, const char *key,
                           const char *value, struct err_msg *m)
{
    const struct param_row *p = c->param;
    char *end;

    while (p->name && strcmp(p->name, key) != 0)
        p++;
    if (!p->name)
        return err_set(m, ERR_INPUT, "--set %.60s: circuit %s has no such parameter (imcsim "
                       "circuit list)", key, c->name);
    double v = strtod(value, &end);
    if (end == value || *end || !(v >= p->least && v <= p->most))
        return err_set(m, ERR_INPUT, "--set %s = %.40s: want %g to %g", key, value, p->least,
                       p->most);
    if (p->is_count && v != floor(v))
        return err_set(m, ERR_INPUT, "--set %s = %.40s: want a whole number", key, value);
    b->value[p - c->param] = v;
    return ERR_NONE;
}

static enum err set(struct bench *b, const struct circuit_row *c, const char *assignment,
                    struct err_msg *m)
{
    const char *equals = strchr(assignment, '=');
    char key[64];

    if (!equals || (size_t)(equals - assignment) >= sizeof key)
        return err_set(m, ERR_INPUT, "--set %.60s: want NAME=VALUE", assignment);
    snprintf(key, sizeof key, "%.*s", (int)(equals - assignment), assignment);
    if (strcmp(key, "technology") == 0)
        return set_word(b->technology_name, sizeof b->technology_name, equals + 1, m);
    if (strcmp(key, "device") == 0)
        return set_word(b->device_name, sizeof b->device_name, equals + 1, m);
    if (strcmp(key, "calibration") == 0)
        return set_word(b->calibration_name, sizeof b->calibration_name, equals + 1, m);
    return set_number(b, c, key, equals + 1, m);
}

static enum err load(struct bench *b, const struct options *o, struct err_msg *m)
{
    struct technology_warning w;
    char path[128];
    enum err e;

    if ((e = technology_load_name(&b->technology, "configs/tech", b->technology_name, &w, m)))
        return e;
    if (w.text[0])
        log_line(o, LOG_INFO, "%s", w.text);
    snprintf(path, sizeof path, "configs/devices/%s.yaml", b->device_name);
    if ((e = device_load(&b->device, path, m)))
        return e;
    b->calibration = calibration_none();
    if (strcmp(b->calibration_name, "none") != 0) {
        snprintf(path, sizeof path, "configs/calibration/%s.yaml", b->calibration_name);
        if ((e = calibration_load(&b->calibration, path, m)))
            return e;
    }
    b->activity = calibration_activity(&b->calibration);
    return ERR_NONE;
}

/* ---- output ---- */

static struct table *bench_table(const struct bench *b)
{
    static const struct table_column columns[] = {
        { "block", "block" },          { "area um2", "area_um2" },       { "delay ns", "delay_ns" },
        { "energy pJ", "energy_pj" }, { "leakage uW", "leakage_uw" }, { 0 },
    };
    struct table *t = table_new(columns);

    for (unsigned i = 0; i < b->n_row; i++) {
        table_text(t, b->row[i].name);
        table_real(t, b->row[i].um2, 4);
        table_real(t, b->row[i].ns, 5);
        table_real(t, b->row[i].pj, 6);
        table_real(t, b->row[i].uw, 7);
    }
    return t;
}

static enum err print(const struct bench *b, enum table_format f, FILE *out, struct err_msg *m)
{
    struct table *t = bench_table(b);
    enum err e = table_print(t, f, out, m);

    table_free(t);
    return e;
}

static enum err bench_text(const void *bench, FILE *out, struct err_msg *m)
{
    const struct bench *b = bench;

    fprintf(out, "%s at %s, device %s, calibration %s\n\n", b->circuit, b->technology.name,
            b->device.name, b->calibration_name);
    return print(b, TABLE_TEXT, out, m);
}

static enum err bench_csv(const void *bench, FILE *out, struct err_msg *m)
{
    return print(bench, TABLE_CSV, out, m);
}

static enum err bench_json(const void *bench, FILE *out, struct err_msg *m)
{
    const struct bench *b = bench;
    json_t *o = json_object(), *rows = json_array();

    for (unsigned i = 0; i < b->n_row; i++) {
        json_t *r = json_object();
        json_put_text(&r, "block", b->row[i].name);
        json_put_real(&r, "area_um2", b->row[i].um2);
        json_put_real(&r, "delay_ns", b->row[i].ns);
        json_put_real(&r, "energy_pj", b->row[i].pj);
        json_put_real(&r, "leakage_uw", b->row[i].uw);
        json_add(&rows, r);
    }
    json_put_text(&o, "format", "imcsim-circuit/1");
    json_put_text(&o, "circuit", b->circuit);
    json_put_text(&o, "technology", b->technology.name);
    json_put_text(&o, "device", b->device.name);
    json_put_text(&o, "calibration", b->calibration_name);
    json_put(&o, "blocks", rows);
    return json_print(o, out, m);
}

static void list(void)
{
    for (unsigned i = 0; i < N_CIRCUIT; i++) {
        printf("%-14s %s\n", circuits[i].name, circuits[i].doc);
        for (const struct param_row *p = circuits[i].param; p->name; p++)
            printf("    %-18s %g (%g to %g)\n", p->name, p->dflt, p->least, p->most);
    }
}

static enum err cmd_circuit(const struct options *o, struct err_msg *m)
{
    struct bench b = { .technology_name = "22nm_lp", .device_name = "pcm_4bit",
                       .calibration_name = "rram40_macro" };
    const struct output outputs[] = { { o->json, bench_json, &b }, { o->csv, bench_csv, &b } };
    const struct circuit_row *c = circuits;
    enum err e = output_check(outputs, 2, m);

    if (e)
        return e;
    if (strcmp(o->operand, "list") == 0) {
        list();
        return ERR_NONE;
    }
    while (c < circuits + N_CIRCUIT && strcmp(c->name, o->operand) != 0)
        c++;
    if (c == circuits + N_CIRCUIT)
        return err_set(m, ERR_INPUT, "circuit %.40s: want one of imcsim circuit list", o->operand);
    b.circuit = c->name;
    for (unsigned i = 0; c->param[i].name; i++)
        b.value[i] = c->param[i].dflt;
    for (size_t i = 0; i < o->n_set && !e; i++)
        e = set(&b, c, o->set[i], m);
    if (e || (e = load(&b, o, m)) || (e = c->make(&b, m)))
        return e;
    return output_write(outputs, 2, bench_text, &b, m);
}

const struct command command_circuit = {
    .name = "circuit",
    .operand = "CIRCUIT",
    .summary = "area, delay, energy and leakage of one circuit of any size",
    .help = "CIRCUIT is one of `imcsim circuit list`: parameters, defaults and ranges.\n"
            "--set changes them, and technology (22nm_lp), device (pcm_4bit) and calibration\n"
            "(rram40_macro: the factors of Lu et al. 2021; none: what the circuits say).\n"
            "\n"
            "  imcsim circuit list\n"
            "  imcsim circuit sub_array --set technology=14nm_lp --set levels=64 --set mux=16\n"
            "  imcsim circuit adder --set bits=16 --set calibration=none --json -\n",
    .options = OPTION_BIT(OPTION_SET) | OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_CSV) |
               OPTION_BIT(OPTION_LOG_LEVEL),
    .run = cmd_circuit,
};
