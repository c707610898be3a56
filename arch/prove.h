/* arch/prove.h -- whether every byte of a plan's machine comes to its place.
 *
 * A chip is run in proof (arch/core/proof.h): over the filling of the pipeline and until its images
 * repeat one another. From there on only the slots of the memories, in which columns come to lie,
 * are others from image to image, so each memory is tried by itself in all of them
 * (memory/trial.h). After that nothing is new: what a column overwrites, and when, depends on how
 * many columns later it comes, and every read asks whether its pixels are still there.
 */
#ifndef ARCH_PROVE_H
#define ARCH_PROVE_H

#include <stdint.h>

#include "core/err.h"
#include "dataflow/plan/plan.h"

struct prove_result {
    uint64_t n_image;   // that were run
    uint64_t per_image; // channels of pixels that have a number of their own
};

/* Needs no weights. ERR_RUN names the core, the timestep and the pixel. r may be NULL. */
enum err prove(const struct plan *p, struct prove_result *r, struct err_msg *m);

/* A chip built from one plan against the numbers of another of the same network and machine: for
 * tests, which plant faults in the first. */
enum err prove_chip(const struct plan *chip, const struct plan *numbers, struct prove_result *r,
                    struct err_msg *m);

#endif
