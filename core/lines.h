/* core/lines.h -- short lines of text from a file that a user wrote. */
#ifndef CORE_LINES_H
#define CORE_LINES_H

#include <stdio.h>

#include "core/err.h"

enum { LINES_MOST_BYTE = 254 }; // of a line, without its end

/* A line without its end, which the function may change. */
typedef enum err lines_take(void *user, char *line, struct err_msg *m);

/* Hands every line of `in` to take(), up to an error, and puts "path:number: " before that. What is
 * no text (a byte of 0), or has longer lines, is ERR_INPUT, so that a device or a picture ends. A
 * mark of byte order at the beginning, as spreadsheets write it, is passed over. */
enum err lines_read(FILE *in, const char *path, lines_take *take, void *user, struct err_msg *m);

#endif
