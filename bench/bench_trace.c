/* bench/bench_trace.c -- what watching a run costs: processor time of the whole command, and bytes.
 *
 * One image, through the trained network with its values and through the article's machine timing
 * only. The fastest of the runs counts; the spread says how much longer the slowest took. The mark
 * is 5 times the run without a trace, and 20 MiB of gzip.
 *
 * usage: build/bench/bench_trace [IMAGES]        from the repository's root
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 10, MOST_ARGUMENTS = 16, PATH_SIZE = 1024, MOST_TIMES = 5, MOST_MIB = 20 };

struct cost {
    double    ms, spread; // percent
    long long bytes;
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* This program is BUILD/bench/bench_trace. */
static void find_imcsim(char path[PATH_SIZE])
{
    const ssize_t n = readlink("/proc/self/exe", path, PATH_SIZE - sizeof "/imcsim");

    if (n <= 0)
        fail("/proc/self/exe");
    path[n] = '\0';
    for (int up = 0; up < 2; up++)
        *strrchr(path, '/') = '\0';
    strcat(path, "/imcsim");
}

static double ms(struct timeval t)
{
    return (double)t.tv_sec * 1e3 + (double)t.tv_usec * 1e-3;
}

/* Processor time of one command, in ms. */
static double run(char *const *argument)
{
    struct rusage before, after;
    int status;

    getrusage(RUSAGE_CHILDREN, &before);
    const pid_t child = fork();
    if (child == 0) {
        const int null = open("/dev/null", O_WRONLY);
        if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
            execv(argument[0], argument);
        _exit(1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "bench_trace: %s failed\n", argument[0]);
        exit(1);
    }
    getrusage(RUSAGE_CHILDREN, &after);
    return ms(after.ru_utime) + ms(after.ru_stime) - ms(before.ru_utime) - ms(before.ru_stime);
}

static struct cost measure(char *const *argument, const char *file)
{
    struct cost c = { .ms = run(argument) };
    double worst = c.ms;
    struct stat st;

    for (int i = 1; i < RUNS; i++) {
        const double t = run(argument);
        c.ms = t < c.ms ? t : c.ms;
        worst = t > worst ? t : worst;
    }
    c.spread = (worst / c.ms - 1) * 100;
    if (file && stat(file, &st) != 0)
        fail(file);
    c.bytes = file ? (long long)st.st_size : 0;
    return c;
}

/* Rows of a run; false when a mark is missed. */
static int bench(const char *what, char *const *run_arguments, const char *dir)
{
    static const char *const traces[][2] = {
        { "--trace", "t.vcd" },  { "--trace", "t.vcd.gz" },   { "--trace", "t.json" },
        { "--trace", "t.json.gz" }, { "--timeline", "t.svg" },
    };
    char *argument[MOST_ARGUMENTS] = { 0 }, option[16], file[PATH_SIZE];
    int n = 0, good = 1;

    for (; run_arguments[n]; n++)
        argument[n] = run_arguments[n];
    const struct cost plain = measure(argument, NULL);
    printf("%-24s %-12s %9.1f %6.0f\n", what, "none", plain.ms, plain.spread);
    argument[n] = option;
    argument[n + 1] = file;
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        strcpy(option, traces[i][0]);
        snprintf(file, sizeof file, "%s/%s", dir, traces[i][1]);
        const struct cost c = measure(argument, file);
        unlink(file);
        printf("%-24s %-12s %9.1f %6.0f %6.1f %8.2f\n", what, traces[i][1], c.ms, c.spread,
               c.ms / plain.ms, (double)c.bytes / (1 << 20));
        good = good && c.ms <= MOST_TIMES * plain.ms && c.bytes <= (long long)MOST_MIB << 20;
    }
    return good;
}

int main(int argc, char **argv)
{
    char *images = argc > 1 ? argv[1]
                            : "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz";
    char imcsim[PATH_SIZE], dir[] = "/tmp/bench-trace-XXXXXX";
    char *timing[] = { imcsim, "run", "configs/resnet32.yaml", NULL };
    char *values[] = { imcsim, "run", "configs/resnet32_fmnist.yaml", "--images", images,
                       "--count", "1", NULL };
    int good;

    find_imcsim(imcsim);
    if (!mkdtemp(dir))
        fail(dir);
    printf("%-24s %-12s %9s %6s %6s %8s\n", "one image, fastest of 10", "trace", "cpu ms", "spread",
           "times", "MiB");
    good = bench("timing only", timing, dir);
    if (access(images, R_OK) == 0)
        good = bench("with values", values, dir) && good;
    rmdir(dir);
    printf("  at most %d times and %d MiB: %s\n", MOST_TIMES, MOST_MIB, good ? "yes" : "NO");
    return 0;
}
