/* core/calendar.h -- pending wakes, found by cycle.
 *
 * A radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, "Faster algorithms for the shortest path
 * problem", J. ACM 37(2), 1990) of digits of 6 bits. Time only moves forward, so a wake is filed
 * by the highest digit in which its cycle differs from the present one, base_cyc: a level, and what
 * the digit is, a slot. A slot of level 0 is a cycle. Filing, moving and cancelling touch one wake;
 * taking the earliest cycle refiles the wakes of one slot, each into a lower level, so that a wake
 * is refiled at most 10 times however many others there are, and mostly once.
 *
 * The wakes are the caller's and linked in place: nothing is allocated.
 */
#ifndef CORE_CALENDAR_H
#define CORE_CALENDAR_H

#include <stdint.h>

struct wake {
    void        *whom;  // the caller's
    uint64_t     cyc;   // below: calendar.c's
    struct wake *next;  // in its bucket, or among the taken
    struct wake **link; // what points here; NULL unless pending
};

enum { CALENDAR_DIGIT = 6, CALENDAR_SLOTS = 1 << CALENDAR_DIGIT, CALENDAR_LEVELS = 11 };

struct calendar { // all zero: empty, at cycle 0
    uint64_t     base_cyc;
    uint64_t     levels;                  // bit i: level i is not empty
    uint64_t     filled[CALENDAR_LEVELS]; // bit j: slot j of the level is not empty
    struct wake *slot[CALENDAR_LEVELS][CALENDAR_SLOTS];
};

/* Makes w pending at cyc alone, wherever it was pending before; not at all for CYC_NEVER.
 * cyc is not before the cycle taken last. */
void calendar_set(struct calendar *c, struct wake *w, uint64_t cyc);

/* The earliest pending cycle; CYC_NEVER when there is none. */
uint64_t calendar_next(const struct calendar *c);

/* Takes all wakes pending at cyc, the earliest pending cycle, linked through next. */
struct wake *calendar_take(struct calendar *c, uint64_t cyc);

#endif
