/* cli/help.h -- what the command says about itself: a page for each topic, what comes with it. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"
#include "core/err.h"

/* The page of a topic: a subcommand, a row of the table in help.c, which may have a word behind it
 * (config KEY, circuit NAME), or a page of docs/ by its name. NULL: the overview. */
enum err help(const char *topic, const char *word, struct err_msg *m);

void help_command(const struct command *c, FILE *out);

/* `imcsim list WHAT`: configs, devices, chips, studies or networks. */
enum err help_list(const char *what, struct err_msg *m);

#endif
