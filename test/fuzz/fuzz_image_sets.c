/* test/fuzz/fuzz_image_sets.c -- hostile image sets in one file: arrays and archives of numpy, PNG,
 * JPEG, CIFAR-100, bytes of a stated shape. Labels are the same file.
 *
 * Input: a byte of flags, the file.
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

enum { SHAPE = 3, STATED = 4, LABELS = 8, CLASSES = 16 }; // flags

enum { IMAGES_MAX = 100, OUT_MAX = 32 * 32 * 3 };

struct reading {
    enum err e;
    uint64_t n, sum; // delivered, and a hash of it
    bool     whole, counted;
    uint64_t count;
};

static struct reading read_set(const char *path, const struct images_how *how,
                               struct images_shape want, uint32_t n_classes)
{
    struct reading r = { 0 };
    struct err_msg m = { "" };
    struct images *set;
    int8_t out[OUT_MAX];

    r.e = images_open_as(&set, path, how, want, n_classes, &m);
    MUST(!r.e == (set != NULL));
    r.counted = !r.e && images_count(set, &r.count, &m) == ERR_NONE;
    while (!r.e && !r.whole && r.n < IMAGES_MAX) {
        uint32_t label;
        int more;
        r.e = images_next(set, out, &label, &more, &m);
        r.whole = !r.e && !more;
        if (r.e || r.whole)
            break;
        MUST(label < n_classes);
        for (size_t i = 0; i < (size_t)want.height * want.width * want.channels; i++)
            r.sum = (r.sum ^ (uint8_t)out[i]) * 0x100000001b3;
        r.n++;
    }
    images_close(set);
    MUST(!r.e || (r.e == ERR_INPUT && m.text[0]));
    if (r.whole)
        MUST(!r.counted || r.count == r.n);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct images_shape shapes[] = { { 32, 32, 3 }, { 6, 5, 3 }, { 1, 1, 90 },
                                                  { 9, 9, 1 } };
    void *dir;
    char path[TMPDIR_PATH_MAX];

    if (n < 1)
        return 0;
    MUST(tmpdir_make(&dir) == 0);
    tmpdir_write(dir, "set", bytes + 1, n - 1);
    tmpdir_path(path, dir, "set");
    const struct images_how how = { .shape = bytes[0] & STATED ? "3x6x5" : NULL,
                                    .labels = bytes[0] & LABELS ? path : NULL };
    const struct images_shape want = shapes[bytes[0] & SHAPE];
    uint32_t n_classes = bytes[0] & CLASSES ? 20 : 100;
    struct reading one = read_set(path, &how, want, n_classes);
    struct reading other = read_set(path, &how, want, n_classes);
    MUST(one.e == other.e && one.n == other.n && one.sum == other.sum && one.whole == other.whole);
    MUST(tmpdir_remove(&dir) == 0);
    return 0;
}
