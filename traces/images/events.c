/* traces/images/events.c -- event recordings: what a camera saw in a time, pixel by pixel, in bins.
 *
 * A file has records of 40 bits, as N-MNIST (Orchard et al. 2015) and SLAYER have them, the first
 * byte first: x, y, polarity (the highest bit of the third byte), microseconds (23 bits). A set is
 * such a file; a folder of them (traces/images/folder.h) whose names end in .bin or .bs2; or a
 * list, a line "NAME LABEL" or "NAME" for each, # before what is said of them, of files beside it
 * whose names may lack their endings. Polarity is the channel, x the column, y the row. Events
 * behind the last bin are in the last.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traces/images/elements.h"
#include "traces/images/folder.h"
#include "traces/images/image_format.h"

enum {
    RECORD_BYTE = 5, N_POLARITY = 2,
    MOST_BYTE = 1 << 28,  // of a recording
    MOST_LIST = 1 << 26, MOST_LINE = 4096,
    MOST_COUNT = UINT8_MAX, NS_PER_US = 1000
};

static const char *const endings[] = { ".bin", ".bs2", NULL };

struct recordings {
    struct image_reader base; // its file is the recording that was read last
    struct folder       list;
    size_t              next;
    struct labels      *labels; // owned, or NULL
};

static bool events_probe(const struct image_clue *c)
{
    return c->how->n_bin > 0 && !(c->n > 0 && c->head[0] == 0x93); // numpy's are frames
}

/* ---- lists ---- */

static bool is_text(struct infile *f)
{
    const uint8_t *head;
    struct err_msg m;
    size_t n;

    if (infile_peek(f, INFILE_PEEK_MAX, &head, &n, &m) || n == 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (head[i] != '\t' && head[i] != '\n' && head[i] != '\r' &&
            (head[i] < ' ' || head[i] > '~'))
            return false;
    return true;
}

/* The file called `name` beside the list, with an ending or without. */
static bool find_beside(const struct recordings *s, const char *name, char path[MOST_LINE])
{
    const char *slash = strrchr(s->base.path, '/');
    const int folder = slash ? (int)(slash - s->base.path) + 1 : 0;

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        int n = snprintf(path, MOST_LINE, "%.*s%s%s", name[0] == '/' ? 0 : folder, s->base.path,
                         name, endings[i] ? endings[i] : "");
        if (n > 0 && n < MOST_LINE && access(path, R_OK) == 0)
            return true;
    }
    return false;
}

static enum err take_line(struct recordings *s, uint64_t number, char *line, bool *labelled,
                          struct err_msg *m)
{
    char path[MOST_LINE], *end, *name, *rest;
    unsigned long label = 0;

    name = strtok_r(line, " \t\r,", &rest);
    char *word = name ? strtok_r(NULL, " \t\r,", &rest) : NULL;
    if (!name || name[0] == '#')
        return ERR_NONE;
    if (word)
        label = strtoul(word, &end, 10);
    if (word && (word[0] == '-' || *end != '\0' || label >= s->base.n_classes))
        return err_set(m, ERR_INPUT, "%s:%" PRIu64 ": label %.40s: want 0 to %" PRIu32 ", the "
                       "network's classes", s->base.path, number, word, s->base.n_classes - 1);
    if (!find_beside(s, name, path))
        return err_set(m, ERR_INPUT, "%s:%" PRIu64 ": %.200s: no such recording: want names of "
                       "files beside this list, with .bin or .bs2 behind them or without",
                       s->base.path, number, name);
    *labelled &= word != NULL;
    return folder_add(&s->list, path, (uint32_t)label, m);
}

static enum err read_list(struct recordings *s, struct err_msg *m)
{
    uint64_t n = 0, number = 1;
    bool labelled = true;
    enum err e = infile_size(s->base.file, MOST_LIST, &n, m);

    if (!e && n > MOST_LIST)
        e = infile_error(s->base.file, MOST_LIST, m, "a list of more than %d bytes: want a "
                         "shorter one", MOST_LIST);
    char *text = e ? NULL : calloc((size_t)n + 1, 1);
    if (!e && !text)
        e = err_set(m, ERR_MEMORY, "%s: no memory to read it", s->base.path);
    if (!e)
        e = infile_read(s->base.file, text, (size_t)n, "a list", m);
    if (!e && strlen(text) < n)
        e = infile_error(s->base.file, strlen(text), m, "a byte of 0: want lines of text");
    for (char *line = text, *end; !e && line && *line; line = end + 1, number++) {
        end = line + strcspn(line, "\n");
        bool last = *end == '\0';
        *end = '\0';
        e = take_line(s, number, line, &labelled, m);
        if (last)
            break;
    }
    free(text);
    s->base.labelled = labelled;
    return e;
}

static enum err list(struct recordings *s, struct err_msg *m)
{
    struct image_reader *r = &s->base;

