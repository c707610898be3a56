/* cli/cmd_article.c -- imcsim article: the article's tables, ours beside the printed figures. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/article.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/version.h"

#define N_TABLE 6

static const char *status_name(enum figure_status s)
{
    static const char *const names[] = {
        [FIGURE_OURS_ALONE] = "not printed", [FIGURE_AGREES] = "agrees",
        [FIGURE_WITHIN] = "within",          [FIGURE_DEVIATES] = "deviates",
        [FIGURE_DIFFERS] = "differs",
    };
    return names[s];
}

/* ---- text: a row a line, "ours (printed)" where they are not the same ---- */

static void add_cell(struct table *t, const struct figure *f)
{
    enum figure_status s = figure_status(f);
    char both[64];

    if (s == FIGURE_OURS_ALONE || s == FIGURE_AGREES)
        snprintf(both, sizeof both, "%s", f->ours);
    else
        snprintf(both, sizeof both, "%s (%s)", f->ours, f->printed);
    table_text(t, both);
}

static const char *row_verdict(const struct figure_row *r)
{
    const char *verdict = "agrees";

    for (size_t i = 0; i < r->n_figure; i++) {
        enum figure_status s = figure_status(&r->figure[i]);
        if (s == FIGURE_DIFFERS)
            return "DIFFERS";
        if (s == FIGURE_DEVIATES)
            verdict = r->figure[i].deviation;
    }
    return verdict;
}

static enum err print_table(const struct figure_table *f, FILE *out, struct err_msg *m)
{
    struct table_column columns[MAX_FIGURE + 3] = { { f->row_title, "" } };
    size_t n = 1;

    for (size_t i = 0; i < f->row[0].n_figure; i++)
        columns[n++] = (struct table_column){ f->row[0].figure[i].quantity, "" };
    columns[n] = (struct table_column){ "printed figures", "" };

    struct table *t = table_new(columns);
    for (size_t i = 0; i < f->n_row; i++) {
        table_text(t, f->row[i].name);
        for (size_t j = 0; j < f->row[i].n_figure; j++)
            add_cell(t, &f->row[i].figure[j]);
        table_text(t, row_verdict(&f->row[i]));
    }
    fprintf(out, "%s\n\n", f->title);
    enum err e = table_print(t, TABLE_TEXT, out, m);
    fputc('\n', out);
    table_free(t);
    return e;
}

static enum err article_text(const void *tables, FILE *out, struct err_msg *m)
{
    const struct figure_table *t = tables;
    enum err e = ERR_NONE;

    fputs("Dazzi et al. 2021, Front. Comput. Neurosci. 15:674154, computed again\n\n", out);
    for (size_t i = 0; i < N_TABLE && !e; i++)
        e = print_table(&t[i], out, m);
    fputs("Where the article prints another figure, it is in brackets: D1 and so on are the known\n"
          "deviations, numbered in docs/validation.md; throughputs are rounded in print.\n", out);
    return e;
}

/* ---- CSV and JSON: a figure a line ---- */

static enum err table_csv(const void *table, FILE *out, struct err_msg *m)
{
    static const struct table_column columns[] = {
        { "table", "table" },         { "row", "row" },
        { "quantity", "quantity" },   { "ours", "ours" },
        { "printed", "printed" },     { "status", "status" },
        { "deviation", "deviation" }, { 0 },
    };
    const struct figure_table *f = table;
    struct table *t = table_new(columns);

    for (size_t i = 0; i < f->n_row; i++)
        for (size_t j = 0; j < f->row[i].n_figure; j++) {
            const struct figure *g = &f->row[i].figure[j];
            table_text(t, f->name);
            table_text(t, f->row[i].name);
            table_text(t, g->quantity);
            table_text(t, g->ours);
            table_text(t, g->printed ? g->printed : "");
            table_text(t, status_name(figure_status(g)));
            table_text(t, g->deviation ? g->deviation : "");
        }
    enum err e = table_print(t, TABLE_CSV, out, m);
    table_free(t);
    return e;
}

