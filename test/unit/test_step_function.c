/* Functions of sums that are not rounded: the code of a number is that of the last threshold that
 * it reaches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "network/step_function.h"
#include "network/values/steps.h"
#include "test/dice.h"
#include "test/random_function.h"

static void a_number_has_the_code_of_the_last_threshold_that_it_reaches(void **state)
{
    struct dice d = { 3 };

    (void)state;
    for (uint32_t n = 0; n <= 70; n++) {
        struct step_function *f = step_function_new(n);
        assert_non_null(f);
        for (uint32_t k = 0; k <= n; k++)
            f->code[k] = (int32_t)pick(&d, 0, 1000);
        for (uint32_t k = 0; k < n; k++)
            f->threshold[k] = (k == 0 ? -40 : f->threshold[k - 1]) + pick(&d, 1, 8) / 4.0;
        for (int64_t t = -8 * 60; t <= 8 * 120; t++) { // steps of an eighth meet every threshold
            const int64_t scaled = t * 16;
            assert_int_equal(step_function_code(f, scaled, 7), naive_function(f, scaled, 7));
            assert_int_equal(step_function_code(f, t, 3), naive_function(f, t, 3));
        }
        step_function_free(f);
    }
}

/* What lanes look up: sixteen sums in eighths of a step, which meet every threshold. */
static void look_up_all(struct step_function *f)
{
    double eighth[] = { .125, .125, .125, .125 }, none[VALUE_QUAD] = { 0 };
    struct value_scale s = { .high = 255, .offset = 40, .function = f, .m_real = eighth,
                             .b_real = none, .mr_real = eighth };
    uint8_t residual[VALUE_BYTES], out[VALUE_BYTES];
    int32_t sum[VALUE_QUAD][VALUE_LANES];

    assert_true(value_steps_new(&s, &s.steps));
    assert_non_null(s.steps);
    for (int32_t t = -8 * 60; t <= 8 * 120; t++) {
        for (int32_t i = 0; i < VALUE_BYTES; i++) {
            residual[i] = (uint8_t)(i % 7);
            sum[i % VALUE_QUAD][i / VALUE_QUAD] = t + i;
        }
        value_look_up(&s, 0, (const int32_t(*)[VALUE_LANES])sum, residual, out);
        for (int32_t i = 0; i < VALUE_BYTES; i++) {
            const int64_t code = naive_function(f, t + i + i % 7, 3) + 40;
            assert_int_equal(out[i], code < 255 ? code : 255);
        }
    }
    value_steps_free(s.steps);
}

static void lanes_have_the_same_code(void **state)
{
    struct dice d = { 4 };

    (void)state;
    for (uint32_t n = 0; n <= 70; n++) {
        struct step_function *f = step_function_new(n);
        assert_non_null(f);
        for (uint32_t k = 0; k <= n; k++)
            f->code[k] = (int32_t)pick(&d, 0, 300) - 40;
        for (uint32_t k = 0; k < n; k++)
            f->threshold[k] = (k == 0 ? -40 : f->threshold[k - 1]) +
                              (k % 4 == 3 ? 1e-4 : (double)pick(&d, 1, 8) / 4);
        look_up_all(f);
        step_function_free(f);
    }
}

static void thresholds_are_finite_and_ascend(void **state)
{
    struct step_function *f = step_function_new(3);

    (void)state;
    assert_non_null(f);
    assert_false(step_function_is_sound(f)); // all alike
    for (uint32_t k = 0; k < 3; k++)
        f->threshold[k] = k;
    assert_true(step_function_is_sound(f));
    f->threshold[2] = 1;
    assert_false(step_function_is_sound(f));
    f->threshold[2] = 1e300 * 1e300;
    assert_false(step_function_is_sound(f));
    step_function_free(f);
    step_function_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_has_the_code_of_the_last_threshold_that_it_reaches),
        cmocka_unit_test(lanes_have_the_same_code),
        cmocka_unit_test(thresholds_are_finite_and_ascend),
    };
    return cmocka_run_group_tests_name("step_function", tests, NULL, NULL);
}
