/* test/unit/test_analog_matrix.c -- devices of a core and the integers made of them, against a
 * naive twin with the C library, closed forms of their distributions, and errors of products of
 * 512 x 512 that were worked out elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/analog/converter.h"
#include "arch/analog/matrix.h"
#include "arch/analog/product.h"
#include "core/rng.h"
#include "core/simd.h"

enum { MOST_SIDE = 1024 };

struct bench { // a core of any weights
    struct analog_spec spec;
    struct analog_core core;
    uint64_t           row[MOST_SIDE], replica[4];
    int8_t            *weight; // owned
};

static struct analog_spec joshi(void)
{
    return (struct analog_spec){ .device = &analog_pcm_joshi, .g_max_us = 25, .w_max = 127,
                                 .seed = 3 };
}

static void bench_init(struct bench *b, struct analog_spec spec, uint32_t rows, uint32_t replicas,
                       uint32_t outputs)
{
    b->spec = spec;
    b->weight = calloc(rows, (size_t)replicas * outputs);
    assert_non_null(b->weight);
    for (uint32_t r = 0; r < rows; r++)
        b->row[r] = 1000 + r;
    for (uint32_t q = 0; q < replicas; q++)
        b->replica[q] = (uint64_t)q << 32;
    b->core = (struct analog_core){ .chip = 1, .layer = 2, .copy = 3, .group = 4, .part = 5,
                                    .rows = rows, .replicas = replicas, .outputs = outputs,
                                    .row = b->row, .replica = b->replica, .weight = b->weight,
                                    .w_max = 127 };
}

static size_t n_weight(const struct bench *b)
{
    return (size_t)b->core.rows * b->core.replicas * b->core.outputs;
}

/* From -127 to 127 in turn. */
static void fill(struct bench *b)
{
    for (size_t i = 0; i < n_weight(b); i++)
        b->weight[i] = (int8_t)(i % 255 - 127);
}

static struct analog_devices program(const struct bench *b)
{
    struct analog_devices d;

    assert_true(analog_devices_init(&d, &b->spec, &b->core));
    return d;
}

static struct analog_matrix matrix_at(const struct bench *b, double t_s)
{
    struct analog_devices d = program(b);
    struct analog_matrix m;

    assert_true(analog_matrix_init(&m, &d, 1, t_s));
    analog_devices_release(&d);
    return m;
}

/* ---- without effects ---- */

static void assert_exact(struct analog_spec spec)
{
    struct bench b;
    bench_init(&b, spec, 17, 1, 31);
    fill(&b);
    struct analog_matrix m = matrix_at(&b, 86400);

    for (size_t i = 0; i < n_weight(&b); i++)
        assert_int_equal(m.a[i], 128 * b.weight[i]);
    assert_int_equal(m.saturated, 0);
    analog_matrix_release(&m);
    free(b.weight);
}

static void without_effects_a_weight_is_128_times_itself(void **state)
{
    struct analog_spec s = joshi();

    (void)state;
    assert_exact(s);
    s.device = &analog_levels;
    s.g_max_us = 1000. / 6;
    s.g_min_us = s.g_max_us / 150; // both devices have it
    assert_exact(s);
    s.levels = 128;
    assert_exact(s);
    s.levels = 255;
    assert_exact(s);
}

/* 1 / 127 of 255 steps is 2.008: two of them are 0.996 of a weight. */
static void levels_that_no_weight_is_a_multiple_of_are_not_exact(void **state)
{
    struct bench b;
    struct analog_spec s = joshi();

    (void)state;
    s.levels = 256;
    bench_init(&b, s, 1, 1, 1);
    b.weight[0] = 1;
    struct analog_matrix m = matrix_at(&b, 1);
    assert_int_equal(m.a[0], 127);
    analog_matrix_release(&m);
    free(b.weight);
}

static void what_16_bits_do_not_hold_is_saturated_and_counted(void **state)
{
    struct bench b;
    struct analog_spec s = joshi();

    (void)state;
    s.prog_scale = 100; // 100 uS and more
    bench_init(&b, s, 64, 1, 64);
    struct analog_matrix m = matrix_at(&b, 1);
    uint64_t n = 0;
    for (size_t i = 0; i < n_weight(&b); i++)
        n += m.a[i] == INT16_MAX || m.a[i] == INT16_MIN;
    assert_true(n > 0 && m.saturated >= n && m.saturated <= n + 2);
    analog_matrix_release(&m);
    free(b.weight);
}

