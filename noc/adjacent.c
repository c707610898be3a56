/* noc/adjacent.c -- direct links only, between places of a grid: as far as fabric.reach says along
 * rows, columns and diagonals, or as a file lists them. Nothing is passed on: two cores exchange
 * where their places are joined, and not elsewhere. All streams from one core to another share the
 * link between them, token by token (arch/elastic/share.c). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/lines.h"
#include "core/util.h"
#include "core/yaml.h"
#include "noc/fabric.h"

enum { MOST_LINKS = 1 << 20, N_DIRECTION = 8, MOST_LENGTH = 1000 };

struct links {
    struct link {
        uint32_t from, to, halves; // the latter of a pitch; 0: not stated
    }       *link; // owned
    uint32_t n;
};

static bool put(struct links *l, uint32_t from, uint32_t to, uint32_t halves)
{
    if ((l->n & (l->n - 1)) == 0) { // full at every power of 2
        struct link *more = realloc(l->link, (l->n ? 2 * (size_t)l->n : 1) * sizeof *more);
        if (!more)
            return false;
        l->link = more;
    }
    l->link[l->n++] = (struct link){ from, to, halves };
    return true;
}

static int by_ends(const void *a, const void *b)
{
    const struct link *x = a, *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

/* Of one that is listed more than once, the shortest first. */
static int by_length(const void *a, const void *b)
{
    const struct link *x = a, *y = b;
    int ends = by_ends(a, b);

    return ends ? ends : x->halves < y->halves ? -1 : x->halves > y->halves;
}

/* ---- what fabric.reach says ---- */

static bool reach(struct links *l, const struct fabric_cfg *cfg, uint32_t from,
                  const uint32_t *far, uint32_t n_far, int across, int down)
{
    bool ok = true;

    for (uint32_t i = 0; ok && i < n_far; i++) {
        int64_t x = from % cfg->columns + (int64_t)across * far[i];
        int64_t y = from / cfg->columns + (int64_t)down * far[i];
        if (far[i] > 0 && x >= 0 && x < cfg->columns && y >= 0 && y < cfg->rows)
            ok = put(l, from, (uint32_t)(y * cfg->columns + x), 0);
    }
    return ok;
}

static enum err by_reach(struct links *l, const struct fabric_cfg *cfg, struct err_msg *m)
{
    static const int step[N_DIRECTION][2] = { { -1, 0 }, { 1, 0 },  { 0, -1 }, { 0, 1 },
                                              { -1, -1 }, { 1, -1 }, { -1, 1 }, { 1, 1 } };
    bool ok = true;

    for (uint32_t from = 0; ok && from < cfg->rows * cfg->columns; from++)
        for (int k = 0; ok && k < N_DIRECTION; k++) {
            const int *s = step[k];
            ok = s[1] == 0   ? reach(l, cfg, from, cfg->reach_row, cfg->n_reach_row, s[0], 0)
                 : s[0] == 0 ? reach(l, cfg, from, cfg->reach_column, cfg->n_reach_column, 0, s[1])
                             : reach(l, cfg, from, cfg->reach_diagonal, cfg->n_reach_diagonal,
                                     s[0], s[1]);
            if (ok && l->n > MOST_LINKS)
                return err_set(m, ERR_INPUT, "fabric.reach: more than %d links: want fewer "
                               "fabric.rows or fabric.columns", MOST_LINKS);
        }
    return ok ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for links");
}

/* ---- what a file lists ---- */

struct listing {
    struct links            *links;
    const struct fabric_cfg *cfg;
};

static enum err take_line(void *user, char *line, struct err_msg *m)
{
    const struct listing *listing = user;
    struct links *l = listing->links;
    const struct fabric_cfg *cfg = listing->cfg;
    static const char space[] = " \t\r\n,";
    uint32_t n_node = cfg->rows * cfg->columns;
    uint64_t end[2] = { 0, 0 }, tenths = 0;
    char *rest = NULL;
    int n = 0;

    line[strcspn(line, "#")] = '\0';
    for (char *word = strtok_r(line, space, &rest); word; word = strtok_r(NULL, space, &rest)) {
        if (n == 2 && yaml_decimal(word, 1, &tenths) && tenths > 0 && tenths % 5 == 0 &&
            tenths <= 10 * MOST_LENGTH) {
            n++;
            continue;
        }
        if (n == 2)
            return err_set(m, ERR_INPUT, "%.40s: want a length of 0.5 to %d pitches, in halves",
                           word, MOST_LENGTH);
        if (n > 2 || !yaml_decimal(word, 0, &end[n]) || end[n] >= n_node)
            return err_set(m, ERR_INPUT, "%.40s: want: from to, places 0 to %" PRIu32, word,
                           n_node - 1);
        n++;
    }
    if (n == 0)
        return ERR_NONE;
    if (n == 1 || end[0] == end[1])
        return err_set(m, ERR_INPUT, "place %" PRIu64 ": want two places: from to", end[0]);
    if (l->n >= MOST_LINKS)
        return err_set(m, ERR_INPUT, "want at most %d links", MOST_LINKS);
    uint32_t from = (uint32_t)end[0], to = (uint32_t)end[1], halves = (uint32_t)(tenths / 5);
    bool ok = put(l, from, to, halves) &&
              (cfg->links_are == LINKS_ONE_WAY || put(l, to, from, halves));
    return ok ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for links");
}

