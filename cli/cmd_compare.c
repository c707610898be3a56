/* cli/cmd_compare.c -- imcsim compare: several configurations side by side, ratios to the first.
 * What cannot be run is a row with its reason. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/kinds.h"
#include "cli/pictures/compare.h"
#include "cli/progress.h"
#include "cli/results.h"
#include "report/figures.h"
#include "report/json.h"
#include "report/table.h"
#include "report/version.h"
#include "study/calibrate.h"
#include "study/measure.h"

struct entry { // one configuration
    const char    *path;
    char           label[160];
    char           activity[1200]; // --activity as a setting
    const char   **set; // owned: those of all, then its own
    size_t         n_set, n_own;
    enum err       err; // why there are no figures
    struct err_msg why;
    json_t        *config; // owned; NULL with an error
    char           hash[17];
    char           network[64];
    struct figures figures;
};

struct comparison {
    struct entry *entry; // owned
    size_t        n;
    size_t        first; // that could be run: ratios are to it
    char          inputs[1300]; // by what inputs energy is priced, or ""
};

/* False when one of them has no such figure, or the first one's is 0, as accuracy can be. */
static bool ratio_of(const struct comparison *c, size_t i, enum figure q, double *ratio)
{
    const struct entry *first = &c->entry[c->first], *e = &c->entry[i];

    if (!first->figures.there[q] || !e->figures.there[q] || first->figures.value[q] == 0)
        return false;
    *ratio = e->figures.value[q] / first->figures.value[q];
    return true;
}

static bool is_shown(const struct comparison *c, enum figure q)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->entry[i].figures.there[q])
            return true;
    return false;
}

/* ---- figures of one configuration ---- */

static enum err measure(struct entry *e, const struct study *s, const struct options *o,
                        struct err_msg *m)
{
    struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE,
                                 .images = o->images, .images_how = o->how,
                                 .n_image = o->count,
                                 .jobs = (uint32_t)o->jobs,
                                 .progress = progress_show };
    struct measured d = { .on_analog = false }; // devices are taken for ideal
    struct progress p;

    cfg.user = &p;
    progress_start(&p, o->log_level >= LOG_INFO);
    p.things = "moves";
    enum err err = measured_place(&d, s, &cfg, progress_show, &p, m);
    progress_end(&p);
    progress_start(&p, o->log_level >= LOG_INFO);
    if (!err)
        err = run_calibrated(&s->plan, &cfg, &d.run, m);
    progress_end(&p);
    if (!err)
        err = measured_price(&d, s, m);
    if (err) {
        measured_release(&d);
        return err;
    }
    memcpy(e->hash, s->config_hash, sizeof e->hash);
    snprintf(e->network, sizeof e->network, "%.63s", s->network.name);
    e->config = config_to_json(&s->config);
    figures_of(&e->figures, s, &d);
    measured_release(&d);
    return ERR_NONE;
}

/* ---- forms ---- */

static void add_ratio(struct table *t, const struct comparison *c, size_t i, enum figure q)
{
    double ratio;

    if (ratio_of(c, i, q, &ratio))
        table_real(t, ratio, 3);
    else
        table_none(t);
}

/* A row for each quantity, a column for each configuration that ran, its ratio behind it. */
/* Where they are not all the same; --set behind a CONFIG is of that one alone. */
static void say_networks(const struct comparison *c, char *text, size_t n_byte)
{
    bool differ = false;
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = c->first; i < c->n; i++)
        differ = differ || (!c->entry[i].err &&
                            strcmp(c->entry[i].network, c->entry[c->first].network) != 0);
    for (size_t i = 0; i < c->n && differ && at < n_byte; i++)
        if (!c->entry[i].err)
            at += (size_t)snprintf(text + at, n_byte - at, "%s%s of %s",
                                   at > 0 ? ", " : "Networks differ: ", c->entry[i].network,
                                   c->entry[i].label);
    if (at > 0 && at + 1 < n_byte)
        memcpy(text + at, ".", 2);
}

static struct table *side_by_side(const void *comparison)
{
    const struct comparison *c = comparison;
    struct table_column *columns = calloc(2 * c->n + 3, sizeof *columns); // the last one ends it
    size_t n = 2;

