/* study/outputs_file.h -- the outputs of a model's file, written as they come.
 *
 * FILE.npz has each output by its name, FILE.npy the only one; images lie along the first
 * dimension. The file is there whole or not at all (core/outfile.h). What an archive will have is
 * put aside in temporary files until all of it is there.
 */
#ifndef STUDY_OUTPUTS_FILE_H
#define STUDY_OUTPUTS_FILE_H

#include "study/outputs.h"

struct outputs_file;

/* o is borrowed. ERR_INPUT: a .npy file of several outputs. On success the caller owns *f and hands
 * it to outputs_file_commit() or outputs_file_discard(). */
enum err outputs_file_open(struct outputs_file **f, const struct outputs *o, const char *path,
                           struct err_msg *m);

/* The latest run's; n_image: how many images there are in all runs. */
enum err outputs_file_add(struct outputs_file *f, uint64_t n_image, struct err_msg *m);

/* All images are there. Frees f, whatever it returns. */
enum err outputs_file_commit(struct outputs_file *f, struct err_msg *m);
void outputs_file_discard(struct outputs_file *f); // takes NULL

#endif
