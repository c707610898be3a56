/* study/price.c -- see price.h. */
#include "study/price.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/circuits/wire.h"
#include "arch/cost/router_unit.h"
#include "arch/cost/token_unit.h"
#include "core/util.h"
#include "dataflow/plan/tokens.h"
#include "network/precision.h"

struct bill { // of one core over all images, in pJ
    double energy[N_PRICE_ALL], leakage[N_PRICE_ALL];
    double shift_adds; // of the digital processor's energy
    double idle;
    double fill; // beside: while the pipeline fills and drains
};

static int64_t sum(const int64_t *v)
{
    int64_t s = 0;

    for (unsigned b = 0; b < N_PRICE_ALL; b++)
        s += v[b];
    return s;
}

unsigned price_next_block(const struct price_report *r, unsigned b)
{
    while (++b < N_PRICE_ALL && !r->has_block[b])
        ;
    return b;
}

int64_t price_row_energy_pj(const struct price_row *r)
{
    return sum(r->energy_pj);
}

int64_t price_row_leakage_pj(const struct price_row *r)
{
    return sum(r->leakage_pj);
}

int64_t price_row_area_um2(const struct price_row *r)
{
    return sum(r->area_um2);
}

/* Those of a full pipeline, which is what an image is priced by. */
static uint64_t full_timesteps(const struct price_run *run)
{
    uint64_t full;

    if (run->interval == 0 || __builtin_mul_overflow(run->n_image, run->interval, &full))
        return run->timesteps;
    return min_u64(full, run->timesteps);
}

static bool is_of_tokens(const struct plan *p, uint32_t core)
{
    return layer_is_of_tokens(plan_network_layer(p, p->core[core].plan_layer));
}

/* All controllers of a chip are alike: as large as its widest kernel row and pixel want. Those of
 * layers of tokens are made for them. */
static void widest(const struct plan *p, struct core_hardware *h)
{
    for (uint32_t i = 0; i < p->n_layer; i++)
        if (!layer_is_of_tokens(plan_network_layer(p, i)))
            h->kernel_columns = max_u32(h->kernel_columns, plan_kernel_columns(p, i));
    for (uint32_t i = 0; i < p->n_core; i++)
        if (!is_of_tokens(p, i))
            h->pixel_channels = max_u32(h->pixel_channels,
                                        max_u32(p->core[i].in_n, p->core[i].out_n));
}

static struct array_hardware array_hardware(const struct array_spec *a, const struct reads *full)
{
    struct array_hardware h = {
        .slices = full->slices,
        .slice_bits = min_u32(a->reads.input_slice_bits, a->reads.input_bits),
        .rows_at_once = a->reads.rows_at_once,
        .columns_per_adc = a->reads.columns_per_adc,
        .adc_bits = a->readout->one_bit ? 1 : a->adc_bits, // a comparator
        .columns_per_weight = a->layout.columns,
        .devices = (uint32_t)ceil_div(a->layout.devices, a->layout.columns),
        .cell_bits = a->weights.cell_bits,
    };

    h.read_ns = a->plain && !a->timed ? 0 : (double)a->reads.read_fs * 1e-6;
    return h;
}

static bool has_no_array(const struct plan *p, uint32_t layer)
{
    const struct layer *l = plan_network_layer(p, layer);

    return layer_is_digital(l) || layer_is_of_tokens(l);
}

/* A core that holds a layer without weights has an array, too, as the first that holds weights. */
static const struct array_spec *array_of(const struct plan *p, const struct plan_core *core)
{
    uint32_t layer = core->plan_layer;

    if (has_no_array(p, layer))
        for (layer = 0; layer < p->n_layer && has_no_array(p, layer);)
            layer++;
    return &p->layer[layer < p->n_layer ? layer : core->plan_layer].array;
}

