/* dataflow/mapper_options.c -- the ways to map each layer that its cores' budgets allow.
 *
 * An option is held to every budget that does not depend on other layers, in its worst case, a
 * firing of all its replicas: rows and columns of the array, the digital processor, each stream of
 * pixels and of partial sums, and the SRAM for the columns of one patch. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/util.h"
#include "dataflow/mapper.h"
#include "dataflow/mapping.h"
#include "dataflow/plan_internal.h"

/* What stopped a layer's mappings, of those that came furthest: for the error when none is left. */
enum obstacle {
    OBSTACLE_ROWS,
    OBSTACLE_DIGITAL,
    OBSTACLE_SUMS,
    OBSTACLE_LINK,
    OBSTACLE_SRAM,
    FITS
};

struct maker {
    struct mapper *mp;
    uint32_t       layer;
    uint32_t       room;      // options allocated
    uint32_t       most_cores; // of an option
    uint64_t       timestep_clk;
    enum obstacle  furthest;
    uint64_t       need; // of what stopped it: rows, lanes, bit/s or words
};

static uint64_t link_clk(const struct maker *mk, uint64_t bits, uint64_t bps)
{
    return ceil_div(bits * mk->mp->config->clock_mhz * 1000000, bps);
}

/* Least bit/s that carry so many bits in a timestep. */
static uint64_t least_bps(const struct maker *mk, uint64_t bits)
{
    return ceil_div(bits * mk->mp->config->clock_mhz * 1000000, mk->timestep_clk);
}

/* Bits of the largest stream of pixels that one firing makes, or that feeds its sums. */
static uint64_t pixel_bits(const struct maker *mk, const struct mapper_option *o, uint32_t outputs)
{
    const struct plan_layer *pl = &mk->mp->plan.layer[mk->layer];
    const struct layer *l = plan_network_layer(&mk->mp->plan, mk->layer);
    uint64_t out = 8 * ceil_div(l->out.channels, o->groups);
    uint64_t in = 8 * ceil_div(l->in.channels, o->parts);
    uint64_t bits = l->has_residual || !l->pooled ? out * outputs : out;

    if (mk->layer + 1 == mk->mp->n_layer && !l->has_residual)
        bits = 0; // the result leaves the chip
    return pl->feed == FEED_READ_BACK ? max_u64(bits, in * outputs) : bits;
}

/* Words of the SRAM that so many columns take. */
static uint64_t column_words(const struct maker *mk, const struct mapper_option *o,
                             uint32_t columns)
{
    const struct plan *p = &mk->mp->plan;
    const struct memory_cfg *memory = &mk->mp->config->memory;
    uint32_t channels =
        (uint32_t)ceil_div(plan_network_layer(p, mk->layer)->in.channels, o->parts);
    struct memory_shape shape = {
        .pixel_bytes = channels,
        .height = p->layer[mk->layer].in_height,
        .columns = columns,
        .kernel_columns = plan_kernel_columns(p, mk->layer),
        .word_bytes = memory->word_bits / 8,
    };
    struct memory_layout layout;

    memory_layout_init(&layout, &shape, plan_placing(memory, channels));
    return memory_used_words(&layout);
}

static enum obstacle obstacle(const struct maker *mk, const struct mapper_option *o,
                              uint64_t *need)
{
    const struct config *c = mk->mp->config;
    const struct layer *l = plan_network_layer(&mk->mp->plan, mk->layer);
    uint32_t outputs = o->firing == &fire_block ? o->replicas.width * o->replicas.height
                                                : o->replicas.n;
    uint64_t values = outputs * ceil_div(l->out.channels, o->groups);

    *need = o->replicas.positions;
    if (o->parts == 0)
        return OBSTACLE_ROWS;
    uint64_t bits = pixel_bits(mk, o, outputs);
    *need = ceil_div(values, mk->timestep_clk);
    if (*need > c->digital.lanes)
        return OBSTACLE_DIGITAL;
    *need = least_bps(mk, 32 * values);
    if (o->parts > 1 && link_clk(mk, 32 * values, c->fabric.partial_sum_bps) > mk->timestep_clk)
        return OBSTACLE_SUMS;
    *need = least_bps(mk, bits);
    if (link_clk(mk, bits, c->fabric.link_bps) > mk->timestep_clk)
        return OBSTACLE_LINK;
    *need = column_words(mk, o, plan_kernel_columns(&mk->mp->plan, mk->layer));
    return *need > c->memory.words ? OBSTACLE_SRAM : FITS;
}

