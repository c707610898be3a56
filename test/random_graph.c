/* test/random_graph.c -- see random_graph.h. */
#include "test/random_graph.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WEIGHTS = 4096, MOST_CHANNELS = 16, MOST_PIXELS = 400, OPSET = 21 };

/* ---- Random numbers ---- */

static uint32_t below(struct random_graph *g, uint32_t n) // splitmix64 (S. Vigna)
{
    uint64_t z = g->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) >> 33) % n;
}

static int within(struct random_graph *g, int least, int most)
{
    return least + (int)below(g, (uint32_t)(most - least + 1));
}

static bool one_in(struct random_graph *g, uint32_t n)
{
    return below(g, n) == 0;
}

/* About x; a power of two where the graph is exact. */
static float near(struct random_graph *g, double x)
{
    double v = x * (0.6 + 0.01 * below(g, 90));

    return (float)(g->exact ? exp2(rint(log2(v))) : v);
}

/* ---- Values and nodes ---- */

static const char *new_value(struct random_graph *g, char name[GRAPH_NAME])
{
    snprintf(name, GRAPH_NAME, "v%u", g->n_value++);
    return name;
}

/* A node whose inputs are `fmt`, and whose output is *out, a new value. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static Onnx__NodeProto *add(struct random_graph *g, const char *op, char out[GRAPH_NAME],
                            const char *fmt, ...)
{
    char inputs[256], fresh[GRAPH_NAME];
    va_list args;

    va_start(args, fmt);
    vsnprintf(inputs, sizeof inputs, fmt, args);
    va_end(args);
    new_value(g, fresh);
    Onnx__NodeProto *node = make_node(g->model, op, fresh, inputs, fresh);
    snprintf(out, GRAPH_NAME, "%s", fresh);
    return node;
}

static const char *floats(struct random_graph *g, char name[GRAPH_NAME], const int64_t *dims,
                          size_t n, const float *v)
{
    make_tensor(g->model, new_value(g, name), ONNX_TYPE(FLOAT), dims, v, n * sizeof *v);
    return name;
}

static const char *number(struct random_graph *g, char name[GRAPH_NAME], double v)
{
    const float f = (float)v;

    return floats(g, name, (const int64_t[]){-1}, 1, &f);
}

static const char *integers(struct random_graph *g, char name[GRAPH_NAME], int n, const int64_t *v)
{
    make_tensor(g->model, new_value(g, name), ONNX_TYPE(INT64), (const int64_t[]){n, -1}, v,
                (size_t)n * sizeof *v);
    return name;
}

/* ---- Maps ---- */

/* What a chain of operators makes, before it is rounded. */
struct real {
    char     name[GRAPH_NAME];
    uint32_t channels, rows, columns;
    bool     flat;
    double   most, addend;
    uint32_t from[2], n_from;
};

static struct real real_of(struct random_graph *g, uint32_t i)
{
    struct graph_map *m = &g->map[i];
    struct real r = {.channels = m->channels, .rows = m->rows, .columns = m->columns,
                     .flat = m->flat, .most = m->most, .from = {i}, .n_from = 1};

    memcpy(r.name, m->name, sizeof r.name);
    m->read = true;
    return r;
}

static void choose_bytes(struct random_graph *g, struct graph_map *m, double most)
{
    m->is_signed = below(g, 2);
    m->scale = near(g, most / 90);
    m->zero = one_in(g, 3) ? 0 : m->is_signed ? within(g, -100, 100) : within(g, 0, 200);
    m->most = fmin(most, 130 * (double)m->scale);
}

/* r through QuantizeLinear, perhaps Clip of its bytes, and DequantizeLinear. */
static struct graph_map *round_map(struct random_graph *g, const struct real *r)
{
    struct graph_map *m = &g->map[g->n_map];
    char scale[GRAPH_NAME], zero[GRAPH_NAME], low[GRAPH_NAME], high[GRAPH_NAME];

    *m = (struct graph_map){.channels = r->channels, .rows = r->rows, .columns = r->columns,
                            .flat = r->flat, .addend = r->addend, .n_from = r->n_from,
                            .from = {r->from[0], r->from[1]}};
    g->n_map++;
    choose_bytes(g, m, r->most);
    memcpy(m->value, r->name, sizeof m->value);
    const int32_t type = m->is_signed ? ONNX_TYPE(INT8) : ONNX_TYPE(UINT8);
    const int64_t single[] = {-1};
    uint8_t z = (uint8_t)m->zero;
    number(g, scale, (double)m->scale);
    make_tensor(g->model, new_value(g, zero), type, single, &z, 1);
    add(g, "QuantizeLinear", m->bytes, "%s %s %s", r->name, scale, zero);
    if (one_in(g, 6)) {
        int bits = within(g, 2, 7), least = m->zero - (1 << bits) / 2;
        int bottom = m->is_signed ? -128 : 0, top = bottom + 255;
        int bound[] = {least < bottom ? bottom : least, least + (1 << bits) - 1};
        bound[1] = bound[1] > top ? top : bound[1];
        uint8_t b[] = {(uint8_t)bound[0], (uint8_t)bound[1]};
        make_tensor(g->model, new_value(g, low), type, single, &b[0], 1);
        make_tensor(g->model, new_value(g, high), type, single, &b[1], 1);
        add(g, "Clip", m->bytes, "%s %s %s", m->bytes, low, high);
    }
    add(g, "DequantizeLinear", m->name, "%s %s %s", m->bytes, scale, zero);
    return m;
}

/* A map of rows and columns; false: the one that was drawn is flat. */
static bool draw(struct random_graph *g, bool image_too, struct real *r)
{
    uint32_t i = one_in(g, 3) ? below(g, g->n_map) : g->n_map - 1;

    if (g->map[i].flat || (i == 0 && !image_too))
        return false;
    *r = real_of(g, i);
    return true;
}

/* Another map of the same shape, not the image; its number, or 0. */
static uint32_t like(struct random_graph *g, const struct real *r)
{
    for (uint32_t tries = 0; tries < 8; tries++) {
        uint32_t i = below(g, g->n_map);
        const struct graph_map *m = &g->map[i];
        if (i > 0 && i != r->from[0] && m->channels == r->channels && m->rows == r->rows &&
            m->columns == r->columns && !m->flat)
            return i;
    }
    return 0;
}

static void join(struct random_graph *g, struct real *r, uint32_t other)
{
    g->map[other].read = true;
    r->from[r->n_from++] = other;
}

/* ---- Operators ---- */

/* int8 weights; their scales, one or one for each of `outputs` along `axis`. */
static const char *weights(struct random_graph *g, char name[GRAPH_NAME], const int64_t *dims,
                           uint32_t outputs, int64_t axis, double around)
{
    int8_t w[MOST_WEIGHTS];
    float scale[64];
    bool each = outputs > 1 && one_in(g, 2);
    uint32_t n = 1;

    for (const int64_t *d = dims; *d >= 0; d++)
        n *= (uint32_t)*d;
    for (uint32_t i = 0; i < n; i++)
        w[i] = (int8_t)within(g, -127, 127);
    g->weight_scale = 0;
    for (uint32_t o = 0; o < outputs; o++) {
        scale[o] = near(g, around);
        g->weight_scale = fmax(g->weight_scale, (double)scale[each ? o : 0]);
    }
    make_weights(g->model, new_value(g, name), dims, w, each ? outputs : 1, scale, axis);
    return name;
}

/* Multiples of `step`, so that sums stay exact. */
static const char *bias(struct random_graph *g, char name[GRAPH_NAME], uint32_t n, double step,
                        double most)
{
    float v[64];
    int range = (int)fmin(most / step, 4000);

    for (uint32_t i = 0; i < n; i++)
        v[i] = (float)(within(g, -range, range) * step);
    return floats(g, name, (const int64_t[]){n, -1}, n, v);
}

