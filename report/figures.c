/* report/figures.c -- see figures.h. */
#include "report/figures.h"

#include <string.h>

#include "arch/elastic/elastic.h"
#include "core/util.h"
#include "dataflow/plan/tokens.h"
#include "report/plan_report.h"
#include "study/event.h"

/* A block's energy and area; the names of its keys are price_block_name()'s. */
#define BLOCK(block, title, key)                                                                \
    [FIGURE_BLOCK_ENERGY + block] = { "- " title, "nJ/image", key "_nj_per_image",              \
                                      FIGURE_REAL, 0, false },                                  \
    [FIGURE_BLOCK_AREA + block] = { "- " title, "mm2", key "_mm2", FIGURE_REAL, 3, false }

const struct figure_row figure_rows[N_FIGURE] = {
    [FIGURE_CORES] = { "cores", "", "cores", FIGURE_COUNT, 0, false },
    [FIGURE_UTILIZATION] = { "devices that hold weights", "of all", "utilization", FIGURE_SHARE, 1,
                             true },
    [FIGURE_FIRST_RESULT] = { "first result", "timesteps", "first_result_timesteps", FIGURE_COUNT,
                              0, false },
    [FIGURE_FIRST_CLOCKS] = { "first result", "clocks", "first_result_clocks", FIGURE_COUNT, 0,
                              false },
    [FIGURE_LATENCY] = { "latency", "us", "latency_us", FIGURE_REAL, 1, false },
    [FIGURE_LAST_CONV] = { "last convolution", "timesteps", "last_conv_timesteps", FIGURE_COUNT, 0,
                           false },
    [FIGURE_INTERVAL] = { "interval", "timesteps", "interval_timesteps", FIGURE_COUNT, 0, false },
    [FIGURE_INTERVAL_CLOCKS] = { "interval", "clocks", "interval_clocks", FIGURE_REAL, 3, false },
    [FIGURE_INTERVAL_US] = { "interval", "us", "interval_us", FIGURE_REAL, 2, false },
    [FIGURE_HOPS] = { "hops of flits", "an image", "flit_hops_per_image", FIGURE_REAL, 0, false },
    [FIGURE_PACKET_LATENCY] = { "packets take", "clocks", "packet_latency_clocks", FIGURE_REAL, 2,
                                false },
    [FIGURE_BATCH] = { "batch", "images", "batch", FIGURE_COUNT, 0, false },
    [FIGURE_THROUGHPUT] = { "throughput", "images/s", "throughput_images_per_s", FIGURE_REAL, 0,
                            true },
    [FIGURE_ACCURACY] = { "top-1 accuracy", "of all", "top1", FIGURE_SHARE, 2, true },
    [FIGURE_ANALOG_ACCURACY] = { "on analog chips", "of all", "top1_analog", FIGURE_SHARE, 2,
                                 true },
    [FIGURE_ANALOG_DEVIATION] = { "deviation of chips", "of all", "top1_analog_sd", FIGURE_SHARE, 2,
                                  false },
    [FIGURE_ANALOG_ERROR] = { "error of products", "of their rms", "mvm_error", FIGURE_REAL, 4,
                              false },
    [FIGURE_READS] = { "reads", "an image", "reads_per_image", FIGURE_COUNT, 0, false },
    [FIGURE_CONVERSIONS] = { "conversions", "an image", "conversions_per_image", FIGURE_COUNT, 0,
                             false },
    [FIGURE_CLIPPED] = { "clipped", "of conversions", "clipped", FIGURE_SHARE, 3, false },
    [FIGURE_EVENT_ROWS] = { "rows read", "an image", "rows_per_image", FIGURE_REAL, 1, false },
    [FIGURE_EVENT_SPIKES] = { "spikes", "an image", "spikes_per_image", FIGURE_REAL, 1, false },
    [FIGURE_EVENT_LOST] = { "spikes lost", "of those that came", "spikes_lost", FIGURE_SHARE, 2,
                            false },
    [FIGURE_EVENT_LOAD] = { "busiest core reads", "of the time", "load", FIGURE_SHARE, 1, false },
    [FIGURE_LINK_RATE] = { "busiest pixel link needs", "Gb/s", "link_gbps_needed", FIGURE_REAL, 2,
                           false },
    [FIGURE_PARTIAL_SUM_RATE] = { "busiest partial sums need", "Gb/s", "partial_sum_gbps_needed",
                                  FIGURE_REAL, 2, false },
    [FIGURE_WORDS_USED] = { "input memory used", "words", "sram_words_used", FIGURE_COUNT, 0,
                            false },
    [FIGURE_WORDS_THERE] = { "input memory", "words", "sram_words", FIGURE_COUNT, 0, false },
    [FIGURE_WORDS_FULLEST] = { "fullest input memory", "of its words", "sram_fullest", FIGURE_SHARE,
                               1, false },
    [FIGURE_DIGITAL_CORES] = { "cores of tokens", "", "digital_cores", FIGURE_COUNT, 0, false },
    [FIGURE_KV_BYTES] = { "keys and values", "B", "kv_bytes", FIGURE_COUNT, 0, false },
    [FIGURE_ENERGY] = { "energy", "nJ/image", "energy_nj_per_image", FIGURE_REAL, 0, false },
    BLOCK(PRICE_CROSSBAR, "crossbar", "crossbar"),
    BLOCK(PRICE_INPUT_DRIVERS, "input drivers", "input_drivers"),
    BLOCK(PRICE_ADC, "converters", "adc"),
    BLOCK(PRICE_DIGITAL, "digital processor", "digital"),
    BLOCK(PRICE_INPUT_MEMORY, "input memory", "input_memory"),
    BLOCK(PRICE_CONTROLLER, "dataflow controller", "dataflow_controller"),
    BLOCK(PRICE_LINKS, "links", "links"),
    BLOCK(PRICE_CLOCK, "clock", "clock"),
    BLOCK(PRICE_ROUTERS, "routers", "routers"),
    BLOCK(PRICE_ATTENTION, "attention", "attention"),
    BLOCK(PRICE_KV_MEMORY, "K/V memory", "kv_memory"),
    BLOCK(PRICE_NORM, "norms, tables", "norm"),
    BLOCK(PRICE_OFF_CHIP, "off chip", "off_chip"),
    [FIGURE_POWER] = { "power", "mW", "power_mw", FIGURE_REAL, 1, false },
    [FIGURE_EFFICIENCY] = { "efficiency", "TOPS/W", "tops_per_w", FIGURE_REAL, 3, true },
    [FIGURE_PEAK_EFFICIENCY] = { "peak of a core", "TOPS/W", "peak_tops_per_w", FIGURE_REAL, 3,
                                 true },
    [FIGURE_AREA] = { "area", "mm2", "area_mm2", FIGURE_REAL, 3, false },
    [FIGURE_DENSITY] = { "density", "TOPS/mm2", "tops_per_mm2", FIGURE_REAL, 4, true },
    [FIGURE_PEAK_DENSITY] = { "peak of a core", "TOPS/mm2", "peak_tops_per_mm2", FIGURE_REAL, 3,
                              true },
};

