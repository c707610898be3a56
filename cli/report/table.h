/* cli/report/table.h -- a table of results, built once and printed as aligned text, Markdown, HTML, CSV.
 *
 * Cells are added in reading order; a row is full when every column has one. Text, Markdown and
 * HTML show whole numbers with thousands separated and shares in percent; CSV has plain numbers,
 * shares as fractions and RFC 4180 quoting. Control characters of hostile names come out as '?'. A
 * failed allocation is remembered and reported by table_print(), so that building needs no checks.
 */
#ifndef CLI_REPORT_TABLE_H
#define CLI_REPORT_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include "core/err.h"

struct table;

struct table_column {
    const char *title; // for people: "words read"
    const char *key;   // of the CSV: "sram_reads"
};

enum table_format {
    TABLE_TEXT,
    TABLE_CSV,
    TABLE_MARKDOWN,
    TABLE_HTML // a <table> element
};

/* columns: borrowed, ends with a NULL title. NULL when the host has no memory, which the other
 * functions take and table_print() reports. */
struct table *table_new(const struct table_column *columns);
void table_free(struct table *t);

void table_text(struct table *t, const char *text); // copied; left-aligned
void table_count(struct table *t, uint64_t value);
void table_real(struct table *t, double value, int decimals);
void table_share(struct table *t, double share, int decimals); // 0.5 is 50 %
void table_none(struct table *t);                              // an empty cell

enum err table_print(const struct table *t, enum table_format format, FILE *out,
                     struct err_msg *m);

/* "1,628": thousands separated. Use as format_count(n).text. */
struct count_text {
    char text[28];
};
struct count_text format_count(uint64_t value);

#endif
