/* onnx/read/read.c -- see read.h. */
#include "onnx/read/read.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/file.h"
#include "onnx/float/graph.h"
#include "onnx/kind.h"
#include "onnx/read/reader.h"
#include "onnx/rewrite/prepare.h"

enum { LEAST_OPSET = 7, MOST_END_VALUES = 1 << 28 };

static const struct onnx_operator *const families[] = {
    onnx_ops_add,  onnx_ops_clip,   onnx_ops_concat, onnx_ops_constant, onnx_ops_conv,
    onnx_ops_gemm, onnx_ops_layout, onnx_ops_pool,   onnx_ops_qlinear,  onnx_ops_quantize,
    onnx_ops_scale, onnx_ops_view,  onnx_ops_resize,  onnx_ops_integer, onnx_ops_transposed,
    onnx_ops_norm, onnx_ops_attention, onnx_ops_rotary,
};

enum { N_FAMILY = sizeof families / sizeof *families };

/* ---- What nodes ask for ---- */

bool onnx_has_input(const struct onnx_node *node, uint32_t i)
{
    return i < node->n_input && node->input[i] != ONNX_ABSENT;
}

const struct onnx_meaning *onnx_input(const struct onnx_reader *r, const struct onnx_node *node,
                                      uint32_t i)
{
    assert(onnx_has_input(node, i));
    return &r->meaning[node->input[i]];
}

void onnx_output(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning m)
{
    r->meaning[node->output[0]] = m;
}

void *onnx_keep(struct onnx_reader *r, size_t n, size_t size)
{
    void **kept = realloc(r->kept, (r->n_kept + 1) * sizeof *kept);

    if (!kept)
        return NULL;
    r->kept = kept;
    kept[r->n_kept] = calloc(n + 1, size);
    return kept[r->n_kept] ? kept[r->n_kept++] : NULL;
}

enum err onnx_take_room(struct onnx_reader *r, const struct onnx_node *node, uint64_t n)
{
    if (n > r->room_left)
        return onnx_node_refuse(node, r->msg, "%" PRIu64 " more channels, positions of windows or "
                                "parts of maps: want a smaller network", n);
    r->room_left -= n;
    return ERR_NONE;
}

enum err onnx_new_list(struct onnx_reader *r, const struct onnx_node *node, uint32_t n,
                       uint32_t **list)
{
    enum err e = onnx_take_room(r, node, n);

    if (e)
        return e;
    *list = onnx_keep(r, n, sizeof **list);
    return *list ? ERR_NONE : err_set(r->msg, ERR_MEMORY, "no memory for a list of layers");
}

/* ---- Nodes ---- */

static bool is_one_of(const struct onnx_node *node, const char *const *list)
{
    const char *type = node->proto->op_type ? node->proto->op_type : "";

    for (; *list; list++)
        if (strcmp(type, *list) == 0)
            return true;
    return false;
}

static enum err refuse_operator(const struct onnx_reader *r, const struct onnx_node *node)
{
    if (float_is_elementwise(node))
        return onnx_node_refuse(node, r->msg, "is no function of one rounded map: want "
                                "QuantizeLinear and DequantizeLinear in front of it");
    return onnx_node_unknown(node, r->msg);
}

/* "weight_bits": DORY's own, which numbers say as well. */
static bool is_annotation(const char *name)
{
    size_t n = name ? strlen(name) : 0;

    return n > 5 && strcmp(name + n - 5, "_bits") == 0;
}

static enum err refuse_count(const struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_operator *op)
{
    return onnx_node_refuse(node, r->msg, "%" PRIu32 " inputs: want %" PRIu32 " to %" PRIu32,
                            node->n_input, op->least_input, op->most_input);
}

/* What patterns of several nodes rely on, too. op: NULL where there is none of its own. */
static enum err check_ends(const struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_operator *op)
{
    if (op && node->n_input < op->least_input)
        return refuse_count(r, node, op);
    for (uint32_t i = 0; op && i < op->least_input; i++)
        if (!onnx_has_input(node, i))
            return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is left out: want it", i);
    if (node->n_output < 1 || node->output[0] == ONNX_ABSENT)
        return onnx_node_refuse(node, r->msg, "%" PRIu32 " outputs: want one", node->n_output);
    for (uint32_t i = 1; i < node->n_output; i++)
        if (node->output[i] != ONNX_ABSENT && r->graph.value[node->output[i]].n_reader > 0)
            return onnx_node_refuse(node, r->msg, "output %" PRIu32 " is read: want the first "
                                    "only", i);
    return ERR_NONE;
}

