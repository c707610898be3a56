#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/units/crossbar_kernel.h"

struct lcg { // a generator of the test's own
    uint64_t state;
};

static uint32_t next(struct lcg *g, uint32_t n)
{
    g->state = g->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(g->state >> 33) % n;
}

/* One crossbar with an input; a byte behind the last row is garbage. */
struct design {
    uint32_t rows, columns;
    bool in_signed;
    int8_t *weight;
    uint8_t *in;
};

enum fill { FILL_RANDOM, FILL_EXTREME, FILL_SPARSE, FILL_BANDED, N_FILL };

static int8_t random_weight(struct lcg *g, enum fill fill, const struct design *d, uint32_t r,
                            uint32_t c)
{
    static const int8_t extreme[] = { -128, 127, -127, 0, 1, -1 };
    uint32_t middle = (uint32_t)((uint64_t)c * d->rows / d->columns);

    if (fill == FILL_EXTREME)
        return extreme[next(g, sizeof extreme)];
    if ((fill == FILL_SPARSE && next(g, 50) != 0) ||
        (fill == FILL_BANDED && (r < middle || r >= middle + 1 + d->rows / 3)))
        return 0;
    return (int8_t)next(g, 256);
}

static void design_make(struct design *d, struct lcg *g, uint32_t rows, uint32_t columns,
                        bool in_signed, enum fill fill)
{
    static const uint8_t extreme[] = { 0, 255, 128, 127, 1 };

    *d = (struct design){ rows, columns, in_signed, malloc((size_t)rows * columns),
                          malloc(rows + 64) };
    assert_non_null(d->weight);
    assert_non_null(d->in);
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < columns; c++)
            d->weight[(size_t)r * columns + c] = random_weight(g, fill, d, r, c);
    for (uint32_t r = 0; r < rows + 64; r++)
        d->in[r] = (uint8_t)(fill == FILL_EXTREME ? extreme[next(g, sizeof extreme)]
                             : next(g, 3) == 0    ? 0
                                                  : next(g, 256));
}

static void design_free(struct design *d)
{
    free(d->weight);
    free(d->in);
}

static int32_t input(const struct design *d, uint32_t r)
{
    return d->in_signed ? (int8_t)d->in[r] : d->in[r];
}

static void check_sums(const struct design *d, const int32_t *out)
{
    for (uint32_t c = 0; c < d->columns; c++) {
        int64_t sum = 0;

        for (uint32_t r = 0; r < d->rows; r++)
            sum += (int64_t)input(d, r) * d->weight[(size_t)r * d->columns + c];
        assert_int_equal(out[c], sum);
    }
}

static struct input_counts naive_counts(const struct design *d)
{
    struct input_counts a = { 0 };

    for (uint32_t r = 0; r < d->rows; r++) {
        uint64_t x = (uint64_t)labs(input(d, r));

        a.active_rows += x != 0;
        a.sum_abs_x += x;
        for (uint32_t c = 0; c < d->columns; c++)
            a.sum_abs_xw += x * (uint64_t)labs(d->weight[(size_t)r * d->columns + c]);
    }
    return a;
}

static void check_design(const struct design *d, const char *kernel)
{
    struct crossbar x;
    struct input_counts want = naive_counts(d), got = { 7, 8, 9 };

    assert_true(crossbar_init(&x, d->rows, d->columns, d->weight, d->in_signed, kernel));
    assert_true(x.packed_rows >= d->rows && x.packed_rows < d->rows + 64);
    assert_true(x.packed_columns >= d->columns);

    int32_t *out = malloc(x.packed_columns * sizeof *out);
    assert_non_null(out);
    crossbar_mvm(&x, d->in, out);
    crossbar_count(&x, d->in, &got);
    check_sums(d, out);
    assert_int_equal(got.active_rows, want.active_rows + 7);
    assert_int_equal(got.sum_abs_x, want.sum_abs_x + 8);
    assert_int_equal(got.sum_abs_xw, want.sum_abs_xw + 9);

    memset(out, 0x55, x.packed_columns * sizeof *out);
    crossbar_mvm(&x, d->in, out);
    check_sums(d, out);
    free(out);
    crossbar_release(&x);
}

static void check_all_kernels(struct lcg *g, uint32_t rows, uint32_t columns, enum fill fill)
{
    for (int in_signed = 0; in_signed < 2; in_signed++) {
        struct design d;

        design_make(&d, g, rows, columns, in_signed, fill);
        for (const char *const *k = crossbar_kernels(); *k; k++)
            check_design(&d, *k);
        check_design(&d, NULL);
        design_free(&d);
    }
}

static void every_kernel_gives_the_naive_sums_and_counts(void **state)
{
    struct lcg g = { 1 };

    (void)state;
    for (uint32_t i = 0; i < 120; i++)
        check_all_kernels(&g, 1 + next(&g, 600), 1 + next(&g, 300), i % N_FILL);
}

static void every_small_size_and_tail_is_exact(void **state)
{
    struct lcg g = { 2 };

    (void)state;
    for (uint32_t rows = 1; rows <= 70; rows += 1 + rows / 9)
        for (uint32_t columns = 1; columns <= 81; columns += 1 + columns / 17)
            check_all_kernels(&g, rows, columns, (rows + columns) % N_FILL);
}

static void sizes_of_the_article_and_large_arrays_are_exact(void **state)
{
    static const uint32_t size[][2] = { { 27, 16 },   { 144, 16 },   { 144, 28 }, { 252, 28 },
                                        { 252, 56 },  { 504, 56 },   { 16, 28 },  { 56, 10 },
                                        { 512, 512 }, { 2000, 999 }, { 3, 65536 } };
    struct lcg g = { 3 };

    (void)state;
    for (size_t i = 0; i < sizeof size / sizeof size[0]; i++)
        for (enum fill fill = 0; fill < N_FILL; fill++)
            check_all_kernels(&g, size[i][0], size[i][1], fill);
}

