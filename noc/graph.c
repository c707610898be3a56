/* noc/graph.c -- see graph.h. */
#include "noc/graph.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum err graph_init(struct graph *g, uint32_t n_router, uint32_t n_port, uint32_t n_node,
                    struct err_msg *m)
{
    size_t n = (size_t)n_router * n_port;

    *g = (struct graph){ .n_router = n_router, .n_port = n_port, .n_node = n_node };
    if (n > GRAPH_MOST_PORTS)
        return err_set(m, ERR_INPUT, "%zu ports of routers: want at most %d", n, GRAPH_MOST_PORTS);
    g->peer = malloc(n * sizeof *g->peer);
    g->at = malloc(n_node * sizeof *g->at);
    if (!g->peer || !g->at) {
        graph_release(g);
        return err_set(m, ERR_MEMORY, "no memory for %zu ports of routers", n);
    }
    memset(g->peer, 0xff, n * sizeof *g->peer); // GRAPH_NONE
    return ERR_NONE;
}

void graph_release(struct graph *g)
{
    free(g->peer);
    free(g->at);
    free(g->halves);
    *g = (struct graph){ 0 };
}

void graph_join(struct graph *g, uint32_t a, uint32_t b)
{
    assert(g->peer[a] == GRAPH_NONE && g->peer[b] == GRAPH_NONE);
    g->peer[a] = b;
    g->peer[b] = a;
}

void graph_attach(struct graph *g, uint32_t node, uint32_t port)
{
    assert(g->peer[port] == GRAPH_NONE && node < g->n_node);
    g->peer[port] = GRAPH_NODE + node;
    g->at[node] = port;
}

uint32_t graph_routers(const struct graph *g, uint32_t from, uint32_t to)
{
    uint32_t router = g->at[from] / g->n_port, passed = 1;

    for (;;) {
        uint32_t exit = g->exit(g, router, to);
        if (exit == GRAPH_NONE)
            return 0;
        uint32_t peer = g->peer[router * g->n_port + exit];
        if (!graph_is_router(peer))
            return passed;
        router = peer / g->n_port;
        passed++;
        assert(passed <= g->n_router);
    }
}

/* ---- to several nodes ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Ports on the way to a node, into port[] unless that is NULL. */
static uint32_t ports_to(const struct graph *g, uint32_t from, uint32_t to, uint32_t *port)
{
    uint32_t router = g->at[from] / g->n_port, n = 0;

    for (;;) {
        uint32_t out = router * g->n_port + g->exit(g, router, to);
        if (port)
            port[n] = out;
        n++;
        if (!graph_is_router(g->peer[out]))
            return n;
        router = g->peer[out] / g->n_port;
    }
}

enum err graph_unite(struct graph_union *u, const struct graph *g, uint32_t from,
                     const uint32_t *to, uint32_t n_to, struct err_msg *m)
{
    size_t room = 0;
    uint32_t n = 0, all = 0;

    *u = (struct graph_union){ .n_node = n_to };
    for (uint32_t i = 0; i < n_to; i++)
        room += ports_to(g, from, to[i], NULL);
    u->port = malloc(room * sizeof *u->port);
    if (!u->port)
        return err_set(m, ERR_MEMORY, "no memory for the ways to %u nodes", n_to);
    for (uint32_t i = 0; i < n_to; i++)
        all += ports_to(g, from, to[i], &u->port[all]);
    qsort(u->port, all, sizeof *u->port, by_number);
    for (uint32_t i = 0; i < all; i++)
        if (n == 0 || u->port[n - 1] != u->port[i])
            u->port[n++] = u->port[i];
    u->n = n;
    return ERR_NONE;
}

void graph_union_release(struct graph_union *u)
{
    free(u->port);
    *u = (struct graph_union){ 0 };
}

const uint32_t *graph_union_at(const struct graph_union *u, const struct graph *g, uint32_t router,
                               uint32_t *n)
{
    uint32_t first = 0, end = u->n;

    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (u->port[middle] < router * g->n_port)
            first = middle + 1;
        else
            end = middle;
    }
    for (end = first; end < u->n && u->port[end] / g->n_port == router;)
        end++;
    *n = end - first;
    return &u->port[first];
}

/* ---- where things lie ---- */

