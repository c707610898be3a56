/* core/outfile.h -- output files that are there whole or not at all.
 *
 * A file is written under a temporary name in the directory of its target and takes the target's
 * name when it is complete; until then, and for ever if something fails, an older file of that name
 * stays as it was. What cannot be replaced is written directly: "-", which is the standard output,
 * devices, pipes, and whatever lies under /dev and /proc. A name that ends in .gz is compressed.
 *
 * Every write is checked, the last ones by outfile_commit(). Errors are ERR_OUTPUT (ERR_MEMORY) and
 * name the file. A process that is told to end calls outfile_remove_temps().
 */
#ifndef CORE_OUTFILE_H
#define CORE_OUTFILE_H

#include <stdio.h>

#include "core/err.h"

struct outfile; // an open one

/* On success the caller owns *f and hands it to outfile_commit() or outfile_discard(). A symbolic
 * link is followed; the new file keeps an older one's permissions. */
enum err outfile_open(struct outfile **f, const char *path, struct err_msg *m);

/* Where to write, with stdio; not to be closed. Errors need not be checked: they are kept. */
FILE *outfile_stream(struct outfile *f);

/* Completes the file and frees f. Unless it returns ERR_NONE, the target is untouched. */
enum err outfile_commit(struct outfile *f, struct err_msg *m);

/* Removes what was written and frees f; takes NULL. */
void outfile_discard(struct outfile *f);

/* Removes the temporary files of all open outfiles (the first 64 of them). For a signal's handler,
 * which ends the process then. */
void outfile_remove_temps(void);

#endif
