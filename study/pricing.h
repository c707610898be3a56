/* study/pricing.h -- pricing a study's run by the `energy` section of its configuration. */
#ifndef STUDY_PRICING_H
#define STUDY_PRICING_H

#include <stdbool.h>

#include "core/err.h"
#include "study/price.h"
#include "study/run.h"
#include "study/study.h"

/* Whether energy.chip names costs. */
bool pricing_wanted(const struct config *c);

/* Loads what energy.technology, device and chip name. ERR_INPUT also when energy.chip is none. */
enum err pricing_load(struct chip_model *model, const struct config *c, const struct network *n,
                      struct err_msg *m);

/* Prices for the mapper (dataflow/mapper/mapper.h): energy is that of a timing run of one image by
 * itself, what it is at least follows from the costs of a core. */
struct pricer { // must not move
    struct chip_model    model;
    struct mapper_prices prices;
};

/* ERR_INPUT also when energy.chip is none, or the hardware cannot be. */
enum err pricer_init(struct pricer *p, const struct config *c, const struct network *n,
                     struct err_msg *m);

/* What is priced of a run: images of a full pipeline, all cores of the chip. */
struct price_run price_run_of(const struct plan *p, const struct run_result *r);

/* Inputs as they were; or as if those that are 0 had been like the others in the mean, to see what
 * zeros save. */
enum price_zeros { PRICE_AS_IT_WAS, PRICE_WITHOUT_ZEROS };

/* Prices the run; one without images by the inputs that energy.activity names. On error *r is
 * zero. */
enum err pricing_by(struct price_report *r, const struct chip_model *model, const struct study *s,
                    const struct run_result *result, enum price_zeros zeros, struct err_msg *m);

/* The same by the model that the configuration names. ERR_INPUT also when energy.chip is none. */
enum err pricing(struct price_report *r, const struct study *s, const struct run_result *result,
                 struct err_msg *m);

#endif
