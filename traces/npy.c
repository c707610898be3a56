/* traces/npy.c -- see npy.h. */
#include "traces/npy.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/half.h"
#include "core/util.h"

enum { HEAD = 10, MOST_HEADER = 4096, ALIGN = 64 };

static const struct type {
    const char *name; // numpy's
    size_t      size;
} types[] = {
    [NPY_FLOAT16] = {"<f2", 2}, [NPY_FLOAT32] = {"<f4", 4}, [NPY_FLOAT64] = {"<f8", 8},
    [NPY_UINT8] = {"|u1", 1},   [NPY_INT8] = {"|i1", 1},    [NPY_UINT16] = {"<u2", 2},
    [NPY_INT16] = {"<i2", 2},   [NPY_INT32] = {"<i4", 4},   [NPY_INT64] = {"<i8", 8},
};

/* ---- Reading ---- */

/* What stands behind 'key': in the header, a dictionary of Python; NULL: nothing does. */
static const char *behind(const char *text, const char *key)
{
    char quoted[32];

    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *p = strstr(text, quoted);
    if (!p)
        return NULL;
    p += strlen(quoted);
    return p + strspn(p, " ");
}

/* Of either order of bytes: '<f4', '>f4'. */
static bool is_type(const char *descr, const char *name)
{
    return descr[0] == '\'' && (descr[1] == name[0] || (descr[1] == '>' && name[0] == '<')) &&
           strncmp(descr + 2, name + 1, 2) == 0 && descr[4] == '\'';
}

static enum err read_type(struct npy *a, const struct infile *f, const char *text,
                          struct err_msg *m)
{
    const char *descr = behind(text, "descr"), *order = behind(text, "fortran_order");

    for (size_t i = 0; descr && i < N_NPY_TYPE; i++)
        if (is_type(descr, types[i].name)) {
            a->type = (enum npy_type)i;
            a->big_endian = descr[1] == '>';
            if (order && strncmp(order, "False", 5) == 0)
                return ERR_NONE;
            return infile_error(f, 0, m, "an array in Fortran's order: want C's, as "
                                "numpy.ascontiguousarray() makes it");
        }
    const char *what = descr ? descr : "nothing";
    return infile_error(f, 0, m, "an array of %.*s: want '<f2', '<f4', '<f8', '|u1', '|i1', '<i4' "
                        "or '<i8', as astype() makes it", min_i32((int32_t)strcspn(what, ",}"), 8),
                        what);
}

static enum err read_dims(struct npy *a, const struct infile *f, const char *text,
                          struct err_msg *m)
{
    const char *p = behind(text, "shape");

    a->n = 1;
    if (!p || *p++ != '(')
        return infile_error(f, 0, m, "no shape in its header: want an array of numpy");
    for (p += strspn(p, " "); *p != ')'; p += strspn(p, ", ")) {
        char *end;
        unsigned long long v = *p >= '0' && *p <= '9' ? strtoull(p, &end, 10) : UINT64_MAX;
        if (v > INT32_MAX || a->n_dim == NPY_MOST_DIMS || (v > 0 && a->n > SIZE_MAX / 8 / v))
            return infile_error(f, 0, m, "a shape beyond 8 dimensions or 2^31 a dimension: "
                                "want less");
        a->dim[a->n_dim++] = (uint32_t)v;
        a->n *= (size_t)v;
        p = end;
    }
    return ERR_NONE;
}

enum err npy_read_head(struct npy *a, struct infile *f, struct err_msg *m)
{
    uint8_t head[HEAD + 2];
    char text[MOST_HEADER + 1];
    enum err e = infile_read(f, head, HEAD, "the head", m);

    *a = (struct npy){0};

    if (e)
        return e;
    if (memcmp(head, "\x93NUMPY", 6) != 0 || head[6] < 1 || head[6] > 3)
        return infile_error(f, 0, m, "no array of numpy: want an .npy file of format 1 to 3");
    size_t length = head[8] + 256U * head[9];
    if (head[6] > 1) {
        e = infile_read(f, head + HEAD, 2, "the head", m);
        length += 65536U * head[HEAD] + 16777216U * head[HEAD + 1];
    }
    if (!e && length > MOST_HEADER)
        e = infile_error(f, 8, m, "a header of %zu bytes: want at most %d", length, MOST_HEADER);
    if (!e)
        e = infile_read(f, text, length, "the header", m);
    if (e)
        return e;
    text[length] = '\0';
    e = read_type(a, f, text, m);
    return e ? e : read_dims(a, f, text, m);
}

