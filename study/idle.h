/* study/idle.h -- keys that a user gave and that change nothing in this study's runs.
 *
 * A key is idle when what it is about does not occur: costs where nothing is priced, partial sums
 * where no layer is split by its rows, effort where nothing is optimised. Limits (chip.cores, words
 * of a memory) are never idle: they are checked. A key with its default value says nothing new,
 * and nor does one of partial sums in the file of a machine on which --set runs another network.
 */
#ifndef STUDY_IDLE_H
#define STUDY_IDLE_H

#include "core/err.h"

struct study;

/* Adds a note for each; the study has its plan. */
void idle_note(struct study *s);

/* ERR_INPUT for one of another clocking that was given by --set. */
enum err idle_refuse(const struct study *s, struct err_msg *m);

#endif
