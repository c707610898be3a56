/* nir/file.c -- see file.h. */
#include "nir/file.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/datadir.h"

enum { CHUNK = 1 << 16 };

extern char **environ;

/* ---- what the program writes ---- */

struct bytes {
    uint8_t *at; // owned
    size_t   n, room;
};

static bool make_room(struct bytes *b)
{
    if (b->room - b->n >= CHUNK)
        return true;
    size_t room = b->room ? 2 * b->room : 4 * CHUNK;
    uint8_t *at = realloc(b->at, room);
    if (!at)
        return false;
    b->at = at;
    b->room = room;
    return true;
}

static enum err read_all(struct bytes *b, int from, struct err_msg *m)
{
    for (;;) {
        if (!make_room(b))
            return err_set(m, ERR_MEMORY, "no memory for the file");
        ssize_t n = read(from, b->at + b->n, CHUNK);
        if (n == 0)
            return ERR_NONE;
        if (n < 0 && errno != EINTR)
            return err_set(m, ERR_RUN, "what %s writes cannot be read: %s", NIR_PROGRAM,
                           strerror(errno));
        b->n += n > 0 ? (size_t)n : 0;
    }
}

static enum err start(pid_t *child, int *from, const char *path, struct err_msg *m)
{
    char program[DATADIR_BYTE + sizeof NIR_PROGRAM + 1];
    char *const argv[] = { (char[]){ NIR_PROGRAM }, (char *)path, NULL };
    posix_spawn_file_actions_t actions;
    int end[2];

    snprintf(program, sizeof program, "%s/%s", datadir_programs(), NIR_PROGRAM);
    if (access(program, X_OK) != 0)
        return err_set(m, ERR_RUN, "%s is not there, which reads HDF5 files: want `make` where "
                       "HDF5's library is (Debian: libhdf5-dev)", program);
    if (pipe(end) != 0)
        return err_set(m, ERR_RUN, "no pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, end[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, end[0]);
    posix_spawn_file_actions_addclose(&actions, end[1]);
    int failed = posix_spawn(child, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(end[1]);
    *from = end[0];
    if (failed)
        close(end[0]);
    return failed ? err_set(m, ERR_RUN, "%s: %s", program, strerror(failed)) : ERR_NONE;
}

static enum err finish(pid_t child, struct err_msg *m)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return ERR_NONE; // somebody else waits for children: what was written tells
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return err_set(m, ERR_INPUT, "HDF5's library does not come to an end with it: want a "
                       "sound file, which h5dump prints");
    if (WIFSIGNALED(status))
        return err_set(m, ERR_INPUT, "HDF5's library fails on it, with signal %d: want a sound "
                       "file, which h5dump prints", WTERMSIG(status));
    return ERR_NONE;
}

enum err nir_file_read(struct nir_file *f, const char *path, struct err_msg *m)
{
    struct bytes written = { 0 };
    pid_t child;
    int from;
    FILE *there = fopen(path, "rb"); // a message of its own

    *f = (struct nir_file){ 0 };
    if (!there)
        return err_set(m, ERR_INPUT, "%.400s: %s", path, strerror(errno));
    fclose(there);
    enum err e = start(&child, &from, path, m);
    if (!e) {
        enum err read = read_all(&written, from, m);
        close(from);
        e = finish(child, m);
        e = read ? read : e;
    }
    if (!e)
        e = nir_file_parse(f, written.at, written.n, m);
    free(written.at);
    if (e)
        err_prefix(m, path);
    return e;
}

/* ---- read again ---- */

struct cursor {
    const uint8_t *at, *end;
};

static enum err refuse(struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "it cannot be read to its end: want a sound HDF5 file, which "
                   "h5dump prints");
}

/* The line that begins here, without its end; false when there is none. */
static bool take_line(struct cursor *c, char *line, size_t size)
{
    const uint8_t *end = memchr(c->at, '\n', (size_t)(c->end - c->at));

    if (!end || (size_t)(end - c->at) >= size)
        return false;
    memcpy(line, c->at, (size_t)(end - c->at));
    line[end - c->at] = '\0';
    c->at = end + 1;
    return true;
}

static bool take_integer(char **at, uint64_t most, uint64_t *v)
{
    char *end;

    if (**at < '0' || **at > '9')
        return false;
    errno = 0;
    *v = strtoull(*at, &end, 10);
    if (errno || end == *at || *end != ' ' || *v > most)
        return false;
    *at = end + 1;
    return true;
}