struct graph_spot graph_spot(const struct graph *g, uint32_t peer)
{
    uint32_t place = graph_is_router(peer) ? peer / g->n_port : peer - GRAPH_NODE;

    if (graph_is_router(peer) && g->spot)
        return g->spot(g, place);
    return (struct graph_spot){ 2 * (place % g->columns), 2 * (place / g->columns) };
}

static uint32_t apart(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

uint32_t graph_length(const struct graph *g, uint32_t port)
{
    if (g->halves && g->halves[port] > 0)
        return g->halves[port];
    struct graph_spot a = graph_spot(g, port), b = graph_spot(g, g->peer[port]);

    return apart(a.x, b.x) + apart(a.y, b.y);
}

/* ---- what waits for what ---- */

struct search { // next[port * n_port + p]: the channel of `port` waits for the next router's p
    const struct graph *g;
    bool               *next;
    uint8_t            *state;
    uint32_t           *path, *tried; // of the walk's channels
    uint32_t            n;
};

enum { UNSEEN, ON_PATH, DONE };

static void follow(struct search *s, uint32_t from, uint32_t to)
{
    const struct graph *g = s->g;
    uint32_t router = g->at[from] / g->n_port, before = GRAPH_NONE;

    for (uint32_t passed = 0; passed < g->n_router; passed++) {
        uint32_t p = g->exit(g, router, to), port = router * g->n_port + p;
        if (before != GRAPH_NONE) {
            bool *known = &s->next[(size_t)before * g->n_port + p];
            *known = true;
        }
        if (!graph_is_router(g->peer[port]))
            return;
        before = port;
        router = g->peer[port] / g->n_port;
    }
}

/* Goes on from the path's last channel: to one it waits for, or back. */
static bool advance(struct search *s, uint32_t *closes)
{
    const struct graph *g = s->g;
    uint32_t at = s->path[s->n - 1];

    for (uint32_t p = s->tried[s->n - 1]++; p < g->n_port; p = s->tried[s->n - 1]++) {
        if (!s->next[(size_t)at * g->n_port + p])
            continue;
        uint32_t to = g->peer[at] / g->n_port * g->n_port + p;
        if (s->state[to] == ON_PATH) {
            *closes = to;
            return true;
        }
        if (s->state[to] == DONE)
            continue;
        s->state[to] = ON_PATH;
        s->path[s->n] = to;
        s->tried[s->n++] = 0;
        return false;
    }
    s->state[at] = DONE;
    s->n--;
    return false;
}

static bool find(struct search *s, uint32_t *closes)
{
    for (uint32_t port = 0; port < s->g->n_router * s->g->n_port; port++) {
        if (s->state[port] != UNSEEN || !graph_is_router(s->g->peer[port]))
            continue;
        s->state[port] = ON_PATH;
        s->path[0] = port;
        s->tried[0] = 0;
        s->n = 1;
        while (s->n > 0)
            if (advance(s, closes))
                return true;
    }
    return false;
}

enum err graph_find_cycle(const struct graph *g, const struct graph_way *way, uint32_t n_way,
                          struct graph_cycle *c, struct err_msg *m)
{
    size_t n = (size_t)g->n_router * g->n_port;
    struct search s = { .g = g,
                        .next = calloc(n, g->n_port * sizeof *s.next),
                        .state = calloc(n, sizeof *s.state),
                        .path = malloc(n * sizeof *s.path),
                        .tried = malloc(n * sizeof *s.tried) };
    enum err e = ERR_NONE;
    uint32_t closes, first = 0;

    *c = (struct graph_cycle){ 0 };
    if (!s.next || !s.state || !s.path || !s.tried)
        e = err_set(m, ERR_MEMORY, "no memory for the channels of %u routers", g->n_router);
    for (uint32_t i = 0; !e && i < n_way; i++)
        follow(&s, way[i].from, way[i].to);
    for (uint32_t from = 0; !e && !way && from < g->n_node; from++)
        for (uint32_t to = 0; to < g->n_node; to++)
            follow(&s, from, to);
    if (!e && find(&s, &closes)) {
        while (s.path[first] != closes)
            first++;
        c->n = s.n - first;
        c->port = s.path;
        memmove(s.path, s.path + first, c->n * sizeof *s.path);
        s.path = NULL;
    }
    free(s.next);
    free(s.state);
    free(s.path);
    free(s.tried);
    return e;
}
