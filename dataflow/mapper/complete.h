/* dataflow/mapper/complete.h -- every mapping of a small network.
 *
 * Layer after layer, depth first, every option with which the rest still has cores; doubtful and
 * dominated ones, too, which may be what fits the memories. The times of the layers chosen are
 * exact, and the rest is at least as late as layers that compute every output as soon as it is
 * ready: where this is no better than the best mapping known, nothing below is. The others are
 * planned. What is left in the end is the best mapping that has a plan.
 */
#ifndef DATAFLOW_MAPPER_COMPLETE_H
#define DATAFLOW_MAPPER_COMPLETE_H

#include "dataflow/mapper/chooser.h"

/* Whether all were looked at within mapping.effort: then the choice is proven best, or that there
 * is none. */
enum err mapper_complete(struct chooser *c, bool *all, struct err_msg *m);

#endif
