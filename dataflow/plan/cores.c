/* dataflow/plan/cores.c -- one core per part, group and copy of a layer, with its memory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/mapping.h"
#include "dataflow/plan/passes.h"

/* "conv23", with ".p1", ".g1", ".c1" where a layer has several parts, groups or copies. */
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
    if (pl->groups > 1)
        n += snprintf(name + n, size - (size_t)n, ".g%u", core->group);
    if (pl->parts > 1)
        snprintf(name + n, size - (size_t)n, ".p%u", core->part);
    return name;
}

static void place_core(const struct plan *p, struct plan_core *core)
{
    const struct plan_layer *pl = &p->layer[core->plan_layer];
    const struct layer *l = plan_network_layer(p, core->plan_layer);

    struct slice s = layer_slice(l, (struct cut){ pl->parts, pl->groups }, core->part, core->group);

    core->in_first = s.in_first;
    core->in_n = s.in_n;
    core->out_first = s.out_first;
    core->out_n = s.out_n;
    core->rows = layer_is_digital(l) ? 0 : core->in_n * pl->replicas.positions;
    core->columns = layer_is_digital(l) ? 0 : core->out_n * pl->replicas.n;
    core->crossbar = p->config->crossbar;
    core->memory = p->config->memory;
    core->digital = p->config->digital;
}

enum err plan_cores(struct plan *p, struct err_msg *m)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < p->n_layer; i++) {
        p->layer[i].first_core = (uint32_t)n;
        n += p->layer[i].n_core;
    }
    if (n > p->config->chip_cores)
        return PLAN_REFUSE(p, "chip.cores", m,
                       "chip.cores = %u: network %s needs %" PRIu64
                       " cores with arrays of %u x %u: want chip.cores = %" PRIu64
                       " or larger arrays",
                       p->config->chip_cores, p->network->name, n, p->config->crossbar.rows,
                       p->config->crossbar.columns, n);
    p->core = calloc(n, sizeof *p->core);
    if (!p->core)
        return err_set(m, ERR_MEMORY, "no memory for %" PRIu64 " cores", n);
    p->n_core = (uint32_t)n;
    for (uint32_t i = 0; i < p->n_layer; i++)
        for (uint32_t k = 0; k < p->layer[i].n_core; k++) {
            const struct plan_layer *pl = &p->layer[i];
            struct plan_core *core = &p->core[pl->first_core + k];
            core->plan_layer = i;
            core->part = k % pl->parts;
            core->group = k / pl->parts % pl->groups;
            core->copy = k / pl->parts / pl->groups;
            place_core(p, core);
            core->name = core_name(p, core);
            if (!core->name)
                return err_set(m, ERR_MEMORY, "no memory for %" PRIu64 " cores", n);
        }
    return ERR_NONE;
}

const struct placing *plan_placing(const struct memory_cfg *memory, uint32_t channels)
{
    if (strcmp(memory->placing, "auto") == 0)
        return placing_auto(channels, memory->word_bits / 8);
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

/* Concatenated inputs of which a core stores nothing. */
static uint32_t inputs_lacking(const struct plan *p, const struct plan_core *core)
{
    const struct layer *l = plan_network_layer(p, core->plan_layer);
    uint32_t n = 0, offset = 0;

    for (uint32_t i = 0; i < l->n_input; i++) {
        uint32_t channels = p->network->layer[l->input[i]].out.channels;
        n += plan_lacks(core, offset, channels);
        offset += channels;
    }
    return n;
}

static enum err refuse_memory(const struct plan *p, const struct plan_core *core, struct err_msg *m)
{
    const struct plan_layer *pl = &p->layer[core->plan_layer];
    uint64_t words = memory_used_words(&core->layout);

    return PLAN_REFUSE(p, "core.input_memory.words", m,
                       "core %s: memory: %u columns of %u pixels of %u bytes placed %s take "
                       "%" PRIu64 " words of %u bits, the most of all cores, "
                       "core.input_memory.words = %u: want %" PRIu64,
                       core->name, pl->memory_columns, pl->in_height, core->in_n,
                       core->layout.placing->name, words, core->memory.word_bits,
                       core->memory.words, words);
}

enum err plan_memories(struct plan *p, struct err_msg *m)
{
    const struct plan_core *largest = NULL;

    for (uint32_t i = 0; i < p->n_core; i++) {
        struct plan_core *core = &p->core[i];
        const struct plan_layer *pl = &p->layer[core->plan_layer];
        struct memory_shape shape = {
            .pixel_bytes = core->in_n,
            .height = pl->in_height,
            .columns = pl->memory_columns,
            .kernel_columns = plan_kernel_columns(p, core->plan_layer),
            .word_bytes = core->memory.word_bits / 8,
            .tracked = pl->tracked_columns,
            .announced = inputs_lacking(p, core),
        };
        const struct placing *placing = plan_placing(&core->memory, core->in_n);
        if (!placing)
            return plan_refuse_placing(p, m);
        memory_layout_init(&core->layout, &shape, placing);
        uint64_t words = memory_used_words(&core->layout);
        if (words > core->memory.words &&
            (!largest || words > memory_used_words(&largest->layout)))
            largest = core;
    }
    return largest ? refuse_memory(p, largest, m) : ERR_NONE;
}
