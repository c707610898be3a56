/* arch/cost/relative.h -- a technology of ratios: what a multiply-add of integers takes of one of
 * bfloat16, where a source gives no joules. A file configs/tech/<name>.yaml of format
 * imcsim-relative/1 says by what factor one takes less; a width that it does not state is an
 * error. Source of the one that is shipped: K. Spoon et al., Front. Comput. Neurosci. 15:675741
 * (2021). */
#ifndef ARCH_COST_RELATIVE_H
#define ARCH_COST_RELATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct relative { // of a multiply-add; bfloat16 is 1
    double node_nm;
    double energy_less, area_less; // of integers of the width asked for: factors, at least 1
};

/* Whether a word names such a file: a path, or one of configs/tech. */
bool relative_is(const char *technology);

/* bits: 6, 8 or 10. ERR_INPUT: the file, or a ratio that it has not. */
enum err relative_load(struct relative *r, const char *technology, uint32_t bits,
                       struct err_msg *m);

#endif