static void cut(struct random_graph *g, struct real *r)
{
    char low[GRAPH_NAME], high[GRAPH_NAME];

    switch (below(g, 5)) {
    case 0:
        add(g, "Relu", r->name, "%s", r->name);
        break;
    case 1:
        number(g, low, -r->most * below(g, 100) / 128);
        number(g, high, r->most * (1 + below(g, 100)) / 128);
        add(g, "Clip", r->name, "%s %s %s", r->name, low, high);
        break;
    default:
        break;
    }
}

static bool add_conv(struct random_graph *g, struct real *r)
{
    if (!draw(g, true, r))
        return false;
    const struct graph_map x = g->map[r->from[0]];
    bool depthwise = one_in(g, 4);
    uint32_t groups = depthwise ? r->channels : r->channels % 2 == 0 && one_in(g, 4) ? 2 : 1;
    uint32_t outputs = groups * (uint32_t)within(g, 1, groups > 2 ? 2 : 6);
    int64_t k[2], s[2], d[2], pads[4];
    uint32_t out[2], in[] = {r->rows, r->columns};
    char w[GRAPH_NAME], b[GRAPH_NAME];

    for (int a = 0; a < 2; a++) {
        k[a] = within(g, 1, 3);
        s[a] = within(g, 1, 2);
        d[a] = within(g, 1, 2);
        int64_t reach = (k[a] - 1) * d[a] + 1;
        pads[a] = within(g, 0, (int)reach - 1);
        pads[a + 2] = within(g, 0, (int)reach - 1);
        int64_t room = in[a] + pads[a] + pads[a + 2] - reach;
        if (room < 0)
            return false;
        out[a] = (uint32_t)(room / s[a] + 1);
    }
    uint32_t rows = r->channels / groups * (uint32_t)(k[0] * k[1]), n = outputs * rows;
    if (outputs > MOST_CHANNELS || n > MOST_WEIGHTS)
        return false;
    double around = near(g, 0.02), largest = x.most * 127 * around * sqrt(rows);
    const int64_t dims[] = {outputs, r->channels / groups, k[0], k[1], -1};
    weights(g, w, dims, outputs, 0, around);
    bool biased = one_in(g, 2);
    if (biased)
        bias(g, b, outputs, (double)x.scale * around / 4, largest / 4);
    Onnx__NodeProto *node = add(g, "Conv", r->name, biased ? "%s %s %s" : "%s %s", r->name, w, b);
    make_ints(node, "strides", 2, s);
    make_ints(node, "dilations", 2, d);
    make_ints(node, "pads", 4, pads);
    make_int(node, "group", groups);
    r->channels = outputs;
    r->rows = out[0];
    r->columns = out[1];
    r->most = largest / 2;
    r->addend = biased ? largest / 4 : 0;
    uint32_t other = one_in(g, 2) ? like(g, r) : 0;
    if (other) {
        bool less = one_in(g, 3), first = less || one_in(g, 2);
        add(g, less ? "Sub" : "Add", r->name, "%s %s", first ? r->name : g->map[other].name,
            first ? g->map[other].name : r->name);
        r->most += g->map[other].most;
        r->addend += 256 * (double)g->map[other].scale;
        join(g, r, other);
    }
    cut(g, r);
    return true;
}

static bool add_transposed(struct random_graph *g, struct real *r)
{
    if (!draw(g, true, r))
        return false;
    const struct graph_map x = g->map[r->from[0]];
    uint32_t groups = one_in(g, 4) ? r->channels : r->channels % 2 == 0 && one_in(g, 4) ? 2 : 1;
    uint32_t each = (uint32_t)within(g, 1, groups > 2 ? 2 : 4), outputs = groups * each;
    int64_t k[2], s[2], d[2], more[2], pads[4], out[2], in[] = {r->rows, r->columns};
    char w[GRAPH_NAME], b[GRAPH_NAME];

    for (int a = 0; a < 2; a++) {
        k[a] = within(g, 1, 4);
        s[a] = within(g, 1, 3);
        d[a] = one_in(g, 4) ? 2 : 1;
        more[a] = within(g, 0, (int)s[a] - 1);
        int64_t reach = (k[a] - 1) * d[a] + 1, most = reach - !one_in(g, 4);
        pads[a] = within(g, 0, (int)most);
        pads[a + 2] = within(g, 0, (int)most);
        out[a] = (in[a] - 1) * s[a] + reach + more[a] - pads[a] - pads[a + 2];
    }
    if (out[0] < 1 || out[1] < 1 || out[0] * out[1] > MOST_PIXELS || outputs > MOST_CHANNELS ||
        r->channels * each * k[0] * k[1] > MOST_WEIGHTS)
        return false;
    double around = near(g, 0.02), rows = r->channels / groups * (double)(k[0] * k[1]);
    double largest = x.most * 127 * around * sqrt(fmax(rows / (double)(s[0] * s[1]), 1));
    weights(g, w, (const int64_t[]){r->channels, each, k[0], k[1], -1}, each, 1, around);
    bool biased = one_in(g, 2);
    if (biased)
        bias(g, b, outputs, (double)x.scale * around / 4, largest / 4);
    Onnx__NodeProto *node =
        add(g, "ConvTranspose", r->name, biased ? "%s %s %s" : "%s %s", r->name, w, b);
    make_ints(node, "strides", 2, s);
    make_ints(node, "dilations", 2, d);
    make_ints(node, "output_padding", 2, more);
    make_ints(node, "pads", 4, pads);
    make_int(node, "group", groups);
    r->channels = outputs;
    r->rows = (uint32_t)out[0];
    r->columns = (uint32_t)out[1];
    r->most = largest / 2;
    r->addend = biased ? largest / 4 : 0;
    cut(g, r);
    return true;
}

static bool add_pool(struct random_graph *g, struct real *r)
{
    if (!draw(g, false, r))
        return false;
    bool average = one_in(g, 2), include = one_in(g, 2), whole = !average && one_in(g, 4);
    int64_t k[2], s[2], pads[4];
    uint32_t in[] = {r->rows, r->columns}, out[2];
    for (int a = 0; a < 2; a++) {
        k[a] = g->exact && average ? 1 << within(g, 0, 1) : within(g, 1, 3);
        s[a] = within(g, 1, 2);
        for (int e = 0; e < 2; e++)
            pads[a + 2 * e] = g->exact && average ? 0 : within(g, 0, (int)k[a] - 1);
        int64_t room = in[a] + pads[a] + pads[a + 2] - k[a];
        if (room < 0)
            return false;
        whole &= room % s[a] == 0;
        out[a] = (uint32_t)(room / s[a] + 1);
    }
    Onnx__NodeProto *node = add(g, average ? "AveragePool" : "MaxPool", r->name, "%s", r->name);
    make_ints(node, "kernel_shape", 2, k);
    make_ints(node, "strides", 2, s);
    make_ints(node, "pads", 4, pads);
    if (average)
        make_int(node, "count_include_pad", include);
    else if (whole)
        make_int(node, "ceil_mode", 1);
    r->rows = out[0];
    r->columns = out[1];
    return true;
}

static bool is_power_of_2(uint32_t n)
{
    return (n & (n - 1)) == 0;
}

static bool add_global_pool(struct random_graph *g, struct real *r)
{
    char axes[GRAPH_NAME];

    if (!draw(g, false, r) || (g->exact && !is_power_of_2(r->rows * r->columns)))
        return false;
    switch (below(g, 3)) {
    case 0:
        add(g, "GlobalAveragePool", r->name, "%s", r->name);
        break;
    case 1:
        add(g, "ReduceMean", r->name, "%s %s", r->name,
            integers(g, axes, 2, (const int64_t[]){2, 3}));
        break;
    default:
        add(g, "GlobalMaxPool", r->name, "%s", r->name);
        break;
    }
    r->rows = r->columns = 1;
    r->most /= 2;
    return true;
}

