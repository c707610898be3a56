/* onnx/float/op_function.c -- functions of one real number: Sigmoid, Tanh, LeakyRelu and their
 * like. A row of the table below is one: its name, what it computes, its attributes.
 *
 * In single precision, operation by operation as ONNX defines them; exponentials and their like are
 * taken in double and rounded once. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "onnx/float/op.h"

enum { MOST_ATTRIBUTES = 2 };

struct function {
    const char *name;
    float     (*of)(float x, const float *a); // a: the attributes
    struct {
        const char *name;
        float       v; // where it is left out
    } attribute[MOST_ATTRIBUTES];
};

static float above(float x, float least)
{
    return x < least ? least : x; // NaN stays
}

static float below(float x, float most)
{
    return x > most ? most : x;
}

static float sigmoid(float x)
{
    return (float)(1 / (1 + exp(-(double)x)));
}

static float softplus(float x)
{
    return above(x, 0) + (float)log1p(exp(-fabs((double)x)));
}

static float of_abs(float x, const float *a) { return (void)a, fabsf(x); }
static float of_neg(float x, const float *a) { return (void)a, -x; }
static float of_exp(float x, const float *a) { return (void)a, (float)exp((double)x); }
static float of_cos(float x, const float *a) { return (void)a, (float)cos((double)x); }
static float of_sin(float x, const float *a) { return (void)a, (float)sin((double)x); }
static float of_log(float x, const float *a) { return (void)a, (float)log((double)x); }
static float of_erf(float x, const float *a) { return (void)a, (float)erf((double)x); }
static float of_sqrt(float x, const float *a) { return (void)a, (float)sqrt((double)x); }
static float of_tanh(float x, const float *a) { return (void)a, (float)tanh((double)x); }
static float of_reciprocal(float x, const float *a) { return (void)a, 1 / x; }
static float of_sigmoid(float x, const float *a) { return (void)a, sigmoid(x); }
static float of_softplus(float x, const float *a) { return (void)a, softplus(x); }
static float of_softsign(float x, const float *a) { return (void)a, x / (1 + fabsf(x)); }
static float of_sign(float x, const float *a) { return (void)a, x > 0 ? 1 : x < 0 ? -1 : x; }
static float of_swish(float x, const float *a) { return x * sigmoid(a[0] * x); }
static float of_leaky(float x, const float *a) { return x < 0 ? a[0] * x : x; }
static float of_thresholded(float x, const float *a) { return x > a[0] ? x : 0; }

static float of_hard_sigmoid(float x, const float *a)
{
    return above(below(a[0] * x + a[1], 1), 0);
}

static float of_hard_swish(float x, const float *a)
{
    const float sixth = 1.0F / 6, half = 0.5F;

    (void)a;
    return x * above(below(sixth * x + half, 1), 0);
}

static float of_elu(float x, const float *a)
{
    return x < 0 ? a[0] * (float)expm1((double)x) : x;
}

static float of_celu(float x, const float *a)
{
    return above(x, 0) + below(a[0] * (float)expm1((double)(x / a[0])), 0);
}

static float of_selu(float x, const float *a)
{
    return a[1] * of_elu(x, a);
}

static float of_mish(float x, const float *a)
{
    return (void)a, x * (float)tanh((double)softplus(x));
}

static float of_gelu(float x, const float *a)
{
    return (void)a, (float)((double)x / 2 * (1 + erf((double)x * 0.70710678118654752)));
}

/* The form with approximate = "tanh". */
static float of_gelu_tanh(float x, const float *a)
{
    const double root = 0.79788456080286536, cubic = 0.044715; // sqrt(2 / pi); Hendrycks, Gimpel
    double v = (double)x;

    (void)a;
    return (float)(v / 2 * (1 + tanh(root * (v + cubic * v * v * v))));
}

static const struct function functions[] = {
    {"Abs",         of_abs, {{0}}},
    {"Celu",        of_celu, {{"alpha", 1}}},
    {"Cos",         of_cos, {{0}}},
    {"Elu",         of_elu, {{"alpha", 1}}},
    {"Erf",         of_erf, {{0}}},
    {"Exp",         of_exp, {{0}}},
    {"Gelu",        of_gelu, {{0}}},
    {"HardSigmoid", of_hard_sigmoid, {{"alpha", 0.2F}, {"beta", 0.5F}}},
    {"HardSwish",   of_hard_swish, {{0}}},
    {"LeakyRelu",   of_leaky, {{"alpha", 0.01F}}},
    {"Log",         of_log, {{0}}},
    {"Mish",        of_mish, {{0}}},
    {"Neg",         of_neg, {{0}}},
    {"QuickGelu",   of_swish, {{"alpha", 1.702F}}},
    {"Reciprocal",  of_reciprocal, {{0}}},
    {"Selu",        of_selu, {{"alpha", 1.67326319217681884765625F},
                              {"gamma", 1.05070102214813232421875F}}},
    {"Sigmoid",     of_sigmoid, {{0}}},
    {"Sign",        of_sign, {{0}}},
    {"Sin",         of_sin, {{0}}},
    {"Softplus",    of_softplus, {{0}}},
    {"Softsign",    of_softsign, {{0}}},
    {"Sqrt",        of_sqrt, {{0}}},
    {"Swish",       of_swish, {{"alpha", 1}}},
    {"Tanh",        of_tanh, {{0}}},
    {"ThresholdedRelu", of_thresholded, {{"alpha", 1}}},
};

