/* test/unit/test_dry_run_pixels.c -- the dry timing run, which computes columns and repeats those
 * that are alike, against one that walks from output to output and looks at every pixel of its
 * patch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataflow/plan/dry_run/dry_run.h"
#include "test/random_study.h"

enum { STUDIES = 3000, IMAGES = 3 };

struct walk { // times of every layer's outputs: [layer][image][column * height + row]
    const struct plan *p;
    int64_t           *fired[64], *summed[64];
};

static const struct shape *map_of(const struct plan *p, uint32_t layer)
{
    return &plan_network_layer(p, layer)->out;
}

static size_t index_of(const struct plan *p, uint32_t layer, const struct pixel *at)
{
    const struct shape *map = map_of(p, layer);

    return ((size_t)at->image * map->width + at->column) * map->height + at->row;
}

/* When a layer delivers a pixel of its map, or of the one pixel of its pool. */
static int64_t done(const struct walk *w, uint32_t layer, struct pixel at)
{
    const struct shape *map = map_of(w->p, layer);

    if (plan_network_layer(w->p, layer)->pooled) {
        at.row = map->height - 1;
        at.column = map->width - 1;
    }
    return w->summed[layer][index_of(w->p, layer, &at)];
}

static int64_t stored(const struct walk *w, uint32_t layer, const struct pixel *at)
{
    const struct layer *l = plan_network_layer(w->p, layer);
    int64_t last = INT64_MIN;

    for (uint32_t i = 0; i < l->n_input; i++) {
        int64_t t = done(w, l->input[i] - 1, *at);
        last = t > last ? t : last;
    }
    return last + w->p->hops[layer].pixels;
}

/* Place k of a window along an axis, inside the map, if it is there. */
static bool place_of(const struct plan_layer *pl, int axis, uint32_t at, uint32_t k, int64_t *place)
{
    const struct window *w = &pl->window;
    int64_t begin = (int64_t)at * w->stride[axis] - w->pad_before[axis];

    if (w->again[axis] > 0)
        begin /= (int64_t)w->again[axis] + 1;
    *place = begin + (int64_t)k * w->dilation[axis];
    return *place >= 0 && *place < (axis == 0 ? pl->in_height : pl->in_width);
}

/* Whether some position of the window is in the map. */
static bool patch_ready(const struct walk *w, uint32_t layer, const struct pixel *at,
                        int64_t *ready)
{
    const struct plan_layer *pl = &w->p->layer[layer];
    bool any = false;
    int64_t row, column;

    *ready = INT64_MIN;
    for (uint32_t i = 0; i < pl->window.kernel[0]; i++)
        for (uint32_t j = 0; j < pl->window.kernel[1]; j++) {
            if (!place_of(pl, 0, at->row, i, &row) || !place_of(pl, 1, at->column, j, &column))
                continue;
            struct pixel px = { at->image, (uint32_t)row, (uint32_t)column };
            int64_t t = stored(w, layer, &px);
            *ready = t > *ready ? t : *ready;
            any = true;
        }
    return any;
}

static bool output_ready(const struct walk *w, uint32_t layer, const struct pixel *at,
                         int64_t *ready)
{
    const struct plan_layer *pl = &w->p->layer[layer];
    const struct layer *l = plan_network_layer(w->p, layer);

    *ready = (int64_t)(at->image * w->p->interval);
    if (pl->feed == FEED_PRODUCER)
        return patch_ready(w, layer, at, ready);
    if (pl->feed == FEED_READ_BACK) {
        struct pixel px = { at->image, at->row * l->window.stride[0],
                            at->column * l->window.stride[1] };
        *ready = stored(w, pl->feeder, &px) + w->p->hops[layer].pixels;
    }
    return true;
}

static int64_t residual_ready(const struct walk *w, uint32_t layer, const struct pixel *at)
{
    const struct plan_layer *pl = &w->p->layer[layer];
    int64_t hop = w->p->hops[layer].residual;

    return hop + (pl->residual == RESIDUAL_READ_BACK ? stored(w, pl->residual_from, at)
                                                     : done(w, pl->residual_from, *at));
}

/* False when a window lies in the padding: what it waits for is not told here. */
static bool walk_copy(struct walk *w, uint32_t layer, uint32_t copy)
{
    const struct plan_layer *pl = &w->p->layer[layer];
    const struct firing_shape shape = plan_firing_shape(w->p, layer);
    const int64_t chain = plan_sum_latency(w->p, layer);
    struct pixel at = firing_first(pl->firing, &shape, copy, 0);
    struct firing_run run = { 0 };
    int64_t ready;

    for (; at.image < IMAGES; pl->firing->next(&shape, copy, &at)) {
        if (!output_ready(w, layer, &at, &ready))
            return false;
        firing_run_add(&run, pl->firing, &shape, &at, ready);
        int64_t sum = run.timestep + chain;
        w->fired[layer][index_of(w->p, layer, &at)] = run.timestep;
        if (pl->residual != RESIDUAL_NONE) {
            int64_t residual = residual_ready(w, layer, &at);
            firing_run_sum(&run, residual > sum ? residual : sum, false);
            sum = run.summed;
        }
        w->summed[layer][index_of(w->p, layer, &at)] = sum;
    }
    return true;
}

