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
