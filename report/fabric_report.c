/* report/fabric_report.c -- see fabric_report.h. */
#include "report/fabric_report.h"

#include <inttypes.h>

#include "report/json.h"
#include "report/version.h"

static double flits_a_node_and_clock(const struct fabric_report *f, const struct traffic_result *r,
                                     uint64_t flits)
{
    return (double)flits / f->graph->n_node / (double)r->measured;
}

static double mean(const struct traffic_result *r, uint64_t sum)
{
    return (double)sum / (double)r->taken;
}

static double share_of_one(uint64_t rate)
{
    return (double)rate / (double)TRAFFIC_RATE_ONE;
}

/* ---- tables ---- */

static void latencies(struct table *t, const struct traffic_result *r)
{
    if (r->taken == 0) {
        for (int i = 0; i < 6; i++)
            table_none(t);
        return;
    }
    table_real(t, mean(r, r->latency_sum), 2);
    table_count(t, r->latency_p95);
    table_count(t, r->latency_max);
    table_real(t, mean(r, r->network_sum), 2);
    table_real(t, mean(r, r->zero_load_sum), 2);
    table_real(t, mean(r, r->routers_sum), 3);
}

static struct table *rates(const void *what)
{
    static const struct table_column columns[] = {
        { "offered", "offered_flits_per_node_clk" },
        { "accepted", "accepted_flits_per_node_clk" },
        { "latency", "packet_latency_clk" },
        { "95 %", "packet_latency_p95_clk" },
        { "most", "packet_latency_max_clk" },
        { "in network", "network_latency_clk" },
        { "zero load", "zero_load_clk" },
        { "routers", "routers_mean" },
        { "saturated", "saturated" },
        { NULL, NULL },
    };
    const struct fabric_report *f = what;
    struct table *t = table_new(columns);

    table_title(t, "Rates: flits a node and clock; latency of packets in clocks");
    for (uint32_t i = 0; i < f->n_rate; i++) {
        const struct traffic_result *r = &f->rate[i].result;
        table_real(t, flits_a_node_and_clock(f, r, r->created_flits), 4);
        table_real(t, flits_a_node_and_clock(f, r, r->taken_flits), 4);
        latencies(t, r);
        table_text(t, r->saturated ? "yes" : "no");
    }
    return t;
}

struct end_text {
    char text[32];
};

static struct end_text end_text(const struct graph *g, uint32_t peer)
{
    struct end_text e;
    bool is_router = graph_is_router(peer);

    snprintf(e.text, sizeof e.text, "%s %" PRIu32, is_router ? "router" : "node",
             is_router ? peer / g->n_port : peer - GRAPH_NODE);
    return e;
}

/* f(user, from, to, its counts) of every channel that leaves a router. */
static void for_channels(const struct fabric_report *f, const struct traffic_result *r,
                         void (*tell)(void *user, const struct traffic_result *r,
                                      const char *from, const char *to,
                                      const struct traffic_channel *c), void *user)
{
    const struct graph *g = f->graph;

    for (uint32_t port = 0; port < g->n_router * g->n_port; port++)
        if (g->peer[port] != GRAPH_NONE)
            tell(user, r, end_text(g, port).text, end_text(g, g->peer[port]).text,
                 &r->channel[port]);
}

struct rows {
    struct table *table;
    double        rate;
};

static void channel_row(void *user, const struct traffic_result *r, const char *from,
                        const char *to, const struct traffic_channel *c)
{
    const struct rows *rows = user;

    table_real(rows->table, rows->rate, 4);
    table_text(rows->table, from);
    table_text(rows->table, to);
    table_count(rows->table, c->flits);
    table_share(rows->table, (double)c->flits / (double)r->measured, 1);
    table_count(rows->table, c->blocked_clk);
}

