/* traces/images/npy_images.c -- image sets as arrays of numpy: bytes of dimensions (image, row,
 * column), (image, row, column, channel), (image, channel, row, column) or (image, value), in a
 * .npy file or as a member of an .npz archive. In an archive the images are its array of such
 * dimensions, and labels its whole numbers of one dimension, as many as there are images; of
 * several, those with "test" in their names. An array of the very dimensions of one image of
 * several channels is that image, not as many grey ones. */
#include "traces/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "traces/images/array_images.h"
#include "traces/zip.h"

static bool is_array(const struct image_clue *c)
{
    return c->n >= 6 && memcmp(c->head, "\x93NUMPY", 6) == 0;
}

static bool npy_probe(const struct image_clue *c)
{
    return is_array(c) && c->how->n_bin == 0;
}

/* Channels first or last, as the network has them: one image by itself. */
static bool is_one_image(const struct array_images *a, const struct npy *array)
{
    const struct images_shape w = a->base.want;
    const uint32_t *d = array->dim;

    return array->n_dim == 3 && w.channels > 1 &&
           ((d[0] == w.channels && d[1] == w.height && d[2] == w.width) ||
            (d[0] == w.height && d[1] == w.width && d[2] == w.channels));
}

static enum err begin(struct array_images *a, const struct npy *array, struct err_msg *m)
{
    if (array->type != NPY_UINT8)
        return infile_error(a->base.file, 0, m, "an array of '%s': want images of '|u1' pixels; "
                            "--inputs takes values of the model's input",
                            npy_type_name(array->type));
    if (array->n == 0)
        return infile_error(a->base.file, 0, m, "an array of no images: want one at least");
    if (array->n_dim < 2 || array->n_dim > 4)
        return infile_error(a->base.file, 0, m, "an array of %" PRIu32 " dimensions: want images: "
                            "(image, row, column) and perhaps channel, or (image, value)",
                            array->n_dim);
    bool one = is_one_image(a, array);
    enum err e = array_images_shape(a, array->dim + !one, array->n_dim - !one, m);
    return e ? e : array_images_begin(a, one ? 1 : array->dim[0], m);
}

static enum err npy_open(struct image_reader *r, struct err_msg *m)
{
    struct npy array;
    enum err e = npy_read_head(&array, r->file, m);

    return e ? e : begin((struct array_images *)r, &array, m);
}

/* ---- frames of recordings ---- */

static bool frames_probe(const struct image_clue *c)
{
    return is_array(c) && c->how->n_bin > 0;
}

static enum err frames_open(struct image_reader *r, struct err_msg *m)
{
    struct array_images *a = (struct array_images *)r;
    struct npy array;
    enum err e = npy_read_head(&array, r->file, m);

    if (e)
        return e;
    if (array.n == 0)
        return infile_error(r->file, 0, m, "an array of no frames: want one at least");
    if (array.type != NPY_UINT8 || array.n_dim < 3 || array.n_dim > 5)
        return infile_error(r->file, 0, m, "an array of '%s' in %" PRIu32 " dimensions: want "
                            "frames of '|u1': (recording, bin, channel, row, column)",
                            npy_type_name(array.type), array.n_dim);
    if (array.dim[1] != r->how.n_bin)
        return infile_error(r->file, 0, m, "%" PRIu32 " frames of a recording: want %" PRIu32
                            ", or input.steps = %" PRIu32, array.dim[1], r->how.n_bin,
                            array.dim[1]);
    e = array_images_shape(a, array.dim + 2, array.n_dim - 2, m);
    return e ? e : array_images_begin(a, array.dim[0], m);
}

/* ---- archives ---- */

static bool npz_probe(const struct image_clue *c)
{
    return c->n >= 4 && memcmp(c->head, "PK\3\4", 4) == 0;
}

static enum err open_member(struct infile **f, struct npy *array, const char *path,
                            const struct zip_member *member, struct err_msg *m)
{
    enum err e = infile_open_part(f, path, &member->part, m);

    if (!e)
        e = npy_read_head(array, *f, m);
    return e;
}

