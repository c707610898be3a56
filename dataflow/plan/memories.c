/* dataflow/plan/memories.c -- where the pixels of each core lie in its memory. */
#include <inttypes.h>
#include <stdio.h>

#include "dataflow/plan/structure.h"
#include "dataflow/plan/timestep.h"

/* Concatenated inputs of which a core stores nothing. */
static uint32_t inputs_lacking(const struct plan *p, const struct plan_core *core)
{
    const struct layer *l = plan_network_layer(p, core->plan_layer);
    uint32_t n = 0, offset = 0;

    for (uint32_t i = 0; i < l->n_input && !layer_is_of_tokens(l); i++) {
        uint32_t channels = p->network->layer[l->input[i]].out.channels;
        n += plan_lacks(core, offset, channels);
        offset += channels;
    }
    return n;
}

/* Of the streams that tell of a flat layer's pixel at most one has its byte. */
static uint32_t slices_announced(const struct plan *p, const struct plan_core *core)
{
    return inputs_lacking(p, core) + core->in_n - plan_pixel_values(p, core);
}

static enum err refuse_memory(const struct plan *p, const struct plan_core *core,
                              const struct memory_layout *layout, const char *want,
                              struct err_msg *m)
{
    uint64_t words = memory_used_words(layout);
    uint32_t n = layout->shape.pixel_values, bits = plan_input_bits(p, core->plan_layer);
    char pixel[64];

    if (bits == 8)
        snprintf(pixel, sizeof pixel, "%u bytes", n);
    else
        snprintf(pixel, sizeof pixel, "%u values of %u bits", n, bits);
    return PLAN_REFUSE(p, "core.input_memory.words", m,
                       "core %s: memory: %u columns of %u pixels of %s placed %s take "
                       "%" PRIu64 " words of %u bits, the most of all cores, "
                       "core.input_memory.words = %u: %s %" PRIu64,
                       core->name, layout->shape.columns, layout->shape.height,
                       pixel, layout->placing->name, words, core->memory.word_bits,
                       core->memory.words, want, words);
}

enum err timestep_memories(struct timetable *t, const struct plan *p, const char *want,
                           struct err_msg *m)
{
    uint32_t largest = p->n_core;
    uint64_t most = 0;

    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *core = &p->core[i];
        struct memory_shape shape = {
            .pixel_values = plan_pixel_values(p, core),
            .height = p->layer[core->plan_layer].in_height,
            .columns = t->layer[core->plan_layer].memory_columns,
            .kernel_columns = plan_kernel_columns(p, core->plan_layer),
            .word_values = plan_word_values(p, core->plan_layer),
            .tracked = t->layer[core->plan_layer].tracked_columns,
            .announced = slices_announced(p, core),
        };
        const bool tokens = layer_is_of_tokens(plan_network_layer(p, core->plan_layer));
        const struct placing *placing =
            tokens ? &place_plip // of no port, dataflow/plan/tokens.h
                   : plan_placing(&core->memory, shape.pixel_values, shape.word_values);
        if (!placing)
            return plan_refuse_placing(p, m);
        memory_layout_init(&t->core[i].layout, &shape, placing);
        uint64_t words = memory_used_words(&t->core[i].layout);
        if (!tokens && words > core->memory.words && words > most) {
            largest = i;
            most = words;
        }
    }
    if (largest == p->n_core)
        return ERR_NONE;
    return refuse_memory(p, &p->core[largest], &t->core[largest].layout, want, m);
}
