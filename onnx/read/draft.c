/* onnx/read/draft.c -- making drafts and adding to them; see reader.h. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "network/step_function.h"
#include "onnx/read/reader.h"
#include "onnx/read/tokens.h"

static enum err no_memory(const struct onnx_reader *r)
{
    return err_set(r->msg, ERR_MEMORY, "no memory for a layer");
}

/* ---- A new one ---- */

/* Room for n units and biases and `outputs` channels that come from x. */
static enum err add_draft(struct onnx_reader *r, const struct onnx_node *node,
                          const struct onnx_meaning *x, uint32_t n, struct onnx_draft **draft)
{
    enum err e = onnx_take_room(r, node, (uint64_t)n + x->n_layer);
    struct onnx_draft *d = e ? NULL : calloc(1, sizeof *d);

    if (!d)
        return e ? e : no_memory(r);
    d->next = r->draft;
    r->draft = d;
    d->node = node->proto;
    d->n = n;
    d->low = -INFINITY;
    d->high = INFINITY;
    d->grain = d->steps = 1;
    d->unit = calloc(n, sizeof *d->unit);
    d->bias = calloc(n, sizeof *d->bias);
    struct layer *l = &d->layer;
    l->input = malloc(x->n_layer * sizeof *l->input);
    if (!d->unit || !d->bias || !l->input)
        return no_memory(r);
    memcpy(l->input, x->layer, x->n_layer * sizeof *l->input);
    l->n_input = x->n_layer;
    l->in = x->shape;
    l->in_zero = r->network->layer[x->layer[0]].out_zero;
    l->groups = 1;
    l->window = (struct window){.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    *draft = d;
    return ERR_NONE;
}

enum err onnx_draft_digital(struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_meaning *x, enum layer_kind kind,
                            struct onnx_draft **draft)
{
    uint32_t n = kind == LAYER_AVERAGE_POOL ? 1 : x->shape.channels;
    enum err e = add_draft(r, node, x, n, draft);

    if (e)
        return e;
    struct onnx_draft *d = *draft;
    d->layer.kind = kind;
    d->layer.out = x->shape;
    d->layer.groups = x->shape.channels;
    for (uint32_t o = 0; o < n; o++)
        d->unit[o] = r->network->layer[x->layer[0]].out_scale;
    return ERR_NONE;
}

/* ---- Weights ---- */

enum err onnx_check_weights(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_meaning *w, uint32_t n_dim)
{
    if (w->means != ONNX_WEIGHTS)
        return onnx_node_refuse(node, r->msg, "its weights are %s: want integers that have passed "
                                "DequantizeLinear", onnx_means_text(w->means));
    if (!onnx_type_is_code(w->tensor.type))
        return onnx_node_refuse(node, r->msg, "its weights are %s: want int8 or uint8, or of 4 or "
                                "16 bits",
                                onnx_type_name(w->tensor.type));
    if (w->tensor.n_dim != n_dim)
        return onnx_node_refuse(node, r->msg, "weights of %" PRIu32 " dimensions: want %" PRIu32,
                                w->tensor.n_dim, n_dim);
    if (w->tensor.n == 0)
        return onnx_node_refuse(node, r->msg, "its weights are empty: want at least one");
    return ERR_NONE;
}

static enum err take_memory(struct onnx_reader *r, const struct onnx_node *node, size_t n)
{
    if (n > r->weights_left)
        return onnx_node_refuse(node, r->msg, "its weights are stored once and used by many nodes: "
                                "want at most 8 times the file's size in all");
    r->weights_left -= n;
    return ERR_NONE;
}

/* Weight i less its zero point. */
static int64_t weight_at(const struct onnx_meaning *w, size_t i, uint32_t axis, size_t columns)
{
    int64_t v = onnx_tensor_integer(&w->tensor, i);

    if (w->zero.n == 0)
        return v;
    size_t at = w->zero.n == 1 ? 0 : axis == 0 ? i / columns : i % columns;
    return v - onnx_tensor_integer(&w->zero, at);
}

/* Whether some weight leaves int8; none may leave int16. */
static enum err weigh(const struct onnx_reader *r, const struct onnx_node *node,
                      const struct onnx_meaning *w, uint32_t axis, bool *wide)
{
    size_t columns = w->tensor.n / w->tensor.dim[0];

    *wide = false;
    for (size_t i = 0; i < w->tensor.n; i++) {
        int64_t v = weight_at(w, i, axis, columns);
        if (v < INT16_MIN || v > INT16_MAX)
            return onnx_node_refuse(node, r->msg, "weight %zu less its zero point is %" PRId64
                                    ": want 16 bits, -32768 to 32767", i, v);
        *wide |= v < INT8_MIN || v > INT8_MAX;
    }
    return ERR_NONE;
}

/* Outputs first, as a layer keeps them. */
static enum err copy_weights(const struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_meaning *w, uint32_t axis, struct layer *l)
{
    const struct onnx_tensor *t = &w->tensor;
    size_t rows = t->dim[0], columns = t->n / rows;
    bool as_they_stand = axis == 0 && w->zero.n == 0 && t->proto->has_raw_data &&
                         t->type == ONNX__TENSOR_PROTO__DATA_TYPE__INT8, wide = false;
    enum err e = as_they_stand ? ERR_NONE : weigh(r, node, w, axis, &wide);

    assert(axis == 0 || t->n_dim == 2);
    if (!e && !layer_make_weights(l, t->n, wide))
        e = no_memory(r);
    if (e)
        return e;
    if (as_they_stand) {
        memcpy(l->weight, t->proto->raw_data.data, t->n);
        return ERR_NONE;
    }
    for (size_t i = 0; i < t->n; i++)
        layer_set_weight(l, axis == 0 ? i : i % columns * rows + i / columns,
                         (int32_t)weight_at(w, i, axis, columns));
    return ERR_NONE;
}

static enum err fill_weights(struct onnx_reader *r, const struct onnx_node *node,
                             struct onnx_draft *d, const struct onnx_affine *a)
{
    const struct onnx_meaning *w = a->weights;
    double in_scale = r->network->layer[d->layer.input[0]].out_scale;
    bool single = w->scale.n == 1;

    if ((!single || w->zero.n > 1) && w->axis != a->axis)
        return onnx_node_refuse(node, r->msg, "the scales of its weights run along axis %" PRIu32
                                ": want one for each output, axis %" PRIu32, w->axis, a->axis);
    for (uint32_t o = 0; o < d->layer.out.channels; o++)
        d->unit[o] = a->alpha * in_scale * onnx_tensor_real(&w->scale, single ? 0 : o);
    return copy_weights(r, node, w, a->axis, &d->layer);
}

static enum err fill_bias(struct onnx_reader *r, const struct onnx_node *node,
                          struct onnx_draft *d, const struct onnx_affine *a)
{
    const struct onnx_meaning *b = a->bias;
    uint32_t n = d->layer.out.channels;

    if (!b)
        return ERR_NONE;
    if (b->means != ONNX_WEIGHTS &&
        !(b->means == ONNX_STORED && onnx_type_is_real(b->tensor.type)))
        return onnx_node_refuse(node, r->msg, "its bias is %s: want a stored float tensor or a "
                                "dequantised constant", onnx_means_text(b->means));
    bool one = b->tensor.n == 1; // for all
    if (!one && (b->tensor.n != n || b->tensor.dim[b->tensor.n_dim - 1] != n))
        return onnx_node_refuse(node, r->msg, "its bias has %zu values: want a list of %" PRIu32,
                                b->tensor.n, n);
    for (uint32_t o = 0; o < n; o++) {
        d->bias[o] = a->beta * onnx_constant(b, one ? 0 : o);
        if (!isfinite(d->bias[o]))
            return onnx_node_refuse(node, r->msg, "bias %" PRIu32 " is %g: want a finite number", o,
                                    d->bias[o]);
    }
    return ERR_NONE;
}

enum err onnx_draft_affine(struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_meaning *x, const struct onnx_affine *a,
                           struct onnx_draft **draft)
{
    uint32_t outputs = a->weights->tensor.dim[a->axis];
    enum err e = take_memory(r, node, a->weights->tensor.n);

    if (!e)
        e = add_draft(r, node, x, outputs, draft);
    if (e)
        return e;
    (*draft)->layer.out.channels = outputs;
    e = fill_weights(r, node, *draft, a);
    return e ? e : fill_bias(r, node, *draft, a);
}

/* ---- A view ---- */

/* A window with one weight that is not 0, which lies where the view begins, and that fits the map
 * as often as the view has rows or columns. */
static void place_view(const struct onnx_meaning *x, const struct shape *whole, struct window *w)
{
    const uint32_t in[] = {whole->height, whole->width};
    const uint32_t out[] = {x->shape.height, x->shape.width};

    for (int axis = 0; axis < 2; axis++) {
        uint32_t stride = out[axis] == 1 ? in[axis] : x->view.step[axis];
        uint64_t covered = (uint64_t)out[axis] * stride; // by a kernel of 1, and a stride behind it
        uint32_t least = in[axis] >= covered ? (uint32_t)(in[axis] - covered + 1) : 1;
        w->stride[axis] = stride;
        w->kernel[axis] = least > x->view.first[axis] ? least : x->view.first[axis] + 1;
    }
}

static struct shape whole_map(const struct onnx_reader *r, const struct onnx_meaning *x)
{
    struct shape s = layer_delivers(&r->network->layer[x->layer[0]]);

    s.channels = 0;
    for (uint32_t i = 0; i < x->n_layer; i++)
        s.channels += layer_delivers(&r->network->layer[x->layer[i]]).channels;
    return s;
}

/* Whether x is all of its layers, in order. */
static bool is_whole(const struct onnx_reader *r, const struct onnx_meaning *x)
{
    const struct onnx_view *v = &x->view;
    const struct shape whole = whole_map(r, x);
    bool all = memcmp(&whole, &x->shape, sizeof whole) == 0 && v->first[0] == 0 &&
               v->first[1] == 0 && v->step[0] == 1 && v->step[1] == 1;

    for (uint32_t o = 0; o < x->shape.channels && all && v->pick; o++)
        all = v->pick[o] == o;
    return all;
}

enum err onnx_narrow(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning *x)
{
    uint32_t *list, *pick, n = 0, first = 0;

    if (!x->view.some || !x->view.pick)
        return ERR_NONE;
    enum err e = onnx_new_list(r, node, x->n_layer, &list);
    if (!e)
        e = onnx_new_list(r, node, x->shape.channels, &pick);
    if (e)
        return e;
    for (uint32_t o = 0; o < x->shape.channels; o++)
        pick[o] = ONNX_ZERO;
    for (uint32_t i = 0, at = 0; i < x->n_layer; i++) { // `first` is where the layer then is
        uint32_t channels = layer_delivers(&r->network->layer[x->layer[i]]).channels;
        bool read = false;
        for (uint32_t o = 0; o < x->shape.channels; o++)
            if (x->view.pick[o] >= at && x->view.pick[o] - at < channels) {
                pick[o] = first + x->view.pick[o] - at;
                read = true;
            }
        at += channels;
        first += read ? channels : 0;
        list[n] = x->layer[i];
        n += read;
    }
    if (n == 0) // zeros only, of any layer
        return ERR_NONE;
    x->layer = list;
    x->n_layer = n;
    x->view.pick = pick;
    if (is_whole(r, x))
        x->view = (struct onnx_view){0};
    return ERR_NONE;
}

enum err onnx_draft_view(struct onnx_reader *r, const struct onnx_node *node,
                         const struct onnx_meaning *x, struct onnx_draft **draft)
{
    const struct onnx_view *v = &x->view;
    struct shape whole = whole_map(r, x);
    struct window window = {.dilation = {1, 1}};

    place_view(x, &whole, &window);
    uint64_t positions = (uint64_t)window.kernel[0] * window.kernel[1];
    uint64_t rows = positions * whole.channels; // at most 2^48
    if (rows > INT32_MAX / x->shape.channels)
        return onnx_node_refuse(node, r->msg,
                                "a part of a map that a kernel of %" PRIu32 "x%" PRIu32
                                " would pick: want a smaller map",
                                window.kernel[0], window.kernel[1]);
    enum err e = take_memory(r, node, rows * x->shape.channels);
    if (!e)
        e = add_draft(r, node, x, x->shape.channels, draft);
    if (e)
        return e;
    struct layer *l = &(*draft)->layer;
    l->kind = LAYER_CONV;
    l->window = window;
    l->in = whole;
    l->out = x->shape;
    l->weight = calloc(rows, l->out.channels);
    if (!l->weight)
        return no_memory(r);
    for (uint32_t o = 0; o < l->out.channels; o++)
        (*draft)->unit[o] = r->network->layer[x->layer[0]].out_scale;
    for (uint32_t o = 0; o < l->out.channels; o++) {
        uint32_t from = v->pick ? v->pick[o] : o;
        if (from != ONNX_ZERO)
            l->weight[o * rows + from * positions + (uint64_t)v->first[0] * window.kernel[1] +
                      v->first[1]] = 1;
    }
    return ERR_NONE;
}

enum err onnx_draft_sum(struct onnx_reader *r, const struct onnx_node *node,
                        const struct onnx_meaning *x, struct onnx_draft **draft)
{
    uint32_t channels = x->shape.channels;
    enum err e = take_memory(r, node, channels);

    if (!e)
        e = add_draft(r, node, x, 1, draft);
    if (e)
        return e;
    struct layer *l = &(*draft)->layer;
    l->kind = LAYER_CONV;
    l->out = (struct shape){x->shape.height, x->shape.width, 1};
    l->weight = malloc(channels);
    if (!l->weight)
        return no_memory(r);
    memset(l->weight, 1, channels);
    (*draft)->unit[0] = r->network->layer[x->layer[0]].out_scale / channels;
    return ERR_NONE;
}

/* ---- More to do ---- */

static enum err refuse_more(const struct onnx_reader *r, const struct onnx_node *node,
                            const char *does, const char *what)
{
    return onnx_node_refuse(node, r->msg, "%s what is already %s: want QuantizeLinear before it",
                            does, what);
}

/* Output o changes its sign. */
static enum err negate(const struct onnx_reader *r, const struct onnx_node *node,
                       struct onnx_draft *d, uint32_t o)
{
    struct layer *l = &d->layer;

    if (l->kind == LAYER_MAX_POOL || l->kind == LAYER_AVERAGE_POOL)
        return refuse_more(r, node, "changes the sign of", "pooled");
    if (layer_is_of_tokens(l) && l->kind != LAYER_NORM)
        return refuse_more(r, node, "changes the sign of", "attention or a sum of tokens");
    if (l->kind == LAYER_SCALE || l->kind == LAYER_NORM) {
        if (!l->negated)
            l->negated = calloc(l->out.channels, sizeof *l->negated);
        if (!l->negated)
            return no_memory(r);
        l->negated[o] = !l->negated[o];
        return ERR_NONE;
    }
    size_t rows = layer_kernel_rows(l);
    for (size_t i = o * rows; i < (o + 1) * rows; i++) {
        int32_t least = l->weight ? INT8_MIN : INT16_MIN, v = layer_weight(l, i);
        if (v == least)
            return onnx_node_refuse(node, r->msg, "changes the sign of a weight of %" PRId32
                                    ": want weights from %" PRId32 ", or the sign in the weights",
                                    v, least + 1);
        layer_set_weight(l, i, -v);
    }
    return ERR_NONE;
}

/* Whether bounds and residual can follow the change. */
static enum err check_scale(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_draft *d, uint32_t n, const double *factor,
                            const double *offset)
{
    bool uniform = n == 1 && factor[0] > 0;

    for (uint32_t o = 0; o < n; o++)
        if (!isfinite(factor[o]) || !isfinite(offset[o]))
            return onnx_node_refuse(node, r->msg,
                                    "constant %" PRIu32 " makes a factor of %g and an "
                                    "offset of %g: want finite numbers",
                                    o, factor[o], offset[o]);
    if (d->largest && !uniform)
        return refuse_more(r, node, "scales", "pooled");
    if (d->bounded && !uniform && (d->layer.has_residual || d->n != d->layer.out.channels))
        return refuse_more(r, node, "scales", "cut by Relu or Clip");
    if (d->layer.has_residual && !d->layer.multiplies && !uniform)
        return refuse_more(r, node, "scales", "a sum");
    if (d->n == 1 && n > 1)
        return refuse_more(r, node, "scales channels of", "averaged");
    return ERR_NONE;
}

/* Bounds of each output, from those of all. */
static bool spread_bounds(struct onnx_draft *d)
{
    if (!d->bound)
        d->bound = malloc(2 * (size_t)d->n * sizeof *d->bound);
    for (uint32_t o = 0; d->bound && o < d->n; o++) {
        d->bound[2 * o] = d->low;
        d->bound[2 * o + 1] = d->high;
    }
    return d->bound;
}

/* What the bounds of output o become when it is scaled. */
static void scale_bound(double *bound, double factor, double offset)
{
    double a = factor != 0 ? bound[0] * factor + offset : offset;
    double b = factor != 0 ? bound[1] * factor + offset : offset;

    bound[0] = fmin(a, b);
    bound[1] = fmax(a, b);
}

/* Values are multiples of grain / steps: what they are once they are scaled, by whole numbers or
 * their inverses, and moved. What is neither leaves no such numbers. */
static void scale_steps(struct onnx_draft *d, uint32_t n, const double *factor,
                        const double *offset)
{
    double common = 0, divisor = 1;
    bool whole = true;

    for (uint32_t o = 0; o < n; o++) {
        double f = fabs(factor[o]), inverse = f != 0 ? 1 / f : 1;
        bool part = f != rint(f);
        if (part)
            divisor = fmax(divisor, rint(inverse));
        common = onnx_common_divisor(part ? 1 : f, common);
        whole &= !part || fabs(inverse - rint(inverse)) < 1e-9 * inverse;
    }
    d->grain *= common;
    d->steps *= divisor;
    for (uint32_t o = 0; o < n; o++) {
        double moved = fabs(offset[o]) * d->steps;
        whole &= moved == rint(moved) && moved < 0x1p53;
        d->grain = onnx_common_divisor(moved, d->grain);
    }
    if (!whole || !(d->steps < 0x1p40) || !(d->grain < 0x1p53)) {
        d->grain = 1;
        d->steps = 0x1p40;
    }
}

enum err onnx_draft_scale(struct onnx_reader *r, const struct onnx_node *node,
                          struct onnx_draft *d, uint32_t n, const double *factor,
                          const double *offset)
{
    enum err e = check_scale(r, node, d, n, factor, offset);

    for (uint32_t o = 0; o < d->n && !e; o++) {
        double f = factor[n == 1 ? 0 : o];
        if (f < 0)
            e = negate(r, node, d, o);
        d->unit[o] *= fabs(f);
        d->bias[o] = d->bias[o] * f + offset[n == 1 ? 0 : o];
        if (!e && (!isfinite(d->unit[o]) || !isfinite(d->bias[o])))
            e = onnx_node_refuse(node, r->msg,
                                 "makes a step of %g and an offset of %g: want finite "
                                 "numbers",
                                 d->unit[o], d->bias[o]);
    }
    d->residual_scale *= factor[0]; // of all, where there is one
    scale_steps(d, n, factor, offset);
    if (!e && d->bounded && !d->bound && (n > 1 || factor[0] <= 0) && !spread_bounds(d))
        return no_memory(r);
    if (d->bound) {
        for (uint32_t o = 0; o < d->n; o++)
            scale_bound(&d->bound[2 * o], factor[n == 1 ? 0 : o], offset[n == 1 ? 0 : o]);
    } else if (d->bounded) {
        d->low = d->low * factor[0] + offset[0];
        d->high = d->high * factor[0] + offset[0];
    }
    return e;
}

enum err onnx_draft_add(struct onnx_reader *r, const struct onnx_node *node,
                        const struct onnx_meaning *sum, const struct onnx_meaning *residual,
                        int sign)
{
    struct onnx_draft *d = sum->draft;
    struct layer *l = &d->layer;
    const struct shape *a = &sum->shape, *b = &residual->shape;

    if (d->largest)
        return refuse_more(r, node, "adds to", "pooled");
    if (layer_is_of_tokens(l))
        return refuse_more(r, node, "adds to", "normalised, attention or a sum of tokens");
    if (l->has_residual || d->bounded)
        return refuse_more(r, node, "adds to", l->has_residual ? "a sum" : "cut by Relu or Clip");
    if (!onnx_same_layout(sum, residual))
        return onnx_node_refuse(node, r->msg,
                                "adds maps of other dimensions or another order: want "
                                "the same");
    if (memcmp(a, b, sizeof *a))
        return onnx_node_refuse(node, r->msg, "adds %" PRIu32 "x%" PRIu32 "x%" PRIu32 " (rows x "
                                "columns x channels) to %" PRIu32 "x%" PRIu32 "x%" PRIu32 ": want "
                                "the same shape", b->height, b->width, b->channels, a->height,
                                a->width, a->channels);
    assert(residual->n_layer == 1);
    l->has_residual = true;
    l->residual = residual->layer[0];
    d->residual_scale = sign * r->network->layer[l->residual].out_scale;
    return ERR_NONE;
}

void onnx_draft_multiply(const struct onnx_reader *r, struct onnx_draft *d,
                         const struct onnx_meaning *map)
{
    struct layer *l = &d->layer;

    assert(map->n_layer == 1 && map->layer[0] != 0 && l->kind == LAYER_SCALE);
    l->has_residual = l->multiplies = true;
    l->residual = map->layer[0];
    l->out = map->shape;
    l->window.again[0] = map->shape.height / l->in.height - 1;
    l->window.again[1] = map->shape.width / l->in.width - 1;
    for (uint32_t o = 0; o < d->n; o++)
        d->unit[o] *= r->network->layer[l->residual].out_scale;
}

enum err onnx_draft_clip(struct onnx_reader *r, const struct onnx_node *node,
                         struct onnx_draft *d, double low, double high)
{
    if (!(low <= high))
        return onnx_node_refuse(node, r->msg, "clips to %g .. %g: want bounds in order", low, high);
    d->low = fmin(fmax(d->low, low), high);
    d->high = fmin(fmax(d->high, low), high);
    for (uint32_t o = 0; d->bound && o < 2 * d->n; o++)
        d->bound[o] = fmin(fmax(d->bound[o], low), high);
    d->bounded = true;
    return ERR_NONE;
}

static void free_draft(struct onnx_draft *d)
{
    free(d->unit);
    free(d->bias);
    free(d->bound);
    free(d->divisor);
    step_function_free(d->function);
    free(d->layer.input);
    free(d->layer.weight);
    free(d->layer.wide_weight);
    free(d->layer.negated);
    if (d->layer.token)
        token_values_free(d->layer.token->values);
    free(d->layer.token);
    requant_release(&d->layer.requant);
    free(d);
}

void onnx_draft_free_all(struct onnx_reader *r)
{
    while (r->draft) {
        struct onnx_draft *d = r->draft;
        r->draft = d->next;
        free_draft(d);
    }
    onnx_forget_names(r);
}
