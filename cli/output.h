/* cli/output.h -- where the results of a subcommand go: files the user named, or standard output.
 *
 * A file appears whole or not at all (core/outfile.h). The report is meant for standard output
 * unless one of the files is "-": then standard output holds that and nothing else.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/err.h"
#include "report/form.h"

struct output {
    const char    *path; // NULL: not wanted; "-": standard output
    output_writer *write;
    const void    *what; // may still be unknown at output_check()
};

/* Whether the path is, or would become, a plain file. */
bool output_is_file(const char *path);

/* Before the work: refuses two outputs to the same place (ERR_INPUT) and files that cannot be
 * created (ERR_OUTPUT), which costs a user less now than after a long run. */
enum err output_check(const struct output *o, size_t n, struct err_msg *m);

/* After it: writes the n outputs, then `report` of `what` if standard output is free for it. */
enum err output_write(const struct output *o, size_t n, output_writer *report, const void *what,
                      struct err_msg *m);

/* Errors so far of what was printed to standard output, flushed. */
enum err output_flush(struct err_msg *m);

#endif
