/* report/report.c -- see report.h. */
#include "report/report.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "report/table.h"
#include "report/version.h"

void report_measured(struct report *r, const struct measured *d)
{
    r->result = &d->run;
    r->analog = d->on_analog ? &d->analog : NULL;
    r->codes = d->has_codes ? &d->codes : NULL;
    r->price = d->is_priced ? &d->price : NULL;
    r->event_price = d->events_priced ? &d->event_price : NULL;
}

const char *kernel_name(enum kernel_kind k)
{
    return k == KERNEL_SYSTEMC ? "systemc" : "native";
}

const char *report_images(const struct report *r)
{
    return strcmp(r->images, "random") == 0 ? "random pixels" : r->images;
}

struct layer_work layer_work(const struct report *r, uint32_t layer)
{
    const struct plan *p = &r->study->plan;
    const struct plan_layer *l = &p->layer[layer];
    struct layer_work w = {0};

    for (uint32_t i = l->first_core; i < l->first_core + l->n_core; i++) {
        const struct core_counters *c = &r->result->core[i];
        if (p->core[i].part == 0 && p->core[i].split == 0)
            w.mvms += c->firings;
        w.words_read += c->words_read + c->words_read_back;
        w.words_written += c->words_written;
    }
    return w;
}

uint32_t latest_producer(const struct report *r, uint32_t layer)
{
    const struct plan *p = &r->study->plan;
    const struct layer *l = &p->network->layer[p->layer[layer].layer];
    const struct layer_result *times = r->result->layer;
    uint32_t latest = p->n_layer;

    for (uint32_t i = 0; i < l->n_input; i++) {
        if (l->input[i] == 0)
            continue;
        uint32_t from = l->input[i] - 1;
        if (latest == p->n_layer || times[from].last_timestep > times[latest].last_timestep)
            latest = from;
    }
    return latest;
}

/* Below 0 where a layer reads the first tokens alone: it is through before the last ones come. */
static void put_lag(struct table *t, uint64_t before, uint64_t own)
{
    if (own >= before)
        table_count(t, own - before);
    else
        table_real(t, -(double)(before - own), 0);
}

struct table *run_layer_table(const void *report)
{
    static const struct table_column columns[] = {
        { "layer", "name" },             { "cores", "cores" },
        { "rows", "rows" },              { "columns", "columns" },
        { "replicas", "replicas" },      { "used", "utilization" },
        { "first", "first_timestep" },   { "last", "last_timestep" },
        { "lag", "lag_timesteps" },      { "firings", "mvms" },
        { "words read", "sram_reads" },  { "written", "sram_writes" },
        { 0 },
    };
    const struct report *r = report;
    const struct plan *p = &r->study->plan;
    const struct layer_result *times = r->result->layer;
    struct table *t = table_new(columns);

    table_title(t, "Layers");
    table_note(t, "first, last  timesteps of the first %s's firings, counted from 0\n"
                  "lag          from the last firing of the layer before to its own: a hop, then\n"
                  "             the outputs that waited for the last pixels (of a 3x3 kernel the\n"
                  "             last column and the end of the one before), one firing each%s\n"
                  "firings      of crossbars, of one part of a layer that is split, added over\n"
                  "             copies; these and the words are totals of all images of the run",
               plan_pass_word(p),
               network_has_tokens(p->network)
                   ? ";\n             of attention until the last key is there; below 0 where only "
                     "the first\n             tokens are read" : "");

    for (uint32_t i = 0; i < p->n_layer; i++) {
        const struct plan_layer *l = &p->layer[i];
        struct layer_work work = layer_work(r, i);
        uint32_t before = latest_producer(r, i);
        table_text(t, plan_layer_name(p, i));
        table_count(t, l->n_core);
        put_matrix(t, l->rows, l->columns);
        table_count(t, l->replicas.n);
        put_used(t, l->rows, l->utilization);
        table_count(t, times[i].first_timestep);
        table_count(t, times[i].last_timestep);
        if (before < p->n_layer)
            put_lag(t, times[before].last_timestep, times[i].last_timestep);
        else
            table_none(t);
        table_count(t, work.mvms);
        table_count(t, work.words_read);
        table_count(t, work.words_written);
    }
    return t;
}

