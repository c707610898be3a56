/* memory/placing.c -- the table of placings. */
#include <string.h>

#include "memory/input_memory.h"

#define ROW(name) &name,
const struct placing *const placings[] = { PLACINGS(ROW) NULL };

const struct placing *placing_find(const char *name)
{
    for (const struct placing *const *p = placings; *p; p++)
        if (strcmp((*p)->name, name) == 0)
            return *p;
    return NULL;
}

const struct placing *placing_auto(uint32_t pixel_values, uint32_t word_values)
{
    return pixel_values < word_values ? &place_iwap : &place_plip;
}
