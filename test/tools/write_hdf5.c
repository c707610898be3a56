/* test/tools/write_hdf5.c -- writes datasets as an HDF5 file: what nir/hdf5 reads, turned
 * round. Numbers that are all whole become 64-bit integers, others doubles; text is of variable
 * length, UTF-8.
 *
 * usage: write_hdf5 FILE <STREAM     as nir/stream.h has it
 */
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "nir/file.h"

enum { MOST_BYTE = 1 << 28 };

static int is_whole(const struct nir_dataset *d)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->number[i] != floor(d->number[i]) || fabs(d->number[i]) > 1e15)
            return 0;
    return 1;
}

static hid_t type_of(const struct nir_dataset *d)
{
    hid_t type;

    if (d->number)
        return H5Tcopy(is_whole(d) ? H5T_STD_I64LE : H5T_IEEE_F64LE);
    type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

static int write_dataset(hid_t file, const struct nir_dataset *d)
{
    hid_t links = H5Pcreate(H5P_LINK_CREATE), made = H5Pcreate(H5P_DATASET_CREATE);
    hid_t type = type_of(d);
    hsize_t dim[NIR_MOST_RANK];

    for (uint32_t i = 0; i < d->n_dim; i++)
        dim[i] = d->dim[i];
    H5Pset_create_intermediate_group(links, 1);
    if (d->n_dim > 0 && d->n > 1024) { // as h5py's compression="gzip"
        H5Pset_chunk(made, (int)d->n_dim, dim);
        H5Pset_deflate(made, 9);
    }
    hid_t space = d->n_dim ? H5Screate_simple((int)d->n_dim, dim, NULL) : H5Screate(H5S_SCALAR);
    hid_t set = H5Dcreate2(file, d->path, type, space, links, made, H5P_DEFAULT);
    herr_t done = H5Dwrite(set, d->number ? H5T_NATIVE_DOUBLE : type, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                           d->number ? (const void *)d->number : (const void *)d->text);

    H5Dclose(set);
    H5Sclose(space);
    H5Tclose(type);
    H5Pclose(links);
    H5Pclose(made);
    return done < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    uint8_t *bytes = malloc(MOST_BYTE);
    struct nir_file f;
    struct err_msg m;
    int failed = 0;

    if (argc != 2 || !bytes)
        return 2;
    size_t n = fread(bytes, 1, MOST_BYTE, stdin);
    if (nir_file_parse(&f, bytes, n, &m)) {
        fprintf(stderr, "%s: %s\n", argv[0], m.text);
        return 2;
    }
    hid_t file = H5Fcreate(argv[1], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (size_t i = 0; i < f.n_dataset && !failed; i++)
        failed = write_dataset(file, &f.dataset[i]);
    failed |= H5Fclose(file) < 0;
    nir_file_release(&f);
    free(bytes);
    return failed ? 1 : 0;
}
