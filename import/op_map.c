/* import/op_map.c -- Relu, Clip, Max and Min; Concat; Pad, Slice, Split and Gather; Resize and
 * Expand. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "import/walk.h"

enum { MOST_PART = 256 };

/* ---- Bounds ---- */

/* A draft is cut before it is rounded; a rounded map is read again, unless it has no values to cut.
 */
static enum err cut(const struct import_walk *w, uint32_t i, double low, double high)
{
    struct import_value *x = import_input(w, i), *v;
    enum err e = ERR_NONE;

    if (x->known && !x->draft && x->positive && low == 0 && isinf(high)) {
        import_alias(w, x);
        return ERR_NONE;
    }
    bool open = x->draft && !x->cut && x->n_reader == 1;
    if (!open)
        e = import_take_map(w, i, &x);
    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_CLIP, x, NULL);
    n->low = low;
    n->high = high;
    v = open ? import_replace(w, x) : import_new_draft(w, x->positive);
    v->positive |= low >= 0;
    v->cut = true;
    return ERR_NONE;
}

static enum err visit_relu(const struct import_walk *w)
{
    return cut(w, 0, 0, INFINITY);
}

static enum err visit_clip(const struct import_walk *w)
{
    double low = -INFINITY, high = INFINITY;
    enum err e = onnx_attr_float(w->node, "min", &low, w->msg);

    if (!e)
        e = onnx_attr_float(w->node, "max", &high, w->msg);
    if (e)
        return e;
    if (import_constant(w, 1))
        low = (double)import_constant(w, 1)->real[0]; // one value: it has been evaluated
    if (import_constant(w, 2))
        high = (double)import_constant(w, 2)->real[0];
    if (!(low < high))
        return IMPORT_REFUSE(w, "clips to %g .. %g: want bounds in order", low, high);
    return cut(w, 0, low, high);
}

/* Of a map and numbers. */
static enum err visit_bound(const struct import_walk *w, bool below)
{
    double bound = below ? -INFINITY : INFINITY;
    uint32_t n_map = 0, map = 0;

    for (uint32_t i = 0; i < w->node->n_input; i++) {
        const struct array *c = import_constant(w, i);
        if (!c || c->n != 1) {
            map = i;
            n_map += c ? 2 : 1;
            continue;
        }
        enum err e = import_check_finite(w, "bound", c);
        if (e)
            return e;
        double v = (double)c->real[0];
        bound = below ? fmax(bound, v) : fmin(bound, v);
    }
    if (n_map != 1)
        return IMPORT_REFUSE(w, "of two maps, or of a constant for each channel: want a map and "
                             "numbers");
    return cut(w, map, below ? bound : -INFINITY, below ? INFINITY : bound);
}

static enum err visit_max(const struct import_walk *w) { return visit_bound(w, true); }
static enum err visit_min(const struct import_walk *w) { return visit_bound(w, false); }

/* ---- Concat ---- */

/* Whether the only reader adds positions, which take part in what stores tokens. */
static bool gets_positions(const struct import_walk *w)
{
    const struct onnx_node *n = import_only_reader(w->im, w->node);
    bool stored = false;

    for (uint32_t k = 0; n && strcmp(n->proto->op_type, "Add") == 0 && k < n->n_input; k++) {
        const struct array *c =
            n->input[k] == ONNX_ABSENT ? NULL : &w->im->graph->constant[n->input[k]];
        stored |= c && c->real && import_are_of_tokens(c);
    }
    return stored;
}

/* Maps that are joined have one scale, and so have stored tokens. The image has its own, and then
 * the result is rounded; so is what has stored tokens and no positions. */
static enum err visit_concat(const struct import_walk *w)
{
    uint32_t n_input = w->node->n_input, image = w->im->graph->graph.image;
    uint32_t *list = malloc((n_input + 1) * sizeof *list);
    bool mixed = false, positive = true;
    struct import_value *x = NULL;
    enum err e = list ? ERR_NONE : import_no_memory(w);

    for (uint32_t i = 0; i < n_input && !e; i++) {
        e = import_constant(w, i) ? import_store(w, i, &x) : import_take_map(w, i, &x);
        if (e)
            break;
        list[i] = import_index(w, x);
        mixed |= import_root(w->im, list[i]) == image ||
                 (import_constant(w, i) && !gets_positions(w));
        positive &= x->positive;
    }
    if (e) {
        free(list);
        return e;
    }
    struct import_node *n = import_add_node(w, IMPORT_CONCAT, x, NULL);
    n->more = list;
    n->n_more = n_input;
    if (mixed) {
        import_new_draft(w, positive);
        return ERR_NONE;
    }
    struct import_value *out = import_new_alike(w, x);
    out->positive = positive;
    for (uint32_t i = 0; i + 1 < n_input; i++)
        import_tie(w, out, &w->im->value[list[i]]);
    return ERR_NONE;
}