/* QLinearSigmoid and its like are the same functions, between bytes. */
static const struct function *find(const char *name)
{
    const size_t n = sizeof "QLinear" - 1;

    name += strncmp(name, "QLinear", n) == 0 ? n : 0;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].name, name) == 0)
            return &functions[i];
    return NULL;
}

static enum err read_attributes(const struct float_call *c, const struct function *f,
                                float a[MOST_ATTRIBUTES])
{
    enum err e = ERR_NONE;

    for (int i = 0; i < MOST_ATTRIBUTES && f->attribute[i].name && !e; i++) {
        double v = (double)f->attribute[i].v;
        e = onnx_attr_float(c->node, f->attribute[i].name, &v, c->msg);
        a[i] = (float)v;
    }
    return e;
}

static enum err map(struct float_call *c, float (*of)(float, const float *), const float *a)
{
    const struct array *x = c->in[0];

    if (!x->real)
        return FLOAT_REFUSE(c, "reads %s: want float", onnx_type_name(x->type));
    enum err e = float_out(c, x->type, x->n_dim, x->dim);
    for (size_t i = 0; i < x->n && !e; i++)
        c->out.real[i] = of(x->real[i], a);
    return e;
}

static enum err eval_function(struct float_call *c)
{
    const struct function *f = find(c->node->proto->op_type); // the table's own name
    float a[MOST_ATTRIBUTES] = {0};
    enum err e = read_attributes(c, f, a);

    return e ? e : map(c, f->of, a);
}

/* Neg and Abs are there for integers too, where shapes are computed. */
static enum err eval_signed(struct float_call *c)
{
    const struct array *x = c->in[0];
    bool negates = c->node->proto->op_type[0] == 'N';

    if (x->real)
        return eval_function(c);
    enum err e = float_out(c, x->type, x->n_dim, x->dim);
    for (size_t i = 0; i < x->n && !e; i++) {
        uint64_t v = (uint64_t)x->integer[i];
        bool turns = negates || x->integer[i] < 0;
        c->out.integer[i] = array_wrap(x->type, (int64_t)(turns ? 0 - v : v));
    }
    return e;
}

static enum err eval_gelu(struct float_call *c)
{
    char how[8] = "none";
    enum err e = onnx_attr_text(c->node, "approximate", how, sizeof how, c->msg);

    if (!e && strcmp(how, "none") != 0 && strcmp(how, "tanh") != 0)
        e = FLOAT_REFUSE(c, "approximate is \"%s\": want none or tanh", how);
    return e ? e : map(c, how[0] == 't' ? of_gelu_tanh : of_gelu, NULL);
}

const struct float_operator float_ops_function[] = {
    {"Abs",         1, 1, "", eval_signed},
    {"Celu",        1, 1, "alpha", eval_function},
    {"Cos",         1, 1, "", eval_function},
    {"Elu",         1, 1, "alpha", eval_function},
    {"Erf",         1, 1, "", eval_function},
    {"Exp",         1, 1, "", eval_function},
    {"Gelu",        1, 1, "approximate", eval_gelu},
    {"HardSigmoid", 1, 1, "alpha beta", eval_function},
    {"HardSwish",   1, 1, "", eval_function},
    {"LeakyRelu",   1, 1, "alpha", eval_function},
    {"Log",         1, 1, "", eval_function},
    {"Mish",        1, 1, "", eval_function},
    {"Neg",         1, 1, "", eval_signed},
    {"QuickGelu",   1, 1, "alpha", eval_function},
    {"Reciprocal",  1, 1, "", eval_function},
    {"Selu",        1, 1, "alpha gamma", eval_function},
    {"Sigmoid",     1, 1, "", eval_function},
    {"Sign",        1, 1, "", eval_function},
    {"Sin",         1, 1, "", eval_function},
    {"Softplus",    1, 1, "", eval_function},
    {"Softsign",    1, 1, "", eval_function},
    {"Sqrt",        1, 1, "", eval_function},
    {"Swish",       1, 1, "alpha", eval_function},
    {"Tanh",        1, 1, "", eval_function},
    {"ThresholdedRelu", 1, 1, "alpha", eval_function},
    {0},
};