static void a_scale_brings_sums_back_and_ends_below_4(void **state)
{
    (void)state;
    assert_int_equal(analog_scale(3, 3), 1 << 30);
    assert_int_equal(analog_scale(3, 2), 3 << 29);
    assert_true(analog_scale(5, 1) == UINT32_MAX && analog_scale(1, 0) == UINT32_MAX);
    assert_int_equal(analog_scaled(64, 1 << 30), 0);  // 0.5, to even
    assert_int_equal(analog_scaled(192, 1 << 30), 2); // 1.5
    assert_int_equal(analog_scaled(-192, 1 << 30), -2);
    assert_int_equal(analog_scaled(128 * 1000, 3 << 29), 1500);
}

/* ---- wires ---- */

/* One device that conducts: in series with its row's driver. */
static void wires_take_their_share_before_rounding(void **state)
{
    const double ohm = 20000, g = 25e-6; // 0.5 of a device
    struct analog_spec s = joshi();
    struct bench b;

    (void)state;
    s.wires = (struct wires){ .model = &wires_exact, .r_driver_ohm = ohm, .rows = 1,
                              .columns = 2 };
    bench_init(&b, s, 1, 1, 1);
    b.weight[0] = 127;
    struct analog_matrix m = matrix_at(&b, 1);
    double seen = g / (1 + ohm * g);
    assert_int_equal(m.a[0], (int)nearbyint(128 * 127 * seen / g));
    assert_true(fabs(m.drop - (1 - seen / g)) < 1e-9 && fabs(m.seen_us - 1e6 * seen) < 1e-9);
    analog_matrix_release(&m);
    b.spec.wires.model = &wires_off;
    m = matrix_at(&b, 1);
    assert_int_equal(m.a[0], 128 * 127);
    analog_matrix_release(&m);
    free(b.weight);
}

/* ---- a naive twin ---- */

static double normal_of(const struct bench *b, const char *what, const double *t_s, uint32_t row,
                        uint64_t column)
{
    const struct analog_core *c = &b->core;
    struct rng r = rng_in(rng_in(rng_at(b->spec.seed, what), c->chip), c->layer);
    uint64_t bits;

    r = rng_in(rng_in(rng_in(r, c->copy), c->group), c->part);
    if (t_s) {
        memcpy(&bits, t_s, sizeof bits);
        r = rng_in(r, bits);
    }
    return rng_normal(rng_in(r, c->row[row]), column);
}

/* Of the device of positive weights. */
static double twin(const struct bench *b, double t_s, uint32_t row, uint32_t q, uint32_t output,
                   int8_t weight)
{
    uint64_t column = b->core.replica[q] + output;
    double x = fmax(weight, 0) / 127., ln = log(fmax(x, 1e-7));
    double g = 25 * x + (0.26348 + 1.9650 * x - 1.1731 * x * x) *
                            normal_of(b, "programming", NULL, row, column);
    g = fmax(g, 0);
    double nu = fabs(fmin(fmax(-0.0155 * ln + 0.0244, 0.049), 0.1) +
                     fmin(fmax(-0.0125 * ln - 0.0059, 0.008), 0.045) *
                         normal_of(b, "drift", NULL, row, column));
    double q_s = fmin(0.0088 / fmax(pow(fmax(g / 25, 1e-7), 0.65), 1e-3), 0.2);
    double now = g * pow(fmax(t_s, 20) / 20, -nu);
    return fmax(0, now * (1 + q_s * sqrt(log((t_s + 250e-9) / 500e-9)) *
                              normal_of(b, "read", &t_s, row, column)));
}

static void devices_are_those_of_a_naive_twin(void **state)
{
    static const double times[] = { 1, 25, 86400, 31536000 };
    struct analog_spec s = joshi();
    struct bench b;

    (void)state;
    s.prog_scale = s.read_scale = 1;
    s.drift = true;
    bench_init(&b, s, 40, 3, 7);
    fill(&b);
    struct analog_devices d = program(&b);
    double *plus = malloc(2 * n_weight(&b) * sizeof *plus), *minus = plus + n_weight(&b);
    for (size_t t = 0; t < sizeof times / sizeof *times; t++) {
        assert_true(analog_devices_at(&d, times[t], plus, minus));
        for (uint32_t r = 0, i = 0; r < 40; r++)
            for (uint32_t c = 0; c < 21; c++, i++)
                assert_true(fabs(plus[i] - twin(&b, times[t], r, c / 7, c % 7, b.weight[i])) <
                            1e-10);
    }
    free(plus);
    analog_devices_release(&d);
    free(b.weight);
}

