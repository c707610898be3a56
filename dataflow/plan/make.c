/* dataflow/plan/make.c -- plan_make(), see plan.h: the order of the passes. */
#include "dataflow/plan/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/mapping.h"
#include "dataflow/plan/clocking.h"
#include "dataflow/plan/decode.h"
#include "dataflow/plan/structure.h"
#include "network/precision.h"

double plan_timestep_ns(const struct plan *p)
{
    return (double)p->timestep_clk * 1000 / p->config->clock_mhz;
}

double plan_stage_share(const struct plan *p, uint32_t core, enum stage s)
{
    return (double)p->time.core[core].used_clk[s] / (double)p->timestep_clk;
}

void plan_slowest_stage(const struct plan *p, uint32_t *core, enum stage *s)
{
    *core = 0;
    *s = STAGE_MEMORY;
    for (uint32_t i = 0; i < p->n_core; i++)
        for (unsigned k = 0; k < N_STAGE; k++)
            if (p->time.core[i].used_clk[k] > p->time.core[*core].used_clk[*s]) {
                *core = i;
                *s = (enum stage)k;
            }
}

static enum err check_clocks(struct plan *p, struct err_msg *m)
{
    const struct config *c = p->config;

    p->timestep_clk = 1;
    if (clocking_of(c)->pass) // sets it later
        return ERR_NONE;
    if (!config_clocks(c->timestep_ns, c->clock_mhz, &p->timestep_clk))
        return PLAN_REFUSE(p, "clocking.timestep_ns", m,
                       "clocking.timestep_ns = %llu is not a whole number of clocks at "
                       "clock_mhz = %u",
                       (unsigned long long)c->timestep_ns, c->clock_mhz);
    return ERR_NONE;
}

/* Weights that the arrays of a layer cannot keep. */
static enum err check_values(const struct plan *p, uint32_t layer, struct err_msg *m)
{
    const struct layer *l = plan_network_layer(p, layer);
    const struct array_spec *array = &p->layer[layer].array;
    const struct cell_layout *keeps = &array->layout;
    size_t n = layer_has_weights(l) ? (size_t)l->out.channels * layer_kernel_rows(l) : 0;

    for (size_t k = 0; k < n; k++) {
        int32_t w = layer_weight(l, k);
        if (w < keeps->least || w > keeps->most)
            return PLAN_REFUSE(p, "core.crossbar.scheme", m,
                               "core.crossbar.cell = %s keeps weights of %d to %d, layer %s has "
                               "%d: want core.crossbar.cell = sliced with core.crossbar.scheme = "
                               "offset", array->cell->name, keeps->least, keeps->most, l->name, w);
        if (w == 0 && !keeps->zero)
            return PLAN_REFUSE(p, "core.crossbar.cell", m,
                               "core.crossbar.cell = %s keeps +1 and -1, layer %s has 0: want "
                               "core.crossbar.cell = pair", array->cell->name, l->name);
    }
    return ERR_NONE;
}

/* Places of a matrix where a replica does not look, or between groups of channels, hold 0. */
static enum err check_gaps(const struct plan *p, uint32_t layer, struct err_msg *m)
{
    const struct plan_layer *pl = &p->layer[layer];
    const struct layer *l = plan_network_layer(p, layer);
    const struct cut cut = { pl->parts, pl->splits, pl->inside };

    if (pl->array.layout.zero)
        return ERR_NONE;
    if (pl->replicas.n > 1)
        return PLAN_REFUSE(p, "core.crossbar.cell", m,
                           "core.crossbar.cell = %s keeps +1 and -1, layer %s has 0 where its %u "
                           "replicas do not look: want mapping.replicas.%s = 1, or "
                           "core.crossbar.cell = pair", pl->array.cell->name, l->name,
                           pl->replicas.n, l->name);
    const struct slice last = layer_slice(l, cut, 0, pl->splits - 1); // none has more groups
    if (last.in_n > l->in.channels / l->groups)
        return PLAN_REFUSE(p, "core.crossbar.cell", m,
                           "core.crossbar.cell = %s keeps +1 and -1, layer %s has 0 between its "
                           "%u groups of channels: want core.crossbar.cell = pair",
                           pl->array.cell->name, l->name, l->groups);
    return ERR_NONE;
}

static enum err check_weights(const struct plan *p, struct err_msg *m)
{
    enum err e = ERR_NONE;

    for (uint32_t i = 0; !e && i < p->n_layer; i++) {
        if (layer_is_digital(plan_network_layer(p, i)) || p->layer[i].array.plain)
            continue;
        e = check_values(p, i, m);
        if (!e)
            e = check_gaps(p, i, m);
    }
    return e;
}

/* A value lies in one word. */
static enum err check_words(const struct plan *p, struct err_msg *m)
{
    uint32_t word = p->config->memory.word_bits;

    for (uint32_t i = 1; i < p->network->n_layer; i++) {
        uint64_t bits = (uint64_t)network_input_bits(p->network, i) * p->train;
        if (bits > word)
            return PLAN_REFUSE(p, "core.input_memory.word_bits", m,
                               "core.input_memory.word_bits = %u: layer %s reads values of %" PRIu64
                               " bits: want core.input_memory.word_bits = %" PRIu64 "%s", word,
                               p->network->layer[i].name, bits,
                               round_up((uint64_t)network_precision(p->network).value_bits *
                                        p->train, 8),
                               p->train > 1 ? ", or input.order = step" : "");
    }
    return ERR_NONE;
}

bool plan_is_read(const struct plan *p)
{
    bool read = false;

    for (uint32_t i = 0; i < p->n_layer; i++)
        read |= array_is_read(&p->layer[i].array);
    return read;
}

