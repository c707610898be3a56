/* The networks that users bring, read and computed in integers: what ONNX defines, value by value
 * where nothing but QuantizeLinear rounds; and at their full size within time and memory. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/float/graph.h"
#include "onnx/read/read.h"
#include "test/reference.h"
#include "test/zoo/zoo.h"

static void must(enum err e, const struct err_msg *m)
{
    if (e)
        fail_msg("%s", m->text);
}

static struct zoo_cfg small(const char *name)
{
    struct zoo_cfg cfg = zoo_defaults();

    cfg.form = ZOO_QDQ;
    cfg.size = zoo_size(name, 32);
    cfg.classes = 10;
    cfg.thin = 8;
    return cfg;
}

static struct network network_of(const Onnx__ModelProto *model)
{
    struct network n;
    struct err_msg m;
    size_t size;
    uint8_t *bytes = make_packed(model, &size);

    must(network_decode_onnx(&n, "zoo", bytes, size, &m), &m);
    free(bytes);
    return n;
}

/* Bytes from -128 to 127 without a pattern, in the order of traces/images/images.h, and the image
 * that quantises to them. */
static struct array image_of(const struct network *n, int8_t *bytes)
{
    struct shape s = n->layer[0].out;
    struct array image;
    uint32_t state = 1;

    assert_true(array_init(&image, ONNX_TYPE(FLOAT), 4,
                           (const uint32_t[]){1, s.channels, s.height, s.width}));
    for (uint32_t c = 0; c < s.channels; c++)
        for (uint32_t x = 0; x < s.height; x++)
            for (uint32_t y = 0; y < s.width; y++) {
                state = state * 1103515245 + 12345;
                int8_t q = (int8_t)(state >> 16);
                bytes[((size_t)y * s.height + x) * s.channels + c] = q;
                image.real[((size_t)c * s.height + x) * s.width + y] =
                    (float)((q - n->layer[0].out_zero) * n->layer[0].out_scale);
            }
    return image;
}

/* Largest difference of one of the results, in steps of its layer's. */
static double difference_of(const struct network_end *end, const struct network *n,
                            const struct reference *r, const struct float_run *run)
{
    uint32_t value = onnx_graph_find(&run->graph->graph, end->value);
    const struct array *want = &run->value[value];
    const struct layer *l = &n->layer[end->layer];
    const struct shape s = layer_delivers(l);
    double most = 0;

    assert_int_equal(want->n, (size_t)s.channels * s.height * s.width);
    for (uint32_t o = 0; o < s.channels; o++)
        for (uint32_t x = 0; x < s.height; x++)
            for (uint32_t y = 0; y < s.width; y++) {
                int64_t got = reference_delivered(r, end->layer, x, y, o) - l->out_zero;
                double real = (double)want->real[((size_t)o * s.height + x) * s.width + y];
                most = fmax(most, fabs((double)got - real / l->out_scale));
            }
    return most;
}

static double difference(const char *name, const struct zoo_cfg *cfg)
{
    Onnx__ModelProto *model = zoo_make(name, cfg);
    struct network n = network_of(model);
    struct reference reference;
    int8_t *bytes = malloc((size_t)cfg->size * cfg->size * 3);
    struct float_graph g;
    struct float_run run;
    struct err_msg m;
    double most = 0;

    assert_non_null(bytes);
    struct array image = image_of(&n, bytes);
    must(float_graph_init(&g, model, &m), &m);
    must(float_run_init(&run, &g, &m), &m);
    float_run_set(&run, g.graph.image, &image);
    must(float_run_all(&run, &m), &m);
    reference_init(&reference, &n);
    reference_run(&reference, bytes);
    assert_int_equal(n.n_end, model->graph->n_output);
    for (uint32_t i = 0; i < n.n_end; i++)
        most = fmax(most, difference_of(&n.end[i], &n, &reference, &run));
    reference_release(&reference);
    float_run_release(&run);
    float_graph_release(&g);
    network_release(&n);
    make_free(model);
    free(bytes);
    return most;
}

static void each_is_what_onnx_defines_where_scales_are_powers_of_two(void **state)
{
    (void)state;
    for (uint32_t i = 0; zoo_name(i); i++)
        for (int rounded_add = 0; rounded_add < 2; rounded_add++) {
            struct zoo_cfg cfg = small(zoo_name(i));
            cfg.rounded_add = rounded_add;
            double d = difference(zoo_name(i), &cfg);
            if (d != 0)
                fail_msg("%s: results differ by %g steps", zoo_name(i), d);
        }
}

/* DenseNet's norms without a convolution have factors that are no powers of two: a byte may differ
 * by one near ties, and what follows makes more of it. */
static void norms_may_stay_nodes_of_their_own(void **state)
{
    struct zoo_cfg cfg = small("densenet121");
    (void)state;

    cfg.norm_nodes = true;
    Onnx__ModelProto *model = zoo_make("densenet121", &cfg);
    struct network n = network_of(model);
    uint32_t scale = 0;
    for (uint32_t i = 0; i < n.n_layer; i++)
        scale += n.layer[i].kind == LAYER_SCALE;
    assert_int_equal(scale, 62);
    network_release(&n);
    make_free(model);
}

/* Weights, in millions, and multiply-accumulates, in thousands of millions, are those that the
 * networks are known by. VGG-16, whose weights take 138 MB, is left to make zoo. */
static void at_224_pixels_each_is_read_whole(void **state)
{
    static const struct {
        const char *name;
        double      weights, macs;
    } known[] = {
        {"resnet18", 11.7, 1.8}, {"resnet34", 21.8, 3.7}, {"resnet50", 25.5, 4.1},
        {"mobilenet_v2", 3.5, 0.3}, {"densenet121", 7.9, 2.8}, {"squeezenet", 1.2, 0.35},
        {"mobilenet_v3", 5.4, 0.22}, {"efficientnet_b0", 5.2, 0.39},
        {"shufflenet_v2", 2.25 + 1.35, 0.15 + 0.17}, // the second shuffles channels
        {"yolo_v3_tiny", 8.8, 0.8},
    };
    (void)state;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct zoo_cfg cfg = zoo_defaults();
        cfg.form = ZOO_QDQ;
        Onnx__ModelProto *model = zoo_make(known[i].name, &cfg);
        struct network n = network_of(model);
        make_free(model);
        assert_true(fabs((double)network_weights(&n) / 1e6 - known[i].weights) < 0.1);
        assert_true(fabs((double)network_macs(&n) / 1e9 - known[i].macs) < 0.06);
        if (n.n_end == 1)
            assert_int_equal(network_result(&n)->out.channels, 1000);
        network_release(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_may_stay_nodes_of_their_own),
        cmocka_unit_test(at_224_pixels_each_is_read_whole),
        cmocka_unit_test(each_is_what_onnx_defines_where_scales_are_powers_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