/* ---- what keys the draws ---- */

static void assert_same(const struct analog_matrix *a, const struct analog_matrix *b, bool same)
{
    size_t n = (size_t)a->rows * a->columns * sizeof *a->a;

    assert_true((memcmp(a->a, b->a, n) == 0) == same);
}

static void each_part_of_a_place_and_the_seed_draw_other_devices(void **state)
{
    struct analog_spec s = joshi();
    struct bench b;

    (void)state;
    s.prog_scale = 1;
    bench_init(&b, s, 20, 1, 20);
    struct analog_matrix m = matrix_at(&b, 25);
    const struct analog_core whole = b.core;
    for (int part = 0; part < 6; part++) {
        b.core = whole;
        b.core.chip += part == 0;
        b.core.layer += part == 1;
        b.core.copy += part == 2;
        b.core.group += part == 3;
        b.core.part += part == 4;
        b.spec.seed += part == 5;
        struct analog_matrix other = matrix_at(&b, 25);
        assert_same(&m, &other, false);
        analog_matrix_release(&other);
    }
    analog_matrix_release(&m);
    free(b.weight);
}

/* The middle replica of three alone, and some of the rows. */
static void a_device_does_not_depend_on_its_neighbours(void **state)
{
    enum { ROWS = 30, OUT = 5 };
    struct analog_spec s = joshi();
    struct bench all, some;

    (void)state;
    s.prog_scale = s.read_scale = 1;
    s.drift = true;
    s.stuck_on = s.stuck_off = 0.05;
    bench_init(&all, s, ROWS, 3, OUT);
    bench_init(&some, s, ROWS / 2, 1, OUT);
    fill(&all);
    some.replica[0] = all.replica[1];
    for (uint32_t r = 0; r < ROWS / 2; r++) {
        some.row[r] = all.row[2 * r + 1];
        memcpy(some.weight + r * OUT, all.weight + (2 * r + 1) * 3 * OUT + OUT, OUT);
    }
    struct analog_matrix a = matrix_at(&all, 3600), b = matrix_at(&some, 3600);
    for (uint32_t r = 0; r < ROWS / 2; r++)
        assert_memory_equal(b.a + r * OUT, a.a + (2 * r + 1) * 3 * OUT + OUT, OUT * sizeof *b.a);
    analog_matrix_release(&a);
    analog_matrix_release(&b);
    free(all.weight);
    free(some.weight);
}

static void turning_an_effect_off_leaves_the_draws_of_others(void **state)
{
    struct analog_spec s = joshi();
    struct bench b;

    (void)state;
    s.prog_scale = s.read_scale = 1;
    s.drift = true;
    bench_init(&b, s, 20, 1, 20);
    fill(&b);
    struct analog_devices all = program(&b);
    b.spec.read_scale = 0;
    struct analog_devices unread = program(&b);
    b.spec.drift = false;
    struct analog_devices still = program(&b);
    size_t bytes = 2 * n_weight(&b) * sizeof *all.g;
    assert_memory_equal(all.g, unread.g, bytes);
    assert_memory_equal(all.g, still.g, bytes);
    assert_memory_equal(all.nu, unread.nu, bytes);
    analog_devices_release(&all);
    analog_devices_release(&unread);
    analog_devices_release(&still);
    free(b.weight);
}

/* ---- one device less a reference ---- */

/* Its conductance, drift and all, against the middle of what it can be. */
static void a_device_alone_is_read_less_a_fixed_reference(void **state)
{
    enum { ROWS = 40, COLUMNS = 30 };
    struct analog_spec s = joshi();
    struct bench b;
    double plus[ROWS * COLUMNS], minus[ROWS * COLUMNS];

    (void)state;
    s.device = &analog_levels;
    s.g_min_us = 2.5;
    s.prog_scale = 1;
    s.sigma_rel = 0.05;
    s.alone = s.centred = true;
    bench_init(&b, s, ROWS, 1, COLUMNS);
    b.core.w_max = 1;
    for (size_t i = 0; i < n_weight(&b); i++)
        b.weight[i] = i % 3 == 0 ? -1 : 1;
    struct analog_devices d = program(&b);
    struct analog_matrix m;
    assert_true(analog_matrix_init(&m, &d, 1, 1) && analog_devices_at(&d, 1, plus, minus));
    assert_int_equal(m.devices, 1);
    for (size_t i = 0; i < n_weight(&b); i++) {
        assert_true(fabs(plus[i] - (b.weight[i] > 0 ? 25 : 2.5)) < 25 * .05 * 5);
        assert_int_equal(m.a[i], (int)nearbyint(128 * (2 * plus[i] - 27.5) / 22.5));
    }
    analog_matrix_release(&m);
    analog_devices_release(&d);
    free(b.weight);
}

