/* test/zoo/zoo_build.c -- see zoo_build.h. */
#include "test/zoo/zoo_build.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "test/zoo/stream.h"

/* ReLU's result where sums have mean 0 and deviation 1; from which mean on it changes little. */
#define RELU_MEAN 0.4
#define RELU_SD   0.58
#define RELU_IDLE 1.5
#define COVERED   3.5 // deviations of a map that its bytes reach
#define SIX       6.0F
#define LEAK      0.1F

struct text {
    char s[256];
};

/* The scope that the exporter makes of a module's name: children of a list keep the list's name,
 * features.1.conv.0 is /features/features.1/conv/conv.0. */
static struct text scope(const char *module)
{
    struct text out = {""}, list = {""};
    size_t n = 0;

    while (*module) {
        size_t len = strcspn(module, ".");
        char part[64];
        snprintf(part, sizeof part, "%.*s", (int)len, module);
        if (isdigit((unsigned char)*part) && *list.s) {
            struct text child;
            snprintf(child.s, sizeof child.s, "%.180s.%s", list.s, part);
            list = child;
        } else {
            snprintf(list.s, sizeof list.s, "%s", part);
        }
        n += (size_t)snprintf(out.s + n, sizeof out.s - n, "/%s", list.s);
        assert(n < sizeof out.s);
        module += len + (module[len] == '.');
    }
    return out;
}

static struct text joined(const char *a, const char *b)
{
    struct text out;

    snprintf(out.s, sizeof out.s, "%.127s%.127s", a, b);
    return out;
}

struct zoo_name zoo_child(const char *path, const char *child)
{
    struct zoo_name n;

    snprintf(n.s, sizeof n.s, "%.70s.%.20s", path, child);
    return n;
}

/* ---- Nodes and constants ---- */

static void set_name(struct zoo_map *map, const char *name)
{
    assert(strlen(name) < sizeof map->name);
    strcpy(map->name, name);
}

/* A node of `module` that reads `inputs`; its result's name goes to out. */
static Onnx__NodeProto *node(struct zoo *z, const char *op, const char *module, const char *inputs,
                             struct zoo_map *out)
{
    struct text name = scope(module);

    snprintf(name.s + strlen(name.s), sizeof name.s - strlen(name.s), "/%s", op);
    set_name(out, joined(name.s, "_output_0").s);
    out->scale = 0;
    return make_node(z->model, op, name.s, inputs, out->name);
}

/* A constant whose data are the caller's; dims ends with -1. */
static void constant(struct zoo *z, const char *name, int32_t type, const int64_t *dims,
                     const void *data, size_t size)
{
    make_tensor(z->model, name, type, dims, z->cfg.no_data ? "" : data,
                z->cfg.no_data ? 0 : size);
}

static void vector(struct zoo *z, const char *name, uint32_t n, const float *v)
{
    constant(z, name, ONNX_TYPE(FLOAT), (const int64_t[]){n, -1}, v, n * sizeof *v);
}

static void scalar(struct zoo *z, const char *name, float v)
{
    constant(z, name, ONNX_TYPE(FLOAT), (const int64_t[]){-1}, &v, sizeof v);
}

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static double uniform(struct stream *r, double low, double high)
{
    return low + (high - low) * stream_double(r);
}

static struct stream stream_of(const struct zoo *z, const char *module, const char *what)
{
    struct stream r;

    stream_init(&r, z->cfg.seed, joined(module, what).s);
    return r;
}

/* The power of two that is v, or the next above. */
static double power_of_two(double v)
{
    int exponent;
    double fraction = frexp(v, &exponent);

    return ldexp(1, fraction == 0.5 ? exponent - 1 : exponent);
}

/* ---- Weights ---- */

/* What a layer multiplies with: out x n weights, each output's factor and offset. The factor is
 * that of a batch norm, the offset what is added to factor * sum. */
struct affine {
    uint32_t out, n;
    uint32_t kernel; // of ConvTranspose, whose weights are stored [input][output][kernel]; else 0
    float   *weight;
    double  *factor, *offset;
};

static void affine_release(struct affine *a)
{
    free(a->weight);
    free(a->factor);
    free(a->offset);
}