static uint32_t most_columns(const struct maker *mk, const struct mapper_option *o)
{
    uint32_t columns = plan_kernel_columns(&mk->mp->plan, mk->layer);

    while (columns < mk->mp->plan.layer[mk->layer].in_width &&
           column_words(mk, o, columns + 1) <= mk->mp->config->memory.words)
        columns++;
    return columns;
}

/* Where pixels share words, 0. */
static uint32_t pixel_words(const struct maker *mk, const struct mapper_option *o)
{
    const struct memory_cfg *memory = &mk->mp->config->memory;
    const struct layer *l = plan_network_layer(&mk->mp->plan, mk->layer);
    uint32_t channels = l->in.channels / o->parts; // of the smaller shares

    if (plan_placing(memory, channels) != &place_plip)
        return 0;
    return (uint32_t)ceil_div(channels, memory->word_bits / 8);
}

static bool add(struct maker *mk, const struct mapper_option *o)
{
    struct mapper_layer *l = &mk->mp->layer[mk->layer];

    if (l->n_option == mk->room) {
        uint32_t room = mk->room ? 2 * mk->room : 16;
        struct mapper_option *more = realloc(l->option, room * sizeof *more);
        if (!more)
            return false;
        l->option = more;
        mk->room = room;
    }
    l->option[l->n_option++] = *o;
    return true;
}

/* The options of n replicas in blocks of some width: one for each number of copies. */
static bool add_copies(struct maker *mk, uint32_t n, uint32_t width)
{
    const struct plan *p = &mk->mp->plan;
    const struct layer *l = plan_network_layer(p, mk->layer);
    const struct crossbar_cfg *array = &mk->mp->config->crossbar;
    const struct firing_policy *firing = firing_find(mk->mp->config->mapping.firing);
    struct mapper_option o = {
        .replicas = replicas_make(&p->layer[mk->layer].window, n, width),
        .firing = width > 1 && firing == &fire_column ? &fire_block : firing,
    };
    struct cut cut = layer_cut(l, &o.replicas, array->rows, array->columns);
    o.parts = cut.parts;
    o.groups = cut.groups;
    uint64_t need;
    enum obstacle stops = obstacle(mk, &o, &need);
    if (stops > mk->furthest || (stops == mk->furthest && need < mk->need)) {
        mk->furthest = stops;
        mk->need = need;
    }
    if (stops != FITS)
        return true;

    o.memory_columns = most_columns(mk, &o);
    o.pixel_words = pixel_words(mk, &o);
    struct firing_shape shape = mapper_firing_shape(l, &o);
    uint32_t strips = l->pooled ? 1 : firing_strips(o.firing, &shape);
    for (uint32_t copies = 1; copies <= strips; copies++) {
        uint64_t cores = (uint64_t)o.parts * o.groups * copies;
        if (cores > mk->most_cores && copies > 1)
            break;
        shape.copies = o.copies = copies;
        o.cores = (uint32_t)cores;
        o.firings = o.firing->firings(&shape);
        if (!add(mk, &o))
            return false;
    }
    return true;
}

/* Blocks of full rows; where a budget does not allow that, with a few replicas more, which compute
 * nothing but may split the layer into groups that it does allow. */
static bool add_block(struct maker *mk, uint32_t width, uint32_t height)
{
    const struct mapper_layer *l = &mk->mp->layer[mk->layer];
    uint32_t before = l->n_option, most = mk->mp->config->crossbar.columns;

    for (uint32_t n = width * height; n < width * (height + 1) && n <= most; n++)
        if (l->n_option == before && !add_copies(mk, n, width))
            return false;
    return true;
}

