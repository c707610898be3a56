/* report/elastic_report.c -- see elastic_report.h. */
#include "report/elastic_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/plan/clocking.h"
#include "report/json.h"
#include "report/learning_report.h"
#include "report/plan_report.h"
#include "report/price_report.h"
#include "report/spike_report.h"
#include "report/version.h"

enum { WORST_STALLS = 10, RESULTS_LISTED = 16 };

/* ---- figures ---- */

static const struct plan *plan_of(const struct elastic_report *r)
{
    return &r->study->plan;
}

static bool interval(const struct elastic_report *r, uint64_t *clocks, uint64_t *images)
{
    return elastic_interval(plan_of(r), r->result, clocks, images);
}

static double images_per_s(const struct elastic_report *r)
{
    const struct elastic_result *e = r->result;

    return (double)e->n_image * r->study->config.clock_mhz * 1e6 /
           (double)e->result_clk[e->n_image - 1];
}

static double us(const struct elastic_report *r, uint64_t clocks)
{
    return (double)clocks / r->study->config.clock_mhz;
}

/* "44,961" where it is whole. */
static struct count_text format_clocks(double clocks)
{
    struct count_text t = format_count((uint64_t)clocks);

    if (clocks != floor(clocks))
        snprintf(t.text, sizeof t.text, "%.10g", clocks);
    return t;
}

struct range { // over images
    uint64_t least, most;
    double   mean;
};

static struct range latency(const struct elastic_result *e)
{
    struct range l = { UINT64_MAX, 0, 0 };

    for (uint64_t i = 0; i < e->n_image; i++) {
        uint64_t clk = e->result_clk[i] - e->start_clk[i];
        l.least = min_u64(l.least, clk);
        l.most = max_u64(l.most, clk);
        l.mean += (double)clk / (double)e->n_image;
    }
    return l;
}

/* Whether what an array takes goes with what images have. */
static bool counts_reads(const struct elastic_report *r)
{
    return plan_skips(plan_of(r)) && r->run->images;
}

/* From each image's result to the next one's; of at least two images. */
static struct range intervals(const struct elastic_result *e)
{
    const uint64_t n = e->n_image - 1;
    struct range l = { UINT64_MAX, 0, (double)(e->result_clk[n] - e->result_clk[0]) / (double)n };

    for (uint64_t i = 0; i < n; i++) {
        uint64_t clk = e->result_clk[i + 1] - e->result_clk[i];
        l.least = min_u64(l.least, clk);
        l.most = max_u64(l.most, clk);
    }
    return l;
}

/* Clocks in which a core's array works. */
static uint64_t array_busy(const struct elastic_result *e, uint32_t core)
{
    for (uint32_t i = 0; i < e->n_stage; i++)
        if (e->stage[i].core == core && e->stage[i].kind == ELASTIC_CROSSBAR)
            return e->stage[i].clk[ELASTIC_BUSY];
    return 0;
}

/* Those that its products have without zeros. */
static uint64_t all_reads(const struct elastic_report *r, uint32_t core)
{
    const struct plan_core *c = &plan_of(r)->core[core];

    return c->rows > 0 ? r->result->core[core].products *
                             array_reads(&plan_of(r)->layer[c->plan_layer].array, c->rows, 1).n
                       : 0;
}

/* The resource that works longest. */
static const struct elastic_stage *busiest(const struct elastic_result *e)
{
    const struct elastic_stage *most = &e->stage[0];

    for (uint32_t i = 1; i < e->n_stage; i++)
        if (e->stage[i].clk[ELASTIC_BUSY] > most->clk[ELASTIC_BUSY])
            most = &e->stage[i];
    return most;
}

/* What works longest: a resource of a core or a link, or of a fabric a channel or the bus. */
struct bound {
    const char       *resource;
    const char       *key; // of its name: core, stream or channel
    struct elastic_name name, whole; // whole: for people
    uint64_t          busy_clk;
};

