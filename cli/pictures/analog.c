/* cli/pictures/analog.c -- see analog.h. */
#include "cli/pictures/analog.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "cli/pictures/axis.h"
#include "cli/pictures/panel.h"

enum { WIDTH = PANEL_WIDTH, LEFT = PANEL_LEFT, RIGHT = 130, TOP = PANEL_TOP,
       HEIGHT = PANEL_HEIGHT, APART = 56, LABEL = 64, NAMES = 110, LINE = 18 };

#define INK   PANEL_INK
#define BLUE  "#0072b2"
#define EXACT "#d55e00"

/* ---- times ---- */

struct times { // of a run, in order
    uint32_t n, *index;   // owned; [n]: places in the configuration's list
    double   least, most; // logarithms at the axis' ends
};

static bool times_of(struct times *t, const struct analog_result *r)
{
    *t = (struct times){ .n = r->n_time, .index = calloc(r->n_time, sizeof *t->index) };
    for (uint32_t i = 0; t->index && i < t->n; i++) {
        uint32_t at = i;
        for (; at > 0 && r->time_s[t->index[at - 1]] > r->time_s[i]; at--)
            t->index[at] = t->index[at - 1];
        t->index[at] = i;
    }
    if (!t->index)
        return false;
    t->least = log10(r->time_s[t->index[0]]) - 0.25;
    t->most = log10(r->time_s[t->index[t->n - 1]]) + 0.25;
    return true;
}

static double across(const struct times *t, double time_s)
{
    return LEFT + WIDTH * (log10(time_s) - t->least) / (t->most - t->least);
}

struct words {
    char text[32];
};

static struct words words_of(uint32_t time_s)
{
    static const struct {
        double      seconds;
        const char *one, *many;
    } units[] = { { 31536000, "year", "years" }, { 86400, "day", "days" }, { 3600, "h", "h" },
                  { 60, "min", "min" }, { 1, "s", "s" } };
    struct words w = { "" };
    size_t i = 0;

    while (time_s < units[i].seconds)
        i++;
    double n = time_s / units[i].seconds;
    snprintf(w.text, sizeof w.text, "%.3g %s", n, n == 1 ? units[i].one : units[i].many);
    return w;
}

static void draw_times(const struct panel *p, const struct times *t, const struct analog_result *r,
                       FILE *out)
{
    double free_from = 0;

    for (uint32_t i = 0; i < t->n; i++) {
        double x = across(t, r->time_s[t->index[i]]);
        fprintf(out, "<path stroke=\"" INK "\" d=\"M%.1f %.1fv5\"/>\n", x, p->top + HEIGHT);
        if (x < free_from)
            continue;
        panel_text(x, p->top + HEIGHT + 20, "middle", words_of(r->time_s[t->index[i]]).text, out);
        free_from = x + LABEL;
    }
    panel_text(LEFT + WIDTH / 2.0, p->top + HEIGHT + 40, "middle", "time since programming", out);
}

/* ---- accuracy ---- */

static double per_cent(double share)
{
    return fmin(fmax(100 * share, 0), 100);
}

static struct panel accuracy_panel(const struct report *r, double exact)
{
    struct panel p = { .top = TOP, .least = exact, .most = exact };

    for (uint32_t i = 0; i < r->analog->n_time; i++) {
        const struct analog_accuracy a = analog_accuracy(r->analog, r->result, i);
        p.least = fmin(p.least, per_cent(a.low));
        p.most = fmax(p.most, per_cent(a.high));
        for (uint32_t c = 0; c < r->analog->n_chip; c++) {
            double top1 = per_cent(analog_top1(r->analog, r->result, i, c));
            p.least = fmin(p.least, top1);
            p.most = fmax(p.most, top1);
        }
    }
    p.step = axis_for(fmax(p.most - p.least, 1)).step;
    p.least = fmax(0, p.step * (ceil(p.least / p.step) - 1));
    p.most = fmin(100, p.step * (floor(p.most / p.step) + 1));
    return p;
}

static void draw_band(const struct report *r, const struct panel *p, const struct times *t,
                      FILE *out)
{
    fprintf(out, "<path fill=\"" BLUE "\" fill-opacity=\"0.2\" d=\"M");
    for (uint32_t i = 0; i < 2 * t->n; i++) {
        uint32_t time = t->index[i < t->n ? i : 2 * t->n - 1 - i];
        const struct analog_accuracy a = analog_accuracy(r->analog, r->result, time);
        fprintf(out, "%.1f %.1f ", across(t, r->analog->time_s[time]),
                panel_level(p, per_cent(i < t->n ? a.low : a.high)));
    }
    fprintf(out, "Z\"/>\n<path fill=\"none\" stroke=\"" BLUE "\" stroke-width=\"2\" d=\"M");
    for (uint32_t i = 0; i < t->n; i++)
        fprintf(out, "%.1f %.1f ", across(t, r->analog->time_s[t->index[i]]),
                panel_level(p, per_cent(analog_accuracy(r->analog, r->result, t->index[i]).mean)));
    fprintf(out, "\"/>\n");
}

