/* traces/zip.h -- the directory of a zip archive, as .npz files of numpy are.
 *
 * Members that are stored or deflated, in archives below 4 GiB. Encrypted ones, other packings, an
 * archive in several files and ZIP64 are refused by name.
 */
#ifndef TRACES_ZIP_H
#define TRACES_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/infile.h"

enum { ZIP_MOST_NAME = 256 };

struct zip_member {
    char               name[ZIP_MOST_NAME];
    struct infile_part part;
};

struct zip {
    size_t             n;
    struct zip_member *member; // owned
};

/* On error *z is zero. */
enum err zip_read(struct zip *z, const char *path, struct err_msg *m);
void     zip_release(struct zip *z); // takes a zeroed one

#endif
