/* core/infile.c -- see infile.h. */
#include "core/infile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    CHUNK_BYTE = 1 << 16,
    GZIP_ID1 = 0x1f,
    GZIP_ID2 = 0x8b,
    GZIP_WINDOW = 16 + MAX_WBITS, // zlib: expect a gzip header and trailer
    RAW_WINDOW = -MAX_WBITS       // zlib: expect neither
};

struct infile {
    char    *path;
    int      fd;
    uint64_t stored_byte; // taken from the file so far, packed as it is
    uint64_t stored_size; // of the file

    bool     is_part; // of the file
    struct infile_part part;
    uint32_t crc; // of its bytes so far

    bool     gzip; // or deflated: z is in use
    bool     in_member; // between the first byte of a gzip member and its trailer's last
    z_stream z;

    bool     ended; // no data beyond out[tail]
    uint64_t byte;  // offset of out[head]
    size_t   head, tail;
    uint8_t  out[CHUNK_BYTE]; // out[head] to out[tail - 1]: unpacked, not read yet
    uint8_t  in[CHUNK_BYTE];  // packed
};

enum err infile_error(const struct infile *f, uint64_t byte, struct err_msg *m,
                      const char *fmt, ...)
{
    char text[sizeof m->text];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return err_set(m, ERR_INPUT, "%s: byte %" PRIu64 "%s: %s", f->path, byte,
                   f->gzip ? " (unpacked)" : "", text);
}

/* An error of the packing, at the byte of the file that zlib would take next. */
static enum err packing_error(const struct infile *f, struct err_msg *m, const char *text)
{
    return err_set(m, ERR_INPUT, "%s: byte %" PRIu64 ": %s: fetch or pack the file again", f->path,
                   f->stored_byte - f->z.avail_in, text);
}

static enum err read_stored(struct infile *f, uint8_t *bytes, size_t room, size_t *n,
                            struct err_msg *m)
{
    ssize_t got;

    if (f->is_part) {
        uint64_t left = f->part.first + f->part.packed - f->stored_byte;
        room = left < room ? (size_t)left : room;
    }
    do
        got = read(f->fd, bytes, room);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_set(m, ERR_INPUT, "%s: byte %" PRIu64 ": cannot read: %s", f->path,
                       f->stored_byte, strerror(errno));
    *n = (size_t)got;
    f->stored_byte += *n;
    return ERR_NONE;
}

static enum err open_regular(struct infile *f, struct err_msg *m)
{
    struct stat st;

    /* Without O_NONBLOCK a pipe that nobody writes to would hold us here. */
    f->fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (f->fd < 0 || fstat(f->fd, &st) != 0)
        return err_set(m, ERR_INPUT, "%s: cannot open: %s", f->path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return err_set(m, ERR_INPUT, "%s: is a directory: want a file in it", f->path);
    if (!S_ISREG(st.st_mode))
        return err_set(m, ERR_INPUT, "%s: is a pipe or device: want a regular file", f->path);
    f->stored_size = (uint64_t)st.st_size;
    return ERR_NONE;
}

/* Reads the first chunk and prepares to unpack it if it is packed. */
static enum err begin(struct infile *f, struct err_msg *m)
{
    size_t n;
    enum err e = read_stored(f, f->in, sizeof f->in, &n, m);

    if (e)
        return e;
    f->z.next_in = f->in;
    f->z.avail_in = (uInt)n;
    if (n >= 2 && f->in[0] == GZIP_ID1 && f->in[1] == GZIP_ID2) {
        f->gzip = inflateInit2(&f->z, GZIP_WINDOW) == Z_OK;
        if (!f->gzip)
            return err_set(m, ERR_MEMORY, "%s: no memory to unpack it", f->path);
    }
    return ERR_NONE;
}

/* Goes to the part and prepares to unpack it. */
static enum err begin_part(struct infile *f, struct err_msg *m)
{
    const struct infile_part *p = &f->part;

