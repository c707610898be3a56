/* cli/signals.h -- how the command ends when it is told to, in the middle of whatever it does.
 *
 * Ctrl-C, SIGTERM and SIGHUP remove the temporary files of core/outfile.h, say on standard error
 * how far a run was, and end with 128 + the signal's number (130, 143, 129). A reader of a pipe
 * that has left ends the command the same way without a word (141), as it does every Unix filter.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdint.h>

void signals_install(void);

/* What is done so far, for that line; n_image 0: nothing that is counted. */
void signals_note(uint64_t done, uint64_t n_image);

/* From now on these signals end nothing: signals_kept() is the last that came, 0 for none, and
 * whoever looks at it ends in good order, by signals_exit(), which says how far it came. */
void signals_keep(void);
int signals_kept(void);
void signals_exit(int signal_number, const char *how_far);

#endif