bool plan_skips(const struct plan *p)
{
    bool skips = false;

    for (uint32_t i = 0; i < p->n_layer; i++)
        skips |= array_skips(&p->layer[i].array);
    return skips;
}

bool plan_is_exact(const struct plan *p)
{
    bool exact = true;

    for (uint32_t i = 0; i < p->n_layer; i++) {
        const struct layer *l = plan_network_layer(p, i);
        const struct array_spec *a = &p->layer[i].array;
        if (!layer_is_digital(l))
            exact &= array_is_exact(a, min_u32(a->rows, p->layer[i].rows), true);
    }
    return exact;
}

static enum err make_layers(struct plan *p, struct err_msg *m)
{
    struct structure_layers made = { 0 };
    enum err e = structure_layers(p, &made, m);

    p->layer = made.layer;
    p->n_layer = made.n;
    if (!e)
        p->interval = structure_interval(p);
    return e;
}

static enum err make_cores(struct plan *p, struct err_msg *m)
{
    struct structure_cores made = { 0 };
    enum err e = structure_cores(p, &made, m);

    p->core = made.core;
    p->n_core = made.n;
    return e;
}

static enum err make_streams(struct plan *p, struct err_msg *m)
{
    struct structure_streams made = { 0 };
    enum err e = structure_streams(p, &made, m);

    p->stream = made.stream;
    p->n_stream = made.n;
    p->read_back = made.read_back;
    p->n_read_back = made.n_read_back;
    p->image_feed = made.image_feed;
    p->n_image_feed = made.n_image_feed;
    return e;
}

static enum err make_routes(struct plan *p, struct err_msg *m)
{
    struct structure_routes made = { 0 };
    enum err e = structure_routes(p, &made, m);

    p->fabric = made.fabric;
    p->hops = made.hops;
    for (uint32_t i = 0; !e && i < p->n_stream; i++)
        p->stream[i].route = made.route[i];
    free(made.route);
    return e;
}

static enum err try_layers(struct plan *p, const struct network *network,
                           const struct config *config, struct err_msg *m)
{
    *p = (struct plan){ .network = network, .config = config,
                         .train = presentation_train(&network->present) };
    p->steps = presentation_steps(&network->present) / p->train;
    enum err e = structure_check_keys(p, m);
    if (!e)
        e = check_clocks(p, m);
    if (!e)
        e = check_words(p, m);
    if (!e)
        e = make_layers(p, m);
    return e ? e : check_weights(p, m);
}

enum err plan_make_layers(struct plan *p, const struct network *network,
                          const struct config *config, struct err_msg *m)
{
    enum err e = network_check(network, m);

    *p = (struct plan){ 0 };
    return e ? e : try_layers(p, network, config, m);
}

enum err plan_try(struct plan *p, const struct network *network, const struct config *config,
                  const struct plan_wish *wish, struct err_msg *m)
{
    enum err e = try_layers(p, network, config, m);

    p->interval = max_u64(p->interval, wish->interval);
    if (!e)
        e = make_cores(p, m);
    if (!e)
        e = structure_check_biases(p, m);
    if (!e)
        e = make_streams(p, m);
    if (!e)
        e = make_routes(p, m);
    if (!e && network->decoded_from > 0)
        e = decode_pace(p, m);
    if (!e && clocking_of(config)->pass)
        e = clocking_of(config)->pass(p, m);
    if (!e)
        e = clocking_of(config)->timetable(&p->time, p, wish->thorough, m);
    return e;
}

static bool memory_is_slow(const struct plan *p)
{
    for (uint32_t i = 0; p->time.core && i < p->n_core; i++)
        if (p->time.core[i].used_clk[STAGE_MEMORY] > p->timestep_clk)
            return true;
    return false;
}

enum { MOST_WORD_BITS = 8192 }; // core.input_memory.word_bits

/* Adds words with which the machine has a plan, if memories are too slow and there are such: what
 * they come to, with other placings and intervals, only a plan can say. */
static void suggest_words(const struct plan *p, struct err_msg *m)
{
    const struct plan_wish wish = { .thorough = TO_THE_FIRST };
    struct config c = *p->config;
    size_t n = strlen(m->text);

    for (uint64_t bits = 2 * c.memory.word_bits; memory_is_slow(p) && bits <= MOST_WORD_BITS;
         bits *= 2) {
        struct plan other;
        struct err_msg unused;
        c.memory.word_bits = (uint32_t)bits;
        bool does = plan_try(&other, p->network, &c, &wish, &unused) == ERR_NONE;
        plan_release(&other);
        if (!does)
            continue;
        snprintf(m->text + n, sizeof m->text - n, ", or core.input_memory.word_bits = %u",
                 c.memory.word_bits);
        return;
    }
}

enum err plan_make(struct plan *p, const struct network *network, const struct config *config,
                   struct err_msg *m)
{
    const struct plan_wish wish = { .thorough = TO_THE_LAST };
    enum err e = network_check(network, m);

    *p = (struct plan){ 0 };
    if (!e)
        e = plan_try(p, network, config, &wish, m);
    if (e == ERR_INPUT && p->network)
        suggest_words(p, m);
    if (e)
        plan_release(p);
    return e;
}

void plan_release(struct plan *p)
{
    for (uint32_t i = 0; i < p->n_core; i++)
        free(p->core[i].name);
    free(p->layer);
    free(p->core);
    free(p->stream);
    free(p->hops);
    free(p->read_back);
    free(p->image_feed);
    free(p->comes);
    timetable_release(&p->time);
    *p = (struct plan){ 0 };
}
