/* bench/bench_peer.c -- imcsim with values and ONNX Runtime on the same models and images, one
 * thread each.
 *
 * ONNX Runtime has all optimisations on and answers one image a call, as the models want it; that
 * its answers then differ here and there is its own affair (scripts/peer.sh counts). imcsim runs
 * the chip without values until it repeats itself, and the values layer by layer, every counter
 * included (measure.h says what is timed): with the fastest instruction set, and with AVX2. All are
 * measured alternately, in processor's time of their process; the fastest of the rounds counts, the
 * spread says how much longer the slowest took. The environment's BENCH_ROUNDS says how many rounds
 * (5), BENCH_NETWORK of which network alone. All ratios stand together at the end.
 *
 * usage: build/bench/bench_peer [IMAGES]        from the repository's root
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/measure.h"

#define FOLDER "build/peer"

enum { ROUNDS = 5, MOST_ROUNDS = 1000 };

static const struct way { // of imcsim
    const char *what, *simd; // NULL: the fastest set
} ways[] = { { "imcsim", NULL }, { "imcsim, AVX2", "avx2" } };

enum { N_WAY = sizeof ways / sizeof *ways };

struct compared {
    const char *config, *model; // model NULL: of the zoo, called `zoo`
    const char *zoo;
    int         images;
    double      most_ratio[N_WAY]; // wanted; 0: not said
};

struct ratios {
    bool   there;
    double found[N_WAY]; // time of imcsim / time of ONNX Runtime
};

struct fastest {
    double best_s, worst_s; // an image
};

static void take(struct fastest *f, double s)
{
    f->best_s = fmin(f->best_s, s);
    f->worst_s = fmax(f->worst_s, s);
}

static double imcsim_s(const struct way *w, const struct compared *c, const char *model,
                       const char *images)
{
    char set[512];
    snprintf(set, sizeof set, "network.onnx=%s", model);
    const struct bench b = { .what = model, .config = c->config, .kernel = KERNEL_NATIVE,
                             .set = { c->model ? NULL : set }, .n_image = (uint64_t)c->images,
                             .values = true, .simd = w->simd, .jobs = 1 };

    return run_in_child(&b, images).run_s / c->images;
}

static double onnxruntime_s(const char *model, const char *images, int n_image)
{
    char command[2048];
    double s = 0;

    snprintf(command, sizeof command, "node bench/onnxruntime.js %s time %s '%s' %d", FOLDER, model,
             images, n_image);
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

static int n_round(void)
{
    const char *said = getenv("BENCH_ROUNDS");
    long n = said ? strtol(said, NULL, 10) : ROUNDS;

    return n >= 1 && n <= MOST_ROUNDS ? (int)n : ROUNDS;
}

static bool is_wanted(const struct compared *c)
{
    const char *name = getenv("BENCH_NETWORK");

    return !name || strstr(c->model ? c->model : c->zoo, name);
}

static struct ratios compare(const struct compared *c, const char *images)
{
    struct ratios r = { 0 };
    const int rounds = n_round();
    char model[256];
    struct fastest ours[N_WAY], theirs = { INFINITY, 0 };

    if (c->model)
        snprintf(model, sizeof model, "%s", c->model);
    else if (!zoo_model(c->zoo, model, sizeof model))
        return r;
    for (int w = 0; w < N_WAY; w++)
        ours[w] = theirs;
    for (int i = 0; i < rounds; i++) {
        for (int w = 0; w < N_WAY; w++)
            take(&ours[w], imcsim_s(&ways[w], c, model, images));
        take(&theirs, onnxruntime_s(model, images, c->images));
    }
    printf("%s, %d images, one thread, fastest of %d\n", model, c->images, rounds);
    print("ONNX Runtime", theirs);
    r.there = true;
    for (int w = 0; w < N_WAY; w++) {
        print(ways[w].what, ours[w]);
        r.found[w] = ours[w].best_s / theirs.best_s;
    }
    return r;
}

static void print_ratios(const struct compared *c, const struct ratios *r)
{
    for (int w = 0; w < N_WAY; w++) {
        char what[128];
        snprintf(what, sizeof what, "%s: %s / ONNX Runtime", c->model ? c->model : c->zoo,
                 ways[w].what);
        if (c->most_ratio[w] > 0)
            print_mark(what, r->found[w], c->most_ratio[w], "");
        else
            printf("  %-58s %8.2f\n", what, r->found[w]);
    }
}

static const struct compared all[] = {
    { "configs/resnet32_fmnist.yaml", "models/resnet32_fmnist.onnx", NULL, 1000, { 0.36, 0.8 } },
    { "configs/resnet32_cifar10.yaml", "models/resnet32_cifar10.onnx", NULL, 1000, { 0.36, 0.8 } },
    { "configs/imagenet.yaml", NULL, "resnet18", 48, { 0.8, 0 } },
    { "configs/imagenet.yaml", NULL, "resnet50", 48, { 0.8, 0 } },
    { "configs/imagenet.yaml", NULL, "mobilenet_v2", 48, { 1.2, 0 } },
    { "configs/imagenet.yaml", NULL, "squeezenet", 48, { 1.3, 0 } },
};

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
    struct ratios r[sizeof all / sizeof *all] = { 0 };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (is_wanted(&all[i]))
            r[i] = compare(&all[i], images);
    printf("Ratios\n");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (r[i].there)
            print_ratios(&all[i], &r[i]);
    return 0;
}
