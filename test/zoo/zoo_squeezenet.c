/* test/zoo/zoo_squeezenet.c -- SqueezeNet 1.1: two convolutions side by side on one map, joined;
 * pooling whose last window may reach beyond the map; a convolution makes the classes. */
#include <stdio.h>
#include <string.h>

#include "test/zoo/zoo_build.h"

static struct zoo_map conv_relu(struct zoo *z, const struct zoo_map *in, const char *module,
                                const char *relu, struct zoo_conv c)
{
    c.module = module;
    c.stride = c.stride ? c.stride : 1;
    struct zoo_map x = zoo_conv(z, in, &c);
    x = zoo_relu(z, &x, relu);
    return zoo_round(z, &x);
}

/* Child `name` of a fire module. */
static struct zoo_map part(struct zoo *z, const struct zoo_map *in, const char *path,
                           const char *name, struct zoo_conv c)
{
    struct zoo_name conv = zoo_child(path, name), relu = conv;

    strcat(relu.s, "_activation");
    c.out = zoo_thin(z, c.out);
    return conv_relu(z, in, conv.s, relu.s, c);
}

static struct zoo_map fire(struct zoo *z, const struct zoo_map *in, const char *path,
                           uint32_t squeeze, uint32_t expand)
{
    const struct zoo_conv narrow = {.out = squeeze, .kernel = 1};
    const struct zoo_conv small = {.out = expand, .kernel = 1};
    const struct zoo_conv large = {.out = expand, .kernel = 3, .pad = 1};
    struct zoo_map x = part(z, in, path, "squeeze", narrow);
    const struct zoo_map both[] = {part(z, &x, path, "expand1x1", small),
                                   part(z, &x, path, "expand3x3", large)};

    x = zoo_concat(z, both, 2, path);
    return zoo_round_again(z, &x);
}

void zoo_squeezenet(struct zoo *z)
{
    static const struct {
        uint32_t squeeze, expand;
    } layer[] = {{0, 0},    {16, 64},  {16, 64},  {0, 0},    {32, 128},
                 {32, 128}, {0, 0},    {48, 192}, {48, 192}, {64, 256}, {64, 256}};
    const struct zoo_conv stem = {.out = zoo_thin(z, 64), .kernel = 3, .stride = 2};
    const struct zoo_conv head = {.out = z->cfg.classes, .kernel = 1};
    struct zoo_map x = zoo_image(z);
    char path[32];

    x = conv_relu(z, &x, "features.0", "features.1", stem);
    for (uint32_t i = 0; i < sizeof layer / sizeof *layer; i++) {
        snprintf(path, sizeof path, "features.%u", i + 2);
        if (layer[i].squeeze > 0) {
            x = fire(z, &x, path, layer[i].squeeze, layer[i].expand);
        } else {
            x = zoo_max_pool(z, &x, path,
                             (struct zoo_window){.kernel = 3, .stride = 2, .ceil = true});
            x = zoo_round(z, &x);
        }
    }
    x = zoo_dropout(z, &x, "classifier.0");
    x = conv_relu(z, &x, "classifier.1", "classifier.2", head);
    x = zoo_mean(z, &x, "classifier.3");
    x = zoo_round(z, &x);
    x = zoo_flatten(z, &x);
    zoo_output(z, &x);
}
