/* study/read_counts.h -- values first, time second: how many reads zeros leave of each product of a
 * chip under elastic clocking.
 *
 * As an array begins with an image that is not known yet, the next images' values are computed
 * layer by layer, some at once (of images that come one by one, one), and what their zeros leave is
 * counted of every product that there can be (arch/values/rows_on.h). An image's counts are kept
 * until every array has begun with the next one: memory follows the images in the chip, not those
 * of the run.
 */
#ifndef STUDY_READ_COUNTS_H
#define STUDY_READ_COUNTS_H

#include "arch/elastic/elastic.h"
#include "arch/units/ranges.h"
#include "core/err.h"

struct read_counts;

struct read_counts_cfg {
    const struct plan   *plan;
    uint64_t             n_image;
    uint32_t             at_once;     // images that are asked for at a time; 0: as many as lanes
    const char          *kernel_name; // NULL: the fastest
    const struct ranges *ranges;      // of calibrated converters; NULL: none

    /* Where images come from, as the network has them signed: from the first on, once more; and the
     * next. */
    enum err (*again)(void *user, struct err_msg *m);
    enum err (*next)(void *user, uint8_t *image, struct err_msg *m);
    void *user;
};

/* Of a plan whose values can be computed layer by layer. NULL when the host has no memory. */
struct read_counts *read_counts_new(const struct read_counts_cfg *cfg);
void read_counts_free(struct read_counts *c); // takes NULL

/* For elastic_cfg_run; as long as it lives. */
const struct elastic_reads *read_counts_reads(const struct read_counts *c);

/* The most images, of networks of neurons steps, that were kept at once. */
uint64_t read_counts_most(const struct read_counts *c);

#endif
