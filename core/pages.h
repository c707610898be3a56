/* core/pages.h -- memory for much data. */
#ifndef CORE_PAGES_H
#define CORE_PAGES_H

#include <stddef.h>

/* Zeroed bytes that begin on a cache line, to be released by free(); NULL when the host has no
 * memory. Much comes in large pages where the host has them: to touch 8 MiB for the first time
 * takes 40 ms of small pages on a virtual machine, and 0.6 ms of large ones. */
void *pages_new(size_t bytes);

/* For a command, before it allocates anything: small blocks come from one large page where the host
 * has such. A short command touches a hundred small pages, which take 2 ms on a virtual machine, a
 * large one 0.2 ms. */
void pages_begin(void);

/* Gives memory that has been released but is kept for later back to the host, as far as the C
 * library can: after work that needed much more than what follows. */
void pages_give_back(void);

#endif
