/* Event recordings and frames as image sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/rng.h"
#include "test/tmpdir.h"
#include "traces/images/images.h"

enum { WIDTH = 7, HEIGHT = 5, BINS = 6, BIN_US = 250, MAP = WIDTH * HEIGHT * 2, EVENTS = 400,
       CLASSES = 10 };

static const struct images_shape want = { HEIGHT, WIDTH, 2 };
static const struct images_how how = { .n_bin = BINS, .bin_us = BIN_US };

struct recording {
    uint8_t bytes[EVENTS * 5];
    uint8_t count[BINS][WIDTH][HEIGHT][2];
};

static void draw(struct recording *r, uint64_t number)
{
    struct rng at = rng_in(rng_at(3, "events"), number);

    memset(r, 0, sizeof *r);
    for (uint32_t i = 0; i < EVENTS; i++) {
        uint32_t v = (uint32_t)rng_u64(at, i);
        uint32_t x = v % WIDTH, y = (v >> 8) % HEIGHT, p = (v >> 16) & 1, us = (v >> 20) % 1700;
        uint8_t *e = r->bytes + 5 * i;
        e[0] = (uint8_t)x;
        e[1] = (uint8_t)y;
        e[2] = (uint8_t)(p << 7 | us >> 16);
        e[3] = (uint8_t)(us >> 8);
        e[4] = (uint8_t)us;
        r->count[us / BIN_US < BINS ? us / BIN_US : BINS - 1][x][y][p]++;
    }
}

static void expect_set(const char *path, const struct images_how *with, uint32_t n,
                       const uint32_t *number, const uint32_t *label)
{
    struct images *set;
    struct err_msg m;
    int8_t out[BINS * MAP];
    uint64_t count = 0;
    uint32_t l;
    int more;

    if (images_open_as(&set, path, with, want, CLASSES, &m) || images_count(set, &count, &m))
        fail_msg("%s", m.text);
    assert_int_equal(count, n);
    assert_int_equal(images_labelled(set), label != NULL);
    for (uint32_t i = 0; i < n; i++) {
        struct recording r;
        draw(&r, number[i]);
        if (images_next(set, out, &l, &more, &m))
            fail_msg("%s", m.text);
        assert_int_equal(more, 1);
        assert_int_equal(l, label ? label[i] : 0);
        for (size_t k = 0; k < sizeof out; k++)
            assert_int_equal((uint8_t)(out[k] + 128), ((uint8_t *)r.count)[k]);
    }
    assert_int_equal(images_next(set, out, &l, &more, &m), ERR_NONE);
    assert_int_equal(more, 0);
    images_close(set);
}

static void write_recording(const char *dir, const char *name, uint64_t number)
{
    struct recording r;

    draw(&r, number);
    tmpdir_write(dir, name, r.bytes, sizeof r.bytes);
}

static void a_recording_is_binned_by_its_time(void **state)
{
    char path[TMPDIR_PATH_MAX];

    write_recording(*state, "a.bs2", 1);
    expect_set(tmpdir_path(path, *state, "a.bs2"), &how, 1, (uint32_t[]){ 1 }, NULL);
}

static void a_list_names_recordings_and_labels(void **state)
{
    static const char list[] = "#sample #class\n12\t7\n3.bin 0\r\n12, 9\n";
    char path[TMPDIR_PATH_MAX];

    write_recording(*state, "12.bs2", 12);
    write_recording(*state, "3.bin", 3);
    tmpdir_write(*state, "list.txt", list, sizeof list - 1);
    expect_set(tmpdir_path(path, *state, "list.txt"), &how, 3, (uint32_t[]){ 12, 3, 12 },
               (uint32_t[]){ 7, 0, 9 });
    tmpdir_write(*state, "bare.txt", "12\n3", 4);
    expect_set(tmpdir_path(path, *state, "bare.txt"), &how, 2, (uint32_t[]){ 12, 3 }, NULL);
}

static void folders_in_a_folder_are_classes(void **state)
{
    static const char *const folders[] = { "0", "4" };
    char path[TMPDIR_PATH_MAX], file[2 * TMPDIR_PATH_MAX], set[TMPDIR_PATH_MAX];

    tmpdir_path(set, *state, "set");
    mkdir(set, 0777);
    for (uint32_t i = 0; i < 2; i++) {
        struct recording r;
        snprintf(file, sizeof file, "%s/%s", set, folders[i]);
        mkdir(file, 0777);
        for (uint32_t k = 0; k < 2; k++) {
            snprintf(file, sizeof file, "%s/%s/%u.bin", set, folders[i], 10 * i + k);
            draw(&r, 10 * i + k);
            FILE *f = fopen(file, "wb");
            fwrite(r.bytes, 1, sizeof r.bytes, f);
            fclose(f);
        }
    }
    expect_set(set, &how, 4, (uint32_t[]){ 0, 1, 10, 11 }, (uint32_t[]){ 0, 0, 1, 1 });
    for (uint32_t i = 0; i < 2; i++) {
        for (uint32_t k = 0; k < 2; k++) {
            snprintf(file, sizeof file, "%s/%s/%u.bin", set, folders[i], 10 * i + k);
            unlink(file);
        }
        snprintf(file, sizeof file, "%s/%s", set, folders[i]);
        rmdir(file);
    }
    rmdir(set);
    (void)path;
}

/* (recording, bin, channel, row, column). */
static void frames_of_numpy_are_the_same(void **state)
{
    enum { N = 3, HEAD = 128 };
    static uint8_t bytes[HEAD + N * BINS * MAP];
    char path[TMPDIR_PATH_MAX], text[HEAD];
    uint8_t *at = bytes + HEAD;

    int n = snprintf(text, sizeof text, "{'descr': '|u1', 'fortran_order': False, 'shape': "
                     "(%d, %d, 2, %d, %d), }", N, BINS, HEIGHT, WIDTH);
    memset(bytes, ' ', HEAD);
    memcpy(bytes, "\x93NUMPY\x01\x00\x76\x00", 10);
    memcpy(bytes + 10, text, (size_t)n);
    bytes[HEAD - 1] = '\n';
    for (uint32_t i = 0; i < N; i++) {
        struct recording r;
        draw(&r, i);
        for (uint32_t b = 0; b < BINS; b++)
            for (uint32_t p = 0; p < 2; p++)
                for (uint32_t y = 0; y < HEIGHT; y++)
                    for (uint32_t x = 0; x < WIDTH; x++)
                        *at++ = r.count[b][x][y][p];
    }
    tmpdir_write(*state, "frames.npy", bytes, sizeof bytes);
    expect_set(tmpdir_path(path, *state, "frames.npy"), &how, N, (uint32_t[]){ 0, 1, 2 }, NULL);
}

