/* traces/zip.c -- see zip.h. Layout: PKWARE, .ZIP File Format Specification (APPNOTE.TXT), 4.3. */
#include "traces/zip.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    END_BYTE = 22,
    MOST_COMMENT = 65535,
    CENTRAL_BYTE = 46,
    LOCAL_BYTE = 30,
    MOST_DIRECTORY = 1 << 24,
    STORED = 0,
    DEFLATED = 8,
    ENCRYPTED = 1 // of the flags
};

#define END_MARK     0x06054b50U
#define CENTRAL_MARK 0x02014b50U
#define LOCAL_MARK   0x04034b50U

struct archive {
    const char *path;
    FILE       *file;
    uint64_t    size;
};

static uint32_t u16(const uint8_t *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8;
}

static uint32_t u32(const uint8_t *b)
{
    return u16(b) | u16(b + 2) << 16;
}

static enum err wrong(const struct archive *a, const char *what, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "%s: %s: want a zip archive below 4 GiB, as numpy's savez writes",
                   a->path, what);
}

static enum err read_at(const struct archive *a, uint64_t byte, uint8_t *to, size_t n,
                        struct err_msg *m)
{
    if (byte > a->size || n > a->size - byte || fseeko(a->file, (off_t)byte, SEEK_SET) != 0 ||
        fread(to, 1, n, a->file) != n)
        return wrong(a, "the archive is cut short, or its directory is wrong", m);
    return ERR_NONE;
}

/* The end of the directory, behind which there may be a comment. */
static enum err find_end(const struct archive *a, uint8_t end[END_BYTE], struct err_msg *m)
{
    size_t n = a->size < END_BYTE + MOST_COMMENT ? (size_t)a->size : END_BYTE + MOST_COMMENT;
    uint8_t *tail = malloc(n + 1);
    enum err e = tail ? read_at(a, a->size - n, tail, n, m)
                      : err_set(m, ERR_MEMORY, "%s: no memory to read it", a->path);
    bool found = false;

    for (size_t at = n; !e && !found && at-- > 0;)
        if (n - at >= END_BYTE && u32(tail + at) == END_MARK &&
            u16(tail + at + 20) == n - at - END_BYTE) {
            memcpy(end, tail + at, END_BYTE);
            found = true;
        }
    free(tail);
    return e || found ? e : wrong(a, "no end of a directory", m);
}

/* A member's data begin behind a head of their own. */
static enum err find_data(const struct archive *a, struct infile_part *p, uint32_t head,
                          struct err_msg *m)
{
    uint8_t b[LOCAL_BYTE];
    enum err e = read_at(a, head, b, sizeof b, m);

    if (!e && u32(b) != LOCAL_MARK)
        e = wrong(a, "no member where its directory says", m);
    if (!e)
        p->first = (uint64_t)head + LOCAL_BYTE + u16(b + 26) + u16(b + 28);
    if (!e && (p->first > a->size || p->packed > a->size - p->first))
        e = wrong(a, "a member beyond its end", m);
    return e;
}

/* One entry of the directory, of at most n bytes; *used: as many as it has. */
static enum err read_member(const struct archive *a, const uint8_t *b, size_t n,
                            struct zip_member *member, size_t *used, struct err_msg *m)
{
    if (n < CENTRAL_BYTE || u32(b) != CENTRAL_MARK)
        return wrong(a, "a wrong directory", m);
    size_t name = u16(b + 28), rest = u16(b + 30) + (size_t)u16(b + 32);
    if (n - CENTRAL_BYTE < name + rest || name >= ZIP_MOST_NAME)
        return wrong(a, "a name beyond its directory or of 256 bytes or more", m);
    memcpy(member->name, b + CENTRAL_BYTE, name);
    member->name[name] = '\0';
    *used = CENTRAL_BYTE + name + rest;
    member->part = (struct infile_part){ .crc = u32(b + 16), .packed = u32(b + 20),
                                         .size = u32(b + 24),
                                         .deflated = u16(b + 10) == DEFLATED };
    if (u16(b + 8) & ENCRYPTED)
        return wrong(a, "an encrypted member", m);
    if (u16(b + 10) != STORED && u16(b + 10) != DEFLATED)
        return wrong(a, "a member that is neither stored nor deflated", m);
    if (!member->part.deflated && member->part.packed != member->part.size)
        return wrong(a, "a stored member of two sizes", m);
    if (member->part.packed == UINT32_MAX || member->part.size == UINT32_MAX)
        return wrong(a, "ZIP64", m);
    return find_data(a, &member->part, u32(b + 42), m);
}

static enum err read_directory(struct zip *z, const struct archive *a, struct err_msg *m)
{
    uint8_t end[END_BYTE] = { 0 };
    enum err e = find_end(a, end, m);

    if (e)
        return e;
    uint32_t n = u16(end + 10), bytes = u32(end + 12), first = u32(end + 16);
    if (u16(end + 4) != 0 || u16(end + 8) != n)
        return wrong(a, "several files", m);
    if (bytes > MOST_DIRECTORY || (uint64_t)first + bytes > a->size ||
        bytes < (uint64_t)n * CENTRAL_BYTE)
        return wrong(a, "a directory that is not in it", m);
    uint8_t *b = malloc((size_t)bytes + 1);
    z->member = calloc((size_t)n + 1, sizeof *z->member);
    if (!b || !z->member)
        e = err_set(m, ERR_MEMORY, "%s: no memory for %" PRIu32 " members", a->path, n);
    if (!e)
        e = read_at(a, first, b, bytes, m);
    for (size_t at = 0, used = 0; !e && z->n < n; at += used, z->n++)
        e = read_member(a, b + at, bytes - at, &z->member[z->n], &used, m);
    free(b);
    return e;
}

enum err zip_read(struct zip *z, const char *path, struct err_msg *m)
{
    struct archive a = { .path = path, .file = fopen(path, "rb") };
    off_t size = -1;

    *z = (struct zip){ 0 };
    if (a.file && fseeko(a.file, 0, SEEK_END) == 0)
        size = ftello(a.file);
    enum err e = size < 0 ? err_set(m, ERR_INPUT, "%s: cannot open: %s", path, strerror(errno))
                          : ERR_NONE;
    a.size = e ? 0 : (uint64_t)size;
    if (!e)
        e = read_directory(z, &a, m);
    if (a.file)
        fclose(a.file);
    if (e)
        zip_release(z);
    return e;
}

void zip_release(struct zip *z)
{
    free(z->member);
    *z = (struct zip){ 0 };
}
