/* cli/sweep_run.h -- the points of a study, run by workers into a database. */
#ifndef CLI_SWEEP_RUN_H
#define CLI_SWEEP_RUN_H

#include "cli/options.h"
#include "core/err.h"
#include "study/sweep/points.h"

/* Runs what the database of --db does not have yet. Ends the process where a signal asks for it,
 * with all that was found in the database. */
enum err sweep_run(const struct sweep *s, const struct options *o, struct err_msg *m);

#endif
