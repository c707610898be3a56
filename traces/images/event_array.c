/* traces/images/event_array.c -- one event recording as an array of numpy's .npy: whole numbers of
 * 32 or 64 bits, (event, 2), nanoseconds from the beginning and source, in any order. Source s of a
 * map is (channel * height + row) * width + column. Events behind the last bin are in the last. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "traces/images/elements.h"
#include "traces/images/image_format.h"
#include "traces/npy.h"

enum { NS_PER_US = 1000, MOST_COUNT = UINT8_MAX };

struct event_array {
    struct image_reader base;
    struct labels      *labels; // owned, or NULL
    bool                read;
};

/* Arrays of numpy that are not bytes: those are frames. */
static bool array_probe(const struct image_clue *c)
{
    const uint8_t *head;
    struct err_msg m;
    size_t n;

    if (c->how->n_bin == 0 || c->n < 6 || memcmp(c->head, "\x93NUMPY", 6) != 0)
        return false;
    if (infile_peek(c->file, INFILE_PEEK_MAX, &head, &n, &m))
        return false;
    for (size_t i = 0; i + 3 <= n; i++)
        if (memcmp(head + i, "|u1", 3) == 0)
            return false;
    return true;
}

static enum err array_open(struct image_reader *r, struct err_msg *m)
{
    struct event_array *s = (struct event_array *)r;
    struct npy array;
    enum err e = npy_read_head(&array, r->file, m);

    if (e)
        return e;
    if ((array.type != NPY_INT32 && array.type != NPY_INT64) || array.n_dim != 2 ||
        array.dim[1] != 2)
        return infile_error(r->file, 0, m, "an array of '%s' in %" PRIu32 " dimensions: want "
                            "events of '<i4' or '<i8': (event, 2), nanoseconds and source; or "
                            "frames of '|u1'", npy_type_name(array.type), array.n_dim);
    if (r->how.shape)
        return err_set(m, ERR_INPUT, "%s: event recordings: want no --image-shape", r->path);
    if (r->how.labels)
        e = labels_open(&s->labels, r->how.labels, m);
    if (!e && s->labels)
        e = labels_check_count(s->labels, 1, m);
    r->labelled = s->labels != NULL;
    r->shape = r->want;
    r->placed = true;
    return e;
}

static void array_close(struct image_reader *r)
{
    labels_close(((struct event_array *)r)->labels);
}

static enum err array_count(struct image_reader *r, uint64_t *count, struct err_msg *m)
{
    struct event_array *s = (struct event_array *)r;

    *count = 1;
    return s->labels ? labels_check_size(s->labels, m) : ERR_NONE;
}

static enum err take(struct image_reader *r, size_t i, int64_t t_ns, int64_t source,
                     uint8_t *pixels, struct err_msg *m)
{
    const struct images_shape w = r->want;
    const int64_t n = (int64_t)image_wanted_bytes(r);

    if (t_ns < 0 || source < 0 || source >= n)
        return err_set(m, ERR_INPUT, "%s: event %zu: at %" PRId64 " ns, of source %" PRId64
                       ": want times from 0 on and sources 0 to %" PRId64 ", the network's input",
                       r->path, i, t_ns, source, n - 1);
    const size_t column = (size_t)source % w.width, row = (size_t)source / w.width % w.height,
                 at = (column * w.height + row) * w.channels +
                      (size_t)source / w.width / w.height;
    if (r->events)
        return image_add_event(r, (uint64_t)t_ns, (uint32_t)at, m);
    uint64_t bin = (uint64_t)t_ns / NS_PER_US / r->how.bin_us;
    bin = bin < r->how.n_bin ? bin : r->how.n_bin - 1;
    uint8_t *count = &pixels[bin * image_wanted_bytes(r) + at];
    if (*count == MOST_COUNT)
        return err_set(m, ERR_INPUT, "%s: event %zu: more than %d events of source %" PRId64
                       " in bin %" PRIu64 ": want a shorter input.bin_us", r->path, i, MOST_COUNT,
                       source, bin);
    ++*count;
    return ERR_NONE;
}

static enum err array_next(struct image_reader *r, uint8_t *pixels, uint32_t *label, int *more,
                           struct err_msg *m)
{
    struct event_array *s = (struct event_array *)r;
    struct npy a;
    int labels_left;
    enum err e = ERR_NONE;

    *label = 0;
    *more = !s->read;
    s->read = true;
    if (s->labels)
        e = labels_next(s->labels, r->n_classes, label, &labels_left, m);
    if (e || !*more)
        return e;
    e = npy_read(&a, r->path, m);
    if (e)
        return e;
    if (!r->events)
        memset(pixels, 0, r->how.n_bin * image_wanted_bytes(r));
    for (size_t i = 0; !e && i < a.n / 2; i++)
        e = take(r, i, npy_whole(&a, 2 * i), npy_whole(&a, 2 * i + 1), pixels, m);
    npy_release(&a);
    return e;
}

const struct image_format image_event_array = {
    .name = "events of numpy's .npy", .reader_byte = sizeof(struct event_array), .recorded = true,
    .timed = true, .probe = array_probe, .open = array_open, .close = array_close,
    .count = array_count, .next = array_next,
};
