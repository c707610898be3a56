/* traces/images/elements.c -- see elements.h. */
#include "traces/images/elements.h"

#include <inttypes.h>

static enum err refuse_rest(const struct elements *s, uint64_t byte, struct err_msg *m)
{
    return infile_error(s->file, byte, m, "bytes follow the %" PRIu64 " elements that the header "
                        "states: fetch the file again", s->count);
}

enum err elements_check_size(const struct elements *s, struct err_msg *m)
{
    uint64_t most = (UINT64_MAX - s->head_byte) / s->byte, size;

    if (s->count > most)
        return infile_error(s->file, 0, m, "%" PRIu64 " elements of %zu bytes: want at most %"
                            PRIu64, s->count, s->byte, most);
    uint64_t want = s->head_byte + s->count * s->byte;
    enum err e = infile_size(s->file, want, &size, m);
    if (e)
        return e;
    if (size > want)
        return refuse_rest(s, want, m);
    if (size < want)
        return infile_error(s->file, size, m, "the data end here: want %" PRIu64 " times %zu bytes "
                            "behind a header of %" PRIu64 ", as it says: fetch the file again",
                            s->count, s->byte, s->head_byte);
    return ERR_NONE;
}

enum err elements_next(struct elements *s, uint8_t *bytes, const char *what, int *more,
                       struct err_msg *m)
{
    const uint8_t *rest;
    size_t n;

    *more = s->next < s->count;
    if (*more) {
        s->next++;
        return infile_read(s->file, bytes, s->byte, what, m);
    }
    enum err e = infile_peek(s->file, 1, &rest, &n, m);
    return !e && n > 0 ? refuse_rest(s, infile_byte(s->file), m) : e;
}
