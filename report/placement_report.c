/* report/placement_report.c -- see placement_report.h. */
#include "report/placement_report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/util.h"
#include "core/wrap.h"
#include "report/json.h"
#include "report/plan_report.h"
#include "study/place.h"

static const struct plan_stream *stream_of(const struct placed *p, uint32_t flow)
{
    return &p->study->plan.stream[p->stream[flow]];
}

/* ---- tables ---- */

static struct table *places(const void *what)
{
    static const struct table_column columns[] = { { "core", "core" }, { "row", "row" },
                                                   { "column", "column" }, { NULL, NULL } };
    const struct placed *p = what;
    struct table *t = table_new(columns);

    table_title(t, "Places");
    for (uint32_t core = 0; core < p->task.n_core; core++) {
        table_text(t, p->name[core]);
        table_count(t, p->placement.node[core] / p->graph.columns);
        table_count(t, p->placement.node[core] % p->graph.columns);
    }
    return t;
}

static void put_flow(struct table *t, const struct placed *p, uint32_t flow)
{
    const struct plan_stream *s = stream_of(p, flow);

    table_named(t, stream_kind_name(s->kind), stream_title(s->kind));
    table_text(t, stream_from(&p->study->plan, s));
    table_text(t, stream_to(&p->study->plan, s));
    table_count(t, p->flow[flow].bits);
}

static struct table *streams(const void *what)
{
    static const struct table_column columns[] = {
        { "stream", "kind" }, { "from", "from" }, { "to", "to" },
        { "bits an image", "bits" }, { "hops", "hops" }, { NULL, NULL },
    };
    const struct placed *p = what;
    struct table *t = table_new(columns);

    table_title(t, "Streams");
    for (uint32_t i = 0; i < p->task.n_flow; i++) {
        put_flow(t, p, i);
        if (p->placement.hops[i] == PLACEMENT_NOBODY)
            table_none(t);
        else
            table_count(t, p->placement.hops[i]);
    }
    return t;
}

/* Streams between cores whose places are not joined, on a fabric that passes nothing on. */
static struct table *apart(const void *what)
{
    static const struct table_column columns[] = {
        { "stream", "kind" }, { "from", "from" }, { "to", "to" }, { "bits an image", "bits" },
        { NULL, NULL },
    };
    const struct placed *p = what;
    struct table *t = table_new(columns);

    table_title(t, "Streams without a link");
    for (uint32_t i = 0; i < p->task.n_flow; i++)
        if (p->placement.hops[i] == PLACEMENT_NOBODY)
            put_flow(t, p, i);
    return t;
}

static void put_place(struct table *t, const struct graph *g, uint32_t router)
{
    if (g->spot) {
        table_none(t);
        table_none(t);
        return;
    }
    table_count(t, router / g->columns);
    table_count(t, router % g->columns);
}

/* Of every channel between two routers that carries anything. */
static struct table *channels(const void *what)
{
    static const struct table_column columns[] = {
        { "from row", "from_row" }, { "column", "from_column" }, { "to row", "to_row" },
        { "column", "to_column" }, { "bits an image", "bits" }, { "from", "from_router" },
        { "to", "to_router" }, { NULL, NULL },
    };
    const struct placed *p = what;
    const struct graph *g = &p->graph;
    struct table *t = table_new(columns);

    table_title(t, "Channels that carry anything; rows and columns of routers that are at places");
    for (uint32_t port = 0; port < g->n_router * g->n_port; port++) {
        uint32_t from = port / g->n_port, to = g->peer[port] / g->n_port;
        if (!graph_is_router(g->peer[port]) || p->placement.load[port] == 0)
            continue;
        put_place(t, g, from);
        put_place(t, g, to);
        table_count(t, p->placement.load[port]);
        table_count(t, from);
        table_count(t, to);
    }
    return t;
}

/* ---- text ---- */

struct hops {
    uint64_t sum;
    uint32_t least, most, n; // n: streams that have a way
};

static struct hops hops_of(const struct placed *p)
{
    struct hops h = { .least = UINT32_MAX };

    for (uint32_t i = 0; i < p->task.n_flow; i++) {
        uint32_t hops = p->placement.hops[i];
        if (hops == PLACEMENT_NOBODY)
            continue;
        h.sum += hops;
        h.least = hops < h.least ? hops : h.least;
        h.most = hops > h.most ? hops : h.most;
        h.n++;
    }
    h.least = h.n ? h.least : 0;
    return h;
}

