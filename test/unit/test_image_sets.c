/* Image sets that other programs wrote: test/data/images/make.py by zipfile and zlib of Python, and
 * JPEG by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/tmpdir.h"
#include "traces/images/images.h"

#define DATA "test/data/images/"

enum { N = 4, CHANNELS = 3, ROWS = 6, COLUMNS = 5, CLASSES = 10 };

enum { IMAGE = CHANNELS * ROWS * COLUMNS };

static const struct images_shape shape = { ROWS, COLUMNS, CHANNELS };

/* As make.py has it. */
static int8_t value(size_t i, size_t channel, size_t x, size_t y)
{
    return (int8_t)((int)((37 * i + 91 * channel + 5 * x + y) % 256) - 128);
}

static struct images *open_set(const char *path, const struct images_how *how,
                               struct images_shape want)
{
    struct err_msg m = { "" };
    struct images *set;

    if (images_open_as(&set, path, how, want, CLASSES, &m))
        fail_msg("%s", m.text);
    return set;
}

/* The set holds the n first images, grey where `grey` says so, and labels of its own or none. */
static void expect_images(const char *path, const struct images_how *how, size_t n,
                          const char *grey, bool labelled)
{
    struct images *set = open_set(path, how, shape);
    struct err_msg m = { "" };
    int8_t out[IMAGE];
    uint32_t label;
    uint64_t count;
    int more;

    assert_int_equal(images_count(set, &count, &m), ERR_NONE);
    assert_int_equal(count, n);
    assert_int_equal(images_labelled(set), labelled);
    for (size_t i = 0; i < n; i++) {
        if (images_next(set, out, &label, &more, &m) || !more)
            fail_msg("%s: %s", path, m.text);
        assert_int_equal(label, labelled ? i % 3 : 0);
        for (size_t y = 0; y < COLUMNS; y++)
            for (size_t x = 0; x < ROWS; x++)
                for (size_t c = 0; c < CHANNELS; c++)
                    assert_int_equal(out[(y * ROWS + x) * CHANNELS + c],
                                     value(i, grey[i] == 'g' ? 0 : c, x, y));
    }
    assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
    assert_false(more);
    images_close(set);
}

static void arrays_of_numpy_have_channels_first_or_last_or_none(void **state)
{
    (void)state;
    expect_images(DATA "chw.npy", NULL, N, "cccc", false);
    expect_images(DATA "hwc.npy", NULL, N, "cccc", false);
    expect_images(DATA "flat.npy", NULL, N, "cccc", false);
    expect_images(DATA "rows.npy", NULL, N, "gggg", false);
}

static void an_array_of_one_image_is_that_image(void **state)
{
    (void)state;
    expect_images(DATA "one_chw.npy", NULL, 1, "c", false);
    expect_images(DATA "one_hwc.npy", NULL, 1, "c", false);
}

static void an_archive_holds_images_and_their_labels(void **state)
{
    (void)state;
    expect_images(DATA "stored.npz", NULL, N, "cccc", true);
    expect_images(DATA "deflated.npz", NULL, N, "cccc", true);
}

static void labels_may_be_a_file_of_their_own(void **state)
{
    const struct images_how how = { .labels = DATA "labels.npy" };

    (void)state;
    expect_images(DATA "hwc.npy", &how, N, "cccc", true);
}

/* The labels of labels.npy, '<i8', with each label's bytes the other way round. */
static void labels_may_have_the_highest_byte_first(void **state)
{
    char path[TMPDIR_PATH_MAX];
    uint8_t bytes[512], turned[512];
    FILE *f = fopen(DATA "labels.npy", "rb");

    assert_non_null(f);
    const size_t n = fread(bytes, 1, sizeof bytes, f), head = n - N * 8;
    fclose(f);
    char *order = memchr(bytes, '<', head);
    assert_non_null(order);
    *order = '>';
    memcpy(turned, bytes, n);
    for (size_t i = 0; i < N * 8; i++)
        turned[head + i] = bytes[head + i / 8 * 8 + 7 - i % 8];
    tmpdir_write(*state, "labels.npy", turned, n);
    const struct images_how how = { .labels = tmpdir_path(path, *state, "labels.npy") };
    expect_images(DATA "hwc.npy", &how, N, "cccc", true);
}

