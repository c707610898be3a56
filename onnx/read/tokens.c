/* onnx/read/tokens.c -- see tokens.h. */
#include "onnx/read/tokens.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum err no_memory(const struct onnx_reader *r)
{
    return err_set(r->msg, ERR_MEMORY, "no memory for a layer of tokens");
}

enum { MOST_STORED = 1 << 26 };
enum { PIXELS = 1 << ONNX_ROW | 1 << ONNX_COLUMN, CHANNELS = 1 << ONNX_CHANNEL };

uint32_t onnx_token_number(const struct shape *s, const uint32_t at[ONNX_SIDES])
{
    return at[ONNX_COLUMN] * s->height + at[ONNX_ROW];
}

/* ---- Reading a map as tokens ---- */

enum err onnx_pick_channels(struct onnx_reader *r, const struct onnx_node *node,
                            struct onnx_meaning *x, const uint32_t *pick, uint32_t n)
{
    uint32_t *list;
    enum err e = onnx_new_list(r, node, n, &list);

    for (uint32_t o = 0; o < n && !e; o++)
        list[o] = x->view.pick ? x->view.pick[pick[o]] : pick[o];
    if (e)
        return e;
    if (!x->view.some)
        x->view = (struct onnx_view){.some = true, .step = {1, 1}};
    x->view.pick = list;
    x->shape.channels = n;
    return ERR_NONE;
}

/* The last dimension becomes all channels. */
static enum err pick_last(struct onnx_reader *r, const struct onnx_node *node,
                          struct onnx_tokens *t)
{
    const uint32_t last = t->axes.n_dim - 1, n = axes_length(&t->axes, last);
    uint32_t *pick;

    if (axes_whole(&t->axes, last, ONNX_CHANNEL, t->x.shape.channels))
        return ERR_NONE;
    enum err e = onnx_new_list(r, node, n, &pick);
    for (uint32_t o = 0; o < n && !e; o++) {
        uint32_t at[ONNX_SIDES] = {0};
        axes_locate(&t->axes, last, o, at);
        pick[o] = t->axes.first[ONNX_CHANNEL] + at[ONNX_CHANNEL];
    }
    axes_end_with_channels(&t->axes, n);
    return e ? e : onnx_pick_channels(r, node, &t->x, pick, n);
}

/* Some rows or columns, evenly apart: false where they are not. */
static bool view_side(struct onnx_tokens *t, enum onnx_side side, uint32_t *size)
{
    struct onnx_view *v = &t->x.view;
    struct onnx_axis *axis = NULL;

    for (uint32_t k = 0; k < t->axes.n; k++)
        if (t->axes.axis[k].side == side) {
            if (axis || t->axes.axis[k].order || t->axes.axis[k].step == 0)
                return false;
            axis = &t->axes.axis[k];
        }
    if (!v->some)
        *v = (struct onnx_view){.some = true, .step = {1, 1}};
    v->first[side] += t->axes.first[side] * v->step[side];
    v->step[side] *= axis ? axis->step : 1;
    *size = axis ? axis->size : 1;
    t->axes.first[side] = 0;
    if (axis)
        axis->step = 1;
    return true;
}

/* All tokens, or one, or some that are evenly apart. */
static enum err pick_tokens(struct onnx_reader *r, const struct onnx_node *node,
                            struct onnx_tokens *t)
{
    struct shape *s = &t->x.shape;
    const uint32_t last = t->axes.n_dim - 1;

    if (axes_cover(&t->axes, 0, last, ONNX_ROW, s->height) &&
        axes_cover(&t->axes, 0, last, ONNX_COLUMN, s->width))
        return ERR_NONE;
    t->one = axes_within(&t->axes, 0, last, 0);
    if (t->one && !t->x.view.some) {
        t->row = t->axes.first[ONNX_ROW];
        t->column = t->axes.first[ONNX_COLUMN];
        t->axes.first[ONNX_ROW] = t->axes.first[ONNX_COLUMN] = 0;
        return ERR_NONE;
    }
    t->one = false;
    if (view_side(t, ONNX_ROW, &s->height) && view_side(t, ONNX_COLUMN, &s->width))
        return ERR_NONE;
    return onnx_node_refuse(node, r->msg, "reads some of %" PRIu32 "x%" PRIu32 " tokens, or some "
                            "of them twice: want all, one, or rows and columns evenly apart",
                            s->height, s->width);
}

