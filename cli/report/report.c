/* cli/report/report.c -- see report.h. */
#include "cli/report/report.h"

#include <assert.h>
#include <stdlib.h>

#include "cli/report/table.h"

const char *kernel_name(enum kernel_kind k)
{
    return k == KERNEL_SYSTEMC ? "systemc" : "native";
}

struct layer_work layer_work(const struct report *r, uint32_t layer)
{
    const struct plan *p = &r->study->plan;
    const struct plan_layer *l = &p->layer[layer];
    struct layer_work w = {0};

    for (uint32_t i = l->first_core; i < l->first_core + l->n_core; i++) {
        const struct core_counters *c = &r->result->core[i];
        if (p->core[i].part == 0 && p->core[i].group == 0)
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

struct table *run_layer_table(const struct report *r)
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
    const struct plan *p = &r->study->plan;
    const struct layer_result *times = r->result->layer;
    struct table *t = table_new(columns);

    for (uint32_t i = 0; i < p->n_layer; i++) {
        const struct plan_layer *l = &p->layer[i];
        struct layer_work work = layer_work(r, i);
        uint32_t before = latest_producer(r, i);
        table_text(t, plan_layer_name(p, i));
        table_count(t, l->n_core);
        table_count(t, l->rows);
        table_count(t, l->columns);
        table_count(t, l->replicas.n);
        table_share(t, l->utilization, 1);
        table_count(t, times[i].first_timestep);
        table_count(t, times[i].last_timestep);
        if (before < p->n_layer)
            table_count(t, times[i].last_timestep - times[before].last_timestep);
        else
            table_none(t);
        table_count(t, work.mvms);
        table_count(t, work.words_read);
        table_count(t, work.words_written);
    }
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
