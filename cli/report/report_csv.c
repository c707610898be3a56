/* cli/report/report_csv.c -- a run's tables as CSV, each under its own header, an empty line
 * between two: layers, cores with every counter, streams, stages, and what the run was. */
#include <assert.h>

#include "cli/report/report.h"
#include "cli/report/table.h"
#include "cli/version.h"

#define MAX_COLUMN 64

/* columns: room for MAX_COLUMN, lives as long as the table. */
static struct table *core_table(const struct report *r, struct table_column *columns)
{
    size_t n = 0;

    columns[n++] = (struct table_column){ "core", "core" };
    for (const struct counter *c = core_counter_rows; c->name; c++) {
        assert(n + 1 < MAX_COLUMN);
        columns[n++] = (struct table_column){ c->name, c->name };
    }
    columns[n] = (struct table_column){ 0 };

    struct table *t = table_new(columns);
    for (uint32_t i = 0; i < r->study->plan.n_core; i++) {
        table_text(t, r->study->plan.core[i].name);
        for (const struct counter *c = core_counter_rows; c->name; c++)
            table_count(t, counter_get(c, &r->result->core[i]));
    }
    return t;
}

static void count_row(struct table *t, const char *name, uint64_t value)
{
    table_text(t, name);
    table_count(t, value);
}

static struct table *run_table(const struct report *r)
{
    static const struct table_column columns[] = {
        { "figure", "figure" }, { "value", "value" }, { 0 },
    };
    struct table *t = table_new(columns);

    table_text(t, "version");
    table_text(t, imcsim_version);
    table_text(t, "config_hash");
    table_text(t, r->study->config_hash);
    table_text(t, "kernel");
    table_text(t, kernel_name(r->kernel));
    count_row(t, "seed", r->seed);
    count_row(t, "images", r->result->n_image);
    count_row(t, "first_result_timesteps", r->result->first_result);
    count_row(t, "last_conv_timesteps", r->result->last_conv);
    count_row(t, "interval_timesteps", r->study->plan.interval);
    count_row(t, "total_timesteps", r->result->total_timesteps);
    if (r->images)
        count_row(t, "correct", r->result->n_correct);
    return t;
}

enum err report_csv(const void *report, FILE *out, struct err_msg *m)
{
    const struct report *r = report;
    const struct plan *p = &r->study->plan;
    struct table_column core_columns[MAX_COLUMN];
    struct table *tables[] = {
        run_layer_table(r),
        core_table(r, core_columns),
        stream_table(p, r->result->stream_bits),
        stage_table(p),
        run_table(r),
    };
    return print_csv(tables, sizeof tables / sizeof *tables, out, m);
}
