/* memory/place_iwap.c -- intra-word adjacent placing: value after value, across word boundaries.
 *
 * The smallest memory; a pixel or a kernel row may straddle words, so the words touched depend on
 * the position (article section 2.3.2). */
#include "memory/input_memory.h"

static void strides(const struct memory_shape *s, uint64_t *delta_kernel, uint64_t *delta_pix)
{
    *delta_pix = s->pixel_values;
    *delta_kernel = s->columns * *delta_pix;
}

const struct placing place_iwap = {
    .name = "iwap",
    .doc = "pixels adjacent, value after value",
    .needs_masks = true,
    .strides = strides,
};
