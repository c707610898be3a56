/* dataflow/plan/clocking.c -- the table of clocking policies; a new one is its file and a row. */
#include "dataflow/plan/clocking.h"

#include <stddef.h>

const struct clocking_policy *const clockings[] = {
    [CLOCKING_TIMESTEP] = &clocking_timestep,
    [CLOCKING_ELASTIC] = &clocking_elastic,
    [CLOCKING_COMBINATIONAL] = &clocking_combinational,
    [CLOCKING_EVENT] = &clocking_event,
    NULL,
};

const struct clocking_policy *clocking_of(const struct config *c)
{
    return clockings[config_clocking(c)];
}
