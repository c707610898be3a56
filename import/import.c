/* import/import.c -- what of a float graph becomes what of a quantised one; see import.h. */
#include "import/import.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "import/walk.h"

enum err import_no_memory(const struct import_walk *w)
{
    return err_set(w->msg, ERR_MEMORY, "no memory for an import");
}

/* ---- Values ---- */

struct import_value *import_input(const struct import_walk *w, uint32_t i)
{
    return &w->im->value[w->im->value[w->node->input[i]].source];
}

uint32_t import_index(const struct import_walk *w, const struct import_value *v)
{
    return (uint32_t)(v - w->im->value);
}

const struct array *import_in_shape(const struct import_walk *w, uint32_t i)
{
    return &w->sample->value[w->node->input[i]];
}

const struct array *import_out_shape(const struct import_walk *w)
{
    return &w->sample->value[w->node->output[0]];
}

static const struct array *constant(const struct import_walk *w, uint32_t i)
{
    static const struct array none;

    if (i >= w->node->n_input || w->node->input[i] == ONNX_ABSENT)
        return &none;
    return &w->im->graph->constant[w->node->input[i]];
}

const struct array *import_constant(const struct import_walk *w, uint32_t i)
{
    const struct array *a = constant(w, i);
    return a->real ? a : NULL;
}

const struct array *import_integers(const struct import_walk *w, uint32_t i)
{
    const struct array *a = constant(w, i);
    return a->integer ? a : NULL;
}

enum err import_check_finite(const struct import_walk *w, const char *what, const struct array *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (!isfinite(a->real[i])) {
            w->im->unsound = true;
            return IMPORT_REFUSE(w, "%s %zu is %g: want finite numbers", what, i,
                                 (double)a->real[i]);
        }
    return ERR_NONE;
}

enum err import_round(const struct import_walk *w, struct import_value *v)
{
    if (!v->draft)
        return ERR_NONE;
    v->draft = false;
    v->rounded = true;
    v->seen = calloc(IMPORT_BINS, sizeof *v->seen);
    return v->seen ? ERR_NONE : import_no_memory(w);
}

enum err import_take_map(const struct import_walk *w, uint32_t i, struct import_value **v)
{
    *v = import_input(w, i);
    if (!(*v)->known)
        return IMPORT_REFUSE(w, "input %" PRIu32 " is not a map of the network: want one made by "
                             "the nodes before", i);
    return import_round(w, *v);
}

static void observe(struct import_value *v, const struct array *a);

enum err import_store(const struct import_walk *w, uint32_t i, struct import_value **v)
{
    const struct array *a = import_constant(w, i);
    enum err e = import_check_finite(w, "value", a);

    *v = &w->im->value[w->node->input[i]];
    if (e || (*v)->known)
        return e;
    (*v)->known = (*v)->rounded = true;
    (*v)->seen = calloc(IMPORT_BINS, sizeof *(*v)->seen);
    if (!(*v)->seen)
        return import_no_memory(w);
    observe(*v, a);
    return ERR_NONE;
}

bool import_is_open(const struct import_value *v)
{
    return v->draft && v->maker != ONNX_ABSENT && !v->summed && !v->cut && v->n_reader == 1;
}

static struct import_value *new_value(const struct import_walk *w)
{
    struct import_value *v = &w->im->value[w->node->output[0]];

    v->known = true;
    return v;
}

struct import_value *import_new_draft(const struct import_walk *w, bool positive)
{
    struct import_value *v = new_value(w);

    v->draft = true;
    v->positive = positive;
    return v;
}

struct import_value *import_replace(const struct import_walk *w, struct import_value *v)
{
    uint32_t out = w->node->output[0];
    struct import_value *new = &w->im->value[out], old = *v;

    old.source = old.alike = out;
    old.n_reader = new->n_reader;
    *v = (struct import_value){.source = v->source, .alike = v->alike};
    *new = old;
    return new;
}

void import_alias(const struct import_walk *w, struct import_value *v)
{
    struct import_value *out = &w->im->value[w->node->output[0]];

    out->source = import_index(w, v);
    v->n_reader += out->n_reader - 1;
}

uint32_t import_root(const struct import *im, uint32_t v)
{
    while (im->value[v].alike != v)
        v = im->value[v].alike;
    return v;
}

/* The image keeps its own scale, and so is the root of all that are like it. */
void import_tie(const struct import_walk *w, struct import_value *a, struct import_value *b)
{
    uint32_t x = import_root(w->im, import_index(w, a)), y = import_root(w->im, import_index(w, b));

    if (y == w->im->graph->graph.image)
        w->im->value[x].alike = y;
    else
        w->im->value[y].alike = x;
}

struct import_value *import_new_alike(const struct import_walk *w, struct import_value *v)
{
    struct import_value *out = new_value(w);

