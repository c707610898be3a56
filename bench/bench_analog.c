/* bench/bench_analog.c -- what analog chips cost beside exact weights, of ResNet-32: programming
 * its 723,424 devices, another time, wires, and a run of one chip on the same images.
 *
 * Seconds are the processor's, of one thread; the fastest of several counts.
 *
 * usage: build/bench/bench_analog [IMAGES]        from the repository's root
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "arch/analog/chip.h"
#include "bench/measure.h"
#include "study/analog.h"

#define TRAINED "configs/resnet32_fmnist.yaml"
#define IMAGES  "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

enum { RUNS = 5 };

struct machine {
    double program_s, time_s; // of a chip, of a time of it
};

/* Of a chip of pcm_joshi, with wires or without. */
static struct machine make_chip(const char *wires)
{
    const char *const set[] = { "core.crossbar.device=pcm_joshi", wires };
    struct machine best = { INFINITY, INFINITY };
    struct study s;
    struct err_msg m;

    must(study_load(&s, TRAINED, set, 2, &m), &m);
    for (int i = 0; i < RUNS; i++) {
        struct analog_chip chip;
        struct analog_state state;
        double begin_s = cpu_s();
        must(analog_chip_init(&chip, &s.plan, &s.analog, 0, &m), &m);
        best.program_s = fmin(best.program_s, cpu_s() - begin_s);
        begin_s = cpu_s();
        must(analog_state_init(&state, &chip, 86400, &m), &m);
        best.time_s = fmin(best.time_s, cpu_s() - begin_s);
        analog_state_release(&state);
        analog_chip_release(&chip);
    }
    study_release(&s);
    return best;
}

/* What one chip at one time takes, beside the run with exact weights. */
static void print_chip(const char *images, uint64_t n_image)
{
    static const char *const set[] = { "core.crossbar.device=pcm_joshi", "analog.chips=1",
                                       "analog.times_s=[86400]" };
    const struct run_cfg cfg = { .images = images, .n_image = n_image, .jobs = 1 };
    double exact_s = INFINITY, analog_s = INFINITY;
    char what[64];
    struct study s;
    struct err_msg m;

    must(study_load(&s, TRAINED, set, 3, &m), &m);
    for (int i = 0; i < RUNS; i++) {
        struct run_result exact;
        struct analog_result r;
        double begin_s = cpu_s();
        must(run(&s.plan, &cfg, &exact, &m), &m);
        exact_s = fmin(exact_s, cpu_s() - begin_s);
        begin_s = cpu_s();
        must(analog_run(&s, &cfg, &exact, &r, &m), &m);
        analog_s = fmin(analog_s, cpu_s() - begin_s);
        analog_result_release(&r);
        run_result_release(&exact);
    }
    study_release(&s);
    snprintf(what, sizeof what, "%u images on a chip / with exact weights", (unsigned)n_image);
    print_mark(what, analog_s / exact_s, 2.5, "");
}

int main(int argc, char **argv)
{
    static const uint64_t n_image[] = { 500, 1000, 2000 };
    const char *images = argc > 1 ? argv[1] : IMAGES;
    const struct machine plain = make_chip("core.wires.model=off");
    const struct machine wired = make_chip("core.wires.model=fast");

    puts("analog chips, ResNet-32, fastest of several");
    print_mark("programming of a chip", plain.program_s, 0.1, "s");
    print_mark("another time of it", plain.time_s, 0.05, "s");
    print_mark("its wires, fast", wired.time_s - plain.time_s, 0.02, "s");
    if (access(images, R_OK) != 0)
        printf("  %s is not there: no run of images\n", images);
    else
        for (size_t i = 0; i < sizeof n_image / sizeof *n_image; i++)
            print_chip(images, n_image[i]);
    return 0;
}
