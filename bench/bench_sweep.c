/* bench/bench_sweep.c -- points of a study a second: ResNet-32 on 10,000 machines that differ in
 * rows, columns, replicas and links, timing only, by two worker processes into a database.
 *
 * Processor seconds of all processes, which other work on the host disturbs less than the clock,
 * say what two cores do alone.
 *
 * usage: build/bench/bench_sweep        from the repository's root
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_POINT = 10000, N_WORKER = 2 };

static const char study[] = "base: resnet32_speedup\n"
                            "vary:\n"
                            "  core.crossbar.rows: {from: 500, to: 1124, steps: 125}\n"
                            "  core.crossbar.columns: [256, 300, 400, 512]\n"
                            "  mapping.replicas.32: [1, 2, 3, 4]\n"
                            "  fabric.link_gbps: {from: 20, to: 24, steps: 5}\n";

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static int fail(const char *what)
{
    fprintf(stderr, "bench_sweep: %s\n", what);
    return 1;
}

int main(void)
{
    char dir[] = "/tmp/imcsim-bench-XXXXXX", path[64], command[256];
    struct rusage all;

    if (!mkdtemp(dir))
        return fail("no directory in /tmp");
    snprintf(path, sizeof path, "%s/s.yaml", dir);
    FILE *f = fopen(path, "w");
    if (!f || fputs(study, f) < 0 || fclose(f) != 0)
        return fail("cannot write a study");
    snprintf(command, sizeof command, "build/imcsim sweep %s --db %s/s.db --jobs %d", path, dir,
             N_WORKER);
    const double begin_s = now_s();
    int status = system(command);
    const double clock_s = now_s() - begin_s;
    getrusage(RUSAGE_CHILDREN, &all);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0 || status != 0)
        return fail("the study did not end well");
    const double spent_s = seconds(all.ru_utime) + seconds(all.ru_stime);
    printf("%d points, %d workers: %.0f points/s by the clock\n", N_POINT, N_WORKER,
           N_POINT / clock_s);
    printf("%.3f ms of a processor a point: %.0f points/s on %d cores that do nothing else "
           "(wanted: at least 1,000)\n", 1e3 * spent_s / N_POINT, N_WORKER * N_POINT / spent_s,
           N_WORKER);
    return 0;
}
