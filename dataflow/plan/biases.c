/* dataflow/plan/biases.c -- biases of networks whose sums become signs lie in the arrays, in rows
 * that are kept for them: a row of each array adds -1, 0 or 1 to a sum. */
#include <inttypes.h>
#include <stdlib.h>

#include "dataflow/plan/structure.h"
#include "network/output.h"

/* What is added to the sum of output o, so that the sign says what the layer does: less the least
 * sum for which it delivers 1; of a layer that delivers sums its bias. Its rows are driven by 0 and
 * 1, or they are not met at all. */
static int64_t bias_of(const struct layer *l, uint32_t o)
{
    const uint32_t at = layer_n_scale(l) > 1 ? o : 0;
    int64_t most = layer_kernel_rows(l), low = -most, high = most + 1;

    if (l->raw_output)
        return l->requant.b[o];
    while (low < high) {
        int64_t sum = low + (high - low) / 2;
        if (layer_output(l, o, at, sum, 0) > 0)
            high = sum;
        else
            low = sum + 1;
    }
    return -low;
}

static uint32_t least_arrays(const struct plan *p, uint32_t layer)
{
    uint32_t least = UINT32_MAX;

    for (uint32_t k = 0; k < p->layer[layer].n_core; k++)
        least = min_u32(least, p->core[p->layer[layer].first_core + k].arrays);
    return least;
}

int64_t plan_bias_reach(const struct plan *p, uint32_t layer)
{
    return layer_is_digital(plan_network_layer(p, layer))
               ? 0
               : (int64_t)p->config->crossbar.reserved_rows * least_arrays(p, layer);
}

uint32_t plan_trim_reads(const struct plan *p, uint32_t layer)
{
    uint32_t n = 0;

    for (int64_t reach = plan_bias_reach(p, layer); reach > 0; reach /= 2)
        n++;
    return n;
}

static enum err check_layer(const struct plan *p, uint32_t layer, struct err_msg *m)
{
    const struct layer *l = plan_network_layer(p, layer);
    const uint32_t rows = p->config->crossbar.reserved_rows;
    const int64_t reach = plan_bias_reach(p, layer);

    for (uint32_t o = 0; o < l->out.channels; o++) {
        int64_t bias = bias_of(l, o), size = bias < 0 ? -bias : bias;
        if (size > reach)
            return PLAN_REFUSE(p, "core.crossbar.reserved_rows", m,
                               "layer %s: output %" PRIu32 " has a bias of %" PRId64 ", %" PRIu32
                               " rows of %" PRIu32 " arrays hold %" PRId64 " to %" PRId64 ": want "
                               "core.crossbar.reserved_rows = %" PRId64 ", or 0: elsewhere",
                               l->name, o, bias, rows, least_arrays(p, layer), -reach, reach,
                               (size + least_arrays(p, layer) - 1) / least_arrays(p, layer));
    }
    return ERR_NONE;
}

enum err structure_check_biases(const struct plan *p, struct err_msg *m)
{
    enum err e = ERR_NONE;

    for (uint32_t i = 0; !e && i < p->n_layer; i++)
        if (p->config->crossbar.reserved_rows > 0 && p->network->has_values &&
            p->layer[i].array.readout->one_bit &&
            !layer_is_digital(plan_network_layer(p, i)))
            e = check_layer(p, i, m);
    return e;
}
