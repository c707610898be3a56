/* report/table.c -- see table.h. */
#include "report/table.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "core/wrap.h"

enum cell_kind { CELL_NONE, CELL_TEXT, CELL_COUNT, CELL_REAL, CELL_SHARE };

struct cell {
    enum cell_kind kind;
    char          *text; // owned; for people
    char          *key;  // owned; for programs, NULL: the text
    uint64_t       count;
    double         real;
    int            decimals;
};

struct table {
    struct column {
        char *title, *key; // owned
        bool  glued;       // stays beside the one before it
    }                         *column; // owned
    size_t                     n_column;
    char                      *title, *note; // owned, or NULL
    size_t                     n_repeat;
    bool                       by_row, brief;
    struct cell               *cell;
    size_t                     n_cell, room;
    bool                       failed; // the host had no memory for a cell
};

#define MOST_EXACT 9007199254740992.0 // 2^53: below it a double holds every whole number
#define NUMBER_CHARS 400 // DBL_MAX in %f has 309 digits, then a point and decimals
enum { LEAST_WRAPPED = 40, MOST_NAME = 40, LEAST_CELL = 20, LATEX_DIGITS = 4 };

struct table *table_new(const struct table_column *columns)
{
    struct table *t = calloc(1, sizeof *t);
    size_t n = 0;

    while (columns[n].title)
        n++;
    if (!t || !(t->column = calloc(n + 1, sizeof *t->column))) {
        free(t);
        return NULL;
    }
    t->n_repeat = 1;
    for (t->n_column = 0; t->n_column < n; t->n_column++) {
        struct column *c = &t->column[t->n_column];
        c->title = strdup(columns[t->n_column].title);
        c->key = strdup(columns[t->n_column].key);
        t->failed = t->failed || !c->title || !c->key;
    }
    return t;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_cell; i++) {
        free(t->cell[i].text);
        free(t->cell[i].key);
    }
    free(t->cell);
    for (size_t i = 0; i < t->n_column; i++) {
        free(t->column[i].title);
        free(t->column[i].key);
    }
    free(t->column);
    free(t->title);
    free(t->note);
    free(t);
}

/* A copy without control characters but line ends where they are meant; remembers a failure. */
static char *copy_of(struct table *t, const char *text, bool lines)
{
    char *copy = strdup(text);

    if (!copy)
        t->failed = true;
    for (unsigned char *p = (unsigned char *)copy; p && *p; p++)
        if ((*p < ' ' && !(lines && *p == '\n')) || *p == 127)
            *p = '?';
    return copy;
}

void table_title(struct table *t, const char *title)
{
    if (t && !t->title)
        t->title = copy_of(t, title, false);
}

void table_note(struct table *t, const char *fmt, ...)
{
    char text[2048];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (t && !t->note)
        t->note = copy_of(t, text, true);
}

void table_repeat(struct table *t, size_t n_column)
{
    if (t)
        t->n_repeat = n_column;
}

void table_brief(struct table *t)
{
    if (t)
        t->brief = true;
}

void table_glue(struct table *t, size_t column)
{
    if (t)
        t->column[column].glued = true;
}

void table_by_row(struct table *t)
{
    if (t)
        t->by_row = true;
}

size_t table_rows(const struct table *t)
{
    return t && t->n_column ? t->n_cell / t->n_column : 0;
}

static void add(struct table *t, struct cell c)
{
    if (!t || t->failed)
        return;
    if (t->n_cell == t->room) {
        size_t room = t->room ? 2 * t->room : 16 * t->n_column;
        struct cell *cell = realloc(t->cell, room * sizeof *cell);
        if (!cell) {
            t->failed = true;
            return;
        }
        t->cell = cell;
        t->room = room;
    }
    t->cell[t->n_cell++] = c;
}

void table_named(struct table *t, const char *key, const char *name)
{
    if (!t)
        return;
    struct cell c = { .kind = CELL_TEXT, .text = copy_of(t, name, false),
                      .key = key == name ? NULL : copy_of(t, key, false) };
    size_t n = t->n_cell;
    add(t, c);
    if (t->n_cell == n) {
        free(c.text);
        free(c.key);
    }
}

void table_text(struct table *t, const char *text)
{
    table_named(t, text, text);
}

void table_count(struct table *t, uint64_t value)
{
    add(t, (struct cell){ .kind = CELL_COUNT, .count = value });
}

