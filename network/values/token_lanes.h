/* network/values/token_lanes.h -- layers of tokens in vectors of the compiler, for the file of an
 * instruction set, which defines
 *
 *     TARGET    attribute of its functions
 *     DOUBLES   of a vector
 *     add_pairs sum[VALUE_LANES] += products of n pairs, both [n][VALUE_PAIR]
 *
 * and names the kernel. Operations of doubles are those of network/tokens, in their order, and none
 * is fused with another.
 */
#include <math.h>
#include <string.h>

#include "network/values/token_kernel.h"

#define INL TARGET __attribute__((always_inline)) static inline

enum { PARTS = VALUE_LANES / DOUBLES };

typedef int32_t lanes __attribute__((vector_size(VALUE_LANES * sizeof(int32_t))));
typedef int32_t some __attribute__((vector_size(DOUBLES * sizeof(int32_t))));
typedef double reals __attribute__((vector_size(DOUBLES * sizeof(double))));
typedef int64_t longs __attribute__((vector_size(DOUBLES * sizeof(int64_t))));

/* ---- numbers ---- */

INL reals all(double v)
{
    return v - (reals){ 0 };
}

INL reals chosen(longs where, reals v) // 0 elsewhere
{
    return (reals)(where & (longs)v);
}

INL reals either(longs where, reals a, reals b)
{
    return (reals)((where & (longs)a) | (~where & (longs)b));
}

INL reals bounded(reals v, double low, double high)
{
    v = either(v < all(low), all(low), v);
    return either(v > all(high), all(high), v);
}

/* Of less than 2^51 either way. */
INL reals nearest(reals v)
{
    const reals magic = all(0x1.8p52);

    return (v + magic) - magic;
}

/* network/tokens/exponential.h */
INL reals exponentials(reals x)
{
    static const double inverse_factorial[] = { // of 13 down to 0
        0x1.6124613a86d09p-33, 0x1.1eed8eff8d898p-29, 0x1.ae64567f544e4p-26,
        0x1.27e4fb7789f5cp-22, 0x1.71de3a556c734p-19, 0x1.a01a01a01a01ap-16,
        0x1.a01a01a01a01ap-13, 0x1.6c16c16c16c17p-10, 0x1.1111111111111p-7,
        0x1.5555555555555p-5,  0x1.5555555555555p-3,  0.5, 1, 1,
    };
    const longs counts = x >= all(-708);
    const reals k = nearest(either(counts, x, all(0)) * all(0x1.71547652b82fep0));
    const reals r = (x - k * all(0x1.62e42feep-1)) - k * all(0x1.a39ef35793c76p-33);
    reals p = all(inverse_factorial[0]);

    for (int i = 1; i < 14; i++)
        p = p * r + all(inverse_factorial[i]);
    const longs power = ((longs)(k + all(0x1.8p52)) - (longs)all(0x1.8p52) + 1023) << 52;
    return chosen(counts, p * (reals)power);
}

INL reals real_part(const int32_t *v, int part)
{
    some s;

    memcpy(&s, v + part * DOUBLES, sizeof s);
    return __builtin_convertvector(s, reals);
}

/* ---- bytes ---- */

INL lanes all_lanes(int32_t v)
{
    return v - (lanes){ 0 };
}

INL lanes load_lanes(const void *from)
{
    lanes v;

    memcpy(&v, from, sizeof v);
    return v;
}

INL lanes channel_of(const uint8_t *pixel, uint32_t c)
{
    const lanes quad = load_lanes(pixel + (size_t)(c / VALUE_QUAD) * VALUE_BYTES);

    return quad >> (int)(8 * (c % VALUE_QUAD)) & all_lanes(255);
}

INL void put_channel(uint8_t *pixel, uint32_t c, lanes v)
{
    uint8_t *to = pixel + (size_t)(c / VALUE_QUAD) * VALUE_BYTES;
    const int shift = (int)(8 * (c % VALUE_QUAD));
    lanes quad = load_lanes(to);

    quad = (quad & all_lanes((int32_t)~(UINT32_C(255) << shift))) | v << shift;
    memcpy(to, &quad, sizeof quad);
}

/* A part of a result, before it is rounded, as stored bytes. */
INL void put_part(const struct value_result *r, reals v, int part, int32_t *stored)
{
    v = nearest(bounded(v, -0x1p31, 0x1p31)) + all(r->zero);
    const some s = __builtin_convertvector(bounded(v, r->low, r->high), some) + r->offset;
    memcpy(stored + part * DOUBLES, &s, sizeof s);
}

