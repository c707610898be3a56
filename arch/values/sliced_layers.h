/* arch/values/sliced_layers.h -- codes of arrays that are read slice by slice, as network/values
 * computes with them: sixteen images at once (arch/units/sliced_lanes.h).
 *
 * For machines with one replica of each layer, or rows that are all read together, without a column
 * of ones and with one range; the others' codes are those of a chip that values travel through
 * (array_sliced.c). Both give the same values and clip the same codes. Each copy of a layer clips
 * those of its own columns of the map.
 */
#ifndef ARCH_VALUES_SLICED_LAYERS_H
#define ARCH_VALUES_SLICED_LAYERS_H

#include "arch/core/core.h"
#include "arch/units/ranges.h"
#include "dataflow/plan/plan.h"
#include "network/values/values.h"

struct sliced_layers;

/* Whether codes of this plan can be computed layer by layer. */
bool sliced_by_layer(const struct plan *p, const struct ranges *ranges);

/* Of such a plan, borrowed; kernel_name as in core/simd.h. NULL when the host has no memory or
 * lacks the kernel. */
struct sliced_layers *sliced_layers_new(const struct plan *p, const struct ranges *ranges,
                                        const char *kernel_name);
void sliced_layers_free(struct sliced_layers *l); // takes NULL

/* For values_new_on(). Layers whose codes are their sums have none. */
const struct value_cores *sliced_layers_cores(const struct sliced_layers *l);

/* Adds what was clipped since the last time to core[plan->n_core]; of any thread. */
void sliced_layers_count(struct sliced_layers *l, struct core_counters *core);

#endif