static struct core_hardware hardware(const struct plan *p, const struct plan_core *core,
                                     const struct core_hardware *all)
{
    const struct array_spec *array = array_of(p, core);
    const struct reads full = array_reads(array, array->rows, array->outputs);

    return (struct core_hardware){
        /* joined arrays are one with longer columns: docs/arrays.md */
        .rows = core->crossbar.rows * max_u32(1, core->arrays), .columns = core->crossbar.columns,
        .words = core->memory.words, .word_bits = core->memory.word_bits,
        .lanes = core->digital.lanes,
        .mvm_ns = array->timed ? (double)full.time_fs * 1e-6 : core->crossbar.mvm_ns,
        .clock_ns = 1e3 / p->config->clock_mhz,
        .value_bits = all->value_bits, .weight_bits = all->weight_bits,
        .kernel_columns = all->kernel_columns, .pixel_channels = all->pixel_channels,
        .array = array_hardware(array, &full),
    };
}

static bool same_hardware(const struct core_hardware *a, const struct core_hardware *b)
{
    return a->rows == b->rows && a->columns == b->columns && a->words == b->words &&
           a->word_bits == b->word_bits && a->lanes == b->lanes && a->mvm_ns == b->mvm_ns &&
           a->clock_ns == b->clock_ns && a->density == b->density &&
           memcmp(&a->array, &b->array, sizeof a->array) == 0;
}

/* Cores with a layer lie side by side, whatever the chip has around them. */
static double stream_pitches(const struct plan *p, const struct plan_stream *s)
{
    const struct fabric_link link = stream_link(s);

    return fabric_distance(p->fabric, p->n_core, link.from, link.to);
}

static uint32_t stream_owner(const struct plan_stream *s)
{
    return stream_is_of_image(s->kind) ? s->to : s->from;
}

/* A core with what it costs; most are like the one before. */
struct priced_core {
    struct core_hardware hardware;
    struct core_unit     unit;
    struct price_inputs  in;
    double               links_pj, bits_sent;
    struct link_cost     links;
};

struct pricing { // borrowed
    const struct chip_model *chip;
    const struct plan       *plan;
    const struct price_run  *run;
    uint64_t                 timesteps; // of a full pipeline
    uint64_t                 timestep_clk;
};

static double timesteps_ns(const struct pricing *k, uint64_t timesteps)
{
    return (double)timesteps * (double)k->timestep_clk * 1e3 / k->plan->config->clock_mhz;
}

static bool is_inside(const struct plan_stream *s)
{
    const struct fabric_link link = stream_link(s);

    return link.from != FABRIC_EDGE && link.to != FABRIC_EDGE;
}

static void links(const struct pricing *k, struct priced_core *core)
{
    for (uint32_t i = 0; i < k->plan->n_stream; i++) {
        const struct plan_stream *s = &k->plan->stream[i];
        struct priced_core *owner = &core[stream_owner(s)];
        if (k->run->packets && is_inside(s)) {
            owner->bits_sent += (double)k->run->stream_bits[i];
            continue; // by the fabric
        }

        double pitches = stream_pitches(k->plan, s);
        uint64_t clock_hz = k->plan->config->clock_mhz * UINT64_C(1000000);
        unsigned n_wire = (unsigned)ceil_div(s->route.rate_bps, clock_hz);
        struct link_cost wires = link_cost(k->chip, &owner->unit, n_wire, pitches);

        owner->links_pj += (double)k->run->stream_bits[i] *
                           link_bit_pj(k->chip, &owner->unit, pitches);
        owner->bits_sent += (double)k->run->stream_bits[i];
        owner->links.area_um2 += wires.area_um2;
        owner->links.leakage_uw += wires.leakage_uw;
    }
}

/* Inputs of a core, in units of the last place of a digit. */
static double digits(const struct pricing *k, uint32_t core)
{
    const struct core_counters *n = &k->run->core[core];

    return (double)(plan_is_read(k->plan) ? n->sum_digits : n->sum_abs_x);
}

static struct price_inputs inputs_of(const struct pricing *k, uint32_t core,
                                     const struct core_hardware *h)
{
    const struct core_counters *n = &k->run->core[core];

    if (!k->run->values)
        return (struct price_inputs){ 0 };
    return (struct price_inputs){
        .driven = (double)n->driven_rows, .active = (double)n->active_rows,
        .digits = digits(k, core),
        .most = (double)n->driven_rows * h->array.slices * (exp2(h->array.slice_bits) - 1),
    };
}