static enum err check_node(const struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_operator *op)
{
    if (r->graph.opset < op->since)
        return onnx_node_refuse(node, r->msg, "not in operator set %" PRId64 ": want %d or later",
                                r->graph.opset, op->since);
    if (node->n_input > op->most_input)
        return refuse_count(r, node, op);
    enum err e = ERR_NONE;
    for (size_t i = 0; i < node->proto->n_attribute && !e; i++)
        if (!r->integers || !is_annotation(node->proto->attribute[i]->name))
            e = onnx_check_attribute(node, i, op->attributes, r->graph.opset, r->msg);
    return e;
}

static bool is_microsoft(const struct onnx_node *node)
{
    return node->proto->domain && strcmp(node->proto->domain, "com.microsoft") == 0;
}

/* NULL: there is none. Microsoft's domain has ONNX's own quantisation under the same names. */
static const struct onnx_operator *find_operator(const struct onnx_node *node)
{
    const char *type = node->proto->op_type;
    bool own = onnx_is_own_domain(node->proto->domain);

    if (!type || (!own && !is_microsoft(node) && strcmp(type, "RequantShift") != 0))
        return NULL;
    for (size_t f = 0; f < N_FAMILY; f++)
        for (const struct onnx_operator *op = families[f]; op->name; op++)
            if (strcmp(type, op->name) == 0 && (own || op->since == 0 || strstr(type, "Linear")))
                return op;
    return NULL;
}

/* Whether an image has no say in it: all inputs are stored, at least one. */
static bool is_constant(const struct onnx_reader *r, const struct onnx_node *node)
{
    bool some = false;

    for (uint32_t i = 0; i < node->n_input; i++) {
        if (!onnx_has_input(node, i))
            continue;
        some = true;
        if (onnx_input(r, node, i)->means != ONNX_STORED)
            return false;
    }
    return some && onnx_is_own_domain(node->proto->domain) && node->proto->op_type &&
           strcmp(node->proto->op_type, "DequantizeLinear") != 0;
}

/* What may read channels in groups: what moves or rounds, value by value; of heads, axes tell what
 * is done to them. */
static enum err check_groups(struct onnx_reader *r, const struct onnx_node *node)
{
    static const char *const movers[] = {"Cast", "DequantizeLinear", "Dropout", "Flatten",
                                         "Identity", "QuantizeLinear", "Reshape", "Shape",
                                         "Transpose", NULL};
    static const char *const of_heads[] = {"Div", "Expand", "Gather", "MatMul", "Mul", "Slice",
                                           "Split", "Squeeze", "Unsqueeze", NULL};

    for (uint32_t i = 0; i < node->n_input; i++) {
        if (!onnx_has_input(node, i) || !onnx_is_grouped(onnx_input(r, node, i)) ||
            is_one_of(node, movers))
            continue;
        struct onnx_meaning *x = &r->meaning[node->input[i]];
        struct onnx_axes axes;
        if (!is_one_of(node, of_heads) || !onnx_axes_of(r, x, &axes))
            return onnx_node_refuse(node, r->msg, "reads channels in groups: want Reshape to "
                                    "channels in front of it");
        x->layout = ONNX_AXES;
        x->axes = axes;
    }
    return ERR_NONE;
}

