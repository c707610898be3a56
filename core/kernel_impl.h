/* core/kernel_impl.h -- what an implementation of core/kernel.h provides. For kernels alone. */
#ifndef CORE_KERNEL_IMPL_H
#define CORE_KERNEL_IMPL_H

#include <stdbool.h>

#include "core/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kernel_ops {
    /* Executes every cycle from open_cyc to until_cyc in which something is due, and keeps
     * last_cyc. */
    void (*run)(struct kernel *k, uint64_t until_cyc);
    uint64_t (*next_cyc)(const struct kernel *k);

    /* Commits a channel that was pushed or popped from outside between two runs, as if in the
     * cycle before open_cyc. */
    void (*settle)(struct kernel *k, struct chan *c);
    void (*free)(struct kernel *k);
};

struct kernel { // first in every implementation
    const struct kernel_ops *ops;
    const struct design     *design;
    uint64_t                 open_cyc;  // the first cycle not executed yet
    uint64_t                 until_cyc; // last cycle it was told to run to
    uint64_t                 last_cyc;  // last cycle in which a block was due
};

/* The SystemC kernel of core/sc/kernel_sc.cpp, linked in or loaded by core/sc/load.c. */
struct kernel *kernel_new_systemc(const struct design *d);
bool kernel_systemc_available(void);

#ifdef __cplusplus
}
#endif

#endif
