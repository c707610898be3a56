/* test/random_study.c -- see random_study.h. */
#include "test/random_study.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network/precision.h"
#include "test/dice.h"
#include "test/random_function.h"

/* ---- networks ---- */

static struct layer *append(struct network *n, const char *stem, uint32_t input)
{
    struct layer *l = &n->layer[n->n_layer];
    char name[32];

    snprintf(name, sizeof name, "%s%u", stem, n->n_layer);
    *l = (struct layer){ .name = strdup(name), .input = malloc(sizeof *l->input), .n_input = 1,
                         .groups = 1, .in = layer_delivers(&n->layer[input]) };
    l->input[0] = input;
    n->n_layer++;
    return l;
}

/* What each byte becomes, of the same type: the same for all outputs or not. */
static void random_table(struct dice *d, struct layer *l)
{
    l->n_table = chance(d, 2) ? 1 : l->out.channels;
    l->table = malloc((size_t)l->n_table * 256);
    for (size_t i = 0; i < (size_t)l->n_table * 256; i++)
        l->table[i] = (uint8_t)pick(d, 0, 255);
}

static void random_weights(struct dice *d, struct network *n, struct layer *l)
{
    size_t rows = layer_kernel_rows(l), entries = layer_n_scale(l);
    const struct layer *from = &n->layer[l->input[0]];

    l->in_zero = from->out_zero;
    l->weight = rows ? malloc(l->out.channels * rows) : NULL;
    l->requant.m = calloc(entries, sizeof *l->requant.m);
    l->requant.b = calloc(entries, sizeof *l->requant.b);
    l->requant.shift = calloc(entries, sizeof *l->requant.shift);
    for (size_t i = 0; i < l->out.channels * rows; i++)
        l->weight[i] = (int8_t)(chance(d, 20) ? -128 : (int)pick(d, 0, 254) - 127);
    for (size_t o = 0; o < entries; o++) {
        uint32_t shift = rows ? pick(d, 18, 24) : pick(d, 14, 17);
        l->requant.shift[o] = (uint8_t)shift;
        l->requant.m[o] = (uint16_t)pick(d, 1, 65535);
        l->requant.b[o] = (int64_t)pick(d, 0, 64u << shift) - (32 << shift);
    }
    l->out_zero = l->out_signed && chance(d, 3) ? (int32_t)pick(d, 0, 20) - 10
                  : !l->out_signed && chance(d, 4) ? (int32_t)pick(d, 0, 20) : 0;
    l->requant.zero = l->out_zero;
    l->requant.low = l->out_signed ? -128 : 0;
    l->requant.high = l->out_signed ? 127 : 255;
    if (!l->raw_output && chance(d, 5)) // sums are not looked up
        random_table(d, l);
    if (l->has_residual) {
        const struct layer *r = &n->layer[l->residual];
        l->requant.r_zero = r->out_zero;
        l->requant.mr = l->multiplies ? NULL : calloc(entries, sizeof *l->requant.mr);
        for (size_t o = 0; l->requant.mr && o < entries; o++)
            l->requant.mr[o] = (int64_t)1 << (l->requant.shift[o] - pick(d, 0, 3));
    }
}

static uint32_t window_out(const struct window *w, int axis, uint32_t in)
{
    uint32_t reach = (w->kernel[axis] - 1) * w->dilation[axis] + 1;
    uint32_t padded = in + w->pad_before[axis] + w->pad_after[axis];

    return padded < reach ? 0 : (padded - reach) / w->stride[axis] + 1;
}

/* Any window that leaves something of the map. */
static void random_window(struct dice *d, struct layer *l)
{
    uint32_t in[2] = { l->in.height, l->in.width }, out[2];

    do {
        for (int a = 0; a < 2; a++) {
            struct window *w = &l->window;
            w->kernel[a] = pick(d, 1, 4);
            w->stride[a] = chance(d, 4) ? pick(d, 2, 3) : 1;
            w->dilation[a] = chance(d, 6) ? 2 : 1;
            uint32_t reach = (w->kernel[a] - 1) * w->dilation[a] + 1;
            w->pad_before[a] = pick(d, 0, chance(d, 4) ? reach + 2 : reach - 1);
            w->pad_after[a] = pick(d, 0, chance(d, 4) ? reach + 2 : reach - 1);
            out[a] = window_out(w, a, in[a]);
        }
    } while (out[0] == 0 || out[1] == 0 || out[0] > 12 || out[1] > 12);
    l->out.height = out[0];
    l->out.width = out[1];
}

