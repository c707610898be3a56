/* cli/pictures/spikes.c -- see spikes.h. */
#include "cli/pictures/spikes.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "cli/pictures/axis.h"
#include "cli/pictures/panel.h"
#include "network/spiking/neuron.h"

enum { WIDTH = PANEL_WIDTH, LEFT = PANEL_LEFT, RIGHT = 170, TOP = PANEL_TOP, HEIGHT = PANEL_HEIGHT,
       BELOW = 56, LINE = 18, MOST_NAMED = 14, MOST_SHOWN = 5 };

/* Of a step, 1 to all of them. */
static double across(const struct report *r, double step)
{
    return LEFT + WIDTH * step / r->result->spikes.steps;
}

static void draw_steps(const struct report *r, const struct panel *p, FILE *out)
{
    const struct axis axis = axis_for(r->result->spikes.steps);
    const double step = fmax(axis.step, 1);
    char text[32];

    for (double v = 0; v <= r->result->spikes.steps; v += step) {
        double x = across(r, v);
        fprintf(out, "<path stroke=\"" PANEL_INK "\" d=\"M%.1f %.1fv5\"/>\n", x, p->top + HEIGHT);
        snprintf(text, sizeof text, "%.0f", v);
        panel_text(x, p->top + HEIGHT + 20, "middle", text, out);
    }
    panel_text(LEFT + WIDTH / 2.0, p->top + HEIGHT + 40, "middle", "steps", out);
}

static void draw_line(const struct report *r, const struct panel *p, const uint64_t *v, double each,
                      const char *colour, FILE *out)
{
    fprintf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" d=\"M", colour);
    for (uint32_t t = 0; t < r->result->spikes.steps; t++)
        fprintf(out, "%.1f %.1f ", across(r, t + 1), panel_level(p, (double)v[t] * each));
    fprintf(out, "\"/>\n");
}

static double draw_accuracy(const struct report *r, FILE *out)
{
    const struct panel p = { TOP, 0, 100, 20 };
    const struct spike_counts *c = &r->result->spikes;
    const double each = 100 / (double)r->result->n_image;
    char text[96];

    if (!r->result->label)
        return 0;
    snprintf(text, sizeof text, "top-1 accuracy, %%, of %" PRIu64 " images after as many steps",
             r->result->n_image);
    panel_draw(&p, text, out);
    draw_steps(r, &p, out);
    draw_line(r, &p, c->right, each, panel_colour(0, 1), out);
    snprintf(text, sizeof text, "%.2f %%", (double)c->right[c->steps - 1] * each);
    panel_text(LEFT + WIDTH + 8, panel_level(&p, (double)c->right[c->steps - 1] * each) + 4,
               "start", text, out);
    return TOP + HEIGHT + BELOW;
}

static bool fires(const struct network *n, uint32_t layer)
{
    const struct neuron *neuron = n->layer[layer].neuron;

    return neuron && neuron->kind->fires;
}

/* What a spike of the layer in one step counts in the mean. */
static double share_of(const struct report *r, uint32_t layer)
{
    const struct shape *s = &r->study->network.layer[layer].out;

    return 1 / ((double)r->result->n_image * s->height * s->width * s->channels);
}

static void draw_rates(const struct report *r, double top, FILE *out)
{
    const struct network *n = &r->study->network;
    const struct spike_counts *c = &r->result->spikes;
    double most = 0;
    uint32_t n_fire = 0, at = 0;

    for (uint32_t i = 1; i < n->n_layer; i++) {
        n_fire += fires(n, i);
        for (uint32_t t = 0; fires(n, i) && t < c->steps; t++)
            most = fmax(most, (double)c->spikes[(size_t)i * c->steps + t] * share_of(r, i));
    }
    const struct axis axis = axis_for(most);
    const struct panel p = { top + TOP, 0, axis.end, axis.step };
    panel_draw(&p, "spikes of a neuron in a step, mean of each layer", out);
    draw_steps(r, &p, out);
    for (uint32_t i = 1; i < n->n_layer; i++) {
        if (!fires(n, i))
            continue;
        const char *colour = panel_colour(at, n_fire);
        draw_line(r, &p, c->spikes + (size_t)i * c->steps, share_of(r, i), colour, out);
        if (n_fire <= MOST_NAMED || at % (n_fire / MOST_NAMED + 1) == 0) {
            double y = p.top + LINE * (n_fire <= MOST_NAMED ? at : at / (n_fire / MOST_NAMED + 1));
            fprintf(out, "<path stroke=\"%s\" stroke-width=\"3\" d=\"M%d %.1fh16\"/>\n", colour,
                    LEFT + WIDTH + 8, y + 6);
            panel_text(LEFT + WIDTH + 30, y + 10, "start", n->layer[i].name, out);
        }
        at++;
    }
}