static void put(struct figures *f, enum figure q, double value)
{
    f->there[q] = true;
    f->value[q] = value;
}

static void put_links(struct figures *f, const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *s = &p->stream[i];
        enum figure q = s->kind == STREAM_PARTIAL_SUM ? FIGURE_PARTIAL_SUM_RATE : FIGURE_LINK_RATE;
        double bits = (double)p->time.stream[i].most_pixels * s->n * s->value_bits;
        double gbps = bits / plan_timestep_ns(p);
        if (!f->there[q] || gbps > f->value[q])
            put(f, q, gbps);
    }
}

static void put_memories(struct figures *f, const struct plan *p)
{
    uint64_t used = 0, there = 0;
    double fullest = 0;

    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *core = &p->core[i];
        if (layer_is_of_tokens(plan_network_layer(p, core->plan_layer))) // which have none
            continue;
        uint64_t words = memory_used_words(&p->time.core[i].layout);
        double share = (double)words / core->memory.words;
        used += words;
        there += core->memory.words;
        fullest = share > fullest ? share : fullest;
    }
    put(f, FIGURE_WORDS_USED, (double)used);
    put(f, FIGURE_WORDS_THERE, (double)there);
    put(f, FIGURE_WORDS_FULLEST, fullest);
}

/* Of a machine of tokens: its digital cores, and what all banks of attention hold. */
static void put_tokens(struct figures *f, const struct plan *p)
{
    uint64_t bytes = 0;

    if (!network_has_tokens(p->network))
        return;
    for (uint32_t i = 0; i < p->n_layer; i++)
        if (plan_network_layer(p, i)->kind == LAYER_ATTENTION)
            bytes += tokens_kv(p, i).bank_bytes * tokens_n_bank(p) * p->layer[i].n_core;
    put(f, FIGURE_DIGITAL_CORES, plan_digital_cores(p));
    put(f, FIGURE_KV_BYTES, (double)bytes);
}

