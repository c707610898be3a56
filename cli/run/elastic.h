/* cli/run/elastic.h -- imcsim run of a machine under elastic clocking. */
#ifndef CLI_RUN_ELASTIC_H
#define CLI_RUN_ELASTIC_H

#include "cli/options.h"
#include "study/study.h"

/* Runs images, timing only, and writes the results. ERR_INPUT for options of values and of
 * timesteps. */
enum err run_elastic(const struct options *o, const struct study *s, struct err_msg *m);

#endif
