/* nir/op_neuron.c -- neurons: their equations in steps, and a layer's weights and constants
 * as whole numbers. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "nir/build.h"
#include "network/precision.h"

enum {
    LEAK_ONE = NEURON_NO_LEAK, // of beta, alpha and gains
    INT8_STEPS = 127,
    MOST_BITS = 61, MOST_LEAKING_BITS = MOST_BITS - NEURON_LEAK_BITS
};

#define US_PER_S 1e6

/* ---- what a node reads ---- */

struct sources {
    uint32_t layer;                // whose currents they are
    const double *worth;           // of a spike of each channel, without weights; NULL: 1
    const struct nir_signal *more; // the other, if it reads two
};

/* Spikes without weights: each neuron its own input. */
static enum err add_identity(struct nir_build *b, uint32_t node, const struct nir_signal *from,
                             struct sources *s)
{
    struct layer *l = nir_add_layer(b, node, from);
    struct nir_real *real = &b->real[b->network->n_layer - 1];

    if (!l)
        return nir_no_memory(b);
    if (from->flat && from->shape.height * from->shape.width > 1)
        return nir_refuse(b, node, "reads a map that was flattened", "no Flatten in front of it");
    l->kind = LAYER_SCALE;
    l->groups = l->in.channels;
    l->out = l->in;
    real->bias = calloc(l->out.channels, sizeof *real->bias);
    s->layer = b->network->n_layer - 1;
    s->worth = from->factor;
    return real->bias ? ERR_NONE : nir_no_memory(b);
}

static bool same_shape(const struct shape *a, const struct shape *b)
{
    return a->height == b->height && a->width == b->width && a->channels == b->channels;
}

/* Of two the later layer has the neurons, and adds the other as a residual. */
static enum err find_sources(struct nir_build *b, uint32_t node, struct sources *s)
{
    const struct nir_node *n = &b->graph->node[node];
    const struct nir_signal *main = n->n_from > 0 ? &b->signal[n->from[0]] : NULL;

    *s = (struct sources){ 0 };
    if (n->n_from < 1 || n->n_from > 2)
        return nir_refuse(b, node, "reads no node, or more than two", "one or two");
    if (n->n_from == 2) {
        const struct nir_signal *other = &b->signal[n->from[1]];
        bool second = other->current && (!main->current || other->layer > main->layer);
        s->more = second ? main : other;
        main = second ? other : main;
        if ((main->current && b->real[main->layer].pooled) ||
            (s->more->current && b->real[s->more->layer].pooled))
            return nir_refuse(b, node, "adds pooled currents", "neurons in front of the pool");
        if (!main->current || !same_shape(&main->shape, &s->more->shape))
            return nir_refuse(b, node, "adds what has no weights, or another shape",
                              "the sums of weights and a map of their shape");
    }
    if (!main->current)
        return add_identity(b, node, main, s);
    s->layer = main->layer;
    if (b->network->layer[main->layer].neuron)
        return nir_refuse(b, node, "reads sums that other neurons read", "weights of its own");
    return ERR_NONE;
}

/* ---- weights ---- */

static double largest(const double *v, size_t n)
{
    double most = 0;

    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(v[i]));
    return most;
}

static bool are_whole(const double *v, size_t n, double least, double most)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] != floor(v[i]) || v[i] < least || v[i] > most)
            return false;
    return true;
}

/* u of a layer's weights; 0 where they are to be taken as given and cannot. */
static double find_unit(const struct nir_cfg *cfg, const double *v, size_t n)
{
    bool whole = are_whole(v, n, INT16_MIN, INT16_MAX);

    if (cfg->weights == NIR_WEIGHTS_GIVEN)
        return whole ? 1 : 0;
    if (cfg->weights == NIR_WEIGHTS_AUTO && are_whole(v, n, INT8_MIN, INT8_MAX))
        return 1;
    double most = largest(v, n);
    return most > 0 ? most / INT8_STEPS : 1;
}

