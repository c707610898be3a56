/* report/fabric_report.h -- what a fabric does that is driven alone, at one rate or several. */
#ifndef REPORT_FABRIC_REPORT_H
#define REPORT_FABRIC_REPORT_H

#include "dataflow/config.h"
#include "noc/traffic.h"
#include "report/form.h"
#include "report/json.h"

struct fabric_report {
    const struct config  *config;
    const struct graph   *graph;
    const struct traffic *traffic; // but for the rate
    const char           *pattern; // its name, or the file's
    struct fabric_rate {
        uint64_t              rate; // of TRAFFIC_RATE_ONE
        struct traffic_result result;
    } *rate;
    uint32_t n_rate;
};

extern const struct form fabric_form; // of a const struct fabric_report *

/* What routers did, under the names of docs/results.md. */
void json_put_router_counts(json_t **o, const struct router_counts *c);

#endif
