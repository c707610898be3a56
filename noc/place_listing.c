/* noc/place_listing.c -- cores one after the other, as the pipeline has them. */
#include "noc/placement.h"

static enum err place(struct placement_work *w, struct err_msg *m)
{
    (void)m;
    for (uint32_t i = 0; i < w->task->n_core; i++)
        placement_put(w, w->task->order[i], i);
    return ERR_NONE;
}

const struct placement_policy placement_listing = {
    .name = "listing", .doc = "row by row, as the pipeline has them", .place = place,
};
