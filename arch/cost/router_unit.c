/* arch/cost/router_unit.c -- see router_unit.h. */
#include "arch/cost/router_unit.h"

#include <math.h>
#include <stddef.h>

#include "arch/circuits/dff.h"
#include "arch/tech/facts.h"
#include "core/datadir.h"
#include "core/yaml.h"

static const struct fact_row rows[] = {
    { "arbiter_gates", "", offsetof(struct router_facts, arbiter_gates), 1, 1e4,
      "NAND2 of an arbiter for each of its requests", 1 },
    FACT_END
};

static enum err read_facts(struct chip_model *c, const struct yaml *root, struct err_msg *m)
{
    static const char *const none[] = { NULL };
    static const struct yaml empty = { .kind = YAML_MAP };
    const struct yaml *map = yaml_get(root, "routers");
    struct facts_missing missing = { 0 };

    if (map && map->kind != YAML_MAP)
        return yaml_error(map, m, "routers: want a map of numbers with their sources");
    facts_missing_add(&missing, map ? map : &empty, "routers.", rows, 1, NULL);
    enum err e = map ? facts_check_known(map, "routers.", rows, 1, none, m) : ERR_NONE;
    if (!e)
        e = facts_missing_check(&missing, map ? map : root, m);
    return e ? e : facts_change(map, "routers.", rows, 1, none, &c->router, m);
}

enum err router_facts_load(struct chip_model *c, const char *chip, struct err_msg *m)
{
    char path[DATADIR_BYTE];
    struct yaml root;
    enum err e = datadir_find(path, "chips", chip, m);

    c->router = (struct router_facts){ 0 };
    if (!e)
        e = yaml_load(&root, path, m);
    if (e)
        return e;
    e = read_facts(c, &root, m);
    yaml_release(&root);
    return e;
}

/* Stages of multiplexers of two that choose one of n. */
static double stages(double n)
{
    return n > 1 ? ceil(log2(n)) : 0;
}

struct router_unit router_unit(const struct chip_model *c, const struct router_hardware *h)
{
    const struct technology *t = &c->technology;
    const double toggle = c->fact.link_toggle, bits = h->flit_bits, flits = h->vcs * h->vc_flits;
    const double ports = (double)h->n_ports / (double)h->n_router; // of one, in the mean
    const struct gate nand = gate_standard(t, GATE_NAND, 2, gate_widths(t, 2, 1));
    const double nand_pj = (nand.in_pf + nand.out_pf) * t->supply_v * t->supply_v;
    const struct circuit word = dff(t, bits, toggle * bits, 1), bit = dff(t, 1, 1, 1);
    /* Of all: buffers and a latch for each port; gates that choose among them, and arbiters. */
    const double n_dff = (double)h->n_ports * bits * (flits + 1);
    const double n_nand = 3 * bits * ((double)h->n_ports * (flits - 1) + (double)h->n_crosspoints) +
                          2 * (double)h->n_crosspoints * h->vcs * c->router.arbiter_gates;

    return (struct router_unit){
        .write_pj = word.energy_pj,
        .read_pj = 3 * toggle * bits * stages(flits) * nand_pj,
        .traversal_pj = 3 * toggle * bits * stages(ports) * nand_pj + word.energy_pj,
        .allocation_pj = 2 * ports * h->vcs * c->router.arbiter_gates * nand_pj,
        .area_um2 = n_dff * bit.area_um2 + n_nand * gate_area_um2(&nand),
        .leakage_uw = n_dff * bit.leakage_uw + n_nand * nand.leakage_uw,
    };
}
