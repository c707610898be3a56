/* Small models after what users of ONNX reported, beside what ONNX Runtime 1.30.0 gives for them,
 * its optimisations disabled: ../shared/cases. Each file has a row that says what becomes of it. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "import/import.h"
#include "network/network.h"
#include "onnx/kind.h"
#include "onnx/read/read.h"
#include "study/outputs.h"
#include "test/shared.h"
#include "test/tmpdir.h"
#include "traces/npy.h"

static char *case_path(const char *name, const char *ending)
{
    char file[128];

    snprintf(file, sizeof file, "../cases/%s%s", name, ending);
    return shared_path(file);
}

static struct npy read_array(const char *path)
{
    struct npy a;
    struct err_msg m;

    if (npy_read(&a, path, &m))
        fail_msg("%s", m.text);
    return a;
}

/* Image i as bytes in the order of traces/images/images.h. */
static void quantise(const struct layer *image, const struct npy *in, size_t i, uint8_t *bytes)
{
    struct shape s = image->out;
    size_t n = (size_t)s.height * s.width * s.channels;
    double low = image->out_signed ? -128 : 0, high = image->out_signed ? 127 : 255;

    for (size_t c = 0; c < s.channels; c++)
        for (size_t x = 0; x < s.height; x++)
            for (size_t y = 0; y < s.width; y++) {
                float v = (float)npy_value(in, i * n + (c * s.height + x) * s.width + y);
                double q = in->type == NPY_UINT8 ? (double)v
                                     : rint((double)(v / (float)image->out_scale)) +
                                           image->out_zero;
                bytes[(y * s.height + x) * s.channels + c] =
                    (uint8_t)(int)fmin(fmax(q, low), high);
            }
}

static double root_of_squares(const double *v, const struct npy *less, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double d = (v ? v[i] : 0) - npy_value(less, i);
        sum += d * d;
    }
    return sqrt(sum);
}

/* Output `index` of all images is that of the file: each value but for `most`, or, of networks that
 * import has quantised (part > 0), all together but for that part of their root of squares. */
static void assert_output(const char *name, const struct outputs *o, uint32_t index,
                          const char *ending, double most, double part)
{
    char *path = case_path(name, ending);
    size_t n;
    const double *got = outputs_values(o, index, &n);

    if (!path)
        skip();
    struct npy ref = read_array(path);
    assert_int_equal(n, ref.n);
    for (size_t i = 0; i < n && part == 0; i++)
        if (!(fabs(got[i] - npy_value(&ref, i)) <= most))
            fail_msg("%s: value %zu is %g, want %g", name, i, got[i], npy_value(&ref, i));
    double error = root_of_squares(got, &ref, n) / root_of_squares(NULL, &ref, n);
    if (part > 0 && !(error <= part))
        fail_msg("%s: an error of %g, want at most %g", name, error, part);
    npy_release(&ref);
    free(path);
}

/* The outputs of the model in a file are ONNX Runtime's, as assert_output says. */
static void assert_outputs(const char *name, const char *path, double most, double part)
{
    struct network_cfg cfg = {0};
    struct network n;
    struct outputs *o;
    struct err_msg m;
    char *in_path = case_path(name, ".in.npy");

    snprintf(cfg.onnx, sizeof cfg.onnx, "%s", path);
    if (strcmp(name, "hw_sym") == 0)
        strcpy(cfg.input_shape, "1x2x8x8");
    const struct network_onnx_cfg open = {.input_shape = cfg.input_shape};
    if (network_load_onnx_as(&n, path, &open, &m) || outputs_new(&o, &cfg, &n, &m))
        fail_msg("%s", m.text);
    struct npy in = read_array(in_path);
    const struct layer *image = &n.layer[0];
    size_t n_in = (size_t)image->out.height * image->out.width * image->out.channels;
    uint8_t *bytes = malloc(in.n);
    assert_non_null(bytes);
    for (size_t i = 0; i < in.n / n_in; i++)
        quantise(image, &in, i, bytes + i * n_in);
    if (outputs_run(o, bytes, in.n / n_in, &m))
        fail_msg("%s", m.text);
    assert_output(name, o, 0, ".ref.npy", most, part);
    if (outputs_count(o) > 1)
        assert_output(name, o, 1, ".ref1.npy", most, part);
    outputs_free(o);
    network_release(&n);
    npy_release(&in);
    free(bytes);
    free(in_path);
}