/* Of weights that are what they were: 1 of +1 and -1. */
static uint32_t bits_of(const struct layer *l, size_t n)
{
    int32_t least = 0, most = 0;
    bool signs = true;

    for (size_t i = 0; i < n; i++) {
        int32_t w = layer_weight(l, i);
        least = min_i32(least, w);
        most = max_i32(most, w);
        signs &= w == 1 || w == -1;
    }
    return signs ? 1 : value_bits_for(least, most, true);
}

static enum err take_weights(struct nir_build *b, uint32_t node, uint32_t layer)
{
    struct layer *l = &b->network->layer[layer];
    const double *v = b->real[layer].weight;
    const size_t n = (size_t)layer_kernel_rows(l) * l->out.channels;
    struct nir_real *scale = &b->real[layer];

    if (scale->unit == 0)
        scale->unit = 1;
    if (!v)
        return ERR_NONE;
    scale->unit = find_unit(b->cfg, v, n);
    if (scale->unit == 0)
        return nir_refuse(b, node, "its weights are not whole numbers of 16 bits",
                          "nir.weights = int8, or auto");
    bool wide = scale->unit == 1 && are_whole(v, n, INT16_MIN, INT16_MAX) &&
                !are_whole(v, n, INT8_MIN, INT8_MAX);
    if (!layer_make_weights(l, n, wide))
        return nir_no_memory(b);
    for (size_t i = 0; i < n; i++) {
        double q = nearbyint(v[i] / scale->unit);
        layer_set_weight(l, i, (int32_t)q);
        scale->error = fmax(scale->error, fabs(v[i] / scale->unit - q));
    }
    if (scale->unit == 1)
        l->weight_bits = bits_of(l, n);
    return ERR_NONE;
}

/* ---- constants ---- */

/* Whether whole potentials say it all: nothing leaks, and a spike's worth is one for all. */
static bool is_plain(const struct nir_dynamics *d, const struct nir_real *real, uint32_t n)
{
    bool plain = !d->alpha;

    for (uint32_t o = 0; o < n && plain; o++)
        plain = d->beta[o] == 1 && d->leak[o] == 0 && real->bias[o] == 0 &&
                d->gain[o] == d->gain[0] && d->gain[o] > 0 && (!d->reset_to || d->reset_to[o] == 0);
    return plain;
}

static enum err refuse_size(const struct nir_build *b, uint32_t node, const char *what)
{
    return nir_refuse(b, node, what, "other parameters, nir.dt_us or neuron.fraction_bits");
}

/* v in units of 2^-bits; too_large where it is beyond 2^61. */
static int64_t whole(double v, uint32_t bits, bool *too_large)
{
    double x = nearbyint(ldexp(v, (int)bits));

    if (fabs(x) < (double)(INT64_C(1) << MOST_BITS))
        return (int64_t)x;
    *too_large = true;
    return 0;
}

/* What a gain is in units of 2^-bits: rounded to 2^-16 where those are finer. */
static int64_t whole_gain(double v, uint32_t bits, bool *too_large)
{
    uint32_t own = min_u32(bits, NEURON_LEAK_BITS);

    return whole(v, own, too_large) * (INT64_C(1) << (bits - own));
}

/* Bits behind the point, and what is worth one spike of weight 1. */
struct grid {
    double   unit;
    uint32_t bits;
    bool     plain;
};

static struct grid find_grid(const struct nir_build *b, uint32_t layer,
                             const struct nir_dynamics *d)
{
    struct grid g = { .unit = b->real[layer].unit,
                      .plain = is_plain(d, &b->real[layer],
                                        b->network->layer[layer].out.channels) };

    if (b->cfg->fraction_bits != NIR_FRACTION_AUTO) {
        g.plain = false;
        g.bits = b->cfg->fraction_bits;
        return g;
    }
    if (g.plain)
        g.unit *= d->gain[0];
    else
        g.bits = NEURON_LEAK_BITS;
    return g;
}