static enum err read_node(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_operator *op = find_operator(node);
    enum err e = check_groups(r, node);

    if (!e)
        e = check_ends(r, node, op);
    if (e)
        return e;
    if (is_constant(r, node))
        return onnx_fold(r, node);
    for (uint32_t i = 0; i < node->n_input && !e; i++)
        if (onnx_has_input(node, i))
            e = onnx_integer_settle(r, node, i);
    if (e)
        return e;
    if (onnx_reads_scores(r, node))
        return onnx_go_on_with_scores(r, node);
    if (onnx_is_of_rotation(r, node))
        return onnx_read_of_rotation(r, node, op);
    if (onnx_is_of_norm(r, node))
        return onnx_read_norm_piece(r, node);
    if (onnx_curve_continues(r, node, op != NULL))
        return onnx_curve_read(r, node);
    if (onnx_function_continues(r, node, op != NULL))
        return onnx_function_read(r, node);
    if (!op)
        return refuse_operator(r, node);
    e = check_node(r, node, op);
    for (uint32_t i = 0; i < node->n_input && !e; i++)
        if (onnx_has_input(node, i))
            e = onnx_curve_settle(r, node, node->input[i]);
    return e ? e : op->read(r, node);
}

/* ---- Ends ---- */

static void image_of_tokens(struct onnx_meaning *image)
{
    image->layout = ONNX_AXES;
    axes_add_dim(&image->axes);
    axes_add_dim(&image->axes);
    axes_add(&image->axes, (struct onnx_axis){.side = ONNX_COLUMN, .size = image->shape.width,
                                              .step = 1});
    axes_add_dim(&image->axes);
    axes_end_with_channels(&image->axes, image->shape.channels);
}

static enum err read_image(struct onnx_reader *r)
{
    struct onnx_meaning *image = &r->meaning[r->graph.image];
    struct onnx_image found;
    enum err e = onnx_graph_image(&r->graph, &found, r->msg);

    image->means = ONNX_IMAGE;
    image->shape = found.shape;
    image->layout = found.n_dim == 2      ? ONNX_FLAT
                    : found.n_dim == 3    ? ONNX_NCW
                    : found.channels_last ? ONNX_NHWC
                                          : ONNX_NCHW;
    if (found.n_dim == 3 && found.channels_last)
        image_of_tokens(image);
    r->network->image_is_bytes = r->integers || !onnx_type_is_real(found.type);
    r->network->image_is_whole = r->integers;
    r->network->image_channels_last = found.channels_last;
    r->batch = found.batch;
    r->image_type = found.type;
    return e;
}

static enum err read_constants(struct onnx_reader *r)
{
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < r->graph.n_value && !e; i++) {
        const struct onnx_value *v = &r->graph.value[i];
        if (v->maker != ONNX_CONSTANT || v->n_reader == 0)
            continue;
        r->meaning[i].means = ONNX_STORED;
        e = onnx_tensor_view(&r->meaning[i].tensor, r->graph.proto->initializer[v->index], r->msg);
    }
    return e;
}

/* A map that is the network's result, as its last layer. */
static enum err read_result_map(struct onnx_reader *r, struct onnx_meaning *x, const char *name)
{
    struct onnx_node node = {.proto = r->graph.node[r->graph.n_node - 1].proto};

    if (onnx_is_padded(x))
        return err_set(r->msg, ERR_INPUT,
                       "graph output \"%.100s\" has zeros around it: want a Conv "
                       "behind Pad",
                       name);
    enum err e = onnx_settle(r, &node, x);
    if (!e && x->n_layer > 1)
        e = onnx_single(r, &node, x);
    if (!e && x->layer[0] == 0)
        return err_set(r->msg, ERR_INPUT, "graph output \"%.100s\" is the image: want a network",
                       name);
    return e;
}

/* ---- What the host does ---- */

static const char *const endings[] = {"ArgMax", "ArgMin", "LogSoftmax", "Softmax", "TopK", NULL};
static const char *const products[] = {"Conv", "ConvInteger", "ConvTranspose", "Gemm", "MatMul",
                                       "MatMulInteger", "QGemm", "QLinearConv", "QLinearMatMul",
                                       NULL};

/* What makes maps of a network, not of a host. */
static const char *const codes[] = {"Conv", "ConvInteger", "ConvTranspose", "Floor", "Gemm",
                                    "MatMul", "MatMulInteger", "QGemm", "QLinearConv",
                                    "QLinearMatMul", "QuantizeLinear", "RequantShift", NULL};

/* What only picks or transforms results where it stands behind all products and roundings. */
static const char *const picks[] = {"Gather", "Sigmoid", "Tanh", NULL};

