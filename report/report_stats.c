/* report/report_stats.c -- every counter of a run in gem5's form, one line each:
 *
 *     name  value  # description (unit)
 */
#include <inttypes.h>
#include <stdarg.h>

#include "report/report.h"
#include "report/version.h"

#define NAME_COLUMNS 48

#if defined(__GNUC__)
__attribute__((format(printf, 5, 6)))
#endif
static void stat(FILE *out, uint64_t value, const char *doc, const char *unit, const char *name,
                 ...)
{
    va_list args;

    va_start(args, name);
    int n = vfprintf(out, name, args);
    va_end(args);
    fprintf(out, "%*s %20" PRIu64 "  # %s (%s)\n", n < NAME_COLUMNS ? NAME_COLUMNS - n : 0, "",
            value, doc, unit);
}

static void print_run(const struct report *r, FILE *out)
{
    const struct run_result *s = r->result;
    const struct plan *p = &r->study->plan;

    stat(out, s->n_image, "images run", "image", "imcsim.images");
    if (s->label)
        stat(out, s->n_correct, "images classified as labelled", "image", "imcsim.correct");
    stat(out, s->total_timesteps, "simulated, to the last image's result", "timestep",
         "imcsim.timesteps");
    stat(out, s->total_timesteps * p->timestep_clk, "the same in clocks", "cycle", "imcsim.cycles");
    stat(out, s->first_result, "to the first image's result", "timestep",
         "imcsim.first_result_timesteps");
    stat(out, s->last_conv, "to the last firing of the last convolution", "timestep",
         "imcsim.last_conv_timesteps");
    stat(out, plan_image_interval(p), "between two images", "timestep",
         "imcsim.interval_timesteps");
    stat(out, p->n_core, "IMC cores used", "core", "imcsim.cores");
}

static void print_core(const struct report *r, uint32_t core, FILE *out)
{
    const struct plan_core *c = &r->study->plan.core[core];
    const uint64_t *used_clk = r->study->plan.time.core[core].used_clk;

    for (const struct counter *row = core_counter_rows; row->name; row++)
        if (core_counter_shown(&r->study->plan, row))
            stat(out, counter_get(row, &r->result->core[core]), row->doc, row->unit,
                 "imcsim.core.%s.%s", c->name, row->name);
    for (int s = 0; s < N_STAGE; s++)
        if (used_clk[s] > 0)
            stat(out, used_clk[s], "of its worst timestep", "cycle", "imcsim.core.%s.stage.%s",
                 c->name, stage_name((enum stage)s));
}

static void print_layer(const struct report *r, uint32_t layer, FILE *out)
{
    const struct layer_result *l = &r->result->layer[layer];
    const char *name = plan_layer_name(&r->study->plan, layer);

    stat(out, l->first_timestep, "of the first image's first firing, from 0", "timestep",
         "imcsim.layer.%s.first_timestep", name);
    stat(out, l->last_timestep, "of the first image's last firing, from 0", "timestep",
         "imcsim.layer.%s.last_timestep", name);
}

enum err report_stats(const void *report, FILE *out, struct err_msg *m)
{
    const struct report *r = report;
    const struct plan *p = &r->study->plan;

    (void)m;
    fprintf(out, "\n---------- Begin Simulation Statistics ----------\n");
    fprintf(out, "# imcsim %s, %s kernel, seed %" PRIu64 ", configuration %s\n", imcsim_version,
            kernel_name(r->kernel), r->seed, r->study->config_hash);
    print_run(r, out);
    for (uint32_t i = 0; i < p->n_layer; i++)
        print_layer(r, i, out);
    for (uint32_t i = 0; i < p->n_core; i++)
        print_core(r, i, out);
    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *s = &p->stream[i];
        stat(out, r->result->stream_bits[i], "bits carried", "bit", "imcsim.link.%s.%s->%s.bits",
             stream_kind_name(s->kind), stream_from(p, s), stream_to(p, s));
    }
    fprintf(out, "\n---------- End Simulation Statistics   ----------\n");
    return ERR_NONE;
}
