/* Layers of tokens in other numbers than doubles: formats beside the definition of their rounding,
 * every byte of random small transformers beside a program of naive loops, lanes and chips beside
 * them, and how many bytes of large layers are others than those of doubles. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "core/simd.h"
#include "network/tokens/norm_values.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"
#include "network/values/plain.h"
#include "network/values/values.h"
#include "study/study.h"
#include "test/random_tokens.h"

enum { N_NETWORK = 300, N_CHIP = 40, N_LANES = 100, MOST = 256 };

struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *d)
{
    d->state = d->state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(d->state >> 33);
}

/* ---- formats ---- */

/* By definition: the nearest multiple of the last place, of which the significand has so many from
 * the leading one on, and from 2^-126 down all the same. */
static double by_definition(enum number_kind kind, double v)
{
    const int digits = kind == NUMBERS_FP32 ? 24 : 8;
    int power;

    if (kind == NUMBERS_DOUBLE || v == 0 || !isfinite(v))
        return v;
    frexp(v, &power); // 2^(power - 1) <= |v| < 2^power
    const int place = (power < -125 ? -125 : power) - digits;
    const double r = ldexp(rint(ldexp(v, -place)), place);
    return fabs(r) >= 0x1p128 ? copysign(INFINITY, v) : r;
}

static void same_rounding(enum number_kind kind, double v)
{
    const double found = number_in(number_format_of(kind), v), want = by_definition(kind, v);

    if (memcmp(&found, &want, sizeof want) != 0)
        fail_msg("format %d: %a becomes %a, want %a", kind, v, found, want);
}

static void numbers_are_rounded_to_the_nearest_of_their_format(void **state)
{
    static const double edges[] = {
        0, -0.0, 1, 0x1p-126, 0x1p-133, 0x1p-134, 0x1.8p-134, 0x1p-149, 0x1p-150, 0x1.8p-150,
        0x1.fep127, 0x1.ffp127, 0x1.fefffffffffffp127, 0x1.fffffep127, 0x1.ffffffp127, 0x1p128,
        0x1p1000, 0x1p-1000, INFINITY, 0x1.01p0, 0x1.03p0, 0x1.0100001p0, 0x1.fefp-127,
    };
    struct dice d = { 1 };

    (void)state;
    assert_null(number_format_of(NUMBERS_DOUBLE));
    for (enum number_kind kind = 0; kind < N_NUMBERS; kind++) {
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
            same_rounding(kind, edges[i]);
            same_rounding(kind, -edges[i]);
        }
        assert_true(isnan(number_in(number_format_of(kind), NAN)));
        for (uint32_t i = 0; i < 200000; i++) {
            const double high = roll(&d), low = roll(&d);
            const int power = (int)(roll(&d) % 320) - 190;
            same_rounding(kind, ldexp(high * 0x1p31 + (i % 3 ? low : 0), power - 62));
        }
    }
}

/* ---- a naive program ---- */

struct naive {
    const struct layer *l;
    const struct token_values *v;
    enum number_kind kind;
    const int32_t *in; // codes: [tokens][channels]
};

static double R(const struct naive *k, double v) // every operation goes through it
{
    return by_definition(k->kind, v);
}

