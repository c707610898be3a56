/* dataflow/mapper/cores.h -- the fewest cores with which every layer makes at most so many firings.
 *
 * Layers would take their cheapest option each, but for links: an option whose pixels are too many
 * for one has need_parts, that the layers which read them are split into at least. A layer that
 * reads one other has one such condition, so that these form trees, and the fewest cores of a layer
 * of at least p parts and all that follows it are
 *
 *     f(layer, p) = min over options o with parts >= p: cores(o) + sum over readers f(r, need(o))
 *
 * from the last layer to the first. Layers with several inputs or grouped convolutions, and what
 * other streams carry (`unsure`), are left to the plan: with unsure options f is a bound, without
 * them a mapping.
 */
#ifndef DATAFLOW_MAPPER_CORES_H
#define DATAFLOW_MAPPER_CORES_H

#include "dataflow/mapper/mapper.h"

struct mapper_fewest {
    uint64_t cores;  // UINT64_MAX: there is none
    uint32_t option;
};

struct mapper_cores {
    const struct mapper    *mp;
    uint32_t               *n;     // owned; [layer]: conditions p that it can meet, from 1
    struct mapper_fewest  **least; // owned; [layer][p - 1]
};

enum cores_of { CORES_OF_ANY, CORES_OF_SURE }; // options: with unsure and refused ones, or without

enum err mapper_cores_init(struct mapper_cores *c, const struct mapper *mp, uint64_t firings,
                           enum cores_of of, struct err_msg *m);
void mapper_cores_release(struct mapper_cores *c); // takes a zeroed one

/* The layer whose pixels are all that `layer` convolves, in parts; n_layer when there is no one
 * such. */
uint32_t mapper_read_by(const struct mapper *mp, uint32_t layer);

/* Of the layers behind `layer` whose condition comes from it or a layer before, with all that
 * follows them; every condition met by 1 part. UINT64_MAX: there is none. */
uint64_t mapper_cores_after(const struct mapper_cores *c, uint32_t layer);

/* How many more these need when `layer` has this option. */
uint64_t mapper_cores_forced(const struct mapper_cores *c, uint32_t layer,
                             const struct mapper_option *o);

/* Of all layers, and the mapping; choice may be NULL. */
uint64_t mapper_cores_all(const struct mapper_cores *c, uint32_t *choice);

/* The same in one step. */
uint64_t mapper_fewest_cores(const struct mapper *mp, uint64_t firings, enum cores_of of,
                             uint32_t *choice);

/* The mapping of fewest cores in which no layer fires more than `firings` times and whose links
 * carry what it makes. False when there is none that the chip has cores for. */
bool mapper_all_cheapest(const struct mapper *mp, uint64_t firings, uint32_t *choice);

/* Index of the least interval for which the chip has cores, by the fewest cores of each layer:
 * no mapping has less, memories and links aside. n when there is none. */
uint32_t mapper_least_interval(const struct mapper *mp, const uint64_t *interval, uint32_t n);

#endif
