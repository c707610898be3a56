/* traces/images.c -- see images.h. Knows no format: image_format.h is what each implements. */
#include "traces/images.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/image_format.h"

/* Probed in this order: a CIFAR file has no magic number, so IDX comes first. */
static const struct image_format *const image_formats[] = { &image_idx, &image_cifar };

enum { N_FORMATS = sizeof image_formats / sizeof *image_formats };

#define PIXEL_ZERO 128 // int8 value = pixel - PIXEL_ZERO

struct images {
    struct image_reader *reader;
    struct images_shape  want;
    uint8_t             *planes; // one image as the file has it
};

size_t image_bytes(const struct image_reader *r)
{
    return (size_t)r->shape.height * r->shape.width * r->shape.channels;
}

enum err image_read_label(const struct image_reader *r, struct infile *f, uint32_t *label,
                          struct err_msg *m)
{
    uint8_t byte;
    enum err e = infile_read(f, &byte, 1, "a label", m);

    if (e)
        return e;
    if (byte >= r->n_classes)
        return infile_error(f, infile_byte(f) - 1, m, "label %u: want 0 to %" PRIu32
                            ", the network's classes", byte, r->n_classes - 1);
    *label = byte;
    return ERR_NONE;
}

/* What the file should have begun with. */
static enum err unknown_format(const struct infile *f, const uint8_t *head, size_t n,
                               struct err_msg *m)
{
    char found[3 * IMAGE_HEAD_BYTE + 1] = "", marks[256] = "";

    for (size_t i = 0; i < n; i++)
        snprintf(found + 3 * i, 4, " %02x", head[i]);
    for (size_t i = 0, at = 0; i < N_FORMATS; i++) {
        at += (size_t)snprintf(marks + at, sizeof marks - at, "%s%s (begins with %s)",
                               i ? " or " : "", image_formats[i]->name, image_formats[i]->mark);
        assert(at < sizeof marks);
    }
    return infile_error(f, 0, m, "%s%s: want %s", n ? "begins with" : "the file is empty", found,
                        marks);
}

/* Chooses the format that reads f and takes f over, also when it fails. */
static enum err open_reader(struct image_reader **reader, struct infile *f, uint32_t n_classes,
                            struct err_msg *m)
{
    const uint8_t *head;
    size_t n, i = 0;
    enum err e = infile_peek(f, IMAGE_HEAD_BYTE, &head, &n, m);

    while (!e && i < N_FORMATS && !image_formats[i]->probe(head, n))
        i++;
    if (!e && i == N_FORMATS)
        e = unknown_format(f, head, n, m);
    struct image_reader *r = e ? NULL : calloc(1, image_formats[i]->reader_byte);
    if (!e && !r)
        e = err_set(m, ERR_MEMORY, "%s: no memory to read it", infile_path(f));
    if (e) {
        infile_close(f);
        return e;
    }
    r->format = image_formats[i];
    r->file = f;
    r->n_classes = n_classes;
    *reader = r;
    return r->format->open(r, m);
}

static enum err check_shape(const struct image_reader *r, struct images_shape want,
                            struct err_msg *m)
{
    const struct images_shape has = r->shape;

    if (has.height <= want.height && has.width <= want.width &&
        (has.channels == want.channels || has.channels == 1))
        return ERR_NONE;
    return infile_error(r->file, r->shape_byte, m,
                        "images of %" PRIu32 "x%" PRIu32 "x%" PRIu32 " (rows, columns, channels): "
                        "want at most %" PRIu32 "x%" PRIu32 " and 1 or %" PRIu32 " channels, the "
                        "network's input", has.height, has.width, has.channels, want.height,
                        want.width, want.channels);
}

enum err images_open(struct images **out, const char *path, struct images_shape want,
                     uint32_t n_classes, struct err_msg *m)
{
    assert(want.height > 0 && want.width > 0 && want.channels > 0 && n_classes > 0);
    *out = NULL;
    struct images *set = calloc(1, sizeof *set);
    if (!set)
        return err_set(m, ERR_MEMORY, "%s: no memory to open it", path);

    struct infile *f;
    set->want = want;
    enum err e = infile_open(&f, path, m);
    if (!e)
        e = open_reader(&set->reader, f, n_classes, m);
    if (!e)
        e = check_shape(set->reader, want, m);
    if (!e && !(set->planes = malloc(image_bytes(set->reader))))
        e = err_set(m, ERR_MEMORY, "%s: no memory for an image", path);
    if (e) {
        images_close(set);
        return e;
    }
    *out = set;
    return ERR_NONE;
}

void images_close(struct images *set)
{
    if (!set)
        return;
    if (set->reader) {
        if (set->reader->format->close)
            set->reader->format->close(set->reader);
        infile_close(set->reader->file);
        free(set->reader);
    }
    free(set->planes);
    free(set);
}

enum err images_count(struct images *set, uint64_t *count, struct err_msg *m)
{
    return set->reader->format->count(set->reader, count, m);
}

enum err images_skip(struct images *set, uint64_t n, struct err_msg *m)
{
    enum err e = ERR_NONE;
    uint32_t label;

    for (int more = 1; n > 0 && more && !e; n--)
        e = set->reader->format->next(set->reader, set->planes, &label, &more, m);
    return e;
}

/* Planes of rows into pixels of columns, centred on a frame of pixel value 0, grey repeated. */
static void adapt(const struct images *set, int8_t *out)
{
    const struct images_shape has = set->reader->shape, want = set->want;
    const size_t top = (want.height - has.height) / 2, left = (want.width - has.width) / 2;
    const size_t plane = has.channels == 1 ? 0 : (size_t)has.height * has.width;

    memset(out, -PIXEL_ZERO, (size_t)want.height * want.width * want.channels);
    for (size_t y = 0; y < has.width; y++)
        for (size_t x = 0; x < has.height; x++) {
            int8_t *pixel = out + ((left + y) * want.height + top + x) * want.channels;
            for (size_t ch = 0; ch < want.channels; ch++)
                pixel[ch] = (int8_t)(set->planes[ch * plane + x * has.width + y] - PIXEL_ZERO);
        }
}

enum err images_next(struct images *set, int8_t *out, uint32_t *label, int *more,
                     struct err_msg *m)
{
    enum err e = set->reader->format->next(set->reader, set->planes, label, more, m);

    if (!e && *more)
        adapt(set, out);
    return e;
}
