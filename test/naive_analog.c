/* test/naive_analog.c -- see naive_analog.h. */
#include "test/naive_analog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (!p)
        abort();
    return p;
}

/* ---- draws ---- */

/* Number i of a place: two uniform ones. */
static void draw_uniforms_of(struct rng place, uint64_t i, double out[2])
{
    const uint32_t counter[4] = { (uint32_t)i, (uint32_t)(i >> 32), 0, 0 };
    const uint32_t key[2] = { (uint32_t)place.key, (uint32_t)(place.key >> 32) };
    uint32_t word[4];

    rng_philox(counter, key, word);
    for (int k = 0; k < 2; k++)
        out[k] = ldexp((double)((word[2 * k] | (uint64_t)word[2 * k + 1] << 32) >> 11), -53);
}

static void draw_normals_of(struct rng place, uint64_t i, double out[2])
{
    double u[2];

    draw_uniforms_of(place, i, u);
    double radius = sqrt(-2 * log(1 - u[0])), angle = 2 * acos(-1) * u[1];
    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

static struct rng place_of(const struct naive_chip *c, const struct plan_core *pc, const char *what,
                           bool copies)
{
    struct rng r = rng_in(rng_at(c->effects.seed, what), c->effects.chip);

    r = rng_in(r, c->plan->layer[pc->plan_layer].layer);
    if (copies)
        r = rng_in(r, pc->copy);
    return rng_in(rng_in(r, pc->split), pc->part);
}

/* ---- devices ---- */

static double within(double v, double least, double most)
{
    return v < least ? least : v > most ? most : v;
}

static double g_max(const struct naive_effects *e)
{
    return e->hermes ? 20.7 : 25;
}

static double sigma_us(const struct naive_effects *e, double x)
{
    return e->hermes ? 0.16603222 + 4.71806468 * x - 8.48101252 * x * x + 4.68961419 * x * x * x
                     : 0.26348 + 1.9650 * x - 1.1731 * x * x;
}

static double exponent(const struct naive_effects *e, double x, double n)
{
    double ln = log(fmax(x, 1e-7)), mean, sd;

    if (e->hermes) {
        mean = x < .0945 ? within(-0.0387 * ln - 0.0182, .072, .13)
                         : -0.0436 * x * x - 0.0126 * x + 0.0736;
        sd = x < .3055 ? within(-0.0117 * ln - 0.0057, .0091, .04)
                       : -0.0118 * x * x + 0.0093 * x + 0.0073;
    } else {
        mean = within(-0.0155 * ln + 0.0244, 0.049, 0.1);
        sd = within(-0.0125 * ln - 0.0059, 0.008, 0.045);
    }
    return fabs(mean + sd * n);
}

static double sigma_read(const struct naive_effects *e, double x, double t_s)
{
    double t_read = e->hermes ? 512e-9 : 250e-9;
    double q = e->hermes ? (x < .16 ? within(-0.0117 * log(fmax(x, 1e-7)) - 0.0069, .015, .04)
                                    : 0.0069 * x * x * x - 0.0280 * x * x + 0.0211 * x + 0.0123)
                         : fmin(0.0088 / fmax(pow(x, 0.65), 1e-3), 0.2);

    return q * sqrt(log((t_s + t_read) / (2 * t_read)));
}

struct draws { // of the two devices of a weight
    double program[2], drift[2], read[2], stuck[2];
};

static double conductance(const struct naive_effects *e, double x, double t_s,
                          const struct draws *d, int minus)
{
    double t0 = e->hermes ? 300 : 20, u = d->stuck[minus];
    double g = x * g_max(e);

    if (u < e->stuck_off)
        return 0;
    if (u < e->stuck_off + e->stuck_on)
        return g_max(e);
    if (e->programming)
        g = fmax(0, g + sigma_us(e, x) * d->program[minus]);
    double spread = sigma_read(e, g / g_max(e), t_s);
    if (e->drift)
        g *= pow(fmax(t_s, t0) / t0, -exponent(e, x, d->drift[minus]));
    return e->read ? fmax(0, g * (1 + spread * d->read[minus])) : g;
}

/* What the two devices of a weight are at a time. */
static void devices_of(const struct naive_chip *c, const struct plan_core *pc, uint64_t row,
                       uint64_t column, int32_t weight, double t_s, double g[2])
{
    uint64_t bits;
    struct draws d;

    memcpy(&bits, &t_s, sizeof bits);
    draw_normals_of(rng_in(place_of(c, pc, "programming", true), row), column, d.program);
    draw_normals_of(rng_in(place_of(c, pc, "drift", true), row), column, d.drift);
    draw_uniforms_of(rng_in(place_of(c, pc, "stuck", true), row), column, d.stuck);
    draw_normals_of(rng_in(rng_in(place_of(c, pc, "read", true), bits), row), column, d.read);
    for (int k = 0; k < 2; k++) {
        int32_t w = k == 0 ? weight : -weight;
        g[k] = conductance(&c->effects, w > 0 ? w / 127. : 0, t_s, &d, k);
    }
}

/* ---- cores ---- */

static const struct layer *layer_of(const struct naive_chip *c, const struct plan_core *pc)
{
    return plan_network_layer(c->plan, pc->plan_layer);
}

/* The rows of a core, [channel][position]. */
static void list_rows(const struct naive_chip *c, const struct plan_core *pc, struct naive_core *to)
{
    const struct layer *l = layer_of(c, pc);
    uint32_t positions = l->window.kernel[0] * l->window.kernel[1];

    to->in = allocate(pc->rows, sizeof *to->in);
    for (uint32_t i = 0; i < pc->in_n * positions; i++) {
        uint32_t of_kernel = pc->row_first / positions * positions + i;
        bool whole = !c->plan->layer[pc->plan_layer].inside;
        if (whole || (of_kernel >= pc->row_first && of_kernel < pc->row_first + pc->row_n))
            to->in[to->rows++] = pc->in_first * positions + i;
    }
    if (to->rows != pc->rows)
        abort();
}

static uint64_t name_of(const struct layer *l, uint32_t in)
{
    uint32_t width = l->window.kernel[1], positions = l->window.kernel[0] * width;
    uint64_t x = in % positions / width * l->window.dilation[0];
    uint64_t y = in % positions % width * l->window.dilation[1];

    return (x << 20 | y) << 24 | in / positions;
}

static int32_t weight_of(const struct layer *l, uint32_t in, uint32_t out)
{
    uint32_t rows = layer_kernel_rows(l), group = out / (l->out.channels / l->groups);

    return in / rows == group ? l->weight[out * rows + in % rows] : 0;
}

static int64_t code_of(const struct naive_chip *c, const struct naive_core *to, int part,
                       uint32_t column, bool both_signs, double v, double noise, uint64_t *clipped)
{
    const struct naive_effects *e = &c->effects;
    double codes = exp2(e->bits), least = both_signs ? -codes / 2 : 0;
    double most = both_signs ? codes / 2 - 1 : codes - 1;
    double step = ceil(128. * (double)e->range / (both_signs ? codes / 2 : codes - 1));
    double code = nearbyint(v * to->gain[part][column] / step + to->offset[part][column] + noise);

    *clipped += code < least || code > most;
    return (int64_t)(within(code, least, most) * step);
}

/* All rows at full input, at a time: each column, as the converter or nobody sees it. */
static void see_columns(const struct naive_chip *c, const struct plan_core *pc,
                        const struct naive_core *to, double t_s, double *seen)
{
    const struct layer *l = layer_of(c, pc);
    bool is_signed = c->plan->network->layer[l->input[0]].out_signed;
    uint32_t bits = c->plan->layer[pc->plan_layer].array.reads.input_bits;
    double full = exp2(is_signed ? bits - 1 : bits) - 1, unit = 128 * 127 / g_max(&c->effects);
    bool apart = c->effects.apart;
    uint64_t unused = 0;

    for (uint32_t o = 0; o < to->columns; o++) {
        double sum[2] = { 0, 0 }, g[2];
        for (uint32_t r = 0; r < to->rows; r++) {
            devices_of(c, pc, name_of(l, to->in[r]), pc->out_first + o,
                       to->weight[r * to->columns + o], t_s, g);
            sum[0] += g[0];
            sum[1] += g[1];
        }
        seen[o] = sum[0] + sum[1];
        if (!c->effects.through_adc)
            continue;
        seen[o] = 0;
        for (int k = 0; k < (apart ? 2 : 1); k++)
            seen[o] += (double)code_of(c, to, k, o, is_signed || !apart,
                                       nearbyint((apart ? sum[k] : sum[0] + sum[1]) * unit * full),
                                       0, &unused);
    }
}

static void compensate(const struct naive_chip *c, const struct plan_core *pc,
                       struct naive_core *to)
{
    double *was = allocate(to->columns, sizeof *was), *is = allocate(to->columns, sizeof *is);
    double all_was = 0, all_is = 0;

    see_columns(c, pc, to, c->effects.reference_s, was);
    see_columns(c, pc, to, c->effects.t_s, is);
    for (uint32_t o = 0; o < to->columns; o++) {
        all_was += was[o];
        all_is += is[o];
    }
    for (uint32_t o = 0; o < to->columns; o++) {
        double k = c->effects.by_column ? (was[o] == is[o] ? 1 : was[o] / is[o]) : all_was / all_is;
        to->k[o] = ldexp(fmin(nearbyint(ldexp(k, 30)), UINT32_MAX), -30);
    }
    free(was);
    free(is);
}

static void spread_converters(const struct naive_chip *c, const struct plan_core *pc,
                              struct naive_core *to)
{
    for (uint32_t k = 0; k < 2; k++) {
        to->gain[k] = allocate(to->columns, sizeof(double));
        to->offset[k] = allocate(to->columns, sizeof(double));
        for (uint32_t o = 0; o < to->columns; o++) {
            double n[2];
            draw_normals_of(rng_in(place_of(c, pc, "converter", true), k), pc->out_first + o, n);
            to->gain[k][o] = 1 + c->effects.gain_sd * n[0];
            to->offset[k][o] = c->effects.offset_sd * n[1];
        }
    }
}

static int32_t in_16_bits(double a)
{
    return (int32_t)within(nearbyint(a), INT16_MIN, INT16_MAX);
}

static void core_init(const struct naive_chip *c, const struct plan_core *pc, struct naive_core *to)
{
    const struct layer *l = layer_of(c, pc);
    double unit = 128 * 127 / g_max(&c->effects), g[2];

    list_rows(c, pc, to);
    to->columns = pc->out_n;
    size_t n = (size_t)to->rows * to->columns;
    to->weight = allocate(n, sizeof *to->weight);
    to->a[0] = allocate(n, sizeof *to->a[0]);
    to->a[1] = allocate(n, sizeof *to->a[1]);
    to->k = allocate(to->columns, sizeof *to->k);
    spread_converters(c, pc, to);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t in = to->in[i / to->columns], out = pc->out_first + i % to->columns;
        to->weight[i] = weight_of(l, in, out);
        devices_of(c, pc, name_of(l, in), out, to->weight[i], c->effects.t_s, g);
        to->a[0][i] = in_16_bits(unit * (c->effects.apart ? g[0] : g[0] - g[1]));
        to->a[1][i] = in_16_bits(unit * g[1]);
    }
    for (uint32_t o = 0; o < to->columns; o++)
        to->k[o] = 1;
    if (c->effects.by_core || c->effects.by_column)
        compensate(c, pc, to);
}

