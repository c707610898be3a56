/* test/fuzz/fuzz_image_sets.c -- hostile image sets in one file: arrays and archives of numpy, PNG,
 * JPEG, CIFAR-100, bytes of a stated shape, event recordings. Labels are the same file.
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

enum { SHAPE = 3, STATED = 4, LABELS = 8, CLASSES = 16, RECORDED = 32 }; // flags

enum { IMAGES_MAX = 100, N_BIN = 3, BIN_US = 1000, OUT_MAX = N_BIN * 32 * 32 * 3 };

struct reading {
    enum err e;
    uint64_t n, sum; // delivered, and a hash of it
    uint64_t events; // of recordings: in all bins
    bool     whole, counted;
    uint64_t count;
};

static size_t bytes_of(const struct images_how *how, struct images_shape want)
{
    return (size_t)(how->n_bin ? how->n_bin : 1) * want.height * want.width * want.channels;
}

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
        for (size_t i = 0; i < bytes_of(how, want); i++) {
            r.sum = (r.sum ^ (uint8_t)out[i]) * 0x100000001b3;
            r.events += (uint64_t)(out[i] - INT8_MIN);
        }
        r.n++;
    }
    images_close(set);
    MUST(!r.e || (r.e == ERR_INPUT && m.text[0]));
    if (r.whole)
        MUST(!r.counted || r.count == r.n);
    return r;
}

/* Events with times of their own: those that the bins have, `binned` of them. */
static void check_events(const char *path, const struct images_how *how, struct images_shape want,
                         uint32_t n_classes, const struct reading *binned)
{
    struct image_events events = { 0 };
    struct err_msg m = { "" };
    struct images *set;
    uint64_t n = 0;
    uint32_t label;
    int more = 1;

    if (images_open_as(&set, path, how, want, n_classes, &m))
        return;
    while (images_timed(set) && more && !images_next_events(set, &events, &label, &more, &m) &&
           more) {
        n += events.n;
        for (size_t i = 0; i < events.n; i++)
            MUST(events.event[i].at < bytes_of(how, want) / how->n_bin);
    }
    MUST(!images_timed(set) || !binned->whole || n == binned->events);
    image_events_release(&events);
    images_close(set);
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
    const bool recorded = bytes[0] & RECORDED;
    const struct images_how how = { .shape = bytes[0] & STATED ? "3x6x5" : NULL,
                                    .labels = bytes[0] & LABELS ? path : NULL,
                                    .n_bin = recorded ? N_BIN : 0, .bin_us = BIN_US };
    struct images_shape want = shapes[bytes[0] & SHAPE];
    if (recorded)
        want.channels = 2;
    uint32_t n_classes = bytes[0] & CLASSES ? 20 : 100;
    struct reading one = read_set(path, &how, want, n_classes);
    struct reading other = read_set(path, &how, want, n_classes);
    MUST(one.e == other.e && one.n == other.n && one.sum == other.sum && one.whole == other.whole);
    if (recorded)
        check_events(path, &how, want, n_classes, &one);
    MUST(tmpdir_remove(&dir) == 0);
    return 0;
}
