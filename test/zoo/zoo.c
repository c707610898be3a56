/* test/zoo/zoo.c -- the table of the networks; see zoo.h. */
#include "test/zoo/zoo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "test/zoo/zoo_build.h"

static const struct {
    const char *name;
    void      (*make)(struct zoo *z);
    uint32_t    least, step; // rows and columns that it takes: least + any number of steps, or of
                             // step 0 that alone
} networks[] = {
    {"resnet18", zoo_resnet18, 32, 1},
    {"resnet34", zoo_resnet34, 32, 1},
    {"resnet50", zoo_resnet50, 32, 1},
    {"vgg16", zoo_vgg16, 32, 1},
    {"vgg8", zoo_vgg8, 32, 0},
    {"mobilenet_v2", zoo_mobilenet_v2, 32, 1},
    {"densenet121", zoo_densenet121, 32, 1},
    {"squeezenet", zoo_squeezenet, 32, 1},
    {"alexnet", zoo_alexnet, 63, 1},
    {"mobilenet_v3", zoo_mobilenet_v3, 32, 1},
    {"efficientnet_b0", zoo_efficientnet_b0, 32, 1},
    {"shufflenet_v2", zoo_shufflenet_v2, 32, 1},
    {"unet", zoo_unet, 32, 16},
    {"unet_transposed", zoo_unet_transposed, 32, 16},
    {"yolo_v3_tiny", zoo_yolo_v3_tiny, 32, 32},
};

enum { N_NETWORK = sizeof networks / sizeof *networks };

/* UINT32_MAX when there is no network of this name. */
static uint32_t find(const char *name)
{
    for (uint32_t i = 0; i < N_NETWORK; i++)
        if (strcmp(networks[i].name, name) == 0)
            return i;
    return UINT32_MAX;
}

const char *zoo_name(uint32_t i)
{
    return i < N_NETWORK ? networks[i].name : NULL;
}

uint32_t zoo_size(const char *name, uint32_t size)
{
    uint32_t i = find(name);

    if (i == UINT32_MAX)
        return size;
    uint32_t least = networks[i].least, step = networks[i].step;
    return size < least || step == 0 ? least : size - (size - least) % step;
}

struct zoo_cfg zoo_defaults(void)
{
    return (struct zoo_cfg){ZOO_FLOAT, .size = 224, .classes = 1000, .thin = 1, .opset = 13,
                            .seed = 1};
}

Onnx__ModelProto *zoo_make(const char *name, const struct zoo_cfg *cfg)
{
    uint32_t i = find(name);

    if (i == UINT32_MAX)
        return NULL;
    assert(cfg->size == zoo_size(name, cfg->size) && cfg->thin >= 1);
    assert(cfg->opset >= 7 && cfg->opset <= 20 && (cfg->form != ZOO_QDQ || cfg->opset >= 13));
    struct zoo z = {.cfg = *cfg, .model = make_model(3, cfg->size, cfg->size)};
    Onnx__GraphProto *graph = z.model->graph;
    z.model->opset_import[0]->version = cfg->opset;
    z.model->ir_version = cfg->opset > 18 ? 9 : cfg->opset > 13 ? 8 : 7;
    z.model->opset_import[0]->domain = strdup("");
    z.model->producer_name = strdup("pytorch");
    make_rename(&graph->name, "main_graph");
    make_rename(&graph->input[0]->name, "input");
    make_rename(&graph->output[0]->name, "output");
    networks[i].make(&z);
    return z.model;
}
