/* test/zoo/zoo_mobilenet_v3.c -- MobileNetV3-Large and EfficientNet-B0: inverted residuals with
 * squeeze-and-excite, whose gates multiply the map that they were computed from; HardSwish and
 * SiLU. */
#include <stdio.h>

#include "test/zoo/zoo_build.h"

enum activation { RELU, HARD_SWISH, SILU };

/* Children `path`.0 to .2: convolution, batch norm, activation. */
static struct zoo_map conv_active(struct zoo *z, const struct zoo_map *in, const char *path,
                                  struct zoo_conv c, enum activation a)
{
    struct zoo_name conv = zoo_child(path, "0"), norm = zoo_child(path, "1");
    struct zoo_name active = zoo_child(path, "2");

    c.module = conv.s;
    c.norm = norm.s;
    struct zoo_map x = zoo_conv(z, in, &c);
    if (a == RELU) {
        x = zoo_relu(z, &x, active.s);
    } else {
        x = zoo_round(z, &x);
        x = zoo_function(z, &x, active.s, a == SILU ? ZOO_SILU : ZOO_HARD_SWISH);
    }
    return zoo_round(z, &x);
}

struct block {
    const char     *path;
    uint32_t        kernel, wide, out, squeezed, stride; // squeezed: 0 for no squeeze-and-excite
    enum activation active;
};

static struct zoo_map excite(struct zoo *z, const struct zoo_map *in, const struct block *b,
                             const char *path)
{
    const struct zoo_excite e = {.path = path, .names = {"fc1", "activation", "fc2",
                                                         "scale_activation"},
                                 .hidden = b->squeezed, .relu = b->active != SILU,
                                 .gate = b->active == SILU ? ZOO_SIGMOID : ZOO_HARD_SIGMOID};

    return zoo_excite(z, in, &e);
}

static struct zoo_map block(struct zoo *z, const struct zoo_map *in, const struct block *b)
{
    const struct zoo_conv wide = {.out = b->wide, .kernel = 1, .stride = 1};
    const struct zoo_conv deep = {.depthwise = true, .kernel = b->kernel, .stride = b->stride,
                                  .pad = b->kernel / 2};
    struct zoo_name list = zoo_child(b->path, "block"), child;
    struct zoo_map x = *in;
    char number[4] = "0";

    if (b->wide != in->channels) {
        x = conv_active(z, &x, zoo_child(list.s, number).s, wide, b->active);
        number[0]++;
    }
    x = conv_active(z, &x, zoo_child(list.s, number).s, deep, b->active);
    number[0]++;
    if (b->squeezed > 0) {
        x = excite(z, &x, b, zoo_child(list.s, number).s);
        number[0]++;
    }
    child = zoo_child(list.s, number);
    struct zoo_name conv = zoo_child(child.s, "0"), norm = zoo_child(child.s, "1");
    const struct zoo_conv narrow = {.module = conv.s, .norm = norm.s, .out = b->out, .kernel = 1,
                                    .stride = 1};
    x = zoo_conv(z, &x, &narrow);
    if (b->stride > 1 || in->channels != b->out)
        return zoo_round(z, &x);
    if (z->cfg.rounded_add)
        x = zoo_round(z, &x);
    x = zoo_add(z, &x, in, b->path);
    return zoo_round(z, &x);
}