/* In clocks, which are a run's. */
static void put_clocks(struct figures *f, const struct plan *p, const struct elastic_result *e)
{
    const struct elastic_packets *packets = &e->packets;
    const double mhz = p->config->clock_mhz;
    uint64_t clocks, images;

    put(f, FIGURE_FIRST_CLOCKS, (double)e->result_clk[0]);
    put(f, FIGURE_LATENCY, (double)e->result_clk[0] / mhz);
    put(f, FIGURE_THROUGHPUT, (double)e->n_image * mhz * 1e6 /
                                  (double)e->result_clk[e->n_image - 1]);
    if (elastic_interval(p, e, &clocks, &images)) {
        put(f, FIGURE_INTERVAL_CLOCKS, (double)clocks / (double)images);
        put(f, FIGURE_INTERVAL_US, (double)clocks / (double)images / mhz);
    }
    if (packets->n > 0) {
        put(f, FIGURE_HOPS, (double)packets->counts.flit_hops / (double)e->n_image);
        put(f, FIGURE_PACKET_LATENCY, (double)packets->latency_sum / (double)packets->n);
    }
}

static void put_times(struct figures *f, const struct plan *p, const struct run_result *r)
{
    put(f, FIGURE_FIRST_RESULT, (double)r->first_result);
    put(f, FIGURE_LATENCY, timesteps_us(p, r->first_result));
    put(f, FIGURE_LAST_CONV, (double)r->last_conv);
    put(f, FIGURE_INTERVAL, (double)plan_image_interval(p));
    put(f, FIGURE_INTERVAL_US, timesteps_us(p, plan_image_interval(p)));
    put(f, FIGURE_BATCH, p->config->batch);
    put(f, FIGURE_THROUGHPUT, batch_throughput(p, r->first_result, p->config->batch));
}

/* Where arrays are read in some way that somebody chose. */
static void put_reads(struct figures *f, const struct plan *p, const struct run_result *r)
{
    double reads = 0, conversions = 0, clipped = 0;

    for (uint32_t i = 0; plan_is_read(p) && i < p->n_core; i++) {
        reads += (double)r->core[i].reads;
        conversions += (double)r->core[i].conversions;
        clipped += (double)r->core[i].clipped;
    }
    if (reads > 0)
        put(f, FIGURE_READS, reads / (double)r->n_image);
    if (reads > 0 && conversions > 0)
        put(f, FIGURE_CONVERSIONS, conversions / (double)r->n_image);
    if (clipped > 0)
        put(f, FIGURE_CLIPPED, clipped / conversions);
}

/* Of event cores: latency is the mean time to an image's last row. */
static void put_events(struct figures *f, const struct event_result *e, uint64_t n_image)
{
    struct event_counts all = { 0 };
    uint64_t busiest_ns = 0;

    for (uint32_t i = 0; i < e->n_core; i++) {
        counter_add(event_counter_rows, &all, &e->core[i].counts);
        busiest_ns = max_u64(busiest_ns, e->core[i].counts.busy_ns);
    }
    put(f, FIGURE_LATENCY, (double)e->active_ns / (double)n_image * 1e-3);
    put(f, FIGURE_EVENT_ROWS, (double)all.rows / (double)n_image);
    put(f, FIGURE_EVENT_SPIKES, (double)all.spikes / (double)n_image);
    if (all.arrived > 0)
        put(f, FIGURE_EVENT_LOST, (double)all.merged / (double)all.arrived);
    put(f, FIGURE_EVENT_LOAD, (double)busiest_ns / (double)e->recorded_ns);
}

static void put_price(struct figures *f, const struct price_report *price)
{
    const struct price_row *all = &price->total;
    double pj = (double)(price_row_energy_pj(all) + price_row_leakage_pj(all));

    put(f, FIGURE_ENERGY, pj / 1000);
    put(f, FIGURE_POWER, pj / price->image_ns); // mW
    put(f, FIGURE_EFFICIENCY, price->tops_per_w);
    put(f, FIGURE_PEAK_EFFICIENCY, price->peak.tops_per_w);
    put(f, FIGURE_AREA, (double)price_row_area_um2(all) / 1e6);
    put(f, FIGURE_DENSITY, price->tops_per_mm2);
    put(f, FIGURE_PEAK_DENSITY, price->peak.tops_per_mm2);
    for (unsigned b = 0; b < N_PRICE_ALL; b++) {
        int64_t block_pj = all->energy_pj[b] + all->leakage_pj[b];

        if (block_pj > 0)
            put(f, (enum figure)(FIGURE_BLOCK_ENERGY + b), (double)block_pj / 1000);
        if (all->area_um2[b] > 0)
            put(f, (enum figure)(FIGURE_BLOCK_AREA + b), (double)all->area_um2[b] / 1e6);
    }
}

