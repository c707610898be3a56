/* dataflow/plan/layers.c -- how each layer is mapped, and where its pixels come from. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/mapping.h"
#include "dataflow/plan/structure.h"
#include "dataflow/plan/tokens.h"
#include "dataflow/policies.h"
#include "network/precision.h"

/* ERR_INPUT with a line that says where the entry of a mapping table that holds for a layer was
 * given. */
#define REFUSE_ENTRY(map, l, m, ...)                                                               \
    (err_set(m, ERR_INPUT, __VA_ARGS__),                                                           \
     err_prefix(m, count_map_where(map, (l)->name, (l)->out.height)), ERR_INPUT)

static bool reads_only(const struct layer *l, uint32_t input)
{
    return l->n_input == 1 && l->input[0] == input;
}

/* Uses of a layer's pixels. */
struct uses {
    uint32_t as_input, as_residual;
};

/* Of every layer of the network; the caller's. NULL without memory. */
static struct uses *count_uses(const struct network *n)
{
    struct uses *uses = calloc(n->n_layer, sizeof *uses);

    for (uint32_t i = 1; uses && i < n->n_layer; i++) {
        const struct layer *l = &n->layer[i];
        for (uint32_t k = 0; k < l->n_input; k++)
            uses[l->input[k]].as_input++;
        if (l->has_residual)
            uses[l->residual].as_residual++;
    }
    return uses;
}

static bool is_pointwise(const struct window *w)
{
    for (int axis = 0; axis < 2; axis++)
        if (w->kernel[axis] != 1 || w->again[axis] != 0 || w->pad_before[axis] != 0 ||
            w->pad_after[axis] != 0)
            return false;
    return true;
}

/* Whether every split's memory holds all channels of the one map that a layer reads, each in one
 * part. */
static bool holds_all(const struct plan *p, uint32_t layer, uint32_t map)
{
    const struct layer *l = plan_network_layer(p, layer);

    return !layer_is_of_tokens(l) && reads_only(l, map) && l->groups == 1 &&
           l->window.kernel[0] * l->window.kernel[1] <= p->layer[layer].array.rows;
}

/* A resampling layer is pointwise and only ever added to a later sum. The memory of another layer
 * holds the pixels that it reads, and hands them on when they are due. */
static void find_resampling(struct plan *p, uint32_t layer, const struct uses *uses)
{
    const struct layer *l = plan_network_layer(p, layer);
    struct plan_layer *pl = &p->layer[layer];
    const struct uses *its = &uses[pl->layer];

    if (its->as_input != 0 || its->as_residual != 1 || l->has_residual || l->pooled ||
        l->n_input != 1 || l->input[0] == 0 || !is_pointwise(&l->window))
        return;
    for (uint32_t i = l->input[0]; i < p->n_layer; i++) // from the first layer behind that map
        if (i != layer && p->layer[i].feed == FEED_PRODUCER &&
            holds_all(p, i, l->input[0])) {
            pl->feed = FEED_READ_BACK;
            pl->feeder = i;
            pl->in_height = l->out.height; // only what it wants is sent
            pl->in_width = l->out.width;
            pl->window.stride[0] = pl->window.stride[1] = 1;
            return;
        }
}

/* Whether attention lies between a map and the layer that adds it: its tokens wait for whole
 * sequences. */
static bool waits_for_attention(const struct plan *p, uint32_t map, uint32_t layer)
{
    bool attention = false;

    for (uint32_t i = map + 1; i < layer; i++)
        attention |= p->network->layer[i].kind == LAYER_ATTENTION;
    return attention;
}

/* The first layer that stores the image. */
static uint32_t stores_image(const struct plan *p)
{
    uint32_t i = 0;

    while (p->layer[i].feed != FEED_SCRATCHPAD)
        i++;
    return i;
}

/* A residual is read from the memory of the earliest layer that holds its pixels, or sent by the
 * cores that compute it; the image, which nobody computes, by its scratchpad. */
