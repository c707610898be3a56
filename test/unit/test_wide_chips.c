/* Values and weights of 2 to 16 bits through a chip: every result is that of plain loops in 64-bit
 * integers (test/reference.h), whatever the cells, slices and rows at once; and counters are those
 * of values computed by layer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "arch/prove.h"
#include "network/precision.h"
#include "study/run.h"
#include "test/random_study.h"
#include "test/reference.h"

enum { N_STUDY = 120 };

/* Pixel (x, y), channel c of stream k's result. */
static int64_t result_at(const struct chip_result *r, struct shape s, uint32_t k, uint32_t x,
                         uint32_t y, uint32_t c)
{
    return r->value[(((size_t)k * s.width + y) * s.height + x) * s.channels + c];
}

static void assert_result(const struct random_study *s, const struct chip_result *r, uint32_t k,
                          const uint8_t *image)
{
    const uint32_t last = s->network.n_layer - 1;
    const struct shape shape = layer_delivers(&s->network.layer[last]);
    struct reference want;

    reference_init(&want, &s->network);
    reference_run(&want, image);
    for (uint32_t y = 0; y < shape.width; y++)
        for (uint32_t x = 0; x < shape.height; x++)
            for (uint32_t c = 0; c < shape.channels; c++)
                if (result_at(r, shape, k, x, y, c) != reference_delivered(&want, last, x, y, c))
                    fail_msg("seed %u, stream %u, channel %u: %lld, want %lld", s->seed, k, c,
                             (long long)result_at(r, shape, k, x, y, c),
                             (long long)reference_delivered(&want, last, x, y, c));
    reference_release(&want);
}

/* Image i of the chip is i + k of the study in stream k; two images each. */
static void assert_chip(const struct random_study *s)
{
    const bool wide = network_is_wide(&s->network);
    const uint32_t n = 2;
    const struct chip_cfg cfg = { .plan = &s->plan,
                                  .planes = { .n = wide ? 2 * n : n, .wide = wide } };
    struct chip *chip = chip_new(&cfg);
    struct chip_result r;
    struct err_msg m;
    uint32_t in = 0, out = 0;

    assert_non_null(chip);
    for (int64_t t = -(int64_t)s->plan.time.lead; out < 2; t++) {
        while (in < 2 && chip_inject(chip, s->image + in * s->image_bytes))
            in++;
        if (chip_run(chip, t, &m))
            fail_msg("seed %u: %s", s->seed, m.text);
        for (; chip_result(chip, &r); out++)
            for (uint32_t k = 0; k < n; k++)
                assert_result(s, &r, k,
                              (const uint8_t *)s->image + (out + k) * s->image_bytes);
    }
    chip_free(chip);
}

static void results_of_any_width_are_those_of_the_reference(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        struct err_msg m;
        random_wide_study_make(&s, seed);
        if (prove(&s.plan, NULL, &m))
            fail_msg("seed %u: %s", seed, m.text);
        assert_chip(&s);
        n += network_is_wide(&s.network);
        random_study_release(&s);
    }
    assert_true(n > N_STUDY * 9 / 10);
}

/* The same machine with cells of few bits and inputs in slices; false: the network does not fit. */
static bool slice(struct random_study *s, const char *cell, uint32_t cell_bits, uint32_t slice_bits,
                  uint32_t rows_at_once)
{
    struct err_msg m;

    plan_release(&s->plan);
    snprintf(s->config.crossbar.cell, sizeof s->config.crossbar.cell, "%s", cell);
    s->config.crossbar.cell_bits = cell_bits;
    s->config.crossbar.scheme = CELL_OFFSET;
    s->config.crossbar.input_slice_bits = slice_bits;
    s->config.crossbar.rows_at_once = rows_at_once;
    s->config.crossbar.rows = 600;
    s->config.crossbar.columns = 2000;
    return plan_make(&s->plan, &s->network, &s->config, &m) == ERR_NONE;
}

static void sliced_cells_and_inputs_change_no_result(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        random_wide_study_make(&s, 1000 + seed);
        if (slice(&s, seed % 3 ? "sliced" : "sram", 1 + seed % 4, 1 + seed % 5, seed % 20)) {
            assert_chip(&s);
            n++;
        }
        random_study_release(&s);
    }
    if (n < N_STUDY / 2)
        fail_msg("%u studies: want more", n);
}

/* All values and weights in 16 bits, in arrays of ISAAC's: 128 rows of cells of 2 bits come to 384,
 * which 9 bits pass. */
static void isaacs_array_is_exact_with_nine_bits(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        random_wide_study_make(&s, 3000 + seed);
        s.network.least.value_bits = s.network.least.weight_bits = 16;
        snprintf(s.config.readout.kind, sizeof s.config.readout.kind, "adc");
        s.config.readout.bits = 9;
        s.config.readout.range = 511;
        s.config.readout.columns_per_adc = 1;
        if (slice(&s, "sliced", 2, 1, 128)) {
            const struct array_spec *a = &s.plan.layer[0].array;
            assert_int_equal(array_reads(a, 128, 1).n, 16);
            assert_int_equal(a->layout.columns, 8);
            assert_true(plan_is_exact(&s.plan));
            assert_chip(&s);
            n++;
        }
        random_study_release(&s);
    }
    if (n < N_STUDY / 3)
        fail_msg("%u studies: want more", n);
}

static void assert_same_run(const struct random_study *s)
{
    struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1,
                           .images = "random", .n_image = 5 };
    struct run_result one, other;
    struct err_msg m;

    if (run(&s->plan, &cfg, &one, &m))
        fail_msg("seed %u: %s", s->seed, m.text);
    cfg.timed_values = true;
    if (run(&s->plan, &cfg, &other, &m))
        fail_msg("seed %u: %s", s->seed, m.text);
    for (uint32_t i = 0; i < s->plan.n_core; i++)
        assert_memory_equal(&one.core[i], &other.core[i], sizeof one.core[i]);
    for (uint32_t i = 0; one.predicted && i < 5; i++)
        assert_int_equal(one.predicted[i], other.predicted[i]);
    run_result_release(&one);
    run_result_release(&other);
}

/* Images of few bits, signed or not, among them. */
static void by_layer_and_timed_runs_count_and_classify_alike(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        random_wide_study_make(&s, 2000 + seed);
        if (seed % 2 == 0 || slice(&s, "sliced", 2, 1 + seed / 2 % 9, seed % 3 ? 0 : seed % 20))
            assert_same_run(&s);
        random_study_release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_of_any_width_are_those_of_the_reference),
        cmocka_unit_test(sliced_cells_and_inputs_change_no_result),
        cmocka_unit_test(isaacs_array_is_exact_with_nine_bits),
        cmocka_unit_test(by_layer_and_timed_runs_count_and_classify_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
