/* bench/measure.c -- see measure.h. */
#include "bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "study/run.h"
#include "study/study.h"

static double now_s(const struct bench *b)
{
    struct timespec t;

    clock_gettime(b->jobs == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void must(enum err e, const struct err_msg *m)
{
    if (e) {
        fprintf(stderr, "bench: %s\n", m->text);
        exit(1);
    }
}

static struct cost run_once(const struct bench *b, const char *images)
{
    struct study study;
    struct run_result result;
    struct rusage usage;
    struct err_msg m;
    struct cost cost = { 0 };
    size_t n_set = 0;

    while (n_set < sizeof b->set / sizeof *b->set && b->set[n_set])
        n_set++;
    must(study_load(&study, b->config, b->set, n_set, &m), &m);

    const struct run_cfg cfg = { .kernel = b->kernel, .n_image = b->n_image, .jobs = b->jobs,
                                 .stepped = true, // what is measured is a chip
                                 .timed_values = b->timed,
                                 .simd = b->simd,
                                 .images = b->values ? images : NULL };
    const double begin_s = now_s(b);
    must(run(&study.plan, &cfg, &result, &m), &m);
    cost.run_s = now_s(b) - begin_s;

    getrusage(RUSAGE_SELF, &usage);
    cost.rss_mib = (double)usage.ru_maxrss / 1024; // Linux counts KiB
    cost.cores = study.plan.n_core;
    for (uint32_t i = 0; i < study.plan.n_core; i++)
        cost.firings += result.core[i].firings;
    cost.timesteps = result.total_timesteps;
    cost.timestep_clk = study.plan.timestep_clk;
    return cost; // the process ends: nothing is released
}

struct cost in_child(const char *what, struct cost (*measure)(const void *user), const void *user)
{
    struct cost cost = { 0 };
    int fd[2], status;

    if (pipe(fd) != 0) {
        perror("bench");
        exit(1);
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        cost = measure(user);
        _exit(write(fd[1], &cost, sizeof cost) != (ssize_t)sizeof cost);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0 ||
        read(fd[0], &cost, sizeof cost) != (ssize_t)sizeof cost) {
        fprintf(stderr, "bench: %s: the run failed\n", what);
        exit(1);
    }
    close(fd[0]);
    close(fd[1]);
    return cost;
}

struct on_images {
    const struct bench *bench;
    const char         *images;
};

static struct cost run_on_images(const void *user)
{
    const struct on_images *on = user;

    return run_once(on->bench, on->images);
}

struct cost run_in_child(const struct bench *b, const char *images)
{
    return in_child(b->what, run_on_images, &(const struct on_images){ b, images });
}

bool zoo_model(const char *name, char *path, size_t size)
{
    char command[256];

    snprintf(path, size, "build/zoo/%s_224_qdq.onnx", name);
    snprintf(command, sizeof command,
             "build/test/tools/write_zoo --out build/zoo --form qdq %s >/dev/null", name);
    fflush(stdout);
    if (access(path, R_OK) == 0 || system(command) == 0)
        return true;
    printf("%s is not there: nothing measured with it\n", path);
    return false;
}

void print_mark(const char *what, double found, double most, const char *unit)
{
    printf("  %-58s %8.2f %-3s (wanted: at most %g%s)\n", what, found, unit, most,
           found > most ? ", not reached" : "");
}
