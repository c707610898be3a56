/* noc/params.h -- the fabric as the configuration states it. */
#ifndef NOC_PARAMS_H
#define NOC_PARAMS_H

#include <stdint.h>

#include "core/param.h"

enum { FABRIC_MOST_SIDE = 1024, FABRIC_MOST_CLOCKS = 64, FABRIC_MOST_REACH = 8 };

struct fabric_cfg {
    char     kind[32]; // a row of the table in noc/fabrics.c
    uint64_t link_bps, partial_sum_bps;
    uint32_t hop_timesteps, partial_sum_hops;
    enum partial_sum { PARTIAL_SUM_DIGITAL, PARTIAL_SUM_ANALOG } partial_sum;

    /* Of those with routers (noc/router.h). */
    uint32_t rows, columns; // places for cores
    uint32_t pitch_um;      // from one to the next
    enum arity { ARITY_4, ARITY_2 } arity; // of tree
    uint32_t flit_bits, header_bits;
    uint32_t vcs, vc_flits;
    enum switching { SWITCHING_WORMHOLE, SWITCHING_CUT_THROUGH } switching;
    enum multicast { MULTICAST_UNICAST, MULTICAST_TREE } multicast;
    uint32_t routing_clk, vc_clk, switch_clk, crossbar_clk, link_clk, vc_credit_clk;

    /* Of adjacent: how far links go, or a file of them. */
    uint32_t reach_row[FABRIC_MOST_REACH], reach_column[FABRIC_MOST_REACH];
    uint32_t reach_diagonal[FABRIC_MOST_REACH];
    uint32_t n_reach_row, n_reach_column, n_reach_diagonal;
    char     links[512];
    enum links_are { LINKS_BOTH_WAYS, LINKS_ONE_WAY } links_are; // of the file
};

struct placement_cfg {
    char     kind[32]; // a row of the table in noc/placements.c
    uint64_t seed, moves;
    char     file[512];
};

