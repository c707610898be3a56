/* Networks: the built-in family against the article's Table 2 as corrected in docs/accelerator.md,
 * and what network_check refuses. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "network/network.h"

static const uint32_t article_channels[] = {16, 28, 56};

static struct network family(uint32_t depth, uint32_t size)
{
    struct resnet_cifar_cfg cfg = {depth, size, 10, article_channels, 3};
    struct network n;
    struct err_msg m;

    if (network_resnet_cifar(&n, &cfg, &m))
        fail_msg("%s", m.text);
    return n;
}

static void assert_shape(struct shape s, uint32_t height, uint32_t width, uint32_t channels)
{
    assert_int_equal(s.height, height);
    assert_int_equal(s.width, width);
    assert_int_equal(s.channels, channels);
}

/* Rows of Table 2: layers `first` to `last`, or one by name. */
struct row {
    const char *name;
    uint32_t    in, out, stride, c_in, c_out, kernel, rows;
};

static void assert_row(const struct network *n, const char *name, const struct row *r)
{
    uint32_t i = network_find(n, name);
    assert_true(i < n->n_layer);
    const struct layer *l = &n->layer[i];

    assert_shape(l->in, r->in, r->in, r->c_in);
    assert_shape(l->out, r->out, r->out, r->c_out);
    for (int axis = 0; axis < 2; axis++) {
        assert_int_equal(l->window.kernel[axis], r->kernel);
        assert_int_equal(l->window.stride[axis], r->stride);
    }
    assert_int_equal(layer_kernel_rows(l), r->rows);
}

static void resnet32_is_table_2_of_the_article(void **state)
{
    static const struct {
        uint32_t   first, last;
        struct row row;
    } convs[] = {
        {1, 1, {0, 32, 32, 1, 3, 16, 3, 27}},     {2, 11, {0, 32, 32, 1, 16, 16, 3, 144}},
        {12, 12, {0, 32, 16, 2, 16, 28, 3, 144}}, {13, 21, {0, 16, 16, 1, 28, 28, 3, 252}},
        {22, 22, {0, 16, 8, 2, 28, 56, 3, 252}},  {23, 31, {0, 8, 8, 1, 56, 56, 3, 504}},
    };
    static const struct row others[] = {
        {"rs1", 32, 16, 2, 16, 28, 1, 16},
        {"rs2", 16, 8, 2, 28, 56, 1, 28},
        {"fc", 1, 1, 1, 56, 10, 1, 56},
    };
    struct network n = family(32, 32);
    char name[16];
    (void)state;

    assert_int_equal(n.n_layer, 1 + 31 + 2 + 1);
    for (size_t i = 0; i < sizeof convs / sizeof *convs; i++)
        for (uint32_t k = convs[i].first; k <= convs[i].last; k++) {
            snprintf(name, sizeof name, "conv%" PRIu32, k);
            assert_row(&n, name, &convs[i].row);
        }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_row(&n, others[i].name, &others[i]);
    assert_int_equal(network_weights(&n), 361712); // Joshi et al. 2020: 361,722 with FC biases
    assert_int_equal(network_macs(&n) / 100000, 587);
    network_release(&n);
}

/* Per stage: maps of h x h, c channels, 2 blocks convolutions, the first from c_in channels. */
static void weights_and_macs_have_a_closed_form(void **state)
{
    static const uint32_t depths[] = {8, 14, 20, 32, 44, 56, 110, 1202, 2990};
    static const uint32_t sizes[] = {3, 8, 17, 30, 32, 224};
    (void)state;

    for (size_t d = 0; d < sizeof depths / sizeof *depths; d++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            uint64_t h = sizes[s], blocks = (depths[d] - 2) / 6, c_in = 16;
            uint64_t weights = 9 * 3 * 16, macs = weights * h * h;
            for (int stage = 0; stage < 3; stage++) {
                uint64_t c = article_channels[stage];
                uint64_t w = 9 * c * (c_in + (2 * blocks - 1) * c) + (stage ? c_in * c : 0);
                h = stage ? (h + 1) / 2 : h;
                weights += w;
                macs += w * h * h;
                c_in = c;
            }
            struct network n = family(depths[d], sizes[s]);
            assert_int_equal(network_weights(&n), weights + 560);
            assert_int_equal(network_macs(&n), macs + 560);
            assert_int_equal(n.n_layer, depths[d] + 3);
            assert_string_equal(network_result(&n)->name, "fc");
            network_release(&n);
        }
}

