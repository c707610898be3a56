/* noc/graph.h -- routers joined by channels, with a network interface for every node.
 *
 * Every router has the same number of ports. A port is one channel in and one out; what is at its
 * other end is another router's port, a node's interface, or nothing. Ports are numbered over all
 * routers:
 *
 *     port p of router r is r * n_port + p
 *
 * A route is a rule: at this router, a packet for that node leaves by this port. So a route depends
 * on where a packet is and where it goes, not on where it came from. docs/fabrics.md.
 */
#ifndef NOC_GRAPH_H
#define NOC_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct graph_spot { // where something lies, in halves of a core's pitch
    uint32_t x, y;
};

#define GRAPH_NODE UINT32_C(0x80000000) // in peer[]: a node's interface, with its number
#define GRAPH_NONE UINT32_MAX           // in peer[]: nothing

enum { GRAPH_MOST_PORTS = 1 << 24 }; // of all routers

struct graph {
    uint32_t n_router, n_port, n_node;
    uint32_t rows, columns, arity; // what `exit` needs of them
    bool     serial; // a router of it passes one packet at a time, whatever its ports
    uint32_t *peer; // owned; by port: the port at the other end, GRAPH_NODE + node, or GRAPH_NONE
    uint32_t *at;   // owned; by node: the port that its interface is at
    uint32_t *halves; // owned; by port: length of its channel out, where it is stated, else 0; NULL

    /* The port of the router (0 .. n_port - 1) by which a packet for a node leaves it; GRAPH_NONE:
     * there is no way, from a router that passes nothing on. */
    uint32_t (*exit)(const struct graph *g, uint32_t router, uint32_t node);

    /* Where a router lies; NULL: router i at place i, row by row. */
    struct graph_spot (*spot)(const struct graph *g, uint32_t router);
};

/* n_router routers of n_port ports that lead nowhere yet, and room for n_node interfaces. */
enum err graph_init(struct graph *g, uint32_t n_router, uint32_t n_port, uint32_t n_node,
                    struct err_msg *m);
void graph_release(struct graph *g); // takes a zeroed one

/* Joins two ports, both ways; puts a node's interface at a port. */
void graph_join(struct graph *g, uint32_t a, uint32_t b);
void graph_attach(struct graph *g, uint32_t node, uint32_t port);

static inline bool graph_is_router(uint32_t peer)
{
    return peer < GRAPH_NODE;
}

/* Routers on the way between two nodes, at least 1; 0: there is no way. */
uint32_t graph_routers(const struct graph *g, uint32_t from, uint32_t to);

/* The way of a packet that goes to several nodes: the routes from one node to each, united. It is
 * copied where they part. */
struct graph_union {
    uint32_t *port; // owned; by which it leaves routers, in ascending order
    uint32_t  n;
    uint32_t  n_node; // at its ends
};

/* Of n_to different nodes, to each of which there is a way; the routes must not meet again once
 * they have parted, as those of every kind here. */
enum err graph_unite(struct graph_union *u, const struct graph *g, uint32_t from,
                     const uint32_t *to, uint32_t n_to, struct err_msg *m);
void graph_union_release(struct graph_union *u); // takes a zeroed one

/* Ports of a router that it leaves by, *n of them; borrowed. */
const uint32_t *graph_union_at(const struct graph_union *u, const struct graph *g, uint32_t router,
                               uint32_t *n);

/* Where a router or node lies, as peer[] has them; nodes row by row, two halves apart. */
struct graph_spot graph_spot(const struct graph *g, uint32_t peer);

/* Halves of a pitch that a port's channel out is long: as stated, or along rows and columns. */
uint32_t graph_length(const struct graph *g, uint32_t port);

struct graph_cycle { // channels, by the port that they leave; each waits for the next
    uint32_t *port; // owned
    uint32_t  n;    // 0: none
};

struct graph_way { // a route in use: nodes
    uint32_t from, to;
};

/* Looks for a cycle among the channels: one waits for another where some route, of n in use or, if
 * `way` is NULL, of any node to any other, takes the other next. Without one packets cannot block
 * one another for ever (Dally and Seitz, "Deadlock-free message routing in multiprocessor
 * interconnection networks", IEEE Trans. Computers C-36(5), 1987). */
enum err graph_find_cycle(const struct graph *g, const struct graph_way *way, uint32_t n,
                          struct graph_cycle *c, struct err_msg *m);

#endif
