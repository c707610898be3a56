/* import/build.c -- the quantised model: its image, every node, what is rounded between them; see
 * import.h.
 */
#include "import/build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/read/read.h"

enum { IR_VERSION = 7, OPSET = 14 };

/* ---- Names ---- */

struct named {
    const char         *name;
    struct import_node *node;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int c = strcmp(x->name, y->name);

    return c ? c : (x->node > y->node) - (x->node < y->node);
}

/* Nodes of one name, but for the first, are called as what they make; the first too where that is
 * another's name. Results of a Split have one name, and what rewriting makes of one node. Some
 * runtimes take none that has another's. */
static enum err rename_nodes(struct import *im, struct err_msg *m)
{
    struct named *sorted = malloc((im->n_node + 1) * sizeof *sorted);
    bool changed = true;

    if (!sorted)
        return err_set(m, ERR_MEMORY, "no memory for names");
    while (changed) { // values have names of their own
        changed = false;
        for (uint32_t i = 0; i < im->n_node; i++)
            sorted[i] = (struct named){ node_name(im, &im->node[i]), &im->node[i] };
        qsort(sorted, im->n_node, sizeof *sorted, by_name);
        for (uint32_t i = 1; i < im->n_node; i++) {
            struct import_node *n = sorted[i].node;
            if (strcmp(sorted[i].name, sorted[i - 1].name) != 0)
                continue;
            n = n->renamed ? sorted[i - 1].node : n;
            changed |= !n->renamed;
            n->renamed = true;
        }
    }
    free(sorted);
    return ERR_NONE;
}

/* ---- Rounding ---- */

/* The bytes of value v made real again. */
static void add_real(struct onnx_build *b, const char *name)
{
    struct name real = joined(name, "_dequantized");
    Onnx__NodeProto *d =
        onnx_build_node(b, "DequantizeLinear", joined(name, "/DequantizeLinear").text, real.text);

    onnx_build_node_input(b, d, joined(name, "_quantized").text);
    onnx_build_node_input(b, d, joined(name, "_scale").text);
    onnx_build_node_input(b, d, joined(name, "_zero").text);
}

static void add_scale(const struct import *im, struct onnx_build *b, uint32_t v, int32_t of_zero)
{
    const uint8_t zero = (uint8_t)of_zero;
    const char *name = value_name(im, v);

    onnx_build_tensor(b, joined(name, "_scale").text, TYPE(FLOAT), 0, NULL, &im->value[v].scale,
                      sizeof(float));
    onnx_build_tensor(b, joined(name, "_zero").text,
                      im->value[v].positive ? TYPE(UINT8) : TYPE(INT8), 0, NULL, &zero, 1);
}

/* Value v through QuantizeLinear and DequantizeLinear. */
static void add_rounding(const struct import *im, struct onnx_build *b, uint32_t v)
{
    const char *name = value_name(im, v);
    bool is_image = v == im->graph->graph.image;

    add_scale(im, b, v, is_image ? import_image_zero(im) : im->value[v].zero);
    Onnx__NodeProto *q = onnx_build_node(b, "QuantizeLinear", joined(name, "/QuantizeLinear").text,
                                         joined(name, "_quantized").text);
    onnx_build_node_input(b, q, name);
    onnx_build_node_input(b, q, joined(name, "_scale").text);
    onnx_build_node_input(b, q, joined(name, "_zero").text);
    add_real(b, name);
}

/* Stored tokens as bytes. */
static void add_stored(const struct import *im, struct onnx_build *b, uint32_t v)
{
    const struct array *a = &im->graph->constant[v];
    const int32_t type = im->value[v].positive ? TYPE(UINT8) : TYPE(INT8);
    uint8_t *code = malloc(a->n + 1);

    if (!code) {
        b->failed = true;
        return;
    }
    for (size_t i = 0; i < a->n; i++)
        code[i] = (uint8_t)array_saturate(type, rint((double)a->real[i] /
                                                     (double)im->value[v].scale) +
                                                    im->value[v].zero);
    onnx_build_tensor(b, joined(value_name(im, v), "_quantized").text, type, a->n_dim, a->dim, code,
                      a->n);
    free(code);
    add_scale(im, b, v, im->value[v].zero);
    add_real(b, value_name(im, v));
}

/* ---- The image ---- */

