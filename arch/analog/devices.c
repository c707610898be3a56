/* arch/analog/devices.c -- see devices.h. */
#include "arch/analog/devices.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arch/analog/draw.h"

enum { MOST_WEIGHT = 128 };

struct target { // of a device that keeps a magnitude
    double g, sigma, nu_mean, nu_sd;
};

typedef void draw_pairs(struct rng r, uint64_t first, size_t n, double *out);

/* Exact, and without a branch: which side a number is on is chance. */
static double at_least_0(double x)
{
    return (x + fabs(x)) / 2;
}

/* Where the draws of an effect begin: at a core. */
static struct rng effect_of(const struct analog_devices *d, const char *what)
{
    struct rng r = rng_in(rng_at(d->spec->seed, what), d->chip);

    r = rng_in(rng_in(rng_in(rng_in(r, d->layer), d->copy), d->group), d->part);
    return d->set > 0 ? rng_in(r, d->set) : r;
}

/* out[columns][2], of a row. */
static void draw_row(const struct analog_devices *d, draw_pairs *draw, struct rng effect,
                     uint32_t row, double *out)
{
    struct rng r = rng_in(effect, d->row[row]);

    for (uint32_t q = 0; q < d->replicas; q++, out += 2 * (size_t)d->outputs)
        draw(r, d->replica[q], d->outputs, out);
}

/* ---- programming ---- */

static struct target target_of(const struct analog_devices *d, uint32_t magnitude)
{
    const struct analog_spec *s = d->spec;
    double share = (double)magnitude / d->w_max;

    if (s->levels > 1)
        share = nearbyint(share * (s->levels - 1)) / (s->levels - 1);
    struct target t = { .g = s->g_min_us + (s->g_max_us - s->g_min_us) * share };
    double x = t.g / s->g_max_us;
    t.sigma = s->prog_scale * s->g_max_us *
              (s->device->sigma_prog ? s->device->sigma_prog(x) : s->sigma_rel);
    if (s->drift)
        s->device->drift(x, &t.nu_mean, &t.nu_sd);
    return t;
}

struct programmer { // of the rows of a core
    struct target target[MOST_WEIGHT + 1]; // of a magnitude
    struct rng    programming, drift, stuck;
    double       *drawn; // owned; [2 * columns]
};

static bool programmer_init(struct programmer *p, const struct analog_devices *d)
{
    p->programming = effect_of(d, "programming");
    p->drift = effect_of(d, "drift");
    p->stuck = effect_of(d, "stuck");
    for (uint32_t w = 0; w <= MOST_WEIGHT; w++)
        p->target[w] = target_of(d, w);
    p->drawn = calloc(2 * (size_t)d->columns, sizeof *p->drawn);
    return p->drawn;
}

static const struct target *plus_of(const struct programmer *p, int32_t w)
{
    return &p->target[w > 0 ? w : 0];
}

static const struct target *minus_of(const struct programmer *p, int32_t w)
{
    return &p->target[w < 0 ? -w : 0];
}

static double programmed(const struct target *t, double normal)
{
    return at_least_0(t->g + t->sigma * normal);
}

static void program_row(const struct analog_devices *d, const struct programmer *p,
                        const int8_t *weight, uint32_t row)
{
    double *g = d->g + 2 * (size_t)row * d->columns;

    if (d->spec->prog_scale > 0) // else sigma is 0
        draw_row(d, draw_normals, p->programming, row, p->drawn);
    for (uint32_t c = 0; c < d->columns; c++) {
        g[2 * c] = programmed(plus_of(p, weight[c]), p->drawn[2 * c]);
        g[2 * c + 1] = programmed(minus_of(p, weight[c]), p->drawn[2 * c + 1]);
    }
}

static void exponents_row(const struct analog_devices *d, const struct programmer *p,
                          const int8_t *weight, uint32_t row)
{
    double *nu = d->nu + 2 * (size_t)row * d->columns;

    draw_row(d, draw_normals, p->drift, row, p->drawn);
    for (uint32_t c = 0; c < d->columns; c++) {
        const struct target *plus = plus_of(p, weight[c]), *minus = minus_of(p, weight[c]);
        nu[2 * c] = fabs(plus->nu_mean + plus->nu_sd * p->drawn[2 * c]);
        nu[2 * c + 1] = fabs(minus->nu_mean + minus->nu_sd * p->drawn[2 * c + 1]);
    }
}

/* What the reads of a row will be off. */
static void spread_row(const struct analog_devices *d, uint32_t row)
{
    const struct analog_spec *s = d->spec;
    size_t n = 2 * (size_t)d->columns;
    double *spread = d->spread + row * n;

    for (size_t i = 0; i < n; i++)
        spread[i] = d->g[row * n + i] / s->g_max_us;
    s->device->spread(n, spread, spread);
}

static void stick_row(const struct analog_devices *d, const struct programmer *p, uint32_t row)
{
    const struct analog_spec *s = d->spec;
    size_t n = 2 * (size_t)d->columns;

    draw_row(d, draw_uniforms, p->stuck, row, p->drawn);
    for (size_t i = 0, at = row * n; i < n; i++, at++) {
        bool off = p->drawn[i] < s->stuck_off, on = p->drawn[i] < s->stuck_off + s->stuck_on;
        if (!on)
            continue;
        d->g[at] = off ? s->g_min_us : s->g_max_us;
        if (d->nu)
            d->nu[at] = 0;
        if (d->spread)
            d->spread[at] = 0;
    }
}

