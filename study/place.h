/* study/place.h -- the cores of a study on the places of its fabric. */
#ifndef STUDY_PLACE_H
#define STUDY_PLACE_H

#include "core/err.h"
#include "noc/placement.h"
#include "study/study.h"

struct placed {
    const struct study            *study; // borrowed
    const struct placement_policy *policy;
    struct graph                   graph;
    struct placement_flow         *flow;   // owned; the streams between cores that carry bits
    uint32_t                      *stream; // owned; of the plan, by flow
    uint32_t                      *with;   // owned; by flow
    uint32_t                      *order, *given; // owned
    const char                   **name;   // owned; of cores, borrowed of the plan
    struct placement_task          task;
    struct placement               placement;
};

/* Whether the study's fabric has a graph. */
bool study_is_placed(const struct study *s);

/* Places the cores of such a study, planned by study_plan_to_place(), as its placement.kind says.
 * ERR_INPUT says why they cannot be. On error *p is zero. progress:
 * NULL, nobody is told. */
enum err study_place(struct placed *p, const struct study *s, placement_progress *progress,
                     void *user, struct err_msg *m);
void placed_release(struct placed *p);

#endif
