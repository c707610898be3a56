/* arch/event/arbiter.h -- which of the requests that are up is served next.
 *
 * A policy is one function and one row of arbiters[]. */
#ifndef ARCH_EVENT_ARBITER_H
#define ARCH_EVENT_ARBITER_H

#include <stdint.h>

struct arbiter {
    const char *name, *doc;

    /* One of the requests up[n], of which at least one is. last: the one before, or n - 1. */
    uint32_t (*choose)(const uint8_t *up, uint32_t n, uint32_t last);
};

extern const struct arbiter arbiters[]; // ends with a row without a name

/* The row called so; NULL where there is none. */
const struct arbiter *arbiter_find(const char *name);

#endif
