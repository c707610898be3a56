/* traces/images/images.c -- see images.h. Knows no format: image_format.h is what each implements.
 * */
#include "traces/images/images.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/util.h"
#include "traces/images/image_format.h"

/* Probed in this order: what has no magic number comes last, but for what the user says. */
#define ROW(name) &name,
static const struct image_format *const image_formats[] = { IMAGE_FORMATS(ROW) };

enum { MOST_CROPPED = 4096 }; // side of an image of which a part is taken

enum { N_FORMATS = sizeof image_formats / sizeof *image_formats };

#define PIXEL_ZERO 128 // int8 value = pixel - PIXEL_ZERO

struct images {
    struct image_reader *reader;
    uint8_t             *pixels; // one image as the file has it
    const struct pixel_map *map; // borrowed; NULL: pixel - PIXEL_ZERO
};

static size_t bytes_of(struct images_shape s)
{
    return (size_t)s.height * s.width * s.channels;
}

static uint32_t bins(const struct image_reader *r)
{
    return r->how.n_bin > 0 ? r->how.n_bin : 1;
}

size_t image_bytes(const struct image_reader *r)
{
    return bytes_of(r->shape);
}

size_t image_wanted_bytes(const struct image_reader *r)
{
    return bytes_of(r->want);
}

enum err image_read_label(const struct image_reader *r, struct infile *f, uint32_t *label,
                          struct err_msg *m)
{
    uint8_t byte;
    enum err e = infile_read(f, &byte, 1, "a label", m);

    if (e)
        return e;
    if (byte >= r->n_classes)
        return infile_error(f, infile_byte(f) - 1, m, "label %u: want 0 to %" PRIu32
                            ", the network's classes", byte, r->n_classes - 1);
    *label = byte;
    return ERR_NONE;
}

/* What the file should have been. */
static enum err unknown_format(const struct infile *f, const uint8_t *head, size_t n,
                               struct err_msg *m)
{
    char found[3 * IMAGE_HEAD_BYTE + 1] = "", names[512] = "";

    for (size_t i = 0; i < n; i++)
        snprintf(found + 3 * i, 4, " %02x", head[i]);
    for (size_t i = 0, at = 0; i < N_FORMATS; i++) { // recordings have been tried where wanted
        if (image_formats[i]->recorded)
            continue;
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s",
                               at == 0 ? "" : i + 1 < N_FORMATS ? ", " : " or ",
                               image_formats[i]->name);
        assert(at < sizeof names);
    }
    return infile_error(f, 0, m, "%s%s: want %s", n ? "begins with" : "the file is empty", found,
                        names);
}

/* Opens what is a file, and chooses the format that reads it. */
static enum err choose(struct image_reader *r, struct err_msg *m)
{
    struct image_clue c = { .how = &r->how, .path = r->path, .n_classes = r->n_classes };
    struct stat st;
    bool there = stat(r->path, &st) == 0;
    enum err e = ERR_NONE;
    size_t i = 0;

    c.directory = there && S_ISDIR(st.st_mode);
    if (!c.directory && (there || strcmp(r->path, "random") != 0))
        e = infile_open(&r->file, r->path, m);
    c.file = r->file;
    if (!e && r->file)
        e = infile_peek(r->file, IMAGE_HEAD_BYTE, &c.head, &c.n, m);

    while (!e && i < N_FORMATS && !image_formats[i]->probe(&c))
        i++;
    if (!e && i == N_FORMATS)
        e = unknown_format(r->file, c.head, c.n, m);
    if (!e)
        r->format = image_formats[i];
    return e;
}

static enum err open_reader(struct image_reader **reader, const struct image_reader *known,
                            struct err_msg *m)
{
    struct image_reader r = *known;
    enum err e = choose(&r, m);

    *reader = e ? NULL : calloc(1, r.format->reader_byte);
    if (!e && !*reader)
        e = err_set(m, ERR_MEMORY, "%s: no memory to read it", r.path);
    if (e) {
        infile_close(r.file);
        return e;
    }
    **reader = r;
    return r.format->open(*reader, m);
}

/* What is taken of an image. */
static struct images_shape taken(const struct image_reader *r)
{
    struct images_shape s = r->shape;

    if (r->how.crop > 0) {
        s.height = min_u32(s.height, r->how.crop);
        s.width = min_u32(s.width, r->how.crop);
    }
    return s;
}

