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

struct draws { // of a device
    double program, drift, read, stuck;
};

/* A device of target x at a time; *sd: of a read's noise, where each has its own. */
static double conductance(const struct naive_effects *e, double x, double t_s,
                          const struct draws *d, double *sd)
{
    double t0 = e->hermes ? 300 : 20, g = x * g_max(e);

    *sd = 0;
    if (d->stuck < e->stuck_off)
        return 0;
    if (d->stuck < e->stuck_off + e->stuck_on)
        return g_max(e);
    if (e->programming)
        g = fmax(0, g + sigma_us(e, x) * d->program);
    double spread = sigma_read(e, g / g_max(e), t_s);
    if (e->drift)
        g *= pow(fmax(t_s, t0) / t0, -exponent(e, x, d->drift));
    *sd = g * spread;
    return e->read && !e->per_mvm ? fmax(0, g * (1 + spread * d->read)) : g;
}

static struct rng device_place(const struct naive_chip *c, const struct plan_core *pc,
                               const char *what, uint32_t set, const double *t_s)
{
    struct rng r = place_of(c, pc, what, true);
    uint64_t bits;

    if (set > 0)
        r = rng_in(r, set);
    if (!t_s)
        return r;
    memcpy(&bits, t_s, sizeof bits);
    return rng_in(r, bits);
}

/* Device k of the weight of a row and a column. */
static double device_of(const struct naive_chip *c, const struct plan_core *pc, uint64_t row,
                        uint64_t column, uint32_t k, double x, double t_s, double *sd)
{
    uint32_t set = c->effects.offset ? k : k / 2, one = c->effects.offset ? 0 : k % 2;
    double n[4][2];

    draw_normals_of(rng_in(device_place(c, pc, "programming", set, NULL), row), column, n[0]);
    draw_normals_of(rng_in(device_place(c, pc, "drift", set, NULL), row), column, n[1]);
    draw_normals_of(rng_in(device_place(c, pc, "read", set, &t_s), row), column, n[2]);
    draw_uniforms_of(rng_in(device_place(c, pc, "stuck", set, NULL), row), column, n[3]);
    const struct draws d = { n[0][one], n[1][one], n[2][one], n[3][one] };
    return conductance(&c->effects, x, t_s, &d, sd);
}

/* ---- cores ---- */

static const struct layer *layer_of(const struct naive_chip *c, const struct plan_core *pc)
{
    return plan_network_layer(c->plan, pc->plan_layer);
}

