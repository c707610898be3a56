/* network/network.c -- see network.h. */
#include "network/network.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


struct shape layer_delivers(const struct layer *l)
{
    return l->pooled ? (struct shape){1, 1, l->out.channels} : l->out;
}

bool layer_is_digital(const struct layer *l)
{
    switch (l->kind) {
    case LAYER_IMAGE:
    case LAYER_CONV:
    case LAYER_GEMM:
        return false;
    case LAYER_MAX_POOL:
    case LAYER_AVERAGE_POOL:
    case LAYER_SCALE:
    case LAYER_ATTENTION:
    case LAYER_NORM:
    case LAYER_MAP:
    case LAYER_TOKENS:
    case LAYER_SUM_TOKENS:
        return true;
    }
    assert(!"unknown kind of layer");
    return false;
}

bool network_has_tokens(const struct network *n)
{
    bool tokens = false;

    for (uint32_t i = 0; i < n->n_layer; i++)
        tokens |= layer_is_of_tokens(&n->layer[i]);
    return tokens;
}

uint32_t layer_n_scale(const struct layer *l)
{
    return l->kind == LAYER_AVERAGE_POOL ? l->window.kernel[0] * l->window.kernel[1]
                                         : l->out.channels;
}

uint32_t layer_kernel_rows(const struct layer *l)
{
    assert(l->kind != LAYER_IMAGE && l->groups > 0);
    if (layer_is_digital(l))
        return 0;
    return l->window.kernel[0] * l->window.kernel[1] * (l->in.channels / l->groups);
}

static uint64_t layer_weights(const struct layer *l)
{
    return l->kind == LAYER_IMAGE ? 0 : (uint64_t)layer_kernel_rows(l) * l->out.channels;
}

uint64_t network_weights(const struct network *n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < n->n_layer; i++)
        sum += layer_weights(&n->layer[i]);
    return sum;
}

uint64_t network_macs(const struct network *n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < n->n_layer; i++) {
        const struct layer *l = &n->layer[i];
        sum += layer_weights(l) * l->out.height * l->out.width;
    }
    return sum;
}

bool layer_make_weights(struct layer *l, size_t n, bool wide)
{
    assert(!layer_has_weights(l));
    if (wide)
        l->wide_weight = calloc(n, sizeof *l->wide_weight);
    else
        l->weight = calloc(n, sizeof *l->weight);
    return layer_has_weights(l);
}

void layer_set_weight(struct layer *l, size_t i, int32_t v)
{
    if (l->wide_weight)
        l->wide_weight[i] = (int16_t)v;
    else
        l->weight[i] = (int8_t)v;
}

uint32_t network_find(const struct network *n, const char *name)
{
    uint32_t i = 0;

    while (i < n->n_layer && strcmp(n->layer[i].name, name) != 0)
        i++;
    return i;
}

const struct layer *network_result(const struct network *n)
{
    assert(n->n_layer > 0);
    return &n->layer[n->n_layer - 1];
}
