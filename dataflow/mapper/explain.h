/* dataflow/mapper/explain.h -- which resource is short when there is no mapping, by how much. */
#ifndef DATAFLOW_MAPPER_EXPLAIN_H
#define DATAFLOW_MAPPER_EXPLAIN_H

#include "dataflow/mapper/mapper.h"

/* For a machine onto which the optimiser finds no mapping: ERR_INPUT that names the first resource
 * which cures it alone, what is short, and the least with which it finds one. */
enum err mapper_explain(const struct mapper *mp, struct err_msg *m);

#endif
