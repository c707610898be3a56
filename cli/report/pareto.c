/* cli/report/pareto.c -- see pareto.h. */
#include "cli/report/pareto.h"

#include <inttypes.h>

#include "cli/report/json.h"
#include "cli/report/plan_report.h"
#include "cli/results.h"
#include "dataflow/mapper/mapper.h"
#include "study/pricing.h"
#include "study/study.h"

struct front { // what the writers get
    struct study  study; // without a plan
    struct pricer pricer;
    bool          priced;
    struct pareto pareto;
};

static struct table *front_table(const void *front)
{
    static const struct table_column with_energy[] = {
        { "cores", "cores" },
        { "interval", "interval_timesteps" },
        { "first result", "first_result_timesteps" },
        { "bound", "first_result_bound_timesteps" },
        { "energy nJ", "energy_nj_per_image" },
        { 0 },
    }, without[] = {
        { "cores", "cores" },
        { "interval", "interval_timesteps" },
        { "first result", "first_result_timesteps" },
        { "bound", "first_result_bound_timesteps" },
        { 0 },
    };
    const struct front *f = front;
    struct table *t = table_new(f->priced ? with_energy : without);

    table_title(t, "What so many cores can do at best");
    table_note(t, "interval      the least, in timesteps\n"
                  "first result  the least, in timesteps, perhaps of another mapping\n"
                  "bound         no mapping has its first result before%s", f->priced ?
                  "\nenergy        the least found of an image by itself, perhaps of another" : "");

    for (uint32_t i = 0; i < f->pareto.n_point; i++) {
        const struct pareto_point *p = &f->pareto.point[i];
        table_count(t, p->cores);
        table_count(t, p->interval);
        table_count(t, p->first_result);
        table_count(t, p->bound);
        if (f->priced)
            table_real(t, (double)p->energy_pj * 1e-3, 3);
    }
    return t;
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
        if (f->priced)
            json_put_real(&point, "energy_nj_per_image", (double)p->energy_pj * 1e-3);
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

enum curve { FIRST_RESULT, INTERVAL, ENERGY, N_CURVE };

static const struct {
    const char *colour, *label;
} curves[N_CURVE] = {
    [FIRST_RESULT] = { "#1f77b4", "timesteps to the first result" },
    [INTERVAL] = { "#d62728", "timesteps between images" },
    [ENERGY] = { "#2ca02c", "energy of an image, of the highest" },
};

static uint64_t value_on(const struct pareto_point *p, enum curve c)
{
    return c == ENERGY ? p->energy_pj : c == INTERVAL ? p->interval : p->first_result;
}

/* Timesteps have one axis, up to the latest of all; energy another. */
static double down(const struct pareto *p, enum curve c, uint64_t value)
{
    double most = (double)value_on(&p->point[0], c == ENERGY ? ENERGY : FIRST_RESULT);

    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (double)value / most;
}

/* A staircase: what holds for so many cores holds until a point has better. */
static void draw_steps(const struct pareto *p, enum curve c, FILE *out)
{
    fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
            curves[c].colour);
    for (uint32_t i = 0; i < p->n_point; i++) {
        const struct pareto_point *at = &p->point[i];
        double x = across(p, at->cores);
        if (i > 0)
            fprintf(out, "%.1f,%.1f ", x, down(p, c, value_on(&at[-1], c)));
        fprintf(out, "%.1f,%.1f ", x, down(p, c, value_on(at, c)));
    }
    fprintf(out, "\"/>\n");
    fprintf(out, "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n", WIDTH / 2,
            TOP + 18 * (int)c, curves[c].colour, curves[c].label);
}

static enum err front_svg(const void *what, FILE *out, struct err_msg *m)
{
    const struct front *f = what;
    const struct pareto *p = &f->pareto;
    const struct pareto_point *first = &p->point[0], *last = &p->point[p->n_point - 1];

    (void)m;
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                 "font-family=\"sans-serif\" font-size=\"13\">\n", WIDTH, HEIGHT);
    fprintf(out, "<path fill=\"none\" stroke=\"black\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP,
            HEIGHT - BOTTOM, WIDTH - RIGHT);
    for (int c = 0; c < (f->priced ? N_CURVE : ENERGY); c++)
        draw_steps(p, (enum curve)c, out);
    fprintf(out, "<text x=\"%d\" y=\"%d\">%" PRIu32 "</text>\n", LEFT, HEIGHT - BOTTOM + 18,
            first->cores);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%" PRIu32 " cores</text>\n",
            WIDTH - RIGHT, HEIGHT - BOTTOM + 18, last->cores);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%" PRIu64 "</text>\n", LEFT - 6,
            TOP + 4, first->first_result);
    fprintf(out, "</svg>\n");
    return ERR_NONE;
}

static const struct sheet sheets[] = { { "front", false, front_table }, { 0 } };
static const struct form form = { sheets, NULL, NULL, front_json };

enum err map_pareto(const struct options *o, struct err_msg *m)
{
    struct front f = { 0 };
    const struct output outputs[] = {
        { o->svg, front_svg, &f },
    };
    const size_t n = sizeof outputs / sizeof *outputs;
    enum err e = results_check(&form, o, outputs, n, m);

    if (!e)
        e = study_load_network(&f.study, o->operand, o->set, o->n_set, m);
    f.priced = !e && pricing_wanted(&f.study.config);
    if (!e && f.priced)
        e = pricer_init(&f.pricer, &f.study.config, m);
    if (!e)
        e = mapping_pareto(&f.study.config, &f.study.network, f.priced ? &f.pricer.prices : NULL,
                           &f.pareto, m);
    if (!e)
        e = results_write(&form, o, &f, outputs, n, m);
    pareto_release(&f.pareto);
    study_release(&f.study);
    return e;
}