#define MAX_COLUMN 64

struct words {
    char text[48];
};

/* "driven_rows" as a reader has it; what is no English word has one of its own. */
static struct words words_of(const char *key)
{
    static const char *const own[][2] = {
        { "sum_abs_x", "sum of inputs" },       { "sum_abs_xw", "sum of products" },
        { "sum_digits", "sum of digits" },      { "scale_ops", "scalings" },
        { "residual_ops", "residuals added" },  { "relu_ops", "ReLUs" },
        { "round_ops", "roundings" },           { "pool_ops", "pool operations" },
        { "partial_sum_ops", "partial sums" },  { "shift_adds", "shift-and-adds" },
        { "last_conv_timesteps", "last convolution timesteps" },
    };
    struct words w;

    snprintf(w.text, sizeof w.text, "%s", key);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i][0], key) == 0)
            snprintf(w.text, sizeof w.text, "%s", own[i][1]);
    for (char *p = w.text; *p; p++)
        if (*p == '_')
            *p = ' ';
    return w;
}

struct table *run_core_table(const void *report)
{
    const struct report *r = report;
    struct table_column columns[MAX_COLUMN];
    struct words words[MAX_COLUMN];
    size_t n = 0;

    columns[n++] = (struct table_column){ "core", "core" };
    for (const struct counter *c = core_counter_rows; c->name; c++) {
        assert(n + 1 < MAX_COLUMN);
        if (!core_counter_shown(&r->study->plan, c))
            continue;
        words[n] = words_of(c->name);
        columns[n] = (struct table_column){ words[n].text, c->name };
        n++;
    }
    columns[n] = (struct table_column){ 0 };

    struct table *t = table_new(columns);
    table_title(t, "Counters of each core, all images");
    for (uint32_t i = 0; i < r->study->plan.n_core; i++) {
        table_text(t, r->study->plan.core[i].name);
        for (const struct counter *c = core_counter_rows; c->name; c++)
            if (core_counter_shown(&r->study->plan, c))
                table_count(t, counter_get(c, &r->result->core[i]));
    }
    return t;
}

static void count_row(struct table *t, const char *key, uint64_t value)
{
    table_named(t, key, words_of(key).text);
    table_count(t, value);
}

struct table *run_stream_table(const void *report)
{
    const struct report *r = report;

    return stream_table(&r->study->plan, r->result->stream_bits);
}

struct table *run_figure_table(const void *report)
{
    static const struct table_column columns[] = {
        { "figure", "figure" }, { "value", "value" }, { 0 },
    };
    const struct report *r = report;
    struct table *t = table_new(columns);

    table_title(t, "The run");
    table_text(t, "version");
    table_text(t, imcsim_version);
    table_named(t, "config_hash", "configuration");
    table_text(t, r->study->config_hash);
    table_text(t, "kernel");
    table_text(t, kernel_name(r->kernel));
    count_row(t, "seed", r->seed);
    count_row(t, "images", r->result->n_image);
    count_row(t, "first_result_timesteps", r->result->first_result);
    count_row(t, "last_conv_timesteps", r->result->last_conv);
    count_row(t, "interval_timesteps", plan_image_interval(&r->study->plan));
    count_row(t, "total_timesteps", r->result->total_timesteps);
    if (r->result->label)
        count_row(t, "correct", r->result->n_correct);
    return t;
}

struct class_result *class_results(const struct report *r, uint32_t *n)
{
    const struct run_result *result = r->result;

    *n = network_result(&r->study->network)->out.channels;
    struct class_result *class = calloc(*n, sizeof *class);
    struct class_name *name = calloc(*n, sizeof *name);
    if (!class || !name) {
        free(class);
        free(name);
        return NULL;
    }
    class_names(name, *n, r->study->config.network.onnx);
    for (uint32_t i = 0; i < *n; i++)
        class[i].name = name[i];
    free(name);
    for (uint64_t i = 0; i < result->n_image; i++) {
        assert(result->label[i] < *n);
        class[result->label[i]].images++;
        class[result->label[i]].correct += result->label[i] == result->predicted[i];
    }
    return class;
}