    out->positive = v->positive;
    import_tie(w, v, out);
    return out;
}

struct import_value *import_new_loose(const struct import_walk *w)
{
    return new_value(w);
}

/* ---- Nodes ---- */

struct import_node *import_add_node(const struct import_walk *w, enum import_kind kind,
                                    const struct import_value *a, const struct import_value *b)
{
    struct import_node *n = &w->im->node[w->im->n_node++];

    *n = (struct import_node){.kind = kind, .node = w->node,
                              .in = {import_index(w, a), b ? import_index(w, b) : ONNX_ABSENT},
                              .out = w->node->output[0]};
    return n;
}

enum err import_visit_moved(const struct import_walk *w)
{
    struct import_value *x;
    enum err e = import_take_map(w, 0, &x);

    if (e)
        return e;
    import_add_node(w, IMPORT_COPY, x, NULL);
    import_new_alike(w, x);
    return ERR_NONE;
}

/* Its inputs that are maps, rounded unless they are loose; each once. */
static enum err take_maps(const struct import_walk *w, struct import_value *map[2], uint32_t *n)
{
    *n = 0;
    for (uint32_t i = 0; i < w->node->n_input; i++) {
        struct import_value *v;
        if (w->node->input[i] == ONNX_ABSENT || constant(w, i)->real || constant(w, i)->integer)
            continue;
        enum err e = import_take_map(w, i, &v);
        if (e)
            return e;
        if (*n > 0 && v == map[0])
            continue;
        if (*n == 2)
            return IMPORT_REFUSE(w, "reads three maps: want two at most");
        map[(*n)++] = v;
    }
    return *n > 0 ? ERR_NONE : IMPORT_REFUSE(w, "reads no map of the network: want one");
}

static enum err add_whole(const struct import_walk *w)
{
    struct import_value *map[2] = {NULL, NULL};
    uint32_t n;
    enum err e = take_maps(w, map, &n);

    for (uint32_t i = 0; i < w->node->n_input && !e; i++)
        if (import_constant(w, i) && import_constant(w, i)->n < 1)
            e = IMPORT_REFUSE(w, "input %" PRIu32 " has no values: want some", i);
    if (!e)
        import_add_node(w, IMPORT_NODE, map[0], map[1]);
    return e;
}

enum err import_visit_whole(const struct import_walk *w, bool positive)
{
    enum err e = add_whole(w);

    if (!e)
        import_new_draft(w, positive);
    return e;
}

enum err import_visit_loose(const struct import_walk *w)
{
    enum err e = add_whole(w);

    if (!e)
        import_new_loose(w);
    return e;
}

const struct onnx_node *import_only_reader(const struct import *im, const struct onnx_node *node)
{
    const struct onnx_graph *g = &im->graph->graph;
    const struct onnx_node *found = NULL;
    uint32_t n_reader = 0;

    for (size_t i = 0; i < g->proto->n_output; i++)
        n_reader += onnx_graph_find(g, g->proto->output[i]->name) == node->output[0];
    for (const struct onnx_node *n = node + 1; n < g->node + g->n_node && n_reader < 2; n++)
        for (uint32_t k = 0; k < n->n_input && im->graph->op[n - g->node]; k++)
            if (n->input[k] == node->output[0]) {
                found = n;
                n_reader++;
            }
    return n_reader == 1 ? found : NULL;
}

enum err import_add_list(const struct import_walk *w, struct import_node *n, uint32_t n_value,
                         const int64_t *v)
{
    struct array *a = &n->list[n->n_list];

    assert(n->n_list < IMPORT_MOST_LISTS);
    if (!array_init(a, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1, &n_value))
        return import_no_memory(w);
    n->n_list++;
    if (n_value > 0)
        memcpy(a->integer, v, n_value * sizeof *v);
    return ERR_NONE;
}

/* ---- The graph ---- */

static const struct import_operator *const families[] = {
    import_ops_affine, import_ops_layout, import_ops_map, import_ops_pool, import_ops_scale,
    import_ops_function, import_ops_tokens,
};

/* A piece of a function, of which only the last is rounded. */
static enum err visit_inner(const struct import_walk *w)
{
    static const char *const layouts[] = {"Reshape", "Squeeze", "Unsqueeze"};
    const char *type = w->node->proto->op_type;

    if (strcmp(type, "ReduceMean") == 0)
        return import_visit_inner_mean(w);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (strcmp(type, layouts[i]) == 0)
            return import_visit_inner_layout(w);
    return import_visit_loose(w);
}

static enum err visit(const struct import_walk *w)
{
    const char *type = w->node->proto->op_type;
    const uint8_t piece = w->im->piece[w->node - w->im->graph->graph.node];

