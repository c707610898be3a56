/* import/op_scale.c -- BatchNormalization, and Add, Sub, Mul, Div with constants: they go
 * into the weights and biases of the Conv or Gemm in front, or of another scaling; on a map that is
 * rounded they begin one. Add, Sub and Mul of two maps. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "import/walk.h"

/* Output o becomes output * factor + offset. */
static void fold(struct import_node *n, uint32_t o, double factor, double offset)
{
    size_t rows = n->weight.n / n->weight.dim[0];

    for (size_t i = 0; i < rows; i++)
        n->weight.real[o * rows + i] = (float)((double)n->weight.real[o * rows + i] * factor);
    n->bias[o] = (float)((double)n->bias[o] * factor + offset);
}

/* Dimensions behind the one along which the constants lie: all others are 1. */
static enum err find_axis(const struct import_walk *w, const struct import_scaling *s,
                          uint32_t *behind)
{
    const struct array *out = import_out_shape(w), *c = s->shape;

    *behind = out->n_dim < 2 ? 0 : out->n_dim - 2;
    if (!c)
        return ERR_NONE;
    bool along = c->n == 1;
    for (uint32_t k = 0; k < c->n_dim && !along && c->n_dim <= out->n_dim; k++) {
        along = c->dim[k] == c->n;
        *behind = c->n_dim - 1 - k;
    }
    if (!along || out->n_dim < 2 || *behind + 1 >= out->n_dim ||
        (c->n != 1 && c->n != out->dim[out->n_dim - 1 - *behind]))
        return IMPORT_REFUSE(w, "takes %zu constants: want one, or one for each output or channel",
                             c->n);
    return ERR_NONE;
}

/* A scaling of a rounded map, by 1 so far. */
static enum err start(const struct import_walk *w, uint32_t i, uint32_t behind, size_t n_constant)
{
    const struct array *out = import_out_shape(w);
    const bool one = n_constant == 1 && out->n_dim == 3; // whose channels may be the last
    const uint32_t channels = one ? 1 : out->dim[out->n_dim - 1 - behind];
    struct import_value *x;
    enum err e = import_take_map(w, i, &x);

    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_SCALE, x, NULL);
    struct import_value *v = import_new_draft(w, false);
    v->maker = (uint32_t)(n - w->im->node);
    n->behind = behind;
    n->bias = calloc(channels, sizeof *n->bias);
    if (!n->bias || !array_init(&n->weight, out->type, 1, &channels))
        return import_no_memory(w);
    for (uint32_t o = 0; o < channels; o++)
        n->weight.real[o] = 1;
    return ERR_NONE;
}

/* Whether constants with so many dimensions behind them join those of x. */
static bool joins(const struct import_walk *w, const struct import_value *x, size_t n_constant,
                  uint32_t behind)
{
    if (!import_is_open(x))
        return false;
    const struct import_node *n = &w->im->node[x->maker];
    uint32_t own = n->kind == IMPORT_SCALE    ? n->behind
                   : n->kind == IMPORT_MATMUL ? 0
                                              : import_out_shape(w)->n_dim - 2;
    return n_constant == 1 || (own == behind && n->weight.dim[0] == n_constant);
}

/* Constants that are all the same are one. */
static struct import_scaling without_repeats(const struct import_scaling *s)
{
    static const struct array one = {.n = 1};
    struct import_scaling single = {&one, 1, s->factor, s->offset};

    for (size_t o = 0; o < s->n; o++)
        if (s->factor[o] != s->factor[0] || s->offset[o] != s->offset[0])
            return *s;
    return s->n > 0 ? single : *s;
}

enum err import_scale(const struct import_walk *w, uint32_t i, const struct import_scaling *given)
{
    const struct import_scaling single = without_repeats(given), *s = &single;
    struct import_value *x = import_input(w, i), *v;
    uint32_t behind;
    enum err e = find_axis(w, s, &behind);

