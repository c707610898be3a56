/* bench/bench_tokens.c -- values of a transformer by layer, sixteen sequences abreast, one thread:
 * BERT-base's shape, random weights, 128 tokens. What is timed is the processor; the fastest of the
 * rounds counts. With MODEL, an int8 ONNX file whose input is 1 x tokens x channels of floats, its
 * values are computed instead, ONNX Runtime runs it in the same rounds, all optimisations on, and
 * the ratio is printed.
 *
 * usage: build/bench/bench_tokens [MODEL.onnx]       from the repository's root
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/measure.h"
#include "core/simd.h"
#include "network/family.h"
#include "network/params.h"
#include "network/precision.h"
#include "network/values/values.h"
#include "onnx/read/read.h"

#define FOLDER "build/peer"

enum { ROUNDS = 3, COUNT = 4 };

static double onnxruntime_s(const char *model)
{
    char command[2048];
    double s = 0;

    snprintf(command, sizeof command, "node bench/onnxruntime.js %s time '%s' random %d", FOLDER,
             model, COUNT);
    fflush(stdout);
    FILE *f = popen(command, "r");
    if (!f || fscanf(f, "%lf", &s) != 1 || pclose(f) != 0 || s <= 0) {
        fprintf(stderr, "bench_tokens: no time from: %s\n", command);
        exit(1);
    }
    return s;
}

struct bert {
    struct network network;
    uint8_t       *image;
    int64_t       *result;
};

static void make(struct bert *b, const char *model)
{
    const struct transformer_cfg cfg = { .layers = 12, .hidden = 768, .heads = 12, .kv_heads = 12,
                                         .ffn = 3072, .sequence = 128, .functions = true };
    struct err_msg m;

    if (model) {
        must(network_load_onnx(&b->network, model, &m), &m);
    } else {
        must(network_transformer(&b->network, &cfg, &m), &m);
        must(family_fill(&b->network, 1, &m), &m);
    }
    const size_t n = VALUE_LANES * network_image_bytes(&b->network);
    const uint32_t classes = layer_delivers(network_result(&b->network)).channels;
    b->image = malloc(n);
    b->result = malloc(VALUE_LANES * classes * sizeof *b->result);
    if (!b->image || !b->result)
        exit(1);
    for (size_t i = 0; i < n; i++)
        b->image[i] = (uint8_t)(i * 2654435761u >> 13);
}

/* Of a sequence. */
static double run_s(const struct bert *b, struct value_lanes *l)
{
    const double begin = cpu_s();

    value_lanes_run(l, b->image, VALUE_LANES, b->result, NULL);
    return (cpu_s() - begin) / VALUE_LANES;
}

int main(int argc, char **argv)
{
    const char *model = argc > 1 ? argv[1] : NULL;
    double ours = INFINITY, theirs = INFINITY;
    struct bert b;

    if (model && system("scripts/install_peer.sh " FOLDER) != 0) // which says why
        return 0;
    make(&b, model);
    struct values *v = values_new(&b.network, NULL);
    struct value_lanes *l = v ? value_lanes_new(v) : NULL;
    if (!l)
        return 1;
    run_s(&b, l); // its memory is there then
    for (int i = 0; i < ROUNDS; i++) {
        ours = fmin(ours, run_s(&b, l));
        theirs = model ? fmin(theirs, onnxruntime_s(model)) : theirs;
    }
    printf("  %s, %s: %.1f ms a sequence\n", model ? model : "BERT-base, 128 tokens",
           simd_names()[0], ours * 1e3);
    if (model) {
        printf("  ONNX Runtime, int8: %.1f ms\n", theirs * 1e3);
        print_mark("imcsim / ONNX Runtime", ours / theirs, 1.5, "");
    }
    value_lanes_free(l);
    values_free(v);
    network_release(&b.network);
    free(b.image);
    free(b.result);
    return 0;
}