/* Whether the network has one pixel, whose channels are the whole image. */
static bool is_vector(const struct image_reader *r)
{
    return r->want.height == 1 && r->want.width == 1 && r->want.channels == bytes_of(taken(r));
}

/* Whether there is room for the whole image, of which a part is taken. */
static bool can_crop(const struct image_reader *r)
{
    const struct images_shape s = r->shape;

    return s.height <= MOST_CROPPED && s.width <= MOST_CROPPED && s.channels <= MOST_CROPPED &&
           (r->room == 0 || image_bytes(r) <= r->room);
}

enum err image_check_shape(const struct image_reader *r, struct err_msg *m)
{
    const struct images_shape has = taken(r), want = r->want;

    if (r->how.crop > 0 && !can_crop(r))
        return infile_error(r->file, r->shape_byte, m, "an image of %" PRIu32 "x%" PRIu32 "x%"
                            PRIu32 ", of which a part is taken: want sides of at most %d and none "
                            "that is larger than the first", r->shape.height, r->shape.width,
                            r->shape.channels, MOST_CROPPED);
    if (is_vector(r) || (has.height <= want.height && has.width <= want.width &&
                         (has.channels == want.channels || has.channels == 1)))
        return ERR_NONE;
    char channels[40] = "1 channel";
    if (want.channels > 1)
        snprintf(channels, sizeof channels, "1 or %" PRIu32 " channels", want.channels);
    return infile_error(r->file, r->shape_byte, m,
                        "images of %" PRIu32 "x%" PRIu32 "x%" PRIu32 " (rows, columns, channels): "
                        "want at most %" PRIu32 "x%" PRIu32 " and %s, the network's input",
                        has.height, has.width, has.channels, want.height, want.width, channels);
}

enum err images_open_as(struct images **out, const char *path, const struct images_how *how,
                        struct images_shape want, uint32_t n_classes, struct err_msg *m)
{
    assert(want.height > 0 && want.width > 0 && want.channels > 0 && n_classes > 0);
    *out = NULL;
    struct images *set = calloc(1, sizeof *set);
    if (!set)
        return err_set(m, ERR_MEMORY, "%s: no memory to open it", path);

    struct image_reader known = { .path = path, .n_classes = n_classes, .want = want };
    if (how)
        known.how = *how;
    enum err e = open_reader(&set->reader, &known, m);
    if (!e)
        e = image_check_shape(set->reader, m);
    size_t room = e ? 0 : max_u64(image_wanted_bytes(set->reader), image_bytes(set->reader));
    room *= bins(&known);
    if (!e && how && how->crop > 0)
        set->reader->room = room;
    if (!e && !(set->pixels = malloc(room)))
        e = err_set(m, ERR_MEMORY, "%s: no memory for an image", path);
    if (e) {
        images_close(set);
        return e;
    }
    *out = set;
    return ERR_NONE;
}

enum err images_open(struct images **set, const char *path, struct images_shape want,
                     uint32_t n_classes, struct err_msg *m)
{
    return images_open_as(set, path, NULL, want, n_classes, m);
}

void images_close(struct images *set)
{
    if (!set)
        return;
    if (set->reader) {
        if (set->reader->format->close)
            set->reader->format->close(set->reader);
        infile_close(set->reader->file);
        free(set->reader);
    }
    free(set->pixels);
    free(set);
}

bool images_labelled(const struct images *set)
{
    return set->reader->labelled;
}

enum err images_count(struct images *set, uint64_t *count, struct err_msg *m)
{
    return set->reader->format->count(set->reader, count, m);
}

enum err images_skip(struct images *set, uint64_t n, struct err_msg *m)
{
    enum err e = ERR_NONE;
    uint32_t label;

    for (int more = 1; n > 0 && more && !e; n--)
        e = set->reader->format->next(set->reader, set->pixels, &label, &more, m);
    return e;
}

/* Where the file has channel ch of a pixel of what is taken. */
static size_t place(const struct image_reader *r, size_t ch, size_t x, size_t y)
{
    const struct images_shape s = r->shape, part = taken(r);

    x += (s.height - part.height) / 2;
    y += (s.width - part.width) / 2;
    return r->interleaved ? (x * s.width + y) * s.channels + ch : (ch * s.height + x) * s.width + y;
}

