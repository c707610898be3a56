/* report/plan_grid.c -- the plan on a grid of cores, as SVG and CSV: Dazzi et al. 2021, Fig. 9.
 *
 * A core's bar is the share of its timesteps in which it fires; a stream is as thick as its link is
 * loaded. Up to 64 cores stand in the article's rows of eight, more in wider ones.
 *
 * Cores lie in the order of the plan along a path that goes right in even rows and left in odd
 * ones, so that neighbours in the pipeline are neighbours on the grid. A feed-forward stream to a
 * neighbour is straight, others of the same two cores run beside it; along a row a longer one bows
 * around what lies between. Names need no escapes: network_check() allows letters, digits, _ and -
 * in them. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "core/wrap.h"
#include "report/plan_report.h"

enum { COLUMNS = 8, LEAST_ROWS = 6, SMALL = 64 }; // article 3.1.1
enum { GAP = 52, PITCH_Y = 118, LEAST_BOX = 94, MOST_BOX = 320, BOX_Y = 46 };
enum { LEFT = 124, TOP = 76, FOOT = 62 };
static const double letter = 9.8; // of a name, in pixels, of a wide font

static const struct style {
    const char *colour, *meaning;
    double      bow; // of a stream between neighbours: side and distance
} styles[N_STREAM_KIND] = {
    [STREAM_IMAGE] = { "#777777", "image, result", 0 },
    [STREAM_IMAGE_RESIDUAL] = { "#777777", NULL, 0 },
    [STREAM_FORWARD] = { "#2e9e3f", "feed-forward", 0 },
    [STREAM_VALID] = { "#bbbbbb", NULL, 0 },
    [STREAM_PARTIAL_SUM] = { "#8a3ab9", "partial sums", 26 },
    [STREAM_RESIDUAL] = { "#2166d1", "residual", -26 },
    [STREAM_TO_RESAMPLING] = { "#d62728", "to resampling", 26 },
    [STREAM_FROM_RESAMPLING] = { "#f28c12", "from resampling", -26 },
    [STREAM_RESULT] = { "#777777", NULL, 0 },
};

static const char *const fills[] = { "#fde3dc", "#dfeaf9", "#e0f2e0", "#f3e6f7", "#fdf3d7" };

struct grid {
    const struct plan *plan;
    uint32_t           columns, box_x, pitch_x;
};

struct spot {
    double x, y;
};

/* ---- places ---- */

static uint32_t row_of(const struct grid *g, uint32_t core)
{
    return core / g->columns;
}

static uint32_t column_of(const struct grid *g, uint32_t core)
{
    uint32_t along = core % g->columns;

    return row_of(g, core) % 2 == 0 ? along : g->columns - 1 - along;
}

static uint32_t n_row(const struct grid *g)
{
    uint32_t rows = row_of(g, g->plan->n_core - 1) + 1;

    return g->plan->n_core <= SMALL ? max_u32(rows, LEAST_ROWS) : rows;
}

static struct spot spot_of(const struct grid *g, uint32_t core)
{
    double first = LEFT + (g->box_x - LEAST_BOX) / 2.0;

    return (struct spot){ first + column_of(g, core) * (double)g->pitch_x,
                          TOP + row_of(g, core) * (double)PITCH_Y };
}

/* Where the ray from a box's middle towards `to` leaves the box. */
static struct spot border(const struct grid *g, struct spot from, struct spot to, double gap)
{
    double dx = to.x - from.x, dy = to.y - from.y;
    double scale = fmin(dx == 0 ? INFINITY : (g->box_x / 2.0 + gap) / fabs(dx),
                        dy == 0 ? INFINITY : (BOX_Y / 2.0 + gap) / fabs(dy));

    return (struct spot){ from.x + dx * scale, from.y + dy * scale };
}

/* ---- SVG ---- */

static void print_markers(FILE *out)
{
    fputs("<defs>\n", out);
    for (int k = 0; k < N_STREAM_KIND; k++)
        fprintf(out,
                "<marker id=\"arrow%d\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
                "markerWidth=\"7\" markerHeight=\"7\" markerUnits=\"userSpaceOnUse\" "
                "orient=\"auto\"><path d=\"M0,0.6 L8,4 L0,7.4 z\" fill=\"%s\"/></marker>\n",
                k, styles[k].colour);
    fputs("</defs>\n", out);
}