static double cut(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

static int32_t result(const struct naive *k, double steps)
{
    const struct requant *q = &k->l->requant;

    return (int32_t)cut(rint(steps) + q->zero, q->low, q->high);
}

static int32_t less_zero(const struct naive *k, uint32_t part, uint32_t token, uint32_t channel)
{
    return k->in[token * k->l->in.channels + channel] - k->v->part[part].zero;
}

static bool sees(const struct layer *l, uint32_t out, uint32_t in)
{
    const struct window *w = &l->window;
    const int64_t o[] = { out % l->out.height, out / l->out.height };
    const int64_t i[] = { in % l->in.height, in / l->in.height };
    bool inside = true;

    for (int a = 0; a < 2; a++) {
        const int64_t at = i[a] - o[a] * w->stride[a] - w->skip[a] + w->pad_before[a];
        inside &= at >= 0 && at % w->dilation[a] == 0 && at / w->dilation[a] < w->kernel[a];
        inside &= w->block[a] == 0 || i[a] / w->block[a] == o[a] / w->block[a];
    }
    return inside;
}

static double coded(const struct naive *k, const struct code_range *c, double step, double v)
{
    return cut(rint(R(k, v / R(k, step))) + c->zero, c->low, c->high) - c->zero;
}

static double times(const struct naive *k, double a, double b)
{
    return R(k, R(k, a) * R(k, b));
}

static double real_of(const struct naive *k, const struct code_range *c, double v)
{
    return c->step == 0 ? v : times(k, coded(k, c, c->step, v), c->step);
}

/* A channel of a query, key or value as it is multiplied. */
static int32_t entered(const struct naive *k, uint32_t part, uint32_t token, uint32_t first,
                       uint32_t c)
{
    const struct token_rotation *r = part < TOKEN_VALUES ? &k->v->rotation[part] : NULL;
    const uint32_t bits = k->v->bits;
    double x[2] = { less_zero(k, part, token, first + c), 0 };
    const uint32_t other = !r || c >= 2 * r->n ? c
                           : !r->halves        ? c ^ 1
                           : c < r->n          ? c + r->n
                                               : c - r->n;

    x[1] = less_zero(k, part, token, first + other);
    for (int i = 0; i < 2 && bits < 8; i++) {
        const double most = (1 << (bits - 1)) - 1;
        x[i] = cut(rint(ldexp(x[i], (int)bits - 8)), -most, most);
    }
    if (!r || r->n == 0)
        return (int32_t)x[0];
    x[0] = times(k, x[0], k->v->part[part].step);
    x[1] = times(k, x[1], k->v->part[part].step);
    if (c < 2 * r->n) {
        const uint32_t pair = r->halves ? c % r->n : c / 2;
        const double *turn = r->turn + ((size_t)token * r->n + pair) * 2;
        const double moved = real_of(k, &r->moved, c < other ? -x[1] : x[1]);
        x[0] = R(k, real_of(k, &r->straight, times(k, x[0], turn[0])) +
                        real_of(k, &r->crossed, times(k, moved, turn[1])));
    }
    return (int32_t)coded(k, &r->sum, r->sum.step, x[0]);
}

static double step_of(const struct naive *k, uint32_t part)
{
    const bool turned = part < TOKEN_VALUES && k->v->rotation[part].n > 0;
    const double step = turned ? k->v->rotation[part].sum.step : k->v->part[part].step;

    return k->v->bits < 8 ? ldexp(step, 8 - (int)k->v->bits) : step;
}

/* Of a sum of products whose 1 is worth `unit`, by the steps of scores. A step without a bias is
 * divided by at once, in units of its codes. */
static double scored(const struct naive *k, double s, double unit, uint32_t head, size_t at,
                     size_t all)
{
    s = R(k, s);
    for (uint32_t i = 0; i < k->v->n_score; i++) {
        const struct token_score *f = &k->v->score[i];
        unit *= f->scale;
        if (f->codes.step != 0 && !f->bias) {
            s = coded(k, &f->codes, f->codes.step / unit, s);
        } else {
            s = R(k, s * R(k, unit));
            if (f->bias)
                s = R(k, s + R(k, f->bias[(f->n_bias > 1) * head * all + at]));
            if (f->codes.step != 0)
                s = coded(k, &f->codes, f->codes.step, s);
        }
        unit = f->codes.step != 0 ? f->codes.step : 1;
    }
    return unit == 1 ? s : R(k, s * R(k, unit));
}

/* Weights of a query over all tokens, 0 where one takes no part; what divides the sum. */
static double weigh(const struct naive *k, uint32_t head, uint32_t query, double *weight)
{
    const struct layer *l = k->l;
    const struct token_op *t = l->token;
    const struct token_values *v = k->v;
    const uint32_t tokens = l->in.height * l->in.width;
    const uint32_t first = t->weighted ? l->out.channels : t->heads * t->head;
    const uint32_t kv = t->weighted ? 0 : head / (t->heads / t->kv_heads), n = t->head;
    const double product = step_of(k, TOKEN_QUERIES) * step_of(k, TOKEN_KEYS);
    double s[MOST], most = -INFINITY, sum = 0, whole = 0;
    bool part[MOST];

    for (uint32_t j = 0; j < tokens; j++) {
        const size_t at = (size_t)query * tokens + j, all = (size_t)tokens * tokens;
        int64_t acc = 0;
        part[j] = sees(l, query, j) &&
                  !(v->masked && v->masked[(v->n_masked > 1) * head * all + at]);
        for (uint32_t c = 0; !t->weighted && c < n; c++)
            acc += entered(k, TOKEN_QUERIES, query, head * n, c) *
                   entered(k, TOKEN_KEYS, j, first + kv * n, c);
        if (t->weighted)
            acc = entered(k, TOKEN_KEYS, j, first, 0);
        s[j] = scored(k, (double)acc, product, head, at, all);
        most = part[j] && s[j] > most ? s[j] : most;
    }
    for (uint32_t j = 0; j < tokens; j++) {
        weight[j] = part[j] ? R(k, (double)expl(R(k, s[j] - most))) : 0;
        sum = part[j] ? R(k, sum + weight[j]) : sum;
    }
    for (uint32_t j = 0; j < tokens && v->weights != ATTENTION_REAL; j++) {
        if (!part[j])
            continue;
        weight[j] = v->weights == ATTENTION_GRID
                        ? rint(R(k, weight[j] * R(k, ldexp(1, (int)v->bits) - 1)))
                        : coded(k, &v->weight_codes, v->weight_codes.step, R(k, weight[j] / sum));
        whole += weight[j];
    }
    return v->weights == ATTENTION_REAL ? sum : v->weights == ATTENTION_GRID ? R(k, whole) : 1;
}

static int32_t attended(const struct naive *k, uint32_t head, uint32_t query, uint32_t c)
{
    const struct token_op *t = k->l->token;
    const struct token_values *v = k->v;
    const uint32_t tokens = k->l->in.height * k->l->in.width;
    const uint32_t kv = t->weighted ? 0 : head / (t->heads / t->kv_heads);
    const uint32_t first =
        t->weighted ? 0 : (t->heads + t->kv_heads) * t->head + kv * t->value_head;
    double weight[MOST], acc = 0, unit = step_of(k, TOKEN_VALUES) / v->step;
    const double divisor = weigh(k, head, query, weight);

    if (v->weights == ATTENTION_CODES)
        unit = v->weight_codes.step * unit;
    for (uint32_t j = 0; j < tokens; j++) {
        const double term = weight[j] * entered(k, TOKEN_VALUES, j, first, c);
        acc = v->weights == ATTENTION_REAL ? R(k, acc + R(k, term)) : acc + term;
    }
    return result(k, R(k, R(k, R(k, acc) * R(k, unit)) / divisor));
}

/* Of whole numbers exactly; real ones channel by channel. */
static int32_t normalised(const struct naive *k, uint32_t token, uint32_t c)
{
    const struct layer *l = k->l;
    const struct token_values *v = k->v;
    const int64_t n = l->out.channels;
    const bool real = v->steps || l->n_input == 2, rms = l->token->rms;
    double x[MOST], mean = 0, squares = 0, distance, root;
    int64_t whole[MOST], sum = 0, square = 0;

    for (uint32_t i = 0; i < n; i++) {
        whole[i] = less_zero(k, 0, token, i);
        sum += rms ? 0 : whole[i];
        square += whole[i] * whole[i];
        x[i] = R(k, R(k, (double)whole[i]) * R(k, v->steps ? v->steps[i] : v->part[0].step));
        if (l->n_input == 2)
            x[i] = R(k, x[i] + R(k, less_zero(k, 1, token, (uint32_t)n + i) *
                                        R(k, v->part[1].step)));
        mean = rms ? 0 : R(k, mean + x[i]);
    }
    if (real) {
        mean = R(k, mean / R(k, (double)n));
        for (uint32_t i = 0; i < n; i++)
            squares = R(k, squares + R(k, R(k, x[i] - mean) * R(k, x[i] - mean)));
        root = R(k, sqrt(R(k, R(k, squares / R(k, (double)n)) + R(k, v->eps))));
        distance = R(k, x[c] - mean);
    } else {
        const double eps = R(k, v->eps / (v->part[0].step * v->part[0].step));
        root = R(k, sqrt(R(k, R(k, (double)(n * square - sum * sum)) +
                                  R(k, R(k, (double)(n * n)) * eps))));
        distance = R(k, (double)(n * whole[c] - sum));
    }
    const double y = R(k, (root > 0 ? R(k, distance / root) : 0) * R(k, v->gain[c]));
    return result(k, v->offset ? R(k, y + R(k, v->offset[c])) : y);
}

static int32_t naive_output(const struct naive *k, uint32_t out, uint32_t c)
{
    const struct layer *l = k->l;
    const struct token_values *v = k->v;
    const uint32_t n = l->out.channels, tokens = l->in.height * l->in.width;
    uint32_t seen = 0, token = 0;
    int64_t sum = 0;

    for (uint32_t i = 0; i < tokens; i++)
        if (sees(l, out, i)) {
            token = i;
            seen++;
            sum += c < l->in.channels ? less_zero(k, 0, i, c) : 0;
        }
    if (l->kind == LAYER_ATTENTION)
        return attended(k, c / l->token->value_head, out, c % l->token->value_head);
    if (l->kind == LAYER_NORM)
        return normalised(k, token, c);
    if (l->kind == LAYER_MAP)
        return result(k, R(k, R(k, (double)less_zero(k, 0, token, c) *
                                       less_zero(k, 1, token, n + c)) *
                                  R(k, v->part[0].step * v->part[1].step / v->step)));
    if (l->kind == LAYER_SUM_TOKENS && l->token->weighted)
        return attended(k, 0, out, c);
    const double real = R(k, R(k, (double)sum) * R(k, v->part[0].step / v->step));
    if (l->kind == LAYER_SUM_TOKENS)
        return result(k, R(k, real / R(k, seen)));
    const double stored = R(k, v->stored[out * n + c]);
    return result(k, seen ? R(k, real + stored) : stored);
}

/* What a layer reads, its inputs side by side. */
static int32_t *read_codes(const struct network *n, const struct layer *l, const struct plain *p)
{
    const uint32_t tokens = l->in.height * l->in.width;
    int32_t *code = calloc((size_t)tokens * l->in.channels, sizeof *code), *to = code;

    assert_non_null(code);
    for (uint32_t t = 0; t < tokens; t++)
        for (uint32_t i = 0; i < l->n_input; i++)
            for (uint32_t c = 0; c < n->layer[l->input[i]].out.channels; c++)
                *to++ = (int32_t)plain_delivered(
                    p, l->input[i], (size_t)t * n->layer[l->input[i]].out.channels + c);
    return code;
}

static void naive_is(const struct random_tokens *t, const struct plain *p, enum number_kind kind,
                     uint32_t *n_differ)
{
    const struct network *n = &t->rig.network;

    for (uint32_t i = 1; i < n->n_layer; i++) {
        const struct layer *l = &n->layer[i];
        if (!layer_is_of_tokens(l) || !l->token->values || l->table)
            continue;
        int32_t *code = read_codes(n, l, p);
        const struct naive k = { l, l->token->values, kind, code };
        const struct naive real = { l, l->token->values, NUMBERS_DOUBLE, code };
        for (uint32_t o = 0; o < l->out.height * l->out.width; o++)
            for (uint32_t c = 0; c < l->out.channels; c++) {
                const int32_t want = naive_output(&k, o, c);
                const int64_t found = plain_delivered(p, i, (size_t)o * l->out.channels + c);
                if (found != want)
                    fail_msg("seed %u, format %d: %s, kind %d, token %u, channel %u: %d, want %d",
                             t->seed, kind, l->name, l->kind, o, c, (int)found, want);
                *n_differ += naive_output(&real, o, c) != want;
            }
        free(code);
    }
}

static void every_layer_is_that_of_a_naive_program_in_the_same_numbers(void **state)
{
    (void)state;
    for (enum number_kind kind = NUMBERS_FP32; kind < N_NUMBERS; kind++) {
        uint32_t n_differ = 0;
        for (unsigned seed = 1; seed <= N_NETWORK; seed++) {
            struct random_tokens t;
            random_tokens_make(&t, seed, false);
            network_digital_numbers(&t.rig.network, kind);
            struct plain *p = plain_new(&t.rig.network);
            assert_non_null(p);
            plain_run(p, t.image, NULL);
            naive_is(&t, p, kind, &n_differ);
            plain_free(p);
            random_tokens_release(&t);
        }
        if (kind == NUMBERS_BF16)
            assert_true(n_differ > 1000); // or nothing was rounded
    }
}

/* So many channels that their number is rounded, too, and an eps that counts. */
static void norms_round_the_number_of_channels(void **state)
{
    enum { CHANNELS = 391 };
    static double gain[CHANNELS];
    struct dice d = { 3 };

    (void)state;
    for (enum number_kind kind = 0; kind < N_NUMBERS; kind++)
        for (int rms = 0; rms < 2; rms++) {
            int32_t x[CHANNELS], out[CHANNELS];
            int64_t sum = 0, squares = 0;
            for (uint32_t c = 0; c < CHANNELS; c++) {
                gain[c] = 2000 + roll(&d) % 1000;
                x[c] = (int32_t)(roll(&d) % 255) - 127;
                sum += rms ? 0 : x[c];
                squares += x[c] * x[c];
            }
            const struct norm_values f = { .n = CHANNELS, .rms = rms, .eps = 1e4, .gain = gain,
                                           .low = -32768, .high = 32767,
                                           .numbers = number_format_of(kind) };
            norm_of_token(&f, x, out);
            const double v = by_definition(kind, (double)(CHANNELS * squares - sum * sum));
            const double more = by_definition(kind, by_definition(kind, CHANNELS * CHANNELS) *
                                                        by_definition(kind, f.eps));
            const double root = by_definition(kind, sqrt(by_definition(kind, v + more)));
            for (uint32_t c = 0; c < CHANNELS; c++) {
                const double y =
                    by_definition(kind, by_definition(kind, (double)(CHANNELS * x[c] - sum)) /
                                            root);
                assert_int_equal(out[c],
                                 rint(by_definition(kind, y * by_definition(kind, gain[c]))));
            }
        }
}

/* ---- lanes, chips, studies ---- */

static size_t result_values(const struct network *n)
{
    const struct shape s = layer_delivers(network_result(n));

    return (size_t)s.height * s.width * s.channels;
}

static int64_t *results_of_plain(const struct random_tokens *t)
{
    const struct network *n = &t->rig.network;
    const size_t values = result_values(n);
    int64_t *want = calloc(TOKENS_IMAGES * values, sizeof *want);
    struct plain *p = plain_new(n);

    assert_non_null(want);
    assert_non_null(p);
    for (size_t i = 0; i < TOKENS_IMAGES * values; i++) {
        if (i % values == 0)
            plain_run(p, t->image + i / values * t->image_bytes, NULL);
        want[i] = plain_delivered(p, n->n_layer - 1, i % values);
    }
    plain_free(p);
    return want;
}

static void lanes_round_alike(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_LANES; seed++) {
        struct random_tokens t;
        random_tokens_make(&t, seed, false);
        network_digital_numbers(&t.rig.network, seed % 2 ? NUMBERS_BF16 : NUMBERS_FP32);
        const struct shape s = layer_delivers(network_result(&t.rig.network));
        int64_t *want = results_of_plain(&t), *found = calloc(VALUE_LANES * s.channels,
                                                              sizeof *found);
        for (const char *const *k = simd_names(); s.height * s.width == 1 && *k; k++) {
            struct values *v = values_new(&t.rig.network, *k);
            struct value_lanes *l = v ? value_lanes_new(v) : NULL;
            assert_non_null(l);
            assert_non_null(found);
            value_lanes_run(l, t.image, VALUE_LANES, found, NULL);
            assert_memory_equal(found, want, VALUE_LANES * s.channels * sizeof *found);
            value_lanes_free(l);
            values_free(v);
        }
        free(found);
        free(want);
        random_tokens_release(&t);
    }
}