void table_real(struct table *t, double value, int decimals)
{
    add(t, (struct cell){ .kind = CELL_REAL, .real = value, .decimals = decimals });
}

void table_share(struct table *t, double share, int decimals)
{
    add(t, (struct cell){ .kind = CELL_SHARE, .real = share, .decimals = decimals });
}

void table_none(struct table *t)
{
    add(t, (struct cell){ .kind = CELL_NONE });
}

struct count_text format_count(uint64_t value)
{
    struct count_text t;
    char back[sizeof t.text]; // from the last digit on
    size_t n = 0, digits = 0;

    do {
        if (digits > 0 && digits % 3 == 0)
            back[n++] = ',';
        back[n++] = (char)('0' + value % 10);
        digits++;
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < n; i++)
        t.text[i] = back[n - 1 - i];
    t.text[n] = '\0';
    return t;
}

/* The cell as the reader of the text sees it; number is room for it. */
static const char *shown(const struct cell *c, char number[NUMBER_CHARS])
{
    switch (c->kind) {
    case CELL_NONE:
        return "";
    case CELL_TEXT:
        return c->text;
    case CELL_COUNT:
        return strcpy(number, format_count(c->count).text);
    case CELL_REAL:
        if (c->decimals == 0 && c->real >= 0 && c->real < MOST_EXACT)
            return strcpy(number, format_count((uint64_t)(c->real + 0.5)).text);
        snprintf(number, NUMBER_CHARS, "%.*f", c->decimals, c->real);
        return number;
    case CELL_SHARE:
        snprintf(number, NUMBER_CHARS, "%.*f %%", c->decimals, 100 * c->real);
        return number;
    }
    assert(!"unknown cell");
    return "";
}

/* The same on a page of `most` columns, where long names lose their middle but in the last column,
 * which wraps. */
static const char *fitted(const struct table *t, size_t row, size_t column, size_t most,
                          char number[NUMBER_CHARS])
{
    const struct cell *c = row > 0 ? &t->cell[(row - 1) * t->n_column + column] : NULL;
    const char *text = c ? shown(c, number) : t->column[column].title;

    bool wraps = c && column + 1 == t->n_column;
    return most == SIZE_MAX || wraps || (c && c->kind != CELL_TEXT)
               ? text : text_shorten(number, text, MOST_NAME);
}

static bool is_text_column(const struct table *t, size_t column)
{
    return t->n_cell > column && t->cell[column].kind == CELL_TEXT;
}

static void print_blank(FILE *out, size_t n)
{
    static const char blank[] = "                                ";

    for (size_t most = sizeof blank - 1, k; n > 0; n -= k) {
        k = min_u64(n, most);
        fwrite(blank, 1, k, out);
    }
}

static void print_padded(FILE *out, const char *text, size_t width, bool left)
{
    size_t pad = width - text_width(text);

    if (!left)
        print_blank(out, pad);
    fputs(text, out);
    if (left)
        print_blank(out, pad);
}

/* The repeated columns, then first to last - 1. */
static void print_panel(const struct table *t, const size_t *width, size_t first, size_t last,
                        size_t most, FILE *out)
{
    char number[NUMBER_CHARS];

    for (size_t row = 0; row <= table_rows(t); row++) {
        size_t at = 0;
        for (size_t i = 0; i < last; i++) {
            if (i >= t->n_repeat && i < first)
                continue;
            const char *text = fitted(t, row, i, most, number);
            fputs("  ", out);
            if (i + 1 == last && is_text_column(t, i))
                wrap(out, text, at + 2, at + 2, max_u64(most, at + 2 + LEAST_CELL));
            else
                print_padded(out, text, width[i], is_text_column(t, i));
            at += 2 + width[i];
        }
        fputc('\n', out);
    }
}

/* How many columns from `first` on fit beside the repeated ones; at least one. */
static size_t fitting(const struct table *t, const size_t *width, size_t first, size_t most)
{
    size_t used = 0, n = 0, good = 0;

    for (size_t i = 0; i < t->n_repeat && i < first; i++)
        used += 2 + width[i];
    for (; first + n < t->n_column; n++) {
        bool wraps = first + n + 1 == t->n_column && is_text_column(t, first + n);
        used += 2 + (wraps ? min_u64(width[first + n], LEAST_WRAPPED) : width[first + n]);
        if (used > most && n > 0)
            break;
        good = first + n + 1 < t->n_column && t->column[first + n + 1].glued ? good : n + 1;
    }
    return good > 0 ? good : n > 0 ? n : 1;
}