static bool fill_constants(struct neuron *n, const struct nir_dynamics *d,
                           const struct nir_real *real, const struct grid *g)
{
    bool too_large = false;

    for (uint32_t o = 0; o < n->n; o++) {
        const double bias = d->gain[o] * real->bias[o] / g->unit;
        const double leak = d->leak[o] / g->unit;
        n->beta[o] = (uint32_t)nearbyint(d->beta[o] * LEAK_ONE);
        n->m[o] = g->plain ? 1 : whole_gain(d->gain[o], g->bits, &too_large);
        n->b[o] = whole(d->alpha ? bias : bias + leak, g->bits, &too_large);
        n->theta[o] = d->fires ? whole(d->theta[o] / g->unit, g->bits, &too_large) : 0;
        if (n->reset_to)
            n->reset_to[o] = whole(d->reset_to[o] / g->unit, g->bits, &too_large);
        if (!d->alpha)
            continue;
        n->synapse.alpha[o] = (uint32_t)nearbyint(d->alpha[o] * LEAK_ONE);
        n->synapse.out[o] = whole(d->out[o], NEURON_LEAK_BITS, &too_large);
        n->synapse.leak[o] = whole(leak, g->bits, &too_large);
    }
    return !too_large;
}

/* What is left of a state that a step leaves beta of, over all steps: at most this many of its
 * steps' currents. */
static double steps_kept(uint32_t beta, uint32_t steps)
{
    return beta == LEAK_ONE ? steps : fmin(steps, LEAK_ONE / (double)(LEAK_ONE - beta));
}

/* Whether the potentials of output o keep to their bits. */
static bool fits(const struct nir_build *b, const struct layer *l, uint32_t o, double residual)
{
    const struct neuron *n = l->neuron;
    const double gain = n->synapse.alpha ? (double)n->synapse.out[o] / LEAK_ONE : 1;
    const bool leaks = n->beta[o] != LEAK_ONE || n->synapse.alpha;
    double sum = layer_is_digital(l) ? l->window.kernel[0] * l->window.kernel[1] : 0, j;
    int32_t least, most;

    layer_range(&b->network->layer[l->input[0]], &least, &most);
    for (size_t i = 0; i < (layer_is_digital(l) ? 0 : layer_kernel_rows(l)); i++)
        sum += abs(layer_weight(l, o * layer_kernel_rows(l) + i));
    j = sum * most * fabs((double)n->m[o]) + fabs((double)n->b[o]) + residual;
    if (n->synapse.alpha)
        j = j * steps_kept(n->synapse.alpha[o], b->cfg->steps) * fmax(fabs(gain), 1) +
            fabs((double)n->synapse.leak[o]);
    return j * steps_kept(n->beta[o], b->cfg->steps) + 2 * fabs((double)n->theta[o]) <
           ldexp(1, leaks ? MOST_LEAKING_BITS : MOST_BITS);
}

/* ---- a sum of two ---- */

enum err nir_make_current(struct nir_build *b, uint32_t node, uint32_t layer)
{
    struct layer *l = &b->network->layer[layer];
    int64_t most = 0;
    int32_t low, high;

    if (l->neuron)
        return nir_refuse(b, node, "reads sums that other neurons read", "weights of its own");
    enum err e = take_weights(b, node, layer);
    if (e)
        return e;
    l->neuron = neuron_new(neuron_kind_find("current"), l->out.channels, false);
    layer_range(&b->network->layer[l->input[0]], &low, &high);
    for (uint32_t o = 0; o < l->out.channels; o++) {
        int64_t sum = 0;
        for (size_t i = 0; i < layer_kernel_rows(l); i++)
            sum += abs(layer_weight(l, o * layer_kernel_rows(l) + i));
        most = sum > most ? sum : most;
    }
    l->out_signed = true;
    l->value_bits = value_bits_for(-most * high, most * high, true);
    return l->neuron && nir_state_rounding(l) ? ERR_NONE : nir_no_memory(b);
}

