/* core/err.c -- see err.h. */
#include "core/err.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void clean(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < ' ' || *p == 127)
            *p = '?';
}

enum err err_set(struct err_msg *m, enum err e, const char *fmt, ...)
{
    assert(e != ERR_NONE);
    va_list args;
    va_start(args, fmt);
    vsnprintf(m->text, sizeof m->text, fmt, args);
    va_end(args);
    clean(m->text);
    return e;
}

void err_prefix(struct err_msg *m, const char *prefix)
{
    struct err_msg old = *m;
    size_t n = (size_t)snprintf(m->text, sizeof m->text, "%s: ", prefix);

    if (n < sizeof m->text)
        snprintf(m->text + n, sizeof m->text - n, "%s", old.text);
    clean(m->text);
}

int err_exit_status(enum err e)
{
    switch (e) {
    case ERR_NONE:
        return 0;
    case ERR_INPUT:
        return 2;
    case ERR_RUN:
    case ERR_OUTPUT:
    case ERR_MEMORY:
        return 1;
    }
    assert(false && "unknown error");
    return 1;
}
