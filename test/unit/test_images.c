#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>

#include "test/shared.h"
#include "test/tmpdir.h"
#include "traces/images/images.h"

#define FASHION "/usr/share/datasets/fashion-mnist/"

static const struct images_shape network = { 32, 32, 3 }; // ResNet-32's input
enum { CLASSES = 10, OUT = 32 * 32 * 3, RECORD = 1 + OUT, FASHION_N = 10000 };

static struct images *open_set(const char *path, struct images_shape want)
{
    struct err_msg m = { "" };
    struct images *set;

    if (images_open(&set, path, want, CLASSES, &m) != ERR_NONE)
        fail_msg("%s", m.text);
    return set;
}

/* ---- small sets, made here ---- */

static void put_size(uint8_t *to, uint32_t size)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(size >> (24 - 8 * i));
}

/* IDX images of n x rows x columns with pixels 1, 2, 3, ... and labels 9, 8, 7, ... */
struct idx_files {
    uint8_t images[4096], labels[64];
    size_t  images_n, labels_n;
};

static struct idx_files idx_files(uint32_t n, uint32_t rows, uint32_t columns)
{
    struct idx_files x = { .images = { 0, 0, 8, 3 }, .labels = { 0, 0, 8, 1 } };

    put_size(x.images + 4, n);
    put_size(x.images + 8, rows);
    put_size(x.images + 12, columns);
    put_size(x.labels + 4, n);
    x.images_n = 16 + n * rows * columns;
    x.labels_n = 8 + n;
    for (size_t i = 16; i < x.images_n; i++)
        x.images[i] = (uint8_t)(i - 15);
    for (size_t i = 8; i < x.labels_n; i++)
        x.labels[i] = (uint8_t)(9 - (i - 8));
    return x;
}

static void write_idx(const char *dir, const struct idx_files *x)
{
    tmpdir_write(dir, "a-images-idx3", x->images, x->images_n);
    tmpdir_write(dir, "a-labels-idx1", x->labels, x->labels_n);
}

/* CIFAR records with labels 0, 1, 2, ... */
static size_t cifar_records(uint8_t *to, size_t n)
{
    for (size_t i = 0; i < n * RECORD; i++)
        to[i] = (uint8_t)(i % RECORD == 0 ? i / RECORD : i * 7 + i / 256);
    return n * RECORD;
}

static void idx_images_are_centred_on_a_frame_and_grey_fills_every_channel(void **state)
{
    char path[TMPDIR_PATH_MAX];
    const struct images_shape want = { .height = 5, .width = 4, .channels = 2 };
    struct idx_files x = idx_files(2, 2, 3); // frame: 1 above, 2 below, 0 left, 1 right
    struct err_msg m;
    int8_t out[5 * 4 * 2];
    uint32_t label;
    int more;

    write_idx(*state, &x);
    struct images *set = open_set(tmpdir_path(path, *state, "a-images-idx3"), want);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
        assert_true(more);
        assert_int_equal(label, 9 - i);
        int first = 1 + 6 * (int)i - 128; // of the image's pixels, counted row by row
        const int8_t expected[4][5] = { // columns of rows
            { -128, (int8_t)first, (int8_t)(first + 3), -128, -128 },
            { -128, (int8_t)(first + 1), (int8_t)(first + 4), -128, -128 },
            { -128, (int8_t)(first + 2), (int8_t)(first + 5), -128, -128 },
            { -128, -128, -128, -128, -128 },
        };
        for (size_t y = 0; y < 4; y++)
            for (size_t r = 0; r < 5; r++)
                for (size_t ch = 0; ch < 2; ch++)
                    assert_int_equal(out[(y * 5 + r) * 2 + ch], expected[y][r]);
    }
    assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
    assert_false(more);
    images_close(set);
}

