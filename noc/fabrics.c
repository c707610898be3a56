/* noc/fabrics.c -- the table of fabrics. */
#include <stddef.h>

#include "noc/fabric.h"

#define ROW(name) &name,
const struct fabric *const fabrics[] = { FABRICS(ROW) NULL };
