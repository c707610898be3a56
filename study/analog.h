/* study/analog.h -- the images of a run again, on chips with analog arrays at several times.
 *
 * Time is that of the run with exact weights: when does not depend on what. Chip c at time t is
 * programmed from (seed, c) and aged to t, by itself: chips, times, jobs and the way values take,
 * by layer or through the chip, change none of its classes.
 */
#ifndef STUDY_ANALOG_H
#define STUDY_ANALOG_H

#include <stdint.h>

#include "core/err.h"
#include "study/run.h"
#include "study/study.h"

enum { ANALOG_MEASURED = 16 }; // images that errors of products are measured with, at most

struct analog_figures { // of the cores of a layer, on one chip or, in means, on several
    double   error; // rms(y - exact) / rms(exact) of what they give for the inputs that they get,
                    // over the first images; below 0 where it is not measured
    double   drop, most_drop; // that their wires take, and the core where it is largest
    double   k;         // digital scale
    double   clipped;   // share of all codes
    uint64_t saturated; // weights beyond 16 bits, of all chips
};

struct analog_result {
    uint32_t        n_time, n_chip, n_layer; // layers of the plan
    uint64_t        n_image;
    const uint32_t *time_s;    // borrowed from the configuration; [n_time]
    uint32_t       *predicted; // owned; [time][chip][image]: classes
    struct analog_figures *figures; // owned; [time][chip][n_layer]; zero of digital layers
};

/* The run that was made by cfg, whose images have labels and whose ranges are those of converters;
 * `exact` is its result. On error *r is
 * zero. */
enum err analog_run(const struct study *s, const struct run_cfg *cfg,
                    const struct run_result *exact, struct analog_result *r, struct err_msg *m);
void analog_result_release(struct analog_result *r); // takes a zeroed one

/* What is asked of chips with analog arrays, before the run: images with labels. */
enum err analog_check(const struct study *s, const struct run_cfg *cfg, struct err_msg *m);

/* Of a time, over its chips. */
struct analog_accuracy {
    double mean, sd;          // of the share of images with the right class; sd 0 of one chip
    double low, high;         // the mean's 95 % interval (Student); the mean itself of one chip
    double to_right, to_wrong; // images a chip whose class became right, or wrong
};
double analog_top1(const struct analog_result *r, const struct run_result *exact, uint32_t time,
                   uint32_t chip);
struct analog_accuracy analog_accuracy(const struct analog_result *r,
                                       const struct run_result *exact, uint32_t time);

/* The largest mean drop of the wires of a core, of all chips. */
double analog_drop(const struct analog_result *r, uint32_t time);

/* Of a layer of the plan at a time, over its chips. */
struct analog_figures analog_layer(const struct analog_result *r, uint32_t time, uint32_t layer);

/* Student's t that a variable of n degrees of freedom, n > 0, passes either way with a probability
 * of 0.05. */
double student_95(uint32_t n);

#endif
