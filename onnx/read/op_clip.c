/* onnx/read/op_clip.c -- Relu and Clip: bounds of the clamp that follows rounding. On a rounded
 * map whose bytes keep within the bounds anyway they are nothing, else they begin a LAYER_SCALE. */
#include <inttypes.h>
#include <math.h>

#include "core/util.h"
#include "network/precision.h"
#include "onnx/read/reader.h"

enum { MOST_BOUNDED = 16 }; // inputs of Max and Min

/* Whether what layer l delivers lies within the bounds, to a hundredth of a step. */
static bool keeps_within(const struct layer *l, double low, double high)
{
    int32_t least, most;

    layer_range(l, &least, &most);
    return least - l->out_zero >= low / l->out_scale - 0.01 &&
           most - l->out_zero <= high / l->out_scale + 0.01;
}

static enum err clip_input(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           double low, double high)
{
    struct onnx_meaning x = onnx_passed_on(r, node, i);
    bool idle = x.means == ONNX_PIXELS && low <= 0 && high >= 0; // zeros around it stay

    for (uint32_t k = 0; k < x.n_layer && idle; k++)
        idle = keeps_within(&r->network->layer[x.layer[k]], low, high);
    enum err e = ERR_NONE;
    if (!idle) {
        e = onnx_take_open(r, node, i, &x);
        if (!e)
            e = onnx_draft_clip(r, node, x.draft, low, high);
    }
    if (!e)
        onnx_output(r, node, x);
    return e;
}

static enum err clip(struct onnx_reader *r, const struct onnx_node *node, double low, double high)
{
    return clip_input(r, node, 0, low, high);
}

static enum err read_relu(struct onnx_reader *r, const struct onnx_node *node)
{
    return clip(r, node, 0, INFINITY);
}

static int32_t within(int32_t v, double low, double high)
{
    return (int32_t)fmin(fmax(v, ceil(low)), floor(high));
}

/* The values, and with them their width: what the bounds and the zero point take. */
static void cut_values(struct layer *l, double low, double high)
{
    int32_t *least = l->pooled ? &l->pool.low : &l->requant.low;
    int32_t *most = l->pooled ? &l->pool.high : &l->requant.high;
    struct onnx_quantisation q = onnx_quantisation_of(l);

    *least = within(*least, low, high);
    *most = within(*most, low, high);
    q.least = min_i32(within(q.least, low, high), q.zero);
    q.most = max_i32(within(q.most, low, high), q.zero);
    onnx_deliver(l, &q);
}

/* Bounds are attributes up to set 10, inputs later. */
static enum err read_bound(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           const char *attribute, double *v)
{
    if (!onnx_has_input(node, i))
        return onnx_attr_float(node, attribute, v, r->msg);
    const struct onnx_meaning *m = onnx_input(r, node, i);
    if (!onnx_is_constant(m) || !onnx_tensor_is_single(&m->tensor))
        return onnx_node_refuse(node, r->msg, "its bound %s is %s: want one stored number",
                                attribute, onnx_means_text(m->means));
    *v = onnx_constant(m, 0);
    return ERR_NONE;
}

/* Whether an image that is rounded before it comes, and that nothing else reads, is cut to 0 and 1:
 * then it comes in one bit. */
static bool image_of_bits(struct onnx_reader *r, const struct onnx_meaning *x, double low,
                          double high)
{
    struct layer *image = &r->network->layer[0];

    if (x->n_layer != 1 || x->layer[0] != 0 || x->shared || r->network->image_is_bytes ||
        image->out_signed || image->out_zero != 0 || low > 0 ||
        floor(high) != 1 || r->graph.value[r->graph.image].n_reader > 1)
        return false;
    image->value_bits = 1;
    return true;
}

/* Of bytes, between QuantizeLinear and DequantizeLinear: values of fewer bits. The layer cuts them
 * itself where nothing else reads them, else a copy does. */
