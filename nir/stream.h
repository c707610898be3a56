/* nir/stream.h -- what the program that reads HDF5 files writes to its standard output.
 *
 * Blocks follow one another, each a line and, of a dataset, its values:
 *
 *     numbers RANK DIM.. PATH\n   product of the dims doubles, as the host has them
 *     text RANK DIM.. PATH\n      as many strings, a zero byte behind each
 *     other RANK DIM.. PATH\n     nothing: a dataset of another type, which nobody may need
 *     end\n                       nothing follows: the file has been read whole
 *     error TEXT\n                nothing follows: it cannot be read
 */
#ifndef NIR_STREAM_H
#define NIR_STREAM_H

enum {
    NIR_MOST_RANK = 8,
    NIR_MOST_PATH = 512,         // bytes of a dataset's path, its zero byte too
    NIR_MOST_DATASETS = 100000,
    NIR_MOST_DEPTH = 16,         // of groups
    NIR_MOST_VALUES = 1 << 28,   // of all datasets
    NIR_MOST_TEXT = 4096,        // bytes of a string
    NIR_MOST_GAIN = 1032,        // bytes of values to a byte of the file: deflate's most
    NIR_LEAST_MEMORY = 1 << 28,  // bytes, and NIR_MOST_GAIN doubles for each of the file's
    NIR_MOST_SECONDS = 5,        // of a processor, and one more for each 8 MiB of the file
};

#define NIR_PROGRAM "imcsim_hdf5" // its name

#endif
