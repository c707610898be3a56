/* dataflow/plan/timetable.c -- see timetable.h. */
#include "dataflow/plan/timetable.h"

#include <stdlib.h>

void timetable_release(struct timetable *t)
{
    for (uint32_t i = 0; t->layer && i < t->n_layer; i++)
        map_times_release(&t->layer[i].fired);
    column_kinds_release(&t->kinds);
    for (uint32_t i = 0; t->read_back && i < t->n_read_back; i++)
        free(t->read_back[i].send);
    for (uint32_t i = 0; t->image_feed && i < t->n_image_feed; i++)
        free(t->image_feed[i].stored);
    free(t->layer);
    free(t->core);
    free(t->stream);
    free(t->read_back);
    free(t->image_feed);
    free(t->late);
    *t = (struct timetable){ 0 };
}
