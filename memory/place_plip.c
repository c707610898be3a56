/* memory/place_plip.c -- pixel-level interleaved placing: every pixel begins a word.
 *
 * The largest memory, but words are never shared: no masks, no bit-line indexes, and the same
 * cost at every position (article section 2.3.4). */
#include "core/util.h"
#include "memory/input_memory.h"

static void strides(const struct memory_shape *s, uint64_t *delta_kernel, uint64_t *delta_pix)
{
    *delta_pix = round_up(s->pixel_values, s->word_values);
    *delta_kernel = s->columns * *delta_pix;
}

const struct placing place_plip = {
    .name = "plip",
    .doc = "each pixel begins a word",
    .needs_masks = false,
    .strides = strides,
};
