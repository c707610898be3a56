/* bench/bench_kernel.c -- what the kernels cost for each step of a block, in ns.
 *
 * A pipeline of blocks that act once a timestep, as cores do under timestep clocking: each takes a
 * payload from its predecessor and passes it on, visible one timestep later. The blocks do nothing
 * else, so the figure is the kernel's and the channels' own cost: one step, one pop, one push, one
 * commit, and the wakes that go with them. The fastest of several runs counts.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/block.h"
#include "core/chan.h"
#include "core/kernel.h"

enum { TIMESTEP_CYC = 50, PAYLOAD_BYTES = 64, DEPTH = 2, RUNS = 5, EVENTS = 1000000 };

struct stage {
    struct block base;
    struct chan *in, *out; // NULL at the ends of the pipeline
    uint64_t     n_steps;
};

static uint64_t stage_step(struct block *b, uint64_t now_cyc)
{
    struct stage *s = (struct stage *)b;

    s->n_steps++;
    if (s->in && !chan_can_pop(s->in, now_cyc))
        return CYC_NEVER;
    if (s->out && !chan_can_push(s->out))
        return CYC_NEVER;

    static const unsigned char fresh[PAYLOAD_BYTES];
    const void *payload = s->in ? chan_pop(s->in, now_cyc) : fresh;
    if (s->out)
        memcpy(chan_push(s->out, now_cyc + TIMESTEP_CYC), payload, PAYLOAD_BYTES);
    return now_cyc + TIMESTEP_CYC;
}

static void stage_describe(const struct block *b, FILE *out)
{
    fprintf(out, "%s\n", b->path);
}

static const struct block_ops stage_ops = {
    .type = "stage", .step = stage_step, .describe = stage_describe,
};

/* Of processor time, so that a busy machine disturbs less. */
static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static void *must_calloc(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p)
        exit(EXIT_FAILURE);
    return p;
}

/* ns per step of a fresh pipeline of n stages. */
static double run_once(enum kernel_kind kind, size_t n)
{
    struct stage *stage = must_calloc(n, sizeof *stage);
    struct chan *chan = must_calloc(n, sizeof *chan);
    struct block **blocks = must_calloc(n, sizeof *blocks);
    struct chan **chans = must_calloc(n, sizeof *chans);

    for (size_t i = 0; i < n; i++) {
        stage[i].base = (struct block){ .ops = &stage_ops, .path = "stage" };
        blocks[i] = &stage[i].base;
    }
    for (size_t i = 0; i + 1 < n; i++) {
        if (!chan_init(&chan[i], "link", blocks[i], blocks[i + 1], DEPTH, PAYLOAD_BYTES))
            exit(EXIT_FAILURE);
        stage[i].out = stage[i + 1].in = chans[i] = &chan[i];
    }

    struct design design = { blocks, n, chans, n - 1 };
    struct kernel *k = kernel_new(kind, &design, KERNEL_SKIP_IDLE);
    if (!k)
        exit(EXIT_FAILURE);
    kernel_run(k, n * TIMESTEP_CYC); // fill the pipeline
    for (size_t i = 0; i < n; i++)
        stage[i].n_steps = 0;
    double start_ns = now_ns();
    kernel_run(k, (n + EVENTS / n) * TIMESTEP_CYC);
    double elapsed_ns = now_ns() - start_ns;

    uint64_t n_steps = 0;
    for (size_t i = 0; i < n; i++)
        n_steps += stage[i].n_steps;
    kernel_free(k);
    for (size_t i = 0; i + 1 < n; i++)
        chan_release(&chan[i]);
    free(chans);
    free(blocks);
    free(chan);
    free(stage);
    return elapsed_ns / (double)n_steps;
}

static void bench(const char *name, enum kernel_kind kind, size_t n)
{
    double best = run_once(kind, n), worst = best;

    for (int i = 1; i < RUNS; i++) {
        double ns = run_once(kind, n);
        best = ns < best ? ns : best;
        worst = ns > worst ? ns : worst;
    }
    printf("%-8s %5zu blocks  %7.1f ns/step  (worst of %d runs %.1f)\n", name, n, best, RUNS,
           worst);
}

int main(void)
{
    static const size_t sizes[] = { 43, 2000 };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        bench("native", KERNEL_NATIVE, sizes[i]);
    for (size_t i = 0; kernel_available(KERNEL_SYSTEMC) && i < sizeof sizes / sizeof *sizes; i++)
        bench("systemc", KERNEL_SYSTEMC, sizes[i]);
    return EXIT_SUCCESS;
}