/* ---- Float models ---- */

/* Image i of the file as the graph takes it. */
static enum err evaluate(struct float_run *run, const struct npy *in, size_t i, struct err_msg *m)
{
    const struct onnx_graph *g = &run->graph->graph;
    struct onnx_image image;
    struct array a;

    if (onnx_graph_image(g, &image, m))
        return ERR_INPUT;
    assert_true(array_init(&a, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, image.n_dim, image.dim));
    for (size_t k = 0; k < a.n; k++)
        a.real[k] = (float)npy_value(in, i * a.n + k);
    float_run_set(run, g->image, &a);
    return float_run_all(run, m);
}

/* What import makes of a model that it has seen run on all images. */
static enum err quantise_model(struct float_graph *g, const struct npy *in, uint8_t **data,
                               size_t *size, struct err_msg *m)
{
    const struct import_cfg cfg = {.mean = 128, .scale = 1.0 / 32, .percentile = 100,
                                   .per_channel = true};
    struct float_run run = {0};
    struct import im = {0};
    struct onnx_image image;
    enum err e = onnx_graph_image(&g->graph, &image, m);

    if (!e)
        e = float_run_init(&run, g, m);
    if (!e)
        e = evaluate(&run, in, 0, m);
    if (!e)
        e = import_init(&im, g, &run, &cfg, m);
    size_t n = (size_t)image.shape.height * image.shape.width * image.shape.channels;
    for (size_t i = 0; i < in->n / n && !e; i++) {
        e = evaluate(&run, in, i, m);
        if (!e)
            import_observe(&im, &run);
    }
    if (!e)
        e = import_build(&im, "case", data, size, m);
    import_release(&im);
    float_run_release(&run);
    return e;
}

static enum err import_case(const char *name, uint8_t **data, size_t *size, struct err_msg *m)
{
    char *path = case_path(name, ".onnx"), *in_path = case_path(name, ".in.npy");
    struct npy in = read_array(in_path);
    struct onnx_model model;
    struct float_graph g = {0};
    enum err e = onnx_model_load(&model, path, &(struct network_onnx_cfg){0}, m);

    *data = NULL;
    if (!e) {
        assert_false(onnx_model_is_quantised(model.proto));
        e = float_graph_init(&g, model.proto, m);
        if (!e)
            e = quantise_model(&g, &in, data, size, m);
        float_graph_release(&g);
        onnx_model_release(&model);
    }
    npy_release(&in);
    free(path);
    free(in_path);
    return e;
}

/* ---- The files ---- */

enum what { EQUAL, NEAR, FLOAT, REFUSED };

