/* onnx/read/sum_function.c -- functions of a sum that is not rounded before them; see reader.h.
 *
 * What operators that work value by value make of a draft's real result and of single constants is
 * a function of one real number, and its QuantizeLinear makes that a step function
 * (network/step_function.h): it becomes part of the draft's own layer, whose digital processor has
 * the sum. The float evaluator computes the function, in single precision; the numbers at which the
 * code changes are found by halving, to the two neighbours in single precision that have different
 * codes. So the code of a sum is that of the function but within 2^-24 of such a number.
 *
 * Numbers are halved between samples, 256 for each power of two. A sample that is larger or smaller
 * than both its neighbours is a peak, where the function might pass another code and come back
 * between samples: where its neighbours are further away than the next code is, the peak is looked
 * for.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "network/precision.h"
#include "network/step_function.h"
#include "onnx/float/graph.h"
#include "onnx/read/reader.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

enum {
    MOST_CHAIN = 64,     // operators in a row
    SAMPLE_STEP = 1 << 15, // numbers of single precision from one sample to the next
    PEAK_SAMPLES = 32,
    LEAST_EXPONENT = -24 // of a sample by a step of the result
};

static enum err no_memory(const struct onnx_reader *r)
{
    return err_set(r->msg, ERR_MEMORY, "no memory for a function of sums");
}

/* ---- What a value is as a function of a sum ---- */

/* Whether a value is a draft that no layer has rounded, or a function of one: of which. A map times
 * constants is a function of the map's bytes, curve.c. */
static bool is_of_sum(const struct onnx_reader *r, uint32_t value, uint32_t *sum)
{
    const struct onnx_meaning *m = &r->meaning[value];
    const struct onnx_draft *d = m->draft;

    *sum = m->means == ONNX_FUNCTION ? m->sum : value;
    return m->means == ONNX_FUNCTION ||
           (m->means == ONNX_DRAFT && !d->largest && !layer_is_of_tokens(&d->layer) &&
            (d->layer.kind != LAYER_SCALE || d->layer.has_residual));
}

/* Whether all that a node reads but constants follows from one sum; in how many inputs. */
static uint32_t common_sum(const struct onnx_reader *r, const struct onnx_node *node, uint32_t *sum)
{
    uint32_t n = 0, one;

    for (uint32_t i = 0; i < node->n_input; i++) {
        if (!onnx_has_input(node, i) || onnx_is_constant(onnx_input(r, node, i)))
            continue;
        if (!is_of_sum(r, node->input[i], &one) || (n > 0 && one != *sum))
            return 0;
        *sum = one;
        n++;
    }
    return n;
}

bool onnx_function_continues(const struct onnx_reader *r, const struct onnx_node *node, bool known)
{
    uint32_t sum = 0;

    if (!float_is_elementwise(node) && !onnx_node_is(node, "QuantizeLinear"))
        return false;
    const uint32_t n = common_sum(r, node, &sum);
    for (uint32_t i = 0; i < node->n_input && n > 0; i++)
        if (onnx_has_input(node, i) && onnx_input(r, node, i)->means == ONNX_FUNCTION)
            return true;
    if (n == 0 || onnx_node_is(node, "QuantizeLinear"))
        return false;
    const bool divisor = onnx_node_is(node, "Div") && !onnx_is_constant(onnx_input(r, node, 1));
    return !known || divisor || r->graph.value[sum].n_reader > 1;
}

/* What is made of numbers: a value's array over them, or a constant. */
struct numbers {
    struct onnx_reader *r;
    uint32_t            sum;
    const float        *x; // [n]
    uint32_t            n;
    uint32_t            depth; // how many more operators may be between
};

static enum err evaluate(struct numbers *of, uint32_t value, struct array *out);

static enum err operand(void *context, const struct onnx_node *node, uint32_t i, struct array *out)
{
    struct numbers of = *(const struct numbers *)context;
    const struct onnx_meaning *m = onnx_input(of.r, node, i);

