/* onnx/rewrite/order.c -- see order.h. A search in depth, from each node in the file's order, that
 * puts a node behind all it reads; without recursion, for a file may be one long chain. */
#include "onnx/rewrite/order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct result {
    const char *name;
    size_t      node; // that makes it
};

struct search {
    const Onnx__GraphProto *graph;
    struct result          *result; // by name
    size_t                  n_result;
    bool                   *seen;
    size_t                 *next; // input of a node that is looked at next
    size_t                 *path; // nodes that wait for what they read
    Onnx__NodeProto       **sorted;
};

static int by_name(const void *a, const void *b)
{
    const struct result *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static bool alloc(struct search *s, const Onnx__GraphProto *g)
{
    size_t n = 1;

    *s = (struct search){ .graph = g };
    for (size_t i = 0; i < g->n_node; i++)
        n += g->node[i]->n_output;
    s->result = calloc(n, sizeof *s->result);
    s->seen = calloc(g->n_node + 1, sizeof *s->seen);
    s->next = calloc(g->n_node + 1, sizeof *s->next);
    s->path = calloc(g->n_node + 1, sizeof *s->path);
    s->sorted = calloc(g->n_node + 1, sizeof *s->sorted);
    return s->result && s->seen && s->next && s->path && s->sorted;
}

static void release(struct search *s)
{
    free(s->result);
    free(s->seen);
    free(s->next);
    free(s->path);
    free(s->sorted);
}

/* A result that is left out has no name. */
static void collect(struct search *s)
{
    for (size_t i = 0; i < s->graph->n_node; i++)
        for (size_t k = 0; k < s->graph->node[i]->n_output; k++) {
            const char *name = s->graph->node[i]->output[k];
            if (name && *name)
                s->result[s->n_result++] = (struct result){ name, i };
        }
    qsort(s->result, s->n_result, sizeof *s->result, by_name);
}

/* Puts the node that makes `name` on the path, which has n; returns how many it has then. */
static size_t follow(struct search *s, const char *name, size_t n)
{
    const struct result key = { name ? name : "", 0 };
    const struct result *r = bsearch(&key, s->result, s->n_result, sizeof key, by_name);

    if (!r || s->seen[r->node])
        return n;
    s->seen[r->node] = true;
    s->path[n] = r->node;
    return n + 1;
}

/* The node and all that it reads, but for those that were put already. */
static void put(struct search *s, size_t node, size_t *n_sorted)
{
    size_t n = 1;

    s->path[0] = node;
    s->seen[node] = true;
    while (n > 0) {
        const size_t at = s->path[n - 1];
        Onnx__NodeProto *p = s->graph->node[at];
        if (s->next[at] < p->n_input) {
            n = follow(s, p->input[s->next[at]++], n);
        } else {
            s->sorted[(*n_sorted)++] = p;
            n--;
        }
    }
}

enum err onnx_order_nodes(Onnx__GraphProto *g, struct err_msg *m)
{
    struct search s;
    size_t n = 0;
    const bool has_room = alloc(&s, g);

    if (has_room) {
        collect(&s);
        for (size_t i = 0; i < g->n_node; i++)
            if (!s.seen[i])
                put(&s, i, &n);
        if (n > 0)
            memcpy(g->node, s.sorted, n * sizeof *g->node);
    }
    release(&s);
    return has_room ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for the order of nodes");
}
