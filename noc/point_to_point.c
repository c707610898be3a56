/* noc/point_to_point.c -- ideal links: every stream has one of its own, nothing is shared.
 *
 * The article assumes such a fabric (section 2.4): any core reaches any other within one timestep.
 */
#include "noc/fabric.h"

static enum err route(const struct fabric_machine *machine, const struct fabric_link *link,
                      uint32_t n, struct fabric_route *out, struct err_msg *m)
{
    (void)m; // carries whatever is asked
    for (uint32_t i = 0; i < n; i++)
        out[i] = link[i].payload == FABRIC_PIXELS
                     ? (struct fabric_route){ machine->link_bps, machine->hop_timesteps }
                     : (struct fabric_route){ machine->partial_sum_bps, machine->partial_sum_hops };
    return ERR_NONE;
}

static uint64_t use(const struct fabric_machine *machine, const struct fabric_route *r,
                    uint64_t bits)
{
    return fabric_clocks(bits, machine->clock_hz, r->rate_bps);
}

const struct fabric fabric_point_to_point = {
    .name = "point_to_point",
    .doc = "ideal: a link of its own for every stream",
    .place = fabric_square,
    .route = route,
    .use = use,
    .build = fabric_build_channels,
};