/* " RANK DIM.. PATH" of a line. */
static bool take_head(struct nir_dataset *d, char *at)
{
    uint64_t rank;

    if (!take_integer(&at, NIR_MOST_RANK, &rank))
        return false;
    d->n_dim = (uint32_t)rank;
    d->n = 1;
    for (uint32_t i = 0; i < d->n_dim; i++) {
        if (!take_integer(&at, NIR_MOST_VALUES, &d->dim[i]))
            return false;
        d->n *= (size_t)d->dim[i];
        if (d->n > NIR_MOST_VALUES)
            return false;
    }
    d->path = *at == '/' && strlen(at) < NIR_MOST_PATH ? strdup(at) : NULL;
    return d->path;
}

static bool take_numbers(struct cursor *c, struct nir_dataset *d)
{
    size_t n = d->n * sizeof *d->number;

    if ((size_t)(c->end - c->at) < n)
        return false;
    d->number = malloc(n ? n : 1);
    if (!d->number)
        return false;
    memcpy(d->number, c->at, n);
    c->at += n;
    return true;
}

static bool take_texts(struct cursor *c, struct nir_dataset *d)
{
    if (d->n > (size_t)(c->end - c->at)) // each has its zero byte
        return false;
    d->text = calloc(d->n ? d->n : 1, sizeof *d->text);
    for (size_t i = 0; d->text && i < d->n; i++) {
        const uint8_t *end = memchr(c->at, 0, (size_t)(c->end - c->at));
        d->text[i] = end ? strdup((const char *)c->at) : NULL;
        if (!d->text[i])
            return false;
        c->at = end + 1;
    }
    return d->text;
}

static void release(struct nir_dataset *d)
{
    for (size_t i = 0; d->text && i < d->n; i++)
        free(d->text[i]);
    free(d->text);
    free(d->number);
    free(d->path);
}

static bool take_dataset(struct cursor *c, char *line, struct nir_dataset *d)
{
    static const struct {
        const char *word;
        bool (*take)(struct cursor *c, struct nir_dataset *d);
    } kinds[] = { { "numbers ", take_numbers }, { "text ", take_texts }, { "other ", NULL } };

    *d = (struct nir_dataset){ 0 };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(line, kinds[i].word, strlen(kinds[i].word)) == 0)
            return take_head(d, line + strlen(kinds[i].word)) &&
                   (!kinds[i].take || kinds[i].take(c, d));
    return false;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct nir_dataset *)a)->path, ((const struct nir_dataset *)b)->path);
}

static bool append(struct nir_file *f, size_t *room, const struct nir_dataset *d)
{
    if (f->n_dataset == *room) {
        size_t more = *room ? 2 * *room : 64;
        struct nir_dataset *all = realloc(f->dataset, more * sizeof *all);
        if (!all)
            return false;
        f->dataset = all;
        *room = more;
    }
    f->dataset[f->n_dataset++] = *d;
    return true;
}

static enum err parse(struct nir_file *f, struct cursor *c, struct err_msg *m)
{
    char line[NIR_MOST_PATH + 256];
    size_t room = 0;

    while (take_line(c, line, sizeof line)) {
        struct nir_dataset d;
        if (strcmp(line, "end") == 0)
            return c->at == c->end ? ERR_NONE : refuse(m);
        if (strncmp(line, "error ", 6) == 0)
            return err_set(m, ERR_INPUT, "%s: want a sound HDF5 file, which h5dump prints",
                           line + 6);
        if (f->n_dataset == NIR_MOST_DATASETS || !take_dataset(c, line, &d) ||
            !append(f, &room, &d)) {
            release(&d);
            return refuse(m);
        }
    }
    return refuse(m);
}

enum err nir_file_parse(struct nir_file *f, const uint8_t *bytes, size_t n, struct err_msg *m)
{
    struct cursor c = { bytes, bytes + n };

    *f = (struct nir_file){ 0 };
    enum err e = n > 0 ? parse(f, &c, m) : refuse(m);
    if (e)
        nir_file_release(f);
    else if (f->n_dataset > 0)
        qsort(f->dataset, f->n_dataset, sizeof *f->dataset, by_path);
    return e;
}

void nir_file_release(struct nir_file *f)
{
    for (size_t i = 0; i < f->n_dataset; i++)
        release(&f->dataset[i]);
    free(f->dataset);
    *f = (struct nir_file){ 0 };
}

const struct nir_dataset *nir_file_find(const struct nir_file *f, const char *group,
                                        const char *name)
{
    char path[2 * NIR_MOST_PATH];
    const struct nir_dataset key = { .path = path };

    if (snprintf(path, sizeof path, "%s/%s", group, name) >= (int)sizeof path ||
        f->n_dataset == 0)
        return NULL;
    return bsearch(&key, f->dataset, f->n_dataset, sizeof key, by_path);
}
