/* test/npy.h -- arrays of numpy's .npy files, version 1, as tests meet them: little-endian floats
 * or bytes. Whatever fails here fails the test. */
#ifndef TEST_NPY_H
#define TEST_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct npy {
    uint32_t n_dim, dim[8];
    size_t   n;
    double  *value; // owned
    bool     bytes; // of 8 bits
};

struct npy npy_read(const char *path);
void       npy_release(struct npy *a);

#endif
