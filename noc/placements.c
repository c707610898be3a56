/* noc/placements.c -- the table of ways of placing; a new one is its file and a row here. */
#include <stddef.h>

#include "noc/placement.h"

const struct placement_policy *const placement_policies[] = {
    &placement_listing, &placement_snake,  &placement_greedy, &placement_anneal,
    &placement_exact,   &placement_search, &placement_file,   NULL
};