static void print_path(enum stream_kind k, struct spot from, struct spot bend, struct spot to,
                       double load, FILE *out)
{
    fprintf(out,
            "<path class=\"%s\" d=\"M%.1f,%.1f Q%.1f,%.1f %.1f,%.1f\" fill=\"none\" stroke=\"%s\" "
            "stroke-width=\"%.2f\" marker-end=\"url(#arrow%d)\"/>\n",
            stream_kind_name(k), from.x, from.y, bend.x, bend.y, to.x, to.y, styles[k].colour,
            1 + 2 * load, (int)k);
}

/* How far the bend of a stream lies beside the straight line. */
static double bow_of(const struct grid *g, const struct plan_stream *s)
{
    uint32_t apart = s->to > s->from ? s->to - s->from : s->from - s->to;
    double bow = styles[s->kind].bow;

    if (apart == 1 || row_of(g, s->from) != row_of(g, s->to))
        return bow;
    double around = 34 + 22 * (double)apart; // clear of the boxes between
    return bow < 0 ? -around : around;
}

static void print_stream(const struct grid *g, const struct plan_stream *s, FILE *out)
{
    struct spot a = spot_of(g, s->from), b = spot_of(g, s->to);
    double dx = b.x - a.x, dy = b.y - a.y, length = sqrt(dx * dx + dy * dy);
    double bow = bow_of(g, s);

    if (row_of(g, s->from) % 2 == 1) // the path goes left: keep a kind on one side of the boxes
        bow = -bow;
    struct spot bend = { (a.x + b.x) / 2 - dy / length * bow, (a.y + b.y) / 2 + dx / length * bow };
    print_path(s->kind, border(g, a, bend, 0), bend, border(g, b, bend, 1),
               share_of_timestep(g->plan, g->plan->time.stream[s - g->plan->stream].used_clk), out);
}

static void print_edge_of_chip(const struct grid *g, const struct plan_stream *s, FILE *out)
{
    double load = share_of_timestep(g->plan, g->plan->time.stream[s - g->plan->stream].used_clk);
    struct spot core = spot_of(g, stream_is_of_image(s->kind) ? s->to : s->from), away = core;
    bool right = s->kind == STREAM_RESULT && row_of(g, s->from) % 2 == 0;
    bool inside = s->kind == STREAM_RESULT && s->from + 1 < g->plan->n_core; // a core is beside it

    if (inside)
        away.y += BOX_Y / 2.0 + 30;
    else
        away.x += (right ? 1 : -1) * (g->pitch_x / 2.0 + 24);
    struct spot end = border(g, core, away, 0);
    struct spot middle = { (away.x + end.x) / 2, (away.y + end.y) / 2 };
    if (stream_is_of_image(s->kind))
        print_path(s->kind, away, middle, end, load, out);
    else
        print_path(s->kind, end, middle, away, load, out);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"12\" "
                 "fill=\"#555555\">%s</text>\n",
            middle.x + (inside ? 26 : 0), middle.y + (inside ? 4 : -7),
            stream_is_of_image(s->kind) ? "image" : "result");
}

/* Layers of one map size are a group. */
static const char *fill_of(const struct grid *g, uint32_t layer)
{
    size_t group = 0;

    for (uint32_t i = 1; i <= layer; i++)
        group += plan_network_layer(g->plan, i)->out.height !=
                 plan_network_layer(g->plan, i - 1)->out.height;
    return fills[group % (sizeof fills / sizeof *fills)];
}

/* Green to red. */
static const char *load_colour(double load)
{
    return load > 0.9 ? "#d62728" : load > 0.6 ? "#f28c12" : "#2e9e3f";
}

/* Firings for an image over the timesteps between images. */
static double load_of(const struct grid *g, uint32_t core)
{
    struct firing_shape shape = plan_firing_shape(g->plan, g->plan->core[core].plan_layer);

    return (double)g->plan->layer[g->plan->core[core].plan_layer].firing->firings(&shape) /
           (double)g->plan->interval;
}

