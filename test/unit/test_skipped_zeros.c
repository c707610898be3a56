/* Reads that zeros save: core.crossbar.skip_zero_rows and skip_zero_patches. A naive array, written
 * here, looks at one bit after the other of each row; time, values and classes stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "core/counter.h"
#include "study/run.h"
#include "study/study.h"
#include "test/random_study.h"

enum { N_STUDY = 150 };

/* ---- a naive array ---- */

struct naive {
    struct imc_array    base;
    struct array_matrix matrix;
    int8_t             *weight; // a copy
};

static struct imc_array *program(const struct array_matrix *m);

static int32_t input(const struct array_matrix *m, const struct array_product *p, uint32_t plane,
                     uint32_t row)
{
    return m->in_signed ? (int8_t)p->in[plane][row] : p->in[plane][row];
}

static void multiply(struct imc_array *array, const struct array_product *p)
{
    const struct naive *a = (const struct naive *)array;
    const struct array_matrix *m = &a->matrix;

    for (uint32_t plane = 0; plane < p->planes; plane++)
        for (uint32_t c = 0; c < m->columns; c++) {
            int32_t *sum = p->sum + plane * p->apart + c;
            *sum = 0;
            for (uint32_t r = 0; r < m->rows; r++)
                *sum += a->weight[(size_t)r * m->columns + c] * input(m, p, plane, r);
        }
}

/* Walks over the rows of each slice as a controller does: a row that is not 0 joins the read until
 * the read is full. Without skipped rows every row joins. */
static uint64_t walk(const struct array_matrix *m, const struct array_product *p, uint32_t plane,
                     bool *all_zero)
{
    const struct reads_cfg *cfg = &m->spec->reads;
    uint64_t reads = 0;

    *all_zero = true;
    for (uint32_t bit = 0; bit < cfg->input_bits; bit += cfg->input_slice_bits) {
        uint32_t in_read = 0;
        for (uint32_t r = 0; r < m->rows; r++) {
            bool on = false;
            for (uint32_t b = bit; b < bit + cfg->input_slice_bits && b < cfg->input_bits; b++)
                on |= p->in && (input(m, p, plane, r) >> b & 1);
            *all_zero &= !on;
            if (!on && p->in && m->spec->skip_rows)
                continue;
            if (in_read == 0)
                reads++;
            if (++in_read == cfg->rows_at_once)
                in_read = 0;
        }
    }
    return reads;
}

static void count(const struct imc_array *array, const struct array_product *p, uint32_t plane,
                  struct array_counts *n)
{
    const struct array_matrix *m = &((const struct naive *)array)->matrix;
    const struct cell_layout *l = &m->spec->layout;
    bool all_zero, ones = l->ones != 0;
    uint64_t reads = walk(m, p, plane, &all_zero);

    if (all_zero && p->in && m->spec->skip_products)
        reads = 0;
    n->driven_rows += p->driven_rows;
    n->reads += reads;
    if (m->spec->readout->counts)
        n->conversions += reads * ones;
    for (uint32_t i = 0; i < p->n_output * m->outputs; i++) {
        if (m->spec->readout->counts)
            n->conversions += reads * l->columns;
        n->shift_adds += reads ? reads * (l->n_slice + ones) - 1 : 0;
    }
    for (uint32_t r = 0; p->in && r < m->rows; r++) {
        int32_t x = input(m, p, plane, r);
        n->in.active_rows += x != 0;
        n->in.sum_abs_x += (uint64_t)abs(x);
        n->sum_digits += reads_digit_sum(&m->spec->reads, x);
        for (uint32_t c = 0; c < m->columns; c++)
            n->in.sum_abs_xw += (uint64_t)abs(x) *
                                (uint64_t)abs(((const struct naive *)array)
                                                  ->weight[(size_t)r * m->columns + c]);
    }
}

static void release(struct imc_array *array)
{
    free(((struct naive *)array)->weight);
    free(array);
}

static const struct imc_array_kind naive_kind = {
    .name = "naive", .doc = "bit after bit, row after row", .program = program,
    .multiply = multiply, .count = count, .release = release,
};

static struct imc_array *program(const struct array_matrix *m)
{
    struct naive *a = calloc(1, sizeof *a);
    size_t bytes = (size_t)m->rows * m->columns;

