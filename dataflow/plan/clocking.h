/* dataflow/plan/clocking.h -- when cores act: one file, one row of clockings[] for each policy,
 * which brings the timetable that follows from a plan's structure. */
#ifndef DATAFLOW_PLAN_CLOCKING_H
#define DATAFLOW_PLAN_CLOCKING_H

#include "dataflow/plan/plan.h"

enum thorough { // of a timetable that a memory's port does not keep up with
    TO_THE_FIRST, // what does not fit is found, and how far is not asked
    TO_THE_LAST
};

struct clocking_policy {
    const char *name; // "timestep"
    const char *doc;
    bool        in_timesteps; // its times are known before a run, and count timesteps

    /* Where timesteps are not clocking.timestep_ns: sets the clocks of one, of a structure that has
     * all but a timetable. ERR_INPUT: a network that cannot have it. Else NULL. */
    enum err (*pass)(struct plan *structure, struct err_msg *m);

    /* The timetable of a structure: a plan whose own is not made. ERR_INPUT when a memory or a
     * stage is too small for it: the line names it, the need and the configuration that would cure
     * it; *t then has what was made until then. */
    enum err (*timetable)(struct timetable *t, const struct plan *structure, enum thorough thorough,
                          struct err_msg *m);
};

extern const struct clocking_policy clocking_timestep, clocking_elastic, clocking_combinational,
    clocking_event;
extern const struct clocking_policy *const clockings[]; // by enum clocking; ends with NULL

/* The one of a configuration. */
const struct clocking_policy *clocking_of(const struct config *c);

#endif