static enum err add_residual(struct nir_build *b, uint32_t node, uint32_t layer,
                             const struct nir_signal *more, const struct nir_dynamics *d,
                             const struct grid *g)
{
    struct layer *l = &b->network->layer[layer];
    struct neuron *n = l->neuron;
    bool too_large = false;
    enum err e = more->current ? nir_make_current(b, node, more->layer) : ERR_NONE;

    if (e)
        return e;
    if (more->flat)
        return nir_refuse(b, node, "adds a map that was flattened", "no Flatten");
    l->has_residual = true;
    l->residual = more->layer;
    for (uint32_t o = 0; o < n->n; o++) {
        double worth = more->current ? b->real[more->layer].unit
                                     : more->factor ? more->factor[o] : 1;
        n->mr[o] = whole(d->gain[o] * worth / g->unit, g->bits, &too_large);
        if (more->current)
            n->b[o] += whole(d->gain[o] * b->real[more->layer].bias[o] / g->unit, g->bits,
                             &too_large);
    }
    return too_large ? refuse_size(b, node, "a residual's scale leaves 61 bits") : ERR_NONE;
}

/* ---- a layer's neurons ---- */

static bool make_arrays(struct neuron *n, const struct nir_dynamics *d)
{
    if (d->reset_to)
        n->reset_to = calloc(n->n, sizeof *n->reset_to);
    if (!d->alpha)
        return n->reset_to || !d->reset_to;
    n->synapse.alpha = calloc(n->n, sizeof *n->synapse.alpha);
    n->synapse.out = calloc(n->n, sizeof *n->synapse.out);
    n->synapse.leak = calloc(n->n, sizeof *n->synapse.leak);
    return n->synapse.alpha && n->synapse.out && n->synapse.leak &&
           (n->reset_to || !d->reset_to);
}

static enum err check_potentials(const struct nir_build *b, uint32_t node, const struct layer *l)
{
    const struct neuron *n = l->neuron;

    for (uint32_t o = 0; o < n->n; o++) {
        double residual = n->mr ? ldexp(fabs((double)n->mr[o]), 32) : 0;
        if (n->kind->fires && n->theta[o] < 1)
            return refuse_size(b, node, "a threshold that is 0 or less, or rounds to it");
        if (!fits(b, l, o, residual))
            return refuse_size(b, node, "potentials that leave 61 bits (45 that leak)");
    }
    return ERR_NONE;
}

static const struct neuron_kind *kind_of(const struct nir_dynamics *d, uint32_t n)
{
    bool leaks = d->alpha;

    for (uint32_t o = 0; o < n; o++)
        leaks |= d->beta[o] != 1;
    return neuron_kind_find(!d->fires ? "accumulate" : leaks ? "lif" : "if");
}

static enum err make_neurons(struct nir_build *b, uint32_t node, const struct sources *s,
                             const struct nir_dynamics *d)
{
    struct layer *l = &b->network->layer[s->layer];
    const struct grid g = find_grid(b, s->layer, d);
    struct neuron *n = neuron_new(kind_of(d, l->out.channels), l->out.channels, s->more);

    l->neuron = n;
    if (!n || !make_arrays(n, d))
        return nir_no_memory(b);
    n->reset = d->reset;
    n->most = (int32_t)b->cfg->most;
    if (d->fires) { // bounds are multiples of a threshold
        n->floor = b->cfg->floor;
        n->ceiling = b->cfg->ceiling;
    }
    if (!fill_constants(n, d, &b->real[s->layer], &g))
        return refuse_size(b, node, "a parameter leaves 61 bits");
    enum err e = s->more ? add_residual(b, node, s->layer, s->more, d, &g) : ERR_NONE;
    if (!e && !nir_state_rounding(l))
        e = nir_no_memory(b);
    l->raw_output = !d->fires && !l->has_residual && !layer_is_digital(l);
    if (e)
        return e;
    l->value_bits = d->fires ? value_bits_for(0, n->most, false) : l->raw_output ? 0 : 16;
    l->out_signed = !d->fires;
    l->requant.high = d->fires ? n->most : 0;
    n->unit = g.unit;
    n->fraction_bits = g.bits;
    n->error = b->real[s->layer].error;
    return check_potentials(b, node, l);
}

