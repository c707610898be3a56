/* core/wrap.c -- see wrap.h. */
#include "core/wrap.h"

#include <stdbool.h>
#include <string.h>

#include "core/util.h"

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

/* Bytes of the first n characters. */
static size_t bytes_of(const char *text, size_t n)
{
    size_t at = 0;

    while (n > 0 && text[at])
        for (at++, n--; ((unsigned char)text[at] & 0xc0) == 0x80;)
            at++;
    return at;
}

const char *text_shorten(char *room, const char *text, size_t most)
{
    const size_t width = text_width(text), begin = (most - 2) * 2 / 5, end = most - 2 - begin;

    if (width <= most)
        return text;
    size_t n = bytes_of(text, begin); // the end of a name tells more
    memcpy(room, text, n);
    memcpy(room + n, "..", 2);
    strcpy(room + n + 2, text + bytes_of(text, width - end));
    return room;
}

static void wrap_some(FILE *out, const char *text, size_t n_byte, size_t at, size_t indent,
                      size_t most)
{
    const size_t line = most > indent ? most - indent : 1;
    const char *end = text + n_byte;

    for (bool first = true; text < end; first = false) {
        size_t gap = min_u64(strspn(text, " "), (size_t)(end - text));
        size_t n = gap + min_u64(strcspn(text + gap, " "), (size_t)(end - text) - gap);
        size_t width = width_of(text, n);
        if (!first && width > gap && at + width > most && at > indent) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
            text += gap;
            n -= gap;
            width -= gap;
            gap = 0;
        }
        while (width - gap > line && at + width > most) { // what no line holds
            size_t part = bytes_of(text, most > at ? most - at : 1);
            fwrite(text, 1, part, out);
            fprintf(out, "\n%*s", (int)indent, "");
            width -= width_of(text, part);
            text += part;
            n -= part;
            at = indent;
            gap = 0;
        }
        fwrite(text, 1, n, out);
        at += width;
        text += n;
    }
}

void wrap(FILE *out, const char *text, size_t at, size_t indent, size_t most)
{
    wrap_some(out, text, strlen(text), at, indent, most);
}

void wrap_lines(FILE *out, const char *text, size_t margin, size_t most)
{
    while (*text) {
        size_t n = strcspn(text, "\n"), indent = strspn(text, " ");
        const char *gap = strstr(text + indent, "  ");
        if (gap && gap < text + n)
            indent = (size_t)(gap - text) + strspn(gap, " ");
        if (n > 0)
            fprintf(out, "%*s", (int)margin, "");
        wrap_some(out, text, n, margin, margin + (2 * indent < TEXT_WIDTH ? indent : 0), most);
        fputc('\n', out);
        text += n + (text[n] == '\n');
    }
}
