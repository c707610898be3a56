/* core/lines.c -- see lines.h. */
#include "core/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* False at the end of the file. */
static bool next(FILE *in, char line[LINES_MOST_BYTE + 1], enum err *e, struct err_msg *m)
{
    size_t n = 0;
    int c;

    while ((c = getc(in)) != EOF && c != '\n') {
        if (c == '\0' || n == LINES_MOST_BYTE) {
            *e = c == '\0' ? err_set(m, ERR_INPUT, "a byte of 0: want lines of text")
                           : err_set(m, ERR_INPUT, "want lines of at most %d bytes",
                                     LINES_MOST_BYTE);
            return true;
        }
        line[n++] = (char)c;
    }
    line[n] = '\0';
    return c != EOF || n > 0;
}

enum err lines_read(FILE *in, const char *path, lines_take *take, void *user, struct err_msg *m)
{
    static const char mark[] = "\xef\xbb\xbf";
    char line[LINES_MOST_BYTE + 1], place[600];
    enum err e = ERR_NONE;
    unsigned number = 1;

    for (; !e && next(in, line, &e, m); number++) {
        if (!e)
            e = take(user, number == 1 && strncmp(line, mark, 3) == 0 ? line + 3 : line, m);
        snprintf(place, sizeof place, "%.500s:%u", path, number);
        if (e)
            err_prefix(m, place);
    }
    if (!e && ferror(in))
        e = err_set(m, ERR_INPUT, "%.400s: cannot be read: %s", path, strerror(errno));
    return e;
}
