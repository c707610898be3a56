/* test/fuzz/fuzz_onnx.c -- hostile ONNX models. What is read must be a network that the rest of the
 * simulator can rely on, what is refused an error with a cure. The same bytes go through the float
 * evaluator and the importer, whose own models the reader must take. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/import.h"
#include "network/values/plain.h"
#include "onnx/file.h"
#include "onnx/read/read.h"
#include "onnx/rewrite/prepare.h"
#include "test/reference.h"

#define MUST(claim) ((claim) ? (void)0 : (fprintf(stderr, "not so: %s\n", #claim), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { MOST = 20000 };

static uint64_t volume(struct shape s) // below 2^31: network_check() has seen to it
{
    return (uint64_t)s.height * s.width * s.channels;
}

/* Few values, weights and positions of windows. */
static bool is_small(const struct network *n)
{
    uint64_t positions = 0;

    for (uint32_t i = 0; i < n->n_layer; i++) {
        const struct layer *l = &n->layer[i];
        uint64_t window = (uint64_t)l->window.kernel[0] * l->window.kernel[1] * l->in.channels;
        if (volume(l->in) > MOST || volume(l->out) > MOST || window > MOST)
            return false;
        positions += (uint64_t)l->out.height * l->out.width * window;
    }
    return positions <= 20 * MOST && network_macs(n) <= MOST;
}

/* On images of few values and weights: the reference inference, whose sums a sanitizer watches. */
static void run(const struct network *n)
{
    static const uint8_t image[MOST] = {1, 255, 128, 127, 0, 77};
    struct reference r;

    if (!is_small(n))
        return;
    if (network_has_tokens(n)) {
        struct plain *p = plain_new(n);
        MUST(p);
        plain_run(p, image, NULL);
        MUST(plain_class(p) < network_result(n)->out.channels);
        plain_free(p);
        return;
    }
    reference_init(&r, n);
    reference_run(&r, image);
    MUST(reference_class(&r) < network_result(n)->out.channels);
    reference_release(&r);
}

static enum err black(struct float_run *r, struct float_graph *g, struct err_msg *m)
{
    struct onnx_image s;
    struct array image;
    enum err e = onnx_graph_image(&g->graph, &s, m);

    if (e)
        return e;
    if ((uint64_t)s.shape.height * s.shape.width * s.shape.channels > MOST)
        return err_set(m, ERR_INPUT, "want fewer pixels");
    MUST(array_init(&image, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, s.n_dim, s.dim));
    e = float_graph_fold(g, &image, m);
    if (!e)
        e = float_run_init(r, g, m);
    if (e)
        array_release(&image);
    else
        float_run_set(r, g->graph.image, &image);
    return e ? e : float_run_all(r, m);
}

static enum err import_it(const Onnx__ModelProto *model, struct err_msg *m)
{
    const struct import_cfg cfg = {.mean = 7, .scale = 0.01, .percentile = 99, .per_channel = true};
    struct float_graph g;
    struct float_run r = {0};
    struct import im = {0};
    uint8_t *data = NULL;
    size_t size;
    enum err e = float_graph_init(&g, model, m);

    if (e)
        return e;
    g.most_values = 100000;
    g.most_work = 1000000;
    e = onnx_graph_check_input(&g.graph, m);
    if (!e)
        e = black(&r, &g, m);
    if (!e)
        e = import_init(&im, &g, &r, &cfg, m);
    if (!e) {
        import_observe(&im, &r);
        e = import_build(&im, "fuzz", &data, &size, m);
    }
    free(data);
    import_release(&im);
    float_run_release(&r);
    float_graph_release(&g);
    return e;
}

static void import(const uint8_t *bytes, size_t n)
{
    const struct onnx_surroundings none = {.seed = 1};
    Onnx__ModelProto *model = NULL;
    struct err_msg m = {""};
    struct onnx_ids ids = {0};
    bool complete;

    if (onnx_decode(bytes, n, &model, &m) || onnx_prepare(model, &none, &complete, &ids, &m) ||
        import_it(model, &m))
        MUST(strstr(m.text, "want ") || strstr(m.text, "no memory"));
    onnx_ids_release(&ids);
    onnx_free_model(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct network network;
    struct err_msg m = {""};

    import(bytes, n);
    if (network_decode_onnx(&network, "fuzz", bytes, n, &m)) {
        MUST(strstr(m.text, "want ") || strstr(m.text, "no memory"));
        MUST(!network.layer && !network.name);
        return 0;
    }
    MUST(network.n_layer >= 2);
    MUST(network_check(&network, &m) == ERR_NONE);
    if (network.has_values) // weights may lie in files beside the model, which are not there
        run(&network);
    network_release(&network);
    return 0;
}