/* Circuits are asked what they take of such inputs; 0: as the chip's file states. */
static double density(const struct pricing *k, const struct price_inputs *in)
{
    const double least = 1e-3;

    if (k->chip->converter != PRICE_CONVERTER_CIRCUITS || in->most == 0)
        return 0;
    return fmin(1, fmax(least, in->digits / in->most));
}

static struct token_hardware token_hardware(const struct plan *p, const struct plan_core *core,
                                            const struct core_hardware *all)
{
    const struct layer *l = plan_network_layer(p, core->plan_layer);
    const struct config *c = p->config;
    struct token_hardware h = {
        .lanes = c->digital_core.lanes, .value_bits = all->value_bits,
        .word_bits = c->memory.word_bits, .channels = max_u32(core->in_n, core->out_n),
        .looks_up = l->kind == LAYER_MAP && !l->token->product,
    };

    if (l->kind != LAYER_ATTENTION)
        return h;
    const struct kv_memory kv = tokens_kv(p, core->plan_layer);
    h.attends = true;
    h.lanes = c->attention.lanes;
    h.exp_lanes = c->attention.exp_lanes;
    h.mac_bits = c->attention.bits == ATTENTION_FP32 ? 0 : kv.bits;
    h.memory_words = ceil_div(8 * (c->attention.memory_bytes + kv.queue_bytes), h.word_bits);
    return h;
}

static enum err unit_costs(const struct pricing *k, struct priced_core *core, struct err_msg *m)
{
    const struct precision bits = network_precision(k->plan->network);
    struct core_hardware all = { .value_bits = bits.value_bits, .weight_bits = bits.weight_bits };

    widest(k->plan, &all);
    for (uint32_t i = 0; i < k->plan->n_core; i++) {
        enum err e = ERR_NONE;

        core[i].hardware = hardware(k->plan, &k->plan->core[i], &all);
        core[i].in = inputs_of(k, i, &core[i].hardware);
        core[i].hardware.density = density(k, &core[i].in);
        if (is_of_tokens(k->plan, i)) {
            struct token_hardware h = token_hardware(k->plan, &k->plan->core[i], &all);
            token_unit(k->chip, &h, &core[i].unit);
        } else if (i > 0 && !is_of_tokens(k->plan, i - 1) &&
                   same_hardware(&core[i].hardware, &core[i - 1].hardware))
            core[i].unit = core[i - 1].unit;
        else
            e = core_unit(k->chip, &core[i].hardware, &core[i].unit, m);
        if (e)
            return e;
    }
    links(k, core);
    return ERR_NONE;
}

/* How often a driven row meets a column: once in a product, or in each read of its group. */
static double meetings(const struct core_counters *n, const struct core_hardware *h)
{
    double slices = h->array.slices ? h->array.slices : 1;

    if (n->reads > 0)
        return (double)n->conversions * slices / (double)n->reads;
    return n->firings > 0 ? (double)n->conversions / (double)n->firings : 0;
}

static double crossbar_pj(const struct pricing *k, uint32_t core, const struct core_hardware *h,
                          const struct core_unit *u, double inputs)
{
    const struct core_counters *n = &k->run->core[core];
    double cells = k->run->values && u->cell_lsb2 > 0
                       ? (double)n->sum_abs_xw * u->cell_lsb2
                       : (double)n->driven_rows * meetings(n, h) * u->cell;

    return cells + (double)n->driven_rows * u->row + inputs * u->line_digit +
           (double)n->conversions * u->column;
}

/* Bits that a core's controller writes into registers: each driven row's input, each word of its
 * memory with the pointer that moves, each pixel that it sends. */
static double bits_written(const struct pricing *k, uint32_t core, const struct priced_core *priced)
{
    const struct core_counters *n = &k->run->core[core];
    double words = (double)(n->words_read + n->words_read_back + n->words_written);

    return (double)n->driven_rows * priced->hardware.value_bits +
           words * (priced->hardware.word_bits + k->chip->fact.pointer_bits) + priced->bits_sent;
}

/* Of controller and clock tree: energy of the clocks with work, and of one. */
struct clocked {
    double registers_pj, tree_pj, idle_pj; // idle_pj: of both, in one clock without work
};

