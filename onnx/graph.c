/* onnx/graph.c -- see graph.h. */
#include "onnx/graph.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "onnx/tensor.h"

enum { MOST_OPSET = 26, MOST_SIZE = 65536 };

static const char *text(const char *s)
{
    return s ? s : "";
}

bool onnx_is_own_domain(const char *domain)
{
    return *text(domain) == '\0' || strcmp(domain, "ai.onnx") == 0;
}

enum err onnx_node_prefix(const struct onnx_node *n, struct err_msg *m)
{
    const Onnx__NodeProto *p = n->proto;
    const char *name = text(p->name);
    bool own = onnx_is_own_domain(p->domain);
    char prefix[400];

    if (!*name && p->n_output > 0)
        name = text(p->output[0]);
    snprintf(prefix, sizeof prefix, "node \"%.100s\" (%.100s%s%.100s)", name,
             own ? "" : p->domain, own ? "" : ".", text(p->op_type));
    err_prefix(m, prefix);
    return ERR_INPUT;
}

enum err onnx_node_refuse(const struct onnx_node *n, struct err_msg *m, const char *fmt, ...)
{
    char line[sizeof m->text];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    err_set(m, ERR_INPUT, "%s", line);
    return onnx_node_prefix(n, m);
}

/* What to do about some that many models have. */
static const struct {
    const char *op, *cure;
} cures[] = {
    {"Attention",             "want its products and Softmax by themselves, with QuantizeLinear"},
    {"ConvInteger",           "want the float model, which imcsim import quantises"},
    {"DynamicQuantizeLinear", "its scale is found at run time: want the float model, which imcsim "
                              "import quantises"},
    {"GlobalLpPool",          "want Abs or Mul, ReduceSum and Sqrt"},
    {"GroupNormalization",    "want BatchNormalization, whose statistics are constants"},
    {"InstanceNormalization", "want BatchNormalization, whose statistics are constants"},
    {"LRN",                   "want the float model, of which imcsim import makes one that runs"},
    {"If",                    "want a graph that is the same for every input"},
    {"Loop",                  "want a graph that is the same for every input"},
    {"LpPool",                "want Abs or Mul, AveragePool and Sqrt"},
    {"MatMulInteger",         "want the float model, which imcsim import quantises"},
    {"MeanVarianceNormalization", "want BatchNormalization, whose statistics are constants"},
    {"QAttention",            "its scales are found at run time: want the float model, which "
                              "imcsim import quantises"},
    {"ReduceL1",              "want Abs and ReduceSum"},
    {"ReduceL2",              "want Mul of the map by itself, ReduceSum and Sqrt"},
    {"ReduceMin",             "want Neg, ReduceMax and Neg"},
    {"Scan",                  "want a graph that is the same for every input"},
    {"ReduceSumSquare",       "want Mul of the map by itself, and ReduceSum"},
};

enum err onnx_node_unknown(const struct onnx_node *n, struct err_msg *m)
{
    const char *type = n->proto->op_type ? n->proto->op_type : "";

    for (size_t i = 0; i < sizeof cures / sizeof *cures; i++)
        if (strcmp(type, cures[i].op) == 0)
            return onnx_node_refuse(n, m, "no such operator here: %s", cures[i].cure);
    return onnx_node_refuse(n, m, "no such operator here: want those that docs/onnx.md lists");
}

/* ---- Values ---- */

static int by_name(const void *a, const void *b)
{
    const struct onnx_value *x = a, *y = b;
    int c = strcmp(x->name, y->name);

    if (c == 0)
        c = (x->maker > y->maker) - (x->maker < y->maker);
    return c ? c : (x->index > y->index) - (x->index < y->index);
}

static const char *maker_text(const struct onnx_graph *g, const struct onnx_value *v, char *buffer,
                              size_t size)
{
    switch (v->maker) {
    case ONNX_CONSTANT:
        return "an initializer";
    case ONNX_INPUT:
        return "a graph input";
    case ONNX_NODE:
        snprintf(buffer, size, "node \"%.100s\"", text(g->node[v->index].proto->name));
        return buffer;
    }
    assert(!"unknown maker");
    return "";
}

