/* arch/scratchpad.h -- the input scratchpad: hands the pixels of images to the first layer.
 *
 * One scratchpad feeds the cores of one layer that reads the image. It sends the pixels of each
 * image in scan order, by the timetable of the plan (image_feed): as late as the layer's firings
 * allow, so that the layer never waits and never runs ahead. Pixels for the first firings leave
 * before timestep 0, the plan's lead earlier. Images must be there in time: one that comes late is
 * a fault.
 *
 *     images  one payload per image: struct image_head, then each plane's pixels in scan order
 *     out     tokens of pixels, one channel per core of the layer
 */
#ifndef ARCH_SCRATCHPAD_H
#define ARCH_SCRATCHPAD_H

#include "arch/core/imc_core.h"

struct image_head {
    uint64_t image; // counted from the first of the stream
};

struct scratchpad {
    struct block             base;
    const struct plan       *plan;  // borrowed
    const struct image_times *times; // borrowed
    uint32_t                 height, width, channels;
    struct planes            planes;
    uint64_t                 first_image;
    struct fault            *fault; // borrowed; the chip's
    struct chan             *images;
    struct core_port        *out; // owned
    uint32_t                 n_out;
    uint8_t                 *image; // owned; [planes]: pixels of the image being sent
    bool                     sending;
    uint64_t                 number; // of that image
    size_t                   at;     // next pixel, in scan order
};

/* path is borrowed. False when the host has no memory; then *s is zero. */
bool scratchpad_init(struct scratchpad *s, const char *path, const struct plan *p,
                     uint32_t feed, const struct planes *planes,
                     uint64_t first_image, struct fault *fault);
void scratchpad_release(struct scratchpad *s); // takes a zeroed one

/* Port for an IMAGE stream of the plan. */
bool scratchpad_connect(struct scratchpad *s, uint32_t stream, struct chan *chan);

/* Bytes of one payload of the images channel: its head, and an image of every plane. */
size_t scratchpad_image_bytes(const struct plan *p, uint32_t planes);

#endif
