/* study/sweep/contents.c -- see contents.h. */
#include "study/sweep/contents.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/datadir.h"

enum { CHUNK = 1 << 16 };

/* False of what is no file, or cannot be read. */
static bool hash_file(uint64_t *hash, const char *path)
{
    static const uint64_t basis = UINT64_C(0xcbf29ce484222325), prime = UINT64_C(0x100000001b3);
    struct stat st;
    uint8_t bytes[CHUNK];
    size_t n;
    FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;

    if (!f)
        return false;
    for (*hash = basis; (n = fread(bytes, 1, sizeof bytes, f)) > 0;)
        for (size_t i = 0; i < n; i++)
            *hash = (*hash ^ bytes[i]) * prime;
    bool whole = !ferror(f);
    fclose(f);
    return whole;
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the files of a study");
}

/* NULL: there is none that can be read; or, with an error, no memory. */
static enum err find(const struct content **found, struct contents *all, const char *path,
                     struct err_msg *m)
{
    struct content new = { NULL, 0 };

    *found = NULL;
    for (size_t i = 0; i < all->n && !*found; i++)
        if (strcmp(all->item[i].path, path) == 0)
            *found = &all->item[i];
    if (*found || !hash_file(&new.hash, path))
        return ERR_NONE;
    struct content *more = realloc(all->item, (all->n + 1) * sizeof *more);
    if (!more)
        return no_memory(m);
    all->item = more;
    new.path = strdup(path);
    if (!new.path)
        return no_memory(m);
    more[all->n] = new;
    *found = &more[all->n++];
    return ERR_NONE;
}

static enum err add(struct contents *all, struct store_id *id, const char *path,
                    struct err_msg *m)
{
    const struct content *file;
    char text[24];
    enum err e = find(&file, all, path, m);

    if (e || !file)
        return e;
    snprintf(text, sizeof text, "\n%016" PRIx64, file->hash);
    store_id_add(id, text);
    return ERR_NONE;
}

enum err contents_add(struct contents *all, struct store_id *id, const struct config *c,
                      const json_t *images, struct err_msg *m)
{
    static const char *const of_images[] = { "set", "labels" };
    enum err e = ERR_NONE;

    for (const struct param *row = config_params; row->key && !e; row++) {
        char word[DATADIR_BYTE];
        param_file_word(row, c, word, sizeof word);
        if (word[0] != '\0' && (row->kind == PARAM_KIND_PATH || datadir_is_path(word)))
            e = add(all, id, word, m);
    }
    for (size_t i = 0; i < sizeof of_images / sizeof *of_images && !e; i++) {
        const char *path = json_string_value(json_object_get(images, of_images[i]));
        if (path)
            e = add(all, id, path, m);
    }
    return e;
}

void contents_release(struct contents *all)
{
    for (size_t i = 0; i < all->n; i++)
        free(all->item[i].path);
    free(all->item);
    *all = (struct contents){ NULL, 0 };
}
