/* test/fuzz/fuzz_onnx.c -- hostile ONNX models. What is read must be a network that the rest of the
 * simulator can rely on, what is refused an error with a cure. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataflow/onnx_read.h"
#include "test/reference.h"

#define MUST(claim) ((claim) ? (void)0 : (fprintf(stderr, "not so: %s\n", #claim), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* On images of few values and weights: the reference inference, whose sums a sanitizer watches. */
static void run(const struct network *n)
{
    enum { MOST = 20000 };
    static const uint8_t image[MOST] = {1, 255, 128, 127, 0, 77};
    struct reference r;

    for (uint32_t i = 0; i < n->n_layer; i++) {
        struct shape in = n->layer[i].in, out = n->layer[i].out;
        if ((uint64_t)in.height * in.width * in.channels > MOST ||
            (uint64_t)out.height * out.width * out.channels > MOST)
            return;
    }
    if (network_macs(n) > MOST)
        return;
    reference_init(&r, n);
    reference_run(&r, image);
    MUST(reference_class(&r) < network_result(n)->out.channels);
    reference_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct network network;
    struct err_msg m = {""};

    if (network_decode_onnx(&network, "fuzz", bytes, n, &m)) {
        MUST(strstr(m.text, "want ") || strstr(m.text, "no memory"));
        MUST(!network.layer && !network.name);
        return 0;
    }
    MUST(network.has_values && network.n_layer >= 2);
    MUST(network_check(&network, &m) == ERR_NONE);
    run(&network);
    network_release(&network);
    return 0;
}
