/* cli/cmd_compare.c -- imcsim compare: several configurations side by side, ratios to the first. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/report/json.h"
#include "cli/output.h"
#include "cli/report/plan_report.h"
#include "cli/report/table.h"
#include "cli/version.h"
#include "study/pricing.h"
#include "study/run.h"

enum quantity {
    CORES,
    UTILIZATION,
    FIRST_RESULT,
    LATENCY,
    LAST_CONV,
    INTERVAL,
    BATCH,
    THROUGHPUT,
    LINK_RATE,
    PARTIAL_SUM_RATE,
    WORDS_USED,
    WORDS_THERE,
    WORDS_FULLEST,
    ENERGY,
    BLOCK_ENERGY,
    POWER = BLOCK_ENERGY + N_PRICE_BLOCK,
    EFFICIENCY,
    PEAK_EFFICIENCY,
    AREA,
    BLOCK_AREA,
    DENSITY = BLOCK_AREA + N_PRICE_BLOCK,
    PEAK_DENSITY,
    N_QUANTITY
};

enum form { FORM_COUNT, FORM_REAL, FORM_SHARE };

/* A block's energy and area; the names of its keys are price_block_name()'s. */
#define BLOCK(block, title, key)                                                                \
    [BLOCK_ENERGY + block] = { "- " title, "nJ/image", key "_nj_per_image", FORM_REAL, 0 },     \
    [BLOCK_AREA + block] = { "- " title, "mm2", key "_mm2", FORM_REAL, 3 }

static const struct quantity_row {
    const char *title, *unit, *key;
    enum form   form;
    int         decimals;
} rows[N_QUANTITY] = {
    [CORES] = { "cores", "", "cores", FORM_COUNT, 0 },
    [UTILIZATION] = { "devices that hold weights", "of all", "utilization", FORM_SHARE, 1 },
    [FIRST_RESULT] = { "first result", "timesteps", "first_result_timesteps", FORM_COUNT, 0 },
    [LATENCY] = { "the same", "us", "latency_us", FORM_REAL, 1 },
    [LAST_CONV] = { "last convolution", "timesteps", "last_conv_timesteps", FORM_COUNT, 0 },
    [INTERVAL] = { "interval", "timesteps", "interval_timesteps", FORM_COUNT, 0 },
    [BATCH] = { "batch", "images", "batch", FORM_COUNT, 0 },
    [THROUGHPUT] = { "throughput", "images/s", "throughput_images_per_s", FORM_REAL, 0 },
    [LINK_RATE] = { "busiest pixel link needs", "Gb/s", "link_gbps_needed", FORM_REAL, 2 },
    [PARTIAL_SUM_RATE] = { "busiest partial sums need", "Gb/s", "partial_sum_gbps_needed",
                           FORM_REAL, 2 },
    [WORDS_USED] = { "input memory used", "words", "sram_words_used", FORM_COUNT, 0 },
    [WORDS_THERE] = { "input memory", "words", "sram_words", FORM_COUNT, 0 },
    [WORDS_FULLEST] = { "fullest input memory", "of its words", "sram_fullest", FORM_SHARE, 1 },
    [ENERGY] = { "energy", "nJ/image", "energy_nj_per_image", FORM_REAL, 0 },
    BLOCK(PRICE_CROSSBAR, "crossbar", "crossbar"),
    BLOCK(PRICE_INPUT_DRIVERS, "input drivers", "input_drivers"),
    BLOCK(PRICE_ADC, "converters", "adc"),
    BLOCK(PRICE_DIGITAL, "digital processor", "digital"),
    BLOCK(PRICE_INPUT_MEMORY, "input memory", "input_memory"),
    BLOCK(PRICE_CONTROLLER, "dataflow controller", "dataflow_controller"),
    BLOCK(PRICE_LINKS, "links", "links"),
    BLOCK(PRICE_CLOCK, "clock", "clock"),
    [POWER] = { "power", "mW", "power_mw", FORM_REAL, 1 },
    [EFFICIENCY] = { "efficiency", "TOPS/W", "tops_per_w", FORM_REAL, 3 },
    [PEAK_EFFICIENCY] = { "peak of a core", "TOPS/W", "peak_tops_per_w", FORM_REAL, 3 },
    [AREA] = { "area", "mm2", "area_mm2", FORM_REAL, 3 },
    [DENSITY] = { "density", "TOPS/mm2", "tops_per_mm2", FORM_REAL, 4 },
    [PEAK_DENSITY] = { "peak of a core", "TOPS/mm2", "peak_tops_per_mm2", FORM_REAL, 3 },
};