enum err nir_give_neurons(struct nir_build *b, uint32_t node, const struct nir_dynamics *d)
{
    struct sources s;
    enum err e = find_sources(b, node, &s);

    if (!e)
        e = take_weights(b, node, s.layer);
    for (uint32_t o = 0; !e && s.worth && o < b->network->layer[s.layer].out.channels; o++)
        d->gain[o] *= s.worth[o];
    if (!e)
        e = make_neurons(b, node, &s, d);
    if (!e)
        b->signal[node] = (struct nir_signal){ .layer = s.layer,
                                               .shape = b->network->layer[s.layer].out };
    return e;
}

/* ---- parameters ---- */

struct parameters { // owned, [channels]
    double *r, *tau, *tau_synapse, *w_in, *v_leak, *v_reset, *theta;
    double *beta, *gain, *leak, *alpha, *out; // what follows from them
};

enum { N_PARAMETER = sizeof(struct parameters) / sizeof(double *) };

static bool parameters_init(struct parameters *p, uint32_t n)
{
    double **all = (double **)p;
    bool done = true;

    for (size_t i = 0; i < N_PARAMETER; i++)
        done &= (all[i] = calloc(n, sizeof *all[i])) != NULL;
    return done;
}

static void parameters_release(struct parameters *p)
{
    double **all = (double **)p;

    for (size_t i = 0; i < N_PARAMETER; i++)
        free(all[i]);
}

/* Of neurons, the output of the node. */
static struct shape shape_of(const struct nir_build *b, uint32_t node)
{
    const struct nir_node *n = &b->graph->node[node];

    return n->n_from > 0 ? b->signal[n->from[0]].shape : (struct shape){ 1, 1, 1 };
}

static enum err read_parameters(const struct nir_build *b, uint32_t node,
                                const struct nir_kind *k, struct shape s, struct parameters *p)
{
    const struct {
        const char *name;
        double      otherwise;
        double     *v;
        bool        wanted;
    } fields[] = {
        { "r", NAN, p->r, true },
        { k->synapse ? "tau_mem" : "tau", NAN, p->tau, k->leaks },
        { "tau_syn", NAN, p->tau_synapse, k->synapse },
        { "w_in", 1, p->w_in, k->synapse },
        { "v_leak", 0, p->v_leak, k->leaks },
        { "v_threshold", NAN, p->theta, k->fires },
        { "v_reset", 0, p->v_reset, k->fires },
    };
    enum err e = ERR_NONE;

    for (size_t i = 0; i < sizeof fields / sizeof *fields && !e; i++)
        if (fields[i].wanted)
            e = nir_parameter(b, node, fields[i].name, s, fields[i].otherwise, fields[i].v);
    return e;
}

/* dt / tau of a time constant in seconds. */
static enum err find_share(const struct nir_build *b, uint32_t node, const char *name,
                           const double *tau, uint32_t n, double *share)
{
    char what[160];

    for (uint32_t o = 0; o < n; o++) {
        share[o] = b->cfg->dt_us / US_PER_S / tau[o];
        if (!(tau[o] > 0) || !(share[o] <= 1)) {
            snprintf(what, sizeof what, "%s = %g s, with steps of %g us", name, tau[o],
                     b->cfg->dt_us);
            return nir_refuse(b, node, what, "a time constant of at least a step: nir.dt_us");
        }
    }
    return ERR_NONE;
}

/* Euler's rule. */
static enum err find_dynamics(const struct nir_build *b, uint32_t node, const struct nir_kind *k,
                              struct parameters *p, uint32_t n)
{
    enum err e = ERR_NONE;

