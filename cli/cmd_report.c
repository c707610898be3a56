/* cli/cmd_report.c -- imcsim report: the best points of a study, its fronts, what its keys do. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/results.h"
#include "cli/sweep/page.h"
#include "report/figures.h"
#include "report/json.h"
#include "report/table.h"
#include "report/version.h"
#include "study/sweep/explore.h"
#include "study/sweep/rows.h"

enum { SHOWN = 10, MOST_FRONT = 3 };

struct key { // that varies
    const char *name;
    const char *title; // the end of the name that no other key and no figure has
    size_t      column; // in the rows
    size_t      n_level;
    size_t     *level, *at; // owned: of each point its value's; a point of each
};

struct reading {
    const struct options *options;
    struct rows           rows;
    struct key           *key; // owned
    size_t                n_key;
    bool                  varies[N_FIGURE], there[N_FIGURE];
    enum figure           best;
    bool                  is_wanted; // by the study
    enum figure           front[MOST_FRONT];
    size_t                n_front;
    bool                 *beyond; // owned: of each point, whether it is beyond a limit of the study
    size_t                n_beyond;
    size_t               *order; // owned: points, the best first, those that failed last
    size_t                n_order, n_whole; // with those that failed or are beyond; without
};

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for a report");
}

static struct figures figures_at(const struct reading *r, size_t i)
{
    struct figures f = { .there = { false } };

    for (int q = 0; q < N_FIGURE; q++) {
        f.value[q] = r->rows.row[i].figure[q];
        f.there[q] = !isnan(f.value[q]);
    }
    return f;
}

/* How many points a table has: `all` is that for programs. */
static size_t n_listed(const struct reading *r, bool all)
{
    uint64_t count = r->options->count;

    if (count == 0 && all)
        return r->n_order;
    if (count == 0 && r->n_front == 0)
        count = SHOWN;
    return count > 0 && count < r->n_whole ? (size_t)count : r->n_whole;
}

/* ---- tables ---- */

/* What a page has room for; the table of all points has the others. */
static bool is_shown(const struct reading *r, enum figure q)
{
    static const enum figure most_asked[] = {
        FIGURE_CORES, FIGURE_LATENCY, FIGURE_INTERVAL, FIGURE_THROUGHPUT, FIGURE_ACCURACY,
        FIGURE_ANALOG_ACCURACY, FIGURE_ENERGY, FIGURE_EFFICIENCY, FIGURE_AREA,
    };

    for (size_t f = 0; f < r->n_front; f++)
        if (r->front[f] == q)
            return true;
    for (size_t i = 0; i < sizeof most_asked / sizeof *most_asked; i++)
        if (most_asked[i] == q)
            return r->varies[q] || q == r->best;
    if (q == FIGURE_INTERVAL_US) // beside its clocks, so that clockings compare
        return r->varies[q] && r->varies[FIGURE_INTERVAL_CLOCKS];
    return q == r->best;
}

/* A key that has the name of a figure (batch) stands for it. */
static bool has_column(const struct reading *r, enum figure q, bool all)
{
    for (size_t k = 0; k < r->n_key; k++)
        if (strcmp(r->key[k].name, figure_rows[q].key) == 0)
            return false;
    return all || is_shown(r, q);
}

static bool has_names(const struct reading *r)
{
    for (size_t i = 0; i < r->rows.n; i++)
        if (r->rows.row[i].name)
            return true;
    return false;
}

/* `all`: every figure, failed points too. */
static struct table *list(const struct reading *r, bool all)
{
    struct table_column *column = calloc(r->n_key + N_FIGURE + 4, sizeof *column);
    struct figure_title title[N_FIGURE];
    size_t n = 0, n_row = n_listed(r, all);
    bool names = has_names(r);

