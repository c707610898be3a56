/* traces/images/pictures.c -- image sets as folders of PNG and JPEG files, or as one of them.
 *
 * Those of a folder are traces/images/folder.h's, with labels of --labels where they have none.
 * Names that do not end in .png, .jpg or .jpeg are passed over; the content says what a picture is.
 * Each is decoded when its turn comes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/images/elements.h"
#include "traces/images/folder.h"
#include "traces/images/picture.h"

enum { MOST_BYTE = 1 << 26 };

static const struct picture_kind *const kinds[] = { &picture_png, &picture_jpeg };

enum { N_KIND = sizeof kinds / sizeof *kinds };

struct pictures {
    struct image_reader base; // its file is the picture that was read last
    struct folder       list;
    size_t              next;
    struct labels      *labels; // owned, or NULL
};

static const struct picture_kind *kind_of(const uint8_t *head, size_t n)
{
    for (size_t i = 0; i < N_KIND; i++)
        if (n >= kinds[i]->n_mark && memcmp(head, kinds[i]->mark, kinds[i]->n_mark) == 0)
            return kinds[i];
    return NULL;
}

static bool pictures_probe(const struct image_clue *c)
{
    return c->file ? kind_of(c->head, c->n) != NULL : c->directory;
}

/* ---- listing ---- */

static enum err list(struct pictures *s, struct err_msg *m)
{
    static const char *const endings[] = { ".png", ".jpg", ".jpeg", NULL };
    enum err e = folder_list(&s->list, s->base.path, endings, m);

    if (!e && s->list.n == 0)
        e = err_set(m, ERR_INPUT, "%s: a folder without pictures: want files that end in .png, "
                    ".jpg or .jpeg, or folders of them, one for each class", s->base.path);
    return e;
}

static enum err pictures_open(struct image_reader *r, struct err_msg *m)
{
    struct pictures *s = (struct pictures *)r;
    enum err e = r->file ? folder_add(&s->list, r->path, 0, m) : list(s, m);
    const uint32_t n_class = s->list.n_class;

    if (!e && n_class > r->n_classes)
        e = err_set(m, ERR_INPUT, "%s: %" PRIu32 " folders: want at most %" PRIu32 ", the "
                    "network's classes", r->path, n_class, r->n_classes);
    if (!e && r->how.labels && n_class > 0)
        e = err_set(m, ERR_INPUT, "%s: has folders of classes: want no --labels", r->path);
    if (!e && r->how.labels)
        e = labels_open(&s->labels, r->how.labels, m);
    if (!e && s->labels)
        e = labels_check_count(s->labels, s->list.n, m);
    r->labelled = s->labels || n_class > 0;
    r->shape = r->want; // each is checked when it is read
    return e;
}

static void pictures_close(struct image_reader *r)
{
    struct pictures *s = (struct pictures *)r;

    folder_release(&s->list);
    labels_close(s->labels);
}

static enum err pictures_count(struct image_reader *r, uint64_t *count, struct err_msg *m)
{
    struct pictures *s = (struct pictures *)r;

    *count = s->list.n;
    return s->labels ? labels_check_size(s->labels, m) : ERR_NONE;
}

/* ---- reading ---- */

static enum err decode(struct image_reader *r, const uint8_t *bytes, size_t n, uint8_t *pixels,
                       struct err_msg *m)
{
    const struct picture_kind *kind = kind_of(bytes, n);

    if (!kind)
        return infile_error(r->file, 0, m, "neither PNG nor JPEG: want pictures alone in a folder "
                            "of them");
    return kind->decode(r, bytes, n, pixels, m);
}

static enum err read_picture(struct image_reader *r, const char *path, uint8_t *pixels,
                             struct err_msg *m)
{
    uint64_t n = 0;

    infile_close(r->file);
    enum err e = infile_open(&r->file, path, m);
    if (!e)
        e = infile_size(r->file, MOST_BYTE, &n, m);
    if (!e && n > MOST_BYTE)
        e = infile_error(r->file, MOST_BYTE, m, "a picture of more than %d bytes: want a smaller "
                         "one", MOST_BYTE);
    uint8_t *bytes = e ? NULL : malloc((size_t)n + 1);
    if (!e && !bytes)
        e = err_set(m, ERR_MEMORY, "%s: no memory to read it", path);
    if (!e)
        e = infile_read(r->file, bytes, (size_t)n, "a picture", m);
    if (!e)
        e = decode(r, bytes, (size_t)n, pixels, m);
    free(bytes);
    return e;
}

static enum err pictures_next(struct image_reader *r, uint8_t *pixels, uint32_t *label, int *more,
                              struct err_msg *m)
{
    struct pictures *s = (struct pictures *)r;
    int labels_left;
    enum err e = ERR_NONE;

    *label = 0;
    *more = s->next < s->list.n;
    if (s->labels)
        e = labels_next(s->labels, r->n_classes, label, &labels_left, m);
    if (e || !*more)
        return e;
    const struct folder_file *p = &s->list.file[s->next++];
    if (!s->labels)
        *label = p->label;
    return read_picture(r, p->path, pixels, m);
}

const struct image_format image_pictures = {
    .name = "PNG or JPEG, a file or a folder", .reader_byte = sizeof(struct pictures),
    .probe = pictures_probe, .open = pictures_open, .close = pictures_close,
    .count = pictures_count, .next = pictures_next,
};
