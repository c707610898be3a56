/* bench/bench_peer.c -- imcsim with values and ONNX Runtime on the same models and images, one
 * thread each.
 *
 * ONNX Runtime has all optimisations on and answers one image a call, as the models want it; that
 * its answers then differ here and there is its own affair (scripts/peer.sh counts). imcsim streams
 * the images through the simulated chip, cycle by cycle (measure.h says what is timed). Both are
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
#define MOST_RATIO 3.0 // wanted

enum { ROUNDS = 5, IMAGES = 200 };

struct fastest {
    double best_s, worst_s; // an image
};

static void take(struct fastest *f, double s)
{
    f->best_s = fmin(f->best_s, s);
    f->worst_s = fmax(f->worst_s, s);
}

static double imcsim_s(const char *config, const char *images)
{
    const struct bench b = { .what = config, .config = config, .kernel = KERNEL_NATIVE,
                             .n_image = IMAGES, .values = true, .jobs = 1 };

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
    struct fastest ours = { INFINITY, 0 }, theirs = ours;

    snprintf(config, sizeof config, "configs/%s.yaml", name);
    snprintf(model, sizeof model, "models/%s.onnx", name);
    for (int i = 0; i < ROUNDS; i++) {
        take(&ours, imcsim_s(config, images));
        take(&theirs, onnxruntime_s(model, images));
    }
    double ratio = ours.best_s / theirs.best_s;
    printf("%s, one thread, fastest of %d\n", name, ROUNDS);
    print("imcsim", ours);
    print("ONNX Runtime", theirs);
    printf("  imcsim / ONNX Runtime: %.2f (wanted: at most %.1f%s)\n", ratio, MOST_RATIO,
           ratio > MOST_RATIO ? ", not reached" : "");
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
