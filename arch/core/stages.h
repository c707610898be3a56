/* arch/core/stages.h -- the stages of a core: what it does in a step, one row each.
 *
 *     store      pixels that have come go to the memory or wait as residuals    store.c
 *     multiply   the array, if the next outputs can be computed                 multiply.c, fire.h
 *     look_up    what a digital layer does instead                              look_up.c, fire.h
 *     gather     and one of tokens                                              gather.c
 *     read_back  residual and resampling pixels that are due                    read_back.c
 *     add_sums   sums of the part before are added                              add_sums.c
 *     hand_on    complete sums go on, to the next part or as results            hand_on.c
 *
 * A kind of core is a list of stages; a step acts them in that order, so that none changes what an
 * earlier one has to do next. No stage calls another, nor the core that runs them: what one leaves
 * for the next stands in struct imc_core.
 */
#ifndef ARCH_CORE_STAGES_H
#define ARCH_CORE_STAGES_H

#include "arch/core/imc_core.h"

struct core_now {
    uint64_t cyc, timestep;
    bool     between; // timesteps: only sums move
};

struct core_stage {
    const char *name;

    /* Whether a core has anything to do with the stage; it is left out otherwise. NULL: always. */
    bool (*needed)(const struct imc_core *c);

    /* Does what there is to do now. Returns the next timestep, later than the present one, in which
     * the stage has work that no channel announces; CYC_NEVER when there is none. */
    uint64_t (*act)(struct imc_core *c, const struct core_now *now);

    /* Part of the line that says what the core waits for. NULL: nothing to say. */
    void (*describe)(const struct imc_core *c, FILE *out);
};

extern const struct core_stage stage_store, stage_multiply, stage_look_up, stage_gather,
    stage_read_back, stage_add_sums, stage_hand_on;

#endif
