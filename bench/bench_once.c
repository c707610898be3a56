/* bench/bench_once.c -- what is paid once a run however many images there are: the process, reading
 * and planning, the proof, time and memory that must not grow; what elastic clocking costs beside
 * timesteps.
 *
 * Seconds are the processor's, of one thread; the fastest of several counts.
 *
 * usage: build/bench/bench_once [IMAGES]        from the repository's root
 */
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/prove.h"
#include "arch/elastic/elastic.h"
#include "bench/measure.h"
#include "study/run.h"
#include "study/study.h"

#define PLAIN "configs/resnet32.yaml"

enum { RUNS = 20 };

/* ---- a process ---- */

static double children_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_CHILDREN, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double process_s(void)
{
    double begin_s = children_s();
    int status;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        execl("build/imcsim", "imcsim", "run", PLAIN, (char *)NULL);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "bench: build/imcsim run " PLAIN " failed\n");
        exit(1);
    }
    return children_s() - begin_s;
}

/* ---- inside one ---- */

static double point_s(void)
{
    const struct run_cfg cfg = { .n_image = 1, .jobs = 1 };
    struct study s;
    struct run_result r;
    struct err_msg m;

    must(study_load_network(&s, PLAIN, NULL, 0, &m), &m);
    double begin_s = cpu_s();
    must(study_plan(&s, &m), &m);
    must(run(&s.plan, &cfg, &r, &m), &m);
    run_result_release(&r);
    study_release(&s);
    return cpu_s() - begin_s;
}

enum { POINTS = 1000, SETTINGS = 7 };

struct point_text {
    char set[SETTINGS][64];
};

/* Machines that differ in arrays, replicas, copies and links. */
static struct point_text point_text(unsigned i)
{
    struct point_text t;
    unsigned rows = 320 + 32 * (i % 10), columns = 256 + 64 * (i / 10 % 5);
    unsigned large = 1 + i / 50 % 4, middle = 1 + i / 200 % 2;

    snprintf(t.set[0], sizeof t.set[0], "core.crossbar.rows=%u", rows);
    snprintf(t.set[1], sizeof t.set[1], "core.crossbar.columns=%u", columns);
    snprintf(t.set[2], sizeof t.set[2], "mapping.replicas={32: %u, 16: %u}", large, middle);
    snprintf(t.set[3], sizeof t.set[3], "mapping.copies={16: %u}", 1 + i / 400 % 2);
    snprintf(t.set[4], sizeof t.set[4], "fabric.link_gbps=%u", 25 + i % 7);
    snprintf(t.set[5], sizeof t.set[5], "fabric.partial_sum_gbps=%u", 100 + i % 3);
    snprintf(t.set[6], sizeof t.set[6], "chip.cores=128");
    return t;
}

/* Of one machine of many, its configuration read, by one thread. */
static double points_s(void)
{
    const struct run_cfg cfg = { .n_image = 1, .jobs = 1 };
    struct study network;
    struct err_msg m;

    must(study_load_network(&network, PLAIN, NULL, 0, &m), &m);
    double begin_s = cpu_s();
    for (unsigned i = 0; i < POINTS; i++) {
        struct point_text text = point_text(i);
        const char *set[SETTINGS];
        struct study s;
        struct run_result r;
        for (int k = 0; k < SETTINGS; k++)
            set[k] = text.set[k];
        must(study_load_config(&s, PLAIN, set, SETTINGS, &m), &m);
        must(study_network(&s, &network, &m), &m);
        must(study_plan(&s, &m), &m);
        must(run(&s.plan, &cfg, &r, &m), &m);
        run_result_release(&r);
        study_release(&s);
    }
    double point_s = (cpu_s() - begin_s) / POINTS;
    study_release(&network);
    return point_s;
}

static double timing_s(uint64_t n_image)
{
    const struct bench b = { .what = "timing", .config = PLAIN, .n_image = n_image, .jobs = 1 };
    double best_s = INFINITY;

    for (int i = 0; i < 5; i++)
        best_s = fmin(best_s, run_in_child(&b, NULL).run_s);
    return best_s;
}

/* ---- elastic clocking ---- */

struct clocked {
    const char *set[2];
    size_t      n_set;
    uint64_t    n_image;
    bool        stepped; // where the plan says all, too
};

/* Read, planned and run; reading is as long whatever the clocking. */
static struct cost run_clocked(const void *user)
{
    const struct clocked *c = user;
    const struct run_cfg cfg = { .n_image = c->n_image, .jobs = 1, .stepped = c->stepped };
    struct study s;
    struct run_result r;
    struct err_msg m;

    double begin_s = cpu_s();
    must(study_load_network(&s, PLAIN, c->set, c->n_set, &m), &m);
    must(study_plan_any(&s, &m), &m);
    must(run(&s.plan, &cfg, &r, &m), &m);
    return (struct cost){ .run_s = cpu_s() - begin_s,
                          .images = r.elastic ? r.elastic->n_run : c->stepped * c->n_image };
}

