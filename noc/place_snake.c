/* noc/place_snake.c -- row by row, to the right in even rows and to the left in odd ones, so that
 * what follows one another lies side by side. */
#include "noc/placement.h"

static enum err place(struct placement_work *w, struct err_msg *m)
{
    uint32_t columns = w->task->graph->columns;

    (void)m;
    for (uint32_t i = 0; i < w->task->n_core; i++) {
        uint32_t row = i / columns, along = i % columns;
        placement_put(w, w->task->order[i],
                      row * columns + (row % 2 == 0 ? along : columns - 1 - along));
    }
    return ERR_NONE;
}

const struct placement_policy placement_snake = {
    .name = "snake", .doc = "row by row, every other row backwards", .place = place,
};