    if (!column)
        return NULL;
    if (all)
        column[n++] = (struct table_column){ "id", "id" };
    if (all || names)
        column[n++] = (struct table_column){ "point", "name" };
    for (size_t k = 0; k < r->n_key; k++)
        column[n++] = (struct table_column){ r->key[k].title, r->key[k].name };
    size_t n_first = n;
    for (int q = 0; q < N_FIGURE; q++)
        if (has_column(r, (enum figure)q, all)) {
            title[q] = figure_title((enum figure)q);
            column[n++] = (struct table_column){ title[q].text, figure_rows[q].key };
        }
    if (all)
        column[n++] = (struct table_column){ "error", "error" };
    struct table *t = table_new(column);
    table_title(t, all ? "Points" : r->n_front > 0 ? "The front" : "The best points");
    table_repeat(t, all ? 2 : n_first); // of all figures, names alone
    table_brief(t);
    for (size_t i = 0; i < n_row; i++) {
        size_t p = r->order[i];
        const struct row_of_study *row = &r->rows.row[p];
        struct figures f = figures_at(r, p);
        if (all)
            table_text(t, row->id);
        if (all || names)
            table_text(t, row->name ? row->name : "");
        for (size_t k = 0; k < r->n_key; k++)
            table_text(t, row->key[r->key[k].column] ? row->key[r->key[k].column] : "");
        for (int q = 0; q < N_FIGURE; q++)
            if (has_column(r, (enum figure)q, all))
                figure_cell(t, &f, (enum figure)q);
        if (all)
            table_text(t, row->error ? row->error : "");
    }
    free(column);
    return t;
}

static struct table *all_points(const void *reading)
{
    return list(reading, true);
}

static struct table *best_points(const void *reading)
{
    return list(reading, false);
}

/* A row for each reason, and how many points have it. */
static struct table *failures(const void *reading)
{
    static const struct table_column columns[] = {
        { "failed", "points" }, { "reason", "error" }, { 0 },
    };
    const struct reading *r = reading;
    const char **error = calloc(r->rows.n + 1, sizeof *error);
    size_t *level = calloc(r->rows.n + 1, sizeof *level), n_failed = 0;
    size_t *at = calloc(r->rows.n + 1, sizeof *at);
    struct table *t = error && level && at ? table_new(columns) : NULL;

    table_title(t, "What failed");
    for (size_t i = 0; i < r->rows.n && t; i++)
        if (r->rows.row[i].error)
            error[n_failed++] = r->rows.row[i].error;
    size_t n = t ? explore_levels(level, at, error, n_failed) : 0;
    for (size_t l = 0; l < n; l++) {
        uint64_t count = 0;
        for (size_t i = 0; i < n_failed; i++)
            count += level[i] == l;
        table_count(t, count);
        table_text(t, error[at[l]]);
    }
    free(error);
    free(level);
    free(at);
    return t;
}

/* ---- effects ---- */

static size_t most_levels(const struct reading *r)
{
    size_t most = 1;

    for (size_t k = 0; k < r->n_key; k++)
        most = r->key[k].n_level > most ? r->key[k].n_level : most;
    return most;
}

struct main_effect {
    double *mean;   // owned
    size_t *n;      // owned
    double *value;  // owned; of each point
    double  spread;
};

static bool effect_new(struct main_effect *e, const struct reading *r)
{
    *e = (struct main_effect){ calloc(most_levels(r), sizeof *e->mean),
                          calloc(most_levels(r), sizeof *e->n),
                          calloc(r->rows.n + 1, sizeof *e->value), 0 };
    return e->mean && e->n && e->value;
}

static void effect_release(struct main_effect *e)
{
    free(e->mean);
    free(e->n);
    free(e->value);
}

static void effect_of(struct main_effect *e, const struct reading *r, const struct key *key,
                      enum figure q)
{
    for (size_t i = 0; i < r->rows.n; i++)
        e->value[i] = r->rows.row[i].figure[q];
    e->spread = explore_effect(e->mean, e->n, key->level, e->value, r->rows.n, key->n_level);
}

