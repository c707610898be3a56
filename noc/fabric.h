/* noc/fabric.h -- how long the fabric takes for what the cores send each other.
 *
 * A fabric is told every link that the plan needs, with the bits that each carries in its worst
 * timestep, and answers for each: its rate, the clocks that those bits take on it, and the
 * timesteps until they are there. It sees all links at once, so that one that shares wires can
 * route them and divide the rates. Whether the clocks fit a timestep is the plan's check.
 *
 * A fabric knows cores by number and nothing of layers. docs/models/fabric.md has the equations.
 */
#ifndef NOC_FABRIC_H
#define NOC_FABRIC_H

#include <stdint.h>

#include "core/err.h"

#define FABRIC_EDGE UINT32_MAX // stands for a core: outside the chip

enum fabric_payload { FABRIC_PIXELS, FABRIC_PARTIAL_SUMS };

struct fabric_link {
    uint32_t            from, to; // cores, or FABRIC_EDGE
    enum fabric_payload payload;
    uint64_t            bits; // in the worst timestep
};

struct fabric_use {
    uint64_t rate_bps;
    uint64_t clocks; // that the bits of the worst timestep take
    uint32_t hops;   // sent in timestep t, they are used in t + hops
};

struct fabric_rates { // as configured
    uint64_t clock_hz;
    uint64_t link_bps, partial_sum_bps; // at least 1
    uint32_t hop_timesteps, partial_sum_hops;
};

/* One fabric: one file, one row of fabrics[]. */
struct fabric {
    const char *name; // "point_to_point"
    const char *doc;
    /* Fills use[i] for each of n links. ERR_INPUT when the fabric cannot carry them. */
    enum err (*carry)(const struct fabric_rates *r, const struct fabric_link *link, uint32_t n,
                      struct fabric_use *use, struct err_msg *m);
};

extern const struct fabric fabric_point_to_point;
extern const struct fabric *const fabrics[]; // ends with NULL

/* ERR_INPUT lists the names that exist; the caller puts the place before it. */
enum err fabric_find(const struct fabric **f, const char *name, struct err_msg *m);

/* ceil(bits * clock_hz / rate_bps), UINT64_MAX when it does not fit. */
uint64_t fabric_clocks(uint64_t bits, uint64_t clock_hz, uint64_t rate_bps);

#endif
