/* ONNX's own tests of its operators (Debian's libonnx-testdata) through importer, reader and
 * integer arithmetic. The file's inputs calibrate, the integers of the quantised model must give
 * the file's outputs within what rounding may do:
 *
 *     half a step of the input for each value that is summed, times its weight;
 *     half a step of the weights, times the value;
 *     one step of the output: half for rounding, half for the largest, which has no step above.
 *
 * A network has one image. So the inputs behind the first are constants, and where maps are added
 * or joined, all are parts of the image; each item of a batch is an image. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "import/import.h"
#include "onnx/file.h"
#include "onnx/read/read.h"
#include "onnx/rewrite/rewrite.h"
#include "test/onnx_data.h"
#include "test/onnx_make.h"
#include "test/reference.h"

enum { MOST_INPUT = 8 };

struct sample { // a test's files
    char              directory[512];
    Onnx__ModelProto *model;
    Onnx__TensorProto *file[MOST_INPUT]; // of the inputs that no initializer gives
    const char       *name[MOST_INPUT];
    struct array      in[MOST_INPUT], want;
    uint32_t          n_in, n_map; // the first n_map are parts of the image
    uint32_t          dim[4];      // of one part
    struct err_msg    why;
};

/* ---- Files ---- */

static Onnx__TensorProto *read_tensor(const struct sample *t, const char *kind, uint32_t i)
{
    char path[600];
    uint8_t *data;
    size_t size;
    struct err_msg m;

    snprintf(path, sizeof path, "%s/test_data_set_0/%s_%" PRIu32 ".pb", t->directory, kind, i);
    if (onnx_read_file(path, &data, &size, &m))
        return NULL;
    Onnx__TensorProto *p = onnx__tensor_proto__unpack(NULL, size, data);
    free(data);
    return p;
}

static bool to_array(const Onnx__TensorProto *p, struct array *a)
{
    struct onnx_tensor view;
    struct err_msg m;

    return p && !onnx_tensor_view(&view, p, &m) && array_from_tensor(a, &view);
}

static bool is_initializer(const Onnx__GraphProto *g, const char *name)
{
    for (size_t i = 0; i < g->n_initializer; i++)
        if (strcmp(g->initializer[i]->name, name) == 0)
            return true;
    return false;
}

static bool read_sample(struct sample *t)
{
    char path[600];
    uint8_t *data;
    size_t size;
    Onnx__TensorProto *out;

    snprintf(path, sizeof path, "%s/model.onnx", t->directory);
    if (onnx_read_file(path, &data, &size, &t->why))
        return false;
    t->model = onnx__model_proto__unpack(NULL, size, data);
    free(data);
    if (!t->model)
        return false;
    const Onnx__GraphProto *g = t->model->graph;
    for (size_t i = 0; i < g->n_input && t->n_in < MOST_INPUT; i++) {
        if (is_initializer(g, g->input[i]->name))
            continue;
        t->file[t->n_in] = read_tensor(t, "input", t->n_in);
        t->name[t->n_in] = g->input[i]->name;
        if (!to_array(t->file[t->n_in], &t->in[t->n_in]))
            return false;
        t->n_in++;
    }
    out = read_tensor(t, "output", 0);
    bool good = to_array(out, &t->want) && t->want.real && t->n_in > 0 && t->in[0].real;
    onnx__tensor_proto__free_unpacked(out, NULL);
    return good;
}

static void release_sample(struct sample *t)
{
    for (uint32_t i = 0; i < MOST_INPUT; i++) {
        onnx__tensor_proto__free_unpacked(t->file[i], NULL);
        array_release(&t->in[i]);
    }
    array_release(&t->want);
    if (t->model)
        onnx__model_proto__free_unpacked(t->model, NULL);
}

/* ---- The float model with one image ---- */

static bool has_op(const struct sample *t, const char *op)
{
    for (size_t i = 0; i < t->model->graph->n_node; i++)
        if (strcmp(t->model->graph->node[i]->op_type, op) == 0)
            return true;
    return false;
}

