/* bench/bench_peer.c -- imcsim with values and ONNX Runtime on the same models and images, one
 * thread each.
 *
 * ONNX Runtime has all optimisations on and answers one image a call, as the models want it; that
 * its answers then differ here and there is its own affair (scripts/peer.sh counts). imcsim runs
 * the chip without values until it repeats itself, and the values layer by layer, every counter
 * included (measure.h says what is timed): with the fastest instruction set, and with AVX2. All are
 * measured alternately, in processor's time of their process; the fastest of ROUNDS counts, the
 * spread says how much longer the slowest took.
 *
 * usage: build/bench/bench_peer [IMAGES]        from the repository's root
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/measure.h"

#define FOLDER "build/peer"

enum { ROUNDS = 5, IMAGES = 1000 };

static const struct way { // of imcsim
    const char *what, *simd; // NULL: the fastest set
    double      most_ratio;  // wanted
} ways[] = { { "imcsim", NULL, 0.36 }, { "imcsim, AVX2", "avx2", 0.8 } };

enum { N_WAY = sizeof ways / sizeof *ways };

struct fastest {
    double best_s, worst_s; // an image
};

static void take(struct fastest *f, double s)
{
    f->best_s = fmin(f->best_s, s);
    f->worst_s = fmax(f->worst_s, s);
}

static double imcsim_s(const struct way *w, const char *config, const char *images)
{
    const struct bench b = { .what = config, .config = config, .kernel = KERNEL_NATIVE,
                             .n_image = IMAGES, .values = true, .simd = w->simd,
                             .jobs = 1 };

    return run_in_child(&b, images).run_s / IMAGES;
}

static double onnxruntime_s(const char *model, const char *images)
{
    char command[2048];
    double s = 0;

    snprintf(command, sizeof command, "node bench/onnxruntime.js %s time %s '%s' %d", FOLDER, model,
             images, IMAGES);
    fflush(stdout);
    FILE *f = popen(command, "r");
    if (!f || fscanf(f, "%lf", &s) != 1 || pclose(f) != 0 || s <= 0) {
        fprintf(stderr, "bench_peer: no time from: %s\n", command);
        exit(1);
    }
    return s;
}

static void print(const char *who, struct fastest f)
{
    printf("  %-14s %8.2f ms an image, spread %3.0f %%\n", who, f.best_s * 1e3,
           (f.worst_s / f.best_s - 1) * 100);
}

static void compare(const char *name, const char *images)
{
    char config[256], model[256];
    struct fastest ours[N_WAY], theirs = { INFINITY, 0 };

    for (int w = 0; w < N_WAY; w++)
        ours[w] = theirs;
    snprintf(config, sizeof config, "configs/%s.yaml", name);
    snprintf(model, sizeof model, "models/%s.onnx", name);
    for (int i = 0; i < ROUNDS; i++) {
        for (int w = 0; w < N_WAY; w++)
            take(&ours[w], imcsim_s(&ways[w], config, images));
        take(&theirs, onnxruntime_s(model, images));
    }
    printf("%s, %d images, one thread, fastest of %d\n", name, IMAGES, ROUNDS);
    print("ONNX Runtime", theirs);
    for (int w = 0; w < N_WAY; w++) {
        double ratio = ours[w].best_s / theirs.best_s;
        print(ways[w].what, ours[w]);
        printf("  %s / ONNX Runtime: %.2f (wanted: at most %.2f%s)\n", ways[w].what, ratio,
               ways[w].most_ratio, ratio > ways[w].most_ratio ? ", not reached" : "");
    }
}

int main(int argc, char **argv)
{
    const char *images = argc > 1 ? argv[1]
                                  : "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz";

    if (access(images, R_OK) != 0) {
        printf("%s is not there: nothing compared with ONNX Runtime\n", images);
        return 0;
    }
    fflush(stdout);
    if (system("scripts/install_peer.sh " FOLDER) != 0) // which says why
        return 0;
    compare("resnet32_fmnist", images);
    compare("resnet32_cifar10", images);
    return 0;
}