    if (!columns)
        return NULL;
    columns[0] = (struct table_column){ .title = "", .key = "quantity" };
    columns[1] = (struct table_column){ .title = "unit", .key = "unit" };
    for (size_t i = 0; i < c->n; i++) {
        if (c->entry[i].err)
            continue;
        columns[n++] = (struct table_column){ .title = c->entry[i].label,
                                              .key = c->entry[i].label };
        if (i > c->first)
            columns[n++] = (struct table_column){ "ratio", "ratio" };
    }
    struct table *t = table_new(columns);
    free(columns);
    table_title(t, "Side by side");
    table_repeat(t, 2);
    table_by_row(t);
    for (size_t i = 4; i < n; i += 2)
        table_glue(t, i);
    for (int q = 0; q < N_FIGURE; q++) {
        if (!is_shown(c, (enum figure)q))
            continue;
        table_named(t, figure_rows[q].key, figure_rows[q].title);
        table_text(t, figure_rows[q].unit);
        for (size_t i = 0; i < c->n; i++) {
            if (c->entry[i].err)
                continue;
            figure_cell(t, &c->entry[i].figures, (enum figure)q);
            if (i > c->first)
                add_ratio(t, c, i, (enum figure)q);
        }
    }
    char ratios[200] = "", networks[600];
    if (c->n > 1)
        snprintf(ratios, sizeof ratios, "Ratios are to %s.", c->entry[c->first].label);
    say_networks(c, networks, sizeof networks);
    const char *const lines[] = { ratios, networks, c->inputs };
    char note[2200] = "";
    size_t at = 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (lines[i][0] && at < sizeof note)
            at += (size_t)snprintf(note + at, sizeof note - at, "%s%s", at > 0 ? "\n" : "",
                                   lines[i]);
    if (note[0])
        table_note(t, "%s", note);
    return t;
}

/* What could not be run, and why. */
static struct table *failures(const void *comparison)
{
    static const struct table_column columns[] = {
        { "not run", "configuration" }, { "reason", "error" }, { 0 },
    };
    const struct comparison *c = comparison;
    struct table *t = table_new(columns);

    table_title(t, "What was not run");
    for (size_t i = 0; i < c->n; i++)
        if (c->entry[i].err) {
            table_text(t, c->entry[i].label);
            table_text(t, c->entry[i].why.text);
        }
    return t;
}

/* A row for each configuration: programs join and sort these. */
static struct table *one_a_row(const void *comparison)
{
    const struct comparison *c = comparison;
    struct table_column columns[2 * N_FIGURE + 5] = { { "configuration", "configuration" },
                                                        { "hash", "config_hash" } };
    char ratio_key[N_FIGURE][48], ratio_title[N_FIGURE][80];
    struct figure_title title[N_FIGURE];

    for (int q = 0; q < N_FIGURE; q++) {
        snprintf(ratio_key[q], sizeof ratio_key[q], "%s_ratio", figure_rows[q].key);
        title[q] = figure_title((enum figure)q);
        snprintf(ratio_title[q], sizeof ratio_title[q], "%.60s, ratio", title[q].text);
        columns[2 + q] = (struct table_column){ title[q].text, figure_rows[q].key };
        columns[2 + N_FIGURE + q] = (struct table_column){ ratio_title[q], ratio_key[q] };
    }
    columns[2 + 2 * N_FIGURE] = (struct table_column){ "label", "label" };
    columns[3 + 2 * N_FIGURE] = (struct table_column){ "error", "error" };
    struct table *t = table_new(columns);
    table_title(t, "Configurations");
    for (size_t i = 0; i < c->n; i++) {
        const struct entry *e = &c->entry[i];
        table_text(t, e->path);
        table_text(t, e->hash);
        for (int q = 0; q < N_FIGURE; q++)
            figure_cell(t, &e->figures, (enum figure)q);
        for (int q = 0; q < N_FIGURE; q++)
            add_ratio(t, c, i, (enum figure)q);
        table_text(t, e->label);
        table_text(t, e->err ? e->why.text : "");
    }
    return t;
}

