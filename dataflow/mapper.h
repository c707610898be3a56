/* dataflow/mapper.h -- chooses replicas, block width and copies of every layer.
 *
 * An *option* of a layer is one way to map it that a core's budgets allow by themselves: n replicas
 * in blocks of some width, and c copies; its splits, cores and firings follow (dataflow/mapping.h,
 * dataflow/firing.h). A *mapping* takes one option for every layer. Cores add up over layers and
 * are at most chip.cores. What is looked for (mapping.optimize):
 *
 *     interval   least interval, then fewest cores
 *     latency    least first_result, then interval, then cores
 *     balanced   least interval * first_result, then first_result, then cores
 *
 * or a rule of the field is followed instead (mapping.policy; each one file, one row of
 * mapper_policies[]).
 *
 * **Interval, exactly.** It is the maximum over layers of an option's firings, so that at interval
 * I each layer does best by itself with its cheapest option of at most I firings, and I can be had
 * if and only if the sum of these is within the budget. That sum does not grow with I, and the
 * least I is the firings of some option: a binary search over those finds it, and is its proof.
 *
 * **Latency** comes from the times of the first image, layer by layer (dataflow/mapper_times.h).
 * They are monotone: no output comes later when its inputs come earlier. dataflow/mapper_search.h
 * makes use of that twice, for a mapping and for a bound that no mapping can beat.
 *
 * **Memories.** What memories need, in columns and in clocks of their port, is known when all
 * layers are timed. It is no part of the bounds, which therefore hold with it. A mapping whose plan
 * does not fit is not taken: the option of the layer that did not, in all layers of its shape, is
 * set aside, and the choice made again.
 */
#ifndef DATAFLOW_MAPPER_H
#define DATAFLOW_MAPPER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "dataflow/config.h"
#include "dataflow/network.h"
#include "dataflow/plan.h"

struct mapper_option {
    struct replicas             replicas;
    const struct firing_policy *firing;
    uint32_t                    parts, groups, copies;
    uint32_t                    cores;   // parts * groups * copies
    uint64_t                    firings; // of the busiest copy, for an image
    uint32_t                    memory_columns; // that the SRAM has room for
    uint32_t                    pixel_words; // of a pixel in the SRAM; 0: pixels share words
    bool                        dominated; // another one is never later and takes no more cores
    bool                        refused;   // the plan of a mapping did not fit for its sake
};

struct mapper_layer {
    struct mapper_option *option; // owned; by cores, then firings
    uint32_t              n_option;
    uint32_t              least; // fewest cores of any option
};

struct mapper {
    const struct network *network; // borrowed
    const struct config  *config;  // borrowed; its mapping tables are empty
    struct plan           plan;    // layers with their feeds and residuals, not mapped
    struct mapper_layer  *layer;   // owned; of plan layers
    uint32_t              n_layer;
    uint32_t              least_cores; // of any mapping
};

/* The options of every layer. ERR_INPUT when a layer has none, or all together do not fit
 * chip.cores: names the resource, what is short and the least that would do. On error *mp is
 * zero. */
enum err mapper_init(struct mapper *mp, const struct network *network, const struct config *config,
                     struct err_msg *m);
void mapper_release(struct mapper *mp); // takes a zeroed one

static inline struct firing_shape mapper_firing_shape(const struct layer *l,
                                                      const struct mapper_option *o)
{
    return (struct firing_shape){ .height = l->out.height, .width = l->out.width,
                                  .n = o->replicas.n, .block_w = o->replicas.width,
                                  .block_h = o->replicas.height, .copies = o->copies };
}

/* A mapping is an array of n_layer indices of options. */
uint32_t mapper_cores(const struct mapper *mp, const uint32_t *choice);
uint64_t mapper_interval(const struct mapper *mp, const uint32_t *choice);

/* The layer's option with that many replicas along a column and copies; n_option when there is
 * none. */
uint32_t mapper_find(const struct mapper *mp, uint32_t layer, uint32_t replicas, uint32_t copies);