    assert_non_null(a);
    a->base = (struct imc_array){ &naive_kind, m->rows, m->columns, m->rows, m->columns };
    a->matrix = *m;
    if (m->weight) {
        a->weight = malloc(bytes);
        assert_non_null(a->weight);
        memcpy(a->weight, m->weight, bytes);
    }
    return &a->base;
}

/* ---- machines ---- */

struct skips {
    bool rows, products;
};

/* A machine that reads a few rows or all, and skips; false: the network does not fit. */
static bool make_reading(struct random_study *s, struct skips skips)
{
    struct crossbar_cfg *x = &s->config.crossbar;
    struct err_msg m;

    plan_release(&s->plan);
    snprintf(x->cell, sizeof x->cell, "%s", s->seed % 3 ? "sliced" : "differential");
    x->cell_bits = 1 + s->seed % 4;
    x->scheme = s->seed % 2 ? CELL_OFFSET : CELL_SIGNED;
    x->input_slice_bits = 1 + s->seed % 5 % 3;
    x->rows_at_once = s->seed % 7 % 3 * 3; // 0: all
    x->columns = 400;
    x->skip_zero_rows = skips.rows ? YES : NO;
    x->skip_zero_patches = skips.products ? YES : NO;
    return plan_make(&s->plan, &s->network, &s->config, &m) == ERR_NONE;
}

struct outcome {
    struct core_counters counters; // of all cores
    int64_t              value[2][64];
};

static struct outcome run_chip(const struct random_study *s, const struct imc_array_kind *kind,
                               uint32_t planes)
{
    const struct chip_cfg cfg = { .plan = &s->plan, .planes.n = planes, .array = kind };
    struct chip *chip = chip_new(&cfg);
    uint32_t n = layer_delivers(network_result(&s->network)).channels;
    struct outcome o = { .value = { { 0 } } };
    struct chip_result r;
    struct err_msg m;

    assert_non_null(chip);
    assert_true(n <= 64);
    assert_true(chip_inject(chip, s->image)); // image p in plane p
    assert_int_equal(chip_run(chip, INT32_MAX, &m), ERR_NONE);
    assert_true(chip_result(chip, &r));
    for (uint32_t p = 0; p < planes; p++)
        memcpy(o.value[p], r.value + p * n, n * sizeof *r.value);
    for (uint32_t i = 0; i < s->plan.n_core; i++)
        counter_add(core_counter_rows, &o.counters, chip_counters(chip, i));
    chip_free(chip);
    return o;
}

static void assert_same(const struct random_study *s, const struct outcome *got,
                        const struct outcome *want)
{
    if (got->counters.reads != want->counters.reads)
        fail_msg("seed %u: %llu reads, want %llu", s->seed,
                 (unsigned long long)got->counters.reads, (unsigned long long)want->counters.reads);
    assert_memory_equal(got, want, sizeof *got);
}

static void reads_are_those_that_a_controller_makes_row_by_row(void **state)
{
    static const struct skips all[] = { { true, false }, { false, true }, { true, true } };
    uint64_t none = 0, rows = 0, products = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        if (seed % 2) // half of the image is black, then the patches in it
            memset(s.image, 0, s.image_bytes / 2);
        struct outcome plain = { .value = { { 0 } } };
        bool fits = make_reading(&s, (struct skips){ false, false });
        if (fits)
            plain = run_chip(&s, NULL, 2);
        for (size_t i = 0; fits && i < 3; i++) {
            assert_true(make_reading(&s, all[i]));
            struct outcome want = run_chip(&s, &naive_kind, 2), got = run_chip(&s, NULL, 2);
            assert_same(&s, &got, &want);
            assert_memory_equal(got.value, plain.value, sizeof got.value);
            *(i == 0 ? &rows : &products) += i == 2 ? 0 : got.counters.reads;
        }
        none += plain.counters.reads;
        random_study_release(&s);
    }
    assert_true(0 < rows && rows < products && products < none);
}

/* Nothing is known of the inputs: nothing is skipped. */
static void a_timing_run_skips_nothing(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed += 5) {
        struct random_study s;
        random_study_make(&s, seed);
        if (make_reading(&s, (struct skips){ false, false })) {
            struct outcome plain = run_chip(&s, NULL, 0);
            assert_true(make_reading(&s, (struct skips){ true, true }));
            struct outcome got = run_chip(&s, NULL, 0);
            /* but plain arrays, which are not read where nothing is skipped */
            if (plan_is_read(&s.plan) && plain.counters.reads > 0)
                assert_memory_equal(&got, &plain, sizeof got);
        }
        random_study_release(&s);
    }
}