    if (p->first > f->stored_size || p->packed > f->stored_size - p->first ||
        (!p->deflated && p->packed != p->size) || lseek(f->fd, (off_t)p->first, SEEK_SET) < 0)
        return err_set(m, ERR_INPUT, "%s: %" PRIu64 " bytes from byte %" PRIu64 " on: want them in "
                       "the file, which has %" PRIu64, f->path, p->packed, p->first,
                       f->stored_size);
    f->stored_byte = p->first;
    f->in_member = f->gzip = p->deflated && inflateInit2(&f->z, RAW_WINDOW) == Z_OK;
    if (p->deflated && !f->gzip)
        return err_set(m, ERR_MEMORY, "%s: no memory to unpack it", f->path);
    return ERR_NONE;
}

static enum err open_file(struct infile **out, const char *path, const struct infile_part *part,
                          struct err_msg *m)
{
    struct infile *f = malloc(sizeof *f);
    char *own_path = strdup(path);

    *out = NULL;
    if (!f || !own_path) {
        free(f);
        free(own_path);
        return err_set(m, ERR_MEMORY, "%s: no memory to open it", path);
    }
    memset(f, 0, offsetof(struct infile, out));
    f->path = own_path;
    f->is_part = part != NULL;
    if (part)
        f->part = *part;
    enum err e = open_regular(f, m);
    if (!e)
        e = part ? begin_part(f, m) : begin(f, m);
    if (e) {
        infile_close(f);
        return e;
    }
    *out = f;
    return ERR_NONE;
}

enum err infile_open(struct infile **out, const char *path, struct err_msg *m)
{
    return open_file(out, path, NULL, m);
}

enum err infile_open_part(struct infile **out, const char *path, const struct infile_part *part,
                          struct err_msg *m)
{
    return open_file(out, path, part, m);
}

void infile_close(struct infile *f)
{
    if (!f)
        return;
    if (f->gzip)
        inflateEnd(&f->z);
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    free(f);
}

const char *infile_path(const struct infile *f)
{
    return f->path;
}

uint64_t infile_byte(const struct infile *f)
{
    return f->byte;
}

/* One call of inflate(), which may yield nothing yet. */
static enum err inflate_some(struct infile *f, struct err_msg *m)
{
    if (!f->in_member && f->z.next_in[0] != GZIP_ID1)
        return packing_error(f, m, "bytes that are not gzip follow the gzip data");
    f->in_member = true;
    f->z.next_out = f->out + f->tail;
    f->z.avail_out = (uInt)(sizeof f->out - f->tail);

    int status = inflate(&f->z, Z_NO_FLUSH);
    f->tail = sizeof f->out - f->z.avail_out;
    switch (status) {
    case Z_OK:
        return ERR_NONE;
    case Z_STREAM_END: // another member may follow
        f->in_member = false;
        if (f->is_part && (f->z.avail_in > 0 || f->stored_byte < f->part.first + f->part.packed))
            return packing_error(f, m, "bytes follow the packed data");
        inflateReset(&f->z);
        return ERR_NONE;
    case Z_MEM_ERROR:
        return err_set(m, ERR_MEMORY, "%s: no memory to unpack it", f->path);
    default:
        return packing_error(f, m, f->z.msg ? f->z.msg : "corrupt gzip data");
    }
}

static void copy_some(struct infile *f)
{
    size_t room = sizeof f->out - f->tail, n = f->z.avail_in < room ? f->z.avail_in : room;

    memcpy(f->out + f->tail, f->z.next_in, n);
    f->tail += n;
    f->z.next_in += n;
    f->z.avail_in -= (uInt)n;
}

/* The bytes out[from] on are new: they and, at the end, all are what was stated of the part. */
static enum err check_part(struct infile *f, size_t from, struct err_msg *m)
{
    uint64_t end = f->byte + f->tail;

