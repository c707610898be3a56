/* cli/run/event.h -- imcsim run with core.kind = event. */
#ifndef CLI_RUN_EVENT_H
#define CLI_RUN_EVENT_H

#include "cli/options.h"
#include "core/err.h"
#include "study/study.h"

enum err run_event(const struct options *o, const struct study *s, struct err_msg *m);

#endif