/* ---- a trained network ---- */

#define SERIAL "core.crossbar.input_slice_bits=1", "core.crossbar.cell=sliced",                    \
               "core.crossbar.cell_bits=1", "core.crossbar.columns=2048"

static struct run_result run_two(const char *const *set, size_t n, struct study *s)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1,
                                 .images = "random", .n_image = 2 };
    struct run_result r = { 0 };
    struct err_msg m;

    if (study_load(s, "resnet32_fmnist", set, n, &m) || run(&s->plan, &cfg, &r, &m))
        fail_msg("%s", m.text);
    return r;
}

/* One row at a time: a read for every bit that is 1. */
static void one_row_at_a_time_a_read_is_a_bit(void **state)
{
    static const char *const set[] = { SERIAL, "core.crossbar.rows_at_once=1",
                                       "core.crossbar.skip_zero_rows=yes" };
    struct study s, plain_study;
    struct run_result r = run_two(set, 6, &s), plain = run_two(set, 5, &plain_study);

    (void)state;
    assert_int_equal(r.total_timesteps, plain.total_timesteps);
    assert_memory_equal(r.predicted, plain.predicted, 2 * sizeof *r.predicted);
    for (uint32_t i = 0; i < s.plan.n_core; i++) {
        assert_true(r.core[i].reads == r.core[i].sum_digits);
        assert_true(r.core[i].sum_digits == plain.core[i].sum_digits);
        assert_true(plain.core[i].reads == 8 * plain.core[i].driven_rows);
        assert_true(r.core[i].conversions * plain.core[i].reads ==
                    plain.core[i].conversions * r.core[i].reads);
    }
    run_result_release(&plain);
    run_result_release(&r);
    study_release(&plain_study);
    study_release(&s);
}

/* ---- refusals ---- */

static void assert_refused(const char *want, const char *const *set, size_t n,
                           const char *const *cured, size_t n_cured)
{
    struct study s;
    struct err_msg m;

    assert_int_equal(study_load(&s, "resnet32_fmnist", set, n, &m), ERR_INPUT);
    assert_string_equal(m.text, want);
    if (study_load(&s, "resnet32_fmnist", cured, n_cured, &m))
        fail_msg("%s", m.text);
    study_release(&s);
}

static void codes_of_rows_that_come_together_otherwise_must_be_sums(void **state)
{
    static const char *const set[] = { SERIAL, "core.crossbar.rows_at_once=7",
                                       "core.readout.kind=adc", "core.readout.bits=2",
                                       "core.crossbar.skip_zero_rows=yes" };
    static const char *const more[] = { SERIAL, "core.crossbar.rows_at_once=7",
                                        "core.readout.kind=adc", "core.readout.bits=3",
                                        "core.crossbar.skip_zero_rows=yes" };
    static const char *const all[] = { SERIAL, "core.readout.kind=adc", "core.readout.bits=2",
                                       "core.crossbar.skip_zero_rows=yes" };
    const char *want = "--set core.crossbar.skip_zero_rows: core.crossbar.skip_zero_rows = yes: "
                       "which 7 rows make a code depends on the inputs, and codes of 2 bits may "
                       "differ from their sums: want core.readout.bits = 3 and core.readout.range "
                       "= full, or core.crossbar.rows_at_once = 0";

    (void)state;
    assert_refused(want, set, 8, more, 8);
    assert_refused(want, set, 8, all, 7);
}

static void devices_with_a_model_are_read_whole(void **state)
{
    static const char *const set[] = { "core.crossbar.device=pcm_joshi",
                                       "core.crossbar.skip_zero_patches=yes" };

    (void)state;
    assert_refused("--set core.crossbar.skip_zero_patches: core.crossbar.skip_zero_patches = yes: "
                   "with core.crossbar.device = pcm_joshi it is not there yet: want "
                   "core.crossbar.skip_zero_patches = no", set, 2, set, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_are_those_that_a_controller_makes_row_by_row),
        cmocka_unit_test(a_timing_run_skips_nothing),
        cmocka_unit_test(one_row_at_a_time_a_read_is_a_bit),
        cmocka_unit_test(codes_of_rows_that_come_together_otherwise_must_be_sums),
        cmocka_unit_test(devices_with_a_model_are_read_whole),
    };

    return cmocka_run_group_tests_name("skipped_zeros", tests, NULL, NULL);
}
