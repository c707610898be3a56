/* bench/bench_price.c -- what pricing a run costs on this host: technology, device and chip read
 * from their files, every core and link of ResNet-32 priced. The run itself is not in it. The
 * fastest of the repetitions counts; the spread says how much longer the slowest took, in percent.
 *
 * usage: build/bench/bench_price        from the repository's root
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/measure.h"
#include "study/price.h"
#include "study/run.h"

enum { N_RUN = 200 };

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static double price_ms(const struct plan *p, const struct price_run *run)
{
    const struct energy_cfg *energy = &p->config->energy;
    struct price_report report;
    struct chip_model chip;
    struct err_msg m;
    const double begin = now_ms();

    must(chip_model_load(&chip, energy->technology, "configs/devices/pcm.yaml",
                         "configs/chips/dazzi2021_14nm.yaml", &m), &m);
    must(price(&chip, p, run, &report, &m), &m);
    const double ms = now_ms() - begin;

    price_report_release(&report);
    return ms;
}

int main(void)
{
    const struct run_cfg cfg = { .n_image = 1, .jobs = 1 };
    struct config config;
    struct network network;
    struct plan plan;
    struct run_result result;
    struct err_msg m;

    must(config_load(&config, "configs/dazzi2021_14nm.yaml", NULL, 0, &m), &m);
    const struct resnet_cifar_cfg family = { config.network.depth, config.network.size,
                                             config.network.classes, config.network.channels,
                                             config.network.n_channels };
    must(network_resnet_cifar(&network, &family, &m), &m);
    must(plan_make(&plan, &network, &config, &m), &m);
    must(run(&plan, &cfg, &result, &m), &m);

    const struct price_run counts = { .core = result.core, .stream_bits = result.stream_bits,
                                      .n_image = result.n_image,
                                      .timesteps = result.total_timesteps };
    double best = price_ms(&plan, &counts), worst = best;
    for (int i = 1; i < N_RUN; i++) {
        double ms = price_ms(&plan, &counts);
        best = ms < best ? ms : best;
        worst = ms > worst ? ms : worst;
    }
    printf("pricing a run of ResNet-32, files read: %.2f ms, fastest of %d, spread %.0f %%\n", best,
           N_RUN, 100 * (worst / best - 1));
    run_result_release(&result);
    plan_release(&plan);
    network_release(&network);
    config_release(&config);
    return 0;
}
