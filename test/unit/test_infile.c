#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "test/tmpdir.h"
#include "traces/infile.h"

enum { DATA_MAX = 400000 };

/* n bytes below seed, random; zero for seed 0. */
static void make_data(uint8_t *data, size_t n, uint32_t seed)
{
    uint32_t state = seed;

    for (size_t i = 0; i < n; i++) {
        state = state * 1664525 + 1013904223; // Numerical Recipes' generator
        data[i] = seed ? (uint8_t)((state >> 24) % seed) : 0;
    }
}

/* Peeks and reads of many lengths must give the data in order and then their end. */
static void check_reads(const char *path, const uint8_t *data, size_t n, uint32_t seed)
{
    struct infile *f;
    struct err_msg m = { "" };
    static uint8_t got[DATA_MAX];
    const uint8_t *ahead;
    size_t ahead_n, at = 0;
    uint64_t size_byte;

    assert_int_equal(infile_open(&f, path, &m), ERR_NONE);
    for (uint32_t state = seed; at < n;) {
        state = state * 1664525 + 1013904223;
        size_t want = (state >> 16) % (INFILE_PEEK_MAX + 1);
        size_t left = n - at;
        assert_int_equal(infile_peek(f, want, &ahead, &ahead_n, &m), ERR_NONE);
        assert_int_equal(ahead_n, want < left ? want : left);
        assert_memory_equal(ahead, data + at, ahead_n);

        size_t part = (state >> 8) % (seed % 2 ? 100 : 100000);
        part = part < left ? part : left;
        assert_int_equal(infile_byte(f), at);
        assert_int_equal(infile_read(f, got, part, "", &m), ERR_NONE);
        assert_memory_equal(got, data + at, part);
        at += part;
    }
    assert_int_equal(infile_size(f, &size_byte, &m), ERR_NONE);
    assert_int_equal(size_byte, n);
    assert_int_equal(infile_peek(f, 1, &ahead, &ahead_n, &m), ERR_NONE);
    assert_int_equal(ahead_n, 0);
    assert_int_equal(infile_read(f, got, 1, "more", &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "the data end 1 bytes short of more"));
    infile_close(f);
}

static void reads_of_any_length_give_the_bytes_in_order_plain_or_packed(void **state)
{
    /* Around the reader's chunks of 65,536 bytes, and beyond several of them. */
    static const size_t sizes[] = { 0, 1, 2, 65535, 65536, 65537, 131072, 131073, 399999 };
    static uint8_t data[DATA_MAX];
    char path[TMPDIR_PATH_MAX];

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint32_t seed = 0; seed <= 256; seed += seed ? 51 : 1) {
            make_data(data, sizes[i], seed);
            tmpdir_write(*state, "plain", data, sizes[i]);
            check_reads(tmpdir_path(path, *state, "plain"), data, sizes[i], seed);
            tmpdir_write_gzip(*state, "packed", data, sizes[i]);
            check_reads(tmpdir_path(path, *state, "packed"), data, sizes[i], seed);
        }
}

static void errors_give_the_offset_in_the_data_and_say_when_they_are_packed(void **state)
{
    char path[TMPDIR_PATH_MAX], text[TMPDIR_PATH_MAX + 100];
    struct infile *f;
    struct err_msg m;

    tmpdir_write(*state, "f", "12", 2);
    assert_int_equal(infile_open(&f, tmpdir_path(path, *state, "f"), &m), ERR_NONE);
    assert_int_equal(infile_error(f, 7, &m, "%d is odd", 3), ERR_INPUT);
    snprintf(text, sizeof text, "%s: byte 7: 3 is odd", path);
    assert_string_equal(m.text, text);
    infile_close(f);

    tmpdir_write_gzip(*state, "f", "12", 2);
    assert_int_equal(infile_open(&f, path, &m), ERR_NONE);
    assert_int_equal(infile_error(f, 7, &m, "%d is odd", 3), ERR_INPUT);
    snprintf(text, sizeof text, "%s: byte 7 (unpacked): 3 is odd", path);
    assert_string_equal(m.text, text);
    infile_close(f);
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILES(reads_of_any_length_give_the_bytes_in_order_plain_or_packed),
        WITH_FILES(errors_give_the_offset_in_the_data_and_say_when_they_are_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