static struct bound bound_of(const struct elastic_report *r, const struct elastic_stage *s)
{
    const bool is_link = s->kind == ELASTIC_LINK;
    struct bound b = { elastic_kind_names[s->kind], is_link ? "stream" : "core",
                       .whole = elastic_stage_name(plan_of(r), s),
                       .busy_clk = s->clk[ELASTIC_BUSY] };

    if (is_link)
        b.name = b.whole;
    else
        snprintf(b.name.text, sizeof b.name.text, "%s", elastic_site_name(plan_of(r), s->core));
    return b;
}

static struct bound bound(const struct elastic_report *r)
{
    struct bound b = bound_of(r, busiest(r->result));

    if (!r->places)
        return b;
    const struct elastic_channel c = elastic_busiest_channel(r);
    if (c.busy_clk > b.busy_clk) {
        b.resource = c.is_bus ? "bus" : "channel";
        b.key = "channel";
        b.busy_clk = c.busy_clk;
        snprintf(b.name.text, sizeof b.name.text, "%s", c.name);
        b.whole = b.name;
    }
    return b;
}

/* What would bound it if that stage, and those that work as long, took no time. On routers links
 * share channels, and no link alone gets faster. */
struct next {
    bool                is;
    struct elastic_rung rung;
    struct bound        bound;
};

static struct next next_bound(const struct elastic_report *r)
{
    bool *fast = calloc(r->result->n_stage, sizeof *fast);
    struct next n = { .is = false };

    n.is = fast && !r->places && elastic_next_rung(r->result, fast, &n.rung) &&
           n.rung.next < r->result->n_stage;
    if (n.is)
        n.bound = bound_of(r, &r->result->stage[n.rung.next]);
    free(fast);
    return n;
}

static double an_image(const struct elastic_report *r, uint64_t clk)
{
    return (double)clk / (double)r->result->n_image;
}

/* No less than that between images with a rung's stages in no time. */
static double least_interval(const struct elastic_report *r, const struct elastic_rung *g)
{
    const double period = (double)r->study->config.elastic.image_period_clk *
                          (double)plan_steps(plan_of(r));

    return fmax(an_image(r, g->next_clk), period);
}

/* The interval between images, of one between their steps. */
static double run_interval(const struct elastic_report *r, uint64_t clocks, uint64_t images)
{
    return (double)clocks / (double)images * (double)plan_steps(plan_of(r));
}

/* ---- tables ---- */

static struct table *figures(const void *what)
{
    static const struct table_column columns[] = { { "figure", "figure" }, { "value", "value" },
                                                   { 0 } };
    const struct elastic_report *r = what;
    const struct elastic_result *e = r->result;
    struct table *t = table_new(columns);
    uint64_t clocks, images;

    table_title(t, "The run, in clocks");
    table_named(t, "first_firing_clock", "first firing");
    table_count(t, e->first_firing_clk);
    table_named(t, "first_result_clocks", "first result");
    table_count(t, e->result_clk[0]);
    if (interval(r, &clocks, &images)) {
        table_named(t, "interval_clocks", "interval");
        table_real(t, (double)clocks / (double)images, 3);
    }
    return t;
}

static struct table *stages(const void *what)
{
    static const struct table_column columns[] = {
        { "resource", "resource" }, { "kind", "kind" },       { "busy", "busy" },
        { "starved", "starved" },   { "blocked", "blocked" }, { "waiting", "waiting" },
        { "idle", "idle" },         { 0 },
    };
    const struct elastic_report *r = what;
    struct table *t = table_new(columns);

    table_title(t, "Where time goes: clocks of every resource");
    for (uint32_t i = 0; i < r->result->n_stage; i++) {
        const struct elastic_stage *s = &r->result->stage[i];
        table_text(t, elastic_stage_name(plan_of(r), s).text);
        table_text(t, elastic_kind_names[s->kind]);
        for (int k = 0; k < N_ELASTIC_STATE; k++)
            table_count(t, s->clk[k]);
    }
    return t;
}

struct stall {
    const struct elastic_stage *stage;
    const struct elastic_cause *cause;
};

