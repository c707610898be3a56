/* test/rig_toy.h -- toy blocks and random designs of them, to compare kernels by.
 *
 * Every toy logs what it takes and gives with the cycle. The logs of a design, block by block, are
 * its trace: whatever runs it, the trace must be the same.
 *
 *     node      takes a payload from one or from all of its inputs, holds it for some cycles,
 *               gives it to one or to all of its outputs, and stalls while they are full. It acts
 *               in every `pace`-th cycle only, as a core does under timestep clocking. Without
 *               inputs it is a source, without outputs a sink.
 *     watchdog  takes all it can; each payload moves its deadline earlier or later.
 *     gate      pushes (pops) in certain cycles only, if it can. It can be a block of the design or
 *               the outside, at a boundary channel.
 */
#ifndef TEST_RIG_TOY_H
#define TEST_RIG_TOY_H

#include "core/block.h"
#include "core/chan.h"
#include "core/kernel.h"

enum { TOY_PORTS = 4, TOY_EVENTS = 1024 };

enum toy_kind { TOY_NODE, TOY_WATCHDOG, TOY_GATE_IN, TOY_GATE_OUT };

struct link { // a channel and what passed through it
    struct chan chan;
    uint32_t    latency_cyc, jitter_cyc; // payloads take latency to latency + jitter cycles
    uint64_t    ready_cyc;               // of the latest payload
    uint64_t    n_pushed, n_popped;
};

struct toy {
    struct block  base;
    enum toy_kind kind;
    char          path[16];
    uint64_t      seed; // of its private choices
    uint32_t      n_in, n_out;
    struct link  *in[TOY_PORTS], *out[TOY_PORTS];

    bool     join;         // node: takes from all inputs at once, else from the first that has any
    bool     broadcast;    // node: gives to all outputs, else to one chosen by the value
    uint32_t pace_cyc;     // node: acts in multiples of it
    uint32_t max_hold_cyc; // node: holds a payload for 1 to this many cycles
    uint32_t n_left;       // source: payloads to come

    bool     busy; // node: holds `value`, to be given from done_cyc on
    uint64_t value, done_cyc, n_taken;
    uint64_t deadline_cyc; // watchdog

    uint64_t n_steps, step_cyc; // the latest step's
    struct {
        uint64_t cyc, value;
        char     what; // '<' taken, '>' given, '!' deadline
    } event[TOY_EVENTS];
    uint32_t n_events;
};

/* A node that joins, broadcasts, acts in every cycle and holds a payload for one; change the fields
 * above at will. */
void toy_init(struct toy *t, enum toy_kind kind, const char *path);

/* Connects two toys; NULL for the outside. No jitter. payload_bytes at least 8. */
void link_init(struct link *l, struct toy *from, struct toy *to, uint32_t depth,
               uint32_t latency_cyc, size_t payload_bytes);

/* A random design. */
enum gates {
    GATES_INSIDE, // gates are blocks
    GATES_OUTSIDE // gates are the caller of kernel_inject() and kernel_drain()
};
enum cuts {
    RUN_WHOLE,
    RUN_CUT // before and behind every cycle in which the gates act
};

struct rig; // owns everything
struct rig *rig_new(uint64_t seed, enum gates gates);
void rig_free(struct rig *r);

struct rig_trace { // two texts, malloc'd
    char *blocks;  // what the toys logged
    char *kernel;  // what kernel_run() and kernel_next_cyc() said
};

/* Runs the design on a fresh kernel for some hundred cycles. Once per rig. GATES_OUTSIDE needs
 * RUN_CUT. */
struct rig_trace rig_run(struct rig *r, enum kernel_kind kind, enum kernel_mode mode,
                         enum cuts cuts);
void rig_trace_free(struct rig_trace *t);

/* The link on which payloads were lost or made up, or NULL: pushed == popped + inside. */
const struct link *rig_leak(const struct rig *r);

/* Payloads pushed into links of the design in total. */
uint64_t rig_pushes(const struct rig *r);

#endif