/* Weights of sums of deviation sd where their inputs have mean and deviation of `in`. */
static struct affine draw(const struct zoo *z, const struct zoo_map *in, const char *module,
                          uint32_t out, uint32_t n, double sd)
{
    struct affine a = {.out = out, .n = n, .factor = must(malloc(out * sizeof *a.factor)),
                       .offset = must(malloc(out * sizeof *a.offset))};
    struct stream r = stream_of(z, module, ".weight"), s = stream_of(z, module, ".bias");
    bool centred = n > 16 && in->positive; // not depthwise, and there is a mean to take away
    double seen = centred ? in->sd : sqrt(in->sd * in->sd + in->mean * in->mean);
    double most = sqrt(3.0 / n) * sd / seen;

    for (uint32_t o = 0; o < out; o++) {
        a.factor[o] = uniform(&s, 0.7, 1.3);
        a.offset[o] = uniform(&s, -0.25, 0.25) * sd;
    }
    if (z->cfg.no_data)
        return a;
    a.weight = must(malloc((size_t)out * n * sizeof *a.weight));
    for (uint32_t o = 0; o < out; o++) {
        float *w = a.weight + (size_t)o * n;
        double sum = 0;
        for (uint32_t i = 0; i < n; i++) {
            w[i] = (float)uniform(&r, -most, most);
            sum += (double)w[i];
        }
        for (uint32_t i = 0; i < n && centred; i++)
            w[i] -= (float)(sum / n);
    }
    return a;
}

static void add_input(Onnx__NodeProto *to, const char *name)
{
    to->input = must(realloc(to->input, (to->n_input + 1) * sizeof *to->input));
    to->input[to->n_input++] = must(strdup(name));
}

/* Constant `name` through DequantizeLinear, as the input of a node that is yet to come. dims ends
 * with -1; one scale for each output, or one. */
static struct text dequantised(struct zoo *z, const char *name, int32_t type, const int64_t *dims,
                               const void *data, size_t size, uint32_t n_scale, const float *scale,
                               uint32_t axis)
{
    struct text q = joined(name, "_quantized"), s = joined(name, "_scale");
    struct text zero = joined(name, "_zero_point"), out = joined(name, "_DequantizeLinear_Output");
    char *inputs = must(malloc(3 * sizeof q));
    size_t item = type == ONNX_TYPE(INT8) ? 1 : sizeof(int32_t);
    void *zeros = must(calloc(n_scale, item));
    const int64_t one_each[] = {n_scale, -1}, single[] = {-1};
    const int64_t *along = n_scale > 1 ? one_each : single;

    constant(z, q.s, type, dims, data, size);
    constant(z, s.s, ONNX_TYPE(FLOAT), along, scale, n_scale * sizeof *scale);
    constant(z, zero.s, type, along, zeros, n_scale * item);
    sprintf(inputs, "%s %s %s", q.s, s.s, zero.s);
    Onnx__NodeProto *d = make_node(z->model, "DequantizeLinear",
                                   joined(name, "_DequantizeLinear").s, inputs, out.s);
    if (n_scale > 1)
        make_int(d, "axis", axis);
    free(zeros);
    free(inputs);
    return out;
}

/* Where weight i of output o is stored. */
static size_t stored_at(const struct affine *a, uint32_t o, uint32_t i)
{
    if (a->kernel == 0)
        return (size_t)o * a->n + i;
    return ((size_t)(i / a->kernel) * a->out + o) * a->kernel + i % a->kernel;
}

static double largest(const struct affine *a, uint32_t from, uint32_t to)
{
    double most = 0;

    for (uint32_t o = from; o < to && a->weight; o++)
        for (size_t i = (size_t)o * a->n; i < (size_t)(o + 1) * a->n; i++)
            most = fmax(most, fabs((double)a->weight[i]) * a->factor[o]);
    return most > 0 ? most : 1;
}

struct two_texts {
    struct text weight, bias; // names; no bias: ""
};

enum constants {
    WITH_BIAS,
    NO_BIAS,
    NORM_FOLLOWS, // which has factor and offset
    LAST,         // of the result, whose outputs have one scale so that they can be compared
};

/* Weights and bias as bytes and words, in scales that are powers of two. */
static struct two_texts quantised(struct zoo *z, const struct zoo_map *in, const char *module,
                                  const struct affine *a, const int64_t *dims,
                                  enum constants kind)
{
    size_t n = (size_t)a->out * a->n;
    int8_t *w = must(malloc(n));
    int32_t *b = must(malloc(a->out * sizeof *b));
    float *scale = must(malloc(a->out * sizeof *scale));
    float *step = must(malloc(a->out * sizeof *step));
    double common = power_of_two(largest(a, 0, a->out) / INT8_MAX);

