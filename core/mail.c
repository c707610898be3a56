/* core/mail.c -- see mail.h. */
#include "core/mail.h"

#include <stdlib.h>

bool mail_init(struct mail *m, struct block *reader, uint32_t room)
{
    *m = (struct mail){ .reader = reader, .at = calloc(room, sizeof *m->at), .room = room };
    if (!m->at)
        *m = (struct mail){ 0 };
    return m->at != NULL;
}

void mail_release(struct mail *m)
{
    free(m->at);
    *m = (struct mail){ 0 };
}

void letters_add(struct letters *l, uint64_t cyc, uint32_t n)
{
    if (l->n == l->room) {
        const size_t room = 2 * l->room + 64;
        struct letter *at = realloc(l->at, room * sizeof *at);
        if (!at) {
            l->lacks = true;
            return;
        }
        l->at = at;
        l->room = room;
    }
    l->at[l->n++] = (struct letter){ cyc, n };
}
