/* noc/traffic.h -- a fabric driven alone: packets between nodes at a rate.
 *
 * In every clock each node creates a packet with probability rate / flits, for a destination that
 * its pattern draws; it waits at its node as long as it takes (an open loop). After a warm-up,
 * packets created in a window of clocks are measured: packet latency from the clock of creation to
 * the one in which the tail is taken, network latency from the clock in which the head is sent. The
 * load goes on until all of them are taken, or for as long again as the window.
 *
 * Numbers are drawn by key (core/rng.h), by node and packet: a clock's draw is not made where
 * nothing is created. With q = 1 - rate / flits the next packet comes more than k clocks after the
 * last with probability q^k; the k of a draw is found in 64-bit fixed point, without floating
 * point. docs/fabrics.md.
 */
#ifndef NOC_TRAFFIC_H
#define NOC_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/rng.h"
#include "noc/fabric.h"
#include "noc/router.h"

#define TRAFFIC_RATE_ONE UINT64_C(1000000000) // flits a node and clock

struct traffic_flow { // of a file
    uint32_t from, to;
    uint64_t weight, up_to; // up_to: sum of its node's weights so far
};

struct traffic_flows {
    struct traffic_flow *flow; // owned; by node
    uint32_t             n;
    uint32_t            *first; // owned; of each node, and n at the end
};

struct traffic {
    const struct traffic_pattern *pattern;
    struct traffic_flows          flows; // of the pattern that is a file
    uint64_t rate;                       // billionths of a flit a node and clock, 1 to 10^9
    uint32_t n_flit;                     // of a packet
    bool     exclude_self;
    uint64_t warm_up_clk, measured_clk; // measured_clk at least 1
    uint64_t seed;
};

/* Who sends to whom: a row of traffic_patterns[]. */
struct traffic_pattern {
    const char *name;
    const char *doc;
    enum err (*check)(const struct graph *g, struct err_msg *m); // NULL: any graph will do
    /* Destination by the number `random`; the node itself where nothing else is left. */
    uint32_t (*to)(const struct traffic *t, const struct graph *g, uint32_t from, uint64_t random);
};

extern const struct traffic_pattern traffic_patterns[]; // ends with a NULL name

/* A pattern by its name, or the flows of a file: lines "from to [weight]", # begins a comment. A
 * node sends to each of its lines in proportion to their weights (1), at the rate as a whole, and a
 * node without lines sends nothing. */
enum err traffic_find(struct traffic *t, const char *word, const struct graph *g,
                      struct err_msg *m);
void traffic_release(struct traffic *t);

struct traffic_channel { // in the window
    uint64_t flits, blocked_clk;
};

struct traffic_result {
    uint64_t created, taken; // packets created in the window; of them taken
    uint64_t measured;       // clocks of the window
    uint64_t created_flits, taken_flits; // in the window, by any packet
    uint64_t latency_min, latency_p95, latency_max; // of packets, clocks
    uint64_t latency_sum, network_sum, zero_load_sum, routers_sum; // over the taken ones
    bool     saturated; // more of what was created stays behind than chance and 1 in 100 explain
    uint64_t clocks;    // run in all
    struct router_counts counts; // of the whole run
    uint64_t flit_halves; // likewise: routers_flit_halves()
    struct traffic_channel *channel; // owned; by port
};

typedef void traffic_progress(void *user, uint64_t done_clk, uint64_t n_clk);

/* Runs it until no packet is on its way. The graph outlives the result's channels. ERR_RUN when
 * packets block one another for ever, or the counts do not add up. */
enum err traffic_run(struct traffic_result *r, const struct graph *g, const struct router_spec *s,
                     const struct traffic *t, traffic_progress *progress, void *user,
                     struct err_msg *m);
void traffic_result_release(struct traffic_result *r); // takes a zeroed one

/* Clocks from one packet to the next, at least 1: geometric, of the number drawn. */
struct traffic_gap {
    uint64_t power[64]; // q^(2^i) * 2^64
    uint32_t n;
};
void traffic_gap_init(struct traffic_gap *g, uint64_t rate, uint32_t n_flit);
uint64_t traffic_gap(const struct traffic_gap *g, uint64_t random);

#endif
