/* report/converter_report.h -- what the converters of each core reached, and how often not. */
#ifndef REPORT_CONVERTER_REPORT_H
#define REPORT_CONVERTER_REPORT_H

#include "report/json.h"
#include "report/report.h"

/* No rows where there is none, or without images. */
struct table *converter_table(const void *report);

/* Of a core; NULL likewise. */
json_t *converter_json(const struct report *r, uint32_t core);

/* Codes of all cores, and how many of them were clipped. */
struct codes_clipped {
    uint64_t conversions, clipped;
};
struct codes_clipped codes_clipped(const struct report *r);

#endif
