/* dataflow/mapper/mapper.h -- chooses replicas, block width and copies of every layer.
 *
 * An *option* of a layer is one way to map it that a core's budgets allow by themselves: n replicas
 * in blocks of some width, and c copies; its splits, cores and firings follow (dataflow/mapping.h,
 * dataflow/firing.h). A *mapping* takes one option for every layer. Cores add up over layers and
 * are at most chip.cores. What is looked for (mapping.optimize):
 *
 *     interval   least interval, then fewest cores
 *     latency    least first_result, then interval, then cores
 *     balanced   least interval * first_result, then first_result, then cores
 *     edp        least energy of an image * first_result (where energy is priced), likewise
 *
 * or a rule of the field is followed instead (mapping.policy; each one file, one row of
 * mapper_policies[]).
 *
 * **Interval.** It is the maximum over layers of an option's firings. The fewest cores with which
 * no layer needs more than I timesteps (dataflow/mapper/cores.h) do not grow with I, and the least
 * I is the firings of some option: a binary search over those finds the least that the chip has
 * cores for.
 *
 * **Latency** comes from the times of the first image, layer by layer (dataflow/mapper/times.h).
 * They are monotone: no output comes later when its inputs come earlier. dataflow/mapper/search.h
 * makes use of that twice, for a mapping and for a bound that no mapping can beat.
 *
 * **Memories.** What memories need, in columns and in clocks of their port, is known when all
 * layers are timed. It is no part of the bounds, which therefore hold with it; but for the layers
 * that read the image, which are timed without the others. A mapping whose plan
 * does not fit is not taken: the option of the layer that did not, in all layers of its shape, is
 * set aside, and the choice made again.
 *
 * **Small networks.** Where there is time for it every mapping is looked at, in the end
 * (dataflow/mapper/complete.h); then the choice is the best that has a plan, memories and all.
 */
#ifndef DATAFLOW_MAPPER_MAPPER_H
#define DATAFLOW_MAPPER_MAPPER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "dataflow/config.h"
#include "dataflow/plan/plan.h"
#include "network/network.h"

struct mapper_option {
    struct replicas             replicas;
    const struct firing_policy *firing;
    uint32_t                    parts, splits, copies;
    bool                        inside;  // parts begin and end inside channels
    uint32_t                    cores;   // parts * splits * copies
    uint64_t                    firings; // of the busiest copy, for an image
    uint64_t                    least_interval; // with which its copies fire so often and their
                                                // memories write and read an image's words
    uint32_t                    memory_columns; // that the SRAM has room for
    uint32_t                    pixel_words; // of a pixel in the SRAM; 0: pixels share words
    uint32_t                    dominator; // option that is never later and takes no more cores;
                                           // itself if none is
    uint32_t                    need_parts; // of a layer that reads its pixels, for its links
    bool                        unsure;    // pixels to or from other memories may be too many for
                                           // links, unless the layers there are split
    bool                        doubtful;  // a full firing is too much for a budget
    bool                        refused;   // the plan of a mapping did not fit for its sake
};

struct mapper_layer {
    struct mapper_option *option; // owned; by cores, then firings
    uint32_t              n_option;
    uint32_t              least; // fewest cores of any option
    uint32_t              most_need; // largest need_parts of any option
};

/* What an image costs, and at least costs, when it has the chip to itself. */
struct mapper_prices {
    /* Energy of an image on the chip of a plan. */
    enum err (*image_pj)(void *user, const struct plan *p, uint64_t *pj, struct err_msg *m);
    void  *user;

    /* It is at least the sum of these, less rounding_pj for each core. */
    double core_timestep_pj; // of a core that holds a layer, until the result is there
    double firing_pj;        // more, of each part and split that fires
    double output_pj;        // of a channel of an output
    double mac_pj;           // of a weight times an input
    double rounding_pj;
};

struct mapper {
    const struct network *network; // borrowed
    const struct config  *config;  // borrowed; its mapping tables are empty
    struct plan           plan;    // layers with their feeds and residuals, not mapped
    const struct fabric  *fabric;
    struct fabric_route   pixels, sums; // between neighbours; a plan's own ways may be longer
    struct mapper_layer  *layer;   // owned; of plan layers
    uint32_t              n_layer;
    uint32_t              least_cores; // of any mapping
    bool                  small;       // doubtful options are listed, too
    const struct mapper_prices *prices; // borrowed; NULL: energy has none
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

/* The layer's cheapest option of at most so many firings whose links carry a full firing whatever
 * the options of other layers are; n_option when there is none. */
uint32_t mapper_cheapest(const struct mapper *mp, uint32_t layer, uint64_t firings);

/* ---- rules of the field ---- */

struct mapper_policy {
    const char *name;
    const char *doc;

