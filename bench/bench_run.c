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
#define BITS(cells, bits, range)                                                                   \
    "core.crossbar.input_slice_bits=1", "core.crossbar.cell=sliced",                               \
        "core.crossbar.cell_bits=" cells, "core.readout.kind=adc", "core.crossbar.columns=4096",   \
        "core.readout.bits=" bits, "core.readout.range=" range
#define OFFSET "core.crossbar.scheme=offset"
    static const struct {
        const char *what, *set[10];
        double most; // times the first
    } machine[] = {
        { "  one product", { NULL }, 1 },
        { "  read bit by bit, exact", { "core.crossbar.input_slice_bits=1",
                                        "core.crossbar.cell=sliced" }, 1.2 },
        { "  2-bit cells, offset, codes to 31", { BITS("2", "5", "31"), OFFSET }, 20 },
        { "  to 127", { BITS("2", "7", "127"), OFFSET }, 20 },
        { "  to 255", { BITS("2", "8", "255"), OFFSET }, 20 },
        { "  to 1000 in steps of 4", { BITS("2", "8", "1000"), OFFSET }, 20 },
        { "  to 700 in steps of 3", { BITS("2", "8", "700"), OFFSET }, 20 },
        { "  of two signs, to 127", { BITS("2", "7", "127") }, 20 },
        { "  to 255", { BITS("2", "8", "255") }, 20 },
        { "  two copies of some layers", { BITS("2", "7", "127"), "mapping.copies.32=2",
          "chip.cores=128" }, 20 },
        { "  1-bit cells, offset, codes to 127", { BITS("1", "7", "127"), OFFSET }, 20 },
        { "  4-bit cells, offset, codes to 255", { BITS("4", "8", "255"), OFFSET }, 20 },
        { "  differential, codes in steps of 16", { "core.crossbar.input_slice_bits=1",
          "core.readout.kind=adc", "core.readout.range=2000" }, 20 },
        { "  2-bit cells, 64 rows at once, to 63", { BITS("2", "6", "63"),
          "core.crossbar.rows_at_once=64", OFFSET }, 20 },
    };
    enum { N_MACHINE = sizeof machine / sizeof *machine };
    struct bench few = *values, many = *values;
    double image_s[N_MACHINE];

    few.n_image = 16;
    many.n_image = 304;
    few.runs = many.runs = 3;
    for (int i = 0; i < N_MACHINE; i++) {
        few.what = many.what = machine[i].what;
        memcpy(few.set, machine[i].set, sizeof few.set);
        memcpy(many.set, machine[i].set, sizeof many.set);
        double before_s = measure(&few, images).run_s;
        image_s[i] = (measure(&many, images).run_s - before_s) /
                     (double)(many.n_image - few.n_image);
        if (i > 0)
            print_mark("reads / one product", image_s[i] / image_s[0], machine[i].most, "times");
    }
#undef BITS
#undef OFFSET
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
