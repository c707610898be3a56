/* arch/analog/pcm_joshi.c -- a mushroom cell of phase-change memory.
 *
 * V. Joshi et al., "Accurate deep neural network inference using computational phase-change
 * memory", Nat. Commun. 11, 2473, 2020 (programming); S. R. Nandakumar et al., "Phase-change memory
 * models for deep learning training and inference", ICECS 2019 (drift and 1/f noise). The fits are
 * of devices with G_max = 25 uS, drift since 20 s, reads of 250 ns.
 */
#include "arch/analog/device.h"
#include "arch/analog/draw.h"

#define G_MAX_US 25.

static double sigma_prog(double x)
{
    return (0.26348 + 1.9650 * x - 1.1731 * x * x) / G_MAX_US;
}

static void drift(double x, double *mean, double *sd)
{
    double log;

    x = x < ANALOG_LEAST_X ? ANALOG_LEAST_X : x;
    draw_log(1, &x, &log);
    *mean = analog_clamp(-0.0155 * log + 0.0244, 0.049, 0.1);
    *sd = analog_clamp(-0.0125 * log - 0.0059, 0.008, 0.045);
}

/* 0.0088 / x^0.65, where x^0.65 is at least 0.001, and at most 0.2. */
static void spread(size_t n, const double *x, double *spread)
{
    for (size_t i = 0; i < n; i++)
        spread[i] = x[i] < ANALOG_LEAST_X ? ANALOG_LEAST_X : x[i];
    draw_log(n, spread, spread);
    for (size_t i = 0; i < n; i++)
        spread[i] *= -0.65;
    draw_exp(n, spread, spread);
    for (size_t i = 0; i < n; i++)
        spread[i] = analog_clamp(0.0088 * (spread[i] < 1e3 ? spread[i] : 1e3), 0, 0.2);
}

const struct analog_device analog_pcm_joshi = {
    .name = "pcm_joshi",
    .doc = "phase-change memory, mushroom cells (Joshi et al. 2020)",
    .g_max_us = G_MAX_US,
    .t0_s = 20,
    .t_read_s = 250e-9,
    .sigma_prog = sigma_prog,
    .drift = drift,
    .spread = spread,
};
