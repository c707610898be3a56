/* network/spiking/neuron.c -- see neuron.h. */
#include "network/spiking/neuron.h"

#include <stdlib.h>
#include <string.h>

#include "core/round.h"
#include "network/network.h"

static int64_t leaked(uint32_t beta, int64_t v)
{
    return beta == NEURON_NO_LEAK ? v : round_nearest_even(v * beta, NEURON_LEAK_BITS);
}

/* What comes to V of output o. */
static int64_t current_of(const struct neuron *n, const struct neuron_step *s, uint32_t o)
{
    if (!s->j)
        return s->current[o];
    s->j[o] = leaked(n->synapse.alpha[o], s->j[o]) + s->current[o];
    return round_nearest_even(s->j[o] * n->synapse.out[o], NEURON_LEAK_BITS) + n->synapse.leak[o];
}

static int64_t clamped(const struct neuron *n, uint32_t o, int64_t v)
{
    if (n->floor != NEURON_UNBOUNDED && v < n->floor * n->theta[o])
        return n->floor * n->theta[o];
    if (n->ceiling != NEURON_UNBOUNDED && v > n->ceiling * n->theta[o])
        return n->ceiling * n->theta[o];
    return v;
}

static int32_t spikes_of(const struct neuron *n, int64_t v, int64_t theta)
{
    if (n->most == 1)
        return v >= theta;
    return v < theta ? 0 : v / theta > n->most ? n->most : (int32_t)(v / theta);
}

/* Neither leak nor synapse nor bounds, and at most one spike: the plain rule, in few operations. */
static unsigned fire_plainly(const struct neuron *n, const struct neuron_step *s)
{
    const uint32_t weight = s->weight, least = s->least_weight;
    int64_t fired = 0, ready = 0;

    for (uint32_t o = 0; o < s->n; o++) {
        const int64_t theta = n->theta[o] << weight;
        int64_t v = s->v[o] + s->current[o];
        int64_t spike = v >= theta;
        v -= theta & -spike;
        ready |= v >= n->theta[o] << least;
        fired |= spike;
        s->v[o] = v;
        s->spikes[o] = (int32_t)spike;
    }
    return (fired ? NEURON_FIRED : 0) | (ready ? NEURON_READY : 0);
}

static unsigned fire(const struct neuron *n, const struct neuron_step *s)
{
    unsigned state = 0;

    if (s->plain)
        return fire_plainly(n, s);
    for (uint32_t o = 0; o < s->n; o++) {
        const int64_t theta = n->theta[o] << s->weight;
        int64_t v = leaked(n->beta[o], s->v[o]) + current_of(n, s, o);
        if (n->reset == NEURON_DELAYED)
            v -= theta * s->spikes[o]; // steps weigh alike
        v = clamped(n, o, v);
        int32_t spikes = spikes_of(n, v, theta);
        if (n->reset == NEURON_SUBTRACT)
            v -= theta * spikes;
        else if (n->reset == NEURON_ZERO && spikes > 0)
            v = n->reset_to ? n->reset_to[o] : 0;
        s->v[o] = v;
        s->spikes[o] = spikes;
        state |= (spikes > 0 ? NEURON_FIRED : 0) |
                 (v >= n->theta[o] << s->least_weight ? NEURON_READY : 0);
    }
    return state;
}

static unsigned accumulate(const struct neuron *n, const struct neuron_step *s)
{
    for (uint32_t o = 0; o < s->n; o++)
        s->v[o] = clamped(n, o, leaked(n->beta[o], s->v[o]) + current_of(n, s, o));
    return 0;
}

static unsigned pass(const struct neuron *n, const struct neuron_step *s)
{
    (void)n;
    memcpy(s->v, s->current, s->n * sizeof *s->v);
    return 0;
}

static bool leaks(const struct neuron *n)
{
    bool leaks = n->synapse.alpha;

    for (uint32_t o = 0; o < n->n; o++)
        leaks |= n->beta[o] != NEURON_NO_LEAK;
    return leaks;
}

bool neuron_rests(const struct neuron *n)
{
    return !n->kind->delivers_current && n->reset != NEURON_DELAYED && !leaks(n) &&
           (n->floor == NEURON_UNBOUNDED || n->floor == 0);
}

bool neuron_is_plain(const struct neuron *n)
{
    return n->reset == NEURON_SUBTRACT && n->most == 1 && !leaks(n) &&
           n->floor == NEURON_UNBOUNDED && n->ceiling == NEURON_UNBOUNDED;
}

const struct neuron_kind neuron_kinds[] = {
    { "if", "integrates and fires", true, false, false, fire },
    { "lif", "leaks neuron.beta, integrates and fires", true, true, false, fire },
    { "accumulate", "adds up and never fires, as a network's last layer", false, false, false,
      accumulate },
    { "current", "remembers nothing and hands its current on", false, false, true, pass },
    { 0 }
};

const struct neuron_kind *neuron_kind_find(const char *name)
{
    for (const struct neuron_kind *k = neuron_kinds; k->name; k++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}

uint64_t network_neurons(const struct network *n, uint32_t layer)
{
    const struct layer *l = &n->layer[layer];

    return l->neuron && !l->neuron->kind->delivers_current
               ? (uint64_t)l->out.height * l->out.width * l->out.channels
               : 0;
}

uint64_t network_state_words(const struct network *n, uint32_t layer)
{
    const struct neuron *u = n->layer[layer].neuron;

    return n->present.by_output ? 0
                                : network_neurons(n, layer) * (u && u->synapse.alpha ? 2 : 1);
}

struct neuron *neuron_new(const struct neuron_kind *kind, uint32_t n, bool residual)
{
    struct neuron *new = calloc(1, sizeof *new);

    if (!new)
        return NULL;
    *new = (struct neuron){ .kind = kind, .n = n, .floor = NEURON_UNBOUNDED,
                            .ceiling = NEURON_UNBOUNDED, .most = 1,
                            .beta = calloc(n, sizeof *new->beta),
                            .theta = calloc(n, sizeof *new->theta),
                            .m = calloc(n, sizeof *new->m), .b = calloc(n, sizeof *new->b),
                            .mr = residual ? calloc(n, sizeof *new->mr) : NULL };
    if (!new->beta || !new->theta || !new->m || !new->b || (residual && !new->mr)) {
        neuron_free(new);
        return NULL;
    }
    for (uint32_t o = 0; o < n; o++)
        new->m[o] = 1;
    neuron_set_leak(new, NEURON_NO_LEAK);
    return new;
}

void neuron_set_leak(struct neuron *n, uint32_t beta)
{
    for (uint32_t o = 0; o < n->n; o++)
        n->beta[o] = beta;
}

void neuron_free(struct neuron *n)
{
    if (!n)
        return;
    free(n->beta);
    free(n->reset_to);
    free(n->synapse.alpha);
    free(n->synapse.out);
    free(n->synapse.leak);
    free(n->delay);
    free(n->theta);
    free(n->m);
    free(n->b);
    free(n->mr);
    free(n);
}
