/* study/codes_cost.h -- what it costs that codes are not their sums: the images of a run again, by
 * layer, with exact codes.
 *
 * n_correct is of those; to_right and to_wrong are images that the codes put right or wrong:
 *
 *     n_correct + to_right - to_wrong == n_correct of the run
 */
#ifndef STUDY_CODES_COST_H
#define STUDY_CODES_COST_H

#include "core/err.h"
#include "study/run.h"

struct codes_cost {
    uint64_t n_correct, to_right, to_wrong;
};

/* Whether codes can differ from their sums, and images have labels and one class each. Not of
 * networks of neurons. */
bool codes_cost_wanted(const struct plan *p, const struct run_result *r);

/* Of such a run, which cfg made. */
enum err codes_cost(struct codes_cost *c, const struct plan *p, const struct run_cfg *cfg,
                    const struct run_result *r, struct err_msg *m);

#endif
