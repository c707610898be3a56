/* report/learning_report.h -- operations of arrays, and updates that learning would make. */
#ifndef REPORT_LEARNING_REPORT_H
#define REPORT_LEARNING_REPORT_H

#include "report/json.h"
#include "report/report.h"

/* What each layer's arrays can be asked for, in clocks; `report` is a const struct report *. No
 * rows of event cores. */
struct table *operation_table(const void *report);

/* Updates of layers whose outputs spike. No rows without a rule, without images, or of a network
 * without neurons. */
struct table *learning_table(const void *report);

/* NULL likewise. */
json_t *learning_json(const struct report *r);

#endif