static bool reads_shape(const struct onnx_graph *g, const struct onnx_node *node)
{
    const struct onnx_value *v = node->n_input && node->input[0] != ONNX_ABSENT
                                     ? &g->value[node->input[0]] : NULL;

    return v && v->maker == ONNX_NODE && onnx_node_is(&g->node[v->index], "Shape");
}

/* Per node: whether an operator of a list comes behind it, or it is one. */
static bool *find_inner(struct onnx_reader *r, const char *const *list)
{
    const struct onnx_graph *g = &r->graph;
    bool *inner = onnx_keep(r, g->n_node, sizeof *inner);

    for (uint32_t i = g->n_node; inner && i-- > 0;) {
        const struct onnx_node *node = &g->node[i];
        inner[i] |= is_one_of(node, list);
        for (uint32_t k = 0; k < node->n_input && inner[i]; k++)
            if (node->input[k] != ONNX_ABSENT && g->value[node->input[k]].maker == ONNX_NODE)
                inner[g->value[node->input[k]].index] = true;
    }
    return inner;
}

/* Softmax and the like, and all that comes behind them, which must not need a crossbar. Softmax in
 * front of a product is attention's. */
static enum err mark_host(struct onnx_reader *r)
{
    const struct onnx_graph *g = &r->graph;
    const struct onnx_node *first = NULL;
    const bool *inner = find_inner(r, codes), *factor = find_inner(r, products);

    if (!inner || !factor)
        return err_set(r->msg, ERR_MEMORY, "no memory for nodes");

    for (uint32_t i = 0; i < g->n_node; i++) {
        const struct onnx_node *node = &g->node[i];
        bool behind = false;
        for (uint32_t k = 0; k < node->n_input; k++) {
            const struct onnx_value *v = node->input[k] == ONNX_ABSENT ? NULL
                                                                       : &g->value[node->input[k]];
            behind |= v && v->maker == ONNX_NODE && r->host[v->index];
        }
        bool ends = is_one_of(node, endings) && !(onnx_node_is(node, "Softmax") && factor[i]);
        r->host[i] =
            behind || ends || (is_one_of(node, picks) && !inner[i] && !reads_shape(g, node));
        first = ends && !first ? node : first;
        if (behind && is_one_of(node, products))
            return onnx_node_refuse(first, r->msg, "is not the end of the network: want it there, "
                                    "where the host computes it");
    }
    return ERR_NONE;
}

struct ends { // values that the host needs from the network
    uint32_t *value, *sums; // kept by the reader; the second are not rounded
    uint32_t  n, n_sums;
    bool     *known; // per value
};

static void need(struct ends *e, uint32_t value)
{
    if (value != ONNX_ABSENT && !e->known[value])
        e->value[e->n++] = value;
    if (value != ONNX_ABSENT)
        e->known[value] = true;
}

/* Where values whose dimensions are lists of axes stand in the map. */
static enum err find_places(struct onnx_reader *r, struct network_end *e,
                            const struct onnx_meaning *x)
{
    uint64_t n = 1;

    for (uint32_t d = 0; d < e->n_dim && n <= MOST_END_VALUES; d++)
        n *= e->dim[d];
    if (n > MOST_END_VALUES)
        return err_set(r->msg, ERR_INPUT, "graph output \"%.100s\" has more than %d values: want "
                       "fewer", e->value, MOST_END_VALUES);
    if (!(e->place = malloc((n + 1) * sizeof *e->place)))
        return err_set(r->msg, ERR_MEMORY, "no memory for a result");
    for (uint64_t i = 0; i < n; i++) {
        uint32_t at[ONNX_SIDES] = {x->axes.first[0], x->axes.first[1], x->axes.first[2]};
        uint64_t left = i;
        for (uint32_t d = e->n_dim; d-- > 0; left /= e->dim[d])
            axes_locate(&x->axes, d, (uint32_t)(left % e->dim[d]), at);
        e->place[i] = (at[ONNX_COLUMN] * x->shape.height + at[ONNX_ROW]) * x->shape.channels +
                      at[ONNX_CHANNEL];
    }
    return ERR_NONE;
}