    if (piece != IMPORT_WHOLE)
        return piece == IMPORT_INNER ? visit_inner(w) : import_visit_whole(w, false);
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const struct import_operator *op = families[f]; op->op; op++)
            if (strcmp(op->op, type) == 0)
                return op->visit(w);
    return IMPORT_REFUSE(w, "cannot be quantised: want those operators that docs/onnx.md lists for "
                         "imcsim import");
}

static bool is_product(const struct onnx_node *node)
{
    static const char *const products[] = {"Conv", "ConvTranspose", "FusedMatMul", "Gemm",
                                           "MatMul"};

    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        if (strcmp(node->proto->op_type, products[i]) == 0)
            return true;
    return false;
}

/* feeds[v]: whether a product reads value v, or what is made of it. */
static void find_products(const struct onnx_graph *g, bool *feeds)
{
    for (uint32_t i = g->n_node; i-- > 0;) {
        const struct onnx_node *node = &g->node[i];
        bool leads = is_product(node);
        for (uint32_t k = 0; k < node->n_output; k++)
            leads |= node->output[k] != ONNX_ABSENT && feeds[node->output[k]];
        for (uint32_t k = 0; k < node->n_input; k++)
            if (node->input[k] != ONNX_ABSENT)
                feeds[node->input[k]] |= leads;
    }
}

/* A node that is refused where the host may compute it becomes the host's. */
static enum err visit_or_leave(const struct import_walk *w)
{
    struct import *im = w->im;
    enum err e = visit(w);

    if (e != ERR_INPUT || !w->ends || im->unsound)
        return e;
    im->host[w->node - im->graph->graph.node] = true;
    if (im->left.text[0] == '\0')
        im->left = *w->msg;
    return ERR_NONE;
}

static enum err visit_all(struct import_walk *w)
{
    const struct float_graph *g = w->im->graph;
    bool *feeds = calloc(g->graph.n_value + 1, sizeof *feeds);
    enum err e = feeds ? ERR_NONE : import_no_memory(w);

    if (!e)
        find_products(&g->graph, feeds);
    for (uint32_t i = 0; i < g->graph.n_node && !e; i++) {
        w->node = &g->graph.node[i];
        w->ends = !is_product(w->node) && !feeds[w->node->output[0]];
        if (g->op[i])
            e = visit_or_leave(w);
    }
    free(feeds);
    return e;
}

static void count_readers(struct import *im)
{
    const struct onnx_graph *g = &im->graph->graph;

    for (uint32_t i = 0; i < g->n_value; i++)
        im->value[i] = (struct import_value){.source = i, .alike = i, .maker = ONNX_ABSENT};
    for (uint32_t i = 0; i < g->n_node; i++)
        for (uint32_t k = 0; im->graph->op[i] && k < g->node[i].n_input; k++)
            if (g->node[i].input[k] != ONNX_ABSENT)
                im->value[g->node[i].input[k]].n_reader++;
    for (size_t i = 0; i < g->proto->n_output; i++)
        im->value[onnx_graph_find(g, g->proto->output[i]->name)].n_reader++;
}

/* Sums of crossbars may leave unrounded, those of the last node. */
static bool is_raw(const struct import *im, const struct import_value *v)
{
    return import_is_open(v) && v->maker == im->n_node - 1 &&
           im->node[v->maker].kind != IMPORT_SCALE;
}

/* A value of the graph leaves; two names of it are one end. */
static enum err add_end(struct import_walk *w, uint32_t output)
{
    struct import *im = w->im;
    uint32_t value = im->value[output].source;
    struct import_value *v = &im->value[value];
    const struct array *shape = &w->sample->value[value];
    struct import_end *e = &im->end[im->n_end];

    for (uint32_t i = 0; i < im->n_end; i++)
        if (im->end[i].value == value)
            return ERR_NONE;
    if (!v->known || value == im->graph->graph.image)
        return ERR_NONE; // the host's
    *e = (struct import_end){.value = value, .n_dim = shape->n_dim};
    memcpy(e->dim, shape->dim, sizeof e->dim);
    if (value == im->node[im->n_node - 1].out)
        im->result = im->n_end;
    im->n_end++;
    return v->draft && !is_raw(im, v) ? import_round(w, v) : ERR_NONE;
}

static enum err finish(struct import_walk *w)
{
    const struct onnx_graph *g = &w->im->graph->graph;
    enum err e = ERR_NONE;

    w->im->end = calloc(g->n_value + 1, sizeof *w->im->end);
    if (!w->im->end)
        return import_no_memory(w);
    for (size_t i = 0; i < g->proto->n_output && !e; i++)
        e = add_end(w, onnx_graph_find(g, g->proto->output[i]->name));
    for (uint32_t i = 0; i < g->n_node; i++)
        for (uint32_t k = 0; w->im->host[i] && k < g->node[i].n_input && !e; k++)
            if (g->node[i].input[k] != ONNX_ABSENT)
                e = add_end(w, g->node[i].input[k]);
    if (e || w->im->n_end > 0)
        return e;
    if (w->im->left.text[0] != '\0') {
        *w->msg = w->im->left;
        return ERR_INPUT;
    }
    return err_set(w->msg, ERR_INPUT, "no Conv or Gemm leads to an output: want a network");
}