/* The layer's cheapest option of at most so many firings; n_option when there is none. */
uint32_t mapper_cheapest(const struct mapper *mp, uint32_t layer, uint64_t firings);

/* Of every layer the cheapest of at most `firings`. False when a layer has none, or when they take
 * more cores than the chip has. */
bool mapper_all_cheapest(const struct mapper *mp, uint64_t firings, uint32_t *choice);

/* ---- rules of the field ---- */

struct mapper_policy {
    const char *name;
    const char *doc;

    /* Writes a mapping; false when the rule's does not fit the machine. */
    bool (*choose)(const struct mapper *mp, uint32_t *choice);
};

extern const struct mapper_policy map_none, map_stride, map_greedy, map_article;
extern const struct mapper_policy *const mapper_policies[]; // ends with NULL
const struct mapper_policy *mapper_policy_find(const char *name); // NULL when unknown

/* ---- the choice ---- */

/* Least interval * first_result, or what else is optimised, is `value`; no mapping has less than
 * `bound`. They are equal when the choice is proven best. */
struct mapper_result {
    enum optimize               optimize;
    const struct mapper_policy *policy; // NULL when optimised
    uint32_t                   *choice; // owned; [n_layer]
    uint32_t                    cores;
    uint64_t                    interval, first_result;
    uint64_t                    value, bound; // of what is optimised
};

/* Optimises, or follows the policy. ERR_INPUT when the objective cannot be had, or the policy's
 * mapping does not fit. On error *r is zero. */
/* Whether a mapping has a plan: its memories fit too. When they do not, and `refused` is not NULL,
 * it becomes true, and the option of the layer that does not fit is set aside. */
bool mapper_fits(const struct mapper *mp, const uint32_t *choice, bool *refused);

/* Every interval that an option has, ascending: owned by the caller. */
enum err mapper_intervals(const struct mapper *mp, uint64_t **interval, uint32_t *n,
                          struct err_msg *m);

/* Index of the least interval that fits the chip, memories aside; choice[] is room to work. */
uint32_t mapper_least_interval(const struct mapper *mp, const uint64_t *interval, uint32_t n,
                               uint32_t *choice);

enum err mapper_choose(const struct mapper *mp, struct mapper_result *r, struct err_msg *m);
void mapper_result_release(struct mapper_result *r); // takes a zeroed one

/* Writes the mapping into a configuration as replicas, copies and block widths by layer, in place
 * of optimize and policy: reading that configuration again gives the same plan. */
enum err mapper_write(const struct mapper *mp, const uint32_t *choice, struct config *config,
                      struct err_msg *m);

/* ---- what a user gets ---- */

/* What bounds a mapping next: the least interval if the chip had twice of one resource, memories
 * aside. With `memory` it had enough for the mapping that is best without them. */
enum resource { RESOURCE_CORES, RESOURCE_ROWS, RESOURCE_LINKS, RESOURCE_DIGITAL, RESOURCE_MEMORY,
                N_RESOURCE };
const char *resource_name(enum resource r); // "cores"

struct mapping_report {
    enum optimize optimize;
    char          policy[32];         // "none" when optimised
    uint64_t      value, bound;       // as in struct mapper_result
    uint64_t      relief[N_RESOURCE]; // intervals
};

/* Whether the configuration leaves the mapping to the mapper. */
bool mapping_is_chosen(const struct config *config);

/* Chooses, and writes the mapping into the configuration. */
enum err mapping_resolve(struct config *config, const struct network *network,
                         struct mapping_report *r, struct err_msg *m);

/* The front of cores against interval and against latency; each mapping with a plan of its own. */
struct pareto_point {
    uint32_t cores;
    uint64_t interval, first_result; // the least of mappings with at most so many cores
    uint64_t bound;                  // no such mapping has a lower first_result
};
struct pareto {
    struct pareto_point *point; // owned; by cores
    uint32_t             n_point;
};
enum err mapping_pareto(const struct config *config, const struct network *network,
                        struct pareto *p, struct err_msg *m);
void pareto_release(struct pareto *p); // takes a zeroed one

#endif