static bool add_sum(struct random_graph *g, struct real *r)
{
    uint32_t other;

    if (!draw(g, false, r) || !(other = like(g, r)))
        return false;
    add(g, one_in(g, 3) ? "Sub" : "Add", r->name, "%s %s", r->name, g->map[other].name);
    r->most += g->map[other].most;
    r->addend = 256 * (double)g->map[other].scale;
    join(g, r, other);
    cut(g, r);
    return true;
}

/* Of two maps; or of a map by one pixel for each channel, which a convolution makes. */
static bool add_product(struct random_graph *g, struct real *r)
{
    uint32_t other;

    if (!draw(g, false, r) || !(other = like(g, r)))
        return false;
    add(g, "Mul", r->name, "%s %s", r->name, g->map[other].name);
    r->most *= g->map[other].most / 2;
    join(g, r, other);
    return true;
}

/* Squeeze and excite. */
static bool add_gate(struct random_graph *g, struct real *r)
{
    struct real gate;
    char w[GRAPH_NAME];

    if (g->n_map + 3 > GRAPH_MOST_MAPS || !draw(g, false, r) ||
        (g->exact && !is_power_of_2(r->rows * r->columns)))
        return false;
    gate = *r;
    uint32_t n = r->channels;
    add(g, "GlobalAveragePool", gate.name, "%s", gate.name);
    gate.rows = gate.columns = 1;
    gate.most /= 2;
    uint32_t pooled = (uint32_t)(round_map(g, &gate) - g->map);
    gate = real_of(g, pooled);
    weights(g, w, (const int64_t[]){n, n, 1, 1, -1}, n, 0, 0.02);
    add(g, "Conv", gate.name, "%s %s", gate.name, w);
    gate.most *= 127 * 0.02 * sqrt(n) / 2;
    uint32_t made = (uint32_t)(round_map(g, &gate) - g->map);
    add(g, "Mul", r->name, "%s %s", r->name, g->map[made].name);
    r->most *= g->map[made].most / 2;
    join(g, r, made);
    return true;
}

/* Functions that single precision has exactly come first. */
static bool add_function(struct random_graph *g, struct real *r)
{
    static const char *const names[] = {
        "Abs",      "Neg",  "Relu",     "HardSigmoid", "HardSwish", "Sigmoid",
        "Tanh",     "Elu",  "Softplus", "Gelu",        "Erf",       "Softsign",
        "Selu",     "Celu", "Mish",     "LeakyRelu",   "PRelu",     "SiLU",
        "Exp",      "ThresholdedRelu",  "Sqrt",        "Log",       "Reciprocal",
        "Pow"};
    const char *name = names[below(g, g->exact ? 3 : sizeof names / sizeof *names)];
    char s[GRAPH_NAME];

    if (!draw(g, false, r) || (strcmp(name, "Exp") == 0 && r->most > 8))
        return false;
    if (strcmp(name, "SiLU") == 0) {
        char inner[GRAPH_NAME];
        add(g, "Sigmoid", inner, "%s", r->name);
        add(g, "Mul", r->name, "%s %s", r->name, inner);
    } else if (strcmp(name, "Sqrt") == 0 || strcmp(name, "Log") == 0 ||
               strcmp(name, "Reciprocal") == 0) { // of what is positive
        add(g, "Abs", r->name, "%s", r->name);
        add(g, "Add", r->name, "%s %s", r->name, number(g, s, 0.5));
        add(g, name, r->name, "%s", r->name);
        r->most = 2;
    } else if (strcmp(name, "Pow") == 0) {
        add(g, name, r->name, "%s %s", r->name, number(g, s, 2));
        r->most *= r->most / 2;
    } else if (strcmp(name, "PRelu") == 0) {
        float v[MOST_CHANNELS];
        for (uint32_t i = 0; i < r->channels; i++)
            v[i] = (float)within(g, -100, 100) / 64;
        floats(g, s, (const int64_t[]){r->channels, 1, 1, -1}, r->channels, v);
        add(g, name, r->name, "%s %s", r->name, s);
    } else {
        Onnx__NodeProto *node = add(g, name, r->name, "%s", r->name);
        if (strcmp(name, "LeakyRelu") == 0 || strcmp(name, "Elu") == 0)
            make_float(node, "alpha", 0.125F);
    }
    if (strstr(name, "igmoid") || strcmp(name, "Tanh") == 0 || strcmp(name, "Erf") == 0)
        r->most = 1;
    else if (strcmp(name, "Exp") == 0)
        r->most = exp(r->most / 2);
    return true;
}

/* By constants, one or one for each channel. */
static bool add_scaling(struct random_graph *g, struct real *r)
{
    static const char *const names[] = {"Mul", "Add", "Sub", "Div"};
    uint32_t which = below(g, g->exact ? 3 : 4);
    char s[GRAPH_NAME];
    float v[MOST_CHANNELS], most = 0;
    bool each = one_in(g, 2);

    if (!draw(g, true, r))
        return false;
    const struct graph_map x = g->map[r->from[0]];
    for (uint32_t i = 0; i < r->channels; i++) {
        v[i] = which == 0 || which == 3 ? (one_in(g, 2) ? -1.0F : 1.0F) * near(g, 1)
                                        : (float)within(g, -60, 60) * x.scale / 4;
        most = fmaxf(most, fabsf(v[i]));
    }
    floats(g, s, each ? (const int64_t[]){r->channels, 1, 1, -1} : (const int64_t[]){-1},
           each ? r->channels : 1, v);
    add(g, names[which], r->name, "%s %s", r->name, s);
    r->most = which == 0 || which == 3 ? r->most * 1.2 : r->most + (double)most;
    r->addend = which == 0 || which == 3 ? 0 : (double)most;
    if (!g->exact && one_in(g, 4)) {
        float p[4][MOST_CHANNELS];
        char name[4][GRAPH_NAME];
        for (int k = 0; k < 4; k++) {
            for (uint32_t i = 0; i < r->channels; i++)
                p[k][i] = (float)within(g, k == 3 ? 60 : -100, 140) / 100;
            floats(g, name[k], (const int64_t[]){r->channels, -1}, r->channels, p[k]);
        }
        add(g, "BatchNormalization", r->name, "%s %s %s %s %s", r->name, name[0], name[1],
            name[2], name[3]);
        r->most = r->most * 2 + 2;
        r->addend = r->addend * 2 + 3;
    }
    cut(g, r);
    return true;
}

static bool add_concat(struct random_graph *g, struct real *r)
{
    if (!draw(g, false, r))
        return false;
    for (uint32_t tries = 0; tries < 8; tries++) {
        uint32_t i = below(g, g->n_map);
        const struct graph_map *m = &g->map[i];
        if (i == 0 || m->flat || m->rows != r->rows || m->columns != r->columns ||
            m->channels + r->channels > MOST_CHANNELS)
            continue;
        make_int(add(g, "Concat", r->name, "%s %s", r->name, m->name), "axis", 1);
        r->channels += m->channels;
        r->most = fmax(r->most, m->most);
        join(g, r, i);
        return true;
    }
    return false;
}

static bool add_part(struct random_graph *g, struct real *r)
{
    char list[4][GRAPH_NAME];

    if (!draw(g, false, r))
        return false;
    uint32_t *side[] = {&r->channels, &r->rows, &r->columns};
    int axis = within(g, 0, 2), n = (int)*side[axis];
    if (n < 2)
        return false;
    int64_t first = within(g, 0, n - 2), last = within(g, (int)first + 1, n);
    int64_t step = within(g, 1, 2), at = axis + 1;
    integers(g, list[0], 1, &first);
    integers(g, list[1], 1, &last);
    integers(g, list[2], 1, &at);
    integers(g, list[3], 1, &step);
    add(g, "Slice", r->name, "%s %s %s %s %s", r->name, list[0], list[1], list[2], list[3]);
    *side[axis] = (uint32_t)((last - first + step - 1) / step);
    return true;
}

