/* noc/fabric.h -- what carries the cores' streams: where cores lie, which way each stream takes,
 * how long that is, and the channels of a chip.
 *
 * A fabric is asked in this order: `place` for the floorplan; `route`, once for all streams of a
 * plan, so that one that shares wires can divide them; `use` for the clocks that bits take on a
 * route; `build` when a chip is made. It knows cores by number and nothing of layers.
 * docs/models/fabric.md has the equations.
 */
#ifndef NOC_FABRIC_H
#define NOC_FABRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/block.h"
#include "core/chan.h"
#include "core/err.h"
#include "noc/graph.h"
#include "noc/params.h"
#include "noc/router.h"

#define FABRIC_EDGE UINT32_MAX // stands for a core: outside the chip

enum fabric_payload { FABRIC_PIXELS, FABRIC_PARTIAL_SUMS };

struct fabric_link { // what one stream needs
    uint32_t            from, to; // cores, or FABRIC_EDGE
    enum fabric_payload payload;
};

struct fabric_route { // what it gets
    uint64_t rate_bps; // at least 1
    uint32_t hops;     // sent in timestep t, it is used in t + hops
};

struct fabric_machine { // as configured
    uint64_t clock_hz;
    uint64_t link_bps, partial_sum_bps; // at least 1
    uint32_t hop_timesteps, partial_sum_hops;
    uint64_t flit_bps; // of a channel between routers
    bool     waits;    // streams may wait for one another: elastic clocking
};

struct fabric_place { // in pitches of a core
    uint32_t x, y;
};

/* One stream of a chip that is built. */
struct fabric_wire {
    struct fabric_route route;
    const char         *path;     // of its channels; borrowed
    struct block       *from, *to; // NULL: outside
    size_t              bytes;    // of one payload
    uint32_t            more;     // payloads that may wait to be taken, beyond one a cycle
    struct chan        *tx, *rx;  // filled: what `from` pushes to, and what `to` pops from
};

/* What a fabric adds to a chip's design. */
struct fabric_net {
    struct chan   *chan;  // owned
    uint32_t       n_chan;
    struct block **block; // owned, with what they point to; NULL: none
    uint32_t       n_block;
};

/* One fabric: one file, one row of fabrics[]. */
struct fabric {
    const char *name; // "point_to_point"
    const char *doc;
    const char *keys; // of the configuration, that not all read; NULL: none

    /* Where a core lies on a chip of n_core. */
    struct fabric_place (*place)(uint32_t n_core, uint32_t core);

    /* Fills route[i] for each of n links. ERR_INPUT when the fabric cannot carry them. */
    enum err (*route)(const struct fabric_machine *machine, const struct fabric_link *link,
                      uint32_t n, struct fabric_route *route, struct err_msg *m);

    /* Clocks that so many bits take on a route; UINT64_MAX when they do not fit. */
    uint64_t (*use)(const struct fabric_machine *machine, const struct fabric_route *route,
                    uint64_t bits);

    /* Makes the channels of n wires. False when the host has no memory; fabric_net_release() takes
     * what is there then. */
    bool (*build)(struct fabric_net *net, struct fabric_wire *wire, uint32_t n);

    /* Its routers and channels, which streams share; NULL: it has none. */
    enum err (*graph)(const struct fabric_cfg *cfg, struct graph *g, struct err_msg *m);
    bool direct; // its routers pass nothing on: two that are not joined have no way
};

/* A new fabric is its file and a row here. */
#define FABRICS(X)                                                                                 \
    X(fabric_point_to_point) X(fabric_adjacent) X(fabric_mesh) X(fabric_tree) X(fabric_bus)
#define FABRIC(name) extern const struct fabric name;
FABRICS(FABRIC)
#undef FABRIC
extern const struct fabric *const fabrics[]; // noc/fabrics.c; ends with NULL

/* ERR_INPUT lists the names that exist; the caller puts the place before it. */
enum err fabric_find(const struct fabric **f, const char *name, struct err_msg *m);

void fabric_net_release(struct fabric_net *net); // takes a zeroed one

/* Pitches along rows and columns between two cores of a chip; of FABRIC_EDGE, to the left end of
 * the other's row and out. */
uint32_t fabric_distance(const struct fabric *f, uint32_t n_core, uint32_t from, uint32_t to);

/* What fabrics are made of. */

/* Row by row on the smallest square that holds all cores. */
struct fabric_place fabric_square(uint32_t n_core, uint32_t core);

/* ceil(bits * clock_hz / rate_bps), UINT64_MAX when it does not fit. */
uint64_t fabric_clocks(uint64_t bits, uint64_t clock_hz, uint64_t rate_bps);

/* ERR_INPUT: what shares wires has to wait, and under this clocking nothing does. */
enum err fabric_never_waits(const char *name, struct err_msg *m);

/* Streams that share channels of routers, where they may wait; at the chip's edge links of their
 * own. `name` is the fabric's. */
enum err fabric_route_packets(const struct fabric_machine *machine, const struct fabric_link *link,
                              uint32_t n, struct fabric_route *route, const char *name,
                              struct err_msg *m);

struct router_spec fabric_router_spec(const struct fabric_cfg *cfg);

/* A channel for each wire, of the depth that its hops need. */
bool fabric_build_channels(struct fabric_net *net, struct fabric_wire *wire, uint32_t n);

#endif
