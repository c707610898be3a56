/* core/wrap.c -- see wrap.h. */
#include "core/wrap.h"

#include <stdbool.h>
#include <string.h>

static size_t width_of(const char *text, size_t n_byte)
{
    size_t n = 0;

    for (size_t i = 0; i < n_byte; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80; // not a byte that continues a character
    return n;
}

size_t text_width(const char *text)
{
    return width_of(text, strlen(text));
}

void wrap(FILE *out, const char *text, size_t at, size_t indent, size_t most)
{
    for (bool first = true; *text; first = false) {
        size_t gap = strspn(text, " "), n = gap + strcspn(text + gap, " ");
        size_t width = width_of(text, n);
        if (!first && width > gap && at + width > most) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
            text += gap;
            n -= gap;
            width -= gap;
        }
        fwrite(text, 1, n, out);
        at += width;
        text += n;
    }
}