/* As onnx_see_tokens(), but that some tokens are a view still. */
static enum err view_tokens(struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_meaning *x, struct onnx_tokens *t)
{
    *t = (struct onnx_tokens){.x = *x};
    if (!onnx_axes_of(r, x, &t->axes))
        return onnx_node_refuse(node, r->msg, "reads tokens of a batch of %" PRIu32 ", or zeros "
                                "around them: want a batch of 1, and no Pad", r->batch);
    const uint32_t last = t->axes.n_dim - 1;
    if (t->axes.n_dim == 0 || !axes_within(&t->axes, last, last + 1, CHANNELS) ||
        !axes_within(&t->axes, 0, last, PIXELS))
        return onnx_node_refuse(node, r->msg, "reads a map whose last dimension is not its "
                                "channels: want tokens x channels, by Reshape and Transpose");
    enum err e = pick_tokens(r, node, t);
    return e ? e : pick_last(r, node, t);
}

enum err onnx_see_tokens(struct onnx_reader *r, const struct onnx_node *node,
                         const struct onnx_meaning *x, struct onnx_tokens *t)
{
    enum err e = view_tokens(r, node, x, t);

    return e ? e : onnx_settle(r, node, &t->x);
}

static enum err check_map(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          const struct onnx_meaning *x)
{
    if (x->means == ONNX_PIXELS)
        return ERR_NONE;
    return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want a map that has passed "
                            "QuantizeLinear and DequantizeLinear", i, onnx_means_text(x->means));
}

enum err onnx_take_tokens(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          struct onnx_tokens *t)
{
    struct onnx_meaning x = onnx_passed_on(r, node, i);
    enum err e = check_map(r, node, i, &x);

    return e ? e : onnx_see_tokens(r, node, &x, t);
}

void onnx_window_tokens(const struct onnx_tokens *t, struct layer *l)
{
    const uint32_t channels = l->out.channels;

    l->out = t->x.shape;
    l->out.channels = channels;
    if (!t->one)
        return;
    l->window.stride[0] = l->in.height;
    l->window.stride[1] = l->in.width;
    l->window.skip[0] = t->row;
    l->window.skip[1] = t->column;
    l->out.height = l->out.width = 1;
}

struct onnx_meaning onnx_draft_of_tokens(const struct onnx_reader *r, const struct onnx_tokens *t,
                                         struct onnx_draft *d)
{
    struct onnx_meaning out = {.means = ONNX_DRAFT, .draft = d, .shape = d->layer.out};
    struct onnx_axes axes = t->axes;

    axes_end_with_channels(&axes, out.shape.channels);
    onnx_set_axes(r, &out, &axes);
    return out;
}

/* ---- Drafts ---- */

struct token_part onnx_part_of(const struct layer *from)
{
    return (struct token_part){.zero = from->out_zero, .step = from->out_scale};
}

enum err onnx_draft_tokens(struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_meaning *x, enum layer_kind kind,
                           struct onnx_draft **draft)
{
    enum err e = onnx_draft_digital(r, node, x, kind, draft);

    if (e)
        return e;
    struct layer *l = &(*draft)->layer;
    l->groups = 1;
    l->token = calloc(1, sizeof *l->token);
    if (l->token)
        l->token->values = calloc(1, sizeof *l->token->values);
    if (!l->token || !l->token->values)
        return no_memory(r);
    l->token->values->part[0] = onnx_part_of(&r->network->layer[x->layer[0]]);
    (*draft)->n = kind == LAYER_NORM ? (*draft)->n : 1;
    for (uint32_t o = 0; o < (*draft)->n; o++)
        (*draft)->unit[o] = 1;
    return ERR_NONE;
}