size_t analog_devices_size(const struct analog_spec *spec, size_t n_weight)
{
    return 2 * n_weight * (1 + (size_t)spec->drift + (spec->read_scale > 0));
}

static bool alloc(struct analog_devices *d, const struct analog_core *core)
{
    size_t n = (size_t)d->rows * d->columns;
    double *memory = core->memory;

    if (!memory)
        memory = d->own = malloc(analog_devices_size(d->spec, n) * sizeof *memory);
    d->row = malloc(d->rows * sizeof *d->row);
    d->replica = malloc(d->replicas * sizeof *d->replica);
    if (!d->row || !d->replica || !memory)
        return false;
    d->g = memory;
    d->nu = d->spec->drift ? d->g + 2 * n : NULL;
    d->spread = d->spec->read_scale > 0 ? d->g + (d->nu ? 4 : 2) * n : NULL;
    memcpy(d->row, core->row, d->rows * sizeof *d->row);
    memcpy(d->replica, core->replica, d->replicas * sizeof *d->replica);
    return true;
}

static void program(const struct analog_devices *d, const struct programmer *p,
                    const int8_t *weight)
{
    for (uint32_t r = 0; r < d->rows; r++, weight += d->columns) {
        program_row(d, p, weight, r);
        if (d->nu)
            exponents_row(d, p, weight, r);
        if (d->spread)
            spread_row(d, r);
        if (d->spec->stuck_off + d->spec->stuck_on > 0)
            stick_row(d, p, r);
    }
}

bool analog_devices_init(struct analog_devices *d, const struct analog_spec *spec,
                         const struct analog_core *core)
{
    struct programmer p;

    *d = (struct analog_devices){
        .spec = spec, .chip = core->chip, .layer = core->layer, .copy = core->copy,
        .group = core->group, .part = core->part, .set = core->set,
        .rows = core->rows, .columns = core->replicas * core->outputs,
        .replicas = core->replicas, .outputs = core->outputs, .w_max = core->w_max,
    };
    bool done = programmer_init(&p, d) && alloc(d, core);
    if (done)
        program(d, &p, core->weight);
    else
        analog_devices_release(d);
    free(p.drawn);
    return done;
}

void analog_devices_release(struct analog_devices *d)
{
    free(d->row);
    free(d->replica);
    free(d->own);
    *d = (struct analog_devices){ 0 };
}

/* ---- time ---- */

static double log_of(double x)
{
    double log;

    draw_log(1, &x, &log);
    return log;
}

/* g[2 * columns] of a row. */
static void drift_row(const struct analog_devices *d, uint32_t row, double log_t, double *g)
{
    size_t n = 2 * (size_t)d->columns;
    const double *programmed = d->g + row * n, *nu = d->nu ? d->nu + row * n : NULL;

    if (!nu || log_t == 0) {
        memcpy(g, programmed, n * sizeof *g);
        return;
    }
    for (size_t i = 0; i < n; i++)
        g[i] = -nu[i] * log_t;
    draw_exp(n, g, g);
    for (size_t i = 0; i < n; i++)
        g[i] *= programmed[i];
}

static void read_row(const struct analog_devices *d, uint32_t row, struct rng effect,
                     double growth, double *scratch, double *g)
{
    size_t n = 2 * (size_t)d->columns;
    const double *spread = d->spread + row * n;

    draw_row(d, draw_normals, effect, row, scratch);
    for (size_t i = 0; i < n; i++)
        g[i] = at_least_0(g[i] * (1 + growth * spread[i] * scratch[i]));
}

/* The read noise of a time, wherever in a list the time stands. */
static struct rng read_effect(const struct analog_devices *d, double t_s)
{
    uint64_t bits;

    memcpy(&bits, &t_s, sizeof bits);
    return rng_in(effect_of(d, "read"), bits);
}

bool analog_devices_at(const struct analog_devices *d, double t_s, double *plus, double *minus)
{
    const struct analog_device *model = d->spec->device;
    size_t n = 2 * (size_t)d->columns;
    double *g = malloc(2 * n * sizeof *g);
    double log_t = d->nu && t_s > model->t0_s ? log_of(t_s / model->t0_s) : 0;
    double growth = d->spec->read_scale * analog_read_growth(model, t_s);
    struct rng effect = read_effect(d, t_s);

    assert(t_s > 0);
    for (uint32_t r = 0; g && r < d->rows; r++, plus += d->columns, minus += d->columns) {
        drift_row(d, r, log_t, g);
        if (d->spread && !d->spec->read_each)
            read_row(d, r, effect, growth, g + n, g);
        for (uint32_t c = 0; c < d->columns; c++) {
            plus[c] = g[2 * c];
            minus[c] = g[2 * c + 1];
            assert(plus[c] >= 0 && minus[c] >= 0); // and no NaN
        }
    }
    bool done = g;
    free(g);
    return done;
}

void analog_devices_deviate(const struct analog_devices *d, double t_s, double *plus,
                            double *minus)
{
    double growth = d->spec->read_scale * analog_read_growth(d->spec->device, t_s);

    for (size_t i = 0; i < (size_t)d->rows * d->columns; i++) {
        plus[i] *= growth * d->spread[2 * i];
        minus[i] *= growth * d->spread[2 * i + 1];
    }
}
