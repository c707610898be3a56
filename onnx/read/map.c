/* onnx/read/map.c -- what nodes do before they read a map; see reader.h. */
#include <assert.h>
#include <inttypes.h>

#include "onnx/read/reader.h"

const char *onnx_means_text(enum onnx_means means)
{
    switch (means) {
    case ONNX_NOTHING:
        return "a second output";
    case ONNX_STORED:
        return "a stored tensor";
    case ONNX_WEIGHTS:
        return "a dequantised constant";
    case ONNX_IMAGE:
        return "the unquantised image";
    case ONNX_BYTES:
        return "a quantised map";
    case ONNX_PIXELS:
        return "a dequantised map";
    case ONNX_DRAFT:
        return "an unquantised result";
    case ONNX_CURVE:
        return "a function of a map";
    case ONNX_FUNCTION:
        return "a function of an unquantised result";
    case ONNX_SCORES:
        return "scores of queries and keys";
    case ONNX_PIECE:
        return "a part of a normalisation";
    }
    assert(!"unknown meaning");
    return "";
}

struct onnx_meaning onnx_passed_on(const struct onnx_reader *r, const struct onnx_node *node,
                                   uint32_t i)
{
    struct onnx_meaning m = *onnx_input(r, node, i);

    m.shared |= r->graph.value[node->input[i]].n_reader > 1;
    return m;
}

bool onnx_is_constant(const struct onnx_meaning *m)
{
    return m->means == ONNX_STORED || m->means == ONNX_WEIGHTS;
}

bool onnx_is_flat(const struct onnx_meaning *m)
{
    return m->layout == ONNX_FLAT || m->layout == ONNX_FLAT_NHWC || m->layout == ONNX_VECTOR;
}

bool onnx_is_grouped(const struct onnx_meaning *m)
{
    return m->layout == ONNX_GROUPED || m->layout == ONNX_GROUPED_FLAT;
}

bool onnx_is_map(const struct onnx_meaning *m)
{
    return m->means == ONNX_BYTES || m->means == ONNX_PIXELS;
}

bool onnx_same_layout(const struct onnx_meaning *a, const struct onnx_meaning *b)
{
    return a->layout == b->layout &&
           (a->layout != ONNX_AXES || axes_equal(&a->axes, &b->axes));
}

/* A dimension that is all of one side, or all of several, the outermost first. */
static void add_whole(struct onnx_axes *a, uint32_t n, const enum onnx_side *side,
                      const struct shape *s)
{
    axes_add_dim(a);
    for (uint32_t k = 0; k < n; k++)
        axes_add(a, (struct onnx_axis){.side = side[k], .step = 1,
                                       .size = side[k] == ONNX_ROW      ? s->height
                                               : side[k] == ONNX_COLUMN ? s->width
                                                                        : s->channels});
}

static void add_groups(struct onnx_axes *a, const struct onnx_meaning *x)
{
    const uint32_t each = x->shape.channels / x->groups;

    axes_add_dim(a);
    axes_add(a, (struct onnx_axis){.side = ONNX_CHANNEL, .size = x->groups, .step = each});
    axes_add_dim(a);
    axes_add(a, (struct onnx_axis){.side = ONNX_CHANNEL, .size = each, .step = 1});
}

bool onnx_axes_of(const struct onnx_reader *r, const struct onnx_meaning *x, struct onnx_axes *a)
{
    static const enum onnx_side order[] = {ONNX_CHANNEL, ONNX_ROW, ONNX_COLUMN, ONNX_CHANNEL};
    const bool first = x->layout == ONNX_NCHW || x->layout == ONNX_FLAT ||
                       x->layout == ONNX_NCW || x->layout == ONNX_VECTOR; // channels are
    const enum onnx_side *side = first ? order : order + 1;

    *a = (struct onnx_axes){0};
    if (onnx_is_padded(x) || r->batch != 1)
        return false;
    if (x->layout == ONNX_AXES) {
        *a = x->axes;
        return true;
    }
    if (x->layout != ONNX_VECTOR)
        axes_add_dim(a);
    if (onnx_is_grouped(x)) {
        add_groups(a, x);
        if (x->layout == ONNX_GROUPED)
            add_whole(a, 1, order + 1, &x->shape);
        add_whole(a, x->layout == ONNX_GROUPED ? 1 : 2,
                  order + (x->layout == ONNX_GROUPED ? 2 : 1), &x->shape);
    } else if (onnx_is_flat(x)) {
        add_whole(a, 3, side, &x->shape);
    } else if (x->layout == ONNX_NCW) {
        add_whole(a, 1, order, &x->shape);
        add_whole(a, 1, order + 2, &x->shape);
    } else {
        for (int k = 0; k < 3; k++)
            add_whole(a, 1, side + k, &x->shape);
    }
    return true;
}

