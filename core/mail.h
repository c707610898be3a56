/* core/mail.h -- numbers that one block tells another, each to be known from a cycle on.
 *
 * Beside channels (core/chan.h), for what a reader looks at only when it needs it: whoever writes
 * says at once when a number will be known, as soon as that is certain, and wakes nobody but a
 * reader that has asked. What is put in a cycle is known in a later one, so that the order in which
 * blocks are stepped makes no difference: a reader that asks, and is stepped first, is woken; one
 * that is stepped after the writer finds when to look again.
 */
#ifndef CORE_MAIL_H
#define CORE_MAIL_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/block.h"

struct letter {
    uint64_t cyc; // known from then on
    uint32_t n;
};

struct letters { // all that were put
    struct letter *at; // owned
    size_t         n, room;
    bool           lacks; // the host had no memory for some
};

void letters_add(struct letters *l, uint64_t cyc, uint32_t n);

struct mail {
    struct block   *reader;
    struct letter  *at;    // owned; ring of `room`
    uint32_t        room, first, n;
    bool            asked; // to be woken for the next
    struct letters *kept;  // borrowed; gets a copy of each; NULL: nobody wants one
};

/* For at most `room`, at least 1, that are put and not taken. False when the host has no memory;
 * then *m is zero. */
bool mail_init(struct mail *m, struct block *reader, uint32_t room);
void mail_release(struct mail *m); // takes a zeroed one

/* The i-th oldest that is not taken, known or not. */
static inline const struct letter *mail_peek(const struct mail *m, uint32_t i)
{
    uint32_t at = m->first + i;

    assert(i < m->n);
    return &m->at[at < m->room ? at : at - m->room];
}

/* When the oldest is known; CYC_NEVER: there is none. */
static inline uint64_t mail_cyc(const struct mail *m)
{
    return m->n > 0 ? m->at[m->first].cyc : CYC_NEVER;
}

/* Likewise; where there is none it asks to be woken for it. */
static inline uint64_t mail_wait(struct mail *m)
{
    m->asked = m->n == 0;
    return mail_cyc(m);
}

/* Takes the oldest. */
static inline uint32_t mail_take(struct mail *m)
{
    uint32_t n = m->at[m->first].n;

    assert(m->n > 0);
    m->first = m->first + 1 < m->room ? m->first + 1 : 0;
    m->n--;
    return n;
}

/* cyc is later than the present one, and not before that of the number put last. */
static inline void mail_put(struct mail *m, uint64_t cyc, uint32_t n)
{
    assert(m->n < m->room && (m->n == 0 || mail_peek(m, m->n - 1)->cyc <= cyc));
    uint32_t at = m->first + m->n++;
    m->at[at < m->room ? at : at - m->room] = (struct letter){ cyc, n };
    if (m->asked)
        m->reader->wake(m->reader, cyc);
    m->asked = false;
    if (m->kept)
        letters_add(m->kept, cyc, n);
}

#endif
