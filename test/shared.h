/* test/shared.h -- reference data that is not part of the project.
 *
 * A folder of trained networks with their integers and activations, IMCSIM_SHARED or else
 * ../shared/data. Tests that need it skip, saying so, where it is absent.
 */
#ifndef TEST_SHARED_H
#define TEST_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Path of a file in it; the caller frees. NULL, with a message, when the file is not there. */
char *shared_path(const char *file);

/* Arrays in a .bin with a .txt beside it that gives name, dtype, offset, count and shape. */
struct blob {
    uint8_t *data;
    size_t   size;
    char    *manifest;
};

struct blob_array {
    const uint8_t *data; // little-endian
    size_t         n, item; // values, bytes of a value
    bool           is_signed;
};

/* `stem` is the file's name without .bin. False, with a message, when it is not there. */
bool blob_open(struct blob *b, const char *stem);
void blob_close(struct blob *b);

/* Fails the test when there is no such array; blob_has asks first. */
bool blob_has(const struct blob *b, const char *name);
struct blob_array blob_find(const struct blob *b, const char *name);
int64_t blob_integer(const struct blob_array *a, size_t i);

#endif