static void chips_round_alike(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_CHIP; seed++) {
        struct random_tokens t;
        struct chip_result r;
        struct err_msg m;
        random_tokens_make(&t, seed, true);
        network_digital_numbers(&t.rig.network, seed % 2 ? NUMBERS_BF16 : NUMBERS_FP32);
        const size_t values = result_values(&t.rig.network);
        const struct chip_cfg cfg = { .plan = &t.rig.plan, .planes = { .n = 1 } };
        int64_t *want = results_of_plain(&t);
        struct chip *chip = chip_new(&cfg);
        assert_non_null(chip);
        assert_true(chip_inject(chip, (const int8_t *)t.image));
        for (int64_t at = -(int64_t)t.rig.plan.time.lead; !chip_result(chip, &r); at++)
            if (chip_run(chip, at, &m))
                fail_msg("seed %u: %s", seed, m.text);
        assert_memory_equal(r.value, want, values * sizeof *want);
        chip_free(chip);
        free(want);
        random_tokens_release(&t);
    }
}

static void numbers_of_a_machine_are_those_of_its_values(void **state)
{
    static const char *const names[] = { "double", "fp32", "bf16" };

    (void)state;
    for (enum number_kind kind = 0; kind < N_NUMBERS; kind++) {
        char text[64];
        const char *const set[] = { "network.random_weights=3", "network.layers=1",
                                    "network.hidden=8", "network.heads=2", "network.ffn=8",
                                    "network.sequence=4", text };
        struct study s;
        struct err_msg m;
        uint32_t n = 0;
        snprintf(text, sizeof text, "digital.numbers=%s", names[kind]);
        if (study_load(&s, "configs/bert_base_spoon.yaml", set, sizeof set / sizeof *set, &m))
            fail_msg("%s", m.text);
        for (uint32_t i = 0; i < s.network.n_layer; i++) {
            const struct token_op *t = s.network.layer[i].token;
            if (!t || !t->values)
                continue;
            assert_ptr_equal(t->values->numbers, number_format_of(kind));
            n++;
        }
        assert_true(n >= 3);
        study_release(&s);
    }
}

