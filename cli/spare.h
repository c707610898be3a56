/* cli/spare.h -- results do not take the place of what the command reads.
 *
 * A model that is read whole and then written over is lost, and nobody says so. Files are compared
 * as the system knows them, so that a link is the file that it leads to. --write-config may go to
 * CONFIG: it is the same machine.
 */
#ifndef CLI_SPARE_H
#define CLI_SPARE_H

#include "cli/options.h"
#include "core/err.h"
#include "dataflow/config.h"

/* ERR_INPUT where a result of the options would replace a file that they name: an operand, images,
 * labels, a value of --set. */
enum err spare_named(const struct options *o, struct err_msg *m);

/* The same of a file that the configuration names. */
enum err spare_config(const struct options *o, const struct config *c, struct err_msg *m);

#endif
