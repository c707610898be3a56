/* onnx/float/op_window.c -- what slides a window over a map: Conv, QLinearConv and pooling,
 * along one to three axes. Fewer than three are taken for three whose first ones have length 1. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/float/gemm.h"
#include "onnx/float/op.h"

enum { AXES = 3, FIRST = 2 }; // axes 0 and 1 of a map are batch and channel

struct sliding {
    uint32_t n_axis;
    uint32_t in[AXES], out[AXES];
    uint32_t kernel[AXES], stride[AXES], dilation[AXES], before[AXES], after[AXES];
};

static uint64_t reach(const struct sliding *s, int i)
{
    return (uint64_t)(s->kernel[i] - 1) * s->dilation[i] + 1;
}

static enum err out_lengths(const struct float_call *c, struct sliding *s, bool ceil_mode)
{
    for (int i = 0; i < AXES; i++) {
        uint64_t padded = (uint64_t)s->in[i] + s->before[i] + s->after[i];
        if (padded < reach(s, i))
            return FLOAT_REFUSE(c, "a window that reaches over %" PRIu64 " of a padded length of %"
                                PRIu64 ": want a larger map", reach(s, i), padded);
        uint64_t room = padded - reach(s, i), out = room / s->stride[i];
        if (ceil_mode && room % s->stride[i] &&
            (out + 1) * s->stride[i] < (uint64_t)s->in[i] + s->before[i])
            out++; // a last window that begins in the map, or in the padding before it
        s->out[i] = (uint32_t)out + 1;
    }
    return ERR_NONE;
}

/* Padding that makes the output ceil(in / stride), the odd one at the end (UPPER) or the start. */
static void pad_to_same(struct sliding *s, bool upper)
{
    for (int i = 0; i < AXES; i++) {
        uint64_t out = ((uint64_t)s->in[i] + s->stride[i] - 1) / s->stride[i];
        uint64_t need = out ? (out - 1) * s->stride[i] + reach(s, i) : 0;
        uint32_t total = need > s->in[i] ? (uint32_t)(need - s->in[i]) : 0;
        s->before[i] = upper ? total / 2 : total - total / 2;
        s->after[i] = total - s->before[i];
    }
}

static enum err read_pads(const struct float_call *c, struct sliding *s)
{
    char automatic[16] = "NOTSET";
    uint32_t pads[2 * AXES] = {0}, n = s->n_axis, skip = AXES - n;
    enum err e = onnx_attr_text(c->node, "auto_pad", automatic, sizeof automatic, c->msg);

    if (!e)
        e = onnx_attr_sizes(c->node, "pads", pads, 2 * n, 0, c->msg);
    if (e)
        return e;
    if (strcmp(automatic, "SAME_UPPER") == 0 || strcmp(automatic, "SAME_LOWER") == 0) {
        pad_to_same(s, automatic[5] == 'U');
    } else if (strcmp(automatic, "NOTSET") == 0) {
        memcpy(s->before + skip, pads, n * sizeof *pads);
        memcpy(s->after + skip, pads + n, n * sizeof *pads);
    } else if (strcmp(automatic, "VALID") != 0) {
        return FLOAT_REFUSE(c, "auto_pad is \"%s\": want NOTSET, SAME_UPPER, SAME_LOWER or VALID",
                            automatic);
    }
    return ERR_NONE;
}

/* Window over input 0; of `weights`, if there are some, else of attribute kernel_shape. */
static enum err read_sliding(const struct float_call *c, const struct array *weights,
                             struct sliding *s)
{
    const struct array *x = c->in[0];
    int64_t ceil_mode = 0;

    if (x->n_dim < FIRST + 1 || x->n_dim > FIRST + AXES)
        return FLOAT_REFUSE(c, "a map of %" PRIu32 " dimensions: want 3 to 5", x->n_dim);
    *s = (struct sliding){.n_axis = x->n_dim - FIRST};
    uint32_t n = s->n_axis, skip = AXES - n;
    for (uint32_t i = 0; i < AXES; i++)
        s->in[i] = s->kernel[i] = s->stride[i] = s->dilation[i] = 1;
    memcpy(s->in + skip, x->dim + FIRST, n * sizeof *s->in);
    if (weights)
        memcpy(s->kernel + skip, weights->dim + FIRST, n * sizeof *s->kernel);
    enum err e = onnx_attr_sizes(c->node, "kernel_shape", s->kernel + skip, n, 1, c->msg);
    if (!e)
        e = onnx_attr_sizes(c->node, "strides", s->stride + skip, n, 1, c->msg);
    if (!e)
        e = onnx_attr_sizes(c->node, "dilations", s->dilation + skip, n, 1, c->msg);
    for (uint32_t i = 0; i < n && !e; i++)
        if (s->kernel[skip + i] < 1 ||
            (weights && s->kernel[skip + i] != weights->dim[FIRST + i]))
            e = FLOAT_REFUSE(c, "a kernel of %" PRIu32 " along axis %" PRIu32 ": want that of its "
                             "weights, at least 1", s->kernel[skip + i], FIRST + i);
    if (!e)
        e = read_pads(c, s);
    if (!e)
        e = onnx_attr_int(c->node, "ceil_mode", &ceil_mode, c->msg);
    return e ? e : out_lengths(c, s, ceil_mode);
}

