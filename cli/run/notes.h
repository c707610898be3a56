/* cli/run/notes.h -- what a run says beside its results, on standard error. */
#ifndef CLI_RUN_NOTES_H
#define CLI_RUN_NOTES_H

#include "cli/options.h"
#include "study/run.h"

/* That the model cuts values of --inputs, if it does. */
void note_cut_values(const struct options *o, const struct run_result *r);

#endif