    for (uint32_t o = 0; o < a->out; o++) {
        scale[o] = (float)(kind == LAST ? common
                                        : power_of_two(largest(a, o, o + 1) / INT8_MAX));
        step[o] = scale[o] * (float)in->scale;
        b[o] = (int32_t)rint(a->offset[o] / (double)step[o]);
        for (uint32_t i = 0; i < a->n && a->weight; i++)
            w[stored_at(a, o, i)] = (int8_t)rint((double)a->weight[(size_t)o * a->n + i] *
                                                 a->factor[o] / (double)scale[o]);
    }
    uint32_t n_scale = kind == LAST ? 1 : a->out;
    struct two_texts names = {
        dequantised(z, joined(module, ".weight").s, ONNX_TYPE(INT8), dims, w, n, n_scale, scale,
                    a->kernel > 0),
        {""}};
    if (kind != NO_BIAS)
        names.bias = dequantised(z, joined(module, ".bias").s, ONNX_TYPE(INT32),
                                 (const int64_t[]){a->out, -1}, b, a->out * sizeof *b, n_scale,
                                 step, 0);
    free(w);
    free(b);
    free(scale);
    free(step);
    return names;
}

/* Weights and bias in float. */
static struct two_texts real(struct zoo *z, const char *module, const struct affine *a,
                             const int64_t *dims, enum constants kind)
{
    struct two_texts names = {joined(module, ".weight"), {""}};
    size_t n = (size_t)a->out * a->n;

    float *w = must(malloc(n * sizeof *w));

    for (uint32_t o = 0; o < a->out && a->weight; o++)
        for (uint32_t i = 0; i < a->n; i++)
            w[stored_at(a, o, i)] = a->weight[(size_t)o * a->n + i] *
                                    (kind == NORM_FOLLOWS ? 1 : (float)a->factor[o]);
    constant(z, names.weight.s, ONNX_TYPE(FLOAT), dims, w, n * sizeof *w);
    free(w);
    if (kind == NORM_FOLLOWS || kind == NO_BIAS)
        return names;
    float *bias = must(malloc(a->out * sizeof *bias));
    for (uint32_t o = 0; o < a->out; o++)
        bias[o] = (float)a->offset[o];
    names.bias = joined(module, ".bias");
    vector(z, names.bias.s, a->out, bias);
    free(bias);
    return names;
}

static void add_constants(struct zoo *z, Onnx__NodeProto *to, const struct zoo_map *in,
                          const char *module, const struct affine *a, const int64_t *dims,
                          enum constants kind)
{
    struct two_texts names = z->cfg.form == ZOO_QDQ ? quantised(z, in, module, a, dims, kind)
                                                    : real(z, module, a, dims, kind);

    add_input(to, names.weight.s);
    if (*names.bias.s)
        add_input(to, names.bias.s);
}

/* Nodes stand in the file in an order that can be computed: what was added since the graph had n
 * nodes goes in front of the one that was the n-th. */
static void move_behind(struct zoo *z, size_t n)
{
    Onnx__NodeProto **list = z->model->graph->node, *moved = list[n];
    size_t later = z->model->graph->n_node - n - 1;

    memmove(list + n, list + n + 1, later * sizeof *list);
    list[n + later] = moved;
}

/* ---- Layers ---- */

uint32_t zoo_thin(const struct zoo *z, uint32_t n)
{
    uint32_t thin = n / z->cfg.thin;

    return thin >= 4 ? thin : 4;
}

struct zoo_map zoo_image(struct zoo *z)
{
    struct zoo_map image = {.name = "input", .channels = 3, .size = z->cfg.size, .mean = 0,
                            .sd = 1.15, .scale = 0x1p-6, .is_signed = true};

    return zoo_round(z, &image);
}

