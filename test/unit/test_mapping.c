/* test/unit/test_mapping.c -- rows of replicas against patches laid on a map, and splits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/util.h"
#include "dataflow/mapping.h"

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * 1664525u + 1013904223u;
    return least + (*seed >> 8) % (most - least + 1);
}

static struct window square(uint32_t kernel, uint32_t stride)
{
    return (struct window){ .kernel = { kernel, kernel },
                            .stride = { stride, stride },
                            .dilation = { 1, 1 } };
}

/* ---- the union of the patches ---- */

enum { MAP = 160 };

/* Lays the patches of n outputs on a map, output after output along rows of dW, and counts the
 * positions that any of them covers. */
static uint32_t naive_positions(const struct window *w, uint32_t n, uint32_t block_width)
{
    static bool covered[MAP][MAP];
    uint32_t width = n < block_width ? n : block_width, positions = 0;

    memset(covered, 0, sizeof covered);
    for (uint32_t q = 0; q < n; q++)
        for (uint32_t i = 0; i < w->kernel[0]; i++)
            for (uint32_t j = 0; j < w->kernel[1]; j++) {
                uint32_t x = q / width * w->stride[0] + i * w->dilation[0];
                uint32_t y = q % width * w->stride[1] + j * w->dilation[1];
                assert_true(x < MAP && y < MAP);
                positions += !covered[x][y];
                covered[x][y] = true;
            }
    return positions;
}

static void positions_are_the_union_of_the_patches_of_any_window(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 5000; seed++) {
        uint32_t r = seed;
        struct window w = { 0 };
        for (int axis = 0; axis < 2; axis++) {
            w.kernel[axis] = pick(&r, 1, 6);
            w.stride[axis] = pick(&r, 1, 8);
            w.dilation[axis] = pick(&r, 0, 2) ? 1 : pick(&r, 1, 6);
        }
        uint32_t n = pick(&r, 1, 16), width = pick(&r, 1, 18);
        struct replicas got = replicas_make(&w, n, width);

        assert_int_equal(got.n, n);
        assert_int_equal(got.width, min_u32(width, n));
        assert_int_equal(got.height, n / min_u32(width, n));
        assert_int_equal(got.positions, naive_positions(&w, n, width));
    }
}

/* (F + s * (n - 1)) * F where patches overlap or touch, else n * F * F. */
static void method_1_has_a_closed_form(void **state)
{
    (void)state;
    for (uint32_t f = 1; f <= 7; f++)
        for (uint32_t s = 1; s <= 9; s++)
            for (uint32_t n = 1; n <= 40; n++) {
                struct window w = square(f, s);
                uint32_t want = s <= f ? (f + s * (n - 1)) * f : n * f * f;
                assert_int_equal(replicas_make(&w, n, 1).positions, want);
            }
}

static void twenty_replicas_take_1056_rows_by_method_1_and_672_in_blocks_of_5_columns(void **state)
{
    (void)state;
    struct window w = square(3, 1);

    assert_int_equal(16 * replicas_make(&w, 20, 1).positions, 1056); // article 2.2.3, Fig. 6B
    assert_int_equal(16 * replicas_make(&w, 20, 5).positions, 672);
}

/* Article 2.2.1, Fig. 4: three patches comprise 5 x 3 positions. 2.2.2, Fig. 5: six 5 x 4. */
static void positions_beyond_32_bit_stand_for_more_than_any_array_has(void **state)
{
    const struct window w = { .kernel = { 1000, 1000 }, .stride = { 1000, 1000 },
                              .dilation = { 1, 1 } };

    (void)state;
    assert_int_equal(replicas_make(&w, 4294, 1).positions, 4294000000);
    assert_int_equal(replicas_make(&w, 4295, 1).positions, UINT32_MAX);
    assert_int_equal(replicas_make(&w, 65536, 100).positions, UINT32_MAX);
}

static void figures_4_and_5_cover_15_and_20_positions(void **state)
{
    (void)state;
    struct window w = square(3, 1);

    assert_int_equal(replicas_make(&w, 3, 1).positions, 5 * 3);
    assert_int_equal(replicas_make(&w, 6, 2).positions, 5 * 4);
}

