/* test/tmpdir.c -- see tmpdir.h. */
#include "test/tmpdir.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

int tmpdir_make(void **state)
{
    const char *base = getenv("TMPDIR");
    char path[TMPDIR_PATH_MAX];

    snprintf(path, sizeof path, "%s/imcsim-test-XXXXXX", base ? base : "/tmp");
    *state = mkdtemp(path) ? strdup(path) : NULL;
    return *state ? 0 : -1;
}

int tmpdir_remove(void **state)
{
    char path[TMPDIR_PATH_MAX];
    DIR *d = opendir(*state);

    if (!d)
        return -1;
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove(tmpdir_path(path, *state, e->d_name));
    closedir(d);
    int status = rmdir(*state);
    free(*state);
    return status;
}

const char *tmpdir_path(char path[TMPDIR_PATH_MAX], const char *dir, const char *name)
{
    int n = snprintf(path, TMPDIR_PATH_MAX, "%s/%s", dir, name);

    assert(n > 0 && n < TMPDIR_PATH_MAX);
    return path;
}

/* A test whose files cannot be written must not go on, whatever NDEBUG says. */
static void must(int ok)
{
    if (!ok) {
        perror("test/tmpdir.c");
        abort();
    }
}

void tmpdir_write(const char *dir, const char *name, const void *bytes, size_t n)
{
    char path[TMPDIR_PATH_MAX];
    FILE *f = fopen(tmpdir_path(path, dir, name), "wb");

    must(f != NULL);
    must(fwrite(bytes, 1, n, f) == n);
    must(fclose(f) == 0);
}

void tmpdir_write_gzip(const char *dir, const char *name, const void *bytes, size_t n)
{
    char path[TMPDIR_PATH_MAX];
    gzFile f = gzopen(tmpdir_path(path, dir, name), "wb");

    must(f != NULL);
    must(n == 0 || gzwrite(f, bytes, (unsigned)n) == (int)n);
    must(gzclose(f) == Z_OK);
}