static enum err clip_bytes(struct onnx_reader *r, const struct onnx_node *node, double low,
                           double high)
{
    struct onnx_meaning x;
    uint32_t *list;
    enum err e = onnx_take_map(r, node, 0, &x);

    if (!e)
        e = onnx_settle(r, node, &x);
    if (!e && image_of_bits(r, &x, low, high)) {
        onnx_output(r, node, x);
        return ERR_NONE;
    }
    if (!e)
        e = onnx_new_list(r, node, x.n_layer, &list);
    for (uint32_t k = 0; k < x.n_layer && !e; k++) {
        struct layer *l = &r->network->layer[x.layer[k]];
        const struct onnx_quantisation q = onnx_quantisation_of(l);
        struct onnx_meaning part = x;
        struct onnx_draft *d;
        list[k] = x.layer[k];
        if (x.shared || l->kind == LAYER_IMAGE || l->table) {
            part.layer = &x.layer[k];
            part.n_layer = 1;
            part.shape = layer_delivers(l);
            e = onnx_draft_digital(r, node, &part, LAYER_SCALE, &d);
            if (!e)
                e = onnx_draft_quantise(r, node, d, &q, &list[k]);
        }
        if (!e)
            cut_values(&r->network->layer[list[k]], low, high);
    }
    x.layer = list;
    if (!e)
        onnx_output(r, node, x);
    return e;
}

static enum err read_clip(struct onnx_reader *r, const struct onnx_node *node)
{
    double low = -INFINITY, high = INFINITY;
    enum err e = read_bound(r, node, 1, "min", &low);

    if (!e)
        e = read_bound(r, node, 2, "max", &high);
    if (!e && !(low <= high))
        e = onnx_node_refuse(node, r->msg, "clips to %g .. %g: want bounds in order", low, high);
    const bool bytes = !e && onnx_input(r, node, 0)->means == ONNX_BYTES;
    if (bytes && (low > UINT8_MAX || high < INT8_MIN))
        return onnx_node_refuse(node, r->msg, "clips bytes to %g .. %g: want bounds that bytes "
                                "may have", low, high);
    if (bytes)
        return clip_bytes(r, node, low, high);
    return e ? e : clip(r, node, low, high);
}

/* Max and Min of a map and numbers bound it on one side. */
static enum err read_bounded(struct onnx_reader *r, const struct onnx_node *node, bool below)
{
    double bound = below ? -INFINITY : INFINITY;
    uint32_t n_map = 0, map = 0;

    for (uint32_t i = 0; i < node->n_input; i++) {
        const struct onnx_meaning *c = onnx_has_input(node, i) ? onnx_input(r, node, i) : NULL;
        if (!c || !onnx_is_constant(c) || c->tensor.n != 1) {
            map = i;
            n_map += !c || !onnx_is_constant(c) ? 1 : 2;
            continue;
        }
        double v = onnx_constant(c, 0);
        if (!isfinite(v))
            return onnx_node_refuse(node, r->msg, "its constant is %g: want a finite number", v);
        bound = below ? fmax(bound, v) : fmin(bound, v);
    }
    if (n_map != 1)
        return onnx_node_refuse(node, r->msg, "of two maps, or of a constant for each channel: "
                                "want a map and numbers");
    return clip_input(r, node, map, below ? bound : -INFINITY, below ? INFINITY : bound);
}

static enum err read_max(struct onnx_reader *r, const struct onnx_node *node)
{
    return read_bounded(r, node, true);
}

static enum err read_min(struct onnx_reader *r, const struct onnx_node *node)
{
    return read_bounded(r, node, false);
}

const struct onnx_operator onnx_ops_clip[] = {
    {"Clip", 6, 1, 3, "min max", read_clip},
    {"Max",  8, 1, MOST_BOUNDED, "", read_max},
    {"Min",  8, 1, MOST_BOUNDED, "", read_min},
    {"Relu", 1, 1, 1, "", read_relu},
    {0},
};
