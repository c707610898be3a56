/* cli/sweep/run.h -- the points of a study, run by workers into a database. */
#ifndef CLI_SWEEP_RUN_H
#define CLI_SWEEP_RUN_H

#include "cli/options.h"
#include "core/err.h"
#include "study/sweep/link.h"
#include "study/sweep/points.h"

/* Runs what the database of --db does not have yet, with the other ranks of the link, which it
 * ends. Ends the process where a signal asks for it, with all that was found in the database. */
enum err sweep_run(const struct sweep *s, const struct options *o, const struct link *link,
                   struct err_msg *m);

/* After a mistake before that: ends the link. Another rank ends without a word where rank 0 has
 * found a mistake too, which it tells. */
void sweep_give_up(const struct link *link);

#endif