    for (size_t o = 0; o < s->n && !e; o++)
        if (!isfinite(s->factor[o]) || !isfinite(s->offset[o])) {
            w->im->unsound = true;
            e = IMPORT_REFUSE(w, "constant %zu makes a factor of %g and an offset of %g: want "
                              "finite numbers", o, s->factor[o], s->offset[o]);
        }
    if (!e && !x->known)
        e = IMPORT_REFUSE(w, "input %" PRIu32 " is not a map of the network: want one made by the "
                          "nodes before", i);
    if (!e && import_out_shape(w)->n != import_in_shape(w, i)->n)
        e = IMPORT_REFUSE(w, "spreads a map over a larger one: want constants for its channels");
    if (!e && joins(w, x, s->n, behind)) {
        v = import_replace(w, x);
        w->im->node[v->maker].out = import_index(w, v);
    } else if (!e) {
        e = start(w, i, behind, s->n);
    }
    if (e)
        return e;
    struct import_node *n = &w->im->node[w->im->value[w->node->output[0]].maker];
    for (uint32_t o = 0; o < n->weight.dim[0]; o++)
        fold(n, o, s->factor[s->n == 1 ? 0 : o], s->offset[s->n == 1 ? 0 : o]);
    return ERR_NONE;
}

static enum err allocate(const struct import_walk *w, struct import_scaling *s, size_t n)
{
    s->n = n;
    s->factor = malloc((n + 1) * sizeof *s->factor);
    s->offset = malloc((n + 1) * sizeof *s->offset);
    return s->factor && s->offset ? ERR_NONE : import_no_memory(w);
}

static enum err visit_batch_normalization(const struct import_walk *w)
{
    struct import_scaling s = {0};
    double epsilon = 1e-5;
    enum err e = onnx_attr_float(w->node, "epsilon", &epsilon, w->msg);

    for (uint32_t i = 1; i < 5 && !e; i++)
        if (!import_constant(w, i) || import_constant(w, i)->n != import_out_shape(w)->dim[1])
            e = IMPORT_REFUSE(w, "input %" PRIu32 " is not constant: want a model for inference",
                              i);
        else
            e = import_check_finite(w, "constant", import_constant(w, i));
    if (!e)
        e = allocate(w, &s, import_out_shape(w)->dim[1]);
    for (size_t o = 0; o < s.n && !e; o++) {
        s.factor[o] = (double)import_constant(w, 1)->real[o] /
                      sqrt((double)import_constant(w, 4)->real[o] + epsilon);
        s.offset[o] = (double)import_constant(w, 2)->real[o] -
                      (double)import_constant(w, 3)->real[o] * s.factor[o];
    }
    if (!e)
        e = import_scale(w, 0, &s);
    free(s.factor);
    free(s.offset);
    return e;
}

enum arithmetic { SUM, DIFFERENCE, PRODUCT, QUOTIENT };

/* Input 1 - i is the constant c. */
static void fill(enum arithmetic op, uint32_t i, const struct array *c, struct import_scaling *s)
{
    for (size_t o = 0; o < s->n; o++) {
        double v = (double)c->real[o];
        bool reversed = op == DIFFERENCE && i == 1; // constant - map
        s->factor[o] = op == PRODUCT ? v : op == QUOTIENT ? 1 / v : reversed ? -1 : 1;
        s->offset[o] = op == PRODUCT || op == QUOTIENT ? 0 : op == DIFFERENCE && !reversed ? -v : v;
    }
}

/* Whether all values along an axis are the same. */
static bool repeats(const struct array *c, uint32_t axis)
{
    size_t behind = 1;

    for (uint32_t k = axis + 1; k < c->n_dim; k++)
        behind *= c->dim[k];
    for (size_t i = 0; i < c->n; i++)
        if (c->real[i] != c->real[i - i / behind % c->dim[axis] * behind])
            return false;
    return true;
}

/* The first value along each axis that repeats one; others as they are. */
static bool without_copies(const struct array *c, struct array *out)
{
    uint32_t dim[ONNX_MOST_DIMS];
    size_t place[ONNX_MOST_DIMS] = {0}, n = 0;

    for (uint32_t k = 0; k < c->n_dim; k++)
        dim[k] = c->n > 0 && repeats(c, k) ? 1 : c->dim[k];
    if (!array_init(out, c->type, c->n_dim, dim))
        return false;
    for (size_t i = 0; i < c->n; i++) {
        bool first = true;
        for (uint32_t k = 0; k < c->n_dim; k++)
            first &= place[k] < dim[k];
        if (first)
            out->real[n++] = c->real[i];
        for (uint32_t k = c->n_dim; k-- > 0 && ++place[k] == c->dim[k];)
            place[k] = 0;
    }
    return true;
}