/* ---- what no device can be ---- */

/* Ages devices of which one conducts so much, in a process of its own. Returns how that ended. */
static int end_of_conductance(double g_us)
{
    struct bench b;
    bench_init(&b, joshi(), 3, 1, 4);
    struct analog_devices d = program(&b);
    double plus[12], minus[12];

    d.g[5] = g_us;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL); // not cmocka's
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        _exit(!analog_devices_at(&d, 1, plus, minus));
    }
    int end = 0;
    assert_int_equal(waitpid(child, &end, 0), child);
    analog_devices_release(&d);
    free(b.weight);
    return end;
}

static void a_conductance_that_is_none_stops_the_process(void **state)
{
    const double none[] = { nan(""), -nan(""), -0.5 };

    (void)state;
    assert_int_equal(end_of_conductance(0.5), 0);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        int end = end_of_conductance(none[i]);
        assert_true(WIFSIGNALED(end) && WTERMSIG(end) == SIGABRT);
    }
}

/* ---- distributions: a million devices, three standard errors ---- */

enum { SIDE = 1000 };

static void check_near(double got, double want, double standard_error)
{
    if (!(fabs(got - want) <= 3 * standard_error))
        fail_msg("%g is not within %g of %g", got, 3 * standard_error, want);
}

static struct bench million(struct analog_spec s, int8_t weight)
{
    struct bench b;

    bench_init(&b, s, SIDE, 1, SIDE);
    memset(b.weight, weight, n_weight(&b));
    b.core.row = b.row;
    return b;
}

struct moments {
    double mean, sd;
};

static struct moments moments_of(const double *x, size_t step)
{
    struct moments m = { 0 };
    double square = 0;

    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++)
        m.mean += x[i * step] / ((double)SIDE * SIDE);
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++)
        square += (x[i * step] - m.mean) * (x[i * step] - m.mean);
    m.sd = sqrt(square / ((double)SIDE * SIDE - 1));
    return m;
}

static struct analog_devices programmed(struct bench *b)
{
    b->core.row = b->row; // it has moved
    b->core.replica = b->replica;
    return program(b);
}

/* |N| of a zero device cut at 0: mean s / sqrt(2 pi), second moment s^2 / 2. */
static void programming_spreads_as_the_model_says(void **state)
{
    const double n = (double)SIDE * SIDE, x = 64 / 127., pi = acos(-1);
    const double sigma = 0.26348 + 1.9650 * x - 1.1731 * x * x, zero = 0.26348;
    struct analog_spec s = joshi();

    (void)state;
    s.prog_scale = 1;
    struct bench b = million(s, 64);
    struct analog_devices d = programmed(&b);
    struct moments plus = moments_of(d.g, 2), minus = moments_of(d.g + 1, 2);
    double cut = zero * sqrt(0.5 - 1 / (2 * pi));
    check_near(plus.mean, 25 * x, sigma / sqrt(n));
    check_near(plus.sd, sigma, sigma / sqrt(2 * n));
    check_near(minus.mean, zero / sqrt(2 * pi), cut / sqrt(n));
    check_near(minus.sd, cut, cut / sqrt(n)); // heavier tails than a normal one
    analog_devices_release(&d);
    free(b.weight);
}