/* ---- how far floats are from doubles ---- */

static double normal(struct dice *d)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += roll(d) * 0x1p-31;
    return sum;
}

static int16_t normal_code(struct dice *d)
{
    return (int16_t)cut(rint(32 * normal(d)), -127, 127);
}

struct differs {
    uint32_t n, most; // bytes, and by how much
};

static void compare(struct differs *d, const int32_t *a, const int32_t *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t by = (uint32_t)abs(a[i] - b[i]);
        d->n += by > 0;
        d->most = by > d->most ? by : d->most;
    }
}

/* 332,800 bytes of heads of 64 channels over 128 keys, of a grid of 8 bits. */
static void softmax_in_fp32_gives_the_bytes_of_doubles(void **state)
{
    enum { TOKENS = 128, HEAD = 64, QUERIES = 5200 };
    static int16_t key[TOKENS * HEAD], value[TOKENS * HEAD], query[HEAD];
    static double weight[TOKENS];
    struct differs d = { 0 };
    struct dice dice = { 7 };

    (void)state;
    for (uint32_t q = 0; q < QUERIES; q++) {
        struct attention_values a = { .head = HEAD, .value_head = HEAD,
                                      .n_step = 1, .step = { { .scale = 0x1p-10 / 8 } },
                                      .weights = ATTENTION_GRID, .bits = 8, .unit = 1,
                                      .low = -128, .high = 127 };
        const struct attention_keys keys = { .n = TOKENS, .key = key, .value = value,
                                             .key_step = HEAD, .value_step = HEAD };
        int32_t real[HEAD], rounded[HEAD];
        for (uint32_t i = 0; q % TOKENS == 0 && i < TOKENS * HEAD; i++) {
            key[i] = normal_code(&dice);
            value[i] = normal_code(&dice);
        }
        for (uint32_t i = 0; i < HEAD; i++)
            query[i] = normal_code(&dice);
        attention_of_query(&a, &keys, query, weight, real);
        a.numbers = number_format_of(NUMBERS_FP32);
        attention_of_query(&a, &keys, query, weight, rounded);
        compare(&d, real, rounded, HEAD);
    }
    print_message("softmax: %u of %u bytes, by up to %u\n", d.n, QUERIES * HEAD, d.most);
    assert_true(d.n <= 33 && d.most <= 1); // within: the specification has 0
}