static void print_bar(double x, double y, double width, double load, FILE *out)
{
    fprintf(out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"4\" fill=\"#ffffff\" "
            "stroke=\"#999999\" stroke-width=\"0.5\"/>\n"
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"4\" fill=\"%s\"/>\n",
            x, y, width, x, y, width * fmin(load, 1), load_colour(load));
}

/* What a core's array holds: in its box, and with more words. */
struct held_text {
    char box[40], words[80];
};

static struct held_text held_text(const struct plan *p, uint32_t core)
{
    const struct plan_core *c = &p->core[core];
    struct held_text t = { "digital", "digital processor only" };

    if (c->rows > 0) {
        snprintf(t.box, sizeof t.box, "%" PRIu32 " × %" PRIu32, c->rows, c->columns);
        snprintf(t.words, sizeof t.words, "%" PRIu32 " rows, %" PRIu32 " columns, %.1f %% of the "
                 "devices", c->rows, c->columns, 100 * core_utilization(p, core));
    }
    return t;
}

static void print_core(const struct grid *g, uint32_t core, FILE *out)
{
    const struct plan_core *c = &g->plan->core[core];
    struct held_text held = held_text(g->plan, core);
    struct spot at = spot_of(g, core);
    double load = load_of(g, core);
    enum { MOST_NAME = 40 };
    char room[4 * MOST_NAME];
    size_t most = min_u64((uint64_t)(g->box_x / letter), MOST_NAME);

    fprintf(out,
            "<g><title>%s: %s, fires in %.0f %% of the timesteps</title>\n"
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%" PRIu32 "\" height=\"%d\" rx=\"7\" fill=\"%s\" "
            "stroke=\"#555555\"/>\n"
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"14\" "
            "font-weight=\"bold\" fill=\"#222222\">%s</text>\n"
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"11\" "
            "fill=\"#555555\">%s</text>\n",
            c->name, held.words, 100 * load,
            at.x - g->box_x / 2.0, at.y - BOX_Y / 2.0, g->box_x, BOX_Y,
            fill_of(g, c->plan_layer), at.x, at.y - 5, text_shorten(room, c->name, most), at.x,
            at.y + 10, held.box);
    print_bar(at.x - g->box_x / 2.0 + 8, at.y + BOX_Y / 2.0 - 8, g->box_x - 16, load, out);
    fputs("</g>\n", out);
}

static void print_empty(const struct grid *g, uint32_t core, FILE *out)
{
    struct spot at = spot_of(g, core);

    fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%" PRIu32 "\" height=\"%d\" rx=\"7\" "
                 "fill=\"none\" stroke=\"#cccccc\" stroke-dasharray=\"4 4\"/>\n",
            at.x - g->box_x / 2.0, at.y - BOX_Y / 2.0, g->box_x, BOX_Y);
}

static void print_legend(const struct grid *g, FILE *out)
{
    double x = LEFT - LEAST_BOX / 2.0, y = TOP + n_row(g) * (double)PITCH_Y - 20;

    for (int k = 0; k < N_STREAM_KIND; k++) {
        if (!styles[k].meaning)
            continue;
        print_path((enum stream_kind)k, (struct spot){ x, y }, (struct spot){ x + 17, y },
                   (struct spot){ x + 34, y }, 0.35, out);
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"14\" fill=\"#222222\">%s</text>\n",
                x + 42, y + 5, styles[k].meaning);
        x += 178;
    }
    x = LEFT - LEAST_BOX / 2.0;
    y += 28;
    print_bar(x, y - 6, 34, 0.7, out);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"14\" fill=\"#222222\">share of the "
                 "timesteps in which the core fires (orange above 60 %%, red above 90 %%); an "
                 "arrow is as thick as its link is loaded</text>\n", x + 42, y);
    y += 22;
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"14\" fill=\"#222222\">in a box: core, "
                 "rows × columns in use (digital: none); fills tell map sizes apart; dashed: a "
                 "core of the chip that is free</text>\n", x, y);
}

