/* arch/analog/device.h -- how the conductance of a memory device spreads, drifts and is read.
 *
 * A model is one file and one row of analog_devices[]. It knows one device, by x = G / G_max, and
 * time t in seconds since it was programmed:
 *
 *     programmed   G_p = max(0, G + G_max sigma_prog(x) N)
 *     drifted      G_t = G_p (max(t, t0) / t0)^-nu,   nu = |mean(x) + sd(x) N|
 *     read         G   = max(0, G_t (1 + spread(G_p / G_max) growth(t) N)),
 *                  growth(t) = sqrt(ln((t + t_read) / (2 t_read)))         (accumulated 1/f noise)
 *
 * x of programming and drift is that of the target; N are standard normal, each its own.
 */
#ifndef ARCH_ANALOG_DEVICE_H
#define ARCH_ANALOG_DEVICE_H

#include <stddef.h>

struct analog_device {
    const char *name; // "pcm_joshi"
    const char *doc;
    double      g_max_us; // 0: it has none of its own
    double      t0_s;     // 0: it does not drift
    double      t_read_s; // 0: its reads have no noise

    /* Of the programmed conductance, as a share of G_max. NULL: analog.sigma_rel. */
    double (*sigma_prog)(double x);

    /* Of the exponent. NULL where t0_s is 0. */
    void (*drift)(double x, double *mean, double *sd);

    /* spread[n] of programmed conductances x[n], which may be the same memory. NULL where t_read_s
     * is 0. */
    void (*spread)(size_t n, const double *x, double *spread);
};

/* A new one is its file and a row here. */
#define ANALOG_DEVICES(X) X(analog_pcm_joshi) X(analog_pcm_hermes) X(analog_levels)
#define ANALOG_DEVICE(name) extern const struct analog_device name;
ANALOG_DEVICES(ANALOG_DEVICE)
#undef ANALOG_DEVICE
extern const struct analog_device analog_ideal; // keeps every weight; no row of the table
extern const struct analog_device *const analog_devices[]; // ends with NULL

/* NULL when there is none. */
const struct analog_device *analog_device_find(const char *name);

/* How much read noise has grown by t > 0; 0 of a device without. */
double analog_read_growth(const struct analog_device *d, double t_s);

/* x of logarithms is never less. */
#define ANALOG_LEAST_X 1e-7

/* value within least and most. */
static inline double analog_clamp(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

#endif
