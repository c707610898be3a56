/* cli/command.h -- a subcommand of imcsim. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"
#include "core/err.h"

struct command {
    const char *name;
    const char *operand; // "CONFIG", exactly one; "CONFIG...", one or more; NULL: none
    const char *summary; // one line
    const char *help;    // what it does, with examples
    uint64_t    options; // OPTION_BIT() of each option it takes
    enum err (*run)(const struct options *o, struct err_msg *m);
};

extern const struct command command_run, command_map, command_article, command_compare,
                            command_breakdown, command_circuit, command_import, command_sweep,
                            command_report, command_fabric;

/* All of them, in the order of --help; ends with NULL. */
extern const struct command *const commands[];

bool command_takes_several(const struct command *c); // operands

/* ERR_INPUT says which was probably meant. */
enum err command_find(const struct command **found, const char *name, struct err_msg *m);

/* Does what the command line says, help and version included. */
enum err command_dispatch(int argc, char *const *argv, struct err_msg *m);

#endif
