#include "test/rig_toy.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

enum { HORIZON_CYC = 300, END_CYC = 450, GATE_ODDS = 5 };
enum { MAX_NODES = 9, MAX_GATES = 2, MAX_PAYLOAD = 48 };

/* SplitMix64 of a pair. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = a + 0x9e3779b97f4a7c15 * (b + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void record(struct toy *t, uint64_t cyc, char what, uint64_t value)
{
    assert(t->n_events < TOY_EVENTS);
    t->event[t->n_events].cyc = cyc;
    t->event[t->n_events].what = what;
    t->event[t->n_events++].value = value;
}

/* A payload is its value and a pattern that tells whether all its bytes arrived. */
static void encode(unsigned char *payload, size_t n, uint64_t value)
{
    memcpy(payload, &value, sizeof value);
    for (size_t i = sizeof value; i < n; i++)
        payload[i] = (unsigned char)(value + i);
}

static uint64_t decode(const unsigned char *payload, size_t n)
{
    uint64_t value;
    memcpy(&value, payload, sizeof value);
    for (size_t i = sizeof value; i < n; i++)
        assert(payload[i] == (unsigned char)(value + i));
    return value;
}

static uint64_t next_ready_cyc(struct link *l, uint64_t now_cyc, uint64_t value)
{
    uint64_t latency_cyc = l->latency_cyc + mix(value, 1) % (l->jitter_cyc + 1);

    l->ready_cyc = max_u64(l->ready_cyc, now_cyc + latency_cyc);
    return l->ready_cyc;
}

static void push(struct link *l, uint64_t now_cyc, uint64_t value)
{
    encode(chan_push(&l->chan, next_ready_cyc(l, now_cyc, value)), l->chan.payload_bytes, value);
    l->n_pushed++;
}

static uint64_t pop(struct link *l, uint64_t now_cyc)
{
    l->n_popped++;
    return decode(chan_pop(&l->chan, now_cyc), l->chan.payload_bytes);
}

static bool can_take(const struct toy *t, uint64_t now_cyc)
{
    uint32_t n_visible = 0;

    for (uint32_t i = 0; i < t->n_in; i++)
        n_visible += chan_can_pop(&t->in[i]->chan, now_cyc);
    return t->n_in == 0 ? t->n_left > 0 : t->join ? n_visible == t->n_in : n_visible > 0;
}

static void take(struct toy *t, uint64_t now_cyc)
{
    t->value = t->n_in == 0 ? mix(t->seed, t->n_left--) : 0;
    for (uint32_t i = 0; i < t->n_in; i++) {
        if (!chan_can_pop(&t->in[i]->chan, now_cyc))
            continue;
        t->value = mix(t->value, pop(t->in[i], now_cyc));
        if (!t->join)
            break;
    }
    t->busy = true;
    t->done_cyc = round_up(now_cyc + 1 + mix(t->seed, t->n_taken++) % t->max_hold_cyc,
                           t->pace_cyc);
    record(t, now_cyc, '<', t->value);
}

/* Whether the held value goes to output i. */
static bool goes_to(const struct toy *t, uint32_t i)
{
    return t->broadcast || i == t->value % t->n_out;
}

static bool can_give(const struct toy *t)
{
    for (uint32_t i = 0; i < t->n_out; i++)
        if (goes_to(t, i) && !chan_can_push(&t->out[i]->chan))
            return false;
    return true;
}

static void give(struct toy *t, uint64_t now_cyc)
{
    for (uint32_t i = 0; i < t->n_out; i++)
        if (goes_to(t, i))
            push(t->out[i], now_cyc, t->value);
    t->busy = false;
    record(t, now_cyc, '>', t->value);
}

static uint64_t node_step(struct toy *t, uint64_t now_cyc)
{
    if (now_cyc % t->pace_cyc == 0) {
        if (t->busy && now_cyc >= t->done_cyc && can_give(t))
            give(t, now_cyc);
        if (!t->busy && can_take(t, now_cyc))
            take(t, now_cyc);
    }
    if (t->busy && now_cyc < t->done_cyc)
        return t->done_cyc;
    if (t->busy ? can_give(t) : can_take(t, now_cyc)) // woken between two multiples of the pace
        return round_up(now_cyc + 1, t->pace_cyc);
    return CYC_NEVER;
}

