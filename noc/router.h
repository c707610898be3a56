/* noc/router.h -- routers with virtual channels, clock by clock: packets of flits between nodes.
 *
 * Every input port of a router has `vcs` queues (virtual channels) of `vc_flits` flits. A head at
 * the front of an idle one from clock a on is routed, asks for a virtual channel of its output port
 * from a + r on, and for the switch from v clocks after it has got it. A flit that wins the switch
 * in clock w
 *
 *     is in the next router's queue in          w + s + x + l
 *     or is taken by the node's interface in    w + s + x + 1
 *     and its place is free for the one before  w + 1 + l + c      (an interface: w + 2)
 *
 * An interface sends one flit a clock, packet by packet, its sources in turn; a flit sent in t is
 * in its router's queue in t + 2. It takes whatever comes, one flit a clock. A packet has a queue
 * for itself from the grant until its tail has won the switch: the next head is routed, and the
 * output's virtual channel granted again, in the clock after. Both allocators are separable, input
 * first, with round-robin arbiters that move on a grant only. With cut-through a head gets a
 * virtual channel only where all of its packet has room. A router of a serial graph is a bus: all
 * its queues ask one arbiter, which grants when the packet before has left, so that a packet of n
 * flits takes n + v clocks of it.
 *
 * A packet may go to several nodes: it is copied where their routes part, and there a flit moves
 * when all of its copies can, into the same virtual channel of every output, in one clock. Such
 * packets choose first, in turn, since they must win all of their outputs at once; cut-through
 * alone has them, so that what was granted leaves whole and nothing waits for it half sent.
 *
 * Alone over R routers a packet of n flits takes R (r + v + s + x) + (R - 1) l + 2 + n clocks from
 * its offer to its tail (router_zero_load()).
 *
 * Events of one kind take the same number of clocks each, so a queue for each kind is in order of
 * time, and the earliest event is at the front of one of them. Only routers that can grant
 * something are stepped: the cost grows with flits moved, not with routers times clocks. Not
 * modelled: adaptive routes, errors, values. docs/fabrics.md.
 */
#ifndef NOC_ROUTER_H
#define NOC_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "noc/graph.h"

struct router_spec {
    uint32_t vcs, vc_flits;
    uint32_t routing_clk, vc_clk, switch_clk, crossbar_clk, link_clk; // r, v, s, x, l; l at least 1
    uint32_t credit_clk;                                              // c
    bool     cut_through;
};

enum { ROUTER_MOST_VCS = 64, ROUTER_MOST_FLITS = 1 << 16 }; // of a router's port; of a packet

struct router_packet {
    uint32_t from, to; // source and node; where it goes to several, GRAPH_NONE until one takes it
    const struct graph_union *all; // of several; else NULL
    uint32_t ends;        // nodes that have not taken it
    uint32_t n_flit;
    uint32_t routers;     // passed, by all copies
    uint64_t offered_clk; // the clock from which it may be sent
    uint64_t sent_clk;    // its head
    uint64_t tag;         // the user's
};

/* Told while it runs, each of them unless NULL: packets of a source whose head was sent (the source
 * can be offered the next), and whose tail was; packets whose tail has won its last switch, with
 * the clock in which it will be taken, and whose tail was taken. */
struct router_user {
    void *user;
    void (*sent)(void *user, uint32_t source, uint64_t clk);
    void (*sent_all)(void *user, uint32_t source, uint64_t clk);
    void (*arrives)(void *user, const struct router_packet *p, uint64_t clk);
    void (*taken)(void *user, const struct router_packet *p, uint64_t clk);
};

struct router_channel { // what left by a port; to another router or to a node
    uint64_t flits;     // each takes a clock of it
    uint64_t blocked_clk; // clocks in which a flit for it had no place to go to
};

struct router_counts {
    uint64_t packets_sent, packets_taken; // heads, tails; of copies, every one taken
    uint64_t flits_sent, flits_taken;
    uint64_t flits_copied;  // made where ways part: sent + copied = taken
    uint64_t flit_hops;     // from router to router
    uint64_t buffer_writes; // flits into queues
    uint64_t buffer_reads;  // and out of them
    uint64_t switch_traversals; // through the switch, every copy
    uint64_t allocations;   // virtual channels granted
    uint64_t steps;         // of routers: what a run costs
};

struct routers; // opaque

/* n_source sources, source i of node source_node[i]. The graph is borrowed. */
enum err routers_new(struct routers **n, const struct graph *g, const struct router_spec *spec,
                     const uint32_t *source_node, uint32_t n_source, const struct router_user *user,
                     struct err_msg *m);
void routers_free(struct routers *n); // takes NULL

/* Offers a packet that may be sent from from_clk on, which may be past. The source has none that is
 * not sent yet; within sent() it goes in the next clock at the earliest. */
void routers_offer(struct routers *n, uint32_t source, uint32_t to, uint32_t n_flit,
                   uint64_t from_clk, uint64_t tag);

/* Likewise to all ends of a way from the source's node; borrowed. The routers cut through. */
void routers_offer_all(struct routers *n, uint32_t source, const struct graph_union *to,
                       uint32_t n_flit, uint64_t from_clk, uint64_t tag);

/* Takes back what the sources were offered and have not begun to send. */
void routers_withdraw(struct routers *n);

/* Runs all clocks before until_clk. ERR_MEMORY when the host has none. */
enum err routers_run(struct routers *n, uint64_t until_clk, struct err_msg *m);

/* The next clock in which something happens; CYC_NEVER: nothing ever will. */
uint64_t routers_next(const struct routers *n);

/* The last clock in which something happens, where no packet is offered or on its way: a place that
 * became free is known to be. 0: nothing ever will. */
uint64_t routers_last_place(const struct routers *n);

const struct router_counts *routers_counts(const struct routers *n);
struct router_channel routers_channel(const struct routers *n, uint32_t port);
uint64_t routers_sent(const struct routers *n, uint32_t node); // flits, by the node's interface

/* Flits over channels, from and to nodes too, times the halves of a pitch that each is long. */
uint64_t routers_flit_halves(const struct routers *n);

/* All that decides what follows from a clock on, which all before it have been run: clocks as
 * differences from it, packets by what they are, with tag(user, packet) for their tags. */
void routers_state(const struct routers *n, uint64_t clk, void (*put)(void *user, uint64_t number),
                   uint64_t (*tag)(void *user, const struct router_packet *p), void *user);

/* All that adds up in the course of a run, flits and clocks, to now. */
void routers_sums(struct routers *n, void (*add)(void *user, uint64_t *sum), void *user);
void routers_settle(struct routers *n);

/* What must hold at any time: flits sent and copied are taken, queued or on their way; places
 * taken, credits and credits on their way are all places; flits counted on channels are those of
 * hops and takes. ERR_RUN names what does not. */
enum err routers_check(const struct routers *n, struct err_msg *m);

uint64_t router_zero_load(const struct router_spec *s, uint32_t routers, uint32_t n_flit);

#endif
