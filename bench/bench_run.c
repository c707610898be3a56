/* bench/bench_run.c -- what whole runs cost on this host: time, memory, and how the cost grows.
 *
 * See measure.h for what is measured. The fastest of the runs counts; the spread says how much
 * longer the slowest took, in percent.
 *
 * usage: build/bench/bench_run [IMAGES]        from the repository's root
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/measure.h"

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

/* Images through arrays that are read bit by bit, beside the same with exact products; of few, the
 * time that a run takes before its first image is taken off. */
static void measure_codes(const struct bench *values, const char *images)
{
    static const struct {
        const char *what, *kind, *bits, *range;
        double most; // times the first
    } machine[] = {
        { "  one product", "exact", "8", "full", 1 },
        { "  read bit by bit, exact", "exact", "8", "full", 1.2 },
        { "  read bit by bit, codes of 5 bits", "adc", "5", "31", 20 },
        { "  read bit by bit, codes of 6 bits", "adc", "6", "63", 20 },
        { "  read bit by bit, codes of step 3", "adc", "5", "93", 20 },
    };
    enum { N_MACHINE = sizeof machine / sizeof *machine };
    struct bench few = *values, many = *values;
    double image_s[N_MACHINE];

    few.n_image = 16;
    many.n_image = 496;
    few.runs = many.runs = 5;
    for (int i = 0; i < N_MACHINE; i++) {
        char bit[64], reach[64], kind[64];
        snprintf(kind, sizeof kind, "core.readout.kind=%s", machine[i].kind);
        snprintf(bit, sizeof bit, "core.readout.bits=%s", machine[i].bits);
        snprintf(reach, sizeof reach, "core.readout.range=%s", machine[i].range);
        const char *const set[] = { kind, bit, reach, "core.crossbar.input_slice_bits=1",
                                    "core.crossbar.cell=sliced", "core.crossbar.cell_bits=2",
                                    "core.crossbar.scheme=offset" };
        few.what = many.what = machine[i].what;
        for (size_t k = 0; i > 0 && k < sizeof set / sizeof *set; k++)
            few.set[k] = many.set[k] = set[k];
        double before_s = measure(&few, images).run_s;
        image_s[i] = (measure(&many, images).run_s - before_s) /
                     (double)(many.n_image - few.n_image);
        if (i > 0)
            print_mark("reads / one product", image_s[i] / image_s[0], machine[i].most, "times");
    }
}

int main(int argc, char **argv)
{
    const char *images = argc > 1 ? argv[1]
                                  : "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz";
    const long threads = sysconf(_SC_NPROCESSORS_ONLN);
    const char *plain = "configs/resnet32.yaml", *trained = "configs/resnet32_fmnist.yaml";
    const struct bench native = { .what = "timing only", .config = plain, .kernel = KERNEL_NATIVE,
                                  .n_image = 1, .jobs = 1, .runs = 20 };
    struct bench systemc = native, stream = native, deep = native, values = native, one, jobs,
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
    one = values;
    one.what = "with values, through the chip";
    one.timed = true;
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
    measure(&one, images);
    measure(&jobs, images);
    measure_codes(&values, images);
    return 0;
}