static json_t *json_entry(const struct comparison *c, size_t i)
{
    const struct entry *e = &c->entry[i];
    json_t *o = json_object(), *ratios = json_object();
    double ratio;

    json_put_text(&o, "file", e->path);
    json_put_text(&o, "label", e->label);
    if (e->err) {
        json_decref(ratios);
        json_put_text(&o, "error", e->why.text);
        return o;
    }
    json_put(&o, "config", json_incref(e->config));
    json_put_text(&o, "config_hash", e->hash);
    for (int q = 0; q < N_FIGURE; q++) {
        figure_json(&o, &e->figures, (enum figure)q);
        if (ratio_of(c, i, (enum figure)q, &ratio))
            json_put_real(&ratios, figure_rows[q].key, ratio);
    }
    json_put(&o, "ratios", ratios);
    return o;
}

static enum err compare_json(const void *comparison, FILE *out, struct err_msg *m)
{
    const struct comparison *c = comparison;
    json_t *o = json_object(), *all = json_array();

    for (size_t i = 0; i < c->n; i++)
        json_add(&all, json_entry(c, i));
    json_put_text(&o, "format", "imcsim-compare/1");
    json_put_text(&o, "version", imcsim_version);
    json_put(&o, "configurations", all);
    return json_print(o, out, m);
}

/* ---- the picture ---- */

static enum err compare_svg(const void *comparison, FILE *out, struct err_msg *m)
{
    static const enum figure of[MOST_COSTS] = { FIGURE_LATENCY, FIGURE_CONVERSIONS,
                                                 FIGURE_ENERGY };
    static const char *const costs[MOST_COSTS] = { "us to the first result",
                                                   "conversions an image", "nJ an image" };
    const struct comparison *c = comparison;
    struct picture_dot *dot = calloc(c->n, sizeof *dot);
    struct compare_picture p = { costs, dot, 0 };

    if (!dot)
        return err_set(m, ERR_MEMORY, "no memory for the picture");
    for (size_t i = 0; i < c->n; i++) {
        const struct entry *e = &c->entry[i];
        if (e->err || !e->figures.there[FIGURE_ACCURACY])
            continue;
        struct picture_dot *d = &dot[p.n++];
        *d = (struct picture_dot){ .label = e->label, .top1 = e->figures.value[FIGURE_ACCURACY] };
        for (int k = 0; k < MOST_COSTS; k++) {
            d->there[k] = e->figures.there[of[k]] && e->figures.value[of[k]] > 0;
            d->cost[k] = e->figures.value[of[k]];
        }
    }
    enum err err = p.n > 0 ? ERR_NONE
                           : err_set(m, ERR_INPUT, "--svg: it draws accuracy, and no image has a "
                                     "label: want --images of a set with labels");
    if (!err && !compare_draw(&p, out))
        err = err_set(m, ERR_MEMORY, "no memory for the picture");
    free(dot);
    return err;
}

/* ---- the subcommand ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The label that was given; else the file's name, its path where another has the same name, and its
 * own settings. */
static void label(struct comparison *c, const struct options *o)
{
    for (size_t i = 0; i < c->n; i++) {
        struct entry *e = &c->entry[i];
        const char *name = base_name(e->path);
        for (size_t j = 0; j < c->n; j++)
            if (strcmp(base_name(c->entry[j].path), name) == 0 &&
                strcmp(c->entry[j].path, e->path) != 0) {
                name = e->path;
                break;
            }
        int n = snprintf(e->label, sizeof e->label, "%s", o->label[i] ? o->label[i] : name);
        for (size_t j = e->n_set - e->n_own; j < e->n_set && !o->label[i] && n >= 0 &&
                                             (size_t)n < sizeof e->label; j++)
            n += snprintf(e->label + n, sizeof e->label - (size_t)n, " %s", e->set[j]);
    }
}

/* A --set before the first operand is of all, behind one it is of that one, after those of all;
 * --activity is of all. */
static enum err settings(struct entry *e, size_t operand, const struct options *o,
                         struct err_msg *m)
{
    e->set = malloc((o->n_set + 2) * sizeof *e->set);
    if (!e->set)
        return err_set(m, ERR_MEMORY, "no memory for %zu settings", o->n_set);
    if (o->activity) {
        snprintf(e->activity, sizeof e->activity, "energy.activity=%.1100s", o->activity);
        e->set[e->n_set++] = e->activity;
    }
    for (size_t i = 0; i < o->n_set; i++)
        if (o->set_after[i] == 0)
            e->set[e->n_set++] = o->set[i];
    for (size_t i = 0; i < o->n_set; i++)
        if (o->set_after[i] == operand + 1) {
            e->set[e->n_set++] = o->set[i];
            e->n_own++;
        }
    return ERR_NONE;
}

