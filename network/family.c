/* network/family.c -- see family.h. */
#include "network/family.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

char *family_name(const char *prefix, uint32_t number)
{
    char text[32];

    snprintf(text, sizeof text, "%s%" PRIu32, prefix, number);
    return strdup(text);
}

static enum err no_memory(struct family *f, uint32_t n_layer, struct err_msg *m)
{
    network_release(f->network);
    return err_set(m, ERR_MEMORY, "no memory for %" PRIu32 " layers", n_layer);
}

enum err family_begin(struct family *f, const char *prefix, uint32_t depth, uint32_t n_layer,
                      struct err_msg *m)
{
    *f->network = (struct network){ .name = family_name(prefix, depth),
                                    .layer = calloc(n_layer, sizeof(struct layer)) };
    return f->network->name && f->network->layer ? ERR_NONE : no_memory(f, n_layer, m);
}

enum err family_end(struct family *f, uint32_t n_layer, struct err_msg *m)
{
    enum err e = f->failed ? no_memory(f, n_layer, m) : network_check(f->network, m);

    assert(e || f->network->n_layer == n_layer);
    if (e)
        network_release(f->network);
    return e;
}

static struct layer *append(struct family *f, char *name, uint32_t input)
{
    struct network *n = f->network;
    struct layer *l = &n->layer[n->n_layer++];

    l->name = name;
    l->input = malloc(sizeof *l->input);
    f->failed |= !l->name || !l->input;
    if (l->input)
        l->input[0] = input;
    l->n_input = 1;
    l->in = layer_delivers(&n->layer[input]);
    l->groups = 1;
    return l;
}

void family_image(struct family *f, uint32_t size)
{
    f->network->layer[0] = (struct layer){ .name = strdup("image"), .kind = LAYER_IMAGE,
                                           .out_signed = true, .out = { size, size, 3 },
                                           .groups = 1 };
    f->network->n_layer = 1;
    f->failed |= !f->network->layer[0].name;
}

uint32_t family_conv(struct family *f, char *name, uint32_t input, uint32_t channels,
                     uint32_t kernel, uint32_t stride)
{
    struct layer *l = append(f, name, input);
    uint32_t pad = kernel / 2;

    l->kind = LAYER_CONV;
    l->window = (struct window){ .kernel = { kernel, kernel }, .stride = { stride, stride },
                                 .dilation = { 1, 1 }, .pad_before = { pad, pad },
                                 .pad_after = { pad, pad } };
    l->out = (struct shape){ (uint32_t)ceil_div(l->in.height, stride),
                             (uint32_t)ceil_div(l->in.width, stride), channels };
    return f->network->n_layer - 1;
}

uint32_t family_max_pool(struct family *f, char *name, uint32_t input)
{
    struct layer *l = append(f, name, input);

    l->kind = LAYER_MAX_POOL;
    l->groups = l->in.channels;
    l->window = (struct window){ .kernel = { 2, 2 }, .stride = { 2, 2 }, .dilation = { 1, 1 } };
    l->out = (struct shape){ l->in.height / 2, l->in.width / 2, l->in.channels };
    return f->network->n_layer - 1;
}

uint32_t family_full(struct family *f, char *name, uint32_t input, uint32_t outputs)
{
    struct layer *l = append(f, name, input);

    l->kind = LAYER_GEMM;
    l->window = (struct window){ .kernel = { l->in.height, l->in.width }, .stride = { 1, 1 },
                                 .dilation = { 1, 1 } };
    l->out = (struct shape){ 1, 1, outputs };
    return f->network->n_layer - 1;
}