void onnx_set_axes(const struct onnx_reader *r, struct onnx_meaning *x, const struct onnx_axes *a)
{
    static const enum onnx_layout layouts[] = {ONNX_NCHW, ONNX_NHWC, ONNX_FLAT, ONNX_FLAT_NHWC,
                                               ONNX_NCW, ONNX_VECTOR};
    struct onnx_axes its;

    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        x->layout = layouts[i];
        if ((x->layout != ONNX_NCW || x->shape.height == 1) && onnx_axes_of(r, x, &its) &&
            axes_equal(&its, a))
            return;
    }
    x->layout = ONNX_AXES;
    x->axes = *a;
}

bool onnx_is_padded(const struct onnx_meaning *m)
{
    return m->pad[0] || m->pad[1] || m->pad[2] || m->pad[3];
}

/* UINT32_MAX where it is more: no tensor has so many. */
static uint32_t product(uint32_t a, uint32_t b, uint32_t c)
{
    uint64_t ab = (uint64_t)a * b;

    return c > 0 && ab > UINT32_MAX / c ? UINT32_MAX : (uint32_t)(ab * c);
}

uint32_t onnx_dims(const struct onnx_reader *r, const struct onnx_meaning *m,
                   uint32_t dim[ONNX_MAP_DIMS])
{
    struct shape s = m->shape;
    uint32_t rows = s.height + m->pad[0] + m->pad[2], columns = s.width + m->pad[1] + m->pad[3];

    if (m->means == ONNX_SCORES)
        return onnx_scores_dims(m->scores, dim);
    dim[0] = r->batch;
    switch (m->layout) {
    case ONNX_NCHW:
        dim[1] = s.channels;
        dim[2] = rows;
        dim[3] = columns;
        return 4;
    case ONNX_NHWC:
        dim[1] = rows;
        dim[2] = columns;
        dim[3] = s.channels;
        return 4;
    case ONNX_FLAT:
    case ONNX_FLAT_NHWC:
        dim[1] = product(s.channels, rows, columns);
        return 2;
    case ONNX_NCW:
        dim[1] = s.channels;
        dim[2] = columns;
        return 3;
    case ONNX_VECTOR:
        dim[0] = product(s.channels, rows, columns);
        return 1;
    case ONNX_GROUPED:
    case ONNX_GROUPED_FLAT:
        dim[1] = m->groups;
        dim[2] = s.channels / m->groups;
        dim[3] = m->layout == ONNX_GROUPED ? rows : product(rows, columns, 1);
        dim[4] = columns;
        return m->layout == ONNX_GROUPED ? 5 : 4;
    case ONNX_AXES:
        for (uint32_t k = 0; k < m->axes.n_dim; k++)
            dim[k] = axes_length(&m->axes, k);
        return m->axes.n_dim;
    }
    assert(!"unknown layout");
    return 0;
}

double onnx_constant(const struct onnx_meaning *m, size_t i)
{
    assert(m->means == ONNX_STORED || m->means == ONNX_WEIGHTS);
    double v = onnx_tensor_real(&m->tensor, i);
    size_t behind = 1, at = 0;

    if (m->means == ONNX_STORED)
        return v;
    for (uint32_t k = m->axis + 1; k < m->tensor.n_dim; k++)
        behind *= m->tensor.dim[k];
    if (m->tensor.n_dim > 0)
        at = i / behind % m->tensor.dim[m->axis];
    if (m->zero.n > 0)
        v -= onnx_tensor_real(&m->zero, m->zero.n == 1 ? 0 : at);
    return v * onnx_tensor_real(&m->scale, m->scale.n == 1 ? 0 : at);
}

/* ---- Layers that a view or a concatenation needs ---- */

/* Whether bytes of all its layers mean the same. */
static bool is_uniform(const struct onnx_reader *r, const struct onnx_meaning *x)
{
    const struct onnx_quantisation q = onnx_quantisation_of_all(r, x);

    for (uint32_t i = 1; i < x->n_layer; i++)
        if (!onnx_quantised_alike(&r->network->layer[x->layer[i]], &q))
            return false;
    return true;
}

/* x becomes what the draft, quantised as x is, delivers. */
static enum err replace(struct onnx_reader *r, const struct onnx_node *node,
                        struct onnx_meaning *x, struct onnx_draft *d)
{
    const struct onnx_quantisation q = onnx_quantisation_of_all(r, x);
    uint32_t *list;
    enum err e = onnx_new_list(r, node, 1, &list);

    if (!e)
        e = onnx_draft_quantise(r, node, d, &q, list);
    if (e)
        return e;
    x->layer = list;
    x->n_layer = 1;
    x->view = (struct onnx_view){0};
    return ERR_NONE;
}