static void residuals_run_around_blocks_and_through_rs_where_the_map_halves(void **state)
{
    struct network n = family(14, 30); // two blocks a stage: 30 -> 15 -> 8
    static const struct {
        const char *layer, *input, *residual; // residual NULL: none
    } want[] = {
        {"conv1", "image", NULL},     {"conv2", "conv1", NULL},  {"conv3", "conv2", "conv1"},
        {"conv4", "conv3", NULL},     {"conv5", "conv4", "conv3"}, {"rs1", "conv5", NULL},
        {"conv6", "conv5", NULL},     {"conv7", "conv6", "rs1"}, {"conv8", "conv7", NULL},
        {"conv9", "conv8", "conv7"},  {"rs2", "conv9", NULL},    {"conv10", "conv9", NULL},
        {"conv11", "conv10", "rs2"},  {"conv12", "conv11", NULL},
        {"conv13", "conv12", "conv11"}, {"fc", "conv13", NULL},
    };
    (void)state;

    assert_int_equal(n.n_layer, 1 + sizeof want / sizeof *want);
    for (uint32_t i = 1; i < n.n_layer; i++) { // the order too: rs before the block's two
        const struct layer *l = &n.layer[i];
        assert_string_equal(l->name, want[i - 1].layer);
        assert_string_equal(n.layer[l->input[0]].name, want[i - 1].input);
        assert_int_equal(l->has_residual, want[i - 1].residual != NULL);
        if (l->has_residual)
            assert_string_equal(n.layer[l->residual].name, want[i - 1].residual);
        assert_int_equal(l->relu, strncmp(l->name, "conv", 4) == 0);
        assert_int_equal(l->pooled, strcmp(l->name, "conv13") == 0);
        assert_int_equal(l->raw_output, strcmp(l->name, "fc") == 0);
    }
    assert_shape(n.layer[network_find(&n, "rs1")].out, 15, 15, 28);
    assert_shape(n.layer[network_find(&n, "conv6")].out, 15, 15, 28);
    assert_shape(n.layer[network_find(&n, "rs2")].out, 8, 8, 56);
    assert_shape(layer_delivers(&n.layer[network_find(&n, "conv13")]), 1, 1, 56);
    network_release(&n);
}