static uint64_t volume(const uint32_t length[AXES])
{
    return (uint64_t)length[0] * length[1] * length[2];
}

static enum err out_map(struct float_call *c, const struct sliding *s, int32_t type,
                        uint32_t channels)
{
    uint32_t dim[FIRST + AXES] = {c->in[0]->dim[0], channels};

    memcpy(dim + FIRST, s->out + AXES - s->n_axis, s->n_axis * sizeof *dim);
    return float_out(c, type, c->in[0]->n_dim, dim);
}

/* ---- Convolution ---- */

struct conv {
    struct sliding s;
    uint32_t groups, inputs, outputs; // of one group
    uint32_t padded[AXES];
    float   *map;    // of one group, with its padding
    size_t  *offset; // per weight of an output: into `map`, from the window's first value
    size_t   n_weight;
};

/* Columns of the patch matrix: output positions, the last axis fastest. */
static void fill_patches(const void *source, size_t first, size_t n, float *panel)
{
    const struct conv *v = source;
    const struct sliding *s = &v->s;

    for (size_t done = 0; done < n;) {
        size_t at = first + done, x = at % s->out[2], row = at / s->out[2];
        size_t stretch = s->out[2] - x < n - done ? s->out[2] - x : n - done;
        size_t y = row % s->out[1] * s->stride[1], z = row / s->out[1] * s->stride[0];
        const float *from =
            v->map + (z * v->padded[1] + y) * v->padded[2] + x * s->stride[2];
        float *to = panel + done;
        for (size_t k = 0; k < v->n_weight; k++, to += GEMM_PANEL)
            for (size_t j = 0; j < stretch; j++)
                to[j] = from[v->offset[k] + j * s->stride[2]];
        done += stretch;
    }
}

static void find_offsets(struct conv *v)
{
    const struct sliding *s = &v->s;
    size_t *to = v->offset;

    for (size_t ch = 0; ch < v->inputs; ch++)
        for (size_t z = 0; z < s->kernel[0]; z++)
            for (size_t y = 0; y < s->kernel[1]; y++)
                for (size_t x = 0; x < s->kernel[2]; x++)
                    *to++ = ((ch * v->padded[0] + z * s->dilation[0]) * v->padded[1] +
                             y * s->dilation[1]) * v->padded[2] + x * s->dilation[2];
}

/* The inputs of one group into the middle of v->map, whose rim is zero. */
static void fill_map(const struct conv *v, const float *from)
{
    const struct sliding *s = &v->s;

    for (size_t ch = 0; ch < v->inputs; ch++)
        for (size_t z = 0; z < s->in[0]; z++)
            for (size_t y = 0; y < s->in[1]; y++, from += s->in[2])
                memcpy(v->map + ((ch * v->padded[0] + z + s->before[0]) * v->padded[1] + y +
                                 s->before[1]) * v->padded[2] + s->before[2],
                       from, s->in[2] * sizeof *from);
}

static bool conv_groups(const struct conv *v, const float *x, const float *w, float *out,
                        uint32_t batch)
{
    size_t in_size = v->inputs * volume(v->s.in), out_size = v->outputs * volume(v->s.out);

    for (size_t i = 0; i < (size_t)batch * v->groups; i++) {
        const struct gemm g = {.m = v->outputs, .n = volume(v->s.out), .k = v->n_weight,
                               .a = w + i % v->groups * v->outputs * v->n_weight,
                               .a_row = v->n_weight, .a_column = 1, .fill = fill_patches,
                               .source = v, .c = out + i * out_size};
        fill_map(v, x + i * in_size);
        if (!gemm_run(&g))
            return false;
    }
    return true;
}

static void add_bias(struct array *out, const struct array *bias)
{
    size_t pixels = out->n / ((size_t)out->dim[0] * out->dim[1]);

    for (size_t i = 0; i < out->n; i++)
        out->real[i] += (float)array_get(bias, i / pixels % out->dim[1]);
}

