/* cli/results.c -- see results.h. */
#include "cli/results.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/log.h"
#include "core/wrap.h"

enum { MOST_SHEET = 24, MOST_MORE = 20, MOST_OUTPUT = MOST_SHEET + MOST_MORE, MOST_PATH = 1100 };

struct shown { // what the writers below get
    const struct form    *form;
    const struct options *options;
    const void           *what;
    const struct sheet   *sheet; // of a CSV
};

struct outputs {
    struct output list[MOST_OUTPUT];
    size_t        n;
    const char   *empty[MOST_SHEET]; // CSV files that would hold no row
    size_t        n_empty;
    struct shown  all, sheet[MOST_SHEET];
    char          path[MOST_SHEET][MOST_PATH];
};

/* ---- writers ---- */

static enum err print_sheet(const struct shown *s, const struct sheet *sheet,
                            enum table_format format, const char *gap, FILE *out,
                            struct err_msg *m)
{
    struct table *t = sheet->make(s->what);
    enum err e = ERR_NONE;

    if (!t || format == TABLE_CSV || table_rows(t) > 0) {
        fputs(gap, out);
        e = table_print(t, format, out, m);
    }
    table_free(t);
    return e;
}

static const struct sheet *find_sheet(const struct form *f, const char *name)
{
    const struct sheet *s = f->sheet;

    while (s->name && strcmp(s->name, name) != 0)
        s++;
    return s->name ? s : NULL;
}

/* The table of --table, or all that are no detail with an empty line between. */
static enum err print_sheets(const struct shown *s, enum table_format format, const char *gap,
                             FILE *out, struct err_msg *m)
{
    const char *only = s->options->table;
    enum err e = ERR_NONE;

    if (only)
        return print_sheet(s, find_sheet(s->form, only), format, "", out, m);
    for (const struct sheet *sheet = s->form->sheet; sheet->name && !e; sheet++) {
        if (sheet->detail)
            continue;
        e = print_sheet(s, sheet, format, gap, out, m);
        gap = "\n";
    }
    return e;
}

/* Text around the tables, whose names may be long. */
static enum err print_around(const struct shown *s, void (*print)(const void *what, FILE *out),
                             FILE *out, struct err_msg *m)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    if (f)
        print(s->what, f);
    if (!f || fclose(f)) {
        free(text);
        return err_set(m, ERR_MEMORY, "no memory for a report");
    }
    wrap_lines(out, text, 0, s->options->wide ? SIZE_MAX : TEXT_WIDTH);
    free(text);
    return ERR_NONE;
}

static enum err write_text(const void *shown, FILE *out, struct err_msg *m)
{
    const struct shown *s = shown;
    bool around = !s->options->table;

    enum err e = around && s->form->head ? print_around(s, s->form->head, out, m) : ERR_NONE;
    if (!e)
        e = print_sheets(s, s->options->wide ? TABLE_WIDE : TABLE_TEXT,
                         s->form->head ? "\n" : "", out, m);
    return !e && around && s->form->tail ? print_around(s, s->form->tail, out, m) : e;
}

static enum err write_markdown(const void *shown, FILE *out, struct err_msg *m)
{
    return print_sheets(shown, TABLE_MARKDOWN, "", out, m);
}

static enum err write_latex(const void *shown, FILE *out, struct err_msg *m)
{
    return print_sheets(shown, TABLE_LATEX, "", out, m);
}

static enum err write_csv(const void *shown, FILE *out, struct err_msg *m)
{
    const struct shown *s = shown;

    return print_sheet(s, s->sheet, TABLE_CSV, "", out, m);
}

static enum err write_json(const void *shown, FILE *out, struct err_msg *m)
{
    const struct shown *s = shown;

    return s->form->json(s->what, out, m);
}

/* ---- places ---- */

/* "run.csv.gz" and "cores": "run.cores.csv.gz". */
static bool path_beside(char path[MOST_PATH], const char *first, const char *name)
{
    const char *base = strrchr(first, '/');
    base = base ? base + 1 : first;
    const char *dot = strchr(*base == '.' ? base + 1 : base, '.');
    int n_stem = dot ? (int)(dot - first) : (int)strlen(first);

    int n = snprintf(path, MOST_PATH, "%.*s.%s%s", n_stem, first, name, dot ? dot : "");
    return n > 0 && n < MOST_PATH;
}