enum err images_map(struct images *set, const struct pixel_map *map, struct err_msg *m)
{
    const struct image_reader *r = set->reader;
    const struct normalise channels = { .n = map->n };

    set->map = map;
    return normalise_check(&channels, is_vector(r) ? r->shape.channels : r->want.channels, m);
}

/* What stands for a pixel: of a map its bytes, or the high ones. */
struct delivery {
    const struct images *set;
    bool                 high;
    const uint8_t       *pixels; // of the bin
};

static int8_t value(const struct delivery *d, size_t ch, uint8_t pixel)
{
    const struct pixel_map *map = d->set->map;

    if (!map)
        return (int8_t)(pixel - PIXEL_ZERO);
    return (d->high ? map->high : map->byte)[map->n > 1 ? ch : 0][pixel];
}

/* All values of an image as the channels of one pixel. */
static void flatten(const struct delivery *d, int8_t *out)
{
    const struct image_reader *r = d->set->reader;
    const struct images_shape has = taken(r);

    for (size_t ch = 0; ch < has.channels; ch++)
        for (size_t x = 0; x < has.height; x++)
            for (size_t y = 0; y < has.width; y++)
                *out++ = value(d, ch, d->pixels[place(r, ch, x, y)]);
}

/* Rows into columns of pixels, centred on a frame of pixel value 0, grey repeated. */
static void centre(const struct delivery *d, int8_t *out)
{
    const struct images *set = d->set;
    const struct image_reader *r = set->reader;
    const struct images_shape has = taken(r), want = r->want;
    const size_t top = (want.height - has.height) / 2, left = (want.width - has.width) / 2;
    const size_t next = has.channels == 1 ? 0 : 1;

    for (size_t i = 0; set->map && i < image_wanted_bytes(r); i++)
        out[i] = value(d, i % want.channels, 0);
    if (!set->map)
        memset(out, -PIXEL_ZERO, image_wanted_bytes(r));
    for (size_t y = 0; y < has.width; y++)
        for (size_t x = 0; x < has.height; x++) {
            int8_t *pixel = out + ((left + y) * want.height + top + x) * want.channels;
            for (size_t ch = 0; ch < want.channels; ch++)
                pixel[ch] = value(d, ch, d->pixels[place(r, ch * next, x, y)]);
        }
}

static void deliver(const struct delivery *d, int8_t *out)
{
    (is_vector(d->set->reader) ? flatten : centre)(d, out);
}

enum err images_next(struct images *set, int8_t *out, uint32_t *label, int *more,
                     struct err_msg *m)
{
    const struct image_reader *r = set->reader;
    enum err e = r->format->next(set->reader, set->pixels, label, more, m);
    const size_t wanted = image_wanted_bytes(r), has = image_bytes(r);

    if (e || !*more)
        return e;
    for (size_t i = 0; r->placed && i < bins(r) * wanted; i++)
        out[i] = (int8_t)(set->pixels[i] - PIXEL_ZERO);
    for (uint32_t b = 0; !r->placed && b < bins(r); b++)
        deliver(&(struct delivery){ set, false, set->pixels + b * has }, out + b * wanted);
    if (set->map && set->map->wide)
        deliver(&(struct delivery){ set, true, set->pixels }, out + wanted);
    return ERR_NONE;
}

/* ---- events ---- */

void image_events_release(struct image_events *e)
{
    free(e->event);
    *e = (struct image_events){ 0 };
}

bool images_timed(const struct images *set)
{
    return set->reader->format->timed;
}

enum err image_add_event(const struct image_reader *r, uint64_t t_ns, uint32_t at,
                         struct err_msg *m)
{
    struct image_events *e = r->events;

    if (e->n == e->room) {
        size_t room = e->room ? 2 * e->room : 4096;
        struct image_event *more = realloc(e->event, room * sizeof *more);
        if (!more)
            return err_set(m, ERR_MEMORY, "%s: no memory for its events", r->path);
        e->event = more;
        e->room = room;
    }
    e->event[e->n++] = (struct image_event){ t_ns, at };
    return ERR_NONE;
}

enum err images_next_events(struct images *set, struct image_events *e, uint32_t *label, int *more,
                            struct err_msg *m)
{
    struct image_reader *r = set->reader;

    assert(r->format->timed);
    e->n = 0;
    r->events = e;
    enum err err = r->format->next(r, set->pixels, label, more, m);
    r->events = NULL;
    return err;
}
