/* dataflow/plan/cores.c -- one core per part, split and copy of a layer, with its memory. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataflow/mapping.h"
#include "dataflow/plan/structure.h"
#include "dataflow/plan/tokens.h"
#include "dataflow/policies.h"

/* "conv23", with ".p1", ".g1", ".c1" where a layer has several parts, splits or copies. */
static char *core_name(const struct plan *p, const struct plan_core *core)
{
    const struct plan_layer *pl = &p->layer[core->plan_layer];
    const char *layer = plan_layer_name(p, core->plan_layer);
    size_t size = strlen(layer) + sizeof ".c4294967295.g4294967295.p4294967295";
    char *name = malloc(size);

    if (!name)
        return NULL;
    int n = snprintf(name, size, "%s", layer);
    if (pl->copies > 1)
        n += snprintf(name + n, size - (size_t)n, ".c%u", core->copy);
    if (pl->splits > 1)
        n += snprintf(name + n, size - (size_t)n, ".g%u", core->split);
    if (pl->parts > 1)
        snprintf(name + n, size - (size_t)n, ".p%u", core->part);
    return name;
}

static void place_core(const struct plan *p, struct plan_core *core)
{
    const struct plan_layer *pl = &p->layer[core->plan_layer];
    const struct layer *l = plan_network_layer(p, core->plan_layer);

    const struct cut cut = { pl->parts, pl->splits, pl->inside };
    const struct slice s = layer_is_of_tokens(l)
                               ? tokens_slice(p, core->plan_layer, core->split)
                               : layer_slice(l, cut, core->part, core->split);

    core->in_first = s.in_first;
    core->in_n = s.in_n;
    core->out_first = s.out_first;
    core->out_n = s.out_n;
    core->row_first = s.row_first;
    core->row_n = s.row_n;
    core->rows = layer_is_digital(l) ? 0
                 : pl->inside        ? s.row_n
                                     : core->in_n * pl->replicas.positions;
    core->columns = layer_is_digital(l) ? 0 : core->out_n * pl->replicas.n;
    core->arrays = array_count(&pl->array, core->rows);
    core->crossbar = p->config->crossbar;
    core->memory = p->config->memory;
    core->digital = p->config->digital;
}

static bool fill(const struct plan *p, struct plan_core *cores)
{
    for (uint32_t i = 0; i < p->n_layer; i++)
        for (uint32_t k = 0; k < p->layer[i].n_core; k++) {
            const struct plan_layer *pl = &p->layer[i];
            struct plan_core *core = &cores[pl->first_core + k];
            core->plan_layer = i;
            core->part = k % pl->parts;
            core->split = k / pl->parts % pl->splits;
            core->copy = k / pl->parts / pl->splits;
            place_core(p, core);
            core->name = core_name(p, core);
            if (!core->name)
                return false;
        }
    return true;
}

/* Chips whose devices its weights fill, however layers shared arrays. */
static double chips_filled(const struct plan *p)
{
    double arrays = 0;

    for (uint32_t i = 0; i < p->n_layer; i++)
        if (!layer_is_digital(plan_network_layer(p, i)))
            arrays += p->layer[i].utilization * p->layer[i].n_core;
    return arrays / p->config->chip_cores;
}

static enum err refuse_cores(const struct plan *p, uint64_t n, struct err_msg *m)
{
    const struct config *c = p->config;
    const double chips = ceil(chips_filled(p) - 1e-9);
    char least[48] = "";
    const uint64_t most = config_params[param_find(config_params, "chip.cores")].most;
    char more[64] = "larger arrays or fewer layers";

    if (n <= most)
        snprintf(more, sizeof more, "chip.cores = %" PRIu64 " or larger arrays", n);
    if (chips > 1)
        snprintf(least, sizeof least, ", its weights at least %.0f such chips", chips);
    return PLAN_REFUSE(p, "chip.cores", m,
                       "chip.cores = %u: network %s needs %" PRIu64
                       " cores with arrays of %u x %u%s: want %s",
                       c->chip_cores, p->network->name, n, c->crossbar.rows, c->crossbar.columns,
                       least, more);
}

enum err structure_count_cores(const struct plan *p, uint64_t *n, struct err_msg *m)
{
    *n = 0;
    for (uint32_t i = 0; i < p->n_layer; i++)
        *n += p->layer[i].n_core;
    const uint64_t arrays = *n - plan_digital_cores(p); // the others are beside them
    return arrays > p->config->chip_cores ? refuse_cores(p, arrays, m) : ERR_NONE;
}

enum err structure_cores(const struct plan *p, struct structure_cores *out, struct err_msg *m)
{
    uint64_t n;
    enum err e = structure_count_cores(p, &n, m);

    *out = (struct structure_cores){ 0 };
    if (e)
        return e;
    struct plan_core *core = calloc(n, sizeof *core);
    *out = (struct structure_cores){ core, core ? (uint32_t)n : 0 };
    if (!core || !fill(p, core))
        return err_set(m, ERR_MEMORY, "no memory for %" PRIu64 " cores", n);
    return ERR_NONE;
}

const struct placing *plan_placing(const struct memory_cfg *memory, uint32_t values,
                                   uint32_t word_values)
{
    if (strcmp(memory->placing, "auto") == 0)
        return placing_auto(values, word_values);
    return policies_placing(memory->own, memory->placing);
}

enum err plan_refuse_placing(const struct plan *p, struct err_msg *m)
{
    char known[128] = "auto";

    for (const struct placing *const *f = placings; *f; f++) {
        size_t n = strlen(known);
        snprintf(known + n, sizeof known - n, ", %s", (*f)->name);
    }
    return PLAN_REFUSE(p, "core.input_memory.placing", m,
                       "core.input_memory.placing = %s: want one of %s",
                       p->config->memory.placing, known);
}

bool plan_lacks(const struct plan_core *core, uint32_t first, uint32_t n)
{
    return first + n <= core->in_first || first >= core->in_first + core->in_n;
}
