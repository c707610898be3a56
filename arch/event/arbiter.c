/* arch/event/arbiter.c -- see arbiter.h. */
#include "arch/event/arbiter.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* The first request from `from` on, round and round. */
static uint32_t first_from(const uint8_t *up, uint32_t n, uint32_t from)
{
    const uint8_t *at = from < n ? memchr(up + from, 1, n - from) : NULL;

    if (!at)
        at = memchr(up, 1, n);
    assert(at);
    return (uint32_t)(at - up);
}

static uint32_t choose_lowest(const uint8_t *up, uint32_t n, uint32_t last)
{
    (void)last;
    return first_from(up, n, 0);
}

static uint32_t choose_next(const uint8_t *up, uint32_t n, uint32_t last)
{
    return first_from(up, n, last + 1);
}

const struct arbiter arbiters[] = {
    { "fixed", "the lowest address; a high one may starve", choose_lowest },
    { "round_robin", "the next address behind the one served before", choose_next },
    { 0 }
};

const struct arbiter *arbiter_find(const char *name)
{
    for (const struct arbiter *a = arbiters; a->name; a++)
        if (strcmp(a->name, name) == 0)
            return a;
    return NULL;
}
