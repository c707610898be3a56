/* cli/stored.h -- a result document of `imcsim run`, read back to be priced again.
 *
 * The document holds the effective configuration and every counter, so that nothing runs twice:
 * study and counters come from it, and --set may change what pricing reads (energy.technology and
 * the like).
 */
#ifndef CLI_STORED_H
#define CLI_STORED_H

#include <stdbool.h>

#include "arch/run.h"
#include "cli/options.h"
#include "cli/study.h"
#include "core/err.h"

/* Whether the operand is such a document: its name ends in .json. */
bool stored_is(const char *path);

/* Reads o->operand and applies o->set. Of *r only what pricing needs is set: core, stream_bits,
 * n_image, total_timesteps. ERR_INPUT when the document lacks a part or does not fit its plan. On
 * error *s and *r are zero. */
enum err stored_load(struct study *s, struct run_result *r, const struct options *o,
                     struct err_msg *m);

#endif
