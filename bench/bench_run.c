/* bench/bench_run.c -- what whole runs cost on this host: time, memory, and how the cost grows.
 *
 * Every run is made in a process of its own, so that its peak memory is its own and SystemC, which
 * runs once a process, can be repeated. Time is that of run(): the chip is built, run and freed;
 * reading the configuration, the network and planning are not in it. With one thread it is the
 * processor's, which other work on the host disturbs less, with several the clock's. The fastest of
 * the runs counts; the spread says how much longer the slowest took, in percent.
 *
 * usage: build/bench/bench_run [IMAGES]        from the repository's root
 */
#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arch/run.h"
#include "core/counter.h"

struct bench {
    const char      *what;
    const char      *config;
    const char      *set[4]; // key=value, up to a NULL
    enum kernel_kind kernel;
    uint64_t         n_image;
    bool             values; // with images
    uint32_t         jobs;
    uint32_t         runs;
};

struct cost { // of one run
    double   run_s, rss_mib;
    uint64_t cores, firings, timesteps, timestep_clk;
};

static double now_s(const struct bench *b)
{
    struct timespec t;

    clock_gettime(b->jobs == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(enum err e, const struct err_msg *m)
{
    if (e) {
        fprintf(stderr, "bench_run: %s\n", m->text);
        exit(1);
    }
}

static void load_network(struct network *n, const struct config *c)
{
    const struct resnet_cifar_cfg family = { c->network.depth, c->network.size, c->network.classes,
                                             c->network.channels, c->network.n_channels };
    struct err_msg m;

    must(c->network.onnx[0] ? network_load_onnx(n, c->network.onnx, &m)
                            : network_resnet_cifar(n, &family, &m), &m);
}

static struct cost run_once(const struct bench *b, const char *images)
{
    struct config config;
    struct network network;
    struct plan plan;
    struct run_result result;
    struct rusage usage;
    struct err_msg m;
    struct cost cost = { 0 };
    size_t n_set = 0;

    while (n_set < sizeof b->set / sizeof *b->set && b->set[n_set])
        n_set++;
    must(config_load(&config, b->config, b->set, n_set, &m), &m);
    load_network(&network, &config);
    must(plan_make(&plan, &network, &config, &m), &m);

    const struct run_cfg cfg = { .kernel = b->kernel, .n_image = b->n_image, .jobs = b->jobs,
                                 .images = b->values ? images : NULL };
    const double begin_s = now_s(b);
    must(run(&plan, &cfg, &result, &m), &m);
    cost.run_s = now_s(b) - begin_s;

    getrusage(RUSAGE_SELF, &usage);
    cost.rss_mib = (double)usage.ru_maxrss / 1024; // Linux counts KiB
    cost.cores = plan.n_core;
    for (uint32_t i = 0; i < plan.n_core; i++)
        cost.firings += result.core[i].firings;
    cost.timesteps = result.total_timesteps;
    cost.timestep_clk = plan.timestep_clk;
    return cost; // the process ends: nothing is released
}

static struct cost run_in_child(const struct bench *b, const char *images)
{
    struct cost cost = { 0 };
    int fd[2], status;

    if (pipe(fd) != 0) {
        perror("bench_run");
        exit(1);
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        cost = run_once(b, images);
        _exit(write(fd[1], &cost, sizeof cost) != (ssize_t)sizeof cost);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0 ||
        read(fd[0], &cost, sizeof cost) != (ssize_t)sizeof cost) {
        fprintf(stderr, "bench_run: %s: the run failed\n", b->what);
        exit(1);
    }
    close(fd[0]);
    close(fd[1]);
    return cost;
}

/* Prints a row; returns the fastest run. */
static struct cost measure(const struct bench *b, const char *images)
{
    struct cost best = run_in_child(b, images);
    double worst_s = best.run_s;

    for (uint32_t i = 1; i < b->runs; i++) {
        struct cost c = run_in_child(b, images);
        worst_s = c.run_s > worst_s ? c.run_s : worst_s;
        best = c.run_s < best.run_s ? c : best;
    }
    printf("%-38s %6" PRIu64 " %7" PRIu64 " %10.2f %6.0f %9.1f %9.2f %9.1f %8.1f\n", b->what,
           best.cores, b->n_image, best.run_s * 1e3, (worst_s / best.run_s - 1) * 100,
           (double)b->n_image / best.run_s, (double)best.firings / best.run_s * 1e-6,
           (double)(best.timesteps * best.timestep_clk) / best.run_s * 1e-6, best.rss_mib);
    return best;
}

static void print_machine(void)
{
    char line[256] = "";
    FILE *f = fopen("/proc/cpuinfo", "r");

    while (f && fgets(line, sizeof line, f) && strncmp(line, "model name", strlen("model name")))
        ;
    if (f)
        fclose(f);
    const char *model = strchr(line, ':');
    printf("%ld threads of%s", sysconf(_SC_NPROCESSORS_ONLN), model ? model + 1 : " this host\n");
}

static double firing_s(struct cost c)
{
    return c.run_s / (double)c.firings;
}

int main(int argc, char **argv)
{
    const char *images = argc > 1 ? argv[1]
                                  : "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz";
    const long threads = sysconf(_SC_NPROCESSORS_ONLN);
    const char *plain = "configs/resnet32.yaml", *trained = "configs/resnet32_fmnist.yaml";
    const struct bench native = { .what = "timing only", .config = plain, .kernel = KERNEL_NATIVE,
                                  .n_image = 1, .jobs = 1, .runs = 20 };
    struct bench systemc = native, stream = native, deep = native, values = native, jobs,
                 replicas = native, split = native;

    systemc.what = "timing only, SystemC";
    systemc.kernel = KERNEL_SYSTEMC;
    stream.what = "timing only, stream";
    stream.n_image = 100;
    stream.runs = 5;
    deep.what = "timing only, depth 1502";
    deep.set[0] = "network.depth=1502";
    deep.set[1] = "chip.cores=65536";
    deep.runs = 5;
    replicas.what = "timing only, replicas";
    replicas.config = "configs/resnet32_speedup.yaml";
    split.what = "timing only, replicas, split";
    split.set[0] = "mapping.replicas={32: 4, 16: 2}";
    split.set[1] = "fabric.link_gbps=5.12";
    values.what = "with values";
    values.config = trained;
    values.values = true;
    values.n_image = 300;
    values.runs = 3;
    jobs = values;
    jobs.what = "with values, all threads";
    jobs.jobs = (uint32_t)threads;
    jobs.n_image *= jobs.jobs;

    print_machine();
    printf("%-38s %6s %7s %10s %6s %9s %9s %9s %8s\n", "fastest run of", "cores", "images", "ms",
           "spread", "images/s", "Mfiring/s", "Mcycle/s", "peak MiB");
    const struct cost native_cost = measure(&native, images);
    if (kernel_available(KERNEL_SYSTEMC))
        printf("  SystemC / native: %.1f\n", measure(&systemc, images).run_s / native_cost.run_s);
    printf("  with replicas / plain: %.2f\n",
           measure(&replicas, images).run_s / native_cost.run_s);
    printf("  with replicas / plain: %.2f\n", measure(&split, images).run_s / native_cost.run_s);
    measure(&stream, images);
    printf("  cost of a firing / that of the smaller chip: %.2f\n",
           firing_s(measure(&deep, images)) / firing_s(native_cost));
    if (access(images, R_OK) != 0) {
        printf("%s is not there: nothing measured with values\n", images);
        return 0;
    }
    measure(&values, images);
    measure(&jobs, images);
    return 0;
}
