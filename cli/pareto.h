/* cli/pareto.h -- the front of cores against interval, latency and energy. */
#ifndef CLI_PARETO_H
#define CLI_PARETO_H

#include <stdio.h>

#include "cli/options.h"
#include "core/err.h"

/* `imcsim map CONFIG --pareto`. */
enum err map_pareto(const struct options *o, struct err_msg *m);

#endif