    of.depth--;
    if (!onnx_is_constant(m))
        return evaluate(&of, node->input[i], out);
    if (m->tensor.n != 1)
        return onnx_node_refuse(node, of.r->msg, "input %" PRIu32 " has %zu constants: want one, "
                                "or QuantizeLinear and DequantizeLinear in front of it", i,
                                m->tensor.n);
    if (m->means == ONNX_STORED)
        return array_from_tensor(out, &m->tensor) ? ERR_NONE : no_memory(of.r);
    if (!array_init(out, TYPE(FLOAT), 0, NULL))
        return no_memory(of.r);
    out->real[0] = (float)onnx_constant(m, 0);
    return ERR_NONE;
}

static enum err evaluate(struct numbers *of, uint32_t value, struct array *out)
{
    struct onnx_reader *r = of->r;

    if (value != of->sum) {
        const struct onnx_node *node = &r->graph.node[r->graph.value[value].index];
        if (of->depth == 0)
            return onnx_node_refuse(node, r->msg, "is behind more than %d operators without "
                                    "QuantizeLinear: want one between them", MOST_CHAIN);
        return onnx_evaluate(r, node, operand, of, out);
    }
    if (!array_init(out, TYPE(FLOAT), 1, &of->n))
        return no_memory(r);
    memcpy(out->real, of->x, of->n * sizeof *of->x);
    return ERR_NONE;
}

/* ---- Samples ---- */

struct sample {
    int32_t key; // of the number, in order
    float   real;
    int32_t code;
};

struct samples {
    struct sample *at; // owned; ascending keys
    size_t         n, room;
};

/* Numbers of single precision, in order, as whole numbers. */
static int32_t key_of(float x)
{
    int32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? INT32_MIN - bits : bits;
}

