/* traces/images/raw_images.c -- bytes without a header, whose shape the user states: "3x32x32". */
#include <inttypes.h>
#include <stdlib.h>

#include "traces/images/array_images.h"

enum { MOST_DIMS = 3 };

static bool raw_probe(const struct image_clue *c)
{
    return c->file && c->how->shape;
}

static enum err read_shape(const char *text, uint32_t *dim, uint32_t *n_dim, struct err_msg *m)
{
    const char *p = text;

    for (*n_dim = 0; *n_dim < MOST_DIMS; p++) {
        char *end;
        unsigned long v = *p >= '1' && *p <= '9' ? strtoul(p, &end, 10) : 0;
        if (v == 0 || v > INT32_MAX)
            break;
        dim[(*n_dim)++] = (uint32_t)v;
        p = end;
        if (*p == '\0')
            return ERR_NONE;
        if (*p != 'x')
            break;
    }
    return err_set(m, ERR_INPUT, "--image-shape %.64s: want the dimensions of an image, as 28x28, "
                   "3x32x32 or 32x32x3", text);
}

static enum err raw_open(struct image_reader *r, struct err_msg *m)
{
    struct array_images *a = (struct array_images *)r;
    uint32_t dim[MOST_DIMS], n_dim;
    uint64_t size = 0;
    enum err e = read_shape(r->how.shape, dim, &n_dim, m);

    if (!e)
        e = array_images_shape(a, dim, n_dim, m);
    if (!e)
        e = infile_size(r->file, UINT64_MAX, &size, m);
    if (e)
        return e;
    if (size % image_bytes(r) != 0)
        return infile_error(r->file, size - size % image_bytes(r), m, "%" PRIu64 " bytes after the "
                            "last whole image: want images of %zu bytes, as --image-shape says",
                            size % image_bytes(r), image_bytes(r));
    return array_images_begin(a, size / image_bytes(r), m);
}

const struct image_format image_raw = {
    .name = "raw bytes with --image-shape",
    .reader_byte = sizeof(struct array_images), .probe = raw_probe, .open = raw_open,
    .close = array_images_close, .count = array_images_count, .next = array_images_next,
};
