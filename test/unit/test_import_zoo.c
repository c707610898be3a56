/* The float networks that users bring, imported: what each layer becomes, and the integers of the
 * quantised model against ONNX's own evaluation of it. */
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
#include "test/reference.h"
#include "test/zoo/zoo.h"

enum { SIZE = 32, MOST = 64, CHANNELS = 3, N_PIXEL = MOST * MOST * CHANNELS };

static void must(enum err e, const struct err_msg *m)
{
    if (e)
        fail_msg("%s", m->text);
}

static struct zoo_cfg small(const char *name, enum zoo_form form)
{
    struct zoo_cfg cfg = zoo_defaults();

    cfg.form = form;
    cfg.size = zoo_size(name, SIZE);
    cfg.classes = 10;
    cfg.thin = 8;
    return cfg;
}

static void make_pixels(uint32_t seed, int8_t pixels[N_PIXEL])
{
    for (int i = 0; i < N_PIXEL; i++) {
        seed = seed * 1103515245 + 12345;
        pixels[i] = (int8_t)(seed >> 16);
    }
}

static void run_on(const struct import *im, struct float_run *run, const int8_t *pixels,
                   uint32_t size)
{
    struct array a;
    struct err_msg m;

    assert_true(array_init(&a, ONNX_TYPE(FLOAT), 4, (const uint32_t[]){1, CHANNELS, size, size}));
    if (im)
        import_image(im, pixels, &a);
    float_run_set(run, run->graph->graph.image, &a);
    must(float_run_all(run, &m), &m);
}

static const struct import_cfg plain = {.mean = 128, .scale = 1.0 / 64, .percentile = 100,
                                        .per_channel = true};

struct made {
    Onnx__ModelProto  *model, *q_model;
    struct float_graph graph, q_graph;
    struct import      import;
    struct network     network;
    uint8_t           *data;
    size_t             size;
    uint32_t           side; // of the image
};

static void import_of(struct made *t, const char *name, const struct zoo_cfg *cfg,
                      const struct import_cfg *how)
{
    struct float_run run;
    struct array black;
    struct err_msg m;
    int8_t pixels[N_PIXEL];
    const uint32_t size = cfg->size;

    t->side = size;
    t->model = zoo_make(name, cfg);
    must(float_graph_init(&t->graph, t->model, &m), &m);
    assert_true(
        array_init(&black, ONNX_TYPE(FLOAT), 4, (const uint32_t[]){1, CHANNELS, size, size}));
    must(float_graph_fold(&t->graph, &black, &m), &m);
    array_release(&black);
    must(float_run_init(&run, &t->graph, &m), &m);
    run_on(NULL, &run, NULL, size);
    must(import_init(&t->import, &t->graph, &run, how, &m), &m);
    for (uint32_t i = 0; i < 4; i++) {
        make_pixels(i, pixels);
        run_on(&t->import, &run, pixels, size);
        import_observe(&t->import, &run);
    }
    float_run_release(&run);
    must(import_build(&t->import, "made", &t->data, &t->size, &m), &m);
    must(onnx_decode(t->data, t->size, &t->q_model, &m), &m);
    must(float_graph_init(&t->q_graph, t->q_model, &m), &m);
    must(network_decode_onnx(&t->network, "made", t->data, t->size, &m), &m);
}

static void release(struct made *t)
{
    network_release(&t->network);
    float_graph_release(&t->q_graph);
    onnx_free_model(t->q_model);
    import_release(&t->import);
    float_graph_release(&t->graph);
    make_free(t->model);
    free(t->data);
}

/* root of sum (integers - quantised in float)^2 / sum float^2, over four images. */
static double error_of(const struct made *t)
{
    struct float_run run;
    struct reference r;
    struct err_msg m;
    double error = 0, value = 0;
    const struct layer *l = network_result(&t->network);
    const struct shape map = layer_delivers(l);
    const size_t pixels_out = (size_t)map.height * map.width; // the first is compared

    must(float_run_init(&run, &t->q_graph, &m), &m);
    reference_init(&r, &t->network);
    for (uint32_t i = 0; i < 4; i++) {
        int8_t pixels[N_PIXEL];
        make_pixels(i, pixels);
        run_on(&t->import, &run, pixels, t->side);
        reference_run(&r, pixels);
        for (uint32_t o = 0; o < l->out.channels; o++) {
            int64_t q = reference_delivered(&r, t->network.n_layer - 1, 0, 0, o) - l->out_zero;
            double want = (double)run.value[t->q_graph.graph.result].real[o * pixels_out];
            error += pow((double)q * l->out_scale - want, 2);
            value += want * want;
        }
    }
    reference_release(&r);
    float_run_release(&run);
    return sqrt(error / value);
}

static void integers_are_what_onnx_makes_of_the_imported_model(void **state)
{
    (void)state;
    for (uint32_t i = 0; zoo_name(i); i++)
        for (int form = 0; form < 5; form++) {
            struct zoo_cfg cfg = small(zoo_name(i), form % 2 ? ZOO_FOLDED : ZOO_FLOAT);
            struct import_cfg how = plain;
            struct made t;
            if (strcmp(zoo_name(i), "yolo_v3_tiny") == 0)
                continue; // has two results
            cfg.opset = form == 0 ? 9 : 13;
            how.power_of_two = form == 2;
            how.per_channel = form != 3;
            how.asymmetric = form == 4;
            import_of(&t, zoo_name(i), &cfg, &how);
            double error = error_of(&t);
            if (!(error < 0.2)) // random networks make much of a byte that differs by one
                fail_msg("%s, form %d: integers are off by %.3g of the values", zoo_name(i), form,
                         error);
            release(&t);
        }
}

static uint32_t n_of_kind(const struct network *n, enum layer_kind kind)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n->n_layer; i++)
        count += n->layer[i].kind == kind;
    return count;
}

static void nothing_is_rescaled_but_norms_without_a_convolution(void **state)
{
    static const struct {
        const char *name;
        uint32_t    conv, gemm, max_pool, average_pool, scale;
    } cases[] = {
        {"resnet18", 20, 1, 1, 0, 0},     {"resnet34", 36, 1, 1, 0, 0},
        {"resnet50", 53, 1, 1, 0, 0},     {"vgg16", 13, 3, 5, 0, 0},
        {"mobilenet_v2", 52, 1, 0, 0, 0}, {"densenet121", 120, 1, 1, 3, 62},
        {"squeezenet", 26, 0, 3, 0, 0},   {"alexnet", 5, 3, 3, 0, 0},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zoo_cfg cfg = small(cases[i].name, ZOO_FLOAT);
        struct made t;
        import_of(&t, cases[i].name, &cfg, &plain);
        assert_int_equal(n_of_kind(&t.network, LAYER_CONV), cases[i].conv);
        assert_int_equal(n_of_kind(&t.network, LAYER_GEMM), cases[i].gemm);
        assert_int_equal(n_of_kind(&t.network, LAYER_MAX_POOL), cases[i].max_pool);
        assert_int_equal(n_of_kind(&t.network, LAYER_AVERAGE_POOL), cases[i].average_pool);
        assert_int_equal(n_of_kind(&t.network, LAYER_SCALE), cases[i].scale);
        release(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_what_onnx_makes_of_the_imported_model),
        cmocka_unit_test(nothing_is_rescaled_but_norms_without_a_convolution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
