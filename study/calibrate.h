/* study/calibrate.h -- what calibration images say of a machine, before its images are run
 * (core.readout.range = percentile; calibration.images, first, count).
 *
 * Others look at them too: scales and biases that suit analog chips (study/recalibrate.h).
 *
 * They are run through a chip whose arrays measure and compute exactly (arch/units/gauge.h): the
 * ideal network, in timesteps whatever the clocking is. It takes no simulated time. None of them
 * may be among the images that are run: they are compared by content, by a hash of 64 bits.
 */
#ifndef STUDY_CALIBRATE_H
#define STUDY_CALIBRATE_H

#include "arch/units/ranges.h"
#include "core/err.h"
#include "study/run.h"

/* Ranges for the images of cfg, or for images that are not known yet, to be released. ERR_INPUT: an
 * image is in both sets, there are not that many, ... On error *r is zero. */
enum err calibrate(struct ranges *r, const struct plan *p, const struct run_cfg *cfg,
                   struct err_msg *m);

/* Likewise the check alone of n images, for whoever uses them for something else. */
enum err calibrate_check(const struct plan *p, const struct run_cfg *cfg, uint64_t n,
                         struct err_msg *m);

/* The calibration images as those of a run, n of them; without a set of their own, of the run's. */
struct run_cfg calibrate_images(const struct plan *p, const struct run_cfg *cfg, uint64_t n);

/* Whether the machine's readouts want it. */
bool calibrate_wanted(const struct plan *p);

/* Puts what codes reach into a run's result. On error *r is zero. */
enum err calibrate_keep(struct run_result *r, const struct plan *p, const struct ranges *ranges,
                        struct err_msg *m);

/* run(), calibrated before where that is wanted. */
enum err run_calibrated(const struct plan *p, const struct run_cfg *cfg, struct run_result *r,
                        struct err_msg *m);

#endif