struct entry { // one configuration
    const char *path;
    const char *label; // points into path
    json_t     *config; // owned
    char        hash[17];
    bool        there[N_QUANTITY]; // what does not apply is absent, never zero
    double      value[N_QUANTITY];
};

struct comparison {
    struct entry *entry; // owned
    size_t        n;
};

static void put(struct entry *e, enum quantity q, double value)
{
    e->there[q] = true;
    e->value[q] = value;
}

/* False when one of them has no such figure; none that is there can be zero. */
static bool ratio_of(const struct comparison *c, size_t i, enum quantity q, double *ratio)
{
    const struct entry *first = &c->entry[0], *e = &c->entry[i];

    if (!first->there[q] || !e->there[q])
        return false;
    *ratio = e->value[q] / first->value[q];
    return true;
}

static bool is_shown(const struct comparison *c, enum quantity q)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->entry[i].there[q])
            return true;
    return false;
}

/* ---- figures of one configuration ---- */

static void put_links(struct entry *e, const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *s = &p->stream[i];
        enum quantity q = s->kind == STREAM_PARTIAL_SUM ? PARTIAL_SUM_RATE : LINK_RATE;
        double bits = (double)s->most_pixels * s->n * s->value_bits;
        double gbps = bits / (double)p->config->timestep_ns;
        if (!e->there[q] || gbps > e->value[q])
            put(e, q, gbps);
    }
}

static void put_memories(struct entry *e, const struct plan *p)
{
    uint64_t used = 0, there = 0;
    double fullest = 0;

    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *core = &p->core[i];
        uint64_t words = memory_used_words(&core->layout);
        double share = (double)words / core->memory.words;
        used += words;
        there += core->memory.words;
        fullest = share > fullest ? share : fullest;
    }
    put(e, WORDS_USED, (double)used);
    put(e, WORDS_THERE, (double)there);
    put(e, WORDS_FULLEST, fullest);
}

static void put_times(struct entry *e, const struct plan *p, const struct run_result *r)
{
    put(e, FIRST_RESULT, (double)r->first_result);
    put(e, LATENCY, timesteps_us(p, r->first_result));
    put(e, LAST_CONV, (double)r->last_conv);
    put(e, INTERVAL, (double)p->interval);
    put(e, BATCH, p->config->batch);
    put(e, THROUGHPUT, batch_throughput(p, r->first_result, p->config->batch));
}

static enum err put_price(struct entry *e, const struct study *s, const struct run_result *r,
                          struct err_msg *m)
{
    struct price_report price;
    enum err err = pricing(&price, s, r, m);

    if (err)
        return err;
    const struct price_row *all = &price.total;
    double pj = (double)(price_row_energy_pj(all) + price_row_leakage_pj(all));

    put(e, ENERGY, pj / 1000);
    put(e, POWER, pj / price.image_ns); // mW
    put(e, EFFICIENCY, price.tops_per_w);
    put(e, PEAK_EFFICIENCY, price.peak.tops_per_w);
    put(e, AREA, (double)price_row_area_um2(all) / 1e6);
    put(e, DENSITY, price.tops_per_mm2);
    put(e, PEAK_DENSITY, price.peak.tops_per_mm2);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++) {
        int64_t block_pj = all->energy_pj[b] + all->leakage_pj[b];

        if (block_pj > 0)
            put(e, (enum quantity)(BLOCK_ENERGY + b), (double)block_pj / 1000);
        if (all->area_um2[b] > 0)
            put(e, (enum quantity)(BLOCK_AREA + b), (double)all->area_um2[b] / 1e6);
    }
    price_report_release(&price);
    return ERR_NONE;
}