/* Gated by core, registers take every clock in which the core works, and a share of the others.
 * Gated by register, they and their leaves of the tree take those in which they are written; the
 * tree above the gates, one for each register of a word, goes on. */
static struct clocked clocked(const struct pricing *k, uint32_t core,
                              const struct priced_core *priced, double busy, double idle)
{
    const struct core_unit *u = &priced->unit;
    double gated = k->chip->fact.control_idle, clocks = busy + gated * idle;
    double control = u->control_registers + u->control_selection;
    double trunk = u->tree / priced->hardware.word_bits;
    double writes = bits_written(k, core, priced) / u->control_dff;

    if (!k->chip->registers_gated)
        return (struct clocked){ clocks * control, clocks * u->tree, gated * (control + u->tree) };
    return (struct clocked){ writes * control, writes * u->tree + clocks * trunk, gated * trunk };
}

/* The core that tokens come to first, which answers for their way onto the chip. */
static bool takes_tokens(const struct pricing *k, uint32_t core)
{
    const struct plan *p = k->plan;

    return network_has_tokens(p->network) && p->n_image_feed > 0 &&
           core == p->layer[p->image_feed[0].layer].first_core;
}

/* Of a layer of tokens. */
static double token_pj(const struct core_counters *n, const struct core_unit *u)
{
    return (double)(n->qk_macs + n->pv_macs) * u->mac + (double)n->exps * u->exp +
           (double)n->divisions * u->division + (double)n->roots * u->root +
           (double)(n->adds + n->round_ops) * u->add + (double)n->multiplies * u->multiply +
           (double)n->look_ups * u->look_up;
}

static void add_tokens(const struct pricing *k, uint32_t core, const struct core_unit *u,
                       struct bill *bill)
{
    const struct core_counters *n = &k->run->core[core];
    const struct layer *l = plan_network_layer(k->plan, k->plan->core[core].plan_layer);

    if (takes_tokens(k, core))
        bill->energy[PRICE_OFF_CHIP] = (double)k->run->n_image *
                                       (double)network_image_values(k->plan->network) *
                                       k->chip->token.off_chip_pj_byte;
    if (!layer_is_of_tokens(l))
        return;
    bill->energy[PRICE_DIGITAL] = 0; // what it rounds is below
    bill->energy[l->kind == LAYER_ATTENTION ? PRICE_ATTENTION : PRICE_NORM] = token_pj(n, u);
    /* of the queue's words each other one is written */
    bill->energy[PRICE_KV_MEMORY] =
        ((double)n->kv_words_read + (double)n->queue_words / 2) * u->kv_read_word +
        ((double)n->kv_words_written + (double)n->queue_words / 2) * u->kv_write_word;
}

static void add_up(const struct pricing *k, uint32_t core, const struct priced_core *priced,
                   struct bill *bill)
{
    const struct core_counters *n = &k->run->core[core];
    const struct core_unit *u = &priced->unit;
    double timestep_clk = (double)k->timestep_clk;
    double busy = (double)n->busy_timesteps * timestep_clk;
    double full = (double)k->timesteps * timestep_clk;
    double all = (double)k->run->timesteps * timestep_clk;
    double idle = fmax(0, full - busy), more_idle = all - fmax(full, busy);
    double more_ns = timesteps_ns(k, k->run->timesteps - k->timesteps);
    const struct clocked clock = clocked(k, core, priced, busy, idle);
    double inputs = k->run->values ? priced->in.digits : (double)n->driven_rows * u->row_digits;

