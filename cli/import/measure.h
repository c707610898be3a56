/* cli/import/measure.h -- a float model and its quantised one side by side on labelled images. */
#ifndef CLI_IMPORT_MEASURE_H
#define CLI_IMPORT_MEASURE_H

#include <stdint.h>

#include "cli/import/images.h"
#include "core/err.h"

struct measure_cfg {
    const struct import_images *from;
    uint64_t                    n_image; // at least 1; the set has as many
    uint32_t                    jobs;
    const struct float_graph   *one, *other; // the float model and the quantised one
    const struct network       *network;     // the quantised one as the simulator reads it
    const uint32_t             *pair;    // n_pair values of one, then as many of other
    uint32_t                    n_pair;
    void (*progress)(void *user, uint64_t done, uint64_t n_image);
    void *user;
};

struct measure {
    uint64_t correct_one, correct_other, n_same; // classes; the other's are the integers' of `run`
    double  *error; // owned; per pair: root of sum (other - one)^2 / sum one^2 over all images
};

/* The result does not depend on jobs. On error *r is zero. */
enum err measure_run(struct measure *r, const struct measure_cfg *cfg, struct err_msg *m);
void measure_release(struct measure *r); // takes a zeroed one

#endif
