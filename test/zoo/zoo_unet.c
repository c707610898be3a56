/* test/zoo/zoo_unet.c -- a U-Net and YOLOv3-tiny: maps that are enlarged and joined with earlier
 * ones, and results that are maps. */
#include <stdio.h>

#include "test/zoo/zoo_build.h"

/* ---- U-Net ---- */

enum { DEPTH = 4, WIDTH = 64, U_CLASSES = 2 };

static struct zoo_map conv_relu(struct zoo *z, const struct zoo_map *in, const char *path,
                                const char *child, struct zoo_conv c)
{
    struct zoo_name module = zoo_child(path, child), relu = zoo_child(module.s, "relu");

    c.module = module.s;
    c.stride = 1;
    struct zoo_map x = zoo_conv(z, in, &c);
    x = zoo_relu(z, &x, relu.s);
    return zoo_round(z, &x);
}

static struct zoo_map twice(struct zoo *z, const struct zoo_map *in, const char *path,
                            uint32_t width)
{
    const struct zoo_conv c = {.out = zoo_thin(z, width), .kernel = 3, .pad = 1};
    struct zoo_map x = conv_relu(z, in, path, "conv1", c);

    return conv_relu(z, &x, path, "conv2", c);
}

/* "An upsampling of the feature map followed by a 2x2 convolution", as published. */
static struct zoo_map enlarged(struct zoo *z, const struct zoo_map *in, const char *path,
                               uint32_t width)
{
    const struct zoo_conv c = {.out = zoo_thin(z, width), .kernel = 2, .pad_more = 1};
    struct zoo_map x = zoo_enlarge(z, in, zoo_child(path, "upsample").s, 2);

    x = zoo_round_again(z, &x);
    return conv_relu(z, &x, path, "up", c);
}

/* The same by one ConvTranspose, as most write it. */
static struct zoo_map transposed(struct zoo *z, const struct zoo_map *in, const char *path,
                                 uint32_t width)
{
    struct zoo_name module = zoo_child(path, "up"), relu = zoo_child(module.s, "relu");
    struct zoo_map x = zoo_conv_transposed(z, in, module.s, zoo_thin(z, width), 2);

    x = zoo_relu(z, &x, relu.s);
    return zoo_round(z, &x);
}

typedef struct zoo_map enlarge(struct zoo *z, const struct zoo_map *in, const char *path,
                               uint32_t width);

/* The map enlarged, and the earlier one. */
static struct zoo_map up(struct zoo *z, const struct zoo_map *in, const struct zoo_map *earlier,
                         const char *path, uint32_t width, enlarge *how)
{
    const struct zoo_map both[] = {*earlier, how(z, in, path, width)};
    struct zoo_map x = zoo_concat(z, both, 2, path);

    x = zoo_round_again(z, &x);
    return twice(z, &x, path, width);
}

static void make(struct zoo *z, enlarge *how)
{
    struct zoo_map x = zoo_image(z), left[DEPTH];
    char path[16];

    for (uint32_t i = 0; i < DEPTH; i++) {
        snprintf(path, sizeof path, "down%u", i + 1);
        left[i] = twice(z, &x, path, (uint32_t)WIDTH << i);
        x = zoo_max_pool(z, &left[i], zoo_child(path, "pool").s,
                         (struct zoo_window){.kernel = 2, .stride = 2});
        x = zoo_round(z, &x);
    }
    x = twice(z, &x, "bottom", WIDTH << DEPTH);
    for (uint32_t i = DEPTH; i-- > 0;) {
        snprintf(path, sizeof path, "up%u", i + 1);
        x = up(z, &x, &left[i], path, (uint32_t)WIDTH << i, how);
    }
    const struct zoo_conv last = {.module = "out", .out = U_CLASSES, .kernel = 1, .stride = 1};
    x = zoo_conv(z, &x, &last);
    x = zoo_round(z, &x);
    zoo_output(z, &x);
}

void zoo_unet(struct zoo *z)
{
    make(z, enlarged);
}

void zoo_unet_transposed(struct zoo *z)
{
    make(z, transposed);
}

/* ---- YOLOv3-tiny ---- */

enum { N_DOWN = 6, HEAD = 255 }; // three boxes with place, certainty and 80 classes

static struct zoo_map conv_leaky(struct zoo *z, const struct zoo_map *in, uint32_t i, uint32_t out,
                                 uint32_t kernel)
{
    struct zoo_name path;

    snprintf(path.s, sizeof path.s, "model.%u", i);
    struct zoo_name conv = zoo_child(path.s, "conv"), norm = zoo_child(path.s, "bn");
    const struct zoo_conv c = {.module = conv.s, .norm = norm.s, .out = zoo_thin(z, out),
                               .kernel = kernel, .stride = 1, .pad = kernel / 2};
    struct zoo_map x = zoo_conv(z, in, &c);
    x = zoo_round(z, &x);
    x = zoo_function(z, &x, zoo_child(path.s, "act").s, ZOO_LEAKY_RELU);
    return zoo_round(z, &x);
}

static void head(struct zoo *z, const struct zoo_map *in, const char *module)
{
    const struct zoo_conv c = {.module = module, .out = zoo_thin(z, HEAD), .kernel = 1,
                               .stride = 1};
    struct zoo_map x = zoo_conv(z, in, &c);

    x = zoo_round(z, &x);
    zoo_output(z, &x);
}

void zoo_yolo_v3_tiny(struct zoo *z)
{
    struct zoo_map x = zoo_image(z), middle = x;

    for (uint32_t i = 0; i < N_DOWN; i++) { // the last pool keeps the map's size
        const struct zoo_window by_two = {.kernel = 2, .stride = 2};
        const struct zoo_window by_one = {.kernel = 2, .stride = 1, .pad_more = 1};
        char pool[16];
        x = conv_leaky(z, &x, 2 * i, 16U << i, 3);
        middle = i == N_DOWN - 2 ? x : middle;
        snprintf(pool, sizeof pool, "model.%u", 2 * i + 1);
        x = zoo_max_pool(z, &x, pool, i + 1 < N_DOWN ? by_two : by_one);
        x = zoo_round(z, &x);
    }
    x = conv_leaky(z, &x, 13, 1024, 3);
    x = conv_leaky(z, &x, 14, 256, 1);
    const struct zoo_map coarse = conv_leaky(z, &x, 15, 512, 3);
    head(z, &coarse, "model.20.m.1");
    x = conv_leaky(z, &x, 16, 128, 1);
    x = zoo_enlarge(z, &x, "model.17", 2);
    const struct zoo_map both[] = {zoo_round_again(z, &x), middle};
    x = zoo_concat(z, both, 2, "model.18");
    x = zoo_round_again(z, &x);
    x = conv_leaky(z, &x, 19, 256, 3);
    head(z, &x, "model.20.m.0");
}
