/* Values of whole transformers: random small ones beside a naive program that knows nothing of ours,
 * plain, by every kernel's lanes, in chips under both kernels and in streams abreast; properties of
 * attention; and a key that is read before it has come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "core/simd.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"
#include "network/values/plain.h"
#include "network/values/values.h"
#include "test/random_tokens.h"

enum { N_NETWORK = 1000, N_EVERY_KERNEL = 300, N_CHIP = 120 };

static const struct network *network_of(const struct random_tokens *t)
{
    return &t->rig.network;
}

static int64_t plain_value(void *user, uint32_t layer, uint32_t pixel, uint32_t channel)
{
    struct { const struct random_tokens *t; struct plain *p; } *of = user;
    const struct layer *l = &network_of(of->t)->layer[layer];

    return plain_delivered(of->p, layer, (size_t)pixel * l->out.channels + channel);
}

static void every_layer_is_that_of_a_naive_program(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_NETWORK; seed++) {
        struct random_tokens t;
        random_tokens_make(&t, seed, false);
        struct { const struct random_tokens *t; struct plain *p; } of = {
            &t, plain_new(network_of(&t))
        };
        assert_non_null(of.p);
        for (uint32_t i = 0; i < 2; i++) {
            plain_run(of.p, t.image + i * t.image_bytes, NULL);
            for (uint32_t l = 1; l < network_of(&t)->n_layer; l++)
                naive_layer_is(&t, l, plain_value, &of);
        }
        plain_free(of.p);
        random_tokens_release(&t);
    }
}

/* ---- lanes ---- */

struct maps { // of images, one after the other: what every layer computes
    const struct network *n;
    unsigned  seed;
    uint32_t  first;  // image of the first lane
    size_t   *begin;  // owned; [n_layer]: where a layer's values of an image begin
    size_t    size;   // of all layers
    int32_t  *value;  // owned
    bool      compare; // else they are kept
    uint32_t  n_map;
};

static void maps_init(struct maps *m, const struct random_tokens *t)
{
    *m = (struct maps){ .n = network_of(t), .seed = t->seed };
    m->begin = calloc(m->n->n_layer, sizeof *m->begin);
    assert_non_null(m->begin);
    for (uint32_t i = 0; i < m->n->n_layer; i++) {
        const struct shape *s = &m->n->layer[i].out;
        m->begin[i] = m->size;
        m->size += (size_t)s->height * s->width * s->channels;
    }
    m->value = calloc(TOKENS_IMAGES * m->size, sizeof *m->value);
    assert_non_null(m->value);
}

static void maps_release(struct maps *m)
{
    free(m->begin);
    free(m->value);
}

static void see_column(void *user, uint32_t layer, const struct value_map *map, uint32_t y,
                       uint32_t n)
{
    struct maps *m = user;

    for (uint32_t lane = 0; lane < n; lane++)
        for (uint32_t x = 0; x < map->shape.height; x++)
            for (uint32_t c = 0; c < map->shape.channels; c++) {
                int32_t *kept = m->value + (m->first + lane) * m->size + m->begin[layer] +
                                ((size_t)y * map->shape.height + x) * map->shape.channels + c;
                const int32_t found = value_get(map, x, y, c, lane);
                if (m->compare && *kept != found)
                    fail_msg("seed %u, layer %u, lane %u, (%u, %u), channel %u: %d, want %d",
                             m->seed, layer, lane, x, y, c, found, *kept);
                *kept = found;
            }
    m->n_map += y == map->shape.width - 1;
}

static void keep_plain(const struct random_tokens *t, struct maps *m, int64_t *result)
{
    const struct value_watch watch = { .output = see_column, .user = m };
    const uint32_t last = m->n->n_layer - 1, classes = network_result(m->n)->out.channels;
    struct plain *p = plain_new(m->n);

    assert_non_null(p);
    for (m->first = 0; m->first < TOKENS_IMAGES; m->first++) {
        plain_run(p, t->image + m->first * t->image_bytes, &watch);
        for (uint32_t c = 0; c < classes; c++)
            result[m->first * classes + c] = plain_delivered(p, last, c);
    }
    plain_free(p);
}

static void check_lanes(const struct random_tokens *t, struct maps *m, const char *kernel,
                        const int64_t *want)
{
    const struct value_watch watch = { .output = see_column, .user = m };
    const uint32_t classes = network_result(m->n)->out.channels;
    struct values *v = values_new(m->n, kernel);
    struct value_lanes *l = v ? value_lanes_new(v) : NULL;
    int64_t *result = calloc(TOKENS_IMAGES * classes, sizeof *result);

    assert_non_null(l);
    assert_non_null(result);
    m->compare = true;
    m->n_map = 0;
    for (m->first = 0; m->first < TOKENS_IMAGES; m->first += VALUE_LANES) {
        const uint32_t left = TOKENS_IMAGES - m->first;
        value_lanes_run(l, t->image + m->first * t->image_bytes,
                        left < VALUE_LANES ? left : VALUE_LANES, result + m->first * classes,
                        &watch);
    }
    assert_true(m->n_map > 0);
    if (network_result(m->n)->out.height * network_result(m->n)->out.width == 1)
        assert_memory_equal(result, want, TOKENS_IMAGES * classes * sizeof *result);
    free(result);
    value_lanes_free(l);
    values_free(v);
}

