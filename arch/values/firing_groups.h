/* arch/values/firing_groups.h -- the groups of outputs that multiply together. */
#ifndef ARCH_VALUES_FIRING_GROUPS_H
#define ARCH_VALUES_FIRING_GROUPS_H

#include "arch/values/tally.h"

/* Calls group() for each of an image in one copy of a layer; the log may be NULL where outputs fire
 * one by one. */
void firing_groups_each(const struct plan *p, const struct firing_log *l, uint64_t image,
                        uint32_t layer, uint32_t copy,
                        void (*group)(void *user, const struct firing_group *g), void *user);

#endif
