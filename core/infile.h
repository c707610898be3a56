/* core/infile.h -- a file read once from front to back, unpacked on the way if it is gzip.
 *
 * Gzip is known by its first two bytes (RFC 1952), may have several members, and is checked to its
 * end: a cut stream, a wrong CRC-32 or length and bytes after the last member are errors, which
 * zlib's gzread() would pass over. Offsets count bytes of the unpacked data, except in errors about
 * the packing itself. Memory is constant whatever the size of the data.
 */
#ifndef CORE_INFILE_H
#define CORE_INFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct infile;

struct infile_part { // of a file, as archives have them
    uint64_t first;           // byte of the file
    uint64_t packed, size;    // bytes there, and unpacked
    uint32_t crc;             // CRC-32 of what is unpacked
    bool     deflated;        // RFC 1951, or else as it is
};

#define INFILE_PEEK_MAX 64 // bytes that infile_peek() can look ahead

/* Opens a regular file; anything else (a directory, a pipe, a device) is ERR_INPUT. */
enum err infile_open(struct infile **f, const char *path, struct err_msg *m);
void infile_close(struct infile *f); // takes NULL

/* Opens a part of it, which must lie in the file. Its size and CRC-32 are checked at its end. */
enum err infile_open_part(struct infile **f, const char *path, const struct infile_part *part,
                          struct err_msg *m);

const char *infile_path(const struct infile *f);

/* Offset of the byte that is read next. */
uint64_t infile_byte(const struct infile *f);

/* Looks at the next `want` bytes without reading them. Less than `want` in *n: the data end there.
 * *bytes is valid until the next call. */
enum err infile_peek(struct infile *f, size_t want, const uint8_t **bytes, size_t *n,
                     struct err_msg *m);

/* Reads exactly n bytes. Where the data end before, the message says "ends inside `what`". */
enum err infile_read(struct infile *f, void *bytes, size_t n, const char *what,
                     struct err_msg *m);

/* Size of the unpacked data; of a part, the one stated. A gzip file that says at its end that it
 * holds most_byte is believed: whether it does shows as it is read. Another is unpacked once more,
 * and thereby checked; where it holds more than most_byte that stops, and the size is some number
 * above. */
enum err infile_size(const struct infile *f, uint64_t most_byte, uint64_t *size_byte,
                     struct err_msg *m);

/* Puts "path: byte N: " and the text into m; returns ERR_INPUT. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
enum err infile_error(const struct infile *f, uint64_t byte, struct err_msg *m,
                      const char *fmt, ...);

#endif
