/* network/host.c -- see network/host.h. */
#include "network/host.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static enum err refuse_reader(const struct network *n, uint32_t layers, uint32_t reader,
                              uint32_t read, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "network.host_layers = %" PRIu32 ": layer %s reads %s, which is "
                   "before layer %s, the host's last: want as many layers that only the last of "
                   "them is read", layers, n->layer[reader].name, n->layer[read].name,
                   n->layer[layers].name);
}

static enum err check(const struct network *n, uint32_t layers, struct err_msg *m)
{
    const struct layer *last;

    if (layers + 1 >= n->n_layer)
        return err_set(m, ERR_INPUT, "network.host_layers = %" PRIu32 ": network %s has %" PRIu32
                       " layers: want at most %" PRIu32, layers, n->name, n->n_layer - 1,
                       n->n_layer - 2);
    last = &n->layer[layers];
    if (last->raw_output)
        return err_set(m, ERR_INPUT, "network.host_layers = %" PRIu32 ": layer %s delivers sums: "
                       "want one whose values are rounded", layers, last->name);
    for (uint32_t i = layers + 1; i < n->n_layer; i++) {
        const struct layer *l = &n->layer[i];
        for (uint32_t k = 0; k < l->n_input; k++)
            if (l->input[k] < layers)
                return refuse_reader(n, layers, i, l->input[k], m);
        if (l->has_residual && l->residual < layers)
            return refuse_reader(n, layers, i, l->residual, m);
    }
    for (uint32_t k = 0; k < n->n_end; k++)
        if (n->end[k].layer <= layers)
            return err_set(m, ERR_INPUT, "network.host_layers = %" PRIu32 ": output %s of the "
                           "model is of the host's layers: want fewer", layers, n->end[k].value);
    return ERR_NONE;
}

/* What the host's last layer delivers, as an image. */
static bool make_image(struct layer *image, const struct layer *last)
{
    *image = (struct layer){
        .name = strdup(last->name), .kind = LAYER_IMAGE, .groups = 1, .out = layer_delivers(last),
        .out_signed = last->out_signed, .value_bits = last->value_bits, .out_zero = last->out_zero,
        .out_scale = last->out_scale,
    };
    return image->name != NULL;
}

static void follow(struct network *n, uint32_t layers)
{
    for (uint32_t i = 1; i < n->n_layer; i++) {
        struct layer *l = &n->layer[i];
        for (uint32_t k = 0; k < l->n_input; k++)
            l->input[k] -= layers;
        l->residual -= l->has_residual ? layers : 0;
    }
    for (uint32_t k = 0; k < n->n_end; k++)
        n->end[k].layer -= layers;
}

enum err network_give_to_host(struct network *n, uint32_t layers, struct err_msg *m)
{
    enum err e = check(n, layers, m);

    if (e)
        return e;
    struct network *host = calloc(1, sizeof *host);
    struct layer *rest = calloc(n->n_layer - layers, sizeof *rest), image;
    char *name = strdup(n->name);
    if (!host || !rest || !name || !make_image(&image, &n->layer[layers])) {
        free(host);
        free(rest);
        free(name);
        return err_set(m, ERR_MEMORY, "no memory for the host's layers");
    }
    memcpy(rest + 1, n->layer + layers + 1, (n->n_layer - layers - 1) * sizeof *rest);
    rest[0] = image;
    *host = *n;
    host->name = name;
    host->n_layer = layers + 1;
    host->end = NULL;
    host->n_end = 0;
    n->layer = rest;
    n->n_layer -= layers;
    n->image_is_bytes = n->image_channels_last = n->image_is_whole = false;
    n->table = NULL;
    n->present = (struct presentation){ 0 };
    n->host = host;
    follow(n, layers);
    return ERR_NONE;
}