/* A batch norm that makes factor * value + offset of values of mean and deviation of in. */
static void batch_norm(struct zoo *z, const char *module, const double *factor,
                       const double *offset, struct zoo_map *map)
{
    static const char *const of[] = {".weight", ".bias", ".running_mean", ".running_var"};
    const float epsilon = z->cfg.form == ZOO_QDQ ? 0 : 1e-5F;
    float *v[4];
    struct stream r = stream_of(z, module, ".running");
    struct text inputs = {""};

    for (int k = 0; k < 4; k++)
        v[k] = must(malloc(map->channels * sizeof **v));
    for (uint32_t i = 0; i < map->channels; i++) {
        double mean = z->cfg.form == ZOO_QDQ ? 0 : uniform(&r, -0.1, 0.1);
        double variance = z->cfg.form == ZOO_QDQ ? 1 : uniform(&r, 0.5, 2);
        v[0][i] = (float)(factor[i] * sqrt(variance + (double)epsilon));
        v[1][i] = (float)(offset[i] + factor[i] * mean);
        v[2][i] = (float)mean;
        v[3][i] = (float)variance;
    }
    snprintf(inputs.s, sizeof inputs.s, "%s", map->name);
    Onnx__NodeProto *n = node(z, "BatchNormalization", module, inputs.s, map);
    make_float(n, "epsilon", epsilon);
    for (int k = 0; k < 4; k++) {
        vector(z, joined(module, of[k]).s, map->channels, v[k]);
        add_input(n, joined(module, of[k]).s);
        free(v[k]);
    }
}

static uint32_t windows(uint32_t size, struct zoo_window w)
{
    assert(size + 2 * w.pad + w.pad_more >= w.kernel);
    uint32_t last = size + 2 * w.pad + w.pad_more - w.kernel;
    uint32_t n = (w.ceil ? (uint32_t)ceil_div(last, w.stride) : last / w.stride) + 1;

    return w.ceil && (n - 1) * w.stride >= size + w.pad ? n - 1 : n;
}

static void window_attributes(Onnx__NodeProto *n, struct zoo_window w)
{
    const int64_t behind = (int64_t)w.pad + w.pad_more;

    make_ints(n, "kernel_shape", 2, (const int64_t[]){w.kernel, w.kernel});
    make_ints(n, "pads", 4, (const int64_t[]){w.pad, w.pad, behind, behind});
    make_ints(n, "strides", 2, (const int64_t[]){w.stride, w.stride});
}

struct zoo_map zoo_conv(struct zoo *z, const struct zoo_map *in, const struct zoo_conv *c)
{
    const uint32_t out_channels = c->depthwise ? in->channels : c->out;
    const uint32_t groups = c->depthwise ? in->channels : 1, per_group = in->channels / groups;
    const enum constants kind = c->norm && z->cfg.form == ZOO_FLOAT ? NORM_FOLLOWS
                                : c->no_bias                        ? NO_BIAS
                                                                    : WITH_BIAS;
    const int64_t dims[] = {out_channels, per_group, c->kernel, c->kernel, -1};
    const struct zoo_window w = {.kernel = c->kernel, .stride = c->stride, .pad = c->pad,
                                 .pad_more = c->pad_more};
    struct zoo_map out = {.channels = out_channels, .sd = c->sd > 0 ? c->sd : 1,
                          .size = windows(in->size, w)};
    struct affine a = draw(z, in, c->module, out_channels, per_group * c->kernel * c->kernel,
                           out.sd);
    size_t before = z->model->graph->n_node;
    Onnx__NodeProto *n = node(z, "Conv", c->module, in->name, &out);

    make_ints(n, "dilations", 2, (const int64_t[]){1, 1});
    make_int(n, "group", groups);
    window_attributes(n, w);
    add_constants(z, n, in, c->module, &a, dims, kind);
    move_behind(z, before);
    if (kind == NORM_FOLLOWS)
        batch_norm(z, c->norm, a.factor, a.offset, &out);
    affine_release(&a);
    return out;
}

struct zoo_map zoo_norm(struct zoo *z, const struct zoo_map *in, const char *module)
{
    const int64_t dims[] = {in->channels, 1, 1, 1, -1};
    struct zoo_map out = *in;
    struct stream r = stream_of(z, module, ".weight");
    struct affine a = {.out = in->channels, .n = 1,
                       .weight = must(malloc(in->channels * sizeof *a.weight)),
                       .factor = must(malloc(in->channels * sizeof *a.factor)),
                       .offset = must(malloc(in->channels * sizeof *a.offset))};

