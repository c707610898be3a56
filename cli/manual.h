/* cli/manual.h -- the manual page and the shell's completion, made from the tables of subcommands,
 * options and keys: `make install` asks for them by `imcsim help man` and `imcsim help bash`.
 */
#ifndef CLI_MANUAL_H
#define CLI_MANUAL_H

#include <stdbool.h>
#include <stdio.h>

/* Prints what the topic names, "man" or "bash"; false when it is another one. */
bool manual_print(const char *topic, FILE *out);

#endif