static const char *value_of(const struct reading *r, const struct key *key, size_t level)
{
    const char *value = r->rows.row[key->at[level]].key[key->column];

    return value ? value : "";
}

static void put_figure(struct table *t, enum figure q)
{
    table_named(t, figure_rows[q].key, figure_rows[q].title);
    table_text(t, figure_rows[q].unit);
}

static void put_mean(struct table *t, enum figure q, double mean)
{
    const struct figure_row *row = &figure_rows[q];

    if (isnan(mean))
        table_none(t);
    else if (row->form == FIGURE_SHARE)
        table_share(t, mean, row->decimals);
    else
        table_real(t, mean, row->form == FIGURE_COUNT ? 1 : row->decimals);
}

/* A row for each figure, key and value. */
static struct table *effects(const void *reading)
{
    static const struct table_column columns[] = {
        { "key", "key" }, { "value", "value" }, { "figure", "figure" }, { "unit", "unit" },
        { "mean", "mean" }, { "points", "points" }, { 0 },
    };
    const struct reading *r = reading;
    struct main_effect e;
    struct table *t = effect_new(&e, r) ? table_new(columns) : NULL;

    table_title(t, "The mean of each figure at each value of a key");
    table_by_row(t);
    for (int q = 0; q < N_FIGURE && t; q++)
        for (size_t k = 0; k < r->n_key && r->varies[q]; k++) {
            effect_of(&e, r, &r->key[k], (enum figure)q);
            for (size_t l = 0; l < r->key[k].n_level; l++) {
                table_text(t, r->key[k].name);
                table_text(t, value_of(r, &r->key[k], l));
                put_figure(t, (enum figure)q);
                put_mean(t, (enum figure)q, e.mean[l]);
                table_count(t, e.n[l]);
            }
        }
    effect_release(&e);
    return t;
}

/* A row for each figure, a column for each key. */
static struct table *spreads(const void *reading)
{
    const struct reading *r = reading;
    struct table_column *column = calloc(r->n_key + 3, sizeof *column);
    struct main_effect e;
    bool fits = effect_new(&e, r) && column;

    if (column) {
        column[0] = (struct table_column){ "figure", "figure" };
        column[1] = (struct table_column){ "unit", "unit" };
        for (size_t k = 0; k < r->n_key; k++)
            column[2 + k] = (struct table_column){ r->key[k].title, r->key[k].name };
    }
    struct table *t = fits ? table_new(column) : NULL;
    table_title(t, "How much each key moves a figure: the largest mean less the least");
    table_repeat(t, 2);
    table_by_row(t);
    for (int q = 0; q < N_FIGURE && t; q++) {
        if (!r->varies[q])
            continue;
        put_figure(t, (enum figure)q);
        for (size_t k = 0; k < r->n_key; k++) {
            effect_of(&e, r, &r->key[k], (enum figure)q);
            put_mean(t, (enum figure)q, e.spread);
        }
    }
    effect_release(&e);
    free(column);
    return t;
}

/* ---- the document ---- */

static json_t *json_begun(const struct reading *r)
{
    json_t *o = json_object();

    json_put_text(&o, "format", "imcsim-report/1");
    json_put_text(&o, "version", r->rows.version);
    json_put_count(&o, "n_points", r->rows.n);
    json_put_count(&o, "n_failed", r->rows.n_failed);
    json_put_count(&o, "n_beyond_limits", r->n_beyond);
    json_put_count(&o, "n_of_other_versions", r->rows.n_others);
    return o;
}

static json_t *json_point(const struct reading *r, size_t i)
{
    const struct row_of_study *row = &r->rows.row[i];
    struct figures f = figures_at(r, i);
    json_t *o = json_object(), *keys = json_object(), *figures = json_object();

    json_put_text(&o, "id", row->id);
    if (row->name)
        json_put_text(&o, "name", row->name);
    for (size_t k = 0; k < r->n_key; k++)
        if (row->key[r->key[k].column])
            json_put_text(&keys, r->key[k].name, row->key[r->key[k].column]);
    for (int q = 0; q < N_FIGURE; q++)
        figure_json(&figures, &f, (enum figure)q);
    json_put(&o, "keys", keys);
    json_put(&o, "figures", figures);
    if (row->error)
        json_put_text(&o, "error", row->error);
    return o;
}

