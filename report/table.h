/* report/table.h -- a table of results, built once and printed in any form.
 *
 * Cells are added in reading order; a row is full when every column has one. Text, Markdown, HTML
 * and LaTeX are for people: whole numbers with thousands separated, shares in percent, titles and
 * names in words. CSV is for programs: keys, plain numbers, shares as fractions, RFC 4180 quoting.
 *
 *   text      at most 100 columns wide: a wider table goes on below, its first columns repeated;
 *             names beyond 40 lose their middle
 *   Markdown  the title as a heading, the note below
 *   LaTeX     a table float of booktabs; the title is the caption; four digits of the largest
 *             number of a column, or a row, so that a sum may be off by one in the last
 *
 * Control characters of hostile names come out as '?'. A failed allocation is remembered and
 * reported by table_print(), so that building needs no checks.
 */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include "core/err.h"

struct table;

struct table_column {
    const char *title; // for people, with its unit: "words read", "area um2"
    const char *key;   // of the CSV: "sram_reads"
};

enum table_format {
    TABLE_TEXT,
    TABLE_WIDE, // text of any width
    TABLE_CSV,
    TABLE_MARKDOWN,
    TABLE_LATEX,
    TABLE_HTML // a <table> element
};

/* columns: copied; ends with a NULL title. NULL when the host has no memory, which the other
 * functions take and table_print() reports. */
struct table *table_new(const struct table_column *columns);
void table_free(struct table *t);

/* What stands above the table and, in lines, below it; copied. */
void table_title(struct table *t, const char *title);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void table_note(struct table *t, const char *fmt, ...);

/* Columns that are repeated where a wide table goes on (1). */
void table_repeat(struct table *t, size_t n_column);

/* The column stays beside the one before it. */
void table_glue(struct table *t, size_t column);

/* Each row is a quantity with a unit of its own: LaTeX chooses digits along rows; down glued
 * columns still. */
void table_by_row(struct table *t);

/* Columns without anything in any row are left out for people; CSV has them. */
void table_brief(struct table *t);

void table_text(struct table *t, const char *text); // copied; left-aligned
void table_named(struct table *t, const char *key, const char *name); // CSV has the key
void table_count(struct table *t, uint64_t value);
void table_real(struct table *t, double value, int decimals);
void table_share(struct table *t, double share, int decimals); // 0.5 is 50 %
void table_none(struct table *t);                              // an empty cell

size_t table_rows(const struct table *t);

enum err table_print(const struct table *t, enum table_format format, FILE *out,
                     struct err_msg *m);

/* "1,628": thousands separated. Use as format_count(n).text. */
struct count_text {
    char text[28];
};
struct count_text format_count(uint64_t value);

#endif
