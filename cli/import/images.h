/* cli/import/images.h -- images, or inputs of numbers, as a float model takes them, one after the
 * other from any of them on; and what an import learns of them, on several threads. */
#ifndef CLI_IMPORT_IMAGES_H
#define CLI_IMPORT_IMAGES_H

#include <stdint.h>

#include "core/err.h"
#include "import/import.h"
#include "traces/images/images.h"
#include "traces/npy.h"

struct import_images {
    const char          *path;   // of the set, or of those values
    struct images_how    how;
    const struct npy    *inputs; // whole inputs of the model; NULL: pixels
    uint32_t             n_classes;
    const struct import *import; // borrowed: what the model takes
};

struct image_reader { // of one thread
    const struct import_images *from;
    struct images *set;    // NULL: inputs
    int8_t        *pixels; // owned, of the last image; NULL: inputs
    uint64_t       next;   // number of the image that comes next
};

/* Image `first` comes next. `from` is borrowed until the end. On error *r is zero. */
enum err image_reader_open(struct image_reader *r, const struct import_images *from, uint64_t first,
                           struct err_msg *m);
void image_reader_close(struct image_reader *r); // takes a zeroed one

/* Goes on to the next image; its label, 0 of inputs. ERR_INPUT: there is none. */
enum err image_reader_next(struct image_reader *r, uint32_t *label, struct err_msg *m);

/* Evaluates the model of `run` on the last image. */
enum err image_reader_run(const struct image_reader *r, struct float_run *run, struct err_msg *m);

/* Takes note of what the first n_image images make of the float model. The result does not depend
 * on jobs, at least 1. */
enum err import_calibrate(struct import *im, const struct import_images *from, uint64_t n_image,
                          uint32_t jobs, struct err_msg *m);

#endif
