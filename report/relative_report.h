/* report/relative_report.h -- a price in multiply-adds of bfloat16 (study/relative_price.h) as a
 * table and as section "relative" of a document. */
#ifndef REPORT_RELATIVE_REPORT_H
#define REPORT_RELATIVE_REPORT_H

#include "report/json.h"
#include "report/table.h"
#include "study/relative_price.h"

/* NULL without memory. */
struct table *relative_table(const struct relative_price *r, const struct plan *p);

json_t *relative_json(const struct relative_price *r, const struct plan *p);

#endif
