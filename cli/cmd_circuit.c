/* cli/cmd_circuit.c -- imcsim circuit: one circuit of arch/tech by itself, with any sizes.
 *
 * --set NAME=VALUE changes a parameter; technology, device, calibration and chip are words.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/circuit_bench.h"
#include "cli/command.h"
#include "cli/log.h"
#include "cli/results.h"
#include "core/datadir.h"
#include "report/json.h"
#include "report/table.h"
#include "report/version.h"

/* ---- parameters ---- */

static enum err set_word(char *to, size_t n, const char *value, struct err_msg *m)
{
    if (strlen(value) < n) {
        strcpy(to, value);
        return ERR_NONE;
    }
    return err_set(m, ERR_INPUT, "--set: %.40s...: want at most %zu letters", value, n - 1);
}

static const struct { const char *old, *name; } renamed[] = { // read on
    { "mux", "columns_per_adc" }, { "rows_parallel", "rows_at_once" },
};

/* The parameter of that name, which may be an old one, and then a warning says so; else the row
 * that ends them. */
static const struct param_row *find(struct bench *b, const struct circuit_row *c, const char *key)
{
    const struct param_row *p = c->param;
    size_t n = strlen(b->old_names);

    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
        if (strcmp(renamed[i].old, key) == 0) {
            snprintf(b->old_names + n, sizeof b->old_names - n, "%s%s is called %s now",
                     n > 0 ? "; " : "", key, renamed[i].name);
            key = renamed[i].name;
        }
    while (p->name && strcmp(p->name, key) != 0)
        p++;
    return p;
}

static enum err set_number(struct bench *b, const struct circuit_row *c, const char *key,
                           const char *value, struct err_msg *m)
{
    const struct param_row *p = find(b, c, key);
    char *end;

    if (!p->name)
        return err_set(m, ERR_INPUT, "--set %.60s: circuit %s has no such parameter (imcsim "
                       "circuit list)", key, c->name);
    for (unsigned i = 0; p->names && p->names[i]; i++)
        if (strcmp(p->names[i], value) == 0) {
            b->value[p - c->param] = i;
            return ERR_NONE;
        }
    double v = strtod(value, &end);
    if (end == value || *end || !(v >= p->least && v <= p->most))
        return err_set(m, ERR_INPUT, "--set %s = %.40s: want %s", key, value,
                       circuit_accepts(p).text);
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
    if (strcmp(key, "chip") == 0 && strcmp(c->name, "core") == 0)
        return set_word(b->chip_name, sizeof b->chip_name, equals + 1, m);
    if (strcmp(key, "calibration") == 0)
        return set_word(b->calibration_name, sizeof b->calibration_name, equals + 1, m);
    return set_number(b, c, key, equals + 1, m);
}

static enum err load(struct bench *b, struct err_msg *m)
{
    struct technology_warning w;
    char path[DATADIR_BYTE];
    enum err e;

    if ((e = technology_load_name(&b->technology, NULL, b->technology_name, &w, m)))
        return e;
    snprintf(b->warning, sizeof b->warning, "%s%s%s", b->old_names,
             b->old_names[0] && w.text[0] ? "; " : "", w.text);
    if ((e = device_read(&b->device, b->device_name, "device", m)))
        return e;
    b->calibration = calibration_none();
    if (strcmp(b->calibration_name, "none") != 0) {
        if ((e = datadir_find(path, "calibration", b->calibration_name, m)) ||
            (e = calibration_load(&b->calibration, path, m)))
            return e;
    }
    b->activity = calibration_activity(&b->calibration);
    return ERR_NONE;
}

/* ---- output ---- */

static struct table *bench_table(const void *bench)
{
    static const struct table_column columns[] = {
        { "block", "block" },
        { "area um2", "area_um2" },
        { "delay ns", "delay_ns" },
        { "energy pJ", "energy_pj" },
        { "leakage uW", "leakage_uw" },
        { 0 },
    };
    const struct bench *b = bench;
    struct table *t = table_new(columns);
    char title[256];

