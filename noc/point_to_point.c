/* noc/point_to_point.c -- ideal links: every stream has one of its own, nothing is shared.
 *
 * The article assumes such a fabric (section 2.4): any core reaches any other within one timestep.
 */
#include <stdbool.h>

#include "noc/fabric.h"

static struct fabric_use use_of(const struct fabric_rates *r, const struct fabric_link *l)
{
    bool pixels = l->payload == FABRIC_PIXELS;
    uint64_t rate_bps = pixels ? r->link_bps : r->partial_sum_bps;

    return (struct fabric_use){
        .rate_bps = rate_bps,
        .clocks = fabric_clocks(l->bits, r->clock_hz, rate_bps),
        .hops = pixels ? r->hop_timesteps : r->partial_sum_hops,
    };
}

static enum err carry(const struct fabric_rates *r, const struct fabric_link *link, uint32_t n,
                      struct fabric_use *use, struct err_msg *m)
{
    (void)m; // carries whatever is asked
    for (uint32_t i = 0; i < n; i++)
        use[i] = use_of(r, &link[i]);
    return ERR_NONE;
}

const struct fabric fabric_point_to_point = {
    .name = "point_to_point",
    .doc = "ideal: a link of its own for every stream",
    .carry = carry,
};
