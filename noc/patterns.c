/* noc/patterns.c -- who sends to whom; see traffic.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/lines.h"
#include "core/yaml.h"
#include "noc/traffic.h"

/* floor(random * n / 2^64). */
static uint64_t below(uint64_t random, uint64_t n)
{
    __extension__ typedef unsigned __int128 u128;

    return (uint64_t)((u128)random * n >> 64);
}

static uint32_t uniform(const struct traffic *t, const struct graph *g, uint32_t from,
                        uint64_t random)
{
    if (!t->exclude_self || g->n_node == 1)
        return (uint32_t)below(random, g->n_node);
    uint32_t to = (uint32_t)below(random, g->n_node - 1);
    return to < from ? to : to + 1;
}

static enum err is_square(const struct graph *g, struct err_msg *m)
{
    if (g->rows == g->columns)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "fabric.rows = %" PRIu32 ", fabric.columns = %" PRIu32
                   ": want as many columns as rows", g->rows, g->columns);
}

static enum err has_bits(const struct graph *g, struct err_msg *m)
{
    if ((g->n_node & (g->n_node - 1)) == 0)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "fabric.rows = %" PRIu32 ", fabric.columns = %" PRIu32
                   ": want powers of 2", g->rows, g->columns);
}

static uint32_t transpose(const struct traffic *t, const struct graph *g, uint32_t from,
                          uint64_t random)
{
    (void)t;
    (void)random;
    return from % g->columns * g->columns + from / g->columns;
}

static uint32_t neighbor(const struct traffic *t, const struct graph *g, uint32_t from,
                         uint64_t random)
{
    (void)t;
    (void)random;
    return (from / g->columns + 1) % g->rows * g->columns + (from % g->columns + 1) % g->columns;
}

static uint32_t tornado(const struct traffic *t, const struct graph *g, uint32_t from,
                        uint64_t random)
{
    uint32_t row = from / g->columns + (g->rows + 1) / 2 - 1;
    uint32_t column = from % g->columns + (g->columns + 1) / 2 - 1;

    (void)t;
    (void)random;
    return row % g->rows * g->columns + column % g->columns;
}

/* Of a node's number, of so many bits as there are nodes. */
static uint32_t bit_complement(const struct traffic *t, const struct graph *g, uint32_t from,
                               uint64_t random)
{
    (void)t;
    (void)random;
    return g->n_node - 1 - from;
}

static uint32_t bit_reverse(const struct traffic *t, const struct graph *g, uint32_t from,
                            uint64_t random)
{
    uint32_t to = 0;

    (void)t;
    (void)random;
    for (uint32_t bit = 1; bit < g->n_node; bit *= 2, from /= 2)
        to = 2 * to + from % 2;
    return to;
}

static uint32_t shuffle(const struct traffic *t, const struct graph *g, uint32_t from,
                        uint64_t random)
{
    (void)t;
    (void)random;
    return from < g->n_node / 2 ? 2 * from : 2 * from + 1 - g->n_node;
}

const struct traffic_pattern traffic_patterns[] = {
    { "uniform", "to any node alike", NULL, uniform },
    { "transpose", "from row r, column c to row c, column r", is_square, transpose },
    { "neighbor", "one row and one column on, the last to the first", NULL, neighbor },
    { "tornado", "nearly half of the rows and of the columns on", NULL, tornado },
    { "bitcomp", "to the node whose number has all other bits", has_bits, bit_complement },
    { "bitrev", "to the node whose number has the bits in reverse", has_bits, bit_reverse },
    { "shuffle", "to the node whose number has the bits one to the left, in a circle", has_bits,
      shuffle },
    { NULL, NULL, NULL, NULL },
};

/* ---- flows of a file ---- */

static uint32_t by_flow(const struct traffic *t, const struct graph *g, uint32_t from,
                        uint64_t random)
{
    const struct traffic_flows *f = &t->flows;
    uint32_t low = f->first[from], high = f->first[from + 1];

    (void)g;
    if (low == high)
        return from;
    uint64_t drawn = below(random, f->flow[high - 1].up_to);
    while (low + 1 < high) { // the first whose up_to is above
        uint32_t middle = low + (high - low - 1) / 2;
        if (f->flow[middle].up_to > drawn)
            high = middle + 1;
        else
            low = middle + 1;
    }
    return f->flow[low].to;
}

static const struct traffic_pattern of_file = { "flows", "of a file", NULL, by_flow };

static enum err read_line(struct traffic_flow *f, const struct graph *g, char *line,
                          struct err_msg *m)
{
    static const char space[] = " \t\r\n,";
    uint64_t value[3] = { 0, 0, 1 };
    int n = 0;
    char *rest = NULL;

