/* bench/bench_spiking.c -- what networks of neurons cost: images of a trained one, recordings of
 * the NIR paper's where they are, ticks of 16 cores of 256 x 256 at several activities.
 *
 * Seconds are the processor's, of one thread; the fastest of several counts.
 *
 * usage: build/bench/bench_spiking [NETWORK.nir RECORDINGS]        from the repository's root
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/measure.h"
#include "core/rng.h"
#include "network/spiking/neuron.h"
#include "network/spiking/spikes.h"
#include "study/run.h"
#include "study/study.h"

#define IMAGES "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

enum { RUNS = 3, LAYERS = 4, GROUPS = 4, SIDE = 256, TICKS = 2000 };

static double run_s(const char *config, const char *const *set, size_t n_set, const char *images,
                    uint64_t *n_image)
{
    const struct run_cfg cfg = { .images = images, .jobs = 1 };
    double best = INFINITY;
    struct study s;
    struct err_msg m;

    must(study_load(&s, config, set, n_set, &m), &m);
    for (int i = 0; i < RUNS; i++) {
        struct run_result r;
        double begin_s = cpu_s();
        must(run(&s.plan, &cfg, &r, &m), &m);
        best = fmin(best, cpu_s() - begin_s);
        *n_image = r.n_image;
        run_result_release(&r);
    }
    study_release(&s);
    return best;
}

/* Four layers of four cores, 256 inputs and 256 neurons each. */
static void make_cores(struct network *n, struct layer *layer)
{
    struct rng r = rng_at(1, "cores");

    *n = (struct network){ .name = "cores", .layer = layer, .n_layer = LAYERS + 1,
                           .has_values = true,
                           .present = { .coding = coding_find("events"), .steps = TICKS,
                                        .bare = true } };
    for (uint32_t i = 0; i <= LAYERS; i++) {
        struct layer *l = &layer[i];
        *l = (struct layer){ .name = "layer", .in = { 1, 1, GROUPS * SIDE },
                             .out = { 1, 1, GROUPS * SIDE }, .groups = GROUPS,
                             .kind = i ? LAYER_CONV : LAYER_IMAGE, .n_input = i > 0,
                             .window = { .kernel = { 1, 1 }, .stride = { 1, 1 },
                                         .dilation = { 1, 1 } } };
        if (i == 0)
            continue;
        l->input = malloc(sizeof *l->input);
        l->weight = malloc((size_t)GROUPS * SIDE * SIDE);
        l->neuron = neuron_new(neuron_kind_find("if"), GROUPS * SIDE, false);
        if (!l->input || !l->weight || !l->neuron)
            exit(1);
        l->input[0] = i - 1;
        for (size_t k = 0; k < (size_t)GROUPS * SIDE * SIDE; k++)
            l->weight[k] = (int8_t)(rng_u64(r, i * UINT64_C(1000000) + k) % 3) - 1;
        for (uint32_t o = 0; o < GROUPS * SIDE; o++)
            l->neuron->theta[o] = 12;
    }
}

/* Ticks a second where each input spikes with `share`. */
static double ticks(double share)
{
    static struct layer layer[LAYERS + 1];
    static int32_t in[16][GROUPS * SIDE];
    struct rng r = rng_at(2, "spikes");
    double best = INFINITY;
    struct network n;

    make_cores(&n, layer);
    for (uint32_t t = 0; t < 16; t++)
        for (uint32_t i = 0; i < GROUPS * SIDE; i++)
            in[t][i] = (double)(rng_u64(rng_in(r, t), i) >> 11) < share * 9007199254740992.0;
    struct spikes *s = spikes_new(&n);
    if (!s)
        exit(1);
    for (int k = 0; k < RUNS; k++) {
        double begin_s = cpu_s();
        spikes_forget(s);
        for (uint32_t t = 0; t < TICKS; t++)
            spikes_step(s, in[t % 16], t, NULL);
        best = fmin(best, cpu_s() - begin_s);
    }
    spikes_free(s);
    for (uint32_t i = 1; i <= LAYERS; i++) {
        free(layer[i].input);
        free(layer[i].weight);
        neuron_free(layer[i].neuron);
    }
    return TICKS / best;
}

int main(int argc, char **argv)
{
    static const double shares[] = { 0.5, 0.2, 0.1, 0.02, 0 };
    char set[1024];
    const char *const sets[] = { set };
    uint64_t n = 0;

    puts("networks of neurons, one thread, fastest of several");
    if (access(IMAGES, R_OK) == 0) {
        double s = run_s("configs/lif_fmnist.yaml", NULL, 0, IMAGES, &n);
        print_mark("10,000 images of lif_fmnist", s * 10000 / (double)n, 10, "s");
    }
    if (argc > 2) {
        snprintf(set, sizeof set, "network.nir=%s", argv[1]);
        double s = run_s("configs/nmnist_nir.yaml", sets, 1, argv[2], &n);
        print_mark("1,000 recordings of N-MNIST", s * 1000 / (double)n, 60, "s");
    }
    puts("  16 cores of 256 x 256, inputs that spike in a tick, ticks a second (RANC: 112)");
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        printf("    %4.0f %%  %10.0f\n", 100 * shares[i], ticks(shares[i]));
    return 0;
}