static void check_cifar(const char *path, const uint8_t *records, size_t n)
{
    struct images *set = open_set(path, network);
    struct err_msg m;
    int8_t out[OUT];
    uint32_t label;
    uint64_t count;
    int more;

    assert_int_equal(images_count(set, &count, &m), ERR_NONE);
    assert_int_equal(count, n);
    for (size_t i = 0; i < n; i++, records += RECORD) {
        assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
        assert_true(more);
        assert_int_equal(label, records[0]);
        for (size_t ch = 0; ch < 3; ch++)
            for (size_t x = 0; x < 32; x++)
                for (size_t y = 0; y < 32; y++)
                    assert_int_equal(out[(y * 32 + x) * 3 + ch] + 128,
                                     records[1 + (ch * 32 + x) * 32 + y]);
    }
    assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
    assert_false(more);
    images_close(set);
}

static void cifar_records_are_the_same_plain_packed_and_packed_in_parts(void **state)
{
    char path[TMPDIR_PATH_MAX];
    static uint8_t records[7 * RECORD], members[8 * RECORD];
    size_t n = cifar_records(records, 7), packed_n;

    tmpdir_write(*state, "plain", records, n);
    check_cifar(tmpdir_path(path, *state, "plain"), records, 7);
    tmpdir_write_gzip(*state, "packed", records, n);
    check_cifar(tmpdir_path(path, *state, "packed"), records, 7);

    tmpdir_write_gzip(*state, "packed", records, 5000); // inside the second record
    FILE *f = fopen(tmpdir_path(path, *state, "packed"), "rb");
    packed_n = fread(members, 1, sizeof members, f);
    fclose(f);
    tmpdir_write_gzip(*state, "packed", records + 5000, n - 5000);
    f = fopen(path, "rb");
    packed_n += fread(members + packed_n, 1, sizeof members - packed_n, f);
    fclose(f);
    tmpdir_write(*state, "packed", members, packed_n);
    check_cifar(path, records, 7);
}

static void idx_labels_may_be_packed_when_the_images_are_not_and_the_other_way(void **state)
{
    char path[TMPDIR_PATH_MAX];
    struct idx_files x = idx_files(3, 2, 2);
    struct err_msg m;
    uint64_t count;

    tmpdir_write(*state, "a-images-idx3", x.images, x.images_n);
    tmpdir_write_gzip(*state, "a-labels-idx1.gz", x.labels, x.labels_n);
    struct images *set = open_set(tmpdir_path(path, *state, "a-images-idx3"), network);
    assert_int_equal(images_count(set, &count, &m), ERR_NONE);
    assert_int_equal(count, 3);
    images_close(set);

    tmpdir_write_gzip(*state, "b-images-idx3.gz", x.images, x.images_n);
    tmpdir_write(*state, "b-labels-idx1", x.labels, x.labels_n);
    set = open_set(tmpdir_path(path, *state, "b-images-idx3.gz"), network);
    assert_int_equal(images_count(set, &count, &m), ERR_NONE);
    assert_int_equal(count, 3);
    images_close(set);
}

static void skipping_n_images_leaves_the_one_after_them(void **state)
{
    char path[TMPDIR_PATH_MAX];
    static uint8_t records[5 * RECORD];
    struct err_msg m;
    int8_t out[OUT];
    uint32_t label;
    int more;

    tmpdir_write(*state, "c", records, cifar_records(records, 5));
    for (uint32_t n = 0; n <= 7; n++) {
        struct images *set = open_set(tmpdir_path(path, *state, "c"), network);
        assert_int_equal(images_skip(set, n, &m), ERR_NONE);
        assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
        assert_int_equal(more, n < 5);
        if (more)
            assert_int_equal(label, n);
        images_close(set);
    }
}

static void the_format_is_known_by_content_whatever_the_name(void **state)
{
    char path[TMPDIR_PATH_MAX];
    static uint8_t records[2 * RECORD];

    tmpdir_write_gzip(*state, "x-images-idx3-ubyte", records, cifar_records(records, 2));
    check_cifar(tmpdir_path(path, *state, "x-images-idx3-ubyte"), records, 2);
}

/* ---- errors ---- */

/* Reads all of the set at dir/name; the first error must be ERR_INPUT with this text after the
 * directory. Counting first or not must give an error alike, though perhaps another. */