    *bill = (struct bill){ .energy = {
        [PRICE_CROSSBAR] = crossbar_pj(k, core, &priced->hardware, u, inputs),
        [PRICE_INPUT_DRIVERS] = (double)n->driven_rows * u->row_clocked +
                                inputs * u->driver_digit,
        [PRICE_ADC] = (double)n->conversions * u->conversion,
        [PRICE_DIGITAL] = (double)n->scale_ops * u->scale + (double)n->round_ops * u->round +
                          (double)(n->residual_ops + n->pool_ops + n->partial_sum_ops) * u->add +
                          (double)n->shift_adds * u->shift_add,
        [PRICE_INPUT_MEMORY] = (double)(n->words_read + n->words_read_back) * u->read_word +
                               (double)n->words_written * u->write_word,
        [PRICE_CONTROLLER] = clock.registers_pj,
        [PRICE_LINKS] = priced->links_pj,
        [PRICE_CLOCK] = clock.tree_pj,
    } };
    add_tokens(k, core, u, bill);
    bill->shift_adds = (double)n->shift_adds * u->shift_add;
    bill->idle = idle * clock.idle_pj;
    bill->fill = more_idle * clock.idle_pj;
    for (unsigned b = 0; b < N_PRICE_ALL; b++) {
        double uw = u->leakage_uw[b] + (b == PRICE_LINKS ? priced->links.leakage_uw : 0);

        bill->leakage[b] = uw * timesteps_ns(k, k->timesteps) * 1e-3; // uW ns = fJ
        bill->idle += bill->leakage[b] * idle / (busy + idle);
        bill->fill += uw * more_ns * 1e-3;
    }
}

static void round_row(const struct bill *bill, const struct priced_core *core, uint64_t n_image,
                      struct price_row *row)
{
    double images = (double)n_image;

    for (unsigned b = 0; b < N_PRICE_ALL; b++) {
        row->energy_pj[b] = llround(bill->energy[b] / images);
        row->leakage_pj[b] = llround(bill->leakage[b] / images);
        row->area_um2[b] = llround(core->unit.area_um2[b] +
                                   (b == PRICE_LINKS ? core->links.area_um2 : 0));
    }
    row->shift_add_pj = llround(bill->shift_adds / images);
    row->idle_pj = llround(bill->idle / images);
    row->in = core->in;
}

/* Absurd counts, which only a stored result can have, would not fit the tables' integers. */
static enum err check_bill(const struct bill *bill, const char *core, uint64_t n_image,
                           struct err_msg *m)
{
    const double most_pj = 1e13; // 10 J
    double pj = 0;

    for (unsigned b = 0; b < N_PRICE_ALL; b++)
        pj += (bill->energy[b] + bill->leakage[b]) / (double)n_image;
    if (pj <= most_pj)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "core %.60s: %.4g pJ an image: want at most %g", core, pj,
                   most_pj);
}

static void latencies(const struct plan *p, uint32_t core, const struct core_unit *u,
                      struct price_row *row)
{
    const uint64_t *used_clk = p->time.core[core].used_clk;
    const struct layer *l = plan_network_layer(p, p->core[core].plan_layer);
    const enum price_block digital = !layer_is_of_tokens(l)    ? PRICE_DIGITAL
                                     : l->kind == LAYER_ATTENTION ? PRICE_ATTENTION
                                                                  : PRICE_NORM;
    double clock_ns = 1e3 / p->config->clock_mhz;

    row->latency_ns[PRICE_CROSSBAR] = u->latency_ns[PRICE_CROSSBAR];
    row->latency_ns[PRICE_ADC] = u->latency_ns[PRICE_ADC];
    row->latency_ns[PRICE_INPUT_MEMORY] = (double)used_clk[STAGE_MEMORY] * clock_ns;
    row->latency_ns[digital] = (double)used_clk[STAGE_DIGITAL] * clock_ns;
    row->latency_ns[PRICE_LINKS] = fmax((double)used_clk[STAGE_LINK],
                                        (double)used_clk[STAGE_PARTIAL_SUM]) * clock_ns;
}

/* Cells of the core's matrix, zeros between replicas included. */
static void program(const struct pricing *k, uint32_t core, const struct core_unit *u,
                    struct price_row *row)
{
    const struct plan_core *pc = &k->plan->core[core];
    double of_weight = k->chip->converter == PRICE_CONVERTER_CIRCUITS
                           ? k->plan->layer[pc->plan_layer].array.layout.devices
                           : k->chip->fact.devices_per_weight;

    if (has_no_array(k->plan, pc->plan_layer))
        return;
    row->cells = llround((double)pc->rows * pc->columns * of_weight);
    row->program_pj = llround((double)row->cells * u->program);
}