/* ---- Pad and Slice ---- */

/* Input i, or the attribute that it was before, as list number n->n_list. */
static enum err take_list(const struct import_walk *w, struct import_node *n, uint32_t i,
                          const char *attribute, uint32_t *n_value)
{
    const struct array *a = import_integers(w, i);
    int64_t v[2 * ONNX_MOST_DIMS];
    bool given = false;

    *n_value = 0;
    if (a && a->n <= ONNX_MOST_DIMS * 2) {
        *n_value = (uint32_t)a->n;
        return import_add_list(w, n, *n_value, a->integer);
    }
    enum err e = onnx_attr_list(w->node, attribute, v, 2 * ONNX_MOST_DIMS, n_value, &given, w->msg);
    return e ? e : import_add_list(w, n, *n_value, v);
}

/* Pads of all dimensions; set 18 names those that it pads. */
static enum err list_pads(const struct import_walk *w, int64_t pads[2 * ONNX_MOST_DIMS])
{
    const struct array *given = import_integers(w, 1), *axes = import_integers(w, 3);
    const uint32_t n_dim = import_in_shape(w, 0)->n_dim;
    int64_t v[2 * ONNX_MOST_DIMS] = {0};
    uint32_t n = 2 * n_dim;
    bool is_given;
    enum err e = ERR_NONE;

    if (given)
        memcpy(v, given->integer, (n = (uint32_t)given->n) * sizeof *v); // it has been evaluated
    else
        e = onnx_attr_list(w->node, "pads", v, 2 * ONNX_MOST_DIMS, &n, &is_given, w->msg);
    memset(pads, 0, 2 * ONNX_MOST_DIMS * sizeof *pads);
    for (uint32_t i = 0; i < n / 2 && !e; i++) {
        int64_t axis = axes ? axes->integer[i] : i;
        axis = axis < 0 ? axis + n_dim : axis;
        pads[axis] = v[i];
        pads[axis + n_dim] = v[i + n / 2];
    }
    return e;
}

static enum err visit_pad(const struct import_walk *w)
{
    struct import_value *x;
    char mode[16] = "constant";
    double value = 0;
    int64_t pads[2 * ONNX_MOST_DIMS];
    enum err e = onnx_attr_text(w->node, "mode", mode, sizeof mode, w->msg);

    if (!e)
        e = onnx_attr_float(w->node, "value", &value, w->msg);
    if (!e && import_constant(w, 2) && import_constant(w, 2)->n == 1)
        value = (double)import_constant(w, 2)->real[0];
    if (!e && (mode[0] != 'c' || value != 0))
        e = IMPORT_REFUSE(w, "pads with mode \"%s\" and value %g: want constant and 0", mode,
                          value);
    if (!e)
        e = list_pads(w, pads);
    if (!e)
        e = import_take_map(w, 0, &x);
    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_LISTS, x, NULL);
    import_new_alike(w, x);
    return import_add_list(w, n, 2 * import_in_shape(w, 0)->n_dim, pads);
}

/* starts, ends, axes, steps */
static enum err visit_slice(const struct import_walk *w)
{
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    int64_t first[] = {0, 1, 2, 3, 4, 5, 6, 7}, ones[] = {1, 1, 1, 1, 1, 1, 1, 1};
    uint32_t n_start = 0, n_value;
    struct import_value *x;
    enum err e = import_take_map(w, 0, &x);

    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_LISTS, x, NULL);
    import_new_alike(w, x);
    for (uint32_t i = 0; i < 4 && !e; i++) {
        e = take_list(w, n, 1 + i, names[i], &n_value);
        n_start = i == 0 ? n_value : n_start;
        if (!e && n_value == 0 && i >= 2 && n_start <= ONNX_MOST_DIMS) { // left out: all, by 1
            array_release(&n->list[--n->n_list]);
            e = import_add_list(w, n, n_start, i == 2 ? first : ones);
        }
    }
    return e;
}

/* A result of Split, as a Slice. */
static enum err visit_split(const struct import_walk *w)
{
    const struct array *in = import_in_shape(w, 0), *out = import_out_shape(w);
    const struct array *sizes = import_integers(w, 1);
    int64_t given[MOST_PART], axis = 0, end;
    uint32_t start = 0, n_part = 0, n_given = 0;
    struct import_value *x;
    bool is_given;
    enum err e = onnx_attr_int(w->node, "axis", &axis, w->msg);