/* |mu + sd N|: mean sd sqrt(2 / pi) exp(-mu^2 / 2 sd^2) + mu erf(mu / sd sqrt 2). */
static void drift_exponents_spread_as_the_model_says(void **state)
{
    static const int8_t weight[] = { 127, 25, 6 };
    const double n = (double)SIDE * SIDE, pi = acos(-1);
    struct analog_spec s = joshi();

    (void)state;
    s.drift = true;
    for (size_t i = 0; i < sizeof weight; i++) {
        struct bench b = million(s, weight[i]);
        struct analog_devices d = programmed(&b);
        struct moments nu = moments_of(d.nu, 2);
        double mu, sd;
        analog_pcm_joshi.drift(weight[i] / 127., &mu, &sd);
        double mean = sd * sqrt(2 / pi) * exp(-mu * mu / (2 * sd * sd)) +
                      mu * erf(mu / sd / sqrt(2));
        double folded = sqrt(mu * mu + sd * sd - mean * mean);
        check_near(nu.mean, mean, folded / sqrt(n));
        check_near(nu.sd, folded, folded / sqrt(2 * n));
        analog_devices_release(&d);
        free(b.weight);
    }
}

static void reads_spread_as_the_model_says(void **state)
{
    const double n = (double)SIDE * SIDE, x = 64 / 127.;
    struct analog_spec s = joshi();

    (void)state;
    s.read_scale = 1;
    struct bench b = million(s, 64);
    struct analog_devices d = programmed(&b);
    double *plus = malloc(2 * n_weight(&b) * sizeof *plus);
    assert_true(analog_devices_at(&d, 20, plus, plus + n_weight(&b)));
    struct moments got = moments_of(plus, 1);
    double sigma = 25 * x * 0.0088 / pow(x, 0.65) * sqrt(log((20 + 250e-9) / 500e-9));
    check_near(got.mean, 25 * x, sigma / sqrt(n));
    check_near(got.sd, sigma, sigma / sqrt(2 * n));
    free(plus);
    analog_devices_release(&d);
    free(b.weight);
}

static void stuck_devices_are_as_many_as_asked_and_stay_where_they_are(void **state)
{
    const double n = 2 * (double)SIDE * SIDE, p_off = 0.01, p_on = 0.001;
    struct analog_spec s = joshi();
    uint64_t on = 0, off = 0;

    (void)state;
    s.prog_scale = s.read_scale = 1;
    s.drift = true;
    s.stuck_off = p_off;
    s.stuck_on = p_on;
    struct bench b = million(s, 64);
    memset(b.weight, -64, n_weight(&b) / 2);
    struct analog_devices d = programmed(&b);
    double *plus = malloc(2 * n_weight(&b) * sizeof *plus);
    assert_true(analog_devices_at(&d, 31536000, plus, plus + n_weight(&b)));
    for (size_t i = 0; i < 2 * n_weight(&b); i++) {
        bool is_plus = i < n_weight(&b);
        size_t at = is_plus ? i : i - n_weight(&b);
        on += plus[i] == 25;
        off += plus[i] == 0 && (b.weight[at] > 0) == is_plus; // of those that are not 0 anyway
    }
    check_near((double)on / n, p_on, sqrt(p_on / n));
    check_near((double)off / (n / 2), p_off, sqrt(p_off / (n / 2)));
    free(plus);
    analog_devices_release(&d);
    free(b.weight);
}

/* ---- errors of products ---- */

enum { TILE = 512, INPUTS = 40, N_TILE = 3 };

/* Normal with a deviation of 0.25, clipped to -1 .. 1, as a byte. */
static int8_t byte_of(double n)
{
    return (int8_t)nearbyint(127 * fmin(fmax(0.25 * n, -1), 1));
}

/* Error of the products of a tile at a time, as a share of the rms of the exact ones; compensated:
 * since 1 s. */
static double tile_error(struct analog_spec spec, uint32_t tile, double t_s, bool compensated)
{
    static int8_t x[INPUTS][TILE];
    struct bench b;
    double error = 0, all = 0;

    bench_init(&b, spec, TILE, 1, TILE);
    b.core.chip = tile;
    for (size_t i = 0; i < n_weight(&b); i++)
        b.weight[i] = byte_of(rng_normal(rng_at(tile, "weights"), i));
    for (size_t i = 0; i < INPUTS * TILE; i++)
        x[i / TILE][i % TILE] = byte_of(rng_normal(rng_at(tile, "inputs"), i));
    struct analog_matrix m = matrix_at(&b, t_s), before = matrix_at(&b, 1);
    uint32_t k = compensated ? analog_scale(before.seen_us, m.seen_us) : 1 << 30;
    for (uint32_t i = 0; i < INPUTS; i++)
        for (uint32_t c = 0; c < TILE; c++) {
            int32_t v = 0, want = 0;
            for (uint32_t r = 0; r < TILE; r++) {
                v += m.a[r * TILE + c] * x[i][r];
                want += b.weight[r * TILE + c] * x[i][r];
            }
            error += pow((double)(analog_scaled(v, k) - want), 2);
            all += pow(want, 2);
        }
    analog_matrix_release(&m);
    analog_matrix_release(&before);
    free(b.weight);
    return sqrt(error / all);
}

