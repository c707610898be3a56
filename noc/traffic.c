/* noc/traffic.c -- see traffic.h. */
#include "noc/traffic.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/block.h"
#include "core/util.h"

__extension__ typedef unsigned __int128 u128;

enum { BINS = 1 << 20, CHUNK_CLK = 4096 };

/* ---- when ---- */

void traffic_gap_init(struct traffic_gap *g, uint64_t rate, uint32_t n_flit)
{
    u128 p = ((u128)rate << 64) / (TRAFFIC_RATE_ONE * n_flit); // 2^64: in every clock

    *g = (struct traffic_gap){ 0 };
    if (p >> 64)
        return;
    for (uint64_t power = 0 - (uint64_t)p; power > 0 && g->n < 64; g->n++) {
        g->power[g->n] = power;
        power = (uint64_t)((u128)power * power >> 64);
    }
}

uint64_t traffic_gap(const struct traffic_gap *g, uint64_t random)
{
    uint64_t gap = 0, product = 0; // product: q^gap * 2^64; of gap 0, 2^64

    for (uint32_t i = g->n; i-- > 0;) {
        uint64_t more = gap ? (uint64_t)((u128)product * g->power[i] >> 64) : g->power[i];
        if (random < more) {
            product = more;
            gap += UINT64_C(1) << i;
        }
    }
    return gap + 1;
}

/* ---- a run ---- */

struct packet_source { // of a node
    struct rng when, where;
    uint64_t   i, created_clk; // its packet that is offered
    bool       open;           // which may be in the window
};

struct run {
    const struct traffic   *traffic;
    const struct graph     *graph;
    const struct router_spec *spec;
    struct routers         *routers;
    struct traffic_result  *result;
    struct traffic_gap      gap;
    struct packet_source   *source; // owned; by node
    uint64_t               *bin;    // owned: packets by latency
    uint64_t                begin_clk, end_clk; // of the window
    uint32_t                n_open;  // sources
    bool                    stopped;
    traffic_progress       *progress;
    void                   *user;
};

static bool in_window(const struct run *run, uint64_t clk)
{
    return clk >= run->begin_clk && clk < run->end_clk;
}

static uint32_t destination(const struct run *run, uint32_t node)
{
    const struct packet_source *s = &run->source[node];

    return run->traffic->pattern->to(run->traffic, run->graph, node, rng_u64(s->where, s->i));
}

/* Draws the node's next packet: when. */
static void draw(struct run *run, uint32_t node)
{
    struct packet_source *s = &run->source[node];

    s->created_clk += traffic_gap(&run->gap, rng_u64(s->when, s->i));
    if (s->open && s->created_clk >= run->end_clk) {
        s->open = false;
        run->n_open--;
    }
    if (in_window(run, s->created_clk))
        run->result->created++;
}

static void offer(struct run *run, uint32_t node)
{
    struct packet_source *s = &run->source[node];

    routers_offer(run->routers, node, destination(run, node), run->traffic->n_flit,
                  s->created_clk, 0);
}

static void sent(void *user, uint32_t node, uint64_t clk)
{
    struct run *run = user;
    struct packet_source *s = &run->source[node];

    (void)clk;
    s->i++;
    draw(run, node);
    if (!run->stopped)
        offer(run, node);
}

static void taken(void *user, const struct router_packet *p, uint64_t clk)
{
    struct run *run = user;
    struct traffic_result *r = run->result;

    if (!in_window(run, p->offered_clk))
        return;
    uint64_t latency = clk - p->offered_clk;
    r->latency_min = r->taken ? min_u64(r->latency_min, latency) : latency;
    r->latency_max = max_u64(r->latency_max, latency);
    r->latency_sum += latency;
    r->network_sum += clk - p->sent_clk;
    r->zero_load_sum += router_zero_load(run->spec, p->routers, p->n_flit);
    r->routers_sum += p->routers;
    r->taken++;
    run->bin[min_u64(latency, BINS - 1)]++;
}

/* Whether a node has anything to send to. */
static bool sends(const struct run *run, uint32_t node)
{
    const struct traffic *t = run->traffic;

    if (t->flows.first)
        return t->flows.first[node] < t->flows.first[node + 1];
    return !t->exclude_self || destination(run, node) != node;
}

static enum err start(struct run *run, struct err_msg *m)
{
    const struct router_user user = { .user = run, .sent = sent, .taken = taken };
    uint32_t n = run->graph->n_node, *node = malloc(n * sizeof *node);
    struct rng when = rng_at(run->traffic->seed, "traffic: when");
    struct rng where = rng_at(run->traffic->seed, "traffic: where");

    run->source = calloc(n, sizeof *run->source);
    run->bin = calloc(BINS, sizeof *run->bin);
    run->result->channel = calloc((size_t)run->graph->n_router * run->graph->n_port,
                                  sizeof *run->result->channel);
    for (uint32_t i = 0; node && i < n; i++)
        node[i] = i;
    enum err e = node && run->source && run->bin && run->result->channel
                     ? routers_new(&run->routers, run->graph, run->spec, node, n, &user, m)
                     : err_set(m, ERR_MEMORY, "no memory for %" PRIu32 " nodes", n);
    free(node);
    for (uint32_t i = 0; !e && i < n; i++) {
        run->source[i].when = rng_in(when, i);
        run->source[i].where = rng_in(where, i);
        if (!sends(run, i))
            continue;
        run->source[i].open = true;
        run->source[i].created_clk = UINT64_MAX; // a gap of 1: clock 0
        run->n_open++;
        draw(run, i);
        offer(run, i);
    }
    return e;
}

