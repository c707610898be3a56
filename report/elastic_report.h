/* report/elastic_report.h -- a run under elastic clocking: when results come, what bounds them,
 * where time goes. */
#ifndef REPORT_ELASTIC_REPORT_H
#define REPORT_ELASTIC_REPORT_H

#include "arch/elastic/elastic.h"
#include "report/form.h"
#include "study/study.h"

struct elastic_report { // all borrowed
    const struct study          *study;
    const struct elastic_result *result;
    enum kernel_kind             kernel;
};

extern const struct form elastic_form; // of a const struct elastic_report *

/* The mean interval between results, as a fraction of clocks over images: of the last half of them,
 * as far as that is whole rotations of the memories' columns. False of one image. */
bool elastic_interval(const struct elastic_report *r, uint64_t *clocks, uint64_t *images);

#endif
