/* traces/pipeline_svg.h -- a picture of a pipeline: layers from top to bottom, time from left to
 * right, one colour for each of the first images.
 *
 * The height of a layer's area is how much of the time it fires. Firings are counted in bins of
 * time that double in length when the picture gets too long, so that it may be of any length.
 */
#ifndef TRACES_PIPELINE_SVG_H
#define TRACES_PIPELINE_SVG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { PIPELINE_IMAGES = 4 }; // drawn; later ones are left out

struct pipeline_row {
    const char *name;           // borrowed: letters, digits, . _ and -
    uint32_t    most;           // firings in a timestep
    struct pipeline_image {
        bool     any;
        uint64_t first, last;   // timesteps
        uint64_t firings;
    } image[PIPELINE_IMAGES];
    uint32_t   *count; // owned; [PIPELINE_IMAGES][bins]
};

struct pipeline {
    struct pipeline_row *row; // owned
    uint32_t             n_row;
    uint64_t             bin_timesteps;
};

/* Rows have neither name nor `most` yet. False when the host has no memory; then *p is zero. */
bool pipeline_init(struct pipeline *p, uint32_t n_row);
void pipeline_release(struct pipeline *p); // takes a zeroed one

/* A firing of a row for an image, both counted from 0, in a timestep. */
void pipeline_count(struct pipeline *p, uint32_t row, uint64_t image, uint64_t timestep);

/* timestep_ns: for the axis. */
void pipeline_draw(const struct pipeline *p, const char *title, uint64_t timestep_ns, FILE *out);

#endif