static bool add_resize(struct random_graph *g, struct real *r)
{
    char scales[GRAPH_NAME];

    if (!draw(g, false, r) || r->rows * r->columns * 4 > MOST_PIXELS)
        return false;
    const float by[] = {1, 1, (float)within(g, 1, 2), 2};
    floats(g, scales, (const int64_t[]){4, -1}, 4, by);
    Onnx__NodeProto *node = add(g, "Resize", r->name, "%s - %s", r->name, scales);
    make_text(node, "mode", "nearest");
    make_text(node, "coordinate_transformation_mode", "asymmetric");
    make_text(node, "nearest_mode", "floor");
    r->rows *= (uint32_t)by[2];
    r->columns *= 2;
    return true;
}

/* Channels as groups, transposed, and as channels again. */
static bool add_shuffle(struct random_graph *g, struct real *r)
{
    char to[GRAPH_NAME];

    if (!draw(g, false, r) || r->channels % 2 != 0 || r->channels < 4)
        return false;
    const int64_t groups[] = {1, 2, r->channels / 2, r->rows, r->columns};
    const int64_t back[] = {1, r->channels, r->rows, r->columns};
    add(g, "Reshape", r->name, "%s %s", r->name, integers(g, to, 5, groups));
    make_ints(add(g, "Transpose", r->name, "%s", r->name), "perm", 5,
              (const int64_t[]){0, 2, 1, 3, 4});
    add(g, "Reshape", r->name, "%s %s", r->name, integers(g, to, 4, back));
    return true;
}

/* Nothing, in several ways; and bounds. */
static bool add_nothing(struct random_graph *g, struct real *r)
{
    char s[GRAPH_NAME];

    if (!draw(g, false, r))
        return false;
    switch (below(g, 5)) {
    case 0:
        add(g, "Identity", r->name, "%s", r->name);
        break;
    case 1:
        add(g, "Max", r->name, "%s %s", r->name, number(g, s, -r->most * below(g, 64) / 64));
        break;
    case 2:
        add(g, "Min", r->name, "%s %s", r->name, number(g, s, r->most * below(g, 64) / 64));
        break;
    case 3:
        make_ints(add(g, "Transpose", r->name, "%s", r->name), "perm", 4,
                  (const int64_t[]){0, 2, 3, 1});
        make_ints(add(g, "Transpose", r->name, "%s", r->name), "perm", 4,
                  (const int64_t[]){0, 3, 1, 2});
        break;
    default:
        add(g, "Dropout", r->name, "%s", r->name);
        break;
    }
    return true;
}

/* A flattened map times weights; rounded, or the sums that end the network. */
static bool add_gemm(struct random_graph *g, struct real *r)
{
    char w[GRAPH_NAME], b[GRAPH_NAME];

    if (!draw(g, true, r))
        return false;
    const struct graph_map x = g->map[r->from[0]];
    uint32_t inputs = r->channels * r->rows * r->columns, outputs = (uint32_t)within(g, 2, 8);
    if (inputs * outputs > MOST_WEIGHTS)
        return false;
    bool gemm = one_in(g, 2), last = g->sums[0] == '\0' && one_in(g, 2);
    double around = near(g, 0.02), largest = x.most * 127 * around * sqrt(inputs);
    add(g, "Flatten", r->name, "%s", r->name);
    if (gemm) {
        weights(g, w, (const int64_t[]){outputs, inputs, -1}, last ? 1 : outputs, 0, around);
        bias(g, b, outputs, (double)x.scale * g->weight_scale / (last ? 1 : 4), largest / 4);
        make_int(add(g, "Gemm", r->name, "%s %s %s", r->name, w, b), "transB", 1);
        r->addend = largest / 4;
    } else {
        weights(g, w, (const int64_t[]){inputs, outputs, -1}, last ? 1 : outputs, 1, around);
        add(g, "MatMul", r->name, "%s %s", r->name, w);
    }
    r->channels = outputs;
    r->rows = r->columns = 1;
    r->flat = true;
    r->most = largest / 2;
    if (!last)
        return true;
    memcpy(g->sums, r->name, sizeof g->sums);
    g->sums_from = r->from[0];
    g->sums_step = (double)x.scale * g->weight_scale;
    return false; // it is not rounded
}

/* Zeros around a map, which a convolution or an average reads. */
static bool add_pad(struct random_graph *g, struct real *r)
{
    char list[GRAPH_NAME], w[GRAPH_NAME];

    if (!draw(g, false, r) || r->channels > 8)
        return false;
    const struct graph_map x = g->map[r->from[0]];
    const int64_t pads[] = {0, 0, within(g, 0, 2), within(g, 0, 2),
                            0, 0, within(g, 0, 2), within(g, 0, 2)};
    uint32_t outputs = (uint32_t)within(g, 1, 4);
    add(g, "Pad", r->name, "%s %s", r->name, integers(g, list, 8, pads));
    weights(g, w, (const int64_t[]){outputs, r->channels, 1, 2, -1}, outputs, 0, 0.02);
    add(g, "Conv", r->name, "%s %s", r->name, w);
    if (r->columns + (uint32_t)(pads[3] + pads[7]) < 2)
        return false;
    r->most = x.most * 127 * 0.02 * sqrt(2 * r->channels) / 2;
    r->channels = outputs;
    r->rows += (uint32_t)(pads[2] + pads[6]);
    r->columns += (uint32_t)(pads[3] + pads[7]) - 1;
    return true;
}

/* Halves of the channels change places. */
static bool add_split(struct random_graph *g, struct real *r)
{
    char half[GRAPH_NAME], other[GRAPH_NAME], sizes[GRAPH_NAME], name[GRAPH_NAME];

    if (!draw(g, false, r) || r->channels < 2)
        return false;
    const int64_t n[] = {within(g, 1, (int)r->channels - 1), r->channels};
    const int64_t each[] = {n[0], n[1] - n[0]};
    Onnx__NodeProto *node =
        add(g, "Split", half, "%s %s", r->name, integers(g, sizes, 2, each));
    make_int(node, "axis", 1);
    node->output = realloc(node->output, 2 * sizeof *node->output);
    node->output[node->n_output++] = strdup(new_value(g, other));
    make_int(add(g, "Concat", name, "%s %s", other, half), "axis", 1);
    memcpy(r->name, name, sizeof name);
    return true;
}

/* The mean of the channels. */
static bool add_channel_mean(struct random_graph *g, struct real *r)
{
    char axes[GRAPH_NAME];
    const int64_t one = 1;

    if (!draw(g, false, r) || r->channels < 2 || (g->exact && !is_power_of_2(r->channels)))
        return false;
    add(g, "ReduceMean", r->name, "%s %s", r->name, integers(g, axes, 1, &one));
    r->channels = 1;
    r->most /= 2;
    return true;
}

/* Operators on bytes, which round by themselves. Their values before that are not to be had.
 * Weights have 7 bits: with AVX2 alone ONNX Runtime cuts sums of two products to 16 bits. */