static void find_residual(struct plan *p, uint32_t layer)
{
    const struct layer *l = plan_network_layer(p, layer);
    struct plan_layer *pl = &p->layer[layer];

    if (!l->has_residual)
        return;
    bool waits = waits_for_attention(p, l->residual, layer + 1); // in the FIFO
    for (uint32_t i = l->residual; i <= layer && !waits; i++) // from the first behind that map
        if (p->layer[i].feed != FEED_READ_BACK && holds_all(p, i, l->residual)) {
            pl->residual = RESIDUAL_READ_BACK;
            pl->residual_from = i;
            return;
        }
    if (l->residual == 0) {
        pl->residual = RESIDUAL_IMAGE;
        pl->residual_from = stores_image(p);
        return;
    }
    pl->residual = RESIDUAL_DIRECT;
    pl->residual_from = l->residual - 1;
}

/* Every key of a mapping table is an output height or the name of a layer. */
static enum err check_keys(const struct plan *p, const char *table, const struct count_map *map,
                           struct err_msg *m)
{
    for (uint32_t i = 0; i < map->n_entry; i++) {
        const char *key = map->entry[i].key;
        if (key[strspn(key, "0123456789")] == '\0' ||
            network_find(p->network, key) < p->network->n_layer)
            continue;
        return err_set(m, ERR_INPUT,
                       "%s: mapping.%s.%s: no such layer in %s: want an output height, or the "
                       "name of a layer as `imcsim map` prints them",
                       map->entry[i].where, table, key, p->network->name);
    }
    return ERR_NONE;
}

static enum err refuse_firing(const struct plan *p, struct err_msg *m)
{
    char known[256] = "";

    for (const struct firing_policy *const *f = firing_policies; *f; f++) {
        size_t n = strlen(known);
        snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", (*f)->name);
    }
    return PLAN_REFUSE(p, "mapping.firing", m, "mapping.firing = %s: want one of %s",
                       p->config->mapping.firing, known);
}

static enum err choose_firing(const struct plan *p, struct plan_layer *pl, uint32_t *block_width,
                              struct err_msg *m)
{
    const struct mapping_cfg *cfg = &p->config->mapping;
    const struct layer *l = &p->network->layer[pl->layer];

    pl->firing = policies_firing(p->config);
    if (!pl->firing)
        return refuse_firing(p, m);
    *block_width = count_map_get(&cfg->block_width, l->name, l->out.height, 1);
    if (*block_width > l->out.width)
        return REFUSE_ENTRY(&cfg->block_width, l, m,
                            "mapping.block_width of %s = %u: its output is %u columns wide: "
                            "want 1 to %u",
                            l->name, *block_width, l->out.width, l->out.width);
    if (*block_width > 1) // what replicas of Method 2 can compute
        pl->firing = pl->firing->of_blocks;
    if (*block_width > 1 && (l->window.dilation[0] > 1 || l->window.dilation[1] > 1))
        return REFUSE_ENTRY(&cfg->block_width, l, m,
                            "mapping.block_width of %s = %u: blocks of dilated windows are not "
                            "there yet: want 1",
                            l->name, *block_width);
    return ERR_NONE;
}

enum { MOST_SIDE = 8192 }; // of an array: core.crossbar.rows and columns

/* Most replicas with which an array holds one channel of the inputs and one of the outputs. */
static uint32_t most_replicas(const struct window *w, uint32_t block_width,
                              const struct array_spec *array)
{
    uint32_t n = 0;

    while (n < array->outputs && replicas_make(w, n + 1, block_width).positions <= array->rows)
        n++;
    return n;
}

/* What array would do, as far as the configuration can say it. */
static void larger_array(char *text, size_t size, const struct plan *p, uint32_t rows,
                         uint32_t columns)
{
    const struct crossbar_cfg *array = &p->config->crossbar;
    int n = 0;

    rows += array->reserved_rows;
    if (rows > array->rows)
        n = snprintf(text, size, "core.crossbar.rows = %u%s", rows,
                     columns > array->columns ? " and " : "");
    if (columns > array->columns)
        snprintf(text + n, size - (size_t)n, "core.crossbar.columns = %u", columns);
}

