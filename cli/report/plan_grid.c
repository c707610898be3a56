/* cli/report/plan_grid.c -- the plan on a grid of cores, as SVG and CSV: Dazzi et al. 2021, Fig. 9.
 *
 * Cores lie in the order of the plan along a path that goes right in even rows and left in odd
 * ones, so that neighbours in the pipeline are neighbours on the grid. A feed-forward stream to a
 * neighbour is straight, others of the same two cores run beside it; along a row a longer one bows
 * around what lies between. Names need no escapes: network_check() allows letters, digits, _ and -
 * in them. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "cli/report/plan_report.h"
#include "core/util.h"

enum { COLUMNS = 8, LEAST_ROWS = 6 }; // article 3.1.1
enum { PITCH_X = 146, PITCH_Y = 118, BOX_X = 94, BOX_Y = 46, LEFT = 124, TOP = 76, FOOT = 62 };

static const struct style {
    const char *colour, *meaning;
    double      bow; // of a stream between neighbours: side and distance
} styles[N_STREAM_KIND] = {
    [STREAM_IMAGE] = { "#777777", "image, result", 0 },
    [STREAM_FORWARD] = { "#2e9e3f", "feed-forward", 0 },
    [STREAM_VALID] = { "#bbbbbb", NULL, 0 },
    [STREAM_PARTIAL_SUM] = { "#8a3ab9", "partial sums", 26 },
    [STREAM_RESIDUAL] = { "#2166d1", "residual", -26 },
    [STREAM_TO_RESAMPLING] = { "#d62728", "to resampling", 26 },
    [STREAM_FROM_RESAMPLING] = { "#f28c12", "from resampling", -26 },
    [STREAM_RESULT] = { "#777777", NULL, 0 },
};

static const char *const fills[] = { "#fde3dc", "#dfeaf9", "#e0f2e0", "#f3e6f7", "#fdf3d7" };

struct spot {
    double x, y;
};

/* ---- places ---- */

static uint32_t row_of(uint32_t core)
{
    return core / COLUMNS;
}

static uint32_t column_of(uint32_t core)
{
    uint32_t along = core % COLUMNS;

    return row_of(core) % 2 == 0 ? along : COLUMNS - 1 - along;
}

static uint32_t n_row(const struct plan *p)
{
    return max_u32(row_of(p->n_core - 1) + 1, LEAST_ROWS);
}

static struct spot spot_of(uint32_t core)
{
    return (struct spot){ LEFT + column_of(core) * (double)PITCH_X,
                          TOP + row_of(core) * (double)PITCH_Y };
}

/* Where the ray from a box's middle towards `to` leaves the box. */
static struct spot border(struct spot from, struct spot to, double gap)
{
    double dx = to.x - from.x, dy = to.y - from.y;
    double scale = fmin(dx == 0 ? INFINITY : (BOX_X / 2.0 + gap) / fabs(dx),
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
                       FILE *out)
{
    fprintf(out,
            "<path class=\"%s\" d=\"M%.1f,%.1f Q%.1f,%.1f %.1f,%.1f\" fill=\"none\" stroke=\"%s\" "
            "stroke-width=\"1.7\" marker-end=\"url(#arrow%d)\"/>\n",
            stream_kind_name(k), from.x, from.y, bend.x, bend.y, to.x, to.y, styles[k].colour,
            (int)k);
}

/* How far the bend of a stream lies beside the straight line. */
static double bow_of(const struct plan_stream *s)
{
    uint32_t apart = s->to > s->from ? s->to - s->from : s->from - s->to;
    double bow = styles[s->kind].bow;

    if (apart == 1 || row_of(s->from) != row_of(s->to))
        return bow;
    double around = 34 + 22 * (double)apart; // clear of the boxes between
    return bow < 0 ? -around : around;
}

static void print_stream(const struct plan_stream *s, FILE *out)
{
    struct spot a = spot_of(s->from), b = spot_of(s->to);
    double dx = b.x - a.x, dy = b.y - a.y, length = sqrt(dx * dx + dy * dy);
    double bow = bow_of(s);

    if (row_of(s->from) % 2 == 1) // the path goes left: keep a kind on one side of the boxes
        bow = -bow;
    struct spot bend = { (a.x + b.x) / 2 - dy / length * bow, (a.y + b.y) / 2 + dx / length * bow };
    print_path(s->kind, border(a, bend, 0), bend, border(b, bend, 1), out);
}

static void print_edge_of_chip(const struct plan_stream *s, FILE *out)
{
    struct spot core = spot_of(s->kind == STREAM_IMAGE ? s->to : s->from), away = core;
    bool right = s->kind == STREAM_RESULT && row_of(s->from) % 2 == 0;

    away.x += right ? PITCH_X / 2.0 + 24 : -PITCH_X / 2.0 - 24;
    struct spot end = border(core, away, 0), middle = { (away.x + end.x) / 2, away.y };
    if (s->kind == STREAM_IMAGE)
        print_path(s->kind, away, middle, end, out);
    else
        print_path(s->kind, end, middle, away, out);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"12\" "
                 "fill=\"#555555\">%s</text>\n",
            middle.x, middle.y - 7, s->kind == STREAM_IMAGE ? "image" : "result");
}

