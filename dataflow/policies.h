/* dataflow/policies.h -- the policies that a configuration names: a user's own, then the tables. */
#ifndef DATAFLOW_POLICIES_H
#define DATAFLOW_POLICIES_H

#include "core/err.h"

struct config;
struct firing_policy;
struct placing;
struct fabric;

struct policies { // beside the tables; each ends with NULL, or is NULL
    const struct firing_policy *const *firing;
    const struct placing *const       *placing;
    const struct fabric *const        *fabric;
};

/* NULL when there is none of the name. */
const struct firing_policy *policies_firing(const struct config *c);
const struct placing *policies_placing(const struct policies *own, const char *name);

/* ERR_INPUT as fabric_find(). */
enum err policies_fabric(const struct fabric **f, const struct config *c, struct err_msg *m);

#endif