static void check_tiles(struct analog_spec spec, const double *t_s, const double *want, size_t n,
                        double tolerance, bool compensated)
{
    for (size_t i = 0; i < n; i++) {
        double mean = 0;
        for (uint32_t tile = 0; tile < N_TILE; tile++)
            mean += tile_error(spec, tile, t_s[i], compensated) / N_TILE;
        if (!(fabs(mean / want[i] - 1) <= tolerance))
            fail_msg("at %g s: %g is not within %g of %g", t_s[i], mean, tolerance, want[i]);
    }
}
#define CHECK_TILES(spec, t_s, want, tolerance, compensated)                                       \
    check_tiles(spec, t_s, want, sizeof(want) / sizeof *(want), tolerance, compensated)

static const double times[] = { 1, 3600, 86400, 604800, 2592000 };

static void each_effect_alone_errs_as_much_as_worked_out(void **state)
{
    static const double programming[] = { .103 }, read[] = { .074, .093, .099, .102, .105 },
                        drift[] = { .056, .090, .111, .127 };
    struct analog_spec s = joshi();

    (void)state;
    s.prog_scale = 1;
    CHECK_TILES(s, times, programming, 0.015, true);
    s.prog_scale = 0;
    s.read_scale = 1;
    CHECK_TILES(s, times, read, 0.015, true);
    s.read_scale = 0;
    s.drift = true;
    CHECK_TILES(s, times + 1, drift, 0.015, true);
    assert_true(tile_error(s, 0, 1, true) == 0); // which has not begun
}

/* Inputs are rounded to 8 bits, sums to 10 bits over +-10 with a noise of half a step. */
static void converters_alone_err_as_much_as_worked_out(void **state)
{
    enum { COLUMNS = 256 };
    static int8_t w[TILE][COLUMNS];
    const struct analog_converter c = analog_converter_of(10, 10 * 127 * 127, true);
    double error = 0, all = 0, x[TILE];
    uint64_t clipped = 0;

    (void)state;
    for (size_t i = 0; i < TILE * COLUMNS; i++)
        w[i / COLUMNS][i % COLUMNS] = byte_of(rng_normal(rng_at(1, "weights"), i));
    for (uint32_t i = 0; i < INPUTS * N_TILE; i++) {
        for (uint32_t r = 0; r < TILE; r++)
            x[r] = fmin(fmax(.25 * rng_normal(rng_at(i, "inputs"), r), -1), 1);
        for (uint32_t o = 0; o < COLUMNS; o++) {
            double want = 0;
            int64_t v = 0;
            for (uint32_t r = 0; r < TILE; r++) {
                v += 128 * w[r][o] * (int64_t)nearbyint(127 * x[r]);
                want += w[r][o] * 127 * x[r];
            }
            double noise = .5 * rng_normal(rng_at(i, "noise"), o);
            error += pow((double)analog_convert(&c, v, noise, &clipped) / 128 - want, 2);
            all += pow(want, 2);
        }
    }
    assert_int_equal(clipped, 0);
    check_near(sqrt(error / all), .0122, .005 * .0122);
}

/* The figures have converters of 10 bits besides, which err by .0122. */
static double less_converters(double error)
{
    return sqrt(error * error - .0122 * .0122);
}

static void all_effects_err_as_much_as_worked_out_with_and_without_compensation(void **state)
{
    static const double with[] = { .128, .150, .171, .185, .197 },
                        without[] = { .128, .261, .361, .417, .456 };
    double want[2][5];
    struct analog_spec s = joshi();

    (void)state;
    s.prog_scale = s.read_scale = 1;
    s.drift = true;
    for (int i = 0; i < 5; i++) {
        want[0][i] = less_converters(with[i]);
        want[1][i] = less_converters(without[i]);
    }
    CHECK_TILES(s, times, want[0], 0.015, true);
    CHECK_TILES(s, times, want[1], 0.015, false);
}

/* What products of inputs that are independent of each other err by, as a share of the exact ones,
 * both squared and averaged over all inputs: that of the weights. Of so many tiles together, as one
 * has few stuck devices. */