static uint64_t watchdog_step(struct toy *t, uint64_t now_cyc)
{
    bool more = false;

    if (now_cyc == t->deadline_cyc) {
        record(t, now_cyc, '!', 0);
        t->deadline_cyc = CYC_NEVER;
    }
    for (uint32_t i = 0; i < t->n_in; i++) {
        if (!chan_can_pop(&t->in[i]->chan, now_cyc))
            continue;
        more |= chan_count(&t->in[i]->chan) > 1;
        uint64_t value = pop(t->in[i], now_cyc);
        record(t, now_cyc, '<', value);
        t->deadline_cyc = now_cyc + 1 + mix(value, 2) % 20;
    }
    return more ? now_cyc + 1 : t->deadline_cyc;
}

static bool gates_open(uint64_t seed, uint64_t cyc)
{
    return cyc < HORIZON_CYC && mix(seed, cyc) % GATE_ODDS == 0;
}

static uint64_t gate_step(struct toy *t, uint64_t now_cyc)
{
    const bool open = gates_open(t->seed, now_cyc);

    if (open && t->kind == TOY_GATE_IN && chan_can_push(&t->out[0]->chan)) {
        uint64_t value = mix(t->seed + 1, now_cyc);
        push(t->out[0], now_cyc, value);
        record(t, now_cyc, '>', value);
    }
    if (open && t->kind == TOY_GATE_OUT && chan_can_pop(&t->in[0]->chan, now_cyc))
        record(t, now_cyc, '<', pop(t->in[0], now_cyc));

    for (uint64_t cyc = now_cyc + 1; cyc < HORIZON_CYC; cyc++)
        if (gates_open(t->seed, cyc))
            return cyc;
    return CYC_NEVER;
}

/* What gate_step() does in an open cycle, done from outside: a push before the cycle is run, since
 * it needs room at its start, a pop after it, since it makes room from its end. */
static void push_from_outside(struct toy *t, struct kernel *k, uint64_t cyc)
{
    struct link *l = t->out[0];
    uint64_t value = mix(t->seed + 1, cyc), ready_cyc = l->ready_cyc;
    unsigned char payload[MAX_PAYLOAD];

    encode(payload, l->chan.payload_bytes, value);
    if (kernel_inject(k, &l->chan, next_ready_cyc(l, cyc, value), payload)) {
        l->n_pushed++;
        record(t, cyc, '>', value);
    } else {
        l->ready_cyc = ready_cyc;
    }
}

static void pop_from_outside(struct toy *t, struct kernel *k, uint64_t cyc)
{
    struct link *l = t->in[0];
    unsigned char payload[MAX_PAYLOAD];

    if (kernel_drain(k, &l->chan, payload)) {
        l->n_popped++;
        record(t, cyc, '<', decode(payload, l->chan.payload_bytes));
    }
}

static uint64_t toy_step(struct block *b, uint64_t now_cyc)
{
    struct toy *t = (struct toy *)b;

    assert(t->n_steps == 0 || now_cyc > t->step_cyc); // forward, and at most once a cycle
    t->n_steps++;
    t->step_cyc = now_cyc;
    switch (t->kind) {
    case TOY_NODE:
        return node_step(t, now_cyc);
    case TOY_WATCHDOG:
        return watchdog_step(t, now_cyc);
    case TOY_GATE_IN:
    case TOY_GATE_OUT:
        return gate_step(t, now_cyc);
    }
    abort();
}

static void toy_describe(const struct block *b, FILE *out)
{
    fprintf(out, "%s: waits for a %s\n", b->path,
            ((const struct toy *)b)->busy ? "free slot" : "payload");
}

static const struct block_ops toy_ops = {
    .type = "toy", .step = toy_step, .describe = toy_describe,
};

void toy_init(struct toy *t, enum toy_kind kind, const char *path)
{
    *t = (struct toy){
        .base = { .ops = &toy_ops, .path = t->path },
        .kind = kind,
        .join = true,
        .broadcast = true,
        .pace_cyc = 1,
        .max_hold_cyc = 1,
        .deadline_cyc = CYC_NEVER,
    };
    snprintf(t->path, sizeof t->path, "%s", path);
}

