/* Arrays behind their interface: a naive kind, written here, does in a chip what the ideal one
 * does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "core/counter.h"
#include "test/random_study.h"

enum { N_STUDY = 120, GARBAGE = 5 };

/* ---- a kind of array ---- */

struct naive {
    struct imc_array    base;
    struct array_matrix matrix;
    int8_t             *weight; // a copy
};

static struct imc_array *program(const struct array_matrix *m);

/* Writes more ints than there are columns, as a kind may. */
static void multiply(struct imc_array *array, const struct array_product *p)
{
    const struct naive *a = (const struct naive *)array;
    const struct array_matrix *m = &a->matrix;

    assert_int_equal(p->planes, m->planes);
    for (uint32_t plane = 0; plane < p->planes; plane++)
        for (uint32_t c = 0; c < m->columns + GARBAGE; c++) {
            int32_t *sum = p->sum + plane * p->apart + c;
            *sum = c < m->columns ? 0 : 0x55555555;
            for (uint32_t r = 0; c < m->columns && r < m->rows; r++) {
                uint8_t x = p->in[plane][r];
                *sum += a->weight[(size_t)r * m->columns + c] * (m->in_signed ? (int8_t)x : x);
            }
        }
}

static void count(const struct imc_array *array, const struct array_product *p, uint32_t plane,
                  struct array_counts *n)
{
    const struct array_matrix *m = &((const struct naive *)array)->matrix;

    n->driven_rows += p->driven_rows;
    n->reads++;
    for (uint32_t i = 0; i < p->n_output; i++) {
        assert_true((p->replica[i] + 1) * m->outputs <= m->columns);
        assert_int_equal(p->output[i].image, p->output[0].image);
        n->conversions += m->outputs;
    }
    for (uint32_t r = 0; p->in && r < m->rows; r++) {
        int32_t x = m->in_signed ? (int8_t)p->in[plane][r] : p->in[plane][r];
        const int8_t *weight = ((const struct naive *)array)->weight + (size_t)r * m->columns;
        n->in.active_rows += x != 0;
        n->in.sum_abs_x += (uint64_t)abs(x);
        n->sum_digits += (uint64_t)abs(x);
        for (uint32_t c = 0; c < m->columns; c++)
            n->in.sum_abs_xw += (uint64_t)abs(x) * (uint64_t)abs(weight[c]);
    }
}

static void release(struct imc_array *array)
{
    free(((struct naive *)array)->weight);
    free(array);
}

static const struct imc_array_kind naive_kind = {
    .name = "naive", .doc = "a loop over rows and columns", .program = program,
    .multiply = multiply, .count = count, .release = release,
};

static struct imc_array *program(const struct array_matrix *m)
{
    struct naive *a = calloc(1, sizeof *a);
    size_t bytes = (size_t)m->rows * m->columns;

    assert_non_null(a);
    a->base = (struct imc_array){ &naive_kind, m->rows, m->columns, m->rows,
                                  m->columns + GARBAGE };
    a->matrix = *m;
    assert_true(!m->weight == (m->planes == 0)); // a timing run has no values
    if (m->weight) {
        a->weight = malloc(bytes);
        assert_non_null(a->weight);
        memcpy(a->weight, m->weight, bytes);
    }
    return &a->base;
}

/* ---- in a chip ---- */

struct outcome {
    struct core_counters counters; // of all cores
    int64_t              value[2][64];
    uint32_t             n_value;
};

static struct outcome run(const struct random_study *s, const struct imc_array_kind *kind,
                          uint32_t planes)
{
    const struct chip_cfg cfg = { .plan = &s->plan, .planes.n = planes, .array = kind };
    struct chip *chip = chip_new(&cfg);
    struct outcome o = { .n_value = layer_delivers(network_result(&s->network)).channels };
    struct chip_result r;
    struct err_msg m;

    assert_non_null(chip);
    assert_true(o.n_value * (planes ? planes : 1) <= 2 * 64);
    assert_true(chip_inject(chip, s->image)); // image p in plane p
    assert_int_equal(chip_run(chip, INT32_MAX, &m), ERR_NONE);
    assert_true(chip_result(chip, &r));
    for (uint32_t p = 0; p < planes; p++)
        memcpy(o.value[p], r.value + p * o.n_value, o.n_value * sizeof *r.value);
    for (uint32_t i = 0; i < s->plan.n_core; i++)
        counter_add(core_counter_rows, &o.counters, chip_counters(chip, i));
    chip_free(chip);
    return o;
}

static void a_naive_array_gives_the_values_and_counts_of_the_ideal_one(void **state)
{
    uint64_t active = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        for (uint32_t planes = 0; planes <= 2; planes++) {
            struct outcome want = run(&s, NULL, planes), got = run(&s, &naive_kind, planes);
            assert_memory_equal(&got, &want, sizeof got);
            active += got.counters.active_rows;
        }
        random_study_release(&s);
    }
    assert_true(active > 0);
}

static void every_kind_of_array_has_a_name_of_its_own(void **state)
{
    (void)state;
    assert_ptr_equal(imc_arrays[0], &array_ideal);
    for (const struct imc_array_kind *const *k = imc_arrays; *k; k++)
        for (const struct imc_array_kind *const *other = imc_arrays; other < k; other++)
            assert_string_not_equal((*k)->name, (*other)->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_naive_array_gives_the_values_and_counts_of_the_ideal_one),
        cmocka_unit_test(every_kind_of_array_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests_name("array", tests, NULL, NULL);
}