static enum err points_json(const void *reading, FILE *out, struct err_msg *m)
{
    const struct reading *r = reading;
    json_t *o = json_begun(r), *points = json_array();

    for (size_t i = 0; i < n_listed(r, true); i++)
        json_add(&points, json_point(r, r->order[i]));
    json_put(&o, r->n_front > 0 ? "front" : "points", points);
    return json_print(o, out, m);
}

static json_t *json_effect(const struct reading *r, const struct key *key, enum figure q,
                           const struct main_effect *e)
{
    json_t *o = json_object(), *means = json_array();

    json_put_text(&o, "key", key->name);
    json_put_text(&o, "figure", figure_rows[q].key);
    if (!isnan(e->spread))
        json_put_real(&o, "spread", e->spread);
    for (size_t l = 0; l < key->n_level; l++) {
        json_t *at = json_object();
        json_put_text(&at, "value", value_of(r, key, l));
        json_put_count(&at, "n_points", e->n[l]);
        if (!isnan(e->mean[l]))
            json_put_real(&at, "mean", e->mean[l]);
        json_add(&means, at);
    }
    json_put(&o, "means", means);
    return o;
}

static enum err effects_json(const void *reading, FILE *out, struct err_msg *m)
{
    const struct reading *r = reading;
    struct main_effect e;

    if (!effect_new(&e, r)) {
        effect_release(&e);
        return no_memory(m);
    }
    json_t *o = json_begun(r), *all = json_array();
    for (int q = 0; q < N_FIGURE; q++)
        for (size_t k = 0; k < r->n_key && r->varies[q]; k++) {
            effect_of(&e, r, &r->key[k], (enum figure)q);
            json_add(&all, json_effect(r, &r->key[k], (enum figure)q, &e));
        }
    effect_release(&e);
    json_put(&o, "effects", all);
    return json_print(o, out, m);
}

/* ---- text ---- */

static void print_head(const void *reading, FILE *out)
{
    const struct reading *r = reading;

    fprintf(out, "%s: %s point%s, %s of them failed", r->options->operand,
            format_count(r->rows.n).text, r->rows.n == 1 ? "" : "s",
            format_count(r->rows.n_failed).text);
    if (r->rows.n_others > 0)
        fprintf(out, "; of version %s, %s of others are left out", r->rows.version,
                format_count(r->rows.n_others).text);
    if (r->n_beyond > 0)
        fprintf(out, "; %s beyond the limits of the study are left out",
                format_count(r->n_beyond).text);
    fputc('\n', out);
    if (r->options->effects)
        return;
    if (r->n_front > 0)
        fprintf(out, "%s point%s that no other beats in ", format_count(r->n_whole).text,
                r->n_whole == 1 ? "" : "s");
    else
        fprintf(out, "The %s best of %s by ", format_count(n_listed(r, false)).text,
                format_count(r->n_whole).text);
    for (size_t f = 0; f < r->n_front || f == 0; f++) {
        enum figure q = r->n_front > 0 ? r->front[f] : r->best;
        fprintf(out, "%s%s (%s is better)", f > 0 ? ", " : "", figure_rows[q].key,
                figure_rows[q].more ? "more" : "less");
    }
    fputc('\n', out);
}

static const struct sheet point_sheets[] = {
    { "points", true, all_points }, { "best", false, best_points },
    { "failures", false, failures }, { 0 },
}, effect_sheets[] = {
    { "effects", true, effects }, { "spreads", false, spreads }, { 0 },
};
static const struct form point_form = { point_sheets, print_head, NULL, points_json };
static const struct form effect_form = { effect_sheets, print_head, NULL, effects_json };