    if (r->file && is_text(r->file))
        return read_list(s, m);
    enum err e = r->file ? folder_add(&s->list, r->path, 0, m)
                         : folder_list(&s->list, r->path, endings, m);
    r->labelled = s->list.n_class > 0;
    if (!e && s->list.n_class > r->n_classes)
        e = err_set(m, ERR_INPUT, "%s: %" PRIu32 " folders: want at most %" PRIu32 ", the "
                    "network's classes", r->path, s->list.n_class, r->n_classes);
    return e;
}

static enum err events_open(struct image_reader *r, struct err_msg *m)
{
    struct recordings *s = (struct recordings *)r;
    enum err e = list(s, m);

    if (!e && r->how.shape)
        e = err_set(m, ERR_INPUT, "%s: event recordings: want no --image-shape", r->path);
    if (!e && s->list.n == 0)
        e = err_set(m, ERR_INPUT, "%s: has no event recordings: want files of 40-bit records that "
                    "end in .bin or .bs2, folders of them, or a list of their names and labels",
                    r->path);
    if (!e && r->want.channels != N_POLARITY)
        e = err_set(m, ERR_INPUT, "%s: event recordings have 2 polarities, the network's input %"
                    PRIu32 " channels: want a network of 2", r->path, r->want.channels);
    if (!e && r->how.labels && r->labelled)
        e = err_set(m, ERR_INPUT, "%s: has labels: want no --labels", r->path);
    if (!e && r->how.labels)
        e = labels_open(&s->labels, r->how.labels, m);
    if (!e && s->labels)
        e = labels_check_count(s->labels, s->list.n, m);
    r->labelled |= s->labels != NULL;
    r->shape = r->want;
    r->placed = true;
    return e;
}

static void events_close(struct image_reader *r)
{
    struct recordings *s = (struct recordings *)r;

    folder_release(&s->list);
    labels_close(s->labels);
}

static enum err events_count(struct image_reader *r, uint64_t *count, struct err_msg *m)
{
    struct recordings *s = (struct recordings *)r;

    *count = s->list.n;
    return s->labels ? labels_check_size(s->labels, m) : ERR_NONE;
}

/* ---- a recording ---- */

static enum err take_event(struct image_reader *r, const uint8_t *e, uint8_t *pixels,
                           struct err_msg *m)
{
    const uint32_t us = (uint32_t)(e[2] & 127) << 16 | (uint32_t)e[3] << 8 | e[4];
    const uint32_t bin = us / r->how.bin_us < r->how.n_bin ? us / r->how.bin_us : r->how.n_bin - 1;
    const uint64_t at = infile_byte(r->file) - RECORD_BYTE;

    if (e[0] >= r->want.width || e[1] >= r->want.height)
        return infile_error(r->file, at, m, "an event at column %u, row %u: want less than %"
                            PRIu32 " and %" PRIu32 ", the network's input", e[0], e[1],
                            r->want.width, r->want.height);
    const size_t place = ((size_t)e[0] * r->want.height + e[1]) * N_POLARITY + (e[2] >> 7);
    if (r->events)
        return image_add_event(r, (uint64_t)us * NS_PER_US, (uint32_t)place, m);
    uint8_t *count = &pixels[bin * image_wanted_bytes(r) + place];
    if (*count == MOST_COUNT)
        return infile_error(r->file, at, m, "more than %d events of column %u, row %u in bin %"
                            PRIu32 ": want a shorter input.bin_us", MOST_COUNT, e[0], e[1], bin);
    ++*count;
    return ERR_NONE;
}

static enum err read_recording(struct image_reader *r, const char *path, uint8_t *pixels,
                               struct err_msg *m)
{
    uint8_t event[RECORD_BYTE];
    uint64_t n = 0;

    infile_close(r->file);
    enum err e = infile_open(&r->file, path, m);
    if (!e)
        e = infile_size(r->file, MOST_BYTE, &n, m);
    if (!e && (n > MOST_BYTE || n % RECORD_BYTE != 0))
        e = infile_error(r->file, 0, m, "%" PRIu64 " bytes: want records of %d bytes, %d bytes at "
                         "most", n, RECORD_BYTE, MOST_BYTE);
    if (!r->events)
        memset(pixels, 0, r->how.n_bin * image_wanted_bytes(r));
    for (; n > 0 && !e; n -= RECORD_BYTE) {
        e = infile_read(r->file, event, sizeof event, "a record", m);
        if (!e)
            e = take_event(r, event, pixels, m);
    }
    return e;
}

static enum err events_next(struct image_reader *r, uint8_t *pixels, uint32_t *label, int *more,
                            struct err_msg *m)
{
    struct recordings *s = (struct recordings *)r;
    int labels_left;
    enum err e = ERR_NONE;

    *label = 0;
    *more = s->next < s->list.n;
    if (s->labels)
        e = labels_next(s->labels, r->n_classes, label, &labels_left, m);
    if (e || !*more)
        return e;
    const struct folder_file *f = &s->list.file[s->next++];
    if (!s->labels)
        *label = f->label;
    return read_recording(r, f->path, pixels, m);
}

const struct image_format image_events = {
    .name = "event recordings", .reader_byte = sizeof(struct recordings), .recorded = true,
    .timed = true,
    .probe = events_probe, .open = events_open, .close = events_close,
    .count = events_count, .next = events_next,
};