    for (uint32_t i = 0; i < in->channels; i++) {
        a.weight[i] = 1;
        a.factor[i] = rint(uniform(&r, 0.7, 1.3) / in->sd * 64) / 64;
        a.offset[i] = uniform(&r, -0.25, 0.25) - a.factor[i] * in->mean;
    }
    out.positive = false;
    out.mean = 0;
    out.sd = 1;
    out.scale = 0;
    if (z->cfg.form == ZOO_QDQ && !z->cfg.norm_nodes) {
        size_t before = z->model->graph->n_node;
        Onnx__NodeProto *n = node(z, "Conv", module, in->name, &out);
        make_ints(n, "dilations", 2, (const int64_t[]){1, 1});
        make_int(n, "group", in->channels);
        window_attributes(n, (struct zoo_window){.kernel = 1, .stride = 1});
        add_constants(z, n, in, module, &a, dims, WITH_BIAS);
        move_behind(z, before);
    } else {
        batch_norm(z, module, a.factor, a.offset, &out);
    }
    affine_release(&a);
    return out;
}

/* What is left where what is below 0 becomes 0. */
static struct zoo_map rectified(const struct zoo_map *in)
{
    struct zoo_map out = *in;
    double away = fmin(fmax(in->mean / in->sd / RELU_IDLE, 0), 1);

    out.mean = in->sd * RELU_MEAN * (1 - away) + in->mean * away;
    out.sd = in->sd * (RELU_SD * (1 - away) + away);
    out.positive = true;
    return out;
}

struct zoo_map zoo_relu(struct zoo *z, const struct zoo_map *in, const char *module)
{
    struct zoo_map out = rectified(in);

    node(z, "Relu", module, in->name, &out);
    return out;
}

struct zoo_map zoo_relu6(struct zoo *z, const struct zoo_map *in, const char *module)
{
    struct zoo_map out = rectified(in);
    Onnx__NodeProto *n = node(z, "Clip", module, in->name, &out);

    if (z->cfg.opset < 11) {
        make_float(n, "max", SIX);
        make_float(n, "min", 0);
        return out;
    }
    struct text path = scope(module), low = joined(path.s, "/Constant_output_0");
    struct text high = joined(path.s, "/Constant_1_output_0");
    scalar(z, low.s, 0);
    scalar(z, high.s, SIX);
    add_input(n, low.s);
    add_input(n, high.s);
    return out;
}

struct zoo_map zoo_add(struct zoo *z, const struct zoo_map *a, const struct zoo_map *b,
                       const char *module)
{
    struct zoo_map out = *a;
    struct text inputs;

    assert(a->channels == b->channels && a->size == b->size);
    snprintf(inputs.s, sizeof inputs.s, "%s %s", a->name, b->name);
    out.mean = a->mean + b->mean;
    out.sd = sqrt(a->sd * a->sd + b->sd * b->sd);
    out.positive = a->positive && b->positive;
    node(z, "Add", module, inputs.s, &out);
    return out;
}

struct zoo_map zoo_mul(struct zoo *z, const struct zoo_map *a, const struct zoo_map *b,
                       const char *module)
{
    struct zoo_map out = *a;
    struct text inputs;
    double square = (a->sd * a->sd + a->mean * a->mean) * (b->sd * b->sd + b->mean * b->mean);

    assert(a->channels == b->channels && (b->size == 1 || b->size == a->size));
    snprintf(inputs.s, sizeof inputs.s, "%s %s", a->name, b->name);
    out.mean = a->mean * b->mean;
    out.sd = sqrt(square - out.mean * out.mean);
    out.positive = a->positive && b->positive;
    node(z, "Mul", module, inputs.s, &out);
    return out;
}

static double hard_sigmoid(double x) { return fmin(fmax(x / 6 + 0.5, 0), 1); }
static double hard_swish(double x) { return x * hard_sigmoid(x); }
static double leaky_relu(double x) { return x < 0 ? LEAK * x : x; }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double silu(double x) { return x * sigmoid(x); }

static const struct {
    double (*f)(double x);
    const char *op;
    bool        times; // the result is x times what `op` makes of x
    bool        positive;
} functions[] = {
    [ZOO_HARD_SIGMOID] = {hard_sigmoid, "HardSigmoid", false, true},
    [ZOO_HARD_SWISH] = {hard_swish, "HardSigmoid", true, false},
    [ZOO_LEAKY_RELU] = {leaky_relu, "LeakyRelu", false, false},
    [ZOO_SIGMOID] = {sigmoid, "Sigmoid", false, true},
    [ZOO_SILU] = {silu, "Sigmoid", true, false},
};