/* ---- what is asked for ---- */

static enum err find_figure(const struct reading *r, const char *option, const char *name,
                            size_t length, enum figure *found, struct err_msg *m)
{
    char word[64], all[1024] = "";
    size_t n = 0;

    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1),
             name);
    *found = figure_find(word);
    if (*found < N_FIGURE && r->there[*found])
        return ERR_NONE;
    for (int q = 0; q < N_FIGURE && n < sizeof all; q++)
        if (r->there[q])
            n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", n > 0 ? ", " : "",
                                  figure_rows[q].key);
    return err_set(m, ERR_INPUT, "report: --%s %s: no point has this figure: want one of %s",
                   option, word, all);
}

static enum err find_front(struct reading *r, struct err_msg *m)
{
    const char *at = r->options->front;
    enum err e = ERR_NONE;

    while (at && !e) {
        size_t length = strcspn(at, ",");
        if (r->n_front == MOST_FRONT)
            return err_set(m, ERR_INPUT, "report: --front %.64s: want two or three figures",
                           r->options->front);
        e = find_figure(r, "front", at, length, &r->front[r->n_front], m);
        for (size_t f = 0; f < r->n_front && !e; f++)
            if (r->front[f] == r->front[r->n_front])
                e = err_set(m, ERR_INPUT, "report: --front %.64s: %s stands twice: want each once",
                            r->options->front, figure_rows[r->front[f]].key);
        r->n_front++;
        at = at[length] ? at + length + 1 : NULL;
    }
    if (!e && r->n_front == 1)
        e = err_set(m, ERR_INPUT, "report: --front %.64s: want two or three figures, as in "
                    "--front cores,latency_us", r->options->front);
    return e;
}

/* What the last study wanted, where nothing else is asked for. */
static void take_objective(struct reading *r)
{
    const char *text = r->rows.objective;
    json_t *objective = text && !r->options->best && r->n_front == 0 ? json_loads(text, 0, NULL)
                                                                     : NULL;

    for (size_t i = 0; i < json_array_size(objective) && i < MOST_FRONT; i++) {
        const char *name = json_string_value(json_array_get(objective, i));
        enum figure q = name ? figure_find(name) : N_FIGURE;
        if (q < N_FIGURE && r->there[q]) // else no point has come so far
            r->front[r->n_front++] = q;
    }
    if (r->n_front == 1) {
        r->n_front = 0;
        r->best = r->front[0];
        r->is_wanted = true;
    }
    json_decref(objective);
}

/* Marks points that are worse than a limit of the last study in a figure that they have. */
static enum err find_beyond(struct reading *r, struct err_msg *m)
{
    json_t *limits = r->rows.limits ? json_loads(r->rows.limits, 0, NULL) : NULL;
    const char *key;
    json_t *value;

    r->beyond = calloc(r->rows.n + 1, sizeof *r->beyond);
    if (!r->beyond) {
        json_decref(limits);
        return no_memory(m);
    }
    json_object_foreach(limits, key, value) {
        enum figure q = figure_find(key);
        for (size_t i = 0; q < N_FIGURE && i < r->rows.n; i++) {
            double own = r->rows.row[i].figure[q];
            bool worse = !isnan(own) &&
                         explore_better(json_number_value(value), own, figure_rows[q].more);
            r->n_beyond += worse && !r->beyond[i];
            r->beyond[i] = r->beyond[i] || worse;
        }
    }
    json_decref(limits);
    return ERR_NONE;
}

/* The figure asked for, the first of the front, the study's, or the first that varies. */
static enum err find_best(struct reading *r, struct err_msg *m)
{
    const char *name = r->options->best;

    if (name)
        return find_figure(r, "best", name, strlen(name), &r->best, m);
    if (r->n_front > 0) {
        r->best = r->front[0];
        return ERR_NONE;
    }
    if (r->is_wanted)
        return ERR_NONE;
    for (int q = N_FIGURE - 1; q >= 0; q--)
        if (r->there[q] && (r->varies[q] || !r->varies[r->best]))
            r->best = (enum figure)q;
    return ERR_NONE;
}

