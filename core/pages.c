/* core/pages.c -- see pages.h. */
#define _DEFAULT_SOURCE // madvise()
#include "core/pages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "core/util.h"

enum { CACHE_LINE = 64, LARGE_PAGE = 2 << 20 };

void *pages_new(size_t bytes)
{
    size_t unit = bytes > LARGE_PAGE / 2 ? LARGE_PAGE : CACHE_LINE;

    if (bytes > SIZE_MAX - LARGE_PAGE)
        return NULL;
    size_t n = round_up(max_u64(bytes, 1), unit);
    void *p = aligned_alloc(unit, n);
    if (!p)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (unit == LARGE_PAGE)
        madvise(p, n, MADV_HUGEPAGE); // a wish, which need not come true
#endif
    return memset(p, 0, n);
}

void pages_give_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
