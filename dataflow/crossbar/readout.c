/* dataflow/crossbar/readout.c -- the table of readouts; a new one is its file and a row here. */
#include "dataflow/crossbar/readout.h"

#include <stddef.h>
#include <string.h>

const struct readout *const readouts[] = { &readout_exact, &readout_adc, &readout_sign,
                                           &readout_charge, NULL };

const struct readout *readout_find(const char *name)
{
    for (const struct readout *const *r = readouts; *r; r++)
        if (strcmp((*r)->name, name) == 0)
            return *r;
    return NULL;
}