static struct table *channels(const void *what)
{
    static const struct table_column columns[] = {
        { "rate", "rate" },      { "from", "from" },  { "to", "to" },
        { "flits", "flits" },    { "busy", "share" }, { "blocked", "blocked_clocks" },
        { NULL, NULL },
    };
    const struct fabric_report *f = what;
    struct rows rows = { .table = table_new(columns) };

    table_title(rows.table, "Channels, in the clocks that were measured");
    for (uint32_t i = 0; i < f->n_rate; i++) {
        rows.rate = share_of_one(f->rate[i].rate);
        for_channels(f, &f->rate[i].result, channel_row, &rows);
    }
    return rows.table;
}

/* Of whole flits. */
static double bit_mm(const struct fabric_report *f, const struct traffic_result *r)
{
    const struct fabric_cfg *c = &f->config->fabric;

    return (double)(r->flit_halves * c->flit_bits) * c->pitch_um / 2000;
}

static struct table *counters(const void *what)
{
    static const struct table_column columns[] = {
        { "rate", "rate" },
        { "packets", "packets" },
        { "flits", "flits" },
        { "flit hops", "flit_hops" },
        { "writes", "buffer_writes" },
        { "reads", "buffer_reads" },
        { "allocations", "allocations" },
        { "bit mm", "bit_mm" },
        { "clocks", "clocks" },
        { NULL, NULL },
    };
    const struct fabric_report *f = what;
    struct table *t = table_new(columns);

    table_title(t, "Counters, of the whole run");
    for (uint32_t i = 0; i < f->n_rate; i++) {
        const struct router_counts *c = &f->rate[i].result.counts;
        table_real(t, share_of_one(f->rate[i].rate), 4);
        table_count(t, c->packets_taken);
        table_count(t, c->flits_taken);
        table_count(t, c->flit_hops);
        table_count(t, c->buffer_writes);
        table_count(t, c->buffer_reads);
        table_count(t, c->allocations);
        table_real(t, bit_mm(f, &f->rate[i].result), 1);
        table_count(t, f->rate[i].result.clocks);
    }
    return t;
}

/* ---- text ---- */

static void head(const void *what, FILE *out)
{
    const struct fabric_report *f = what;
    const struct fabric_cfg *c = &f->config->fabric;
    const struct traffic *t = f->traffic;

    fprintf(out, "Fabric   %s of %" PRIu32 " x %" PRIu32 ": %" PRIu32 " nodes, %" PRIu32
            " routers; %" PRIu32 " virtual channel%s of %" PRIu32 " flit%s\n", c->kind, c->rows,
            c->columns, f->graph->n_node, f->graph->n_router, c->vcs, c->vcs == 1 ? "" : "s",
            c->vc_flits, c->vc_flits == 1 ? "" : "s");
    fprintf(out, "Traffic  %s, packets of %" PRIu32 " flit%s; measured for %s clocks after %s\n",
            f->pattern, t->n_flit, t->n_flit == 1 ? "" : "s",
            format_count(t->measured_clk).text, format_count(t->warm_up_clk).text);
}

static void tail(const void *what, FILE *out)
{
    const struct fabric_report *f = what;

    for (uint32_t i = 0; i < f->n_rate; i++) {
        const struct traffic_result *r = &f->rate[i].result;
        if (r->taken < r->created)
            fprintf(out, "\nOf %s packets created at %.4g, %s had not arrived when the run ended: "
                    "the latencies are\nthose of the others.\n", format_count(r->created).text,
                    share_of_one(f->rate[i].rate),
                    format_count(r->created - r->taken).text);
    }
}

/* ---- JSON ---- */

static json_t *latency_json(const struct traffic_result *r)
{
    json_t *o = json_object();

    json_put_count(&o, "min", r->latency_min);
    json_put_real(&o, "mean", mean(r, r->latency_sum));
    json_put_count(&o, "p95", r->latency_p95);
    json_put_count(&o, "max", r->latency_max);
    return o;
}

