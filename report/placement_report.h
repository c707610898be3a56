/* report/placement_report.h -- which core sits where on a fabric, what that costs, and a picture of
 * what its channels carry. */
#ifndef REPORT_PLACEMENT_REPORT_H
#define REPORT_PLACEMENT_REPORT_H

#include <stdio.h>

#include "core/err.h"
#include "report/form.h"

extern const struct form placement_form; // of a const struct placed *

enum err placement_svg(const void *placed, FILE *out, struct err_msg *m);
enum err placement_dot(const void *placed, FILE *out, struct err_msg *m); // for neato

#endif