/* A factor, and an offset of stored tokens only. */
static enum err check_moved(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_draft *d)
{
    if (d->unit[0] > 0 && (d->bias[0] == 0 || d->layer.kind == LAYER_TOKENS))
        return ERR_NONE;
    return onnx_node_refuse(node, r->msg, "rounds attention or a sum of tokens times %g, plus %g: "
                            "want QuantizeLinear before that", d->unit[0], d->bias[0]);
}

/* What is stored or multiplies, in steps of the result. */
static enum err finish_norm(const struct onnx_reader *r, struct onnx_draft *d, double step)
{
    struct token_values *v = d->layer.token->values;
    bool moved = false;

    v->gain = malloc(d->n * sizeof *v->gain);
    v->offset = malloc(d->n * sizeof *v->offset);
    if (!v->gain || !v->offset)
        return no_memory(r);
    for (uint32_t o = 0; o < d->n; o++) {
        const bool turned = d->layer.negated && d->layer.negated[o];
        v->gain[o] = (turned ? -d->unit[o] : d->unit[o]) / step;
        v->offset[o] = d->bias[o] / step;
        moved |= d->bias[o] != 0;
    }
    if (!moved) {
        free(v->offset);
        v->offset = NULL;
    }
    free(d->layer.negated);
    d->layer.negated = NULL;
    v->step = step;
    return ERR_NONE;
}

static void finish_stored(struct onnx_draft *d, double step)
{
    struct token_values *v = d->layer.token->values;
    const struct layer *l = &d->layer;
    const size_t n = (size_t)l->out.height * l->out.width * l->out.channels;

    v->step = step / d->unit[0];
    for (size_t i = 0; v->stored && i < n; i++)
        v->stored[i] = (v->stored[i] * d->unit[0] + d->bias[0]) / step;
}

enum err onnx_quantise_tokens(struct onnx_reader *r, const struct onnx_node *node,
                              struct onnx_draft *d, const struct onnx_quantisation *q)
{
    struct layer *l = &d->layer;
    enum err e = ERR_NONE;

    if (d->bound)
        return onnx_node_refuse(node, r->msg, "bounds of each output by itself behind a layer of "
                                "tokens: want QuantizeLinear before them");
    if (l->kind == LAYER_NORM)
        return finish_norm(r, d, q->scale);
    e = check_moved(r, node, d);
    if (e)
        return e;
    if (l->kind == LAYER_TOKENS)
        finish_stored(d, q->scale);
    else
        l->token->values->step = q->scale / d->unit[0];
    return ERR_NONE;
}

/* ---- Stored tokens ---- */

/* Stored tokens and others that are not rounded yet. */
static bool is_row(const struct onnx_meaning *x)
{
    return x->means == ONNX_DRAFT && x->draft->layer.kind == LAYER_TOKENS;
}

/* Whether a constant has another value for another token. */
bool onnx_tells_tokens(const struct onnx_reader *r, const struct onnx_meaning *x,
                       const struct onnx_meaning *c)
{
    struct onnx_axes axes;
    const struct onnx_tensor *t = &c->tensor;

    if (is_row(x))
        return true;
    if (x->means != ONNX_PIXELS || x->layout == ONNX_NCHW || !onnx_axes_of(r, x, &axes) ||
        t->n_dim > axes.n_dim)
        return false;
    for (uint32_t k = 0; k < t->n_dim; k++)
        if (t->dim[k] > 1 && !axes_within(&axes, axes.n_dim - t->n_dim + k,
                                          axes.n_dim - t->n_dim + k + 1, CHANNELS))
            return true;
    return false;
}

/* Where the value at an index of x's tensor stands in a constant that is spread over it. */
static size_t spread_index(const struct onnx_tensor *t, uint32_t n_dim, const uint32_t *index)
{
    size_t at = 0;

    for (uint32_t k = 0; k < t->n_dim; k++)
        at = at * t->dim[k] + (t->dim[k] == 1 ? 0 : index[n_dim - t->n_dim + k]);
    return at;
}

