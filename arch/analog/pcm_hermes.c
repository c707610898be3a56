/* arch/analog/pcm_hermes.c -- phase-change memory of the HERMES chip, two devices a polarity.
 *
 * R. Khaddam-Aljameh et al., "HERMES-core", IEEE J. Solid-State Circuits 57(4), 2022; M. Le Gallo
 * et al., "A 64-core mixed-signal in-memory compute chip", Nat. Electron. 6, 2023, with the fits
 * that its authors published of it. The polynomials stand for both devices of a polarity together,
 * G_max = 20.7 uS: here they are one. Drift since 300 s, reads of 512 ns.
 */
#include "arch/analog/device.h"
#include "arch/analog/draw.h"

#define G_MAX_US 20.7

static double log_of(double x)
{
    double log;

    x = x < ANALOG_LEAST_X ? ANALOG_LEAST_X : x;
    draw_log(1, &x, &log);
    return log;
}

static double sigma_prog(double x)
{
    return (0.16603222 + x * (4.71806468 + x * (-8.48101252 + x * 4.68961419))) / G_MAX_US;
}

static void drift(double x, double *mean, double *sd)
{
    *mean = x < 0.0945 ? analog_clamp(-0.0387 * log_of(x) - 0.0182, 0.072, 0.13)
                       : -0.0436 * x * x - 0.0126 * x + 0.0736;
    *sd = x < 0.3055 ? analog_clamp(-0.0117 * log_of(x) - 0.0057, 0.0091, 0.04)
                     : -0.0118 * x * x + 0.0093 * x + 0.0073;
}

static void spread(size_t n, const double *x, double *spread)
{
    enum { PIECE = 64 };
    double log[PIECE];

    for (size_t i = 0; i < n; i++) {
        if (i % PIECE == 0) {
            size_t m = n - i < PIECE ? n - i : PIECE;
            for (size_t k = 0; k < m; k++)
                log[k] = x[i + k] < ANALOG_LEAST_X ? ANALOG_LEAST_X : x[i + k];
            draw_log(m, log, log);
        }
        double v = x[i];
        spread[i] = v < 0.16 ? analog_clamp(-0.0117 * log[i % PIECE] - 0.0069, 0.015, 0.04)
                             : 0.0123 + v * (0.0211 + v * (-0.0280 + v * 0.0069));
    }
}

const struct analog_device analog_pcm_hermes = {
    .name = "pcm_hermes",
    .doc = "phase-change memory of the HERMES chip, two devices a polarity (Le Gallo et al. 2023)",
    .g_max_us = G_MAX_US,
    .t0_s = 300,
    .t_read_s = 512e-9,
    .sigma_prog = sigma_prog,
    .drift = drift,
    .spread = spread,
};
