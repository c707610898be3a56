/* bench/measure.h -- what one whole run costs, in a process of its own.
 *
 * So its peak memory is its own, and SystemC, which runs once a process, can be repeated. Time is
 * that of run(): the chip is built, run and freed; reading the configuration, the network and
 * planning are not in it. With one thread it is the processor's, which other work on the host
 * disturbs less, with several the clock's. A run that fails ends the program.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/kernel.h"

struct bench {
    const char      *what;
    const char      *config;
    const char      *set[10]; // key=value, up to a NULL
    enum kernel_kind kernel;
    uint64_t         n_image;
    bool             values; // with images
    bool             timed;  // they travel through the chip
    const char      *simd;   // instruction set; NULL: the fastest
    uint32_t         jobs;
    uint32_t         runs;
};

struct cost { // of one run
    double   run_s, rss_mib;
    uint64_t cores, firings, timesteps, timestep_clk;
    uint64_t images; // that were stepped, under elastic clocking
};

struct cost run_in_child(const struct bench *b, const char *images);

/* Calls measure(user) in a process of its own and returns what it returns. */
struct cost in_child(const char *what, struct cost (*measure)(const void *user), const void *user);

/* Seconds of the processor so far, of this process. */
double cpu_s(void);

/* Ends the program, with the message, where there was an error. */
void must(enum err e, const struct err_msg *m);

/* Path of a quantised network of test/zoo of 224x224, which is written unless it is there. False
 * when it cannot be. */
bool zoo_model(const char *name, char *path, size_t size);

/* Prints a figure beside the one that is wanted at most. */
void print_mark(const char *what, double found, double most, const char *unit);

#endif