    for (uint32_t o = 0; o < n; o++) {
        p->beta[o] = 1;
        p->gain[o] = p->r[o];
    }
    if (k->leaks)
        e = find_share(b, node, k->synapse ? "tau_mem" : "tau", p->tau, n, p->leak);
    for (uint32_t o = 0; o < n && !e && k->leaks; o++) {
        p->beta[o] = 1 - p->leak[o];
        p->gain[o] = p->r[o] * p->leak[o];
        p->leak[o] *= p->v_leak[o];
    }
    if (e || !k->synapse)
        return e;
    e = find_share(b, node, "tau_syn", p->tau_synapse, n, p->alpha);
    for (uint32_t o = 0; o < n && !e; o++) {
        p->out[o] = p->gain[o];
        p->gain[o] = p->w_in[o] * p->alpha[o];
        p->alpha[o] = 1 - p->alpha[o];
    }
    return e;
}

/* What the file leaves open has to be said. */
static enum err find_reset(const struct nir_build *b, uint32_t node, struct nir_dynamics *d,
                           double *v_reset)
{
    bool stated = nir_field(b->graph, node, "v_reset");

    if (b->cfg->reset == NIR_RESET_OPEN && !stated)
        return nir_refuse(b, node, "its file does not say what a spike does to the potential",
                          "nir.reset = zero, subtract (less the threshold) or delayed (less it "
                          "a step later)");
    d->reset = b->cfg->reset == NIR_RESET_SUBTRACT  ? NEURON_SUBTRACT
               : b->cfg->reset == NIR_RESET_DELAYED ? NEURON_DELAYED
                                                    : NEURON_ZERO;
    d->reset_to = stated && d->reset == NEURON_ZERO ? v_reset : NULL;
    return ERR_NONE;
}

enum err nir_take_neuron(struct nir_build *b, uint32_t node, const struct nir_kind *self)
{
    const struct shape s = shape_of(b, node);
    struct parameters p;
    struct nir_dynamics d = { .fires = self->fires, .reset = NEURON_NO_RESET };
    enum err e = parameters_init(&p, s.channels) ? ERR_NONE : nir_no_memory(b);

    if (!e && self->leaks && b->cfg->dt_us <= 0)
        e = nir_refuse(b, node, "its time constants are seconds",
                       "nir.dt_us, how long a step is");
    if (!e)
        e = read_parameters(b, node, self, s, &p);
    if (!e)
        e = find_dynamics(b, node, self, &p, s.channels);
    if (!e && self->fires)
        e = find_reset(b, node, &d, p.v_reset);
    if (!e) {
        d.beta = p.beta;
        d.gain = p.gain;
        d.leak = p.leak;
        d.theta = p.theta;
        d.alpha = self->synapse ? p.alpha : NULL;
        d.out = p.out;
        e = nir_give_neurons(b, node, &d);
    }
    parameters_release(&p);
    return e;
}

/* Of sums alone, which it forgets; or of an integrator's potential, which goes on. */
enum err nir_take_threshold(struct nir_build *b, uint32_t node, const struct nir_kind *self)
{
    const struct shape s = shape_of(b, node);
    struct parameters p;
    struct nir_signal *from;
    enum err e = nir_one_source(b, node, &from);

    (void)self;
    if (e)
        return e;
    e = parameters_init(&p, s.channels) ? ERR_NONE : nir_no_memory(b);
    if (!e)
        e = nir_parameter(b, node, "threshold", s, NAN, p.theta);
    const struct neuron *n = b->network->layer[from->layer].neuron;
    if (!e && n && !from->current && !n->kind->fires)
        e = nir_refuse(b, node, "reads the potentials of an integrator",
                       "IF, LIF or CubaLIF with nir.reset");
    for (uint32_t o = 0; !e && o < s.channels; o++)
        p.gain[o] = 1;
    const struct nir_dynamics d = { .fires = true, .beta = p.beta, .gain = p.gain,
                                    .leak = p.leak, .theta = p.theta,
                                    .reset = NEURON_NO_RESET };
    if (!e)
        e = nir_give_neurons(b, node, &d);
    parameters_release(&p);
    return e;
}