    line[strcspn(line, "#")] = '\0';
    for (char *word = strtok_r(line, space, &rest); word; word = strtok_r(NULL, space, &rest), n++)
        if (n == 3 || !yaml_decimal(word, 0, &value[n]))
            return err_set(m, ERR_INPUT, "%.40s: want: from to [weight], whole numbers", word);
    if (n == 1)
        return err_set(m, ERR_INPUT, "%" PRIu64 " alone: want: from to [weight]", value[0]);
    for (int i = 0; i < 2; i++)
        if (value[i] >= g->n_node)
            return err_set(m, ERR_INPUT, "node %" PRIu64 ": want 0 to %" PRIu32, value[i],
                           g->n_node - 1);
    if (value[2] < 1 || value[2] > UINT32_MAX)
        return err_set(m, ERR_INPUT, "weight %" PRIu64 ": want 1 to %" PRIu32, value[2],
                       UINT32_MAX);
    *f = (struct traffic_flow){ (uint32_t)value[0], (uint32_t)value[1], n ? value[2] : 0, 0 };
    return ERR_NONE;
}

static enum err add(struct traffic_flows *f, const struct traffic_flow *flow, struct err_msg *m)
{
    enum { MOST = 1 << 24 };

    if (f->n == MOST)
        return err_set(m, ERR_INPUT, "want at most %d lines", MOST);
    if ((f->n & (f->n - 1)) == 0) { // full at every power of 2
        struct traffic_flow *more = realloc(f->flow, (f->n ? 2 * f->n : 1) * sizeof *more);
        if (!more)
            return err_set(m, ERR_MEMORY, "no memory for flows");
        f->flow = more;
    }
    f->flow[f->n++] = *flow;
    return ERR_NONE;
}

static int by_node(const void *a, const void *b)
{
    const struct traffic_flow *x = a, *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

static enum err index_flows(struct traffic_flows *f, const struct graph *g, struct err_msg *m)
{
    f->first = calloc((size_t)g->n_node + 1, sizeof *f->first);
    if (!f->first)
        return err_set(m, ERR_MEMORY, "no memory for flows");
    if (f->n == 0)
        return err_set(m, ERR_INPUT, "no flows: want lines: from to [weight]");
    qsort(f->flow, f->n, sizeof *f->flow, by_node);
    for (uint32_t i = 0, node = 0; i < f->n; i++) {
        bool goes_on = i > 0 && f->flow[i - 1].from == f->flow[i].from;
        f->flow[i].up_to = f->flow[i].weight + (goes_on ? f->flow[i - 1].up_to : 0);
        while (node <= f->flow[i].from)
            f->first[node++] = i;
        for (uint32_t later = node; i + 1 == f->n && later <= g->n_node; later++)
            f->first[later] = f->n;
    }
    return ERR_NONE;
}

struct flow_list {
    struct traffic     *traffic;
    const struct graph *graph;
};

static enum err take_flow(void *user, char *line, struct err_msg *m)
{
    const struct flow_list *list = user;
    struct traffic_flow flow = { 0 };
    enum err e = read_line(&flow, list->graph, line, m);
    bool skipped = flow.weight == 0 || (list->traffic->exclude_self && flow.from == flow.to);

    return e || skipped ? e : add(&list->traffic->flows, &flow, m);
}

static enum err no_file(const char *path, int why, struct err_msg *m)
{
    char names[256];
    size_t n = 0;

    for (const struct traffic_pattern *p = traffic_patterns; p->name && n < sizeof names; p++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", p->name);
    return err_set(m, ERR_INPUT, "%.400s: cannot open: %s: want %s or a file", path, strerror(why),
                   names);
}

static enum err read_flows(struct traffic *t, const char *path, const struct graph *g,
                           struct err_msg *m)
{
    FILE *in = fopen(path, "r");
    struct flow_list list = { t, g };

    if (!in)
        return no_file(path, errno, m);
    enum err e = lines_read(in, path, take_flow, &list, m);
    fclose(in);
    if (!e && (e = index_flows(&t->flows, g, m)) != ERR_NONE)
        err_prefix(m, path);
    return e;
}

enum err traffic_find(struct traffic *t, const char *word, const struct graph *g,
                      struct err_msg *m)
{
    t->flows = (struct traffic_flows){ 0 };
    for (const struct traffic_pattern *p = traffic_patterns; p->name; p++)
        if (strcmp(p->name, word) == 0) {
            t->pattern = p;
            enum err e = p->check ? p->check(g, m) : ERR_NONE;
            if (e)
                err_prefix(m, p->name);
            return e;
        }
    t->pattern = &of_file;
    enum err e = read_flows(t, word, g, m);
    if (e)
        traffic_release(t);
    return e;
}

void traffic_release(struct traffic *t)
{
    free(t->flows.flow);
    free(t->flows.first);
    t->flows = (struct traffic_flows){ 0 };
}
