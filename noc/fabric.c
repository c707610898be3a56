/* noc/fabric.c -- the table of fabrics; a new fabric is its file and a row here. */
#include "noc/fabric.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const struct fabric *const fabrics[] = { &fabric_point_to_point, NULL };

enum err fabric_find(const struct fabric **f, const char *name, struct err_msg *m)
{
    for (const struct fabric *const *p = fabrics; *p; p++)
        if (strcmp((*p)->name, name) == 0) {
            *f = *p;
            return ERR_NONE;
        }

    char known[256];
    size_t n = 0;
    for (const struct fabric *const *p = fabrics; *p && n < sizeof known; p++)
        n += (size_t)snprintf(&known[n], sizeof known - n, "%s%s", n ? ", " : "", (*p)->name);
    return err_set(m, ERR_INPUT, "fabric.kind = %s: want one of %s", name, known);
}

uint64_t fabric_clocks(uint64_t bits, uint64_t clock_hz, uint64_t rate_bps)
{
    __extension__ typedef unsigned __int128 u128; // bits * clock_hz passes 64 bits

    assert(rate_bps > 0);
    u128 n = (u128)bits * clock_hz;
    u128 clocks = n / rate_bps + (n % rate_bps != 0);
    return clocks < UINT64_MAX ? (uint64_t)clocks : UINT64_MAX;
}