static int by_clocks(const void *a, const void *b)
{
    const struct elastic_cause *x = ((const struct stall *)a)->cause;
    const struct elastic_cause *y = ((const struct stall *)b)->cause;

    return x->clk != y->clk ? (x->clk < y->clk ? 1 : -1) : (x > y) - (x < y);
}

/* Those of stages that are held up: who is blocked or waits, not who has nothing to do. */
static size_t find_stalls(const struct elastic_result *e, struct stall *stall)
{
    size_t n = 0;

    for (uint32_t i = 0; i < e->n_stage; i++)
        for (uint32_t k = 0; k < e->stage[i].n_cause; k++) {
            const struct elastic_cause *c = &e->stage[i].cause[k];
            if (c->state != ELASTIC_STARVED && stall)
                stall[n] = (struct stall){ &e->stage[i], c };
            n += c->state != ELASTIC_STARVED;
        }
    return n;
}

/* Of a core without an array, whose stage of that name is a place to wait. */
static bool has_no_array(const struct plan *p, const struct elastic_stage *s)
{
    return s->kind == ELASTIC_CROSSBAR && p->core[s->core].rows == 0;
}

static struct table *worst(const void *what)
{
    static const struct table_column columns[] = {
        { "resource", "resource" }, { "state", "state" }, { "for", "cause" },
        { "clocks", "clocks" },     { "of all", "share" }, { 0 },
    };
    const struct elastic_report *r = what;
    struct table *t = table_new(columns);
    size_t n = find_stalls(r->result, NULL);
    struct stall *stall = calloc(n + 1, sizeof *stall);
    bool without = false;

    table_title(t, "The ten worst stalls");
    if (!stall) {
        table_free(t);
        return NULL;
    }
    find_stalls(r->result, stall);
    qsort(stall, n, sizeof *stall, by_clocks);
    for (size_t i = 0; i < n && i < WORST_STALLS; i++) {
        table_text(t, elastic_stage_name(plan_of(r), stall[i].stage).text);
        table_text(t, elastic_state_names[stall[i].cause->state]);
        table_text(t, elastic_cause_name(plan_of(r), stall[i].stage, stall[i].cause).text);
        table_count(t, stall[i].cause->clk);
        table_share(t, (double)stall[i].cause->clk / (double)r->result->elapsed, 1);
        without = without || has_no_array(plan_of(r), stall[i].stage);
    }
    free(stall);
    table_note(t, "blocked%s  has work, and no room for what it makes\n"
                  "waiting%s  has work and room, and lacks a partner's sums or a residual pixel%s",
               without ? " " : "", without ? " " : "",
               without ? "\ncrossbar  of a core that has none: where a pixel or token waits for "
                         "its digital\n          processor" : "");
    return t;
}

static struct table *causes(const void *what)
{
    static const struct table_column columns[] = {
        { "resource", "resource" }, { "state", "state" }, { "for", "cause" },
        { "clocks", "clocks" },     { 0 },
    };
    const struct elastic_report *r = what;
    struct table *t = table_new(columns);

    table_title(t, "What every resource stood for, in clocks");
    for (uint32_t i = 0; i < r->result->n_stage; i++) {
        const struct elastic_stage *s = &r->result->stage[i];
        for (uint32_t k = 0; k < s->n_cause; k++) {
            table_text(t, elastic_stage_name(plan_of(r), s).text);
            table_text(t, elastic_state_names[s->cause[k].state]);
            table_text(t, elastic_cause_name(plan_of(r), s, &s->cause[k]).text);
            table_count(t, s->cause[k].clk);
        }
    }
    return t;
}

static struct table *faster(const void *what)
{
    static const struct table_column columns[] = {
        { "faster", "resource" },       { "and others", "alike" },
        { "works", "clocks_per_image" }, { "interval, at least", "least_interval_clocks" },
        { "interval", "interval_clocks" }, { 0 },
    };
    const struct elastic_report *r = what;
    struct table *t = table_new(columns);

