/* traces/cifar.c -- CIFAR-10 binary: records of a label byte, then the red, green and blue plane of
 * an image of 32 x 32 bytes, row by row (A. Krizhevsky, "Learning multiple layers of features from
 * tiny images", 2009; https://www.cs.toronto.edu/~kriz/cifar.html). There is no header. */
#include "traces/image_format.h"

#include <inttypes.h>

enum { CIFAR_SIDE = 32, CIFAR_CHANNELS = 3, CIFAR_CLASSES = 10 };

/* Where there is no magic number, a first label is the best mark. */
static bool cifar_probe(const uint8_t *head, size_t n)
{
    return n > 0 && head[0] < CIFAR_CLASSES;
}

static enum err cifar_open(struct image_reader *r, struct err_msg *m)
{
    (void)m;
    r->shape = (struct images_shape){ CIFAR_SIDE, CIFAR_SIDE, CIFAR_CHANNELS };
    return ERR_NONE;
}

static enum err cifar_count(struct image_reader *r, uint64_t *count, struct err_msg *m)
{
    uint64_t size_byte, record_byte = 1 + image_bytes(r);
    enum err e = infile_size(r->file, UINT64_MAX, &size_byte, m);

    if (e)
        return e;
    *count = size_byte / record_byte;
    if (size_byte % record_byte != 0)
        return infile_error(r->file, *count * record_byte, m,
                            "%" PRIu64 " bytes after the last whole image: want records of "
                            "%" PRIu64 " bytes (CIFAR-10 binary): fetch the file again",
                            size_byte % record_byte, record_byte);
    return ERR_NONE;
}

static enum err cifar_next(struct image_reader *r, uint8_t *planes, uint32_t *label, int *more,
                           struct err_msg *m)
{
    const uint8_t *head;
    size_t n;
    enum err e = infile_peek(r->file, 1, &head, &n, m);

    *more = !e && n > 0;
    if (e || !*more)
        return e;
    e = image_read_label(r, r->file, label, m);
    return e ? e : infile_read(r->file, planes, image_bytes(r), "an image", m);
}

const struct image_format image_cifar = {
    .name = "CIFAR-10 binary", .mark = "a label of 0 to 9",
    .reader_byte = sizeof(struct image_reader), .probe = cifar_probe, .open = cifar_open,
    .count = cifar_count, .next = cifar_next,
};
