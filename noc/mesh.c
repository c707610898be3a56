/* noc/mesh.c -- rows and columns of routers, a core at each; along the row first, then along the
 * column (XY), which cannot close a circle. */
#include "noc/fabric.h"

enum { LEFT, RIGHT, UP, DOWN, NODE, N_PORT };

static uint32_t exit_xy(const struct graph *g, uint32_t router, uint32_t node)
{
    uint32_t x = router % g->columns, y = router / g->columns;
    uint32_t to_x = node % g->columns, to_y = node / g->columns;

    if (x != to_x)
        return x < to_x ? RIGHT : LEFT;
    if (y != to_y)
        return y < to_y ? DOWN : UP;
    return NODE;
}

static enum err graph(const struct fabric_cfg *cfg, struct graph *g, struct err_msg *m)
{
    uint32_t n = cfg->rows * cfg->columns;
    enum err e = graph_init(g, n, N_PORT, n, m);

    if (e)
        return e;
    g->rows = cfg->rows;
    g->columns = cfg->columns;
    g->exit = exit_xy;
    for (uint32_t i = 0; i < n; i++) {
        graph_attach(g, i, i * N_PORT + NODE);
        if (i % g->columns + 1 < g->columns)
            graph_join(g, i * N_PORT + RIGHT, (i + 1) * N_PORT + LEFT);
        if (i + g->columns < n)
            graph_join(g, i * N_PORT + DOWN, (i + g->columns) * N_PORT + UP);
    }
    return ERR_NONE;
}

static enum err route(const struct fabric_machine *machine, const struct fabric_link *link,
                      uint32_t n, struct fabric_route *route, struct err_msg *m)
{
    return fabric_route_packets(machine, link, n, route, "mesh", m);
}

static uint64_t use(const struct fabric_machine *machine, const struct fabric_route *r,
                    uint64_t bits)
{
    return fabric_clocks(bits, machine->clock_hz, r->rate_bps);
}

const struct fabric fabric_mesh = {
    .name = "mesh", .doc = "rows and columns of routers, XY", .place = fabric_square,
    .route = route, .use = use, .build = fabric_build_channels, .graph = graph,
};