static void bytes_without_a_header_have_the_shape_that_the_user_states(void **state)
{
    const struct images_how how = { .shape = "3x6x5", .labels = DATA "labels.npy" };

    (void)state;
    expect_images(DATA "raw.bin", &how, N, "cccc", true);
}

static void folders_of_pictures_are_classes_in_the_order_of_their_names(void **state)
{
    (void)state;
    expect_images(DATA "classes", NULL, 3, "ccc", true);
}

static void pictures_of_a_folder_come_in_the_order_of_their_names(void **state)
{
    (void)state;
    expect_images(DATA "flat", NULL, 3, "cgg", false);
    expect_images(DATA "flat/0.png", NULL, 1, "c", false);
}

static void a_network_of_one_pixel_takes_the_image_channel_by_channel(void **state)
{
    const char *const path[] = { DATA "chw.npy", DATA "hwc.npy", DATA "flat.npy" };
    const struct images_shape vector = { 1, 1, IMAGE };

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct images *set = open_set(path[k], NULL, vector);
        int8_t out[IMAGE];
        uint32_t label;
        int more;
        struct err_msg m;

        assert_int_equal(images_skip(set, 2, &m), ERR_NONE);
        assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
        for (size_t i = 0; i < IMAGE; i++)
            assert_int_equal(out[i], value(2, i / (ROWS * COLUMNS), i / COLUMNS % ROWS,
                                           i % COLUMNS));
        images_close(set);
    }
}

static void random_images_are_the_same_each_time_and_all_different(void **state)
{
    struct images *one = open_set("random", NULL, shape), *other = open_set("random", NULL, shape);
    int8_t a[IMAGE], b[IMAGE], before[IMAGE] = { 0 };
    uint32_t label;
    int more = 1;
    struct err_msg m;

    (void)state;
    while (more) {
        assert_int_equal(images_next(one, a, &label, &more, &m), ERR_NONE);
        assert_int_equal(images_next(other, b, &label, &more, &m), ERR_NONE);
        if (!more)
            break;
        assert_memory_equal(a, b, IMAGE);
        assert_memory_not_equal(a, before, IMAGE);
        memcpy(before, a, IMAGE);
    }
    images_close(one);
    images_close(other);
}

/* A sixteenth of the bins, within six deviations of as many draws. */
static void random_recordings_have_an_event_in_a_sixteenth_of_the_bins(void **state)
{
    enum { BINS = 32, RECORDINGS = 100, DRAWS = BINS * RECORDINGS * IMAGE };
    const struct images_how how = { .n_bin = BINS, .bin_us = 1 };
    struct images *set = open_set("random", &how, shape);
    static int8_t out[BINS * IMAGE];
    uint64_t there, events = 0, n = 0;
    uint32_t label;
    int more = 1;
    struct err_msg m;

    (void)state;
    assert_int_equal(images_count(set, &there, &m), ERR_NONE);
    while (!images_next(set, out, &label, &more, &m) && more) {
        n++;
        for (size_t i = 0; i < BINS * IMAGE; i++) {
            assert_true(out[i] == -128 || out[i] == -127);
            events += out[i] == -127;
        }
    }
    assert_int_equal(there, RECORDINGS);
    assert_int_equal(n, RECORDINGS);
    assert_true(fabs((double)events - DRAWS / 16.0) < 6 * sqrt(DRAWS * 15.0 / 256));
    images_close(set);
}

