/* traces/images/array_images.h -- what formats share whose images lie one behind the other in a
 * file, with labels in another: they open; the rest is here. */
#ifndef TRACES_IMAGES_ARRAY_IMAGES_H
#define TRACES_IMAGES_ARRAY_IMAGES_H

#include "traces/images/elements.h"
#include "traces/images/image_format.h"

struct array_images {
    struct image_reader base; // its file is that of the pixels
    struct elements     pixels;
    struct labels      *labels; // owned; NULL: there are none
};

/* Sets the shape of an image from its dimensions in the file: rows, columns; with channels before
 * or behind them, where they are the network's or one; or all in one dimension. */
enum err array_images_shape(struct array_images *a, const uint32_t *dim, uint32_t n_dim,
                            struct err_msg *m);

/* `count` images, of so many bins each as are wanted, begin at what is read next; the labels of
 * how->labels are opened, if any. */
enum err array_images_begin(struct array_images *a, uint64_t count, struct err_msg *m);

void     array_images_close(struct image_reader *r);
enum err array_images_count(struct image_reader *r, uint64_t *count, struct err_msg *m);
enum err array_images_next(struct image_reader *r, uint8_t *pixels, uint32_t *label, int *more,
                           struct err_msg *m);

#endif