static void same_window(struct layer *l, uint32_t kernel, uint32_t stride)
{
    uint32_t pad = kernel / 2;

    l->window = (struct window){ .kernel = { kernel, kernel }, .stride = { stride, stride },
                                 .dilation = { 1, 1 }, .pad_before = { pad, pad },
                                 .pad_after = { pad, pad } };
    l->out.height = (l->in.height + stride - 1) / stride;
    l->out.width = (l->in.width + stride - 1) / stride;
}

static uint32_t random_divisor(struct dice *d, uint32_t of)
{
    uint32_t n = pick(d, 1, of);

    while (of % n != 0)
        n--;
    return n;
}

static void random_conv(struct dice *d, struct network *n)
{
    struct layer *l = append(n, "conv", n->n_layer - 1);

    l->kind = LAYER_CONV;
    l->groups = chance(d, 3) ? random_divisor(d, l->in.channels) : 1;
    l->out.channels = l->groups * pick(d, 1, (12 + l->groups - 1) / l->groups);
    l->out_signed = chance(d, 4);
    random_window(d, l);
    random_weights(d, n, l);
}

/* A digital layer that reads the last one. */
static struct layer *digital(struct network *n, enum layer_kind kind, uint32_t input)
{
    struct layer *l = append(n, "digital", input);

    l->kind = kind;
    l->groups = l->in.channels;
    l->out.channels = l->in.channels;
    l->out_signed = n->layer[input].out_signed;
    return l;
}

static void random_pool(struct dice *d, struct network *n)
{
    struct layer *l = digital(n, chance(d, 2) ? LAYER_MAX_POOL : LAYER_AVERAGE_POOL,
                              n->n_layer - 1);

    do {
        random_window(d, l);
        l->window.dilation[0] = l->window.dilation[1] = 1;
        for (int a = 0; a < 2; a++) {
            struct window *w = &l->window;
            w->pad_before[a] = w->pad_before[a] % w->kernel[a];
            w->pad_after[a] = w->pad_after[a] % w->kernel[a];
        }
        l->out.height = window_out(&l->window, 0, l->in.height);
        l->out.width = window_out(&l->window, 1, l->in.width);
    } while (l->out.height == 0 || l->out.width == 0);
    random_weights(d, n, l);
}

static void random_scale(struct dice *d, struct network *n, uint32_t input, uint32_t residual)
{
    struct layer *l = digital(n, LAYER_SCALE, input);

    l->has_residual = residual != 0;
    l->residual = residual;
    l->multiplies = residual != 0 && chance(d, 2);
    same_window(l, 1, 1);
    random_weights(d, n, l);
    for (uint32_t o = 0; l->multiplies && o < l->out.channels; o++)
        l->requant.shift[o] = (uint8_t)pick(d, 20, 24);
    if (chance(d, 2)) {
        l->negated = calloc(l->out.channels, sizeof *l->negated);
        for (uint32_t o = 0; o < l->out.channels; o++)
            l->negated[o] = chance(d, 3);
    }
}

/* Each pixel several times, or zeros between them. */
static void random_enlargement(struct dice *d, struct network *n)
{
    struct layer *l = digital(n, LAYER_SCALE, n->n_layer - 1);

    same_window(l, 1, 1);
    l->window.again[0] = pick(d, 0, l->in.height > 6 ? 0 : 12 / l->in.height - 1);
    l->window.again[1] = pick(d, 0, l->in.width > 6 ? 0 : 12 / l->in.width - 1);
    l->window.apart = chance(d, 2);
    l->out.height *= l->window.again[0] + 1;
    l->out.width *= l->window.again[1] + 1;
    l->out.height -= l->window.apart ? l->window.again[0] : 0;
    l->out.width -= l->window.apart ? l->window.again[1] : 0;
    random_weights(d, n, l);
}

