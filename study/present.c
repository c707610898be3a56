/* study/present.c -- see present.h. */
#include "study/present.h"

#include <string.h>

#include "network/spiking/convert.h"

static enum err refuse_key(const struct config *c, const char *key, const char *value,
                           const char *want, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "%.400s: %s = %.100s: want %s", config_where(c, key), key, value,
                   want);
}

/* How images are presented. */
static enum err present(struct presentation *p, const struct config *c, bool neurons,
                        struct err_msg *m)
{
    const struct input_cfg *in = &c->input;

    *p = (struct presentation){ .coding = coding_find(in->coding), .steps = in->steps,
                                .level = in->level, .crop = in->crop, .seed = in->seed };
    if (!p->coding)
        return refuse_key(c, "input.coding", in->coding, "value, binary, rate, phase or bernoulli",
                          m);
    if (p->coding->once && in->steps > 1)
        return refuse_key(c, "input.coding", in->coding, "rate, phase or bernoulli, whose steps "
                          "differ, or input.steps = 1", m);
    if (!p->coding->once && !neurons)
        return refuse_key(c, "input.coding", in->coding, "outputs that remember from step to step: "
                          "neuron.kind = if or lif", m);
    if (neurons && p->coding->once)
        return refuse_key(c, "neuron.kind", c->neuron.kind, "steps: input.coding = phase, rate or "
                          "bernoulli, and input.steps", m);
    if (p->coding->periodic && in->steps % CODING_PERIOD != 0)
        return refuse_key(c, "input.steps", "not whole periods", "a multiple of 8", m);
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
    const struct neuron_cfg cfg = {
        .kind = kind,
        .beta = (uint32_t)((p->beta * NEURON_NO_LEAK + PARAM_BILLION / 2) / PARAM_BILLION),
        .theta = p->theta, .reset = (enum neuron_reset)p->reset,
        .floor = p->floor, .ceiling = p->ceiling,
        .most = (int32_t)p->most, .skip = p->skip_periods * CODING_PERIOD,
        .fraction_bits = p->fraction_bits,
    };

    if (neurons && (!kind || !kind->fires))
        return refuse_key(c, "neuron.kind", p->kind, "requantize, if or lif", m);
    enum err e = present(&n->present, c, neurons, m);
    if (!e && !neurons && presentation_is_coded(&n->present))
        e = take_bits(n, c, m);
    if (e || !neurons)
        return e;
    if (cfg.reset == NEURON_DELAYED && n->present.coding->periodic)
        return refuse_key(c, "neuron.reset", "delayed", "subtract where steps weigh "
                          "differently", m);
    e = network_make_spiking(n, &cfg, m);
    if (e)
        err_prefix(m, config_where(c, "neuron.kind"));
    return e ? e : network_check(n, m);
}