static json_t *json_figure(const struct figure_table *t, const struct figure_row *r,
                           const struct figure *f)
{
    json_t *o = json_object();

    json_put_text(&o, "table", t->name);
    json_put_text(&o, "row", r->name);
    json_put_text(&o, "quantity", f->quantity);
    json_put_text(&o, "ours", f->ours);
    if (f->printed)
        json_put_text(&o, "printed", f->printed);
    json_put_text(&o, "status", status_name(figure_status(f)));
    if (f->deviation)
        json_put_text(&o, "deviation", f->deviation);
    return o;
}

static enum err article_json(const void *tables, FILE *out, struct err_msg *m)
{
    const struct figure_table *t = tables;
    json_t *o = json_object(), *figures = json_array();

    for (size_t i = 0; i < N_TABLE; i++)
        for (size_t j = 0; j < t[i].n_row; j++)
            for (size_t k = 0; k < t[i].row[j].n_figure; k++)
                json_add(&figures, json_figure(&t[i], &t[i].row[j], &t[i].row[j].figure[k]));
    json_put_text(&o, "format", "imcsim-article/1");
    json_put_text(&o, "version", imcsim_version);
    json_put(&o, "figures", figures);
    return json_print(o, out, m);
}

/* ---- the subcommand ---- */

static enum err make_directory(const char *path, struct err_msg *m)
{
    struct stat s;

    if (mkdir(path, 0777) == 0 || (errno == EEXIST && stat(path, &s) == 0 && S_ISDIR(s.st_mode)))
        return ERR_NONE;
    return err_set(m, ERR_OUTPUT, "%s: %s: want a directory that exists or can be made", path,
                   strerror(errno));
}

/* Fails when a figure differs that should not: a wrong table is a failed run. */
static enum err check_figures(const struct figure_table *t, struct err_msg *m)
{
    size_t n = 0;

    for (size_t i = 0; i < N_TABLE; i++)
        n += figures_differing(&t[i]);
    if (n == 0)
        return ERR_NONE;
    return err_set(m, ERR_RUN, "article: %zu figures are not what the article prints, nor a "
                   "deviation that docs/validation.md lists", n);
}

static enum err make_tables(struct figure_table *t, struct err_msg *m)
{
    enum err e = article_table_1(&t[0], m);

    if (!e)
        e = article_table_2(&t[1], m);
    if (!e)
        e = article_timing(&t[2], m);
    if (!e)
        e = article_table_3(&t[3], m);
    if (!e)
        e = article_table_4(&t[4], m);
    if (!e)
        e = article_efficiency(&t[5], m);
    return e;
}

static enum err cmd_article(const struct options *o, struct err_msg *m)
{
    struct figure_table tables[N_TABLE] = { 0 };
    char path[N_TABLE][1024];
    struct output outputs[N_TABLE + 1] = { { o->json, article_json, tables } };
    enum err e = o->out ? make_directory(o->out, m) : ERR_NONE;

    if (!e)
        e = make_tables(tables, m);
    for (size_t i = 0; i < N_TABLE && o->out && !e; i++) {
        int n = snprintf(path[i], sizeof path[i], "%s/%s.csv", o->out, tables[i].name);
        if (n < 0 || (size_t)n >= sizeof path[i])
            e = err_set(m, ERR_INPUT, "article: --out: the name is too long");
        outputs[i + 1] = (struct output){ path[i], table_csv, &tables[i] };
    }
    if (!e)
        e = output_write(outputs, N_TABLE + 1, article_text, tables, m);
    if (!e)
        e = check_figures(tables, m);
    for (size_t i = 0; i < N_TABLE; i++)
        figure_table_release(&tables[i]);
    return e;
}

const struct command command_article = {
    .name = "article",
    .summary = "computes the article's tables again, ours beside the printed figures",
    .help = "Tables 1 to 4, timing and efficiency of M. Dazzi, A. Sebastian, L. Benini,\n"
            "E. Eleftheriou, \"Accelerating Inference of Convolutional Neural Networks Using\n"
            "In-memory Computing\", Front. Comput. Neurosci. 15:674154 (2021). Exit status 1 if a\n"
            "figure differs that docs/validation.md does not list.\n"
            "\n"
            "  imcsim article\n"
            "  imcsim article --out figures\n",
    .options = OPTION_BIT(OPTION_OUT) | OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_LOG_LEVEL),
    .run = cmd_article,
};
