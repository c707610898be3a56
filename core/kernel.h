/* core/kernel.h -- drives blocks through simulated cycles.
 *
 * A design is plain data: an array of blocks and an array of channels. A kernel is an object that
 * runs it: made, run until a cycle as often as one likes, freed. Runs may be cut anywhere: one long
 * run, many short ones and a run driven from outside give the same cycles.
 *
 *     struct kernel *k = kernel_new(KERNEL_NATIVE, &design, KERNEL_SKIP_IDLE);
 *     while (kernel_inject(k, images, ...)) ...;
 *     kernel_run(k, until_cyc);
 *     while (kernel_drain(k, results, ...)) ...;
 *     kernel_free(k);
 *
 * Cost grows with events: due blocks are found through a calendar of pending cycles, never by
 * looking at all blocks or channels. The native and the SystemC kernel agree cycle for cycle.
 */
#ifndef CORE_KERNEL_H
#define CORE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct block;
struct chan;
struct kernel;

struct design { // borrowed by the kernel for its life
    struct block **block;
    size_t         n_block;
    struct chan  **chan;
    size_t         n_chan;
};

enum kernel_kind {
    KERNEL_NATIVE,
    KERNEL_SYSTEMC
};

enum kernel_mode {
    KERNEL_SKIP_IDLE,   // jump to the next cycle in which something is due
    KERNEL_EVERY_CYCLE, // step everything always: slow, same results, for tests
    KERNEL_REVERSED     // as SKIP_IDLE, due blocks stepped in reverse order, for tests
};

/* Whether this build has the kernel (SystemC may be left out of a build). */
bool kernel_available(enum kernel_kind kind);

/* Every block is due in cycle 0; the channels are empty. NULL when the host has no memory, or when
 * a SystemC kernel alive in this process forbids another. The modes are the native kernel's;
 * SystemC has one. */
struct kernel *kernel_new(enum kernel_kind kind, const struct design *d, enum kernel_mode mode);
void kernel_free(struct kernel *k);

/* Executes every cycle up to and including until_cyc in which a block is due; with CYC_NEVER, until
 * nothing can move. Returns the last cycle in which a block was due so far (0 before any). */
uint64_t kernel_run(struct kernel *k, uint64_t until_cyc);

/* The next cycle in which a block is due: CYC_NEVER when nothing can move any more. */
uint64_t kernel_next_cyc(const struct kernel *k);

/* Boundary channels, between runs. inject() copies payload_bytes bytes into a channel without
 * producer, to be seen from the first cycle not yet run on but not before ready_cyc, which never
 * decreases on a channel; false when it is full. drain() takes the oldest payload of a channel
 * without consumer that is visible at the last cycle the kernel was told to run to; false when
 * there is none. Nobody is due for a payload that waits there: see chan_ready_cyc(). */
bool kernel_inject(struct kernel *k, struct chan *c, uint64_t ready_cyc, const void *payload);
bool kernel_drain(struct kernel *k, struct chan *c, void *payload);

/* Lets every block say what it waits for, one line each: the report of a run that stands still. */
void kernel_describe(const struct kernel *k, FILE *out);

#ifdef __cplusplus
}
#endif

#endif
