/* study/sweep/wishes.h -- what a study wants besides points: images to run, figures to be good in.
 *
 *     images: t10k-images-idx3-ubyte.gz          or {set: FILE, count: 100, labels: FILE, ...}
 *     objective: latency_us                      or up to three: [cores, latency_us]
 *     limits: {cores: 64, top1: 0.9}             the worst that will do
 *
 * {most: FIGURE}, {least: FIGURE} and {most: NUMBER}, {least: NUMBER} say which way is good, too.
 */
#ifndef STUDY_SWEEP_WISHES_H
#define STUDY_SWEEP_WISHES_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "core/err.h"
#include "core/yaml.h"
#include "traces/images/images.h"

enum { WISHES_MOST_OBJECTIVES = 3 };

enum wish_way { WISH_AS_KNOWN, WISH_MOST, WISH_LEAST };

struct wish {
    char         *figure; // owned
    char         *place;  // owned; of it in the study, for a mistake
    double        limit;
    enum wish_way way;    // that is asked for; of a limit: how far the figure may go
};

struct wishes {
    json_t      *images; // owned: {"set": ..., "count": ...}; NULL: timing only
    size_t       n_objective, n_limit;
    struct wish *objective, *limit; // owned
};

/* Keys of a study that are read here, each with its node or NULL. Files are beside the study, or
 * seen from the current directory. On error the caller releases *w. */
struct wishes_nodes {
    const struct yaml *images, *objective, *limits;
};
enum err wishes_read(struct wishes *w, const struct wishes_nodes *nodes, const char *directory,
                     struct err_msg *m);
void wishes_release(struct wishes *w); // takes a zeroed one

/* What the JSON of images says, borrowed of it; all NULL and 0 of NULL. */
struct wanted_images {
    const char        *set;
    uint64_t           count; // 0: all
    struct images_how  how;
};
struct wanted_images wanted_images(const json_t *images);

#endif