    axis = axis < 0 ? axis + in->n_dim : axis; // it has been evaluated
    if (!e && !sizes)
        e = onnx_attr_list(w->node, "split", given, MOST_PART, &n_given, &is_given, w->msg);
    if (!e)
        e = onnx_split_part(w->node, in->dim[axis], sizes ? (uint32_t)sizes->n : n_given,
                            sizes ? sizes->integer : given, &start, &n_part, w->msg);
    if (!e)
        e = import_take_map(w, 0, &x);
    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_SPLIT, x, NULL);
    import_new_alike(w, x);
    const int64_t list[] = {start, 0, axis, 1};
    end = (int64_t)start + out->dim[axis];
    for (int i = 0; i < 4 && !e; i++)
        e = import_add_list(w, n, 1, i == 1 ? &end : &list[i]);
    return e;
}

/* One place along an axis, such as the first token, or the queries of a map of three parts. */
static enum err visit_one(const struct import_walk *w)
{
    struct import_value *x;
    enum err e = import_take_map(w, 0, &x);

    if (e)
        return e;
    import_add_node(w, IMPORT_NODE, x, NULL);
    import_new_alike(w, x);
    return ERR_NONE;
}

/* Channels by a list, which the reader knows. */
static enum err visit_gather(const struct import_walk *w)
{
    const struct array *index = import_integers(w, 1);
    int64_t axis = 0;
    struct import_value *x;
    enum err e = onnx_attr_int(w->node, "axis", &axis, w->msg);

    if (!e && index && index->n_dim == 0 && import_in_shape(w, 0)->n_dim > 2)
        return visit_one(w);
    if (!e && (!index || index->n_dim != 1 || axis == 0 || w->ends ||
               import_in_shape(w, 0)->n_dim < 3))
        e = IMPORT_REFUSE(w, "does not pick channels by a constant list: want that");
    if (!e)
        e = import_take_map(w, 0, &x);
    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_COPY, x, NULL);
    import_new_alike(w, x);
    return import_add_list(w, n, (uint32_t)index->n, index->integer);
}

/* ---- Resize ---- */

/* The result's dimensions say how far; which pixel is the nearest, the node's attributes. */
static enum err visit_resize(const struct import_walk *w)
{
    const struct array *out = import_out_shape(w);
    char mode[16] = "nearest";
    int64_t dim[ONNX_MOST_DIMS];
    struct import_value *x;
    enum err e = onnx_attr_text(w->node, "mode", mode, sizeof mode, w->msg);

    if (!e && strcmp(mode, "nearest") != 0)
        e = IMPORT_REFUSE(w, "mode is \"%s\": want nearest", mode);
    if (!e)
        e = import_take_map(w, 0, &x);
    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_RESIZE, x, NULL);
    import_new_alike(w, x);
    for (uint32_t k = 0; k < out->n_dim; k++)
        dim[k] = out->dim[k];
    return import_add_list(w, n, out->n_dim, dim);
}

/* To the result's dimensions. */
static enum err visit_expand(const struct import_walk *w)
{
    const struct array *out = import_out_shape(w);
    int64_t dim[ONNX_MOST_DIMS];
    struct import_value *x = import_input(w, 0);

    if (x->known && array_same_shape(import_in_shape(w, 0), out)) {
        import_alias(w, x);
        return ERR_NONE;
    }
    enum err e = import_take_map(w, 0, &x);
    if (!e && import_in_shape(w, 0)->n_dim != out->n_dim)
        e = IMPORT_REFUSE(w, "expands a map to %" PRIu32 " dimensions: want as many as it has",
                          out->n_dim);
    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_LISTS, x, NULL);
    import_new_alike(w, x);
    for (uint32_t k = 0; k < out->n_dim; k++)
        dim[k] = out->dim[k];
    return import_add_list(w, n, out->n_dim, dim);
}

const struct import_operator import_ops_map[] = {
    {"Clip",   visit_clip},
    {"Concat", visit_concat},
    {"Expand", visit_expand},
    {"Gather", visit_gather},
    {"Max",    visit_max},
    {"Min",    visit_min},
    {"Pad",    visit_pad},
    {"Relu",   visit_relu},
    {"Resize", visit_resize},
    {"Slice",  visit_slice},
    {"Split",  visit_split},
    {"Upsample", visit_resize},
    {0},
};
