/* cli/log.h -- messages for whoever asked for them with --log-level: lines on standard error. */
#ifndef CLI_LOG_H
#define CLI_LOG_H

#include "cli/options.h"

/* "imcsim: ..." if the user wants messages of this level. Errors do not pass here: main() prints
 * them always. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void log_line(const struct options *o, enum log_level level, const char *fmt, ...);

#endif