static bool add_integer(struct random_graph *g, struct real *r)
{
    char w[GRAPH_NAME], ws[GRAPH_NAME], wz[GRAPH_NAME], s[GRAPH_NAME], z[GRAPH_NAME];
    char xs[GRAPH_NAME], xz[GRAPH_NAME], real[GRAPH_NAME];
    int8_t weight[MOST_CHANNELS * 4];
    const uint8_t zero = 0;

    if (!g->exact || g->n_map == GRAPH_MOST_MAPS || !draw(g, true, r))
        return false;
    const struct graph_map x = g->map[r->from[0]];
    uint32_t outputs = (uint32_t)within(g, 1, 4);
    for (uint32_t i = 0; i < outputs * r->channels; i++)
        weight[i] = (int8_t)within(g, -63, 63);
    const int64_t dims[] = {outputs, r->channels, 1, 1, -1}, single[] = {-1};
    double around = near(g, 0.02);
    struct graph_map *m = &g->map[g->n_map++];
    *m = (struct graph_map){.channels = outputs, .rows = r->rows, .columns = r->columns,
                            .from = {r->from[0]}, .n_from = 1};
    choose_bytes(g, m, x.most * 127 * around * sqrt(r->channels) / 2);
    m->is_signed = x.is_signed; // other pairs are none of ONNX Runtime's
    m->zero = 0;
    const int32_t type = m->is_signed ? ONNX_TYPE(INT8) : ONNX_TYPE(UINT8);
    uint8_t x_zero = (uint8_t)x.zero;
    make_tensor(g->model, new_value(g, w), ONNX_TYPE(INT8), dims, weight, outputs * r->channels);
    make_tensor(g->model, new_value(g, wz), ONNX_TYPE(INT8), single, &zero, 1);
    make_tensor(g->model, new_value(g, z), type, single, &zero, 1);
    make_tensor(g->model, new_value(g, xz), type, single, &x_zero, 1);
    number(g, ws, around);
    number(g, s, (double)m->scale);
    number(g, xs, (double)x.scale);
    add(g, "QLinearConv", m->bytes, "%s %s %s %s %s %s %s %s", x.bytes, xs, xz, w, ws, wz, s, z);
    add(g, "DequantizeLinear", real, "%s %s %s", m->bytes, s, z);
    memcpy(m->name, real, sizeof real);
    return false; // it is rounded
}

/* Sums of codes, which Cast and Mul make real: a 1 x 1 convolution, with zeros around at times.
 * What ONNX Runtime has of the operator: uint8, one zero point of weights; of 7 bits, as above. */
static bool add_sums_of_codes(struct random_graph *g, struct real *r)
{
    char w[GRAPH_NAME], wz[GRAPH_NAME], xz[GRAPH_NAME], step[GRAPH_NAME], name[GRAPH_NAME];
    uint8_t weight[MOST_CHANNELS * 4];
    const uint8_t zero = 128;

    if (!draw(g, true, r) || g->map[r->from[0]].is_signed)
        return false;
    const struct graph_map x = g->map[r->from[0]];
    const uint32_t outputs = (uint32_t)within(g, 1, 4), pad = one_in(g, 3);
    for (uint32_t i = 0; i < outputs * r->channels; i++)
        weight[i] = (uint8_t)(zero + within(g, -63, 63));
    const int64_t dims[] = {outputs, r->channels, 1, 1, -1}, single[] = {-1};
    const int64_t pads[] = {pad, 0, 0, pad};
    const uint8_t x_zero = (uint8_t)x.zero;
    const double around = near(g, 0.02);
    make_tensor(g->model, new_value(g, w), ONNX_TYPE(UINT8), dims, weight, outputs * r->channels);
    make_tensor(g->model, new_value(g, wz), ONNX_TYPE(UINT8), single, &zero, 1);
    make_tensor(g->model, new_value(g, xz), ONNX_TYPE(UINT8), single, &x_zero, 1);
    make_ints(add(g, "ConvInteger", name, "%s %s %s %s", x.bytes, w, xz, wz), "pads", 4, pads);
    make_int(add(g, "Cast", r->name, "%s", name), "to", ONNX_TYPE(FLOAT));
    memcpy(name, r->name, sizeof name);
    add(g, "Mul", r->name, "%s %s", name, number(g, step, (double)x.scale * around));
    r->channels = outputs;
    r->rows += pad;
    r->columns += pad;
    r->most = x.most * 63 * around * sqrt(x.channels);
    return true;
}

/* States the shape of a value. */
static void tell_shape(struct random_graph *g, const struct real *r)
{
    Onnx__GraphProto *graph = g->model->graph;
    const int64_t dims[] = {1, r->channels, r->rows, r->columns};

    make_output(g->model, r->name, 4, dims);
    graph->value_info =
        realloc(graph->value_info, (graph->n_value_info + 1) * sizeof *graph->value_info);
    graph->value_info[graph->n_value_info++] = graph->output[--graph->n_output];
}

/* Channels as pixels, or pixels as channels. */
static bool add_space(struct random_graph *g, struct real *r)
{
    const bool spreads = one_in(g, 2);
    const uint32_t side = (uint32_t)within(g, 1, 3), pixels = side * side;

    if (!draw(g, false, r))
        return false;
    if (spreads ? r->channels % pixels != 0 || r->rows * r->columns * pixels > MOST_PIXELS
                : r->rows % side != 0 || r->columns % side != 0 ||
                      r->channels * pixels > MOST_CHANNELS)
        return false;
    tell_shape(g, r);
    Onnx__NodeProto *node =
        add(g, spreads ? "DepthToSpace" : "SpaceToDepth", r->name, "%s", r->name);
    make_int(node, "blocksize", side);
    if (spreads && one_in(g, 2))
        make_text(node, "mode", "CRD");
    r->channels = spreads ? r->channels / pixels : r->channels * pixels;
    r->rows = spreads ? r->rows * side : r->rows / side;
    r->columns = spreads ? r->columns * side : r->columns / side;
    return true;
}

/* Largest or sum of whole maps, or sum of channels. */
static bool add_reduced(struct random_graph *g, struct real *r)
{
    static const int64_t sides[] = {-1, 2}, channels[] = {1};
    char axes[GRAPH_NAME];
    const uint32_t which = below(g, 3);

    if (!draw(g, false, r) || (which == 2 && r->channels < 2))
        return false;
    const uint32_t n = which == 2 ? r->channels : r->rows * r->columns;
    add(g, which == 0 ? "ReduceMax" : "ReduceSum", r->name, "%s %s", r->name,
        integers(g, axes, which == 2 ? 1 : 2, which == 2 ? channels : sides));
    r->most *= which == 0 ? 1 : sqrt(n);
    r->channels = which == 2 ? 1 : r->channels;
    r->rows = which == 2 ? r->rows : 1;
    r->columns = which == 2 ? r->columns : 1;
    return true;
}

/* A map, and its largest pixel or the sum of its channels at all places. */
static bool add_expanded(struct random_graph *g, struct real *r)
{
    char to[GRAPH_NAME], axes[GRAPH_NAME];
    const bool of_channels = one_in(g, 2);
    const int64_t one = 1;

    if (g->n_map + 2 > GRAPH_MOST_MAPS || !draw(g, false, r))
        return false;
    struct real small = *r;
    const int64_t shape[] = {1, r->channels, r->rows, r->columns};
    if (of_channels) {
        add(g, "ReduceSum", small.name, "%s %s", r->name, integers(g, axes, 1, &one));
        small.channels = 1;
        small.most *= sqrt(r->channels);
    } else {
        add(g, "GlobalMaxPool", small.name, "%s", r->name);
        small.rows = small.columns = 1;
    }
    const uint32_t made = (uint32_t)(round_map(g, &small) - g->map);
    small = real_of(g, made);
    const int skip = within(g, 0, of_channels ? 1 : 2);
    add(g, "Expand", small.name, "%s %s", small.name, integers(g, to, 4 - skip, shape + skip));
    add(g, one_in(g, 3) ? "Sub" : "Add", r->name, "%s %s", r->name, small.name);
    r->most += small.most;
    r->addend = 256 * (double)g->map[made].scale;
    join(g, r, made);
    cut(g, r);
    return true;
}

/* Resize by linear interpolation, whose means at the border are of other numbers of pixels than 2^n
 * but for one kind of coordinates and a factor of 2. */
