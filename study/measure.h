/* study/measure.h -- all that is found of a study by running it: its images with exact weights,
 * again on analog chips where its devices are such, with exact codes where its own may differ, and
 * its price where costs are named. */
#ifndef STUDY_MEASURE_H
#define STUDY_MEASURE_H

#include <stdbool.h>

#include "arch/elastic/elastic.h"
#include "core/err.h"
#include "study/analog.h"
#include "study/codes_cost.h"
#include "study/event_price.h"
#include "study/place.h"
#include "study/price.h"
#include "study/run.h"
#include "study/study.h"

struct measured {
    struct run_result    run;
    struct analog_result analog; // zero unless on_analog
    struct codes_cost    codes;  // zero unless has_codes
    struct price_report  price;  // zero unless is_priced
    struct placed        placed; // of elastic clocking on routers; else zero
    struct elastic_places places; // of it
    struct event_price   event_price; // zero unless events_priced
    bool                 on_analog, has_codes, is_priced, events_priced;
};

/* Runs the study, analog chips included. On error *d is zero. */
enum err measured_run(struct measured *d, const struct study *s, const struct run_cfg *cfg,
                      struct err_msg *m);

/* For elastic clocking on a fabric of routers: places the cores, in d, and has *cfg say so.
 * progress: NULL, nobody is told. */
enum err measured_place(struct measured *d, const struct study *s, struct run_cfg *cfg,
                        placement_progress *progress, void *user, struct err_msg *m);

/* Prices what was run, where energy.chip names costs and the run counts what they are of
 * (run_counts_all()). On error *d is zero. */
enum err measured_price(struct measured *d, const struct study *s, struct err_msg *m);

void measured_release(struct measured *d); // takes a zeroed one

#endif
