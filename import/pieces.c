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

static bool is_one_of(const struct onnx_node *n, const char *const *list)
{
    for (; *list; list++)
        if (is_a(n, *list))
            return true;
    return false;
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

static bool is_single(const struct import *im, const struct onnx_node *n, uint32_t k)
{
    return n->input[k] != ONNX_ABSENT && im->graph->constant[n->input[k]].real &&
           im->graph->constant[n->input[k]].n == 1;
}

/* Reciprocal, or a Div of 1. */
static bool inverts(const struct import *im, const struct onnx_node *n)
{
    return is_a(n, "Reciprocal") || (is_a(n, "Div") && is_single(im, n, 0) &&
                                     im->graph->constant[n->input[0]].real[0] == 1);
}

/* The node that divides value x by the root: Div, or Mul by the inverse, which is *inverse. */
static const struct onnx_node *divides(const struct import *im, uint32_t x,
                                       const struct onnx_node *root,
                                       const struct onnx_node **inverse)
{
    const struct onnx_node *by = import_only_reader(im, root);

    *inverse = by && inverts(im, by) ? by : NULL;
    if (!*inverse)
        return by && is_a(by, "Div") && by->input[0] == x ? by : NULL;
    by = import_only_reader(im, *inverse);
    return by && is_a(by, "Mul") && (by->input[0] == x || by->input[1] == x) ? by : NULL;
}

/* Around Sqrt: x / sqrt(mean of its squares + epsilon), times a gain, plus an offset; x may be a
 * map less its mean. */
static void mark_norm(struct import *im, const struct onnx_node *root)
{
    const struct onnx_graph *g = &im->graph->graph;
    const struct onnx_node *sum = made_by(im, root, 0, "Add");
    const uint32_t at = sum && is_single(im, sum, 0) ? 1 : 0;
    const struct onnx_node *mean = made_by(im, sum, at, "ReduceMean");
    const struct onnx_node *power = made_by(im, mean, 0, "Pow");
    const struct onnx_node *square = power ? power : made_by(im, mean, 0, "Mul");

    if (!square || !is_single(im, sum, 1 - at) ||
        !(power ? is_constant(im, square->input[1]) : square->input[0] == square->input[1]))
        return;
    const struct onnx_node *less = made_by(im, square, 0, "Sub");
    const struct onnx_node *first = made_by(im, less, 1, "ReduceMean"), *inverse;
    const struct onnx_node *by = divides(im, square->input[0], root, &inverse);
    if (!by)
        return;
    if (!first || first->input[0] != less->input[0])
        first = less = NULL; // the root mean square
    const struct onnx_node *gain = then(im, by, "Mul");
    const struct onnx_node *offset = gain ? then(im, gain, "Add") : NULL;
    const struct onnx_node *all[] = { first, less, square, mean, sum, root, inverse, by, gain,
                                      offset };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (all[k])
            im->piece[all[k] - g->node] = IMPORT_INNER;
    im->piece[(offset ? offset : gain ? gain : by) - g->node] = IMPORT_LAST;
}

/* ---- Rotary positions in pieces ---- */

/* A Mul of value *of, which images change, and a constant. */
static const struct onnx_node *by_constant(const struct import *im, const struct onnx_node *n,
                                           uint32_t k, uint32_t *of)
{
    const struct onnx_node *mul = made_by(im, n, k, "Mul");

    if (!mul || is_constant(im, mul->input[0]) == is_constant(im, mul->input[1]))
        return NULL;
    *of = mul->input[is_constant(im, mul->input[0]) ? 1 : 0];
    return mul;
}

/* Gathers the nodes that make value v of parts of x, moved and with another sign; parts keep the
 * scale of x, and are no pieces. */
static bool comes_from(const struct import *im, uint32_t v, struct region *r)
{
    static const char *const parts[] = { "Gather", "Slice", "Split", NULL };
    static const char *const moves[] = { "Concat", "Mul", "Neg", "Reshape", "Squeeze", "Transpose",
                                         "Unsqueeze", NULL };
    const struct onnx_graph *g = &im->graph->graph;
    const struct onnx_node *n = g->value[v].maker == ONNX_NODE ? &g->node[g->value[v].index] : NULL;

    if (!n || v == r->x)
        return v == r->x;
    if (is_one_of(n, parts))
        return comes_from(im, n->input[0], r);
    if (!is_one_of(n, moves) || r->n == MOST_PIECES || !import_only_reader(im, n))
        return false;
    r->node[r->n++] = g->value[v].index;
    bool varies = false;
    for (uint32_t k = 0; k < n->n_input; k++) {
        if (is_constant(im, n->input[k]))
            continue;
        if (!comes_from(im, n->input[k], r))
            return false;
        varies = true;
    }
    return varies;
}

/* x * cosines + moved * sines: only the sum is rounded. */
static void mark_rotation(struct import *im, const struct onnx_node *add)
{
    const struct onnx_graph *g = &im->graph->graph;

    for (uint32_t straight = 0; straight < 2 && add->n_input == 2; straight++) {
        struct region r = { .n = 0 };
        uint32_t moved;
        const struct onnx_node *cosines = by_constant(im, add, straight, &r.x);
        const struct onnx_node *sines = by_constant(im, add, 1 - straight, &moved);
        if (!cosines || !sines || moved == r.x || import_only_reader(im, cosines) != add ||
            import_only_reader(im, sines) != add || !comes_from(im, moved, &r))
            continue;
        for (uint32_t k = 0; k < r.n; k++)
            im->piece[r.node[k]] = IMPORT_INNER;
        im->piece[cosines - g->node] = im->piece[sines - g->node] = IMPORT_INNER;
        im->piece[add - g->node] = IMPORT_LAST;
        return;
    }
}

void import_find_pieces(struct import *im)
{
    const struct onnx_graph *g = &im->graph->graph;
    struct region r;

    for (uint32_t i = 0; i < g->n_node; i++)
        if (im->graph->op[i] && is_a(&g->node[i], "Sqrt"))
            mark_norm(im, &g->node[i]);
        else if (im->graph->op[i] && is_a(&g->node[i], "Add"))
            mark_rotation(im, &g->node[i]);
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