/* A constant as stored[token][channel]; its dimensions fit. */
static void store(const struct onnx_tokens *t, const struct onnx_meaning *c, double factor,
                  double *stored)
{
    uint32_t index[ONNX_MAP_DIMS] = {0}, length[ONNX_MAP_DIMS];
    const struct onnx_axes *a = &t->axes;
    size_t n = 1;

    for (uint32_t k = 0; k < a->n_dim; k++) {
        length[k] = axes_length(a, k);
        n *= length[k];
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t at[ONNX_SIDES] = {0};
        for (uint32_t k = 0; k < a->n_dim; k++)
            axes_locate(a, k, index[k], at);
        stored[(size_t)onnx_token_number(&t->x.shape, at) * t->x.shape.channels +
               at[ONNX_CHANNEL]] +=
            factor * onnx_constant(c, spread_index(&c->tensor, a->n_dim, index));
        for (uint32_t k = a->n_dim; k-- > 0 && ++index[k] == length[k];)
            index[k] = 0;
    }
}

/* The tokens of a map as those of a row, numbered as they come. */
static void flatten(const struct shape *s, struct onnx_axes *a)
{
    const struct onnx_axes old = *a;

    *a = (struct onnx_axes){0};
    for (uint32_t d = 0; d < old.n_dim; d++) {
        axes_add_dim(a);
        for (uint32_t k = 0; k < old.n; k++) {
            struct onnx_axis axis = old.axis[k];
            if (axis.dim != d)
                continue;
            axis.step *= axis.side == ONNX_COLUMN ? s->height : 1; // an order is of one row
            axis.side = axis.side == ONNX_ROW ? ONNX_COLUMN : axis.side;
            axes_add(a, axis);
        }
    }
}

static enum err check_spread(const struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_axes *a, const struct onnx_tensor *t)
{
    for (uint32_t k = 0; k < t->n_dim; k++)
        if (t->n_dim > a->n_dim ||
            (t->dim[k] != 1 && t->dim[k] != axes_length(a, a->n_dim - t->n_dim + k)))
            return onnx_node_refuse(node, r->msg, "adds %zu constants in %" PRIu32 " dimensions to "
                                    "tokens of %" PRIu32 ": want one for each value, or for all "
                                    "along a dimension", t->n, t->n_dim, a->n_dim);
    return ERR_NONE;
}

/* A layer of `out` tokens in a row whose input is t's map. */
static enum err draft_row(struct onnx_reader *r, const struct onnx_node *node,
                          const struct onnx_tokens *t, uint32_t lead, uint32_t behind,
                          struct onnx_draft **d)
{
    const struct shape s = t->x.shape;
    const uint32_t n = s.height * s.width;
    enum err e = onnx_take_room(r, node, ((uint64_t)n + lead + behind) * s.channels / 8);

    if (!e)
        e = onnx_draft_tokens(r, node, &t->x, LAYER_TOKENS, d);
    if (e)
        return e;
    struct layer *l = &(*d)->layer;
    l->in = (struct shape){1, n, s.channels};
    l->out = (struct shape){1, lead + n + behind, s.channels};
    l->window.pad_before[1] = lead;
    l->window.pad_after[1] = behind;
    l->token->values->stored = calloc((size_t)l->out.width * s.channels, sizeof(double));
    return l->token->values->stored ? ERR_NONE : no_memory(r);
}

/* More that is stored, on a draft of such a row. */
static enum err add_to_row(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           const int sign[2])
{
    const struct onnx_meaning *c = onnx_input(r, node, i), *x;
    struct onnx_tokens t;
    enum err e = onnx_take_draft(r, node, 1 - i, &x);

    if (e)
        return e;
    t = (struct onnx_tokens){.x = *x};
    if (!onnx_axes_of(r, x, &t.axes) || sign[1 - i] < 0 || x->draft->unit[0] != 1 ||
        x->draft->bounded)
        return onnx_node_refuse(node, r->msg, "adds stored values to tokens that were scaled or "
                                "cut: want QuantizeLinear before it");
    e = check_spread(r, node, &t.axes, &c->tensor);
    if (e)
        return e;
    store(&t, c, sign[i], x->draft->layer.token->values->stored);
    onnx_output(r, node, *x);
    return ERR_NONE;
}

enum err onnx_add_stored(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                         const int sign[2])
{
    const struct onnx_meaning *c = onnx_input(r, node, i);
    struct onnx_tokens t;
    struct onnx_draft *d;

