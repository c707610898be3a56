/* onnx/float/graph.c -- see graph.h. */
#include "onnx/float/graph.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/float/op.h"

/* A run of ResNet-152 at 224 x 224 makes 10^8 values with 10^10 multiply-accumulates. */
enum { LEAST_OPSET = 1 };
#define MOST_VALUES (UINT64_C(1) << 29)
#define MOST_WORK   (UINT64_C(1) << 40)

static const struct float_operator *const families[] = {
    float_ops_elementwise, float_ops_layout, float_ops_matmul,  float_ops_qlinear,
    float_ops_quantize,    float_ops_shape,  float_ops_softmax, float_ops_window,
    float_ops_function,    float_ops_resize, float_ops_transposed, float_ops_logic,
    float_ops_norm,        float_ops_rotary,
};

enum { ELEMENTWISE = 0, QLINEAR = 3, FUNCTION = 8, N_FAMILY = sizeof families / sizeof *families };

/* ---- What operators ask for ---- */

bool float_has(const struct float_call *c, uint32_t i)
{
    return i < c->n_in && c->in[i];
}

enum err float_no_memory(struct float_call *c)
{
    return err_set(c->msg, ERR_MEMORY, "no memory for a result of %s", c->node->proto->op_type);
}

enum err float_out(struct float_call *c, int32_t type, uint32_t n_dim, const uint32_t *dim)
{
    uint64_t n = 1;

    assert(n_dim <= ONNX_MOST_DIMS);
    for (uint32_t i = 0; i < n_dim && n <= INT32_MAX; i++)
        n *= dim[i];
    if (n > INT32_MAX || n > *c->values_left)
        return FLOAT_REFUSE(c, "a result of %" PRIu64 " values or more: want a smaller network", n);
    *c->values_left -= n;
    array_release(&c->out);
    return array_init(&c->out, type, n_dim, dim) ? ERR_NONE : float_no_memory(c);
}

enum err float_work(struct float_call *c, uint64_t n)
{
    if (n > *c->work_left)
        return FLOAT_REFUSE(c, "%" PRIu64 " more steps of work: want a smaller network", n);
    *c->work_left -= n;
    return ERR_NONE;
}

enum err float_integers(const struct float_call *c, uint32_t i, const char *attribute,
                        struct float_list *list)
{
    *list = (struct float_list){0};
    if (!float_has(c, i))
        return attribute ? onnx_attr_list(c->node, attribute, list->v, FLOAT_MOST_LIST, &list->n,
                                          &list->given, c->msg)
                         : ERR_NONE;
    const struct array *a = c->in[i];
    if (!a->integer || a->n_dim > 1 || a->n > FLOAT_MOST_LIST)
        return FLOAT_REFUSE(c, "input %" PRIu32 " has %zu values in %" PRIu32 " dimensions of %s: "
                            "want a list of at most %d integers", i, a->n, a->n_dim,
                            onnx_type_name(a->type), FLOAT_MOST_LIST);
    list->given = true;
    list->n = (uint32_t)a->n;
    memcpy(list->v, a->integer, a->n * sizeof *list->v);
    return ERR_NONE;
}

enum err float_axis(const struct float_call *c, int64_t axis, uint32_t n_dim, uint32_t *out)
{
    if (axis < -(int64_t)n_dim || axis >= (int64_t)n_dim)
        return FLOAT_REFUSE(c, "axis %" PRId64 " of %" PRIu32 " dimensions: want one of them", axis,
                            n_dim);
    *out = (uint32_t)(axis < 0 ? axis + n_dim : axis);
    return ERR_NONE;
}

struct float_split float_split(const struct array *a, uint32_t axis)
{
    struct float_split s = {1, a->dim[axis], 1};

    for (uint32_t i = 0; i < axis; i++)
        s.before *= a->dim[i];
    for (uint32_t i = axis + 1; i < a->n_dim; i++)
        s.behind *= a->dim[i];
    return s;
}

/* ---- Nodes ---- */

static enum err check_node(const struct onnx_node *node, const struct float_operator *op,
                           int64_t opset, struct err_msg *m)
{
    if (node->n_input < op->least_input || node->n_input > op->most_input)
        return onnx_node_refuse(node, m, "%" PRIu32 " inputs: want %" PRIu32 " to %" PRIu32,
                                node->n_input, op->least_input, op->most_input);
    for (uint32_t i = 0; i < op->least_input; i++)
        if (node->input[i] == ONNX_ABSENT)
            return onnx_node_refuse(node, m, "input %" PRIu32 " is left out: want it", i);
    if (node->n_output < 1 || node->output[0] == ONNX_ABSENT)
        return onnx_node_refuse(node, m, "no output: want one");
    enum err e = ERR_NONE;
    for (size_t i = 0; i < node->proto->n_attribute && !e; i++)
        e = onnx_check_attribute(node, i, op->attributes, opset, m);
    return e;
}

