/* noc/bus.c -- one router that all cores are at, and that passes one packet at a time: n flits and
 * the clocks of its arbiter, fabric.vc_clocks, each. */
#include "noc/fabric.h"

static uint32_t exit_to(const struct graph *g, uint32_t router, uint32_t node)
{
    (void)g;
    (void)router;
    return node;
}

static struct graph_spot middle(const struct graph *g, uint32_t router)
{
    (void)router;
    return (struct graph_spot){ g->columns - 1, g->rows - 1 };
}

static enum err graph(const struct fabric_cfg *cfg, struct graph *g, struct err_msg *m)
{
    uint32_t n = cfg->rows * cfg->columns;
    enum err e = graph_init(g, 1, n, n, m);

    if (e)
        return e;
    g->rows = cfg->rows;
    g->columns = cfg->columns;
    g->serial = true;
    g->exit = exit_to;
    g->spot = middle;
    for (uint32_t i = 0; i < n; i++)
        graph_attach(g, i, i);
    return ERR_NONE;
}

static enum err route(const struct fabric_machine *machine, const struct fabric_link *link,
                      uint32_t n, struct fabric_route *route, struct err_msg *m)
{
    return fabric_route_packets(machine, link, n, route, "bus", m);
}

static uint64_t use(const struct fabric_machine *machine, const struct fabric_route *r,
                    uint64_t bits)
{
    return fabric_clocks(bits, machine->clock_hz, r->rate_bps);
}

const struct fabric fabric_bus = {
    .name = "bus", .doc = "one router, one packet at a time", .place = fabric_square,
    .route = route, .use = use, .build = fabric_build_channels, .graph = graph,
};