static enum err measure(struct entry *e, const struct study *s, uint64_t n_image,
                        struct err_msg *m)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE,
                                 .n_image = n_image, .jobs = 1 };
    struct run_result r;
    enum err err = run(&s->plan, &cfg, &r, m);

    if (err)
        return err;
    memcpy(e->hash, s->config_hash, sizeof e->hash);
    e->config = config_to_json(&s->config);
    put(e, CORES, s->plan.n_core);
    put(e, UTILIZATION, chip_utilization(&s->plan));
    put_times(e, &s->plan, &r);
    put_links(e, &s->plan);
    put_memories(e, &s->plan);
    if (pricing_wanted(&s->config))
        err = put_price(e, s, &r, m);
    run_result_release(&r);
    return err;
}

/* ---- forms ---- */

static void add_value(struct table *t, const struct entry *e, enum quantity q)
{
    const struct quantity_row *row = &rows[q];

    if (!e->there[q])
        table_none(t);
    else if (row->form == FORM_COUNT)
        table_count(t, (uint64_t)e->value[q]);
    else if (row->form == FORM_SHARE)
        table_share(t, e->value[q], row->decimals);
    else
        table_real(t, e->value[q], row->decimals);
}

static void add_ratio(struct table *t, const struct comparison *c, size_t i, enum quantity q)
{
    double ratio;

    if (ratio_of(c, i, q, &ratio))
        table_real(t, ratio, 3);
    else
        table_none(t);
}

/* A row for each quantity, a column for each configuration, its ratio behind it. */
static enum err print_side_by_side(const struct comparison *c, enum table_format format, FILE *out,
                                   struct err_msg *m)
{
    struct table_column *columns = calloc(2 * c->n + 2, sizeof *columns); // the last one ends it
    size_t n = 0;

    if (!columns)
        return err_set(m, ERR_MEMORY, "no memory for a table");
    columns[n++].title = "";
    columns[n++].title = "unit";
    for (size_t i = 0; i < c->n; i++) {
        columns[n++].title = c->entry[i].label;
        if (i > 0)
            columns[n++].title = "ratio";
    }
    struct table *t = table_new(columns);
    for (int q = 0; q < N_QUANTITY; q++) {
        if (!is_shown(c, (enum quantity)q))
            continue;
        table_text(t, rows[q].title);
        table_text(t, rows[q].unit);
        for (size_t i = 0; i < c->n; i++) {
            add_value(t, &c->entry[i], (enum quantity)q);
            if (i > 0)
                add_ratio(t, c, i, (enum quantity)q);
        }
    }
    enum err e = table_print(t, format, out, m);
    table_free(t);
    free(columns);
    return e;
}

static enum err compare_text(const void *comparison, FILE *out, struct err_msg *m)
{
    const struct comparison *c = comparison;
    enum err e = print_side_by_side(c, TABLE_TEXT, out, m);

    if (c->n > 1)
        fprintf(out, "\nRatios are to %s.\n", c->entry[0].label);
    return e;
}

static enum err compare_markdown(const void *comparison, FILE *out, struct err_msg *m)
{
    return print_side_by_side(comparison, TABLE_MARKDOWN, out, m);
}

/* A row for each configuration: programs join and sort these. */
static enum err compare_csv(const void *comparison, FILE *out, struct err_msg *m)
{
    const struct comparison *c = comparison;
    struct table_column columns[2 * N_QUANTITY + 3] = { { "", "configuration" },
                                                        { "", "config_hash" } };
    char ratio_key[N_QUANTITY][48];

    for (int q = 0; q < N_QUANTITY; q++) {
        snprintf(ratio_key[q], sizeof ratio_key[q], "%s_ratio", rows[q].key);
        columns[2 + q] = (struct table_column){ "", rows[q].key };
        columns[2 + N_QUANTITY + q] = (struct table_column){ "", ratio_key[q] };
    }
    struct table *t = table_new(columns);
    for (size_t i = 0; i < c->n; i++) {
        table_text(t, c->entry[i].path);
        table_text(t, c->entry[i].hash);
        for (int q = 0; q < N_QUANTITY; q++)
            add_value(t, &c->entry[i], (enum quantity)q);
        for (int q = 0; q < N_QUANTITY; q++)
            add_ratio(t, c, i, (enum quantity)q);
    }
    enum err e = table_print(t, TABLE_CSV, out, m);
    table_free(t);
    return e;
}