/* Up to `until`, in pieces. */
static enum err run_to(struct run *run, uint64_t until, struct err_msg *m)
{
    uint64_t all = run->end_clk;
    enum err e = ERR_NONE;

    for (uint64_t clk = run->result->clocks; !e && clk < until; run->result->clocks = clk) {
        clk = min_u64(clk + CHUNK_CLK, until);
        e = routers_run(run->routers, clk, m);
        if (run->progress)
            run->progress(run->user, min_u64(clk, all), all);
    }
    return e;
}

/* Adds what the channels have carried so far, or takes it off. */
static void count_channels(struct run *run, bool at_end)
{
    struct traffic_result *r = run->result;
    uint64_t taken_flits = routers_counts(run->routers)->flits_taken;

    r->taken_flits = at_end ? taken_flits - r->taken_flits : taken_flits;
    for (uint32_t port = 0; port < run->graph->n_router * run->graph->n_port; port++) {
        struct router_channel c = routers_channel(run->routers, port);
        struct traffic_channel *to = &r->channel[port];
        to->flits = at_end ? c.flits - to->flits : c.flits;
        to->blocked_clk = at_end ? c.blocked_clk - to->blocked_clk : c.blocked_clk;
    }
}

/* The packets of the window that are on their way; no longer than the window was. */
static enum err run_until_taken(struct run *run, struct err_msg *m)
{
    const uint64_t last = run->end_clk + run->traffic->measured_clk;
    const struct traffic_result *r = run->result;
    enum err e = ERR_NONE;

    while (!e && (run->n_open > 0 || r->taken < r->created) && r->clocks < last)
        e = run_to(run, min_u64(r->clocks + CHUNK_CLK, last), m);
    return e;
}

/* Lets what is on its way arrive, and counts what was created but never sent. */
static enum err stop(struct run *run, struct err_msg *m)
{
    run->stopped = true;
    routers_withdraw(run->routers);
    enum err e = routers_run(run->routers, CYC_NEVER, m);
    if (e)
        return e;
    for (uint32_t node = 0; node < run->graph->n_node; node++)
        for (struct packet_source *s = &run->source[node]; s->open; s->i++)
            draw(run, node);
    const struct router_counts *c = routers_counts(run->routers);
    if (c->flits_taken < c->flits_sent)
        return err_set(m, ERR_RUN, "%" PRIu64 " of %" PRIu64 " packets block one another for ever",
                       c->packets_sent - c->packets_taken, c->packets_sent);
    return routers_check(run->routers, m);
}

static uint64_t percentile(const struct run *run, uint64_t percent)
{
    uint64_t wanted = ceil_div(run->result->taken * percent, 100), seen = 0;

    for (uint64_t clk = 0; clk < BINS; clk++) {
        seen += run->bin[clk];
        if (seen >= wanted)
            return clk;
    }
    return BINS - 1;
}

/* Of a steady load as much is taken in the window as is created, but for chance: the packets on
 * their way at its two ends differ by no more than a few roots of all that were created. */
static bool is_saturated(const struct traffic_result *r, uint32_t n_flit)
{
    uint64_t behind = r->created_flits > r->taken_flits ? r->created_flits - r->taken_flits : 0;
    u128 packets = behind / n_flit;

    return (u128)behind * 100 > r->created_flits && packets * packets > (u128)16 * r->created;
}

enum err traffic_run(struct traffic_result *r, const struct graph *g, const struct router_spec *s,
                     const struct traffic *t, traffic_progress *progress, void *user,
                     struct err_msg *m)
{
    struct run run = { .traffic = t, .graph = g, .spec = s, .result = r,
                       .begin_clk = t->warm_up_clk,
                       .end_clk = t->warm_up_clk + t->measured_clk,
                       .progress = progress, .user = user };

    *r = (struct traffic_result){ .measured = t->measured_clk };
    traffic_gap_init(&run.gap, t->rate, t->n_flit);
    enum err e = start(&run, m);
    if (!e)
        e = run_to(&run, run.begin_clk, m);
    if (!e) {
        count_channels(&run, false);
        e = run_to(&run, run.end_clk, m);
    }
    if (!e) {
        count_channels(&run, true);
        e = run_until_taken(&run, m);
    }
    if (!e)
        e = stop(&run, m);
    if (!e) {
        r->created_flits = r->created * t->n_flit;
        r->latency_p95 = percentile(&run, 95);
        r->saturated = is_saturated(r, t->n_flit);
        r->counts = *routers_counts(run.routers);
        r->flit_halves = routers_flit_halves(run.routers);
    }
    routers_free(run.routers);
    free(run.source);
    free(run.bin);
    if (e)
        traffic_result_release(r);
    return e;
}

void traffic_result_release(struct traffic_result *r)
{
    free(r->channel);
    *r = (struct traffic_result){ 0 };
}