/* Whether the one window is the map. */
static bool is_whole_map(const struct plan_layer *pl)
{
    const struct window *w = &pl->window;
    bool whole = w->kernel[0] == pl->in_height && w->kernel[1] == pl->in_width;

    for (int axis = 0; axis < 2; axis++)
        whole = whole && w->pad_before[axis] == 0 && w->pad_after[axis] == 0 &&
                w->dilation[axis] == 1;
    return whole;
}

/* An array holds one channel with all of its replicas, or part of a channel that has none. */
static enum err check_array(const struct plan *p, const struct plan_layer *pl, uint32_t n,
                            uint32_t block_width, struct err_msg *m)
{
    const struct array_spec *array = &pl->array;
    const struct layer *l = &p->network->layer[pl->layer];
    uint32_t rows = replicas_make(&pl->window, n, block_width).positions;
    if (n > 1 && (pl->window.again[0] || pl->window.again[1]))
        return REFUSE_ENTRY(&p->config->mapping.replicas, l, m,
                            "mapping.replicas of %s = %u: outputs that see a pixel again have no "
                            "replicas: want mapping.replicas.%s = 1", l->name, n, l->name);
    char fewer[64] = "", larger[96] = "";

    if ((rows <= array->rows || (n == 1 && !layer_is_digital(l))) && n <= array->outputs)
        return ERR_NONE;
    if (n == 1)
        return PLAN_REFUSE(p, "core.crossbar.rows", m,
                           "layer %s sees %u pixels of a channel at once, a core's input registers "
                           "hold %u: want core.crossbar.rows = %" PRIu64,
                           l->name, rows, array->rows,
                           (uint64_t)rows + p->config->crossbar.reserved_rows);
    uint32_t most = most_replicas(&pl->window, block_width, array);
    most = max_u32(most, !layer_is_digital(l)); // whose rows are cut anywhere
    if (most > 0)
        snprintf(fewer, sizeof fewer, "at most %u replica%s", most, most == 1 ? "" : "s");
    uint64_t columns = (uint64_t)n * array->layout.columns;
    uint64_t reserved = p->config->crossbar.reserved_rows;
    if (rows + reserved <= MOST_SIDE && columns <= MOST_SIDE)
        larger_array(larger, sizeof larger, p, rows, (uint32_t)columns);
    return REFUSE_ENTRY(&p->config->mapping.replicas, l, m,
                        "mapping.replicas of %s = %u: they need %u rows for one input channel and "
                        "%" PRIu64 " columns for one output channel, the array has %u and %u: "
                        "want %s%s%s",
                        l->name, n, rows, columns, array->rows, p->config->crossbar.columns, fewer,
                        fewer[0] && larger[0] ? " or " : "", larger);
}

static struct array_load array_load(const struct plan *p, const struct plan_layer *pl)
{
    return (struct array_load){
        .value_bits = network_input_bits(p->network, pl->layer),
        .train = p->train,
        .weight_bits = network_weight_bits(p->network, pl->layer),
        .kernel_rows = layer_kernel_rows(&p->network->layer[pl->layer]),
    };
}

static enum err check_readout(const struct plan *p, const struct plan_layer *pl, struct err_msg *m)
{
    const struct layer *l = &p->network->layer[pl->layer];
    struct array_load load = array_load(p, pl);
    const char *key;
    struct err_msg why;

    load.kernel_rows = pl->rows; // of replicas too
    if (array_check_readout(&pl->array, &load, network_value_bits(p->network, pl->layer),
                            l->raw_output, pl->parts, &key, &why))
        return PLAN_REFUSE(p, key, m, "core.readout.kind = %s: layer %s %.160s",
                           pl->array.readout->name, l->name, why.text);
    return ERR_NONE;
}