/* Times beyond those that a double has: 2^53 + 1 ns, and the last of all. */
static void times_of_an_array_are_exact(void **state)
{
    enum { HEAD = 128 };
    static const int64_t event[2][2] = { { ((int64_t)1 << 53) + 1, 0 }, { INT64_MAX, 1 } };
    struct image_events got = { 0 };
    char path[TMPDIR_PATH_MAX], text[] = "{'descr': '<i8', 'fortran_order': False, "
                                         "'shape': (2, 2), }";
    uint8_t bytes[HEAD + sizeof event];
    int8_t out[BINS * MAP];
    struct images *set;
    struct err_msg m;
    uint32_t label;
    int more;

    memset(bytes, ' ', HEAD);
    memcpy(bytes, "\x93NUMPY\x01\x00\x76\x00", 10);
    memcpy(bytes + 10, text, strlen(text));
    bytes[HEAD - 1] = '\n';
    for (size_t i = 0; i < sizeof event; i++)
        bytes[HEAD + i] = (uint8_t)((uint64_t)event[i / 16][i / 8 % 2] >> 8 * (i % 8));
    tmpdir_write(*state, "late.npy", bytes, sizeof bytes);
    tmpdir_path(path, *state, "late.npy");
    assert_int_equal(images_open_as(&set, path, &how, want, CLASSES, &m), ERR_NONE);
    assert_int_equal(images_next_events(set, &got, &label, &more, &m), ERR_NONE);
    assert_int_equal(got.n, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(got.event[i].t_ns == (uint64_t)event[i][0]);
    images_close(set);
    assert_int_equal(images_open_as(&set, path, &how, want, CLASSES, &m), ERR_NONE);
    assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
    for (size_t i = 0; i < 2; i++) // of row 0, polarity 0
        assert_int_equal(out[(BINS - 1) * MAP + event[i][1] * HEIGHT * 2], 1 - 128);
    images_close(set);
    image_events_release(&got);
}

static void expect_error(const char *dir, const char *name, const void *bytes, size_t n,
                         const struct images_how *with, struct images_shape shape,
                         const char *what)
{
    char path[TMPDIR_PATH_MAX];
    struct images *set;
    struct err_msg m = { "" };
    int8_t *out = malloc((size_t)with->n_bin * shape.height * shape.width * shape.channels);
    uint32_t label;
    int more;

    tmpdir_write(dir, name, bytes, n);
    enum err e = images_open_as(&set, tmpdir_path(path, dir, name), with, shape, CLASSES, &m);
    if (!e)
        e = images_next(set, out, &label, &more, &m);
    images_close(set);
    free(out);
    assert_int_equal(e, ERR_INPUT);
    if (!strstr(m.text, what) || !strstr(m.text, "want") || !strstr(m.text, name))
        fail_msg("\"%s\" says nothing of \"%s\"", m.text, what);
}

#define COMMENT_OF_16 "# of recordings\n"
#define LIST_OF_64 COMMENT_OF_16 COMMENT_OF_16 COMMENT_OF_16 COMMENT_OF_16

static void bad_recordings_are_refused_with_place_and_cure(void **state)
{
    const struct images_shape grey = { HEIGHT, WIDTH, 1 };
    const struct images_how seven = { .n_bin = 7, .bin_us = BIN_US };
    static uint8_t same[256 * 5];

    expect_error(*state, "x.bin", "\x07\x01\x00\x00\x00", 5, &how, want,
                 "byte 0: an event at column 7, row 1: want less than 7 and 5");
    expect_error(*state, "y.bin", "\x01\x01\x00\x00\x00\x01\x05\x00\x00\x00", 10, &how, want,
                 "byte 5: an event at column 1, row 5");
    expect_error(*state, "cut.bin", "\x01\x01\x00\x00\x00\x01\x02", 7, &how, want,
                 "7 bytes: want records of 5 bytes");
    expect_error(*state, "many.bin", same, sizeof same, &how, want,
                 "byte 1275: more than 255 events of column 0, row 0 in bin 0: want a shorter "
                 "input.bin_us");
    expect_error(*state, "grey.bin", same, 5, &how, grey, "2 polarities");
    expect_error(*state, "list.txt", "12 10\n", 6, &how, want, "list.txt:1: label 10: want 0 to 9");
    expect_error(*state, "gone.txt", "\nno 2\n", 6, &how, want, "gone.txt:2: no: no such");
    expect_error(*state, "nul.txt", LIST_OF_64 "12 1\n\0\n12 2\n", 64 + 12, &how, want,
                 "byte 69: a byte of 0: want lines of text");
    expect_error(*state, "f.npy", "\x93NUMPY\x01\x00\x46\x00{'descr': '|u1', 'fortran_order': "
                 "False, 'shape': (1, 6, 70)}             ", 80, &seven, want,
                 "6 frames of a recording: want 7, or input.steps = 6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_recording_is_binned_by_its_time, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(a_list_names_recordings_and_labels, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(folders_in_a_folder_are_classes, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(frames_of_numpy_are_the_same, tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(times_of_an_array_are_exact, tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(bad_recordings_are_refused_with_place_and_cure,
                                        tmpdir_make, tmpdir_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
