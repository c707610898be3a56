/* cli/macro_report.h -- the 40 nm macro by module: chip, article, ours, ours unfitted. */
#ifndef CLI_MACRO_REPORT_H
#define CLI_MACRO_REPORT_H

#include "cli/options.h"
#include "core/err.h"

/* imcsim breakdown of a file for which macro_is(). */
enum err macro_report(const struct options *o, struct err_msg *m);

#endif
