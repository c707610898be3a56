/* traces/images/picture.h -- kinds of pictures, of which image sets are made (pictures.c). */
#ifndef TRACES_IMAGES_PICTURE_H
#define TRACES_IMAGES_PICTURE_H

#include "traces/images/image_format.h"

struct picture_kind {
    const char *mark; // how it begins
    size_t      n_mark;

    /* Decodes a picture of n bytes, which r->file held: sets r->shape, checks it before anything
     * of its size is allocated or written, and fills `pixels`, interleaved, grey or of red, green
     * and blue. */
    enum err (*decode)(struct image_reader *r, const uint8_t *bytes, size_t n, uint8_t *pixels,
                       struct err_msg *m);
};

extern const struct picture_kind picture_png, picture_jpeg;

#endif
