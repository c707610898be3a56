/* study/present.c -- see present.h. */
#include "study/present.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network/spiking/convert.h"
#include "network/spiking/reach.h"
#include "study/neurons.h"

static enum err refuse_key(const struct config *c, const char *key, const char *value,
                           const char *want, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "%.400s: %s = %.100s: want %s", config_where(c, key), key, value,
                   want);
}

enum { MOST_KINDS = 32 };

struct kinds { // for an error
    const char *name[MOST_KINDS];
    size_t      n;
    char        text[256]; // "rate, phase or events"
};

static void add_kind(struct kinds *k, const char *name)
{
    if (k->n < MOST_KINDS)
        k->name[k->n++] = name;
}

static const char *kinds_text(struct kinds *k)
{
    size_t at = 0;

    for (size_t i = 0; i < k->n && at < sizeof k->text; i++)
        at += (size_t)snprintf(k->text + at, sizeof k->text - at, "%s%s",
                               i == 0 ? "" : i + 1 < k->n ? ", " : " or ", k->name[i]);
    return k->text;
}

/* Codings: whether those of one step count too, and those whose steps weigh differently. */
static struct kinds codings_of(bool once, bool periodic)
{
    struct kinds k = { .n = 0 };

    for (const struct coding *c = codings; c->name; c++)
        if ((once || !c->once) && (periodic || !c->periodic))
            add_kind(&k, c->name);
    return k;
}

static bool has_neurons(const struct config *c)
{
    return c->network.nir[0] != '\0' || strcmp(c->neuron.kind, "requantize") != 0;
}

enum err present_read(struct presentation *p, const struct config *c, struct err_msg *m)
{
    const struct input_cfg *in = &c->input;
    const bool neurons = has_neurons(c), nir = c->network.nir[0] != '\0';

    struct kinds all = codings_of(true, true), of_steps = codings_of(false, true),
                 alike = codings_of(false, false);
    char want[320];

    *p = (struct presentation){ .coding = coding_find(in->coding), .steps = in->steps,
                                .level = in->level, .crop = in->crop, .seed = in->seed,
                                .bin_us = in->bin_us, .by_output = in->order == ORDER_OUTPUT,
                                .bare = nir, .lead = in->lead };
    if (!p->coding)
        return refuse_key(c, "input.coding", in->coding, kinds_text(&all), m);
    if (p->coding->once && in->steps > 1) {
        snprintf(want, sizeof want, "%s, whose steps differ, or input.steps = 1",
                 kinds_text(&of_steps));
        return refuse_key(c, "input.coding", in->coding, want, m);
    }
    if (!p->coding->once && !neurons)
        return refuse_key(c, "input.coding", in->coding, "outputs that remember from step to step: "
                          "neuron.kind = if or lif", m);
    if (neurons && p->coding->once)
        return refuse_key(c, nir ? "input.coding" : "neuron.kind",
                          nir ? in->coding : c->neuron.kind,
                          "steps: input.coding = phase, rate, events or "
                          "bernoulli, and input.steps", m);
    if (p->lead > 0 && !neurons)
        return refuse_key(c, "input.lead", "given", "outputs that remember from step to step: "
                          "neuron.kind = if or lif", m);
    if (p->by_output && !neurons)
        return refuse_key(c, "input.order", "output", "outputs that remember from step to step: "
                          "neuron.kind = if or lif", m);
    if (p->coding->periodic && nir) {
        snprintf(want, sizeof want, "%s: the steps of network.nir weigh alike",
                 kinds_text(&alike));
        return refuse_key(c, "input.coding", in->coding, want, m);
    }
    if (p->coding->periodic && in->steps % CODING_PERIOD != 0)
        return refuse_key(c, "input.steps", "not whole periods", "a multiple of 8", m);
    return ERR_NONE;
}

enum err present_nir(struct nir_cfg *nir, const struct config *c, const struct presentation *p,
                     struct err_msg *m)
{
    static const char *const of_file[] = { "neuron.kind", "neuron.beta", "neuron.theta",
                                           "neuron.reset", "neuron.skip_periods",
                                           "neuron.layers" };

