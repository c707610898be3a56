/* dataflow/plan/timestep.h -- the passes that make the timetable of `timestep` clocking, in the
 * order in which dataflow/plan/timestep.c takes them. Each reads the structure, the dry run and
 * what the passes before it put into the timetable. */
#ifndef DATAFLOW_PLAN_TIMESTEP_H
#define DATAFLOW_PLAN_TIMESTEP_H

#include "dataflow/plan/clocking.h"
#include "dataflow/plan/dry_run/dry_run.h"
#include "dataflow/plan/plan.h"

/* timestep.c: room for a timetable, and the columns that memories keep and their layouts: what
 * other clockings take of it. */
bool timestep_allocate(struct timetable *t, const struct plan *p);
enum err timestep_columns(struct timetable *t, const struct plan *p, struct dry_run *s,
                          struct err_msg *m);
void timestep_keep_firings(struct timetable *t, struct dry_run *s); // the last that is wanted

/* When each layer fires first and last, and how often. */
void timestep_firings(struct timetable *t, const struct plan *p, const struct dry_run *s);

/* memories.c: layouts, once memory_columns are known. ERR_INPUT when one is too large, with `want`
 * before the words it takes. */
enum err timestep_memories(struct timetable *t, const struct plan *p, const char *want,
                           struct err_msg *m);

/* feeds.c: when pixels are read back, and when those of the image are stored. */
enum err timestep_feeds(struct timetable *t, const struct plan *p, const struct dry_run *s,
                        struct err_msg *m);

/* memory_port.c: words of every memory in its worst timestep, of which budget.c asks. */
enum err timestep_memory_ports(struct timetable *t, const struct plan *p, const struct dry_run *s,
                               enum thorough thorough, struct err_msg *m);

/* budget.c: use of every stage in its worst timestep. ERR_INPUT when one does not fit. */
enum err timestep_budget(struct timetable *t, const struct plan *p, const struct dry_run *s,
                         enum thorough thorough, struct err_msg *m);

#endif
