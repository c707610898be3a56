/* dataflow/mapper/choose.h -- the choice of a mapping. */
#ifndef DATAFLOW_MAPPER_CHOOSE_H
#define DATAFLOW_MAPPER_CHOOSE_H

#include "dataflow/mapper/mapper.h"

/* mapper_choose() without its complaint: r->cores is 0 when the optimiser finds no mapping that has
 * a plan. */
enum err chooser_run(const struct mapper *mp, struct mapper_result *r, struct err_msg *m);

#endif
