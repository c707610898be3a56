/* test/naive_router.h -- routers without cleverness: every queue of every router, in every clock.
 *
 * A second implementation of docs/fabrics.md, written from its rules and sharing no code with
 * noc/router.c: flits move through arrays of them, whoever may be granted something is looked for
 * anew in each clock. Graphs and their routes are those of noc/.
 */
#ifndef TEST_NAIVE_ROUTER_H
#define TEST_NAIVE_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "noc/graph.h"
#include "noc/router.h"

enum { NAIVE_MOST_ENDS = 32 };

struct naive_packet {
    uint32_t source, to, n_flit;
    uint64_t from_clk;
    uint64_t sent_clk, taken_clk; // found: of its head; of its tail, where it goes to one node
    uint32_t n_end, end[NAIVE_MOST_ENDS]; // nodes that it is copied to; 0: to one
    uint64_t end_clk[NAIVE_MOST_ENDS];    // found
};

struct naive_routers; // opaque

/* n_source sources, source i of node[i], which take turns at their node in this order; graph and
 * nodes are borrowed. The caller frees it. */
struct naive_routers *naive_routers_new(const struct graph *g, const struct router_spec *spec,
                                        const uint32_t *node, uint32_t n_source);
void naive_routers_free(struct naive_routers *n);

/* Offers a packet, which stays where it is until it is taken; what is found is 0 until then. Its
 * source has none whose head is not sent. */
void naive_routers_offer(struct naive_routers *n, struct naive_packet *p);
/* Whether the head of what the source was offered last is still to be sent; its tail. */
bool naive_routers_waits(const struct naive_routers *n, uint32_t source);
bool naive_routers_sends(const struct naive_routers *n, uint32_t source);

/* A clock, and all of them in turn: first what comes, then, with the packets that are offered in
 * it, what interfaces and routers do. */
void naive_routers_arrive(struct naive_routers *n, uint64_t clk);
void naive_routers_go(struct naive_routers *n, uint64_t clk);

/* Whether no flit and no freed place is on its way. */
bool naive_routers_rest(const struct naive_routers *n);

/* A packet, or the copy of it, is taken by a node: notes the clock, the first time. */
void naive_packet_taken(struct naive_packet *p, uint32_t node, uint64_t clk);

/* What was counted: of a port's channel out; of all (`steps` stays 0). */
struct router_channel naive_routers_channel(const struct naive_routers *n, uint32_t port);
struct router_counts naive_routers_counts(const struct naive_routers *n);

#endif