/* The last map, times what a convolution makes of its mean. */
static void random_gate(struct dice *d, struct network *n)
{
    uint32_t map = n->n_layer - 1, channels = n->layer[map].out.channels;
    struct layer *mean, *gate, *product;

    if (map == 0)
        return;
    mean = digital(n, LAYER_SCALE, map);
    same_window(mean, 1, 1);
    random_weights(d, n, mean);
    mean->pooled = true;
    mean->pool = (struct pool_requant){ .m = (1u << 20) / (mean->out.height * mean->out.width),
                                        .shift = 20, .low = mean->requant.low,
                                        .high = mean->requant.high };
    gate = append(n, "gate", n->n_layer - 1);
    gate->kind = LAYER_CONV;
    gate->out.channels = channels;
    same_window(gate, 1, 1);
    random_weights(d, n, gate);
    product = digital(n, LAYER_SCALE, n->n_layer - 1);
    product->has_residual = product->multiplies = true;
    product->residual = map;
    same_window(product, 1, 1);
    product->out = n->layer[map].out;
    product->window.again[0] = product->out.height - 1;
    product->window.again[1] = product->out.width - 1;
    random_weights(d, n, product);
    for (uint32_t o = 0; o < product->out.channels; o++)
        product->requant.shift[o] = (uint8_t)pick(d, 20, 24);
}

/* A branch that leaves the map's sides as they are; all have bytes of one kind. */
static uint32_t random_branch(struct dice *d, struct network *n, uint32_t input, uint32_t channels)
{
    struct layer *l = append(n, "branch", input);

    l->kind = LAYER_CONV;
    l->out.channels = channels;
    same_window(l, chance(d, 2) ? 3 : 1, 1);
    random_weights(d, n, l);
    l->requant.zero = l->out_zero = 0;
    return n->n_layer - 1;
}

/* Two branches that are concatenated, or added as they are rounded. */
static void random_fork(struct dice *d, struct network *n)
{
    uint32_t input = n->n_layer - 1, channels = pick(d, 1, 12);

    if (input == 0)
        return;
    uint32_t a = random_branch(d, n, input, channels);
    if (chance(d, 2)) {
        uint32_t b = random_branch(d, n, chance(d, 2) ? a : input, channels);
        random_scale(d, n, b, a);
        return;
    }
    uint32_t b = random_branch(d, n, chance(d, 2) ? a : input, pick(d, 1, 12));
    struct layer *l = append(n, "concat", a);
    l->kind = LAYER_CONV;
    l->input = realloc(l->input, 2 * sizeof *l->input);
    l->input[1] = b;
    l->n_input = 2;
    l->in.channels += n->layer[b].out.channels;
    l->out.channels = pick(d, 1, 12);
    random_window(d, l);
    random_weights(d, n, l);
}

/* Two or three convolutions around a residual, with a resampling shortcut when it halves. */
static void random_block(struct dice *d, struct network *n)
{
    uint32_t input = n->n_layer - 1, stride = chance(d, 2) ? 2 : 1, from = input;
    uint32_t channels = stride == 1 ? n->layer[input].out.channels : pick(d, 1, 12);
    uint32_t residual = input, depth = pick(d, 2, 3);

    if (input == 0)
        return;
    if (stride == 2) {
        struct layer *l = append(n, "rs", input);
        l->kind = LAYER_CONV;
        l->out.channels = channels;
        l->out_signed = true;
        same_window(l, 1, 2);
        random_weights(d, n, l);
        residual = n->n_layer - 1;
    }
    for (uint32_t i = 0; i < depth; i++) {
        struct layer *l = append(n, "block", from);
        bool last = i + 1 == depth;
        l->kind = LAYER_CONV;
        l->out.channels = last ? channels : pick(d, 1, 12);
        l->has_residual = last;
        l->residual = last ? residual : 0;
        l->relu = true;
        same_window(l, last || chance(d, 2) ? 3 : 1, i == 0 ? stride : 1);
        random_weights(d, n, l);
        from = n->n_layer - 1;
    }
}

static void finish_network(struct dice *d, struct network *n)
{
    struct layer *last = &n->layer[n->n_layer - 1];
    uint32_t pixels = last->out.height * last->out.width;

    last->pooled = true;
    last->pool = (struct pool_requant){ .m = (1u << 20) / pixels, .shift = 20,
                                        .low = last->requant.low, .high = last->requant.high };
    struct layer *fc = append(n, "fc", n->n_layer - 1);
    fc->kind = LAYER_GEMM;
    fc->out = (struct shape){ 1, 1, pick(d, 2, 9) };
    fc->window = (struct window){ .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 } };
    fc->raw_output = fc->out_signed = true;
    random_weights(d, n, fc);
    fc->out_zero = 0;
}