/* ---- reads ---- */

static double noise_of(const struct naive_chip *c, const struct plan_core *pc, int part, uint32_t x,
                       uint32_t y, uint32_t channel)
{
    const struct shape *out = &layer_of(c, pc)->out;
    uint64_t quads = (out->channels + 3) / 4;
    uint64_t number = ((y * quads + channel / 4) * out->height + x) * 4 + channel % 4;
    struct rng place = rng_in(place_of(c, pc, "conversion", false), (uint64_t)part);
    double n[2];

    draw_normals_of(rng_in(place, c->image), number / 2, n);
    return c->effects.noise * n[number % 2];
}

/* What a core gives of output (x, y, channel). */
static int64_t core_gives(struct naive_chip *c, const struct plan_core *pc, struct naive_core *core,
                          uint32_t x, uint32_t y, uint32_t channel, const int64_t *input)
{
    const struct layer *l = layer_of(c, pc);
    bool both = c->plan->network->layer[l->input[0]].out_signed || !c->effects.apart;
    uint32_t o = channel - pc->out_first;
    int64_t v[2] = { 0, 0 }, exact = 0;

    for (uint32_t r = 0; r < core->rows; r++)
        for (int k = 0; k < 2; k++) {
            size_t at = (size_t)r * core->columns + o;
            v[k] += core->a[k][at] * input[core->in[r]];
            exact += k == 0 ? core->weight[at] * input[core->in[r]] : 0;
        }
    for (int k = 0; c->effects.bits > 0 && k < 2; k++)
        v[k] = k == 1 && !c->effects.apart
                   ? 0
                   : code_of(c, core, k, o, both, (double)v[k],
                             c->effects.noise > 0 ? noise_of(c, pc, k, x, y, channel) : 0,
                             &core->clipped);
    int64_t sum = v[0] - (c->effects.apart ? v[1] : 0);
    int64_t given = (int64_t)nearbyint((double)sum * core->k[o] / 128);
    core->error += (double)((given - exact) * (given - exact));
    core->square += (double)(exact * exact);
    return given;
}

