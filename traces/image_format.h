/* traces/image_format.h -- what a file format of images implements; used by images.c alone.
 *
 * A new format is one file that defines a struct image_format, and its row in image_formats[]
 * (images.c). The first row whose probe() accepts the file's first bytes reads it.
 */
#ifndef TRACES_IMAGE_FORMAT_H
#define TRACES_IMAGE_FORMAT_H

#include <stdbool.h>

#include "core/infile.h"
#include "traces/images.h"

struct image_reader { // a format's own state begins with it
    const struct image_format *format;
    struct infile             *file;       // owned
    uint32_t                   n_classes;  // labels are below it
    struct images_shape        shape;      // of the images in the file, each at least 1
    uint64_t                   shape_byte; // where the file states it
};

struct image_format {
    const char *name;
    const char *mark;        // how it begins, for the user whose file begins otherwise
    size_t      reader_byte; // size of its state

    bool (*probe)(const uint8_t *head, size_t n);

    /* Fills a state that is zero but for format, file and n_classes. */
    enum err (*open)(struct image_reader *r, struct err_msg *m);
    void (*close)(struct image_reader *r); // releases what open() added; NULL: nothing

    /* Images in the files, whose sizes are checked to hold exactly that many. */
    enum err (*count)(struct image_reader *r, uint64_t *count, struct err_msg *m);

    /* The next image as shape.channels planes of shape.height rows, and its label. */
    enum err (*next)(struct image_reader *r, uint8_t *planes, uint32_t *label, int *more,
                     struct err_msg *m);
};

#define IMAGE_HEAD_BYTE 4 // bytes that probe() sees, less where the file is shorter

extern const struct image_format image_idx, image_cifar;

/* Bytes of one image in the file. */
size_t image_bytes(const struct image_reader *r);

/* Reads a label of one byte from f and checks it. */
enum err image_read_label(const struct image_reader *r, struct infile *f, uint32_t *label,
                          struct err_msg *m);

#endif