/* Layers of one map size are a group. */
static const char *fill_of(const struct plan *p, uint32_t layer)
{
    size_t group = 0;

    for (uint32_t i = 1; i <= layer; i++)
        group += plan_network_layer(p, i)->out.height != plan_network_layer(p, i - 1)->out.height;
    return fills[group % (sizeof fills / sizeof *fills)];
}

static void print_core(const struct plan *p, uint32_t core, FILE *out)
{
    const struct plan_core *c = &p->core[core];
    struct spot at = spot_of(core);

    fprintf(out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" rx=\"7\" fill=\"%s\" "
            "stroke=\"#555555\"/>\n"
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"14\" "
            "font-weight=\"bold\" fill=\"#222222\">%s</text>\n"
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"11\" "
            "fill=\"#555555\">%" PRIu32 " × %" PRIu32 "</text>\n",
            at.x - BOX_X / 2.0, at.y - BOX_Y / 2.0, BOX_X, BOX_Y, fill_of(p, c->plan_layer), at.x,
            at.y - 3, c->name, at.x, at.y + 14, c->rows, c->columns);
}

static void print_empty(uint32_t core, FILE *out)
{
    struct spot at = spot_of(core);

    fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" rx=\"7\" fill=\"none\" "
                 "stroke=\"#cccccc\" stroke-dasharray=\"4 4\"/>\n",
            at.x - BOX_X / 2.0, at.y - BOX_Y / 2.0, BOX_X, BOX_Y);
}

static void print_legend(const struct plan *p, FILE *out)
{
    double x = LEFT - BOX_X / 2.0, y = TOP + n_row(p) * (double)PITCH_Y - 20;

    for (int k = 0; k < N_STREAM_KIND; k++) {
        if (!styles[k].meaning)
            continue;
        print_path((enum stream_kind)k, (struct spot){ x, y }, (struct spot){ x + 17, y },
                   (struct spot){ x + 34, y }, out);
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"14\" fill=\"#222222\">%s</text>\n",
                x + 42, y + 5, styles[k].meaning);
        x += 178;
    }
}

enum err plan_grid_svg(const void *study, FILE *out, struct err_msg *m)
{
    const struct plan *p = &((const struct study *)study)->plan;
    uint32_t width = 2 * LEFT + (COLUMNS - 1) * PITCH_X;
    uint32_t height = TOP + n_row(p) * PITCH_Y - PITCH_Y + FOOT + BOX_Y + 40;

    (void)m;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %" PRIu32 " %" PRIu32 "\" "
            "width=\"%" PRIu32 "\" height=\"%" PRIu32 "\" "
            "font-family=\"Helvetica,Arial,sans-serif\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            width, height, width, height);
    print_markers(out);
    for (uint32_t i = p->n_core; i < n_row(p) * COLUMNS; i++)
        print_empty(i, out);
    for (uint32_t i = 0; i < p->n_core; i++)
        print_core(p, i, out);
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (p->stream[i].kind == STREAM_IMAGE || p->stream[i].kind == STREAM_RESULT)
            print_edge_of_chip(&p->stream[i], out);
        else
            print_stream(&p->stream[i], out);
    print_legend(p, out);
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
    struct table *t = table_new(columns);

    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *s = &p->stream[i];
        table_text(t, stream_kind_name(s->kind));
        table_text(t, stream_from(p, s));
        if (s->kind == STREAM_IMAGE) {
            table_none(t);
            table_none(t);
        } else {
            table_count(t, row_of(s->from));
            table_count(t, column_of(s->from));
        }
        table_text(t, stream_to(p, s));
        if (s->kind == STREAM_RESULT) {
            table_none(t);
            table_none(t);
        } else {
            table_count(t, row_of(s->to));
            table_count(t, column_of(s->to));
        }
        table_count(t, s->n);
        table_count(t, s->value_bits);
    }
    enum err e = table_print(t, TABLE_CSV, out, m);
    table_free(t);
    return e;
}