    snprintf(title, sizeof title, "%s at %s, device %s, calibration %s", b->circuit,
             b->technology.name, b->device.name, b->calibration_name);
    table_title(t, title);
    for (unsigned i = 0; i < b->n_row; i++) {
        table_text(t, b->row[i].name);
        table_real(t, b->row[i].um2, 4);
        if (b->row[i].ns > 0)
            table_real(t, b->row[i].ns, 5);
        else
            table_none(t); // a clock sets it
        table_real(t, b->row[i].pj, 6);
        table_real(t, b->row[i].uw, 7);
    }
    return t;
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
    json_put_text(&o, "version", imcsim_version);
    json_put_text(&o, "circuit", b->circuit);
    json_put_text(&o, "technology", b->technology.name);
    json_put_text(&o, "device", b->device.name);
    json_put_text(&o, "calibration", b->calibration_name);
    if (b->warning[0])
        json_put_text(&o, "warning", b->warning);
    json_put(&o, "blocks", rows);
    return json_print(o, out, m);
}

static const struct sheet sheets[] = { { "blocks", false, bench_table }, { 0 } };
static const struct form form = { sheets, NULL, NULL, bench_json };

static enum err no_such_circuit(const char *name, struct err_msg *m)
{
    char names[400] = "";
    size_t n = 0;

    for (const struct circuit_row *c = circuits; c->name && n < sizeof names; c++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n > 0 ? ", " : "", c->name);
    return err_set(m, ERR_INPUT, "circuit %.40s: want one of %s, or list", name, names);
}

static enum err cmd_circuit(const struct options *o, struct err_msg *m)
{
    struct bench b = { .calibration_name = "rram40_macro", .chip_name = "dazzi2021_14nm" };
    const struct circuit_row *c = circuits;
    enum err e = results_check(&form, o, NULL, 0, m);

    if (e)
        return e;
    if (strcmp(o->operand, "list") == 0) {
        for (c = circuits; c->name; c++)
            circuit_describe(c, stdout);
        return ERR_NONE;
    }
    while (c->name && strcmp(c->name, o->operand) != 0)
        c++;
    if (!c->name)
        return no_such_circuit(o->operand, m);
    b.circuit = c->name;
    snprintf(b.technology_name, sizeof b.technology_name, "%s", c->technology);
    snprintf(b.device_name, sizeof b.device_name, "%s", c->device);
    for (unsigned i = 0; c->param[i].name; i++)
        b.value[i] = c->param[i].dflt;
    for (size_t i = 0; i < o->n_set && !e; i++)
        e = set(&b, c, o->set[i], m);
    if (e || (e = load(&b, m)) || (e = c->make(&b, m)))
        return e;
    if (b.warning[0])
        log_line(o, LOG_INFO, "%s", b.warning);
    return results_write(&form, o, &b, NULL, 0, m);
}

const struct command command_circuit = {
    .name = "circuit",
    .operand = "CIRCUIT",
    .summary = "area, delay, energy and leakage of one circuit of any size",
    .help = "CIRCUIT is one of `imcsim circuit list`: parameters, defaults and ranges.\n"
            "--set changes them, and technology (22nm_lp, between nodes 28nm_lp, hotter\n"
            "22nm_lp_350k), device (a file of configs/devices) and calibration (rram40_macro: the\n"
            "factors of Lu et al. 2021; none: what the circuits say); of a core also chip (a file\n"
            "of configs/chips). Energy is that of one action; no delay: a clock sets it.\n"
            "\n"
            "  imcsim circuit list\n"
            "  imcsim circuit sub_array --set technology=14nm_lp --set columns_per_adc=16\n"
            "  imcsim circuit sub_array --set device=sram --set rows=128 --set cells_per_weight=8\n"
            "  imcsim circuit core --set technology=22nm_lp --set rows=512\n"
            "  imcsim circuit adder --set bits=16 --set calibration=none --json -\n",
    .options = OPTION_BIT(OPTION_SET) | OPTION_RESULTS,
    .run = cmd_circuit,
};
