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
    MOST_PATH = 64,      // operators from a sum to its code
    MOST_READS = 256,    // of sums and of what is made of them, by these operators
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

/* Operators from a sum to a value, by their results: the value's own comes first. */
struct path {
    uint32_t sum;
    uint32_t value[MOST_PATH];
    uint32_t n;
};

/* Place of a value on a path; n where it is not. */
static uint32_t place_of(const struct path *p, uint32_t value)
{
    uint32_t k = 0;

    while (k < p->n && p->value[k] != value)
        k++;
    return k;
}

static const struct onnx_node *node_at(const struct onnx_reader *r, const struct path *p,
                                       uint32_t k)
{
    return &r->graph.node[r->graph.value[p->value[k]].index];
}

static bool reads_variable(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i)
{
    return onnx_has_input(node, i) && !onnx_is_constant(onnx_input(r, node, i));
}

static enum err find_path(const struct onnx_reader *r, uint32_t sum, uint32_t value, struct path *p)
{
    uint32_t n_read = 0;

    *p = (struct path){.sum = sum, .value = {value}, .n = 1};
    for (uint32_t k = 0; k < p->n; k++) {
        const struct onnx_node *node = node_at(r, p, k);
        for (uint32_t i = 0; i < node->n_input; i++) {
            if (!reads_variable(r, node, i))
                continue;
            if (++n_read > MOST_READS)
                return onnx_node_refuse(node, r->msg, "is one of operators that read sums more "
                                        "than %d times: want QuantizeLinear between them",
                                        MOST_READS);
            if (node->input[i] == sum || place_of(p, node->input[i]) < p->n)
                continue;
            if (p->n == MOST_PATH)
                return onnx_node_refuse(node, r->msg, "is one of more than %d operators without "
                                        "QuantizeLinear: want one between them", MOST_PATH);
            p->value[p->n++] = node->input[i];
        }
    }
    return ERR_NONE;
}

/* What is made of numbers: the array of each value on a path over them. */
struct numbers {
    struct onnx_reader *r;
    const struct path  *path;
    const float        *x; // [n]
    uint32_t            n;
    struct array        made[MOST_PATH]; // owned; zero where there is none yet
};

static enum err evaluate(struct numbers *of, uint32_t k);

static enum err operand(void *context, const struct onnx_node *node, uint32_t i, struct array *out)
{
    struct numbers *of = context;
    const struct onnx_meaning *m = onnx_input(of->r, node, i);
    const uint32_t k = place_of(of->path, node->input[i]);

    if (onnx_is_constant(m) && m->tensor.n != 1)
        return onnx_node_refuse(node, of->r->msg, "input %" PRIu32 " has %zu constants: want one, "
                                "or QuantizeLinear and DequantizeLinear in front of it", i,
                                m->tensor.n);
    if (m->means == ONNX_STORED)
        return array_from_tensor(out, &m->tensor) ? ERR_NONE : no_memory(of->r);
    if (k < of->path->n) {
        enum err e = evaluate(of, k);
        return e || array_copy(out, &of->made[k]) ? e : no_memory(of->r);
    }
    if (!array_init(out, TYPE(FLOAT), !onnx_is_constant(m), &of->n))
        return no_memory(of->r);
    if (onnx_is_constant(m))
        out->real[0] = (float)onnx_constant(m, 0);
    else
        memcpy(out->real, of->x, of->n * sizeof *of->x);
    return ERR_NONE;
}

/* Of what is made already, nothing. */
static enum err evaluate(struct numbers *of, uint32_t k)
{
    const struct onnx_node *node = node_at(of->r, of->path, k);
    struct array *made = &of->made[k];

    if (made->n > 0)
        return ERR_NONE;
    enum err e = onnx_evaluate(of->r, node, operand, of, made);
    if (!e && made->n != of->n)
        e = onnx_node_refuse(node, of->r->msg, "is no function of one number: want QuantizeLinear "
                             "and DequantizeLinear in front of it");
    return e;
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

struct search { // for the thresholds of a path's value, which is rounded as q says
    struct onnx_reader             *r;
    const struct onnx_quantisation *q;
    const struct path              *path;
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

/* The path's value at the samples from `first` on. What is made of them is let go again: it takes
 * of the reader's work, not of its values. */
static enum err measure(const struct search *s, struct samples *of, size_t first)
{
    struct onnx_reader *r = s->r;
    struct numbers numbers = {.r = r, .path = s->path, .n = (uint32_t)(of->n - first)};
    const uint64_t work = (uint64_t)numbers.n * s->path->n, values_left = r->values_left;
    float *x = malloc(max_u64(numbers.n, 1) * sizeof *x);
    const struct onnx_node *node = node_at(r, s->path, 0);
    enum err e = x ? ERR_NONE : no_memory(r);

