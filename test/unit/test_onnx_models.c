/* The two trained networks in models/: the graph against the built-in family, the integers against
 * the files that their training wrote, the activations of 16 images against those of numpy. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "network/network.h"
#include "onnx/read/read.h"
#include "test/reference.h"
#include "test/shared.h"

static const char *const names[] = {"resnet32_cifar10", "resnet32_fmnist"};

enum { N_MODEL = sizeof names / sizeof *names };

/* "models/resnet32_cifar10.onnx" or "resnet32_cifar10/resnet32_cifar10_int8_params". */
static const char *model_path(char path[256], const char *name)
{
    snprintf(path, 256, "models/%s.onnx", name);
    return path;
}

static const char *shared_stem(char path[256], const char *name, const char *what)
{
    snprintf(path, 256, "%s/%s_%s", name, name, what);
    return path;
}

static struct network load(const char *name)
{
    struct network n;
    struct err_msg m;
    char path[256];

    if (network_load_onnx(&n, model_path(path, name), &m))
        fail_msg("%s", m.text);
    return n;
}

static void assert_same_layer(const struct layer *a, const struct layer *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->n_input, b->n_input);
    for (uint32_t i = 0; i < a->n_input; i++)
        assert_int_equal(a->input[i], b->input[i]);
    assert_int_equal(a->has_residual, b->has_residual);
    assert_int_equal(a->residual, b->residual);
    assert_memory_equal(&a->in, &b->in, sizeof a->in);
    assert_memory_equal(&a->out, &b->out, sizeof a->out);
    assert_memory_equal(&a->window, &b->window, sizeof a->window);
    assert_int_equal(a->groups, b->groups);
    assert_int_equal(a->relu, b->relu);
    assert_int_equal(a->pooled, b->pooled);
    assert_int_equal(a->raw_output, b->raw_output);
    assert_int_equal(a->out_signed, b->out_signed);
}

static void both_are_resnet_32_of_the_family_layer_by_layer(void **state)
{
    static const uint32_t channels[] = {16, 28, 56};
    struct resnet_cifar_cfg cfg = {32, 32, 10, channels, 3};
    struct network family;
    struct err_msg m;
    (void)state;

    assert_int_equal(network_resnet_cifar(&family, &cfg, &m), ERR_NONE);
    for (int k = 0; k < N_MODEL; k++) {
        struct network n = load(names[k]);
        assert_string_equal(n.name, names[k]);
        assert_true(n.has_values);
        assert_int_equal(n.n_layer, family.n_layer);
        for (uint32_t i = 0; i < n.n_layer; i++)
            assert_same_layer(&n.layer[i], &family.layer[i]);
        assert_int_equal(network_weights(&n), 361712);
        assert_int_equal(network_macs(&n), network_macs(&family));
        network_release(&n);
    }
    network_release(&family);
}

static void layers_are_named_as_in_the_file(void **state)
{
    (void)state;
    for (int k = 0; k < N_MODEL; k++) {
        struct network n = load(names[k]);
        char name[16];
        assert_string_equal(n.layer[0].name, "image");
        assert_string_equal(network_result(&n)->name, "fc");
        for (int i = 1; i <= 31; i++) {
            snprintf(name, sizeof name, "L%d", i);
            assert_int_equal(network_find(&n, name), i + (i > 11) + (i > 21)); // RS1, RS2
        }
        assert_int_equal(network_find(&n, "RS1"), 12);
        assert_int_equal(network_find(&n, "RS2"), 23);
        network_release(&n);
    }
}

/* Value `what` of layer `name` in the parameter file. */
static struct blob_array parameter(const struct blob *b, const char *name, const char *what)
{
    char key[64];

    snprintf(key, sizeof key, "%s.%s", name, what);
    return blob_find(b, key);
}

static int64_t number(const struct blob *b, const char *name, const char *what)
{
    struct blob_array a = parameter(b, name, what);
    assert_int_equal(a.n, 1);
    return blob_integer(&a, 0);
}

static void assert_weights(const struct blob *b, const struct layer *l)
{
    struct blob_array w = parameter(b, l->name, "w");

    assert_int_equal(w.n, layer_kernel_rows(l) * l->out.channels);
    for (size_t i = 0; i < w.n; i++)
        assert_int_equal(l->weight[i], blob_integer(&w, i));
}

static void assert_conv(const struct blob *b, const struct layer *l)
{
    struct blob_array m = parameter(b, l->name, "M"), bias = parameter(b, l->name, "B");
    int64_t shift = number(b, l->name, "sh"), ky = number(b, l->name, "ky");

    assert_weights(b, l);
    assert_int_equal(m.n, l->out.channels);
    assert_int_equal(bias.n, l->out.channels);
    for (size_t o = 0; o < m.n; o++) {
        int more = l->requant.shift[o] - (int)shift; // the training has one shift for all
        assert_in_range(more, 0, 30);
        assert_int_equal(l->requant.m[o], blob_integer(&m, o) << more);
        assert_int_equal(l->requant.b[o] + (l->requant.zero * (INT64_C(1) << l->requant.shift[o])),
                         blob_integer(&bias, o) * (INT64_C(1) << more));
        if (l->has_residual)
            assert_int_equal(l->requant.mr[o],
                             INT64_C(1) << (shift + more + ky - number(b, l->name, "kr")));
    }
    assert_int_equal(l->window.stride[0], number(b, l->name, "stride"));
    assert_int_equal(l->requant.low, l->relu ? 0 : -128);
    assert_int_equal(l->requant.high, l->relu ? 255 : 127);
    assert_int_equal(l->in_zero, 0);
}

