/* arch/core/kinds.c -- the kinds of cores. */
#include <assert.h>

#include "arch/core/core.h"

const struct core_kind *const core_kinds[] = { &core_scratchpad, &core_tokens, &core_digital,
                                               &core_imc, NULL };

const struct core_kind *core_kind_of(const struct plan *p, uint32_t site)
{
    const struct core_kind *const *k = core_kinds;

    while (*k && !(*k)->takes(p, site))
        k++;
    assert(*k);
    return *k;
}
