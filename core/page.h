/* core/page.h -- a page of the documentation for a terminal. */
#ifndef CORE_PAGE_H
#define CORE_PAGE_H

#include <stdio.h>

/* Prints Markdown in lines of at most `most` columns: a paragraph or an item of a list as if it
 * were one line, rows of tables by themselves. Headings and what is indented or fenced, as code is,
 * stay as they are. */
void page_print(FILE *out, const char *text, size_t most);

#endif
