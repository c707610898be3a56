/* arch/values/tally.h -- the value counters of cores, from maps instead of firings.
 *
 * A firing drives rows of a crossbar with pixels of the layer's input. Whatever is added up over
 * firings and rows is therefore a sum over pixels, each as often as firings drive rows with it:
 *
 *     active_rows = sum over pixels and channels  (x != 0) * driven(pixel)
 *     sum_abs_x   = sum over pixels and channels  |x| * driven(pixel)
 *     sum_abs_xw  = sum over pixels and channels  |x| * sum over the rows driven of |w|
 *     sum_digits  = sum over pixels and channels  digits of x * driven(pixel)
 *
 * Pixels that every core of the layer drives alike are of one class, and their values are added up
 * first, over all images. Padding is a class of its own, of which the value is known.
 */
#ifndef ARCH_VALUES_TALLY_H
#define ARCH_VALUES_TALLY_H

#include "arch/core/core.h"
#include "dataflow/plan/plan.h"
#include "network/values/values.h"

/* ---- which outputs fired together ---- */

struct firing_group { // replicas that multiplied together
    uint32_t x, y, n; // its first output, and how many, in the order of the firing policy
};

/* Of the layers in which outputs can fire together, image after image, as a chip fired them. */
struct firing_log;

/* From image `first` of a chip's stream on. NULL when the host has no memory. */
struct firing_log *firing_log_new(const struct plan *p, uint64_t first_image);
void firing_log_free(struct firing_log *l); // takes NULL

/* For the chip whose firings are wanted. */
const struct core_probe *firing_log_probe(const struct firing_log *l);

/* Whether outputs can fire together at all, and memory sufficed so far. */
bool firing_log_needed(const struct plan *p);
bool firing_log_complete(const struct firing_log *l);

/* Whether two images were fired alike. Images that have not fired are alike. */
bool firing_log_same(const struct firing_log *l, uint64_t image_a, uint64_t image_b);

/* ---- sums ---- */

/* Classes of pixels of every layer, for images that are fired as `image` of the log was, which is
 * borrowed. */
struct tally_plan;
struct tally_plan *tally_plan_new(const struct plan *p, const struct firing_log *l, uint64_t image);
void tally_plan_free(struct tally_plan *t); // takes NULL

/* Sums of one thread. NULL when the host has no memory. */
struct tally;
struct tally *tally_new(const struct tally_plan *t, const struct values *v);
void tally_free(struct tally *t); // takes NULL

/* Sees the maps of the images to be counted. */
const struct value_watch *tally_watch(const struct tally *t);

/* Adds what was seen to the value counters of core[plan->n_core]. Once. */
bool tally_count(struct tally *t, struct core_counters *core);

#endif
