/* dataflow/plan/operations.c -- see operations.h. */
#include "dataflow/plan/operations.h"

#include <string.h>

#include "dataflow/plan/rules.h"
#include "network/precision.h"

static struct update_cost update_stdp(uint32_t weight_bits)
{
    return (struct update_cost){ 2 * (uint64_t)weight_bits + 1, weight_bits, weight_bits };
}

const struct learning_rule learning_rules[] = {
    { "none", "nothing is updated", NULL },
    { "stdp", "each spike of an output reads and writes its weights", update_stdp },
    { 0 },
};

const struct learning_rule *learning_rule_find(const char *name)
{
    for (const struct learning_rule *r = learning_rules; r->name; r++)
        if (strcmp(r->name, name) == 0)
            return r;
    return NULL;
}

uint64_t operation_clocks(const struct plan *p, uint32_t core, enum operation o)
{
    const struct plan_core *c = &p->core[core];
    const struct plan_layer *pl = &p->layer[c->plan_layer];
    const struct learning_rule *rule = learning_rule_find(p->config->learning.rule);
    const uint32_t bits = network_weight_bits(p->network, c->plan_layer + 1);
    struct array_spec once = pl->array; // and not all steps of a train

    once.reads.train = 0;
    switch (o) {
    case OPERATION_FORWARD:
        return stage_array_clocks(p->config, &pl->array, c->rows, c->columns);
    case OPERATION_BACKWARD:
        return stage_array_clocks(p->config, &once, c->columns, c->rows);
    case OPERATION_READ_ROW:
        return stage_array_clocks(p->config, &once, 1, c->columns);
    default:
        return rule && rule->update ? operation_replicas(p, c->plan_layer) *
                                          rule->update(bits).clocks
                                    : 0;
    }
}

uint32_t operation_arrays(const struct plan *p, uint32_t layer)
{
    const struct plan_layer *pl = &p->layer[layer];

    return pl->parts * pl->copies * p->core[pl->first_core].arrays;
}

uint32_t operation_replicas(const struct plan *p, uint32_t layer)
{
    return p->layer[layer].replicas.n ? p->layer[layer].replicas.n : 1;
}