/* CIFAR-100: coarse label 1, fine label 3, pixels 0, 1, 2, ... */
static void cifar_100_gives_fine_labels_and_coarse_ones_to_a_network_of_20_classes(void **state)
{
    static uint8_t record[2][2 + 3072];
    static int8_t out[3072];
    const struct images_shape want = { 32, 32, 3 };
    char path[TMPDIR_PATH_MAX];

    for (size_t k = 0; k < 2; k++) {
        record[k][0] = 1;
        record[k][1] = 3;
        for (size_t i = 0; i < 3072; i++)
            record[k][2 + i] = (uint8_t)(i / 4);
    }
    tmpdir_write(*state, "c", record, sizeof record);
    for (uint32_t classes = 20; classes <= 100; classes += 80) {
        struct images *set;
        struct err_msg m = { "" };
        uint32_t label;
        int more;

        assert_int_equal(images_open(&set, tmpdir_path(path, *state, "c"), want, classes, &m), 0);
        assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
        assert_int_equal(label, classes == 20 ? 1 : 3);
        assert_int_equal(out[(9 * 32 + 2) * 3 + 1], (int8_t)((1024 + 2 * 32 + 9) / 4 - 128));
        images_close(set);
    }
}

/* ---- JPEG by hand ---- */

static size_t put(uint8_t *to, const char *bytes, size_t n)
{
    memcpy(to, bytes, n);
    return n;
}

#define PUT(text) n += put(to + n, text, sizeof text - 1)

/* One block of 8 x 8: divisors 8, codes 0 for a difference of 5 bits and 10 for none, code 0 for
 * the end of a block. Then a component is 128 and its difference everywhere. */
static size_t jpeg(uint8_t *to, bool grey)
{
    size_t n = 0;

    PUT("\xff\xd8\xff\xdb\0\x43\0");
    memset(to + n, 8, 64);
    n += 64;
    PUT("\xff\xc4\0\x15\0\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0");
    PUT("\xff\xc4\0\x14\x10\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    if (grey) {
        PUT("\xff\xc0\0\x0b\x08\0\x08\0\x08\1\1\x11\0\xff\xda\0\x08\1\1\0\0\x3f\0");
        PUT("\x51"); // 0 10100 0: 20; padding
    } else {
        PUT("\xff\xc0\0\x11\x08\0\x08\0\x08\3\1\x11\0\2\x11\0\3\x11\0");
        PUT("\xff\xda\0\x0c\3\1\0\2\0\3\0\0\x3f\0");
        PUT("\x51\x14\x7f"); // 0 10100 0, 10 0, 0 10100 0: 20, 0, 20
    }
    PUT("\xff\xd9");
    return n;
}

static void jpeg_is_grey_or_turned_into_colours_as_jfif_has_it(void **state)
{
    /* 148; R = Y + 1.402 Cr, G = Y - 0.714136 Cr, B = Y (JFIF 1.02, with Cb = 0, Cr = 20) */
    static const uint8_t expected[2][3] = { { 176, 134, 148 }, { 148, 148, 148 } };
    const struct images_shape want = { 8, 8, 3 };
    uint8_t bytes[512];
    int8_t out[8 * 8 * 3];
    char path[TMPDIR_PATH_MAX];

    for (int grey = 0; grey < 2; grey++) {
        struct err_msg m = { "" };
        uint32_t label;
        int more;

        tmpdir_write(*state, "a.jpg", bytes, jpeg(bytes, grey));
        struct images *set = open_set(tmpdir_path(path, *state, "a.jpg"), NULL, want);
        if (images_next(set, out, &label, &more, &m))
            fail_msg("%s", m.text);
        for (size_t i = 0; i < sizeof out; i++)
            assert_int_equal((uint8_t)(out[i] + 128), expected[grey][i % 3]);
        images_close(set);
    }
}

/* ---- refusals ---- */

static void expect_error(const char *path, const struct images_how *how, struct images_shape want,
                         const char *text)
{
    struct images *set;
    struct err_msg m = { "" };
    int8_t *out = malloc((size_t)want.height * want.width * want.channels);
    uint32_t label;
    int more = 1;

    enum err e = images_open_as(&set, path, how, want, CLASSES, &m);
    while (!e && more)
        e = images_next(set, out, &label, &more, &m);
    images_close(set);
    free(out);
    if (e != ERR_INPUT || !strstr(m.text, text))
        fail_msg("%s: \"%s\", want \"%s\"", path, m.text, text);
}