/* Names are unique, but files of IR version 3 list each initializer among the inputs as well. */
static enum err drop_doubles(struct onnx_graph *g, struct err_msg *m)
{
    uint32_t kept = 0;
    char one[128], other[128];

    for (uint32_t i = 0; i < g->n_value; i++) {
        const struct onnx_value *v = &g->value[i], *last = kept ? &g->value[kept - 1] : NULL;
        if (!last || strcmp(last->name, v->name) != 0)
            g->value[kept++] = *v;
        else if (last->maker != ONNX_CONSTANT || v->maker != ONNX_INPUT)
            return err_set(m, ERR_INPUT, "value \"%.100s\" is made by %s and by %s: want unique "
                           "names", v->name, maker_text(g, last, one, sizeof one),
                           maker_text(g, v, other, sizeof other));
    }
    g->n_value = kept;
    return ERR_NONE;
}

static void add_value(struct onnx_graph *g, const char *name, enum onnx_maker maker, size_t index)
{
    if (*text(name))
        g->value[g->n_value++] = (struct onnx_value){name, maker, (uint32_t)index, 0};
}

/* Nodes that one of the file becomes: of Split and LayerNormalization, one for each result. */
static uint32_t n_part(const Onnx__NodeProto *p)
{
    const char *type = text(p->op_type);
    bool split = onnx_is_own_domain(p->domain) &&
                 (strcmp(type, "Split") == 0 || strcmp(type, "LayerNormalization") == 0);

    return split && p->n_output > 1 ? (uint32_t)p->n_output : 1;
}

static enum err collect_nodes(struct onnx_graph *g, struct err_msg *m)
{
    const Onnx__GraphProto *p = g->proto;
    size_t n = 0;

    for (size_t i = 0; i < p->n_node; i++)
        n += n_part(p->node[i]);
    g->node = calloc(n + 1, sizeof *g->node);
    if (!g->node)
        return err_set(m, ERR_MEMORY, "no memory for %zu nodes", n);
    for (size_t i = 0; i < p->n_node; i++)
        for (uint32_t k = 0; k < n_part(p->node[i]); k++)
            g->node[g->n_node++] = (struct onnx_node){.proto = p->node[i], .part = k};
    return ERR_NONE;
}

/* The file's names of a node's results. */
static char **results_of(const struct onnx_node *node, uint32_t *n)
{
    bool split = n_part(node->proto) > 1;

    *n = split ? 1 : (uint32_t)node->proto->n_output;
    return split ? &node->proto->output[node->part] : node->proto->output; // NULL: none
}

static enum err collect_values(struct onnx_graph *g, struct err_msg *m)
{
    const Onnx__GraphProto *p = g->proto;
    size_t n = p->n_initializer + p->n_input;

    for (size_t i = 0; i < p->n_node; i++)
        n += p->node[i]->n_output;
    g->value = calloc(n + 1, sizeof *g->value);
    if (!g->value)
        return err_set(m, ERR_MEMORY, "no memory for %zu values", n);
    for (size_t i = 0; i < p->n_initializer; i++)
        add_value(g, p->initializer[i]->name, ONNX_CONSTANT, i);
    for (size_t i = 0; i < p->n_input; i++)
        add_value(g, p->input[i]->name, ONNX_INPUT, i);
    for (uint32_t i = 0; i < g->n_node; i++) {
        uint32_t n_result;
        char **name = results_of(&g->node[i], &n_result);
        for (uint32_t j = 0; j < n_result; j++)
            add_value(g, name[j], ONNX_NODE, i);
    }
    qsort(g->value, g->n_value, sizeof *g->value, by_name);
    return drop_doubles(g, m);
}

uint32_t onnx_graph_find(const struct onnx_graph *g, const char *name)
{
    uint32_t low = 0, high = g->n_value;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int c = strcmp(g->value[middle].name, name);
        if (c == 0)
            return middle;
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return ONNX_ABSENT;
}

/* ---- Nodes ---- */

