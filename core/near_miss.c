/* core/near_miss.c -- see near_miss.h. */
#include "core/near_miss.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Whether at most `edits` insertions, deletions or exchanges of a letter turn a into b. */
static bool within(const char *a, const char *b, unsigned edits)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    if (*a == *b)
        return true;
    if (edits == 0)
        return false;
    return (*a && within(a + 1, b, edits - 1)) || (*b && within(a, b + 1, edits - 1)) ||
           (*a && *b && within(a + 1, b + 1, edits - 1));
}

const char *near_miss(const char *word, const char *const *list, size_t n)
{
    unsigned most = strlen(word) < 3 ? 1 : 2;

    for (unsigned edits = 0; edits <= most; edits++)
        for (size_t i = 0; i < n; i++)
            if (within(word, list[i], edits))
                return list[i];
    return NULL;
}

struct near_miss_advice near_miss_advice(const char *word, const char *const *list, size_t n)
{
    const char *meant = near_miss(word, list, n);
    struct near_miss_advice a;
    size_t at = (size_t)snprintf(a.text, sizeof a.text, "%s%s", meant ? "did you mean "
                                                                      : "want one of ",
                                 meant ? meant : "");

    for (size_t i = 0; i < n && !meant && at < sizeof a.text; i++)
        at += (size_t)snprintf(a.text + at, sizeof a.text - at, "%s%s", i > 0 ? ", " : "", list[i]);
    return a;
}
