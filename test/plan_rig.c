/* test/plan_rig.c -- see plan_rig.h. */
#include "test/plan_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *copy_text(const char *s)
{
    char *copy = malloc(strlen(s) + 1);

    assert_non_null(copy);
    return strcpy(copy, s);
}

void rig_config(struct plan_rig *r, const char *const *set)
{
    size_t n = 0;

    while (set[n])
        n++;
    *r = (struct plan_rig){ 0 };
    if (config_load(&r->config, NULL, set, n, &r->msg))
        fail_msg("%s", r->msg.text);
}

void rig_family(struct plan_rig *r)
{
    const struct network_cfg *n = &r->config.network;
    const struct resnet_cifar_cfg cfg = { n->depth, n->size, n->classes, n->channels,
                                          n->n_channels };

    const uint32_t values = n->value_bits == WIDTH_OWN ? 0 : n->value_bits;
    const uint32_t weights = n->weight_bits == WIDTH_OWN ? 0 : n->weight_bits;

    if (network_resnet_cifar(&r->network, &cfg, &r->msg) ||
        network_carry(&r->network, values, weights, &r->msg))
        fail_msg("%s", r->msg.text);
}

static struct layer *add_layer(struct network *n, const char *name)
{
    n->layer = realloc(n->layer, (n->n_layer + 1) * sizeof *n->layer);
    assert_non_null(n->layer);
    struct layer *l = &n->layer[n->n_layer++];
    *l = (struct layer){ .name = copy_text(name), .groups = 1, .out_scale = 1 };
    return l;
}

void rig_image(struct plan_rig *r, uint32_t height, uint32_t width, uint32_t channels)
{
    struct layer *l;

    r->network = (struct network){ .name = copy_text("by-hand") };
    l = add_layer(&r->network, "image");
    l->kind = LAYER_IMAGE;
    l->out = (struct shape){ height, width, channels };
    l->out_signed = true;
}

static uint32_t outputs(const struct window *w, int axis, uint32_t in)
{
    uint32_t reach = (w->kernel[axis] - 1) * w->dilation[axis] + 1;

    return (in + w->pad_before[axis] + w->pad_after[axis] - reach) / w->stride[axis] + 1;
}

struct layer *rig_layer(struct plan_rig *r, uint32_t input, uint32_t channels,
                        const struct window *w)
{
    char name[32];

    snprintf(name, sizeof name, "layer%u", r->network.n_layer);
    struct layer *l = add_layer(&r->network, name);
    l->kind = LAYER_CONV;
    l->n_input = 1;
    l->input = malloc(sizeof *l->input);
    assert_non_null(l->input);
    l->input[0] = input;
    l->in = layer_delivers(&r->network.layer[input]);
    l->window = *w;
    l->out = (struct shape){ outputs(w, 0, l->in.height), outputs(w, 1, l->in.width), channels };
    return l;
}

struct layer *rig_conv(struct plan_rig *r, uint32_t input, uint32_t channels, uint32_t kernel,
                       uint32_t stride)
{
    uint32_t pad = (kernel - 1) / 2;
    const struct window w = { .kernel = { kernel, kernel },
                              .stride = { stride, stride },
                              .dilation = { 1, 1 },
                              .pad_before = { pad, pad },
                              .pad_after = { pad, pad } };

    return rig_layer(r, input, channels, &w);
}

void rig_concat(struct plan_rig *r, uint32_t input)
{
    struct layer *l = &r->network.layer[r->network.n_layer - 1];

    l->input = realloc(l->input, (l->n_input + 1) * sizeof *l->input);
    assert_non_null(l->input);
    l->input[l->n_input++] = input;
    l->in.channels += r->network.layer[input].out.channels;
}

enum err rig_plan(struct plan_rig *r)
{
    plan_release(&r->plan);
    return plan_make(&r->plan, &r->network, &r->config, &r->msg);
}

enum err rig_make(struct plan_rig *r, const char *const *set)
{
    rig_config(r, set);
    rig_family(r);
    return rig_plan(r);
}

void rig_release(struct plan_rig *r)
{
    plan_release(&r->plan);
    network_release(&r->network);
    config_release(&r->config);
}

uint32_t rig_plan_layer(const struct plan_rig *r, const char *name)
{
    uint32_t i = network_find(&r->network, name);

    if (i == 0 || i >= r->network.n_layer)
        fail_msg("no layer %s", name);
    return i - 1;
}

uint32_t rig_core(const struct plan_rig *r, const char *name)
{
    for (uint32_t i = 0; i < r->plan.n_core; i++)
        if (strcmp(r->plan.core[i].name, name) == 0)
            return i;
    fail_msg("no core %s", name);
    return 0;
}
