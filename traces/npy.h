/* traces/npy.h -- arrays of numpy: .npy files read, .npz files written.
 *
 * Read: format 1 to 3, little-endian float32, float64, integers of 8, 16, 32 or 64 bits (of
 * more than 16 signed ones), in C's order,
 * plain or gzip.
 * Written: a zip archive, not packed, of .npy members of format 1.
 */
#ifndef TRACES_NPY_H
#define TRACES_NPY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "core/infile.h"

enum { NPY_MOST_DIMS = 8, NPY_FIRST_BYTE = 0x93 };

enum npy_type {
    NPY_FLOAT32, NPY_FLOAT64, NPY_UINT8, NPY_INT8, NPY_UINT16, NPY_INT16, NPY_INT32, NPY_INT64,
    N_NPY_TYPE
};

struct npy {
    enum npy_type type;
    uint32_t      n_dim, dim[NPY_MOST_DIMS];
    size_t        n;    // product of the dims
    uint8_t      *data; // owned; little-endian
};

/* Reads type and shape of an array from f, whose data then follow; their size is not checked. */
enum err npy_read_head(struct npy *a, struct infile *f, struct err_msg *m);

const char *npy_type_name(enum npy_type t); // numpy's: "<f4"
size_t      npy_type_byte(enum npy_type t);

/* On error *a is zero. */
enum err npy_read(struct npy *a, const char *path, struct err_msg *m);
void     npy_release(struct npy *a); // takes a zeroed one
double   npy_value(const struct npy *a, size_t i);

struct npz_member {
    const char *name; // without .npy
    struct npy  array; // borrowed
};

/* ERR_INPUT: more than 2^32 - 1 bytes. Whether they arrive is the stream's to know. */
enum err npz_write(FILE *out, const struct npz_member *member, size_t n, struct err_msg *m);

#endif