static void what_is_no_set_for_this_network_is_refused_with_a_cure(void **state)
{
    const struct images_how seven = { .shape = "7x7" }, junk = { .shape = "7x" },
                            wrong = { .labels = DATA "flat.npy" },
                            few = { .labels = DATA "chw.npy" };
    const struct images_shape small = { 4, 4, 3 };

    (void)state;
    expect_error(DATA "two.npz", NULL, shape, "2 arrays may be the images: a.npy, b.npy: want one");
    expect_error(DATA "none.npz", NULL, shape, "no array of images: want one of '|u1' pixels");
    expect_error(DATA "labels.npy", NULL, shape, "an array of '<i8': want images of '|u1' pixels; "
                                                 "--inputs takes values of the model's input");
    expect_error(DATA "raw.bin", &seven, (struct images_shape){ 8, 8, 1 },
                 "17 bytes after the last whole image: want images of 49 bytes");
    expect_error(DATA "raw.bin", &junk, shape, "--image-shape 7x: want the dimensions of an image");
    expect_error(DATA "chw.npy", &wrong, shape, "an array of '|u1' in 2 dimensions: want labels");
    expect_error(DATA "chw.npy", &few, shape, "an array of '|u1' in 4 dimensions: want labels");
    expect_error(DATA "classes", NULL, small, "classes/ant/0.png: byte 0: images of 6x5x3");
    expect_error(DATA "classes", &few, shape, "has folders of classes: want no --labels");
}

/* Every way to cut it; in an archive also every way to change a byte of the images' data. */
static void a_file_cut_anywhere_is_an_error(void **state)
{
    const char *const name[] = { "chw.npy", "stored.npz", "deflated.npz", "classes/bee/1.PNG" };

    for (size_t k = 0; k < 4; k++) {
        char path[TMPDIR_PATH_MAX];
        static uint8_t bytes[8192];
        FILE *f = fopen(tmpdir_path(path, "test/data/images", name[k]), "rb");
        assert_non_null(f);
        size_t n = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        for (size_t cut = 8; cut < n; cut++) {
            tmpdir_write(*state, "cut", bytes, cut);
            expect_error(tmpdir_path(path, *state, "cut"), NULL, shape, "");
        }
    }
}

static void a_changed_byte_of_an_archive_fails_its_crc(void **state)
{
    char path[TMPDIR_PATH_MAX];
    static uint8_t bytes[8192];
    FILE *f = fopen(DATA "stored.npz", "rb");

    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t i = 0; i + 5 < n; i++)
        if (memcmp(bytes + i, "(4, 3, 6, 5)", 12) == 0) { // the images begin behind it
            bytes[i + 200] ^= 1;
            break;
        }
    tmpdir_write(*state, "changed", bytes, n);
    expect_error(tmpdir_path(path, *state, "changed"), NULL, shape, "not the CRC-32");
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_of_numpy_have_channels_first_or_last_or_none),
        cmocka_unit_test(an_array_of_one_image_is_that_image),
        cmocka_unit_test(an_archive_holds_images_and_their_labels),
        cmocka_unit_test(labels_may_be_a_file_of_their_own),
        WITH_FILES(labels_may_have_the_highest_byte_first),
        cmocka_unit_test(bytes_without_a_header_have_the_shape_that_the_user_states),
        cmocka_unit_test(folders_of_pictures_are_classes_in_the_order_of_their_names),
        cmocka_unit_test(pictures_of_a_folder_come_in_the_order_of_their_names),
        cmocka_unit_test(a_network_of_one_pixel_takes_the_image_channel_by_channel),
        cmocka_unit_test(random_recordings_have_an_event_in_a_sixteenth_of_the_bins),
        cmocka_unit_test(random_images_are_the_same_each_time_and_all_different),
        WITH_FILES(cifar_100_gives_fine_labels_and_coarse_ones_to_a_network_of_20_classes),
        WITH_FILES(jpeg_is_grey_or_turned_into_colours_as_jfif_has_it),
        cmocka_unit_test(what_is_no_set_for_this_network_is_refused_with_a_cure),
        WITH_FILES(a_file_cut_anywhere_is_an_error),
        WITH_FILES(a_changed_byte_of_an_archive_fails_its_crc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
