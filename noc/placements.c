/* noc/placements.c -- the table of ways of placing. */
#include <stddef.h>

#include "noc/placement.h"

#define ROW(name) &name,
const struct placement_policy *const placement_policies[] = { PLACEMENT_POLICIES(ROW) NULL };
