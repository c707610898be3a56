/* cli/run/stage_tracing.h -- --trace and --timeline under elastic clocking: a run that has ended is
 * run once more and watched, into files. */
#ifndef CLI_RUN_STAGE_TRACING_H
#define CLI_RUN_STAGE_TRACING_H

#include "arch/elastic/elastic.h"
#include "cli/options.h"
#include "core/err.h"

/* Writes what the options ask for, maybe nothing. run: that gave `ended`, by the native kernel. */
enum err stage_tracing(const struct options *o, const struct plan *p,
                       const struct elastic_cfg_run *run, const struct elastic_result *ended,
                       struct err_msg *m);

#endif