static void draw_chips(const struct report *r, const struct panel *p, const struct times *t,
                       FILE *out)
{
    for (uint32_t i = 0; i < t->n; i++)
        for (uint32_t c = 0; c < r->analog->n_chip; c++) {
            double top1 = analog_top1(r->analog, r->result, t->index[i], c);
            uint32_t time_s = r->analog->time_s[t->index[i]];
            fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"" INK "\" "
                         "fill-opacity=\"0.5\"><title>chip %" PRIu32 ", %s: %.2f %%</title>"
                         "</circle>\n", across(t, time_s), panel_level(p, per_cent(top1)), c,
                    words_of(time_s).text, 100 * top1);
        }
}

static void draw_accuracy(const struct report *r, const struct times *t, FILE *out)
{
    double exact = 100 * (double)r->result->n_correct / (double)r->result->n_image;
    struct panel p = accuracy_panel(r, exact);
    char text[96];

    snprintf(text, sizeof text, "top-1 accuracy, %%, of %" PRIu64 " images on %" PRIu32 " chip%s",
             r->result->n_image, r->analog->n_chip, r->analog->n_chip > 1 ? "s" : "");
    panel_draw(&p, text, out);
    draw_times(&p, t, r->analog, out);
    fprintf(out, "<path stroke=\"" EXACT "\" stroke-dasharray=\"6 4\" d=\"M%d %.1fh%d\"/>\n", LEFT,
            panel_level(&p, exact), WIDTH);
    panel_text(LEFT + WIDTH + 8, panel_level(&p, exact) + 4, "start", "exact weights", out);
    draw_band(r, &p, t, out);
    draw_chips(r, &p, t, out);
    uint32_t last = t->index[t->n - 1];
    double end = per_cent(analog_accuracy(r->analog, r->result, last).mean);
    panel_text(LEFT + WIDTH + 8, fmax(panel_level(&p, end), panel_level(&p, exact) + LINE) + 4,
               "start", r->analog->n_chip > 1 ? "mean, 95 % of it" : "the chip", out);
}

/* ---- errors of layers ---- */

/* Layers whose error was measured, in order; returns how many. layer[n_layer of the plan]. */
static uint32_t find_layers(const struct report *r, uint32_t *layer, double *most)
{
    uint32_t n = 0;

    *most = 0;
    for (uint32_t i = 0; i < r->analog->n_layer; i++) {
        if (layer_is_digital(plan_network_layer(&r->study->plan, i)) ||
            analog_layer(r->analog, 0, i).error < 0)
            continue;
        layer[n++] = i;
        for (uint32_t k = 0; k < r->analog->n_time; k++)
            *most = fmax(*most, analog_layer(r->analog, k, i).error);
    }
    return n;
}

static double middle_of(uint32_t i, uint32_t n)
{
    return LEFT + WIDTH * (i + 0.5) / n;
}

static void draw_names(const struct report *r, const struct panel *p, const uint32_t *layer,
                       uint32_t n, FILE *out)
{
    uint32_t each = (n * 14 + WIDTH - 1) / WIDTH; // names that stand beside one another

    for (uint32_t i = 0; i < n; i += each) {
        double x = middle_of(i, n) + 4, y = p->top + HEIGHT + 10;
        fprintf(out, "<g transform=\"translate(%.1f %.1f) rotate(-90)\">", x, y);
        panel_text(0, 0, "end", plan_layer_name(&r->study->plan, layer[i]), out);
        fprintf(out, "</g>\n");
    }
}

static void draw_errors(const struct report *r, const struct times *t, const uint32_t *layer,
                        uint32_t n, double most, FILE *out)
{
    const struct axis axis = axis_for(most);
    const struct panel p = { TOP + HEIGHT + APART + TOP, 0, axis.end, axis.step };

    panel_draw(&p, "error of products by layer: rms of what cores give less exact products of the "
                   "same inputs, of the rms of those", out);
    draw_names(r, &p, layer, n, out);
    for (uint32_t k = 0; k < t->n; k++) {
        uint32_t time = t->index[k];
        const char *colour = panel_colour(k, t->n);
        fprintf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" d=\"M", colour);
        for (uint32_t i = 0; i < n; i++)
            fprintf(out, "%.1f %.1f ", middle_of(i, n),
                    panel_level(&p, analog_layer(r->analog, time, layer[i]).error));
        fprintf(out, "\"/>\n<path stroke=\"%s\" stroke-width=\"3\" d=\"M%d %.1fh16\"/>\n", colour,
                LEFT + WIDTH + 8, p.top + LINE * k + 6);
        panel_text(LEFT + WIDTH + 30, p.top + LINE * k + 10, "start",
                 words_of(r->analog->time_s[time]).text, out);
    }
}

enum err analog_picture(const void *report, FILE *out, struct err_msg *m)
{
    const struct report *r = report;
    uint32_t *layer = calloc(r->analog->n_layer, sizeof *layer);
    struct times t = { 0 };
    double most = 0;

    if (!layer || !times_of(&t, r->analog)) {
        free(layer);
        return err_set(m, ERR_MEMORY, "no memory for the picture");
    }
    uint32_t n = find_layers(r, layer, &most);
    int height = TOP + HEIGHT + APART + (n > 0 ? TOP + HEIGHT + NAMES : 0);
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                 "font-family=\"sans-serif\" font-size=\"12\" fill=\"" INK "\">\n"
                 "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            LEFT + WIDTH + RIGHT, height);
    draw_accuracy(r, &t, out);
    if (n > 0)
        draw_errors(r, &t, layer, n, most, out);
    fprintf(out, "</svg>\n");
    free(t.index);
    free(layer);
    return ERR_NONE;
}
