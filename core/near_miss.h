/* core/near_miss.h -- what a word that nobody knows was meant to be. */
#ifndef CORE_NEAR_MISS_H
#define CORE_NEAR_MISS_H

#include <stddef.h>

/* The word among list[0 .. n - 1] that `word` was probably meant to be, at most two letters away;
 * NULL when there is none. */
const char *near_miss(const char *word, const char *const *list, size_t n);

/* For an error: "did you mean " and that word, or "want one of " and the list. */
struct near_miss_advice {
    char text[256];
};
struct near_miss_advice near_miss_advice(const char *word, const char *const *list, size_t n);

#endif
