/* core/notes.c -- see notes.h. */
#include "core/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"

void notes_add(struct notes *n, const char *fmt, ...)
{
    struct err_msg text; // its rules for hostile bytes
    char line[sizeof text.text];
    va_list arg;

    va_start(arg, fmt);
    vsnprintf(line, sizeof line, fmt, arg);
    va_end(arg);
    err_set(&text, ERR_INPUT, "%s", line);
    for (size_t i = 0; i < n->n; i++)
        if (strcmp(n->line[i], text.text) == 0)
            return;
    char **more = realloc(n->line, (n->n + 1) * sizeof *more);
    if (!more)
        return;
    n->line = more;
    n->line[n->n] = strdup(text.text);
    n->n += n->line[n->n] != NULL;
}

void notes_release(struct notes *n)
{
    for (size_t i = 0; i < n->n; i++)
        free(n->line[i]);
    free(n->line);
    *n = (struct notes){ 0 };
}
