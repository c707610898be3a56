/* cli/article/gnuplot.h -- drawing with gnuplot, a program of its own (Debian: gnuplot-nox). */
#ifndef CLI_ARTICLE_GNUPLOT_H
#define CLI_ARTICLE_GNUPLOT_H

#include "core/err.h"

/* Runs a script, data included, and returns what it prints: *text, the caller's; NULL when there is
 * no gnuplot on the PATH, which is no error. ERR_RUN with gnuplot's own words when it fails. */
enum err gnuplot_run(const char *script, char **text, struct err_msg *m);

#endif
