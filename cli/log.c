/* cli/log.c -- see log.h. */
#include "cli/log.h"

#include <stdarg.h>
#include <stdio.h>

void log_line(const struct options *o, enum log_level level, const char *fmt, ...)
{
    va_list args;

    if (o->log_level < level)
        return;
    va_start(args, fmt);
    fputs("imcsim: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}