static void random_network(struct dice *d, struct network *n)
{
    *n = (struct network){ .name = strdup("random"), .has_values = true, .n_layer = 1,
                           .layer = calloc(32, sizeof *n->layer) };
    n->layer[0] = (struct layer){ .name = strdup("image"), .groups = 1, .out_signed = true,
                                  .out = { pick(d, 1, 12), pick(d, 1, 12), pick(d, 1, 4) } };
    random_conv(d, n);
    for (uint32_t i = pick(d, 0, 5); i > 0; i--) {
        switch (pick(d, 0, 8)) {
        case 0:
            random_pool(d, n);
            break;
        case 1:
            random_scale(d, n, n->n_layer - 1, 0);
            break;
        case 2:
            random_fork(d, n);
            break;
        case 3:
        case 4:
            random_block(d, n);
            break;
        case 5:
            random_gate(d, n);
            break;
        case 6:
            random_enlargement(d, n);
            break;
        default:
            random_conv(d, n);
        }
    }
    finish_network(d, n);
}

/* ---- machines ---- */

static void add_entry(struct count_map *map, const char *key, uint32_t value)
{
    map->entry = realloc(map->entry, (map->n_entry + 1) * sizeof *map->entry);
    map->entry[map->n_entry++] =
        (struct count_entry){ .key = strdup(key), .where = strdup("test"), .value = value };
}

static void random_mapping(struct dice *d, const struct network *n, struct mapping_cfg *m)
{
    static const char *const firing[] = { "column", "free", "block" };

    snprintf(m->firing, sizeof m->firing, "%s", firing[pick(d, 0, 2)]);
    for (uint32_t i = 1; i < n->n_layer; i++) {
        const struct layer *l = &n->layer[i];
        bool dilated = l->window.dilation[0] > 1 || l->window.dilation[1] > 1;
        bool again = l->window.again[0] || l->window.again[1], wide = l->out.width > 1;
        if (chance(d, 2) && !again)
            add_entry(&m->replicas, l->name, pick(d, 1, 6));
        if (chance(d, 4) && !l->pooled && wide)
            add_entry(&m->copies, l->name, pick(d, 1, 3));
        if (chance(d, 3) && !dilated && wide)
            add_entry(&m->block_width, l->name, pick(d, 1, 3));
    }
}

static void random_machine(struct dice *d, const struct network *n, struct config *c)
{
    struct err_msg m;
    enum err e = config_load(c, NULL, NULL, 0, &m);

    assert(!e);
    (void)e;
    c->crossbar.rows = pick(d, 8, 300);
    c->crossbar.columns = pick(d, 4, 100);
    c->crossbar.input_slice_bits = MOST_VALUE_BITS; // a pulse, however many bits
    c->memory.word_bits = 8 * pick(d, 1, 20);
    c->memory.words = 65536;
    static const char *const placing[] = { "auto", "iwap", "klip", "plip" };
    snprintf(c->memory.placing, sizeof c->memory.placing, "%s", placing[pick(d, 0, 3)]);
    c->chip_cores = 65536;
    c->fabric.hop_timesteps = pick(d, 1, 3);
    c->fabric.partial_sum_hops = pick(d, 0, 2);
    c->fabric.link_bps = c->fabric.partial_sum_bps = UINT64_C(10000) * 1000000000;
    c->digital.lanes = 1024;
    c->clock_mhz = 10; // few clocks a timestep, since a test steps every one of them
    c->timestep_ns = 100 * pick(d, 40, 160);
    random_mapping(d, n, &c->mapping);
}

static void random_gemm(struct dice *d, struct network *n, bool last)
{
    struct layer *l = append(n, "fc", n->n_layer - 1);

    l->kind = LAYER_GEMM;
    l->out = (struct shape){ 1, 1, pick(d, 2, 12) };
    l->window = (struct window){ .kernel = { l->in.height, l->in.width }, .stride = { 1, 1 },
                                 .dilation = { 1, 1 } };
    l->relu = !last;
    l->raw_output = l->out_signed = last;
    random_weights(d, n, l);
    if (last)
        l->out_zero = 0;
}

