/* bench/bench_fabric.c -- what a fabric of routers that is driven alone costs: simulated clocks a
 * second of processor time.
 *
 * A mesh with the article's default routers, packets of one flit at random. The fastest of the runs
 * counts; the spread says how much longer the slowest took. The mark is of the 8 x 8 mesh at 0.1
 * flits a node and clock: 5 times the 15.4 kclocks/s of BookSim2 on the same class of machine.
 *
 * usage: build/bench/bench_fabric        from anywhere
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "noc/fabric.h"
#include "noc/router.h"
#include "noc/traffic.h"

enum { RUNS = 5, WARM_UP = 1000, CLOCKS = 20000 };

static const double LEAST_KCLOCKS = 77;

static void fail(const char *what)
{
    fprintf(stderr, "bench_fabric: %s\n", what);
    exit(EXIT_FAILURE);
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* kclocks/s of one run. */
static double run_once(const struct graph *g, uint64_t rate)
{
    static const struct router_spec spec = { 2, 8, 1, 1, 1, 1, 1, 0, false };
    struct traffic t = { .rate = rate, .n_flit = 1, .warm_up_clk = WARM_UP,
                         .measured_clk = CLOCKS, .seed = 1 };
    struct traffic_result r;
    struct err_msg m;

    if (traffic_find(&t, "uniform", g, &m))
        fail(m.text);
    double start = now_s();
    if (traffic_run(&r, g, &spec, &t, NULL, NULL, &m))
        fail(m.text);
    double kclocks = (double)r.clocks / 1000 / (now_s() - start);
    traffic_result_release(&r);
    traffic_release(&t);
    return kclocks;
}

static double measure(uint32_t side, uint64_t rate)
{
    const struct fabric_cfg cfg = { .rows = side, .columns = side };
    double best = 0, worst = 1e18;
    struct graph g;
    struct err_msg m;

    if (fabric_mesh.graph(&cfg, &g, &m))
        fail(m.text);
    for (int i = 0; i < RUNS; i++) {
        double kclocks = run_once(&g, rate);
        best = kclocks > best ? kclocks : best;
        worst = kclocks < worst ? kclocks : worst;
    }
    graph_release(&g);
    printf("mesh %2" PRIu32 " x %-2" PRIu32 " %4.2f flits/node  %8.1f kclocks/s  %6.2f Mflits/s  "
           "spread %.0f %%", side, side, (double)rate / (double)TRAFFIC_RATE_ONE, best,
           best / 1000 * side * side * (double)rate / (double)TRAFFIC_RATE_ONE,
           100 * (best / worst - 1));
    return best;
}

int main(void)
{
    double mark = measure(8, TRAFFIC_RATE_ONE / 10);

    printf("  %s: wanted %.0f at least\n", mark >= LEAST_KCLOCKS ? "met" : "NOT met",
           LEAST_KCLOCKS);
    measure(8, TRAFFIC_RATE_ONE / 100);
    printf("\n");
    measure(16, TRAFFIC_RATE_ONE / 10);
    printf("\n");
    return EXIT_SUCCESS;
}