static uint32_t core_at(const struct placed *p, uint32_t node)
{
    uint32_t core = 0;

    while (core < p->task.n_core && p->placement.node[core] != node)
        core++;
    return core;
}

/* Names of cores as they lie, eight columns beside one another. */
static void grid(const struct placed *p, FILE *out)
{
    enum { WIDTH = 11, ABREAST = 8 };
    const struct graph *g = &p->graph;
    char room[64];

    for (uint32_t first = 0; first < g->columns; first += ABREAST) {
        uint32_t end = min_u32(first + ABREAST, g->columns);
        if (g->columns > ABREAST)
            fprintf(out, "%scolumns %" PRIu32 " to %" PRIu32 "\n", first ? "\n" : "", first,
                    end - 1);
        for (uint32_t node = 0; node < g->n_node; node++) {
            uint32_t column = node % g->columns, core = core_at(p, node);
            const char *name = core < p->task.n_core ? p->name[core] : ".";
            if (column >= first && column < end)
                fprintf(out, "%s%-*s%s", column > first ? " " : "  ", WIDTH,
                        text_shorten(room, name, WIDTH),
                        column + 1 < end ? "" : "\n");
        }
    }
}

static void head(const void *what, FILE *out)
{
    const struct placed *p = what;
    const struct hops h = hops_of(p);

    fprintf(out, "Fabric    %s, %" PRIu32 " rows of %" PRIu32 "; %" PRIu32 " cores, placed by %s\n",
            p->task.fabric, p->graph.rows, p->graph.columns, p->task.n_core, p->policy->name);
    fprintf(out, "Hops      %s of %" PRIu32 " streams, none above %" PRIu32 "\n",
            format_count(p->placement.channels).text, h.n, h.most);
    fprintf(out, "Bit-hops  %s an image; the busiest channel carries %s bits\n",
            format_count(p->placement.bit_hops).text, format_count(p->placement.busiest).text);
    if (p->placement.n_apart > 0)
        fprintf(out, "Apart     %" PRIu32 " streams have no link; placement.kind=search looks for "
                "places where all have\n", p->placement.n_apart);
    uint32_t n_copied = 0;
    for (uint32_t i = 0; p->task.with && i < p->task.n_flow; i++)
        n_copied += p->task.with[i] != i;
    if (n_copied > 0)
        fprintf(out, "Copies    %" PRIu32 " streams are copies of other packets, from where their "
                "ways part\n", n_copied);
    fputc('\n', out);
    grid(p, out);
}

/* ---- JSON ---- */

static json_t *places_json(const struct placed *p)
{
    json_t *list = json_array();

    for (uint32_t core = 0; core < p->task.n_core; core++) {
        json_t *place = json_array();
        json_add(&place, json_text(p->name[core]));
        json_add(&place, json_integer(p->placement.node[core] / p->graph.columns));
        json_add(&place, json_integer(p->placement.node[core] % p->graph.columns));
        json_add(&list, place);
    }
    return list;
}

static json_t *hops_json(const struct placed *p)
{
    const struct hops h = hops_of(p);
    json_t *o = json_object(), *histogram = json_array();

    json_put_count(&o, "min", h.least);
    json_put_real(&o, "mean", h.n ? (double)h.sum / h.n : 0);
    json_put_count(&o, "max", h.most);
    json_put_count(&o, "sum", p->placement.channels);
    for (uint32_t hops = 0; hops <= h.most; hops++) {
        json_int_t n = 0;
        for (uint32_t i = 0; i < p->task.n_flow; i++)
            n += p->placement.hops[i] == hops;
        json_add(&histogram, json_integer(n));
    }
    json_put(&o, "histogram", histogram);
    return o;
}

static json_t *streams_json(const struct placed *p)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < p->task.n_flow; i++) {
        const struct plan_stream *s = stream_of(p, i);
        json_t *o = json_object();
        json_put_text(&o, "kind", stream_kind_name(s->kind));
        json_put_text(&o, "from", stream_from(&p->study->plan, s));
        json_put_text(&o, "to", stream_to(&p->study->plan, s));
        json_put_count(&o, "bits", p->flow[i].bits);
        if (p->placement.hops[i] != PLACEMENT_NOBODY)
            json_put_count(&o, "hops", p->placement.hops[i]);
        json_add(&list, o);
    }
    return list;
}

static enum err print_json(const void *what, FILE *out, struct err_msg *m)
{
    const struct placed *p = what;
    json_t *o = json_begin("imcsim-placement/1", p->study), *fabric = json_object();

