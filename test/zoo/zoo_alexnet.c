/* test/zoo/zoo_alexnet.c -- AlexNet: large kernels and strides, pooling of windows that overlap. */
#include <stdio.h>

#include "test/zoo/zoo_build.h"

enum { N_CONV = 5, HIDDEN = 4096 };

static struct zoo_map linear_relu(struct zoo *z, const struct zoo_map *in, uint32_t k)
{
    char dropout[16], linear[16], relu[16];

    snprintf(dropout, sizeof dropout, "classifier.%u", k);
    snprintf(linear, sizeof linear, "classifier.%u", k + 1);
    snprintf(relu, sizeof relu, "classifier.%u", k + 2);
    struct zoo_map x = zoo_dropout(z, in, dropout);
    x = zoo_gemm(z, &x, linear, zoo_thin(z, HIDDEN), false);
    x = zoo_relu(z, &x, relu);
    return zoo_round(z, &x);
}

void zoo_alexnet(struct zoo *z)
{
    static const struct {
        uint32_t out, kernel, stride, pad;
        bool     pooled;
    } conv[N_CONV] = {{64, 11, 4, 2, true}, {192, 5, 1, 2, true}, {384, 3, 1, 1, false},
                      {256, 3, 1, 1, false}, {256, 3, 1, 1, true}};
    struct zoo_map x = zoo_image(z);
    uint32_t k = 0;
    char module[16];

    for (uint32_t i = 0; i < N_CONV; i++) {
        snprintf(module, sizeof module, "features.%u", k++);
        const struct zoo_conv c = {.module = module, .out = zoo_thin(z, conv[i].out),
                                   .kernel = conv[i].kernel, .stride = conv[i].stride,
                                   .pad = conv[i].pad};
        x = zoo_conv(z, &x, &c);
        snprintf(module, sizeof module, "features.%u", k++);
        x = zoo_relu(z, &x, module);
        x = zoo_round(z, &x);
        if (!conv[i].pooled)
            continue;
        snprintf(module, sizeof module, "features.%u", k++);
        x = zoo_max_pool(z, &x, module, (struct zoo_window){.kernel = 3, .stride = 2});
        x = zoo_round(z, &x);
    }
    x = zoo_flatten(z, &x); // at 224 pixels avgpool has windows of one pixel
    x = linear_relu(z, &x, 0);
    x = linear_relu(z, &x, 3);
    x = zoo_gemm(z, &x, "classifier.6", z->cfg.classes, true);
    zoo_output(z, &x);
}
