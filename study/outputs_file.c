/* study/outputs_file.c -- see outputs_file.h. */
#include "study/outputs_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/outfile.h"

struct outputs_file {
    const struct outputs *outputs;
    struct outfile       *file;
    struct npz_member    *member; // owned; of all images; data owned too, NULL in an .npy file
    uint32_t              n;      // members
    bool                  is_npy, begun;
};

static bool ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path), k = strlen(ending);

    return n >= k && strcmp(path + n - k, ending) == 0;
}

static enum err refuse_several(const struct outputs *o, const char *path, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "--outputs %s: the model has %" PRIu32 " outputs, and .npy holds "
                   "one array: want a name that ends in .npz", path, outputs_count(o));
}

enum err outputs_file_open(struct outputs_file **to, const struct outputs *o, const char *path,
                           struct err_msg *m)
{
    const bool is_npy = ends_in(path, ".npy") || ends_in(path, ".npy.gz");
    struct outputs_file *f;

    *to = NULL;
    if (is_npy && outputs_count(o) != 1)
        return refuse_several(o, path, m);
    if (!(f = calloc(1, sizeof *f)))
        return err_set(m, ERR_MEMORY, "no memory for outputs");
    *f = (struct outputs_file){ .outputs = o, .n = outputs_count(o), .is_npy = is_npy };
    f->member = calloc(f->n + 1, sizeof *f->member);
    enum err e = f->member ? outfile_open(&f->file, path, m)
                           : err_set(m, ERR_MEMORY, "no memory for outputs");
    for (uint32_t i = 0; i < f->n && !e; i++) {
        f->member[i].name = outputs_name(o, i);
        if (!is_npy && !(f->member[i].data = tmpfile()))
            e = err_set(m, ERR_OUTPUT, "--outputs %s: no temporary file: %s: want a directory for "
                        "temporary files that may be written", path, strerror(errno));
    }
    if (e)
        outputs_file_discard(f);
    else
        *to = f;
    return e;
}

/* Shapes are known as soon as there is an image. */
static enum err begin(struct outputs_file *f, uint64_t n_image, struct err_msg *m)
{
    for (uint32_t i = 0; i < f->n; i++) {
        struct npy *a = &f->member[i].array;
        outputs_shape(f->outputs, i, a);
        if (a->dim[0] > 0 && n_image > INT32_MAX / a->dim[0])
            return err_set(m, ERR_INPUT, "outputs of more than 2^31 - 1 along a dimension: want "
                           "fewer images");
        a->dim[0] *= (uint32_t)n_image;
        a->n *= n_image;
    }
    f->begun = true;
    if (!f->is_npy)
        return npz_check(f->member, f->n, m);
    npy_write_head(outfile_stream(f->file), &f->member[0].array);
    return ERR_NONE;
}

static bool write_values(FILE *to, enum npy_type type, const double *v, size_t n)
{
    bool written = true;

    for (size_t i = 0; i < n && written; i++) {
        float real = (float)v[i];
        int64_t whole = (int64_t)v[i];
        written = fwrite(type == NPY_FLOAT32 ? (const void *)&real : (const void *)&whole,
                         npy_type_byte(type), 1, to) == 1;
    }
    return written;
}

enum err outputs_file_add(struct outputs_file *f, uint64_t n_image, struct err_msg *m)
{
    enum err e = f->begun ? ERR_NONE : begin(f, n_image, m);

    for (uint32_t i = 0; i < f->n && !e; i++) {
        FILE *to = f->is_npy ? outfile_stream(f->file) : f->member[i].data;
        size_t n;
        const double *v = outputs_values(f->outputs, i, &n);
        if (!write_values(to, f->member[i].array.type, v, n) && !f->is_npy)
            e = err_set(m, ERR_OUTPUT, "a temporary file of outputs: cannot write: %s: want a "
                        "disk with room, or a name that ends in .npy", strerror(errno));
    }
    return e;
}

/* All but the file itself. */
static void release(struct outputs_file *f)
{
    for (uint32_t i = 0; f->member && i < f->n; i++)
        if (f->member[i].data)
            fclose(f->member[i].data);
    free(f->member);
    free(f);
}

enum err outputs_file_commit(struct outputs_file *f, struct err_msg *m)
{
    enum err e = f->is_npy ? ERR_NONE
                           : npz_write(outfile_stream(f->file), f->member, f->n, m);

    if (e)
        outfile_discard(f->file);
    else
        e = outfile_commit(f->file, m);
    release(f);
    return e;
}

void outputs_file_discard(struct outputs_file *f)
{
    if (!f)
        return;
    outfile_discard(f->file);
    release(f);
}