/* What of the inputs is the image, and in which shape. False: nothing that would do. */
static bool shape_image(struct sample *t)
{
    const struct array *x = &t->in[0];
    bool joins = has_op(t, "Add") || has_op(t, "Sub") || has_op(t, "Concat");

    t->n_map = 1;
    while (joins && t->n_map < t->n_in && array_same_shape(&t->in[t->n_map], x))
        t->n_map++;
    for (int k = 0; k < 4; k++)
        t->dim[k] = 1;
    if (x->n_dim == 4)
        memcpy(t->dim, x->dim, sizeof t->dim);
    else if (x->n_dim == 3)
        memcpy(t->dim + 1, x->dim, 3 * sizeof *t->dim);
    else if (x->n_dim == 2)
        memcpy(t->dim, x->dim, 2 * sizeof *t->dim); // rows of a batch
    bool moved = x->n_dim == 3 && // axes that a batch in front would move
                 (has_op(t, "Slice") || has_op(t, "ReduceMax") || has_op(t, "ReduceMean") ||
                  has_op(t, "ReduceSum"));
    return x->n_dim >= 2 && x->n_dim <= 4 && (t->n_map == 1 || t->dim[0] == 1) && x->n > 0 &&
           !moved && !has_op(t, "Softmax"); // which import leaves out at the end
}

static void copy_nodes(Onnx__ModelProto *to, const struct sample *t)
{
    for (size_t i = 0; i < t->model->graph->n_node; i++) {
        const Onnx__NodeProto *from = t->model->graph->node[i];
        Onnx__NodeProto *n = make_node(to, from->op_type, from->name ? from->name : "", "", "-");
        size_t size = onnx__node_proto__get_packed_size(from);
        uint8_t *bytes = malloc(size + 1);
        assert_non_null(bytes);
        onnx__node_proto__pack(from, bytes);
        onnx__node_proto__free_unpacked(n, NULL);
        n = onnx__node_proto__unpack(NULL, size, bytes);
        free(bytes);
        to->graph->node[to->graph->n_node - 1] = n;
        Onnx__AttributeProto *axis = find_attribute(n, "axis");
        if (t->in[0].n_dim == 3 && axis && strcmp(n->op_type, "Concat") == 0 && axis->i >= 0)
            axis->i++; // a batch in front
    }
}

static void copy_constants(Onnx__ModelProto *to, const struct sample *t)
{
    const Onnx__GraphProto *g = t->model->graph;

    for (size_t i = 0; i < g->n_initializer + t->n_in - t->n_map; i++) {
        bool own = i < g->n_initializer;
        size_t k = own ? i : t->n_map + i - g->n_initializer;
        const Onnx__TensorProto *from = own ? g->initializer[i] : t->file[k];
        size_t size = onnx__tensor_proto__get_packed_size(from);
        uint8_t *bytes = malloc(size + 1);
        assert_non_null(bytes);
        onnx__tensor_proto__pack(from, bytes);
        make_tensor(to, own ? from->name : t->name[k], ONNX_TYPE(FLOAT), (const int64_t[]){0, -1},
                    "", 0);
        Onnx__TensorProto **slot = &to->graph->initializer[to->graph->n_initializer - 1];
        Onnx__TensorProto *copy = onnx__tensor_proto__unpack(NULL, size, bytes);
        make_rename(&copy->name, (*slot)->name);
        onnx__tensor_proto__free_unpacked(*slot, NULL);
        *slot = copy;
        free(bytes);
    }
}

