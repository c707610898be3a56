/* The zoo's networks are those that were published, and their values keep their size. */
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
#include "test/zoo/zoo.h"

/* As few pixels and channels as the networks allow. */
static struct zoo_cfg small(const char *name, enum zoo_form form)
{
    struct zoo_cfg cfg = zoo_defaults();

    cfg.form = form;
    cfg.size = zoo_size(name, 32);
    cfg.classes = 10;
    cfg.thin = 8;
    return cfg;
}

static bool ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);

    return n >= m && strcmp(text + n - m, ending) == 0;
}

/* Weights, biases, and what a batch norm learns. */
static uint64_t n_parameter(const Onnx__ModelProto *model)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < model->graph->n_initializer; i++) {
        const Onnx__TensorProto *t = model->graph->initializer[i];
        uint64_t n = 1;
        if (!ends_with(t->name, ".weight") && !ends_with(t->name, ".bias"))
            continue;
        for (size_t k = 0; k < t->n_dims; k++)
            n *= (uint64_t)t->dims[k];
        sum += n;
    }
    return sum;
}

/* torchvision's documentation, for 1,000 classes; weights and biases of VGG-8, U-Nets, summed
 * here; and the numbers in Darknet's file of YOLOv3-tiny, with mean and variance of 3,184 batch
 * norms. */
static uint64_t published(const char *name)
{
    static const struct {
        const char *name;
        uint64_t    n;
    } list[] = {
        {"resnet18", 11689512},   {"resnet34", 21797672},       {"resnet50", 25557032},
        {"vgg16", 138357544},     {"mobilenet_v2", 3504872},    {"densenet121", 7978856},
        {"squeezenet", 1235496},  {"alexnet", 61100840},        {"mobilenet_v3", 5483032},
        {"efficientnet_b0", 5288548}, {"shufflenet_v2", 2278604},
        {"vgg8", 9 * (3 * 128 + 128 * 128 + 128 * 256 + 256 * 256 + 256 * 512 + 512 * 512) +
                     2 * (128 + 256 + 512) + (8192 + 1) * 1024 + (1024 + 1) * 1000},
        {"yolo_v3_tiny", (35434956 - 20) / 4 - 2 * 3184},
    };
    static const uint64_t width[] = {3, 64, 128, 256, 512, 1024};
    uint64_t unet = 2 * 64 + 2; // the last convolution

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (strcmp(name, list[i].name) == 0)
            return list[i].n;
    assert_true(strcmp(name, "unet") == 0 || strcmp(name, "unet_transposed") == 0);
    for (int i = 1; i < 6; i++) // two 3 x 3 convolutions downwards; 2 x 2 and two more upwards
        unet += width[i] * (9 * (width[i - 1] + width[i]) + 2);
    for (int i = 5; i > 1; i--)
        unet += width[i - 1] * (4 * width[i] + 9 * (width[i] + width[i - 1]) + 3);
    return unet;
}

static void there_are_as_many_parameters_as_published(void **state)
{
    struct zoo_cfg cfg = zoo_defaults();
    (void)state;

    cfg.no_data = true;
    for (uint32_t i = 0; zoo_name(i); i++) {
        cfg.size = zoo_size(zoo_name(i), 224);
        Onnx__ModelProto *model = zoo_make(zoo_name(i), &cfg);
        if (n_parameter(model) != published(zoo_name(i)))
            fail_msg("%s has %" PRIu64 " parameters, want %" PRIu64, zoo_name(i),
                     n_parameter(model), published(zoo_name(i)));
        make_free(model);
    }
    assert_null(zoo_make("resnet20", &cfg));
}

