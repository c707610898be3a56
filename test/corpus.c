/* test/corpus.c -- see corpus.h. */
#include "test/corpus.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void replay_file(const char *path, size_t n,
                        int (*target)(const uint8_t *bytes, size_t n))
{
    uint8_t *bytes = malloc(n ? n : 1); // exact, so that a read past its end is seen
    FILE *f = fopen(path, "rb");

    if (!bytes || !f || fread(bytes, 1, n, f) != n) {
        perror(path);
        abort();
    }
    fclose(f);
    target(bytes, n);
    free(bytes);
}

size_t corpus_replay(const char *dir, int (*target)(const uint8_t *bytes, size_t n))
{
    size_t n_files = 0;
    DIR *d = opendir(dir);

    for (struct dirent *e; d && (e = readdir(d));) {
        char path[1024];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            replay_file(path, (size_t)st.st_size, target);
            n_files++;
        }
    }
    if (d)
        closedir(d);
    return n_files;
}