static enum err find_keys(struct reading *r, struct err_msg *m)
{
    const struct rows *rows = &r->rows;
    const char **text = calloc(rows->n + 1, sizeof *text);

    r->key = calloc(rows->n_key + 1, sizeof *r->key);
    if (!text || !r->key) {
        free(text);
        return no_memory(m);
    }
    enum err e = ERR_NONE;
    for (size_t k = 0; k < rows->n_key && !e; k++) {
        struct key *key = &r->key[r->n_key];
        for (size_t i = 0; i < rows->n; i++)
            text[i] = rows->row[i].key[k];
        *key = (struct key){ rows->key[k], rows->key[k], k, 0,
                             calloc(rows->n + 1, sizeof *key->level),
                             calloc(rows->n + 1, sizeof *key->at) };
        if (key->level && key->at)
            key->n_level = explore_levels(key->level, key->at, text, rows->n);
        if (key->n_level == 0)
            e = no_memory(m);
        if (key->n_level > 1) {
            r->n_key++;
            continue;
        }
        free(key->level);
        free(key->at);
    }
    free(text);
    return e;
}

static bool ends_so(const char *name, const char *end)
{
    size_t n = strlen(name), n_end = strlen(end);

    return n >= n_end && strcmp(name + n - n_end, end) == 0 &&
           (n == n_end || name[n - n_end - 1] == '.');
}

/* "rows" of core.crossbar.rows, where there is no other. */
static void name_keys(struct reading *r)
{
    for (size_t k = 0; k < r->n_key; k++) {
        const char *name = r->key[k].name, *title = name + strlen(name);
        bool alone = false;
        while (!alone && title > name) {
            for (title--; title > name && title[-1] != '.'; title--)
                ;
            alone = figure_find(title) == N_FIGURE;
            for (size_t other = 0; other < r->n_key; other++)
                alone = alone && (other == k || !ends_so(r->key[other].name, title));
        }
        r->key[k].title = title;
    }
}

static void find_figures(struct reading *r)
{
    for (int q = 0; q < N_FIGURE; q++) {
        double first = NAN;
        for (size_t i = 0; i < r->rows.n; i++) {
            double value = r->rows.row[i].figure[q];
            if (isnan(value))
                continue;
            r->varies[q] = r->varies[q] || (r->there[q] && value != first);
            first = value;
            r->there[q] = true;
        }
    }
}

/* ---- order ---- */

struct ranked {
    double value;
    bool   more, failed; // or beyond a limit
    size_t point;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->failed != y->failed)
        return x->failed ? 1 : -1;
    if (explore_better(x->value, y->value, x->more))
        return -1;
    if (explore_better(y->value, x->value, x->more))
        return 1;
    return (x->point > y->point) - (x->point < y->point);
}

static bool keep_front(bool *keep, const struct reading *r)
{
    double *value = calloc(r->rows.n * MOST_FRONT + 1, sizeof *value);
    bool more[MOST_FRONT];

    for (size_t f = 0; f < r->n_front; f++)
        more[f] = figure_rows[r->front[f]].more;
    for (size_t i = 0; i < r->rows.n && value; i++)
        for (size_t f = 0; f < r->n_front; f++)
            value[i * r->n_front + f] = r->beyond[i] ? NAN
                                                     : r->rows.row[i].figure[r->front[f]];
    bool fits = value && explore_front(keep, value, r->rows.n, r->n_front, more);
    free(value);
    return fits;
}

/* Points of the front alone, or all of them, those beyond limits and failed ones last. */
static enum err rank(struct reading *r, struct err_msg *m)
{
    size_t n = r->rows.n;
    struct ranked *ranked = calloc(n + 1, sizeof *ranked);
    bool *keep = calloc(n + 1, sizeof *keep);