    for (size_t i = 0; i < sizeof of_file / sizeof *of_file; i++)
        if (!config_is_default(c, of_file[i]))
            return err_set(m, ERR_INPUT, "%.400s: %s: the file of network.nir says what its "
                           "neurons do: want it left out", config_where(c, of_file[i]),
                           of_file[i]);
    *nir = (struct nir_cfg){
        .dt_us = (double)c->nir.dt_us / (double)PARAM_BILLION,
        .reset = (enum nir_reset)c->nir.reset, .weights = (enum nir_weights)c->nir.weights,
        .most = c->neuron.most, .image_bits = p->coding->recorded ? 8 : 1,
        .steps = presentation_steps(p),
        .fraction_bits = c->neuron.fraction_bits,
        .floor = c->neuron.floor, .ceiling = c->neuron.ceiling,
    };
    return ERR_NONE;
}

/* Keys that speak of a file's neurons. */
static enum err refuse_nir_keys(const struct config *c, struct err_msg *m)
{
    static const char *const keys[] = { "nir.dt_us", "nir.reset", "nir.weights" };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!config_is_default(c, keys[i]))
            return err_set(m, ERR_INPUT, "%.400s: %s without a model: want network.nir too",
                           config_where(c, keys[i]), keys[i]);
    return ERR_NONE;
}

/* Pixels that are 1 or 0, of a network that means them so. */
static enum err take_bits(struct network *n, const struct config *c, struct err_msg *m)
{
    struct layer *image = &n->layer[0];

    if (image->out_signed || image->out_zero != 0)
        return refuse_key(c, "input.coding", c->input.coding, "a network whose input is unsigned "
                          "and whose zero point is 0, or value", m);
    image->value_bits = 1;
    return ERR_NONE;
}

enum err present_network(struct network *n, const struct config *c, struct err_msg *m)
{
    const struct neuron_params *p = &c->neuron;
    const struct neuron_kind *kind = neuron_kind_find(p->kind);
    const bool neurons = strcmp(p->kind, "requantize") != 0;
    struct neuron_cfg *cfg;

    if (c->network.nir[0] != '\0')
        return present_read(&n->present, c, m);
    if (neurons && (!kind || !kind->fires)) {
        struct kinds known = { .name = { "requantize" }, .n = 1 };
        for (const struct neuron_kind *k = neuron_kinds; k->name; k++)
            if (k->fires)
                add_kind(&known, k->name);
        return refuse_key(c, "neuron.kind", p->kind, kinds_text(&known), m);
    }
    enum err e = refuse_nir_keys(c, m);
    if (!e)
        e = present_read(&n->present, c, m);
    if (!e && !neurons && presentation_is_coded(&n->present))
        e = take_bits(n, c, m);
    if (e || !neurons)
        return e;
    e = neurons_of(&cfg, c, n, m);
    if (e)
        return e;
    e = network_make_spiking(n, cfg, m);
    free(cfg);
    if (e)
        err_prefix(m, config_where(c, "neuron.kind"));
    return e ? e : network_check(n, m);
}

void present_note(struct config *c, const struct network *n)
{
    uint32_t layers = 0, first = 0;
    double share = 0;
    char more[48] = "";

    for (uint32_t i = 1; i < n->n_layer; i++) {
        double most;
        uint32_t out = spiking_out_of_reach(n, i, &most);
        if (out == n->layer[i].out.channels && layers++ == 0) {
            first = i;
            share = most;
        }
    }
    if (layers == 0)
        return;
    if (layers > 1)
        snprintf(more, sizeof more, "; so it is in %" PRIu32 " more layers", layers - 1);
    notes_add(&c->notes, "layer %s: no neuron can ever fire: spikes on all inputs in all steps "
              "bring them to %.3g of their threshold at most%s", n->layer[first].name, share, more);
}
