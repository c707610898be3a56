/* noc/place_file.c -- as a file states, which the task's maker has read. */
#include "noc/placement.h"

static enum err place(struct placement_work *w, struct err_msg *m)
{
    if (!w->task->given)
        return err_set(m, ERR_INPUT, "placement.kind = file: want placement.file = a file of lines "
                       "core, row, column");
    for (uint32_t core = 0; core < w->task->n_core; core++)
        placement_put(w, core, w->task->given[core]);
    return ERR_NONE;
}

const struct placement_policy placement_file = {
    .name = "file", .doc = "as placement.file states", .given = true, .place = place,
};
