/* traces/images/idx.c -- IDX, the format of MNIST and Fashion-MNIST (Y. LeCun,
 * http://yann.lecun.com/exdb/mnist/): a magic number 0, 0, element type, number of dimensions; one
 * big-endian 32-bit size per dimension; the elements, the last dimension fastest. Images have the
 * dimensions image, row, column; labels, in a file of their own, the dimension image. */
#include "traces/images/idx.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traces/images/array_images.h"

enum {
    IDX_TYPE_U8 = 0x08,
    IDX_DIMS_MAX = 4, // of what we take for IDX, to say what is wrong with it
    IDX_SIZE_MAX = INT32_MAX
};

/* Element types: 8 and 9 bytes, 11 and 12 integers, 13 and 14 floating point. */
static bool idx_probe(const struct image_clue *c)
{
    const uint8_t *head = c->head;

    return c->n >= IDX_MAGIC_BYTE && head[0] == 0 && head[1] == 0 && head[2] >= IDX_TYPE_U8 &&
           head[2] <= 14 && head[2] != 10 && head[3] >= 1 && head[3] <= IDX_DIMS_MAX;
}

enum err idx_read_head(struct infile *f, uint32_t n_dims, uint32_t *size, struct err_msg *m)
{
    const char *element = n_dims == IDX_LABELS ? "labels" : "images";
    const char *const dim_name[] = { element, "rows", "columns" };
    uint8_t b[IDX_SIZE_BYTE];
    enum err e = infile_read(f, b, IDX_MAGIC_BYTE, "an IDX header", m);

    if (e)
        return e;
    if (b[0] != 0 || b[1] != 0 || b[2] != IDX_TYPE_U8 || b[3] != n_dims)
        return infile_error(f, 0, m, "IDX magic number 0x%02x%02x%02x%02x: want 0x%08" PRIx32
                            ", %s as unsigned bytes", b[0], b[1], b[2], b[3],
                            (uint32_t)IDX_TYPE_U8 << 8 | n_dims, element);
    for (uint32_t d = 0; d < n_dims; d++) {
        e = infile_read(f, b, IDX_SIZE_BYTE, "an IDX header", m);
        if (e)
            return e;
        size[d] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        if (size[d] == 0 || size[d] > IDX_SIZE_MAX)
            return infile_error(f, infile_byte(f) - IDX_SIZE_BYTE, m, "%" PRIu32 " %s: want 1 to "
                                "%d", size[d], dim_name[d], IDX_SIZE_MAX);
    }
    return ERR_NONE;
}

/* The labels file's name in path (of room for 3 bytes more than the images' has): alike packed, or
 * if there is none, packed the other way. False when there is none, or the images'
 * name has no "images-idx3". */
static bool labels_path(char *path)
{
    static const char images[] = "images-idx3", labels[] = "labels-idx1", gz[] = ".gz";
    char *name = strrchr(path, '/');
    char *part = strstr(name ? name : path, images);

    if (!part)
        return false;
    memcpy(part, labels, strlen(labels));
    if (access(path, F_OK) == 0)
        return true;

    char *end = path + strlen(path), *suffix = end - strlen(gz);
    bool packed = strcmp(suffix, gz) == 0;
    strcpy(packed ? suffix : end, packed ? "" : gz);
    return access(path, F_OK) == 0;
}

/* Where the user names no labels, those beside the images are taken if there are any. */
static enum err open_labels_beside(struct array_images *a, struct err_msg *m)
{
    const char *images = infile_path(a->base.file);
    size_t room = strlen(images) + sizeof ".gz";
    char *path = malloc(room);
    enum err e = ERR_NONE;

    if (!path)
        return err_set(m, ERR_MEMORY, "%s: no memory to open it", images);
    snprintf(path, room, "%s", images);
    if (labels_path(path))
        e = labels_open(&a->labels, path, m);
    if (!e && a->labels)
        e = labels_check_count(a->labels, a->pixels.count, m);
    a->base.labelled = a->labels != NULL;
    free(path);
    return e;
}

static enum err idx_open(struct image_reader *r, struct err_msg *m)
{
    struct array_images *a = (struct array_images *)r;
    uint32_t size[IDX_IMAGES];
    enum err e = idx_read_head(r->file, IDX_IMAGES, size, m);

    r->shape_byte = IDX_MAGIC_BYTE + IDX_SIZE_BYTE;
    if (!e)
        e = array_images_shape(a, size + 1, IDX_IMAGES - 1, m);
    if (!e)
        e = array_images_begin(a, size[0], m);
    return e || a->labels ? e : open_labels_beside(a, m);
}

const struct image_format image_idx = {
    .name = "IDX", .reader_byte = sizeof(struct array_images),
    .probe = idx_probe, .open = idx_open, .close = array_images_close,
    .count = array_images_count, .next = array_images_next,
};
