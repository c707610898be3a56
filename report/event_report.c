/* report/event_report.c -- see event_report.h. */
#include "report/event_report.h"

#include <inttypes.h>

#include "arch/event/layers.h"
#include "report/json.h"
#include "report/plan_report.h"
#include "report/version.h"
#include "study/event_price.h"

static const struct plan *plan_of(const struct report *r)
{
    return &r->study->plan;
}

static const struct event_result *event_of(const struct report *r)
{
    return r->result->event;
}

/* Whether core i is one that works: pools are wires. */
static bool has_rows(const struct report *r, uint32_t i)
{
    return event_of(r)->core[i].holds;
}

static double per(uint64_t amount, uint64_t of)
{
    return of > 0 ? (double)amount / (double)of : 0;
}

/* Of all cores. */
static uint64_t sum_of(const struct report *r, const struct counter *counter)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < plan_of(r)->n_core; i++)
        sum += counter_get(counter, &event_of(r)->core[i].counts);
    return sum;
}

static uint64_t total(const struct report *r, size_t offset)
{
    return sum_of(r, &(const struct counter){ NULL, NULL, NULL, offset });
}
#define TOTAL(r, field) total(r, offsetof(struct event_counts, field))

/* ---- tables ---- */

static struct table *figures(const void *what)
{
    static const struct table_column columns[] = { { "figure", "figure" }, { "value", "value" },
                                                   { 0 } };
    const struct report *r = what;
    const struct event_result *e = event_of(r);
    struct table *t = table_new(columns);
    const struct {
        const char *name;
        uint64_t    value;
    } own[] = {
        { "recordings", r->result->n_image }, { "events", e->events },
        { "recorded_ns", e->recorded_ns },    { "active_ns", e->active_ns },
        { "longest_ns", e->longest_ns },
    };

    table_title(t, "The run, of all recordings");
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        table_text(t, own[i].name);
        table_count(t, own[i].value);
    }
    for (const struct counter *c = event_counter_rows; c->name; c++) {
        table_text(t, c->name);
        table_count(t, sum_of(r, c));
    }
    return t;
}

static struct table *cores(const void *what)
{
    static const struct table_column columns[] = {
        { "core", "core" },         { "spikes in", "arrived" }, { "lost", "merged" },
        { "requests", "requests" }, { "rows", "rows" },         { "in time", "rows_in_time" },
        { "synaptic events", "synapses" }, { "spikes out", "spikes" }, { 0 },
    };
    const struct report *r = what;
    struct table *t = table_new(columns);
    uint64_t unseen = TOTAL(r, unseen);

    table_title(t, "Cores");
    table_note(t, "lost     of the spikes in: their request was up already\n"
                  "rows     read and taken by the neurons; in time: before the recording ends");
    if (unseen > 0)
        table_note(t, "lost     of the spikes in: their request was up already; %s more were "
                      "dropped,\n         as no window sees their source\n"
                      "rows     read and taken by the neurons; in time: before the recording ends",
                   format_count(unseen).text);
    for (uint32_t i = 0; i < plan_of(r)->n_core; i++) {
        const struct event_counts *c = &event_of(r)->core[i].counts;
        if (!has_rows(r, i))
            continue;
        table_text(t, plan_of(r)->core[i].name);
        table_count(t, c->arrived);
        table_count(t, c->merged);
        table_count(t, c->requests);
        table_count(t, c->rows);
        table_count(t, c->rows_in_time);
        table_count(t, c->synapses);
        table_count(t, c->spikes);
    }
    return t;
}

static struct table *times(const void *what)
{
    static const struct table_column columns[] = {
        { "core", "core" },           { "load", "load" },
        { "reading", "busy_ns" },     { "waiting for neurons", "late_ns" },
        { "mean wait", "mean_wait_ns" }, { "longest", "longest_wait_ns" },
        { "last row", "last_ns" },    { 0 },
    };
    const struct report *r = what;
    const struct event_result *e = event_of(r);
    struct table *t = table_new(columns);

