/* core/wrap.h -- text for people, in lines that are not too long. */
#ifndef CORE_WRAP_H
#define CORE_WRAP_H

#include <stddef.h>
#include <stdio.h>

enum { TEXT_WIDTH = 100 }; // most columns of a line

/* Characters of UTF-8, a column each. */
size_t text_width(const char *text);

/* The text or, where it has more than `most` columns, its begin and end around "..", in `room`:
 * "model_features_..block_0_conv_dep". most is 4 at least, and the room has 4 * most bytes. */
const char *text_shorten(char *room, const char *text, size_t most);

/* Prints text in a line of which `at` columns are there already, and goes on below where a word
 * would pass column `most`: those lines begin with `indent` spaces. A word that no line holds is
 * divided. No line end behind the last. */
void wrap(FILE *out, const char *text, size_t at, size_t indent, size_t most);

/* Prints lines of text, each `margin` columns in and with a line end behind it. One beyond `most`
 * goes on below, under what stands behind its first gap of two spaces ("Network  name"). */
void wrap_lines(FILE *out, const char *text, size_t margin, size_t most);

#endif
