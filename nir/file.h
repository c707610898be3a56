/* nir/file.h -- the datasets of an HDF5 file.
 *
 * A program apart reads them (nir/hdf5/), so that a fault in the library that a broken file
 * brings about is an error like any other.
 */
#ifndef NIR_FILE_H
#define NIR_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "nir/stream.h"

struct nir_dataset {
    char    *path;    // owned; "/node/nodes/0/weight"
    uint32_t n_dim;
    uint64_t dim[NIR_MOST_RANK];
    size_t   n;       // product of the dims; 1 without any
    double  *number;  // owned; or NULL
    char   **text;    // owned, each of its n strings too; or NULL. Neither: of a type not read
};

struct nir_file {
    struct nir_dataset *dataset; // owned; by path
    size_t              n_dataset;
};

/* ERR_INPUT: not there, no HDF5, broken, or larger than nir/stream.h allows; ERR_RUN: the
 * program that reads it is not there. On error *f is zero. Messages begin with the path. */
enum err nir_file_read(struct nir_file *f, const char *path, struct err_msg *m);

/* The same of what that program has written: n bytes. */
enum err nir_file_parse(struct nir_file *f, const uint8_t *bytes, size_t n, struct err_msg *m);
void     nir_file_release(struct nir_file *f); // takes a zeroed one

/* The dataset whose path is that of two parts joined, "/node/nodes/0" and "weight"; NULL: there is
 * none. */
const struct nir_dataset *nir_file_find(const struct nir_file *f, const char *group,
                                        const char *name);

#endif
