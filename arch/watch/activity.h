/* arch/watch/activity.h -- what the cores of a chip do, cycle by cycle, for whoever draws it.
 *
 * A probe (arch/core/imc_core.h) sees cores in the order in which a kernel steps them. Here the steps of
 * a cycle are collected and handed on together, by core: no kernel or step order shows. A core that
 * did nothing in a cycle is left out.
 *
 * used_clk says how long each stage takes for what the core did in that cycle, by the rules that
 * the plan's budgets follow (docs/accelerator.md, section 4). Stages are drawn side by side from
 * that cycle on: the machine has no pipeline inside a timestep.
 */
#ifndef ARCH_WATCH_ACTIVITY_H
#define ARCH_WATCH_ACTIVITY_H

#include "arch/core/imc_core.h"

struct core_activity {
    uint32_t                   core;
    struct pixel        next; // output that it computes next
    uint32_t                   n_stored, n_fired, n_read_back, n_result; // pixels
    const struct pixel *stored, *fired, *read_back, *result;
    uint64_t                   words; // of the memory, written and read
    uint64_t                   used_clk[N_STAGE]; // 0: the stage did nothing
};

/* Who gets to see it. cycle() is called for cycles in rising order, with n > 0 cores in rising
 * order; what it is given is borrowed for the call. */
struct activity_sink {
    void (*cycle)(void *user, uint64_t cyc, const struct core_activity *core, uint32_t n);
    void *user;
};

struct activity;

/* For one run of a chip that counts all its images; plan and sinks are borrowed. NULL when the host
 * has no memory. */
struct activity *activity_new(const struct plan *p, const struct activity_sink *sink,
                              uint32_t n_sink);
void activity_free(struct activity *a); // takes NULL

/* For the chip. */
const struct core_probe *activity_probe(const struct activity *a);

/* After the run, or between two cycles of it: hands on the last cycle. */
void activity_end(struct activity *a);

#endif