/* Part k of the image under the name that the test's node reads. */
static void add_part(Onnx__ModelProto *m, const struct sample *t, uint32_t k)
{
    const int64_t at[] = {k * t->dim[1], (k + 1) * t->dim[1], 1};
    char text[64];
    static const char *const lists[] = {"start", "end", "axis"};

    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "%s.%" PRIu32, lists[i], k);
        make_tensor(m, text, ONNX_TYPE(INT64), (const int64_t[]){1, -1}, &at[i], 8);
    }
    snprintf(text, sizeof text, "image start.%" PRIu32 " end.%" PRIu32 " axis.%" PRIu32, k, k, k);
    make_node(m, "Slice", "part", text, t->name[k]);
}

static Onnx__ModelProto *model_of(const struct sample *t)
{
    Onnx__ModelProto *m = make_model((int64_t)t->n_map * t->dim[1], t->dim[2], t->dim[3]);

    for (size_t i = 0; i < t->model->n_opset_import; i++)
        if (onnx_is_own_domain(t->model->opset_import[i]->domain))
            m->opset_import[0]->version = t->model->opset_import[i]->version;
    if (t->n_map > 1)
        for (uint32_t k = 0; k < t->n_map; k++)
            add_part(m, t, k);
    else
        make_node(m, t->in[0].n_dim == 2 ? "Flatten" : "Identity", "first", "image", t->name[0]);
    copy_nodes(m, t);
    copy_constants(m, t);
    make_rename(&m->graph->output[0]->name, t->model->graph->output[0]->name);
    return m;
}

/* ---- Quantised ---- */

struct quantised {
    Onnx__ModelProto *model;
    struct float_graph graph;
    struct import      import;
    struct network     network;
    double             scale; // of the image
};

static size_t n_pixel(const struct sample *t) // of one image
{
    return (size_t)t->n_map * t->dim[1] * t->dim[2] * t->dim[3];
}

/* Image `item` in the order of traces/images/images.h. */
static void fill_pixels(const struct sample *t, uint32_t item, double scale, int8_t *pixels)
{
    for (uint32_t k = 0; k < t->n_map; k++)
        for (size_t c = 0; c < t->dim[1]; c++)
            for (size_t x = 0; x < t->dim[2]; x++)
                for (size_t y = 0; y < t->dim[3]; y++) {
                    size_t i = ((item * t->dim[1] + c) * t->dim[2] + x) * t->dim[3] + y;
                    size_t at = (y * t->dim[2] + x) * t->n_map * t->dim[1] + k * t->dim[1] + c;
                    pixels[at] = (int8_t)rint((double)t->in[k].real[i] / scale);
                }
}

static enum err run_on(const struct sample *t, const struct quantised *q, struct float_run *run,
                       const int8_t *pixels, struct err_msg *m)
{
    const uint32_t dim[] = {1, t->n_map * t->dim[1], t->dim[2], t->dim[3]};
    struct array a;

    assert_true(array_init(&a, ONNX_TYPE(FLOAT), 4, dim));
    if (pixels)
        import_image(&q->import, pixels, &a);
    float_run_set(run, q->graph.graph.image, &a);
    return float_run_all(run, m);
}

static enum err observe_all(const struct sample *t, struct quantised *q, struct float_run *run,
                            struct err_msg *m)
{
    int8_t *pixels = malloc(n_pixel(t));
    enum err e = ERR_NONE;

    assert_non_null(pixels);
    for (uint32_t item = 0; item < t->dim[0] && !e; item++) {
        fill_pixels(t, item, q->scale, pixels);
        e = run_on(t, q, run, pixels, m);
        if (!e)
            import_observe(&q->import, run);
    }
    free(pixels);
    return e;
}

static double largest(const struct array *a)
{
    double most = 0;

    for (size_t i = 0; i < a->n; i++)
        most = fmax(most, fabs((double)a->real[i]));
    return most;
}

static enum err quantise(const struct sample *t, struct quantised *q, struct err_msg *m)
{
    struct float_run run = {0};
    struct array black = {0};
    uint8_t *data = NULL;
    size_t size;
    double most = 0;

