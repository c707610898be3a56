/* arch/cost/router_unit.h -- what the routers of a chip cost per action (noc/router.h), and the
 * wires of its channels.
 *
 *     write       a flit into flip-flops of its width, of which link_toggle change
 *     read        out of vcs x vc_flits of them: a stage of three NAND2 a bit for each doubling
 *     traversal   through the switch, as many stages as double its ports, into a latch
 *     allocation  two arbiters, of a port's requests and of an output's: for each request that they
 *                 may see, arbiter_gates NAND2
 *     bit and mm  of a channel: a repeated wire, as of the links between cores
 *
 * Buffers are clocked when they are written and at no other time. Circuits come from arch/circuits
 * at the chip's technology; what no circuit says is in the chip's file, section `routers`, with its
 * origin. Not modelled: wires inside a router, its clock tree. docs/fabrics.md.
 */
#ifndef ARCH_COST_ROUTER_UNIT_H
#define ARCH_COST_ROUTER_UNIT_H

#include <stdint.h>

#include "arch/cost/chip_model.h"

struct router_hardware { // of all routers
    uint32_t flit_bits, vcs, vc_flits;
    uint64_t n_router;
    uint64_t n_ports;       // that lead somewhere
    uint64_t n_crosspoints; // of every router, its ports by its ports
};

struct router_unit {
    double write_pj, read_pj, traversal_pj, allocation_pj; // a flit; a virtual channel granted
    double area_um2, leakage_uw; // of all routers
};

/* Reads section `routers` of a chip's file (for core/datadir.h) into c->router. ERR_INPUT: what of
 * it lacks. */
enum err router_facts_load(struct chip_model *c, const char *chip, struct err_msg *m);

/* Needs c->router. */
struct router_unit router_unit(const struct chip_model *c, const struct router_hardware *h);

#endif
