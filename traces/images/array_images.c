/* traces/images/array_images.c -- see array_images.h. */
#include "traces/images/array_images.h"

#include <inttypes.h>

/* A network of vectors does not say how many channels an image has. */
static bool channels_fit(const struct image_reader *r, uint32_t n)
{
    bool vector = r->want.height == 1 && r->want.width == 1;

    return n == 1 || n == (vector ? 3 : r->want.channels);
}

enum err array_images_shape(struct array_images *a, const uint32_t *dim, uint32_t n_dim,
                            struct err_msg *m)
{
    struct image_reader *r = &a->base;
    uint64_t n = 1;

    for (uint32_t i = 0; i < n_dim; i++) {
        if (dim[i] == 0 || n > INT64_MAX / dim[i])
            return infile_error(r->file, 0, m, "images of no pixel, or of 2^63 bytes or more: want "
                                "a shape of pixels");
        n *= dim[i];
    }
    bool first = n_dim == 3 && channels_fit(r, dim[0]) &&
                 !(channels_fit(r, dim[2]) && dim[0] > dim[2]);
    if (n_dim == 1 && n == image_wanted_bytes(r))
        r->shape = r->want;
    else if (n_dim == 1)
        r->shape = (struct images_shape){ 1, 1, dim[0] };
    else if (n_dim == 2)
        r->shape = (struct images_shape){ dim[0], dim[1], 1 };
    else if (n_dim == 3 && first)
        r->shape = (struct images_shape){ dim[1], dim[2], dim[0] };
    else if (n_dim == 3)
        r->shape = (struct images_shape){ dim[0], dim[1], dim[2] };
    else
        return infile_error(r->file, 0, m, "images of %" PRIu32 " dimensions: want 1 to 3: rows, "
                            "columns and channels", n_dim);
    r->interleaved = n_dim == 3 && !first;
    return ERR_NONE;
}

enum err array_images_begin(struct array_images *a, uint64_t count, struct err_msg *m)
{
    struct image_reader *r = &a->base;
    enum err e = ERR_NONE;

    a->pixels = (struct elements){ .file = r->file, .head_byte = infile_byte(r->file),
                                   .count = count,
                                   .byte = image_bytes(r) * (r->how.n_bin ? r->how.n_bin : 1) };
    if (r->how.labels)
        e = labels_open(&a->labels, r->how.labels, m);
    if (!e && a->labels)
        e = labels_check_count(a->labels, count, m);
    r->labelled = a->labels != NULL;
    return e;
}

void array_images_close(struct image_reader *r)
{
    labels_close(((struct array_images *)r)->labels);
}

enum err array_images_count(struct image_reader *r, uint64_t *count, struct err_msg *m)
{
    struct array_images *a = (struct array_images *)r;
    enum err e = elements_check_size(&a->pixels, m);

    *count = a->pixels.count;
    return e || !a->labels ? e : labels_check_size(a->labels, m);
}

enum err array_images_next(struct image_reader *r, uint8_t *pixels, uint32_t *label, int *more,
                           struct err_msg *m)
{
    struct array_images *a = (struct array_images *)r;
    enum err e = ERR_NONE;
    int labels_left;

    *label = 0;
    if (a->labels && a->pixels.next < a->pixels.count)
        e = labels_next(a->labels, r->n_classes, label, &labels_left, m);
    if (!e)
        e = elements_next(&a->pixels, pixels, "an image", more, m);
    if (!e && !*more && a->labels) // at the end of the images the labels end too
        e = labels_next(a->labels, r->n_classes, label, &labels_left, m);
    return e;
}
