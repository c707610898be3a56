/* cli/word.c -- see word.h. */
#include "cli/word.h"

#include <stdlib.h>
#include <string.h>

char *shell_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./=:,+%@", quote[] = "'\\''";
    size_t n = strlen(word);
    char *text = malloc((sizeof quote - 1) * n + sizeof "''"), *p = text;

    if (!text)
        return NULL;
    if (n > 0 && strspn(word, plain) == n)
        return memcpy(text, word, n + 1);
    *p++ = '\'';
    for (; *word; word++)
        if (*word == '\'')
            for (const char *q = quote; *q; q++)
                *p++ = *q;
        else
            *p++ = *word;
    *p++ = '\'';
    *p = '\0';
    return text;
}
