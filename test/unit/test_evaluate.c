/* A network's values without a chip are those of the naive reference, layer by layer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "study/evaluate.h"
#include "test/random_study.h"
#include "test/reference.h"

static void assert_layer(const struct evaluator *e, const struct reference *r, uint32_t layer)
{
    const struct layer *l = &r->network->layer[layer];
    struct shape s = layer_delivers(l);
    const uint8_t *byte = evaluator_delivered(e, layer);
    const int32_t *sum = evaluator_delivered(e, layer);

    for (uint32_t y = 0; y < s.width; y++)
        for (uint32_t x = 0; x < s.height; x++)
            for (uint32_t c = 0; c < s.channels; c++) {
                size_t i = ((size_t)y * s.height + x) * s.channels + c;
                int64_t got = l->raw_output ? sum[i] : l->out_signed ? (int8_t)byte[i] : byte[i];
                assert_int_equal(got, reference_delivered(r, layer, x, y, c));
            }
}

static void every_layer_of_random_networks_has_the_naive_values(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        struct random_study s;
        struct evaluator *e;
        struct err_msg m;
        struct reference r;
        random_study_make(&s, seed);
        const struct shape in = s.network.layer[0].out;
        size_t n = (size_t)in.height * in.width * in.channels;
        uint8_t *image = malloc(n);
        assert_non_null(image);
        for (size_t i = 0; i < n; i++)
            image[i] = (uint8_t)(i * 151 + seed * 17);
        assert_int_equal(evaluator_new(&e, &s.network, &m), ERR_NONE);
        reference_init(&r, &s.network);
        reference_run(&r, image);
        evaluator_run(e, image);
        for (uint32_t l = 1; l < s.network.n_layer; l++)
            assert_layer(e, &r, l);
        assert_int_equal(evaluator_class(e), reference_class(&r));
        evaluator_free(e);
        reference_release(&r);
        free(image);
        random_study_release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_of_random_networks_has_the_naive_values),
    };
    return cmocka_run_group_tests_name("evaluate", tests, NULL, NULL);
}
