/* cli/results.h -- a subcommand's results in every form, from one list of tables.
 *
 * A subcommand says what its tables are and what stands around them in the text; --format, --table,
 * --wide, --csv, --markdown and --json then mean the same everywhere.
 *
 *   text, markdown, latex   all tables but those of detail, or the one of --table
 *   csv                     one table: the first, or that of --table
 *   json                    the document
 *   --csv FILE              the first table into FILE, the others beside it: run.csv,
 *                           run.cores.csv; with --table that one alone
 */
#ifndef CLI_RESULTS_H
#define CLI_RESULTS_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/options.h"
#include "cli/output.h"
#include "report/form.h"

/* Before the work, as output_check(): `more` are the subcommand's other files. */
enum err results_check(const struct form *f, const struct options *o, const struct output *more,
                       size_t n_more, struct err_msg *m);

/* After it. */
enum err results_write(const struct form *f, const struct options *o, const void *what,
                       const struct output *more, size_t n_more, struct err_msg *m);

#endif