static json_t *json_entry(const struct comparison *c, size_t i)
{
    const struct entry *e = &c->entry[i];
    json_t *o = json_object(), *ratios = json_object();
    double ratio;

    json_put_text(&o, "file", e->path);
    json_put(&o, "config", json_incref(e->config));
    json_put_text(&o, "config_hash", e->hash);
    for (int q = 0; q < N_QUANTITY; q++) {
        if (e->there[q] && rows[q].form == FORM_COUNT)
            json_put_count(&o, rows[q].key, (uint64_t)e->value[q]);
        else if (e->there[q])
            json_put_real(&o, rows[q].key, e->value[q]);
        if (ratio_of(c, i, (enum quantity)q, &ratio))
            json_put_real(&ratios, rows[q].key, ratio);
    }
    json_put(&o, "ratios", ratios);
    return o;
}

static enum err compare_json(const void *comparison, FILE *out, struct err_msg *m)
{
    const struct comparison *c = comparison;
    json_t *o = json_object(), *all = json_array();

    for (size_t i = 0; i < c->n; i++)
        json_add(&all, json_entry(c, i));
    json_put_text(&o, "format", "imcsim-compare/1");
    json_put_text(&o, "version", imcsim_version);
    json_put(&o, "configurations", all);
    return json_print(o, out, m);
}

/* ---- the subcommand ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* File names alone where they differ, else whole paths. */
static void label(struct comparison *c)
{
    for (size_t i = 0; i < c->n; i++) {
        c->entry[i].label = base_name(c->entry[i].path);
        for (size_t j = 0; j < c->n; j++)
            if (j != i && strcmp(base_name(c->entry[j].path), c->entry[i].label) == 0) {
                c->entry[i].label = c->entry[i].path;
                break;
            }
    }
}

static enum err compare(struct comparison *c, const struct options *o, struct err_msg *m)
{
    enum err e = ERR_NONE;

    for (size_t i = 0; i < o->n_operand && !e; i++) {
        struct study s;
        c->entry[i].path = o->operands[i];
        e = study_load(&s, o->operands[i], o->set, o->n_set, m);
        if (e)
            return e;
        e = measure(&c->entry[i], &s, o->count, m);
        study_release(&s);
    }
    if (!e)
        label(c);
    return e;
}

static enum err cmd_compare(const struct options *o, struct err_msg *m)
{
    struct comparison c = { .entry = calloc(o->n_operand, sizeof *c.entry), .n = o->n_operand };
    const struct output outputs[] = {
        { o->json, compare_json, &c },
        { o->csv, compare_csv, &c },
        { o->markdown, compare_markdown, &c },
    };
    const size_t n = sizeof outputs / sizeof *outputs;

    if (!c.entry)
        return err_set(m, ERR_MEMORY, "no memory for %zu configurations", c.n);
    enum err e = output_check(outputs, n, m);
    if (!e)
        e = compare(&c, o, m);
    if (!e)
        e = output_write(outputs, n, compare_text, &c, m);
    for (size_t i = 0; i < c.n; i++)
        json_decref(c.entry[i].config);
    free(c.entry);
    return e;
}

const struct command command_compare = {
    .name = "compare",
    .operand = "CONFIG...",
    .summary = "several configurations side by side, with ratios to the first",
    .help = "Runs each CONFIG, timing only, and prints latency, interval, throughput, cores,\n"
            "device utilisation, the rates that its links need and the words that its memories\n"
            "fill; energy and area where energy.chip names costs. --set applies to all of them.\n"
            "\n"
            "  imcsim compare configs/resnet32.yaml configs/resnet32_speedup.yaml\n"
            "  imcsim compare configs/*.yaml --set batch=100 --markdown table.md\n",
    .options = OPTION_BIT(OPTION_SET) | OPTION_BIT(OPTION_COUNT) | OPTION_BIT(OPTION_JSON) |
               OPTION_BIT(OPTION_CSV) | OPTION_BIT(OPTION_MARKDOWN) |
               OPTION_BIT(OPTION_LOG_LEVEL),
    .run = cmd_compare,
};