static void random_flat_network(struct dice *d, struct network *n, bool bare)
{
    *n = (struct network){ .name = strdup("flat"), .has_values = true, .n_layer = 1,
                           .layer = calloc(32, sizeof *n->layer) };
    n->layer[0] = (struct layer){ .name = strdup("image"), .groups = 1, .out_signed = true,
                                  .out = { pick(d, 1, 12), pick(d, 1, 12), pick(d, 1, 4) } };
    for (uint32_t i = bare ? 0 : pick(d, 1, 3); i > 0; i--)
        if (chance(d, 3))
            random_fork(d, n);
        else
            random_conv(d, n);
    for (uint32_t i = pick(d, 0, 2); i > 0; i--)
        random_gemm(d, n, false);
    random_gemm(d, n, true);
}

/* ---- widths ---- */

static int32_t cut(int32_t v, int32_t least, int32_t most)
{
    return v < least ? least : v > most ? most : v;
}

/* What the layer delivers, in fewer bits than a byte. */
static void narrow(struct dice *d, struct layer *l)
{
    int32_t least, most, zero = l->out_zero;
    uint32_t fewest = value_bits_for(zero < 0 ? zero : 0, zero > 0 ? zero : 0, l->out_signed);

    l->value_bits = pick(d, fewest, 8);
    value_limits(l->value_bits, l->out_signed, &least, &most);
    for (size_t i = 0; l->table && i < (size_t)l->n_table * 256; i++) {
        int32_t v = l->out_signed ? (int8_t)l->table[i] : l->table[i];
        l->table[i] = (uint8_t)cut(v, least, most);
    }
    if (l->pooled) {
        l->pool.low = cut(l->pool.low, least, most);
        l->pool.high = cut(l->pool.high, least, most);
    } else if (!l->table) {
        l->requant.low = cut(l->requant.low, least, most);
        l->requant.high = cut(l->requant.high, least, most);
    }
}

/* A third of the networks deliver values of a few bits, another is carried in more than bytes. */
static void random_widths(unsigned seed, struct network *n)
{
    struct dice d = { .state = seed ^ UINT64_C(0x77696474685f5f5f) };

    if (seed % 3 == 0)
        n->least.value_bits = pick(&d, 1, 16);
    for (uint32_t i = 1; seed % 3 == 1 && i < n->n_layer; i++)
        if (!n->layer[i].raw_output)
            narrow(&d, &n->layer[i]);
}

/* ---- layers that leave the byte ---- */

static uint32_t bits_of(uint64_t v)
{
    uint32_t n = 0;

    while (v >> n)
        n++;
    return n;
}

/* Largest distance of what layer i delivers from its zero point. */
static uint64_t distance(const struct network *n, uint32_t i)
{
    const struct layer *l = &n->layer[i];
    int32_t least, most;

    value_limits(layer_value_bits(l) > 8 ? layer_value_bits(l) : 8, l->out_signed, &least, &most);
    return (uint64_t)(l->out_zero - least > most - l->out_zero ? l->out_zero - least
                                                               : most - l->out_zero);
}

static void widen_weights(struct dice *d, struct layer *l)
{
    size_t n = (size_t)layer_kernel_rows(l) * l->out.channels;
    int32_t least, most;

    l->weight_bits = pick(d, 2, 16);
    value_limits(l->weight_bits, true, &least, &most);
    if (l->weight_bits > 8) {
        free(l->weight);
        l->weight = NULL;
        l->wide_weight = calloc(n, sizeof *l->wide_weight);
    }
    for (size_t i = 0; i < n; i++) {
        int32_t w = chance(d, 8) ? least : (int32_t)pick(d, 0, (uint32_t)(most - least)) + least;
        if (l->wide_weight)
            l->wide_weight[i] = (int16_t)w;
        else
            l->weight[i] = (int8_t)w;
    }
}

/* Largest sum of entry i of a layer's scales. */
static uint64_t largest_sum(const struct network *n, const struct layer *l, uint32_t i)
{
    uint32_t rows = layer_kernel_rows(l);
    uint64_t most = l->kind == LAYER_AVERAGE_POOL ? i + 1 : 1;

    for (uint32_t k = 0; k < rows; k++) {
        size_t at = (size_t)i * rows + k;
        most += (uint64_t)abs(l->wide_weight ? l->wide_weight[at] : l->weight[at]);
    }
    return most * distance(n, l->input[0]) * (l->multiplies ? distance(n, l->residual) : 1);
}

