/* arch/reckon.h -- what a chip counts in a timing run, reckoned from its plan.
 *
 * A timing run asks two things of a chip: when, and how much. When is the plan's timetable, which
 * says of every output of every layer the timestep in which it fires. How much follows from what
 * each core is given, reads and hands on for an image, whenever that is; only which outputs share a
 * firing depends on their times. So nothing needs to be stepped: counters are sums over images,
 * strips of outputs that are alike, and pixels that come alike.
 *
 * A chip that is stepped (arch/chip.h) counts the same to the last word and bit; it proves that the
 * timetable can be kept, and knows when everything else happens.
 */
#ifndef ARCH_RECKON_H
#define ARCH_RECKON_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/core/core.h"
#include "dataflow/plan/plan.h"

/* Adds what cores and streams count in n_image images, the first of which is the chip's first:
 * core[plan->n_core], stream_bits[plan->n_stream]. Counters of values stay as they are. Under
 * elastic clocking groups are whole, whatever the time, and words read of groups that go on from
 * image to image are left to the chip, which counts them. False when the host has no memory. */
bool reckon_images(const struct plan *p, uint64_t n_image, struct core_counters *core,
                   uint64_t *stream_bits);

/* Bits that a stream carries for an image. */
uint64_t reckon_stream_bits(const struct plan *p, const struct plan_stream *st);

#endif
