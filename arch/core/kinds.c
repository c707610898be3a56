/* arch/core/kinds.c -- the kinds of cores. */
#include <assert.h>

#include "arch/core/core.h"

#define ROW(name) &name,
const struct core_kind *const core_kinds[] = { CORE_KINDS(ROW) NULL };

const struct core_kind *core_kind_of(const struct plan *p, uint32_t site)
{
    const struct core_kind *const *k = core_kinds;

    while (*k && !(*k)->takes(p, site))
        k++;
    assert(*k);
    return *k;
}
