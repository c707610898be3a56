/* study/stored.h -- a result document of `imcsim run`, read back to be priced again.
 *
 * The document holds the effective configuration and every counter, so that nothing runs twice:
 * study and counters come from it, and --set may change what pricing reads (energy.technology and
 * the like).
 */
#ifndef STUDY_STORED_H
#define STUDY_STORED_H

#include <stdbool.h>

#include "core/err.h"
#include "study/run.h"
#include "study/study.h"

/* Whether the operand is such a document: its name ends in .json, or it begins as one. */
bool stored_is(const char *path);

/* Reads the document at `path` and applies set[n_set]. Of *r only what pricing needs is set: core,
 * stream_bits, n_image, values, total_timesteps. ERR_INPUT when the document lacks a part or does
 * not fit its plan. On error *s and *r are zero. */
enum err stored_load(struct study *s, struct run_result *r, const char *path,
                     const char *const *set, size_t n_set, struct err_msg *m);

#endif
