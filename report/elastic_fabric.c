/* report/elastic_fabric.c -- what routers did in a run under elastic clocking. */
#include <inttypes.h>
#include <stdlib.h>

#include "report/elastic_report.h"
#include "report/fabric_report.h"
#include "report/json.h"

static double mean(uint64_t sum, uint64_t n)
{
    return n > 0 ? (double)sum / (double)n : 0;
}

static uint32_t place_of(const struct elastic_report *r, uint32_t core)
{
    return r->places->node[core];
}

/* Of a stream between cores. */
static uint32_t hops_of(const struct elastic_report *r, const struct plan_stream *st)
{
    return graph_routers(r->places->graph, place_of(r, st->from), place_of(r, st->to)) - 1;
}

static bool is_carried(const struct plan_stream *st)
{
    return st->kind != STREAM_IMAGE && st->kind != STREAM_RESULT;
}

struct hops {
    uint32_t n, min, max, *of; // of: owned, streams by hops
    uint64_t sum;
};

static struct hops find_hops(const struct elastic_report *r)
{
    const struct plan *p = &r->study->plan;
    struct hops h = { .min = UINT32_MAX,
                      .of = calloc(r->places->graph->n_router + (size_t)1, sizeof *h.of) };

    for (uint32_t i = 0; h.of && i < p->n_stream; i++) {
        if (!is_carried(&p->stream[i]))
            continue;
        uint32_t hops = hops_of(r, &p->stream[i]);
        h.of[hops]++;
        h.sum += hops;
        h.min = hops < h.min ? hops : h.min;
        h.max = hops > h.max ? hops : h.max;
        h.n++;
    }
    return h;
}

struct end_text {
    char text[48];
};

/* A router by its row and column, where the fabric has such, or a node by its core. */
static struct end_text end_text(const struct elastic_report *r, uint32_t peer)
{
    const struct graph *g = r->places->graph;
    struct end_text e;

    if (graph_is_router(peer)) {
        uint32_t router = peer / g->n_port;
        if (!g->spot)
            snprintf(e.text, sizeof e.text, "router %" PRIu32 ",%" PRIu32, router / g->columns,
                     router % g->columns);
        else
            snprintf(e.text, sizeof e.text, "router %" PRIu32, router);
        return e;
    }
    snprintf(e.text, sizeof e.text, "node %" PRIu32, peer - GRAPH_NODE);
    for (uint32_t i = 0; i < r->study->plan.n_core; i++)
        if (place_of(r, i) == peer - GRAPH_NODE)
            snprintf(e.text, sizeof e.text, "%.40s", r->study->plan.core[i].name);
    return e;
}

static double mm(const struct elastic_report *r, uint64_t halves)
{
    return (double)halves * r->study->config.fabric.pitch_um / 2000;
}

static bool is_direct(const struct elastic_report *r)
{
    return r->study->plan.fabric->direct;
}

/* ---- links that streams share ---- */

struct shared { // a link from a core to another
    uint32_t from, to, streams, halves;
    uint64_t tokens, bits, busy_clk;
};

/* The link of a stream; false where another stream before it has the same. */
static bool shared_by(const struct elastic_report *r, uint32_t stream, struct shared *s)
{
    const struct plan *p = &r->study->plan;
    const struct graph *g = r->places->graph;
    const struct plan_stream *st = &p->stream[stream];

    *s = (struct shared){ .from = st->from, .to = st->to };
    if (!is_carried(st))
        return false;
    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct elastic_stream *e = &r->result->stream[i];
        if (!is_carried(&p->stream[i]) || p->stream[i].from != s->from || p->stream[i].to != s->to)
            continue;
        if (i < stream)
            return false;
        s->streams++;
        s->tokens += e->tokens;
        s->bits += e->bits;
        s->busy_clk += e->busy_clk;
    }
    uint32_t from = place_of(r, s->from);
    s->halves = graph_length(g, from * g->n_port + g->exit(g, from, place_of(r, s->to)));
    return true;
}

static struct table *shared_links(const struct elastic_report *r)
{
    static const struct table_column columns[] = {
        { "from", "from" },     { "to", "to" },     { "streams", "streams" },
        { "tokens", "tokens" }, { "bits", "bits" }, { "busy", "share" }, { 0 },
    };
    struct table *t = table_new(columns);
    struct shared s;

    table_title(t, "Links: tokens of the streams that share one");
    for (uint32_t i = 0; i < r->study->plan.n_stream; i++) {
        if (!shared_by(r, i, &s))
            continue;
        table_text(t, r->study->plan.core[s.from].name);
        table_text(t, r->study->plan.core[s.to].name);
        table_count(t, s.streams);
        table_count(t, s.tokens);
        table_count(t, s.bits);
        table_share(t, (double)s.busy_clk / (double)r->result->elapsed, 1);
    }
    return t;
}

