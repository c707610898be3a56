/* arch/watch/scope.c -- see scope.h. */
#include "arch/watch/scope.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool scope_init(struct scope *s, const char *list)
{
    size_t n_part = 1;

    for (const char *at = list; at && *at; at++)
        n_part += *at == ',';
    *s = (struct scope){ list, calloc(n_part, sizeof *s->used) };
    return s->used != NULL;
}

void scope_release(struct scope *s)
{
    free(s->used);
}

bool scope_takes(struct scope *s, const char *core, const char *signal)
{
    const char *scope = s->list;
    char part[256];
    bool found = !scope;

    for (size_t i = 0; scope; i++) {
        const char *comma = strchr(scope, ',');
        snprintf(part, sizeof part, "%.*s", comma ? (int)(comma - scope) : -1, scope);
        char *colon = strchr(part, ':');
        if (colon)
            *colon++ = '\0';
        bool match = fnmatch(part, core, 0) == 0 && (!colon || fnmatch(colon, signal, 0) == 0);
        s->used[i] = s->used[i] || match;
        found = found || match;
        scope = comma ? comma + 1 : NULL;
    }
    return found;
}

enum err scope_check(const struct scope *s, const char *first, const char *last,
                     const char *signals, struct err_msg *m)
{
    const char *part = s->list;
    const bool *used = s->used;

    if (!part)
        return ERR_NONE;
    while (*used++) {
        part = strchr(part, ',');
        if (!part++)
            return ERR_NONE;
    }
    return err_set(m, ERR_INPUT,
                   "trace scope %.*s: no such signal: want CORES:SIGNALS, with cores %s to %s and "
                   "signals like %s; * stands for anything",
                   (int)strcspn(part, ","), part, first, last, signals);
}

void scope_full_name(char *name, size_t size, const char *core, const char *signal)
{
    snprintf(name, size, "%s_%s", core, signal);
    for (; *name; name++)
        *name = *name == '.' ? '_' : *name;
}
