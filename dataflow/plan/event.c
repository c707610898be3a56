/* dataflow/plan/event.c -- the clocking of event cores (arch/event/core.h): nothing is due before a
 * spike comes, so a timetable has neither times nor memories.
 *
 * A row is read for the neurons of one position, which act at once: parts of a sum would have to
 * wait for one another, and replicas and copies would be others' requests. */
#include <inttypes.h>

#include "dataflow/plan/structure.h"
#include "dataflow/plan/timestep.h"

static enum err check_layer(const struct plan *p, uint32_t i, struct err_msg *m)
{
    const struct plan_layer *l = &p->layer[i];
    const char *name = plan_layer_name(p, i);

    if (l->parts > 1)
        return PLAN_REFUSE(p, "core.crossbar.rows", m,
                           "layer %s: %" PRIu32 " rows are cut into %" PRIu32 " parts, and neurons "
                           "of event cores act after each row: want core.crossbar.rows = %" PRIu32
                           ", or core.kind = imc", name, l->rows, l->parts, l->rows);
    if (l->replicas.n > 1 || l->copies > 1)
        return PLAN_REFUSE(p, l->copies > 1 ? "mapping.copies" : "mapping.replicas", m,
                           "layer %s: event cores have neither copies nor replicas: want none, or "
                           "core.kind = imc", name);
    return ERR_NONE;
}

static enum err timetable(struct timetable *t, const struct plan *p, enum thorough thorough,
                          struct err_msg *m)
{
    enum err e = timestep_allocate(t, p) ? ERR_NONE
                                         : err_set(m, ERR_MEMORY, "no memory for the plan's times");

    (void)thorough;
    for (uint32_t i = 0; !e && i < p->n_layer; i++)
        e = check_layer(p, i, m);
    return e;
}

const struct clocking_policy clocking_event = {
    .name = "event",
    .doc = "a core works when a spike comes: requests, an arbiter, rows",
    .timetable = timetable,
};