    for (uint32_t k = 0; k < t->n_map; k++)
        most = fmax(most, largest(&t->in[k]));
    *q = (struct quantised){.model = model_of(t), .scale = most > 0 ? most / 127 : 1};
    const struct import_cfg cfg = {.mean = 128, .scale = q->scale, .percentile = 100};
    enum err e = onnx_rewrite(q->model, m);
    if (!e)
        e = float_graph_init(&q->graph, q->model, m);
    if (!e)
        e = onnx_graph_check_input(&q->graph.graph, m);
    assert_true(array_init(&black, ONNX_TYPE(FLOAT), 4,
                           (const uint32_t[]){1, t->n_map * t->dim[1], t->dim[2], t->dim[3]}));
    if (!e)
        e = float_graph_fold(&q->graph, &black, m);
    if (!e)
        e = float_run_init(&run, &q->graph, m);
    if (!e)
        e = run_on(t, q, &run, NULL, m);
    if (!e)
        e = import_init(&q->import, &q->graph, &run, &cfg, m);
    if (!e && q->import.left.text[0] != '\0') { // a part of the test is the host's
        *m = q->import.left;
        e = ERR_INPUT;
    }
    if (!e)
        e = observe_all(t, q, &run, m);
    if (!e)
        e = import_build(&q->import, "made", &data, &size, m);
    if (!e)
        e = network_decode_onnx(&q->network, "made", data, size, m);
    free(data);
    array_release(&black);
    float_run_release(&run);
    return e;
}

static void release_quantised(struct quantised *q)
{
    network_release(&q->network);
    import_release(&q->import);
    float_graph_release(&q->graph);
    make_free(q->model);
}

/* ---- Comparison ---- */

/* Largest difference of a table's entries that lie at most so many bytes apart, and a step. */
static double table_error(const struct layer *l, bool in_signed, uint32_t apart)
{
    int low = in_signed ? -128 : 0, high = in_signed ? 127 : 255, most = 0;

    for (int i = low; i <= high; i++)
        for (int j = i; j <= high && j <= i + (int)apart; j++) {
            uint8_t a = layer_look_up(l, 0, (uint8_t)i), b = layer_look_up(l, 0, (uint8_t)j);
            int d = l->out_signed ? (int8_t)a - (int8_t)b : a - b;
            most = abs(d) > most ? abs(d) : most;
        }
    return (most + 1) * l->out_scale;
}

/* What rounding of inputs and weights may add to a result, and the rounding of the result itself,
 * by what its layers do to their inputs' errors. */
static double bound(const struct quantised *q, double most_in)
{
    const struct network *n = &q->network;
    double error = q->scale / 2, most = most_in;

    for (uint32_t i = 1; i < n->n_layer; i++) {
        const struct layer *l = &n->layer[i];
        const struct layer *from = &n->layer[l->input[0]];
        double in_scale = from->out_scale, factor = 0, weight = 0;
        if (l->table && l->kind == LAYER_SCALE) {
            error = table_error(l, from->out_signed, (uint32_t)ceil(error / in_scale) + 1);
            most = UINT8_MAX * l->out_scale;
            continue;
        }
        uint32_t rows = layer_kernel_rows(l);
        for (uint32_t o = 0; o < layer_n_scale(l); o++) {
            double a = l->raw_output ? l->out_scale / in_scale
                                     : ldexp((double)l->requant.m[o], -l->requant.shift[o]) *
                                           l->out_scale / in_scale;
            double sum = l->kind == LAYER_AVERAGE_POOL ? o + 1 : rows ? 0 : 1;
            for (uint32_t k = 0; k < rows; k++)
                sum += abs(l->weight[(size_t)o * rows + k]);
            factor = fmax(factor, a * sum);
            weight = fmax(weight, a * rows / 2);
        }
        if (l->multiplies) {
            error = (2 * most + error) * error + l->out_scale;
            most *= most;
            continue;
        }
        if (l->has_residual)
            factor += fabs((double)l->requant.mr[0]) / ldexp(1, l->requant.shift[0]) *
                      l->out_scale / n->layer[l->residual].out_scale;
        error = factor * error + weight * most + (l->raw_output ? 0.5 : 1) * l->out_scale;
        most = factor * most;
        if (l->pooled)
            error += l->out_scale;
    }
    return error * (1 + 0x1p-10);
}

