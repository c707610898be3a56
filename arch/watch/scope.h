/* arch/watch/scope.h -- which signals a trace has: a list of patterns CORES[:SIGNALS]
 * (docs/waveforms.md). */
#ifndef ARCH_WATCH_SCOPE_H
#define ARCH_WATCH_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct scope {
    const char *list; // borrowed; "conv1,conv2*:fire", shell patterns; NULL: every signal
    bool       *used; // owned; by part of the list
};

/* False when the host has no memory. */
bool scope_init(struct scope *s, const char *list);
void scope_release(struct scope *s); // takes a zeroed one

/* Whether it takes a signal of a core; remembers the parts that do. */
bool scope_takes(struct scope *s, const char *core, const char *signal);

/* ERR_INPUT: a part has taken nothing. first, last: cores; signals: some, for the line. */
enum err scope_check(const struct scope *s, const char *first, const char *last,
                     const char *signals, struct err_msg *m);

/* "conv23_p1_fire" of conv23.p1 and fire: tells signals apart where a tool drops the scopes. */
void scope_full_name(char *name, size_t size, const char *core, const char *signal);

#endif
