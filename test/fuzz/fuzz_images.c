/* test/fuzz/fuzz_images.c -- hostile image sets: IDX, CIFAR-10 and gzip.
 *
 * Input: a byte of flags, two bytes with the length of the labels file, that file, the images file.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/tmpdir.h"
#include "traces/images/images.h"

#define MUST(claim) ((claim) ? (void)0 : (fprintf(stderr, "not so: %s\n", #claim), abort()))

enum { // flags
    PACK_IMAGES = 1, // put a valid gzip wrapping round the file
    PACK_LABELS = 2,
    SHAPE_SHIFT = 2, // two bits: what the network wants
    TWO_CLASSES = 16
};

enum { IMAGES_MAX = 300, OUT_MAX = 40 * 50 * 3 };

struct reading {
    enum err e;
    uint64_t n; // delivered
    bool     whole;
    uint64_t sum; // of what was delivered
};

/* FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo). */
static uint64_t hash(uint64_t sum, const void *bytes, size_t n)
{
    for (const uint8_t *b = bytes; n > 0; n--)
        sum = (sum ^ *b++) * 0x100000001b3;
    return sum;
}

/* Reads until the end, an error or n_max images, having skipped some. */
static struct reading read_set(struct images *set, struct images_shape want, uint32_t n_classes,
                               uint64_t n_skip, struct err_msg *m)
{
    const size_t out_n = (size_t)want.height * want.width * want.channels;
    struct reading r = { .e = images_skip(set, n_skip, m) };
    int8_t out[OUT_MAX];

    while (!r.e && !r.whole && r.n + n_skip < IMAGES_MAX) {
        uint32_t label;
        int more;
        r.e = images_next(set, out, &label, &more, m);
        r.whole = !r.e && !more;
        if (r.e || r.whole)
            break;
        MUST(label < n_classes);
        r.sum = hash(hash(r.sum, out, out_n), &label, sizeof label);
        r.n++;
    }
    return r;
}

/* A PNG or JPEG is decoded, and what the end of a gzip file says checked, only when an image is
 * read. */
static bool is_packed(const uint8_t *bytes, size_t n)
{
    return (n >= 4 && memcmp(bytes, "\x89PNG", 4) == 0) ||
           (n >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0) ||
           (n >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0);
}

static void check_set(const char *path, bool packed, struct images_shape want, uint32_t n_classes)
{
    struct err_msg m = { "" }, count_m = { "" };
    struct images *set, *again;
    uint64_t count;

    enum err e = images_open(&set, path, want, n_classes, &m);
    MUST(!e == (set != NULL));
    if (e) {
        MUST(e == ERR_INPUT && strncmp(m.text, path, strlen(path) - strlen("images-idx3")) == 0);
        return;
    }
    enum err count_e = images_count(set, &count, &count_m);
    struct reading all = read_set(set, want, n_classes, 0, &m);
    images_close(set);
    if (all.whole)
        MUST(!count_e && count == all.n);
    if (count_e)
        MUST(!all.whole);
    else if (all.e && !packed)
        MUST(strstr(m.text, ": label ")); // sizes and packing are right: nothing else is left

    MUST(images_open(&again, path, want, n_classes, &m) == ERR_NONE);
    struct reading rest = read_set(again, want, n_classes, all.n, &m);
    MUST(rest.e == all.e && rest.n == 0 && rest.whole == all.whole);
    images_close(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct images_shape shapes[] = { { 32, 32, 3 }, { 1, 1, 1 }, { 2, 3, 2 },
                                                  { 40, 50, 3 } };
    if (n < 3)
        return 0;
    const unsigned flags = bytes[0];
    const size_t labels_n = (size_t)bytes[1] << 8 | bytes[2];
    if (n - 3 < labels_n)
        return 0;

    void *dir;
    char path[TMPDIR_PATH_MAX];
    MUST(tmpdir_make(&dir) == 0);
    (flags & PACK_LABELS ? tmpdir_write_gzip : tmpdir_write)(dir, "labels-idx1", bytes + 3,
                                                             labels_n);
    (flags & PACK_IMAGES ? tmpdir_write_gzip : tmpdir_write)(dir, "images-idx3",
                                                             bytes + 3 + labels_n,
                                                             n - 3 - labels_n);
    check_set(tmpdir_path(path, dir, "images-idx3"),
              is_packed(bytes + 3 + labels_n, n - 3 - labels_n), shapes[flags >> SHAPE_SHIFT & 3],
              flags & TWO_CLASSES ? 2 : 10);
    MUST(tmpdir_remove(&dir) == 0);
    return 0;
}
