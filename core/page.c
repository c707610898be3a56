/* core/page.c -- see page.h. */
#include "core/page.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/wrap.h"

enum { ROW_INDENT = 4 };

static size_t length(const char *line)
{
    return strcspn(line, "\n");
}

/* Behind the end of the line. */
static const char *next(const char *line)
{
    line += length(line);
    return line + (*line == '\n');
}

/* Columns of "- " or "12. " that begin an item; 0: none. */
static size_t mark(const char *line)
{
    size_t n = 0;

    if (strncmp(line, "- ", 2) == 0)
        return 2;
    while (isdigit((unsigned char)line[n]))
        n++;
    return n > 0 && strncmp(line + n, ". ", 2) == 0 ? n + 2 : 0;
}

static bool is_fence(const char *line)
{
    return strncmp(line, "```", 3) == 0;
}

static bool begins_paragraph(const char *line)
{
    return *line && !strchr("\n #|<", *line) && !is_fence(line);
}

/* Up to the end of its paragraph, in one line. */
static const char *gather(const char *line, size_t indent, char *whole)
{
    size_t n = length(line);

    memcpy(whole, line, n);
    for (line = next(line); *line; line = next(line)) {
        size_t gap = strspn(line, " ");
        if (gap > indent || !begins_paragraph(line + gap) || mark(line) > 0)
            break;
        whole[n++] = ' ';
        memcpy(whole + n, line + gap, length(line) - gap);
        n += length(line) - gap;
    }
    whole[n] = '\0';
    return line;
}

void page_print(FILE *out, const char *text, size_t most)
{
    char *whole = malloc(strlen(text) + 1);
    bool fenced = false;

    while (*text) {
        const size_t n = length(text), indent = *text == '|' ? ROW_INDENT : mark(text);
        const char *end = next(text);
        fenced = fenced != is_fence(text);
        if (whole && !fenced && begins_paragraph(text))
            end = gather(text, indent, whole);
        else if (whole)
            snprintf(whole, n + 1, "%s", text);
        if (whole && !fenced && (begins_paragraph(text) || *text == '|'))
            wrap(out, whole, 0, indent, most);
        else
            fwrite(text, 1, n, out);
        fputc('\n', out);
        text = end;
    }
    free(whole);
}
