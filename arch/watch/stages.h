/* arch/watch/stages.h -- what the stages and buffers of a chip under elastic clocking do, clock by
 * clock, for whoever draws it.
 *
 * Changes of a clock are handed on together, stages and buffers in the order of the result: neither
 * kernel nor step order shows. A stage is idle until it works first and from when it has worked
 * last, which only a run that has ended tells (struct elastic_stage): so a run is watched that has
 * been run before.
 */
#ifndef ARCH_WATCH_STAGES_H
#define ARCH_WATCH_STAGES_H

#include "arch/elastic/elastic.h"

struct stage_change {
    uint32_t             stage; // of the result
    struct elastic_cause cause; // its state from now on, and of one that is held up why
};

struct buffer_change {
    uint32_t buffer; // of the result
    uint32_t pixels; // in it from now on
};

/* Before the first change every stage is idle, and every buffer empty. Called for clocks in rising
 * order, with changes alone; what it is given is borrowed for the call. */
struct stages_sink {
    void (*clock)(void *user, uint64_t clk, const struct stage_change *stage, uint32_t n_stage,
                  const struct buffer_change *buffer, uint32_t n_buffer);
    void *user;
};

struct stages;

/* For one run more of the same machine and images as `ended`, which is borrowed, as the sinks are.
 * NULL when the host has no memory. */
struct stages *stages_new(const struct elastic_result *ended, const struct stages_sink *sink,
                          uint32_t n_sink);
void stages_free(struct stages *s); // takes NULL

/* For the run. */
const struct elastic_watch *stages_watch(const struct stages *s);

/* After the run: hands on the last clock. */
void stages_end(struct stages *s);

#endif