/* 1,536,000 bytes of tokens of 768 channels. */
static void norms_in_fp32_give_nearly_the_bytes_of_doubles(void **state)
{
    enum { CHANNELS = 768, TOKENS = 2000 };
    static double gain[CHANNELS], offset[CHANNELS];
    struct differs d = { 0 };
    struct dice dice = { 9 };

    (void)state;
    for (uint32_t c = 0; c < CHANNELS; c++) {
        gain[c] = 32 * (1 + 0.1 * normal(&dice));
        offset[c] = 3 * normal(&dice);
    }
    for (uint32_t t = 0; t < TOKENS; t++) {
        struct norm_values f = { .n = CHANNELS, .eps = 0.01, .gain = gain, .offset = offset,
                                 .low = -128, .high = 127 };
        int32_t x[CHANNELS], real[CHANNELS], rounded[CHANNELS];
        for (uint32_t c = 0; c < CHANNELS; c++)
            x[c] = normal_code(&dice);
        norm_of_token(&f, x, real);
        f.numbers = number_format_of(NUMBERS_FP32);
        norm_of_token(&f, x, rounded);
        compare(&d, real, rounded, CHANNELS);
    }
    print_message("norm: %u of %u bytes, by up to %u\n", d.n, CHANNELS * TOKENS, d.most);
    assert_true(d.n <= 30 && d.most <= 1); // within: the specification has 9
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_rounded_to_the_nearest_of_their_format),
        cmocka_unit_test(every_layer_is_that_of_a_naive_program_in_the_same_numbers),
        cmocka_unit_test(norms_round_the_number_of_channels),
        cmocka_unit_test(lanes_round_alike),
        cmocka_unit_test(chips_round_alike),
        cmocka_unit_test(numbers_of_a_machine_are_those_of_its_values),
        cmocka_unit_test(softmax_in_fp32_gives_the_bytes_of_doubles),
        cmocka_unit_test(norms_in_fp32_give_nearly_the_bytes_of_doubles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
