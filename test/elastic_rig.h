/* test/elastic_rig.h -- what tests of elastic clocking do with a chip. */
#ifndef TEST_ELASTIC_RIG_H
#define TEST_ELASTIC_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/elastic/elastic.h"

/* Runs it, with cores at those places, NULL where the fabric has none; the test fails where it
 * stands still. */
void elastic_rig_run(struct elastic_result *e, const struct plan *p,
                     const struct elastic_places *at, uint64_t n_image, enum kernel_kind kernel,
                     enum kernel_mode mode);

/* Runs it, and the twin of naive_elastic.h beside it: both end, alike in all that the twin tells,
 * or both stand still; the test fails with `seed` otherwise. Whether they end: then *e is the
 * chip's. cfg->n_image is at most NAIVE_ELASTIC_IMAGES. */
bool elastic_rig_agrees(struct elastic_result *e, const struct plan *p,
                        const struct elastic_cfg_run *cfg, unsigned seed);

/* The same with arrays of the twin that take what `array` says. */
struct naive_array;
bool elastic_rig_agrees_on(struct elastic_result *e, const struct plan *p,
                           const struct elastic_cfg_run *cfg, const struct naive_array *array,
                           unsigned seed);

/* Fails where two runs of a plan differ in a clock of their images, or in what cores, streams,
 * stages or buffers did, and what they waited for. */
void elastic_rig_same(const struct elastic_result *a, const struct elastic_result *b,
                      const struct plan *p);

/* Fails where a stage's states, or its causes, are not all of the run's clocks, or a buffer was
 * full that never held all that it can. */
void elastic_rig_adds_up(const struct elastic_result *e);

#endif