static bool agrees(struct sample *t, const struct quantised *q)
{
    const struct layer *l = network_result(&q->network);
    struct shape s = layer_delivers(l);
    size_t n = (size_t)s.height * s.width * s.channels;
    double most = 0, allowed;
    int8_t *pixels = malloc(n_pixel(t));
    struct reference r;
    bool good = n * t->dim[0] == t->want.n;

    for (uint32_t k = 0; k < t->n_map; k++)
        most = fmax(most, largest(&t->in[k]));
    allowed = bound(q, most);
    assert_non_null(pixels);
    reference_init(&r, &q->network);
    for (uint32_t item = 0; item < t->dim[0] && good; item++) {
        fill_pixels(t, item, q->scale, pixels);
        reference_run(&r, pixels);
        for (size_t i = 0; i < n && good; i++) {
            uint32_t c = (uint32_t)(i / s.width / s.height), x = (uint32_t)(i / s.width % s.height);
            int64_t byte = reference_delivered(&r, q->network.n_layer - 1, x,
                                               (uint32_t)(i % s.width), c);
            double got = (double)(byte - l->out_zero) * l->out_scale;
            double want = (double)t->want.real[item * n + i];
            good = fabs(got - want) <= allowed;
            if (!good)
                err_set(&t->why, ERR_INPUT, "value %zu is %g, want %g within %g", item * n + i, got,
                        want, allowed);
        }
    }
    reference_release(&r);
    free(pixels);
    return good;
}

/* ---- All of them ---- */

struct report {
    uint32_t passed, left_out, failed;
};

static void run_one(void *report, const char *name, const char *directory)
{
    struct report *r = report;
    struct sample t = {.why = {"wrong number of values"}};
    struct quantised q = {0};

    snprintf(t.directory, sizeof t.directory, "%s", directory);
    if (!read_sample(&t) || !shape_image(&t)) {
        r->left_out++; // no floats, or no batch of maps
    } else if (quantise(&t, &q, &t.why)) {
        r->left_out++;
        if (!strstr(t.why.text, "no such operator"))
            print_message("left out: %s: %s\n", name, t.why.text);
    } else if (network_has_tokens(&q.network)) {
        r->left_out++; // statistics and exponentials are no integers
    } else if (agrees(&t, &q)) {
        r->passed++;
    } else {
        r->failed++;
        print_message("FAILED: %s: %s\n", name, t.why.text);
    }
    if (q.model)
        release_quantised(&q);
    release_sample(&t);
}

/* At least so many pass: none is lost unnoticed. */
static void check(const char *group, uint32_t least)
{
    struct report r = {0};
    int n = onnx_data_visit(group, run_one, &r);

    print_message("%s in integers: %d tests: %" PRIu32 " passed, %" PRIu32 " left out, %" PRIu32
                  " failed\n", group, n, r.passed, r.left_out, r.failed);
    assert_int_equal(r.failed, 0);
    assert_true(r.passed >= least);
}

static void node_tests_pass_within_the_bound_of_rounding(void **state)
{
    (void)state;
    check("node", 90);
}

static void layers_exported_by_pytorch_pass_within_the_bound_of_rounding(void **state)
{
    (void)state;
    check("pytorch-converted", 20);
}

static void operators_exported_by_pytorch_pass_within_the_bound_of_rounding(void **state)
{
    (void)state;
    check("pytorch-operator", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_tests_pass_within_the_bound_of_rounding),
        cmocka_unit_test(layers_exported_by_pytorch_pass_within_the_bound_of_rounding),
        cmocka_unit_test(operators_exported_by_pytorch_pass_within_the_bound_of_rounding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
