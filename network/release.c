/* network/release.c -- what a network owns is given back; see network.h. */
#include "network/network.h"

#include <stdlib.h>

#include "network/spiking/neuron.h"
#include "network/step_function.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"

static void release_token_values(struct token_op *t)
{
    if (!t)
        return;
    token_values_free(t->values);
    t->values = NULL;
}

static void layer_release(struct layer *l)
{
    release_token_values(l->token);
    free(l->name);
    free(l->input);
    free(l->weight);
    free(l->wide_weight);
    free(l->negated);
    free(l->table);
    step_function_free(l->function);
    free(l->token);
    neuron_free(l->neuron);
    requant_release(&l->requant);
}

void requant_release(struct requant *q)
{
    free(q->m);
    free(q->b);
    free(q->mr);
    free(q->shift);
    *q = (struct requant){0};
}

static void release_table(struct network *n)
{
    if (!n->table)
        return;
    free(n->table->name);
    free(n->table->code);
    free(n->table);
    n->table = NULL;
}

void network_strip_values(struct network *n)
{
    release_table(n);
    for (uint32_t i = 0; i < n->n_layer; i++) {
        struct layer *l = &n->layer[i];
        free(l->weight);
        free(l->wide_weight);
        free(l->negated);
        free(l->table);
        l->table = NULL;
        step_function_free(l->function);
        l->function = NULL;
        l->weight = NULL;
        l->wide_weight = NULL;
        l->negated = NULL;
        requant_release(&l->requant);
        l->pool = (struct pool_requant){0};
        release_token_values(l->token);
        neuron_free(l->neuron);
        l->neuron = NULL;
    }
    n->has_values = false;
}

void network_release(struct network *n)
{
    for (uint32_t i = 0; i < n->n_layer; i++)
        layer_release(&n->layer[i]);
    for (uint32_t k = 0; k < n->n_end; k++) {
        free(n->end[k].value);
        free(n->end[k].place);
    }
    free(n->end);
    release_table(n);
    if (n->host)
        network_release(n->host);
    free(n->host);
    free(n->layer);
    free(n->name);
    *n = (struct network){0};
}