    table_title(t, "Where time goes, in ns");
    table_note(t, "load     time of reading rows, of that of the recordings\n"
                  "waiting  rows for an edge of the neurons' clock\n"
                  "wait     of a request until it is chosen\n"
                  "last row after the beginning of its recording");
    for (uint32_t i = 0; i < plan_of(r)->n_core; i++) {
        const struct event_core_result *c = &e->core[i];
        if (!has_rows(r, i))
            continue;
        table_text(t, plan_of(r)->core[i].name);
        table_share(t, per(c->counts.busy_ns, e->recorded_ns), 1);
        table_count(t, c->counts.busy_ns);
        table_count(t, c->counts.late_ns);
        table_real(t, per(c->counts.wait_ns, c->counts.requests), 1);
        table_count(t, c->longest_wait_ns);
        table_count(t, c->last_ns);
    }
    return t;
}

/* What a recording takes, a synaptic event being two operations: operations a pJ are TOPS/W. */
static double tops_per_w(const struct event_price *p)
{
    return p->total_nj > 0 ? 2 * p->synapses / (p->total_nj * 1e3) : 0;
}

/* Empty where nothing is priced. */
static struct table *energy(const void *what)
{
    static const struct table_column columns[] = {
        { "of a recording", "item" }, { "nJ", "nj" }, { "mean uW", "uw" }, { "share", "share" },
        { 0 },
    };
    const struct report *r = what;
    const struct event_price *p = r->event_price;
    struct table *t = table_new(columns);

    table_title(t, "Energy");
    if (!p)
        return t;
    table_note(t, "%.0f synaptic events, %.4g pJ each in all: %.4g TOPS/W, where one is a "
                  "multiplication and an\naddition, two operations", p->synapses,
               p->synapses > 0 ? p->total_nj * 1e3 / p->synapses : 0, tops_per_w(p));
    for (int i = 0; i <= N_EVENT_COST; i++) {
        double nj = i < N_EVENT_COST ? p->nj[i] : p->total_nj;
        if (nj == 0)
            continue;
        table_text(t, i < N_EVENT_COST ? event_cost_names[i] : "all");
        table_real(t, nj, 1);
        table_real(t, nj * 1e6 / p->ns, 3);
        table_share(t, nj / p->total_nj, 1);
    }
    return t;
}

/* ---- text ---- */

static void head(const void *what, FILE *out)
{
    const struct report *r = what;
    const struct event_result *e = event_of(r);
    const uint64_t n = r->result->n_image;

    fprintf(out, "imcsim %s, %s kernel, configuration %s\n\n", imcsim_version,
            kernel_name(r->kernel), r->study->config_hash);
    print_machine(r->study, out);
    fprintf(out, "Images   %s of %s, %.10g us each\n\n", format_count(n).text,
            report_images(r), (double)(e->recorded_ns / n) * 1e-3);
    fprintf(out, "Spikes   %s came from outside; %s rows were read, %s spikes fired, %s lost\n",
            format_count(e->events).text, format_count(TOTAL(r, rows)).text,
            format_count(TOTAL(r, spikes)).text, format_count(TOTAL(r, merged)).text);
    fprintf(out, "Last row after %s ns of a recording at most, %.10g us in the mean\n",
            format_count(e->longest_ns).text, per(e->active_ns, n) * 1e-3);
}

static struct table *accuracy(const void *what)
{
    return run_accuracy_table(what);
}

/* ---- JSON ---- */

static json_t *cores_json(const struct report *r)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < plan_of(r)->n_core; i++) {
        const struct event_core_result *c = &event_of(r)->core[i];
        json_t *o = json_object(), *counters = json_object();
        if (!has_rows(r, i)) {
            json_decref(o);
            json_decref(counters);
            continue;
        }
        json_put_text(&o, "name", plan_of(r)->core[i].name);
        for (const struct counter *k = event_counter_rows; k->name; k++)
            json_put_count(&counters, k->name, counter_get(k, &c->counts));
        json_put_count(&counters, "longest_wait_ns", c->longest_wait_ns);
        json_put_count(&counters, "last_ns", c->last_ns);
        json_put(&o, "counters", counters);
        json_put_real(&o, "load", per(c->counts.busy_ns, event_of(r)->recorded_ns));
        json_add(&a, o);
    }
    return a;
}