/* ---- attention ---- */

INL lanes entered(const struct value_entering *e, const uint8_t *pixel, uint32_t c)
{
    lanes v = channel_of(pixel, e->channel + c) - all_lanes(e->zero);

    if (e->bits >= 8)
        return v;
    const int shift = (int)(8 - e->bits);
    const lanes most = all_lanes((1 << (e->bits - 1)) - 1);
    v = (v + all_lanes((1 << (shift - 1)) - 1) + (v >> shift & all_lanes(1))) >> shift;
    v = ((v > most) & most) | ((v <= most) & v);
    return ((v < -most) & -most) | ((v >= -most) & v);
}

INL void put_pair(int16_t *to, lanes first, lanes second)
{
    const lanes pair = (first & all_lanes(0xffff)) | second << 16;

    memcpy(to, &pair, sizeof pair);
}

TARGET static void enter(const struct value_entering *e, const uint8_t *pixel, int16_t *to)
{
    for (uint32_t c = 0; c < e->n; c += 2, to += VALUE_PAIR)
        put_pair(to, entered(e, pixel, c),
                 c + 1 < e->n ? entered(e, pixel, c + 1) : all_lanes(0));
}

TARGET static void enter_values(const struct value_entering *e, const uint8_t *first,
                                const uint8_t *second, size_t apart, int16_t *to)
{
    for (uint32_t c = 0; c < e->n; c++, to += apart * VALUE_PAIR)
        put_pair(to, entered(e, first, c), second ? entered(e, second, c) : all_lanes(0));
}

INL reals coded(const struct code_range *c, reals v)
{
    v = nearest(bounded(v / all(c->step), -0x1p31, 0x1p31)) + all(c->zero);
    return bounded(v, c->low, c->high) - all(c->zero);
}

INL bool is_masked(const struct value_query *q, uint32_t j)
{
    return q->masked && q->masked[j];
}

/* score[n]; the largest of those that take part. */
INL void find_scores(const struct value_query *q, reals *most)
{
    const struct attention_values *a = q->values;
    const uint32_t pairs = (a->head + 1) / 2;
    const int16_t *key = q->key;

    for (int p = 0; p < PARTS; p++)
        most[p] = all(-INFINITY);
    for (uint32_t j = 0; j < q->n; j++, key += (size_t)pairs * VALUE_PAIR) {
        int32_t acc[VALUE_LANES] = { 0 };
        if (is_masked(q, j))
            continue;
        add_pairs(acc, q->query, key, pairs);
        for (int p = 0; p < PARTS; p++) {
            reals s = real_part(acc, p);
            if (a->score_codes.step != 0)
                s = coded(&a->score_codes, s);
            s = s * all(a->score);
            if (q->bias)
                s = s + all(q->bias[j]);
            most[p] = either(s > most[p], s, most[p]);
            memcpy(q->score + (size_t)j * VALUE_LANES + p * DOUBLES, &s, sizeof s);
        }
    }
}

/* score[n] become e; sums of them. */
INL void find_powers(const struct value_query *q, const reals *most, reals *sum)
{
    for (int p = 0; p < PARTS; p++) {
        double *at = q->score + p * DOUBLES;
        sum[p] = all(0);
        for (uint32_t j = 0; j < q->n; j++, at += VALUE_LANES) {
            reals e = all(0);
            if (!is_masked(q, j)) {
                memcpy(&e, at, sizeof e);
                e = exponentials(e - most[p]);
            }
            sum[p] = sum[p] + e;
            memcpy(at, &e, sizeof e);
        }
    }
}

/* Whole weights of score[n], and their sums. */
INL void round_weights(const struct value_query *q, const reals *sum, reals *whole)
{
    const struct attention_values *a = q->values;
    const double grid = (double)((1u << a->bits) - 1);

    memset(q->weight + (size_t)(q->n / 2) * VALUE_PAIR, 0, VALUE_PAIR * sizeof *q->weight);
    for (int p = 0; p < PARTS; p++)
        whole[p] = all(0);
    for (uint32_t j = 0; j < q->n; j++) {
        int16_t *to = q->weight + (size_t)(j / 2) * VALUE_PAIR + j % 2;
        for (int p = 0; p < PARTS; p++) {
            reals e;
            memcpy(&e, q->score + (size_t)j * VALUE_LANES + p * DOUBLES, sizeof e);
            e = a->weights == ATTENTION_GRID ? nearest(e * all(grid))
                                             : coded(&a->weight_codes, e / sum[p]);
            whole[p] = whole[p] + e;
            const some w = __builtin_convertvector(e, some);
            for (int i = 0; i < DOUBLES; i++)
                to[2 * (p * DOUBLES + i)] = (int16_t)w[i];
        }
    }
}

