/* cli/report/table.c -- see table.h. */
#include "cli/report/table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum cell_kind { CELL_NONE, CELL_TEXT, CELL_COUNT, CELL_REAL, CELL_SHARE };

struct cell {
    enum cell_kind kind;
    char          *text; // owned
    uint64_t       count;
    double         real;
    int            decimals;
};

struct table {
    const struct table_column *column;
    size_t                     n_column;
    struct cell               *cell;
    size_t                     n_cell, room;
    bool                       failed; // the host had no memory for a cell
};

#define MOST_EXACT 9007199254740992.0 // 2^53: below it a double holds every whole number
#define NUMBER_CHARS 400 // DBL_MAX in %f has 309 digits, then a point and decimals

struct table *table_new(const struct table_column *columns)
{
    struct table *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->column = columns;
    while (columns[t->n_column].title)
        t->n_column++;
    return t;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_cell; i++)
        free(t->cell[i].text);
    free(t->cell);
    free(t);
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

void table_text(struct table *t, const char *text)
{
    if (!t)
        return;
    add(t, (struct cell){ .kind = CELL_TEXT });
    if (t->failed)
        return;

    char *copy = strdup(text);
    if (!copy) {
        t->failed = true;
        return;
    }
    for (unsigned char *p = (unsigned char *)copy; *p; p++)
        if (*p < ' ' || *p == 127)
            *p = '?';
    t->cell[t->n_cell - 1].text = copy;
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
    char digits[24];
    size_t n = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, value), at = 0;

    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            t.text[at++] = ',';
        t.text[at++] = digits[i];
    }
    t.text[at] = '\0';
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

/* Columns that a terminal needs for UTF-8 text without wide characters. */
static size_t width_of(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static bool is_text_column(const struct table *t, size_t column)
{
    return t->n_cell > column && t->cell[column].kind == CELL_TEXT;
}

static void print_padded(FILE *out, const char *text, size_t width, bool left, bool last)
{
    int pad = (int)(width - width_of(text));

    if (left)
        fprintf(out, "%s%*s", text, last ? 0 : pad, "");
    else
        fprintf(out, "%*s%s", pad, "", text);
}

static void print_text(const struct table *t, const size_t *width, FILE *out)
{
    char number[NUMBER_CHARS];

    for (size_t i = 0; i < t->n_column + t->n_cell; i++) {
        size_t column = i % t->n_column;
        bool last = column + 1 == t->n_column;
        fputs("  ", out);
        print_padded(out, i < t->n_column ? t->column[i].title
                                          : shown(&t->cell[i - t->n_column], number),
                     width[column], is_text_column(t, column), last);
        if (last)
            fputc('\n', out);
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
    for (size_t i = 0; i < t->n_column; i++)
        fprintf(out, "%s%s", i ? "," : "", t->column[i].key);
    fputc('\n', out);
    for (size_t i = 0; i < t->n_cell; i++) {
        const struct cell *c = &t->cell[i];
        if (i % t->n_column)
            fputc(',', out);
        if (c->kind == CELL_TEXT)
            print_quoted(c->text, out);
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

static void print_aligned(const struct table *t, size_t *width, FILE *out)
{
    char number[NUMBER_CHARS];

    for (size_t i = 0; i < t->n_column; i++)
        width[i] = width_of(t->column[i].title);
    for (size_t i = 0; i < t->n_cell; i++) {
        size_t w = width_of(shown(&t->cell[i], number));
        if (w > width[i % t->n_column])
            width[i % t->n_column] = w;
    }
    print_text(t, width, out);
}

enum err table_print(const struct table *t, enum table_format format, FILE *out,
                     struct err_msg *m)
{
    size_t *width = t && !t->failed ? calloc(t->n_column, sizeof *width) : NULL;

    if (!width)
        return err_set(m, ERR_MEMORY, "no memory for a table");
    assert(t->n_cell % t->n_column == 0);
    switch (format) {
    case TABLE_TEXT:
        print_aligned(t, width, out);
        break;
    case TABLE_CSV:
        print_csv(t, out);
        break;
    case TABLE_MARKDOWN:
        print_marked(t, &markdown, out);
        break;
    case TABLE_HTML:
        print_marked(t, &html, out);
        break;
    }
    free(width);
    return ERR_NONE;
}
