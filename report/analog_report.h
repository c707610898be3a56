/* report/analog_report.h -- what analog devices did to a run's images. */
#ifndef REPORT_ANALOG_REPORT_H
#define REPORT_ANALOG_REPORT_H

#include "report/json.h"
#include "report/report.h"

/* The devices and each effect of theirs that is on; nothing where they are ideal. */
void print_devices(const struct study *s, FILE *out);

/* One row for each time; empty without analog devices. */
struct table *analog_table(const void *report);

/* One row for each layer and time. */
struct table *analog_layer_table(const void *report);

/* The array "times" of the object "accuracy", and the object "analog". */
json_t *json_analog_times(const struct report *r);
json_t *json_analog(const struct report *r);

#endif
