/* traces/images/cifar.c -- CIFAR-10 and CIFAR-100 binary: records of a label byte, or two, then the
 * red, green and blue plane of an image of 32 x 32 bytes, row by row (A. Krizhevsky, "Learning
 * multiple layers of features from tiny images", 2009;
 * https://www.cs.toronto.edu/~kriz/cifar.html). There is no header. CIFAR-100 has a label of 20
 * coarse and one of 100 fine classes; a network of 20 classes is held to the coarse ones. */
#include <inttypes.h>

#include "traces/images/image_format.h"

enum {
    CIFAR_SIDE = 32,
    CIFAR_CHANNELS = 3,
    CIFAR_CLASSES = 10,
    CIFAR_COARSE = 20,
    CIFAR_FINE = 100,
    CIFAR_IMAGE = CIFAR_SIDE * CIFAR_SIDE * CIFAR_CHANNELS
};

/* Whether the file has whole records of as many labels. */
static bool whole(const struct image_clue *c, uint64_t labels)
{
    uint64_t size;
    struct err_msg m;

    return infile_size(c->file, UINT64_MAX, &size, &m) == ERR_NONE && size > 0 &&
           size % (labels + CIFAR_IMAGE) == 0;
}

/* Where there is no magic number, a first label is the best mark. */
static bool cifar10_probe(const struct image_clue *c)
{
    return c->n > 0 && c->head[0] < CIFAR_CLASSES;
}

static bool cifar100_probe(const struct image_clue *c)
{
    return c->n > 1 && c->head[0] < CIFAR_COARSE && c->head[1] < CIFAR_FINE && whole(c, 2) &&
           (c->n_classes > CIFAR_CLASSES || !whole(c, 1));
}

static enum err cifar_open(struct image_reader *r, struct err_msg *m)
{
    r->shape = (struct images_shape){ CIFAR_SIDE, CIFAR_SIDE, CIFAR_CHANNELS };
    r->labelled = true;
    return r->how.labels ? err_set(m, ERR_INPUT, "%s: has labels of its own: want no --labels",
                                   infile_path(r->file))
                         : ERR_NONE;
}

static enum err count_records(struct image_reader *r, uint64_t labels, uint64_t *count,
                              struct err_msg *m)
{
    uint64_t size_byte, record_byte = labels + image_bytes(r);
    enum err e = infile_size(r->file, UINT64_MAX, &size_byte, m);

    if (e)
        return e;
    *count = size_byte / record_byte;
    if (size_byte % record_byte != 0)
        return infile_error(r->file, *count * record_byte, m,
                            "%" PRIu64 " bytes after the last whole image: want records of "
                            "%" PRIu64 " bytes (%s): fetch the file again",
                            size_byte % record_byte, record_byte, r->format->name);
    return ERR_NONE;
}

static enum err cifar10_count(struct image_reader *r, uint64_t *count, struct err_msg *m)
{
    return count_records(r, 1, count, m);
}

static enum err cifar100_count(struct image_reader *r, uint64_t *count, struct err_msg *m)
{
    return count_records(r, 2, count, m);
}

static enum err more_records(const struct image_reader *r, int *more, struct err_msg *m)
{
    const uint8_t *head;
    size_t n;
    enum err e = infile_peek(r->file, 1, &head, &n, m);

    *more = !e && n > 0;
    return e;
}

static enum err cifar10_next(struct image_reader *r, uint8_t *planes, uint32_t *label, int *more,
                             struct err_msg *m)
{
    enum err e = more_records(r, more, m);

    if (e || !*more)
        return e;
    e = image_read_label(r, r->file, label, m);
    return e ? e : infile_read(r->file, planes, image_bytes(r), "an image", m);
}

static enum err cifar100_next(struct image_reader *r, uint8_t *planes, uint32_t *label, int *more,
                              struct err_msg *m)
{
    bool coarse = r->n_classes == CIFAR_COARSE;
    uint8_t other;
    enum err e = more_records(r, more, m);

    if (e || !*more)
        return e;
    e = coarse ? image_read_label(r, r->file, label, m)
               : infile_read(r->file, &other, 1, "a label", m);
    if (!e)
        e = coarse ? infile_read(r->file, &other, 1, "a label", m)
                   : image_read_label(r, r->file, label, m);
    return e ? e : infile_read(r->file, planes, image_bytes(r), "an image", m);
}

const struct image_format image_cifar10 = {
    .name = "CIFAR-10 binary",
    .reader_byte = sizeof(struct image_reader), .probe = cifar10_probe, .open = cifar_open,
    .count = cifar10_count, .next = cifar10_next,
};

const struct image_format image_cifar100 = {
    .name = "CIFAR-100 binary",
    .reader_byte = sizeof(struct image_reader), .probe = cifar100_probe, .open = cifar_open,
    .count = cifar100_count, .next = cifar100_next,
};