/* The article's speed-up: rows of four replicas of a 16-channel layer and two of 28 channels. */
static void the_speed_up_does_not_fit_256_rows(void **state)
{
    (void)state;
    struct window w = square(3, 1), resampling = square(1, 2);

    assert_int_equal(16 * replicas_make(&w, 4, 1).positions, 288);
    assert_int_equal(16 * replicas_make(&w, 4, 2).positions, 256);
    assert_int_equal(28 * replicas_make(&w, 2, 1).positions, 336);
    assert_int_equal(16 * replicas_make(&resampling, 2, 1).positions, 32);
}

/* Eq. 2: A(n) = F^2 * C_in / C_out * (1 + (n - 1) / F) / n, multiplied out:
 * rows * C_out * n = columns * F * C_in * (F + n - 1). */
static void aspect_ratio_is_equation_2(void **state)
{
    (void)state;
    for (uint32_t f = 1; f <= 7; f++)
        for (uint64_t n = 1; n <= 64; n++) {
            struct window w = square(f, 1);
            uint64_t c_in = 1 + 3 * f, c_out = 5 + n;
            uint64_t rows = c_in * replicas_make(&w, (uint32_t)n, 1).positions;
            uint64_t columns = c_out * n;

            assert_int_equal(rows * c_out * n, columns * f * c_in * (f + n - 1));
        }
}

/* Eq. 3: replicas for a whole output map, Method 2, see its input once: C_in * H_in * W_in rows,
 * without padding. */
static void replicas_for_a_whole_map_see_every_input_position_once(void **state)
{
    (void)state;
    for (uint32_t out = 1; out <= 12; out++) {
        struct window w = square(3, 1);
        assert_int_equal(replicas_make(&w, out * out, out).positions, (out + 2) * (out + 2));
    }
}

/* ---- splits ---- */

static bool fits(uint32_t channels, uint32_t shares, uint32_t room, uint32_t each)
{
    for (uint32_t i = 0; i < shares; i++) {
        uint32_t share = share_begin(channels, shares, i + 1) - share_begin(channels, shares, i);
        if ((uint64_t)share * each > room)
            return false;
    }
    return true;
}

static void a_split_is_the_least_whose_even_shares_fit(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 5000; seed++) {
        uint32_t r = seed, channels = pick(&r, 1, 300), each = pick(&r, 1, 40);
        uint32_t room = pick(&r, 1, 600), shares = 1;

        if (each > room) {
            assert_int_equal(split_count(channels, room, each), 0);
            continue;
        }
        while (!fits(channels, shares, room, each))
            shares++;
        assert_int_equal(split_count(channels, room, each), shares);
    }
}

/* 504 rows are two halves of 252; 251 rows hold no more than 27 channels of 9. */
static void parts_hold_whole_channels(void **state)
{
    (void)state;
    assert_int_equal(split_count(56, 256, 9), 2);
    assert_int_equal(split_count(56, 252, 9), 2);
    assert_int_equal(split_count(56, 251, 9), 3);
    assert_int_equal(split_count(56, 504, 9), 1);
    assert_int_equal(split_count(56, 503, 9), 2);
    assert_int_equal(split_count(7, 9, 9), 7);
    assert_int_equal(split_count(7, 8, 9), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_are_the_union_of_the_patches_of_any_window),
        cmocka_unit_test(method_1_has_a_closed_form),
        cmocka_unit_test(twenty_replicas_take_1056_rows_by_method_1_and_672_in_blocks_of_5_columns),
        cmocka_unit_test(positions_beyond_32_bit_stand_for_more_than_any_array_has),
        cmocka_unit_test(figures_4_and_5_cover_15_and_20_positions),
        cmocka_unit_test(the_speed_up_does_not_fit_256_rows),
        cmocka_unit_test(aspect_ratio_is_equation_2),
        cmocka_unit_test(replicas_for_a_whole_map_see_every_input_position_once),
        cmocka_unit_test(a_split_is_the_least_whose_even_shares_fit),
        cmocka_unit_test(parts_hold_whole_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