    table_title(t, "What faster stages would bring, in clocks an image");
    table_note(t, "In a row its resource, others that work as long and those above take a clock an "
                  "operation.\nThe interval is at least what the busiest of the others works; the "
                  "last column was run.");
    if (!r->ladder)
        return t;
    table_text(t, "none");
    table_count(t, 0);
    table_count(t, 0);
    table_real(t, an_image(r, bound(r).busy_clk), 1);
    table_real(t, run_interval(r, r->ladder->clocks, r->ladder->images), 1);
    for (uint32_t i = 0; i < r->ladder->n; i++) {
        const struct elastic_rung *g = &r->ladder->rung[i];
        table_text(t, elastic_stage_name(plan_of(r), &r->result->stage[g->stage]).text);
        table_count(t, g->n - 1);
        table_real(t, an_image(r, g->busy_clk), 1);
        table_real(t, least_interval(r, g), 1);
        table_real(t, run_interval(r, g->clocks, g->images), 1);
    }
    return t;
}

static struct table *buffers(const void *what)
{
    static const struct table_column columns[] = {
        { "buffer", "buffer" }, { "from", "from" },        { "size", "size" },
        { "most", "most" },     { "clocks full", "full" }, { 0 },
    };
    const struct elastic_report *r = what;
    struct table *t = table_new(columns);

    table_title(t, "Buffers, in pixels");
    for (uint32_t i = 0; i < r->result->n_buffer; i++) {
        const struct elastic_buffer *b = &r->result->buffer[i];
        table_text(t, elastic_buffer_name(plan_of(r), b).text);
        table_text(t, b->kind < BUFFER_OUTPUT
                          ? stream_from(plan_of(r), &plan_of(r)->stream[b->stream])
                          : elastic_site_name(plan_of(r), b->core));
        table_count(t, b->size);
        table_count(t, b->most);
        table_count(t, b->full_clk);
    }
    return t;
}

static struct table *cores(const void *what)
{
    static const struct table_column columns[] = {
        { "core", "core" },       { "first", "first_clock" }, { "last", "last_clock" },
        { "firings", "firings" }, { "read", "words_read" },   { "read back", "words_read_back" },
        { "written", "words_written" }, { 0 },
    };
    const struct elastic_report *r = what;
    struct table *t = table_new(columns);

    table_title(t, "Cores: clocks of the first image's starts of the array; words of all images");
    for (uint32_t i = 0; i < plan_of(r)->n_core; i++) {
        const struct elastic_core *c = &r->result->core[i];
        table_text(t, plan_of(r)->core[i].name);
        table_count(t, c->first_clk);
        table_count(t, c->last_clk);
        table_count(t, c->firings);
        table_count(t, c->words_read);
        table_count(t, c->words_read_back);
        table_count(t, c->words_written);
    }
    return t;
}


/* Of a run that skips zeros: what its arrays read. */
static struct table *reads(const void *what)
{
    static const struct table_column columns[] = {
        { "core", "core" }, { "products", "products" }, { "reads", "reads" },
        { "of", "all_reads" }, { "made", "share" }, { "clocks a read", "clocks_per_read" }, { 0 },
    };
    const struct elastic_report *r = what;
    struct table *t = table_new(columns);

    table_title(t, "Reads that zeros leave, of all images, and the array's clocks for each");
    for (uint32_t i = 0; counts_reads(r) && i < plan_of(r)->n_core; i++) {
        const struct elastic_core *c = &r->result->core[i];
        if (c->products == 0)
            continue;
        table_text(t, plan_of(r)->core[i].name);
        table_count(t, c->products);
        table_count(t, c->reads);
        table_count(t, all_reads(r, i));
        table_share(t, (double)c->reads / (double)all_reads(r, i), 1);
        table_real(t, c->reads ? (double)array_busy(r->result, i) / (double)c->reads : 0, 2);
    }
    return t;
}

/* ---- text ---- */

