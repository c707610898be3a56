/* core/calendar.c -- see calendar.h. */
#include "core/calendar.h"

#include <assert.h>
#include <stddef.h>

#include "core/block.h"
#include "core/util.h"

/* Highest digit in which cyc and base differ; 0 where they are equal. */
static unsigned level_of(const struct calendar *c, uint64_t cyc)
{
    return (63 - (unsigned)__builtin_clzll((cyc ^ c->base_cyc) | 1)) / CALENDAR_DIGIT;
}

static unsigned slot_of(unsigned level, uint64_t cyc)
{
    return (unsigned)(cyc >> level * CALENDAR_DIGIT) % CALENDAR_SLOTS;
}

static void empty(struct calendar *c, unsigned level, unsigned slot)
{
    c->filled[level] &= ~(UINT64_C(1) << slot);
    if (!c->filled[level])
        c->levels &= ~(UINT64_C(1) << level);
}

static void file(struct calendar *c, struct wake *w)
{
    unsigned level = level_of(c, w->cyc), slot = slot_of(level, w->cyc);
    struct wake **first = &c->slot[level][slot];

    w->next = *first;
    w->link = first;
    if (w->next)
        w->next->link = &w->next;
    *first = w;
    c->filled[level] |= UINT64_C(1) << slot;
    c->levels |= UINT64_C(1) << level;
}

static void unfile(struct calendar *c, struct wake *w)
{
    unsigned level = level_of(c, w->cyc), slot = slot_of(level, w->cyc);

    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    w->link = NULL;
    if (!c->slot[level][slot])
        empty(c, level, slot);
}

void calendar_set(struct calendar *c, struct wake *w, uint64_t cyc)
{
    assert(cyc >= c->base_cyc);
    if (w->link) {
        if (w->cyc == cyc)
            return;
        unfile(c, w);
    }
    if (cyc != CYC_NEVER) {
        w->cyc = cyc;
        file(c, w);
    }
}

uint64_t calendar_next(const struct calendar *c)
{
    uint64_t next = CYC_NEVER;

    if (!c->levels)
        return next;
    unsigned level = (unsigned)__builtin_ctzll(c->levels);
    unsigned slot = (unsigned)__builtin_ctzll(c->filled[level]);
    if (level == 0)
        return c->base_cyc / CALENDAR_SLOTS * CALENDAR_SLOTS + slot;
    for (const struct wake *w = c->slot[level][slot]; w; w = w->next)
        next = min_u64(next, w->cyc);
    return next;
}

struct wake *calendar_take(struct calendar *c, uint64_t cyc)
{
    assert(c->levels);
    unsigned level = (unsigned)__builtin_ctzll(c->levels);
    unsigned slot = (unsigned)__builtin_ctzll(c->filled[level]);
    struct wake *w = c->slot[level][slot], *taken = NULL;

    c->slot[level][slot] = NULL;
    empty(c, level, slot);
    c->base_cyc = cyc;
    while (w) {
        struct wake *next = w->next;
        if (w->cyc == cyc) {
            w->link = NULL;
            w->next = taken;
            taken = w;
        } else {
            file(c, w);
        }
        w = next;
    }
    assert(taken);
    return taken;
}