    if (is_row(onnx_input(r, node, 1 - i)))
        return add_to_row(r, node, i, sign);
    enum err e = onnx_take_tokens(r, node, 1 - i, &t);

    if (!e && (t.one || sign[1 - i] < 0))
        e = onnx_node_refuse(node, r->msg, "adds stored values to one token, or takes a map from "
                             "them: want a map and a constant of its tokens, added");
    if (!e)
        e = check_spread(r, node, &t.axes, &c->tensor);
    if (!e)
        e = draft_row(r, node, &t, 0, 0, &d);
    if (e)
        return e;
    store(&t, c, sign[i], d->layer.token->values->stored);
    flatten(&t.x.shape, &t.axes);
    t.x.shape = d->layer.out;
    onnx_output(r, node, onnx_draft_of_tokens(r, &t, d));
    return ERR_NONE;
}

/* The dimension of tokens, the only one that is longer than 1 but the last. */
static bool is_only_dim(const struct onnx_axes *a, uint32_t dim)
{
    bool only = dim + 1 < a->n_dim;

    for (uint32_t k = 0; k + 1 < a->n_dim; k++)
        only &= k == dim || axes_length(a, k) == 1;
    return only;
}

/* Of a constant of n tokens: dimensions as x's. */
static enum err check_row(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          const struct onnx_axes *a, uint32_t dim)
{
    const struct onnx_tensor *t = &onnx_input(r, node, i)->tensor;
    bool fits = t->n_dim == a->n_dim;

    for (uint32_t k = 0; k < t->n_dim && fits; k++)
        fits = k == dim || t->dim[k] == axes_length(a, k);
    if (fits && t->n < MOST_STORED)
        return ERR_NONE;
    return onnx_node_refuse(node, r->msg, "input %" PRIu32 " has %zu constants: want tokens of %"
                            PRIu32 " channels along axis %" PRIu32, i, t->n,
                            axes_length(a, a->n_dim - 1), dim);
}

/* Places of the joined dimension: columns of the row. */
static enum err join_axes(struct onnx_reader *r, const struct onnx_node *node,
                          const struct onnx_tokens *t, uint32_t dim, uint32_t lead,
                          uint32_t behind, struct onnx_axes *out)
{
    const uint32_t n = axes_length(&t->axes, dim), all = lead + n + behind;
    uint32_t *order;
    bool plain = true;
    enum err e = onnx_new_list(r, node, all, &order);

    for (uint32_t i = 0; i < all && !e; i++) {
        uint32_t at[ONNX_SIDES] = {0};
        if (i >= lead && i < lead + n)
            axes_locate(&t->axes, dim, i - lead, at);
        order[i] = i < lead || i >= lead + n ? i : lead + onnx_token_number(&t->x.shape, at);
        plain &= order[i] == i;
    }
    *out = (struct onnx_axes){0};
    for (uint32_t k = 0; k < t->axes.n_dim && !e; k++) {
        axes_add_dim(out);
        if (k == dim)
            axes_add(out, (struct onnx_axis){.side = ONNX_COLUMN, .size = all, .step = 1,
                                             .order = plain ? NULL : order});
    }
    axes_end_with_channels(out, t->x.shape.channels);
    return e;
}