/* Sum of an output; patch: of the layer, less its zero point. */
static int64_t product(void *user, uint32_t layer, uint32_t x, uint32_t y, uint32_t o,
                       const int64_t *patch)
{
    struct naive_chip *c = user;
    const struct layer *l = &c->plan->network->layer[layer];
    uint32_t rows = layer_kernel_rows(l), n = rows * l->groups;
    int64_t *input = allocate(n, sizeof *input), sum = 0;

    for (uint32_t i = 0; i < n; i++)
        input[i] = patch[i] + l->in_zero;
    for (uint32_t i = 0; i < c->plan->n_core; i++) {
        const struct plan_core *pc = &c->plan->core[i];
        bool its = c->plan->layer[pc->plan_layer].layer == layer && o >= pc->out_first &&
                   o - pc->out_first < pc->out_n;
        sum += its ? core_gives(c, pc, &c->core[i], x, y, o, input) : 0;
    }
    for (uint32_t i = 0; i < rows; i++)
        sum -= (int64_t)l->in_zero * l->weight[(size_t)o * rows + i];
    free(input);
    return sum;
}

/* ---- chips ---- */

void naive_chip_init(struct naive_chip *c, const struct plan *p, const struct naive_effects *e)
{
    *c = (struct naive_chip){ .plan = p, .effects = *e };
    c->core = allocate(p->n_core, sizeof *c->core);
    for (uint32_t i = 0; i < p->n_core; i++)
        if (!layer_is_digital(layer_of(c, &p->core[i])))
            core_init(c, &p->core[i], &c->core[i]);
    reference_init(&c->digital, p->network);
    c->digital.product = product;
}

void naive_chip_release(struct naive_chip *c)
{
    reference_release(&c->digital);
    for (uint32_t i = 0; i < c->plan->n_core; i++) {
        free(c->core[i].in);
        free(c->core[i].weight);
        free(c->core[i].k);
        for (int k = 0; k < 2; k++) {
            free(c->core[i].a[k]);
            free(c->core[i].gain[k]);
            free(c->core[i].offset[k]);
        }
    }
    free(c->core);
}

void naive_chip_run(struct naive_chip *c, const void *image)
{
    c->digital.user = c;
    reference_run(&c->digital, image);
    c->image++;
}