static enum err check_outputs(const struct onnx_graph *g, const struct onnx_node *node,
                              struct err_msg *m)
{
    for (uint32_t i = 1; i < node->n_output; i++)
        if (node->output[i] != ONNX_ABSENT && g->value[node->output[i]].n_reader > 0)
            return onnx_node_refuse(node, m, "output %" PRIu32 " is read: want the first only", i);
    return ERR_NONE;
}

static const struct float_operator *named(const char *type, size_t first, size_t end)
{
    for (size_t f = first; f < end; f++)
        for (const struct float_operator *op = families[f]; op->name; op++)
            if (strcmp(op->name, type) == 0)
                return op;
    return NULL;
}

/* ONNX Runtime's domain has operators of its own, and ONNX's QuantizeLinear under the same name. */
static enum err find_operator(const struct onnx_node *node, const struct float_operator **found,
                              struct err_msg *m)
{
    const char *type = node->proto->op_type ? node->proto->op_type : "";
    const char *domain = node->proto->domain;
    bool own = onnx_is_own_domain(domain), other = !own && strcmp(domain, "com.microsoft") == 0;

    *found = named(type, 0, N_FAMILY);
    bool microsoft = *found && (named(type, QLINEAR, QLINEAR + 1) || strstr(type, "izeLinear") ||
                                named(type, FUNCTION, FUNCTION + 1) ||
                                strcmp(type, "FusedMatMul") == 0);
    bool onnx = *found && !named(type, QLINEAR, QLINEAR + 1) && strcmp(type, "FusedMatMul") != 0;
    if ((own && onnx) || (other && microsoft))
        return ERR_NONE;
    return onnx_node_unknown(node, m);
}

bool float_is_elementwise(const struct onnx_node *node)
{
    const struct float_operator *op;
    struct err_msg ignored;

    if (find_operator(node, &op, &ignored))
        return false;
    return named(op->name, ELEMENTWISE, ELEMENTWISE + 1) || named(op->name, FUNCTION, FUNCTION + 1);
}

enum err float_eval(const struct float_eval *call, struct array *out, struct err_msg *m)
{
    const struct float_operator *op;
    struct float_call c = {.node = call->node, .in = call->in, .n_in = call->node->n_input,
                           .opset = call->opset, .values_left = call->values_left,
                           .work_left = call->work_left, .msg = m};
    enum err e = find_operator(call->node, &op, m);

    if (!e)
        e = check_node(call->node, op, call->opset, m);
    if (!e)
        e = op->eval(&c);
    if (e)
        array_release(&c.out);
    *out = c.out;
    return e;
}

enum err float_call_operator(struct float_call *c, const char *name,
                             const struct array *const *in, uint32_t n_in)
{
    struct float_call inner = *c;

    inner.in = in;
    inner.n_in = n_in;
    enum err e = named(name, 0, N_FAMILY)->eval(&inner);
    c->out = inner.out;
    return e;
}

/* ---- The graph ---- */

static enum err read_constants(struct float_graph *g, struct err_msg *m)
{
    for (uint32_t i = 0; i < g->graph.n_value; i++) {
        const struct onnx_value *v = &g->graph.value[i];
        struct onnx_tensor t;
        if (v->maker != ONNX_CONSTANT || v->n_reader == 0)
            continue;
        enum err e = onnx_tensor_view(&t, g->graph.proto->initializer[v->index], m);
        if (e)
            return e;
        if (!array_from_tensor(&g->constant[i], &t))
            return err_set(m, ERR_MEMORY, "no memory for a constant of %zu values", t.n);
    }
    return ERR_NONE;
}

enum err float_graph_init(struct float_graph *g, const Onnx__ModelProto *model, struct err_msg *m)
{
    *g = (struct float_graph){.most_values = MOST_VALUES, .most_work = MOST_WORK};
    enum err e = onnx_graph_init(&g->graph, model, LEAST_OPSET, m);

    if (!e) {
        g->constant = calloc(g->graph.n_value + 1, sizeof *g->constant);
        g->op = calloc(g->graph.n_node + 1, sizeof *g->op);
        e = g->constant && g->op ? read_constants(g, m)
                                 : err_set(m, ERR_MEMORY, "no memory for a graph");
    }
    for (uint32_t i = 0; i < g->graph.n_node && !e; i++)
        e = find_operator(&g->graph.node[i], &g->op[i], m);
    for (uint32_t i = 0; i < g->graph.n_node && !e; i++) {
        e = check_node(&g->graph.node[i], g->op[i], g->graph.opset, m);
        if (!e)
            e = check_outputs(&g->graph, &g->graph.node[i], m);
    }
    if (e)
        float_graph_release(g);
    return e;
}