static enum err resolve_input(struct onnx_graph *g, uint32_t node, const char *name, uint32_t *out,
                              struct err_msg *m)
{
    *out = ONNX_ABSENT;
    if (!*text(name))
        return ERR_NONE;
    *out = onnx_graph_find(g, name);
    if (*out == ONNX_ABSENT)
        return onnx_node_refuse(&g->node[node], m, "input \"%.100s\" is made by nothing: want a "
                                "complete graph", name);
    struct onnx_value *v = &g->value[*out];
    if (v->maker == ONNX_NODE && v->index >= node)
        return onnx_node_refuse(&g->node[node], m, "input \"%.100s\" is made %s: want a graph "
                                "without cycles", name, v->index == node
                                ? "by the node itself" : "from the node's own result");
    v->n_reader++;
    return ERR_NONE;
}

static enum err resolve_node(struct onnx_graph *g, uint32_t i, uint32_t *link, struct err_msg *m)
{
    struct onnx_node *n = &g->node[i];
    const Onnx__NodeProto *p = n->proto;
    char **name = results_of(n, &n->n_output);
    enum err e = ERR_NONE;

    n->n_input = (uint32_t)p->n_input;
    n->input = link;
    n->output = link + p->n_input;
    for (size_t j = 0; j < p->n_input && !e; j++)
        e = resolve_input(g, i, p->input[j], &link[j], m);
    for (uint32_t j = 0; j < n->n_output; j++)
        link[p->n_input + j] = *text(name[j]) ? onnx_graph_find(g, name[j]) : ONNX_ABSENT;
    return e;
}

static enum err resolve_nodes(struct onnx_graph *g, struct err_msg *m)
{
    size_t n_link = 0;
    uint32_t n_result;
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < g->n_node; i++) {
        results_of(&g->node[i], &n_result);
        n_link += g->node[i].proto->n_input + n_result;
    }
    g->link = calloc(n_link + 1, sizeof *g->link);
    if (!g->link)
        return err_set(m, ERR_MEMORY, "no memory for %zu links of nodes", n_link);
    uint32_t *link = g->link;
    for (uint32_t i = 0; i < g->n_node && !e; i++) {
        e = resolve_node(g, i, link, m);
        link += g->node[i].n_input + g->node[i].n_output;
    }
    return e;
}

enum err onnx_split_part(const struct onnx_node *node, uint32_t length, uint32_t n_sizes,
                         const int64_t *sizes, uint32_t *start, uint32_t *n, struct err_msg *m)
{
    const uint32_t parts = (uint32_t)node->proto->n_output;
    const uint32_t each = (uint32_t)ceil_div(length, parts); // the last may be shorter
    int64_t at = 0;

    if (n_sizes != 0 && n_sizes != parts)
        return onnx_node_refuse(node, m, "%" PRIu32 " sizes for %" PRIu32 " results: want as many",
                                n_sizes, parts);
    for (uint32_t k = 0; k < parts; k++) {
        int64_t size = n_sizes ? sizes[k] : at + each <= length ? each : length - at;
        if (size < 0 || size > length - at)
            return onnx_node_refuse(node, m, "result %" PRIu32 " has length %" PRId64 ", of %"
                                    PRIu32 ": want 0 or more, all together at most the whole", k,
                                    size, length);
        if (k == node->part) {
            *start = (uint32_t)at;
            *n = (uint32_t)size;
        }
        at += size;
    }
    return ERR_NONE;
}

/* ---- The graph's own inputs and outputs ---- */

static enum err find_ends(struct onnx_graph *g, struct err_msg *m)
{
    const Onnx__GraphProto *p = g->proto;

    g->image = g->result = ONNX_ABSENT;
    for (uint32_t i = 0; i < g->n_value; i++)
        if (g->value[i].maker == ONNX_INPUT) {
            g->image = i;
            g->n_input++;
        }
    for (size_t i = 0; i < p->n_output; i++) {
        const char *name = text(p->output[i]->name);
        g->result = onnx_graph_find(g, name);
        if (g->result == ONNX_ABSENT)
            return err_set(m, ERR_INPUT, "graph output \"%.100s\" is made by nothing: want a "
                           "complete graph", name);
        g->value[g->result].n_reader++;
    }
    return ERR_NONE;
}