static enum err conv_check(const struct float_call *c, const struct array *x,
                           const struct array *w, const struct array *bias, struct conv *v)
{
    int64_t group = 1;
    enum err e = onnx_attr_int(c->node, "group", &group, c->msg);

    if (e)
        return e;
    if (!x->real || !w->real || w->n_dim != x->n_dim || w->n == 0 || x->n == 0)
        return FLOAT_REFUSE(c, "a map of %" PRIu32 " and weights of %" PRIu32 " dimensions: want "
                            "float values and as many of both, none empty", x->n_dim, w->n_dim);
    if (group < 1 || group > x->dim[1] || w->dim[0] % group || x->dim[1] != w->dim[1] * group ||
        (bias && bias->n != w->dim[0]))
        return FLOAT_REFUSE(c, "%" PRIu32 " channels, weights for %" PRIu32 " outputs and %" PRIu32
                            " channels of each of %" PRId64 " groups: want sizes that agree",
                            x->dim[1], w->dim[0], w->dim[1], group);
    v->groups = (uint32_t)group;
    v->inputs = w->dim[1];
    v->outputs = w->dim[0] / v->groups;
    return ERR_NONE;
}

/* Values of a group's padded map; refuses too many. */
static enum err pad_map(const struct float_call *c, struct conv *v, size_t *size)
{
    uint64_t n = v->inputs;

    for (int i = 0; i < AXES; i++) {
        uint64_t padded = (uint64_t)v->s.in[i] + v->s.before[i] + v->s.after[i];
        if (padded * n > INT32_MAX)
            return FLOAT_REFUSE(c, "a padded map of 2^31 values or more: want a smaller network");
        v->padded[i] = (uint32_t)padded;
        n *= padded;
    }
    *size = n;
    return ERR_NONE;
}

/* c->out = conv(x, w) + bias, float; x has the shape of input 0. */
static enum err convolve(struct float_call *c, const struct array *x, const struct array *w,
                         const struct array *bias)
{
    struct conv v = {0};
    size_t size = 0;
    enum err e = conv_check(c, x, w, bias, &v);

    if (!e)
        e = read_sliding(c, w, &v.s);
    if (!e)
        e = pad_map(c, &v, &size);
    if (!e)
        e = out_map(c, &v.s, x->type, w->dim[0]);
    v.n_weight = v.inputs * volume(v.s.kernel);
    if (!e)
        e = float_work(c, c->out.n * v.n_weight + size * v.groups * x->dim[0]);
    if (e)
        return e;
    v.map = calloc(size + 1, sizeof *v.map);
    v.offset = calloc(v.n_weight, sizeof *v.offset);
    if (v.map && v.offset)
        find_offsets(&v);
    if (!v.map || !v.offset || !conv_groups(&v, x->real, w->real, c->out.real, x->dim[0]))
        e = float_no_memory(c);
    free(v.map);
    free(v.offset);
    if (!e && bias)
        add_bias(&c->out, bias);
    return e;
}

static enum err eval_conv(struct float_call *c)
{
    return convolve(c, c->in[0], c->in[1], float_has(c, 2) ? c->in[2] : NULL);
}

/* x, its scale and zero point; w, the same; y's scale and zero point; bias. */
static enum err eval_qlinear_conv(struct float_call *c)
{
    const struct array *bias = float_has(c, 8) ? c->in[8] : NULL, *w_scale = c->in[4];
    struct array x = {0}, w = {0}, steps = {0};
    enum err e = float_dequantise(c, &(struct float_quantised){0, 1, 2, 1, 0, 0}, &x);

    if (!e)
        e = float_dequantise(c, &(struct float_quantised){3, 4, 5, 0, 0, 0}, &w);
    if (!e && bias) { // in steps of the sum
        if (bias->n != w.dim[0] || !w_scale->real || (w_scale->n != 1 && w_scale->n != bias->n))
            e = FLOAT_REFUSE(c, "%zu biases for %" PRIu32 " outputs: want one each", bias->n,
                             w.dim[0]);
        else if (!array_init(&steps, x.type, 1, w.dim))
            e = float_no_memory(c);
        for (size_t i = 0; i < steps.n; i++)
            steps.real[i] = (float)array_get(bias, i) * c->in[1]->real[0] *
                            w_scale->real[w_scale->n == 1 ? 0 : i];
    }
    if (!e)
        e = convolve(c, &x, &w, bias ? &steps : NULL);
    if (!e)
        e = float_requantise(c, 6, 7);
    array_release(&x);
    array_release(&w);
    array_release(&steps);
    return e;
}

/* ---- Pooling ---- */

struct pool {
    struct sliding s;
    bool   largest, counts_padding;
    bool   counts_beyond; // what ceil_mode adds behind the padding, too
    size_t origin; // of the channel's map, in the input
};

struct tally {
    double largest, sum;
    size_t n;
};