static int by_cores(const void *a, const void *b)
{
    const struct mapper_option *x = a, *y = b;

    if (x->cores != y->cores)
        return x->cores < y->cores ? -1 : 1;
    if (x->firings != y->firings)
        return x->firings < y->firings ? -1 : 1;
    if (x->replicas.width != y->replicas.width)
        return x->replicas.width < y->replicas.width ? -1 : 1;
    return (x->replicas.n > y->replicas.n) - (x->replicas.n < y->replicas.n);
}

/* Whether a is never later than b and takes no more cores. With g(p) the outputs of a copy that are
 * done one firing after p of them were, if all inputs are there, it is enough that g of a is
 * nowhere below g of b, and neither falls: then a is not behind after any timestep if it was not
 * before it. This is so for more replicas in a column or anywhere; of blocks if the ends of a's are
 * ends of b's. */
static bool dominates(const struct mapper_option *a, const struct mapper_option *b)
{
    if (a->firing != b->firing || a->copies != b->copies || a->cores > b->cores ||
        a->parts > b->parts || a->replicas.width != b->replicas.width)
        return false;
    return a->firing == &fire_block ? a->replicas.height % b->replicas.height == 0
                                    : a->replicas.n >= b->replicas.n;
}

static void mark_dominated(struct mapper_layer *l)
{
    for (uint32_t i = 0; i < l->n_option; i++)
        for (uint32_t k = 0; k < l->n_option && !l->option[i].dominated; k++)
            l->option[i].dominated = k != i && !l->option[k].dominated &&
                                     dominates(&l->option[k], &l->option[i]);
}

static enum err nothing_fits(const struct maker *mk, struct err_msg *m)
{
    const struct config *c = mk->mp->config;
    const char *name = plan_layer_name(&mk->mp->plan, mk->layer);

    switch (mk->furthest) {
    case OBSTACLE_DIGITAL:
        return err_set(m, ERR_INPUT, "layer %s cannot be mapped: core.digital.lanes = %" PRIu32
                       ": a firing needs %" PRIu64, name, c->digital.lanes, mk->need);
    case OBSTACLE_SUMS:
    case OBSTACLE_LINK: {
        bool sums = mk->furthest == OBSTACLE_SUMS;
        uint64_t bps = sums ? c->fabric.partial_sum_bps : c->fabric.link_bps;
        return err_set(m, ERR_INPUT, "layer %s cannot be mapped: fabric.%s = %s: a firing needs %s",
                       name, sums ? "partial_sum_gbps" : "link_gbps", param_rate_text(bps).text,
                       param_rate_text(mk->need).text);
    }
    case OBSTACLE_SRAM:
        return err_set(m, ERR_INPUT, "layer %s cannot be mapped: core.input_memory.words = %" PRIu32
                       ": a patch needs %" PRIu64, name, c->memory.words, mk->need);
    case OBSTACLE_ROWS: // plan_layers() refused it
    case FITS:
        break;
    }
    assert(!"it fits");
    return ERR_INPUT;
}

static enum err make_options(struct maker *mk, struct err_msg *m)
{
    struct mapper_layer *ml = &mk->mp->layer[mk->layer];
    const struct layer *l = plan_network_layer(&mk->mp->plan, mk->layer);
    bool blocks = firing_find(mk->mp->config->mapping.firing) != &fire_free &&
                  l->window.dilation[0] == 1 && l->window.dilation[1] == 1;
    uint32_t columns = mk->mp->config->crossbar.columns, widest = blocks ? l->out.width : 1;

