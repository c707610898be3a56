/* arch/watch/signals.h -- what the cores of a chip do as signals over time, for whoever writes them
 * down.
 *
 * The signals and their meaning are described in docs/waveforms.md. A stage is busy from the cycle
 * on in which a core acted, for as many clocks as what it did takes (arch/watch/journal.h).
 */
#ifndef ARCH_WATCH_SIGNALS_H
#define ARCH_WATCH_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/watch/journal.h"
#include "dataflow/plan/plan.h"

enum signal {
    SIGNAL_NEXT_IMAGE, SIGNAL_NEXT_X, SIGNAL_NEXT_Y, SIGNAL_FIRE, SIGNAL_OUTPUTS, SIGNAL_STORED,
    SIGNAL_ADDRESS, SIGNAL_READ_BACK,
    SIGNAL_BUSY, // the first of N_STAGE
    N_SIGNAL = SIGNAL_BUSY + N_STAGE
};

struct signal_kind {
    const char *name;
    bool        event; // has no value, but happens
    uint32_t    bits;
};
const struct signal_kind *signal_kind(enum signal signal);

/* Before anything has happened. */
uint64_t signal_first_value(const struct plan *p, uint32_t core, enum signal signal);

/* Who writes them down. Time goes forward, from 0. What an event is set to means nothing. */
struct signals_sink {
    void (*time)(void *user, uint64_t cyc);
    void (*timestep)(void *user, int64_t timestep); // of the plan, in which something happens
    void (*set)(void *user, uint32_t core, enum signal signal, uint64_t value);
    void *user;
};

struct signals;

/* NULL when the host has no memory. plan is borrowed. */
struct signals *signals_new(const struct plan *p, struct signals_sink sink);
void signals_free(struct signals *s); // takes NULL

/* For journal_new(). */
struct journal_sink signals_journal(struct signals *s);

/* Lets stages fall idle up to a cycle, included. */
void signals_until(struct signals *s, uint64_t cyc);

/* The last cycle in which anything has changed or will. */
uint64_t signals_end(const struct signals *s);

#endif
