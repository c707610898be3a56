/* core/calendar.c -- see calendar.h. */
#include "core/calendar.h"

#include <assert.h>
#include <stddef.h>

#include "core/block.h"
#include "core/util.h"

/* Position of the highest bit in which cyc and base differ; equal and last-bit share bucket 0. */
static unsigned bucket_of(const struct calendar *c, uint64_t cyc)
{
    return 63 - (unsigned)__builtin_clzll((cyc ^ c->base_cyc) | 1);
}

static void file(struct calendar *c, struct wake *w)
{
    unsigned i = bucket_of(c, w->cyc);

    w->next = c->bucket[i];
    w->link = &c->bucket[i];
    if (w->next)
        w->next->link = &w->next;
    c->bucket[i] = w;
    c->filled |= UINT64_C(1) << i;
}

static void unfile(struct calendar *c, struct wake *w)
{
    unsigned i = bucket_of(c, w->cyc);

    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    w->link = NULL;
    if (!c->bucket[i])
        c->filled &= ~(UINT64_C(1) << i);
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

    if (c->filled)
        for (const struct wake *w = c->bucket[__builtin_ctzll(c->filled)]; w; w = w->next)
            next = min_u64(next, w->cyc);
    return next;
}

struct wake *calendar_take(struct calendar *c, uint64_t cyc)
{
    assert(c->filled);
    unsigned i = (unsigned)__builtin_ctzll(c->filled);
    struct wake *w = c->bucket[i], *taken = NULL;

    c->bucket[i] = NULL;
    c->filled &= ~(UINT64_C(1) << i);
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
