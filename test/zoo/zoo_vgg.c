/* test/zoo/zoo_vgg.c -- VGG-16 without batch norms, whose 7 x 7 pooling is left out where the map
 * is no multiple of that; VGG-8. */
#include <stdio.h>

#include "test/zoo/zoo_build.h"

enum { POOL = 0, LAST = 7 };

static struct zoo_map features(struct zoo *z, const uint32_t *out, uint32_t n)
{
    struct zoo_map x = zoo_image(z);
    char module[32];

    for (uint32_t i = 0, k = 0; i < n; i++) {
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

static struct zoo_map hidden(struct zoo *z, const struct zoo_map *x, const char *gemm,
                             uint32_t out, const char *relu)
{
    struct zoo_map y = zoo_gemm(z, x, gemm, zoo_thin(z, out), false);

    y = zoo_relu(z, &y, relu);
    return zoo_round(z, &y);
}

void zoo_vgg16(struct zoo *z)
{
    static const uint32_t out[] = {64,  64,  POOL, 128, 128, POOL, 256, 256, 256,
                                   POOL, 512, 512, 512, POOL, 512, 512, 512, POOL};
    struct zoo_map x = features(z, out, sizeof out / sizeof *out);
    uint32_t pool = x.size / LAST;

    // a window of one pixel is what the exporter leaves; nobody would round behind it
    if (x.size % LAST == 0 && (pool > 1 || z->cfg.form != ZOO_QDQ)) {
        x = zoo_average_pool(z, &x, "avgpool", (struct zoo_window){.kernel = pool, .stride = pool});
        x = zoo_round(z, &x);
    }
    x = zoo_flatten(z, &x);
    x = hidden(z, &x, "classifier.0", 4096, "classifier.1");
    x = zoo_dropout(z, &x, "classifier.2");
    x = hidden(z, &x, "classifier.3", 4096, "classifier.4");
    x = zoo_dropout(z, &x, "classifier.5");
    x = zoo_gemm(z, &x, "classifier.6", z->cfg.classes, true);
    zoo_output(z, &x);
}

void zoo_vgg8(struct zoo *z)
{
    static const uint32_t out[] = {128, 128, POOL, 256, 256, POOL, 512, 512, POOL};
    struct zoo_map x = features(z, out, sizeof out / sizeof *out);

    x = zoo_flatten(z, &x);
    x = hidden(z, &x, "classifier.0", 1024, "classifier.1");
    x = zoo_gemm(z, &x, "classifier.2", z->cfg.classes, true);
    zoo_output(z, &x);
}
