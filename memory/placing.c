/* memory/placing.c -- the table of placings; a new placing is its file and a row here. */
#include <string.h>

#include "memory/input_memory.h"

const struct placing *const placings[] = { &place_iwap, &place_klip, &place_plip, NULL };

const struct placing *placing_find(const char *name)
{
    for (const struct placing *const *p = placings; *p; p++)
        if (strcmp((*p)->name, name) == 0)
            return *p;
    return NULL;
}

const struct placing *placing_auto(uint32_t pixel_bytes, uint32_t word_bytes)
{
    return pixel_bytes < word_bytes ? &place_iwap : &place_plip;
}
