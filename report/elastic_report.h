/* report/elastic_report.h -- a run under elastic clocking: when results come, what bounds them,
 * where time goes. */
#ifndef REPORT_ELASTIC_REPORT_H
#define REPORT_ELASTIC_REPORT_H

#include "arch/elastic/faster.h"
#include "report/form.h"
#include "report/json.h"
#include "report/report.h"
#include "study/study.h"

struct elastic_report { // all borrowed
    const struct study          *study;
    const struct elastic_result *result;
    const struct report         *run; // its images and prices
    const struct elastic_places *places; // on a fabric of routers; else NULL
    const struct elastic_ladder *ladder; // of faster stages; NULL: it was not climbed
};

json_t *elastic_document(const struct elastic_report *r); // owned by the caller
extern const struct form elastic_form; // of a const struct elastic_report *

/* ---- elastic_fabric.c: of a fabric of routers ---- */

struct elastic_channel { // the one that works longest: to a router or node, or a bus
    char     name[120];
    bool     is_bus;
    uint64_t busy_clk;
};

struct elastic_channel elastic_busiest_channel(const struct elastic_report *r);
void elastic_fabric_head(const struct elastic_report *r, FILE *out);
struct table *elastic_channels(const void *what);
struct table *elastic_counters(const void *what);
json_t *elastic_fabric_json(const struct elastic_report *r);

#endif
