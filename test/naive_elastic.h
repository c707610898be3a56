/* test/naive_elastic.h -- elastic clocking without cleverness: every core, in every clock.
 *
 * A second implementation of docs/elastic.md, written from its rules and sharing no code with
 * arch/elastic: pixels are followed one by one with the clock in which each came, was stored, was
 * freed; whether a patch is there, a place free or a residual come is looked up by pixel. Words of
 * reads and writes are those of memory/, as the machine's are; results have the form of its.
 */
#ifndef TEST_NAIVE_ELASTIC_H
#define TEST_NAIVE_ELASTIC_H

#include <stdint.h>

#include "arch/elastic/elastic.h"

enum { NAIVE_ELASTIC_IMAGES = 4 };

/* What a core's array takes for the outputs of a firing, where that is not all reads' time. */
struct naive_array {
    uint64_t (*clocks)(void *user, uint32_t core, const struct pixel *output, uint32_t n);
    void *user;
};

/* Clocks in which the results of n_image images are there, which come when there_clk says, or are
 * there from the beginning (NULL); false when nothing moves any more, as is taken for granted after
 * so many clocks without a change. array: NULL, all reads. */
bool naive_elastic_run(const struct plan *p, const struct elastic_cfg *e, uint32_t n_image,
                       const uint64_t *there_clk, uint64_t patience,
                       const struct naive_array *array, uint64_t *result_clk);

/* The same for cfg's images and places, with all that a result tells but what stages waited for,
 * counts of products and wires: stages and buffers in any order, of links without their cores, of
 * buffers of pixels read back one for each of their streams. On a fabric of routers tokens are
 * packets, and routers are stepped in every clock, too (naive_router.h). The caller releases *r,
 * which is zero where it is false. */
bool naive_elastic_tell(const struct plan *p, const struct elastic_cfg_run *cfg, uint64_t patience,
                        const struct naive_array *array, struct elastic_result *r);

#endif