struct role { // of members
    const char *name;
    bool (*fits)(const struct npy *a, uint64_t count);
};

static bool are_images(const struct npy *a, uint64_t count)
{
    (void)count;
    return a->type == NPY_UINT8 && (a->n_dim == 3 || a->n_dim == 4 ||
                                    (a->n_dim == 2 && a->dim[1] > 1));
}

static bool are_labels(const struct npy *a, uint64_t count)
{
    return !npy_is_real(a->type) && a->n_dim > 0 && a->n == a->dim[0] && a->n == count;
}

/* The only member of this role, or the only one of a test set; z->n: there is none. */
static enum err find_member(const struct zip *z, const char *path, const struct role *role,
                            uint64_t count, size_t *found, struct err_msg *m)
{
    size_t n_all = 0, n_test = 0, test = z->n;
    char names[300] = "";

    *found = z->n;
    for (size_t i = 0; i < z->n; i++) {
        struct npy array;
        struct infile *f;
        struct err_msg other; // a member that is no array of ours is none of these
        enum err e = open_member(&f, &array, path, &z->member[i], &other);
        infile_close(f);
        if (e == ERR_MEMORY)
            return err_set(m, e, "%s: no memory to read it", path);
        if (e || !role->fits(&array, count))
            continue;
        size_t at = strlen(names);
        snprintf(names + at, sizeof names - at, "%s%.60s", n_all ? ", " : "", z->member[i].name);
        *found = i;
        n_all++;
        if (strstr(z->member[i].name, "test")) {
            test = i;
            n_test++;
        }
    }
    if (n_all <= 1)
        return ERR_NONE;
    *found = test;
    return n_test == 1 ? ERR_NONE
                       : err_set(m, ERR_INPUT, "%s: %zu arrays may be the %s: %s: want one, or one "
                                 "with \"test\" in its name", path, n_all, role->name, names);
}

static enum err open_labels(struct array_images *a, const struct zip *z, uint64_t count,
                            struct err_msg *m)
{
    static const struct role labels = { "labels", are_labels };
    const char *path = infile_path(a->base.file);
    struct infile *f;
    size_t at;
    enum err e = find_member(z, path, &labels, count, &at, m);

    if (e || at == z->n)
        return e;
    e = infile_open_part(&f, path, &z->member[at].part, m);
    if (!e)
        e = labels_open_array(&a->labels, f, m);
    a->base.labelled = a->labels != NULL;
    return e;
}

static enum err npz_open(struct image_reader *r, struct err_msg *m)
{
    static const struct role images = { "images", are_images };
    struct array_images *a = (struct array_images *)r;
    const char *path = infile_path(r->file);
    struct npy array;
    struct zip z;
    size_t at = 0;
    struct infile *f = NULL;
    enum err e = zip_read(&z, path, m);

    if (!e)
        e = find_member(&z, path, &images, 0, &at, m);
    if (!e && at == z.n)
        e = err_set(m, ERR_INPUT, "%s: no array of images: want one of '|u1' pixels, of dimensions "
                    "(image, row, column) and perhaps channel", path);
    if (!e)
        e = open_member(&f, &array, path, &z.member[at], m);
    if (f) {
        infile_close(r->file);
        r->file = f;
    }
    if (!e)
        e = begin(a, &array, m);
    if (!e && !a->labels)
        e = open_labels(a, &z, a->pixels.count, m);
    zip_release(&z);
    return e;
}

const struct image_format image_npy = {
    .name = "numpy's .npy", .reader_byte = sizeof(struct array_images),
    .probe = npy_probe, .open = npy_open, .close = array_images_close,
    .count = array_images_count, .next = array_images_next,
};

const struct image_format image_frames = {
    .name = "frames of numpy's .npy", .reader_byte = sizeof(struct array_images), .recorded = true,
    .probe = frames_probe, .open = frames_open, .close = array_images_close,
    .count = array_images_count, .next = array_images_next,
};

const struct image_format image_npz = {
    .name = "numpy's .npz", .reader_byte = sizeof(struct array_images),
    .probe = npz_probe, .open = npz_open, .close = array_images_close,
    .count = array_images_count, .next = array_images_next,
};
