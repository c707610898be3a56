/* report/event_report.h -- recordings on event cores: what came, was served, fired and was lost,
 * and where time goes. */
#ifndef REPORT_EVENT_REPORT_H
#define REPORT_EVENT_REPORT_H

#include "report/form.h"
#include "report/report.h"

extern const struct form event_form; // of a const struct report *, whose result has events

/* Its document, the caller's; NULL without memory. */
struct json_t *event_document(const struct report *r);

/* The plan of such cores; of a const struct study *. */
extern const struct form event_plan_form;

#endif
