/* dataflow/plan/rules.h -- the rules of time, each once: how long a stage takes for given work, and
 * when the outputs of a layer fire.
 *
 * **Stages** (docs/accelerator.md, section 4):
 *
 *     memory       one clock per word written or read, read-back included, one port; none for a
 *                  map of one pixel in registers
 *     crossbar     mvm_ns per firing, or the time of its reads (dataflow/crossbar/reads.h)
 *     digital      ceil(operations / lanes), an operation being one value scaled, or one pixel of a
 *                  window compared or added
 *     links        ceil(bits * clock / rate), every stream on its own
 *
 * The plan's budgets, the mapper's options and its times, and what is drawn of a run ask the same
 * functions.
 *
 * **Firings.** A copy of a layer computes its outputs in the order of its firing policy. Output j
 * fires at
 *
 *     t(j) = t(j - 1)                               if it may join that firing and is ready by then
 *          = max(ready(j), t(j - 1) + lasts(j - 1)) otherwise; lasts: 1 but for tokens that take
 *                                                   longer (dataflow/plan/tokens.h)
 *
 * and its sum is complete when its parts are, the residual has come and those before it are:
 *
 *     s(j) = max(t(j) + chain, residual(j), s(j - 1))        if it joins
 *          = max(t(j) + chain, residual(j), s(j - 1) + 1)    otherwise: of one firing a timestep
 */
#ifndef DATAFLOW_PLAN_RULES_H
#define DATAFLOW_PLAN_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/util.h"
#include "dataflow/config.h"
#include "dataflow/crossbar/array_spec.h"
#include "dataflow/firing.h"
#include "network/network.h"
#include "noc/fabric.h"

/* ---- stages ---- */

enum stage { STAGE_MEMORY, STAGE_CROSSBAR, STAGE_DIGITAL, STAGE_LINK, STAGE_PARTIAL_SUM, N_STAGE };

const char *stage_name(enum stage s); // "memory"

/* Clocks that a stage inside a machine's core takes for so much work: words, or operations. */
uint64_t stage_clocks(const struct config *machine, enum stage s, uint64_t work);

/* The same of words of the memory of a map of so many pixels: none where registers latch it. */
uint64_t stage_memory_clocks(const struct config *machine, uint64_t map_pixels, uint64_t words);

/* The same of a product of rows inputs and as many outputs. */
uint64_t stage_array_clocks(const struct config *machine, const struct array_spec *array,
                            uint32_t rows, uint32_t outputs);

/* The same where zeros leave so many of its reads: of mvm_ns each takes an equal share. At least a
 * clock, in which it is found that nothing is to be read. */
uint64_t stage_reads_clocks(const struct config *machine, const struct array_spec *array,
                            uint32_t rows, uint64_t reads);

/* The same of bits on a route of the fabric; UINT64_MAX when they do not fit. */
uint64_t stage_link_clocks(const struct config *machine, const struct fabric *f,
                           const struct fabric_route *route, uint64_t bits);
struct fabric_machine stage_fabric(const struct config *machine); // what a fabric has to know of it

/* Operations of the digital processor for outputs of so many channels. */
uint64_t stage_digital_ops(const struct layer *l, uint64_t outputs, uint32_t channels);

/* Least whole ns, of whole clocks, that have so many clocks. */
uint64_t stage_least_ns(const struct config *machine, uint64_t clocks);

/* Least bit/s at which so many bits take at most so many clocks. */
uint64_t stage_least_bps(const struct config *machine, uint64_t bits, uint64_t clocks);

/* ---- firings ---- */

struct firing_run { // a copy's latest firing; zero before the first
    struct pixel head;
    uint32_t     n;        // outputs in it
    int64_t      timestep;
    int64_t      longer;   // further timesteps that it takes
    int64_t      summed;   // its latest output's sum is complete
};

/* The copy's next output, which is ready in timestep `ready`: joins the latest firing or makes
 * another. */
static inline void firing_run_add(struct firing_run *run, const struct firing_policy *f,
                                  const struct firing_shape *s, const struct pixel *at,
                                  int64_t ready)
{
    if (run->n > 0 && ready <= run->timestep && firing_joins(f, s, &run->head, run->n, at)) {
        run->n++;
        return;
    }
    int64_t next = run->n > 0 ? run->timestep + run->longer + 1 : ready;
    *run = (struct firing_run){
        .head = *at, .n = 1, .timestep = next > ready ? next : ready, .longer = 0,
        .summed = run->summed
    };
}

/* Its sum is complete, as far as parts and residual go, in timestep `complete`. `together`: in the
 * same timestep as that before it, whether or not they fired together. */
static inline void firing_run_sum(struct firing_run *run, int64_t complete, bool together)
{
    int64_t after = run->summed + (run->n == 1 && !together);

    run->summed = after > complete ? after : complete;
}

#endif