bool import_are_of_tokens(const struct array *c)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < c->n_dim && c->n > 0; k++)
        n += !repeats(c, k);
    return n > 1;
}

/* Constants of channels join weights or are a scaling; of tokens they go with the node, and so do
 * those of scores. */
static enum err with_constant(const struct import_walk *w, enum arithmetic op, uint32_t i)
{
    struct array c = {0};
    struct import_scaling s = {.shape = &c};
    enum err e = import_check_finite(w, "constant", import_constant(w, 1 - i));

    if (!e && !without_copies(import_constant(w, 1 - i), &c))
        e = import_no_memory(w);
    const bool joins_weights = !e && import_is_open(import_input(w, i)) && c.n == 1;
    const bool of_tokens = !e && import_out_shape(w)->n_dim >= 3 && import_are_of_tokens(&c) &&
                           import_in_shape(w, i)->n == import_out_shape(w)->n;
    if (!e && !joins_weights && import_input(w, i)->known &&
        (of_tokens || c.n == 1 || import_out_shape(w)->n_dim == 4) && import_leads_to_scores(w)) {
        array_release(&c);
        return import_visit_loose(w);
    }
    if (of_tokens) {
        array_release(&c);
        return import_visit_whole(w, false);
    }
    if (!e)
        e = allocate(w, &s, c.n);
    if (!e) {
        fill(op, i, &c, &s);
        e = import_scale(w, i, &s);
    }
    array_release(&c);
    free(s.factor);
    free(s.offset);
    return e;
}

/* Of two maps, one of which may stay unrounded. */
static enum err add_maps(const struct import_walk *w)
{
    struct import_value *a = import_input(w, 0), *b = import_input(w, 1);

    if (!a->known || !b->known || !array_same_shape(import_in_shape(w, 0), import_in_shape(w, 1)))
        return IMPORT_REFUSE(w, "adds maps of different shapes: want the same");
    struct import_value *sum = import_is_open(a) ? a : import_is_open(b) && a != b ? b : NULL;
    enum err e = ERR_NONE;
    if (sum != a || a == b)
        e = import_round(w, a);
    if (!e && (sum != b || a == b))
        e = import_round(w, b);
    if (e)
        return e;
    import_add_node(w, IMPORT_ADD, a, b);
    if (sum && a != b)
        import_replace(w, sum)->summed = true;
    else
        import_new_draft(w, a->positive && b->positive &&
                                w->node->proto->op_type[0] == 'A')->summed = true;
    return ERR_NONE;
}

/* Of two maps that are rounded; the reader says which shapes go together. */
static enum err multiply_maps(const struct import_walk *w)
{
    struct import_value *a, *b;
    enum err e = import_take_map(w, 0, &a);

    if (!e)
        e = import_take_map(w, 1, &b);
    if (e)
        return e;
    import_add_node(w, IMPORT_COPY, a, b);
    import_new_draft(w, a == b || (a->positive && b->positive));
    return ERR_NONE;
}

static enum err visit(const struct import_walk *w, enum arithmetic op)
{
    for (uint32_t i = 0; i < 2; i++)
        if (import_constant(w, 1 - i) && (op != QUOTIENT || i == 0))
            return with_constant(w, op, i);
    if (op == QUOTIENT)
        return IMPORT_REFUSE(w, "divides by a map: want constants, digital processors have no "
                             "other divisors");
    return op == PRODUCT ? multiply_maps(w) : add_maps(w);
}

static enum err visit_add(const struct import_walk *w) { return visit(w, SUM); }
static enum err visit_sub(const struct import_walk *w) { return visit(w, DIFFERENCE); }
static enum err visit_mul(const struct import_walk *w) { return visit(w, PRODUCT); }
static enum err visit_div(const struct import_walk *w) { return visit(w, QUOTIENT); }

const struct import_operator import_ops_scale[] = {
    {"Add", visit_add},
    {"BatchNormalization", visit_batch_normalization},
    {"Div", visit_div},
    {"Mul", visit_mul},
    {"Sub", visit_sub},
    {0},
};
