/* core/wrap.h -- text for people, in lines that are not too long. */
#ifndef CORE_WRAP_H
#define CORE_WRAP_H

#include <stddef.h>
#include <stdio.h>

enum { TEXT_WIDTH = 100 }; // most columns of a line

/* Characters of UTF-8, a column each. */
size_t text_width(const char *text);

/* Prints text in a line of which `at` columns are there already, and goes on below where a word
 * would pass column `most`: those lines begin with `indent` spaces. Words are not cut. No line end
 * behind the last. */
void wrap(FILE *out, const char *text, size_t at, size_t indent, size_t most);

#endif
