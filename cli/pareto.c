/* cli/pareto.c -- see pareto.h. */
#include "cli/pareto.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>

#include "cli/pictures/axis.h"
#include "cli/results.h"
#include "cli/spare.h"
#include "dataflow/mapper/mapper.h"
#include "report/json.h"
#include "report/plan_report.h"
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

/* ---- the picture ---- */

enum { WIDTH = 860, HEIGHT = 480, LEFT = 90, RIGHT = 90, TOP = 76, BOTTOM = 64, LABELS = 14 };

enum curve { FIRST_RESULT, INTERVAL, ENERGY, N_CURVE };

static const struct {
    const char *colour, *label;
} curves[N_CURVE] = {
    [FIRST_RESULT] = { "#0072b2", "to the first result, timesteps" },
    [INTERVAL] = { "#d55e00", "between images, timesteps" },
    [ENERGY] = { "#009e73", "energy of an image, nJ (right axis)" },
};

static double value_on(const struct pareto_point *p, enum curve c)
{
    return c == ENERGY     ? (double)p->energy_pj * 1e-3
           : c == INTERVAL ? (double)p->interval
                           : (double)p->first_result;
}

struct drawing {
    const struct pareto *pareto;
    uint32_t             n_curve;
    struct axis          timesteps, energy;
    FILE                *out;
};

static double across(const struct drawing *d, double cores)
{
    const struct pareto *p = d->pareto;
    double from = p->point[0].cores, to = p->point[p->n_point - 1].cores;

    return LEFT + (WIDTH - LEFT - RIGHT) * (cores - from) / (to > from ? to - from : 1);
}

static double down(const struct axis *a, double value)
{
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / a->end;
}

static void put_text(const struct drawing *d, double x, double y, const char *anchor,
                     const char *colour, const char *text)
{
    fprintf(d->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n", x, y,
            anchor, colour, text);
}

static void draw_side(const struct drawing *d, const struct axis *a, bool right)
{
    char text[40];

    for (double v = 0; v <= a->end * 1.0001; v += a->step) {
        double y = down(a, v);
        if (!right)
            fprintf(d->out, "<path stroke=\"#dddddd\" d=\"M%d %.1fH%d\"/>\n", LEFT, y,
                    WIDTH - RIGHT);
        snprintf(text, sizeof text, "%.6g", v);
        put_text(d, right ? WIDTH - RIGHT + 8 : LEFT - 8, y + 4, right ? "start" : "end",
                 right ? curves[ENERGY].colour : "#222222", text);
    }
}

static void draw_cores(const struct drawing *d)
{
    const struct pareto *p = d->pareto;
    double from = p->point[0].cores, to = p->point[p->n_point - 1].cores;
    double step = axis_for(to > from ? to - from : 1).step;
    char text[40];

    step = step < 1 ? 1 : step;
    for (double v = ceil(from / step) * step; v <= to; v += step) {
        double x = across(d, v);
        fprintf(d->out, "<path stroke=\"#222222\" d=\"M%.1f %dv5\"/>\n", x, HEIGHT - BOTTOM);
        snprintf(text, sizeof text, "%.6g", v);
        put_text(d, x, HEIGHT - BOTTOM + 20, "middle", "#222222", text);
    }
    put_text(d, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - BOTTOM + 44, "middle", "#222222",
             "cores, at most");
}

/* A staircase: what holds for so many cores holds until a point has better. Some of the markers
 * say their value. */
static void draw_steps(const struct drawing *d, enum curve c)
{
    const struct pareto *p = d->pareto;
    const struct axis *a = c == ENERGY ? &d->energy : &d->timesteps;
    uint32_t each = (p->n_point + LABELS - 1) / LABELS;
    char text[40];

    fprintf(d->out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
            curves[c].colour);
    for (uint32_t i = 0; i < p->n_point; i++) {
        double x = across(d, p->point[i].cores);
        if (i > 0)
            fprintf(d->out, "%.1f,%.1f ", x, down(a, value_on(&p->point[i - 1], c)));
        fprintf(d->out, "%.1f,%.1f ", x, down(a, value_on(&p->point[i], c)));
    }
    fprintf(d->out, "\"/>\n");
    for (uint32_t i = 0; i < p->n_point; i++) {
        double value = value_on(&p->point[i], c), x = across(d, p->point[i].cores);
        bool steps = i == 0 || value != value_on(&p->point[i - 1], c);
        if (!steps)
            continue;
        fprintf(d->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"><title>%" PRIu32
                        " cores: %.10g</title></circle>\n", x, down(a, value), curves[c].colour,
                p->point[i].cores, value);
        bool at_end = x > WIDTH - RIGHT - 40;
        snprintf(text, sizeof text, "%.5g", value);
        if (i % each == 0)
            put_text(d, at_end ? x - 6 : x + 4, down(a, value) + (at_end ? 14 : -6),
                     at_end ? "end" : "start", curves[c].colour, text);
    }
    fprintf(d->out, "<path stroke=\"%s\" stroke-width=\"2\" d=\"M%d %dh24\"/>\n"
                    "<circle cx=\"%d\" cy=\"%d\" r=\"3\" fill=\"%s\"/>\n",
            curves[c].colour, LEFT + 236 * (int)c, TOP - 30, LEFT + 12 + 236 * (int)c, TOP - 30,
            curves[c].colour);
    put_text(d, LEFT + 30 + 236 * (int)c, TOP - 26, "start", "#222222", curves[c].label);
}

static enum err front_svg(const void *what, FILE *out, struct err_msg *m)
{
    const struct front *f = what;
    const struct pareto *p = &f->pareto;
    double most = 0, most_nj = 0;

    (void)m;
    for (uint32_t i = 0; i < p->n_point; i++) {
        most = fmax(most, fmax(value_on(&p->point[i], FIRST_RESULT),
                               value_on(&p->point[i], INTERVAL)));
        most_nj = fmax(most_nj, value_on(&p->point[i], ENERGY));
    }
    struct drawing d = { p, f->priced ? N_CURVE : ENERGY, axis_for(most), axis_for(most_nj), out };
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                 "font-family=\"sans-serif\" font-size=\"12\">\n"
                 "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
                 "<text x=\"%d\" y=\"24\" font-size=\"15\">%s: what so many cores can do at "
                 "best</text>\n", WIDTH, HEIGHT, LEFT, f->study.network.name);
    draw_side(&d, &d.timesteps, false);
    if (f->priced)
        draw_side(&d, &d.energy, true);
    draw_cores(&d);
    fprintf(out, "<path fill=\"none\" stroke=\"#222222\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP,
            HEIGHT - BOTTOM, WIDTH - RIGHT);
    for (uint32_t c = 0; c < d.n_curve; c++)
        draw_steps(&d, (enum curve)c);
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
    if (!e)
        e = spare_config(o, &f.study.config, m);
    f.priced = !e && pricing_wanted(&f.study.config);
    if (!e && f.priced)
        e = pricer_init(&f.pricer, &f.study.config, &f.study.network, m);
    if (!e)
        e = mapping_pareto(&f.study.config, &f.study.network, f.priced ? &f.pricer.prices : NULL,
                           &f.pareto, m);
    if (!e)
        e = results_write(&form, o, &f, outputs, n, m);
    pareto_release(&f.pareto);
    study_release(&f.study);
    return e;
}