static void print_raised(const struct elastic_report *r, FILE *out)
{
    for (uint32_t i = 0; i < r->result->n_buffer; i++) {
        const struct elastic_buffer *b = &r->result->buffer[i];
        if (b->raised)
            fprintf(out, "Raised   %s to %" PRIu32 " pixels, its largest token\n",
                    elastic_buffer_name(plan_of(r), b).text, b->size);
    }
}

static void print_next(const struct elastic_report *r, FILE *out)
{
    const struct next n = next_bound(r);
    const uint32_t others = n.rung.n - 1;

    if (!n.is)
        return;
    fprintf(out, "Next         %s: with the former", n.bound.whole.text);
    if (others > 0)
        fprintf(out, ", and %" PRIu32 " that work%s as long,", others, others == 1 ? "s" : "");
    fprintf(out, " in no time an image takes at least %s clocks\n",
            format_count((uint64_t)ceil(least_interval(r, &n.rung))).text);
}

static void print_skipping(const struct elastic_report *r, FILE *out)
{
    uint64_t made = 0, all = 0;

    for (uint32_t i = 0; i < plan_of(r)->n_core; i++) {
        made += r->result->core[i].reads;
        all += all_reads(r, i);
    }
    if (r->result->n_image > 1) {
        const struct range l = intervals(r->result);
        fprintf(out, "Intervals    %s to %s clocks, %s in the mean of all images\n",
                format_count(l.least).text, format_count(l.most).text, format_clocks(l.mean).text);
    }
    fprintf(out, "Reads        %s an image; zeros save %.1f %% of %s\n",
            format_count(made / r->result->n_image).text,
            all > 0 ? 100 * (double)(all - made) / (double)all : 0,
            format_count(all / r->result->n_image).text);
}

static void head(const void *what, FILE *out)
{
    const struct elastic_report *r = what;
    const struct elastic_result *e = r->result;
    const struct bound b = bound(r);
    const struct range l = latency(e);
    uint64_t clocks, images;

    fprintf(out, "imcsim %s, %s kernel, configuration %s\n\n", imcsim_version,
            kernel_name(r->run->kernel), r->study->config_hash);
    print_machine(r->study, out);
    fprintf(out, "Clocking elastic: each stage works as soon as it can\n");
    fprintf(out, "Images   %s%s%s\n", format_count(e->n_image).text,
            r->run->images ? " of " : ", timing only",
            r->run->images ? report_images(r->run) : "");
    print_raised(r, out);
    fprintf(out, "\nFirst result after %s clocks = %.10g us\n",
            format_count(e->result_clk[0]).text, us(r, e->result_clk[0]));
    fprintf(out, "Latency      %s to %s clocks of an image, from its first pixel on\n",
            format_count(l.least).text, format_count(l.most).text);
    if (interval(r, &clocks, &images))
        fprintf(out, "Interval     %s clocks: one image every %.10g us; %s images/s so far\n",
                format_clocks((double)clocks / (double)images).text,
                (double)clocks / (double)images / r->study->config.clock_mhz,
                format_count((uint64_t)(images_per_s(r) + 0.5)).text);
    if (counts_reads(r))
        print_skipping(r, out);
    fprintf(out, "Busiest      %s: %s clocks an image\n", b.whole.text,
            format_count(b.busy_clk / e->n_image).text);
    print_next(r, out);
    elastic_fabric_head(r, out);
}

static struct table *accuracy(const void *what)
{
    return run_accuracy_table(((const struct elastic_report *)what)->run);
}

/* Energy and area by block, of a run that is priced. */
static struct table *blocks(const void *what)
{
    static const struct table_column none[] = { { "block", "block" }, { 0 } };
    const struct elastic_report *r = what;

    return r->run->price ? price_block_table(r->run->price) : table_new(none);
}

static struct table *spikes(const void *what)
{
    return spike_layer_table(((const struct elastic_report *)what)->run);
}

static struct table *steps(const void *what)
{
    return spike_step_table(((const struct elastic_report *)what)->run);
}

