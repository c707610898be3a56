/* test/zoo/zoo_vgg.c -- VGG-16 without batch norms. Its 7 x 7 pooling is left out where the map is
 * no multiple of that. */
#include <stdio.h>

#include "test/zoo/zoo_build.h"

enum { POOL = 0, LAST = 7 };

static struct zoo_map features(struct zoo *z)
{
    static const uint32_t out[] = {64,  64,  POOL, 128, 128, POOL, 256, 256, 256,
                                   POOL, 512, 512, 512, POOL, 512, 512, 512, POOL};
    struct zoo_map x = zoo_image(z);
    char module[32];

    for (uint32_t i = 0, k = 0; i < sizeof out / sizeof *out; i++) {
        snprintf(module, sizeof module, "features.%u", k++);
        if (out[i] == POOL) {
            x = zoo_max_pool(z, &x, module, (struct zoo_window){.kernel = 2, .stride = 2});
        } else {
            const struct zoo_conv c = {.module = module, .out = zoo_thin(z, out[i]), .kernel = 3,
                                       .stride = 1, .pad = 1};
            x = zoo_conv(z, &x, &c);
            snprintf(module, sizeof module, "features.%u", k++);
            x = zoo_relu(z, &x, module);
        }
        x = zoo_round(z, &x);
    }
    return x;
}

void zoo_vgg16(struct zoo *z)
{
    struct zoo_map x = features(z);
    uint32_t pool = x.size / LAST;

    // a window of one pixel is what the exporter leaves; nobody would round behind it
    if (x.size % LAST == 0 && (pool > 1 || z->cfg.form != ZOO_QDQ)) {
        x = zoo_average_pool(z, &x, "avgpool", (struct zoo_window){.kernel = pool, .stride = pool});
        x = zoo_round(z, &x);
    }
    x = zoo_flatten(z, &x);
    x = zoo_gemm(z, &x, "classifier.0", zoo_thin(z, 4096), false);
    x = zoo_relu(z, &x, "classifier.1");
    x = zoo_round(z, &x);
    x = zoo_dropout(z, &x, "classifier.2");
    x = zoo_gemm(z, &x, "classifier.3", zoo_thin(z, 4096), false);
    x = zoo_relu(z, &x, "classifier.4");
    x = zoo_round(z, &x);
    x = zoo_dropout(z, &x, "classifier.5");
    x = zoo_gemm(z, &x, "classifier.6", z->cfg.classes, true);
    zoo_output(z, &x);
}