void link_init(struct link *l, struct toy *from, struct toy *to, uint32_t depth,
               uint32_t latency_cyc, size_t payload_bytes)
{
    *l = (struct link){ .latency_cyc = latency_cyc };
    bool made = chan_init(&l->chan, "link", from ? &from->base : NULL, to ? &to->base : NULL,
                          depth, payload_bytes);
    assert(made && payload_bytes >= sizeof(uint64_t));
    if (from) {
        assert(from->n_out < TOY_PORTS);
        from->out[from->n_out++] = l;
    }
    if (to) {
        assert(to->n_in < TOY_PORTS);
        to->in[to->n_in++] = l;
    }
}

enum { MAX_TOYS = MAX_NODES + 2 * MAX_GATES, MAX_LINKS = 2 * MAX_NODES + 2 * MAX_GATES };

struct rig {
    uint64_t      seed, n_drawn; // of the choices made while building
    enum gates    gates;
    struct toy    toy[MAX_TOYS]; // nodes and watchdogs, then gates
    struct link   link[MAX_LINKS];
    uint32_t      n_node, n_toy, n_link;
    struct block *block[MAX_TOYS];
    struct chan  *chan[MAX_LINKS];
    struct design design;
};

/* 0 to n - 1. */
static uint32_t draw(struct rig *r, uint32_t n)
{
    return (uint32_t)(mix(r->seed, r->n_drawn++) % n);
}

static void add_node(struct rig *r)
{
    static const uint32_t paces[] = { 1, 1, 1, 4, 7 };
    struct toy *t = &r->toy[r->n_node];
    char path[16];

    snprintf(path, sizeof path, "node%" PRIu32, r->n_node++);
    toy_init(t, TOY_NODE, path);
    t->seed = mix(r->seed, 1000 + r->n_node);
    t->join = draw(r, 2);
    t->broadcast = draw(r, 2);
    t->pace_cyc = paces[draw(r, 5)];
    t->max_hold_cyc = 1 + draw(r, 2) * draw(r, 12);
    t->n_left = 1 + draw(r, 60);
}

static void connect(struct rig *r, struct toy *from, struct toy *to)
{
    static const uint32_t sizes[] = { 8, 9, 16, 31, MAX_PAYLOAD };

    if ((from && from->n_out == TOY_PORTS) || (to && to->n_in == TOY_PORTS))
        return;
    uint32_t depth = 1 + draw(r, 5), latency_cyc = 1 + draw(r, 2) * draw(r, 15);
    struct link *l = &r->link[r->n_link++];
    link_init(l, from, to, depth, latency_cyc, sizes[draw(r, 5)]);
    l->jitter_cyc = draw(r, 2) * draw(r, 10);
}

/* Mostly forward, so that most designs move for long; the rest can close loops. */
static void connect_nodes(struct rig *r)
{
    for (uint32_t i = draw(r, r->n_node + 3); i > 0; i--) {
        uint32_t a = draw(r, r->n_node), b = draw(r, r->n_node);
        bool forward = draw(r, 12) > 0;
        connect(r, &r->toy[forward ? min_u32(a, b) : a], &r->toy[forward ? max_u32(a, b) : b]);
    }
}

static void add_gate(struct rig *r, enum toy_kind kind)
{
    struct toy *t = &r->toy[r->n_toy], *node = &r->toy[draw(r, r->n_node)];
    bool full = kind == TOY_GATE_IN ? node->n_in == TOY_PORTS : node->n_out == TOY_PORTS;
    char path[16];

    if (full)
        return;
    snprintf(path, sizeof path, "gate%" PRIu32, r->n_toy++);
    toy_init(t, kind, path);
    t->seed = r->seed; // all open in the same cycles: those in which runs are cut
    if (kind == TOY_GATE_IN)
        connect(r, t, node);
    else
        connect(r, node, t);
    struct chan *c = &r->link[r->n_link - 1].chan;
    if (r->gates == GATES_OUTSIDE)
        *(kind == TOY_GATE_IN ? &c->producer : &c->consumer) = NULL;
}

