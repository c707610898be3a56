/* cli/load.h -- the study that a command line names. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include <jansson.h>

#include "cli/options.h"
#include "core/err.h"
#include "study/stored.h"
#include "study/study.h"

/* study_load() of operand and --set; says so at --log-level debug. On error *s is zero. */
enum err study_from_options(struct study *s, const struct options *o, struct err_msg *m);

/* The same of a study that is to be priced: where energy.chip is none, as composed. */
enum err study_priced_from_options(struct study *s, const struct options *o, struct err_msg *m);

/* The same of the point of a study that --from names, of any clocking. *images: what it ran, the
 * caller's, NULL where that was timing only (study/sweep/wishes.h). */
enum err study_from_point(struct study *s, json_t **images, const struct options *o,
                          struct err_msg *m);

/* The same of a study of any clocking: its plan may have no timetable (study_plan_any()). */
enum err study_any_from_options(struct study *s, const struct options *o, struct err_msg *m);

/* The same of what may be placed on a fabric (study_plan_to_place()). */
enum err study_to_place_from_options(struct study *s, const struct options *o, struct err_msg *m);

/* stored_load() of operand and --set. On error *s and *r are zero. */
enum err stored_from_options(struct study *s, struct run_result *r, const struct options *o,
                             struct err_msg *m);

/* Follows every byte through the machine of the study (arch/prove.h); a line on standard error says
 * so where --prove asked for it, else at --log-level debug. */
enum err study_prove(const struct study *s, const struct options *o, struct err_msg *m);

#endif