enum err onnx_join_stored(struct onnx_reader *r, const struct onnx_node *node, uint32_t map,
                          int64_t axis)
{
    uint32_t lead = 0, behind = 0, at = 0;
    struct onnx_tokens t;
    struct onnx_draft *d;
    struct onnx_axes axes;
    enum err e = onnx_take_tokens(r, node, map, &t);

    if (e)
        return e;
    const uint32_t dim = (uint32_t)(axis < 0 ? axis + t.axes.n_dim : axis);
    if (t.one || !is_only_dim(&t.axes, dim))
        return onnx_node_refuse(node, r->msg, "joins stored values to a map along axis %" PRId64
                                ": want tokens, along their axis", axis);
    for (uint32_t i = 0; i < node->n_input && !e; i++) {
        const uint32_t n = i == map ? 0 : onnx_input(r, node, i)->tensor.dim[dim];
        e = i == map ? ERR_NONE : check_row(r, node, i, &t.axes, dim);
        *(i < map ? &lead : &behind) += n;
    }
    if (!e)
        e = draft_row(r, node, &t, lead, behind, &d);
    if (!e)
        e = join_axes(r, node, &t, dim, lead, behind, &axes);
    for (uint32_t i = 0; i < node->n_input && !e; i++) {
        const struct onnx_meaning *c = onnx_input(r, node, i);
        const uint32_t n = i == map ? d->layer.in.width : c->tensor.dim[dim];
        double *to = d->layer.token->values->stored + (size_t)at * t.x.shape.channels;
        for (size_t k = 0; i != map && k < c->tensor.n; k++)
            to[k] = onnx_constant(c, k);
        at += n;
    }
    if (e)
        return e;
    struct onnx_meaning out = {.means = ONNX_DRAFT, .draft = d, .shape = d->layer.out};
    onnx_set_axes(r, &out, &axes);
    onnx_output(r, node, out);
    return ERR_NONE;
}

/* ---- Sums ---- */

/* Dimensions of the set are gone, or of length 1. */
static void reduce_axes(struct onnx_axes *a, uint32_t set, bool keep)
{
    for (uint32_t k = a->n_dim; k-- > 0;)
        if (set & 1U << k) {
            axes_slice(a, k, 0, 1, 1);
            if (!keep)
                axes_drop(a, k);
        }
}

/* Input 0 as the map of a layer, and the window that sees its tokens: all, or some of the map's
 * that are evenly apart, which make no layer. */
static enum err take_window(struct onnx_reader *r, const struct onnx_node *node,
                            struct onnx_tokens *t, struct window *w)
{
    struct onnx_meaning x = onnx_passed_on(r, node, 0);
    struct onnx_axes axes;
    enum err e = check_map(r, node, 0, &x);

    if (!e && onnx_axes_of(r, &x, &axes)) {
        axes_sort(&axes);
        onnx_set_axes(r, &x, &axes);
    }
    if (!e)
        e = view_tokens(r, node, &x, t);
    if (e)
        return e;
    *w = (struct window){.stride = {1, 1}, .dilation = {1, 1}};
    w->kernel[0] = t->x.shape.height;
    w->kernel[1] = t->x.shape.width;
    if (!x.view.some && t->x.view.some && !t->x.view.pick) {
        for (int a = 0; a < 2; a++) {
            w->skip[a] = t->x.view.first[a];
            w->dilation[a] = t->x.view.step[a];
        }
        t->x = x;
        w->stride[0] = x.shape.height; // one output
        w->stride[1] = x.shape.width;
    }
    return onnx_settle(r, node, &t->x);
}

enum err onnx_reduce_tokens(struct onnx_reader *r, const struct onnx_node *node, uint32_t set,
                            bool keep, bool sums)
{
    struct onnx_tokens t;
    struct onnx_draft *d;
    struct window w;
    enum err e = take_window(r, node, &t, &w);

    if (e)
        return e;
    const uint32_t last = t.axes.n_dim - 1;
    bool all = !t.one && !(set & 1U << last);
    for (uint32_t k = 0; k < last; k++)
        all &= set & 1U << k || axes_length(&t.axes, k) == 1;
    if (!all)
        return onnx_node_refuse(node, r->msg, "goes over other axes than all tokens: want these, "
                                "or normalisation in the pieces of LayerNormalization");
    e = onnx_draft_tokens(r, node, &t.x, LAYER_SUM_TOKENS, &d);
    if (e)
        return e;
    struct layer *l = &d->layer;
    l->window = w;
    l->out.height = l->out.width = 1;
    const double n = (double)w.kernel[0] * w.kernel[1];
    for (uint32_t o = 0; o < d->n && sums; o++)
        d->unit[o] = n;
    struct onnx_meaning out = {.means = ONNX_DRAFT, .draft = d, .shape = l->out};
    reduce_axes(&t.axes, set, keep);
    onnx_set_axes(r, &out, &t.axes);
    onnx_output(r, node, out);
    return ERR_NONE;
}