enum err onnx_graph_check_input(const struct onnx_graph *g, struct err_msg *m)
{
    if (g->n_input != 1)
        return err_set(m, ERR_INPUT, "%" PRIu32 " graph inputs: want one, the image", g->n_input);
    if (g->result == ONNX_ABSENT)
        return err_set(m, ERR_INPUT, "no graph output: want one at least");
    if (g->value[g->image].n_reader == 0)
        return err_set(m, ERR_INPUT, "graph input \"%.100s\" leads to no output: want a network",
                       g->value[g->image].name);
    return ERR_NONE;
}

static bool is_one_of(const struct onnx_node *node, const char *const *types)
{
    for (; *types; types++)
        if (strcmp(text(node->proto->op_type), *types) == 0)
            return true;
    return false;
}

static bool transposes_to(const struct onnx_node *node, const int64_t *order, uint32_t n_dim)
{
    int64_t perm[4] = {0};
    uint32_t n = 0;
    bool given;
    struct err_msg ignored;

    return !onnx_attr_list(node, "perm", perm, 4, &n, &given, &ignored) && n == n_dim &&
           memcmp(perm, order, n * sizeof *perm) == 0;
}

/* Whether an image of four dimensions is rows x columns x channels: the first node that is neither
 * Quantize nor DequantizeLinear makes it channels x rows x columns. */
static bool has_rows_first(const struct onnx_graph *g)
{
    static const char *const rounds[] = {"QuantizeLinear", "DequantizeLinear", "Clip", NULL};
    static const int64_t order[] = {0, 3, 1, 2};
    uint32_t value = g->image;

    for (uint32_t i = 0; i < g->n_node; i++) {
        const struct onnx_node *node = &g->node[i];
        if (node->n_input == 0 || node->input[0] != value || node->n_output == 0)
            continue;
        if (!is_one_of(node, rounds))
            return is_one_of(node, (const char *const[]){"Transpose", NULL}) &&
                   transposes_to(node, order, 4);
        value = node->output[0];
    }
    return false;
}

/* Whether a node is Reshape to stored lengths, the last of which is this one. */
static bool keeps_last(const struct onnx_graph *g, const struct onnx_node *node, int64_t last)
{
    const struct onnx_value *v = node->n_input == 2 && node->input[1] != ONNX_ABSENT
                                     ? &g->value[node->input[1]] : NULL;
    struct onnx_tensor t;
    struct err_msg ignored;

    return is_one_of(node, (const char *const[]){"Reshape", NULL}) && v &&
           v->maker == ONNX_CONSTANT &&
           !onnx_tensor_view(&t, g->proto->initializer[v->index], &ignored) && t.n > 1 &&
           !onnx_type_is_real(t.type) && onnx_tensor_integer(&t, t.n - 1) == last;
}

/* Whether an image of three dimensions is tokens x channels: the first node that tells one from the
 * other works on tokens, or makes it channels x tokens. kept[value], zeros: the value's dimensions
 * are the image's, or (Reshape) at least the last is. */
static bool has_tokens_first(const struct onnx_graph *g, int64_t last, bool *kept)
{
    static const char *const of_tokens[] = {"Attention", "Gemm", "LayerNormalization", "MatMul",
                                            "MatMulInteger", "RMSNormalization",
                                            "SimplifiedLayerNormalization", NULL};
    static const char *const keep[] = {"Add", "Cast", "Clip", "Concat", "DequantizeLinear", "Div",
                                       "Dropout", "Identity", "Mul", "Pow", "QuantizeLinear",
                                       "Relu", "Sub", NULL};
    static const int64_t order[] = {0, 2, 1};

    kept[g->image] = true;
    for (uint32_t i = 0; i < g->n_node; i++) {
        const struct onnx_node *node = &g->node[i];
        bool reads = false;
        for (uint32_t k = 0; k < node->n_input; k++)
            reads |= node->input[k] != ONNX_ABSENT && kept[node->input[k]];
        if (!reads || node->n_output == 0 || node->output[0] == ONNX_ABSENT)
            continue;
        if (is_one_of(node, of_tokens))
            return node->input[0] != ONNX_ABSENT && kept[node->input[0]];
        if (is_one_of(node, (const char *const[]){"Transpose", NULL}))
            return transposes_to(node, order, 3);
        if (is_one_of(node, keep) || keeps_last(g, node, last))
            kept[node->output[0]] = true;
        else if (!is_one_of(node, (const char *const[]){"ReduceMean", "Shape", NULL}))
            return false;
    }
    return false;
}

