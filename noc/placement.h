/* noc/placement.h -- which core sits where on a fabric that has a graph.
 *
 * A placement costs the sum over all flows of bits an image times hops, routers from one core's to
 * the other's; where the fabric knows no way between two, as many hops as it has nodes. Flows that
 * are one packet, copied where their ways part, have a hop for each channel of the union of their
 * ways, and load it once. Of two that
 * cost the same, the one whose busiest channel carries less is better, then the one with the lower
 * positions, cores in the order of the pipeline. Nothing but the numbers given decides: same input,
 * same placement. docs/fabrics.md.
 */
#ifndef NOC_PLACEMENT_H
#define NOC_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "noc/graph.h"

#define PLACEMENT_NOBODY UINT32_MAX // of core[]; not placed yet, of node[]

enum { PLACEMENT_MOST_NODES = 1024, PLACEMENT_MOST_EXACT = 12 };

struct placement_flow { // between cores
    uint32_t from, to;
    uint64_t bits; // an image
};

/* How far a placement is that tries many: told now and then. */
typedef void placement_progress(void *user, uint64_t done, uint64_t n);

struct placement_task {
    const struct graph          *graph;
    const struct placement_flow *flow;
    uint32_t                     n_flow, n_core;
    /* By flow: the first of those that are one packet, itself if it is alone. They have a core that
     * sends them and bits in common, go to different ones, and the graph has ways for all of them.
     * NULL: each is alone. */
    const uint32_t              *with;
    const uint32_t              *order; // cores as the pipeline has them
    const char *const           *name;  // of cores
    const char                  *fabric; // its name
    uint64_t                     seed, moves;
    const uint32_t              *given; // of file: node by core; else NULL
    placement_progress          *progress; // of moves; NULL: nobody is told
    void                        *user;     // who
};

struct placement {
    uint32_t *node; // owned; by core
    uint32_t *hops; // owned; by flow; PLACEMENT_NOBODY: there is no way
    uint64_t *load; // owned; bits an image, by port of the graph
    uint64_t  bit_hops, busiest; // busiest: of the channels between routers
    uint64_t  channels;          // hops of all packets
    uint32_t  n_apart;           // flows between cores without a way
};

/* ---- ways of placing: one file each, one row of placement_policies[] ---- */

struct placement_partner {
    uint32_t core;
    bool     sends; // to the one whose partner it is, else it is sent to
    uint64_t bits;  // of one flow
    uint32_t flow;
};

struct placement_work { // what a policy works on
    const struct placement_task *task;
    uint32_t                  n;        // nodes
    uint32_t                 *distance; // n x n, hops
    struct placement_partner *partner;  // by core, from first[core] on
    uint32_t                 *first;    // n_core + 1
    uint32_t                 *node;     // by core: filled
    uint32_t                 *core;     // by node
    uint64_t                 *load;     // scratch; by port
    uint32_t                 *lead;     // by flow: the first of its packet; PLACEMENT_NOBODY: alone
    uint32_t                 *next;     // by flow: the next of its packet, PLACEMENT_NOBODY: none
    uint64_t                 *seen;     // by port: the walk that took it last
    uint64_t                  n_walk;
};

struct placement_policy {
    const char *name, *doc;
    const char *keys;  // of the configuration, that not all read; NULL: none
    bool        given; // places are read from placement.file
    /* Places every core. ERR_INPUT says why it cannot. */
    enum err (*place)(struct placement_work *w, struct err_msg *m);
};

/* A new way of placing is its file and a row here. */
#define PLACEMENT_POLICIES(X)                                                                      \
    X(placement_listing) X(placement_snake) X(placement_greedy) X(placement_anneal)                \
    X(placement_exact) X(placement_search) X(placement_file)
#define PLACEMENT_POLICY(name) extern const struct placement_policy name;
PLACEMENT_POLICIES(PLACEMENT_POLICY)
#undef PLACEMENT_POLICY
extern const struct placement_policy *const placement_policies[]; // placements.c; ends with NULL

/* ERR_INPUT lists the names that exist; the caller puts the place before it. */
enum err placement_find(const struct placement_policy **p, const char *name, struct err_msg *m);

/* Whether the fabric has places for all cores, and no more than a placement takes; if not,
 * placement_make() says what is wrong with fabric.rows and fabric.columns. */
bool placement_fits(const struct placement_task *t);

enum err placement_make(struct placement *p, const struct placement_task *t,
                        const struct placement_policy *policy, struct err_msg *m);
void placement_release(struct placement *p); // takes a zeroed one

/* ---- what policies share ---- */

void placement_put(struct placement_work *w, uint32_t core, uint32_t node);

/* Bit-hops that a core at a node adds to those of its partners that are placed; those of flows that
 * are alone. */
uint64_t placement_cost_at(struct placement_work *w, uint32_t core, uint32_t node);
uint64_t placement_cost_alone_at(const struct placement_work *w, uint32_t core, uint32_t node);
uint64_t placement_cost(struct placement_work *w);

/* Fills w->load[] with what every channel carries; returns the most between two routers. */
uint64_t placement_loads(struct placement_work *w);

#endif