static struct table *neurons(const void *what)
{
    return neuron_table(((const struct elastic_report *)what)->run);
}

static struct table *learning(const void *what)
{
    return learning_table(((const struct elastic_report *)what)->run);
}

static struct table *operations(const void *what)
{
    return operation_table(((const struct elastic_report *)what)->run);
}

static void tail(const void *what, FILE *out)
{
    const struct elastic_report *r = what;

    if (r->run->price)
        print_energy(r->run, out);
}

/* ---- JSON ---- */

static void put_bound(json_t **o, const struct elastic_report *r, const struct bound *b)
{
    json_put_text(o, "resource", b->resource);
    json_put_text(o, b->key, b->name.text);
    json_put_real(o, "clocks_per_image", an_image(r, b->busy_clk));
}

static json_t *bound_json(const struct elastic_report *r)
{
    const struct bound b = bound(r);
    const struct next n = next_bound(r);
    json_t *o = json_object();
    uint64_t clocks, images;

    put_bound(&o, r, &b);
    if (interval(r, &clocks, &images))
        json_put_real(&o, "share", an_image(r, b.busy_clk) * (double)images / (double)clocks);
    if (n.is)
        json_put_count(&o, "alike", n.rung.n - 1);
    return o;
}

static json_t *next_json(const struct elastic_report *r, const struct next *n)
{
    json_t *o = json_object();

    put_bound(&o, r, &n->bound);
    json_put_real(&o, "least_interval_clocks", least_interval(r, &n->rung));
    return o;
}

static json_t *faster_json(const struct elastic_report *r)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < r->ladder->n; i++) {
        const struct elastic_rung *g = &r->ladder->rung[i];
        const struct bound b = bound_of(r, &r->result->stage[g->stage]);
        json_t *o = json_object();
        put_bound(&o, r, &b);
        json_put_count(&o, "alike", g->n - 1);
        json_put_real(&o, "least_interval_clocks", least_interval(r, g));
        json_put_real(&o, "interval_clocks", run_interval(r, g->clocks, g->images));
        json_add(&a, o);
    }
    return a;
}

static json_t *results_json(const struct elastic_result *e)
{
    json_t *a = json_array();

    for (uint64_t i = 0; i < e->n_image; i++)
        if (i < RESULTS_LISTED || i + 1 == e->n_image)
            json_add(&a, json_integer((json_int_t)e->result_clk[i]));
    return a;
}

static json_t *range_json(struct range l)
{
    json_t *a = json_array();

    json_add(&a, json_integer((json_int_t)l.least));
    json_add(&a, json_real(l.mean));
    json_add(&a, json_integer((json_int_t)l.most));
    return a;
}

static json_t *timing_json(const struct elastic_report *r)
{
    const struct elastic_result *e = r->result;
    uint64_t clocks, images;
    json_t *o = json_object();

    json_put_count(&o, "clock_mhz", r->study->config.clock_mhz);
    json_put_text(&o, "clocking", clocking_of(&r->study->config)->name);
    json_put_count(&o, "first_firing_clock", e->first_firing_clk);
    json_put_count(&o, "first_result_clocks", e->result_clk[0]);
    json_put(&o, "latency_clocks", range_json(latency(e)));
    json_put_real(&o, "latency_us", us(r, e->result_clk[0]));
    if (interval(r, &clocks, &images)) {
        json_t *exact = json_array();
        json_add(&exact, json_integer((json_int_t)clocks));
        json_add(&exact, json_integer((json_int_t)images));
        json_put_real(&o, "interval_clocks", (double)clocks / (double)images);
        json_put(&o, "interval_clocks_exact", exact);
        if (counts_reads(r))
            json_put(&o, "intervals_clocks", range_json(intervals(e)));
    }
    json_put(&o, "results_clocks", results_json(e));
    json_put_count(&o, "elapsed_clocks", e->elapsed);
    json_put_real(&o, "throughput_images_per_s", images_per_s(r));
    json_put(&o, "bound", bound_json(r));
    const struct next n = next_bound(r);
    if (n.is)
        json_put(&o, "next", next_json(r, &n));
    return o;
}

