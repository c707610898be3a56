/* import/pieces.c -- what is not rounded in between: functions of one map that exporters write in
 * pieces, such as x / 2 * (1 + Erf(x / sqrt(2))); scores on their way to Softmax. */
#include <stdlib.h>
#include <string.h>

#include "import/walk.h"

enum { MOST_BACK = 8, MOST_PIECES = 16, MOST_STEPS = 16 };

static bool is_a(const struct onnx_node *n, const char *type)
{
    return strcmp(n->proto->op_type, type) == 0;
}

static bool is_constant(const struct import *im, uint32_t v)
{
    return v == ONNX_ABSENT || im->graph->constant[v].real || im->graph->constant[v].integer;
}

/* ---- Functions in pieces ---- */

struct region { // nodes that make a function of value x
    uint32_t x, node[MOST_PIECES], n;
};

static bool makes(const struct import *im, const struct region *r, uint32_t v)
{
    for (uint32_t k = 0; k < r->n; k++)
        if (im->graph->graph.node[r->node[k]].output[0] == v)
            return true;
    return v == r->x;
}

/* Works value by value, on what the region has and on single numbers. */
static bool belongs(const struct import *im, const struct region *r, const struct onnx_node *n)
{
    bool reads = false;

    if (!float_is_elementwise(n) || n->n_output != 1)
        return false;
    for (uint32_t k = 0; k < n->n_input; k++) {
        uint32_t v = n->input[k];
        if (is_constant(im, v) ? v != ONNX_ABSENT && im->graph->constant[v].n != 1
                               : !makes(im, r, v))
            return false;
        reads |= !is_constant(im, v);
    }
    return reads;
}

/* How often nodes of the region read a value. */
static uint32_t readers_inside(const struct import *im, const struct region *r, uint32_t v)
{
    uint32_t count = 0;

    for (uint32_t k = 0; k < r->n; k++) {
        const struct onnx_node *n = &im->graph->graph.node[r->node[k]];
        for (uint32_t i = 0; i < n->n_input; i++)
            count += n->input[i] == v;
    }
    return count;
}

/* Whether nothing but the last node's result is read outside, and the function is more than that of
 * one node: by Erf, or by Tanh of a sum. */
static bool is_closed(const struct import *im, const struct region *r)
{
    bool erf = false, tanh = false, sum = false;

    for (uint32_t k = 0; k < r->n; k++) {
        const struct onnx_node *n = &im->graph->graph.node[r->node[k]];
        erf |= is_a(n, "Erf");
        tanh |= is_a(n, "Tanh");
        sum |= !tanh && (is_a(n, "Pow") || (is_a(n, "Mul") && n->input[0] == n->input[1]));
        if (k + 1 < r->n &&
            readers_inside(im, r, n->output[0]) != im->value[n->output[0]].n_reader)
            return false;
    }
    return r->n > 1 && (erf || (tanh && sum));
}

/* The most nodes behind the maker of x, in order, that make a function; n is 0 where none do. */
static void grow(const struct import *im, uint32_t x, struct region *r)
{
    const struct onnx_graph *g = &im->graph->graph;
    const bool made = g->value[x].maker == ONNX_NODE;
    uint32_t whole = 0;

    *r = (struct region){.x = x};
    for (uint32_t i = made ? g->value[x].index + 1 : 0; i < g->n_node && r->n < MOST_PIECES; i++) {
        if (!im->graph->op[i] || !belongs(im, r, &g->node[i]))
            continue;
        r->node[r->n++] = i;
        whole = is_closed(im, r) ? r->n : whole;
    }
    r->n = whole;
}

/* Of the values that a node may be a function of, going back, that of which most nodes are. */
static void find_region(const struct import *im, uint32_t node, struct region *best)
{
    const struct onnx_graph *g = &im->graph->graph;
    uint32_t back[MOST_BACK] = {node}, n = 1;
    struct region r;

    *best = (struct region){0};
    for (uint32_t at = 0; at < n; at++) {
        const struct onnx_node *from = &g->node[back[at]];
        for (uint32_t k = 0; k < from->n_input; k++) {
            uint32_t v = from->input[k];
            if (is_constant(im, v))
                continue;
            grow(im, v, &r);
            *best = r.n > best->n ? r : *best;
            if (g->value[v].maker == ONNX_NODE && n < MOST_BACK &&
                float_is_elementwise(&g->node[g->value[v].index]))
                back[n++] = g->value[v].index;
        }
    }
}

/* ---- Norms in pieces ---- */