/* Mean and deviation of f where its argument is normal. */
static void spread(double (*f)(double x), struct zoo_map *map)
{
    double weight = 0, mean = 0, square = 0, x0 = map->mean, sd = map->sd;

    for (int i = -100; i <= 100; i++) {
        double away = i * 0.05, w = exp(-away * away / 2), y = f(x0 + away * sd);
        weight += w;
        mean += w * y;
        square += w * y * y;
    }
    map->mean = mean / weight;
    map->sd = sqrt(square / weight - map->mean * map->mean);
}

struct zoo_map zoo_function(struct zoo *z, const struct zoo_map *in, const char *module,
                            enum zoo_function what)
{
    const bool whole = what == ZOO_HARD_SWISH && z->cfg.opset >= 14;
    struct zoo_map out = *in;
    struct text inputs;

    spread(functions[what].f, &out);
    out.positive = functions[what].positive;
    Onnx__NodeProto *n = node(z, whole ? "HardSwish" : functions[what].op, module, in->name, &out);
    if (strcmp(n->op_type, "HardSigmoid") == 0)
        make_float(n, "alpha", 1.0F / 6);
    if (what == ZOO_LEAKY_RELU)
        make_float(n, "alpha", LEAK);
    if (whole || !functions[what].times)
        return out;
    snprintf(inputs.s, sizeof inputs.s, "%.120s %.120s", in->name, out.name);
    node(z, "Mul", module, inputs.s, &out);
    return out;
}

struct zoo_map zoo_conv_transposed(struct zoo *z, const struct zoo_map *in, const char *module,
                                   uint32_t channels, uint32_t kernel)
{
    const int64_t dims[] = {in->channels, channels, kernel, kernel, -1};
    const struct zoo_window w = {.kernel = kernel, .stride = kernel};
    const uint32_t positions = kernel * kernel;
    struct zoo_map out = {.channels = channels, .sd = 1, .size = in->size * kernel};
    struct affine a = draw(z, in, module, channels, in->channels * positions, kernel);
    size_t before = z->model->graph->n_node;
    Onnx__NodeProto *n = node(z, "ConvTranspose", module, in->name, &out);

    a.kernel = positions;
    make_ints(n, "dilations", 2, (const int64_t[]){1, 1});
    make_int(n, "group", 1);
    window_attributes(n, w);
    add_constants(z, n, in, module, &a, dims, WITH_BIAS);
    move_behind(z, before);
    affine_release(&a);
    return out;
}

struct zoo_map zoo_enlarge(struct zoo *z, const struct zoo_map *in, const char *module,
                           uint32_t factor)
{
    const float scales[] = {1, 1, (float)factor, (float)factor};
    struct text path = scope(module), name = joined(path.s, "/Constant_output_0");
    struct zoo_map out = *in;

    out.size *= factor;
    Onnx__NodeProto *n = node(z, z->cfg.opset < 10 ? "Upsample" : "Resize", module, in->name, &out);
    out.scale = in->scale;
    make_text(n, "mode", "nearest");
    if (z->cfg.opset >= 11) {
        make_text(n, "coordinate_transformation_mode", "asymmetric");
        make_text(n, "nearest_mode", "floor");
        add_input(n, "");
    }
    vector(z, name.s, 4, scales);
    add_input(n, name.s);
    return out;
}

static void integers(struct zoo *z, const char *name, size_t n, const int64_t *v)
{
    make_tensor(z->model, name, ONNX_TYPE(INT64), (const int64_t[]){(int64_t)n, -1}, v,
                n * sizeof *v);
}

void zoo_halves(struct zoo *z, const struct zoo_map *in, const char *module,
                struct zoo_map half[2])
{
    const int64_t sizes[] = {in->channels / 2, in->channels / 2};
    struct text path = scope(module), name = joined(path.s, "/split_sizes");

    half[0] = *in;
    half[0].channels /= 2;
    Onnx__NodeProto *n = node(z, "Split", module, in->name, &half[0]);
    half[0].scale = in->scale;
    half[1] = half[0];
    set_name(&half[1], joined(path.s, "/Split_output_1").s);
    n->output = must(realloc(n->output, 2 * sizeof *n->output));
    n->output[n->n_output++] = must(strdup(half[1].name));
    make_int(n, "axis", 1);
    if (z->cfg.opset < 13) {
        make_ints(n, "split", 2, sizes);
    } else {
        integers(z, name.s, 2, sizes);
        add_input(n, name.s);
    }
}