static double weights_error(struct analog_spec spec, uint32_t n_tile)
{
    double error = 0, all = 0;

    for (uint32_t tile = 0; tile < n_tile; tile++) {
        struct bench b;
        bench_init(&b, spec, TILE, 1, TILE);
        b.core.chip = tile;
        for (size_t i = 0; i < n_weight(&b); i++)
            b.weight[i] = byte_of(rng_normal(rng_at(tile, "weights"), i));
        struct analog_matrix m = matrix_at(&b, 1);
        for (size_t i = 0; i < n_weight(&b); i++) {
            double want = 128. * b.weight[i];
            error += (m.a[i] - want) * (m.a[i] - want);
            all += want * want;
        }
        analog_matrix_release(&m);
        free(b.weight);
    }
    return sqrt(error / all);
}

/* About 16,000 and 80,000 stuck devices: the count alone spreads the errors by 0.4 %. */
static void stuck_devices_err_as_much_as_worked_out(void **state)
{
    struct analog_spec s = joshi();

    (void)state;
    s.stuck_on = 1e-3;
    check_near(weights_error(s, 30), .163, .005 * .163);
    s.stuck_on = 0;
    s.stuck_off = 1e-2;
    check_near(weights_error(s, 15), .100, .005 * .100);
}

/* ---- products ---- */

static void products_are_those_of_a_naive_sum_with_every_instruction_set(void **state)
{
    static const uint32_t size[][2] = { { 1, 1 }, { 9, 16 }, { 144, 16 }, { 255, 70 }, { 256, 256 },
                                        { 63, 130 } };
    struct rng r = rng_at(9, "product");

    (void)state;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        uint32_t rows = size[i][0], columns = size[i][1];
        int16_t *a = malloc((size_t)rows * columns * sizeof *a);
        uint8_t x[256];
        int32_t *v = malloc((columns + PRODUCT_COLUMNS) * sizeof *v);
        for (uint32_t k = 0; k < rows * columns; k++)
            a[k] = (int16_t)(rng_u64(r, k) % 65535 - 32767);
        for (uint32_t k = 0; k < rows; k++)
            x[k] = (uint8_t)(rng_u64(r, k) >> 40);
        for (const char *const *name = simd_names(); *name; name++)
            for (int is_signed = 0; is_signed < 2; is_signed++) {
                struct analog_product p;
                assert_true(analog_product_init(&p, rows, columns, a, is_signed, *name));
                analog_product_of(&p, x, v);
                for (uint32_t c = 0; c < columns; c++) {
                    int64_t want = 0;
                    for (uint32_t k = 0; k < rows; k++)
                        want += a[k * columns + c] * (is_signed ? (int8_t)x[k] : x[k]);
                    assert_int_equal(v[c], want);
                }
                analog_product_release(&p);
            }
        free(a);
        free(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_effects_a_weight_is_128_times_itself),
        cmocka_unit_test(levels_that_no_weight_is_a_multiple_of_are_not_exact),
        cmocka_unit_test(what_16_bits_do_not_hold_is_saturated_and_counted),
        cmocka_unit_test(a_scale_brings_sums_back_and_ends_below_4),
        cmocka_unit_test(wires_take_their_share_before_rounding),
        cmocka_unit_test(devices_are_those_of_a_naive_twin),
        cmocka_unit_test(each_part_of_a_place_and_the_seed_draw_other_devices),
        cmocka_unit_test(a_device_does_not_depend_on_its_neighbours),
        cmocka_unit_test(turning_an_effect_off_leaves_the_draws_of_others),
        cmocka_unit_test(a_device_alone_is_read_less_a_fixed_reference),
        cmocka_unit_test(a_conductance_that_is_none_stops_the_process),
        cmocka_unit_test(programming_spreads_as_the_model_says),
        cmocka_unit_test(drift_exponents_spread_as_the_model_says),
        cmocka_unit_test(reads_spread_as_the_model_says),
        cmocka_unit_test(stuck_devices_are_as_many_as_asked_and_stay_where_they_are),
        cmocka_unit_test(converters_alone_err_as_much_as_worked_out),
        cmocka_unit_test(each_effect_alone_errs_as_much_as_worked_out),
        cmocka_unit_test(all_effects_err_as_much_as_worked_out_with_and_without_compensation),
        cmocka_unit_test(stuck_devices_err_as_much_as_worked_out),
        cmocka_unit_test(products_are_those_of_a_naive_sum_with_every_instruction_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