static void the_seed_decides_the_bytes(void **state)
{
    uint8_t *bytes[3];
    size_t size[3];
    (void)state;

    for (int i = 0; i < 3; i++) {
        struct zoo_cfg cfg = small("squeezenet", ZOO_QDQ);
        cfg.seed = i < 2 ? 5 : 6;
        Onnx__ModelProto *model = zoo_make("squeezenet", &cfg);
        bytes[i] = make_packed(model, &size[i]);
        make_free(model);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    assert_int_equal(size[0], size[2]);
    assert_memory_not_equal(bytes[0], bytes[2], size[0]);
    for (int i = 0; i < 3; i++)
        free(bytes[i]);
}

/* ---- Values ---- */

struct evaluated {
    Onnx__ModelProto *model;
    struct float_graph graph;
    struct float_run   run;
};

/* Pixels from -128 to 127 without a pattern, over 64. */
static struct array image_of(uint32_t size)
{
    struct array image;
    uint32_t state = 1;

    assert_true(array_init(&image, ONNX_TYPE(FLOAT), 4, (const uint32_t[]){1, 3, size, size}));
    for (size_t i = 0; i < image.n; i++) {
        state = state * 1103515245 + 12345;
        image.real[i] = ((float)(state >> 16 & 255) - 128) / 64;
    }
    return image;
}

static void must(enum err e, const struct err_msg *m)
{
    if (e)
        fail_msg("%s", m->text);
}

static void evaluate(struct evaluated *v, const char *name, const struct zoo_cfg *cfg)
{
    struct array image = image_of(cfg->size), same = image_of(cfg->size);
    struct err_msg m;

    v->model = zoo_make(name, cfg);
    assert_non_null(v->model);
    must(float_graph_init(&v->graph, v->model, &m), &m);
    if (v->model->graph->n_output == 1)
        must(onnx_graph_check_input(&v->graph.graph, &m), &m);
    must(float_graph_fold(&v->graph, &image, &m), &m);
    must(float_run_init(&v->run, &v->graph, &m), &m);
    float_run_set(&v->run, v->graph.graph.image, &same);
    must(float_run_all(&v->run, &m), &m);
    array_release(&image);
}

static void evaluated_release(struct evaluated *v)
{
    float_run_release(&v->run);
    float_graph_release(&v->graph);
    make_free(v->model);
}

static const struct array *value(const struct evaluated *v, const char *name)
{
    for (uint32_t i = 0; i < v->graph.graph.n_value; i++)
        if (strcmp(v->graph.graph.value[i].name, name) == 0)
            return &v->run.value[i];
    fail_msg("no value %s", name);
    return NULL;
}

static void folding_the_batch_norms_changes_nothing(void **state)
{
    (void)state;
    for (uint32_t i = 0; zoo_name(i); i++) {
        struct zoo_cfg cfg = small(zoo_name(i), ZOO_FLOAT);
        struct zoo_cfg folded = small(zoo_name(i), ZOO_FOLDED);
        struct evaluated a, b;
        cfg.opset = i % 2 ? 13 : 10;
        evaluate(&a, zoo_name(i), &cfg);
        evaluate(&b, zoo_name(i), &folded);
        const struct array *x = value(&a, "output"), *y = value(&b, "output");
        double apart = 0, most = 0;
        assert_true(array_same_shape(x, y));
        for (size_t k = 0; k < x->n; k++) {
            apart = fmax(apart, fabs(array_get(x, k) - array_get(y, k)));
            most = fmax(most, fabs(array_get(x, k)));
        }
        assert_true(most > 0 && apart < 1e-3 * most);
        evaluated_release(&a);
        evaluated_release(&b);
    }
}

/* What of a map is 0, and what is at an end of its type. */
static void assert_alive(const struct array *bytes, const char *network, const char *name)
{
    const int64_t low = bytes->type == ONNX_TYPE(INT8) ? -128 : -1;
    const int64_t high = bytes->type == ONNX_TYPE(INT8) ? 127 : 255;
    size_t zeros = 0, ends = 0;

    for (size_t i = 0; i < bytes->n; i++) {
        zeros += bytes->integer[i] == 0;
        ends += bytes->integer[i] == low || bytes->integer[i] == high;
    }
    if (zeros * 10 > bytes->n * 9 || ends * 4 > bytes->n)
        fail_msg("%s, %s: of %zu values %zu are 0, %zu saturated", network, name, bytes->n, zeros,
                 ends);
}

static void no_quantised_map_vanishes_or_saturates(void **state)
{
    (void)state;
    for (uint32_t i = 0; zoo_name(i); i++) {
        struct zoo_cfg cfg = small(zoo_name(i), ZOO_QDQ);
        struct evaluated v;
        uint32_t n = 0;
        cfg.rounded_add = i % 2;
        cfg.norm_nodes = i % 2;
        evaluate(&v, zoo_name(i), &cfg);
        for (size_t k = 0; k < v.model->graph->n_node; k++) {
            const Onnx__NodeProto *node = v.model->graph->node[k];
            if (strcmp(node->op_type, "QuantizeLinear") != 0)
                continue;
            assert_alive(value(&v, node->output[0]), zoo_name(i), node->name);
            n++;
        }
        assert_true(n > 10);
        evaluated_release(&v);
    }
}

/* ---- Scales ---- */

static void assert_power_of_two(const Onnx__TensorProto *t)
{
    for (size_t i = 0; i < t->raw_data.len / sizeof(float); i++) {
        float v;
        int exponent;
        memcpy(&v, t->raw_data.data + i * sizeof v, sizeof v);
        assert_true(frexp((double)v, &exponent) == 0.5);
    }
}

static void every_scale_is_a_power_of_two(void **state)
{
    (void)state;
    for (uint32_t i = 0; zoo_name(i); i++) {
        const struct zoo_cfg cfg = small(zoo_name(i), ZOO_QDQ);
        Onnx__ModelProto *model = zoo_make(zoo_name(i), &cfg);
        uint32_t n = 0;
        for (size_t k = 0; k < model->graph->n_initializer; k++) {
            if (!ends_with(model->graph->initializer[k]->name, "_scale"))
                continue;
            assert_power_of_two(model->graph->initializer[k]);
            n++;
        }
        assert_true(n > 10);
        make_free(model);
    }
}

/* The node that makes value `name`. */
static const Onnx__NodeProto *maker(const Onnx__ModelProto *model, const char *name)
{
    for (size_t i = 0; i < model->graph->n_node; i++)
        if (strcmp(model->graph->node[i]->output[0], name) == 0)
            return model->graph->node[i];
    fail_msg("nobody makes %s", name);
    return NULL;
}

static void maps_that_are_joined_have_one_scale_and_type(void **state)
{
    static const char *const names[] = {"densenet121", "squeezenet", "unet",
                                        "unet_transposed"};
    (void)state;

    for (int i = 0; i < 4; i++) {
        const struct zoo_cfg cfg = small(names[i], ZOO_QDQ);
        Onnx__ModelProto *model = zoo_make(names[i], &cfg);
        uint32_t n = 0;
        for (size_t k = 0; k < model->graph->n_node; k++) {
            const Onnx__NodeProto *node = model->graph->node[k];
            if (strcmp(node->op_type, "Concat") != 0)
                continue;
            const Onnx__NodeProto *first = maker(model, node->input[0]);
            for (size_t j = 1; j < node->n_input; j++, n++) {
                const Onnx__NodeProto *other = maker(model, node->input[j]);
                const Onnx__TensorProto *a = find_tensor(model, first->input[1]);
                const Onnx__TensorProto *b = find_tensor(model, other->input[1]);
                assert_memory_equal(a->raw_data.data, b->raw_data.data, sizeof(float));
                assert_int_equal(find_tensor(model, first->input[2])->data_type,
                                 find_tensor(model, other->input[2])->data_type);
            }
        }
        assert_true(n >= 4);
        make_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_as_many_parameters_as_published),
        cmocka_unit_test(the_seed_decides_the_bytes),
        cmocka_unit_test(folding_the_batch_norms_changes_nothing),
        cmocka_unit_test(no_quantised_map_vanishes_or_saturates),
        cmocka_unit_test(every_scale_is_a_power_of_two),
        cmocka_unit_test(maps_that_are_joined_have_one_scale_and_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
