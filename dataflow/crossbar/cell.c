/* dataflow/crossbar/cell.c -- the table of cells. */
#include "dataflow/crossbar/cell.h"

#include <stddef.h>
#include <string.h>

#define ROW(name) &name,
const struct cell *const cell_kinds[] = { CELLS(ROW) NULL };

const struct cell *cell_find(const char *name)
{
    for (const struct cell *const *c = cell_kinds; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

enum err cell_layout(const struct cell *cell, const struct cell_cfg *cfg, struct cell_layout *l,
                     struct err_msg *m)
{
    *l = (struct cell_layout){ .least = weight_least(cfg), .most = weight_most(cfg) };
    enum err e = cell->layout(cfg, l, m);

    if (e) {
        *l = (struct cell_layout){ 0 };
        return e;
    }
    int64_t zero = l->ones;
    for (uint32_t j = 0; j < l->n_slice; j++) {
        l->columns += l->slice[j].columns;
        zero += (int64_t)l->slice[j].factor * cell->digit(cfg, j, 0);
    }
    l->zero = zero == 0;
    return ERR_NONE;
}
