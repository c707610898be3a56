/* traces/images/elements.h -- elements of one size, one behind the other in a file: images or
 * labels.
 *
 * Their number is known beforehand, from a header or the file's size; that the file holds as many
 * and no more is checked.
 */
#ifndef TRACES_IMAGES_ELEMENTS_H
#define TRACES_IMAGES_ELEMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/infile.h"

struct elements {
    struct infile *file;
    uint64_t       head_byte; // where they begin
    uint64_t       count, next;
    size_t         byte; // of each
};

/* The file holds exactly those. */
enum err elements_check_size(const struct elements *s, struct err_msg *m);

/* The next one, called `what` where the data end before. Behind the last *more is 0, and the data
 * must end. */
enum err elements_next(struct elements *s, uint8_t *bytes, const char *what, int *more,
                       struct err_msg *m);

/* ---- labels ---- */

struct labels; // whole numbers: an IDX file of one dimension, or an array of numpy

enum err labels_open(struct labels **l, const char *path, struct err_msg *m);

/* An array of numpy; takes f over, also when it fails. */
enum err labels_open_array(struct labels **l, struct infile *f, struct err_msg *m);
void     labels_close(struct labels *l); // takes NULL

/* There are n of them, as many as images. */
enum err labels_check_count(const struct labels *l, uint64_t n, struct err_msg *m);
enum err labels_check_size(const struct labels *l, struct err_msg *m);

/* The next one, below n_classes. */
enum err labels_next(struct labels *l, uint32_t n_classes, uint32_t *label, int *more,
                     struct err_msg *m);

#endif
