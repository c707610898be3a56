/* study/recalibrate.h -- scales and biases of a network made anew for an analog chip, so that the
 * sums of each channel have the mean and deviation that they have with exact weights.
 *
 * V. Joshi et al., Nat. Commun. 11, 2473, 2020 ("AdaBS"): layer by layer, those before it done,
 * over calibration images. With m, s of a channel's complete sums on the chip and m0, s0 of the
 * exact network,
 *
 *     M' = M s0 / s        B' = B + M (m0 - m s0 / s)
 *
 * Layers that deliver their sums have no scale and stay. Takes no simulated time.
 */
#ifndef STUDY_RECALIBRATE_H
#define STUDY_RECALIBRATE_H

#include "arch/analog/layers.h"

struct channel_moments { // of a layer
    double  *sum, *square; // owned; [channels]
    uint32_t channels;
    uint64_t n; // of sums of each
};

struct recalibration { // what all chips share
    const struct plan      *plan;  // borrowed, and so are the images
    const uint8_t          *image; // [n], as the network takes them
    uint32_t                n;
    size_t                  image_bytes;
    const char             *simd;
    struct channel_moments *exact; // owned; [n_layer]; those of layers without a scale are zero
};

/* False when the host has no memory; then *r is zero. */
bool recalibration_init(struct recalibration *r, const struct plan *p, const uint8_t *image,
                        uint32_t n, size_t image_bytes, const char *simd);
void recalibration_release(struct recalibration *r); // takes a zeroed one

/* A network with scales and biases of its own; all else is borrowed of `from`. */
bool own_scales(struct network *to, const struct network *from);
void own_scales_release(struct network *n); // takes a zeroed one

/* Changes those of *n to what the chip with the cores `cores` wants. False when the host has no
 * memory. */
bool recalibrate(const struct recalibration *r, struct network *n, const struct value_cores *cores);

#endif
