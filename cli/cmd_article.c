/* cli/cmd_article.c -- imcsim article: the article's tables and figures, computed again. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/article/article.h"
#include "cli/article/page.h"
#include "cli/article/plot.h"
#include "cli/command.h"
#include "cli/log.h"
#include "cli/results.h"
#include "report/json.h"
#include "report/table.h"
#include "report/version.h"

#define N_TABLE 10

static const char *status_name(enum figure_status s)
{
    static const char *const names[] = {
        [FIGURE_OURS_ALONE] = "not printed", [FIGURE_AGREES] = "agrees",
        [FIGURE_WITHIN] = "within",          [FIGURE_DEVIATES] = "deviates",
        [FIGURE_DIFFERS] = "differs",
    };
    return names[s];
}

/* ---- CSV and JSON: a figure a line ---- */

static struct table *list_figures(const struct figure_table *f, size_t n_table)
{
    static const struct table_column columns[] = {
        { "table", "table" },         { "row", "row" },
        { "quantity", "quantity" },   { "ours", "ours" },
        { "printed", "printed" },     { "status", "status" },
        { "deviation", "deviation" }, { 0 },
    };
    struct table *t = table_new(columns);

    table_title(t, "Every figure");
    for (; n_table > 0; n_table--, f++)
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
    return t;
}

static enum err table_csv(const void *table, FILE *out, struct err_msg *m)
{
    struct table *t = list_figures(table, 1);
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

/* ---- tables ---- */

static void article_head(const void *tables, FILE *out)
{
    (void)tables;
    fputs("Dazzi et al. 2021, Front. Comput. Neurosci. 15:674154, computed again\n", out);
}

static void article_tail(const void *tables, FILE *out)
{
    (void)tables;
    fputs("\nWhere the article prints another figure, it is in brackets: D1 and so on are the\n"
          "known deviations, numbered in docs/validation.md; throughputs are rounded in print.\n",
          out);
}

static struct table *all_figures(const void *tables)
{
    return list_figures(tables, N_TABLE);
}

#define MAKE(i)                                                                                  \
    static struct table *make_##i(const void *tables)                                            \
    {                                                                                            \
        return figure_table_make((const struct figure_table *)tables + i);                       \
    }
MAKE(0) MAKE(1) MAKE(2) MAKE(3) MAKE(4) MAKE(5) MAKE(6) MAKE(7) MAKE(8) MAKE(9)

static const struct sheet sheets[] = {
    { "figures", true, all_figures }, { "replicas", false, make_0 }, { "table1", false, make_1 },
    { "table2", false, make_2 },      { "timing", false, make_3 },   { "table3", false, make_4 },
    { "table4", false, make_5 },      { "efficiency", false, make_6 },
    { "neurosim", false, make_7 },    { "lu2021", false, make_8 },
    { "spoon2021", false, make_9 },   { 0 },
};

static const struct form form = { sheets, article_head, article_tail, article_json };

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
    static enum err (*const make[N_TABLE])(struct figure_table *, struct err_msg *) = {
        article_replicas, article_table_1, article_table_2,    article_timing,
        article_table_3,  article_table_4, article_efficiency, article_neurosim,
        article_lu2021,   article_spoon2021,
    };
    enum err e = ERR_NONE;

    for (size_t i = 0; i < N_TABLE && !e; i++)
        e = make[i](&t[i], m);
    return e;
}

/* ---- files ---- */

#define MAX_OUTPUT (N_TABLE + 2 * N_PLOT + 1)

struct files {
    struct output output[MAX_OUTPUT];
    char          path[MAX_OUTPUT][1024];
    size_t        n;
};

static enum err add_file(struct files *f, const char *dir, const char *name, const char *suffix,
                         output_writer *write, const void *what, struct err_msg *m)
{
    char *path = f->path[f->n];
    int n = snprintf(path, sizeof f->path[0], "%s/%s.%s", dir, name, suffix);

    if (n < 0 || (size_t)n >= sizeof f->path[0])
        return err_set(m, ERR_INPUT, "article: --out: the name is too long");
    f->output[f->n++] = (struct output){ path, write, what };
    return ERR_NONE;
}

static enum err add_files(struct files *f, const char *dir, const struct article *a,
                          struct err_msg *m)
{
    enum err e = ERR_NONE;

    for (size_t i = 0; i < a->n_table && !e; i++)
        e = add_file(f, dir, a->table[i].name, "csv", table_csv, &a->table[i], m);
    for (size_t i = 0; i < a->n_plot && !e; i++) {
        e = add_file(f, dir, a->plot[i].name, "csv", plot_data, &a->plot[i], m);
        if (!e && a->plot[i].svg)
            e = add_file(f, dir, a->plot[i].name, "svg", plot_svg, &a->plot[i], m);
    }
    return e ? e : add_file(f, dir, "index", "html", article_page, a, m);
}

static void say_what_is_missing(const struct options *o, const struct plot *plot)
{
    for (size_t i = 0; i < N_PLOT; i++)
        if (plot[i].data && !plot[i].svg) {
            log_line(o, LOG_INFO, "gnuplot is not installed (Debian: gnuplot-nox): figures that it "
                     "draws are written as CSV only");
            return;
        }
}

static enum err cmd_article(const struct options *o, struct err_msg *m)
{
    struct figure_table tables[N_TABLE] = { 0 };
    struct plot plots[N_PLOT] = { 0 };
    const struct article article = { tables, N_TABLE, plots, N_PLOT };
    struct files files = { .n = 0 };
    enum err e = results_check(&form, o, NULL, 0, m);

    if (!e && o->out)
        e = make_directory(o->out, m);

    if (!e)
        e = make_tables(tables, m);
    if (!e && o->out)
        e = article_plots(plots, m);
    if (!e && o->out)
        e = add_files(&files, o->out, &article, m);
    if (!e)
        say_what_is_missing(o, plots);
    if (!e)
        e = results_write(&form, o, tables, files.output, files.n, m);
    if (!e)
        e = check_figures(tables, m);
    for (size_t i = 0; i < N_TABLE; i++)
        figure_table_release(&tables[i]);
    plots_release(plots);
    return e;
}

const struct command command_article = {
    .name = "article",
    .summary = "computes the article's tables and figures, ours beside the printed numbers",
    .help = "Tables 1 to 4, timing and efficiency of M. Dazzi, A. Sebastian, L. Benini,\n"
            "E. Eleftheriou, \"Accelerating Inference of Convolutional Neural Networks Using\n"
            "In-memory Computing\", Front. Comput. Neurosci. 15:674154 (2021). Exit status 1 if a\n"
            "figure differs that docs/validation.md does not list. Beside it whole chips of\n"
            "DNN+NeuroSim, with each difference of ours: --table neurosim, --table lu2021; and\n"
            "the share of attention in a transformer: --table spoon2021. --out also draws\n"
            "Figs. 6, 9 and 10, 6 and 10 with gnuplot, and writes index.html, which shows all on\n"
            "one page.\n"
            "\n"
            "  imcsim article\n"
            "  imcsim article --out figures\n",
    .options = OPTION_BIT(OPTION_OUT) | OPTION_RESULTS,
    .run = cmd_article,
};
