/* dataflow/mapper/options.c -- the ways to map each layer that its cores' budgets allow.
 *
 * An option is held to every budget that does not depend on other layers, in its worst case, a
 * firing of all its replicas: rows and columns of the array, the digital processor, each stream of
 * pixels and of partial sums, and the SRAM for the columns of one patch. One whose full firing is
 * too much for processor or links can have a plan nevertheless, if as many outputs are never ready
 * at once. Such options are many, and hardly ever of use; they are listed, as doubtful, for small
 * networks only, where every mapping can be looked at. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/util.h"
#include "dataflow/mapper/cores.h"
#include "dataflow/mapper/mapper.h"
#include "dataflow/mapping.h"
#include "dataflow/plan/structure.h"
#include "dataflow/policies.h"
#include "memory/registers.h"

enum { MOST_OUTPUTS_OF_SMALL = 256 }; // pixels that the layers of a small network compute

/* What stopped a layer's mappings, of those that came furthest: for the error when none is left. */
enum obstacle {
    OBSTACLE_ROWS,
    OBSTACLE_READS,
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
    uint32_t       readers, conditional; // n_readers() of the layer
    bool           doubtful;   // list doubtful options, too
    enum obstacle  furthest;
    uint64_t       need; // of what stopped it: rows, lanes, bit/s or words
};

/* Channels of the largest piece, which is the first, and of the smallest, the last. */
static struct slice piece(const struct maker *mk, const struct mapper_option *o, bool last)
{
    const struct cut cut = { o->parts, o->splits, o->inside };

    return layer_slice(plan_network_layer(&mk->mp->plan, mk->layer), cut, last ? o->parts - 1 : 0,
                       last ? o->splits - 1 : 0);
}

/* Least bit/s that carry so many bits in a timestep. */
static uint64_t least_bps(const struct maker *mk, uint64_t bits)
{
    return stage_least_bps(mk->mp->config, bits, mk->mp->plan.timestep_clk);
}

/* Whether a route carries so many bits in a timestep. */
static bool carries(const struct maker *mk, const struct fabric_route *route, uint64_t bits)
{
    const struct mapper *mp = mk->mp;

    return stage_link_clocks(mp->config, mp->fabric, route, bits) <= mp->plan.timestep_clk;
}

static bool link_carries(const struct maker *mk, uint64_t bits)
{
    return carries(mk, &mk->mp->pixels, bits);
}

/* Layers that convolve this one's pixels: all, or those whose parts a condition can be made of. */
static uint32_t n_readers(const struct maker *mk, bool conditional)
{
    const struct plan *p = &mk->mp->plan;
    uint32_t n = 0;

    for (uint32_t i = mk->layer + 1; i < p->n_layer; i++) {
        const struct layer *l = plan_network_layer(p, i);
        for (uint32_t k = 0; k < l->n_input; k++)
            n += p->layer[i].feed == FEED_PRODUCER && l->input[k] == mk->layer + 1 &&
                 (!conditional || mapper_read_by(mk->mp, i) == mk->layer);
    }
    return n;
}

/* Fewest parts of a layer that reads the pixels of a firing with which the links carry them; 0 when
 * one channel is too much. Of shares of the same channels, the first and largest begin together:
 * the smaller of both is what they have in common. */
static uint32_t need_parts(const struct maker *mk, const struct mapper_option *o, uint32_t outputs)
{
    const struct layer *l = plan_network_layer(&mk->mp->plan, mk->layer);
    uint64_t pixels = l->pooled ? 1 : outputs, group = piece(mk, o, false).out_n;

    if (mk->readers == 0)
        return 1;
    for (uint32_t parts = 1; parts <= l->out.channels; parts++)
        if (link_carries(mk, plan_delivered_bits(&mk->mp->plan, mk->layer) * pixels *
                                 min_u64(group, ceil_div(l->out.channels, parts))))
            return parts;
    return 0;
}

/* Bits of other streams that a firing's pixels may need, if no layer at the other end is split:
 * residuals to it or from it, and what is sent to be resampled. */