struct zoo_map zoo_shuffle(struct zoo *z, const struct zoo_map *in, const char *module,
                           uint32_t groups)
{
    const int64_t apart[] = {1, groups, in->channels / groups, in->size, in->size};
    const int64_t whole[] = {1, in->channels, in->size, in->size}, perm[] = {0, 2, 1, 3, 4};
    struct zoo_name last = zoo_child(module, "back");
    struct text path = scope(module), a = joined(path.s, "/apart"), w = joined(path.s, "/whole");
    struct zoo_map out = *in;

    integers(z, a.s, 5, apart);
    integers(z, w.s, 4, whole);
    add_input(node(z, "Reshape", module, in->name, &out), a.s);
    struct text name = joined(out.name, "");
    make_ints(node(z, "Transpose", module, name.s, &out), "perm", 5, perm);
    name = joined(out.name, "");
    add_input(node(z, "Reshape", last.s, name.s, &out), w.s);
    out.scale = in->scale;
    return out;
}

struct zoo_map zoo_excite(struct zoo *z, const struct zoo_map *in, const struct zoo_excite *e)
{
    struct zoo_name module[4];

    for (int i = 0; i < 4; i++)
        module[i] = zoo_child(e->path, e->names[i]);
    const struct zoo_conv down = {.module = module[0].s, .out = e->hidden, .kernel = 1,
                                  .stride = 1};
    const struct zoo_conv up = {.module = module[2].s, .out = in->channels, .kernel = 1,
                                .stride = 1};
    struct zoo_map x = zoo_mean(z, in, zoo_child(e->path, "avgpool").s);
    x = zoo_round(z, &x);
    x = zoo_conv(z, &x, &down);
    x = e->relu ? zoo_relu(z, &x, module[1].s) : zoo_round(z, &x);
    if (!e->relu)
        x = zoo_function(z, &x, module[1].s, ZOO_SILU);
    x = zoo_round(z, &x);
    x = zoo_conv(z, &x, &up);
    x = zoo_round(z, &x);
    x = zoo_function(z, &x, module[3].s, e->gate);
    x = zoo_round(z, &x);
    x = zoo_mul(z, in, &x, e->path);
    return zoo_round(z, &x);
}

struct zoo_map zoo_concat(struct zoo *z, const struct zoo_map *in, uint32_t n, const char *module)
{
    struct zoo_map out = in[0];
    double square = 0;
    Onnx__NodeProto *concat = node(z, "Concat", module, "", &out);

    make_int(concat, "axis", 1);
    out.channels = 0;
    out.mean = 0;
    for (uint32_t i = 0; i < n; i++) {
        add_input(concat, in[i].name);
        assert(in[i].size == out.size && in[i].scale == in[0].scale);
        assert(in[i].is_signed == in[0].is_signed);
        out.channels += in[i].channels;
        out.positive &= in[i].positive;
        out.mean += in[i].mean * in[i].channels;
        square += (in[i].sd * in[i].sd + in[i].mean * in[i].mean) * in[i].channels;
    }
    out.mean /= out.channels;
    out.sd = sqrt(square / out.channels - out.mean * out.mean);
    out.scale = in[0].scale;
    return out;
}

struct zoo_map zoo_max_pool(struct zoo *z, const struct zoo_map *in, const char *module,
                            struct zoo_window w)
{
    struct zoo_map out = *in;

    out.size = windows(in->size, w);
    out.mean = in->mean + in->sd;
    Onnx__NodeProto *n = node(z, "MaxPool", module, in->name, &out);
    if (z->cfg.opset >= 10)
        make_int(n, "ceil_mode", w.ceil);
    else
        assert(!w.ceil ||
               out.size == windows(in->size, (struct zoo_window){.kernel = w.kernel,
                                                                 .stride = w.stride,
                                                                 .pad = w.pad}));
    window_attributes(n, w);
    out.scale = in->scale;
    return out;
}

struct zoo_map zoo_average_pool(struct zoo *z, const struct zoo_map *in, const char *module,
                                struct zoo_window w)
{
    struct zoo_map out = *in;

    out.size = windows(in->size, w);
    Onnx__NodeProto *n = node(z, "AveragePool", module, in->name, &out);
    if (z->cfg.opset >= 10)
        make_int(n, "ceil_mode", w.ceil);
    make_int(n, "count_include_pad", 1);
    window_attributes(n, w);
    return out;
}

struct zoo_map zoo_mean(struct zoo *z, const struct zoo_map *in, const char *module)
{
    struct zoo_map out = *in;