    json_put_text(&fabric, "kind", p->task.fabric);
    json_put_text(&fabric, "placed_by", p->policy->name);
    json_put(&fabric, "placement", places_json(p));
    json_put(&fabric, "hops", hops_json(p));
    json_put_count(&fabric, "bit_hops", p->placement.bit_hops);
    json_put_count(&fabric, "busiest_channel_bits", p->placement.busiest);
    json_put_count(&fabric, "streams_without_link", p->placement.n_apart);
    json_put(&fabric, "streams", streams_json(p));
    json_put(&o, "fabric", fabric);
    return json_print(o, out, m);
}

static const struct sheet sheets[] = {
    { "placement", true, places }, { "streams", true, streams }, { "channels", true, channels },
    { "apart", false, apart },     { 0 },
};

const struct form placement_form = { sheets, head, NULL, print_json };

/* ---- a picture: the wider and redder a channel, the more it carries ---- */

enum { PITCH_X = 128, PITCH_Y = 84, BOX_X = 84, BOX_Y = 34, MARGIN = 70, TOP = 90, NARROW = 1,
       WIDE = 9, SHIFT = 6 };

struct spot {
    double x, y;
};

static struct spot spot_of(const struct graph *g, uint32_t peer)
{
    const struct graph_spot at = graph_spot(g, peer);

    return (struct spot){ MARGIN + at.x / 2.0 * PITCH_X, TOP + at.y / 2.0 * PITCH_Y };
}

struct end_name {
    char text[64];
};

static struct end_name end_name(const struct graph *g, uint32_t router)
{
    struct end_name e;

    if (g->spot)
        snprintf(e.text, sizeof e.text, "router %" PRIu32, router);
    else
        snprintf(e.text, sizeof e.text, "row %" PRIu32 ", column %" PRIu32, router / g->columns,
                 router % g->columns);
    return e;
}

static const char *colour_of(const struct placed *p, uint64_t bits)
{
    double load = p->placement.busiest ? (double)bits / (double)p->placement.busiest : 0;

    return bits == 0 ? "#cccccc" : load > 0.75 ? "#d62728" : load > 0.4 ? "#f28c12" : "#2e9e3f";
}

/* Both directions of a pair run side by side. */
static void draw_channel(const struct placed *p, uint32_t port, FILE *out)
{
    const struct graph *g = &p->graph;
    uint32_t from = port / g->n_port, to = g->peer[port] / g->n_port;
    uint64_t bits = p->placement.load[port];

    if (!graph_is_router(g->peer[port]) || (bits == 0 && from > to))
        return;
    struct spot a = spot_of(g, port), b = spot_of(g, g->peer[port]);
    double length = hypot(b.x - a.x, b.y - a.y);
    if (length == 0) // of a block that its parent's is no larger than
        return;
    double dx = SHIFT * (b.y - a.y) / length, dy = -SHIFT * (b.x - a.x) / length;
    double load = p->placement.busiest ? (double)bits / (double)p->placement.busiest : 0;
    fprintf(out, "<path d=\"M%.1f %.1f L%.1f %.1f\" stroke=\"%s\" stroke-width=\"%.1f\" "
            "stroke-opacity=\"%s\"><title>%s to %s: %s bits an image</title></path>\n",
            a.x + dx, a.y + dy, b.x + dx, b.y + dy, colour_of(p, bits),
            NARROW + (WIDE - NARROW) * load, bits == 0 ? "1" : "0.8", end_name(g, from).text,
            end_name(g, to).text, format_count(bits).text);
}

static void draw_node(const struct placed *p, uint32_t node, FILE *out)
{
    uint32_t core = core_at(p, node);
    struct spot at = spot_of(&p->graph, GRAPH_NODE + node);
    bool is_free = core == p->task.n_core;

    fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" rx=\"6\" fill=\"%s\" "
            "stroke=\"%s\"/>\n", at.x - BOX_X / 2.0, at.y - BOX_Y / 2.0, BOX_X, BOX_Y,
            is_free ? "#ffffff" : "#dfeaf9", is_free ? "#bbbbbb" : "#555555");
    if (!is_free)
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"13\" "
                "fill=\"#222222\"%s>%s</text>\n", at.x, at.y + 4.5,
                strlen(p->name[core]) > 10 ? " textLength=\"76\" "
                                             "lengthAdjust=\"spacingAndGlyphs\"" : "",
                p->name[core]);
}