enum err import_init(struct import *im, const struct float_graph *g, const struct float_run *sample,
                     const struct import_cfg *cfg, struct err_msg *m)
{
    struct import_walk w = {.im = im, .sample = sample, .msg = m};
    struct onnx_image image;

    *im = (struct import){.graph = g, .cfg = *cfg};
    im->value = calloc(g->graph.n_value + 1, sizeof *im->value);
    im->node = calloc(g->graph.n_node + 1, sizeof *im->node);
    im->host = calloc(g->graph.n_node + 1, sizeof *im->host);
    im->piece = calloc(g->graph.n_node + 1, sizeof *im->piece);
    enum err e = im->value && im->node && im->host && im->piece
                     ? onnx_graph_check_input(&g->graph, m)
                     : import_no_memory(&w);
    if (!e)
        e = onnx_graph_image(&g->graph, &image, m);
    if (!e) {
        im->image = image.shape;
        im->channels_last = image.channels_last;
        im->n_image_dim = image.n_dim;
        memcpy(im->image_dim, image.dim, sizeof im->image_dim);
        count_readers(im);
        import_find_pieces(im);
        im->value[g->graph.image].known = true;
        im->value[g->graph.image].rounded = true;
    }
    if (!e && cfg->values) {
        im->value[g->graph.image].seen = calloc(IMPORT_BINS, sizeof *im->value->seen);
        e = im->value[g->graph.image].seen ? ERR_NONE : import_no_memory(&w);
    }
    if (!e && cfg->ids)
        observe(&im->value[g->graph.image],
                &(struct array){.real = cfg->ids->value,
                                .n = (size_t)cfg->ids->rows * cfg->ids->channels});
    if (!e)
        e = visit_all(&w);
    if (!e)
        e = finish(&w);
    if (e)
        import_release(im);
    return e;
}

static void release_node(struct import_node *n)
{
    array_release(&n->weight);
    free(n->bias);
    free(n->more);
    for (uint32_t i = 0; i < n->n_list; i++)
        array_release(&n->list[i]);
}

void import_release(struct import *im)
{
    for (uint32_t i = 0; im->value && i < im->graph->graph.n_value; i++)
        free(im->value[i].seen);
    for (uint32_t i = 0; i < im->n_node; i++)
        release_node(&im->node[i]);
    free(im->value);
    free(im->node);
    free(im->end);
    free(im->host);
    free(im->piece);
    *im = (struct import){0};
}

/* ---- Images and activations ---- */

static float image_value(const struct import_cfg *cfg, uint32_t channel, int pixel)
{
    return cfg->normalise.n > 0 ? normalise_value(&cfg->normalise, channel, (uint8_t)pixel)
                                : (float)((pixel - cfg->mean) * cfg->scale);
}

void import_image(const struct import *im, const int8_t *pixels, struct array *image)
{
    struct shape s = im->image;

    assert(image->n == (size_t)s.height * s.width * s.channels);
    for (size_t x = 0; x < s.height; x++)
        for (size_t y = 0; y < s.width; y++)
            for (size_t ch = 0; ch < s.channels; ch++) {
                int pixel = pixels[(y * s.height + x) * s.channels + ch] + 128;
                size_t at = im->channels_last ? (x * s.width + y) * s.channels + ch
                                              : (ch * s.height + x) * s.width + y;
                image->real[at] = image_value(&im->cfg, (uint32_t)ch, pixel);
            }
}

static void observe(struct import_value *v, const struct array *a)
{
    for (size_t k = 0; k < a->n; k++) {
        float magnitude = fabsf(a->real[k]);
        uint32_t bits;
        memcpy(&bits, &magnitude, sizeof bits);
        v->seen[bits >> 16]++;
        v->largest = magnitude > v->largest || isnan(magnitude) ? magnitude : v->largest;
        v->low = fminf(v->low, a->real[k]);
        v->high = fmaxf(v->high, a->real[k]);
    }
}

void import_observe(struct import *im, const struct float_run *run)
{
    for (uint32_t i = 0; i < im->graph->graph.n_value; i++) {
        struct import_value *v = &im->value[i];
        const bool known = im->graph->graph.value[i].maker == ONNX_CONSTANT ||
                           im->graph->constant[i].real ||
                           (im->cfg.ids && i == im->graph->graph.image);
        if (v->seen && !known)
            observe(v, &run->value[i]);
    }
}
