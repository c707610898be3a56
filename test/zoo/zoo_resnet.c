/* test/zoo/zoo_resnet.c -- ResNet-18 and -34 of basic blocks, ResNet-50 of bottlenecks, whose 3x3
 * convolution has the stride (torchvision's "v1.5"). */
#include <stdio.h>

#include "test/zoo/zoo_build.h"

enum { N_STAGE = 4, EXPANSION = 4 };

struct block {
    const char *path; // layer1.0
    uint32_t    width, stride;
    bool        bottleneck;
};

static struct zoo_name of(const struct block *b, const char *child)
{
    return zoo_child(b->path, child);
}

/* Convolution `name` of the block with its batch norm. */
static struct zoo_map conv(struct zoo *z, const struct zoo_map *in, const struct block *b,
                           const char *name, const char *norm, struct zoo_conv c)
{
    struct zoo_name module = of(b, name), bn = of(b, norm);

    c.module = module.s;
    c.norm = bn.s;
    return zoo_conv(z, in, &c);
}

static struct zoo_map relu(struct zoo *z, const struct zoo_map *in, const struct block *b,
                           const char *name)
{
    struct zoo_map y = zoo_relu(z, in, of(b, name).s);

    return zoo_round(z, &y);
}

/* All but the last addition and ReLU; the result is not rounded. */
static struct zoo_map main_path(struct zoo *z, const struct zoo_map *in, const struct block *b)
{
    const struct zoo_conv first = {.out = b->width, .kernel = 3, .stride = b->stride, .pad = 1};
    const struct zoo_conv second = {.out = b->width, .kernel = 3, .stride = 1, .pad = 1};
    const struct zoo_conv narrow = {.out = b->width, .kernel = 1, .stride = 1};
    const struct zoo_conv wide = {.out = b->width * EXPANSION, .kernel = 1, .stride = 1};
    struct zoo_map x = conv(z, in, b, "conv1", "bn1", b->bottleneck ? narrow : first);

    x = relu(z, &x, b, "relu");
    x = conv(z, &x, b, "conv2", "bn2", b->bottleneck ? first : second);
    if (!b->bottleneck)
        return x;
    x = relu(z, &x, b, "relu_1");
    return conv(z, &x, b, "conv3", "bn3", wide);
}

static struct zoo_map block(struct zoo *z, const struct zoo_map *in, const struct block *b)
{
    struct zoo_map x = main_path(z, in, b), shortcut = *in;

    if (z->cfg.rounded_add)
        x = zoo_round(z, &x);
    if (b->stride > 1 || in->channels != x.channels) {
        const struct zoo_conv down = {.out = x.channels, .kernel = 1, .stride = b->stride};
        shortcut = conv(z, in, b, "downsample.0", "downsample.1", down);
        shortcut = zoo_round(z, &shortcut);
    }
    x = zoo_add(z, &x, &shortcut, b->path);
    return relu(z, &x, b, b->bottleneck ? "relu_2" : "relu_1");
}

static void resnet(struct zoo *z, uint32_t depth)
{
    static const uint32_t of_18[N_STAGE] = {2, 2, 2, 2}, of_34[N_STAGE] = {3, 4, 6, 3};
    const uint32_t *blocks = depth == 18 ? of_18 : of_34;
    const struct zoo_conv stem = {.module = "conv1", .norm = "bn1", .out = zoo_thin(z, 64),
                                  .kernel = 7, .stride = 2, .pad = 3};
    struct zoo_map x = zoo_image(z);

    x = zoo_conv(z, &x, &stem);
    x = zoo_relu(z, &x, "relu");
    x = zoo_round(z, &x);
    x = zoo_max_pool(z, &x, "maxpool", (struct zoo_window){.kernel = 3, .stride = 2, .pad = 1});
    x = zoo_round(z, &x);
    for (uint32_t s = 0; s < N_STAGE; s++) {
        for (uint32_t i = 0; i < blocks[s]; i++) {
            struct zoo_name path;
            snprintf(path.s, sizeof path.s, "layer%u.%u", s + 1, i);
            const struct block b = {path.s, zoo_thin(z, 64U << s), s > 0 && i == 0 ? 2 : 1,
                                    depth == 50};
            x = block(z, &x, &b);
        }
    }
    x = zoo_mean(z, &x, "avgpool");
    x = zoo_round(z, &x);
    x = zoo_flatten(z, &x);
    x = zoo_gemm(z, &x, "fc", z->cfg.classes, true);
    zoo_output(z, &x);
}

void zoo_resnet18(struct zoo *z) { resnet(z, 18); }
void zoo_resnet34(struct zoo *z) { resnet(z, 34); }
void zoo_resnet50(struct zoo *z) { resnet(z, 50); }