    r->order = calloc(n + 1, sizeof *r->order);
    bool fits = ranked && keep && r->order && (r->n_front == 0 || keep_front(keep, r));
    for (size_t i = 0; i < n && fits; i++)
        if (r->n_front == 0 || keep[i]) {
            bool failed = r->rows.row[i].error != NULL || r->beyond[i];
            ranked[r->n_order++] = (struct ranked){ r->rows.row[i].figure[r->best],
                                                figure_rows[r->best].more, failed, i };
            r->n_whole += !failed;
        }
    if (fits)
        qsort(ranked, r->n_order, sizeof *ranked, compare_ranked);
    for (size_t i = 0; i < r->n_order && fits; i++)
        r->order[i] = ranked[i].point;
    free(ranked);
    free(keep);
    return fits ? ERR_NONE : no_memory(m);
}

static enum err read_all(struct reading *r, struct err_msg *m)
{
    const char *figure[N_FIGURE];

    for (int q = 0; q < N_FIGURE; q++)
        figure[q] = figure_rows[q].key;
    enum err e = rows_read(&r->rows, r->options->operand, imcsim_version, figure, N_FIGURE, m);
    if (e)
        return e;
    find_figures(r);
    e = find_keys(r, m);
    if (!e)
        name_keys(r);
    if (!e)
        e = find_front(r, m);
    if (!e)
        take_objective(r);
    if (!e)
        e = find_best(r, m);
    if (!e)
        e = find_beyond(r, m);
    return e ? e : rank(r, m);
}

static void release(struct reading *r)
{
    for (size_t k = 0; k < r->n_key; k++) {
        free(r->key[k].level);
        free(r->key[k].at);
    }
    free(r->key);
    free(r->order);
    free(r->beyond);
    rows_release(&r->rows);
}

static enum err cmd_report(const struct options *o, struct err_msg *m)
{
    struct reading r = { .options = o };
    const struct form *form = o->effects ? &effect_form : &point_form;
    enum err e = ERR_NONE;

    if (o->effects && (o->front || o->best))
        e = err_set(m, ERR_INPUT, "report: --effects beside --%s: want one of them",
                    o->front ? "front" : "best");
    if (!e)
        e = results_check(form, o, NULL, 0, m);
    if (!e)
        e = read_all(&r, m);
    if (!e && o->html)
        e = study_page_write(o->html, &(struct study_page){ o->operand, &r.rows, r.beyond }, m);
    if (!e)
        e = results_write(form, o, &r, NULL, 0, m);
    release(&r);
    return e;
}

const struct command command_report = {
    .name = "report",
    .operand = "DB",
    .summary = "the best points of a study, its Pareto fronts, what each key does",
    .help = "Reads the database of `imcsim sweep` and prints the best points by the figure of\n"
            "--best (the first that varies), with the keys that vary, and the reasons of points\n"
            "that failed. --front prints the points that no other beats in two or three figures.\n"
            "--effects prints how much each key moves each figure: the mean of the figure at\n"
            "each value of the key, and how far these lie apart. CSV, JSON and --table points\n"
            "have all points and all figures, less those beyond --count. --html writes a page\n"
            "for a browser, which needs no network.\n"
            "\n"
            "  imcsim sweep configs/studies/arrays.yaml --jobs 2\n"
            "  imcsim report arrays.db --best latency_us --count 5\n"
            "  imcsim report arrays.db --front cores,latency_us\n"
            "  imcsim report arrays.db --effects\n"
            "  imcsim report arrays.db --html page       # page/index.html, for a browser\n",
    .options = OPTION_BIT(OPTION_BEST) | OPTION_BIT(OPTION_COUNT) | OPTION_BIT(OPTION_FRONT) |
               OPTION_BIT(OPTION_EFFECTS) | OPTION_BIT(OPTION_HTML) | OPTION_RESULTS,
    .run = cmd_report,
};