/* Scales by which sums fill values of so many bits, more or less. */
static void fill_bits(struct dice *d, const struct network *n, struct layer *l, uint32_t bits)
{
    for (uint32_t i = 0; i < layer_n_scale(l); i++) {
        uint32_t have = bits_of(largest_sum(n, l, i)) + pick(d, 12, 15);
        uint32_t shift = have > bits ? have - bits : 0;
        l->requant.m[i] = (uint16_t)pick(d, 1u << 14, 65535);
        l->requant.shift[i] = (uint8_t)shift;
        int64_t offset = (int64_t)pick(d, 0, 1u << bits) - (1 << (bits - 1));
        l->requant.b[i] = offset * (INT64_C(1) << shift) + pick(d, 0, 1000);
        if (l->requant.mr) {
            uint32_t want = bits_of(distance(n, l->residual)) + pick(d, 0, 2);
            l->requant.mr[i] = shift + bits > want ? INT64_C(1) << (shift + bits - want) : 1;
        }
    }
}

static void widen(struct dice *d, struct network *n, uint32_t index)
{
    struct layer *l = &n->layer[index];
    int32_t least, most, zero = l->out_zero;
    uint32_t fewest = value_bits_for(zero < 0 ? zero : 0, zero > 0 ? zero : 0, l->out_signed);
    uint32_t bits = chance(d, 3) ? 16 : pick(d, fewest, 16);

    l->value_bits = l->raw_output ? 0 : bits;
    if (bits > 8 && !l->raw_output) {
        free(l->table);
        l->table = NULL;
        l->n_table = 0;
    }
    if (bits > 8 && !l->raw_output && strncmp(l->name, "branch", 6) != 0 && chance(d, 2))
        l->out_zero = l->out_signed ? (int32_t)pick(d, 0, 500) - 250 : (int32_t)pick(d, 0, 511);
    if (index == 0)
        return;
    l->in_zero = n->layer[l->input[0]].out_zero;
    if (l->has_residual)
        l->requant.r_zero = n->layer[l->residual].out_zero;
    if (!layer_is_digital(l))
        widen_weights(d, l);
    if (l->raw_output)
        return;
    value_limits(bits, l->out_signed, &least, &most);
    if (l->pooled) {
        l->pool.low = least;
        l->pool.high = most;
        bits = l->table ? 8 : pick(d, bits, 16); // what it pools may have more
        value_limits(bits, l->out_signed, &least, &most);
    }
    l->requant.zero = l->out_zero;
    if (!l->table) {
        l->requant.low = least;
        l->requant.high = most;
        fill_bits(d, n, l, bits);
        return;
    }
    value_limits(l->value_bits, l->out_signed, &least, &most);
    for (size_t i = 0; i < (size_t)l->n_table * 256; i++) {
        int32_t v = l->out_signed ? (int8_t)l->table[i] : l->table[i];
        l->table[i] = (uint8_t)cut(v, least, most);
    }
    fill_bits(d, n, l, 8);
}

/* Values of the image's bits: the low bytes of all, then the high ones. */
static void make_wide_images(struct dice *d, struct random_study *s)
{
    const struct layer *image = &s->network.layer[0];
    uint32_t n = (uint32_t)network_image_values(&s->network);
    int32_t least, most;

    value_limits(layer_value_bits(image), image->out_signed, &least, &most);
    s->image_bytes = (uint32_t)network_image_bytes(&s->network);
    s->image = malloc(STUDY_IMAGES * s->image_bytes);
    for (uint32_t i = 0; i < STUDY_IMAGES * n; i++) {
        int32_t v = least + (int32_t)pick(d, 0, (uint32_t)(most - least));
        int8_t *to = s->image + i / n * s->image_bytes + i % n;
        *to = (int8_t)(v & 255);
        if (s->image_bytes > n)
            to[n] = (int8_t)(v >> 8 & 255);
    }
}

static void make_images(struct dice *d, struct random_study *s)
{
    const struct shape *in = &s->network.layer[0].out;

    s->image_bytes = in->height * in->width * in->channels;
    s->image = malloc(STUDY_IMAGES * s->image_bytes);
    for (uint32_t i = 0; i < STUDY_IMAGES * s->image_bytes; i++)
        s->image[i] = (int8_t)((int)pick(d, 0, 255) - 128);
}