static float number_of(int32_t key)
{
    const int32_t bits = key < 0 ? INT32_MIN - key : key;
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

struct search { // for the thresholds of a value, which is rounded as q says
    struct onnx_reader             *r;
    const struct onnx_quantisation *q;
    uint32_t                        sum, value;
    float                           least, most; // sums; beyond them the function stays as it is
    struct samples                  all;
};

static bool add(struct samples *s, int32_t key)
{
    if (s->n == s->room) {
        const size_t room = max_u64(64, 2 * s->room);
        struct sample *longer = realloc(s->at, room * sizeof *longer);
        if (!longer)
            return false;
        s->at = longer;
        s->room = room;
    }
    s->at[s->n++] = (struct sample){.key = key};
    return true;
}

static int32_t code_of(const struct onnx_quantisation *q, float real)
{
    const double code = (double)rintf(real / (float)q->scale) + q->zero;

    return (int32_t)fmin(fmax(code, q->least), q->most);
}

/* The samples from `first` on. */
static enum err measure(const struct search *s, struct samples *of, size_t first)
{
    const uint32_t n = (uint32_t)(of->n - first);
    float *x = malloc(max_u64(n, 1) * sizeof *x);
    struct array out = {0};

    for (uint32_t i = 0; x && i < n; i++)
        x[i] = fminf(fmaxf(number_of(of->at[first + i].key), s->least), s->most);
    struct numbers numbers = {s->r, s->sum, x, n, MOST_CHAIN};
    enum err e = x ? evaluate(&numbers, s->value, &out) : no_memory(s->r);
    if (!e && out.n != n)
        e = onnx_node_refuse(&s->r->graph.node[s->r->graph.value[s->value].index], s->r->msg,
                             "is no function of one number: want QuantizeLinear and "
                             "DequantizeLinear in front of it");
    for (uint32_t i = 0; !e && i < n; i++) {
        of->at[first + i].real = (float)array_get(&out, i);
        of->at[first + i].code = code_of(s->q, of->at[first + i].real);
    }
    array_release(&out);
    free(x);
    return e;
}

static int by_key(const void *a, const void *b)
{
    const int32_t k = ((const struct sample *)a)->key, l = ((const struct sample *)b)->key;

    return k < l ? -1 : k > l;
}

/* All samples but those between the peaks: of either sign, and 0. */
static enum err sample(struct search *s, float most)
{
    const int32_t last = key_of(most);
    const int32_t first = min_i32(last, key_of(ldexpf((float)s->q->scale, LEAST_EXPONENT)));
    bool room = add(&s->all, 0) && add(&s->all, last) && add(&s->all, -last);

    for (int64_t key = first; key < last && room; key += SAMPLE_STEP)
        room = add(&s->all, (int32_t)key) && add(&s->all, (int32_t)-key);
    if (!room)
        return no_memory(s->r);
    qsort(s->all.at, s->all.n, sizeof *s->all.at, by_key);
    return measure(s, &s->all, 0);
}

/* 1 or -1 where sample i is a peak or a dip that its neighbours might not show whole. */
static int peak(const struct search *s, const struct sample *at)
{
    const float before = at[0].real - at[-1].real, behind = at[0].real - at[1].real;
    const int sign = before >= 0 && behind >= 0 ? 1 : before <= 0 && behind <= 0 ? -1 : 0;
    const float beyond = at[0].real + (before + behind);

    return sign != 0 && before + behind != 0 && code_of(s->q, beyond) != at[0].code ? sign : 0;
}

/* The highest or lowest number between two keys, by and by, with those on the way. */
static enum err climb(struct search *s, int32_t from, int32_t to, int sign)
{
    enum err e = ERR_NONE;

    while ((int64_t)to - from > 1 && !e) {
        const size_t first = s->all.n;
        const int64_t step = (int64_t)ceil_div((uint64_t)((int64_t)to - from), PEAK_SAMPLES);
        bool room = true;
        for (int64_t key = from; key < to && room; key += step)
            room = add(&s->all, (int32_t)key);
        if (!room || !add(&s->all, to))
            return no_memory(s->r);
        e = measure(s, &s->all, first);
        const struct sample *at = s->all.at + first;
        size_t best = 0, n = s->all.n - first;
        for (size_t i = 1; i < n && !e; i++)
            if (sign > 0 ? at[i].real > at[best].real : at[i].real < at[best].real)
                best = i;
        from = at[best > 0 ? best - 1 : 0].key;
        to = at[best + 1 < n ? best + 1 : n - 1].key;
        if (step == 1)
            break;
    }
    return e;
}

static enum err find_peaks(struct search *s)
{
    const size_t n = s->all.n;
    enum err e = ERR_NONE;

    for (size_t i = 1; i + 1 < n && !e; i++) {
        const int sign = peak(s, &s->all.at[i]);
        if (sign != 0)
            e = climb(s, s->all.at[i - 1].key, s->all.at[i + 1].key, sign);
    }
    qsort(s->all.at, s->all.n, sizeof *s->all.at, by_key);
    return e;
}

/* A sample half-way between any two that differ, until they are neighbours. */
static enum err halve(struct search *s)
{
    enum err e = ERR_NONE;

    for (size_t first = SIZE_MAX; first != s->all.n && !e;) {
        const size_t n = first = s->all.n;
        for (size_t i = 0; i + 1 < n; i++) {
            const struct sample *a = &s->all.at[i], *b = a + 1;
            const int64_t apart = (int64_t)b->key - a->key;
            if (a->code != b->code && apart > 1 && !add(&s->all, (int32_t)(a->key + apart / 2)))
                return no_memory(s->r);
        }
        if (s->all.n > first)
            e = measure(s, &s->all, first);
        qsort(s->all.at, s->all.n, sizeof *s->all.at, by_key);
        if (s->all.n > 64 * (size_t)MOST_THRESHOLDS)
            e = no_memory(s->r);
    }
    return e;
}

/* In steps of the result. */
static enum err collect(const struct search *s, struct step_function **function)
{
    const struct sample *at = s->all.at;
    const double step = (double)(float)s->q->scale;
    size_t n = 0;

    for (size_t i = 0; i + 1 < s->all.n; i++)
        n += at[i].code != at[i + 1].code;
    struct step_function *f = n <= MOST_THRESHOLDS ? step_function_new((uint32_t)n) : NULL;
    if (!f)
        return no_memory(s->r);
    f->code[0] = at[0].code - s->q->zero;
    n = 0;
    for (size_t i = 0; i + 1 < s->all.n; i++) {
        if (at[i].code == at[i + 1].code)
            continue;
        f->threshold[n] = ((double)number_of(at[i].key) + number_of(at[i + 1].key)) / 2 / step;
        f->code[++n] = at[i + 1].code - s->q->zero;
    }
    *function = f;
    return ERR_NONE;
}

/* ---- Nodes ---- */

/* Largest |real result| of a draft. */
static double most_of(const struct onnx_draft *d)
{
    const struct layer *l = &d->layer;
    const size_t rows = layer_kernel_rows(l);
    const double most_x = 1u << 17; // of 16 bits, less a zero point
    double most = 0;

    for (uint32_t o = 0; o < d->n; o++) {
        double sum = l->multiplies ? most_x : 1;
        if (layer_has_weights(l))
            sum = 0;
        for (size_t i = 0; layer_has_weights(l) && i < rows; i++)
            sum += abs(layer_weight(l, o * rows + i));
        most = fmax(most, d->unit[o] * sum * most_x + fabs(d->bias[o]));
    }
    return most + fabs(d->residual_scale) * most_x;
}

/* Whether all that reads a sum leads to a value, and is led to it alone. */
static enum err leads_only_to(const struct onnx_reader *r, uint32_t sum, uint32_t value, bool *only)
{
    uint32_t *reads = calloc(r->graph.n_value + 1, sizeof *reads);
    uint32_t *next = calloc(r->graph.n_value + 1, sizeof *next), n = 0;

    *only = reads && next;
    if (*only) {
        next[n++] = value;
        reads[value] = r->graph.value[value].n_reader;
    }
    while (n > 0) {
        const uint32_t at = next[--n];
        const struct onnx_node *node = &r->graph.node[r->graph.value[at].index];
        for (uint32_t i = 0; i < node->n_input && at != sum; i++)
            if (onnx_has_input(node, i) && !onnx_is_constant(onnx_input(r, node, i)) &&
                reads[node->input[i]]++ == 0)
                next[n++] = node->input[i];
    }
    for (uint32_t i = 0; *only && i < r->graph.n_value; i++)
        *only = reads[i] == 0 || reads[i] == r->graph.value[i].n_reader;
    const bool memory = reads && next;
    free(reads);
    free(next);
    return memory ? ERR_NONE : no_memory(r);
}

static enum err check_sum(const struct onnx_reader *r, const struct onnx_node *node, uint32_t sum)
{
    const struct onnx_draft *d = r->meaning[sum].draft;
    const uint32_t value = node->input[0];
    bool only = false;
    enum err e = leads_only_to(r, sum, value, &only);

    if (!e && (!only || r->graph.value[value].n_reader != 1))
        return onnx_node_refuse(node, r->msg, "rounds a function of a sum that others read too: "
                                "want QuantizeLinear in front of the fork");
    if (!e && (d->bound || d->whole))
        return onnx_node_refuse(node, r->msg, "rounds a function of %s: want QuantizeLinear and "
                                "DequantizeLinear in front of it",
                                d->whole ? "a map's average" : "sums with bounds of their own");
    return e;
}

static enum err find_function(struct onnx_reader *r, const struct onnx_node *node, uint32_t sum,
                              const struct onnx_quantisation *q)
{
    struct onnx_draft *d = r->meaning[sum].draft;
    struct search s = {.r = r, .q = q, .sum = sum, .value = node->input[0], .least = -INFINITY,
                       .most = INFINITY};

    if (d->bounded) {
        s.least = (float)d->low;
        s.most = (float)d->high;
    }
    enum err e = sample(&s, fminf((float)most_of(d), 0x1p120F));
    if (!e)
        e = find_peaks(&s);
    if (!e)
        e = halve(&s);
    if (!e)
        e = collect(&s, &d->function);
    free(s.all.at);
    return e;
}

static enum err quantise(struct onnx_reader *r, const struct onnx_node *node, uint32_t sum)
{
    struct onnx_meaning x = r->meaning[node->input[0]];
    struct onnx_quantisation q;
    enum err e = onnx_read_quantisation(r, node, 1, &q);

    if (!e)
        e = check_sum(r, node, sum);
    if (!e)
        e = find_function(r, node, sum, &q);
    x.means = ONNX_DRAFT;
    x.draft = r->meaning[sum].draft;
    return e ? e : onnx_quantise(r, node, &x, &q);
}

enum err onnx_function_read(struct onnx_reader *r, const struct onnx_node *node)
{
    uint32_t sum = 0;

    common_sum(r, node, &sum);
    if (onnx_node_is(node, "QuantizeLinear"))
        return quantise(r, node, sum);
    struct onnx_meaning out = r->meaning[sum];
    out.means = ONNX_FUNCTION;
    out.sum = sum;
    out.shared = false;
    onnx_output(r, node, out);
    return ERR_NONE;
}
