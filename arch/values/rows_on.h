/* arch/values/rows_on.h -- rows of cores whose digits are not 0, from maps: how many reads zeros
 * leave of a product (core.crossbar.skip_zero_rows and skip_zero_patches).
 *
 * A product reads its slices' rows in groups of rows_at_once; of those whose digit is not 0, or all
 * where any is not:
 *
 *     skip_rows      reads = sum over slices  ceil(rows that are on / rows_at_once)
 *     skip_products  reads = 0 where no row is on, else all
 *
 * Rows that are on are counted once for each pixel of a map, column by column as the map is made;
 * a product adds those of the pixels that its outputs see.
 */
#ifndef ARCH_VALUES_ROWS_ON_H
#define ARCH_VALUES_ROWS_ON_H

#include "dataflow/plan/plan.h"
#include "network/values/values.h"

struct rows_on; // of one thread

/* Images that go through together, as the values of the plan's network are computed. */
uint32_t rows_on_lanes(const struct plan *p);

/* Of so many images at a time. NULL when the host has no memory. */
struct rows_on *rows_on_new(const struct plan *p, uint32_t lanes);
void rows_on_free(struct rows_on *r); // takes NULL

/* What comes from outside the image in a step of a network of neurons: coded like a pixel of the
 * zero point (network/spiking/convert.h), nothing where it is recorded. */
int32_t rows_on_outside(const struct plan *p, uint64_t image, uint32_t step);

/* A column of what plan layer `layer` reads; of a layer without an array nothing is kept. outside:
 * of the step, where the network has neurons. Returns whether the map is complete and has reads. */
bool rows_on_see(struct rows_on *r, uint32_t layer, const struct value_map *map, uint32_t column,
                 uint32_t n_lane, int32_t outside);

/* Reads of the product of n outputs from `head` on, in the order of the core's copy, which replicas
 * of one place compute: of one step of a train. Its layer's map is complete. */
uint64_t rows_on_reads(struct rows_on *r, uint32_t core, uint32_t lane, const struct pixel *head,
                       uint32_t n);

#endif