static void row_add(struct price_row *to, const struct price_row *from)
{
    for (unsigned b = 0; b < N_PRICE_ALL; b++) {
        to->energy_pj[b] += from->energy_pj[b];
        to->leakage_pj[b] += from->leakage_pj[b];
        to->area_um2[b] += from->area_um2[b];
        to->latency_ns[b] = fmax(to->latency_ns[b], from->latency_ns[b]);
    }
    to->shift_add_pj += from->shift_add_pj;
    to->cells += from->cells;
    to->program_pj += from->program_pj;
    to->idle_pj += from->idle_pj;
    to->in.driven += from->in.driven;
    to->in.active += from->in.active;
    to->in.digits += from->in.digits;
    to->in.most += from->in.most;
}

/* They are like the first core, leak and have their area; no clock comes there. */
static void add_unused(const struct pricing *k, const struct priced_core *core,
                       struct price_report *r, double *fill)
{
    double n = k->run->n_unused, ns = timesteps_ns(k, k->timesteps);
    double more_ns = timesteps_ns(k, k->run->timesteps - k->timesteps);
    struct bill bill = { .idle = 0 };
    struct priced_core all = *core;

    all.links = (struct link_cost){ 0, 0 };
    all.in = (struct price_inputs){ 0 };
    for (unsigned b = 0; b < N_PRICE_ALL; b++) {
        all.unit.area_um2[b] *= n;
        bill.leakage[b] = n * core->unit.leakage_uw[b] * ns * 1e-3;
        bill.idle += bill.leakage[b];
        *fill += n * core->unit.leakage_uw[b] * more_ns * 1e-3;
    }
    r->n_unused = k->run->n_unused;
    snprintf(r->unused.name, sizeof r->unused.name, "unused");
    round_row(&bill, &all, k->run->n_image, &r->unused);
    row_add(&r->total, &r->unused);
}

/* ---- routers, and channels between cores ---- */

/* Wires of a channel: a flit's, or what brings the bits of a link in time. */
static unsigned channel_wires(const struct plan *p)
{
    const struct fabric_cfg *f = &p->config->fabric;
    uint64_t clock_hz = p->config->clock_mhz * UINT64_C(1000000);

    if (!p->fabric->direct)
        return f->flit_bits;
    return (unsigned)ceil_div(max_u64(f->link_bps, f->partial_sum_bps), clock_hz);
}

static void channels(const struct pricing *k, struct bill *bill, struct priced_core *all)
{
    const struct chip_facts *f = &k->chip->fact;
    const struct elastic_wires *w = &k->run->packets->wires;
    const struct repeated_wire wire = repeated_wire(&k->chip->technology, 0, SHRINK_HALVE);
    const double half_um = k->plan->config->fabric.pitch_um / 2.0;
    const struct bus_cfg bits = { channel_wires(k->plan), (double)w->wire_halves * half_um, 1, 1 };

    bill->energy[PRICE_LINKS] = f->link_wire * f->link_toggle * (double)w->bit_halves * half_um *
                                wire.pj_per_bit_um;
    if (k->chip->converter != PRICE_CONVERTER_CIRCUITS || w->wire_halves == 0)
        return;
    const struct circuit c = bus(&k->chip->technology, &wire, &bits);
    all->unit.area_um2[PRICE_LINKS] = c.area_um2;
    all->unit.leakage_uw[PRICE_LINKS] = c.leakage_uw;
}

static void routers(const struct pricing *k, struct bill *bill, struct priced_core *all)
{
    const struct fabric_cfg *f = &k->plan->config->fabric;
    const struct elastic_packets *p = k->run->packets;
    const struct router_counts *n = &p->counts;
    const struct router_unit u = router_unit(k->chip, &(struct router_hardware){
        .flit_bits = f->flit_bits, .vcs = f->vcs, .vc_flits = f->vc_flits,
        .n_router = p->wires.n_router, .n_ports = p->wires.n_ports,
        .n_crosspoints = p->wires.n_crosspoints });

    bill->energy[PRICE_ROUTERS] = (double)n->buffer_writes * u.write_pj +
                                  (double)n->buffer_reads * u.read_pj +
                                  (double)n->switch_traversals * u.traversal_pj +
                                  (double)n->allocations * u.allocation_pj;
    all->unit.area_um2[PRICE_ROUTERS] = u.area_um2;
    all->unit.leakage_uw[PRICE_ROUTERS] = u.leakage_uw;
}

