/* cli/pareto.c -- see pareto.h. */
#include "cli/pareto.h"

#include <inttypes.h>

#include "cli/json.h"
#include "cli/output.h"
#include "cli/plan_report.h"
#include "cli/study.h"
#include "dataflow/mapper.h"

struct front { // what the writers get
    struct study  study; // without a plan
    struct pareto pareto;
};

static struct table *front_table(const struct pareto *p)
{
    static const struct table_column columns[] = {
        { "cores", "cores" },
        { "interval", "interval_timesteps" },
        { "first result", "first_result_timesteps" },
        { "bound", "first_result_bound_timesteps" },
        { 0 },
    };
    struct table *t = table_new(columns);

    for (uint32_t i = 0; i < p->n_point; i++) {
        table_count(t, p->point[i].cores);
        table_count(t, p->point[i].interval);
        table_count(t, p->point[i].first_result);
        table_count(t, p->point[i].bound);
    }
    return t;
}

static enum err front_text(const void *what, FILE *out, struct err_msg *m)
{
    const struct front *f = what;

    return print_titled("With at most so many cores: the least interval, the least time to the "
                        "first result (of\nanother mapping, perhaps), in timesteps, and what no "
                        "mapping beats", front_table(&f->pareto), out, m);
}

static enum err front_csv(const void *what, FILE *out, struct err_msg *m)
{
    struct table *table = front_table(&((const struct front *)what)->pareto);

    return print_csv(&table, 1, out, m);
}

static enum err front_json(const void *what, FILE *out, struct err_msg *m)
{
    const struct front *f = what;
    json_t *o = json_begin("imcsim-pareto/1", &f->study), *list = json_array();

    for (uint32_t i = 0; i < f->pareto.n_point; i++) {
        const struct pareto_point *p = &f->pareto.point[i];
        json_t *point = json_object();
        json_put_count(&point, "cores", p->cores);
        json_put_count(&point, "interval_timesteps", p->interval);
        json_put_count(&point, "first_result_timesteps", p->first_result);
        json_put_count(&point, "first_result_bound_timesteps", p->bound);
        json_add(&list, point);
    }
    json_put(&o, "front", list);
    return json_print(o, out, m);
}

enum { // of the drawing, in pixels
    WIDTH = 640, HEIGHT = 400, LEFT = 70, RIGHT = 20, TOP = 30, BOTTOM = 50
};

static double across(const struct pareto *p, uint32_t cores)
{
    uint32_t from = p->point[0].cores, to = p->point[p->n_point - 1].cores;

    return LEFT + (double)(WIDTH - LEFT - RIGHT) * (cores - from) / (to > from ? to - from : 1);
}

static double down(const struct pareto *p, uint64_t timesteps)
{
    double most = (double)p->point[0].first_result; // the latest of all

    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (double)timesteps / most;
}

/* A staircase: what holds for so many cores holds until a point has better. */
static void draw_steps(const struct pareto *p, bool interval, const char *colour, FILE *out)
{
    fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", colour);
    for (uint32_t i = 0; i < p->n_point; i++) {
        const struct pareto_point *at = &p->point[i];
        double x = across(p, at->cores);
        if (i > 0)
            fprintf(out, "%.1f,%.1f ", x, down(p, interval ? at[-1].interval
                                                           : at[-1].first_result));
        fprintf(out, "%.1f,%.1f ", x, down(p, interval ? at->interval : at->first_result));
    }
    fprintf(out, "\"/>\n");
}

static enum err front_svg(const void *what, FILE *out, struct err_msg *m)
{
    const struct pareto *p = &((const struct front *)what)->pareto;
    const struct pareto_point *first = &p->point[0], *last = &p->point[p->n_point - 1];

    (void)m;
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                 "font-family=\"sans-serif\" font-size=\"13\">\n", WIDTH, HEIGHT);
    fprintf(out, "<path fill=\"none\" stroke=\"black\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP,
            HEIGHT - BOTTOM, WIDTH - RIGHT);
    draw_steps(p, false, "#1f77b4", out);
    draw_steps(p, true, "#d62728", out);
    fprintf(out, "<text x=\"%d\" y=\"%d\">%" PRIu32 "</text>\n", LEFT, HEIGHT - BOTTOM + 18,
            first->cores);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%" PRIu32 " cores</text>\n",
            WIDTH - RIGHT, HEIGHT - BOTTOM + 18, last->cores);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%" PRIu64 "</text>\n", LEFT - 6,
            TOP + 4, first->first_result);
    fprintf(out, "<text x=\"%d\" y=\"%d\" fill=\"#1f77b4\">timesteps to the first result</text>\n",
            WIDTH / 2, TOP);
    fprintf(out, "<text x=\"%d\" y=\"%d\" fill=\"#d62728\">timesteps between images</text>\n",
            WIDTH / 2, TOP + 18);
    fprintf(out, "</svg>\n");
    return ERR_NONE;
}

enum err map_pareto(const struct options *o, struct err_msg *m)
{
    struct front f = { 0 };
    const struct output outputs[] = {
        { o->json, front_json, &f },
        { o->csv, front_csv, &f },
        { o->svg, front_svg, &f },
    };
    const size_t n = sizeof outputs / sizeof *outputs;
    enum err e = output_check(outputs, n, m);

    if (!e)
        e = study_load_network(&f.study, o->operand, o->set, o->n_set, m);
    if (!e)
        e = mapping_pareto(&f.study.config, &f.study.network, &f.pareto, m);
    if (!e)
        e = output_write(outputs, n, front_text, &f, m);
    pareto_release(&f.pareto);
    study_release(&f.study);
    return e;
}
