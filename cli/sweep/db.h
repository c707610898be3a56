/* cli/sweep/db.h -- what is done with the databases of studies, beside running them. */
#ifndef CLI_SWEEP_DB_H
#define CLI_SWEEP_DB_H

#include "cli/options.h"
#include "core/err.h"

/* Prints how far the study of a database is, and the best point so far. */
enum err sweep_status(const struct options *o, struct err_msg *m);

/* Joins the operands into the database of --db. */
enum err sweep_merge(const struct options *o, struct err_msg *m);

#endif