static void print_text(const struct table *t, const size_t *width, size_t most, FILE *out)
{
    for (size_t first = 0, n; first < t->n_column; first += n) {
        n = fitting(t, width, first, most);
        if (first > 0)
            fputc('\n', out);
        print_panel(t, width, first, first + n, most, out);
    }
}

static void print_quoted(const char *text, FILE *out)
{
    if (!strpbrk(text, ",\"")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void print_csv(const struct table *t, FILE *out)
{
    for (size_t i = 0; i < t->n_column; i++) {
        fputs(i ? "," : "", out);
        print_quoted(t->column[i].key, out);
    }
    fputc('\n', out);
    for (size_t i = 0; i < t->n_cell; i++) {
        const struct cell *c = &t->cell[i];
        if (i % t->n_column)
            fputc(',', out);
        if (c->kind == CELL_TEXT)
            print_quoted(c->key ? c->key : c->text, out);
        else if (c->kind == CELL_COUNT)
            fprintf(out, "%" PRIu64, c->count);
        else if (c->kind != CELL_NONE)
            fprintf(out, "%.15g", c->real);
        if ((i + 1) % t->n_column == 0)
            fputc('\n', out);
    }
}

/* What comes before, between and after the cells of the two markup languages, and their escapes. */
struct markup {
    const char *begin, *end, *row_begin, *row_end, *title_begin, *title_end, *text_begin,
        *number_begin, *cell_end;
    const char *text_rule, *number_rule; // below the titles, a cell each; NULL: no such line
    const char *special, *const *escape; // of each special character
};

static const char *const markdown_escape[] = { "\\|", "&lt;" };
static const char *const html_escape[] = { "&amp;", "&lt;", "&gt;", "&quot;" };

static const struct markup markdown = {
    .begin = "", .end = "", .row_begin = "|", .row_end = "\n",
    .title_begin = " ", .title_end = " |", .text_begin = " ", .number_begin = " ", .cell_end = " |",
    .text_rule = "---|", .number_rule = "---:|", .special = "|<", .escape = markdown_escape,
};

static const struct markup html = {
    .begin = "<table>\n", .end = "</table>\n", .row_begin = "<tr>", .row_end = "</tr>\n",
    .title_begin = "<th>", .title_end = "</th>", .text_begin = "<td class=\"text\">",
    .number_begin = "<td>", .cell_end = "</td>", .special = "&<>\"", .escape = html_escape,
};

static void print_escaped(const struct markup *k, const char *text, FILE *out)
{
    for (; *text; text++) {
        const char *special = strchr(k->special, *text);
        if (special)
            fputs(k->escape[special - k->special], out);
        else
            fputc(*text, out);
    }
}

static void print_marked_titles(const struct table *t, const struct markup *k, FILE *out)
{
    fputs(k->row_begin, out);
    for (size_t i = 0; i < t->n_column; i++) {
        fputs(k->title_begin, out);
        print_escaped(k, t->column[i].title, out);
        fputs(k->title_end, out);
    }
    fputs(k->row_end, out);
    if (!k->text_rule)
        return;
    fputs(k->row_begin, out);
    for (size_t i = 0; i < t->n_column; i++)
        fputs(is_text_column(t, i) ? k->text_rule : k->number_rule, out);
    fputs(k->row_end, out);
}

static void print_marked(const struct table *t, const struct markup *k, FILE *out)
{
    char number[NUMBER_CHARS];

    fputs(k->begin, out);
    print_marked_titles(t, k, out);
    for (size_t i = 0; i < t->n_cell; i++) {
        size_t column = i % t->n_column;
        if (column == 0)
            fputs(k->row_begin, out);
        fputs(is_text_column(t, column) ? k->text_begin : k->number_begin, out);
        print_escaped(k, shown(&t->cell[i], number), out);
        fputs(k->cell_end, out);
        if (column + 1 == t->n_column)
            fputs(k->row_end, out);
    }
    fputs(k->end, out);
}

/* ---- LaTeX ---- */

/* Units in the powers and letters that a reader knows. */
static void print_latex(const char *text, FILE *out)
{
    static const struct {
        const char *text, *latex;
    } words[] = { { "um2", "$\\mu$m$^2$" }, { "mm2", "mm$^2$" }, { "um", "$\\mu$m" },
                  { "us", "$\\mu$s" },       { "uW", "$\\mu$W" }, { "uJ", "$\\mu$J" } };
    const char *before = text;

    while (*text) {
        size_t n = strcspn(text, " /("), i = 0;
        while (i < sizeof words / sizeof *words &&
               !(strlen(words[i].text) == n && strncmp(text, words[i].text, n) == 0))
            i++;
        if (n > 0 && i < sizeof words / sizeof *words) {
            fputs(words[i].latex, out);
            text += n;
            continue;
        }
        do {
            if (strncmp(text, "->", 2) == 0) {
                fputs("$\\to$", out);
                text += 2;
                continue;
            }
            if (strchr("<>|", *text)) { // are other signs in TeX's own fonts
                fprintf(out, "$%c$", *text++);
                continue;
            }
            if (strchr("_%&#${}", *text))
                fputc('\\', out);
            if (*text == '\\' || *text == '^' || *text == '~')
                fprintf(out, "\\char%d{}", *text);
            else
                fputc(*text, out);
            text++;
        } while (*text && !strchr(" /(", text[-1]));
        assert(text > before);
    }
}

/* Whether digits of the column are chosen along rows. */
static bool is_by_row(const struct table *t, size_t column)
{
    return t->by_row && !t->column[column].glued;
}

/* Decimals of the real numbers of a column, or of a row where those are by row: as many as leave
 * the largest of them so many digits. */
static int latex_decimals(const struct table *t, size_t first, size_t end, size_t step, bool row)
{
    double most = 0;
    int decimals = 0;

    for (size_t i = first; i < end; i += step)
        if (t->cell[i].kind == CELL_REAL && (!row || is_by_row(t, i % t->n_column))) {
            most = fmax(most, fabs(t->cell[i].real));
            decimals = t->cell[i].decimals > decimals ? t->cell[i].decimals : decimals;
        }
    if (most == 0 || !isfinite(most))
        return decimals;
    int wanted = LATEX_DIGITS - 1 - (int)floor(log10(most));
    return wanted < 0 ? 0 : wanted < decimals ? wanted : decimals;
}

static void print_latex_cell(const struct table *t, size_t i, int decimals, FILE *out)
{
    char number[NUMBER_CHARS];
    struct cell c = t->cell[i];

    if (c.kind == CELL_REAL && decimals < c.decimals)
        c.decimals = decimals;
    print_latex(shown(&c, number), out);
}

/* decimals: of each column. */
static void print_latex_row(const struct table *t, size_t first, const int *decimals, FILE *out)
{
    int of_row = latex_decimals(t, first, first + t->n_column, 1, true);

    for (size_t i = 0; i < t->n_column; i++) {
        fputs(i ? " & " : "", out);
        print_latex_cell(t, first + i, is_by_row(t, i) ? of_row : decimals[i], out);
    }
    fputs(" \\\\\n", out);
}

/* Lines of a note run on, but for those that say what a word means, "lag  from the last": each
 * begins a line, the word set apart. */
static void print_latex_note(char *note, FILE *out)
{
    for (char *line = note, *end; line; line = end ? end + 1 : NULL) {
        if ((end = strchr(line, '\n')) != NULL)
            *end = '\0';
        char *gap = *line == ' ' ? NULL : strstr(line, "  ");
        if (line > note)
            fputs(gap ? "\\newline\n" : "\n", out);
        if (gap) {
            *gap = '\0';
            fputs("\\emph{", out);
            print_latex(line, out);
            fputs("}: ", out);
            line = gap + 1;
        }
        print_latex(line + strspn(line, " "), out);
    }
}

static void print_booktabs(const struct table *t, const int *decimals, FILE *out)
{
    fputs("\\begin{table}\n\\centering\n", out);
    if (t->title) {
        fputs("\\caption{", out);
        print_latex(t->title, out);
        fputs("}\n", out);
    }
    fputs("\\begin{tabular}{", out);
    for (size_t i = 0; i < t->n_column; i++)
        fputc(is_text_column(t, i) ? 'l' : 'r', out);
    fputs("}\n\\toprule\n", out);
    for (size_t i = 0; i < t->n_column; i++) {
        fputs(i ? " & " : "", out);
        print_latex(t->column[i].title, out);
    }
    fputs(" \\\\\n\\midrule\n", out);
    for (size_t i = 0; i < t->n_cell; i += t->n_column)
        print_latex_row(t, i, decimals, out);
    fputs("\\bottomrule\n\\end{tabular}\n", out);
    if (t->note) {
        char *note = strdup(t->note);
        fputs("\\par\\smallskip\n{\\footnotesize ", out);
        if (note)
            print_latex_note(note, out);
        else // no memory
            print_latex(t->note, out);
        fputs("\\par}\n", out);
        free(note);
    }
    fputs("\\end{table}\n", out);
}

static enum err print_latex_table(const struct table *t, FILE *out, struct err_msg *m)
{
    int *decimals = calloc(t->n_column, sizeof *decimals);

    if (!decimals)
        return err_set(m, ERR_MEMORY, "no memory for a table");
    for (size_t i = 0; i < t->n_column; i++)
        decimals[i] = latex_decimals(t, i, t->n_cell, t->n_column, false);
    print_booktabs(t, decimals, out);
    free(decimals);
    return ERR_NONE;
}

/* ---- text and all ---- */

static enum err print_aligned(const struct table *t, size_t most, FILE *out, struct err_msg *m)
{
    char number[NUMBER_CHARS];
    size_t *width = calloc(t->n_column, sizeof *width);

    if (!width)
        return err_set(m, ERR_MEMORY, "no memory for a table");
    for (size_t i = 0; i < t->n_column + t->n_cell; i++) { // titles are row 0
        size_t *w = &width[i % t->n_column];
        *w = max_u64(*w, text_width(fitted(t, i / t->n_column, i % t->n_column, most, number)));
    }
    if (t->title)
        fprintf(out, "%s\n\n", t->title);
    print_text(t, width, most, out);
    if (t->note) {
        fputc('\n', out);
        wrap_lines(out, t->note, 2, most);
    }
    free(width);
    return ERR_NONE;
}

static void print_markdown(const struct table *t, FILE *out)
{
    if (t->title)
        fprintf(out, "### %s\n\n", t->title);
    print_marked(t, &markdown, out);
    if (t->note)
        fprintf(out, "\n%s\n", t->note);
}

static bool is_empty_column(const struct table *t, size_t column)
{
    for (size_t i = column; i < t->n_cell; i += t->n_column)
        if (t->cell[i].kind != CELL_NONE && !(t->cell[i].kind == CELL_TEXT && !t->cell[i].text[0]))
            return false;
    return true;
}

/* The same without columns that are empty; titles and cells are borrowed of the table. */
static enum err print_brief(const struct table *t, enum table_format format, FILE *out,
                            struct err_msg *m)
{
    struct table some = *t;
    bool *empty = calloc(t->n_column, sizeof *empty);
    enum err e = ERR_NONE;

    some.column = calloc(t->n_column, sizeof *some.column);
    some.cell = calloc(t->n_cell + 1, sizeof *some.cell);
    some.brief = false;
    some.n_column = some.n_cell = some.n_repeat = 0;
    if (!empty || !some.column || !some.cell)
        e = err_set(m, ERR_MEMORY, "no memory for a table");
    for (size_t i = 0; !e && i < t->n_column; i++) {
        empty[i] = is_empty_column(t, i);
        some.n_repeat += !empty[i] && i < t->n_repeat;
        if (!empty[i])
            some.column[some.n_column++] = t->column[i];
    }
    for (size_t i = 0; !e && i < t->n_cell; i++)
        if (!empty[i % t->n_column])
            some.cell[some.n_cell++] = t->cell[i];
    if (!e && some.n_column > 0)
        e = table_print(&some, format, out, m);
    free(some.cell);
    free(some.column);
    free(empty);
    return e;
}

enum err table_print(const struct table *t, enum table_format format, FILE *out,
                     struct err_msg *m)
{
    if (!t || t->failed)
        return err_set(m, ERR_MEMORY, "no memory for a table");
    assert(t->n_cell % t->n_column == 0);
    if (t->brief && t->n_cell > 0 && format != TABLE_CSV)
        return print_brief(t, format, out, m);
    switch (format) {
    case TABLE_TEXT:
        return print_aligned(t, TEXT_WIDTH, out, m);
    case TABLE_WIDE:
        return print_aligned(t, SIZE_MAX, out, m);
    case TABLE_LATEX:
        return print_latex_table(t, out, m);
    case TABLE_CSV:
        print_csv(t, out);
        break;
    case TABLE_MARKDOWN:
        print_markdown(t, out);
        break;
    case TABLE_HTML:
        print_marked(t, &html, out);
        break;
    }
    return ERR_NONE;
}
