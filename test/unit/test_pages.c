/* Tests of core/pages.h against what it says of the bytes it gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/pages.h"

enum { LINE = 64, MIB = 1 << 20 };

static const size_t sizes[] = {
    0, 1, LINE - 1, LINE, LINE + 1, 4096, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1, 5 * MIB,
};

enum { N_SIZE = sizeof sizes / sizeof *sizes };

static size_t n_not_zero(const uint8_t *byte, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += byte[i] != 0;
    return count;
}

static void bytes_are_zero_from_a_cache_line_on_also_where_others_were(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < N_SIZE; i++) {
            uint8_t *byte = pages_new(sizes[i]);
            assert_non_null(byte);
            assert_int_equal((uintptr_t)byte % LINE, 0);
            assert_int_equal(n_not_zero(byte, sizes[i]), 0);
            memset(byte, 0xA5, sizes[i]); // the next round may be given the same
            free(byte);
        }
}

static void much_begins_where_a_large_page_can(void **state)
{
    (void)state;
    for (int i = 0; i < N_SIZE; i++) {
        uint8_t *byte = pages_new(sizes[i]);
        assert_non_null(byte);
        if (sizes[i] > MIB)
            assert_int_equal((uintptr_t)byte % (2 * MIB), 0);
        free(byte);
    }
}

static void blocks_that_live_at_once_share_no_byte(void **state)
{
    uint8_t *block[N_SIZE];

    (void)state;
    for (int i = 0; i < N_SIZE; i++) {
        block[i] = pages_new(sizes[i]);
        assert_non_null(block[i]);
        memset(block[i], i + 1, sizes[i]);
    }
    for (int i = 0; i < N_SIZE; i++) {
        size_t differ = 0;
        for (size_t k = 0; k < sizes[i]; k++)
            differ += block[i][k] != i + 1;
        assert_int_equal(differ, 0);
        free(block[i]);
    }
}

static void more_than_there_is_gives_nothing(void **state)
{
    (void)state;
    for (size_t less = 0; less < 3 * MIB; less += MIB / 2) // rounding up to pages must not wrap
        assert_null(pages_new(SIZE_MAX - less));
    assert_null(pages_new(SIZE_MAX / 2 + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_zero_from_a_cache_line_on_also_where_others_were),
        cmocka_unit_test(much_begins_where_a_large_page_can),
        cmocka_unit_test(blocks_that_live_at_once_share_no_byte),
        cmocka_unit_test(more_than_there_is_gives_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