static json_t *causes_json(const struct elastic_report *r, const struct elastic_stage *s)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < s->n_cause; i++) {
        json_t *o = json_object();
        json_put_text(&o, "state", elastic_state_names[s->cause[i].state]);
        json_put_text(&o, "cause", elastic_cause_name(plan_of(r), s, &s->cause[i]).text);
        json_put_count(&o, "clocks", s->cause[i].clk);
        json_add(&a, o);
    }
    return a;
}

static json_t *stages_json(const struct elastic_report *r)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < r->result->n_stage; i++) {
        const struct elastic_stage *s = &r->result->stage[i];
        json_t *o = json_object();
        json_put_text(&o, "core", elastic_site_name(plan_of(r), s->core));
        json_put_text(&o, "resource", elastic_kind_names[s->kind]);
        if (s->kind == ELASTIC_LINK) {
            const struct plan_stream *st = &plan_of(r)->stream[s->stream];
            json_put_text(&o, "to", stream_to(plan_of(r), st));
            json_put_text(&o, "stream", stream_kind_name(st->kind));
        }
        for (int k = 0; k < N_ELASTIC_STATE; k++)
            json_put_count(&o, elastic_state_names[k], s->clk[k]);
        json_put(&o, "by_cause", causes_json(r, s));
        json_add(&a, o);
    }
    return a;
}

static json_t *buffers_json(const struct elastic_report *r)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < r->result->n_buffer; i++) {
        const struct elastic_buffer *b = &r->result->buffer[i];
        json_t *o = json_object();
        json_put_text(&o, "core", elastic_site_name(plan_of(r), b->core));
        json_put_text(&o, "key", elastic_buffer_keys[b->kind]);
        if (b->kind < BUFFER_OUTPUT)
            json_put_text(&o, "from", stream_from(plan_of(r), &plan_of(r)->stream[b->stream]));
        json_put_count(&o, "size", b->size);
        json_put_count(&o, "most", b->most);
        json_put_count(&o, "full_clocks", b->full_clk);
        json_put(&o, "raised", json_boolean(b->raised));
        json_add(&a, o);
    }
    return a;
}

static json_t *layers_json(const struct elastic_report *r)
{
    const struct plan *p = plan_of(r);
    json_t *a = json_array();

    for (uint32_t i = 0; i < p->n_layer; i++) {
        uint64_t first = UINT64_MAX, last = 0;
        json_t *o = json_object();
        for (uint32_t k = p->layer[i].first_core; k < p->layer[i].first_core + p->layer[i].n_core;
             k++) {
            first = min_u64(first, r->result->core[k].first_clk);
            last = max_u64(last, r->result->core[k].last_clk);
        }
        json_put_text(&o, "name", plan_layer_name(p, i));
        json_put_count(&o, "cores", p->layer[i].n_core);
        json_put_count(&o, "memory_columns", p->time.layer[i].memory_columns);
        json_put_count(&o, "first_clock", first);
        json_put_count(&o, "last_clock", last);
        json_add(&a, o);
    }
    return a;
}

/* Clocks of a core's resources. */
static void put_busy(json_t **o, const struct elastic_report *r, uint32_t core)
{
    for (uint32_t i = 0; i < r->result->n_stage; i++) {
        const struct elastic_stage *s = &r->result->stage[i];
        char key[40];
        if (s->core != core || s->kind == ELASTIC_LINK)
            continue;
        snprintf(key, sizeof key, "busy_%s_clocks", elastic_kind_names[s->kind]);
        json_put_count(o, key, s->clk[ELASTIC_BUSY]);
    }
}

/* Of groups of what is there those alone that the run has counted (run_counts_all()). */
static bool is_counted(const struct plan *p, const struct counter *c)
{
    static const char *const always[] = { "firings", "outputs", "words_written", "words_read",
                                          "words_read_back", "pixels_stored" };

    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (strcmp(c->name, always[i]) == 0)
            return true;
    return run_counts_all(p) && core_counter_shown(p, c) && strcmp(c->name, "busy_timesteps") != 0;
}

