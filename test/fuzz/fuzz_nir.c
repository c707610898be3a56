/* test/fuzz/fuzz_nir.c -- hostile NIR files: what the program that reads HDF5 might write, or,
 * behind an H, a file that it reads. What is read must be a network that computes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network/spiking/spikes.h"
#include "nir/network.h"
#include "test/tmpdir.h"

#define MUST(claim) ((claim) ? (void)0 : (fprintf(stderr, "not so: %s\n", #claim), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { MOST = 20000, STEPS = 3 };

static uint64_t volume(struct shape s)
{
    return (uint64_t)s.height * s.width * s.channels;
}

static bool is_small(const struct network *n)
{
    for (uint32_t i = 0; i < n->n_layer; i++)
        if (volume(n->layer[i].in) > MOST || volume(n->layer[i].out) > MOST)
            return false;
    return network_macs(n) <= 20 * MOST;
}

static void run(struct network *n)
{
    static int32_t image[MOST] = { 1, 0, 3, 1, 1, 255, 0, 1 };
    struct spikes *s = is_small(n) ? spikes_new(n) : NULL;

    for (uint32_t t = 0; s && t < STEPS; t++)
        spikes_step(s, image, t, NULL);
    spikes_free(s);
}

static enum err read_file(struct nir_file *f, const uint8_t *bytes, size_t n, struct err_msg *m)
{
    char path[TMPDIR_PATH_MAX];
    void *dir;

    MUST(tmpdir_make(&dir) == 0);
    tmpdir_write(dir, "nir", bytes, n);
    enum err e = nir_file_read(f, tmpdir_path(path, dir, "nir"), m);
    MUST(tmpdir_remove(&dir) == 0);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const struct nir_cfg cfg = { .dt_us = (double)(n % 3 * 500), .reset = (enum nir_reset)(n % 4),
                                 .weights = (enum nir_weights)(n / 4 % 3), .most = 1 + n % 2,
                                 .image_bits = 8, .steps = STEPS,
                                 .fraction_bits = n % 5 ? NIR_FRACTION_AUTO : 4 };
    struct nir_file f;
    struct nir_graph g;
    struct network net;
    struct err_msg m;
    enum err e = n > 0 && bytes[0] == 'H' ? read_file(&f, bytes + 1, n - 1, &m)
                                          : nir_file_parse(&f, bytes, n, &m);

    if (!e)
        e = nir_graph_make(&g, &f, &m);
    if (e) {
        MUST(e == ERR_MEMORY || strstr(m.text, "want"));
        return 0;
    }
    e = nir_network(&net, "fuzz", &g, &cfg, &m);
    nir_graph_release(&g);
    net.present = (struct presentation){ .coding = coding_find("events"), .steps = STEPS,
                                         .bare = true };
    if (!e) {
        if (!network_check(&net, &m))
            run(&net);
        network_release(&net);
    } else
        MUST(e == ERR_MEMORY || strstr(m.text, "want"));
    return 0;
}