    f->crc = (uint32_t)crc32(f->crc, f->out + from, (uInt)(f->tail - from));
    if (end > f->part.size || (f->ended && end < f->part.size))
        return packing_error(f, m, "not as many bytes as its directory states");
    if (f->ended && f->crc != f->part.crc)
        return packing_error(f, m, "not the CRC-32 that its directory states");
    return ERR_NONE;
}

/* Adds at least one byte to out[] or finds that the data have ended. */
static enum err fill(struct infile *f, struct err_msg *m)
{
    memmove(f->out, f->out + f->head, f->tail - f->head);
    f->tail -= f->head;
    f->head = 0;
    assert(f->tail < sizeof f->out);

    for (size_t before = f->tail; f->tail == before && !f->ended;) {
        enum err e = ERR_NONE;
        if (f->z.avail_in == 0) {
            size_t n;
            e = read_stored(f, f->in, sizeof f->in, &n, m);
            f->z.next_in = f->in;
            f->z.avail_in = e ? 0 : (uInt)n;
        }
        if (!e && f->z.avail_in == 0 && f->in_member)
            e = packing_error(f, m, "the gzip data are cut short here");
        if (e)
            return e;
        f->ended = f->z.avail_in == 0;
        size_t from = f->tail;
        if (!f->ended && !f->gzip)
            copy_some(f);
        else if (!f->ended)
            e = inflate_some(f, m);
        if (!e && f->is_part)
            e = check_part(f, from, m);
        if (e)
            return e;
    }
    return ERR_NONE;
}

enum err infile_peek(struct infile *f, size_t want, const uint8_t **bytes, size_t *n,
                     struct err_msg *m)
{
    assert(want <= INFILE_PEEK_MAX);
    while (f->tail - f->head < want && !f->ended) {
        enum err e = fill(f, m);
        if (e)
            return e;
    }
    *bytes = f->out + f->head;
    *n = f->tail - f->head < want ? f->tail - f->head : want;
    return ERR_NONE;
}

enum err infile_read(struct infile *f, void *bytes, size_t n, const char *what, struct err_msg *m)
{
    for (size_t done = 0; done < n;) {
        if (f->head == f->tail) {
            enum err e = fill(f, m);
            if (e)
                return e;
        }
        if (f->head == f->tail)
            return infile_error(f, f->byte, m, "the data end %zu bytes short of %s: "
                                "fetch the file again", n - done, what);
        size_t ready = f->tail - f->head, part = ready < n - done ? ready : n - done;
        memcpy((uint8_t *)bytes + done, f->out + f->head, part);
        f->head += part;
        f->byte += part;
        done += part;
    }
    return ERR_NONE;
}

/* Whether a gzip file ends with a member that says it holds so many bytes (RFC 1952: 32 bits, the
 * lowest first). */
static bool says_it_holds(const struct infile *f, uint64_t size_byte)
{
    uint8_t four[4];

    if (size_byte > UINT32_MAX || f->stored_size < sizeof four ||
        pread(f->fd, four, sizeof four, (off_t)(f->stored_size - sizeof four)) != sizeof four)
        return false;
    return size_byte == (four[0] | (uint32_t)four[1] << 8 | (uint32_t)four[2] << 16 |
                         (uint32_t)four[3] << 24);
}

enum err infile_size(const struct infile *f, uint64_t most_byte, uint64_t *size_byte,
                     struct err_msg *m)
{
    struct infile *again;

    *size_byte = f->is_part ? f->part.size : f->stored_size;
    if (!f->gzip || f->is_part)
        return ERR_NONE;
    *size_byte = most_byte;
    if (says_it_holds(f, most_byte))
        return ERR_NONE;
    enum err e = infile_open(&again, f->path, m);
    if (e)
        return e;
    while (!e && !again->ended && again->byte + again->tail <= most_byte) {
        again->byte += again->tail;
        again->head = again->tail = 0;
        e = fill(again, m);
    }
    *size_byte = again->byte + again->tail;
    infile_close(again);
    return e;
}
