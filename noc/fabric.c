/* noc/fabric.c -- see fabric.h. */
#include "noc/fabric.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err fabric_find(const struct fabric **f, const char *name, struct err_msg *m)
{
    for (const struct fabric *const *p = fabrics; *p; p++)
        if (strcmp((*p)->name, name) == 0) {
            *f = *p;
            return ERR_NONE;
        }

    char known[256];
    size_t n = 0;
    for (const struct fabric *const *p = fabrics; *p && n < sizeof known; p++)
        n += (size_t)snprintf(&known[n], sizeof known - n, "%s%s", n ? ", " : "", (*p)->name);
    return err_set(m, ERR_INPUT, "fabric.kind = %s: want one of %s", name, known);
}

/* ---- floorplan ---- */

struct fabric_place fabric_square(uint32_t n_core, uint32_t core)
{
    uint32_t side = (uint32_t)ceil(sqrt(n_core));

    return (struct fabric_place){ core % side, core / side };
}

static uint32_t apart(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

uint32_t fabric_distance(const struct fabric *f, uint32_t n_core, uint32_t from, uint32_t to)
{
    if (from == FABRIC_EDGE || to == FABRIC_EDGE)
        return f->place(n_core, from == FABRIC_EDGE ? to : from).x + 1;
    struct fabric_place a = f->place(n_core, from), b = f->place(n_core, to);
    return apart(a.x, b.x) + apart(a.y, b.y);
}

/* ---- time ---- */

uint64_t fabric_clocks(uint64_t bits, uint64_t clock_hz, uint64_t rate_bps)
{
    __extension__ typedef unsigned __int128 u128; // bits * clock_hz passes 64 bits

    uint64_t product;

    assert(rate_bps > 0);
    if (!__builtin_mul_overflow(bits, clock_hz, &product)) // mostly, and much faster
        return product / rate_bps + (product % rate_bps != 0);
    u128 n = (u128)bits * clock_hz;
    u128 clocks = n / rate_bps + (n % rate_bps != 0);
    return clocks < UINT64_MAX ? (uint64_t)clocks : UINT64_MAX;
}

/* ---- routers ---- */

enum err fabric_never_waits(const char *name, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "fabric.kind = %s: its channels are shared, and under "
                   "clocking.kind = timestep no stream waits: want clocking.kind = elastic, or "
                   "fabric.kind = point_to_point; imcsim %s", name,
                   strcmp(name, fabric_adjacent.name) == 0 ? "map finds places for cores"
                                                           : "fabric drives it alone");
}

enum err fabric_route_packets(const struct fabric_machine *machine, const struct fabric_link *link,
                              uint32_t n, struct fabric_route *route, const char *name,
                              struct err_msg *m)
{
    if (!machine->waits)
        return fabric_never_waits(name, m);
    for (uint32_t i = 0; i < n; i++) {
        bool edge = link[i].from == FABRIC_EDGE || link[i].to == FABRIC_EDGE;
        route[i] = (struct fabric_route){ edge ? machine->link_bps : machine->flit_bps, 1 };
    }
    return ERR_NONE;
}

struct router_spec fabric_router_spec(const struct fabric_cfg *c)
{
    return (struct router_spec){ .vcs = c->vcs,
                                 .vc_flits = c->vc_flits,
                                 .routing_clk = c->routing_clk,
                                 .vc_clk = c->vc_clk,
                                 .switch_clk = c->switch_clk,
                                 .crossbar_clk = c->crossbar_clk,
                                 .link_clk = c->link_clk,
                                 .credit_clk = c->vc_credit_clk,
                                 .cut_through = c->switching == SWITCHING_CUT_THROUGH };
}

/* ---- channels ---- */

bool fabric_build_channels(struct fabric_net *net, struct fabric_wire *wire, uint32_t n)
{
    net->chan = calloc(n, sizeof *net->chan);
    if (!net->chan)
        return false;
    for (; net->n_chan < n; net->n_chan++) {
        struct fabric_wire *w = &wire[net->n_chan];
        w->tx = w->rx = &net->chan[net->n_chan];
        if (!chan_init(w->tx, w->path, w->from, w->to, w->route.hops + 2 + w->more, w->bytes))
            return false;
    }
    return true;
}

void fabric_net_release(struct fabric_net *net)
{
    for (uint32_t i = 0; i < net->n_chan; i++)
        chan_release(&net->chan[i]);
    for (uint32_t i = 0; i < net->n_block; i++)
        free(net->block[i]);
    free(net->chan);
    free(net->block);
    *net = (struct fabric_net){ 0 };
}
