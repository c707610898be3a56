/* cli/load.h -- the study that a command line names. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "cli/options.h"
#include "core/err.h"
#include "study/study.h"

/* study_load() of operand and --set; says so at --log-level debug. On error *s is zero. */
enum err study_from_options(struct study *s, const struct options *o, struct err_msg *m);

#endif
