/* network/part.c -- see part.h. */
#include "network/part.h"

#include <stdlib.h>
#include <string.h>

#include "core/near_miss.h"
#include "network/spiking/neuron.h"

static enum err refuse(const struct network *n, const char *name, const char *what,
                       const char *want, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "network.layer = %.100s: %s in network %.100s: want %.100s", name,
                   what, n->name, want);
}

static enum err find(const struct network *n, const char *name, uint32_t *index, struct err_msg *m)
{
    const char **names = calloc(n->n_layer, sizeof *names), *other = NULL;
    uint32_t first = 1;

    *index = network_find(n, name);
    while (first + 1 < n->n_layer && layer_is_digital(&n->layer[first]))
        first++;
    for (uint32_t i = 1; names && i < n->n_layer; i++)
        names[i - 1] = n->layer[i].name;
    if (names)
        other = near_miss(name, names, n->n_layer - 1);
    free(names);
    const char *want = other ? other : n->layer[first].name;
    if (*index == 0 || *index == n->n_layer)
        return refuse(n, name, "no such layer", want, m);
    const struct neuron *neuron = n->layer[*index].neuron;
    if (layer_is_digital(&n->layer[*index]))
        return refuse(n, name, "no weights", n->layer[first].name, m);
    if (n->layer[*index].has_residual || (neuron && neuron->kind->delivers_current))
        return refuse(n, name, "a part of a sum", "one that reads maps alone", m);
    return ERR_NONE;
}

/* Its only input, all channels in one. */
static bool make_image(struct layer *image, const struct network *n, const struct layer *l)
{
    const struct layer *from = &n->layer[l->input[0]];

    *image = (struct layer){
        .name = strdup(from->name), .kind = LAYER_IMAGE, .groups = 1, .out = l->in,
        .out_signed = from->out_signed, .value_bits = from->value_bits, .out_zero = from->out_zero,
        .out_scale = from->out_scale,
    };
    return image->name != NULL;
}

enum err network_keep_layer(struct network *n, const char *name, struct err_msg *m)
{
    struct layer *two, image;
    uint32_t index;
    enum err e = find(n, name, &index, m);

    if (e)
        return e;
    two = calloc(2, sizeof *two);
    if (!two || !make_image(&image, n, &n->layer[index])) {
        free(two);
        return err_set(m, ERR_MEMORY, "no memory for the network");
    }
    two[0] = image;
    two[1] = n->layer[index];
    n->layer[index] = (struct layer){ 0 }; // the others are released
    struct network rest = { .layer = n->layer, .n_layer = n->n_layer, .end = n->end,
                            .n_end = n->n_end, .table = n->table };
    network_release(&rest);
    n->layer = two;
    n->n_layer = 2;
    n->end = NULL;
    n->n_end = 0;
    n->table = NULL;
    n->image_is_bytes = n->image_channels_last = n->image_is_whole = false;
    two[1].n_input = 1;
    two[1].input[0] = 0;
    return ERR_NONE;
}
