/* traces/images/folder.c -- see folder.h. */
#include "traces/images/folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MOST_PATH = 4096 };

enum err folder_add(struct folder *f, const char *path, uint32_t label, struct err_msg *m)
{
    if (f->n == f->room) {
        size_t room = f->room ? 2 * f->room : 64;
        struct folder_file *file = realloc(f->file, room * sizeof *file);
        if (!file)
            return err_set(m, ERR_MEMORY, "%s: no memory for %zu files", path, f->n);
        f->file = file;
        f->room = room;
    }
    f->file[f->n] = (struct folder_file){ strdup(path), label };
    if (!f->file[f->n].path)
        return err_set(m, ERR_MEMORY, "%s: no memory for %zu files", path, f->n);
    f->n++;
    return ERR_NONE;
}

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool ends_in(const char *name, const char *const *endings)
{
    const char *dot = strrchr(name, '.');

    for (; dot && *endings; endings++)
        if (strcasecmp(dot, *endings) == 0)
            return true;
    return false;
}

static int visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

struct listing {
    struct folder     *folder;
    const char *const *endings;
    uint32_t           label;
    bool               deeper; // folders in it are looked into, each a label more
    struct err_msg    *msg;
};

static enum err list(struct listing *l, const char *path)
{
    struct dirent **entry;
    int n = scandir(path, &entry, visible, by_name);
    enum err e = n < 0 ? err_set(l->msg, ERR_INPUT, "%s: cannot read the folder", path) : ERR_NONE;

    for (int i = 0; i < n; i++) {
        char inner[MOST_PATH];
        int length = snprintf(inner, sizeof inner, "%s/%s", path, entry[i]->d_name);
        bool fits = !e && length > 0 && (size_t)length < sizeof inner;
        if (fits && is_directory(inner) && l->deeper) {
            struct listing in = *l;
            in.label = l->folder->n_class++;
            in.deeper = false;
            e = list(&in, inner);
        } else if (fits && ends_in(entry[i]->d_name, l->endings) && !is_directory(inner))
            e = folder_add(l->folder, inner, l->label, l->msg);
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
    return e;
}

enum err folder_list(struct folder *f, const char *path, const char *const *endings,
                     struct err_msg *m)
{
    struct listing l = { .folder = f, .endings = endings, .msg = m };
    enum err e = list(&l, path);

    if (e || f->n > 0) // what is beside folders of classes belongs to none
        return e;
    l.deeper = true;
    return list(&l, path);
}

void folder_release(struct folder *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->file[i].path);
    free(f->file);
    *f = (struct folder){ 0 };
}
