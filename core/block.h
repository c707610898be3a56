/* core/block.h -- the one interface every hardware model implements.
 *
 * A block is a clocked machine that talks to other blocks only through channels (core/chan.h) and
 * mail (core/mail.h). It is told the cycle and knows nothing about who tells it: the same object
 * runs under core/kernel.c and under core/sc/kernel_sc.cpp.
 *
 * Rules of step(), on which both kernels rely:
 *   1. Order within a cycle is free. What is pushed, popped or put in cycle t is seen by others
 *      in t + 1 or later.
 *   2. A step with nothing to do changes nothing, so a kernel may step early or every cycle.
 *      Durations are therefore differences of cycle stamps, never "one more per step".
 *   3. No allocation, no I/O, no global state, no clock but now_cyc.
 */
#ifndef CORE_BLOCK_H
#define CORE_BLOCK_H

#include <stdint.h>
#include <stdio.h>

#define CYC_NEVER UINT64_MAX

struct block {
    const struct block_ops *ops;
    const char             *path;   // "chip.conv1"; borrowed, lives as long as the block
    void                   *kernel; // the kernel's own, while it runs the block

    /* The kernel's: the block is due in that cycle too, later than the present one, unless its next
     * step says otherwise. For core/mail.h. */
    void (*wake)(struct block *b, uint64_t cyc);
};

struct block_ops {
    const char *type; // "imc_core"

    /* Does the work of cycle now_cyc. Returns the next cycle with work even if no channel moves,
     * later than now_cyc; CYC_NEVER if the block only waits for its channels. */
    uint64_t (*step)(struct block *b, uint64_t now_cyc);

    /* One line, with newline, on what the block waits for; printed when nothing can move. */
    void (*describe)(const struct block *b, FILE *out);
};

#endif
