/* report/decode_report.h -- what a machine of tokens takes to decode (study/decode.h): by layer of
 * attention as a table, with its times below, and as section "decode" of a document. */
#ifndef REPORT_DECODE_REPORT_H
#define REPORT_DECODE_REPORT_H

#include "report/report.h"
#include "report/table.h"

/* `report` is a const struct report *; empty where nothing is decoded. */
struct table *decode_table(const void *report);

struct json_t *json_decode(const struct report *r); // with r->decoder

#endif