/* The file's size is checked before memory is taken. */
static enum err read_data(struct npy *a, struct infile *f, struct err_msg *m)
{
    uint64_t want = (uint64_t)a->n * types[a->type].size, begin = infile_byte(f), size;
    enum err e = infile_size(f, begin + want, &size, m);

    if (!e && a->n > INT32_MAX)
        e = infile_error(f, 0, m, "an array of %zu values: want at most 2^31", a->n);
    if (!e && size != begin + want)
        e = infile_error(f, begin, m, "%" PRIu64 " bytes of data: want %" PRIu64 " for its shape",
                         size - begin, want);
    if (e)
        return e;
    a->data = malloc(want + 1);
    if (!a->data)
        return err_set(m, ERR_MEMORY, "%s: no memory for %" PRIu64 " bytes", infile_path(f), want);
    return infile_read(f, a->data, want, "the data", m);
}

enum err npy_read(struct npy *a, const char *path, struct err_msg *m)
{
    struct infile *f;
    enum err e = infile_open(&f, path, m);

    *a = (struct npy){0};
    if (e)
        return e;
    e = npy_read_head(a, f, m);
    if (!e)
        e = read_data(a, f, m);
    infile_close(f);
    if (e)
        npy_release(a);
    return e;
}

void npy_release(struct npy *a)
{
    free(a->data);
    *a = (struct npy){0};
}

static uint64_t bits_of(const struct npy *a, size_t i)
{
    const size_t size = types[a->type].size;
    uint64_t bits = 0;

    for (size_t k = 0; k < size; k++)
        bits |= (uint64_t)a->data[size * i + (a->big_endian ? size - 1 - k : k)] << 8 * k;
    return bits;
}

int64_t npy_whole(const struct npy *a, size_t i)
{
    assert(!npy_is_real(a->type));
    return a->type == NPY_INT64 ? (int64_t)bits_of(a, i) : (int64_t)npy_value(a, i);
}

double npy_value(const struct npy *a, size_t i)
{
    const uint64_t bits = bits_of(a, i);
    const uint32_t word = (uint32_t)bits;
    float f;
    double d;

    switch (a->type) {
    case NPY_FLOAT16:
        return half_real((uint16_t)bits);
    case NPY_FLOAT32:
        memcpy(&f, &word, sizeof f);
        return (double)f;
    case NPY_FLOAT64:
        memcpy(&d, &bits, sizeof d);
        return d;
    case NPY_UINT8:
    case NPY_UINT16:
        return word;
    case NPY_INT8:
        return (int8_t)bits;
    case NPY_INT16:
        return (int16_t)bits;
    case NPY_INT32:
        return (int32_t)word;
    case NPY_INT64:
        return (double)(int64_t)bits;
    case N_NPY_TYPE:
        break;
    }
    return 0;
}

bool npy_has_items(const struct npy *a, size_t n)
{
    size_t last = 1;

    if (a->n == 0 || a->n % n != 0)
        return false;
    for (uint32_t k = a->n_dim; k > 0 && last < n; k--)
        last *= a->dim[k - 1];
    return last == n || a->n_dim <= 1;
}

bool npy_is_real(enum npy_type t)
{
    return t == NPY_FLOAT16 || t == NPY_FLOAT32 || t == NPY_FLOAT64;
}

const char *npy_type_name(enum npy_type t)
{
    return types[t].name;
}

size_t npy_type_byte(enum npy_type t)
{
    return types[t].size;
}

/* ---- Writing ---- */

static void put(FILE *out, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        fputc((int)(v >> 8 * i & 255), out);
}

/* Head and header, as long as a multiple of 64 bytes: data behind it are aligned. */
static size_t make_header(const struct npy *a, char text[512])
{
    size_t n = HEAD;

    memcpy(text, "\x93NUMPY\x01\x00", 8);
    n += (size_t)snprintf(text + n, 512 - n, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                          types[a->type].name);
    for (uint32_t i = 0; i < a->n_dim; i++)
        n += (size_t)snprintf(text + n, 512 - n, "%" PRIu32 ",%s", a->dim[i],
                              i + 1 < a->n_dim ? " " : "");
    n += (size_t)snprintf(text + n, 512 - n, "), }");
    while ((n + 1) % ALIGN != 0)
        text[n++] = ' ';
    text[n++] = '\n';
    text[8] = (char)((n - HEAD) & 255);
    text[9] = (char)((n - HEAD) >> 8);
    return n;
}