/* Position of tap k of window o along axis i; false in the padding. *inside_padded: in the map and
 * the padding that the node asks for, not behind it. */
static bool tap(const struct sliding *s, int i, size_t o, size_t k, size_t *at, bool *inside_padded)
{
    int64_t p = (int64_t)(o * s->stride[i] + k * s->dilation[i]) - s->before[i];

    *inside_padded = p < (int64_t)s->in[i] + s->after[i];
    *at = (size_t)p;
    return p >= 0 && p < s->in[i];
}

static struct tally look(const struct pool *p, const struct array *x, const size_t o[AXES])
{
    const struct sliding *s = &p->s;
    struct tally t = {-INFINITY, 0, 0};
    size_t at[AXES];
    bool padded[AXES];

    for (size_t z = 0; z < s->kernel[0]; z++)
        for (size_t y = 0; y < s->kernel[1]; y++)
            for (size_t k = 0; k < s->kernel[2]; k++) {
                bool in = tap(s, 0, o[0], z, &at[0], &padded[0]);
                in &= tap(s, 1, o[1], y, &at[1], &padded[1]);
                in &= tap(s, 2, o[2], k, &at[2], &padded[2]);
                padded[0] &= padded[1] && padded[2];
                t.n += in || (p->counts_padding && (padded[0] || p->counts_beyond));
                if (!in)
                    continue;
                double v = array_get(
                    x, p->origin + (at[0] * s->in[1] + at[1]) * s->in[2] + at[2]);
                t.largest = v > t.largest ? v : t.largest;
                t.sum += v;
            }
    return t;
}

static enum err pool(struct float_call *c, struct pool *p)
{
    const struct array *x = c->in[0];
    const struct sliding *s = &p->s;
    enum err e = out_map(c, s, x->type, x->dim[1]);

    if (!e && !p->largest && !x->real)
        e = FLOAT_REFUSE(c, "the mean of %s values: want float", onnx_type_name(x->type));
    if (!e)
        e = float_work(c, c->out.n * volume(s->kernel));
    for (size_t i = 0; i < c->out.n && !e; i++) {
        const size_t o[AXES] = {i / s->out[2] / s->out[1] % s->out[0],
                                i / s->out[2] % s->out[1], i % s->out[2]};
        p->origin = i / volume(s->out) * volume(s->in);
        struct tally t = look(p, x, o);
        if (t.n == 0 || (p->largest && t.largest == -INFINITY && !x->real))
            e = FLOAT_REFUSE(c, "a window that lies in the padding: want less padding");
        else
            array_set(&c->out, i, p->largest ? t.largest : t.sum / (double)t.n);
    }
    return e;
}

static enum err eval_max_pool(struct float_call *c)
{
    struct pool p = {.largest = true};
    int64_t order = 0;
    enum err e = onnx_attr_int(c->node, "storage_order", &order, c->msg); // of a second output

    if (!e)
        e = read_sliding(c, NULL, &p.s);
    return e ? e : pool(c, &p);
}

static enum err eval_average_pool(struct float_call *c)
{
    struct pool p = {0};
    int64_t count = 0;
    enum err e = onnx_attr_int(c->node, "count_include_pad", &count, c->msg);

    p.counts_padding = count;
    p.counts_beyond = !onnx_is_own_domain(c->node->proto->domain); // ONNX Runtime's, of bytes
    if (!e)
        e = read_sliding(c, NULL, &p.s);
    return e ? e : pool(c, &p);
}

/* A window of the map's own size. */
static enum err pool_all(struct float_call *c, bool largest)
{
    struct pool p = {.largest = largest};
    enum err e = read_sliding(c, NULL, &p.s);

    if (e)
        return e;
    memcpy(p.s.kernel, p.s.in, sizeof p.s.kernel);
    e = out_lengths(c, &p.s, false);
    return e ? e : pool(c, &p);
}

static enum err eval_global_average_pool(struct float_call *c)
{
    return pool_all(c, false);
}

static enum err eval_global_max_pool(struct float_call *c)
{
    return pool_all(c, true);
}

#define WINDOW "auto_pad kernel_shape pads strides"

const struct float_operator float_ops_window[] = {
    {"Conv",              2, 3, WINDOW " dilations group", eval_conv},
    {"QLinearConv",       8, 9, WINDOW " dilations group", eval_qlinear_conv},
    {"MaxPool",           1, 1, WINDOW " ceil_mode:10 dilations:10 storage_order:8", eval_max_pool},
    {"AveragePool",       1, 1, WINDOW " ceil_mode:10 count_include_pad:7 dilations:19",
     eval_average_pool},
    {"GlobalAveragePool", 1, 1, "", eval_global_average_pool},
    {"GlobalMaxPool",     1, 1, "", eval_global_max_pool},
    {0},
};
