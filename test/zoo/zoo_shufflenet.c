/* test/zoo/zoo_shufflenet.c -- ShuffleNetV2: half of the channels pass by, the other half go
 * through convolutions, then both are shuffled. */
#include <stdio.h>

#include "test/zoo/zoo_build.h"

struct branch {
    const char *path;  // stage2.0.branch2
    uint32_t    k;     // children so far
};

/* The next children: convolution, batch norm, ReLU if it has one. */
static struct zoo_map conv(struct zoo *z, const struct zoo_map *in, struct branch *b,
                           struct zoo_conv c, bool relu)
{
    struct zoo_name module[3];

    for (uint32_t i = 0; i < 3; i++) {
        char child[4];
        snprintf(child, sizeof child, "%u", b->k + i);
        module[i] = zoo_child(b->path, child);
    }
    b->k += relu ? 3 : 2;
    c.module = module[0].s;
    c.norm = module[1].s;
    struct zoo_map x = zoo_conv(z, in, &c);
    if (relu)
        x = zoo_relu(z, &x, module[2].s);
    return zoo_round(z, &x);
}

static struct zoo_map block(struct zoo *z, const struct zoo_map *in, const char *path,
                            uint32_t width, uint32_t stride)
{
    const struct zoo_conv point = {.out = width, .kernel = 1, .stride = 1};
    const struct zoo_conv deep = {.depthwise = true, .kernel = 3, .stride = stride, .pad = 1};
    struct zoo_name name[] = {zoo_child(path, "branch1"), zoo_child(path, "branch2")};
    struct branch one = {name[0].s, 0}, two = {name[1].s, 0};
    struct zoo_map half[2] = {*in, *in};

    if (stride == 1) {
        zoo_halves(z, in, path, half);
    } else {
        half[0] = conv(z, in, &one, deep, false);
        half[0] = conv(z, &half[0], &one, point, true);
    }
    half[1] = conv(z, &half[1], &two, point, true);
    half[1] = conv(z, &half[1], &two, deep, false);
    half[1] = conv(z, &half[1], &two, point, true);
    struct zoo_map x = zoo_concat(z, half, 2, path);
    x = zoo_round_again(z, &x);
    return zoo_shuffle(z, &x, path, 2);
}

void zoo_shufflenet_v2(struct zoo *z)
{
    static const struct {
        uint32_t width, n; // of half of the channels
    } stage[] = {{58, 4}, {116, 8}, {232, 4}};
    const struct zoo_conv stem = {.out = zoo_thin(z, 24), .kernel = 3, .stride = 2, .pad = 1};
    const struct zoo_conv head = {.out = zoo_thin(z, 1024), .kernel = 1, .stride = 1};
    struct branch first = {"conv1", 0}, last = {"conv5", 0};
    struct zoo_map x = zoo_image(z);

    x = conv(z, &x, &first, stem, true);
    x = zoo_max_pool(z, &x, "maxpool",
                     (struct zoo_window){.kernel = 3, .stride = 2, .pad = 1});
    x = zoo_round(z, &x);
    for (uint32_t s = 0; s < sizeof stage / sizeof *stage; s++)
        for (uint32_t i = 0; i < stage[s].n; i++) {
            char path[32];
            snprintf(path, sizeof path, "stage%u.%u", s + 2, i);
            x = block(z, &x, path, zoo_thin(z, stage[s].width), i == 0 ? 2 : 1);
        }
    x = conv(z, &x, &last, head, true);
    x = zoo_mean(z, &x, "");
    x = zoo_round(z, &x);
    x = zoo_flatten(z, &x);
    x = zoo_gemm(z, &x, "fc", z->cfg.classes, true);
    zoo_output(z, &x);
}
