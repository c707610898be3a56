/* cli/kinds.h -- what a file is that somebody gave, and which command reads it.
 *
 * A row of kinds.c is a kind of file: how it is recognised by its first bytes, plain or gzip, or by
 * the keys of its YAML; what it is called; the command that reads it. A row of its readers is a
 * command, an option or a key that names a file, and the kinds it takes. Nothing is looked at
 * before something has failed: a file that a command can read is never refused for its looks.
 */
#ifndef CLI_KINDS_H
#define CLI_KINDS_H

#include "cli/options.h"
#include "core/err.h"

struct command; // cli/command.h

/* Of a failure, m, that names one of the files of the command line: where that one is of a kind
 * that its reader does not take, or is not there, m says so, what the reader takes, and the command
 * that works. Else m stays. */
void kinds_explain(const struct command *c, const struct options *o, struct err_msg *m);

/* The same of one file that stands for the command's operand. */
void kinds_explain_operand(const struct command *c, const struct options *o, const char *path,
                           struct err_msg *m);

#endif