static uint64_t other_bits(const struct maker *mk, const struct mapper_option *o, uint32_t outputs)
{
    const struct plan *p = &mk->mp->plan;
    const struct layer *l = plan_network_layer(p, mk->layer);
    uint64_t out = plan_delivered_bits(p, mk->layer) * (uint64_t)outputs *
                   piece(mk, o, false).out_n;
    uint64_t in = plan_input_bits(p, mk->layer) * (uint64_t)outputs * piece(mk, o, false).in_n;
    bool added = l->has_residual || plan_sum_of(p, mk->layer) < p->n_layer;

    return max_u64(added ? out : 0, p->layer[mk->layer].feed == FEED_READ_BACK ? in : 0);
}

/* Words of the SRAM that so many columns take. */
static uint64_t column_words(const struct maker *mk, const struct mapper_option *o,
                             uint32_t columns)
{
    const struct plan *p = &mk->mp->plan;
    const struct memory_cfg *memory = &mk->mp->config->memory;
    uint32_t channels = piece(mk, o, false).in_n;
    struct memory_shape shape = {
        .pixel_values = channels,
        .height = p->layer[mk->layer].in_height,
        .columns = columns,
        .kernel_columns = plan_kernel_columns(p, mk->layer),
        .word_values = plan_word_values(p, mk->layer),
    };
    struct memory_layout layout;

    memory_layout_init(&layout, &shape, plan_placing(memory, channels, shape.word_values));
    return memory_used_words(&layout);
}

/* Whether the reads of the largest piece fit a timestep. */
static bool array_keeps_up(const struct maker *mk, const struct mapper_option *o, uint64_t *clocks)
{
    const struct slice s = piece(mk, o, false);
    uint32_t rows = o->inside ? s.row_n : s.in_n * o->replicas.positions;

    *clocks = stage_array_clocks(mk->mp->config, &mk->mp->plan.layer[mk->layer].array, rows,
                                 s.out_n * o->replicas.n);
    return !mk->mp->plan.layer[mk->layer].array.timed || *clocks <= mk->mp->plan.timestep_clk;
}

/* What stops the option when a firing has so many outputs. */
static enum obstacle obstacle(const struct maker *mk, const struct mapper_option *o,
                              uint32_t outputs, uint64_t *need)
{
    const struct config *c = mk->mp->config;
    const struct layer *l = plan_network_layer(&mk->mp->plan, mk->layer);

    *need = o->replicas.positions;
    if (o->parts == 0 || o->splits == 0)
        return OBSTACLE_ROWS;
    if (!layer_is_digital(l) && !array_keeps_up(mk, o, need))
        return OBSTACLE_READS;
    uint32_t channels = piece(mk, o, false).out_n;
    uint64_t ops = stage_digital_ops(l, outputs, channels) * mk->mp->plan.train;
    uint64_t sums = plan_sum_bits(&mk->mp->plan, mk->layer) * (uint64_t)outputs * channels;
    *need = ceil_div(ops, mk->mp->plan.timestep_clk);
    if (stage_clocks(c, STAGE_DIGITAL, ops) > mk->mp->plan.timestep_clk)
        return OBSTACLE_DIGITAL;
    *need = least_bps(mk, sums);
    if (o->parts > 1 && !carries(mk, &mk->mp->sums, sums))
        return OBSTACLE_SUMS;
    *need = least_bps(mk, plan_delivered_bits(&mk->mp->plan, mk->layer) * (uint64_t)outputs);
    if (need_parts(mk, o, outputs) == 0)
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
    uint32_t channels = piece(mk, o, true).in_n, word = plan_word_values(&mk->mp->plan, mk->layer);

    if (plan_placing(&mk->mp->config->memory, channels, word)->needs_masks)
        return 0;
    return (uint32_t)ceil_div(channels, word);
}

/* Rows of the map that the patches of a column see, at least. */
static uint32_t rows_seen(const struct window *w, uint32_t outputs, uint32_t height)
{
    if (w->dilation[0] > 1 || w->stride[0] > w->kernel[0])
        return min_u32(outputs, height);
    return window_last(w, 0, outputs - 1, height) - window_first(w, 0, 0, height) + 1;
}

/* Clocks of the busiest copy's memory for an image, at least: every pixel is written, and a strip
 * reads the rows that it sees across one patch. */