static void expect_error(const char *dir, const char *name, struct images_shape want,
                         const char *text)
{
    char path[TMPDIR_PATH_MAX];
    struct err_msg m = { "" }, counted = { "" };
    struct images *set;
    int8_t *out = malloc((size_t)want.height * want.width * want.channels);
    uint32_t label;
    uint64_t count;
    int more = 1;

    enum err e = images_open(&set, tmpdir_path(path, dir, name), want, CLASSES, &m);
    while (!e && more)
        e = images_next(set, out, &label, &more, &m);
    images_close(set);
    free(out);
    assert_int_equal(e, ERR_INPUT);
    assert_memory_equal(m.text, dir, strlen(dir));
    assert_string_equal(m.text + strlen(dir) + 1, text);

    e = images_open(&set, path, want, CLASSES, &counted);
    if (!e)
        e = images_count(set, &count, &counted);
    images_close(set);
    assert_true(e == ERR_INPUT || (!e && strstr(text, "label")));
}

static void a_path_that_is_no_file_is_named(void **state)
{
    char path[TMPDIR_PATH_MAX];

    expect_error(*state, "none", network, "none: cannot open: No such file or directory");
    mkdir(tmpdir_path(path, *state, "folder"), 0700);
    expect_error(*state, "folder", network, "folder: a folder without pictures: want files that "
                 "end in .png, .jpg or .jpeg, or folders of them, one for each class");
    mkfifo(tmpdir_path(path, *state, "pipe"), 0600);
    expect_error(*state, "pipe", network, "pipe: is a pipe or device: want a regular file");
}

static void a_file_of_another_kind_says_how_it_begins(void **state)
{
#define KINDS "the word random, raw bytes with --image-shape, PNG or JPEG, a file or a folder, " \
              "numpy's .npy, numpy's .npz, IDX, CIFAR-100 binary or CIFAR-10 binary"
    tmpdir_write(*state, "f", "", 0);
    expect_error(*state, "f", network, "f: byte 0: the file is empty: want " KINDS);
    tmpdir_write_gzip(*state, "f", "", 0);
    expect_error(*state, "f", network, "f: byte 0 (unpacked): the file is empty: want " KINDS);
    tmpdir_write(*state, "f", "GIF89a", 6);
    expect_error(*state, "f", network, "f: byte 0: begins with 47 49 46 38 39 61: want " KINDS);
    tmpdir_write(*state, "f", "\x0a\x0b", 2);
    expect_error(*state, "f", network, "f: byte 0: begins with 0a 0b: want " KINDS);
}

static void a_cut_cifar_file_is_found_in_reading_and_in_counting(void **state)
{
    char path[TMPDIR_PATH_MAX];
    static uint8_t records[3 * RECORD];
    struct err_msg m;
    struct images *set;
    uint64_t count;
    size_t n = cifar_records(records, 3);

    tmpdir_write(*state, "c", records, n - 1);
    expect_error(*state, "c", network,
                 "c: byte 9218: the data end 1 bytes short of an image: fetch the file again");
    set = open_set(tmpdir_path(path, *state, "c"), network);
    assert_int_equal(images_count(set, &count, &m), ERR_INPUT);
    assert_string_equal(m.text + strlen(*state) + 1,
                        "c: byte 6146: 3072 bytes after the last whole image: want records of 3073 "
                        "bytes (CIFAR-10 binary): fetch the file again");
    images_close(set);

    tmpdir_write(*state, "c", records, 2 * RECORD + 1);
    expect_error(*state, "c", network,
                 "c: byte 6147: the data end 3072 bytes short of an image: fetch the file again");
}

static void a_label_beyond_the_classes_is_an_error_at_its_byte(void **state)
{
    static uint8_t records[2 * RECORD];
    struct idx_files x = idx_files(3, 2, 2);
    size_t n = cifar_records(records, 2);

    records[RECORD] = 10;
    tmpdir_write(*state, "c", records, n);
    expect_error(*state, "c", network,
                 "c: byte 3073: label 10: want 0 to 9, the network's classes");
    x.labels[10] = 255;
    write_idx(*state, &x);
    expect_error(*state, "a-images-idx3", network,
                 "a-labels-idx1: byte 10: label 255: want 0 to 9, the network's classes");
}