/* Every row pulls the same way: the largest sums that inputs and weights allow. */
static void the_largest_sums_do_not_overflow(void **state)
{
    enum { ROWS = CROSSBAR_MAX_ROWS };
    static const struct {
        bool in_signed;
        uint8_t in;
        int8_t weight;
        int32_t sum;
    } test[] = {
        { false, 255, -128, ROWS * -(255 * 128) }, { false, 255, 127, ROWS * (255 * 127) },
        { true, 128, -128, ROWS * (128 * 128) },   { true, 127, -128, ROWS * -(127 * 128) },
        { true, 128, 127, ROWS * -(128 * 127) },
    };
    int8_t *weight = malloc(ROWS);
    uint8_t *in = malloc(ROWS);
    int32_t out[16];
    struct crossbar x;

    (void)state;
    assert_true(weight && in);
    for (size_t i = 0; i < sizeof test / sizeof test[0]; i++)
        for (const char *const *k = crossbar_kernels(); *k; k++) {
            memset(weight, test[i].weight, ROWS);
            memset(in, test[i].in, ROWS);
            assert_true(crossbar_init(&x, ROWS, 1, weight, test[i].in_signed, *k));
            assert_int_equal(x.packed_columns, 16);
            crossbar_mvm(&x, in, out);
            assert_int_equal(out[0], test[i].sum);
            crossbar_release(&x);
        }
    free(weight);
    free(in);
}

/* Bits at random, and what a row, a word and a block end in. */
static void make_bits(struct design *d, struct lcg *g, uint32_t rows, uint32_t columns,
                      bool zeros)
{
    design_make(d, g, rows, columns, false, FILL_RANDOM);
    for (size_t i = 0; i < (size_t)rows * columns; i++)
        d->weight[i] = (int8_t)(zeros ? (int32_t)next(g, 3) - 1 : 2 * (int32_t)next(g, 2) - 1);
    for (uint32_t r = 0; r < rows; r++)
        d->in[r] = (uint8_t)next(g, 2);
}

static void check_bits(const struct design *d, const char *kernel, bool counted)
{
    struct crossbar x;
    struct input_counts want = naive_counts(d), got = { 0 };

    assert_true(crossbar_init(&x, d->rows, d->columns, d->weight, false, kernel));
    assert_true(crossbar_take_bits(&x, d->weight, kernel));
    assert_int_equal(x.counter != NULL, counted);
    int32_t *out = malloc(x.packed_columns * sizeof *out);
    assert_non_null(out);
    crossbar_mvm(&x, d->in, out);
    check_sums(d, out);
    crossbar_count(&x, d->in, &got);
    assert_int_equal(got.active_rows, want.active_rows);
    assert_int_equal(got.sum_abs_xw, want.sum_abs_xw);
    free(out);
    crossbar_release(&x);
}

static void bits_are_counted_to_the_sums_of_bytes(void **state)
{
    static const uint32_t size[][2] = { // rows, columns
        { 1, 1 }, { 63, 16 }, { 64, 17 }, { 65, 15 }, { 128, 128 }, { 200, 33 }, { 512, 40 },
        { 2049, 5 },
    };
    struct lcg g = { 28 };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof size / sizeof *size; i++) {
        struct design d;
        make_bits(&d, &g, size[i / 2][0], size[i / 2][1], i % 2);
        for (const char *const *k = crossbar_kernels(); *k; k++)
            check_bits(&d, *k, true);
        d.weight[0] = 2; // which no bit holds
        check_bits(&d, NULL, false);
        design_free(&d);
    }
}

static void cells_outside_a_band_are_not_packed(void **state)
{
    enum { ROWS = 160, COLUMNS = 40 };
    int8_t weight[ROWS][COLUMNS] = { { 0 } };
    struct crossbar x;

    (void)state;
    weight[47][0] = 1;    // block 0: rows 32 to 47 ...
    weight[64][15] = 1;   // ... to rows 64 to 79
    weight[159][39] = -1; // block 2: the last rows only
    assert_true(crossbar_init(&x, ROWS, COLUMNS, weight[0], false, "portable"));
    assert_int_equal(x.block[0].group, 2);
    assert_int_equal(x.block[0].n_group, 3);
    assert_int_equal(x.block[1].n_group, 0);
    assert_int_equal(x.block[2].group, 9);
    assert_int_equal(x.block[2].n_group, 1);
    assert_int_equal(x.block[2].begin, 3 * CELL_BYTES);
    crossbar_release(&x);
}

static void kernels_are_named_and_an_unknown_one_is_refused(void **state)
{
    const char *const *k = crossbar_kernels();
    struct crossbar x;
    int8_t weight = 1;

    (void)state;
    while (k[1])
        k++;
    assert_string_equal(*k, "portable");
    assert_false(crossbar_init(&x, 1, 1, &weight, false, "abacus"));
    assert_null(x.packed);
    crossbar_release(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_gives_the_naive_sums_and_counts),
        cmocka_unit_test(every_small_size_and_tail_is_exact),
        cmocka_unit_test(sizes_of_the_article_and_large_arrays_are_exact),
        cmocka_unit_test(the_largest_sums_do_not_overflow),
        cmocka_unit_test(bits_are_counted_to_the_sums_of_bytes),
        cmocka_unit_test(cells_outside_a_band_are_not_packed),
        cmocka_unit_test(kernels_are_named_and_an_unknown_one_is_refused),
    };

    return cmocka_run_group_tests_name("crossbar", tests, NULL, NULL);
}
