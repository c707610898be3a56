/* dataflow/crossbar/readout.c -- the table of readouts. */
#include "dataflow/crossbar/readout.h"

#include <stddef.h>
#include <string.h>

#define ROW(name) &name,
const struct readout *const readouts[] = { READOUTS(ROW) NULL };

const struct readout *readout_find(const char *name)
{
    for (const struct readout *const *r = readouts; *r; r++)
        if (strcmp((*r)->name, name) == 0)
            return *r;
    return NULL;
}