/* The node that makes input k of n, if it is of this type; NULL: it is another. */
static const struct onnx_node *made_by(const struct import *im, const struct onnx_node *n,
                                       uint32_t k, const char *type)
{
    const struct onnx_graph *g = &im->graph->graph;

    if (!n || k >= n->n_input || n->input[k] == ONNX_ABSENT ||
        g->value[n->input[k]].maker != ONNX_NODE)
        return NULL;
    const struct onnx_node *from = &g->node[g->value[n->input[k]].index];
    return is_a(from, type) ? from : NULL;
}

/* The node behind, if it is the only one, of this type and with a constant besides. */
static const struct onnx_node *then(const struct import *im, const struct onnx_node *n,
                                    const char *type)
{
    const struct onnx_node *next = import_only_reader(im, n);

    return next && is_a(next, type) && next->n_input == 2 &&
                   is_constant(im, next->input[0]) != is_constant(im, next->input[1])
               ? next
               : NULL;
}

/* (x - mean) / sqrt(mean of its squares + epsilon), times a gain, plus an offset, around Sqrt. */
static void mark_norm(struct import *im, const struct onnx_node *root)
{
    const struct onnx_graph *g = &im->graph->graph;
    const struct onnx_node *sum = made_by(im, root, 0, "Add");
    const struct onnx_node *mean = made_by(im, sum, 0, "ReduceMean");
    const struct onnx_node *square = made_by(im, mean, 0, "Pow");
    square = square ? square : made_by(im, mean, 0, "Mul");
    const struct onnx_node *less = made_by(im, square, 0, "Sub");
    const struct onnx_node *first = made_by(im, less, 1, "ReduceMean");
    const struct onnx_node *by = import_only_reader(im, root);

    if (!first || first->input[0] != less->input[0] || !is_constant(im, sum->input[1]) || !by ||
        !is_a(by, "Div") || by->input[0] != less->output[0])
        return;
    const struct onnx_node *gain = then(im, by, "Mul");
    const struct onnx_node *offset = gain ? then(im, gain, "Add") : NULL;
    const struct onnx_node *all[] = {first, less, square, mean, sum, root, by, gain, offset};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (all[k])
            im->piece[all[k] - g->node] = IMPORT_INNER;
    im->piece[(offset ? offset : gain ? gain : by) - g->node] = IMPORT_LAST;
}

void import_find_pieces(struct import *im)
{
    const struct onnx_graph *g = &im->graph->graph;
    struct region r;

    for (uint32_t i = 0; i < g->n_node; i++)
        if (im->graph->op[i] && is_a(&g->node[i], "Sqrt"))
            mark_norm(im, &g->node[i]);
    for (uint32_t i = 0; i < g->n_node; i++) {
        if (!im->graph->op[i] || im->piece[i] != IMPORT_WHOLE ||
            (!is_a(&g->node[i], "Erf") && !is_a(&g->node[i], "Tanh")))
            continue;
        find_region(im, i, &r);
        for (uint32_t k = 0; k < r.n; k++)
            im->piece[r.node[k]] = k + 1 < r.n ? IMPORT_INNER : IMPORT_LAST;
    }
}

/* ---- Scores ---- */

/* Whether a node reads one value that an image changes. */
static bool reads_one(const struct import *im, const struct onnx_node *n)
{
    uint32_t count = 0;

    for (uint32_t k = 0; k < n->n_input; k++)
        count += !is_constant(im, n->input[k]);
    return count == 1;
}

static bool is_one_of(const struct onnx_node *n, const char *const *list)
{
    for (; *list; list++)
        if (is_a(n, *list))
            return true;
    return false;
}

static const char *const moved[] = {"Cast", "Expand", "Identity", "Reshape", "Squeeze",
                                    "Transpose", "Unsqueeze", NULL};

bool import_leads_to_product(const struct import_walk *w)
{
    const struct onnx_node *n = import_only_reader(w->im, w->node);

    for (int k = 0; k < MOST_STEPS && n && is_one_of(n, moved); k++)
        n = import_only_reader(w->im, n);
    return n && is_a(n, "MatMul") && !reads_one(w->im, n);
}

bool import_leads_to_scores(const struct import_walk *w)
{
    static const char *const scores[] = {"Add", "Div", "Mul", "Sub", "Tanh", "Where", NULL};
    static const char *const factors[] = {"Div", "Mul", "RotaryEmbedding", NULL};
    const struct onnx_node *n = w->node;
    bool factor = true; // so far: what a query or a key may be multiplied by

    for (int k = 0; k < MOST_STEPS && n; k++) {
        const bool is_moved = is_one_of(n, moved);
        factor &= is_moved || is_one_of(n, factors);
        if ((!is_moved && !is_one_of(n, scores) && !factor) || !reads_one(w->im, n))
            return false;
        n = import_only_reader(w->im, n);
        if (n && is_a(n, "Softmax"))
            return true;
        if (n && is_a(n, "MatMul"))
            return factor && !reads_one(w->im, n);
    }
    return false;
}
