/* dataflow/plan/passes.h -- the steps of plan_make(), in the order in which they run. Each takes
 * what the ones before it filled in. */
#ifndef DATAFLOW_PLAN_PASSES_H
#define DATAFLOW_PLAN_PASSES_H

#include "dataflow/plan/plan.h"
#include "dataflow/plan/schedule.h"

/* ERR_INPUT with a line that says where the key that does not fit was given. */
#define PLAN_REFUSE(p, key, m, ...) (err_set(m, ERR_INPUT, __VA_ARGS__), plan_blame(p, key, m))
enum err plan_blame(const struct plan *p, const char *key, struct err_msg *m);

/* plan.c: plan_make() that keeps on error what it has made, for plan_release(). */
enum err plan_try(struct plan *p, const struct network *network, const struct config *config,
                  struct err_msg *m);

/* plan_layers.c: every key of the mapping tables means something (the error says where it stands);
 * layers with replicas, splits and feeds; the interval. */
enum err plan_check_mapping_keys(const struct plan *p, struct err_msg *m);
enum err plan_layers(struct plan *p, struct err_msg *m);

/* Whether a core stores none of the channels [first, first + n) of its layer's input. */
bool plan_lacks(const struct plan_core *core, uint32_t first, uint32_t n);

/* plan_cores.c: cores with their channels; memory layouts, once memory_columns are known. */
enum err plan_cores(struct plan *p, struct err_msg *m);
enum err plan_memories(struct plan *p, struct err_msg *m);

/* Placing of pixels of so many channels; NULL when there is none of that name, which is refused. */
const struct placing *plan_placing(const struct memory_cfg *memory, uint32_t channels);
enum err plan_refuse_placing(const struct plan *p, struct err_msg *m);

/* plan_streams.c: links, timetables of what is read back, scratchpad feeds. */
enum err plan_streams(struct plan *p, const struct schedule *s, struct err_msg *m);

/* plan_budget.c: use of every stage in its worst timestep; what does not fit is an error. */
enum err plan_budget(struct plan *p, const struct schedule *s, struct err_msg *m);

#endif