static bool add_linear(struct random_graph *g, struct real *r)
{
    static const char *const coordinates[] = {"half_pixel", "pytorch_half_pixel", "asymmetric"};
    char scales[GRAPH_NAME];
    uint32_t by[2];

    for (int a = 0; a < 2; a++)
        by[a] = (uint32_t)within(g, 1, g->exact ? 2 : 4);
    if (!draw(g, false, r) || r->rows * r->columns * by[0] * by[1] > MOST_PIXELS)
        return false;
    const char *mode = coordinates[g->exact ? 2 : below(g, 3)];
    if (strncmp(mode, "pytorch", 7) == 0 && (r->rows * by[0] == 1 || r->columns * by[1] == 1))
        return false;
    const float factor[] = {1, 1, (float)by[0], (float)by[1]};
    floats(g, scales, (const int64_t[]){4, -1}, 4, factor);
    Onnx__NodeProto *node = add(g, "Resize", r->name, "%s - %s", r->name, scales);
    make_text(node, "mode", "linear");
    make_text(node, "coordinate_transformation_mode", mode);
    r->rows *= by[0];
    r->columns *= by[1];
    return true;
}

/* A mean of pixels that lie apart. */
static bool add_dilated(struct random_graph *g, struct real *r)
{
    int64_t k[2], d[2], pads[4] = {0};

    if (!draw(g, false, r))
        return false;
    uint32_t *side[] = {&r->rows, &r->columns};
    for (int a = 0; a < 2; a++) {
        k[a] = g->exact ? 1 << within(g, 0, 1) : within(g, 1, 3);
        d[a] = within(g, 1, 3);
        for (int e = 0; e < 2; e++)
            pads[a + 2 * e] = g->exact ? 0 : within(g, 0, (int)k[a] - 1);
        int64_t out = *side[a] + pads[a] + pads[a + 2] - (k[a] - 1) * d[a];
        if (out < 1)
            return false;
        *side[a] = (uint32_t)out;
    }
    Onnx__NodeProto *node = add(g, "AveragePool", r->name, "%s", r->name);
    make_ints(node, "kernel_shape", 2, k);
    make_ints(node, "dilations", 2, d);
    make_ints(node, "pads", 4, pads);
    make_int(node, "count_include_pad", one_in(g, 2));
    return true;
}

/* A map and the image, where they have one shape: it waits for what is made of it. */
static bool add_image(struct random_graph *g, struct real *r)
{
    static const char *const names[] = {"Add", "Sub", "Mul"};
    const struct graph_map *m = &g->map[0];
    const uint32_t which = below(g, 3);

    if (!draw(g, true, r) || m->channels != r->channels || m->rows != r->rows ||
        m->columns != r->columns)
        return false;
    add(g, names[which], r->name, "%s %s", r->name, m->name);
    r->most = which == 2 ? r->most * m->most / 2 : r->most + m->most;
    r->addend = which == 2 ? 0 : 256 * (double)m->scale;
    join(g, r, 0);
    return true;
}

/* Channels by a list. */
static bool add_picked(struct random_graph *g, struct real *r)
{
    char list[GRAPH_NAME];
    int64_t pick[MOST_CHANNELS];
    const uint32_t n = (uint32_t)within(g, 1, MOST_CHANNELS);

    if (!draw(g, false, r))
        return false;
    for (uint32_t i = 0; i < n; i++)
        pick[i] = within(g, -(int)r->channels, (int)r->channels - 1);
    make_int(add(g, "Gather", r->name, "%s %s", r->name, integers(g, list, (int)n, pick)), "axis",
             one_in(g, 2) ? 1 : -3);
    r->channels = n;
    return true;
}

/* The largest or least of a map and several numbers, the map at any place. */
static bool add_extreme(struct random_graph *g, struct real *r)
{
    char list[3][GRAPH_NAME];
    const uint32_t n = (uint32_t)within(g, 1, 2), at = (uint32_t)within(g, 0, (int)n);
    const bool least = one_in(g, 2);

    if (!draw(g, false, r))
        return false;
    for (uint32_t i = 0; i <= n; i++) {
        if (i == at) {
            memcpy(list[i], r->name, sizeof list[i]);
            continue;
        }
        const int bound = within(g, -48, 48);
        number(g, list[i], r->most * bound / 64);
    }
    add(g, least ? "Min" : "Max", r->name, n == 2 ? "%s %s %s" : "%s %s", list[0], list[1],
        list[2]);
    return true;
}

/* Pixels and channels cut off or, read by a convolution, added: Pad of mixed signs. */
static bool add_crop(struct random_graph *g, struct real *r)
{
    char list[GRAPH_NAME], w[GRAPH_NAME];
    int64_t pads[8] = {0};

    if (!draw(g, false, r))
        return false;
    uint32_t *side[] = {&r->channels, &r->rows, &r->columns};
    for (int a = 0; a < 3; a++)
        for (int e = 0; e < 2; e++) {
            int64_t most = a == 0 ? 0 : 1;
            pads[a + 1 + 4 * e] = within(g, *side[a] > 3 ? -1 : 0, (int)most);
        }
    add(g, "Pad", r->name, "%s %s", r->name, integers(g, list, 8, pads));
    for (int a = 0; a < 3; a++)
        *side[a] += (uint32_t)(pads[a + 1] + pads[a + 5]);
    const uint32_t outputs = (uint32_t)within(g, 1, 4);
    weights(g, w, (const int64_t[]){outputs, r->channels, 1, 1, -1}, outputs, 0, 0.02);
    add(g, "Conv", r->name, "%s %s", r->name, w);
    r->most *= 127 * 0.02 * sqrt(r->channels) / 2;
    r->channels = outputs;
    return true;
}

/* A window whose padding follows from the sizes. */
static bool add_same(struct random_graph *g, struct real *r)
{
    static const char *const modes[] = {"SAME_UPPER", "SAME_LOWER", "VALID"};
    const uint32_t which = below(g, 3), mode = below(g, 3);
    int64_t k[2], s[2];
    char w[GRAPH_NAME];

    if (!draw(g, which == 0, r))
        return false;
    uint32_t *side[] = {&r->rows, &r->columns};
    for (int a = 0; a < 2; a++) {
        k[a] = g->exact && which == 1 ? 1 << within(g, 0, 1) : within(g, 1, 4);
        s[a] = within(g, 1, (int)k[a]);
        if (*side[a] < k[a])
            return false;
        if (g->exact && which == 1 && mode < 2 && *side[a] % s[a] + (k[a] != s[a]) > 0)
            return false; // means of other numbers at the border
        *side[a] = mode == 2 ? (*side[a] - (uint32_t)k[a]) / (uint32_t)s[a] + 1
                             : (*side[a] + (uint32_t)s[a] - 1) / (uint32_t)s[a];
    }
    Onnx__NodeProto *node;
    if (which == 0) {
        const uint32_t outputs = (uint32_t)within(g, 1, 4), n = r->channels;
        weights(g, w, (const int64_t[]){outputs, n, k[0], k[1], -1}, outputs, 0, 0.02);
        node = add(g, "Conv", r->name, "%s %s", r->name, w);
        r->most *= 127 * 0.02 * sqrt((double)n * (double)(k[0] * k[1])) / 2;
        r->channels = outputs;
    } else {
        node = add(g, which == 1 ? "AveragePool" : "MaxPool", r->name, "%s", r->name);
        make_ints(node, "kernel_shape", 2, k);
    }
    make_ints(node, "strides", 2, s);
    make_text(node, "auto_pad", modes[mode]);
    return true;
}

