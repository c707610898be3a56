/* nir/graph.c -- see graph.h. */
#include "nir/graph.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct edge {
    uint32_t from, to;
};

struct reading { // of a file
    struct nir_graph *graph;
    uint32_t          node_room;
    struct edge      *edge; // owned
    size_t            n_edge, edge_room;
    struct err_msg   *msg;
};

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the graph");
}

const struct nir_dataset *nir_field(const struct nir_graph *g, uint32_t node, const char *name)
{
    return nir_file_find(&g->file, g->node[node].group, name);
}

/* The type of a group, "" without one. */
static const char *type_of(const struct nir_graph *g, const char *group)
{
    const struct nir_dataset *d = nir_file_find(&g->file, group, "type");

    return d && d->text && d->n == 1 ? d->text[0] : "";
}

/* ---- nodes ---- */

static enum err add_node(struct reading *r, const char *name, const char *group, const char *type)
{
    struct nir_graph *g = r->graph;

    if (g->n_node == NIR_MOST_NODES)
        return err_set(r->msg, ERR_INPUT, "more than %d nodes: want fewer", NIR_MOST_NODES);
    if (strlen(type) >= NIR_MOST_TYPE)
        return err_set(r->msg, ERR_INPUT, "node %.100s: type %.40s...: want a node of NIR", name,
                       type);
    if (g->n_node == r->node_room) {
        uint32_t room = r->node_room ? 2 * r->node_room : 64;
        struct nir_node *all = realloc(g->node, room * sizeof *all);
        if (!all)
            return no_memory(r->msg);
        g->node = all;
        r->node_room = room;
    }
    struct nir_node *node = &g->node[g->n_node++];
    *node = (struct nir_node){ .name = strdup(name), .group = strdup(group) };
    strcpy(node->type, type);
    return node->name && node->group ? ERR_NONE : no_memory(r->msg);
}

/* The name below "GROUP/nodes/" of a dataset's path, and its length; NULL: it lies elsewhere. */
static const char *child_of(const char *path, const char *group, size_t *n)
{
    size_t skip = strlen(group);

    if (strncmp(path, group, skip) != 0 || strncmp(path + skip, "/nodes/", 7) != 0)
        return NULL;
    const char *slash = strchr(path + skip + 7, '/');
    *n = slash ? (size_t)(slash - (path + skip + 7)) : 0;
    return slash ? path + skip + 7 : NULL;
}

static enum err add_graph(struct reading *r, const char *group, const char *prefix);

static enum err add_child(struct reading *r, const char *group, const char *prefix,
                          const char *child, size_t n)
{
    char path[2 * NIR_MOST_PATH], name[2 * NIR_MOST_PATH];

    snprintf(path, sizeof path, "%s/nodes/%.*s", group, (int)n, child);
    snprintf(name, sizeof name, "%s%.*s", prefix, (int)n, child);
    const char *type = type_of(r->graph, path);
    if (strcmp(type, "NIRGraph") != 0)
        return add_node(r, name, path, type);
    strcat(name, ".");
    return add_graph(r, path, name);
}

/* ---- edges ---- */

/* The node called "PREFIX NAME"; of a graph so called, what comes into it or goes out of it. */
static uint32_t end_of(const struct nir_graph *g, const char *prefix, const char *name,
                       const char *gate)
{
    const size_t n_prefix = strlen(prefix), n_name = strlen(name);

    for (uint32_t i = 0; i < g->n_node; i++) {
        const char *at = g->node[i].name;
        if (strncmp(at, prefix, n_prefix) != 0 || strncmp(at + n_prefix, name, n_name) != 0)
            continue;
        at += n_prefix + n_name;
        if (*at == '\0' ||
            (*at == '.' && !strchr(at + 1, '.') && strcmp(g->node[i].type, gate) == 0))
            return i;
    }
    return UINT32_MAX;
}

static enum err add_edge(struct reading *r, const char *prefix, const char *from, const char *to)
{
    const struct edge e = { end_of(r->graph, prefix, from, "Output"),
                            end_of(r->graph, prefix, to, "Input") };

    if (e.from == UINT32_MAX || e.to == UINT32_MAX)
        return err_set(r->msg, ERR_INPUT, "an edge from %.100s%.100s to %.100s%.100s: there is no "
                       "node %.100s: want edges between nodes", prefix, from, prefix, to,
                       e.from == UINT32_MAX ? from : to);
    if (r->n_edge == r->edge_room) {
        size_t room = r->edge_room ? 2 * r->edge_room : 64;
        struct edge *all = realloc(r->edge, room * sizeof *all);
        if (!all)
            return no_memory(r->msg);
        r->edge = all;
        r->edge_room = room;
    }
    r->edge[r->n_edge++] = e;
    return ERR_NONE;
}

static enum err add_edges(struct reading *r, const char *group, const char *prefix)
{
    const struct nir_dataset *d = nir_file_find(&r->graph->file, group, "edges");
    enum err e = ERR_NONE;

    if (!d || !d->text || d->n % 2 != 0)
        return err_set(r->msg, ERR_INPUT, "%.200s/edges: want pairs of names", group);
    for (size_t i = 0; i < d->n && !e; i += 2)
        e = add_edge(r, prefix, d->text[i], d->text[i + 1]);
    return e;
}

