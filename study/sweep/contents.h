/* study/sweep/contents.h -- what the files hold that points name by a path: a point whose network,
 * costs or images were changed is another point.
 */
#ifndef STUDY_SWEEP_CONTENTS_H
#define STUDY_SWEEP_CONTENTS_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "core/err.h"
#include "dataflow/config.h"
#include "study/sweep/store.h"

struct content {
    char    *path; // owned
    uint64_t hash; // 64-bit FNV-1a of its bytes
};

struct contents { // zeroed: of none. A file is read once, when it is first named
    struct content *item; // owned
    size_t          n;
};

/* Adds to the name of a point what each file holds that its configuration, or `images` (wishes.h,
 * or NULL), names; what is no file that can be read adds nothing. */
enum err contents_add(struct contents *all, struct store_id *id, const struct config *c,
                      const json_t *images, struct err_msg *m);
void contents_release(struct contents *all);

#endif
