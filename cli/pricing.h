/* cli/pricing.h -- pricing a study's run by the `energy` section of its configuration. */
#ifndef CLI_PRICING_H
#define CLI_PRICING_H

#include <stdbool.h>

#include "arch/run.h"
#include "arch/tech/price.h"
#include "cli/study.h"
#include "core/err.h"

/* Whether energy.chip names costs. */
bool pricing_wanted(const struct config *c);

/* Loads technology, device and chip and prices the run. ERR_INPUT also when energy.chip is none. On
 * error *r is zero. */
enum err pricing(struct price_report *r, const struct study *s, const struct run_result *result,
                 struct err_msg *m);

#endif
