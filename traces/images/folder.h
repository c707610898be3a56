/* traces/images/folder.h -- the files of an image set that is a folder.
 *
 * They come in the order of their names, without labels. Where a folder has none itself, the
 * folders in it are classes: label 0 is the first of their names, as torchvision's ImageFolder has
 * it. Names that begin with a dot are passed over.
 */
#ifndef TRACES_IMAGES_FOLDER_H
#define TRACES_IMAGES_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct folder_file {
    char    *path; // owned
    uint32_t label;
};

struct folder {
    struct folder_file *file; // owned
    size_t              n, room;
    uint32_t            n_class; // folders of classes; 0: the files have no labels
};

/* Lists the files whose names end in one of `endings` (NULL ends them), in any case. */
enum err folder_list(struct folder *f, const char *path, const char *const *endings,
                     struct err_msg *m);

/* Adds one. */
enum err folder_add(struct folder *f, const char *path, uint32_t label, struct err_msg *m);
void     folder_release(struct folder *f); // takes a zeroed one

#endif