static void every_weight_scale_and_offset_is_that_of_the_training(void **state)
{
    char stem[256];
    (void)state;

    for (int k = 0; k < N_MODEL; k++) {
        struct blob b;
        if (!blob_open(&b, shared_stem(stem, names[k], "int8_params")))
            skip();
        struct network n = load(names[k]);
        for (uint32_t i = 1; i + 1 < n.n_layer; i++)
            assert_conv(&b, &n.layer[i]);
        const struct layer *fc = network_result(&n), *last = fc - 1;
        struct blob_array bias = blob_find(&b, "fc.b");
        assert_weights(&b, fc);
        for (uint32_t o = 0; o < fc->out.channels; o++)
            assert_int_equal(fc->requant.b[o], blob_integer(&bias, o));
        assert_int_equal(last->pool.m, 1); // rne(sum of 64, 6)
        assert_int_equal(last->pool.b, 0);
        assert_int_equal(last->pool.shift, 6);
        network_release(&n);
        blob_close(&b);
    }
}

/* What the reference file has of image k: array [n][channels][rows][columns], or flat. */
typedef int64_t value_at(const struct reference *r, uint32_t l, uint32_t x, uint32_t y,
                         uint32_t ch);

static void assert_map(const struct reference *r, uint32_t l, struct shape s, value_at *value,
                       const struct blob_array *want, size_t image)
{
    size_t i = image * s.channels * s.height * s.width;

    for (uint32_t ch = 0; ch < s.channels; ch++)
        for (uint32_t x = 0; x < s.height; x++)
            for (uint32_t y = 0; y < s.width; y++, i++)
                if (value(r, l, x, y, ch) != blob_integer(want, i))
                    fail_msg("image %zu, layer %s, pixel (%" PRIu32 ", %" PRIu32 "), channel %"
                             PRIu32 ": %" PRId64 ", want %" PRId64, image,
                             r->network->layer[l].name, x, y, ch, value(r, l, x, y, ch),
                             blob_integer(want, i));
}

static void assert_image(const struct reference *r, const struct blob *b, size_t image)
{
    const struct network *n = r->network;

    for (uint32_t l = 1; l < n->n_layer; l++) {
        const struct layer *layer = &n->layer[l];
        struct blob_array sums = parameter(b, "acc", layer->raw_output ? "L1" : layer->name);
        struct blob_array out = parameter(b, "act", layer->raw_output ? "logits" : layer->name);
        assert_map(r, l, layer->out, reference_map, &out, image);
        if (!layer->raw_output && image * layer->out.channels < sums.n / layer->out.height /
                                                                     layer->out.width)
            assert_map(r, l, layer->out, reference_sum, &sums, image);
        if (layer->pooled) {
            struct blob_array gap = blob_find(b, "act.gap");
            assert_map(r, l, layer_delivers(layer), reference_delivered, &gap, image);
        }
    }
}

/* From [channel][row][column] to [column][row][channel]. */
static void transpose_image(const struct blob_array *in, size_t image, struct shape s, int8_t *out)
{
    size_t i = image * s.channels * s.height * s.width;

    for (uint32_t ch = 0; ch < s.channels; ch++)
        for (uint32_t x = 0; x < s.height; x++)
            for (uint32_t y = 0; y < s.width; y++, i++)
                out[((size_t)y * s.height + x) * s.channels + ch] = (int8_t)blob_integer(in, i);
}

static void every_activation_of_16_images_is_that_of_numpy(void **state)
{
    char stem[256];
    int8_t image[32 * 32 * 3];
    (void)state;

    for (int k = 0; k < N_MODEL; k++) {
        struct blob b;
        if (!blob_open(&b, shared_stem(stem, names[k], "int8_reference16")))
            skip();
        struct network n = load(names[k]);
        struct reference r;
        struct blob_array in = blob_find(&b, "act.in");
        reference_init(&r, &n);
        for (size_t i = 0; i < 16; i++) {
            transpose_image(&in, i, n.layer[0].out, image);
            reference_run(&r, image);
            assert_image(&r, &b, i);
        }
        reference_release(&r);
        network_release(&n);
        blob_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_are_resnet_32_of_the_family_layer_by_layer),
        cmocka_unit_test(layers_are_named_as_in_the_file),
        cmocka_unit_test(every_weight_scale_and_offset_is_that_of_the_training),
        cmocka_unit_test(every_activation_of_16_images_is_that_of_numpy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