static enum err place_replicas(const struct plan *p, struct plan_layer *pl, struct err_msg *m)
{
    const struct mapping_cfg *cfg = &p->config->mapping;
    const struct array_spec *array = &pl->array;
    const struct layer *l = &p->network->layer[pl->layer];
    if (layer_is_of_tokens(l))
        return tokens_place(p, pl, m);
    uint32_t n = count_map_get(&cfg->replicas, l->name, l->out.height, 1), block_width = 1;
    enum err e = choose_firing(p, pl, &block_width, m);

    if (e)
        return e;
    e = check_array(p, pl, n, block_width, m);
    if (e)
        return e;
    pl->replicas = replicas_make(&pl->window, n, block_width);
    struct cut cut = layer_cut(l, &pl->replicas, array->rows, array->outputs);
    pl->parts = cut.parts;
    pl->splits = cut.splits;
    pl->inside = cut.inside;
    pl->flat = cut.inside && is_whole_map(pl);
    struct firing_shape shape = { .height = l->out.height, .width = l->out.width, .n = n,
                                  .block_w = pl->replicas.width, .block_h = pl->replicas.height };
    uint32_t strips = firing_strips(pl->firing, &shape);
    pl->copies = count_map_get(&cfg->copies, l->name, l->out.height, 1);
    if (pl->copies > strips)
        return REFUSE_ENTRY(&cfg->copies, l, m,
                            "mapping.copies of %s = %u: there are %u output columns or strips to "
                            "share: want 1 to %u",
                            l->name, pl->copies, strips, strips);
    if (pl->copies > 1 && l->pooled)
        return REFUSE_ENTRY(&cfg->copies, l, m,
                            "mapping.copies of %s = %u: one core sums up what is pooled: want "
                            "mapping.copies.%s = 1",
                            l->name, pl->copies, l->name);
    if (!layer_is_digital(l)) {
        pl->rows = l->in.channels * pl->replicas.positions;
        pl->columns = l->out.channels * n;
    }
    pl->n_core = pl->parts * pl->splits * pl->copies;
    const struct crossbar_cfg *devices = &p->config->crossbar;
    pl->utilization = (double)layer_kernel_rows(l) * pl->columns * pl->copies *
                      array->layout.columns /
                      ((double)pl->n_core * array_count(array, pl->rows / pl->parts) *
                       devices->rows * devices->columns);
    return layer_is_digital(l) ? ERR_NONE : check_readout(p, pl, m);
}

enum { WHOSE = 160 };

/* Whose weights an array is to keep, and one of them that is neither +1 nor -1. */
static void say_whose(char *text, const struct layer *l)
{
    size_t n = l->weight ? (size_t)l->out.channels * layer_kernel_rows(l) : 0, i = 0;

    while (i < n && (l->weight[i] == 1 || l->weight[i] == -1))
        i++;
    int end = snprintf(text, WHOSE, "layer %.100s has ", l->name);
    if (i < n)
        snprintf(text + end, WHOSE - (size_t)end, "%d among ", l->weight[i]);
}

static enum err map_layer(struct plan *p, uint32_t layer, struct err_msg *m)
{
    struct plan_layer *pl = &p->layer[layer];
    const struct layer *l = &p->network->layer[layer + 1];
    bool from_image = false;

    pl->layer = layer + 1;
    for (uint32_t i = 0; i < l->n_input; i++)
        from_image |= l->input[i] == 0;
    if (from_image && l->n_input > 1)
        return err_set(m, ERR_INPUT, "layer %s reads the image beside other layers: not there yet",
                       l->name);
    pl->feed = from_image ? FEED_SCRATCHPAD : FEED_PRODUCER;
    pl->in_height = l->in.height;
    pl->in_width = l->in.width;
    pl->window = l->window;
    struct array_load load = array_load(p, pl);
    char whose[WHOSE];
    say_whose(whose, l);
    load.whose = whose;
    return array_spec_of(&pl->array, p->config, &load, m);
}

enum err structure_check_keys(const struct plan *p, struct err_msg *m)
{
    const struct mapping_cfg *cfg = &p->config->mapping;
    enum err e = check_keys(p, "replicas", &cfg->replicas, m);

