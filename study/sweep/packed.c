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

void packer_release(struct packer *p)
{
    if (p->stream)
        deflateEnd(p->stream);
    free(p->stream);
    p->stream = NULL;
}

/* Its quarter of a megabyte is taken once. */
static bool begin(struct packer *p)
{
    if (p->stream)
        return deflateReset(p->stream) == Z_OK;
    p->stream = calloc(1, sizeof *p->stream);
    if (p->stream && deflateInit2(p->stream, FAST, Z_DEFLATED, MAX_WBITS + GZIP, 8,
                                  Z_DEFAULT_STRATEGY) == Z_OK)
        return true;
    free(p->stream);
    p->stream = NULL;
    return false;
}

enum err packed_add(struct packer *p, struct message *to, const char *text, size_t n,
                    struct err_msg *m)
{
    if (n > MOST_BYTE || !begin(p))
        return no_memory(m);
    z_stream *z = p->stream;
    size_t room = deflateBound(z, (uLong)n);
    if (!message_reserve(to, room))
        return no_memory(m);
    z->next_in = (z_const Bytef *)(uintptr_t)text;
    z->avail_in = (uInt)n;
    z->next_out = to->byte + to->n;
    z->avail_out = (uInt)room;
    if (deflate(z, Z_FINISH) != Z_STREAM_END)
        return no_memory(m);
    to->n += room - z->avail_out;
    return ERR_NONE;
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
