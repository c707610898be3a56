/* test/zoo/zoo_densenet.c -- DenseNet-121: each layer reads the maps of all before it in its block,
 * through a batch norm of its own. The maps of a block are int8 of one scale. */
#include <stdio.h>

#include "test/zoo/zoo_build.h"

enum { N_BLOCK = 4, GROWTH = 32, BOTTLENECK = 4, MOST = 25 };

/* The exporter writes the Concat of one map too; nobody would quantise it. */
static struct zoo_map joined(struct zoo *z, const struct zoo_map *map, uint32_t n,
                             const char *module)
{
    if (n == 1 && z->cfg.form == ZOO_QDQ)
        return map[0];
    struct zoo_map x = zoo_concat(z, map, n, module);
    return zoo_round_again(z, &x);
}

static struct zoo_map norm_relu(struct zoo *z, const struct zoo_map *in, const char *norm,
                                const char *relu)
{
    struct zoo_map x = zoo_norm(z, in, norm);

    x = zoo_relu(z, &x, relu);
    return zoo_round(z, &x);
}

static struct zoo_map dense_layer(struct zoo *z, const struct zoo_map *map, uint32_t n,
                                  const char *path)
{
    const uint32_t growth = zoo_thin(z, GROWTH);
    struct zoo_name conv1 = zoo_child(path, "conv1"), norm2 = zoo_child(path, "norm2");
    struct zoo_name conv2 = zoo_child(path, "conv2");
    const struct zoo_conv narrow = {.module = conv1.s, .norm = norm2.s,
                                    .out = growth * BOTTLENECK, .kernel = 1, .stride = 1};
    const struct zoo_conv last = {.module = conv2.s, .out = growth, .kernel = 3, .stride = 1,
                                  .pad = 1, .no_bias = true};
    struct zoo_map x = joined(z, map, n, path);

    x = norm_relu(z, &x, zoo_child(path, "norm1").s, zoo_child(path, "relu1").s);
    x = zoo_conv(z, &x, &narrow);
    x = zoo_relu(z, &x, zoo_child(path, "relu2").s);
    x = zoo_round(z, &x);
    x = zoo_conv(z, &x, &last);
    return zoo_round_signed(z, &x);
}

static struct zoo_map dense_block(struct zoo *z, const struct zoo_map *in, uint32_t layers,
                                  const char *path)
{
    struct zoo_map map[MOST];

    map[0] = *in;
    for (uint32_t i = 1; i <= layers; i++) {
        struct zoo_name layer;
        snprintf(layer.s, sizeof layer.s, "%.70s.denselayer%u", path, i);
        map[i] = dense_layer(z, map, i, layer.s);
    }
    return joined(z, map, layers + 1, path);
}

static struct zoo_map transition(struct zoo *z, const struct zoo_map *in, const char *path)
{
    struct zoo_name conv = zoo_child(path, "conv");
    const struct zoo_conv half = {.module = conv.s, .out = in->channels / 2, .kernel = 1,
                                  .stride = 1, .no_bias = true};
    struct zoo_map x = norm_relu(z, in, zoo_child(path, "norm").s, zoo_child(path, "relu").s);

    x = zoo_conv(z, &x, &half);
    x = zoo_round_signed(z, &x);
    x = zoo_average_pool(z, &x, zoo_child(path, "pool").s,
                         (struct zoo_window){.kernel = 2, .stride = 2});
    return zoo_round_signed(z, &x);
}

void zoo_densenet121(struct zoo *z)
{
    static const uint32_t layers[N_BLOCK] = {6, 12, 24, 16};
    const struct zoo_conv stem = {.module = "features.conv0", .norm = "features.norm0",
                                  .out = zoo_thin(z, 64), .kernel = 7, .stride = 2, .pad = 3};
    struct zoo_map x = zoo_image(z);

    x = zoo_conv(z, &x, &stem);
    x = zoo_relu(z, &x, "features.relu0");
    x = zoo_round_signed(z, &x);
    x = zoo_max_pool(z, &x, "features.pool0",
                     (struct zoo_window){.kernel = 3, .stride = 2, .pad = 1});
    x = zoo_round(z, &x);
    for (uint32_t i = 0; i < N_BLOCK; i++) {
        struct zoo_name path;
        snprintf(path.s, sizeof path.s, "features.denseblock%u", i + 1);
        x = dense_block(z, &x, layers[i], path.s);
        snprintf(path.s, sizeof path.s, "features.transition%u", i + 1);
        if (i + 1 < N_BLOCK)
            x = transition(z, &x, path.s);
    }
    x = norm_relu(z, &x, "features.norm5", "");
    x = zoo_mean(z, &x, "");
    x = zoo_round(z, &x);
    x = zoo_flatten(z, &x);
    x = zoo_gemm(z, &x, "classifier", z->cfg.classes, true);
    zoo_output(z, &x);
}