static void compare(const struct walk *w, const struct dry_run *s, uint32_t layer)
{
    const struct shape *map = map_of(w->p, layer);
    struct pixel at = { 0 };

    for (at.image = 0; at.image < IMAGES; at.image++)
        for (at.column = 0; at.column < map->width; at.column++) {
            struct column_times fired = dry_run_fired(s, layer, at.image, at.column);
            struct column_times summed = dry_run_summed(s, layer, at.image, at.column);
            for (at.row = 0; at.row < map->height; at.row++) {
                size_t i = index_of(w->p, layer, &at);
                assert_int_equal(column_time(&fired, at.row), w->fired[layer][i]);
                assert_int_equal(column_time(&summed, at.row), w->summed[layer][i]);
            }
        }
}

static bool compare_study(const struct plan *p)
{
    struct walk w = { .p = p };
    struct dry_run s;
    struct err_msg m;
    bool told = true;

    assert_in_range(p->n_layer, 1, 64);
    assert_int_equal(dry_run_make(&s, p, &m), ERR_NONE);
    for (uint32_t i = 0; told && i < p->n_layer; i++) {
        size_t n = (size_t)IMAGES * map_of(p, i)->height * map_of(p, i)->width;
        w.fired[i] = calloc(n, sizeof *w.fired[i]);
        w.summed[i] = calloc(n, sizeof *w.summed[i]);
        assert_true(w.fired[i] && w.summed[i]);
        for (uint32_t copy = 0; told && copy < p->layer[i].copies; copy++)
            told = walk_copy(&w, i, copy);
        if (told)
            compare(&w, &s, i);
    }
    for (uint32_t i = 0; i < p->n_layer; i++) {
        free(w.fired[i]);
        free(w.summed[i]);
    }
    dry_run_release(&s);
    return told;
}

static void every_output_fires_when_one_that_walks_says(void **state)
{
    uint32_t told = 0;

    (void)state;
    for (unsigned seed = 1; seed <= STUDIES; seed++) {
        struct random_study study;
        random_study_make(&study, seed);
        told += compare_study(&study.plan);
        random_study_release(&study);
    }
    assert_true(told >= STUDIES * 3 / 4);
}

/* ---- windows that differ in nothing but themselves ---- */

enum { CHAINS = 60, LONGEST_CHAIN = 12 };

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * 1664525u + 1013904223u;
    return least + (*seed >> 8) % (most - least + 1);
}

/* Convolutions one behind the other that leave the map its sides: sizes and paddings of kernels
 * are all that tells them apart. */
static void make_chain(struct network *n, struct layer *layer, uint32_t *seed)
{
    static uint32_t before[LONGEST_CHAIN + 1];
    static char name[LONGEST_CHAIN + 1][16];
    const struct shape map = { pick(seed, 4, 9), pick(seed, 4, 9), 3 };

    *n = (struct network){ .name = "chain", .layer = layer,
                           .n_layer = pick(seed, 6, LONGEST_CHAIN) + 1 };
    for (uint32_t i = 0; i < n->n_layer; i++) {
        uint32_t kernel = 2 * pick(seed, 0, 2) + 1, pad = pick(seed, 0, kernel - 1);
        snprintf(name[i], sizeof name[i], "%s%u", i == 0 ? "image" : "conv", i);
        before[i] = i == 0 ? 0 : i - 1;
        layer[i] = (struct layer){ .kind = i == 0 ? LAYER_IMAGE : LAYER_CONV, .name = name[i],
                                   .in = map, .out = map, .groups = 1 };
        if (i == 0)
            continue;
        layer[i].input = &before[i];
        layer[i].n_input = 1;
        layer[i].window = (struct window){ .kernel = { kernel, kernel }, .stride = { 1, 1 },
                                           .dilation = { 1, 1 }, .pad_before = { pad, pad },
                                           .pad_after = { kernel - 1 - pad, kernel - 1 - pad } };
    }
}

static void layers_of_other_windows_are_not_timed_alike(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= CHAINS; seed++) {
        static const char *const set[] = { "core.input_memory.words=65536",
                                           "clocking.timestep_ns=100000", "chip.cores=2000" };
        struct layer layer[LONGEST_CHAIN + 1];
        struct network network;
        struct config config;
        struct plan plan;
        struct err_msg m;
        uint32_t r = seed;
        make_chain(&network, layer, &r);
        if (config_load(&config, "configs/resnet32.yaml", set, 3, &m) ||
            plan_make(&plan, &network, &config, &m))
            fail_msg("%s", m.text);
        assert_true(compare_study(&plan));
        plan_release(&plan);
        config_release(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_of_other_windows_are_not_timed_alike),
        cmocka_unit_test(every_output_fires_when_one_that_walks_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