    mk->room = 0;
    mk->furthest = OBSTACLE_ROWS;
    mk->need = UINT64_MAX;
    for (uint32_t width = 1; width <= min_u32(widest, columns); width++)
        for (uint32_t height = 1; height <= min_u32(l->out.height, columns / width); height++)
            if (!add_block(mk, width, height))
                return err_set(m, ERR_MEMORY, "no memory for the mapper");
    if (ml->n_option == 0)
        return nothing_fits(mk, m);
    qsort(ml->option, ml->n_option, sizeof *ml->option, by_cores);
    ml->least = ml->option[0].cores;
    if (mk->most_cores > 0) // not the first pass
        mark_dominated(ml);
    return ERR_NONE;
}

/* Fewest cores of a layer, which is that of one copy (most_cores is 0): a first pass, so that the
 * second knows what one layer can have beside the others. */
static enum err count_least(struct mapper *mp, struct maker *mk, struct err_msg *m)
{
    uint64_t least = 0;

    mk->most_cores = 0;
    for (mk->layer = 0; mk->layer < mp->n_layer; mk->layer++) {
        enum err e = make_options(mk, m);
        if (e)
            return e;
        least += mp->layer[mk->layer].least;
        free(mp->layer[mk->layer].option);
        mp->layer[mk->layer] = (struct mapper_layer){ .least = mp->layer[mk->layer].least };
    }
    if (least > mp->config->chip_cores)
        return err_set(m, ERR_INPUT,
                       "%.400s: chip.cores = %" PRIu32 ": every mapping of %s onto arrays of %"
                       PRIu32 " x %" PRIu32 " takes at least %" PRIu64 " cores, %" PRIu64
                       " more: want chip.cores = %" PRIu64 " or larger arrays",
                       config_where(mp->config, "chip.cores"), mp->config->chip_cores,
                       mp->network->name, mp->config->crossbar.rows, mp->config->crossbar.columns,
                       least, least - mp->config->chip_cores, least);
    mp->least_cores = (uint32_t)least;
    return ERR_NONE;
}

static enum err make_all(struct mapper *mp, struct err_msg *m)
{
    struct maker mk = { .mp = mp };
    enum err e = network_check(mp->network, m);

    if (!e)
        e = plan_layers(&mp->plan, m);
    if (!e && !plan_placing(&mp->config->memory, 1))
        e = plan_refuse_placing(&mp->plan, m);
    if (e)
        return e;
    if (!config_clocks(mp->config->timestep_ns, mp->config->clock_mhz, &mk.timestep_clk))
        return err_set(m, ERR_INPUT, "clocking.timestep_ns is not a whole number of clocks");
    mp->n_layer = mp->plan.n_layer;
    mp->layer = calloc(mp->n_layer, sizeof *mp->layer);
    if (!mp->layer)
        return err_set(m, ERR_MEMORY, "no memory for the mapper");
    e = count_least(mp, &mk, m);
    for (mk.layer = 0; !e && mk.layer < mp->n_layer; mk.layer++) {
        mk.most_cores = mp->config->chip_cores - mp->least_cores + mp->layer[mk.layer].least;
        e = make_options(&mk, m);
    }
    return e;
}

enum err mapper_init(struct mapper *mp, const struct network *network, const struct config *config,
                     struct err_msg *m)
{
    const struct mapping_cfg *cfg = &config->mapping;
    const struct count_map *given = cfg->replicas.n_entry      ? &cfg->replicas
                                    : cfg->copies.n_entry      ? &cfg->copies
                                    : cfg->block_width.n_entry ? &cfg->block_width
                                                               : NULL;

    *mp = (struct mapper){ .network = network, .config = config,
                           .plan = { .network = network, .config = config } };
    if (given)
        return err_set(m, ERR_INPUT, "%.400s: mapping.optimize and mapping.policy choose replicas, "
                       "copies and block widths: want either these or one of them",
                       given->entry[0].where);
    enum err e = make_all(mp, m);
    if (e)
        mapper_release(mp);
    return e;
}

void mapper_release(struct mapper *mp)
{
    for (uint32_t i = 0; mp->layer && i < mp->n_layer; i++)
        free(mp->layer[i].option);
    free(mp->layer);
    plan_release(&mp->plan);
    *mp = (struct mapper){ 0 };
}
