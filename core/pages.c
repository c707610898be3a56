/* core/pages.c -- see pages.h. */
#define _DEFAULT_SOURCE // madvise(), sbrk()
#include "core/pages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "core/util.h"

enum {
    CACHE_LINE = 64,
    LARGE_PAGE = 2 << 20,
    LEAST_MAPPED = 4 << 20, // of blocks that the C library gives back one by one; it would find out
    MOST_KEPT = 8 << 20,    // by itself, but no longer does once it is told how to grow
};

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

/* The heap begins a small page before a large one: the C library touches the former as soon as it
 * has the heap, and only what nobody has touched can become large. */
void pages_begin(void)
{
#if defined(__GLIBC__) && defined(MADV_HUGEPAGE)
    const uintptr_t small = (uintptr_t)sysconf(_SC_PAGESIZE), now = (uintptr_t)sbrk(0);
    const uintptr_t large = round_up(now + small, LARGE_PAGE);

    if (mallinfo2().arena > 0 || sbrk((intptr_t)(large - small - now)) == (void *)-1)
        return;
    mallopt(M_TOP_PAD, LARGE_PAGE);
    mallopt(M_MMAP_THRESHOLD, LEAST_MAPPED);
    mallopt(M_TRIM_THRESHOLD, MOST_KEPT);
    char *first = malloc(1);
    if ((uintptr_t)first >= large - small && (uintptr_t)first < large)
        madvise((void *)large, LARGE_PAGE, MADV_HUGEPAGE); // a wish, as above
    free(first);
#endif
}

void pages_give_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