static enum err add_end(struct onnx_reader *r, uint32_t value, const struct onnx_meaning *x,
                        uint32_t layer)
{
    struct network *n = r->network;
    struct network_end *longer = realloc(n->end, (n->n_end + 1) * sizeof *longer);
    struct network_end *e = longer ? &longer[n->n_end] : NULL;

    if (!longer)
        return err_set(r->msg, ERR_MEMORY, "no memory for a result");
    n->end = longer;
    *e = (struct network_end){.value = strdup(r->graph.value[value].name), .layer = layer,
                              .real = x->means != ONNX_BYTES};
    n->n_end++;
    if (!e->value)
        return err_set(r->msg, ERR_MEMORY, "no memory for a result");
    e->channels_last = x->layout == ONNX_NHWC || x->layout == ONNX_FLAT_NHWC;
    e->n_dim = onnx_dims(r, x, e->dim);
    if (x->layout == ONNX_AXES) // the batch is 1, wherever it is
        return find_places(r, e, x);
    if (x->layout != ONNX_VECTOR)
        e->dim[0] = 1;
    return ERR_NONE;
}

static enum err end_map(struct onnx_reader *r, uint32_t value)
{
    struct onnx_meaning x = r->meaning[value];
    enum err e = read_result_map(r, &x, r->graph.value[value].name);

    return e ? e : add_end(r, value, &x, x.layer[0]);
}

/* Sums of a Conv or Gemm leave as they are. */
static enum err end_sums(struct onnx_reader *r, uint32_t value)
{
    enum err e = onnx_draft_finish_raw(r, r->meaning[value].draft);

    return e ? e : add_end(r, value, &r->meaning[value], r->network->n_layer - 1);
}

/* Whether a value that is not rounded may leave as sums. The node that made the sums is read anew
 * where others have added to them meanwhile. */
static enum err may_leave(struct onnx_reader *r, uint32_t value, bool *may)
{
    const struct onnx_node *node = &r->graph.node[r->graph.value[value].index];
    enum err e = ERR_NONE;

    if (is_one_of(node, products) && !onnx_draft_may_be_raw(r->meaning[value].draft))
        e = read_node(r, node);
    *may = !e && r->meaning[value].means == ONNX_DRAFT &&
           onnx_draft_may_be_raw(r->meaning[value].draft);
    return e;
}

/* A value that leaves: maps at once, sums later, and of anything else that is not rounded what is
 * in front of it, for the host computes it. */
static enum err read_end(struct onnx_reader *r, struct ends *ends, uint32_t value)
{
    const struct onnx_value *v = &r->graph.value[value];
    const struct onnx_meaning *x = &r->meaning[value];
    bool may = false;
    enum err e = ERR_NONE;

    if (onnx_is_constant(x))
        return ERR_NONE;
    if (x->turn)
        return err_set(r->msg, ERR_INPUT, "graph output \"%.100s\" has turned by its place: want "
                       "attention behind it", v->name);
    if (x->means == ONNX_CURVE)
        e = onnx_curve_settle_end(r, value);
    else
        e = onnx_integer_settle_end(r, value);
    if (e)
        return e;
    if (onnx_is_map(x))
        return end_map(r, value);
    if (v->maker != ONNX_NODE ||
        (x->means != ONNX_DRAFT && x->means != ONNX_CURVE &&
         x->means != ONNX_FUNCTION && !r->host[v->index]))
        return err_set(r->msg, ERR_INPUT, "graph output \"%.100s\" is %s: want the result of a "
                       "network", v->name, onnx_means_text(x->means));
    if (!r->host[v->index] && x->means == ONNX_DRAFT)
        e = may_leave(r, value, &may);
    if (may)
        ends->sums[ends->n_sums++] = value;
    for (uint32_t k = 0; k < r->graph.node[v->index].n_input && !may && !e; k++)
        need(ends, r->graph.node[v->index].input[k]);
    return e;
}