static enum err by_file(struct links *l, const struct fabric_cfg *cfg, struct err_msg *m)
{
    FILE *in = fopen(cfg->links, "r");
    struct listing listing = { l, cfg };

    if (!in)
        return err_set(m, ERR_INPUT, "fabric.links = %.400s: %s: want a file of lines from to",
                       cfg->links, strerror(errno));
    enum err e = lines_read(in, cfg->links, take_line, &listing, m);
    fclose(in);
    if (!e && l->n == 0)
        e = err_set(m, ERR_INPUT, "%.400s: no links: want lines: from to", cfg->links);
    return e;
}

/* ---- the graph ---- */

/* A port for every link that goes out, and one for the core: routers that pass nothing on. */
static uint32_t exit_direct(const struct graph *g, uint32_t router, uint32_t node)
{
    const uint32_t *peer = &g->peer[(size_t)router * g->n_port];

    if (router == node)
        return 0;
    for (uint32_t p = 1; p < g->n_port && peer[p] != GRAPH_NONE; p++)
        if (peer[p] / g->n_port == node)
            return p;
    return GRAPH_NONE;
}

static void sort(struct links *l)
{
    uint32_t n = 0;

    qsort(l->link, l->n, sizeof *l->link, by_length);
    for (uint32_t i = 0; i < l->n; i++)
        if (n == 0 || by_ends(&l->link[n - 1], &l->link[i]) != 0)
            l->link[n++] = l->link[i];
    l->n = n;
}

static uint32_t most_of_one(const struct links *l)
{
    uint32_t most = 0, n = 0;

    for (uint32_t i = 0; i < l->n; i++) {
        n = i > 0 && l->link[i - 1].from == l->link[i].from ? n + 1 : 1;
        most = max_u32(most, n);
    }
    return most;
}

/* A link ends at the port of its other end's core: nobody sends back by it. */
static enum err make(struct graph *g, const struct links *l, const struct fabric_cfg *cfg,
                     struct err_msg *m)
{
    uint32_t n = cfg->rows * cfg->columns, port = 0;
    enum err e = graph_init(g, n, 1 + most_of_one(l), n, m);

    if (e)
        return e;
    g->rows = cfg->rows;
    g->columns = cfg->columns;
    g->exit = exit_direct;
    g->halves = calloc((size_t)n * g->n_port, sizeof *g->halves);
    if (!g->halves) {
        graph_release(g);
        return err_set(m, ERR_MEMORY, "no memory for links");
    }
    for (uint32_t i = 0; i < n; i++)
        graph_attach(g, i, i * g->n_port);
    for (uint32_t i = 0; i < l->n; i++) {
        port = i > 0 && l->link[i - 1].from == l->link[i].from ? port + 1 : 1;
        g->peer[l->link[i].from * g->n_port + port] = l->link[i].to * g->n_port;
        g->halves[l->link[i].from * g->n_port + port] = l->link[i].halves;
    }
    return ERR_NONE;
}

static enum err graph(const struct fabric_cfg *cfg, struct graph *g, struct err_msg *m)
{
    struct links l = { 0 };
    enum err e = cfg->links[0] ? by_file(&l, cfg, m) : by_reach(&l, cfg, m);

    if (!e) {
        if (l.n > 0)
            sort(&l);
        e = make(g, &l, cfg, m);
    }
    free(l.link);
    return e;
}

static enum err route(const struct fabric_machine *machine, const struct fabric_link *link,
                      uint32_t n, struct fabric_route *out, struct err_msg *m)
{
    if (!machine->waits)
        return fabric_never_waits("adjacent", m);
    for (uint32_t i = 0; i < n; i++)
        out[i] = (struct fabric_route){
            link[i].payload == FABRIC_PARTIAL_SUMS ? machine->partial_sum_bps : machine->link_bps, 1
        };
    return ERR_NONE;
}

static uint64_t use(const struct fabric_machine *machine, const struct fabric_route *r,
                    uint64_t bits)
{
    return fabric_clocks(bits, machine->clock_hz, r->rate_bps);
}

const struct fabric fabric_adjacent = {
    .name = "adjacent", .doc = "links between near places, nothing passed on",
    .place = fabric_square, .route = route, .use = use, .build = fabric_build_channels,
    .graph = graph, .direct = true,
};
