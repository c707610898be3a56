/* memory/place_klip.c -- kernel-level interleaved placing: a kernel row begins a word.
 *
 * Inside the row the K pixels are adjacent, so a full row costs the same words everywhere while a
 * pixel's cost depends on its slot (article section 2.3.3). */
#include "core/util.h"
#include "memory/input_memory.h"

static void strides(const struct memory_shape *s, uint64_t *delta_kernel, uint64_t *delta_pix)
{
    *delta_pix = s->pixel_values;
    *delta_kernel = round_up(s->columns * *delta_pix, s->word_values);
}

const struct placing place_klip = {
    .name = "klip",
    .doc = "each kernel row begins a word, its pixels adjacent",
    .needs_masks = true,
    .strides = strides,
};