enum err placement_svg(const void *placed, FILE *out, struct err_msg *m)
{
    const struct placed *p = placed;
    const struct graph *g = &p->graph;
    uint32_t width = 2 * MARGIN + (g->columns - 1) * PITCH_X;
    uint32_t height = TOP + (g->rows - 1) * PITCH_Y + 60;

    (void)m;
    width = width > 520 ? width : 520;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %" PRIu32 " %" PRIu32 "\" "
            "width=\"%" PRIu32 "\" height=\"%" PRIu32 "\" "
            "font-family=\"Helvetica,Arial,sans-serif\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
            "<text x=\"%d\" y=\"28\" font-size=\"16\" fill=\"#222222\">%" PRIu32 " cores on %s, "
            "%" PRIu32 " x %" PRIu32 ", placed by %s</text>\n"
            "<text x=\"%d\" y=\"50\" font-size=\"12\" fill=\"#555555\">%s bit-hops an image; the "
            "busiest channel carries %s bits</text>\n",
            width, height, width, height, MARGIN - BOX_X / 2, p->task.n_core, p->task.fabric,
            g->rows, g->columns, p->policy->name, MARGIN - BOX_X / 2,
            format_count(p->placement.bit_hops).text, format_count(p->placement.busiest).text);
    for (uint32_t port = 0; port < g->n_router * g->n_port; port++)
        draw_channel(p, port, out);
    for (uint32_t node = 0; node < g->n_node; node++)
        draw_node(p, node, out);
    fputs("</svg>\n", out);
    return ERR_NONE;
}

/* ---- Graphviz: places where they lie, channels that carry anything with what they carry ---- */

static void dot_pos(const struct graph *g, uint32_t peer, FILE *out)
{
    const struct graph_spot at = graph_spot(g, peer);

    fprintf(out, "pos=\"%.2f,%.2f!\"", at.x * 0.9, at.y * -0.6); // inches
}

/* A router's node: that of its place where it has one, else of its own. */
static void dot_router(const struct graph *g, uint32_t router, FILE *out)
{
    fprintf(out, "%s%" PRIu32, g->spot ? "router" : "place", router);
}

static void dot_places(const struct placed *p, FILE *out)
{
    const struct graph *g = &p->graph;

    for (uint32_t node = 0; node < g->n_node; node++) {
        uint32_t core = core_at(p, node);
        bool is_free = core == p->task.n_core;
        fprintf(out, "  place%" PRIu32 " [label=\"%s\", ", node, is_free ? "" : p->name[core]);
        dot_pos(g, GRAPH_NODE + node, out);
        fprintf(out, "%s];\n", is_free ? ", style=dotted" : "");
    }
    for (uint32_t router = 0; g->spot && router < g->n_router; router++) {
        fprintf(out, "  router%" PRIu32 " [shape=point, ", router);
        dot_pos(g, router * g->n_port, out);
        fputs("];\n", out);
    }
    for (uint32_t node = 0; g->spot && node < g->n_node; node++)
        fprintf(out, "  place%" PRIu32 " -> router%" PRIu32 " [dir=none, color=\"#cccccc\"];\n",
                node, g->at[node] / g->n_port);
}

enum err placement_dot(const void *placed, FILE *out, struct err_msg *m)
{
    const struct placed *p = placed;
    const struct graph *g = &p->graph;

    (void)m;
    fputs("digraph imcsim {\n"
          "  layout=neato; splines=true; outputorder=edgesfirst; fontname=\"sans-serif\";\n"
          "  node [shape=box, style=\"rounded,filled\", fillcolor=white, "
          "fontname=\"sans-serif\"];\n"
          "  edge [fontname=\"sans-serif\", fontsize=9];\n", out);
    fprintf(out, "  labelloc=t; label=\"%" PRIu32 " cores on %s, %" PRIu32 " x %" PRIu32 ", placed "
            "by %s: bits an image\";\n", p->task.n_core, p->task.fabric, g->rows, g->columns,
            p->policy->name);
    dot_places(p, out);
    for (uint32_t port = 0; port < g->n_router * g->n_port; port++) {
        uint64_t bits = p->placement.load[port];
        if (!graph_is_router(g->peer[port]) || bits == 0)
            continue;
        fputs("  ", out);
        dot_router(g, port / g->n_port, out);
        fputs(" -> ", out);
        dot_router(g, g->peer[port] / g->n_port, out);
        fprintf(out, " [label=\"%s\", color=\"%s\"];\n", format_count(bits).text,
                colour_of(p, bits));
    }
    fputs("}\n", out);
    return ERR_NONE;
}