void random_flat_study_make(struct random_study *s, unsigned seed, bool bare)
{
    struct dice d = { .state = seed };
    struct err_msg m;

    *s = (struct random_study){ .seed = seed };
    random_flat_network(&d, &s->network, bare);
    random_widths(seed, &s->network);
    random_functions(seed, &s->network);
    do {
        config_release(&s->config);
        random_machine(&d, &s->network, &s->config);
        s->config.crossbar.rows = chance(&d, 2) ? pick(&d, 2, 8) : pick(&d, 4, 60);
    } while (plan_make(&s->plan, &s->network, &s->config, &m));
    make_images(&d, s);
}

void random_study_make(struct random_study *s, unsigned seed)
{
    struct dice d = { .state = seed };
    struct err_msg m;

    *s = (struct random_study){ .seed = seed };
    random_network(&d, &s->network);
    random_widths(seed, &s->network);
    random_functions(seed, &s->network);
    do {
        config_release(&s->config);
        random_machine(&d, &s->network, &s->config);
    } while (plan_make(&s->plan, &s->network, &s->config, &m));
    make_images(&d, s);
}

void random_wide_study_make(struct random_study *s, unsigned seed)
{
    struct dice d = { .state = seed ^ UINT64_C(0x9e3779b97f4a7c15) };
    struct err_msg m;

    *s = (struct random_study){ .seed = seed };
    random_network(&d, &s->network);
    s->network.layer[0].out_signed = chance(&d, 2);
    for (uint32_t i = 0; i < s->network.n_layer; i++)
        widen(&d, &s->network, i);
    random_functions(seed, &s->network);
    do {
        config_release(&s->config);
        random_machine(&d, &s->network, &s->config);
    } while (plan_make(&s->plan, &s->network, &s->config, &m));
    make_wide_images(&d, s);
}

static void set_buffers(struct elastic_cfg *e, unsigned seed)
{
    uint64_t s = seed * UINT64_C(0x9e3779b97f4a7c15);
#define DRAW(n) (uint32_t)(1 + (s = s * UINT64_C(6364136223846793005) + 1) / 65536 % (n))
    e->input_pixels = DRAW(4);
    e->residual_pixels = DRAW(6);
    e->partial_sum_pixels = DRAW(4);
    e->output_pixels = DRAW(4);
    e->read_back_pixels = DRAW(3);
    e->results = DRAW(2);
    e->registers = DRAW(2);
    e->group = DRAW(2) == 1 ? GROUP_FULL : GROUP_ANY;
    e->hop_clk = DRAW(5);
    e->credit_clk = DRAW(4);
#undef DRAW
}

/* Half of the machines have stages of one to three clocks, whose ends often meet. */
void random_study_clocks(struct random_study *s)
{
    struct dice d = { .state = s->seed ^ UINT64_C(0xd1b54a32d192ed03) };
    struct config *c = &s->config;
    const uint32_t most = chance(&d, 2) ? 3 : 40;
    uint32_t columns = 1; // that the widest kernel sees

    for (uint32_t i = 1; i < s->network.n_layer; i++) {
        const struct window *w = &s->network.layer[i].window;
        if (w->kernel[1] > 0)
            columns = max_u32(columns, (w->kernel[1] - 1) * w->dilation[1] + 1);
    }
    c->crossbar.mvm_ns = 1000 / c->clock_mhz * pick(&d, 1, most);
    c->digital.lanes = chance(&d, 2) ? 1024 : pick(&d, 1, 32);
    const uint32_t bits = 8 * pick(&d, 4, most == 3 ? 100 : 16); // that a link sends in a clock
    c->fabric.link_bps = (uint64_t)bits * c->clock_mhz * 1000000;
    c->fabric.partial_sum_bps = c->fabric.link_bps * pick(&d, 1, 4);
    const uint32_t more = pick(&d, 0, 3);
    c->memory.columns = more < 3 ? columns + more : COLUMNS_AUTO;
}

bool random_study_elastic(struct plan *p, struct random_study *s)
{
    struct err_msg m;

    s->config.clocking = CLOCKING_ELASTIC;
    set_buffers(&s->config.elastic, s->seed);
    bool made = !plan_make(p, &s->network, &s->config, &m);
    return made;
}

void random_study_release(struct random_study *s)
{
    plan_release(&s->plan);
    config_release(&s->config);
    network_release(&s->network);
    free(s->image);
    *s = (struct random_study){ 0 };
}