/* Rows of the table for ids, stored as the bytes that they are rounded to. */
static void add_rows(const struct import *im, struct onnx_build *b)
{
    const uint32_t image = im->graph->graph.image;
    const struct onnx_ids *ids = im->cfg.ids;
    const char *name = value_name(im, image);
    const uint32_t dim[] = {1, ids->tokens}, rows[] = {ids->rows, ids->channels};
    const size_t n = (size_t)ids->rows * ids->channels;
    const struct name table = joined(name, "_table"), real = joined(name, "_table_dequantized");
    int8_t *code = malloc(n);

    if (!code) {
        b->failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        code[i] = (int8_t)fminf(fmaxf(rintf(ids->value[i] / im->value[image].scale), -127), 127);
    onnx_build_tensor(b, table.text, TYPE(INT8), 2, rows, code, n);
    free(code);
    onnx_build_input(b, ids->input, 2, dim);
    onnx_build_input_type(b, ids->type, false);
    Onnx__NodeProto *d =
        onnx_build_node(b, "DequantizeLinear", joined(name, "_table/DequantizeLinear").text,
                        real.text);
    onnx_build_node_input(b, d, table.text);
    onnx_build_node_input(b, d, joined(name, "_scale").text);
    onnx_build_node_input(b, d, joined(name, "_zero").text);
    Onnx__NodeProto *g = onnx_build_node(b, "Gather", joined(name, "/Gather").text, name);
    onnx_build_node_input(b, g, real.text);
    onnx_build_node_input(b, g, ids->input);
}

static void add_image(const struct import *im, struct onnx_build *b)
{
    if (im->cfg.ids) {
        add_rows(im, b);
        return;
    }
    onnx_build_input(b, value_name(im, im->graph->graph.image), im->n_image_dim, im->image_dim);
    if (im->n_image_dim == 3 && im->channels_last)
        onnx_build_input_type(b, TYPE(FLOAT), true);
}

/* ---- All of it ---- */

int64_t import_operator_set(const struct import *im)
{
    static const struct { const char *op, *attribute; int64_t since; } late[] = {
        {"Mish", NULL, 18}, {"AveragePool", "dilations", 19}, {"Gelu", NULL, 20},
        {"Swish", NULL, 24},          {"LayerNormalization", NULL, 17},
        {"RMSNormalization", NULL, 23}, {"RotaryEmbedding", NULL, 23},
    };
    int64_t set = OPSET;

    for (uint32_t i = 0; i < im->n_node; i++)
        for (size_t k = 0; k < sizeof late / sizeof *late; k++) {
            const Onnx__NodeProto *node = im->node[i].node->proto;
            bool has = late[k].attribute == NULL;
            for (size_t a = 0; a < node->n_attribute && !has; a++)
                has = strcmp(node->attribute[a]->name, late[k].attribute) == 0;
            if (has && strcmp(node->op_type, late[k].op) == 0 && set < late[k].since)
                set = late[k].since;
        }
    return set;
}

static enum err build_graph(const struct import *im, struct onnx_build *b, struct err_msg *m)
{
    enum err e = ERR_NONE;

    add_image(im, b);
    add_rounding(im, b, im->graph->graph.image);
    for (uint32_t i = 0; i < im->graph->graph.n_value; i++)
        if (im->value[i].rounded && im->graph->constant[i].real)
            add_stored(im, b, i);
    for (uint32_t i = 0; i < im->n_node && !e; i++) {
        e = import_write_node(im, b, &im->node[i], m);
        if (!e && im->value[im->node[i].out].rounded)
            add_rounding(im, b, im->node[i].out);
    }
    for (uint32_t i = 0; i < im->n_end; i++)
        onnx_build_output(b, read_name(im, im->end[i].value).text, im->end[i].n_dim,
                          im->end[i].dim);
    return e;
}

/* That the simulator takes it, and not only we. */
static enum err check(const char *name, const uint8_t *data, size_t size, struct err_msg *m)
{
    struct network n;
    enum err e = network_decode_onnx(&n, name, data, size, m);

    if (e)
        err_prefix(m, "the quantised model");
    else
        network_release(&n);
    return e;
}

enum err import_build(struct import *im, const char *name, uint8_t **data, size_t *size,
                      struct err_msg *m)
{
    struct onnx_build b;
    enum err e = import_choose_scales(im, m);

    *data = NULL;
    if (!e)
        e = rename_nodes(im, m);
    if (e)
        return e;
    onnx_build_init(&b, name, IR_VERSION, import_operator_set(im));
    if (!b.failed)
        e = build_graph(im, &b, m);
    if (!e)
        e = onnx_build_pack(&b, data, size, m);
    onnx_build_release(&b);
    if (!e)
        e = check(name, *data, *size, m);
    if (e) {
        free(*data);
        *data = NULL;
    }
    return e;
}
