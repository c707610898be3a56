/* cli/cmd_compare.c -- imcsim compare: several configurations side by side, ratios to the first.
 * What cannot be run is a row with its reason. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/compare_picture.h"
#include "cli/load.h"
#include "cli/results.h"
#include "report/json.h"
#include "report/plan_report.h"
#include "report/table.h"
#include "report/version.h"
#include "study/pricing.h"
#include "study/calibrate.h"
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
    ACCURACY,
    READS,
    CONVERSIONS,
    CLIPPED,
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

enum value_form { FORM_COUNT, FORM_REAL, FORM_SHARE };

/* A block's energy and area; the names of its keys are price_block_name()'s. */
#define BLOCK(block, title, key)                                                                \
    [BLOCK_ENERGY + block] = { "- " title, "nJ/image", key "_nj_per_image", FORM_REAL, 0 },     \
    [BLOCK_AREA + block] = { "- " title, "mm2", key "_mm2", FORM_REAL, 3 }

static const struct quantity_row {
    const char *title, *unit, *key;
    enum value_form form;
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
    [ACCURACY] = { "top-1 accuracy", "of all", "top1", FORM_SHARE, 2 },
    [READS] = { "reads", "an image", "reads_per_image", FORM_COUNT, 0 },
    [CONVERSIONS] = { "conversions", "an image", "conversions_per_image", FORM_COUNT, 0 },
    [CLIPPED] = { "clipped", "of conversions", "clipped", FORM_SHARE, 3 },
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
    const char    *path;
    char           label[160];
    const char   **set; // owned: those of all, then its own
    size_t         n_set, n_own;
    enum err       err; // why there are no figures
    struct err_msg why;
    json_t        *config; // owned; NULL with an error
    char           hash[17];
    bool        there[N_QUANTITY]; // what does not apply is absent, never zero
    double      value[N_QUANTITY];
};

struct comparison {
    struct entry *entry; // owned
    size_t        n;
    size_t        first; // that could be run: ratios are to it
};

static void put(struct entry *e, enum quantity q, double value)
{
    e->there[q] = true;
    e->value[q] = value;
}