static const struct row {
    const char *name;
    enum what   what;
    double      most; // NEAR: of a value; FLOAT: part of all, of 8 bits
    const char *why;  // REFUSED: words of the error, with its cure, unless the model runs as others
} rows[] = {
    /* The mean of four bytes of one scale is a tie one time in four. ONNX Runtime's
     * QLinearAveragePool computes it in float from real values, whose scale of 0.05 no float is, so
     * that ties fall to either side; here they go to the even byte. Each moves a sum by at most
     * 95 * 0.05 / 64. */
    {"QLinearAveragePool", NEAR, 4 * 95 * 0.05 / 64, NULL},
    {"act_LeakyRelu", EQUAL, 0, NULL},
    {"act_q_dq_differ", EQUAL, 0, NULL},
    {"ap_zp127", EQUAL, 0, NULL},
    {"batch_4", EQUAL, 0, NULL},
    {"chan_shuffle", EQUAL, 0, NULL},
    {"convtranspose", EQUAL, 0, NULL},
    {"dead1x1_25000", EQUAL, 0, NULL},
    {"depthwise_reshape", EQUAL, 0, NULL},
    {"end_conv_qdq_gap", EQUAL, 0, NULL},
    {"end_map_qdq", EQUAL, 0, NULL},
    {"end_reshape10", EQUAL, 0, NULL},
    {"end_softmax_qdq", EQUAL, 0, NULL},
    {"f_act_Cast", FLOAT, 0.03, NULL},
    {"f_act_LRN", FLOAT, 0.03, NULL},
    {"f_conv1d", FLOAT, 0.03, NULL},
    {"f_dead_0.01", FLOAT, 0.03, NULL},
    {"f_fp16", FLOAT, 0.03, NULL},
    {"f_mlp_rank2", FLOAT, 0.03, NULL},
    {"f_nan1_fc", REFUSED, 0, "is nan: want finite numbers"},
    {"function_Relu", EQUAL, 0, NULL},
    {"hw_sym", EQUAL, 0, NULL},
    {"input_uint8", EQUAL, 0, NULL},
    {"k3_pad3", EQUAL, 0, NULL},
    {"max0", EQUAL, 0, NULL},
    {"mlp784_one_layer", EQUAL, 0, NULL},
    {"opset21", EQUAL, 0, NULL},
    {"pad_3", EQUAL, 0, NULL},
    {"qcdq_act4", EQUAL, 0, NULL},
    {"qcdq_weights4", EQUAL, 0, NULL},
    {"reducemean_ch", EQUAL, 0, NULL},
    {"relu_then_bn", EQUAL, 0, NULL},
    {"resize2", EQUAL, 0, NULL},
    {"se_block", EQUAL, 0, NULL},
    {"silu", EQUAL, 0, NULL},
    {"squeeze_all", EQUAL, 0, NULL},
    {"two_outputs", EQUAL, 0, NULL},
};

static const struct row *row_of(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strlen(rows[i].name) == length && strncmp(rows[i].name, name, length) == 0)
            return &rows[i];
    return NULL;
}

static void each_file_has_a_row(void **state)
{
    char *path = shared_path("../cases");
    (void)state;

    if (!path)
        skip();
    DIR *folder = opendir(path);
    assert_non_null(folder);
    size_t found = 0;
    for (struct dirent *d = readdir(folder); d; d = readdir(folder)) {
        size_t n = strlen(d->d_name);
        if (n < 5 || strcmp(d->d_name + n - 5, ".onnx") != 0)
            continue;
        found++;
        if (!row_of(d->d_name, n - 5))
            fail_msg("%s has no row", d->d_name);
    }
    assert_int_equal(found, sizeof rows / sizeof *rows);
    closedir(folder);
    free(path);
}

static bool is_refused(const struct row *row, enum err e, const struct err_msg *m)
{
    if (!e)
        return false;
    if (row->what != REFUSED)
        fail_msg("%s: %s", row->name, m->text);
    assert_int_equal(e, ERR_INPUT);
    if (!strstr(m->text, row->why))
        fail_msg("%s: \"%s\": want \"%s\"", row->name, m->text, row->why);
    return true;
}

static void assert_float(const struct row *row, const char *folder)
{
    char path[TMPDIR_PATH_MAX];
    uint8_t *data;
    size_t size;
    struct err_msg m;

    if (is_refused(row, import_case(row->name, &data, &size, &m), &m))
        return;
    tmpdir_write(folder, "case.onnx", data, size);
    free(data);
    assert_outputs(row->name, tmpdir_path(path, folder, "case.onnx"), 0, row->most);
}

static void assert_quantised(const struct row *row, const char *path)
{
    struct network n;
    struct err_msg m;

    if (row->what == REFUSED) {
        if (is_refused(row, network_load_onnx(&n, path, &m), &m))
            return;
        network_release(&n);
    }
    assert_outputs(row->name, path, row->most, 0);
}

static void each_file_gives_what_its_row_says(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *path = case_path(rows[i].name, ".onnx");
        if (!path)
            skip();
        if (strncmp(rows[i].name, "f_", 2) == 0)
            assert_float(&rows[i], *state);
        else
            assert_quantised(&rows[i], path);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_has_a_row),
        cmocka_unit_test_setup_teardown(each_file_gives_what_its_row_says, tmpdir_make,
                                        tmpdir_remove),
    };
    return cmocka_run_group_tests_name("cases", tests, NULL, NULL);
}
