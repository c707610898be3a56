/* traces/npy.h -- arrays of numpy: .npy files read, .npy and .npz files written.
 *
 * Read: format 1 to 3, float16, float32, float64, integers of 8, 16, 32 or 64 bits (of more than 16
 * signed ones) of either order of bytes, in C's order, plain or gzip.
 * Written: format 1, or a zip archive, not packed, of such members.
 */
#ifndef TRACES_NPY_H
#define TRACES_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "core/infile.h"

enum { NPY_MOST_DIMS = 8, NPY_FIRST_BYTE = 0x93 };

enum npy_type {
    NPY_FLOAT16, NPY_FLOAT32, NPY_FLOAT64, NPY_UINT8, NPY_INT8, NPY_UINT16, NPY_INT16, NPY_INT32,
    NPY_INT64, N_NPY_TYPE
};

struct npy {
    enum npy_type type;
    bool          big_endian; // values of several bytes have the highest first; when read
    uint32_t      n_dim, dim[NPY_MOST_DIMS];
    size_t        n;    // product of the dims
    uint8_t      *data; // owned; as the file has them
};

/* Reads type and shape of an array from f, whose data then follow; their size is not checked. */
enum err npy_read_head(struct npy *a, struct infile *f, struct err_msg *m);

const char *npy_type_name(enum npy_type t); // numpy's: "<f4"
bool        npy_is_real(enum npy_type t);
size_t      npy_type_byte(enum npy_type t);

/* On error *a is zero. */
enum err npy_read(struct npy *a, const char *path, struct err_msg *m);
void     npy_release(struct npy *a); // takes a zeroed one
double   npy_value(const struct npy *a, size_t i);
int64_t  npy_whole(const struct npy *a, size_t i); // exact; of an array that is not real

/* Whether the array is a whole number of items of n values: its last dimensions have as many
 * together, those before count the items. One dimension alone may hold them one after another. */
bool npy_has_items(const struct npy *a, size_t n);

/* What stands before the data of a .npy file. Whether it arrives is the stream's to know, as all
 * that is written. */
void npy_write_head(FILE *out, const struct npy *a);

struct npz_member {
    const char *name;  // without .npy
    struct npy  array; // without data
    FILE       *data;  // borrowed: they, from its beginning on
};

/* Whether an archive can hold these. ERR_INPUT: more than 2^32 - 1 bytes. */
enum err npz_check(const struct npz_member *member, size_t n, struct err_msg *m);

/* Members that can be held. ERR_OUTPUT: their data cannot be read. */
enum err npz_write(FILE *out, const struct npz_member *member, size_t n, struct err_msg *m);

#endif
