/* traces/idx.c -- IDX, the format of MNIST and Fashion-MNIST (Y. LeCun,
 * http://yann.lecun.com/exdb/mnist/): a magic number 0, 0, element type, number of dimensions; one
 * big-endian 32-bit size per dimension; the elements, the last dimension fastest. Images have the
 * dimensions image, row, column; labels, in a file of their own, the dimension image. */
#include "traces/image_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    IDX_MAGIC_BYTE = 4,
    IDX_SIZE_BYTE = 4,
    IDX_TYPE_U8 = 0x08,
    IDX_IMAGES_DIMS = 3,
    IDX_LABELS_DIMS = 1,
    IDX_DIMS_MAX = 4, // of what we take for IDX, to say what is wrong with it
    IDX_SIZE_MAX = INT32_MAX
};

struct idx {
    struct image_reader base; // its file holds the images
    struct infile      *labels;
    uint32_t            count, next; // images stated, delivered
};

/* Element types: 8 and 9 bytes, 11 and 12 integers, 13 and 14 floating point. */
static bool idx_probe(const uint8_t *head, size_t n)
{
    return n == IDX_MAGIC_BYTE && head[0] == 0 && head[1] == 0 && head[2] >= IDX_TYPE_U8 &&
           head[2] <= 14 && head[2] != 10 && head[3] >= 1 && head[3] <= IDX_DIMS_MAX;
}

/* Reads magic number and sizes, each of which must be 1 to 2^31 - 1. */
static enum err read_header(struct infile *f, uint32_t n_dims, uint32_t *size, struct err_msg *m)
{
    const char *element = n_dims == IDX_LABELS_DIMS ? "labels" : "images";
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
 * if there is none, packed the other way. False when the images' name has no "images-idx3". */
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
    if (access(path, F_OK) != 0) // neither is there: name the first
        strcpy(packed ? suffix : end, packed ? gz : "");
    return true;
}

static enum err open_labels(struct idx *x, struct err_msg *m)
{
    const char *images = infile_path(x->base.file);
    size_t room = strlen(images) + sizeof ".gz";
    char *path = malloc(room);

    if (!path)
        return err_set(m, ERR_MEMORY, "%s: no memory to open it", images);
    snprintf(path, room, "%s", images);
    enum err e;
    if (!labels_path(path))
        e = err_set(m, ERR_INPUT, "%s: IDX images without labels: want \"images-idx3\" in the "
                    "file's name, and beside it a file with \"labels-idx1\" there", images);
    else if (access(path, F_OK) != 0)
        e = err_set(m, ERR_INPUT, "%s: labels of %s not found: want them beside the images, plain "
                    "or gzip", path, images);
    else
        e = infile_open(&x->labels, path, m);
    free(path);
    return e;
}

static enum err idx_open(struct image_reader *r, struct err_msg *m)
{
    struct idx *x = (struct idx *)r;
    uint32_t size[IDX_IMAGES_DIMS], n_labels;
    enum err e = read_header(r->file, IDX_IMAGES_DIMS, size, m);

    if (!e)
        e = open_labels(x, m);
    if (!e)
        e = read_header(x->labels, IDX_LABELS_DIMS, &n_labels, m);
    if (e)
        return e;
    if (n_labels != size[0])
        return infile_error(x->labels, IDX_MAGIC_BYTE, m, "%" PRIu32 " labels: want %" PRIu32
                            ", one for each image", n_labels, size[0]);
    x->count = size[0];
    r->shape = (struct images_shape){ .height = size[1], .width = size[2], .channels = 1 };
    r->shape_byte = IDX_MAGIC_BYTE + IDX_SIZE_BYTE;
    return ERR_NONE;
}

static void idx_close(struct image_reader *r)
{
    infile_close(((struct idx *)r)->labels);
}

static enum err refuse_rest(const struct infile *f, uint64_t byte, uint32_t count,
                            struct err_msg *m)
{
    return infile_error(f, byte, m, "bytes follow the %" PRIu32 " elements that the header states: "
                        "fetch the file again", count);
}

/* The file holds exactly `count` elements behind its header of n_dims sizes. */
static enum err check_size(const struct infile *f, uint32_t n_dims, uint32_t count,
                           size_t element_byte, struct err_msg *m)
{
    uint64_t header_byte = IDX_MAGIC_BYTE + n_dims * (uint64_t)IDX_SIZE_BYTE;
    uint64_t want_byte = header_byte + (uint64_t)count * element_byte, size_byte;
    enum err e = infile_size(f, want_byte, &size_byte, m);

    if (e)
        return e;
    if (size_byte > want_byte)
        return refuse_rest(f, want_byte, count, m);
    if (size_byte < want_byte)
        return infile_error(f, size_byte, m, "the data end here: want %" PRIu32 " times %zu bytes "
                            "behind a header of %" PRIu64 ", as it says: fetch the file again",
                            count, element_byte, header_byte);
    return ERR_NONE;
}

static enum err idx_count(struct image_reader *r, uint64_t *count, struct err_msg *m)
{
    struct idx *x = (struct idx *)r;
    enum err e = check_size(r->file, IDX_IMAGES_DIMS, x->count, image_bytes(r), m);

    *count = x->count;
    return e ? e : check_size(x->labels, IDX_LABELS_DIMS, x->count, 1, m);
}

static enum err check_end(struct infile *f, uint32_t count, struct err_msg *m)
{
    const uint8_t *bytes;
    size_t n;
    enum err e = infile_peek(f, 1, &bytes, &n, m);

    return !e && n > 0 ? refuse_rest(f, infile_byte(f), count, m) : e;
}

static enum err idx_next(struct image_reader *r, uint8_t *planes, uint32_t *label, int *more,
                         struct err_msg *m)
{
    struct idx *x = (struct idx *)r;

    *more = x->next < x->count;
    if (!*more) {
        enum err e = check_end(r->file, x->count, m);
        return e ? e : check_end(x->labels, x->count, m);
    }
    enum err e = image_read_label(r, x->labels, label, m);
    if (!e)
        e = infile_read(r->file, planes, image_bytes(r), "an image", m);
    x->next++;
    return e;
}

const struct image_format image_idx = {
    .name = "IDX", .mark = "00 00 08 03", .reader_byte = sizeof(struct idx),
    .probe = idx_probe, .open = idx_open, .close = idx_close, .count = idx_count,
    .next = idx_next,
};
