/* test/tmpdir.h -- a directory for the files of one test. */
#ifndef TEST_TMPDIR_H
#define TEST_TMPDIR_H

#include <stddef.h>

/* As cmocka's setup and teardown: *state becomes the path of a new directory; the directory goes
 * with all files in it (it has no directories but empty ones). */
int tmpdir_make(void **state);
int tmpdir_remove(void **state);

/* "dir/name", in a buffer of the caller's. */
#define TMPDIR_PATH_MAX 512
const char *tmpdir_path(char path[TMPDIR_PATH_MAX], const char *dir, const char *name);

/* Writes dir/name anew, plain or as one gzip member. */
void tmpdir_write(const char *dir, const char *name, const void *bytes, size_t n);
void tmpdir_write_gzip(const char *dir, const char *name, const void *bytes, size_t n);

#endif