/* Nodes and edges of a graph and of those in it. */
static enum err add_graph(struct reading *r, const char *group, const char *prefix)
{
    const struct nir_file *f = &r->graph->file;
    const char *before = "", *child;
    size_t n_before = 0, n = 0;
    enum err e = ERR_NONE;

    for (size_t i = 0; i < f->n_dataset && !e; i++) { // sorted: the fields of a node follow
        child = child_of(f->dataset[i].path, group, &n); // one another
        if (!child || (n == n_before && memcmp(child, before, n) == 0))
            continue;
        e = add_child(r, group, prefix, child, n);
        before = child;
        n_before = n;
    }
    return e ? e : add_edges(r, group, prefix);
}

/* ---- order ---- */

static enum err take_sources(struct reading *r)
{
    struct nir_graph *g = r->graph;

    for (size_t i = 0; i < r->n_edge; i++)
        g->node[r->edge[i].to].n_from++;
    for (uint32_t i = 0; i < g->n_node; i++) {
        g->node[i].from = calloc(g->node[i].n_from + 1, sizeof *g->node[i].from);
        if (!g->node[i].from)
            return no_memory(r->msg);
        g->node[i].n_from = 0;
    }
    for (size_t i = 0; i < r->n_edge; i++) {
        struct nir_node *to = &g->node[r->edge[i].to];
        to->from[to->n_from++] = r->edge[i].from;
    }
    return ERR_NONE;
}

static bool is_ready(const struct nir_node *n, const uint32_t *place)
{
    for (uint32_t i = 0; i < n->n_from; i++)
        if (place[n->from[i]] == UINT32_MAX)
            return false;
    return true;
}

static enum err refuse_loop(const struct nir_graph *g, const uint32_t *place, struct err_msg *m)
{
    for (uint32_t i = 0; i < g->n_node; i++)
        if (place[i] == UINT32_MAX)
            return err_set(m, ERR_INPUT, "node %.100s (%.40s): is fed by what it feeds: want a "
                           "graph that is not recurrent", g->node[i].name, g->node[i].type);
    return ERR_NONE;
}

/* place[i]: where node i comes, each behind all that it reads. */
static enum err find_places(const struct nir_graph *g, uint32_t *place, struct err_msg *m)
{
    uint32_t n_placed = 0, before;

    memset(place, 0xff, g->n_node * sizeof *place);
    do {
        before = n_placed;
        for (uint32_t i = 0; i < g->n_node; i++)
            if (place[i] == UINT32_MAX && is_ready(&g->node[i], place))
                place[i] = n_placed++;
    } while (n_placed > before);
    return n_placed == g->n_node ? ERR_NONE : refuse_loop(g, place, m);
}

static enum err put_in_order(struct nir_graph *g, struct err_msg *m)
{
    uint32_t *place = malloc((g->n_node + 1) * sizeof *place);
    struct nir_node *node = malloc((g->n_node + 1) * sizeof *node);
    enum err e = place && node ? find_places(g, place, m) : no_memory(m);

    for (uint32_t i = 0; i < g->n_node && !e; i++) {
        for (uint32_t k = 0; k < g->node[i].n_from; k++)
            g->node[i].from[k] = place[g->node[i].from[k]];
        node[place[i]] = g->node[i];
    }
    if (!e)
        memcpy(g->node, node, g->n_node * sizeof *node);
    free(place);
    free(node);
    return e;
}

static enum err read_graph(struct reading *r)
{
    enum err e;

    if (strcmp(type_of(r->graph, "/node"), "NIRGraph") != 0)
        return err_set(r->msg, ERR_INPUT, "holds no graph of NIR at /node: want a file that "
                       "nir.write() wrote");
    e = add_graph(r, "/node", "");
    if (!e && r->graph->n_node == 0)
        e = err_set(r->msg, ERR_INPUT, "a graph without nodes: want one that computes");
    if (!e)
        e = take_sources(r);
    return e ? e : put_in_order(r->graph, r->msg);
}

enum err nir_graph_make(struct nir_graph *g, struct nir_file *f, struct err_msg *m)
{
    struct reading r = { .graph = g, .msg = m };

    *g = (struct nir_graph){ .file = *f };
    *f = (struct nir_file){ 0 };
    enum err e = read_graph(&r);
    free(r.edge);
    if (e)
        nir_graph_release(g);
    return e;
}

enum err nir_graph_load(struct nir_graph *g, const char *path, struct err_msg *m)
{
    struct nir_file f;
    enum err e = nir_file_read(&f, path, m);

    *g = (struct nir_graph){ 0 };
    if (e)
        return e;
    e = nir_graph_make(g, &f, m);
    if (e)
        err_prefix(m, path);
    return e;
}

void nir_graph_release(struct nir_graph *g)
{
    for (uint32_t i = 0; i < g->n_node; i++) {
        free(g->node[i].name);
        free(g->node[i].group);
        free(g->node[i].from);
    }
    free(g->node);
    nir_file_release(&g->file);
    *g = (struct nir_graph){ 0 };
}