/* A convolution whose sums are scaled, normalised, cut and pooled before they are rounded. */
static bool add_block(struct random_graph *g, struct real *r)
{
    char w[GRAPH_NAME], name[4][GRAPH_NAME];
    float p[4][MOST_CHANNELS];
    const uint32_t outputs = (uint32_t)within(g, 1, 5);
    const bool pooled = one_in(g, 2), scaled = one_in(g, 2);

    if (!draw(g, true, r))
        return false;
    weights(g, w, (const int64_t[]){outputs, r->channels, 1, 1, -1}, outputs, 0, 0.02);
    add(g, "Conv", r->name, "%s %s", r->name, w);
    r->most *= 127 * 0.02 * sqrt(r->channels) / 2;
    r->channels = outputs;
    if (scaled) {
        const double by = (double)near(g, 1);
        add(g, "Mul", r->name, "%s %s", r->name, number(g, w, by));
        r->most *= by;
    }
    if (!g->exact) {
        for (int k = 0; k < 4; k++) {
            for (uint32_t i = 0; i < outputs; i++)
                p[k][i] = (float)within(g, k == 3 ? 60 : -100, 140) / 100;
            floats(g, name[k], (const int64_t[]){outputs, -1}, outputs, p[k]);
        }
        add(g, "BatchNormalization", r->name, "%s %s %s %s %s", r->name, name[0], name[1], name[2],
            name[3]);
        r->most = r->most * 2 + 2;
        r->addend = 3;
    }
    cut(g, r);
    if (!pooled || !g->exact || r->rows < 2 || r->columns < 2)
        return true; // else ties would be those of the layer before the pool
    Onnx__NodeProto *node = add(g, "MaxPool", r->name, "%s", r->name);
    make_ints(node, "kernel_shape", 2, (const int64_t[]){2, 2});
    make_ints(node, "strides", 2, (const int64_t[]){2, 2});
    r->rows /= 2;
    r->columns /= 2;
    return true;
}

/* Arithmetic on a function of a map and the map itself: still a table. */
static bool add_formula(struct random_graph *g, struct real *r)
{
    static const char *const names[] = {"Abs", "Neg", "Sigmoid", "Tanh", "HardSigmoid"};
    static const char *const joins[] = {"Add", "Mul", "Sub"};
    char f[GRAPH_NAME], s[GRAPH_NAME];

    if (!draw(g, false, r))
        return false;
    add(g, names[below(g, g->exact ? 2 : 5)], f, "%s", r->name);
    const double by = (double)near(g, 1);
    add(g, "Mul", f, "%s %s", f, number(g, s, by));
    add(g, joins[below(g, 3)], r->name, "%s %s", f, r->name);
    r->most *= 1 + fmin(r->most, 2);
    return true;
}

/* The sum of a map and what a function makes of it, the map first or last. */
static bool add_twice(struct random_graph *g, struct real *r)
{
    static const char *const names[] = {"Neg", "Abs", "Relu", "Sigmoid", "Tanh"};

    if (g->n_map + 2 > GRAPH_MOST_MAPS || !draw(g, false, r))
        return false;
    struct real f = *r;
    add(g, names[below(g, g->exact ? 3 : 5)], f.name, "%s", r->name);
    const uint32_t made = (uint32_t)(round_map(g, &f) - g->map);
    const bool first = one_in(g, 2);
    add(g, "Sum", r->name, "%s %s", first ? r->name : g->map[made].name,
        first ? g->map[made].name : r->name);
    r->most += g->map[made].most;
    r->addend = 256 * (double)g->map[made].scale;
    join(g, r, made);
    cut(g, r);
    return true;
}

/* Corners of a map, by indices from the end, side by side. */
static bool add_parts(struct random_graph *g, struct real *r)
{
    char a[GRAPH_NAME], b[GRAPH_NAME], list[3][GRAPH_NAME];

    if (!draw(g, false, r) || r->rows < 2 || r->columns < 2 || 2 * r->channels > MOST_CHANNELS)
        return false;
    const int64_t axes[] = {-1, 2}, rows = r->rows, columns = r->columns;
    const int64_t first[] = {0, 0}, ends[] = {columns - 1, -1};
    add(g, "Slice", a, "%s %s %s %s", r->name, integers(g, list[0], 2, first),
        integers(g, list[1], 2, ends), integers(g, list[2], 2, axes));
    const int64_t from[] = {-(columns - 1), 1}, to[] = {INT64_MAX, rows};
    add(g, "Slice", b, "%s %s %s %s", r->name, integers(g, list[0], 2, from),
        integers(g, list[1], 2, to), list[2]);
    make_int(add(g, "Concat", r->name, "%s %s", a, b), "axis", -3);
    r->channels *= 2;
    r->rows--;
    r->columns--;
    return true;
}

/* A pool without its dimensions, or one that got them back; and a product of vectors. */
static bool add_squeezed(struct random_graph *g, struct real *r)
{
    char axes[GRAPH_NAME], w[GRAPH_NAME];
    const int64_t sides[] = {2, 3};
    const bool back = one_in(g, 2);

    if (!draw(g, false, r) || (g->exact && !is_power_of_2(r->rows * r->columns)))
        return false;
    const uint32_t inputs = r->channels, outputs = (uint32_t)within(g, 2, 6);
    make_int(add(g, "ReduceMean", r->name, "%s %s", r->name, integers(g, axes, 2, sides)),
             "keepdims", 0);
    r->rows = r->columns = 1;
    r->most /= 2;
    r->flat = true;
    if (back) {
        add(g, "Unsqueeze", r->name, "%s %s", r->name, axes);
        r->flat = false;
        return true;
    }
    if (g->n_map + 2 > GRAPH_MOST_MAPS)
        return false;
    const uint32_t made = (uint32_t)(round_map(g, r) - g->map);
    *r = real_of(g, made);
    weights(g, w, (const int64_t[]){inputs, outputs, -1}, outputs, 1, 0.02);
    Onnx__NodeProto *node = add(g, "Gemm", r->name, "%s %s", r->name, w);
    const double alpha = (double)near(g, 1);
    make_float(node, "alpha", (float)alpha);
    r->most *= 127 * 0.02 * alpha * sqrt(inputs) / 2;
    r->channels = outputs;
    return true;
}

/* Operators on bytes of ONNX Runtime's own: of one map or of two of one type. */
static bool add_bytes(struct random_graph *g, struct real *r)
{
    static const char *const names[] = {"QLinearGlobalAveragePool", "QLinearAveragePool",
                                        "QLinearAdd", "QLinearConcat"};
    const uint32_t which = below(g, 4);
    char scale[3][GRAPH_NAME], zero[3][GRAPH_NAME], real[GRAPH_NAME];
    uint32_t other = 0;

    if (!g->exact || g->n_map == GRAPH_MOST_MAPS || !draw(g, false, r) ||
        (which == 0 && !is_power_of_2(r->rows * r->columns)) ||
        (which == 1 && (r->rows < 2 || r->columns < 2)) ||
        (which == 3 && 2 * r->channels > MOST_CHANNELS))
        return false;
    const struct graph_map x = g->map[r->from[0]];
    if (which > 1 && (!(other = like(g, r)) || g->map[other].is_signed != x.is_signed))
        other = r->from[0];
    const struct graph_map o = g->map[other];
    struct graph_map *m = &g->map[g->n_map++];
    *m = (struct graph_map){.channels = r->channels * (which == 3 ? 2 : 1), .rows = r->rows,
                            .columns = r->columns, .from = {r->from[0], other},
                            .n_from = which > 1 ? 2 : 1};
    choose_bytes(g, m, which == 2 ? x.most + o.most : x.most);
    m->is_signed = x.is_signed;
    m->zero = 2 * (m->is_signed ? within(g, -50, 50) : within(g, 0, 100));
    const int32_t type = m->is_signed ? ONNX_TYPE(INT8) : ONNX_TYPE(UINT8);
    const float scales[] = {x.scale, o.scale, m->scale};
    const int zeros[] = {x.zero, o.zero, m->zero};
    for (int i = 0; i < 3; i++) {
        const uint8_t z = (uint8_t)zeros[i];
        number(g, scale[i], (double)scales[i]);
        make_tensor(g->model, new_value(g, zero[i]), type, (const int64_t[]){-1}, &z, 1);
    }
    Onnx__NodeProto *node;
    if (which == 2)
        node = add(g, names[which], m->bytes, "%s %s %s %s %s %s %s %s", x.bytes, scale[0],
                   zero[0], o.bytes, scale[1], zero[1], scale[2], zero[2]);
    else if (which == 3)
        node = add(g, names[which], m->bytes, "%s %s %s %s %s %s %s %s", scale[2], zero[2],
                   x.bytes, scale[0], zero[0], o.bytes, scale[1], zero[1]);
    else
        node = add(g, names[which], m->bytes, "%s %s %s %s %s", x.bytes, scale[0], zero[0],
                   scale[2], zero[2]);
    make_rename(&node->domain, "com.microsoft");
    if (which == 0) {
        m->rows = m->columns = 1;
    } else if (which == 1) {
        make_ints(node, "kernel_shape", 2, (const int64_t[]){2, 2});
        m->rows--;
        m->columns--;
    } else if (which == 3) {
        make_int(node, "axis", 1);
    }
    if (which > 1)
        g->map[other].read = true;
    add(g, "DequantizeLinear", real, "%s %s %s", m->bytes, scale[2], zero[2]);
    memcpy(m->name, real, sizeof real);
    return false; // it is rounded
}