/* The rows of a core, position by position of the kernel. */
static void list_rows(const struct naive_chip *c, const struct plan_core *pc, struct naive_core *to)
{
    const struct layer *l = layer_of(c, pc);
    uint32_t positions = l->window.kernel[0] * l->window.kernel[1];
    bool whole = !c->plan->layer[pc->plan_layer].inside;

    to->in = allocate(pc->rows, sizeof *to->in);
    for (uint32_t p = 0; p < positions; p++)
        for (uint32_t ch = 0; ch < pc->in_n; ch++) {
            uint32_t at = (pc->row_first / positions + ch) * positions + p; // of the kernel
            if (whole || (at >= pc->row_first && at < pc->row_first + pc->row_n))
                to->in[to->rows++] = (pc->in_first + ch) * positions + p;
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

/* What device k keeps of a weight, of its most. */
static double share_of(const struct naive_effects *e, int32_t w, uint32_t k)
{
    uint32_t bits = e->offset ? 8 : 7, digit = e->offset ? k : k / 2;

    if (e->cell_bits == 0)
        return fmax(0, k == 0 ? w : -w) / 127.;
    if (!e->offset && (w < 0) != (k % 2 == 1))
        return 0;
    uint32_t magnitude = (uint32_t)(e->offset ? w + 128 : abs(w)), n = e->cell_bits;
    magnitude = e->twos ? (uint32_t)(w < 0 ? w + 256 : w) : magnitude;
    uint32_t rest = bits - digit * n, keep = rest < n ? rest : n;
    return (magnitude >> digit * n & ((1u << keep) - 1)) / (exp2(n) - 1);
}

/* 1/128 of a weight, or of a digit, per uS. */
static double unit_of(const struct naive_effects *e)
{
    return 128 * (e->cell_bits ? exp2(e->cell_bits) - 1 : 127) / g_max(e);
}

static int64_t code_of(const struct naive_chip *c, const struct naive_core *to, uint32_t part,
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

static bool has_gates(const struct naive_effects *e)
{
    return e->column_ohm + e->sense_ohm > 0;
}

/* What a column's sense gets at one volt of the rows whose gates are on: the nodes' equations,
 * eliminated from the top. */
static double current_of(const struct naive_effects *e, const struct naive_core *to,
                         const double *g, uint32_t column, const bool *on)
{
    double wire = e->column_ohm * 1e-6, above = 0, drive = 0; // in megohm and uS

    for (uint32_t r = 0; r < to->rows; r++) { // (above + g) v - drive - g = current down
        double own = on[r] ? g[(size_t)r * to->columns + column] : 0;
        double diagonal = above + own, source = drive + own;
        double down = r + 1 < to->rows ? wire : wire + e->sense_ohm * 1e-6;
        above = diagonal / (1 + down * diagonal);
        drive = source / (1 + down * diagonal);
    }
    return drive;
}

/* All rows at full input, at a time: each column, as the converter or nobody sees it. */
static void see_columns(const struct naive_chip *c, const struct plan_core *pc,
                        const struct naive_core *to, double t_s, double *seen)
{
    const struct layer *l = layer_of(c, pc);
    bool is_signed = c->plan->network->layer[l->input[0]].out_signed;
    uint32_t bits = c->plan->layer[pc->plan_layer].array.reads.input_bits;
    double full = exp2(is_signed ? bits - 1 : bits) - 1, unused_sd;
    double *g = allocate((size_t)to->rows * to->columns, sizeof *g);
    bool *on = allocate(to->rows, sizeof *on);
    uint64_t unused = 0;

    memset(on, 1, to->rows * sizeof *on);
    for (uint32_t o = 0; o < to->columns; o++) {
        double sum[NAIVE_MOST_PARTS] = { 0 }, all = 0;
        for (uint32_t k = 0; k < to->n_device; k++) {
            for (uint32_t r = 0; r < to->rows; r++) {
                size_t at = (size_t)r * to->columns + o;
                g[at] = device_of(c, pc, name_of(l, to->in[r]), pc->out_first + o, k,
                                  share_of(&c->effects, to->weight[at], k), t_s, &unused_sd);
                sum[k] += g[at];
            }
            if (has_gates(&c->effects))
                sum[k] = current_of(&c->effects, to, g, o, on);
            all += sum[k];
        }
        seen[o] = all;
        if (!c->effects.through_adc)
            continue;
        seen[o] = 0;
        for (uint32_t k = 0; k < to->n_part; k++)
            seen[o] += (double)code_of(c, to, k, o, is_signed || to->n_part == 1,
                                       nearbyint((to->n_part > 1 ? sum[k] : all) *
                                                 unit_of(&c->effects) * full), 0, &unused);
    }
    free(on);
    free(g);
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
    for (uint32_t k = 0; k < to->n_part; k++) {
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

static void program(const struct naive_chip *c, const struct plan_core *pc, struct naive_core *to)
{
    const struct layer *l = layer_of(c, pc);
    size_t n = (size_t)to->rows * to->columns;

    for (uint32_t k = 0; k < to->n_device; k++) {
        to->g[k] = allocate(n, sizeof *to->g[k]);
        to->sd[k] = allocate(n, sizeof *to->sd[k]);
        to->a[k] = allocate(n, sizeof *to->a[k]);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t in = to->in[i / to->columns], out = pc->out_first + i % to->columns;
        to->weight[i] = weight_of(l, in, out);
        for (uint32_t k = 0; k < to->n_device; k++)
            to->g[k][i] = device_of(c, pc, name_of(l, in), out, k,
                                    share_of(&c->effects, to->weight[i], k), c->effects.t_s,
                                    &to->sd[k][i]);
        for (uint32_t k = 0; k < to->n_part; k++)
            to->a[k][i] = in_16_bits(unit_of(&c->effects) *
                                     (to->n_part > 1 ? to->g[k][i] : to->g[0][i] - to->g[1][i]));
    }
}

static void core_init(const struct naive_chip *c, const struct plan_core *pc, struct naive_core *to)
{
    const struct naive_effects *e = &c->effects;
    uint32_t bits = e->offset ? 8 : 7;
    uint32_t n_digit = e->cell_bits ? (bits + e->cell_bits - 1) / e->cell_bits : 1;

    list_rows(c, pc, to);
    to->columns = pc->out_n;
    to->n_device = e->offset ? n_digit : 2 * n_digit;
    to->n_part = e->cell_bits || e->apart ? to->n_device : 1;
    for (uint32_t k = 0; k < to->n_part; k++)
        to->factor[k] = e->offset ? INT64_C(1) << k * e->cell_bits
                                  : (k % 2 ? -1 : 1) * (INT64_C(1) << k / 2 * e->cell_bits);
    if (e->twos)
        to->factor[7] = -128;
    to->weight = allocate((size_t)to->rows * to->columns, sizeof *to->weight);
    to->k = allocate(to->columns, sizeof *to->k);
    spread_converters(c, pc, to);
    program(c, pc, to);
    for (uint32_t o = 0; o < to->columns; o++)
        to->k[o] = 1;
    if (e->by_core || e->by_column)
        compensate(c, pc, to);
}

/* ---- reads ---- */

struct spot { // an output of a core, and its read
    const struct plan_core *pc;
    uint32_t x, y, channel, part;
    uint64_t read;
};

/* Of a conversion, or of the array with `each`. */
static double noise_of(const struct naive_chip *c, const struct spot *s, bool each)
{
    const struct shape *out = &layer_of(c, s->pc)->out;
    uint64_t quads = (out->channels + 3) / 4;
    uint64_t number = ((s->y * quads + s->channel / 4) * out->height + s->x) * 4 + s->channel % 4;
    struct rng place = rng_in(place_of(c, s->pc, each ? "product" : "conversion", false), s->part);
    uint64_t bits;
    double n[2];

    memcpy(&bits, &c->effects.t_s, sizeof bits);
    place = rng_in(each ? rng_in(place, bits) : place, c->image);
    draw_normals_of(s->read > 0 ? rng_in(place, s->read) : place, number / 2, n);
    return n[number % 2];
}

/* Clock by clock, of inputs of either sign one after the other. */
static double charge_of(const struct naive_chip *c, const struct naive_core *core, uint32_t device,
                        uint32_t o, const int64_t *x)
{
    bool *on = allocate(core->rows, sizeof *on), some = true;
    double charge = 0;

    for (int sign = 1; sign >= -1; sign -= 2, some = true)
        for (int64_t clock = 0; some; clock++) {
            some = false;
            for (uint32_t r = 0; r < core->rows; r++)
                some |= on[r] = sign * x[r] > clock;
            if (some)
                charge += sign * current_of(&c->effects, core, core->g[device], o, on);
        }
    free(on);
    return charge;
}

/* A part's sum of a read that drives x[rows]. */
static int64_t sum_of(const struct naive_chip *c, const struct naive_core *core,
                      const struct spot *s, const int64_t *x)
{
    uint32_t o = s->channel - s->pc->out_first, devices = core->n_part > 1 ? 1 : 2;
    double unit = unit_of(&c->effects), variance = 0, charge = 0;
    int64_t v = 0;

    for (uint32_t r = 0; r < core->rows; r++)
        v += core->a[s->part][(size_t)r * core->columns + o] * x[r];
    for (uint32_t k = s->part; k < s->part + devices; k++) {
        for (uint32_t r = 0; r < core->rows; r++) {
            double sd = unit * core->sd[k][(size_t)r * core->columns + o] * (double)x[r];
            variance += sd * sd;
        }
        if (has_gates(&c->effects))
            charge += (k == s->part ? 1 : -1) * charge_of(c, core, k, o, x);
    }
    if (has_gates(&c->effects))
        v = (int64_t)nearbyint(unit * charge);
    if (c->effects.read && c->effects.per_mvm)
        v += (int64_t)nearbyint(sqrt(variance) * noise_of(c, s, true));
    return v;
}

/* A digit of the inputs of rows [first, first + n): its factor; x[rows]. */
static int64_t digit_of(const struct naive_core *core, const int64_t *input, uint32_t bits,
                        uint32_t bit, uint32_t n_bit, bool is_signed, uint32_t first, uint32_t n,
                        int64_t *x)
{
    bool top = is_signed && bit + n_bit == bits;

    for (uint32_t r = 0; r < core->rows; r++) {
        int64_t v = input[core->in[r]] >> bit & ((1 << n_bit) - 1);
        if (top && n_bit > 1 && v >> (n_bit - 1))
            v -= INT64_C(1) << n_bit;
        x[r] = r >= first && r - first < n ? v : 0;
    }
    return top && n_bit == 1 ? -(INT64_C(1) << bit) : INT64_C(1) << bit;
}

/* What a core gives of output (x, y, channel). */
static int64_t core_gives(struct naive_chip *c, const struct plan_core *pc, struct naive_core *core,
                          uint32_t x, uint32_t y, uint32_t channel, const int64_t *input)
{
    const struct naive_effects *e = &c->effects;
    bool is_signed = c->plan->network->layer[layer_of(c, pc)->input[0]].out_signed;
    uint32_t bits = c->plan->layer[pc->plan_layer].array.reads.input_bits;
    uint32_t each = e->slice_bits && e->slice_bits < bits ? e->slice_bits : bits;
    uint32_t rows = e->rows_at_once && e->rows_at_once < core->rows ? e->rows_at_once : core->rows;
    struct spot s = { .pc = pc, .x = x, .y = y, .channel = channel };
    int64_t *driven = allocate(core->rows, sizeof *driven), total = 0, exact = 0;

    for (uint32_t first = 0; first < core->rows; first += rows)
        for (uint32_t bit = 0; bit < bits; bit += each, s.read++) {
            uint32_t n_bit = bits - bit < each ? bits - bit : each;
            int64_t f = digit_of(core, input, bits, bit, n_bit, is_signed, first, rows, driven);
            bool both = core->n_part == 1 || (is_signed && bit + n_bit == bits && n_bit > 1);
            for (s.part = 0; s.part < core->n_part; s.part++) {
                int64_t v = sum_of(c, core, &s, driven);
                if (e->bits > 0)
                    v = code_of(c, core, s.part, channel - pc->out_first, both, (double)v,
                                e->noise > 0 ? e->noise * noise_of(c, &s, false) : 0,
                                &core->clipped);
                total += f * core->factor[s.part] * v;
            }
            for (uint32_t r = 0; e->offset && !e->twos && r < core->rows; r++)
                total -= 128 * 128 * f * driven[r];
        }
    free(driven);
    for (uint32_t r = 0; r < core->rows; r++)
        exact += core->weight[(size_t)r * core->columns + channel - pc->out_first] *
                 input[core->in[r]];
    int64_t given = (int64_t)nearbyint((double)total * core->k[channel - pc->out_first] / 128);
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
        for (int k = 0; k < NAIVE_MOST_PARTS; k++) {
            free(c->core[i].g[k]);
            free(c->core[i].sd[k]);
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
