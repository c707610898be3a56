/* A network's values by plain loops are those of the naive reference, layer by layer, and those of
 * the kernels of bytes; whatever the bits of values and weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "network/precision.h"
#include "network/values/plain.h"
#include "test/random_study.h"
#include "test/reference.h"

static void assert_layer(const struct plain *p, const struct reference *r, uint32_t layer)
{
    struct shape s = layer_delivers(&r->network->layer[layer]);

    for (uint32_t y = 0; y < s.width; y++)
        for (uint32_t x = 0; x < s.height; x++)
            for (uint32_t c = 0; c < s.channels; c++)
                assert_int_equal(
                    plain_delivered(p, layer, ((size_t)y * s.height + x) * s.channels + c),
                    reference_delivered(r, layer, x, y, c));
}

/* Every layer of the study's images. */
static void assert_study(struct random_study *s)
{
    struct plain *p = plain_new(&s->network);
    struct err_msg m;
    struct reference r;

    assert_non_null(p);
    if (network_check(&s->network, &m))
        fail_msg("seed %u: %s", s->seed, m.text);
    reference_init(&r, &s->network);
    for (uint32_t i = 0; i < STUDY_IMAGES; i++) {
        const uint8_t *image = (const uint8_t *)s->image + i * s->image_bytes;
        reference_run(&r, image);
        plain_run(p, image, NULL);
        for (uint32_t l = 0; l < s->network.n_layer; l++)
            assert_layer(p, &r, l);
        assert_int_equal(plain_class(p), reference_class(&r));
    }
    reference_release(&r);
    plain_free(p);
}

static void every_layer_of_random_networks_has_the_naive_values(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        assert_false(network_is_wide(&s.network));
        assert_study(&s);
        random_study_release(&s);
    }
}

static void every_layer_of_any_width_has_the_naive_values(void **state)
{
    uint32_t wide = 0, longs = 0;

    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        struct random_study s;
        random_wide_study_make(&s, seed);
        wide += network_is_wide(&s.network);
        longs += network_precision(&s.network).sum_bits == 64;
        assert_study(&s);
        random_study_release(&s);
    }
    if (wide < 190 || longs < 80)
        fail_msg("%u leave the byte, %u have sums of 64 bits: want more", wide, longs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_of_random_networks_has_the_naive_values),
        cmocka_unit_test(every_layer_of_any_width_has_the_naive_values),
    };
    return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