    if (!e && work > r->work_left)
        e = onnx_node_refuse(node, r->msg, "%" PRIu64 " more steps of work: want fewer functions "
                             "of sums", work);
    for (uint32_t i = 0; i < numbers.n && !e; i++)
        x[i] = fminf(fmaxf(number_of(of->at[first + i].key), s->least), s->most);
    if (!e) {
        numbers.x = x;
        r->work_left -= work;
        r->values_left = UINT64_MAX;
        e = evaluate(&numbers, 0);
        r->values_left = values_left;
    }
    for (uint32_t i = 0; i < numbers.n && !e; i++) {
        of->at[first + i].real = (float)array_get(&numbers.made[0], i);
        of->at[first + i].code = code_of(s->q, of->at[first + i].real);
    }
    for (uint32_t k = 0; k < s->path->n; k++)
        array_release(&numbers.made[k]);
    free(x);
    return e;
}

/* All samples but those between the peaks: of either sign, and 0, in order. */
static enum err sample(struct search *s, float most)
{
    const int32_t last = key_of(most);
    const int32_t first = min_i32(last, key_of(ldexpf((float)s->q->scale, LEAST_EXPONENT)));
    const int64_t n = (int64_t)ceil_div((uint64_t)((int64_t)last - first), SAMPLE_STEP);
    bool room = add(&s->all, -last);

    for (int64_t i = n; i-- > 0 && room;)
        room = add(&s->all, (int32_t)-(first + i * SAMPLE_STEP));
    room = room && add(&s->all, 0);
    for (int64_t i = 0; i < n && room; i++)
        room = add(&s->all, (int32_t)(first + i * SAMPLE_STEP));
    return room && add(&s->all, last) ? measure(s, &s->all, 0) : no_memory(s->r);
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

static int by_key(const void *a, const void *b)
{
    const int32_t k = ((const struct sample *)a)->key, l = ((const struct sample *)b)->key;

    return k < l ? -1 : k > l;
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
    if (s->all.n > n)
        qsort(s->all.at, s->all.n, sizeof *s->all.at, by_key);
    return e;
}

/* Leaves the samples on both sides of each change of the code, and the first. */
static uint32_t keep_changes(struct samples *of)
{
    uint32_t n_change = 0;
    size_t n = 0;

    for (size_t i = 0; i < of->n; i++) {
        const struct sample at = of->at[i];
        const bool changes = i + 1 < of->n && at.code != of->at[i + 1].code;
        if (i == 0 || changes || at.code != of->at[n - 1].code)
            of->at[n++] = at;
        n_change += changes;
    }
    of->n = n;
    return n_change;
}

/* A sample half-way between any two that differ, until they are neighbours. */
static enum err halve(struct search *s)
{
    enum err e = ERR_NONE;

    for (size_t first = SIZE_MAX; first != s->all.n && !e;) {
        if (keep_changes(&s->all) > MOST_THRESHOLDS)
            return onnx_node_refuse(node_at(s->r, s->path, 0), s->r->msg, "has more than %d steps "
                                    "as a function of sums: want QuantizeLinear and "
                                    "DequantizeLinear in front of it", MOST_THRESHOLDS);
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
    struct step_function *f = step_function_new((uint32_t)n);
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

/* Whether all that reads a sum and what lies on a path is on the path too, but its value's own
 * reader. */
static bool leads_only_to_its_value(const struct onnx_reader *r, const struct path *p)
{
    uint32_t reads[MOST_PATH + 1] = {0}; // of the values, last of the sum
    bool only = true;

    for (uint32_t k = 0; k < p->n; k++) {
        const struct onnx_node *node = node_at(r, p, k);
        for (uint32_t i = 0; i < node->n_input; i++)
            if (reads_variable(r, node, i))
                reads[place_of(p, node->input[i])]++;
    }
    reads[0]++;
    for (uint32_t k = 0; k < p->n; k++)
        only &= reads[k] == r->graph.value[p->value[k]].n_reader;
    return only && reads[p->n] == r->graph.value[p->sum].n_reader;
}

static enum err check_sum(const struct onnx_reader *r, const struct onnx_node *node,
                          const struct path *p)
{
    const struct onnx_draft *d = r->meaning[p->sum].draft;

    if (!leads_only_to_its_value(r, p))
        return onnx_node_refuse(node, r->msg, "rounds a function of a sum that others read too: "
                                "want QuantizeLinear in front of the fork");
    if (d->bound || d->whole)
        return onnx_node_refuse(node, r->msg, "rounds a function of %s: want QuantizeLinear and "
                                "DequantizeLinear in front of it",
                                d->whole ? "a map's average" : "sums with bounds of their own");
    return ERR_NONE;
}

static enum err find_function(struct onnx_reader *r, const struct path *p,
                              const struct onnx_quantisation *q)
{
    struct onnx_draft *d = r->meaning[p->sum].draft;
    struct search s = {.r = r, .q = q, .path = p, .least = -INFINITY, .most = INFINITY};

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
    struct path p;
    enum err e = onnx_read_quantisation(r, node, 1, &q);

    if (!e)
        e = find_path(r, sum, node->input[0], &p);
    if (!e)
        e = check_sum(r, node, &p);
    if (!e)
        e = find_function(r, &p, &q);
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