/* At the last time. */
static void put_analog(struct figures *f, const struct study *s, const struct measured *d)
{
    const uint32_t time = d->analog.n_time - 1;
    const struct analog_accuracy a = analog_accuracy(&d->analog, &d->run, time);
    double sum = 0;
    uint32_t n = 0;

    put(f, FIGURE_ANALOG_ACCURACY, a.mean);
    put(f, FIGURE_ANALOG_DEVIATION, a.sd);
    for (uint32_t i = 0; i < d->analog.n_layer; i++) {
        const double error = analog_layer(&d->analog, time, i).error;
        if (layer_is_digital(plan_network_layer(&s->plan, i)) || error < 0)
            continue;
        sum += error;
        n++;
    }
    if (n > 0)
        put(f, FIGURE_ANALOG_ERROR, sum / n);
}

void figures_of(struct figures *f, const struct study *s, const struct measured *d)
{
    const struct run_result *r = &d->run;

    *f = (struct figures){ .there = { false } };
    put(f, FIGURE_CORES, s->plan.n_core - plan_digital_cores(&s->plan));
    put(f, FIGURE_UTILIZATION, chip_utilization(&s->plan));
    if (r->label)
        put(f, FIGURE_ACCURACY, (double)r->n_correct / (double)r->n_image);
    if (r->event) {
        put_events(f, r->event, r->n_image);
    } else if (r->elastic) {
        put_clocks(f, &s->plan, r->elastic);
        put_reads(f, &s->plan, r);
        put_memories(f, &s->plan);
    } else {
        put_times(f, &s->plan, r);
        put_reads(f, &s->plan, r);
        put_links(f, &s->plan);
        put_memories(f, &s->plan);
    }
    put_tokens(f, &s->plan);
    if (d->on_analog)
        put_analog(f, s, d);
    if (d->is_priced)
        put_price(f, &d->price);
    if (d->events_priced) {
        put(f, FIGURE_ENERGY, d->event_price.total_nj);
        put(f, FIGURE_POWER, d->event_price.total_nj * 1e3 / d->event_price.ns); // mW
    }
}

void figure_cell(struct table *t, const struct figures *f, enum figure q)
{
    const struct figure_row *row = &figure_rows[q];

    if (!f->there[q])
        table_none(t);
    else if (row->form == FIGURE_COUNT)
        table_count(t, (uint64_t)f->value[q]);
    else if (row->form == FIGURE_SHARE)
        table_share(t, f->value[q], row->decimals);
    else
        table_real(t, f->value[q], row->decimals);
}

void figure_json(json_t **object, const struct figures *f, enum figure q)
{
    const struct figure_row *row = &figure_rows[q];

    if (f->there[q] && row->form == FIGURE_COUNT)
        json_put_count(object, row->key, (uint64_t)f->value[q]);
    else if (f->there[q])
        json_put_real(object, row->key, f->value[q]);
}

struct figure_title figure_title(enum figure q)
{
    const struct figure_row *row = &figure_rows[q];
    const char *what = strncmp(row->title, "- ", 2) == 0 ? row->title + 2 : row->title;
    struct figure_title t;

    snprintf(t.text, sizeof t.text, "%s%s%s", what, row->unit[0] ? " " : "", row->unit);
    return t;
}

/* Where the result of run has figures; its blocks of energy are without leakage, and no figures. */
static const struct {
    const char *path;
    enum figure figure;
} paths[] = {
    { "timing.first_result_timesteps", FIGURE_FIRST_RESULT },
    { "timing.latency_us", FIGURE_LATENCY },
    { "timing.last_conv_timesteps", FIGURE_LAST_CONV },
    { "timing.interval_timesteps", FIGURE_INTERVAL },
    { "timing.first_result_clocks", FIGURE_FIRST_CLOCKS },
    { "timing.interval_clocks", FIGURE_INTERVAL_CLOCKS },
    { "timing.batch", FIGURE_BATCH },
    { "timing.throughput_images_per_s", FIGURE_THROUGHPUT },
    { "accuracy.top1", FIGURE_ACCURACY },
    { "energy.total_nj_per_image", FIGURE_ENERGY },
    { "energy.mean_power_mw", FIGURE_POWER },
    { "energy.tops_per_w", FIGURE_EFFICIENCY },
    { "energy.peak.tops_per_w", FIGURE_PEAK_EFFICIENCY },
    { "energy.peak.tops_per_mm2", FIGURE_PEAK_DENSITY },
    { "area.total_mm2", FIGURE_AREA },
    { "area.tops_per_mm2", FIGURE_DENSITY },
};

enum figure figure_find(const char *name)
{
    int q = 0;

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (strcmp(paths[i].path, name) == 0)
            return paths[i].figure;
    while (q < N_FIGURE && strcmp(figure_rows[q].key, name) != 0)
        q++;
    return (enum figure)q;
}
