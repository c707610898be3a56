/* import/network.c -- a float model as a network without values; see import.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "import/import.h"
#include "onnx/read/read.h"

enum { PIXEL_ZERO = 128 };

static enum err black_image(const struct onnx_graph *g, struct array *image, struct err_msg *m)
{
    struct onnx_image s;
    enum err e = onnx_graph_image(g, &s, m);
    uint64_t n = 1;

    for (uint32_t i = 0; i < s.n_dim && n <= INT32_MAX && !e; i++)
        n *= s.dim[i];
    if (!e && n > INT32_MAX)
        e = err_set(m, ERR_INPUT, "an image of 2^31 values or more: want a smaller one");
    if (!e && !array_init(image, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, s.n_dim, s.dim))
        e = err_set(m, ERR_MEMORY, "no memory for an image");
    return e;
}

/* The model as import would write it, its scales made of nothing. */
static enum err quantise(struct float_graph *g, const char *name, uint8_t **data, size_t *size,
                         struct err_msg *m)
{
    const struct import_cfg cfg = {.mean = PIXEL_ZERO, .scale = 1.0 / 64, .percentile = 100,
                                   .per_channel = true};
    struct float_run sample = {0};
    struct array image = {0};
    struct import im = {0};
    enum err e = black_image(&g->graph, &image, m);

    if (!e)
        e = float_graph_fold(g, &image, m);
    if (!e)
        e = float_run_init(&sample, g, m);
    if (!e) {
        float_run_set(&sample, g->graph.image, &image);
        e = float_run_all(&sample, m);
    }
    if (!e)
        e = import_init(&im, g, &sample, &cfg, m);
    if (!e)
        e = import_build(&im, name, data, size, m);
    import_release(&im);
    array_release(&image);
    float_run_release(&sample);
    return e;
}

enum err import_network(struct network *n, const char *name, const Onnx__ModelProto *model,
                        struct err_msg *m)
{
    struct float_graph g = {0};
    uint8_t *data = NULL;
    size_t size;
    enum err e = float_graph_init(&g, model, m);

    *n = (struct network){0};
    if (!e)
        e = onnx_graph_check_input(&g.graph, m);
    if (!e)
        e = quantise(&g, name, &data, &size, m);
    if (!e)
        e = network_decode_onnx(n, name, data, size, m);
    if (!e)
        network_strip_values(n);
    free(data);
    float_graph_release(&g);
    return e;
}