void zoo_mobilenet_v3(struct zoo *z)
{
    static const struct {
        uint32_t        kernel, wide, out, squeezed;
        enum activation active;
        uint32_t        stride;
    } layer[] = {{3, 16, 16, 0, RELU, 1},          {3, 64, 24, 0, RELU, 2},
                 {3, 72, 24, 0, RELU, 1},          {5, 72, 40, 24, RELU, 2},
                 {5, 120, 40, 32, RELU, 1},        {5, 120, 40, 32, RELU, 1},
                 {3, 240, 80, 0, HARD_SWISH, 2},   {3, 200, 80, 0, HARD_SWISH, 1},
                 {3, 184, 80, 0, HARD_SWISH, 1},   {3, 184, 80, 0, HARD_SWISH, 1},
                 {3, 480, 112, 120, HARD_SWISH, 1}, {3, 672, 112, 168, HARD_SWISH, 1},
                 {5, 672, 160, 168, HARD_SWISH, 2}, {5, 960, 160, 240, HARD_SWISH, 1},
                 {5, 960, 160, 240, HARD_SWISH, 1}};
    enum { N = sizeof layer / sizeof *layer };
    const struct zoo_conv stem = {.out = zoo_thin(z, 16), .kernel = 3, .stride = 2, .pad = 1};
    const struct zoo_conv head = {.out = zoo_thin(z, 960), .kernel = 1, .stride = 1};
    struct zoo_map x = zoo_image(z);
    char path[32];

    x = conv_active(z, &x, "features.0", stem, HARD_SWISH);
    for (uint32_t i = 0; i < N; i++) {
        snprintf(path, sizeof path, "features.%u", i + 1);
        const struct block b = {path, layer[i].kernel, zoo_thin(z, layer[i].wide),
                                zoo_thin(z, layer[i].out),
                                layer[i].squeezed ? zoo_thin(z, layer[i].squeezed) : 0,
                                layer[i].stride, layer[i].active};
        x = block(z, &x, &b);
    }
    snprintf(path, sizeof path, "features.%u", (unsigned)N + 1);
    x = conv_active(z, &x, path, head, HARD_SWISH);
    x = zoo_mean(z, &x, "avgpool");
    x = zoo_round(z, &x);
    x = zoo_flatten(z, &x);
    x = zoo_gemm(z, &x, "classifier.0", zoo_thin(z, 1280), false);
    x = zoo_round(z, &x);
    x = zoo_function(z, &x, "classifier.1", ZOO_HARD_SWISH);
    x = zoo_round(z, &x);
    x = zoo_dropout(z, &x, "classifier.2");
    x = zoo_gemm(z, &x, "classifier.3", z->cfg.classes, true);
    zoo_output(z, &x);
}

void zoo_efficientnet_b0(struct zoo *z)
{
    static const struct {
        uint32_t expand, kernel, stride, out, n;
    } stage[] = {{1, 3, 1, 16, 1},  {6, 3, 2, 24, 2},  {6, 5, 2, 40, 2}, {6, 3, 2, 80, 3},
                 {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4}, {6, 3, 1, 320, 1}};
    enum { N = sizeof stage / sizeof *stage };
    const struct zoo_conv stem = {.out = zoo_thin(z, 32), .kernel = 3, .stride = 2, .pad = 1};
    const struct zoo_conv head = {.out = zoo_thin(z, 1280), .kernel = 1, .stride = 1};
    struct zoo_map x = zoo_image(z);
    char path[32];

    x = conv_active(z, &x, "features.0", stem, SILU);
    for (uint32_t s = 0; s < N; s++)
        for (uint32_t i = 0; i < stage[s].n; i++) {
            snprintf(path, sizeof path, "features.%u.%u", s + 1, i);
            const struct block b = {path, stage[s].kernel, x.channels * stage[s].expand,
                                    zoo_thin(z, stage[s].out), (x.channels + 3) / 4,
                                    i == 0 ? stage[s].stride : 1, SILU};
            x = block(z, &x, &b);
        }
    snprintf(path, sizeof path, "features.%u", (unsigned)N + 1);
    x = conv_active(z, &x, path, head, SILU);
    x = zoo_mean(z, &x, "avgpool");
    x = zoo_round(z, &x);
    x = zoo_flatten(z, &x);
    x = zoo_dropout(z, &x, "classifier.0");
    x = zoo_gemm(z, &x, "classifier.1", z->cfg.classes, true);
    zoo_output(z, &x);
}
