/* test/zoo/zoo.c -- the table of the networks; see zoo.h. */
#include "test/zoo/zoo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "test/zoo/zoo_build.h"

const char *const zoo_names[] = {"resnet18",     "resnet34",    "resnet50",   "vgg16",
                                 "mobilenet_v2", "densenet121", "squeezenet", NULL};

struct zoo_cfg zoo_defaults(void)
{
    return (struct zoo_cfg){ZOO_FLOAT, .size = 224, .classes = 1000, .thin = 1, .opset = 13,
                            .seed = 1};
}

/* A shape as make_model() gives its input one. */
static Onnx__TypeProto *type_of_output(uint32_t classes)
{
    Onnx__ModelProto *other = make_model(classes, 1, 1);
    Onnx__TypeProto *type = other->graph->input[0]->type;
    Onnx__TensorShapeProto *shape = type->tensor_type->shape;

    other->graph->input[0]->type = NULL;
    make_free(other);
    while (shape->n_dim > 2)
        protobuf_c_message_free_unpacked(&shape->dim[--shape->n_dim]->base, NULL);
    return type;
}

static bool make(struct zoo *z, const char *name)
{
    if (strcmp(name, "resnet18") == 0)
        zoo_resnet(z, 18);
    else if (strcmp(name, "resnet34") == 0)
        zoo_resnet(z, 34);
    else if (strcmp(name, "resnet50") == 0)
        zoo_resnet(z, 50);
    else if (strcmp(name, "vgg16") == 0)
        zoo_vgg16(z);
    else if (strcmp(name, "mobilenet_v2") == 0)
        zoo_mobilenet_v2(z);
    else if (strcmp(name, "densenet121") == 0)
        zoo_densenet121(z);
    else if (strcmp(name, "squeezenet") == 0)
        zoo_squeezenet(z);
    else
        return false;
    return true;
}

Onnx__ModelProto *zoo_make(const char *name, const struct zoo_cfg *cfg)
{
    struct zoo z = {.cfg = *cfg, .model = make_model(3, cfg->size, cfg->size)};
    Onnx__GraphProto *graph = z.model->graph;

    assert(cfg->size >= 32 && cfg->thin >= 1 && cfg->opset >= 7 && cfg->opset <= 20);
    assert(cfg->form != ZOO_QDQ || cfg->opset >= 13);
    z.model->opset_import[0]->version = cfg->opset;
    z.model->ir_version = cfg->opset > 18 ? 9 : cfg->opset > 13 ? 8 : 7;
    z.model->opset_import[0]->domain = strdup("");
    z.model->producer_name = strdup("pytorch");
    make_rename(&graph->name, "main_graph");
    make_rename(&graph->input[0]->name, "input");
    make_rename(&graph->output[0]->name, "output");
    graph->output[0]->type = type_of_output(cfg->classes);
    if (make(&z, name))
        return z.model;
    make_free(z.model);
    return NULL;
}