struct rig *rig_new(uint64_t seed, enum gates gates)
{
    struct rig *r = calloc(1, sizeof *r);
    assert(r);
    r->seed = mix(seed, 0);
    r->gates = gates;
    for (uint32_t n = 1 + draw(r, MAX_NODES); n > 0; n--)
        add_node(r);
    connect_nodes(r);
    r->n_toy = r->n_node;
    for (uint32_t i = 0; i < MAX_GATES; i++) {
        add_gate(r, TOY_GATE_IN);
        add_gate(r, TOY_GATE_OUT);
    }
    for (uint32_t i = 0; i < r->n_node; i++)
        if (r->toy[i].n_out == 0 && r->toy[i].n_in > 0 && draw(r, 2))
            r->toy[i].kind = TOY_WATCHDOG;

    for (uint32_t i = 0; i < r->n_toy; i++)
        r->block[i] = &r->toy[i].base;
    for (uint32_t i = 0; i < r->n_link; i++)
        r->chan[i] = &r->link[i].chan;
    r->design = (struct design){
        .block = r->block, .n_block = gates == GATES_INSIDE ? r->n_toy : r->n_node,
        .chan = r->chan, .n_chan = r->n_link,
    };
    return r;
}

void rig_free(struct rig *r)
{
    for (uint32_t i = 0; i < r->n_link; i++)
        chan_release(&r->link[i].chan);
    free(r);
}

static char *print_blocks(const struct rig *r)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert(out);
    for (uint32_t i = 0; i < r->n_toy; i++) {
        const struct toy *t = &r->toy[i];
        for (uint32_t e = 0; e < t->n_events; e++)
            fprintf(out, "%s %c %016" PRIx64 " at %" PRIu64 "\n", t->path, t->event[e].what,
                    t->event[e].value, t->event[e].cyc);
    }
    fclose(out);
    return text;
}

static void run_to(struct kernel *k, uint64_t cyc, FILE *said)
{
    uint64_t last_cyc = kernel_run(k, cyc);

    fprintf(said, "to %" PRIu64 ": last %" PRIu64 ", next %" PRIu64 "\n", cyc, last_cyc,
            kernel_next_cyc(k));
}

/* Cuts the run before and behind every cycle in which the gates are open. */
static void run_cut(struct rig *r, struct kernel *k, FILE *said)
{
    for (uint64_t cyc = 0; cyc < HORIZON_CYC; cyc++) {
        if (!gates_open(r->seed, cyc))
            continue;
        if (cyc > 0)
            run_to(k, cyc - 1, said);
        for (uint32_t i = r->n_node; i < r->n_toy; i++)
            if (r->gates == GATES_OUTSIDE && r->toy[i].kind == TOY_GATE_IN)
                push_from_outside(&r->toy[i], k, cyc);
        run_to(k, cyc, said);
        for (uint32_t i = r->n_node; i < r->n_toy; i++)
            if (r->gates == GATES_OUTSIDE && r->toy[i].kind == TOY_GATE_OUT)
                pop_from_outside(&r->toy[i], k, cyc);
    }
}

struct rig_trace rig_run(struct rig *r, enum kernel_kind kind, enum kernel_mode mode,
                         enum cuts cuts)
{
    struct rig_trace trace;
    size_t size;
    FILE *said = open_memstream(&trace.kernel, &size);
    struct kernel *k = kernel_new(kind, &r->design, mode);

    assert(said && k);
    assert(cuts == RUN_CUT || r->gates == GATES_INSIDE);
    if (cuts == RUN_CUT)
        run_cut(r, k, said);
    run_to(k, END_CYC, said);
    fclose(said);
    kernel_free(k);
    trace.blocks = print_blocks(r);
    return trace;
}

void rig_trace_free(struct rig_trace *t)
{
    free(t->blocks);
    free(t->kernel);
}

const struct link *rig_leak(const struct rig *r)
{
    for (uint32_t i = 0; i < r->n_link; i++)
        if (r->link[i].n_pushed != r->link[i].n_popped + chan_count(&r->link[i].chan))
            return &r->link[i];
    return NULL;
}

uint64_t rig_pushes(const struct rig *r)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < r->n_link; i++)
        n += r->link[i].n_pushed;
    return n;
}