/* The layer whose sums leave must be the last. */
static enum err read_ends(struct onnx_reader *r)
{
    struct ends ends = {.value = onnx_keep(r, r->graph.n_value, sizeof *ends.value),
                        .sums = onnx_keep(r, r->graph.n_value, sizeof *ends.sums),
                        .known = onnx_keep(r, r->graph.n_value, sizeof *ends.known)};
    enum err e = ends.value && ends.sums && ends.known ? ERR_NONE
                                                       : err_set(r->msg, ERR_MEMORY,
                                                                 "no memory for results");

    for (size_t i = 0; i < r->graph.proto->n_output && !e; i++)
        need(&ends, onnx_graph_find(&r->graph, r->graph.proto->output[i]->name));
    for (uint32_t i = 0; i < ends.n && !e; i++)
        e = read_end(r, &ends, ends.value[i]);
    for (uint32_t i = 0; i < ends.n_sums && !e; i++)
        e = end_sums(r, ends.sums[i]);
    return e;
}

/* needed[i]: whether layer i is the image, a result, or read for one. */
static void find_needed(const struct network *n, bool *needed)
{
    needed[0] = true;
    for (uint32_t k = 0; k < n->n_end; k++)
        needed[n->end[k].layer] = true;
    for (uint32_t i = n->n_layer; i-- > 1;) {
        const struct layer *l = &n->layer[i];
        for (uint32_t j = 0; j < l->n_input && needed[i]; j++)
            needed[l->input[j]] = true;
        if (l->has_residual && needed[i])
            needed[l->residual] = true;
    }
}

/* Layers move to new[i]; those that are not needed to *dropped. */
static void move_layers(struct network *n, const bool *needed, uint32_t *new,
                        struct network *dropped)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n->n_layer; i++) {
        struct layer l = n->layer[i];
        if (!needed[i]) {
            dropped->layer[dropped->n_layer++] = l;
            continue;
        }
        for (uint32_t j = 0; j < l.n_input; j++)
            l.input[j] = new[l.input[j]];
        l.residual = l.has_residual ? new[l.residual] : 0;
        new[i] = kept;
        n->layer[kept++] = l;
    }
    n->n_layer = kept;
    for (uint32_t k = 0; k < n->n_end; k++)
        n->end[k].layer = new[n->end[k].layer];
}

/* Parts of a concatenated map that no reader wanted, once all have been seen. */
static enum err drop_unread_layers(struct onnx_reader *r)
{
    struct network *n = r->network, dropped = {0};
    bool *needed = calloc(n->n_layer + 1, sizeof *needed);
    uint32_t *new = calloc(n->n_layer + 1, sizeof *new);
    enum err e = ERR_NONE;

    onnx_forget_names(r); // those of dropped layers go with them
    dropped.layer = calloc(n->n_layer + 1, sizeof *dropped.layer);
    if (needed && new && dropped.layer) {
        find_needed(n, needed);
        move_layers(n, needed, new, &dropped);
    } else {
        e = err_set(r->msg, ERR_MEMORY, "no memory for %" PRIu32 " layers", n->n_layer);
    }
    network_release(&dropped);
    free(needed);
    free(new);
    return e;
}

/* A float model would be refused at its first node, which says little. */
static enum err check_quantised(const struct onnx_reader *r, const Onnx__ModelProto *model)
{
    if (onnx_model_is_quantised(model))
        return ERR_NONE;
    return err_set(r->msg, ERR_INPUT, "no QuantizeLinear in it: want a quantised model, as "
                   "\"imcsim import\" makes it of a float one");
}

/* Whether layers of tokens come of it: attention, which has Softmax in front of a product, or norms
 * of tokens. */
static bool has_tokens(struct onnx_reader *r)
{
    static const char *const norms[] = {"LayerNormalization", "RMSNormalization",
                                        "SimplifiedLayerNormalization",
                                        "SkipLayerNormalization", NULL};
    const bool *factor = find_inner(r, products);
    bool some = false;

    for (uint32_t i = 0; factor && i < r->graph.n_node; i++) {
        const struct onnx_node *node = &r->graph.node[i];
        some |= is_one_of(node, norms) || (onnx_node_is(node, "Softmax") && factor[i]);
    }
    return some;
}

static enum err read_graph(struct onnx_reader *r, const Onnx__ModelProto *model)
{
    enum err e;

