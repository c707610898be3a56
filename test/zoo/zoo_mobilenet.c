/* test/zoo/zoo_mobilenet.c -- MobileNetV2: inverted residuals, depthwise convolutions, ReLU6. */
#include <stdio.h>

#include "test/zoo/zoo_build.h"

#define BEFORE_RELU6 2 // deviation of sums that ReLU6 will cut at three deviations

/* Children `path`.0 to .2: convolution, batch norm, ReLU6. */
static struct zoo_map conv_relu6(struct zoo *z, const struct zoo_map *in, const char *path,
                                 struct zoo_conv c)
{
    struct zoo_name conv = zoo_child(path, "0"), norm = zoo_child(path, "1");

    c.module = conv.s;
    c.norm = norm.s;
    c.sd = BEFORE_RELU6;
    struct zoo_map x = zoo_conv(z, in, &c);
    x = zoo_relu6(z, &x, zoo_child(path, "2").s);
    return zoo_round(z, &x);
}

struct block {
    const char *path; // features.2
    uint32_t    expand, out, stride;
};

static struct zoo_map block(struct zoo *z, const struct zoo_map *in, const struct block *b)
{
    const struct zoo_conv wide = {.out = in->channels * b->expand, .kernel = 1, .stride = 1};
    const struct zoo_conv deep = {.depthwise = true, .kernel = 3, .stride = b->stride, .pad = 1};
    uint32_t k = 0;
    struct zoo_map x = *in;
    struct zoo_name conv = zoo_child(b->path, "conv");
    char child[4];

    if (b->expand > 1) {
        snprintf(child, sizeof child, "%u", k++);
        x = conv_relu6(z, &x, zoo_child(conv.s, child).s, wide);
    }
    snprintf(child, sizeof child, "%u", k++);
    x = conv_relu6(z, &x, zoo_child(conv.s, child).s, deep);
    snprintf(child, sizeof child, "%u", k++);
    struct zoo_name last = zoo_child(conv.s, child);
    snprintf(child, sizeof child, "%u", k);
    struct zoo_name norm = zoo_child(conv.s, child);
    const struct zoo_conv narrow = {.module = last.s, .norm = norm.s, .out = b->out, .kernel = 1,
                                    .stride = 1};
    x = zoo_conv(z, &x, &narrow);
    if (b->stride > 1 || in->channels != b->out)
        return zoo_round(z, &x);
    if (z->cfg.rounded_add)
        x = zoo_round(z, &x);
    x = zoo_add(z, in, &x, b->path);
    return zoo_round(z, &x);
}

void zoo_mobilenet_v2(struct zoo *z)
{
    static const struct {
        uint32_t expand, out, n, stride;
    } stage[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                 {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    const struct zoo_conv stem = {.out = zoo_thin(z, 32), .kernel = 3, .stride = 2, .pad = 1};
    const struct zoo_conv head = {.out = zoo_thin(z, 1280), .kernel = 1, .stride = 1};
    struct zoo_map x = zoo_image(z);
    uint32_t k = 1;
    char path[32];

    x = conv_relu6(z, &x, "features.0", stem);
    for (uint32_t s = 0; s < sizeof stage / sizeof *stage; s++) {
        for (uint32_t i = 0; i < stage[s].n; i++) {
            snprintf(path, sizeof path, "features.%u", k++);
            const struct block b = {path, stage[s].expand, zoo_thin(z, stage[s].out),
                                    i == 0 ? stage[s].stride : 1};
            x = block(z, &x, &b);
        }
    }
    snprintf(path, sizeof path, "features.%u", k);
    x = conv_relu6(z, &x, path, head);
    x = zoo_mean(z, &x, "");
    x = zoo_round(z, &x);
    x = zoo_flatten(z, &x);
    x = zoo_dropout(z, &x, "classifier.0");
    x = zoo_gemm(z, &x, "classifier.1", z->cfg.classes, true);
    zoo_output(z, &x);
}