static json_t *reads_json(const struct elastic_report *r, uint32_t core)
{
    const struct elastic_core *c = &r->result->core[core];
    json_t *o = json_object();

    json_put_count(&o, "products", c->products);
    json_put_count(&o, "made", c->reads);
    json_put_count(&o, "all", all_reads(r, core));
    if (c->reads > 0)
        json_put_real(&o, "clocks_per_read",
                      (double)array_busy(r->result, core) / (double)c->reads);
    return o;
}

static json_t *cores_json(const struct elastic_report *r)
{
    const struct plan *p = plan_of(r);
    json_t *a = json_array();

    for (uint32_t i = 0; i < p->n_core; i++) {
        json_t *o = json_object(), *counters = json_object();
        json_put_text(&o, "name", p->core[i].name);
        for (const struct counter *c = core_counter_rows; c->name; c++)
            if (is_counted(p, c))
                json_put_count(&counters, c->name, counter_get(c, &r->run->result->core[i]));
        if (counts_reads(r) && r->result->core[i].products > 0)
            json_put(&o, "reads", reads_json(r, i));
        put_busy(&counters, r, i);
        json_put_count(&counters, "busy_clocks", r->result->core[i].busy_clk);
        json_put(&o, "counters", counters);
        json_add(&a, o);
    }
    return a;
}

static json_t *streams_json(const struct elastic_report *r)
{
    const struct plan *p = plan_of(r);
    json_t *a = json_array();

    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct elastic_stream *s = &r->result->stream[i];
        json_t *o = json_object();
        json_put_text(&o, "kind", stream_kind_name(p->stream[i].kind));
        json_put_text(&o, "from", stream_from(p, &p->stream[i]));
        json_put_text(&o, "to", stream_to(p, &p->stream[i]));
        json_put_count(&o, "tokens", s->tokens);
        json_put_count(&o, "bits", s->bits);
        json_put_count(&o, "busy_clocks", s->busy_clk);
        json_add(&a, o);
    }
    return a;
}

json_t *elastic_document(const struct elastic_report *r)
{
    json_t *o = json_begin("imcsim-run/1", r->study), *images = json_object();

    json_put_text(&o, "kernel", kernel_name(r->run->kernel));
    json_put(&o, "network", json_network(&r->study->network));
    json_put_count(&o, "cores", plan_of(r)->n_core);
    json_put_count(&images, "count", r->result->n_image);
    if (r->run->images)
        json_put_text(&images, "set", r->run->images);
    json_put(&o, "images", images);
    json_put(&o, "timing", timing_json(r));
    json_put(&o, "layers", layers_json(r));
    json_put(&o, "core_list", cores_json(r));
    json_put(&o, "streams", streams_json(r));
    json_put(&o, "stages", stages_json(r));
    json_put(&o, "buffers", buffers_json(r));
    if (r->ladder)
        json_put(&o, "faster", faster_json(r));
    if (r->places)
        json_put(&o, "fabric", elastic_fabric_json(r));
    json_put_values(&o, r->run);
    return o;
}

static enum err print_json(const void *what, FILE *out, struct err_msg *m)
{
    return json_print(elastic_document(what), out, m);
}

static const struct sheet sheets[] = {
    { "stalls", false, worst },   { "accuracy", false, accuracy }, { "figures", true, figures },
    { "stages", true, stages },   { "causes", true, causes },      { "faster", true, faster },
    { "buffers", true, buffers }, { "cores", true, cores },
    { "reads", true, reads },
    { "channels", true, elastic_channels },
    { "counters", true, elastic_counters },
    { "blocks", true, blocks },
    { "spikes", false, spikes },  { "steps", true, steps },       { "neurons", true, neurons },
    { "learning", false, learning }, { "operations", true, operations }, { 0 },
};

const struct form elastic_form = { sheets, head, tail, print_json };