static void add_fabric(const struct pricing *k, struct price_report *r)
{
    struct bill bill = { .idle = 0 };
    struct priced_core all = { .bits_sent = 0 };

    if (!k->run->packets)
        return;
    r->has_fabric = true;
    snprintf(r->fabric.name, sizeof r->fabric.name, "fabric");
    channels(k, &bill, &all);
    if (k->run->packets->wires.n_router > 0)
        routers(k, &bill, &all);
    for (unsigned b = 0; b < N_PRICE_ALL; b++)
        bill.leakage[b] = all.unit.leakage_uw[b] * timesteps_ns(k, k->timesteps) * 1e-3;
    round_row(&bill, &all, k->run->n_image, &r->fabric);
    row_add(&r->total, &r->fabric);
}

/* Circuits that take longer than the machine gives them. */
static void note_slow(const struct core_hardware *h, const struct core_unit *u,
                      struct price_report *r)
{
    size_t used = strlen(r->warning);

    if (u->array_ns > h->mvm_ns * (1 + 1e-9))
        snprintf(r->warning + used, sizeof r->warning - used, "%sthese circuits take %.4g ns for a "
                 "product, the machine has %.4g", used > 0 ? "; " : "", u->array_ns, h->mvm_ns);
}

static enum price_kind kind_of(const struct layer *l)
{
    if (layer_is_of_tokens(l))
        return PRICE_TOKEN_CORE;
    return layer_is_digital(l) ? PRICE_DIGITAL_CORE : PRICE_ARRAY_CORE;
}

/* The first core that is not of tokens: there is one in every chip. */
static uint32_t first_array(const struct plan *p)
{
    uint32_t i = 0;

    while (i + 1 < p->n_core && is_of_tokens(p, i))
        i++;
    return i;
}

/* One attention core, all of its lanes at work. */
static void peak_attention(const struct pricing *k, const struct priced_core *core,
                           struct price_report *r)
{
    for (uint32_t i = 0; i < k->plan->n_core; i++) {
        const struct core_unit *u = &core[i].unit;
        if (u->mac == 0)
            continue;
        double um2 = 0, ops = 2.0 * k->plan->config->attention.lanes;
        for (unsigned b = 0; b < N_PRICE_ALL; b++)
            um2 += u->area_um2[b];
        r->attention_peak = (struct core_peak){ .tops_per_w = 2 / u->mac, .area_um2 = um2 };
        r->attention_peak.tops = ops * k->plan->config->clock_mhz * 1e-6;
        r->attention_peak.tops_per_mm2 = r->attention_peak.tops / (um2 * 1e-6);
        return;
    }
}

static enum err price_cores(const struct pricing *k, const struct priced_core *core,
                            struct price_report *r, struct err_msg *m)
{
    double fill = 0;

    for (uint32_t i = 0; i < k->plan->n_core; i++) {
        const struct plan_core *pc = &k->plan->core[i];
        enum price_kind kind = kind_of(plan_network_layer(k->plan, pc->plan_layer));
        struct bill bill;
        enum err e;

        assert(k->run->core[i].busy_timesteps <= k->run->timesteps);
        add_up(k, i, &core[i], &bill);
        if ((e = check_bill(&bill, pc->name, k->run->n_image, m)))
            return e;
        snprintf(r->core[i].name, sizeof r->core[i].name, "%s", pc->name);
        r->core[i].layer = pc->plan_layer;
        round_row(&bill, &core[i], k->run->n_image, &r->core[i]);
        latencies(k->plan, i, &core[i].unit, &r->core[i]);
        program(k, i, &core[i].unit, &r->core[i]);
        row_add(&r->layer[pc->plan_layer], &r->core[i]);
        row_add(&r->kind[kind], &r->core[i]);
        r->n_kind[kind]++;
        row_add(&r->total, &r->core[i]);
        fill += bill.fill;
    }
    const struct priced_core *array = &core[first_array(k->plan)];
    add_unused(k, array, r, &fill);
    add_fabric(k, r);
    r->fill_pj = llround(fill);
    r->peak = core_peak(&array->hardware, &array->unit);
    note_slow(&array->hardware, &array->unit, r);
    peak_attention(k, core, r);
    return ERR_NONE;
}

