/* traces/pictures.c -- image sets as folders of PNG and JPEG files, or as one of them.
 *
 * The pictures of a folder come in the order of their names, without labels unless --labels has
 * them. Folders in a folder are classes: label 0 is the first of their names, as torchvision's
 * ImageFolder has it. Names that begin with a dot or do not end in .png, .jpg or .jpeg are passed
 * over; the content says what a picture is. Each is decoded when its turn comes. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "traces/elements.h"
#include "traces/picture.h"

enum { MOST_BYTE = 1 << 26, MOST_PATH = 4096 };

static const struct picture_kind *const kinds[] = { &picture_png, &picture_jpeg };

enum { N_KIND = sizeof kinds / sizeof *kinds };

struct picture {
    char    *path; // owned
    uint32_t label;
};

struct pictures {
    struct image_reader base; // its file is the picture that was read last
    struct picture     *list; // owned
    size_t              n, room, next;
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

static enum err no_memory(const struct pictures *s, struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "%s: no memory for %zu pictures", s->base.path, s->n);
}

static enum err add(struct pictures *s, const char *path, uint32_t label, struct err_msg *m)
{
    if (s->n == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        struct picture *list = realloc(s->list, room * sizeof *list);
        if (!list)
            return no_memory(s, m);
        s->list = list;
        s->room = room;
    }
    s->list[s->n] = (struct picture){ strdup(path), label };
    if (!s->list[s->n].path)
        return no_memory(s, m);
    s->n++;
    return ERR_NONE;
}

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool named_as_picture(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 ||
                   strcasecmp(dot, ".jpeg") == 0);
}

static int visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Adds the pictures of a folder; *n_folder: folders in it, which are looked into if `deeper`. */
static enum err list_folder(struct pictures *s, const char *path, uint32_t label, bool deeper,
                            uint32_t *n_folder, struct err_msg *m)
{
    struct dirent **entry;
    int n = scandir(path, &entry, visible, by_name);
    enum err e = n < 0 ? err_set(m, ERR_INPUT, "%s: cannot read the folder", path) : ERR_NONE;

    for (int i = 0; i < n; i++) {
        char inner[MOST_PATH];
        uint32_t none = 0;
        int length = snprintf(inner, sizeof inner, "%s/%s", path, entry[i]->d_name);
        if (e || length < 0 || (size_t)length >= sizeof inner)
            ;
        else if (is_directory(inner) && deeper)
            e = list_folder(s, inner, (*n_folder)++, false, &none, m);
        else if (named_as_picture(entry[i]->d_name) && !is_directory(inner))
            e = add(s, inner, label, m);
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
    return e;
}

/* Pictures beside folders of classes belong to none. */
static enum err list(struct pictures *s, uint32_t *n_class, struct err_msg *m)
{
    uint32_t none = 0;
    enum err e = list_folder(s, s->base.path, 0, false, &none, m);

    *n_class = 0;
    if (e || s->n > 0)
        return e;
    e = list_folder(s, s->base.path, 0, true, n_class, m);
    if (!e && s->n == 0)
        e = err_set(m, ERR_INPUT, "%s: a folder without pictures: want files that end in .png, "
                    ".jpg or .jpeg, or folders of them, one for each class", s->base.path);
    return e;
}

static enum err pictures_open(struct image_reader *r, struct err_msg *m)
{
    struct pictures *s = (struct pictures *)r;
    uint32_t n_class = 0;
    enum err e = r->file ? add(s, r->path, 0, m) : list(s, &n_class, m);

    if (!e && n_class > r->n_classes)
        e = err_set(m, ERR_INPUT, "%s: %" PRIu32 " folders: want at most %" PRIu32 ", the "
                    "network's classes", r->path, n_class, r->n_classes);
    if (!e && r->how.labels && n_class > 0)
        e = err_set(m, ERR_INPUT, "%s: has folders of classes: want no --labels", r->path);
    if (!e && r->how.labels)
        e = labels_open(&s->labels, r->how.labels, m);
    if (!e && s->labels)
        e = labels_check_count(s->labels, s->n, m);
    r->labelled = s->labels || n_class > 0;
    r->shape = r->want; // each is checked when it is read
    return e;
}

static void pictures_close(struct image_reader *r)
{
    struct pictures *s = (struct pictures *)r;

    for (size_t i = 0; i < s->n; i++)
        free(s->list[i].path);
    free(s->list);
    labels_close(s->labels);
}

static enum err pictures_count(struct image_reader *r, uint64_t *count, struct err_msg *m)
{
    struct pictures *s = (struct pictures *)r;

    *count = s->n;
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
    *more = s->next < s->n;
    if (s->labels)
        e = labels_next(s->labels, r->n_classes, label, &labels_left, m);
    if (e || !*more)
        return e;
    const struct picture *p = &s->list[s->next++];
    if (!s->labels)
        *label = p->label;
    return read_picture(r, p->path, pixels, m);
}

const struct image_format image_pictures = {
    .name = "PNG or JPEG, a file or a folder", .reader_byte = sizeof(struct pictures),
    .probe = pictures_probe, .open = pictures_open, .close = pictures_close,
    .count = pictures_count, .next = pictures_next,
};