static void channel_json(void *channels, const struct traffic_result *r, const char *from,
                         const char *to, const struct traffic_channel *c)
{
    json_t *o = json_object(), **list = channels;

    json_put_text(&o, "from", from);
    json_put_text(&o, "to", to);
    json_put_count(&o, "flits", c->flits);
    json_put_count(&o, "busy_clocks", c->flits);
    json_put_real(&o, "share", (double)c->flits / (double)r->measured);
    json_put_count(&o, "blocked_clocks", c->blocked_clk);
    json_add(list, o);
}

void json_put_router_counts(json_t **o, const struct router_counts *c)
{
    json_put_count(o, "injected_packets", c->packets_sent);
    json_put_count(o, "delivered_packets", c->packets_taken);
    json_put_count(o, "injected_flits", c->flits_sent);
    json_put_count(o, "delivered_flits", c->flits_taken);
    json_put_count(o, "copied_flits", c->flits_copied);
    json_put_count(o, "flit_hops", c->flit_hops);
    json_put_count(o, "buffer_writes", c->buffer_writes);
    json_put_count(o, "buffer_reads", c->buffer_reads);
    json_put_count(o, "switch_traversals", c->switch_traversals);
    json_put_count(o, "allocations", c->allocations);
}

static json_t *counts_json(const struct fabric_report *f, const struct traffic_result *r)
{
    json_t *o = json_object();

    json_put_router_counts(&o, &r->counts);
    json_put_real(&o, "bit_mm", bit_mm(f, r));
    json_put_count(&o, "clocks", r->clocks);
    return o;
}

static json_t *rate_json(const struct fabric_report *f, const struct fabric_rate *rate)
{
    const struct traffic_result *r = &rate->result;
    json_t *o = json_object(), *list = json_array();

    json_put_real(&o, "rate", share_of_one(rate->rate));
    json_put_real(&o, "offered_flits_per_node_clk",
                  flits_a_node_and_clock(f, r, r->created_flits));
    json_put_real(&o, "accepted_flits_per_node_clk", flits_a_node_and_clock(f, r, r->taken_flits));
    json_put(&o, "saturated", json_boolean(r->saturated));
    json_put_count(&o, "packets_created", r->created);
    json_put_count(&o, "packets_measured", r->taken);
    if (r->taken > 0) {
        json_put(&o, "packet_latency_clocks", latency_json(r));
        json_put_real(&o, "network_latency_mean", mean(r, r->network_sum));
        json_put_real(&o, "zero_load_mean", mean(r, r->zero_load_sum));
        json_put_real(&o, "routers_mean", mean(r, r->routers_sum));
    }
    for_channels(f, r, channel_json, &list);
    json_put(&o, "channels", list);
    json_put(&o, "counters", counts_json(f, r));
    return o;
}

static enum err print_json(const void *what, FILE *out, struct err_msg *m)
{
    const struct fabric_report *f = what;
    json_t *o = json_object(), *traffic = json_object(), *list = json_array();

    json_put_text(&o, "format", "imcsim-fabric/1");
    json_put_text(&o, "version", imcsim_version);
    json_put(&o, "config", config_to_json(f->config));
    json_put_text(&traffic, "pattern", f->pattern);
    json_put_count(&traffic, "packet_flits", f->traffic->n_flit);
    json_put(&traffic, "exclude_self", json_boolean(f->traffic->exclude_self));
    json_put_count(&traffic, "warm_up_clocks", f->traffic->warm_up_clk);
    json_put_count(&traffic, "measured_clocks", f->traffic->measured_clk);
    json_put_count(&traffic, "seed", f->traffic->seed);
    json_put(&o, "traffic", traffic);
    for (uint32_t i = 0; i < f->n_rate; i++)
        json_add(&list, rate_json(f, &f->rate[i]));
    json_put(&o, "rates", list);
    return json_print(o, out, m);
}

static const struct sheet sheets[] = {
    { "rates", false, rates },
    { "channels", true, channels },
    { "counters", true, counters },
    { 0 },
};

const struct form fabric_form = { sheets, head, tail, print_json };