/* ---- chosen neurons ---- */

static void draw_raster(const struct report *r, const struct neuron_trace *n, double top, FILE *out)
{
    const struct panel p = { top + TOP, n->first, n->first + (n->n > 1 ? n->n - 1 : 1),
                             n->n > 8 ? ceil(n->n / 8.0) : 1 };
    char text[160];

    snprintf(text, sizeof text,
             "spikes of neurons %" PRIu32 " to %" PRIu32 " of %.80s, first image", n->first,
             n->first + n->n - 1, n->name);
    panel_draw(&p, text, out);
    draw_steps(r, &p, out);
    for (uint32_t i = 0; i < n->n; i++)
        for (uint32_t t = 0; t < n->steps; t++)
            if (n->spikes[(size_t)i * n->steps + t] > 0)
                fprintf(out,
                        "<circle class=\"spike\" cx=\"%.1f\" cy=\"%.1f\" r=\"1.5\"/>\n",
                        across(r, t + 1), panel_level(&p, n->first + i));
}

static void draw_potentials(const struct report *r, const struct neuron_trace *n, double top,
                            FILE *out)
{
    const uint32_t shown = n->n < MOST_SHOWN ? n->n : MOST_SHOWN;
    double low = 0, high = n->fires ? 1 : 0;
    char text[64];

    for (size_t i = 0; i < (size_t)shown * n->steps; i++) {
        low = fmin(low, n->v[i]);
        high = fmax(high, n->v[i]);
    }
    const double step = axis_for(fmax(high - low, 1e-9)).step;
    const struct panel p = { top + TOP, step * floor(low / step), step * ceil(high / step), step };
    panel_draw(&p, n->fires ? "their potentials behind each step, in thresholds"
                            : "their potentials behind each step", out);
    draw_steps(r, &p, out);
    for (uint32_t i = 0; i < shown; i++) {
        fprintf(out, "<path class=\"potential\" fill=\"none\" stroke=\"%s\" d=\"M",
                panel_colour(i, shown));
        for (uint32_t t = 0; t < n->steps; t++)
            fprintf(out, "%.1f %.1f ", across(r, t + 1),
                    panel_level(&p, n->v[(size_t)i * n->steps + t]));
        fprintf(out, "\"/>\n");
        snprintf(text, sizeof text, "%" PRIu32, n->first + i);
        panel_text(LEFT + WIDTH + 30, p.top + LINE * i + 10, "start", text, out);
        fprintf(out, "<path stroke=\"%s\" stroke-width=\"3\" d=\"M%d %.1fh16\"/>\n",
                panel_colour(i, shown), LEFT + WIDTH + 8, p.top + LINE * i + 6);
    }
}

enum err spike_picture(const void *drawing, FILE *out, struct err_msg *m)
{
    const struct spike_drawing *d = drawing;
    const struct report *r = d->report;
    const int each = TOP + HEIGHT + BELOW;
    const bool raster = d->trace->name && d->trace->fires;
    const int panels = 1 + (r->result->label != NULL) + raster + (d->trace->name != NULL);

    (void)m;
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                 "font-family=\"sans-serif\" font-size=\"12\" fill=\"" PANEL_INK "\">\n"
                 "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            LEFT + WIDTH + RIGHT, panels * each);
    double top = draw_accuracy(r, out);
    draw_rates(r, top, out);
    top += each;
    if (raster) {
        draw_raster(r, d->trace, top, out);
        top += each;
    }
    if (d->trace->name)
        draw_potentials(r, d->trace, top, out);
    fprintf(out, "</svg>\n");
    return ERR_NONE;
}