INL void put_quotients(const struct value_query *q, uint32_t c, const reals *acc,
                       const reals *divisor)
{
    int32_t stored[VALUE_LANES];

    for (int p = 0; p < PARTS; p++)
        put_part(&q->result, acc[p] * all(q->result.unit) / divisor[p], p, stored);
    put_channel(q->out, q->channel + c, load_lanes(stored));
}

INL void add_whole(const struct value_query *q, const reals *divisor)
{
    for (uint32_t c = 0; c < q->values->value_head; c++) {
        int32_t sum[VALUE_LANES] = { 0 };
        reals acc[PARTS];
        add_pairs(sum, q->weight, q->value + (size_t)c * q->pairs * VALUE_PAIR, (q->n + 1) / 2);
        for (int p = 0; p < PARTS; p++)
            acc[p] = real_part(sum, p);
        put_quotients(q, c, acc, divisor);
    }
}

INL void add_reals(const struct value_query *q, const reals *divisor)
{
    for (uint32_t c = 0; c < q->values->value_head; c++) {
        const int16_t *value = q->value + (size_t)c * q->pairs * VALUE_PAIR;
        reals acc[PARTS];
        for (int p = 0; p < PARTS; p++)
            acc[p] = all(0);
        for (uint32_t j = 0; j < q->n; j++) {
            const lanes pair = load_lanes(value + (size_t)(j / 2) * VALUE_PAIR);
            const lanes v = j % 2 ? pair >> 16 : pair << 16 >> 16;
            int32_t code[VALUE_LANES];
            memcpy(code, &v, sizeof v);
            for (int p = 0; p < PARTS; p++) {
                reals e;
                memcpy(&e, q->score + (size_t)j * VALUE_LANES + p * DOUBLES, sizeof e);
                acc[p] = acc[p] + e * real_part(code, p);
            }
        }
        put_quotients(q, c, acc, divisor);
    }
}

TARGET static void query(const struct value_query *q)
{
    reals most[PARTS], sum[PARTS], whole[PARTS];

    find_scores(q, most);
    find_powers(q, most, sum);
    if (q->values->weights == ATTENTION_REAL) {
        add_reals(q, sum);
        return;
    }
    round_weights(q, sum, whole);
    for (int p = 0; p < PARTS && q->values->weights == ATTENTION_CODES; p++)
        whole[p] = all(1);
    add_whole(q, whole);
}

/* ---- norms ---- */

/* Of a channel's distances from the mean, in the order of network/tokens/norm_values.c. */
INL void put_normalised(const struct value_norm *f, uint32_t c, const reals *distance,
                        const reals *root, uint8_t *out)
{
    int32_t stored[VALUE_LANES];

    for (int p = 0; p < PARTS; p++) {
        reals y = chosen(root[p] > all(0), distance[p] / root[p]) * all(f->norm->gain[c]) +
                  all(f->norm->offset ? f->norm->offset[c] : 0);
        put_part(&f->result, y, p, stored);
    }
    put_channel(out, c, load_lanes(stored));
}

INL void norm_whole(const struct value_norm *f, const uint8_t *in, uint8_t *out)
{
    const int32_t n = (int32_t)f->norm->n;
    lanes sums = all_lanes(0), squares = all_lanes(0);
    int32_t sum[VALUE_LANES], square[VALUE_LANES];
    double roots[VALUE_LANES];
    reals root[PARTS];

    for (uint32_t c = 0; c < f->norm->n; c++) {
        const lanes x = channel_of(in, c) - all_lanes(f->zero[0]);
        sums += f->norm->rms ? all_lanes(0) : x;
        squares += x * x;
    }
    memcpy(sum, &sums, sizeof sums);
    memcpy(square, &squares, sizeof squares);
    for (int i = 0; i < VALUE_LANES; i++)
        roots[i] = sqrt((double)((int64_t)n * square[i] - (int64_t)sum[i] * sum[i]) +
                        (double)((int64_t)n * n) * f->norm->eps);
    memcpy(root, roots, sizeof root);
    for (uint32_t c = 0; c < f->norm->n; c++) {
        const lanes x = (channel_of(in, c) - all_lanes(f->zero[0])) * all_lanes(n) - sums;
        int32_t distance[VALUE_LANES];
        reals real[PARTS];
        memcpy(distance, &x, sizeof x);
        for (int p = 0; p < PARTS; p++)
            real[p] = real_part(distance, p);
        put_normalised(f, c, real, root, out);
    }
}