static uint64_t memory_clk(const struct maker *mk, const struct mapper_option *o, uint32_t strips)
{
    const struct plan_layer *pl = &mk->mp->plan.layer[mk->layer];
    const struct layer *l = plan_network_layer(&mk->mp->plan, mk->layer);
    const struct window *w = &pl->window;
    uint32_t pads = w->pad_before[1] + w->pad_after[1];
    uint32_t word = plan_word_values(&mk->mp->plan, mk->layer);
    uint32_t columns = pads < w->kernel[1] ? w->kernel[1] - pads : 1;
    uint64_t rows = ceil_div(strips, o->copies) * rows_seen(w, l->out.height, pl->in_height);
    uint64_t row_words = o->pixel_words > 0
                             ? columns * o->pixel_words
                             : ceil_div(columns * piece(mk, o, true).in_n, word);

    if (o->inside) // a part stores its own positions only
        return 0;
    if (pl->feed == FEED_READ_BACK) // each copy gets its own pixels only
        return rows * row_words;
    return rows * row_words +
           (uint64_t)pl->in_height * pl->in_width * max_u32(1, o->pixel_words);
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

/* The option with so many copies. */
static bool add_copies(struct maker *mk, struct mapper_option *o, uint32_t copies)
{
    struct firing_shape shape;
    uint64_t clk;

    o->copies = copies;
    o->cores = o->parts * o->splits * copies;
    shape = mapper_firing_shape(plan_network_layer(&mk->mp->plan, mk->layer), o);
    clk = memory_clk(mk, o, firing_strips(o->firing, &shape));
    o->firings = o->firing->firings(&shape);
    o->least_interval = max_u64(o->firings, ceil_div(clk, mk->mp->plan.timestep_clk));
    return add(mk, o);
}

/* Every option of one copy with more of them, as far as the chip has cores. */
static bool add_all_copies(struct maker *mk)
{
    const struct mapper_layer *ml = &mk->mp->layer[mk->layer];
    const struct layer *l = plan_network_layer(&mk->mp->plan, mk->layer);
    const uint32_t n = ml->n_option;

    mk->room = n;
    for (uint32_t i = 0; i < n; i++) {
        struct mapper_option o = ml->option[i];
        const struct firing_shape shape = mapper_firing_shape(l, &o);
        const uint32_t most = l->pooled ? 1 : firing_strips(o.firing, &shape);
        const uint32_t each = o.cores;
        for (uint32_t c = 2; c <= most && (uint64_t)each * c <= mk->most_cores; c++)
            if (!add_copies(mk, &o, c))
                return false;
    }
    return true;
}

static bool budget_of_firing(enum obstacle o)
{
    return o == OBSTACLE_DIGITAL || o == OBSTACLE_SUMS || o == OBSTACLE_LINK;
}

/* The options of n replicas in blocks of some width. *fits becomes true when they fit whatever
 * other layers have. */
static bool add_replicas(struct maker *mk, uint32_t n, uint32_t width, bool *fits)
{
    const struct plan *p = &mk->mp->plan;
    const struct layer *l = plan_network_layer(p, mk->layer);
    const struct array_spec *array = &mk->mp->plan.layer[mk->layer].array;
    const struct firing_policy *firing = policies_firing(mk->mp->config);
    struct mapper_option o = {
        .replicas = replicas_make(&p->layer[mk->layer].window, n, width),
        .firing = width > 1 ? firing->of_blocks : firing,
        .copies = 1,
    };
    struct cut cut = layer_cut(l, &o.replicas, array->rows, array->outputs);
    o.parts = cut.parts;
    o.splits = cut.splits;
    o.inside = cut.inside;
    uint64_t need, any;
    const struct firing_shape shape = mapper_firing_shape(l, &o);
    const uint32_t full = o.firing->most_outputs(&shape);
    enum obstacle stops = obstacle(mk, &o, full, &need);
    if (stops > mk->furthest || (stops == mk->furthest && need < mk->need)) {
        mk->furthest = stops;
        mk->need = need;
    }
    o.doubtful = mk->doubtful && budget_of_firing(stops) && obstacle(mk, &o, 1, &any) == FITS;
    if (stops != FITS && !o.doubtful)
        return true;
    o.need_parts = max_u32(1, need_parts(mk, &o, full));
    o.unsure = !link_carries(mk, other_bits(mk, &o, full)) ||
               (o.need_parts > 1 && mk->conditional < mk->readers);
    o.memory_columns = most_columns(mk, &o);
    o.pixel_words = pixel_words(mk, &o);
    *fits = stops == FITS && o.need_parts == 1 && !o.unsure;
    return add_copies(mk, &o, 1);
}

/* Parts and splits of n replicas: more of either make a core's share of the layer smaller. 0: the
 * array is too small for them and for more, or does not keep the 0 between them. */
static uint32_t shares(const struct maker *mk, uint32_t n, uint32_t width)
{
    const struct plan *p = &mk->mp->plan;
    const struct layer *l = plan_network_layer(p, mk->layer);
    const struct array_spec *array = &mk->mp->plan.layer[mk->layer].array;
    struct replicas replicas = replicas_make(&p->layer[mk->layer].window, n, width);
    struct cut cut = layer_cut(l, &replicas, array->rows, array->outputs);

    if (n > 1 && !layer_is_digital(l) && !array->layout.zero)
        return 0;
    return cut.parts > 0 && cut.splits > 0 ? cut.parts + cut.splits : 0;
}

/* Blocks of full rows; where a budget does not allow that, with more replicas, which compute
 * nothing but may split the layer into shares that it does allow: up to the next row. Small
 * networks have these in any case, and as many as the array has columns where the map ends. */
static bool add_block(struct maker *mk, uint32_t width, uint32_t height, uint32_t highest)
{
    uint32_t columns = mk->mp->plan.layer[mk->layer].array.outputs, before = 0;
    bool to_the_end = mk->doubtful && height == highest;
    uint32_t end = to_the_end ? columns : min_u32(width * (height + 1) - 1, columns);
    bool fits = false;

    for (uint32_t n = width * height; n <= end && (!fits || mk->doubtful); n++) {
        uint32_t now = shares(mk, n, width);
        if (now == 0)
            break;
        if (now > before && !add_replicas(mk, n, width, &fits))
            return false;
        before = max_u32(now, before);
    }
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

/* Whether a is never later than b, takes no more cores and may take its place. a's parts must do
 * for `most_need`, what the layers that it reads can need of them, if b's may. */
static bool dominates(const struct layer *l, const struct mapper_option *a,
                      const struct mapper_option *b, uint32_t most_need)
{
    if (a->firing != b->firing || a->copies != b->copies || a->cores > b->cores ||
        a->parts > b->parts || a->replicas.width != b->replicas.width ||
        a->need_parts > b->need_parts || a->unsure > b->unsure || a->doubtful ||
        (a->parts < b->parts && a->parts < most_need))
        return false;
    const struct firing_shape shape_a = mapper_firing_shape(l, a);
    const struct firing_shape shape_b = mapper_firing_shape(l, b);
    return a->firing->never_behind(&shape_a, &shape_b);
}

/* Only options of as many copies and of blocks as wide are compared; otherwise in their order. */
static int by_kind(const void *a, const void *b)
{
    const struct mapper_option *x = *(struct mapper_option *const *)a;
    const struct mapper_option *y = *(struct mapper_option *const *)b;

    if (x->copies != y->copies)
        return x->copies < y->copies ? -1 : 1;
    if (x->replicas.width != y->replicas.width)
        return x->replicas.width < y->replicas.width ? -1 : 1;
    return (x > y) - (x < y); // of one array
}

/* Of n options of one kind. */
static void mark_kind(const struct layer *nl, const struct mapper_option *all,
                      struct mapper_option **kind, uint32_t n, uint32_t most_need)
{
    for (uint32_t i = 0; i < n; i++)
        kind[i]->dominator = (uint32_t)(kind[i] - all);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < n && kind[k]->cores <= kind[i]->cores; k++)
            if (k != i && &all[kind[k]->dominator] == kind[k] &&
                dominates(nl, kind[k], kind[i], most_need)) {
                kind[i]->dominator = kind[k]->dominator;
                break;
            }
}

static bool mark_dominated(struct mapper *mp, uint32_t layer)
{
    struct mapper_layer *l = &mp->layer[layer];
    const struct layer *nl = plan_network_layer(&mp->plan, layer);
    struct mapper_option **list = calloc(l->n_option, sizeof *list);
    uint32_t most_need = 1;

    for (uint32_t i = 0; i < nl->n_input; i++)
        if (nl->input[i] > 0)
            most_need = max_u32(most_need, mp->layer[nl->input[i] - 1].most_need);
    for (uint32_t i = 0; list && i < l->n_option; i++)
        list[i] = &l->option[i];
    if (list)
        qsort(list, l->n_option, sizeof *list, by_kind);
    for (uint32_t i = 0, end; list && i < l->n_option; i = end) {
        for (end = i + 1; end < l->n_option && list[end]->copies == list[i]->copies &&
                          list[end]->replicas.width == list[i]->replicas.width;)
            end++;
        mark_kind(nl, l->option, list + i, end - i, most_need);
    }
    bool done = list != NULL;
    free(list);
    return done;
}

/* What a layer without options is short of. */
struct shortage {
    enum obstacle obstacle;
    uint32_t      layer;
    uint64_t      need;
};

/* Of layers that the same stops, the one that needs most; of others the first. */
static void note_shortage(const struct maker *mk, struct shortage *s, bool first)
{
    if (first || (mk->furthest == s->obstacle && mk->need > s->need))
        *s = (struct shortage){ mk->furthest, mk->layer, mk->need };
}

static enum err nothing_fits(const struct maker *mk, const struct shortage *s, struct err_msg *m)
{
    const struct config *c = mk->mp->config;
    if (s->obstacle == OBSTACLE_READS)
        return err_set(m, ERR_INPUT, "%.400s: clocking.timestep_ns = %" PRIu64 ": the array of "
                       "layer %s takes at least %" PRIu64 " clocks for a product: want "
                       "clocking.timestep_ns = %" PRIu64,
                       config_where(c, "clocking.timestep_ns"), c->timestep_ns,
                       plan_layer_name(&mk->mp->plan, s->layer), s->need,
                       stage_least_ns(c, s->need));
    const char *key = s->obstacle == OBSTACLE_DIGITAL ? "core.digital.lanes"
                      : s->obstacle == OBSTACLE_SUMS  ? "fabric.partial_sum_gbps"
                      : s->obstacle == OBSTACLE_LINK  ? "fabric.link_gbps"
                                                      : "core.input_memory.words";
    bool is_rate = s->obstacle == OBSTACLE_SUMS || s->obstacle == OBSTACLE_LINK;
    uint64_t have = s->obstacle == OBSTACLE_DIGITAL ? c->digital.lanes
                    : s->obstacle == OBSTACLE_SUMS  ? c->fabric.partial_sum_bps
                    : s->obstacle == OBSTACLE_LINK  ? c->fabric.link_bps
                                                    : c->memory.words;
    const uint64_t amounts[] = { have, s->need, s->need - have };
    char text[3][32];

    assert(s->obstacle != OBSTACLE_ROWS && s->obstacle != FITS); // structure_layers() refused it
    for (int i = 0; i < 3; i++)
        if (is_rate)
            snprintf(text[i], sizeof text[i], "%s", param_rate_text(amounts[i]).text);
        else
            snprintf(text[i], sizeof text[i], "%" PRIu64, amounts[i]);
    return err_set(m, ERR_INPUT, "%.400s: %s = %s: layer %s cannot be mapped with that: want %s = "
                   "%s, %s more", config_where(c, key), key, text[0],
                   plan_layer_name(&mk->mp->plan, s->layer), key, text[1], text[2]);
}

static void sort_options(struct mapper_layer *l)
{
    qsort(l->option, l->n_option, sizeof *l->option, by_cores);
}

/* Lists the options of mk->layer with one copy, if it has any. */
static enum err make_options(struct maker *mk, struct err_msg *m)
{
    struct mapper_layer *ml = &mk->mp->layer[mk->layer];
    const struct layer *l = plan_network_layer(&mk->mp->plan, mk->layer);
    bool across = policies_firing(mk->mp->config)->across_columns;
    bool blocks = !across && l->window.dilation[0] == 1 && l->window.dilation[1] == 1;
    uint32_t columns = mk->mp->plan.layer[mk->layer].array.outputs;
    uint32_t widest = blocks ? l->out.width : 1;
    uint32_t highest = across ? l->out.height * l->out.width : l->out.height;

    mk->room = 0;
    mk->readers = n_readers(mk, false);
    mk->conditional = n_readers(mk, true);
    mk->furthest = OBSTACLE_ROWS;
    mk->need = UINT64_MAX;
    for (uint32_t width = 1; width <= min_u32(widest, columns); width++)
        for (uint32_t height = 1; height <= min_u32(highest, columns / width) &&
                                  shares(mk, width * height, width) > 0;
             height++)
            if (!add_block(mk, width, height, highest))
                return err_set(m, ERR_MEMORY, "no memory for the mapper");
    if (ml->n_option == 0)
        return ERR_NONE;
    sort_options(ml);
    ml->least = ml->option[0].cores;
    for (uint32_t i = 0; i < ml->n_option; i++)
        ml->most_need = max_u32(ml->most_need, ml->option[i].need_parts);
    return ERR_NONE;
}

/* Fewest cores of a layer, which is that of one copy: a first pass, so that the second knows what
 * one layer can have beside the others. */
static enum err count_least(struct mapper *mp, struct maker *mk, struct err_msg *m)
{
    uint64_t least = 0;
    uint32_t n_short = 0;
    struct shortage shortage = { 0 };

    for (mk->layer = 0; mk->layer < mp->n_layer; mk->layer++) {
        enum err e = make_options(mk, m);
        if (e)
            return e;
        if (mp->layer[mk->layer].n_option == 0)
            note_shortage(mk, &shortage, n_short++ == 0);
        least += mp->layer[mk->layer].least;
    }
    if (n_short > 0)
        return nothing_fits(mk, &shortage, m);
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

static bool is_small(const struct network *n)
{
    uint64_t outputs = 0;

    for (uint32_t i = 1; i < n->n_layer; i++)
        outputs += (uint64_t)n->layer[i].out.height * n->layer[i].out.width;
    return outputs <= MOST_OUTPUTS_OF_SMALL;
}

/* Rates and hops between neighbours. */
static enum err find_routes(struct mapper *mp, struct err_msg *m)
{
    const struct fabric_machine machine = stage_fabric(mp->config);
    const struct fabric_link link[] = { { 0, 1, FABRIC_PIXELS }, { 0, 1, FABRIC_PARTIAL_SUMS } };
    struct fabric_route route[2];

    if (policies_fabric(&mp->fabric, mp->config, m))
        return plan_blame(&mp->plan, "fabric.kind", m);
    enum err e = mp->fabric->route(&machine, link, 2, route, m);
    mp->pixels = route[0];
    mp->sums = route[1];
    return e;
}

static enum err make_all(struct mapper *mp, struct err_msg *m)
{
    struct maker mk = { .mp = mp, .doubtful = mp->small };
    enum err e = plan_make_layers(&mp->plan, mp->network, mp->config, m);
    uint64_t cores; // without replicas, which never save one

    if (!e)
        e = structure_count_cores(&mp->plan, &cores, m);
    if (!e && !plan_placing(&mp->config->memory, 1, 1))
        e = plan_refuse_placing(&mp->plan, m);
    if (!e)
        e = find_routes(mp, m);
    if (e)
        return e;
    mp->n_layer = mp->plan.n_layer;
    mp->layer = calloc(mp->n_layer, sizeof *mp->layer);
    if (!mp->layer)
        return err_set(m, ERR_MEMORY, "no memory for the mapper");
    e = count_least(mp, &mk, m);
    for (mk.layer = 0; !e && mk.layer < mp->n_layer; mk.layer++) {
        mk.most_cores = mp->config->chip_cores - mp->least_cores + mp->layer[mk.layer].least;
        if (!add_all_copies(&mk))
            e = err_set(m, ERR_MEMORY, "no memory for the mapper");
        sort_options(&mp->layer[mk.layer]);
        if (!e && !mark_dominated(mp, mk.layer))
            e = err_set(m, ERR_MEMORY, "no memory for the mapper");
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

    *mp = (struct mapper){ .network = network, .config = config, .small = is_small(network) };
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
