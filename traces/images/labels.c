/* traces/images/labels.c -- see elements.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "traces/images/elements.h"
#include "traces/images/idx.h"
#include "traces/npy.h"

struct labels {
    struct elements number;
    struct npy      one; // as each label is: type and order of bytes
    uint64_t        count_byte; // where the file states how many
};

static enum err read_idx(struct labels *l, struct err_msg *m)
{
    uint32_t count;
    enum err e = idx_read_head(l->number.file, IDX_LABELS, &count, m);

    l->one.type = NPY_UINT8;
    l->number.count = count;
    l->count_byte = IDX_MAGIC_BYTE;
    return e;
}

static enum err read_array(struct labels *l, struct err_msg *m)
{
    struct npy a;
    enum err e = npy_read_head(&a, l->number.file, m);

    if (e)
        return e;
    if (npy_is_real(a.type) || a.n_dim == 0 || a.n != a.dim[0])
        return infile_error(l->number.file, 0, m, "an array of '%s' in %" PRIu32 " dimensions: "
                            "want labels, whole numbers in one dimension", npy_type_name(a.type),
                            a.n_dim);
    l->one.type = a.type;
    l->one.big_endian = a.big_endian;
    l->number.count = a.n;
    return ERR_NONE;
}

static enum err open_file(struct labels **out, struct infile *f,
                          enum err (*read)(struct labels *l, struct err_msg *m), struct err_msg *m)
{
    struct labels *l = calloc(1, sizeof *l);

    *out = NULL;
    if (!l) {
        infile_close(f);
        return err_set(m, ERR_MEMORY, "no memory for labels");
    }
    l->number.file = f;
    enum err e = read(l, m);
    l->number.head_byte = infile_byte(f);
    l->number.byte = npy_type_byte(l->one.type);
    if (e) {
        labels_close(l);
        return e;
    }
    *out = l;
    return ERR_NONE;
}

enum err labels_open_array(struct labels **l, struct infile *f, struct err_msg *m)
{
    return open_file(l, f, read_array, m);
}

enum err labels_open(struct labels **l, const char *path, struct err_msg *m)
{
    struct infile *f;
    const uint8_t *head;
    size_t n;
    enum err e = infile_open(&f, path, m);

    *l = NULL;
    if (e)
        return e;
    e = infile_peek(f, 1, &head, &n, m);
    if (!e && n > 0 && head[0] != 0 && head[0] != NPY_FIRST_BYTE)
        e = infile_error(f, 0, m, "begins with %02x: want labels as IDX has them, or an .npy file "
                         "of whole numbers", head[0]);
    if (e) {
        infile_close(f);
        return e;
    }
    return open_file(l, f, n > 0 && head[0] == NPY_FIRST_BYTE ? read_array : read_idx, m);
}

void labels_close(struct labels *l)
{
    if (l)
        infile_close(l->number.file);
    free(l);
}

enum err labels_check_count(const struct labels *l, uint64_t n, struct err_msg *m)
{
    if (l->number.count == n)
        return ERR_NONE;
    return infile_error(l->number.file, l->count_byte, m, "%" PRIu64 " labels: want %" PRIu64
                        ", one for each image", l->number.count, n);
}

enum err labels_check_size(const struct labels *l, struct err_msg *m)
{
    return elements_check_size(&l->number, m);
}

enum err labels_next(struct labels *l, uint32_t n_classes, uint32_t *label, int *more,
                     struct err_msg *m)
{
    uint8_t bytes[8];
    enum err e = elements_next(&l->number, bytes, "a label", more, m);

    if (e || !*more)
        return e;
    struct npy one = l->one;
    one.data = bytes;
    double v = npy_value(&one, 0);
    if (!(v >= 0 && v < n_classes))
        return infile_error(l->number.file, infile_byte(l->number.file) - l->number.byte, m,
                            "label %.0f: want 0 to %" PRIu32 ", the network's classes", v,
                            n_classes - 1);
    *label = (uint32_t)v;
    return ERR_NONE;
}