/* Standard output, devices and pipes have nothing beside them. */
static bool has_neighbours(const char *path)
{
    return strcmp(path, "-") != 0 && strncmp(path, "/dev/", 5) != 0 && output_is_file(path);
}

static bool has_rows(const struct sheet *s, const void *what)
{
    struct table *t = s->make(what);
    bool has = !t || table_rows(t) > 0; // without memory the writer says so

    table_free(t);
    return has;
}

/* Before the work, `what` is NULL: all of them. */
static enum err add_csv(struct outputs *u, const struct form *f, const struct options *o,
                        struct err_msg *m)
{
    const struct sheet *first = o->table ? find_sheet(f, o->table) : f->sheet;

    for (size_t i = 0; f->sheet[i].name; i++) {
        const struct sheet *s = &f->sheet[i];
        assert(i < MOST_SHEET);
        if (s != first && (o->table || !has_neighbours(o->csv)))
            continue;
        u->sheet[i] = u->all;
        u->sheet[i].sheet = s;
        if (s != first && !path_beside(u->path[i], o->csv, s->name))
            return err_set(m, ERR_INPUT, "--csv: the name is too long");
        if (s != first && u->all.what && !has_rows(s, u->all.what)) {
            u->empty[u->n_empty++] = u->path[i];
            continue;
        }
        u->list[u->n++] = (struct output){ s == first ? o->csv : u->path[i], write_csv,
                                           &u->sheet[i] };
    }
    return ERR_NONE;
}

static enum err no_such_table(const struct form *f, const char *name, struct err_msg *m)
{
    char names[256] = "";
    size_t n = 0;

    for (const struct sheet *s = f->sheet; s->name && n < sizeof names; s++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n > 0 ? ", " : "", s->name);
    return err_set(m, ERR_INPUT, "--table %.64s: want one of %s", name, names);
}

static enum err collect(struct outputs *u, const struct form *f, const struct options *o,
                        const void *what, const struct output *more, size_t n_more,
                        struct err_msg *m)
{
    *u = (struct outputs){ .all = { f, o, what, f->sheet } };
    if (o->table && !(u->all.sheet = find_sheet(f, o->table)))
        return no_such_table(f, o->table, m);
    u->list[u->n++] = (struct output){ o->json, write_json, &u->all };
    u->list[u->n++] = (struct output){ o->markdown, write_markdown, &u->all };
    enum err e = o->csv ? add_csv(u, f, o, m) : ERR_NONE;
    for (size_t i = 0; i < n_more; i++) {
        assert(u->n < MOST_OUTPUT);
        u->list[u->n++] = more[i];
    }
    return e;
}

enum err results_check(const struct form *f, const struct options *o, const struct output *more,
                       size_t n_more, struct err_msg *m)
{
    struct outputs u;
    enum err e = collect(&u, f, o, NULL, more, n_more, m);

    return e ? e : output_check(u.list, u.n, m);
}

enum err results_write(const struct form *f, const struct options *o, const void *what,
                       const struct output *more, size_t n_more, struct err_msg *m)
{
    static output_writer *const writers[] = {
        [FORMAT_TEXT] = write_text,         [FORMAT_CSV] = write_csv, [FORMAT_JSON] = write_json,
        [FORMAT_MARKDOWN] = write_markdown, [FORMAT_LATEX] = write_latex,
    };
    struct outputs u;
    enum err e = collect(&u, f, o, what, more, n_more, m);

    e = e ? e : output_write(u.list, u.n, writers[o->format], &u.all, m);
    for (size_t i = 0; i < u.n_empty && !e; i++)
        remove(u.empty[i]); // of an earlier result
    if (!e && o->table && !has_rows(u.all.sheet, what))
        log_line(o, LOG_INFO, "note: --table %s: there is nothing of it to show here", o->table);
    return e;
}