static struct elastic_channel busiest_link(const struct elastic_report *r)
{
    struct elastic_channel most = { .busy_clk = 0 };
    struct shared s;

    for (uint32_t i = 0; i < r->study->plan.n_stream; i++)
        if (shared_by(r, i, &s) && s.busy_clk > most.busy_clk) {
            most.busy_clk = s.busy_clk;
            snprintf(most.name, sizeof most.name, "%.40s -> %.40s",
                     r->study->plan.core[s.from].name, r->study->plan.core[s.to].name);
        }
    return most;
}

static json_t *shared_json(const struct elastic_report *r)
{
    json_t *a = json_array();
    struct shared s;

    for (uint32_t i = 0; i < r->study->plan.n_stream; i++) {
        if (!shared_by(r, i, &s))
            continue;
        json_t *o = json_object();
        json_put_text(&o, "from", r->study->plan.core[s.from].name);
        json_put_text(&o, "to", r->study->plan.core[s.to].name);
        json_put_count(&o, "streams", s.streams);
        json_put_count(&o, "tokens", s.tokens);
        json_put_count(&o, "bits", s.bits);
        json_put_count(&o, "busy_clocks", s.busy_clk);
        json_put_real(&o, "share", (double)s.busy_clk / (double)r->result->elapsed);
        json_put_real(&o, "length_mm", mm(r, s.halves));
        json_add(&a, o);
    }
    return a;
}

/* ---- channels of routers ---- */

struct table *elastic_channels(const void *what)
{
    static const struct table_column columns[] = {
        { "from", "from" },   { "to", "to" },           { "flits", "flits" },
        { "busy", "share" },  { "blocked", "blocked_clocks" }, { 0 },
    };
    const struct elastic_report *r = what;
    if (r->places && is_direct(r))
        return shared_links(r);
    struct table *t = table_new(columns);

    table_title(t, "Channels: flits, and clocks in which one had no place to go to");
    for (uint32_t port = 0; r->places && port < r->places->graph->n_router *
                                                    r->places->graph->n_port; port++) {
        const struct router_channel *c = &r->result->packets.channel[port];
        if (r->places->graph->peer[port] == GRAPH_NONE || c->flits == 0)
            continue;
        table_text(t, end_text(r, port).text);
        table_text(t, end_text(r, r->places->graph->peer[port]).text);
        table_count(t, c->flits);
        table_share(t, (double)c->flits / (double)r->result->elapsed, 1);
        table_count(t, c->blocked_clk);
    }
    return t;
}

/* What energy is made of. */
struct table *elastic_counters(const void *what)
{
    static const struct table_column columns[] = { { "counter", "counter" }, { "value", "value" },
                                                   { 0 } };
    const struct elastic_report *r = what;
    const struct router_counts *c = &r->result->packets.counts;
    const struct {
        const char *key, *title;
        uint64_t    n;
    } row[] = {
        { "injected_flits", "flits sent", c->flits_sent },
        { "copied_flits", "copied", c->flits_copied },
        { "delivered_flits", "taken", c->flits_taken },
        { "flit_hops", "flit hops", c->flit_hops },
        { "buffer_writes", "buffer writes", c->buffer_writes },
        { "buffer_reads", "buffer reads", c->buffer_reads },
        { "switch_traversals", "switch traversals", c->switch_traversals },
        { "allocations", "allocations", c->allocations },
    };
    struct table *t = table_new(columns);

    table_title(t, "What the fabric did in the whole run; bits times mm are those of whole flits");
    for (size_t i = 0; r->places && !is_direct(r) && i < sizeof row / sizeof *row; i++) {
        table_named(t, row[i].key, row[i].title);
        table_count(t, row[i].n);
    }
    if (r->places) {
        table_named(t, "bit_mm", "bit mm");
        table_real(t, mm(r, r->result->packets.wires.bit_halves), 1);
    }
    return t;
}

struct elastic_channel elastic_busiest_channel(const struct elastic_report *r)
{
    const struct elastic_packets *p = &r->result->packets;
    const struct graph *g = r->places->graph;
    struct elastic_channel most = { .is_bus = g->serial };
    uint32_t at = GRAPH_NONE;