static void any_number_of_stages_and_channels_makes_a_network(void **state)
{
    static const uint32_t channels[13] = {5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct err_msg m;
    (void)state;

    for (uint32_t stages = 1; stages <= 13; stages++) {
        struct resnet_cifar_cfg cfg = {2 + 4 * stages, 4096, 7, channels, stages};
        struct network n;
        assert_int_equal(network_resnet_cifar(&n, &cfg, &m), ERR_NONE);
        assert_int_equal(n.n_layer, 1 + cfg.depth + stages - 1);
        assert_int_equal(n.layer[n.n_layer - 2].out.height, 4096 >> (stages - 1));
        network_release(&n);
    }
}

static void a_wrong_member_of_the_family_is_refused_with_the_range(void **state)
{
    static const uint32_t none[] = {16, 0, 56}, many[] = {16, 28, 65537}, one = 16,
                          wide[] = {65536, 1, 1}, widest = 65536;
    static const struct {
        struct resnet_cifar_cfg cfg;
        const char             *want;
    } cases[] = {
        {{7, 32, 10, article_channels, 3}, "network.depth = 7: want 2 + 6 * blocks, 8 to 65534"},
        {{2, 32, 10, article_channels, 3}, "network.depth = 2: want 2 + 6"},
        {{0, 32, 10, article_channels, 3}, "network.depth = 0: want 2 + 6"},
        {{33, 32, 10, article_channels, 3}, "network.depth = 33: want 2 + 6"},
        {{6000002, 32, 10, article_channels, 3}, "network.depth = 6000002: want 2 + 6"},
        {{4294967294, 32, 10, article_channels, 3}, "network.depth = 4294967294: want"},
        {{32, 2, 10, article_channels, 3}, "network.size = 2: want 3 to 4096"},
        {{32, 4097, 10, article_channels, 3}, "network.size = 4097: want 3 to 4096"},
        {{32, 0, 10, article_channels, 3}, "network.size = 0: want 3 to 4096"},
        {{4, 0, 10, &one, 1}, "network.size = 0: want 1 to 4096"},
        {{32, 32, 0, article_channels, 3}, "network.classes = 0: want 1 to 65536"},
        {{32, 32, 10, none, 3}, "network.channels[1] = 0: want 1 to 65536"},
        {{32, 32, 10, many, 3}, "network.channels[2] = 65537: want 1 to 65536"},
        {{32, 32, 10, article_channels, 0}, "network.channels has 0 stages: want 1 to 13"},
        {{32, 32, 10, article_channels, 14}, "network.channels has 14 stages: want 1 to 13"},
        {{4, 1, 10, &widest, 1}, "layer conv2: 589824 x 65536 weights: want at most 1073741824"},
        {{32, 4096, 10, wide, 3}, "layer conv1: a map of 4096x4096x65536: want"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network n;
        struct err_msg m = {""};
        assert_int_equal(network_resnet_cifar(&n, &cases[i].cfg, &m), ERR_INPUT);
        if (strncmp(m.text, cases[i].want, strlen(cases[i].want)) != 0)
            fail_msg("case %zu: \"%s\", want \"%s...\"", i, m.text, cases[i].want);
        assert_null(n.layer);
        network_release(&n);
    }
}

/* Convolutions of 32, 16 and 8 pixels a side, then 8,192 inputs. */
static void vgg_8_has_the_weights_and_products_of_its_layers(void **state)
{
    static const uint32_t channels[] = {128, 256, 512};
    const struct vgg_cifar_cfg cfg = {8, 32, 10, channels, 3};
    const uint64_t one = 9 * (3 * 128 + 128 * 128), two = 9 * (128 * 256 + 256 * 256);
    const uint64_t three = 9 * (256 * 512 + 512 * 512), full = 8192 * 1024 + 1024 * 10;
    struct network n;
    struct err_msg m;
    (void)state;

    assert_int_equal(network_vgg_cifar(&n, &cfg, &m), ERR_NONE);
    assert_string_equal(n.name, "vgg-cifar-8");
    assert_int_equal(n.n_layer, 1 + 8 + 3);
    assert_int_equal(network_weights(&n), one + two + three + full);
    assert_int_equal(network_macs(&n), 1024 * one + 256 * two + 64 * three + full);
    assert_shape(n.layer[network_find(&n, "pool3")].out, 4, 4, 512);
    assert_int_equal(layer_kernel_rows(&n.layer[network_find(&n, "fc1")]), 8192);
    network_release(&n);
}

static void a_wrong_vgg_is_refused_with_the_range(void **state)
{
    static const uint32_t channels[] = {128, 256, 512}, none[] = {128, 0, 512};
    static const struct {
        struct vgg_cifar_cfg cfg;
        const char          *want;
    } cases[] = {
        {{9, 32, 10, channels, 3}, "network.depth = 9: want 2 + 3 * convolutions, 5 to 65534"},
        {{2, 32, 10, channels, 3}, "network.depth = 2: want 2 + 3"},
        {{8, 7, 10, channels, 3}, "network.size = 7: want 8 to 4096"},
        {{8, 32, 0, channels, 3}, "network.classes = 0: want 1 to 65536"},
        {{8, 32, 10, none, 3}, "network.channels[1] = 0: want 1 to 10922"},
        {{8, 32, 10, channels, 0}, "network.channels has 0 stages: want 1 to 12"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network n;
        struct err_msg m = {""};
        assert_int_equal(network_vgg_cifar(&n, &cases[i].cfg, &m), ERR_INPUT);
        if (strncmp(m.text, cases[i].want, strlen(cases[i].want)) != 0)
            fail_msg("case %zu: \"%s\", want \"%s...\"", i, m.text, cases[i].want);
        assert_null(n.layer);
    }
}

static void find_gives_the_number_of_layers_for_a_name_that_is_not_there(void **state)
{
    struct network n = family(8, 8);
    (void)state;

    assert_int_equal(network_find(&n, "conv1"), 1);
    assert_int_equal(network_find(&n, "conv"), n.n_layer);
    network_release(&n);
}

/* One thing broken in a good network. */
struct damage {
    const char *layer;
    void      (*apply)(struct layer *l);
    const char *want;
};

static void input_of_later(struct layer *l) { l->input[0] = 7; }
static void input_of_itself(struct layer *l) { l->input[0] = 2; }
static void residual_of_later(struct layer *l) { l->residual = 6; }
static void residual_of_other_shape(struct layer *l) { l->residual = 1; }
static void wrong_height(struct layer *l) { l->out.height = 7; }
static void wrong_width(struct layer *l) { l->in.width = 9; }
static void wrong_channels(struct layer *l) { l->in.channels = 15; }
static void no_channels(struct layer *l) { l->out.channels = 0; }
static void no_kernel(struct layer *l) { l->window.kernel[1] = 0; }
static void no_stride(struct layer *l) { l->window.stride[0] = 0; }
static void no_dilation(struct layer *l) { l->window.dilation[0] = 0; }
static void large_kernel(struct layer *l) { l->window.kernel[0] = 11; }
static void large_pad(struct layer *l) { l->window.pad_after[1] = 65537; }
static void large_pad_before(struct layer *l) { l->window.pad_before[0] = 65537; }
static void groups_of_inputs(struct layer *l) { l->groups = 8; }
static void bad_groups(struct layer *l) { l->groups = 3; }
static void no_groups(struct layer *l) { l->groups = 0; }
static void no_input(struct layer *l) { l->n_input = 0; }
static void raw(struct layer *l) { l->raw_output = true; }
static void zero_point(struct layer *l) { l->in_zero = 1; }
static void large_zero(struct layer *l) { l->out_zero = 256; }
static void same_name(struct layer *l) { memcpy(l->name, "conv1", 6); }
static void number(struct layer *l) { memcpy(l->name, "12345", 6); }
static void spaced(struct layer *l) { memcpy(l->name, "a b", 4); }
static void second_image(struct layer *l) { l->kind = LAYER_IMAGE; }
static void gemm(struct layer *l) { l->kind = LAYER_GEMM; }

static void check_names_the_layer_and_what_is_wrong(void **state)
{
    static const struct damage damages[] = {
        {"conv2", input_of_later, "layer conv2: reads layer 7, itself layer 2: want an earlier"},
        {"conv2", input_of_itself, "layer conv2: reads layer 2, itself layer 2"},
        {"conv3", residual_of_later, "layer conv3: adds layer 6"},
        {"conv5", residual_of_other_shape, "layer conv5: adds a map of 8x8x16 from conv1 to its "
                                           "own of 4x4x28"},
        {"conv2", wrong_height, "layer conv2: 7 rows delivered: want 8"},
        {"conv2", wrong_width, "layer conv2: reads maps of 8x9, conv1 delivers 8x8"},
        {"conv2", wrong_channels, "layer conv2: reads 15 channels, its inputs deliver 16"},
        {"conv2", no_channels, "layer conv2: a map of 8x8x0: want"},
        {"conv2", no_kernel, "layer conv2: kernel 0, dilation 1, stride 1 along columns"},
        {"conv2", no_stride, "layer conv2: kernel 3, dilation 1, stride 0 along rows"},
        {"conv2", no_dilation, "layer conv2: kernel 3, dilation 0, stride 1 along rows"},
        {"conv2", large_kernel, "layer conv2: a kernel that reaches over 11 rows of a padded map "
                                "of 10"},
        {"conv2", large_pad, "layer conv2: padding 1 and 65537 along columns: want at most 65536"},
        {"conv2", bad_groups, "layer conv2: 3 groups of 16 inputs and 16 outputs"},
        {"conv2", large_pad_before, "layer conv2: padding 65537 and 1 along rows: want at"},
        {"rs1", groups_of_inputs, "layer rs1: 8 groups of 16 inputs and 28 outputs"},
        {"conv2", no_groups, "layer conv2: 0 groups"},
        {"conv2", no_input, "layer conv2: reads no layer"},
        {"conv2", raw, "layer conv2: delivers 32-bit sums"},
        {"conv2", zero_point, "layer conv2: and its input conv1 differ"},
        {"conv2", large_zero, "layer conv2: zero point 256"},
        {"conv2", same_name, "two layers are called conv1"},
        {"conv2", number, "layer 2 is called \"12345\": want a letter"},
        {"conv2", spaced, "layer 2 is called \"a b\": want a letter"},
        {"conv2", second_image, "layer conv2: is layer 2: want the image"},
        {"image", gemm, "layer image: is layer 0: want the image"},
        {"conv2", gemm, "layer conv2: is fully connected, its kernel of 3x3 does not cover"},
        {"fc", input_of_itself, "layer fc: reads maps of 1x1, conv2 delivers 8x8"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct network n = family(8, 8);
        struct err_msg m = {""};
        assert_int_equal(network_check(&n, &m), ERR_NONE);
        damages[i].apply(&n.layer[network_find(&n, damages[i].layer)]);
        assert_int_equal(network_check(&n, &m), ERR_INPUT);
        if (strncmp(m.text, damages[i].want, strlen(damages[i].want)) != 0)
            fail_msg("\"%s\", want \"%s...\"", m.text, damages[i].want);
        network_release(&n);
    }
}

static void check_wants_every_layer_read_or_a_result(void **state)
{
    struct network n = family(8, 8);
    struct err_msg m;
    (void)state;

    n.layer[3].has_residual = false; // conv3 of a block: conv1 is still read by conv2
    assert_int_equal(network_check(&n, &m), ERR_NONE);
    n.layer[3].input[0] = 1;
    assert_int_equal(network_check(&n, &m), ERR_INPUT);
    assert_string_equal(m.text, "layer conv2: no layer reads it: want it read, or a result of "
                                "the network");
    network_release(&n);
}

static void a_result_is_of_a_layer_that_is_there(void **state)
{
    struct network n = family(8, 8);
    struct network_end end = {.value = strdup("scores"), .layer = n.n_layer};
    struct err_msg m;
    (void)state;

    n.end = calloc(1, sizeof *n.end);
    assert_non_null(n.end);
    n.end[n.n_end++] = end;
    assert_int_equal(network_check(&n, &m), ERR_INPUT);
    assert_string_equal(m.text, "result scores: is delivered by layer 11: want one of 0 to 10");
    n.end[0].layer--;
    assert_int_equal(network_check(&n, &m), ERR_NONE);
    network_release(&n);
}

static void a_network_has_an_image_and_a_layer(void **state)
{
    struct network n = family(8, 8);
    uint32_t n_layer = n.n_layer;
    struct err_msg m;
    (void)state;

    for (n.n_layer = 0; n.n_layer < 2; n.n_layer++)
        assert_int_equal(network_check(&n, &m), ERR_INPUT);
    assert_string_equal(m.text, "1 layers: want the image and at least one that holds weights");
    n.n_layer = n_layer;
    network_release(&n);
}

static void a_depthwise_layer_has_the_weights_of_its_groups_only(void **state)
{
    const struct shape s = {1, 1, 65536};
    uint32_t input = 0;
    char names[2][8] = {"image", "deep"};
    struct layer layer[2] = {{.name = names[0], .out = s, .groups = 1},
                             {.name = names[1], .kind = LAYER_CONV, .input = &input, .n_input = 1,
                              .in = s, .out = s, .groups = 65536,
                              .window = {.kernel = {3, 3}, .stride = {1, 1}, .dilation = {1, 1},
                                         .pad_before = {1, 1}, .pad_after = {1, 1}}}};
    struct network n = {.layer = layer, .n_layer = 2};
    struct err_msg m;
    (void)state;

    assert_int_equal(network_check(&n, &m), ERR_NONE);
    assert_int_equal(layer_kernel_rows(&layer[1]), 9);
    assert_int_equal(network_weights(&n), 9 * 65536);
    layer[1].groups = 1;
    assert_int_equal(network_check(&n, &m), ERR_INPUT); // 9 * 2^32
}

/* Layers of nearly 2^60 multiply-accumulates each: a kernel as large as its map of 2^30 pixels. */
static void multiply_accumulates_are_counted_up_to_63_bits(void **state)
{
    enum { SIDE = 32767, N = 10 };
    static uint32_t input[N];
    static char name[N][8];
    struct layer layer[N];
    struct network n = {.layer = layer};
    struct err_msg m;
    (void)state;

    for (uint32_t i = 0; i < N; i++) {
        const struct shape s = {SIDE, SIDE, 1};
        input[i] = i - 1;
        snprintf(name[i], sizeof name[i], "l%" PRIu32, i);
        layer[i] = (struct layer){.name = name[i], .out = s, .groups = 1};
        if (i == 0)
            continue;
        layer[i].kind = LAYER_CONV;
        layer[i].in = s;
        layer[i].input = &input[i];
        layer[i].n_input = 1;
        layer[i].window = (struct window){.kernel = {SIDE, SIDE}, .stride = {1, 1},
                                          .dilation = {1, 1}, .pad_before = {SIDE / 2, SIDE / 2},
                                          .pad_after = {SIDE / 2, SIDE / 2}};
    }
    const uint64_t each = UINT64_C(1) * SIDE * SIDE * SIDE * SIDE;
    for (n.n_layer = 2; n.n_layer < N; n.n_layer++) {
        assert_int_equal(network_check(&n, &m), ERR_NONE); // 8 * 32767^4 < 2^63
        assert_true(network_macs(&n) == each * (n.n_layer - 1));
    }
    assert_int_equal(network_check(&n, &m), ERR_INPUT);
    assert_memory_equal(m.text, "layer l9: 10375", 15); // 9 * 32767^4 = 1.0375e19
}

/* ---- Values ---- */

/* An image of 3x3 pixels and zero point -128, so that a byte is up to 255 from it; a 1x1 layer of
 * one output; a second one that reads and adds the first, and pools. */
static struct network valued(uint32_t channels)
{
    static const char *const names[] = {"image", "one", "two"};
    struct network n = {.name = strdup("valued"), .layer = calloc(3, sizeof *n.layer),
                        .n_layer = 3, .has_values = true};
    const struct shape one = {3, 3, 1};

    assert_non_null(n.layer);
    for (uint32_t i = 0; i < 3; i++) {
        struct layer *l = &n.layer[i];
        *l = (struct layer){.name = strdup(names[i]), .out = one, .groups = 1, .out_signed = true,
                            .out_zero = i == 0 ? -128 : 0};
        if (i == 0)
            continue;
        l->kind = LAYER_CONV;
        l->input = calloc(1, sizeof *l->input);
        l->weight = calloc(channels, 1);
        l->requant = (struct requant){.m = calloc(1, sizeof *l->requant.m),
                                      .b = calloc(1, sizeof *l->requant.b),
                                      .shift = calloc(1, 1), .high = 127};
        if (i == 2)
            l->requant.mr = calloc(1, sizeof *l->requant.mr);
        assert_true(l->input && l->weight && l->requant.m && l->requant.b);
        l->n_input = 1;
        l->input[0] = i - 1;
        l->in = n.layer[i - 1].out;
        l->in_zero = n.layer[i - 1].out_zero;
        l->window = (struct window){.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    }
    n.layer[0].out.channels = n.layer[1].in.channels = channels;
    n.layer[2].has_residual = true;
    n.layer[2].residual = 1;
    n.layer[2].pooled = true;
    n.layer[2].pool = (struct pool_requant){.m = 1, .high = 127};
    return n;
}

static void accept(const struct network *n)
{
    struct err_msg m;

    if (network_check(n, &m))
        fail_msg("%s", m.text);
}

static void refuse(const struct network *n, const char *want)
{
    struct err_msg m = {"accepted"};

    assert_int_equal(network_check(n, &m), ERR_INPUT);
    if (strncmp(m.text, want, strlen(want)) != 0)
        fail_msg("\"%s\", want \"%s...\"", m.text, want);
}

static void sums_may_just_fill_32_bits(void **state)
{
    enum { C = 65536, MOST = INT32_MAX / 255 }; // sum of |w|
    struct network n = valued(C);
    int8_t *w = malloc(2 * C);
    int32_t left = MOST;
    (void)state;

    /* A map of two pixels and a kernel over both: 2 * 65,536 rows. */
    n.layer[0].out = n.layer[1].in = (struct shape){2, 1, C};
    n.layer[1].window.kernel[0] = 2;
    n.layer[1].out = n.layer[2].in = n.layer[2].out = (struct shape){1, 1, 1};
    assert_non_null(w);
    free(n.layer[1].weight);
    n.layer[1].weight = w;
    for (int i = 0; i < 2 * C; i++) {
        int8_t v = (int8_t)(left < 120 ? left : 120);
        w[i] = (int8_t)(i % 2 ? v : -v);
        left -= v;
    }
    assert_int_equal(left, 0);
    accept(&n);
    assert_int_equal(w[2 * C - 1], 0);
    w[2 * C - 1] = 1;
    refuse(&n, "layer one: output 0 may reach a sum of 2147483775: want 32 bits");
    network_release(&n);
}

static void a_raw_result_keeps_its_bias_within_32_bits(void **state)
{
    struct network n = valued(1);
    (void)state;

    n.layer[2] = (struct layer){.name = n.layer[2].name, .kind = LAYER_CONV,
                                .input = n.layer[2].input, .n_input = 1, .in = n.layer[2].in,
                                .out = n.layer[2].out, .window = n.layer[2].window, .groups = 1,
                                .raw_output = true, .weight = n.layer[2].weight,
                                .requant = {.m = n.layer[2].requant.m, .b = n.layer[2].requant.b,
                                            .mr = n.layer[2].requant.mr,
                                            .shift = n.layer[2].requant.shift}};
    n.layer[2].weight[0] = -2; // of a byte up to 128 from 0
    n.layer[2].requant.b[0] = INT32_MAX - 256;
    accept(&n);
    n.layer[2].requant.b[0]++;
    refuse(&n, "layer two: output 0 may reach a sum of 256: want 32 bits");
    n.layer[2].requant.b[0] = INT64_MIN;
    refuse(&n, "layer two: output 0 may reach a sum of 256: want 32 bits");
    network_release(&n);
}

static void scaled_sums_stay_below_2_to_the_61(void **state)
{
    const int64_t limit = INT64_C(1) << 61;
    struct network n = valued(1);
    struct requant *one = &n.layer[1].requant, *two = &n.layer[2].requant;
    (void)state;

    n.layer[1].weight[0] = -3;
    one->m[0] = 65535;
    one->b[0] = -(limit - 1 - 3 * 255 * 65535);
    accept(&n);
    one->b[0]--;
    refuse(&n, "layer one: output 0 may overflow 64 bits before rounding");
    one->b[0] = 0;
    two->b[0] = limit - 1 - 128 * 1000; // the residual is up to 128 from its zero point
    two->mr[0] = -1000;
    accept(&n);
    two->b[0]++;
    refuse(&n, "layer two: output 0 may overflow 64 bits");
    two->b[0] = INT64_MIN;
    refuse(&n, "layer two: output 0 may overflow 64 bits");
    two->b[0] = 0;
    two->mr[0] = INT64_MIN;
    refuse(&n, "layer two: output 0 may overflow 64 bits");
    network_release(&n);
}

static void shifts_clamps_and_zero_points_are_checked(void **state)
{
    struct network n = valued(1);
    struct layer *one = &n.layer[1], *two = &n.layer[2];
    (void)state;

    one->requant.shift[0] = two->pool.shift = 62;
    accept(&n);
    one->requant.shift[0] = 63;
    refuse(&n, "layer one: shifts output 0 by 63");
    one->requant.shift[0] = 0;
    two->pool.shift = 63;
    refuse(&n, "layer two: pooling shifts by 63");
    two->pool.shift = 0;
    one->requant.low = -129;
    refuse(&n, "layer one: clamps to -129..127 around 0");
    one->requant.low = 0;
    one->requant.high = 128;
    refuse(&n, "layer one: clamps to 0..128");
    one->requant.high = -1;
    refuse(&n, "layer one: clamps to 0..-1");
    one->requant.high = 127;
    two->pool.high = 128;
    refuse(&n, "layer two: pooling shifts by 0 and clamps to 0..128");
    two->pool.high = 127;
    two->pool.b = INT64_C(1) << 61;
    refuse(&n, "layer two: pooling shifts");
    two->pool.b = 0;
    two->requant.r_zero = 1;
    refuse(&n, "layer two: takes the zero point of its residual for 1: want 0");
    two->requant.r_zero = 0;
    accept(&n);
    free(one->weight);
    one->weight = NULL;
    refuse(&n, "layer one: has no weights or scales");
    network_release(&n);
}

static void pooled_sums_keep_within_32_bits(void **state)
{
    struct network n = valued(1);
    (void)state;

    for (uint32_t width = 4095; width <= 4096; width++) { // 4096 * 4096 * 128 = 2^31
        for (int i = 0; i < 3; i++)
            n.layer[i].in = n.layer[i].out = (struct shape){4096, width, 1};
        if (width == 4095)
            accept(&n);
        else
            refuse(&n, "layer two: pools 4096x4096 values, sums up to 2147483648: want 32 bits");
    }
    network_release(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resnet32_is_table_2_of_the_article),
        cmocka_unit_test(weights_and_macs_have_a_closed_form),
        cmocka_unit_test(residuals_run_around_blocks_and_through_rs_where_the_map_halves),
        cmocka_unit_test(any_number_of_stages_and_channels_makes_a_network),
        cmocka_unit_test(a_wrong_member_of_the_family_is_refused_with_the_range),
        cmocka_unit_test(vgg_8_has_the_weights_and_products_of_its_layers),
        cmocka_unit_test(a_wrong_vgg_is_refused_with_the_range),
        cmocka_unit_test(find_gives_the_number_of_layers_for_a_name_that_is_not_there),
        cmocka_unit_test(check_names_the_layer_and_what_is_wrong),
        cmocka_unit_test(check_wants_every_layer_read_or_a_result),
        cmocka_unit_test(a_result_is_of_a_layer_that_is_there),
        cmocka_unit_test(a_network_has_an_image_and_a_layer),
        cmocka_unit_test(a_depthwise_layer_has_the_weights_of_its_groups_only),
        cmocka_unit_test(multiply_accumulates_are_counted_up_to_63_bits),
        cmocka_unit_test(sums_may_just_fill_32_bits),
        cmocka_unit_test(a_raw_result_keeps_its_bias_within_32_bits),
        cmocka_unit_test(scaled_sums_stay_below_2_to_the_61),
        cmocka_unit_test(shifts_clamps_and_zero_points_are_checked),
        cmocka_unit_test(pooled_sums_keep_within_32_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
