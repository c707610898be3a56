/* test/random_spiking.c -- see random_spiking.h. */
#include "test/random_spiking.h"

#include <stdlib.h>
#include <string.h>

#include "network/spiking/neuron.h"

uint32_t random_draw(struct random_draws *d, uint32_t n)
{
    return (uint32_t)(rng_u64(d->rng, d->at++) % n);
}

/* Room for scales, which neurons do without. */
static void state_rounding(struct layer *l, uint32_t value_bits)
{
    const uint32_t n = layer_n_scale(l);

    l->value_bits = value_bits;
    l->requant.m = calloc(n, sizeof *l->requant.m);
    l->requant.b = calloc(n, sizeof *l->requant.b);
    l->requant.shift = calloc(n, sizeof *l->requant.shift);
    l->requant.mr = l->has_residual ? calloc(n, sizeof *l->requant.mr) : NULL;
    l->requant.high = value_bits ? (1 << value_bits) - 1 : 0;
}

/* What hands its sums on. */
static void make_current(struct layer *l)
{
    l->neuron = neuron_new(neuron_kind_find("current"), l->out.channels, false);
    for (uint32_t o = 0; o < l->out.channels; o++)
        l->neuron->b[o] = o;
    state_rounding(l, 16);
    l->out_signed = true;
}

static void draw_neuron(struct layer *l, struct random_draws *d, bool last, bool periodic)
{
    static const enum neuron_reset resets[] = { NEURON_SUBTRACT, NEURON_SUBTRACT, NEURON_ZERO,
                                                NEURON_NO_RESET, NEURON_DELAYED };
    struct neuron *n = neuron_new(neuron_kind_find(last ? "accumulate" : "lif"), l->out.channels,
                                  l->has_residual);

    l->neuron = n;
    n->reset = resets[random_draw(d, periodic ? 4 : 5)];
    n->most = random_draw(d, 3) == 0 ? 3 : 1;
    for (uint32_t o = 0, leaks = random_draw(d, d->quiet ? 4 : 2) == 0; leaks && o < n->n; o++)
        n->beta[o] = random_draw(d, NEURON_NO_LEAK);
    n->floor = random_draw(d, 4) == 0 ? 0 : NEURON_UNBOUNDED;
    for (uint32_t o = 0; o < l->out.channels; o++) {
        n->m[o] = 1 + random_draw(d, 5);
        n->b[o] = d->quiet ? 0 : (int64_t)random_draw(d, 100) - 50;
        n->theta[o] = 1 + random_draw(d, 400);
        if (n->mr)
            n->mr[o] = (int64_t)random_draw(d, 200) - 100;
    }
    state_rounding(l, last ? 0 : 8);
}

/* left: layers behind it. */
static void draw_layer(struct plan_rig *r, struct random_draws *d, uint32_t index, uint32_t left,
                       bool periodic)
{
    const bool last = left == 0, before_last = left == 1;
    const struct shape in = layer_delivers(&r->network.layer[index - 1]);
    const uint32_t k = 1 + random_draw(d, 3), pad = random_draw(d, 2);
    struct window w = { .kernel = { k < in.height ? k : 1, k < in.width ? k : 1 },
                        .stride = { 1 + random_draw(d, 2), 1 + random_draw(d, 2) },
                        .dilation = { 1, 1 }, .pad_before = { pad, random_draw(d, 2) },
                        .pad_after = { random_draw(d, 2), pad } };
    if (last && random_draw(d, 2)) // classes, and no map of them
        w = (struct window){ .kernel = { in.height, in.width }, .stride = { 1, 1 },
                             .dilation = { 1, 1 } };
    const bool pools_currents = r->network.layer[index - 1].neuron &&
                                r->network.layer[index - 1].neuron->kind->delivers_current;
    if (pools_currents)
        w = (struct window){ .kernel = { 1 + in.height / 2, 1 + in.width / 2 },
                             .stride = { 1, 2 }, .dilation = { 1, 1 } };
    const bool pools = pools_currents ||
                       (!last && in.height > 2 && in.width > 2 && random_draw(d, 4) == 0);
    const bool grouped = !pools && in.channels % 2 == 0 && random_draw(d, 3) == 0;
    const uint32_t channels = pools ? in.channels : 2 * (1 + random_draw(d, 12));
    struct layer *l = rig_layer(r, index - 1, channels, &w);

    l->groups = pools ? channels : grouped ? 2 : 1;
    if (pools) {
        l->kind = LAYER_AVERAGE_POOL;
        if (pools_currents)
            draw_neuron(l, d, false, periodic);
        else
            state_rounding(l, 8);
        return;
    }
    l->weight = malloc((size_t)layer_kernel_rows(l) * channels);
    for (size_t i = 0; i < (size_t)layer_kernel_rows(l) * channels; i++)
        l->weight[i] = (int8_t)((int32_t)random_draw(d, 255) - 127);
    if (!last && !before_last && random_draw(d, 4) == 0) {
        make_current(l);
        return;
    }
    for (uint32_t other = 1; other < index && !l->has_residual; other++)
        if (memcmp(&r->network.layer[other].out, &l->out, sizeof l->out) == 0 &&
            r->network.layer[other].neuron && !r->network.layer[other].out_signed) {
            l->has_residual = true;
            l->residual = other;
        }
    l->raw_output = l->out_signed = last;
    draw_neuron(l, d, last, periodic);
}

struct random_draws random_spiking_make(struct plan_rig *r, uint64_t seed, uint32_t steps,
                                        const char *const *machine)
{
    static const char *const codes[] = { "rate", "phase" };
    struct random_draws d = { .rng = rng_at(seed, "network") };
    const uint32_t layers = 2 + random_draw(&d, 5);
    const bool periodic = random_draw(&d, 2);

    d.quiet = random_draw(&d, 2);
    rig_config(r, machine);
    const uint32_t height = 3 + random_draw(&d, 5), width = 3 + random_draw(&d, 5);
    rig_image(r, height, width, 1 + random_draw(&d, 3));
    r->network.has_values = true;
    r->network.layer[0].out_signed = false;
    r->network.present = (struct presentation){ .coding = coding_find(codes[periodic]),
                                                .steps = steps };
    r->network.present.bare = !periodic && random_draw(&d, 2);
    for (uint32_t i = 1; i <= layers; i++)
        draw_layer(r, &d, i, layers - i, periodic);
    return d;
}
