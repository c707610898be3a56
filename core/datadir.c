/* core/datadir.c -- see datadir.h. */
#define _DEFAULT_SOURCE // scandir(), alphasort()
#include "core/datadir.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef IMCSIM_DATADIR // the Makefile gives it, the tree's or PREFIX/share/imcsim
#define IMCSIM_DATADIR "."
#endif
#ifndef IMCSIM_PROGRAMS // likewise: PREFIX/lib/imcsim
#define IMCSIM_PROGRAMS "."
#endif

const char *datadir_programs(void)
{
    return IMCSIM_PROGRAMS;
}

static bool has_configs(const char *directory)
{
    char path[DATADIR_BYTE + sizeof "/configs"];
    struct stat st;

    snprintf(path, sizeof path, "%s/configs", directory);
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum err datadir(char path[DATADIR_BYTE], struct err_msg *m)
{
    const char *set = getenv("IMCSIM_DATA"), *found = set && *set ? set : IMCSIM_DATADIR;

    if (strlen(found) < DATADIR_BYTE && has_configs(found)) {
        strcpy(path, found);
        return ERR_NONE;
    }
    if (found == set)
        return err_set(m, ERR_INPUT, "IMCSIM_DATA = %.400s: want a directory with the configs/ and "
                       "models/ of imcsim", set);
    return err_set(m, ERR_INPUT, "%.400s: no configs/ there any more: want make install, or the "
                   "environment variable IMCSIM_DATA to name the directory that has it", found);
}

bool datadir_is_path(const char *word)
{
    size_t n = strlen(word), n_end = strlen(".yaml");

    return strchr(word, '/') || (n > n_end && strcmp(word + n - n_end, ".yaml") == 0);
}

static int is_yaml(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strchr(entry->d_name, '/') == NULL &&
           datadir_is_path(entry->d_name);
}

/* "a, b or c": what a folder has. */
static void list(char *text, size_t n_byte, const char *folder)
{
    struct dirent **entry;
    int n = scandir(folder, &entry, is_yaml, alphasort);
    size_t at = 0;

    text[0] = '\0';
    for (int i = 0; i < n; i++) {
        int n_name = (int)(strlen(entry[i]->d_name) - strlen(".yaml"));
        if (at < n_byte)
            at += (size_t)snprintf(text + at, n_byte - at, "%s%.*s", i > 0 ? ", " : "", n_name,
                                   entry[i]->d_name);
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
}

enum err datadir_find(char path[DATADIR_BYTE], const char *folder, const char *word,
                      struct err_msg *m)
{
    char root[DATADIR_BYTE], known[512];

    if (datadir_is_path(word)) {
        if (strlen(word) < DATADIR_BYTE) {
            strcpy(path, word);
            return ERR_NONE;
        }
        return err_set(m, ERR_INPUT, "%.64s...: the file name is too long", word);
    }
    enum err e = datadir(root, m);
    if (e)
        return e;
    int n = snprintf(path, DATADIR_BYTE, "%s/configs/%s/%s.yaml", root, folder, word);
    if (n > 0 && n < DATADIR_BYTE && access(path, R_OK) == 0)
        return ERR_NONE;
    if (snprintf(path, DATADIR_BYTE, "%s/configs/%s", root, folder) >= DATADIR_BYTE)
        return err_set(m, ERR_INPUT, "%.64s...: the directory's name is too long", root);
    list(known, sizeof known, path);
    return err_set(m, ERR_INPUT, "%.64s: want one of %.300s; or the path of a file, which has a "
                   "slash or ends in .yaml", word, known);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Machines whose names are read on. */
static const struct { const char *old, *name; } renamed[] = {
    { "isaac_32nm", "isaac_pulses_32nm" },
};

/* NAME, configs/NAME and either with .yaml; another word is itself. */
static const char *name_now(char now[DATADIR_BYTE], const char *word)
{
    const char *slash = strrchr(word, '/'), *base = slash ? slash + 1 : word;
    bool here = !slash || strncmp(word, "configs/", (size_t)(base - word)) == 0;

    for (size_t i = 0; here && i < sizeof renamed / sizeof *renamed; i++) {
        size_t n = strlen(renamed[i].old);
        if (strncmp(base, renamed[i].old, n) == 0 &&
            (base[n] == '\0' || strcmp(base + n, ".yaml") == 0)) {
            snprintf(now, DATADIR_BYTE, "%.*s%s%s", (int)(base - word), word, renamed[i].name,
                     base + n);
            return now;
        }
    }
    return word;
}

void datadir_open_name(char path[DATADIR_BYTE], const char *name)
{
    static const char *const forms[] = { "%s/%s", "%s/configs/%s", "%s/configs/%s.yaml",
                                         "%s/configs/studies/%s.yaml" };
    char root[DATADIR_BYTE], now[DATADIR_BYTE];
    struct err_msg m;

    if (!exists(name) && name[0] != '/' && !datadir(root, &m))
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
            int n = snprintf(path, DATADIR_BYTE, forms[i], root, name_now(now, name));
            if (n > 0 && n < DATADIR_BYTE && exists(path))
                return;
        }
    snprintf(path, DATADIR_BYTE, "%s", name);
}

void datadir_of(char directory[DATADIR_BYTE], const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;

    if (!slash)
        strcpy(directory, ".");
    else if (n == 0)
        strcpy(directory, "/");
    else
        snprintf(directory, DATADIR_BYTE, "%.*s", (int)n, path);
}

static bool same_file(const char *a, const char *b)
{
    struct stat of_a, of_b;

    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

/* Takes "./" and "x/../" out, x being no dots. */
static void tidy(char *path)
{
    for (char *up; (up = strstr(path, "/../"));) {
        char *name = up;
        while (name > path && name[-1] != '/')
            name--;
        if (name == up || strncmp(name, "../", 3) == 0 || strncmp(name, "./", 2) == 0)
            break;
        memmove(name, up + 4, strlen(up + 4) + 1);
    }
    while (strncmp(path, "./", 2) == 0)
        memmove(path, path + 2, strlen(path + 2) + 1);
}

bool datadir_join(char path[DATADIR_BYTE], const char *directory, const char *name)
{
    char tidied[DATADIR_BYTE];
    int n = name[0] == '/' || strcmp(directory, ".") == 0
                ? snprintf(path, DATADIR_BYTE, "%s", name)
                : snprintf(path, DATADIR_BYTE, "%s/%s", directory, name);

    if (n < 0 || n >= DATADIR_BYTE)
        return false;
    strcpy(tidied, path);
    tidy(tidied);
    if (same_file(path, tidied))
        strcpy(path, tidied);
    return true;
}
