/* core/notes.h -- what a user should hear about although it is no error, one line each.
 *
 * Whoever finds it adds a line, a face shows them: the library prints nothing.
 */
#ifndef CORE_NOTES_H
#define CORE_NOTES_H

#include <stddef.h>

struct notes {
    char **line; // owned
    size_t n;
};

/* Adds a line, of at most 1,023 bytes; one that is there already is not added again. Without memory
 * the line is lost. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void notes_add(struct notes *n, const char *fmt, ...);
void notes_release(struct notes *n); // takes a zeroed one

#endif