struct entry {
    uint32_t crc, size, offset;
};

enum { LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50, DATE = 0x21, VERSION = 20 };

/* What a local head and the central directory have in common: from the version on. */
static void put_entry(FILE *out, const struct entry *e, const char *name)
{
    put(out, VERSION, 2);
    put(out, 0, 2); // flags
    put(out, 0, 2); // stored
    put(out, 0, 2); // time
    put(out, DATE, 2); // 1980-01-01: the same input, the same bytes
    put(out, e->crc, 4);
    put(out, e->size, 4);
    put(out, e->size, 4);
    put(out, strlen(name) + 4, 2);
    put(out, 0, 2); // no extra field
}

void npy_write_head(FILE *out, const struct npy *a)
{
    char text[512];
    const size_t n = make_header(a, text);

    fwrite(text, 1, n, out);
}

static size_t data_bytes(const struct npz_member *member)
{
    return member->array.n * types[member->array.type].size;
}

/* All data of a member: to `out`, or, where that is NULL, to *crc alone. False: there are less. */
static bool copy_data(const struct npz_member *member, FILE *out, uint32_t *crc)
{
    uint8_t some[1 << 16];
    size_t n;

    rewind(member->data);
    for (size_t left = data_bytes(member); left > 0; left -= n) {
        n = fread(some, 1, left < sizeof some ? left : sizeof some, member->data);
        if (n == 0)
            return false;
        if (out)
            fwrite(some, 1, n, out);
        else
            *crc = (uint32_t)crc32(*crc, some, (uInt)n);
    }
    return true;
}

static enum err put_member(FILE *out, const struct npz_member *member, struct entry *e,
                           struct err_msg *m)
{
    char text[512];
    size_t n = make_header(&member->array, text);

    e->crc = (uint32_t)crc32(0, (const Bytef *)text, (uInt)n);
    e->size = (uint32_t)(n + data_bytes(member));
    bool read = copy_data(member, NULL, &e->crc);
    put(out, LOCAL, 4);
    put_entry(out, e, member->name);
    fprintf(out, "%s.npy", member->name);
    fwrite(text, 1, n, out);
    return read && copy_data(member, out, NULL)
               ? ERR_NONE
               : err_set(m, ERR_OUTPUT, "outputs that were put aside cannot be read: want a "
                         "directory for temporary files with room");
}

enum err npz_check(const struct npz_member *member, size_t n, struct err_msg *m)
{
    uint64_t all = 0;

    for (size_t i = 0; i < n; i++) {
        all += data_bytes(&member[i]) + 1024 + 2 * strlen(member[i].name);
        if (all > UINT32_MAX)
            return err_set(m, ERR_INPUT, "outputs of more than 4 GiB: want fewer "
                           "images, or one output and a name that ends in .npy");
    }
    return ERR_NONE;
}

enum err npz_write(FILE *out, const struct npz_member *member, size_t n, struct err_msg *m)
{
    struct entry *e = calloc(n + 1, sizeof *e);
    enum err error = e ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for an archive");
    uint64_t at = 0, directory = 0;

    for (size_t i = 0; i < n && !error; i++) {
        e[i].offset = (uint32_t)at;
        error = put_member(out, &member[i], &e[i], m);
        at += 30 + strlen(member[i].name) + 4 + e[i].size;
    }
    for (size_t i = 0; i < n && !error; i++) {
        put(out, CENTRAL, 4);
        put(out, VERSION, 2);
        put_entry(out, &e[i], member[i].name);
        put(out, 0, 2 + 2); // no comment; disk 0
        put(out, 0, 2 + 4); // attributes
        put(out, e[i].offset, 4);
        fprintf(out, "%s.npy", member[i].name);
        directory += 46 + strlen(member[i].name) + 4;
    }
    put(out, END, 4);
    put(out, 0, 2 + 2);
    put(out, n, 2);
    put(out, n, 2);
    put(out, directory, 4);
    put(out, at, 4);
    put(out, 0, 2);
    free(e);
    return error;
}
