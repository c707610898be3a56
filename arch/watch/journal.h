/* arch/watch/journal.h -- what the cores of a chip do, cycle by cycle, for whoever draws it.
 *
 * A probe (arch/core/core.h) sees cores in the order in which a kernel steps them. The journal
 * collects the steps of a cycle and hands them on together, by core: no kernel or step order shows.
 * A core that did nothing in a cycle is left out.
 *
 * used_clk says how long each stage takes for what the core did in that cycle, by the rules that
 * the plan's budgets follow (docs/accelerator.md, section 4). Stages are drawn side by side from
 * that cycle on: the machine has no pipeline inside a timestep.
 */
#ifndef ARCH_WATCH_JOURNAL_H
#define ARCH_WATCH_JOURNAL_H

#include "arch/core/core.h"

struct core_cycle {
    uint32_t            core;
    struct pixel        next; // output that it computes next
    uint32_t            n_stored, n_fired, n_read_back, n_result; // pixels
    const struct pixel *stored, *fired, *read_back, *result;
    uint64_t            words; // of the memory, written and read
    uint64_t            used_clk[N_STAGE]; // 0: the stage did nothing
};

/* Who gets to see it. cycle() is called for cycles in rising order, with n > 0 cores in rising
 * order; what it is given is borrowed for the call. */
struct journal_sink {
    void (*cycle)(void *user, uint64_t cyc, const struct core_cycle *core, uint32_t n);
    void *user;
};

struct journal;

/* For one run of a chip; plan and sinks are borrowed. NULL when the host
 * has no memory. */
struct journal *journal_new(const struct plan *p, const struct journal_sink *sink, uint32_t n_sink);
void journal_free(struct journal *j); // takes NULL

/* For the chip. */
const struct core_probe *journal_probe(const struct journal *j);

/* After the run, or between two cycles of it: hands on the last cycle. */
void journal_end(struct journal *j);

#endif