static bool is_image_type(int32_t type)
{
    return onnx_type_is_real(type) || (onnx_type_is_code(type) && onnx_type_bits(type) >= 8);
}

enum err onnx_graph_image(const struct onnx_graph *g, struct onnx_image *image, struct err_msg *m)
{
    const struct onnx_value *v = &g->value[g->image];
    const Onnx__TypeProto *type = g->proto->input[v->index]->type;
    const Onnx__TypeProto__Tensor *t =
        type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? type->tensor_type : NULL;

    *image = (struct onnx_image){.batch = 1};
    if (!t || !is_image_type(t->elem_type) || !t->shape || t->shape->n_dim < 2 ||
        t->shape->n_dim > 4)
        return err_set(m, ERR_INPUT, "graph input \"%.100s\": want a tensor of float, int8, "
                       "uint8, int16 or uint16 and of two to four dimensions, batch x channels x "
                       "rows x columns; "
                       "--input-shape gives those that the file leaves out", v->name);
    image->type = t->elem_type;
    image->n_dim = (uint32_t)t->shape->n_dim;
    for (uint32_t i = 0; i < image->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *d = t->shape->dim[i];
        bool open = d->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE ||
                    (i == 0 && d->dim_value <= 0);
        int64_t value = open ? i == 0 : d->dim_value;
        if (value < 1 || value > (i == 0 ? INT32_MAX : MOST_SIZE)) // images go one by one
            return err_set(m, ERR_INPUT, "graph input \"%.100s\": dimension %" PRIu32 " is %" PRId64
                           "%s: want 1 to %d%s", v->name, i, value, open ? " (left open)" : "",
                           MOST_SIZE,
                           open ? ", as --input-shape or, by its name, network.axes gives it" : "");
        image->dim[i] = (uint32_t)value;
    }
    const uint32_t *d = image->dim;
    image->batch = d[0];
    image->dim[0] = 1;
    bool *kept = calloc(g->n_value, sizeof *kept);
    if (!kept)
        return err_set(m, ERR_MEMORY, "no memory for a model");
    image->channels_last =
        image->n_dim > 2 &&
        (strcmp(text(t->shape->dim[image->n_dim - 1]->denotation), ONNX_CHANNELS) == 0 ||
         (image->n_dim == 4 ? has_rows_first(g) : has_tokens_first(g, image->dim[2], kept)));
    free(kept);
    const bool last = image->channels_last;
    image->shape = image->n_dim == 2 ? (struct shape){1, 1, d[1]}
                   : image->n_dim == 3
                       ? last ? (struct shape){1, d[1], d[2]} : (struct shape){1, d[2], d[1]}
                   : last ? (struct shape){d[1], d[2], d[3]}
                          : (struct shape){d[2], d[3], d[1]};
    return ERR_NONE;
}

/* ---- Nodes that lead nowhere ---- */

static bool is_needed(const struct onnx_node *n, const bool *needed)
{
    for (uint32_t j = 0; j < n->n_output; j++)
        if (n->output[j] != ONNX_ABSENT && needed[n->output[j]])
            return true;
    return false;
}

/* needed[v]: whether value v is an output of the graph, or one is made of it. */
static void find_needed(const struct onnx_graph *g, bool *needed)
{
    for (size_t i = 0; i < g->proto->n_output; i++)
        needed[onnx_graph_find(g, g->proto->output[i]->name)] = true;
    for (uint32_t i = g->n_node; i-- > 0;)
        for (uint32_t j = 0; j < g->node[i].n_input; j++)
            if (g->node[i].input[j] != ONNX_ABSENT)
                needed[g->node[i].input[j]] |= is_needed(&g->node[i], needed);
}

/* Where one is dropped the others have to be resolved again. A part of a Split is no node of the
 * file. */