static struct cost fastest_clocked(const struct clocked *c)
{
    struct cost best = { .run_s = INFINITY };

    for (int i = 0; i < 5; i++) {
        struct cost cost = in_child("clocking", run_clocked, c);
        best = cost.run_s < best.run_s ? cost : best;
    }
    return best;
}

/* Beside timesteps, of which a plan tells all, and beside a chip that steps every image of them;
 * with multiplications of 100 ns and a thousand times as long. */
static void print_clocked(void)
{
    static const uint64_t n_image[] = { 1, 2, 50, 1000 };
    const struct clocked short_one = { { "clocking.kind=elastic" }, 1, 2, false };
    const struct clocked long_one = { { "clocking.kind=elastic", "core.crossbar.mvm_ns=100000" },
                                      2, 2, false };

    printf("timing under elastic clocking, read, planned and run\n");
    printf("  %6s %12s %12s %12s %14s %10s %10s\n", "images", "timestep ms", "stepped ms",
           "elastic ms", "images stepped", "/ timestep", "/ stepped");
    for (size_t i = 0; i < sizeof n_image / sizeof *n_image; i++) {
        struct clocked c = { .n_image = n_image[i] };
        double timestep_s = fastest_clocked(&c).run_s;
        c.stepped = true;
        double stepped_s = fastest_clocked(&c).run_s;
        c = short_one;
        c.n_image = n_image[i];
        struct cost elastic = fastest_clocked(&c);
        printf("  %6" PRIu64 " %12.2f %12.2f %12.2f %14" PRIu64 " %10.2f %10.2f\n", n_image[i],
               timestep_s * 1e3, stepped_s * 1e3, elastic.run_s * 1e3, elastic.images,
               elastic.run_s / timestep_s, elastic.run_s / stepped_s);
    }
    print_mark("elastic, mvm_ns 1,000 times as long / as it is",
               fastest_clocked(&long_one).run_s / fastest_clocked(&short_one).run_s, 1.1, "");
}

/* ---- proof ---- */

struct proved {
    const char *config, *set; // set may be NULL
};

static struct cost prove_it(const void *user)
{
    const struct proved *p = user;
    const char *const set[] = { p->set };
    struct study s;
    struct err_msg m;

    must(study_load(&s, p->config, set, p->set ? 1 : 0, &m), &m);
    double begin_s = cpu_s();
    must(prove(&s.plan, NULL, &m), &m);
    return (struct cost){ .run_s = cpu_s() - begin_s };
}

static void print_proof(const char *what, const struct proved *p, double most_s)
{
    double best_s = INFINITY;

    for (int i = 0; i < 3; i++)
        best_s = fmin(best_s, in_child(what, prove_it, p).run_s);
    print_mark(what, best_s, most_s, "s");
}

/* ---- memory ---- */

static void print_memory(const char *images)
{
    struct bench b = { .what = "memory", .config = "configs/resnet32_fmnist.yaml", .n_image = 500,
                       .jobs = 1, .values = true };
    char model[256], set[512];

    print_mark("peak memory, ResNet-32 with values, 500 images", run_in_child(&b, images).rss_mib,
               32, "MiB");
    b.n_image = 5000;
    print_mark("the same, 5,000 images", run_in_child(&b, images).rss_mib, 32, "MiB");
    if (!zoo_model("vgg16", model, sizeof model))
        return;
    snprintf(set, sizeof set, "network.onnx=%s", model);
    b.config = "configs/imagenet.yaml";
    b.set[0] = set;
    b.n_image = 2;
    print_mark("peak memory, VGG-16 with values", run_in_child(&b, images).rss_mib, 400, "MiB");
}

int main(int argc, char **argv)
{
    const char *images = argc > 1 ? argv[1]
                                  : "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz";
    double process = INFINITY, point = INFINITY;
    char model[256], set[512];

    for (int i = 0; i < RUNS; i++) {
        process = fmin(process, process_s());
        point = fmin(point, point_s());
    }
    printf("what is paid once, fastest of several\n");
    print_mark("imcsim run " PLAIN ", whole process", process * 1e3, 3, "ms");
    print_mark("plan, build and run of its timing, inside a process", point * 1e3, 1.6, "ms");
    print_mark("one of 1,000 machines, read, planned and run", points_s() * 1e3, 1.6, "ms");
    print_mark("timing of 100,000 images / of 100", timing_s(100000) / timing_s(100), 1.5, "");
    print_clocked();
    print_proof("proof, ResNet-32", &(struct proved){ PLAIN, NULL }, 0.1);
    if (zoo_model("resnet50", model, sizeof model)) {
        snprintf(set, sizeof set, "network.onnx=%s", model);
        print_proof("proof, ResNet-50", &(struct proved){ "configs/imagenet.yaml", set }, 2);
    }
    if (access(images, R_OK) == 0)
        print_memory(images);
    return 0;
}