    out.size = 1;
    node(z, "GlobalAveragePool", module, in->name, &out);
    return out;
}

struct zoo_map zoo_flatten(struct zoo *z, const struct zoo_map *in)
{
    struct zoo_map out = *in;

    make_int(node(z, "Flatten", "", in->name, &out), "axis", 1);
    out.channels *= in->size * in->size;
    out.size = 1;
    out.flat = true;
    out.scale = in->scale;
    return out;
}

struct zoo_map zoo_dropout(struct zoo *z, const struct zoo_map *in, const char *module)
{
    struct zoo_map out = *in;

    if (z->cfg.form == ZOO_QDQ)
        return out;
    Onnx__NodeProto *n = node(z, "Dropout", module, in->name, &out);
    if (z->cfg.opset < 12) {
        make_float(n, "ratio", 0.5F);
        return out;
    }
    struct text ratio = joined(scope(module).s, "/Constant_output_0");
    scalar(z, ratio.s, 0.5F);
    add_input(n, ratio.s);
    return out;
}

struct zoo_map zoo_gemm(struct zoo *z, const struct zoo_map *in, const char *module, uint32_t out,
                        bool last)
{
    const int64_t dims[] = {out, in->channels, -1};
    struct zoo_map result = {.channels = out, .size = 1, .sd = 1, .flat = true};
    struct affine a = draw(z, in, module, out, in->channels, 1);
    size_t before = z->model->graph->n_node;
    Onnx__NodeProto *n = node(z, "Gemm", module, in->name, &result);

    make_float(n, "alpha", 1);
    make_float(n, "beta", 1);
    make_int(n, "transB", 1);
    add_constants(z, n, in, module, &a, dims, last ? LAST : WITH_BIAS);
    move_behind(z, before);
    affine_release(&a);
    return result;
}

/* ---- Rounding ---- */

static struct zoo_map rounded(struct zoo *z, const struct zoo_map *in, double scale,
                              bool is_signed)
{
    struct zoo_map out = *in;
    struct text q = joined(in->name, "_QuantizeLinear_Output");
    struct text s = joined(in->name, "_scale"), zero = joined(in->name, "_zero_point");
    char inputs[3 * sizeof q];

    if (z->cfg.form != ZOO_QDQ)
        return out;
    out.scale = scale;
    out.is_signed = is_signed;
    scalar(z, s.s, (float)scale);
    constant(z, zero.s, is_signed ? ONNX_TYPE(INT8) : ONNX_TYPE(UINT8), (const int64_t[]){-1}, "",
             1);
    snprintf(inputs, sizeof inputs, "%s %s %s", in->name, s.s, zero.s);
    make_node(z->model, "QuantizeLinear", joined(in->name, "_QuantizeLinear").s, inputs, q.s);
    snprintf(inputs, sizeof inputs, "%s %s %s", q.s, s.s, zero.s);
    set_name(&out, joined(in->name, "_DequantizeLinear_Output").s);
    make_node(z->model, "DequantizeLinear", joined(in->name, "_DequantizeLinear").s, inputs,
              out.name);
    return out;
}

struct zoo_map zoo_round(struct zoo *z, const struct zoo_map *in)
{
    double most = fabs(in->mean) + COVERED * in->sd;

    if (in->scale > 0)
        return rounded(z, in, in->scale, in->is_signed);
    return rounded(z, in, power_of_two(most / (in->positive ? UINT8_MAX : INT8_MAX)),
                   !in->positive);
}

struct zoo_map zoo_round_signed(struct zoo *z, const struct zoo_map *in)
{
    return rounded(z, in, power_of_two(COVERED / INT8_MAX), true);
}

struct zoo_map zoo_round_again(struct zoo *z, const struct zoo_map *in)
{
    return rounded(z, in, in->scale, in->is_signed);
}

void zoo_output(struct zoo *z, const struct zoo_map *in)
{
    const Onnx__GraphProto *g = z->model->graph;
    const int64_t dims[] = {1, in->channels, in->size, in->size};
    const bool first = !g->output[0]->type;
    char name[16] = "output";

    assert(strcmp(g->node[g->n_node - 1]->output[0], in->name) == 0);
    if (!first)
        snprintf(name, sizeof name, "output_%zu", g->n_output);
    make_rename(&g->node[g->n_node - 1]->output[0], name);
    make_output(z->model, first ? NULL : name, in->flat ? 2 : 4, dims);
}
