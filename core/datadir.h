/* core/datadir.h -- where the files that come with imcsim are, whatever the working directory.
 *
 * Machines, nodes, devices, chips and models keep the places that they have in the source tree
 * (configs/tech/14nm.yaml, models/resnet32_fmnist.onnx) below one directory:
 *
 *     $IMCSIM_DATA            where the environment says so
 *     PREFIX/share/imcsim     of an installed program or library
 *     the source tree         of one that was built there
 */
#ifndef CORE_DATADIR_H
#define CORE_DATADIR_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

enum { DATADIR_BYTE = 1024 };

/* ERR_INPUT when $IMCSIM_DATA has no configs/, or there is no directory at all. */
enum err datadir(char path[DATADIR_BYTE], struct err_msg *m);

/* The directory of the programs that imcsim starts: PREFIX/lib/imcsim, or where it was built. */
const char *datadir_programs(void);

/* Whether a word names a file by its path: it holds a slash or ends in ".yaml". */
bool datadir_is_path(const char *word);

/* The file that a word of a configuration or an option means: itself if it is a path, else
 * configs/FOLDER/WORD.yaml of the directory. ERR_INPUT lists the words that there are; the caller
 * puts the place before it. */
enum err datadir_find(char path[DATADIR_BYTE], const char *folder, const char *word,
                      struct err_msg *m);

/* A file that somebody named: `name` itself where that exists; else the file of the directory that
 * is called so, "configs/resnet32.yaml", or in configs/ or configs/studies/ and without .yaml,
 * "resnet32"; else `name` again. A machine that has another name now is found by its old one. Never
 * fails. */
void datadir_open_name(char path[DATADIR_BYTE], const char *name);

/* The directory and file name of a path: "configs" of "configs/resnet32.yaml", "." of "a.yaml". */
void datadir_of(char directory[DATADIR_BYTE], const char *path);

/* `name` as seen from `directory`; an absolute one is itself. "x/.." is taken out where that is the
 * same file, so that "configs" and "../models/a.onnx" are "models/a.onnx". False when it is too
 * long. */
bool datadir_join(char path[DATADIR_BYTE], const char *directory, const char *name);

#endif