static json_t *timing_json(const struct report *r)
{
    const struct event_result *e = event_of(r);
    json_t *o = json_object();

    json_put_text(&o, "clocking", "event");
    json_put_count(&o, "recorded_ns", e->recorded_ns);
    json_put_count(&o, "active_ns", e->active_ns);
    json_put_count(&o, "longest_ns", e->longest_ns);
    return o;
}

static json_t *events_json(const struct report *r)
{
    json_t *o = json_object();

    json_put_count(&o, "events", event_of(r)->events);
    for (const struct counter *k = event_counter_rows; k->name; k++)
        json_put_count(&o, k->name, sum_of(r, k));
    return o;
}

static json_t *energy_json(const struct event_price *p)
{
    json_t *o = json_object(), *items = json_object();

    json_put_real(&o, "nj_per_image", p->total_nj);
    json_put_real(&o, "mean_uw", p->total_nj * 1e6 / p->ns);
    for (int i = 0; i < N_EVENT_COST; i++)
        json_put_real(&items, event_cost_names[i], p->nj[i]);
    json_put(&o, "items_nj", items);
    json_put_real(&o, "synaptic_events_per_image", p->synapses);
    json_put_real(&o, "tops_per_w", tops_per_w(p));
    json_put_text(&o, "operations", "2 a synaptic event");
    return o;
}

json_t *event_document(const struct report *r)
{
    json_t *o = json_begin("imcsim-run/1", r->study), *images = json_object();

    json_put_text(&o, "kernel", kernel_name(r->kernel));
    json_put(&o, "network", json_network(&r->study->network));
    json_put_count(&o, "cores", plan_of(r)->n_core);
    json_put_count(&images, "count", r->result->n_image);
    json_put_text(&images, "set", r->images);
    json_put(&o, "images", images);
    json_put(&o, "timing", timing_json(r));
    json_put(&o, "spiking", events_json(r));
    json_put(&o, "core_list", cores_json(r));
    json_put_values(&o, r);
    if (r->event_price)
        json_put(&o, "energy", energy_json(r->event_price));
    return o;
}

static enum err print_json(const void *what, FILE *out, struct err_msg *m)
{
    return json_print(event_document(what), out, m);
}

static const struct sheet sheets[] = {
    { "spiking", false, cores },      { "times", false, times }, { "energy", false, energy },
    { "accuracy", false, accuracy },  { "figures", true, figures }, { 0 },
};

const struct form event_form = { sheets, head, NULL, print_json };

/* ---- the plan ---- */

static struct table *plan_cores(const void *study)
{
    static const struct table_column columns[] = {
        { "core", "name" },       { "layer", "layer" },   { "sources", "sources" },
        { "neurons", "neurons" }, { "rows", "rows" },     { "columns", "columns" },
        { "used", "utilization" }, { 0 },
    };
    const struct plan *p = &((const struct study *)study)->plan;
    struct table *t = table_new(columns);

    table_title(t, "Cores");
    table_note(t, "sources  a request each\n"
                  "rows     of the array, and columns: inputs and outputs of a position");
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *c = &p->core[i];
        const struct layer *l = plan_network_layer(p, c->plan_layer);
        if (c->rows == 0)
            continue;
        table_text(t, c->name);
        table_text(t, l->name);
        table_count(t, event_sources(p->network, p->layer[c->plan_layer].layer));
        table_count(t, (uint64_t)l->out.height * l->out.width * c->out_n);
        table_count(t, c->rows);
        table_count(t, c->columns);
        table_share(t, core_utilization(p, i), 1);
    }
    return t;
}

static void plan_head(const void *study, FILE *out)
{
    print_machine(study, out);
}

static const struct sheet plan_sheets[] = { { "cores", false, plan_cores }, { 0 } };

const struct form event_plan_form = { plan_sheets, plan_head, NULL, plan_json };
