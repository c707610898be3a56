/* noc/tree.c -- an H-tree of routers over rows and columns of cores: up to the first router that
 * has both ends below it, and down.
 *
 * A router covers a block of places, and its parent one that is twice as wide or as high; with an
 * arity of 4 both. A side that covers the grid grows no more, the other does instead. Levels are
 * numbered from the routers that cores are at, those of a level row by row; at a router the ports
 * below come first, in the order of their blocks, then that to its parent. Channels up wait for
 * channels up and down, those down for channels down alone, so that no circle closes. */
#include "core/util.h"
#include "noc/fabric.h"

struct level {
    uint32_t first;         // router of it
    uint32_t high, wide;    // places that a block covers
    uint32_t child_high, child_wide; // of the level below
    uint32_t across;        // blocks in a row
    uint32_t n;             // routers
};

static uint32_t blocks(uint32_t side, uint32_t block)
{
    return (uint32_t)ceil_div(side, block);
}

static void grow(const struct graph *g, struct level *l)
{
    bool covers_row = l->wide >= g->columns, covers_column = l->high >= g->rows;

    if (covers_column || (!covers_row && l->wide <= l->high))
        l->wide *= 2;
    else
        l->high *= 2;
}

/* Of a level's blocks those of the level above; of {0} the first level. */
static struct level above(const struct graph *g, const struct level *below)
{
    struct level l = { .first = below->first + below->n, .high = max_u32(1, below->high),
                       .wide = max_u32(1, below->wide) };

    l.child_high = l.high;
    l.child_wide = l.wide;
    for (uint32_t i = 1; i < g->arity; i *= 2)
        grow(g, &l);
    l.across = blocks(g->columns, l.wide);
    l.n = l.across * blocks(g->rows, l.high);
    return l;
}

/* Which child of its router a place is below. */
static uint32_t child_of(const struct level *l, uint32_t row, uint32_t column)
{
    return row % l->high / l->child_high * (l->wide / l->child_wide) +
           column % l->wide / l->child_wide;
}

/* The level that a router is of. */
static struct level level_of(const struct graph *g, uint32_t router)
{
    struct level l = above(g, &(struct level){ 0 });

    while (router >= l.first + l.n)
        l = above(g, &l);
    return l;
}

static uint32_t exit_tree(const struct graph *g, uint32_t router, uint32_t node)
{
    const struct level l = level_of(g, router);
    uint32_t row = node / g->columns, column = node % g->columns;

    if (l.first + row / l.high * l.across + column / l.wide != router)
        return g->arity; // up
    return child_of(&l, row, column);
}

/* In the middle of the places that its block has. */
static struct graph_spot middle(const struct graph *g, uint32_t router)
{
    const struct level l = level_of(g, router);
    uint32_t x = (router - l.first) % l.across * l.wide, y = (router - l.first) / l.across * l.high;

    return (struct graph_spot){ x + min_u32(x + l.wide, g->columns) - 1,
                                y + min_u32(y + l.high, g->rows) - 1 };
}

/* Joins the routers of a level to those above. */
static void join(struct graph *g, const struct level *l, const struct level *parents)
{
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t row = i / l->across * l->high, column = i % l->across * l->wide;
        uint32_t parent = parents->first + row / parents->high * parents->across +
                          column / parents->wide;
        graph_join(g, (l->first + i) * g->n_port + g->arity,
                   parent * g->n_port + child_of(parents, row, column));
    }
}

static enum err graph(const struct fabric_cfg *cfg, struct graph *g, struct err_msg *m)
{
    static const uint32_t arity[] = { [ARITY_2] = 2, [ARITY_4] = 4 };
    struct graph shape = { .rows = cfg->rows, .columns = cfg->columns, .arity = arity[cfg->arity] };
    const struct level leaves = above(&shape, &(struct level){ 0 });
    struct level root = leaves;

    while (root.n > 1)
        root = above(&shape, &root);
    enum err e = graph_init(g, root.first + 1, shape.arity + 1, cfg->rows * cfg->columns, m);
    if (e)
        return e;
    g->rows = shape.rows;
    g->columns = shape.columns;
    g->arity = shape.arity;
    g->exit = exit_tree;
    g->spot = middle;
    for (uint32_t i = 0; i < g->n_node; i++) {
        uint32_t row = i / g->columns, column = i % g->columns;
        uint32_t router = row / leaves.high * leaves.across + column / leaves.wide;
        graph_attach(g, i, router * g->n_port + child_of(&leaves, row, column));
    }
    for (struct level l = leaves; l.n > 1; l = above(g, &l)) {
        const struct level parents = above(g, &l);
        join(g, &l, &parents);
    }
    return ERR_NONE;
}

static enum err route(const struct fabric_machine *machine, const struct fabric_link *link,
                      uint32_t n, struct fabric_route *route, struct err_msg *m)
{
    return fabric_route_packets(machine, link, n, route, "tree", m);
}

static uint64_t use(const struct fabric_machine *machine, const struct fabric_route *r,
                    uint64_t bits)
{
    return fabric_clocks(bits, machine->clock_hz, r->rate_bps);
}

const struct fabric fabric_tree = {
    .name = "tree", .doc = "an H-tree of routers, up and down", .keys = "fabric.arity",
    .place = fabric_square, .route = route, .use = use, .build = fabric_build_channels,
    .graph = graph,
};