/* A function of a convolution's sums, perhaps with a map added and cut, that are not rounded; in an
 * exact graph one whose operators single precision rounds alike everywhere. */
static bool add_function_of_sum(struct random_graph *g, struct real *r)
{
    static const char *const names[] = {"Abs", "Sigmoid", "Tanh", "Gelu", "HardSwish", "Erf"};
    const uint32_t any = below(g, 8), which = !g->exact ? any : any < 4 ? 0 : 7;
    char s[GRAPH_NAME], f[GRAPH_NAME];

    if (!add_conv(g, r))
        return false;
    if (which < 6) {
        add(g, names[which], r->name, "%s", r->name);
        r->most = which == 1 || which == 2 || which == 5 ? 1 : r->most;
    } else if (which == 6) { // SiLU
        add(g, "Sigmoid", f, "%s", r->name);
        add(g, "Mul", r->name, "%s %s", r->name, f);
    } else { // falls and rises
        add(g, "Mul", f, "%s %s", r->name, r->name);
        add(g, "Sub", r->name, "%s %s", f, r->name);
        const double by = (double)near(g, 0.5);
        add(g, "Mul", r->name, "%s %s", r->name, number(g, s, by));
        r->most *= fmin(r->most, 2);
    }
    r->addend = 0;
    return true;
}

/* New ones come last, so that a seed and a number of operators stand for one graph for ever. */
static bool (*const operators[])(struct random_graph *g, struct real *r) = {
    add_conv,   add_conv,    add_conv, add_pool,   add_global_pool, add_sum,     add_product,
    add_gate,   add_function, add_function, add_scaling, add_concat, add_part,  add_resize,
    add_shuffle, add_nothing, add_gemm, add_pad,   add_split,       add_channel_mean,
    add_integer, add_transposed, add_transposed, add_space, add_reduced,     add_expanded,
    add_linear, add_dilated, add_image,  add_picked, add_extreme,   add_same,
    add_block,  add_formula, add_twice,  add_parts,  add_squeezed,  add_bytes,  add_bytes,
    add_crop,   add_function_of_sum, add_function_of_sum, add_sums_of_codes,
};

/* ---- Graphs ---- */

static void name_output(struct random_graph *g, const char *name, int32_t type, bool first)
{
    if (first)
        make_rename(&g->model->graph->output[0]->name, name);
    make_output(g->model, first ? NULL : name, 0, NULL);
    Onnx__ValueInfoProto *v = g->model->graph->output[g->model->graph->n_output - 1];
    v->type->tensor_type->elem_type = type;
    protobuf_c_message_free_unpacked(&v->type->tensor_type->shape->base, NULL);
    v->type->tensor_type->shape = NULL; // whatever it is
}

static int32_t type_of(const struct graph_map *m)
{
    return m->is_signed ? ONNX_TYPE(INT8) : ONNX_TYPE(UINT8);
}

/* Nodes whose results nobody reads, which attempts that were given up have left. */
static void drop_unread(struct random_graph *g)
{
    Onnx__GraphProto *graph = g->model->graph;

    for (size_t i = graph->n_node; i-- > 0;) {
        bool read = false;
        for (size_t k = 0; k < graph->n_node && !read; k++)
            for (size_t j = 0; j < graph->node[k]->n_input; j++)
                read |= strcmp(graph->node[k]->input[j], graph->node[i]->output[0]) == 0;
        for (size_t k = 0; k < graph->n_output; k++)
            read |= strcmp(graph->output[k]->name, graph->node[i]->output[0]) == 0;
        if (read)
            continue;
        onnx__node_proto__free_unpacked(graph->node[i], NULL);
        memmove(&graph->node[i], &graph->node[i + 1],
                (graph->n_node - i - 1) * sizeof *graph->node);
        graph->n_node--;
    }
}

static void list_operators(struct random_graph *g)
{
    for (size_t i = 0; i < g->model->graph->n_node; i++) {
        const char *op = g->model->graph->node[i]->op_type;
        size_t n = strlen(g->operators);
        if (!strstr(op, "QuantizeLinear") && !strstr(op, "DequantizeLinear"))
            snprintf(g->operators + n, sizeof g->operators - n, "%s ", op);
    }
}

void random_graph_make(struct random_graph *g, uint64_t seed)
{
    random_graph_make_of(g, seed, sizeof operators / sizeof *operators);
}

void random_graph_make_of(struct random_graph *g, uint64_t seed, uint32_t n_operator)
{
    *g = (struct random_graph){.state = seed, .exact = seed % 2 == 0};
    struct real r = {.name = "image", .channels = (uint32_t)within(g, 1, 4),
                     .rows = (uint32_t)within(g, 3, 9), .columns = (uint32_t)within(g, 3, 9),
                     .most = 4};
    g->model = make_model(r.channels, r.rows, r.columns);
    g->model->opset_import[0]->version = OPSET;
    g->model->ir_version = 10;
    make_opset(g->model, "com.microsoft", 1);
    round_map(g, &r);
    uint32_t want = (uint32_t)within(g, 3, 9);
    for (uint32_t tries = 0; tries < 200 && (g->n_map < want || g->n_map < 2); tries++)
        if (operators[below(g, n_operator)](g, &r) &&
            g->n_map < GRAPH_MOST_MAPS)
            round_map(g, &r);
    bool first = true;
    for (uint32_t i = 1; i < g->n_map; i++) { // `read` may be by an attempt that was given up
        struct graph_map *m = &g->map[i];
        bool used = false;
        for (uint32_t k = i + 1; k < g->n_map; k++)
            for (uint32_t j = 0; j < g->map[k].n_from; j++)
                used |= g->map[k].from[j] == i;
        used |= g->sums[0] && g->sums_from == i;
        m->is_output = !used || !g->exact;
        if (m->is_output)
            name_output(g, m->bytes, type_of(m), first);
        first &= !m->is_output;
    }
    if (g->sums[0])
        name_output(g, g->sums, ONNX_TYPE(FLOAT), first);
    drop_unread(g);
    list_operators(g);
}

void random_graph_free(struct random_graph *g)
{
    make_free(g->model);
    *g = (struct random_graph){0};
}

void random_graph_image(struct random_graph *g, float *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        v[i] = (float)within(g, -9000, 9000) / 2048;
}

void random_graph_tell_all(struct random_graph *g)
{
    for (uint32_t i = 0; i < g->n_map; i++) {
        if (i > 0 && g->map[i].value[0])
            name_output(g, g->map[i].value, ONNX_TYPE(FLOAT), false);
        if (!g->map[i].is_output)
            name_output(g, g->map[i].bytes, type_of(&g->map[i]), false);
    }
}
