/* core/chan.h -- registered FIFO of fixed-size payloads between one producer and one consumer.
 *
 * Reads in a cycle see the state at its start; a push or pop takes effect when the kernel commits
 * the channel at the cycle's end. That is SystemC's evaluate/update rule, and it makes the order
 * in which blocks are stepped irrelevant. At most one push and one pop a cycle. Fan-out is one
 * channel per consumer.
 *
 * A channel wakes its ends on transitions only: the consumer in the cycle in which the oldest
 * payload becomes visible, the producer in the cycle after a full channel was popped. A consumer
 * that leaves visible payloads behind, or a producer that could push more, has work "even if no
 * channel moves" and says so through what its step() returns.
 *
 * A channel whose producer (or consumer) is NULL is a boundary channel: it is filled (drained) from
 * outside through kernel_inject() and kernel_drain().
 */
#ifndef CORE_CHAN_H
#define CORE_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block;

struct chan {
    const char   *path;     // "conv1->conv2"; borrowed
    struct block *producer, *consumer;
    uint32_t      payload_bytes; // of one payload, at least 1
    uint32_t      depth;         // payloads it holds, at least 1

    /* Below: private to chan.c and the functions here. */
    uint32_t       head, count;    // committed state
    bool           pushed, popped; // in this cycle
    size_t         slot_bytes;
    uint64_t       visible_cyc;    // of the oldest payload; CYC_NEVER while empty
    uint64_t       staged_cyc;     // ready_cyc of the latest push
    unsigned char *slots; // depth payloads, each with the cycle in which it becomes visible

    /* Below: the kernel's. */
    void (*touched)(struct chan *c); // called at the first push or pop of a cycle
    void *kernel;
};

/* Allocates the payloads. Returns false when the host has no memory; then *c is all zero.
 * Release with chan_release(), which also takes a zeroed channel. */
bool chan_init(struct chan *c, const char *path, struct block *producer, struct block *consumer,
               uint32_t depth, size_t payload_bytes);
void chan_release(struct chan *c);

static inline bool chan_can_push(const struct chan *c)
{
    return c->count < c->depth && !c->pushed;
}

/* Stages one payload that the consumer may see from ready_cyc on, and returns its bytes (aligned
 * to 8) for the producer to fill before its step ends. Needs chan_can_push(), ready_cyc later
 * than the present cycle and not before the previous push's. */
void *chan_push(struct chan *c, uint64_t ready_cyc);

static inline bool chan_can_pop(const struct chan *c, uint64_t now_cyc)
{
    return c->visible_cyc <= now_cyc && !c->popped;
}

/* The oldest payload, taken; its bytes stay valid until the step ends. Needs chan_can_pop(). */
const void *chan_pop(struct chan *c, uint64_t now_cyc);

/* First cycle in which something can be popped: CYC_NEVER while the channel is empty. Lets a
 * consumer sleep. As seen at the start of the cycle. */
uint64_t chan_ready_cyc(const struct chan *c);

/* Payloads inside, as seen at the start of the cycle. */
uint32_t chan_count(const struct chan *c);

/* Kernel only: ends cycle now_cyc for a touched channel. Returns when the consumer and the producer
 * must be woken for what has changed; CYC_NEVER where there is nobody, or nothing. Before cycle 0,
 * now_cyc is UINT64_MAX. */
struct chan_wakes {
    uint64_t arrive_cyc, free_cyc;
};
struct chan_wakes chan_commit(struct chan *c, uint64_t now_cyc);

#endif