static void idx_headers_must_state_what_the_files_hold(void **state)
{
#define WANT_SHAPE " (rows, columns, channels): want at most 32x32 and 1 or 3 channels, the " \
                   "network's input"
    enum { IMAGES, LABELS };
    static const struct {
        int         file;
        size_t      at;
        uint32_t    size;
        const char *text;
    } wrong[] = {
        { IMAGES,  0, 0x00000801, "byte 0: IDX magic number 0x00000801: want 0x00000803, images as "
                                  "unsigned bytes" },
        { IMAGES,  0, 0x00000d03, "byte 0: IDX magic number 0x00000d03: want 0x00000803, images as "
                                  "unsigned bytes" },
        { IMAGES,  4, 0,          "byte 4: 0 images: want 1 to 2147483647" },
        { IMAGES,  4, 0x80000000, "byte 4: 2147483648 images: want 1 to 2147483647" },
        { IMAGES,  8, 0,          "byte 8: 0 rows: want 1 to 2147483647" },
        { IMAGES,  8, 0xffffffff, "byte 8: 4294967295 rows: want 1 to 2147483647" },
        { IMAGES,  8, 33,         "byte 8: images of 33x2x1" WANT_SHAPE },
        { IMAGES, 12, 0,          "byte 12: 0 columns: want 1 to 2147483647" },
        { IMAGES, 12, 0x80000000, "byte 12: 2147483648 columns: want 1 to 2147483647" },
        { IMAGES, 12, 0x7fffffff, "byte 8: images of 2x2147483647x1" WANT_SHAPE },
        { LABELS,  0, 0x00000803, "byte 0: IDX magic number 0x00000803: want 0x00000801, labels as "
                                  "unsigned bytes" },
        { LABELS,  4, 0,          "byte 4: 0 labels: want 1 to 2147483647" },
        { LABELS,  4, 2,          "byte 4: 2 labels: want 3, one for each image" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct idx_files x = idx_files(3, 2, 2);
        bool in_images = wrong[i].file == IMAGES;
        char text[256];

        put_size((in_images ? x.images : x.labels) + wrong[i].at, wrong[i].size);
        write_idx(*state, &x);
        snprintf(text, sizeof text, "%s: %s", in_images ? "a-images-idx3" : "a-labels-idx1",
                 wrong[i].text);
        expect_error(*state, "a-images-idx3", network, text);
    }
}

static void idx_files_shorter_or_longer_than_stated_are_errors(void **state)
{
    struct idx_files x = idx_files(3, 2, 2);

    x.images_n--;
    write_idx(*state, &x);
    expect_error(*state, "a-images-idx3", network, "a-images-idx3: byte 27: the data end 1 bytes "
                 "short of an image: fetch the file again");
    x.images_n += 2;
    write_idx(*state, &x);
    expect_error(*state, "a-images-idx3", network, "a-images-idx3: byte 28: bytes follow the 3 "
                 "elements that the header states: fetch the file again");
    x.images_n--;
    x.labels_n--;
    write_idx(*state, &x);
    expect_error(*state, "a-images-idx3", network, "a-labels-idx1: byte 10: the data end 1 bytes "
                 "short of a label: fetch the file again");
    x.labels_n += 2;
    write_idx(*state, &x);
    expect_error(*state, "a-images-idx3", network, "a-labels-idx1: byte 11: bytes follow the 3 "
                 "elements that the header states: fetch the file again");
    x.images_n = 11;
    write_idx(*state, &x);
    expect_error(*state, "a-images-idx3", network, "a-images-idx3: byte 11: the data end 1 bytes "
                 "short of an IDX header: fetch the file again");
}

/* Its first half is enough to know that it is too long, so the second is not unpacked. */
static void a_gzip_file_is_unpacked_no_further_than_its_idx_header_says(void **state)
{
    enum { BOMB = 1 << 24, PACKED_MOST = 1 << 16 };
    struct idx_files x = idx_files(3, 2, 2);
    uint8_t *bomb = calloc(1, BOMB), packed[PACKED_MOST];
    char path[TMPDIR_PATH_MAX];
    struct images *set;
    struct err_msg m;
    uint64_t count;

    assert_non_null(bomb);
    memcpy(bomb, x.images, x.images_n);
    write_idx(*state, &x);
    tmpdir_write_gzip(*state, "a-images-idx3", bomb, BOMB);
    free(bomb);
    FILE *f = fopen(tmpdir_path(path, *state, "a-images-idx3"), "rb");
    assert_non_null(f);
    size_t n = fread(packed, 1, sizeof packed, f);
    assert_true(n > 1000 && n < sizeof packed && fclose(f) == 0);
    tmpdir_write(*state, "a-images-idx3", packed, n / 2);
    assert_int_equal(images_open(&set, path, network, 10, &m), ERR_NONE);
    assert_int_equal(images_count(set, &count, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "a-images-idx3: byte 28 (unpacked): bytes follow the 3 elements "
                                   "that the header states"));
    images_close(set);
}

/* A gzip file is believed to hold what its end says, until it is read: here it is once too much. */
static void a_gzip_file_that_says_a_wrong_size_is_found_out_as_it_is_read(void **state)
{
    struct idx_files x = idx_files(3, 2, 2);
    uint8_t twice[2 * sizeof x.images], packed[256];
    char path[TMPDIR_PATH_MAX];
    int8_t pixels[2 * 2 * 1];
    uint32_t label;
    struct images *set;
    struct err_msg m;
    uint64_t count;
    int more = 1;

    write_idx(*state, &x);
    memcpy(twice, x.images, x.images_n);
    memcpy(twice + x.images_n, x.images, x.images_n);
    tmpdir_write_gzip(*state, "a-images-idx3", twice, 2 * x.images_n);
    FILE *f = fopen(tmpdir_path(path, *state, "a-images-idx3"), "rb");
    assert_non_null(f);
    size_t n = fread(packed, 1, sizeof packed, f);
    assert_true(n > 8 && n < sizeof packed && fclose(f) == 0);
    assert_int_equal(packed[n - 4], 2 * x.images_n); // RFC 1952: the size, its lowest byte first
    packed[n - 4] = (uint8_t)x.images_n;
    tmpdir_write(*state, "a-images-idx3", packed, n);
    const struct images_shape shape = { 2, 2, 1 };
    enum err e = images_open(&set, path, shape, 10, &m);
    if (!e)
        e = images_count(set, &count, &m);
    for (int i = 0; !e && i < 4; i++)
        e = images_next(set, pixels, &label, &more, &m);
    assert_int_equal(e, ERR_INPUT);
    assert_non_null(strstr(m.text, "a-images-idx3: byte 46: incorrect length check"));
    images_close(set);
}

static void idx_images_without_labels_beside_them_have_none(void **state)
{
    struct idx_files x = idx_files(3, 2, 2);
    char path[TMPDIR_PATH_MAX];

    tmpdir_write(*state, "a-images-idx3.gz", x.images, x.images_n);
    tmpdir_write(*state, "pictures", x.images, x.images_n);
    for (int i = 0; i < 2; i++) {
        struct images *set = open_set(tmpdir_path(path, *state, i ? "pictures"
                                                                  : "a-images-idx3.gz"), network);
        assert_false(images_labelled(set));
        images_close(set);
    }
}

static void images_that_do_not_fit_the_network_are_refused(void **state)
{
    static uint8_t records[RECORD];
    const struct images_shape grey = { 32, 32, 1 }, low = { 31, 32, 3 }, narrow = { 32, 31, 3 };

    tmpdir_write(*state, "c", records, cifar_records(records, 1));
#define FIT_ERROR(rest) "c: byte 0: images of 32x32x3 (rows, columns, channels): want at most " \
        rest ", the network's input"
    char path[TMPDIR_PATH_MAX];
    struct images_shape const shape[] = { grey, low, narrow };
    const char *const text[] = { FIT_ERROR("32x32 and 1 channel"),
                                 FIT_ERROR("31x32 and 1 or 3 channels"),
                                 FIT_ERROR("32x31 and 1 or 3 channels") };
    for (size_t i = 0; i < 3; i++)
        expect_error(*state, "c", shape[i], text[i]);
    images_close(open_set(tmpdir_path(path, *state, "c"), (struct images_shape){ 33, 99, 3 }));
}

/* Every way to cut or change a gzip file: none may pass unnoticed. */
static void gzip_cut_anywhere_or_followed_by_more_is_an_error(void **state)
{
    char path[TMPDIR_PATH_MAX];
    static uint8_t records[2 * RECORD], packed[3 * RECORD];
    struct err_msg m;
    uint64_t count;

    tmpdir_write_gzip(*state, "c", records, cifar_records(records, 2));
    FILE *f = fopen(tmpdir_path(path, *state, "c"), "rb");
    size_t n = fread(packed, 1, sizeof packed, f);
    fclose(f);
    for (size_t cut = 2; cut < n; cut++) {
        struct images *set;
        tmpdir_write(*state, "c", packed, cut);
        enum err e = images_open(&set, path, network, CLASSES, &m);
        if (!e)
            e = images_count(set, &count, &m);
        images_close(set);
        assert_int_equal(e, ERR_INPUT);
        char text[1024];
        snprintf(text, sizeof text, "%s: byte %zu: the gzip data are cut short here: fetch or pack "
                 "the file again", path, cut);
        assert_string_equal(m.text, text);
    }

    packed[n] = 0;
    tmpdir_write(*state, "c", packed, n + 1);
    char text[256];
    snprintf(text, sizeof text, "c: byte %zu: bytes that are not gzip follow the gzip data: fetch "
             "or pack the file again", n);
    expect_error(*state, "c", network, text);

    packed[n - 5] ^= 1; // the CRC's last byte; zlib has read it
    tmpdir_write(*state, "c", packed, n);
    snprintf(text, sizeof text, "c: byte %zu: incorrect data check: fetch or pack the file again",
             n - 4);
    expect_error(*state, "c", network, text);
    packed[n - 5] ^= 1;
    packed[n - 1] ^= 1; // the length's
    tmpdir_write(*state, "c", packed, n);
    snprintf(text, sizeof text, "c: byte %zu: incorrect length check: fetch or pack the file again",
             n);
    expect_error(*state, "c", network, text);
}

/* ---- real sets ---- */

/* Every image and label, against the pixels as gzread() and the format's definition give them. */
static void all_of_fashion_mnist_is_read_as_zlib_reads_it(void **state)
{
    (void)state;
    gzFile pixels = gzopen(FASHION "t10k-images-idx3-ubyte.gz", "rb");
    gzFile labels = gzopen(FASHION "t10k-labels-idx1-ubyte.gz", "rb");
    if (!pixels || !labels) {
        print_message("Debian's dataset-fashion-mnist is not installed\n");
        skip();
    }
    struct images *set = open_set(FASHION "t10k-images-idx3-ubyte.gz", network);
    struct err_msg m;
    uint8_t raw[28 * 28], raw_label;
    int8_t out[OUT];
    uint32_t label;
    uint64_t count;
    int more;

    assert_int_equal(images_count(set, &count, &m), ERR_NONE);
    assert_int_equal(count, FASHION_N);
    assert_int_equal(gzread(pixels, raw, 16), 16);
    assert_int_equal(gzread(labels, raw, 8), 8);
    for (int i = 0; i < FASHION_N; i++) {
        assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
        assert_true(more);
        assert_int_equal(gzread(pixels, raw, sizeof raw), sizeof raw);
        assert_int_equal(gzread(labels, &raw_label, 1), 1);
        assert_int_equal(label, raw_label);
        for (int y = 0, at = 0; y < 32; y++)
            for (int x = 0; x < 32; x++)
                for (int ch = 0; ch < 3; ch++, at++) {
                    bool inside = x >= 2 && x < 30 && y >= 2 && y < 30;
                    int pixel = inside ? raw[28 * (x - 2) + y - 2] : 0;
                    if (out[at] != pixel - 128)
                        fail_msg("image %d, row %d, column %d: %d, want %d", i, x, y, out[at],
                                 pixel - 128);
                }
    }
    assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
    assert_false(more);
    images_close(set);
    gzclose(pixels);
    gzclose(labels);
}

/* The first 16 images against those that the reference run took, int8 [16][3][32][32]. */
static void check_reference(const char *images, const char *reference)
{
    char *path = images[0] == '/' ? strdup(images) : shared_path(images);
    struct blob b = { 0 };
    struct err_msg m;
    int8_t out[OUT];
    uint32_t label;
    int more;

    if (path && access(path, R_OK) != 0) {
        print_message("no %s\n", path);
        free(path);
        path = NULL;
    }
    if (!path || !blob_open(&b, reference)) {
        free(path);
        skip();
    }
    const struct blob_array labels = blob_find(&b, "labels"), in = blob_find(&b, "act.in");
    assert_int_equal(labels.n, 16);
    assert_int_equal(in.n, 16 * OUT);
    struct images *set = open_set(path, network);
    for (size_t i = 0, at = 0; i < 16; i++) {
        assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
        assert_true(more);
        assert_int_equal(label, blob_integer(&labels, i));
        for (size_t ch = 0; ch < 3; ch++)
            for (size_t x = 0; x < 32; x++)
                for (size_t y = 0; y < 32; y++, at++)
                    assert_int_equal(out[(y * 32 + x) * 3 + ch], blob_integer(&in, at));
    }
    images_close(set);
    blob_close(&b);
    free(path);
}

static void fashion_mnist_gives_the_input_of_its_reference_run(void **state)
{
    (void)state;
    check_reference(FASHION "t10k-images-idx3-ubyte.gz",
                    "resnet32_fmnist/resnet32_fmnist_int8_reference16");
}

static void cifar10_gives_the_input_of_its_reference_run(void **state)
{
    (void)state;
    check_reference("cifar10/test_batch.bin.gz",
                    "resnet32_cifar10/resnet32_cifar10_int8_reference16");
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILES(idx_images_are_centred_on_a_frame_and_grey_fills_every_channel),
        WITH_FILES(cifar_records_are_the_same_plain_packed_and_packed_in_parts),
        WITH_FILES(idx_labels_may_be_packed_when_the_images_are_not_and_the_other_way),
        WITH_FILES(skipping_n_images_leaves_the_one_after_them),
        WITH_FILES(the_format_is_known_by_content_whatever_the_name),
        WITH_FILES(a_path_that_is_no_file_is_named),
        WITH_FILES(a_file_of_another_kind_says_how_it_begins),
        WITH_FILES(a_cut_cifar_file_is_found_in_reading_and_in_counting),
        WITH_FILES(a_label_beyond_the_classes_is_an_error_at_its_byte),
        WITH_FILES(idx_headers_must_state_what_the_files_hold),
        WITH_FILES(idx_files_shorter_or_longer_than_stated_are_errors),
        WITH_FILES(a_gzip_file_is_unpacked_no_further_than_its_idx_header_says),
        WITH_FILES(a_gzip_file_that_says_a_wrong_size_is_found_out_as_it_is_read),
        WITH_FILES(idx_images_without_labels_beside_them_have_none),
        WITH_FILES(images_that_do_not_fit_the_network_are_refused),
        WITH_FILES(gzip_cut_anywhere_or_followed_by_more_is_an_error),
        cmocka_unit_test(all_of_fashion_mnist_is_read_as_zlib_reads_it),
        cmocka_unit_test(fashion_mnist_gives_the_input_of_its_reference_run),
        cmocka_unit_test(cifar10_gives_the_input_of_its_reference_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