static void drop_nodes(struct onnx_graph *g, const bool *needed)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < g->n_node; i++) {
        const struct onnx_node n = g->node[i];
        if (is_needed(&n, needed)) {
            g->node[kept++] = n;
        } else if (n_part(n.proto) == 1) {
            g->unread = g->n_unread == 0 ? n.proto : g->unread;
            g->n_unread++;
        }
    }
    g->n_node = kept;
}

void onnx_graph_tell_unread(const struct onnx_graph *g, struct err_msg *line)
{
    const struct onnx_node first = {.proto = g->unread};

    line->text[0] = '\0';
    if (g->n_unread == 1)
        onnx_node_refuse(&first, line, "leads to no output: it is left out");
    else if (g->n_unread > 1)
        onnx_node_refuse(&first, line, "and %" PRIu32 " more lead to no output: they are left out",
                         g->n_unread - 1);
}

static enum err resolve(struct onnx_graph *g, struct err_msg *m)
{
    free(g->value);
    free(g->link);
    g->value = NULL;
    g->link = NULL;
    g->n_value = g->n_input = 0;
    enum err e = collect_values(g, m);
    if (!e)
        e = resolve_nodes(g, m);
    return e ? e : find_ends(g, m);
}

/* The whole file is resolved first, so that what is wrong in it is told. */
static enum err drop_unread(struct onnx_graph *g, struct err_msg *m)
{
    const uint32_t n = g->n_node;
    bool *needed = calloc(g->n_value + 1, sizeof *needed);

    if (!needed)
        return err_set(m, ERR_MEMORY, "no memory for %" PRIu32 " values", g->n_value);
    find_needed(g, needed);
    drop_nodes(g, needed);
    free(needed);
    return g->n_node == n ? ERR_NONE : resolve(g, m);
}

static enum err find_opset(struct onnx_graph *g, const Onnx__ModelProto *model, int least,
                           struct err_msg *m)
{
    for (size_t i = 0; i < model->n_opset_import; i++)
        if (onnx_is_own_domain(model->opset_import[i]->domain))
            g->opset = model->opset_import[i]->version;
    if (g->opset < least || g->opset > MOST_OPSET)
        return err_set(m, ERR_INPUT, "operator set %" PRId64 ": want %d to %d", g->opset,
                       least, MOST_OPSET);
    return ERR_NONE;
}

enum err onnx_graph_init(struct onnx_graph *g, const Onnx__ModelProto *model, int least_opset,
                         struct err_msg *m)
{
    *g = (struct onnx_graph){.proto = model->graph};
    if (!model->graph)
        return err_set(m, ERR_INPUT, "no graph in it: want an ONNX model");
    if (model->graph->n_sparse_initializer > 0)
        return err_set(m, ERR_INPUT, "sparse initializers: want dense ones");
    enum err e = find_opset(g, model, least_opset, m);
    if (!e)
        e = collect_nodes(g, m);
    if (!e)
        e = resolve(g, m);
    if (!e)
        e = drop_unread(g, m);
    if (e)
        onnx_graph_release(g);
    return e;
}

void onnx_graph_release(struct onnx_graph *g)
{
    free(g->value);
    free(g->node);
    free(g->link);
    *g = (struct onnx_graph){0};
}

/* ---- Attributes ---- */

#define ATTR(name) ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##name

/* *a is NULL when there is none. */
static enum err find_attr(const struct onnx_node *n, const char *name,
                          Onnx__AttributeProto__AttributeType type, const char *type_text,
                          const Onnx__AttributeProto **a, struct err_msg *m)
{
    *a = NULL;
    for (size_t i = 0; i < n->proto->n_attribute; i++) {
        const Onnx__AttributeProto *found = n->proto->attribute[i];
        if (strcmp(text(found->name), name) != 0)
            continue;
        if (*a)
            return onnx_node_refuse(n, m, "attribute %s is given twice: want it once", name);
        if (found->type != type)
            return onnx_node_refuse(n, m, "attribute %s has type %d: want %s", name,
                                    (int)found->type, type_text);
        *a = found;
    }
    return ERR_NONE;
}