    r->integers = onnx_is_of_integers(model);
    r->most_layers = r->graph.n_node + 1; // the image, and one for each node, to begin with
    r->meaning = calloc(r->graph.n_value + 1, sizeof *r->meaning);
    r->network->layer = calloc(r->most_layers, sizeof *r->network->layer);
    r->host = onnx_keep(r, r->graph.n_node, sizeof *r->host);
    if (!r->host || !r->meaning || !r->network->layer)
        return err_set(r->msg, ERR_MEMORY, "no memory for %" PRIu32 " layers", r->most_layers);
    e = read_constants(r);
    if (!e)
        e = read_image(r);
    if (!e)
        e = check_quantised(r, model);
    if (!e)
        e = mark_host(r);
    if (!e)
        e = onnx_find_rotations(r);
    r->fine = has_tokens(r);
    for (uint32_t i = 0; i < r->graph.n_node && !e; i++)
        if (!r->host[i])
            e = read_node(r, &r->graph.node[i]);
    if (!e)
        e = read_ends(r);
    if (!e)
        e = drop_unread_layers(r);
    r->network->has_values = true;
    return e ? e : network_check(r->network, r->msg);
}

static void release(struct onnx_reader *r)
{
    onnx_draft_free_all(r);
    onnx_curve_free_all(r);
    onnx_graph_release(&r->graph);
    for (size_t i = 0; i < r->n_kept; i++)
        free(r->kept[i]);
    free(r->kept);
    free(r->meaning);
}

/* Bounds on what a small file can make us do. Nodes that share weights each get a copy: eight of
 * the whole file are enough. */
static struct onnx_reader reader_for(struct network *n, size_t size, struct err_msg *m)
{
    const uint64_t million = UINT64_C(1) << 20;

    return (struct onnx_reader){.network = n, .weights_left = million + 8 * size,
                                .room_left = 4 * million, .values_left = 4 * million + 8 * size,
                                .work_left = 256 * million, .msg = m};
}

enum err network_read_onnx(struct network *n, const struct onnx_model *o, struct err_msg *m)
{
    struct onnx_reader r = reader_for(n, o->size, m);

    *n = (struct network){0};
    enum err e = onnx_graph_init(&r.graph, o->proto, LEAST_OPSET, m);
    if (!e)
        e = onnx_graph_check_input(&r.graph, m);
    if (!e) {
        n->name = strdup(o->name);
        e = n->name ? read_graph(&r, o->proto) : err_set(m, ERR_MEMORY, "no memory for a name");
    }
    release(&r);
    if (!e && !o->complete)
        network_strip_values(n);
    if (!e)
        e = onnx_ids_table(&o->ids, n, m);
    if (e)
        network_release(n);
    return e;
}

static enum err decode(struct network *n, const char *name, const uint8_t *data, size_t size,
                       const struct onnx_surroundings *s, struct err_msg *m)
{
    struct onnx_model o = {.name = strdup(name), .size = size};

    *n = (struct network){0};
    enum err e = o.name ? onnx_decode(data, size, &o.proto, m)
                        : err_set(m, ERR_MEMORY, "no memory for a name");
    if (!e)
        e = onnx_prepare(o.proto, s, &o.complete, &o.ids, m);
    if (!e)
        e = network_read_onnx(n, &o, m);
    onnx_model_release(&o);
    return e;
}

enum err network_decode_onnx(struct network *n, const char *name, const uint8_t *data, size_t size,
                             struct err_msg *m)
{
    return decode(n, name, data, size, &(struct onnx_surroundings){0}, m);
}

enum err network_load_onnx_as(struct network *n, const char *path,
                              const struct network_onnx_cfg *cfg, struct err_msg *m)
{
    struct onnx_model o;
    enum err e = onnx_model_load(&o, path, cfg, m);

    *n = (struct network){0};
    if (e)
        return e;
    e = network_read_onnx(n, &o, m);
    if (e)
        err_prefix(m, path);
    onnx_model_release(&o);
    return e;
}

enum err network_load_onnx(struct network *n, const char *path, struct err_msg *m)
{
    return network_load_onnx_as(n, path, &(struct network_onnx_cfg){0}, m);
}