    if (!e)
        e = check_keys(p, "copies", &cfg->copies, m);
    return e ? e : check_keys(p, "block_width", &cfg->block_width, m);
}

/* Words that n neighbouring values lie in, at most. */
static uint64_t most_words(uint64_t n, const struct placing *placing, uint32_t word_values)
{
    return placing->needs_masks ? (n - 1 + word_values - 1) / word_values + 1
                                : ceil_div(n, word_values);
}

/* A layer that makes one output of the whole image reads much at once and fires once: its interval
 * is what the port takes to write the image's pixels, as they come, beside that. */
static uint64_t time_to_write(const struct plan *p, uint32_t layer)
{
    const struct plan_layer *pl = &p->layer[layer];
    const struct layer *l = plan_network_layer(p, layer);
    const struct cut cut = { pl->parts, pl->splits, pl->inside };
    const struct slice part = layer_slice(l, cut, 0, 0);
    uint32_t values = pl->flat ? 1 : part.in_n, word = plan_word_values(p, layer);
    uint32_t columns = plan_kernel_columns(p, layer);
    uint32_t rows = min_u32(l->window.kernel[0], pl->in_height);
    const struct placing *placing = plan_placing(&p->config->memory, values, word);
    uint64_t pixels = (uint64_t)pl->in_height * pl->in_width;

    if (pl->feed != FEED_SCRATCHPAD || l->out.height * l->out.width > 1 || !placing ||
        stage_memory_clocks(p->config, (uint32_t)pixels, 1) == 0)
        return 1;
    if (pl->flat) // whole rows, a share of one at either end, of two channels
        rows = min_u32(rows, (uint32_t)ceil_div(part.row_n, pl->in_width) + 2);
    uint64_t pixel = most_words(values, placing, word);
    uint64_t row = placing->needs_masks ? most_words((uint64_t)columns * values, placing, word) + 1
                                        : columns * pixel; // + 1: where the slots begin anew
    uint64_t room = p->timestep_clk > rows * row ? (p->timestep_clk - rows * row) / pixel : 0;
    return ceil_div(pixels, max_u64(room, 1));
}

uint64_t structure_interval(const struct plan *p)
{
    uint64_t most = 1;

    for (uint32_t i = 0; i < p->n_layer; i++) {
        struct firing_shape shape = plan_firing_shape(p, i);
        most = max_u64(most, p->layer[i].firing->firings(&shape));
        if (layer_is_of_tokens(plan_network_layer(p, i)))
            most = max_u64(most, tokens_interval(p, i));
        most = max_u64(most, time_to_write(p, i));
    }
    return most;
}

static enum err fill(struct plan *p, const struct uses *uses, struct err_msg *m)
{
    enum err e = ERR_NONE;
    uint64_t n_core = 0;

    for (uint32_t i = 0; !e && i < p->n_layer; i++)
        e = map_layer(p, i, m);
    for (uint32_t i = 0; !e && i < p->n_layer; i++)
        find_resampling(p, i, uses);
    for (uint32_t i = 0; !e && i < p->n_layer; i++)
        find_residual(p, i);
    for (uint32_t i = 0; !e && i < p->n_layer; i++)
        e = place_replicas(p, &p->layer[i], m);
    for (uint32_t i = 0; !e && i < p->n_layer; i++) {
        p->layer[i].first_core = (uint32_t)n_core; // structure_cores() refuses too many
        n_core += p->layer[i].n_core;
    }
    return e;
}

enum err structure_layers(const struct plan *p, struct structure_layers *out, struct err_msg *m)
{
    struct plan made = *p;

    made.n_layer = p->network->n_layer - 1;
    made.layer = calloc(made.n_layer, sizeof *made.layer);
    struct uses *uses = count_uses(p->network);
    enum err e = made.layer && uses ? fill(&made, uses, m)
                                    : err_set(m, ERR_MEMORY, "no memory for the plan");
    free(uses);
    *out = (struct structure_layers){ made.layer, made.layer ? made.n_layer : 0 };
    return e;
}
