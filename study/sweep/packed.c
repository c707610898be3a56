/* study/sweep/packed.c -- see packed.h. */
#include "study/sweep/packed.h"

#include <stdint.h>
#include <stdlib.h>

#include <zlib.h>

enum {
    GZIP = 16, // of zlib's window bits
    FAST = 1,
    MOST_BYTE = 1 << 30,
    CHUNK = 1 << 16
};

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for a document");
}

enum err packed_add(struct message *to, const char *text, size_t n, struct err_msg *m)
{
    z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)text, .avail_in = (uInt)n };

    if (n > MOST_BYTE ||
        deflateInit2(&z, FAST, Z_DEFLATED, MAX_WBITS + GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return no_memory(m);
    size_t room = deflateBound(&z, (uLong)n);
    Bytef *out = malloc(room);
    z.next_out = out;
    z.avail_out = (uInt)room;
    bool ok = out && deflate(&z, Z_FINISH) == Z_STREAM_END &&
              message_add(to, out, room - z.avail_out);
    deflateEnd(&z);
    free(out);
    return ok ? ERR_NONE : no_memory(m);
}

enum err packed_text(char **text, const void *bytes, size_t n, struct err_msg *m)
{
    z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)bytes, .avail_in = (uInt)n };
    struct message all = { NULL, 0, 0 };
    Bytef out[CHUNK];
    int code = Z_OK;
    bool fits = true;

    *text = NULL;
    if (n > MOST_BYTE || inflateInit2(&z, MAX_WBITS + GZIP) != Z_OK)
        return no_memory(m);
    while (code == Z_OK && fits && all.n < MOST_BYTE) {
        z.next_out = out;
        z.avail_out = CHUNK;
        code = inflate(&z, Z_NO_FLUSH);
        fits = message_add(&all, out, CHUNK - z.avail_out);
    }
    inflateEnd(&z);
    fits = fits && message_add(&all, "", 1);
    if (fits && code == Z_STREAM_END) {
        *text = (char *)all.byte;
        return ERR_NONE;
    }
    message_release(&all);
    return fits ? err_set(m, ERR_INPUT, "a result is damaged: want its point run again")
                : no_memory(m);
}