static void run_entry(struct entry *e, const struct options *o)
{
    struct study s;

    e->err = study_load_network(&s, e->path, e->set, e->n_set, &e->why);
    if (!e->err)
        e->err = study_plan_any(&s, &e->why);
    if (e->err == ERR_INPUT)
        kinds_explain_operand(&command_compare, o, e->path, &e->why);
    if (e->err)
        return;
    e->err = measure(e, &s, o, &e->why);
    study_release(&s);
}

static void say_inputs(struct comparison *c, const struct options *o)
{
    if (!is_shown(c, FIGURE_ENERGY))
        return;
    if (o->activity)
        snprintf(c->inputs, sizeof c->inputs, "Energy follows the inputs of %.1100s.", o->activity);
    else if (!o->images)
        snprintf(c->inputs, sizeof c->inputs, "Energy is by the mean input that each chip states, "
                 "or energy.activity: no images ran.");
}

static enum err compare(struct comparison *c, const struct options *o, struct err_msg *m)
{
    for (size_t i = 0; i < c->n; i++) {
        enum err e = settings(&c->entry[i], i, o, m);
        if (e)
            return e;
        c->entry[i].path = o->operands[i];
    }
    label(c, o);
    for (size_t i = 0; i < c->n; i++) {
        run_entry(&c->entry[i], o);
        if (c->entry[i].err == ERR_MEMORY) {
            *m = c->entry[i].why;
            return ERR_MEMORY;
        }
    }
    while (c->first < c->n && c->entry[c->first].err)
        c->first++;
    say_inputs(c, o);
    if (c->first < c->n)
        return ERR_NONE;
    *m = c->entry[0].why; // nothing to compare
    return c->entry[0].err;
}

static const struct sheet sheets[] = {
    { "configurations", true, one_a_row },
    { "comparison", false, side_by_side },
    { "failures", false, failures },
    { 0 },
};

static const struct form form = { sheets, NULL, NULL, compare_json };

static enum err cmd_compare(const struct options *o, struct err_msg *m)
{
    struct comparison c = { .entry = calloc(o->n_operand, sizeof *c.entry), .n = o->n_operand };

    if (!c.entry)
        return err_set(m, ERR_MEMORY, "no memory for %zu configurations", c.n);
    const struct output svg = { o->svg, compare_svg, &c };
    enum err e = o->svg && !o->images
                     ? err_set(m, ERR_INPUT, "--svg: it draws accuracy: want --images too")
                     : results_check(&form, o, &svg, 1, m);
    if (!e)
        e = compare(&c, o, m);
    if (!e)
        e = results_write(&form, o, &c, &svg, 1, m);
    for (size_t i = 0; i < c.n; i++) {
        json_decref(c.entry[i].config);
        free(c.entry[i].set);
    }
    free(c.entry);
    return e;
}

const struct command command_compare = {
    .name = "compare",
    .operand = "CONFIG...",
    .summary = "several configurations side by side, with ratios to the first",
    .help = "Runs each CONFIG, timing only or with --images, and prints latency, interval,\n"
            "throughput, cores, device utilisation, the rates that its links need and the words\n"
            "that its memories fill; energy and area where energy.chip names costs. What cannot\n"
            "be run is a row with its reason. --set before the first CONFIG is of all, behind one\n"
            "it is of that one, and so is --label, which names it. --activity FILE prices all by\n"
            "the inputs of a run with images. --svg draws accuracy against time, conversions and\n"
            "energy.\n"
            "\n"
            "  imcsim compare configs/resnet32.yaml configs/resnet32_speedup.yaml\n"
            "  imcsim compare --set batch=100 configs/*.yaml --markdown table.md\n"
            "  imcsim compare configs/resnet32.yaml --label plain --set clock_mhz=500 \\\n"
            "      configs/resnet32.yaml --label fast --set clock_mhz=1000\n",
    .options = OPTION_BIT(OPTION_SET) | OPTION_BIT(OPTION_LABEL) | OPTION_IMAGE_SET |
               OPTION_BIT(OPTION_COUNT) | OPTION_BIT(OPTION_JOBS) | OPTION_BIT(OPTION_SVG) |
               OPTION_BIT(OPTION_ACTIVITY) | OPTION_RESULTS,
    .run = cmd_compare,
};