enum err onnx_settle(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning *x)
{
    struct onnx_draft *d;
    enum err e = onnx_narrow(r, node, x);

    if (e)
        return e;
    if (!is_uniform(r, x))
        return onnx_node_refuse(node, r->msg, "reads concatenated maps whose scales, zero points "
                                "or types differ: want QuantizeLinear behind Concat");
    if (!x->view.some)
        return ERR_NONE;
    e = onnx_draft_view(r, node, x, &d);
    return e ? e : replace(r, node, x, d);
}

enum err onnx_single(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning *x)
{
    struct onnx_draft *d;

    if (x->n_layer == 1)
        return ERR_NONE;
    enum err e = onnx_draft_digital(r, node, x, LAYER_SCALE, &d);
    return e ? e : replace(r, node, x, d);
}

enum err onnx_kept(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning *x)
{
    struct onnx_draft *d;
    enum err e = onnx_single(r, node, x);

    if (e || x->layer[0] != 0)
        return e;
    e = onnx_draft_digital(r, node, x, LAYER_SCALE, &d);
    return e ? e : replace(r, node, x, d);
}

/* ---- Taking inputs ---- */

enum err onnx_take_map(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                       struct onnx_meaning *x)
{
    *x = onnx_passed_on(r, node, i);
    if (!onnx_is_map(x))
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want a map that has passed "
                                "QuantizeLinear", i, onnx_means_text(x->means));
    return ERR_NONE;
}

enum err onnx_take_padded(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          struct onnx_meaning *x)
{
    *x = onnx_passed_on(r, node, i);
    if (x->means != ONNX_PIXELS)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want a map that has passed "
                                "QuantizeLinear and DequantizeLinear", i,
                                onnx_means_text(x->means));
    enum err e = onnx_settle(r, node, x);
    if (e)
        return e;
    bool shared = r->meaning[node->input[i]].shared;
    r->meaning[node->input[i]] = *x; // settled once for all readers
    r->meaning[node->input[i]].shared = shared;
    return ERR_NONE;
}

enum err onnx_take_pixels(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          struct onnx_meaning *x)
{
    if (onnx_is_padded(onnx_input(r, node, i)))
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " has zeros around it: want Pad in "
                                "front of Conv or AveragePool", i);
    return onnx_take_padded(r, node, i, x);
}

enum err onnx_take_draft(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                         const struct onnx_meaning **x)
{
    const struct onnx_value *v = &r->graph.value[node->input[i]];

    *x = onnx_input(r, node, i);
    if ((*x)->means != ONNX_DRAFT)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want the result of a "
                                "Conv, Gemm or other operator, straight", i,
                                onnx_means_text((*x)->means));
    if (v->n_reader != 1)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is read %" PRIu32 " times before "
                                "it is quantised: want QuantizeLinear in front of the fork", i,
                                v->n_reader);
    return ERR_NONE;
}

enum err onnx_take_open(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                        struct onnx_meaning *x)
{
    const struct onnx_meaning *draft;
    struct onnx_draft *d;
    enum err e;

    if (onnx_input(r, node, i)->means == ONNX_DRAFT) {
        e = onnx_take_draft(r, node, i, &draft);
        *x = *draft;
        return e;
    }
    e = onnx_take_pixels(r, node, i, x);
    if (!e)
        e = onnx_draft_digital(r, node, x, LAYER_SCALE, &d);
    if (!e)
        *x = (struct onnx_meaning){.means = ONNX_DRAFT, .draft = d, .shape = x->shape,
                                   .layout = x->layout, .axes = x->axes};
    return e;
}

enum err onnx_check_layout(const struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_meaning *x)
{
    if (x->layout == ONNX_NCHW || x->layout == ONNX_NCW)
        return ERR_NONE;
    return onnx_node_refuse(node, r->msg, "reads %s: want batch x channels x rows x columns",
                            x->layout == ONNX_NHWC   ? "batch x rows x columns x channels"
                            : x->layout == ONNX_AXES ? "tokens or heads"
                                                     : "a flattened map");
}

void onnx_count_reads(const struct onnx_reader *r, uint32_t value, uint32_t *reads)
{
    const struct onnx_value *v = &r->graph.value[value];
    const struct onnx_meaning *m = &r->meaning[value];

    if (reads[value]++ > 0 || v->maker != ONNX_NODE || m->means == ONNX_BYTES ||
        onnx_is_constant(m))
        return;
    const struct onnx_node *node = &r->graph.node[v->index];
    for (uint32_t i = 0; i < node->n_input; i++)
        if (onnx_has_input(node, i))
            onnx_count_reads(r, node->input[i], reads);
}
