/* cli/pictures/compare.c -- see compare.h. */
#include "cli/pictures/compare.h"

#include <math.h>
#include <stdlib.h>

#include "cli/pictures/axis.h"

enum { PANEL = 320, GAP = 24, LEFT = 70, TOP = 48, HEIGHT = 300, AXIS = 52, LINE = 18, RIGHT = 24,
       NUMBER = 16, MOST_MARKS = 40 };

#define ROOM 1.3 // a factor, on either side of an axis of costs

struct place { // of a dot that has been drawn
    double x, y;
};

struct span { // of an axis
    double least, most;
};

static void put_xml(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        default:
            fputc((unsigned char)*text < ' ' ? '?' : *text, out);
        }
}

static void put_text(FILE *out, double x, double y, const char *anchor, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    put_xml(out, text);
    fputs("</text>\n", out);
}

/* Colours that most people tell apart (Okabe and Ito). */
static const char *colour_of(size_t i)
{
    static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
                                           "#56b4e9", "#000000" };

    return colours[i % (sizeof colours / sizeof *colours)];
}

static double down(const struct span *y, double top1)
{
    return TOP + HEIGHT * (y->most - top1) / (y->most - y->least);
}

static double across(const struct span *x, double left, double cost)
{
    return left + PANEL * (log(cost) - log(x->least)) / (log(x->most) - log(x->least));
}

/* In per cent, with room below and above. */
static struct span span_of_top1(const struct compare_picture *p, double *step)
{
    struct span s = { 100, 0 };

    for (size_t i = 0; i < p->n; i++) {
        s.least = fmin(s.least, 100 * p->dot[i].top1);
        s.most = fmax(s.most, 100 * p->dot[i].top1);
    }
    *step = axis_for(fmax(s.most - s.least, 1)).step;
    s.least = fmax(0, *step * (ceil(s.least / *step) - 1));
    s.most = fmin(100, *step * (floor(s.most / *step) + 1));
    return s;
}

static struct span span_of_cost(const struct compare_picture *p, int k)
{
    struct span s = { HUGE_VAL, 0 };

    for (size_t i = 0; i < p->n; i++)
        if (p->dot[i].there[k]) {
            s.least = fmin(s.least, p->dot[i].cost[k]);
            s.most = fmax(s.most, p->dot[i].cost[k]);
        }
    return (struct span){ s.least / ROOM, s.most * ROOM };
}

static void draw_rows(FILE *out, const struct span *y, double step, double left, bool marks)
{
    char text[32];

    for (double v = y->least; v <= y->most + step / 1000; v += step) {
        fprintf(out, "<path stroke=\"#dddddd\" d=\"M%.1f %.1fh%d\"/>\n", left, down(y, v), PANEL);
        snprintf(text, sizeof text, "%.4g", v);
        if (marks)
            put_text(out, left - 8, down(y, v) + 4, "end", text);
    }
}

/* Marks at 1, 2 and 5 times powers of ten, as many as the axis has room for; where these are fewer
 * than two, at the least and the largest cost. */
static size_t marks_of(const struct span *x, double mark[MOST_MARKS])
{
    static const int all[] = { 1, 2, 5 };
    const size_t n_all = log10(x->most / x->least) > 3 ? 1 : 3;
    double unit = pow(10, floor(log10(x->least))), least = x->least * ROOM, most = x->most / ROOM;
    size_t n = 0;

    for (; unit <= x->most; unit *= 10)
        for (size_t i = 0; i < n_all && n < MOST_MARKS; i++)
            if (all[i] * unit >= x->least && all[i] * unit <= x->most)
                mark[n++] = all[i] * unit;
    if (n >= 2)
        return n;
    mark[0] = least;
    mark[1] = most;
    return most > 1.2 * least ? 2 : 1; // else one would hide the other
}

static void draw_marks(FILE *out, const struct span *x, double left)
{
    double mark[MOST_MARKS];
    char text[32];

    for (size_t i = 0, n = marks_of(x, mark); i < n; i++) {
        double at = across(x, left, mark[i]);
        fprintf(out, "<path stroke=\"#222222\" d=\"M%.1f %dv5\"/>\n", at, TOP + HEIGHT);
        snprintf(text, sizeof text, mark[i] < 1000 ? "%.4g" : "%.0f", mark[i]);
        put_text(out, at, TOP + HEIGHT + 20, "middle", text);
    }
}

/* Numbers of dots that lie on one another stand side by side. */
static void draw_number(double x, double y, size_t i, struct place *place, FILE *out)
{
    char text[32];
    int below = 0;

    place[i] = (struct place){ x, y };
    for (size_t k = 0; k < i; k++)
        below += fabs(place[k].x - x) < NUMBER && fabs(place[k].y - y) < NUMBER;
    snprintf(text, sizeof text, "%zu", i + 1);
    put_text(out, x + 8 + NUMBER * below, y - 6, "start", text);
}

static void draw_panel(const struct compare_picture *p, int k, double left, bool first,
                       struct place *place, FILE *out)
{
    double step;
    struct span x = span_of_cost(p, k), y = span_of_top1(p, &step);

    draw_rows(out, &y, step, left, first);
    draw_marks(out, &x, left);
    fprintf(out, "<path fill=\"none\" stroke=\"#222222\" d=\"M%.1f %dv%dh%d\"/>\n", left, TOP,
            HEIGHT, PANEL);
    put_text(out, left + PANEL / 2.0, TOP + HEIGHT + 42, "middle", p->cost[k]);
    for (size_t i = 0; i < p->n; i++) {
        const struct picture_dot *d = &p->dot[i];
        place[i] = (struct place){ -1, -1 };
        if (!d->there[k])
            continue;
        double at = across(&x, left, d->cost[k]), level = down(&y, 100 * d->top1);
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"%s\"><title>", at, level,
                colour_of(i));
        put_xml(out, d->label);
        fprintf(out, ": %.2f %%, %.10g %s</title></circle>\n", 100 * d->top1, d->cost[k],
                p->cost[k]);
        draw_number(at, level, i, place, out);
    }
}

static void draw_labels(const struct compare_picture *p, FILE *out)
{
    for (size_t i = 0; i < p->n; i++) {
        int y = TOP + HEIGHT + AXIS + LINE * ((int)i + 1);
        fprintf(out, "<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\"/>\n<text x=\"%d\" y=\"%d\">"
                     "%zu  ", LEFT + 6, y - 4, colour_of(i), LEFT + 18, y, i + 1);
        put_xml(out, p->dot[i].label);
        fprintf(out, ": %.2f %%</text>\n", 100 * p->dot[i].top1);
    }
}

static bool any_has(const struct compare_picture *p, int k)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->dot[i].there[k])
            return true;
    return false;
}

bool compare_draw(const struct compare_picture *p, FILE *out)
{
    struct place *place = calloc(p->n + 1, sizeof *place);
    int n = 0, panels = 0;

    if (!place)
        return false;

    for (int k = 0; k < MOST_COSTS; k++)
        panels += any_has(p, k);
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                 "font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n"
                 "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            LEFT + panels * (PANEL + GAP) - GAP + RIGHT,
            TOP + HEIGHT + AXIS + LINE * ((int)p->n + 1));
    put_text(out, LEFT, 24, "start", "top-1 accuracy, % of the images that were run, against cost");
    for (int k = 0; k < MOST_COSTS; k++)
        if (any_has(p, k)) {
            draw_panel(p, k, LEFT + n * (PANEL + GAP), n == 0, place, out);
            n++;
        }
    draw_labels(p, out);
    fprintf(out, "</svg>\n");
    free(place);
    return true;
}