static void deliver(struct price_report *r)
{
    double pj = (double)(price_row_energy_pj(&r->total) + price_row_leakage_pj(&r->total));

    r->tops = r->image_ops / r->image_ns * 1e-3;
    r->tops_per_w = r->image_ops / pj;
    r->tops_per_mm2 = r->tops / ((double)price_row_area_um2(&r->total) * 1e-6);
}

static enum err allocate(const struct plan *p, struct price_report *r, struct priced_core **core,
                         struct err_msg *m)
{
    r->n_core = p->n_core;
    r->n_layer = p->n_layer;
    r->core = calloc(p->n_core, sizeof *r->core);
    r->layer = calloc(p->n_layer, sizeof *r->layer);
    *core = calloc(p->n_core, sizeof **core);
    if (r->core && r->layer && *core)
        return ERR_NONE;
    return err_set(m, ERR_MEMORY, "no memory for the breakdown of %u cores", p->n_core);
}

static void describe(const struct pricing *k, struct price_report *r)
{
    const struct chip_model *c = k->chip;

    snprintf(r->technology, sizeof r->technology, "%s", c->technology.name);
    snprintf(r->device, sizeof r->device, "%s", c->device.name);
    snprintf(r->warning, sizeof r->warning, "%s", c->warning);
    snprintf(r->total.name, sizeof r->total.name, "total");
    for (uint32_t i = 0; i < k->plan->n_layer; i++) {
        snprintf(r->layer[i].name, sizeof r->layer[i].name, "%s", plan_layer_name(k->plan, i));
        r->layer[i].layer = i;
    }
    const bool tokens = network_has_tokens(k->plan->network);
    const bool routers = k->run->packets && k->run->packets->wires.n_router > 0;
    for (unsigned b = 0; b < N_PRICE_ALL; b++) {
        r->has_block[b] = b < N_PRICE_BLOCK || (b == PRICE_ROUTERS ? routers : tokens);
        r->n_block += r->has_block[b];
    }
    for (unsigned b = 0; b < N_PRICE_ALL; b++)
        r->basis[b] = price_basis(c, (enum price_block)b);
    r->program_basis = c->device.sram ? "predicted" : c->device.program_basis;
    r->values = k->run->values;
    r->n_image = k->run->n_image;
    r->image_ns = timesteps_ns(k, k->timesteps) / (double)k->run->n_image;
    r->attention_ops = 2.0 * (double)network_attention_macs(k->plan->network);
    r->image_ops = 2.0 * (double)network_macs(k->plan->network) + r->attention_ops;
}

enum err price(const struct chip_model *c, const struct plan *p, const struct price_run *run,
               struct price_report *r, struct err_msg *m)
{
    const struct pricing k = { c, p, run, full_timesteps(run),
                               run->timestep_clk ? run->timestep_clk : p->timestep_clk };
    struct priced_core *core;

    *r = (struct price_report){ 0 };
    if (run->n_image == 0 || run->timesteps == 0)
        return err_set(m, ERR_INPUT, "%llu images in %llu timesteps: nothing to price",
                       (unsigned long long)run->n_image, (unsigned long long)run->timesteps);
    enum err e = allocate(p, r, &core, m);
    if (!e)
        e = unit_costs(&k, core, m);
    if (!e) {
        describe(&k, r);
        e = price_cores(&k, core, r, m);
    }
    if (!e && price_row_energy_pj(&r->total) + price_row_leakage_pj(&r->total) == 0)
        e = err_set(m, ERR_INPUT, "%llu images in %llu timesteps take less than 1 pJ each: want "
                    "counters of a run", (unsigned long long)run->n_image,
                    (unsigned long long)run->timesteps);
    if (!e)
        deliver(r);
    else
        price_report_release(r);
    free(core);
    return e;
}

void price_report_release(struct price_report *r)
{
    free(r->core);
    free(r->layer);
    *r = (struct price_report){ 0 };
}