/* The operator set that brought an attribute, 0 for one as old as its operator; -1 if unknown. */
static long attribute_since(const char *known, const char *name)
{
    const size_t n = strlen(name);

    if (n == 0 || strpbrk(name, " :"))
        return -1;
    for (const char *p = known; *p; p += strcspn(p, " ")) {
        p += strspn(p, " ");
        if (strncmp(p, name, n) == 0 && strchr(" :", p[n]))
            return p[n] == ':' ? strtol(p + n + 1, NULL, 10) : 0;
    }
    return -1;
}

enum err onnx_check_attribute(const struct onnx_node *n, size_t i, const char *known,
                              int64_t opset, struct err_msg *m)
{
    const char *name = n->proto->attribute[i]->name;
    const long since = name ? attribute_since(known, name) : -1;

    if (since < 0)
        return onnx_node_refuse(n, m, "attribute \"%.100s\" is not understood: want a model "
                                "without it", name ? name : "");
    if (onnx_is_own_domain(n->proto->domain) && opset < since)
        return onnx_node_refuse(n, m, "attribute \"%s\" is not in operator set %" PRId64 ": want "
                                "set %ld or later", name, opset, since);
    return ERR_NONE;
}

enum err onnx_attr_int(const struct onnx_node *n, const char *name, int64_t *v, struct err_msg *m)
{
    const Onnx__AttributeProto *a;
    enum err e = find_attr(n, name, ATTR(INT), "an integer", &a, m);

    if (!e && a)
        *v = a->i;
    return e;
}

enum err onnx_attr_float(const struct onnx_node *n, const char *name, double *v, struct err_msg *m)
{
    const Onnx__AttributeProto *a;
    enum err e = find_attr(n, name, ATTR(FLOAT), "a float", &a, m);

    if (!e && a)
        *v = (double)a->f;
    return e;
}

enum err onnx_attr_sizes(const struct onnx_node *n, const char *name, uint32_t *v, uint32_t n_v,
                         uint32_t least, struct err_msg *m)
{
    const Onnx__AttributeProto *a;
    enum err e = find_attr(n, name, ATTR(INTS), "integers", &a, m);

    if (e || !a)
        return e;
    if (a->n_ints != n_v)
        return onnx_node_refuse(n, m, "attribute %s has %zu values: want %" PRIu32, name,
                                a->n_ints, n_v);
    for (uint32_t i = 0; i < n_v; i++) {
        if (a->ints[i] < (int64_t)least || a->ints[i] > MOST_SIZE)
            return onnx_node_refuse(n, m, "attribute %s holds %" PRId64 ": want %" PRIu32 " to %d",
                                    name, a->ints[i], least, MOST_SIZE);
        v[i] = (uint32_t)a->ints[i];
    }
    return ERR_NONE;
}

enum err onnx_attr_list(const struct onnx_node *n, const char *name, int64_t *v, uint32_t most,
                        uint32_t *n_v, bool *given, struct err_msg *m)
{
    const Onnx__AttributeProto *a;
    enum err e = find_attr(n, name, ATTR(INTS), "integers", &a, m);

    if (e || !a)
        return e;
    if (a->n_ints > most)
        return onnx_node_refuse(n, m, "attribute %s has %zu values: want at most %" PRIu32, name,
                                a->n_ints, most);
    *given = true;
    *n_v = (uint32_t)a->n_ints;
    if (a->n_ints > 0)
        memcpy(v, a->ints, a->n_ints * sizeof *v);
    return ERR_NONE;
}

enum err onnx_attr_tensor(const struct onnx_node *n, const char *name,
                          const Onnx__TensorProto **t, struct err_msg *m)
{
    const Onnx__AttributeProto *a;
    enum err e = find_attr(n, name, ATTR(TENSOR), "a tensor", &a, m);

    *t = !e && a ? a->t : NULL;
    return e;
}

enum err onnx_attr_text(const struct onnx_node *n, const char *name, char *v, size_t size,
                        struct err_msg *m)
{
    const Onnx__AttributeProto *a;
    enum err e = find_attr(n, name, ATTR(STRING), "a string", &a, m);

    if (!e && a)
        snprintf(v, size, "%.*s", (int)(a->s.len < size ? a->s.len : size),
                 (const char *)a->s.data);
    return e;
}
