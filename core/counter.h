/* core/counter.h -- what a model counts, stated once.
 *
 * A model lists its counters as an X-macro, X(name, unit, doc). COUNTER_FIELD makes the struct
 * from the list, COUNTER_ROW the table that the reports walk, so text, JSON and --stats cannot
 * disagree. Counters are uint64_t and add up: over cores, images and jobs.
 *
 *     #define LINK_COUNTERS(X) X(bits, "bit", "bits carried")
 *     struct link_counters { LINK_COUNTERS(COUNTER_FIELD) };
 *     const struct counter link_counters[] = {
 *         #define ROW(...) COUNTER_ROW(struct link_counters, __VA_ARGS__)
 *         LINK_COUNTERS(ROW) COUNTER_END };
 */
#ifndef CORE_COUNTER_H
#define CORE_COUNTER_H

#include <stddef.h>
#include <stdint.h>

struct counter {
    const char *name;
    const char *unit;
    const char *doc;
    size_t      offset; // of a uint64_t in the model's counter struct
};

#define COUNTER_FIELD(name, unit, doc) uint64_t name;
#define COUNTER_ROW(type, name, unit, doc) { #name, unit, doc, offsetof(type, name) },
#define COUNTER_END { NULL, NULL, NULL, 0 }

/* Value of one counter of the struct at `base`. */
static inline uint64_t counter_get(const struct counter *row, const void *base)
{
    return *(const uint64_t *)(const void *)((const char *)base + row->offset);
}

/* Adds every counter of `from` to `to`; both are structs described by `rows`. */
static inline void counter_add(const struct counter *rows, void *to, const void *from)
{
    for (; rows->name; rows++)
        *(uint64_t *)(void *)((char *)to + rows->offset) += counter_get(rows, from);
}

#endif