/* False when one of them has no such figure; none that is there can be zero. */
static bool ratio_of(const struct comparison *c, size_t i, enum quantity q, double *ratio)
{
    const struct entry *first = &c->entry[c->first], *e = &c->entry[i];

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
        double bits = (double)p->time.stream[i].most_pixels * s->n * s->value_bits;
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
        uint64_t words = memory_used_words(&p->time.core[i].layout);
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

/* Where arrays are read in some way that somebody chose. */
static void put_reads(struct entry *e, const struct plan *p, const struct run_result *r)
{
    double reads = 0, conversions = 0, clipped = 0;

    for (uint32_t i = 0; plan_is_read(p) && i < p->n_core; i++) {
        reads += (double)r->core[i].reads;
        conversions += (double)r->core[i].conversions;
        clipped += (double)r->core[i].clipped;
    }
    if (reads > 0)
        put(e, READS, reads / (double)r->n_image);
    if (reads > 0 && conversions > 0)
        put(e, CONVERSIONS, conversions / (double)r->n_image);
    if (clipped > 0)
        put(e, CLIPPED, clipped / conversions);
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

static enum err measure(struct entry *e, const struct study *s, const struct options *o,
                        struct err_msg *m)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE,
                                 .images = o->images, .images_how = o->how,
                                 .n_image = o->count,
                                 .jobs = (uint32_t)o->jobs };
    struct run_result r;
    enum err err = run_calibrated(&s->plan, &cfg, &r, m);

    if (err)
        return err;
    memcpy(e->hash, s->config_hash, sizeof e->hash);
    e->config = config_to_json(&s->config);
    put(e, CORES, s->plan.n_core);
    put(e, UTILIZATION, chip_utilization(&s->plan));
    put_times(e, &s->plan, &r);
    if (r.label)
        put(e, ACCURACY, (double)r.n_correct / (double)r.n_image);
    put_reads(e, &s->plan, &r);
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

/* A row for each quantity, a column for each configuration that ran, its ratio behind it. */
static struct table *side_by_side(const void *comparison)
{
    const struct comparison *c = comparison;
    struct table_column *columns = calloc(2 * c->n + 3, sizeof *columns); // the last one ends it
    size_t n = 2;

    if (!columns)
        return NULL;
    columns[0] = (struct table_column){ .title = "", .key = "quantity" };
    columns[1] = (struct table_column){ .title = "unit", .key = "unit" };
    for (size_t i = 0; i < c->n; i++) {
        if (c->entry[i].err)
            continue;
        columns[n++] = (struct table_column){ .title = c->entry[i].label,
                                              .key = c->entry[i].label };
        if (i > c->first)
            columns[n++] = (struct table_column){ "ratio", "ratio" };
    }
    struct table *t = table_new(columns);
    free(columns);
    table_repeat(t, 2);
    for (size_t i = 4; i < n; i += 2)
        table_glue(t, i);
    for (int q = 0; q < N_QUANTITY; q++) {
        if (!is_shown(c, (enum quantity)q))
            continue;
        table_named(t, rows[q].key, rows[q].title);
        table_text(t, rows[q].unit);
        for (size_t i = 0; i < c->n; i++) {
            if (c->entry[i].err)
                continue;
            add_value(t, &c->entry[i], (enum quantity)q);
            if (i > c->first)
                add_ratio(t, c, i, (enum quantity)q);
        }
    }
    if (c->n > 1)
        table_note(t, "Ratios are to %s.", c->entry[c->first].label);
    return t;
}

/* What could not be run, and why. */
static struct table *failures(const void *comparison)
{
    static const struct table_column columns[] = {
        { "not run", "configuration" }, { "reason", "error" }, { 0 },
    };
    const struct comparison *c = comparison;
    struct table *t = table_new(columns);

    for (size_t i = 0; i < c->n; i++)
        if (c->entry[i].err) {
            table_text(t, c->entry[i].label);
            table_text(t, c->entry[i].why.text);
        }
    return t;
}

/* A row for each configuration: programs join and sort these. */
static struct table *one_a_row(const void *comparison)
{
    const struct comparison *c = comparison;
    struct table_column columns[2 * N_QUANTITY + 5] = { { "configuration", "configuration" },
                                                        { "hash", "config_hash" } };
    char ratio_key[N_QUANTITY][48];

    for (int q = 0; q < N_QUANTITY; q++) {
        snprintf(ratio_key[q], sizeof ratio_key[q], "%s_ratio", rows[q].key);
        columns[2 + q] = (struct table_column){ rows[q].title, rows[q].key };
        columns[2 + N_QUANTITY + q] = (struct table_column){ "ratio", ratio_key[q] };
    }
    columns[2 + 2 * N_QUANTITY] = (struct table_column){ "label", "label" };
    columns[3 + 2 * N_QUANTITY] = (struct table_column){ "error", "error" };
    struct table *t = table_new(columns);
    for (size_t i = 0; i < c->n; i++) {
        const struct entry *e = &c->entry[i];
        table_text(t, e->path);
        table_text(t, e->hash);
        for (int q = 0; q < N_QUANTITY; q++)
            add_value(t, e, (enum quantity)q);
        for (int q = 0; q < N_QUANTITY; q++)
            add_ratio(t, c, i, (enum quantity)q);
        table_text(t, e->label);
        table_text(t, e->err ? e->why.text : "");
    }
    return t;
}

static json_t *json_entry(const struct comparison *c, size_t i)
{
    const struct entry *e = &c->entry[i];
    json_t *o = json_object(), *ratios = json_object();
    double ratio;

    json_put_text(&o, "file", e->path);
    json_put_text(&o, "label", e->label);
    if (e->err) {
        json_decref(ratios);
        json_put_text(&o, "error", e->why.text);
        return o;
    }
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

/* ---- the picture ---- */

static enum err compare_svg(const void *comparison, FILE *out, struct err_msg *m)
{
    static const enum quantity of[MOST_COSTS] = { LATENCY, CONVERSIONS, ENERGY };
    static const char *const costs[MOST_COSTS] = { "us to the first result",
                                                   "conversions an image", "nJ an image" };
    const struct comparison *c = comparison;
    struct picture_dot *dot = calloc(c->n, sizeof *dot);
    struct compare_picture p = { costs, dot, 0 };

    if (!dot)
        return err_set(m, ERR_MEMORY, "no memory for the picture");
    for (size_t i = 0; i < c->n; i++) {
        const struct entry *e = &c->entry[i];
        if (e->err || !e->there[ACCURACY])
            continue;
        struct picture_dot *d = &dot[p.n++];
        *d = (struct picture_dot){ .label = e->label, .top1 = e->value[ACCURACY] };
        for (int k = 0; k < MOST_COSTS; k++) {
            d->there[k] = e->there[of[k]] && e->value[of[k]] > 0;
            d->cost[k] = e->value[of[k]];
        }
    }
    enum err err = p.n > 0 ? ERR_NONE
                           : err_set(m, ERR_INPUT, "--svg: it draws accuracy, and no image has a "
                                     "label: want --images of a set with labels");
    if (!err && !compare_draw(&p, out))
        err = err_set(m, ERR_MEMORY, "no memory for the picture");
    free(dot);
    return err;
}

/* ---- the subcommand ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The label that was given; else the file's name, its path where another has the same name, and its
 * own settings. */
static void label(struct comparison *c, const struct options *o)
{
    for (size_t i = 0; i < c->n; i++) {
        struct entry *e = &c->entry[i];
        const char *name = base_name(e->path);
        for (size_t j = 0; j < c->n; j++)
            if (strcmp(base_name(c->entry[j].path), name) == 0 &&
                strcmp(c->entry[j].path, e->path) != 0) {
                name = e->path;
                break;
            }
        int n = snprintf(e->label, sizeof e->label, "%s", o->label[i] ? o->label[i] : name);
        for (size_t j = e->n_set - e->n_own; j < e->n_set && !o->label[i] && n >= 0 &&
                                             (size_t)n < sizeof e->label; j++)
            n += snprintf(e->label + n, sizeof e->label - (size_t)n, " %s", e->set[j]);
    }
}

/* A --set between two operands belongs to the one before it, and then those behind the last are the
 * last one's too; before the first, or all of them behind the last, they belong to all. */
static bool is_own(const struct options *o, size_t set, size_t operand)
{
    bool between = false;

    for (size_t i = 0; i < o->n_set; i++)
        between = between || (o->set_after[i] > 0 && o->set_after[i] < o->n_operand);
    return between && o->set_after[set] == operand + 1;
}

static bool is_of_all(const struct options *o, size_t set)
{
    for (size_t i = 0; i < o->n_operand; i++)
        if (is_own(o, set, i))
            return false;
    return true;
}

static enum err settings(struct entry *e, size_t operand, const struct options *o,
                         struct err_msg *m)
{
    e->set = malloc((o->n_set + 1) * sizeof *e->set);
    if (!e->set)
        return err_set(m, ERR_MEMORY, "no memory for %zu settings", o->n_set);
    for (size_t i = 0; i < o->n_set; i++)
        if (is_of_all(o, i))
            e->set[e->n_set++] = o->set[i];
    for (size_t i = 0; i < o->n_set; i++)
        if (is_own(o, i, operand)) {
            e->set[e->n_set++] = o->set[i];
            e->n_own++;
        }
    return ERR_NONE;
}

static void run_entry(struct entry *e, const struct options *o)
{
    struct study s;

    e->err = study_load(&s, e->path, e->set, e->n_set, &e->why);
    if (e->err == ERR_INPUT)
        load_explain_kind(e->path, &e->why);
    if (e->err)
        return;
    e->err = measure(e, &s, o, &e->why);
    study_release(&s);
}

static enum err compare(struct comparison *c, const struct options *o, struct err_msg *m)
{
    for (size_t i = 0; i < c->n; i++) {
        enum err e = settings(&c->entry[i], i, o, m);
        if (e)
            return e;
        c->entry[i].path = o->operands[i];
    }
    label(c, o);
    for (size_t i = 0; i < c->n; i++) {
        run_entry(&c->entry[i], o);
        if (c->entry[i].err == ERR_MEMORY) {
            *m = c->entry[i].why;
            return ERR_MEMORY;
        }
    }
    while (c->first < c->n && c->entry[c->first].err)
        c->first++;
    if (c->first < c->n)
        return ERR_NONE;
    *m = c->entry[0].why; // nothing to compare
    return c->entry[0].err;
}

static const struct sheet sheets[] = {
    { "configurations", true, one_a_row },
    { "comparison", false, side_by_side },
    { "failures", false, failures },
    { 0 },
};

static const struct form form = { sheets, NULL, NULL, compare_json };

static enum err cmd_compare(const struct options *o, struct err_msg *m)
{
    struct comparison c = { .entry = calloc(o->n_operand, sizeof *c.entry), .n = o->n_operand };

    if (!c.entry)
        return err_set(m, ERR_MEMORY, "no memory for %zu configurations", c.n);
    const struct output svg = { o->svg, compare_svg, &c };
    enum err e = o->svg && !o->images
                     ? err_set(m, ERR_INPUT, "--svg: it draws accuracy: want --images too")
                     : results_check(&form, o, &svg, 1, m);
    if (!e)
        e = compare(&c, o, m);
    if (!e)
        e = results_write(&form, o, &c, &svg, 1, m);
    for (size_t i = 0; i < c.n; i++) {
        json_decref(c.entry[i].config);
        free(c.entry[i].set);
    }
    free(c.entry);
    return e;
}

const struct command command_compare = {
    .name = "compare",
    .operand = "CONFIG...",
    .summary = "several configurations side by side, with ratios to the first",
    .help = "Runs each CONFIG, timing only or with --images, and prints latency, interval,\n"
            "throughput, cores, device utilisation, the rates that its links need and the words\n"
            "that its memories fill; energy and area where energy.chip names costs. What cannot\n"
            "be run is a row with its reason. --set applies to all, but between two CONFIGs to\n"
            "the one before it; then those behind the last are its own too. --label names the\n"
            "CONFIG before it. --svg draws accuracy against time, conversions and energy.\n"
            "\n"
            "  imcsim compare configs/resnet32.yaml configs/resnet32_speedup.yaml\n"
            "  imcsim compare configs/*.yaml --set batch=100 --markdown table.md\n"
            "  imcsim compare configs/resnet32.yaml --label plain --set clock_mhz=500 \\\n"
            "      configs/resnet32.yaml --label fast --set clock_mhz=1000\n",
    .options = OPTION_BIT(OPTION_SET) | OPTION_BIT(OPTION_LABEL) | OPTION_IMAGE_SET |
               OPTION_BIT(OPTION_COUNT) | OPTION_BIT(OPTION_JOBS) | OPTION_BIT(OPTION_SVG) |
               OPTION_RESULTS,
    .run = cmd_compare,
};
