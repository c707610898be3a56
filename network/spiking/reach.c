/* network/spiking/reach.c -- see reach.h. */
#include "network/spiking/reach.h"

#include <math.h>

#include "core/util.h"
#include "network/precision.h"
#include "network/spiking/neuron.h"

/* Largest value times 2^w of what comes in a step. */
static double largest(const struct network *n, uint32_t layer)
{
    const struct presentation *p = &n->present;
    double most_weight = 0;
    int32_t least, most;

    for (uint32_t t = 0; t < min_u32(presentation_steps(p), CODING_PERIOD); t++)
        most_weight = fmax(most_weight, ldexp(1, (int)presentation_weight(p, t)));
    layer_range(&n->layer[layer], &least, &most);
    return most * most_weight;
}

/* The layer whose sums an average pool with neurons adds up; else itself. */
static const struct layer *summed(const struct network *n, const struct layer *l)
{
    return l->kind == LAYER_AVERAGE_POOL ? &n->layer[l->input[0]] : l;
}

/* Largest current of output o in a step. */
static double most_current(const struct network *n, const struct layer *l, uint32_t o)
{
    const struct neuron *u = l->neuron;
    const struct layer *of = summed(n, l);
    const size_t rows = layer_kernel_rows(of);
    double sum = layer_is_digital(of) && !(of->negated && of->negated[o]);

    for (size_t i = 0; i < rows; i++)
        sum += fmax(layer_weight(of, o * rows + i), 0);
    if (of != l)
        sum *= l->window.kernel[0] * l->window.kernel[1];
    sum *= largest(n, of->input[0]) * (double)u->m[o];
    if (l->has_residual && u->mr[o] > 0)
        sum += largest(n, l->residual) * (double)u->mr[o];
    return sum + fmax((double)u->b[o], 0);
}

/* Whether residuals are sums, of either sign. */
static bool adds_sums(const struct network *n, const struct layer *l)
{
    const struct neuron *from = l->has_residual ? n->layer[l->residual].neuron : NULL;

    return from && from->kind->delivers_current;
}

uint32_t spiking_out_of_reach(const struct network *n, uint32_t layer, double *most)
{
    const struct layer *l = &n->layer[layer];
    const struct neuron *u = l->neuron;
    const double steps = presentation_steps(&n->present);
    uint32_t found = 0;

    *most = 0;
    if (!n->has_values || !u || !u->kind->fires || u->synapse.alpha || adds_sums(n, l))
        return 0;
    for (uint32_t o = 0; o < u->n; o++) {
        const double beta = (double)u->beta[o] / NEURON_NO_LEAK;
        const double kept = beta == 1 ? steps : (1 - pow(beta, steps)) / (1 - beta);
        const double share = most_current(n, l, o) * kept /
                             ldexp((double)u->theta[o],
                                   (int)presentation_least_weight(&n->present));
        found += share < 1;
        *most = share < 1 ? fmax(*most, share) : *most;
    }
    return found;
}
