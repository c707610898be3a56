/* traces/images/normalise.h -- pixels as real numbers, as trainers normalise them.
 *
 *     x = ((float)pixel / 255 - mean) / std        in single precision, mean and std by channel
 *
 * which is what torchvision's ToTensor and Normalize give, and others with images from 0 to 1.
 */
#ifndef TRACES_IMAGES_NORMALISE_H
#define TRACES_IMAGES_NORMALISE_H

#include <stdint.h>

#include "core/err.h"

enum { NORMALISE_MOST = 16 };

struct normalise {
    uint32_t n; // channels that differ; 1: all are alike; 0: pixels stay as they are
    float    mean[NORMALISE_MOST], std[NORMALISE_MOST];
};

/* Reads "0.485,0.456,0.406": one number or one for each channel, of which either list may be one. A
 * mean that is NULL is 0. ERR_INPUT names --mean or --std. */
enum err normalise_read(struct normalise *n, const char *mean, const char *std, struct err_msg *m);

/* Whether it is for images of so many channels. */
enum err normalise_check(const struct normalise *n, uint32_t channels, struct err_msg *m);

float normalise_value(const struct normalise *n, uint32_t channel, uint8_t pixel); // n->n > 0

#endif
