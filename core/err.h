/* core/err.h -- how a mistake of the user travels up to main().
 *
 * A function that reads what a user wrote returns enum err and, unless it is ERR_NONE, has put one
 * line into the caller's err_msg: the place, the value found and what would be accepted,
 *
 *     configs/resnet32.yaml:14: core.crossbar.rows = 0: want 1 to 8192
 *
 * without a newline. Only main() prints it and exits. Mistakes of the programmer are assert()s.
 */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include <stdarg.h>

enum err {
    ERR_NONE = 0,
    ERR_INPUT,  // wrong usage or input: exit status 2
    ERR_RUN,    // the simulated machine failed or nothing can move: exit status 1
    ERR_OUTPUT, // a result could not be written: exit status 1
    ERR_MEMORY  // the host has no more memory: exit status 1
};

struct err_msg {
    char text[1024]; // one line, always terminated; a longer message is cut
};

/* Writes the line and returns e, so that `return err_set(m, ERR_INPUT, ...)` reads well.
 * Bytes below 32 in the text (hostile names) become '?'. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
enum err err_set(struct err_msg *m, enum err e, const char *fmt, ...);

/* Puts "prefix: " before the line already there. */
void err_prefix(struct err_msg *m, const char *prefix);

/* Exit status of the command for e. */
int err_exit_status(enum err e);

#endif
