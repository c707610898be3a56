/* study/relative_price.h -- what attention's multiply-adds of a run take where the technology is
 * one of ratios (arch/cost/relative.h): in those of bfloat16, not in joules.
 *
 *     energy of a layer = (qk_macs + pv_macs of an image) / ratio      area = lanes / ratio
 *
 * Nothing else has a price there. */
#ifndef STUDY_RELATIVE_PRICE_H
#define STUDY_RELATIVE_PRICE_H

#include "arch/cost/relative.h"
#include "study/run.h"
#include "study/study.h"

struct relative_row { // of a layer of attention, or of all
    uint32_t layer;   // of the plan; of all: n_layer
    uint64_t macs;    // of an image
    uint64_t lanes;   // of all its cores
};

struct relative_price {
    struct relative      ratio;
    uint32_t             bits;
    struct relative_row *row; // owned; [n_row]
    uint32_t             n_row;
    struct relative_row  all;
};

/* Whether energy.technology is one of ratios. */
bool relative_price_wanted(const struct config *c);

/* ERR_INPUT: no attention, floats, or a width without a ratio. On error *r is zero. */
enum err relative_price(struct relative_price *r, const struct study *s,
                        const struct run_result *result, struct err_msg *m);
void relative_price_release(struct relative_price *r); // takes a zeroed one

#endif