void float_graph_release(struct float_graph *g)
{
    for (uint32_t i = 0; g->constant && i < g->graph.n_value; i++)
        array_release(&g->constant[i]);
    free(g->constant);
    free(g->op);
    onnx_graph_release(&g->graph);
    *g = (struct float_graph){0};
}

/* ---- A run ---- */

static bool is_known(const struct array *a)
{
    return a->real || a->integer;
}

enum err float_run_init(struct float_run *r, const struct float_graph *g, struct err_msg *m)
{
    *r = (struct float_run){g, calloc(g->graph.n_value + 1, sizeof *r->value)};
    if (!r->value)
        return err_set(m, ERR_MEMORY, "no memory for %" PRIu32 " values", g->graph.n_value);
    memcpy(r->value, g->constant, g->graph.n_value * sizeof *r->value);
    return ERR_NONE;
}

void float_run_release(struct float_run *r)
{
    for (uint32_t i = 0; r->value && i < r->graph->graph.n_value; i++)
        if (!is_known(&r->graph->constant[i]))
            array_release(&r->value[i]);
    free(r->value);
    *r = (struct float_run){0};
}

void float_run_set(struct float_run *r, uint32_t value, struct array *a)
{
    assert(r->graph->graph.value[value].maker == ONNX_INPUT);
    array_release(&r->value[value]);
    r->value[value] = *a;
    *a = (struct array){0};
}

static enum err eval_node(struct float_run *r, uint32_t i, uint64_t *values_left,
                          uint64_t *work_left, struct err_msg *m)
{
    const struct onnx_node *node = &r->graph->graph.node[i];
    const struct array **in = calloc(node->n_input + 1, sizeof *in);
    struct float_call c = {.node = node, .in = in, .n_in = node->n_input,
                           .opset = r->graph->graph.opset, .values_left = values_left,
                           .work_left = work_left, .msg = m};

    if (!in)
        return float_no_memory(&c);
    enum err e = ERR_NONE;
    for (uint32_t k = 0; k < node->n_input && !e; k++) {
        in[k] = node->input[k] == ONNX_ABSENT ? NULL : &r->value[node->input[k]];
        if (in[k] && !is_known(in[k]))
            e = onnx_node_refuse(node, m, "input %" PRIu32 " is unknown: want the first output of "
                                 "a node, a constant or the graph's input", k);
    }
    if (!e)
        e = r->graph->op[i]->eval(&c);
    if (e) {
        array_release(&c.out);
    } else {
        assert(is_known(&c.out));
        array_release(&r->value[node->output[0]]);
        r->value[node->output[0]] = c.out;
    }
    free(in);
    return e;
}

enum err float_run_all(struct float_run *r, struct err_msg *m)
{
    uint64_t values_left = r->graph->most_values, work_left = r->graph->most_work;
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < r->graph->graph.n_node && !e; i++)
        if (r->graph->op[i])
            e = eval_node(r, i, &values_left, &work_left, m);
    return e;
}

/* ---- Folding ---- */

static bool reads_constants_only(const struct float_graph *g, const struct onnx_node *node)
{
    for (uint32_t k = 0; k < node->n_input; k++)
        if (node->input[k] != ONNX_ABSENT && !is_known(&g->constant[node->input[k]]))
            return false;
    return true;
}

enum err float_graph_fold(struct float_graph *g, const struct array *image, struct err_msg *m)
{
    struct float_run r;
    struct array copy;
    enum err e = float_run_init(&r, g, m);

    if (!e && !array_init(&copy, image->type, image->n_dim, image->dim))
        e = err_set(m, ERR_MEMORY, "no memory for an image");
    if (!e) {
        memcpy(copy.real, image->real, copy.n * sizeof *copy.real);
        float_run_set(&r, g->graph.image, &copy);
        e = float_run_all(&r, m);
    }
    for (uint32_t i = 0; i < g->graph.n_node && !e; i++) {
        const struct onnx_node *node = &g->graph.node[i];
        bool shape = strcmp(node->proto->op_type, "Shape") == 0;
        if (!shape && !reads_constants_only(g, node))
            continue;
        g->op[i] = NULL;
        g->constant[node->output[0]] = r.value[node->output[0]]; // which releases it no more
    }
    float_run_release(&r);
    return e;
}
