/* traces/images/image_format.h -- what a file format of images implements; used by images.c alone.
 *
 * A new format is one file that defines a struct image_format, and its row in image_formats[]
 * (images.c). The first row whose probe() accepts the file's first bytes reads it.
 */
#ifndef TRACES_IMAGES_IMAGE_FORMAT_H
#define TRACES_IMAGES_IMAGE_FORMAT_H

#include <stdbool.h>

#include "core/infile.h"
#include "traces/images/images.h"

struct image_reader { // a format's own state begins with it
    const struct image_format *format;
    const char                *path;
    struct images_how          how;
    struct infile             *file;        // owned; NULL: there is none
    uint32_t                   n_classes;   // labels are below it
    struct images_shape        want;        // the network's
    struct images_shape        shape;       // of the images in the file, each at least 1
    uint64_t                   shape_byte;  // where the file states it
    bool                       interleaved; // channels of a pixel together, rows of pixels
    bool                       placed;      // pixels are where they are delivered, bin by bin
    bool                       labelled;
    size_t                     room;        // bytes that an image may have; 0: those wanted
    struct image_events       *events; // where next() puts events with their times, of a format
                                       // that is timed, instead of pixels; NULL: pixels
};

struct image_clue { // what is known of a file before a format takes it
    const struct images_how *how;
    const char              *path;
    bool                     directory; // path is one
    struct infile           *file;      // NULL: there is none
    const uint8_t           *head; // its first n bytes, IMAGE_HEAD_BYTE or all it has
    size_t                   n;
    uint32_t                 n_classes;
};

struct image_format {
    const char *name;
    size_t      reader_byte; // size of its state
    bool        recorded;    // its images have several bins
    bool        timed;       // and events with times of their own

    bool (*probe)(const struct image_clue *c);

    /* Fills a state that is zero but for format, path, how, file, n_classes and want. */
    enum err (*open)(struct image_reader *r, struct err_msg *m);
    void (*close)(struct image_reader *r); // releases what open() added; NULL: nothing

    /* Images in the files, whose sizes are checked to hold exactly that many. */
    enum err (*count)(struct image_reader *r, uint64_t *count, struct err_msg *m);

    /* The next image, of each bin as shape.channels planes of shape.height rows, or interleaved,
     * and its label, 0 where there is none. */
    enum err (*next)(struct image_reader *r, uint8_t *pixels, uint32_t *label, int *more,
                     struct err_msg *m);
};

#define IMAGE_HEAD_BYTE 8 // bytes that probe() sees, less where the file is shorter

/* The first that knows a file reads it. A new format is its file and a row here. */
#define IMAGE_FORMATS(X)                                                                           \
    X(image_random) X(image_events) X(image_event_array) X(image_frames) X(image_raw)              \
    X(image_pictures) X(image_npy) X(image_npz) X(image_idx) X(image_cifar100) X(image_cifar10)
#define IMAGE_FORMAT(name) extern const struct image_format name;
IMAGE_FORMATS(IMAGE_FORMAT)
#undef IMAGE_FORMAT

/* Bytes of one image in the file, and as the network wants it. */
size_t image_bytes(const struct image_reader *r);
size_t image_wanted_bytes(const struct image_reader *r);

/* Whether an image of r->shape fits the network's input. */
enum err image_check_shape(const struct image_reader *r, struct err_msg *m);

/* Adds an event to r->events; ERR_MEMORY. */
enum err image_add_event(const struct image_reader *r, uint64_t t_ns, uint32_t at,
                         struct err_msg *m);

/* Reads a label of one byte from f and checks it. */
enum err image_read_label(const struct image_reader *r, struct infile *f, uint32_t *label,
                          struct err_msg *m);

#endif