    /* Writes a mapping; false when the rule's does not fit the machine. */
    bool (*choose)(const struct mapper *mp, uint32_t *choice);
};

/* A new policy is its file and a row here. */
#define MAPPER_POLICIES(X) X(map_none) X(map_stride) X(map_greedy) X(map_article)
#define MAPPER_POLICY(name) extern const struct mapper_policy name;
MAPPER_POLICIES(MAPPER_POLICY)
#undef MAPPER_POLICY
extern const struct mapper_policy *const mapper_policies[]; // ends with NULL
const struct mapper_policy *mapper_policy_find(const char *name); // NULL when unknown

/* ---- questions ---- */

/* Every interval that an option has, ascending: owned by the caller. */
enum err mapper_intervals(const struct mapper *mp, uint64_t **interval, uint32_t *n,
                          struct err_msg *m);

/* The least interval at which the memories of every layer have time for an image's words. */
uint64_t mapper_least_of_memories(const struct mapper *mp);

/* No image costs less than this on a mapping, or any, of so many cores that has its result after
 * first_result timesteps; 0 without prices. */
double mapper_least_pj(const struct mapper *mp, double options_pj, uint32_t cores,
                       uint64_t first_result);
double mapper_option_pj(const struct mapper *mp, uint32_t layer, const struct mapper_option *o);
double mapper_least_option_pj(const struct mapper *mp, uint32_t layer); // of any option

/* Writes the mapping into a configuration as replicas, copies and block widths by layer, in place
 * of optimize and policy: reading that configuration again gives the same plan. */
enum err mapper_write(const struct mapper *mp, const uint32_t *choice, struct config *config,
                      struct err_msg *m);

/* A mapping with its plan; must not move, the plan points into it. */
struct mapper_planned {
    struct config config;
    struct plan   plan;
};

/* To be released in any case: on error it keeps what has been planned, to see what did not fit. */
enum err mapper_plan(const struct mapper *mp, const uint32_t *choice,
                     struct mapper_planned *planned, struct err_msg *m);
void mapper_planned_release(struct mapper_planned *planned);

/* Whether a layer that reads the image can do so with images so far apart: what happens there
 * depends on no other layer. False is certain; of other layers nothing is known. */
bool mapper_alone_fits(const struct mapper *mp, uint32_t layer, const struct mapper_option *o,
                       uint64_t interval);

bool mapper_fits(const struct mapper *mp, const uint32_t *choice); // whether it has a plan

/* ---- the choice ---- */

/* `value` is what is optimised; no mapping has less than `bound`. They are equal when the choice is
 * proven best. */
struct mapper_result {
    enum optimize               optimize;
    const struct mapper_policy *policy; // NULL when optimised
    uint32_t                   *choice; // owned; [n_layer]
    uint32_t                    cores;
    uint64_t                    interval, first_result;
    uint64_t                    energy_pj;    // of an image; 0 unless optimised
    uint64_t                    value, bound; // timesteps, their product, or pJ times timesteps
};

/* Optimises, or follows the policy. ERR_INPUT when the objective cannot be had, or the policy's
 * mapping does not fit. On error *r is zero. */
enum err mapper_choose(const struct mapper *mp, struct mapper_result *r, struct err_msg *m);
void mapper_result_release(struct mapper_result *r); // takes a zeroed one

/* ---- what a user gets ---- */

/* What bounds a mapping next: the least interval if the chip had twice of one resource, memories
 * aside. With `memory` it had enough for the mapping that is best without them. */
enum resource { RESOURCE_CORES, RESOURCE_ROWS, RESOURCE_LINKS, RESOURCE_DIGITAL, RESOURCE_MEMORY,
                N_RESOURCE };
const char *resource_name(enum resource r); // "cores"

struct mapping_report {
    enum optimize optimize;
    char          policy[32];         // "none" when optimised
    uint64_t      energy_pj, value, bound; // as in struct mapper_result
    uint64_t      interval;           // of the mapping
    uint64_t      least_interval;     // of any, memories and links of split layers aside
    uint64_t      relief[N_RESOURCE]; // the same with twice the resource
};

/* What keeps the interval from being less: memories, where they are why it is not the least, else
 * the resource of which twice as much would help most; N_RESOURCE when none helps. */
enum resource mapping_bounded_by(const struct mapping_report *r);

/* Whether the configuration leaves the mapping to the mapper. */
bool mapping_is_chosen(const struct config *config);

/* Chooses, and writes the mapping into the configuration. prices may be NULL. */
enum err mapping_resolve(struct config *config, const struct network *network,
                         const struct mapper_prices *prices, struct mapping_report *r,
                         struct err_msg *m);

/* The front of cores against interval, latency and, where it is priced, energy; each mapping with a
 * plan of its own. */
struct pareto_point {
    uint32_t cores;
    uint64_t interval, first_result; // the least of mappings with at most so many cores
    uint64_t bound;                  // no such mapping has a lower first_result
    uint64_t energy_pj; // the least found, of an image by itself; 0 without prices
};
struct pareto {
    struct pareto_point *point; // owned; by cores
    uint32_t             n_point;
};
enum err mapping_pareto(const struct config *config, const struct network *network,
                        const struct mapper_prices *prices, struct pareto *p, struct err_msg *m);
void pareto_release(struct pareto *p); // takes a zeroed one

#endif