    if (is_direct(r))
        return busiest_link(r);
    if (g->serial) { // all of its ports share it
        most.busy_clk = p->flits + p->n * r->study->config.fabric.vc_clk;
        snprintf(most.name, sizeof most.name, "bus");
        return most;
    }
    for (uint32_t port = 0; port < g->n_router * g->n_port; port++)
        if (g->peer[port] != GRAPH_NONE && p->channel[port].flits > most.busy_clk) {
            most.busy_clk = p->channel[port].flits;
            at = port;
        }
    if (at != GRAPH_NONE)
        snprintf(most.name, sizeof most.name, "%s -> %s", end_text(r, at).text,
                 end_text(r, g->peer[at]).text);
    return most;
}

void elastic_fabric_head(const struct elastic_report *r, FILE *out)
{
    const struct elastic_packets *p = &r->result->packets;

    if (!r->places)
        return;
    struct hops h = find_hops(r);
    const struct elastic_channel busiest = elastic_busiest_channel(r);
    if (is_direct(r))
        fprintf(out, "Fabric       %s; busiest link %.1f %% of clocks\n",
                r->study->config.fabric.kind,
                100.0 * (double)busiest.busy_clk / (double)r->result->elapsed);
    else
        fprintf(out, "Fabric       %s, %" PRIu64 " hops of all streams; packets take %.2f "
                "clocks, %.2f without others; %s %.1f %% of clocks\n",
                r->study->config.fabric.kind, h.sum,
                mean(p->latency_sum, p->n), mean(p->zero_load_sum, p->n),
                busiest.is_bus ? "the bus works in" : "busiest channel",
                100.0 * (double)busiest.busy_clk / (double)r->result->elapsed);
    free(h.of);
}

static json_t *placement_json(const struct elastic_report *r)
{
    const struct plan *p = &r->study->plan;
    const struct graph *g = r->places->graph;
    json_t *a = json_array();

    for (uint32_t i = 0; i < p->n_core; i++) {
        json_t *o = json_object();
        json_put_text(&o, "core", p->core[i].name);
        json_put_count(&o, "row", place_of(r, i) / g->columns);
        json_put_count(&o, "column", place_of(r, i) % g->columns);
        json_add(&a, o);
    }
    return a;
}

static json_t *hops_json(const struct elastic_report *r)
{
    struct hops h = find_hops(r);
    json_t *o = json_object(), *a = json_array();

    json_put_count(&o, "sum", h.sum);
    json_put_count(&o, "min", h.n ? h.min : 0);
    json_put_real(&o, "mean", mean(h.sum, h.n));
    json_put_count(&o, "max", h.max);
    for (uint32_t i = 0; h.of && i <= h.max; i++)
        json_add(&a, json_integer(h.of[i]));
    json_put(&o, "histogram", a);
    free(h.of);
    return o;
}

static json_t *channels_json(const struct elastic_report *r)
{
    const struct graph *g = r->places->graph;
    json_t *a = json_array();

    for (uint32_t port = 0; port < g->n_router * g->n_port; port++) {
        const struct router_channel *c = &r->result->packets.channel[port];
        if (g->peer[port] == GRAPH_NONE)
            continue;
        json_t *o = json_object();
        json_put_text(&o, "from", end_text(r, port).text);
        json_put_text(&o, "to", end_text(r, g->peer[port]).text);
        json_put_count(&o, "flits", c->flits);
        json_put_count(&o, "busy_clocks", c->flits);
        json_put_real(&o, "share", (double)c->flits / (double)r->result->elapsed);
        json_put_count(&o, "blocked_clocks", c->blocked_clk);
        json_put_real(&o, "length_mm", mm(r, graph_length(g, port)));
        json_add(&a, o);
    }
    return a;
}

json_t *elastic_fabric_json(const struct elastic_report *r)
{
    const struct elastic_packets *p = &r->result->packets;
    const struct router_counts *c = &p->counts;
    json_t *o = json_object(), *latency;

    json_put_text(&o, "kind", r->study->config.fabric.kind);
    json_put(&o, "placement", placement_json(r));
    json_put(&o, "hops", hops_json(r));
    json_put_real(&o, "bit_mm", mm(r, p->wires.bit_halves));
    if (is_direct(r)) {
        json_put(&o, "channels", shared_json(r));
        return o;
    }
    latency = json_object();
    json_put_count(&latency, "min", p->latency_min);
    json_put_real(&latency, "mean", mean(p->latency_sum, p->n));
    json_put_count(&latency, "p95", p->latency_p95);
    json_put_count(&latency, "max", p->latency_max);
    json_put(&o, "packet_latency_clocks", latency);
    json_put_real(&o, "zero_load_mean", mean(p->zero_load_sum, p->n));
    json_put_router_counts(&o, c);
    json_put(&o, "channels", channels_json(r));
    return o;
}