/* clang-format off */
#define FABRIC_PARAMS(type, at)                                                                    \
    PARAM_NAME(type, at.kind, "fabric.kind", "point_to_point",                                     \
               "point_to_point: a link for every stream; adjacent: links between near places; "    \
               "mesh, tree, bus: routers (imcsim fabric)"),                                        \
    PARAM_RATE(type, at.link_bps, "fabric.link_gbps", "5", PARAM_GBPS / 1000, 10000 * PARAM_GBPS,  \
               "rate of a link that carries pixels"),                                              \
    PARAM_RATE(type, at.partial_sum_bps, "fabric.partial_sum_gbps", "20.48", PARAM_GBPS / 1000,    \
               10000 * PARAM_GBPS, "rate of a link that carries partial sums"),                    \
    PARAM_U32(type, at.hop_timesteps, "fabric.hop_timesteps", "timesteps", "1", 1, 65536,          \
              "from a firing to the pixel stored at the next core"),                               \
    PARAM_U32(type, at.partial_sum_hops, "fabric.partial_sum_hops", "hops", "1", 0, 65536,         \
              "from a part of a split layer to the next"),                                         \
    PARAM_ENUM(type, at.partial_sum, "fabric.partial_sum", "digital",                              \
               PARAM_NAMES("digital", "analog"), NULL,                                             \
               "how parts of a layer's rows are added: analog joins their arrays before the "      \
               "readout"),                                                                         \
    PARAM_U32(type, at.rows, "fabric.rows", "", "8", 1, FABRIC_MOST_SIDE,                          \
              "of routers: rows of places for cores"),                                             \
    PARAM_U32(type, at.columns, "fabric.columns", "", "8", 1, FABRIC_MOST_SIDE,                    \
              "of routers: columns of places for cores"),                                          \
    PARAM_U32(type, at.pitch_um, "fabric.pitch_um", "um", "1000", 1, 100000,                       \
              "of routers: from the middle of a core to the next one's, for lengths of channels"), \
    PARAM_ENUM(type, at.arity, "fabric.arity", "4", PARAM_NAMES("4", "2"), NULL,                   \
               "of routers: of tree, how many below each"),                                        \
    PARAM_U32(type, at.flit_bits, "fabric.flit_bits", "bits", "128", 1, 65536,                     \
              "of routers: what a channel carries in a clock"),                                    \
    PARAM_U32(type, at.header_bits, "fabric.header_bits", "bits", "16", 0, 65536,                  \
              "of routers: what a packet carries beside its pixels"),                              \
    PARAM_U32(type, at.vcs, "fabric.vcs", "", "2", 1, 64,                                          \
              "of routers: virtual channels of a channel"),                                        \
    PARAM_U32(type, at.vc_flits, "fabric.vc_flits", "flits", "8", 1, 65536,                        \
              "of routers: buffer of a virtual channel"),                                          \
    PARAM_ENUM(type, at.switching, "fabric.switching", "wormhole",                                 \
               PARAM_NAMES("wormhole", "cut_through"), NULL,                                       \
               "of routers: cut_through starts a packet only where all of it has room"),           \
    PARAM_ENUM(type, at.multicast, "fabric.multicast", "unicast", PARAM_NAMES("unicast", "tree"),  \
               NULL, "of routers: tree sends one packet to all cores that get the same token, "    \
               "copied where ways part"),                                                          \
    PARAM_U32(type, at.routing_clk, "fabric.routing_clocks", "clocks", "1", 0, FABRIC_MOST_CLOCKS, \
              "of routers: to find a head's way"),                                                 \
    PARAM_U32(type, at.vc_clk, "fabric.vc_clocks", "clocks", "1", 0, FABRIC_MOST_CLOCKS,           \
              "of routers: to get a virtual channel"),                                             \
    PARAM_U32(type, at.switch_clk, "fabric.switch_clocks", "clocks", "1", 0, FABRIC_MOST_CLOCKS,   \
              "of routers: to win the switch"),                                                    \
    PARAM_U32(type, at.crossbar_clk, "fabric.crossbar_clocks", "clocks", "1", 0,                   \
              FABRIC_MOST_CLOCKS, "of routers: through the switch"),                               \
    PARAM_U32(type, at.link_clk, "fabric.link_clocks", "clocks", "1", 1, FABRIC_MOST_CLOCKS,       \
              "of routers: along a channel to the next"),                                          \
    PARAM_U32(type, at.vc_credit_clk, "fabric.vc_credit_clocks", "clocks", "0", 0,                 \
              FABRIC_MOST_CLOCKS, "of routers: more until a freed place is known"),                \
    PARAM_LIST(type, at.reach_row, at.n_reach_row, "fabric.reach.row", "[1]", 0,                   \
               FABRIC_MOST_SIDE, "of adjacent: places to the right and left that links go to"),    \
    PARAM_LIST(type, at.reach_column, at.n_reach_column, "fabric.reach.column", "[1]", 0,          \
               FABRIC_MOST_SIDE, "of adjacent: places up and down"),                               \
    PARAM_LIST(type, at.reach_diagonal, at.n_reach_diagonal, "fabric.reach.diagonal", "[]", 0,     \
               FABRIC_MOST_SIDE, "of adjacent: places along both diagonals"),                      \
    PARAM_PATH(type, at.links, "fabric.links",                                                     \
               "of adjacent: lines from to [pitches], of places row by row, instead of fabric."    \
               "reach"),                                                                           \
    PARAM_ENUM(type, at.links_are, "fabric.links_are", "both_ways",                                \
               PARAM_NAMES("both_ways", "one_way"), NULL, "of adjacent: those of fabric.links")

#define PLACEMENT_PARAMS(type, at)                                                                 \
    PARAM_NAME(type, at.kind, "placement.kind", "snake",                                           \
               "of placement: listing, snake, greedy, anneal, exact, search or file"),             \
    PARAM_U64(type, at.seed, "placement.seed", "", "1", 0, INT64_MAX, "of placement: of anneal"),  \
    PARAM_U64(type, at.moves, "placement.moves", "", "10000000", 1, 1000000000,                    \
              "of placement: exchanges that anneal tries; steps of search"),                       \
    PARAM_PATH(type, at.file, "placement.file",                                                    \
               "of placement: lines core, row, column: map --table placement --format csv")
/* clang-format on */

#endif
