/* dataflow/policies.c -- see policies.h. */
#include "dataflow/policies.h"

#include <string.h>

#include "dataflow/config.h"
#include "dataflow/firing.h"
#include "memory/input_memory.h"
#include "noc/fabric.h"

/* The own policy called `word`, of a table of the kind. */
#define FIND_OWN(own, kind, word)                                                                  \
    for (size_t i = 0; (own) && (own)->kind && (own)->kind[i]; i++)                                \
        if (strcmp((own)->kind[i]->name, (word)) == 0)                                             \
            return (own)->kind[i]

const struct firing_policy *policies_firing(const struct config *c)
{
    FIND_OWN(c->own, firing, c->mapping.firing);
    return firing_find(c->mapping.firing);
}

const struct placing *policies_placing(const struct policies *own, const char *name)
{
    FIND_OWN(own, placing, name);
    return placing_find(name);
}

static const struct fabric *own_fabric(const struct policies *own, const char *name)
{
    FIND_OWN(own, fabric, name);
    return NULL;
}

enum err policies_fabric(const struct fabric **f, const struct config *c, struct err_msg *m)
{
    *f = own_fabric(c->own, c->fabric.kind);
    return *f ? ERR_NONE : fabric_find(f, c->fabric.kind, m);
}