INL reals real_input(const struct value_norm *f, const uint8_t *in, uint32_t c, int p)
{
    const lanes a = channel_of(in, c) - all_lanes(f->zero[0]);
    int32_t code[VALUE_LANES];

    memcpy(code, &a, sizeof a);
    const reals x = real_part(code, p) * all(f->steps ? f->steps[c] : f->step[0]);
    if (f->parts == 1)
        return x;
    const lanes b = channel_of(in, f->norm->n + c) - all_lanes(f->zero[1]);
    memcpy(code, &b, sizeof b);
    return x + real_part(code, p) * all(f->step[1]);
}

INL void norm_reals(const struct value_norm *f, const uint8_t *in, uint8_t *out)
{
    const uint32_t n = f->norm->n;
    double roots[VALUE_LANES];
    reals mean[PARTS], root[PARTS];

    for (int p = 0; p < PARTS; p++) {
        reals sum = all(0);
        for (uint32_t c = 0; c < n; c++) {
            const reals x = real_input(f, in, c, p);
            memcpy(f->x + (size_t)c * VALUE_LANES + p * DOUBLES, &x, sizeof x);
            sum = f->norm->rms ? sum : sum + x;
        }
        mean[p] = sum / all(n);
        sum = all(0);
        for (uint32_t c = 0; c < n; c++) {
            reals x;
            memcpy(&x, f->x + (size_t)c * VALUE_LANES + p * DOUBLES, sizeof x);
            sum = sum + (x - mean[p]) * (x - mean[p]);
        }
        sum = sum / all(n) + all(f->norm->eps);
        memcpy(roots + p * DOUBLES, &sum, sizeof sum);
    }
    for (int i = 0; i < VALUE_LANES; i++)
        roots[i] = sqrt(roots[i]);
    memcpy(root, roots, sizeof root);
    for (uint32_t c = 0; c < n; c++) {
        reals distance[PARTS];
        memcpy(distance, f->x + (size_t)c * VALUE_LANES, sizeof distance);
        for (int p = 0; p < PARTS; p++)
            distance[p] = distance[p] - mean[p];
        put_normalised(f, c, distance, root, out);
    }
}

TARGET static void norm(const struct value_norm *f, const uint8_t *in, uint8_t *out)
{
    if (f->real)
        norm_reals(f, in, out);
    else
        norm_whole(f, in, out);
}

/* ---- the others ---- */

/* Whole numbers times the unit, over `over`, and `more`. */
INL void put_scaled(const struct value_result *r, uint32_t c, lanes v, double over, double more,
                    uint8_t *out)
{
    int32_t whole[VALUE_LANES], stored[VALUE_LANES];

    memcpy(whole, &v, sizeof v);
    for (int p = 0; p < PARTS; p++)
        put_part(r, real_part(whole, p) * all(r->unit) / all(over) + all(more), p, stored);
    put_channel(out, c, load_lanes(stored));
}

TARGET static void product(const struct value_result *r, const int32_t zero[2], uint32_t n,
                           const uint8_t *in, uint8_t *out)
{
    for (uint32_t c = 0; c < n; c++)
        put_scaled(r, c, (channel_of(in, c) - all_lanes(zero[0])) *
                             (channel_of(in, n + c) - all_lanes(zero[1])), 1, 0, out);
}

TARGET static void add(const struct value_result *r, int32_t zero, uint32_t n,
                       const double *stored, const uint8_t *in, uint8_t *out)
{
    for (uint32_t c = 0; c < n; c++)
        put_scaled(r, c, in ? channel_of(in, c) - all_lanes(zero) : all_lanes(0), 1, stored[c],
                   out);
}

TARGET static void mean(const struct value_result *r, int32_t zero, uint32_t n,
                        const uint8_t *const *pixel, uint32_t n_pixel, uint8_t *out)
{
    for (uint32_t c = 0; c < n; c++) {
        lanes sum = all_lanes(0);
        for (uint32_t i = 0; i < n_pixel; i++)
            sum += channel_of(pixel[i], c) - all_lanes(zero);
        put_scaled(r, c, sum, n_pixel, 0, out);
    }
}

#define TOKEN_KERNEL { enter, enter_values, query, norm, product, add, mean }
