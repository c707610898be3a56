/* arch/units/ranges.c -- see ranges.h. */
#include "arch/units/ranges.h"

#include <assert.h>
#include <stdlib.h>

bool ranges_init(struct ranges *r, const struct plan *p)
{
    *r = (struct ranges){ .n_core = p->n_core, .core = calloc(p->n_core, sizeof *r->core) };
    for (uint32_t i = 0; r->core && i < p->n_core; i++) {
        const struct array_spec *s = &p->layer[p->core[i].plan_layer].array;
        struct core_ranges *c = &r->core[i];
        if (!s->calibrated)
            continue;
        c->n = s->layout.n_slice * p->core[i].columns + 1;
        c->range = malloc(c->n * sizeof *c->range);
        for (uint32_t k = 0; c->range && k < c->n; k++)
            c->range[k] = 1;
        if (!c->range) {
            ranges_release(r);
            return false;
        }
    }
    return r->core;
}

void ranges_release(struct ranges *r)
{
    for (uint32_t i = 0; r->core && i < r->n_core; i++)
        free(r->core[i].range);
    free(r->core);
    *r = (struct ranges){ 0 };
}

int64_t converter_range(const struct array_matrix *m, uint32_t slice, uint32_t column)
{
    if (!m->spec->calibrated)
        return m->spec->range;
    assert(m->ranges && m->core < m->ranges->n_core);
    const struct core_ranges *c = &m->ranges->core[m->core];
    uint32_t at = slice * m->columns + (slice < m->spec->layout.n_slice ? column : 0);
    assert(at < c->n);
    return c->range[at];
}
