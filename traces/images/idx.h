/* traces/images/idx.h -- the head of an IDX file (idx.c). */
#ifndef TRACES_IMAGES_IDX_H
#define TRACES_IMAGES_IDX_H

#include <stdint.h>

#include "core/err.h"
#include "core/infile.h"

enum { IDX_MAGIC_BYTE = 4, IDX_SIZE_BYTE = 4 };

enum { IDX_LABELS = 1, IDX_IMAGES = 3 }; // dimensions

/* Reads magic number and sizes, each of which must be 1 to 2^31 - 1. */
enum err idx_read_head(struct infile *f, uint32_t n_dims, uint32_t *size, struct err_msg *m);

#endif
