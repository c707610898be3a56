/* test/unit/test_columns.c -- times by column against a plain table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataflow/plan/columns.h"

enum { HEIGHT = 9, WIDTH = 14, IMAGES = 3, INTERVAL = 1000, KINDS = 20 };

static uint32_t pick(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

/* Columns of a few kinds, each later by a number of its own. */
static void fill(int64_t table[IMAGES][WIDTH][HEIGHT], uint32_t kinds, uint32_t *seed)
{
    int64_t kind[KINDS][HEIGHT];

    for (uint32_t k = 0; k < kinds; k++)
        for (uint32_t r = 0; r < HEIGHT; r++)
            kind[k][r] = (int64_t)pick(seed, 50) - 10;
    for (uint32_t i = 0; i < IMAGES; i++)
        for (uint32_t c = 0; c < WIDTH; c++) {
            int64_t later = pick(seed, 5000);
            const int64_t *of = kind[pick(seed, kinds)];
            for (uint32_t r = 0; r < HEIGHT; r++)
                table[i][c][r] = of[r] + later;
        }
}

static void put_all(struct map_times *m, struct column_kinds *pool,
                    int64_t table[IMAGES][WIDTH][HEIGHT])
{
    map_times_init(m, HEIGHT, WIDTH);
    for (uint32_t i = 0; i < IMAGES; i++) {
        assert_true(map_times_grow(m, i + 1));
        for (uint32_t c = 0; c < WIDTH; c++)
            assert_true(map_times_put(m, pool, i, c, table[i][c]));
    }
}

static void a_table_comes_back_and_its_last_image_repeats(void **state)
{
    int64_t table[IMAGES][WIDTH][HEIGHT];
    uint32_t seed = 1;
    struct column_kinds pool = { 0 };
    struct map_times m;

    (void)state;
    for (uint32_t kinds = 1; kinds <= KINDS; kinds++) {
        fill(table, kinds, &seed);
        put_all(&m, &pool, table);
        for (uint32_t i = 0; i < IMAGES + 3; i++)
            for (uint32_t c = 0; c < WIDTH; c++) {
                uint32_t kept = i < IMAGES ? i : IMAGES - 1;
                struct column_times got = map_times_at(&m, i, c, INTERVAL);
                for (uint32_t r = 0; r < HEIGHT; r++)
                    assert_int_equal(column_time(&got, r),
                                     table[kept][c][r] + (int64_t)(i - kept) * INTERVAL);
            }
        map_times_release(&m);
        column_kinds_release(&pool);
    }
}

static void columns_that_are_alike_share_their_rows(void **state)
{
    int64_t table[IMAGES][WIDTH][HEIGHT];
    uint32_t seed = 2;
    struct column_kinds pool = { 0 };
    struct map_times m;

    (void)state;
    fill(table, 1, &seed);
    put_all(&m, &pool, table);
    for (uint32_t i = 0; i < IMAGES; i++)
        for (uint32_t c = 0; c < WIDTH; c++)
            assert_ptr_equal(map_times_at(&m, i, c, INTERVAL).row, m.column[0].row);
    map_times_release(&m);
    column_kinds_release(&pool);
}

static void an_image_repeats_the_one_before_when_every_time_does(void **state)
{
    int64_t table[IMAGES][WIDTH][HEIGHT];
    uint32_t seed = 3;
    struct column_kinds pool = { 0 };
    struct map_times m;

    (void)state;
    for (uint32_t kinds = 1; kinds <= KINDS; kinds++) {
        fill(table, kinds, &seed);
        for (uint32_t c = 0; c < WIDTH; c++)
            for (uint32_t r = 0; r < HEIGHT; r++) {
                table[1][c][r] = table[0][c][r] + INTERVAL;
                table[2][c][r] = table[1][c][r] + INTERVAL;
            }
        table[2][pick(&seed, WIDTH)][pick(&seed, HEIGHT)]++;
        put_all(&m, &pool, table);
        assert_true(map_times_repeats(&m, 1, INTERVAL));
        assert_false(map_times_repeats(&m, 1, INTERVAL + 1));
        assert_false(map_times_repeats(&m, 2, INTERVAL));
        map_times_release(&m);
        column_kinds_release(&pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_comes_back_and_its_last_image_repeats),
        cmocka_unit_test(columns_that_are_alike_share_their_rows),
        cmocka_unit_test(an_image_repeats_the_one_before_when_every_time_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