static void lanes_of_every_kernel_give_the_same_bytes(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_NETWORK; seed++) {
        struct random_tokens t;
        struct maps m;
        random_tokens_make(&t, seed, false);
        maps_init(&m, &t);
        int64_t *result = calloc(TOKENS_IMAGES * network_result(m.n)->out.channels,
                                 sizeof *result);
        assert_non_null(result);
        keep_plain(&t, &m, result);
        check_lanes(&t, &m, NULL, result);
        for (const char *const *k = simd_names(); seed <= N_EVERY_KERNEL && *k; k++)
            check_lanes(&t, &m, *k, result);
        free(result);
        maps_release(&m);
        random_tokens_release(&t);
    }
}

/* ---- chips ---- */

static bool has_systemc(void)
{
    bool has = false;

#ifdef WITH_SYSTEMC
    has = true;
#endif
    return has;
}

enum { N_PLANE = 2, N_IMAGE = 3 };

/* Streams of images abreast, whose results are those of plain. */
static void check_chip(const struct random_tokens *t, enum kernel_kind kernel,
                       const int64_t *want)
{
    static const struct counted_images counted[N_PLANE] = { { 0, N_IMAGE }, { 1, N_IMAGE } };
    const struct chip_cfg cfg = { .plan = &t->rig.plan, .kernel = kernel,
                                  .planes = { .n = N_PLANE, .counted = counted } };
    const struct shape s = layer_delivers(network_result(network_of(t)));
    const size_t n = (size_t)s.height * s.width * s.channels;
    struct chip *chip = chip_new(&cfg);
    uint8_t *pixels = malloc(N_PLANE * t->image_bytes);
    struct chip_result r;
    struct err_msg m;
    uint32_t in = 0, out = 0;

    assert_non_null(chip);
    assert_non_null(pixels);
    for (int64_t at = -(int64_t)t->rig.plan.time.lead; out < N_IMAGE; at++) {
        for (bool more = true; more && in < N_IMAGE; in += more) {
            for (uint32_t p = 0; p < N_PLANE; p++)
                memcpy(pixels + p * t->image_bytes, t->image + (p * N_IMAGE + in) * t->image_bytes,
                       t->image_bytes);
            more = chip_inject(chip, (const int8_t *)pixels);
        }
        if (chip_run(chip, at, &m))
            fail_msg("seed %u: %s", t->seed, m.text);
        for (; chip_result(chip, &r); out++)
            for (uint32_t p = 0; p < N_PLANE; p++)
                for (size_t i = 0; i < n; i++)
                    if (r.value[p * n + i] != want[(p * N_IMAGE + out) * n + i])
                        fail_msg("seed %u: stream %u, image %u, value %zu: %d, want %d", t->seed,
                                 p, out, i, (int)r.value[p * n + i],
                                 (int)want[(p * N_IMAGE + out) * n + i]);
    }
    chip_free(chip);
    free(pixels);
}

static void chips_compute_from_the_words_they_read(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_CHIP; seed++) {
        struct random_tokens t;
        random_tokens_make(&t, seed, true);
        const uint32_t last = network_of(&t)->n_layer - 1;
        const struct shape s = layer_delivers(network_result(network_of(&t)));
        const size_t n = (size_t)s.height * s.width * s.channels;
        int64_t *want = calloc(TOKENS_IMAGES * n, sizeof *want);
        struct plain *p = plain_new(network_of(&t));
        assert_non_null(want);
        assert_non_null(p);
        for (uint32_t i = 0; i < TOKENS_IMAGES; i++) {
            plain_run(p, t.image + i * t.image_bytes, NULL);
            for (size_t k = 0; k < n; k++)
                want[i * n + k] = plain_delivered(p, last, k);
        }
        check_chip(&t, KERNEL_NATIVE, want);
        if (has_systemc() && seed % 4 == 0)
            check_chip(&t, KERNEL_SYSTEMC, want);
        plain_free(p);
        free(want);
        random_tokens_release(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_is_that_of_a_naive_program),
        cmocka_unit_test(lanes_of_every_kernel_give_the_same_bytes),
        cmocka_unit_test(chips_compute_from_the_words_they_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