static void print_streams(const struct grid *g, FILE *out)
{
    const struct plan *p = g->plan;

    fprintf(out, "<g stroke-opacity=\"%s\">\n", p->n_core > SMALL ? "0.5" : "1");
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (stream_is_of_image(p->stream[i].kind) || p->stream[i].kind == STREAM_RESULT)
            print_edge_of_chip(g, &p->stream[i], out);
        else
            print_stream(g, &p->stream[i], out);
    fputs("</g>\n", out);
}

/* The article's grid for a chip of its size and short names; else one that is a third wider than
 * high, with boxes as wide as the longest name, which loses its middle where no box is so wide. */
static struct grid grid_of(const struct plan *p)
{
    struct grid g = { p, COLUMNS, LEAST_BOX, LEAST_BOX + GAP };
    size_t longest = 0;

    for (uint32_t i = 0; i < p->n_core; i++)
        longest = max_u64(longest, strlen(p->core[i].name));
    if (letter * (double)longest > LEAST_BOX)
        g.box_x = min_u32((uint32_t)(letter * (double)longest) + 8, MOST_BOX);
    g.pitch_x = g.box_x + GAP;
    if (p->n_core > SMALL)
        g.columns = (uint32_t)ceil(sqrt(1.3 * p->n_core * PITCH_Y / g.pitch_x));
    return g;
}

enum err plan_grid_svg(const void *study, FILE *out, struct err_msg *m)
{
    const struct plan *p = &((const struct study *)study)->plan;
    const struct grid grid = grid_of(p), *g = &grid;
    uint32_t width = 2 * LEFT + g->box_x - LEAST_BOX + (g->columns - 1) * g->pitch_x;
    uint32_t height = TOP + n_row(g) * PITCH_Y - PITCH_Y + FOOT + BOX_Y + 90;

    (void)m;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %" PRIu32 " %" PRIu32 "\" "
            "width=\"%" PRIu32 "\" height=\"%" PRIu32 "\" "
            "font-family=\"Helvetica,Arial,sans-serif\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
            "<text x=\"%d\" y=\"28\" font-size=\"16\" fill=\"#222222\">%s on %s of %s cores, an "
            "image each %s timesteps</text>\n",
            width, height, width, height, LEFT - LEAST_BOX / 2, p->network->name,
            format_count(p->n_core).text, format_count(p->config->chip_cores).text,
            format_count(p->interval).text);
    print_markers(out);
    if (p->n_core > SMALL) // many streams cross: names stay readable above them
        print_streams(g, out);
    for (uint32_t i = p->n_core; i < min_u64(n_row(g) * g->columns, p->config->chip_cores); i++)
        print_empty(g, i, out);
    for (uint32_t i = 0; i < p->n_core; i++)
        print_core(g, i, out);
    if (p->n_core <= SMALL)
        print_streams(g, out);
    print_legend(g, out);
    fputs("</svg>\n", out);
    return ERR_NONE;
}

/* ---- CSV: a stream a line ---- */

enum err plan_grid_csv(const void *study, FILE *out, struct err_msg *m)
{
    static const struct table_column columns[] = {
        { "", "kind" },   { "", "from" },      { "", "from_row" }, { "", "from_column" },
        { "", "to" },     { "", "to_row" },    { "", "to_column" }, { "", "channels" },
        { "", "value_bits" }, { 0 },
    };
    const struct plan *p = &((const struct study *)study)->plan;
    const struct grid g = grid_of(p);
    struct table *t = table_new(columns);

    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *s = &p->stream[i];
        table_text(t, stream_kind_name(s->kind));
        table_text(t, stream_from(p, s));
        if (stream_is_of_image(s->kind)) {
            table_none(t);
            table_none(t);
        } else {
            table_count(t, row_of(&g, s->from));
            table_count(t, column_of(&g, s->from));
        }
        table_text(t, stream_to(p, s));
        if (s->kind == STREAM_RESULT) {
            table_none(t);
            table_none(t);
        } else {
            table_count(t, row_of(&g, s->to));
            table_count(t, column_of(&g, s->to));
        }
        table_count(t, s->n);
        table_count(t, s->value_bits);
    }
    enum err e = table_print(t, TABLE_CSV, out, m);
    table_free(t);
    return e;
}
