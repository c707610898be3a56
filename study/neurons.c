/* study/neurons.c -- see neurons.h. */
#include "study/neurons.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/near_miss.h"
#include "network/spiking/coding.h"

struct holder { // so that keys are called as those of all layers
    struct neuron_params neuron;
};

static const struct param own_rows[] = { NEURON_PARAMS(struct holder, neuron), PARAM_END };

enum { N_OWN = sizeof own_rows / sizeof *own_rows - 1 };

static const char of_layers[] = "neuron.layers";

static enum err refuse(const struct config *c, const char *layer, const char *what,
                       struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "%.400s: %s.%.100s: %s", config_where(c, of_layers), of_layers,
                   layer, what);
}

/* ---- one layer ---- */

static uint32_t beta_of(const struct neuron_params *p, const struct neuron_kind *kind)
{
    return kind->leaks ? (uint32_t)((p->beta * NEURON_NO_LEAK + PARAM_BILLION / 2) / PARAM_BILLION)
                       : NEURON_NO_LEAK;
}

/* NULL where all is well, else what is wrong, with its cure. */
static const char *take(struct neuron_cfg *to, const struct neuron_params *p,
                        const struct presentation *present)
{
    const struct neuron_kind *kind = neuron_kind_find(p->kind);

    if (!kind || !kind->fires)
        return "neuron.kind: no kind that fires: want if or lif";
    if (p->reset == NEURON_DELAYED && present->coding->periodic)
        return "neuron.reset = delayed: want subtract where steps weigh differently";
    *to = (struct neuron_cfg){
        .kind = kind, .beta = beta_of(p, kind), .theta = p->theta,
        .reset = (enum neuron_reset)p->reset, .floor = p->floor, .ceiling = p->ceiling,
        .most = (int32_t)p->most, .skip = p->skip_periods * CODING_PERIOD,
        .fraction_bits = p->fraction_bits == NEURON_FRACTION_AUTO ? 0 : p->fraction_bits,
    };
    return NULL;
}

/* ---- by name ---- */

/* Fields that the map gives; the others stay. */
static enum err read_fields(struct neuron_params *p, const struct config *c, const char *layer,
                            json_t *map, struct err_msg *m)
{
    static const char source[] = "neuron.layers";
    struct holder own = { 0 };
    char *where[N_OWN] = { 0 }, *text = NULL;
    struct yaml root = { 0 };
    json_t *tree = json_pack("{s:O}", "neuron", map);
    enum err e = ERR_MEMORY;

    if (tree)
        text = json_dumps(tree, PARAM_JSON);
    if (text)
        e = yaml_load_text(&root, source, text, strlen(text), m);
    if (text && !e)
        e = param_read(own_rows, &own, &root, where, m);
    for (size_t i = 0; i < N_OWN; i++) {
        if (!e && where[i])
            memcpy((char *)p + own_rows[i].offset, (char *)&own + own_rows[i].offset,
                   own_rows[i].size);
        free(where[i]);
    }
    yaml_release(&root);
    free(text);
    json_decref(tree);
    if (e == ERR_MEMORY)
        return err_set(m, e, "no memory for neurons");
    if (!e)
        return e;
    const struct err_msg whole = *m;
    const char *told = strncmp(whole.text, source, strlen(source)) == 0 &&
                               strstr(whole.text, ": ")
                           ? strstr(whole.text, ": ") + 2
                           : whole.text; // without a line of the map's text
    return refuse(c, layer, told, m);
}

static enum err unknown_layer(const struct config *c, const struct network *n, const char *layer,
                              struct err_msg *m)
{
    const char **names = calloc(n->n_layer, sizeof *names);
    char what[400];
    const char *meant;

    for (uint32_t i = 0; names && i < n->n_layer; i++)
        names[i] = n->layer[i].name;
    meant = names ? near_miss(layer, names + 1, n->n_layer - 1) : NULL;
    if (!meant)
        meant = n->layer[1].name;
    snprintf(what, sizeof what, "the network has no such layer: want one that it has, such as "
             "%.200s", meant);
    free(names);
    return refuse(c, layer, what, m);
}

static enum err take_layer(struct neuron_cfg *cfg, const struct config *c, const struct network *n,
                           const char *layer, json_t *map, struct err_msg *m)
{
    const uint32_t i = network_find(n, layer);
    struct neuron_params p = c->neuron;

    if (i == n->n_layer || i == 0)
        return unknown_layer(c, n, layer, m);
    enum err e = read_fields(&p, c, layer, map, m);
    const char *wrong = e ? NULL : take(&cfg[i], &p, &n->present);
    if (!e && !wrong && p.beta != c->neuron.beta && !cfg[i].kind->leaks)
        wrong = "neuron.beta: its kind does not leak: want kind: lif too, or no beta";
    return wrong ? refuse(c, layer, wrong, m) : e;
}

enum err neurons_of(struct neuron_cfg **cfg, const struct config *c, const struct network *n,
                    struct err_msg *m)
{
    json_t *all = param_map(c->neuron.layers), *map;
    struct neuron_cfg *own = calloc(n->n_layer, sizeof *own);
    enum err e = own && all ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for neurons");
    const char *layer;

    *cfg = NULL;
    for (uint32_t i = 0; !e && i < n->n_layer; i++) {
        const char *wrong = take(&own[i], &c->neuron, &n->present);
        if (wrong)
            e = err_set(m, ERR_INPUT, "%.400s: %s", config_where(c, "neuron.reset"), wrong);
    }
    json_object_foreach(all, layer, map)
        if (!e)
            e = take_layer(own, c, n, layer, map, m);
    json_decref(all);
    if (e)
        free(own);
    else
        *cfg = own;
    return e;
}
